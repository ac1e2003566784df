// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The table of arrays, and what happens to tiles when they change owner. Which
 * tiles an array gets is decided in place.c.
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/objects.h"

struct mho_array *mho_array_find(const struct mho_emu *emu, uint16_t context, uint32_t id)
{
	struct mho_array *a;

	if (!id || id > emu->topo->limits.arrays)
		return NULL;
	a = emu->arrays[id];
	return a && a->context == context ? a : NULL;
}

struct mho_array *mho_array_by_name(const struct mho_emu *emu, const char *label, uint64_t owner)
{
	uint32_t id;

	for (id = 1; id <= emu->topo->limits.arrays; id++) {
		struct mho_array *a = emu->arrays[id];

		if (a && a->flags & MHO_HW_ARRAY_NAMED && a->owner == owner &&
		    !memcmp(a->label, label, sizeof(a->label)))
			return a;
	}
	return NULL;
}

struct mho_array *mho_array_new(const struct mho_hw_array_request *req, uint32_t grid_rows,
				uint32_t grid_cols, struct mho_hwtile *const *tiles)
{
	uint32_t n = grid_rows * grid_cols, i;
	struct mho_array *a = calloc(1, sizeof(*a) + n * sizeof(a->blocks[0]));

	if (!a)
		return NULL;
	a->rows = mho_le32_to_cpu(req->rows);
	a->cols = mho_le32_to_cpu(req->cols);
	a->grid_rows = grid_rows;
	a->grid_cols = grid_cols;
	a->technology = tiles[0]->technology;
	a->flags = mho_le16_to_cpu(req->flags);
	a->owner = mho_le64_to_cpu(req->owner);
	a->tag = mho_le64_to_cpu(req->tag);
	memcpy(a->label, req->label, sizeof(a->label));
	mho_list_init(&a->fifo);
	for (i = 0; i < n; i++) {
		struct mho_block *b = &a->blocks[i];

		b->tile = tiles[i];
		b->row = mho_hw_split_start(a->rows, grid_rows, i / grid_cols);
		b->rows = mho_hw_split_size(a->rows, grid_rows, i / grid_cols);
		b->col = mho_hw_split_start(a->cols, grid_cols, i % grid_cols);
		b->cols = mho_hw_split_size(a->cols, grid_cols, i % grid_cols);
	}
	return a;
}

bool mho_array_insert(struct mho_emu *emu, struct mho_array *a)
{
	uint32_t id, i;

	for (id = 1; id <= emu->topo->limits.arrays && emu->arrays[id]; id++)
		;
	if (id > emu->topo->limits.arrays)
		return false;
	a->id = id;
	emu->arrays[id] = a;
	for (i = 0; i < mho_array_blocks(a); i++)
		a->blocks[i].tile->array = a;
	return true;
}

void mho_array_remove(struct mho_emu *emu, struct mho_array *a)
{
	uint32_t i;

	for (i = 0; i < mho_array_blocks(a); i++) {
		struct mho_hwtile *t = a->blocks[i].tile;

		t->array = NULL;
		t->dirty = true;
		mho_window_clear(emu, t->number);
	}
	emu->arrays[a->id] = NULL;
	free(a);
}

void mho_arrays_drop_unnamed(struct mho_emu *emu)
{
	uint32_t id;

	for (id = 1; id <= emu->topo->limits.arrays; id++) {
		struct mho_array *a = emu->arrays[id];

		if (a && !(a->flags & MHO_HW_ARRAY_NAMED))
			mho_array_remove(emu, a);
	}
}

void mho_tile_count_wear(struct mho_hwtile *t)
{
	struct mho_wear wear;

	if (!t->wear_stale)
		return;
	mho_tile_wear_stats(t->phys, NULL, &wear);
	t->wear = wear.max;
	t->wear_mean = wear.mean;
	t->wear_bound = wear.max;
	t->wear_stale = false;
}

void mho_array_check_wear(struct mho_emu *emu, struct mho_array *a)
{
	uint64_t endurance = emu->topo->techs[a->technology].endurance;
	uint32_t i;

	if (!endurance || a->worn)
		return;
	for (i = 0; i < mho_array_blocks(a); i++) {
		const struct mho_block *b = &a->blocks[i];
		struct mho_rect rect = { .rows = b->rows, .cols = b->cols };
		struct mho_wear wear;

		if (b->tile->wear_bound < endurance)
			continue;
		mho_tile_count_wear(b->tile);
		if (b->tile->wear < endurance)
			continue;
		mho_tile_wear_stats(b->tile->phys, &rect, &wear);
		if (wear.max >= endurance)
			a->worn = true;
	}
}

/* Tiles of a job that scrubs them. */
struct scrub_job {
	struct mho_job job;
	struct mho_hwtile *const *tiles;
	struct mho_cost *costs;
};

static void scrub_part(struct mho_job *job, unsigned int part, struct mho_worker *w)
{
	struct scrub_job *s = mho_container_of(job, struct scrub_job, job);
	struct mho_hwtile *t = s->tiles[part];
	struct mho_rect all = { .rows = t->rows, .cols = t->cols };

	(void)w;
	if (t->dirty && !t->failed)
		mho_tile_scrub(t->phys, mho_tile_begin_op(t->phys), &all, &s->costs[part]);
}

void mho_tiles_scrub(struct mho_worker *w, struct mho_hwtile *const *tiles, unsigned int n,
		     struct mho_cost *cost)
{
	struct scrub_job s = { .job = { .run = scrub_part, .parts = n }, .tiles = tiles };
	struct mho_emu *emu = w->emu;
	double ns = 0;
	unsigned int i;

	s.costs = mho_scratch(w, MHO_SCRATCH_STATS, n * sizeof(*s.costs));
	if (!s.costs)
		return;
	memset(s.costs, 0, n * sizeof(*s.costs));
	mho_parallel(w, &s.job);
	pthread_mutex_lock(&emu->lock);
	for (i = 0; i < n; i++) {
		struct mho_hwtile *t = tiles[i];

		if (!t->dirty)
			continue;
		t->dirty = false;
		t->wear_stale = true;
		mho_tile_count_wear(t);
		mho_tile_account(emu, t, &s.costs[i]);
		cost->fj += s.costs[i].fj;
		cost->pulses += s.costs[i].pulses;
		if (s.costs[i].ns > ns)
			ns = s.costs[i].ns;
	}
	pthread_mutex_unlock(&emu->lock);
	cost->ns += ns;
}

void mho_tile_account(struct mho_emu *emu, struct mho_hwtile *t, const struct mho_cost *cost)
{
	t->busy_ns += (uint64_t)(cost->ns + 0.5);
	mho_tile_rest(t->phys, (uint64_t)(cost->ns + 0.5));
	t->energy_fj += (uint64_t)(cost->fj + 0.5);
	t->pulses += cost->pulses;
	emu->counters.pulses += cost->pulses;
	emu->counters.lifetime_pulses += cost->pulses;
	emu->counters.saturations += cost->saturated;
	emu->counters.retries += cost->retries;
}
