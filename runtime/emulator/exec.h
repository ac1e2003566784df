/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the executions of commands share: the state of one, costs of its blocks,
 * and the functions of each opcode.
 */
#ifndef MHO_EMU_EXEC_H
#define MHO_EMU_EXEC_H

#include "emulator/emu.h"
#include "emulator/operand.h"

/* Largest copy of an operand; longer batches go in steps. */
#define MHO_STEP_BYTES (4U << 20)

/**
 * struct mho_exec - a command under execution
 * @emu: device
 * @cmd: the command
 * @array: its array
 * @tech: the array's technology, with the firmware's pulse table
 */
struct mho_exec {
	struct mho_emu *emu;
	struct mho_cmd *cmd;
	struct mho_array *array;
	const struct mho_tech *tech;
};

/* mho_exec_cancelled() - whether to stop early. */
static inline bool mho_exec_cancelled(const struct mho_exec *x)
{
	return atomic_load_explicit(&x->cmd->cancel, memory_order_relaxed) ||
	       atomic_load_explicit(&x->emu->cancel, memory_order_relaxed);
}

/**
 * mho_exec_account() - add what blocks of an array took to tiles, device and command
 * @x: command
 * @array: the array
 * @costs: one for each of its blocks
 * @pulses: most pulses that a cell can have had, 0 if nothing was written
 *
 * The time is that of the slowest block. Takes the core lock.
 */
void mho_exec_account(struct mho_exec *x, struct mho_array *array, const struct mho_cost *costs,
		      uint64_t pulses);

/* mho_exec_load() - as mho_view_load(), with the outcome in the command; @b: operand b. */
enum mho_hw_status mho_exec_load(struct mho_exec *x, const struct mho_view *v, bool b,
				 uint32_t first, uint32_t n, float *dst, enum mho_load mode);

/* mho_exec_fail() - end the command with @status. */
void mho_exec_fail(struct mho_exec *x, enum mho_hw_status status);

/* mho_exec_cut() - the part of @rect that lies in block @b, in the tile's rows and columns. */
bool mho_exec_cut(const struct mho_rect *rect, const struct mho_block *b, struct mho_rect *out);

/* mho_saturate() - @n as 32 bits. */
static inline uint32_t mho_saturate(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

void mho_exec_mvm(struct mho_exec *x, struct mho_worker *w);
void mho_exec_update(struct mho_exec *x, struct mho_worker *w);
void mho_exec_program(struct mho_exec *x, struct mho_worker *w);
void mho_exec_read(struct mho_exec *x, struct mho_worker *w);
void mho_exec_pulse(struct mho_exec *x, struct mho_worker *w);
void mho_exec_scrub(struct mho_exec *x, struct mho_worker *w);
void mho_exec_transfer(struct mho_exec *x, struct mho_worker *w);

#endif
