/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The device engine's state, for device.c, which has matrices and what is in flight, and
 * device_pass.c, which has passes as graphs.
 */
#ifndef MHO_NN_DEVICE_H
#define MHO_NN_DEVICE_H

#include "nn/internal.h"

/* Batch sizes and kinds of passes that are kept: those of training, testing, and what is left over. */
#define DEVICE_PASSES 8

/* What jobs have cost. */
struct device_cost {
	uint64_t ns[NN_PRODUCTS];
	uint64_t energy_fj;
	uint64_t pulses;
	uint64_t saturations;
	uint64_t vectors;
};

struct device_pass;

/* A pass on one of the sets, or a job beside passes. */
struct device_run {
	struct mho_job job;
	struct device_pass *pass; /* NULL: a job beside passes */
	bool busy;
};

struct device_engine {
	struct mho_buf *buf;
	struct mho_queue *queue;
	struct mho_mat *mat[MHO_NN_LAYERS_MAX][NN_STORES];
	struct device_run runs[NN_SETS];
	struct device_pass *passes[DEVICE_PASSES];
	uint64_t uses;
	struct device_cost gone; /* of passes that are not kept any more */
	int failed; /* first failure of a run that has not been reported yet */
	char failure[512];
};

/* device.c */
int device_drain(struct mho_nn *nn);
/* Does jobs on matrices, after all that is in flight; their cost is the updates'. */
int device_do(struct mho_nn *nn, struct mho_job *jobs, uint32_t n);
/* Errors of the present batch, of layer @k. */
struct mho_slice nn_device_errors(const struct mho_nn *nn, uint32_t k);

/* device_pass.c */

/* The graph of a pass, recorded with its first use. 0 or -errno, with the error set. */
int device_pass_get(struct mho_nn *nn, enum nn_pass pass, uint32_t n, struct device_pass **out);
struct mho_graph *device_pass_graph(const struct device_pass *pass);
void device_pass_free(struct device_pass *pass);
/* Adds what its jobs have cost. */
void device_pass_cost(const struct device_pass *pass, struct device_cost *cost);
/* "product of layer 0": what job @index does. */
void device_pass_name(const struct device_pass *pass, uint32_t index, char *text, size_t size);

#endif
