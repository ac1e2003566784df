// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Making io_urings for a card's queues.
 */
#include "backend/accel_ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/notify.h"

/* Jobs are longer than the 16 bytes that an ordinary entry has for them. */
#define NEEDED IORING_SETUP_SQE128
#define TRY_ENTRIES 2

/* What helps, and goes together, the newest first: Linux 6.1, 6.0, 5.18, 5.5. */
static const unsigned int useful[] = {
	IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_R_DISABLED,
	IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_CQSIZE,
};

#define USEFUL (sizeof(useful) / sizeof(*useful))
/* Of these, those that bind a ring to a thread. */
#define BINDING 2

uint64_t accelb_thread(void)
{
	/* Threads' own numbers, and addresses of theirs, come back when a thread has ended. */
	static _Atomic uint64_t last;
	static _Thread_local uint64_t mine;

	if (!mine)
		mine = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
	return mine;
}

int accelb_ring_setup(struct accelb_ring *r, uint32_t entries, uint32_t completions, bool bound,
		      accelb_ring_init_fn init)
{
	unsigned int flags = NEEDED, dropped = bound ? 0 : BINDING;
	struct io_uring_params params;
	int err;

	memset(r, 0, sizeof(*r));
	for (unsigned int i = dropped; i < USEFUL; i++)
		flags |= useful[i];
	for (;;) {
		params = (struct io_uring_params){ .flags = flags };
		if (flags & IORING_SETUP_CQSIZE)
			params.cq_entries = completions;
		err = init(entries, &r->uring, &params);
		if (err != -EINVAL || dropped == USEFUL)
			break;
		flags &= ~useful[dropped++];
	}
	r->bound = flags & IORING_SETUP_SINGLE_ISSUER;
	r->deferred = flags & IORING_SETUP_DEFER_TASKRUN;
	return err;
}

int accelb_ring_open(struct accelb_ring *r, int fd, int eventfd, uint32_t entries,
		     uint32_t completions, bool bound)
{
	int err;

	err = accelb_ring_setup(r, entries, completions, bound, io_uring_queue_init_params);
	if (err)
		return err;
	/* A child that inherits the ring's memory would submit in its parent's name. */
	io_uring_ring_dontfork(&r->uring);
	err = io_uring_register_files(&r->uring, &fd, 1);
	if (!err && eventfd >= 0)
		err = io_uring_register_eventfd(&r->uring, eventfd);
	if (err)
		io_uring_queue_exit(&r->uring);
	return err;
}

int accelb_ring_bind(struct accelb_ring *r)
{
	/* io_uring_enable_rings() is in liburing 2.3's header, but not in its library. */
	if (syscall(__NR_io_uring_register, r->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
		    0))
		return -errno;
	r->owner = accelb_thread();
	/* A thread can register 16. It saves a little, no more: the next one does without. */
	io_uring_register_ring_fd(&r->uring);
	return 0;
}

void accelb_ring_unbind(struct accelb_ring *r)
{
	/*
	 * The registration goes with the thread that made it. In any other the same number is
	 * nothing, or another ring, which liburing would enter, or take out.
	 */
	r->uring.enter_ring_fd = r->uring.ring_fd;
	r->uring.int_flags = 0;
}

void accelb_ring_close(struct accelb_ring *r)
{
	if (r->owner != accelb_thread())
		accelb_ring_unbind(r);
	io_uring_queue_exit(&r->uring);
}

bool accelb_ring_command(struct accelb_ring *r, uint32_t op, uint64_t user_data,
			 const void *payload, size_t size)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

	if (!sqe)
		return false;
	/* What of the payload a command does not use must be zero; entries are used again. */
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = op;
	sqe->user_data = user_data;
	memcpy(sqe->cmd, payload, size);
	return true;
}

/* Runs what was never prepared: -ENOENT says that the driver has looked for it. */
static int try_command(struct accelb_ring *r)
{
	const struct drm_mho_uring_run run = { .handle = UINT32_MAX };
	struct io_uring *ring = &r->uring;
	struct io_uring_cqe *cqe;
	int err;

	accelb_ring_command(r, DRM_URING_MHO_RUN, 0, &run, sizeof(run));
	err = io_uring_submit_and_wait(ring, 1);
	if (err < 0)
		return err;
	err = io_uring_peek_cqe(ring, &cqe);
	if (err)
		return err;
	err = cqe->res < 0 ? cqe->res : -EOPNOTSUPP;
	io_uring_cqe_seen(ring, cqe);
	return err == -ENOENT ? 0 : err;
}

int accelb_ring_try(int fd, int minor)
{
	struct accelb_ring ring;
	int err;

	if (minor < 2)
		return -EPROTO;
	err = accelb_ring_open(&ring, fd, -1, TRY_ENTRIES, TRY_ENTRIES, true);
	if (err)
		return err;
	if (ring.bound)
		err = accelb_ring_bind(&ring);
	if (!err)
		err = try_command(&ring);
	accelb_ring_close(&ring);
	return err;
}

const char *accelb_ring_refusal(int err)
{
	switch (err) {
	case -EPROTO:
		return "the driver is older than its io_uring commands: install that of this "
		       "library's release";
	case -EINVAL:
		return "the kernel has no io_uring commands, which came with Linux 5.19";
	case -EOPNOTSUPP:
		return "the driver was built without io_uring commands";
	default:
		return mrt_uring_refusal(err);
	}
}
