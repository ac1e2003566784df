// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Jobs that never end: who is told what, who does not notice, and what still works afterwards.
 * From a job that hangs to a device that does not even reset.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define GUILTY_SEED 21
#define INNOCENT_SEED 22
#define JOBS 3

/* Two files, each with a model. */
FIXTURE(hang)
{
	struct mt_session guilty;
	struct mt_session innocent;
	uint32_t guilty_array;
	uint32_t innocent_array;
	int64_t resets;
};

FIXTURE_SETUP(hang)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_session_open(&self->innocent));
	ASSERT_EQ(0, mt_timeout(MT_TIMEOUT_MS));
	ASSERT_EQ(0, mt_session_open(&self->guilty));
	ASSERT_EQ(0, mt_model_make(&self->innocent, NULL, INNOCENT_SEED, &self->innocent_array));
	ASSERT_EQ(0, mt_model_make(&self->guilty, NULL, GUILTY_SEED, &self->guilty_array));
	self->resets = mt_card_number("resets");
	ASSERT_LE(0, self->resets);
}

FIXTURE_TEARDOWN(hang)
{
	mt_session_close(&self->guilty);
	mt_session_close(&self->innocent);
	EXPECT_EQ(0, mt_repair());
}

static struct drm_mho_ctx_state ctx_state(const struct mt_session *s)
{
	struct drm_mho_ctx_state state = { 0 };

	mt_query(s->fd, DRM_MHO_QUERY_CTX, s->ctx, &state, sizeof(state));
	return state;
}

/* The first job of a SUBMIT hangs; another SUBMIT waits behind it. */
TEST_F(hang, one_job)
{
	struct drm_mho_job jobs[JOBS];
	struct drm_mho_job later;
	struct drm_mho_submit args;
	struct drm_mho_sync out = { 0 };
	int i;

	for (i = 0; i < JOBS; i++)
		jobs[i] = mt_model_job(&self->guilty, self->guilty_array);
	later = mt_model_job(&self->guilty, self->guilty_array);
	later.flags = DRM_MHO_JOB_FENCE;
	ASSERT_EQ(0, mt_syncobj_create(self->guilty.fd, 0, &out.handle));
	args = mt_submit_args(&self->guilty, &later, 1);
	args.result_offset = JOBS * sizeof(struct drm_mho_result);
	args.out_syncs = (uintptr_t)&out;
	args.out_sync_count = 1;

	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(0, mt_submit(&self->guilty, jobs, JOBS));
	ASSERT_EQ(0, mt_ioctl(self->guilty.fd, DRM_IOCTL_MHO_SUBMIT, &args));
	ASSERT_EQ(0, mt_fault_taken("hang"));
	/* Others do not notice. */
	EXPECT_EQ(0, mt_model_check(&self->innocent, self->innocent_array, INNOCENT_SEED));
	EXPECT_EQ(0, mt_fence_status(self->guilty.fd, self->guilty.done));

	EXPECT_EQ(0, mt_syncobj_wait(self->guilty.fd, self->guilty.done, MT_WAIT_NS));
	EXPECT_EQ(-ETIME, mt_fence_status(self->guilty.fd, self->guilty.done));
	EXPECT_EQ(-ETIME, mt_results(&self->guilty)[0].status);
	for (i = 1; i < JOBS; i++)
		EXPECT_EQ(-ECANCELED, mt_results(&self->guilty)[i].status);
	/* The other SUBMIT only reads: it is done, after all. */
	EXPECT_EQ(0, mt_syncobj_wait(self->guilty.fd, out.handle, MT_WAIT_NS));
	EXPECT_EQ(1, mt_fence_status(self->guilty.fd, out.handle));
	EXPECT_EQ(0, mt_results(&self->guilty)[JOBS].status);
	EXPECT_TRUE(mt_model_right(&self->guilty, GUILTY_SEED));

	EXPECT_EQ(1, ctx_state(&self->guilty).guilty);
	EXPECT_EQ(0, ctx_state(&self->innocent).guilty);
	EXPECT_EQ(0, ctx_state(&self->innocent).innocent);
	EXPECT_EQ(self->resets, mt_card_number("resets"));
	EXPECT_EQ(0, mt_model_check(&self->guilty, self->guilty_array, GUILTY_SEED));
}

/* A job in the middle: what was done before stays done. */
TEST_F(hang, job_in_the_middle)
{
	struct drm_mho_job jobs[2] = { mt_model_job(&self->guilty, self->guilty_array),
				       mt_job_nop() };

	jobs[1].flags = DRM_MHO_JOB_FENCE;
	ASSERT_EQ(0, mt_run(&self->guilty, jobs, 1));
	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(0, mt_run(&self->guilty, &jobs[1], 1));
	EXPECT_EQ(-ETIME, mt_results(&self->guilty)[0].status);
	ASSERT_EQ(0, mt_run(&self->guilty, jobs, 2));
	EXPECT_EQ(0, mt_results(&self->guilty)[0].status);
	EXPECT_EQ(0, mt_results(&self->guilty)[1].status);
	EXPECT_TRUE(mt_model_right(&self->guilty, GUILTY_SEED));
}

/* A queue that cannot be reset takes the whole device with it; the innocent are done again. */
TEST_F(hang, queue_that_does_not_reset)
{
	struct drm_mho_job job = mt_model_job(&self->innocent, self->innocent_array);
	struct drm_mho_job nop = mt_job_nop();

	ASSERT_EQ(0, mt_order("fault cmd-delay %d", MT_DELAY_MS));
	ASSERT_EQ(0, mt_submit(&self->innocent, &job, 1));
	ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
	ASSERT_EQ(0, mt_order("fault hang-hard"));
	ASSERT_EQ(0, mt_submit(&self->guilty, &nop, 1));
	ASSERT_EQ(0, mt_fault_taken("hang-hard"));

	EXPECT_EQ(0, mt_syncobj_wait(self->guilty.fd, self->guilty.done, MT_WAIT_NS));
	EXPECT_EQ(-ETIME, mt_results(&self->guilty)[0].status);
	EXPECT_EQ(0, mt_syncobj_wait(self->innocent.fd, self->innocent.done, MT_WAIT_NS));
	EXPECT_EQ(0, mt_results(&self->innocent)[0].status);
	EXPECT_TRUE(mt_model_right(&self->innocent, INNOCENT_SEED));

	EXPECT_EQ(self->resets + 1, mt_card_number("resets"));
	EXPECT_EQ(1, ctx_state(&self->guilty).guilty);
	EXPECT_EQ(0, ctx_state(&self->innocent).guilty);
	EXPECT_EQ(1, ctx_state(&self->innocent).innocent);
	EXPECT_EQ(0, mt_model_check(&self->guilty, self->guilty_array, GUILTY_SEED));
	EXPECT_EQ(0, mt_model_check(&self->innocent, self->innocent_array, INNOCENT_SEED));
}

/* Firmware that does not answer: the call fails, the device is reset, all goes on. */
TEST_F(hang, admin_command)
{
	int64_t steps = MT_WAIT_NS / 20000000;
	struct mt_buffer buffer;

	ASSERT_EQ(0, mt_order("fault admin-hang"));
	EXPECT_EQ(-ETIMEDOUT, mt_buffer_create(self->innocent.fd, 4096, &buffer));
	while (mt_card_number("resets") == self->resets && steps--)
		usleep(20000);
	EXPECT_EQ(self->resets + 1, mt_card_number("resets"));
	EXPECT_EQ(0, mt_model_check(&self->guilty, self->guilty_array, GUILTY_SEED));
	EXPECT_EQ(0, mt_model_check(&self->innocent, self->innocent_array, INNOCENT_SEED));
	EXPECT_EQ(0, mt_buffer_create(self->innocent.fd, 4096, &buffer));
}

/* A device that is beyond help: everybody is told, nobody waits, the driver can start anew. */
TEST_F(hang, reset_that_does_not_end)
{
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_DEVICE };
	struct drm_mho_job nop = mt_job_nop();
	struct mt_buffer buffer;
	int events = mt_event_open();
	uint32_t handle;

	ASSERT_LE(0, events);
	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(0, mt_submit(&self->innocent, &nop, 1));
	ASSERT_EQ(0, mt_fault_taken("hang"));
	ASSERT_EQ(0, mt_order("fault reset-hang"));
	EXPECT_EQ(-ETIMEDOUT, mt_ioctl(self->guilty.fd, DRM_IOCTL_MHO_RESET, &reset));
	EXPECT_EQ(0, mt_event_wait(events, "WEDGED=rebind"));
	EXPECT_EQ(0, mt_syncobj_wait(self->innocent.fd, self->innocent.done, MT_WAIT_NS));
	EXPECT_EQ(-EIO, mt_results(&self->innocent)[0].status);

	EXPECT_EQ(-EIO, mt_run_one(&self->guilty, &nop));
	EXPECT_EQ(-EIO, mt_buffer_create(self->guilty.fd, 4096, &buffer));
	EXPECT_EQ(-EIO, mt_array_create(self->guilty.fd, 8, 8, &handle));
	EXPECT_EQ(-EIO, mt_ioctl(self->guilty.fd, DRM_IOCTL_MHO_RESET, &reset));
	close(events);

	mt_control("clear", NULL, 0);
	ASSERT_EQ(0, mt_unbind());
	ASSERT_EQ(0, mt_bind());
	EXPECT_EQ(0, mt_works());
}

MHO_TEST_MAIN
