// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Activations, their derivatives, and the loss. Digital periphery: it runs on the host, in
 * binary32, alike for the device and for the reference.
 */
#include <math.h>
#include <float.h>

#include "nn/internal.h"

const char *const nn_activation_names[] = {
	[MHO_NN_LINEAR] = "linear",   [MHO_NN_RELU] = "relu",	    [MHO_NN_TANH] = "tanh",
	[MHO_NN_SIGMOID] = "sigmoid", [MHO_NN_SOFTMAX] = "softmax", NULL,
};

static float sigmoid(float z)
{
	return 1.0f / (1.0f + expf(-z));
}

static void softmax(float *v, uint32_t width)
{
	float max = v[nn_largest(v, width)];
	float sum = 0.0f;

	for (uint32_t j = 0; j < width; j++) {
		v[j] = expf(v[j] - max);
		sum += v[j];
	}
	for (uint32_t j = 0; j < width; j++)
		v[j] /= sum;
}

uint32_t nn_largest(const float *v, uint32_t width)
{
	uint32_t best = 0;

	for (uint32_t j = 1; j < width; j++)
		if (v[j] > v[best])
			best = j;
	return best;
}

void nn_activate(uint32_t activation, const float *z, const float *bias, float *a, uint32_t n,
		 uint32_t width)
{
	for (uint32_t i = 0; i < n; i++, z += width, a += width) {
		for (uint32_t j = 0; j < width; j++)
			a[j] = z[j] + bias[j];
		switch (activation) {
		case MHO_NN_RELU:
			for (uint32_t j = 0; j < width; j++)
				a[j] = fmaxf(a[j], 0.0f);
			break;
		case MHO_NN_TANH:
			for (uint32_t j = 0; j < width; j++)
				a[j] = tanhf(a[j]);
			break;
		case MHO_NN_SIGMOID:
			for (uint32_t j = 0; j < width; j++)
				a[j] = sigmoid(a[j]);
			break;
		case MHO_NN_SOFTMAX:
			softmax(a, width);
			break;
		}
	}
}

void nn_derive(uint32_t activation, const float *a, float *d, uint32_t n, uint32_t width)
{
	size_t total = (size_t)n * width;

	switch (activation) {
	case MHO_NN_RELU:
		for (size_t i = 0; i < total; i++)
			d[i] = a[i] > 0.0f ? d[i] : 0.0f;
		break;
	case MHO_NN_TANH:
		for (size_t i = 0; i < total; i++)
			d[i] *= 1.0f - a[i] * a[i];
		break;
	case MHO_NN_SIGMOID:
		for (size_t i = 0; i < total; i++)
			d[i] *= a[i] * (1.0f - a[i]);
		break;
	}
}

void nn_cross_entropy(const float *p, const int32_t *labels, float *d, uint32_t n, uint32_t width,
		      struct mho_nn_score *score)
{
	for (uint32_t i = 0; i < n; i++, p += width) {
		uint32_t label = (uint32_t)labels[i];

		if (d) {
			for (uint32_t j = 0; j < width; j++)
				d[(size_t)i * width + j] = p[j];
			d[(size_t)i * width + label] -= 1.0f;
		}
		if (labels[i] < 0)
			continue;
		score->count++;
		score->correct += nn_largest(p, width) == label;
		score->loss -= log(fmax(p[label], FLT_MIN));
	}
}
