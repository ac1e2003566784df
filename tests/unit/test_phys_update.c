// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The rank-1 update by pulse trains: the same bits however the rows are split,
 * time and energy, and numbers at the edge of what binary32 holds. Its statistics
 * are in test_phys_trains.c.
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

/* ---- determinism ---- */

#define ROWS 61
#define COLS 139
#define BATCH 7

struct vectors {
	float x[BATCH * COLS];
	float d[BATCH * ROWS];
	struct mho_update u;
};

static void make_vectors(struct vectors *v)
{
	bench_uniform(v->x, BATCH * COLS, 1);
	bench_uniform(v->d, BATCH * ROWS, 2);
	v->u = (struct mho_update){ .rect = { 3, 5, ROWS - 4, COLS - 7 },
				    .batch = BATCH,
				    .x = v->x,
				    .ldx = COLS,
				    .d = v->d,
				    .ldd = ROWS,
				    .x_scale = 1.5f,
				    .d_scale = -0.5f,
				    .rate = 0.02f };
}

static struct mho_tile *default_tile(enum mho_device_model model)
{
	struct mho_tech tech;

	mho_tech_init(&tech);
	tech.model = model;
	tech.gamma_up = 0.3f;
	bench_curves(&tech);
	return bench_tile(&tech, ROWS, COLS);
}

struct band {
	struct mho_tile *tile;
	const struct mho_update *u;
	const void *plan;
	uint32_t first;
	uint32_t count;
	struct mho_cost cost;
};

static void *pulse_band(void *arg)
{
	struct band *b = arg;

	mho_tile_update_rows(b->tile, 9, b->u, b->plan, b->first, b->count, &b->cost);
	return NULL;
}

/* @height rows a part, each part on a thread of its own, the last first. */
static uint64_t update_in_bands(struct mho_tile *tile, const struct mho_update *u, uint32_t height)
{
	size_t size = mho_tile_update_plan(tile, u);
	void *plan = aligned_alloc(64, (size + 63) / 64 * 64);
	struct band bands[ROWS];
	pthread_t threads[ROWS];
	uint32_t n = (u->rect.rows + height - 1) / height;
	struct mho_cost cost = { 0 };

	mho_tile_update_prepare(tile, 9, u, plan, &cost);
	for (uint32_t i = n; i-- > 0;) {
		uint32_t left = u->rect.rows - i * height;

		bands[i] = (struct band){ .tile = tile,
					  .u = u,
					  .plan = plan,
					  .first = i * height,
					  .count = left < height ? left : height };
		assert_int_equal(pthread_create(&threads[i], NULL, pulse_band, &bands[i]), 0);
	}
	for (uint32_t i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		mho_cost_add(&cost, &bands[i].cost);
	}
	free(plan);
	return cost.pulses;
}

static void splits_do_not_matter(void **state)
{
	static const uint32_t heights[] = { 1, 2, 7, 32 };
	static struct vectors v;

	(void)state;
	make_vectors(&v);
	for (int model = MHO_MODEL_IDEAL; model < MHO_MODELS; model++) {
		struct mho_tile *whole = default_tile(model);
		uint64_t pulses = update_in_bands(whole, &v.u, ROWS);

		for (size_t i = 0; i < ARRAY_SIZE(heights); i++) {
			struct mho_tile *split = default_tile(model);

			assert_int_equal(update_in_bands(split, &v.u, heights[i]), pulses);
			assert_memory_equal(whole->w, split->w, sizeof(float) * ROWS * COLS);
			assert_memory_equal(whole->wear, split->wear,
					    sizeof(uint32_t) * ROWS * COLS);
			mho_tile_destroy(split);
		}
		mho_tile_destroy(whole);
	}
}

/* Only the rectangle's cells change; wear adds up to the pulses that are reported. */
static void rectangles(void **state)
{
	static struct vectors v;

	(void)state;
	make_vectors(&v);
	for (int model = MHO_MODEL_IDEAL; model < MHO_MODELS; model++) {
		struct mho_tile *tile = default_tile(model);
		struct mho_cost cost = bench_update(tile, 1, &v.u);
		const struct mho_rect *r = &v.u.rect;
		struct mho_wear wear;

		mho_tile_wear_stats(tile, NULL, &wear);
		assert_int_equal(wear.total, cost.pulses);
		assert_true(model == MHO_MODEL_IDEAL ? !cost.pulses : cost.pulses > 0);
		for (uint32_t i = 0; i < ROWS; i++) {
			for (uint32_t j = 0; j < COLS; j++) {
				bool inside = i >= r->row && i < r->row + r->rows && j >= r->col &&
					      j < r->col + r->cols;

				if (!inside)
					assert_true(mho_tile_peek(tile, i, j) == 0);
			}
		}
		mho_tile_destroy(tile);
	}
}

/* Operations, vectors and attempts have noise of their own: nothing repeats. */
static void operations_differ(void **state)
{
	struct mho_tile *a = bench_small_tile(0.3f), *b = bench_small_tile(0.3f);
	float x[8], d[6];
	struct mho_update u = bench_small_update();

	(void)state;
	bench_sample(a, 1, &u);
	bench_sample(b, 2, &u);
	assert_memory_not_equal(a->w, b->w, sizeof(float) * 12);
	bench_sample(b, 1ULL << 33 | 1, &u);
	assert_memory_not_equal(a->w, b->w, sizeof(float) * 12);
	bench_sample(b, 1, &u);
	assert_memory_equal(a->w, b->w, sizeof(float) * 12);
	/* The same vector twice in a batch is not twice the same update. */
	for (int i = 0; i < 8; i++)
		x[i] = bench_x[i % 4];
	for (int i = 0; i < 6; i++)
		d[i] = bench_d[i % 3];
	u.x = x;
	u.d = d;
	u.batch = 2;
	bench_sample(b, 1, &u);
	for (int i = 0; i < 12; i++)
		assert_true(b->w[i] != 2 * a->w[i]);
	mho_tile_destroy(a);
	mho_tile_destroy(b);
}

/*
 * Lines that are driven in every slot show the other side's trains: were those of the two
 * vectors of a batch the same, all sums would be even.
 */
static void vectors_have_trains_of_their_own(void **state)
{
	struct mho_tile *tile = bench_small_tile(0);
	float x[8], d[6];
	struct mho_update u = bench_small_update();
	int odd_columns = 0, odd_rows = 0;

	(void)state;
	for (int i = 0; i < 8; i++)
		x[i] = bench_x[i % 4];
	for (int i = 0; i < 6; i++)
		d[i] = bench_d[i % 3];
	u.x = x;
	u.d = d;
	u.batch = 2;
	u.rate = 0.1f; /* p_x[0] and p_d[0] are 1, p_x[1] = 0.8, p_d[2] = 0.97 */
	for (uint32_t op = 0; op < 100; op++) {
		bench_sample(tile, op, &u);
		assert_true(lrintf(tile->w[0] * 1000) == -62);
		odd_columns += (int)(lrintf(tile->w[1] * 1000) & 1);
		odd_rows += (int)(lrintf(tile->w[8] * 1000) & 1);
	}
	assert_true(odd_columns > 20 && odd_columns < 80);
	assert_true(odd_rows > 10 && odd_rows < 80);
	mho_tile_destroy(tile);
}

/* ---- exact update ---- */

static void ideal_update_is_exact(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_IDEAL, 0.6f);
	struct mho_tile *tile = bench_tile(&tech, ROWS, COLS);
	static struct vectors v;

	(void)state;
	make_vectors(&v);
	bench_update(tile, 1, &v.u);
	for (uint32_t i = 0; i < v.u.rect.rows; i++) {
		for (uint32_t j = 0; j < v.u.rect.cols; j++) {
			double w = 0;

			for (int b = 0; b < BATCH; b++)
				w += 0.02 * 0.75 * (double)v.d[b * ROWS + i] *
				     (double)v.x[b * COLS + j];
			stats_check_near("weight", (double)mho_tile_peek(tile, 3 + i, 5 + j), w,
					 1e-7);
		}
	}
	v.u.rate = 100;
	bench_update(tile, 2, &v.u);
	for (uint32_t i = 0; i < v.u.rect.rows; i++)
		assert_true(fabsf(mho_tile_peek(tile, 3 + i, 5)) <= 0.6f);
	mho_tile_destroy(tile);
}

/* ---- time and energy ---- */

/* Every line driven in every slot: all cells get all pulses, so that nothing is random. */
static void time_and_energy(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 100);
	struct mho_tile *tile;
	float x[10], d[6];
	struct mho_update u = { .rect = { 1, 2, 6, 10 },
				.batch = 1,
				.x = x,
				.ldx = 10,
				.d = d,
				.ldd = 6,
				.x_scale = 1,
				.d_scale = 1,
				.rate = 1 };
	struct mho_cost cost;
	double lone;

	(void)state;
	tech.dw_min = 1 / 32.0f;
	tech.ion_j = 15e-18;
	tile = bench_tile(&tech, 8, 16);
	for (int j = 0; j < 10; j++)
		x[j] = 1;
	for (int i = 0; i < 6; i++)
		d[i] = 1;
	cost = bench_update(tile, 1, &u);
	assert_int_equal(cost.pulses, 31 * 60);
	stats_check_near("time, ns", cost.ns, 31 * 5, 1e-9);
	/* Lines cross the whole tile: 10 columns meet 2 more rows, 6 rows 6 more columns. */
	lone = 31 * (10 * 2 + 6 * 6) * 0.625;
	stats_check_near("energy, fJ", cost.fj, 31 * 60 * 2.515 + lone, 1e-3);
	stats_check_near("weight", (double)mho_tile_peek(tile, 1, 2), -31 / 32.0, 1e-6);
	mho_tile_destroy(tile);
}

/* ---- edges ---- */

static const float extremes[] = { 0, -0.0f, 1e-45f, 1e-40f, 1e-30f, 1, 1e10f, 1e30f, FLT_MAX };

/* Any finite numbers: weights stay finite, in bounds and move in the right direction. */
static void extreme_numbers(void **state)
{
	const size_t n = ARRAY_SIZE(extremes);

	(void)state;
	for (int model = MHO_MODEL_IDEAL; model < MHO_MODELS; model++) {
		struct mho_tech tech = bench_nominal(model, 0.5f);
		struct mho_tile *tile;

		tech.gamma_up = tech.gamma_down = 0.5f;
		tile = bench_tile(&tech, 2, 3);
		for (size_t k = 0; k < n * n * n * n; k++) {
			float big = extremes[k % n], scale = extremes[k / n % n];
			float x[] = { big, -big, 0 }, d[] = { extremes[k / n / n % n], 0 };
			struct mho_update u = { .rect = { 0, 0, 2, 3 },
						.batch = 1,
						.x = x,
						.ldx = 3,
						.d = d,
						.ldd = 2,
						.x_scale = scale,
						.d_scale = -scale,
						.rate = extremes[k / n / n / n] };
			double product = (double)big * (double)d[0] * (double)scale *
					 (double)scale * (double)u.rate;

			bench_fill(tile, 0, true);
			bench_update(tile, k, &u);
			/* d_scale is negative: towards the product. */
			assert_true(tile->w[0] >= 0 && tile->w[0] <= 0.5f);
			assert_true(tile->w[1] <= 0 && tile->w[1] >= -0.5f);
			assert_true(tile->w[2] == 0 && tile->w[3] == 0 && tile->w[5] == 0);
			if (product > 0.031 && big > 1e-35f && d[0] > 1e-35f)
				assert_true(tile->w[0] >= 20 * tile->granularity &&
					    tile->w[1] <= -20 * tile->granularity);
		}
		mho_tile_destroy(tile);
	}
}

/* Two vectors whose products overflow in opposite directions are clipped one after the other. */
static void opposite_overflows(void **state)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_IDEAL, 0.5f);
	struct mho_tile *tile = bench_tile(&tech, 1, 1);
	float x[] = { FLT_MAX, FLT_MAX }, d[] = { -FLT_MAX, FLT_MAX };
	struct mho_update u = { .rect = { 0, 0, 1, 1 },
				.batch = 2,
				.x = x,
				.ldx = 1,
				.d = d,
				.ldd = 1,
				.x_scale = 1,
				.d_scale = 1,
				.rate = 1 };

	(void)state;
	bench_update(tile, 1, &u);
	assert_true(mho_tile_peek(tile, 0, 0) == -0.5f);
	mho_tile_destroy(tile);
}

static void nothing_to_do(void **state)
{
	struct mho_tile *tile = bench_small_tile(0.3f);
	static const float zeros[12];
	struct mho_update u = bench_small_update();
	struct mho_cost cost;

	(void)state;
	for (int k = 0; k < 4; k++) {
		u = bench_small_update();
		u.x = k == 0 ? zeros : bench_x;
		u.d = k == 1 ? zeros : bench_d;
		u.rate = k == 2 ? 0 : u.rate;
		u.d_scale = k == 3 ? 0 : 1;
		cost = bench_update(tile, (uint64_t)k, &u);
		assert_true(cost.pulses == 0 && cost.ns == 0 && cost.fj == 0);
		assert_memory_equal(tile->w, zeros, sizeof(zeros));
	}
	mho_tile_destroy(tile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_do_not_matter),
		cmocka_unit_test(rectangles),
		cmocka_unit_test(operations_differ),
		cmocka_unit_test(vectors_have_trains_of_their_own),
		cmocka_unit_test(ideal_update_is_exact),
		cmocka_unit_test(time_and_energy),
		cmocka_unit_test(extreme_numbers),
		cmocka_unit_test(opposite_overflows),
		cmocka_unit_test(nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
