/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Jobs that come again. Programs submit the same few jobs for ever, and only the
 * places in their buffers differ. Such a job is prepared in the driver when it comes
 * for the second time; then a command of 16 bytes runs it, which the driver need not
 * check or look up anything for. The program knows nothing of it.
 *
 * A prepared job's operands begin at the buffers' start, and its step is as small as
 * an element: so the slot number is the offset in elements, and one prepared job
 * serves every place of its buffers.
 *
 * A queue has a cache of them, which its thread uses; buffers and matrices may be
 * given back by any thread. How the driver is asked is for accel_uring.c.
 */
#ifndef MHO_BACKEND_ACCEL_PREPARED_H
#define MHO_BACKEND_ACCEL_PREPARED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "drm/mho_accel.h"

#define ACCELB_CACHE_SETS 16
#define ACCELB_CACHE_WAYS 4
#define ACCELB_CACHE_SIZE (ACCELB_CACHE_SETS * ACCELB_CACHE_WAYS)
/* A job is prepared when it comes for so many-th time. */
#define ACCELB_CACHE_USES 2
/* A job that the driver did not prepare is tried again after so many more uses. */
#define ACCELB_CACHE_RETRY 1000

/**
 * struct accelb_cache_ops - what the cache asks of the driver
 * @prepare: prepares a job with so many slots: 0 and a handle, or -errno
 * @unprepare: lets go of one
 * @size: bytes of a buffer, 0 if that is not known
 */
struct accelb_cache_ops {
	int (*prepare)(void *arg, const struct drm_mho_prepared_job *job, uint32_t a_slots,
		       uint32_t b_slots, uint32_t *handle);
	void (*unprepare)(void *arg, uint32_t handle);
	uint64_t (*size)(void *arg, uint32_t buffer);
};

/**
 * struct accelb_kind - a kind of job: all but the offsets
 * @key: the job, with offsets 0
 * @used: there is one
 * @handle: of the prepared job, 0 if it is not prepared
 * @serial: which prepared job this is, 0 for none
 * @credit: what it has earned by being used, and loses when others want its place
 * @retry: uses until the driver is asked again
 * @flying: runs in flight; this and the next one only the queue's thread touches, without the lock
 * @flying_serial: of which prepared job
 * @shift: of the steps of a and b, as powers of two
 * @slots: of a and b
 */
struct accelb_kind {
	struct drm_mho_job key;
	bool used;
	uint32_t handle;
	uint32_t serial;
	uint32_t credit;
	uint32_t retry;
	uint32_t flying;
	uint32_t flying_serial;
	uint8_t shift[2];
	uint32_t slots[2];
};

/**
 * struct accelb_run - a run of a prepared job in flight
 * @serial: which prepared job, 0 for none
 * @place: where it was in the cache
 */
struct accelb_run {
	uint32_t serial;
	uint32_t place;
};

/**
 * struct accelb_cache - the cache of a queue
 * @link: in accelb_dev.caches
 * @lock: of all that follows, but for what is the queue's thread's own
 * @ops: how the driver is asked
 * @arg: for them
 * @runs: most runs in flight of each prepared job
 * @last: serial that was given last
 * @kinds: sets one behind the other
 */
struct accelb_cache {
	struct mrt_link link;
	pthread_mutex_t lock;
	const struct accelb_cache_ops *ops;
	void *arg;
	uint32_t runs;
	uint32_t last;
	struct accelb_kind kinds[ACCELB_CACHE_SIZE];
};

void accelb_cache_init(struct accelb_cache *c, const struct accelb_cache_ops *ops, void *arg,
		       uint32_t runs);
/* What is prepared goes with its context. */
void accelb_cache_exit(struct accelb_cache *c);

/**
 * accelb_cache_use() - a job is about to be submitted
 * @c: cache
 * @job: it
 * @cmd: filled but for the result's slot, if it goes as a run
 * @run: filled; accelb_cache_done() it when the run has completed
 *
 * Return: true if it goes as a run, false if it goes as a job.
 */
bool accelb_cache_use(struct accelb_cache *c, const struct drm_mho_job *job,
		      struct drm_mho_uring_run *cmd, struct accelb_run *run);
void accelb_cache_done(struct accelb_cache *c, struct accelb_run *run);

/* What names this buffer, or this array, is forgotten, before it is given back. */
void accelb_cache_forget_buffer(struct accelb_cache *c, uint32_t buffer);
void accelb_cache_forget_array(struct accelb_cache *c, uint32_t array);

#endif
