/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Statistics for tests of random physics: moments with standard errors, and
 * Kolmogorov-Smirnov tests. Every bound is five standard errors, or the same chance
 * of a false alarm (6e-7); since seeds are fixed, a test that passes once always does.
 */
#ifndef MHO_TEST_PHYS_STATS_H
#define MHO_TEST_PHYS_STATS_H

#include <stddef.h>

/**
 * struct stats - sums of a sample
 * @n: numbers
 * @mean: running mean
 * @m2: sum of squared deviations
 * @m4: of fourth powers about 0, for numbers with mean 0
 */
struct stats {
	size_t n;
	double mean;
	double m2;
	double m4;
};

void stats_add(struct stats *s, double x);
double stats_variance(const struct stats *s);

/* stats_check_mean() - the mean is @expect within five standard errors of the sample. */
void stats_check_mean(const char *what, const struct stats *s, double expect);

/*
 * stats_check_variance() - the variance is @expect within five standard errors, for a population of
 * excess kurtosis @excess (0: Gaussian)
 */
void stats_check_variance(const char *what, const struct stats *s, double expect, double excess);

/* stats_check() - @value is @expect within five times @standard_error. */
void stats_check(const char *what, double value, double expect, double standard_error);

/* stats_check_near() - |@value - @expect| <= @tolerance, for what is not random. */
void stats_check_near(const char *what, double value, double expect, double tolerance);

/* stats_ks_normal() - the @n numbers of @x (sorted here) are standard normal. */
void stats_ks_normal(const char *what, double *x, size_t n);

/* stats_ks_same() - two samples (sorted here) have the same distribution. */
void stats_ks_same(const char *what, double *a, size_t na, double *b, size_t nb);

#endif
