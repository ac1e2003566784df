// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Single cells: reading back, closed-loop writing and its honesty about what it
 * missed, raw pulses, scrubbing, and calibration of the ADCs.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "phys_bench.h"
#include "phys_stats.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define N 64

/* The protonic cell: spread, noise, slightly sloped, default periphery. */
static struct mho_tech protonic(void)
{
	struct mho_tech tech;

	mho_tech_init(&tech);
	tech.model = MHO_MODEL_LINEAR_STEP;
	tech.dw_min = 0.002f;
	tech.dw_min_std = 0.33f;
	tech.dw_min_dtod = 0.1f;
	tech.w_max = 1;
	tech.w_min = -1;
	tech.w_max_dtod = tech.w_min_dtod = 0.05f;
	tech.gamma_up = tech.gamma_down = 0.1f;
	tech.gamma_dtod = 0;
	return tech;
}

static const struct mho_rect all = { 0, 0, N, N };

/* ---- read ---- */

/* Noise and quantisation fall as the root of the number of reads. */
static void averages_are_quieter(void **state)
{
	static const uint32_t average[] = { 1, 4, 100, 4096 };
	struct mho_tech tech = protonic();
	static float w[N * N];
	struct mho_tile *tile;
	double range = 1.25 * 1.15, step = 2 * range / 510;

	(void)state;
	tile = bench_tile(&tech, N, N);
	bench_fill(tile, 0.8f, false);
	for (size_t k = 0; k < ARRAY_SIZE(average); k++) {
		struct mho_cost cost = { 0 };
		struct stats s = { 0 };
		double n = average[k];

		mho_tile_read(tile, 1 + k, &all, average[k], w, N, &cost);
		for (int i = 0; i < N * N; i++)
			stats_add(&s, (double)w[i] - (double)tile->w[i]);
		stats_check_mean("error", &s, 0);
		stats_check_variance("error", &s, (0.06 * 0.06 + step * step / 12) / n, 0);
		stats_check_near("time, ns", cost.ns, N * n * 80, 1e-3);
		stats_check_near("energy, fJ", cost.fj, N * N * n * 0.336, 1e-3);
	}
	mho_tile_destroy(tile);
}

/* Without noise nothing dithers the ADC: averages do not resolve more than one read. */
static void quiet_reads_stay_coarse(void **state)
{
	struct mho_tech tech = protonic();
	static float w[N * N];
	struct mho_tile *tile;
	double step = 2 * 1.25 * 1.15 / 510;
	struct stats s = { 0 };
	struct mho_cost cost = { 0 };

	(void)state;
	tech.out_noise = 0;
	tile = bench_tile(&tech, N, N);
	bench_fill(tile, 0.8f, false);
	mho_tile_read(tile, 1, &all, 1000, w, N, &cost);
	for (int i = 0; i < N * N; i++) {
		double level = (double)w[i] / step;

		stats_check_near("level", level, rint(level), 1e-3);
		stats_add(&s, (double)w[i] - (double)tile->w[i]);
	}
	stats_check_variance("error", &s, step * step / 12, -1.2);
	mho_tile_destroy(tile);
}

static void parts_are_read(void **state)
{
	struct mho_rect part = { 5, 9, 3, 40 };
	struct mho_tech tech = protonic();
	struct mho_tile *tile;
	struct mho_cost cost = { 0 };
	float w[3 * 50];

	(void)state;
	tech.out_noise = 0;
	tech.adc_bits = 0;
	tile = bench_tile(&tech, N, N);
	bench_fill(tile, 0.8f, false);
	for (int i = 0; i < 3 * 50; i++)
		w[i] = 77;
	mho_tile_read(tile, 1, &part, 1, w, 50, &cost);
	for (uint32_t i = 0; i < 3; i++) {
		for (uint32_t j = 0; j < 50; j++)
			assert_true(w[i * 50 + j] ==
				    (j < 40 ? mho_tile_peek(tile, 5 + i, 9 + j) : 77));
	}
	mho_tile_destroy(tile);
}

/* ---- write and verify ---- */

static void writing_converges(void **state)
{
	static const float tolerances[] = { 0.05f, 0.01f };
	static float target[N * N], w[N * N];

	(void)state;
	bench_uniform(target, N * N, 1);
	for (size_t k = 0; k < ARRAY_SIZE(tolerances); k++) {
		struct mho_tech tech = protonic();
		struct mho_tile *tile = bench_tile(&tech, N, N);
		struct mho_program p = { .rect = all,
					 .target = target,
					 .ld = N,
					 .scale = 0.8f,
					 .tolerance = tolerances[k] };
		double limit = (double)tolerances[k];
		struct mho_cost cost = { 0 };
		struct mho_wear wear;
		uint32_t missed, iterations, off = 0;
		struct stats s = { 0 };

		assert_int_equal(mho_tile_program(tile, 1, &p, &missed, &iterations, &cost), 0);
		assert_true(missed <= N * N / 200);
		assert_true(iterations > 1 && iterations <= 100);
		for (int i = 0; i < N * N; i++) {
			double error = (double)tile->w[i] - 0.8 * (double)target[i];

			stats_add(&s, error);
			off += fabs(error) > limit * 2;
		}
		/* Readings are off by a third of the tolerance: a cell may be by a little more. */
		assert_true(sqrt(stats_variance(&s)) < 0.75 * limit);
		assert_true(off <= missed + 3);
		mho_tile_wear_stats(tile, NULL, &wear);
		assert_int_equal(wear.total, cost.pulses);
		/* At least the distance has to be gone; not much more than twice that. */
		assert_true(wear.mean > 0.8 * 0.5 / 0.002 * 0.8 &&
			    wear.mean < 0.8 * 0.5 / 0.002 * 2);
		/* What it says of itself is what a reader finds. */
		mho_tile_read(tile, 2, &all, 4096, w, N, &cost);
		for (int i = 0; i < N * N; i++)
			assert_true(fabsf(w[i] - tile->w[i]) < 0.01f);
		mho_tile_destroy(tile);
	}
}

/* A third of the targets is beyond any bound: these are missed, the others not. */
static void unreachable_targets_are_reported(void **state)
{
	struct mho_tech tech = protonic();
	struct mho_tile *tile = bench_tile(&tech, N, N);
	static float target[N * N];
	struct mho_program p = {
		.rect = all, .target = target, .ld = N, .scale = 1, .tolerance = 0.05f
	};
	struct mho_cost cost = { 0 };
	uint32_t missed, iterations;
	double hammered = 0;

	(void)state;
	for (int i = 0; i < N * N; i++)
		target[i] = i % 3 ? 0.3f : i % 2 ? 3 : -FLT_MAX;
	assert_int_equal(mho_tile_program(tile, 1, &p, &missed, &iterations, &cost), 0);
	assert_int_equal(missed, (N * N + 2) / 3);
	for (uint32_t i = 0; i < N * N; i++) {
		if (i % 3) {
			assert_true(fabsf(tile->w[i] - 0.3f) < 0.1f);
			continue;
		}
		assert_true(fabsf(tile->w[i]) > 0.7f);
		hammered += mho_tile_wear(tile, i / N, i % N);
	}
	/* It does not hammer at the bounds for a hundred rounds of 127 pulses. */
	assert_true(hammered / missed < 2500);
	mho_tile_destroy(tile);
}

static void few_iterations_are_honest(void **state)
{
	struct mho_tech tech = protonic();
	struct mho_tile *tile = bench_tile(&tech, N, N);
	static float target[N * N];
	struct mho_program p = { .rect = all,
				 .target = target,
				 .ld = N,
				 .scale = 1,
				 .tolerance = 0.02f,
				 .iterations = 2 };
	struct mho_cost cost = { 0 };
	uint32_t missed, iterations;

	(void)state;
	for (int i = 0; i < N * N; i++)
		target[i] = 0.9f; /* 450 steps; 2 x 127 are too few */
	assert_int_equal(mho_tile_program(tile, 1, &p, &missed, &iterations, &cost), 0);
	assert_int_equal(iterations, 2);
	assert_int_equal(missed, N * N);
	mho_tile_destroy(tile);
}

static void ideal_writing_is_exact(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_IDEAL, 0.5f);
	struct mho_tile *tile = bench_tile(&tech, 2, 3);
	float target[] = { 0.1f, -0.2f, 0.45f, 1e30f, -0.5f, FLT_MAX }, w[6];
	struct mho_rect whole = { 0, 0, 2, 3 };
	struct mho_program p = { .rect = whole, .target = target, .ld = 3, .scale = 2 };
	struct mho_cost cost = { 0 };
	uint32_t missed, iterations;

	(void)state;
	assert_int_equal(mho_tile_program(tile, 1, &p, &missed, &iterations, &cost), 0);
	assert_int_equal(missed, 4);
	assert_int_equal(iterations, 1);
	mho_tile_read(tile, 2, &whole, 1, w, 3, &cost);
	assert_true(w[0] == 0.2f && w[1] == -0.4f && w[2] == 0.5f);
	assert_true(w[3] == 0.5f && w[4] == -0.5f && w[5] == 0.5f);
	mho_tile_destroy(tile);
}

/* Tiny tolerances and scales that overflow end without a NaN anywhere. */
static void extreme_programs_end(void **state)
{
	static const float tolerances[] = { FLT_MIN, 1e-45f, 1e30f };
	static const float scales[] = { FLT_MAX, -FLT_MAX, 0, 1e-45f };
	float target[4] = { 1, -1, 0, 1e38f };

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(tolerances) * ARRAY_SIZE(scales); k++) {
		struct mho_tech tech = protonic();
		struct mho_tile *tile = bench_tile(&tech, 2, 2);
		struct mho_program p = { .rect = { 0, 0, 2, 2 },
					 .target = target,
					 .ld = 2,
					 .scale = scales[k % 4],
					 .tolerance = tolerances[k / 4],
					 .iterations = 5 };
		struct mho_cost cost = { 0 };
		uint32_t missed, iterations;

		assert_int_equal(mho_tile_program(tile, 1, &p, &missed, &iterations, &cost), 0);
		assert_true(missed <= 4 && iterations <= 5 && isfinite(cost.fj));
		for (uint32_t i = 0; i < 4; i++)
			assert_true(fabsf(tile->w[i]) < 1.5f);
		mho_tile_destroy(tile);
	}
}

static void scrubbing_clears(void **state)
{
	struct mho_tech tech = protonic();
	struct mho_rect part = { 10, 20, 30, 40 };
	struct mho_tile *tile = bench_tile(&tech, N, N);
	struct mho_cost cost = { 0 };
	uint32_t off = 0;

	(void)state;
	bench_fill(tile, 0.6f, true);
	assert_int_equal(mho_tile_scrub(tile, 1, &part, &cost), 0);
	for (uint32_t i = 0; i < N; i++) {
		for (uint32_t j = 0; j < N; j++) {
			float w = mho_tile_peek(tile, i, j);

			if (i < 10 || i >= 40 || j < 20 || j >= 60) {
				assert_true(w == 0.6f && !mho_tile_wear(tile, i, j));
			} else {
				assert_true(mho_tile_wear(tile, i, j) > 100);
				off += fabsf(w) > 0.02f;
			}
		}
	}
	assert_true(off < 10);
	assert_true(cost.ns > 0 && cost.fj > 0 && cost.pulses > 100 * 30 * 40);
	mho_tile_destroy(tile);
}

/* ---- raw pulses ---- */

/* A column's cells are pulsed together, up first, then down; lines reach across the tile. */
static void pulses_cost_time_and_energy(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile;
	static const int8_t counts[2 * 3] = { 5, 0, -2, 3, 0, 7 };
	struct mho_rect part = { 1, 1, 2, 3 };
	struct mho_cost cost = { 0 };
	double lone;

	(void)state;
	tile = bench_tile(&tech, 10, 20);
	mho_tile_pulse(tile, 1, &part, counts, 3, &cost);
	assert_int_equal(cost.pulses, 17);
	/* 5 up; nothing; 7 up and 2 down. */
	stats_check_near("time, ns", cost.ns, 14 * 5, 1e-9);
	/* 14 slots of column lines of 10 cells, 17 of row lines of 20, without those pulsed. */
	lone = (14 * 10 + 17 * 20 - 2 * 17) * 0.625;
	stats_check_near("energy, fJ", cost.fj, 17 * 2.515 + lone, 1e-3);
	stats_check_near("weight", (double)mho_tile_peek(tile, 1, 1), 0.005, 1e-7);
	stats_check_near("weight", (double)mho_tile_peek(tile, 1, 3), -0.002, 1e-7);
	mho_tile_destroy(tile);
}

/* ---- calibration ---- */

static double row_errors(struct mho_tile *tile, uint64_t op)
{
	enum {
		VECTORS = 64
	};
	static float x[VECTORS * N], y[VECTORS * N];
	struct mho_mvm m = bench_whole(tile, VECTORS, x, y);
	double rms = 0;

	bench_uniform(x, VECTORS * N, 3);
	bench_mvm(tile, op, &m);
	for (int i = 0; i < N; i++) {
		double error = 0;

		for (int v = 0; v < VECTORS; v++) {
			double sum = 0;

			for (int j = 0; j < N; j++)
				sum += (double)tile->w[i * N + j] * (double)x[v * N + j];
			error += (double)y[v * N + i] - sum;
		}
		rms += error * error / VECTORS / VECTORS;
	}
	return sqrt(rms / N);
}

static void calibration_removes_errors(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile;
	struct mho_cost cost = { 0 };
	double before, after;

	(void)state;
	tech.out_noise = 0.06f;
	tech.adc_bits = 9;
	tech.adc_gain_std = 0.05f;
	tech.adc_offset_std = 0.02f; /* of 12: 0.24, four times the noise */
	tile = bench_tile(&tech, N, N);
	bench_fill(tile, 0.5f, false);
	before = row_errors(tile, 1);
	assert_true(before > 0.15);
	mho_tile_calibrate(tile, 2, &cost);
	assert_true(cost.ns > 0);
	after = row_errors(tile, 3);
	/* What remains is the noise of 64 vectors: 0.06 / 8, and nothing of the rows. */
	assert_true(after < 0.012);
	/* Twice is as good as once. */
	mho_tile_calibrate(tile, 4, &cost);
	assert_true(row_errors(tile, 5) < 0.012);
	mho_tile_destroy(tile);
}

/* The firmware's table shifts what calibration has not corrected; calibration then includes it. */
static void factory_trim(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile = bench_tile(&tech, 1, 1);
	float x = 1, y;
	struct mho_mvm m = bench_whole(tile, 1, &x, &y);
	struct mho_cost cost = { 0 };

	(void)state;
	tile->w[0] = 0.5f;
	mho_tile_set_trim(tile, 0.1f, 0);
	bench_mvm(tile, 1, &m);
	stats_check_near("gain", (double)y, 0.45, 1e-6);
	mho_tile_set_trim(tile, 0, 0.01f);
	bench_mvm(tile, 2, &m);
	stats_check_near("offset", (double)y, 0.5 - 0.12, 1e-6);
	mho_tile_calibrate(tile, 3, &cost);
	bench_mvm(tile, 4, &m);
	stats_check_near("calibrated", (double)y, 0.5, 1e-5);
	mho_tile_destroy(tile);
}

/* An ADC without a bound has a gain, too. */
static void unbounded_adc_is_calibrated(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile;
	struct mho_cost cost = { 0 };

	(void)state;
	tech.out_bound = 0;
	tech.adc_gain_std = 0.05f;
	tile = bench_tile(&tech, N, N);
	bench_fill(tile, 0.5f, false);
	assert_true(row_errors(tile, 1) > 1e-3);
	mho_tile_calibrate(tile, 2, &cost);
	assert_true(row_errors(tile, 3) < 1e-5);
	mho_tile_destroy(tile);
}

/* Read-back goes through the same ADCs. */
static void reading_is_calibrated(void **state)
{
	struct mho_tech tech = protonic();
	static float w[N * N];
	struct mho_tile *tile;
	struct mho_cost cost = { 0 };

	(void)state;
	tech.out_noise = 0.01f;
	tech.adc_gain_std = 0.1f;
	tech.adc_offset_std = 0.05f;
	tile = bench_tile(&tech, N, N);
	bench_fill(tile, 0.5f, true);
	for (int k = 0; k < 2; k++) {
		struct stats s = { 0 };

		mho_tile_read(tile, 1 + (uint64_t)k, &all, 4096, w, N, &cost);
		for (int i = 0; i < N * N; i++)
			stats_add(&s, (double)w[i]);
		if (k)
			assert_true(fabs(s.mean - 0.5) < 1e-3 && stats_variance(&s) < 1e-5);
		else
			assert_true(stats_variance(&s) > 1e-3);
		mho_tile_calibrate(tile, 9, &cost);
	}
	mho_tile_destroy(tile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(averages_are_quieter),
		cmocka_unit_test(quiet_reads_stay_coarse),
		cmocka_unit_test(parts_are_read),
		cmocka_unit_test(writing_converges),
		cmocka_unit_test(unreachable_targets_are_reported),
		cmocka_unit_test(few_iterations_are_honest),
		cmocka_unit_test(ideal_writing_is_exact),
		cmocka_unit_test(extreme_programs_end),
		cmocka_unit_test(scrubbing_clears),
		cmocka_unit_test(pulses_cost_time_and_energy),
		cmocka_unit_test(calibration_removes_errors),
		cmocka_unit_test(factory_trim),
		cmocka_unit_test(unbounded_adc_is_calibrated),
		cmocka_unit_test(reading_is_calibrated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
