// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * What is done about a queue that makes no progress, and who notices: the scheduler for the jobs
 * that it has, and a watchdog for all others and for faults. Both come here, and both on the
 * device's reset workqueue, one after the other.
 *
 * Guilty is whose turn it was: the group with the oldest command in flight. It is named by its
 * number, since it may be done, and gone, at any moment.
 */
#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "mho_client.h"
#include "mho_device.h"
#include "mho_dump.h"
#include "mho_trace.h"

/* Where the device gives no limit, in ms. */
#define MHO_COMMAND_MS 10000

static unsigned int timeout_ms;
module_param(timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "time after which a command without progress is hung, ms (0: the device's own)");

/**
 * mho_timeout_ms() - after what time without progress a command is hung
 * @mdev: device
 *
 * Return: ms.
 */
unsigned int mho_timeout_ms(struct mho_device *mdev)
{
	return timeout_ms ?: mdev->limits.command_ms ?: MHO_COMMAND_MS;
}

static enum mho_verdict mho_timeout_judge(struct mho_ctx *ctx, u64 seqno)
{
	struct mho_queue *queue = &ctx->queue;

	if (mho_queue_reap(queue))
		atomic_inc(&queue->mdev->lost_irqs);
	if (!seqno || mho_queue_oldest(queue) != seqno)
		return MHO_VERDICT_DONE;
	if (mho_queue_slow(queue, ctx->timeout))
		return MHO_VERDICT_SLOW;
	return READ_ONCE(queue->faulted) ? MHO_VERDICT_FAULT : MHO_VERDICT_HUNG;
}

/**
 * mho_timeout_check() - look whether a context makes progress; if not, reset its queue
 * @ctx: context
 */
void mho_timeout_check(struct mho_ctx *ctx)
{
	struct mho_device *mdev = ctx->client->mdev;
	struct mho_queue *queue = &ctx->queue;
	u64 seqno = mho_queue_oldest(queue);
	enum mho_verdict verdict;
	int idx;

	if (!drm_dev_enter(&mdev->drm, &idx)) {
		trace_mho_timeout(queue, seqno, MHO_VERDICT_GONE);
		mho_queue_fail(queue, -ENODEV);
		return;
	}
	verdict = mho_timeout_judge(ctx, seqno);
	trace_mho_timeout(queue, seqno, verdict);
	if (verdict < MHO_VERDICT_HUNG)
		goto out;
	mutex_lock(&mdev->admin.lock);
	/* Nothing is done while the function is being reset: that is not the job's fault. */
	if (mho_queue_oldest(queue) == seqno && !mho_reset_away(mdev)) {
		atomic_inc(&ctx->guilty);
		drm_dbg(&mdev->drm, "queue %u: no progress, reset\n", queue->id);
		mho_coredump_take(mdev, verdict == MHO_VERDICT_FAULT ? "a fault stopped a queue" :
				  "a job hung", ctx, seqno);
		if (queue->id && mho_queue_reset(queue, seqno, queue->faulted ? -EIO : -ETIME))
			mho_reset_locked(mdev, ctx, seqno);
		mho_coredump_send(mdev);
	}
	mutex_unlock(&mdev->admin.lock);
out:
	drm_dev_exit(idx);
}

static void mho_timeout_work(struct work_struct *work)
{
	struct mho_ctx *ctx = container_of(work, struct mho_ctx, watchdog.work);
	struct workqueue_struct *wq = ctx->client->mdev->reset_wq;
	unsigned long left = READ_ONCE(ctx->queue.last_done) + ctx->timeout - jiffies;

	if (!READ_ONCE(ctx->queue.faulted) && (long)left > 0) {
		if (mho_queue_oldest(&ctx->queue))
			queue_delayed_work(wq, &ctx->watchdog, left);
		return;
	}
	mho_timeout_check(ctx);
	if (mho_queue_oldest(&ctx->queue))
		mho_timeout_watch(ctx);
}

/**
 * mho_timeout_arm() - set the watchdog; any context
 * @ctx: context, not closed
 */
void mho_timeout_arm(struct mho_ctx *ctx)
{
	queue_delayed_work(ctx->client->mdev->reset_wq, &ctx->watchdog, ctx->timeout);
}

/* A queue that the device has stopped need not wait for its time-out. */
static void mho_timeout_fault(struct mho_queue *queue)
{
	struct mho_ctx *ctx = container_of(queue, struct mho_ctx, queue);

	mod_delayed_work(queue->mdev->reset_wq, &ctx->watchdog, 0);
}

/**
 * mho_timeout_init() - give a context its watchdog; cancel_delayed_work_sync() ends it
 * @ctx: context whose queue the device does not have yet
 */
void mho_timeout_init(struct mho_ctx *ctx)
{
	ctx->timeout = msecs_to_jiffies(mho_timeout_ms(ctx->client->mdev));
	INIT_DELAYED_WORK(&ctx->watchdog, mho_timeout_work);
	ctx->queue.fault = mho_timeout_fault;
}
