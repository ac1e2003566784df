/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Networks from a text, and their gradients beside finite differences, for the tests of libmho-nn.
 */
#ifndef MHO_TESTS_NN_GRADIENT_H
#define MHO_TESTS_NN_GRADIENT_H

#include "mho/nn.h"

/* Samples of a network from a text: @steps x @height x @width x @channels values. */
struct net_shape {
	uint32_t steps;
	uint32_t height;
	uint32_t width;
	uint32_t channels;
};

/* On the host without @dev. Fails the test if there is none. */
struct mho_nn *net_make(struct mho_dev *dev, const char *layers, const struct net_shape *in,
			uint64_t seed);

/* The same, which is to be refused with -EINVAL and a sentence that has @why in it. */
void net_refused(const char *layers, const struct net_shape *in, const char *why);

/*
 * Compares the step that training makes of every weight and bias of a network on the host with the
 * slope of its loss. @x: two samples.
 */
void net_check_gradient(const char *layers, const struct net_shape *in, const float *x);

#endif
