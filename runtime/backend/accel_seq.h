/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Sequences of jobs that are run again and again. Results of a run are beside those of
 * the queue, in a buffer of the sequence's.
 */
#ifndef MHO_BACKEND_ACCEL_SEQ_H
#define MHO_BACKEND_ACCEL_SEQ_H

#include "backend/accel_queue.h"

struct accelb_seq;

/**
 * struct accelb_seq_run - a run of a sequence
 * @seq: it
 * @slot: which of its runs, and where its results are
 * @args: what the library wants
 */
struct accelb_seq_run {
	struct accelb_seq *seq;
	uint32_t slot;
	struct mrt_seq_run args;
};

/**
 * struct accelb_seq - a sequence
 * @queue: its queue
 * @link: in accelb_queue.seqs
 * @n: jobs
 * @handle: of the prepared sequence; 0 on the way by ioctls
 * @jobs: the jobs and their steps
 * @filled: on the way by ioctls: room for the jobs of a run
 * @memory: where the results are
 * @results: of all runs
 * @runs: all of them
 * @idle: those that are not in flight
 * @nidle: their number
 */
struct accelb_seq {
	struct accelb_queue *queue;
	struct mrt_link link;
	uint32_t n;
	uint32_t handle;
	struct drm_mho_prepared_job *jobs;
	struct drm_mho_job *filled;
	struct mrt_mem memory;
	struct drm_mho_result *results;
	struct accelb_seq_run *runs;
	struct accelb_seq_run **idle;
	uint32_t nidle;
};

static inline struct drm_mho_result *accelb_seq_results(const struct accelb_seq_run *run)
{
	return &run->seq->results[run->slot * run->seq->n];
}

/* accelb_seq_free_all() - what sequences a queue has left; its context is gone already */
void accelb_seq_free_all(struct accelb_queue *q);

/* accelb_seq_fill() - the jobs of a run, as SUBMIT takes them */
const struct drm_mho_job *accelb_seq_fill(struct accelb_seq_run *run);

/* accelb_seq_is_done(), _end(), _take() - as those of single jobs */
bool accelb_seq_is_done(const struct accelb_seq_run *run);
void accelb_seq_end(struct accelb_seq_run *run, int err);
void accelb_seq_take(struct accelb_seq_run *run, struct mrt_done *done);

#endif
