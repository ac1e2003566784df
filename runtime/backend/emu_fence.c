// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Fences of an emulated queue. The program has one descriptor of the eventfd, this
 * side another one until it is signalled.
 */
#include "backend/emu_fence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/error.h"

struct emub_fence {
	struct emub_fence *next;
	uint32_t number;
	int fd;
};

int emub_fence_add(struct emub_fences *fences, uint32_t number, int *fd)
{
	struct emub_fence *fence = malloc(sizeof(*fence));
	int err;

	if (!fence)
		return mrt_fail(-ENOMEM, "out of memory for a fence");
	*fence = (struct emub_fence){ .number = number };
	fence->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*fd = fence->fd < 0 ? -1 : fcntl(fence->fd, F_DUPFD_CLOEXEC, 0);
	if (*fd < 0) {
		err = -errno;
		if (fence->fd >= 0)
			close(fence->fd);
		free(fence);
		return mrt_fail(err,
				"no descriptor for a fence: %s; close files or raise ulimit -n",
				mho_strerror(err));
	}
	if (fences->first)
		fences->last->next = fence;
	else
		fences->first = fence;
	fences->last = fence;
	atomic_fetch_add(&fences->n, 1);
	return 0;
}

static void signal_first(struct emub_fences *fences)
{
	struct emub_fence *fence = fences->first;
	uint64_t one = 1;

	fences->first = fence->next;
	atomic_fetch_sub(&fences->n, 1);
	while (write(fence->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	close(fence->fd);
	free(fence);
}

void emub_fence_signal(struct emub_fences *fences, uint32_t number)
{
	while (fences->first && (int32_t)(number - fences->first->number) >= 0)
		signal_first(fences);
}

void emub_fence_signal_all(struct emub_fences *fences)
{
	while (fences->first)
		signal_first(fences);
}

uint32_t emub_fence_next(const struct emub_fences *fences)
{
	return fences->first->number;
}
