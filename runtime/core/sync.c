// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The synchronous calls: plain memory in, plain memory out. They copy through
 * staging buffers of a queue of the library's own, one call at a time for each
 * device. Whoever wants overlap, or no copy, uses queues.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/job.h"

/* Bytes of vectors that a job carries at most: more only costs memory. */
#define STAGE_MAX ((size_t)8 << 20)
/* Staging memory that is kept from call to call. */
#define KEEP_MAX ((size_t)16 << 20)
#define SYNC_DEPTH 2

/**
 * struct mrt_sync - what the synchronous calls of a device share
 * @lock: one call at a time
 * @queue: its queue, made with the first call
 * @stage: memory for operands a and b
 */
struct mrt_sync {
	pthread_mutex_t lock;
	struct mrt_queue *queue;
	struct mho_buf *stage[2];
};

int mrt_sync_new(struct mrt_dev *dev)
{
	dev->sync = calloc(1, sizeof(*dev->sync));
	if (!dev->sync)
		return mrt_fail(-ENOMEM, "out of memory for a device");
	pthread_mutex_init(&dev->sync->lock, NULL);
	return 0;
}

/* The queue and the staging buffers are in the device's lists, which mho_close() empties. */
void mrt_sync_free(struct mrt_dev *dev)
{
	pthread_mutex_destroy(&dev->sync->lock);
	free(dev->sync);
}

static int ready_queue(struct mrt_dev *dev)
{
	struct mho_queue_opts opts = MHO_INIT(struct mho_queue_opts);

	if (dev->sync->queue)
		return 0;
	opts.depth = SYNC_DEPTH;
	return mrt_queue_new(dev, &opts, &dev->sync->queue);
}

static int ready_stage(struct mrt_dev *dev, int which, size_t bytes)
{
	struct mho_buf **stage = &dev->sync->stage[which];

	if (*stage && mho_buf_size(*stage) >= bytes)
		return 0;
	mho_buf_free(*stage);
	*stage = NULL;
	return mho_buf_alloc(dev->handle, bytes, stage);
}

static void trim_stages(struct mrt_dev *dev)
{
	for (int i = 0; i < 2; i++) {
		struct mho_buf **stage = &dev->sync->stage[i];

		if (!*stage || mho_buf_size(*stage) <= KEEP_MAX)
			continue;
		mho_buf_free(*stage);
		*stage = NULL;
	}
}

static struct mrt_dev *enter(struct mrt_mat *mat)
{
	pthread_mutex_lock(&mat->dev->sync->lock);
	return mat->dev;
}

static int leave(struct mrt_dev *dev, int ret)
{
	trim_stages(dev);
	pthread_mutex_unlock(&dev->sync->lock);
	return ret;
}

/* What it means that a job was ended by others than the device; and what to do. */
static const char *cut_off_text(int err)
{
	switch (err) {
	case -ETIME:
		return "it made no progress and was cut off; the matrix may hold anything between "
		       "before and after";
	case -ECANCELED:
		return "it was cut off by a reset; a matrix that it wrote may hold anything between "
		       "before and after";
	case -EIO:
		return "the device has lost the matrix in a reset, or has stopped: close it and open "
		       "it again";
	case -ENODEV:
		return "the card is gone: it was removed, or its driver was unbound; close the device";
	default:
		return mho_strerror(err);
	}
}

static int cut_off(struct mrt_dev *dev, const struct mho_job *job, const char *what)
{
	/* A queue that was lost would answer the same for ever; the next call makes another. */
	if (job->status == -EIO) {
		mrt_queue_free(dev->sync->queue);
		dev->sync->queue = NULL;
	}
	return mrt_fail(job->status, "%s: %s", what, cut_off_text(job->status));
}

/* Runs one job to its end; the last error names @what. */
static int run(struct mrt_dev *dev, struct mho_job *job, const char *what)
{
	struct mho_job *done;
	int ret;

	ret = mrt_queue_submit(dev->sync->queue, &job, 1);
	if (ret == 1)
		ret = mrt_queue_reap(dev->sync->queue, &done, 1, 1, -1);
	if (ret < 0)
		return ret;
	if (!job->status)
		return 0;
	if (job->status < 0)
		return cut_off(dev, job, what);
	ret = mrt_status_errno((unsigned int)job->status);
	return mrt_fail(ret, "%s: the device answered: %s (detail %u)", what,
			mho_strerror(job->status), job->detail);
}

/* Whether NaN or infinity is among 64 values. Without a branch for each, compilers vectorise it. */
static int is_bad(const float *v)
{
	int bad = 0;

	for (int i = 0; i < 64; i++)
		bad |= !(fabsf(v[i]) <= FLT_MAX);
	return bad;
}

/* Index of the first value that is NaN or infinite, or @n. */
static size_t find_bad(const float *v, size_t n)
{
	size_t i = 0;

	while (n - i >= 64 && !is_bad(v + i))
		i += 64;
	while (i < n && isfinite(v[i]))
		i++;
	return i;
}

static int check_vectors(const char *what, const char *name, const float *v, uint32_t batch,
			 uint32_t len)
{
	size_t bad;

	if (!v)
		return mrt_fail(-EINVAL, "%s: %s is NULL", what, name);
	bad = find_bad(v, (size_t)batch * len);
	if (bad == (size_t)batch * len)
		return 0;
	return mrt_fail(
		-EINVAL,
		"%s: %s holds %g in vector %zu, element %zu; NaN and infinity cannot be put "
		"on a wire",
		what, name, (double)v[bad], bad / len, bad % len);
}

/* A batch of vectors that goes in or comes out, and how long each is. */
struct vectors {
	const float *in;
	float *out;
	uint32_t len;
};

static int run_batch(struct mrt_dev *dev, struct mho_job *job, const struct vectors *a,
		     const struct vectors *b, uint32_t batch, const char *what)
{
	size_t longest = (a->len > b->len ? a->len : b->len) * sizeof(float);
	uint32_t most = dev->info.batch_max;
	int err = ready_queue(dev);

	if (most > STAGE_MAX / longest)
		most = STAGE_MAX / longest ? STAGE_MAX / longest : 1;
	if (most > batch)
		most = batch;
	if (!err)
		err = ready_stage(dev, 0, (size_t)most * a->len * sizeof(float));
	if (!err)
		err = ready_stage(dev, 1, (size_t)most * b->len * sizeof(float));
	if (err)
		return err;
	job->a.buf = dev->sync->stage[0];
	job->b.buf = dev->sync->stage[1];
	for (uint32_t done = 0; done < batch && !err; done += job->batch) {
		float *stage_a = mho_buf_map(job->a.buf), *stage_b = mho_buf_map(job->b.buf);

		job->batch = batch - done < most ? batch - done : most;
		memcpy(stage_a, a->in + (size_t)done * a->len,
		       (size_t)job->batch * a->len * sizeof(float));
		if (b->in)
			memcpy(stage_b, b->in + (size_t)done * b->len,
			       (size_t)job->batch * b->len * sizeof(float));
		err = run(dev, job, what);
		if (!err && b->out)
			memcpy(b->out + (size_t)done * b->len, stage_b,
			       (size_t)job->batch * b->len * sizeof(float));
	}
	return err;
}

static int multiply(struct mho_mat *handle, uint32_t op, const float *in, float *out,
		    uint32_t batch, const char *what)
{
	struct mrt_mat *mat = mrt_handle_get(handle, MRT_MAT, what);
	struct mho_job job = { .op = op, .mat = handle, .alpha = 1.0f };
	struct vectors a = { .in = in }, b = { .out = out };
	int err;

	if (!mat)
		return -EINVAL;
	a.len = op == MHO_OP_MVM ? mat->cols : mat->rows;
	b.len = op == MHO_OP_MVM ? mat->rows : mat->cols;
	if (!batch)
		return 0;
	err = check_vectors(what, op == MHO_OP_MVM ? "x" : "d", in, batch, a.len);
	if (err)
		return err;
	if (!out)
		return mrt_fail(-EINVAL, "%s: there is no place for the result (NULL)", what);
	return leave(mat->dev, run_batch(enter(mat), &job, &a, &b, batch, what));
}

int mho_mvm(struct mho_mat *mat, const float *x, float *y, uint32_t batch)
{
	return multiply(mat, MHO_OP_MVM, x, y, batch, "mho_mvm");
}

int mho_mvm_t(struct mho_mat *mat, const float *d, float *x, uint32_t batch)
{
	return multiply(mat, MHO_OP_MVM_T, d, x, batch, "mho_mvm_t");
}

int mho_update(struct mho_mat *handle, const float *x, const float *d, float lr, uint32_t batch)
{
	struct mrt_mat *mat = mrt_handle_get(handle, MRT_MAT, "mho_update");
	struct mho_job job = { .op = MHO_OP_UPDATE, .mat = handle, .alpha = lr };
	struct vectors a = { .in = x }, b = { .in = d };
	int err;

	if (!mat)
		return -EINVAL;
	a.len = mat->cols;
	b.len = mat->rows;
	if (!(lr >= 0.0f) || !isfinite(lr))
		return mrt_fail(-EINVAL,
				"mho_update: lr is %g; a learning rate is a finite number of at "
				"least 0",
				(double)lr);
	if (!batch)
		return 0;
	err = check_vectors("mho_update", "x", x, batch, a.len);
	if (!err)
		err = check_vectors("mho_update", "d", d, batch, b.len);
	if (err)
		return err;
	return leave(mat->dev, run_batch(enter(mat), &job, &a, &b, batch, "mho_update"));
}

static int check_matrix(const struct mrt_mat *mat, const float *w, size_t ld, const char *what)
{
	if (!w)
		return mrt_fail(-EINVAL, "%s: w is NULL", what);
	if (ld < mat->cols)
		return mrt_fail(-EINVAL,
				"%s: ld is %zu, but a row has %u elements; ld counts elements from "
				"row to row",
				what, ld, mat->cols);
	return 0;
}

static int program(struct mrt_dev *dev, const struct mrt_mat *mat, struct mho_job *job,
		   const float *w, size_t ld)
{
	size_t row = mat->cols * sizeof(float);
	int err = ready_queue(dev);
	char *stage;

	if (!err)
		err = ready_stage(dev, 0, mat->rows * row);
	if (err)
		return err;
	job->a.buf = dev->sync->stage[0];
	stage = mho_buf_map(job->a.buf);
	for (uint32_t r = 0; r < mat->rows; r++)
		memcpy(stage + r * row, w + r * ld, row);
	err = run(dev, job, "mho_program");
	if (err)
		return err;
	return job->result < INT32_MAX ? (int)job->result : INT32_MAX;
}

int mho_program(struct mho_mat *handle, const float *w, size_t ld, float tolerance)
{
	struct mrt_mat *mat = mrt_handle_get(handle, MRT_MAT, "mho_program");
	struct mho_job job = { .op = MHO_OP_PROGRAM, .mat = handle, .tolerance = tolerance };
	int err;

	if (!mat)
		return -EINVAL;
	err = check_matrix(mat, w, ld, "mho_program");
	for (uint32_t r = 0; r < mat->rows && !err; r++) {
		size_t c = find_bad(w + r * ld, mat->cols);

		if (c < mat->cols)
			err = mrt_fail(
				-EINVAL,
				"mho_program: w holds %g in row %u, column %zu; a weight is a "
				"finite number",
				(double)w[r * ld + c], r, c);
	}
	return err ? err : leave(mat->dev, program(enter(mat), mat, &job, w, ld));
}

static int read_back(struct mrt_dev *dev, const struct mrt_mat *mat, struct mho_job *job, float *w,
		     size_t ld)
{
	size_t row = mat->cols * sizeof(float);
	int err = ready_queue(dev);
	const char *stage;

	if (!err)
		err = ready_stage(dev, 1, mat->rows * row);
	if (err)
		return err;
	job->b.buf = dev->sync->stage[1];
	err = run(dev, job, "mho_read");
	if (err)
		return err;
	stage = mho_buf_map(job->b.buf);
	for (uint32_t r = 0; r < mat->rows; r++)
		memcpy(w + r * ld, stage + r * row, row);
	return 0;
}

int mho_read(struct mho_mat *handle, float *w, size_t ld)
{
	struct mrt_mat *mat = mrt_handle_get(handle, MRT_MAT, "mho_read");
	struct mho_job job = { .op = MHO_OP_READ, .mat = handle };
	int err;

	if (!mat)
		return -EINVAL;
	err = check_matrix(mat, w, ld, "mho_read");
	return err ? err : leave(mat->dev, read_back(enter(mat), mat, &job, w, ld));
}
