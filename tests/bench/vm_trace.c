// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Where the time of jobs goes, from the driver's tracepoints. The trace's clock is the program's
 * own (monotonic), so that stamps of both can be subtracted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/trace_point.h"
#include "vm_bench.h"

#define TRACING "/sys/kernel/tracing/"

static const char *const events[] = { "mho_push", "mho_irq_begin", "mho_done" };

static void put(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), TRACING "%s", name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static void enable(const char *value)
{
	char name[64];
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(*events); i++) {
		snprintf(name, sizeof(name), "events/mho/%s/enable", events[i]);
		put(name, value);
	}
}

/**
 * trace_start() - forget what was traced, and trace
 */
void trace_start(void)
{
	put("trace_clock", "mono");
	put("trace", "\n");
	enable("1");
}

/**
 * trace_stop() - trace no more; what was traced stays
 */
void trace_stop(void)
{
	enable("0");
}

/* Events of one job, 0 where there was none. */
struct seen {
	int64_t push;
	int64_t irq;
	bool done;
};

/* Lines come in the order of time; of several interrupts the last before the end counts. */
static void see(struct seen *seen, const char *line)
{
	struct mrt_trace_point point;

	mrt_trace_point_parse(line, &point);
	if (point.kind == MRT_POINT_PUSH)
		*seen = (struct seen){ .push = point.time_ns };
	else if (point.kind == MRT_POINT_IRQ && !seen->done)
		seen->irq = point.time_ns;
	else if (point.kind == MRT_POINT_DONE)
		seen->done = true;
}

/**
 * trace_spans() - split the time of jobs that were run one after the other
 * @begin: when the program called, for each job
 * @end: when it had the result
 * @count: jobs
 * @spans: filled
 *
 * Return: how many jobs could be split; the others' events are not there or not in order.
 */
unsigned int trace_spans(const int64_t *begin, const int64_t *end, unsigned int count,
			 struct span *spans)
{
	FILE *file = fopen(TRACING "trace", "re");
	struct seen seen = { 0 };
	unsigned int job = 0, found = 0;
	char line[512];

	if (!file)
		die(TRACING "trace: %s", strerror(errno));
	while (job < count && fgets(line, sizeof(line), file)) {
		see(&seen, line);
		if (!seen.done)
			continue;
		/* Stamps are rounded to microseconds. */
		if (seen.push + 1000 >= begin[job] && seen.irq >= seen.push && seen.irq <= end[job])
			spans[found++] = (struct span){
				.driver = (double)(seen.push - begin[job]),
				.device = (double)(seen.irq - seen.push),
				.wake = (double)(end[job] - seen.irq),
				.total = (double)(end[job] - begin[job]),
			};
		seen = (struct seen){ 0 };
		job++;
	}
	fclose(file);
	return found;
}
