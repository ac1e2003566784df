// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A tile's equations once more; see phys_reference.h.
 */
#include "phys_reference.h"

#include <assert.h>
#include <math.h>

#define LINES_MAX 16

void ref_seed(struct ref_random *r, uint64_t seed)
{
	*r = (struct ref_random){ .state = seed * 0x9e3779b97f4a7c15ULL + 1 };
	for (int i = 0; i < 20; i++)
		ref_uniform(r);
}

double ref_uniform(struct ref_random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return ((double)(r->state * 0x2545f4914f6cdd1dULL >> 11) + 0.5) * 0x1p-53;
}

double ref_normal(struct ref_random *r)
{
	double radius, angle;

	if (r->has_spare) {
		r->has_spare = 0;
		return r->spare;
	}
	radius = sqrt(-2 * log(ref_uniform(r)));
	angle = 2 * M_PI * ref_uniform(r);
	r->spare = radius * sin(angle);
	r->has_spare = 1;
	return radius * cos(angle);
}

static double interpolate(const struct mho_curve *c, double part)
{
	double sum = 0;

	/* Tents over the points. */
	for (uint32_t i = 0; i < c->points; i++)
		sum += (double)c->step[i] * fmax(0, 1 - fabs(part * (c->points - 1) - i));
	return sum;
}

/* What a pulse does on average, in units of the nominal step; @v is the stored weight. */
static double ref_factor(const struct mho_tech *t, double v, int up)
{
	double bound = up ? t->w_max : t->w_min, range = (double)t->w_max - (double)t->w_min;
	double z = 2 * (double)t->exp_scale * v / range + (double)t->exp_offset;

	switch (t->model) {
	case MHO_MODEL_SOFT_BOUNDS:
	case MHO_MODEL_SOFT_BOUNDS_REFERENCE:
		return 1 - v / bound;
	case MHO_MODEL_LINEAR_STEP:
		return 1 - (double)(up ? t->gamma_up : t->gamma_down) * v / bound;
	case MHO_MODEL_EXP_STEP:
		return fmax(0,
			    up ? 1 - (double)t->exp_a_up * exp((double)t->exp_gamma_up * z) :
				 1 - (double)t->exp_a_down * exp((double)-t->exp_gamma_down * z));
	case MHO_MODEL_POW_STEP:
	case MHO_MODEL_POW_STEP_REFERENCE:
		return pow(fmax(0, fabs(bound - v) / range),
			   (double)(up ? t->pow_up : t->pow_down));
	case MHO_MODEL_PIECEWISE_STEP:
		return interpolate(up ? &t->curve_up : &t->curve_down, (v - t->w_min) / range);
	default:
		return 1;
	}
}

/* Stored weight that reads as 0. */
static double ref_zero(const struct mho_tech *t)
{
	return t->model == MHO_MODEL_SOFT_BOUNDS_REFERENCE ||
			       t->model == MHO_MODEL_POW_STEP_REFERENCE ?
		       (double)t->reference :
		       0;
}

/* By the waiting times of single ions. */
static double poisson(double mean, struct ref_random *r)
{
	double n = 0;

	for (double time = -log(ref_uniform(r)); time < mean; time -= log(ref_uniform(r)))
		n++;
	return n;
}

double ref_pulse(const struct mho_tech *t, double w, int up, struct ref_random *r)
{
	double nominal = mho_tech_step(t), reference = ref_zero(t);
	double v = w + reference, step = nominal * ref_factor(t, v, up);

	if (t->pulse_noise == MHO_PULSE_PROTONS) {
		double charge = t->ion_j / t->ref_v * nominal / (double)t->dw_min;
		double ions = charge / 1.602176634e-19;

		step = nominal / ions * poisson(step / nominal * ions, r);
	} else if (t->dw_min_std > 0) {
		double relative_to = t->pulse_noise == MHO_PULSE_ADDITIVE ? nominal : step;

		if (t->model == MHO_MODEL_EXP_STEP)
			relative_to += (double)t->noise_add + (double)t->noise_slope * fabs(w);
		step += (double)t->dw_min_std * relative_to * ref_normal(r);
	}
	v += up ? step : -step;
	return fmin(fmax(v, t->w_min), t->w_max) - reference;
}

static double largest(const double *v, int n)
{
	double max = 0;

	for (int i = 0; i < n; i++)
		max = fmax(max, fabs(v[i]));
	return max;
}

uint64_t ref_update(const struct mho_tech *t, double *w, int rows, int cols, const double *x,
		    const double *d, double rate, int length, struct ref_random *r)
{
	double zero = ref_zero(t);
	double granularity =
		mho_tech_step(t) * (ref_factor(t, zero, 1) + ref_factor(t, zero, 0)) / 2;
	double x_max = largest(x, cols), d_max = largest(d, rows);
	double k = rate * x_max * d_max / granularity, a, b;
	int slots = length;
	uint64_t pulses = 0;

	assert(rows <= LINES_MAX && cols <= LINES_MAX);
	if (k == 0)
		return 0;
	if (t->update_bl_management && k < length)
		slots = (int)ceil(k);
	a = b = sqrt(rate / (granularity * slots));
	if (t->update_management) {
		if (k > length)
			d_max *= length / k;
		a *= sqrt(x_max / d_max);
		b *= sqrt(d_max / x_max);
	}
	for (int s = 0; s < slots; s++) {
		int bit_x[LINES_MAX], bit_d[LINES_MAX];

		for (int j = 0; j < cols; j++)
			bit_x[j] = ref_uniform(r) < b * fabs(x[j]);
		for (int i = 0; i < rows; i++)
			bit_d[i] = ref_uniform(r) < a * fabs(d[i]);
		for (int i = 0; i < rows; i++) {
			for (int j = 0; j < cols; j++) {
				if (!bit_x[j] || !bit_d[i])
					continue;
				w[i * cols + j] = ref_pulse(t, w[i * cols + j], d[i] * x[j] < 0, r);
				pulses++;
			}
		}
	}
	return pulses;
}
