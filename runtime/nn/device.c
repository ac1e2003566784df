// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The device engine: layers as matrices of libmho, passes as runs of graphs (device_pass.c) on one
 * queue. A pass for training is over for the host when only updates are left of it; they stay in
 * flight behind the next batch.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/device.h"

static void note_failure(struct device_engine *dev, const struct device_run *run)
{
	int status = run->job.status;
	char what[64];

	if (dev->failed)
		return;
	if (run->pass)
		device_pass_name(run->pass, run->job.detail, what, sizeof(what));
	else
		snprintf(what, sizeof(what), "algorithm's job");
	dev->failed = status < 0 ? status : -EIO;
	snprintf(dev->failure, sizeof(dev->failure), "the %s failed on the device: %s (detail %u)",
		 what, mho_strerror(status), run->job.result);
}

static int report(struct device_engine *dev)
{
	int err = dev->failed;

	dev->failed = 0;
	return err ? nn_error(err, "%s", dev->failure) : 0;
}

/* Takes a run that is done, or goes on with those in flight until there is news. */
static int reap(struct device_engine *dev)
{
	struct mho_job *done[NN_SETS];
	int n = mho_queue_reap(dev->queue, done, NN_SETS, 1, -1);

	if (n < 0)
		return nn_mho_error(n, "the queue to the device has failed");
	for (int i = 0; i < n; i++) {
		struct device_run *run = done[i]->user_data;

		run->busy = false;
		if (run->job.status)
			note_failure(dev, run);
	}
	return 0;
}

int device_drain(struct mho_nn *nn)
{
	struct device_engine *dev = nn->engine;

	while (mho_queue_pending(dev->queue)) {
		int err = reap(dev);

		if (err)
			return err;
	}
	return report(dev);
}

static int wait_for(struct device_engine *dev, struct device_run *run)
{
	while (run->busy) {
		int err = reap(dev);

		if (err)
			return err;
	}
	return report(dev);
}

/* Until all of a run but updates is done, or it has failed. */
static int wait_for_batch(struct mho_nn *nn, struct device_run *run)
{
	struct device_engine *dev = nn->engine;

	while (run->busy && !nn->batch.done) {
		int err = reap(dev);

		if (err) {
			/* The batch is the caller's again: its loss must not be asked for any more. */
			nn->batch.labels = NULL;
			return err;
		}
	}
	return report(dev);
}

/* A product here is part of learning, too. */
static void add_cost(struct device_cost *cost, const struct mho_job *job)
{
	cost->ns[NN_UPDATE] += job->device_ns;
	cost->energy_fj += job->energy_fj;
	if (job->op == MHO_OP_MVM)
		cost->saturations += job->result;
	else
		cost->pulses += job->result;
}

int device_do(struct mho_nn *nn, struct mho_job *jobs, uint32_t n)
{
	struct device_engine *dev = nn->engine;
	struct device_run runs[MHO_NN_LAYERS_MAX];
	struct mho_job *list[MHO_NN_LAYERS_MAX];
	int ret = device_drain(nn);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < n; i++) {
		runs[i] = (struct device_run){ .job = jobs[i], .busy = true };
		runs[i].job.user_data = &runs[i];
		list[i] = &runs[i].job;
	}
	ret = mho_queue_submit(dev->queue, list, n);
	if (ret < 0)
		return nn_mho_error(ret, "the device took no job of the algorithm %s",
				    nn->learner.kind->name);
	ret = device_drain(nn);
	for (uint32_t i = 0; i < n; i++)
		add_cost(&dev->gone, &runs[i].job);
	return ret;
}

static int device_run(struct mho_nn *nn, enum nn_pass pass, uint32_t set, uint32_t n)
{
	struct device_engine *dev = nn->engine;
	struct device_run *run = &dev->runs[set];
	struct mho_job *job = &run->job;
	int ret = wait_for(dev, run);

	if (!ret)
		ret = device_pass_get(nn, pass, n, &run->pass);
	if (ret)
		return ret;
	*job = (struct mho_job){
		.op = MHO_OP_GRAPH,
		.graph = device_pass_graph(run->pass),
		.a_slot = set,
		.b_slot = set,
		.user_data = run,
	};
	ret = mho_queue_submit(dev->queue, &job, 1);
	if (ret < 0)
		return nn_mho_error(ret, "the device took no pass of %u samples", n);
	run->busy = true;
	if (pass != NN_TRAIN)
		return wait_for(dev, run);
	ret = wait_for_batch(nn, run);
	if (ret || !nn->learner.kind->after)
		return ret;
	ret = wait_for(dev, run);
	return ret ? ret : nn->learner.kind->after(nn);
}

static int device_program(struct mho_nn *nn, uint32_t layer, enum nn_store store, const float *w)
{
	struct device_engine *dev = nn->engine;
	int ret = mho_program(dev->mat[layer][store], w, nn->layer[layer].cols, nn->tolerance);

	return ret < 0 ? nn_mho_error(ret, "layer %u: programming its weights", layer) : ret;
}

static int device_read(struct mho_nn *nn, uint32_t layer, enum nn_store store, uint32_t flags,
		       float *w)
{
	struct device_engine *dev = nn->engine;
	size_t bytes = nn_weights(&nn->layer[layer]) * sizeof(*w);
	struct mho_job read = { .op = MHO_OP_READ }, *job = &read, *done;
	struct mho_buf *buf;
	int ret;

	ret = mho_buf_alloc(nn->dev, bytes, &buf);
	if (ret)
		return nn_mho_error(ret, "layer %u: memory to read it back to", layer);
	job->flags = flags;
	job->mat = dev->mat[layer][store];
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
	for (uint32_t i = 0; i < DEVICE_PASSES; i++)
		device_pass_free(dev->passes[i]);
	for (uint32_t i = 0; i < nn->layers * NN_STORES; i++) {
		struct mho_mat *mat = dev->mat[i / NN_STORES][i % NN_STORES];

		if (nn->unfinished)
			mho_mat_delete(mat);
		else
			mho_mat_free(mat);
	}
	mho_buf_free(dev->buf);
	free(dev);
}

static const struct nn_engine_ops device_ops = {
	.drain = device_drain,
	.run = device_run,
	.program = device_program,
	.read = device_read,
	.destroy = device_destroy,
};

struct mho_mat *nn_device_matrix(struct mho_nn *nn, uint32_t layer, enum nn_store store)
{
	struct device_engine *dev = nn->engine;

	return dev->mat[layer][store];
}

struct mho_slice nn_device_errors(const struct mho_nn *nn, uint32_t k)
{
	const struct device_engine *dev = nn->engine;

	return (struct mho_slice){ .buf = dev->buf,
				   .offset = nn->layer[k].d[nn->set] * sizeof(float) };
}

int nn_device_step(struct mho_nn *nn, uint32_t k, enum nn_store store, float *step)
{
	struct mho_mat *mat = nn_device_matrix(nn, k, store);
	struct mho_tech_info tech = MHO_INIT(struct mho_tech_info);
	struct mho_tile_info tile = MHO_INIT(struct mho_tile_info);
	struct mho_mat_block block;
	int err = mho_mat_blocks(mat, &block, 1);

	if (err > 0)
		err = mho_tile_get(nn->dev, block.tile, &tile);
	if (!err)
		err = mho_tech_get(nn->dev, tile.technology, &tech);
	if (err)
		return nn_mho_error(err, "layer %u: what a pulse does", k);
	*step = tech.dw_min * mho_mat_scale(mat);
	return 0;
}

void nn_device_cost(const struct mho_nn *nn, struct mho_nn_cost *cost)
{
	const struct device_engine *dev = nn->engine;
	struct device_cost sum = dev->gone;

	for (uint32_t i = 0; i < DEVICE_PASSES; i++)
		if (dev->passes[i])
			device_pass_cost(dev->passes[i], &sum);
	cost->forward_ns += sum.ns[NN_PRODUCT];
	cost->backward_ns += sum.ns[NN_BACK];
	cost->update_ns += sum.ns[NN_UPDATE];
	cost->time_ns += sum.ns[NN_PRODUCT] + sum.ns[NN_BACK] + sum.ns[NN_UPDATE];
	cost->energy_fj += sum.energy_fj;
	cost->pulses += sum.pulses;
	cost->saturations += sum.saturations;
	cost->vectors += sum.vectors;
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
	if (mho_mat_rows(*mat) == l->rows && mho_mat_cols(*mat) == l->cols &&
	    mho_mat_scale(*mat) == l->desc.scale)
		return 0;
	return nn_error(-EINVAL,
			"layer %u: the matrix \"%s\" on the device has another shape or "
			"scale; give this network another name",
			k, name);
}

static int get_matrix(struct mho_nn *nn, uint32_t k, enum nn_store store, uint32_t technology,
		      enum nn_matrices how, struct mho_mat **mat)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	const struct nn_layer *l = &nn->layer[k];
	char name[MHO_NN_NAME_MAX + 13]; /* layers have at most two digits: 31 bytes hold it */
	int err;

	if (!l->rows)
		return 0;
	snprintf(name, sizeof(name), "%s.%u%s", nn->name, k, store == NN_FAST ? "a" : "");
	if (how == NN_FIND)
		return find_matrix(nn, k, name, mat);
	if (how == NN_REPLACE && *nn->name) {
		err = delete_matrix(nn, name);
		if (err)
			return err;
	}
	desc.rows = l->rows;
	desc.cols = l->cols;
	desc.scale = l->desc.scale;
	desc.technology = technology;
	desc.name = *nn->name ? name : NULL;
	err = mho_mat_alloc(nn->dev, &desc, mat);
	return err ? nn_mho_error(err, "layer %u of %u x %u weights", k, l->rows, l->cols) : 0;
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
	for (uint32_t i = 0; i < nn->layers * nn_stores(nn); i++) {
		uint32_t k = i / nn_stores(nn);
		enum nn_store store = i % nn_stores(nn);

		err = get_matrix(nn, k, store, technology, how, &dev->mat[k][store]);
		if (err)
			goto err_destroy;
	}
	nn->ops = &device_ops;
	return 0;

err_destroy:
	device_destroy(nn);
	nn->engine = NULL;
	nn->work = NULL;
	return err;
}
