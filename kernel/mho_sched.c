// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Between jobs and the queue: DRM's scheduler, one for each context, so that contexts share no
 * lock. One submission is one scheduler job whatever the number of its commands; its credits are
 * the commands. Jobs that wait for nothing and signal nothing do not need it (mho_submit.c).
 *
 * A time-out does not stop the scheduler: the queue itself keeps what is in flight, in order, and
 * can hand it to the device again. So the job that was late is failed or not, and goes back to the
 * scheduler's list like any other.
 */
#include <linux/dma-fence.h>

#include <drm/drm_drv.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_job.h"

static struct mho_job *mho_sched_job(struct drm_sched_job *base)
{
	return container_of(base, struct mho_job, base);
}

/* No allocation and no sleeping lock here: others wait for what this starts. */
static struct dma_fence *mho_sched_run(struct drm_sched_job *base)
{
	struct mho_job *job = mho_sched_job(base);
	struct mho_device *mdev = job->ctx->client->mdev;
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
	ret = mho_job_push(job);
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

static enum drm_gpu_sched_stat mho_sched_timedout(struct drm_sched_job *base)
{
	mho_timeout_check(mho_sched_job(base)->ctx);
	return mho_sched_no_hang(base);
}

static void mho_sched_free(struct drm_sched_job *base)
{
	struct mho_job *job = mho_sched_job(base);

	mho_sched_pass(base->s_fence, job->ctx->client->mdev->past);
	drm_sched_job_cleanup(base);
	mho_job_release(job);
}

static const struct drm_sched_backend_ops mho_sched_ops = {
	.run_job = mho_sched_run,
	.timedout_job = mho_sched_timedout,
	.free_job = mho_sched_free,
};

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
		.timeout = ctx->timeout,
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
	return ret;
}
