// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Arrays: handles of an open file for matrices in the device. The firmware places them; who may
 * have and find them is decided here.
 *
 * An array is busy while commands on it are submitted and not done. Destroying and detaching are
 * refused meanwhile; they set it to -1, so that no new command can name it.
 */
#include <linux/cred.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>
#include <drm/mho_accel.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"

static_assert(DRM_MHO_LABEL_SIZE == MHO_HW_NAME_SIZE);
static_assert(DRM_MHO_ALL == MHO_HW_ALL);

static void mho_array_free(struct kref *ref)
{
	kfree(container_of(ref, struct mho_array, ref));
}

/**
 * mho_array_put() - let go of an array
 * @array: array
 */
void mho_array_put(struct mho_array *array)
{
	kref_put(&array->ref, mho_array_free);
}

/**
 * mho_array_use() - the array of a handle, for one command
 * @client: open file
 * @handle: its handle
 *
 * Return: the array, mho_array_done() it; -ENOENT, -EIO (lost in a reset), -EBUSY (on its way out).
 */
struct mho_array *mho_array_use(struct mho_client *client, u32 handle)
{
	struct mho_array *array;

	xa_lock(&client->arrays);
	array = xa_load(&client->arrays, handle);
	if (!array)
		array = ERR_PTR(-ENOENT);
	else if (READ_ONCE(array->lost))
		array = ERR_PTR(-EIO);
	else if (!atomic_inc_unless_negative(&array->busy))
		array = ERR_PTR(-EBUSY);
	else
		kref_get(&array->ref);
	xa_unlock(&client->arrays);
	return array;
}

/**
 * mho_array_use_again() - for one more command, by who has a reference; any context
 * @array: array
 *
 * Return: 0, then atomic_dec(&array->busy); -ENOENT if it was destroyed, -EIO if it was lost.
 */
int mho_array_use_again(struct mho_array *array)
{
	if (READ_ONCE(array->lost))
		return -EIO;
	return atomic_inc_unless_negative(&array->busy) ? 0 : -ENOENT;
}

/**
 * mho_array_done() - a command on an array is done; any context
 * @array: array
 */
void mho_array_done(struct mho_array *array)
{
	atomic_dec(&array->busy);
	mho_array_put(array);
}

static u64 mho_array_owner(void)
{
	return from_kuid(&init_user_ns, current_euid());
}

/* A name: not empty, NUL-terminated, NUL to the end. */
static bool mho_array_label_valid(const u8 *label)
{
	size_t len = strnlen(label, DRM_MHO_LABEL_SIZE);

	return len && len < DRM_MHO_LABEL_SIZE &&
	       !memchr_inv(label + len, 0, DRM_MHO_LABEL_SIZE - len);
}

/* Makes an empty handle; the array gets its number later. */
static struct mho_array *mho_array_alloc(struct mho_client *client)
{
	struct mho_array *array;
	int ret;

	array = kzalloc_obj(*array, GFP_KERNEL_ACCOUNT);
	if (!array)
		return ERR_PTR(-ENOMEM);
	kref_init(&array->ref);
	atomic_set(&array->busy, -1);
	INIT_LIST_HEAD(&array->link);
	ret = xa_alloc(&client->arrays, &array->handle, array, xa_limit_31b, GFP_KERNEL_ACCOUNT);
	if (ret) {
		kfree(array);
		return ERR_PTR(ret);
	}
	return array;
}

static void mho_array_drop(struct mho_client *client, struct mho_array *array)
{
	struct mutex *lock = &client->mdev->admin.lock;

	xa_erase(&client->arrays, array->handle);
	mutex_lock(lock);
	list_del_init(&array->link);
	mutex_unlock(lock);
	mho_array_put(array);
}

/* What a file may have: one leaves others at least half of the arrays. */
static bool mho_array_quota(struct mho_client *client)
{
	return client->array_count < DIV_ROUND_UP(client->mdev->limits.arrays, 2);
}

/**
 * mho_array_get_info() - what the device says of an array
 * @mdev: device
 * @id: the device's number of the array
 * @out: the answer, with as many tiles as it says; kvfree() it
 *
 * Return: 0, -ENOMEM, -EIO, or as mho_admin_run().
 */
int mho_array_get_info(struct mho_device *mdev, u32 id, struct mho_hw_array_info **out)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_ARRAY_INFO,
		.id = cpu_to_le32(id),
	};
	size_t size = sizeof(struct mho_hw_array_info) +
		      mdev->limits.tiles * sizeof(struct mho_hw_array_tile);
	struct mho_hw_array_info *info;
	int ret;

	size = min_t(size_t, size, MHO_ADMIN_DATA);
	info = kvmalloc(size, GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	ret = mho_admin_query(mdev, &sqe, info, size, NULL);
	if (!ret && le32_to_cpu(info->tiles) >
		    (size - sizeof(*info)) / sizeof(struct mho_hw_array_tile))
		ret = -EIO;
	if (ret) {
		kvfree(info);
		return ret;
	}
	*out = info;
	return 0;
}

/* The array is in the device: count it, and let commands name it. */
static int mho_array_admit(struct mho_client *client, struct mho_array *array)
{
	struct mho_hw_array_info *info;
	int ret;

	ret = mho_array_get_info(client->mdev, array->id, &info);
	if (ret)
		return ret;
	array->rows = le32_to_cpu(info->rows);
	array->cols = le32_to_cpu(info->cols);
	array->tiles = le32_to_cpu(info->tiles);
	kvfree(info);
	/* Whoever had the tiles before does not reach them any more. */
	mho_window_sync(client->mdev);
	client->tile_count += array->tiles;
	client->array_count++;
	atomic_set_release(&array->busy, 0);
	return 0;
}

static int mho_array_command(struct mho_client *client, struct mho_array *array, u8 opcode)
{
	struct mho_device *mdev = client->mdev;
	struct mho_hw_admin_sqe sqe = {
		.opcode = opcode,
		.context = cpu_to_le16(client->context),
		.id = cpu_to_le32(array->id),
	};
	int ret;

	mutex_lock(&mdev->admin.lock);
	ret = mho_admin_run(mdev, &sqe, NULL);
	mutex_unlock(&mdev->admin.lock);
	return ret;
}

/* Under one lock with the list, or a reset in between would take the array for an orphan. */
static int mho_array_request(struct mho_client *client, struct mho_array *array, u8 opcode,
			     const struct mho_hw_array_request *request, struct mho_hw_cqe *cqe)
{
	struct mho_device *mdev = client->mdev;
	struct mho_hw_admin_sqe sqe = {
		.opcode = opcode,
		.context = cpu_to_le16(client->context),
	};
	int ret;

	mutex_lock(&mdev->admin.lock);
	*cqe = (struct mho_hw_cqe){};
	ret = mho_admin_send(mdev, &sqe, request, sizeof(*request), cqe);
	if (!ret) {
		array->id = le32_to_cpu(cqe->result);
		list_add_tail(&array->link, &client->array_list);
	}
	mutex_unlock(&mdev->admin.lock);
	return ret;
}

/* Both ways to an array: a handle first, then the device, then the bookkeeping. */
static int mho_array_obtain(struct mho_client *client, u8 opcode,
			    const struct mho_hw_array_request *request, struct mho_hw_cqe *cqe,
			    u32 *handle)
{
	bool named = opcode == MHO_HW_ADM_ARRAY_FIND || request->flags;
	struct mho_array *array;
	int idx, ret;

	ret = mho_client_need_context(client);
	if (ret)
		return ret;
	if (!drm_dev_enter(&client->mdev->drm, &idx))
		return -ENODEV;
	mutex_lock(&client->lock);
	if (!mho_array_quota(client)) {
		ret = -EDQUOT;
		goto out_unlock;
	}
	array = mho_array_alloc(client);
	if (IS_ERR(array)) {
		ret = PTR_ERR(array);
		goto out_unlock;
	}
	array->named = named;
	ret = mho_array_request(client, array, opcode, request, cqe);
	if (ret)
		goto err_drop;
	ret = mho_array_admit(client, array);
	if (ret) {
		mho_array_command(client, array, opcode == MHO_HW_ADM_ARRAY_FIND ?
						 MHO_HW_ADM_ARRAY_DETACH :
						 MHO_HW_ADM_ARRAY_DESTROY);
		goto err_drop;
	}
	*handle = array->handle;
	goto out_unlock;

err_drop:
	mho_array_drop(client, array);
out_unlock:
	mutex_unlock(&client->lock);
	drm_dev_exit(idx);
	return ret;
}

/**
 * mho_ioctl_array_create() - DRM_IOCTL_MHO_ARRAY_CREATE
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_array_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct drm_mho_array_create *args = data;
	bool named = args->flags & DRM_MHO_ARRAY_NAMED;
	struct mho_hw_array_request request = {
		.rows = cpu_to_le32(args->rows),
		.cols = cpu_to_le32(args->cols),
		.block_rows = cpu_to_le32(args->block_rows),
		.block_cols = cpu_to_le32(args->block_cols),
		.technology = cpu_to_le32(args->technology),
		.policy = cpu_to_le16(args->flags & DRM_MHO_ARRAY_COMPACT ?
				      MHO_HW_POLICY_COMPACT : MHO_HW_POLICY_WEAR),
		.flags = cpu_to_le16(named ? MHO_HW_ARRAY_NAMED : 0),
		.owner = cpu_to_le64(mho_array_owner()),
		.tag = cpu_to_le64(args->tag),
	};
	struct mho_hw_cqe cqe = {};
	int ret;

	if (args->flags & ~(DRM_MHO_ARRAY_NAMED | DRM_MHO_ARRAY_COMPACT) || args->pad ||
	    args->handle || args->tiles_needed || args->tiles_free)
		return -EINVAL;
	if (named ? !mho_array_label_valid(args->label) :
		    !!memchr_inv(args->label, 0, sizeof(args->label)))
		return -EINVAL;
	if (!args->rows || args->rows > MHO_HW_ARRAY_DIM_MAX || !args->cols ||
	    args->cols > MHO_HW_ARRAY_DIM_MAX)
		return -EINVAL;
	memcpy(request.label, args->label, sizeof(request.label));
	ret = mho_array_obtain(client, MHO_HW_ADM_ARRAY_CREATE, &request, &cqe, &args->handle);
	if (ret == -ENOSPC && le16_to_cpu(cqe.status) == MHO_HW_ST_NO_TILES) {
		args->tiles_needed = le32_to_cpu(cqe.result);
		args->tiles_free = le32_to_cpu(cqe.detail);
	}
	return ret;
}

/**
 * mho_ioctl_array_find() - DRM_IOCTL_MHO_ARRAY_FIND
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_array_find(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_mho_array_find *args = data;
	struct mho_hw_array_request request = { .owner = cpu_to_le64(mho_array_owner()) };
	struct mho_hw_cqe cqe;

	if (args->flags || args->handle || !mho_array_label_valid(args->label))
		return -EINVAL;
	memcpy(request.label, args->label, sizeof(request.label));
	return mho_array_obtain(file->driver_priv, MHO_HW_ADM_ARRAY_FIND, &request, &cqe,
				&args->handle);
}

static int mho_array_let_go(struct mho_client *client, u32 handle, u8 opcode)
{
	struct mho_array *array;
	int idx, ret = 0;

	if (!drm_dev_enter(&client->mdev->drm, &idx))
		return -ENODEV;
	mutex_lock(&client->lock);
	array = xa_load(&client->arrays, handle);
	if (!array)
		ret = -ENOENT;
	else if (opcode == MHO_HW_ADM_ARRAY_DETACH && !array->named)
		ret = -EINVAL;
	else if (atomic_cmpxchg(&array->busy, 0, -1))
		ret = -EBUSY;
	if (ret)
		goto out_unlock;
	mho_window_drop(array->window);
	array->window = NULL;
	if (!array->lost)
		ret = mho_array_command(client, array, opcode);
	if (ret) {
		atomic_set_release(&array->busy, 0);
		goto out_unlock;
	}
	client->tile_count -= array->tiles;
	client->array_count--;
	mho_array_drop(client, array);
out_unlock:
	mutex_unlock(&client->lock);
	drm_dev_exit(idx);
	return ret;
}

/**
 * mho_ioctl_array_destroy() - DRM_IOCTL_MHO_ARRAY_DESTROY
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_array_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_mho_array_handle *args = data;

	if (args->pad)
		return -EINVAL;
	return mho_array_let_go(file->driver_priv, args->handle, MHO_HW_ADM_ARRAY_DESTROY);
}

/**
 * mho_ioctl_array_detach() - DRM_IOCTL_MHO_ARRAY_DETACH
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_array_detach(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_mho_array_handle *args = data;

	if (args->pad)
		return -EINVAL;
	return mho_array_let_go(file->driver_priv, args->handle, MHO_HW_ADM_ARRAY_DETACH);
}

static int mho_array_copy_blocks(struct drm_mho_array_info *args,
				 const struct mho_hw_array_info *info)
{
	const struct mho_hw_array_tile *tile = (const void *)(info + 1);
	struct drm_mho_array_block __user *user = u64_to_user_ptr(args->blocks);
	u32 i, count = min(args->block_count, le32_to_cpu(info->tiles));

	for (i = 0; i < count; i++) {
		struct drm_mho_array_block block = {
			.tile = le32_to_cpu(tile[i].tile),
			.row = le32_to_cpu(tile[i].row),
			.col = le32_to_cpu(tile[i].col),
			.rows = le16_to_cpu(tile[i].rows),
			.cols = le16_to_cpu(tile[i].cols),
		};

		if (copy_to_user(&user[i], &block, sizeof(block)))
			return -EFAULT;
	}
	return 0;
}

static u32 mho_array_flags(u16 flags)
{
	return (flags & MHO_HW_ARRAY_NAMED ? DRM_MHO_ARRAY_NAMED : 0) |
	       (flags & MHO_HW_ARRAY_TORN ? DRM_MHO_ARRAY_TORN : 0);
}

/**
 * mho_ioctl_array_info() - DRM_IOCTL_MHO_ARRAY_INFO
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_array_info(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct drm_mho_array_info *args = data;
	struct mho_hw_array_info *info;
	struct mho_array *array;
	int idx, ret;

	if (args->pad || args->flags || (args->block_count && !args->blocks))
		return -EINVAL;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	mutex_lock(&client->lock);
	array = xa_load(&client->arrays, args->handle);
	if (!array) {
		ret = -ENOENT;
		goto out_unlock;
	}
	if (array->lost) {
		args->flags = DRM_MHO_ARRAY_LOST;
		args->block_count = 0;
		ret = 0;
		goto out_unlock;
	}
	ret = mho_array_get_info(client->mdev, array->id, &info);
	if (ret)
		goto out_unlock;
	args->flags = mho_array_flags(le16_to_cpu(info->flags));
	args->rows = le32_to_cpu(info->rows);
	args->cols = le32_to_cpu(info->cols);
	args->grid_rows = le32_to_cpu(info->grid_rows);
	args->grid_cols = le32_to_cpu(info->grid_cols);
	args->technology = le32_to_cpu(info->technology);
	args->id = array->id;
	args->tag = le64_to_cpu(info->tag);
	memcpy(args->label, info->label, sizeof(args->label));
	ret = mho_array_copy_blocks(args, info);
	args->block_count = le32_to_cpu(info->tiles);
	kvfree(info);
out_unlock:
	mutex_unlock(&client->lock);
	drm_dev_exit(idx);
	return ret;
}

/**
 * mho_ioctl_array_tag() - DRM_IOCTL_MHO_ARRAY_TAG
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_array_tag(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct mho_device *mdev = client->mdev;
	struct drm_mho_array_tag *args = data;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_ARRAY_TAG,
		.tag = cpu_to_le64(args->tag),
	};
	struct mho_array *array;
	int idx, ret;

	if (args->pad)
		return -EINVAL;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	mutex_lock(&client->lock);
	array = xa_load(&client->arrays, args->handle);
	if (!array) {
		ret = -ENOENT;
	} else if (array->lost) {
		ret = -EIO;
	} else {
		sqe.context = cpu_to_le16(client->context);
		sqe.id = cpu_to_le32(array->id);
		mutex_lock(&mdev->admin.lock);
		ret = mho_admin_run(mdev, &sqe, NULL);
		mutex_unlock(&mdev->admin.lock);
	}
	mutex_unlock(&client->lock);
	drm_dev_exit(idx);
	return ret;
}

/**
 * mho_array_sweep() - destroy what nobody can name any more: detached arrays without a name
 * @mdev: device; the admin lock is held
 *
 * Return: 0, or as mho_admin_run().
 */
int mho_array_sweep(struct mho_device *mdev)
{
	struct mho_hw_array_info *info = mdev->admin.data;
	struct mho_hw_cqe cqe;
	u32 id = 0;
	int ret;

	for (;;) {
		struct mho_hw_admin_sqe next = {
			.opcode = MHO_HW_ADM_ARRAY_NEXT,
			.id = cpu_to_le32(id),
		};
		struct mho_hw_admin_sqe look = {
			.opcode = MHO_HW_ADM_ARRAY_INFO,
			.data = cpu_to_le64(mdev->admin.data_dma),
			.length = cpu_to_le32(MHO_ADMIN_DATA),
		};
		struct mho_hw_admin_sqe destroy = { .opcode = MHO_HW_ADM_ARRAY_DESTROY };

		ret = mho_admin_run(mdev, &next, &cqe);
		if (ret == -ENOENT)
			return 0;
		if (ret)
			return ret;
		id = le32_to_cpu(cqe.result);
		if (!cqe.detail) {
			look.id = cpu_to_le32(id);
			destroy.id = cpu_to_le32(id);
			ret = mho_admin_run(mdev, &look, NULL);
			if (!ret && !(le16_to_cpu(info->flags) & MHO_HW_ARRAY_NAMED))
				ret = mho_admin_run(mdev, &destroy, NULL);
			if (ret)
				return ret;
		}
		if (id++ == U32_MAX)
			return 0;
	}
}
