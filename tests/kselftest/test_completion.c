// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Completions and interrupts that are lost, wrong, late or too many; DMA that fails. Nobody gets the
 * answer to another's question, and the next job is right.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define SEED 31
#define MANY 200
/* Of the slow device, in ms: less than the time-out of a job. */
#define SLOW_MS 1000

FIXTURE(completion)
{
	struct mt_session s;
	uint32_t array;
	int64_t bad;
	int64_t lost;
	int64_t resets;
};

static uint32_t guilty(const struct mt_session *s)
{
	struct drm_mho_ctx_state state = { .guilty = 999 };

	mt_query(s->fd, DRM_MHO_QUERY_CTX, s->ctx, &state, sizeof(state));
	return state.guilty;
}

FIXTURE_SETUP(completion)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(2 * MT_TIMEOUT_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_model_make(&self->s, NULL, SEED, &self->array));
	self->bad = mt_card_number("bad_completions");
	self->lost = mt_card_number("lost_interrupts");
	self->resets = mt_card_number("resets");
	ASSERT_LE(0, self->bad);
	ASSERT_LE(0, self->lost);
	ASSERT_LE(0, self->resets);
}

/* Whatever it was, the device as a whole was not reset, and the session goes on. */
FIXTURE_TEARDOWN(completion)
{
	mt_control("clear", NULL, 0);
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
	EXPECT_EQ(self->resets, mt_card_number("resets"));
	mt_session_close(&self->s);
	EXPECT_EQ(0, mt_repair());
}

/* It cannot be told from a job that hangs. */
TEST_F(completion, lost)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);

	ASSERT_EQ(0, mt_order("fault cqe-lose"));
	EXPECT_EQ(-ETIME, mt_run_one(&self->s, &job));
	EXPECT_EQ(1, guilty(&self->s));
}

TEST_F(completion, duplicate)
{
	struct drm_mho_job jobs[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		jobs[i] = mt_job_nop();
	jobs[MANY - 1] = mt_model_job(&self->s, self->array);
	ASSERT_EQ(0, mt_order("fault cqe-duplicate %d", MANY / 2));
	ASSERT_EQ(0, mt_run(&self->s, jobs, MANY));
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(0, mt_results(&self->s)[i].status);
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	EXPECT_EQ(1, mt_fence_status(self->s.fd, self->s.done));
	/* Some come too early for the ring's room; each that came was seen through. */
	EXPECT_LT(self->bad, mt_card_number("bad_completions"));
	EXPECT_EQ(0, guilty(&self->s));
}

TEST_F(completion, of_nobody)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);

	ASSERT_EQ(0, mt_order("fault cqe-bad-cid"));
	EXPECT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	EXPECT_EQ(self->bad + 1, mt_card_number("bad_completions"));
	EXPECT_EQ(0, guilty(&self->s));
}

TEST_F(completion, garbage)
{
	struct drm_mho_job job = mt_job_nop();

	ASSERT_EQ(0, mt_order("fault cqe-garbage"));
	EXPECT_LT(0, mt_run_one(&self->s, &job));
	EXPECT_EQ(-EIO, mt_fence_status(self->s.fd, self->s.done));
	EXPECT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_EQ(1, mt_fence_status(self->s.fd, self->s.done));
}

TEST_F(completion, error)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);

	ASSERT_EQ(0, mt_order("fault cmd-error DMA_FAULT"));
	EXPECT_EQ(MHO_HW_ST_DMA_FAULT, mt_run_one(&self->s, &job));
	EXPECT_EQ(-EIO, mt_fence_status(self->s.fd, self->s.done));
}

/* Slow is not hung. */
TEST_F(completion, late)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);

	ASSERT_EQ(0, mt_order("fault cmd-delay %d 2", SLOW_MS));
	EXPECT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	EXPECT_EQ(0, guilty(&self->s));
}

TEST_F(completion, slow_registers)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);
	int i;

	ASSERT_EQ(0, mt_order("fault mmio-delay 50 20"));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	EXPECT_EQ(0, guilty(&self->s));
}

/* The ring is read again before anybody is blamed. */
TEST_F(completion, lost_interrupt)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);

	ASSERT_EQ(0, mt_order("fault irq-drop"));
	EXPECT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	EXPECT_EQ(self->lost + 1, mt_card_number("lost_interrupts"));
	EXPECT_EQ(0, guilty(&self->s));
}

/*
 * Those of admin commands: the answer is looked for before its time is over. A device that is quick
 * may have answered before anybody waits.
 */
TEST_F(completion, lost_admin_interrupts)
{
	struct mt_buffer buffer;
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, mt_order("fault irq-drop"));
		ASSERT_EQ(0, mt_buffer_create(self->s.fd, 4096, &buffer));
		mt_buffer_destroy(self->s.fd, &buffer);
	}
	EXPECT_LT(self->lost, mt_card_number("lost_interrupts"));
}

TEST_F(completion, too_many_interrupts)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);
	int i;

	ASSERT_EQ(0, mt_order("fault irq-duplicate 20"));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, mt_order("fault irq-spurious 0 500"));
		ASSERT_EQ(0, mt_order("fault irq-spurious 1 500"));
		ASSERT_EQ(0, mt_run_one(&self->s, &job));
	}
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	EXPECT_EQ(self->bad, mt_card_number("bad_completions"));
	EXPECT_EQ(0, mt_log_count("nobody cared"));
	EXPECT_EQ(0, guilty(&self->s));
}

/* The device says of what it failed: of an operand, or of a ring, which stops the queue. */
TEST_F(completion, failed_dma)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);
	int status;

	ASSERT_EQ(0, mt_order("expect could not be reached"));
	ASSERT_EQ(0, mt_order("fault dma-fail"));
	status = mt_run_one(&self->s, &job);
	EXPECT_TRUE(status == -EIO || status == MHO_HW_ST_DMA_FAULT);
	EXPECT_EQ(-EIO, mt_fence_status(self->s.fd, self->s.done));
}

MHO_TEST_MAIN
