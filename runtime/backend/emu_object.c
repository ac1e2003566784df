// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Memory keys and arrays of the emulated device.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/emu_dev.h"

/*
 * Regions are contiguous on the bus, so pages may be large: 2 MiB, as an IOMMU would have them.
 */
#define PAGE_SHIFT 21
/* How often, and for how long, an object is asked for that a command is just leaving. */
#define BUSY_PAUSE_NS 100000
#define BUSY_TRIES 50000

/* Repeats @sqe while the device is about to let go of its object. */
static int admin_not_busy(struct emub_dev *dev, struct mho_hw_admin_sqe *sqe,
			  struct mho_hw_cqe *cqe)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
	int ret, tries = 0;

	while ((ret = emub_admin(dev, sqe, NULL, NULL, 0, cqe)) == MHO_HW_ST_BUSY &&
	       tries++ < BUSY_TRIES)
		nanosleep(&pause, NULL);
	return ret;
}

/* ---- memory ---- */

int emub_mem_register(struct emub_dev *dev, struct emub_mem *mem)
{
	size_t pages = (mem->bytes + ((size_t)1 << PAGE_SHIFT) - 1) >> PAGE_SHIFT;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_MEMORY_REGISTER,
		.context = mho_cpu_to_le16(EMUB_CONTEXT),
		.memory = {
			.length = mho_cpu_to_le64(mem->bytes),
			.page_shift = PAGE_SHIFT,
			.access = MHO_HW_ACCESS_READ | MHO_HW_ACCESS_WRITE,
		},
	};
	struct mho_hw_cqe cqe;
	mho_le64 *list;
	int ret;

	if (pages > MHO_HW_MEMORY_PAGES_MAX)
		return mrt_fail(-ENOMEM,
				"a buffer of %zu bytes is more than a memory key can cover",
				mem->bytes);
	list = malloc(pages * sizeof(*list));
	if (!list)
		return mrt_fail(-ENOMEM, "out of memory for a page list");
	for (size_t i = 0; i < pages; i++)
		list[i] = mho_cpu_to_le64(mem->region.bus + ((uint64_t)i << PAGE_SHIFT));
	sqe.memory.pages = mho_cpu_to_le32(pages);
	ret = emub_admin(dev, &sqe, list, NULL, pages * sizeof(*list), &cqe);
	free(list);
	if (ret == MHO_HW_ST_NO_RESOURCE)
		return mrt_fail(-ENOSPC,
				"the card has no memory key left for a buffer: free one, or "
				"put several things into one buffer");
	if (ret)
		return emub_admin_fail(ret, &cqe, "registering memory");
	atomic_store_explicit(&mem->key, mho_le32_to_cpu(cqe.result), memory_order_relaxed);
	return 0;
}

int emub_mem_alloc(struct mrt_bdev *base, size_t bytes, struct mrt_mem *out)
{
	struct emub_dev *dev = emub_dev_of(base);
	struct emub_mem *mem = calloc(1, sizeof(*mem));
	int err;

	if (!mem)
		return mrt_fail(-ENOMEM, "out of memory for a buffer");
	mem->bytes = bytes;
	err = emub_region_alloc(&dev->dma, bytes, true, &mem->region);
	if (err)
		goto free_mem;
	pthread_mutex_lock(&dev->objects);
	err = emub_mem_register(dev, mem);
	if (!err)
		mrt_link_add(&dev->mems, &mem->link);
	pthread_mutex_unlock(&dev->objects);
	if (err)
		goto free_region;
	out->map = mem->region.ptr;
	out->size = mem->region.size;
	out->id = (uint64_t)(uintptr_t)mem;
	return 0;
free_region:
	emub_region_free(&dev->dma, &mem->region);
free_mem:
	free(mem);
	return err;
}

/* Takes the key from the device, which does not use the memory any more then. */
static int unregister(struct emub_dev *dev, struct emub_mem *mem)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_MEMORY_UNREGISTER,
		.context = mho_cpu_to_le16(EMUB_CONTEXT),
		.id = mho_cpu_to_le32(mem->key),
	};
	struct mho_hw_cqe cqe;
	int ret;

	ret = admin_not_busy(dev, &sqe, &cqe);
	/* A device that has stopped does no DMA either. */
	if (!ret || emub_health(dev, 0))
		return 0;
	return emub_admin_fail(ret, &cqe, "giving memory back, which is lost now");
}

void emub_mem_free(struct mrt_bdev *base, struct mrt_mem *gone)
{
	struct emub_mem *mem = (struct emub_mem *)(uintptr_t)gone->id;
	struct emub_dev *dev = emub_dev_of(base);
	int err;

	pthread_mutex_lock(&dev->objects);
	err = unregister(dev, mem);
	mrt_link_del(&mem->link);
	pthread_mutex_unlock(&dev->objects);
	if (err)
		mrt_log(dev->log, MHO_LOG_ERROR, "%s", mho_last_error());
	else
		emub_region_free(&dev->dma, &mem->region);
	free(mem);
}

/* ---- arrays ---- */

/* Room for one more number; the objects are locked. */
static int grow_arrays(struct emub_dev *dev)
{
	uint32_t room = dev->room ? 2 * dev->room : 16;
	uint32_t *arrays;

	if (dev->narrays < dev->room)
		return 0;
	arrays = realloc(dev->arrays, room * sizeof(*arrays));
	if (!arrays)
		return mrt_fail(-ENOMEM, "out of memory for a matrix");
	dev->arrays = arrays;
	dev->room = room;
	return 0;
}

static void forget_array(struct emub_dev *dev, uint32_t id)
{
	for (uint32_t i = 0; i < dev->narrays; i++)
		if (dev->arrays[i] == id) {
			dev->arrays[i] = dev->arrays[--dev->narrays];
			return;
		}
}

/* Makes or finds an array with @sqe, which answers with its number; that is kept. Device status. */
static int take_array(struct emub_dev *dev, struct mho_hw_admin_sqe *sqe,
		      const struct mho_hw_array_request *hw, struct mho_hw_cqe *cqe, uint32_t *id)
{
	int ret;

	pthread_mutex_lock(&dev->objects);
	ret = grow_arrays(dev);
	if (!ret)
		ret = emub_admin(dev, sqe, hw, NULL, sizeof(*hw), cqe);
	if (!ret) {
		*id = mho_le32_to_cpu(cqe->result);
		dev->arrays[dev->narrays++] = *id;
	}
	pthread_mutex_unlock(&dev->objects);
	return ret;
}

int emub_array_attach(struct emub_dev *dev, uint32_t id)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_ARRAY_ATTACH,
		.context = mho_cpu_to_le16(EMUB_CONTEXT),
		.id = mho_cpu_to_le32(id),
	};
	struct mho_hw_cqe cqe;
	int ret;

	ret = emub_admin(dev, &sqe, NULL, NULL, 0, &cqe);
	return ret ? emub_admin_fail(ret, &cqe, "taking a matrix back") : 0;
}

static void fill_label(struct mho_hw_array_request *hw, const char *name)
{
	size_t n = strnlen(name, sizeof(hw->label) - 1);

	memcpy(hw->label, name, n);
}

int emub_array_create(struct mrt_bdev *base, struct mrt_array_request *req, uint32_t *id)
{
	struct mho_hw_array_request hw = {
		.rows = mho_cpu_to_le32(req->rows),
		.cols = mho_cpu_to_le32(req->cols),
		.block_rows = mho_cpu_to_le32(req->block_rows),
		.block_cols = mho_cpu_to_le32(req->block_cols),
		.technology =
			mho_cpu_to_le32(req->technology == MRT_ANY ? MHO_HW_ALL : req->technology),
		.policy =
			mho_cpu_to_le16(req->compact ? MHO_HW_POLICY_COMPACT : MHO_HW_POLICY_WEAR),
		.flags = mho_cpu_to_le16(req->name ? MHO_HW_ARRAY_NAMED : 0),
		.owner = mho_cpu_to_le64(req->owner),
		.tag = mho_cpu_to_le64(req->tag),
	};
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_ARRAY_CREATE,
		.context = mho_cpu_to_le16(EMUB_CONTEXT),
	};
	struct mho_hw_cqe cqe;
	int ret;

	if (req->name)
		fill_label(&hw, req->name);
	ret = take_array(emub_dev_of(base), &sqe, &hw, &cqe, id);
	if (ret == MHO_HW_ST_NO_TILES) {
		req->tiles_needed = mho_le32_to_cpu(cqe.result);
		req->tiles_free = mho_le32_to_cpu(cqe.detail);
		return -ENOSPC;
	}
	if (ret == MHO_HW_ST_NO_RESOURCE)
		return mrt_fail(-ENOSPC,
				"the card holds %u matrices already, as many as it can: free one",
				emub_dev_of(base)->info.arrays_max);
	if (ret == MHO_HW_ST_EXISTS)
		return mrt_fail(
			-EEXIST,
			"a matrix \"%s\" is on this card already: mho_mat_find() it, or take "
			"another name",
			req->name);
	if (ret)
		return emub_admin_fail(ret, &cqe, "making a matrix");
	return 0;
}

int emub_array_find(struct mrt_bdev *base, const char *name, uint64_t owner, uint32_t *id)
{
	struct mho_hw_array_request hw = { .owner = mho_cpu_to_le64(owner) };
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_ARRAY_FIND,
		.context = mho_cpu_to_le16(EMUB_CONTEXT),
	};
	struct mho_hw_cqe cqe;
	int ret;

	fill_label(&hw, name);
	ret = take_array(emub_dev_of(base), &sqe, &hw, &cqe, id);
	if (ret == MHO_HW_ST_NOT_FOUND)
		return -ENOENT;
	if (ret == MHO_HW_ST_NOT_OWNER || ret == MHO_HW_ST_EXISTS)
		return -EBUSY;
	if (ret)
		return emub_admin_fail(ret, &cqe, "finding a matrix");
	return 0;
}

/* Describes array @id of any context; @hw has room for its blocks, @len bytes in all. */
static int array_info(struct emub_dev *dev, uint32_t id, struct mho_hw_array_info *hw, uint32_t len)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_ARRAY_INFO,
		.id = mho_cpu_to_le32(id),
	};
	struct mho_hw_cqe cqe;
	int ret;

	ret = emub_admin(dev, &sqe, NULL, hw, len, &cqe);
	return ret ? emub_admin_fail(ret, &cqe, "describing a matrix") : 0;
}

/* Room for the description of the largest array that the card can hold. */
static uint32_t info_len(const struct emub_dev *dev)
{
	return sizeof(struct mho_hw_array_info) + dev->id.tiles * sizeof(struct mho_hw_array_tile);
}

int emub_array_info(struct mrt_bdev *base, uint32_t id, struct mrt_array_info *info,
		    struct mho_mat_block *blocks, uint32_t n)
{
	struct emub_dev *dev = emub_dev_of(base);
	const struct mho_hw_array_tile *tiles;
	struct mho_hw_array_info *hw;
	int err;

	hw = malloc(info_len(dev));
	if (!hw)
		return mrt_fail(-ENOMEM, "out of memory for the description of a matrix");
	err = array_info(dev, id, hw, info_len(dev));
	if (err)
		goto out;
	info->rows = mho_le32_to_cpu(hw->rows);
	info->cols = mho_le32_to_cpu(hw->cols);
	info->blocks = mho_le32_to_cpu(hw->tiles);
	info->tag = mho_le64_to_cpu(hw->tag);
	if (n > info->blocks)
		n = info->blocks;
	tiles = (const struct mho_hw_array_tile *)(hw + 1);
	for (uint32_t i = 0; i < n; i++) {
		blocks[i].tile = mho_le32_to_cpu(tiles[i].tile);
		blocks[i].row = mho_le32_to_cpu(tiles[i].row);
		blocks[i].col = mho_le32_to_cpu(tiles[i].col);
		blocks[i].rows = mho_le16_to_cpu(tiles[i].rows);
		blocks[i].cols = mho_le16_to_cpu(tiles[i].cols);
	}
out:
	free(hw);
	return err;
}

static int is_named(struct emub_dev *dev, uint32_t id, bool *named)
{
	struct mho_hw_array_info *hw = malloc(info_len(dev));
	int err;

	if (!hw)
		return mrt_fail(-ENOMEM, "out of memory for the description of a matrix");
	err = array_info(dev, id, hw, info_len(dev));
	if (!err)
		*named = mho_le16_to_cpu(hw->flags) & MHO_HW_ARRAY_NAMED;
	free(hw);
	return err;
}

static int let_go(struct emub_dev *dev, uint32_t id, bool destroy)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_ARRAY_DESTROY,
		.context = mho_cpu_to_le16(EMUB_CONTEXT),
		.id = mho_cpu_to_le32(id),
	};
	struct mho_hw_cqe cqe;
	bool named = false;
	int ret;

	if (!destroy) {
		ret = is_named(dev, id, &named);
		if (ret)
			return ret;
	}
	if (named)
		sqe.opcode = MHO_HW_ADM_ARRAY_DETACH;
	ret = admin_not_busy(dev, &sqe, &cqe);
	return ret ? emub_admin_fail(ret, &cqe, "letting go of a matrix") : 0;
}

int emub_array_release(struct mrt_bdev *base, uint32_t id, bool destroy)
{
	struct emub_dev *dev = emub_dev_of(base);
	int err;

	pthread_mutex_lock(&dev->objects);
	err = let_go(dev, id, destroy);
	forget_array(dev, id);
	pthread_mutex_unlock(&dev->objects);
	return err;
}

/* What an earlier life left behind without a name belongs to nobody. */
int emub_sweep_arrays(struct emub_dev *dev)
{
	struct mho_hw_admin_sqe sqe;
	struct mho_hw_cqe cqe;
	uint32_t id = 0;
	bool named;
	int ret;

	for (;; id++) {
		sqe = (struct mho_hw_admin_sqe){
			.opcode = MHO_HW_ADM_ARRAY_NEXT,
			.id = mho_cpu_to_le32(id),
		};
		ret = emub_admin(dev, &sqe, NULL, NULL, 0, &cqe);
		if (ret == MHO_HW_ST_NOT_FOUND)
			return 0;
		if (ret)
			return emub_admin_fail(ret, &cqe, "listing matrices");
		id = mho_le32_to_cpu(cqe.result);
		ret = is_named(dev, id, &named);
		if (ret)
			return ret;
		if (named)
			continue;
		sqe = (struct mho_hw_admin_sqe){
			.opcode = MHO_HW_ADM_ARRAY_DESTROY,
			.id = mho_cpu_to_le32(id),
		};
		ret = emub_admin(dev, &sqe, NULL, NULL, 0, &cqe);
		if (ret)
			return emub_admin_fail(ret, &cqe, "removing a matrix of nobody");
	}
}
