// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * libFuzzer: any bytes as a topology. What is accepted must keep the limits that
 * the rest of the device relies on.
 */
#include <stdint.h>
#include <stdlib.h>

#include "mho_hw.h"
#include "emulator/topo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check(const struct mho_topo *topo)
{
	uint64_t cells = 0;

	require(topo->ntechs >= 1 && topo->ntechs <= MHO_HW_TOPO_TECHNOLOGIES_MAX);
	require(topo->ntiles >= 1 && topo->ntiles <= MHO_HW_TILES_MAX);
	require(topo->limits.queues >= 1 && topo->limits.queues <= MHO_HW_QUEUES_MAX);
	require(topo->limits.queue_order >= MHO_HW_ORDER_MIN &&
		topo->limits.queue_order <= MHO_HW_ORDER_MAX);
	for (unsigned int i = 0; i < topo->ntechs; i++)
		require(mho_tech_check(&topo->techs[i], NULL, 0) == 0);
	for (unsigned int i = 0; i < topo->ntiles; i++) {
		const struct mho_topo_tile *t = &topo->tiles[i];

		require(t->rows >= 1 && t->rows <= MHO_HW_TILE_DIM_MAX);
		require(t->cols >= 1 && t->cols <= MHO_HW_TILE_DIM_MAX);
		require(t->tech < topo->ntechs);
		cells += (uint64_t)t->rows * t->cols;
	}
	require(cells == topo->cells);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mho_topo *topo;
	char err[256];

	if (mho_topo_parse(data, size, NULL, &topo, err, sizeof(err)) == 0) {
		check(topo);
		mho_topo_free(topo);
	}
	if (mho_topo_parse(data, size, "ideal", &topo, NULL, 0) == 0) {
		check(topo);
		mho_topo_free(topo);
	}
	return 0;
}
