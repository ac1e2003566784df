/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Cells that are not meant, but see a part of the voltage: many small steps up and
 * down, as one. Part of kernels.c.
 */
#ifndef MHO_KERNELS_DISTURB_H
#define MHO_KERNELS_DISTURB_H

/**
 * struct disturbed - one direction
 * @dw: change of each cell on average
 * @variance: of that
 */
struct disturbed {
	float dw[VEC_GROUP];
	float variance[VEC_GROUP];
};

/* Ions of @n pulses have a Poisson number; other noise is relative to each of them. */
static inline void disturb_one_way(struct disturbed *d, struct cells *c, const struct mho_row *row,
				   const float *restrict n, float share, uint32_t negative)
{
	struct curve k;

	for (int j = 0; j < VEC_GROUP; j++)
		c->negative[j] = negative;
	load_curve(&k, c, row, VEC_GROUP);
	change(d->dw, c->w, &k, row, c->negative, VEC_GROUP);
	for (int j = 0; j < VEC_GROUP; j++) {
		float step = d->dw[j] * share;
		float one = row->noise == MHO_PULSE_ADDITIVE ? k.noise[j] * share : step;

		d->dw[j] = step * n[j];
		d->variance[j] = one * one * row->std * row->std * n[j];
	}
}

static inline void disturb_group(struct cells *c, const struct mho_row *row, const float *up,
				 const float *down, float share)
{
	const uint32_t words[3] = { row->stream.words[0], row->stream.words[1],
				    row->stream.words[2] + MHO_STREAM_DISTURB };
	struct disturbed u, d;
	float min[VEC_GROUP], max[VEC_GROUP], *restrict w = c->w;

	disturb_one_way(&u, c, row, up, share, 0);
	disturb_one_way(&d, c, row, down, share, 0xffffffffU);
	vec_halves(min, c->min, VEC_GROUP);
	vec_halves(max, c->max, VEC_GROUP);
	if (row->noise == MHO_PULSE_PROTONS) {
		float mean[VEC_GROUP], ions_up[VEC_GROUP], ions_down[VEC_GROUP];
		float per = 1.0f / row->quantum;

		for (int j = 0; j < VEC_GROUP; j++)
			mean[j] = __builtin_fabsf(u.dw[j]) * per;
		count_ions(ions_up, c, mean, row, words[2], VEC_GROUP);
		for (int j = 0; j < VEC_GROUP; j++)
			mean[j] = __builtin_fabsf(d.dw[j]) * per;
		count_ions(ions_down, c, mean, row, words[2] + MHO_STREAM_SHOWN, VEC_GROUP);
		for (int j = 0; j < VEC_GROUP; j++)
			w[j] = clip(w[j] + (ions_up[j] - ions_down[j]) * row->quantum, min[j],
				    max[j]);
		return;
	}
	memset(c->z, 0, sizeof(c->z));
	if (row->std > 0)
		cell_noise(c, words, row->stream.key, VEC_GROUP);
	for (int j = 0; j < VEC_GROUP; j++) {
		float spread = __builtin_sqrtf(u.variance[j] + d.variance[j]);

		w[j] = clip(w[j] + u.dw[j] + d.dw[j] + spread * c->z[j], min[j], max[j]);
	}
}

/* What a cell shows moves as what it holds does. */
static void disturb_row(const struct mho_row *row, const float *up, const float *down, float share)
{
	struct cells c;

	for (uint32_t i = 0; i < row->n; i += VEC_GROUP) {
		uint32_t m = row->n - i < VEC_GROUP ? row->n - i : VEC_GROUP;
		float n_up[VEC_GROUP] = { 0 }, n_down[VEC_GROUP] = { 0 }, before[VEC_GROUP];

		memcpy(n_up, up + i, m * sizeof(*up));
		memcpy(n_down, down + i, m * sizeof(*down));
		memset(c.count, 0, sizeof(c.count));
		take_cells(&c, row, i, m);
		memcpy(before, c.w, sizeof(before));
		disturb_group(&c, row, n_up, n_down, share);
		for (uint32_t j = 0; row->shown && j < m; j++)
			row->shown[i + j] += c.w[j] - before[j];
		put_cells(&c, row, i, m);
	}
}

#endif
