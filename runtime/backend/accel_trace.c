// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the driver's tracepoints call a card, an open file and a queue.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "backend/accel_queue.h"

/* The number that fdinfo has for the open file. */
static int read_client(int fd, uint64_t *client)
{
	char path[64], line[256];
	int err = -ENOENT;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (err && fgets(line, sizeof(line), file))
		if (sscanf(line, "drm-client-id: %" SCNu64, client) == 1)
			err = 0;
	fclose(file);
	return err;
}

int accelb_trace_source(struct mrt_bdev *base, uint32_t *number, uint64_t *client)
{
	int fd = accelb_dev_of(base)->fd;
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*number = minor(st.st_rdev);
	return read_client(fd, client);
}

uint32_t accelb_queue_number(struct mrt_bqueue *queue)
{
	return accelb_queue_of(queue)->ctx;
}
