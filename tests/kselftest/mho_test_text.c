// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Files of the kernel's that are text: sysfs, fdinfo, traces, dumps.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mho_test_lib.h"

ssize_t mt_read_file(const char *path, void *data, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	while (done < size && got > 0) {
		got = read(fd, (char *)data + done, size - done);
		if (got < 0)
			got = errno == EINTR ? 1 : -errno;
		else
			done += (size_t)got;
	}
	close(fd);
	return got < 0 ? got : (ssize_t)done;
}

ssize_t mt_read_text(const char *path, char *text, size_t size)
{
	ssize_t got = mt_read_file(path, text, size - 1);

	text[got < 0 ? 0 : got] = '\0';
	return got;
}

int64_t mt_text_number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoll(at + strlen(key), NULL, 0) : -ENOENT;
}
