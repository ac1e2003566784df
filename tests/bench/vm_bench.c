// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the driver costs in a guest: time to the first result, NOP jobs by the SUBMIT, where the
 * time of a multiplication goes, all ways in beside each other (vm_ways.c), several processes at
 * once (vm_fair.c). Guests differ by orders of magnitude (emulated or not), so that what is
 * compared is measured in the same run. Prints tables, and one line of JSON, which begins with a
 * brace. Ends with status 1 if a bar was missed. Words name the parts that shall be measured.
 */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "vm_bench.h"
#include "vm_ways.h"

#define IOCTLS 5000 /* calls in a run */
#define JOBS 4096 /* NOP jobs in a run; all may wait in the context at once */
#define MVMS 100 /* multiplications in a run */
#define BAR 3.0 /* a NOP of a SUBMIT of 128, in cheapest ioctls */

static const unsigned int per_submit[] = { 1, 32, 128 };
static const unsigned int batches[] = { 1, 32 };

#define SUBMITS (sizeof(per_submit) / sizeof(*per_submit))
#define BATCHES (sizeof(batches) / sizeof(*batches))

/* Medians, in ns. */
struct figures {
	const char *ioctl_name;
	double ioctl;
	double first_result;
	double nop[SUBMITS]; /* until the last is done, a job */
	double nop_call[SUBMITS]; /* in the ioctl alone, a job */
	struct span mvm[BATCHES];
};

/**
 * die() - say why, and end
 * @format: as for printf()
 */
void die(const char *format, ...)
{
	va_list args;

	fprintf(stdout, "vm_bench: ");
	va_start(args, format);
	vfprintf(stdout, format, args);
	va_end(args);
	fprintf(stdout, "\n");
	exit(2);
}

/**
 * stay_on() - keep this process on one processor
 * @processor: which, modulo those there are
 *
 * Where the scheduler moves a process, to the processor that takes its queue's interrupts or away
 * from it, would decide over figures otherwise.
 */
void stay_on(unsigned int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity: %s", strerror(errno));
}

/**
 * now_ns() - the time that trace_start() makes the trace's, too
 *
 * Return: monotonic, ns.
 */
int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/**
 * median() - middle of some values
 * @values: values; sorted
 * @count: how many
 *
 * Return: the median, 0 of none.
 */
double median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return count ? (values[(count - 1) / 2] + values[count / 2]) / 2 : 0;
}

/* Both do next to nothing: texts of no length, and a question that does not exist. */
static int call_version(const struct card *card)
{
	struct drm_version args = { 0 };

	return card_call(card, DRM_IOCTL_VERSION, &args);
}

static int call_query(const struct card *card)
{
	struct drm_mho_query args = { .type = UINT32_MAX };

	return card_call(card, DRM_IOCTL_MHO_QUERY, &args) == -EINVAL ? 0 : -EPROTO;
}

static double time_ioctl(const struct card *card, int (*fn)(const struct card *card))
{
	double runs[RUNS];
	int64_t begin;
	int run, i;

	for (run = 0; run < RUNS; run++) {
		begin = now_ns();
		for (i = 0; i < IOCTLS; i++)
			if (fn(card))
				die("an ioctl that does nothing failed");
		runs[run] = (double)(now_ns() - begin) / IOCTLS;
	}
	return median(runs, RUNS);
}

static void measure_ioctl(const struct card *card, struct figures *f)
{
	double version = time_ioctl(card, call_version);
	double query = time_ioctl(card, call_query);

	f->ioctl_name = version < query ? "DRM_IOCTL_VERSION without texts" :
					  "DRM_IOCTL_MHO_QUERY of an unknown type";
	f->ioctl = version < query ? version : query;
}

static void run_job(const struct card *card, const struct drm_mho_job *job)
{
	card_submit(card, job, 1, card->done);
	card_wait(card, card->done);
}

static void measure_first_result(struct figures *f)
{
	struct drm_mho_job job;
	double runs[RUNS];
	struct card card;
	int64_t begin;
	int run;

	for (run = 0; run < RUNS; run++) {
		begin = now_ns();
		card_open(&card, DRM_MHO_PRIORITY_NORMAL);
		card_add_array(&card, DIM_LARGE);
		job = card_mvm(&card, 1);
		run_job(&card, &job);
		runs[run] = (double)(now_ns() - begin);
		if (card_status(&card))
			die("the first job ended with status %d", card_status(&card));
		card_close(&card);
	}
	f->first_result = median(runs, RUNS);
}

static void measure_nops(const struct card *card, unsigned int count, double *whole, double *call)
{
	struct drm_mho_job *jobs = calloc(count, sizeof(*jobs));
	double wholes[RUNS], calls[RUNS];
	unsigned int done, run;
	int64_t begin;

	if (!jobs)
		die("no memory");
	for (run = 0; run < RUNS; run++) {
		begin = now_ns();
		for (done = count; done < JOBS; done += count)
			card_submit(card, jobs, count, 0);
		card_submit(card, jobs, count, card->done);
		calls[run] = (double)(now_ns() - begin) / JOBS;
		card_wait(card, card->done);
		wholes[run] = (double)(now_ns() - begin) / JOBS;
	}
	free(jobs);
	*whole = median(wholes, RUNS);
	*call = median(calls, RUNS);
}

static double median_of(const struct span *spans, unsigned int count, size_t field)
{
	double values[MVMS];
	unsigned int i;

	for (i = 0; i < count; i++)
		memcpy(&values[i], (const char *)&spans[i] + field, sizeof(values[i]));
	return median(values, count);
}

static struct span median_span(const struct span *spans, unsigned int count)
{
	return (struct span){
		.driver = median_of(spans, count, offsetof(struct span, driver)),
		.device = median_of(spans, count, offsetof(struct span, device)),
		.wake = median_of(spans, count, offsetof(struct span, wake)),
		.total = median_of(spans, count, offsetof(struct span, total)),
	};
}

static struct span measure_mvm(const struct card *card, uint32_t batch)
{
	struct drm_mho_job job = card_mvm(card, batch);
	struct span spans[MVMS], runs[RUNS];
	int64_t begin[MVMS], end[MVMS];
	unsigned int run, i, found;

	for (run = 0; run < RUNS; run++) {
		trace_start();
		for (i = 0; i < MVMS; i++) {
			begin[i] = now_ns();
			run_job(card, &job);
			end[i] = now_ns();
		}
		trace_stop();
		if (card_status(card))
			die("MVM ended with status %d", card_status(card));
		found = trace_spans(begin, end, MVMS, spans);
		/* Where an interrupt merges with another one's work, its events tell nothing. */
		if (found < MVMS / 2)
			die("only %u of %u jobs are whole in the trace", found, MVMS);
		runs[run] = median_span(spans, found);
	}
	return median_span(runs, RUNS);
}

static void print_table(const struct figures *f)
{
	unsigned int i;

	printf("cheapest ioctl: %s, %.2f us\n", f->ioctl_name, f->ioctl / NS_PER_US);
	printf("medians of %d runs; ratios are to that ioctl\n\n", RUNS);
	printf("%-34s %10s %8s\n", "measurement", "us", "ratio");
	printf("%-34s %10.1f %8.0f\n", "open to first result", f->first_result / NS_PER_US,
	       f->first_result / f->ioctl);
	for (i = 0; i < SUBMITS; i++) {
		printf("NOP job, %3u per SUBMIT, done       %10.2f %8.2f\n", per_submit[i],
		       f->nop[i] / NS_PER_US, f->nop[i] / f->ioctl);
		printf("NOP job, %3u per SUBMIT, in the call%10.2f %8.2f\n", per_submit[i],
		       f->nop_call[i] / NS_PER_US, f->nop_call[i] / f->ioctl);
	}
	printf("\n%-22s %10s %10s %10s %10s\n", "MVM 256x256, us", "total", "driver", "device",
	       "wake-up");
	for (i = 0; i < BATCHES; i++)
		printf("batch %-16u %10.1f %10.1f %10.1f %10.1f\n", batches[i],
		       f->mvm[i].total / NS_PER_US, f->mvm[i].driver / NS_PER_US,
		       f->mvm[i].device / NS_PER_US, f->mvm[i].wake / NS_PER_US);
	bar_at_most("nop", "NOP job, 128 per SUBMIT, done, in cheapest ioctls",
		    f->nop[SUBMITS - 1] / f->ioctl, BAR);
}

static void print_json(const struct figures *f)
{
	unsigned int i;

	printf("\"ioctl\":{\"what\":\"%s\",\"ns\":%.0f},", f->ioctl_name, f->ioctl);
	printf("\"first_result_ns\":%.0f,\"nop\":[", f->first_result);
	for (i = 0; i < SUBMITS; i++)
		printf("%s{\"per_submit\":%u,\"ns\":%.0f,\"call_ns\":%.0f,\"ratio\":%.3f}",
		       i ? "," : "", per_submit[i], f->nop[i], f->nop_call[i],
		       f->nop[i] / f->ioctl);
	printf("],\"mvm\":[");
	for (i = 0; i < BATCHES; i++)
		printf("%s{\"batch\":%u,\"total_ns\":%.0f,\"driver_ns\":%.0f,\"device_ns\":%.0f,"
		       "\"wake_ns\":%.0f}",
		       i ? "," : "", batches[i], f->mvm[i].total, f->mvm[i].driver,
		       f->mvm[i].device, f->mvm[i].wake);
	printf("]");
}

static struct figures figures;

static void driver_measure(void)
{
	struct figures *f = &figures;
	struct card card;
	unsigned int i;

	measure_first_result(f);
	card_open(&card, DRM_MHO_PRIORITY_NORMAL);
	card_add_array(&card, DIM_LARGE);
	measure_ioctl(&card, f);
	for (i = 0; i < SUBMITS; i++)
		measure_nops(&card, per_submit[i], &f->nop[i], &f->nop_call[i]);
	for (i = 0; i < BATCHES; i++)
		f->mvm[i] = measure_mvm(&card, batches[i]);
	card_close(&card);
}

static void driver_print(void)
{
	print_table(&figures);
}

static void driver_print_json(void)
{
	print_json(&figures);
}

static const struct {
	const char *name;
	void (*measure)(void);
	void (*print)(void);
	void (*print_json)(void);
} parts[] = {
	{ "driver", driver_measure, driver_print, driver_print_json },
	{ "ways", ways_measure, ways_print, ways_print_json },
	{ "fair", fair_measure, fair_print, fair_print_json },
};

#define PARTS (sizeof(parts) / sizeof(*parts))

static bool is_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	struct utsname host;
	unsigned int i;

	for (i = 0; i < PARTS; i++) {
		if (!is_wanted(parts[i].name, argc, argv))
			continue;
		parts[i].measure();
		parts[i].print();
	}
	bars_print();
	uname(&host);
	printf("{\"format\":\"mho-vm-bench-2\",\"kernel\":\"%s\",\"runs\":%d,", host.release, RUNS);
	for (i = 0; i < PARTS; i++) {
		if (!is_wanted(parts[i].name, argc, argv))
			continue;
		parts[i].print_json();
		printf(",");
	}
	bars_print_json();
	printf("}\n");
	return bars_passed() ? EXIT_SUCCESS : EXIT_FAILURE;
}
