// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * How long the device may keep an interrupt back, by queue: not at all while few commands are in
 * flight, since somebody waits for each; under load until a quarter of them is done, but never
 * longer than coalesce_us. Changed by a work item, since that takes an admin command.
 *
 * Not lib/dim: it tries settings and keeps what makes completions come faster, because a network
 * device cannot know what is about to arrive. We know what is in flight. And by chance it delays
 * the interrupts of a queue that has one command at a time.
 */
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/moduleparam.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "mho_coalesce.h"
#include "mho_device.h"
#include "mho_queue.h"

/* Interrupts after which the setting is judged, and the shortest time between two changes. */
#define MHO_COALESCE_SAMPLES 64
#define MHO_COALESCE_PAUSE (HZ / 4)
/* Interrupts with nothing else in flight, after which it is judged at once. */
#define MHO_COALESCE_ALONE 2
#define MHO_COALESCE_MAX 32

static ushort coalesce_us = 100;
module_param(coalesce_us, ushort, 0644);
MODULE_PARM_DESC(coalesce_us, "longest that the interrupt of a busy queue is delayed, us (0: not at all; default: 100)");

static bool mho_coalesce_allowed(struct mho_queue *queue)
{
	return queue->mdev->limits.features & MHO_HW_CAP_COALESCE;
}

/**
 * mho_coalesce_set() - the settings, as the device gets them
 * @queue: queue; the admin lock is held
 * @create: where they go
 */
void mho_coalesce_set(struct mho_queue *queue, struct mho_hw_queue_create *create)
{
	struct mho_coalesce *c = &queue->coalesce;

	if (c->count <= 1)
		return;
	create->coalesce_count = cpu_to_le16(c->count);
	create->coalesce_us = cpu_to_le16(c->us);
}

static void mho_coalesce_modify(struct mho_queue *queue)
{
	struct mho_coalesce *c = &queue->coalesce;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_QUEUE_MODIFY,
		.queue = cpu_to_le16(queue->id),
		.queue_create.priority = queue->priority,
	};
	u16 us = READ_ONCE(coalesce_us);

	c->count = us ? READ_ONCE(c->wanted) : 1;
	c->us = us;
	c->changes++;
	mho_coalesce_set(queue, &sqe.queue_create);
	if (mho_admin_run(queue->mdev, &sqe, NULL))
		drm_dbg(&queue->mdev->drm, "queue %u: coalescing not changed\n", queue->id);
}

static void mho_coalesce_work(struct work_struct *work)
{
	struct mho_queue *queue = container_of(work, struct mho_queue, coalesce.work);
	struct mho_device *mdev = queue->mdev;
	int idx;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return;
	mutex_lock(&mdev->admin.lock);
	/* A queue that is stopped will be made anew, or is on its way out. */
	if (queue->id && !queue->stopped && !queue->lost && !mdev->admin.dead)
		mho_coalesce_modify(queue);
	mutex_unlock(&mdev->admin.lock);
	drm_dev_exit(idx);
}

/**
 * mho_coalesce_init() - begin without delay
 * @queue: queue
 */
void mho_coalesce_init(struct mho_queue *queue)
{
	queue->coalesce.count = 1;
	queue->coalesce.wanted = 1;
	queue->coalesce.changed = jiffies;
	INIT_WORK(&queue->coalesce.work, mho_coalesce_work);
}

/**
 * mho_coalesce_fini() - no more changes
 * @queue: queue that is lost, so that nobody asks for one any more
 */
void mho_coalesce_fini(struct mho_queue *queue)
{
	cancel_work_sync(&queue->coalesce.work);
}

/* What the commands of the last interrupts call for. */
static u16 mho_coalesce_judge(const struct mho_coalesce *c, ktime_t now)
{
	u64 ns = ktime_to_ns(ktime_sub(now, c->begin));
	u64 in_time = div64_u64((u64)c->done * READ_ONCE(coalesce_us) * NSEC_PER_USEC, ns ?: 1);
	u32 quarter = c->depth / c->samples / 4;
	u32 count = min3(quarter, (u32)min_t(u64, in_time, U16_MAX), (u32)MHO_COALESCE_MAX);

	/* Two are not worth the trouble of waiting. */
	return count < 4 ? 1 : rounddown_pow_of_two(count);
}

static void mho_coalesce_begin(struct mho_coalesce *c, ktime_t now)
{
	c->begin = now;
	c->samples = 0;
	c->done = 0;
	c->depth = 0;
	c->alone = 0;
}

static void mho_coalesce_want(struct mho_queue *queue, u16 count)
{
	struct mho_coalesce *c = &queue->coalesce;

	WRITE_ONCE(c->wanted, count);
	c->changed = jiffies;
	queue_work(queue->mdev->reset_wq, &c->work);
}

/**
 * mho_coalesce_sample() - completions have been taken
 * @queue: queue, not stopped; its lock is held
 * @done: how many
 * @left: commands that are still in flight
 */
void mho_coalesce_sample(struct mho_queue *queue, unsigned int done, unsigned int left)
{
	struct mho_coalesce *c = &queue->coalesce;
	ktime_t now;
	u16 count;

	if (!mho_coalesce_allowed(queue))
		return;
	c->samples++;
	c->done += done;
	c->depth += done + left;
	c->alone = done + left == 1 ? c->alone + 1 : 0;
	if (c->wanted > 1 && c->alone >= MHO_COALESCE_ALONE) {
		mho_coalesce_want(queue, 1);
		mho_coalesce_begin(c, ktime_get());
		return;
	}
	if (c->samples < MHO_COALESCE_SAMPLES)
		return;
	now = ktime_get();
	count = mho_coalesce_judge(c, now);
	/* By a factor of two it may go up and down for ever. */
	if ((count > 2 * c->wanted || 2 * count < c->wanted) &&
	    time_after(jiffies, c->changed + MHO_COALESCE_PAUSE))
		mho_coalesce_want(queue, count);
	mho_coalesce_begin(c, now);
}
