/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The inside of a card's queue: one of the driver's contexts. Whichever way jobs go
 * in, the driver writes the result of each into a ring in a buffer, where it is found
 * without a call. There are two ways, of which a device takes one:
 *
 * io_uring (accel_uring.c): a command for each job, and an entry in a completion
 * queue for each result.
 *
 * ioctls (accel_submit.c, accel_reap.c): jobs are collected and handed over in groups,
 * one SUBMIT each. A group's syncobj signals when its last job is done, and that is
 * what can be waited for. Groups have binary syncobjs of their own, not points of one
 * timeline: jobs on different arrays overtake each other, and a point of a timeline
 * does not signal before all earlier ones.
 */
#ifndef MHO_BACKEND_ACCEL_QUEUE_H
#define MHO_BACKEND_ACCEL_QUEUE_H

#include <stdatomic.h>
#include <time.h>

#include "backend/accel_dev.h"
#include "backend/accel_event.h"

struct accelb_queue;
struct accelb_seq_run;
struct accelb_uring;

/**
 * struct accelb_way - a way in. Jobs have running numbers; their entries are filled already.
 * @init: makes what it needs, before the first job
 * @exit: ends it; the context is gone already. Also after an @init that failed.
 * @push: adds a job, which may go on its way before @kick
 * @push_seq: adds a run of a sequence
 * @kick: sends all on their way
 * @reap, @wait, @arm: as struct mrt_backend has them
 */
struct accelb_way {
	int (*init)(struct accelb_queue *q);
	void (*exit)(struct accelb_queue *q);
	void (*push)(struct accelb_queue *q, const struct drm_mho_job *job, uint32_t number);
	void (*push_seq)(struct accelb_queue *q, struct accelb_seq_run *run, uint32_t number);
	void (*kick)(struct accelb_queue *q);
	int (*reap)(struct accelb_queue *q, struct mrt_done *done, uint32_t max);
	int (*wait)(struct accelb_queue *q, uint32_t n, uint64_t deadline);
	int (*arm)(struct accelb_queue *q);
};

extern const struct accelb_way accelb_way_ioctl;
extern const struct accelb_way accelb_way_uring;

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
 * struct accelb_submit - what the way by ioctls needs
 * @staged: jobs that were not handed over yet, the latest ones
 * @nstaged: their number
 * @groups: ring of groups, as large as that of results
 * @first_group: running number of the oldest group
 * @next_group: running number of the next one
 * @syncobjs: those that no group has
 * @nsyncobjs: their number
 * @handles: room for what is waited for
 */
struct accelb_submit {
	struct drm_mho_job staged[ACCELB_GROUP_MAX];
	uint32_t nstaged;
	struct accelb_group *groups;
	uint32_t first_group;
	uint32_t next_group;
	uint32_t *syncobjs;
	uint32_t nsyncobjs;
	uint32_t *handles;
};

/**
 * struct accelb_entry - a job that was not reaped, or a run of a sequence
 * @cookie: the library's; NULL: there is none
 * @run: NULL, or the run, which has results of its own
 */
struct accelb_entry {
	void *cookie;
	struct accelb_seq_run *run;
};

/**
 * struct accelb_queue - a queue
 * @base: for the library
 * @dev: its device
 * @way: how jobs go in
 * @ctx: context of the driver's
 * @depth: most jobs in flight
 * @mask: entries of the ring of results - 1
 * @memory: where it is
 * @results: the ring
 * @entries: who is in it
 * @head: running number of the oldest job whose entry is in use
 * @tail: running number of the next job
 * @inflight: jobs that were not reaped, those of sequences counted one by one
 * @pending: entries of those: completions that are still to come
 * @seqs: sequences, under accelb_dev.lock
 * @armed: the owner shall be told of the next completion
 * @event: how
 * @submit: of the way by ioctls
 * @uring: of the way by io_uring
 */
struct accelb_queue {
	struct mrt_bqueue base;
	struct accelb_dev *dev;
	const struct accelb_way *way;
	uint32_t ctx;
	uint32_t depth;
	uint32_t mask;
	struct mrt_mem memory;
	struct drm_mho_result *results;
	struct accelb_entry *entries;
	_Atomic uint32_t head;
	_Atomic uint32_t tail;
	uint32_t inflight;
	uint32_t pending;
	struct mrt_link seqs;
	bool armed;
	struct accelb_event event;
	struct accelb_submit submit;
	struct accelb_uring *uring;
};

static inline struct accelb_queue *accelb_queue_of(struct mrt_bqueue *base)
{
	return (struct accelb_queue *)base;
}

static inline struct accelb_group *accelb_group_at(struct accelb_queue *q, uint32_t number)
{
	return &q->submit.groups[number & q->mask];
}

/* Pairs with the driver's releasing store: who sees this sees the rest of the result. */
static inline bool accelb_result_is_done(const struct drm_mho_result *result)
{
	return __atomic_load_n(&result->done, __ATOMIC_ACQUIRE) == DRM_MHO_RESULT_DONE;
}

static inline void accelb_result_clear(struct drm_mho_result *result)
{
	__atomic_store_n(&result->done, DRM_MHO_RESULT_PENDING, __ATOMIC_RELAXED);
}

/* accelb_result_end() - a result of this side's own, for a job that the driver does not have */
void accelb_result_end(struct drm_mho_result *result, int err);

/* accelb_queue_has_room() - for so many jobs, or for a sequence of so many */
bool accelb_queue_has_room(struct accelb_queue *q, uint32_t jobs);

/* accelb_queue_enter() - give an entry to a job, or to a run of a sequence: its running number */
uint32_t accelb_queue_enter(struct accelb_queue *q, void *cookie, struct accelb_seq_run *run);

/* accelb_is_ready() - whether a job can be reaped: the oldest one's number to the next one's */
bool accelb_is_ready(const struct accelb_queue *q, uint32_t number);

/* accelb_take() - reap a job that is ready; its entry is in use until @head is past it */
void accelb_take(struct accelb_queue *q, uint32_t number, struct mrt_done *done);

/* accelb_end_job() - end a job on this side, unless the driver has */
void accelb_end_job(struct accelb_queue *q, uint32_t number, int err);

/* accelb_ask() - have the event told when a group is done. 0 or -errno, silently. */
int accelb_ask(struct accelb_queue *q, struct accelb_group *g);

/* accelb_submit_jobs() - the SUBMIT ioctl of jobs with results and a syncobj */
int accelb_submit_jobs(struct accelb_queue *q, const struct drm_mho_job *jobs, uint32_t count,
		       uint64_t result_handle, uint64_t result_offset, uint32_t syncobj);

/* accel_reap.c */
int accelb_ioctl_reap(struct accelb_queue *q, struct mrt_done *done, uint32_t max);
int accelb_ioctl_wait(struct accelb_queue *q, uint32_t n, uint64_t deadline);
int accelb_ioctl_arm(struct accelb_queue *q);

#endif
