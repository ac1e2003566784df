// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Buffers: shmem GEM objects, imported ones among them. What the device sees of them is in
 * mho_key.c.
 */
#include <linux/dma-buf.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_prime.h>
#include <drm/mho_accel.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_gem.h"

/* Larger ones than a memory key can stand for are of no use. */
#define MHO_BO_SIZE_MAX ((u64)MHO_HW_MEMORY_PAGES_MAX << PAGE_SHIFT)

static void mho_gem_unmap(struct mho_bo *bo)
{
	struct drm_gem_object *obj = &bo->base.base;
	struct sg_table *sgt;

	dma_resv_lock(obj->resv, NULL);
	sgt = bo->base.sgt;
	if (sgt && obj->import_attach) {
		dma_buf_unmap_attachment(obj->import_attach, sgt, DMA_BIDIRECTIONAL);
		bo->base.sgt = NULL;
	} else if (sgt) {
		dma_unmap_sgtable(obj->dev->dev, sgt, DMA_BIDIRECTIONAL, 0);
		sg_free_table(sgt);
		kfree(sgt);
		bo->base.sgt = NULL;
	}
	dma_resv_unlock(obj->resv);
}

static void mho_gem_free(struct drm_gem_object *obj)
{
	struct mho_device *mdev = to_mho(obj->dev);
	struct mho_bo *bo = to_mho_bo(obj);

	if (!iosys_map_is_null(&bo->map))
		mho_gem_vunmap(obj, &bo->map);
	/* Off the list it is unmapped: remove, which walks the list, does not wait for this. */
	mutex_lock(&mdev->bo_lock);
	mho_gem_unmap(bo);
	list_del(&bo->link);
	mutex_unlock(&mdev->bo_lock);
	mutex_destroy(&bo->key_lock);
	drm_gem_shmem_free(&bo->base);
}

static void mho_gem_close(struct drm_gem_object *obj, struct drm_file *file)
{
	mho_key_drop_handle(file->driver_priv, to_mho_bo(obj));
}

static enum drm_gem_object_status mho_gem_status(struct drm_gem_object *obj)
{
	return to_mho_bo(obj)->base.sgt ? DRM_GEM_OBJECT_RESIDENT : 0;
}

static const struct drm_gem_object_funcs mho_gem_funcs = {
	.free = mho_gem_free,
	.close = mho_gem_close,
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = drm_gem_shmem_object_mmap,
	.status = mho_gem_status,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

/**
 * mho_gem_create_object() - &drm_driver.gem_create_object
 * @drm: device
 * @size: bytes
 *
 * Return: the object, or -ENOMEM as a pointer.
 */
struct drm_gem_object *mho_gem_create_object(struct drm_device *drm, size_t size)
{
	struct mho_bo *bo = kzalloc_obj(*bo, GFP_KERNEL);

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->base.base.funcs = &mho_gem_funcs;
	mutex_init(&bo->key_lock);
	INIT_LIST_HEAD(&bo->keys);
	INIT_LIST_HEAD(&bo->link);
	return &bo->base.base;
}

/**
 * mho_gem_import() - &drm_driver.gem_prime_import_sg_table
 * @drm: device
 * @attach: attachment
 * @sgt: its pages, mapped for the device
 *
 * Return: the object, or an error pointer: then the caller unmaps them.
 */
struct drm_gem_object *mho_gem_import(struct drm_device *drm, struct dma_buf_attachment *attach,
				      struct sg_table *sgt)
{
	struct mho_device *mdev = to_mho(drm);
	struct drm_gem_object *obj;
	int idx;

	if (!drm_dev_enter(drm, &idx))
		return ERR_PTR(-ENODEV);
	obj = drm_gem_shmem_prime_import_sg_table(drm, attach, sgt);
	if (!IS_ERR(obj)) {
		/*
		 * It is mapped from now on, whether a job names it or not: remove must know. DRM
		 * sets these two after us, which would be too late for remove.
		 */
		obj->import_attach = attach;
		obj->resv = attach->dmabuf->resv;
		mutex_lock(&mdev->bo_lock);
		list_add_tail(&to_mho_bo(obj)->link, &mdev->bos);
		mutex_unlock(&mdev->bo_lock);
	}
	drm_dev_exit(idx);
	return obj;
}

/**
 * mho_bo_lookup() - the buffer of a handle
 * @file: open file
 * @handle: GEM handle
 *
 * Return: the buffer, mho_bo_put() it; NULL if there is none.
 */
struct mho_bo *mho_bo_lookup(struct drm_file *file, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);

	return obj ? to_mho_bo(obj) : NULL;
}

/**
 * mho_bo_put() - let go of a buffer
 * @bo: buffer, or NULL
 */
void mho_bo_put(struct mho_bo *bo)
{
	if (bo)
		drm_gem_object_put(&bo->base.base);
}

/**
 * mho_bo_vmap() - map a buffer into the kernel, for as long as it lives
 * @bo: buffer, not an imported one
 *
 * Return: its address, or an error pointer.
 */
void *mho_bo_vmap(struct mho_bo *bo)
{
	int ret = 0;

	if (drm_gem_is_imported(&bo->base.base))
		return ERR_PTR(-EINVAL);
	mutex_lock(&bo->key_lock);
	if (iosys_map_is_null(&bo->map))
		ret = mho_gem_vmap(&bo->base.base, &bo->map);
	mutex_unlock(&bo->key_lock);
	return ret ? ERR_PTR(ret) : bo->map.vaddr;
}

/**
 * mho_ioctl_bo_create() - DRM_IOCTL_MHO_BO_CREATE
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct drm_mho_bo_create *args = data;
	struct drm_gem_shmem_object *shmem;
	struct mho_key *key;
	int ret;

	if (args->flags || !args->size || args->size > MHO_BO_SIZE_MAX)
		return -EINVAL;
	ret = mho_client_need_context(client);
	if (ret)
		return ret;
	shmem = drm_gem_shmem_create(drm, PAGE_ALIGN(args->size));
	if (IS_ERR(shmem))
		return PTR_ERR(shmem);
	ret = drm_gem_create_mmap_offset(&shmem->base);
	if (ret)
		goto out_put;
	/* With the key from the start: what is missing shows now, not at the first job. */
	key = mho_key_get(client, to_mho_bo(&shmem->base));
	if (IS_ERR(key)) {
		ret = PTR_ERR(key);
		goto out_put;
	}
	args->size = shmem->base.size;
	args->mmap_offset = drm_vma_node_offset_addr(&shmem->base.vma_node);
	ret = drm_gem_handle_create(file, &shmem->base, &args->handle);
	if (ret)
		mho_key_drop_handle(client, to_mho_bo(&shmem->base));
	mho_key_put(key);
out_put:
	drm_gem_object_put(&shmem->base);
	return ret;
}

/**
 * mho_ioctl_bo_info() - DRM_IOCTL_MHO_BO_INFO
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_bo_info(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_mho_bo_info *args = data;
	struct mho_bo *bo;
	int ret = 0;

	if (args->flags || args->size || args->mmap_offset)
		return -EINVAL;
	bo = mho_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;
	args->size = bo->base.base.size;
	if (drm_gem_is_imported(&bo->base.base)) {
		args->flags = DRM_MHO_BO_IMPORTED;
	} else {
		ret = drm_gem_create_mmap_offset(&bo->base.base);
		args->mmap_offset = drm_vma_node_offset_addr(&bo->base.base.vma_node);
	}
	mho_bo_put(bo);
	return ret;
}

/**
 * mho_gem_unmap_all() - unmap all buffers from a device that goes away
 * @mdev: device, unplugged and without DMA
 *
 * Buffers may outlive the device's driver; their mappings may not.
 */
void mho_gem_unmap_all(struct mho_device *mdev)
{
	struct mho_bo *bo;

	mutex_lock(&mdev->bo_lock);
	list_for_each_entry(bo, &mdev->bos, link)
		mho_gem_unmap(bo);
	mutex_unlock(&mdev->bo_lock);
}

MHO_IMPORT_NS_DMA_BUF;
