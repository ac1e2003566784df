/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What a training was set up with: which samples, how divided and scaled, which device. Kept as
 * the note of its checkpoints, so that mho-train --resume and mho-infer find it again.
 */
#ifndef MHO_TOOLS_TRAIN_SETUP_H
#define MHO_TOOLS_TRAIN_SETUP_H

#include "mho/nn.h"

struct train_setup {
	char *data; /* strings are the setup's own; NULL if there is none */
	char *labels;
	char *device;
	double hold_out; /* share of the samples, 0 for none */
	uint64_t seed;
	uint32_t scaling; /* enum mho_nn_scaling */
};

/* Replaces a string of a setup by a copy; exits if there is no memory. */
void train_setup_string(char **to, const char *from);

void train_setup_free(struct train_setup *setup);

/* Return: text to be freed, or NULL without memory. */
char *train_setup_print(const struct train_setup *setup);

/* Overwrites @setup. Return: 0 or -EINVAL. */
int train_setup_parse(const char *note, struct train_setup *setup);

/*
 * Reads the samples, shuffles and divides them. They are scaled as @ckpt's were, or, if it is
 * NULL, as @setup says. *test is NULL if none are held out. Complains. Return: 0 or -errno.
 */
int train_setup_samples(const struct train_setup *setup, const struct mho_nn_checkpoint *ckpt,
			struct mho_nn_data **train, struct mho_nn_data **test);

/*
 * Opens a device, with a trace of what is done with it in the file @trace, or without (NULL).
 * Complains. Return: 0 or -errno.
 */
int train_setup_open(const char *uri, const char *trace, struct mho_dev **dev);

/* Whether the trace, if there is one, could be written. Complains. Return: 0 or -errno. */
int train_setup_end_trace(struct mho_dev *dev);

/*
 * Makes sure that the device keeps what was done on it, of which closing it could not tell. @dev may
 * be NULL. Complains. Return: 0 or -errno.
 */
int train_setup_keep(struct mho_dev *dev);

#endif
