// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Bars: what was measured, what it has to be.
 */
#include <math.h>
#include <stdio.h>

#include "vm_bench.h"
#include "vm_ways.h"

#define BARS_MAX 16

static struct bar {
	const char *id;
	const char *what;
	double value;
	double limit;
	bool least;
} bars[BARS_MAX];
static unsigned int count;

static void add(const struct bar *bar)
{
	if (count == BARS_MAX)
		die("too many bars");
	bars[count++] = *bar;
}

void bar_at_least(const char *id, const char *what, double value, double limit)
{
	add(&(struct bar){ id, what, value, limit, true });
}

void bar_at_most(const char *id, const char *what, double value, double limit)
{
	add(&(struct bar){ id, what, value, limit, false });
}

static bool passed(const struct bar *bar)
{
	return bar->least ? bar->value >= bar->limit : bar->value <= bar->limit;
}

void bars_print(void)
{
	unsigned int i;

	printf("\n%-64s %8s %9s %s\n", "bar", "", "limit", "verdict");
	for (i = 0; i < count; i++) {
		const struct bar *bar = &bars[i];

		if (isnan(bar->value))
			printf("%-64s %8s ", bar->what, "-");
		else
			printf("%-64s %8.3g ", bar->what, bar->value);
		printf("%s %6.3g %s\n", bar->least ? ">=" : "<=", bar->limit,
		       passed(bar) ? "pass" : "MISS");
	}
}

void bars_print_json(void)
{
	unsigned int i;

	printf("\"bars\":[");
	for (i = 0; i < count; i++) {
		const struct bar *bar = &bars[i];

		printf("%s{\"id\":\"%s\",\"value\":", i ? "," : "", bar->id);
		if (isnan(bar->value))
			printf("null");
		else
			printf("%.4g", bar->value);
		printf(",\"%s\":%g,\"verdict\":\"%s\"}", bar->least ? "at_least" : "at_most",
		       bar->limit, passed(bar) ? "pass" : "miss");
	}
	printf("]");
}

bool bars_passed(void)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!passed(&bars[i]))
			return false;
	return true;
}
