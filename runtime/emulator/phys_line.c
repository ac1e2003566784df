// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the lines of a tile and their drivers do to a product, beside what converters do: noise and
 * asymmetry of the inputs, noise of the weights as they are read, the voltage that is lost along a
 * line, offset, series resistance and compression of the outputs; and stochastic rounding. The
 * equations are in docs/emulator.md, section 6. All is off unless a technology asks for it, and
 * nothing here is done then. Converters themselves are in phys_mvm.c.
 */
#include "emulator/phys_tile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Conductance of the wire between two cells over the largest of a cell, 1 / (0.35 ohm * 5 uS): aihwkit's
 * default, for a 14 nm process.
 */
#define WIRE_RATIO (1.0 / (0.35 * 5e-6))

/* Constants of outputs: rows of the tile, and columns for the transposed direction. */
#define DIRECTIONS 2

/**
 * struct mho_line - what outputs have each for themselves; NULL where a technology has none of it
 * @offset: v, of each direction
 * @bend: n, likewise
 */
struct mho_line {
	float *offset[DIRECTIONS];
	float *bend[DIRECTIONS];
};

/* ---- making one ---- */

static float *draw(const struct mho_tile *t, uint32_t n, uint32_t which, float mean, float std)
{
	struct mho_stream s = mho_tile_stream(t, MHO_NOISE_PERIPHERY, 0, which, 0);
	float *v;

	if (mean == 0 && std == 0)
		return NULL;
	v = malloc(n * sizeof(*v));
	if (!v)
		return NULL;
	t->kernels->gauss(v, n, 0, &s);
	for (uint32_t i = 0; i < n; i++)
		v[i] = mean + std * v[i];
	return v;
}

static bool has_line(const struct mho_tech *k)
{
	return k->dac_stochastic || k->adc_stochastic || k->inp_noise > 0 ||
	       k->inp_asymmetry != 0 || k->out_asymmetry != 0 || k->w_noise > 0 || k->ir_drop > 0 ||
	       k->v_offset_std > 0 || k->series > 0 || k->bend > 0;
}

int mho_line_init(struct mho_tile *t)
{
	const struct mho_tech *k = &t->tech;

	if (k->model == MHO_MODEL_IDEAL || !has_line(k))
		return 0;
	t->line = calloc(1, sizeof(*t->line));
	if (!t->line)
		return -1;
	for (uint32_t d = 0; d < DIRECTIONS; d++) {
		uint32_t n = d ? t->cols : t->rows;

		t->line->offset[d] = draw(t, n, d, 0, k->v_offset_std);
		t->line->bend[d] = draw(t, n, DIRECTIONS + d, k->bend, k->bend * k->bend_std);
		if ((k->v_offset_std > 0 && !t->line->offset[d]) ||
		    (k->bend > 0 && !t->line->bend[d]))
			return -1;
	}
	return 0;
}

void mho_line_free(struct mho_tile *t)
{
	for (uint32_t d = 0; t->line && d < DIRECTIONS; d++) {
		free(t->line->offset[d]);
		free(t->line->bend[d]);
	}
	free(t->line);
}

/* ---- inputs ---- */

/* @x scaled and clipped, but not rounded; to a multiple of @step, up or down by chance. */
static void round_by_chance(const struct mho_tile *t, const struct mho_stream *s, float *x,
			    uint32_t n, float step, float bound, uint32_t *random)
{
	t->kernels->random(random, n, 0, s);
	for (uint32_t j = 0; j < n; j++) {
		float u = ((float)(int32_t)(random[j] >> 8) + 0.5f) * 0x1p-24f;

		x[j] = fmaxf(fminf(floorf(x[j] / step + u) * step, bound), -bound);
	}
}

void mho_line_inputs(const struct mho_tile *t, uint64_t op, uint32_t vector, uint32_t attempt,
		     float *x, uint32_t n, float step, float *scratch)
{
	const struct mho_tech *k = &t->tech;

	if (k->dac_stochastic && step > 0) {
		struct mho_stream s =
			mho_tile_stream(t, MHO_NOISE_DAC_ROUNDING, op, vector, attempt);

		round_by_chance(t, &s, x, n, step, k->inp_bound, (uint32_t *)scratch);
	}
	if (k->inp_noise > 0) {
		struct mho_stream s = mho_tile_stream(t, MHO_NOISE_INPUT, op, vector, attempt);

		t->kernels->gauss(scratch, n, 0, &s);
		for (uint32_t j = 0; j < n; j++)
			x[j] += k->inp_noise * scratch[j];
	}
	for (uint32_t j = 0; k->inp_asymmetry != 0 && j < n; j++)
		x[j] = x[j] < 0 ? x[j] * (1 - k->inp_asymmetry) : x[j];
}

/* ---- outputs ---- */

/* Products that some effects need beside W x. */
static bool needs_magnitudes(const struct mho_tech *k)
{
	return k->ir_drop > 0 || (k->w_noise > 0 && k->w_noise_kind == MHO_WEIGHT_NOISE_PCM);
}

size_t mho_line_scratch(const struct mho_tile *t)
{
	size_t longest = t->rows > t->cols ? t->rows : t->cols;

	if (!t->line)
		return 0;
	/* A vector; three sets of vectors; |W|. */
	longest = (longest + 15) / 16 * 16;
	return longest * (1 + 3 * MHO_MVM_CHUNK) +
	       (needs_magnitudes(&t->tech) ? (size_t)t->rows * t->cols : 0);
}

/**
 * struct pass - an attempt's vectors
 * @t: tile
 * @m: what is computed
 * @n_in: inputs
 * @n_out: outputs
 * @count: vectors
 * @x: inputs, one vector behind the other
 * @y: outputs, likewise
 * @other_x: as @x
 * @other_y: as @y, and as much behind it
 */
struct pass {
	const struct mho_tile *t;
	const struct mho_mvm *m;
	uint32_t n_in;
	uint32_t n_out;
	uint32_t count;
	const float *x;
	float *y;
	float *other_x;
	float *other_y;
};

/* other_y = other_x W^T, of @w with rows of @ld. */
static void multiply(const struct pass *p, const float *w, size_t ld)
{
	struct mho_product product = {
		.w = w,
		.ldw = ld,
		.rows = p->m->rect.rows,
		.cols = p->m->rect.cols,
		.transposed = p->m->transposed,
		.alpha = 1.0f,
		.count = p->count,
		.x = p->other_x,
		.ldx = p->n_in,
		.y = p->other_y,
		.ldy = p->n_out,
	};

	mho_tile_product(&product);
}

static void take_magnitudes(const struct pass *p, float *w)
{
	const struct mho_rect *r = &p->m->rect;

	for (uint32_t i = 0; i < r->rows; i++) {
		const float *from = p->t->w + mho_tile_at(p->t, r->row + i, r->col);

		for (uint32_t j = 0; j < r->cols; j++)
			w[(size_t)i * r->cols + j] = fabsf(from[j]);
	}
}

/*
 * The wire to the first cells of a line carries the current of all. @w: |W|. The line is that of an
 * output, whose current is c cells of full conductance at full input.
 */
static void drop_voltage(const struct pass *p, const float *w)
{
	float per = (float)((double)p->n_in / WIRE_RATIO), scale = p->t->tech.ir_drop;
	size_t ins = (size_t)p->count * p->n_in, outs = (size_t)p->count * p->n_out;
	float *lost = p->other_y + outs;

	for (size_t i = 0; i < ins; i++)
		p->other_x[i] = fabsf(p->x[i]);
	multiply(p, w, p->m->rect.cols);
	for (size_t i = 0; i < outs; i++) {
		float c = per * p->other_y[i];

		lost[i] = scale * c * (0.5f + c * (-0.2f + c * 0.05f));
	}
	for (uint32_t v = 0; v < p->count; v++) {
		for (uint32_t j = 0; j < p->n_in; j++) {
			float along = 1 - (float)j / (float)p->n_in;

			p->other_x[(size_t)v * p->n_in + j] =
				p->x[(size_t)v * p->n_in + j] * (1 - along * along);
		}
	}
	multiply(p, p->t->w + mho_tile_at(p->t, p->m->rect.row, p->m->rect.col), p->t->cols);
	for (size_t i = 0; i < outs; i++)
		p->y[i] -= lost[i] * p->other_y[i];
}

/* Standard deviations to other_y. @w: |W|, for those that depend on it. */
static void spread_of_weights(const struct pass *p, const float *w)
{
	const struct mho_tech *k = &p->t->tech;

	if (k->w_noise_kind == MHO_WEIGHT_NOISE_PCM) {
		for (size_t i = 0; i < (size_t)p->count * p->n_in; i++)
			p->other_x[i] = p->x[i] * p->x[i];
		multiply(p, w, p->m->rect.cols);
		for (size_t i = 0; i < (size_t)p->count * p->n_out; i++)
			p->other_y[i] = k->w_noise * sqrtf(fmaxf(p->other_y[i], 0));
		return;
	}
	for (uint32_t v = 0; v < p->count; v++) {
		double squares = p->t->kernels->square_sum(p->x + (size_t)v * p->n_in, p->n_in);

		for (uint32_t i = 0; i < p->n_out; i++)
			p->other_y[(size_t)v * p->n_out + i] = k->w_noise * (float)sqrt(squares);
	}
}

/* What an output line does before noise of the weights comes to it. */
static void load_outputs(const struct pass *p, float *y)
{
	uint32_t d = p->m->transposed, first = d ? p->m->rect.col : p->m->rect.row;
	const float *offset = p->t->line->offset[d];

	for (uint32_t i = 0; i < p->n_out; i++) {
		float v = offset ? y[i] * (1 - offset[first + i]) : y[i];

		y[i] = v / (1 + p->t->tech.series * fabsf(v));
	}
}

/* What its amplifier does. */
static void bend_outputs(const struct pass *p, float *y)
{
	uint32_t d = p->m->transposed, first = d ? p->m->rect.col : p->m->rect.row;
	const float *bend = p->t->line->bend[d];

	for (uint32_t i = 0; i < p->n_out; i++) {
		float v = bend ? y[i] / (1 + fabsf(bend[first + i] * y[i])) : y[i];

		y[i] = v < 0 ? v * (1 - p->t->tech.out_asymmetry) : v;
	}
}

/* So that the ADC rounds to the nearest, it is off by up to half a step before. */
static void dither(const struct pass *p, const struct mho_stream *s, float *y, float step,
		   uint32_t *random)
{
	p->t->kernels->random(random, p->n_out, 0, s);
	for (uint32_t i = 0; i < p->n_out; i++)
		y[i] += ((float)(int32_t)(random[i] >> 8) * 0x1p-24f - 0.5f) * step;
}

void mho_line_outputs(const struct mho_tile *t, uint64_t op, const struct mho_mvm *m,
		      const uint32_t *vectors, uint32_t count, uint32_t attempt, const float *x,
		      float *y, float *scratch)
{
	const struct mho_tech *k = &t->tech;
	size_t longest = (t->rows > t->cols ? t->rows : t->cols) + 15U;
	struct pass p = {
		.t = t,
		.m = m,
		.n_in = m->transposed ? m->rect.rows : m->rect.cols,
		.n_out = m->transposed ? m->rect.cols : m->rect.rows,
		.count = count,
		.x = x,
		.y = y,
		.other_x = scratch + longest / 16 * 16,
	};
	float *w = p.other_x + 3 * MHO_MVM_CHUNK * (longest / 16 * 16), step;

	p.other_y = p.other_x + (size_t)count * p.n_in;
	if (needs_magnitudes(k))
		take_magnitudes(&p, w);
	if (k->ir_drop > 0)
		drop_voltage(&p, w);
	for (uint32_t v = 0; v < count; v++)
		load_outputs(&p, y + (size_t)v * p.n_out);
	if (k->w_noise > 0)
		spread_of_weights(&p, w);
	step = mho_tile_adc_step(t, k->out_bound);
	for (uint32_t v = 0; v < count; v++) {
		struct mho_stream s = mho_tile_stream(t, MHO_NOISE_WEIGHT, op, vectors[v], attempt);
		float *to = y + (size_t)v * p.n_out;

		if (k->w_noise > 0) {
			t->kernels->gauss(scratch, p.n_out, 0, &s);
			for (uint32_t i = 0; i < p.n_out; i++)
				to[i] += p.other_y[(size_t)v * p.n_out + i] * scratch[i];
		}
		bend_outputs(&p, to);
		if (k->adc_stochastic && step > 0) {
			s = mho_tile_stream(t, MHO_NOISE_ADC_ROUNDING, op, vectors[v], attempt);
			dither(&p, &s, to, step, (uint32_t *)scratch);
		}
	}
}
