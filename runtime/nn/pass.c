// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What a pass over the layers consists of, and in which order: products, which are the engine's
 * to do, and what the host does in between. What a layer adds to it is its kind's to say.
 */
#include <string.h>

#include "nn/internal.h"

int nn_matrix_forward(const struct mho_nn *nn, uint32_t k, const struct nn_taker *to, void *arg)
{
	const struct nn_layer *l = &nn->layer[k];
	struct nn_part all = { k, 0, l->vectors };
	int err = l->kind->gathers ? to->call(arg, NN_GATHER, &all) : 0;

	if (!err)
		err = to->product(arg, NN_PRODUCT, &all);
	return err ? err : to->call(arg, NN_ACTIVATE, &all);
}

/* The transposed product before the update: it is to see the weights that the forward pass saw. */
int nn_matrix_backward(const struct mho_nn *nn, uint32_t k, const struct nn_taker *to, void *arg)
{
	struct nn_part all = { k, 0, nn->layer[k].vectors };
	int err = nn_has_back(nn->layer, k) ? to->product(arg, NN_BACK, &all) : 0;

	if (!err)
		err = to->product(arg, NN_UPDATE, &all);
	return err ? err : to->call(arg, NN_DERIVE, &all);
}

void nn_matrix_activate(const struct nn_place *p)
{
	const struct nn_layer *l = p->l;

	nn_activate(l->desc.activation, nn_vectors(p, l->z), l->bias, nn_vectors(p, l->y),
		    p->n * l->vectors, l->rows);
}

int nn_pass(const struct mho_nn *nn, enum nn_pass pass, const struct nn_taker *to, void *arg)
{
	struct nn_part last = { nn->layers - 1, 0, nn_answers(nn) };
	uint32_t k;
	int err = 0;

	for (k = 0; k < nn->layers && !err; k++)
		err = nn->layer[k].kind->forward(nn, k, to, arg);
	if (err || pass != NN_TRAIN)
		return err;
	err = to->call(arg, NN_LOSS, &last);
	while (!err && k-- > 0 && nn->layer[k].learns)
		err = nn->layer[k].kind->backward(nn, k, to, arg);
	return err ? err : to->call(arg, NN_DONE, &last);
}

static void update_bias(struct nn_layer *l, const float *d, uint32_t n, float step)
{
	for (uint32_t i = 0; i < n; i++, d += l->rows)
		for (uint32_t j = 0; j < l->biases; j++)
			l->bias[j] -= step * d[j];
}

static void derive(const struct nn_place *p)
{
	struct nn_layer *l = p->l, *below = l - 1;
	bool more = l > p->nn->layer && below->learns;
	float *g = more ? nn_vectors(p, below->g) : NULL;

	if (l->biases)
		update_bias(l, nn_vectors(p, l->d), p->n * l->vectors, p->nn->batch.step);
	if (!more)
		return;
	l->kind->derive(p, g);
	nn_derive(below->desc.activation, nn_vectors(p, l->a), g, p->n, l->inputs);
}

void nn_call(struct mho_nn *nn, enum nn_call call, const struct nn_part *part, uint32_t set,
	     uint32_t n)
{
	struct nn_layer *l = &nn->layer[part->layer];
	struct nn_place p = { nn, l, set, n, part->first };

	switch (call) {
	case NN_GATHER:
		l->kind->gather(&p);
		break;
	case NN_ACTIVATE:
		l->kind->activate(&p);
		break;
	case NN_LOSS:
		nn_cross_entropy(nn_vectors(&p, l->y), nn->batch.labels, nn_vectors(&p, l->d),
				 n * nn_answers(nn), nn_classes(nn), nn->batch.score);
		break;
	case NN_DERIVE:
		derive(&p);
		break;
	case NN_DONE:
		nn->batch.done = true;
		break;
	}
}
