/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The library's time, CLOCK_MONOTONIC in ns, and what is waited for until a point of it.
 * Device time is the device's, and not known here.
 */
#ifndef MHO_CORE_CLOCK_H
#define MHO_CORE_CLOCK_H

#include <poll.h>
#include <stdint.h>
#include <time.h>

/* A deadline that never comes. */
#define MRT_FOREVER UINT64_MAX

static inline uint64_t mrt_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* mrt_deadline() - when a time-out is over that begins now; MRT_FOREVER for a negative one */
static inline uint64_t mrt_deadline(int64_t timeout_ns)
{
	uint64_t now;

	if (timeout_ns < 0)
		return MRT_FOREVER;
	now = mrt_now_ns();
	return (uint64_t)timeout_ns < MRT_FOREVER - now ? now + (uint64_t)timeout_ns : MRT_FOREVER;
}

/* mrt_poll() - poll() until a deadline; at once if that is over */
static inline int mrt_poll(struct pollfd *fds, nfds_t n, uint64_t deadline)
{
	uint64_t now = mrt_now_ns(), left = deadline > now ? deadline - now : 0;
	struct timespec ts = { .tv_sec = (time_t)(left / 1000000000),
			       .tv_nsec = (long)(left % 1000000000) };

	return ppoll(fds, n, deadline == MRT_FOREVER ? NULL : &ts, NULL);
}

#endif
