/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl fit: measured pulses, and the update laws that are fitted to them.
 */
#ifndef MHOCTL_FIT_H
#define MHOCTL_FIT_H

#include <stddef.h>

#include "emulator/phys_model.h"
#include "tools/mhoctl/mhoctl.h"

/**
 * struct fit_point - one line of the measurement: some pulses, and what came out
 * @pulses: how many, their sign the direction
 * @before: weight before them
 * @after: weight after them
 */
struct fit_point {
	int pulses;
	double before;
	double after;
};

/**
 * struct fit_data - a measurement
 * @point: points
 * @count: how many
 * @low: measured value that is weight -1
 * @high: measured value that is weight 1
 */
struct fit_data {
	struct fit_point *point;
	size_t count;
	double low;
	double high;
};

/**
 * struct fit - a law with the parameters that suit a measurement best
 * @tech: the law and its parameters; all others are the defaults
 * @parameters: how many were chosen
 * @step_error: rms error of the step of a pulse
 * @curve_error: rms error of the weight, if the law makes all of the way from the first one
 * @score: Akaike's criterion, less is better
 */
struct fit {
	struct mho_tech tech;
	int parameters;
	double step_error;
	double curve_error;
	double score;
};

/* fit_read() - read @path; weights are scaled to -1 to 1. Return: 0, or an exit status. */
int fit_read(const struct call *call, const char *path, struct fit_data *data);
void fit_free(struct fit_data *data);

/* Laws that can be fitted, and points of a piecewise one. */
#define FIT_LAWS 6
#define FIT_CURVE 9

/* fit_law() - fit law number @index, below FIT_LAWS. Return: false if it cannot be. */
bool fit_law(const struct fit_data *data, unsigned int index, struct fit *fit);

/* fit_predict() - weight after the pulses of a point, by a law, from weight @w on. */
double fit_predict(const struct mho_tech *tech, double w, int pulses);

#endif
