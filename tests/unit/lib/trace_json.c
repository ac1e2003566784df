// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See trace_json.h.
 */
#include "trace_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#define ROUNDING 0.0011

struct json_object *trace_read(const char *path)
{
	struct json_object *trace = json_object_from_file(path), *events;

	if (!trace)
		fail_msg("%s: %s", path, json_util_get_last_err());
	assert_true(json_object_object_get_ex(trace, "traceEvents", &events));
	assert_int_equal(json_object_get_type(events), json_type_array);
	return trace;
}

static struct json_object *member(struct json_object *event, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(event, name, &value);
	return value;
}

static bool has_text(struct json_object *event, const char *name, const char *text)
{
	struct json_object *value = member(event, name);

	return value && !strcmp(json_object_get_string(value), text);
}

static struct trace_slice slice_of(struct json_object *event)
{
	struct trace_slice slice = {
		.begin = json_object_get_double(member(event, "ts")),
		.pid = json_object_get_int(member(event, "pid")),
		.tid = json_object_get_int(member(event, "tid")),
		.name = json_object_get_string(member(event, "name")),
	};

	slice.end = slice.begin + json_object_get_double(member(event, "dur"));
	return slice;
}

struct trace_slice trace_slice(struct json_object *trace, const char *level, const char *job)
{
	struct json_object *events = member(trace, "traceEvents");
	struct trace_slice slice = { 0 };
	unsigned int found = 0;

	for (size_t i = 0; i < json_object_array_length(events); i++) {
		struct json_object *event = json_object_array_get_idx(events, i);

		if (!has_text(event, "ph", "X") || !has_text(event, "cat", level) ||
		    (job && !has_text(member(event, "args"), "job", job)))
			continue;
		slice = slice_of(event);
		found++;
	}
	if (!found || (job && found > 1))
		fail_msg("%u slices \"%s\" of job %s", found, level, job ? job : "(any)");
	return slice;
}

unsigned int trace_count(struct json_object *trace, const char *phase, const char *what)
{
	struct json_object *events = member(trace, "traceEvents");
	unsigned int n = 0;

	for (size_t i = 0; i < json_object_array_length(events); i++) {
		struct json_object *event = json_object_array_get_idx(events, i);

		n += has_text(event, "ph", phase) &&
		     (!what || has_text(event, "cat", what) || has_text(event, "name", what));
	}
	return n;
}

bool trace_within(const struct trace_slice *inner, const struct trace_slice *outer)
{
	return inner->begin >= outer->begin - ROUNDING && inner->end <= outer->end + ROUNDING;
}

static int compare(const void *a, const void *b)
{
	const struct trace_slice *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->begin < y->begin || x->begin > y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (x->end < y->end) - (x->end > y->end);
}

void trace_check_nesting(struct json_object *trace)
{
	struct json_object *events = member(trace, "traceEvents");
	size_t count = json_object_array_length(events), n = 0, depth = 0;
	struct trace_slice *slices = calloc(count, sizeof(*slices));
	struct trace_slice **stack = calloc(count, sizeof(*stack));

	assert_true(slices && stack);
	for (size_t i = 0; i < count; i++) {
		struct json_object *event = json_object_array_get_idx(events, i);

		if (has_text(event, "ph", "X"))
			slices[n++] = slice_of(event);
	}
	qsort(slices, n, sizeof(*slices), compare);
	for (size_t i = 0; i < n; i++) {
		struct trace_slice *s = &slices[i];

		while (depth &&
		       (stack[depth - 1]->pid != s->pid || stack[depth - 1]->tid != s->tid ||
			stack[depth - 1]->end <= s->begin + ROUNDING))
			depth--;
		if (depth && !trace_within(s, stack[depth - 1]))
			fail_msg("\"%s\" from %f to %f overlaps \"%s\" from %f to %f", s->name,
				 s->begin, s->end, stack[depth - 1]->name, stack[depth - 1]->begin,
				 stack[depth - 1]->end);
		stack[depth++] = s;
	}
	free(slices);
	free(stack);
}
