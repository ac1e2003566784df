// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Fences as descriptors. Exporting is the backend's; so is importing, where it can.
 * Else a gate in the backlog waits for the descriptor.
 */
#include "core/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* A queue on the application's ring has no descriptor: look at it so often. */
#define LOOK_NS 1000000ULL

struct gate {
	struct mho_job job;
	int fd;
};

static struct gate *gate_of(struct mho_job *job)
{
	return (struct gate *)job;
}

void mrt_gate_free(struct mho_job *job)
{
	close(gate_of(job)->fd);
	free(gate_of(job));
}

/* A descriptor that has failed or was hung up holds nothing back any more. */
static bool is_open(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

int mrt_gate_pass(struct mho_job *job)
{
	if (!is_open(gate_of(job)->fd))
		return -EAGAIN;
	mrt_gate_free(job);
	return 0;
}

static int poll_until(struct pollfd *fds, nfds_t n, uint64_t deadline)
{
	if (mrt_poll(fds, n, deadline) < 0 && errno != EINTR)
		return mrt_fail(-EIO, "waiting for a fence failed: %s", mho_strerror(-errno));
	return deadline != MRT_FOREVER && mrt_now_ns() >= deadline ? -ETIME : 0;
}

int mrt_gate_wait(struct mrt_queue *queue, uint64_t deadline)
{
	const struct mrt_backend *ops = queue->dev->ops;
	struct pollfd fds[2] = {
		{ .fd = gate_of(queue->backlog.first)->fd, .events = POLLIN },
		{ .events = POLLIN },
	};
	uint64_t look = mrt_now_ns() + LOOK_NS;
	int ret;

	if (!queue->inflight)
		return poll_until(fds, 1, deadline);
	ret = ops->arm(queue->bqueue);
	if (ret)
		return ret < 0 ? ret : 0;
	fds[1].fd = ops->fd(queue->bqueue);
	if (fds[1].fd >= 0)
		return poll_until(fds, 2, deadline);
	ret = poll_until(fds, 1, look < deadline ? look : deadline);
	return ret == -ETIME && look < deadline ? 0 : ret;
}

int mho_queue_fence_export(struct mho_queue *handle, int *fd)
{
	struct mrt_queue *queue = mrt_handle_get(handle, MRT_QUEUE, "mho_queue_fence_export");

	if (!queue)
		return -EINVAL;
	if (!fd)
		return mrt_fail(-EINVAL, "mho_queue_fence_export: fd is NULL");
	if (!queue->dev->ops->fence_export)
		return mrt_fail(-EOPNOTSUPP, "this kind of device has no fences");
	if (queue->backlog.first)
		return mrt_fail(-EBUSY, "mho_queue_fence_export: jobs wait in the library for room "
					"or a fence; reap first");
	return queue->dev->ops->fence_export(queue->bqueue, fd);
}

int mho_queue_fence_import(struct mho_queue *handle, int fd)
{
	struct mrt_queue *queue = mrt_handle_get(handle, MRT_QUEUE, "mho_queue_fence_import");
	const struct mrt_backend *ops = queue ? queue->dev->ops : NULL;
	struct gate *gate;
	int err;

	if (!queue)
		return -EINVAL;
	if (fd < 0 || fcntl(fd, F_GETFD) < 0)
		return mrt_fail(-EINVAL, "mho_queue_fence_import: %d is no descriptor", fd);
	if (!queue->backlog.first && ops->fence_import && !ops->fence_import(queue->bqueue, fd))
		return 0;
	gate = calloc(1, sizeof(*gate));
	if (!gate)
		return mrt_fail(-ENOMEM, "out of memory for a fence");
	gate->job.op = MRT_OP_GATE;
	gate->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (gate->fd < 0) {
		err = mrt_fail(-errno, "no descriptor for a fence: %s", mho_strerror(-errno));
		free(gate);
		return err;
	}
	mrt_queue_hold(queue, &gate->job);
	return 0;
}
