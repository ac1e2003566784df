// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A card that answers all reads with ones, as one that has fallen off its slot. Nobody waits for
 * it for ever, and when it is back the driver can be bound again.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

/* No call may take longer, in seconds. A driver that polls for ever takes all of the case's time. */
#define PATIENCE 30

FIXTURE(gone)
{
	struct mt_session s;
};

FIXTURE_SETUP(gone)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(MT_TIMEOUT_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
}

FIXTURE_TEARDOWN(gone)
{
	mt_control("clear", NULL, 0);
	mt_session_close(&self->s);
	mt_unbind();
	EXPECT_EQ(0, mt_repair());
}

/* -EIO: given up; -ENODEV: gone. */
static bool is_gone(int ret)
{
	return ret == -EIO || ret == -ENODEV;
}

TEST_F(gone, job_in_flight)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_buffer buffer;
	uint32_t handle;
	time_t start;
	int events = mt_event_open();

	ASSERT_LE(0, events);
	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(0, mt_submit(&self->s, &nop, 1));
	ASSERT_EQ(0, mt_fault_taken("hang"));
	ASSERT_EQ(0, mt_order("fault mmio-ones on"));
	start = time(NULL);
	EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
	EXPECT_TRUE(is_gone(mt_results(&self->s)[0].status));
	EXPECT_EQ(0, mt_event_wait(events, "WEDGED=rebind"));
	EXPECT_TRUE(is_gone(mt_run_one(&self->s, &nop)));
	EXPECT_TRUE(is_gone(mt_buffer_create(self->s.fd, 4096, &buffer)));
	EXPECT_TRUE(is_gone(mt_array_create(self->s.fd, 8, 8, &handle)));
	EXPECT_GE(PATIENCE, time(NULL) - start);
	close(events);
}

/* Unbinding does not wait for a device that cannot answer. */
TEST_F(gone, unbind)
{
	time_t start = time(NULL);

	ASSERT_EQ(0, mt_order("fault mmio-ones on"));
	EXPECT_EQ(0, mt_unbind());
	EXPECT_GE(PATIENCE, time(NULL) - start);
	EXPECT_EQ(-ENODEV, mt_open());
	/* A device that is not there cannot be bound, and may be again when it is. */
	EXPECT_GT(0, mt_bind());
	ASSERT_EQ(0, mt_order("fault mmio-ones off"));
	EXPECT_EQ(0, mt_bind());
	EXPECT_EQ(0, mt_works());
}

MHO_TEST_MAIN
