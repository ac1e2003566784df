// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Networks: making one, batches in and answers out, weights in and out. What a batch goes through is
 * in pass.c, the work on matrices is the engine's; what costs were and how good answers are is in
 * measure.c.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/internal.h"

#define BATCH_DEFAULT 256
/* Vectors begin on cache lines. */
#define ALIGN_FLOATS 16

size_t nn_not_finite(const float *v, size_t n)
{
	size_t i = 0;

	while (i < n && isfinite(v[i]))
		i++;
	return i;
}

/* ---- making one ---- */

static int check_desc(const struct mho_nn_desc *desc)
{
	if (!desc || desc->size != sizeof(*desc))
		return nn_error(-EINVAL, "struct mho_nn_desc: size is not set; initialise it with "
					 "MHO_INIT(struct mho_nn_desc)");
	if (!desc->inputs || desc->inputs > NN_WIDTH_MAX)
		return nn_error(-EINVAL, "a network has 1 to %u inputs, not %u", NN_WIDTH_MAX,
				desc->inputs);
	if (!desc->layers || desc->layers > MHO_NN_LAYERS_MAX || !desc->layer)
		return nn_error(-EINVAL, "a network has 1 to %d layers, not %u", MHO_NN_LAYERS_MAX,
				desc->layers);
	if (desc->flags & ~MHO_NN_REPLACE)
		return nn_error(-EINVAL, "flags 0x%x of the network do not exist", desc->flags);
	if (desc->batch_max > NN_BATCH_MAX)
		return nn_error(-EINVAL, "a batch has at most %u samples, not %u", NN_BATCH_MAX,
				desc->batch_max);
	if (!isfinite(desc->tolerance) || desc->tolerance < 0.0f)
		return nn_error(-EINVAL,
				"the tolerance is %g; it must be a finite number, 0 or "
				"larger",
				(double)desc->tolerance);
	if (desc->name && (!*desc->name || strlen(desc->name) > MHO_NN_NAME_MAX))
		return nn_error(-EINVAL, "the network's name must have 1 to %d bytes",
				MHO_NN_NAME_MAX);
	return 0;
}

/* The sets of a kind of vectors lie one behind the other, and nothing else between them. */
static void reserve(struct mho_nn *nn, size_t at[NN_SETS], size_t width)
{
	size_t floats = nn->batch_max * width;

	for (uint32_t set = 0; set < NN_SETS; set++) {
		at[set] = nn->work_floats;
		nn->work_floats += (floats + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
	}
}

static void share(size_t at[NN_SETS], const size_t with[NN_SETS])
{
	memcpy(at, with, NN_SETS * sizeof(*at));
}

static void reserve_matrix(struct mho_nn *nn, struct nn_layer *l, bool back)
{
	reserve(nn, l->z, (size_t)l->vectors * l->rows);
	reserve(nn, l->d, (size_t)l->vectors * l->rows);
	if (back)
		reserve(nn, l->e, (size_t)l->vectors * l->cols);
}

static int lay_out(struct mho_nn *nn)
{
	for (uint32_t k = 0; k < nn->layers; k++) {
		struct nn_layer *l = &nn->layer[k];

		reserve(nn, l->a, l->inputs);
		share(l->x, l->a);
		if (l->kind->gathers)
			reserve(nn, l->x, (size_t)l->vectors * l->cols);
		if (l->rows)
			reserve_matrix(nn, l, nn_has_back(nn->layer, k));
		share(l->g, l->d);
		if (!l->rows)
			reserve(nn, l->g, l->outputs);
		l->bias = l->rows ? calloc(l->rows, sizeof(float)) : NULL;
		if (l->rows && !l->bias)
			return nn_no_memory();
		if (k)
			share(l[-1].y, l->a);
	}
	share(nn->layer[nn->layers - 1].y, nn->layer[nn->layers - 1].z);
	if (!nn->layer[nn->layers - 1].rows)
		reserve(nn, nn->layer[nn->layers - 1].y, nn_outputs(nn));
	return 0;
}

/* A job of the device's takes all vectors of a batch. */
static int limit_batch(struct mho_nn *nn)
{
	struct mho_info info = MHO_INIT(struct mho_info);
	uint32_t vectors = 1, samples;
	int err = mho_dev_info(nn->dev, &info);

	if (err)
		return nn_mho_error(err, "asking the device what it is");
	for (uint32_t k = 0; k < nn->layers; k++)
		if (nn->layer[k].vectors > vectors)
			vectors = nn->layer[k].vectors;
	samples = info.batch_max ? info.batch_max / vectors : nn->batch_max;
	if (!samples)
		return nn_error(-EINVAL,
				"a sample becomes %u vectors in a layer, the device takes %u at a "
				"time; use larger strides, smaller images or shorter sequences",
				vectors, info.batch_max);
	if (nn->batch_max > samples)
		nn->batch_max = samples;
	return 0;
}

int nn_network_alloc(struct mho_dev *dev, const struct mho_nn_desc *desc, enum nn_matrices how,
		     struct mho_nn **out)
{
	struct mho_nn *nn;
	int err = check_desc(desc);

	if (err)
		return err;
	nn = calloc(1, sizeof(*nn));
	if (!nn)
		return nn_no_memory();
	nn->dev = dev;
	nn->unfinished = how != NN_FIND;
	nn->inputs = desc->inputs;
	nn->layers = desc->layers;
	nn->seed = desc->seed;
	nn->tolerance = desc->tolerance;
	nn->batch_max = desc->batch_max ? desc->batch_max : BATCH_DEFAULT;
	if (desc->name)
		strcpy(nn->name, desc->name);
	err = nn_learner_init(&nn->learner, dev ? desc->algorithm : NULL);
	if (!err)
		err = nn_layers_shape(desc, nn->layer);
	if (!err && dev)
		err = limit_batch(nn);
	if (!err)
		err = lay_out(nn);
	if (!err)
		err = dev ? nn_device_init(nn, desc->technology, how) : nn_host_init(nn);
	if (!err && dev)
		err = nn_learner_alloc(nn);
	if (err) {
		mho_nn_destroy(nn);
		return err;
	}
	*out = nn;
	return 0;
}

/* As binary32 on the host would begin: the reference has exactly these, the device nearly. */
static int init_layer(struct mho_nn *nn, uint32_t k)
{
	struct nn_layer *l = &nn->layer[k];
	size_t weights = nn_weights(l);
	float width = 1.0f / sqrtf((float)l->cols);
	float *w;
	int ret;

	if (!l->rows)
		return 0;
	w = malloc(weights * sizeof(*w));
	if (!w)
		return nn_no_memory();
	for (size_t i = 0; i < weights; i++)
		w[i] = width * (2.0f * nn_uniform(nn->seed, NN_STREAM_WEIGHTS, k, i) - 1.0f);
	for (uint32_t i = 0; i < l->biases; i++)
		l->bias[i] = width * (2.0f * nn_uniform(nn->seed, NN_STREAM_BIAS, k, i) - 1.0f);
	ret = nn->ops->program(nn, k, NN_WEIGHTS, w);
	memset(w, 0, weights * sizeof(*w));
	for (uint32_t store = NN_WEIGHTS + 1; ret >= 0 && store < nn_stores(nn); store++)
		ret = nn->ops->program(nn, k, store, w);
	free(w);
	return ret < 0 ? ret : 0;
}

int mho_nn_create(struct mho_dev *dev, const struct mho_nn_desc *desc, struct mho_nn **out)
{
	enum nn_matrices how = desc && (desc->flags & MHO_NN_REPLACE) ? NN_REPLACE : NN_NEW;
	struct mho_nn *nn;
	int err = nn_network_alloc(dev, desc, how, &nn);

	for (uint32_t k = 0; !err && k < nn->layers; k++) {
		err = init_layer(nn, k);
		if (err)
			mho_nn_destroy(nn);
	}
	if (err)
		return err;
	nn->unfinished = false;
	*out = nn;
	return 0;
}

void mho_nn_destroy(struct mho_nn *nn)
{
	if (!nn)
		return;
	nn_learner_free(nn);
	if (nn->engine)
		nn->ops->destroy(nn);
	for (uint32_t k = 0; k < nn->layers; k++)
		free(nn->layer[k].bias);
	free(nn);
}

uint32_t mho_nn_inputs(const struct mho_nn *nn)
{
	return nn->inputs;
}

uint32_t mho_nn_outputs(const struct mho_nn *nn)
{
	return nn_outputs(nn);
}

uint32_t mho_nn_layers(const struct mho_nn *nn)
{
	return nn->layers;
}

uint32_t mho_nn_answers(const struct mho_nn *nn)
{
	return nn_answers(nn);
}

struct mho_mat *mho_nn_matrix(struct mho_nn *nn, uint32_t layer)
{
	return nn->dev && layer < nn->layers ? nn_device_matrix(nn, layer, NN_WEIGHTS) : NULL;
}

/* ---- weights ---- */

static int check_index(const struct mho_nn *nn, uint32_t layer)
{
	if (layer < nn->layers)
		return 0;
	return nn_error(-EINVAL, "there is no layer %u: the network has layers 0 to %u", layer,
			nn->layers - 1);
}

int mho_nn_weights(const struct mho_nn *nn, uint32_t layer, uint32_t *rows, uint32_t *cols)
{
	int err = check_index(nn, layer);

	if (err)
		return err;
	if (rows)
		*rows = nn->layer[layer].rows;
	if (cols)
		*cols = nn->layer[layer].cols;
	return 0;
}

static int check_weights(const struct mho_nn *nn, uint32_t layer)
{
	int err = check_index(nn, layer);

	if (err || nn->layer[layer].rows)
		return err;
	return nn_error(-EINVAL, "layer %u has no weights: it is of kind \"%s\"", layer,
			nn->layer[layer].kind->name);
}

int mho_nn_get(struct mho_nn *nn, uint32_t layer, float *w, float *bias)
{
	int err = check_weights(nn, layer);

	if (!err)
		err = nn->ops->drain(nn);
	if (!err && w)
		err = nn->ops->read(nn, layer, NN_WEIGHTS, 0, w);
	if (!err && bias)
		memcpy(bias, nn->layer[layer].bias, nn->layer[layer].rows * sizeof(*bias));
	return err;
}

int mho_nn_set(struct mho_nn *nn, uint32_t layer, const float *w, const float *bias)
{
	struct nn_layer *l;
	size_t weights, bad;
	int ret = check_weights(nn, layer);

	if (ret)
		return ret;
	l = &nn->layer[layer];
	weights = nn_weights(l);
	bad = w ? nn_not_finite(w, weights) : weights;
	if (bad < weights)
		return nn_error(-EINVAL,
				"layer %u: the weight at row %zu, column %zu is not a "
				"finite number",
				layer, bad / l->cols, bad % l->cols);
	bad = bias ? nn_not_finite(bias, l->biases) : l->biases;
	if (bad < l->biases)
		return nn_error(-EINVAL, "layer %u: the bias of neuron %zu is not a finite number",
				layer, bad);
	ret = nn->ops->drain(nn);
	if (!ret && w)
		ret = nn->ops->program(nn, layer, NN_WEIGHTS, w);
	if (ret >= 0 && bias)
		memcpy(l->bias, bias, l->biases * sizeof(*bias));
	return ret;
}

int mho_nn_conductance(struct mho_nn *nn, uint32_t layer, float *g)
{
	int err = check_weights(nn, layer);

	if (!err)
		err = nn->ops->drain(nn);
	return err ? err : nn->ops->read(nn, layer, NN_WEIGHTS, MHO_JOB_CONDUCTANCE, g);
}

/* ---- passes ---- */

int mho_nn_predict(struct mho_nn *nn, const float *x, uint32_t count, float *y)
{
	size_t values = (size_t)count * nn->inputs;
	size_t bad = nn_not_finite(x, values);
	uint32_t outputs = nn_outputs(nn);

	if (bad < values)
		return nn_error(-EINVAL, "value %zu of sample %zu is not a finite number",
				bad % nn->inputs, bad / nn->inputs);
	while (count) {
		uint32_t n = count < nn->batch_max ? count : nn->batch_max;
		uint32_t set = nn->set;
		int err;

		memcpy(nn->work + nn->layer[0].a[set], x, (size_t)n * nn->inputs * sizeof(*x));
		err = nn->ops->run(nn, NN_FORWARD, set, n);
		if (err)
			return err;
		memcpy(y, nn->work + nn->layer[nn->layers - 1].y[set],
		       (size_t)n * outputs * sizeof(*y));
		x += (size_t)n * nn->inputs;
		y += (size_t)n * outputs;
		count -= n;
	}
	return 0;
}

static int check_batch(const struct mho_nn *nn, const float *x, const int32_t *labels,
		       uint32_t count, float rate)
{
	size_t values = (size_t)count * nn->inputs;
	size_t bad = nn_not_finite(x, values);

	if (nn->layer[nn->layers - 1].desc.activation != MHO_NN_SOFTMAX)
		return nn_error(-EINVAL, "the last layer is not softmax; only networks for "
					 "classes can be trained");
	if (!count || count > nn->batch_max)
		return nn_error(-EINVAL, "a batch of %u samples; 1 to %u are possible", count,
				nn->batch_max);
	if (!isfinite(rate) || rate < 0.0f)
		return nn_error(-EINVAL,
				"the learning rate is %g; it must be a finite number, 0 "
				"or larger",
				(double)rate);
	if (bad < values)
		return nn_error(-EINVAL, "value %zu of sample %zu is not a finite number",
				bad % nn->inputs, bad / nn->inputs);
	for (size_t i = 0; i < (size_t)count * nn_answers(nn); i++)
		if (labels[i] < 0 || (uint32_t)labels[i] >= nn_classes(nn))
			return nn_error(-EINVAL,
					"sample %zu has the label %d; the network has "
					"classes 0 to %u",
					i / nn_answers(nn), labels[i], nn_classes(nn) - 1);
	return 0;
}

int mho_nn_train_batch(struct mho_nn *nn, const float *x, const int32_t *labels, uint32_t count,
		       float rate, struct mho_nn_score *score)
{
	struct mho_nn_score batch = MHO_INIT(struct mho_nn_score);
	float labels_in_batch = (float)count * (float)nn_answers(nn);
	uint32_t set = nn->set;
	int err = check_batch(nn, x, labels, count, rate);

	if (err)
		return err;
	/*
	 * Free to write: the updates that read this set belong to the batch before the last, and
	 * the last one's products, which follow them on the same matrices, are done.
	 */
	memcpy(nn->work + nn->layer[0].a[set], x, (size_t)count * nn->inputs * sizeof(*x));
	nn->batch = (struct nn_batch){
		.labels = labels,
		.score = &batch,
		.rate = rate,
		.count = count,
	};
	nn->batch.step = rate / labels_in_batch;
	nn->batch.update =
		(nn->learner.kind->rate ? nn->learner.kind->rate(nn) : rate) / labels_in_batch;
	err = nn->ops->run(nn, NN_TRAIN, set, count);
	if (err)
		return err;
	nn->set = (set + 1) % NN_SETS;
	batch.loss /= batch.count;
	if (score)
		nn_score_add(score, &batch);
	return 0;
}
