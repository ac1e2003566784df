/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What every test of a tile needs: technologies without spread, tiles, and
 * operations with their working memory. A failure to allocate fails the test.
 */
#ifndef MHO_TEST_PHYS_BENCH_H
#define MHO_TEST_PHYS_BENCH_H

#include "emulator/phys_tile.h"

/* bench_nominal() - @model with all cells alike and no noise; bounds +-@bound; exact converters. */
struct mho_tech bench_nominal(enum mho_device_model model, float bound);

/* bench_curves() - measured curves for PIECEWISE_STEP: with a bend, and of different lengths. */
void bench_curves(struct mho_tech *tech);

/* bench_tile() - a tile; cells of @tech, weights 0. */
struct mho_tile *bench_tile(const struct mho_tech *tech, uint32_t rows, uint32_t cols);

/* bench_fill() - set all weights to uniform numbers within +-@limit, or to @limit where @same. */
void bench_fill(struct mho_tile *tile, float limit, bool same);

/* bench_uniform() - @n numbers within +-1, a function of @seed. */
void bench_uniform(float *x, size_t n, uint32_t seed);

/* bench_mvm() - the whole operation @op, one vector after the other in memory; cost from 0. */
struct mho_cost bench_mvm(struct mho_tile *tile, uint64_t op, const struct mho_mvm *m);

/* bench_whole() - an MVM over the whole tile. */
struct mho_mvm bench_whole(const struct mho_tile *tile, uint32_t batch, const float *x, float *y);

/* bench_update() - the whole operation @op; cost from 0. */
struct mho_cost bench_update(struct mho_tile *tile, uint64_t op, const struct mho_update *u);

/* bench_pulses() - @count pulses (any number) at every cell. Return: cost. */
struct mho_cost bench_pulses(struct mho_tile *tile, int count);

/* Vectors of the published update statistics: x of 4 columns, d of 3 rows. */
extern const float bench_x[4];
extern const float bench_d[3];

/* bench_small_update() - one pair of them, rate 0.01. */
struct mho_update bench_small_update(void);

/* bench_small_tile() - its 3 x 4 cells, all alike; trains of 31 slots; pulse spread @std. */
struct mho_tile *bench_small_tile(float std);

/* bench_sample() - operation @op on a small tile whose weights are 0 before. */
void bench_sample(struct mho_tile *tile, uint64_t op, const struct mho_update *u);

/* bench_state() - the tile's state, to be freed. */
void *bench_state(const struct mho_tile *tile, size_t *size);

#endif
