// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What an open file can have: contexts, buffers, arrays, syncobjs.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "mho_test_lib.h"

int mt_buffer_create(int fd, uint64_t size, struct mt_buffer *buffer)
{
	struct drm_mho_bo_create args = { .size = size };
	int ret;

	memset(buffer, 0, sizeof(*buffer));
	ret = mt_ioctl(fd, DRM_IOCTL_MHO_BO_CREATE, &args);
	if (ret)
		return ret;
	buffer->handle = args.handle;
	buffer->size = args.size;
	buffer->offset = args.mmap_offset;
	buffer->map = mmap(NULL, args.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   (off_t)args.mmap_offset);
	if (buffer->map != MAP_FAILED)
		return 0;
	ret = -errno;
	buffer->map = NULL;
	mt_buffer_destroy(fd, buffer);
	return ret;
}

void mt_buffer_destroy(int fd, struct mt_buffer *buffer)
{
	if (buffer->map)
		munmap(buffer->map, buffer->size);
	if (buffer->handle)
		mt_gem_close(fd, buffer->handle);
	memset(buffer, 0, sizeof(*buffer));
}

int mt_gem_close(int fd, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	return mt_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

int mt_ctx_create(int fd, uint32_t *handle)
{
	struct drm_mho_ctx_create args = { .priority = DRM_MHO_PRIORITY_NORMAL };
	int ret = mt_ioctl(fd, DRM_IOCTL_MHO_CTX_CREATE, &args);

	*handle = args.handle;
	return ret;
}

int mt_ctx_destroy(int fd, uint32_t handle)
{
	struct drm_mho_ctx_destroy args = { .handle = handle };

	return mt_ioctl(fd, DRM_IOCTL_MHO_CTX_DESTROY, &args);
}

struct drm_mho_array_create mt_array_args(uint32_t rows, uint32_t cols)
{
	return (struct drm_mho_array_create){ .rows = rows,
					      .cols = cols,
					      .block_rows = MT_BLOCK,
					      .block_cols = MT_BLOCK,
					      .technology = DRM_MHO_ALL };
}

int mt_array_create(int fd, uint32_t rows, uint32_t cols, uint32_t *handle)
{
	struct drm_mho_array_create args = mt_array_args(rows, cols);
	int ret = mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_CREATE, &args);

	*handle = args.handle;
	return ret;
}

int mt_array_destroy(int fd, uint32_t handle)
{
	struct drm_mho_array_handle args = { .handle = handle };

	return mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_DESTROY, &args);
}

int mt_syncobj_create(int fd, uint32_t flags, uint32_t *handle)
{
	struct drm_syncobj_create args = { .flags = flags };
	int ret = mt_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	*handle = args.handle;
	return ret;
}

int mt_syncobj_destroy(int fd, uint32_t handle)
{
	struct drm_syncobj_destroy args = { .handle = handle };

	return mt_ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

static int64_t deadline(int64_t ns)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec + ns;
}

int mt_syncobj_wait(int fd, uint32_t handle, int64_t ns)
{
	struct drm_syncobj_wait args = { .handles = (uintptr_t)&handle,
					 .count_handles = 1,
					 .timeout_nsec = deadline(ns) };

	return mt_ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &args);
}

int mt_timeline_wait(int fd, uint32_t handle, uint64_t point, int64_t ns)
{
	struct drm_syncobj_timeline_wait args = { .handles = (uintptr_t)&handle,
						  .points = (uintptr_t)&point,
						  .count_handles = 1,
						  .timeout_nsec = deadline(ns),
						  .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT };

	return mt_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

int mt_fence_status(int fd, uint32_t handle)
{
	struct drm_syncobj_handle args = { .handle = handle,
					   .flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
					   .fd = -1 };
	struct sync_file_info info = { 0 };
	int ret = mt_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	if (ret)
		return ret;
	ret = mt_ioctl(args.fd, SYNC_IOC_FILE_INFO, &info);
	close(args.fd);
	return ret ? ret : info.status;
}
