// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * The job layer: what a program asks for becomes commands with references on all that they name,
 * and results go back when they are done. The ways in, ioctls and io_uring, only parse arguments.
 *
 * The driver checks what names objects and what must be zero. Shapes, ranges and numbers are the
 * device's to check: it has to anyway, and its answer says what was wrong where.
 */
#include <linux/dma-fence.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_gem.h"
#include "mho_job.h"

#define MHO_USES_ARRAY BIT(0)
#define MHO_USES_BATCH BIT(1)
#define MHO_USES_A BIT(2)
#define MHO_USES_B BIT(3)
#define MHO_USES_A_REGION BIT(4)
#define MHO_USES_B_REGION BIT(5)
#define MHO_USES_A_SCALE BIT(6)
#define MHO_USES_B_SCALE BIT(7)
#define MHO_USES_PARAM0 BIT(8)
#define MHO_USES_PARAM1 BIT(9)
#define MHO_USES_DST BIT(10)
#define MHO_USES_MODIFIER BIT(11)
#define MHO_USES_WINDOW BIT(12)
#define MHO_WRITES BIT(13)

#define MHO_USES_AB (MHO_USES_ARRAY | MHO_USES_BATCH | MHO_USES_A | MHO_USES_B | \
		     MHO_USES_A_SCALE | MHO_USES_B_SCALE | MHO_USES_WINDOW)

/* Programs and the device use the same numbers, so that nothing needs to be translated. */
static_assert((int)DRM_MHO_OP_MVM == MHO_HW_OP_MVM);
static_assert((int)DRM_MHO_OP_MVM_T == MHO_HW_OP_MVM_T);
static_assert((int)DRM_MHO_OP_UPDATE == MHO_HW_OP_UPDATE);
static_assert((int)DRM_MHO_OP_PROGRAM == MHO_HW_OP_PROGRAM);
static_assert((int)DRM_MHO_OP_READ == MHO_HW_OP_READ);
static_assert((int)DRM_MHO_OP_PULSE == MHO_HW_OP_PULSE);
static_assert((int)DRM_MHO_OP_TRANSFER == MHO_HW_OP_TRANSFER);
static_assert((int)DRM_MHO_OP_SCRUB == MHO_HW_OP_SCRUB);
static_assert(DRM_MHO_JOB_FENCE == MHO_HW_CMD_FENCE);
static_assert(DRM_MHO_JOB_A_WINDOW == MHO_HW_CMD_A_WINDOW);
static_assert(DRM_MHO_JOB_B_WINDOW == MHO_HW_CMD_B_WINDOW);
static_assert(DRM_MHO_TYPE_F32 == MHO_HW_TYPE_F32);
static_assert(DRM_MHO_TYPE_I8 == MHO_HW_TYPE_I8);
static_assert(DRM_MHO_READ_CONDUCTANCE == MHO_HW_READ_CONDUCTANCE);
static_assert(DRM_MHO_READ_WEAR == MHO_HW_READ_WEAR);

/* What an operation uses; -1 if there is no such operation. */
static int mho_job_uses(u8 op)
{
	switch (op) {
	case DRM_MHO_OP_NOP:
	case DRM_MHO_OP_BARRIER:
		return 0;
	case DRM_MHO_OP_MVM:
	case DRM_MHO_OP_MVM_T:
		return MHO_USES_AB;
	case DRM_MHO_OP_UPDATE:
		return MHO_USES_AB | MHO_USES_PARAM0 | MHO_USES_PARAM1 | MHO_WRITES;
	case DRM_MHO_OP_PROGRAM:
		return MHO_USES_ARRAY | MHO_USES_BATCH | MHO_USES_A | MHO_USES_B_REGION |
		       MHO_USES_A_SCALE | MHO_USES_PARAM0 | MHO_USES_PARAM1 | MHO_WRITES;
	case DRM_MHO_OP_READ:
		return MHO_USES_ARRAY | MHO_USES_BATCH | MHO_USES_A_REGION | MHO_USES_B |
		       MHO_USES_B_SCALE | MHO_USES_MODIFIER;
	case DRM_MHO_OP_PULSE:
		return MHO_USES_ARRAY | MHO_USES_BATCH | MHO_USES_A | MHO_USES_B_REGION |
		       MHO_USES_A_SCALE | MHO_WRITES;
	case DRM_MHO_OP_TRANSFER:
		return MHO_USES_ARRAY | MHO_USES_A_REGION | MHO_USES_B_REGION | MHO_USES_A_SCALE |
		       MHO_USES_PARAM0 | MHO_USES_DST | MHO_WRITES;
	case DRM_MHO_OP_SCRUB:
		return MHO_USES_ARRAY | MHO_USES_B_REGION | MHO_WRITES;
	default:
		return -1;
	}
}

static void mho_job_cmd_drop(struct mho_cmd *cmd)
{
	if (cmd->array)
		mho_array_done(cmd->array);
	if (cmd->dst)
		mho_array_done(cmd->dst);
	mho_key_put(cmd->a);
	mho_key_put(cmd->b);
	cmd->array = NULL;
	cmd->dst = NULL;
	cmd->a = NULL;
	cmd->b = NULL;
}

/* The sequence keeps all but the use of the arrays. */
static void mho_job_cmd_idle(struct mho_cmd *cmd)
{
	if (cmd->array)
		atomic_dec(&cmd->array->busy);
	if (cmd->dst)
		atomic_dec(&cmd->dst->busy);
}

/**
 * mho_job_rest() - keep what the commands name, but use no array
 * @job: job that was never begun
 */
void mho_job_rest(struct mho_job *job)
{
	unsigned int i;

	for (i = 0; i < job->count; i++)
		mho_job_cmd_idle(&job->cmds[i]);
}

/**
 * mho_job_forget() - let go of what the commands name
 * @job: job at rest
 */
void mho_job_forget(struct mho_job *job)
{
	unsigned int i;

	for (i = 0; i < job->count; i++) {
		if (job->cmds[i].array)
			mho_array_put(job->cmds[i].array);
		if (job->cmds[i].dst)
			mho_array_put(job->cmds[i].dst);
		mho_key_put(job->cmds[i].a);
		mho_key_put(job->cmds[i].b);
	}
}

static u32 mho_job_cmd_tiles(const struct mho_cmd *cmd)
{
	return (cmd->array ? cmd->array->tiles : 0) + (cmd->dst ? cmd->dst->tiles : 0);
}

static void mho_job_write_result(struct mho_job *job, struct mho_cmd *cmd,
				 const struct mho_done *done)
{
	struct drm_mho_result *result;

	if (!job->results)
		return;
	result = &job->results[cmd - job->cmds];
	result->device_ns = done->device_ns;
	result->energy_fj = done->energy_fj;
	result->result = done->result;
	result->detail = done->detail;
	result->status = done->status;
	/* Pairs with the program's acquiring read: whoever sees this sees the rest. */
	smp_store_release(&result->done, DRM_MHO_RESULT_DONE);
}

/**
 * mho_group_cmd_done() - a command is done
 * @group: its job
 * @cmd: command
 * @done: how; the queue's lock is held
 */
void mho_group_cmd_done(struct mho_group *group, struct mho_cmd *cmd, const struct mho_done *done)
{
	struct mho_job *job = to_mho_job(group);
	struct mho_ctx *ctx = job->ctx;

	if (done->status && !group->error)
		group->error = done->status > 0 ? mho_status_errno(done->status) : done->status;
	mho_job_write_result(job, cmd, done);
	/* What was refused never was a job of the context. */
	ctx->usage.done += !!group->seqno;
	ctx->usage.device_ns += done->device_ns;
	ctx->usage.tile_ns += done->device_ns * mho_job_cmd_tiles(cmd);
	ctx->usage.energy_fj += done->energy_fj;
	job->device_ns += done->device_ns;
	if (job->prepared)
		mho_job_cmd_idle(cmd);
	else
		mho_job_cmd_drop(cmd);
	WRITE_ONCE(ctx->waiting, ctx->waiting - 1);
}

/* A fence that was never initialised has no references to put. */
static void mho_job_fence_drop(struct mho_job *job)
{
	if (job->fence_ready)
		dma_fence_put(&job->fence->base);
	else
		kfree(job->fence);
	job->fence = NULL;
	job->fence_ready = false;
}

static void mho_job_free(struct mho_job *job)
{
	mho_fixed_free(job->fixed);
	mho_bo_put(job->bo);
	mho_job_fence_drop(job);
	kvfree(job);
}

static void mho_job_free_work(struct work_struct *work)
{
	struct mho_device *mdev = container_of(work, struct mho_device, free_work);
	struct mho_job *job, *next;

	llist_for_each_entry_safe(job, next, llist_del_all(&mdev->free_jobs), free)
		mho_job_free(job);
}

/* The job's part in the context ends, for whoever waits to end the context. */
static void mho_job_leave(struct mho_ctx *ctx)
{
	lockdep_assert_held(&ctx->queue.lock);
	WRITE_ONCE(ctx->jobs, ctx->jobs - 1);
	if (ctx->jobs)
		return;
	/* Pairs with wait_event() in mho_ctx_close(): one of both sees what the other has done. */
	smp_mb();
	if (READ_ONCE(ctx->closing))
		wake_up_all(&ctx->idle);
}

/* The queue was the last to have it. Interrupts are off: nothing can be freed that sleeps. */
static void mho_job_retire(struct mho_job *job)
{
	struct mho_ctx *ctx = job->ctx;
	struct mho_device *mdev = ctx->client->mdev;

	if (job->prepared)
		mho_prepare_put_run(job);
	else if (refcount_dec_and_test(&job->ref) && llist_add(&job->free, &mdev->free_jobs))
		queue_work(mdev->free_wq, &mdev->free_work);
	mho_job_leave(ctx);
}

/*
 * A run that went through the scheduler can be used again when that has let go of it, and is over
 * only then: with its completion a program may submit the next one.
 */
static void mho_job_tell(struct mho_job *job)
{
	if (!job->prepared || !job->by_scheduler)
		mho_uring_end(job);
}

/**
 * mho_group_all_done() - the last command of a job is done
 * @group: the job; the queue's lock is held
 *
 * Fence first: who sees the completion may ask for it.
 */
void mho_group_all_done(struct mho_group *group)
{
	struct mho_job *job = to_mho_job(group);

	if (job->fence_ready) {
		if (group->error)
			dma_fence_set_error(&job->fence->base, group->error);
		dma_fence_signal(&job->fence->base);
	}
	mho_job_tell(job);
	if (!job->by_scheduler)
		mho_job_retire(job);
}

/**
 * mho_group_many_begin() - many jobs may be done now, one after the other
 * @queue: whose; its lock is held until mho_group_many_end()
 */
void mho_group_many_begin(struct mho_queue *queue)
{
	mho_uring_chain_begin(container_of(queue, struct mho_ctx, queue));
}

/**
 * mho_group_many_end() - those were all
 * @queue: whose
 */
void mho_group_many_end(struct mho_queue *queue)
{
	mho_uring_chain_end(container_of(queue, struct mho_ctx, queue));
}

/**
 * mho_job_init() - get ready for jobs
 * @mdev: device
 */
void mho_job_init(struct mho_device *mdev)
{
	init_llist_head(&mdev->free_jobs);
	INIT_WORK(&mdev->free_work, mho_job_free_work);
}

/**
 * mho_job_new() - make an empty job that its context does not count
 * @ctx: context
 * @count: commands
 *
 * Return: the job, mho_job_put() it; NULL if there is no memory.
 */
struct mho_job *mho_job_new(struct mho_ctx *ctx, unsigned int count)
{
	struct mho_job *job;

	job = kvzalloc(struct_size(job, cmds, count), GFP_KERNEL_ACCOUNT);
	if (!job)
		return NULL;
	job->count = count;
	job->ctx = ctx;
	refcount_set(&job->ref, 1);
	INIT_LIST_HEAD(&job->link);
	return job;
}

/**
 * mho_job_alloc() - make an empty job
 * @ctx: context; not closing before the job is released
 * @count: commands
 *
 * Return: the job, mho_job_release() it; NULL if there is no memory.
 */
struct mho_job *mho_job_alloc(struct mho_ctx *ctx, unsigned int count)
{
	struct mho_job *job = mho_job_new(ctx, count);
	unsigned long flags;

	if (!job)
		return NULL;
	spin_lock_irqsave(&ctx->queue.lock, flags);
	mho_job_begin(job);
	spin_unlock_irqrestore(&ctx->queue.lock, flags);
	return job;
}

/**
 * mho_job_put() - let go of a job's memory; not from atomic context
 * @job: job
 */
void mho_job_put(struct mho_job *job)
{
	if (refcount_dec_and_test(&job->ref))
		mho_job_free(job);
}

/* It is in the queue, or will never be. */
static void mho_job_unhold(struct mho_job *job)
{
	lockdep_assert_held(&job->ctx->queue.lock);
	if (!job->scheduled)
		return;
	job->scheduled = false;
	list_del_init(&job->link);
	atomic_dec(&job->ctx->scheduled);
}

static void mho_job_end(struct mho_job *job, int error)
{
	struct mho_done done = { .status = error };
	unsigned int i;

	lockdep_assert_held(&job->ctx->queue.lock);
	mho_job_unhold(job);
	for (i = 0; i < job->count; i++) {
		if (job->cmds[i].state == MHO_CMD_DONE)
			continue;
		job->cmds[i].state = MHO_CMD_DONE;
		mho_group_cmd_done(&job->group, &job->cmds[i], &done);
	}
}

/**
 * mho_job_cancel() - end commands that were never handed to the device
 * @job: job that is not in the queue
 * @error: how
 */
void mho_job_cancel(struct mho_job *job, int error)
{
	struct mho_queue *queue = &job->ctx->queue;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	mho_job_end(job, error);
	mho_job_tell(job);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/**
 * mho_job_release() - the end of a job that is not in the queue any more, or never was
 * @job: job
 *
 * The queue ends those itself that the scheduler never had.
 */
void mho_job_release(struct mho_job *job)
{
	struct mho_prepared *prepared = job->prepared;
	struct mho_ctx *ctx = job->ctx;
	unsigned long flags;

	if (prepared)
		mho_job_fence_drop(job);
	spin_lock_irqsave(&ctx->queue.lock, flags);
	mho_job_end(job, -ECANCELED);
	mho_uring_end(job);
	if (prepared)
		mho_prepare_put_run(job);
	mho_job_leave(ctx);
	spin_unlock_irqrestore(&ctx->queue.lock, flags);
	if (!prepared)
		mho_job_put(job);
}

/**
 * mho_job_hold() - the scheduler has the job, and jobs that come later have to queue behind it
 * @job: job; the queue's lock is held
 */
void mho_job_hold(struct mho_job *job)
{
	struct mho_ctx *ctx = job->ctx;

	lockdep_assert_held(&ctx->queue.lock);
	job->scheduled = true;
	atomic_inc(&ctx->scheduled);
	list_add_tail(&job->link, &ctx->held);
}

/**
 * mho_job_push() - the scheduler runs the job
 * @job: job that is held
 *
 * Return: 0; -ECANCELED if it is not to be run; or the error that the queue was lost with.
 */
int mho_job_push(struct mho_job *job)
{
	struct mho_queue *queue = &job->ctx->queue;
	unsigned long flags;
	int ret = -ECANCELED;

	spin_lock_irqsave(&queue->lock, flags);
	if (!job->cancelled) {
		ret = mho_queue_add(queue, &job->group, job->cmds, job->count);
		mho_queue_ring(queue);
	}
	mho_job_unhold(job);
	spin_unlock_irqrestore(&queue->lock, flags);
	return ret;
}

static const char *mho_fence_driver(struct dma_fence *fence)
{
	return "mho";
}

static const char *mho_fence_timeline(struct dma_fence *fence)
{
	return "queue";
}

static const struct dma_fence_ops mho_fence_ops = {
	.get_driver_name = mho_fence_driver,
	.get_timeline_name = mho_fence_timeline,
};

/**
 * mho_job_fence_alloc() - make the fence that the scheduler wants
 * @job: job
 *
 * Return: 0 or -ENOMEM.
 */
int mho_job_fence_alloc(struct mho_job *job)
{
	job->fence = kzalloc_obj(*job->fence, GFP_KERNEL_ACCOUNT);
	return job->fence ? 0 : -ENOMEM;
}

/**
 * mho_job_fence_init() - the job goes to the device: bring its fence to life
 * @job: job
 */
void mho_job_fence_init(struct mho_job *job)
{
	struct mho_fence *fence = job->fence;

	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &mho_fence_ops, mho_fence_lock(&fence->lock),
		       job->ctx->fence_context, ++job->ctx->fence_seqno);
	job->fence_ready = true;
}

static bool mho_job_zero(const void *what, size_t size, bool used)
{
	return used || !memchr_inv(what, 0, size);
}

/* Whatever the operation does not use must be zero. */
static bool mho_job_fields_valid(const struct drm_mho_job *args, int uses)
{
	bool window_a = args->flags & DRM_MHO_JOB_A_WINDOW;
	bool window_b = args->flags & DRM_MHO_JOB_B_WINDOW;

	if (args->flags & ~MHO_HW_CMD_FLAGS || args->pad)
		return false;
	if ((window_a || window_b) && !(uses & MHO_USES_WINDOW))
		return false;
	return mho_job_zero(&args->array, sizeof(args->array), uses & MHO_USES_ARRAY) &&
	       mho_job_zero(&args->batch, sizeof(args->batch), uses & MHO_USES_BATCH) &&
	       mho_job_zero(&args->a_type, sizeof(args->a_type), uses & MHO_USES_A) &&
	       mho_job_zero(&args->b_type, sizeof(args->b_type), uses & MHO_USES_B) &&
	       mho_job_zero(&args->a, sizeof(args->a),
			    uses & (MHO_USES_A | MHO_USES_A_REGION) && !window_a) &&
	       mho_job_zero(&args->b, sizeof(args->b),
			    uses & (MHO_USES_B | MHO_USES_B_REGION) && !window_b) &&
	       mho_job_zero(&args->a_scale, sizeof(args->a_scale), uses & MHO_USES_A_SCALE) &&
	       mho_job_zero(&args->b_scale, sizeof(args->b_scale), uses & MHO_USES_B_SCALE) &&
	       mho_job_zero(&args->param[0], sizeof(args->param[0]), uses & MHO_USES_PARAM0) &&
	       mho_job_zero(&args->param[1], sizeof(args->param[1]),
			    uses & (MHO_USES_PARAM1 | MHO_USES_DST)) &&
	       !(args->modifier & ~(uses & MHO_USES_MODIFIER ? MHO_HW_READ_FLAGS : 0));
}

static struct mho_key *mho_job_find_key(struct mho_client *client, struct drm_file *file,
					u32 handle)
{
	struct mho_bo *bo = mho_bo_lookup(file, handle);
	struct mho_key *key;

	if (!bo)
		return ERR_PTR(-ENOENT);
	key = mho_key_get(client, bo);
	mho_bo_put(bo);
	return key;
}

static int mho_job_set_key(struct mho_client *client, struct drm_file *file, struct mho_key **key,
			   const struct drm_mho_operand *operand, struct mho_hw_operand *hw)
{
	struct mho_key *found = mho_job_find_key(client, file, operand->handle);

	if (IS_ERR(found))
		return PTR_ERR(found);
	*key = found;
	hw->stride = cpu_to_le32(operand->stride);
	hw->offset = cpu_to_le64(operand->offset);
	return 0;
}

static void mho_job_set_region(const struct drm_mho_region *region, struct mho_hw_region *hw)
{
	hw->row = cpu_to_le32(region->row);
	hw->col = cpu_to_le32(region->col);
	hw->rows = cpu_to_le32(region->rows);
	hw->cols = cpu_to_le32(region->cols);
}

static int mho_job_set_array(struct mho_client *client, u32 handle, struct mho_array **array)
{
	struct mho_array *found = mho_array_use(client, handle);

	if (IS_ERR(found))
		return PTR_ERR(found);
	*array = found;
	return 0;
}

/**
 * mho_job_set_cmd() - make a command of what a program wrote
 * @job: job
 * @file: open file
 * @index: which command
 * @args: the kernel's own copy of the arguments
 * @fixed: DRM_MHO_URING_*: operands that mho_fixed_set() will set
 *
 * After an error the job can only be released.
 *
 * Return: 0; -EINVAL, -ENOENT, -EIO, -EBUSY, or what making a key gave.
 */
int mho_job_set_cmd(struct mho_job *job, struct drm_file *file, unsigned int index,
		    const struct drm_mho_job *args, u32 fixed)
{
	struct mho_client *client = job->ctx->client;
	struct mho_cmd *cmd = &job->cmds[index];
	struct mho_hw_sqe *sqe = &cmd->sqe;
	int uses = mho_job_uses(args->op);
	int ret = 0;

	if (uses < 0 || !mho_job_fields_valid(args, uses))
		return -EINVAL;
	if ((fixed & DRM_MHO_URING_A_FIXED &&
	     (!(uses & MHO_USES_A) || args->flags & DRM_MHO_JOB_A_WINDOW)) ||
	    (fixed & DRM_MHO_URING_B_FIXED &&
	     (!(uses & MHO_USES_B) || args->flags & DRM_MHO_JOB_B_WINDOW)))
		return -EINVAL;
	cmd->writes = uses & MHO_WRITES;
	cmd->window = args->flags & (DRM_MHO_JOB_A_WINDOW | DRM_MHO_JOB_B_WINDOW);
	if (cmd->window) {
		cmd->losses = READ_ONCE(client->mdev->windows.losses);
		/* What the program has written write-combining is there before the doorbell. */
		wmb();
	}
	sqe->opcode = args->op;
	sqe->flags = args->flags;
	sqe->batch = cpu_to_le32(args->batch);
	sqe->a_type = args->a_type;
	sqe->b_type = args->b_type;
	sqe->modifier = cpu_to_le16(args->modifier);
	sqe->a_scale = cpu_to_le32(args->a_scale);
	sqe->b_scale = cpu_to_le32(args->b_scale);
	sqe->param[0] = cpu_to_le32(args->param[0]);
	sqe->param[1] = cpu_to_le32(args->param[1]);
	if (uses & MHO_USES_A_REGION)
		mho_job_set_region(&args->a_region, &sqe->a_region);
	if (uses & MHO_USES_B_REGION)
		mho_job_set_region(&args->b_region, &sqe->b_region);
	if (uses & MHO_USES_ARRAY)
		ret = mho_job_set_array(client, args->array, &cmd->array);
	if (!ret && uses & MHO_USES_DST)
		ret = mho_job_set_array(client, args->param[1], &cmd->dst);
	if (!ret && uses & MHO_USES_A && !(args->flags & DRM_MHO_JOB_A_WINDOW) &&
	    !(fixed & DRM_MHO_URING_A_FIXED))
		ret = mho_job_set_key(client, file, &cmd->a, &args->a, &sqe->a);
	if (!ret && uses & MHO_USES_B && !(args->flags & DRM_MHO_JOB_B_WINDOW) &&
	    !(fixed & DRM_MHO_URING_B_FIXED))
		ret = mho_job_set_key(client, file, &cmd->b, &args->b, &sqe->b);
	return ret;
}

/**
 * mho_job_set_results() - where a job's results go
 * @job: job
 * @file: open file
 * @handle: buffer
 * @offset: in it
 * @count: results that must have room there
 *
 * Return: 0, -ENOENT, -EINVAL, -ENOMEM.
 */
int mho_job_set_results(struct mho_job *job, struct drm_file *file, u32 handle, u64 offset,
			size_t count)
{
	size_t size = size_mul(count, sizeof(*job->results));
	void *addr;

	job->bo = mho_bo_lookup(file, handle);
	if (!job->bo)
		return -ENOENT;
	if (!IS_ALIGNED(offset, sizeof(u64)) || offset > job->bo->base.base.size ||
	    size > job->bo->base.base.size - offset)
		return -EINVAL;
	addr = mho_bo_vmap(job->bo);
	if (IS_ERR(addr))
		return PTR_ERR(addr);
	job->results = addr + offset;
	return 0;
}
