// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The step follows a measured curve: straight lines between points that lie
 * equally far apart from the lower bound of a cell to its upper one.
 */
#include "emulator/phys_model.h"

#include <math.h>

#include "mho_hw_topology.h"

static double factor(const struct mho_tech *t, double w, bool up)
{
	const struct mho_curve *c = up ? &t->curve_up : &t->curve_down;
	double last = c->points - 1, at, below;

	at = fmin(fmax((w - t->w_min) / (t->w_max - t->w_min), 0), 1) * last;
	below = fmin(floor(at), last - 1);
	return c->step[(int)below] + (at - below) * (c->step[(int)below + 1] - c->step[(int)below]);
}

static double steepest_of(const struct mho_curve *c)
{
	double most = 0;

	for (uint32_t i = 1; i < c->points; i++)
		most = fmax(most, fabs((double)c->step[i] - c->step[i - 1]));
	return most * (c->points - 1);
}

static double steepest(const struct mho_tech *t)
{
	return fmax(steepest_of(&t->curve_up), steepest_of(&t->curve_down)) / (t->w_max - t->w_min);
}

const struct mho_model mho_model_piecewise_step = {
	.law = MHO_HW_TECH_PIECEWISE_STEP,
	.form = MHO_FORM_PIECEWISE,
	.factor = factor,
	.steepest = steepest,
};
