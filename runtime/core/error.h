/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The sentence behind mho_last_error(), messages to a device's log callback, and
 * device statuses as errno values. What the sentences say is written where the
 * error is found.
 */
#ifndef MHO_CORE_ERROR_H
#define MHO_CORE_ERROR_H

#include <stddef.h>

#include "mho/mho.h"

/**
 * struct mrt_logger - where a device's messages go
 * @fn: the program's callback, or NULL
 * @arg: passed to it
 * @level: most talkative level that it wants
 */
struct mrt_logger {
	mho_log_fn fn;
	void *arg;
	int level;
};

/**
 * mrt_fail() - set this thread's last error
 * @err: negative errno
 * @fmt: what is wrong, where, and what to do; arguments may be the last error itself
 *
 * Return: @err.
 */
int mrt_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* mrt_log() - one line for the log, cut off at 512 bytes. */
void mrt_log(const struct mrt_logger *log, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* mrt_status_errno() - the negative errno that stands for a device status; 0 for success. */
int mrt_status_errno(unsigned int status);

#endif
