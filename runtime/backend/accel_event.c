// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Telling a queue's owner. Each request to the kernel gives one write of one to the
 * eventfd, so that counting tells whether one is still under way: a job's result is
 * there some moments before its fence signals.
 */
#include "backend/accel_event.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long a write that is under way is waited for; then it will wake somebody for nothing. */
#define UNDER_WAY_MS 100

/* Linux 6.6; libdrm's headers are older on some distributions than the kernel that is needed. */
#ifndef DRM_IOCTL_SYNCOBJ_EVENTFD
struct drm_syncobj_eventfd {
	__u32 handle;
	__u32 flags;
	__u64 point;
	__s32 fd;
	__u32 pad;
};
#define DRM_IOCTL_SYNCOBJ_EVENTFD DRM_IOWR(0xCF, struct drm_syncobj_eventfd)
#endif

static int open_eventfd(int *fd)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*fd >= 0)
		return 0;
	return mrt_fail(-errno, "no eventfd for a queue: %s; close files or raise ulimit -n",
			mho_strerror(-errno));
}

static void write_eventfd(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Number of writes since it was read last, 0 if there was none. */
static uint64_t read_eventfd(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count) ? count : 0;
}

/* ---- the thread ---- */

static void *pass_on(void *arg)
{
	struct accelb_event *e = arg;
	struct pollfd fds[2] = {
		{ .fd = e->fd, .events = POLLIN },
		{ .fd = e->stop, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return NULL;
		if (read_eventfd(e->fd))
			mrt_event_send(&e->ring, e->number(e->arg));
	}
}

static int start_thread(struct accelb_event *e)
{
	sigset_t all, old;
	int err;

	/* The application's signals are for its own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&e->thread, NULL, pass_on, e);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		return 0;
	return mrt_fail(-err, "no thread for a queue on the application's ring: %s",
			mho_strerror(-err));
}

static int init_ring(struct accelb_event *e, const struct accelb_dev *dev,
		     const struct mrt_queue_request *req)
{
	int err;

	err = mrt_notifier_init(&e->notifier, dev->io, dev->log);
	if (err)
		return err;
	err = mrt_event_init(&e->ring, &e->notifier, req->ring, req->ring_user_data);
	if (err)
		goto exit_notifier;
	err = open_eventfd(&e->stop);
	if (err)
		goto exit_event;
	err = start_thread(e);
	if (!err)
		return 0;
	close(e->stop);
exit_event:
	mrt_event_exit(&e->ring);
exit_notifier:
	mrt_notifier_exit(&e->notifier);
	return err;
}

/* ---- the owner ---- */

int accelb_event_init(struct accelb_event *e, const struct accelb_dev *dev,
		      const struct mrt_queue_request *req, uint32_t (*number)(void *arg), void *arg)
{
	int err;

	memset(e, 0, sizeof(*e));
	e->number = number;
	e->arg = arg;
	err = open_eventfd(&e->fd);
	if (err || !req->ring)
		return err;
	err = init_ring(e, dev, req);
	if (err)
		close(e->fd);
	else
		e->app = true;
	return err;
}

void accelb_event_exit(struct accelb_event *e)
{
	if (e->app) {
		write_eventfd(e->stop);
		pthread_join(e->thread, NULL);
		close(e->stop);
		mrt_event_exit(&e->ring);
		mrt_notifier_exit(&e->notifier);
	}
	close(e->fd);
}

int accelb_event_ask(struct accelb_event *e, const struct accelb_dev *dev, uint32_t syncobj)
{
	struct drm_syncobj_eventfd args = { .handle = syncobj, .fd = e->fd };
	int err;

	err = accelb_ioctl(dev->fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &args);
	if (!err)
		e->asked++;
	return err;
}

void accelb_event_due(struct accelb_event *e)
{
	e->due++;
}

void accelb_event_tell(struct accelb_event *e)
{
	e->asked++;
	e->due++;
	write_eventfd(e->fd);
}

void accelb_event_drain(struct accelb_event *e)
{
	struct pollfd p = { .fd = e->fd, .events = POLLIN };

	if (e->app)
		return;
	while (e->taken < e->due && poll(&p, 1, UNDER_WAY_MS) > 0)
		e->taken += read_eventfd(e->fd);
	if (e->taken < e->asked)
		e->taken += read_eventfd(e->fd);
}

void accelb_event_clear(struct accelb_event *e)
{
	if (!e->app)
		read_eventfd(e->fd);
}

void accelb_event_quiet(struct accelb_event *e, bool quiet)
{
	if (!e->app)
		return;
	if (quiet)
		mrt_event_prepare(&e->ring);
	else
		mrt_event_cancel(&e->ring);
}

int accelb_event_fd(const struct accelb_event *e)
{
	return e->app ? mrt_event_fd(&e->ring) : e->fd;
}
