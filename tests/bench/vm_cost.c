// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See vm_cost.h.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm_bench.h"
#include "vm_cost.h"

static int counter = -1;

bool cost_init(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
	};

	counter = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return counter >= 0;
}

static double ns_of(const struct timeval *time)
{
	return (double)time->tv_sec * NS_PER_S + (double)time->tv_usec * NS_PER_US;
}

/* user, nice, system, idle, iowait, irq, softirq, steal: in ticks */
static double guest_ns(void)
{
	unsigned long long t[8] = { 0 };
	FILE *file = fopen("/proc/stat", "re");
	double ticks = 0;
	unsigned int i;

	if (!file)
		return 0;
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
		   &t[4], &t[5], &t[6], &t[7]) == 8)
		for (i = 0; i < 7; i++)
			ticks += i == 3 || i == 4 ? 0 : (double)t[i];
	fclose(file);
	return ticks * (double)NS_PER_S / (double)sysconf(_SC_CLK_TCK);
}

void cost_read(struct cost *cost)
{
	struct rusage usage;
	uint64_t count = 0;

	memset(cost, 0, sizeof(*cost));
	getrusage(RUSAGE_THREAD, &usage);
	cost->user = ns_of(&usage.ru_utime);
	cost->kernel = ns_of(&usage.ru_stime);
	cost->guest = guest_ns();
	if (counter >= 0 && read(counter, &count, sizeof(count)) == sizeof(count))
		cost->instructions = (double)count;
	cost->wall = (double)now_ns();
}

struct cost cost_of(const struct cost *begin, const struct cost *end, unsigned int jobs)
{
	return (struct cost){
		.wall = (end->wall - begin->wall) / jobs,
		.user = (end->user - begin->user) / jobs,
		.kernel = (end->kernel - begin->kernel) / jobs,
		.guest = (end->guest - begin->guest) / jobs,
		.instructions = (end->instructions - begin->instructions) / jobs,
	};
}
