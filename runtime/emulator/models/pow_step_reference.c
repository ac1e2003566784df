// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A power step whose weight is read against a reference cell: what is stored, v,
 * reads as w = v - r, so that the law is the same between shifted bounds.
 */
#include "emulator/phys_model.h"

#include "mho_hw_topology.h"

static void make(const struct mho_tech *t, const float *z, struct mho_cell *c)
{
	float r = t->reference + t->reference_std * z[2];

	mho_model_pow_make(t, z, c);
	c->max -= r;
	c->min -= r;
}

static double factor(const struct mho_tech *t, double w, bool up)
{
	return mho_model_pow_factor(t, w + t->reference, up);
}

const struct mho_model mho_model_pow_step_reference = {
	.law = MHO_HW_TECH_POW_STEP_REFERENCE,
	.form = MHO_FORM_POW,
	.extra = 2,
	.make = make,
	.factor = factor,
	.steepest = mho_model_pow_steepest,
};
