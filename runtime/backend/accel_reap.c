// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Queues of a card: taking results back, and waiting for them.
 */
#include <errno.h>
#include <time.h>

#include "backend/accel_queue.h"

/*
 * Single jobs of a group cannot be waited for. So who waits for fewer than all looks at the results
 * now and then, at first after this time, then after twice as long, and so on.
 */
#define LOOK_MIN_NS 500000ULL
#define LOOK_MAX_NS 16000000ULL
/* How long a driver whose card is gone may take to end its jobs. */
#define GONE_NS 10000000000ULL

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool is_ready(const struct accelb_queue *q, uint32_t job)
{
	return q->cookies[job & q->mask] && accelb_is_done(q, job);
}

/* ---- taking back ---- */

static void take(struct accelb_queue *q, uint32_t job, struct mrt_done *done)
{
	const struct drm_mho_result *r = &q->results[job & q->mask];

	*done = (struct mrt_done){
		.cookie = q->cookies[job & q->mask],
		.status = r->status,
		.result = r->result,
		.detail = r->detail,
		.device_ns = r->device_ns,
		.energy_fj = r->energy_fj,
	};
	q->cookies[job & q->mask] = NULL;
	q->inflight--;
}

static uint32_t reap_group(struct accelb_queue *q, struct accelb_group *g, struct mrt_done *done,
			   uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->count && n < max && g->left; i++) {
		if (!is_ready(q, g->first + i))
			continue;
		take(q, g->first + i, &done[n++]);
		g->left--;
	}
	if (!g->left && g->asked) {
		accelb_event_due(&q->event);
		g->asked = false;
	}
	return n;
}

/* Groups without jobs give their syncobj back, and their results to the ring, in order. */
static void retire(struct accelb_queue *q)
{
	for (; q->first_group != q->next_group; q->first_group++) {
		struct accelb_group *g = accelb_group_at(q, q->first_group);

		if (g->left)
			break;
		if (g->syncobj)
			q->syncobjs[q->nsyncobjs++] = g->syncobj;
		g->syncobj = 0;
		atomic_store(&q->head, g->first + g->count);
	}
}

int accelb_queue_reap(struct mrt_bqueue *base, struct mrt_done *done, uint32_t max)
{
	struct accelb_queue *q = accelb_queue_of(base);
	uint32_t n = 0;

	for (uint32_t i = q->first_group; i != q->next_group && n < max; i++)
		if (accelb_group_at(q, i)->left)
			n += reap_group(q, accelb_group_at(q, i), done + n, max - n);
	if (n) {
		q->armed = false;
		retire(q);
	}
	return (int)n;
}

/* Whether @n jobs can be reaped. */
static bool has_ready(const struct accelb_queue *q, uint32_t n)
{
	uint32_t tail = atomic_load(&q->tail), found = 0;

	for (uint32_t job = atomic_load(&q->head); job != tail && found < n; job++)
		found += is_ready(q, job);
	return found >= n;
}

/* Waits for results of a driver whose card is gone, which it writes without being asked. */
static void wait_gone(struct accelb_queue *q)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t end = now_ns() + GONE_NS;

	while (!has_ready(q, 1) && now_ns() < end)
		nanosleep(&pause, NULL);
	if (has_ready(q, 1))
		return;
	for (uint32_t job = atomic_load(&q->head); job != atomic_load(&q->tail); job++)
		if (q->cookies[job & q->mask])
			accelb_end_job(q, job, -ENODEV);
}

int accelb_queue_arm(struct mrt_bqueue *base)
{
	struct accelb_queue *q = accelb_queue_of(base);
	int err = 0;

	accelb_event_drain(&q->event);
	if (has_ready(q, 1))
		return 1;
	q->armed = true;
	for (uint32_t i = q->first_group; i != q->next_group && !err; i++)
		err = accelb_ask(q, accelb_group_at(q, i));
	if (!err)
		return 0;
	if (err == -ENODEV) {
		wait_gone(q);
		return 1;
	}
	return mrt_fail(-EIO, "the card's completions cannot be waited for: %s", mho_strerror(err));
}

/* ---- waiting ---- */

/*
 * What to wait for until about @n jobs are done: any of the groups from that on with which there
 * are so many. *@single tells that a part of that group is enough.
 */
static uint32_t collect(struct accelb_queue *q, uint32_t n, bool *single)
{
	uint32_t handles = 0, sum = 0;

	*single = false;
	for (uint32_t i = q->first_group; i != q->next_group; i++) {
		const struct accelb_group *g = accelb_group_at(q, i);

		sum += g->left;
		if (sum < n || !g->left || !g->syncobj)
			continue;
		*single |= g->left > 1;
		q->handles[handles++] = g->syncobj;
	}
	return handles;
}

static int wait_groups(struct accelb_queue *q, uint32_t n, uint64_t deadline)
{
	uint64_t now, look = LOOK_MIN_NS, until;
	struct drm_syncobj_wait args;
	bool single;
	int err;

	while (!has_ready(q, n)) {
		args = (struct drm_syncobj_wait){ .handles = (uintptr_t)q->handles };
		args.count_handles = collect(q, n, &single);
		if (!args.count_handles)
			return 0;
		now = now_ns();
		if (now >= deadline)
			return -ETIME;
		until = single && deadline - now > look ? now + look : deadline;
		args.timeout_nsec = until < INT64_MAX ? (int64_t)until : INT64_MAX;
		err = accelb_ioctl(q->dev->fd, DRM_IOCTL_SYNCOBJ_WAIT, &args);
		if (err == -ENODEV) {
			wait_gone(q);
			return 0;
		}
		if (err != -ETIME)
			return err;
		look = look < LOOK_MAX_NS ? look * 2 : look;
	}
	return 0;
}

int accelb_queue_wait(struct mrt_bqueue *base, uint32_t n, uint64_t deadline)
{
	struct accelb_queue *q = accelb_queue_of(base);
	int err;

	accelb_event_quiet(&q->event, true);
	err = wait_groups(q, n, deadline);
	accelb_event_quiet(&q->event, false);
	if (err && err != -ETIME)
		return mrt_fail(-EIO, "waiting for the card failed: %s", mho_strerror(err));
	return err;
}

int accelb_queue_fd(struct mrt_bqueue *base)
{
	return accelb_event_fd(&accelb_queue_of(base)->event);
}
