/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Jobs of one kind kept in flight, by one of the ways into the driver. All ways are used
 * alike: half of the depth is handed over, and waited for, at a time, while the other
 * half keeps the device busy. What a way can do to save calls, it does.
 */
#ifndef VM_STREAM_H
#define VM_STREAM_H

#include <liburing.h>

#include "vm_bench.h"

#define DEPTH_MAX 128

struct stream;

/**
 * struct way - a way into the driver
 * @name: for tables
 * @id: for JSON
 * @whole: the whole depth is one round; else half of it
 * @open: prepares the stream; false if this kernel or driver does not have the way
 * @put: hands over a round of jobs
 * @take: waits for the oldest round
 * @close: gives back what @open has made
 */
struct way {
	const char *name;
	const char *id;
	bool whole;
	bool (*open)(struct stream *s);
	void (*put)(struct stream *s);
	void (*take)(struct stream *s);
	void (*close)(struct stream *s);
};

/**
 * struct stream - a stream of jobs
 * @way: way
 * @card: card
 * @job: what is run
 * @depth: most in flight
 * @round: jobs in a round
 * @put: rounds so far
 * @taken: of these done
 * @jobs: @round times @job
 * @syncs: one for each round in flight
 * @ring: of the ways by io_uring
 * @prepared: prepared sequence
 * @submits: of batches by io_uring
 */
struct stream {
	const struct way *way;
	const struct card *card;
	struct drm_mho_job job;
	unsigned int depth;
	unsigned int round;
	uint64_t put;
	uint64_t taken;
	struct drm_mho_job jobs[DEPTH_MAX];
	uint32_t syncs[2];
	struct io_uring ring;
	uint32_t prepared;
	struct drm_mho_submit submits[2];
};

/* vm_stream.c */
bool stream_open(struct stream *s, const struct way *way, const struct card *card,
		 const struct drm_mho_job *job, unsigned int depth);
/* At least @jobs jobs, until all are done. Return: how many. */
unsigned int stream_run(struct stream *s, unsigned int jobs);
/* For who decides himself when to end: a round more in flight; waits for all of them. */
void stream_step(struct stream *s);
void stream_drain(struct stream *s);
void stream_close(struct stream *s);

/* vm_ioctl.c, vm_uring.c: what there is. IORING_OP_NOP needs no card. */
extern const struct way way_ioctl, way_batch, way_batches;
extern const struct way way_uring_job, way_uring_run, way_uring_submit, way_uring_nop;

#endif
