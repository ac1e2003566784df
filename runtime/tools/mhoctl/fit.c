// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl fit: which update law a measured cell has. Shows how well each suits, what
 * the best one gives beside what was measured, and the technology for a topology.
 */
#include <libsmartcols.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mho_hw_topology.h"
#include "tools/mhoctl/fit.h"

/* Lines of the comparison of measured and fitted values. */
#define SHOWN 20

static double ppm(double v)
{
	return round(v * 1e6);
}

static void print_curve(FILE *to, const char *name, const struct mho_curve *c)
{
	fprintf(to, "\t%s = <", name);
	for (uint32_t i = 0; i < c->points; i++)
		fprintf(to, "%s%.0f", i ? " " : "", ppm((double)c->step[i]));
	fprintf(to, ">;\n");
}

static void print_ppm(FILE *to, const char *name, double v)
{
	fprintf(to, ppm(v) < 0 ? "\t%s = <(%.0f)>;\n" : "\t%s = <%.0f>;\n", name, ppm(v));
}

/* A node for /technologies; what one cell cannot tell is set to 0 or left to its default. */
static void print_node(FILE *to, const struct mho_tech *t)
{
	fprintf(to, "fitted {\n\tcompatible = \"%s\";\n", mho_model_of(t->model)->law);
	print_ppm(to, MHO_HW_TECH_STEP, (double)t->dw_min);
	print_ppm(to, MHO_HW_TECH_STEP_SPREAD, 0);
	print_ppm(to, MHO_HW_TECH_STEP_NOISE, (double)t->dw_min_std);
	print_ppm(to, MHO_HW_TECH_UP_DOWN, (double)t->up_down);
	print_ppm(to, MHO_HW_TECH_UP_DOWN_SPREAD, 0);
	print_ppm(to, MHO_HW_TECH_WEIGHT_MIN, (double)t->w_min);
	print_ppm(to, MHO_HW_TECH_WEIGHT_MAX, (double)t->w_max);
	print_ppm(to, MHO_HW_TECH_WEIGHT_MIN_SPREAD, 0);
	print_ppm(to, MHO_HW_TECH_WEIGHT_MAX_SPREAD, 0);
	if (t->model == MHO_MODEL_LINEAR_STEP) {
		print_ppm(to, MHO_HW_TECH_SLOPE_UP, (double)t->gamma_up);
		print_ppm(to, MHO_HW_TECH_SLOPE_DOWN, (double)t->gamma_down);
		print_ppm(to, MHO_HW_TECH_SLOPE_SPREAD, 0);
	} else if (t->model == MHO_MODEL_EXP_STEP) {
		print_ppm(to, MHO_HW_TECH_EXP_A_UP, (double)t->exp_a_up);
		print_ppm(to, MHO_HW_TECH_EXP_A_DOWN, (double)t->exp_a_down);
		print_ppm(to, MHO_HW_TECH_EXP_GAMMA_UP, (double)t->exp_gamma_up);
		print_ppm(to, MHO_HW_TECH_EXP_GAMMA_DOWN, (double)t->exp_gamma_down);
		print_ppm(to, MHO_HW_TECH_EXP_SCALE, (double)t->exp_scale);
		print_ppm(to, MHO_HW_TECH_EXP_OFFSET, (double)t->exp_offset);
	} else if (t->model == MHO_MODEL_POW_STEP) {
		print_ppm(to, MHO_HW_TECH_POWER_UP, (double)t->pow_up);
		print_ppm(to, MHO_HW_TECH_POWER_DOWN, (double)t->pow_down);
		print_ppm(to, MHO_HW_TECH_POWER_SPREAD, 0);
	} else if (t->model == MHO_MODEL_PIECEWISE_STEP) {
		print_curve(to, MHO_HW_TECH_CURVE_UP, &t->curve_up);
		print_curve(to, MHO_HW_TECH_CURVE_DOWN, &t->curve_down);
	}
	fprintf(to, "};\n");
}

static void print_laws(const struct fit *fits, unsigned int n, const struct fit *best)
{
	static const char *const columns[] = { "LAW",	      ">PARAMETERS",   ">STEP",
					       ">STEP-ERROR", ">WEIGHT-ERROR", "",
					       NULL };
	struct libscols_table *table = table_new(columns);

	for (unsigned int i = 0; i < n; i++) {
		char parameters[TEXT_MAX], step[TEXT_MAX], error[TEXT_MAX], curve[TEXT_MAX];
		const char *cells[] = {
			mho_model_of(fits[i].tech.model)->law, parameters, step, error, curve,
			&fits[i] == best ? "best" : ""
		};

		snprintf(parameters, sizeof(parameters), "%d", fits[i].parameters);
		snprintf(step, sizeof(step), "%.4g", (double)fits[i].tech.dw_min);
		snprintf(error, sizeof(error), "%.4g", fits[i].step_error);
		snprintf(curve, sizeof(curve), "%.4g", fits[i].curve_error);
		table_row(table, cells);
	}
	table_print(table);
}

/* The weight after so many lines, as it was and as the law has it from the first one on. */
static void print_comparison(const struct fit_data *data, const struct mho_tech *tech)
{
	static const char *const columns[] = { ">LINE", ">MEASURED", ">FITTED", NULL };
	struct libscols_table *table = table_new(columns);
	double w = data->point[0].before;
	size_t every = (data->count + SHOWN - 1) / SHOWN;

	for (size_t i = 0; i < data->count; i++) {
		char line[TEXT_MAX], measured[TEXT_MAX], fitted[TEXT_MAX];
		const char *cells[] = { line, measured, fitted };

		w = fit_predict(tech, w, data->point[i].pulses);
		if ((i + 1) % every && i + 1 < data->count)
			continue;
		snprintf(line, sizeof(line), "%zu", i + 1);
		snprintf(measured, sizeof(measured), "%.4f", data->point[i].after);
		snprintf(fitted, sizeof(fitted), "%.4f", w);
		table_row(table, cells);
	}
	table_print(table);
}

static void report_json(const struct fit_data *data, const struct fit *fits, unsigned int n,
			const struct fit *best)
{
	struct json_object *doc = json_new("fit"), *list = json_object_new_array();
	char *node = NULL;
	size_t len = 0;
	FILE *text = open_memstream(&node, &len);

	json_set_uint(doc, "points", data->count);
	json_set_real(doc, "low", data->low);
	json_set_real(doc, "high", data->high);
	for (unsigned int i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		json_set_text(o, "law", mho_model_of(fits[i].tech.model)->law);
		json_set_uint(o, "parameters", (uint64_t)fits[i].parameters);
		json_set_real(o, "step", (double)fits[i].tech.dw_min);
		json_set_real(o, "pulse_spread", (double)fits[i].tech.dw_min_std);
		json_set_real(o, "step_error", fits[i].step_error);
		json_set_real(o, "weight_error", fits[i].curve_error);
		json_object_array_add(list, o);
	}
	json_set(doc, "laws", list);
	json_set_text(doc, "best", mho_model_of(best->tech.model)->law);
	if (text) {
		print_node(text, &best->tech);
		fclose(text);
		json_set_text(doc, "node", node);
	}
	free(node);
	json_print(doc, stdout);
}

static void report(const struct fit_data *data, const struct fit *fits, unsigned int n,
		   const struct fit *best)
{
	printf("%zu values; weight -1 is %g, weight 1 is %g\n\n", data->count + 1, data->low,
	       data->high);
	print_laws(fits, n, best);
	putchar('\n');
	print_comparison(data, &best->tech);
	putchar('\n');
	print_node(stdout, &best->tech);
}

/* Laws that make the same steps differ in where they end: then the whole way decides. */
static bool suits_better(const struct fit *a, const struct fit *b)
{
	if (fabs(a->score - b->score) > 1e-6 * fabs(b->score))
		return a->score < b->score;
	return a->curve_error < b->curve_error;
}

int run_fit(struct call *call)
{
	const char *wanted = call_option(call, "law");
	struct fit fits[FIT_LAWS], *best = NULL;
	struct fit_data data;
	unsigned int n = 0;
	int status;

	if (call->nargs != 1)
		return fail(call, MHOCTL_USAGE, "which FILE?");
	status = fit_read(call, call->args[0], &data);
	for (unsigned int i = 0; !status && i < FIT_LAWS; i++)
		n += fit_law(&data, i, &fits[n]);
	for (unsigned int i = 0; i < n; i++) {
		/* Without "mho,". */
		const char *law = mho_model_of(fits[i].tech.model)->law + 4;

		if (wanted ? strcmp(law, wanted) == 0 : !best || suits_better(&fits[i], best))
			best = &fits[i];
	}
	if (!status && !best)
		status = fail(call, MHOCTL_FAILED, "%s: %s", call->args[0],
			      wanted ? "the law does not suit these values" :
				       "no law suits these values");
	if (!status && call->json)
		report_json(&data, fits, n, best);
	else if (!status)
		report(&data, fits, n, best);
	fit_free(&data);
	return status;
}
