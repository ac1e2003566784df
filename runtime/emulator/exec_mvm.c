// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * MVM and MVM_T. The batch is copied in steps; within a step each part computes,
 * for a few vectors, one slice of the result: it multiplies with the blocks that
 * contribute, one after the other, adds up the partial sums in this order, and
 * writes the slice to where the host wants it.
 */
#include <string.h>

#include "emulator/exec.h"
#include "emulator/objects.h"

struct mvm_step {
	struct mho_job job;
	struct mho_exec *x;
	struct mho_view out;
	const float *in; /* vectors of the step */
	uint32_t first; /* its first vector in the batch */
	uint32_t vectors;
	uint32_t slices; /* of the result */
	uint32_t depth; /* blocks that contribute to a slice */
	uint32_t chunks;
	const uint64_t *ops; /* of each block */
	struct mho_cost *costs; /* of each part and contributing block */
	atomic_uint status;
	bool transposed;
};

static const struct mho_block *contributor(const struct mvm_step *s, uint32_t slice, uint32_t k,
					   uint32_t *index)
{
	const struct mho_array *a = s->x->array;

	*index = s->transposed ? k * a->grid_cols + slice : slice * a->grid_cols + k;
	return &a->blocks[*index];
}

/* y (+)= block * x for the vectors of a chunk; the random streams are those of the batch. */
static void multiply(const struct mvm_step *s, uint32_t slice, uint32_t k, uint32_t first,
		     uint32_t n, float *y, size_t ldy, void *scratch, struct mho_cost *cost)
{
	const struct mho_cmd *cmd = s->x->cmd;
	uint32_t index;
	const struct mho_block *b = contributor(s, slice, k, &index);
	struct mho_mvm m = {
		.rect = { .rows = b->rows, .cols = b->cols },
		.transposed = s->transposed,
		.batch = s->vectors,
		.x = s->in + (s->transposed ? b->row : b->col),
		.ldx = cmd->a.len,
		/* mho_tile_mvm() counts from the first vector of the operation. */
		.y = (float *)((uintptr_t)y - first * ldy * sizeof(*y)),
		.ldy = ldy,
		.x_scale = cmd->a.scale,
		.y_scale = cmd->b.scale,
	};

	mho_tile_mvm(b->tile->phys, s->ops[index], &m, first, n, scratch, cost);
}

static void mvm_part(struct mho_job *job, unsigned int part, struct mho_worker *w)
{
	struct mvm_step *s = mho_container_of(job, struct mvm_step, job);
	uint32_t slice = part / s->chunks, first = part % s->chunks * MHO_MVM_CHUNK;
	uint32_t n = s->vectors - first < MHO_MVM_CHUNK ? s->vectors - first : MHO_MVM_CHUNK;
	struct mho_cost *costs = &s->costs[part * s->depth];
	uint32_t index, k, i, j, col, len;
	const struct mho_block *b = contributor(s, slice, 0, &index);
	size_t phys = 0, need, mapped = 0, ldy;
	float *y, *sum, *partial;
	uint8_t *scratch;

	if (mho_exec_cancelled(s->x))
		return;
	col = s->transposed ? b->col : b->row;
	len = s->transposed ? b->cols : b->rows;
	for (k = 0; k < s->depth; k++) {
		need = mho_tile_mvm_scratch(contributor(s, slice, k, &index)->tile->phys);
		need = (need + 63) & ~(size_t)63;
		phys = need > phys ? need : phys;
	}
	scratch = mho_scratch(w, MHO_SCRATCH_PART,
			      phys + 2 * (size_t)n * len * sizeof(float) + 4 * (size_t)len);
	if (!scratch) {
		atomic_store(&s->status, MHO_HW_ST_INTERNAL);
		return;
	}
	sum = (float *)(scratch + phys);
	partial = sum + (size_t)n * len;
	y = mho_view_direct(&s->out, s->first + first, n, col, len, &mapped);
	ldy = y ? s->out.op->stride / sizeof(float) : len;
	multiply(s, slice, 0, first, n, y ? y : sum, ldy, scratch, &costs[0]);
	for (k = 1; k < s->depth; k++) {
		multiply(s, slice, k, first, n, partial, len, scratch, &costs[k]);
		for (i = 0; i < n; i++) {
			for (j = 0; j < len; j++)
				(y ? y : sum)[i * ldy + j] += partial[(size_t)i * len + j];
		}
	}
	if (y)
		mho_view_release(&s->out, y, mapped);
	else if (mho_view_store(&s->out, s->first + first, n, col, len, sum, len,
				partial + (size_t)n * len))
		atomic_store(&s->status, MHO_HW_ST_DMA_FAULT);
	atomic_fetch_add_explicit(&s->x->cmd->queue->vectors, slice ? 0 : n, memory_order_relaxed);
}

/* Costs of the parts, in a fixed order, to those of the blocks. */
static void collect(const struct mvm_step *s, struct mho_cost *blocks)
{
	uint32_t part, k, index;

	for (part = 0; part < s->job.parts; part++) {
		for (k = 0; k < s->depth; k++) {
			contributor(s, part / s->chunks, k, &index);
			mho_cost_add(&blocks[index], &s->costs[part * s->depth + k]);
		}
	}
}

/* Vectors that are copied at once: a multiple of the chunk that follows from the shape alone. */
static uint32_t step_size(const struct mho_cmd *cmd)
{
	uint64_t vector = (uint64_t)cmd->a.len * sizeof(float);
	uint64_t n = MHO_STEP_BYTES / vector / MHO_MVM_CHUNK * MHO_MVM_CHUNK;

	n = n ? n : MHO_MVM_CHUNK;
	return n < cmd->batch ? (uint32_t)n : cmd->batch;
}

/* Look for NaN and infinity in what is too long to be kept, before anything is written. */
static bool check_long(struct mho_exec *x, const struct mho_view *in, uint32_t step, float *buf)
{
	uint32_t first, n;

	for (first = 0; first < x->cmd->batch; first += n) {
		n = x->cmd->batch - first < step ? x->cmd->batch - first : step;
		if (mho_exec_load(x, in, false, first, n, buf, MHO_LOAD_REFUSE))
			return false;
	}
	return true;
}

static void run_step(struct mho_worker *w, struct mvm_step *s, uint64_t *ops,
		     struct mho_cost *blocks)
{
	struct mho_array *a = s->x->array;
	uint32_t i;

	s->chunks = (s->vectors + MHO_MVM_CHUNK - 1) / MHO_MVM_CHUNK;
	s->job.run = mvm_part;
	s->job.parts = s->slices * s->chunks;
	for (i = 0; i < mho_array_blocks(a); i++)
		ops[i] = mho_tile_begin_op(a->blocks[i].tile->phys);
	memset(s->costs, 0, (size_t)s->job.parts * s->depth * sizeof(*s->costs));
	mho_parallel(w, &s->job);
	collect(s, blocks);
}

static void report(struct mho_exec *x, const struct mho_cost *blocks)
{
	uint64_t saturated = 0, retries = 0;
	uint32_t i;

	for (i = 0; i < mho_array_blocks(x->array); i++) {
		saturated += blocks[i].saturated;
		retries += blocks[i].retries;
	}
	x->cmd->result = mho_saturate(saturated);
	x->cmd->detail = mho_saturate(retries);
}

void mho_exec_mvm(struct mho_exec *x, struct mho_worker *w)
{
	struct mho_cmd *cmd = x->cmd;
	struct mho_array *a = x->array;
	bool transposed = cmd->opcode == MHO_HW_OP_MVM_T;
	uint32_t step = step_size(cmd), blocks = mho_array_blocks(a);
	struct mho_view in = { .emu = x->emu, .op = &cmd->a, .array = a, .along_cols = !transposed };
	struct mvm_step s = { .x = x,
			      .transposed = transposed,
			      .out = { .emu = x->emu,
				       .op = &cmd->b,
				       .array = a,
				       .along_cols = transposed,
				       .out = true },
			      .slices = transposed ? a->grid_cols : a->grid_rows,
			      .depth = transposed ? a->grid_rows : a->grid_cols };
	size_t parts = (size_t)blocks * ((step + MHO_MVM_CHUNK - 1) / MHO_MVM_CHUNK);
	enum mho_load mode = step < cmd->batch ? MHO_LOAD_AS_ZERO : MHO_LOAD_REFUSE;
	float *buf = mho_scratch(w, MHO_SCRATCH_A, (size_t)step * cmd->a.len * sizeof(*buf));
	struct mho_cost *costs;
	uint64_t *ops;

	costs = mho_scratch(w, MHO_SCRATCH_STATS,
			    (parts + blocks) * sizeof(*costs) + blocks * sizeof(*ops));
	if (!buf || !costs) {
		mho_exec_fail(x, MHO_HW_ST_INTERNAL);
		return;
	}
	memset(costs, 0, blocks * sizeof(*costs));
	s.costs = costs + blocks;
	s.ops = ops = (uint64_t *)(s.costs + parts);
	s.in = buf;
	if (step < cmd->batch && !check_long(x, &in, step, buf))
		return;
	for (s.first = 0; s.first < cmd->batch; s.first += s.vectors) {
		s.vectors = cmd->batch - s.first < step ? cmd->batch - s.first : step;
		if (mho_exec_cancelled(x)) {
			mho_exec_fail(x, MHO_HW_ST_ABORTED);
			break;
		}
		if (mho_exec_load(x, &in, false, s.first, s.vectors, buf, mode))
			break;
		run_step(w, &s, ops, costs);
		if (atomic_load(&s.status)) {
			mho_exec_fail(x, atomic_load(&s.status));
			break;
		}
	}
	if (!cmd->status && mho_exec_cancelled(x))
		mho_exec_fail(x, MHO_HW_ST_ABORTED);
	mho_exec_account(x, a, costs, 0);
	if (!cmd->status)
		report(x, costs);
	pthread_mutex_lock(&x->emu->lock);
	x->emu->counters.mvms += cmd->status ? 0 : cmd->batch;
	pthread_mutex_unlock(&x->emu->lock);
}
