/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The scheduler's inside: what its three parts share. sched_dep.c knows which job
 * waits for which, sched_run.c hands jobs over and takes completions, sched.c is the
 * public side and has the waiting.
 *
 * One lock covers all of it, the queues, too; nobody sleeps or calls the program with
 * it. One thread at a time drives: takes completions, and sleeps until there are some.
 * Handing jobs over needs the lock only, except with a thread of the scheduler's own,
 * which then does that alone.
 */
#ifndef MHO_CORE_SCHED_H
#define MHO_CORE_SCHED_H

#include <pthread.h>

#include "core/dev.h"
#include "core/job.h"

/* Priorities. */
#define MRT_SCHED_CLASSES 4
/* Queues of each. */
#define MRT_SCHED_QUEUES_MAX 16

struct mrt_unit;

/**
 * struct mrt_lane - a queue of a scheduler's
 * @queue: made when the first job comes, NULL until then
 * @priority: of the queue
 * @load: jobs that were given to it and are not done
 * @dirty: there is something to kick
 */
struct mrt_lane {
	struct mrt_queue *queue;
	uint32_t priority;
	uint32_t load;
	bool dirty;
};

/**
 * struct mrt_touch - something that a job in the scheduler touches
 * @link: in a bucket, in order of submission
 * @x: what
 * @unit: of the job
 * @waiting: of a matrix: counted in mrt_unit.waits, for the job on it before
 * @poisoned: of a matrix: what it holds came of a failure, @culprit of the unit
 */
struct mrt_touch {
	struct mrt_link link;
	struct mrt_access x;
	struct mrt_unit *unit;
	bool waiting;
	bool poisoned;
};

/**
 * struct mrt_unit - a job in the scheduler
 * @link: in mrt_sched.idle, .fresh or .ready, or in none
 * @live: in mrt_sched.live
 * @fence: in mrt_sched.fences
 * @barrier: in mrt_sched.barriers
 * @job: the program's
 * @lane: its queue
 * @seq: jobs that were submitted before
 * @waits: what it waits for; it may be handed over at 0
 * @issued: it was handed over
 * @cancelled: what it needs came of a failure
 * @culprit: the number of the job that failed
 * @ntouches: number of @touches
 * @touches: what it touches
 */
struct mrt_unit {
	struct mrt_link link;
	struct mrt_link live;
	struct mrt_link fence;
	struct mrt_link barrier;
	struct mho_job *job;
	struct mrt_lane *lane;
	uint64_t seq;
	uint32_t waits;
	bool issued;
	bool cancelled;
	uint32_t culprit;
	int ntouches;
	struct mrt_touch touches[MRT_JOB_ACCESSES];
};

/**
 * struct mrt_sched - a scheduler
 * @dev: its device
 * @handle: what the program holds
 * @link: in mrt_dev.scheds
 * @opts: settings, defaults put in
 * @lock: of everything
 * @changed: jobs were done, or nobody drives any more
 * @wake: eventfd that ends the sleep of who drives
 * @sleeping: it sleeps
 * @driving: somebody drives; with a thread of its own, always
 * @calling: and calls the program, on @caller
 * @caller: that thread
 * @stop: the own thread shall end
 * @thread: the own thread
 * @thread_runs: there is one
 * @lanes: opts.queues for each priority
 * @turn: lane to begin with where several are as good
 * @units: opts.backlog of them
 * @idle: units without a job
 * @live: units, in order of submission
 * @nlive: how many
 * @nissued: of these handed over
 * @delivering: jobs that are done and of which the program is being told
 * @fences: units that wait for all before them
 * @barriers: units that all behind wait for
 * @nbarriers: how many
 * @fresh: units that wait for nothing but a kick
 * @nfresh: jobs submitted since the last kick
 * @kicked: units with a lower mrt_unit.seq may go
 * @due: when there is a kick by time; MRT_FOREVER for never
 * @ready: units to hand over, for each priority
 * @finished: jobs that are done
 * @nfinished: how many
 * @nbuckets: a power of two
 * @buckets: what units touch, by a hash of the object
 * @stat: counters
 */
struct mrt_sched {
	struct mrt_dev *dev;
	struct mho_sched *handle;
	struct mrt_link link;
	struct mho_sched_opts opts;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int wake;
	bool sleeping;
	bool driving;
	bool calling;
	pthread_t caller;
	bool stop;
	pthread_t thread;
	bool thread_runs;
	struct mrt_lane *lanes;
	uint32_t turn;
	struct mrt_unit *units;
	struct mrt_link idle;
	struct mrt_link live;
	uint32_t nlive;
	uint32_t nissued;
	uint32_t delivering;
	struct mrt_link fences;
	struct mrt_link barriers;
	uint32_t nbarriers;
	struct mrt_link fresh;
	uint32_t nfresh;
	uint64_t kicked;
	uint64_t due;
	struct mrt_link ready[MRT_SCHED_CLASSES];
	struct mrt_jobs finished;
	uint32_t nfinished;
	uint32_t nbuckets;
	struct mrt_link *buckets;
	struct mho_sched_stat stat;
};

/* sched.c */
/* mrt_sched_free() - end it with what is in flight; for mho_close(), too. */
void mrt_sched_free(struct mrt_sched *s);

/* sched_dep.c, all with the lock */

/* mrt_unit_enter() - an idle unit for a job that has begun; it waits for what must be done before. */
void mrt_unit_enter(struct mrt_sched *s, struct mho_job *job, uint32_t priority);

/* mrt_unit_issued() - it was handed over: what only has to come after it may follow. */
void mrt_unit_issued(struct mrt_sched *s, struct mrt_unit *u);

/* mrt_unit_end() - its job has a status: it is finished, and what waited for it need not any more. */
void mrt_unit_end(struct mrt_sched *s, struct mrt_unit *u);

/* mrt_unit_end_all() - every unit ends with @status; what was handed over has been dropped. */
void mrt_unit_end_all(struct mrt_sched *s, int status);

/* sched_run.c, all with the lock */

/* mrt_sched_open_class() - make the queues of a priority, if they are not there. 0 or -errno. */
int mrt_sched_open_class(struct mrt_sched *s, uint32_t priority);
void mrt_sched_close_queues(struct mrt_sched *s);

/* mrt_sched_submitted() - kick if it is time to. */
void mrt_sched_submitted(struct mrt_sched *s);

/* mrt_sched_flush() - kick. */
void mrt_sched_flush(struct mrt_sched *s);

/* mrt_sched_wake() - end the sleep of who drives, and let the others look. */
void mrt_sched_wake(struct mrt_sched *s);

/* mrt_sched_step() - while driving: take completions, hand over, call. Whether there were any. */
bool mrt_sched_step(struct mrt_sched *s);

/* mrt_sched_sleep() - while driving: without the lock until there is something, or @deadline. */
void mrt_sched_sleep(struct mrt_sched *s, uint64_t deadline);

/* mrt_sched_thread() - what the own thread does. */
void *mrt_sched_thread(void *sched);

#endif
