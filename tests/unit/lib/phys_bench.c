// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What every test of a tile needs; see phys_bench.h.
 */
#include "phys_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct mho_tech bench_nominal(enum mho_device_model model, float bound)
{
	struct mho_tech tech;

	mho_tech_init(&tech);
	tech.model = model;
	tech.w_max = bound;
	tech.w_min = -bound;
	tech.w_max_dtod = 0;
	tech.w_min_dtod = 0;
	tech.dw_min_dtod = 0;
	tech.dw_min_std = 0;
	tech.up_down_dtod = 0;
	tech.gamma_dtod = 0;
	tech.pow_dtod = 0;
	bench_curves(&tech);
	tech.dac_bits = 0;
	tech.adc_bits = 0;
	tech.out_noise = 0;
	return tech;
}

void bench_curves(struct mho_tech *tech)
{
	tech->curve_up = (struct mho_curve){ 4, { 1.5f, 1.2f, 0.8f, 0.1f } };
	tech->curve_down = (struct mho_curve){ 3, { 0.2f, 1, 1.4f } };
}

struct mho_tile *bench_tile(const struct mho_tech *tech, uint32_t rows, uint32_t cols)
{
	struct mho_tile *tile;

	assert_int_equal(mho_tile_create(tech, rows, cols, 20260101, 7, &tile), 0);
	return tile;
}

void bench_uniform(float *x, size_t n, uint32_t seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 0x1234567;

	for (size_t i = 0; i < n; i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		x[i] = (float)(int32_t)(state >> 32) * 0x1p-31f;
	}
}

void bench_fill(struct mho_tile *tile, float limit, bool same)
{
	size_t n = (size_t)tile->rows * tile->cols;

	bench_uniform(tile->w, n, 99);
	for (size_t i = 0; i < n; i++)
		tile->w[i] = same ? limit : tile->w[i] * limit;
}

static void *aligned(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) / 64 * 64);

	assert_non_null(p);
	return p;
}

struct mho_mvm bench_whole(const struct mho_tile *tile, uint32_t batch, const float *x, float *y)
{
	return (struct mho_mvm){
		.rect = { 0, 0, tile->rows, tile->cols },
		.batch = batch,
		.x = x,
		.ldx = tile->cols,
		.y = y,
		.ldy = tile->rows,
		.x_scale = 1,
		.y_scale = 1,
	};
}

struct mho_cost bench_mvm(struct mho_tile *tile, uint64_t op, const struct mho_mvm *m)
{
	void *scratch = aligned(mho_tile_mvm_scratch(tile));
	struct mho_cost cost = { 0 };

	mho_tile_mvm(tile, op, m, 0, m->batch, scratch, &cost);
	free(scratch);
	return cost;
}

struct mho_cost bench_update(struct mho_tile *tile, uint64_t op, const struct mho_update *u)
{
	void *plan = aligned(mho_tile_update_plan(tile, u));
	struct mho_cost cost = { 0 };

	mho_tile_update_prepare(tile, op, u, plan, &cost);
	mho_tile_update_rows(tile, op, u, plan, 0, u->rect.rows, &cost);
	free(plan);
	return cost;
}

struct mho_cost bench_pulses(struct mho_tile *tile, int count)
{
	size_t n = (size_t)tile->rows * tile->cols;
	struct mho_rect all = { 0, 0, tile->rows, tile->cols };
	int8_t *counts = malloc(n);
	struct mho_cost cost = { 0 };

	assert_non_null(counts);
	while (count) {
		int now = count > 127 ? 127 : count < -127 ? -127 : count;

		memset(counts, now, n);
		mho_tile_pulse(tile, mho_tile_begin_op(tile), &all, counts, tile->cols, &cost);
		count -= now;
	}
	free(counts);
	return cost;
}

const float bench_x[4] = { 1, 0.8f, -0.6f, 0.4f };
const float bench_d[3] = { 0.5f, -0.4f, 0.3f };

struct mho_update bench_small_update(void)
{
	return (struct mho_update){ .rect = { 0, 0, 3, 4 },
				    .batch = 1,
				    .x = bench_x,
				    .ldx = 4,
				    .d = bench_d,
				    .ldd = 3,
				    .x_scale = 1,
				    .d_scale = 1,
				    .rate = 0.01f };
}

struct mho_tile *bench_small_tile(float std)
{
	struct mho_tech tech = bench_nominal(MHO_MODEL_CONSTANT_STEP, 1);

	tech.dw_min_std = std;
	tech.update_bl_management = false;
	return bench_tile(&tech, 3, 4);
}

void bench_sample(struct mho_tile *tile, uint64_t op, const struct mho_update *u)
{
	memset(tile->w, 0, 12 * sizeof(*tile->w));
	bench_update(tile, op, u);
}

void *bench_state(const struct mho_tile *tile, size_t *size)
{
	void *state;

	*size = mho_tile_state_size(tile);
	state = malloc(*size);
	assert_non_null(state);
	mho_tile_state_save(tile, state);
	return state;
}
