// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The sentence behind mho_nn_last_error(), one per thread.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nn/internal.h"

static _Thread_local char last_error[768];

const char *mho_nn_last_error(void)
{
	return last_error;
}

int nn_error(int err, const char *fmt, ...)
{
	/* An argument may be the old sentence. */
	char text[sizeof(last_error)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(last_error, text, sizeof(text));
	return err;
}

int nn_mho_error(int err, const char *fmt, ...)
{
	const char *why = mho_last_error();
	char text[sizeof(last_error)];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len >= 0 && (size_t)len < sizeof(text))
		snprintf(text + len, sizeof(text) - (size_t)len, ": %s",
			 *why ? why : mho_strerror(err));
	memcpy(last_error, text, sizeof(text));
	return err;
}

int nn_no_memory(void)
{
	return nn_error(-ENOMEM, "out of memory; try a smaller network, batch or data set");
}
