// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * The reset of the whole device, and bringing back what programs own: contexts, queues, keys,
 * arrays. Jobs that cannot have changed weights are done again; the others that were in flight end
 * with -ECANCELED. Allocates nothing while the firmware is in the device: all that the device must
 * be told again is kept.
 */
#include <linux/bitmap.h>
#include <linux/kobject.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "mho_client.h"
#include "mho_device.h"
#include "mho_dump.h"
#include "mho_trace.h"

/* With the text of DRM's own event, which is sent from a node that accel devices do not have. */
static void mho_reset_tell_wedged(struct mho_device *mdev)
{
	char reason[] = "WEDGED=rebind";
	char *event[2] = { reason };

	kobject_uevent_env(&mdev->drm.accel->kdev->kobj, KOBJ_CHANGE, event);
}

/* The context after @ctx of whatever file, the first one for NULL; the admin lock is held. */
static struct mho_ctx *mho_next_ctx(struct mho_device *mdev, struct mho_ctx *ctx)
{
	struct mho_client *client;

	if (ctx && !list_is_last(&ctx->link, &ctx->client->queues))
		return list_next_entry(ctx, link);
	client = ctx ? ctx->client : list_entry(&mdev->clients, struct mho_client, link);
	list_for_each_entry_continue(client, &mdev->clients, link)
		if (!list_empty(&client->queues))
			return list_first_entry(&client->queues, struct mho_ctx, link);
	return NULL;
}

static void mho_reset_stop_queues(struct mho_device *mdev)
{
	struct mho_ctx *ctx = NULL;

	mho_window_close(mdev);
	while ((ctx = mho_next_ctx(mdev, ctx)))
		mho_queue_stop(&ctx->queue);
}

/* The device has dropped everything; what it had finished before still counts. */
static void mho_reset_cut_queues(struct mho_device *mdev, const struct mho_ctx *guilty,
				 u64 seqno)
{
	struct mho_ctx *ctx = NULL;

	while ((ctx = mho_next_ctx(mdev, ctx))) {
		mho_queue_reap(&ctx->queue);
		if (ctx == guilty) {
			mho_queue_cut_off(&ctx->queue, seqno, -ETIME);
		} else {
			if (mho_queue_busy(&ctx->queue))
				atomic_inc(&ctx->innocent);
			mho_queue_cut_off(&ctx->queue, 0, 0);
		}
	}
}

static int mho_reset_revive_arrays(struct mho_client *client)
{
	struct mho_device *mdev = client->mdev;
	struct mho_array *array;
	int ret;

	list_for_each_entry(array, &client->array_list, link) {
		struct mho_hw_admin_sqe sqe = {
			.opcode = MHO_HW_ADM_ARRAY_ATTACH,
			.context = cpu_to_le16(client->context),
			.id = cpu_to_le32(array->id),
		};

		if (array->lost)
			continue;
		ret = mho_admin_run(mdev, &sqe, NULL);
		if (mdev->admin.dead)
			return ret;
		/* A reset of the function keeps named arrays only. */
		if (ret) {
			drm_dbg(&mdev->drm, "array %u: lost (%d)\n", array->id, ret);
			WRITE_ONCE(array->lost, true);
		}
	}
	return 0;
}

static int mho_reset_revive_client(struct mho_client *client)
{
	struct mho_device *mdev = client->mdev;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_CONTEXT_CREATE,
		.context = cpu_to_le16(client->context),
	};
	struct mho_key *key;
	struct mho_ctx *ctx;
	int ret;

	ret = mho_admin_run(mdev, &sqe, NULL);
	if (ret)
		return ret;
	list_for_each_entry(key, &client->keys, link) {
		ret = mho_key_register(key);
		if (ret)
			return ret;
	}
	ret = mho_reset_revive_arrays(client);
	if (ret)
		return ret;
	list_for_each_entry(ctx, &client->queues, link) {
		ret = mho_queue_restore(&ctx->queue, client->context);
		if (ret)
			return ret;
	}
	return 0;
}

/* Numbers that a device without an answer had kept are free again. */
static void mho_reset_numbers(struct mho_device *mdev)
{
	struct mho_client *client;
	struct mho_ctx *ctx = NULL;

	bitmap_zero(mdev->contexts, mdev->limits.contexts + 1);
	bitmap_zero(mdev->queue_ids, mdev->limits.queues + 1);
	list_for_each_entry(client, &mdev->clients, link)
		__set_bit(client->context, mdev->contexts);
	while ((ctx = mho_next_ctx(mdev, ctx)))
		if (ctx->queue.id)
			__set_bit(ctx->queue.id, mdev->queue_ids);
}

/**
 * mho_reset_revive() - boot the device and bring back what programs own
 * @mdev: device whose queues are stopped and cut off; the admin lock is held
 *
 * Return: 0, or -errno: then the device is wedged.
 */
int mho_reset_revive(struct mho_device *mdev)
{
	struct mho_ctx *ctx = NULL;
	struct mho_client *client;
	int ret;

	lockdep_assert_held(&mdev->admin.lock);
	ret = mho_device_boot(mdev);
	if (ret)
		goto err_wedge;
	mho_reset_numbers(mdev);
	list_for_each_entry(client, &mdev->clients, link) {
		ret = mho_reset_revive_client(client);
		if (ret)
			goto err_wedge;
	}
	ret = mho_array_sweep(mdev);
	if (ret)
		goto err_wedge;
	mdev->away = false;
	mho_window_open(mdev);
	while ((ctx = mho_next_ctx(mdev, ctx)))
		mho_queue_start(&ctx->queue);
	return 0;

err_wedge:
	mho_reset_wedge(mdev, ret);
	return ret;
}

/**
 * mho_reset_wedge() - give the device up: all jobs fail, and all that come
 * @mdev: device; the admin lock is held
 * @error: why, for the log
 */
void mho_reset_wedge(struct mho_device *mdev, int error)
{
	if (mdev->wedged)
		return;
	mho_coredump_take(mdev, "the device does not come back", NULL, 0);
	WRITE_ONCE(mdev->wedged, true);
	trace_mho_wedged(mdev, error);
	mho_window_kill(mdev);
	mdev->admin.dead = true;
	pci_clear_master(mdev->pdev);
	mho_reset_fail_all(mdev, -EIO);
	mho_coredump_send(mdev);
	if (drm_dev_is_unplugged(&mdev->drm))
		return;
	drm_err(&mdev->drm, "does not come back (%d): unbind and bind the driver, or power-cycle\n",
		error);
	mho_reset_tell_wedged(mdev);
}

/**
 * mho_reset_fail_all() - end all jobs
 * @mdev: device that does no DMA any more; the admin lock is held
 * @error: how
 */
void mho_reset_fail_all(struct mho_device *mdev, int error)
{
	struct mho_ctx *ctx = NULL;

	lockdep_assert_held(&mdev->admin.lock);
	while ((ctx = mho_next_ctx(mdev, ctx)))
		mho_queue_fail(&ctx->queue, error);
}

/**
 * mho_reset_quiesce() - stop all queues; with mho_reset_cut() and mho_reset_revive() later
 * @mdev: device; the admin lock is held
 */
void mho_reset_quiesce(struct mho_device *mdev)
{
	lockdep_assert_held(&mdev->admin.lock);
	mdev->away = true;
	mdev->away_since = jiffies;
	mho_reset_stop_queues(mdev);
}

/* Longer than any reset of a slot. PCI's core does not tell when it has given up recovering. */
#define MHO_RESET_AWAY (60 * HZ)

/**
 * mho_reset_away() - is somebody about to bring the device back?
 * @mdev: device; the admin lock is held
 *
 * Between mho_reset_quiesce() and mho_reset_revive() the device answers nothing, and that is no
 * failure of it.
 *
 * Return: true if so, for a minute at most.
 */
bool mho_reset_away(struct mho_device *mdev)
{
	lockdep_assert_held(&mdev->admin.lock);
	return mdev->away && time_before(jiffies, mdev->away_since + MHO_RESET_AWAY);
}

/**
 * mho_reset_make_sure() - memory that the device has is to be freed, and it may not know
 * @mdev: device that was told to let go of it; the admin lock is held
 *
 * If it could not be told, because it does not answer, it is reset, which ends all DMA.
 */
void mho_reset_make_sure(struct mho_device *mdev)
{
	lockdep_assert_held(&mdev->admin.lock);
	if (mdev->admin.dead && !mdev->away)
		mho_reset_locked(mdev, NULL, 0);
}

/**
 * mho_reset_cut() - the function loses its state: sort out what was in flight
 * @mdev: device after mho_reset_quiesce(), and with no DMA any more; the admin lock is held
 */
void mho_reset_cut(struct mho_device *mdev)
{
	lockdep_assert_held(&mdev->admin.lock);
	mdev->admin.dead = true;
	WRITE_ONCE(mdev->windows.losses, mdev->windows.losses + 1);
	mho_reset_cut_queues(mdev, NULL, 0);
}

/**
 * mho_reset_locked() - warm reset, and everything back
 * @mdev: device; the admin lock is held
 * @guilty: context that caused it, or NULL
 * @seqno: number of its group that hangs, or 0
 *
 * Return: 0, or -errno: then the device is wedged.
 */
int mho_reset_locked(struct mho_device *mdev, struct mho_ctx *guilty, u64 seqno)
{
	int ret;

	lockdep_assert_held(&mdev->admin.lock);
	if (mdev->wedged)
		return -EIO;
	/* Whoever stopped it brings it back: that is a reset, too. */
	if (mho_reset_away(mdev))
		return 0;
	dev_warn_ratelimited(mdev->drm.dev, "reset\n");
	trace_mho_reset_begin(mdev);
	mdev->resets++;
	mho_reset_stop_queues(mdev);
	mdev->admin.dead = true;
	ret = mho_device_warm_reset(mdev);
	if (ret) {
		mho_reset_wedge(mdev, ret);
	} else {
		mho_reset_cut_queues(mdev, guilty, seqno);
		ret = mho_reset_revive(mdev);
	}
	trace_mho_reset_end(mdev, ret);
	return ret;
}

/**
 * mho_reset_device() - the same, for those who do not hold the lock
 * @mdev: device
 *
 * Return: as mho_reset_locked().
 */
int mho_reset_device(struct mho_device *mdev)
{
	int ret;

	mutex_lock(&mdev->admin.lock);
	ret = mho_reset_locked(mdev, NULL, 0);
	mutex_unlock(&mdev->admin.lock);
	return ret;
}

/* The device has failed, and no job is known to be the cause. */
static void mho_reset_failed(struct mho_device *mdev, u32 status)
{
	mho_coredump_take(mdev, status & MHO_HW_STATUS_FATAL ? "the device has failed" :
			  "no answer on the admin queue", NULL, 0);
	mho_reset_locked(mdev, NULL, 0);
	mho_coredump_send(mdev);
}

static void mho_reset_work(struct work_struct *work)
{
	struct mho_device *mdev = container_of(work, struct mho_device, reset_work);
	u32 status;
	int idx;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return;
	mutex_lock(&mdev->admin.lock);
	/* Registers are not there; it comes back as from a reset. */
	if (mdev->asleep || mho_reset_away(mdev))
		goto out_unlock;
	status = mho_read(mdev, MHO_HW_REG_STATUS);
	if (status == U32_MAX)
		mho_reset_wedge(mdev, -ENODEV);
	else if (mdev->admin.dead || (status & MHO_HW_STATUS_FATAL))
		mho_reset_failed(mdev, status);
out_unlock:
	mutex_unlock(&mdev->admin.lock);
	drm_dev_exit(idx);
}

/**
 * mho_reset_init() - get ready for resets
 * @mdev: device
 */
void mho_reset_init(struct mho_device *mdev)
{
	INIT_WORK(&mdev->reset_work, mho_reset_work);
}

/**
 * mho_reset_schedule() - ask for a reset of the device, from any context
 * @mdev: device; if it turns out to work, it is not reset
 */
void mho_reset_schedule(struct mho_device *mdev)
{
	queue_work(mdev->reset_wq, &mdev->reset_work);
}
