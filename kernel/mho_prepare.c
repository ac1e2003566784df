// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Prepared sequences: jobs that are checked once and run often. PREPARE makes all that its runs
 * need; a run only takes a free one, sets offsets in it and puts it into the queue. So it allocates
 * nothing, looks up nothing but the sequence, and takes no lock but that of its context's queue.
 *
 * A sequence belongs to whoever took it out of the client's table; it is freed once it is closed
 * and no run is active, both under the queue's lock.
 */
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_gem.h"
#include "mho_job.h"
#include "mho_prepare_table.h"
#include "mho_uring.h"

/**
 * struct mho_prepared_step - where a job's operands are
 * @a: offset of operand a in slot 0
 * @a_step: from slot to slot
 * @b: offset of operand b in slot 0
 * @b_step: from slot to slot
 */
struct mho_prepared_step {
	u64 a;
	u64 a_step;
	u64 b;
	u64 b_step;
};

/**
 * struct mho_prepared - a prepared sequence
 * @ctx: context, with a reference
 * @link: in its list
 * @handle: to programs
 * @runs: most runs at once
 * @a_slots: places of operands a
 * @b_slots: places of operands b
 * @result_slots: places of results
 * @model: what all runs are copies of; holds what the jobs name
 * @idle: runs that are free, linked by &mho_job.next, under the queue's lock
 * @active: the others, likewise
 * @closed: no run starts any more, likewise
 * @work: frees it when the last run ends
 * @rcu: frees its memory
 * @steps: of each job
 */
struct mho_prepared {
	struct mho_ctx *ctx;
	struct list_head link;
	u32 handle;
	u32 runs;
	u32 a_slots;
	u32 b_slots;
	u32 result_slots;
	struct mho_job *model;
	struct mho_job *idle;
	unsigned int active;
	bool closed;
	struct work_struct work;
	struct rcu_head rcu;
	struct mho_prepared_step steps[];
};

/* Nobody can reach it but who looks up a run at this moment. */
static void mho_prepare_free(struct mho_prepared *seq)
{
	struct mho_ctx *ctx = seq->ctx;
	struct mho_job *job, *next;

	for (job = seq->idle; job; job = next) {
		next = job->next;
		mho_job_put(job);
	}
	mutex_lock(&ctx->client->lock);
	ctx->client->prepared_jobs -= seq->runs * seq->model->count;
	mutex_unlock(&ctx->client->lock);
	mho_job_forget(seq->model);
	mho_job_put(seq->model);
	kvfree_rcu(seq, rcu);
	mho_ctx_put(ctx);
}

static void mho_prepare_work(struct work_struct *work)
{
	struct mho_prepared *seq = container_of(work, struct mho_prepared, work);

	/* Who has put the last run may still look at it, but not without the lock. */
	spin_lock_irq(&seq->ctx->queue.lock);
	spin_unlock_irq(&seq->ctx->queue.lock);
	mho_prepare_free(seq);
}

/* By who took it out of the table. */
static void mho_prepare_end(struct mho_prepared *seq)
{
	struct mho_queue *queue = &seq->ctx->queue;
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&queue->lock, flags);
	seq->closed = true;
	idle = !seq->active;
	spin_unlock_irqrestore(&queue->lock, flags);
	if (idle)
		mho_prepare_free(seq);
}

/**
 * mho_prepare_put_run() - a run is over
 * @job: the run; the queue's lock is held
 */
void mho_prepare_put_run(struct mho_job *job)
{
	struct mho_prepared *seq = job->prepared;

	lockdep_assert_held(&job->ctx->queue.lock);
	/* The latest is the one that is still in the cache. */
	job->next = seq->idle;
	seq->idle = job;
	if (!--seq->active && seq->closed)
		queue_work(job->ctx->client->mdev->free_wq, &seq->work);
}

static int mho_prepare_use(struct mho_job *job)
{
	struct mho_cmd *cmd;
	unsigned int i;
	int ret;

	for (i = 0; i < job->count; i++) {
		cmd = &job->cmds[i];
		ret = cmd->array ? mho_array_use_again(cmd->array) : 0;
		if (ret)
			goto err_undo;
		ret = cmd->dst ? mho_array_use_again(cmd->dst) : 0;
		if (ret) {
			atomic_dec(&cmd->array->busy);
			goto err_undo;
		}
	}
	return 0;

err_undo:
	while (i--) {
		cmd = &job->cmds[i];
		if (cmd->array)
			atomic_dec(&cmd->array->busy);
		if (cmd->dst)
			atomic_dec(&cmd->dst->busy);
	}
	return ret;
}

static void mho_prepare_fill(struct mho_prepared *seq, struct mho_job *job,
			     const struct drm_mho_uring_run *args)
{
	struct mho_windows *windows = &job->ctx->client->mdev->windows;
	struct mho_prepared_step *step;
	bool window = false;
	struct mho_cmd *cmd;
	unsigned int i;

	for (i = 0; i < job->count; i++) {
		cmd = &job->cmds[i];
		step = &seq->steps[i];
		cmd->state = MHO_CMD_NEW;
		if (cmd->a)
			cmd->sqe.a.offset = cpu_to_le64(step->a + args->a_slot * step->a_step);
		if (cmd->b)
			cmd->sqe.b.offset = cpu_to_le64(step->b + args->b_slot * step->b_step);
		window |= cmd->window;
		cmd->losses = READ_ONCE(windows->losses);
	}
	if (window) {
		/* What the program has written write-combining is there before the doorbell. */
		wmb();
	}
	job->group.error = 0;
	job->group.seqno = 0;
	job->device_ns = 0;
	job->cancelled = false;
	job->by_scheduler = false;
	if (seq->model->results)
		job->results = seq->model->results + args->result_slot * job->count;
	mho_job_expect(job);
}

/* What is said of a queue that was lost: by then the context ends, or the device has. */
static int mho_prepare_lost(const struct mho_ctx *ctx)
{
	if (READ_ONCE(ctx->closing))
		return -ENOENT;
	return ctx->queue.lost == -ENODEV ? -ENODEV : -EIO;
}

/* A run that is ready to go. */
static struct mho_job *mho_prepare_get_run(struct mho_prepared *seq,
					   const struct drm_mho_uring_run *args)
{
	struct mho_ctx *ctx = seq->ctx;
	struct mho_job *job;
	int ret;

	lockdep_assert_held(&ctx->queue.lock);
	if (seq->closed)
		return ERR_PTR(-ENOENT);
	if (ctx->queue.lost)
		return ERR_PTR(mho_prepare_lost(ctx));
	if (args->a_slot >= seq->a_slots || args->b_slot >= seq->b_slots ||
	    args->result_slot >= seq->result_slots)
		return ERR_PTR(-EINVAL);
	job = seq->idle;
	if (!job || ctx->waiting > MHO_WAITING_MAX)
		return ERR_PTR(-EBUSY);
	ret = mho_prepare_use(job);
	if (ret)
		return ERR_PTR(ret);
	seq->idle = job->next;
	seq->active++;
	mho_job_begin(job);
	mho_prepare_fill(seq, job, args);
	return job;
}

/**
 * mho_prepare_run() - run a prepared sequence
 * @client: open file
 * @file: likewise
 * @args: the kernel's own copy of the arguments
 * @call: the io_uring command, marked
 *
 * Return: 0: all else is told to @call; -errno as drm/mho_accel.h says: nobody has been told.
 */
int mho_prepare_run(struct mho_client *client, struct drm_file *file,
		    const struct drm_mho_uring_run *args, struct mho_uring_call *call)
{
	struct mho_prepared *seq;
	struct mho_queue *queue;
	bool scheduled;
	struct mho_job *job;
	int ret = 0;

	rcu_read_lock();
	seq = mho_prepare_find(client, args->handle);
	if (!seq) {
		rcu_read_unlock();
		return -ENOENT;
	}
	queue = &seq->ctx->queue;
	spin_lock_irq(&queue->lock);
	job = mho_prepare_get_run(seq, args);
	if (IS_ERR(job)) {
		spin_unlock_irq(&queue->lock);
		rcu_read_unlock();
		return PTR_ERR(job);
	}
	mho_uring_attach(call, job);
	/* Whoever knows that another job was submitted before sees it counted here. */
	scheduled = atomic_read(&seq->ctx->scheduled);
	if (!scheduled)
		ret = mho_submit_add(job, file->client_id, call);
	spin_unlock_irq(&queue->lock);
	rcu_read_unlock();
	if (scheduled)
		ret = mho_submit_scheduled(job, file, call);
	if (ret) {
		mho_uring_fail(call, job, ret);
		mho_job_release(job);
	}
	return 0;
}

static int mho_prepare_check(const struct drm_mho_prepare *args)
{
	if (args->flags || args->handle || !args->job_count ||
	    args->job_stride < sizeof(struct drm_mho_prepared_job) ||
	    args->job_stride > PAGE_SIZE || !args->runs || args->runs > DRM_MHO_RUNS_MAX ||
	    !args->a_slots || !args->b_slots || !args->result_slots ||
	    (!args->result_handle && (args->result_offset || args->result_slots != 1)))
		return -EINVAL;
	return 0;
}

/* The last slot's offset must not wrap; where it leads is for the device to judge. */
static bool mho_prepare_step_valid(const struct mho_key *key, u64 offset, u64 step, u32 slots)
{
	u64 last;

	if (!key)
		return !step;
	return !check_mul_overflow(step, (u64)slots - 1, &last) &&
	       !check_add_overflow(last, offset, &last);
}

static int mho_prepare_jobs(struct mho_prepared *seq, struct drm_file *file,
			    const struct drm_mho_prepare *args)
{
	const void __user *user = u64_to_user_ptr(args->jobs);
	struct mho_job *model = seq->model;
	struct drm_mho_prepared_job one;
	struct mho_cmd *cmd;
	unsigned int i;
	int ret;

	for (i = 0; i < args->job_count; i++) {
		ret = copy_struct_from_user(&one, sizeof(one), user, args->job_stride);
		if (!ret)
			ret = mho_job_set_cmd(model, file, i, &one.job, 0);
		if (ret)
			return ret;
		cmd = &model->cmds[i];
		if (!mho_prepare_step_valid(cmd->a, one.job.a.offset, one.a_step, args->a_slots) ||
		    !mho_prepare_step_valid(cmd->b, one.job.b.offset, one.b_step, args->b_slots))
			return -EINVAL;
		seq->steps[i] = (struct mho_prepared_step){
			.a = one.job.a.offset,
			.a_step = one.a_step,
			.b = one.job.b.offset,
			.b_step = one.b_step,
		};
		user += args->job_stride;
	}
	if (!args->result_handle)
		return 0;
	return mho_job_set_results(model, file, args->result_handle, args->result_offset,
				   size_mul(args->result_slots, args->job_count));
}

static int mho_prepare_runs(struct mho_prepared *seq)
{
	struct mho_job *model = seq->model;
	struct mho_job *job;
	unsigned int i;

	for (i = 0; i < seq->runs; i++) {
		job = mho_job_new(seq->ctx, model->count);
		if (!job)
			return -ENOMEM;
		job->prepared = seq;
		memcpy(job->cmds, model->cmds, flex_array_size(job, cmds, job->count));
		job->next = seq->idle;
		seq->idle = job;
	}
	return 0;
}

static int mho_prepare_publish(struct mho_prepared *seq, u32 *handle)
{
	struct mho_ctx *ctx = seq->ctx;
	int ret = -ENOENT;

	mutex_lock(&ctx->submit_lock);
	if (!ctx->closing)
		ret = mho_prepare_insert(ctx->client, seq, &seq->handle);
	/* Whoever guesses the handle may end it, once it is in the list. */
	if (!ret) {
		*handle = seq->handle;
		list_add(&seq->link, &ctx->prepared);
	}
	mutex_unlock(&ctx->submit_lock);
	return ret;
}

/* What all sequences of a file may have together. */
static int mho_prepare_reserve(struct mho_client *client, unsigned int jobs)
{
	int ret = -EDQUOT;

	mutex_lock(&client->lock);
	if (jobs <= DRM_MHO_PREPARED_JOBS_MAX - client->prepared_jobs) {
		client->prepared_jobs += jobs;
		ret = 0;
	}
	mutex_unlock(&client->lock);
	return ret;
}

static struct mho_prepared *mho_prepare_alloc(struct mho_ctx *ctx,
					      const struct drm_mho_prepare *args)
{
	struct mho_prepared *seq;
	int ret = -ENOMEM;

	seq = kvzalloc(struct_size(seq, steps, args->job_count), GFP_KERNEL_ACCOUNT);
	if (!seq)
		return ERR_PTR(-ENOMEM);
	seq->model = mho_job_new(ctx, args->job_count);
	if (seq->model)
		ret = mho_prepare_reserve(ctx->client, args->runs * args->job_count);
	if (ret) {
		if (seq->model)
			mho_job_put(seq->model);
		kvfree(seq);
		return ERR_PTR(ret);
	}
	kref_get(&ctx->ref);
	seq->ctx = ctx;
	seq->runs = args->runs;
	seq->a_slots = args->a_slots;
	seq->b_slots = args->b_slots;
	seq->result_slots = args->result_slots;
	INIT_WORK(&seq->work, mho_prepare_work);
	return seq;
}

static int mho_prepare_make(struct mho_ctx *ctx, struct drm_file *file,
			    struct drm_mho_prepare *args)
{
	struct mho_prepared *seq = mho_prepare_alloc(ctx, args);
	int ret;

	if (IS_ERR(seq))
		return PTR_ERR(seq);
	ret = mho_prepare_jobs(seq, file, args);
	mho_job_rest(seq->model);
	if (!ret)
		ret = mho_prepare_runs(seq);
	if (!ret)
		ret = mho_prepare_publish(seq, &args->handle);
	if (ret)
		mho_prepare_free(seq);
	return ret;
}

/**
 * mho_ioctl_prepare() - DRM_IOCTL_MHO_PREPARE
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_prepare(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct drm_mho_prepare *args = data;
	struct mho_ctx *ctx;
	int ret;

	ret = mho_prepare_check(args);
	if (ret)
		return ret;
	ctx = mho_ctx_get(client, args->ctx);
	if (!ctx)
		return -ENOENT;
	if (READ_ONCE(client->mdev->wedged) || READ_ONCE(ctx->queue.lost))
		ret = -EIO;
	else if (args->job_count >= mho_queue_size(&ctx->queue))
		ret = -E2BIG;
	else
		ret = mho_prepare_make(ctx, file, args);
	mho_ctx_put(ctx);
	return ret;
}

/**
 * mho_ioctl_unprepare() - DRM_IOCTL_MHO_UNPREPARE
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_unprepare(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct drm_mho_unprepare *args = data;
	struct mho_prepared *seq;

	if (args->pad)
		return -EINVAL;
	seq = mho_prepare_remove(client, args->handle, NULL);
	if (!seq)
		return -ENOENT;
	mutex_lock(&seq->ctx->submit_lock);
	list_del(&seq->link);
	mutex_unlock(&seq->ctx->submit_lock);
	mho_prepare_end(seq);
	return 0;
}

/**
 * mho_prepare_close() - the context ends, and with it its sequences
 * @ctx: context, closing and without jobs
 */
void mho_prepare_close(struct mho_ctx *ctx)
{
	struct mho_prepared *seq, *next;
	LIST_HEAD(ours);

	mutex_lock(&ctx->submit_lock);
	list_for_each_entry_safe(seq, next, &ctx->prepared, link)
		/* Otherwise UNPREPARE was here first, and waits for the lock. */
		if (mho_prepare_remove(ctx->client, seq->handle, seq))
			list_move(&seq->link, &ours);
	mutex_unlock(&ctx->submit_lock);
	list_for_each_entry_safe(seq, next, &ours, link)
		mho_prepare_end(seq);
}
