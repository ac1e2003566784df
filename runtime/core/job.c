// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Checks of jobs, and their translation into the device's units. The device checks
 * everything again; here it is for sentences that name the program's fields.
 */
#include "core/job.h"
#include "core/graph.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "mho_hw_io.h"

/* What the elements of an operand's vectors belong to. */
enum shape {
	NO_OPERAND,
	BATCH_COLS, /* batch vectors of cols elements */
	BATCH_ROWS, /* batch vectors of rows elements */
	MATRIX, /* rows vectors of cols elements */
};

static const struct op {
	const char *name;
	bool mat;
	enum shape a;
	enum shape b;
	uint32_t flags;
} ops[] = {
	[MHO_OP_NOP] = { "NOP", false, NO_OPERAND, NO_OPERAND, 0 },
	[MHO_OP_MVM] = { "MVM", true, BATCH_COLS, BATCH_ROWS, 0 },
	[MHO_OP_MVM_T] = { "MVM_T", true, BATCH_ROWS, BATCH_COLS, 0 },
	[MHO_OP_UPDATE] = { "UPDATE", true, BATCH_COLS, BATCH_ROWS, 0 },
	[MHO_OP_PROGRAM] = { "PROGRAM", true, MATRIX, NO_OPERAND, 0 },
	[MHO_OP_READ] = { "READ", true, NO_OPERAND, MATRIX, MHO_JOB_CONDUCTANCE | MHO_JOB_WEAR },
	[MHO_OP_PULSE] = { "PULSE", true, MATRIX, NO_OPERAND, 0 },
	[MHO_OP_TRANSFER] = { "TRANSFER", true, NO_OPERAND, NO_OPERAND, 0 },
	[MHO_OP_SCRUB] = { "SCRUB", true, NO_OPERAND, NO_OPERAND, 0 },
	[MHO_OP_BARRIER] = { "BARRIER", false, NO_OPERAND, NO_OPERAND, 0 },
	[MHO_OP_GRAPH] = { "GRAPH", false, NO_OPERAND, NO_OPERAND, 0 },
};

#define OPS (sizeof(ops) / sizeof(*ops))

const char *mrt_op_name(uint32_t op)
{
	return op < OPS ? ops[op].name : "?";
}

static struct mrt_mat *job_mat(const struct mho_job *job)
{
	return (struct mrt_mat *)(uintptr_t)job->internal[1];
}

static struct mrt_buf *job_buf(const struct mho_job *job, int operand)
{
	return (struct mrt_buf *)(uintptr_t)job->internal[2 + operand];
}

static struct mrt_mat *job_dst(const struct mho_job *job)
{
	return (struct mrt_mat *)(uintptr_t)job->internal[3];
}

static uint32_t job_batch(const struct mho_job *job)
{
	return job->batch ? job->batch : 1;
}

static float or_one(float scale)
{
	return scale != 0.0f ? scale : 1.0f;
}

static struct mrt_mat *find_mat(struct mrt_dev *dev, const struct mho_mat *handle, const char *what)
{
	struct mrt_mat *mat = mrt_handle_get(handle, MRT_MAT, what);

	if (mat && mat->dev != dev) {
		mrt_fail(-EINVAL, "%s: the matrix belongs to another device than the queue", what);
		return NULL;
	}
	return mat;
}

/* Vectors of an operand, and elements of each. */
static void operand_shape(const struct mho_job *job, const struct mrt_mat *mat, enum shape shape,
			  uint32_t *vectors, uint32_t *len)
{
	*vectors = shape == MATRIX ? mat->rows : job_batch(job);
	*len = shape == BATCH_ROWS ? mat->rows : mat->cols;
}

static uint32_t element_size(const struct mho_slice *slice)
{
	return slice->type == MHO_I8 ? 1 : sizeof(float);
}

/* Bytes from the first element to the end of the last one; below 2^49: no overflow. */
static uint64_t span(const struct mho_slice *slice, uint32_t vectors, uint32_t len)
{
	uint64_t row = (uint64_t)len * element_size(slice);

	return (vectors - 1) * (slice->stride ? slice->stride : row) + row;
}

static int check_extent(const struct mho_slice *slice, const struct mrt_buf *buf, const char *op,
			char name, uint32_t vectors, uint32_t len)
{
	uint32_t element = element_size(slice);
	uint64_t row = (uint64_t)len * element, stride = slice->stride ? slice->stride : row, bytes;

	if (stride < row || stride % element)
		return mrt_fail(-EINVAL,
				"%s: %c.stride is %u; a vector of %u elements needs at least %llu, "
				"a multiple of %u, or 0 for densely packed",
				op, name, slice->stride, len, (unsigned long long)row, element);
	if (slice->offset % element)
		return mrt_fail(-EINVAL, "%s: %c.offset is %llu, not a multiple of %u", op, name,
				(unsigned long long)slice->offset, element);
	bytes = span(slice, vectors, len);
	if (slice->offset > buf->size || bytes > buf->size - slice->offset)
		return mrt_fail(-EINVAL,
				"%s: %c needs %llu bytes from offset %llu on (%u vectors of %u "
				"elements, %llu bytes apart), but its buffer has %zu; allocate a "
				"larger one, or lower the batch",
				op, name, (unsigned long long)bytes,
				(unsigned long long)slice->offset, vectors, len,
				(unsigned long long)stride, buf->size);
	return 0;
}

static int check_slice(struct mrt_dev *dev, const struct mho_job *job,
		       const struct mho_slice *slice, int operand, struct mrt_buf **out)
{
	const struct op *op = &ops[job->op];
	const char *what = operand ? "b.buf of the job" : "a.buf of the job";
	char name = operand ? 'b' : 'a';
	uint32_t vectors, len;
	struct mrt_buf *buf;

	buf = mrt_handle_get(slice->buf, MRT_BUF, what);
	if (!buf)
		return -EINVAL;
	if (buf->dev != dev)
		return mrt_fail(-EINVAL, "%s: %s belongs to another device than the queue",
				op->name, what);
	if (slice->type != MHO_F32 && slice->type != MHO_I8)
		return mrt_fail(-EINVAL, "%s: %c.type is %u; allowed are MHO_F32 and MHO_I8",
				op->name, name, slice->type);
	if (slice->pad)
		return mrt_fail(-EINVAL, "%s: %c.pad is not zero; clear the job before filling it",
				op->name, name);
	if (!isfinite(slice->scale))
		return mrt_fail(-EINVAL, "%s: %c.scale is not a finite number", op->name, name);
	operand_shape(job, job_mat(job), operand ? op->b : op->a, &vectors, &len);
	*out = buf;
	return check_extent(slice, buf, op->name, name, vectors, len);
}

static int check_factor(const struct mho_job *job, float factor, const char *of)
{
	if (isfinite(factor) && factor != 0.0f)
		return 0;
	return mrt_fail(-EINVAL,
			"%s: the factor that results from %s is %g, which the device cannot use; "
			"choose values nearer to 1",
			mrt_op_name(job->op), of, (double)factor);
}

static int check_mvm(const struct mho_job *job)
{
	if (!isfinite(job->alpha))
		return mrt_fail(-EINVAL, "%s: alpha is not a finite number", mrt_op_name(job->op));
	if (job->alpha == 0.0f)
		return mrt_fail(
			-EINVAL,
			"%s: alpha is 0, which would make every result 0; set it to 1 for a "
			"plain product",
			mrt_op_name(job->op));
	return check_factor(job, job->alpha * job_mat(job)->scale * or_one(job->b.scale),
			    "alpha, b.scale and the matrix' scale");
}

static int check_update(const struct mho_job *job)
{
	if (!(job->alpha >= 0.0f) || !isfinite(job->alpha / job_mat(job)->scale))
		return mrt_fail(
			-EINVAL,
			"UPDATE: alpha is %g; a learning rate is a finite number of at least "
			"0 (for the other direction, negate d)",
			(double)job->alpha);
	if (job->limit > MHO_HW_BL_MAX)
		return mrt_fail(-EINVAL, "UPDATE: limit is %u; a pulse train has at most %d slots",
				job->limit, MHO_HW_BL_MAX);
	return 0;
}

static int check_program(const struct mho_job *job)
{
	if (!(job->tolerance >= 0.0f) || !isfinite(job->tolerance / job_mat(job)->scale))
		return mrt_fail(-EINVAL,
				"PROGRAM: tolerance is %g; it is a finite number of at least 0, 0 "
				"for the device's default",
				(double)job->tolerance);
	if (job->limit > MHO_HW_PROGRAM_ITERATIONS_MAX)
		return mrt_fail(-EINVAL, "PROGRAM: limit is %u; at most %d iterations are allowed",
				job->limit, MHO_HW_PROGRAM_ITERATIONS_MAX);
	return check_factor(job, or_one(job->a.scale) / job_mat(job)->scale,
			    "a.scale and the matrix' scale");
}

static int check_read(const struct mho_job *job)
{
	uint32_t kinds = job->flags & (MHO_JOB_CONDUCTANCE | MHO_JOB_WEAR);

	if (kinds == (MHO_JOB_CONDUCTANCE | MHO_JOB_WEAR))
		return mrt_fail(-EINVAL, "READ: the flags ask for conductances and for wear; a job "
					 "reads one of them");
	if ((kinds & MHO_JOB_WEAR) && (job_batch(job) != 1 || job->b.type != MHO_F32))
		return mrt_fail(-EINVAL, "READ: wear is read with batch 1 into MHO_F32");
	if (job_batch(job) > MHO_HW_READ_AVERAGE_MAX)
		return mrt_fail(-EINVAL, "READ: batch is %u; at most %d reads are averaged",
				job->batch, MHO_HW_READ_AVERAGE_MAX);
	return check_factor(job, or_one(job->b.scale) * (kinds ? 1.0f : job_mat(job)->scale),
			    "b.scale and the matrix' scale");
}

static int check_pulse(const struct mho_job *job)
{
	if (job->a.type != MHO_I8)
		return mrt_fail(-EINVAL, "PULSE: a.type must be MHO_I8: pulses are counted");
	if (or_one(job->a.scale) != 1.0f)
		return mrt_fail(-EINVAL, "PULSE: a.scale is %g; pulses are not scaled, leave it 0",
				(double)job->a.scale);
	return 0;
}

static int check_transfer(const struct mho_job *job)
{
	const struct mrt_mat *src = job_mat(job), *dst = job_dst(job);
	float factor;

	if (dst == src)
		return mrt_fail(-EINVAL, "TRANSFER: mat and dst are the same matrix");
	if (dst->rows != src->rows)
		return mrt_fail(-EINVAL,
				"TRANSFER: mat has %u rows and dst has %u; they must agree",
				src->rows, dst->rows);
	if (!job->count || job->src_col > src->cols || job->count > src->cols - job->src_col)
		return mrt_fail(-EINVAL,
				"TRANSFER: columns %u to %llu of mat are wanted, which has %u",
				job->src_col, (unsigned long long)job->src_col + job->count,
				src->cols);
	if (job->dst_col > dst->cols || job->count > dst->cols - job->dst_col)
		return mrt_fail(-EINVAL,
				"TRANSFER: columns %u to %llu of dst are wanted, which has %u",
				job->dst_col, (unsigned long long)job->dst_col + job->count,
				dst->cols);
	factor = job->alpha * src->scale / dst->scale;
	if (!isfinite(factor))
		return mrt_fail(-EINVAL,
				"TRANSFER: alpha is %g, and with the matrices' scales no "
				"finite number",
				(double)job->alpha);
	return 0;
}

int mrt_job_check_op(const struct mho_job *job)
{
	switch (job->op) {
	case MHO_OP_MVM:
	case MHO_OP_MVM_T:
		return check_mvm(job);
	case MHO_OP_UPDATE:
		return check_update(job);
	case MHO_OP_PROGRAM:
		return check_program(job);
	case MHO_OP_READ:
		return check_read(job);
	case MHO_OP_PULSE:
		return check_pulse(job);
	case MHO_OP_TRANSFER:
		return check_transfer(job);
	default:
		return 0;
	}
}

static int check_operands(struct mrt_dev *dev, struct mho_job *job)
{
	const struct op *op = &ops[job->op];
	struct mrt_buf *a = NULL, *b = NULL;
	int err = 0;

	if ((op->a == BATCH_COLS || op->a == BATCH_ROWS) && job_batch(job) > dev->info.batch_max)
		return mrt_fail(-EINVAL,
				"%s: batch is %u; the device takes at most %u vectors a job, use "
				"several jobs",
				op->name, job->batch, dev->info.batch_max);
	if (op->a != NO_OPERAND)
		err = check_slice(dev, job, &job->a, 0, &a);
	if (!err && op->b != NO_OPERAND)
		err = check_slice(dev, job, &job->b, 1, &b);
	job->internal[2] = (uintptr_t)a;
	if (op->b != NO_OPERAND)
		job->internal[3] = (uintptr_t)b;
	return err;
}

static int find_objects(struct mrt_dev *dev, struct mho_job *job)
{
	struct mrt_mat *mat = find_mat(dev, job->mat, mrt_op_name(job->op));

	if (!mat)
		return -EINVAL;
	job->internal[1] = (uintptr_t)mat;
	if (job->op != MHO_OP_TRANSFER)
		return check_operands(dev, job);
	job->internal[3] = (uintptr_t)find_mat(dev, job->dst, "TRANSFER, dst");
	return job->internal[3] ? 0 : -EINVAL;
}

static void take_references(struct mho_job *job)
{
	struct mrt_buf *buf;

	atomic_fetch_add_explicit(&job_mat(job)->refs, 1, memory_order_relaxed);
	buf = job_buf(job, 0);
	if (buf)
		atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
	if (job->op == MHO_OP_TRANSFER)
		atomic_fetch_add_explicit(&job_dst(job)->refs, 1, memory_order_relaxed);
	else if (job_buf(job, 1))
		atomic_fetch_add_explicit(&job_buf(job, 1)->refs, 1, memory_order_relaxed);
}

int mrt_job_begin(struct mrt_dev *dev, struct mho_job *job)
{
	const struct op *op;
	int err = 0;

	if (!job)
		return mrt_fail(-EINVAL, "the job is NULL");
	if (job->op >= OPS)
		return mrt_fail(-EINVAL, "op is %u, which is no enum mho_op", job->op);
	op = &ops[job->op];
	if (job->flags & ~(op->flags | MHO_JOB_FENCE))
		return mrt_fail(-EINVAL, "%s: flags are 0x%x; allowed are 0x%x", op->name,
				job->flags, op->flags | MHO_JOB_FENCE);
	memset(job->internal, 0, sizeof(job->internal));
	if (op->mat) {
		err = find_objects(dev, job);
		if (!err)
			err = mrt_job_check_op(job);
		if (!err)
			take_references(job);
	} else if (job->op == MHO_OP_GRAPH) {
		err = mrt_graph_begin(dev, job);
	}
	if (!err)
		job->status = -EINPROGRESS;
	return err;
}

int mrt_job_access(const struct mho_job *job, struct mrt_access out[MRT_JOB_ACCESSES])
{
	const struct op *op = &ops[job->op];
	const struct mrt_mat *mat = job_mat(job);
	uint32_t vectors, len;
	int n = 0;

	if (!mat)
		return 0;
	out[n++] = (struct mrt_access){
		.object = mat,
		.end = 1,
		.kind = MRT_ACCESS_MATRIX,
		.read = job->op != MHO_OP_PROGRAM && job->op != MHO_OP_SCRUB,
		.write = job->op != MHO_OP_MVM && job->op != MHO_OP_MVM_T &&
			 job->op != MHO_OP_READ && job->op != MHO_OP_TRANSFER,
	};
	if (job->op == MHO_OP_TRANSFER)
		out[n++] = (struct mrt_access){
			.object = job_dst(job),
			.end = 1,
			.kind = MRT_ACCESS_MATRIX,
			.read = true,
			.write = true,
		};
	for (int i = 0; i < 2; i++) {
		const struct mho_slice *slice = i ? &job->b : &job->a;
		enum shape shape = i ? op->b : op->a;

		if (shape == NO_OPERAND)
			continue;
		operand_shape(job, mat, shape, &vectors, &len);
		out[n++] = (struct mrt_access){
			.object = job_buf(job, i),
			.begin = slice->offset,
			.end = slice->offset + span(slice, vectors, len),
			.kind = i ? MRT_ACCESS_B : MRT_ACCESS_A,
			.read = !i || job->op == MHO_OP_UPDATE,
			.write = i && job->op != MHO_OP_UPDATE,
		};
	}
	return n;
}

static void translate_slice(const struct mho_job *job, int operand, struct mrt_operand *out)
{
	const struct mho_slice *slice = operand ? &job->b : &job->a;

	out->mem = job_buf(job, operand)->mem.id;
	out->offset = slice->offset;
	out->stride = slice->stride;
	out->type = slice->type;
	out->scale = or_one(slice->scale);
}

static void translate_transfer(const struct mho_job *job, struct mrt_cmd *cmd)
{
	const struct mrt_mat *src = job_mat(job), *dst = job_dst(job);
	float factor = job->alpha * src->scale / dst->scale;

	cmd->dst = dst->id;
	cmd->rows = src->rows;
	cmd->src_col = job->src_col;
	cmd->dst_col = job->dst_col;
	cmd->count = job->count;
	/* The device takes the sign from one place and the size from another. */
	cmd->a.scale = factor < 0.0f ? -1.0f : 1.0f;
	cmd->rate = fabsf(factor);
}

void mrt_job_translate(const struct mho_job *job, struct mrt_cmd *cmd)
{
	const struct op *op = &ops[job->op];
	const struct mrt_mat *mat = job_mat(job);

	*cmd = (struct mrt_cmd){ .op = job->op, .flags = job->flags };
	if (!mat)
		return;
	cmd->array = mat->id;
	cmd->limit = job->limit;
	cmd->batch = job_batch(job);
	if (op->a != NO_OPERAND)
		translate_slice(job, 0, &cmd->a);
	if (op->b != NO_OPERAND)
		translate_slice(job, 1, &cmd->b);
	switch (job->op) {
	case MHO_OP_MVM:
	case MHO_OP_MVM_T:
		cmd->b.scale *= job->alpha * mat->scale;
		break;
	case MHO_OP_UPDATE:
		cmd->rate = job->alpha / mat->scale;
		break;
	case MHO_OP_PROGRAM:
		cmd->a.scale /= mat->scale;
		cmd->rate = job->tolerance / mat->scale;
		break;
	case MHO_OP_READ:
		if (!(job->flags & (MHO_JOB_CONDUCTANCE | MHO_JOB_WEAR)))
			cmd->b.scale *= mat->scale;
		break;
	case MHO_OP_TRANSFER:
		translate_transfer(job, cmd);
		break;
	default:
		break;
	}
}

void mrt_job_describe(const struct mho_job *job, struct mrt_trace_job_info *info)
{
	const struct mrt_mat *mat = job_mat(job);

	*info = (struct mrt_trace_job_info){ .op = mrt_op_name(job->op) };
	if (!mat)
		return;
	info->array = mat->id;
	info->rows = mat->rows;
	info->cols = mat->cols;
	info->batch = job_batch(job);
}

void mrt_job_end(struct mho_job *job)
{
	struct mrt_mat *mat = job_mat(job);

	if (job->op == MHO_OP_GRAPH)
		mrt_graph_end(job);
	if (!mat)
		return;
	if (job_buf(job, 0))
		mrt_buf_put(job_buf(job, 0));
	if (job->op == MHO_OP_TRANSFER)
		mrt_mat_put(job_dst(job));
	else if (job_buf(job, 1))
		mrt_buf_put(job_buf(job, 1));
	mrt_mat_put(mat);
}
