// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Jobs by io_uring: all operations, single, in batches and prepared, are what they are by ioctl, to
 * the last bit; results, device time, syncobjs, slots; and jobs that came in by either way keep
 * their order.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"
#include "mho_test_fault.h"
#include "mho_test_uring.h"

#define ROWS MT_MODEL_ROWS
#define COLS MT_MODEL_COLS
#define ENTRIES 64
#define SLOTS 4
#define SEED 71
#define RESULT sizeof(struct drm_mho_result)

FIXTURE(uring_jobs)
{
	struct mt_session s;
	struct mt_ring ring;
	uint32_t array;
};

FIXTURE_SETUP(uring_jobs)
{
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_ring_open(&self->ring, ENTRIES, IORING_SETUP_SQE128 | IORING_SETUP_CQE32));
	ASSERT_EQ(0, mt_model_make(&self->s, NULL, SEED, &self->array));
}

FIXTURE_TEARDOWN(uring_jobs)
{
	mt_ring_close(&self->ring);
	mt_session_close(&self->s);
}

/* Where a job's result goes. */
static struct drm_mho_uring_ext result_at(const struct mt_session *s, uint32_t slot)
{
	return (struct drm_mho_uring_ext){ .result_handle = s->results.handle,
					   .result_offset = slot * RESULT };
}

/* --- The same, whichever way in --- */

#define OPERATIONS 9

/* What a way in has made of the jobs of make_job(). */
struct outcome {
	struct drm_mho_result results[OPERATIONS];
	uint8_t data[MT_DATA_SIZE];
};

/* One job of each operation, on two arrays. */
static struct drm_mho_job make_job(const struct mt_session *s, const uint32_t *arrays, int which)
{
	struct drm_mho_job job = mt_job_nop();

	switch (which) {
	case 0:
		return mt_job_program(s, arrays[0]);
	case 1:
		return mt_job_vectors(s, arrays[0], DRM_MHO_OP_MVM, 3);
	case 2:
		return mt_job_vectors(s, arrays[0], DRM_MHO_OP_MVM_T, 2);
	case 3:
		job = mt_job_vectors(s, arrays[0], DRM_MHO_OP_UPDATE, 2);
		job.param[0] = mt_bits(0.01F);
		return job;
	case 4:
		job = mt_job_program(s, arrays[1]);
		job.op = DRM_MHO_OP_PULSE;
		job.a_type = DRM_MHO_TYPE_I8;
		return job;
	case 5:
		return (struct drm_mho_job){ .op = DRM_MHO_OP_TRANSFER,
					     .array = arrays[0],
					     .a_region = { .rows = ROWS, .cols = 2 },
					     .b_region = { .col = 3, .cols = 2 },
					     .a_scale = mt_bits(1),
					     .param = { mt_bits(0.5F), arrays[1] } };
	case 6:
		job = mt_job_read(s, arrays[1], 1);
		job.modifier = DRM_MHO_READ_WEAR;
		return job;
	case 7:
		return (struct drm_mho_job){ .op = DRM_MHO_OP_SCRUB, .array = arrays[1] };
	default:
		return (struct drm_mho_job){ .op = DRM_MHO_OP_BARRIER };
	}
}

typedef int (*run_function)(const struct mt_session *s, struct mt_ring *ring,
			    const struct drm_mho_job *job);

static int run_by_ioctl(const struct mt_session *s, struct mt_ring *ring,
			const struct drm_mho_job *job)
{
	(void)ring;
	return mt_run(s, job, 1);
}

static int run_by_job(const struct mt_session *s, struct mt_ring *ring,
		      const struct drm_mho_job *job)
{
	struct drm_mho_uring_ext ext = result_at(s, 0);

	mt_ring_job(ring, s, job, &ext, 0);
	return mt_ring_one(ring);
}

static int run_by_submit(const struct mt_session *s, struct mt_ring *ring,
			 const struct drm_mho_job *job)
{
	struct drm_mho_submit args = mt_submit_args(s, job, 1);

	mt_ring_batch(ring, s, &args, 0);
	return mt_ring_one(ring);
}

static int run_prepared(const struct mt_session *s, struct mt_ring *ring,
			const struct drm_mho_job *job)
{
	struct drm_mho_prepared_job prepared = { .job = *job };
	struct drm_mho_prepare args = mt_prepare_args(s, &prepared, 1);
	struct drm_mho_uring_run run = { 0 };
	int ret;

	args.result_handle = s->results.handle;
	ret = mt_prepare(s->fd, &args);
	if (ret)
		return ret;
	run.handle = args.handle;
	mt_ring_run(ring, s, &run, 0);
	ret = mt_ring_one(ring);
	mt_unprepare(s->fd, args.handle);
	return ret;
}

/* All operations on a card that is new. */
static int run_all(run_function run, struct outcome *outcome)
{
	struct drm_mho_job job;
	struct mt_session s;
	struct mt_ring ring;
	uint32_t arrays[2];
	int i, ret;

	ret = mt_renew();
	if (!ret)
		ret = mt_node_wait(true);
	if (!ret)
		ret = mt_session_open(&s);
	if (ret)
		return ret;
	ret = mt_ring_open(&ring, ENTRIES, IORING_SETUP_SQE128);
	if (ret)
		goto out_session;
	for (i = 0; i < 2 && !ret; i++)
		ret = mt_array_create(s.fd, ROWS, COLS, &arrays[i]);
	mt_fill(mt_data(&s, 0), MT_DATA_SIZE / sizeof(float), 0.6F, SEED);
	for (i = 0; i < OPERATIONS && !ret; i++) {
		job = make_job(&s, arrays, i);
		ret = run(&s, &ring, &job);
		outcome->results[i] = *mt_results(&s);
		if (!ret && outcome->results[i].status)
			ret = outcome->results[i].status;
	}
	memcpy(outcome->data, s.data.map, sizeof(outcome->data));
	mt_ring_close(&ring);
out_session:
	mt_session_close(&s);
	return ret;
}

TEST(all_operations_are_the_same_by_any_way)
{
	static const struct {
		const char *name;
		run_function run;
	} ways[] = { { "ioctl", run_by_ioctl },
		     { "JOB", run_by_job },
		     { "SUBMIT", run_by_submit },
		     { "RUN", run_prepared } };
	struct outcome *outcomes = calloc(MT_ARRAY_SIZE(ways), sizeof(*outcomes));
	size_t i;

	ASSERT_NE(NULL, outcomes);
	for (i = 0; i < MT_ARRAY_SIZE(ways); i++) {
		ASSERT_EQ(0, run_all(ways[i].run, &outcomes[i]))
		{
			TH_LOG("%s", ways[i].name);
		}
		EXPECT_EQ(0, memcmp(&outcomes[0], &outcomes[i], sizeof(outcomes[0])))
		{
			TH_LOG("%s is not as the ioctl", ways[i].name);
		}
	}
	free(outcomes);
}

/* --- Single jobs --- */

TEST_F(uring_jobs, result_and_device_time)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);
	struct drm_mho_uring_ext ext = result_at(&self->s, 3);
	const struct drm_mho_result *result = &mt_results(&self->s)[3];
	struct mt_cqe cqe;

	memset(self->s.results.map, 0xa5, self->s.results.size);
	ASSERT_NE(NULL, mt_ring_job(&self->ring, &self->s, &job, &ext, 0x123456789abcdefULL));
	ASSERT_EQ(0, mt_ring_finish(&self->ring, &cqe, 1));
	EXPECT_EQ(0x123456789abcdefULL, cqe.user_data);
	EXPECT_EQ(0, cqe.res);
	EXPECT_EQ(DRM_MHO_RESULT_DONE, result->done);
	EXPECT_EQ(0, result->status);
	EXPECT_LT(0, result->device_ns);
	EXPECT_LT(0, result->energy_fj);
	EXPECT_EQ(result->device_ns, cqe.device_ns);
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	/* Nothing beside it was written. */
	EXPECT_EQ(0xa5a5a5a5, mt_results(&self->s)[2].done);
	EXPECT_EQ(0xa5a5a5a5, mt_results(&self->s)[4].done);
}

/* Without a place for the result there is none, and the job is done all the same. */
TEST_F(uring_jobs, without_result)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);

	memset(self->s.results.map, 0xa5, self->s.results.size);
	ASSERT_NE(NULL, mt_ring_job(&self->ring, &self->s, &job, NULL, 0));
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	EXPECT_EQ(0xa5a5a5a5, mt_results(&self->s)[0].done);
}

/* The device's refusals are those that the fence of an ioctl carries. */
TEST_F(uring_jobs, refused_by_the_device)
{
	struct drm_mho_uring_ext ext = result_at(&self->s, 0);
	struct drm_mho_job jobs[3];
	size_t i;
	int status;

	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++)
		jobs[i] = mt_model_job(&self->s, self->array);
	jobs[0].batch = 0;
	jobs[1].a.offset = MT_DATA_SIZE;
	jobs[2].a_scale = mt_bits(NAN);
	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++) {
		status = mt_run_one(&self->s, &jobs[i]);
		EXPECT_LT(0, status);
		mt_ring_job(&self->ring, &self->s, &jobs[i], &ext, 0);
		EXPECT_EQ(mt_fence_status(self->s.fd, self->s.done), mt_ring_one(&self->ring));
		EXPECT_EQ(status, mt_results(&self->s)->status);
	}
}

/* What the ioctl refuses at once, the command does, too. */
TEST_F(uring_jobs, refused_by_the_driver)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);
	uint32_t other;

	job.array = 0x7777;
	mt_ring_job(&self->ring, &self->s, &job, NULL, 0);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	job = mt_model_job(&self->s, self->array);
	job.b.handle = 0x7777;
	mt_ring_job(&self->ring, &self->s, &job, NULL, 0);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	ASSERT_EQ(0, mt_array_create(self->s.fd, ROWS, COLS, &other));
	ASSERT_EQ(0, mt_array_destroy(self->s.fd, other));
	job = mt_model_job(&self->s, other);
	mt_ring_job(&self->ring, &self->s, &job, NULL, 0);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
}

/* --- Batches --- */

/* The first error is the batch's; the others of its jobs run. Device time is that of all. */
TEST_F(uring_jobs, batch)
{
	const struct drm_mho_result *results = mt_results(&self->s);
	struct drm_mho_submit args;
	struct drm_mho_job jobs[4];
	uint64_t sum = 0;
	struct mt_cqe cqe;
	int i;

	jobs[0] = mt_model_job(&self->s, self->array);
	/* One after the other, so that it is known which is the first. */
	jobs[0].flags = DRM_MHO_JOB_FENCE;
	jobs[1] = jobs[0];
	mt_data(&self->s, MT_AT_X + MT_BLOCK * MT_BLOCK)[0] = NAN;
	jobs[1].a.offset = (MT_AT_X + MT_BLOCK * MT_BLOCK) * sizeof(float);
	jobs[2] = jobs[0];
	jobs[2].a.offset = MT_DATA_SIZE;
	jobs[3] = jobs[0];
	args = mt_submit_args(&self->s, jobs, 4);
	mt_ring_batch(&self->ring, &self->s, &args, 1);
	ASSERT_EQ(0, mt_ring_finish(&self->ring, &cqe, 1));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(DRM_MHO_RESULT_DONE, results[i].done);
		EXPECT_EQ(i == 1 || i == 2, results[i].status > 0);
		sum += results[i].device_ns;
	}
	EXPECT_EQ(sum, cqe.device_ns);
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	ASSERT_EQ(0, mt_run(&self->s, jobs, 4));
	EXPECT_EQ(mt_fence_status(self->s.fd, self->s.done), cqe.res);
	/* The other order has the other error. */
	jobs[1] = jobs[2];
	mt_ring_batch(&self->ring, &self->s, &args, 1);
	EXPECT_EQ(-EDOM, cqe.res);
	EXPECT_NE(-EDOM, mt_ring_one(&self->ring));
	jobs[1] = jobs[0];
	jobs[2] = jobs[0];
	mt_ring_batch(&self->ring, &self->s, &args, 1);
	EXPECT_EQ(0, mt_ring_one(&self->ring));
}

/* All of it or nothing. */
TEST_F(uring_jobs, batch_with_a_bad_job)
{
	struct drm_mho_job jobs[3] = { mt_model_job(&self->s, self->array), mt_job_nop(),
				       mt_job_nop() };
	struct drm_mho_submit args = mt_submit_args(&self->s, jobs, 3);

	jobs[2].pad = 1;
	mt_ring_batch(&self->ring, &self->s, &args, 1);
	EXPECT_EQ(-EINVAL, mt_ring_one(&self->ring));
	EXPECT_TRUE(mt_all_zero(mt_data(&self->s, MT_AT_Y), ROWS * sizeof(float)));
	EXPECT_EQ(0, mt_ctx_state(&self->s).pending);
}

/* As many as the context takes at once. */
TEST_F(uring_jobs, batch_of_the_context_s_depth)
{
	struct drm_mho_ctx_create ctx = { .priority = DRM_MHO_PRIORITY_NORMAL, .depth = 63 };
	struct drm_mho_job jobs[65] = { 0 };
	struct drm_mho_submit args = mt_submit_args(&self->s, jobs, 1);

	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_CTX_CREATE, &ctx));
	ASSERT_LE(63, ctx.depth);
	ASSERT_GT(65, ctx.depth);
	args.ctx = ctx.handle;
	args.job_count = ctx.depth;
	mt_ring_batch(&self->ring, &self->s, &args, 1);
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	args.job_count = ctx.depth + 1;
	mt_ring_batch(&self->ring, &self->s, &args, 1);
	EXPECT_EQ(-E2BIG, mt_ring_one(&self->ring));
}

/* --- Prepared --- */

/* Vectors in slots of x; products go to slots of y, results to slots of results. */
static struct drm_mho_prepare prepare_slots(const struct mt_session *s,
					    struct drm_mho_prepared_job *job, uint32_t array)
{
	struct drm_mho_prepare args;

	job->job = mt_model_job(s, array);
	job->a_step = COLS * sizeof(float);
	job->b_step = ROWS * sizeof(float);
	args = mt_prepare_args(s, job, 1);
	args.runs = SLOTS * SLOTS;
	args.a_slots = SLOTS;
	args.b_slots = SLOTS;
	args.result_slots = SLOTS;
	args.result_handle = s->results.handle;
	args.result_offset = RESULT;
	return args;
}

TEST_F(uring_jobs, slots)
{
	struct drm_mho_prepared_job job = { 0 };
	struct drm_mho_prepare args = prepare_slots(&self->s, &job, self->array);
	const struct drm_mho_result *results = mt_results(&self->s) + 1;
	struct drm_mho_uring_run run = { 0 };
	float *x = mt_data(&self->s, MT_AT_X), *y = mt_data(&self->s, MT_AT_Y);
	struct mt_cqe cqe;
	uint32_t i;

	mt_fill(x, SLOTS * COLS, 1, SEED + 1);
	ASSERT_EQ(0, mt_prepare(self->s.fd, &args));
	run.handle = args.handle;
	for (i = 0; i < SLOTS * SLOTS; i++) {
		run.a_slot = i % SLOTS;
		run.b_slot = i / SLOTS;
		run.result_slot = (i + i / SLOTS) % SLOTS;
		memset(y, 0, SLOTS * ROWS * sizeof(float));
		memset(self->s.results.map, 0xa5, self->s.results.size);
		mt_ring_run(&self->ring, &self->s, &run, i);
		ASSERT_EQ(0, mt_ring_finish(&self->ring, &cqe, 1));
		ASSERT_EQ(0, cqe.res);
		EXPECT_TRUE(mt_product_right(&x[run.a_slot * COLS], &y[run.b_slot * ROWS], SEED));
		EXPECT_EQ(DRM_MHO_RESULT_DONE, results[run.result_slot].done);
		EXPECT_EQ(0, results[run.result_slot].status);
		EXPECT_EQ(results[run.result_slot].device_ns, cqe.device_ns);
		EXPECT_EQ(0xa5a5a5a5, results[(run.result_slot + 1) % SLOTS].done);
		EXPECT_EQ(0xa5a5a5a5, results[-1].done);
		EXPECT_TRUE(mt_all_zero(&y[(run.b_slot + 1) % SLOTS * ROWS], ROWS * sizeof(float)));
	}
	EXPECT_EQ(0, mt_unprepare(self->s.fd, args.handle));
}

/* All at once, as they are meant to be used. */
TEST_F(uring_jobs, slots_at_once)
{
	struct drm_mho_prepared_job job = { 0 };
	struct drm_mho_prepare args = prepare_slots(&self->s, &job, self->array);
	struct drm_mho_uring_run run = { 0 };
	float *x = mt_data(&self->s, MT_AT_X), *y = mt_data(&self->s, MT_AT_Y);
	struct mt_cqe cqes[SLOTS];
	uint32_t i, round;

	ASSERT_EQ(0, mt_prepare(self->s.fd, &args));
	run.handle = args.handle;
	for (round = 0; round < 50; round++) {
		mt_fill(x, SLOTS * COLS, 1, round);
		memset(y, 0, SLOTS * ROWS * sizeof(float));
		for (i = 0; i < SLOTS; i++) {
			run.a_slot = i;
			run.b_slot = SLOTS - 1 - i;
			run.result_slot = i;
			mt_ring_run(&self->ring, &self->s, &run, i);
		}
		ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, SLOTS));
		for (i = 0; i < SLOTS; i++) {
			ASSERT_EQ(0, cqes[i].res);
			ASSERT_TRUE(
				mt_product_right(&x[i * COLS], &y[(SLOTS - 1 - i) * ROWS], SEED));
		}
	}
	EXPECT_EQ(0, mt_unprepare(self->s.fd, args.handle));
}

/* Several jobs a run: a layer and the way back; results number result_slot * job_count + i. */
TEST_F(uring_jobs, prepared_sequence)
{
	const struct drm_mho_result *results = mt_results(&self->s);
	struct drm_mho_prepared_job jobs[3] = { 0 };
	struct drm_mho_uring_run run = { .result_slot = 1 };
	struct drm_mho_prepare args;
	uint64_t sum = 0;
	struct mt_cqe cqe;
	int i;

	jobs[0].job = mt_model_job(&self->s, self->array);
	jobs[1].job = mt_job_vectors(&self->s, self->array, DRM_MHO_OP_MVM_T, 1);
	jobs[1].job.a.offset = MT_AT_Y * sizeof(float);
	jobs[1].job.b.offset = MT_AT_READ * sizeof(float);
	jobs[2].job = (struct drm_mho_job){ .op = DRM_MHO_OP_BARRIER };
	args = mt_prepare_args(&self->s, jobs, 3);
	args.result_slots = 2;
	args.result_handle = self->s.results.handle;
	ASSERT_EQ(0, mt_prepare(self->s.fd, &args));
	run.handle = args.handle;
	memset(self->s.results.map, 0xa5, self->s.results.size);
	mt_ring_run(&self->ring, &self->s, &run, 0);
	ASSERT_EQ(0, mt_ring_finish(&self->ring, &cqe, 1));
	EXPECT_EQ(0, cqe.res);
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	EXPECT_FALSE(mt_all_zero(mt_data(&self->s, MT_AT_READ), COLS * sizeof(float)));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0xa5a5a5a5, results[i].done);
		EXPECT_EQ(DRM_MHO_RESULT_DONE, results[3 + i].done);
		EXPECT_EQ(0, results[3 + i].status);
		sum += results[3 + i].device_ns;
	}
	EXPECT_EQ(0xa5a5a5a5, results[6].done);
	EXPECT_EQ(sum, cqe.device_ns);
}

/* A run that fails says so each time, and spoils none that follow. */
TEST_F(uring_jobs, prepared_job_that_fails)
{
	struct drm_mho_prepared_job jobs[2] = { { .job = mt_model_job(&self->s, self->array) },
						{ .job = mt_job_nop() } };
	struct drm_mho_prepare args = mt_prepare_args(&self->s, jobs, 2);
	const struct drm_mho_result *results = mt_results(&self->s);
	struct drm_mho_uring_run run = { 0 };
	int i;

	args.result_handle = self->s.results.handle;
	ASSERT_EQ(0, mt_prepare(self->s.fd, &args));
	run.handle = args.handle;
	for (i = 0; i < 3; i++) {
		mt_data(&self->s, MT_AT_X)[0] = NAN;
		mt_ring_run(&self->ring, &self->s, &run, 0);
		EXPECT_EQ(-EDOM, mt_ring_one(&self->ring));
		EXPECT_LT(0, results[0].status);
		EXPECT_EQ(0, results[1].status);
		mt_model_job(&self->s, self->array);
		mt_ring_run(&self->ring, &self->s, &run, 0);
		EXPECT_EQ(0, mt_ring_one(&self->ring));
		EXPECT_EQ(0, results[0].status);
		EXPECT_TRUE(mt_model_right(&self->s, SEED));
	}
}

/* --- Order --- */

/* A job by ioctl that waits holds back all later ones of its context, whichever way they came. */
TEST_F(uring_jobs, behind_an_ioctl_that_waits)
{
	struct drm_mho_uring_ext ext = result_at(&self->s, 1);
	struct drm_mho_job program = mt_job_program(&self->s, self->array);
	struct drm_mho_job mvm = mt_model_job(&self->s, self->array);
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_uring_run run = { 0 };
	struct mt_session other;
	struct mt_hold hold;
	struct mt_cqe cqes[3];
	int i;

	ASSERT_EQ(0, mt_prepare_nop(&self->s, 0, 1, &run.handle));
	mt_model_weights(SEED + 1, mt_data(&self->s, MT_AT_WEIGHTS));
	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &program, 1));
	mt_ring_job(&self->ring, &self->s, &mvm, &ext, 1);
	mt_ring_job(&self->ring, &self->s, &nop, NULL, 2);
	mt_ring_run(&self->ring, &self->s, &run, 3);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	/* What would have overtaken has had the time of another's jobs from beginning to end. */
	ASSERT_EQ(0, mt_session_open(&other));
	ASSERT_EQ(0, mt_run_one(&other, &nop));
	mt_session_close(&other);
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqes[0]));
	EXPECT_EQ(DRM_MHO_RESULT_PENDING, mt_results(&self->s)[1].done);
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 3));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, cqes[i].res);
	EXPECT_EQ(0, mt_results(&self->s)[0].status);
	EXPECT_TRUE(mt_model_right(&self->s, SEED + 1));
}

/* Back and forth between the ways, without a pause: each product is of the weights before it. */
TEST_F(uring_jobs, ways_alternate)
{
	struct drm_mho_job program = mt_job_program(&self->s, self->array);
	struct drm_mho_job mvm = mt_model_job(&self->s, self->array);
	struct drm_mho_submit args = mt_submit_args(&self->s, &program, 1);
	float *weights = mt_data(&self->s, MT_AT_WEIGHTS);
	float *y = mt_data(&self->s, MT_AT_Y);
	struct mt_cqe cqes[6];
	int i;

	for (i = 0; i < 6; i++)
		mt_model_weights(i + 1, &weights[i * MT_MODEL_SIZE]);
	for (i = 0; i < 6; i++) {
		program.a.offset = (MT_AT_WEIGHTS + i * MT_MODEL_SIZE) * sizeof(float);
		mvm.b.offset = (MT_AT_Y + i * ROWS) * sizeof(float);
		if (i % 2) {
			mt_ring_job(&self->ring, &self->s, &program, NULL, i);
			ASSERT_EQ(0, mt_ring_submit(&self->ring));
			args.jobs = (uintptr_t)&mvm;
			ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
		} else {
			args.jobs = (uintptr_t)&program;
			ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
			mt_ring_job(&self->ring, &self->s, &mvm, NULL, i);
			ASSERT_EQ(0, mt_ring_submit(&self->ring));
		}
	}
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 6));
	ASSERT_EQ(0, mt_ctx_idle(&self->s));
	for (i = 0; i < 6; i++) {
		EXPECT_EQ(0, cqes[i].res);
		EXPECT_TRUE(mt_product_right(mt_data(&self->s, MT_AT_X), &y[i * ROWS], i + 1))
		{
			TH_LOG("product %d", i);
		}
	}
}

/* --- Syncobjs --- */

TEST_F(uring_jobs, signals_syncobjs)
{
	struct drm_mho_sync out[2] = { { 0 }, { .flags = DRM_MHO_SYNC_TIMELINE, .point = 5 } };
	struct drm_mho_uring_ext ext = { .out_syncs = (uintptr_t)out, .out_sync_count = 2 };
	struct drm_mho_job job = mt_model_job(&self->s, self->array);

	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &out[0].handle));
	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &out[1].handle));
	mt_ring_job(&self->ring, &self->s, &job, &ext, 0);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	/* The fences are there as soon as the command was accepted. */
	EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, out[0].handle, MT_WAIT_NS));
	EXPECT_EQ(0, mt_timeline_wait(self->s.fd, out[1].handle, 5, MT_WAIT_NS));
	EXPECT_EQ(1, mt_fence_status(self->s.fd, out[0].handle));
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	/* The error of a job is its fence's. */
	mt_data(&self->s, MT_AT_X)[0] = NAN;
	mt_ring_job(&self->ring, &self->s, &job, &ext, 0);
	out[1].point = 6;
	EXPECT_EQ(-EDOM, mt_ring_one(&self->ring));
	EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, out[0].handle, MT_WAIT_NS));
	EXPECT_EQ(-EDOM, mt_fence_status(self->s.fd, out[0].handle));
}

/* A chain over ways in and contexts: ioctl, JOB, SUBMIT, each waits for the one before. */
TEST_F(uring_jobs, waits_for_syncobjs)
{
	struct drm_mho_sync sync[4] = { { 0 } };
	struct drm_mho_sync *held = &sync[0];
	struct drm_mho_uring_ext ext = { .in_sync_count = 1, .out_sync_count = 1 };
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(&self->s, &nop, 1);
	struct drm_mho_submit last = args;
	struct mt_cqe cqes[2];
	struct mt_hold hold;
	struct mt_session b = self->s;
	uint64_t i;

	ASSERT_EQ(0, mt_ctx_create(self->s.fd, &b.ctx));
	ASSERT_EQ(0, mt_ctx_create(self->s.fd, &last.ctx));
	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	held->handle = hold.syncobj;
	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &sync[1].handle));
	for (i = 2; i < 4; i++) {
		ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &sync[i].handle));
		sync[i].flags = DRM_MHO_SYNC_TIMELINE;
		sync[i].point = 10 * i;
	}
	args.in_syncs = (uintptr_t)held;
	args.in_sync_count = 1;
	args.out_syncs = (uintptr_t)&sync[1];
	args.out_sync_count = 1;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
	ext.in_syncs = (uintptr_t)&sync[1];
	ext.out_syncs = (uintptr_t)&sync[2];
	mt_ring_job(&self->ring, &b, &nop, &ext, 1);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	last.in_syncs = (uintptr_t)&sync[2];
	last.in_sync_count = 1;
	last.out_syncs = (uintptr_t)&sync[3];
	last.out_sync_count = 1;
	mt_ring_batch(&self->ring, &self->s, &last, 2);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	EXPECT_EQ(-ETIME, mt_timeline_wait(self->s.fd, sync[3].handle, 30, MT_SHORT_NS));
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqes[0]));
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_timeline_wait(self->s.fd, sync[3].handle, 30, MT_WAIT_NS));
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 2));
	EXPECT_EQ(1, cqes[0].user_data);
	EXPECT_EQ(0, cqes[0].res);
	EXPECT_EQ(2, cqes[1].user_data);
	EXPECT_EQ(0, cqes[1].res);
}

MHO_TEST_MAIN
