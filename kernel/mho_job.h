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

#include <drm/gpu_scheduler.h>
#include <drm/mho_accel.h>

#include "mho_client.h"

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
 * struct mho_job - a submission
 * @base: to the scheduler
 * @group: to the queue
 * @ctx: context, which outlives it
 * @fence: signalled when all commands are done; it may outlive the job
 * @fence_ready: it is initialised
 * @bo: buffer for the results, or NULL
 * @results: where they go in it, or NULL
 * @count: commands
 * @cmds: the commands
 */
struct mho_job {
	struct drm_sched_job base;
	struct mho_group group;
	struct mho_ctx *ctx;
	struct mho_fence *fence;
	bool fence_ready;
	struct mho_bo *bo;
	struct drm_mho_result *results;
	unsigned int count;
	struct mho_cmd cmds[] __counted_by(count);
};

struct mho_job *mho_job_alloc(struct mho_ctx *ctx, unsigned int count);
void mho_job_release(struct mho_job *job);
int mho_job_set_cmd(struct mho_job *job, struct drm_file *file, unsigned int index,
		    const struct drm_mho_job *args);
int mho_job_set_results(struct mho_job *job, struct drm_file *file, u32 handle, u64 offset);
void mho_job_fence_init(struct mho_job *job);
void mho_job_cancel(struct mho_job *job, int error);

#endif
