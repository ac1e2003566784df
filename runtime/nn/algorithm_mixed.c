// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Mixed precision (Nandakumar et al., Front. Neurosci. 14:406, 2020): the host adds up the gradient
 * in binary32, chi. When as much has come together as pulses can move a cell by, the cell gets that
 * many pulses, and what is left stays. So steps are not lost in the granularity of a cell; the
 * products are the device's, the outer products of the gradient the host's.
 */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "nn/device.h"

/* That a job gives a cell at most: int8, the same in both directions. */
#define PULSES_MAX 127.0f

static const struct nn_algorithm_option options[] = {
	{ "every", offsetof(struct mho_nn_algorithm, every), false, 1.0f },
	{ "granularity", offsetof(struct mho_nn_algorithm, granularity), true, 1.0f },
	{ "momentum", offsetof(struct mho_nn_algorithm, momentum), true, 0.0f },
	{ 0 },
};

/* chi, and behind it the last step. */
static size_t floats(const struct nn_layer *l)
{
	return 2 * nn_weights(l);
}

static size_t memory(const struct mho_nn *nn, const struct nn_layer *l)
{
	(void)nn;
	return nn_weights(l);
}

/* step = momentum step - rate mean(d x^T); chi += step */
static void accumulate(struct mho_nn *nn, uint32_t k)
{
	const struct nn_layer *l = &nn->layer[k];
	float *chi = nn->learner.floats[k], *step = chi + nn_weights(l);
	const float *x = nn->work + l->x[nn->set], *d = nn->work + l->d[nn->set];
	int rows = (int)l->rows, cols = (int)l->cols, n = (int)(nn->batch.count * l->vectors);

	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, cols, n, -nn->batch.step, d,
		    rows, x, cols, nn->learner.set.momentum, step, cols);
	cblas_saxpy((int)nn_weights(l), 1.0f, step, 1, chi, 1);
}

/* Whole pulses of @step each. Return: whether there are any. */
static bool take_pulses(struct mho_nn *nn, uint32_t k, float step)
{
	size_t weights = nn_weights(&nn->layer[k]);
	float *chi = nn->learner.floats[k];
	int8_t *pulses = nn->learner.memory[k];
	bool some = false;

	for (size_t i = 0; i < weights; i++) {
		float n = truncf(chi[i] / step);

		n = fminf(fmaxf(n, -PULSES_MAX), PULSES_MAX);
		chi[i] -= n * step;
		pulses[i] = (int8_t)n;
		some = some || n != 0.0f;
	}
	return some;
}

static int pulse(struct mho_nn *nn)
{
	struct mho_job jobs[MHO_NN_LAYERS_MAX];
	bool due = nn_learner_is_due(&nn->learner);
	uint32_t n = 0;

	for (uint32_t k = 0; k < nn->layers; k++) {
		float step;
		int err;

		if (!nn->layer[k].rows)
			continue;
		accumulate(nn, k);
		if (!due)
			continue;
		err = nn_device_step(nn, k, NN_WEIGHTS, &step);
		if (err)
			return err;
		if (take_pulses(nn, k, step * nn->learner.set.granularity))
			jobs[n++] = (struct mho_job){
				.op = MHO_OP_PULSE,
				.mat = nn_device_matrix(nn, k, NN_WEIGHTS),
				.a = { .buf = nn->learner.buf,
				       .offset = nn->learner.offset[k],
				       .type = MHO_I8 },
			};
	}
	return n ? device_do(nn, jobs, n) : 0;
}

const struct nn_algorithm_kind nn_mixed = {
	.name = "mixed",
	.options = options,
	.apart = true,
	.floats = floats,
	.memory = memory,
	.after = pulse,
};
