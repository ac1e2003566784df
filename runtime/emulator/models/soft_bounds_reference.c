// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Soft bounds whose weight is read against a reference cell: what is stored, v,
 * reads as w = v - r. In terms of w that is a linear step between shifted bounds.
 */
#include "emulator/phys_model.h"

#include <math.h>

#include "mho_hw_topology.h"

static void make(const struct mho_tech *t, const float *z, struct mho_cell *c)
{
	float r = mho_model_reference(t, c, z[2]);

	c->extra[0] = -c->up / c->max;
	c->extra[1] = -c->down / c->min;
	c->extra[2] = c->up;
	c->extra[3] = c->down;
	c->up *= 1 - r / c->max;
	c->down *= 1 - r / c->min;
	c->max -= r;
	c->min -= r;
}

/* The nominal cell's own symmetry point is where up_down puts it. */
static double stored(const struct mho_tech *t, double w)
{
	struct mho_cell c = { .up = 1 + fminf(t->up_down, 0),
			      .down = 1 - fmaxf(t->up_down, 0),
			      .max = t->w_max,
			      .min = t->w_min };

	return w + mho_model_reference(t, &c, 0);
}

static double factor(const struct mho_tech *t, double w, bool up)
{
	return 1 - stored(t, w) / (up ? t->w_max : t->w_min);
}

static double steepest(const struct mho_tech *t)
{
	return 1.0f / fminf(t->w_max, -t->w_min);
}

const struct mho_model mho_model_soft_bounds_reference = {
	.law = MHO_HW_TECH_SOFT_BOUNDS_REFERENCE,
	.form = MHO_FORM_LINEAR,
	.extra = 4,
	.make = make,
	.factor = factor,
	.steepest = steepest,
};
