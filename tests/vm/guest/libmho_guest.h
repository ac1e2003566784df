/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What guest tests of libmho share: KTAP, the card as new, and an emulated card in this process
 * that is the same, bit for bit.
 */
#ifndef MHO_TESTS_LIBMHO_GUEST_H
#define MHO_TESTS_LIBMHO_GUEST_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <mho/mho.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTROL "/dev/ttyS3"
#define DRIVER "/sys/bus/pci/drivers/mho/"
#define BLOB "/tmp/libmho_guest.dtb"
/* Of mho-emud where no other is given. */
#define SAME "emu:" BLOB "?seed=0"

static unsigned int cases, failures;

__attribute__((format(printf, 3, 4))) static inline bool check(bool good, const char *name,
							       const char *format, ...)
{
	va_list args;

	printf("%s %u - %s\n", good ? "ok" : "not ok", ++cases, name);
	if (good)
		return true;
	failures++;
	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("; last error: %s\n", mho_last_error());
	va_end(args);
	return false;
}

static inline void bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, mho_last_error());
	exit(EXIT_FAILURE);
}

/* ---- the card, from outside ---- */

static inline bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* Has a line executed on the other side of the card. */
static inline bool order(const char *line)
{
	struct pollfd p = { .fd = open(CONTROL, O_RDWR | O_NOCTTY | O_CLOEXEC), .events = POLLIN };
	char answer[512] = "";
	size_t n = 0;

	if (p.fd < 0 || write(p.fd, line, strlen(line)) < 0)
		return false;
	while (n < sizeof(answer) - 1 && !strchr(answer, '\n') && poll(&p, 1, 30000) > 0 &&
	       read(p.fd, &answer[n], 1) == 1)
		n++;
	close(p.fd);
	return strstr(answer, "\"ok\":true") || strstr(answer, "\"ok\": true");
}

/* Of the card that the driver has: its node's number is not always 0. */
static inline void find_address(char *address, size_t size)
{
	DIR *dir = opendir(DRIVER);
	struct dirent *entry;

	address[0] = '\0';
	while (dir && (entry = readdir(dir)))
		if (strchr(entry->d_name, ':'))
			snprintf(address, size, "%s", entry->d_name);
	if (dir)
		closedir(dir);
	if (!address[0])
		bail("the driver has no card");
}

/* A card like new, as an emulated one is when it is opened. */
static inline void renew(void)
{
	char address[NAME_MAX + 1];

	find_address(address, sizeof(address));
	if (!write_file(DRIVER "unbind", address) || !order("renew\n") ||
	    !write_file(DRIVER "bind", address))
		bail("the card cannot be made like new");
}

static inline struct mho_dev *open_card_by(uint32_t io)
{
	struct mho_open_opts opts = { .size = sizeof(opts), .io = io };
	struct mho_dev *dev;

	if (mho_open("accel:", &opts, &dev))
		bail("accel: cannot be opened");
	return dev;
}

static inline struct mho_dev *open_same(struct mho_dev *card)
{
	struct mho_dev *dev;
	const void *blob;
	FILE *file;
	size_t len;

	blob = mho_topology(card, &len);
	file = fopen(BLOB, "we");
	if (!file || fwrite(blob, 1, len, file) != len || fclose(file))
		bail("the topology cannot be written");
	if (mho_open(SAME, NULL, &dev))
		bail(SAME);
	return dev;
}

static inline void fill(float *to, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		to[i] = (float)(seed >> 8) / (1 << 23) - 1;
	}
}

#endif
