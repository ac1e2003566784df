// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Mappings of tiles' buffers (BAR4) into programs: of the tiles of an array, for the file that has
 * the array. What the buffers hold, and who reads it when, is between the program and the device.
 *
 * Pages are mapped by faults, and taken away when the array goes, and when the device is reset,
 * sleeps or leaves. Then a fault waits for the device, or, if nothing will come back, maps a page
 * of the window's own: programs cannot be expected to handle signals for a card that was pulled.
 *
 * Those who take pages away may not wait for a fault: it allocates page tables, and a reset must
 * not wait for memory. So a fault looks again after it has mapped, and takes its page away itself.
 * A page may be there for that moment. Where it would matter, before tiles get another owner and
 * before the BAR does, mho_window_sync() waits for all faults that began before.
 */
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/mho_accel.h>

#include "mho_client.h"
#include "mho_device.h"
#include "mho_window.h"

/* Behind the offsets of buffers: neither kind is ever taken for the other. */
#define MHO_WINDOW_START (DRM_FILE_PAGE_OFFSET_START + DRM_FILE_PAGE_OFFSET_SIZE)
#define MHO_WINDOW_SIZE DRM_FILE_PAGE_OFFSET_SIZE

/**
 * struct mho_window - the tiles of an array as its file may map them
 * @ref: the array's, and one for each mapping
 * @node: the offsets, and for which file
 * @file: that file
 * @array: the array
 * @mdev: device
 * @start: first page of @node, also after it has been removed
 * @spare: mapped where there is nothing any more
 * @gone: the file does not have the array any more
 * @blocks: number of tiles
 * @tiles: the tiles, in the order of ARRAY_INFO
 */
struct mho_window {
	struct kref ref;
	struct drm_vma_offset_node node;
	struct drm_file *file;
	struct mho_array *array;
	struct mho_device *mdev;
	unsigned long start;
	struct page *spare;
	bool gone;
	u32 blocks;
	u32 tiles[] __counted_by(blocks);
};

static unsigned long mho_window_block_pages(struct mho_device *mdev)
{
	return mdev->windows.in_pages + mdev->windows.out_pages;
}

static void mho_window_free(struct kref *ref)
{
	struct mho_window *window = container_of(ref, struct mho_window, ref);

	mho_array_put(window->array);
	__free_page(window->spare);
	kfree(window);
}

static void mho_window_put(struct mho_window *window)
{
	kref_put(&window->ref, mho_window_free);
}

static void mho_window_unmap(struct mho_device *mdev, unsigned long start, unsigned long pages)
{
	/* Before: what makes a fault see that the pages are not to be mapped. */
	smp_mb();
	unmap_mapping_range(mdev->drm.anon_inode->i_mapping, (loff_t)start << PAGE_SHIFT,
			    (loff_t)pages << PAGE_SHIFT, 1);
}

static void mho_window_unmap_all(struct mho_device *mdev)
{
	mho_window_unmap(mdev, MHO_WINDOW_START, MHO_WINDOW_SIZE);
}

/* There is nothing to wait for. */
static bool mho_window_over(struct mho_window *window)
{
	return READ_ONCE(window->mdev->windows.dead) || READ_ONCE(window->gone) ||
	       READ_ONCE(window->array->lost);
}

static bool mho_window_alive(struct mho_window *window)
{
	return READ_ONCE(window->mdev->windows.open) && !mho_window_over(window);
}

static vm_fault_t mho_window_map(struct mho_window *window, struct vm_fault *vmf, bool alive)
{
	struct mho_device *mdev = window->mdev;
	pgprot_t prot = vmf->vma->vm_page_prot;
	unsigned long page, block;
	phys_addr_t addr;

	if (!alive)
		return vmf_insert_pfn_prot(vmf->vma, vmf->address, page_to_pfn(window->spare),
					   prot);
	block = (vmf->pgoff - window->start) / mho_window_block_pages(mdev);
	page = (vmf->pgoff - window->start) % mho_window_block_pages(mdev);
	addr = mdev->windows.base + (phys_addr_t)window->tiles[block] * mdev->limits.window_stride;
	if (page < mdev->windows.in_pages) {
		prot = pgprot_writecombine(prot);
	} else {
		prot = pgprot_noncached(prot);
		page -= mdev->windows.in_pages;
		addr += mdev->limits.window_out_offset;
	}
	return vmf_insert_pfn_prot(vmf->vma, vmf->address, PHYS_PFN(addr) + page,
				   pgprot_decrypted(prot));
}

static vm_fault_t mho_window_fault(struct vm_fault *vmf)
{
	struct mho_window *window = vmf->vma->vm_private_data;
	struct mho_device *mdev = window->mdev;
	struct mho_windows *windows = &mdev->windows;
	vm_fault_t ret;
	bool alive;

	/* What was written while the device is reset would be lost. */
	if (wait_event_killable_timeout(windows->opened,
					READ_ONCE(windows->open) || mho_window_over(window),
					msecs_to_jiffies(mdev->boot_ms + 2 * mdev->reset_ms)) < 0)
		return VM_FAULT_SIGBUS;
	down_read(&windows->lock);
	alive = mho_window_alive(window);
	ret = mho_window_map(window, vmf, alive);
	/* Pairs with the barrier in mho_window_unmap(). */
	smp_mb();
	if (alive != mho_window_alive(window))
		mho_window_unmap(mdev, vmf->pgoff, 1);
	up_read(&windows->lock);
	return ret;
}

static void mho_window_vm_open(struct vm_area_struct *vma)
{
	struct mho_window *window = vma->vm_private_data;

	kref_get(&window->ref);
}

static void mho_window_vm_close(struct vm_area_struct *vma)
{
	mho_window_put(vma->vm_private_data);
}

static const struct vm_operations_struct mho_window_vm_ops = {
	.open = mho_window_vm_open,
	.close = mho_window_vm_close,
	.fault = mho_window_fault,
};

/* A mapping has either buffer of a block or both, whole. */
static bool mho_window_fits(struct mho_window *window, struct vm_area_struct *vma)
{
	struct mho_windows *windows = &window->mdev->windows;
	unsigned long page = (vma->vm_pgoff - window->start) % mho_window_block_pages(window->mdev);
	unsigned long pages = vma_pages(vma);

	if (!page)
		return pages == windows->in_pages || pages == mho_window_block_pages(window->mdev);
	return page == windows->in_pages && pages == windows->out_pages;
}

static struct mho_window *mho_window_lookup(struct mho_device *mdev, struct drm_file *file,
					    struct vm_area_struct *vma)
{
	struct drm_vma_offset_manager *offsets = &mdev->windows.offsets;
	struct mho_window *window = ERR_PTR(-EINVAL);
	struct drm_vma_offset_node *node;

	drm_vma_offset_lock_lookup(offsets);
	node = drm_vma_offset_lookup_locked(offsets, vma->vm_pgoff, vma_pages(vma));
	if (node && !drm_vma_node_is_allowed(node, file)) {
		window = ERR_PTR(-EACCES);
	} else if (node) {
		/* The array's reference is put after the node has left. */
		window = container_of(node, struct mho_window, node);
		kref_get(&window->ref);
	}
	drm_vma_offset_unlock_lookup(offsets);
	return window;
}

/**
 * mho_window_mmap() - &file_operations.mmap: of a window, or else of a buffer
 * @filp: open file
 * @vma: mapping
 *
 * Return: 0; -EINVAL, -EACCES (another file's), -ENODEV; or as drm_gem_mmap().
 */
int mho_window_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct drm_file *file = filp->private_data;
	struct mho_device *mdev = to_mho(file->minor->dev);
	struct mho_window *window;

	if (vma->vm_pgoff < MHO_WINDOW_START)
		return drm_gem_mmap(filp, vma);
	if (drm_dev_is_unplugged(&mdev->drm))
		return -ENODEV;
	window = mho_window_lookup(mdev, file, vma);
	if (IS_ERR(window))
		return PTR_ERR(window);
	if (!mho_window_fits(window, vma) || !(vma->vm_flags & VM_SHARED) ||
	    vma->vm_flags & VM_EXEC) {
		mho_window_put(window);
		return -EINVAL;
	}
	vm_flags_mod(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP,
		     VM_MAYEXEC);
	vma->vm_ops = &mho_window_vm_ops;
	vma->vm_private_data = window;
	return 0;
}

/* What the device says of an array; a tile that it does not have is not mapped. */
static int mho_window_set_tiles(struct mho_window *window, const struct mho_hw_array_info *info)
{
	const struct mho_hw_array_tile *tile = (const void *)(info + 1);
	u32 i;

	for (i = 0; i < window->blocks; i++) {
		window->tiles[i] = le32_to_cpu(tile[i].tile);
		if (window->tiles[i] >= window->mdev->limits.tiles)
			return -EIO;
	}
	return 0;
}

static struct mho_window *mho_window_alloc(struct mho_device *mdev, struct mho_array *array,
					   const struct mho_hw_array_info *info)
{
	u32 blocks = le32_to_cpu(info->tiles);
	struct mho_window *window;
	int ret;

	window = kzalloc(struct_size(window, tiles, blocks), GFP_KERNEL_ACCOUNT);
	if (!window)
		return ERR_PTR(-ENOMEM);
	window->blocks = blocks;
	window->mdev = mdev;
	kref_init(&window->ref);
	drm_vma_node_reset(&window->node);
	ret = mho_window_set_tiles(window, info);
	if (ret)
		goto err_free;
	ret = -ENOMEM;
	window->spare = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!window->spare)
		goto err_free;
	kref_get(&array->ref);
	window->array = array;
	return window;

err_free:
	kfree(window);
	return ERR_PTR(ret);
}

/* The array's window, made when the program asks for it first; the client's lock is held. */
static int mho_window_create(struct mho_client *client, struct drm_file *file,
			     struct mho_array *array)
{
	struct mho_device *mdev = client->mdev;
	struct mho_hw_array_info *info;
	struct mho_window *window;
	int ret;

	ret = mho_array_get_info(mdev, array->id, &info);
	if (ret)
		return ret;
	window = mho_window_alloc(mdev, array, info);
	kvfree(info);
	if (IS_ERR(window))
		return PTR_ERR(window);
	ret = drm_vma_offset_add(&mdev->windows.offsets, &window->node,
				 window->blocks * mho_window_block_pages(mdev));
	if (ret)
		goto err_put;
	window->start = drm_vma_node_start(&window->node);
	ret = drm_vma_node_allow(&window->node, file);
	if (ret)
		goto err_remove;
	window->file = file;
	array->window = window;
	return 0;

err_remove:
	drm_vma_offset_remove(&mdev->windows.offsets, &window->node);
err_put:
	mho_window_put(window);
	return ret;
}

static int mho_window_tell(struct mho_client *client, struct drm_file *file,
			   struct drm_mho_array_window *args)
{
	struct mho_windows *windows = &client->mdev->windows;
	struct mho_array *array = xa_load(&client->arrays, args->handle);
	struct mho_window *window;
	int ret = 0;

	if (!array)
		return -ENOENT;
	if (READ_ONCE(array->lost) || READ_ONCE(windows->dead))
		return -EIO;
	if (!array->window)
		ret = mho_window_create(client, file, array);
	if (ret)
		return ret;
	window = array->window;
	if (args->block >= window->blocks)
		return -ENOENT;
	args->losses = READ_ONCE(windows->losses);
	args->in_size = windows->in_pages << PAGE_SHIFT;
	args->out_size = windows->out_pages << PAGE_SHIFT;
	args->mmap_offset = drm_vma_node_offset_addr(&window->node) +
			    (u64)args->block * (args->in_size + args->out_size);
	return 0;
}

/**
 * mho_ioctl_array_window() - DRM_IOCTL_MHO_ARRAY_WINDOW
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_array_window(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct drm_mho_array_window *args = data;
	int idx, ret;

	if (args->flags || args->losses || args->mmap_offset || args->in_size || args->out_size)
		return -EINVAL;
	if (!client->mdev->windows.in_pages)
		return -EOPNOTSUPP;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	mutex_lock(&client->lock);
	ret = mho_window_tell(client, file, args);
	mutex_unlock(&client->lock);
	drm_dev_exit(idx);
	return ret;
}

/**
 * mho_window_drop() - the file lets go of an array: nothing of it stays mapped, nor can be mapped
 * @window: its window, or NULL
 */
void mho_window_drop(struct mho_window *window)
{
	struct mho_device *mdev;

	if (!window)
		return;
	mdev = window->mdev;
	WRITE_ONCE(window->gone, true);
	mho_window_unmap(mdev, window->start, window->blocks * mho_window_block_pages(mdev));
	drm_vma_node_revoke(&window->node, window->file);
	drm_vma_offset_remove(&mdev->windows.offsets, &window->node);
	mho_window_put(window);
}

/**
 * mho_window_open() - the device is back: what a program touches is mapped again
 * @mdev: device; the admin lock is held, or nobody else is there
 */
void mho_window_open(struct mho_device *mdev)
{
	WRITE_ONCE(mdev->windows.open, true);
	/* Spare pages, if somebody could not wait. */
	mho_window_unmap_all(mdev);
	wake_up_all(&mdev->windows.opened);
}

/**
 * mho_window_close() - the device will be reset: nothing stays mapped, accesses wait
 * @mdev: device; the admin lock is held
 */
void mho_window_close(struct mho_device *mdev)
{
	WRITE_ONCE(mdev->windows.open, false);
	mho_window_unmap_all(mdev);
}

/**
 * mho_window_kill() - the device is lost or leaves: accesses reach spare pages
 * @mdev: device
 */
void mho_window_kill(struct mho_device *mdev)
{
	WRITE_ONCE(mdev->windows.dead, true);
	mho_window_unmap_all(mdev);
	wake_up_all(&mdev->windows.opened);
}

/**
 * mho_window_sync() - wait until no fault maps what has been taken away before
 * @mdev: device; not under the admin lock
 */
void mho_window_sync(struct mho_device *mdev)
{
	down_write(&mdev->windows.lock);
	up_write(&mdev->windows.lock);
}

static void mho_window_fini(struct drm_device *drm, void *offsets)
{
	drm_vma_offset_manager_destroy(offsets);
}

/**
 * mho_window_init() - get ready, with nothing to map yet
 * @mdev: device
 *
 * Return: 0 or -ENOMEM.
 */
int mho_window_init(struct mho_device *mdev)
{
	struct mho_windows *windows = &mdev->windows;

	init_rwsem(&windows->lock);
	init_waitqueue_head(&windows->opened);
	drm_vma_offset_manager_init(&windows->offsets, MHO_WINDOW_START, MHO_WINDOW_SIZE);
	return drmm_add_action_or_reset(&mdev->drm, mho_window_fini, &windows->offsets);
}

/* A page of the machine must not show buffers of two tiles. */
static bool mho_window_valid(const struct mho_limits *limits, resource_size_t size)
{
	return limits->window_in && limits->window_out &&
	       PAGE_ALIGNED(limits->window_in | limits->window_out | limits->window_out_offset |
			    limits->window_stride) &&
	       limits->window_in <= limits->window_out_offset &&
	       (u64)limits->window_out_offset + limits->window_out <= limits->window_stride &&
	       (u64)limits->window_stride * limits->tiles <= size;
}

/**
 * mho_window_find() - look where the window is, and whether it can be mapped page by page
 * @mdev: device that has told what it is
 *
 * Return: 0, also if nothing can be mapped; -EBUSY.
 */
int mho_window_find(struct mho_device *mdev)
{
	const struct mho_limits *limits = &mdev->limits;
	struct mho_windows *windows = &mdev->windows;
	struct pci_dev *pdev = mdev->pdev;
	u32 tile;
	int ret;

	mho_window_open(mdev);
	if (!(limits->features & MHO_HW_CAP_WINDOW) ||
	    !mho_window_valid(limits, pci_resource_len(pdev, MHO_HW_BAR_WINDOW)))
		return 0;
	ret = pcim_request_region(pdev, MHO_HW_BAR_WINDOW, "mho");
	if (ret)
		return ret;
	windows->base = pci_resource_start(pdev, MHO_HW_BAR_WINDOW);
	/* Where this is refused they are mapped uncached, which is slower and as right. */
	for (tile = 0; tile < limits->tiles; tile++)
		if (devm_arch_io_reserve_memtype_wc(&pdev->dev, windows->base +
						    (u64)tile * limits->window_stride,
						    limits->window_in))
			break;
	windows->out_pages = limits->window_out >> PAGE_SHIFT;
	windows->in_pages = limits->window_in >> PAGE_SHIFT;
	return 0;
}
