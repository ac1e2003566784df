// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Queues, once with io_uring and once without: every operation, what is refused,
 * depth and backlog, order, waiting.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mho_fixture.h"

static void run_status(struct mho_queue *queue, struct mho_job *job, int status)
{
	struct mho_job *done = NULL;

	if (mho_queue_submit(queue, &job, 1) != 1)
		fail_msg("%s", mho_last_error());
	assert_int_equal(mho_queue_reap(queue, &done, 1, 1, -1), 1);
	assert_ptr_equal(done, job);
	if (job->status != status)
		fail_msg("status %d: %s", job->status, mho_strerror(job->status));
}

static void run(struct mho_queue *queue, struct mho_job *job)
{
	run_status(queue, job, 0);
}

/* A 2 x 3 matrix through every operation. */
static void test_operations(void **state)
{
	const float w[6] = { 0.5f, -0.25f, 0.125f, 1.0f, 0.0f, -0.5f };
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 8);
	struct mho_mat *mat = new_mat(f->dev, 2, 3), *dst = new_mat(f->dev, 2, 4);
	struct mho_buf *a = new_buf(f->dev, 4096), *b = new_buf(f->dev, 4096);
	struct mho_job job = { .op = MHO_OP_NOP };
	float *va = mho_buf_map(a), *vb = mho_buf_map(b);

	run(q, &job);
	job.op = MHO_OP_BARRIER;
	run(q, &job);

	memcpy(va, w, sizeof(w));
	job = (struct mho_job){ .op = MHO_OP_PROGRAM, .mat = mat, .a.buf = a };
	run(q, &job);
	assert_int_equal(job.result, 0);
	job = (struct mho_job){ .op = MHO_OP_READ, .mat = mat, .b.buf = b, .b.stride = 16 };
	run(q, &job);
	assert_memory_equal(vb, w, 12);
	assert_memory_equal(vb + 4, w + 3, 12);

	/* y = 2 W x for two vectors, one after a gap */
	va[0] = va[1] = va[2] = 1.0f;
	va[8] = 1.0f;
	va[9] = va[10] = 0.0f;
	job = (struct mho_job){ .op = MHO_OP_MVM,
				.mat = mat,
				.a.buf = a,
				.a.stride = 32,
				.b.buf = b,
				.b.offset = 8,
				.batch = 2,
				.alpha = 2.0f };
	run(q, &job);
	assert_true(vb[2] == 0.75f && vb[3] == 1.0f && vb[4] == 1.0f && vb[5] == 2.0f);
	assert_true(job.device_ns > 0 && job.energy_fj > 0);
	job = (struct mho_job){ .op = MHO_OP_MVM_T,
				.mat = mat,
				.a.buf = a,
				.b.buf = b,
				.alpha = 1.0f,
				.a.scale = 0.5f };
	run(q, &job);
	assert_true(vb[0] == 0.75f && vb[1] == -0.125f && vb[2] == -0.1875f);

	/* 8-bit operands: x = 0.25 (4, 0, 0), results in steps of 1/4 */
	((int8_t *)va)[0] = 4;
	((int8_t *)va)[1] = ((int8_t *)va)[2] = 0;
	job = (struct mho_job){ .op = MHO_OP_MVM,
				.mat = mat,
				.a = { .buf = a, .type = MHO_I8, .scale = 0.25f },
				.b = { .buf = b, .type = MHO_I8, .scale = 4.0f },
				.alpha = 1.0f };
	run(q, &job);
	assert_int_equal(((int8_t *)vb)[0], 2);
	assert_int_equal(((int8_t *)vb)[1], 4);

	job = (struct mho_job){ .op = MHO_OP_SCRUB, .mat = mat };
	run(q, &job);
	va[0] = 1.0f;
	va[1] = va[2] = 0.0f;
	vb[0] = 1.0f;
	vb[1] = -1.0f;
	job = (struct mho_job){
		.op = MHO_OP_UPDATE, .mat = mat, .a.buf = a, .b.buf = b, .alpha = 0.25f
	};
	run(q, &job);
	job = (struct mho_job){ .op = MHO_OP_TRANSFER,
				.mat = mat,
				.dst = dst,
				.alpha = -2.0f,
				.src_col = 0,
				.dst_col = 3,
				.count = 1 };
	run(q, &job);
	job = (struct mho_job){ .op = MHO_OP_READ, .mat = dst, .b.buf = b };
	run(q, &job);
	assert_true(vb[3] == 0.5f && vb[7] == -0.5f && vb[0] == 0.0f);

	mho_queue_destroy(q);
}

/* What ideal cells do not have: pulses that wear, and a conductance between two bounds. */
static void test_pulses(void **state)
{
	struct fixture *f = *state, *g = fixture_open("emu:small?tech=protonic-ns", f->io);
	struct mho_queue *q = new_queue(g->dev, 8);
	struct mho_buf *a = new_buf(g->dev, 64), *b = new_buf(g->dev, 64);
	struct mho_job job = { .op = MHO_OP_PULSE, .a = { .buf = a, .type = MHO_I8 } };
	struct mho_mat *mat = new_mat(g->dev, 2, 3);
	float *vb = mho_buf_map(b);

	job.mat = mat;
	((int8_t *)mho_buf_map(a))[1] = -5;
	((int8_t *)mho_buf_map(a))[5] = 3;
	run(q, &job);
	assert_int_equal(job.result, 8);
	job = (struct mho_job){ .op = MHO_OP_READ, .mat = mat, .b.buf = b, .flags = MHO_JOB_WEAR };
	run(q, &job);
	assert_true(vb[0] == 0.0f && vb[1] == 5.0f && vb[5] == 3.0f);
	job.flags = MHO_JOB_CONDUCTANCE | MHO_JOB_FENCE;
	run(q, &job);
	for (int i = 0; i < 6; i++)
		assert_true(vb[i] > 0.0f);
	fixture_close(g);
}

struct refusal {
	struct mho_job job;
	const char *says;
};

static void test_refusals(void **state)
{
	struct fixture *f = *state, *g = fixture_open("emu:small", f->io);
	struct mho_queue *q = new_queue(f->dev, 8);
	struct mho_mat *m = new_mat(f->dev, 2, 3), *tall = new_mat(f->dev, 3, 3);
	struct mho_mat *foreign = new_mat(g->dev, 2, 3);
	struct mho_buf *b = new_buf(f->dev, 64), *other = new_buf(g->dev, 64);
	const struct mho_slice s = { .buf = b }, pad = { .buf = b, .pad = 1 };
	const struct mho_slice type = { .buf = b, .type = 2 };
	const struct mho_slice scaled = { .buf = b, .type = MHO_I8, .scale = 2.0f };
	const struct refusal refusals[] = {
		{ { .op = 11 }, "op is 11" },
		{ { .op = MHO_OP_GRAPH }, "GRAPH: the graph is NULL" },
		{ { .op = MHO_OP_NOP, .flags = 8 }, "NOP: flags are 0x8; allowed are 0x1" },
		{ { .op = MHO_OP_MVM, .flags = MHO_JOB_WEAR }, "MVM: flags" },
		{ { .op = MHO_OP_MVM, .alpha = 1.0f }, "MVM: the matrix is NULL" },
		{ { .op = MHO_OP_MVM, .mat = foreign, .a = s, .b = s, .alpha = 1.0f },
		  "another device" },
		{ { .op = MHO_OP_MVM, .mat = m, .b = s, .alpha = 1.0f },
		  "a.buf of the job: the buffer is NULL" },
		{ { .op = MHO_OP_MVM, .mat = m, .a = s, .b.buf = other, .alpha = 1.0f },
		  "another device" },
		{ { .op = MHO_OP_MVM, .mat = m, .a = s, .b = s }, "alpha is 0" },
		{ { .op = MHO_OP_MVM, .mat = m, .a = s, .b = s, .alpha = NAN }, "alpha is not" },
		{ { .op = MHO_OP_MVM, .mat = m, .a = s, .b = s, .alpha = 1.0f, .batch = 257 },
		  "batch is 257; the device takes at most 256" },
		{ { .op = MHO_OP_MVM, .mat = m, .a = s, .b = s, .alpha = 1.0f, .batch = 6 },
		  "MVM: a needs 72 bytes from offset 0 on (6 vectors of 3 elements, 12 bytes "
		  "apart), but its buffer has 64" },
		{ { .op = MHO_OP_MVM,
		    .mat = m,
		    .a = { .buf = b, .stride = 8 },
		    .b = s,
		    .alpha = 1.0f },
		  "a.stride is 8" },
		{ { .op = MHO_OP_MVM,
		    .mat = m,
		    .a = { .buf = b, .stride = 13 },
		    .b = s,
		    .alpha = 1.0f },
		  "a.stride is 13" },
		{ { .op = MHO_OP_MVM,
		    .mat = m,
		    .a = { .buf = b, .offset = 2 },
		    .b = s,
		    .alpha = 1.0f },
		  "a.offset is 2" },
		{ { .op = MHO_OP_MVM,
		    .mat = m,
		    .a = { .buf = b, .offset = UINT64_MAX - 3 },
		    .b = s,
		    .alpha = 1.0f },
		  "but its buffer has 64" },
		{ { .op = MHO_OP_MVM, .mat = m, .alpha = 1.0f, .a = s, .b = type }, "b.type is 2" },
		{ { .op = MHO_OP_MVM,
		    .mat = m,
		    .a = s,
		    .b = { .buf = b, .scale = INFINITY },
		    .alpha = 1.0f },
		  "b.scale is not a finite number" },
		{ { .op = MHO_OP_MVM,
		    .mat = m,
		    .a = s,
		    .b = { .buf = b, .scale = 1e30f },
		    .alpha = 1e30f },
		  "the factor that results" },
		{ { .op = MHO_OP_MVM, .mat = m, .a = pad, .b = s, .alpha = 1.0f }, "a.pad" },
		{ { .op = MHO_OP_UPDATE, .mat = m, .a = s, .b = s, .alpha = -1.0f }, "negate d" },
		{ { .op = MHO_OP_UPDATE, .mat = m, .a = s, .b = s, .limit = 256 },
		  "at most 255 slots" },
		{ { .op = MHO_OP_PROGRAM, .mat = m, .a = s, .tolerance = -1.0f },
		  "tolerance is -1" },
		{ { .op = MHO_OP_PROGRAM, .mat = m, .a = s, .limit = 10001 }, "at most 10000" },
		{ { .op = MHO_OP_READ,
		    .mat = m,
		    .b = s,
		    .flags = MHO_JOB_WEAR | MHO_JOB_CONDUCTANCE },
		  "one of them" },
		{ { .op = MHO_OP_READ, .mat = m, .b = s, .flags = MHO_JOB_WEAR, .batch = 2 },
		  "wear is read with batch 1" },
		{ { .op = MHO_OP_READ, .mat = m, .b = s, .batch = 4097 }, "at most 4096" },
		{ { .op = MHO_OP_PULSE, .mat = m, .a = s }, "must be MHO_I8" },
		{ { .op = MHO_OP_PULSE, .mat = m, .a = scaled }, "not scaled" },
		{ { .op = MHO_OP_TRANSFER, .mat = m, .count = 1 },
		  "TRANSFER, dst: the matrix is NULL" },
		{ { .op = MHO_OP_TRANSFER, .mat = m, .dst = m, .count = 1 }, "the same matrix" },
		{ { .op = MHO_OP_TRANSFER, .mat = m, .dst = tall, .count = 1 },
		  "mat has 2 rows and dst has 3" },
	};
	struct mho_job nop = { .op = MHO_OP_NOP }, bad, *list[3] = { &nop, &bad, &nop }, *done[3];
	struct mho_job *one = &bad;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		bad = refusals[i].job;
		assert_int_equal(mho_queue_submit(q, &one, 1), -EINVAL);
		expect_error(refusals[i].says);
	}
	/* Jobs before a bad one are taken. */
	assert_int_equal(mho_queue_submit(q, list, 3), 1);
	assert_int_equal(mho_queue_pending(q), 1);
	assert_int_equal(mho_queue_reap(q, done, 3, 3, -1), 1);
	one = NULL;
	assert_int_equal(mho_queue_submit(q, &one, 1), -EINVAL);
	assert_int_equal(mho_queue_submit(q, NULL, 1), -EINVAL);
	assert_int_equal(mho_queue_submit(q, NULL, 0), 0);
	assert_int_equal(mho_queue_reap(q, NULL, 1, 0, 0), -EINVAL);
	assert_int_equal(mho_queue_submit(NULL, list, 1), -EINVAL);
	fixture_close(g);
}

static void test_transfer_columns(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 8);
	struct mho_mat *m = new_mat(f->dev, 2, 3), *n = new_mat(f->dev, 2, 2);
	struct mho_job job = { .op = MHO_OP_TRANSFER, .mat = m, .dst = n, .alpha = 1.0f };
	struct mho_job *list = &job;

	assert_int_equal(mho_queue_submit(q, &list, 1), -EINVAL);
	expect_error("columns 0 to 0 of mat");
	job.count = 2;
	job.src_col = 2;
	assert_int_equal(mho_queue_submit(q, &list, 1), -EINVAL);
	expect_error("columns 2 to 4 of mat are wanted, which has 3");
	job.src_col = 1;
	job.dst_col = 1;
	assert_int_equal(mho_queue_submit(q, &list, 1), -EINVAL);
	expect_error("columns 1 to 3 of dst are wanted, which has 2");
	job.dst_col = 0;
	run(q, &job);
}

static void test_not_finite(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 8);
	struct mho_buf *a = new_buf(f->dev, 64), *b = new_buf(f->dev, 64);
	struct mho_job job = { .op = MHO_OP_MVM, .alpha = 1.0f, .a.buf = a, .b.buf = b };

	job.mat = new_mat(f->dev, 2, 3);
	((float *)mho_buf_map(a))[2] = NAN;
	run_status(q, &job, 0x0401);
	assert_int_equal(job.detail, 2);
	assert_non_null(strstr(mho_strerror(job.status), "NaN"));
}

static void test_bad_queue(void **state)
{
	struct fixture *f = *state;
	struct mho_queue_opts opts = MHO_INIT(struct mho_queue_opts);
	struct mho_queue *queues[5];
	int n = 0, err = 0;

	opts.depth = 65;
	assert_int_equal(mho_queue_create(f->dev, &opts, &queues[0]), -EINVAL);
	expect_error("this device allows 1 to 64");
	opts.depth = 0;
	opts.priority = 4;
	assert_int_equal(mho_queue_create(f->dev, &opts, &queues[0]), -EINVAL);
	expect_error("allowed are 0 to 3");
	opts.priority = 3;
	opts.reserved[0] = 1;
	assert_int_equal(mho_queue_create(f->dev, &opts, &queues[0]), -EINVAL);
	opts.reserved[0] = 0;
	assert_int_equal(mho_queue_create(f->dev, &opts, NULL), -EINVAL);
	while (n < 5 && !(err = mho_queue_create(f->dev, &opts, &queues[n])))
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(err, -ENOSPC);
	expect_error(fixture_on_card() ?
			     "queues of the card are in use, or this program has its share" :
			     "all 4 queues of the card are in use");
	mho_queue_destroy(queues[1]);
	assert_int_equal(mho_queue_create(f->dev, &opts, &queues[1]), 0);
}

/* Many more jobs than the ring holds, at every depth; each comes back once. */
static void check_many(struct mho_dev *dev, uint32_t depth, uint32_t total, uint32_t max)
{
	struct mho_job *jobs = calloc(total, sizeof(*jobs)), **list = calloc(total, sizeof(*list));
	struct mho_job **done = calloc(max, sizeof(*done));
	struct mho_queue *q = new_queue(dev, depth);
	uint32_t got = 0;
	int n;

	for (uint32_t i = 0; i < total; i++)
		list[i] = &jobs[i];
	assert_int_equal(mho_queue_submit(q, list, total), total);
	assert_int_equal(mho_queue_pending(q), total);
	while (got < total) {
		n = mho_queue_reap(q, done, max, max, -1);
		assert_true(n == (int)(total - got < max ? total - got : max));
		for (int i = 0; i < n; i++) {
			assert_null(done[i]->user_data);
			assert_int_equal(done[i]->status, 0);
			done[i]->user_data = q;
		}
		got += n;
	}
	assert_int_equal(mho_queue_pending(q), 0);
	assert_int_equal(mho_queue_reap(q, done, max, 1, -1), 0);
	mho_queue_destroy(q);
	free(jobs);
	free(list);
	free(done);
}

static void test_depth(void **state)
{
	struct fixture *f = *state;

	check_many(f->dev, 1, 500, 1);
	check_many(f->dev, 2, 1000, 3);
	check_many(f->dev, 3, 1000, 100);
	check_many(f->dev, 64, 10000, 7);
	check_many(f->dev, 8, 100000, 1000);
	check_many(f->dev, 64, 100000, 100000);
}

/*
 * Updates and reads of one matrix alternate: read k sees k + 1 updates. W starts at 0 and every
 * update adds 2^-10, so each sum is exact.
 */
static void test_order(void **state)
{
	enum {
		PAIRS = 300
	};
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_mat *mats[2] = { new_mat(f->dev, 1, 1), new_mat(f->dev, 1, 1) };
	struct mho_buf *x = new_buf(f->dev, 8), *y = new_buf(f->dev, 2 * PAIRS * sizeof(float));
	struct mho_job *jobs = calloc(4 * PAIRS, sizeof(*jobs)), *list[4 * PAIRS], *done[64];
	float *vx = mho_buf_map(x), *vy = mho_buf_map(y);
	int n = 0, got;

	vx[0] = 1.0f;
	vx[1] = -1.0f;
	for (int i = 0; i < 2 * PAIRS; i++) {
		struct mho_mat *mat = mats[i % 2];

		jobs[n] = (struct mho_job){ .op = MHO_OP_UPDATE,
					    .mat = mat,
					    .a.buf = x,
					    .b.buf = x,
					    .b.offset = 4,
					    .alpha = 0x1p-10f };
		list[n] = &jobs[n];
		n++;
		jobs[n] = (struct mho_job){ .op = MHO_OP_MVM,
					    .mat = mat,
					    .a.buf = x,
					    .b.buf = y,
					    .b.offset = i * sizeof(float),
					    .alpha = 1.0f };
		list[n] = &jobs[n];
		n++;
	}
	assert_int_equal(mho_queue_submit(q, list, n), n);
	while (mho_queue_pending(q)) {
		got = mho_queue_reap(q, done, 64, 1, -1);
		assert_true(got > 0);
		for (int i = 0; i < got; i++)
			assert_int_equal(done[i]->status, 0);
	}
	for (int i = 0; i < 2 * PAIRS; i++)
		assert_true(vy[i] == (float)(i / 2 + 1) * 0x1p-10f);
	free(jobs);
}

/* A fence orders what would overlap: the product of b sees what the job on a wrote. */
static void test_fence(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 64);
	struct mho_mat *m[2] = { new_mat(f->dev, 1, 1), new_mat(f->dev, 1, 1) };
	struct mho_buf *v = new_buf(f->dev, 64);
	float *p = mho_buf_map(v), one = 1.0f;
	struct mho_job jobs[20], *list[20], *done[20];

	assert_int_equal(mho_program(m[0], &one, 1, 0.0f), 0);
	assert_int_equal(mho_program(m[1], &one, 1, 0.0f), 0);
	/* p[i + 1] = p[i], on alternating matrices: a chain through memory */
	p[0] = 0.5f;
	for (int i = 0; i < 15; i++)
		jobs[i] = (struct mho_job){ .op = MHO_OP_MVM,
					    .flags = MHO_JOB_FENCE,
					    .mat = m[i % 2],
					    .a = { .buf = v, .offset = i * 4 },
					    .b = { .buf = v, .offset = i * 4 + 4 },
					    .alpha = 1.0f };
	for (int round = 0; round < 50; round++) {
		memset(p + 1, 0, 60);
		for (int i = 0; i < 15; i++)
			list[i] = &jobs[i];
		assert_int_equal(mho_queue_submit(q, list, 15), 15);
		assert_int_equal(mho_queue_reap(q, done, 20, 15, -1), 15);
		assert_true(p[15] == 0.5f);
	}
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void test_timeouts(void **state)
{
	enum {
		JOBS = 100
	};
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_job jobs[JOBS], *list[JOBS], *done[JOBS];
	uint64_t begin;
	int n, got = 0;

	/* Nothing is in flight: no wait, however long the timeout. */
	begin = now_ms();
	assert_int_equal(mho_queue_reap(q, done, JOBS, JOBS, -1), 0);
	assert_int_equal(mho_queue_reap(q, done, JOBS, 1, 10000000000), 0);
	assert_true(now_ms() - begin < 5000);
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = i ? jobs[0] : slow_job(f->dev);
		list[i] = &jobs[i];
	}
	assert_int_equal(mho_queue_submit(q, list, JOBS), JOBS);
	/* Short waits take what is there, and lose nothing. */
	while (got < JOBS) {
		n = mho_queue_reap(q, done, JOBS, JOBS, 100000);
		assert_true(n >= 0);
		got += n;
		assert_int_equal(mho_queue_pending(q), JOBS - got);
	}
}

#define CASE(f, io) \
	cmocka_unit_test_prestate_setup_teardown(f, fixture_setup_io, fixture_teardown, io)
#define CASES(io)                                                                     \
	CASE(test_operations, io), CASE(test_pulses, io), CASE(test_refusals, io),    \
		CASE(test_transfer_columns, io), CASE(test_not_finite, io),           \
		CASE(test_bad_queue, io), CASE(test_depth, io), CASE(test_order, io), \
		CASE(test_fence, io), CASE(test_timeouts, io)

int main(void)
{
	static uint32_t uring = MHO_IO_URING, thread = MHO_IO_THREAD;
	const struct CMUnitTest with[] = { CASES(&uring) }, without[] = { CASES(&thread) };
	int failed = 0;

	/* Where io_uring is refused, half of this cannot run. */
	if (fixture_has_uring())
		failed += cmocka_run_group_tests_name("mho_queue io_uring", with, NULL, NULL);
	return failed + cmocka_run_group_tests_name("mho_queue eventfd", without, NULL, NULL);
}
