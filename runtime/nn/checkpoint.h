/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What a checkpoint says, for checkpoint.c (from and to networks and trainers) and
 * checkpoint_json.c (from and to the file's text).
 */
#ifndef MHO_NN_CHECKPOINT_H
#define MHO_NN_CHECKPOINT_H

#include "nn/container.h"
#include "nn/trainer.h"

/* The first has dense layers only, and no shape of samples. */
#define NN_CHECKPOINT_DENSE "mho-nn-checkpoint/1"
#define NN_CHECKPOINT_SCHEMA "mho-nn-checkpoint/2"
#define NN_NOTE_MAX (64U << 10)

/*
 * The array holds, one after the other: weights and biases of each layer; if there is a
 * reference, the same of it; what other matrices the algorithm has of each layer; offsets and factors
 * of the inputs.
 */
struct mho_nn_checkpoint {
	struct nn_container file;
	uint32_t inputs;
	uint32_t layers;
	struct mho_nn_layer layer[MHO_NN_LAYERS_MAX];
	struct nn_shape in; /* of samples */
	struct nn_layer shaped[MHO_NN_LAYERS_MAX]; /* of a checkpoint that was opened */
	size_t network_floats;
	size_t learner_floats;
	struct nn_learner learner;
	char name[MHO_NN_NAME_MAX + 1]; /* empty: none */
	char *note;
	bool reference;
	uint64_t init_seed; /* of the initial weights */

	/* The device's own copy: which card, and pulses its cells have had in all. */
	uint64_t serial;
	uint64_t wear;

	struct nn_schedule schedule;
	uint64_t seed;
	uint32_t epochs;
	uint32_t batch;
	uint32_t samples;
	uint32_t test_samples;
	uint32_t fingerprint; /* of the samples and their order */

	uint32_t epoch;
	uint32_t sample;
	struct mho_nn_score score;
	struct mho_nn_epoch now;
	struct mho_nn_epoch *history; /* .epoch of them */
};

/* Fills ckpt->file.text (allocated) from the other fields. */
int nn_checkpoint_print(struct mho_nn_checkpoint *ckpt);

/* The reverse; @path for messages. What is allocated is ckpt's, also on failure. */
int nn_checkpoint_parse(struct mho_nn_checkpoint *ckpt, const char *path);

#endif
