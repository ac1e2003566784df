// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The read path: DAC, crossbar, noise, ADC, with noise and bound management.
 * The products themselves are in phys_product.c, writing in phys_update.c.
 */
#include "emulator/phys_tile.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* No output without a bound is larger: 4096 inputs of 1e6 by weights of 100, and noise. */
#define UNBOUNDED_MAX 1e12f
/* Inputs and factors up to which, and above whose reciprocal, sums and squares stay in binary32. */
#define PLAIN_MAX 1e15

/**
 * struct chunk - working memory for MHO_MVM_CHUNK vectors
 * @x: inputs as the crossbar sees them
 * @y: outputs
 * @scale: of each vector, by noise management; may leave the range of binary32
 * @divide: by bound management
 * @index: vectors that are still to be read
 * @line: for mho_line_*()
 */
struct chunk {
	float *x;
	float *y;
	float *line;
	double scale[MHO_MVM_CHUNK];
	double divide[MHO_MVM_CHUNK];
	uint32_t index[MHO_MVM_CHUNK];
};

static size_t longest(const struct mho_tile *t)
{
	uint32_t n = t->rows > t->cols ? t->rows : t->cols;

	return (n + 15) / 16 * 16;
}

size_t mho_tile_mvm_scratch(const struct mho_tile *t)
{
	size_t head = (sizeof(struct chunk) + 63) / 64 * 64;

	return head + sizeof(float) * (2 * MHO_MVM_CHUNK * longest(t) + mho_line_scratch(t));
}

static struct chunk *chunk_in(const struct mho_tile *t, void *scratch)
{
	struct chunk *c = scratch;

	c->x = (float *)((char *)scratch + (sizeof(*c) + 63) / 64 * 64);
	c->y = c->x + MHO_MVM_CHUNK * longest(t);
	c->line = c->y + MHO_MVM_CHUNK * longest(t);
	return c;
}

/* y (n vectors) = x W^T, or x W if transposed, times alpha. */
static void product(const struct mho_tile *t, const struct mho_mvm *m, uint32_t n, float alpha,
		    const float *x, size_t ldx, float *y, size_t ldy)
{
	struct mho_product p = {
		.w = t->w + mho_tile_at(t, m->rect.row, m->rect.col),
		.ldw = t->cols,
		.rows = m->rect.rows,
		.cols = m->rect.cols,
		.transposed = m->transposed,
		.alpha = alpha,
		.count = n,
		.x = x,
		.ldx = ldx,
		.y = y,
		.ldy = ldy,
	};

	mho_tile_product(&p);
}

static double max_of(const struct mho_tile *t, const float *x, uint32_t n, float x_scale)
{
	double most = 0;

	for (uint32_t j = 0; j < n; j++)
		most = fmax(most, (double)x[j] * x_scale);
	return most > 0 ? most : t->kernels->max_abs(x, n) * fabs(x_scale);
}

/* Weights of one sign that inputs of one sign are to be bearable at. */
#define NP_WEIGHT 0.6

static double np_sum(const struct mho_tile *t, const float *x, uint32_t n, float x_scale)
{
	double most = t->kernels->max_abs(x, n) * fabs(x_scale), positive = 0, negative = 0;

	for (uint32_t j = 0; j < n; j++) {
		double v = (double)x[j] * x_scale;

		positive += v > 0 ? v : 0;
		negative += v < 0 ? -v : 0;
	}
	if (!(t->tech.out_bound > 0))
		return most;
	return fmax(most, fmax(positive, negative) * NP_WEIGHT / t->tech.out_bound);
}

static double managed_scale(const struct mho_tile *t, const float *x, uint32_t n, float x_scale)
{
	switch (t->tech.noise_management) {
	case MHO_NM_ABS_MAX:
		return t->kernels->max_abs(x, n) * fabs(x_scale);
	case MHO_NM_CONSTANT:
		return t->tech.nm_constant;
	case MHO_NM_MAX:
		return max_of(t, x, n, x_scale);
	case MHO_NM_ABS_MAX_NP_SUM:
		return np_sum(t, x, n, x_scale);
	default:
		return 1;
	}
}

static double input_scale(const struct mho_tile *t, const float *x, uint32_t n, float x_scale)
{
	double scale = managed_scale(t, x, n, x_scale);

	return t->tech.nm_cap > 0 && scale > t->tech.nm_cap ? t->tech.nm_cap : scale;
}

/*
 * Energy of one read: every driven line sees all cells on the other side. @full is the input that
 * is read_v.
 */
static void charge_read(const struct mho_tile *t, const float *x, uint32_t n_in, uint32_t n_out,
			double full, struct mho_cost *cost)
{
	double squares = t->kernels->square_sum(x, n_in) / (full * full);

	cost->ns += t->tech.read_s * 1e9;
	cost->fj += squares * n_out * mho_tile_cell_read_energy(t);
}

/* To binary32, limited to its range; @room times the result must be finite, too. */
static float limited(double f, float room)
{
	double most = FLT_MAX / (room > 1 ? room : 1);

	return (float)fmax(fmin(f, most), -most);
}

/* One attempt for the @n vectors of c->index; afterwards it lists those that saturated. */
static uint32_t attempt(const struct mho_tile *t, uint64_t op, const struct mho_mvm *m, uint32_t n,
			uint32_t number, struct chunk *c, uint32_t *saturated,
			struct mho_cost *cost)
{
	const struct mho_kernels *k = t->kernels;
	uint32_t n_in = m->transposed ? m->rect.rows : m->rect.cols;
	uint32_t n_out = m->transposed ? m->rect.cols : m->rect.rows;
	float bound = t->tech.inp_bound;
	float dac_step = t->tech.dac_bits ? 2 * bound / (float)((1U << t->tech.dac_bits) - 2) : 0;
	struct mho_adc adc = {
		.noise = mho_tile_output_noise(t, n_in),
		.step = mho_tile_adc_step(t, t->tech.out_bound),
		.bound = t->tech.out_bound,
		.gain = m->transposed || !t->trimmed ? NULL : t->gain + m->rect.row,
		.offset = m->transposed || !t->trimmed ? NULL : t->offset + m->rect.row,
	};
	/* Largest output: by the ADC, or of the largest inputs and weights. */
	float room = adc.bound > 0 ? adc.bound : UNBOUNDED_MAX;
	uint32_t again = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t v = c->index[i];

		k->dac(c->x + (size_t)i * n_in, m->x + v * m->ldx, n_in,
		       limited(m->x_scale / (c->scale[i] * c->divide[i]), 1),
		       t->tech.dac_stochastic ? 0 : dac_step, bound);
		if (t->line)
			mho_line_inputs(t, op, v, number, c->x + (size_t)i * n_in, n_in, dac_step,
					c->line);
		charge_read(t, c->x + (size_t)i * n_in, n_in, n_out, bound, cost);
	}
	product(t, m, n, 1.0f, c->x, n_in, c->y, n_out);
	if (t->line)
		mho_line_outputs(t, op, m, c->index, n, number, c->x, c->y, c->line);
	*saturated = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t v = c->index[i];
		float *y = c->y + (size_t)i * n_out;
		struct mho_stream s = mho_tile_stream(t, MHO_NOISE_OUTPUT, op, v, number);
		uint32_t hits;

		adc.scale =
			limited(c->scale[i] * c->divide[i] * m->y_scale * t->compensation, room);
		hits = k->adc(y, n_out, &adc, &s);
		memcpy(m->y + v * m->ldy, y, n_out * sizeof(*y));
		*saturated += hits;
		if (!hits)
			continue;
		c->index[again] = v;
		c->scale[again] = c->scale[i];
		c->divide[again++] = c->divide[i];
	}
	return again;
}

static bool is_plain(double f)
{
	return fabs(f) <= PLAIN_MAX && fabs(f) >= 1 / PLAIN_MAX;
}

/* Vector by vector, scaled to 1, since sums of huge numbers would be infinite or no numbers. */
static void mvm_exact_scaled(const struct mho_tile *t, const struct mho_mvm *m, uint32_t v,
			     struct chunk *c)
{
	uint32_t n_in = m->transposed ? m->rect.rows : m->rect.cols;
	uint32_t n_out = m->transposed ? m->rect.cols : m->rect.rows;
	const float *x = m->x + v * m->ldx;
	double max = t->kernels->max_abs(x, n_in);
	float *y = m->y + v * m->ldy;

	for (uint32_t j = 0; j < n_in; j++)
		c->x[j] = max > 0 ? (float)(x[j] / max) : 0;
	product(t, m, 1, 1.0f, c->x, n_in, c->y, n_out);
	for (uint32_t i = 0; i < n_out; i++)
		y[i] = limited(c->y[i] * max * m->x_scale * m->y_scale, 1);
}

static void mvm_exact(const struct mho_tile *t, const struct mho_mvm *m, uint32_t at, uint32_t n,
		      struct chunk *c, struct mho_cost *cost)
{
	uint32_t n_in = m->transposed ? m->rect.rows : m->rect.cols;
	uint32_t n_out = m->transposed ? m->rect.cols : m->rect.rows;
	double alpha = (double)m->x_scale * m->y_scale;
	bool plain = is_plain(alpha);

	for (uint32_t v = at; v < at + n; v++) {
		double max = t->kernels->max_abs(m->x + v * m->ldx, n_in);

		/* The largest input is read_v, whatever its value. */
		if (max == 0)
			cost->ns += t->tech.read_s * 1e9;
		else if (is_plain(max))
			charge_read(t, m->x + v * m->ldx, n_in, n_out, max, cost);
		else
			plain = false;
	}
	if (plain) {
		product(t, m, n, (float)alpha, m->x + at * m->ldx, m->ldx, m->y + at * m->ldy,
			m->ldy);
		return;
	}
	for (uint32_t v = at; v < at + n; v++) {
		double max = t->kernels->max_abs(m->x + v * m->ldx, n_in);

		mvm_exact_scaled(t, m, v, c);
		if (max != 0 && !is_plain(max))
			charge_read(t, c->x, n_in, n_out, 1, cost);
	}
}

/* Lists the vectors that are not zero, with their scale; the others have their answer. */
static uint32_t select_vectors(const struct mho_tile *t, const struct mho_mvm *m, uint32_t at,
			       uint32_t n, struct chunk *c, struct mho_cost *cost)
{
	uint32_t n_in = m->transposed ? m->rect.rows : m->rect.cols;
	uint32_t n_out = m->transposed ? m->rect.cols : m->rect.rows;
	uint32_t selected = 0;

	for (uint32_t v = at; v < at + n; v++) {
		double scale = input_scale(t, m->x + v * m->ldx, n_in, m->x_scale);

		if (scale > 0) {
			c->index[selected] = v;
			c->scale[selected] = scale;
			c->divide[selected++] = 1;
		} else {
			memset(m->y + v * m->ldy, 0, n_out * sizeof(float));
			cost->ns += t->tech.read_s * 1e9;
		}
	}
	return selected;
}

/* For those that saturated; the first time by what their inputs could come to. */
static void reduce(const struct mho_tile *t, const struct mho_mvm *m, uint32_t n, bool by_sum,
		   double divide, struct chunk *c)
{
	uint32_t n_in = m->transposed ? m->rect.rows : m->rect.cols;

	for (uint32_t i = 0; i < n; i++) {
		const float *x = m->x + c->index[i] * m->ldx;

		if (by_sum)
			c->scale[i] = fmax(c->scale[i], np_sum(t, x, n_in, m->x_scale));
		else
			c->divide[i] = divide;
	}
}

static void mvm_analog(const struct mho_tile *t, uint64_t op, const struct mho_mvm *m, uint32_t at,
		       uint32_t n, struct chunk *c, struct mho_cost *cost)
{
	bool manage = t->tech.bound_management != MHO_BM_NONE && !m->transposed;
	bool by_sum = t->tech.bound_management == MHO_BM_WORST_CASE;
	uint32_t left = select_vectors(t, m, at, n, c, cost);
	double divide = 1;

	for (uint32_t number = 0; left; number++) {
		uint32_t saturated;

		left = attempt(t, op, m, left, number, c, &saturated, cost);
		if (!manage || 2 * divide > t->tech.bm_max_factor) {
			cost->saturated += saturated;
			return;
		}
		divide = by_sum ? divide : 2 * divide;
		reduce(t, m, left, by_sum, divide, c);
		by_sum = false;
		cost->retries += left;
	}
}

void mho_tile_mvm(const struct mho_tile *t, uint64_t op, const struct mho_mvm *m, uint32_t first,
		  uint32_t count, void *scratch, struct mho_cost *cost)
{
	for (uint32_t at = first; at < first + count; at += MHO_MVM_CHUNK) {
		uint32_t left = first + count - at;
		uint32_t n = left < MHO_MVM_CHUNK ? left : MHO_MVM_CHUNK;

		if (t->tech.model == MHO_MODEL_IDEAL)
			mvm_exact(t, m, at, n, chunk_in(t, scratch), cost);
		else
			mvm_analog(t, op, m, at, n, chunk_in(t, scratch), cost);
	}
}
