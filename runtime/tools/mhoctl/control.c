// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See control.h. A serial line is made raw, so that nothing is echoed or changed,
 * and put back at the end. It is locked meanwhile: answers do not say whose they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tools/mhoctl/control.h"

#define ANSWER_MAX (1U << 20)

struct control {
	const struct call *call;
	const char *path;
	long seconds;
	int fd;
	bool restore; /* @before is to be put back */
	struct termios before;
	char *answer;
	size_t used;
};

static int open_socket(struct control *c)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(c->path);

	if (len >= sizeof(addr.sun_path))
		return fail(c->call, MHOCTL_DEVICE,
			    "\"%s\" is too long for a socket's name: %zu bytes, at most %zu",
			    c->path, len, sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, c->path, len);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return c->fd < 0 ? fail(c->call, MHOCTL_DEVICE, "no socket can be made: %s",
					strerror(errno)) :
				   0;
	if (errno == ECONNREFUSED)
		return fail(c->call, MHOCTL_DEVICE,
			    "nobody listens at \"%s\": is mho-emud running, with --control?",
			    c->path);
	return fail(c->call, MHOCTL_DEVICE, "cannot connect to \"%s\": %s", c->path,
		    strerror(errno));
}

static int open_line(struct control *c)
{
	struct termios raw;

	c->fd = open(c->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		return fail(c->call, MHOCTL_DEVICE, "cannot open \"%s\": %s", c->path,
			    strerror(errno));
	flock(c->fd, LOCK_EX);
	if (tcgetattr(c->fd, &c->before))
		return fail(c->call, MHOCTL_DEVICE, "\"%s\" is no serial line: %s", c->path,
			    strerror(errno));
	c->restore = true;
	raw = c->before;
	cfmakeraw(&raw);
	raw.c_cflag |= CLOCAL | CREAD;
	/* What is still there is the answer to somebody who has given up. */
	if (tcsetattr(c->fd, TCSANOW, &raw) || tcflush(c->fd, TCIFLUSH))
		return fail(c->call, MHOCTL_DEVICE, "\"%s\" cannot be set up: %s", c->path,
			    strerror(errno));
	return 0;
}

static int open_path(struct control *c)
{
	struct stat st;

	if (stat(c->path, &st))
		return fail(c->call, MHOCTL_DEVICE, "cannot find \"%s\": %s", c->path,
			    strerror(errno));
	if (S_ISSOCK(st.st_mode))
		return open_socket(c);
	if (S_ISCHR(st.st_mode))
		return open_line(c);
	return fail(
		c->call, MHOCTL_DEVICE,
		"\"%s\" is neither a socket nor a serial line; mho-emud --control makes a socket",
		c->path);
}

int control_open(const struct call *call, const char *path, long seconds, struct control **out)
{
	struct control *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return fail(call, MHOCTL_DEVICE, "out of memory");
	c->call = call;
	c->path = path;
	c->seconds = seconds;
	c->fd = -1;
	c->answer = malloc(ANSWER_MAX);
	err = c->answer ? open_path(c) : fail(call, MHOCTL_DEVICE, "out of memory");
	if (err)
		control_close(c);
	else
		*out = c;
	return err;
}

void control_close(struct control *c)
{
	if (c->restore)
		tcsetattr(c->fd, TCSADRAIN, &c->before);
	if (c->fd >= 0)
		close(c->fd);
	free(c->answer);
	free(c);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Return: whether that happens before @end. */
static bool wait_for(const struct control *c, short events, long end)
{
	struct pollfd p = { .fd = c->fd, .events = events };

	for (long now = now_ms(); now < end; now = now_ms()) {
		int n = poll(&p, 1, (int)(end - now));

		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
	return false;
}

static int no_answer(const struct control *c)
{
	return fail(c->call, MHOCTL_DEVICE,
		    "no answer from \"%s\" within %ld s: is that mho-emud's control socket, and is "
		    "mho-emud running? --timeout waits longer",
		    c->path, c->seconds);
}

static int gone(const struct control *c)
{
	return fail(c->call, MHOCTL_DEVICE, "\"%s\" was closed by the other end before it answered",
		    c->path);
}

int control_send(struct control *c, const char *line)
{
	long end = now_ms() + c->seconds * 1000;
	size_t len = strlen(line) + 1, done = 0;
	char text[512];

	snprintf(text, sizeof(text), "%s\n", line);
	while (done < len) {
		ssize_t n;

		if (!wait_for(c, POLLOUT, end))
			return no_answer(c);
		n = write(c->fd, text + done, len - done);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return gone(c);
		done += n > 0 ? (size_t)n : 0;
	}
	c->used = 0;
	return 0;
}

int control_answer(struct control *c, const char **line)
{
	long end = now_ms() + c->seconds * 1000;
	char *newline = NULL;

	while (!newline) {
		ssize_t n;

		if (c->used == ANSWER_MAX)
			return fail(c->call, MHOCTL_DEVICE, "the answer from \"%s\" has no end",
				    c->path);
		if (!wait_for(c, POLLIN, end))
			return no_answer(c);
		n = read(c->fd, c->answer + c->used, ANSWER_MAX - c->used);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return gone(c);
		newline = memchr(c->answer + c->used, '\n', (size_t)n);
		c->used += (size_t)n;
	}
	*newline = '\0';
	*line = c->answer;
	return 0;
}
