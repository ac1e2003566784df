// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A card as it came from the factory: the non-volatile state is that of a new
 * one. Cells follow from the seed, so that it is the same card.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/emu.h"
#include "emulator/objects.h"

static void free_tiles(struct mho_tile **tiles, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		mho_tile_destroy(tiles[i]);
	free(tiles);
}

/* All of them before the first old one goes: it can fail. */
static int make_tiles(const struct mho_emu *emu, struct mho_tile ***out)
{
	struct mho_tile **tiles = calloc(emu->topo->ntiles, sizeof(struct mho_tile *));
	uint32_t i;
	int ret;

	if (!tiles)
		return -ENOMEM;
	for (i = 0; i < emu->topo->ntiles; i++) {
		const struct mho_topo_tile *t = &emu->topo->tiles[i];

		ret = mho_tile_create(&emu->topo->techs[t->tech], t->rows, t->cols, emu->seed, i,
				      &tiles[i]);
		if (ret) {
			free_tiles(tiles, i);
			return ret;
		}
	}
	*out = tiles;
	return 0;
}

static void renew_tile(struct mho_hwtile *t, const struct mho_topo_tile *topo,
		       struct mho_tile *phys)
{
	mho_tile_destroy(t->phys);
	*t = (struct mho_hwtile){
		.phys = phys,
		.number = t->number,
		.rows = t->rows,
		.cols = t->cols,
		.technology = t->technology,
		.failed = topo->failed,
	};
}

int mho_renew(struct mho_emu *emu)
{
	struct mho_tile **tiles;
	uint32_t i;
	int ret;

	ret = make_tiles(emu, &tiles);
	if (ret)
		return ret;
	for (i = 1; i <= emu->topo->limits.arrays; i++)
		if (emu->arrays[i])
			mho_array_remove(emu, emu->arrays[i]);
	for (i = 0; i < emu->topo->ntiles; i++)
		renew_tile(&emu->tiles[i], &emu->topo->tiles[i], tiles[i]);
	free(tiles);
	emu->counters.lifetime_pulses = 0;
	emu->counters.power_cycles = 0;
	return 0;
}
