// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Buffers and arrays of a card. Handles are the driver's, of the one open file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "backend/accel_dev.h"
#include "backend/accel_prepared.h"

/* How often, and for how long, an array is asked for that a job is just leaving. */
#define BUSY_PAUSE_NS 100000
#define BUSY_TRIES 50000

/* ---- what queues have prepared ---- */

void accelb_caches_add(struct accelb_dev *dev, struct accelb_cache *cache)
{
	pthread_mutex_lock(&dev->lock);
	mrt_link_add(&dev->caches, &cache->link);
	pthread_mutex_unlock(&dev->lock);
}

void accelb_caches_remove(struct accelb_dev *dev, struct accelb_cache *cache)
{
	pthread_mutex_lock(&dev->lock);
	mrt_link_del(&cache->link);
	pthread_mutex_unlock(&dev->lock);
}

/* Before the driver gives the handle to something else. */
static void forget(struct accelb_dev *dev, void (*fn)(struct accelb_cache *cache, uint32_t handle),
		   uint32_t handle)
{
	pthread_mutex_lock(&dev->lock);
	for (struct mrt_link *l = dev->caches.next; l != &dev->caches; l = l->next)
		fn(mrt_link_entry(l, struct accelb_cache, link), handle);
	pthread_mutex_unlock(&dev->lock);
}

/* ---- memory ---- */

static void close_handle(struct accelb_dev *dev, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	/* It fails only where the card is gone; then the handle goes with the file. */
	accelb_ioctl(dev->fd, DRM_IOCTL_GEM_CLOSE, &args);
}

static int no_memory(int err, size_t bytes)
{
	switch (err) {
	case -ENOSPC:
	case -EDQUOT:
		return mrt_fail(-ENOSPC, "%s: free one, or put several things into one buffer",
				err == -ENOSPC ? "the card has no memory key left for a buffer" :
						 "this program has its share of the card's memory "
						 "keys, one for each buffer");
	case -EFBIG:
	case -EINVAL:
		return mrt_fail(-ENOMEM,
				"a buffer of %zu bytes is more than a memory key can cover", bytes);
	case -ENOMEM:
		return mrt_fail(err, "out of memory for a buffer of %zu bytes", bytes);
	default:
		return accelb_fail(err, "making a buffer");
	}
}

int accelb_mem_alloc(struct mrt_bdev *base, size_t bytes, struct mrt_mem *mem)
{
	struct accelb_dev *dev = accelb_dev_of(base);
	struct drm_mho_bo_create args = { .size = bytes };
	int err;

	err = accelb_ioctl(dev->fd, DRM_IOCTL_MHO_BO_CREATE, &args);
	if (err)
		return no_memory(err, bytes);
	mem->map = mmap(NULL, args.size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
			(off_t)args.mmap_offset);
	if (mem->map == MAP_FAILED) {
		err = -errno;
		close_handle(dev, args.handle);
		return mrt_fail(err, "a buffer of %zu bytes cannot be mapped: %s", bytes,
				mho_strerror(err));
	}
	/* As with an emulated card: a child has no device, and a copy that looks alive hides it. */
	madvise(mem->map, args.size, MADV_DONTFORK);
	mem->size = args.size;
	mem->id = args.handle;
	return 0;
}

void accelb_mem_free(struct mrt_bdev *base, struct mrt_mem *mem)
{
	forget(accelb_dev_of(base), accelb_cache_forget_buffer, (uint32_t)mem->id);
	munmap(mem->map, mem->size);
	close_handle(accelb_dev_of(base), (uint32_t)mem->id);
}

/* ---- arrays ---- */

static void put_label(uint8_t label[DRM_MHO_LABEL_SIZE], const char *name)
{
	memcpy(label, name, strnlen(name, DRM_MHO_LABEL_SIZE - 1));
}

int accelb_array_create(struct mrt_bdev *base, struct mrt_array_request *req, uint32_t *id)
{
	struct drm_mho_array_create args = {
		.rows = req->rows,
		.cols = req->cols,
		.block_rows = req->block_rows,
		.block_cols = req->block_cols,
		.technology = req->technology == MRT_ANY ? DRM_MHO_ALL : req->technology,
		.flags = (req->compact ? DRM_MHO_ARRAY_COMPACT : 0) |
			 (req->name ? DRM_MHO_ARRAY_NAMED : 0),
		.tag = req->tag,
	};
	int err;

	if (req->name)
		put_label(args.label, req->name);
	err = accelb_ioctl(accelb_dev_of(base)->fd, DRM_IOCTL_MHO_ARRAY_CREATE, &args);
	switch (err) {
	case 0:
		*id = args.handle;
		return 0;
	case -ENOSPC:
		req->tiles_needed = args.tiles_needed;
		req->tiles_free = args.tiles_free;
		if (req->tiles_needed)
			return err;
		return mrt_fail(err,
				"the card holds %u matrices already, as many as it can: free one",
				accelb_dev_of(base)->info.arrays_max);
	case -EDQUOT:
		return mrt_fail(-ENOSPC, "this program has its share of the card's matrices or "
					 "tiles, which is half of them: free one");
	case -EEXIST:
		return mrt_fail(err,
				"a matrix \"%s\" is on this card already: mho_mat_find() it, or "
				"take another name",
				req->name);
	default:
		return accelb_fail(err, "making a matrix");
	}
}

/* Whose it is, the driver knows: @owner is not asked for. */
int accelb_array_find(struct mrt_bdev *base, const char *name, uint64_t owner, uint32_t *id)
{
	struct drm_mho_array_find args = { 0 };
	int err;

	(void)owner;
	put_label(args.label, name);
	err = accelb_ioctl(accelb_dev_of(base)->fd, DRM_IOCTL_MHO_ARRAY_FIND, &args);
	if (err == -EEXIST)
		return -EBUSY;
	if (err && err != -ENOENT && err != -EBUSY)
		return accelb_fail(err, "finding a matrix");
	*id = args.handle;
	return err;
}

int accelb_array_info(struct mrt_bdev *base, uint32_t id, struct mrt_array_info *info,
		      struct mho_mat_block *blocks, uint32_t n)
{
	struct drm_mho_array_info args = { .handle = id, .block_count = n };
	struct drm_mho_array_block *list = calloc(n ? n : 1, sizeof(*list));
	int err;

	if (!list)
		return mrt_fail(-ENOMEM, "out of memory for the description of a matrix");
	args.blocks = n ? (uintptr_t)list : 0;
	err = accelb_ioctl(accelb_dev_of(base)->fd, DRM_IOCTL_MHO_ARRAY_INFO, &args);
	if (!err && args.flags & DRM_MHO_ARRAY_LOST)
		err = -EIO;
	if (err) {
		free(list);
		return accelb_fail(err, "describing a matrix");
	}
	info->rows = args.rows;
	info->cols = args.cols;
	info->blocks = args.block_count;
	info->tag = args.tag;
	for (uint32_t i = 0; i < n && i < args.block_count; i++)
		blocks[i] = (struct mho_mat_block){
			.tile = list[i].tile,
			.row = list[i].row,
			.col = list[i].col,
			.rows = list[i].rows,
			.cols = list[i].cols,
		};
	free(list);
	return 0;
}

int accelb_array_release(struct mrt_bdev *base, uint32_t id, bool destroy)
{
	struct accelb_dev *dev = accelb_dev_of(base);
	struct drm_mho_array_info info = { .handle = id };
	struct drm_mho_array_handle args = { .handle = id };
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
	unsigned long request = DRM_IOCTL_MHO_ARRAY_DESTROY;
	int err, tries = 0;

	forget(dev, accelb_cache_forget_array, id);
	if (!destroy) {
		err = accelb_ioctl(dev->fd, DRM_IOCTL_MHO_ARRAY_INFO, &info);
		if (err)
			return accelb_fail(err, "letting go of a matrix");
		/* One that was lost in a reset has no name any more that could be kept. */
		if (info.flags & DRM_MHO_ARRAY_NAMED)
			request = DRM_IOCTL_MHO_ARRAY_DETACH;
	}
	while ((err = accelb_ioctl(dev->fd, request, &args)) == -EBUSY && tries++ < BUSY_TRIES)
		nanosleep(&pause, NULL);
	return err ? accelb_fail(err, "letting go of a matrix") : 0;
}
