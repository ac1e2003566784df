/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Pulses at the cells of a row: where trains coincide, or as many as they are told,
 * in groups of neighbours or, where few are pulsed, at these alone. Part of
 * kernels.c. What a pulse does is in straight.h and curved.h.
 */
#ifndef MHO_KERNELS_PULSES_H
#define MHO_KERNELS_PULSES_H

#define SCATTERED 4

/* What pulsed cells show is drawn anew. */
VEC_INLINE void show(struct cells *c, const struct mho_row *row, uint32_t i, uint32_t m,
		     const int lanes)
{
	const uint32_t words[3] = { row->stream.words[0], row->stream.words[1],
				    row->stream.words[2] + MHO_STREAM_SHOWN };

	cell_noise(c, words, row->stream.key, lanes);
	for (uint32_t j = 0; j < m; j++) {
		if (c->count[j])
			row->shown[c->at ? c->at[j] : i + j] = c->w[j] + row->shown_noise * c->z[j];
	}
}

VEC_INLINE void pulse_cells(struct cells *c, const struct mho_row *row, uint32_t i, uint32_t m,
			    const int lanes)
{
	if (is_curved(row))
		pulse_curved(c, row, lanes);
	else
		pulse_straight(c, row, lanes);
	if (row->shown)
		show(c, row, i, m, lanes);
}

/* Pulses c->count at the cells from @i on, in the directions of c->negative. */
static void pulse_group(struct cells *c, const struct mho_row *row, uint32_t i, uint32_t m)
{
	take_cells(c, row, i, m);
	pulse_cells(c, row, i, m, VEC_GROUP);
	put_cells(c, row, i, m);
}

/* The same at @m cells that lie anywhere. */
static void pulse_scattered(struct cells *c, const struct mho_row *row, const uint32_t *at,
			    uint32_t m)
{
	gather_cells(c, row, at, m);
	pulse_cells(c, row, 0, m, VEC_LANES);
	scatter_cells(c, row, m);
}

/* Coincidences of the trains of @m columns with the row's. */
static inline uint32_t count_pulses(uint32_t *restrict count, const uint32_t *restrict bits,
				    size_t stride, const uint32_t *d_bits, uint32_t words,
				    uint32_t m)
{
	uint32_t sum = 0;

	if (m < VEC_GROUP)
		memset(count, 0, VEC_GROUP * sizeof(*count));
	for (uint32_t j = 0; j < m; j++)
		count[j] = vec_popcount(bits[j] & d_bits[0]);
	for (uint32_t w = 1; w < words; w++) {
		for (uint32_t j = 0; j < m; j++)
			count[j] += vec_popcount(bits[w * stride + j] & d_bits[w]);
	}
	for (int j = 0; j < VEC_GROUP; j++)
		sum += count[j];
	return sum;
}

/* The step is against the product: down where both are positive or both negative. */
static inline void set_directions(uint32_t *restrict negative, const uint32_t *restrict x,
				  uint32_t not_d, uint32_t m)
{
	if (m < VEC_GROUP)
		memset(negative, 0, VEC_GROUP * sizeof(*negative));
	for (uint32_t j = 0; j < m; j++)
		negative[j] = x[j] ^ not_d;
}

/* Every group of neighbours of which one cell is pulsed. */
static uint64_t update_groups(const struct mho_row *row, const struct mho_trains *x,
			      const uint32_t *d_bits, uint32_t words, uint32_t d_negative)
{
	struct cells c;
	uint64_t pulses = 0;

	for (uint32_t i = 0; i < row->n; i += VEC_GROUP) {
		uint32_t m = row->n - i < VEC_GROUP ? row->n - i : VEC_GROUP;
		uint32_t sum = count_pulses(c.count, x->bits + i, row->n, d_bits, words, m);

		if (!sum)
			continue;
		pulses += sum;
		set_directions(c.negative, x->negative + i, ~d_negative, m);
		pulse_group(&c, row, i, m);
	}
	return pulses;
}

/* Only cells that are pulsed. */
static uint64_t update_cells(const struct mho_row *row, const struct mho_trains *x, uint32_t d_bits,
			     uint32_t d_negative)
{
	uint32_t at[MHO_HW_TILE_DIM_MAX + VEC_LANES], hits[MHO_HW_TILE_DIM_MAX + VEC_LANES], n = 0;
	uint64_t pulses = 0;
	struct cells c;

	for (uint32_t i = 0; i < x->active; i += VEC_LANES) {
		uint32_t m = x->active - i < VEC_LANES ? x->active - i : VEC_LANES;
		uint32_t bits[VEC_LANES] = { 0 };

		for (uint32_t j = 0; j < m; j++)
			bits[j] = x->packed[i + j] & d_bits;
		n += vec_pack(at + n, hits + n, x->index + i, bits);
	}
	memset(at + n, 0, VEC_LANES * sizeof(*at));
	memset(hits + n, 0, VEC_LANES * sizeof(*hits));
	for (uint32_t i = 0; i < n; i += VEC_LANES) {
		uint32_t sum = 0;

		for (int j = 0; j < VEC_LANES; j++) {
			c.count[j] = vec_popcount(hits[i + j]);
			c.negative[j] = ~(x->negative[at[i + j]] ^ d_negative);
			sum += c.count[j];
		}
		pulses += sum;
		pulse_scattered(&c, row, at + i, n - i < VEC_LANES ? n - i : VEC_LANES);
	}
	return pulses;
}

/*
 * Both ways give the same bits. A cell alone takes about as long as SCATTERED neighbours of a
 * group; coincidences to be expected are counted as if each were at a cell of its own.
 */
static uint64_t update_row(const struct mho_row *row, const struct mho_trains *x,
			   const uint32_t *d_bits, uint32_t words, uint32_t d_negative)
{
	uint64_t expected = x->ones * vec_popcount(d_bits[0]);

	if (words == 1 && expected * SCATTERED < (uint64_t)row->n * x->slots)
		return update_cells(row, x, d_bits[0], d_negative);
	return update_groups(row, x, d_bits, words, d_negative);
}

static uint64_t pulse_row(const struct mho_row *row, const int32_t *counts)
{
	struct cells c;
	uint64_t pulses = 0;

	for (uint32_t i = 0; i < row->n; i += VEC_GROUP) {
		uint32_t m = row->n - i < VEC_GROUP ? row->n - i : VEC_GROUP;
		uint64_t sum = 0;

		memset(c.count, 0, sizeof(c.count));
		memset(c.negative, 0, sizeof(c.negative));
		for (uint32_t j = 0; j < m; j++) {
			int32_t n = counts[i + j];

			c.negative[j] = (uint32_t)n;
			c.count[j] = (uint32_t)(n < 0 ? -n : n);
			sum += c.count[j];
		}
		if (!sum)
			continue;
		pulses += sum;
		pulse_group(&c, row, i, m);
	}
	return pulses;
}

#endif
