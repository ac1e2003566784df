/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The objects behind the handles, who owns them, and how long they live.
 *
 * Buffers and matrices are counted: one reference for the handle, one for each job
 * in flight. So what a program frees while jobs use it stays until the last of
 * them has been reaped. Everything else belongs to one handle.
 */
#ifndef MHO_CORE_DEV_H
#define MHO_CORE_DEV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "backend/backend.h"
#include "core/error.h"
#include "core/handle.h"
#include "core/list.h"
#include "core/trace.h"
#include "mho/mho.h"

struct mho_topo;
struct mrt_sync;

/**
 * struct mrt_dev - an open device
 * @handle: what the program holds
 * @log: where messages go
 * @ops: its backend
 * @bdev: the backend's device
 * @info: what it is
 * @topo: its topology
 * @sync: what the synchronous calls use
 * @trace: of what is done with it, or NULL
 * @lock: of the lists
 * @bufs: buffers
 * @mats: matrices
 * @queues: queues
 * @graphs: graphs
 * @scheds: schedulers
 */
struct mrt_dev {
	struct mho_dev *handle;
	struct mrt_logger log;
	const struct mrt_backend *ops;
	struct mrt_bdev *bdev;
	struct mho_info info;
	struct mho_topo *topo;
	struct mrt_sync *sync;
	struct mrt_trace *trace;
	pthread_mutex_t lock;
	struct mrt_link bufs;
	struct mrt_link mats;
	struct mrt_link queues;
	struct mrt_link graphs;
	struct mrt_link scheds;
};

/**
 * struct mrt_buf - a buffer
 * @dev: its device
 * @handle: what the program holds, until it frees it
 * @refs: the handle and jobs in flight
 * @link: in mrt_dev.bufs
 * @mem: the memory
 * @size: bytes as requested
 */
struct mrt_buf {
	struct mrt_dev *dev;
	struct mho_buf *handle;
	atomic_uint refs;
	struct mrt_link link;
	struct mrt_mem mem;
	size_t size;
};

/**
 * struct mrt_mat - a matrix
 * @dev: its device
 * @handle: what the program holds, until it frees it
 * @refs: the handle and jobs in flight
 * @link: in mrt_dev.mats
 * @id: number of its array
 * @rows: rows
 * @cols: columns
 * @scale: what a cell weight of 1 stands for
 * @destroy: named, and to be destroyed with the last reference
 * @nblocks: number of @blocks
 * @blocks: where it is
 */
struct mrt_mat {
	struct mrt_dev *dev;
	struct mho_mat *handle;
	atomic_uint refs;
	struct mrt_link link;
	uint32_t id;
	uint32_t rows;
	uint32_t cols;
	float scale;
	bool destroy;
	uint32_t nblocks;
	struct mho_mat_block *blocks;
};

/* Jobs in order, linked through mho_job.internal. */
struct mrt_jobs {
	struct mho_job *first;
	struct mho_job *last;
};

/**
 * struct mrt_queue - a queue with its backlog
 * @dev: its device
 * @handle: what the program holds; NULL for the one of the synchronous calls
 * @link: in mrt_dev.queues
 * @bqueue: the backend's queue
 * @depth: most commands that the backend takes
 * @inflight: completions that are to come from the backend
 * @alone: of these for jobs, not for runs of graphs
 * @pending: jobs that were submitted and not reaped
 * @backlog: jobs that wait, or are runs of which not everything was handed over
 * @finished: runs to be reaped
 * @runs: runs that have begun, in order
 * @binds: what it keeps for graphs, while it ends
 * @calling: a function of a graph is being called
 * @told: such a function wants its thread to be told
 * @trace: or NULL
 */
struct mrt_queue {
	struct mrt_dev *dev;
	struct mho_queue *handle;
	struct mrt_link link;
	struct mrt_bqueue *bqueue;
	uint32_t depth;
	uint32_t inflight;
	uint32_t alone;
	uint32_t pending;
	struct mrt_jobs backlog;
	struct mrt_jobs finished;
	struct mrt_link runs;
	struct mrt_link binds;
	bool calling;
	bool told;
	struct mrt_trace_queue *trace;
};

/* buf.c */
int mrt_buf_new(struct mrt_dev *dev, size_t bytes, struct mrt_buf **out);
void mrt_buf_put(struct mrt_buf *buf);

/* mat.c */
void mrt_mat_put(struct mrt_mat *mat);

/* queue.c */
int mrt_queue_new(struct mrt_dev *dev, const struct mho_queue_opts *opts, struct mrt_queue **out);
void mrt_queue_free(struct mrt_queue *queue);
/* mrt_queue_add() - take over a job that has begun. The device may not see it before a kick. */
void mrt_queue_add(struct mrt_queue *queue, struct mho_job *job);
void mrt_queue_kick(struct mrt_queue *queue);
int mrt_queue_submit(struct mrt_queue *queue, struct mho_job *const *jobs, uint32_t n);
int mrt_queue_reap(struct mrt_queue *queue, struct mho_job **jobs, uint32_t max, uint32_t min,
		   int64_t timeout_ns);
/* mrt_queue_hold() - put a gate behind what was submitted. */
void mrt_queue_hold(struct mrt_queue *queue, struct mho_job *gate);
/* mrt_queue_finished() - a run has ended: the next reap takes it. */
void mrt_queue_finished(struct mrt_queue *queue, struct mho_job *run);

/* sync.c */
int mrt_sync_new(struct mrt_dev *dev);
void mrt_sync_free(struct mrt_dev *dev);

/**
 * mrt_copy_in() - take a structure that begins with its size from the program
 * @to: this library's, @to_size bytes
 * @from: the program's, or NULL for all zero
 * @min: smallest size that there ever was
 * @name: of the structure, for the last error
 *
 * What a newer program has beyond @to_size must be zero.
 *
 * Return: 0 or -EINVAL.
 */
int mrt_copy_in(void *to, size_t to_size, const void *from, size_t min, const char *name);

/**
 * mrt_copy_out() - give a structure that begins with its size to the program
 * @to: the program's, which has set its size
 * @from: this library's, @from_size bytes
 * @min: smallest size that there ever was
 * @name: of the structure, for the last error
 *
 * Return: 0 or -EINVAL.
 */
int mrt_copy_out(void *to, const void *from, size_t from_size, size_t min, const char *name);

#endif
