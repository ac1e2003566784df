// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Orders to the host that tests of faults give, and the kernel's events.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "mho_test_fault.h"

#define STEP_US 20000
#define ANSWER_MAX 8192
/* The kernel's own events, not those that udev passes on. */
#define GROUP_KERNEL 1

int mt_order(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	return mt_control(line, NULL, 0);
}

/* How often the fault is still to happen, or -errno. */
static int64_t fault_left(const char *name)
{
	char answer[ANSWER_MAX], key[64];
	const char *armed, *found;
	int ret = mt_control("faults", answer, sizeof(answer));

	if (ret)
		return ret;
	snprintf(key, sizeof(key), "\"%s\":", name);
	armed = strstr(answer, "\"armed\"");
	found = armed ? strstr(armed, key) : NULL;
	return found ? strtoll(found + strlen(key), NULL, 10) : -ENOENT;
}

int mt_fault_taken(const char *name)
{
	int64_t steps = MT_WAIT_NS / 1000 / STEP_US;
	int64_t left;

	while ((left = fault_left(name)) > 0) {
		if (!steps--)
			return -ETIMEDOUT;
		usleep(STEP_US);
	}
	return (int)left;
}

int mt_result_wait(const struct drm_mho_result *result)
{
	int64_t steps = MT_WAIT_NS / 1000 / STEP_US;

	while (__atomic_load_n(&result->done, __ATOMIC_ACQUIRE) != DRM_MHO_RESULT_DONE) {
		if (!steps--)
			return -ETIMEDOUT;
		usleep(STEP_US);
	}
	return 0;
}

int mt_event_open(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -errno;
	}
	return fd;
}

int mt_event_wait(int fd, const char *text)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char event[4096];
	ssize_t len, at;

	while (poll(&ready, 1, (int)(MT_WAIT_NS / 1000000)) == 1) {
		len = recv(fd, event, sizeof(event) - 1, 0);
		if (len < 0)
			return -errno;
		event[len] = '\0';
		/* Lines end with NUL. */
		for (at = 0; at < len; at += (ssize_t)strlen(event + at) + 1)
			if (!strcmp(event + at, text))
				return 0;
	}
	return -ETIMEDOUT;
}
