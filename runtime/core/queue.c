// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Queues: the scheduler between a program's jobs and the room in a device's ring.
 * Jobs that find no room wait in a list that is linked through them, and go to the
 * device in bulk as completions make room. Order on a matrix and fences are the
 * device's work; all that is needed here is to keep the order of submission. The
 * first of the list may be a run of a graph of which a part is with the device.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/fence.h"
#include "core/graph.h"
#include "core/job.h"

#define DEFAULT_DEPTH 256
#define PRIORITY_MAX 3
/* Completions that are taken from the backend at once; on the stack. */
#define REAP_MAX 64

int mrt_queue_new(struct mrt_dev *dev, const struct mho_queue_opts *opts, struct mrt_queue **out)
{
	struct mrt_queue_request req = {
		.depth = 1,
		.priority = opts->priority,
		.ring = opts->ring,
		.ring_user_data = opts->ring_user_data,
	};
	uint32_t depth = opts->depth ? opts->depth : DEFAULT_DEPTH;
	struct mrt_queue *queue;
	int err;

	if (!opts->depth && depth > dev->info.queue_depth)
		depth = dev->info.queue_depth;
	if (depth > dev->info.queue_depth)
		return mrt_fail(-EINVAL,
				"a queue of depth %u is wanted; this device allows 1 to %u", depth,
				dev->info.queue_depth);
	if (req.priority > PRIORITY_MAX)
		return mrt_fail(-EINVAL, "a queue of priority %u is wanted; allowed are 0 to %d",
				req.priority, PRIORITY_MAX);
	while (req.depth < depth)
		req.depth *= 2;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return mrt_fail(-ENOMEM, "out of memory for a queue");
	queue->dev = dev;
	queue->depth = req.depth;
	mrt_link_init(&queue->runs);
	mrt_link_init(&queue->binds);
	err = dev->ops->queue_create(dev->bdev, &req, &queue->bqueue);
	if (err) {
		free(queue);
		return err;
	}
	queue->trace = mrt_trace_queue_new(dev->trace, queue->bqueue);
	queue->bqueue->trace = queue->trace;
	pthread_mutex_lock(&dev->lock);
	mrt_link_add(&dev->queues, &queue->link);
	pthread_mutex_unlock(&dev->lock);
	*out = queue;
	return 0;
}

void mrt_queue_finished(struct mrt_queue *queue, struct mho_job *run)
{
	mrt_jobs_append(&queue->finished, run);
}

void mrt_queue_hold(struct mrt_queue *queue, struct mho_job *gate)
{
	mrt_jobs_append(&queue->backlog, gate);
}

/* Runs are ended as a whole, by mrt_bind_free(). */
static void drop(void *cookie)
{
	if (!mrt_is_run(cookie))
		mrt_job_end(cookie);
}

void mrt_queue_free(struct mrt_queue *queue)
{
	struct mrt_dev *dev = queue->dev;
	struct mho_job *job;

	pthread_mutex_lock(&dev->lock);
	mrt_link_del(&queue->link);
	pthread_mutex_unlock(&dev->lock);
	mrt_bind_detach(queue);
	dev->ops->queue_destroy(queue->bqueue, drop);
	while ((job = mrt_jobs_pop(&queue->backlog)))
		if (job->op == MRT_OP_GATE)
			mrt_gate_free(job);
		else if (!mrt_run_has_begun(job))
			mrt_job_end(job);
	mrt_bind_free(queue);
	mrt_trace_queue_end(queue->trace);
	free(queue);
}

static int push(struct mrt_queue *queue, struct mho_job *job)
{
	struct mrt_cmd cmd;
	int err;

	mrt_job_translate(job, &cmd);
	err = queue->dev->ops->push(queue->bqueue, &cmd, job);
	if (err)
		return err;
	queue->inflight++;
	queue->alone++;
	mrt_trace_pushed(queue->trace, job, 1);
	return 0;
}

/* 0 if all of a job is with the device, or even done. */
static int hand_over(struct mrt_queue *queue, struct mho_job *job)
{
	if (job->op == MRT_OP_GATE)
		return mrt_gate_pass(job);
	return job->op == MHO_OP_GRAPH ? mrt_run_issue(queue, job) : push(queue, job);
}

/* A function of a graph must not use the queue that it is called for. */
static int check_calling(const struct mrt_queue *queue, const char *what)
{
	if (!queue->calling)
		return 0;
	return mrt_fail(-EBUSY, "%s: a function of a graph uses the queue that the graph runs on",
			what);
}

/* Of a run, its jobs are traced when they are handed over. */
static void trace_job(struct mrt_queue *queue, const struct mho_job *job)
{
	struct mrt_trace_job_info info;

	if (!queue->trace || job->op == MHO_OP_GRAPH)
		return;
	mrt_job_describe(job, &info);
	mrt_trace_put_job(queue->trace, job, &info);
}

void mrt_queue_add(struct mrt_queue *queue, struct mho_job *job)
{
	trace_job(queue, job);
	queue->pending++;
	if (queue->backlog.first || hand_over(queue, job))
		mrt_jobs_append(&queue->backlog, job);
}

void mrt_queue_kick(struct mrt_queue *queue)
{
	queue->dev->ops->kick(queue->bqueue);
}

int mrt_queue_submit(struct mrt_queue *queue, struct mho_job *const *jobs, uint32_t n)
{
	uint64_t begin = mrt_trace_begin(queue->trace);
	uint32_t i;
	int err = 0;

	for (i = 0; i < n; i++) {
		err = mrt_job_begin(queue->dev, jobs[i]);
		if (err)
			break;
		mrt_queue_add(queue, jobs[i]);
	}
	mrt_queue_kick(queue);
	mrt_trace_end(queue->trace, MRT_TRACE_SUBMIT, begin, i);
	return i || !err ? (int)i : err;
}

/* Moves what fits from the backlog to the device. */
static void refill(struct mrt_queue *queue)
{
	struct mho_job *job = queue->backlog.first, *next;

	if (!job)
		return;
	for (; job; job = next) {
		/* Once handed over, a job's link must not be needed any more. */
		next = mrt_job_next(job);
		if (hand_over(queue, job))
			break;
		queue->backlog.first = next;
	}
	queue->dev->ops->kick(queue->bqueue);
}

static void finish(struct mho_job *job, const struct mrt_done *done)
{
	mrt_job_end(job);
	job->status = done->status;
	job->result = done->result;
	job->detail = done->detail;
	job->device_ns = done->device_ns;
	job->energy_fj = done->energy_fj;
}

static uint32_t take_finished(struct mrt_queue *queue, struct mho_job **jobs, uint32_t max)
{
	uint32_t n = 0;

	while (n < max && queue->finished.first)
		jobs[n++] = mrt_jobs_pop(&queue->finished);
	return n;
}

/* What has completed: jobs to @jobs, the runs among them to the finished. Number of jobs. */
static uint32_t sort_out(struct mrt_queue *queue, const struct mrt_done *done, uint32_t got,
			 struct mho_job **jobs)
{
	uint32_t n = 0;

	queue->inflight -= got;
	for (uint32_t i = 0; i < got; i++) {
		if (mrt_is_run(done[i].cookie)) {
			mrt_run_done(queue, &done[i]);
			continue;
		}
		jobs[n++] = done[i].cookie;
		mrt_trace_reaped(queue->trace, done[i].cookie, &done[i]);
		finish(done[i].cookie, &done[i]);
	}
	queue->alone -= n;
	return n;
}

/* Takes what is there, without waiting. Number, or -EIO. */
static int take(struct mrt_queue *queue, struct mho_job **jobs, uint32_t max)
{
	struct mrt_done done[REAP_MAX];
	uint32_t n = take_finished(queue, jobs, max), want;
	int got = 0;

	while (n < max) {
		want = max - n < REAP_MAX ? max - n : REAP_MAX;
		got = queue->dev->ops->reap(queue->bqueue, done, want);
		if (got < 0)
			break;
		n += sort_out(queue, done, got, jobs + n);
		refill(queue);
		n += take_finished(queue, jobs + n, max - n);
		if ((uint32_t)got < want)
			break;
	}
	queue->pending -= n;
	return n || got >= 0 ? (int)n : got;
}

/* For how many completions to sleep: those that are wanted, but never until the device is idle. */
static uint32_t sleep_for(const struct mrt_queue *queue, uint32_t wanted)
{
	uint32_t n = wanted < queue->inflight ? wanted : queue->inflight;
	uint32_t runs = mrt_run_sleep(queue);

	if (runs)
		return queue->alone ? 1 : runs;
	if (queue->backlog.first && n > queue->inflight / 2)
		n = queue->inflight / 2;
	return n ? n : 1;
}

static int wait_for(struct mrt_queue *queue, uint32_t wanted, uint64_t deadline)
{
	if (queue->backlog.first && queue->backlog.first->op == MRT_OP_GATE)
		return mrt_gate_wait(queue, deadline);
	return queue->dev->ops->wait(queue->bqueue, sleep_for(queue, wanted), deadline);
}

static int reap(struct mrt_queue *queue, struct mho_job **jobs, uint32_t max, uint32_t min,
		int64_t timeout_ns)
{
	uint32_t pending = queue->pending, n = 0;
	uint64_t deadline = 0;
	int got, err = 0;

	if (min > max)
		min = max;
	if (min > pending)
		min = pending;
	for (;;) {
		got = take(queue, jobs + n, max - n);
		if (got < 0)
			return n ? (int)n : got;
		n += got;
		if (n >= min || timeout_ns == 0 || err || queue->told)
			break;
		if (!deadline)
			deadline = mrt_deadline(timeout_ns);
		err = wait_for(queue, min - n, deadline);
		if (err && err != -ETIME)
			return n ? (int)n : err;
	}
	queue->told = false;
	if (n || !max)
		return n;
	/* Nothing is there: from now on the fd tells when something comes. */
	got = queue->dev->ops->arm(queue->bqueue);
	return got > 0 ? take(queue, jobs, max) : got;
}

int mrt_queue_reap(struct mrt_queue *queue, struct mho_job **jobs, uint32_t max, uint32_t min,
		   int64_t timeout_ns)
{
	uint64_t begin = mrt_trace_begin(queue->trace);
	int n = reap(queue, jobs, max, min, timeout_ns);

	if (n > 0)
		mrt_trace_end(queue->trace, MRT_TRACE_REAP, begin, (uint32_t)n);
	return n;
}

int mho_queue_create(struct mho_dev *handle, const struct mho_queue_opts *opts,
		     struct mho_queue **out)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_queue_create");
	struct mho_queue_opts o;
	struct mrt_queue *queue;
	int err;

	if (!dev)
		return -EINVAL;
	if (!out)
		return mrt_fail(-EINVAL,
				"mho_queue_create: there is no place for the queue (out is NULL)");
	err = mrt_copy_in(&o, sizeof(o), opts, sizeof(o), "struct mho_queue_opts");
	if (err)
		return err;
	for (unsigned int i = 0; i < sizeof(o.reserved) / sizeof(*o.reserved); i++)
		if (o.reserved[i])
			return mrt_fail(-EINVAL, "struct mho_queue_opts: reserved is not zero; "
						 "begin with MHO_INIT(struct mho_queue_opts)");
	err = mrt_queue_new(dev, &o, &queue);
	if (err)
		return err;
	queue->handle = mrt_handle_new(MRT_QUEUE, queue, handle);
	if (!queue->handle) {
		mrt_queue_free(queue);
		return mrt_fail(-ENOMEM, "out of memory for the handle of a queue");
	}
	*out = queue->handle;
	return 0;
}

void mho_queue_destroy(struct mho_queue *handle)
{
	struct mrt_queue *queue;

	if (!handle)
		return;
	queue = mrt_handle_take(handle, MRT_QUEUE, "mho_queue_destroy");
	if (queue)
		mrt_queue_free(queue);
}

int mho_queue_submit(struct mho_queue *handle, struct mho_job *const *jobs, uint32_t n)
{
	struct mrt_queue *queue = mrt_handle_get(handle, MRT_QUEUE, "mho_queue_submit");
	int err;

	if (!queue)
		return -EINVAL;
	if (n > INT32_MAX || (n && !jobs))
		return mrt_fail(-EINVAL, "mho_queue_submit: %u jobs at %p cannot be submitted", n,
				(const void *)jobs);
	err = check_calling(queue, "mho_queue_submit");
	return err ? err : mrt_queue_submit(queue, jobs, n);
}

int mho_queue_reap(struct mho_queue *handle, struct mho_job **jobs, uint32_t max, uint32_t min,
		   int64_t timeout_ns)
{
	struct mrt_queue *queue = mrt_handle_get(handle, MRT_QUEUE, "mho_queue_reap");
	int err;

	if (!queue)
		return -EINVAL;
	if (max && !jobs)
		return mrt_fail(-EINVAL,
				"mho_queue_reap: there is no room for %u jobs (jobs is NULL)", max);
	err = check_calling(queue, "mho_queue_reap");
	if (err)
		return err;
	return mrt_queue_reap(queue, jobs, max < INT32_MAX ? max : INT32_MAX, min, timeout_ns);
}

uint32_t mho_queue_pending(const struct mho_queue *handle)
{
	struct mrt_queue *queue = mrt_handle_get(handle, MRT_QUEUE, "mho_queue_pending");

	return queue ? queue->pending : 0;
}

int mho_queue_fd(struct mho_queue *handle)
{
	struct mrt_queue *queue = mrt_handle_get(handle, MRT_QUEUE, "mho_queue_fd");

	return queue ? queue->dev->ops->fd(queue->bqueue) : -EINVAL;
}
