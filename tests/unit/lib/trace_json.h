/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Trace files read back, for tests of what writes them.
 */
#ifndef MHO_TEST_TRACE_JSON_H
#define MHO_TEST_TRACE_JSON_H

#include <stdbool.h>

struct json_object;

/* Reads a trace, which must be valid JSON with a list of events. json_object_put() it. */
struct json_object *trace_read(const char *path);

/**
 * struct trace_slice - a slice
 * @begin: us
 * @end: us
 * @pid: group of its track
 * @tid: track
 * @name: borrowed from the document
 */
struct trace_slice {
	double begin;
	double end;
	int pid;
	int tid;
	const char *name;
};

/*
 * The slice of a level ("device") and a job ("0.0.1.5"), which must be there once. NULL as the job:
 * any number, the last one counts.
 */
struct trace_slice trace_slice(struct json_object *trace, const char *level, const char *job);

/* How many events of a phase ("X") and, unless it is NULL, a category or name there are. */
unsigned int trace_count(struct json_object *trace, const char *phase, const char *what);

/* Whether @inner lies in @outer; times are rounded to ns. */
bool trace_within(const struct trace_slice *inner, const struct trace_slice *outer);

/* No two slices of a track overlap but one in the other: else viewers show nonsense. */
void trace_check_nesting(struct json_object *trace);

#endif
