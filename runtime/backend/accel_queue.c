// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Queues of a card: making and ending them, and the entries that jobs have until
 * they are reaped. How jobs reach the driver is for the ways in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/accel_queue.h"
#include "backend/accel_seq.h"

/*
 * Completions so far, for messages: from another thread. Entries before the head are done. A
 * sequence counts when it is reaped: its own results are not to be touched from here.
 */
static uint32_t completions(void *arg)
{
	struct accelb_queue *q = arg;
	uint32_t job = atomic_load(&q->head), n = job, tail = atomic_load(&q->tail);

	for (; job != tail; job++)
		n += accelb_result_is_done(&q->results[job & q->mask]);
	return n;
}

/* ---- making and ending ---- */

static int alloc_entries(struct accelb_queue *q, uint32_t depth)
{
	/* Twice the depth, so that one slow job does not hold back the others at once. */
	uint32_t entries = depth * 2;
	int err;

	q->mask = entries - 1;
	q->entries = calloc(entries, sizeof(*q->entries));
	if (!q->entries)
		return mrt_fail(-ENOMEM, "out of memory for a queue of depth %u", depth);
	err = accelb_mem_alloc(&q->dev->base, entries * sizeof(*q->results), &q->memory);
	q->results = err ? NULL : q->memory.map;
	return err;
}

static void free_queue(struct accelb_queue *q)
{
	if (q->results)
		accelb_mem_free(&q->dev->base, &q->memory);
	free(q->entries);
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

static void destroy_context(struct accelb_queue *q)
{
	struct drm_mho_ctx_destroy args = { .handle = q->ctx };

	/* It fails only where the card is gone; then no job runs, and the context ends with the file. */
	accelb_ioctl(q->dev->fd, DRM_IOCTL_MHO_CTX_DESTROY, &args);
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
	q->way = q->dev->info.io == MHO_IO_URING ? &accelb_way_uring : &accelb_way_ioctl;
	mrt_link_init(&q->seqs);
	/* Who polls before the first reap is told, too. */
	q->armed = true;
	err = alloc_entries(q, req->depth);
	if (err)
		goto free_queue;
	err = accelb_event_init(&q->event, q->dev, req, completions, q);
	if (err)
		goto free_queue;
	err = create_context(q, req);
	if (err)
		goto exit_event;
	err = q->way->init(q);
	if (err)
		goto exit_way;
	*out = &q->base;
	return 0;
exit_way:
	destroy_context(q);
	q->way->exit(q);
exit_event:
	accelb_event_exit(&q->event);
free_queue:
	free_queue(q);
	return err;
}

void accelb_queue_destroy(struct mrt_bqueue *base, void (*drop)(void *cookie))
{
	struct accelb_queue *q = accelb_queue_of(base);

	destroy_context(q);
	q->way->exit(q);
	accelb_event_exit(&q->event);
	for (uint32_t i = 0; i <= q->mask; i++)
		if (q->entries[i].cookie)
			drop(q->entries[i].cookie);
	accelb_seq_free_all(q);
	free_queue(q);
}

/* ---- entries ---- */

void accelb_result_end(struct drm_mho_result *result, int err)
{
	*result = (struct drm_mho_result){ .status = err };
	__atomic_store_n(&result->done, DRM_MHO_RESULT_DONE, __ATOMIC_RELEASE);
}

bool accelb_queue_has_room(struct accelb_queue *q, uint32_t jobs)
{
	return q->inflight + jobs <= q->depth &&
	       atomic_load(&q->tail) - atomic_load(&q->head) <= q->mask;
}

uint32_t accelb_queue_enter(struct accelb_queue *q, void *cookie, struct accelb_seq_run *run)
{
	uint32_t number = atomic_load(&q->tail), entry = number & q->mask;

	q->entries[entry].cookie = cookie;
	q->entries[entry].run = run;
	accelb_result_clear(&q->results[entry]);
	q->inflight += run ? run->seq->n : 1;
	q->pending++;
	/* After the entry, which the thread of the event reads. */
	atomic_store(&q->tail, number + 1);
	return number;
}

bool accelb_is_ready(const struct accelb_queue *q, uint32_t number)
{
	const struct accelb_entry *e = &q->entries[number & q->mask];

	if (!e->cookie)
		return false;
	return e->run ? accelb_seq_is_done(e->run) :
			accelb_result_is_done(&q->results[number & q->mask]);
}

void accelb_take(struct accelb_queue *q, uint32_t number, struct mrt_done *done)
{
	struct accelb_entry *e = &q->entries[number & q->mask];
	struct drm_mho_result *r = &q->results[number & q->mask];

	if (e->run) {
		q->inflight -= e->run->seq->n;
		accelb_seq_take(e->run, done);
		accelb_result_end(r, 0);
	} else {
		q->inflight--;
		*done = (struct mrt_done){
			.status = r->status,
			.result = r->result,
			.detail = r->detail,
			.device_ns = r->device_ns,
			.energy_fj = r->energy_fj,
		};
	}
	q->pending--;
	done->cookie = e->cookie;
	*e = (struct accelb_entry){ 0 };
}

void accelb_end_job(struct accelb_queue *q, uint32_t number, int err)
{
	struct accelb_entry *e = &q->entries[number & q->mask];

	if (accelb_is_ready(q, number) || !e->cookie)
		return;
	if (e->run)
		accelb_seq_end(e->run, err);
	else
		accelb_result_end(&q->results[number & q->mask], err);
}

/* ---- the library's calls ---- */

int accelb_queue_push(struct mrt_bqueue *base, const struct mrt_cmd *cmd, void *cookie)
{
	struct accelb_queue *q = accelb_queue_of(base);
	struct drm_mho_job job;

	if (!accelb_queue_has_room(q, 1))
		return -EAGAIN;
	accelb_translate(cmd, &job);
	q->way->push(q, &job, accelb_queue_enter(q, cookie, NULL));
	return 0;
}

void accelb_queue_kick(struct mrt_bqueue *base)
{
	struct accelb_queue *q = accelb_queue_of(base);

	q->way->kick(q);
}

int accelb_queue_reap(struct mrt_bqueue *base, struct mrt_done *done, uint32_t max)
{
	struct accelb_queue *q = accelb_queue_of(base);

	return q->way->reap(q, done, max);
}

int accelb_queue_wait(struct mrt_bqueue *base, uint32_t n, uint64_t deadline)
{
	struct accelb_queue *q = accelb_queue_of(base);
	int err;

	accelb_event_quiet(&q->event, true);
	err = q->way->wait(q, n, deadline);
	accelb_event_quiet(&q->event, false);
	return err;
}

int accelb_queue_arm(struct mrt_bqueue *base)
{
	struct accelb_queue *q = accelb_queue_of(base);

	return q->way->arm(q);
}

int accelb_queue_fd(struct mrt_bqueue *base)
{
	return accelb_event_fd(&accelb_queue_of(base)->event);
}
