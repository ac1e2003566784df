// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Measuring a network: how good its answers are, what it has cost, how worn its cells are.
 */
#include <errno.h>
#include <stdlib.h>

#include "nn/data.h"
#include "nn/internal.h"

void nn_score_add(struct mho_nn_score *sum, const struct mho_nn_score *add)
{
	uint64_t count = (uint64_t)sum->count + add->count;

	if (count)
		sum->loss = (sum->loss * sum->count + add->loss * add->count) / (double)count;
	sum->count = (uint32_t)count;
	sum->correct += add->correct;
}

static int check_data(const struct mho_nn *nn, const struct mho_nn_data *data)
{
	if (data->inputs != nn->inputs)
		return nn_error(-EINVAL,
				"the samples have %u values, the network has %u inputs; use "
				"samples of the kind it was made for",
				data->inputs, nn->inputs);
	if (nn_answers(nn) != 1)
		return nn_error(-EINVAL,
				"samples have one label, the network answers at %u steps; use "
				"mho_nn_predict()",
				nn_answers(nn));
	for (uint32_t i = 0; i < data->count; i++)
		if (nn_data_label(data, i) >= (int64_t)nn_outputs(nn))
			return nn_error(-EINVAL,
					"sample %u has the label %d; the network has classes 0 to "
					"%u: use other samples, or make a network with more "
					"classes",
					mho_nn_data_index(data, i), nn_data_label(data, i),
					nn_outputs(nn) - 1);
	return 0;
}

struct answers {
	float *x;
	float *y;
	int32_t *labels;
};

static void free_answers(struct answers *a)
{
	free(a->x);
	free(a->y);
	free(a->labels);
}

static int alloc_answers(struct mho_nn *nn, struct answers *a)
{
	a->x = malloc((size_t)nn->batch_max * nn->inputs * sizeof(*a->x));
	a->y = malloc((size_t)nn->batch_max * nn_outputs(nn) * sizeof(*a->y));
	a->labels = malloc((size_t)nn->batch_max * sizeof(*a->labels));
	return a->x && a->y && a->labels ? 0 : nn_no_memory();
}

int mho_nn_evaluate(struct mho_nn *nn, const struct mho_nn_data *data, int32_t *answers,
		    float *confidence, struct mho_nn_score *score)
{
	struct mho_nn_score sum = MHO_INIT(struct mho_nn_score);
	uint32_t outputs = nn_outputs(nn);
	struct answers a = { NULL, NULL, NULL };
	int err = check_data(nn, data);

	if (!err)
		err = alloc_answers(nn, &a);
	for (uint32_t at = 0, n; !err && at < data->count; at += n) {
		n = data->count - at < nn->batch_max ? data->count - at : nn->batch_max;
		for (uint32_t i = 0; i < n; i++)
			a.labels[i] = mho_nn_data_get(data, at + i, a.x + (size_t)i * nn->inputs);
		err = mho_nn_predict(nn, a.x, n, a.y);
		if (err)
			break;
		nn_cross_entropy(a.y, a.labels, NULL, n, outputs, &sum);
		for (uint32_t i = 0; i < n; i++) {
			const float *y = a.y + (size_t)i * outputs;
			uint32_t best = nn_largest(y, outputs);

			if (answers)
				answers[at + i] = (int32_t)best;
			if (confidence)
				confidence[at + i] = y[best];
		}
	}
	free_answers(&a);
	if (err)
		return err;
	if (sum.count)
		sum.loss /= sum.count;
	if (score)
		*score = sum;
	return 0;
}

int mho_nn_cost_get(struct mho_nn *nn, struct mho_nn_cost *cost)
{
	struct mho_nn_cost now = MHO_INIT(struct mho_nn_cost);
	int err;

	if (!cost || cost->size != sizeof(*cost))
		return nn_error(-EINVAL, "struct mho_nn_cost: size is not set; initialise it with "
					 "MHO_INIT(struct mho_nn_cost)");
	if (nn->dev) {
		err = nn->ops->drain(nn);
		if (err)
			return err;
		nn_device_cost(nn, &now);
	}
	*cost = now;
	return 0;
}

static int endurance(struct mho_nn *nn, uint32_t layer, enum nn_store store, uint64_t *least)
{
	struct mho_mat *mat = nn_device_matrix(nn, layer, store);
	int n = mho_mat_blocks(mat, NULL, 0);
	struct mho_mat_block *blocks;
	int err = 0;

	if (n <= 0)
		return n < 0 ? nn_mho_error(n, "layer %u: where it is", layer) : 0;
	blocks = calloc((size_t)n, sizeof(*blocks));
	if (!blocks)
		return nn_no_memory();
	n = mho_mat_blocks(mat, blocks, (uint32_t)n);
	for (int i = 0; !err && i < n; i++) {
		struct mho_tile_info tile = MHO_INIT(struct mho_tile_info);

		err = mho_tile_get(nn->dev, blocks[i].tile, &tile);
		if (err)
			nn_mho_error(err, "tile %u", blocks[i].tile);
		else if (tile.endurance && (!*least || tile.endurance < *least))
			*least = tile.endurance;
	}
	free(blocks);
	return err;
}

static int add_wear(struct mho_nn *nn, uint32_t layer, enum nn_store store,
		    struct mho_nn_wear *wear, double *sum)
{
	size_t cells = nn_weights(&nn->layer[layer]);
	float *pulses;
	int err;

	if (!cells)
		return 0;
	pulses = malloc(cells * sizeof(*pulses));
	if (!pulses)
		return nn_no_memory();
	err = nn->ops->read(nn, layer, store, MHO_JOB_WEAR, pulses);
	for (size_t i = 0; !err && i < cells; i++) {
		*sum += pulses[i];
		if (pulses[i] > wear->max)
			wear->max = pulses[i];
	}
	wear->cells += cells;
	free(pulses);
	return err ? err : endurance(nn, layer, store, &wear->endurance);
}

int mho_nn_wear_get(struct mho_nn *nn, struct mho_nn_wear *wear)
{
	struct mho_nn_wear now = MHO_INIT(struct mho_nn_wear);
	double sum = 0.0;
	int err;

	if (!wear || wear->size != sizeof(*wear))
		return nn_error(-EINVAL, "struct mho_nn_wear: size is not set; initialise it with "
					 "MHO_INIT(struct mho_nn_wear)");
	err = nn->dev ? nn->ops->drain(nn) : 0;
	for (uint32_t i = 0; nn->dev && !err && i < nn->layers * nn_stores(nn); i++)
		err = add_wear(nn, i / nn_stores(nn), i % nn_stores(nn), &now, &sum);
	if (err)
		return err;
	if (now.cells)
		now.mean = sum / (double)now.cells;
	*wear = now;
	return 0;
}
