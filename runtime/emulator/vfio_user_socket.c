// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A listening UNIX socket at a path, where an earlier process may have left its
 * socket file behind.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "emulator/vfio_user.h"

static int say(char *err, size_t err_len, int ret, const char *path, const char *text)
{
	if (err && err_len)
		snprintf(err, err_len, "the socket %s %s", path, text);
	return ret;
}

/* Removes the file if nobody listens on it. Return: 0, -EADDRINUSE, or what unlink gave. */
static int remove_stale(const char *path, const struct sockaddr_un *addr, char *err, size_t len)
{
	struct stat st;
	int fd, ret;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return say(err, len, -EADDRINUSE, path,
			   "cannot be made: a file of this name exists and is no socket; choose "
			   "another name");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ret = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? errno : 0;
	close(fd);
	if (ret != ECONNREFUSED)
		return say(err, len, ret == EACCES ? -EACCES : -EADDRINUSE, path,
			   "is in use by another process; stop that one or choose another name");
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

int vfu_listen_unix(const char *path, char *err, size_t err_len)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char text[128];
	int fd = -1, ret;

	if (!*path || strlen(path) >= sizeof(addr.sun_path))
		return say(err, err_len, -ENAMETOOLONG, path,
			   "cannot be made: its name must have 1 to 107 bytes");
	strcpy(addr.sun_path, path);
	if (err && err_len)
		*err = '\0';
	ret = remove_stale(path, &addr, err, err_len);
	if (ret)
		goto fail;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 8)) {
		ret = -errno;
		goto fail;
	}
	return fd;
fail:
	if (fd >= 0)
		close(fd);
	if (err && err_len && !*err) {
		snprintf(text, sizeof(text), "cannot be made: %s", strerror(-ret));
		say(err, err_len, ret, path, text);
	}
	return ret;
}
