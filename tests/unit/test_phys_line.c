// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What lines and drivers do to a product: each effect beside its equation in binary64, both directions
 * of a part of a tile, with several vectors; what is random by its moments.
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

#define ROWS 30
#define COLS 40
#define BATCH 5
#define LONGEST 40

/* A part of the tile, in either direction. */
struct bench {
	struct mho_tile *tile;
	struct mho_mvm m;
	float x[BATCH * LONGEST];
	float y[BATCH * LONGEST];
	uint32_t n_in;
	uint32_t n_out;
};

/* Exact converters, no noise, no scaling: inputs are what the lines get. */
static struct mho_tech plain(void)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);

	tech.out_noise = 0;
	tech.out_bound = 0;
	tech.noise_management = MHO_NM_NONE;
	tech.bound_management = MHO_BM_NONE;
	return tech;
}

static void set_up(struct bench *b, const struct mho_tech *tech, bool transposed)
{
	const struct mho_rect part = { 3, 2, 25, 35 };

	b->tile = bench_tile(tech, ROWS, COLS);
	bench_fill(b->tile, 0.7f, false);
	bench_uniform(b->x, BATCH * LONGEST, 3);
	b->m = bench_whole(b->tile, BATCH, b->x, b->y);
	b->m.rect = part;
	b->m.transposed = transposed;
	b->n_in = transposed ? part.rows : part.cols;
	b->n_out = transposed ? part.cols : part.rows;
	b->m.ldx = b->n_in;
	b->m.ldy = b->n_out;
}

/* Weight between input @j and output @i. */
static double weight(const struct bench *b, uint32_t i, uint32_t j)
{
	uint32_t row = b->m.transposed ? j : i, col = b->m.transposed ? i : j;

	return (double)b->tile->w[(b->m.rect.row + row) * COLS + b->m.rect.col + col];
}

static double product(const struct bench *b, uint32_t v, uint32_t i)
{
	double y = 0;

	for (uint32_t j = 0; j < b->n_in; j++)
		y += weight(b, i, j) * (double)b->x[v * b->n_in + j];
	return y;
}

/* What an effect makes of the product @y of vector @v at output @i. */
typedef double (*effect_fn)(const struct bench *b, uint32_t v, uint32_t i, double y);

static void check_effect(const char *what, const struct mho_tech *tech, effect_fn effect)
{
	for (int transposed = 0; transposed < 2; transposed++) {
		struct bench b;
		double most = 0;

		set_up(&b, tech, transposed);
		bench_mvm(b.tile, 1, &b.m);
		for (uint32_t v = 0; v < BATCH; v++) {
			for (uint32_t i = 0; i < b.n_out; i++) {
				double y = product(&b, v, i), wanted = effect(&b, v, i, y);

				stats_check_near(what, (double)b.y[v * b.n_out + i], wanted, 2e-5);
				most = fmax(most, fabs(wanted - y));
			}
		}
		/* Else nothing was seen. */
		assert_true(most > 1e-3);
		mho_tile_destroy(b.tile);
	}
}

static double drop(const struct bench *b, uint32_t v, uint32_t i, double y)
{
	double c = 0, lost = 0, n = b->n_in;

	for (uint32_t j = 0; j < b->n_in; j++) {
		double x = (double)b->x[v * b->n_in + j], along = 1 - j / n;

		c += fabs(weight(b, i, j)) * fabs(x);
		lost += weight(b, i, j) * x * (1 - along * along);
	}
	c *= n * 0.35 * 5e-6;
	return y -
	       (double)b->tile->tech.ir_drop * (0.05 * c * c * c - 0.2 * c * c + 0.5 * c) * lost;
}

static double series(const struct bench *b, uint32_t v, uint32_t i, double y)
{
	(void)v;
	(void)i;
	return y / (1 + (double)b->tile->tech.series * fabs(y));
}

static double compression(const struct bench *b, uint32_t v, uint32_t i, double y)
{
	(void)v;
	(void)i;
	return y / (1 + (double)b->tile->tech.bend * fabs(y));
}

static double asymmetric_outputs(const struct bench *b, uint32_t v, uint32_t i, double y)
{
	(void)v;
	(void)i;
	return y < 0 ? y * (1 - (double)b->tile->tech.out_asymmetry) : y;
}

static double asymmetric_inputs(const struct bench *b, uint32_t v, uint32_t i, double y)
{
	for (uint32_t j = 0; j < b->n_in; j++) {
		double x = (double)b->x[v * b->n_in + j];

		if (x < 0)
			y -= weight(b, i, j) * x * (double)b->tile->tech.inp_asymmetry;
	}
	return y;
}

static void effects_are_their_equations(void **state)
{
	struct mho_tech tech;

	(void)state;
	tech = plain();
	tech.ir_drop = 300;
	check_effect("IR drop", &tech, drop);
	tech = plain();
	tech.series = 0.1f;
	check_effect("series resistance", &tech, series);
	tech = plain();
	tech.bend = 0.2f;
	check_effect("compression", &tech, compression);
	tech = plain();
	tech.out_asymmetry = 0.1f;
	check_effect("asymmetry of outputs", &tech, asymmetric_outputs);
	tech = plain();
	tech.inp_asymmetry = -0.2f;
	check_effect("asymmetry of inputs", &tech, asymmetric_inputs);
}

/* Drop, then series resistance, then compression, then asymmetry. */
static double all_of_them(const struct bench *b, uint32_t v, uint32_t i, double y)
{
	y = drop(b, v, i, y);
	y = series(b, v, i, y);
	y = compression(b, v, i, y);
	return asymmetric_outputs(b, v, i, y);
}

static void effects_come_in_order(void **state)
{
	struct mho_tech tech = plain();

	(void)state;
	tech.ir_drop = 300;
	tech.series = 0.5f;
	tech.bend = 0.7f;
	tech.out_asymmetry = 0.3f;
	check_effect("all of them", &tech, all_of_them);
}

/* Each output has a factor of its own, always the same, and other ones in the other direction. */
static void constants_of_outputs(void **state)
{
	struct mho_tech tech = plain();
	struct stats offset = { 0 }, bend = { 0 };
	float factor[2][ROWS];

	(void)state;
	tech.v_offset_std = 0.05f;
	for (int transposed = 0; transposed < 2; transposed++) {
		struct bench b;

		set_up(&b, &tech, transposed);
		for (uint64_t op = 1; op < 3; op++) {
			bench_mvm(b.tile, op, &b.m);
			for (uint32_t i = 0; i < 25; i++) {
				float f = (float)((double)b.y[i] / product(&b, 0, i));

				if (op > 1)
					stats_check_near("factor", (double)f,
							 (double)factor[transposed][i], 1e-4);
				factor[transposed][i] = f;
			}
		}
		mho_tile_destroy(b.tile);
	}
	for (uint32_t i = 0; i < 25; i++) {
		stats_add(&offset, (double)factor[0][i] - 1);
		assert_true(factor[0][i] != factor[1][i]);
	}
	stats_check_mean("offset", &offset, 0);
	stats_check_variance("offset", &offset, 0.05 * 0.05, 0);
	tech = plain();
	tech.bend = 0.3f;
	tech.bend_std = 0.2f;
	for (uint64_t k = 0; k < 40; k++) {
		struct mho_tile *tile;
		float y[ROWS], x[COLS] = { 1 };
		struct mho_mvm m;

		assert_int_equal(mho_tile_create(&tech, ROWS, COLS, k, 0, &tile), 0);
		for (uint32_t i = 0; i < ROWS; i++)
			tile->w[i * COLS] = 1;
		m = bench_whole(tile, 1, x, y);
		bench_mvm(tile, 1, &m);
		for (uint32_t i = 0; i < ROWS; i++)
			stats_add(&bend, 1 / (double)y[i] - 1);
		mho_tile_destroy(tile);
	}
	stats_check_mean("compression", &bend, 0.3);
	stats_check_variance("compression", &bend, 0.06 * 0.06, 0);
}

/* ---- noise ---- */

#define READS 4000

/* Variance of outputs of one vector over many reads, beside what is expected; no mean error. */
static void check_noise(const char *what, const struct mho_tech *tech, effect_fn variance)
{
	for (int transposed = 0; transposed < 2; transposed++) {
		struct stats relative = { 0 };
		struct bench b;

		set_up(&b, tech, transposed);
		for (uint64_t op = 0; op < READS / BATCH; op++) {
			bench_mvm(b.tile, op, &b.m);
			for (uint32_t v = 0; v < BATCH; v++) {
				uint32_t i = (uint32_t)op % b.n_out;
				double y = product(&b, v, i);

				stats_add(&relative, ((double)b.y[v * b.n_out + i] - y) /
							     sqrt(variance(&b, v, i, y)));
			}
		}
		stats_check_mean(what, &relative, 0);
		stats_check_variance(what, &relative, 1, 0);
		mho_tile_destroy(b.tile);
	}
}

static double of_inputs(const struct bench *b, uint32_t v, uint32_t i, double y)
{
	double sum = 0, s = (double)b->tile->tech.inp_noise;

	(void)v;
	(void)y;
	for (uint32_t j = 0; j < b->n_in; j++)
		sum += s * s * weight(b, i, j) * weight(b, i, j);
	return sum;
}

static double of_weights(const struct bench *b, uint32_t v, uint32_t i, double y)
{
	double sum = 0, s = (double)b->tile->tech.w_noise;

	(void)y;
	for (uint32_t j = 0; j < b->n_in; j++) {
		double x = (double)b->x[v * b->n_in + j];

		sum += s * s * x * x *
		       (b->tile->tech.w_noise_kind == MHO_WEIGHT_NOISE_PCM ? fabs(weight(b, i, j)) :
									     1);
	}
	return sum;
}

static void noise_has_its_variance(void **state)
{
	struct mho_tech tech;

	(void)state;
	tech = plain();
	tech.inp_noise = 0.03f;
	check_noise("input noise", &tech, of_inputs);
	tech = plain();
	tech.w_noise = 0.02f;
	check_noise("weight noise", &tech, of_weights);
	tech.w_noise_kind = MHO_WEIGHT_NOISE_PCM;
	check_noise("weight noise, pcm", &tech, of_weights);
}

/* ---- rounding by chance ---- */

/* One cell of weight 1: what comes out are the two neighbours, in the right proportion. */
static void check_rounding(const char *what, const struct mho_tech *tech, double x, double step)
{
	struct mho_tile *tile = bench_tile(tech, 1, 1);
	double below = floor(x / step) * step, part = x / step - floor(x / step), up = 0;
	float in = (float)x, out;
	struct mho_mvm m = bench_whole(tile, 1, &in, &out);

	tile->w[0] = 1;
	for (uint64_t op = 0; op < READS; op++) {
		bool high;

		bench_mvm(tile, op, &m);
		high = fabs((double)out - below - step) < 1e-5;
		if (!high)
			stats_check_near(what, (double)out, below, 1e-5);
		up += high;
	}
	stats_check(what, up, READS * part, sqrt(READS * part * (1 - part)) + 1e-3);
	mho_tile_destroy(tile);
}

static void rounding_is_right_on_average(void **state)
{
	struct mho_tech tech = plain();

	(void)state;
	tech.dac_bits = 4;
	tech.dac_stochastic = true;
	check_rounding("DAC", &tech, 0.35, 2.0 / 14);
	check_rounding("DAC, negative", &tech, -0.55, 2.0 / 14);
	check_rounding("DAC, on a step", &tech, 3 * 2.0 / 14 + 1e-7, 2.0 / 14);
	tech = plain();
	tech.adc_bits = 5;
	tech.out_bound = 2;
	tech.adc_stochastic = true;
	check_rounding("ADC", &tech, 0.71, 4.0 / 30);
	check_rounding("ADC, negative", &tech, -0.9, 4.0 / 30);
}

/* ---- scaling ---- */

/* What the first of four inputs @x comes to. */
static double read_first(const struct mho_tech *tech, const float *x)
{
	struct mho_tile *tile = bench_tile(tech, 1, 4);
	struct mho_mvm m;
	float y;

	tile->w[0] = 1;
	m = bench_whole(tile, 1, x, &y);
	bench_mvm(tile, 1, &m);
	mho_tile_destroy(tile);
	return (double)y;
}

/* What is cut off tells the scale. */
static void check_scale(const struct mho_tech *tech, const float *x, double scale)
{
	stats_check_near("scaled", read_first(tech, x), fmax(fmin((double)x[0], scale), -scale),
			 1e-5);
}

static void kinds_of_noise_management(void **state)
{
	static const float mixed[] = { -5, 2, 3, 1 }, negative[] = { -5, -2, -3, -1 };
	static const float large[] = { 50, 20, 30, 40 };
	struct mho_tech tech = plain();

	(void)state;
	tech.noise_management = MHO_NM_MAX;
	check_scale(&tech, mixed, 3);
	check_scale(&tech, negative, 5);
	tech.noise_management = MHO_NM_ABS_MAX;
	tech.nm_cap = 4;
	check_scale(&tech, mixed, 4);
	tech.noise_management = MHO_NM_CONSTANT;
	tech.nm_constant = 2;
	check_scale(&tech, mixed, 2);
	/* 140 * 0.6 / 1 is more than 50: nothing is cut off, but the DAC's steps of a third are 28. */
	tech = plain();
	tech.noise_management = MHO_NM_ABS_MAX_NP_SUM;
	tech.dac_bits = 3;
	tech.out_bound = 1;
	stats_check_near("np sum", read_first(&tech, large), 56, 1e-4);
	tech.out_bound = 100;
	stats_check_near("largest", read_first(&tech, large), 50, 1e-4);
}

/* Weights of 0.6 and inputs of one sign: one repetition is enough, and halving takes more. */
static void worst_case_needs_one_repetition(void **state)
{
	struct mho_tech tech = plain();
	float x[COLS], y[ROWS];
	uint32_t retries[2];

	(void)state;
	tech.noise_management = MHO_NM_ABS_MAX;
	tech.out_bound = 1;
	tech.bm_max_factor = 64;
	for (uint32_t j = 0; j < COLS; j++)
		x[j] = 0.9f;
	for (int k = 0; k < 2; k++) {
		struct mho_tile *tile;
		struct mho_cost cost;
		struct mho_mvm m;

		tech.bound_management = k ? MHO_BM_WORST_CASE : MHO_BM_ITERATIVE;
		tile = bench_tile(&tech, ROWS, COLS);
		bench_fill(tile, 0.59f, true);
		m = bench_whole(tile, 1, x, y);
		cost = bench_mvm(tile, 1, &m);
		retries[k] = (uint32_t)cost.retries;
		assert_int_equal(cost.saturated, 0);
		stats_check_near("product", (double)y[0], 0.59 * 0.9 * COLS, 1e-3);
		mho_tile_destroy(tile);
	}
	assert_int_equal(retries[1], 1);
	assert_true(retries[0] > 3);
}

/* With all that there is the same bits come out however the batch is split. */
static void same_bits_in_parts(void **state)
{
	struct mho_tech tech;
	struct mho_tile *tile;
	static float x[300 * COLS], y[2][300 * ROWS];
	void *scratch;

	(void)state;
	mho_tech_init(&tech);
	tech.dac_stochastic = tech.adc_stochastic = true;
	tech.inp_noise = 0.01f;
	tech.w_noise = 0.01f;
	tech.w_noise_kind = MHO_WEIGHT_NOISE_PCM;
	tech.ir_drop = 1;
	tech.v_offset_std = 0.01f;
	tech.series = 0.01f;
	tech.bend = 0.01f;
	tech.bound_management = MHO_BM_WORST_CASE;
	tile = bench_tile(&tech, ROWS, COLS);
	bench_fill(tile, 0.5f, false);
	bench_uniform(x, 300 * COLS, 8);
	scratch = malloc(mho_tile_mvm_scratch(tile));
	assert_non_null(scratch);
	for (int k = 0; k < 2; k++) {
		struct mho_mvm m = bench_whole(tile, 300, x, y[k]);
		struct mho_cost cost = { 0 };

		if (k) {
			mho_tile_mvm(tile, 7, &m, 128, 172, scratch, &cost);
			mho_tile_mvm(tile, 7, &m, 0, 128, scratch, &cost);
		} else {
			mho_tile_mvm(tile, 7, &m, 0, 300, scratch, &cost);
		}
	}
	assert_memory_equal(y[0], y[1], sizeof(y[0]));
	free(scratch);
	mho_tile_destroy(tile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(effects_are_their_equations),
		cmocka_unit_test(effects_come_in_order),
		cmocka_unit_test(constants_of_outputs),
		cmocka_unit_test(noise_has_its_variance),
		cmocka_unit_test(rounding_is_right_on_average),
		cmocka_unit_test(kinds_of_noise_management),
		cmocka_unit_test(worst_case_needs_one_repetition),
		cmocka_unit_test(same_bits_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
