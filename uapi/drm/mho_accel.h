/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What programs and the driver say to each other through /dev/accel/accelN: the
 * ioctls and the io_uring commands, and nothing about the device below. docs/uapi.md explains the
 * use of the former, docs/io_uring.md of the latter.
 *
 * Rules. Every flag that is not defined, every pad and every field that an operation does not use
 * must be zero (-EINVAL). Structures only grow at their end, where zero means "as before". Layouts
 * are the same for 32- and 64-bit programs. Handles belong to the open file and are never 0.
 * binary32 values (IEEE 754) travel as their bits in a __u32.
 */
#ifndef _UAPI_DRM_MHO_ACCEL_H_
#define _UAPI_DRM_MHO_ACCEL_H_

#include "drm.h"

#if defined(__cplusplus)
extern "C" {
#endif

/*
 * Versions of this interface, in drm_version.version_major and _minor:
 *
 * 1.0: the ioctls from QUERY to CALIBRATE
 * 1.1: ARRAY_WINDOW: tiles' input and output buffers can be mapped
 * 1.2: PREPARE, UNPREPARE, and io_uring commands
 */
#define DRM_MHO_MAJOR 1
#define DRM_MHO_MINOR 2

/* Place new ioctls at the end, don't re-order. */
enum drm_mho_ioctl_id {
	DRM_MHO_QUERY = 0,
	DRM_MHO_CTX_CREATE,
	DRM_MHO_CTX_DESTROY,
	DRM_MHO_BO_CREATE,
	DRM_MHO_BO_INFO,
	DRM_MHO_ARRAY_CREATE,
	DRM_MHO_ARRAY_FIND,
	DRM_MHO_ARRAY_DESTROY,
	DRM_MHO_ARRAY_DETACH,
	DRM_MHO_ARRAY_INFO,
	DRM_MHO_ARRAY_TAG,
	DRM_MHO_SUBMIT,
	DRM_MHO_RESET,
	DRM_MHO_SELFTEST,
	DRM_MHO_CALIBRATE,
	DRM_MHO_ARRAY_WINDOW,
	DRM_MHO_PREPARE,
	DRM_MHO_UNPREPARE,
};

/* Bytes of an array's label, with the terminating NUL. */
#define DRM_MHO_LABEL_SIZE 32

/* Any technology; all tiles. */
#define DRM_MHO_ALL 0xffffffffU

/**
 * enum drm_mho_query_type - what QUERY tells
 * @DRM_MHO_QUERY_INFO: struct drm_mho_info
 * @DRM_MHO_QUERY_TOPOLOGY: the device-tree blob that describes the card
 * @DRM_MHO_QUERY_FIRMWARE: struct drm_mho_firmware
 * @DRM_MHO_QUERY_TELEMETRY: struct drm_mho_telemetry
 * @DRM_MHO_QUERY_TILE: struct drm_mho_tile of tile &drm_mho_query.id
 * @DRM_MHO_QUERY_LOG: array of struct drm_mho_log_entry, oldest first, from running number
 *	&drm_mho_query.id on; as many as fit
 * @DRM_MHO_QUERY_CTX: struct drm_mho_ctx_state of context &drm_mho_query.id
 */
enum drm_mho_query_type {
	DRM_MHO_QUERY_INFO = 0,
	DRM_MHO_QUERY_TOPOLOGY = 1,
	DRM_MHO_QUERY_FIRMWARE = 2,
	DRM_MHO_QUERY_TELEMETRY = 3,
	DRM_MHO_QUERY_TILE = 4,
	DRM_MHO_QUERY_LOG = 5,
	DRM_MHO_QUERY_CTX = 6,
};

/**
 * struct drm_mho_query - ask the driver or the device
 * @type: enum drm_mho_query_type
 * @id: tile, context or position, as the type says; else 0
 * @size: in: bytes of room at @data, 0 to ask for the size; out: bytes that there are. A structure
 *	is cut to the room (LOG: to whole entries, and @size then tells what was written).
 * @pad: zero
 * @data: where the answer goes
 */
struct drm_mho_query {
	__u32 type;
	__u32 id;
	__u32 size;
	__u32 pad;
	__u64 data;
};

/* drm_mho_info.features */
#define DRM_MHO_FEATURE_SHADOW (1U << 0)
#define DRM_MHO_FEATURE_COALESCE (1U << 1)
#define DRM_MHO_FEATURE_WINDOW (1U << 2)
#define DRM_MHO_FEATURE_NAMED (1U << 3)
#define DRM_MHO_FEATURE_CALIBRATE (1U << 4)

/**
 * struct drm_mho_info - what the device is
 * @interface: version of the device's interface, major << 16 | minor
 * @firmware: its firmware's version, major << 24 | minor << 16 | patch
 * @features: DRM_MHO_FEATURE_* that the device has
 * @tiles: number of tiles
 * @technologies: number of device technologies
 * @arrays: arrays, of all users together
 * @batch_max: most vectors in a job
 * @queues: hardware queues, of all users together; a context has one
 * @depth_max: largest &drm_mho_ctx_create.depth
 * @submit_max: most jobs in a SUBMIT
 * @command_timeout_ms: a job that makes no progress for so long is ended
 * @restored: 1 if the device had weights of an earlier life when it started
 * @serial: serial number
 * @cells: cells of all tiles together
 * @topology_size: bytes of the topology's blob
 * @window_in: bytes of a tile's input buffer
 * @window_out: bytes of a tile's output buffer
 * @pad: zero
 * @model: name of the card
 */
struct drm_mho_info {
	__u32 interface;
	__u32 firmware;
	__u32 features;
	__u32 tiles;
	__u32 technologies;
	__u32 arrays;
	__u32 batch_max;
	__u32 queues;
	__u32 depth_max;
	__u32 submit_max;
	__u32 command_timeout_ms;
	__u32 restored;
	__u64 serial;
	__u64 cells;
	__u32 topology_size;
	__u32 window_in;
	__u32 window_out;
	__u32 pad;
	__u8 model[64];
};

/**
 * struct drm_mho_firmware - the firmware that runs
 * @version: major << 24 | minor << 16 | patch
 * @interface: version of the device's interface that it was built for
 * @build_time: seconds since 1970
 * @name: description of the image
 * @sha256: of its code
 */
struct drm_mho_firmware {
	__u32 version;
	__u32 interface;
	__u64 build_time;
	__u8 name[64];
	__u8 sha256[32];
};

/**
 * struct drm_mho_telemetry - counters since power-on, unless said otherwise
 * @time_ns: device time
 * @energy_fj: energy of all jobs, fJ
 * @commands: jobs completed
 * @errors: of these failed
 * @mvms: vectors multiplied, either way
 * @updates: rank-1 updates
 * @pulses: pulses fired at cells
 * @lifetime_pulses: the same over the device's life
 * @saturations: outputs that saturated the converter
 * @retries: extra reads by bound management
 * @resets: warm resets
 * @power_cycles: over the device's life
 * @temperature_mc: millidegree Celsius
 * @power_mw: mean power over device time, mW
 * @tiles_free: tiles without an array
 * @tiles_failed: tiles out of service
 * @wear_max: most pulses that any cell has had
 * @pad: zero
 */
struct drm_mho_telemetry {
	__u64 time_ns;
	__u64 energy_fj;
	__u64 commands;
	__u64 errors;
	__u64 mvms;
	__u64 updates;
	__u64 pulses;
	__u64 lifetime_pulses;
	__u64 saturations;
	__u64 retries;
	__u32 resets;
	__u32 power_cycles;
	__s32 temperature_mc;
	__u32 power_mw;
	__u32 tiles_free;
	__u32 tiles_failed;
	__u32 wear_max;
	__u32 pad;
};

/* drm_mho_tile.state */
#define DRM_MHO_TILE_FREE 0
#define DRM_MHO_TILE_USED 1
#define DRM_MHO_TILE_FAILED 2
#define DRM_MHO_TILE_SCRUBBING 3

/**
 * struct drm_mho_tile - one tile
 * @tile: its number
 * @rows: rows
 * @cols: columns
 * @technology: index, in topology order
 * @state: DRM_MHO_TILE_*
 * @array: the device's number of the array that has it (not a handle), 0 if none
 * @wear_max: most pulses that any of its cells has had
 * @pad: zero
 * @wear_mean_milli: mean over its cells, thousandths
 * @endurance: budget of pulses a cell, 0 if unknown
 * @pulses: pulses of all its cells together, over its life
 * @busy_ns: device time that it was busy
 * @energy_fj: energy that it took, fJ
 */
struct drm_mho_tile {
	__u32 tile;
	__u32 rows;
	__u32 cols;
	__u32 technology;
	__u32 state;
	__u32 array;
	__u32 wear_max;
	__u32 pad;
	__u64 wear_mean_milli;
	__u64 endurance;
	__u64 pulses;
	__u64 busy_ns;
	__u64 energy_fj;
};

/**
 * struct drm_mho_log_entry - one line of the device's log
 * @time_ns: device time
 * @number: running number, from 1; a jump tells that older entries were lost
 * @level: 3 error, 4 warning, 6 information, 7 debugging
 * @status: device status that it is about, or 0
 * @text: NUL-terminated
 */
struct drm_mho_log_entry {
	__u64 time_ns;
	__u32 number;
	__u16 level;
	__u16 status;
	__u8 text[112];
};

/**
 * struct drm_mho_ctx_state - what became of a context
 * @flags: DRM_MHO_CTX_LOST: it could not be brought back, destroy it
 * @guilty: timeouts that jobs of this context caused
 * @innocent: times that jobs of this context were cut off by a reset that others caused
 * @pending: jobs submitted and not complete
 * @device_ns: device time of its jobs
 * @energy_fj: their energy, fJ
 * @jobs: jobs completed
 */
struct drm_mho_ctx_state {
	__u32 flags;
	__u32 guilty;
	__u32 innocent;
	__u32 pending;
	__u64 device_ns;
	__u64 energy_fj;
	__u64 jobs;
};

#define DRM_MHO_CTX_LOST (1U << 0)

/* Priorities; the two higher ones need CAP_SYS_NICE (-EACCES). Strict: a higher one goes first. */
#define DRM_MHO_PRIORITY_LOW 0
#define DRM_MHO_PRIORITY_NORMAL 1
#define DRM_MHO_PRIORITY_HIGH 2
#define DRM_MHO_PRIORITY_REALTIME 3

/**
 * struct drm_mho_ctx_create - make a context: a hardware queue
 * @flags: zero
 * @priority: DRM_MHO_PRIORITY_*
 * @depth: in: jobs that the hardware queue shall hold, 0 for a default; out: what it holds, which
 *	is also the most jobs that one SUBMIT to it may have
 * @handle: out
 *
 * -ENOSPC: the device has no queue left, or the file its share.
 */
struct drm_mho_ctx_create {
	__u32 flags;
	__u32 priority;
	__u32 depth;
	__u32 handle;
};

/**
 * struct drm_mho_ctx_destroy - abort what is in flight (-ECANCELED) and end a context
 * @handle: context
 * @pad: zero
 */
struct drm_mho_ctx_destroy {
	__u32 handle;
	__u32 pad;
};

/**
 * struct drm_mho_bo_create - make a buffer: memory that jobs name, cleared
 * @size: in: bytes, not 0; out: rounded up to pages
 * @flags: zero
 * @handle: out: GEM handle; DRM_IOCTL_GEM_CLOSE gives it back. Jobs in flight keep the memory.
 * @mmap_offset: out: offset for mmap() on the device's file
 *
 * -ENOSPC: the device has no memory key left. -EDQUOT: the file's share of them is used up.
 */
struct drm_mho_bo_create {
	__u64 size;
	__u32 flags;
	__u32 handle;
	__u64 mmap_offset;
};

/**
 * struct drm_mho_bo_info - about a buffer, an imported one, too
 * @handle: GEM handle
 * @flags: out: DRM_MHO_BO_IMPORTED
 * @size: out: bytes
 * @mmap_offset: out: offset for mmap() on the device's file; 0 for an imported one, which is mapped
 *	through its own file
 */
struct drm_mho_bo_info {
	__u32 handle;
	__u32 flags;
	__u64 size;
	__u64 mmap_offset;
};

#define DRM_MHO_BO_IMPORTED (1U << 0)

/* drm_mho_array_*.flags */
#define DRM_MHO_ARRAY_NAMED (1U << 0) /* has a label and outlives the file */
#define DRM_MHO_ARRAY_COMPACT (1U << 1) /* CREATE: neighbouring tiles rather than the least worn */
#define DRM_MHO_ARRAY_TORN (1U << 2) /* INFO: a write was cut off, until the next whole one */
#define DRM_MHO_ARRAY_LOST (1U << 3) /* INFO: gone with a reset of the function; destroy it */

/**
 * struct drm_mho_array_create - make an array: a matrix on tiles of the device, all weights 0
 * @rows: rows: outputs of MVM
 * @cols: columns: inputs of MVM
 * @block_rows: most rows in one tile, 0 for as many as fit
 * @block_cols: most columns in one tile, 0 for as many as fit
 * @technology: index, or DRM_MHO_ALL for any
 * @flags: DRM_MHO_ARRAY_NAMED, DRM_MHO_ARRAY_COMPACT
 * @tag: kept with the array
 * @label: of a named array: NUL-terminated, padded with NUL, not empty; else all zero
 * @handle: out
 * @tiles_needed: out, with -ENOSPC: tiles that it takes; 0 if something else has run out
 * @tiles_free: out, with -ENOSPC: tiles that are free
 * @pad: zero
 *
 * A named array belongs to the user (the effective user id, as the initial user namespace has it).
 *
 * -ENOSPC: not enough tiles, or no arrays left. -EDQUOT: the file's share is used up. -EEXIST: this
 * user has an array of this name. -EOPNOTSUPP: the device does not keep names.
 */
struct drm_mho_array_create {
	__u32 rows;
	__u32 cols;
	__u32 block_rows;
	__u32 block_cols;
	__u32 technology;
	__u32 flags;
	__u64 tag;
	__u8 label[DRM_MHO_LABEL_SIZE];
	__u32 handle;
	__u32 tiles_needed;
	__u32 tiles_free;
	__u32 pad;
};

/**
 * struct drm_mho_array_find - find a named array of this user again
 * @flags: zero
 * @handle: out
 * @label: its name
 *
 * -ENOENT: this user has none of this name. -EBUSY: another file has it. -EEXIST: this file has it
 * already.
 */
struct drm_mho_array_find {
	__u32 flags;
	__u32 handle;
	__u8 label[DRM_MHO_LABEL_SIZE];
};

/**
 * struct drm_mho_array_handle - ARRAY_DESTROY: it is gone, named or not, its tiles are scrubbed;
 *	ARRAY_DETACH: this file lets go of a named array, which stays in the device
 * @handle: array
 * @pad: zero
 *
 * -EBUSY: jobs on it are in flight. -EINVAL: DETACH of an array without a name.
 */
struct drm_mho_array_handle {
	__u32 handle;
	__u32 pad;
};

/**
 * struct drm_mho_array_block - where a part of an array is
 * @tile: tile
 * @row: first row of the array in it
 * @col: first column
 * @rows: rows
 * @cols: columns
 * @pad: zero
 */
struct drm_mho_array_block {
	__u32 tile;
	__u32 row;
	__u32 col;
	__u32 rows;
	__u32 cols;
	__u32 pad;
};

/**
 * struct drm_mho_array_info - about an array
 * @handle: array
 * @flags: out: DRM_MHO_ARRAY_NAMED, _TORN, _LOST
 * @rows: out
 * @cols: out
 * @grid_rows: out: blocks in a column of blocks
 * @grid_cols: out: blocks in a row of blocks
 * @technology: out: index
 * @id: out: the device's number of it, as drm_mho_tile.array has it
 * @tag: out
 * @label: out
 * @blocks: array of struct drm_mho_array_block, in row order of the grid
 * @block_count: in: room at @blocks; out: blocks that there are
 * @pad: zero
 */
struct drm_mho_array_info {
	__u32 handle;
	__u32 flags;
	__u32 rows;
	__u32 cols;
	__u32 grid_rows;
	__u32 grid_cols;
	__u32 technology;
	__u32 id;
	__u64 tag;
	__u8 label[DRM_MHO_LABEL_SIZE];
	__u64 blocks;
	__u32 block_count;
	__u32 pad;
};

/**
 * struct drm_mho_array_tag - set the tag of an array
 * @handle: array
 * @pad: zero
 * @tag: kept with the array
 */
struct drm_mho_array_tag {
	__u32 handle;
	__u32 pad;
	__u64 tag;
};

/**
 * enum drm_mho_op - what a job does; W is the array's matrix, rate and tolerance are binary32
 * @DRM_MHO_OP_NOP: nothing
 * @DRM_MHO_OP_BARRIER: completes when all earlier jobs of the context have; later ones start after
 * @DRM_MHO_OP_MVM: b = b_scale * W (a_scale * a), for batch vectors
 * @DRM_MHO_OP_MVM_T: b = b_scale * W^T (a_scale * a)
 * @DRM_MHO_OP_UPDATE: W -= rate * (b_scale * b) (a_scale * a)^T by pulses, for batch pairs, in
 *	order; param[0]: rate; param[1]: longest train of pulses, 0 for the default
 * @DRM_MHO_OP_PROGRAM: W = a_scale * a in b_region, closed loop; param[0]: tolerance, 0 for the
 *	default; param[1]: most iterations, 0 for the default
 * @DRM_MHO_OP_READ: b = b_scale * W of a_region, batch reads averaged; modifier:
 *	DRM_MHO_READ_*
 * @DRM_MHO_OP_PULSE: raw pulses on b_region; a: int8, number and sign for each cell
 * @DRM_MHO_OP_TRANSFER: columns of a_region are added to those from b_region.col on of the array
 *	whose handle is param[1]; param[0]: rate
 * @DRM_MHO_OP_SCRUB: W = 0 in b_region
 */
enum drm_mho_op {
	DRM_MHO_OP_NOP = 0x00,
	DRM_MHO_OP_BARRIER = 0x01,
	DRM_MHO_OP_MVM = 0x10,
	DRM_MHO_OP_MVM_T = 0x11,
	DRM_MHO_OP_UPDATE = 0x12,
	DRM_MHO_OP_PROGRAM = 0x20,
	DRM_MHO_OP_READ = 0x21,
	DRM_MHO_OP_PULSE = 0x22,
	DRM_MHO_OP_TRANSFER = 0x23,
	DRM_MHO_OP_SCRUB = 0x24,
};

/* drm_mho_job.flags */
#define DRM_MHO_JOB_FENCE (1U << 0) /* starts when all earlier jobs of the context are done */
#define DRM_MHO_JOB_A_WINDOW (1U << 1) /* operand a is in the tiles' input buffers */
#define DRM_MHO_JOB_B_WINDOW (1U << 2) /* operand b is in the tiles' output buffers */

/* drm_mho_job.a_type, .b_type */
#define DRM_MHO_TYPE_NONE 0
#define DRM_MHO_TYPE_F32 1
#define DRM_MHO_TYPE_I8 2

/* drm_mho_job.modifier of READ */
#define DRM_MHO_READ_CONDUCTANCE (1U << 0)
#define DRM_MHO_READ_WEAR (1U << 1)

/**
 * struct drm_mho_operand - vectors in a buffer, or rows of a matrix
 * @handle: GEM handle
 * @stride: bytes from vector to vector, 0 for densely packed
 * @offset: bytes from the buffer's start to the first element
 */
struct drm_mho_operand {
	__u32 handle;
	__u32 stride;
	__u64 offset;
};

/**
 * struct drm_mho_region - a rectangle of an array; all zero means the whole array
 * @row: first row
 * @col: first column
 * @rows: rows
 * @cols: columns
 */
struct drm_mho_region {
	__u32 row;
	__u32 col;
	__u32 rows;
	__u32 cols;
};

/**
 * struct drm_mho_job - one operation on one array
 * @op: enum drm_mho_op
 * @flags: DRM_MHO_JOB_*
 * @array: array handle, 0 where the operation needs none
 * @batch: number of vectors, as the operation says
 * @a_type: DRM_MHO_TYPE_* of operand a
 * @b_type: DRM_MHO_TYPE_* of operand b
 * @modifier: DRM_MHO_READ_*, else 0
 * @pad: zero
 * @a: first operand
 * @a_region: region of READ and TRANSFER
 * @b: second operand
 * @b_region: region of PROGRAM, PULSE, SCRUB and TRANSFER
 * @a_scale: binary32, finite, not 0
 * @b_scale: binary32, finite, not 0
 * @param: as the operation says
 *
 * The driver checks what names an object and what must be zero, and fails the whole SUBMIT. Shapes,
 * strides, ranges and numbers are checked by the device: the job then completes with a device
 * status in &drm_mho_result.status and without effect.
 */
struct drm_mho_job {
	__u8 op;
	__u8 flags;
	__u16 modifier;
	__u32 array;
	__u32 batch;
	__u8 a_type;
	__u8 b_type;
	__u16 pad;
	union {
		struct drm_mho_operand a;
		struct drm_mho_region a_region;
	};
	union {
		struct drm_mho_operand b;
		struct drm_mho_region b_region;
	};
	__u32 a_scale;
	__u32 b_scale;
	__u32 param[2];
};

/**
 * struct drm_mho_result - what became of a job; the driver writes it into a buffer
 * @device_ns: device time of the job, queueing excluded
 * @energy_fj: its energy, fJ
 * @result: MVM: outputs that saturated; UPDATE, PULSE, TRANSFER: pulses; PROGRAM: cells that missed
 * @detail: MVM: extra reads; PROGRAM: iterations; after a refusal where
 * @status: 0; a positive device status (MHO_HW_ST_* of the device's interface); or -errno: -ETIME
 *	(it hung), -ECANCELED (cut off by a reset or the end of the context), -EIO (the array or
 *	the context was lost in a reset), -ENODEV (the device is gone)
 * @done: DRM_MHO_RESULT_PENDING from SUBMIT on, DRM_MHO_RESULT_DONE once all else is valid; read it
 *	with acquire ordering
 */
struct drm_mho_result {
	__u64 device_ns;
	__u64 energy_fj;
	__u32 result;
	__u32 detail;
	__s32 status;
	__u32 done;
};

#define DRM_MHO_RESULT_PENDING 0
#define DRM_MHO_RESULT_DONE 1

/**
 * struct drm_mho_sync - a syncobj to wait for or to signal
 * @handle: syncobj handle
 * @flags: DRM_MHO_SYNC_TIMELINE: use @point
 * @point: timeline point, not 0; for a binary syncobj 0
 */
struct drm_mho_sync {
	__u32 handle;
	__u32 flags;
	__u64 point;
};

#define DRM_MHO_SYNC_TIMELINE (1U << 0)

/* Most syncobjs that a SUBMIT waits for, and most that it signals. */
#define DRM_MHO_SYNC_MAX 64

/**
 * struct drm_mho_submit - hand jobs to a context
 * @ctx: context handle
 * @flags: zero
 * @jobs: array of struct drm_mho_job
 * @job_count: how many, 1 to &drm_mho_ctx_create.depth
 * @job_stride: bytes from one to the next, at least sizeof(struct drm_mho_job); a larger one is
 *	accepted if the rest is zero
 * @in_syncs: array of struct drm_mho_sync: the first job starts when all of them have signalled
 * @out_syncs: array of struct drm_mho_sync: signalled when the last job is done
 * @in_sync_count: how many
 * @out_sync_count: how many
 * @result_handle: buffer for the results, not an imported one; 0 for none
 * @pad: zero
 * @result_offset: byte offset in it, a multiple of 8; job i writes struct drm_mho_result i
 *
 * All or nothing: on an error no job was started. The jobs of a call are one unit: its fence
 * carries the error of the first job that failed. Jobs of a context start in order; see enum
 * drm_mho_op and DRM_MHO_JOB_FENCE for when they may overlap.
 *
 * -EAGAIN: too many jobs of this context wait already. -ENOENT: no such context, array, buffer or
 * syncobj. -EIO: context or array was lost. -E2BIG: more jobs than the context's depth.
 */
struct drm_mho_submit {
	__u32 ctx;
	__u32 flags;
	__u64 jobs;
	__u32 job_count;
	__u32 job_stride;
	__u64 in_syncs;
	__u64 out_syncs;
	__u32 in_sync_count;
	__u32 out_sync_count;
	__u32 result_handle;
	__u32 pad;
	__u64 result_offset;
};

/**
 * struct drm_mho_reset - bring a context or the device to a stop and start it anew
 * @scope: DRM_MHO_RESET_CTX: jobs in flight of a context end with -ECANCELED;
 *	DRM_MHO_RESET_DEVICE: warm reset of the device, needs CAP_SYS_ADMIN (-EACCES)
 * @ctx: context handle, 0 for the device
 */
struct drm_mho_reset {
	__u32 scope;
	__u32 ctx;
};

#define DRM_MHO_RESET_CTX 0
#define DRM_MHO_RESET_DEVICE 1

/**
 * struct drm_mho_selftest - let the device test itself
 * @flags: DRM_MHO_SELFTEST_FULL: write to free tiles, too; needs CAP_SYS_ADMIN (-EACCES)
 * @tests: out: tests made
 * @failures: out: of these failed
 * @tiles_tested: out
 * @tiles_failed: out
 * @mvm_error_ppm: out: largest relative rms error of a test MVM, millionths
 * @first_failure: out: text, empty if none
 */
struct drm_mho_selftest {
	__u32 flags;
	__u32 tests;
	__u32 failures;
	__u32 tiles_tested;
	__u32 tiles_failed;
	__u32 mvm_error_ppm;
	__u8 first_failure[96];
};

#define DRM_MHO_SELFTEST_FULL (1U << 0)

/**
 * struct drm_mho_calibrate - measure and correct the converters; needs CAP_SYS_ADMIN (-EACCES)
 * @tile: tile, or DRM_MHO_ALL
 * @flags: zero
 *
 * -EBUSY: an array on such a tile has jobs in flight.
 */
struct drm_mho_calibrate {
	__u32 tile;
	__u32 flags;
};

/**
 * struct drm_mho_array_window - where the buffers of a block's tile can be mapped
 * @handle: array
 * @block: index of the block, as ARRAY_INFO lists them
 * @flags: zero
 * @losses: out: how often the device's windows have lost what was in them: suspend, resets of the
 *	PCI function
 * @mmap_offset: out: offset for mmap() on the device's file: the input buffer, and behind it the
 *	output buffer
 * @in_size: out: bytes of the input buffer, whole pages
 * @out_size: out: bytes of the output buffer, whole pages
 *
 * A mapping is shared, not executable, and has either buffer or both, whole. It is not inherited by
 * fork(). It is the array's: when the array is destroyed, detached or lost, or the device is gone,
 * accesses reach memory of the mapping's own, which nobody reads; there is no signal.
 *
 * The input buffer is mapped write-combining where the machine can: what other threads than the
 * submitting one have written needs a store fence before SUBMIT. The output buffer is not cached.
 *
 * -ENOENT: no such array or block. -EIO: the array was lost. -EOPNOTSUPP: the device has no window,
 * or the machine's pages are too large for it.
 */
struct drm_mho_array_window {
	__u32 handle;
	__u32 block;
	__u32 flags;
	__u32 losses;
	__u64 mmap_offset;
	__u32 in_size;
	__u32 out_size;
};

/**
 * struct drm_mho_prepared_job - a job of a prepared sequence
 * @job: the job, as for SUBMIT
 * @a_step: a run adds its &drm_mho_uring_run.a_slot times this to the offset of operand a, bytes; 0
 *	where the job has no such operand in a buffer
 * @b_step: likewise for operand b
 */
struct drm_mho_prepared_job {
	struct drm_mho_job job;
	__u64 a_step;
	__u64 b_step;
};

/**
 * struct drm_mho_prepare - check a sequence of jobs once, for io_uring commands to run it often
 * @ctx: context that it runs in
 * @flags: zero
 * @jobs: array of struct drm_mho_prepared_job
 * @job_count: how many, 1 to &drm_mho_ctx_create.depth
 * @job_stride: bytes from one to the next, as for SUBMIT
 * @runs: most runs in flight at once, 1 to DRM_MHO_RUNS_MAX; memory for so many is set aside
 * @a_slots: values that &drm_mho_uring_run.a_slot may have, from 0; not 0
 * @b_slots: likewise
 * @result_slots: likewise; job i of a run writes struct drm_mho_result number
 *	result_slot * job_count + i. 1 without @result_handle
 * @result_handle: buffer for the results, not an imported one; 0 for none
 * @handle: out
 * @result_offset: byte offset in it, a multiple of 8
 *
 * What the jobs name is kept: buffers until UNPREPARE, also after GEM_CLOSE. Arrays are not: runs
 * on one that was destroyed or lost since fail with -ENOENT or -EIO. The sequence goes with its
 * context.
 *
 * Errors as of SUBMIT. -EDQUOT: more than DRM_MHO_PREPARED_JOBS_MAX jobs (@runs * @job_count) of
 * this file are prepared.
 */
struct drm_mho_prepare {
	__u32 ctx;
	__u32 flags;
	__u64 jobs;
	__u32 job_count;
	__u32 job_stride;
	__u32 runs;
	__u32 a_slots;
	__u32 b_slots;
	__u32 result_slots;
	__u32 result_handle;
	__u32 handle;
	__u64 result_offset;
};

/* Most runs of a prepared sequence at once; most jobs that a file's prepared sequences may have. */
#define DRM_MHO_RUNS_MAX 1024
#define DRM_MHO_PREPARED_JOBS_MAX 65536

/**
 * struct drm_mho_unprepare - let go of a prepared sequence; runs in flight come to their end
 * @handle: prepared sequence
 * @pad: zero
 */
struct drm_mho_unprepare {
	__u32 handle;
	__u32 pad;
};

/*
 * Commands for IORING_OP_URING_CMD on the device's file: sqe->cmd_op is DRM_URING_MHO_*, the
 * payload of sqe->cmd is the structure that belongs to it, and what is left of it is zero, as are
 * sqe->addr, len, file_index, and buf_index without IORING_URING_CMD_FIXED. JOB needs a ring with
 * IORING_SETUP_SQE128, or IORING_OP_URING_CMD128 (-EINVAL); the others do not care. Jobs of a
 * context start in the order in which they were submitted, by ioctls and by io_uring alike.
 *
 * cqe->res is 0 or -errno: what the ioctl would have given, or what the first job that failed ended
 * with. On rings with CQE32, big_cqe[0] is the device time of all jobs of the command, ns. Energy,
 * saturation, extra reads and the device's status are in struct drm_mho_result, if a place for it
 * was named.
 *
 * -EBUSY: too many jobs of this context wait already, or as many runs as were prepared.
 * -ECANCELED: cancelled, by CANCEL, by the end of the ring, of the program or of the context; the
 * device may have done the job nevertheless. -EOPNOTSUPP: a ring with IORING_SETUP_IOPOLL.
 */

/* drm_mho_uring_job.flags */
#define DRM_MHO_URING_A_FIXED (1U << 0) /* operand a is in a registered buffer */
#define DRM_MHO_URING_B_FIXED (1U << 1) /* operand b is in a registered buffer */

/**
 * struct drm_mho_uring_job - DRM_URING_MHO_JOB: one job
 * @job: the job
 * @ctx: context handle
 * @flags: DRM_MHO_URING_*
 * @ext: address of a struct drm_mho_uring_ext, 0 for none; read during submission
 *
 * An operand in a registered buffer has handle 0, and its address in this process as the offset;
 * sqe->uring_cmd_flags has IORING_URING_CMD_FIXED and sqe->buf_index names the buffer. It is copied
 * through memory of the driver: at most DRM_MHO_FIXED_MAX bytes of a job (-E2BIG).
 */
struct drm_mho_uring_job {
	struct drm_mho_job job;
	__u32 ctx;
	__u32 flags;
	__u64 ext;
};

#define DRM_MHO_FIXED_MAX (1U << 20)

/**
 * struct drm_mho_uring_ext - what else a job waits for, signals and reports
 * @in_syncs: array of struct drm_mho_sync: the job starts when all of them have signalled
 * @out_syncs: array of struct drm_mho_sync: signalled when it is done
 * @in_sync_count: how many
 * @out_sync_count: how many
 * @result_handle: buffer for a struct drm_mho_result, not an imported one; 0 for none
 * @pad: zero
 * @result_offset: byte offset in it, a multiple of 8
 */
struct drm_mho_uring_ext {
	__u64 in_syncs;
	__u64 out_syncs;
	__u32 in_sync_count;
	__u32 out_sync_count;
	__u32 result_handle;
	__u32 pad;
	__u64 result_offset;
};

/**
 * struct drm_mho_uring_submit - DRM_URING_MHO_SUBMIT: jobs with one completion
 * @submit: address of a struct drm_mho_submit, as for the ioctl; read during submission
 * @pad: zero
 */
struct drm_mho_uring_submit {
	__u64 submit;
	__u64 pad;
};

/**
 * struct drm_mho_uring_run - DRM_URING_MHO_RUN: run a prepared sequence
 * @handle: prepared sequence
 * @a_slot: where operands a of its jobs are
 * @b_slot: where operands b are
 * @result_slot: where the results go
 */
struct drm_mho_uring_run {
	__u32 handle;
	__u32 a_slot;
	__u32 b_slot;
	__u32 result_slot;
};

/**
 * struct drm_mho_uring_cancel - DRM_URING_MHO_CANCEL: end commands that the device has not yet
 * @ctx: context handle
 * @flags: DRM_MHO_CANCEL_ALL: all such commands of this context
 * @user_data: without it, the one with this sqe->user_data, and if there are several, all of them
 *
 * They complete with -ECANCELED. cqe->res is how many there were. -ENOENT: there is none;
 * -EALREADY: the device has it; only RESET of the context ends it.
 */
struct drm_mho_uring_cancel {
	__u32 ctx;
	__u32 flags;
	__u64 user_data;
};

#define DRM_MHO_CANCEL_ALL (1U << 0)

#define DRM_MHO_IOWR(nr, type) DRM_IOWR(DRM_COMMAND_BASE + (nr), struct type)

#define DRM_IOCTL_MHO_QUERY DRM_MHO_IOWR(DRM_MHO_QUERY, drm_mho_query)
#define DRM_IOCTL_MHO_CTX_CREATE DRM_MHO_IOWR(DRM_MHO_CTX_CREATE, drm_mho_ctx_create)
#define DRM_IOCTL_MHO_CTX_DESTROY DRM_MHO_IOWR(DRM_MHO_CTX_DESTROY, drm_mho_ctx_destroy)
#define DRM_IOCTL_MHO_BO_CREATE DRM_MHO_IOWR(DRM_MHO_BO_CREATE, drm_mho_bo_create)
#define DRM_IOCTL_MHO_BO_INFO DRM_MHO_IOWR(DRM_MHO_BO_INFO, drm_mho_bo_info)
#define DRM_IOCTL_MHO_ARRAY_CREATE DRM_MHO_IOWR(DRM_MHO_ARRAY_CREATE, drm_mho_array_create)
#define DRM_IOCTL_MHO_ARRAY_FIND DRM_MHO_IOWR(DRM_MHO_ARRAY_FIND, drm_mho_array_find)
#define DRM_IOCTL_MHO_ARRAY_DESTROY DRM_MHO_IOWR(DRM_MHO_ARRAY_DESTROY, drm_mho_array_handle)
#define DRM_IOCTL_MHO_ARRAY_DETACH DRM_MHO_IOWR(DRM_MHO_ARRAY_DETACH, drm_mho_array_handle)
#define DRM_IOCTL_MHO_ARRAY_INFO DRM_MHO_IOWR(DRM_MHO_ARRAY_INFO, drm_mho_array_info)
#define DRM_IOCTL_MHO_ARRAY_TAG DRM_MHO_IOWR(DRM_MHO_ARRAY_TAG, drm_mho_array_tag)
#define DRM_IOCTL_MHO_SUBMIT DRM_MHO_IOWR(DRM_MHO_SUBMIT, drm_mho_submit)
#define DRM_IOCTL_MHO_RESET DRM_MHO_IOWR(DRM_MHO_RESET, drm_mho_reset)
#define DRM_IOCTL_MHO_SELFTEST DRM_MHO_IOWR(DRM_MHO_SELFTEST, drm_mho_selftest)
#define DRM_IOCTL_MHO_CALIBRATE DRM_MHO_IOWR(DRM_MHO_CALIBRATE, drm_mho_calibrate)
#define DRM_IOCTL_MHO_ARRAY_WINDOW DRM_MHO_IOWR(DRM_MHO_ARRAY_WINDOW, drm_mho_array_window)
#define DRM_IOCTL_MHO_PREPARE DRM_MHO_IOWR(DRM_MHO_PREPARE, drm_mho_prepare)
#define DRM_IOCTL_MHO_UNPREPARE DRM_MHO_IOWR(DRM_MHO_UNPREPARE, drm_mho_unprepare)

/* Apart from the ioctls' numbers, so that the one is never taken for the other. */
#define DRM_MHO_URING_BASE 0x20
#define DRM_URING_MHO_JOB DRM_MHO_IOWR(DRM_MHO_URING_BASE + 0, drm_mho_uring_job)
#define DRM_URING_MHO_SUBMIT DRM_MHO_IOWR(DRM_MHO_URING_BASE + 1, drm_mho_uring_submit)
#define DRM_URING_MHO_RUN DRM_MHO_IOWR(DRM_MHO_URING_BASE + 2, drm_mho_uring_run)
#define DRM_URING_MHO_CANCEL DRM_MHO_IOWR(DRM_MHO_URING_BASE + 3, drm_mho_uring_cancel)

#if defined(__cplusplus)
}
#endif

/* Layouts, the same everywhere: a wrong size makes an array of -1 elements, in C99 and C++. */
#define DRM_MHO_ASSERT_SIZE(type, bytes) \
	struct type##_size_check { __u8 right[sizeof(struct type) == (bytes) ? 1 : -1]; }
DRM_MHO_ASSERT_SIZE(drm_mho_query, 24);
DRM_MHO_ASSERT_SIZE(drm_mho_info, 144);
DRM_MHO_ASSERT_SIZE(drm_mho_firmware, 112);
DRM_MHO_ASSERT_SIZE(drm_mho_telemetry, 112);
DRM_MHO_ASSERT_SIZE(drm_mho_tile, 72);
DRM_MHO_ASSERT_SIZE(drm_mho_log_entry, 128);
DRM_MHO_ASSERT_SIZE(drm_mho_ctx_state, 40);
DRM_MHO_ASSERT_SIZE(drm_mho_ctx_create, 16);
DRM_MHO_ASSERT_SIZE(drm_mho_ctx_destroy, 8);
DRM_MHO_ASSERT_SIZE(drm_mho_bo_create, 24);
DRM_MHO_ASSERT_SIZE(drm_mho_bo_info, 24);
DRM_MHO_ASSERT_SIZE(drm_mho_array_create, 80);
DRM_MHO_ASSERT_SIZE(drm_mho_array_find, 40);
DRM_MHO_ASSERT_SIZE(drm_mho_array_handle, 8);
DRM_MHO_ASSERT_SIZE(drm_mho_array_block, 24);
DRM_MHO_ASSERT_SIZE(drm_mho_array_info, 88);
DRM_MHO_ASSERT_SIZE(drm_mho_array_tag, 16);
DRM_MHO_ASSERT_SIZE(drm_mho_operand, 16);
DRM_MHO_ASSERT_SIZE(drm_mho_region, 16);
DRM_MHO_ASSERT_SIZE(drm_mho_job, 64);
DRM_MHO_ASSERT_SIZE(drm_mho_result, 32);
DRM_MHO_ASSERT_SIZE(drm_mho_sync, 16);
DRM_MHO_ASSERT_SIZE(drm_mho_submit, 64);
DRM_MHO_ASSERT_SIZE(drm_mho_reset, 8);
DRM_MHO_ASSERT_SIZE(drm_mho_selftest, 120);
DRM_MHO_ASSERT_SIZE(drm_mho_calibrate, 8);
DRM_MHO_ASSERT_SIZE(drm_mho_array_window, 32);
DRM_MHO_ASSERT_SIZE(drm_mho_prepared_job, 80);
DRM_MHO_ASSERT_SIZE(drm_mho_prepare, 56);
DRM_MHO_ASSERT_SIZE(drm_mho_unprepare, 8);
DRM_MHO_ASSERT_SIZE(drm_mho_uring_job, 80);
DRM_MHO_ASSERT_SIZE(drm_mho_uring_ext, 40);
DRM_MHO_ASSERT_SIZE(drm_mho_uring_submit, 16);
DRM_MHO_ASSERT_SIZE(drm_mho_uring_run, 16);
DRM_MHO_ASSERT_SIZE(drm_mho_uring_cancel, 16);
#undef DRM_MHO_ASSERT_SIZE

#endif /* _UAPI_DRM_MHO_ACCEL_H_ */
