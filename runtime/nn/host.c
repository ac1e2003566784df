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

/* The pass that is being done. */
struct host_pass {
	struct mho_nn *nn;
	uint32_t set;
	uint32_t n;
};

static int host_product(void *arg, enum nn_product product, const struct nn_part *part)
{
	const struct host_pass *pass = arg;
	const struct mho_nn *nn = pass->nn;
	const struct nn_layer *l = &nn->layer[part->layer];
	size_t first = (size_t)part->first * pass->n;
	float *w = ((struct host_engine *)nn->engine)->w[part->layer];
	const float *x = nn->work + l->x[pass->set] + first * l->cols;
	const float *d = nn->work + l->d[pass->set] + first * l->rows;
	int rows = (int)l->rows, cols = (int)l->cols, n = (int)(part->count * pass->n);

	switch (product) {
	case NN_PRODUCT:
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, rows, cols, 1.0f, x, cols,
			    w, cols, 0.0f, nn->work + l->z[pass->set] + first * l->rows, rows);
		break;
	case NN_BACK:
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, cols, rows, 1.0f, d, rows,
			    w, cols, 0.0f, nn->work + l->e[pass->set] + first * l->cols, cols);
		break;
	default:
		cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, cols, n, -nn->batch.step,
			    d, rows, x, cols, 1.0f, w, cols);
		break;
	}
	return 0;
}

static int host_call(void *arg, enum nn_call call, const struct nn_part *part)
{
	const struct host_pass *pass = arg;

	nn_call(pass->nn, call, part, pass->set, pass->n);
	return 0;
}

static int host_run(struct mho_nn *nn, enum nn_pass pass, uint32_t set, uint32_t n)
{
	static const struct nn_taker taker = { host_product, host_call };
	struct host_pass args = { nn, set, n };

	return nn_pass(nn, pass, &taker, &args);
}

static int host_program(struct mho_nn *nn, uint32_t layer, enum nn_store store, const float *w)
{
	struct host_engine *host = nn->engine;

	(void)store;
	memcpy(host->w[layer], w, nn_weights(&nn->layer[layer]) * sizeof(*w));
	return 0;
}

static int host_read(struct mho_nn *nn, uint32_t layer, enum nn_store store, uint32_t flags,
		     float *w)
{
	struct host_engine *host = nn->engine;

	(void)store;
	if (flags)
		return nn_error(-EOPNOTSUPP, "a network on the host has no conductances and no "
					     "wear; make one on a device");
	memcpy(w, host->w[layer], nn_weights(&nn->layer[layer]) * sizeof(*w));
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
	.run = host_run,
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
		host->w[k] = calloc(nn_weights(&nn->layer[k]), sizeof(float));
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
