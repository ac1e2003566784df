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

/* Binary digits of a probability: its resolution is 2^-24. */
#define TRAIN_BITS 24

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

/*
 * 16 words of slots that are each set with probability p 2^-24: the slot's random number, drawn
 * digit by digit from the top, is below p. A slot is decided at the first digit that differs from
 * p's, so that a third to a half of the digits are drawn. @call numbers the random words.
 */
static inline void train_words(uint32_t *restrict r, const uint32_t *restrict p, uint32_t mask,
			       uint32_t call, const struct mho_stream *s)
{
	uint32_t open[VEC_LANES], any = 0;

	for (int j = 0; j < VEC_LANES; j++) {
		uint32_t certain = 0U - (p[j] >> TRAIN_BITS);

		r[j] = certain & mask;
		open[j] = p[j] ? mask & ~certain : 0;
		any |= open[j];
	}
	for (uint32_t k = 0; any && k < TRAIN_BITS; k += 4, call++) {
		uint32_t z[VEC_NUMBERS];

		vec_philox(z, call * VEC_LANES, s->words, s->key);
		for (uint32_t b = 0; b < 4; b++) {
			for (int j = 0; j < VEC_LANES; j++) {
				uint32_t digit = 0U - (p[j] >> (TRAIN_BITS - 1 - k - b) & 1U);
				uint32_t y = z[VEC_LANES * b + j];

				r[j] |= open[j] & digit & ~y;
				open[j] &= ~(digit ^ y);
			}
		}
		any = 0;
		for (int j = 0; j < VEC_LANES; j++)
			any |= open[j];
	}
}

static uint64_t trains(const struct mho_trains *t, const float *x, uint32_t n, float scale,
		       uint32_t slots, const struct mho_stream *s)
{
	uint32_t words = (slots + 31) / 32, call = 0;
	uint64_t ones = 0;

	for (uint32_t i = 0; i < n; i += VEC_LANES) {
		uint32_t m = n - i < VEC_LANES ? n - i : VEC_LANES;
		uint32_t p[VEC_LANES], negative[VEC_LANES];
		float in[VEC_LANES] = { 0 };

		memcpy(in, x + i, m * sizeof(*in));
		for (int j = 0; j < VEC_LANES; j++) {
			float q = __builtin_fabsf(in[j]) * scale;

			q = q > 1.0f ? 1.0f : q;
			p[j] = (uint32_t)(int32_t)(q * 0x1p24f + 0.5f);
			negative[j] = (uint32_t)((int32_t)vec_bits(in[j]) >> 31);
		}
		memcpy(t->negative + i, negative, m * sizeof(*negative));
		for (uint32_t w = 0; w < words; w++, call += TRAIN_BITS / 4) {
			uint32_t left = slots - 32 * w, r[VEC_LANES], sum = 0;

			train_words(r, p, left >= 32 ? 0xffffffffU : (1U << left) - 1, call, s);
			for (int j = 0; j < VEC_LANES; j++)
				sum += vec_popcount(r[j]);
			ones += sum;
			memcpy(t->bits + (size_t)w * n + i, r, m * sizeof(*r));
		}
	}
	return ones;
}

/**
 * struct cells - VEC_GROUP neighbouring cells that are pulsed
 * @w: weights; they and what follows lie in the tile, or in @spare where the row ends
 * @wear: pulses so far
 * @up: step up, binary16; and so on, as in struct mho_row
 * @count: pulses that each gets
 * @negative: direction: negative for down
 * @z: noise
 * @spare: copies of the above
 */
struct cells {
	float *w;
	uint32_t *wear;
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

static void put_cells(const struct cells *c, const struct mho_row *row, uint32_t i, uint32_t m)
{
	uint32_t *restrict wear = c->wear;

	for (int j = 0; j < VEC_GROUP; j++) {
		uint32_t sum = wear[j] + c->count[j];

		wear[j] = sum < c->count[j] ? 0xffffffffU : sum;
	}
	if (m == VEC_GROUP)
		return;
	memcpy(row->w + i, c->w, m * sizeof(*c->w));
	memcpy(row->wear + i, c->wear, m * sizeof(*c->wear));
}

static inline float clip(float w, float min, float max)
{
	w = w > max ? max : w;
	return w < min ? min : w;
}

/* n pulses of a constant step at once: n steps, and a spread that grows with the root of n. */
static inline void pulse_constant(const struct cells *c, float nominal, float std)
{
	float up[VEC_GROUP], down[VEC_GROUP], min[VEC_GROUP], max[VEC_GROUP];
	float *restrict w = c->w;

	vec_halves(up, c->up);
	vec_halves(down, c->down);
	vec_halves(min, c->min);
	vec_halves(max, c->max);
	for (int j = 0; j < VEC_GROUP; j++) {
		float n = (float)(int32_t)c->count[j];
		float step = (int32_t)c->negative[j] < 0 ? -down[j] : up[j];
		float dw = step * nominal * (n + std * __builtin_sqrtf(n) * c->z[j]);

		w[j] = clip(w[j] + dw, min[j], max[j]);
	}
}

/**
 * struct steps - what a pulse does at each cell, in the direction that it is to have
 * @step: at weight 0, with sign
 * @slope: its change per weight
 * @min: lower bound
 * @max: upper bound
 */
struct steps {
	float step[VEC_GROUP];
	float slope[VEC_GROUP];
	float min[VEC_GROUP];
	float max[VEC_GROUP];
};

static inline void choose(float *restrict out, const float *restrict up, const float *restrict down,
			  const uint32_t *restrict negative, float factor)
{
	for (int j = 0; j < VEC_GROUP; j++)
		out[j] = (int32_t)negative[j] < 0 ? -down[j] * factor : up[j] * factor;
}

static inline void load_steps(struct steps *s, const struct cells *c, enum mho_form form,
			      float nominal)
{
	float up[VEC_GROUP], down[VEC_GROUP];

	vec_halves(s->min, c->min);
	vec_halves(s->max, c->max);
	vec_halves(up, c->up);
	vec_halves(down, c->down);
	choose(s->step, up, down, c->negative, nominal);
	if (form == MHO_FORM_LINEAR) {
		vec_halves(up, c->extra[0]);
		vec_halves(down, c->extra[1]);
		choose(s->slope, up, down, c->negative, nominal);
	} else if (form == MHO_FORM_SOFT) {
		for (int j = 0; j < VEC_GROUP; j++) {
			float bound = (int32_t)c->negative[j] < 0 ? s->min[j] : s->max[j];

			/* Beyond the end of the row there is nothing to divide by. */
			s->slope[j] = bound != 0 ? -s->step[j] / bound : 0;
		}
	} else {
		memset(s->slope, 0, sizeof(s->slope));
	}
}

/* Adds to the weight what n pulses do, each @first at the start; see pulse_sloped(). */
static inline float pulse_sum(float w, float first, float n, float sum, float last, float z,
			      float std, float min, float max)
{
	float dw = first * (sum + std * __builtin_sqrtf(n) * last * z);

	return clip(w + dw, min, max);
}

/* Short trains on gentle slopes: to fourth order in slope, for |slope| n up to 0.25. */
static inline void pulse_gentle(const struct cells *c, const struct steps *s, float std)
{
	float *restrict w = c->w;

	for (int j = 0; j < VEC_GROUP; j++) {
		float n = (float)(int32_t)c->count[j];
		float a = s->slope[j];
		float n1 = n - 1.0f, n2 = n - 2.0f, n3 = n - 3.0f;
		float sum = n * (1.0f +
				 a * n1 * 0.5f *
					 (1.0f + a * n2 * (1.0f / 3.0f) * (1.0f + a * n3 * 0.25f)));
		float last = 1.0f + a * n1 * (1.0f + a * n2 * 0.5f);

		w[j] = pulse_sum(w[j], s->step[j] + a * w[j], n, sum, last, c->z[j], std, s->min[j],
				 s->max[j]);
	}
}

/* Any slope: the geometric series by doubling, over the digits of n - 1, which is below 256. */
static inline void pulse_steep(const struct cells *c, const struct steps *s, float std)
{
	float *restrict w = c->w;

	for (int j = 0; j < VEC_GROUP; j++) {
		uint32_t count = c->count[j], m = count ? count - 1 : 0;
		float r = 1.0f + s->slope[j], sum = 0, last = 1, n = (float)(int32_t)count;

		/* A step beyond its end point stops there. */
		r = r > 0 ? r : 0;
		for (int b = 7; b >= 0; b--) {
			float p;

			sum += sum * last;
			last *= last;
			p = last * r;
			sum = m >> b & 1 ? sum + last : sum;
			last = m >> b & 1 ? p : last;
		}
		sum = count ? sum + last : 0;
		w[j] = pulse_sum(w[j], s->step[j] + s->slope[j] * w[j], n, sum, last, c->z[j], std,
				 s->min[j], s->max[j]);
	}
}

/*
 * n pulses at once. A pulse does w += (step + slope w) (1 + std xi). Its mean is linear in w, so
 * the mean after n pulses is exact: (step + slope w) * sum_k (1 + slope)^k. The spreads add up to
 * sqrt(n) (1 + slope)^(n - 1) of one pulse's. Bounds act on the sum.
 */
static inline void pulse_sloped(const struct cells *c, const struct steps *s, float std)
{
	uint32_t most = 0, steepest = 0;

	for (int j = 0; j < VEC_GROUP; j++) {
		uint32_t a = vec_bits(s->slope[j]) & 0x7fffffffU;

		most = (int32_t)c->count[j] > (int32_t)most ? c->count[j] : most;
		steepest = (int32_t)a > (int32_t)steepest ? a : steepest;
	}
	if (vec_float(steepest) * (float)(int32_t)most <= 0.25f)
		pulse_gentle(c, s, std);
	else
		pulse_steep(c, s, std);
}

static inline void pulse_one_by_one(struct cells *c, const struct steps *s,
				    const struct mho_row *row, uint32_t base)
{
	struct mho_stream noise = row->stream;
	float std = row->std;
	float *restrict w = c->w;
	uint32_t most = 0;

	for (int j = 0; j < VEC_GROUP; j++)
		most = c->count[j] > most ? c->count[j] : most;
	for (uint32_t k = 0; k < most; k++) {
		noise.words[2] = row->stream.words[2] + (k << 16);
		if (std > 0)
			vec_noise(c->z, base, noise.words, noise.key);
		for (int j = 0; j < VEC_GROUP; j++) {
			float dw = (s->step[j] + s->slope[j] * w[j]) * (1.0f + std * c->z[j]);

			dw = k < c->count[j] ? dw : 0.0f;
			w[j] = clip(w[j] + dw, s->min[j], s->max[j]);
		}
	}
}

static inline void pulse_straight(struct cells *c, const struct mho_row *row, uint32_t i)
{
	uint32_t base = row->base + i / 8;

	if (row->std > 0 && !row->one_by_one)
		vec_noise(c->z, base, row->stream.words, row->stream.key);
	else
		memset(c->z, 0, sizeof(c->z));
	if (row->form == MHO_FORM_CONSTANT && !row->one_by_one) {
		pulse_constant(c, row->step, row->std);
	} else {
		struct steps s;

		load_steps(&s, c, row->form, row->step);
		if (row->one_by_one)
			pulse_one_by_one(c, &s, row, base);
		else
			pulse_sloped(c, &s, row->std);
	}
}

#include "curved.h"

/* What pulsed cells show is drawn anew. */
static inline void show(const struct cells *c, const struct mho_row *row, uint32_t i, uint32_t m)
{
	const uint32_t words[3] = { row->stream.words[0], row->stream.words[1],
				    row->stream.words[2] + MHO_STREAM_SHOWN };
	float z[VEC_GROUP];

	vec_noise(z, row->base + i / 8, words, row->stream.key);
	for (uint32_t j = 0; j < m; j++) {
		if (c->count[j])
			row->shown[i + j] = c->w[j] + row->shown_noise * z[j];
	}
}

/* Pulses c->count at the cells from @i on, in the directions of c->negative. */
static void pulse_group(struct cells *c, const struct mho_row *row, uint32_t i, uint32_t m)
{
	take_cells(c, row, i, m);
	if (is_curved(row))
		pulse_curved(c, row, i);
	else
		pulse_straight(c, row, i);
	if (row->shown)
		show(c, row, i, m);
	put_cells(c, row, i, m);
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

static uint64_t update_row(const struct mho_row *row, const struct mho_trains *x,
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

#include "disturb.h"

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
