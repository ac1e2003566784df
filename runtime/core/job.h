/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A job from the program's struct mho_job to the backend's struct mrt_cmd and back.
 *
 * While a job is the library's, mho_job.internal holds: [0] the next job of a list;
 * [1] the matrix; [2] the buffer of a, or the graph; [3] the buffer of b, or the
 * destination of TRANSFER, or the run of a graph; [4] the scheduler's
 * unit of it.
 */
#ifndef MHO_CORE_JOB_H
#define MHO_CORE_JOB_H

#include "core/access.h"
#include "core/dev.h"

/**
 * mrt_job_begin() - check a job, take references to what it uses
 * @dev: device of its queue
 * @job: the program's job
 *
 * Return: 0, or -EINVAL with the last error set; nothing is held then.
 */
int mrt_job_begin(struct mrt_dev *dev, struct mho_job *job);

/* mrt_job_check_op() - the part of that check that depends on alpha. 0 or -EINVAL. */
int mrt_job_check_op(const struct mho_job *job);

/* Most that a job touches: matrices and operands. */
#define MRT_JOB_ACCESSES 3

/* mrt_job_access() - what a job that has begun, and is no graph, touches; how much of it. */
int mrt_job_access(const struct mho_job *job, struct mrt_access out[MRT_JOB_ACCESSES]);

/* mrt_job_translate() - the command of a job that has begun. */
void mrt_job_translate(const struct mho_job *job, struct mrt_cmd *cmd);

/* mrt_job_end() - drop the references. The job is the program's again afterwards. */
void mrt_job_end(struct mho_job *job);

/* mrt_job_describe() - what a job that has begun does, for a trace. */
void mrt_job_describe(const struct mho_job *job, struct mrt_trace_job_info *info);

/* mrt_op_name() - such as "MVM"; "?" for an unknown one. */
const char *mrt_op_name(uint32_t op);

static inline struct mho_job *mrt_job_next(const struct mho_job *job)
{
	return (struct mho_job *)(uintptr_t)job->internal[0];
}

static inline void mrt_job_set_next(struct mho_job *job, struct mho_job *next)
{
	job->internal[0] = (uintptr_t)next;
}

static inline void mrt_jobs_append(struct mrt_jobs *list, struct mho_job *job)
{
	mrt_job_set_next(job, NULL);
	if (list->first)
		mrt_job_set_next(list->last, job);
	else
		list->first = job;
	list->last = job;
}

static inline struct mho_job *mrt_jobs_pop(struct mrt_jobs *list)
{
	struct mho_job *job = list->first;

	if (job)
		list->first = mrt_job_next(job);
	return job;
}

#endif
