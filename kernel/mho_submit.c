// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * What SUBMIT means, by ioctl and by io_uring: parses arguments and syncobjs, and hands on the job
 * that the job layer makes of them. A job that waits for nothing and signals nothing goes straight
 * to the queue, unless jobs that were submitted before it are still with the scheduler.
 */
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/drm_syncobj.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_gem.h"
#include "mho_job.h"
#include "mho_trace.h"
#include "mho_uring.h"

/**
 * struct mho_out_sync - a syncobj to signal
 * @syncobj: the syncobj
 * @chain: for a timeline point, else NULL
 * @point: that point
 */
struct mho_out_sync {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
};

static bool mho_sync_valid(const struct drm_mho_sync *sync)
{
	if (sync->flags & ~DRM_MHO_SYNC_TIMELINE)
		return false;
	return sync->flags & DRM_MHO_SYNC_TIMELINE ? !!sync->point : !sync->point;
}

static int mho_submit_in_syncs(struct mho_job *job, struct drm_file *file,
			       const struct drm_mho_submit *args)
{
	const struct drm_mho_sync __user *user = u64_to_user_ptr(args->in_syncs);
	struct drm_mho_sync sync;
	unsigned int i;
	int ret;

	for (i = 0; i < args->in_sync_count; i++) {
		if (copy_from_user(&sync, &user[i], sizeof(sync)))
			return -EFAULT;
		if (!mho_sync_valid(&sync))
			return -EINVAL;
		ret = drm_sched_job_add_syncobj_dependency(&job->base, file, sync.handle,
							   sync.point);
		if (ret)
			return ret;
	}
	return 0;
}

static void mho_submit_free_out(struct mho_out_sync *out, unsigned int count)
{
	unsigned int i;

	for (i = 0; out && i < count; i++) {
		if (out[i].syncobj)
			drm_syncobj_put(out[i].syncobj);
		dma_fence_chain_free(out[i].chain);
	}
	kfree(out);
}

/* All that is needed to signal, so that nothing can fail once the job has been armed. */
static struct mho_out_sync *mho_submit_out_syncs(struct drm_file *file,
						 const struct drm_mho_submit *args)
{
	const struct drm_mho_sync __user *user = u64_to_user_ptr(args->out_syncs);
	struct mho_out_sync *out;
	struct drm_mho_sync sync;
	unsigned int i;
	int ret;

	if (!args->out_sync_count)
		return NULL;
	out = kcalloc(args->out_sync_count, sizeof(*out), GFP_KERNEL_ACCOUNT);
	if (!out)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < args->out_sync_count; i++) {
		ret = -EFAULT;
		if (copy_from_user(&sync, &user[i], sizeof(sync)))
			goto err_free;
		ret = -EINVAL;
		if (!mho_sync_valid(&sync))
			goto err_free;
		ret = -ENOENT;
		out[i].syncobj = drm_syncobj_find(file, sync.handle);
		if (!out[i].syncobj)
			goto err_free;
		out[i].point = sync.point;
		if (!sync.point)
			continue;
		ret = -ENOMEM;
		out[i].chain = dma_fence_chain_alloc();
		if (!out[i].chain)
			goto err_free;
	}
	return out;

err_free:
	mho_submit_free_out(out, args->out_sync_count);
	return ERR_PTR(ret);
}

static void mho_submit_signal(struct mho_out_sync *out, unsigned int count,
			      struct dma_fence *fence)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (out[i].chain) {
			drm_syncobj_add_point(out[i].syncobj, out[i].chain, fence, out[i].point);
			out[i].chain = NULL;
		} else {
			drm_syncobj_replace_fence(out[i].syncobj, fence);
		}
	}
}

/* Jobs at addresses of the program's. */
static int mho_submit_cmds(struct mho_job *job, struct drm_file *file,
			   const struct drm_mho_submit *args)
{
	const void __user *user = u64_to_user_ptr(args->jobs);
	struct drm_mho_job cmd;
	unsigned int i;
	int ret;

	for (i = 0; i < args->job_count; i++) {
		ret = copy_struct_from_user(&cmd, sizeof(cmd), user, args->job_stride);
		if (!ret)
			ret = mho_job_set_cmd(job, file, i, &cmd, 0);
		if (ret)
			return ret;
		user += args->job_stride;
	}
	return 0;
}

/* The job that a command has in its payload. */
static int mho_submit_one(struct mho_job *job, struct drm_file *file,
			  const struct drm_mho_job *one, struct mho_uring_call *call)
{
	int ret = mho_job_set_cmd(job, file, 0, one, call->fixed);

	return ret ?: mho_uring_set_fixed(call, job, one);
}

static int mho_submit_results(struct mho_job *job, struct drm_file *file,
			      const struct drm_mho_submit *args)
{
	int ret;

	if (!args->result_handle)
		return 0;
	ret = mho_job_set_results(job, file, args->result_handle, args->result_offset, job->count);
	if (!ret)
		mho_job_expect(job);
	return ret;
}

/* A context that closes has no entity any more. */
static int mho_submit_init(struct mho_job *job, struct drm_file *file)
{
	struct mho_ctx *ctx = job->ctx;
	int ret;

	ret = mho_job_fence_alloc(job);
	if (ret)
		return ret;
	memset(&job->base, 0, sizeof(job->base));
	ret = -ENOENT;
	mutex_lock(&ctx->submit_lock);
	if (!ctx->closing)
		ret = mho_sched_job_init(&job->base, &ctx->entity, job->count, NULL,
					 file->client_id);
	mutex_unlock(&ctx->submit_lock);
	job->by_scheduler = !ret;
	return ret;
}

/* From the moment that it is held a job may be cancelled, and is run nevertheless, to no effect. */
static int mho_submit_hold(struct mho_job *job)
{
	struct mho_queue *queue = &job->ctx->queue;
	unsigned long flags;
	int ret = 0;

	spin_lock_irqsave(&queue->lock, flags);
	if (job->cancelled) {
		ret = -ECANCELED;
	} else {
		job->group.seqno = ++job->ctx->seqno;
		mho_job_hold(job);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return ret;
}

static int mho_submit_push(struct mho_job *job, struct drm_file *file, struct mho_out_sync *out,
			   unsigned int count, struct mho_uring_call *call)
{
	struct mho_ctx *ctx = job->ctx;
	struct dma_fence *fence;
	int ret;

	mutex_lock(&ctx->submit_lock);
	ret = ctx->closing ? -ENOENT : mho_submit_hold(job);
	if (ret) {
		mutex_unlock(&ctx->submit_lock);
		return ret;
	}
	drm_sched_job_arm(&job->base);
	fence = dma_fence_get(&job->base.s_fence->finished);
	trace_mho_submit(&ctx->queue, &job->group, file->client_id, ctx->handle, job->count);
	mho_uring_trace(call, job);
	mho_submit_signal(out, count, fence);
	drm_sched_entity_push_job(&job->base);
	mutex_unlock(&ctx->submit_lock);
	dma_fence_put(fence);
	return 0;
}

/**
 * mho_submit_add() - hand a job straight to the queue
 * @job: job; the queue's lock is held. After success it may be gone.
 * @client_id: of the open file
 * @call: from io_uring, or NULL
 *
 * Return: 0, -ECANCELED, or the error that the queue was lost with.
 */
int mho_submit_add(struct mho_job *job, u64 client_id, struct mho_uring_call *call)
{
	struct mho_ctx *ctx = job->ctx;
	int ret;

	lockdep_assert_held(&ctx->queue.lock);
	if (job->cancelled)
		return -ECANCELED;
	job->group.seqno = ++ctx->seqno;
	trace_mho_submit(&ctx->queue, &job->group, client_id, ctx->handle, job->count);
	if (trace_mho_uring_enabled())
		mho_uring_trace(call, job);
	ret = mho_queue_add(&ctx->queue, &job->group, job->cmds, job->count);
	if (ret)
		return ret;
	mho_timeout_watch(ctx);
	if (call)
		mho_plug_ring(ctx);
	else
		mho_queue_ring(&ctx->queue);
	return 0;
}

static int mho_submit_direct(struct mho_job *job, struct drm_file *file,
			     struct mho_uring_call *call)
{
	struct mho_ctx *ctx = job->ctx;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&ctx->queue.lock, flags);
	ret = mho_submit_add(job, file->client_id, call);
	spin_unlock_irqrestore(&ctx->queue.lock, flags);
	return ret && READ_ONCE(ctx->closing) ? -ENOENT : ret;
}

/**
 * mho_submit_scheduled() - hand a job to the scheduler, only to keep its place behind others
 * @job: job
 * @file: open file
 * @call: from io_uring
 *
 * Return: 0, -ENOMEM, -ENOENT, -ECANCELED; then the job can be released.
 */
int mho_submit_scheduled(struct mho_job *job, struct drm_file *file, struct mho_uring_call *call)
{
	int ret;

	ret = mho_submit_init(job, file);
	if (ret)
		return ret;
	ret = mho_submit_push(job, file, NULL, 0, call);
	if (ret)
		drm_sched_job_cleanup(&job->base);
	return ret;
}

/* From here on the command hears of everything. */
static void mho_submit_attach(struct mho_job *job, struct mho_uring_call *call)
{
	struct mho_queue *queue = &job->ctx->queue;
	unsigned long flags;

	mho_uring_mark(call);
	spin_lock_irqsave(&queue->lock, flags);
	mho_uring_attach(call, job);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static int mho_submit_job(struct mho_ctx *ctx, struct drm_file *file,
			  const struct drm_mho_submit *args, const struct drm_mho_job *one,
			  struct mho_uring_call *call)
{
	struct mho_out_sync *out = NULL;
	struct mho_job *job;
	int ret;

	job = mho_job_alloc(ctx, args->job_count);
	if (!job)
		return -ENOMEM;
	ret = one ? mho_submit_one(job, file, one, call) : mho_submit_cmds(job, file, args);
	if (!ret)
		ret = mho_submit_results(job, file, args);
	if (ret)
		goto err_release;
	/* Whoever knows that another job was submitted before sees it counted here. */
	if (args->in_sync_count || args->out_sync_count || atomic_read(&ctx->scheduled)) {
		ret = mho_submit_init(job, file);
		if (ret)
			goto err_release;
		ret = mho_submit_in_syncs(job, file, args);
		if (ret)
			goto err_cleanup;
		out = mho_submit_out_syncs(file, args);
		if (IS_ERR(out)) {
			ret = PTR_ERR(out);
			goto err_cleanup;
		}
	}
	if (call)
		mho_submit_attach(job, call);
	if (job->by_scheduler)
		ret = mho_submit_push(job, file, out, args->out_sync_count, call);
	else
		ret = mho_submit_direct(job, file, call);
	mho_submit_free_out(out, args->out_sync_count);
	if (!ret)
		return call ? -EIOCBQUEUED : 0;
	if (call) {
		mho_uring_fail(call, job, ret);
		ret = -EIOCBQUEUED;
	}
err_cleanup:
	if (job->by_scheduler)
		drm_sched_job_cleanup(&job->base);
err_release:
	mho_job_release(job);
	return ret;
}

static int mho_submit_check(const struct drm_mho_submit *args)
{
	if (args->flags || args->pad || !args->job_count ||
	    args->job_stride < sizeof(struct drm_mho_job) || args->job_stride > PAGE_SIZE ||
	    args->in_sync_count > DRM_MHO_SYNC_MAX || args->out_sync_count > DRM_MHO_SYNC_MAX ||
	    (!args->in_sync_count && args->in_syncs) ||
	    (!args->out_sync_count && args->out_syncs) ||
	    (!args->result_handle && args->result_offset))
		return -EINVAL;
	return 0;
}

/**
 * mho_submit() - hand jobs to a context
 * @drm: device
 * @file: open file
 * @args: as of SUBMIT; not checked yet
 * @one: the job of @call, if it is not at &drm_mho_submit.jobs
 * @call: the io_uring command that is to hear of the end, or NULL
 *
 * Return: 0 or -errno, as drm/mho_accel.h says; -EIOCBQUEUED: @call hears of everything.
 */
int mho_submit(struct drm_device *drm, struct drm_file *file, const struct drm_mho_submit *args,
	       const struct drm_mho_job *one, struct mho_uring_call *call)
{
	struct mho_client *client = file->driver_priv;
	struct mho_ctx *ctx;
	int idx, ret;

	ret = mho_submit_check(args);
	if (ret)
		return ret;
	ctx = mho_ctx_get(client, args->ctx);
	if (!ctx)
		return -ENOENT;
	ret = -ENODEV;
	if (!drm_dev_enter(drm, &idx))
		goto out_put;
	if (READ_ONCE(client->mdev->wedged) || READ_ONCE(ctx->queue.lost))
		ret = -EIO;
	else if (args->job_count >= mho_queue_size(&ctx->queue))
		ret = -E2BIG;
	else if (READ_ONCE(ctx->waiting) > MHO_WAITING_MAX)
		ret = -EAGAIN;
	else
		ret = mho_submit_job(ctx, file, args, one, call);
	drm_dev_exit(idx);
out_put:
	mho_ctx_put(ctx);
	return ret;
}

/**
 * mho_ioctl_submit() - DRM_IOCTL_MHO_SUBMIT
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file)
{
	return mho_submit(drm, file, data, NULL, NULL);
}
