// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The inner loops: random numbers against Random123 and the normal distribution,
 * converters against the definition, trains against their probabilities, and every
 * instruction set against the plain one, bit by bit.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <Random123/philox.h>

#include "phys_bench.h"
#include "phys_stats.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *const sets[] = { "generic", "avx2", "avx512" };

static const struct mho_stream stream = {
	.key = { 0xa4093822, 0x299f31d0 },
	.words = { 0x243f6a88, 0x85a308d3, 0x13198a2e },
};

/* ---- random numbers ---- */

static void philox_is_random123(void **state)
{
	uint32_t out[64 * 3 + 5], base = 0xfffffff0;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(sets); k++) {
		const struct mho_kernels *kernels = mho_kernels_find(sets[k]);

		if (!kernels)
			continue;
		kernels->random(out, ARRAY_SIZE(out), base, &stream);
		for (uint32_t i = 0; i < ARRAY_SIZE(out); i++) {
			uint32_t counter = base + i / 64 * 16 + i % 16;
			philox4x32_ctr_t c = { { counter, stream.words[0], stream.words[1],
						 stream.words[2] } };
			philox4x32_key_t key = { { stream.key[0], stream.key[1] } };

			assert_int_equal(out[i], philox4x32_R(10, c, key).v[i % 64 / 16]);
		}
	}
}

static void check_normal(const char *what, double *z, size_t n, double longest)
{
	struct stats s = { 0 }, fourth = { 0 };
	double beyond3 = 0, beyond4 = 0, p3 = erfc(3 / M_SQRT2), p4 = erfc(4 / M_SQRT2);

	for (size_t i = 0; i < n; i++) {
		stats_add(&s, z[i]);
		stats_add(&fourth, pow(z[i], 4));
		beyond3 += fabs(z[i]) > 3;
		beyond4 += fabs(z[i]) > 4;
		assert_true(fabs(z[i]) < longest);
	}
	stats_check_mean(what, &s, 0);
	stats_check_variance(what, &s, 1, 0);
	stats_check_mean(what, &fourth, 3);
	stats_check(what, beyond3, p3 * (double)n, sqrt(p3 * (double)n));
	stats_check(what, beyond4, p4 * (double)n, sqrt(p4 * (double)n));
	stats_ks_normal(what, z, n);
}

/* Correlation of each number with the next and with those that come from the same counter. */
static void check_independent(const double *z, size_t n)
{
	static const size_t lags[] = { 1, 16, 32, 48, 64, 128 };

	for (size_t k = 0; k < ARRAY_SIZE(lags); k++) {
		double sum = 0, squares = 0;
		size_t pairs = n - lags[k];

		for (size_t i = 0; i < pairs; i++) {
			sum += z[i] * z[i + lags[k]];
			squares += (z[i] * z[i] - 1) * (z[i + lags[k]] * z[i + lags[k]] - 1);
		}
		stats_check("correlation", sum, 0, sqrt((double)pairs));
		stats_check("correlation of squares", squares, 0, 2 * sqrt((double)pairs));
	}
}

static void gaussians_are_normal(void **state)
{
	const struct mho_kernels *kernels = mho_kernels_best();
	size_t n = 1 << 20;
	float *z = malloc(n * sizeof(*z));
	double *d = malloc(n * sizeof(*d));
	struct mho_adc adc = { .noise = 1, .scale = 1 };

	(void)state;
	kernels->gauss(z, (uint32_t)n, 0, &stream);
	for (size_t i = 0; i < n; i++)
		d[i] = (double)z[i];
	check_independent(d, n);
	check_normal("gauss", d, n, 6.8);
	/* What outputs get: an ADC of a thousand rows reads a thousand vectors of zeros. */
	memset(z, 0, n * sizeof(*z));
	for (uint32_t v = 0; v < 1024; v++) {
		struct mho_stream s = stream;

		s.words[0] = v;
		kernels->adc(z + (size_t)v * 1024, 1024, &adc, &s);
	}
	for (size_t i = 0; i < n; i++)
		d[i] = (double)z[i];
	check_independent(d, n);
	check_normal("output noise", d, n, 6.8);
	free(z);
	free(d);
}

static void check_pair(double u, double turns, float cosine, float sine)
{
	double radius = sqrt(-2 * log(u));

	stats_check_near("cosine", (double)cosine, radius * cos(2 * M_PI * turns), 3e-5);
	stats_check_near("sine", (double)sine, radius * sin(2 * M_PI * turns), 3e-5);
}

/* Box and Muller in binary64 from the same random words: moments would not show errors of 1e-4. */
static void gaussians_are_accurate(void **state)
{
	const struct mho_kernels *kernels = mho_kernels_best();
	struct mho_adc adc = { .noise = 1, .scale = 1 };

	(void)state;
	for (uint32_t base = 0; base < 160000; base += 16) {
		struct mho_stream s = stream;
		float z[128] = { 0 };
		uint32_t r[64];

		kernels->random(r, 64, base, &stream);
		kernels->gauss(z, 64, base, &stream);
		for (int i = 0; i < 32; i++) {
			int at = i / 16 * 32 + i % 16;
			/* Of a large word 24 bits count, of one near 0 all. */
			double u = r[at] < 65536 ? (r[at] + 0.5) * 0x1p-32 :
						   ((r[at] >> 8) + 0.5) * 0x1p-24;

			check_pair(u, r[at + 16] * 0x1p-32, z[at], z[at + 16]);
		}
		/* Of an ADC: half a word for the radius, half for the angle. */
		s.words[0] = base;
		memset(z, 0, sizeof(z));
		kernels->random(r, 64, 0, &s);
		kernels->adc(z, 128, &adc, &s);
		for (int i = 0; i < 64; i++)
			check_pair(((r[i] >> 16) + 0.5) * 0x1p-16,
				   ((r[i] & 0xffff) + 0.5) * 0x1p-16, z[i], z[64 + i]);
	}
}

/* ---- converters ---- */

static void dac_rounds_half_to_even(void **state)
{
	static const float in[] = { -9,	  -7.5f, -2.5f, -1.5f, -0.5f, -0.49f, 0,
				    0.5f, 0.51f, 1.5f,	2.5f,  3.5f,  7.5f,   9 };
	static const float out[] = { -7, -7, -2, -2, 0, 0, 0, 0, 1, 2, 2, 4, 7, 7 };
	float got[ARRAY_SIZE(in)];

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(sets); k++) {
		const struct mho_kernels *kernels = mho_kernels_find(sets[k]);

		if (!kernels)
			continue;
		kernels->dac(got, in, ARRAY_SIZE(in), 1, 1, 7);
		for (size_t i = 0; i < ARRAY_SIZE(in); i++)
			assert_true(got[i] == out[i]);
		kernels->dac(got, in, ARRAY_SIZE(in), -2, 0, 7);
		for (size_t i = 0; i < ARRAY_SIZE(in); i++)
			assert_true(got[i] == fmaxf(fminf(-2 * in[i], 7), -7));
	}
}

static void adc_rounds_clips_and_scales(void **state)
{
	static const float in[] = { -7.6f, -7, -6.9f, -2.5f, -1.5f, 0, 0.5f, 1.5f, 6.5f, 7.1f };
	static const float out[] = { -7, -7, -7, -2, -2, 0, 0, 2, 6, 7 };
	struct mho_adc adc = { .step = 1, .bound = 7, .scale = -3 };

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(sets); k++) {
		const struct mho_kernels *kernels = mho_kernels_find(sets[k]);
		float y[ARRAY_SIZE(in)];

		if (!kernels)
			continue;
		memcpy(y, in, sizeof(y));
		assert_int_equal(kernels->adc(y, ARRAY_SIZE(in), &adc, &stream), 3);
		for (size_t i = 0; i < ARRAY_SIZE(in); i++)
			assert_true(y[i] == -3 * out[i]);
	}
}

static void adc_corrects_each_row(void **state)
{
	float y[200], gain[200], offset[200];
	struct mho_adc adc = { .bound = 100, .gain = gain, .offset = offset, .scale = 2 };

	(void)state;
	bench_uniform(gain, 200, 1);
	bench_uniform(offset, 200, 2);
	for (int i = 0; i < 200; i++)
		y[i] = 3;
	mho_kernels_best()->adc(y, 200, &adc, &stream);
	for (int i = 0; i < 200; i++)
		stats_check_near("gain and offset", (double)y[i],
				 2 * (3 * (double)gain[i] + (double)offset[i]), 2e-6);
}

static void sums_and_maxima(void **state)
{
	float x[301];

	(void)state;
	bench_uniform(x, 301, 5);
	for (uint32_t n = 0; n <= 301; n += 43) {
		double square = 0;
		float max = 0;

		for (uint32_t i = 0; i < n; i++) {
			square += (double)x[i] * (double)x[i];
			max = fmaxf(max, fabsf(x[i]));
		}
		assert_true(mho_kernels_best()->max_abs(x, n) == max);
		stats_check_near("sum of squares", mho_kernels_best()->square_sum(x, n), square,
				 1e-5);
	}
}

/* ---- trains ---- */

#define SLOTS 75

/* Frequency of ones for one probability in every slot, and of both ones in two slots. */
static void check_train(float p)
{
	const struct mho_kernels *kernels = mho_kernels_best();
	uint32_t bits[3 * 16], negative[16], index[32], packed[32];
	struct mho_trains t = { bits, negative, index, packed };
	double ones = 0, together = 0, n = 0, pairs = 0, lines = 0;
	uint64_t counted = 0;
	float x[16];

	for (int j = 0; j < 16; j++)
		x[j] = j & 1 ? -p : p;
	for (uint32_t round = 0; round < 2000; round++) {
		struct mho_stream s = stream;

		s.words[0] = round;
		kernels->trains(&t, x, 16, 1, SLOTS, &s);
		counted += t.ones;
		for (int j = 0; j < 16; j++) {
			uint32_t w = bits[j], next = bits[16 + j], last = bits[32 + j];

			assert_int_equal(negative[j], j & 1 ? 0xffffffff : 0);
			assert_int_equal(last >> (SLOTS - 64), 0);
			ones += __builtin_popcount(w) + __builtin_popcount(next) +
				__builtin_popcount(last);
			/* Neighbouring slots, the same slot of the next word, of the next line. */
			together += __builtin_popcount(w & w >> 1 & 0x7fffffff);
			together += __builtin_popcount(w & next);
			lines += __builtin_popcount(w & bits[(j + 1) % 16]);
		}
		n += 16 * SLOTS;
		pairs += 16 * (31 + 32);
	}
	assert_true((double)counted == ones);
	stats_check("ones", ones, n * (double)p, sqrt(n * (double)p * (1 - (double)p)));
	/* Pairs overlap: their variance is at most three times that of independent ones. */
	stats_check("ones in two slots", together, pairs * (double)(p * p),
		    sqrt(3 * pairs) * (double)p);
	stats_check("ones in two lines", lines, n / SLOTS * 32 * (double)(p * p),
		    sqrt(3 * n / SLOTS * 32) * (double)p);
}

static void trains_have_their_probabilities(void **state)
{
	static const float p[] = { 0x1p-12f, 0.01f, 0.1f, 0.25f, 0.37f, 0.5f, 0.75f, 0.999f };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		check_train(p[i]);
}

static void trains_at_the_ends(void **state)
{
	static const float x[] = { 0, -0.0f, 1, -1, 3e38f, 1e-40f };
	uint32_t bits[ARRAY_SIZE(x)], negative[ARRAY_SIZE(x)];
	uint32_t index[ARRAY_SIZE(x) + MHO_TRAINS_SPARE], packed[ARRAY_SIZE(index)];
	struct mho_trains t = { bits, negative, index, packed };

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(sets); k++) {
		const struct mho_kernels *kernels = mho_kernels_find(sets[k]);

		if (!kernels)
			continue;
		kernels->trains(&t, x, ARRAY_SIZE(x), 1, 31, &stream);
		assert_int_equal(t.ones, 3 * 31);
		assert_int_equal(t.active, 3);
		assert_int_equal(bits[0] | bits[1] | bits[5], 0);
		assert_int_equal(bits[2] & bits[3] & bits[4], 0x7fffffff);
	}
}

/* Trains with a one, and these alone, are packed, whatever their share. */
static void trains_are_packed(void **state)
{
	static const float scales[] = { 0, 0.001f, 0.02f, 1, 100 };
	uint32_t bits[203], negative[203], index[203 + MHO_TRAINS_SPARE], packed[ARRAY_SIZE(index)];
	struct mho_trains t = { bits, negative, index, packed };
	float x[203];

	(void)state;
	bench_uniform(x, 203, 6);
	for (uint32_t i = 0; i < 203; i += 3)
		x[i] = 0;
	for (size_t k = 0; k < ARRAY_SIZE(scales); k++) {
		uint32_t active = 0, ones = 0;

		mho_kernels_best()->trains(&t, x, 203, scales[k], 31, &stream);
		for (uint32_t i = 0; i < 203; i++) {
			ones += (uint32_t)__builtin_popcount(bits[i]);
			if (!bits[i])
				continue;
			assert_true(active < t.active);
			assert_int_equal(index[active], i);
			assert_int_equal(packed[active++], bits[i]);
		}
		assert_int_equal(t.active, active);
		assert_int_equal(t.ones, ones);
	}
}

/* ---- cells alone and in groups ---- */

/* One row, by trains of which it is said that so many slots are set. */
static void *pulse_once(const struct mho_tech *tech, const struct mho_kernels *kernels, float scale,
			uint64_t ones, size_t *size)
{
	uint32_t bits[403], negative[403], index[403 + MHO_TRAINS_SPARE], packed[ARRAY_SIZE(index)];
	struct mho_trains t = { bits, negative, index, packed };
	struct mho_tile *tile = bench_tile(tech, 2, 411);
	const uint32_t d_bits = 0x2d7ffd69;
	struct mho_row row = mho_tile_row(tile, 1, 5, 403, 1, 0);
	float x[403];
	void *state;

	bench_uniform(x, 403, 7);
	kernels->trains(&t, x, 403, scale, 31, &stream);
	t.ones = ones;
	for (int way = 0; way < 2; way++) {
		row.one_by_one = way;
		assert_in_range(kernels->update_row(&row, &t, &d_bits, 1, way ? 0xffffffff : 0), 1,
				403 * 31);
	}
	state = bench_state(tile, size);
	mho_tile_destroy(tile);
	return state;
}

static void cells_alone_are_as_in_groups(void **state)
{
	static const float scales[] = { 0.003f, 0.1f, 1 };
	const struct mho_kernels *kernels = mho_kernels_best();
	void *alone, *grouped;
	struct mho_tech tech;
	size_t size;

	(void)state;
	for (int k = 0; k < (int)ARRAY_SIZE(scales) * (MHO_MODELS - 1) * 3; k++) {
		mho_tech_init(&tech);
		tech.model = MHO_MODEL_IDEAL + 1 + k / 3 % (MHO_MODELS - 1);
		tech.pulse_noise = k % 3;
		tech.write_noise = k % 3 == 1 ? 2 : 0;
		tech.field_driven = true;
		/* Slopes that are gentle for some cells and steep for others. */
		tech.dw_min = 0.02f;
		tech.gamma_up = tech.gamma_down = 0.8f;
		tech.gamma_dtod = 0.5f;
		tech.noise_add = tech.noise_slope = 1e-4f;
		bench_curves(&tech);
		alone = pulse_once(&tech, kernels, scales[k / 3 / (MHO_MODELS - 1)], 0, &size);
		grouped = pulse_once(&tech, kernels, scales[k / 3 / (MHO_MODELS - 1)], UINT32_MAX,
				     &size);
		assert_memory_equal(alone, grouped, size);
		free(alone);
		free(grouped);
	}
}

/* ---- instruction sets ---- */

/* Converters and maxima, for a length that is no multiple of anything. */
static void compare_loops(const struct mho_kernels *a, const struct mho_kernels *b, uint32_t n)
{
	uint32_t bits[2][2 * 400], negative[2][400], index[2][416], packed[2][416];
	struct mho_trains ta = { bits[0], negative[0], index[0], packed[0] };
	struct mho_trains tb = { bits[1], negative[1], index[1], packed[1] };
	float x[400], p[400], q[400], gain[400], offset[400];
	struct mho_adc adc = { .noise = 0.06f, .step = 24 / 510.0f, .bound = 1, .scale = 1.7f };

	bench_uniform(x, n, n);
	bench_uniform(gain, n, n + 1);
	bench_uniform(offset, n, n + 2);
	a->gauss(p, n, n, &stream);
	b->gauss(q, n, n, &stream);
	assert_memory_equal(p, q, n * sizeof(*p));
	a->dac(p, x, n, 1.3f, 2 / 126.0f, 1);
	b->dac(q, x, n, 1.3f, 2 / 126.0f, 1);
	assert_memory_equal(p, q, n * sizeof(*p));
	for (int corrected = 0; corrected < 2; corrected++) {
		memcpy(p, x, n * sizeof(*p));
		memcpy(q, x, n * sizeof(*p));
		adc.gain = corrected ? gain : NULL;
		adc.offset = corrected ? offset : NULL;
		assert_int_equal(a->adc(p, n, &adc, &stream), b->adc(q, n, &adc, &stream));
		assert_memory_equal(p, q, n * sizeof(*p));
	}
	assert_true(a->max_abs(x, n) == b->max_abs(x, n));
	assert_true(a->square_sum(x, n) == b->square_sum(x, n));
	for (uint32_t slots = 7; slots < 64; slots += 40) {
		a->trains(&ta, x, n, 0.2f, slots, &stream);
		b->trains(&tb, x, n, 0.2f, slots, &stream);
		assert_int_equal(ta.ones, tb.ones);
		assert_int_equal(ta.active, tb.active);
		assert_memory_equal(bits[0], bits[1], (slots + 31) / 32 * n * sizeof(bits[0][0]));
		assert_memory_equal(negative[0], negative[1], n * sizeof(negative[0][0]));
		assert_memory_equal(index[0], index[1], ta.active * sizeof(index[0][0]));
		assert_memory_equal(packed[0], packed[1], ta.active * sizeof(packed[0][0]));
	}
}

/* Everything that changes cells, on a tile of an odd shape. */
static void *work(const struct mho_tech *tech, const struct mho_kernels *kernels, size_t *size)
{
	struct mho_tile *tile = bench_tile(tech, 37, 203);
	float x[5 * 203], d[5 * 37];
	struct mho_update u = { .rect = { 2, 3, 35, 199 },
				.batch = 5,
				.x = x,
				.ldx = 203,
				.d = d,
				.ldd = 37,
				.x_scale = 1,
				.d_scale = -1,
				.rate = 0.02f };
	struct mho_program p = {
		.rect = { 0, 0, 5, 203 }, .target = x, .ld = 203, .scale = 0.5f, .iterations = 4
	};
	uint32_t missed, iterations;
	struct mho_cost cost = { 0 };
	void *state;

	tile->kernels = kernels;
	bench_uniform(x, 5 * 203, 3);
	bench_uniform(d, 5 * 37, 4);
	bench_update(tile, 1, &u);
	u.train_length = 255;
	bench_update(tile, 2, &u);
	assert_int_equal(mho_tile_program(tile, 3, &p, &missed, &iterations, &cost), 0);
	bench_pulses(tile, -90);
	mho_tile_calibrate(tile, 4, &cost);
	state = bench_state(tile, size);
	mho_tile_destroy(tile);
	return state;
}

static void compare_cells(const struct mho_kernels *a, const struct mho_kernels *b, int model,
			  float std, enum mho_pulse_noise noise)
{
	struct mho_tech tech;
	void *p, *q;
	size_t size;

	mho_tech_init(&tech);
	tech.model = model;
	tech.dw_min_std = std;
	tech.gamma_up = tech.gamma_down = 0.3f;
	tech.adc_gain_std = 0.02f;
	tech.pulse_noise = noise;
	tech.reference_std = 0.1f;
	tech.write_noise = noise == MHO_PULSE_ADDITIVE ? 2 : 0;
	tech.corrupt = 0.01f;
	tech.field_driven = true;
	tech.half_select = (enum mho_half_select)noise;
	tech.noise_add = tech.noise_slope = 1e-4f;
	bench_curves(&tech);
	p = work(&tech, a, &size);
	q = work(&tech, b, &size);
	assert_memory_equal(p, q, size);
	free(p);
	free(q);
}

static void instruction_sets_agree(void **state)
{
	const struct mho_kernels *plain = mho_kernels_find("generic");

	(void)state;
	for (size_t k = 1; k < ARRAY_SIZE(sets); k++) {
		const struct mho_kernels *other = mho_kernels_find(sets[k]);

		if (!other)
			continue;
		for (uint32_t n = 1; n < 400; n += 19)
			compare_loops(plain, other, n);
		for (int model = MHO_MODEL_IDEAL; model < MHO_MODELS; model++) {
			for (int noise = 0; noise <= MHO_PULSE_PROTONS; noise++)
				compare_cells(plain, other, model, 0.3f, noise);
			compare_cells(plain, other, model, 0, MHO_PULSE_MULTIPLICATIVE);
			/* Pulses one by one. */
			compare_cells(plain, other, model, 2, MHO_PULSE_MULTIPLICATIVE);
		}
	}
}

static void instruction_sets_are_found(void **state)
{
	(void)state;
	assert_null(mho_kernels_find("mmx"));
	assert_non_null(mho_kernels_find("generic"));
	for (size_t k = 0; k < ARRAY_SIZE(sets); k++) {
		if (mho_kernels_find(sets[k]))
			assert_string_equal(mho_kernels_find(sets[k])->name, sets[k]);
	}
	assert_ptr_equal(mho_kernels_find(mho_kernels_best()->name), mho_kernels_best());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(philox_is_random123),
		cmocka_unit_test(gaussians_are_normal),
		cmocka_unit_test(gaussians_are_accurate),
		cmocka_unit_test(dac_rounds_half_to_even),
		cmocka_unit_test(adc_rounds_clips_and_scales),
		cmocka_unit_test(adc_corrects_each_row),
		cmocka_unit_test(sums_and_maxima),
		cmocka_unit_test(trains_have_their_probabilities),
		cmocka_unit_test(trains_at_the_ends),
		cmocka_unit_test(trains_are_packed),
		cmocka_unit_test(cells_alone_are_as_in_groups),
		cmocka_unit_test(instruction_sets_agree),
		cmocka_unit_test(instruction_sets_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
