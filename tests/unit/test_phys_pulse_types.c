// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Pulse types other than the default one, whose statistics are in
 * test_phys_trains.c: signs in passes of their own, counted pulses, and none.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "phys_bench.h"
#include "phys_stats.h"

static struct mho_tech of_type(enum mho_pulse_type type)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);

	tech.update_bl_management = false;
	tech.pulse_type = type;
	return tech;
}

/* Probabilities of the small update: A = 0.80322 and B = A / 2 with trains of 31 slots. */
#define A 0.8032193289

static double on_column(int j)
{
	return A / 2 * fabs((double)bench_x[j]);
}

static double on_row(int i)
{
	return A * fabs((double)bench_d[i]);
}

static double direction(int i, int j)
{
	return bench_d[i] * bench_x[j] < 0 ? 1 : -1;
}

/*
 * Two passes: the mean is that of one; columns of different signs see different trains of the row,
 * so that only those of one sign are correlated, as in one pass.
 */
static void signs_in_passes(void **state)
{
	enum {
		SAMPLES = 12000
	};
	struct mho_tech tech = of_type(MHO_PULSES_STOCHASTIC);
	struct mho_tile *tile = bench_tile(&tech, 3, 4);
	struct mho_update u = bench_small_update();
	double sum[12] = { 0 }, product[4] = { 0 }, square[4] = { 0 };

	(void)state;
	stats_check_near("time, ns", bench_update(tile, 0, &u).ns, 2 * 31 * 5, 1e-9);
	for (uint32_t s = 0; s < SAMPLES; s++) {
		bench_sample(tile, s, &u);
		for (int c = 0; c < 12; c++)
			sum[c] += (double)tile->w[c];
		/* Of the first row's first cell with each of the row's. */
		for (int j = 0; j < 4; j++) {
			double a = (double)tile->w[0] + 0.005;
			double b = (double)tile->w[j] + 0.005 * (double)bench_x[j];

			product[j] += a * b;
			square[j] += a * b * a * b;
		}
	}
	for (int c = 0; c < 12; c++) {
		double q = on_row(c / 4) * on_column(c % 4);

		stats_check("mean", sum[c] / SAMPLES,
			    -0.01 * (double)(bench_d[c / 4] * bench_x[c % 4]),
			    0.001 * sqrt(31 * q * (1 - q) / SAMPLES));
	}
	for (int j = 1; j < 4; j++) {
		double got = product[j] / SAMPLES, q = on_row(0);
		double same = 1e-6 * 31 * on_column(0) * on_column(j) * q * (1 - q);

		stats_check("covariance", got, bench_x[j] < 0 ? 0 : same,
			    sqrt((square[j] / SAMPLES - got * got) / SAMPLES));
	}
	mho_tile_destroy(tile);
}

/* Each line has round(31 p) pulses, each cell the product over 31, rounded. */
static void mean_counts(void **state)
{
	struct mho_tech tech = of_type(MHO_PULSES_MEAN_COUNT);
	struct mho_tile *tile = bench_tile(&tech, 3, 4);
	struct mho_update u = bench_small_update();
	struct mho_cost cost;
	uint64_t pulses = 0;

	(void)state;
	cost = bench_update(tile, 1, &u);
	for (int c = 0; c < 12; c++) {
		double n = rint(rint(31 * on_column(c % 4)) * rint(31 * on_row(c / 4)) / 31);

		stats_check_near("weight", (double)tile->w[c], 0.001 * n * direction(c / 4, c % 4),
				 1e-7);
		assert_int_equal(tile->wear[c], (uint32_t)n);
		pulses += (uint64_t)n;
	}
	assert_int_equal(cost.pulses, pulses);
	stats_check_near("time, ns", cost.ns, 31 * 5, 1e-9);
	u.d_scale = -1;
	bench_update(tile, 2, &u);
	for (int c = 0; c < 12; c++)
		stats_check_near("and back", (double)tile->w[c], 0, 1e-7);
	mho_tile_destroy(tile);
}

/* Each cell has round(31 p_x p_d) pulses; a resolution makes steps of the probabilities. */
static void deterministic(void **state)
{
	static const float steps[] = { 0, 0.25f };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct mho_tech tech = of_type(MHO_PULSES_DETERMINISTIC);
		struct mho_update u = bench_small_update();
		struct mho_tile *tile;

		tech.implicit_resolution = steps[k];
		tile = bench_tile(&tech, 3, 4);
		bench_update(tile, 1, &u);
		for (int c = 0; c < 12; c++) {
			double x = on_column(c % 4), d = on_row(c / 4);

			if (k) {
				x = rint(x * 4) / 4;
				d = rint(d * 4) / 4;
			}
			stats_check_near("weight", (double)tile->w[c],
					 0.001 * rint(31 * x * d) * direction(c / 4, c % 4), 1e-7);
		}
		mho_tile_destroy(tile);
	}
}

/* Exact, but no cell leaves its bounds, and none is worn. */
static void none_but_bounds(void **state)
{
	struct mho_tech tech = of_type(MHO_PULSES_NONE);
	struct mho_update u = bench_small_update();
	struct mho_tile *tile;
	struct mho_cost cost;

	(void)state;
	tech.w_max_dtod = 0.3f;
	tech.w_min_dtod = 0.3f;
	tech.stuck_max = 0.2f;
	tech.write_noise = 1;
	tile = bench_tile(&tech, 3, 4);
	cost = bench_update(tile, 1, &u);
	assert_int_equal(cost.pulses, 0);
	for (int c = 0; c < 12; c++) {
		if (tile->up[c])
			stats_check_near("weight", (double)tile->w[c],
					 -0.01 * (double)(bench_d[c / 4] * bench_x[c % 4]), 1e-7);
		assert_true(tile->wear[c] == 0 && tile->held[c] == tile->w[c]);
	}
	u.rate = 1000;
	bench_update(tile, 2, &u);
	for (int c = 0; c < 12; c++) {
		uint16_t bound = direction(c / 4, c % 4) > 0 ? tile->max[c] : tile->min[c];

		assert_true(tile->w[c] == mho_tile_half(bound));
	}
	mho_tile_destroy(tile);
}

/* Update-BL management sees a larger error: longer trains, and the mean stays. */
static void larger_errors_count(void **state)
{
	struct mho_tech tech = of_type(MHO_PULSES_STOCHASTIC_COMPRESSED);
	struct mho_update u = bench_small_update();
	struct mho_tile *tile;
	struct stats w = { 0 };

	(void)state;
	tech.update_bl_management = true;
	tech.um_scale = 3;
	tile = bench_tile(&tech, 3, 4);
	for (uint32_t op = 0; op < 4000; op++) {
		memset(tile->w, 0, 12 * sizeof(*tile->w));
		/* k = 3 * 0.01 * 0.5 / 0.001 */
		stats_check_near("time, ns", bench_update(tile, op, &u).ns, 15 * 5, 1e-9);
		stats_add(&w, (double)tile->w[5]);
	}
	stats_check_mean("weight", &w, 0.01 * 0.8 * 0.4);
	mho_tile_destroy(tile);
}

static void half_select_needs_slots(void **state)
{
	struct mho_tech tech = of_type(MHO_PULSES_STOCHASTIC);
	char err[200];

	(void)state;
	tech.field_driven = true;
	tech.half_select = MHO_HALF_SELECT_V2;
	assert_int_equal(mho_tech_check(&tech, err, sizeof(err)), 0);
	tech.pulse_type = MHO_PULSES_MEAN_COUNT;
	assert_int_equal(mho_tech_check(&tech, err, sizeof(err)), -22);
	assert_non_null(strstr(err, "pulse-type"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_in_passes),     cmocka_unit_test(mean_counts),
		cmocka_unit_test(deterministic),       cmocka_unit_test(none_but_bounds),
		cmocka_unit_test(larger_errors_count), cmocka_unit_test(half_select_needs_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
