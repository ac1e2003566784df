// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See trace_file.h. Each write ends with the document's end, and the next one begins
 * where that is.
 */
#include "trace/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE (256U << 10)
/* Of one event; longer ones are left out. */
#define EVENT_MAX 2048
/* About what a browser holds. */
#define FILE_MAX ((off_t)1 << 30)

static const char beginning[] = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
static const char ending[] = "\n]}\n";

#define ENDING (sizeof(ending) - 1)

/**
 * struct mrt_trace_file - a trace
 * @fd: where it goes
 * @regular: it can be written anywhere
 * @err: first error
 * @end: where the next event goes
 * @first: no event was put yet
 * @used: bytes in @buffer
 * @buffer: what was put and not written, with room for @ending
 */
struct mrt_trace_file {
	int fd;
	bool regular;
	int err;
	off_t end;
	bool first;
	size_t used;
	char buffer[BUFFER_SIZE + ENDING];
};

static int write_all(const struct mrt_trace_file *file, const char *from, size_t n)
{
	off_t at = file->end;

	while (n) {
		ssize_t done = file->regular ? pwrite(file->fd, from, n, at) :
					       write(file->fd, from, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		from += done;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* The document as it was before the write that failed; its blocks are there. */
static void restore(const struct mrt_trace_file *file)
{
	if (file->regular && !write_all(file, ending, ENDING) &&
	    ftruncate(file->fd, file->end + (off_t)ENDING))
		return;
}

int mrt_trace_file_flush(struct mrt_trace_file *file)
{
	size_t n = file->used;

	file->used = 0;
	if (file->err || !n)
		return file->err;
	if (file->end + (off_t)n > FILE_MAX) {
		file->err = -EFBIG;
		return file->err;
	}
	memcpy(file->buffer + n, ending, ENDING);
	file->err = write_all(file, file->buffer, file->regular ? n + ENDING : n);
	if (file->err)
		restore(file);
	else
		file->end += (off_t)n;
	return file->err;
}

void mrt_trace_file_put(struct mrt_trace_file *file, const char *fmt, ...)
{
	const char *separator = file->first ? "\n" : ",\n";
	char *at;
	va_list ap;
	int n;

	if (file->used + EVENT_MAX > BUFFER_SIZE)
		mrt_trace_file_flush(file);
	if (file->err)
		return;
	at = stpcpy(file->buffer + file->used, separator);
	va_start(ap, fmt);
	n = vsnprintf(at, EVENT_MAX - 4, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= EVENT_MAX - 4)
		return;
	file->used += strlen(separator) + (size_t)n;
	file->first = false;
}

static int prepare(struct mrt_trace_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st))
		return -errno;
	file->regular = S_ISREG(st.st_mode) && lseek(file->fd, 0, SEEK_CUR) == 0;
	if (file->regular && file->fd != STDOUT_FILENO) {
		/* Only now is it ours to empty. */
		if (flock(file->fd, LOCK_EX | LOCK_NB))
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
		if (ftruncate(file->fd, 0))
			return -errno;
	}
	file->used = (size_t)(stpcpy(file->buffer, beginning) - file->buffer);
	return mrt_trace_file_flush(file);
}

int mrt_trace_file_open(const char *path, struct mrt_trace_file **out)
{
	struct mrt_trace_file *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return -ENOMEM;
	file->first = true;
	file->fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) :
				       STDOUT_FILENO;
	err = file->fd < 0 ? -errno : prepare(file);
	if (!err) {
		*out = file;
		return 0;
	}
	if (file->fd > STDOUT_FILENO)
		close(file->fd);
	free(file);
	return err;
}

int mrt_trace_file_close(struct mrt_trace_file *file)
{
	int err;

	if (!file)
		return 0;
	err = mrt_trace_file_flush(file);
	if (!err && !file->regular)
		err = write_all(file, ending, ENDING);
	if (file->fd != STDOUT_FILENO && close(file->fd) && !err)
		err = -errno;
	free(file);
	return err;
}
