// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Between jobs and the queue: DRM's scheduler, one for each context, so that contexts share no
 * lock. One submission is one scheduler job whatever the number of its commands; its credits are
 * the commands, so the ring never overflows.
 *
 * A time-out does not stop the scheduler: the queue itself keeps what is in flight, in order, and
 * can hand it to the device again. So the job that was late is failed or not, and goes back to the
 * scheduler's list like any other.
 */
#include <linux/dma-fence.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_dump.h"
#include "mho_job.h"
#include "mho_trace.h"

/* Where the device gives no limit, in ms. */
#define MHO_COMMAND_MS 10000

static unsigned int timeout_ms;
module_param(timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "time after which a command without progress is hung, ms (0: the device's own)");

static struct mho_job *to_mho_job(struct drm_sched_job *base)
{
	return container_of(base, struct mho_job, base);
}

/**
 * mho_sched_timeout_ms() - after what time without progress a command is hung
 * @mdev: device
 *
 * Return: ms.
 */
unsigned int mho_sched_timeout_ms(struct mho_device *mdev)
{
	return timeout_ms ?: mdev->limits.command_ms ?: MHO_COMMAND_MS;
}

static unsigned long mho_sched_timeout(struct mho_device *mdev)
{
	return msecs_to_jiffies(mho_sched_timeout_ms(mdev));
}

/* No allocation and no sleeping lock here: others wait for what this starts. */
static struct dma_fence *mho_sched_run(struct drm_sched_job *base)
{
	struct mho_job *job = to_mho_job(base);
	struct mho_ctx *ctx = job->ctx;
	struct mho_device *mdev = ctx->client->mdev;
	struct dma_fence *fence;
	int idx, ret;

	ret = base->s_fence->finished.error;
	if (!ret && !drm_dev_enter(&mdev->drm, &idx))
		ret = -ENODEV;
	if (ret) {
		mho_job_cancel(job, ret);
		return ERR_PTR(ret);
	}
	mho_job_fence_init(job);
	fence = dma_fence_get(&job->fence->base);
	ret = mho_queue_push(&ctx->queue, &job->group, job->cmds, job->count);
	drm_dev_exit(idx);
	if (!ret)
		return fence;
	/* Nobody knows the fence; it goes with the job. */
	dma_fence_set_error(fence, ret);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	mho_job_cancel(job, ret);
	return ERR_PTR(ret);
}

/* Asks the scheduler's own fence: the hardware's is initialised only when the job is run. */
static bool mho_sched_done(struct drm_sched_job *base)
{
	return dma_fence_is_signaled(&base->s_fence->finished);
}

static enum mho_verdict mho_sched_judge(struct mho_job *job)
{
	struct mho_queue *queue = &job->ctx->queue;
	struct mho_device *mdev = queue->mdev;

	if (mho_queue_reap(queue))
		atomic_inc(&mdev->lost_irqs);
	if (mho_sched_done(&job->base))
		return MHO_VERDICT_DONE;
	if (mho_queue_slow(queue, mho_sched_timeout(mdev)))
		return MHO_VERDICT_SLOW;
	return READ_ONCE(queue->faulted) ? MHO_VERDICT_FAULT : MHO_VERDICT_HUNG;
}

static enum drm_gpu_sched_stat mho_sched_timedout(struct drm_sched_job *base)
{
	struct mho_job *job = to_mho_job(base);
	struct mho_ctx *ctx = job->ctx;
	struct mho_device *mdev = ctx->client->mdev;
	enum mho_verdict verdict;
	int idx;

	if (!drm_dev_enter(&mdev->drm, &idx)) {
		trace_mho_timeout(&ctx->queue, &job->group, MHO_VERDICT_GONE);
		mho_queue_fail(&ctx->queue, -ENODEV);
		return mho_sched_no_hang(base);
	}
	verdict = mho_sched_judge(job);
	trace_mho_timeout(&ctx->queue, &job->group, verdict);
	if (verdict < MHO_VERDICT_HUNG)
		goto out;
	mutex_lock(&mdev->admin.lock);
	/* Nothing is done while the function is being reset: that is not the job's fault. */
	if (!mho_sched_done(base) && !mho_reset_away(mdev)) {
		atomic_inc(&ctx->guilty);
		drm_dbg(&mdev->drm, "queue %u: no progress, reset\n", ctx->queue.id);
		mho_coredump_take(mdev, verdict == MHO_VERDICT_FAULT ? "a fault stopped a queue" :
				  "a job hung", ctx, &job->group);
		if (ctx->queue.id && mho_queue_reset(&ctx->queue, &job->group,
						     ctx->queue.faulted ? -EIO : -ETIME))
			mho_reset_locked(mdev, ctx, &job->group);
		mho_coredump_send(mdev);
	}
	mutex_unlock(&mdev->admin.lock);
out:
	drm_dev_exit(idx);
	return mho_sched_no_hang(base);
}

static void mho_sched_free(struct drm_sched_job *base)
{
	struct mho_job *job = to_mho_job(base);

	mho_sched_pass(base->s_fence, job->ctx->client->mdev->past);
	drm_sched_job_cleanup(base);
	mho_job_release(job);
}

static const struct drm_sched_backend_ops mho_sched_ops = {
	.run_job = mho_sched_run,
	.timedout_job = mho_sched_timedout,
	.free_job = mho_sched_free,
};

static void mho_sched_fault(struct mho_queue *queue)
{
	drm_sched_fault(&container_of(queue, struct mho_ctx, queue)->sched);
}

/**
 * mho_sched_setup() - give a context its scheduler
 * @ctx: context with a queue
 *
 * Return: 0 or -errno.
 */
int mho_sched_setup(struct mho_ctx *ctx)
{
	struct mho_device *mdev = ctx->client->mdev;
	struct drm_sched_init_args args = {
		.ops = &mho_sched_ops,
		.num_rqs = DRM_SCHED_PRIORITY_COUNT,
		.credit_limit = mho_queue_size(&ctx->queue) - 1,
		.timeout = mho_sched_timeout(mdev),
		.timeout_wq = mdev->reset_wq,
		.name = "mho",
		.dev = mdev->drm.dev,
	};
	struct drm_gpu_scheduler *sched = &ctx->sched;
	int ret;

	ctx->fence_context = dma_fence_context_alloc(1);
	ret = mho_sched_init(sched, &args);
	if (ret)
		return ret;
	ret = drm_sched_entity_init(&ctx->entity, DRM_SCHED_PRIORITY_NORMAL, &sched, 1, NULL);
	if (ret)
		drm_sched_fini(sched);
	else
		WRITE_ONCE(ctx->queue.fault, mho_sched_fault);
	return ret;
}
