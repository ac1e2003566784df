/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The driver's tracepoints from the kernel: an instance of tracefs of the caller's own,
 * which disturbs nobody else's tracing. Its clock is CLOCK_MONOTONIC.
 */
#ifndef MHO_TRACE_FS_H
#define MHO_TRACE_FS_H

#include <stddef.h>

struct mrt_trace_fs;

/**
 * mrt_trace_fs_start() - make an instance and record
 * @root: in front of every path; empty, but for tests
 * @out: the instance
 * @why: of @size bytes: a sentence, what is wrong and what to do
 * @size: room
 *
 * Return: 0, or -errno with @why set.
 */
int mrt_trace_fs_start(const char *root, struct mrt_trace_fs **out, char *why, size_t size);

/**
 * mrt_trace_fs_read() - hand over what was recorded since
 * @fs: instance
 * @line: called with each line, without its end
 * @arg: passed to it
 */
void mrt_trace_fs_read(struct mrt_trace_fs *fs, void (*line)(void *arg, const char *text),
		       void *arg);

/* mrt_trace_fs_stop() - record no more; what was recorded can still be read. */
void mrt_trace_fs_stop(struct mrt_trace_fs *fs);

/* mrt_trace_fs_free() - remove the instance, or NULL. */
void mrt_trace_fs_free(struct mrt_trace_fs *fs);

#endif
