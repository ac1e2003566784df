// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * UPDATE: batched rank-1 updates by pulse trains. The batch is done in steps, each
 * an operation of the tiles; within a step first every block's trains are
 * prepared, then bands of rows of all blocks are pulsed in parallel.
 */
#include <string.h>

#include "emulator/exec.h"
#include "emulator/objects.h"

/* Pairs of a step: cancelling and progress are noticed so often. */
#define STEP_MAX 64
/* Rows that one part pulses. */
#define BAND 32

struct update_step {
	struct mho_exec *x;
	const float *xs;
	const float *ds;
	uint32_t pairs;
	uint32_t bands; /* of the tallest block */
	uint8_t *plans;
	size_t plan_size;
	uint64_t *ops; /* of each block */
	struct mho_cost *costs; /* of each block, then of each band of each block */
};

struct update_job {
	struct mho_job job;
	struct update_step *s;
};

static struct mho_update update_of(const struct update_step *s, const struct mho_block *b)
{
	const struct mho_cmd *cmd = s->x->cmd;

	return (struct mho_update){
		.rect = { .rows = b->rows, .cols = b->cols },
		.batch = s->pairs,
		.x = s->xs + b->col,
		.ldx = cmd->a.len,
		.d = s->ds + b->row,
		.ldd = cmd->b.len,
		.x_scale = cmd->a.scale,
		.d_scale = cmd->b.scale,
		.rate = cmd->rate,
		.train_length = cmd->limit ? cmd->limit : s->x->tech->train_length,
	};
}

static void prepare_part(struct mho_job *job, unsigned int part, struct mho_worker *w)
{
	struct update_step *s = mho_container_of(job, struct update_job, job)->s;
	const struct mho_block *b = &s->x->array->blocks[part];
	struct mho_update u = update_of(s, b);

	(void)w;
	mho_tile_update_prepare(b->tile->phys, s->ops[part], &u, s->plans + part * s->plan_size,
				&s->costs[part]);
}

static void pulse_part(struct mho_job *job, unsigned int part, struct mho_worker *w)
{
	struct update_step *s = mho_container_of(job, struct update_job, job)->s;
	uint32_t block = part / s->bands, first = part % s->bands * BAND;
	const struct mho_block *b = &s->x->array->blocks[block];
	struct mho_update u = update_of(s, b);

	(void)w;
	if (first >= b->rows)
		return;
	mho_tile_update_rows(b->tile->phys, s->ops[block], &u, s->plans + block * s->plan_size,
			     first, b->rows - first < BAND ? b->rows - first : BAND,
			     &s->costs[mho_array_blocks(s->x->array) + part]);
}

static void run_step(struct mho_worker *w, struct update_step *s, struct mho_cost *total)
{
	const struct mho_array *a = s->x->array;
	uint32_t blocks = mho_array_blocks(a), i, j;
	struct update_job prepare = { .job = { .run = prepare_part, .parts = blocks }, .s = s };
	struct update_job pulse = { .job = { .run = pulse_part, .parts = blocks * s->bands },
				    .s = s };

	for (i = 0; i < blocks; i++)
		s->ops[i] = mho_tile_begin_op(a->blocks[i].tile->phys);
	memset(s->costs, 0, blocks * (1 + s->bands) * sizeof(*s->costs));
	mho_parallel(w, &prepare.job);
	mho_parallel(w, &pulse.job);
	for (i = 0; i < blocks; i++) {
		mho_cost_add(&total[i], &s->costs[i]);
		for (j = 0; j < s->bands; j++)
			mho_cost_add(&total[i], &s->costs[blocks + i * s->bands + j]);
	}
}

/* Pairs of a step: follows from the shape alone. */
static uint32_t step_size(const struct mho_cmd *cmd)
{
	uint64_t pair = ((uint64_t)cmd->a.len + cmd->b.len) * sizeof(float);
	uint64_t n = MHO_STEP_BYTES / pair;

	n = n < 1 ? 1 : n > STEP_MAX ? STEP_MAX : n;
	return n < cmd->batch ? (uint32_t)n : cmd->batch;
}

static size_t largest_plan(const struct update_step *s)
{
	size_t most = 0;
	uint32_t i;

	for (i = 0; i < mho_array_blocks(s->x->array); i++) {
		const struct mho_block *b = &s->x->array->blocks[i];
		struct mho_update u = update_of(s, b);
		size_t n = mho_tile_update_plan(b->tile->phys, &u);

		most = n > most ? n : most;
	}
	return (most + 63) & ~(size_t)63;
}

/* Load a step's operands; of a long batch all was looked at before. */
static bool load(struct mho_exec *x, const struct mho_view *xv, const struct mho_view *dv,
		 uint32_t first, uint32_t n, float *xs, float *ds, enum mho_load mode)
{
	return !mho_exec_load(x, xv, false, first, n, xs, mode) &&
	       !mho_exec_load(x, dv, true, first, n, ds, mode);
}

static bool check_long(struct mho_exec *x, const struct mho_view *xv, const struct mho_view *dv,
		       uint32_t step, float *xs, float *ds)
{
	uint32_t first, n;

	for (first = 0; first < x->cmd->batch; first += n) {
		n = x->cmd->batch - first < step ? x->cmd->batch - first : step;
		if (!load(x, xv, dv, first, n, xs, ds, MHO_LOAD_REFUSE))
			return false;
	}
	return true;
}

static bool allocate(struct mho_worker *w, struct update_step *s, struct mho_cost **total)
{
	struct mho_cmd *cmd = s->x->cmd;
	uint32_t blocks = mho_array_blocks(s->x->array);
	size_t costs = (size_t)blocks * (2 + s->bands) * sizeof(**total);
	size_t xs = ((size_t)s->pairs * cmd->a.len * sizeof(float) + 63) & ~(size_t)63;
	uint8_t *vectors =
		mho_scratch(w, MHO_SCRATCH_A, xs + (size_t)s->pairs * cmd->b.len * sizeof(float));

	*total = mho_scratch(w, MHO_SCRATCH_STATS, costs + blocks * sizeof(*s->ops));
	if (!vectors || !*total)
		return false;
	s->xs = (float *)vectors;
	s->ds = (float *)(vectors + xs);
	s->plan_size = largest_plan(s);
	s->plans = mho_scratch(w, MHO_SCRATCH_B, blocks * s->plan_size);
	if (!s->plans)
		return false;
	s->costs = *total + blocks;
	s->ops = (uint64_t *)((uint8_t *)*total + costs);
	memset(*total, 0, blocks * sizeof(**total));
	return true;
}

void mho_exec_update(struct mho_exec *x, struct mho_worker *w)
{
	struct mho_cmd *cmd = x->cmd;
	struct mho_array *a = x->array;
	struct mho_view xv = { .emu = x->emu, .op = &cmd->a, .array = a, .along_cols = true };
	struct mho_view dv = { .emu = x->emu, .op = &cmd->b, .array = a, .out = true };
	uint32_t step = step_size(cmd), done = 0, i;
	enum mho_load mode = step < cmd->batch ? MHO_LOAD_AS_ZERO : MHO_LOAD_REFUSE;
	struct update_step s = { .x = x, .pairs = step };
	struct mho_cost *total;
	uint64_t pulses = 0;
	float *xs, *ds;

	s.bands = (mho_hw_split_size(a->rows, a->grid_rows, 0) + BAND - 1) / BAND;
	if (!allocate(w, &s, &total)) {
		mho_exec_fail(x, MHO_HW_ST_INTERNAL);
		return;
	}
	xs = (float *)s.xs;
	ds = (float *)s.ds;
	if (step < cmd->batch && !check_long(x, &xv, &dv, step, xs, ds))
		return;
	for (done = 0; done < cmd->batch; done += s.pairs) {
		s.pairs = cmd->batch - done < step ? cmd->batch - done : step;
		if (mho_exec_cancelled(x)) {
			mho_exec_fail(x, MHO_HW_ST_ABORTED);
			break;
		}
		if (!load(x, &xv, &dv, done, s.pairs, xs, ds, mode))
			break;
		run_step(w, &s, total);
		atomic_fetch_add_explicit(&cmd->queue->vectors, s.pairs, memory_order_relaxed);
	}
	mho_exec_account(x, a, total,
			 (uint64_t)done * (cmd->limit ? cmd->limit : x->tech->train_length));
	for (i = 0; i < mho_array_blocks(a); i++)
		pulses += total[i].pulses;
	if (cmd->status && done)
		cmd->torn = true;
	if (cmd->status == MHO_HW_ST_ABORTED)
		cmd->result = done;
	else if (!cmd->status)
		cmd->result = mho_saturate(pulses);
	pthread_mutex_lock(&x->emu->lock);
	x->emu->counters.updates += done;
	pthread_mutex_unlock(&x->emu->lock);
}
