// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The "accel:" backend: opening a card, closing it, and sentences for what ioctls
 * answer. See accel_dev.h for what is where.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xf86drm.h>

#include "backend/accel_dev.h"
#include "backend/accel_ring.h"

#define DRIVER "mho"

/* Not drmIoctl(): it would try for ever what the driver refuses with -EAGAIN. */
int accelb_ioctl(int fd, unsigned long request, void *args)
{
	while (ioctl(fd, request, args))
		if (errno != EINTR)
			return -errno;
	return 0;
}

int accelb_fail(int err, const char *what)
{
	switch (err) {
	case -ENODEV:
		return mrt_fail(err,
				"%s: the card is gone: it was removed, or its driver was unbound; "
				"close the device, and open it again when the card is back",
				what);
	case -EIO:
		return mrt_fail(err,
				"%s: the card has lost what this needs in a reset, or has stopped "
				"for good; close the device and open it again; if that does not "
				"help, see dmesg and bind its driver anew",
				what);
	case -ETIMEDOUT:
		return mrt_fail(err, "%s: the card did not answer in time; see dmesg", what);
	default:
		return mrt_fail(err, "%s: the driver answered: %s", what, mho_strerror(err));
	}
}

/* ---- open and close ---- */

static int not_opened(const char *path, int err)
{
	switch (err) {
	case -ENOENT:
		return mrt_fail(err,
				"there is no %s; \"mhoctl list\" shows the cards that there are, "
				"\"mhoctl doctor\" what is missing",
				path);
	case -EACCES:
	case -EPERM:
		return mrt_fail(-EACCES,
				"this user may not open %s; usually the members of the group "
				"render may: sudo usermod -aG render $USER, then log in again",
				path);
	case -ENODEV:
	case -ENXIO:
		return mrt_fail(-ENODEV, "the card behind %s is gone", path);
	default:
		return mrt_fail(err, "%s cannot be opened: %s", path, mho_strerror(err));
	}
}

static int check_version(const char *path, const drmVersion *version)
{
	if (strcmp(version->name, DRIVER) != 0)
		return mrt_fail(-ENODEV,
				"%s belongs to the driver %s, not to mho: it is another kind of "
				"device; \"mhoctl list\" shows the cards",
				path, version->name);
	if (version->version_major != DRM_MHO_MAJOR)
		return mrt_fail(-EPROTONOSUPPORT,
				"the driver of %s has interface version %d.%d, this library knows "
				"%d; install libmho and the driver of one release",
				path, version->version_major, version->version_minor,
				DRM_MHO_MAJOR);
	return 0;
}

int accelb_open_node(const char *path, int *minor)
{
	drmVersionPtr version;
	struct stat st;
	int fd, err;

	if (stat(path, &st) == 0 && !S_ISCHR(st.st_mode))
		return mrt_fail(-ENOTTY, "%s is no device node", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return not_opened(path, -errno);
	version = drmGetVersion(fd);
	if (version)
		err = check_version(path, version);
	else
		err = mrt_fail(-ENODEV,
			       "%s is no accelerator's device node, or its card is gone; "
			       "\"mhoctl list\" shows the cards",
			       path);
	if (!err && minor)
		*minor = version->version_minor;
	drmFreeVersion(version);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int check_request(const struct mrt_uri *uri)
{
	if (!uri->parameters)
		return 0;
	return mrt_fail(-EINVAL,
			"\"%s\" has parameters, which only emulated cards take; leave out '?' and "
			"what follows",
			uri->path);
}

/* Which way jobs go in. */
static int choose_io(struct accelb_dev *dev, int minor)
{
	int err;

	dev->info.io = MHO_IO_THREAD;
	if (dev->io == MHO_IO_THREAD)
		return 0;
	err = accelb_ring_try(dev->fd, minor);
	if (!err) {
		dev->info.io = MHO_IO_URING;
		return 0;
	}
	if (dev->io == MHO_IO_URING)
		return mrt_fail(
			err,
			"io_uring is demanded, but %s (%s); \"mhoctl doctor\" looks closer; "
			"or open the device with MHO_IO_AUTO or MHO_IO_THREAD",
			accelb_ring_refusal(err), mho_strerror(err));
	mrt_log(dev->log, MHO_LOG_INFO, "no io_uring: %s (%s); jobs go to the card by ioctls",
		accelb_ring_refusal(err), mho_strerror(err));
	return 0;
}

static void close_device(struct mrt_bdev *base)
{
	struct accelb_dev *dev = accelb_dev_of(base);

	pthread_mutex_destroy(&dev->lock);
	close(dev->fd);
	free(dev->blob);
	free(dev);
}

static int open_device(const struct mrt_uri *uri, uint32_t io, const struct mrt_logger *log,
		       struct mrt_bdev **out)
{
	struct accelb_dev *dev;
	char path[PATH_MAX];
	int err, minor;

	err = check_request(uri);
	if (!err)
		err = accelb_find("", uri->path, path);
	if (err)
		return err;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return mrt_fail(-ENOMEM, "out of memory for a device");
	dev->base.ops = &mrt_backend_accel;
	dev->log = log;
	dev->io = io;
	dev->fd = accelb_open_node(path, &minor);
	if (dev->fd < 0) {
		err = dev->fd;
		free(dev);
		return err;
	}
	pthread_mutex_init(&dev->lock, NULL);
	mrt_link_init(&dev->caches);
	err = accelb_identify(dev);
	if (!err)
		err = choose_io(dev, minor);
	if (err) {
		close_device(&dev->base);
		return err;
	}
	*out = &dev->base;
	return 0;
}

const struct mrt_backend mrt_backend_accel = {
	.scheme = "accel",
	.enumerate = accelb_enumerate,
	.open = open_device,
	.close = close_device,
	.info = accelb_info,
	.topology = accelb_topology,
	.tile = accelb_tile,
	.firmware = accelb_firmware,
	.telemetry = accelb_telemetry,
	.read_log = accelb_read_log,
	.selftest = accelb_selftest,
	.calibrate = accelb_calibrate,
	.sync = accelb_sync,
	.reset = accelb_reset,
	.mem_alloc = accelb_mem_alloc,
	.mem_free = accelb_mem_free,
	.array_create = accelb_array_create,
	.array_find = accelb_array_find,
	.array_release = accelb_array_release,
	.array_info = accelb_array_info,
	.queue_create = accelb_queue_create,
	.queue_destroy = accelb_queue_destroy,
	.push = accelb_queue_push,
	.kick = accelb_queue_kick,
	.reap = accelb_queue_reap,
	.wait = accelb_queue_wait,
	.arm = accelb_queue_arm,
	.fd = accelb_queue_fd,
	.trace_source = accelb_trace_source,
	.queue_number = accelb_queue_number,
	.seq_create = accelb_seq_create,
	.seq_destroy = accelb_seq_destroy,
	.push_seq = accelb_push_seq,
	.fence_export = accelb_fence_export,
	.fence_import = accelb_fence_import,
};
