// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The step shrinks linearly with the weight, to 0 at the cell's own bound.
 */
#include "emulator/phys_model.h"

#include <math.h>

#include "mho_hw_topology.h"

static double factor(const struct mho_tech *t, double w, bool up)
{
	return 1 - w / (up ? t->w_max : t->w_min);
}

static double steepest(const struct mho_tech *t)
{
	return 1.0f / fminf(t->w_max, -t->w_min);
}

const struct mho_model mho_model_soft_bounds = {
	.law = MHO_HW_TECH_SOFT_BOUNDS,
	.form = MHO_FORM_SOFT,
	.factor = factor,
	.steepest = steepest,
};
