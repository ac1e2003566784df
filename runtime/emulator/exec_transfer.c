// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * TRANSFER: column by column, read from one array and add to another by a pulsed
 * update with a one-hot input.
 */
#include <string.h>

#include "emulator/exec.h"
#include "emulator/objects.h"

struct transfer {
	struct mho_exec *x;
	struct mho_array *from;
	struct mho_array *to;
	float *column;
	struct mho_worker *w;
	struct mho_cost *from_costs; /* of each block, of the present column */
	struct mho_cost *to_costs;
	uint64_t pulses;
};

static void read_column(struct transfer *t, uint32_t col)
{
	struct mho_rect rect = { .col = col, .rows = t->from->rows, .cols = 1 };
	uint32_t i;

	memset(t->from_costs, 0, mho_array_blocks(t->from) * sizeof(*t->from_costs));
	for (i = 0; i < mho_array_blocks(t->from); i++) {
		const struct mho_block *b = &t->from->blocks[i];
		struct mho_tile *tile = b->tile->phys;
		struct mho_rect part;

		if (mho_exec_cut(&rect, b, &part))
			mho_tile_read(tile, mho_tile_begin_op(tile), &part, 1, t->column + b->row,
				      1, &t->from_costs[i]);
	}
}

/* W -= rate * (-a_scale * v) * 1 */
static bool add_column(struct transfer *t, uint32_t col)
{
	const struct mho_cmd *cmd = t->x->cmd;
	const struct mho_tech *tech = &t->x->emu->topo->techs[t->to->technology];
	struct mho_rect rect = { .col = col, .rows = t->to->rows, .cols = 1 };
	float one = 1;
	uint32_t i;

	memset(t->to_costs, 0, mho_array_blocks(t->to) * sizeof(*t->to_costs));
	for (i = 0; i < mho_array_blocks(t->to); i++) {
		const struct mho_block *b = &t->to->blocks[i];
		struct mho_tile *tile = b->tile->phys;
		struct mho_update u = {
			.batch = 1,
			.x = &one,
			.ldx = 1,
			.d = t->column + b->row,
			.ldd = b->rows,
			.x_scale = 1,
			.d_scale = -cmd->a.scale,
			.rate = cmd->rate,
			.train_length = tech->train_length,
		};
		uint64_t op;
		void *plan;

		if (!mho_exec_cut(&rect, b, &u.rect))
			continue;
		plan = mho_scratch(t->w, MHO_SCRATCH_B, mho_tile_update_plan(tile, &u));
		if (!plan)
			return false;
		op = mho_tile_begin_op(tile);
		mho_tile_update_prepare(tile, op, &u, plan, &t->to_costs[i]);
		mho_tile_update_rows(tile, op, &u, plan, 0, b->rows, &t->to_costs[i]);
		t->pulses += t->to_costs[i].pulses;
	}
	return true;
}

void mho_exec_transfer(struct mho_exec *x, struct mho_worker *w)
{
	struct mho_cmd *cmd = x->cmd;
	struct transfer t = { .x = x, .from = x->array, .to = cmd->use[1].array, .w = w };
	uint32_t n = mho_array_blocks(t.from) + mho_array_blocks(t.to), i;
	uint32_t train = x->emu->topo->techs[t.to->technology].train_length;

	t.column = mho_scratch(w, MHO_SCRATCH_A, t.from->rows * sizeof(*t.column));
	t.from_costs = mho_scratch(w, MHO_SCRATCH_STATS, n * sizeof(*t.from_costs));
	if (!t.column || !t.from_costs) {
		mho_exec_fail(x, MHO_HW_ST_INTERNAL);
		return;
	}
	t.to_costs = t.from_costs + mho_array_blocks(t.from);
	for (i = 0; i < cmd->a_rect.cols; i++) {
		if (mho_exec_cancelled(x)) {
			mho_exec_fail(x, MHO_HW_ST_ABORTED);
			cmd->result = i;
			cmd->torn = i > 0;
			return;
		}
		read_column(&t, cmd->a_rect.col + i);
		mho_exec_account(x, t.from, t.from_costs, 0);
		if (!add_column(&t, cmd->b_rect.col + i)) {
			mho_exec_fail(x, MHO_HW_ST_INTERNAL);
			cmd->torn = true;
			return;
		}
		mho_exec_account(x, t.to, t.to_costs, train);
		atomic_fetch_add_explicit(&cmd->queue->vectors, 1, memory_order_relaxed);
	}
	cmd->result = mho_saturate(t.pulses);
}
