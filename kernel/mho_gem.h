/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Buffers: GEM objects in system memory.
 */
#ifndef MHO_GEM_H
#define MHO_GEM_H

#include <linux/iosys-map.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include <drm/drm_gem_shmem_helper.h>

struct mho_device;

/**
 * struct mho_bo - a buffer
 * @base: the GEM object
 * @link: in the device's list, once the device has it mapped
 * @key_lock: of @keys and @map; a key is made under it
 * @keys: the memory keys that stand for it, one for each file
 * @map: where the kernel sees it, if it holds results
 */
struct mho_bo {
	struct drm_gem_shmem_object base;
	struct list_head link;
	struct mutex key_lock; /* of keys and map */
	struct list_head keys;
	struct iosys_map map;
};

static inline struct mho_bo *to_mho_bo(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct mho_bo, base);
}

struct drm_gem_object *mho_gem_create_object(struct drm_device *drm, size_t size);
struct drm_gem_object *mho_gem_import(struct drm_device *drm, struct dma_buf_attachment *attach,
				      struct sg_table *sgt);
int mho_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_bo_info(struct drm_device *drm, void *data, struct drm_file *file);
struct mho_bo *mho_bo_lookup(struct drm_file *file, u32 handle);
void mho_bo_put(struct mho_bo *bo);
void *mho_bo_vmap(struct mho_bo *bo);
void mho_gem_unmap_all(struct mho_device *mdev);

#endif
