// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Wrong commands and sequences: every field of every payload, SQEs that are too short or changed
 * while they are read, handles of what is gone, more than there may be. After each the driver has to
 * work as before.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"
#include "mho_test_fault.h"
#include "mho_test_uring.h"
#include "mho_test_wrong.h"

#define ENTRIES 64
#define SIDE 16
#define SLOTS 4
/* Rounds in which runs wait for a fence. */
#define ROUNDS_HELD 20
#define RESULT sizeof(struct drm_mho_result)
#define RESULTS_SIZE (MT_RESULTS * RESULT)

FIXTURE(uring_bad)
{
	struct mt_session s;
	struct mt_ring ring;
	uint32_t array;
	struct drm_mho_uring_run run; /* of a NOP */
};

FIXTURE_SETUP(uring_bad)
{
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_ring_open(&self->ring, ENTRIES, IORING_SETUP_SQE128 | IORING_SETUP_CQE32));
	ASSERT_EQ(0, mt_array_create(self->s.fd, SIDE, SIDE, &self->array));
	self->run = (struct drm_mho_uring_run){ 0 };
	ASSERT_EQ(0, mt_prepare_nop(&self->s, 0, SLOTS, &self->run.handle));
}

/* Whatever happened, a good job is done, by either way. */
FIXTURE_TEARDOWN(uring_bad)
{
	struct drm_mho_job job = mt_job_read(&self->s, self->array, 1);

	EXPECT_EQ(0, mt_run_one(&self->s, &job));
	mt_ring_job(&self->ring, &self->s, &job, NULL, 0);
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	mt_ring_close(&self->ring);
	mt_session_close(&self->s);
}

/* A command with a payload of any kind. */
#define COMMAND(op, payload) \
	mt_ring_cmd(&self->ring, self->s.fd, op, payload, sizeof(*(payload)), 0)

#define EXPECT_REFUSED(op, good, list) \
	EXPECT_REFUSED_BY((COMMAND(op, &refused_args), mt_ring_one(&self->ring)), good, list)

/* --- SQEs --- */

/* Numbers that are no command, those of ioctls, and such with another size or direction. */
TEST_F(uring_bad, no_such_command)
{
	static const uint32_t list[] = {
		0,
		~0U,
		1,
		DRM_IOCTL_MHO_SUBMIT,
		DRM_IOCTL_MHO_QUERY,
		DRM_IOCTL_VERSION,
		DRM_MHO_IOWR(DRM_MHO_URING_BASE + 4, drm_mho_uring_run),
		DRM_MHO_IOWR(DRM_MHO_URING_BASE + 2, drm_mho_uring_job),
		DRM_IOW(DRM_COMMAND_BASE + DRM_MHO_URING_BASE + 2, struct drm_mho_uring_run),
		_IOWR('x', DRM_COMMAND_BASE + DRM_MHO_URING_BASE + 2, struct drm_mho_uring_run),
	};
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(list); i++) {
		COMMAND(list[i], &self->run);
		EXPECT_GT(0, mt_ring_one(&self->ring))
		{
			TH_LOG("number %zu", i);
		}
	}
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
}

/* The commands' numbers are none of an ioctl's. */
TEST_F(uring_bad, no_such_ioctl)
{
	EXPECT_EQ(-EINVAL, mt_ioctl(self->s.fd, DRM_URING_MHO_RUN, &self->run));
}

/* Flags that the commands do not have. */
TEST_F(uring_bad, command_flags)
{
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(&self->s, &nop, 1);
	uint32_t flag;

	for (flag = 1; flag; flag <<= 1) {
		mt_ring_job(&self->ring, &self->s, &nop, NULL, 0)->uring_cmd_flags = flag;
		EXPECT_GT(0, mt_ring_one(&self->ring));
		mt_ring_batch(&self->ring, &self->s, &args, 0)->uring_cmd_flags = flag;
		EXPECT_GT(0, mt_ring_one(&self->ring));
		mt_ring_run(&self->ring, &self->s, &self->run, 0)->uring_cmd_flags = flag;
		EXPECT_GT(0, mt_ring_one(&self->ring));
		mt_ring_cancel(&self->ring, &self->s, 0, 0, 0)->uring_cmd_flags = flag;
		EXPECT_GT(0, mt_ring_one(&self->ring));
	}
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
}

/*
 * All other fields of an SQE: what commands have no use for is zero, so that it can get one. The
 * first few the core sees to.
 */
TEST_F(uring_bad, unused_fields)
{
	static const struct wrong list[] = {
		{ "ioprio", FIELD(io_uring_sqe, ioprio), 1, -EINVAL },
		{ "behind cmd_op", FIELD(io_uring_sqe, __pad1), 1, -EINVAL },
		{ "personality", FIELD(io_uring_sqe, personality), 77, -EINVAL },
		{ "flags", FIELD(io_uring_sqe, flags), 0x80, -EINVAL },
		{ "descriptor", FIELD(io_uring_sqe, fd), ~0U, -EBADF },
		{ "addr", FIELD(io_uring_sqe, addr), 1, -EINVAL },
		{ "addr", FIELD(io_uring_sqe, addr), 1ULL << 63, -EINVAL },
		{ "level", FIELD(io_uring_sqe, level), 1, -EINVAL },
		{ "optname", FIELD(io_uring_sqe, optname), 1, -EINVAL },
		{ "len", FIELD(io_uring_sqe, len), 1, -EINVAL },
		{ "len", FIELD(io_uring_sqe, len), 1U << 31, -EINVAL },
		{ "buf_index", FIELD(io_uring_sqe, buf_index), 1, -EINVAL },
		{ "buf_index", FIELD(io_uring_sqe, buf_index), 1U << 15, -EINVAL },
		{ "file_index", FIELD(io_uring_sqe, file_index), 1, -EINVAL },
		{ "file_index", FIELD(io_uring_sqe, file_index), 1U << 31, -EINVAL },
	};
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(&self->s, &nop, 1);
	struct io_uring_sqe *sqe;
	size_t i, command;

	for (i = 0; i < MT_ARRAY_SIZE(list); i++) {
		for (command = 0; command < 4; command++) {
			sqe = command == 0 ? mt_ring_job(&self->ring, &self->s, &nop, NULL, 0) :
			      command == 1 ? mt_ring_batch(&self->ring, &self->s, &args, 0) :
			      command == 2 ? mt_ring_run(&self->ring, &self->s, &self->run, 0) :
					     mt_ring_cancel(&self->ring, &self->s,
							    DRM_MHO_CANCEL_ALL, 0, 0);
			spoil(sqe, &list[i]);
			EXPECT_EQ(list[i].want, mt_ring_one(&self->ring))
			{
				TH_LOG("%s, command %zu", list[i].what, command);
			}
		}
	}
	/* Whose buffers the core would have to find. */
	sqe = mt_ring_run(&self->ring, &self->s, &self->run, 0);
	sqe->flags = IOSQE_BUFFER_SELECT;
	EXPECT_GT(0, mt_ring_one(&self->ring));
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
}

/* What is left of a large payload must be zero, each byte. */
TEST_F(uring_bad, rest_of_the_payload)
{
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(&self->s, &nop, 1);
	size_t at;

	for (at = 16; at < 80; at++) {
		((uint8_t *)mt_sqe_payload(mt_ring_run(&self->ring, &self->s, &self->run, 0)))[at] =
			1;
		EXPECT_EQ(-EINVAL, mt_ring_one(&self->ring));
		((uint8_t *)mt_sqe_payload(mt_ring_batch(&self->ring, &self->s, &args, 0)))[at] = 1;
		EXPECT_EQ(-EINVAL, mt_ring_one(&self->ring));
		((uint8_t *)mt_sqe_payload(mt_ring_cancel(&self->ring, &self->s, 0, 0, 0)))[at] = 1;
		EXPECT_EQ(-EINVAL, mt_ring_one(&self->ring));
	}
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
}

/* A JOB needs the room; in a short SQE the next one's bytes are not its. */
TEST_F(uring_bad, short_sqe)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_ring plain;
	struct mt_cqe cqes[2];

	ASSERT_EQ(0, mt_ring_open(&plain, ENTRIES, 0));
	mt_ring_job(&plain, &self->s, &nop, NULL, 0);
	mt_ring_run(&plain, &self->s, &self->run, 1);
	ASSERT_EQ(0, mt_ring_finish(&plain, cqes, 2));
	EXPECT_EQ(-EINVAL, cqes[cqes[0].user_data].res);
	EXPECT_EQ(0, cqes[!cqes[0].user_data].res);
	mt_ring_close(&plain);
}

/* Who may not write may not change anything. */
TEST_F(uring_bad, read_only_file)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_session s = self->s;
	int by_ioctl, by_ring;

	s.fd = open(mt_node(), O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, s.fd);
	by_ioctl = mt_ctx_create(s.fd, &s.ctx);
	if (!by_ioctl) {
		struct drm_mho_submit args = mt_submit_args(&s, &nop, 1);

		args.result_handle = 0;
		by_ioctl = mt_ioctl(s.fd, DRM_IOCTL_MHO_SUBMIT, &args);
	}
	mt_ring_job(&self->ring, &s, &nop, NULL, 0);
	by_ring = mt_ring_one(&self->ring);
	/* Either way or neither. */
	EXPECT_EQ(by_ioctl, by_ring);
	close(s.fd);
}

/* --- Payloads --- */

TEST_F(uring_bad, job)
{
	static const struct wrong list[] = {
		{ "operation", FIELD(drm_mho_uring_job, job.op), 0x7f, -EINVAL },
		{ "operation", FIELD(drm_mho_uring_job, job.op), 0x80, -EINVAL },
		{ "flag", FIELD(drm_mho_uring_job, job.flags), 0x08, -EINVAL },
		{ "modifier", FIELD(drm_mho_uring_job, job.modifier), 1, -EINVAL },
		{ "pad", FIELD(drm_mho_uring_job, job.pad), 1, -EINVAL },
		{ "parameter", FIELD(drm_mho_uring_job, job.param[1]), 1, -EINVAL },
		{ "array 0", FIELD(drm_mho_uring_job, job.array), 0, -ENOENT },
		{ "array", FIELD(drm_mho_uring_job, job.array), 999, -ENOENT },
		{ "operand a", FIELD(drm_mho_uring_job, job.a.handle), 999, -ENOENT },
		{ "operand b 0", FIELD(drm_mho_uring_job, job.b.handle), 0, -ENOENT },
		{ "context 0", FIELD(drm_mho_uring_job, ctx), 0, -ENOENT },
		{ "context", FIELD(drm_mho_uring_job, ctx), 999, -ENOENT },
		{ "context", FIELD(drm_mho_uring_job, ctx), ~0U, -ENOENT },
		{ "flags", FIELD(drm_mho_uring_job, flags), 4, -EINVAL },
		{ "flags", FIELD(drm_mho_uring_job, flags), 1U << 31, -EINVAL },
		{ "a fixed of a plain command", FIELD(drm_mho_uring_job, flags), 1, -EINVAL },
		{ "b fixed of a plain command", FIELD(drm_mho_uring_job, flags), 2, -EINVAL },
		{ "extension", FIELD(drm_mho_uring_job, ext), UNMAPPED, -EFAULT },
		{ "kernel's pointer", FIELD(drm_mho_uring_job, ext), KERNELS, -EFAULT },
	};
	struct drm_mho_uring_job good = {
		.job = mt_job_vectors(&self->s, self->array, DRM_MHO_OP_MVM, 4),
		.ctx = self->s.ctx,
	};

	EXPECT_REFUSED(DRM_URING_MHO_JOB, good, list);
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
	COMMAND(DRM_URING_MHO_JOB, &good);
	EXPECT_EQ(0, mt_ring_one(&self->ring));
}

TEST_F(uring_bad, extension)
{
	static const struct wrong list[] = {
		{ "in_syncs without a count", FIELD(drm_mho_uring_ext, in_syncs), 4096, -EINVAL },
		{ "out_syncs without a count", FIELD(drm_mho_uring_ext, out_syncs), 4096, -EINVAL },
		{ "in_syncs", FIELD(drm_mho_uring_ext, in_sync_count), 1, -EFAULT },
		{ "out_syncs", FIELD(drm_mho_uring_ext, out_sync_count), 1, -EFAULT },
		{ "in_sync_count", FIELD(drm_mho_uring_ext, in_sync_count), DRM_MHO_SYNC_MAX + 1,
		  -EINVAL },
		{ "out_sync_count", FIELD(drm_mho_uring_ext, out_sync_count), ~0U, -EINVAL },
		{ "result_handle", FIELD(drm_mho_uring_ext, result_handle), 999, -ENOENT },
		{ "pad", FIELD(drm_mho_uring_ext, pad), 1, -EINVAL },
		{ "not aligned", FIELD(drm_mho_uring_ext, result_offset), 4, -EINVAL },
		{ "behind the buffer", FIELD(drm_mho_uring_ext, result_offset), RESULTS_SIZE,
		  -EINVAL },
		{ "across its end", FIELD(drm_mho_uring_ext, result_offset), RESULTS_SIZE - 8,
		  -EINVAL },
		{ "offset", FIELD(drm_mho_uring_ext, result_offset), ~7ULL, -EINVAL },
	};
	struct drm_mho_uring_ext good = { .result_handle = self->s.results.handle };
	struct drm_mho_sync syncs[] = { { .handle = 999 },
					{ .handle = self->s.done, .flags = 2 },
					{ .handle = self->s.done, .point = 1 },
					{ .handle = self->s.done, .flags = DRM_MHO_SYNC_TIMELINE },
					{ .handle = self->s.done } };
	static const int refusals[] = { -ENOENT, -EINVAL, -EINVAL, -EINVAL };
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_uring_ext ext;
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(list); i++) {
		ext = good;
		spoil(&ext, &list[i]);
		mt_ring_job(&self->ring, &self->s, &nop, &ext, 0);
		EXPECT_EQ(list[i].want, mt_ring_one(&self->ring))
		{
			TH_LOG("%s", list[i].what);
		}
	}
	for (i = 0; i < MT_ARRAY_SIZE(refusals); i++) {
		ext = (struct drm_mho_uring_ext){ .in_syncs = (uintptr_t)&syncs[i],
						  .in_sync_count = 1 };
		mt_ring_job(&self->ring, &self->s, &nop, &ext, 0);
		EXPECT_EQ(refusals[i], mt_ring_one(&self->ring));
		ext = (struct drm_mho_uring_ext){ .out_syncs = (uintptr_t)&syncs[i],
						  .out_sync_count = 1 };
		mt_ring_job(&self->ring, &self->s, &nop, &ext, 0);
		EXPECT_EQ(refusals[i], mt_ring_one(&self->ring));
	}
	/* A syncobj that has no fence yet. */
	ext = (struct drm_mho_uring_ext){ .in_syncs = (uintptr_t)&syncs[4], .in_sync_count = 1 };
	mt_ring_job(&self->ring, &self->s, &nop, &ext, 0);
	EXPECT_EQ(-EINVAL, mt_ring_one(&self->ring));
	/* Without a handle there is no offset. */
	ext = (struct drm_mho_uring_ext){ .result_offset = 8 };
	mt_ring_job(&self->ring, &self->s, &nop, &ext, 0);
	EXPECT_EQ(-EINVAL, mt_ring_one(&self->ring));
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
}

TEST_F(uring_bad, batch)
{
	static const struct wrong payload[] = {
		{ "pointer", FIELD(drm_mho_uring_submit, submit), 0, -EFAULT },
		{ "pointer", FIELD(drm_mho_uring_submit, submit), UNMAPPED, -EFAULT },
		{ "kernel's pointer", FIELD(drm_mho_uring_submit, submit), KERNELS, -EFAULT },
		{ "pad", FIELD(drm_mho_uring_submit, pad), 1, -EINVAL },
	};
	static const struct wrong list[] = {
		{ "context", FIELD(drm_mho_submit, ctx), 0, -ENOENT },
		{ "flags", FIELD(drm_mho_submit, flags), 1, -EINVAL },
		{ "jobs", FIELD(drm_mho_submit, jobs), UNMAPPED, -EFAULT },
		{ "no jobs", FIELD(drm_mho_submit, job_count), 0, -EINVAL },
		{ "jobs", FIELD(drm_mho_submit, job_count), 1U << 20, -E2BIG },
		{ "stride", FIELD(drm_mho_submit, job_stride), 63, -EINVAL },
		{ "in_syncs", FIELD(drm_mho_submit, in_syncs), 4096, -EINVAL },
		{ "out_syncs", FIELD(drm_mho_submit, out_syncs), 4096, -EINVAL },
		{ "in_syncs", FIELD(drm_mho_submit, in_sync_count), 1, -EFAULT },
		{ "out_syncs", FIELD(drm_mho_submit, out_sync_count), 1, -EFAULT },
		{ "result_handle", FIELD(drm_mho_submit, result_handle), 999, -ENOENT },
		{ "pad", FIELD(drm_mho_submit, pad), 1, -EINVAL },
		{ "result_offset", FIELD(drm_mho_submit, result_offset), 4, -EINVAL },
	};
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit good = mt_submit_args(&self->s, &nop, 1), args;
	struct drm_mho_uring_submit submit = { .submit = (uintptr_t)&good };
	size_t i;

	EXPECT_REFUSED(DRM_URING_MHO_SUBMIT, submit, payload);
	for (i = 0; i < MT_ARRAY_SIZE(list); i++) {
		args = good;
		spoil(&args, &list[i]);
		mt_ring_batch(&self->ring, &self->s, &args, 0);
		EXPECT_EQ(list[i].want, mt_ring_one(&self->ring))
		{
			TH_LOG("%s", list[i].what);
		}
		/* The ioctl says the same. */
		EXPECT_EQ(list[i].want, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
	}
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
}

TEST_F(uring_bad, run)
{
	static const struct wrong list[] = {
		{ "handle 0", FIELD(drm_mho_uring_run, handle), 0, -ENOENT },
		{ "handle", FIELD(drm_mho_uring_run, handle), 999, -ENOENT },
		{ "handle", FIELD(drm_mho_uring_run, handle), ~0U, -ENOENT },
		{ "a_slot", FIELD(drm_mho_uring_run, a_slot), 2, -EINVAL },
		{ "a_slot", FIELD(drm_mho_uring_run, a_slot), ~0U, -EINVAL },
		{ "b_slot", FIELD(drm_mho_uring_run, b_slot), 3, -EINVAL },
		{ "b_slot", FIELD(drm_mho_uring_run, b_slot), 1U << 31, -EINVAL },
		{ "result_slot", FIELD(drm_mho_uring_run, result_slot), 4, -EINVAL },
		{ "result_slot", FIELD(drm_mho_uring_run, result_slot), ~0U, -EINVAL },
	};
	struct drm_mho_prepared_job job = { .job = mt_job_nop() };
	struct drm_mho_prepare args = mt_prepare_args(&self->s, &job, 1);
	struct drm_mho_uring_run good = { 0 };

	args.a_slots = 2;
	args.b_slots = 3;
	args.result_slots = 4;
	args.result_handle = self->s.results.handle;
	ASSERT_EQ(0, mt_prepare(self->s.fd, &args));
	memset(self->s.results.map, 0xa5, self->s.results.size);
	good.handle = args.handle;
	EXPECT_REFUSED(DRM_URING_MHO_RUN, good, list);
	EXPECT_EQ(0, mt_ctx_state(&self->s).jobs);
	EXPECT_EQ(0xa5a5a5a5, mt_results(&self->s)[0].done);
	EXPECT_EQ(0xa5a5a5a5, mt_results(&self->s)[4].done);
	/* The last of each is right. */
	good = (struct drm_mho_uring_run){ args.handle, 1, 2, 3 };
	COMMAND(DRM_URING_MHO_RUN, &good);
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	EXPECT_EQ(DRM_MHO_RESULT_DONE, mt_results(&self->s)[3].done);
	EXPECT_EQ(0xa5a5a5a5, mt_results(&self->s)[4].done);
}

TEST_F(uring_bad, cancel)
{
	static const struct wrong list[] = {
		{ "context 0", FIELD(drm_mho_uring_cancel, ctx), 0, -ENOENT },
		{ "context", FIELD(drm_mho_uring_cancel, ctx), 999, -ENOENT },
		{ "flags", FIELD(drm_mho_uring_cancel, flags), 2, -EINVAL },
		{ "flags", FIELD(drm_mho_uring_cancel, flags), 1U << 31, -EINVAL },
		{ "which", FIELD(drm_mho_uring_cancel, user_data), ~0ULL, -ENOENT },
	};
	struct drm_mho_uring_cancel good = { .ctx = self->s.ctx };
	struct drm_mho_uring_cancel all = { .ctx = self->s.ctx,
					    .flags = DRM_MHO_CANCEL_ALL,
					    .user_data = 1 };

	EXPECT_REFUSED(DRM_URING_MHO_CANCEL, good, list);
	/* Which one is not a question then. */
	COMMAND(DRM_URING_MHO_CANCEL, &all);
	EXPECT_EQ(-EINVAL, mt_ring_one(&self->ring));
}

/* --- PREPARE --- */

TEST_F(uring_bad, prepare)
{
	static const struct wrong list[] = {
		{ "context 0", FIELD(drm_mho_prepare, ctx), 0, -ENOENT },
		{ "context", FIELD(drm_mho_prepare, ctx), 999, -ENOENT },
		{ "flags", FIELD(drm_mho_prepare, flags), 1, -EINVAL },
		{ "jobs", FIELD(drm_mho_prepare, jobs), UNMAPPED, -EFAULT },
		{ "kernel's pointer", FIELD(drm_mho_prepare, jobs), KERNELS, -EFAULT },
		{ "no jobs", FIELD(drm_mho_prepare, job_count), 0, -EINVAL },
		{ "jobs", FIELD(drm_mho_prepare, job_count), 1U << 20, -E2BIG },
		{ "jobs", FIELD(drm_mho_prepare, job_count), ~0U, -E2BIG },
		{ "stride", FIELD(drm_mho_prepare, job_stride), 79, -EINVAL },
		{ "stride", FIELD(drm_mho_prepare, job_stride), 0, -EINVAL },
		{ "runs 0", FIELD(drm_mho_prepare, runs), 0, -EINVAL },
		{ "runs", FIELD(drm_mho_prepare, runs), DRM_MHO_RUNS_MAX + 1, -EINVAL },
		{ "runs", FIELD(drm_mho_prepare, runs), ~0U, -EINVAL },
		{ "a_slots", FIELD(drm_mho_prepare, a_slots), 0, -EINVAL },
		{ "b_slots", FIELD(drm_mho_prepare, b_slots), 0, -EINVAL },
		{ "result_slots", FIELD(drm_mho_prepare, result_slots), 0, -EINVAL },
		{ "more results than fit", FIELD(drm_mho_prepare, result_slots), MT_RESULTS + 1,
		  -EINVAL },
		{ "results that wrap", FIELD(drm_mho_prepare, result_slots), 1U << 27, -EINVAL },
		{ "results", FIELD(drm_mho_prepare, result_slots), ~0U, -EINVAL },
		{ "result_handle", FIELD(drm_mho_prepare, result_handle), 999, -ENOENT },
		{ "handle", FIELD(drm_mho_prepare, handle), 1, -EINVAL },
		{ "result_offset", FIELD(drm_mho_prepare, result_offset), 4, -EINVAL },
		{ "result_offset", FIELD(drm_mho_prepare, result_offset), RESULTS_SIZE, -EINVAL },
		{ "result_offset", FIELD(drm_mho_prepare, result_offset), ~7ULL, -EINVAL },
	};
	static const struct wrong jobs[] = {
		{ "operation", FIELD(drm_mho_prepared_job, job.op), 0x7f, -EINVAL },
		{ "pad", FIELD(drm_mho_prepared_job, job.pad), 1, -EINVAL },
		{ "parameter", FIELD(drm_mho_prepared_job, job.param[0]), 1, -EINVAL },
		{ "array", FIELD(drm_mho_prepared_job, job.array), 999, -ENOENT },
		{ "operand a", FIELD(drm_mho_prepared_job, job.a.handle), 999, -ENOENT },
		{ "operand b", FIELD(drm_mho_prepared_job, job.b.handle), 0, -ENOENT },
	};
	struct drm_mho_prepared_job good_job = { .job = mt_job_vectors(&self->s, self->array,
								       DRM_MHO_OP_MVM, 1) };
	struct drm_mho_prepared_job job = good_job;
	struct drm_mho_prepare good = mt_prepare_args(&self->s, &job, 1), args;
	size_t i;

	good.result_handle = self->s.results.handle;
	for (i = 0; i < MT_ARRAY_SIZE(list); i++) {
		args = good;
		spoil(&args, &list[i]);
		EXPECT_EQ(list[i].want, mt_prepare(self->s.fd, &args))
		{
			TH_LOG("%s", list[i].what);
		}
	}
	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++) {
		args = good;
		job = good_job;
		spoil(&job, &jobs[i]);
		EXPECT_EQ(jobs[i].want, mt_prepare(self->s.fd, &args))
		{
			TH_LOG("%s", jobs[i].what);
		}
	}
	job = good_job;
	/* Slots of results without a place for them. */
	args = good;
	args.result_handle = 0;
	args.result_slots = 2;
	EXPECT_EQ(-EINVAL, mt_prepare(self->s.fd, &args));
	args.result_slots = 1;
	args.result_offset = 8;
	EXPECT_EQ(-EINVAL, mt_prepare(self->s.fd, &args));
	args = good;
	EXPECT_EQ(0, mt_prepare(self->s.fd, &args));
	/* What has none takes no steps. */
	job = (struct drm_mho_prepared_job){ .job = mt_job_nop(), .a_step = 64 };
	args = good;
	EXPECT_EQ(-EINVAL, mt_prepare(self->s.fd, &args));
	job = (struct drm_mho_prepared_job){ .job = mt_job_nop(), .b_step = 64 };
	EXPECT_EQ(-EINVAL, mt_prepare(self->s.fd, &args));
	job = (struct drm_mho_prepared_job){ .job = mt_job_read(&self->s, self->array, 1),
					     .a_step = 64 };
	EXPECT_EQ(-EINVAL, mt_prepare(self->s.fd, &args));
}

/* Slots far behind the buffer, or around the end of numbers: the device says what it says. */
TEST_F(uring_bad, slots_outside)
{
	static const uint64_t steps[] = { MT_DATA_SIZE, 1ULL << 32, 1ULL << 62, ~3ULL };
	struct drm_mho_prepared_job job = { .job = mt_job_vectors(&self->s, self->array,
								  DRM_MHO_OP_MVM, 1) };
	struct drm_mho_uring_run run = { 0 };
	struct drm_mho_prepare args;
	size_t i;
	int ret;

	for (i = 0; i < MT_ARRAY_SIZE(steps); i++) {
		job.b_step = steps[i];
		args = mt_prepare_args(&self->s, &job, 1);
		args.b_slots = ~0U;
		args.result_handle = self->s.results.handle;
		ret = mt_prepare(self->s.fd, &args);
		EXPECT_TRUE(!ret || ret == -EINVAL);
		if (ret)
			continue;
		run.handle = args.handle;
		run.b_slot = ~0U - 1;
		mt_ring_run(&self->ring, &self->s, &run, 0);
		EXPECT_GT(0, mt_ring_one(&self->ring));
		EXPECT_EQ(MHO_HW_ST_KEY_RANGE, mt_results(&self->s)->status);
		EXPECT_EQ(0, mt_unprepare(self->s.fd, args.handle));
	}
}

TEST_F(uring_bad, unprepare)
{
	struct drm_mho_unprepare args = { .handle = self->run.handle, .pad = 1 };
	struct mt_session other;

	EXPECT_EQ(-EINVAL, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_UNPREPARE, &args));
	EXPECT_EQ(-ENOENT, mt_unprepare(self->s.fd, 0));
	EXPECT_EQ(-ENOENT, mt_unprepare(self->s.fd, 999));
	ASSERT_EQ(0, mt_session_open(&other));
	EXPECT_EQ(-ENOENT, mt_unprepare(other.fd, self->run.handle));
	mt_session_close(&other);
	EXPECT_EQ(0, mt_unprepare(self->s.fd, self->run.handle));
	EXPECT_EQ(-ENOENT, mt_unprepare(self->s.fd, self->run.handle));
	mt_ring_run(&self->ring, &self->s, &self->run, 0);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
}

/* --- What goes while it is named --- */

static int prepare_mvm(const struct mt_session *s, uint32_t array, uint32_t *handle)
{
	struct drm_mho_prepared_job job = { .job = mt_job_vectors(s, array, DRM_MHO_OP_MVM, 1) };
	struct drm_mho_prepare args = mt_prepare_args(s, &job, 1);
	int ret;

	job.job.flags = DRM_MHO_JOB_FENCE;
	args.runs = SLOTS;
	ret = mt_prepare(s->fd, &args);
	*handle = args.handle;
	return ret;
}

/* A sequence keeps its buffers, and lets them go with it. */
TEST_F(uring_bad, buffer_closed_under_a_sequence)
{
	struct mt_buffer buffer;
	struct mt_session s = self->s;
	struct drm_mho_uring_run run = { 0 };
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, mt_buffer_create(self->s.fd, MT_DATA_SIZE, &buffer));
		s.data = buffer;
		ASSERT_EQ(0, prepare_mvm(&s, self->array, &run.handle));
		ASSERT_EQ(0, mt_gem_close(s.fd, buffer.handle));
		memset(mt_data(&s, MT_AT_Y), 0xff, SIDE * sizeof(float));
		mt_ring_run(&self->ring, &s, &run, 0);
		EXPECT_EQ(0, mt_ring_one(&self->ring));
		EXPECT_NE(0xffffffff, mt_bits(*mt_data(&s, MT_AT_Y)));
		EXPECT_EQ(0, mt_unprepare(s.fd, run.handle));
		munmap(buffer.map, buffer.size);
	}
}

/* An array is not kept by what is prepared, but by what is in flight. */
TEST_F(uring_bad, array_destroyed_under_a_sequence)
{
	struct drm_mho_uring_run run = { 0 };
	struct mt_hold hold;
	uint32_t array;

	ASSERT_EQ(0, mt_array_create(self->s.fd, SIDE, SIDE, &array));
	ASSERT_EQ(0, prepare_mvm(&self->s, array, &run.handle));
	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &(struct drm_mho_job){ 0 }, 1));
	mt_ring_run(&self->ring, &self->s, &run, 0);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	EXPECT_EQ(-EBUSY, mt_array_destroy(self->s.fd, array));
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	ASSERT_EQ(0, mt_array_destroy(self->s.fd, array));
	mt_ring_run(&self->ring, &self->s, &run, 0);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	/* Not even another in its place. */
	ASSERT_EQ(0, mt_array_create(self->s.fd, SIDE, SIDE, &array));
	mt_ring_run(&self->ring, &self->s, &run, 0);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	EXPECT_EQ(0, mt_unprepare(self->s.fd, run.handle));
}

/* Runs in flight are done. */
TEST_F(uring_bad, unprepared_in_flight)
{
	struct mt_cqe cqes[SLOTS];
	struct mt_hold hold;
	int i;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &(struct drm_mho_job){ 0 }, 1));
	for (i = 0; i < SLOTS; i++)
		mt_ring_run(&self->ring, &self->s, &self->run, i);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	EXPECT_EQ(0, mt_unprepare(self->s.fd, self->run.handle));
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, SLOTS));
	for (i = 0; i < SLOTS; i++)
		EXPECT_EQ(0, cqes[i].res);
}

TEST_F(uring_bad, context_destroyed_under_a_sequence)
{
	struct mt_session s = self->s;
	struct drm_mho_uring_run run = { 0 };

	ASSERT_EQ(0, mt_ctx_create(s.fd, &s.ctx));
	ASSERT_EQ(0, prepare_mvm(&s, self->array, &run.handle));
	ASSERT_EQ(0, mt_ctx_destroy(s.fd, s.ctx));
	mt_ring_run(&self->ring, &s, &run, 0);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	EXPECT_EQ(-ENOENT, mt_unprepare(s.fd, run.handle));
	mt_ring_job(&self->ring, &s, &(struct drm_mho_job){ 0 }, NULL, 0);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	mt_ring_cancel(&self->ring, &s, DRM_MHO_CANCEL_ALL, 0, 0);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
}

/* --- Limits --- */

/* One run more than were prepared; those that are over make room. */
TEST_F(uring_bad, too_many_runs)
{
	struct mt_cqe cqes[SLOTS + 1];
	int i, round, busy = 0;
	struct mt_hold hold;

	for (round = 0; round < ROUNDS_HELD; round++) {
		ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
		ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &(struct drm_mho_job){ 0 }, 1));
		for (i = 0; i < SLOTS + 1; i++)
			mt_ring_run(&self->ring, &self->s, &self->run, i);
		ASSERT_EQ(0, mt_ring_submit(&self->ring));
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqes[0]));
		EXPECT_EQ(-EBUSY, cqes[0].res);
		EXPECT_EQ(SLOTS, cqes[0].user_data);
		ASSERT_EQ(0, mt_hold_release(&hold));
		for (i = 0; i < SLOTS; i++) {
			ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqes[i]));
			busy += cqes[i].res != 0;
			/* With its completion a run is over: there is room for another. */
			mt_ring_run(&self->ring, &self->s, &self->run, i);
			ASSERT_EQ(0, mt_ring_submit(&self->ring));
		}
		for (i = 0; i < SLOTS; i++) {
			ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqes[i]));
			busy += cqes[i].res != 0;
		}
	}
	EXPECT_EQ(0, busy);
}

/* A context in which nothing goes on takes so many commands, and then says so. */
TEST_F(uring_bad, too_many_jobs)
{
	static struct drm_mho_job jobs[DRM_MHO_RUNS_MAX];
	struct drm_mho_ctx_create ctx = { .priority = DRM_MHO_PRIORITY_NORMAL, .depth = 255 };
	struct drm_mho_submit args = mt_submit_args(&self->s, jobs, 1);
	struct mt_session s = self->s;
	unsigned int accepted = 0, i;
	struct mt_cqe cqe;
	struct mt_hold hold;

	ASSERT_EQ(0, mt_ioctl(s.fd, DRM_IOCTL_MHO_CTX_CREATE, &ctx));
	s.ctx = ctx.handle;
	args.ctx = ctx.handle;
	args.result_handle = 0;
	args.job_count = ctx.depth;
	ASSERT_EQ(0, mt_hold_create(s.fd, &hold));
	ASSERT_EQ(0, mt_submit_held(&s, &hold, jobs, 1));
	do {
		mt_ring_batch(&self->ring, &s, &args, accepted);
		ASSERT_EQ(0, mt_ring_submit(&self->ring));
		if (!mt_ring_peek(&self->ring, &cqe))
			break;
		ASSERT_GT(1000, ++accepted);
	} while (1);
	EXPECT_EQ(-EBUSY, cqe.res);
	EXPECT_EQ(accepted, cqe.user_data);
	EXPECT_LT(8, accepted);
	/* Single ones, too; another context does not care. */
	mt_ring_job(&self->ring, &s, jobs, NULL, 0);
	EXPECT_EQ(-EBUSY, mt_ring_one(&self->ring));
	mt_ring_job(&self->ring, &self->s, jobs, NULL, 0);
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	ASSERT_EQ(0, mt_hold_release(&hold));
	for (i = 0; i < accepted; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		ASSERT_EQ(0, cqe.res);
	}
	mt_ring_job(&self->ring, &s, jobs, NULL, 0);
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	EXPECT_EQ(0, mt_ctx_destroy(s.fd, s.ctx));
}

/* A file's share of prepared jobs; what is let go of can be had again. */
TEST_F(uring_bad, too_many_prepared_jobs)
{
	static struct drm_mho_prepared_job jobs[64];
	struct drm_mho_prepare args = mt_prepare_args(&self->s, jobs, MT_ARRAY_SIZE(jobs)), one;
	struct mt_session other;
	uint32_t last;

	ASSERT_EQ(0, mt_unprepare(self->s.fd, self->run.handle));
	args.runs = DRM_MHO_PREPARED_JOBS_MAX / MT_ARRAY_SIZE(jobs);
	ASSERT_GE(DRM_MHO_RUNS_MAX, args.runs);
	ASSERT_EQ(0, mt_prepare(self->s.fd, &args));
	last = args.handle;
	one = mt_prepare_args(&self->s, jobs, 1);
	EXPECT_EQ(-EDQUOT, mt_prepare(self->s.fd, &one));
	ASSERT_EQ(0, mt_session_open(&other));
	one = mt_prepare_args(&other, jobs, 1);
	EXPECT_EQ(0, mt_prepare(other.fd, &one));
	mt_session_close(&other);
	ASSERT_EQ(0, mt_unprepare(self->s.fd, last));
	one = mt_prepare_args(&self->s, jobs, 1);
	EXPECT_EQ(0, mt_prepare(self->s.fd, &one));
	/* The same when a context takes its sequences with it. */
	ASSERT_EQ(0, mt_unprepare(self->s.fd, one.handle));
	ASSERT_EQ(0, mt_ctx_create(self->s.fd, &args.ctx));
	args.handle = 0;
	ASSERT_EQ(0, mt_prepare(self->s.fd, &args));
	ASSERT_EQ(0, mt_ctx_destroy(self->s.fd, args.ctx));
	args.ctx = self->s.ctx;
	args.handle = 0;
	EXPECT_EQ(0, mt_prepare(self->s.fd, &args));
	EXPECT_EQ(0, mt_unprepare(self->s.fd, args.handle));
}

/* --- Payloads that change while they are read --- */

#define ROUNDS 2000

/* A 32-bit word that a thread makes right and wrong by turns. */
struct flip {
	volatile uint32_t *word;
	uint32_t values[2];
	volatile bool stop;
};

static void *flip_thread(void *arg)
{
	struct flip *flip = arg;
	unsigned int i;

	for (i = 0; !flip->stop; i++)
		*flip->word = flip->values[i & 1];
	return NULL;
}

static int flip_start(struct flip *flip, volatile void *word, uint32_t right, uint32_t wrong,
		      pthread_t *thread)
{
	*flip = (struct flip){ .word = word, .values = { right, wrong } };
	return -pthread_create(thread, NULL, flip_thread, flip);
}

static void flip_end(struct flip *flip, pthread_t thread)
{
	flip->stop = true;
	pthread_join(thread, NULL);
}

/* Runs what is in the ring's first SQE, whatever it is at the moment. */
static int resubmit(struct mt_ring *ring)
{
	/* A ring of one entry: the next SQE is the same one, as the thread has it. */
	ring->tail++;
	return mt_ring_one(ring);
}

/* The slot is right or refused: what was checked is what is used. */
TEST_F(uring_bad, run_changes)
{
	struct drm_mho_prepared_job job = {
		.job = mt_job_vectors(&self->s, self->array, DRM_MHO_OP_MVM, 1),
		.b_step = MT_DATA_SIZE / 2,
	};
	struct drm_mho_prepare args = mt_prepare_args(&self->s, &job, 1);
	struct drm_mho_uring_run run = { 0 };
	struct drm_mho_uring_run *payload;
	unsigned int refused = 0, i;
	struct mt_ring ring;
	struct flip flip;
	pthread_t thread;
	uint32_t field;
	int ret;

	job.job.b.offset = 0;
	args.b_slots = 2;
	args.result_slots = 2;
	args.result_handle = self->s.results.handle;
	ASSERT_EQ(0, mt_prepare(self->s.fd, &args));
	run.handle = args.handle;
	ASSERT_EQ(0, mt_ring_open(&ring, 1, 0));
	memset(self->s.results.map, 0xa5, self->s.results.size);
	payload = mt_sqe_payload(mt_ring_run(&ring, &self->s, &run, 0));
	ASSERT_EQ(0, mt_ring_one(&ring));
	for (field = 0; field < 2; field++) {
		ASSERT_EQ(0, flip_start(&flip, field ? &payload->result_slot : &payload->b_slot, 1,
					1000, &thread));
		for (i = 0; i < ROUNDS; i++) {
			ret = resubmit(&ring);
			ASSERT_TRUE(!ret || ret == -EINVAL)
			{
				TH_LOG("%d", ret);
			}
			refused += ret != 0;
		}
		flip_end(&flip, thread);
		payload->b_slot = 0;
		payload->result_slot = 0;
	}
	/* Both were seen, else nothing was tried. */
	EXPECT_LT(0, refused);
	EXPECT_GT(2 * ROUNDS, refused);
	EXPECT_EQ(0xa5a5a5a5, mt_results(&self->s)[1000].done);
	mt_ring_close(&ring);
}

/*
 * The operation: an MVM, or a NOP with fields that a NOP must not have. It is done as it was checked,
 * or it is refused, and the device has never seen it.
 */
TEST_F(uring_bad, job_changes)
{
	struct drm_mho_job job = mt_job_vectors(&self->s, self->array, DRM_MHO_OP_MVM, 1);
	struct drm_mho_uring_ext ext = { .result_handle = self->s.results.handle };
	struct drm_mho_uring_job *payload;
	float *y = mt_data(&self->s, MT_AT_Y);
	unsigned int refused = 0, i;
	uint32_t right, wrong;
	struct mt_ring ring;
	struct flip flip;
	pthread_t thread;
	int ret;

	ASSERT_EQ(0, mt_ring_open(&ring, 1, IORING_SETUP_SQE128));
	payload = mt_sqe_payload(mt_ring_job(&ring, &self->s, &job, &ext, 0));
	ASSERT_EQ(0, mt_ring_one(&ring));
	memcpy(&right, payload, sizeof(right));
	job.op = DRM_MHO_OP_NOP;
	memcpy(&wrong, &job, sizeof(wrong));
	ASSERT_EQ(0, flip_start(&flip, payload, right, wrong, &thread));
	for (i = 0; i < ROUNDS; i++) {
		memset(self->s.results.map, 0, RESULT);
		memset(y, 0xff, SIDE * sizeof(float));
		ret = resubmit(&ring);
		ASSERT_TRUE(!ret || ret == -EINVAL);
		ASSERT_EQ(ret ? 0 : DRM_MHO_RESULT_DONE, mt_results(&self->s)->done);
		ASSERT_EQ(ret != 0, mt_bits(y[0]) == 0xffffffff);
		refused += ret != 0;
	}
	flip_end(&flip, thread);
	EXPECT_LT(0, refused);
	EXPECT_GT(ROUNDS, refused);
	mt_ring_close(&ring);
}

/* Arguments in memory, read once: as many jobs as were checked, and no more results than fit. */
TEST_F(uring_bad, batch_changes)
{
	struct drm_mho_job jobs[8] = { 0 };
	struct drm_mho_submit args = mt_submit_args(&self->s, jobs, 2);
	unsigned int refused = 0, i;
	struct mt_ring ring;
	struct flip flip;
	pthread_t thread;
	int ret;

	/* Two results are the last that fit. */
	args.result_offset = (MT_RESULTS - 2) * RESULT;
	ASSERT_EQ(0, mt_ring_open(&ring, 1, 0));
	mt_ring_batch(&ring, &self->s, &args, 0);
	ASSERT_EQ(0, mt_ring_one(&ring));
	ASSERT_EQ(0, flip_start(&flip, &args.job_count, 2, 8, &thread));
	for (i = 0; i < ROUNDS; i++) {
		ret = resubmit(&ring);
		ASSERT_TRUE(!ret || ret == -EINVAL);
		refused += ret != 0;
	}
	flip_end(&flip, thread);
	EXPECT_LT(0, refused);
	EXPECT_GT(ROUNDS, refused);
	mt_ring_close(&ring);
	EXPECT_EQ(0, mt_ctx_idle(&self->s));
}

MHO_TEST_MAIN
