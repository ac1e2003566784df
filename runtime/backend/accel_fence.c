// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Fences of a card's queue as sync files. Both ways in share this: jobs of a context
 * start in the order in which they were submitted, by whatever way, so that a job that
 * does nothing stands for all before it, or holds back all after it.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <xf86drm.h>

#include "backend/accel_queue.h"
#include "core/trace.h"

/* A job that does nothing, between syncobjs. */
static int submit_marker(struct accelb_queue *q, uint8_t flags, uint32_t in, uint32_t out)
{
	struct drm_mho_job job = { .op = DRM_MHO_OP_NOP, .flags = flags };
	struct drm_mho_sync syncs[] = { { .handle = in }, { .handle = out } };
	struct drm_mho_submit args = {
		.ctx = q->ctx,
		.jobs = (uintptr_t)&job,
		.job_count = 1,
		.job_stride = sizeof(job),
		.in_syncs = in ? (uintptr_t)&syncs[0] : 0,
		.in_sync_count = in ? 1 : 0,
		.out_syncs = out ? (uintptr_t)&syncs[1] : 0,
		.out_sync_count = out ? 1 : 0,
	};

	int err = accelb_ioctl(q->dev->fd, DRM_IOCTL_MHO_SUBMIT, &args);

	if (!err)
		mrt_trace_aside(q->base.trace);
	return err;
}

/* Where the driver takes no jobs any more, all that there were are over. */
static int signalled(int *fd)
{
	*fd = eventfd(1, EFD_CLOEXEC);
	return *fd < 0 ? mrt_fail(-errno, "no descriptor for a fence: %s", mho_strerror(-errno)) :
			 0;
}

int accelb_fence_export(struct mrt_bqueue *base, int *fd)
{
	struct accelb_queue *q = accelb_queue_of(base);
	uint32_t syncobj;
	int err;

	q->way->kick(q);
	if (drmSyncobjCreate(q->dev->fd, 0, &syncobj))
		return errno == ENODEV ? signalled(fd) : accelb_fail(-errno, "making a fence");
	err = submit_marker(q, DRM_MHO_JOB_FENCE, 0, syncobj);
	if (!err && drmSyncobjExportSyncFile(q->dev->fd, syncobj, fd))
		err = accelb_fail(-errno, "making a descriptor for a fence");
	else if (err == -ENODEV || err == -EIO)
		err = signalled(fd);
	else if (err)
		err = accelb_fail(err, "making a fence");
	drmSyncobjDestroy(q->dev->fd, syncobj);
	return err;
}

int accelb_fence_import(struct mrt_bqueue *base, int fd)
{
	struct accelb_queue *q = accelb_queue_of(base);
	uint32_t syncobj;
	int err;

	if (drmSyncobjCreate(q->dev->fd, 0, &syncobj))
		return -EOPNOTSUPP;
	err = drmSyncobjImportSyncFile(q->dev->fd, syncobj, fd) ? -EOPNOTSUPP : 0;
	if (!err) {
		q->way->kick(q);
		/* Refused: the library waits itself. */
		err = submit_marker(q, 0, syncobj, 0) ? -EOPNOTSUPP : 0;
	}
	drmSyncobjDestroy(q->dev->fd, syncobj);
	return err;
}
