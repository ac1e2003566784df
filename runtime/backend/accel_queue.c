// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Queues of a card: making them, handing jobs over, ending them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drm.h>

#include "backend/accel_queue.h"

/* Completions so far, for messages: from another thread. Entries before the head are done. */
static uint32_t completions(void *arg)
{
	struct accelb_queue *q = arg;
	uint32_t job = atomic_load(&q->head), n = job, tail = atomic_load(&q->tail);

	for (; job != tail; job++)
		n += accelb_is_done(q, job);
	return n;
}

/* ---- making and ending ---- */

static int alloc_rings(struct accelb_queue *q, uint32_t depth)
{
	/* Twice the depth, so that one slow job does not hold back the others at once. */
	uint32_t entries = depth * 2;
	int err;

	q->mask = entries - 1;
	q->cookies = calloc(entries, sizeof(*q->cookies));
	q->groups = calloc(entries, sizeof(*q->groups));
	q->syncobjs = calloc(entries, sizeof(*q->syncobjs));
	q->handles = calloc(entries, sizeof(*q->handles));
	if (!q->cookies || !q->groups || !q->syncobjs || !q->handles)
		return mrt_fail(-ENOMEM, "out of memory for a queue of depth %u", depth);
	err = accelb_mem_alloc(&q->dev->base, entries * sizeof(*q->results), &q->memory);
	q->results = err ? NULL : q->memory.map;
	return err;
}

static void free_queue(struct accelb_queue *q)
{
	if (q->results)
		accelb_mem_free(&q->dev->base, &q->memory);
	free(q->cookies);
	free(q->groups);
	free(q->syncobjs);
	free(q->handles);
	free(q);
}

static int create_context(struct accelb_queue *q, const struct mrt_queue_request *req)
{
	uint32_t depth = req->depth < q->dev->depth_max ? req->depth : q->dev->depth_max;
	struct drm_mho_ctx_create args = { .priority = req->priority, .depth = depth };
	int err;

	err = accelb_ioctl(q->dev->fd, DRM_IOCTL_MHO_CTX_CREATE, &args);
	if (err == -EACCES)
		return mrt_fail(
			err, "priority %u needs CAP_SYS_NICE; priorities 0 and 1 are open to all",
			req->priority);
	if (err == -ENOSPC)
		return mrt_fail(err,
				"all queues of the card are in use, or this program has its share, "
				"half of %u: destroy one",
				q->dev->info.queues);
	if (err)
		return accelb_fail(err, "making a queue");
	q->ctx = args.handle;
	q->depth = args.depth < depth ? args.depth : depth;
	return 0;
}

int accelb_queue_create(struct mrt_bdev *base, const struct mrt_queue_request *req,
			struct mrt_bqueue **out)
{
	struct accelb_queue *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return mrt_fail(-ENOMEM, "out of memory for a queue");
	q->base.ops = base->ops;
	q->dev = accelb_dev_of(base);
	/* Who polls before the first reap is told, too. */
	q->armed = true;
	err = alloc_rings(q, req->depth);
	if (err)
		goto free_queue;
	err = accelb_event_init(&q->event, q->dev, req, completions, q);
	if (err)
		goto free_queue;
	err = create_context(q, req);
	if (err)
		goto exit_event;
	*out = &q->base;
	return 0;
exit_event:
	accelb_event_exit(&q->event);
free_queue:
	free_queue(q);
	return err;
}

static void destroy_syncobjs(struct accelb_queue *q)
{
	for (uint32_t i = q->first_group; i != q->next_group; i++)
		if (accelb_group_at(q, i)->syncobj)
			drmSyncobjDestroy(q->dev->fd, accelb_group_at(q, i)->syncobj);
	while (q->nsyncobjs)
		drmSyncobjDestroy(q->dev->fd, q->syncobjs[--q->nsyncobjs]);
}

void accelb_queue_destroy(struct mrt_bqueue *base, void (*drop)(void *cookie))
{
	struct accelb_queue *q = accelb_queue_of(base);
	struct drm_mho_ctx_destroy args = { .handle = q->ctx };

	/* It fails only where the card is gone; then no job runs, and the context ends with the file. */
	accelb_ioctl(q->dev->fd, DRM_IOCTL_MHO_CTX_DESTROY, &args);
	accelb_event_exit(&q->event);
	destroy_syncobjs(q);
	for (uint32_t i = 0; i <= q->mask; i++)
		if (q->cookies[i])
			drop(q->cookies[i]);
	free_queue(q);
}

/* ---- handing over ---- */

void accelb_end_job(struct accelb_queue *q, uint32_t job, int err)
{
	struct drm_mho_result *r = &q->results[job & q->mask];

	*r = (struct drm_mho_result){ .status = err };
	__atomic_store_n(&r->done, DRM_MHO_RESULT_DONE, __ATOMIC_RELEASE);
}

static int take_syncobj(struct accelb_queue *q, uint32_t *handle)
{
	if (q->nsyncobjs) {
		*handle = q->syncobjs[--q->nsyncobjs];
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

static int submit(struct accelb_queue *q, const struct drm_mho_job *jobs, struct accelb_group *g)
{
	struct drm_mho_sync done = { 0 };
	struct drm_mho_submit args = {
		.ctx = q->ctx,
		.jobs = (uintptr_t)jobs,
		.job_count = g->count,
		.job_stride = sizeof(*jobs),
		.out_syncs = (uintptr_t)&done,
		.out_sync_count = 1,
		.result_handle = (uint32_t)q->memory.id,
		.result_offset = (g->first & q->mask) * sizeof(*q->results),
	};
	int err;

	err = take_syncobj(q, &g->syncobj);
	if (err)
		return err;
	done.handle = g->syncobj;
	err = accelb_ioctl(q->dev->fd, DRM_IOCTL_MHO_SUBMIT, &args);
	if (!err)
		return 0;
	q->syncobjs[q->nsyncobjs++] = g->syncobj;
	g->syncobj = 0;
	return err;
}

/* Jobs from running number @first on, as one group; what is refused is done with an error. */
static void hand_over(struct accelb_queue *q, const struct drm_mho_job *jobs, uint32_t first,
		      uint32_t count)
{
	struct accelb_group *g = accelb_group_at(q, q->next_group);
	int err;

	*g = (struct accelb_group){ .first = first, .count = count, .left = count };
	err = submit(q, jobs, g);
	if (err && err != -ENODEV && count > 1) {
		/* All or none: the others shall not suffer for one. */
		for (uint32_t i = 0; i < count; i++)
			hand_over(q, jobs + i, first + i, 1);
		return;
	}
	q->next_group++;
	for (uint32_t i = 0; err && i < count; i++)
		accelb_end_job(q, first + i, err);
	if (!err && q->armed)
		err = accelb_ask(q, g);
	/* Also where asking failed: who then looks finds out what is wrong. */
	if (err)
		accelb_event_tell(&q->event);
}

static void flush(struct accelb_queue *q)
{
	uint32_t count = q->nstaged;

	q->nstaged = 0;
	if (count)
		hand_over(q, q->staged, atomic_load(&q->tail) - count, count);
}

int accelb_queue_push(struct mrt_bqueue *base, const struct mrt_cmd *cmd, void *cookie)
{
	struct accelb_queue *q = accelb_queue_of(base);
	uint32_t job = atomic_load(&q->tail), entry = job & q->mask;

	if (q->inflight == q->depth || job - atomic_load(&q->head) > q->mask)
		return -EAGAIN;
	/* The results of a group lie one behind the other. */
	if (!entry || q->nstaged == ACCELB_GROUP_MAX || q->nstaged == q->depth)
		flush(q);
	accelb_translate(cmd, &q->staged[q->nstaged++]);
	q->cookies[entry] = cookie;
	__atomic_store_n(&q->results[entry].done, DRM_MHO_RESULT_PENDING, __ATOMIC_RELAXED);
	q->inflight++;
	/* After the entry, which the thread of the event reads. */
	atomic_store(&q->tail, job + 1);
	return 0;
}

void accelb_queue_kick(struct mrt_bqueue *base)
{
	flush(accelb_queue_of(base));
}
