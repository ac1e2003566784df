// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The library's commands as the driver's: one job of a SUBMIT.
 */
#include <string.h>

#include "backend/accel_dev.h"

static uint32_t bits_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static uint8_t type_of(const struct mrt_operand *operand)
{
	return operand->type == MHO_I8 ? DRM_MHO_TYPE_I8 : DRM_MHO_TYPE_F32;
}

static void put_operand(struct drm_mho_operand *to, const struct mrt_operand *from)
{
	to->handle = (uint32_t)from->mem;
	to->stride = from->stride;
	to->offset = from->offset;
}

static void put_a(struct drm_mho_job *job, const struct mrt_cmd *cmd)
{
	put_operand(&job->a, &cmd->a);
	job->a_type = type_of(&cmd->a);
	job->a_scale = bits_of(cmd->a.scale);
}

static void put_b(struct drm_mho_job *job, const struct mrt_cmd *cmd)
{
	put_operand(&job->b, &cmd->b);
	job->b_type = type_of(&cmd->b);
	job->b_scale = bits_of(cmd->b.scale);
}

static void put_params(struct drm_mho_job *job, float first, uint32_t second)
{
	job->param[0] = bits_of(first);
	job->param[1] = second;
}

static void put_transfer(struct drm_mho_job *job, const struct mrt_cmd *cmd)
{
	job->a_region.col = cmd->src_col;
	job->a_region.rows = cmd->rows;
	job->a_region.cols = cmd->count;
	job->b_region.col = cmd->dst_col;
	job->b_region.cols = cmd->count;
	job->a_scale = bits_of(cmd->a.scale);
	put_params(job, cmd->rate, cmd->dst);
}

static uint16_t read_modifier(const struct mrt_cmd *cmd)
{
	if (cmd->flags & MHO_JOB_CONDUCTANCE)
		return DRM_MHO_READ_CONDUCTANCE;
	return cmd->flags & MHO_JOB_WEAR ? DRM_MHO_READ_WEAR : 0;
}

void accelb_translate(const struct mrt_cmd *cmd, struct drm_mho_job *job)
{
	memset(job, 0, sizeof(*job));
	job->flags = cmd->flags & MHO_JOB_FENCE ? DRM_MHO_JOB_FENCE : 0;
	job->array = cmd->array;
	switch (cmd->op) {
	case MHO_OP_MVM:
	case MHO_OP_MVM_T:
		job->op = cmd->op == MHO_OP_MVM ? DRM_MHO_OP_MVM : DRM_MHO_OP_MVM_T;
		job->batch = cmd->batch;
		put_a(job, cmd);
		put_b(job, cmd);
		break;
	case MHO_OP_UPDATE:
		job->op = DRM_MHO_OP_UPDATE;
		job->batch = cmd->batch;
		put_a(job, cmd);
		put_b(job, cmd);
		put_params(job, cmd->rate, cmd->limit);
		break;
	case MHO_OP_PROGRAM:
		job->op = DRM_MHO_OP_PROGRAM;
		job->batch = 1;
		put_a(job, cmd);
		put_params(job, cmd->rate, cmd->limit);
		break;
	case MHO_OP_READ:
		job->op = DRM_MHO_OP_READ;
		job->batch = cmd->batch;
		job->modifier = read_modifier(cmd);
		put_b(job, cmd);
		break;
	case MHO_OP_PULSE:
		job->op = DRM_MHO_OP_PULSE;
		job->batch = 1;
		put_a(job, cmd);
		break;
	case MHO_OP_TRANSFER:
		job->op = DRM_MHO_OP_TRANSFER;
		put_transfer(job, cmd);
		break;
	case MHO_OP_SCRUB:
		job->op = DRM_MHO_OP_SCRUB;
		break;
	case MHO_OP_BARRIER:
		job->op = DRM_MHO_OP_BARRIER;
		break;
	default:
		job->op = DRM_MHO_OP_NOP;
		break;
	}
}
