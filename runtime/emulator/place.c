// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Which tiles an array gets. Blocks are as large as the tiles allow, or as the
 * request does; of the sizes of tile that a technology has, the one that takes
 * the fewest tiles is used, the smaller one if there is a choice. A tile that is
 * larger than its block wants serves, too.
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/objects.h"

/* A way to cut the array into blocks. */
struct cut {
	uint32_t technology;
	uint32_t grid_rows;
	uint32_t grid_cols;
	uint32_t rows; /* of the largest block */
	uint32_t cols;
	uint64_t tile_cells;
};

static bool usable(const struct mho_emu *emu, const struct mho_hwtile *t, const struct cut *c)
{
	uint64_t endurance = emu->topo->techs[t->technology].endurance;

	return !t->array && !t->failed && t->technology == c->technology && t->rows >= c->rows &&
	       t->cols >= c->cols && (!endurance || t->wear < endurance);
}

static unsigned int count_usable(const struct mho_emu *emu, const struct cut *c)
{
	unsigned int i, n = 0;

	for (i = 0; i < emu->topo->ntiles; i++)
		n += usable(emu, &emu->tiles[i], c);
	return n;
}

static uint32_t block_size(uint32_t wanted, uint32_t tile)
{
	return wanted && wanted < tile ? wanted : tile;
}

/* The cut that tiles of the size of @t lead to. */
static struct cut cut_for(const struct mho_hw_array_request *req, const struct mho_hwtile *t)
{
	uint32_t rows = mho_le32_to_cpu(req->rows), cols = mho_le32_to_cpu(req->cols);
	struct cut c = { .technology = t->technology, .tile_cells = (uint64_t)t->rows * t->cols };

	c.grid_rows =
		mho_hw_split_parts(rows, block_size(mho_le32_to_cpu(req->block_rows), t->rows));
	c.grid_cols =
		mho_hw_split_parts(cols, block_size(mho_le32_to_cpu(req->block_cols), t->cols));
	c.rows = mho_hw_split_size(rows, c.grid_rows, 0);
	c.cols = mho_hw_split_size(cols, c.grid_cols, 0);
	return c;
}

static bool better(const struct cut *a, const struct cut *b)
{
	uint64_t na = (uint64_t)a->grid_rows * a->grid_cols;
	uint64_t nb = (uint64_t)b->grid_rows * b->grid_cols;

	return na != nb ? na < nb : a->tile_cells < b->tile_cells;
}

/* What to say if no cut fits: the one that needs the fewest tiles. */
static void note_shortage(struct mho_placement *out, const struct cut *c, unsigned int available)
{
	uint64_t needed = (uint64_t)c->grid_rows * c->grid_cols;

	if (needed > UINT32_MAX)
		needed = UINT32_MAX;
	if (out->needed && out->needed <= needed)
		return;
	out->needed = (uint32_t)needed;
	out->available = available;
}

static bool choose_cut(struct mho_emu *emu, const struct mho_hw_array_request *req,
		       struct cut *best, struct mho_placement *out)
{
	uint32_t technology = mho_le32_to_cpu(req->technology);
	const struct mho_hwtile *before = NULL;
	bool found = false;
	unsigned int i;

	for (i = 0; i < emu->topo->ntiles; i++) {
		const struct mho_hwtile *t = &emu->tiles[i];
		unsigned int available;
		struct cut c;

		if (technology != MHO_HW_ALL && t->technology != technology)
			continue;
		if (before && before->technology == t->technology && before->rows == t->rows &&
		    before->cols == t->cols)
			continue;
		before = t;
		c = cut_for(req, t);
		if (found && !better(&c, best))
			continue;
		available = count_usable(emu, &c);
		if ((uint64_t)c.grid_rows * c.grid_cols > available) {
			note_shortage(out, &c, available);
			continue;
		}
		*best = c;
		found = true;
	}
	return found;
}

static double wear_of(const struct mho_hwtile *t)
{
	return (double)t->pulses / ((double)t->rows * t->cols);
}

static int by_wear(const void *a, const void *b)
{
	const struct mho_hwtile *s = *(struct mho_hwtile *const *)a;
	const struct mho_hwtile *t = *(struct mho_hwtile *const *)b;
	double d = wear_of(s) - wear_of(t);

	return d < 0 ? -1 : d > 0 ? 1 : s->number < t->number ? -1 : s->number > t->number;
}

static int by_number(const void *a, const void *b)
{
	const struct mho_hwtile *s = *(struct mho_hwtile *const *)a;
	const struct mho_hwtile *t = *(struct mho_hwtile *const *)b;

	return s->number < t->number ? -1 : s->number > t->number;
}

/* The least worn run of @n consecutive tiles among @m by number; its start, or -1. */
static long compact_run(struct mho_hwtile *const *tiles, unsigned int m, unsigned int n)
{
	double wear, least = 0;
	unsigned int i, j;
	long best = -1;

	for (i = 0; i + n <= m; i++) {
		if (tiles[i + n - 1]->number != tiles[i]->number + n - 1)
			continue;
		for (j = 0, wear = 0; j < n; j++)
			wear += wear_of(tiles[i + j]);
		if (best < 0 || wear < least) {
			best = i;
			least = wear;
		}
	}
	return best;
}

enum mho_hw_status mho_place(struct mho_emu *emu, const struct mho_hw_array_request *req,
			     struct mho_placement *out)
{
	unsigned int i, n, m = 0;
	struct mho_hwtile **all;
	struct cut c = { 0 };
	long run = -1;

	memset(out, 0, sizeof(*out));
	if (!choose_cut(emu, req, &c, out))
		return MHO_HW_ST_NO_TILES;
	n = c.grid_rows * c.grid_cols;
	all = calloc(emu->topo->ntiles, sizeof(struct mho_hwtile *));
	if (!all)
		return MHO_HW_ST_INTERNAL;
	for (i = 0; i < emu->topo->ntiles; i++) {
		if (usable(emu, &emu->tiles[i], &c))
			all[m++] = &emu->tiles[i];
	}
	if (mho_le16_to_cpu(req->policy) == MHO_HW_POLICY_COMPACT)
		run = compact_run(all, m, n);
	if (run < 0) {
		qsort(all, m, sizeof(struct mho_hwtile *), by_wear);
		qsort(all, n, sizeof(struct mho_hwtile *), by_number);
		run = 0;
	}
	for (i = 0; i < n; i++)
		all[i] = all[run + i];
	out->technology = c.technology;
	out->grid_rows = c.grid_rows;
	out->grid_cols = c.grid_cols;
	out->tiles = all;
	return MHO_HW_ST_OK;
}
