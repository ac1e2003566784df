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

/* The most that a call touches of what jobs touch, too. */
#define TOUCHED_MAX 5

/* A job of the graph, or an argument of a function. */
struct node {
	const struct device_pass *pass;
	bool host;
	struct nn_part part;
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
	struct node *node;
};

static int call_host(void *arg, const struct mho_job *run)
{
	const struct node *node = arg;
	struct mho_nn *nn = node->pass->nn;

	/* The batch has been given up. */
	if (node->call == NN_LOSS && !nn->batch.labels)
		return -ECANCELED;
	nn_call(nn, node->call, &node->part, run->a_slot, node->pass->n);
	return node->call == NN_DONE;
}

static uint64_t step_of(const size_t at[NN_SETS])
{
	return (at[1] - at[0]) * sizeof(float);
}

/* ---- how much there is to record ---- */

static int count_product(void *arg, enum nn_product product, const struct nn_part *part)
{
	(void)product;
	(void)part;
	(*(uint32_t *)arg)++;
	return 0;
}

static int count_call(void *arg, enum nn_call call, const struct nn_part *part)
{
	(void)call;
	return count_product(arg, NN_PRODUCT, part);
}

static int alloc_nodes(struct device_pass *pass)
{
	static const struct nn_taker counter = { count_product, count_call };
	uint32_t n = 0;

	nn_pass(pass->nn, pass->kind, &counter, &n);
	pass->node = calloc(n, sizeof(*pass->node));
	return pass->node ? 0 : nn_no_memory();
}

/* ---- recording ---- */

static struct node *next_node(struct device_pass *pass, const struct nn_part *part)
{
	struct node *node = &pass->node[pass->nodes++];

	node->pass = pass;
	node->part = *part;
	return node;
}

static struct mho_slice slice_of(const struct device_pass *pass, const size_t at[NN_SETS],
				 const struct nn_part *part, uint32_t width)
{
	const struct device_engine *dev = pass->nn->engine;
	size_t first = (size_t)part->first * pass->n * width;

	return (struct mho_slice){ .buf = dev->buf, .offset = (at[0] + first) * sizeof(float) };
}

static int record_product(void *arg, enum nn_product product, const struct nn_part *part)
{
	struct device_pass *pass = arg;
	const struct device_engine *dev = pass->nn->engine;
	const struct nn_layer *l = &pass->nn->layer[part->layer];
	bool back = product == NN_BACK;
	const size_t *a = back ? l->d : l->x;
	const size_t *b = product == NN_PRODUCT ? l->z : back ? l->e : l->d;
	static const uint32_t ops[] = { MHO_OP_MVM, MHO_OP_MVM_T, MHO_OP_UPDATE };
	enum nn_store store = product == NN_UPDATE ? pass->nn->learner.kind->updated : NN_WEIGHTS;
	struct mho_job job = { .op = ops[product],
			       .mat = dev->mat[part->layer][store],
			       .a = slice_of(pass, a, part, back ? l->rows : l->cols),
			       .b = slice_of(pass, b, part, back ? l->cols : l->rows),
			       .batch = part->count * pass->n,
			       .alpha = product == NN_UPDATE ? pass->step : 1.0f };
	struct mho_graph_step step = { step_of(a), step_of(b) };
	struct node *node;
	int ret;

	if (product == NN_UPDATE && pass->nn->learner.kind->apart)
		return 0;
	node = next_node(pass, part);
	node->product = product;
	ret = mho_graph_add(pass->graph, &job, &step);
	return ret < 0 ? nn_mho_error(ret, "layer %u: recording its jobs", part->layer) : 0;
}

/* What a call touches. */
struct touched {
	const struct device_pass *pass;
	struct mho_graph_access access[TOUCHED_MAX];
	uint32_t n;
};

static void touch(struct touched *t, const size_t at[NN_SETS], size_t width, uint32_t flags)
{
	const struct device_engine *dev = t->pass->nn->engine;

	t->access[t->n++] = (struct mho_graph_access){
		.buf = dev->buf,
		.offset = at[0] * sizeof(float),
		.bytes = (uint64_t)t->pass->n * width * sizeof(float),
		.step = step_of(at),
		.flags = flags,
	};
}

/* Errors go to the layer below. */
static void touch_derive(struct touched *t, const struct nn_layer *layer, uint32_t k)
{
	const struct nn_layer *l = &layer[k];

	touch(t, l->rows ? l->d : l->g, l->rows ? (size_t)l->vectors * l->rows : l->outputs, 0);
	if (!k || !l[-1].learns)
		return;
	if (l->rows)
		touch(t, l->e, (size_t)l->vectors * l->cols, 0);
	touch(t, l->a, l->inputs, 0);
	touch(t, l[-1].g, l[-1].outputs, MHO_ACCESS_WRITE);
}

/* What a call touches of what jobs touch, too. */
static void touch_all(struct touched *t, enum nn_call call, const struct nn_part *part)
{
	const struct nn_layer *l = &t->pass->nn->layer[part->layer];
	size_t products = (size_t)l->vectors * l->rows;

	switch (call) {
	case NN_GATHER:
		touch(t, l->a, l->inputs, 0);
		touch(t, l->x, (size_t)l->vectors * l->cols, MHO_ACCESS_WRITE);
		break;
	case NN_ACTIVATE:
		touch(t, l->rows ? l->z : l->a, l->rows ? products : l->inputs, 0);
		touch(t, l->y, l->outputs, MHO_ACCESS_WRITE);
		break;
	case NN_LOSS:
		touch(t, l->y, l->outputs, 0);
		touch(t, l->d, products, MHO_ACCESS_WRITE);
		break;
	case NN_DERIVE:
		touch_derive(t, t->pass->nn->layer, part->layer);
		break;
	case NN_DONE:
		touch(t, l->y, l->outputs, 0);
		break;
	}
}

static int record_call(void *arg, enum nn_call call, const struct nn_part *part)
{
	struct device_pass *pass = arg;
	struct node *node = next_node(pass, part);
	struct touched t = { .pass = pass };
	int ret;

	touch_all(&t, call, part);
	node->host = true;
	node->call = call;
	ret = mho_graph_add_host(pass->graph, call_host, node, t.access, t.n);
	return ret < 0 ? nn_mho_error(ret, "layer %u: recording what the host does", part->layer) :
			 0;
}

static int record(struct device_pass *pass)
{
	static const struct nn_taker taker = { record_product, record_call };
	struct mho_graph_opts opts = MHO_INIT(struct mho_graph_opts);
	int err;

	err = alloc_nodes(pass);
	if (err)
		return err;
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
					    pass->node[i].part.layer);
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
	pass->step = nn->batch.update;
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
	return set_step(pass, nn->batch.update);
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
	free(pass->node);
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
			cost->vectors += stat.runs * pass->n * node->part.count;
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
		snprintf(text, size, "%s of layer %u", names[node->product], node->part.layer);
}
