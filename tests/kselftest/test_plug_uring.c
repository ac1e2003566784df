// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The card is pulled, or dies, while io_uring commands are in flight: all are told, rings can be
 * closed, and the next card works.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"
#include "mho_test_uring.h"

#define ENTRIES (2 * MT_MANY)
/* No call may take longer, in s. */
#define PATIENCE 30

FIXTURE(plug_uring)
{
	struct mt_session s;
	struct mt_ring ring;
	struct drm_mho_uring_run run;
};

FIXTURE_SETUP(plug_uring)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(MT_FAR_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_ring_open(&self->ring, ENTRIES, IORING_SETUP_SQE128));
	self->run = (struct drm_mho_uring_run){ 0 };
	ASSERT_EQ(0, mt_prepare_nop(&self->s, DRM_MHO_JOB_FENCE, MT_MANY, &self->run.handle));
}

/* Another card comes, unless there is one that works. */
FIXTURE_TEARDOWN(plug_uring)
{
	mt_ring_close(&self->ring);
	if (self->s.fd >= 0)
		mt_session_close(&self->s);
	EXPECT_EQ(0, mt_replace());
}

/* What is with the device, and what waits in the driver. */
TEST_F(plug_uring, pulled_under_load)
{
	struct mt_cqe cqe;
	int i;

	ASSERT_EQ(0, mt_pin(&self->s));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, MT_MANY));
	ASSERT_EQ(0, mt_order("card unplug"));
	EXPECT_EQ(0, mt_card_wait(false));
	for (i = 0; i < MT_MANY; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		ASSERT_EQ(-ENODEV, cqe.res);
	}
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
	mt_ring_run(&self->ring, &self->s, &self->run, 0);
	EXPECT_EQ(-ENODEV, mt_ring_one(&self->ring));
	/* The old file lives beside the new node. */
	ASSERT_EQ(0, mt_order("card plug"));
	ASSERT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, mt_works());
	mt_ring_run(&self->ring, &self->s, &self->run, 0);
	EXPECT_EQ(-ENODEV, mt_ring_one(&self->ring));
}

/* What waits for a fence that comes only later. */
TEST_F(plug_uring, pulled_before_a_fence)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_hold hold;
	struct mt_cqe cqe;
	int i;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &nop, 1));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, MT_MANY));
	ASSERT_EQ(0, mt_order("card unplug"));
	EXPECT_EQ(0, mt_card_wait(false));
	mt_hold_release(&hold);
	for (i = 0; i < MT_MANY; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		ASSERT_EQ(-ENODEV, cqe.res);
	}
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
}

/* In the midst of jobs that are done; some were, the others are told. */
TEST_F(plug_uring, pulled_in_full_swing)
{
	unsigned int round, i, done = 0;
	struct mt_cqe cqe;

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, mt_order("fault cmd-delay 100"));
		ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, MT_MANY));
		ASSERT_EQ(0, mt_order("card unplug"));
		for (i = 0; i < MT_MANY; i++) {
			ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
			ASSERT_TRUE(!cqe.res || cqe.res == -ENODEV);
			done += !cqe.res;
		}
		EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
		mt_session_close(&self->s);
		ASSERT_EQ(0, mt_order("card plug"));
		ASSERT_EQ(0, mt_node_wait(true));
		ASSERT_EQ(0, mt_session_open(&self->s));
		ASSERT_EQ(0,
			  mt_prepare_nop(&self->s, DRM_MHO_JOB_FENCE, MT_MANY, &self->run.handle));
	}
	TH_LOG("%u of %u done", done, round * MT_MANY);
}

/* In the midst of sequences of three: each is done or told, and its results say no other thing. */
TEST_F(plug_uring, pulled_in_sequences)
{
	struct drm_mho_prepared_job jobs[3] = { 0 };
	struct drm_mho_prepare args = mt_prepare_args(&self->s, jobs, 3);
	const struct drm_mho_result *results = mt_results(&self->s);
	struct drm_mho_uring_run run = { 0 };
	unsigned int i, job, done = 0;
	struct mt_cqe cqe;

	for (i = 0; i < 3; i++)
		jobs[i].job.flags = DRM_MHO_JOB_FENCE;
	args.runs = MT_MANY;
	args.result_slots = MT_MANY;
	args.result_handle = self->s.results.handle;
	ASSERT_EQ(0, mt_prepare(self->s.fd, &args));
	run.handle = args.handle;
	ASSERT_EQ(0, mt_order("fault cmd-delay 100"));
	for (; run.result_slot < MT_MANY; run.result_slot++)
		ASSERT_NE(NULL, mt_ring_run(&self->ring, &self->s, &run, run.result_slot));
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	ASSERT_EQ(0, mt_order("card unplug"));
	for (i = 0; i < MT_MANY; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		ASSERT_EQ(i, cqe.user_data);
		ASSERT_TRUE(!cqe.res || cqe.res == -ENODEV);
		done += !cqe.res;
		for (job = 0; job < 3; job++)
			EXPECT_TRUE(results[3 * i + job].status == cqe.res ||
				    (cqe.res && !results[3 * i + job].status));
		EXPECT_EQ(cqe.res, results[3 * i + 2].status);
	}
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
	TH_LOG("%u of %d done", done, MT_MANY);
	mt_session_close(&self->s);
	ASSERT_EQ(0, mt_order("card plug"));
	ASSERT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, mt_works());
}

/* Batches: each ends once, and each of its jobs, as done before or as gone. */
TEST_F(plug_uring, pulled_with_batches)
{
	struct mt_batches batches;

	ASSERT_EQ(0, mt_pin(&self->s));
	ASSERT_EQ(0, mt_batches_fill(&self->ring, &self->s));
	ASSERT_EQ(0, mt_order("card unplug"));
	EXPECT_EQ(0, mt_batches_end(&self->ring, &self->s, -ENODEV, &batches));
	EXPECT_EQ(MT_BATCHES, batches.failed);
	EXPECT_EQ(MT_BATCHES_JOBS, batches.jobs_failed);
	mt_session_close(&self->s);
	ASSERT_EQ(0, mt_order("card plug"));
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_order("fault cmd-delay 30 %d", MT_BATCH));
	ASSERT_EQ(0, mt_batches_fill(&self->ring, &self->s));
	ASSERT_EQ(0, mt_result_wait(mt_results(&self->s)));
	ASSERT_EQ(0, mt_order("card unplug"));
	EXPECT_EQ(0, mt_batches_end(&self->ring, &self->s, -ENODEV, &batches));
	EXPECT_LT(0, batches.jobs_done);
	EXPECT_EQ(MT_BATCHES_JOBS, batches.jobs_done + batches.jobs_failed);
	TH_LOG("%u of %u jobs done", batches.jobs_done, MT_BATCHES_JOBS);
}

/* The ring goes after the card. */
TEST_F(plug_uring, ring_closed_after_the_card)
{
	ASSERT_EQ(0, mt_pin(&self->s));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, MT_MANY));
	ASSERT_EQ(0, mt_order("card unplug"));
	mt_ring_close(&self->ring);
	mt_session_close(&self->s);
	ASSERT_EQ(0, mt_order("card plug"));
	ASSERT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, mt_works());
}

/* Off the bus: reads are ones, and nobody said so. */
TEST_F(plug_uring, card_dies)
{
	struct mt_cqe cqe;
	time_t start;
	int i;

	mt_session_close(&self->s);
	ASSERT_EQ(0, mt_timeout(MT_TIMEOUT_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_prepare_nop(&self->s, DRM_MHO_JOB_FENCE, MT_MANY, &self->run.handle));
	ASSERT_EQ(0, mt_pin(&self->s));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, MT_MANY));
	ASSERT_EQ(0, mt_order("card kill"));
	start = time(NULL);
	for (i = 0; i < MT_MANY; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		ASSERT_TRUE(cqe.res == -ENODEV || cqe.res == -EIO);
	}
	EXPECT_GE(PATIENCE, time(NULL) - start);
}

MHO_TEST_MAIN
