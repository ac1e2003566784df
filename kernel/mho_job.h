/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The job layer: what every way into the driver makes of its arguments, and what the scheduler
 * runs. A group is the commands of one submission.
 */
#ifndef MHO_JOB_H
#define MHO_JOB_H

#include <linux/dma-fence.h>
#include <linux/llist.h>
#include <linux/refcount.h>

#include <drm/gpu_scheduler.h>
#include <drm/mho_accel.h>

#include "mho_client.h"

struct mho_fixed;
struct mho_prepared;
struct mho_uring_call;

/* Commands that may wait in a context; beyond that programs wait, not the kernel's memory. */
#define MHO_WAITING_MAX 16384

/**
 * struct mho_fence - a fence with a lock of its own, for kernels whose fences have none
 * @base: the fence
 * @lock: its lock
 */
struct mho_fence {
	struct dma_fence base;
	spinlock_t lock; /* handed to dma_fence_init() */
};

/**
 * struct mho_job - a submission, or one of the runs that a prepared sequence can have at once
 * @base: to the scheduler, if it has the job
 * @group: to the queue
 * @ctx: context, which outlives it but for its memory
 * @ref: who runs it, and the io_uring command that waits for it; not of prepared ones
 * @prepared: sequence that it is a run of, or NULL
 * @link: in the list of what the scheduler holds
 * @free: in the list of what is to be freed
 * @next: in the list of runs that are free
 * @cmd: the io_uring command that waits for it, or NULL; under the queue's lock
 * @user_data: of that command
 * @fixed: its operands in registered buffers, or NULL
 * @device_ns: device time of all its commands
 * @fence: signalled when all commands are done; it may outlive the job; NULL if it needs none
 * @fence_ready: it is initialised
 * @scheduled: the scheduler has it, and the queue not yet; under the queue's lock
 * @by_scheduler: it goes through the scheduler, which frees it
 * @cancelled: it is not to be started, under the queue's lock
 * @bo: buffer for the results, or NULL
 * @results: where they go in it, or NULL
 * @count: commands
 * @cmds: the commands
 */
struct mho_job {
	struct drm_sched_job base;
	struct mho_group group;
	struct mho_ctx *ctx;
	refcount_t ref;
	struct mho_prepared *prepared;
	struct list_head link;
	struct llist_node free;
	struct mho_job *next;
	struct io_uring_cmd *cmd;
	u64 user_data;
	struct mho_fixed *fixed;
	u64 device_ns;
	struct mho_fence *fence;
	bool fence_ready;
	bool scheduled;
	bool by_scheduler;
	bool cancelled;
	struct mho_bo *bo;
	struct drm_mho_result *results;
	unsigned int count;
	struct mho_cmd cmds[] __counted_by(count);
};

static inline struct mho_job *to_mho_job(struct mho_group *group)
{
	return container_of(group, struct mho_job, group);
}

/**
 * mho_job_begin() - from now on the context waits for the job before it ends
 * @job: job; the queue's lock is held
 */
static inline void mho_job_begin(struct mho_job *job)
{
	struct mho_ctx *ctx = job->ctx;

	lockdep_assert_held(&ctx->queue.lock);
	WRITE_ONCE(ctx->jobs, ctx->jobs + 1);
	WRITE_ONCE(ctx->waiting, ctx->waiting + job->count);
}

/**
 * mho_job_expect() - tell who looks at the results that there are none yet
 * @job: job
 */
static inline void mho_job_expect(struct mho_job *job)
{
	unsigned int i;

	for (i = 0; job->results && i < job->count; i++)
		WRITE_ONCE(job->results[i].done, DRM_MHO_RESULT_PENDING);
}

/* mho_job.c */
void mho_job_init(struct mho_device *mdev);
struct mho_job *mho_job_new(struct mho_ctx *ctx, unsigned int count);
struct mho_job *mho_job_alloc(struct mho_ctx *ctx, unsigned int count);
void mho_job_release(struct mho_job *job);
void mho_job_put(struct mho_job *job);
int mho_job_set_cmd(struct mho_job *job, struct drm_file *file, unsigned int index,
		    const struct drm_mho_job *args, u32 fixed);
int mho_job_set_results(struct mho_job *job, struct drm_file *file, u32 handle, u64 offset,
			size_t count);
void mho_job_rest(struct mho_job *job);
void mho_job_forget(struct mho_job *job);
int mho_job_fence_alloc(struct mho_job *job);
void mho_job_fence_init(struct mho_job *job);
void mho_job_cancel(struct mho_job *job, int error);
void mho_job_hold(struct mho_job *job);
int mho_job_push(struct mho_job *job);

/* mho_submit.c */
int mho_submit(struct drm_device *drm, struct drm_file *file, const struct drm_mho_submit *args,
	       const struct drm_mho_job *one, struct mho_uring_call *call);
int mho_submit_add(struct mho_job *job, u64 client_id, struct mho_uring_call *call);
int mho_submit_scheduled(struct mho_job *job, struct drm_file *file, struct mho_uring_call *call);

/* mho_prepare.c */
int mho_prepare_run(struct mho_client *client, struct drm_file *file,
		    const struct drm_mho_uring_run *args, struct mho_uring_call *call);
void mho_prepare_put_run(struct mho_job *job);

/* mho_fixed.c */
int mho_fixed_set(struct mho_job *job, const struct drm_mho_job *args, u32 which,
		  struct io_uring_cmd *cmd, unsigned int issue_flags);
int mho_fixed_copy_back(const struct mho_fixed *fixed);
void mho_fixed_free(struct mho_fixed *fixed);

/* mho_uring.c */
void mho_uring_end(struct mho_job *job);
void mho_uring_chain_begin(struct mho_ctx *ctx);
void mho_uring_chain_end(struct mho_ctx *ctx);

#endif
