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
#include "mho_hw_regs.h"
#include "vec.h"
#include "trains.h"
#include "cells.h"
#include "straight.h"
#include "curved.h"
#include "pulses.h"
#include "disturb.h"

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

/* Magnitudes are compared as integers, which have the same order and no NaN to mind. */
static float max_abs(const float *x, uint32_t n)
{
	int32_t max = 0;

	for (uint32_t i = 0; i < n; i++) {
		int32_t a = (int32_t)(vec_bits(x[i]) & 0x7fffffffU);

		max = a > max ? a : max;
	}
	return vec_float((uint32_t)max);
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

/* One group, in place; constants of @a apart, so that they stay in registers. */
static inline uint32_t adc_group(float *restrict v, const float *restrict z, float noise,
				 float per_step, float step, float bound, float scale)
{
	uint32_t saturated = 0;

	for (int j = 0; j < VEC_GROUP; j++) {
		float y = v[j] + noise * z[j];

		saturated += __builtin_fabsf(y) >= bound;
		y = y > bound ? bound : y;
		y = y < -bound ? -bound : y;
		v[j] = step > 0 ? vec_rint(y * per_step) * step * scale : y * scale;
	}
	return saturated;
}

static inline void adc_errors(float *restrict v, const float *restrict z, float noise,
			      const float *restrict gain, const float *restrict offset, uint32_t m)
{
	for (uint32_t j = 0; j < m; j++)
		v[j] = (v[j] + noise * z[j]) * gain[j] + offset[j];
}

static uint32_t adc(float *y, uint32_t n, const struct mho_adc *a, const struct mho_stream *s)
{
	float step = a->step, per_step = step > 0 ? 1.0f / step : 0;
	float bound = a->bound > 0 ? a->bound : __builtin_huge_valf();
	float z[VEC_GROUP] = { 0 };
	uint32_t saturated = 0;

	for (uint32_t i = 0; i < n; i += VEC_GROUP) {
		uint32_t m = n - i < VEC_GROUP ? n - i : VEC_GROUP;
		float spare[VEC_GROUP], noise = a->noise;
		float *v = y + i;

		if (noise > 0)
			vec_noise(z, i / 8, s->words, s->key);
		if (m < VEC_GROUP) {
			memset(spare, 0, sizeof(spare));
			memset(z + m, 0, (VEC_GROUP - m) * sizeof(*z));
			memcpy(spare, v, m * sizeof(*v));
			v = spare;
		}
		if (a->gain) {
			adc_errors(v, z, noise, a->gain + i, a->offset + i, m);
			noise = 0;
		}
		saturated += adc_group(v, z, noise, per_step, step, bound, a->scale);
		if (v == spare)
			memcpy(y + i, spare, m * sizeof(*v));
	}
	return saturated;
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

static void axpy(float *restrict y, const float *restrict x, uint32_t n, float a, float min,
		 float max)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = clip(y[i] + a * x[i], min, max);
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
	.disturb_row = disturb_row,
	.axpy = axpy,
};
