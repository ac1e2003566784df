/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The driver's tracepoints as text, as "trace" and "trace_pipe" of tracefs show them;
 * docs/driver.md says what they mean.
 */
#ifndef MHO_TRACE_POINT_H
#define MHO_TRACE_POINT_H

#include <stdint.h>

enum mrt_trace_kind {
	MRT_POINT_NONE, /* not of the driver's, or not of use here */
	MRT_POINT_LOST, /* events were lost: @count of them */
	MRT_POINT_SUBMIT,
	MRT_POINT_PUSH,
	MRT_POINT_COMPLETE,
	MRT_POINT_DONE,
	MRT_POINT_IRQ,
	MRT_POINT_TIMEOUT,
	MRT_POINT_QUEUE_RESET,
	MRT_POINT_RESET,
	MRT_POINT_WEDGED,
};

/**
 * struct mrt_trace_point - an event
 * @kind: which; what it does not have is 0
 * @time_ns: in the trace's clock; text is rounded to microseconds
 * @tid: thread that was running
 * @comm: its name, "<...>" if unknown
 */
struct mrt_trace_point {
	enum mrt_trace_kind kind;
	int64_t time_ns;
	int tid;
	char comm[16];
	uint32_t dev;
	uint32_t queue;
	uint32_t ctx;
	uint32_t count;
	uint32_t index;
	uint32_t op;
	int32_t status;
	int32_t error;
	uint64_t client;
	uint64_t seqno;
	uint64_t device_ns;
	uint64_t energy_fj;
};

/* mrt_trace_point_parse() - a line of a trace. */
void mrt_trace_point_parse(const char *line, struct mrt_trace_point *point);

/* mrt_trace_op_name() - an operation as the device calls it (enum drm_mho_op), such as "MVM". */
const char *mrt_trace_op_name(uint32_t op);

#endif
