/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * From the driver's tracepoints to slices of a trace: what the driver and the device did
 * for each job, and, where nobody else tells, that the program waited for it.
 */
#ifndef MHO_TRACE_DRIVER_H
#define MHO_TRACE_DRIVER_H

#include "trace/trace_event.h"
#include "trace/trace_point.h"

/**
 * struct mrt_trace_source - whose jobs are traced
 * @all: everybody's, and what the programs wait for, too; else those of @client
 * @dev: N of accelN
 * @client: open file, as the driver calls it
 */
struct mrt_trace_source {
	bool all;
	uint32_t dev;
	uint64_t client;
};

/**
 * struct mrt_trace_sums - times of all jobs that were seen from beginning to end, ns
 * @jobs: how many
 * @failed: of these without success
 * @lost: events that the kernel had no room for
 * @queue: from SUBMIT to the ring
 * @driver: from there to the device
 * @device: in the device
 * @total: from SUBMIT until the program is told
 * @energy_fj: of all of them
 */
struct mrt_trace_sums {
	uint64_t jobs;
	uint64_t failed;
	uint64_t lost;
	uint64_t queue;
	uint64_t driver;
	uint64_t device;
	uint64_t total;
	uint64_t energy_fj;
};

struct mrt_trace_driver;

/* mrt_trace_driver_new() - NULL without memory. */
struct mrt_trace_driver *mrt_trace_driver_new(struct mrt_trace_file *file,
					      const struct mrt_trace_source *source);

/* mrt_trace_driver_line() - for mrt_trace_fs_read(). @driver: struct mrt_trace_driver. */
void mrt_trace_driver_line(void *driver, const char *line);

/*
 * mrt_trace_driver_run() - write what happened until @until, ns. Events of several CPUs come in
 * any order; those of before the last reading began are all there.
 */
void mrt_trace_driver_run(struct mrt_trace_driver *driver, int64_t until);

void mrt_trace_driver_sums(const struct mrt_trace_driver *driver, struct mrt_trace_sums *sums);
void mrt_trace_driver_free(struct mrt_trace_driver *driver);

#endif
