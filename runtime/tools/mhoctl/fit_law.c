// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl fit: least squares. In either direction the step of a pulse is a + b g(w)
 * for a given g, which is solved; where g has a parameter of its own, that is
 * searched for. What the laws are is the emulator's to say.
 */
#include <math.h>
#include <string.h>

#include "tools/mhoctl/fit.h"

#define GOLDEN 0.6180339887498949
#define SEARCH_STEPS 60
/* Steps up that are no step: a law must not divide by them. */
#define LEAST_STEP 1e-6
/* As near to an end of the range it is at it. */
#define RANGE_END 1e-9

/**
 * struct line - a + b g(w), fitted to the steps of one direction
 * @a: constant
 * @b: factor of g
 * @rest: sum of squared errors
 * @n: points
 */
struct line {
	double a;
	double b;
	double rest;
	double n;
};

/* A function of the weight with one parameter; @up says for which direction. */
typedef double basis(double w, double parameter, bool up);

static double basis_none(double w, double parameter, bool up)
{
	(void)w;
	(void)parameter;
	(void)up;
	return 0;
}

static double basis_weight(double w, double parameter, bool up)
{
	(void)parameter;
	(void)up;
	return w;
}

static double basis_exp(double w, double gamma, bool up)
{
	return exp(up ? gamma * w : -gamma * w);
}

static double basis_pow(double w, double power, bool up)
{
	double part = (up ? 1 - w : 1 + w) / 2;

	return part > 0 ? pow(part, power) : 0;
}

/* Step of a pulse of this point, above 0 in its own direction, and the weight that it is for. */
static double step_of(const struct fit_point *p, double *w)
{
	double step = (p->after - p->before) / p->pulses;

	*w = p->pulses == 1 || p->pulses == -1 ? p->before : (p->before + p->after) / 2;
	return step;
}

/* At the end of its range a cell makes less of a step than it could. */
static bool is_cut_off(const struct fit_point *p)
{
	return p->pulses > 0 ? p->after > 1 - RANGE_END : p->after < -1 + RANGE_END;
}

static struct line solve(const struct fit_data *data, bool up, basis *g, double parameter,
			 bool with_constant)
{
	double n = 0, sg = 0, sgg = 0, s = 0, sgs = 0, ss = 0, w, det;
	struct line l = { 0 };

	for (size_t i = 0; i < data->count; i++) {
		double step, v, weight = fabs((double)data->point[i].pulses);

		if ((data->point[i].pulses > 0) != up || is_cut_off(&data->point[i]))
			continue;
		step = step_of(&data->point[i], &w);
		v = g(w, parameter, up);
		n += weight;
		sg += weight * v;
		sgg += weight * v * v;
		s += weight * step;
		sgs += weight * v * step;
		ss += weight * step * step;
	}
	det = n * sgg - sg * sg;
	if (!with_constant) {
		l.b = sgg > 0 ? sgs / sgg : 0;
	} else if (det > 1e-12 * n * sgg) {
		l.b = (n * sgs - sg * s) / det;
		l.a = (s - l.b * sg) / n;
	} else {
		l.a = s / n;
	}
	l.n = n;
	l.rest = ss - 2 * (l.a * s + l.b * sgs) + l.a * l.a * n + 2 * l.a * l.b * sg +
		 l.b * l.b * sgg;
	return l;
}

/* The parameter between @low and @high that leaves least: golden section. */
static struct line search(const struct fit_data *data, bool up, basis *g, bool with_constant,
			  double low, double high, double *parameter)
{
	double p = high - GOLDEN * (high - low), q = low + GOLDEN * (high - low);
	struct line at_p = solve(data, up, g, p, with_constant);
	struct line at_q = solve(data, up, g, q, with_constant);

	for (int i = 0; i < SEARCH_STEPS; i++) {
		if (at_p.rest < at_q.rest) {
			high = q;
			q = p;
			at_q = at_p;
			p = high - GOLDEN * (high - low);
			at_p = solve(data, up, g, p, with_constant);
		} else {
			low = p;
			p = q;
			at_p = at_q;
			q = low + GOLDEN * (high - low);
			at_q = solve(data, up, g, q, with_constant);
		}
	}
	*parameter = p;
	return at_p;
}

/* Steps of either direction at the place where the law has its nominal one. */
static bool set_steps(struct mho_tech *t, double up, double down)
{
	if (!(up > LEAST_STEP) || !(down > LEAST_STEP))
		return false;
	t->dw_min = (float)fmax(up, down);
	t->up_down = (float)(up >= down ? 1 - down / up : up / down - 1);
	return true;
}

static bool fit_constant(const struct fit_data *d, struct mho_tech *t)
{
	return set_steps(t, solve(d, true, basis_none, 0, true).a,
			 solve(d, false, basis_none, 0, true).a);
}

static bool fit_linear(const struct fit_data *d, struct mho_tech *t)
{
	struct line up = solve(d, true, basis_weight, 0, true);
	struct line down = solve(d, false, basis_weight, 0, true);

	t->gamma_up = (float)fmin(fmax(-up.b / up.a, 0), 1);
	t->gamma_down = (float)fmin(fmax(down.b / down.a, 0), 1);
	return set_steps(t, up.a, down.a);
}

/* The bounds are where the steps end, which may be beyond what was measured. */
static bool fit_soft(const struct fit_data *d, struct mho_tech *t)
{
	struct line up = solve(d, true, basis_weight, 0, true);
	struct line down = solve(d, false, basis_weight, 0, true);

	if (!(up.b < 0) || !(down.b > 0))
		return false;
	t->w_max = (float)fmin(-up.a / up.b, 100);
	t->w_min = (float)fmax(-down.a / down.b, -100);
	return t->w_max > 0 && t->w_min < 0 && set_steps(t, up.a, down.a);
}

static bool fit_exp(const struct fit_data *d, struct mho_tech *t)
{
	double up_gamma, down_gamma;
	struct line up = search(d, true, basis_exp, true, 0.05, 40, &up_gamma);
	struct line down = search(d, false, basis_exp, true, 0.05, 40, &down_gamma);

	/* Bounds are -1 and 1: z is the weight. */
	t->exp_scale = 1;
	t->exp_offset = 0;
	t->exp_gamma_up = (float)up_gamma;
	t->exp_gamma_down = (float)down_gamma;
	t->exp_a_up = (float)(-up.b / up.a);
	t->exp_a_down = (float)(-down.b / down.a);
	return set_steps(t, up.a, down.a);
}

static bool fit_pow(const struct fit_data *d, struct mho_tech *t)
{
	double up_power, down_power;
	struct line up = search(d, true, basis_pow, false, 0, 10, &up_power);
	struct line down = search(d, false, basis_pow, false, 0, 10, &down_power);

	t->pow_up = (float)up_power;
	t->pow_down = (float)down_power;
	return set_steps(t, up.b, down.b);
}

/* Solves the tridiagonal equations of least squares over tents; a point without data is 0. */
static void solve_tents(double diagonal[FIT_CURVE], double beside[FIT_CURVE],
			double right[FIT_CURVE], struct mho_curve *curve)
{
	curve->points = FIT_CURVE;
	for (int i = 0; i < FIT_CURVE; i++)
		diagonal[i] += 1e-9;
	for (int i = 1; i < FIT_CURVE; i++) {
		double f = beside[i - 1] / diagonal[i - 1];

		diagonal[i] -= f * beside[i - 1];
		right[i] -= f * right[i - 1];
	}
	for (int i = FIT_CURVE - 1; i >= 0; i--) {
		double next = i < FIT_CURVE - 1 ? (double)curve->step[i + 1] * beside[i] : 0;

		curve->step[i] = (float)((right[i] - next) / diagonal[i]);
	}
}

static void fit_curve(const struct fit_data *data, bool up, struct mho_curve *curve)
{
	double diagonal[FIT_CURVE] = { 0 }, beside[FIT_CURVE] = { 0 }, right[FIT_CURVE] = { 0 };

	for (size_t i = 0; i < data->count; i++) {
		double w, step, at, part;
		int k;

		if ((data->point[i].pulses > 0) != up || is_cut_off(&data->point[i]))
			continue;
		step = step_of(&data->point[i], &w);
		at = (fmin(fmax(w, -1), 1) + 1) / 2 * (FIT_CURVE - 1);
		k = at < FIT_CURVE - 1 ? (int)at : FIT_CURVE - 2;
		part = at - k;
		diagonal[k] += (1 - part) * (1 - part);
		diagonal[k + 1] += part * part;
		beside[k] += part * (1 - part);
		right[k] += (1 - part) * step;
		right[k + 1] += part * step;
	}
	solve_tents(diagonal, beside, right, curve);
}

/* Curves are in units of a nominal step that makes the mean of each 1. */
static bool fit_piecewise(const struct fit_data *d, struct mho_tech *t)
{
	struct mho_curve *curve[] = { &t->curve_down, &t->curve_up };
	double mean[2] = { 0 };

	for (int up = 0; up < 2; up++) {
		fit_curve(d, up, curve[up]);
		for (int i = 0; i < FIT_CURVE; i++) {
			curve[up]->step[i] = fmaxf(curve[up]->step[i], 0);
			mean[up] += (double)curve[up]->step[i] / FIT_CURVE;
		}
		for (int i = 0; i < FIT_CURVE; i++)
			curve[up]->step[i] = mean[up] > 0 ? curve[up]->step[i] / (float)mean[up] :
							    0;
	}
	return set_steps(t, mean[1], mean[0]);
}

static const struct {
	enum mho_device_model model;
	int parameters;
	bool (*fit)(const struct fit_data *data, struct mho_tech *tech);
} laws[FIT_LAWS] = {
	{ MHO_MODEL_CONSTANT_STEP, 2, fit_constant },
	{ MHO_MODEL_LINEAR_STEP, 4, fit_linear },
	{ MHO_MODEL_SOFT_BOUNDS, 4, fit_soft },
	{ MHO_MODEL_EXP_STEP, 6, fit_exp },
	{ MHO_MODEL_POW_STEP, 4, fit_pow },
	{ MHO_MODEL_PIECEWISE_STEP, 2 * FIT_CURVE, fit_piecewise },
};

static double step_by(const struct mho_tech *t, double w, bool up)
{
	double share = up ? 1 + fminf(t->up_down, 0) : 1 - fmaxf(t->up_down, 0);

	return (double)t->dw_min * share * mho_model_of(t->model)->factor(t, w, up);
}

double fit_predict(const struct mho_tech *t, double w, int pulses)
{
	bool up = pulses > 0;

	for (int i = up ? pulses : -pulses; i > 0; i--) {
		double step = step_by(t, w, up);

		w = fmin(fmax(w + (up ? step : -step), t->w_min), t->w_max);
	}
	return w;
}

/* What is left of each pulse is its spread, relative to the step that the law makes. */
static void judge(const struct fit_data *data, struct fit *fit)
{
	double rest = 0, steps = 0, curve = 0, at = data->point[0].before, n = 0;

	for (size_t i = 0; i < data->count; i++) {
		const struct fit_point *p = &data->point[i];
		double w, step = step_of(p, &w), by = step_by(&fit->tech, w, p->pulses > 0);
		double pulses = fabs((double)p->pulses);

		/* A mean over pulses spreads less than one of them. */
		if (!is_cut_off(p)) {
			rest += pulses * (step - by) * (step - by);
			steps += by * by;
			n++;
		}
		at = fit_predict(&fit->tech, at, p->pulses);
		curve += (at - p->after) * (at - p->after);
	}
	fit->step_error = sqrt(rest / n);
	fit->curve_error = sqrt(curve / (double)data->count);
	fit->score = n * log(rest / n + 1e-18) + 2 * fit->parameters;
	fit->tech.dw_min_std = steps > 0 ? (float)fmin(sqrt(rest / steps), 10) : 0;
}

bool fit_law(const struct fit_data *data, unsigned int index, struct fit *fit)
{
	*fit = (struct fit){ .parameters = laws[index].parameters };
	mho_tech_init(&fit->tech);
	fit->tech.model = laws[index].model;
	fit->tech.w_min = -1;
	fit->tech.w_max = 1;
	if (!laws[index].fit(data, &fit->tech) || mho_tech_check(&fit->tech, NULL, 0))
		return false;
	judge(data, fit);
	return true;
}
