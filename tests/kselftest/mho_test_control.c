// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The way to mho-emud: a serial port that leads to its control socket. Lines go there, lines of JSON
 * come back.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include "mho_test_lib.h"

#define CONTROL "/dev/ttyS3"
#define LOCK "/run/mho-test-control"
#define ANSWER_MS 30000
#define ANSWER_MAX 8192

static int send_line(int port, const char *line)
{
	char text[512];
	int len = snprintf(text, sizeof(text), "%s\n", line);
	int sent = 0;

	if (len >= (int)sizeof(text))
		return -E2BIG;
	while (sent < len) {
		ssize_t n = write(port, text + sent, (size_t)(len - sent));

		if (n < 0)
			return -errno;
		sent += n;
	}
	return 0;
}

/* One line, without its end. */
static int receive_line(int port, char *answer, size_t size)
{
	struct pollfd ready = { .fd = port, .events = POLLIN };
	size_t len = 0;
	char byte;
	int ret;

	for (;;) {
		ret = poll(&ready, 1, ANSWER_MS);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret <= 0)
			return ret ? -errno : -ETIMEDOUT;
		if (read(port, &byte, 1) != 1)
			return -EIO;
		if (byte == '\n')
			break;
		if (byte != '\r' && len < size - 1)
			answer[len++] = byte;
	}
	answer[len] = '\0';
	return 0;
}

static int exchange(const char *line, char *answer, size_t size)
{
	struct termios mode;
	int port, ret;

	port = open(CONTROL, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (port < 0)
		return -ENODEV;
	ret = -ENODEV;
	if (tcgetattr(port, &mode))
		goto out;
	cfmakeraw(&mode);
	tcsetattr(port, TCSANOW, &mode);
	/* What is left of an exchange that was cut short. */
	tcflush(port, TCIFLUSH);
	ret = send_line(port, line);
	if (!ret)
		ret = receive_line(port, answer, size);
out:
	close(port);
	return ret;
}

int mt_control(const char *line, char *answer, size_t size)
{
	char own[ANSWER_MAX];
	int lock, ret;

	lock = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0)
		return -errno;
	flock(lock, LOCK_EX);
	ret = exchange(line, own, sizeof(own));
	close(lock);
	if (ret)
		return ret;
	if (answer)
		snprintf(answer, size, "%s", own);
	return strstr(own, "\"ok\":true") || strstr(own, "\"ok\": true") ? 0 : -EIO;
}

int64_t mt_counter(const char *name)
{
	char answer[ANSWER_MAX], key[64];
	const char *found;
	int ret = mt_control("counters", answer, sizeof(answer));

	if (ret)
		return ret;
	snprintf(key, sizeof(key), "\"%s\":", name);
	found = strstr(answer, key);
	return found ? strtoll(found + strlen(key), NULL, 10) : -ENOENT;
}
