// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The card falls off the bus, loses power, stands still. The driver lets go of what does not answer,
 * and a card that comes back works; its named weights are those that it had saved.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define SEED 91
#define LABEL "death"
/* No call may take longer, in seconds. */
#define PATIENCE 30

FIXTURE(death)
{
	struct mt_session s;
};

FIXTURE_SETUP(death)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(MT_TIMEOUT_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
}

/* Whatever is left of the card goes, and another one comes. */
FIXTURE_TEARDOWN(death)
{
	if (self->s.fd >= 0)
		mt_session_close(&self->s);
	EXPECT_EQ(0, mt_replace());
}

static bool is_gone(int ret)
{
	return ret == -EIO || ret == -ENODEV;
}

TEST_F(death, found_by_a_job)
{
	struct drm_mho_job nop = mt_job_nop();
	time_t start;

	ASSERT_EQ(0, mt_order("card kill"));
	start = time(NULL);
	if (!mt_submit(&self->s, &nop, 1)) {
		EXPECT_EQ(0, mt_result_wait(mt_results(&self->s)));
		EXPECT_TRUE(is_gone(mt_results(&self->s)->status));
	}
	EXPECT_TRUE(is_gone(mt_run_one(&self->s, &nop)));
	EXPECT_GE(PATIENCE, time(NULL) - start);
}

/* Removal with a job in flight, which nobody has missed yet. */
TEST_F(death, removed)
{
	struct drm_mho_job nop = mt_job_nop();
	time_t start;

	/* With a time-out that is far off: it would end the job, too. */
	mt_session_close(&self->s);
	ASSERT_EQ(0, mt_timeout(MT_FAR_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(0, mt_submit(&self->s, &nop, 1));
	ASSERT_EQ(0, mt_fault_taken("hang"));
	ASSERT_EQ(0, mt_order("card kill"));
	start = time(NULL);
	ASSERT_EQ(0, mt_remove());
	EXPECT_GE(PATIENCE, time(NULL) - start);
	EXPECT_EQ(DRM_MHO_RESULT_DONE, mt_results(&self->s)->done);
	EXPECT_TRUE(is_gone(mt_results(&self->s)->status));
	EXPECT_EQ(-ENODEV, mt_submit(&self->s, &nop, 1));
}

TEST_F(death, another_takes_its_place)
{
	ASSERT_EQ(0, mt_order("card kill"));
	ASSERT_EQ(0, mt_order("card unplug"));
	EXPECT_EQ(0, mt_card_wait(false));
	ASSERT_EQ(0, mt_order("card start"));
	ASSERT_EQ(0, mt_order("card plug"));
	ASSERT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, mt_works());
}

/* Off and on again. */
TEST_F(death, power_cycle_keeps_named_weights)
{
	uint32_t array;

	ASSERT_EQ(0, mt_model_make(&self->s, LABEL, SEED, &array));
	mt_session_close(&self->s);
	ASSERT_EQ(0, mt_order("card unplug"));
	ASSERT_EQ(0, mt_order("card off"));
	ASSERT_EQ(0, mt_order("card start"));
	ASSERT_EQ(0, mt_order("card plug"));
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_model_find(&self->s, LABEL, &array));
	EXPECT_EQ(0, mt_model_check(&self->s, array, SEED));
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, array));
}

/* A card that stands still for a while is slow, and nothing else. */
TEST_F(death, stands_still)
{
	struct drm_mho_job nop = mt_job_nop();
	int i;

	ASSERT_EQ(0, mt_order("card stop 1000"));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, mt_run_one(&self->s, &nop));
}

MHO_TEST_MAIN
