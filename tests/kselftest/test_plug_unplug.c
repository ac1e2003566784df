// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The card is pulled in good order, and plugged again: idle, in use, with jobs in flight, with
 * mapped buffers. What the driver must do then is in the kernel's drm-uapi, "Device Hot-Unplug".
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define LABEL "unplug"
#define SEED 11

FIXTURE(unplug)
{
	struct mt_session s;
};

FIXTURE_SETUP(unplug)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(MT_FAR_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
}

FIXTURE_TEARDOWN(unplug)
{
	if (self->s.fd >= 0)
		mt_session_close(&self->s);
	if (!mt_node())
		mt_order("card plug");
	EXPECT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, mt_repair());
}

TEST_F(unplug, idle)
{
	mt_session_close(&self->s);
	EXPECT_EQ(0, mt_order("card unplug"));
	EXPECT_EQ(0, mt_card_wait(false));
	EXPECT_EQ(-ENODEV, mt_open());
	EXPECT_EQ(0, mt_order("card plug"));
	EXPECT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, mt_works());
}

/* Calls say that the device is gone, and the module stays as long as the file. */
TEST_F(unplug, open_file)
{
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_info info;
	struct mt_buffer buffer;
	uint32_t handle;

	ASSERT_EQ(0, mt_order("card unplug"));
	EXPECT_EQ(0, mt_card_wait(false));
	EXPECT_EQ(-ENODEV, mt_submit(&self->s, &nop, 1));
	EXPECT_EQ(-ENODEV, mt_buffer_create(self->s.fd, 4096, &buffer));
	EXPECT_EQ(-ENODEV, mt_ctx_create(self->s.fd, &handle));
	EXPECT_EQ(-ENODEV, mt_array_create(self->s.fd, 8, 8, &handle));
	EXPECT_EQ(-ENODEV, mt_query(self->s.fd, DRM_MHO_QUERY_INFO, 0, &info, sizeof(info)));
	EXPECT_EQ(-EWOULDBLOCK, mt_module_unload());
	mt_session_close(&self->s);
	EXPECT_EQ(0, mt_module_unload());
	EXPECT_EQ(0, mt_module_load(""));
}

/* Memory stays what it is: no signal, no loss. */
TEST_F(unplug, mapped_buffer)
{
	float *data = mt_data(&self->s, 0);
	float want[64];

	mt_fill(data, 64, 1, 5);
	mt_fill(want, 64, 1, 5);
	ASSERT_EQ(0, mt_order("card unplug"));
	EXPECT_EQ(0, mt_card_wait(false));
	EXPECT_EQ(0, memcmp(data, want, sizeof(want)));
	data[0] = 3;
	EXPECT_EQ(3, data[0]);
	/* Also a page that nobody has touched yet. */
	data[MT_DATA_SIZE / sizeof(float) - 1] = 4;
	EXPECT_EQ(4, data[MT_DATA_SIZE / sizeof(float) - 1]);
}

/* The fence of a syncobj as a file, which can be asked without the device. */
static int fence_file(const struct mt_session *s)
{
	struct drm_syncobj_handle args = {
		.handle = s->done,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	int ret = mt_ioctl(s->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	return ret ? ret : args.fd;
}

/* 1, 0 for not yet, or its error. */
static int fence_file_status(int file)
{
	struct sync_file_info info = { 0 };

	return ioctl(file, SYNC_IOC_FILE_INFO, &info) ? -errno : info.status;
}

/* A job that the device works on. */
TEST_F(unplug, job_in_flight)
{
	struct drm_mho_job job;
	uint32_t array;
	int fence;

	ASSERT_EQ(0, mt_model_make(&self->s, NULL, SEED, &array));
	job = mt_model_job(&self->s, array);
	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(0, mt_submit(&self->s, &job, 1));
	ASSERT_EQ(0, mt_fault_taken("hang"));
	fence = fence_file(&self->s);
	ASSERT_LE(0, fence);
	EXPECT_EQ(0, fence_file_status(fence));
	ASSERT_EQ(0, mt_order("card unplug"));
	EXPECT_EQ(0, mt_card_wait(false));
	/* Who waits is told at once, not at the end of its patience. */
	EXPECT_EQ(-ENODEV, fence_file_status(fence));
	close(fence);
	EXPECT_EQ(DRM_MHO_RESULT_DONE, mt_results(&self->s)->done);
	EXPECT_EQ(-ENODEV, mt_results(&self->s)->status);
}

/* A job that waits for a fence that nobody has signalled is not with the device at all. */
TEST_F(unplug, job_that_waits)
{
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(&self->s, &nop, 1);
	struct drm_mho_sync in = { .handle = self->s.done }, out = { 0 };

	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &out.handle));
	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(0, mt_submit(&self->s, &nop, 1));
	ASSERT_EQ(0, mt_fault_taken("hang"));
	args.in_syncs = (uintptr_t)&in;
	args.in_sync_count = 1;
	args.out_syncs = (uintptr_t)&out;
	args.out_sync_count = 1;
	args.result_offset = sizeof(struct drm_mho_result);
	ASSERT_EQ(0, mt_ctx_create(self->s.fd, &args.ctx));
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
	ASSERT_EQ(0, mt_order("card unplug"));
	EXPECT_EQ(0, mt_card_wait(false));
	EXPECT_EQ(-ENODEV, mt_results(&self->s)[0].status);
	/* What waited for the device's jobs goes after them, on its own. */
	EXPECT_EQ(0, mt_result_wait(&mt_results(&self->s)[1]));
	EXPECT_EQ(-ENODEV, mt_results(&self->s)[1].status);
}

/* Time after time; named weights are the card's and come back with it. */
TEST_F(unplug, replug_keeps_named_weights)
{
	uint32_t array;
	int i;

	ASSERT_EQ(0, mt_model_make(&self->s, LABEL, SEED, &array));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, mt_order("card unplug"));
		mt_session_close(&self->s);
		ASSERT_EQ(0, mt_order("card plug"));
		ASSERT_EQ(0, mt_node_wait(true));
		ASSERT_EQ(0, mt_session_open(&self->s));
		ASSERT_EQ(0, mt_model_find(&self->s, LABEL, &array));
		ASSERT_EQ(0, mt_model_check(&self->s, array, SEED));
	}
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, array));
}

/* The old file and the new node live side by side. */
TEST_F(unplug, old_file_beside_new_node)
{
	struct drm_mho_job nop = mt_job_nop();

	ASSERT_EQ(0, mt_order("card unplug"));
	ASSERT_EQ(0, mt_order("card plug"));
	ASSERT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, mt_works());
	EXPECT_EQ(-ENODEV, mt_submit(&self->s, &nop, 1));
}

MHO_TEST_MAIN
