// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The library's commands as the device's: one entry of a submission ring.
 */
#include <string.h>

#include "backend/emu_dev.h"

static mho_le32 bits_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return mho_cpu_to_le32(bits);
}

static mho_u8 type_of(const struct mrt_operand *operand)
{
	return operand->type == MHO_I8 ? MHO_HW_TYPE_I8 : MHO_HW_TYPE_F32;
}

static void put_operand(struct mho_hw_operand *to, const struct mrt_operand *from)
{
	const struct emub_mem *mem = (const struct emub_mem *)(uintptr_t)from->mem;

	to->key = mho_cpu_to_le32(atomic_load_explicit(&mem->key, memory_order_relaxed));
	to->stride = mho_cpu_to_le32(from->stride);
	to->offset = mho_cpu_to_le64(from->offset);
}

static void put_a(struct mho_hw_sqe *sqe, const struct mrt_cmd *cmd)
{
	put_operand(&sqe->a, &cmd->a);
	sqe->a_type = type_of(&cmd->a);
	sqe->a_scale = bits_of(cmd->a.scale);
}

static void put_b(struct mho_hw_sqe *sqe, const struct mrt_cmd *cmd)
{
	put_operand(&sqe->b, &cmd->b);
	sqe->b_type = type_of(&cmd->b);
	sqe->b_scale = bits_of(cmd->b.scale);
}

static void put_params(struct mho_hw_sqe *sqe, float first, uint32_t second)
{
	sqe->param[0] = bits_of(first);
	sqe->param[1] = mho_cpu_to_le32(second);
}

static void put_transfer(struct mho_hw_sqe *sqe, const struct mrt_cmd *cmd)
{
	sqe->a_region.col = mho_cpu_to_le32(cmd->src_col);
	sqe->a_region.rows = mho_cpu_to_le32(cmd->rows);
	sqe->a_region.cols = mho_cpu_to_le32(cmd->count);
	sqe->b_region.col = mho_cpu_to_le32(cmd->dst_col);
	sqe->b_region.cols = mho_cpu_to_le32(cmd->count);
	sqe->a_scale = bits_of(cmd->a.scale);
	put_params(sqe, cmd->rate, cmd->dst);
}

static uint16_t read_modifier(const struct mrt_cmd *cmd)
{
	if (cmd->flags & MHO_JOB_CONDUCTANCE)
		return MHO_HW_READ_CONDUCTANCE;
	return cmd->flags & MHO_JOB_WEAR ? MHO_HW_READ_WEAR : 0;
}

void emub_translate(const struct mrt_cmd *cmd, uint16_t cid, struct mho_hw_sqe *sqe)
{
	memset(sqe, 0, sizeof(*sqe));
	sqe->flags = cmd->flags & MHO_JOB_FENCE ? MHO_HW_CMD_FENCE : 0;
	sqe->cid = mho_cpu_to_le16(cid);
	sqe->array = mho_cpu_to_le32(cmd->array);
	switch (cmd->op) {
	case MHO_OP_MVM:
	case MHO_OP_MVM_T:
		sqe->opcode = cmd->op == MHO_OP_MVM ? MHO_HW_OP_MVM : MHO_HW_OP_MVM_T;
		sqe->batch = mho_cpu_to_le32(cmd->batch);
		put_a(sqe, cmd);
		put_b(sqe, cmd);
		break;
	case MHO_OP_UPDATE:
		sqe->opcode = MHO_HW_OP_UPDATE;
		sqe->batch = mho_cpu_to_le32(cmd->batch);
		put_a(sqe, cmd);
		put_b(sqe, cmd);
		put_params(sqe, cmd->rate, cmd->limit);
		break;
	case MHO_OP_PROGRAM:
		sqe->opcode = MHO_HW_OP_PROGRAM;
		sqe->batch = mho_cpu_to_le32(1);
		put_a(sqe, cmd);
		put_params(sqe, cmd->rate, cmd->limit);
		break;
	case MHO_OP_READ:
		sqe->opcode = MHO_HW_OP_READ;
		sqe->batch = mho_cpu_to_le32(cmd->batch);
		sqe->modifier = mho_cpu_to_le16(read_modifier(cmd));
		put_b(sqe, cmd);
		break;
	case MHO_OP_PULSE:
		sqe->opcode = MHO_HW_OP_PULSE;
		sqe->batch = mho_cpu_to_le32(1);
		put_a(sqe, cmd);
		break;
	case MHO_OP_TRANSFER:
		sqe->opcode = MHO_HW_OP_TRANSFER;
		put_transfer(sqe, cmd);
		break;
	case MHO_OP_SCRUB:
		sqe->opcode = MHO_HW_OP_SCRUB;
		break;
	case MHO_OP_BARRIER:
		sqe->opcode = MHO_HW_OP_BARRIER;
		break;
	default:
		sqe->opcode = MHO_HW_OP_NOP;
		break;
	}
}
