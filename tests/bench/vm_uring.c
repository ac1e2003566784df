// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The ways in by io_uring: commands on the device's file, which is registered, from the
 * only thread that uses the ring. A round is handed over by the call that waits for
 * another one.
 */
#include <errno.h>
#include <string.h>

#include "vm_stream.h"

static bool ring_open(struct stream *s, unsigned int flags)
{
	unsigned int best = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			    IORING_SETUP_SUBMIT_ALL;

	if (io_uring_queue_init(2 * DEPTH_MAX, &s->ring, best | flags))
		return false;
	io_uring_register_ring_fd(&s->ring);
	if (!s->card || !io_uring_register_files(&s->ring, &s->card->fd, 1))
		return true;
	io_uring_queue_exit(&s->ring);
	return false;
}

static void ring_close(struct stream *s)
{
	io_uring_queue_exit(&s->ring);
}

static void put_command(struct stream *s, uint32_t op, const void *payload, size_t size)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);

	if (!sqe)
		die("no room in the submission ring");
	memset(sqe, 0, sizeof(*sqe));
	if (s->ring.flags & IORING_SETUP_SQE128)
		memset(sqe + 1, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = op;
	memcpy(sqe->cmd, payload, size);
}

static void take_completions(struct stream *s, unsigned int count)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	int ret;

	do
		ret = io_uring_submit_and_wait(&s->ring, count);
	while (ret == -EINTR);
	if (ret < 0)
		die("io_uring_enter: %s", strerror(-ret));
	io_uring_for_each_cqe(&s->ring, head, cqe)
	{
		if (cqe->res < 0)
			die("%s: a command ended with: %s", s->way->name, strerror(-cqe->res));
		if (++seen == count)
			break;
	}
	io_uring_cq_advance(&s->ring, seen);
	if (seen < count)
		take_completions(s, count - seen);
}

static void take_round(struct stream *s)
{
	take_completions(s, s->round);
}

/* Whether the driver knows commands: with one that it must refuse, or not. */
static bool has_commands(struct stream *s, uint32_t op, const void *payload, size_t size)
{
	struct io_uring_cqe *cqe;
	int res;

	put_command(s, op, payload, size);
	if (io_uring_submit_and_wait(&s->ring, 1) < 0 || io_uring_peek_cqe(&s->ring, &cqe))
		return false;
	res = cqe->res;
	io_uring_cqe_seen(&s->ring, cqe);
	return res >= 0;
}

/* ---- a job in each command ---- */

static struct drm_mho_uring_job job_of(const struct stream *s)
{
	return (struct drm_mho_uring_job){ .job = s->job, .ctx = s->card->ctx };
}

static bool open_job(struct stream *s)
{
	struct drm_mho_uring_job job = job_of(s);

	if (!ring_open(s, IORING_SETUP_SQE128))
		return false;
	if (has_commands(s, DRM_URING_MHO_JOB, &job, sizeof(job)))
		return true;
	ring_close(s);
	return false;
}

static void put_job(struct stream *s)
{
	struct drm_mho_uring_job job = job_of(s);
	unsigned int i;

	for (i = 0; i < s->round; i++)
		put_command(s, DRM_URING_MHO_JOB, &job, sizeof(job));
}

const struct way way_uring_job = {
	.name = "io_uring, a job a command",
	.id = "uring-job",
	.open = open_job,
	.put = put_job,
	.take = take_round,
	.close = ring_close,
};

/* ---- a prepared job in each command ---- */

static bool prepare(struct stream *s)
{
	struct drm_mho_prepared_job job = { .job = s->job };
	struct drm_mho_prepare args = {
		.ctx = s->card->ctx,
		.jobs = (uintptr_t)&job,
		.job_count = 1,
		.job_stride = sizeof(job),
		.runs = s->depth,
		.a_slots = 1,
		.b_slots = 1,
		.result_slots = 1,
	};

	if (card_call(s->card, DRM_IOCTL_MHO_PREPARE, &args))
		return false;
	s->prepared = args.handle;
	return true;
}

static void unprepare(struct stream *s)
{
	struct drm_mho_unprepare args = { .handle = s->prepared };

	card_call(s->card, DRM_IOCTL_MHO_UNPREPARE, &args);
}

static bool open_run(struct stream *s)
{
	struct drm_mho_uring_run run;

	if (!ring_open(s, 0))
		return false;
	if (prepare(s)) {
		run = (struct drm_mho_uring_run){ .handle = s->prepared };
		if (has_commands(s, DRM_URING_MHO_RUN, &run, sizeof(run)))
			return true;
		unprepare(s);
	}
	ring_close(s);
	return false;
}

static void put_run(struct stream *s)
{
	struct drm_mho_uring_run run = { .handle = s->prepared };
	unsigned int i;

	for (i = 0; i < s->round; i++)
		put_command(s, DRM_URING_MHO_RUN, &run, sizeof(run));
}

static void close_run(struct stream *s)
{
	unprepare(s);
	ring_close(s);
}

const struct way way_uring_run = {
	.name = "io_uring, prepared",
	.id = "uring-run",
	.open = open_run,
	.put = put_run,
	.take = take_round,
	.close = close_run,
};

/* ---- many jobs in a command ---- */

static struct drm_mho_uring_submit submit_of(struct stream *s)
{
	struct drm_mho_submit *submit = &s->submits[s->put % 2];

	*submit = (struct drm_mho_submit){ .ctx = s->card->ctx,
					   .jobs = (uintptr_t)s->jobs,
					   .job_count = s->round,
					   .job_stride = sizeof(s->jobs[0]) };
	return (struct drm_mho_uring_submit){ .submit = (uintptr_t)submit };
}

static bool open_submit(struct stream *s)
{
	struct drm_mho_uring_submit submit = submit_of(s);

	if (!ring_open(s, 0))
		return false;
	if (has_commands(s, DRM_URING_MHO_SUBMIT, &submit, sizeof(submit)))
		return true;
	ring_close(s);
	return false;
}

static void put_submit(struct stream *s)
{
	struct drm_mho_uring_submit submit = submit_of(s);

	put_command(s, DRM_URING_MHO_SUBMIT, &submit, sizeof(submit));
}

static void take_submit(struct stream *s)
{
	take_completions(s, 1);
}

const struct way way_uring_submit = {
	.name = "io_uring, two half batches",
	.id = "uring-submit",
	.open = open_submit,
	.put = put_submit,
	.take = take_submit,
	.close = ring_close,
};

/* ---- the limit: operations that do nothing ---- */

static bool open_nop(struct stream *s)
{
	return ring_open(s, 0);
}

static void put_nop(struct stream *s)
{
	unsigned int i;

	for (i = 0; i < s->round; i++)
		io_uring_prep_nop(io_uring_get_sqe(&s->ring));
}

const struct way way_uring_nop = {
	.name = "IORING_OP_NOP",
	.id = "uring-nop",
	.open = open_nop,
	.put = put_nop,
	.take = take_round,
	.close = ring_close,
};
