// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * What programs call a context: a hardware queue, the scheduler that feeds it, and their end.
 */
#include <linux/capability.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/mho_accel.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_pm.h"

static_assert(DRM_MHO_PRIORITY_REALTIME == MHO_HW_PRIORITY_MAX);

static void mho_ctx_free(struct kref *ref)
{
	struct mho_ctx *ctx = container_of(ref, struct mho_ctx, ref);
	struct mho_client *client = ctx->client;

	mutex_destroy(&ctx->submit_lock);
	/*
	 * The table and a vector's list are read under RCU, and so is the scheduler's name by
	 * whoever asks a fence for it while it signals.
	 */
	kfree_rcu(ctx, rcu);
	mho_client_put(client);
}

/**
 * mho_ctx_put() - let go of a context
 * @ctx: context
 */
void mho_ctx_put(struct mho_ctx *ctx)
{
	kref_put(&ctx->ref, mho_ctx_free);
}

/**
 * mho_ctx_get() - the context of a handle
 * @client: open file
 * @handle: its handle
 *
 * Return: the context, mho_ctx_put() it; NULL if there is none.
 */
struct mho_ctx *mho_ctx_get(struct mho_client *client, u32 handle)
{
	struct mho_ctx *ctx;

	rcu_read_lock();
	ctx = xa_load(&client->ctxs, handle);
	if (ctx && !kref_get_unless_zero(&ctx->ref))
		ctx = NULL;
	rcu_read_unlock();
	return ctx;
}

/**
 * mho_ctx_free_hw() - give back what the device sees of a context; it has the queue no more
 * @ctx: context; the admin lock is held
 */
void mho_ctx_free_hw(struct mho_ctx *ctx)
{
	lockdep_assert_held(&ctx->client->mdev->admin.lock);
	if (ctx->queue.sq)
		mho_queue_free(&ctx->queue);
}

/**
 * mho_ctx_usage() - what the jobs of a context have cost
 * @ctx: context
 *
 * Return: the counters, that belong together.
 */
struct mho_usage mho_ctx_usage(struct mho_ctx *ctx)
{
	struct mho_usage usage;
	unsigned long flags;

	spin_lock_irqsave(&ctx->queue.lock, flags);
	usage = ctx->usage;
	spin_unlock_irqrestore(&ctx->queue.lock, flags);
	return usage;
}

static void mho_ctx_count(struct mho_ctx *ctx)
{
	struct mho_client *client = ctx->client;

	spin_lock(&client->usage_lock);
	list_add_tail(&ctx->user, &client->users);
	spin_unlock(&client->usage_lock);
}

/* All its jobs are done: the file remembers what they have cost. */
static void mho_ctx_count_past(struct mho_ctx *ctx)
{
	struct mho_client *client = ctx->client;

	spin_lock(&client->usage_lock);
	list_del(&ctx->user);
	mho_usage_add(&client->past, &ctx->usage);
	spin_unlock(&client->usage_lock);
}

/**
 * mho_ctx_close() - abort all jobs and end a context
 * @ctx: context that is in no table any more
 *
 * Who still has a reference sees it closing.
 */
void mho_ctx_close(struct mho_ctx *ctx)
{
	struct mho_device *mdev = ctx->client->mdev;

	mutex_lock(&ctx->submit_lock);
	/* Before it looks at the jobs: mho_job_leave(). */
	WRITE_ONCE(ctx->closing, true);
	mutex_unlock(&ctx->submit_lock);
	drm_sched_entity_fini(&ctx->entity);
	mutex_lock(&mdev->admin.lock);
	list_del_init(&ctx->link);
	mho_queue_delete(&ctx->queue);
	mutex_unlock(&mdev->admin.lock);
	cancel_delayed_work_sync(&ctx->watchdog);
	wait_event(ctx->idle, !READ_ONCE(ctx->jobs));
	/* Who has ended the last one may still hold the lock. */
	spin_lock_irq(&ctx->queue.lock);
	spin_unlock_irq(&ctx->queue.lock);
	mho_coalesce_fini(&ctx->queue);
	mho_prepare_close(ctx);
	mho_ctx_count_past(ctx);
	drm_sched_fini(&ctx->sched);
	mutex_lock(&mdev->admin.lock);
	mho_ctx_free_hw(ctx);
	mutex_unlock(&mdev->admin.lock);
}

static int mho_ctx_create_queue(struct mho_ctx *ctx, unsigned int order, unsigned int priority)
{
	struct mho_device *mdev = ctx->client->mdev;
	int idx, ret;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return -ENODEV;
	ret = mho_queue_alloc(mdev, &ctx->queue, order, priority);
	if (!ret) {
		mutex_lock(&mdev->admin.lock);
		ret = mho_queue_create(&ctx->queue, ctx->client->context);
		if (ret)
			mho_ctx_free_hw(ctx);
		else
			list_add_tail(&ctx->link, &ctx->client->queues);
		mutex_unlock(&mdev->admin.lock);
	}
	drm_dev_exit(idx);
	return ret;
}

static struct mho_ctx *mho_ctx_create(struct mho_client *client, unsigned int order,
				      unsigned int priority)
{
	struct mho_device *mdev = client->mdev;
	struct mho_ctx *ctx;
	int ret;

	ctx = kzalloc_obj(*ctx, GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return ERR_PTR(-ENOMEM);
	kref_get(&client->ref);
	ctx->client = client;
	INIT_LIST_HEAD(&ctx->link);
	kref_init(&ctx->ref);
	mutex_init(&ctx->submit_lock);
	init_waitqueue_head(&ctx->idle);
	INIT_LIST_HEAD(&ctx->prepared);
	INIT_LIST_HEAD(&ctx->held);
	mho_timeout_init(ctx);
	ret = mho_ctx_create_queue(ctx, order, priority);
	if (ret)
		goto err_put;
	ret = mho_sched_setup(ctx);
	if (ret)
		goto err_queue;
	mho_ctx_count(ctx);
	return ctx;

err_queue:
	mutex_lock(&mdev->admin.lock);
	list_del_init(&ctx->link);
	mho_queue_delete(&ctx->queue);
	mho_ctx_free_hw(ctx);
	mutex_unlock(&mdev->admin.lock);
	cancel_delayed_work_sync(&ctx->watchdog);
err_put:
	mho_ctx_put(ctx);
	return ERR_PTR(ret);
}

/**
 * mho_ioctl_ctx_create() - DRM_IOCTL_MHO_CTX_CREATE
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_ctx_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct mho_limits *limits = &client->mdev->limits;
	struct drm_mho_ctx_create *args = data;
	unsigned int order;
	struct mho_ctx *ctx;
	int ret;

	if (args->flags || args->handle || args->priority > DRM_MHO_PRIORITY_REALTIME ||
	    args->depth >= 1U << limits->order_max)
		return -EINVAL;
	if (args->priority > DRM_MHO_PRIORITY_NORMAL && !capable(CAP_SYS_NICE))
		return -EACCES;
	order = min_t(unsigned int, MHO_ORDER_DEFAULT, limits->order_max);
	if (args->depth)
		order = max_t(unsigned int, order_base_2(args->depth + 1), MHO_HW_ORDER_MIN);
	ret = mho_client_need_context(client);
	if (ret)
		return ret;
	mutex_lock(&client->lock);
	/* One file leaves others at least half. */
	if (client->ctx_count >= DIV_ROUND_UP(limits->queues, 2)) {
		ret = -ENOSPC;
		goto out_unlock;
	}
	ctx = mho_ctx_create(client, order, args->priority);
	if (IS_ERR(ctx)) {
		ret = PTR_ERR(ctx);
		goto out_unlock;
	}
	ret = xa_alloc(&client->ctxs, &args->handle, ctx, xa_limit_31b, GFP_KERNEL);
	if (ret) {
		mho_ctx_close(ctx);
		mho_ctx_put(ctx);
		goto out_unlock;
	}
	ctx->handle = args->handle;
	args->depth = mho_queue_size(&ctx->queue) - 1;
	client->ctx_count++;
out_unlock:
	mutex_unlock(&client->lock);
	return ret;
}

/**
 * mho_ioctl_ctx_destroy() - DRM_IOCTL_MHO_CTX_DESTROY
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_ctx_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct drm_mho_ctx_destroy *args = data;
	struct mho_ctx *ctx;

	if (args->pad)
		return -EINVAL;
	ctx = xa_erase(&client->ctxs, args->handle);
	if (!ctx)
		return -ENOENT;
	mho_ctx_close(ctx);
	mho_ctx_put(ctx);
	mutex_lock(&client->lock);
	client->ctx_count--;
	mutex_unlock(&client->lock);
	return 0;
}

static int mho_ctx_reset(struct mho_client *client, u32 handle)
{
	struct mho_device *mdev = client->mdev;
	struct mho_ctx *ctx = mho_ctx_get(client, handle);
	struct mho_queue *queue;
	int ret = -EIO;

	if (!ctx)
		return -ENOENT;
	queue = &ctx->queue;
	mutex_lock(&mdev->admin.lock);
	if (queue->id && !queue->lost)
		ret = mho_queue_reset_all(queue);
	mutex_unlock(&mdev->admin.lock);
	if (ret && ret != -ENODEV)
		mho_reset_schedule(mdev);
	mho_ctx_put(ctx);
	return ret;
}

static int mho_ctx_reset_device(struct mho_device *mdev)
{
	int ret = mho_pm_get(mdev);

	if (ret)
		return ret;
	ret = mho_reset_device(mdev);
	mho_pm_put(mdev);
	return ret;
}

/**
 * mho_ioctl_reset() - DRM_IOCTL_MHO_RESET
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_reset(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct drm_mho_reset *args = data;
	int idx, ret;

	if (args->scope > DRM_MHO_RESET_DEVICE ||
	    (args->scope == DRM_MHO_RESET_DEVICE && args->ctx))
		return -EINVAL;
	if (args->scope == DRM_MHO_RESET_DEVICE && !capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	if (args->scope == DRM_MHO_RESET_CTX)
		ret = mho_ctx_reset(client, args->ctx);
	else
		ret = mho_ctx_reset_device(client->mdev);
	drm_dev_exit(idx);
	return ret;
}
