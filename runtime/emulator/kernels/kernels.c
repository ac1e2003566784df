// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The inner loops of a tile, compiled once for each instruction set (MHO_ISA).
 * What they compute is explained in docs/emulator.md; who calls them when, in
 * phys_*.c. Everything here but the table is static, so that nothing compiled for
 * one CPU is ever linked in place of the same function for another.
 */
#include "emulator/phys_kernels.h"
#include "vec.h"

/* Random words that make one word of a train: resolution of a probability is 2^-24. */
#define TRAIN_BITS 24

/* Copies @m of VEC_NUMBERS elements; with a fixed size where that is the whole. */
static inline void copy_group(void *restrict to, const void *restrict from, uint32_t m, size_t size)
{
	if (m == VEC_NUMBERS)
		memcpy(to, from, VEC_NUMBERS * size);
	else
		memcpy(to, from, m * size);
}

static void gauss(float *out, uint32_t n, uint32_t base, const struct mho_stream *s)
{
	for (uint32_t i = 0; i < n; i += VEC_NUMBERS) {
		float z[VEC_NUMBERS];

		vec_gauss(z, base + i / 4, s->words, s->key);
		memcpy(out + i, z, sizeof(float) * (n - i < VEC_NUMBERS ? n - i : VEC_NUMBERS));
	}
}

static void random_words(uint32_t *out, uint32_t n, uint32_t base, const struct mho_stream *s)
{
	for (uint32_t i = 0; i < n; i += VEC_NUMBERS) {
		uint32_t r[VEC_NUMBERS];

		vec_philox(r, base + i / 4, s->words, s->key);
		memcpy(out + i, r, sizeof(uint32_t) * (n - i < VEC_NUMBERS ? n - i : VEC_NUMBERS));
	}
}

static float max_abs(const float *x, uint32_t n)
{
	float lane[VEC_LANES] = { 0 };
	float max = 0;
	uint32_t i = 0;

	for (; i + VEC_LANES <= n; i += VEC_LANES) {
		for (int j = 0; j < VEC_LANES; j++) {
			float a = __builtin_fabsf(x[i + j]);

			lane[j] = a > lane[j] ? a : lane[j];
		}
	}
	for (; i < n; i++)
		max = __builtin_fabsf(x[i]) > max ? __builtin_fabsf(x[i]) : max;
	for (int j = 0; j < VEC_LANES; j++)
		max = lane[j] > max ? lane[j] : max;
	return max;
}

static void dac(float *out, const float *x, uint32_t n, float scale, float step, float bound)
{
	float per_step = step > 0 ? 1.0f / step : 0;

	for (uint32_t i = 0; i < n; i++) {
		float v = x[i] * scale;

		/* Clipped first: the rounding below holds for small numbers only. */
		v = v > bound ? bound : v;
		v = v < -bound ? -bound : v;
		out[i] = step > 0 ? vec_rint(v * per_step) * step : v;
	}
}

static uint32_t adc(float *y, uint32_t n, const struct mho_adc *a, const struct mho_stream *s)
{
	float noise = a->noise, step = a->step, scale = a->scale;
	float per_step = step > 0 ? 1.0f / step : 0;
	float bound = a->bound > 0 ? a->bound : __builtin_huge_valf();
	uint32_t saturated = 0;

	for (uint32_t i = 0; i < n; i += VEC_NUMBERS) {
		uint32_t m = n - i < VEC_NUMBERS ? n - i : VEC_NUMBERS;
		float v[VEC_NUMBERS] = { 0 }, z[VEC_NUMBERS] = { 0 };

		copy_group(v, y + i, m, sizeof(*v));
		if (noise > 0)
			vec_gauss(z, i / 4, s->words, s->key);
		for (int j = 0; j < VEC_NUMBERS; j++)
			v[j] += noise * z[j];
		if (a->gain) {
			for (uint32_t j = 0; j < m; j++)
				v[j] = v[j] * a->gain[i + j] + a->offset[i + j];
		}
		for (uint32_t j = 0; j < m; j++)
			saturated += __builtin_fabsf(v[j]) >= bound;
		for (int j = 0; j < VEC_NUMBERS; j++) {
			v[j] = v[j] > bound ? bound : v[j];
			v[j] = v[j] < -bound ? -bound : v[j];
		}
		if (step > 0) {
			for (int j = 0; j < VEC_NUMBERS; j++)
				v[j] = vec_rint(v[j] * per_step) * step;
		}
		for (int j = 0; j < VEC_NUMBERS; j++)
			v[j] *= scale;
		copy_group(y + i, v, m, sizeof(*v));
	}
	return saturated;
}

/*
 * A word of 32 Bernoulli bits of probability P 2^-24: with k running over the binary digits of P
 * from the lowest, r <- digit ? r | random : r & random halves the distance to the digit each time.
 */
static uint64_t trains(const struct mho_trains *t, const float *x, uint32_t n, float scale,
		       uint32_t slots, const struct mho_stream *s)
{
	uint32_t words = (slots + 31) / 32;
	uint64_t ones = 0;

	for (uint32_t i = 0; i < n; i += VEC_LANES) {
		uint32_t m = n - i < VEC_LANES ? n - i : VEC_LANES;
		uint32_t p[VEC_LANES] = { 0 }, negative[VEC_LANES] = { 0 };
		uint32_t any = 0;

		for (uint32_t j = 0; j < m; j++) {
			float q = __builtin_fabsf(x[i + j]) * scale;

			q = q > 1.0f ? 1.0f : q;
			p[j] = (uint32_t)(int32_t)(q * 0x1p24f + 0.5f);
			negative[j] = (uint32_t)((int32_t)vec_bits(x[i + j]) >> 31);
			any |= p[j];
		}
		memcpy(t->negative + i, negative, m * sizeof(uint32_t));
		for (uint32_t w = 0; w < words; w++) {
			uint32_t left = slots - 32 * w;
			uint32_t mask = left >= 32 ? 0xffffffffU : (1U << left) - 1;
			uint32_t r[VEC_LANES] = { 0 };

			for (uint32_t k = 0; any && k < TRAIN_BITS; k += 4) {
				uint32_t z[VEC_NUMBERS];
				uint32_t call =
					(i / VEC_LANES * words + w) * (TRAIN_BITS / 4) + k / 4;

				vec_philox(z, call * VEC_LANES, s->words, s->key);
				for (uint32_t b = 0; b < 4; b++) {
					for (int j = 0; j < VEC_LANES; j++) {
						uint32_t d = 0U - ((p[j] >> (k + b)) & 1U);
						uint32_t y = z[VEC_LANES * b + j];

						r[j] = (r[j] & y) | ((r[j] | y) & d);
					}
				}
			}
			for (int j = 0; j < VEC_LANES; j++) {
				r[j] |= 0U - (p[j] >> TRAIN_BITS); /* probability 1 */
				r[j] &= mask;
				ones += vec_popcount(r[j]);
			}
			memcpy(t->bits + (size_t)w * n + i, r, m * sizeof(uint32_t));
		}
	}
	return ones;
}

/*
 * Up to VEC_NUMBERS neighbouring cells, copied in and out, so that every loop has a fixed length
 * and nothing can alias.
 */
struct cells {
	float w[VEC_NUMBERS];
	float sign[VEC_NUMBERS];
	float step[VEC_NUMBERS];
	float slope[VEC_NUMBERS];
	float min[VEC_NUMBERS];
	float max[VEC_NUMBERS];
	float z[VEC_NUMBERS];
	uint32_t count[VEC_NUMBERS];
	uint32_t up[VEC_NUMBERS]; /* all ones: up, 0: down */
};

/* rise or fall, binary16, whichever the direction asks for. */
static inline void choose_half(float *restrict out, const uint16_t *rise, const uint16_t *fall,
			       const uint32_t *restrict up, uint32_t m)
{
	uint16_t r[VEC_NUMBERS] = { 0 }, f[VEC_NUMBERS] = { 0 };

	copy_group(r, rise, m, sizeof(*r));
	copy_group(f, fall, m, sizeof(*f));
	for (int j = 0; j < VEC_NUMBERS; j++)
		out[j] = vec_half((uint16_t)((r[j] & up[j]) | (f[j] & ~up[j])));
}

static inline void load_cells(struct cells *c, const struct mho_row *row, uint32_t i, uint32_t m)
{
	uint16_t min[VEC_NUMBERS] = { 0 }, max[VEC_NUMBERS] = { 0 };
	float step = row->step;

	for (int j = 0; j < VEC_NUMBERS; j++) {
		c->w[j] = 0;
		c->sign[j] = c->up[j] ? 1.0f : -1.0f;
	}
	copy_group(c->w, row->w + i, m, sizeof(*c->w));
	copy_group(min, row->min + i, m, sizeof(*min));
	copy_group(max, row->max + i, m, sizeof(*max));
	for (int j = 0; j < VEC_NUMBERS; j++) {
		c->min[j] = vec_half(min[j]);
		c->max[j] = vec_half(max[j]);
	}
	choose_half(c->step, row->up + i, row->down + i, c->up, m);
	for (int j = 0; j < VEC_NUMBERS; j++)
		c->step[j] *= step;
	if (row->model == MHO_MODEL_LINEAR_STEP) {
		choose_half(c->slope, row->slope_up + i, row->slope_down + i, c->up, m);
		for (int j = 0; j < VEC_NUMBERS; j++)
			c->slope[j] *= step;
	} else if (row->model == MHO_MODEL_SOFT_BOUNDS) {
		for (int j = 0; j < VEC_NUMBERS; j++)
			c->slope[j] = -c->step[j] / (c->up[j] ? c->max[j] : c->min[j]);
	} else {
		memset(c->slope, 0, sizeof(c->slope));
	}
}

static inline void store_cells(const struct cells *c, const struct mho_row *row, uint32_t i,
			       uint32_t m)
{
	uint32_t wear[VEC_NUMBERS] = { 0 };

	copy_group(row->w + i, c->w, m, sizeof(*c->w));
	copy_group(wear, row->wear + i, m, sizeof(*wear));
	for (int j = 0; j < VEC_NUMBERS; j++)
		wear[j] += c->count[j];
	copy_group(row->wear + i, wear, m, sizeof(*wear));
}

static inline float clip(float w, float min, float max)
{
	w = w > max ? max : w;
	return w < min ? min : w;
}

/*
 * n pulses at once. A pulse does w += s (step + slope w) (1 + std xi). Its mean is linear in w, so the
 * mean after n pulses is exact: s (step + slope w) * sum_k (1 + s slope)^k, here to fourth order in
 * slope (|slope| n is at most 0.25). The spreads add up to sqrt(n) (1 + s slope)^(n - 1) of one pulse's.
 * Bounds act on the sum.
 */
static inline void pulse_cells(struct cells *c, float std)
{
	for (int j = 0; j < VEC_NUMBERS; j++) {
		float n = (float)(int32_t)c->count[j];
		float a = c->sign[j] * c->slope[j];
		float first = c->sign[j] * (c->step[j] + c->slope[j] * c->w[j]);
		float n1 = n - 1.0f, n2 = n - 2.0f, n3 = n - 3.0f;
		float sum = n * (1.0f +
				 a * n1 * 0.5f *
					 (1.0f + a * n2 * (1.0f / 3.0f) * (1.0f + a * n3 * 0.25f)));
		float last = 1.0f + a * n1 * (1.0f + a * n2 * 0.5f);
		float dw = first * (sum + std * __builtin_sqrtf(n) * last * c->z[j]);

		c->w[j] = clip(c->w[j] + dw, c->min[j], c->max[j]);
	}
}

static inline void pulse_cells_one_by_one(struct cells *c, const struct mho_row *row, uint32_t i)
{
	struct mho_stream s = row->stream;
	float std = row->std;
	uint32_t most = 0;

	for (int j = 0; j < VEC_NUMBERS; j++)
		most = c->count[j] > most ? c->count[j] : most;
	for (uint32_t k = 0; k < most; k++) {
		s.words[2] = row->stream.words[2] + (k << 16);
		if (std > 0)
			vec_gauss(c->z, row->base + i / 4, s.words, s.key);
		for (int j = 0; j < VEC_NUMBERS; j++) {
			float dw = c->sign[j] * (c->step[j] + c->slope[j] * c->w[j]) *
				   (1.0f + std * c->z[j]);

			dw = k < c->count[j] ? dw : 0.0f;
			c->w[j] = clip(c->w[j] + dw, c->min[j], c->max[j]);
		}
	}
}

/* Pulses c->count at the cells from @i on, in the directions of c->up. */
static inline void pulse_group(struct cells *c, const struct mho_row *row, uint32_t i, uint32_t m)
{
	load_cells(c, row, i, m);
	memset(c->z, 0, sizeof(c->z));
	if (row->one_by_one) {
		pulse_cells_one_by_one(c, row, i);
	} else {
		if (row->std > 0)
			vec_gauss(c->z, row->base + i / 4, row->stream.words, row->stream.key);
		pulse_cells(c, row->std);
	}
	store_cells(c, row, i, m);
}

static uint64_t update_row(const struct mho_row *row, const struct mho_trains *x,
			   const uint32_t *d_bits, uint32_t words, uint32_t d_negative)
{
	uint64_t pulses = 0;

	for (uint32_t i = 0; i < row->n; i += VEC_NUMBERS) {
		uint32_t m = row->n - i < VEC_NUMBERS ? row->n - i : VEC_NUMBERS;
		uint32_t bits[VEC_NUMBERS] = { 0 }, sum = 0;
		struct cells c;

		memset(c.count, 0, sizeof(c.count));
		for (uint32_t w = 0; w < words; w++) {
			uint32_t d = d_bits[w];

			copy_group(bits, x->bits + (size_t)w * row->n + i, m, sizeof(*bits));
			for (int j = 0; j < VEC_NUMBERS; j++)
				c.count[j] += vec_popcount(bits[j] & d);
		}
		for (int j = 0; j < VEC_NUMBERS; j++)
			sum += c.count[j];
		if (!sum)
			continue;
		pulses += sum;
		/* The step is against the product: up where exactly one of x and d is negative. */
		memset(bits, 0, sizeof(bits));
		copy_group(bits, x->negative + i, m, sizeof(*bits));
		for (int j = 0; j < VEC_NUMBERS; j++)
			c.up[j] = bits[j] ^ d_negative;
		pulse_group(&c, row, i, m);
	}
	return pulses;
}

static uint64_t pulse_row(const struct mho_row *row, const int32_t *counts)
{
	uint64_t pulses = 0;

	for (uint32_t i = 0; i < row->n; i += VEC_NUMBERS) {
		uint32_t m = row->n - i < VEC_NUMBERS ? row->n - i : VEC_NUMBERS;
		int32_t n[VEC_NUMBERS] = { 0 };
		uint64_t sum = 0;
		struct cells c;

		copy_group(n, counts + i, m, sizeof(*n));
		for (int j = 0; j < VEC_NUMBERS; j++) {
			c.up[j] = n[j] > 0 ? 0xffffffffU : 0;
			c.count[j] = (uint32_t)(n[j] < 0 ? -n[j] : n[j]);
			sum += c.count[j];
		}
		if (!sum)
			continue;
		pulses += sum;
		pulse_group(&c, row, i, m);
	}
	return pulses;
}

/* Sixteen partial sums, added in order: the same for every instruction set. */
static double square_sum(const float *x, uint32_t n)
{
	double lane[VEC_LANES] = { 0 };
	double sum = 0;
	uint32_t i = 0;

	for (; i + VEC_LANES <= n; i += VEC_LANES) {
		for (int j = 0; j < VEC_LANES; j++)
			lane[j] += (double)(x[i + j] * x[i + j]);
	}
	for (; i < n; i++)
		lane[0] += (double)(x[i] * x[i]);
	for (int j = 0; j < VEC_LANES; j++)
		sum += lane[j];
	return sum;
}

static void axpy(float *y, const float *x, uint32_t n, float a)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] += a * x[i];
}

const struct mho_kernels MHO_KERNEL(mho_kernels) = {
	.name = MHO_STRING(MHO_ISA),
	.gauss = gauss,
	.random = random_words,
	.max_abs = max_abs,
	.square_sum = square_sum,
	.dac = dac,
	.adc = adc,
	.trains = trains,
	.update_row = update_row,
	.pulse_row = pulse_row,
	.axpy = axpy,
};
