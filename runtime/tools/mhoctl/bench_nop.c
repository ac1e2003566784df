// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl bench: jobs that do nothing, beside io_uring operations that do nothing,
 * at the same depths. Both submit and reap in bulk.
 */
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>

#include "tools/mhoctl/bench.h"
#include "tools/mhoctl/mhoctl.h"

/**
 * bench_ring_open() - a ring for operations that do nothing
 * @ring: its depth is set
 *
 * Return: 0 or -errno.
 */
int bench_ring_open(struct bench_ring *ring)
{
	return io_uring_queue_init(ring->depth, &ring->ring, 0);
}

void bench_ring_close(struct bench_ring *ring)
{
	io_uring_queue_exit(&ring->ring);
}

/**
 * bench_ring_run() - do operations that do nothing, in bulk; a bench_side
 * @arg: struct bench_ring
 * @n: operations
 *
 * Return: 0 or -errno.
 */
int bench_ring_run(void *arg, uint64_t n)
{
	struct bench_ring *nop = arg;

	for (uint64_t done = 0; done < n;) {
		unsigned int k = n - done < nop->depth ? (unsigned int)(n - done) : nop->depth;
		struct io_uring_cqe *cqe;
		unsigned int head, seen = 0;
		int submitted;

		for (unsigned int i = 0; i < k; i++)
			io_uring_prep_nop(io_uring_get_sqe(&nop->ring));
		submitted = io_uring_submit_and_wait(&nop->ring, k);
		if (submitted < 0)
			return submitted;
		io_uring_for_each_cqe(&nop->ring, head, cqe) seen++;
		io_uring_cq_advance(&nop->ring, seen);
		done += seen;
	}
	return 0;
}

static void measure_depth(struct bench *b, struct mho_dev *dev, const char *io, unsigned int depth)
{
	struct mho_queue_opts opts = MHO_INIT(struct mho_queue_opts);
	struct mho_job model = { .op = MHO_OP_NOP };
	struct bench_ring nop = { .depth = depth };
	struct bench_side reference = { bench_ring_run, &nop };
	struct bench_jobs jobs = { 0 };
	struct bench_side ours = { bench_jobs_run, &jobs };
	struct bench_row *row;
	int no_ring, err;
	char id[48];

	snprintf(id, sizeof(id), "nop-%s-%u", io, depth);
	row = bench_row(b, id, "jobs/s", "io_uring NOP", "NOP depth %u, io %s", depth, io);
	row->rate = true;
	opts.depth = depth;
	err = mho_queue_create(dev, &opts, &jobs.queue);
	if (err) {
		bench_stop(row, BENCH_ERROR, "%s", mho_last_error());
		return;
	}
	bench_jobs_fill(&jobs, &model, depth);
	jobs.reap_min = depth;
	no_ring = bench_ring_open(&nop);
	if (no_ring)
		row->against = NULL;
	err = bench_pair(b, row, &ours, no_ring ? NULL : &reference);
	if (err)
		bench_stop(row, BENCH_ERROR, "%s", *jobs.error ? jobs.error : strerror(-err));
	else if (no_ring)
		snprintf(row->note, sizeof(row->note),
			 "io_uring cannot be had here (%s): nothing to compare with",
			 strerror(-no_ring));
	if (!no_ring)
		bench_ring_close(&nop);
	mho_queue_destroy(jobs.queue);
}

static void measure_io(struct bench *b, uint32_t io)
{
	static const unsigned int depths[] = { 1, 32, 256 };
	struct mho_dev *dev;
	char id[48];
	int err;

	err = bench_open(b, NULL, io, &dev);
	if (err) {
		snprintf(id, sizeof(id), "nop-%s", text_io(io));
		bench_stop(bench_row(b, id, "jobs/s", NULL, "NOP, io %s", text_io(io)),
			   io == MHO_IO_URING &&
					   (err == -EPERM || err == -ENOSYS || err == -EOPNOTSUPP) ?
				   BENCH_SKIPPED :
				   BENCH_ERROR,
			   "%s", mho_last_error());
		return;
	}
	for (unsigned int i = 0; i < sizeof(depths) / sizeof(*depths); i++)
		measure_depth(b, dev, text_io(io), depths[i]);
	mho_close(dev);
}

/**
 * bench_nop() - measure empty jobs, with io_uring and with threads
 * @b: run
 */
void bench_nop(struct bench *b)
{
	measure_io(b, MHO_IO_URING);
	measure_io(b, MHO_IO_THREAD);
}
