/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * From records of queues (trace.h) to slices of a trace: on the trace's thread.
 */
#ifndef MHO_CORE_TRACE_WRITER_H
#define MHO_CORE_TRACE_WRITER_H

#include "core/trace.h"
#include "trace/trace_event.h"

#define MRT_TRACE_THREADS 64

/**
 * struct mrt_trace_program - a program and its device, as a trace shows them
 * @file: where slices go
 * @pid: the program
 * @device_pid: group of tracks for the device; 0 if the driver tells what it does
 * @dev: as the driver calls the device
 * @client: and the open file
 * @energy_fj: of all jobs so far
 * @lanes: tracks of the device
 * @threads: of the program, that have a name
 * @nthreads: their number
 */
struct mrt_trace_program {
	struct mrt_trace_file *file;
	int pid;
	int device_pid;
	uint32_t dev;
	uint64_t client;
	uint64_t energy_fj;
	struct mrt_trace_lanes lanes;
	int threads[MRT_TRACE_THREADS];
	unsigned int nthreads;
};

/* mrt_trace_drain() - write what a queue has recorded. */
void mrt_trace_drain(struct mrt_trace_program *program, struct mrt_trace_queue *queue);

/* mrt_trace_writer_free() - forget what is known of a queue. */
void mrt_trace_writer_free(struct mrt_trace_queue *queue);

#endif
