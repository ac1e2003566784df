// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Buffers: memory that jobs name. The memory itself comes from the backend.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/dev.h"

/* More than any address space; keeps sums of offsets and sizes far from overflow. */
#define BUF_MAX ((uint64_t)1 << 46)

int mrt_buf_new(struct mrt_dev *dev, size_t bytes, struct mrt_buf **out)
{
	struct mrt_buf *buf;
	int err;

	if (!bytes || bytes > BUF_MAX)
		return mrt_fail(-EINVAL,
				"a buffer of %zu bytes cannot be had; ask for 1 byte to 64 TiB",
				bytes);
	buf = calloc(1, sizeof(*buf));
	if (!buf)
		return mrt_fail(-ENOMEM, "out of memory for a buffer");
	err = dev->ops->mem_alloc(dev->bdev, bytes, &buf->mem);
	if (err) {
		free(buf);
		return err;
	}
	buf->dev = dev;
	buf->size = bytes;
	atomic_init(&buf->refs, 1);
	pthread_mutex_lock(&dev->lock);
	mrt_link_add(&dev->bufs, &buf->link);
	pthread_mutex_unlock(&dev->lock);
	*out = buf;
	return 0;
}

void mrt_buf_put(struct mrt_buf *buf)
{
	struct mrt_dev *dev = buf->dev;

	if (atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_lock(&dev->lock);
	mrt_link_del(&buf->link);
	pthread_mutex_unlock(&dev->lock);
	dev->ops->mem_free(dev->bdev, &buf->mem);
	free(buf);
}

int mho_buf_alloc(struct mho_dev *handle, size_t bytes, struct mho_buf **out)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_buf_alloc");
	struct mrt_buf *buf;
	int err;

	if (!dev)
		return -EINVAL;
	if (!out)
		return mrt_fail(-EINVAL,
				"mho_buf_alloc: there is no place for the buffer (out is NULL)");
	err = mrt_buf_new(dev, bytes, &buf);
	if (err)
		return err;
	buf->handle = mrt_handle_new(MRT_BUF, buf, handle);
	if (!buf->handle) {
		mrt_buf_put(buf);
		return mrt_fail(-ENOMEM, "out of memory for the handle of a buffer");
	}
	*out = buf->handle;
	return 0;
}

void *mho_buf_map(struct mho_buf *handle)
{
	struct mrt_buf *buf = mrt_handle_get(handle, MRT_BUF, "mho_buf_map");

	return buf ? buf->mem.map : NULL;
}

size_t mho_buf_size(const struct mho_buf *handle)
{
	struct mrt_buf *buf = mrt_handle_get(handle, MRT_BUF, "mho_buf_size");

	return buf ? buf->size : 0;
}

void mho_buf_free(struct mho_buf *handle)
{
	struct mrt_buf *buf;

	if (!handle)
		return;
	buf = mrt_handle_take(handle, MRT_BUF, "mho_buf_free");
	if (!buf)
		return;
	buf->handle = NULL;
	mrt_buf_put(buf);
}
