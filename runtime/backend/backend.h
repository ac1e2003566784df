/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The line between the library and the ways to reach a device. Above it: handles,
 * checks of arguments, lifetimes, the backlog of jobs. Below it: how memory, arrays
 * and queues are made, and how a job becomes a command. One level of function
 * pointers; nothing above the line knows which backend is below.
 *
 * Backends set the last error (core/error.h) whenever they return an error that
 * is not named as silent here.
 */
#ifndef MHO_BACKEND_H
#define MHO_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/uri.h"
#include "mho/mho.h"

/* A device and a queue, as the backend keeps them: first member of its own structures. */
struct mrt_backend;
struct mrt_trace_queue;
struct mrt_bdev {
	const struct mrt_backend *ops;
};
struct mrt_bqueue {
	const struct mrt_backend *ops;
	/* Or NULL; is told of jobs that the backend adds to those of the program. */
	struct mrt_trace_queue *trace;
};

/* A sequence of commands that was prepared for a queue: the backend's own. */
struct mrt_bseq;

/**
 * struct mrt_mem - memory that a device reaches
 * @map: its address in this process, page-aligned, cleared
 * @size: bytes
 * @id: what commands name
 * @cookie: the backend's
 */
struct mrt_mem {
	void *map;
	size_t size;
	uint64_t id;
	uint64_t cookie;
};

/**
 * struct mrt_array_request - what an array shall be
 * @rows: rows
 * @cols: columns
 * @block_rows: most rows in one tile, 0 for as many as fit
 * @block_cols: most columns
 * @technology: index, or MRT_ANY
 * @compact: neighbouring tiles rather than the least worn ones
 * @owner: who may find it again
 * @tag: kept with it
 * @name: NULL for an unnamed one
 * @tiles_needed: out, with -ENOSPC: tiles that it takes, 0 if it is not tiles that are missing
 * @tiles_free: out, with -ENOSPC: tiles that are free
 */
struct mrt_array_request {
	uint32_t rows;
	uint32_t cols;
	uint32_t block_rows;
	uint32_t block_cols;
	uint32_t technology;
	bool compact;
	uint64_t owner;
	uint64_t tag;
	const char *name;
	uint32_t tiles_needed;
	uint32_t tiles_free;
};

#define MRT_ANY UINT32_MAX

/**
 * struct mrt_array_info - an array that is there
 * @rows: rows
 * @cols: columns
 * @blocks: number of blocks
 * @tag: as it was created
 */
struct mrt_array_info {
	uint32_t rows;
	uint32_t cols;
	uint32_t blocks;
	uint64_t tag;
};

/**
 * struct mrt_operand - vectors in memory; all that it spans lies inside
 * @mem: mrt_mem.id
 * @offset: bytes
 * @stride: bytes, 0 for densely packed
 * @type: enum mho_type
 * @scale: factor in the device's units, finite and not 0
 */
struct mrt_operand {
	uint64_t mem;
	uint64_t offset;
	uint32_t stride;
	uint32_t type;
	float scale;
};

/**
 * struct mrt_cmd - a job that has been checked, in the device's units
 * @op: enum mho_op
 * @flags: MHO_JOB_*
 * @array: array
 * @dst: destination of TRANSFER
 * @batch: vectors, at least 1 where the operation has operands
 * @limit: as mho_job.limit
 * @rate: rate (UPDATE, TRANSFER) or tolerance (PROGRAM)
 * @a: operand a; TRANSFER: only its scale
 * @b: operand b
 * @rows: TRANSFER: rows of both arrays
 * @src_col: TRANSFER
 * @dst_col: TRANSFER
 * @count: TRANSFER
 */
struct mrt_cmd {
	uint32_t op;
	uint32_t flags;
	uint32_t array;
	uint32_t dst;
	uint32_t batch;
	uint32_t limit;
	float rate;
	struct mrt_operand a;
	struct mrt_operand b;
	uint32_t rows;
	uint32_t src_col;
	uint32_t dst_col;
	uint32_t count;
};

/**
 * struct mrt_done - a completion
 * @cookie: of the command
 * @status: 0, negative errno, or positive device status
 * @result: as the device has it
 * @detail: likewise
 * @device_ns: device time
 * @energy_fj: energy
 */
struct mrt_done {
	void *cookie;
	int32_t status;
	uint32_t result;
	uint32_t detail;
	uint64_t device_ns;
	uint64_t energy_fj;
};

/**
 * struct mrt_seq_step - how far a slot moves the operands of a command of a sequence
 * @a: bytes that are added to the offset of operand a for each slot; 0 for a fixed operand
 * @b: likewise for operand b
 */
struct mrt_seq_step {
	uint64_t a;
	uint64_t b;
};

/**
 * struct mrt_seq_request - a sequence that shall be run often
 * @cmds: its commands, in order; borrowed for the call, and so are @steps
 * @steps: of each command
 * @n: commands, 1 to the queue's depth
 * @runs: most runs that are in flight at once
 * @a_slots: slots for operands a, at least 1; whatever the slot, all that an operand spans lies
 *	inside its memory
 * @b_slots: slots for operands b
 */
struct mrt_seq_request {
	const struct mrt_cmd *cmds;
	const struct mrt_seq_step *steps;
	uint32_t n;
	uint32_t runs;
	uint32_t a_slots;
	uint32_t b_slots;
};

/**
 * struct mrt_seq_run - what differs from run to run
 * @a_slot: below a_slots
 * @b_slot: below b_slots
 * @each: NULL, or room for the completions of the single commands, in order; in place until the run
 *	is reaped, filled by the reap that takes it. Their cookies are not set.
 */
struct mrt_seq_run {
	uint32_t a_slot;
	uint32_t b_slot;
	struct mrt_done *each;
};

/**
 * struct mrt_queue_request - what a queue shall be
 * @depth: commands in flight, a power of two within the device's limit
 * @priority: 0 to 3
 * @ring: the application's io_uring, or NULL
 * @ring_user_data: of messages to it
 */
struct mrt_queue_request {
	uint32_t depth;
	uint32_t priority;
	struct io_uring *ring;
	uint64_t ring_user_data;
};

/**
 * struct mrt_backend - a way to reach devices
 * @scheme: of its URIs
 * @enumerate: lists what could be opened; as mho_enumerate()
 * @open: opens and starts a device; @log is borrowed until @close
 * @close: ends everything. Queues and memory have been given back before.
 *
 * Of a device, from any thread:
 * @info: describes it, but for the URI
 * @topology: its device-tree blob, borrowed
 * @tile: describes a tile
 * @firmware: the firmware that runs in it
 * @telemetry: its counters
 * @read_log: its log
 * @selftest: lets it test itself
 * @calibrate: a tile, or all with a negative number
 * @sync: makes sure that weights are kept
 * @reset: warm reset, while other threads use the device; memory, arrays and queues stay valid,
 *	commands in flight complete, if need be with -ECANCELED
 * @mem_alloc: makes memory that commands may name; @mem->map and the rest are filled
 * @mem_free: takes it back; no command that names it is in flight
 * @array_create: makes an array; -ENOSPC with @tiles_needed set is silent
 * @array_find: attaches a named array; -ENOENT and -EBUSY are silent
 * @array_release: lets go of an array without commands in flight; destroys it if it is unnamed or
 *	@destroy is set
 * @array_info: describes an array, and at most @n of its blocks
 * @queue_create: makes a queue
 * @queue_destroy: aborts what is in flight and ends the queue, with the sequences that it has left;
 *	then calls @drop for the cookie of each command or run that was not reaped, in any order
 *
 * Of a queue, from one thread at a time:
 * @push: adds a command; 0, or silently -EAGAIN if there is no room. The device may not see it
 *	before @kick.
 * @kick: lets the device see what was pushed
 * @reap: takes completions, at most @max; never waits. Number, or -EIO if the device has died.
 * @wait: waits until about @n completions are there to reap, or @deadline (CLOCK_MONOTONIC, ns, or
 *	MRT_FOREVER). It may return early. 0; silently -ETIME; or -EIO.
 * @arm: sees to it that the queue's fd becomes readable when the next completion arrives. 1 if
 *	there is one now, 0 if not, -EIO.
 * @fd: the descriptor, or -EOPNOTSUPP for a queue on the application's own ring
 *
 * Sequences. A backend without them has NULL for all three; the library then pushes command by
 * command, as it does where @seq_create fails. Arrays and memory that the commands name are there
 * until @seq_destroy.
 * @seq_create: prepares a sequence, on the thread of the queue. 0, or silently any error: "not
 *	here", "not so many", "not now"; the sequence is pushed command by command then.
 * @seq_destroy: from any thread; no run of it is in flight or will be, and its queue is still there.
 *	Sequences that are left go with @queue_destroy.
 * @push_seq: adds all its commands in order, as by @push, on the thread of the queue; they have one
 *	completion in @reap, with this cookie: the first status that is not 0, in order; the sums of
 *	result, detail, device time and energy. 0, or silently -EAGAIN if there is no room, also
 *	for a run more than was prepared; nothing was added then.
 *
 * Traces. NULL where there is no driver that has a part in them.
 * @trace_source: what the driver's tracepoints call the device and this open file. 0, or silently
 *	-errno.
 * @queue_number: and a queue
 *
 * Fences, on the thread of the queue.
 * @fence_export: a new descriptor, the caller's to close, close-on-exec. poll() finds it readable
 *	from when all that was pushed so far is done, well or not, or the queue is destroyed; nobody
 *	has to reap for that. Lets the device see what was pushed. 0, -EBUSY (no room), -EMFILE, -ENOMEM. NULL:
 *	there are no fences.
 * @fence_import: what is pushed from now on starts when @fd, which remains the caller's, is
 *	readable. 0, or silently -EOPNOTSUPP if the device cannot wait for this kind of descriptor;
 *	the library holds commands back itself then, as it does where this is NULL.
 */
struct mrt_backend {
	const char *scheme;
	int (*enumerate)(mho_found_fn fn, void *arg);
	int (*open)(const struct mrt_uri *uri, uint32_t io, const struct mrt_logger *log,
		    struct mrt_bdev **out);
	void (*close)(struct mrt_bdev *dev);

	void (*info)(struct mrt_bdev *dev, struct mho_info *info);
	const void *(*topology)(struct mrt_bdev *dev, size_t *len);
	int (*tile)(struct mrt_bdev *dev, uint32_t index, struct mho_tile_info *info);
	int (*firmware)(struct mrt_bdev *dev, struct mho_firmware *fw);
	int (*telemetry)(struct mrt_bdev *dev, struct mho_telemetry *t);
	int (*read_log)(struct mrt_bdev *dev, mho_log_entry_fn fn, void *arg);
	int (*selftest)(struct mrt_bdev *dev, bool full, struct mho_selftest *result);
	int (*calibrate)(struct mrt_bdev *dev, int tile);
	int (*sync)(struct mrt_bdev *dev);
	int (*reset)(struct mrt_bdev *dev);
	int (*mem_alloc)(struct mrt_bdev *dev, size_t bytes, struct mrt_mem *mem);
	void (*mem_free)(struct mrt_bdev *dev, struct mrt_mem *mem);
	int (*array_create)(struct mrt_bdev *dev, struct mrt_array_request *req, uint32_t *id);
	int (*array_find)(struct mrt_bdev *dev, const char *name, uint64_t owner, uint32_t *id);
	int (*array_release)(struct mrt_bdev *dev, uint32_t id, bool destroy);
	int (*array_info)(struct mrt_bdev *dev, uint32_t id, struct mrt_array_info *info,
			  struct mho_mat_block *blocks, uint32_t n);
	int (*queue_create)(struct mrt_bdev *dev, const struct mrt_queue_request *req,
			    struct mrt_bqueue **out);
	void (*queue_destroy)(struct mrt_bqueue *queue, void (*drop)(void *cookie));

	int (*push)(struct mrt_bqueue *queue, const struct mrt_cmd *cmd, void *cookie);
	void (*kick)(struct mrt_bqueue *queue);
	int (*reap)(struct mrt_bqueue *queue, struct mrt_done *done, uint32_t max);
	int (*wait)(struct mrt_bqueue *queue, uint32_t n, uint64_t deadline);
	int (*arm)(struct mrt_bqueue *queue);
	int (*fd)(struct mrt_bqueue *queue);

	int (*seq_create)(struct mrt_bqueue *queue, const struct mrt_seq_request *req,
			  struct mrt_bseq **out);
	void (*seq_destroy)(struct mrt_bqueue *queue, struct mrt_bseq *seq);
	int (*push_seq)(struct mrt_bqueue *queue, struct mrt_bseq *seq,
			const struct mrt_seq_run *run, void *cookie);

	int (*fence_export)(struct mrt_bqueue *queue, int *fd);
	int (*fence_import)(struct mrt_bqueue *queue, int fd);

	int (*trace_source)(struct mrt_bdev *dev, uint32_t *number, uint64_t *client);
	uint32_t (*queue_number)(struct mrt_bqueue *queue);
};

extern const struct mrt_backend mrt_backend_accel;
extern const struct mrt_backend mrt_backend_emu;

/* mrt_backend_find() - the backend of a scheme, or NULL. */
const struct mrt_backend *mrt_backend_find(const char *scheme);

#endif
