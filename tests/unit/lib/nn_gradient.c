// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Gradients beside finite differences.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/internal.h"
#include "nn_gradient.h"

#define SAMPLES 2
/* The slope's error is below 1e-6 by curvature and some 3e-8 / EPS by rounding of the loss. */
#define EPS 1e-3f
#define TOLERANCE 1e-4

static int make(struct mho_dev *dev, const char *text, const struct net_shape *in, uint64_t seed,
		struct mho_nn **nn)
{
	struct mho_nn_layer layers[MHO_NN_LAYERS_MAX];
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	int n = mho_nn_layers_parse(text, MHO_NN_TANH, layers, MHO_NN_LAYERS_MAX);

	if (n < 0)
		return n;
	desc.steps = in->steps;
	desc.height = in->height;
	desc.width = in->width;
	desc.channels = in->channels;
	desc.inputs = in->steps * in->height * in->width * in->channels;
	desc.layers = (uint32_t)n;
	desc.layer = layers;
	desc.seed = seed;
	desc.batch_max = 16;
	return mho_nn_create(dev, &desc, nn);
}

struct mho_nn *net_make(struct mho_dev *dev, const char *layers, const struct net_shape *in,
			uint64_t seed)
{
	struct mho_nn *nn = NULL;

	if (make(dev, layers, in, seed, &nn))
		fail_msg("%s: %s", layers, mho_nn_last_error());
	return nn;
}

void net_refused(const char *layers, const struct net_shape *in, const char *why)
{
	struct mho_nn *nn = NULL;
	int err = make(NULL, layers, in, 1, &nn);

	mho_nn_destroy(nn);
	if (err != -EINVAL || !strstr(mho_nn_last_error(), why))
		fail_msg("%s: %d, %s", layers, err, mho_nn_last_error());
}

static double loss_of(struct mho_nn *nn, const float *x, const int32_t *labels)
{
	struct mho_nn_score score = MHO_INIT(struct mho_nn_score);
	uint32_t answers = SAMPLES * nn_answers(nn);
	float *y = calloc((size_t)SAMPLES * nn_outputs(nn), sizeof(*y));

	assert_non_null(y);
	assert_int_equal(mho_nn_predict(nn, x, SAMPLES, y), 0);
	nn_cross_entropy(y, labels, NULL, answers, nn_classes(nn), &score);
	free(y);
	return score.loss / answers;
}

struct check {
	struct mho_nn *nn;
	const float *x;
	const int32_t *labels;
	uint32_t layer;
	float *w;
	float *bias;
};

static double loss_at(const struct check *c, float *p, float value)
{
	float old = *p;
	double loss;

	*p = value;
	assert_int_equal(mho_nn_set(c->nn, c->layer, c->w, c->bias), 0);
	loss = loss_of(c->nn, c->x, c->labels);
	*p = old;
	return loss;
}

/* Return: the largest slope of @n parameters at @p, which training has moved to @moved. */
static double compare(const struct check *c, float *p, const float *moved, size_t n)
{
	double largest = 0.0;

	for (size_t i = 0; i < n; i++) {
		double up = loss_at(c, &p[i], p[i] + EPS), down = loss_at(c, &p[i], p[i] - EPS);
		double slope = (up - down) / (2.0 * (double)EPS), step = (double)(p[i] - moved[i]);

		if (!(fabs(slope - step) < TOLERANCE))
			fail_msg("layer %u, parameter %zu: slope %g, step %g", c->layer, i, slope,
				 step);
		largest = fmax(largest, fabs(slope));
	}
	assert_int_equal(mho_nn_set(c->nn, c->layer, c->w, c->bias), 0);
	return largest;
}

static void check_layer(struct check *c, struct mho_nn *moved)
{
	const struct nn_layer *l = &c->nn->layer[c->layer];
	size_t weights = nn_weights(l);
	float *w = calloc(2 * (weights + l->rows), sizeof(*w));
	float *w_moved = w + weights, *bias = w_moved + weights, *bias_moved = bias + l->rows;

	assert_non_null(w);
	c->w = w;
	c->bias = bias;
	assert_int_equal(mho_nn_get(c->nn, c->layer, w, bias), 0);
	assert_int_equal(mho_nn_get(moved, c->layer, w_moved, bias_moved), 0);
	/* Where nothing depends on a parameter, the comparison would say nothing. */
	assert_true(compare(c, w, w_moved, weights) > 30.0 * TOLERANCE);
	if (l->biases)
		assert_true(compare(c, bias, bias_moved, l->rows) > 10.0 * TOLERANCE);
	free(w);
}

void net_check_gradient(const char *layers, const struct net_shape *in, const float *x)
{
	struct mho_nn *nn = net_make(NULL, layers, in, 3), *moved = net_make(NULL, layers, in, 3);
	int32_t *labels = calloc((size_t)SAMPLES * nn_answers(nn), sizeof(*labels));
	struct check c = { .nn = nn, .x = x, .labels = labels };

	assert_non_null(labels);
	for (uint32_t i = 0; i < SAMPLES * nn_answers(nn); i++)
		labels[i] = (int32_t)(i * i % nn_classes(nn));
	if (mho_nn_train_batch(moved, x, labels, SAMPLES, 1.0f, NULL))
		fail_msg("%s", mho_nn_last_error());
	for (c.layer = 0; c.layer < nn->layers; c.layer++)
		if (nn->layer[c.layer].rows)
			check_layer(&c, moved);
	free(labels);
	mho_nn_destroy(nn);
	mho_nn_destroy(moved);
}
