/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Mappings of tiles' buffers (BAR4) into programs.
 */
#ifndef MHO_WINDOW_H
#define MHO_WINDOW_H

#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <drm/drm_vma_manager.h>

struct drm_device;
struct drm_file;
struct file;
struct mho_device;
struct mho_window;
struct vm_area_struct;

/**
 * struct mho_windows - the tile window of a device
 * @offsets: where programs map what; a range of its own behind that of buffers
 * @base: bus address of BAR4
 * @in_pages: pages of an input buffer, 0 if nothing can be mapped
 * @out_pages: pages of an output buffer
 * @lock: read: a fault maps a page; write: wait for those that do
 * @opened: woken when @open or @dead is set
 * @open: the buffers may be accessed
 * @dead: and never again
 * @losses: how often they have lost what was in them; written under the admin lock
 */
struct mho_windows {
	struct drm_vma_offset_manager offsets;
	phys_addr_t base;
	unsigned long in_pages;
	unsigned long out_pages;
	struct rw_semaphore lock; /* read: a fault maps a page */
	wait_queue_head_t opened;
	bool open;
	bool dead;
	u32 losses;
};

int mho_window_init(struct mho_device *mdev);
int mho_window_find(struct mho_device *mdev);
int mho_window_mmap(struct file *filp, struct vm_area_struct *vma);
int mho_ioctl_array_window(struct drm_device *drm, void *data, struct drm_file *file);
void mho_window_drop(struct mho_window *window);
void mho_window_open(struct mho_device *mdev);
void mho_window_close(struct mho_device *mdev);
void mho_window_kill(struct mho_device *mdev);
void mho_window_sync(struct mho_device *mdev);

#endif
