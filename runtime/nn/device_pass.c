// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Passes as graphs of libmho. A pass is recorded once for each number of samples, and run with the
 * set of operands as its slot. Products are jobs; what the host does in between are functions of
 * the graph, which say what they touch. So an update, whose operands nobody touches, stays in
 * flight while the layers below go backward.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "nn/device.h"

/* Each layer: product, activation, transposed product, update, derivative. And the loss. */
#define NODES_MAX (MHO_NN_LAYERS_MAX * 5 + 1)

/* A job of the graph, or an argument of a function. */
struct node {
	const struct device_pass *pass;
	bool host;
	uint32_t layer;
	enum nn_product product;
	enum nn_call call;
};

struct device_pass {
	struct mho_nn *nn;
	struct mho_graph *graph;
	enum nn_pass kind;
	uint32_t n;
	float step; /* of its updates */
	uint64_t used;
	uint32_t nodes;
	struct node node[NODES_MAX];
};

static int call_host(void *arg, const struct mho_job *run)
{
	const struct node *node = arg;
	struct mho_nn *nn = node->pass->nn;

	/* The batch has been given up. */
	if (node->call == NN_LOSS && !nn->batch.labels)
		return -ECANCELED;
	nn_call(nn, node->call, node->layer, run->a_slot, node->pass->n);
	return node->call == NN_BIAS;
}

static uint64_t step_of(const size_t at[NN_SETS])
{
	return (at[1] - at[0]) * sizeof(float);
}

static struct node *next_node(struct device_pass *pass)
{
	struct node *node = &pass->node[pass->nodes++];

	node->pass = pass;
	return node;
}

static int record_product(void *arg, enum nn_product product, uint32_t layer)
{
	struct device_pass *pass = arg;
	const struct device_engine *dev = pass->nn->engine;
	const struct nn_layer *l = &pass->nn->layer[layer];
	const size_t *a = product == NN_BACK ? l->d : l->x;
	const size_t *b = product == NN_PRODUCT ? l->z : product == NN_BACK ? l->e : l->d;
	static const uint32_t ops[] = { MHO_OP_MVM, MHO_OP_MVM_T, MHO_OP_UPDATE };
	struct mho_job job = { .op = ops[product],
			       .mat = dev->mat[layer],
			       .a = { .buf = dev->buf, .offset = a[0] * sizeof(float) },
			       .b = { .buf = dev->buf, .offset = b[0] * sizeof(float) },
			       .batch = pass->n,
			       .alpha = product == NN_UPDATE ? pass->step : 1.0f };
	struct mho_graph_step step = { step_of(a), step_of(b) };
	struct node *node = next_node(pass);
	int ret;

	node->layer = layer;
	node->product = product;
	ret = mho_graph_add(pass->graph, &job, &step);
	return ret < 0 ? nn_mho_error(ret, "layer %u: recording its jobs", layer) : 0;
}

static struct mho_graph_access access_of(const struct device_pass *pass, const size_t at[NN_SETS],
					 uint32_t width, uint32_t flags)
{
	const struct device_engine *dev = pass->nn->engine;

	return (struct mho_graph_access){
		.buf = dev->buf,
		.offset = at[0] * sizeof(float),
		.bytes = (uint64_t)pass->n * width * sizeof(float),
		.step = step_of(at),
		.flags = flags,
	};
}

/* What a call touches of what jobs touch, too. */
static uint32_t touch(const struct device_pass *pass, enum nn_call call, uint32_t layer,
		      struct mho_graph_access access[4])
{
	const struct nn_layer *l = &pass->nn->layer[layer];
	bool last = layer + 1 == pass->nn->layers;
	uint32_t n = 0;

	switch (call) {
	case NN_ACTIVATE:
		access[n++] = access_of(pass, l->z, l->outputs, 0);
		access[n++] = access_of(pass, last ? l->z : l[1].x, l->outputs, MHO_ACCESS_WRITE);
		break;
	case NN_LOSS:
		access[n++] = access_of(pass, l->z, l->outputs, 0);
		access[n++] = access_of(pass, l->d, l->outputs, MHO_ACCESS_WRITE);
		break;
	case NN_DERIVE:
		access[n++] = access_of(pass, l->d, l->outputs, 0);
		access[n++] = access_of(pass, l->e, l->inputs, 0);
		access[n++] = access_of(pass, l->x, l->inputs, 0);
		access[n++] = access_of(pass, l[-1].d, l->inputs, MHO_ACCESS_WRITE);
		break;
	case NN_BIAS:
		access[n++] = access_of(pass, l->d, l->outputs, 0);
		break;
	}
	return n;
}

static int record_call(void *arg, enum nn_call call, uint32_t layer)
{
	struct device_pass *pass = arg;
	struct node *node = next_node(pass);
	struct mho_graph_access access[4];
	uint32_t n = touch(pass, call, layer, access);
	int ret;

	node->host = true;
	node->layer = layer;
	node->call = call;
	ret = mho_graph_add_host(pass->graph, call_host, node, access, n);
	return ret < 0 ? nn_mho_error(ret, "layer %u: recording what the host does", layer) : 0;
}

static int record(struct device_pass *pass)
{
	static const struct nn_taker taker = { record_product, record_call };
	struct mho_graph_opts opts = MHO_INIT(struct mho_graph_opts);
	int err;

	opts.runs = opts.a_slots = opts.b_slots = NN_SETS;
	err = mho_graph_create(pass->nn->dev, &opts, &pass->graph);
	if (err)
		return nn_mho_error(err, "a graph for batches of %u", pass->n);
	err = nn_pass(pass->nn, pass->kind, &taker, pass);
	if (err)
		return err;
	err = mho_graph_seal(pass->graph);
	return err ? nn_mho_error(err, "a graph for batches of %u", pass->n) : 0;
}

/* The learning rate changes with the epoch, not with the batch: it is part of the record. */
static int set_step(struct device_pass *pass, float step)
{
	int err;

	if (pass->kind != NN_TRAIN || pass->step == step)
		return 0;
	for (uint32_t i = 0; i < pass->nodes; i++) {
		if (pass->node[i].host || pass->node[i].product != NN_UPDATE)
			continue;
		err = mho_graph_set_alpha(pass->graph, i, step);
		if (err)
			return nn_mho_error(err, "layer %u: the learning rate",
					    pass->node[i].layer);
	}
	pass->step = step;
	return 0;
}

static int new_pass(struct mho_nn *nn, enum nn_pass kind, uint32_t n, struct device_pass **out)
{
	struct device_pass *pass = calloc(1, sizeof(*pass));
	int err;

	if (!pass)
		return nn_no_memory();
	pass->nn = nn;
	pass->kind = kind;
	pass->n = n;
	pass->step = nn->batch.step;
	err = record(pass);
	if (err) {
		device_pass_free(pass);
		return err;
	}
	*out = pass;
	return 0;
}

/* A place for another pass: a free one, or that of the pass that was not used for the longest time. */
static int make_room(struct mho_nn *nn, struct device_pass ***out)
{
	struct device_engine *dev = nn->engine;
	struct device_pass **oldest = &dev->passes[0];
	int err;

	for (uint32_t i = 0; i < DEVICE_PASSES; i++) {
		if (!dev->passes[i]) {
			*out = &dev->passes[i];
			return 0;
		}
		if (dev->passes[i]->used < (*oldest)->used)
			oldest = &dev->passes[i];
	}
	err = device_drain(nn);
	if (err)
		return err;
	device_pass_cost(*oldest, &dev->gone);
	device_pass_free(*oldest);
	*oldest = NULL;
	*out = oldest;
	return 0;
}

int device_pass_get(struct mho_nn *nn, enum nn_pass kind, uint32_t n, struct device_pass **out)
{
	struct device_engine *dev = nn->engine;
	struct device_pass *pass = NULL, **room;
	int err;

	for (uint32_t i = 0; i < DEVICE_PASSES && !pass; i++)
		if (dev->passes[i] && dev->passes[i]->kind == kind && dev->passes[i]->n == n)
			pass = dev->passes[i];
	if (!pass) {
		err = make_room(nn, &room);
		if (!err)
			err = new_pass(nn, kind, n, room);
		if (err)
			return err;
		pass = *room;
	}
	pass->used = ++dev->uses;
	*out = pass;
	return set_step(pass, nn->batch.step);
}

struct mho_graph *device_pass_graph(const struct device_pass *pass)
{
	return pass->graph;
}

void device_pass_free(struct device_pass *pass)
{
	if (!pass)
		return;
	mho_graph_destroy(pass->graph);
	free(pass);
}

void device_pass_cost(const struct device_pass *pass, struct device_cost *cost)
{
	struct mho_graph_stat stat = MHO_INIT(struct mho_graph_stat);

	for (uint32_t i = 0; i < pass->nodes; i++) {
		const struct node *node = &pass->node[i];

		if (node->host || mho_graph_stat_get(pass->graph, i, &stat))
			continue;
		cost->ns[node->product] += stat.device_ns;
		cost->energy_fj += stat.energy_fj;
		if (node->product == NN_UPDATE) {
			cost->pulses += stat.result;
		} else {
			cost->saturations += stat.result;
			cost->vectors += stat.runs * pass->n;
		}
	}
}

void device_pass_name(const struct device_pass *pass, uint32_t index, char *text, size_t size)
{
	static const char *const names[] = { "product", "transposed product", "update" };
	const struct node *node = index < pass->nodes ? &pass->node[index] : NULL;

	if (!node || node->host)
		snprintf(text, size, "pass of %u samples", pass->n);
	else
		snprintf(text, size, "%s of layer %u", names[node->product], node->layer);
}
