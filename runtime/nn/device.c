// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The device engine: layers as matrices of libmho, batches as jobs on one queue. Jobs on one
 * matrix are done in the order of submission, jobs on different matrices overlap: that is all
 * that is needed to keep updates in flight behind the backward pass of the layers below and the
 * forward pass of the next batch.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/internal.h"

enum kind {
	FORWARD,
	BACKWARD,
	UPDATE,
	KINDS,
};

struct dev_job {
	struct mho_job job;
	uint32_t layer;
	uint32_t kind;
	bool busy;
};

struct device_engine {
	struct mho_buf *buf;
	struct mho_queue *queue;
	struct mho_mat *mat[MHO_NN_LAYERS_MAX];
	struct dev_job jobs[NN_SETS][MHO_NN_LAYERS_MAX][KINDS];
	uint64_t ns[KINDS];
	uint64_t energy_fj;
	uint64_t pulses;
	uint64_t saturations;
	uint64_t vectors;
	int failed; /* first failure of a job that has not been reported yet */
	char failure[512];
};

static void note_failure(struct device_engine *dev, const struct dev_job *dj)
{
	static const char *const what[KINDS] = { "product", "transposed product", "update" };
	int status = dj->job.status;

	if (dev->failed)
		return;
	dev->failed = status < 0 ? status : -EIO;
	snprintf(dev->failure, sizeof(dev->failure),
		 "the %s of layer %u failed on the device: %s (detail %u)", what[dj->kind],
		 dj->layer, mho_strerror(status), dj->job.detail);
}

static void account(struct device_engine *dev, struct dev_job *dj)
{
	dj->busy = false;
	if (dj->job.status) {
		note_failure(dev, dj);
		return;
	}
	dev->ns[dj->kind] += dj->job.device_ns;
	dev->energy_fj += dj->job.energy_fj;
	if (dj->kind == UPDATE) {
		dev->pulses += dj->job.result;
	} else {
		dev->saturations += dj->job.result;
		dev->vectors += dj->job.batch;
	}
}

static int report(struct device_engine *dev)
{
	int err = dev->failed;

	dev->failed = 0;
	return err ? nn_error(err, "%s", dev->failure) : 0;
}

/* Takes at least one job. */
static int reap(struct device_engine *dev)
{
	struct mho_job *done[32];
	int n = mho_queue_reap(dev->queue, done, 32, 1, -1);

	if (n < 0)
		return nn_mho_error(n, "the queue to the device has failed");
	for (int i = 0; i < n; i++)
		account(dev, done[i]->user_data);
	return 0;
}

static int wait_for(struct device_engine *dev, struct dev_job *dj)
{
	while (dj->busy) {
		int err = reap(dev);

		if (err)
			return err;
	}
	return report(dev);
}

static int submit(struct device_engine *dev, struct dev_job *dj, uint32_t n, float alpha)
{
	struct mho_job *job = &dj->job;
	int ret = wait_for(dev, dj);

	if (ret)
		return ret;
	job->batch = n;
	job->alpha = alpha;
	ret = mho_queue_submit(dev->queue, &job, 1);
	if (ret < 0)
		return nn_mho_error(ret, "layer %u: the device took no job", dj->layer);
	dj->busy = true;
	return 0;
}

static int device_drain(struct mho_nn *nn)
{
	struct device_engine *dev = nn->engine;

	while (mho_queue_pending(dev->queue)) {
		int err = reap(dev);

		if (err)
			return err;
	}
	return report(dev);
}

static int device_forward(struct mho_nn *nn, uint32_t layer, uint32_t set, uint32_t n)
{
	struct device_engine *dev = nn->engine;
	struct dev_job *dj = &dev->jobs[set][layer][FORWARD];
	int err = submit(dev, dj, n, 1.0f);

	return err ? err : wait_for(dev, dj);
}

static int device_backward(struct mho_nn *nn, uint32_t layer, uint32_t set, uint32_t n, float rate)
{
	struct device_engine *dev = nn->engine;
	struct dev_job *jobs = dev->jobs[set][layer];
	int err = 0;

	/* The product first: it is to see the weights that the forward pass saw. */
	if (layer)
		err = submit(dev, &jobs[BACKWARD], n, 1.0f);
	if (!err)
		err = submit(dev, &jobs[UPDATE], n, rate);
	if (!err && layer)
		err = wait_for(dev, &jobs[BACKWARD]);
	return err;
}

static int device_program(struct mho_nn *nn, uint32_t layer, const float *w)
{
	struct device_engine *dev = nn->engine;
	int ret = mho_program(dev->mat[layer], w, nn->layer[layer].inputs, nn->tolerance);

	return ret < 0 ? nn_mho_error(ret, "layer %u: programming its weights", layer) : ret;
}

static int device_read(struct mho_nn *nn, uint32_t layer, uint32_t flags, float *w)
{
	struct device_engine *dev = nn->engine;
	size_t bytes = (size_t)nn->layer[layer].outputs * nn->layer[layer].inputs * sizeof(*w);
	struct dev_job dj = { .layer = layer, .kind = KINDS };
	struct mho_job *job = &dj.job, *done;
	struct mho_buf *buf;
	int ret;

	ret = mho_buf_alloc(nn->dev, bytes, &buf);
	if (ret)
		return nn_mho_error(ret, "layer %u: memory to read it back to", layer);
	job->op = MHO_OP_READ;
	job->flags = flags;
	job->mat = dev->mat[layer];
	job->b.buf = buf;
	ret = mho_queue_submit(dev->queue, &job, 1);
	if (ret == 1)
		ret = mho_queue_reap(dev->queue, &done, 1, 1, -1);
	if (ret != 1)
		ret = nn_mho_error(ret < 0 ? ret : -EIO, "layer %u: reading it back", layer);
	else if (job->status)
		ret = nn_error(job->status < 0 ? job->status : -EIO,
			       "layer %u: reading it back: %s", layer, mho_strerror(job->status));
	else
		ret = 0;
	if (!ret)
		memcpy(w, mho_buf_map(buf), bytes);
	mho_buf_free(buf);
	return ret;
}

static void device_destroy(struct mho_nn *nn)
{
	struct device_engine *dev = nn->engine;

	mho_queue_destroy(dev->queue);
	for (uint32_t k = 0; k < nn->layers; k++) {
		if (nn->unfinished)
			mho_mat_delete(dev->mat[k]);
		else
			mho_mat_free(dev->mat[k]);
	}
	mho_buf_free(dev->buf);
	free(dev);
}

static const struct nn_engine_ops device_ops = {
	.drain = device_drain,
	.forward = device_forward,
	.backward = device_backward,
	.program = device_program,
	.read = device_read,
	.destroy = device_destroy,
};

struct mho_mat *nn_device_matrix(struct mho_nn *nn, uint32_t layer)
{
	struct device_engine *dev = nn->engine;

	return dev->mat[layer];
}

void nn_device_cost(const struct mho_nn *nn, struct mho_nn_cost *cost)
{
	const struct device_engine *dev = nn->engine;

	cost->forward_ns += dev->ns[FORWARD];
	cost->backward_ns += dev->ns[BACKWARD];
	cost->update_ns += dev->ns[UPDATE];
	cost->time_ns += dev->ns[FORWARD] + dev->ns[BACKWARD] + dev->ns[UPDATE];
	cost->energy_fj += dev->energy_fj;
	cost->pulses += dev->pulses;
	cost->saturations += dev->saturations;
	cost->vectors += dev->vectors;
}

static int delete_matrix(struct mho_nn *nn, const char *name)
{
	struct mho_mat *old;
	int err = mho_mat_find(nn->dev, name, &old);

	if (err == -ENOENT)
		return 0;
	if (err)
		return nn_mho_error(err, "the matrix \"%s\" that is to be replaced", name);
	mho_mat_delete(old);
	return 0;
}

static int find_matrix(struct mho_nn *nn, uint32_t k, const char *name, struct mho_mat **mat)
{
	const struct nn_layer *l = &nn->layer[k];
	int err = mho_mat_find(nn->dev, name, mat);

	if (err)
		return nn_mho_error(err, "layer %u", k);
	if (mho_mat_rows(*mat) == l->outputs && mho_mat_cols(*mat) == l->inputs &&
	    mho_mat_scale(*mat) == l->desc.scale)
		return 0;
	return nn_error(-EINVAL,
			"layer %u: the matrix \"%s\" on the device has another shape or "
			"scale; give this network another name",
			k, name);
}

static int get_matrix(struct mho_nn *nn, uint32_t k, uint32_t technology, enum nn_matrices how,
		      struct mho_mat **mat)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	const struct nn_layer *l = &nn->layer[k];
	char name[MHO_NN_NAME_MAX + 12]; /* layers have at most two digits: 31 bytes hold it */
	int err;

	snprintf(name, sizeof(name), "%s.%u", nn->name, k);
	if (how == NN_FIND)
		return find_matrix(nn, k, name, mat);
	if (how == NN_REPLACE && *nn->name) {
		err = delete_matrix(nn, name);
		if (err)
			return err;
	}
	desc.rows = l->outputs;
	desc.cols = l->inputs;
	desc.scale = l->desc.scale;
	desc.technology = technology;
	desc.name = *nn->name ? name : NULL;
	err = mho_mat_alloc(nn->dev, &desc, mat);
	return err ? nn_mho_error(err, "layer %u of %u x %u weights", k, l->outputs, l->inputs) : 0;
}

/* The parts of a job that never change. */
static void prepare(struct mho_nn *nn, uint32_t set, uint32_t k)
{
	struct device_engine *dev = nn->engine;
	const struct nn_layer *l = &nn->layer[k];
	struct mho_slice x = { .buf = dev->buf, .offset = l->x[set] * sizeof(float) };
	struct mho_slice z = { .buf = dev->buf, .offset = l->z[set] * sizeof(float) };
	struct mho_slice d = { .buf = dev->buf, .offset = l->d[set] * sizeof(float) };
	struct mho_slice e = { .buf = dev->buf, .offset = l->e[set] * sizeof(float) };
	struct dev_job *jobs = dev->jobs[set][k];

	for (uint32_t kind = 0; kind < KINDS; kind++) {
		jobs[kind].layer = k;
		jobs[kind].kind = kind;
		jobs[kind].job.mat = dev->mat[k];
		jobs[kind].job.user_data = &jobs[kind];
	}
	jobs[FORWARD].job.op = MHO_OP_MVM;
	jobs[FORWARD].job.a = x;
	jobs[FORWARD].job.b = z;
	jobs[BACKWARD].job.op = MHO_OP_MVM_T;
	jobs[BACKWARD].job.a = d;
	jobs[BACKWARD].job.b = e;
	jobs[UPDATE].job.op = MHO_OP_UPDATE;
	jobs[UPDATE].job.a = x;
	jobs[UPDATE].job.b = d;
}

int nn_device_init(struct mho_nn *nn, uint32_t technology, enum nn_matrices how)
{
	struct device_engine *dev = calloc(1, sizeof(*dev));
	int err;

	if (!dev)
		return nn_no_memory();
	nn->engine = dev;
	err = mho_buf_alloc(nn->dev, nn->work_floats * sizeof(float), &dev->buf);
	if (err) {
		nn_mho_error(err, "memory for batches of %u samples", nn->batch_max);
		goto err_destroy;
	}
	nn->work = mho_buf_map(dev->buf);
	err = mho_queue_create(nn->dev, NULL, &dev->queue);
	if (err) {
		nn_mho_error(err, "a queue for the network");
		goto err_destroy;
	}
	for (uint32_t k = 0; k < nn->layers; k++) {
		err = get_matrix(nn, k, technology, how, &dev->mat[k]);
		if (err)
			goto err_destroy;
		for (uint32_t set = 0; set < NN_SETS; set++)
			prepare(nn, set, k);
	}
	nn->ops = &device_ops;
	return 0;

err_destroy:
	device_destroy(nn);
	nn->engine = NULL;
	nn->work = NULL;
	return err;
}
