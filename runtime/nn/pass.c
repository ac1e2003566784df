// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What a pass over the layers consists of, and in which order: products, which are the engine's
 * to do, and what the host does in between.
 */
#include <string.h>

#include "nn/internal.h"

static int forward(const struct mho_nn *nn, const struct nn_taker *to, void *arg)
{
	int err = 0;

	for (uint32_t k = 0; k < nn->layers && !err; k++) {
		err = to->product(arg, NN_PRODUCT, k);
		if (!err)
			err = to->call(arg, NN_ACTIVATE, k);
	}
	return err;
}

/* The transposed product before the update: it is to see the weights that the forward pass saw. */
static int backward(const struct mho_nn *nn, const struct nn_taker *to, void *arg)
{
	int err = to->call(arg, NN_LOSS, nn->layers - 1);

	for (uint32_t k = nn->layers; k-- > 0 && !err;) {
		if (k)
			err = to->product(arg, NN_BACK, k);
		if (!err)
			err = to->product(arg, NN_UPDATE, k);
		if (!err)
			err = to->call(arg, k ? NN_DERIVE : NN_BIAS, k);
	}
	return err;
}

int nn_pass(const struct mho_nn *nn, enum nn_pass pass, const struct nn_taker *to, void *arg)
{
	int err = forward(nn, to, arg);

	return err || pass != NN_TRAIN ? err : backward(nn, to, arg);
}

static void update_bias(struct nn_layer *l, const float *d, uint32_t n, float step)
{
	for (uint32_t i = 0; i < n; i++, d += l->outputs)
		for (uint32_t j = 0; j < l->outputs; j++)
			l->bias[j] -= step * d[j];
}

static void derive(struct mho_nn *nn, uint32_t layer, uint32_t set, uint32_t n)
{
	const struct nn_layer *l = &nn->layer[layer], *below = l - 1;
	float *d = nn->work + below->d[set];

	memcpy(d, nn->work + l->e[set], (size_t)n * l->inputs * sizeof(*d));
	nn_derive(below->desc.activation, nn->work + l->x[set], d, n, l->inputs);
}

void nn_call(struct mho_nn *nn, enum nn_call call, uint32_t layer, uint32_t set, uint32_t n)
{
	struct nn_layer *l = &nn->layer[layer];
	float *z = nn->work + l->z[set], *d = nn->work + l->d[set];
	size_t to = layer + 1 < nn->layers ? nn->layer[layer + 1].x[set] : l->z[set];

	switch (call) {
	case NN_ACTIVATE:
		nn_activate(l->desc.activation, z, l->bias, nn->work + to, n, l->outputs);
		break;
	case NN_LOSS:
		nn_cross_entropy(z, nn->batch.labels, d, n, l->outputs, nn->batch.score);
		break;
	case NN_DERIVE:
		update_bias(l, d, n, nn->batch.step);
		derive(nn, layer, set, n);
		break;
	case NN_BIAS:
		update_bias(l, d, n, nn->batch.step);
		nn->batch.done = true;
		break;
	}
}
