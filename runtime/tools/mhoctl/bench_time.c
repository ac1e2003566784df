// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl bench: timing. Both sides of a comparison take turns, so that what
 * disturbs the machine disturbs both, and medians are compared.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "tools/mhoctl/bench.h"

#define REPETITIONS_MAX 1000

/**
 * bench_now() - the host's time
 *
 * Return: seconds from an arbitrary moment.
 */
double bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/**
 * bench_median() - middle of some values
 * @values: values; sorted
 * @n: their number, at least 1
 *
 * Return: the median.
 */
double bench_median(double *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Seconds of n operations, or negative after an error. */
static double time_side(const struct bench_side *side, uint64_t n, int *err)
{
	double start = bench_now();

	*err = side->run(side->arg, n);
	return bench_now() - start;
}

/* Finds how many operations take about the wanted time. This also warms caches up. */
static int calibrate(const struct bench_side *side, double seconds, uint64_t *n)
{
	double took;
	int err;

	for (*n = 1;; *n *= 2) {
		took = time_side(side, *n, &err);
		if (err)
			return err;
		if (took >= seconds / 4)
			break;
	}
	*n = (uint64_t)((double)*n * seconds / took) + 1;
	return 0;
}

/**
 * bench_pair() - measure two sides in turns
 * @b: run
 * @row: filled: medians and ratio, as times per operation, or as rates if row->rate; judged
 * @ours: our side
 * @reference: the other, or NULL
 *
 * Return: 0, or what a side returned.
 */
int bench_pair(const struct bench *b, struct bench_row *row, const struct bench_side *ours,
	       const struct bench_side *reference)
{
	const struct bench_side *sides[2] = { ours, reference };
	double values[2][REPETITIONS_MAX], ratios[REPETITIONS_MAX];
	unsigned int repetitions = b->repetitions < REPETITIONS_MAX ? b->repetitions :
								      REPETITIONS_MAX;
	int nsides = reference ? 2 : 1, err;
	uint64_t n[2];

	for (int s = 0; s < nsides; s++) {
		err = calibrate(sides[s], b->seconds, &n[s]);
		if (err)
			return err;
	}
	for (unsigned int i = 0; i < repetitions; i++) {
		for (int s = 0; s < nsides; s++) {
			double took = time_side(sides[s], n[s], &err);

			if (err)
				return err;
			values[s][i] = row->rate ? (double)n[s] / took : took / (double)n[s];
		}
		if (reference)
			ratios[i] = values[0][i] / values[1][i];
	}
	row->ours = bench_median(values[0], repetitions);
	if (reference) {
		row->reference = bench_median(values[1], repetitions);
		row->ratio = bench_median(ratios, repetitions);
	}
	bench_judge(row);
	return 0;
}
