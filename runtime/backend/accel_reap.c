// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The way in by ioctls: taking results back, and waiting for them.
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

/* ---- taking back ---- */

static uint32_t reap_group(struct accelb_queue *q, struct accelb_group *g, struct mrt_done *done,
			   uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->count && n < max && g->left; i++) {
		if (!accelb_is_ready(q, g->first + i))
			continue;
		accelb_take(q, g->first + i, &done[n++]);
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
	struct accelb_submit *s = &q->submit;

	for (; s->first_group != s->next_group; s->first_group++) {
		struct accelb_group *g = accelb_group_at(q, s->first_group);

		if (g->left)
			break;
		if (g->syncobj)
			s->syncobjs[s->nsyncobjs++] = g->syncobj;
		g->syncobj = 0;
		atomic_store(&q->head, g->first + g->count);
	}
}

int accelb_ioctl_reap(struct accelb_queue *q, struct mrt_done *done, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = q->submit.first_group; i != q->submit.next_group && n < max; i++)
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
		found += accelb_is_ready(q, job);
	return found >= n;
}

/* Waits for results of a driver whose card is gone, which it writes without being asked. */
static void wait_gone(struct accelb_queue *q)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t end = mrt_now_ns() + GONE_NS;

	while (!has_ready(q, 1) && mrt_now_ns() < end)
		nanosleep(&pause, NULL);
	if (has_ready(q, 1))
		return;
	for (uint32_t job = atomic_load(&q->head); job != atomic_load(&q->tail); job++)
		accelb_end_job(q, job, -ENODEV);
}

int accelb_ioctl_arm(struct accelb_queue *q)
{
	int err = 0;

	accelb_event_drain(&q->event);
	if (has_ready(q, 1))
		return 1;
	q->armed = true;
	for (uint32_t i = q->submit.first_group; i != q->submit.next_group && !err; i++)
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
	for (uint32_t i = q->submit.first_group; i != q->submit.next_group; i++) {
		const struct accelb_group *g = accelb_group_at(q, i);

		sum += g->left;
		if (sum < n || !g->left || !g->syncobj)
			continue;
		*single |= g->left > 1;
		q->submit.handles[handles++] = g->syncobj;
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
		args = (struct drm_syncobj_wait){ .handles = (uintptr_t)q->submit.handles };
		args.count_handles = collect(q, n, &single);
		if (!args.count_handles)
			return 0;
		now = mrt_now_ns();
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

int accelb_ioctl_wait(struct accelb_queue *q, uint32_t n, uint64_t deadline)
{
	int err = wait_groups(q, n, deadline);

	if (err && err != -ETIME)
		return mrt_fail(-EIO, "waiting for the card failed: %s", mho_strerror(err));
	return err;
}
