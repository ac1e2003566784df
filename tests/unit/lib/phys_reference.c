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

double ref_pulse(const struct mho_tech *t, double w, int up, struct ref_random *r)
{
	double step = mho_tech_step(t);
	double bound = up ? t->w_max : t->w_min;

	if (t->model == MHO_MODEL_SOFT_BOUNDS)
		step *= 1 - w / bound;
	else if (t->model == MHO_MODEL_LINEAR_STEP)
		step *= 1 - (up ? t->gamma_up : t->gamma_down) * w / bound;
	if (t->dw_min_std > 0)
		step *= 1 + t->dw_min_std * ref_normal(r);
	w += up ? step : -step;
	return fmin(fmax(w, t->w_min), t->w_max);
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
	double granularity = mho_tech_step(t);
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
