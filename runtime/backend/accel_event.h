/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * How the owner of a card's queue is told that there is something to reap. The
 * kernel writes an eventfd when the fence of a syncobj signals. That is what the
 * owner polls; or, where the application gave its own ring, what a thread reads,
 * which then puts a message into that ring, as an emulated card does.
 */
#ifndef MHO_BACKEND_ACCEL_EVENT_H
#define MHO_BACKEND_ACCEL_EVENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/accel_dev.h"
#include "backend/notify.h"

/**
 * struct accelb_event - the receiving side of a queue
 * @fd: eventfd that the kernel writes
 * @asked: writes that the kernel was asked for, or that this side made
 * @due: of these such as must have been made by now
 * @taken: of these read
 * @app: an application's ring is told, by @thread
 * @stop: eventfd that ends @thread
 * @thread: reads @fd
 * @notifier: sends messages, from @thread only
 * @ring: the application's ring
 * @number: what the messages say
 * @arg: for @number
 */
struct accelb_event {
	int fd;
	uint64_t asked;
	uint64_t due;
	uint64_t taken;
	bool app;
	int stop;
	pthread_t thread;
	struct mrt_notifier notifier;
	struct mrt_event ring;
	uint32_t (*number)(void *arg);
	void *arg;
};

/**
 * accelb_event_init() - make it
 * @e: event
 * @dev: its device
 * @req: the application's ring, if there is one
 * @number: completions so far, for messages; called from another thread
 * @arg: for it
 *
 * Return: 0, -EOPNOTSUPP (the application's ring without io_uring), -EMFILE, ...
 */
int accelb_event_init(struct accelb_event *e, const struct accelb_dev *dev,
		      const struct mrt_queue_request *req, uint32_t (*number)(void *arg),
		      void *arg);
void accelb_event_exit(struct accelb_event *e);

/* accelb_event_ask() - have the kernel tell when @syncobj has signalled. 0 or -errno, silently. */
int accelb_event_ask(struct accelb_event *e, const struct accelb_dev *dev, uint32_t syncobj);

/* accelb_event_due() - what was asked for last or earlier has happened, and may be just under way */
void accelb_event_due(struct accelb_event *e);

/* accelb_event_tell() - tell from this side */
void accelb_event_tell(struct accelb_event *e);

/* accelb_event_drain() - take what was told so far, so that the fd is not readable */
void accelb_event_drain(struct accelb_event *e);

/* accelb_event_clear() - the same where the kernel tells without being asked each time */
void accelb_event_clear(struct accelb_event *e);

/* accelb_event_quiet() - the owner waits in another way: no messages to the application's ring */
void accelb_event_quiet(struct accelb_event *e, bool quiet);

/* accelb_event_fd() - what to poll, -EOPNOTSUPP for an application's ring */
int accelb_event_fd(const struct accelb_event *e);

#endif
