// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Open files. The device's context is made when a file needs it first, so that those who only ask
 * take nothing from others.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "mho_client.h"
#include "mho_prepare_table.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_pm.h"

/**
 * mho_client_open() - &drm_driver.open
 * @drm: device
 * @file: file
 *
 * Return: 0 or -ENOMEM.
 */
int mho_client_open(struct drm_device *drm, struct drm_file *file)
{
	struct mho_client *client = kzalloc_obj(*client, GFP_KERNEL_ACCOUNT);

	if (!client)
		return -ENOMEM;
	client->mdev = to_mho(drm);
	client->file = file;
	INIT_LIST_HEAD(&client->link);
	INIT_LIST_HEAD(&client->keys);
	INIT_LIST_HEAD(&client->queues);
	INIT_LIST_HEAD(&client->array_list);
	spin_lock_init(&client->usage_lock);
	INIT_LIST_HEAD(&client->users);
	kref_init(&client->ref);
	mutex_init(&client->lock);
	xa_init_flags(&client->ctxs, XA_FLAGS_ALLOC1);
	xa_init_flags(&client->arrays, XA_FLAGS_ALLOC1);
	ida_init(&client->prepared_ids);
	file->driver_priv = client;
	return 0;
}

static void mho_client_free(struct kref *ref)
{
	struct mho_client *client = container_of(ref, struct mho_client, ref);

	xa_destroy(&client->ctxs);
	xa_destroy(&client->arrays);
	ida_destroy(&client->prepared_ids);
	/* Nobody calls any more. */
	kvfree(rcu_dereference_protected(client->prepared, true));
	mutex_destroy(&client->lock);
	kfree(client);
}

/**
 * mho_client_put() - let go of a client
 * @client: client
 */
void mho_client_put(struct mho_client *client)
{
	kref_put(&client->ref, mho_client_free);
}

static int mho_client_create_context(struct mho_client *client)
{
	struct mho_device *mdev = client->mdev;
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_CONTEXT_CREATE };
	unsigned long id;
	int ret;

	id = find_next_zero_bit(mdev->contexts, mdev->limits.contexts + 1, 1);
	if (id > mdev->limits.contexts)
		return -ENOSPC;
	sqe.context = cpu_to_le16(id);
	ret = mho_admin_run(mdev, &sqe, NULL);
	if (ret)
		return ret;
	__set_bit(id, mdev->contexts);
	list_add_tail(&client->link, &mdev->clients);
	client->awake = true;
	/* Read without a lock by those who see that it is there. */
	WRITE_ONCE(client->context, id);
	return 0;
}

/**
 * mho_client_need_context() - make the device's context, if it is not there yet
 * @client: client
 *
 * Return: 0, -ENOSPC, -ENODEV, or a device error.
 */
int mho_client_need_context(struct mho_client *client)
{
	struct mho_device *mdev = client->mdev;
	bool keep = false;
	int idx, ret;

	if (READ_ONCE(mdev->wedged))
		return -EIO;
	if (READ_ONCE(client->context))
		return 0;
	if (!drm_dev_enter(&mdev->drm, &idx))
		return -ENODEV;
	ret = mho_pm_get(mdev);
	if (ret)
		goto out_exit;
	mutex_lock(&mdev->admin.lock);
	if (!client->context) {
		ret = mho_client_create_context(client);
		keep = !ret;
	}
	mutex_unlock(&mdev->admin.lock);
	/* A context keeps the device awake. */
	if (!keep)
		mho_pm_put(mdev);
out_exit:
	drm_dev_exit(idx);
	return ret;
}

/**
 * mho_client_usage() - what all jobs of a file have cost
 * @client: client
 *
 * Contexts count for themselves, so that they do not meet in a counter.
 *
 * Return: the sum; it never shrinks.
 */
struct mho_usage mho_client_usage(struct mho_client *client)
{
	struct mho_usage one, sum;
	struct mho_ctx *ctx;

	spin_lock(&client->usage_lock);
	sum = client->past;
	list_for_each_entry(ctx, &client->users, user) {
		one = mho_ctx_usage(ctx);
		mho_usage_add(&sum, &one);
	}
	spin_unlock(&client->usage_lock);
	return sum;
}

static void mho_client_destroy_context(struct mho_client *client)
{
	struct mho_device *mdev = client->mdev;
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_CONTEXT_DESTROY };
	bool awake;
	int ret;

	mutex_lock(&mdev->admin.lock);
	client->closed = true;
	if (client->context) {
		sqe.context = cpu_to_le16(client->context);
		ret = mho_admin_run(mdev, &sqe, NULL);
		if (ret && ret != -ENODEV)
			drm_dbg(&mdev->drm, "context %u: not destroyed (%d)\n", client->context,
				ret);
		/* A device that did not answer may still know it: the number stays until reset. */
		if (ret != -ETIMEDOUT)
			__clear_bit(client->context, mdev->contexts);
		list_del_init(&client->link);
	}
	INIT_LIST_HEAD(&client->array_list);
	awake = client->awake;
	client->awake = false;
	mutex_unlock(&mdev->admin.lock);
	if (awake)
		mho_pm_put(mdev);
}

/**
 * mho_client_close() - &drm_driver.postclose: end all that the file has
 * @drm: device
 * @file: file
 *
 * Jobs in flight are aborted. Waits until the last one is gone: the device does so at once, and
 * jobs that wait for others' fences go when these signal, as fences do.
 */
void mho_client_close(struct drm_device *drm, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct mho_array *array;
	struct mho_ctx *ctx;
	unsigned long index;

	xa_for_each(&client->ctxs, index, ctx) {
		xa_erase(&client->ctxs, index);
		mho_ctx_close(ctx);
		mho_ctx_put(ctx);
	}
	xa_for_each(&client->arrays, index, array)
		mho_window_drop(array->window);
	/*
	 * Keys that the jobs held go on their own; the device must not forget them before. Once
	 * more, since a prepared sequence lets go of its keys from there.
	 */
	flush_workqueue(client->mdev->free_wq);
	mho_fixed_close(client);
	flush_workqueue(client->mdev->free_wq);
	mho_client_destroy_context(client);
	xa_for_each(&client->arrays, index, array) {
		xa_erase(&client->arrays, index);
		mho_array_put(array);
	}
	mho_client_put(client);
}
