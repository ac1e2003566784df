// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The step changes linearly with the weight.
 */
#include "emulator/phys_model.h"

#include <math.h>

#include "mho_hw_topology.h"

static float slope(const struct mho_tech *t, float gamma, float z, float step, float bound)
{
	float g = gamma + t->gamma_dtod * z;

	return -(t->gamma_any_sign ? g : fabsf(g)) * step / bound;
}

static void make(const struct mho_tech *t, const float *z, struct mho_cell *c)
{
	float max = t->gamma_own_bounds ? c->max : t->w_max;
	float min = t->gamma_own_bounds ? c->min : t->w_min;

	c->extra[0] = slope(t, t->gamma_up, z[0], c->up, max);
	c->extra[1] = slope(t, t->gamma_down, z[1], c->down, min);
	c->extra[2] = c->up;
	c->extra[3] = c->down;
}

static double factor(const struct mho_tech *t, double w, bool up)
{
	return up ? 1 - t->gamma_up * w / t->w_max : 1 - t->gamma_down * w / t->w_min;
}

static double steepest(const struct mho_tech *t)
{
	return fmaxf(t->gamma_up / t->w_max, t->gamma_down / -t->w_min);
}

const struct mho_model mho_model_linear_step = {
	.law = MHO_HW_TECH_LINEAR_STEP,
	.form = MHO_FORM_LINEAR,
	.extra = 4,
	.make = make,
	.factor = factor,
	.steepest = steepest,
};
