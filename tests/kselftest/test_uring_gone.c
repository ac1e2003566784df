// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What goes wrong while commands are in flight: jobs, queues, resets that hang; completions and
 * interrupts that are lost; resets of the device and of the function; the driver that leaves. Each
 * command is told what became of its job, and what was prepared works afterwards.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"
#include "mho_test_uring.h"

#define SEED 51
#define ENTRIES (2 * MT_MANY)
/* Jobs of a sequence, and runs of it at once. */
#define SEQUENCE 3
#define RUNS 64
/* No call may take longer, in s. */
#define PATIENCE 30

/* A file with a model and what is prepared of it. */
struct user {
	struct mt_session s;
	uint32_t array;
	struct drm_mho_uring_run nop; /* waits for all before it */
	struct drm_mho_uring_run mvm; /* likewise; a product with the model */
	struct drm_mho_uring_run steps; /* SEQUENCE jobs, of which the middle one is the product */
};

FIXTURE(uring_gone)
{
	struct user user;
	struct user other;
	struct mt_ring ring;
	int64_t resets;
};

static int prepare_steps(struct user *user)
{
	struct drm_mho_prepared_job jobs[SEQUENCE] = { 0 };
	struct drm_mho_prepare args = mt_prepare_args(&user->s, jobs, SEQUENCE);
	int i, ret;

	jobs[1].job = mt_model_job(&user->s, user->array);
	for (i = 0; i < SEQUENCE; i++)
		jobs[i].job.flags = DRM_MHO_JOB_FENCE;
	args.runs = RUNS;
	args.result_slots = RUNS;
	args.result_handle = user->s.results.handle;
	ret = mt_prepare(user->s.fd, &args);
	user->steps.handle = args.handle;
	return ret;
}

static int open_user(struct user *user)
{
	struct drm_mho_prepared_job mvm = { 0 };
	struct drm_mho_prepare args;
	int ret;

	memset(user, 0, sizeof(*user));
	ret = mt_session_open(&user->s);
	if (!ret)
		ret = mt_model_make(&user->s, NULL, SEED, &user->array);
	if (!ret)
		ret = mt_prepare_nop(&user->s, DRM_MHO_JOB_FENCE, MT_MANY, &user->nop.handle);
	if (ret)
		return ret;
	mvm.job = mt_model_job(&user->s, user->array);
	mvm.job.flags = DRM_MHO_JOB_FENCE;
	args = mt_prepare_args(&user->s, &mvm, 1);
	args.runs = 8;
	args.result_handle = user->s.results.handle;
	ret = mt_prepare(user->s.fd, &args);
	user->mvm.handle = args.handle;
	return ret ? ret : prepare_steps(user);
}

FIXTURE_SETUP(uring_gone)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_ring_open(&self->ring, ENTRIES, IORING_SETUP_SQE128));
	ASSERT_EQ(0, open_user(&self->other));
	ASSERT_EQ(0, mt_timeout(MT_TIMEOUT_MS));
	ASSERT_EQ(0, open_user(&self->user));
	self->resets = mt_card_number("resets");
}

FIXTURE_TEARDOWN(uring_gone)
{
	mt_control("clear", NULL, 0);
	mt_ring_close(&self->ring);
	mt_session_close(&self->user.s);
	mt_session_close(&self->other.s);
	EXPECT_EQ(0, mt_repair());
}

/* The prepared product, and whether it is that of the model. */
static int run_mvm(struct mt_ring *ring, const struct user *user)
{
	int ret;

	memset(mt_data(&user->s, MT_AT_Y), 0, MT_MODEL_ROWS * sizeof(float));
	mt_ring_run(ring, &user->s, &user->mvm, 0);
	ret = mt_ring_one(ring);
	return ret ? ret : mt_model_right(&user->s, SEED) ? 0 : -EILSEQ;
}

/* Both ways in work, with what was there before. */
static int works(struct mt_ring *ring, const struct user *user)
{
	int ret = run_mvm(ring, user);

	return ret ? ret : mt_model_check(&user->s, user->array, SEED);
}

/* --- A device that hangs --- */

/* The guilty one is told, who waited behind it is done; time after time, whatever is behind it. */
TEST_F(uring_gone, job_hangs)
{
	struct drm_mho_uring_ext ext = { .result_handle = self->user.s.results.handle };
	struct drm_mho_job nop = mt_job_nop();
	struct mt_cqe cqe;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mt_order("fault hang"));
		mt_ring_job(&self->ring, &self->user.s, &nop, &ext, MT_MANY);
		ASSERT_EQ(0, mt_ring_submit(&self->ring));
		ASSERT_EQ(0, mt_fault_taken("hang"));
		if (i)
			ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->user.s, &self->user.nop,
						  MT_MANY));
		/* Others do not notice. */
		EXPECT_EQ(0, mt_model_check(&self->other.s, self->other.array, SEED));
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		EXPECT_EQ(MT_MANY, cqe.user_data);
		EXPECT_EQ(-ETIME, cqe.res);
		EXPECT_EQ(-ETIME, mt_results(&self->user.s)->status);
		EXPECT_EQ(0, mt_ring_wrong(&self->ring, i ? MT_MANY : 0, 0));
		EXPECT_EQ(i + 1, mt_ctx_state(&self->user.s).guilty);
		EXPECT_EQ(0, works(&self->ring, &self->user));
	}
	EXPECT_EQ(0, mt_ctx_state(&self->other.s).guilty);
	EXPECT_EQ(0, mt_ctx_state(&self->other.s).innocent);
	EXPECT_EQ(self->resets, mt_card_number("resets"));
}

/* One that is prepared: its memory is used again. */
TEST_F(uring_gone, run_hangs)
{
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mt_order("fault hang"));
		EXPECT_EQ(-ETIME, run_mvm(&self->ring, &self->user));
		EXPECT_EQ(-ETIME, mt_results(&self->user.s)->status);
		EXPECT_EQ(0, works(&self->ring, &self->user));
	}
	EXPECT_EQ(2, mt_ctx_state(&self->user.s).guilty);
}

/* A batch is a unit: the one that hangs, and its others. */
TEST_F(uring_gone, batch_hangs)
{
	const struct drm_mho_result *results = mt_results(&self->user.s);
	struct drm_mho_job jobs[3] = { 0 };
	struct drm_mho_submit args = mt_submit_args(&self->user.s, jobs, 3);
	int i;

	jobs[1].flags = DRM_MHO_JOB_FENCE;
	jobs[2].flags = DRM_MHO_JOB_FENCE;
	ASSERT_EQ(0, mt_order("fault hang"));
	mt_ring_batch(&self->ring, &self->user.s, &args, 0);
	EXPECT_EQ(-ETIME, mt_ring_one(&self->ring));
	EXPECT_EQ(-ETIME, results[0].status);
	for (i = 1; i < 3; i++)
		EXPECT_EQ(-ECANCELED, results[i].status);
	EXPECT_EQ(0, works(&self->ring, &self->user));
}

/* Runs of the sequence, each with results of its own. */
static int fill_steps(struct mt_ring *ring, const struct user *user, unsigned int count)
{
	struct drm_mho_uring_run run = user->steps;

	memset(user->s.results.map, 0xa5, user->s.results.size);
	for (run.result_slot = 0; run.result_slot < count; run.result_slot++)
		if (!mt_ring_run(ring, &user->s, &run, run.result_slot))
			return -ENOSPC;
	return mt_ring_submit(ring);
}

/* How many of the results of a run are not as they should be: of its first job, of its others. */
static int wrong_steps(const struct user *user, unsigned int run, int first, int others)
{
	const struct drm_mho_result *results = mt_results(&user->s) + run * SEQUENCE;
	int i, wrong = results[0].status != first;

	for (i = 1; i < SEQUENCE; i++)
		wrong += results[i].status != others;
	return wrong;
}

/* A run is a unit, too; runs behind it are done. */
TEST_F(uring_gone, sequence_hangs)
{
	uint64_t jobs;
	struct mt_cqe cqe;
	unsigned int i;
	int round;

	for (round = 1; round <= 2; round++) {
		ASSERT_EQ(0, mt_ctx_idle(&self->user.s));
		jobs = mt_ctx_state(&self->user.s).jobs;
		ASSERT_EQ(0, mt_order("fault hang"));
		ASSERT_EQ(0, fill_steps(&self->ring, &self->user, RUNS));
		for (i = 0; i < RUNS; i++) {
			ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
			EXPECT_EQ(i, cqe.user_data);
			EXPECT_EQ(i ? 0 : -ETIME, cqe.res);
			EXPECT_EQ(0,
				  wrong_steps(&self->user, i, i ? 0 : -ETIME, i ? 0 : -ECANCELED));
		}
		EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
		ASSERT_EQ(0, mt_ctx_idle(&self->user.s));
		EXPECT_EQ(jobs + RUNS * SEQUENCE, mt_ctx_state(&self->user.s).jobs);
		EXPECT_EQ(round, mt_ctx_state(&self->user.s).guilty);
		EXPECT_EQ(0, works(&self->ring, &self->user));
	}
	EXPECT_EQ(self->resets, mt_card_number("resets"));
}

/* Either way's jobs wait behind the other's that hangs. */
TEST_F(uring_gone, ways_behind_each_other)
{
	struct drm_mho_job job = mt_model_job(&self->user.s, self->user.array);
	struct drm_mho_job nop = mt_job_nop();

	job.flags = DRM_MHO_JOB_FENCE;
	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(0, mt_submit(&self->user.s, &nop, 1));
	ASSERT_EQ(0, mt_fault_taken("hang"));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->user.s, &self->user.nop, 10));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, 10, 0));
	EXPECT_EQ(-ETIME, mt_results(&self->user.s)->status);

	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->user.s, &self->user.nop, 1));
	ASSERT_EQ(0, mt_fault_taken("hang"));
	EXPECT_EQ(0, mt_run_one(&self->user.s, &job));
	EXPECT_TRUE(mt_model_right(&self->user.s, SEED));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, 1, -ETIME));
	EXPECT_EQ(2, mt_ctx_state(&self->user.s).guilty);
}

/* The whole device goes with a queue that cannot be reset; the innocent are done again. */
TEST_F(uring_gone, queue_does_not_reset)
{
	struct mt_cqe cqe;

	ASSERT_EQ(0, mt_order("fault cmd-delay %d", MT_DELAY_MS));
	mt_ring_run(&self->ring, &self->other.s, &self->other.mvm, 1);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
	ASSERT_EQ(0, mt_order("fault hang-hard"));
	mt_ring_run(&self->ring, &self->user.s, &self->user.nop, 0);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	ASSERT_EQ(0, mt_fault_taken("hang-hard"));
	ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
	EXPECT_EQ(0, cqe.user_data);
	EXPECT_EQ(-ETIME, cqe.res);
	ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_EQ(0, cqe.res);
	EXPECT_TRUE(mt_model_right(&self->other.s, SEED));
	EXPECT_EQ(self->resets + 1, mt_card_number("resets"));
	EXPECT_EQ(1, mt_ctx_state(&self->user.s).guilty);
	EXPECT_EQ(1, mt_ctx_state(&self->other.s).innocent);
	EXPECT_EQ(0, works(&self->ring, &self->user));
	EXPECT_EQ(0, works(&self->ring, &self->other));
}

/* Beyond help: all are told, now and later. */
TEST_F(uring_gone, reset_does_not_end)
{
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_DEVICE };
	struct drm_mho_job nop = mt_job_nop();

	ASSERT_EQ(0, mt_pin(&self->user.s));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->user.s, &self->user.nop, MT_MANY));
	ASSERT_EQ(0, mt_order("fault reset-hang"));
	EXPECT_EQ(-ETIMEDOUT, mt_ioctl(self->other.s.fd, DRM_IOCTL_MHO_RESET, &reset));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, MT_MANY, -EIO));
	mt_ring_run(&self->ring, &self->user.s, &self->user.nop, 0);
	EXPECT_EQ(-EIO, mt_ring_one(&self->ring));
	mt_ring_job(&self->ring, &self->other.s, &nop, NULL, 0);
	EXPECT_EQ(-EIO, mt_ring_one(&self->ring));
	mt_control("clear", NULL, 0);
	ASSERT_EQ(0, mt_unbind());
	ASSERT_EQ(0, mt_bind());
}

/* --- Completions and interrupts --- */

/* The card's own interrupt does not come: the driver looks for itself, and counts it. */
TEST_F(uring_gone, interrupt_lost)
{
	int64_t lost = mt_card_number("lost_interrupts");

	ASSERT_EQ(0, mt_order("fault irq-drop 1"));
	EXPECT_EQ(0, run_mvm(&self->ring, &self->user));
	EXPECT_LT(lost, mt_card_number("lost_interrupts"));
	EXPECT_EQ(0, mt_ctx_state(&self->user.s).guilty);
}

TEST_F(uring_gone, completion_lost)
{
	ASSERT_EQ(0, mt_order("fault cqe-lose"));
	EXPECT_EQ(-ETIME, run_mvm(&self->ring, &self->user));
	EXPECT_EQ(1, mt_ctx_state(&self->user.s).guilty);
	EXPECT_EQ(0, works(&self->ring, &self->user));
}

/* What the device says twice, or of nobody, is said once. */
TEST_F(uring_gone, completion_twice)
{
	uint64_t jobs;

	ASSERT_EQ(0, mt_ctx_idle(&self->user.s));
	jobs = mt_ctx_state(&self->user.s).jobs;
	ASSERT_EQ(0, mt_order("fault cqe-duplicate %d", MT_MANY / 2));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->user.s, &self->user.nop, MT_MANY));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, MT_MANY, 0));
	ASSERT_EQ(0, mt_order("fault cqe-bad-cid %d", MT_MANY / 2));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->user.s, &self->user.nop, MT_MANY));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, MT_MANY, 0));
	EXPECT_EQ(jobs + 2 * MT_MANY, mt_ctx_state(&self->user.s).jobs);
	EXPECT_EQ(0, works(&self->ring, &self->user));
}

/* --- Resets under load --- */

TEST_F(uring_gone, device_reset)
{
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_DEVICE };
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, mt_order("fault cmd-delay 300"));
		ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->user.s, &self->user.nop, MT_MANY));
		ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
		ASSERT_EQ(0, mt_ioctl(self->other.s.fd, DRM_IOCTL_MHO_RESET, &reset));
		EXPECT_EQ(0, mt_ring_wrong(&self->ring, MT_MANY, 0));
		EXPECT_EQ(0, works(&self->ring, &self->user));
		EXPECT_EQ(0, works(&self->ring, &self->other));
	}
	EXPECT_EQ(self->resets + 3, mt_card_number("resets"));
}

/* In the midst of sequences, by either reset: what the device has lost is done again, once. */
TEST_F(uring_gone, reset_in_sequences)
{
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_DEVICE };
	struct mt_cqe cqe;
	unsigned int i;
	uint64_t jobs;
	int round, ret;

	ASSERT_EQ(0, mt_card_write("reset_method", "flr"));
	for (round = 0; round < 4; round++) {
		ASSERT_EQ(0, mt_ctx_idle(&self->user.s));
		jobs = mt_ctx_state(&self->user.s).jobs;
		ASSERT_EQ(0, mt_order("fault cmd-delay 300"));
		ASSERT_EQ(0, fill_steps(&self->ring, &self->user, RUNS));
		ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
		ret = round % 2 ? mt_card_write("reset", "1") :
				  mt_ioctl(self->other.s.fd, DRM_IOCTL_MHO_RESET, &reset);
		ASSERT_EQ(0, ret);
		for (i = 0; i < RUNS; i++) {
			ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
			EXPECT_EQ(i, cqe.user_data);
			EXPECT_EQ(0, cqe.res);
			EXPECT_EQ(0, wrong_steps(&self->user, i, 0, 0));
		}
		EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
		ASSERT_EQ(0, mt_ctx_idle(&self->user.s));
		EXPECT_EQ(jobs + RUNS * SEQUENCE, mt_ctx_state(&self->user.s).jobs);
		EXPECT_TRUE(mt_model_right(&self->user.s, SEED));
		EXPECT_EQ(0, works(&self->ring, &self->user));
	}
}

/* The context itself is reset: the device's run is cut off, and all behind it. */
TEST_F(uring_gone, context_reset_in_sequences)
{
	struct mt_cqe cqe;
	unsigned int i;

	ASSERT_EQ(0, mt_pin(&self->user.s));
	ASSERT_EQ(0, fill_steps(&self->ring, &self->user, RUNS));
	ASSERT_EQ(0, mt_ctx_reset(&self->user.s));
	for (i = 0; i < RUNS; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		EXPECT_EQ(i, cqe.user_data);
		EXPECT_EQ(-ECANCELED, cqe.res);
		EXPECT_EQ(0, wrong_steps(&self->user, i, -ECANCELED, -ECANCELED));
	}
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
	EXPECT_EQ(0, works(&self->ring, &self->user));
}

/* Keys and arrays may have other numbers on a device that was made anew. */
TEST_F(uring_gone, function_reset)
{
	int i;

	ASSERT_EQ(0, mt_card_write("reset_method", "flr"));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mt_order("fault cmd-delay 300"));
		ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->user.s, &self->user.nop, MT_MANY));
		ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
		ASSERT_EQ(0, mt_card_write("reset", "1"));
		EXPECT_EQ(0, mt_ring_wrong(&self->ring, MT_MANY, 0));
		EXPECT_EQ(0, works(&self->ring, &self->user));
		EXPECT_EQ(0, works(&self->ring, &self->other));
	}
}

/* --- Batches in flight: each command ends once, and each of its jobs --- */

/* How many jobs of the session are accounted for; all are, once their commands are complete. */
static uint64_t jobs_of(const struct mt_session *s)
{
	return mt_ctx_idle(s) ? 0 : mt_ctx_state(s).jobs;
}

/* The one that hangs, and its other jobs; all behind it are done. */
TEST_F(uring_gone, batches_behind_a_hang)
{
	struct mt_session *s = &self->user.s;
	struct mt_batches batches;
	uint64_t jobs;
	int i;

	for (i = 1; i <= 2; i++) {
		jobs = jobs_of(s);
		ASSERT_EQ(0, mt_order("fault hang"));
		ASSERT_EQ(0, mt_batches_fill(&self->ring, s));
		EXPECT_EQ(0, mt_batches_end(&self->ring, s, -ETIME, &batches));
		EXPECT_EQ(1, batches.failed);
		EXPECT_EQ(MT_BATCH, batches.jobs_failed);
		EXPECT_EQ(jobs + MT_BATCHES_JOBS, jobs_of(s));
		EXPECT_EQ(i, mt_ctx_state(s).guilty);
		EXPECT_EQ(0, works(&self->ring, &self->user));
	}
}

/* All of them, on the device or not; the next ones are done. */
TEST_F(uring_gone, batches_and_a_context_reset)
{
	struct mt_session *s = &self->user.s;
	struct mt_batches batches;
	uint64_t jobs;
	int i;

	for (i = 0; i < 2; i++) {
		jobs = jobs_of(s);
		ASSERT_EQ(0, mt_pin(s));
		ASSERT_EQ(0, mt_batches_fill(&self->ring, s));
		ASSERT_EQ(0, mt_ctx_reset(s));
		EXPECT_EQ(0, mt_batches_end(&self->ring, s, -ECANCELED, &batches));
		EXPECT_EQ(MT_BATCHES_JOBS, batches.jobs_failed);
		EXPECT_EQ(jobs + 1 + MT_BATCHES_JOBS, jobs_of(s));
		ASSERT_EQ(0, mt_batches_fill(&self->ring, s));
		EXPECT_EQ(0, mt_batches_end(&self->ring, s, -ECANCELED, &batches));
		EXPECT_EQ(MT_BATCHES_JOBS, batches.jobs_done);
		EXPECT_EQ(jobs + 1 + 2 * MT_BATCHES_JOBS, jobs_of(s));
	}
}

/* Some are done before, the others after it; none twice. */
TEST_F(uring_gone, batches_and_a_device_reset)
{
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_DEVICE };
	uint64_t jobs = jobs_of(&self->user.s);
	struct mt_batches batches;
	int i;

	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(0, mt_order("fault cmd-delay 30 %d", MT_BATCH));
		ASSERT_EQ(0, mt_batches_fill(&self->ring, &self->user.s));
		/* Not before the second job. */
		ASSERT_EQ(0, mt_result_wait(mt_results(&self->user.s)));
		ASSERT_EQ(0, mt_ioctl(self->other.s.fd, DRM_IOCTL_MHO_RESET, &reset));
		EXPECT_EQ(0, mt_batches_end(&self->ring, &self->user.s, 0, &batches));
		EXPECT_EQ(MT_BATCHES_JOBS, batches.jobs_done);
		EXPECT_EQ(jobs + i * MT_BATCHES_JOBS, jobs_of(&self->user.s));
	}
	EXPECT_EQ(self->resets + 3, mt_card_number("resets"));
	EXPECT_EQ(0, works(&self->ring, &self->user));
}

/* The batch that hangs takes the device with it, and none of the others. */
TEST_F(uring_gone, batches_and_a_queue_that_does_not_reset)
{
	uint64_t jobs = jobs_of(&self->user.s);
	struct mt_batches batches;

	ASSERT_EQ(0, mt_order("fault hang-hard"));
	ASSERT_EQ(0, mt_batches_fill(&self->ring, &self->user.s));
	EXPECT_EQ(0, mt_batches_end(&self->ring, &self->user.s, -ETIME, &batches));
	EXPECT_EQ(1, batches.failed);
	EXPECT_EQ(MT_BATCH, batches.jobs_failed);
	EXPECT_EQ(jobs + MT_BATCHES_JOBS, jobs_of(&self->user.s));
	EXPECT_EQ(self->resets + 1, mt_card_number("resets"));
	EXPECT_EQ(0, works(&self->ring, &self->user));
}

TEST_F(uring_gone, batches_and_a_driver_that_leaves)
{
	struct mt_batches batches;

	ASSERT_EQ(0, mt_pin(&self->user.s));
	ASSERT_EQ(0, mt_batches_fill(&self->ring, &self->user.s));
	ASSERT_EQ(0, mt_unbind());
	EXPECT_EQ(0, mt_batches_end(&self->ring, &self->user.s, -ENODEV, &batches));
	EXPECT_EQ(MT_BATCHES, batches.failed);
	EXPECT_EQ(MT_BATCHES_JOBS, batches.jobs_failed);
	ASSERT_EQ(0, mt_bind());
	EXPECT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, mt_works());
}

/* --- A driver that leaves, a card that is gone --- */

static bool is_gone(int ret)
{
	return ret == -EIO || ret == -ENODEV;
}

/* All in flight, waiting or with the device, are told at once; so is all that comes. */
TEST_F(uring_gone, unbound)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_cqe cqe;
	int i;

	ASSERT_EQ(0, mt_pin(&self->user.s));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->user.s, &self->user.nop, MT_MANY));
	ASSERT_EQ(0, fill_steps(&self->ring, &self->user, RUNS));
	ASSERT_EQ(0, mt_unbind());
	for (i = 0; i < MT_MANY + RUNS; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		EXPECT_EQ(-ENODEV, cqe.res);
	}
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
	mt_ring_run(&self->ring, &self->user.s, &self->user.nop, 0);
	EXPECT_EQ(-ENODEV, mt_ring_one(&self->ring));
	mt_ring_job(&self->ring, &self->user.s, &nop, NULL, 0);
	EXPECT_EQ(-ENODEV, mt_ring_one(&self->ring));
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
	ASSERT_EQ(0, mt_bind());
	EXPECT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, mt_works());
}

/* Registers of ones: nobody waits for ever. */
TEST_F(uring_gone, registers_of_ones)
{
	struct mt_cqe cqe;
	time_t start;
	int i;

	ASSERT_EQ(0, mt_pin(&self->user.s));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->user.s, &self->user.nop, MT_MANY));
	ASSERT_EQ(0, mt_order("fault mmio-ones on"));
	start = time(NULL);
	for (i = 0; i < MT_MANY; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		ASSERT_TRUE(is_gone(cqe.res));
	}
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
	EXPECT_GE(PATIENCE, time(NULL) - start);
	mt_ring_run(&self->ring, &self->user.s, &self->user.nop, 0);
	EXPECT_TRUE(is_gone(mt_ring_one(&self->ring)));
	mt_control("clear", NULL, 0);
	ASSERT_EQ(0, mt_unbind());
	ASSERT_EQ(0, mt_bind());
}

MHO_TEST_MAIN
