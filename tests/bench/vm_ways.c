// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Every way into the driver at every depth, empty jobs and products. In each of the runs
 * all ways take their turn, so that what disturbs the machine disturbs all; ratios are of
 * one run, and their medians are held against the bars.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vm_cost.h"
#include "vm_stream.h"
#include "vm_ways.h"

#define DIM 64
#define JOBS 512 /* between two looks at the clock */
#define RUN_NS (NS_PER_S / 5)
/* The driver judges how to coalesce interrupts four times a second. */
#define SETTLE_NS (3 * NS_PER_S / 10)

static const struct way *const ways[] = {
	&way_ioctl,	&way_batch,	   &way_batches,   &way_uring_job,
	&way_uring_run, &way_uring_submit, &way_uring_nop,
};
static const unsigned int depths[] = { 1, 8, 32, 128 };

enum {
	NOP,
	MVM,
	KINDS
};

static const char *const kinds[] = { "NOP", "MVM 64x64" };
static const char *const kind_ids[] = { "nop", "mvm-64" };

#define WAYS (sizeof(ways) / sizeof(*ways))
#define DEPTHS (sizeof(depths) / sizeof(*depths))
#define DEEPEST (DEPTHS - 1)

/* Of one job; NAN where there is no such way. */
static struct cost costs[KINDS][WAYS][DEPTHS][RUNS];
static bool counted;

static unsigned int index_of(const struct way *way)
{
	unsigned int i = 0;

	while (ways[i] != way)
		i++;
	return i;
}

/* Returns how many jobs it were. */
static unsigned int run_for(struct stream *s, int64_t ns)
{
	int64_t end = now_ns() + ns;
	unsigned int jobs = 0;

	while (now_ns() < end)
		jobs += stream_run(s, JOBS);
	return jobs;
}

static void measure(const struct card *card, const struct drm_mho_job *job, const struct way *way,
		    unsigned int depth, struct cost *cost)
{
	struct cost begin, end;
	static struct stream s;
	unsigned int jobs;

	/* That one knows no products. */
	if ((way == &way_uring_nop && job->op != DRM_MHO_OP_NOP) ||
	    !stream_open(&s, way, card, job, depth)) {
		*cost = (struct cost){ .wall = NAN };
		return;
	}
	run_for(&s, SETTLE_NS);
	cost_read(&begin);
	jobs = run_for(&s, RUN_NS);
	cost_read(&end);
	stream_close(&s);
	*cost = cost_of(&begin, &end, jobs);
}

void ways_measure(void)
{
	struct drm_mho_job jobs[KINDS] = { 0 };
	unsigned int run, kind, way, depth;
	struct card card;

	stay_on(0);
	counted = cost_init();
	card_open(&card, DRM_MHO_PRIORITY_NORMAL);
	card_add_array(&card, DIM);
	jobs[MVM] = card_mvm(&card, 1);
	for (run = 0; run < RUNS; run++)
		for (kind = 0; kind < KINDS; kind++)
			for (depth = 0; depth < DEPTHS; depth++)
				for (way = 0; way < WAYS; way++)
					measure(&card, &jobs[kind], ways[way], depths[depth],
						&costs[kind][way][depth][run]);
	if (card_status(&card) > 0)
		die("a job was refused with status %d", card_status(&card));
	card_close(&card);
}

static double median_of(unsigned int kind, unsigned int way, unsigned int depth, size_t field)
{
	double values[RUNS];
	unsigned int run;

	for (run = 0; run < RUNS; run++)
		memcpy(&values[run], (const char *)&costs[kind][way][depth][run] + field,
		       sizeof(values[run]));
	return median(values, RUNS);
}

#define MEDIAN(kind, way, depth, what) median_of(kind, way, depth, offsetof(struct cost, what))

/* How many times faster @a is than @b, at empty jobs. */
static double faster(const struct way *a, const struct way *b, unsigned int depth)
{
	double values[RUNS];
	unsigned int run;

	for (run = 0; run < RUNS; run++)
		values[run] = costs[NOP][index_of(b)][depth][run].wall /
			      costs[NOP][index_of(a)][depth][run].wall;
	return median(values, RUNS);
}

static void print_times(unsigned int kind)
{
	unsigned int way, depth;

	printf("\n%-28s", kinds[kind]);
	for (depth = 0; depth < DEPTHS; depth++)
		printf("  depth %-4u", depths[depth]);
	printf("us a job\n");
	for (way = 0; way < WAYS; way++) {
		if (ways[way] == &way_uring_nop && kind != NOP)
			continue;
		printf("%-28s", ways[way]->name);
		for (depth = 0; depth < DEPTHS; depth++) {
			double ns = MEDIAN(kind, way, depth, wall);

			if (isnan(ns))
				printf("%11s ", "-");
			else
				printf("%11.2f ", ns / NS_PER_US);
		}
		printf("\n");
	}
}

static void print_costs(void)
{
	unsigned int way;

	printf("\n%-28s %10s %10s %10s %12s\n", "CPU time, NOP, depth 128, us", "user", "kernel",
	       "guest", "instructions");
	for (way = 0; way < WAYS; way++) {
		if (isnan(MEDIAN(NOP, way, DEEPEST, wall)))
			continue;
		printf("%-28s %10.2f %10.2f %10.2f ", ways[way]->name,
		       MEDIAN(NOP, way, DEEPEST, user) / NS_PER_US,
		       MEDIAN(NOP, way, DEEPEST, kernel) / NS_PER_US,
		       MEDIAN(NOP, way, DEEPEST, guest) / NS_PER_US);
		if (counted)
			printf("%12.0f\n", MEDIAN(NOP, way, DEEPEST, instructions));
		else
			printf("%12s\n", "-");
	}
	if (!counted)
		printf("instructions: this guest's processor cannot count them\n");
}

/* The better of both ways with batches. */
static double over_batches(void)
{
	double one = faster(&way_uring_run, &way_batch, DEEPEST);
	double two = faster(&way_uring_run, &way_batches, DEEPEST);

	return one < two ? one : two;
}

void ways_print(void)
{
	unsigned int kind;

	for (kind = 0; kind < KINDS; kind++)
		print_times(kind);
	print_costs();
	bar_at_least("prepared-over-ioctl",
		     "prepared, times faster than ioctl, a job a call, at 128",
		     faster(&way_uring_run, &way_ioctl, DEEPEST), 3);
	bar_at_least("prepared-over-batch",
		     "prepared, times faster than ioctl with batches, at 128", over_batches(), 1.3);
	bar_at_least("prepared-over-uring-nop", "prepared, times as fast as IORING_OP_NOP, at 128",
		     faster(&way_uring_run, &way_uring_nop, DEEPEST), 0.08);
	bar_at_most("prepared-alone", "prepared, in times of ioctl, at depth 1",
		    faster(&way_ioctl, &way_uring_run, 0), 1.2);
}

static void print_number(const char *name, double value)
{
	if (isnan(value))
		printf(",\"%s\":null", name);
	else
		printf(",\"%s\":%.1f", name, value);
}

void ways_print_json(void)
{
	unsigned int kind, way, depth, n = 0;

	printf("\"ways\":[");
	for (kind = 0; kind < KINDS; kind++)
		for (way = 0; way < WAYS; way++)
			for (depth = 0; depth < DEPTHS; depth++) {
				double wall = MEDIAN(kind, way, depth, wall);

				printf("%s{\"way\":\"%s\",\"job\":\"%s\",\"depth\":%u",
				       n++ ? "," : "", ways[way]->id, kind_ids[kind],
				       depths[depth]);
				print_number("ns", wall);
				print_number("user_ns", MEDIAN(kind, way, depth, user));
				print_number("kernel_ns", MEDIAN(kind, way, depth, kernel));
				print_number("guest_ns", MEDIAN(kind, way, depth, guest));
				print_number("instructions",
					     counted ? MEDIAN(kind, way, depth, instructions) :
						       NAN);
				printf("}");
			}
	printf("]");
}
