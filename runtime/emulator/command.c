// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Checks an I/O command, field by field, and finds the objects that it names.
 * What it does is in exec_*.c.
 *
 * Order of the checks: opcode, fields that must be zero, array, batch, types,
 * modifier, scales and parameters, regions, operands a and b. After any refusal
 * but BAD_OPCODE cqe.detail holds the byte offset of the field.
 */
#include <math.h>
#include <string.h>

#include "emulator/emu.h"
#include "emulator/objects.h"

/* Fields that an opcode uses; all others must be zero. */
enum {
	USES_ARRAY = 1 << 0,
	USES_BATCH = 1 << 1, /* up to the device's limit */
	USES_AVERAGE = 1 << 2, /* batch counts reads */
	USES_ONE = 1 << 3, /* batch is 1 */
	USES_A = 1 << 4,
	USES_B = 1 << 5,
	USES_A_REGION = 1 << 6,
	USES_B_REGION = 1 << 7,
	USES_A_SCALE = 1 << 8,
	USES_B_SCALE = 1 << 9,
	USES_RATE = 1 << 10,
	USES_LIMIT = 1 << 11,
	USES_MODIFIER = 1 << 12,
	USES_WINDOW = 1 << 13,
	WRITES_B = 1 << 14,
	WRITES_WEIGHTS = 1 << 15,
};

struct op_spec {
	uint8_t opcode;
	uint32_t uses;
};

static const struct op_spec specs[] = {
	{ MHO_HW_OP_NOP, 0 },
	{ MHO_HW_OP_BARRIER, 0 },
	{ MHO_HW_OP_MVM, USES_ARRAY | USES_BATCH | USES_A | USES_B | USES_A_SCALE | USES_B_SCALE |
				 USES_WINDOW | WRITES_B },
	{ MHO_HW_OP_MVM_T, USES_ARRAY | USES_BATCH | USES_A | USES_B | USES_A_SCALE | USES_B_SCALE |
				   USES_WINDOW | WRITES_B },
	{ MHO_HW_OP_UPDATE, USES_ARRAY | USES_BATCH | USES_A | USES_B | USES_A_SCALE |
				    USES_B_SCALE | USES_RATE | USES_LIMIT | USES_WINDOW |
				    WRITES_WEIGHTS },
	{ MHO_HW_OP_PROGRAM, USES_ARRAY | USES_ONE | USES_A | USES_B_REGION | USES_A_SCALE |
				     USES_RATE | USES_LIMIT | WRITES_WEIGHTS },
	{ MHO_HW_OP_READ, USES_ARRAY | USES_AVERAGE | USES_A_REGION | USES_B | USES_B_SCALE |
				  USES_MODIFIER | WRITES_B },
	{ MHO_HW_OP_PULSE,
	  USES_ARRAY | USES_ONE | USES_A | USES_A_SCALE | USES_B_REGION | WRITES_WEIGHTS },
	{ MHO_HW_OP_TRANSFER, USES_ARRAY | USES_A_REGION | USES_B_REGION | USES_A_SCALE |
				      USES_RATE | USES_LIMIT | WRITES_WEIGHTS },
	{ MHO_HW_OP_SCRUB, USES_ARRAY | USES_B_REGION | WRITES_WEIGHTS },
};

/* What a check sees. */
struct parse {
	struct mho_emu *emu;
	const struct mho_hwqueue *q;
	const struct mho_hw_sqe *s;
	struct mho_cmd *cmd;
	uint32_t uses;
	struct mho_array *array;
};

static enum mho_hw_status refuse(struct parse *p, enum mho_hw_status status, unsigned int offset)
{
	p->cmd->detail = offset;
	return status;
}

#define OFFSET(field) offsetof(struct mho_hw_sqe, field)

static float to_float(mho_le32 bits)
{
	uint32_t v = mho_le32_to_cpu(bits);
	float f;

	memcpy(&f, &v, sizeof(f));
	return f;
}

static const struct op_spec *find_spec(uint8_t opcode)
{
	size_t i;

	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		if (specs[i].opcode == opcode)
			return &specs[i];
	}
	return NULL;
}

static bool operand_zero(const struct mho_hw_operand *o, unsigned int *at)
{
	*at = o->key	? offsetof(struct mho_hw_operand, key) :
	      o->stride ? offsetof(struct mho_hw_operand, stride) :
			  offsetof(struct mho_hw_operand, offset);
	return !o->key && !o->stride && !o->offset;
}

static enum mho_hw_status check_unused(struct parse *p)
{
	const struct mho_hw_sqe *s = p->s;
	uint32_t uses = p->uses;
	uint8_t flags = MHO_HW_CMD_FENCE;
	unsigned int at;

	if (uses & USES_WINDOW)
		flags |= MHO_HW_CMD_A_WINDOW | MHO_HW_CMD_B_WINDOW;
	if (s->flags & ~flags)
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(flags));
	if (!(uses & USES_ARRAY) && s->array)
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(array));
	if (!(uses & (USES_BATCH | USES_AVERAGE | USES_ONE)) && s->batch)
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(batch));
	if (!(uses & USES_A) && s->a_type)
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(a_type));
	if (!(uses & USES_B) && s->b_type)
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(b_type));
	if (mho_le16_to_cpu(s->modifier) & (uses & USES_MODIFIER ? ~MHO_HW_READ_FLAGS : ~0U))
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(modifier));
	if ((!(uses & (USES_A | USES_A_REGION)) || s->flags & MHO_HW_CMD_A_WINDOW) &&
	    !operand_zero(&s->a, &at))
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(a) + at);
	if ((!(uses & (USES_B | USES_B_REGION)) || s->flags & MHO_HW_CMD_B_WINDOW) &&
	    !operand_zero(&s->b, &at))
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(b) + at);
	if (!(uses & USES_A_SCALE) && s->a_scale)
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(a_scale));
	if (!(uses & USES_B_SCALE) && s->b_scale)
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(b_scale));
	if (!(uses & USES_RATE) && s->param[0])
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(param[0]));
	if (!(uses & USES_LIMIT) && s->param[1])
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(param[1]));
	return MHO_HW_ST_OK;
}

static enum mho_hw_status check_tiles(struct parse *p, const struct mho_array *a,
				      unsigned int offset)
{
	uint32_t i;

	for (i = 0; i < a->grid_rows * a->grid_cols; i++) {
		if (a->blocks[i].tile->failed)
			return refuse(p, MHO_HW_ST_TILE_FAILED, offset);
	}
	return MHO_HW_ST_OK;
}

static enum mho_hw_status check_array(struct parse *p)
{
	p->array = mho_array_find(p->emu, p->q->context, mho_le32_to_cpu(p->s->array));
	if (!p->array)
		return refuse(p, MHO_HW_ST_BAD_ARRAY, OFFSET(array));
	p->cmd->use[0].array = p->array;
	return check_tiles(p, p->array, OFFSET(array));
}

static enum mho_hw_status check_batch(struct parse *p)
{
	uint32_t batch = mho_le32_to_cpu(p->s->batch);
	uint32_t most = p->uses & USES_AVERAGE ? MHO_HW_READ_AVERAGE_MAX :
			p->uses & USES_ONE     ? 1 :
						 p->emu->topo->limits.batch;

	if (p->uses & (USES_BATCH | USES_AVERAGE | USES_ONE) && (!batch || batch > most))
		return refuse(p, MHO_HW_ST_BAD_BATCH, OFFSET(batch));
	p->cmd->batch = batch;
	return MHO_HW_ST_OK;
}

static bool type_known(uint8_t type)
{
	return type == MHO_HW_TYPE_F32 || type == MHO_HW_TYPE_I8;
}

static enum mho_hw_status check_types(struct parse *p)
{
	const struct mho_hw_sqe *s = p->s;
	uint16_t modifier = mho_le16_to_cpu(s->modifier);

	if (p->uses & USES_A && !type_known(s->a_type))
		return refuse(p, MHO_HW_ST_BAD_TYPE, OFFSET(a_type));
	if (s->opcode == MHO_HW_OP_PULSE && s->a_type != MHO_HW_TYPE_I8)
		return refuse(p, MHO_HW_ST_BAD_TYPE, OFFSET(a_type));
	if (p->uses & USES_B && !type_known(s->b_type))
		return refuse(p, MHO_HW_ST_BAD_TYPE, OFFSET(b_type));
	if (modifier == MHO_HW_READ_FLAGS)
		return refuse(p, MHO_HW_ST_BAD_FIELD, OFFSET(modifier));
	if (modifier & MHO_HW_READ_WEAR) {
		if (s->b_type != MHO_HW_TYPE_F32)
			return refuse(p, MHO_HW_ST_BAD_TYPE, OFFSET(b_type));
		if (p->cmd->batch != 1)
			return refuse(p, MHO_HW_ST_BAD_BATCH, OFFSET(batch));
	}
	p->cmd->modifier = modifier;
	return MHO_HW_ST_OK;
}

static enum mho_hw_status check_numbers(struct parse *p)
{
	const struct mho_hw_sqe *s = p->s;
	struct mho_cmd *cmd = p->cmd;
	uint32_t limit = mho_le32_to_cpu(s->param[1]);

	cmd->a.scale = to_float(s->a_scale);
	cmd->b.scale = to_float(s->b_scale);
	cmd->rate = to_float(s->param[0]);
	if (p->uses & USES_A_SCALE && (!isfinite(cmd->a.scale) || cmd->a.scale == 0))
		return refuse(p, MHO_HW_ST_BAD_SCALE, OFFSET(a_scale));
	if (s->opcode == MHO_HW_OP_PULSE && cmd->a.scale != 1)
		return refuse(p, MHO_HW_ST_BAD_SCALE, OFFSET(a_scale));
	if (p->uses & USES_B_SCALE && (!isfinite(cmd->b.scale) || cmd->b.scale == 0))
		return refuse(p, MHO_HW_ST_BAD_SCALE, OFFSET(b_scale));
	if (p->uses & USES_RATE && !(isfinite(cmd->rate) && cmd->rate >= 0))
		return refuse(p, MHO_HW_ST_BAD_SCALE, OFFSET(param[0]));
	if ((s->opcode == MHO_HW_OP_UPDATE && limit > MHO_HW_BL_MAX) ||
	    (s->opcode == MHO_HW_OP_PROGRAM && limit > MHO_HW_PROGRAM_ITERATIONS_MAX))
		return refuse(p, MHO_HW_ST_BAD_FIELD, OFFSET(param[1]));
	cmd->limit = limit;
	return MHO_HW_ST_OK;
}

/* A region of @a; all zero is the whole array. Return: whether it lies within. */
static bool region(const struct mho_hw_region *r, const struct mho_array *a, struct mho_rect *rect)
{
	rect->row = mho_le32_to_cpu(r->row);
	rect->col = mho_le32_to_cpu(r->col);
	rect->rows = mho_le32_to_cpu(r->rows);
	rect->cols = mho_le32_to_cpu(r->cols);
	if (!rect->row && !rect->col && !rect->rows && !rect->cols) {
		rect->rows = a->rows;
		rect->cols = a->cols;
	}
	return rect->rows && rect->cols && rect->row < a->rows && rect->col < a->cols &&
	       rect->rows <= a->rows - rect->row && rect->cols <= a->cols - rect->col;
}

/* The destination of TRANSFER: the array in param[1], columns in b_region. */
static enum mho_hw_status check_transfer(struct parse *p)
{
	const struct mho_hw_region *r = &p->s->b_region;
	struct mho_rect *from = &p->cmd->a_rect, *to = &p->cmd->b_rect;
	struct mho_array *dst = mho_array_find(p->emu, p->q->context, p->cmd->limit);
	enum mho_hw_status status;

	if (!dst || dst == p->array)
		return refuse(p, MHO_HW_ST_BAD_ARRAY, OFFSET(param[1]));
	status = check_tiles(p, dst, OFFSET(param[1]));
	if (status)
		return status;
	p->cmd->use[1].array = dst;
	if (from->row || from->rows != p->array->rows)
		return refuse(p, MHO_HW_ST_BAD_REGION, OFFSET(a_region.row));
	if (r->row)
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(b_region.row));
	if (r->rows)
		return refuse(p, MHO_HW_ST_RESERVED, OFFSET(b_region.rows));
	to->row = 0;
	to->rows = dst->rows;
	to->col = mho_le32_to_cpu(r->col);
	to->cols = mho_le32_to_cpu(r->cols);
	if (!to->col && !to->cols)
		to->cols = from->cols;
	if (dst->rows != p->array->rows)
		return refuse(p, MHO_HW_ST_BAD_REGION, OFFSET(param[1]));
	if (to->cols != from->cols || to->col >= dst->cols || to->cols > dst->cols - to->col)
		return refuse(p, MHO_HW_ST_BAD_REGION, OFFSET(b_region.col));
	return MHO_HW_ST_OK;
}

static enum mho_hw_status check_regions(struct parse *p)
{
	struct mho_cmd *cmd = p->cmd;

	if (p->uses & USES_A_REGION && !region(&p->s->a_region, p->array, &cmd->a_rect))
		return refuse(p, MHO_HW_ST_BAD_REGION, OFFSET(a_region.row));
	if (p->s->opcode == MHO_HW_OP_TRANSFER)
		return check_transfer(p);
	if (p->uses & USES_B_REGION && !region(&p->s->b_region, p->array, &cmd->b_rect))
		return refuse(p, MHO_HW_ST_BAD_REGION, OFFSET(b_region.row));
	return MHO_HW_ST_OK;
}

static enum mho_hw_status check_window(struct parse *p, const struct mho_operand *op, bool cols)
{
	const struct mho_array *a = p->array;
	uint32_t slice = cols ? mho_hw_split_size(a->cols, a->grid_cols, 0) :
				mho_hw_split_size(a->rows, a->grid_rows, 0);
	uint32_t element = op->type == MHO_HW_TYPE_F32 ? 4 : 1;

	if (!p->emu->window)
		return refuse(p, MHO_HW_ST_UNSUPPORTED, OFFSET(flags));
	if ((uint64_t)slice * op->count * element > p->emu->topo->limits.window_sram)
		return refuse(p, MHO_HW_ST_WINDOW_RANGE, OFFSET(batch));
	return MHO_HW_ST_OK;
}

/* An operand in host memory; @at is its offset in the command. */
static enum mho_hw_status check_operand(struct parse *p, const struct mho_hw_operand *o,
					unsigned int at, uint8_t access, struct mho_operand *op)
{
	uint32_t element = op->type == MHO_HW_TYPE_F32 ? 4 : 1;
	uint64_t row = (uint64_t)op->len * element, extent;

	op->stride = mho_le32_to_cpu(o->stride);
	op->offset = mho_le64_to_cpu(o->offset);
	if (!op->stride)
		op->stride = row;
	if (op->stride < row || op->stride % element)
		return refuse(p, MHO_HW_ST_BAD_STRIDE,
			      at + offsetof(struct mho_hw_operand, stride));
	if (op->offset % element)
		return refuse(p, MHO_HW_ST_MISALIGNED,
			      at + offsetof(struct mho_hw_operand, offset));
	op->key = mho_key_find(p->emu, p->q->context, mho_le32_to_cpu(o->key));
	if (!op->key)
		return refuse(p, MHO_HW_ST_BAD_KEY, at + offsetof(struct mho_hw_operand, key));
	if (!(op->key->access & access))
		return refuse(p, MHO_HW_ST_KEY_ACCESS, at + offsetof(struct mho_hw_operand, key));
	extent = (op->count - 1) * op->stride + row;
	if (op->offset > op->key->length || extent > op->key->length - op->offset)
		return refuse(p, MHO_HW_ST_KEY_RANGE, at + offsetof(struct mho_hw_operand, offset));
	return MHO_HW_ST_OK;
}

/* Shape of operands a and b, by opcode. */
static void set_shapes(struct parse *p)
{
	struct mho_cmd *cmd = p->cmd;
	const struct mho_array *a = p->array;

	cmd->a.count = cmd->b.count = cmd->batch;
	switch (p->s->opcode) {
	case MHO_HW_OP_MVM:
	case MHO_HW_OP_UPDATE:
		cmd->a.len = a->cols;
		cmd->b.len = a->rows;
		break;
	case MHO_HW_OP_MVM_T:
		cmd->a.len = a->rows;
		cmd->b.len = a->cols;
		break;
	case MHO_HW_OP_READ:
		cmd->b.len = cmd->a_rect.cols;
		cmd->b.count = cmd->a_rect.rows;
		break;
	default:
		cmd->a.len = cmd->b_rect.cols;
		cmd->a.count = cmd->b_rect.rows;
		break;
	}
}

static enum mho_hw_status check_operands(struct parse *p)
{
	struct mho_cmd *cmd = p->cmd;
	enum mho_hw_status status = MHO_HW_ST_OK;
	bool transposed = p->s->opcode == MHO_HW_OP_MVM_T;

	set_shapes(p);
	cmd->a.type = p->s->a_type;
	cmd->b.type = p->s->b_type;
	cmd->a.window = p->s->flags & MHO_HW_CMD_A_WINDOW;
	cmd->b.window = p->s->flags & MHO_HW_CMD_B_WINDOW;
	if (cmd->a.window)
		status = check_window(p, &cmd->a, !transposed);
	else if (p->uses & USES_A)
		status = check_operand(p, &p->s->a, OFFSET(a), MHO_HW_ACCESS_READ, &cmd->a);
	if (status)
		return status;
	if (cmd->b.window)
		return check_window(p, &cmd->b, transposed);
	if (p->uses & USES_B)
		return check_operand(p, &p->s->b, OFFSET(b),
				     p->uses & WRITES_B ? MHO_HW_ACCESS_WRITE : MHO_HW_ACCESS_READ,
				     &cmd->b);
	return MHO_HW_ST_OK;
}

static enum mho_hw_status check_wear(struct parse *p)
{
	const struct mho_array *a = p->cmd->use[1].array ? p->cmd->use[1].array : p->array;

	if (p->uses & WRITES_WEIGHTS && a->worn)
		return refuse(p, MHO_HW_ST_WORN_OUT,
			      p->cmd->use[1].array ? OFFSET(param[1]) : OFFSET(array));
	return MHO_HW_ST_OK;
}

static enum mho_hw_status (*const checks[])(struct parse *) = {
	check_array,   check_batch,    check_types, check_numbers,
	check_regions, check_operands, check_wear,
};

enum mho_hw_status mho_cmd_parse(struct mho_emu *emu, const struct mho_hwqueue *q,
				 const struct mho_hw_sqe *s, struct mho_cmd *cmd)
{
	const struct op_spec *spec = find_spec(s->opcode);
	struct parse p = { .emu = emu, .q = q, .s = s, .cmd = cmd };
	enum mho_hw_status status;
	size_t i;

	memset(&cmd->a, 0, sizeof(cmd->a));
	memset(&cmd->b, 0, sizeof(cmd->b));
	cmd->use[0].array = NULL;
	cmd->use[1].array = NULL;
	cmd->opcode = s->opcode;
	cmd->cid = mho_le16_to_cpu(s->cid);
	cmd->detail = 0;
	cmd->result = 0;
	if (!spec)
		return MHO_HW_ST_BAD_OPCODE;
	p.uses = spec->uses;
	status = check_unused(&p);
	for (i = 0; !status && p.uses & USES_ARRAY && i < sizeof(checks) / sizeof(checks[0]); i++)
		status = checks[i](&p);
	return status;
}
