// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Memory keys: what a buffer is to the device, for one file. A key is made with the buffer or, for
 * an imported one, when a job names it first; it stays until the handle is closed and no job uses
 * it. Its page lists stay as long, since a reset of the device has to hand them over again without
 * allocating.
 */
#include <linux/dma-mapping.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_gem.h"

/**
 * mho_key_free_lists() - give the page lists back; the device has the key no more
 * @key: key
 */
void mho_key_free_lists(struct mho_key *key)
{
	struct device *dev = &key->client->mdev->pdev->dev;
	unsigned int i;

	if (key->top && key->block_count > 1)
		dma_free_coherent(dev, PAGE_ALIGN(key->block_count * sizeof(__le64)), key->top,
				  key->top_dma);
	key->top = NULL;
	for (i = 0; i < key->block_count && key->blocks && key->block_dma; i++)
		if (key->blocks[i])
			dma_free_coherent(dev, SZ_4K, key->blocks[i], key->block_dma[i]);
	kvfree(key->blocks);
	kvfree(key->block_dma);
	key->blocks = NULL;
	key->block_dma = NULL;
	key->block_count = 0;
}

static int mho_key_alloc_lists(struct mho_key *key)
{
	struct device *dev = &key->client->mdev->pdev->dev;
	unsigned int i;

	key->block_count = DIV_ROUND_UP(key->pages, MHO_HW_PAGE_LIST_BLOCK);
	key->blocks = kvcalloc(key->block_count, sizeof(*key->blocks), GFP_KERNEL_ACCOUNT);
	key->block_dma = kvcalloc(key->block_count, sizeof(*key->block_dma), GFP_KERNEL_ACCOUNT);
	if (!key->blocks || !key->block_dma)
		return -ENOMEM;
	for (i = 0; i < key->block_count; i++) {
		key->blocks[i] = dma_alloc_coherent(dev, SZ_4K, &key->block_dma[i], GFP_KERNEL);
		if (!key->blocks[i])
			return -ENOMEM;
	}
	if (key->block_count == 1) {
		key->top = key->blocks[0];
		key->top_dma = key->block_dma[0];
		return 0;
	}
	key->top = dma_alloc_coherent(dev, PAGE_ALIGN(key->block_count * sizeof(__le64)),
				      &key->top_dma, GFP_KERNEL);
	if (!key->top)
		return -ENOMEM;
	for (i = 0; i < key->block_count; i++)
		key->top[i] = cpu_to_le64(key->block_dma[i]);
	return 0;
}

static int mho_key_fill_lists(struct mho_key *key, struct sg_table *sgt)
{
	struct sg_dma_page_iter iter;
	unsigned int i = 0, part;

	for_each_sgtable_dma_page(sgt, &iter, 0) {
		dma_addr_t addr = sg_page_iter_dma_address(&iter);

		/* The device's pages are 4 KiB; the processor's may be larger. */
		for (part = 0; part < PAGE_SIZE; part += SZ_4K, i++) {
			if (i == key->pages)
				return 0;
			if (!IS_ALIGNED(addr, SZ_4K))
				return -EINVAL;
			key->blocks[i / MHO_HW_PAGE_LIST_BLOCK][i % MHO_HW_PAGE_LIST_BLOCK] =
				cpu_to_le64(addr + part);
		}
	}
	return i == key->pages ? 0 : -EINVAL;
}

/**
 * mho_key_register() - let the device have a key, also again after a reset
 * @key: key with page lists; the admin lock is held
 *
 * Return: as mho_admin_run().
 */
int mho_key_register(struct mho_key *key)
{
	u32 list = key->block_count > 1 ? key->block_count : key->pages;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_MEMORY_REGISTER,
		.context = cpu_to_le16(key->client->context),
		.data = cpu_to_le64(key->top_dma),
		.length = cpu_to_le32(list * sizeof(__le64)),
		.memory = {
			.length = cpu_to_le64(key->bo->base.base.size),
			.pages = cpu_to_le32(key->pages),
			.page_shift = MHO_HW_PAGE_SHIFT_MIN,
			.access = MHO_HW_ACCESS_READ | MHO_HW_ACCESS_WRITE,
			.levels = key->block_count > 1,
		},
	};
	struct mho_hw_cqe cqe;
	int ret;

	ret = mho_admin_run(key->client->mdev, &sqe, &cqe);
	if (!ret)
		key->id = le32_to_cpu(cqe.result);
	return ret;
}

static void mho_key_unregister(struct mho_key *key)
{
	struct mho_client *client = key->client;
	struct mho_device *mdev = client->mdev;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_MEMORY_UNREGISTER,
		.context = cpu_to_le16(client->context),
		.id = cpu_to_le32(key->id),
	};
	int ret;

	if (!key->id || client->closed)
		return;
	ret = mho_admin_run(mdev, &sqe, NULL);
	if (ret && ret != -ENODEV)
		drm_dbg(&mdev->drm, "key %u: not given back (%d)\n", key->id, ret);
	mho_reset_make_sure(mdev);
	key->id = 0;
}

/* The last user is gone. Sleeps, so not from where the last job is freed. */
static void mho_key_work(struct work_struct *work)
{
	struct mho_key *key = container_of(work, struct mho_key, work);
	struct mho_client *client = key->client;
	struct mho_device *mdev = client->mdev;

	mutex_lock(&mdev->admin.lock);
	list_del(&key->link);
	mho_key_unregister(key);
	mho_key_free_lists(key);
	mutex_unlock(&mdev->admin.lock);
	atomic_dec(&client->key_count);
	mho_bo_put(key->bo);
	kfree(key);
	mho_client_put(client);
}

static void mho_key_last(struct kref *ref)
{
	struct mho_key *key = container_of(ref, struct mho_key, ref);

	queue_work(key->client->mdev->free_wq, &key->work);
}

/**
 * mho_key_put() - let go of a key; any context
 * @key: key, or NULL
 */
void mho_key_put(struct mho_key *key)
{
	if (key)
		kref_put(&key->ref, mho_key_last);
}

static struct mho_key *mho_key_create(struct mho_client *client, struct mho_bo *bo)
{
	struct mho_device *mdev = client->mdev;
	struct sg_table *sgt;
	struct mho_key *key;
	int ret;

	key = kzalloc_obj(*key, GFP_KERNEL_ACCOUNT);
	if (!key)
		return ERR_PTR(-ENOMEM);
	kref_init(&key->ref);
	INIT_WORK(&key->work, mho_key_work);
	key->client = client;
	key->bo = bo;
	if (bo->base.base.size / SZ_4K > MHO_HW_MEMORY_PAGES_MAX) {
		ret = -EFBIG;
		goto err_free;
	}
	key->pages = bo->base.base.size / SZ_4K;
	sgt = drm_gem_shmem_get_pages_sgt(&bo->base);
	if (IS_ERR(sgt)) {
		ret = PTR_ERR(sgt);
		goto err_free;
	}
	mutex_lock(&mdev->bo_lock);
	if (list_empty(&bo->link))
		list_add_tail(&bo->link, &mdev->bos);
	mutex_unlock(&mdev->bo_lock);
	ret = mho_key_alloc_lists(key);
	if (!ret)
		ret = mho_key_fill_lists(key, sgt);
	if (ret)
		goto err_lists;
	mutex_lock(&mdev->admin.lock);
	ret = mho_key_register(key);
	if (!ret)
		list_add_tail(&key->link, &client->keys);
	else
		mho_reset_make_sure(mdev);
	mutex_unlock(&mdev->admin.lock);
	if (ret)
		goto err_lists;
	drm_gem_object_get(&bo->base.base);
	kref_get(&client->ref);
	return key;

err_lists:
	mho_key_free_lists(key);
err_free:
	kfree(key);
	return ERR_PTR(ret);
}

/**
 * mho_key_get() - the key of a buffer for a file; makes it if there is none
 * @client: open file, with a context in the device
 * @bo: buffer
 *
 * The first reference is the handle's: mho_key_drop_handle().
 *
 * Return: the key, mho_key_put() it; -ENOSPC, -EDQUOT, -EFBIG, -ENOMEM, or a device error.
 */
struct mho_key *mho_key_get(struct mho_client *client, struct mho_bo *bo)
{
	struct mho_key *key;
	int idx;

	mutex_lock(&bo->key_lock);
	list_for_each_entry(key, &bo->keys, bo_link) {
		if (key->client == client) {
			kref_get(&key->ref);
			goto out;
		}
	}
	/* One file leaves others at least half. */
	if (atomic_inc_return(&client->key_count) > DIV_ROUND_UP(client->mdev->limits.keys, 2)) {
		atomic_dec(&client->key_count);
		key = ERR_PTR(-EDQUOT);
		goto out;
	}
	key = ERR_PTR(-ENODEV);
	if (drm_dev_enter(&client->mdev->drm, &idx)) {
		key = mho_key_create(client, bo);
		drm_dev_exit(idx);
	}
	if (IS_ERR(key)) {
		atomic_dec(&client->key_count);
		goto out;
	}
	list_add(&key->bo_link, &bo->keys);
	kref_get(&key->ref);
out:
	mutex_unlock(&bo->key_lock);
	return key;
}

/**
 * mho_key_drop_handle() - the file has closed its handle of the buffer
 * @client: open file
 * @bo: buffer
 */
void mho_key_drop_handle(struct mho_client *client, struct mho_bo *bo)
{
	struct mho_key *key, *found = NULL;

	mutex_lock(&bo->key_lock);
	list_for_each_entry(key, &bo->keys, bo_link) {
		if (key->client == client) {
			list_del(&key->bo_link);
			found = key;
			break;
		}
	}
	mutex_unlock(&bo->key_lock);
	mho_key_put(found);
}
