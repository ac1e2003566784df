// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Statistics for tests of random physics; see phys_stats.h.
 */
#include "phys_stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Standard errors that are allowed. */
#define SIGMAS 5.0
/* sqrt(-ln(a / 2) / 2) for a = 5.7e-7, the chance of five standard errors. */
#define KS_FACTOR 2.744

void stats_add(struct stats *s, double x)
{
	double delta = x - s->mean;

	s->n++;
	s->mean += delta / (double)s->n;
	s->m2 += delta * (x - s->mean);
	s->m4 += x * x * x * x;
}

double stats_variance(const struct stats *s)
{
	return s->m2 / (double)(s->n - 1);
}

void stats_check(const char *what, double value, double expect, double standard_error)
{
	/* Written so that a NaN fails. */
	if (fabs(value - expect) <= SIGMAS * standard_error)
		return;
	fail_msg("%s: %.9g, expected %.9g: %.1f standard errors (%.3g) off", what, value, expect,
		 (value - expect) / standard_error, standard_error);
}

void stats_check_near(const char *what, double value, double expect, double tolerance)
{
	if (fabs(value - expect) <= tolerance)
		return;
	fail_msg("%s: %.9g, expected %.9g within %.3g", what, value, expect, tolerance);
}

void stats_check_mean(const char *what, const struct stats *s, double expect)
{
	stats_check(what, s->mean, expect, sqrt(stats_variance(s) / (double)s->n));
}

void stats_check_variance(const char *what, const struct stats *s, double expect, double excess)
{
	double relative = sqrt((2.0 + excess) / (double)s->n);

	stats_check(what, stats_variance(s), expect, expect * relative);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats_ks_normal(const char *what, double *x, size_t n)
{
	double worst = 0;

	qsort(x, n, sizeof(*x), compare);
	for (size_t i = 0; i < n; i++) {
		double p = 0.5 * erfc(-x[i] / M_SQRT2);

		worst = fmax(worst, fabs(p - (double)i / (double)n));
		worst = fmax(worst, fabs(p - (double)(i + 1) / (double)n));
	}
	if (!(worst * sqrt((double)n) <= KS_FACTOR))
		fail_msg("%s: not normal, distance %.3g of %zu numbers", what, worst, n);
}

void stats_ks_same(const char *what, double *a, size_t na, double *b, size_t nb)
{
	double worst = 0;
	size_t i = 0, j = 0;

	qsort(a, na, sizeof(*a), compare);
	qsort(b, nb, sizeof(*b), compare);
	while (i < na && j < nb) {
		/* Numbers that differ in the last bits of binary32 are the same. */
		double at = fmin(a[i], b[j]) + 2e-7;

		while (i < na && a[i] <= at)
			i++;
		while (j < nb && b[j] <= at)
			j++;
		worst = fmax(worst, fabs((double)i / (double)na - (double)j / (double)nb));
	}
	if (!(worst * sqrt((double)na * (double)nb / (double)(na + nb)) <= KS_FACTOR))
		fail_msg("%s: distributions differ, distance %.3g of %zu and %zu numbers", what,
			 worst, na, nb);
}
