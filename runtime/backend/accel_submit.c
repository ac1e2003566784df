// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The way in by ioctls: handing jobs over in groups.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drm.h>

#include "backend/accel_queue.h"
#include "backend/accel_seq.h"

static int init(struct accelb_queue *q)
{
	struct accelb_submit *s = &q->submit;
	uint32_t entries = q->mask + 1;

	s->groups = calloc(entries, sizeof(*s->groups));
	s->syncobjs = calloc(entries, sizeof(*s->syncobjs));
	s->handles = calloc(entries, sizeof(*s->handles));
	if (s->groups && s->syncobjs && s->handles)
		return 0;
	return mrt_fail(-ENOMEM, "out of memory for a queue of depth %u", q->depth);
}

static void quit(struct accelb_queue *q)
{
	struct accelb_submit *s = &q->submit;

	for (uint32_t i = s->first_group; i != s->next_group; i++)
		if (accelb_group_at(q, i)->syncobj)
			drmSyncobjDestroy(q->dev->fd, accelb_group_at(q, i)->syncobj);
	while (s->nsyncobjs)
		drmSyncobjDestroy(q->dev->fd, s->syncobjs[--s->nsyncobjs]);
	free(s->groups);
	free(s->syncobjs);
	free(s->handles);
}

static int take_syncobj(struct accelb_queue *q, uint32_t *handle)
{
	if (q->submit.nsyncobjs) {
		*handle = q->submit.syncobjs[--q->submit.nsyncobjs];
		return 0;
	}
	return drmSyncobjCreate(q->dev->fd, 0, handle) ? -errno : 0;
}

int accelb_ask(struct accelb_queue *q, struct accelb_group *g)
{
	int err;

	if (g->asked || !g->syncobj || !g->left)
		return 0;
	err = accelb_event_ask(&q->event, q->dev, g->syncobj);
	g->asked = !err;
	return err;
}

int accelb_submit_jobs(struct accelb_queue *q, const struct drm_mho_job *jobs, uint32_t count,
		       uint64_t result_handle, uint64_t result_offset, uint32_t syncobj)
{
	struct drm_mho_sync done = { .handle = syncobj };
	struct drm_mho_submit args = {
		.ctx = q->ctx,
		.jobs = (uintptr_t)jobs,
		.job_count = count,
		.job_stride = sizeof(*jobs),
		.out_syncs = (uintptr_t)&done,
		.out_sync_count = 1,
		.result_handle = (uint32_t)result_handle,
		.result_offset = result_offset,
	};

	return accelb_ioctl(q->dev->fd, DRM_IOCTL_MHO_SUBMIT, &args);
}

/* A group of jobs from running number @first on. */
static struct accelb_group *begin_group(struct accelb_queue *q, uint32_t first, uint32_t count)
{
	struct accelb_group *g = accelb_group_at(q, q->submit.next_group);

	*g = (struct accelb_group){ .first = first, .count = count, .left = count };
	return g;
}

/* The group is under way, or was refused: then its jobs are done with an error. */
static void end_group(struct accelb_queue *q, struct accelb_group *g, int err)
{
	if (err && g->syncobj) {
		q->submit.syncobjs[q->submit.nsyncobjs++] = g->syncobj;
		g->syncobj = 0;
	}
	q->submit.next_group++;
	for (uint32_t i = 0; err && i < g->count; i++)
		accelb_end_job(q, g->first + i, err);
	if (!err && q->armed)
		err = accelb_ask(q, g);
	/* Also where asking failed: who then looks finds out what is wrong. */
	if (err)
		accelb_event_tell(&q->event);
}

/* Jobs from running number @first on, as one group; what is refused is done with an error. */
static void hand_over(struct accelb_queue *q, const struct drm_mho_job *jobs, uint32_t first,
		      uint32_t count)
{
	struct accelb_group *g = begin_group(q, first, count);
	int err;

	err = take_syncobj(q, &g->syncobj);
	if (!err)
		err = accelb_submit_jobs(q, jobs, count, q->memory.id,
					 (first & q->mask) * sizeof(*q->results), g->syncobj);
	if (err && err != -ENODEV && count > 1) {
		if (g->syncobj)
			q->submit.syncobjs[q->submit.nsyncobjs++] = g->syncobj;
		/* All or none: the others shall not suffer for one. */
		for (uint32_t i = 0; i < count; i++)
			hand_over(q, jobs + i, first + i, 1);
		return;
	}
	end_group(q, g, err);
}

/* Hands over what is staged: the jobs before running number @next. */
static void flush(struct accelb_queue *q, uint32_t next)
{
	uint32_t count = q->submit.nstaged;

	q->submit.nstaged = 0;
	if (count)
		hand_over(q, q->submit.staged, next - count, count);
}

static void push(struct accelb_queue *q, const struct drm_mho_job *job, uint32_t number)
{
	struct accelb_submit *s = &q->submit;

	/* The results of a group lie one behind the other. */
	if (!(number & q->mask) || s->nstaged == ACCELB_GROUP_MAX || s->nstaged == q->depth)
		flush(q, number);
	s->staged[s->nstaged++] = *job;
}

static void push_seq(struct accelb_queue *q, struct accelb_seq_run *run, uint32_t number)
{
	struct accelb_group *g;
	int err;

	flush(q, number);
	g = begin_group(q, number, 1);
	err = take_syncobj(q, &g->syncobj);
	if (!err)
		err = accelb_submit_jobs(q, accelb_seq_fill(run), run->seq->n, run->seq->memory.id,
					 run->slot * run->seq->n * sizeof(*q->results), g->syncobj);
	end_group(q, g, err);
}

static void kick(struct accelb_queue *q)
{
	flush(q, atomic_load(&q->tail));
}

const struct accelb_way accelb_way_ioctl = {
	.init = init,
	.exit = quit,
	.push = push,
	.push_seq = push_seq,
	.kick = kick,
	.reap = accelb_ioctl_reap,
	.wait = accelb_ioctl_wait,
	.arm = accelb_ioctl_arm,
};
