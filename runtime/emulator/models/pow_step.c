// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The step is a power of the distance from the bound that it leads to.
 */
#include "emulator/phys_model.h"

#include <math.h>

#include "mho_hw_topology.h"

void mho_model_pow_make(const struct mho_tech *t, const float *z, struct mho_cell *c)
{
	c->extra[0] = fmaxf(t->pow_up * (1 + t->pow_dtod * z[0]), 0);
	c->extra[1] = fmaxf(t->pow_down * (1 + t->pow_dtod * z[1]), 0);
}

double mho_model_pow_factor(const struct mho_tech *t, double v, bool up)
{
	double range = t->w_max - t->w_min;
	double part = (up ? t->w_max - v : v - t->w_min) / range;

	return part > 0 ? pow(part, up ? t->pow_up : t->pow_down) : 0;
}

/*
 * At the far bound for exponents above 1; below 1 the slope has no end at the near bound, where
 * it is taken for twice that at the far one.
 */
double mho_model_pow_steepest(const struct mho_tech *t)
{
	double most = fmaxf(t->pow_up, t->pow_down);

	return (most < 1 ? 2 : most) / (t->w_max - t->w_min);
}

const struct mho_model mho_model_pow_step = {
	.law = MHO_HW_TECH_POW_STEP,
	.form = MHO_FORM_POW,
	.extra = 2,
	.make = mho_model_pow_make,
	.factor = mho_model_pow_factor,
	.steepest = mho_model_pow_steepest,
};
