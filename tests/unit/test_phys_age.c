// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What time does to cells: decay, diffusion and drift against their equations, the
 * compensation of drift, and age as part of the state.
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

#define SIDE 200
#define CELLS (SIDE * SIDE)
#define SECOND UINT64_C(1000000000)

/* Pulses are the only thing that makes these cells differ. */
static struct mho_tile *aged_tile(const struct mho_tech *tech, float w)
{
	struct mho_tile *tile = bench_tile(tech, SIDE, SIDE);

	bench_pulses(tile, (int)lrintf(w / tech->dw_min));
	return tile;
}

static void pass(struct mho_tile *tile, uint64_t ns)
{
	mho_tile_rest(tile, ns);
	mho_tile_begin_op(tile);
}

static void decay(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile;

	(void)state;
	tech.lifetime_s = 100;
	tech.decay_to = -0.1f;
	tile = aged_tile(&tech, 0.5f);
	pass(tile, 30 * SECOND);
	pass(tile, 20 * SECOND);
	stats_check_near("after half a lifetime", (double)tile->w[7], 0.6 * exp(-0.5) - 0.1, 1e-5);
	pass(tile, 100000 * SECOND);
	stats_check_near("at last", (double)tile->w[7], -0.1, 1e-5);
	mho_tile_destroy(tile);
}

/* The variance grows with time, however time is cut; bounds hold. */
static void diffusion(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct stats s = { 0 };
	struct mho_tile *tile;

	(void)state;
	tech.diffusion = 0.01f;
	tile = aged_tile(&tech, 0.2f);
	for (int i = 0; i < 5; i++)
		pass(tile, (uint64_t)(i + 1) * SECOND);
	for (int c = 0; c < CELLS; c++)
		stats_add(&s, (double)tile->w[c]);
	stats_check_mean("weights", &s, 0.2);
	stats_check_variance("weights", &s, 15 * 0.0001, 0);
	pass(tile, 1000000 * SECOND);
	for (int c = 0; c < CELLS; c++)
		assert_true(fabsf(tile->w[c]) <= 1);
	mho_tile_destroy(tile);
}

/* w0 (t / t0)^-nu from t0 on; a pulse starts it anew. */
static void drift(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_rect one = { 0, 0, 1, 1 };
	struct mho_cost cost = { 0 };
	struct mho_tile *tile;
	int8_t up = 1;

	(void)state;
	tech.drift_nu = 0.05f;
	tile = aged_tile(&tech, 0.5f);
	pass(tile, 15 * SECOND);
	stats_check_near("before t0", (double)tile->w[0], 0.5, 1e-6);
	pass(tile, 185 * SECOND);
	stats_check_near("10 t0", (double)tile->w[0], 0.5 * pow(10, -0.05), 1e-6);
	mho_tile_pulse(tile, mho_tile_begin_op(tile), &one, &up, 1, &cost);
	pass(tile, 1800 * SECOND);
	stats_check_near("pulsed since", (double)tile->w[0],
			 (0.5 * pow(10, -0.05) + 0.001) * pow(90, -0.05), 1e-6);
	stats_check_near("not pulsed since", (double)tile->w[1], 0.5 * pow(100, -0.05), 1e-6);
	mho_tile_destroy(tile);
}

static void exponents_vary(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct stats nu = { 0 };
	struct mho_tile *tile;

	(void)state;
	tech.drift_nu = 0.05f;
	tech.drift_nu_dtod = 0.2f;
	tile = aged_tile(&tech, 0.5f);
	pass(tile, 20000 * SECOND);
	for (int c = 0; c < CELLS; c++)
		stats_add(&nu, -log((double)tile->w[c] / 0.5) / log(1000));
	stats_check_mean("exponent", &nu, 0.05);
	stats_check_variance("exponents", &nu, 1e-4, 0.01);
	mho_tile_destroy(tile);
}

/* rms difference of the results of an MVM from what the targets give. */
static double error_of(struct mho_tile *tile, const float *target, double *size)
{
	static float x[SIDE], y[SIDE];
	struct mho_mvm m = bench_whole(tile, 1, x, y);
	double error = 0;

	bench_uniform(x, SIDE, 5);
	bench_mvm(tile, mho_tile_begin_op(tile), &m);
	*size = 0;
	for (int i = 0; i < SIDE; i++) {
		double sum = 0;

		for (int j = 0; j < SIDE; j++)
			sum += (double)(target[i * SIDE + j] * x[j]);
		error += ((double)y[i] - sum) * ((double)y[i] - sum);
		*size += sum * sum;
	}
	return sqrt(error);
}

/* A calibration finds what the weights have lost; a new PROGRAM starts anew. */
static void compensation(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	float *target = malloc(CELLS * sizeof(float)), w;
	struct mho_program p = {
		.rect = { 0, 0, SIDE, SIDE }, .target = target, .ld = SIDE, .scale = 0.5f
	};
	struct mho_rect one = { 3, 4, 1, 1 };
	uint32_t missed, iterations;
	struct mho_cost cost = { 0 };
	double size, before, after;
	struct mho_tile *tile;

	(void)state;
	assert_non_null(target);
	bench_uniform(target, CELLS, 3);
	tech.drift_nu = 0.05f;
	tech.drift_compensation = true;
	tile = bench_tile(&tech, SIDE, SIDE);
	assert_int_equal(mho_tile_program(tile, mho_tile_begin_op(tile), &p, &missed, &iterations,
					  &cost),
			 0);
	for (int c = 0; c < CELLS; c++)
		target[c] *= 0.5f;
	pass(tile, 1000000 * SECOND);
	before = error_of(tile, target, &size);
	mho_tile_calibrate(tile, mho_tile_begin_op(tile), &cost);
	after = error_of(tile, target, &size);
	/* 1 - 50000^-0.05 of everything is lost. */
	stats_check_near("lost", before / sqrt(size), 1 - pow(50000, -0.05), 0.02);
	assert_true(after < 0.05 * before);
	stats_check_near("factor", tile->compensation, pow(50000, 0.05), 0.005);
	mho_tile_read(tile, mho_tile_begin_op(tile), &one, 1, &w, 1, &cost);
	stats_check_near("read", (double)w, (double)target[3 * SIDE + 4], 0.01);
	p.scale = 1;
	assert_int_equal(mho_tile_program(tile, mho_tile_begin_op(tile), &p, &missed, &iterations,
					  &cost),
			 0);
	assert_true(tile->compensation == 1);
	mho_tile_destroy(tile);
	free(target);
}

static void age_is_state(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile, *other;
	double bad = -1;
	size_t size, n;
	char *image;
	void *again;

	(void)state;
	tech.drift_nu = 0.05f;
	tech.drift_nu_dtod = 0.2f;
	tech.diffusion = 1e-4f;
	tech.write_noise = 1;
	tile = aged_tile(&tech, 0.4f);
	other = bench_tile(&tech, SIDE, SIDE);
	pass(tile, 50 * SECOND);
	bench_pulses(tile, 3);
	pass(tile, 5000 * SECOND);
	mho_tile_rest(tile, 99 * SECOND);
	image = bench_state(tile, &size);
	assert_int_equal(mho_tile_state_load(other, image, size), 0);
	pass(tile, 4321 * SECOND);
	pass(other, 4321 * SECOND);
	again = bench_state(other, &n);
	free(image);
	image = bench_state(tile, &size);
	assert_int_equal(n, size);
	assert_memory_equal(image, again, size);
	/* The last cell was written before the tile was made. */
	memcpy(image + size - CELLS * 4 - 8, &bad, sizeof(bad));
	assert_int_equal(mho_tile_state_load(other, image, size), -EBADMSG);
	free(image);
	free(again);
	mho_tile_destroy(tile);
	mho_tile_destroy(other);
}

/* Cells that are stuck do not age, and a technology without age pays nothing for time. */
static void nothing_else_changes(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_SOFT_BOUNDS, 1);
	struct mho_tile *tile;

	(void)state;
	tech.stuck_max = 1;
	tech.lifetime_s = 1;
	tech.diffusion = 1;
	tile = bench_tile(&tech, 4, 4);
	pass(tile, 1000 * SECOND);
	for (int c = 0; c < 16; c++)
		assert_true(tile->w[c] == 1);
	mho_tile_destroy(tile);
	tech = bench_nominal(MHO_MODEL_SOFT_BOUNDS, 1);
	tile = bench_tile(&tech, 4, 4);
	pass(tile, 1000 * SECOND);
	assert_true(tile->rested_ns == 0 && tile->clock_ns == 0 && !tile->written_s);
	mho_tile_destroy(tile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decay),
		cmocka_unit_test(diffusion),
		cmocka_unit_test(drift),
		cmocka_unit_test(exponents_vary),
		cmocka_unit_test(compensation),
		cmocka_unit_test(age_is_state),
		cmocka_unit_test(nothing_else_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
