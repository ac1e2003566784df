/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Small tasks to learn, for the tests of libmho-nn.
 */
#ifndef MHO_TESTS_NN_TASK_H
#define MHO_TESTS_NN_TASK_H

#include "mho/nn.h"

/* Two interleaved half circles with some noise; @count samples, shuffled. */
struct mho_nn_data *task_moons(uint32_t count, uint64_t seed);

/* The four cases of exclusive or, each @times times. */
struct mho_nn_data *task_xor(uint32_t times);

/* inputs - hidden (tanh) - 2 (softmax); @dev NULL for a reference. Fails the test. */
struct mho_nn *task_network(struct mho_dev *dev, uint32_t hidden, uint64_t seed, const char *name);

/* A trainer with a constant rate and batches of 5. Fails the test. */
struct mho_nn_trainer *task_trainer(struct mho_nn *nn, struct mho_nn *reference,
				    const struct mho_nn_data *train, const struct mho_nn_data *test,
				    uint32_t epochs, float rate);

#endif
