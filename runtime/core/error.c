// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Error texts: the last sentence of each thread, the text of every error number,
 * and the log.
 */
#include "core/error.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mho_hw_status.h"

static _Thread_local char last_error[1024];

const char *mho_last_error(void)
{
	return last_error;
}

const char *mho_strerror(int err)
{
	const char *text;

	if (err > 0)
		return mho_hw_status_text((unsigned int)err);
	/* Unlike strerror(): no buffer that threads share, and no translation. */
	text = err == INT_MIN ? NULL : strerrordesc_np(-err);
	return text ? text : "an error number that is not known";
}

int mrt_fail(int err, const char *fmt, ...)
{
	char text[sizeof(last_error)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(last_error, text, sizeof(text));
	return err;
}

void mrt_log(const struct mrt_logger *log, int level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!log->fn || level > log->level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log->fn(log->arg, level, text);
}

int mrt_status_errno(unsigned int status)
{
	switch (status) {
	case MHO_HW_ST_OK:
		return 0;
	case MHO_HW_ST_EXISTS:
		return -EEXIST;
	case MHO_HW_ST_NO_TILES:
	case MHO_HW_ST_NO_RESOURCE:
		return -ENOSPC;
	case MHO_HW_ST_BUSY:
	case MHO_HW_ST_NOT_OWNER:
		return -EBUSY;
	case MHO_HW_ST_NOT_FOUND:
		return -ENOENT;
	case MHO_HW_ST_UNSUPPORTED:
		return -EOPNOTSUPP;
	case MHO_HW_ST_NOT_FINITE:
		return -EINVAL;
	case MHO_HW_ST_ABORTED:
		return -ECANCELED;
	case MHO_HW_ST_TIMEOUT:
		return -ETIMEDOUT;
	case MHO_HW_ST_FW_INCOMPATIBLE:
	case MHO_HW_ST_FW_TOO_OLD:
		return -EPROTONOSUPPORT;
	default:
		break;
	}
	/* The high byte is the class of the status, see mho_hw_status.h. */
	switch (status >> 8) {
	case 1:
	case 2:
		return -EINVAL;
	case 5:
		return -EBADMSG;
	default:
		return -EIO;
	}
}
