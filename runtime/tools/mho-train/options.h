/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The command line of mho-train.
 */
#ifndef MHO_TRAIN_OPTIONS_H
#define MHO_TRAIN_OPTIONS_H

#include <stdbool.h>

#include "mho/nn.h"
#include "tools/common/train_setup.h"

#define RUNS_MAX 1000

struct options {
	struct train_setup setup;
	const char *checkpoint;
	const char *summary;
	const char *history;
	const char *conductance;
	const char *predictions;
	const char *trace;
	const char *name;
	const char *layers; /* as given; NULL: none hidden */
	struct mho_nn_layer hidden[MHO_NN_LAYERS_MAX];
	uint32_t hidden_count;
	uint32_t shape[3]; /* of a sample's steps: height, width, channels; 0: as the samples say */
	uint32_t steps; /* of a sample; 0 for 1 */
	uint32_t activation;
	uint32_t classes; /* 0: as many as the labels say */
	float weight_scale; /* 0: chosen by the library */
	struct mho_nn_algorithm algorithm;
	struct mho_nn_schedule schedule;
	struct mho_nn_rate table[MHO_NN_RATES_MAX];
	uint32_t epochs;
	uint32_t batch;
	uint32_t runs;
	bool epochs_given;
	bool resume;
	bool replace;
	bool reference;
	bool quiet;
	bool json;
};

/*
 * Fills @o. With --resume, what the command line does not say comes from the checkpoint.
 * Return: -1 to go on, else the exit status.
 */
int options_parse(struct options *o, int argc, char **argv);

void options_free(struct options *o);

#endif
