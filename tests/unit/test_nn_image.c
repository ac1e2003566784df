// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Convolution and pooling: answers beside sums written out, gradients beside finite differences,
 * training on an ideal device beside float32, checkpoints, descriptions that are refused.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/internal.h"
#include "nn_gradient.h"
#include "nn_task.h"
#include "scratch.h"

#define VALUES_MAX 1024

static float value(uint32_t i)
{
	return 2.0f * nn_uniform(7, NN_STREAM_ORDER, 1, i) - 1.0f;
}

static void fill(float *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		v[i] = value(i);
}

/* ---- answers ---- */

struct geometry {
	struct net_shape in;
	uint32_t channels; /* of the outputs */
	uint32_t kernel[2];
	uint32_t stride[2];
	uint32_t padding[2];
};

/* The image's value, 0 in the padding. */
static double pixel(const struct geometry *g, const float *x, int row, int column, uint32_t c,
		    bool *inside)
{
	*inside = row >= 0 && column >= 0 && row < (int)g->in.height && column < (int)g->in.width;
	if (!*inside)
		return 0.0;
	return (double)x[((uint32_t)row * g->in.width + (uint32_t)column) * g->in.channels + c];
}

static uint32_t places(const struct geometry *g, uint32_t dim)
{
	uint32_t size = dim ? g->in.width : g->in.height;

	return (size + 2 * g->padding[dim] - g->kernel[dim]) / g->stride[dim] + 1;
}

/* Corner of the kernel on the image. */
static int corner(const struct geometry *g, uint32_t dim, uint32_t at)
{
	return (int)(at * g->stride[dim]) - (int)g->padding[dim];
}

static double convolved(const struct geometry *g, const float *x, const float *kernel, uint32_t i,
			uint32_t j)
{
	double sum = 0.0;
	bool inside;

	for (uint32_t r = 0; r < g->kernel[0]; r++)
		for (uint32_t s = 0; s < g->kernel[1]; s++)
			for (uint32_t c = 0; c < g->in.channels; c++, kernel++)
				sum += (double)*kernel * pixel(g, x, corner(g, 0, i) + (int)r,
							       corner(g, 1, j) + (int)s, c,
							       &inside);
	return sum;
}

static void check_conv(const struct geometry *g, bool bias)
{
	uint32_t height = places(g, 0), width = places(g, 1), cols;
	uint32_t inputs = g->in.height * g->in.width * g->in.channels;
	float x[VALUES_MAX], y[VALUES_MAX], w[VALUES_MAX], b[16];
	struct mho_nn *nn;
	char text[128];

	snprintf(text, sizeof(text), "conv:%ux%ux%u:stride=%ux%u:pad=%ux%u:linear%s", g->channels,
		 g->kernel[0], g->kernel[1], g->stride[0], g->stride[1], g->padding[0],
		 g->padding[1], bias ? "" : ":nobias");
	nn = net_make(NULL, text, &g->in, 5);
	fill(x, 2 * inputs);
	assert_int_equal(mho_nn_outputs(nn), height * width * g->channels);
	assert_int_equal(mho_nn_weights(nn, 0, NULL, &cols), 0);
	assert_int_equal(cols, g->kernel[0] * g->kernel[1] * g->in.channels);
	assert_int_equal(mho_nn_get(nn, 0, w, b), 0);
	assert_true(bias == (b[0] != 0.0f));
	assert_int_equal(mho_nn_predict(nn, x, 2, y), 0);
	for (uint32_t at = 0; at < 2 * height * width * g->channels; at++) {
		uint32_t c = at % g->channels, place = at / g->channels % (height * width);
		const float *image = x + at / g->channels / (height * width) * inputs;
		double sum =
			convolved(g, image, w + (size_t)c * cols, place / width, place % width);

		assert_true(fabs(sum + (double)b[c] - (double)y[at]) < 1e-5);
	}
	mho_nn_destroy(nn);
}

static void convolution(void **state)
{
	static const struct geometry g[] = {
		{ { 1, 5, 7, 3 }, 4, { 3, 2 }, { 1, 1 }, { 0, 0 } },
		{ { 1, 7, 5, 2 }, 3, { 3, 3 }, { 2, 3 }, { 1, 2 } },
		{ { 1, 6, 9, 1 }, 5, { 2, 5 }, { 3, 2 }, { 1, 0 } },
		{ { 1, 3, 3, 2 }, 2, { 5, 5 }, { 1, 1 }, { 2, 3 } },
		{ { 1, 4, 4, 1 }, 1, { 1, 1 }, { 1, 1 }, { 3, 3 } },
		{ { 1, 3, 8, 3 }, 2, { 3, 8 }, { 1, 1 }, { 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(g) / sizeof(*g); i++) {
		check_conv(&g[i], true);
		check_conv(&g[i], false);
	}
}

static double pooled(const struct geometry *g, const float *x, uint32_t i, uint32_t j, uint32_t c,
		     bool mean)
{
	double sum = 0.0, largest = -INFINITY;
	uint32_t n = 0;
	bool inside;

	for (uint32_t r = 0; r < g->kernel[0]; r++)
		for (uint32_t s = 0; s < g->kernel[1]; s++) {
			double v = pixel(g, x, corner(g, 0, i) + (int)r, corner(g, 1, j) + (int)s,
					 c, &inside);

			if (!inside)
				continue;
			sum += v;
			largest = fmax(largest, v);
			n++;
		}
	return mean ? sum / n : largest;
}

/* A convolution by 1 before it: a network needs a layer with weights. */
static void check_pool(const struct geometry *g, bool mean)
{
	uint32_t height = places(g, 0), width = places(g, 1), channels = g->in.channels;
	uint32_t inputs = g->in.height * g->in.width * channels;
	float x[VALUES_MAX], y[VALUES_MAX], w[16] = { 0 };
	struct mho_nn *nn;
	char text[128];

	snprintf(text, sizeof(text), "conv:%ux1:linear:nobias,%s:%ux%u:stride=%ux%u:pad=%ux%u",
		 channels, mean ? "avg" : "max", g->kernel[0], g->kernel[1], g->stride[0],
		 g->stride[1], g->padding[0], g->padding[1]);
	nn = net_make(NULL, text, &g->in, 5);
	for (uint32_t c = 0; c < channels; c++)
		w[c * channels + c] = 1.0f;
	assert_int_equal(mho_nn_set(nn, 0, w, NULL), 0);
	fill(x, 2 * inputs);
	assert_int_equal(mho_nn_outputs(nn), height * width * channels);
	assert_int_equal(mho_nn_predict(nn, x, 2, y), 0);
	for (uint32_t at = 0; at < 2 * height * width * channels; at++) {
		uint32_t c = at % channels, place = at / channels % (height * width);
		const float *image = x + at / channels / (height * width) * inputs;
		double right = pooled(g, image, place / width, place % width, c, mean);

		assert_true(fabs(right - (double)y[at]) < 1e-6);
	}
	mho_nn_destroy(nn);
}

static void pooling(void **state)
{
	static const struct geometry g[] = {
		{ { 1, 6, 8, 3 }, 0, { 2, 2 }, { 2, 2 }, { 0, 0 } },
		{ { 1, 5, 7, 2 }, 0, { 3, 2 }, { 1, 2 }, { 1, 1 } },
		{ { 1, 7, 4, 1 }, 0, { 3, 4 }, { 2, 1 }, { 1, 2 } },
		{ { 1, 5, 5, 4 }, 0, { 5, 5 }, { 1, 1 }, { 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(g) / sizeof(*g); i++) {
		check_pool(&g[i], false);
		check_pool(&g[i], true);
	}
}

/* ---- gradients ---- */

static void check(const char *layers, const struct net_shape *in)
{
	float x[VALUES_MAX];

	fill(x, 2 * in->steps * in->height * in->width * in->channels);
	net_check_gradient(layers, in, x);
}

static void gradient_conv(void **state)
{
	static const struct net_shape in = { 1, 7, 6, 2 };

	(void)state;
	check("conv:3x3x2:stride=2x1:pad=1x0,conv:4x2:pad=1:nobias,3:softmax", &in);
	check("conv:2x3,conv:3x3x1:sigmoid,5,3:softmax", &in);
}

static void gradient_pool(void **state)
{
	static const struct net_shape in = { 1, 7, 6, 2 }, small = { 1, 4, 4, 1 };

	(void)state;
	check("conv:3x2,avg:3x2:stride=2x1:pad=1,3:softmax", &in);
	/*
	 * Few maxima: two values that are nearly the same would change places within a finite
	 * difference.
	 */
	check("conv:2x2,max:2:stride=1,4,3:softmax", &small);
	check("conv:2x2,max:2x3:stride=1x2:pad=1,4,3:softmax", &small);
	/* The first has no matrix below it. */
	check("max:2,conv:3x2,avg:2,3:softmax", &in);
}

/* Layers that are not recurrent take each step of a sequence for a sample. */
static void gradient_steps(void **state)
{
	static const struct net_shape in = { 3, 4, 4, 1 };

	(void)state;
	check("conv:2x3,max:2,4,3:softmax", &in);
}

/* ---- training ---- */

#define SIDE 6
#define IMAGES 240

/* A bar of three pixels somewhere, lying or standing, in noise. */
static struct mho_nn_data *bars(void)
{
	float *x = calloc((size_t)IMAGES * SIDE * SIDE, sizeof(*x));
	int32_t labels[IMAGES];
	struct mho_nn_data *data = NULL;

	assert_non_null(x);
	for (uint32_t i = 0; i < IMAGES; i++) {
		float *image = x + (size_t)i * SIDE * SIDE;
		uint32_t along = (uint32_t)(4.0f * nn_uniform(1, 9, 0, i));
		uint32_t across = (uint32_t)(6.0f * nn_uniform(1, 9, 1, i));

		labels[i] = (int32_t)(i % 2);
		for (uint32_t j = 0; j < SIDE * SIDE; j++)
			image[j] = 0.3f * nn_uniform(1, 9, 2 + i, j);
		for (uint32_t j = along; j < along + 3; j++)
			image[i % 2 ? j * SIDE + across : across * SIDE + j] = 1.0f;
	}
	assert_int_equal(mho_nn_data_create(x, labels, IMAGES, SIDE * SIDE, &data), 0);
	free(x);
	return data;
}

#define BAR_NET "conv:4x3,max:4,2:softmax"
static const struct net_shape bar_shape = { 1, SIDE, SIDE, 1 };

static double accuracy(struct mho_nn *nn, const struct mho_nn_data *data)
{
	struct mho_nn_score score;

	assert_int_equal(mho_nn_evaluate(nn, data, NULL, NULL, &score), 0);
	return (double)score.correct / score.count;
}

static void run(struct mho_nn_trainer *t)
{
	if (mho_nn_trainer_run(t, NULL, NULL))
		fail_msg("%s", mho_nn_last_error());
}

static void learns_on_ideal_device(void **state)
{
	struct mho_nn_data *train = bars(), *test;
	struct mho_dev *dev = NULL;
	struct mho_nn *nn, *reference;
	struct mho_nn_trainer *t;

	(void)state;
	assert_int_equal(mho_open("emu:small?tech=ideal&seed=3", NULL, &dev), 0);
	assert_int_equal(mho_nn_data_split(train, 60, &test), 0);
	nn = net_make(dev, BAR_NET, &bar_shape, 1);
	reference = net_make(NULL, BAR_NET, &bar_shape, 1);
	t = task_trainer(nn, reference, train, test, 40, 0.5f);
	run(t);
	print_message("device %.3f, float32 %.3f\n", accuracy(nn, test), accuracy(reference, test));
	assert_true(accuracy(nn, test) > 0.95);
	assert_true(accuracy(reference, test) > 0.95);
	mho_nn_trainer_destroy(t);
	mho_nn_destroy(reference);
	mho_nn_destroy(nn);
	mho_close(dev);
	mho_nn_data_free(train);
	mho_nn_data_free(test);
}

static void get_all(struct mho_nn *nn, float *to)
{
	for (uint32_t k = 0; k < mho_nn_layers(nn); k++) {
		uint32_t rows, cols;

		mho_nn_weights(nn, k, &rows, &cols);
		if (rows)
			assert_int_equal(mho_nn_get(nn, k, to, to + (size_t)rows * cols), 0);
		to += (size_t)rows * cols + rows;
	}
}

static int stop_at(const struct mho_nn_progress *p, void *arg)
{
	return p->epoch == 1 && p->sample == *(uint32_t *)arg;
}

/* Stopped in the second epoch, saved, opened, gone on with: the bits of a training without a stop. */
static void resumes_exactly(void **state)
{
	struct mho_nn_data *data = bars();
	struct mho_nn *whole = net_make(NULL, BAR_NET, &bar_shape, 1), *resumed;
	struct mho_nn *half = net_make(NULL, BAR_NET, &bar_shape, 1);
	struct mho_nn_trainer *t = task_trainer(whole, NULL, data, NULL, 3, 0.3f);
	uint32_t at = 100;
	float w[128] = { 0 }, w_resumed[128] = { 0 };
	char path[256];
	struct mho_nn_checkpoint *ckpt;

	(void)state;
	scratch_path(path, sizeof(path), "bars.ckpt");
	run(t);
	mho_nn_trainer_destroy(t);
	t = task_trainer(half, NULL, data, NULL, 3, 0.3f);
	assert_int_equal(mho_nn_trainer_run(t, stop_at, &at), 1);
	assert_int_equal(mho_nn_trainer_save(t, path, NULL), 0);
	mho_nn_trainer_destroy(t);
	assert_int_equal(mho_nn_checkpoint_open(path, &ckpt), 0);
	assert_int_equal(mho_nn_create_from(NULL, ckpt, 0, 16, &resumed), MHO_NN_PROGRAMMED);
	assert_int_equal(mho_nn_trainer_resume(resumed, NULL, data, NULL, ckpt, &t), 0);
	run(t);
	get_all(whole, w);
	get_all(resumed, w_resumed);
	assert_memory_equal(w, w_resumed, sizeof(w));
	/* The network that was left behind is another. */
	get_all(half, w_resumed);
	assert_memory_not_equal(w, w_resumed, sizeof(w));
	mho_nn_trainer_destroy(t);
	mho_nn_checkpoint_close(ckpt);
	mho_nn_destroy(whole);
	mho_nn_destroy(half);
	mho_nn_destroy(resumed);
	mho_nn_data_free(data);
}

/* ---- descriptions ---- */

static void refusals(void **state)
{
	static const struct net_shape in = { 1, 4, 4, 1 }, odd = { 1, 4, 4, 0 };

	(void)state;
	net_refused("conv:2x3,", &in, "layer 1, \"\": \"\" is not a kind of layer");
	net_refused("conf:2x3", &in, "\"conf\" is not a kind of layer");
	net_refused("conv:2", &in, "\"2\" is not channels and kernel");
	net_refused("conv:2x3x3x3", &in, "\"2x3x3x3\" is not channels");
	net_refused("conv", &in, "\"\" is not channels");
	net_refused("conv:2x3:stride=a", &in, "\"a\" is not a number");
	net_refused("conv:2x3:stride=1x2x3", &in, "\"1x2x3\" is not a number");
	net_refused("conv:2x3:dilation=2", &in, "\"dilation\" is not an option");
	net_refused("8:stride=2", &in, "\"stride\" is not an option");
	net_refused("max:2:tanh", &in, "\"tanh\" is not an option");
	net_refused("max:2:nobias", &in, "\"nobias\" is not an option");
	net_refused("99999999999", &in, "is not a size");
	net_refused("conv:2x5", &in, "layer 0: the kernel's height is 5");
	net_refused("conv:2x3x5", &in, "layer 0: the kernel's width is 5");
	net_refused("conv:2x0", &in, "a kernel's height of 0");
	net_refused("conv:0x3", &in, "layer 0 has 0 outputs");
	net_refused("3,conv:2x2", &in, "layer 1: the kernel's height is 2");
	net_refused("conv:2x3,max:2:pad=2", &in, "at most half");
	net_refused("conv:2x3:softmax", &in, "softmax is possible in the last layer only");
	net_refused("max:2", &in, "no layer of the network has weights");
	net_refused("conv:1048576x3", &in, "more than the");
	net_refused("conv:2x3", &odd, "a network has 1 to");
}

static void wrong_fields(void **state)
{
	struct mho_nn_layer layers[2] = { MHO_INIT(struct mho_nn_layer),
					  MHO_INIT(struct mho_nn_layer) };
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	struct mho_nn *nn = NULL;

	(void)state;
	desc.inputs = 16;
	desc.height = desc.width = 4;
	desc.layers = 2;
	desc.layer = layers;
	layers[0].kind = MHO_NN_MAXPOOL;
	layers[0].kernel_height = layers[0].kernel_width = 2;
	layers[1].outputs = 3;
	assert_int_equal(mho_nn_create(NULL, &desc, &nn), 0);
	assert_int_equal(mho_nn_get(nn, 0, NULL, NULL), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "layer 0 has no weights"));
	mho_nn_destroy(nn);
	layers[0].outputs = 3;
	assert_int_equal(mho_nn_create(NULL, &desc, &nn), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "\"max\" has no number of outputs"));
	layers[0].outputs = 0;
	layers[0].flags = MHO_NN_NO_BIAS;
	assert_int_equal(mho_nn_create(NULL, &desc, &nn), -EINVAL);
	layers[0].flags = 0;
	layers[1].padding_width = 1;
	assert_int_equal(mho_nn_create(NULL, &desc, &nn), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "\"dense\" has no padding"));
	layers[1].padding_width = 0;
	layers[1].kind = 77;
	assert_int_equal(mho_nn_create(NULL, &desc, &nn), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "kind 77"));
	layers[1].kind = 0;
	desc.channels = 2;
	assert_int_equal(mho_nn_create(NULL, &desc, &nn), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "16 inputs are not"));
	desc.channels = 0;
	desc.height = 3;
	assert_int_equal(mho_nn_create(NULL, &desc, &nn), -EINVAL);
	desc.height = UINT32_MAX;
	assert_int_equal(mho_nn_create(NULL, &desc, &nn), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(convolution),	   cmocka_unit_test(pooling),
		cmocka_unit_test(gradient_conv),   cmocka_unit_test(gradient_pool),
		cmocka_unit_test(gradient_steps),  cmocka_unit_test(learns_on_ideal_device),
		cmocka_unit_test(resumes_exactly), cmocka_unit_test(refusals),
		cmocka_unit_test(wrong_fields),
	};

	return cmocka_run_group_tests_name("nn images", tests, NULL, NULL);
}
