// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Commands on a region's cells: PROGRAM, READ, PULSE and SCRUB. A block is a part:
 * its tile does what falls on it, at the same time as the others.
 */
#include <string.h>

#include "emulator/exec.h"
#include "emulator/objects.h"

struct region_job {
	struct mho_job job;
	struct mho_exec *x;
	const struct mho_rect *rect; /* of the array */
	const float *target; /* PROGRAM: rect.rows rows of rect.cols */
	const int8_t *counts; /* PULSE: the same */
	float *values; /* READ: the same, written */
	struct mho_cost *costs; /* of each block */
	uint32_t *missed;
	uint32_t *iterations;
	atomic_bool failed;
};

/* Where the values of a block's cells begin among those of the region. */
static size_t place(const struct region_job *r, const struct mho_block *b,
		    const struct mho_rect *part)
{
	return (size_t)(b->row + part->row - r->rect->row) * r->rect->cols +
	       (b->col + part->col - r->rect->col);
}

static void program_part(struct region_job *r, uint32_t i, const struct mho_block *b,
			 const struct mho_rect *part)
{
	const struct mho_cmd *cmd = r->x->cmd;
	const struct mho_tech *tech = r->x->tech;
	struct mho_program p = {
		.rect = *part,
		.target = r->target + place(r, b, part),
		.ld = r->rect->cols,
		.scale = cmd->a.scale,
		.tolerance = cmd->rate > 0 ? cmd->rate : tech->verify_tolerance,
		.iterations = cmd->limit ? cmd->limit : tech->verify_iterations,
	};

	if (mho_tile_program(b->tile->phys, mho_tile_begin_op(b->tile->phys), &p, &r->missed[i],
			     &r->iterations[i], &r->costs[i]))
		atomic_store(&r->failed, true);
}

static void read_wear(struct region_job *r, const struct mho_block *b, const struct mho_rect *part,
		      float *to)
{
	uint32_t i, j;

	for (i = 0; i < part->rows; i++) {
		for (j = 0; j < part->cols; j++)
			to[(size_t)i * r->rect->cols + j] =
				(float)mho_tile_wear(b->tile->phys, part->row + i, part->col + j);
	}
}

static void to_nanosiemens(struct region_job *r, const struct mho_rect *part, float *to)
{
	uint32_t i, j;

	for (i = 0; i < part->rows; i++) {
		for (j = 0; j < part->cols; j++) {
			float *v = &to[(size_t)i * r->rect->cols + j];

			*v = (float)(1e9 * mho_tech_conductance(r->x->tech, *v));
		}
	}
}

static void read_part(struct region_job *r, uint32_t i, const struct mho_block *b,
		      const struct mho_rect *part)
{
	const struct mho_cmd *cmd = r->x->cmd;
	float *to = r->values + place(r, b, part);

	if (cmd->modifier & MHO_HW_READ_WEAR) {
		read_wear(r, b, part, to);
		return;
	}
	mho_tile_read(b->tile->phys, mho_tile_begin_op(b->tile->phys), part, cmd->batch, to,
		      r->rect->cols, &r->costs[i]);
	if (cmd->modifier & MHO_HW_READ_CONDUCTANCE)
		to_nanosiemens(r, part, to);
}

static void region_part(struct mho_job *job, unsigned int i, struct mho_worker *w)
{
	struct region_job *r = mho_container_of(job, struct region_job, job);
	const struct mho_block *b = &r->x->array->blocks[i];
	struct mho_tile *tile = b->tile->phys;
	struct mho_rect part;

	(void)w;
	if (!mho_exec_cut(r->rect, b, &part))
		return;
	switch (r->x->cmd->opcode) {
	case MHO_HW_OP_PROGRAM:
		program_part(r, i, b, &part);
		break;
	case MHO_HW_OP_READ:
		read_part(r, i, b, &part);
		break;
	case MHO_HW_OP_PULSE:
		mho_tile_pulse(tile, mho_tile_begin_op(tile), &part, r->counts + place(r, b, &part),
			       r->rect->cols, &r->costs[i]);
		break;
	default:
		mho_tile_scrub(tile, mho_tile_begin_op(tile), &part, &r->costs[i]);
		break;
	}
}

/* Costs and verdicts of the blocks, all zero. */
static bool begin(struct region_job *r, struct mho_exec *x, struct mho_worker *w,
		  const struct mho_rect *rect)
{
	uint32_t n = mho_array_blocks(x->array);
	size_t size = n * (sizeof(*r->costs) + 2 * sizeof(uint32_t));

	memset(r, 0, sizeof(*r));
	r->job.run = region_part;
	r->job.parts = n;
	r->x = x;
	r->rect = rect;
	r->costs = mho_scratch(w, MHO_SCRATCH_STATS, size);
	if (!r->costs) {
		mho_exec_fail(x, MHO_HW_ST_INTERNAL);
		return false;
	}
	memset(r->costs, 0, size);
	r->missed = (uint32_t *)(r->costs + n);
	r->iterations = r->missed + n;
	return true;
}

static uint64_t pulses_of(const struct region_job *r)
{
	uint64_t pulses = 0;
	uint32_t i;

	for (i = 0; i < r->job.parts; i++)
		pulses += r->costs[i].pulses;
	return pulses;
}

void mho_exec_program(struct mho_exec *x, struct mho_worker *w)
{
	struct mho_cmd *cmd = x->cmd;
	struct mho_view in = { .emu = x->emu, .op = &cmd->a, .array = x->array, .along_cols = true };
	size_t cells = (size_t)cmd->b_rect.rows * cmd->b_rect.cols;
	float *target = mho_scratch(w, MHO_SCRATCH_A, cells * sizeof(*target));
	struct region_job r;
	uint64_t missed = 0;
	uint32_t i, most = 0;

	if (!begin(&r, x, w, &cmd->b_rect))
		return;
	if (!target) {
		mho_exec_fail(x, MHO_HW_ST_INTERNAL);
		return;
	}
	if (mho_exec_load(x, &in, false, 0, cmd->a.count, target, MHO_LOAD_REFUSE))
		return;
	r.target = target;
	mho_parallel(w, &r.job);
	/* Pulses of one cell are not known here: as many as the block has had. */
	mho_exec_account(x, x->array, r.costs, pulses_of(&r));
	if (atomic_load(&r.failed)) {
		cmd->torn = true;
		mho_exec_fail(x, MHO_HW_ST_INTERNAL);
		return;
	}
	for (i = 0; i < r.job.parts; i++) {
		missed += r.missed[i];
		most = r.iterations[i] > most ? r.iterations[i] : most;
	}
	cmd->result = mho_saturate(missed);
	cmd->detail = most;
	atomic_fetch_add_explicit(&cmd->queue->vectors, cmd->a.count, memory_order_relaxed);
}

void mho_exec_read(struct mho_exec *x, struct mho_worker *w)
{
	struct mho_cmd *cmd = x->cmd;
	struct mho_view out = {
		.emu = x->emu, .op = &cmd->b, .array = x->array, .along_cols = true, .out = true
	};
	size_t cells = (size_t)cmd->a_rect.rows * cmd->a_rect.cols, i;
	float *values = mho_scratch(w, MHO_SCRATCH_OUT, cells * sizeof(*values));
	void *bytes = mho_scratch(w, MHO_SCRATCH_PART, cmd->b.len * sizeof(*values));
	struct region_job r;

	if (!begin(&r, x, w, &cmd->a_rect))
		return;
	if (!values || !bytes) {
		mho_exec_fail(x, MHO_HW_ST_INTERNAL);
		return;
	}
	r.values = values;
	mho_parallel(w, &r.job);
	mho_exec_account(x, x->array, r.costs, 0);
	for (i = 0; i < cells; i++)
		values[i] *= cmd->b.scale;
	if (mho_view_store(&out, 0, cmd->b.count, 0, cmd->b.len, values, cmd->b.len, bytes))
		mho_exec_fail(x, MHO_HW_ST_DMA_FAULT);
	atomic_fetch_add_explicit(&cmd->queue->vectors, cmd->b.count, memory_order_relaxed);
}

void mho_exec_pulse(struct mho_exec *x, struct mho_worker *w)
{
	struct mho_cmd *cmd = x->cmd;
	struct mho_view in = { .emu = x->emu, .op = &cmd->a, .array = x->array, .along_cols = true };
	size_t cells = (size_t)cmd->b_rect.rows * cmd->b_rect.cols, i;
	int8_t *counts = mho_scratch(w, MHO_SCRATCH_A, cells);
	struct region_job r;

	if (!begin(&r, x, w, &cmd->b_rect))
		return;
	if (!counts) {
		mho_exec_fail(x, MHO_HW_ST_INTERNAL);
		return;
	}
	if (mho_view_load_bytes(&in, 0, cmd->a.count, counts)) {
		mho_exec_fail(x, MHO_HW_ST_DMA_FAULT);
		return;
	}
	for (i = 0; i < cells; i++)
		counts[i] = counts[i] < -MHO_HW_PULSE_MAX ? -MHO_HW_PULSE_MAX : counts[i];
	r.counts = counts;
	mho_parallel(w, &r.job);
	mho_exec_account(x, x->array, r.costs, MHO_HW_PULSE_MAX);
	cmd->result = mho_saturate(pulses_of(&r));
	atomic_fetch_add_explicit(&cmd->queue->vectors, cmd->a.count, memory_order_relaxed);
}

void mho_exec_scrub(struct mho_exec *x, struct mho_worker *w)
{
	struct region_job r;

	if (!begin(&r, x, w, &x->cmd->b_rect))
		return;
	mho_parallel(w, &r.job);
	mho_exec_account(x, x->array, r.costs, pulses_of(&r));
}
