// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Schedulers as programs see them, and all waiting in them: whoever waits drives,
 * unless somebody does already.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/sched.h"

#define DEFAULT_QUEUES 2
#define DEFAULT_BACKLOG 1024
#define BACKLOG_MAX 65536

/* ---- waiting, with the lock ---- */

static void wait_for_others(struct mrt_sched *s, uint64_t deadline)
{
	struct timespec ts = { .tv_sec = (time_t)(deadline / 1000000000),
			       .tv_nsec = (long)(deadline % 1000000000) };

	if (deadline == MRT_FOREVER)
		pthread_cond_wait(&s->changed, &s->lock);
	else
		pthread_cond_timedwait(&s->changed, &s->lock, &ts);
}

static void drive(struct mrt_sched *s, uint64_t deadline)
{
	s->driving = true;
	if (!mrt_sched_step(s) && deadline)
		mrt_sched_sleep(s, deadline);
	s->driving = false;
	pthread_cond_broadcast(&s->changed);
}

static bool is_callback(const struct mrt_sched *s)
{
	return s->calling && pthread_equal(s->caller, pthread_self());
}

/* Takes what has completed, without waiting, if that is not somebody else's. */
static void look(struct mrt_sched *s)
{
	if (!s->driving)
		drive(s, 0);
}

/* Waits for something to change. The caller looks whether it is what it wants. 0 or -ETIME. */
static int wait_once(struct mrt_sched *s, uint64_t deadline)
{
	if (mrt_now_ns() >= deadline)
		return -ETIME;
	/* Nothing would ever come. */
	if (s->nfresh && !s->nissued && !s->opts.batch_ns)
		mrt_sched_flush(s);
	if (s->driving)
		wait_for_others(s, deadline);
	else
		drive(s, deadline);
	return 0;
}

/* ---- making and ending ---- */

static int check_opts(struct mrt_dev *dev, struct mho_sched_opts *o)
{
	for (unsigned int i = 0; i < sizeof(o->reserved) / sizeof(*o->reserved); i++)
		if (o->reserved[i])
			return mrt_fail(-EINVAL, "struct mho_sched_opts: reserved is not zero; "
						 "begin with MHO_INIT(struct mho_sched_opts)");
	if (o->flags & ~(MHO_SCHED_THREAD | MHO_SCHED_STRICT))
		return mrt_fail(-EINVAL, "struct mho_sched_opts: flags are 0x%x; allowed are 0x%x",
				o->flags, MHO_SCHED_THREAD | MHO_SCHED_STRICT);
	if (!o->queues)
		o->queues = DEFAULT_QUEUES;
	if (!o->backlog)
		o->backlog = DEFAULT_BACKLOG;
	if (!o->batch)
		o->batch = 1;
	if (o->queues > MRT_SCHED_QUEUES_MAX)
		return mrt_fail(-EINVAL,
				"a scheduler with %u queues is wanted; allowed are 1 to %u",
				o->queues, MRT_SCHED_QUEUES_MAX);
	if (o->backlog > BACKLOG_MAX || o->batch > o->backlog)
		return mrt_fail(-EINVAL,
				"a backlog of %u jobs and batches of %u are wanted; allowed are a "
				"backlog of 1 to %u and batches up to the backlog",
				o->backlog, o->batch, BACKLOG_MAX);
	if (o->priority >= MRT_SCHED_CLASSES)
		return mrt_fail(-EINVAL,
				"a scheduler of priority %u is wanted; allowed are 0 to %d",
				o->priority, MRT_SCHED_CLASSES - 1);
	if (o->depth > dev->info.queue_depth)
		return mrt_fail(-EINVAL,
				"queues of depth %u are wanted; this device allows 1 to %u",
				o->depth, dev->info.queue_depth);
	return 0;
}

static void init_lists(struct mrt_sched *s)
{
	mrt_link_init(&s->link);
	mrt_link_init(&s->idle);
	mrt_link_init(&s->live);
	mrt_link_init(&s->fences);
	mrt_link_init(&s->barriers);
	mrt_link_init(&s->fresh);
	for (int i = 0; i < MRT_SCHED_CLASSES; i++)
		mrt_link_init(&s->ready[i]);
	for (uint32_t i = 0; i < s->nbuckets; i++)
		mrt_link_init(&s->buckets[i]);
	for (uint32_t i = 0; i < s->opts.backlog; i++)
		mrt_link_add(&s->idle, &s->units[i].link);
	for (uint32_t i = 0; i < MRT_SCHED_CLASSES * s->opts.queues; i++)
		s->lanes[i].priority = i / s->opts.queues;
}

static void init_lock(struct mrt_sched *s)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static void free_memory(struct mrt_sched *s)
{
	if (s->wake >= 0)
		close(s->wake);
	free(s->lanes);
	free(s->units);
	free(s->buckets);
	free(s);
}

static struct mrt_sched *new_sched(struct mrt_dev *dev, const struct mho_sched_opts *opts)
{
	struct mrt_sched *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->dev = dev;
	s->opts = *opts;
	s->due = MRT_FOREVER;
	for (s->nbuckets = 16; s->nbuckets < 2 * opts->backlog;)
		s->nbuckets *= 2;
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->lanes = calloc((size_t)MRT_SCHED_CLASSES * opts->queues, sizeof(*s->lanes));
	s->units = calloc(opts->backlog, sizeof(*s->units));
	s->buckets = calloc(s->nbuckets, sizeof(*s->buckets));
	if (s->wake < 0 || !s->lanes || !s->units || !s->buckets) {
		free_memory(s);
		return NULL;
	}
	init_lists(s);
	init_lock(s);
	return s;
}

void mrt_sched_free(struct mrt_sched *s)
{
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	mrt_sched_wake(s);
	pthread_mutex_unlock(&s->lock);
	if (s->thread_runs)
		pthread_join(s->thread, NULL);
	pthread_mutex_lock(&s->dev->lock);
	mrt_link_del(&s->link);
	pthread_mutex_unlock(&s->dev->lock);
	mrt_sched_close_queues(s);
	mrt_unit_end_all(s, -ECANCELED);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free_memory(s);
}

static int start(struct mrt_sched *s)
{
	int err = mrt_sched_open_class(s, s->opts.priority);

	if (err || !(s->opts.flags & MHO_SCHED_THREAD))
		return err;
	/* Before it runs: nobody else ever drives. */
	s->driving = true;
	err = pthread_create(&s->thread, NULL, mrt_sched_thread, s);
	if (err)
		return mrt_fail(-err, "no thread for a scheduler: %s", mho_strerror(-err));
	s->thread_runs = true;
	return 0;
}

int mho_sched_create(struct mho_dev *handle, const struct mho_sched_opts *opts,
		     struct mho_sched **out)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_sched_create");
	struct mho_sched_opts o;
	struct mrt_sched *s;
	int err;

	if (!dev)
		return -EINVAL;
	if (!out)
		return mrt_fail(
			-EINVAL,
			"mho_sched_create: there is no place for the scheduler (out is NULL)");
	err = mrt_copy_in(&o, sizeof(o), opts, sizeof(o), "struct mho_sched_opts");
	if (!err)
		err = check_opts(dev, &o);
	if (err)
		return err;
	s = new_sched(dev, &o);
	if (!s)
		return mrt_fail(-ENOMEM, "no memory or no descriptor for a scheduler");
	err = start(s);
	if (err)
		goto free_sched;
	s->handle = mrt_handle_new(MRT_SCHED, s, handle);
	if (!s->handle) {
		err = mrt_fail(-ENOMEM, "out of memory for the handle of a scheduler");
		goto free_sched;
	}
	pthread_mutex_lock(&dev->lock);
	mrt_link_add(&dev->scheds, &s->link);
	pthread_mutex_unlock(&dev->lock);
	*out = s->handle;
	return 0;
free_sched:
	mrt_sched_free(s);
	return err;
}

void mho_sched_destroy(struct mho_sched *handle)
{
	struct mrt_sched *s;

	if (!handle)
		return;
	s = mrt_handle_take(handle, MRT_SCHED, "mho_sched_destroy");
	if (s)
		mrt_sched_free(s);
}

/* ---- jobs ---- */

/* Room for one more job. 0, -EAGAIN, -ETIME. */
static int wait_for_room(struct mrt_sched *s, int64_t timeout_ns, uint64_t deadline)
{
	int err = 0;

	if (!mrt_link_empty(&s->idle))
		return 0;
	mrt_sched_flush(s);
	if (!is_callback(s))
		look(s);
	while (mrt_link_empty(&s->idle) && !err)
		err = !timeout_ns || is_callback(s) ? -EAGAIN : wait_once(s, deadline);
	return err;
}

static int submit_one(struct mrt_sched *s, struct mho_job *job, uint32_t priority)
{
	int err;

	if (job && job->op == MHO_OP_GRAPH)
		return mrt_fail(-EINVAL,
				"GRAPH: a scheduler takes single jobs; submit the run to a "
				"queue");
	err = mrt_job_begin(s->dev, job);
	if (!err)
		mrt_unit_enter(s, job, priority);
	return err;
}

/* With the lock. Number of jobs, or what was wrong with the first one. */
static int submit(struct mrt_sched *s, struct mho_job *const *jobs, uint32_t n, uint32_t priority,
		  int64_t timeout_ns)
{
	uint64_t deadline = mrt_deadline(timeout_ns);
	uint32_t i;
	int err = 0;

	for (i = 0; i < n; i++) {
		err = wait_for_room(s, timeout_ns, deadline);
		/* The queues may have gone while it waited. */
		if (!err)
			err = mrt_sched_open_class(s, priority);
		if (!err)
			err = submit_one(s, jobs[i], priority);
		if (err)
			break;
	}
	mrt_sched_submitted(s);
	return i || !err ? (int)i : err;
}

int mho_sched_submit(struct mho_sched *handle, struct mho_job *const *jobs, uint32_t n,
		     int priority, int64_t timeout_ns)
{
	struct mrt_sched *s = mrt_handle_get(handle, MRT_SCHED, "mho_sched_submit");
	int ret;

	if (!s)
		return -EINVAL;
	if (n > INT32_MAX || (n && !jobs))
		return mrt_fail(-EINVAL, "mho_sched_submit: %u jobs at %p cannot be submitted", n,
				(const void *)jobs);
	if (priority < MHO_SCHED_DEFAULT || priority >= MRT_SCHED_CLASSES)
		return mrt_fail(-EINVAL,
				"mho_sched_submit: priority is %d; allowed are 0 to %d and "
				"MHO_SCHED_DEFAULT",
				priority, MRT_SCHED_CLASSES - 1);
	pthread_mutex_lock(&s->lock);
	ret = submit(s, jobs, n,
		     priority == MHO_SCHED_DEFAULT ? s->opts.priority : (uint32_t)priority,
		     timeout_ns);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static uint32_t take_finished(struct mrt_sched *s, struct mho_job **jobs, uint32_t max)
{
	uint32_t n = 0;

	while (n < max && s->finished.first)
		jobs[n++] = mrt_jobs_pop(&s->finished);
	s->nfinished -= n;
	/* Who waits for jobs that somebody else has taken need not any more. */
	if (n && !s->nfinished && !s->nlive)
		mrt_sched_wake(s);
	return n;
}

static int reap(struct mrt_sched *s, struct mho_job **jobs, uint32_t max, uint32_t min,
		int64_t timeout_ns)
{
	uint64_t deadline = mrt_deadline(timeout_ns);
	uint32_t n = take_finished(s, jobs, max);

	if (n < max) {
		look(s);
		n += take_finished(s, jobs + n, max - n);
	}
	while (n < min && s->nlive + s->nfinished && timeout_ns) {
		if (!s->nfinished && wait_once(s, deadline))
			break;
		n += take_finished(s, jobs + n, max - n);
	}
	return (int)n;
}

int mho_sched_reap(struct mho_sched *handle, struct mho_job **jobs, uint32_t max, uint32_t min,
		   int64_t timeout_ns)
{
	struct mrt_sched *s = mrt_handle_get(handle, MRT_SCHED, "mho_sched_reap");
	int n;

	if (!s)
		return -EINVAL;
	if (max && !jobs)
		return mrt_fail(-EINVAL,
				"mho_sched_reap: there is no room for %u jobs (jobs is NULL)", max);
	if (s->opts.done)
		return mrt_fail(-EINVAL, "mho_sched_reap: this scheduler gives its jobs to a "
					 "function; mho_sched_drain() waits for them");
	if (max > INT32_MAX)
		max = INT32_MAX;
	pthread_mutex_lock(&s->lock);
	n = reap(s, jobs, max, min < max ? min : max, timeout_ns);
	pthread_mutex_unlock(&s->lock);
	return n;
}

int mho_sched_flush(struct mho_sched *handle)
{
	struct mrt_sched *s = mrt_handle_get(handle, MRT_SCHED, "mho_sched_flush");

	if (!s)
		return -EINVAL;
	pthread_mutex_lock(&s->lock);
	mrt_sched_flush(s);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* Jobs that are not done, or of which the program has not been told yet. */
static uint32_t undone(const struct mrt_sched *s)
{
	return s->nlive + (s->opts.done ? s->nfinished + s->delivering : 0);
}

int mho_sched_drain(struct mho_sched *handle, int64_t timeout_ns)
{
	struct mrt_sched *s = mrt_handle_get(handle, MRT_SCHED, "mho_sched_drain");
	uint64_t deadline = mrt_deadline(timeout_ns);
	int err = 0;

	if (!s)
		return -EINVAL;
	pthread_mutex_lock(&s->lock);
	if (is_callback(s)) {
		pthread_mutex_unlock(&s->lock);
		return mrt_fail(-EDEADLK, "mho_sched_drain: it would wait for the function that it "
					  "is called from");
	}
	mrt_sched_flush(s);
	look(s);
	while (undone(s) && !err) {
		/* What has come since is waited for, too. */
		if (s->nfresh)
			mrt_sched_flush(s);
		err = wait_once(s, deadline);
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

uint32_t mho_sched_pending(struct mho_sched *handle)
{
	struct mrt_sched *s = mrt_handle_get(handle, MRT_SCHED, "mho_sched_pending");
	uint32_t n;

	if (!s)
		return 0;
	pthread_mutex_lock(&s->lock);
	n = s->nlive + s->nfinished + s->delivering;
	pthread_mutex_unlock(&s->lock);
	return n;
}

int mho_sched_stat_get(struct mho_sched *handle, struct mho_sched_stat *stat)
{
	struct mrt_sched *s = mrt_handle_get(handle, MRT_SCHED, "mho_sched_stat_get");
	struct mho_sched_stat now;

	if (!s)
		return -EINVAL;
	pthread_mutex_lock(&s->lock);
	now = s->stat;
	now.issued = s->nissued;
	pthread_mutex_unlock(&s->lock);
	return mrt_copy_out(stat, &now, sizeof(now), sizeof(now), "struct mho_sched_stat");
}
