/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What commands name: contexts, memory keys, arrays. The tables are guarded by
 * the core lock.
 */
#ifndef MHO_EMU_OBJECTS_H
#define MHO_EMU_OBJECTS_H

#include "emulator/emu.h"

/* ---- key.c: contexts and keys ---- */

bool mho_context_exists(const struct mho_emu *emu, uint16_t context);
enum mho_hw_status mho_context_create(struct mho_emu *emu, uint16_t context);

/* mho_context_destroy() - forget a context and its keys; it has no queues any more. */
void mho_context_destroy(struct mho_emu *emu, uint16_t context);

/* mho_contexts_clear() - a reset: contexts and keys go, arrays are detached. */
void mho_contexts_clear(struct mho_emu *emu);

/* mho_key_find() - a key of a context, or NULL. */
struct mho_key *mho_key_find(const struct mho_emu *emu, uint16_t context, uint32_t id);

/**
 * mho_key_add() - make a key
 * @emu: device
 * @key: all but .id is set; the table's from now on
 *
 * Return: OK with @key->id set, or NO_RESOURCE.
 */
enum mho_hw_status mho_key_add(struct mho_emu *emu, struct mho_key *key);
void mho_key_remove(struct mho_emu *emu, struct mho_key *key);

/* ---- array.c ---- */

/* mho_array_find() - an array of a context, or NULL. */
struct mho_array *mho_array_find(const struct mho_emu *emu, uint16_t context, uint32_t id);

/* mho_array_by_name() - a named array, or NULL. */
struct mho_array *mho_array_by_name(const struct mho_emu *emu, const char *label, uint64_t owner);

/* mho_array_blocks() - number of its blocks. */
static inline uint32_t mho_array_blocks(const struct mho_array *a)
{
	return a->grid_rows * a->grid_cols;
}

/**
 * mho_array_new() - an array over given tiles, not in the table yet
 * @req: shape, names
 * @grid_rows: blocks in a column of blocks
 * @grid_cols: blocks in a row of blocks
 * @tiles: its tiles, row by row
 *
 * Return: the array, or NULL without memory.
 */
struct mho_array *mho_array_new(const struct mho_hw_array_request *req, uint32_t grid_rows,
				uint32_t grid_cols, struct mho_hwtile *const *tiles);

/* mho_array_insert() - give an array a number and its tiles. Return: false if the table is full. */
bool mho_array_insert(struct mho_emu *emu, struct mho_array *a);

/* mho_array_remove() - out of the table; its tiles are free, and dirty. The array is freed. */
void mho_array_remove(struct mho_emu *emu, struct mho_array *a);

/* mho_arrays_drop_unnamed() - what a loss of power leaves: named arrays only. */
void mho_arrays_drop_unnamed(struct mho_emu *emu);

/**
 * mho_tiles_scrub() - drive whole tiles to weight 0, in parallel
 * @w: worker; without the core lock
 * @tiles: the tiles, which nobody else uses; those that are not dirty are left alone
 * @n: number of them
 * @cost: added to: time is that of the slowest
 */
void mho_tiles_scrub(struct mho_worker *w, struct mho_hwtile *const *tiles, unsigned int n,
		     struct mho_cost *cost);

/* mho_tile_count_wear() - bring the wear of an idle tile up to date. */
void mho_tile_count_wear(struct mho_hwtile *t);

/* mho_array_check_wear() - set the array's worn flag from its tiles. */
void mho_array_check_wear(struct mho_emu *emu, struct mho_array *a);

/* mho_tile_account() - add what an operation took to the counters of tile and device. */
void mho_tile_account(struct mho_emu *emu, struct mho_hwtile *t, const struct mho_cost *cost);

/* ---- place.c ---- */

/**
 * struct mho_placement - where an array could be
 * @technology: index
 * @grid_rows: blocks in a column of blocks
 * @grid_cols: blocks in a row of blocks
 * @tiles: grid_rows * grid_cols tiles; free()
 * @needed: after NO_TILES: tiles that it takes at least
 * @available: after NO_TILES: tiles that there are
 */
struct mho_placement {
	uint32_t technology;
	uint32_t grid_rows;
	uint32_t grid_cols;
	struct mho_hwtile **tiles;
	uint32_t needed;
	uint32_t available;
};

/**
 * mho_place() - pick tiles
 * @emu: device
 * @req: validated request
 * @out: filled
 *
 * Return: OK, NO_TILES, or INTERNAL (no memory).
 */
enum mho_hw_status mho_place(struct mho_emu *emu, const struct mho_hw_array_request *req,
			     struct mho_placement *out);

/* ---- emu.c ---- */

/* mho_firmware_apply() - use the tables of a verified image. Return: false without memory. */
bool mho_firmware_apply(struct mho_emu *emu, const struct mho_image *image);

#endif
