// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Tiki-Taka (Gokmen and Haensch, Front. Neurosci. 14:103, 2020): errors move a fast matrix A, and
 * from time to time the device adds a column of A to the same column of the weights C. Cells whose
 * step down is larger than the step up at positive weights, and the reverse, pull A back to where
 * both are the same, which is where it reads 0: so A forgets, and holds what errors agree upon,
 * while a C that moves only by that is hardly pulled at all. Onen et al. (Front. Artif. Intell.
 * 5:891624, 2022) call the same scheme stochastic Hamiltonian descent: asymmetry is its friction.
 */
#include "nn/device.h"

static const struct nn_algorithm_option options[] = {
	{ "every", offsetof(struct mho_nn_algorithm, every), false, 1.0f },
	{ "columns", offsetof(struct mho_nn_algorithm, columns), false, 1.0f },
	{ "fast-rate", offsetof(struct mho_nn_algorithm, fast_rate), true, 0.05f },
	{ "transfer-rate", offsetof(struct mho_nn_algorithm, transfer_rate), true, 1.0f },
	{ 0 },
};

static float fast_rate(const struct mho_nn *nn)
{
	return nn->learner.set.fast_rate;
}

static struct mho_job next_transfer(struct mho_nn *nn, uint32_t k)
{
	uint32_t first, count = nn_learner_columns(nn, k, &first);

	return (struct mho_job){
		.op = MHO_OP_TRANSFER,
		.mat = nn_device_matrix(nn, k, NN_FAST),
		.dst = nn_device_matrix(nn, k, NN_WEIGHTS),
		.src_col = first,
		.dst_col = first,
		.count = count,
		.alpha = nn->learner.set.transfer_rate * nn->batch.rate,
	};
}

static int transfer(struct mho_nn *nn)
{
	struct mho_job jobs[MHO_NN_LAYERS_MAX];
	uint32_t n = 0;

	if (!nn_learner_is_due(&nn->learner))
		return 0;
	for (uint32_t k = 0; k < nn->layers; k++)
		if (nn->layer[k].rows)
			jobs[n++] = next_transfer(nn, k);
	return device_do(nn, jobs, n);
}

const struct nn_algorithm_kind nn_tiki_taka = {
	.name = "tiki-taka",
	.options = options,
	.updated = NN_FAST,
	.rate = fast_rate,
	.after = transfer,
};
