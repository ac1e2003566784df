// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A tile's cells: how they differ from device to device, how they answer to long
 * series of pulses, what they wear, how much memory they take, and their
 * non-volatile state. Trains and MVM have tests of their own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "phys_bench.h"
#include "phys_reference.h"
#include "phys_stats.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- response curves ---- */

/* Weight after 1, 10, 100, 500, 1000 pulses up, then as many down. */
struct curve {
	const char *name;
	enum mho_device_model model;
	float dw, w_min, w_max, gamma_up, gamma_down; /* of POW_STEP: exponents */
	double up[5];
	double down[5];
};

/* Reference values: computed with the C++ core of aihwkit 1.1.0, six digits. */
static const struct curve curves[] = {
	{ "ConstantStep",
	  MHO_MODEL_CONSTANT_STEP,
	  0.001f,
	  -0.6f,
	  0.6f,
	  0,
	  0,
	  { 0.001, 0.01, 0.1, 0.5, 0.6 },
	  { 0.599, 0.59, 0.5, 0.1, -0.4 } },
	{ "SoftBounds",
	  MHO_MODEL_SOFT_BOUNDS,
	  0.001f,
	  -0.6f,
	  0.6f,
	  0,
	  0,
	  { 0.001, 0.009925, 0.092182, 0.339422, 0.486832 },
	  { 0.485021, 0.468853, 0.319855, -0.127993, -0.395009 } },
	{ "LinearStep",
	  MHO_MODEL_LINEAR_STEP,
	  0.001f,
	  -0.6f,
	  0.6f,
	  0.5f,
	  0.5f,
	  { 0.001, 0.009963, 0.095985, 0.409049, 0.6 },
	  { 0.5985, 0.585056, 0.456023, -0.013573, -0.417995 } },
	{ "EcRam",
	  MHO_MODEL_LINEAR_STEP,
	  0.002f,
	  -0.8276f,
	  1.1724f,
	  0.1153f,
	  0.5085f,
	  { 0.002, 0.019982, 0.198065, 0.952489, 1.1724 },
	  { 1.168959, 1.138183, 0.848443, -0.113479, -0.808813 } },
	{ "ExpStep",
	  MHO_MODEL_EXP_STEP,
	  0.001f,
	  -0.6f,
	  0.6f,
	  0,
	  0,
	  { 0.000983, 0.009831, 0.09786, 0.465443, 0.6 },
	  { 0.599001, 0.590007, 0.500096, 0.101742, -0.376219 } },
	{ "PowStep, 1",
	  MHO_MODEL_POW_STEP,
	  0.001f,
	  -0.6f,
	  0.6f,
	  1,
	  1,
	  { 0.0005, 0.004981, 0.047993, 0.204524, 0.339332 },
	  { 0.338549, 0.331533, 0.264197, 0.019138, -0.19191 } },
	{ "PowStep, 2",
	  MHO_MODEL_POW_STEP,
	  0.001f,
	  -0.6f,
	  0.6f,
	  2,
	  2,
	  { 0.00025, 0.002491, 0.024009, 0.103481, 0.176514 },
	  { 0.176095, 0.172347, 0.136763, 0.011548, -0.0956 } },
};

static const int counts[] = { 1, 10, 100, 500, 1000 };

static void check_curve(const struct curve *c)
{
	struct mho_tech tech = bench_nominal(c->model, 1);

	tech.dw_min = c->dw;
	tech.w_min = c->w_min;
	tech.w_max = c->w_max;
	tech.gamma_up = c->model == MHO_MODEL_POW_STEP ? 0 : c->gamma_up;
	tech.gamma_down = c->model == MHO_MODEL_POW_STEP ? 0 : c->gamma_down;
	tech.pow_up = c->gamma_up;
	tech.pow_down = c->gamma_down;
	for (int down = 0; down < 2; down++) {
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
			struct mho_tile *tile = bench_tile(&tech, 3, 5);
			double expect = down ? c->down[i] : c->up[i];
			double got;

			bench_pulses(tile, down ? 1000 : counts[i]);
			if (down)
				bench_pulses(tile, -counts[i]);
			got = (double)mho_tile_peek(tile, 2, 4);
			/* binary16 has bounds and slopes to 2.5e-4 of themselves. */
			stats_check_near(c->name, got, expect, 6e-4);
			assert_int_equal(mho_tile_wear(tile, 2, 4), (down ? 1000 : 0) + counts[i]);
			mho_tile_destroy(tile);
		}
	}
}

static void response_curves(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		check_curve(&curves[i]);
}

/* The same end for any number of pulses at once, and as the reference has it. */
static void pulses_together_or_one_by_one(void **state)
{
	struct ref_random r;

	(void)state;
	ref_seed(&r, 1);
	for (int model = MHO_MODEL_CONSTANT_STEP; model < MHO_MODELS; model++) {
		/* From slopes that add up to little to those that reach the bound in a pulse. */
		for (float dw = 0.0005f; dw <= 1; dw *= 3) {
			struct mho_tech tech = bench_nominal(model, 0.5f);
			struct mho_tile *tile;
			double w = 0;

			tech.dw_min = dw;
			tech.gamma_up = tech.gamma_down = 0.5f;
			tile = bench_tile(&tech, 2, 2);
			bench_pulses(tile, 50);
			bench_pulses(tile, -120);
			for (int k = 0; k < 170; k++)
				w = ref_pulse(&tech, w, k < 50, &r);
			/* A curve's sum is an integral by three points. */
			stats_check_near("weight", (double)mho_tile_peek(tile, 1, 1), w,
					 model > MHO_MODEL_SOFT_BOUNDS_REFERENCE ?
						 2e-5 + 0.1 * (double)dw :
						 2e-5);
			mho_tile_destroy(tile);
		}
	}
}

/* ---- device to device ---- */

#define N 320

static struct mho_tech spread(enum mho_device_model model)
{
	struct mho_tech tech;

	mho_tech_init(&tech);
	tech.model = model;
	tech.dw_min_std = 0;
	bench_curves(&tech);
	return tech;
}

/* Step of every cell in one direction, from one pulse. */
static void measure_steps(struct mho_tile *tile, int sign, float *steps)
{
	struct mho_rect all = { 0, 0, tile->rows, tile->cols };
	struct mho_cost cost = { 0 };

	bench_fill(tile, 0, true);
	bench_pulses(tile, sign);
	mho_tile_read(tile, 1, &all, 1, steps, tile->cols, &cost);
	memcpy(steps, tile->w, sizeof(*steps) * tile->rows * tile->cols);
}

static void steps_vary(void **state)
{
	struct mho_tech tech = spread(MHO_MODEL_CONSTANT_STEP);
	struct mho_tile *tile;
	float *up = malloc(sizeof(float) * N * N), *down = malloc(sizeof(float) * N * N);
	struct stats su = { 0 }, sd = { 0 }, mean = { 0 }, difference = { 0 };

	(void)state;
	tech.dw_min_dtod = 0.15f; /* |gain| is the gain: folding starts at 6.7 sigma */
	tech.up_down = 0.1f;
	tech.up_down_dtod = 0.02f;
	tile = bench_tile(&tech, N, N);
	measure_steps(tile, 1, up);
	measure_steps(tile, -1, down);
	for (int i = 0; i < N * N; i++) {
		double u = (double)up[i] / 0.001, d = -(double)down[i] / 0.001;

		stats_add(&su, u);
		stats_add(&sd, d);
		stats_add(&mean, (u + d) / 2);
		stats_add(&difference, (u - d) / 2);
	}
	stats_check_mean("step up", &su, 1);
	stats_check_mean("step down", &sd, 0.9);
	stats_check_variance("steps up", &su, 0.15 * 0.15 + 0.02 * 0.02, 0);
	stats_check_variance("steps down", &sd, 0.15 * 0.15 + 0.02 * 0.02, 0);
	stats_check_variance("gains", &mean, 0.15 * 0.15, 0);
	stats_check_variance("asymmetries", &difference, 0.02 * 0.02, 0);
	mho_tile_destroy(tile);
	free(up);
	free(down);
}

/* Bounds, from where very many pulses lead. */
static void bounds_vary(void **state)
{
	struct mho_tech tech = spread(MHO_MODEL_CONSTANT_STEP);
	struct mho_tile *tile;
	struct stats up = { 0 }, down = { 0 };

	(void)state;
	tech.dw_min = 1;
	tech.w_max_dtod = 0.2f;
	tech.w_min_dtod = 0.1f;
	tech.w_max = 0.5f;
	tech.w_min = -0.7f;
	tile = bench_tile(&tech, N, N);
	bench_pulses(tile, 127);
	for (int i = 0; i < N * N; i++)
		stats_add(&up, (double)tile->w[i]);
	bench_pulses(tile, -127);
	for (int i = 0; i < N * N; i++)
		stats_add(&down, (double)tile->w[i]);
	stats_check_mean("upper bound", &up, 0.5);
	stats_check_variance("upper bounds", &up, 0.01, 0);
	stats_check_mean("lower bound", &down, -0.7);
	stats_check_variance("lower bounds", &down, 0.0049, 0);
	mho_tile_destroy(tile);
}

/* Slope of the step, from the step at two weights; it belongs to the cell's own step. */
static void check_slopes(int sign, float bound)
{
	struct mho_tech tech = spread(MHO_MODEL_LINEAR_STEP);
	struct mho_tile *tile;
	float *at_0 = malloc(sizeof(float) * N * N), w = bound / 2;
	struct stats slope = { 0 };

	tech.dw_min_dtod = 0;
	tech.up_down_dtod = 0.1f;
	tech.w_max_dtod = 0;
	tech.w_min_dtod = 0;
	tech.w_max = 0.6f;
	tech.w_min = -0.8f;
	tech.gamma_up = 0.4f;
	tech.gamma_down = 0.3f;
	tech.gamma_dtod = 0.05f;
	tile = bench_tile(&tech, N, N);
	measure_steps(tile, sign, at_0);
	bench_fill(tile, w, true);
	bench_pulses(tile, sign);
	for (int i = 0; i < N * N; i++)
		stats_add(&slope, 2 * (1 - ((double)tile->w[i] - (double)w) / (double)at_0[i]));
	stats_check_mean("slope", &slope, sign > 0 ? 0.4 : 0.3);
	/* The difference of nearly equal binary32 numbers adds a little. */
	stats_check_variance("slopes", &slope, 0.0025, 0.2);
	mho_tile_destroy(tile);
	free(at_0);
}

static void slopes_vary(void **state)
{
	(void)state;
	check_slopes(1, 0.6f);
	check_slopes(-1, -0.8f);
}

static void seed_and_number_make_the_tile(void **state)
{
	struct mho_tech tech = spread(MHO_MODEL_CONSTANT_STEP);
	static const uint64_t ids[][2] = { { 1, 1 }, { 1, 1 }, { 1, 2 }, { 2, 1 } };
	float steps[4][64];

	(void)state;
	for (int k = 0; k < 4; k++) {
		struct mho_tile *tile;

		assert_int_equal(
			mho_tile_create(&tech, 8, 8, ids[k][0], (uint32_t)ids[k][1], &tile), 0);
		measure_steps(tile, 1, steps[k]);
		mho_tile_destroy(tile);
	}
	assert_memory_equal(steps[0], steps[1], sizeof(steps[0]));
	for (int k = 2; k < 4; k++) {
		for (int i = 0; i < 64; i++)
			assert_true(steps[0][i] != steps[k][i]);
	}
}

/* ---- bounds and wear ---- */

/* Whatever the cells are like and however they are pulsed, their bounds hold. */
static void bounds_hold(void **state)
{
	float x[4 * 64], d[4 * 64];

	(void)state;
	bench_uniform(x, 4 * 64, 1);
	bench_uniform(d, 4 * 64, 2);
	for (int model = MHO_MODEL_IDEAL; model < MHO_MODELS; model++) {
		struct mho_tech tech = spread(model);
		struct mho_update u = { .rect = { 0, 0, 64, 64 },
					.batch = 4,
					.x = x,
					.ldx = 64,
					.d = d,
					.ldd = 64,
					.x_scale = 1,
					.d_scale = 1,
					.rate = 1 };
		struct mho_tile *tile;
		size_t size;
		void *image;

		/* Spreads so wide that bounds, steps and slopes change sign and are folded back. */
		tech.dw_min = 0.05f;
		tech.dw_min_std = 1;
		tech.dw_min_dtod = tech.w_max_dtod = tech.w_min_dtod = tech.gamma_dtod = 1;
		tech.w_max = 0.1f;
		tile = bench_tile(&tech, 64, 64);
		for (uint32_t op = 0; op < 40; op++) {
			u.rate = op & 1 ? 1e30f : 0.3f;
			u.d_scale = op & 2 ? 1 : -1;
			bench_update(tile, op, &u);
			bench_pulses(tile, op & 1 ? 100 : -100);
		}
		image = bench_state(tile, &size);
		/* It refuses weights that are not finite or out of their cell's bounds. */
		assert_int_equal(mho_tile_state_load(tile, image, size), 0);
		free(image);
		mho_tile_destroy(tile);
	}
}

/* A cell whose bound is a hundredth of the nominal one approaches it and stays. */
static void narrow_cells_settle(void **state)
{
	struct mho_tech tech = spread(MHO_MODEL_SOFT_BOUNDS);
	struct mho_tile *tile;

	(void)state;
	tech.dw_min = 0.002f;
	tech.w_max_dtod = tech.w_min_dtod = 1;
	tech.dw_min_dtod = 0;
	tile = bench_tile(&tech, 128, 128);
	bench_pulses(tile, 31);
	for (uint32_t i = 0; i < 128 * 128; i++)
		assert_true(tile->w[i] > 0);
	bench_pulses(tile, -31);
	bench_pulses(tile, -31);
	for (uint32_t i = 0; i < 128 * 128; i++)
		assert_true(tile->w[i] < 0);
	mho_tile_destroy(tile);
}

static void wear_is_the_number_of_pulses(void **state)
{
	struct mho_tech tech = spread(MHO_MODEL_SOFT_BOUNDS);
	struct mho_tile *tile = bench_tile(&tech, 9, 130);
	struct mho_rect part = { 2, 3, 4, 120 };
	int8_t counts_of[4 * 120];
	struct mho_cost cost = { 0 };
	struct mho_wear wear;
	uint64_t total = 0;

	(void)state;
	for (int i = 0; i < 4 * 120; i++) {
		counts_of[i] = (int8_t)(i % 256 - 128);
		/* -128 counts as -127. */
		total += (uint64_t)abs(counts_of[i] == -128 ? -127 : counts_of[i]);
	}
	mho_tile_pulse(tile, 1, &part, counts_of, 120, &cost);
	assert_int_equal(cost.pulses, total);
	for (uint32_t i = 0; i < 9; i++) {
		for (uint32_t j = 0; j < 130; j++) {
			int inside = i >= 2 && i < 6 && j >= 3 && j < 123;
			int n = inside ? abs(counts_of[(i - 2) * 120 + j - 3]) : 0;

			assert_int_equal(mho_tile_wear(tile, i, j), n == 128 ? 127 : n);
			if (!inside)
				assert_true(mho_tile_peek(tile, i, j) == 0);
		}
	}
	mho_tile_wear_stats(tile, &part, &wear);
	assert_int_equal(wear.total, total);
	assert_int_equal(wear.max, 127);
	stats_check_near("mean wear", wear.mean, (double)total / 480, 1e-9);
	mho_tile_wear_stats(tile, NULL, &wear);
	assert_int_equal(wear.total, total);
	stats_check_near("mean wear of all", wear.mean, (double)total / (9 * 130), 1e-9);
	mho_tile_destroy(tile);
}

/* ---- state ---- */

static void state_comes_back(void **state)
{
	struct mho_tech tech = spread(MHO_MODEL_LINEAR_STEP);
	struct mho_tile *a, *b;
	void *image, *again;
	struct mho_cost cost = { 0 };
	size_t size, size2;
	float x[70], y[2][33];

	(void)state;
	tech.adc_gain_std = 0.05f;
	tech.adc_offset_std = 0.01f;
	a = bench_tile(&tech, 33, 70);
	bench_fill(a, 0.1f, false);
	bench_pulses(a, 30);
	mho_tile_calibrate(a, mho_tile_begin_op(a), &cost);
	image = bench_state(a, &size);
	b = bench_tile(&tech, 33, 70);
	assert_int_equal(mho_tile_state_load(b, image, size), 0);
	again = bench_state(b, &size2);
	assert_int_equal(size, size2);
	assert_memory_equal(image, again, size);
	/* Both go on alike: the operation counter and the calibration came, too. */
	bench_uniform(x, 70, 1);
	for (int k = 0; k < 2; k++) {
		struct mho_tile *t = k ? b : a;
		struct mho_mvm m = bench_whole(t, 1, x, y[k]);

		bench_mvm(t, mho_tile_begin_op(t), &m);
	}
	assert_memory_equal(y[0], y[1], sizeof(y[0]));
	free(image);
	free(again);
	mho_tile_destroy(a);
	mho_tile_destroy(b);
}

static void refuse_state(struct mho_tile *tile, const void *image, size_t len, const char *what)
{
	size_t size;
	void *before = bench_state(tile, &size), *after;

	if (mho_tile_state_load(tile, image, len) != -EBADMSG)
		fail_msg("a state with %s was loaded", what);
	after = bench_state(tile, &size);
	assert_memory_equal(before, after, size);
	free(before);
	free(after);
}

static void damaged_state_is_refused(void **state)
{
	static const float bad[] = { (float)NAN, INFINITY, -INFINITY, 1e30f, 0.7f, -0.7f };
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 0.5f);
	struct mho_tile *tile = bench_tile(&tech, 5, 7);
	size_t size, weights = 8 + 5 * 2 * 4, trims = 8;
	unsigned char *image = bench_state(tile, &size), *damaged = malloc(size + 1);

	(void)state;
	bench_pulses(tile, 3);
	memcpy(damaged, image, size);
	damaged[size] = 0;
	refuse_state(tile, damaged, size - 1, "a byte less");
	refuse_state(tile, damaged, size + 1, "a byte more");
	refuse_state(tile, damaged, 0, "nothing in it");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memcpy(damaged, image, size);
		memcpy(damaged + weights + 4 * 34, &bad[i], 4);
		refuse_state(tile, damaged, size, "an impossible weight");
	}
	for (size_t i = 0; i < 4; i++) {
		memcpy(damaged, image, size);
		memcpy(damaged + trims + 4 * 9, &bad[i], 4);
		refuse_state(tile, damaged, size, "an impossible trim");
	}
	free(image);
	free(damaged);
	mho_tile_destroy(tile);
}

/* Bounds that binary16 cannot hold exactly must not make an ideal tile refuse its own state. */
static void ideal_state_comes_back(void **state)
{
	static const float bounds[] = { 0.1f, 0.3f, 0.7f, 1.1f, 99.9f };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		struct mho_tech tech = bench_nominal(MHO_MODEL_IDEAL, bounds[i]);
		struct mho_tile *tile = bench_tile(&tech, 2, 2);
		float target[] = { 1000, -1000, 0, bounds[i] };
		struct mho_program p = {
			.rect = { 0, 0, 2, 2 }, .target = target, .ld = 2, .scale = 1
		};
		uint32_t missed, iterations;
		struct mho_cost cost = { 0 };
		size_t size;
		void *image;

		assert_int_equal(mho_tile_program(tile, 1, &p, &missed, &iterations, &cost), 0);
		assert_int_equal(missed, 2);
		image = bench_state(tile, &size);
		assert_int_equal(mho_tile_state_load(tile, image, size), 0);
		free(image);
		mho_tile_destroy(tile);
	}
}

/* ---- memory ---- */

static void memory_per_cell(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__)
	/* Its allocator keeps no count that mallinfo2() could report. */
	skip();
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	skip();
#endif
#endif
	for (int model = MHO_MODEL_IDEAL; model < MHO_MODELS; model++) {
		struct mho_tech tech = spread(model);
		struct mallinfo2 before = mallinfo2(), after;
		struct mho_tile *tile = bench_tile(&tech, 512, 512);
		size_t used;

		after = mallinfo2();
		used = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
		assert_true(used >= 16 * 512 * 512);
		assert_true(used <= 24 * 512 * 512);
		mho_tile_destroy(tile);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(response_curves),
		cmocka_unit_test(pulses_together_or_one_by_one),
		cmocka_unit_test(steps_vary),
		cmocka_unit_test(bounds_vary),
		cmocka_unit_test(slopes_vary),
		cmocka_unit_test(seed_and_number_make_the_tile),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(narrow_cells_settle),
		cmocka_unit_test(wear_is_the_number_of_pulses),
		cmocka_unit_test(state_comes_back),
		cmocka_unit_test(damaged_state_is_refused),
		cmocka_unit_test(ideal_state_comes_back),
		cmocka_unit_test(memory_per_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
