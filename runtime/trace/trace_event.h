/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Events of a trace. All times are CLOCK_MONOTONIC in ns, whoever took them, so that
 * parts of a trace that know nothing of each other lie on one time line. What belongs to
 * one job is joined by its name, struct mrt_trace_job, which arrows are made of.
 */
#ifndef MHO_TRACE_EVENT_H
#define MHO_TRACE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/trace_file.h"

/* Track groups beside those of processes: above all process ids. */
#define MRT_TRACE_DRIVER_PID(dev) (100000000 + 2 * (int)(dev))
#define MRT_TRACE_DEVICE_PID(dev) (100000001 + 2 * (int)(dev))
#define MRT_TRACE_EMULATED_PID(pid) (200000000 + (int)(pid))

/**
 * struct mrt_trace_job - name of a job
 * @dev: N of accelN
 * @client: open file, as the driver calls it; 0 if there is no driver
 * @ctx: queue of that file
 * @number: running number in the queue, from 0
 */
struct mrt_trace_job {
	uint32_t dev;
	uint64_t client;
	uint32_t ctx;
	uint64_t number;
};

/* A track: @pid groups tracks. */
struct mrt_trace_track {
	int pid;
	int tid;
};

/**
 * struct mrt_trace_slice - a span of time on a track
 * @track: track
 * @begin: ns
 * @end: ns
 * @name: shown on it
 * @level: "application", "queue", "driver" or "device"
 * @job: which job, or NULL
 * @args: members of a JSON object, or ""
 */
struct mrt_trace_slice {
	struct mrt_trace_track track;
	int64_t begin;
	int64_t end;
	const char *name;
	const char *level;
	const struct mrt_trace_job *job;
	const char *args;
};

#define MRT_TRACE_QUOTED 512

/* mrt_trace_quote() - @text as a JSON string with its quotes, cut off where @to ends. */
void mrt_trace_quote(char to[MRT_TRACE_QUOTED], const char *text);

/* Names of groups and tracks; @order sorts them. */
void mrt_trace_name_process(struct mrt_trace_file *file, int pid, const char *name, int order);
void mrt_trace_name_track(struct mrt_trace_file *file, struct mrt_trace_track track,
			  const char *name, int order);

void mrt_trace_put_slice(struct mrt_trace_file *file, const struct mrt_trace_slice *slice);
void mrt_trace_put_counter(struct mrt_trace_file *file, int pid, int64_t at, const char *name,
			   double value);
/* Something to know about the trace itself, such as what it lacks. */
void mrt_trace_put_note(struct mrt_trace_file *file, int pid, int64_t at, const char *text);

/*
 * A place that the arrows of a job go through: whatever slice of @track is there at @at.
 * @phase: 's' the first, 't' between, 'f' the last.
 */
void mrt_trace_put_flow(struct mrt_trace_file *file, char phase, struct mrt_trace_track track,
			int64_t at, const struct mrt_trace_job *job);

#define MRT_TRACE_LANES 256

/**
 * struct mrt_trace_lanes - tracks for slices that overlap, such as jobs in flight
 * @pid: group
 * @first_tid: track of the first lane
 * @name: of each, with its number behind
 * @used: lanes so far
 * @busy_until: of each lane
 */
struct mrt_trace_lanes {
	int pid;
	int first_tid;
	char name[48];
	unsigned int used;
	int64_t busy_until[MRT_TRACE_LANES];
};

void mrt_trace_lanes_init(struct mrt_trace_lanes *lanes, int pid, int first_tid, const char *name);

/*
 * mrt_trace_lane() - a track that is free from @begin to @end. Slices come in the order of their
 * ends. With more than MRT_TRACE_LANES at once the last one is shared.
 */
struct mrt_trace_track mrt_trace_lane(struct mrt_trace_lanes *lanes, struct mrt_trace_file *file,
				      int64_t begin, int64_t end);

#endif
