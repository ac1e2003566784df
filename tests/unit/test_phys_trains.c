// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What pulse trains do to cells, statistically: moments and covariances of an
 * update, and distributions against a slow reference that pulses one by one.
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
#include "phys_reference.h"
#include "phys_stats.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- moments ---- */

#define SAMPLES 100000

/*
 * E dw = -rate d x; Var dw = g^2 BL q (1 + std^2 - q), q = p_x p_d; two cells of a row have
 * Cov = g^2 BL p_x p_x' p_d (1 - p_d) with the sign of the product of the x, and so for a column.
 * p_x = B |x|, p_d = A |d| with A = 0.80322, B = 0.40161.
 */
static void check_moments(float std)
{
	static double sum[12], square[12][12], square2[12][12];
	double a = sqrt(0.01 / (0.001 * 31)) * sqrt(1 / 0.5), b = a * 0.5, n = SAMPLES;
	struct mho_tile *tile = bench_small_tile(std);
	struct mho_update u = bench_small_update();

	memset(sum, 0, sizeof(sum));
	memset(square, 0, sizeof(square));
	memset(square2, 0, sizeof(square2));
	stats_check_near("A", a, 0.80322, 1e-5);
	for (uint32_t s = 0; s < SAMPLES; s++) {
		bench_sample(tile, s, &u);
		for (int c = 0; c < 12; c++) {
			double dw = (double)tile->w[c] +
				    0.01 * (double)(bench_d[c / 4] * bench_x[c % 4]);

			sum[c] += dw;
			for (int e = 0; e <= c; e++) {
				double dv = (double)tile->w[e] +
					    0.01 * (double)(bench_d[e / 4] * bench_x[e % 4]);

				square[c][e] += dw * dv;
				square2[c][e] += dw * dv * dw * dv;
			}
		}
	}
	for (int c = 0; c < 12; c++) {
		double mean_error = sqrt(square[c][c]) / n;

		stats_check("mean", sum[c] / n, 0, mean_error);
		for (int e = 0; e <= c; e++) {
			int i = c / 4, j = c % 4, k = e / 4, l = e % 4;
			double px = b * fabs((double)bench_x[j]), pd = a * fabs((double)bench_d[i]);
			double px2 = b * fabs((double)bench_x[l]),
			       pd2 = a * fabs((double)bench_d[k]);
			double same =
				(bench_d[i] * bench_x[j] < 0) == (bench_d[k] * bench_x[l] < 0) ? 1 :
												 -1;
			double got = square[c][e] / n, expect = 0;
			double error = sqrt((square2[c][e] / n - got * got) / n);

			if (c == e)
				expect = 1e-6 * 31 * px * pd * (1 + (double)(std * std) - px * pd);
			else if (i == k)
				expect = same * 1e-6 * 31 * px * px2 * pd * (1 - pd);
			else if (j == l)
				expect = same * 1e-6 * 31 * pd * pd2 * px * (1 - px);
			stats_check(c == e ? "variance" : "covariance", got, expect, error);
		}
	}
	mho_tile_destroy(tile);
}

static void moments_without_noise(void **state)
{
	(void)state;
	check_moments(0);
}

static void moments_with_noise(void **state)
{
	(void)state;
	check_moments(0.3f);
}

/* More than the trains carry: the largest errors are cut, the others keep their mean. */
static void saturated_trains(void **state)
{
	struct mho_tile *tile = bench_small_tile(0);
	struct mho_update u = bench_small_update();
	double sum[12] = { 0 };

	(void)state;
	u.rate = 0.1f; /* k = 50: d above 0.31 is cut, so that a column of x = 1 gets 31 steps */
	for (uint32_t s = 0; s < 20000; s++) {
		bench_sample(tile, s, &u);
		assert_true(fabsf(tile->w[0] + 0.031f) < 1e-6f);
		for (int c = 0; c < 12; c++)
			sum[c] += (double)tile->w[c];
	}
	for (int c = 0; c < 12; c++) {
		double x = (double)bench_x[c % 4], d = (double)bench_d[c / 4];
		double expect = -0.1 * x * copysign(fmin(fabs(d), 0.31), d);

		/* At most 31 q (1 - q) steps^2 of variance. */
		stats_check("mean", sum[c] / 20000, expect, 0.001 * sqrt(31 * 0.25 / 20000) + 1e-8);
	}
	mho_tile_destroy(tile);
}

/* Update-BL management: as many slots as the largest product needs, and the mean stays. */
static void short_trains(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);
	struct mho_tile *tile = bench_tile(&tech, 3, 4);
	struct mho_update u = bench_small_update();
	struct stats s = { 0 };

	(void)state;
	u.rate = 0.0071f; /* k = 3.55 */
	for (uint32_t op = 0; op < 50000; op++) {
		memset(tile->w, 0, 12 * sizeof(*tile->w));
		stats_check_near("device time", bench_update(tile, op, &u).ns, 4 * 5, 1e-9);
		stats_add(&s, (double)tile->w[5]);
	}
	stats_check_mean("mean", &s, 0.0071 * 0.8 * 0.4);
	u.rate = 1e-9f;
	stats_check_near("device time", bench_update(tile, 1, &u).ns, 5, 1e-9);
	u.rate = 0.5f;
	stats_check_near("device time", bench_update(tile, 1, &u).ns, 31 * 5, 1e-9);
	u.train_length = 200;
	stats_check_near("device time", bench_update(tile, 1, &u).ns, 200 * 5, 1e-9);
	mho_tile_destroy(tile);
}

/* ---- distributions ---- */

#define DRAWS 10000

enum {
	RELATIVE = MHO_PULSE_MULTIPLICATIVE,
	ADDITIVE = MHO_PULSE_ADDITIVE,
	PROTONS = MHO_PULSE_PROTONS
};

struct scene {
	const char *name;
	enum mho_device_model model;
	float std;
	float dw;
	float start; /* of all weights */
	float rate;
	uint32_t train;
	int noise;
};

/* Emulator and reference from the same weights, one update each time; cell by cell the same law. */
static void compare(const struct scene *s)
{
	struct mho_tech tech = bench_nominal(s->model, 0.5f);
	struct mho_update u = bench_small_update();
	struct ref_random r;
	struct mho_tile *tile;
	bool straight = s->model <= MHO_MODEL_SOFT_BOUNDS && s->noise == RELATIVE;
	/* The others take longer. */
	uint32_t draws = straight ? DRAWS : DRAWS / 4;
	double *ours = malloc(12 * draws * sizeof(double));
	double *theirs = malloc(12 * draws * sizeof(double));
	double x[4], d[3], pulses = 0;

	tech.dw_min_std = s->std;
	tech.dw_min = s->dw;
	tech.gamma_up = 0.5f;
	tech.gamma_down = 0.25f;
	tech.pow_up = 1.5f;
	tech.pow_down = 0.8f;
	tech.reference = 0.05f;
	tech.noise_add = 1e-4f;
	tech.noise_slope = 5e-4f;
	tech.pulse_noise = s->noise;
	tile = bench_tile(&tech, 3, 4);
	u.rate = s->rate;
	u.train_length = s->train;
	for (int j = 0; j < 4; j++)
		x[j] = (double)bench_x[j];
	for (int i = 0; i < 3; i++)
		d[i] = (double)bench_d[i];
	ref_seed(&r, 42);
	for (uint32_t n = 0; n < draws; n++) {
		double w[12];

		for (int c = 0; c < 12; c++) {
			tile->w[c] = s->start;
			w[c] = (double)s->start;
		}
		pulses += (double)bench_update(tile, n, &u).pulses;
		pulses -= (double)ref_update(&tech, w, 3, 4, x, d, (double)s->rate, (int)s->train,
					     &r);
		for (int c = 0; c < 12; c++) {
			ours[c * draws + n] = (double)tile->w[c];
			theirs[c * draws + n] = w[c];
		}
	}
	for (int c = 0; c < 12; c++)
		stats_ks_same(s->name, ours + c * draws, draws, theirs + c * draws, draws);
	/* Pulses of the 12 cells: variance at most that of trains that all have the same bits. */
	stats_check(s->name, pulses / draws, 0, 12 * sqrt(2.0 * s->train * 0.25 / draws));
	mho_tile_destroy(tile);
	free(ours);
	free(theirs);
}

static void distributions_are_those_of_single_pulses(void **state)
{
	static const struct scene scenes[] = {
		{ "constant step", MHO_MODEL_CONSTANT_STEP, 0.3f, 0.001f, 0, 0.05f, 31, RELATIVE },
		{ "constant step, no noise", MHO_MODEL_CONSTANT_STEP, 0, 0.001f, 0, 0.05f, 31,
		  RELATIVE },
		{ "constant step near a bound", MHO_MODEL_CONSTANT_STEP, 0.3f, 0.001f, 0.495f,
		  0.05f, 31, RELATIVE },
		{ "constant step, wild, near a bound", MHO_MODEL_CONSTANT_STEP, 2, 0.001f, 0.495f,
		  0.05f, 31, RELATIVE },
		{ "constant step, few pulses", MHO_MODEL_CONSTANT_STEP, 0.3f, 0.001f, 0, 0.002f, 31,
		  RELATIVE },
		{ "linear step", MHO_MODEL_LINEAR_STEP, 0.3f, 0.001f, 0.2f, 0.05f, 31, RELATIVE },
		{ "linear step near a bound", MHO_MODEL_LINEAR_STEP, 0.3f, 0.001f, 0.495f, 0.05f,
		  31, RELATIVE },
		{ "soft bounds", MHO_MODEL_SOFT_BOUNDS, 0.3f, 0.001f, 0, 0.05f, 31, RELATIVE },
		{ "soft bounds near a bound", MHO_MODEL_SOFT_BOUNDS, 0.3f, 0.001f, 0.45f, 0.05f, 31,
		  RELATIVE },
		{ "soft bounds, long trains", MHO_MODEL_SOFT_BOUNDS, 0.3f, 0.004f, -0.2f, 0.8f, 200,
		  RELATIVE },
		{ "soft bounds, large steps", MHO_MODEL_SOFT_BOUNDS, 0.3f, 0.05f, 0.1f, 2, 31,
		  RELATIVE },
		{ "soft bounds, reference", MHO_MODEL_SOFT_BOUNDS_REFERENCE, 0.3f, 0.002f, 0.2f,
		  0.05f, 31, RELATIVE },
		{ "soft bounds, reference, at a bound", MHO_MODEL_SOFT_BOUNDS_REFERENCE, 0.3f,
		  0.002f, 0.44f, 0.05f, 31, RELATIVE },
		{ "exponential", MHO_MODEL_EXP_STEP, 0.3f, 0.001f, 0.1f, 0.05f, 31, RELATIVE },
		{ "exponential near a bound", MHO_MODEL_EXP_STEP, 0.3f, 0.001f, 0.48f, 0.05f, 31,
		  RELATIVE },
		{ "exponential near the other", MHO_MODEL_EXP_STEP, 0.3f, 0.001f, -0.48f, 0.05f, 31,
		  RELATIVE },
		{ "exponential, wild", MHO_MODEL_EXP_STEP, 2, 0.001f, 0.3f, 0.05f, 31, RELATIVE },
		{ "power", MHO_MODEL_POW_STEP, 0.3f, 0.002f, 0.1f, 0.05f, 31, RELATIVE },
		{ "power near a bound", MHO_MODEL_POW_STEP, 0.3f, 0.002f, 0.48f, 0.05f, 31,
		  RELATIVE },
		{ "power near the other", MHO_MODEL_POW_STEP, 0.3f, 0.002f, -0.48f, 0.05f, 31,
		  RELATIVE },
		{ "power, large steps", MHO_MODEL_POW_STEP, 0.3f, 0.05f, -0.1f, 2, 31, RELATIVE },
		{ "power, reference", MHO_MODEL_POW_STEP_REFERENCE, 0.3f, 0.002f, 0.1f, 0.05f, 31,
		  RELATIVE },
		{ "piecewise", MHO_MODEL_PIECEWISE_STEP, 0.3f, 0.001f, 0.16f, 0.05f, 31, RELATIVE },
		{ "piecewise near a bound", MHO_MODEL_PIECEWISE_STEP, 0.3f, 0.001f, 0.49f, 0.05f,
		  31, RELATIVE },
		{ "constant step, additive", MHO_MODEL_CONSTANT_STEP, 0.3f, 0.001f, 0.1f, 0.05f, 31,
		  ADDITIVE },
		{ "soft bounds, additive", MHO_MODEL_SOFT_BOUNDS, 0.3f, 0.002f, 0.49f, 0.05f, 31,
		  ADDITIVE },
		{ "soft bounds, reference, additive", MHO_MODEL_SOFT_BOUNDS_REFERENCE, 0.3f, 0.002f,
		  0.4f, 0.05f, 31, ADDITIVE },
		{ "linear step, additive", MHO_MODEL_LINEAR_STEP, 0.3f, 0.001f, 0.2f, 0.05f, 31,
		  ADDITIVE },
		{ "power, additive", MHO_MODEL_POW_STEP, 0.3f, 0.001f, 0.2f, 0.05f, 31, ADDITIVE },
		{ "constant step, protons", MHO_MODEL_CONSTANT_STEP, 0.3f, 0.001f, 0.1f, 0.05f, 31,
		  PROTONS },
		{ "constant step, protons near a bound", MHO_MODEL_CONSTANT_STEP, 0.3f, 0.001f,
		  0.49f, 0.05f, 31, PROTONS },
		{ "constant step, protons, few pulses", MHO_MODEL_CONSTANT_STEP, 0.3f, 0.001f, 0,
		  0.002f, 31, PROTONS },
		{ "linear step, protons", MHO_MODEL_LINEAR_STEP, 0, 0.002f, 0.2f, 0.05f, 31,
		  PROTONS },
		{ "soft bounds, protons, one by one", MHO_MODEL_SOFT_BOUNDS, 0.3f, 0.05f, 0.1f, 2,
		  31, PROTONS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		compare(&scenes[i]);
}

/* The spread of many pulses of the same cell, without the spread of trains over it. */
static void spreads_add_up(void **state)
{
	enum {
		SIDE = 128,
		CELLS = SIDE * SIDE
	};
	static double ours[CELLS], theirs[CELLS];
	struct ref_random r;

	(void)state;
	ref_seed(&r, 7);
	for (int k = 0; k < 2 * MHO_MODELS; k++) {
		struct mho_tech tech = bench_nominal(k / 2, 0.5f);
		struct stats a = { 0 }, b = { 0 };
		struct mho_tile *tile;

		tech.dw_min_std = 0.3f;
		tech.dw_min = 0.004f;
		tech.gamma_up = tech.gamma_down = 0.5f;
		if (tech.model == MHO_MODEL_IDEAL)
			continue;
		tech.pulse_noise = k % 2 ? MHO_PULSE_PROTONS : MHO_PULSE_MULTIPLICATIVE;
		tile = bench_tile(&tech, SIDE, SIDE);
		bench_fill(tile, -0.2f, true);
		bench_pulses(tile, 31);
		for (int c = 0; c < CELLS; c++) {
			double w = (double)-0.2f;

			for (int n = 0; n < 31; n++)
				w = ref_pulse(&tech, w, 1, &r);
			stats_add(&a, ours[c] = (double)tile->w[c]);
			stats_add(&b, theirs[c] = w);
		}
		stats_check("mean", a.mean, b.mean, sqrt(2 * stats_variance(&b) / CELLS));
		stats_check("variance", stats_variance(&a) / stats_variance(&b), 1,
			    sqrt(4.0 / CELLS));
		stats_ks_same("weights", ours, CELLS, theirs, CELLS);
		mho_tile_destroy(tile);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_without_noise),
		cmocka_unit_test(moments_with_noise),
		cmocka_unit_test(saturated_trains),
		cmocka_unit_test(short_trains),
		cmocka_unit_test(distributions_are_those_of_single_pulses),
		cmocka_unit_test(spreads_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
