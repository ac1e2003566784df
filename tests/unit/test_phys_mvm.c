// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The read path: errors against the formula, converters, noise and bound
 * management, the transposed direction, time and energy, the same bits however
 * the batch is split, and numbers at the edge of what binary32 holds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "phys_bench.h"
#include "phys_stats.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static float *numbers(size_t n, uint32_t seed)
{
	float *x = malloc(n * sizeof(*x));

	assert_non_null(x);
	bench_uniform(x, n, seed);
	return x;
}

/* Row @i of W x in binary64. */
static double product(const struct mho_tile *tile, uint32_t i, const float *x)
{
	double y = 0;

	for (uint32_t j = 0; j < tile->cols; j++)
		y += (double)tile->w[(size_t)i * tile->cols + j] * (double)x[j];
	return y;
}

/* ---- errors ---- */

#define OUTPUTS (1 << 18)

/*
 * Error over a sqrt(s^2 + D_out^2 / 12 + |W_i|^2 D_in^2 / 12), a = max|x|: 1 on average. @expect is
 * the root mean square for this load, rounded to 1e-4.
 */
static void check_error(uint32_t n, double expect)
{
	uint32_t vectors = OUTPUTS / n;
	struct mho_tech tech;
	struct mho_tile *tile;
	float *x = numbers(OUTPUTS, 5), *y = numbers(OUTPUTS, 6);
	double din = 2.0 / 126, dout = 24.0 / 510, squares = 0;
	struct stats relative = { 0 };
	struct mho_mvm m;

	mho_tech_init(&tech);
	tile = bench_tile(&tech, n, n);
	bench_fill(tile, 0.3f, false);
	m = bench_whole(tile, vectors, x, y);
	bench_mvm(tile, 1, &m);
	for (uint32_t v = 0; v < vectors; v++) {
		const float *in = x + (size_t)v * n;
		double max = (double)tile->kernels->max_abs(in, n);

		for (uint32_t i = 0; i < n; i++) {
			double e = (double)y[(size_t)v * n + i] - product(tile, i, in);
			double norm = tile->kernels->square_sum(tile->w + (size_t)i * n, n);

			stats_add(&relative, e / max /
						     sqrt(0.06 * 0.06 + dout * dout / 12 +
							  norm * din * din / 12));
			squares += e * e;
		}
	}
	/* Uniform and Gaussian parts together: a kurtosis a little below the Gaussian's. */
	stats_check_mean("error", &relative, 0);
	stats_check_variance("error", &relative, 1, 0);
	stats_check("rms", sqrt(squares / OUTPUTS), expect,
		    expect / sqrt(2.0 * OUTPUTS) + 0.5e-4 / 5);
	mho_tile_destroy(tile);
	free(x);
	free(y);
}

static void errors_follow_the_formula(void **state)
{
	(void)state;
	check_error(64, 0.0609);
	check_error(256, 0.0626);
	check_error(512, 0.0640);
}

/* Noise does not repeat between outputs, vectors, operations and tiles. */
static void noise_is_independent(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile;
	static float x[2 * 8], y[3][2 * 300];
	double sum = 0;

	(void)state;
	tech.out_noise = 1;
	tech.out_bound = 0;
	tech.noise_management = MHO_NM_NONE;
	tile = bench_tile(&tech, 300, 8);
	for (uint64_t op = 0; op < 2; op++) {
		struct mho_mvm m = bench_whole(tile, 2, x, y[op]);

		bench_mvm(tile, op, &m);
	}
	for (int i = 0; i < 300; i++) {
		assert_true(y[0][i] != 0 && y[0][i] != y[0][300 + i] && y[0][i] != y[1][i]);
		sum += (double)(y[0][i] * y[0][300 + i]) + (double)(y[0][i] * y[1][i]);
	}
	stats_check("correlation", sum, 0, sqrt(600));
	mho_tile_destroy(tile);
}

/* ---- converters ---- */

/* Without noise the result is that of the definition, to the last bits of the sum. */
static void converters_are_as_defined(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile;
	float *x = numbers(5 * 40, 1), *y = numbers(5 * 30, 2);
	double din = 2.0 / 14, dout = 4.0 / 30;
	int levels[17] = { 0 };

	(void)state;
	tech.dac_bits = 4;
	tech.adc_bits = 5;
	tech.out_bound = 2;
	tech.bound_management = MHO_BM_NONE;
	tile = bench_tile(&tech, 30, 40);
	bench_fill(tile, 0.7f, false);
	struct mho_mvm m = bench_whole(tile, 5, x, y);
	bench_mvm(tile, 1, &m);
	for (int v = 0; v < 5; v++) {
		double max = (double)tile->kernels->max_abs(x + v * 40, 40);

		for (uint32_t i = 0; i < 30; i++) {
			double sum = 0, level, read = (double)y[v * 30 + i] / max / dout;

			for (int j = 0; j < 40; j++)
				sum += (double)tile->w[i * 40 + j] * din *
				       rint((double)x[v * 40 + j] / max / din);
			level = fmax(fmin(sum / dout, 15), -15);
			stats_check_near("level", read, rint(read), 1e-5);
			/* Sums within rounding of a boundary may go either way. */
			if (fabs(fabs(level - rint(level)) - 0.5) > 1e-4)
				stats_check_near("reading", read, rint(level), 1e-5);
			levels[(int)fabs(rint(read))]++;
		}
	}
	assert_true(levels[15] > 0 && levels[16] == 0 && levels[0] > 0 && levels[1] > 0);
	mho_tile_destroy(tile);
	free(x);
	free(y);
}

/* ---- noise management ---- */

static struct mho_tile *one_cell(struct mho_tech *tech, float w)
{
	struct mho_tile *tile = bench_tile(tech, 1, 1);

	tile->w[0] = w;
	return tile;
}

static float read_one(struct mho_tile *tile, float x, float x_scale, float y_scale,
		      struct mho_cost *cost)
{
	float y = (float)NAN;
	struct mho_mvm m = bench_whole(tile, 1, &x, &y);

	m.x_scale = x_scale;
	m.y_scale = y_scale;
	*cost = bench_mvm(tile, 1, &m);
	return y;
}

static void noise_management(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile;
	struct mho_cost cost;

	(void)state;
	tile = one_cell(&tech, 0.5f);
	stats_check_near("by the largest", (double)read_one(tile, 40, 2, 3, &cost), 120, 1e-5);
	stats_check_near("negative scale", (double)read_one(tile, 40, -2, 3, &cost), -120, 1e-5);
	assert_true(read_one(tile, 0, 1, 1, &cost) == 0);
	assert_true(read_one(tile, 1, 0, 1, &cost) == 0);
	mho_tile_destroy(tile);

	tech.noise_management = MHO_NM_NONE;
	tile = one_cell(&tech, 0.5f);
	stats_check_near("none", (double)read_one(tile, 0.8f, 1, 1, &cost), 0.4, 1e-6);
	stats_check_near("none, clipped", (double)read_one(tile, 40, 1, 1, &cost), 0.5, 1e-6);
	mho_tile_destroy(tile);

	tech.noise_management = MHO_NM_CONSTANT;
	tech.nm_constant = 4;
	tile = one_cell(&tech, 0.5f);
	stats_check_near("constant", (double)read_one(tile, 3, 1, 1, &cost), 1.5, 1e-6);
	stats_check_near("constant, clipped", (double)read_one(tile, -9, 1, 1, &cost), -2, 1e-6);
	mho_tile_destroy(tile);
}

/* Noise and ADC or not: a zero vector gives zeros, beside vectors that do not. */
static void zero_vectors_give_zeros(void **state)
{
	struct mho_tech tech;
	struct mho_tile *tile;
	float x[3 * 20] = { 0 }, y[3 * 10];
	struct mho_mvm m;

	(void)state;
	mho_tech_init(&tech);
	tech.adc_offset_std = 0.1f;
	tile = bench_tile(&tech, 10, 20);
	bench_fill(tile, 0.3f, false);
	bench_uniform(x + 20, 20, 1);
	m = bench_whole(tile, 3, x, y);
	bench_mvm(tile, 1, &m);
	for (int i = 0; i < 10; i++)
		assert_true(y[i] == 0 && y[20 + i] == 0 && y[10 + i] != 0);
	mho_tile_destroy(tile);
}

/* ---- bound management ---- */

static void bound_management(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	float x[48], y[4];
	struct mho_tile *tile;
	struct mho_mvm m;
	struct mho_cost cost;

	(void)state;
	tech.out_bound = 12;
	tech.bm_max_factor = 16;
	tile = bench_tile(&tech, 2, 48);
	for (int j = 0; j < 48; j++) {
		x[j] = 1;
		tile->w[j] = 1; /* y0 = 48: bound at 12, 24 and 48, so three halvings */
		tile->w[48 + j] = j & 1 ? -0.25f : 0.125f; /* y1 = -3 */
	}
	m = bench_whole(tile, 1, x, y);
	cost = bench_mvm(tile, 1, &m);
	stats_check_near("managed", (double)y[0], 48, 1e-4);
	stats_check_near("beside it", (double)y[1], -3, 1e-5);
	assert_int_equal(cost.retries, 3);
	assert_int_equal(cost.saturated, 0);
	stats_check_near("four reads", cost.ns, 4 * 80, 1e-9);
	mho_tile_destroy(tile);

	/* A factor of 2 at most: one retry, and then it saturates at 24. */
	tech.bm_max_factor = 2;
	tile = bench_tile(&tech, 1, 48);
	bench_fill(tile, -1, true);
	m = bench_whole(tile, 1, x, y);
	cost = bench_mvm(tile, 1, &m);
	stats_check_near("saturated", (double)y[0], -24, 1e-4);
	assert_int_equal(cost.retries, 1);
	assert_int_equal(cost.saturated, 1);
	mho_tile_destroy(tile);

	tech.bound_management = MHO_BM_NONE;
	tile = bench_tile(&tech, 1, 48);
	bench_fill(tile, 1, true);
	m = bench_whole(tile, 1, x, y);
	cost = bench_mvm(tile, 1, &m);
	stats_check_near("not managed", (double)y[0], 12, 1e-5);
	assert_int_equal(cost.retries, 0);
	assert_int_equal(cost.saturated, 1);
	mho_tile_destroy(tile);
}

/* Only vectors that saturate are read again; the others keep their first answer. */
static void retries_are_by_vector(void **state)
{
	struct mho_tech tech;
	float x[3 * 60], y[3 * 2], alone[3 * 2];
	struct mho_tile *tile;
	struct mho_mvm m;
	struct mho_cost cost;

	(void)state;
	mho_tech_init(&tech);
	tile = bench_tile(&tech, 2, 60);
	bench_fill(tile, 0.5f, true);
	for (int j = 0; j < 60; j++) {
		x[j] = j & 1 ? 1 : -1;
		x[60 + j] = 7; /* 30 of its scale: two retries */
		x[120 + j] = j & 1 ? 1 : -1;
	}
	m = bench_whole(tile, 3, x, y);
	cost = bench_mvm(tile, 1, &m);
	assert_int_equal(cost.retries, 2);
	stats_check_near("five reads", cost.ns, 5 * 80, 1e-9);
	stats_check("its own scale", (double)y[2], 210, 7 * 4 * 0.07);
	for (int j = 0; j < 60; j++)
		x[60 + j] = x[j];
	m = bench_whole(tile, 3, x, alone);
	bench_mvm(tile, 1, &m);
	assert_memory_equal(y, alone, 2 * sizeof(float));
	assert_memory_equal(y + 4, alone + 4, 2 * sizeof(float));
	mho_tile_destroy(tile);
}

/* ---- transposed ---- */

static void transposed(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	float *x = numbers(3 * 50, 1), y[3 * 70];
	struct mho_tile *tile;
	struct mho_mvm m;
	struct mho_cost cost;

	(void)state;
	tech.out_bound = 1;
	tile = bench_tile(&tech, 60, 80);
	bench_fill(tile, 1, false);
	m = bench_whole(tile, 3, x, y);
	m.rect = (struct mho_rect){ 4, 6, 50, 70 };
	m.transposed = true;
	m.ldx = 50;
	m.ldy = 70;
	cost = bench_mvm(tile, 1, &m);
	/* Never managed: what is beyond the bound is clipped. */
	assert_int_equal(cost.retries, 0);
	assert_true(cost.saturated > 0);
	stats_check_near("three reads", cost.ns, 3 * 80, 1e-9);
	for (int v = 0; v < 3; v++) {
		double max = (double)tile->kernels->max_abs(x + v * 50, 50);

		for (uint32_t j = 0; j < 70; j++) {
			double sum = 0;

			for (uint32_t i = 0; i < 50; i++)
				sum += (double)tile->w[(4 + i) * 80 + 6 + j] *
				       (double)x[v * 50 + i];
			stats_check_near("output", (double)y[v * 70 + j],
					 fmax(fmin(sum, max), -max), 1e-5);
		}
	}
	mho_tile_destroy(tile);
	free(x);
}

/* ---- ideal ---- */

static void ideal_is_exact(void **state)
{
	struct mho_tech tech;
	float *x = numbers(150 * 90, 1), *y = numbers(150 * 100, 2);
	struct mho_tile *tile;
	struct mho_mvm m;

	(void)state;
	mho_tech_init(&tech);
	tech.model = MHO_MODEL_IDEAL;
	tech.adc_gain_std = 0.1f;
	tile = bench_tile(&tech, 100, 90);
	bench_fill(tile, 0.6f, false);
	m = bench_whole(tile, 150, x, y);
	m.x_scale = 2;
	m.y_scale = -3;
	bench_mvm(tile, 1, &m);
	for (uint32_t v = 0; v < 150; v++) {
		for (uint32_t i = 0; i < 100; i++)
			stats_check_near("output", (double)y[v * 100 + i],
					 -6 * product(tile, i, x + v * 90), 5e-5);
	}
	mho_tile_destroy(tile);
	free(x);
	free(y);
}

/* ---- energy ---- */

static void energy_is_of_the_voltages(void **state)
{
	static const int models[] = { MHO_MODEL_CONSTANT_STEP, MHO_MODEL_IDEAL };
	float x[4] = { 1, -1, 0.5f, 0 }, y[3];

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(models); k++) {
		for (float bound = 1; bound <= 4; bound *= 4) {
			struct mho_tech tech = bench_nominal(models[k], 1);
			struct mho_tile *tile;
			struct mho_mvm m;
			struct mho_cost cost;

			/* Full scale is the read voltage, whatever number stands for it. */
			tech.inp_bound = bound;
			tech.noise_management = models[k] == MHO_MODEL_IDEAL ? MHO_NM_NONE :
									       MHO_NM_ABS_MAX;
			if (bound > 1)
				tech.noise_management = MHO_NM_NONE;
			tile = bench_tile(&tech, 3, 4);
			m = bench_whole(tile, 1, x, y);
			m.x_scale = bound;
			cost = bench_mvm(tile, 1, &m);
			stats_check_near("energy, fJ", cost.fj, 2.25 * 3 * 0.336, 1e-6);
			stats_check_near("time, ns", cost.ns, 80, 1e-9);
			mho_tile_destroy(tile);
		}
	}
}

/* ---- determinism ---- */

#define VECTORS (3 * MHO_MVM_CHUNK + 17)

struct part {
	const struct mho_tile *tile;
	const struct mho_mvm *m;
	uint32_t first;
	uint32_t count;
	struct mho_cost cost;
};

static void *compute(void *arg)
{
	struct part *p = arg;
	void *scratch = aligned_alloc(64, (mho_tile_mvm_scratch(p->tile) + 63) / 64 * 64);

	mho_tile_mvm(p->tile, 3, p->m, p->first, p->count, scratch, &p->cost);
	free(scratch);
	return NULL;
}

/* @chunks chunks a part, each on a thread of its own. */
static struct mho_cost mvm_in_parts(const struct mho_tile *tile, const struct mho_mvm *m,
				    uint32_t chunks)
{
	struct part parts[4];
	pthread_t threads[4];
	struct mho_cost cost = { 0 };
	uint32_t n = 0;

	for (uint32_t at = 0; at < VECTORS; at += chunks * MHO_MVM_CHUNK, n++) {
		uint32_t left = VECTORS - at, most = chunks * MHO_MVM_CHUNK;

		parts[n] = (struct part){
			.tile = tile, .m = m, .first = at, .count = left < most ? left : most
		};
		assert_int_equal(pthread_create(&threads[n], NULL, compute, &parts[n]), 0);
	}
	for (uint32_t i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		mho_cost_add(&cost, &parts[i].cost);
	}
	return cost;
}

static void splits_do_not_matter(void **state)
{
	float *x = numbers(VECTORS * 300, 1), *y = numbers(VECTORS * 300, 2);
	float *z = numbers(VECTORS * 300, 3);

	(void)state;
	for (int k = 0; k < 4; k++) {
		struct mho_tech tech;
		struct mho_tile *tile;
		struct mho_mvm m;
		struct mho_cost whole, split;

		mho_tech_init(&tech);
		tech.model = k & 1 ? MHO_MODEL_IDEAL : MHO_MODEL_SOFT_BOUNDS;
		tech.out_bound = 6; /* so that some vectors are read again */
		tile = bench_tile(&tech, 280, 260);
		bench_fill(tile, 0.5f, false);
		m = bench_whole(tile, VECTORS, x, y);
		m.rect = (struct mho_rect){ 1, 2, 270, 250 };
		m.transposed = k & 2;
		m.ldx = m.ldy = 300;
		whole = mvm_in_parts(tile, &m, 4);
		m.y = z;
		for (uint32_t chunks = 1; chunks < 3; chunks++) {
			split = mvm_in_parts(tile, &m, chunks);
			for (uint32_t v = 0; v < VECTORS; v++)
				assert_memory_equal(y + v * 300, z + v * 300,
						    (k & 2 ? 250 : 270) * sizeof(float));
			assert_int_equal(split.retries, whole.retries);
			assert_int_equal(split.saturated, whole.saturated);
			stats_check_near("time", split.ns, whole.ns, 1e-6);
		}
		assert_true(k ? true : whole.retries > 0);
		mho_tile_destroy(tile);
	}
	free(x);
	free(y);
	free(z);
}

/* Outside of the rectangle's outputs nothing is written. */
static void only_outputs_are_written(void **state)
{
	struct mho_tech tech;
	struct mho_tile *tile;
	float x[5 * 16] = { 1 }, y[5 * 20];
	struct mho_mvm m;

	(void)state;
	mho_tech_init(&tech);
	tile = bench_tile(&tech, 32, 32);
	for (int i = 0; i < 5 * 20; i++)
		y[i] = 77;
	m = bench_whole(tile, 5, x, y);
	m.rect = (struct mho_rect){ 8, 8, 13, 16 };
	m.ldx = 16;
	m.ldy = 20;
	bench_mvm(tile, 1, &m);
	for (int i = 0; i < 5 * 20; i++)
		assert_int_equal(y[i] == 77, i % 20 >= 13);
	mho_tile_destroy(tile);
}

/* ---- edges ---- */

static const float extremes[] = { 1e-45f, 1e-40f, 1e-38f, 1e-20f, 1, 1e15f, 1e30f, FLT_MAX };

/* Finite numbers give a number of the right sign, or an infinity where none is large enough. */
static void extreme_numbers(void **state)
{
	const size_t n = ARRAY_SIZE(extremes);

	(void)state;
	for (size_t k = 0; k < 2 * 3 * n * n * n; k++) {
		struct mho_tech tech =
			bench_nominal(k & 1 ? MHO_MODEL_IDEAL : MHO_MODEL_CONSTANT_STEP, 1);
		float big = extremes[k / 6 % n], x_scale = extremes[k / 6 / n % n];
		float y_scale = extremes[k / 6 / n / n];
		float x[2 * 3] = { big, -big, 0, big, big, big }, y[2 * 2];
		struct mho_tile *tile;
		struct mho_mvm m;
		struct mho_cost cost;
		double expect = (double)big * (double)x_scale * (double)y_scale;

		tech.noise_management = k / 2 % 3;
		tile = bench_tile(&tech, 2, 3);
		tile->w[0] = 1;
		tile->w[1] = -1; /* y = 2 big, 0; then 0, 0.5 big */
		tile->w[5] = 0.5f;
		m = bench_whole(tile, 2, x, y);
		m.x_scale = x_scale;
		m.y_scale = y_scale;
		cost = bench_mvm(tile, k, &m);
		for (int i = 0; i < 4; i++)
			assert_false(isnan(y[i]));
		assert_true(y[0] >= 0 && y[1] == 0 && y[2] == 0 && y[3] >= 0);
		assert_true(isfinite(cost.fj) && cost.fj >= 0);
		/* Right, unless the input is clipped by the DAC or anything is near the ends. */
		if (tech.noise_management == MHO_NM_ABS_MAX && big > 1e-37f && expect > 1e-30 &&
		    expect < 1e30 && (double)big * (double)x_scale > 1e-30 &&
		    (double)x_scale * (double)y_scale > 1e-30)
			stats_check_near("output", (double)y[0] / expect, 2, 1e-5);
		mho_tile_destroy(tile);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_follow_the_formula),
		cmocka_unit_test(noise_is_independent),
		cmocka_unit_test(converters_are_as_defined),
		cmocka_unit_test(noise_management),
		cmocka_unit_test(zero_vectors_give_zeros),
		cmocka_unit_test(bound_management),
		cmocka_unit_test(retries_are_by_vector),
		cmocka_unit_test(transposed),
		cmocka_unit_test(ideal_is_exact),
		cmocka_unit_test(energy_is_of_the_voltages),
		cmocka_unit_test(splits_do_not_matter),
		cmocka_unit_test(only_outputs_are_written),
		cmocka_unit_test(extreme_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
