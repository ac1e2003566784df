/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * An open file and what it owns: a context of the device, in it hardware queues (contexts to
 * programs), arrays and memory keys.
 */
#ifndef MHO_CLIENT_H
#define MHO_CLIENT_H

#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_file.h>
#include <drm/gpu_scheduler.h>

#include "mho_queue.h"

struct io_uring_cmd;
struct mho_bo;
struct mho_device;
struct mho_fixed_pool;
struct mho_prepare_table;
struct mho_window;

/**
 * struct mho_usage - what jobs have cost
 * @done: commands
 * @device_ns: device time
 * @tile_ns: the same, times the tiles that each was on
 * @energy_fj: energy
 */
struct mho_usage {
	u64 done;
	u64 device_ns;
	u64 tile_ns;
	u64 energy_fj;
};

static inline void mho_usage_add(struct mho_usage *sum, const struct mho_usage *more)
{
	sum->done += more->done;
	sum->device_ns += more->device_ns;
	sum->tile_ns += more->tile_ns;
	sum->energy_fj += more->energy_fj;
}

/**
 * struct mho_client - an open file
 * @mdev: device
 * @file: the file; gone with the link
 * @link: in the device's list, while it has a context
 * @ref: the file, and each key
 * @context: number of its context in the device, 0 before the first use
 * @awake: it keeps the device awake, under the admin lock
 * @closed: the device's context is gone
 * @lock: of the tables
 * @ctxs: struct mho_ctx by handle
 * @arrays: struct mho_array by handle
 * @fixed: memory for operands in registered buffers, or NULL; set once, under @lock
 * @prepared: its prepared sequences by handle, under RCU, or NULL
 * @prepared_ids: handles in use, under @lock
 * @prepared_jobs: jobs of these, all runs, under @lock
 * @array_count: arrays
 * @ctx_count: contexts
 * @tile_count: tiles of the arrays
 * @keys: its memory keys, under the admin lock
 * @queues: its contexts, under the admin lock
 * @array_list: its arrays, under the admin lock
 * @key_count: number of them
 * @usage_lock: of @users and @past
 * @users: contexts that are not in @past
 * @past: what the jobs of contexts that are gone have cost
 */
struct mho_client {
	struct mho_device *mdev;
	struct drm_file *file;
	struct list_head link;
	struct kref ref;
	u16 context;
	bool awake;
	bool closed;
	struct mutex lock; /* of the tables */
	struct xarray ctxs;
	struct xarray arrays;
	struct mho_fixed_pool *fixed;
	struct mho_prepare_table __rcu *prepared;
	struct ida prepared_ids;
	unsigned int prepared_jobs;
	unsigned int array_count;
	unsigned int ctx_count;
	unsigned int tile_count;
	struct list_head keys;
	struct list_head queues;
	struct list_head array_list;
	atomic_t key_count;
	spinlock_t usage_lock; /* of users and past */
	struct list_head users;
	struct mho_usage past;
};

/**
 * struct mho_uring_chain - io_uring commands that are completed by one task work
 * @first: the first of them, or NULL
 * @last: the last
 * @open: more may come
 */
struct mho_uring_chain {
	struct io_uring_cmd *first;
	struct io_uring_cmd *last;
	bool open;
};

/**
 * struct mho_ctx - what programs call a context: a hardware queue with its scheduler
 * @client: owner
 * @link: in its list, while the device has the queue
 * @handle: to programs
 * @queue: the queue
 * @sched: hands jobs to it
 * @entity: where jobs wait
 * @submit_lock: arming and pushing are one step
 * @ref: the table, and each call that uses it
 * @rcu: frees it
 * @timeout: jiffies without progress after which a command is hung
 * @watchdog: looks at the queue when jobs are in flight that the scheduler does not have
 * @plug: whose end rings the doorbell, or NULL; under the queue's lock
 * @plug_cb: in the list of @plug
 * @chain: of commands that end, under the queue's lock
 * @prepared: its prepared sequences, under @submit_lock
 * @scheduled: groups that the scheduler has and the queue not yet
 * @held: these, under the queue's lock
 * @seqno: of the last group, under the queue's lock
 * @fence_context: of the groups' fences
 * @fence_seqno: of the last such fence
 * @waiting: commands submitted and not done, under the queue's lock for writing
 * @jobs: groups that exist, likewise
 * @idle: woken when @jobs becomes 0
 * @closing: takes no more jobs, under @submit_lock
 * @guilty: timeouts that it caused
 * @innocent: resets that hit it
 * @usage: what its jobs have cost, under the queue's lock
 * @user: in the client's list of those who count
 */
struct mho_ctx {
	struct mho_client *client;
	struct list_head link;
	u32 handle;
	struct mho_queue queue;
	struct drm_gpu_scheduler sched;
	struct drm_sched_entity entity;
	struct mutex submit_lock; /* arming and pushing are one step */
	struct kref ref;
	struct rcu_head rcu;
	unsigned long timeout;
	struct delayed_work watchdog;
	struct blk_plug *plug;
	struct blk_plug_cb plug_cb;
	struct mho_uring_chain chain;
	struct list_head prepared;
	atomic_t scheduled;
	struct list_head held;
	u64 seqno;
	u64 fence_context;
	u64 fence_seqno;
	unsigned int waiting;
	unsigned int jobs;
	wait_queue_head_t idle;
	bool closing;
	atomic_t guilty;
	atomic_t innocent;
	struct mho_usage usage;
	struct list_head user;
};

/**
 * struct mho_array - an array
 * @ref: the table, and each job
 * @link: in the list of its file
 * @id: its number in the device
 * @handle: to programs
 * @rows: rows
 * @cols: columns
 * @tiles: tiles that it has
 * @named: it outlives the file
 * @lost: the device has it no more
 * @busy: commands submitted and not done; at least 0, or -1 while it is being destroyed
 * @window: how the file may map its tiles, or NULL; under the client's lock
 */
struct mho_array {
	struct kref ref;
	struct list_head link;
	u32 id;
	u32 handle;
	u32 rows;
	u32 cols;
	u32 tiles;
	bool named;
	bool lost;
	atomic_t busy;
	struct mho_window *window;
};

/**
 * struct mho_key - a memory key: a buffer as the device sees it for one file
 * @ref: the buffer's handle, and each job
 * @client: whose
 * @bo: which buffer
 * @bo_link: in the buffer's list
 * @link: in the client's list
 * @work: gives it back
 * @id: its number in the device, 0 if it has none
 * @blocks: page lists
 * @block_dma: their bus addresses
 * @block_count: number of them
 * @top: list of @block_dma for the device, or the only block
 * @top_dma: its bus address
 * @pages: entries
 */
struct mho_key {
	struct kref ref;
	struct mho_client *client;
	struct mho_bo *bo;
	struct list_head bo_link;
	struct list_head link;
	struct work_struct work;
	u32 id;
	__le64 **blocks;
	dma_addr_t *block_dma;
	unsigned int block_count;
	__le64 *top;
	dma_addr_t top_dma;
	u32 pages;
};

/* mho_client.c */
int mho_client_open(struct drm_device *drm, struct drm_file *file);
void mho_client_close(struct drm_device *drm, struct drm_file *file);
void mho_client_put(struct mho_client *client);
int mho_client_need_context(struct mho_client *client);
struct mho_usage mho_client_usage(struct mho_client *client);

/* mho_ctx.c */
int mho_ioctl_ctx_create(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_ctx_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_reset(struct drm_device *drm, void *data, struct drm_file *file);
struct mho_ctx *mho_ctx_get(struct mho_client *client, u32 handle);
void mho_ctx_put(struct mho_ctx *ctx);
void mho_ctx_close(struct mho_ctx *ctx);
void mho_ctx_free_hw(struct mho_ctx *ctx);
struct mho_usage mho_ctx_usage(struct mho_ctx *ctx);

/* mho_array.c */
int mho_ioctl_array_create(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_array_find(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_array_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_array_detach(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_array_info(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_array_tag(struct drm_device *drm, void *data, struct drm_file *file);
struct mho_array *mho_array_use(struct mho_client *client, u32 handle);
int mho_array_use_again(struct mho_array *array);
void mho_array_done(struct mho_array *array);
void mho_array_put(struct mho_array *array);
int mho_array_get_info(struct mho_device *mdev, u32 id, struct mho_hw_array_info **out);
int mho_array_sweep(struct mho_device *mdev);

/* mho_key.c */
struct mho_key *mho_key_get(struct mho_client *client, struct mho_bo *bo);
void mho_key_put(struct mho_key *key);
int mho_key_register(struct mho_key *key);
void mho_key_drop_handle(struct mho_client *client, struct mho_bo *bo);
void mho_key_free_lists(struct mho_key *key);

/* mho_submit.c */
int mho_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file);

/* mho_sched.c */
int mho_sched_setup(struct mho_ctx *ctx);

/* mho_timeout.c */
unsigned int mho_timeout_ms(struct mho_device *mdev);
void mho_timeout_init(struct mho_ctx *ctx);
void mho_timeout_arm(struct mho_ctx *ctx);
void mho_timeout_check(struct mho_ctx *ctx);

/**
 * mho_timeout_watch() - something is in flight that no one else watches; any context
 * @ctx: context, not closed
 *
 * The watchdog goes off once in its time at most, however many jobs there are.
 */
static inline void mho_timeout_watch(struct mho_ctx *ctx)
{
	if (!delayed_work_pending(&ctx->watchdog))
		mho_timeout_arm(ctx);
}

/* mho_plug.c */
bool mho_plug_hold(struct mho_ctx *ctx, struct blk_plug *plug);

/**
 * mho_plug_ring() - tell the device of what was added to a context's queue, now or soon
 * @ctx: context; its queue's lock is held, by the task that adds
 */
static inline void mho_plug_ring(struct mho_ctx *ctx)
{
#ifdef CONFIG_BLOCK
	struct blk_plug *plug = current->plug;

	if (plug && (ctx->plug == plug || mho_plug_hold(ctx, plug)))
		return;
#endif
	mho_queue_ring(&ctx->queue);
}

/* mho_prepare.c */
int mho_ioctl_prepare(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_unprepare(struct drm_device *drm, void *data, struct drm_file *file);
void mho_prepare_close(struct mho_ctx *ctx);

/* mho_fixed.c */
void mho_fixed_close(struct mho_client *client);

/* mho_uring.c */
int mho_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);

#endif
