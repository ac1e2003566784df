// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The host engine: the reference in binary32. The same operations as the device's, exact and at
 * once, by BLAS.
 */
#include <cblas.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nn/internal.h"

struct host_engine {
	float *w[MHO_NN_LAYERS_MAX];
};

static int host_drain(struct mho_nn *nn)
{
	(void)nn;
	return 0;
}

static int host_forward(struct mho_nn *nn, uint32_t layer, uint32_t set, uint32_t n)
{
	struct host_engine *host = nn->engine;
	struct nn_layer *l = &nn->layer[layer];
	int rows = (int)l->outputs, cols = (int)l->inputs;

	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, rows, cols, 1.0f,
		    nn->work + l->x[set], cols, host->w[layer], cols, 0.0f, nn->work + l->z[set],
		    rows);
	return 0;
}

static int host_backward(struct mho_nn *nn, uint32_t layer, uint32_t set, uint32_t n, float rate)
{
	struct host_engine *host = nn->engine;
	struct nn_layer *l = &nn->layer[layer];
	int rows = (int)l->outputs, cols = (int)l->inputs;
	const float *d = nn->work + l->d[set];

	if (layer)
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, cols, rows, 1.0f, d,
			    rows, host->w[layer], cols, 0.0f, nn->work + l->e[set], cols);
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, cols, (int)n, -rate, d, rows,
		    nn->work + l->x[set], cols, 1.0f, host->w[layer], cols);
	return 0;
}

static size_t weights(const struct nn_layer *l)
{
	return (size_t)l->outputs * l->inputs;
}

static int host_program(struct mho_nn *nn, uint32_t layer, const float *w)
{
	struct host_engine *host = nn->engine;

	memcpy(host->w[layer], w, weights(&nn->layer[layer]) * sizeof(*w));
	return 0;
}

static int host_read(struct mho_nn *nn, uint32_t layer, uint32_t flags, float *w)
{
	struct host_engine *host = nn->engine;

	if (flags)
		return nn_error(-EOPNOTSUPP, "a network on the host has no conductances and no "
					     "wear; make one on a device");
	memcpy(w, host->w[layer], weights(&nn->layer[layer]) * sizeof(*w));
	return 0;
}

static void host_destroy(struct mho_nn *nn)
{
	struct host_engine *host = nn->engine;

	for (uint32_t k = 0; k < nn->layers; k++)
		free(host->w[k]);
	free(host);
	free(nn->work);
}

static const struct nn_engine_ops host_ops = {
	.drain = host_drain,
	.forward = host_forward,
	.backward = host_backward,
	.program = host_program,
	.read = host_read,
	.destroy = host_destroy,
};

int nn_host_init(struct mho_nn *nn)
{
	struct host_engine *host = calloc(1, sizeof(*host));

	if (!host)
		return nn_no_memory();
	nn->engine = host;
	nn->work = calloc(nn->work_floats, sizeof(float));
	if (!nn->work)
		goto err_free;
	for (uint32_t k = 0; k < nn->layers; k++) {
		host->w[k] = calloc(weights(&nn->layer[k]), sizeof(float));
		if (!host->w[k])
			goto err_free;
	}
	nn->ops = &host_ops;
	return 0;

err_free:
	host_destroy(nn);
	nn->work = NULL;
	nn->engine = NULL;
	return nn_no_memory();
}
