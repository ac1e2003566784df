// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Matrices: arrays of the device with a scale. The scale of a named matrix is kept
 * in the array's tag, so that whoever finds it again reads the same weights.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dev.h"
#include "emulator/topo.h"

#define NAME_MAX_BYTES 31
#define ROWS_MAX 65536

/* High half of a tag that this library wrote ("mho1"); the low half is the scale's binary32. */
#define TAG_MAGIC 0x6d686f31U

static uint64_t tag_of(float scale)
{
	uint32_t bits;

	memcpy(&bits, &scale, sizeof(bits));
	return (uint64_t)TAG_MAGIC << 32 | bits;
}

static float scale_of(uint64_t tag)
{
	uint32_t bits = (uint32_t)tag;
	float scale;

	memcpy(&scale, &bits, sizeof(scale));
	return tag >> 32 == TAG_MAGIC && isfinite(scale) && scale > 0.0f ? scale : 1.0f;
}

static int check_name(const char *name)
{
	size_t len = strlen(name);

	if (len >= 1 && len <= NAME_MAX_BYTES)
		return 0;
	return mrt_fail(-EINVAL, "the matrix' name has %zu bytes; allowed are 1 to %d", len,
			NAME_MAX_BYTES);
}

static int check_desc(const struct mrt_dev *dev, const struct mho_mat_desc *d)
{
	if (!d->rows || !d->cols || d->rows > ROWS_MAX || d->cols > ROWS_MAX)
		return mrt_fail(
			-EINVAL,
			"a matrix of %u x %u (rows x cols) is wanted; allowed are 1 to %d of "
			"each",
			d->rows, d->cols, ROWS_MAX);
	if (d->technology > dev->info.technologies)
		return mrt_fail(
			-EINVAL,
			"technology is %u; this card has %u (1 names the first, 0 takes any)",
			d->technology, dev->info.technologies);
	if (d->flags & ~MHO_MAT_COMPACT)
		return mrt_fail(-EINVAL,
				"the matrix' flags are 0x%x; only MHO_MAT_COMPACT is allowed",
				d->flags);
	if (!isfinite(d->scale) || d->scale < 0.0f)
		return mrt_fail(
			-EINVAL,
			"the matrix' scale is %g; it is a finite number above 0, or 0 for 1.0",
			(double)d->scale);
	for (unsigned int i = 0; i < sizeof(d->reserved) / sizeof(*d->reserved); i++)
		if (d->reserved[i] || d->pad)
			return mrt_fail(-EINVAL, "struct mho_mat_desc: reserved is not zero; begin "
						 "with MHO_INIT(struct mho_mat_desc)");
	return d->name ? check_name(d->name) : 0;
}

/* The sentence for a card without enough free tiles. */
static int no_tiles(const struct mrt_dev *dev, const struct mrt_array_request *req)
{
	uint32_t rows = 0, cols = 0, free = req->tiles_free;
	const struct mho_topo *topo = dev->topo;

	for (unsigned int i = 0; i < topo->ntiles; i++) {
		const struct mho_topo_tile *t = &topo->tiles[i];

		rows = t->rows > rows ? t->rows : rows;
		cols = t->cols > cols ? t->cols : cols;
	}
	rows = req->block_rows && req->block_rows < rows ? req->block_rows : rows;
	cols = req->block_cols && req->block_cols < cols ? req->block_cols : cols;
	return mrt_fail(
		-ENOSPC,
		"a matrix of %u x %u needs %u tile%s of at most %ux%u%s, %u %s free: free a "
		"matrix, or use a larger topology",
		req->rows, req->cols, req->tiles_needed, req->tiles_needed == 1 ? "" : "s", rows,
		cols, req->technology == MRT_ANY ? "" : " and this technology", free,
		free == 1 ? "is" : "are");
}

/* Makes the object of array @id. On failure lets go of the array, or destroys a @fresh one. */
static int new_mat(struct mrt_dev *dev, uint32_t id, bool fresh, struct mho_mat **out)
{
	struct mrt_array_info info;
	struct mrt_mat *mat;
	int err;

	mat = calloc(1, sizeof(*mat));
	if (!mat) {
		err = mrt_fail(-ENOMEM, "out of memory for a matrix");
		goto release;
	}
	err = dev->ops->array_info(dev->bdev, id, &info, NULL, 0);
	if (err)
		goto release;
	mat->blocks = calloc(info.blocks, sizeof(*mat->blocks));
	if (!mat->blocks) {
		err = mrt_fail(-ENOMEM, "out of memory for a matrix of %u blocks", info.blocks);
		goto release;
	}
	err = dev->ops->array_info(dev->bdev, id, &info, mat->blocks, info.blocks);
	if (err)
		goto release;
	mat->dev = dev;
	mat->id = id;
	mat->rows = info.rows;
	mat->cols = info.cols;
	mat->nblocks = info.blocks;
	mat->scale = scale_of(info.tag);
	atomic_init(&mat->refs, 1);
	mat->handle = mrt_handle_new(MRT_MAT, mat, dev->handle);
	if (!mat->handle) {
		err = mrt_fail(-ENOMEM, "out of memory for the handle of a matrix");
		goto release;
	}
	pthread_mutex_lock(&dev->lock);
	mrt_link_add(&dev->mats, &mat->link);
	pthread_mutex_unlock(&dev->lock);
	*out = mat->handle;
	return 0;
release:
	dev->ops->array_release(dev->bdev, id, fresh);
	if (mat)
		free(mat->blocks);
	free(mat);
	return err;
}

void mrt_mat_put(struct mrt_mat *mat)
{
	struct mrt_dev *dev = mat->dev;

	if (atomic_fetch_sub_explicit(&mat->refs, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_lock(&dev->lock);
	mrt_link_del(&mat->link);
	pthread_mutex_unlock(&dev->lock);
	if (dev->ops->array_release(dev->bdev, mat->id, mat->destroy))
		mrt_log(&dev->log, MHO_LOG_ERROR, "matrix %u was not released: %s", mat->id,
			mho_last_error());
	free(mat->blocks);
	free(mat);
}

int mho_mat_alloc(struct mho_dev *handle, const struct mho_mat_desc *desc, struct mho_mat **out)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_mat_alloc");
	struct mrt_array_request req;
	struct mho_mat_desc d;
	uint32_t id;
	int err;

	if (!dev)
		return -EINVAL;
	if (!desc || !out)
		return mrt_fail(-EINVAL, "mho_mat_alloc: %s is NULL", desc ? "out" : "desc");
	err = mrt_copy_in(&d, sizeof(d), desc, sizeof(d), "struct mho_mat_desc");
	if (!err)
		err = check_desc(dev, &d);
	if (err)
		return err;
	req = (struct mrt_array_request){
		.rows = d.rows,
		.cols = d.cols,
		.block_rows = d.block_rows,
		.block_cols = d.block_cols,
		.technology = d.technology ? d.technology - 1 : MRT_ANY,
		.compact = d.flags & MHO_MAT_COMPACT,
		.owner = getuid(),
		.tag = tag_of(d.scale != 0.0f ? d.scale : 1.0f),
		.name = d.name,
	};
	err = dev->ops->array_create(dev->bdev, &req, &id);
	if (err == -ENOSPC && req.tiles_needed)
		return no_tiles(dev, &req);
	return err ? err : new_mat(dev, id, true, out);
}

int mho_mat_find(struct mho_dev *handle, const char *name, struct mho_mat **out)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_mat_find");
	uint32_t id;
	int err;

	if (!dev)
		return -EINVAL;
	if (!name || !out)
		return mrt_fail(-EINVAL, "mho_mat_find: %s is NULL", name ? "out" : "name");
	err = check_name(name);
	if (err)
		return err;
	err = dev->ops->array_find(dev->bdev, name, getuid(), &id);
	if (err == -ENOENT)
		return mrt_fail(
			err,
			"no matrix \"%s\" of user %u is on this card; mho_mat_alloc() with a "
			"name makes one, and an emulated card needs state=FILE to keep it",
			name, (unsigned int)getuid());
	if (err == -EBUSY)
		return mrt_fail(
			err,
			"the matrix \"%s\" is in use; mho_mat_free() it there first, and let "
			"its jobs be reaped",
			name);
	return err ? err : new_mat(dev, id, false, out);
}

static void let_go(struct mho_mat *handle, bool destroy, const char *what)
{
	struct mrt_mat *mat;

	if (!handle)
		return;
	mat = mrt_handle_take(handle, MRT_MAT, what);
	if (!mat)
		return;
	mat->handle = NULL;
	mat->destroy = destroy;
	mrt_mat_put(mat);
}

void mho_mat_free(struct mho_mat *mat)
{
	let_go(mat, false, "mho_mat_free");
}

void mho_mat_delete(struct mho_mat *mat)
{
	let_go(mat, true, "mho_mat_delete");
}

uint32_t mho_mat_rows(const struct mho_mat *handle)
{
	struct mrt_mat *mat = mrt_handle_get(handle, MRT_MAT, "mho_mat_rows");

	return mat ? mat->rows : 0;
}

uint32_t mho_mat_cols(const struct mho_mat *handle)
{
	struct mrt_mat *mat = mrt_handle_get(handle, MRT_MAT, "mho_mat_cols");

	return mat ? mat->cols : 0;
}

float mho_mat_scale(const struct mho_mat *handle)
{
	struct mrt_mat *mat = mrt_handle_get(handle, MRT_MAT, "mho_mat_scale");

	return mat ? mat->scale : 0.0f;
}

int mho_mat_blocks(const struct mho_mat *handle, struct mho_mat_block *blocks, uint32_t n)
{
	struct mrt_mat *mat = mrt_handle_get(handle, MRT_MAT, "mho_mat_blocks");

	if (!mat)
		return -EINVAL;
	if (n && !blocks)
		return mrt_fail(-EINVAL,
				"mho_mat_blocks: there is no room for %u blocks (blocks is "
				"NULL)",
				n);
	if (n > mat->nblocks)
		n = mat->nblocks;
	if (n)
		memcpy(blocks, mat->blocks, n * sizeof(*blocks));
	return mat->nblocks;
}
