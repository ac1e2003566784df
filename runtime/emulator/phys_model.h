/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What an update law is made of: one small file in models/ for each, and one table
 * that lists them. A law says how cells differ and how the step of a nominal cell
 * depends on its weight. The loops over cells are in kernels/, by form: several laws
 * may share one.
 */
#ifndef MHO_PHYS_MODEL_H
#define MHO_PHYS_MODEL_H

#include "emulator/phys.h"

/* Numbers of a cell beside its steps and bounds, at most. */
#define MHO_CELL_EXTRA 4
/* Gaussians that a cell is made from. */
#define MHO_CELL_DRAWS 7

/**
 * enum mho_form - what a pulse up does to a weight; down alike, with numbers of its own
 * @MHO_FORM_NONE: nothing: there are no pulses
 * @MHO_FORM_CONSTANT: w += step
 * @MHO_FORM_LINEAR: w += step + slope w; extra: slope up, slope down, then for additive noise the
 *	step that it is relative to, up and down
 * @MHO_FORM_SOFT: w += step (1 - w / bound)
 * @MHO_FORM_EXP: w += step max(1 - A exp(gamma z), 0), z = 2 a w / (max - min) + b
 * @MHO_FORM_POW: w += step ((max - w) / (max - min))^g; extra: g up, g down
 * @MHO_FORM_PIECEWISE: w += step times a curve over [min, max]
 */
enum mho_form {
	MHO_FORM_NONE,
	MHO_FORM_CONSTANT,
	MHO_FORM_LINEAR,
	MHO_FORM_SOFT,
	MHO_FORM_EXP,
	MHO_FORM_POW,
	MHO_FORM_PIECEWISE,
};

/**
 * struct mho_cell - a cell as it is made
 * @up: step up, in units of the nominal one, at least 0
 * @down: step down
 * @max: upper bound
 * @min: lower bound
 * @extra: as the form has it
 */
struct mho_cell {
	float up;
	float down;
	float max;
	float min;
	float extra[MHO_CELL_EXTRA];
};

/**
 * struct mho_model - an update law
 * @law: compatible string of a technology
 * @form: loop that pulses its cells
 * @extra: numbers in use of struct mho_cell's
 * @make: gives a cell that has its steps and bounds what is the law's own; @z are the Gaussians
 *	from the fifth on. NULL: nothing to do
 * @factor: step of a nominal cell at weight @w, in units of the nominal step
 * @steepest: largest change of @factor per weight
 */
struct mho_model {
	const char *law;
	enum mho_form form;
	uint32_t extra;
	void (*make)(const struct mho_tech *t, const float *z, struct mho_cell *c);
	double (*factor)(const struct mho_tech *t, double w, bool up);
	double (*steepest)(const struct mho_tech *t);
};

extern const struct mho_model mho_model_ideal;
extern const struct mho_model mho_model_constant_step;
extern const struct mho_model mho_model_linear_step;
extern const struct mho_model mho_model_soft_bounds;
extern const struct mho_model mho_model_soft_bounds_reference;
extern const struct mho_model mho_model_exp_step;
extern const struct mho_model mho_model_pow_step;
extern const struct mho_model mho_model_pow_step_reference;
extern const struct mho_model mho_model_piecewise_step;

/* mho_model_of() - by its number; NULL if there is none. */
const struct mho_model *mho_model_of(enum mho_device_model model);

/* mho_model_extra() - numbers that each cell of @t has beside its steps and bounds. */
uint32_t mho_model_extra(const struct mho_tech *t);

/* mho_model_no_slope() - for laws whose step is the same everywhere. */
double mho_model_no_slope(const struct mho_tech *t);

/* mho_model_one() - the same. */
double mho_model_one(const struct mho_tech *t, double w, bool up);

/* What both power laws share; @v is the stored weight. */
void mho_model_pow_make(const struct mho_tech *t, const float *z, struct mho_cell *c);
double mho_model_pow_factor(const struct mho_tech *t, double v, bool up);
double mho_model_pow_steepest(const struct mho_tech *t);

/* mho_model_reference() - the weight of a cell that is to read as 0; @z a Gaussian. */
float mho_model_reference(const struct mho_tech *t, const struct mho_cell *c, float z);

#endif
