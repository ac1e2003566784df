// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Puts the tables of a verified firmware image into effect: factory trim of the
 * converters, write parameters of the technologies. The topology is read anew, so
 * that nothing of an earlier image stays.
 */
#include "emulator/objects.h"

bool mho_firmware_apply(struct mho_emu *emu, const struct mho_image *image)
{
	const char *technology = emu->technology[0] ? emu->technology : NULL;
	struct mho_topo *topo;
	unsigned int i;

	if (mho_topo_parse(emu->blob, emu->blob_len, technology, &topo, NULL, 0))
		return false;
	mho_image_apply(image, topo);
	for (i = 0; i < topo->ntechs; i++) {
		const struct mho_tech *from = &topo->techs[i];
		struct mho_tech *to = &emu->topo->techs[i];

		to->train_length = from->train_length;
		to->verify_iterations = from->verify_iterations;
		to->verify_tolerance = from->verify_tolerance;
	}
	mho_topo_free(topo);
	for (i = 0; i < emu->topo->ntiles; i++) {
		const struct mho_image_trim *t = mho_image_trim(image, i);

		mho_tile_set_trim(emu->tiles[i].phys, t->gain_ppm * 1e-6f, t->offset_ppm * 1e-6f);
	}
	return true;
}
