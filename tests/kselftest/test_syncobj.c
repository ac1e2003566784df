// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * SUBMIT and syncobjs: binary ones, timelines, many of them; what a fence says of a job that
 * failed; fences from and for others.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include <mho_hw.h>

#include "mho_test.h"

FIXTURE(syncobj)
{
	struct mt_session s;
	struct drm_mho_job nop;
	struct drm_mho_submit args;
};

FIXTURE_SETUP(syncobj)
{
	ASSERT_EQ(0, mt_session_open(&self->s));
	self->nop = mt_job_nop();
	self->args = mt_submit_args(&self->s, &self->nop, 1);
}

FIXTURE_TEARDOWN(syncobj)
{
	mt_session_close(&self->s);
}

static int submit(int fd, struct drm_mho_submit *args, const struct drm_mho_sync *in,
		  uint32_t in_count, const struct drm_mho_sync *out, uint32_t out_count)
{
	args->in_syncs = in_count ? (uintptr_t)in : 0;
	args->in_sync_count = in_count;
	args->out_syncs = out_count ? (uintptr_t)out : 0;
	args->out_sync_count = out_count;
	return mt_ioctl(fd, DRM_IOCTL_MHO_SUBMIT, args);
}

static uint64_t last_point(int fd, uint32_t handle)
{
	uint64_t point = 0;
	struct drm_syncobj_timeline_array args = { .handles = (uintptr_t)&handle,
						   .points = (uintptr_t)&point,
						   .count_handles = 1 };

	return mt_ioctl(fd, DRM_IOCTL_SYNCOBJ_QUERY, &args) ? ~0ULL : point;
}

TEST_F(syncobj, binary)
{
	struct drm_mho_sync out = { 0 };

	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &out.handle));
	EXPECT_EQ(-EINVAL, mt_syncobj_wait(self->s.fd, out.handle, 0));
	ASSERT_EQ(0, submit(self->s.fd, &self->args, NULL, 0, &out, 1));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, out.handle, MT_WAIT_NS));
	EXPECT_EQ(DRM_MHO_RESULT_DONE, mt_results(&self->s)->done);
	EXPECT_EQ(1, mt_fence_status(self->s.fd, out.handle));
}

TEST_F(syncobj, timeline)
{
	struct drm_mho_sync out = { .flags = DRM_MHO_SYNC_TIMELINE };
	uint64_t point;

	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &out.handle));
	EXPECT_EQ(-ETIME, mt_timeline_wait(self->s.fd, out.handle, 7, MT_SHORT_NS));
	for (point = 7; point < 70; point += 7) {
		out.point = point;
		ASSERT_EQ(0, submit(self->s.fd, &self->args, NULL, 0, &out, 1));
	}
	ASSERT_EQ(0, mt_timeline_wait(self->s.fd, out.handle, 63, MT_WAIT_NS));
	EXPECT_EQ(0, mt_timeline_wait(self->s.fd, out.handle, 1, MT_WAIT_NS));
	EXPECT_EQ(63, last_point(self->s.fd, out.handle));
	EXPECT_EQ(-ETIME, mt_timeline_wait(self->s.fd, out.handle, 64, MT_SHORT_NS));
}

/* Not before the fence that it waits for; a whole chain of SUBMITs hangs on it. */
TEST_F(syncobj, waits)
{
	struct drm_mho_sync in[2] = { { .flags = DRM_MHO_SYNC_TIMELINE },
				      { .flags = DRM_MHO_SYNC_TIMELINE } };
	struct drm_mho_sync out = { .flags = DRM_MHO_SYNC_TIMELINE };
	struct mt_hold hold;
	uint64_t point;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &out.handle));
	in[0] = (struct drm_mho_sync){ .handle = hold.syncobj };
	for (point = 1; point <= 20; point++) {
		out.point = point;
		in[1] = out;
		in[1].point = point - 1;
		ASSERT_EQ(0, submit(self->s.fd, &self->args, in, point > 1 ? 2 : 1, &out, 1));
	}
	EXPECT_EQ(-ETIME, mt_timeline_wait(self->s.fd, out.handle, 1, MT_SHORT_NS));
	EXPECT_EQ(DRM_MHO_RESULT_PENDING, mt_results(&self->s)->done);
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_timeline_wait(self->s.fd, out.handle, 20, MT_WAIT_NS));
	EXPECT_EQ(DRM_MHO_RESULT_DONE, mt_results(&self->s)->done);
}

/* One context waits for another's jobs. */
TEST_F(syncobj, across_contexts)
{
	struct drm_mho_sync first = { 0 }, second = { 0 };
	struct drm_mho_sync held = { 0 };
	struct mt_hold hold;
	uint32_t ctx;

	ASSERT_EQ(0, mt_ctx_create(self->s.fd, &ctx));
	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &first.handle));
	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &second.handle));
	held.handle = hold.syncobj;
	ASSERT_EQ(0, submit(self->s.fd, &self->args, &held, 1, &first, 1));
	self->args.ctx = ctx;
	self->args.result_offset = sizeof(struct drm_mho_result);
	ASSERT_EQ(0, submit(self->s.fd, &self->args, &first, 1, &second, 1));
	EXPECT_EQ(-ETIME, mt_syncobj_wait(self->s.fd, second.handle, MT_SHORT_NS));
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, second.handle, MT_WAIT_NS));
	EXPECT_EQ(1, mt_fence_status(self->s.fd, first.handle));
}

/* Two files: a syncobj goes from one to the other as a descriptor. */
TEST_F(syncobj, across_files)
{
	struct drm_syncobj_handle export = { .fd = -1 };
	struct drm_syncobj_handle import = { 0 };
	struct drm_mho_sync held = { 0 }, first = { 0 }, theirs = { 0 }, second = { 0 };
	struct drm_mho_submit args;
	struct mt_session other;
	struct mt_hold hold;

	ASSERT_EQ(0, mt_session_open(&other));
	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	held.handle = hold.syncobj;
	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &first.handle));
	ASSERT_EQ(0, submit(self->s.fd, &self->args, &held, 1, &first, 1));
	export.handle = first.handle;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export));
	import.fd = export.fd;
	ASSERT_EQ(0, mt_ioctl(other.fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import));
	close(export.fd);
	theirs.handle = import.handle;
	second.handle = other.done;
	args = mt_submit_args(&other, &self->nop, 1);
	ASSERT_EQ(0, submit(other.fd, &args, &theirs, 1, &second, 1));
	EXPECT_EQ(-ETIME, mt_syncobj_wait(other.fd, other.done, MT_SHORT_NS));
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_syncobj_wait(other.fd, other.done, MT_WAIT_NS));
	mt_session_close(&other);
}

/* As many as there may be, all of them waited for, and all of them signalled. */
TEST_F(syncobj, many)
{
	struct drm_mho_sync in[DRM_MHO_SYNC_MAX + 1] = { 0 };
	struct drm_mho_sync out[DRM_MHO_SYNC_MAX + 1] = { 0 };
	struct drm_mho_sync last = { 0 };
	uint32_t i;

	for (i = 0; i <= DRM_MHO_SYNC_MAX; i++) {
		ASSERT_EQ(0, mt_syncobj_create(self->s.fd, DRM_SYNCOBJ_CREATE_SIGNALED,
					       &in[i].handle));
		ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &out[i].handle));
		if (i % 2) {
			out[i].flags = DRM_MHO_SYNC_TIMELINE;
			out[i].point = i;
		}
	}
	EXPECT_EQ(-EINVAL, submit(self->s.fd, &self->args, in, DRM_MHO_SYNC_MAX + 1, out, 1));
	EXPECT_EQ(-EINVAL, submit(self->s.fd, &self->args, in, 1, out, DRM_MHO_SYNC_MAX + 1));
	ASSERT_EQ(0, submit(self->s.fd, &self->args, in, DRM_MHO_SYNC_MAX, out, DRM_MHO_SYNC_MAX));
	for (i = 0; i < DRM_MHO_SYNC_MAX; i++) {
		EXPECT_EQ(0, out[i].point ?
				     mt_timeline_wait(self->s.fd, out[i].handle, i, MT_WAIT_NS) :
				     mt_syncobj_wait(self->s.fd, out[i].handle, MT_WAIT_NS));
	}
	/* What comes back can be waited for. */
	last.handle = self->s.done;
	ASSERT_EQ(0, submit(self->s.fd, &self->args, out, DRM_MHO_SYNC_MAX, &last, 1));
	EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
}

/* A syncobj in both lists: the old fence is waited for, the new one put in. */
TEST_F(syncobj, in_and_out)
{
	struct drm_mho_sync both = { .handle = self->s.done };
	int i;

	ASSERT_EQ(0, submit(self->s.fd, &self->args, NULL, 0, &both, 1));
	for (i = 0; i < 50; i++)
		ASSERT_EQ(0, submit(self->s.fd, &self->args, &both, 1, &both, 1));
	EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
}

/* Programs may wait for what nobody has submitted yet; the driver does not. */
TEST_F(syncobj, before_there_is_a_fence)
{
	struct drm_mho_sync in = { 0 }, out = { .handle = self->s.done };

	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &in.handle));
	EXPECT_EQ(-EINVAL, submit(self->s.fd, &self->args, &in, 1, &out, 1));
	in.flags = DRM_MHO_SYNC_TIMELINE;
	in.point = 5;
	EXPECT_EQ(-EINVAL, submit(self->s.fd, &self->args, &in, 1, &out, 1));
	/* All or nothing: the refused SUBMITs have put no fence into the out syncobj. */
	EXPECT_EQ(-EINVAL, mt_syncobj_wait(self->s.fd, self->s.done, 0));
}

TEST_F(syncobj, refused)
{
	struct drm_mho_sync good = { .handle = self->s.done }, bad;

	bad = (struct drm_mho_sync){ .handle = 999 };
	EXPECT_EQ(-ENOENT, submit(self->s.fd, &self->args, &bad, 1, &good, 1));
	EXPECT_EQ(-ENOENT, submit(self->s.fd, &self->args, NULL, 0, &bad, 1));
	bad = (struct drm_mho_sync){ .handle = self->s.done, .flags = 2 };
	EXPECT_EQ(-EINVAL, submit(self->s.fd, &self->args, NULL, 0, &bad, 1));
	bad = (struct drm_mho_sync){ .handle = self->s.done, .point = 1 };
	EXPECT_EQ(-EINVAL, submit(self->s.fd, &self->args, NULL, 0, &bad, 1));
	bad = (struct drm_mho_sync){ .handle = self->s.done, .flags = DRM_MHO_SYNC_TIMELINE };
	EXPECT_EQ(-EINVAL, submit(self->s.fd, &self->args, NULL, 0, &bad, 1));
	EXPECT_EQ(-EFAULT, submit(self->s.fd, &self->args, (void *)8, 1, &good, 1));
	EXPECT_EQ(-EFAULT, submit(self->s.fd, &self->args, NULL, 0, (void *)8, 1));
	/* The second of two. */
	{
		const struct drm_mho_sync two[2] = { good, { .handle = 999 } };

		EXPECT_EQ(-ENOENT, submit(self->s.fd, &self->args, NULL, 0, two, 2));
	}
	EXPECT_EQ(-EINVAL, mt_syncobj_wait(self->s.fd, self->s.done, 0));
}

/* NaN in an operand: the job says where, the others are done, the fence carries the error. */
TEST_F(syncobj, error)
{
	struct mt_session *s = &self->s;
	struct drm_mho_job jobs[3];
	const uint32_t place = 16 + 3;
	uint32_t array;

	ASSERT_EQ(0, mt_array_create(s->fd, 16, 16, &array));
	mt_fill(mt_data(s, MT_AT_X), 64, 1, 4);
	mt_data(s, MT_AT_X)[place] = NAN;
	memset(mt_data(s, MT_AT_Y), 0, 64 * sizeof(float));
	jobs[0] = mt_job_nop();
	jobs[1] = mt_job_vectors(s, array, DRM_MHO_OP_MVM, 4);
	jobs[2] = mt_job_nop();
	ASSERT_EQ(0, mt_run(s, jobs, 3));
	EXPECT_EQ(0, mt_results(s)[0].status);
	EXPECT_EQ(MHO_HW_ST_NOT_FINITE, mt_results(s)[1].status);
	EXPECT_EQ(place, mt_results(s)[1].detail);
	EXPECT_EQ(0, mt_results(s)[2].status);
	EXPECT_TRUE(mt_all_zero(mt_data(s, MT_AT_Y), 64 * sizeof(float)));
	EXPECT_EQ(-EDOM, mt_fence_status(s->fd, s->done));
	/* The next one has none. */
	ASSERT_EQ(0, mt_run(s, jobs, 1));
	EXPECT_EQ(1, mt_fence_status(s->fd, s->done));
}

/* A failed job does not keep those back that wait for it: they run. */
TEST_F(syncobj, error_of_a_dependency)
{
	struct mt_session *s = &self->s;
	struct drm_mho_sync in = { 0 }, out = { .handle = s->done };
	struct drm_mho_job job = { .op = DRM_MHO_OP_SCRUB };
	uint32_t array;

	ASSERT_EQ(0, mt_array_create(s->fd, 16, 16, &array));
	job.array = array;
	job.b_region = (struct drm_mho_region){ .row = 100, .rows = 1, .cols = 1 };
	ASSERT_EQ(MHO_HW_ST_BAD_REGION, mt_run_one(s, &job));
	in.handle = s->done;
	ASSERT_EQ(0, mt_syncobj_create(s->fd, 0, &out.handle));
	ASSERT_EQ(0, submit(s->fd, &self->args, &in, 1, &out, 1));
	ASSERT_EQ(0, mt_syncobj_wait(s->fd, out.handle, MT_WAIT_NS));
	EXPECT_EQ(0, mt_results(s)->status);
	EXPECT_EQ(1, mt_fence_status(s->fd, out.handle));
}

/* A fence as a sync_file: poll() tells when it signals, and it can be put into another syncobj. */
TEST_F(syncobj, sync_file)
{
	struct drm_syncobj_handle export = {
		.handle = self->s.done,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1
	};
	struct drm_mho_sync in = { 0 }, out = { 0 };
	struct sync_fence_info fence = { 0 };
	struct sync_file_info info = { .num_fences = 1, .sync_fence_info = (uintptr_t)&fence };
	struct mt_hold hold;
	struct pollfd p;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &self->nop, 1));
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export));
	p = (struct pollfd){ .fd = export.fd, .events = POLLIN };
	EXPECT_EQ(0, poll(&p, 1, 10));
	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &in.handle));
	ASSERT_EQ(0, mt_syncobj_import(self->s.fd, in.handle, export.fd));
	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &out.handle));
	ASSERT_EQ(0, submit(self->s.fd, &self->args, &in, 1, &out, 1));
	EXPECT_EQ(0, mt_fence_status(self->s.fd, out.handle));
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(1, poll(&p, 1, 60000));
	EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, out.handle, MT_WAIT_NS));
	ASSERT_EQ(0, mt_ioctl(export.fd, SYNC_IOC_FILE_INFO, &info));
	EXPECT_EQ(1, info.status);
	EXPECT_EQ(1, fence.status);
	close(export.fd);
}

TEST_F(syncobj, eventfd)
{
	struct drm_syncobj_eventfd args = { .handle = self->s.done, .fd = eventfd(0, 0) };
	struct mt_hold hold;
	struct pollfd p = { .fd = args.fd, .events = POLLIN };
	uint64_t count = 0;

	ASSERT_LE(0, args.fd);
	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &self->nop, 1));
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &args));
	EXPECT_EQ(0, poll(&p, 1, 10));
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(1, poll(&p, 1, 60000));
	ASSERT_EQ((ssize_t)sizeof(count), read(args.fd, &count, sizeof(count)));
	EXPECT_EQ(1, count);
	close(args.fd);
}

/* The end of a context ends what waits in it; that is said, too. */
TEST_F(syncobj, context_ends)
{
	struct drm_mho_job jobs[60];
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++)
		jobs[i] = self->nop;
	ASSERT_EQ(0, mt_submit(&self->s, jobs, MT_ARRAY_SIZE(jobs)));
	ASSERT_EQ(0, mt_ctx_destroy(self->s.fd, self->s.ctx));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++) {
		EXPECT_EQ(DRM_MHO_RESULT_DONE, mt_results(&self->s)[i].done);
		if (mt_results(&self->s)[i].status)
			EXPECT_EQ(-ECANCELED, mt_results(&self->s)[i].status);
	}
	EXPECT_EQ(-ENOENT, mt_submit(&self->s, &self->nop, 1));
}

/* Jobs that wait for an event that never comes do not keep a context alive. */
TEST_F(syncobj, context_ends_before_its_fences)
{
	struct mt_hold hold;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &self->nop, 1));
	ASSERT_EQ(0, mt_ctx_destroy(self->s.fd, self->s.ctx));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
	EXPECT_EQ(DRM_MHO_RESULT_DONE, mt_results(&self->s)->done);
	EXPECT_EQ(-ECANCELED, mt_results(&self->s)->status);
	EXPECT_GT(0, mt_fence_status(self->s.fd, self->s.done));
	mt_hold_release(&hold);
}

/* Whoever holds a fence may ask it what it is, when its context and even its file are gone. */
TEST_F(syncobj, fence_outlives_context)
{
	struct drm_syncobj_handle export = {
		.handle = self->s.done,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1
	};
	struct sync_fence_info fence = { 0 };
	struct sync_file_info info = { .num_fences = 1, .sync_fence_info = (uintptr_t)&fence };

	ASSERT_EQ(0, mt_submit(&self->s, &self->nop, 1));
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
	ASSERT_EQ(0, mt_ctx_destroy(self->s.fd, self->s.ctx));
	mt_session_close(&self->s);
	/* What is freed after a grace period is freed by then: the kernel gathers it for 5 s. */
	sleep(7);
	ASSERT_EQ(0, mt_ioctl(export.fd, SYNC_IOC_FILE_INFO, &info));
	EXPECT_EQ(1, info.status);
	EXPECT_NE(0, fence.obj_name[0]);
	close(export.fd);
	ASSERT_EQ(0, mt_session_open(&self->s));
}

MHO_TEST_MAIN
