// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Sections of the state file, and what they hold. The file itself, its locking
 * and crash safety, are in state.c.
 */
#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/objects.h"
#include "emulator/persist.h"

#define FORMAT 1

/* Section numbers. */
enum {
	SECTION_HEADER = 0,
	SECTION_ARRAYS = 1,
	SECTION_TILES = 2,
	SECTION_CELLS = 0x1000, /* and the tile's number */
};

/* Identifies the card; another card's state is refused. */
struct file_header {
	mho_le32 format;
	mho_le32 tiles;
	mho_le64 seed;
	mho_u8 topology[32]; /* SHA-256 */
	mho_u8 technology[32];
	mho_le64 lifetime_pulses;
	mho_le32 power_cycles;
	mho_le32 arrays;
};

struct file_array {
	mho_le32 id;
	mho_le32 grid_rows;
	mho_le32 grid_cols;
	mho_le32 flags;
	struct mho_hw_array_request request;
	/* le32 tile numbers follow */
};

struct file_tile {
	mho_le64 pulses;
	mho_le32 failed;
	mho_le32 dirty;
};

static void make_header(const struct mho_emu *emu, struct file_header *h)
{
	memset(h, 0, sizeof(*h));
	h->format = mho_cpu_to_le32(FORMAT);
	h->tiles = mho_cpu_to_le32(emu->topo->ntiles);
	h->seed = mho_cpu_to_le64(emu->seed);
	SHA256(emu->blob, emu->blob_len, h->topology);
	memcpy(h->technology, emu->technology, strlen(emu->technology));
	h->lifetime_pulses = mho_cpu_to_le64(emu->counters.lifetime_pulses);
	h->power_cycles = mho_cpu_to_le32(emu->counters.power_cycles);
}

static bool kept(const struct mho_array *a, bool all)
{
	return a && (all || a->flags & MHO_HW_ARRAY_NAMED);
}

static void save_array(struct mho_state *st, const struct mho_array *a)
{
	struct file_array f = {
		.id = mho_cpu_to_le32(a->id),
		.grid_rows = mho_cpu_to_le32(a->grid_rows),
		.grid_cols = mho_cpu_to_le32(a->grid_cols),
		.flags = mho_cpu_to_le32(a->flags),
		.request = {
			.rows = mho_cpu_to_le32(a->rows),
			.cols = mho_cpu_to_le32(a->cols),
			.owner = mho_cpu_to_le64(a->owner),
			.tag = mho_cpu_to_le64(a->tag),
		},
	};
	uint32_t i;

	memcpy(f.request.label, a->label, sizeof(a->label));
	mho_state_write(st, &f, sizeof(f));
	for (i = 0; i < mho_array_blocks(a); i++) {
		mho_le32 tile = mho_cpu_to_le32(a->blocks[i].tile->number);

		mho_state_write(st, &tile, sizeof(tile));
	}
}

static void save_cells(struct mho_emu *emu, void *buf)
{
	uint32_t i;

	for (i = 0; i < emu->topo->ntiles; i++) {
		struct mho_tile *tile = emu->tiles[i].phys;

		mho_tile_state_save(tile, buf);
		mho_state_section(emu->state, SECTION_CELLS + i);
		mho_state_write(emu->state, buf, mho_tile_state_size(tile));
	}
}

static void save_tiles(struct mho_emu *emu, bool all)
{
	uint32_t i;

	mho_state_section(emu->state, SECTION_TILES);
	for (i = 0; i < emu->topo->ntiles; i++) {
		const struct mho_hwtile *t = &emu->tiles[i];
		struct file_tile f = {
			.pulses = mho_cpu_to_le64(t->pulses),
			.failed = mho_cpu_to_le32(t->failed),
			.dirty = mho_cpu_to_le32(t->dirty || (t->array && !kept(t->array, all))),
		};

		mho_state_write(emu->state, &f, sizeof(f));
	}
}

static size_t largest_tile(const struct mho_emu *emu)
{
	size_t most = 0;
	uint32_t i;

	for (i = 0; i < emu->topo->ntiles; i++) {
		size_t n = mho_tile_state_size(emu->tiles[i].phys);

		most = n > most ? n : most;
	}
	return most;
}

int mho_persist(struct mho_emu *emu, bool all_arrays)
{
	uint32_t id, arrays = 0;
	struct file_header h;
	void *buf;
	int err;

	if (!emu->state)
		return 0;
	buf = malloc(largest_tile(emu));
	if (!buf)
		return -ENOMEM;
	err = mho_state_begin(emu->state);
	if (err)
		goto out;
	for (id = 1; id <= emu->topo->limits.arrays; id++)
		arrays += kept(emu->arrays[id], all_arrays);
	make_header(emu, &h);
	h.arrays = mho_cpu_to_le32(arrays);
	mho_state_section(emu->state, SECTION_HEADER);
	mho_state_write(emu->state, &h, sizeof(h));
	mho_state_section(emu->state, SECTION_ARRAYS);
	for (id = 1; id <= emu->topo->limits.arrays; id++) {
		if (kept(emu->arrays[id], all_arrays))
			save_array(emu->state, emu->arrays[id]);
	}
	save_tiles(emu, all_arrays);
	save_cells(emu, buf);
	err = mho_state_commit(emu->state);
out:
	free(buf);
	return err;
}

int mho_persist_now(struct mho_emu *emu)
{
	int err;

	if (!emu->state)
		return 0;
	emu->freeze++;
	while (emu->running)
		pthread_cond_wait(&emu->idle, &emu->lock);
	err = mho_persist(emu, false);
	emu->freeze--;
	mho_notify_all(emu);
	return err;
}

static int damaged(char *err, size_t len, const char *what)
{
	snprintf(err, len,
		 "the state file is damaged: %s; restore a copy of it, or remove it to "
		 "start with a new card",
		 what);
	return -EBADMSG;
}

static int check_header(struct mho_emu *emu, const struct file_header *h, char *err, size_t len)
{
	struct file_header mine;
	const char *what = NULL;

	make_header(emu, &mine);
	if (h->format != mine.format)
		what = "format";
	else if (h->tiles != mine.tiles || memcmp(h->topology, mine.topology, 32))
		what = "topology";
	else if (memcmp(h->technology, mine.technology, 32))
		what = "technology";
	else if (h->seed != mine.seed)
		what = "seed";
	if (!what)
		return 0;
	snprintf(err, len,
		 "the state file is of a card with another %s; open it with the same one "
		 "as before, or name another file",
		 what);
	return -ESTALE;
}

/* Read the next @n bytes of a section. */
static bool next(struct mho_emu *emu, uint32_t section, uint64_t *at, void *to, size_t n)
{
	if (mho_state_read(emu->state, section, *at, to, n))
		return false;
	*at += n;
	return true;
}

/* Tile numbers of an array; false if one is not free or too small. */
static bool load_blocks(struct mho_emu *emu, const struct file_array *f, uint64_t *at,
			struct mho_hwtile **tiles)
{
	uint32_t rows = mho_le32_to_cpu(f->grid_rows), cols = mho_le32_to_cpu(f->grid_cols), i;
	uint32_t most_rows = mho_hw_split_size(mho_le32_to_cpu(f->request.rows), rows, 0);
	uint32_t most_cols = mho_hw_split_size(mho_le32_to_cpu(f->request.cols), cols, 0);

	for (i = 0; i < rows * cols; i++) {
		struct mho_hwtile *t;
		mho_le32 number;

		if (!next(emu, SECTION_ARRAYS, at, &number, sizeof(number)) ||
		    mho_le32_to_cpu(number) >= emu->topo->ntiles)
			return false;
		t = tiles[i] = &emu->tiles[mho_le32_to_cpu(number)];
		if (t->array || t->rows < most_rows || t->cols < most_cols ||
		    t->technology != tiles[0]->technology)
			return false;
	}
	return true;
}

static int load_array(struct mho_emu *emu, uint64_t *at)
{
	uint64_t blocks;
	struct mho_hwtile **tiles;
	struct mho_array *a = NULL;
	struct file_array f;
	uint32_t id, i;

	if (!next(emu, SECTION_ARRAYS, at, &f, sizeof(f)))
		return -EBADMSG;
	id = mho_le32_to_cpu(f.id);
	blocks = (uint64_t)mho_le32_to_cpu(f.grid_rows) * mho_le32_to_cpu(f.grid_cols);
	if (!id || id > emu->topo->limits.arrays || emu->arrays[id] || !blocks ||
	    blocks > emu->topo->ntiles ||
	    mho_le32_to_cpu(f.request.rows) < mho_le32_to_cpu(f.grid_rows) ||
	    mho_le32_to_cpu(f.request.cols) < mho_le32_to_cpu(f.grid_cols) ||
	    f.request.label[MHO_HW_NAME_SIZE - 1])
		return -EBADMSG;
	tiles = calloc(blocks, sizeof(struct mho_hwtile *));
	if (!tiles)
		return -ENOMEM;
	f.request.flags = mho_cpu_to_le16(mho_le32_to_cpu(f.flags));
	if (load_blocks(emu, &f, at, tiles))
		a = mho_array_new(&f.request, mho_le32_to_cpu(f.grid_rows),
				  mho_le32_to_cpu(f.grid_cols), tiles);
	free(tiles);
	if (!a)
		return -EBADMSG;
	a->id = id;
	emu->arrays[id] = a;
	for (i = 0; i < blocks; i++)
		a->blocks[i].tile->array = a;
	return 0;
}

static int load_tile(struct mho_emu *emu, uint32_t i, void *buf)
{
	struct mho_hwtile *t = &emu->tiles[i];
	size_t size = mho_tile_state_size(t->phys);
	uint64_t at = i * sizeof(struct file_tile);
	struct file_tile f;

	if (!next(emu, SECTION_TILES, &at, &f, sizeof(f)) ||
	    mho_state_size(emu->state, SECTION_CELLS + i) != (int64_t)size ||
	    mho_state_read(emu->state, SECTION_CELLS + i, 0, buf, size) ||
	    mho_tile_state_load(t->phys, buf, size))
		return -EBADMSG;
	t->pulses = mho_le64_to_cpu(f.pulses);
	t->failed = f.failed || t->failed;
	t->dirty = f.dirty;
	t->wear_stale = true;
	mho_tile_count_wear(t);
	return 0;
}

static int load(struct mho_emu *emu, char *err, size_t len)
{
	struct file_header h;
	uint64_t at = 0;
	uint32_t i;
	void *buf;
	int ret;

	if (mho_state_size(emu->state, SECTION_HEADER) != sizeof(h) ||
	    mho_state_read(emu->state, SECTION_HEADER, 0, &h, sizeof(h)))
		return damaged(err, len, "it has no header");
	ret = check_header(emu, &h, err, len);
	if (ret)
		return ret;
	buf = malloc(largest_tile(emu));
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < emu->topo->ntiles && !ret; i++)
		ret = load_tile(emu, i, buf);
	free(buf);
	if (ret)
		return damaged(err, len, "the cells of a tile do not fit");
	for (i = 0; i < mho_le32_to_cpu(h.arrays) && !ret; i++)
		ret = load_array(emu, &at);
	if (ret == -ENOMEM)
		return ret;
	if (ret)
		return damaged(err, len, "its table of arrays is not valid");
	for (i = 1; i <= emu->topo->limits.arrays; i++) {
		if (emu->arrays[i])
			mho_array_check_wear(emu, emu->arrays[i]);
	}
	emu->counters.lifetime_pulses = mho_le64_to_cpu(h.lifetime_pulses);
	emu->counters.power_cycles = mho_le32_to_cpu(h.power_cycles);
	emu->regs.flags |= MHO_HW_STATUS_RESTORED;
	return 0;
}

int mho_persist_open(struct mho_emu *emu, const char *path, char *err, size_t err_len)
{
	int ret;

	ret = mho_state_open(path, NULL, &emu->state, err, err_len);
	if (ret)
		return ret;
	if (mho_state_exists(emu->state))
		ret = load(emu, err, err_len);
	emu->counters.power_cycles++;
	return ret;
}
