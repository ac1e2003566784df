/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What differs between the kernels that the driver builds against. The driver is written to the
 * newer names; this header maps them back. Feature macros come from Kbuild, which asks the headers,
 * since stable series change interfaces in mid-series.
 */
#ifndef MHO_COMPAT_H
#define MHO_COMPAT_H

#include <linux/io_uring/cmd.h>
#include <linux/kmemleak.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include <drm/drm_gem.h>
#include <drm/gpu_scheduler.h>

#ifdef MHO_HAVE_SCHED_NO_HANG
static inline enum drm_gpu_sched_stat mho_sched_no_hang(struct drm_sched_job *job)
{
	return DRM_GPU_SCHED_STAT_NO_HANG;
}
#else
/*
 * The scheduler took the job off its list before it called us. Back with it, or it is never freed;
 * and look for finished jobs, in case that it has finished meanwhile.
 */
static inline enum drm_gpu_sched_stat mho_sched_no_hang(struct drm_sched_job *job)
{
	struct drm_gpu_scheduler *sched = job->sched;

	spin_lock(&sched->job_list_lock);
	list_add(&job->list, &sched->pending_list);
	spin_unlock(&sched->job_list_lock);
	queue_work(sched->submit_wq, &sched->work_free_job);
	return DRM_GPU_SCHED_STAT_NOMINAL;
}
#endif

#ifdef MHO_HAVE_SCHED_INIT_ARGS
#define mho_sched_init drm_sched_init
#else
struct drm_sched_init_args {
	const struct drm_sched_backend_ops *ops;
	struct workqueue_struct *timeout_wq;
	u32 num_rqs;
	u32 credit_limit;
	long timeout;
	const char *name;
	struct device *dev;
};

static inline int mho_sched_init(struct drm_gpu_scheduler *sched,
				 const struct drm_sched_init_args *args)
{
	return drm_sched_init(sched, args->ops, NULL, args->num_rqs, args->credit_limit, 0,
			      args->timeout, args->timeout_wq, NULL, args->name, args->dev);
}
#endif

#ifdef MHO_HAVE_SCHED_CLIENT_ID
#define mho_sched_job_init drm_sched_job_init
#else
static inline int mho_sched_job_init(struct drm_sched_job *job, struct drm_sched_entity *entity,
				     u32 credits, void *owner, u64 client_id)
{
	return drm_sched_job_init(job, entity, credits, owner);
}
#endif

#ifdef MHO_HAVE_GEM_VMAP_UNLOCKED
#define mho_gem_vmap drm_gem_vmap_unlocked
#define mho_gem_vunmap drm_gem_vunmap_unlocked
#else
#define mho_gem_vmap drm_gem_vmap
#define mho_gem_vunmap drm_gem_vunmap
#endif

/* A fence has a lock of its own where it can; else its creator's. */
static inline spinlock_t *mho_fence_lock(spinlock_t *lock)
{
#ifdef MHO_HAVE_FENCE_INLINE_LOCK
	return NULL;
#else
	return lock;
#endif
}

/*
 * Who holds a fence, as a sync_file for instance, may ask for the name of its timeline, which is
 * that of its scheduler. Where fences do not let go of that when they signal, the fence of a job
 * that is gone gets another scheduler, which is nothing but a name. That one can never be freed,
 * not with the device nor with this module, since nobody tells when the last such fence is gone.
 */
#ifdef MHO_HAVE_FENCE_SAFE_NAMES
static inline int mho_sched_past_init(struct drm_gpu_scheduler **past)
{
	return 0;
}

static inline void mho_sched_pass(struct drm_sched_fence *fence, struct drm_gpu_scheduler *past)
{
}
#else
static inline int mho_sched_past_init(struct drm_gpu_scheduler **past)
{
	static const char name[] = "mho";
	char *copy;

	*past = kzalloc(sizeof(**past) + sizeof(name), GFP_KERNEL);
	if (!*past)
		return -ENOMEM;
	kmemleak_ignore(*past);
	copy = (char *)(*past + 1);
	memcpy(copy, name, sizeof(name));
	(*past)->name = copy;
	return 0;
}

static inline void mho_sched_pass(struct drm_sched_fence *fence, struct drm_gpu_scheduler *past)
{
	WRITE_ONCE(fence->sched, past);
}
#endif

/* Constant or not, as attribute groups have them. */
#define mho_bin_attribute typeof(**((struct attribute_group *)NULL)->bin_attrs)

#ifdef MHO_HAVE_IMPORT_NS_SYMBOL
#define MHO_IMPORT_NS_DMA_BUF MODULE_IMPORT_NS(DMA_BUF)
#else
#define MHO_IMPORT_NS_DMA_BUF MODULE_IMPORT_NS("DMA_BUF")
#endif

/*
 * Task work of an io_uring command: MHO_URING_WORK(name) begins the definition of the callback;
 * mho_uring_work_cmd() and mho_uring_work_flags() are the command and what to hand on in it.
 */
#ifdef MHO_HAVE_IO_TW_REQ
#define MHO_URING_WORK(name) void name(struct io_tw_req tw_req, io_tw_token_t tw)
#define mho_uring_work_cmd() io_uring_cmd_from_tw(tw_req)
#define mho_uring_work_flags() IO_URING_CMD_TASK_WORK_ISSUE_FLAGS
#else
#define MHO_URING_WORK(name) void name(struct io_uring_cmd *tw_cmd, unsigned int tw_flags)
#define mho_uring_work_cmd() (tw_cmd)
#define mho_uring_work_flags() (tw_flags)
#endif

static inline int mho_uring_import_fixed(u64 address, size_t size, int direction,
					 struct iov_iter *iter, struct io_uring_cmd *cmd,
					 unsigned int issue_flags)
{
#ifdef MHO_HAVE_IMPORT_FIXED_FLAGS
	return io_uring_cmd_import_fixed(address, size, direction, iter, cmd, issue_flags);
#else
	return io_uring_cmd_import_fixed(address, size, direction, iter, cmd);
#endif
}

/* @cqe32: the ring has room for @res2 */
static inline void mho_uring_done(struct io_uring_cmd *cmd, s32 ret, u64 res2, bool cqe32,
				  unsigned int issue_flags)
{
#ifdef MHO_HAVE_URING_DONE32
	if (cqe32)
		io_uring_cmd_done32(cmd, ret, res2, issue_flags);
	else
		io_uring_cmd_done(cmd, ret, issue_flags);
#else
	io_uring_cmd_done(cmd, ret, cqe32 ? res2 : 0, issue_flags);
#endif
}

/* Came to 6.12.y late. */
#ifndef kzalloc_obj
#define kzalloc_obj(VAR, GFP) kzalloc(sizeof(VAR), GFP)
#endif

#endif
