// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A scheduler at work: jobs go to its queues, completions come back, and who drives
 * sleeps on the descriptors of all queues at once.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/sched.h"

/* Completions that are taken from a queue at once; on the stack. */
#define REAP_MAX 64

static uint32_t nlanes(const struct mrt_sched *s)
{
	return MRT_SCHED_CLASSES * s->opts.queues;
}

/* ---- queues ---- */

int mrt_sched_open_class(struct mrt_sched *s, uint32_t priority)
{
	struct mho_queue_opts opts = { .depth = s->opts.depth, .priority = priority };
	struct mrt_lane *lanes = &s->lanes[priority * s->opts.queues];
	int err;

	for (uint32_t i = 0; i < s->opts.queues; i++) {
		if (lanes[i].queue)
			continue;
		err = mrt_queue_new(s->dev, &opts, &lanes[i].queue);
		if (err)
			return err;
		/* Who sleeps does not know its descriptor. */
		mrt_sched_wake(s);
	}
	return 0;
}

void mrt_sched_close_queues(struct mrt_sched *s)
{
	for (uint32_t i = 0; i < nlanes(s); i++) {
		if (s->lanes[i].queue)
			mrt_queue_free(s->lanes[i].queue);
		s->lanes[i].queue = NULL;
		s->lanes[i].dirty = false;
	}
}

void mrt_sched_wake(struct mrt_sched *s)
{
	uint64_t one = 1;

	pthread_cond_broadcast(&s->changed);
	/* It fails only if the counter is full: then it is readable. */
	if (s->sleeping && write(s->wake, &one, sizeof(one)) < 0)
		return;
}

/* ---- handing over ---- */

static struct mrt_unit *next_ready(struct mrt_sched *s)
{
	for (int i = MRT_SCHED_CLASSES - 1; i >= 0; i--)
		if (!mrt_link_empty(&s->ready[i]))
			return mrt_link_entry(s->ready[i].next, struct mrt_unit, link);
	return NULL;
}

static void end_cancelled(struct mrt_sched *s, struct mrt_unit *u)
{
	struct mho_job *job = u->job;

	mrt_job_end(job);
	job->status = -ECANCELED;
	job->result = 0;
	job->detail = u->culprit;
	job->device_ns = 0;
	job->energy_fj = 0;
	mrt_unit_end(s, u);
}

static void issue(struct mrt_sched *s)
{
	struct mrt_unit *u;

	while ((u = next_ready(s))) {
		mrt_link_del(&u->link);
		if (u->cancelled) {
			end_cancelled(s, u);
			continue;
		}
		mrt_queue_add(u->lane->queue, u->job);
		u->lane->dirty = true;
		mrt_unit_issued(s, u);
	}
	for (uint32_t i = nlanes(s); i-- > 0;) {
		if (!s->lanes[i].dirty)
			continue;
		mrt_queue_kick(s->lanes[i].queue);
		s->lanes[i].dirty = false;
		s->stat.kicks++;
	}
}

static void kick(struct mrt_sched *s)
{
	s->kicked = s->stat.submitted;
	s->nfresh = 0;
	s->due = MRT_FOREVER;
	while (!mrt_link_empty(&s->fresh)) {
		struct mrt_unit *u = mrt_link_entry(s->fresh.next, struct mrt_unit, link);

		mrt_link_del(&u->link);
		mrt_link_add(&s->ready[u->lane->priority], &u->link);
	}
}

void mrt_sched_flush(struct mrt_sched *s)
{
	kick(s);
	if (s->opts.flags & MHO_SCHED_THREAD) {
		mrt_sched_wake(s);
		return;
	}
	issue(s);
	/* Jobs that were cancelled, for who waits for them. */
	if (s->finished.first)
		mrt_sched_wake(s);
}

void mrt_sched_submitted(struct mrt_sched *s)
{
	if (s->nfresh >= s->opts.batch) {
		mrt_sched_flush(s);
	} else if (s->nfresh && s->opts.batch_ns && s->due == MRT_FOREVER) {
		s->due = mrt_now_ns() + s->opts.batch_ns;
		mrt_sched_wake(s);
	}
}

/* ---- completions ---- */

/* -EIO: the device has died. Then all jobs end; with new queues, it may live again. */
static bool lose_all(struct mrt_sched *s)
{
	mrt_sched_close_queues(s);
	mrt_unit_end_all(s, -EIO);
	return true;
}

static bool take(struct mrt_sched *s)
{
	struct mho_job *jobs[REAP_MAX];
	bool any = false;
	int n;

	for (uint32_t i = 0; i < nlanes(s); i++) {
		if (!s->lanes[i].queue)
			continue;
		/* 0 is also what makes the queue's descriptor tell of the next one. */
		while ((n = mrt_queue_reap(s->lanes[i].queue, jobs, REAP_MAX, 0, 0)) > 0) {
			any = true;
			for (int j = 0; j < n; j++)
				mrt_unit_end(s, (struct mrt_unit *)(uintptr_t)jobs[j]->internal[4]);
		}
		if (n < 0)
			return lose_all(s);
	}
	return any;
}

/* Tells the program of what is done, if it wants to be told. */
static void deliver(struct mrt_sched *s)
{
	struct mrt_jobs jobs = s->finished;
	struct mho_job *job;

	if (!s->opts.done || !jobs.first)
		return;
	s->finished.first = NULL;
	s->delivering = s->nfinished;
	s->nfinished = 0;
	s->caller = pthread_self();
	s->calling = true;
	pthread_mutex_unlock(&s->lock);
	while ((job = mrt_jobs_pop(&jobs)))
		s->opts.done(s->opts.arg, job);
	pthread_mutex_lock(&s->lock);
	s->calling = false;
	s->delivering = 0;
	pthread_cond_broadcast(&s->changed);
}

bool mrt_sched_step(struct mrt_sched *s)
{
	bool any = take(s);

	if (s->due != MRT_FOREVER && mrt_now_ns() >= s->due)
		kick(s);
	issue(s);
	any |= s->finished.first && s->opts.done;
	if (any)
		pthread_cond_broadcast(&s->changed);
	deliver(s);
	return any;
}

/* ---- sleeping ---- */

void mrt_sched_sleep(struct mrt_sched *s, uint64_t deadline)
{
	struct pollfd fds[1 + MRT_SCHED_CLASSES * MRT_SCHED_QUEUES_MAX];
	uint64_t count;
	nfds_t n = 1;

	if (s->due < deadline)
		deadline = s->due;
	fds[0] = (struct pollfd){ .fd = s->wake, .events = POLLIN };
	for (uint32_t i = 0; i < nlanes(s); i++)
		if (s->lanes[i].queue)
			fds[n++] = (struct pollfd){
				.fd = s->dev->ops->fd(s->lanes[i].queue->bqueue),
				.events = POLLIN,
			};
	s->sleeping = true;
	pthread_mutex_unlock(&s->lock);
	mrt_poll(fds, n, deadline);
	pthread_mutex_lock(&s->lock);
	s->sleeping = false;
	/* It does not block; whether there was a message does not matter. */
	if (fds[0].revents && read(s->wake, &count, sizeof(count)) < 0)
		return;
}

void *mrt_sched_thread(void *sched)
{
	struct mrt_sched *s = sched;

	pthread_mutex_lock(&s->lock);
	while (!s->stop)
		if (!mrt_sched_step(s))
			mrt_sched_sleep(s, MRT_FOREVER);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}
