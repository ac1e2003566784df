// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The driver's io_uring commands as SQEs, prepared sequences, and contexts that are kept busy.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mho_test_fault.h"
#include "mho_test_uring.h"

#define STEP_US 5000

void *mt_sqe_payload(struct io_uring_sqe *sqe)
{
	return (uint8_t *)sqe + offsetof(struct io_uring_sqe, cmd);
}

struct io_uring_sqe *mt_ring_cmd(struct mt_ring *ring, int fd, uint32_t op, const void *payload,
				 size_t size, uint64_t user_data)
{
	size_t small = sizeof(struct io_uring_sqe) - offsetof(struct io_uring_sqe, cmd);
	bool mixed = ring->flags & IORING_SETUP_SQE_MIXED;
	bool big = size > small;
	struct io_uring_sqe *sqe = mt_ring_sqe(ring, big);

	if (!sqe)
		return NULL;
	if (big && !mixed && !(ring->flags & IORING_SETUP_SQE128))
		size = small;
	sqe->opcode = mixed && big ? IORING_OP_URING_CMD128 : IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->cmd_op = op;
	sqe->user_data = user_data;
	memcpy(mt_sqe_payload(sqe), payload, size);
	return sqe;
}

struct io_uring_sqe *mt_ring_job(struct mt_ring *ring, const struct mt_session *s,
				 const struct drm_mho_job *job, const struct drm_mho_uring_ext *ext,
				 uint64_t user_data)
{
	struct drm_mho_uring_job args = { .job = *job, .ctx = s->ctx, .ext = (uintptr_t)ext };

	return mt_ring_cmd(ring, s->fd, DRM_URING_MHO_JOB, &args, sizeof(args), user_data);
}

struct io_uring_sqe *mt_ring_batch(struct mt_ring *ring, const struct mt_session *s,
				   const struct drm_mho_submit *args, uint64_t user_data)
{
	struct drm_mho_uring_submit submit = { .submit = (uintptr_t)args };

	return mt_ring_cmd(ring, s->fd, DRM_URING_MHO_SUBMIT, &submit, sizeof(submit), user_data);
}

struct io_uring_sqe *mt_ring_run(struct mt_ring *ring, const struct mt_session *s,
				 const struct drm_mho_uring_run *run, uint64_t user_data)
{
	return mt_ring_cmd(ring, s->fd, DRM_URING_MHO_RUN, run, sizeof(*run), user_data);
}

struct io_uring_sqe *mt_ring_cancel(struct mt_ring *ring, const struct mt_session *s,
				    uint32_t flags, uint64_t which, uint64_t user_data)
{
	struct drm_mho_uring_cancel args = { .ctx = s->ctx, .flags = flags, .user_data = which };

	return mt_ring_cmd(ring, s->fd, DRM_URING_MHO_CANCEL, &args, sizeof(args), user_data);
}

struct drm_mho_prepare mt_prepare_args(const struct mt_session *s,
				       const struct drm_mho_prepared_job *jobs, uint32_t count)
{
	return (struct drm_mho_prepare){ .ctx = s->ctx,
					 .jobs = (uintptr_t)jobs,
					 .job_count = count,
					 .job_stride = sizeof(*jobs),
					 .runs = 1,
					 .a_slots = 1,
					 .b_slots = 1,
					 .result_slots = 1 };
}

int mt_prepare(int fd, struct drm_mho_prepare *args)
{
	return mt_ioctl(fd, DRM_IOCTL_MHO_PREPARE, args);
}

int mt_unprepare(int fd, uint32_t handle)
{
	struct drm_mho_unprepare args = { .handle = handle };

	return mt_ioctl(fd, DRM_IOCTL_MHO_UNPREPARE, &args);
}

int mt_prepare_nop(const struct mt_session *s, uint8_t flags, uint32_t runs, uint32_t *handle)
{
	struct drm_mho_prepared_job job = { .job = mt_job_nop() };
	struct drm_mho_prepare args = mt_prepare_args(s, &job, 1);
	int ret;

	job.job.flags = flags;
	args.runs = runs;
	ret = mt_prepare(s->fd, &args);
	*handle = args.handle;
	return ret;
}

int mt_ring_fill(struct mt_ring *ring, const struct mt_session *s,
		 const struct drm_mho_uring_run *run, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (!mt_ring_run(ring, s, run, i))
			return -ENOSPC;
	return mt_ring_submit(ring);
}

int mt_ring_wrong(struct mt_ring *ring, uint32_t count, int res)
{
	bool seen[2 * MT_MANY] = { false };
	struct mt_cqe cqe;
	int ret, wrong = 0;
	uint32_t i;

	if (count > MT_ARRAY_SIZE(seen))
		return -E2BIG;
	for (i = 0; i < count; i++) {
		ret = mt_ring_wait(ring, &cqe);
		if (ret)
			return ret;
		if (cqe.user_data >= count || seen[cqe.user_data] || cqe.res != res)
			wrong++;
		else
			seen[cqe.user_data] = true;
	}
	return wrong + !mt_ring_peek(ring, &cqe);
}

struct drm_mho_ctx_state mt_ctx_state(const struct mt_session *s)
{
	struct drm_mho_ctx_state state = { 0 };

	mt_query(s->fd, DRM_MHO_QUERY_CTX, s->ctx, &state, sizeof(state));
	return state;
}

int mt_ctx_idle(const struct mt_session *s)
{
	int64_t steps = MT_WAIT_NS / 1000 / STEP_US;

	while (mt_ctx_state(s).pending) {
		if (!steps--)
			return -ETIMEDOUT;
		usleep(STEP_US);
	}
	return 0;
}

int mt_ctx_reset(const struct mt_session *s)
{
	struct drm_mho_reset args = { .scope = DRM_MHO_RESET_CTX, .ctx = s->ctx };

	return mt_ioctl(s->fd, DRM_IOCTL_MHO_RESET, &args);
}

int mt_hold_back(const struct mt_session *s, struct mt_hold *hold)
{
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(s, &nop, 1);
	struct drm_mho_sync in = { 0 };
	int ret = mt_hold_create(s->fd, hold);

	in.handle = hold->syncobj;
	args.in_syncs = (uintptr_t)&in;
	args.in_sync_count = 1;
	args.result_handle = 0;
	return ret ? ret : mt_ioctl(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
}

int mt_pin(const struct mt_session *s)
{
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(s, &nop, 1);
	int ret = mt_order("fault hang");

	args.result_handle = 0;
	if (!ret)
		ret = mt_ioctl(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
	return ret ? ret : mt_fault_taken("hang");
}
