// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Cells that are not as they should be: stuck ones and corrupt ones, and ones that
 * show another weight than they hold.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "phys_bench.h"
#include "phys_stats.h"

#define SIDE 256
#define CELLS (SIDE * SIDE)

/* ---- stuck and corrupt cells ---- */

static struct mho_tech faulty(enum mho_device_model model)
{
	struct mho_tech tech;

	mho_tech_init(&tech);
	tech.model = model;
	bench_curves(&tech);
	tech.dw_min = 0.01f;
	tech.corrupt = 0.05f;
	tech.corrupt_range = 0.3f;
	tech.stuck_min = 0.02f;
	tech.stuck_max = 0.03f;
	return tech;
}

/* Where each kind of cell is, as often as asked for, whatever is done to it. */
static void shares(enum mho_device_model model)
{
	struct mho_tech tech = faulty(model);
	struct mho_tile *tile = bench_tile(&tech, SIDE, SIDE);
	float *before = malloc(CELLS * sizeof(float));
	double frozen = 0, low = 0, high = 0;
	struct stats random = { 0 };

	assert_non_null(before);
	bench_pulses(tile, -300);
	memcpy(before, tile->w, CELLS * sizeof(float));
	bench_pulses(tile, 300);
	for (int c = 0; c < CELLS; c++) {
		double w = (double)tile->w[c];

		if (before[c] != tile->w[c])
			continue;
		frozen++;
		/* Bounds are 30 % wide: those of a magnitude above the corrupt ones' range. */
		if (w < -0.3)
			low++;
		else if (w > 0.3)
			high++;
		else
			stats_add(&random, w);
	}
	stats_check("frozen", frozen / CELLS, 0.1, sqrt(0.1 * 0.9 / CELLS));
	/* 4.8 % of Gaussian bounds are below half of their mean. */
	stats_check("at the lower bound", low / CELLS, 0.02 * 0.952, sqrt(0.02 / CELLS));
	stats_check("at the upper bound", high / CELLS, 0.03 * 0.952, sqrt(0.03 / CELLS));
	assert_true(random.n > 0.9 * 0.05 * CELLS);
	stats_check("variance of the others", stats_variance(&random), 0.3 * 0.3 / 3, 0.0012);
	mho_tile_destroy(tile);
	free(before);
}

static void broken_cells_stay(void **state)
{
	static const int models[] = { MHO_MODEL_CONSTANT_STEP, MHO_MODEL_LINEAR_STEP };

	(void)state;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		shares(models[i]);
}

/* For every law: their cells do not move, and the state is accepted again. */
static void no_law_moves_them(void **state)
{
	(void)state;
	for (int model = MHO_MODEL_CONSTANT_STEP; model < MHO_MODELS; model++) {
		struct mho_tech tech = faulty(model);
		struct mho_tile *tile;
		float first[64 * 64];
		size_t size;
		void *image;

		tech.corrupt = 0.5f;
		tech.stuck_min = tech.stuck_max = 0.25f;
		tile = bench_tile(&tech, 64, 64);
		memcpy(first, tile->w, sizeof(first));
		bench_pulses(tile, 40);
		bench_pulses(tile, -300);
		assert_memory_equal(first, tile->w, sizeof(first));
		image = bench_state(tile, &size);
		assert_int_equal(mho_tile_state_load(tile, image, size), 0);
		free(image);
		mho_tile_destroy(tile);
	}
}

/* They are given up and counted; with none, PROGRAM misses none. */
static void programming_misses_them(void **state)
{
	static float target[64 * 64];
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_program p = { .rect = { 0, 0, 64, 64 }, .target = target, .ld = 64, .scale = 1 };
	uint32_t missed, iterations, stuck = 0;
	struct mho_cost cost = { 0 };
	struct mho_tile *tile;

	(void)state;
	tech.stuck_max = 0.1f;
	tile = bench_tile(&tech, 64, 64);
	for (int c = 0; c < 64 * 64; c++)
		stuck += tile->w[c] == 1;
	assert_true(stuck > 300 && stuck < 520);
	assert_int_equal(mho_tile_program(tile, 1, &p, &missed, &iterations, &cost), 0);
	assert_int_equal(missed, stuck);
	mho_tile_destroy(tile);
}

/* ---- write noise ---- */

/* What is shown is spread around what is held, and is drawn anew by each pulse, and only by one. */
static void shown_and_held(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_SOFT_BOUNDS, 1);
	struct mho_tile *tile;
	float *first = malloc(CELLS * sizeof(float));
	struct stats noise = { 0 }, product = { 0 };
	int8_t *counts = calloc(1, CELLS);
	struct mho_rect all = { 0, 0, SIDE, SIDE };
	struct mho_cost cost = { 0 };

	(void)state;
	assert_true(first && counts);
	tech.dw_min = 0.002f;
	tech.write_noise = 10;
	tile = bench_tile(&tech, SIDE, SIDE);
	bench_pulses(tile, 20);
	memcpy(first, tile->w, CELLS * sizeof(float));
	/* Every other cell. */
	for (int c = 0; c < CELLS; c += 2)
		counts[c] = 1;
	mho_tile_pulse(tile, 77, &all, counts, SIDE, &cost);
	for (int c = 0; c < CELLS; c++) {
		double held = 1 - pow(1 - 0.002, 20 + (c % 2 == 0));
		double now = (double)tile->w[c] - held, was = (double)first[c] - held;

		stats_check_near("held", (double)tile->held[c], held, 1e-5);
		if (c % 2) {
			assert_true(tile->w[c] == first[c]);
			continue;
		}
		stats_add(&noise, now / 0.02);
		stats_add(&product, now * was / 0.0004);
	}
	stats_check_mean("noise", &noise, 0);
	stats_check_variance("noise", &noise, 1, 0);
	stats_check_mean("noise of two pulses", &product, 0);
	mho_tile_destroy(tile);
	free(first);
	free(counts);
}

/* An update sees what is held: after many of them what is shown has one pulse's noise. */
static void noise_does_not_add_up(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile;
	float one = 1;
	struct mho_update u = { .rect = { 0, 0, 1, 1 },
				.batch = 1,
				.x = &one,
				.ldx = 1,
				.d = &one,
				.ldd = 1,
				.x_scale = 1,
				.d_scale = -1,
				.rate = 0.001f };
	struct stats shown = { 0 };

	(void)state;
	tech.write_noise = 5;
	tile = bench_tile(&tech, 1, 1);
	for (uint32_t op = 0; op < 20000; op++) {
		u.d_scale = op % 2 ? 1 : -1;
		bench_update(tile, op, &u);
		stats_add(&shown, ((double)tile->w[0] - (op % 2 ? 0 : 0.001)) / 0.005);
	}
	stats_check_mean("shown", &shown, 0);
	stats_check_variance("shown", &shown, 1, 0);
	mho_tile_destroy(tile);
}

static void state_has_both(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile, *other;
	float bad = NAN;
	size_t size;
	char *image;

	(void)state;
	tech.write_noise = 3;
	tile = bench_tile(&tech, 5, 7);
	other = bench_tile(&tech, 5, 7);
	bench_pulses(tile, 9);
	image = bench_state(tile, &size);
	assert_int_equal(mho_tile_state_load(other, image, size), 0);
	assert_memory_equal(tile->w, other->w, 35 * sizeof(float));
	assert_memory_equal(tile->held, other->held, 35 * sizeof(float));
	memcpy(image + size - sizeof(bad), &bad, sizeof(bad));
	assert_int_equal(mho_tile_state_load(other, image, size), -EBADMSG);
	free(image);
	mho_tile_destroy(tile);
	mho_tile_destroy(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_cells_stay),	   cmocka_unit_test(no_law_moves_them),
		cmocka_unit_test(programming_misses_them), cmocka_unit_test(shown_and_held),
		cmocka_unit_test(noise_does_not_add_up),   cmocka_unit_test(state_has_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
