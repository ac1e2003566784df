// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Operands in buffers that a program has registered with io_uring. They are copied through memory
 * of the driver, the pool: a file has one, with one memory key, made when it is needed first. So
 * the device never has addresses of pages that the end of a command unpins, and a command can be
 * cancelled at any time. The copy back is made by task work, while the command still holds them.
 *
 * In the pool vectors are densely packed, whatever their stride is in the program.
 */
#include <linux/bitmap.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include <drm/mho_accel.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_gem.h"
#include "mho_job.h"

/* Four of the largest jobs at once; a job takes whole pages. */
#define MHO_FIXED_PAGES (4 * DRM_MHO_FIXED_MAX / SZ_4K)

/**
 * struct mho_fixed_pool - a file's pool
 * @bo: its memory
 * @key: of it
 * @map: where the kernel sees it
 * @lock: of @used
 * @used: pages of 4 KiB
 */
struct mho_fixed_pool {
	struct mho_bo *bo;
	struct mho_key *key;
	void *map;
	spinlock_t lock; /* of used */
	DECLARE_BITMAP(used, MHO_FIXED_PAGES);
};

/**
 * struct mho_fixed_part - an operand
 * @iter: in the program
 * @vectors: how many; 0: the operand is not in a registered buffer
 * @bytes: of one
 * @stride: from one to the next in the program
 * @out: the device writes it
 */
struct mho_fixed_part {
	struct iov_iter iter;
	size_t vectors;
	size_t bytes;
	size_t stride;
	bool out;
};

/**
 * struct mho_fixed - what a job has in the pool: operand a, and behind it operand b
 * @pool: pool
 * @page: first page
 * @pages: number of them
 * @parts: the operands
 */
struct mho_fixed {
	struct mho_fixed_pool *pool;
	unsigned int page;
	unsigned int pages;
	struct mho_fixed_part parts[2];
};

static size_t mho_fixed_size(const struct mho_fixed_part *part)
{
	/* Each begins at a multiple of what the device fetches at once. */
	return ALIGN(part->vectors * part->bytes, SMP_CACHE_BYTES);
}

static int mho_fixed_pool_fill(struct mho_fixed_pool *pool, struct mho_client *client)
{
	struct drm_gem_shmem_object *shmem;

	shmem = drm_gem_shmem_create(&client->mdev->drm, MHO_FIXED_PAGES * SZ_4K);
	if (IS_ERR(shmem))
		return PTR_ERR(shmem);
	pool->bo = to_mho_bo(&shmem->base);
	pool->map = mho_bo_vmap(pool->bo);
	if (IS_ERR(pool->map))
		return PTR_ERR(pool->map);
	pool->key = mho_key_get(client, pool->bo);
	return PTR_ERR_OR_ZERO(pool->key);
}

static void mho_fixed_pool_free(struct mho_fixed_pool *pool, struct mho_client *client)
{
	if (!IS_ERR_OR_NULL(pool->key)) {
		mho_key_drop_handle(client, pool->bo);
		mho_key_put(pool->key);
	}
	mho_bo_put(pool->bo);
	kfree(pool);
}

/* Whoever needs it first waits for the device to take the key. */
static struct mho_fixed_pool *mho_fixed_pool(struct mho_client *client)
{
	struct mho_fixed_pool *pool;
	int ret;

	mutex_lock(&client->lock);
	pool = client->fixed;
	if (pool)
		goto out_unlock;
	pool = kzalloc_obj(*pool, GFP_KERNEL_ACCOUNT);
	if (!pool) {
		pool = ERR_PTR(-ENOMEM);
		goto out_unlock;
	}
	spin_lock_init(&pool->lock);
	ret = mho_fixed_pool_fill(pool, client);
	if (ret) {
		mho_fixed_pool_free(pool, client);
		pool = ERR_PTR(ret);
	} else {
		client->fixed = pool;
	}
out_unlock:
	mutex_unlock(&client->lock);
	return pool;
}

/**
 * mho_fixed_close() - the file is closed, and no job is left
 * @client: open file
 */
void mho_fixed_close(struct mho_client *client)
{
	if (client->fixed)
		mho_fixed_pool_free(client->fixed, client);
	client->fixed = NULL;
}

static int mho_fixed_alloc(struct mho_fixed *fixed, size_t size)
{
	struct mho_fixed_pool *pool = fixed->pool;
	unsigned int pages = DIV_ROUND_UP(size, SZ_4K);
	int ret = -EBUSY;

	spin_lock(&pool->lock);
	fixed->page = bitmap_find_next_zero_area(pool->used, MHO_FIXED_PAGES, 0, pages, 0);
	if (fixed->page < MHO_FIXED_PAGES) {
		bitmap_set(pool->used, fixed->page, pages);
		fixed->pages = pages;
		ret = 0;
	}
	spin_unlock(&pool->lock);
	return ret;
}

/**
 * mho_fixed_free() - the job is gone
 * @fixed: what it had, or NULL
 */
void mho_fixed_free(struct mho_fixed *fixed)
{
	if (!fixed)
		return;
	spin_lock(&fixed->pool->lock);
	bitmap_clear(fixed->pool->used, fixed->page, fixed->pages);
	spin_unlock(&fixed->pool->lock);
	kfree(fixed);
}

static void *mho_fixed_at(const struct mho_fixed *fixed, unsigned int index)
{
	return fixed->pool->map + fixed->page * SZ_4K +
	       (index ? mho_fixed_size(&fixed->parts[0]) : 0);
}

/* Vector by vector; what is between them stays as it is. */
static int mho_fixed_copy(const struct mho_fixed *fixed, unsigned int index)
{
	const struct mho_fixed_part *part = &fixed->parts[index];
	struct iov_iter iter = part->iter;
	void *at = mho_fixed_at(fixed, index);
	size_t i, done;

	for (i = 0; i < part->vectors; i++, at += part->bytes) {
		done = part->out ? copy_to_iter(at, part->bytes, &iter) :
				   copy_from_iter(at, part->bytes, &iter);
		if (done != part->bytes)
			return -EFAULT;
		if (i + 1 < part->vectors)
			iov_iter_advance(&iter, part->stride - part->bytes);
	}
	return 0;
}

/**
 * mho_fixed_copy_back() - give the program what the device has written
 * @fixed: what the job had, or NULL
 *
 * Return: 0 or -EFAULT.
 */
int mho_fixed_copy_back(const struct mho_fixed *fixed)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; fixed && !ret && i < ARRAY_SIZE(fixed->parts); i++)
		if (fixed->parts[i].out)
			ret = mho_fixed_copy(fixed, i);
	return ret;
}

static size_t mho_fixed_element(u8 type)
{
	return type == DRM_MHO_TYPE_F32 ? sizeof(u32) : type == DRM_MHO_TYPE_I8 ? 1 : 0;
}

/* Vectors and elements of a vector, for operand a or b. */
static bool mho_fixed_shape(const struct drm_mho_job *args, const struct mho_array *array,
			    unsigned int index, size_t *vectors, size_t *elements)
{
	const struct drm_mho_region *region;

	switch (args->op) {
	case DRM_MHO_OP_MVM:
	case DRM_MHO_OP_UPDATE:
		*vectors = args->batch;
		*elements = index ? array->rows : array->cols;
		return true;
	case DRM_MHO_OP_MVM_T:
		*vectors = args->batch;
		*elements = index ? array->cols : array->rows;
		return true;
	case DRM_MHO_OP_PROGRAM:
	case DRM_MHO_OP_PULSE:
		region = &args->b_region;
		break;
	case DRM_MHO_OP_READ:
		region = &args->a_region;
		index = !index;
		break;
	default:
		return false;
	}
	*vectors = region->rows ?: array->rows;
	*elements = region->cols ?: array->cols;
	return !index;
}

static bool mho_fixed_writes(u8 op, unsigned int index)
{
	return index && op != DRM_MHO_OP_UPDATE;
}

/* The device judges shapes, but the copy has to know how much there is to copy. */
static int mho_fixed_part(struct mho_fixed_part *part, const struct drm_mho_job *args,
			  const struct mho_array *array, unsigned int index)
{
	const struct drm_mho_operand *operand = index ? &args->b : &args->a;
	size_t elements;

	if (operand->handle || !array ||
	    !mho_fixed_shape(args, array, index, &part->vectors, &elements))
		return -EINVAL;
	part->bytes = elements * mho_fixed_element(index ? args->b_type : args->a_type);
	part->stride = operand->stride ?: part->bytes;
	part->out = mho_fixed_writes(args->op, index);
	if (!part->vectors || !part->bytes || part->stride < part->bytes)
		return -EINVAL;
	return size_mul(part->vectors, part->bytes) > DRM_MHO_FIXED_MAX ? -E2BIG : 0;
}

static int mho_fixed_import(struct mho_fixed_part *part, u64 address, struct io_uring_cmd *cmd,
			    unsigned int issue_flags)
{
	size_t extent = size_add(size_mul(part->vectors - 1, part->stride), part->bytes);

	/* What io_uring keeps of a buffer is not larger. */
	if (extent > MAX_RW_COUNT)
		return -EFAULT;
	return mho_uring_import_fixed(address, extent, part->out ? ITER_DEST : ITER_SOURCE,
				      &part->iter, cmd, issue_flags);
}

static int mho_fixed_fill(struct mho_fixed *fixed, const struct drm_mho_job *args, u32 which,
			  const struct mho_array *array, struct io_uring_cmd *cmd,
			  unsigned int issue_flags)
{
	struct mho_fixed_part *part;
	size_t size = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(fixed->parts); i++) {
		part = &fixed->parts[i];
		if (!(which & (i ? DRM_MHO_URING_B_FIXED : DRM_MHO_URING_A_FIXED)))
			continue;
		ret = mho_fixed_part(part, args, array, i);
		if (!ret)
			ret = mho_fixed_import(part, i ? args->b.offset : args->a.offset, cmd,
					       issue_flags);
		if (ret)
			return ret;
		size += mho_fixed_size(part);
	}
	if (size > DRM_MHO_FIXED_MAX)
		return -E2BIG;
	ret = mho_fixed_alloc(fixed, size);
	for (i = 0; !ret && i < ARRAY_SIZE(fixed->parts); i++)
		if (fixed->parts[i].vectors && !fixed->parts[i].out)
			ret = mho_fixed_copy(fixed, i);
	return ret;
}

static struct mho_key *mho_fixed_operand(const struct mho_fixed *fixed, unsigned int index,
					 struct mho_hw_operand *hw)
{
	hw->offset = cpu_to_le64(mho_fixed_at(fixed, index) - fixed->pool->map);
	hw->stride = 0;
	kref_get(&fixed->pool->key->ref);
	return fixed->pool->key;
}

/**
 * mho_fixed_set() - let a job have operands from registered buffers
 * @job: job of one command, which has its array, but not these operands
 * @args: its arguments, the kernel's own copy
 * @which: DRM_MHO_URING_A_FIXED, DRM_MHO_URING_B_FIXED
 * @cmd: io_uring command that names the buffer
 * @issue_flags: of the core
 *
 * Return: 0, -EINVAL, -E2BIG, -EFAULT, -EBUSY, or what making the pool gave.
 */
int mho_fixed_set(struct mho_job *job, const struct drm_mho_job *args, u32 which,
		  struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct mho_cmd *to = &job->cmds[0];
	struct mho_fixed_pool *pool = mho_fixed_pool(job->ctx->client);
	int ret;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	job->fixed = kzalloc_obj(*job->fixed, GFP_KERNEL_ACCOUNT);
	if (!job->fixed)
		return -ENOMEM;
	job->fixed->pool = pool;
	ret = mho_fixed_fill(job->fixed, args, which, to->array, cmd, issue_flags);
	if (ret)
		return ret;
	if (which & DRM_MHO_URING_A_FIXED)
		to->a = mho_fixed_operand(job->fixed, 0, &to->sqe.a);
	if (which & DRM_MHO_URING_B_FIXED)
		to->b = mho_fixed_operand(job->fixed, 1, &to->sqe.b);
	return 0;
}
