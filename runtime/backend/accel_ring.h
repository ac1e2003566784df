/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The io_uring of a card's queue: whether there can be one, how it is made, and to
 * which thread it belongs. What goes through it is not known here.
 *
 * A ring that is bound to one thread is the fast one: the kernel then takes no lock
 * for it, and completions are put into it when that thread asks, not by interrupting
 * it (SINGLE_ISSUER, DEFER_TASKRUN). It is made disabled and bound to the thread that
 * uses the queue first, which need not be the one that made the queue.
 */
#ifndef MHO_BACKEND_ACCEL_RING_H
#define MHO_BACKEND_ACCEL_RING_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/accel_dev.h"

/**
 * struct accelb_ring - an io_uring whose file 0 is the card's
 * @uring: it
 * @owner: the thread that it is bound to (accelb_thread()), 0 for none yet
 * @bound: it is bound to one thread, or will be
 * @deferred: completions are put into it only when @owner asks
 */
struct accelb_ring {
	struct io_uring uring;
	uint64_t owner;
	bool bound;
	bool deferred;
};

/* Makes a ring: io_uring_queue_init_params(), but for tests of what kernels refuse. */
typedef int (*accelb_ring_init_fn)(unsigned int entries, struct io_uring *ring,
				   struct io_uring_params *params);

/**
 * accelb_ring_setup() - make a ring with what the kernel has of the flags that help
 * @r: ring
 * @entries: of the submission queue; a power of two
 * @completions: of the completion queue
 * @bound: it may be bound to one thread
 * @init: io_uring_queue_init_params()
 *
 * Flags that a kernel does not know (-EINVAL) are left out one after the other, the newest first.
 *
 * Return: 0 or what io_uring gave, silently.
 */
int accelb_ring_setup(struct accelb_ring *r, uint32_t entries, uint32_t completions, bool bound,
		      accelb_ring_init_fn init);

/**
 * accelb_ring_open() - make the ring of a queue
 * @r: ring
 * @fd: the card's
 * @eventfd: is written when completions come
 * @entries: of the submission queue; a power of two
 * @completions: of the completion queue
 * @bound: it may be bound to one thread
 *
 * Return: 0 or what io_uring gave, silently.
 */
int accelb_ring_open(struct accelb_ring *r, int fd, int eventfd, uint32_t entries,
		     uint32_t completions, bool bound);

/* accelb_ring_bind() - make a bound ring this thread's. 0 or what io_uring gave, silently. */
int accelb_ring_bind(struct accelb_ring *r);

/* accelb_ring_unbind() - no call for it goes to the kernel by a number that is its thread's own */
void accelb_ring_unbind(struct accelb_ring *r);

/* accelb_ring_close() - from any thread; commands in flight are cancelled */
void accelb_ring_close(struct accelb_ring *r);

/**
 * accelb_ring_command() - put a command for the card into the submission queue
 * @r: ring
 * @op: DRM_URING_MHO_*
 * @user_data: of its completion
 * @payload: of the command
 * @size: bytes of it
 *
 * Return: false if the submission queue is full.
 */
bool accelb_ring_command(struct accelb_ring *r, uint32_t op, uint64_t user_data,
			 const void *payload, size_t size);

/**
 * accelb_ring_try() - whether jobs can reach a card through io_uring
 * @fd: the card's
 * @minor: minor version of its driver's interface
 *
 * Return: 0; -EPROTO (the driver is too old); what io_uring gave; -EOPNOTSUPP or -EACCES (it, or a
 * security module, refuses commands for the card). Silently.
 */
int accelb_ring_try(int fd, int minor);

/* accelb_ring_refusal() - why accelb_ring_try() failed, and what to do */
const char *accelb_ring_refusal(int err);

/* accelb_thread() - a number of this thread's, which no other thread ever had or will have */
uint64_t accelb_thread(void);

#endif
