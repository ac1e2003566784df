// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl bench: the ways in which a program can hand over jobs, side by side, at the
 * depths at which "make vm-bench" measures those of the driver. Half of the depth is
 * handed over, and waited for, at a time, whatever the way; empty jobs are measured
 * beside io_uring operations that do nothing, handed over in the same way.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tools/mhoctl/bench.h"
#include "tools/mhoctl/mhoctl.h"

#define DIM 64
#define COST_REPETITIONS 4 /* so long CPU time is counted, which the kernel samples */

static const unsigned int depths[] = { 1, 8, 32, 128 };

enum way {
	SINGLE,
	BATCH,
	GRAPH,
	WAYS
};

static const char *const way_names[] = { "a call a job", "a call for half", "graph" };
static const char *const way_ids[] = { "single", "batch", "graph" };

/**
 * struct setting - a device with what the jobs need
 * @b: run
 * @kind: "nop" or "mvm"
 * @name: for the reader
 * @dev: device
 * @job: what is run
 */
struct setting {
	struct bench *b;
	const char *kind;
	const char *name;
	struct mho_dev *dev;
	struct mho_job job;
};

static int make_graph(const struct setting *s, unsigned int jobs, struct mho_graph **out)
{
	struct mho_graph *graph;
	int err = mho_graph_create(s->dev, NULL, &graph);

	if (err)
		return err;
	for (unsigned int i = 0; !err && i < jobs; i++) {
		err = mho_graph_add(graph, &s->job, NULL);
		err = err < 0 ? err : 0;
	}
	if (!err)
		err = mho_graph_seal(graph);
	if (err)
		mho_graph_destroy(graph);
	else
		*out = graph;
	return err;
}

/* Jobs for a way: of a graph, runs of half of the depth. */
static int fill(const struct setting *s, struct bench_jobs *jobs, enum way way, unsigned int depth,
		struct mho_graph **graph)
{
	unsigned int half = depth > 1 ? depth / 2 : 1;
	struct mho_job run = { .op = MHO_OP_GRAPH };
	int err;

	if (way != GRAPH) {
		bench_jobs_fill(jobs, &s->job, depth);
		jobs->reap_min = half;
		jobs->per_submit = way == SINGLE ? 1 : 0;
		return 0;
	}
	err = make_graph(s, half, graph);
	if (err)
		return err;
	run.graph = *graph;
	bench_jobs_fill(jobs, &run, depth / half);
	jobs->per_job = half;
	return 0;
}

static double us_of(const struct timeval *time)
{
	return (double)time->tv_sec * 1e6 + (double)time->tv_usec;
}

/* CPU time of a job: of this thread, and of all others, which are the emulator's. */
static int note_cost(const struct bench *b, struct bench_row *row, struct bench_jobs *jobs)
{
	double n = floor(row->ours * b->seconds * COST_REPETITIONS) + 1;
	struct rusage thread[2], all[2];
	double user, kernel, others;
	int err;

	getrusage(RUSAGE_THREAD, &thread[0]);
	getrusage(RUSAGE_SELF, &all[0]);
	err = bench_jobs_run(jobs, (uint64_t)n);
	getrusage(RUSAGE_THREAD, &thread[1]);
	getrusage(RUSAGE_SELF, &all[1]);
	user = us_of(&thread[1].ru_utime) - us_of(&thread[0].ru_utime);
	kernel = us_of(&thread[1].ru_stime) - us_of(&thread[0].ru_stime);
	others = us_of(&all[1].ru_utime) + us_of(&all[1].ru_stime) - us_of(&all[0].ru_utime) -
		 us_of(&all[0].ru_stime) - user - kernel;
	snprintf(row->note, sizeof(row->note),
		 "CPU a job: user %.2f, kernel %.2f, emulator %.2f us", user / n, kernel / n,
		 fmax(others, 0) / n);
	return err;
}

static void measure(const struct setting *s, enum way way, unsigned int depth)
{
	struct mho_queue_opts opts = MHO_INIT(struct mho_queue_opts);
	struct bench_ring ring = { .depth = depth };
	struct bench_side reference = { bench_ring_run, &ring };
	struct bench_jobs jobs = { 0 };
	struct bench_side ours = { bench_jobs_run, &jobs };
	struct mho_graph *graph = NULL;
	struct bench_row *row;
	bool compare = s->job.op == MHO_OP_NOP && !bench_ring_open(&ring);
	char id[48];
	int err;

	snprintf(id, sizeof(id), "ways-%s-%s-%u", s->kind, way_ids[way], depth);
	row = bench_row(s->b, id, "jobs/s", compare ? "io_uring NOP" : NULL, "%s depth %u, %s",
			s->name, depth, way_names[way]);
	row->rate = true;
	opts.depth = depth;
	err = mho_queue_create(s->dev, &opts, &jobs.queue);
	if (!err)
		err = fill(s, &jobs, way, depth, &graph);
	if (!err)
		err = bench_pair(s->b, row, &ours, compare ? &reference : NULL);
	if (!err)
		err = note_cost(s->b, row, &jobs);
	if (err)
		bench_stop(row, BENCH_ERROR, "%s", *jobs.error ? jobs.error : mho_last_error());
	mho_graph_destroy(graph);
	mho_queue_destroy(jobs.queue);
	if (compare)
		bench_ring_close(&ring);
}

static void measure_all(const struct setting *s)
{
	for (unsigned int d = 0; d < sizeof(depths) / sizeof(*depths); d++)
		for (enum way way = SINGLE; way < WAYS; way++)
			measure(s, way, depths[d]);
}

static int make_product(struct setting *s)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	struct mho_buf *a, *b;
	int err;

	desc.rows = DIM;
	desc.cols = DIM;
	s->job = (struct mho_job){ .op = MHO_OP_MVM, .alpha = 1.0F };
	err = mho_mat_alloc(s->dev, &desc, &s->job.mat);
	if (!err)
		err = mho_buf_alloc(s->dev, DIM * sizeof(float), &a);
	if (!err)
		err = mho_buf_alloc(s->dev, DIM * sizeof(float), &b);
	if (err)
		return err;
	s->job.a.buf = a;
	s->job.b.buf = b;
	return 0;
}

/**
 * bench_ways() - measure the ways to hand over jobs
 * @b: run
 */
void bench_ways(struct bench *b)
{
	struct setting s = { .b = b, .kind = "nop", .name = "NOP", .job.op = MHO_OP_NOP };
	int err = bench_open(b, NULL, MHO_IO_AUTO, &s.dev);

	if (!err) {
		measure_all(&s);
		s.kind = "mvm";
		s.name = "MVM 64x64";
		err = make_product(&s);
	}
	if (!err)
		measure_all(&s);
	else
		bench_stop(bench_row(b, "ways", "jobs/s", NULL, "ways to hand over jobs"),
			   BENCH_ERROR, "%s", mho_last_error());
	mho_close(s.dev);
}
