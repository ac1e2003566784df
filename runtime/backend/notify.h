/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * How a queue's owner is told that there is something to reap: by a message in an
 * io_uring (the queue's own, or the application's), or by an eventfd where io_uring
 * is refused. What there is to reap is not known here.
 *
 * Messages go out through one ring of the device, the notifier's, from whatever
 * thread raises the interrupt. They carry no information but "look"; the receiver
 * takes them all at once.
 */
#ifndef MHO_BACKEND_NOTIFY_H
#define MHO_BACKEND_NOTIFY_H

#include <liburing.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

/**
 * struct mrt_notifier - the sending side, one a device
 * @uring: io_uring is in use
 * @ring: sends the messages
 * @log: for messages that are refused
 */
struct mrt_notifier {
	bool uring;
	struct io_uring ring;
	const struct mrt_logger *log;
};

/**
 * struct mrt_event - the receiving side, one a queue
 * @notifier: the sending side
 * @own: @ring is made
 * @ring: the queue's own ring
 * @app: the application's ring, or NULL
 * @user_data: of messages to it
 * @efd: eventfd, or -1: without io_uring, and for waiting beside an application's ring
 * @sent: writes to @efd, counted before they are made
 * @taken: of these read
 * @waiting: the owner waits on @efd although there is an application's ring
 */
struct mrt_event {
	struct mrt_notifier *notifier;
	bool own;
	struct io_uring ring;
	struct io_uring *app;
	uint64_t user_data;
	int efd;
	_Atomic uint64_t sent;
	uint64_t taken;
	atomic_bool waiting;
};

/* mrt_uring_refusal() - why the kernel refuses io_uring with this error, and who it may be */
const char *mrt_uring_refusal(int err);

/**
 * mrt_notifier_init() - find out which way there is
 * @n: notifier
 * @io: enum mho_io; AUTO takes io_uring if the kernel allows it, and logs why not
 * @log: borrowed
 *
 * Return: 0; -EPERM, -ENOSYS, -EACCES or what io_uring gave if it is demanded and refused.
 */
int mrt_notifier_init(struct mrt_notifier *n, uint32_t io, const struct mrt_logger *log);
void mrt_notifier_exit(struct mrt_notifier *n);

/**
 * mrt_event_init() - make a receiver
 * @e: event
 * @n: notifier
 * @app: the application's ring, or NULL
 * @user_data: of messages to it
 *
 * Return: 0, -EOPNOTSUPP (@app without io_uring), -EMFILE, -ENOMEM, ...
 */
int mrt_event_init(struct mrt_event *e, struct mrt_notifier *n, struct io_uring *app,
		   uint64_t user_data);
void mrt_event_exit(struct mrt_event *e);

/*
 * mrt_event_send() - tell the owner, with a number for an application's ring. From any thread, but
 * one at a time for each notifier.
 */
void mrt_event_send(struct mrt_event *e, uint32_t number);

/* mrt_event_drain() - take what was sent, so that the fd is not readable. Owner only. */
void mrt_event_drain(struct mrt_event *e);

/* mrt_event_prepare() - the owner is about to wait: before arming; mrt_event_wait() is after it. */
void mrt_event_prepare(struct mrt_event *e);

/**
 * mrt_event_wait() - wait until something is sent
 * @e: event
 * @timeout_ns: longest wait, negative for ever
 *
 * Return: 0, also if a signal interrupted it; -ETIME; or what waiting gave.
 */
int mrt_event_wait(struct mrt_event *e, int64_t timeout_ns);

/* mrt_event_cancel() - the owner does not wait after all. */
void mrt_event_cancel(struct mrt_event *e);

/* mrt_event_fd() - what to poll, -EOPNOTSUPP for an application's ring. */
int mrt_event_fd(const struct mrt_event *e);

#endif
