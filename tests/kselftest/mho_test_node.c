// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The node of the device under test and its ioctls.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mho_test_lib.h"

static bool is_mho(const char *node)
{
	char path[256], driver[256];
	const char *name = strrchr(node, '/') + 1;
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/class/accel/%s/device/driver", name);
	len = readlink(path, driver, sizeof(driver) - 1);
	if (len < 0)
		return false;
	driver[len] = '\0';
	return !strcmp(strrchr(driver, '/') + 1, "mho");
}

const char *mt_node(void)
{
	static char found[64];
	glob_t nodes;
	size_t i;

	found[0] = '\0';
	if (glob("/dev/accel/accel*", 0, NULL, &nodes))
		return NULL;
	for (i = 0; i < nodes.gl_pathc && !found[0]; i++)
		if (is_mho(nodes.gl_pathv[i]))
			snprintf(found, sizeof(found), "%s", nodes.gl_pathv[i]);
	globfree(&nodes);
	return found[0] ? found : NULL;
}

int mt_open(void)
{
	const char *node = mt_node();
	int fd;

	if (!node)
		return -ENODEV;
	fd = open(node, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int mt_ioctl(int fd, unsigned long request, void *args)
{
	int ret;

	do
		ret = ioctl(fd, request, args);
	while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

int mt_query(int fd, uint32_t type, uint32_t id, void *data, uint32_t size)
{
	struct drm_mho_query args = {
		.type = type, .id = id, .size = size, .data = (uintptr_t)data
	};
	int ret = mt_ioctl(fd, DRM_IOCTL_MHO_QUERY, &args);

	return ret ? ret : (int)args.size;
}

int mt_tiles_free(int fd)
{
	struct drm_mho_telemetry telemetry;
	int ret = mt_query(fd, DRM_MHO_QUERY_TELEMETRY, 0, &telemetry, sizeof(telemetry));

	return ret < 0 ? ret : (int)telemetry.tiles_free;
}

int mt_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}
