// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Telling a queue's owner, by io_uring or eventfd.
 *
 * IORING_OP_MSG_RING puts an entry into another ring's completion queue. It does
 * not tell who sent it, so a ring that only receives needs no thread and no
 * submission of its own. All rings are made without flags that bind them to one
 * thread: a queue may be handed from thread to thread.
 */
#include "backend/notify.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define NOTIFIER_ENTRIES 8
/* Completion queue of a receiving ring; at most two messages lie in it. */
#define RECEIVER_ENTRIES 4

const char *mrt_uring_refusal(int err)
{
	switch (err) {
	case -EPERM:
		return "the sysctl kernel.io_uring_disabled or a seccomp filter, as containers "
		       "have it, forbids it";
	case -ENOSYS:
		return "this kernel, or a seccomp filter, does not know it";
	case -EACCES:
		return "a security module forbids it";
	case -ENOMEM:
		return "the limit of locked memory (ulimit -l) is too low";
	case -EMFILE:
	case -ENFILE:
		return "there are too many open files (ulimit -n)";
	case -EOPNOTSUPP:
		return "it has no IORING_OP_MSG_RING, which came with Linux 5.18";
	default:
		return "it could not be set up";
	}
}

static int open_ring(struct mrt_notifier *n)
{
	struct io_uring_probe *probe;
	int err;

	err = io_uring_queue_init(NOTIFIER_ENTRIES, &n->ring, 0);
	if (err)
		return err;
	probe = io_uring_get_probe_ring(&n->ring);
	err = probe && io_uring_opcode_supported(probe, IORING_OP_MSG_RING) ? 0 : -EOPNOTSUPP;
	io_uring_free_probe(probe);
	if (err) {
		io_uring_queue_exit(&n->ring);
		return err;
	}
	/* A child that inherits the ring's memory would submit in its parent's name. */
	io_uring_ring_dontfork(&n->ring);
	return 0;
}

int mrt_notifier_init(struct mrt_notifier *n, uint32_t io, const struct mrt_logger *log)
{
	int err;

	memset(n, 0, sizeof(*n));
	n->log = log;
	if (io == MHO_IO_THREAD)
		return 0;
	err = open_ring(n);
	if (!err) {
		n->uring = true;
		return 0;
	}
	if (io == MHO_IO_URING)
		return mrt_fail(
			err,
			"io_uring is demanded, but %s (%s); allow it, or open the device with "
			"MHO_IO_AUTO or MHO_IO_THREAD",
			mrt_uring_refusal(err), mho_strerror(err));
	mrt_log(log, MHO_LOG_INFO, "no io_uring: %s (%s); completions come through an eventfd",
		mrt_uring_refusal(err), mho_strerror(err));
	return 0;
}

void mrt_notifier_exit(struct mrt_notifier *n)
{
	if (n->uring)
		io_uring_queue_exit(&n->ring);
	n->uring = false;
}

static int open_eventfd(struct mrt_event *e)
{
	e->efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->efd >= 0)
		return 0;
	return mrt_fail(-errno, "no eventfd for a queue: %s; close files or raise ulimit -n",
			mho_strerror(-errno));
}

int mrt_event_init(struct mrt_event *e, struct mrt_notifier *n, struct io_uring *app,
		   uint64_t user_data)
{
	int err;

	memset(e, 0, sizeof(*e));
	e->notifier = n;
	e->app = app;
	e->user_data = user_data;
	e->efd = -1;
	if (app && !n->uring)
		return mrt_fail(
			-EOPNOTSUPP,
			"a queue on the application's ring needs io_uring, which this device "
			"was opened without; use mho_queue_fd()");
	if (app || !n->uring)
		return open_eventfd(e);
	err = io_uring_queue_init(RECEIVER_ENTRIES, &e->ring, 0);
	if (err)
		return mrt_fail(err, "no io_uring for a queue: %s (%s)", mrt_uring_refusal(err),
				mho_strerror(err));
	io_uring_ring_dontfork(&e->ring);
	e->own = true;
	return 0;
}

void mrt_event_exit(struct mrt_event *e)
{
	if (e->own)
		io_uring_queue_exit(&e->ring);
	if (e->efd >= 0)
		close(e->efd);
}

static void send_message(struct mrt_event *e, uint32_t number)
{
	struct io_uring *ring = &e->notifier->ring;
	int fd = e->app ? e->app->ring_fd : e->ring.ring_fd;
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int err;

	/* Only a submission that failed before leaves an entry behind. */
	if (sqe) {
		io_uring_prep_msg_ring(sqe, fd, number, e->app ? e->user_data : 0, 0);
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	}
	err = io_uring_submit(ring);
	if (err < 0)
		mrt_log(e->notifier->log, MHO_LOG_ERROR, "a completion was not announced: %s",
			mho_strerror(err));
	while (!io_uring_peek_cqe(ring, &cqe)) {
		if (cqe->res < 0)
			mrt_log(e->notifier->log, MHO_LOG_ERROR,
				"a ring refused the message that completions are there: %s; reap "
				"by time instead",
				mho_strerror(cqe->res));
		io_uring_cqe_seen(ring, cqe);
	}
}

static void send_eventfd(struct mrt_event *e)
{
	uint64_t one = 1;

	/* Before the write: whoever finds the eventfd readable also finds that it must be read. */
	atomic_fetch_add(&e->sent, 1);
	/* It fails only at 2^64 - 2, and is readable then. */
	while (write(e->efd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void mrt_event_send(struct mrt_event *e, uint32_t number)
{
	if (e->own || (e->app && !atomic_load(&e->waiting)))
		send_message(e, number & INT32_MAX);
	else
		send_eventfd(e);
}

void mrt_event_drain(struct mrt_event *e)
{
	struct io_uring_cqe *cqe;
	uint64_t count;

	if (e->own) {
		while (!io_uring_peek_cqe(&e->ring, &cqe))
			io_uring_cqe_seen(&e->ring, cqe);
		return;
	}
	/* A write that is still under way is taken the next time. */
	if (atomic_load(&e->sent) != e->taken &&
	    read(e->efd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		e->taken += count;
}

void mrt_event_prepare(struct mrt_event *e)
{
	if (e->app)
		atomic_store(&e->waiting, true);
}

void mrt_event_cancel(struct mrt_event *e)
{
	if (e->app)
		atomic_store(&e->waiting, false);
}

static int wait_ring(struct mrt_event *e, struct __kernel_timespec *ts)
{
	struct io_uring_cqe *cqe;

	return ts ? io_uring_wait_cqe_timeout(&e->ring, &cqe, ts) :
		    io_uring_wait_cqe(&e->ring, &cqe);
}

static int wait_eventfd(struct mrt_event *e, struct __kernel_timespec *kts)
{
	struct pollfd p = { .fd = e->efd, .events = POLLIN };
	struct timespec ts, *timeout = NULL;
	int n;

	if (kts) {
		ts.tv_sec = kts->tv_sec;
		ts.tv_nsec = kts->tv_nsec;
		timeout = &ts;
	}
	n = ppoll(&p, 1, timeout, NULL);
	if (n < 0)
		return -errno;
	return n ? 0 : -ETIME;
}

int mrt_event_wait(struct mrt_event *e, int64_t timeout_ns)
{
	struct __kernel_timespec ts = {
		.tv_sec = timeout_ns / 1000000000,
		.tv_nsec = timeout_ns % 1000000000,
	};
	int err;

	if (e->own)
		err = wait_ring(e, timeout_ns < 0 ? NULL : &ts);
	else
		err = wait_eventfd(e, timeout_ns < 0 ? NULL : &ts);
	mrt_event_cancel(e);
	return err == -EINTR ? 0 : err;
}

int mrt_event_fd(const struct mrt_event *e)
{
	if (e->app)
		return mrt_fail(
			-EOPNOTSUPP,
			"this queue tells of completions in the application's ring; there is "
			"no fd to poll");
	return e->own ? e->ring.ring_fd : e->efd;
}
