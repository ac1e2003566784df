// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * io_uring commands: what io_uring and the job layer have to do with each other. What a command
 * means is said elsewhere, in the same words as for the ioctls.
 *
 * A command that waits for a job has one owner. The job has it, until under the queue's lock either
 * the job's end takes it or a cancellation (mho_uring_take()). Only the owner completes it.
 * &mho_uring_pdu.ctx says to those who come from the command whether there is still something to
 * take; a context's memory stays under RCU for as long as anybody may look.
 *
 * Commands of prepared jobs that end together, as when an interrupt finds many completions, are
 * completed by one task work.
 */
#include <linux/indirect_call_wrapper.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/drm_ioctl.h>
#include <drm/mho_accel.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_job.h"
#include "mho_trace.h"
#include "mho_uring.h"

/* What whoever took a command has to put. */
static struct mho_job *mho_uring_job_of(struct io_uring_cmd *cmd)
{
	struct mho_uring_pdu *pdu = mho_uring_pdu(cmd);

	return pdu->chained ? NULL : pdu->job;
}

static void mho_uring_finish(struct io_uring_cmd *cmd, struct mho_job *job, int status,
			     unsigned int issue_flags)
{
	struct mho_uring_pdu *pdu = mho_uring_pdu(cmd);

	if (job)
		mho_job_put(job);
	mho_uring_done(cmd, status, pdu->device_ns, pdu->cqe32, issue_flags);
}

static MHO_URING_WORK(mho_uring_work)
{
	struct io_uring_cmd *cmd = mho_uring_work_cmd();
	struct mho_uring_pdu *pdu = mho_uring_pdu(cmd);
	s32 status = pdu->status;

	/* Also when the task is dying: the pages are pinned, no address of its is used. */
	if (!status && pdu->job)
		status = mho_fixed_copy_back(pdu->job->fixed);
	mho_uring_finish(cmd, pdu->job, status, mho_uring_work_flags());
}

static MHO_URING_WORK(mho_uring_chain_work)
{
	struct io_uring_cmd *cmd, *next;
	struct mho_uring_pdu *pdu;

	for (cmd = mho_uring_work_cmd(); cmd; cmd = next) {
		pdu = mho_uring_pdu(cmd);
		next = pdu->next;
		mho_uring_done(cmd, pdu->status, pdu->device_ns, pdu->cqe32,
			       mho_uring_work_flags());
	}
}

/**
 * mho_uring_mark() - let the core cancel a command; from now on it has to be completed
 * @call: command
 */
void mho_uring_mark(struct mho_uring_call *call)
{
	struct mho_uring_pdu *pdu = mho_uring_pdu(call->cmd);

	/* The core has not cleared it, and may look at once. */
	*pdu = (struct mho_uring_pdu){ .cqe32 = call->issue_flags & IO_URING_F_CQE32 };
	io_uring_cmd_mark_cancelable(call->cmd, call->issue_flags);
}

/* Who waits for a job? From now on nobody: the caller completes the command, if there is one. */
static struct io_uring_cmd *mho_uring_take(struct mho_job *job)
{
	struct io_uring_cmd *cmd = job->cmd;
	struct mho_uring_pdu *pdu;

	lockdep_assert_held(&job->ctx->queue.lock);
	if (!cmd)
		return NULL;
	job->cmd = NULL;
	pdu = mho_uring_pdu(cmd);
	pdu->status = job->group.error;
	pdu->device_ns = job->device_ns;
	if (job->prepared) {
		pdu->next = NULL;
		pdu->chained = true;
	}
	WRITE_ONCE(pdu->ctx, NULL);
	return cmd;
}

/* A single one wakes its task when as many are there as the task waits for, a chain at once. */
static void mho_uring_chain_post(struct mho_uring_chain *chain)
{
	struct io_uring_cmd *first = chain->first;

	if (!first)
		return;
	chain->first = NULL;
	if (first == chain->last)
		io_uring_cmd_do_in_task_lazy(first, mho_uring_chain_work);
	else
		io_uring_cmd_complete_in_task(first, mho_uring_chain_work);
}

/* Task work is of one task and one ring. */
static bool mho_uring_chain_fits(const struct mho_uring_chain *chain, struct io_uring_cmd *cmd)
{
	return chain->first &&
	       cmd_to_io_kiocb(chain->first)->ctx == cmd_to_io_kiocb(cmd)->ctx &&
	       io_uring_cmd_get_task(chain->first) == io_uring_cmd_get_task(cmd);
}

/**
 * mho_uring_chain_begin() - many commands may be completed, until mho_uring_chain_end()
 * @ctx: context; its queue's lock is held until then
 */
void mho_uring_chain_begin(struct mho_ctx *ctx)
{
	lockdep_assert_held(&ctx->queue.lock);
	ctx->chain.open = true;
}

/**
 * mho_uring_chain_end() - those were all
 * @ctx: context
 */
void mho_uring_chain_end(struct mho_ctx *ctx)
{
	ctx->chain.open = false;
	mho_uring_chain_post(&ctx->chain);
}

/* In the order of these calls. The command may be gone when this returns. */
static void mho_uring_post(struct mho_ctx *ctx, struct io_uring_cmd *cmd)
{
	struct mho_uring_chain *chain = &ctx->chain;

	if (!mho_uring_pdu(cmd)->chained) {
		mho_uring_chain_post(chain);
		io_uring_cmd_do_in_task_lazy(cmd, mho_uring_work);
		return;
	}
	if (mho_uring_chain_fits(chain, cmd)) {
		mho_uring_pdu(chain->last)->next = cmd;
	} else {
		mho_uring_chain_post(chain);
		chain->first = cmd;
	}
	chain->last = cmd;
	if (!chain->open)
		mho_uring_chain_post(chain);
}

/**
 * mho_uring_end() - a job ends: complete the command that waits for it, if there is one (any more)
 * @job: job; the queue's lock is held
 */
void mho_uring_end(struct mho_job *job)
{
	struct io_uring_cmd *cmd = mho_uring_take(job);

	if (cmd)
		mho_uring_post(job->ctx, cmd);
}

/* Its job runs into nobody, or is not started. Returns whether the latter. */
static bool mho_uring_abandon(struct mho_job *job)
{
	bool withdrawn = !list_empty(&job->link);

	job->cancelled = true;
	if (!withdrawn)
		withdrawn = mho_queue_withdraw(&job->ctx->queue, &job->group, job->cmds,
					       job->count);
	return withdrawn;
}

/**
 * mho_uring_fail() - complete a command whose job came to nothing, unless it was cancelled
 * @call: command, attached
 * @job: the job, which nobody else has
 * @error: how
 */
void mho_uring_fail(struct mho_uring_call *call, struct mho_job *job, int error)
{
	struct mho_queue *queue = &job->ctx->queue;
	struct io_uring_cmd *cmd;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	cmd = mho_uring_take(job);
	spin_unlock_irqrestore(&queue->lock, flags);
	if (cmd)
		mho_uring_finish(cmd, mho_uring_job_of(cmd), error, call->issue_flags);
}

/**
 * mho_uring_set_fixed() - set these operands
 * @call: command
 * @job: its job
 * @args: the kernel's own copy of the arguments
 *
 * Return: as mho_fixed_set().
 */
int mho_uring_set_fixed(struct mho_uring_call *call, struct mho_job *job,
			const struct drm_mho_job *args)
{
	if (!call->fixed)
		return 0;
	return mho_fixed_set(job, args, call->fixed, call->cmd, call->issue_flags);
}

/*
 * The ring, the program or the task goes away: complete the command at once. The core asks again
 * and again until there is none left.
 */
static int mho_uring_cancel(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct mho_uring_pdu *pdu = mho_uring_pdu(cmd);
	struct io_uring_cmd *taken = NULL;
	struct mho_job *job;
	struct mho_ctx *ctx;
	unsigned long flags;
	bool withdrawn;

	rcu_read_lock();
	ctx = READ_ONCE(pdu->ctx);
	if (!ctx)
		goto out_unlock;
	spin_lock_irqsave(&ctx->queue.lock, flags);
	if (pdu->ctx) {
		job = pdu->job;
		taken = mho_uring_take(job);
		withdrawn = mho_uring_abandon(job);
		trace_mho_uring_cancel(&ctx->queue, &job->group, job->user_data, withdrawn);
	}
	spin_unlock_irqrestore(&ctx->queue.lock, flags);
out_unlock:
	rcu_read_unlock();
	/* Otherwise task work completes it, or its submission does. */
	if (taken)
		mho_uring_finish(cmd, mho_uring_job_of(cmd), -ECANCELED, issue_flags);
	return 0;
}

static int mho_uring_job(struct mho_uring_call *call, const void *payload)
{
	const struct drm_mho_uring_job *args = payload;
	struct drm_mho_uring_ext ext = {};
	struct drm_mho_submit submit;

	if (args->flags & ~(DRM_MHO_URING_A_FIXED | DRM_MHO_URING_B_FIXED) ||
	    !args->flags != !(call->cmd->flags & IORING_URING_CMD_FIXED))
		return -EINVAL;
	call->fixed = args->flags;
	if (args->ext && copy_from_user(&ext, u64_to_user_ptr(args->ext), sizeof(ext)))
		return -EFAULT;
	submit = (struct drm_mho_submit){
		.ctx = args->ctx,
		.job_count = 1,
		.job_stride = sizeof(args->job),
		.in_syncs = ext.in_syncs,
		.out_syncs = ext.out_syncs,
		.in_sync_count = ext.in_sync_count,
		.out_sync_count = ext.out_sync_count,
		.result_handle = ext.result_handle,
		.pad = ext.pad,
		.result_offset = ext.result_offset,
	};
	return mho_submit(call->file->minor->dev, call->file, &submit, &args->job, call);
}

static int mho_uring_submit(struct mho_uring_call *call, const void *payload)
{
	const struct drm_mho_uring_submit *args = payload;
	struct drm_mho_submit submit;

	if (args->pad)
		return -EINVAL;
	if (copy_from_user(&submit, u64_to_user_ptr(args->submit), sizeof(submit)))
		return -EFAULT;
	return mho_submit(call->file->minor->dev, call->file, &submit, NULL, call);
}

static int mho_uring_run(struct mho_uring_call *call, const void *payload)
{
	int ret;

	mho_uring_mark(call);
	ret = mho_prepare_run(call->file->driver_priv, call->file, payload, call);
	if (!ret)
		return -EIOCBQUEUED;
	if (drm_dev_is_unplugged(call->file->minor->dev))
		ret = -ENODEV;
	/* Marked, it must not be completed by what is returned. */
	mho_uring_finish(call->cmd, NULL, ret, call->issue_flags);
	return -EIOCBQUEUED;
}

/* What cancelling by user_data has found. */
struct mho_uring_found {
	unsigned int ended;
	bool running;
};

static bool mho_uring_match(const struct mho_job *job, const struct drm_mho_uring_cancel *args)
{
	return job->cmd && (args->flags & DRM_MHO_CANCEL_ALL || job->user_data == args->user_data);
}

/* Jobs that the scheduler holds stay there, to no effect, until what they wait for has happened. */
static void mho_uring_cancel_held(struct mho_ctx *ctx, const struct drm_mho_uring_cancel *args,
				  struct mho_uring_found *found)
{
	struct mho_job *job;

	list_for_each_entry(job, &ctx->held, link) {
		if (!mho_uring_match(job, args))
			continue;
		trace_mho_uring_cancel(&ctx->queue, &job->group, job->user_data, true);
		job->cancelled = true;
		job->group.error = -ECANCELED;
		mho_uring_end(job);
		found->ended++;
	}
}

static struct mho_job *mho_uring_job_at(struct list_head *link)
{
	return to_mho_job(list_entry(link, struct mho_cmd, link)->group);
}

static void mho_uring_cancel_queued(struct mho_ctx *ctx, const struct drm_mho_uring_cancel *args,
				    struct mho_uring_found *found)
{
	struct mho_queue *queue = &ctx->queue;
	struct list_head *at = &queue->waiting;
	struct mho_cmd *cmd;
	struct mho_job *job;

	list_for_each_entry(cmd, &queue->flying, link)
		found->running |= mho_uring_match(to_mho_job(cmd->group), args);
	/* A job's commands are neighbours: with the first, @at->next, they all go. */
	while (at->next != &queue->waiting) {
		job = mho_uring_job_at(at->next);
		if (!mho_uring_match(job, args) || job->group.started) {
			found->running |= mho_uring_match(job, args);
			at = at->next;
			continue;
		}
		trace_mho_uring_cancel(queue, &job->group, job->user_data, true);
		mho_queue_withdraw(queue, &job->group, job->cmds, job->count);
		found->ended++;
	}
}

static int mho_uring_cancel_cmds(struct mho_uring_call *call, const void *payload)
{
	const struct drm_mho_uring_cancel *args = payload;
	struct mho_uring_found found = {};
	struct mho_ctx *ctx;
	unsigned long flags;

	if (args->flags & ~DRM_MHO_CANCEL_ALL ||
	    (args->flags & DRM_MHO_CANCEL_ALL && args->user_data))
		return -EINVAL;
	ctx = mho_ctx_get(call->file->driver_priv, args->ctx);
	if (!ctx)
		return -ENOENT;
	spin_lock_irqsave(&ctx->queue.lock, flags);
	mho_uring_cancel_held(ctx, args, &found);
	mho_uring_cancel_queued(ctx, args, &found);
	spin_unlock_irqrestore(&ctx->queue.lock, flags);
	mho_ctx_put(ctx);
	if (found.ended)
		return found.ended;
	return found.running ? -EALREADY : -ENOENT;
}

/**
 * struct mho_uring_desc - a command, as struct drm_ioctl_desc is an ioctl
 * @op: its number
 * @size: bytes of its payload
 * @flags: of those in sqe->uring_cmd_flags, what it understands
 * @bare: it does without what DRM does before each ioctl: takes over a file that was handed on, and
 *        looks for a device that is gone, which the queue's lock tells it, too
 * @fn: does it; -EIOCBQUEUED: it is completed later
 */
struct mho_uring_desc {
	u32 op;
	u32 size;
	u32 flags;
	bool bare;
	int (*fn)(struct mho_uring_call *call, const void *payload);
};

#define MHO_URING_DESC(name, type, fn_, ...)                        \
	[_IOC_NR(DRM_URING_MHO_##name) - MHO_URING_FIRST] = {       \
		.op = DRM_URING_MHO_##name,                         \
		.size = sizeof(struct type),                        \
		.fn = fn_,                                          \
		__VA_ARGS__                                         \
	}
#define MHO_URING_FIRST (DRM_COMMAND_BASE + DRM_MHO_URING_BASE)

static const struct mho_uring_desc mho_uring_descs[] = {
	MHO_URING_DESC(JOB, drm_mho_uring_job, mho_uring_job, .flags = IORING_URING_CMD_FIXED),
	MHO_URING_DESC(SUBMIT, drm_mho_uring_submit, mho_uring_submit),
	MHO_URING_DESC(RUN, drm_mho_uring_run, mho_uring_run, .bare = true),
	MHO_URING_DESC(CANCEL, drm_mho_uring_cancel, mho_uring_cancel_cmds),
};

/**
 * mho_uring_trace() - join a command's user_data and its job's number in the trace
 * @call: command, or NULL
 * @job: its job
 */
void mho_uring_trace(struct mho_uring_call *call, struct mho_job *job)
{
	if (call)
		trace_mho_uring(&job->ctx->queue, &job->group, call->desc->op, call->user_data);
}

/* What fits behind the fixed part of a submission, in bytes. */
#define MHO_URING_PAYLOAD (sizeof(struct io_uring_sqe) - offsetof(struct io_uring_sqe, cmd))
#define MHO_URING_PAYLOAD_128 (MHO_URING_PAYLOAD + sizeof(struct io_uring_sqe))

static const struct mho_uring_desc *mho_uring_find(u32 op)
{
	u32 index = _IOC_NR(op) - MHO_URING_FIRST;

	if (index >= ARRAY_SIZE(mho_uring_descs) || mho_uring_descs[index].op != op)
		return NULL;
	return &mho_uring_descs[index];
}

/*
 * Fields of a submission that commands have no use for, so that they can get one. What else must be
 * zero the core sees to.
 */
static bool mho_uring_unused_zero(const struct io_uring_cmd *cmd)
{
	const struct io_uring_sqe *sqe = cmd->sqe;
	u16 buffer = cmd->flags & IORING_URING_CMD_FIXED ? 0 : READ_ONCE(sqe->buf_index);

	return !(READ_ONCE(sqe->addr) | READ_ONCE(sqe->len) | READ_ONCE(sqe->file_index) | buffer);
}

static int mho_uring_dispatch(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_uring_call *call = data;
	struct io_uring_cmd *cmd = call->cmd;
	const struct mho_uring_desc *desc = call->desc;
	size_t room = call->issue_flags & IO_URING_F_SQE128 ? MHO_URING_PAYLOAD_128 :
							      MHO_URING_PAYLOAD;
	u64 payload[MHO_URING_PAYLOAD_128 / sizeof(u64)];
	const u64 *from = (const u64 *)cmd->sqe->cmd;
	unsigned int i;
	int ret;

	if (desc->size > room || (cmd->flags & IORING_URING_CMD_MASK & ~desc->flags) ||
	    !mho_uring_unused_zero(cmd))
		return -EINVAL;
	/* The program can write to it at any time: from here on only the copy counts. */
	for (i = 0; i < room / sizeof(u64); i++)
		payload[i] = READ_ONCE(from[i]);
	call->user_data = READ_ONCE(cmd->sqe->user_data);
	if (desc->size < room && memchr_inv((u8 *)payload + desc->size, 0, room - desc->size))
		return -EINVAL;
	call->file = file;
	/* Without the price of an indirect call for what is called most. */
	ret = INDIRECT_CALL_1(desc->fn, mho_uring_run, call, payload);
	/* To the core -EAGAIN means: again, on another thread. That would change the order. */
	return ret == -EAGAIN ? -EBUSY : ret;
}

/**
 * mho_uring_cmd() - &file_operations.uring_cmd
 * @cmd: command
 * @issue_flags: of the core
 *
 * Return: result, or -EIOCBQUEUED: later.
 */
int mho_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct mho_uring_call call = { .cmd = cmd, .issue_flags = issue_flags };
	struct drm_file *file = cmd->file->private_data;

	/* Also when the device is gone. */
	if (issue_flags & IO_URING_F_CANCEL)
		return mho_uring_cancel(cmd, issue_flags);
	/* The core does not refuse it on all kernels, and says so only to those who poll. */
	if (cmd_to_io_kiocb(cmd)->ctx->flags & IORING_SETUP_IOPOLL)
		return -EOPNOTSUPP;
	call.desc = mho_uring_find(cmd->cmd_op);
	if (!call.desc)
		return drm_dev_is_unplugged(file->minor->dev) ? -ENODEV : -ENOTTY;
	if (call.desc->bare)
		return mho_uring_dispatch(file->minor->dev, &call, file);
	return drm_ioctl_kernel(cmd->file, mho_uring_dispatch, &call, 0);
}
