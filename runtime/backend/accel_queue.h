/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The inside of a card's queue: one of the driver's contexts. Jobs are collected and
 * handed over in groups, one SUBMIT each (accel_queue.c). The driver writes each
 * job's result into a ring in a buffer, where it is found without a call; a group's
 * syncobj signals when its last job is done, and that is what can be waited for
 * (accel_reap.c).
 *
 * Groups have binary syncobjs of their own, not points of one timeline: jobs on
 * different arrays overtake each other, and a point of a timeline does not signal
 * before all earlier ones.
 */
#ifndef MHO_BACKEND_ACCEL_QUEUE_H
#define MHO_BACKEND_ACCEL_QUEUE_H

#include <stdatomic.h>

#include "backend/accel_dev.h"
#include "backend/accel_event.h"

/* Jobs in a group: enough to make a call cheap, not more, for a group is waited for as a whole. */
#define ACCELB_GROUP_MAX 64

/**
 * struct accelb_group - jobs that one SUBMIT handed over
 * @first: running number of the first one
 * @count: jobs
 * @left: of these not reaped
 * @syncobj: signals when all are done; 0 if the driver did not take them
 * @asked: the event will be told
 */
struct accelb_group {
	uint32_t first;
	uint32_t count;
	uint32_t left;
	uint32_t syncobj;
	bool asked;
};

/**
 * struct accelb_queue - a queue
 * @base: for the library
 * @dev: its device
 * @ctx: context of the driver's
 * @depth: most jobs in flight
 * @mask: entries of the ring of results - 1
 * @memory: where it is
 * @results: the ring
 * @cookies: of jobs that were not reaped, by entry of the ring
 * @head: running number of the oldest job whose entry is in use
 * @tail: running number of the next job
 * @inflight: jobs that were not reaped
 * @staged: jobs that were not handed over yet, the latest ones
 * @nstaged: their number
 * @groups: ring of groups, as large as that of results
 * @first_group: running number of the oldest group
 * @next_group: running number of the next one
 * @syncobjs: those that no group has
 * @nsyncobjs: their number
 * @handles: room for what is waited for
 * @armed: the owner shall be told of the next completion
 * @event: how
 */
struct accelb_queue {
	struct mrt_bqueue base;
	struct accelb_dev *dev;
	uint32_t ctx;
	uint32_t depth;
	uint32_t mask;
	struct mrt_mem memory;
	struct drm_mho_result *results;
	void **cookies;
	_Atomic uint32_t head;
	_Atomic uint32_t tail;
	uint32_t inflight;
	struct drm_mho_job staged[ACCELB_GROUP_MAX];
	uint32_t nstaged;
	struct accelb_group *groups;
	uint32_t first_group;
	uint32_t next_group;
	uint32_t *syncobjs;
	uint32_t nsyncobjs;
	uint32_t *handles;
	bool armed;
	struct accelb_event event;
};

static inline struct accelb_queue *accelb_queue_of(struct mrt_bqueue *base)
{
	return (struct accelb_queue *)base;
}

static inline struct accelb_group *accelb_group_at(struct accelb_queue *q, uint32_t number)
{
	return &q->groups[number & q->mask];
}

/* Pairs with the driver's releasing store: who sees this sees the rest of the result. */
static inline bool accelb_is_done(const struct accelb_queue *q, uint32_t job)
{
	return __atomic_load_n(&q->results[job & q->mask].done, __ATOMIC_ACQUIRE) ==
	       DRM_MHO_RESULT_DONE;
}

/* accelb_end_job() - a result of this side's own, for a job that the driver does not have */
void accelb_end_job(struct accelb_queue *q, uint32_t job, int err);

/* accelb_ask() - have the event told when a group is done. 0 or -errno, silently. */
int accelb_ask(struct accelb_queue *q, struct accelb_group *g);

#endif
