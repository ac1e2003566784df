// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The driver's commands on every kind of ring, with every flag of an SQE, and in the hands of every
 * kind of process: forked, exec'd, handed the file, without privileges.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"
#include "mho_test_uring.h"

#define ENTRIES 32
#define NOBODY 65534
#define RUNS 8

/* --- Kinds of rings --- */

FIXTURE(ring)
{
	struct mt_session s;
	struct mt_ring ring;
	uint32_t prepared;
	int opened;
};

FIXTURE_VARIANT(ring)
{
	uint32_t flags;
	bool jobs; /* JOB fits */
	bool times; /* device time comes back */
	bool new_kernels; /* others do not have it */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(ring, plain) { 0 };
FIXTURE_VARIANT_ADD(ring, sqe128) { .flags = IORING_SETUP_SQE128, .jobs = true };
FIXTURE_VARIANT_ADD(ring, cqe32) { .flags = IORING_SETUP_CQE32, .times = true };
FIXTURE_VARIANT_ADD(ring, big) {
	.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQE32, .jobs = true, .times = true };
FIXTURE_VARIANT_ADD(ring, sqe_mixed) {
	.flags = IORING_SETUP_SQE_MIXED, .jobs = true, .new_kernels = true };
FIXTURE_VARIANT_ADD(ring, cqe_mixed) {
	.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQE_MIXED, .jobs = true, .times = true,
	.new_kernels = true };
FIXTURE_VARIANT_ADD(ring, both_mixed) {
	.flags = IORING_SETUP_SQE_MIXED | IORING_SETUP_CQE_MIXED, .jobs = true, .times = true,
	.new_kernels = true };
FIXTURE_VARIANT_ADD(ring, sqpoll) {
	.flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQE128 | IORING_SETUP_CQE32, .jobs = true,
	.times = true };
FIXTURE_VARIANT_ADD(ring, single_issuer) {
	.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SQE128, .jobs = true };
FIXTURE_VARIANT_ADD(ring, defer_taskrun) {
	.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SQE128,
	.jobs = true };
FIXTURE_VARIANT_ADD(ring, coop_taskrun) {
	.flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SQE128,
	.jobs = true };
/* clang-format on */

FIXTURE_SETUP(ring)
{
	/*
	 * A ring that is closed while its thread lives is cleared by another one, whose completions
	 * io_uring's own check takes for an error (6.12).
	 */
	if (variant->flags & IORING_SETUP_DEFER_TASKRUN)
		ASSERT_EQ(0, mt_log_expect("__io_submit_flush_completions+"));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_prepare_nop(&self->s, 0, RUNS, &self->prepared));
	self->opened = mt_ring_open(&self->ring, ENTRIES, variant->flags);
	if (self->opened == -EINVAL && variant->new_kernels)
		SKIP(return, "the kernel does not have such rings");
	ASSERT_EQ(0, self->opened);
}

FIXTURE_TEARDOWN(ring)
{
	if (!self->opened)
		mt_ring_close(&self->ring);
	mt_session_close(&self->s);
}

/* Each command many times over, so that rings wrap at each alignment. */
TEST_F(ring, commands)
{
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_uring_ext ext = { .result_handle = self->s.results.handle };
	struct drm_mho_submit args = mt_submit_args(&self->s, &nop, 1);
	struct drm_mho_uring_run run = { .handle = self->prepared };
	const struct drm_mho_result *results = mt_results(&self->s);
	struct mt_cqe cqes[3];
	uint32_t round, i, seen;

	args.result_offset = sizeof(struct drm_mho_result);
	for (round = 0; round < 3 * ENTRIES; round++) {
		memset(self->s.results.map, 0xa5, 2 * sizeof(struct drm_mho_result));
		mt_ring_job(&self->ring, &self->s, &nop, &ext, 0);
		mt_ring_batch(&self->ring, &self->s, &args, 1);
		mt_ring_run(&self->ring, &self->s, &run, 2);
		ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 3));
		for (i = 0, seen = 0; i < 3; i++) {
			ASSERT_GT(3, cqes[i].user_data);
			seen |= 1U << cqes[i].user_data;
			if (!cqes[i].user_data && !variant->jobs) {
				ASSERT_EQ(-EINVAL, cqes[i].res);
				continue;
			}
			ASSERT_EQ(0, cqes[i].res);
			if (cqes[i].user_data < 2 && variant->times)
				ASSERT_EQ(results[cqes[i].user_data].device_ns, cqes[i].device_ns);
		}
		ASSERT_EQ(7, seen);
		ASSERT_EQ(DRM_MHO_RESULT_DONE, results[1].done);
		/* One that does not fit misses a beat. */
		if (round % 7 == 0) {
			mt_ring_run(&self->ring, &self->s, &run, 0);
			ASSERT_EQ(0, mt_ring_one(&self->ring));
		}
	}
}

/* All that a queue holds, at once. */
TEST_F(ring, full)
{
	struct drm_mho_uring_run run = { 0 };
	struct mt_cqe cqes[ENTRIES];
	uint64_t seen = 0;
	int i;

	ASSERT_EQ(0, mt_prepare_nop(&self->s, 0, ENTRIES, &run.handle));
	for (i = 0; i < ENTRIES; i++)
		ASSERT_NE(NULL, mt_ring_run(&self->ring, &self->s, &run, i));
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, ENTRIES));
	for (i = 0; i < ENTRIES; i++) {
		EXPECT_EQ(0, cqes[i].res);
		seen |= 1ULL << cqes[i].user_data;
	}
	EXPECT_EQ((1ULL << ENTRIES) - 1, seen);
}

/* Cancelled, or torn down while it waits. */
TEST_F(ring, cancel)
{
	struct drm_mho_uring_run run = { .handle = self->prepared };
	struct drm_mho_job nop = mt_job_nop();
	struct mt_hold hold;
	struct mt_cqe cqes[2];

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &nop, 1));
	mt_ring_run(&self->ring, &self->s, &run, 1);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	mt_ring_cancel(&self->ring, &self->s, 0, 1, 2);
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 2));
	EXPECT_EQ(3, cqes[0].user_data + cqes[1].user_data);
	EXPECT_EQ(-ECANCELED, cqes[cqes[0].user_data == 2].res);
	EXPECT_EQ(1, cqes[cqes[0].user_data == 1].res);
	mt_ring_run(&self->ring, &self->s, &run, 1);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	mt_ring_close(&self->ring);
	self->opened = -1;
	EXPECT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_ctx_idle(&self->s));
	EXPECT_EQ(0, mt_run_one(&self->s, &nop));
}

/* --- Flags of an SQE, files, rings in plenty --- */

FIXTURE(modes)
{
	struct mt_session s;
	struct mt_ring ring;
	struct drm_mho_job nop;
	struct drm_mho_uring_run run;
};

FIXTURE_SETUP(modes)
{
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_ring_open(&self->ring, ENTRIES, IORING_SETUP_SQE128));
	self->nop = mt_job_nop();
	self->run = (struct drm_mho_uring_run){ 0 };
	ASSERT_EQ(0, mt_prepare_nop(&self->s, 0, RUNS, &self->run.handle));
}

FIXTURE_TEARDOWN(modes)
{
	mt_control("clear", NULL, 0);
	mt_ring_close(&self->ring);
	if (self->s.fd >= 0)
		mt_session_close(&self->s);
	EXPECT_EQ(0, mt_works());
}

/* Nothing polls for the driver's completions. */
TEST_F(modes, iopoll_is_refused)
{
	struct drm_mho_submit args = mt_submit_args(&self->s, &self->nop, 1);
	struct mt_ring ring;
	struct mt_cqe cqes[4];
	int i;

	ASSERT_EQ(0, mt_ring_open(&ring, ENTRIES, IORING_SETUP_IOPOLL | IORING_SETUP_SQE128));
	mt_ring_job(&ring, &self->s, &self->nop, NULL, 0);
	mt_ring_batch(&ring, &self->s, &args, 1);
	mt_ring_run(&ring, &self->s, &self->run, 2);
	mt_ring_cancel(&ring, &self->s, 0, 1, 3);
	ASSERT_EQ(0, mt_ring_submit(&ring));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, mt_ring_peek(&ring, &cqes[i]));
		EXPECT_EQ(-EOPNOTSUPP, cqes[i].res);
	}
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
	mt_ring_close(&ring);
}

/* A chain goes on after a job that was done, and breaks at one that was not. */
TEST_F(modes, links)
{
	struct drm_mho_uring_run bad = { .handle = 0x7777 };
	static const int broken[3] = { 0, -ENOENT, -ECANCELED };
	struct io_uring_sqe *sqe;
	struct mt_cqe cqes[3];
	int i;

	for (i = 0; i < 3; i++)
		mt_ring_run(&self->ring, &self->s, &self->run, i)->flags = i < 2 ? IOSQE_IO_LINK :
										   0;
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 3));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(i, cqes[i].user_data);
		EXPECT_EQ(0, cqes[i].res);
	}
	mt_ring_run(&self->ring, &self->s, &self->run, 0)->flags = IOSQE_IO_LINK;
	mt_ring_run(&self->ring, &self->s, &bad, 1)->flags = IOSQE_IO_LINK;
	mt_ring_run(&self->ring, &self->s, &self->run, 2);
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 3));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(broken[cqes[i].user_data], cqes[i].res);
	/* What the device says breaks it, too; a hard link does not care. */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mt_order("fault cmd-error DMA_FAULT"));
		sqe = mt_ring_run(&self->ring, &self->s, &self->run, 0);
		sqe->flags = i ? IOSQE_IO_HARDLINK : IOSQE_IO_LINK;
		mt_ring_run(&self->ring, &self->s, &self->run, 1);
		ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 2));
		EXPECT_EQ(-EIO, cqes[cqes[0].user_data].res);
		EXPECT_EQ(i ? 0 : -ECANCELED, cqes[!cqes[0].user_data].res);
	}
}

/* What is behind a drain is not even looked at before all else is done. */
TEST_F(modes, drain)
{
	struct mt_hold hold;
	struct mt_session other = self->s;
	struct drm_mho_uring_run run = { 0 };
	struct mt_cqe cqes[2];

	ASSERT_EQ(0, mt_ctx_create(self->s.fd, &other.ctx));
	ASSERT_EQ(0, mt_prepare_nop(&other, 0, 1, &run.handle));
	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &self->nop, 1));
	mt_ring_run(&self->ring, &self->s, &self->run, 0);
	mt_ring_run(&self->ring, &other, &run, 1)->flags = IOSQE_IO_DRAIN;
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	EXPECT_EQ(0, mt_run_one(&other, &self->nop));
	EXPECT_EQ(1, mt_ctx_state(&other).jobs);
	EXPECT_EQ(0, mt_ctx_state(&other).pending);
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqes[0]));
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 2));
	EXPECT_EQ(0, cqes[0].user_data);
	EXPECT_EQ(0, cqes[0].res);
	EXPECT_EQ(1, cqes[1].user_data);
	EXPECT_EQ(0, cqes[1].res);
}

/* From io_uring's own threads, which may sleep. */
TEST_F(modes, async)
{
	struct io_uring_sqe *sqe;
	struct mt_cqe cqes[RUNS];
	int i;

	for (i = 0; i < RUNS; i++) {
		if (i % 2)
			sqe = mt_ring_job(&self->ring, &self->s, &self->nop, NULL, i);
		else
			sqe = mt_ring_run(&self->ring, &self->s, &self->run, i);
		sqe->flags = IOSQE_ASYNC;
	}
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, RUNS));
	for (i = 0; i < RUNS; i++)
		EXPECT_EQ(0, cqes[i].res);
}

/* A registered file needs no descriptor. */
TEST_F(modes, fixed_file)
{
	int fds[2] = { -1, self->s.fd };
	struct mt_session fixed = self->s;
	struct mt_cqe cqes[2];

	ASSERT_EQ(0, mt_ring_register(&self->ring, IORING_REGISTER_FILES, fds, 2));
	fixed.fd = 1;
	mt_ring_job(&self->ring, &fixed, &self->nop, NULL, 0)->flags = IOSQE_FIXED_FILE;
	mt_ring_run(&self->ring, &fixed, &self->run, 1)->flags = IOSQE_FIXED_FILE;
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 2));
	EXPECT_EQ(0, cqes[0].res);
	EXPECT_EQ(0, cqes[1].res);
	mt_session_close(&self->s);
	mt_ring_run(&self->ring, &fixed, &self->run, 0)->flags = IOSQE_FIXED_FILE;
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	ASSERT_EQ(0, mt_ring_register(&self->ring, IORING_UNREGISTER_FILES, NULL, 0));
	mt_ring_run(&self->ring, &fixed, &self->run, 0)->flags = IOSQE_FIXED_FILE;
	EXPECT_EQ(-EBADF, mt_ring_one(&self->ring));
}

/* Commands keep their file: all are done, and then it is gone. */
TEST_F(modes, file_closed_in_flight)
{
	struct mt_hold hold;
	struct mt_cqe cqes[RUNS];
	int i;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &self->nop, 1));
	for (i = 0; i < RUNS; i++)
		mt_ring_run(&self->ring, &self->s, &self->run, i);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	mt_session_close(&self->s);
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqes[0]));
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, RUNS));
	for (i = 0; i < RUNS; i++)
		EXPECT_EQ(0, cqes[i].res);
	EXPECT_EQ(0, mt_module_unload());
	EXPECT_EQ(0, mt_module_load(""));
	EXPECT_EQ(0, mt_node_wait(true));
}

TEST_F(modes, two_rings_on_a_file)
{
	struct mt_ring other;
	struct mt_cqe cqes[2 * RUNS];
	struct mt_ring *rings[2] = { &self->ring, &other };
	int i, round;

	ASSERT_EQ(0, mt_ring_open(&other, ENTRIES, IORING_SETUP_CQE32));
	for (round = 0; round < 50; round++) {
		for (i = 0; i < RUNS; i++)
			mt_ring_run(rings[i % 2], &self->s, &self->run, i);
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, mt_ring_submit(rings[i]));
		for (i = 0; i < RUNS; i++) {
			ASSERT_EQ(0, mt_ring_wait(rings[i % 2], &cqes[i]));
			ASSERT_EQ(0, cqes[i].res);
			ASSERT_EQ(i % 2, cqes[i].user_data % 2);
		}
	}
	mt_ring_close(&other);
}

/* One's handles mean nothing on the other. */
TEST_F(modes, two_files_on_a_ring)
{
	struct mt_session other;
	struct drm_mho_uring_run run = { 0 }, theirs;
	struct mt_cqe cqes[2];

	ASSERT_EQ(0, mt_session_open(&other));
	ASSERT_EQ(0, mt_prepare_nop(&other, 0, 1, &run.handle));
	mt_ring_run(&self->ring, &self->s, &self->run, 0);
	mt_ring_run(&self->ring, &other, &run, 1);
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 2));
	EXPECT_EQ(0, cqes[0].res);
	EXPECT_EQ(0, cqes[1].res);
	EXPECT_EQ(1, mt_ctx_state(&self->s).jobs);
	EXPECT_EQ(1, mt_ctx_state(&other).jobs);
	ASSERT_EQ(0, mt_unprepare(other.fd, run.handle));
	theirs = self->run;
	mt_ring_run(&self->ring, &other, &theirs, 0);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	mt_session_close(&other);
}

/* --- Restricted rings --- */

static struct io_uring_restriction allow(uint8_t opcode)
{
	return (struct io_uring_restriction){ .opcode = IORING_RESTRICTION_SQE_OP,
					      .sqe_op = opcode };
}

/* A ring with restrictions and a registered file, enabled. */
static int restrict_ring(struct mt_ring *ring, uint32_t flags, int fd,
			 const struct io_uring_restriction *list, uint32_t count)
{
	int ret = mt_ring_open(ring, ENTRIES, flags | IORING_SETUP_R_DISABLED);

	if (ret)
		return ret;
	ret = mt_ring_register(ring, IORING_REGISTER_FILES, &fd, 1);
	if (!ret)
		ret = mt_ring_register(ring, IORING_REGISTER_RESTRICTIONS, list, count);
	if (!ret)
		ret = mt_ring_register(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	if (ret)
		mt_ring_close(ring);
	return ret;
}

static int nop_on(struct mt_ring *ring)
{
	mt_ring_sqe(ring, false)->opcode = IORING_OP_NOP;
	return mt_ring_one(ring);
}

/* Results of JOB, SUBMIT, RUN, CANCEL on a ring. */
static void each_command(struct mt_ring *ring, const struct mt_session *s, uint32_t prepared,
			 int *results)
{
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(s, &nop, 1);
	struct drm_mho_uring_run run = { .handle = prepared };

	mt_ring_job(ring, s, &nop, NULL, 0);
	results[0] = mt_ring_one(ring);
	mt_ring_batch(ring, s, &args, 0);
	results[1] = mt_ring_one(ring);
	mt_ring_run(ring, s, &run, 0);
	results[2] = mt_ring_one(ring);
	mt_ring_cancel(ring, s, 0, 77, 0);
	results[3] = mt_ring_one(ring);
}

/* Before it is enabled it takes nothing; then commands, and nothing else. */
TEST_F(modes, restricted_to_commands)
{
	const struct io_uring_restriction list[] = { allow(IORING_OP_URING_CMD) };
	int results[4], i;
	struct mt_ring ring;

	ASSERT_EQ(0, mt_ring_open(&ring, ENTRIES, IORING_SETUP_R_DISABLED));
	mt_ring_run(&ring, &self->s, &self->run, 0);
	EXPECT_EQ(-EBADFD, mt_ring_submit(&ring));
	mt_ring_close(&ring);
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
	ASSERT_EQ(0, restrict_ring(&ring, IORING_SETUP_SQE128, self->s.fd, list, 1));
	each_command(&ring, &self->s, self->run.handle, results);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, results[i]);
	EXPECT_EQ(-ENOENT, results[3]);
	EXPECT_EQ(3, mt_ctx_state(&self->s).jobs);
	EXPECT_EQ(-EACCES, nop_on(&ring));
	mt_ring_close(&ring);
}

/* Anything but commands. */
TEST_F(modes, restricted_without_commands)
{
	const struct io_uring_restriction list[] = { allow(IORING_OP_NOP) };
	int results[4], i;
	struct mt_ring ring;

	ASSERT_EQ(0, restrict_ring(&ring, IORING_SETUP_SQE128, self->s.fd, list, 1));
	each_command(&ring, &self->s, self->run.handle, results);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-EACCES, results[i]);
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
	EXPECT_EQ(0, nop_on(&ring));
	mt_ring_close(&ring);
}

/* Commands on registered files alone, as a program does that hands its ring to others. */
TEST_F(modes, restricted_to_fixed_files)
{
	const struct io_uring_restriction list[] = {
		allow(IORING_OP_URING_CMD),
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE },
	};
	struct mt_session fixed = self->s;
	struct mt_ring ring;

	ASSERT_EQ(0, restrict_ring(&ring, 0, self->s.fd, list, 2));
	mt_ring_run(&ring, &self->s, &self->run, 0);
	EXPECT_EQ(-EACCES, mt_ring_one(&ring));
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
	fixed.fd = 0;
	mt_ring_run(&ring, &fixed, &self->run, 0)->flags = IOSQE_FIXED_FILE;
	EXPECT_EQ(0, mt_ring_one(&ring));
	/* Flags that are not allowed. */
	mt_ring_run(&ring, &fixed, &self->run, 0)->flags = IOSQE_FIXED_FILE | IOSQE_ASYNC;
	EXPECT_EQ(-EACCES, mt_ring_one(&ring));
	EXPECT_EQ(1, mt_ctx_state(&self->s).jobs);
	mt_ring_close(&ring);
}

/* On a mixed ring JOB is another operation of the core's than the small commands. */
TEST_F(modes, restricted_on_a_mixed_ring)
{
	const struct io_uring_restriction list[] = { allow(IORING_OP_URING_CMD) };
	int results[4];
	struct mt_ring ring;
	int ret;

	ret = restrict_ring(&ring, IORING_SETUP_SQE_MIXED, self->s.fd, list, 1);
	if (ret == -EINVAL)
		SKIP(return, "the kernel does not have such rings");
	ASSERT_EQ(0, ret);
	each_command(&ring, &self->s, self->run.handle, results);
	EXPECT_EQ(-EACCES, results[0]);
	EXPECT_EQ(0, results[1]);
	EXPECT_EQ(0, results[2]);
	EXPECT_EQ(-ENOENT, results[3]);
	EXPECT_EQ(2, mt_ctx_state(&self->s).jobs);
	mt_ring_close(&ring);
}

/* --- Processes --- */

/* A ring of one's own on a file that may be another's. */
static int use_file(void *arg)
{
	struct mt_session *s = arg;
	struct drm_mho_job nop = mt_job_nop();
	struct mt_ring ring;
	int ret;

	if (mt_ring_open(&ring, ENTRIES, IORING_SETUP_SQE128))
		return 1;
	mt_ring_job(&ring, s, &nop, NULL, 0);
	ret = mt_ring_one(&ring);
	mt_ring_close(&ring);
	return ret ? 2 : 0;
}

/* A child uses the file, and its end is no end of what the parent has in flight. */
TEST_F(modes, fork)
{
	struct mt_cqe cqes[RUNS];
	struct mt_hold hold;
	int i;

	ASSERT_EQ(0, mt_child(0, use_file, &self->s));
	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &self->nop, 1));
	for (i = 0; i < RUNS; i++)
		mt_ring_run(&self->ring, &self->s, &self->run, i);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	if (!fork())
		_exit(0);
	ASSERT_LT(0, wait(NULL));
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqes[0]));
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, RUNS));
	for (i = 0; i < RUNS; i++)
		EXPECT_EQ(0, cqes[i].res);
}

/* Opens with a ring, and has commands wait for good when it tells so. */
static int wait_with_ring(struct mt_session *s, struct mt_ring *ring, int ready)
{
	struct drm_mho_uring_run run = { 0 };

	if (mt_session_open(s) || mt_ring_open(ring, 2 * MT_MANY, 0))
		return 1;
	if (mt_prepare_nop(s, DRM_MHO_JOB_FENCE, MT_MANY, &run.handle) || mt_pin(s))
		return 2;
	if (mt_ring_fill(ring, s, &run, MT_MANY) || write(ready, "x", 1) != 1)
		return 4;
	return 0;
}

/* The new program has none of it, and does not wait for it. */
TEST_F(modes, exec)
{
	int ready[2], status;
	struct mt_session s;
	struct mt_ring ring;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	/* Not what ends the wait. */
	ASSERT_EQ(0, mt_timeout(MT_FAR_MS));
	pid = fork();
	if (!pid) {
		status = wait_with_ring(&s, &ring, ready[1]);
		if (status)
			_exit(status);
		execl("/bin/true", "true", NULL);
		_exit(5);
	}
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, mt_timeout(0));
	EXPECT_EQ(0, mt_run_one(&self->s, &self->nop));
}

/* Whose file it was ends with commands in flight: they are no more, and the file lives on. */
TEST_F(modes, file_handed_over)
{
	struct mt_session s = { 0 };
	int sockets[2], status;
	struct mt_ring ring;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, mt_timeout(MT_FAR_MS));
	pid = fork();
	if (!pid) {
		status = wait_with_ring(&s, &ring, sockets[1]);
		if (!status && (write(sockets[1], &s.ctx, sizeof(s.ctx)) != sizeof(s.ctx) ||
				mt_send_fd(sockets[1], s.fd)))
			status = 6;
		_exit(status);
	}
	close(sockets[1]);
	ASSERT_EQ(1, read(sockets[0], &byte, 1));
	ASSERT_EQ((ssize_t)sizeof(s.ctx), read(sockets[0], &s.ctx, sizeof(s.ctx)));
	s.fd = mt_receive_fd(sockets[0]);
	ASSERT_LE(0, s.fd);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, mt_timeout(0));
	/* What was cancelled is not started; what hangs does so until the context is reset. */
	EXPECT_EQ(0, mt_ctx_reset(&s));
	EXPECT_EQ(0, mt_ctx_idle(&s));
	EXPECT_EQ(0, mt_child(0, use_file, &s));
	close(s.fd);
	close(sockets[0]);
}

/* Whoever may open the node may use it so. */
static int open_and_use(void *arg)
{
	struct mt_session s;
	int ret;

	(void)arg;
	if (mt_session_open(&s))
		return 3;
	ret = use_file(&s);
	mt_session_close(&s);
	return ret;
}

TEST_F(modes, unprivileged)
{
	const char *node = mt_node();
	struct stat before;

	ASSERT_EQ(0, stat(node, &before));
	ASSERT_EQ(0, chmod(node, 0666));
	EXPECT_EQ(0, mt_child(NOBODY, open_and_use, NULL));
	ASSERT_EQ(0, chmod(node, before.st_mode & 07777));
}

MHO_TEST_MAIN
