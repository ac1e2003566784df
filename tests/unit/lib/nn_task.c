// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Small tasks to learn, for the tests of libmho-nn.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nn/internal.h"
#include "nn_task.h"

struct mho_nn_data *task_moons(uint32_t count, uint64_t seed)
{
	float *x = calloc(count, 2 * sizeof(*x));
	int32_t *labels = calloc(count, sizeof(*labels));
	struct mho_nn_data *data = NULL;

	assert_true(x && labels);
	for (uint32_t i = 0; i < count; i++) {
		float angle = 3.14159265f * nn_uniform(seed, 1, 0, i);
		bool lower = i % 2;

		labels[i] = lower;
		x[2 * i] = (lower ? 1.0f - cosf(angle) : cosf(angle)) - 0.5f;
		x[2 * i + 1] = (lower ? 0.5f - sinf(angle) : sinf(angle)) - 0.25f;
		for (uint32_t j = 0; j < 2; j++)
			x[2 * i + j] =
				0.6f * (x[2 * i + j] + 0.3f * (nn_uniform(seed, 2, j, i) - 0.5f));
	}
	if (mho_nn_data_create(x, labels, count, 2, &data))
		fail_msg("%s", mho_nn_last_error());
	mho_nn_data_shuffle(data, seed);
	free(x);
	free(labels);
	return data;
}

struct mho_nn_data *task_xor(uint32_t times)
{
	float *x = calloc(times, 8 * sizeof(*x));
	int32_t *labels = calloc(times, 4 * sizeof(*labels));
	struct mho_nn_data *data = NULL;

	assert_true(x && labels);
	for (uint32_t i = 0; i < 4 * times; i++) {
		x[2 * i] = i & 1 ? 1.0f : -1.0f;
		x[2 * i + 1] = i & 2 ? 1.0f : -1.0f;
		labels[i] = (i ^ (i >> 1)) & 1;
	}
	if (mho_nn_data_create(x, labels, 4 * times, 2, &data))
		fail_msg("%s", mho_nn_last_error());
	free(x);
	free(labels);
	return data;
}

struct mho_nn *task_network(struct mho_dev *dev, uint32_t hidden, uint64_t seed, const char *name)
{
	struct mho_nn_layer layers[2] = { MHO_INIT(struct mho_nn_layer),
					  MHO_INIT(struct mho_nn_layer) };
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	struct mho_nn *nn = NULL;

	layers[0].outputs = hidden;
	layers[0].activation = MHO_NN_TANH;
	layers[1].outputs = 2;
	layers[1].activation = MHO_NN_SOFTMAX;
	layers[0].scale = layers[1].scale = 4.0f;
	desc.inputs = 2;
	desc.layers = 2;
	desc.layer = layers;
	desc.seed = seed;
	desc.batch_max = 64;
	desc.name = name;
	if (mho_nn_create(dev, &desc, &nn))
		fail_msg("%s", mho_nn_last_error());
	return nn;
}

struct mho_nn_trainer *task_trainer(struct mho_nn *nn, struct mho_nn *reference,
				    const struct mho_nn_data *train, const struct mho_nn_data *test,
				    uint32_t epochs, float rate)
{
	struct mho_nn_schedule schedule = MHO_INIT(struct mho_nn_schedule);
	struct mho_nn_train_opts opts = MHO_INIT(struct mho_nn_train_opts);
	struct mho_nn_trainer *trainer = NULL;

	schedule.rate = rate;
	opts.schedule = &schedule;
	opts.seed = 11;
	opts.epochs = epochs;
	opts.batch = 5;
	if (mho_nn_trainer_create(nn, reference, train, test, &opts, &trainer))
		fail_msg("%s", mho_nn_last_error());
	return trainer;
}
