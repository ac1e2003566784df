/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the measurements of mhoctl bench share: rows of results, two sides that
 * take turns, and jobs kept in flight on a device.
 */
#ifndef MHOCTL_BENCH_H
#define MHOCTL_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <liburing.h>

#include "mho/mho.h"

struct call;

enum bench_bar_kind {
	BENCH_RATIO_AT_MOST,
	BENCH_RATIO_AT_LEAST,
	BENCH_OURS_AT_MOST,
};

/* What a row is held against; the table of them is in bench.c. */
struct bench_bar {
	const char *id;
	enum bench_bar_kind kind;
	double value;
};

enum bench_verdict {
	BENCH_NO_BAR,
	BENCH_PASS,
	BENCH_MISS,
	BENCH_SKIPPED, /* cannot be measured here; the note says why */
	BENCH_ERROR, /* went wrong; the note says how */
};

/**
 * struct bench_row - one result
 * @id: stable name, for JSON and bars
 * @what: for the reader
 * @unit: of @ours and @reference
 * @against: what the reference is, NULL if there is none
 * @rate: @ours and @reference are operations per second, else they are costs
 * @ours: median
 * @reference: median
 * @ratio: median over the repetitions of ours / reference
 * @bar: bar, or NULL
 * @verdict: enum bench_verdict
 * @note: remark, or empty
 */
struct bench_row {
	char id[48];
	char what[80];
	const char *unit;
	const char *against;
	bool rate;
	double ours;
	double reference;
	double ratio;
	const struct bench_bar *bar;
	enum bench_verdict verdict;
	char note[240];
};

#define BENCH_ROWS_MAX 80
#define BENCH_URI_MAX 512

/* Shape of the matrices in all measurements: that of the default card's tiles. */
#define BENCH_DIM 256

/**
 * struct bench - a run
 * @call: command line
 * @uri: device as named by the user
 * @repetitions: of each measurement
 * @seconds: length of one repetition of one side
 * @threads: of the emulator, 0 for its own default
 * @rows: results
 * @count: their number
 */
struct bench {
	const struct call *call;
	const char *uri;
	unsigned int repetitions;
	double seconds;
	unsigned int threads;
	struct bench_row rows[BENCH_ROWS_MAX];
	unsigned int count;
};

/* One side of a comparison: does n operations, returns 0 or -errno. */
struct bench_side {
	int (*run)(void *arg, uint64_t n);
	void *arg;
};

#define BENCH_JOBS_MAX 256

/**
 * struct bench_jobs - jobs of one kind, kept in flight on a queue
 * @queue: queue
 * @jobs: jobs
 * @idle: those that are not in flight
 * @depth: most of them in flight
 * @reap_min: completions to wait for at a time
 * @per_submit: most jobs in a call, 0 for any number
 * @per_job: operations that a job counts for
 * @last: a job that has completed, NULL if none has
 * @error: what went wrong, empty if nothing
 */
struct bench_jobs {
	struct mho_queue *queue;
	struct mho_job jobs[BENCH_JOBS_MAX];
	struct mho_job *idle[BENCH_JOBS_MAX];
	unsigned int depth;
	unsigned int reap_min;
	unsigned int per_submit;
	unsigned int per_job;
	const struct mho_job *last;
	char error[200];
};

/* A device with one matrix of BENCH_DIM x BENCH_DIM, a queue and jobs on them. */
struct bench_card {
	struct mho_dev *dev;
	struct mho_mat *mat;
	struct mho_tech_info tech;
	struct bench_jobs jobs;
	struct mho_buf *a;
	struct mho_buf *b;
};

/* ---- bench.c ---- */

struct bench_row *bench_row(struct bench *b, const char *id, const char *unit, const char *against,
			    const char *format, ...) __attribute__((format(printf, 5, 6)));
void bench_judge(struct bench_row *row);
void bench_stop(struct bench_row *row, enum bench_verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- bench_time.c ---- */

double bench_now(void);
double bench_median(double *values, unsigned int n);
int bench_pair(const struct bench *b, struct bench_row *row, const struct bench_side *ours,
	       const struct bench_side *reference);

/* ---- bench_card.c ---- */

void bench_uri(const struct bench *b, const char *tech, char uri[BENCH_URI_MAX]);
bool bench_may_choose_tech(const struct bench *b);
int bench_open(const struct bench *b, const char *tech, uint32_t io, struct mho_dev **dev);
int bench_card_open(const struct bench *b, const char *tech, struct bench_card *card);
int bench_card_buffers(struct bench_card *card, size_t a_bytes, size_t b_bytes);
void bench_card_close(struct bench_card *card);
void bench_jobs_fill(struct bench_jobs *jobs, const struct mho_job *model, unsigned int depth);
int bench_jobs_run(void *arg, uint64_t n);
void bench_random(float *values, size_t n, float most, unsigned int seed);

/* ---- bench_nop.c ---- */

/* A ring of the kernel's, and how many operations are in flight in it. */
struct bench_ring {
	struct io_uring ring;
	unsigned int depth;
};

int bench_ring_open(struct bench_ring *ring);
void bench_ring_close(struct bench_ring *ring);
int bench_ring_run(void *arg, uint64_t n);

/* ---- the measurements; each adds rows ---- */

void bench_start(struct bench *b);
void bench_mvm(struct bench *b);
void bench_update(struct bench *b);
void bench_nop(struct bench *b);
void bench_ways(struct bench *b);
void bench_memory(struct bench *b);

#endif
