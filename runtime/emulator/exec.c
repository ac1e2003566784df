// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Runs a command whose turn it is, and keeps the accounts. What the opcodes do is
 * in exec_*.c.
 */
#include "emulator/exec.h"
#include "emulator/objects.h"

void mho_exec_fail(struct mho_exec *x, enum mho_hw_status status)
{
	x->cmd->status = status;
}

enum mho_hw_status mho_exec_load(struct mho_exec *x, const struct mho_view *v, bool b,
				 uint32_t first, uint32_t n, float *dst, enum mho_load mode)
{
	enum mho_hw_status status = mho_view_load(v, first, n, dst, mode, &x->cmd->detail);

	if (status == MHO_HW_ST_NOT_FINITE)
		x->cmd->result = b;
	if (status)
		mho_exec_fail(x, status);
	return status;
}

bool mho_exec_cut(const struct mho_rect *rect, const struct mho_block *b, struct mho_rect *out)
{
	uint32_t row = rect->row > b->row ? rect->row : b->row;
	uint32_t col = rect->col > b->col ? rect->col : b->col;
	uint32_t row_end = rect->row + rect->rows < b->row + b->rows ? rect->row + rect->rows :
								       b->row + b->rows;
	uint32_t col_end = rect->col + rect->cols < b->col + b->cols ? rect->col + rect->cols :
								       b->col + b->cols;

	if (row >= row_end || col >= col_end)
		return false;
	out->row = row - b->row;
	out->col = col - b->col;
	out->rows = row_end - row;
	out->cols = col_end - col;
	return true;
}

void mho_exec_account(struct mho_exec *x, struct mho_array *array, const struct mho_cost *costs,
		      uint64_t pulses)
{
	struct mho_emu *emu = x->emu;
	double ns = 0, fj = 0;
	uint32_t i;

	pthread_mutex_lock(&emu->lock);
	for (i = 0; i < mho_array_blocks(array); i++) {
		struct mho_hwtile *t = array->blocks[i].tile;

		mho_tile_account(emu, t, &costs[i]);
		if (costs[i].ns > ns)
			ns = costs[i].ns;
		fj += costs[i].fj;
		if (costs[i].pulses) {
			t->wear_stale = true;
			t->wear_bound += pulses;
		}
	}
	if (pulses)
		mho_array_check_wear(emu, array);
	pthread_mutex_unlock(&emu->lock);
	x->cmd->device_ns += (uint64_t)(ns + 0.5);
	x->cmd->energy_fj += (uint64_t)(fj + 0.5);
}

static void (*const run[])(struct mho_exec *, struct mho_worker *) = {
	[MHO_HW_OP_MVM] = mho_exec_mvm,		  [MHO_HW_OP_MVM_T] = mho_exec_mvm,
	[MHO_HW_OP_UPDATE] = mho_exec_update,	  [MHO_HW_OP_PROGRAM] = mho_exec_program,
	[MHO_HW_OP_READ] = mho_exec_read,	  [MHO_HW_OP_PULSE] = mho_exec_pulse,
	[MHO_HW_OP_TRANSFER] = mho_exec_transfer, [MHO_HW_OP_SCRUB] = mho_exec_scrub,
};

static bool whole_array(const struct mho_cmd *cmd)
{
	const struct mho_array *a = cmd->use[0].array;

	return (cmd->opcode == MHO_HW_OP_PROGRAM || cmd->opcode == MHO_HW_OP_SCRUB) &&
	       cmd->b_rect.rows == a->rows && cmd->b_rect.cols == a->cols;
}

void mho_exec(struct mho_worker *w, struct mho_cmd *cmd)
{
	struct mho_array *written = cmd->use[cmd->use[1].array ? 1 : 0].array;
	struct mho_exec x = {
		.emu = w->emu,
		.cmd = cmd,
		.array = cmd->use[0].array,
		.tech = &w->emu->topo->techs[cmd->use[0].array->technology],
	};

	run[cmd->opcode](&x, w);
	if (cmd->torn || (whole_array(cmd) && !cmd->status)) {
		pthread_mutex_lock(&w->emu->lock);
		written->flags &= ~MHO_HW_ARRAY_TORN;
		if (cmd->torn)
			written->flags |= MHO_HW_ARRAY_TORN;
		pthread_mutex_unlock(&w->emu->lock);
	}
}
