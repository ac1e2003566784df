/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The trainer's state, for trainer.c, which trains, and checkpoint.c, which saves it.
 */
#ifndef MHO_NN_TRAINER_H
#define MHO_NN_TRAINER_H

#include "nn/data.h"
#include "nn/internal.h"

struct mho_nn_trainer {
	struct mho_nn *nn;
	struct mho_nn *reference;
	const struct mho_nn_data *train;
	const struct mho_nn_data *test;
	struct nn_schedule schedule;
	uint64_t seed;
	uint32_t epochs;
	uint32_t batch;

	uint32_t epoch; /* done; the reference is where this one ended */
	uint32_t sample; /* of the next epoch that are done */
	struct mho_nn_score score; /* of these */
	struct mho_nn_epoch now; /* cost of these */
	struct mho_nn_epoch *history; /* room for .epochs */

	uint32_t *order; /* of the epoch */
	uint32_t order_epoch; /* it is of this one; UINT32_MAX: of none */
	float *x;
	int32_t *labels;
};

#endif
