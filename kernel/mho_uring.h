/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * An io_uring command on its way in, for those who make a job of it. Who owns it when: mho_uring.c.
 */
#ifndef MHO_URING_H
#define MHO_URING_H

#include <linux/io_uring/cmd.h>

#include "mho_job.h"

struct mho_uring_desc;

/**
 * struct mho_uring_call - a command on its way in
 * @cmd: the command; nobody's after it was attached to a job
 * @issue_flags: as the core gave them
 * @user_data: of its submission
 * @desc: what it is
 * @fixed: DRM_MHO_URING_*: operands in registered buffers
 * @file: open file
 */
struct mho_uring_call {
	struct io_uring_cmd *cmd;
	unsigned int issue_flags;
	u64 user_data;
	const struct mho_uring_desc *desc;
	u32 fixed;
	struct drm_file *file;
};

/**
 * struct mho_uring_pdu - what is kept in a command
 * @ctx: whose queue's lock says who owns it; NULL: not the job any more, or not yet
 * @job: until then the job; from then on what task work has to put, or NULL
 * @next: instead, once it is @chained: the command that the same task work completes next, or NULL
 * @device_ns: device time of the job
 * @status: how it ended
 * @cqe32: the ring has room for @device_ns
 * @chained: @next counts, @job does not
 */
struct mho_uring_pdu {
	struct mho_ctx *ctx;
	union {
		struct mho_job *job;
		struct io_uring_cmd *next;
	};
	u64 device_ns;
	s32 status;
	bool cqe32;
	bool chained;
};

static inline struct mho_uring_pdu *mho_uring_pdu(struct io_uring_cmd *cmd)
{
	return io_uring_cmd_to_pdu(cmd, struct mho_uring_pdu);
}

/**
 * mho_uring_attach() - let a command wait for a job
 * @call: command, marked; it must not be touched any more once the job can end
 * @job: job; the queue's lock is held
 */
static inline void mho_uring_attach(struct mho_uring_call *call, struct mho_job *job)
{
	struct mho_uring_pdu *pdu = mho_uring_pdu(call->cmd);

	lockdep_assert_held(&job->ctx->queue.lock);
	if (!job->prepared)
		refcount_inc(&job->ref);
	job->cmd = call->cmd;
	job->user_data = call->user_data;
	pdu->job = job;
	WRITE_ONCE(pdu->ctx, job->ctx);
}

int mho_uring_set_fixed(struct mho_uring_call *call, struct mho_job *job,
			const struct drm_mho_job *args);
void mho_uring_mark(struct mho_uring_call *call);
void mho_uring_fail(struct mho_uring_call *call, struct mho_job *job, int error);
void mho_uring_trace(struct mho_uring_call *call, struct mho_job *job);

#endif
