// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * All update laws, and what several of them share.
 */
#include "emulator/phys_model.h"

#include <stddef.h>

static const struct mho_model *const models[MHO_MODELS] = {
	[MHO_MODEL_IDEAL] = &mho_model_ideal,
	[MHO_MODEL_CONSTANT_STEP] = &mho_model_constant_step,
	[MHO_MODEL_LINEAR_STEP] = &mho_model_linear_step,
	[MHO_MODEL_SOFT_BOUNDS] = &mho_model_soft_bounds,
	[MHO_MODEL_SOFT_BOUNDS_REFERENCE] = &mho_model_soft_bounds_reference,
	[MHO_MODEL_EXP_STEP] = &mho_model_exp_step,
	[MHO_MODEL_POW_STEP] = &mho_model_pow_step,
	[MHO_MODEL_POW_STEP_REFERENCE] = &mho_model_pow_step_reference,
	[MHO_MODEL_PIECEWISE_STEP] = &mho_model_piecewise_step,
};

const struct mho_model *mho_model_of(enum mho_device_model model)
{
	return (unsigned int)model < MHO_MODELS ? models[model] : NULL;
}

uint32_t mho_model_extra(const struct mho_tech *t)
{
	const struct mho_model *m = models[t->model];

	if (m->form == MHO_FORM_LINEAR && t->pulse_noise != MHO_PULSE_ADDITIVE)
		return 2;
	return m->extra;
}

double mho_model_no_slope(const struct mho_tech *t)
{
	(void)t;
	return 0;
}

double mho_model_one(const struct mho_tech *t, double w, bool up)
{
	(void)t;
	(void)w;
	(void)up;
	return 1;
}

float mho_model_reference(const struct mho_tech *t, const struct mho_cell *c, float z)
{
	float r = t->reference + t->reference_std * z;
	float slopes = c->up / c->max - c->down / c->min;

	/* Where both steps of soft bounds are equal: up (1 - v / max) = down (1 - v / min). */
	if (t->reference_symmetric && slopes != 0)
		r += (c->up - c->down) / slopes;
	return r;
}
