/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The parts of mho-train: run.c trains one network, files.c writes what is asked for about it,
 * report.c says what came out.
 */
#ifndef MHO_TRAIN_TRAIN_H
#define MHO_TRAIN_TRAIN_H

#include "mho/nn.h"
#include "tools/mho-train/options.h"

/* Everything of one run. */
struct run {
	const struct options *o;
	struct train_setup setup; /* of this run: seed and device may differ from o->setup */
	struct mho_dev *dev;
	struct mho_nn_data *train;
	struct mho_nn_data *test; /* NULL: none held out */
	struct mho_nn *nn;
	struct mho_nn *reference; /* NULL: none */
	struct mho_nn_trainer *trainer;
	struct mho_nn_checkpoint *ckpt; /* resumed from */
	char *note;
	bool many; /* one of several runs */
};

/* What came out of it. */
struct result {
	uint64_t seed;
	char *device; /* the result's own */
	char model[64];
	uint32_t samples;
	uint32_t test_samples;
	uint32_t epochs;
	double accuracy; /* 0 to 1; NaN without held-out samples */
	double reference_accuracy; /* NaN without a reference */
	double loss;
	double reference_loss;
	/* device, training */
	uint64_t images;
	double device_s;
	double device_j;
	uint64_t pulses;
	/* device, one inference */
	double infer_s;
	double infer_j;
	struct mho_nn_wear wear;
	/* host, training */
	double host_s;
	bool complete; /* else nothing of it is known */
};

/* Set by SIGINT and SIGTERM. */
int run_interrupted(void);

/*
 * The run with number @i, from 0. Complains. Return: exit status; if it is not 0 the result may be
 * complete nevertheless, and a file could not be written.
 */
int run_train(const struct options *o, uint32_t i, struct result *result);

/*
 * Whether the files that the options name can be written, asked before hours of training, and
 * whether none is that of the samples. Complains. Return: exit status.
 */
int files_check(const struct options *o);

/* Writes the files that the options name. @answers: of the held-out samples. */
int files_write(struct run *run, const int32_t *answers, const float *confidence);

/* For people, on stdout. */
void report_run(const struct result *r);
void report_runs(const struct result *r, uint32_t n);

/* The same as JSON; NULL without memory. To be put. */
struct json_object *report_json(const struct result *r, uint32_t n);

#endif
