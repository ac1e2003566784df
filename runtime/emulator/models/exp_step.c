// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The step falls exponentially with the weight, and is never negative.
 */
#include "emulator/phys_model.h"

#include <math.h>

#include "mho_hw_topology.h"

static double factor(const struct mho_tech *t, double w, bool up)
{
	double z = 2 * t->exp_scale * w / (t->w_max - t->w_min) + t->exp_offset;
	double f = up ? 1 - t->exp_a_up * exp(t->exp_gamma_up * z) :
			1 - t->exp_a_down * exp(-t->exp_gamma_down * z);

	return f > 0 ? f : 0;
}

/* Where the factor reaches 0: A exp(gamma z) is 1 there. */
static double steepest(const struct mho_tech *t)
{
	return fmax(t->exp_gamma_up, t->exp_gamma_down) * 2 * t->exp_scale / (t->w_max - t->w_min);
}

const struct mho_model mho_model_exp_step = {
	.law = MHO_HW_TECH_EXP_STEP,
	.form = MHO_FORM_EXP,
	.factor = factor,
	.steepest = steepest,
};
