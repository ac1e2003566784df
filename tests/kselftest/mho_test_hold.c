// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A fence that signals when the test says so, to hold jobs back: vgem, the kernel's driver without
 * a device, has such fences.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>

#include "mho_test_lib.h"

static void load_vgem(void)
{
	pid_t pid = fork();

	if (!pid) {
		execlp("modprobe", "modprobe", "vgem", NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static bool is_vgem(int fd)
{
	char name[8] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !mt_ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgem");
}

int mt_vgem_open(void)
{
	int fd = -ENODEV;
	glob_t nodes;
	size_t i;

	load_vgem();
	if (glob("/dev/dri/card*", 0, NULL, &nodes))
		return -ENODEV;
	for (i = 0; i < nodes.gl_pathc && fd < 0; i++) {
		fd = open(nodes.gl_pathv[i], O_RDWR | O_CLOEXEC);
		if (fd >= 0 && !is_vgem(fd)) {
			close(fd);
			fd = -ENODEV;
		}
	}
	globfree(&nodes);
	return fd < 0 ? -ENODEV : fd;
}

int mt_vgem_buffer(int fd, uint32_t size, uint32_t *handle)
{
	struct drm_mode_create_dumb args = { .width = size / 4, .height = 1, .bpp = 32 };
	int ret = mt_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &args);

	*handle = args.handle;
	return ret;
}

int mt_prime_export(int fd, uint32_t handle)
{
	struct drm_prime_handle args = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = mt_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	return ret ? ret : args.fd;
}

int mt_prime_import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle args = { .fd = dmabuf };
	int ret = mt_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*handle = args.handle;
	return ret;
}

/* The fence that vgem has attached to a buffer, as a sync_file. */
static int export_fence(int vgem, uint32_t handle)
{
	struct dma_buf_export_sync_file args = { .flags = DMA_BUF_SYNC_READ, .fd = -1 };
	int dmabuf = mt_prime_export(vgem, handle);
	int ret;

	if (dmabuf < 0)
		return dmabuf;
	ret = mt_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &args);
	close(dmabuf);
	return ret ? ret : args.fd;
}

int mt_syncobj_import(int fd, uint32_t handle, int sync_file)
{
	struct drm_syncobj_handle args = { .handle = handle,
					   .flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
					   .fd = sync_file };

	return mt_ioctl(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);
}

int mt_hold_create(int fd, struct mt_hold *hold)
{
	struct drm_vgem_fence_attach attach = { .flags = VGEM_FENCE_WRITE };
	int ret;

	memset(hold, 0, sizeof(*hold));
	hold->sync_file = -1;
	hold->vgem = mt_vgem_open();
	if (hold->vgem < 0)
		return hold->vgem;
	ret = mt_vgem_buffer(hold->vgem, 4096, &attach.handle);
	if (!ret)
		ret = mt_ioctl(hold->vgem, DRM_IOCTL_VGEM_FENCE_ATTACH, &attach);
	if (ret)
		return ret;
	hold->fence = attach.out_fence;
	hold->sync_file = export_fence(hold->vgem, attach.handle);
	if (hold->sync_file < 0)
		return hold->sync_file;
	ret = mt_syncobj_create(fd, 0, &hold->syncobj);
	return ret ? ret : mt_syncobj_import(fd, hold->syncobj, hold->sync_file);
}

int mt_hold_release(struct mt_hold *hold)
{
	struct drm_vgem_fence_signal args = { .fence = hold->fence };
	int ret = mt_ioctl(hold->vgem, DRM_IOCTL_VGEM_FENCE_SIGNAL, &args);

	close(hold->sync_file);
	close(hold->vgem);
	return ret;
}

int mt_submit_held(const struct mt_session *s, const struct mt_hold *hold,
		   const struct drm_mho_job *jobs, uint32_t count)
{
	struct drm_mho_submit args = mt_submit_args(s, jobs, count);
	struct drm_mho_sync in = { .handle = hold->syncobj };
	struct drm_mho_sync out = { .handle = s->done };

	memset(s->results.map, 0xa5, s->results.size);
	args.in_syncs = (uintptr_t)&in;
	args.in_sync_count = 1;
	args.out_syncs = (uintptr_t)&out;
	args.out_sync_count = 1;
	return mt_ioctl(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
}
