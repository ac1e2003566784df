/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Cells of a row that are pulsed together: where they are, what they have in common
 * with the row, their random numbers. Part of kernels.c. What a pulse does to them
 * is in straight.h and curved.h.
 */
#ifndef MHO_KERNELS_CELLS_H
#define MHO_KERNELS_CELLS_H

/**
 * struct cells - cells of a row that are pulsed together
 *
 * Either VEC_GROUP neighbours, or VEC_LANES that lie anywhere in the row. All functions that take
 * cells take their number, too, and are compiled for each of the two: @lanes is a constant in them.
 * What becomes of a cell does not depend on which of the two it is part of.
 *
 * @w: weights; they and what follows lie in the tile, or in @spare if they are no whole group there
 * @at: places in the row, if they lie anywhere; else NULL
 * @base: counter of the random numbers: of the first cell, or of the row
 * @wear: pulses so far
 * @up: step up, binary16; and so on, as in struct mho_row
 * @count: pulses that each gets
 * @negative: direction: negative for down
 * @z: noise
 * @spare: copies of what is in the tile
 */
struct cells {
	float *w;
	uint32_t *wear;
	const uint32_t *at;
	uint32_t base;
	const uint16_t *up;
	const uint16_t *down;
	const uint16_t *max;
	const uint16_t *min;
	const uint16_t *extra[MHO_CELL_EXTRA];
	uint32_t count[VEC_GROUP];
	uint32_t negative[VEC_GROUP];
	float z[VEC_GROUP];
	struct {
		float w[VEC_GROUP];
		uint32_t wear[VEC_GROUP];
		uint16_t half[4 + MHO_CELL_EXTRA][VEC_GROUP];
	} spare;
};

static const uint16_t *spare_halves(struct cells *c, int which, const uint16_t *from, uint32_t m)
{
	if (!from)
		return NULL;
	memset(c->spare.half[which], 0, sizeof(c->spare.half[which]));
	return memcpy(c->spare.half[which], from, m * sizeof(*from));
}

/* Cells @i to @i + @m of @row; loops over them have a fixed length whatever @m is. */
static void take_cells(struct cells *c, const struct mho_row *row, uint32_t i, uint32_t m)
{
	c->at = NULL;
	c->base = row->base + i / 8;
	if (m == VEC_GROUP) {
		c->w = row->w + i;
		c->wear = row->wear + i;
		c->up = row->up + i;
		c->down = row->down + i;
		c->max = row->max + i;
		c->min = row->min + i;
		for (int k = 0; k < MHO_CELL_EXTRA; k++)
			c->extra[k] = row->extra[k] ? row->extra[k] + i : NULL;
		return;
	}
	memset(c->spare.w, 0, sizeof(c->spare.w));
	memset(c->spare.wear, 0, sizeof(c->spare.wear));
	c->w = memcpy(c->spare.w, row->w + i, m * sizeof(*c->w));
	c->wear = memcpy(c->spare.wear, row->wear + i, m * sizeof(*c->wear));
	c->up = spare_halves(c, 0, row->up + i, m);
	c->down = spare_halves(c, 1, row->down + i, m);
	c->max = spare_halves(c, 2, row->max + i, m);
	c->min = spare_halves(c, 3, row->min + i, m);
	for (int k = 0; k < MHO_CELL_EXTRA; k++)
		c->extra[k] = spare_halves(c, 4 + k, row->extra[k] ? row->extra[k] + i : NULL, m);
}

VEC_INLINE void add_wear(const struct cells *c, const int lanes)
{
	uint32_t *restrict wear = c->wear;

	for (int j = 0; j < lanes; j++) {
		uint32_t sum = wear[j] + c->count[j];

		wear[j] = sum < c->count[j] ? 0xffffffffU : sum;
	}
}

static void put_cells(const struct cells *c, const struct mho_row *row, uint32_t i, uint32_t m)
{
	add_wear(c, VEC_GROUP);
	if (m == VEC_GROUP)
		return;
	memcpy(row->w + i, c->w, m * sizeof(*c->w));
	memcpy(row->wear + i, c->wear, m * sizeof(*c->wear));
}

/* Cells at the first @m of VEC_LANES places, which are all in the row. */
static inline void gather_cells(struct cells *c, const struct mho_row *row, const uint32_t *at,
				uint32_t m)
{
	const uint16_t *const common[] = { row->up, row->down, row->max, row->min };
	const uint16_t **const place[] = { &c->up, &c->down, &c->max, &c->min };

	c->at = at;
	c->base = row->base;
	c->w = c->spare.w;
	c->wear = c->spare.wear;
	vec_gather(c->w, row->w, at, m);
	vec_gather(c->wear, row->wear, at, m);
	for (int k = 0; k < 4; k++) {
		vec_gather_halves(c->spare.half[k], common[k], at, m);
		*place[k] = c->spare.half[k];
	}
	for (int k = 0; k < MHO_CELL_EXTRA; k++) {
		c->extra[k] = row->extra[k] ? c->spare.half[4 + k] : NULL;
		if (row->extra[k])
			vec_gather_halves(c->spare.half[4 + k], row->extra[k], at, m);
	}
}

static inline void scatter_cells(struct cells *c, const struct mho_row *row, uint32_t m)
{
	add_wear(c, VEC_LANES);
	vec_scatter(row->w, c->w, c->at, m);
	vec_scatter(row->wear, c->wear, c->at, m);
}

/* Gaussians for cells: those of a cell do not depend on the others. */
VEC_INLINE void cell_noise(struct cells *c, const uint32_t words[3], const uint32_t key[2],
			   const int lanes)
{
	if (lanes == VEC_GROUP)
		vec_noise(c->z, c->base, words, key);
	else
		vec_noise_at(c->z, c->at, c->base, words, key);
}

/* The same, random words: two counters of these for each of those. */
VEC_INLINE void cell_random(uint32_t *restrict r, const struct cells *c, const uint32_t words[3],
			    const uint32_t key[2], const int lanes)
{
	if (lanes == VEC_GROUP) {
		for (uint32_t i = 0; i < VEC_GROUP; i += VEC_NUMBERS)
			vec_philox(r + i, 2 * c->base + i / 4, words, key);
	} else {
		vec_random_at(r, c->at, 2 * c->base, words, key);
	}
}

#endif
