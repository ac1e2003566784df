// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Dense layers: y = f(W x + b), x all values of an image or vector, for each step of a sequence.
 */
#include <string.h>

#include "nn/internal.h"

static int dense_shape(struct nn_layer *l, uint32_t k)
{
	(void)k;
	l->rows = l->desc.outputs;
	l->cols = nn_shape_step(&l->in);
	l->vectors = l->in.steps;
	l->out = (struct nn_shape){ l->in.steps, 1, 1, l->desc.outputs };
	return 0;
}

static void dense_derive(const struct nn_place *p, float *below)
{
	memcpy(below, nn_vectors(p, p->l->e), (size_t)p->n * p->l->inputs * sizeof(*below));
}

const struct nn_kind nn_dense = {
	.name = "dense",
	.has = NN_HAS_OUTPUTS | NN_HAS_ACTIVATION | NN_HAS_SOFTMAX | NN_HAS_BIAS,
	.sizes = { offsetof(struct mho_nn_layer, outputs) },
	.nsizes = 1,
	.shape = dense_shape,
	.forward = nn_matrix_forward,
	.backward = nn_matrix_backward,
	.activate = nn_matrix_activate,
	.derive = dense_derive,
};
