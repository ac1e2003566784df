// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Several processes at once: what share of the device each gets, and what a process of
 * high priority sees of another one that keeps the device busy. Each process has its own
 * file, context and array, and uses the best way that there is.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vm_stream.h"
#include "vm_ways.h"

#define CROWD_MAX 4
/* Two processors of a guest for so many processes: they take turns, and that evens out slowly. */
#define SHARE_NS (3 * NS_PER_S / 2)
#define SETTLE_NS (NS_PER_S / 5)
#define LATENCIES 100

/* What processes share: each counts its own jobs. */
struct crowd {
	atomic_uint ready;
	atomic_bool stop;
	_Atomic uint64_t jobs[CROWD_MAX];
	pid_t pids[CROWD_MAX];
	unsigned int count;
};

/* Shares of processes that ask for the same, of one kind of job. */
struct shares {
	const char *what;
	const char *id;
	unsigned int processes;
	bool products;
	double spread[RUNS]; /* (most - least) / mean */
	double least[RUNS]; /* of the whole */
	double most[RUNS];
	double ns[RUNS]; /* of one job, of all processes together */
};

static struct shares shares[] = {
	{ .what = "2 processes, NOP", .id = "nop-2", .processes = 2 },
	{ .what = "4 processes, NOP", .id = "nop-4", .processes = 4 },
	{ .what = "2 processes, MVM 256x256", .id = "mvm-2", .processes = 2, .products = true },
	{ .what = "4 processes, MVM 256x256", .id = "mvm-4", .processes = 4, .products = true },
};

#define KINDS (sizeof(shares) / sizeof(*shares))

/* Of a single NOP, medians of each run, ns. */
static struct {
	double idle[RUNS];
	double loaded[RUNS];
	double worst[RUNS]; /* 95th percentile under load */
	double job[RUNS]; /* of the load */
} latency;

static void open_best(struct stream *s, const struct card *card, const struct drm_mho_job *job,
		      unsigned int depth)
{
	if (!stream_open(s, &way_uring_run, card, job, depth) &&
	    !stream_open(s, &way_batches, card, job, depth))
		die("no way to submit jobs");
}

static void pause_ns(int64_t ns)
{
	struct timespec time = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

/* Keeps the device busy until it is told to stop. */
static void work(struct crowd *crowd, unsigned int self, bool products)
{
	struct drm_mho_job job = { .op = DRM_MHO_OP_NOP };
	static struct stream s;
	struct card card;

	stay_on(self);
	card_open(&card, DRM_MHO_PRIORITY_NORMAL);
	if (products) {
		card_add_array(&card, DIM_LARGE);
		job = card_mvm(&card, BATCH_LARGE);
	}
	open_best(&s, &card, &job, DEPTH_MAX);
	atomic_fetch_add(&crowd->ready, 1);
	while (!atomic_load(&crowd->stop)) {
		stream_step(&s);
		atomic_fetch_add(&crowd->jobs[self], s.round);
	}
	stream_close(&s);
	card_close(&card);
}

static struct crowd *crowd_start(unsigned int count, bool products)
{
	struct crowd *crowd = mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	if (crowd == MAP_FAILED)
		die("no memory: %s", strerror(errno));
	crowd->count = count;
	fflush(stdout);
	for (i = 0; i < count; i++) {
		/* Not straight into memory that the child writes, too. */
		pid_t pid = fork();

		if (pid < 0)
			die("fork: %s", strerror(errno));
		if (pid) {
			crowd->pids[i] = pid;
			continue;
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work(crowd, i, products);
		exit(0);
	}
	while (atomic_load(&crowd->ready) < count) {
		if (waitpid(-1, NULL, WNOHANG) > 0)
			die("a process of several has failed");
		pause_ns(NS_PER_S / 100);
	}
	pause_ns(SETTLE_NS);
	return crowd;
}

static void crowd_end(struct crowd *crowd)
{
	unsigned int i;

	atomic_store(&crowd->stop, true);
	for (i = 0; i < crowd->count; i++)
		waitpid(crowd->pids[i], NULL, 0);
	munmap(crowd, sizeof(*crowd));
}

static void measure_shares(struct shares *shares, unsigned int run)
{
	struct crowd *crowd = crowd_start(shares->processes, shares->products);
	uint64_t before[CROWD_MAX];
	double least = INFINITY, most = 0, sum = 0;
	int64_t begin = now_ns(), end;
	unsigned int i;

	for (i = 0; i < crowd->count; i++)
		before[i] = atomic_load(&crowd->jobs[i]);
	pause_ns(SHARE_NS);
	for (i = 0; i < crowd->count; i++) {
		double jobs = (double)(atomic_load(&crowd->jobs[i]) - before[i]);

		least = jobs < least ? jobs : least;
		most = jobs > most ? jobs : most;
		sum += jobs;
	}
	end = now_ns();
	crowd_end(crowd);
	if (sum <= 0)
		die("%s: nobody got anything done", shares->what);
	shares->spread[run] = (most - least) * shares->processes / sum;
	shares->least[run] = least / sum;
	shares->most[run] = most / sum;
	shares->ns[run] = (double)(end - begin) / sum;
}

/* How long a single NOP of high priority takes. @worst: the 95th percentile, or NULL. */
static double measure_latency(struct stream *s, double *worst)
{
	double values[LATENCIES], middle;
	int64_t begin;
	unsigned int i;

	for (i = 0; i < LATENCIES; i++) {
		begin = now_ns();
		stream_run(s, 1);
		values[i] = (double)(now_ns() - begin);
	}
	middle = median(values, LATENCIES);
	if (worst)
		*worst = values[LATENCIES * 95 / 100];
	return middle;
}

static void measure_priority(unsigned int run)
{
	struct drm_mho_job job = { .op = DRM_MHO_OP_NOP };
	static struct stream s;
	struct crowd *crowd;
	struct card card;
	uint64_t jobs;
	int64_t begin;

	/* The crowd's first is on processor 0. */
	stay_on(1);
	card_open(&card, DRM_MHO_PRIORITY_HIGH);
	open_best(&s, &card, &job, 1);
	measure_latency(&s, NULL);
	latency.idle[run] = measure_latency(&s, NULL);
	crowd = crowd_start(1, true);
	begin = now_ns();
	jobs = atomic_load(&crowd->jobs[0]);
	latency.loaded[run] = measure_latency(&s, &latency.worst[run]);
	/* Long enough to count rounds of many jobs. */
	pause_ns(SHARE_NS);
	jobs = atomic_load(&crowd->jobs[0]) - jobs;
	latency.job[run] = jobs ? (double)(now_ns() - begin) / (double)jobs : NAN;
	crowd_end(crowd);
	stream_close(&s);
	card_close(&card);
}

void fair_measure(void)
{
	unsigned int run, kind;

	for (run = 0; run < RUNS; run++) {
		for (kind = 0; kind < KINDS; kind++)
			measure_shares(&shares[kind], run);
		measure_priority(run);
	}
}

static double growth(void)
{
	double values[RUNS];
	unsigned int run;

	for (run = 0; run < RUNS; run++)
		values[run] = (latency.loaded[run] - latency.idle[run]) / latency.job[run];
	return median(values, RUNS);
}

void fair_print(void)
{
	unsigned int kind;

	printf("\n%-28s %10s %10s %10s %10s\n", "at once, depth 128", "us a job", "least", "most",
	       "spread");
	for (kind = 0; kind < KINDS; kind++)
		printf("%-28s %10.2f %9.1f%% %9.1f%% %9.1f%%\n", shares[kind].what,
		       median(shares[kind].ns, RUNS) / NS_PER_US,
		       100 * median(shares[kind].least, RUNS),
		       100 * median(shares[kind].most, RUNS),
		       100 * median(shares[kind].spread, RUNS));
	printf("\nhigh priority, a NOP alone %.1f us; beside MVM 256x256 of %.1f us at depth 128: "
	       "%.1f us, 95 %% within %.1f us\n",
	       median(latency.idle, RUNS) / NS_PER_US, median(latency.job, RUNS) / NS_PER_US,
	       median(latency.loaded, RUNS) / NS_PER_US, median(latency.worst, RUNS) / NS_PER_US);
	bar_at_most("share-nop", "two processes, NOP: difference of their shares, of the mean",
		    median(shares[0].spread, RUNS), 0.1);
	bar_at_most("share-mvm", "two processes, MVM: difference of their shares, of the mean",
		    median(shares[2].spread, RUNS), 0.1);
	bar_at_most("priority", "high priority under load: waits longer by, in jobs of the load",
		    growth(), 1);
}

void fair_print_json(void)
{
	unsigned int kind;

	printf("\"shares\":[");
	for (kind = 0; kind < KINDS; kind++)
		printf("%s{\"id\":\"%s\",\"processes\":%u,\"ns\":%.0f,\"least\":%.4f,\"most\":%.4f,"
		       "\"spread\":%.4f}",
		       kind ? "," : "", shares[kind].id, shares[kind].processes,
		       median(shares[kind].ns, RUNS), median(shares[kind].least, RUNS),
		       median(shares[kind].most, RUNS), median(shares[kind].spread, RUNS));
	printf("],\"priority\":{\"idle_ns\":%.0f,\"loaded_ns\":%.0f,\"loaded_p95_ns\":%.0f,"
	       "\"load_job_ns\":%.0f}",
	       median(latency.idle, RUNS), median(latency.loaded, RUNS),
	       median(latency.worst, RUNS), median(latency.job, RUNS));
}
