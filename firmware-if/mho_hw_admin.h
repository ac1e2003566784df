/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the admin queue understands: the 64-byte admin command, its opcodes, and
 * the data structures that they exchange through a buffer in host memory. Admin
 * commands execute one after the other, in order. They name buffers by bus
 * address, since only the driver can issue them. Completions are struct
 * mho_hw_cqe (mho_hw_queue.h). A field that an opcode does not use must be zero
 * (status RESERVED). What needs a feature that the device lacks is UNSUPPORTED.
 *
 * When MEMORY_UNREGISTER, QUEUE_DELETE, QUEUE_RESET or CONTEXT_DESTROY has
 * completed, the device neither reads nor writes that memory any more and sends no
 * interrupt for it; completions of aborted commands come before that, as far as
 * the ring has room.
 */
#ifndef MHO_HW_ADMIN_H
#define MHO_HW_ADMIN_H

#include "mho_hw_queue.h"

/**
 * enum mho_hw_admin_op - opcodes of the admin queue
 *
 * "data" is the buffer at mho_hw_admin_sqe.data of .length bytes; an answer that does not fit is
 * refused with BAD_LENGTH and cqe.detail holds the length that is needed.
 *
 * @MHO_HW_ADM_NOP: does nothing.
 * @MHO_HW_ADM_IDENTIFY: data <- struct mho_hw_identify.
 * @MHO_HW_ADM_TOPOLOGY: data <- the topology's device-tree blob from byte @id on; cqe.result:
 *	bytes written; cqe.detail: size of the blob.
 * @MHO_HW_ADM_FIRMWARE: data <- struct mho_hw_firmware_info.
 * @MHO_HW_ADM_CONTEXT_CREATE: makes context .context (chosen by the driver, 1 to
 *	MHO_HW_CONTEXTS_MAX).
 * @MHO_HW_ADM_CONTEXT_DESTROY: aborts and deletes the context's queues, frees its keys, destroys
 *	its unnamed arrays and detaches its named ones. Tiles are scrubbed before anybody gets
 *	them again; a device may do that in the background.
 * @MHO_HW_ADM_QUEUE_CREATE: makes I/O queue .queue for context .context from .queue_create.
 * @MHO_HW_ADM_QUEUE_DELETE: aborts what is in flight on .queue (each command completes, with its
 *	own status or ABORTED), then deletes the queue.
 * @MHO_HW_ADM_QUEUE_RESET: aborts as above, then empties both rings: indices and phase are as after
 *	QUEUE_CREATE; a fault of the queue is cleared. Until it completes the host does not ring;
 *	then it clears the completion ring and the shadow before it rings again. cqe.result:
 *	commands aborted.
 * @MHO_HW_ADM_QUEUE_MODIFY: sets coalescing and priority of .queue from .queue_create; its other
 *	fields are zero.
 * @MHO_HW_ADM_MEMORY_REGISTER: makes a memory key for .context from .memory; data -> page list of
 *	.memory.pages le64 bus addresses (see .memory.levels), copied by the device. cqe.result: the
 *	key; a number is not used again before 2^16 more registrations.
 * @MHO_HW_ADM_MEMORY_UNREGISTER: key .id of .context; BUSY while commands in flight use it.
 * @MHO_HW_ADM_ARRAY_CREATE: data -> struct mho_hw_array_request. The firmware picks the tiles.
 *	cqe.result: the array's number. Weights are 0 afterwards (scrubbed).
 * @MHO_HW_ADM_ARRAY_DESTROY: array .id of .context, named or not, with its weights: scrubbed. BUSY
 *	while commands in flight use it. With .context 0: a detached array.
 * @MHO_HW_ADM_ARRAY_FIND: data -> struct mho_hw_array_request (label and owner only): attaches the
 *	named array to .context. cqe.result: the array's number. NOT_OWNER while another context
 *	holds it, EXISTS if .context does.
 * @MHO_HW_ADM_ARRAY_ATTACH: attaches detached array .id to .context; the driver answers for
 *	ownership. NOT_OWNER if another context holds it, EXISTS if .context does.
 * @MHO_HW_ADM_ARRAY_DETACH: takes named array .id from .context; it stays in the device.
 * @MHO_HW_ADM_ARRAY_INFO: data <- struct mho_hw_array_info and its tiles; array .id, .context or,
 *	with .context 0, any (telemetry). cqe.result: bytes written.
 * @MHO_HW_ADM_ARRAY_NEXT: the smallest array number >= .id, attached or not. cqe.result: that
 *	number; NOT_FOUND after the last. cqe.detail: its context, 0 if detached.
 * @MHO_HW_ADM_ARRAY_TAG: sets the tag of array .id of .context to .tag; the device only keeps it.
 * @MHO_HW_ADM_TELEMETRY: data <- struct mho_hw_telemetry (scope device), mho_hw_tile_telemetry
 *	(scope tile .id) or mho_hw_queue_telemetry (scope queue .queue); .scope is enum
 *	mho_hw_scope.
 * @MHO_HW_ADM_LOG: data <- struct mho_hw_log_entry, as many as fit, from the entry with running
 *	number .id on, oldest kept entry first. cqe.result: number of entries; cqe.detail: running
 *	number of the next.
 * @MHO_HW_ADM_CALIBRATE: measures and corrects converter offset and gain of tile .id, or of all
 *	with MHO_HW_ALL. Weights are left as they are; BUSY, and nothing is calibrated, if an array
 *	on such a tile has commands in flight.
 * @MHO_HW_ADM_SELFTEST: .scope is enum mho_hw_selftest; data <- struct mho_hw_selftest_result.
 *	The status is OK if the test ran to its end; the result tells what it found.
 *
 * Arrays over resets: a warm reset and an orderly SHUTDOWN keep all arrays, detached; a driver that
 * does not want an unnamed one destroys it. A function-level reset, and a loss of power without
 * SHUTDOWN, keep the named ones.
 */
enum mho_hw_admin_op {
	MHO_HW_ADM_NOP = 0x00,
	MHO_HW_ADM_IDENTIFY = 0x01,
	MHO_HW_ADM_TOPOLOGY = 0x02,
	MHO_HW_ADM_FIRMWARE = 0x03,
	MHO_HW_ADM_CONTEXT_CREATE = 0x10,
	MHO_HW_ADM_CONTEXT_DESTROY = 0x11,
	MHO_HW_ADM_QUEUE_CREATE = 0x20,
	MHO_HW_ADM_QUEUE_DELETE = 0x21,
	MHO_HW_ADM_QUEUE_RESET = 0x22,
	MHO_HW_ADM_QUEUE_MODIFY = 0x23,
	MHO_HW_ADM_MEMORY_REGISTER = 0x30,
	MHO_HW_ADM_MEMORY_UNREGISTER = 0x31,
	MHO_HW_ADM_ARRAY_CREATE = 0x40,
	MHO_HW_ADM_ARRAY_DESTROY = 0x41,
	MHO_HW_ADM_ARRAY_FIND = 0x42,
	MHO_HW_ADM_ARRAY_DETACH = 0x43,
	MHO_HW_ADM_ARRAY_INFO = 0x44,
	MHO_HW_ADM_ARRAY_NEXT = 0x45,
	MHO_HW_ADM_ARRAY_TAG = 0x46,
	MHO_HW_ADM_ARRAY_ATTACH = 0x47,
	MHO_HW_ADM_TELEMETRY = 0x50,
	MHO_HW_ADM_LOG = 0x51,
	MHO_HW_ADM_CALIBRATE = 0x52,
	MHO_HW_ADM_SELFTEST = 0x53,
};

#define MHO_HW_ALL 0xffffffffU

/* enum mho_hw_scope - what TELEMETRY is about */
enum mho_hw_scope {
	MHO_HW_SCOPE_DEVICE = 0,
	MHO_HW_SCOPE_TILE = 1,
	MHO_HW_SCOPE_QUEUE = 2,
};

/* enum mho_hw_selftest - QUICK leaves weights alone, FULL also writes to free tiles */
enum mho_hw_selftest {
	MHO_HW_SELFTEST_QUICK = 0,
	MHO_HW_SELFTEST_FULL = 1,
};

/**
 * struct mho_hw_queue_create - rings and service of an I/O queue
 * @sq: bus address of 2^order struct mho_hw_sqe, contiguous, MHO_HW_RING_ALIGN
 * @cq: bus address of 2^order struct mho_hw_cqe, contiguous, MHO_HW_RING_ALIGN; all zero
 * @shadow: bus address of a struct mho_hw_shadow (MHO_HW_SHADOW_ALIGN), all zero; 0 for none
 * @vector: interrupt vector; 0 is shared with the admin queue
 * @order: log2 of entries, MHO_HW_ORDER_MIN to the device's limit
 * @priority: 0 (lowest) to MHO_HW_PRIORITY_MAX; queues of one priority share by turns
 * @coalesce_count: interrupt after so many completions (0 and 1: after each batch that the device
 *                  posts together)
 * @coalesce_us: or when the oldest unannounced one is this old, microseconds; not 0 if
 *               @coalesce_count is above 1
 */
struct mho_hw_queue_create {
	mho_le64 sq;
	mho_le64 cq;
	mho_le64 shadow;
	mho_le16 vector;
	mho_u8 order;
	mho_u8 priority;
	mho_le16 coalesce_count;
	mho_le16 coalesce_us;
};
MHO_HW_ASSERT_SIZE(struct mho_hw_queue_create, 32);

#define MHO_HW_PRIORITY_MAX 3

/**
 * struct mho_hw_memory - host memory behind a key
 * @length: bytes that the key covers
 * @first: offset of the first byte in the first page
 * @pages: entries of the page list; exactly as many as @first + @length need
 * @levels: 0: data holds the list; 1: data holds bus addresses of 4 KiB blocks of the list, each
 *          with MHO_HW_PAGE_LIST_BLOCK entries (the last one with the rest)
 * @page_shift: log2 of the page size, MHO_HW_PAGE_SHIFT_MIN to _MAX; every list entry is aligned to
 *              it
 * @access: MHO_HW_ACCESS_*, as the device sees it
 * @pad: zero
 */
struct mho_hw_memory {
	mho_le64 length;
	mho_le32 first;
	mho_le32 pages;
	mho_u8 page_shift;
	mho_u8 access;
	mho_u8 levels;
	mho_u8 pad[13];
};
MHO_HW_ASSERT_SIZE(struct mho_hw_memory, 32);

#define MHO_HW_PAGE_SHIFT_MIN 12
#define MHO_HW_PAGE_SHIFT_MAX 30
#define MHO_HW_MEMORY_PAGES_MAX (1U << 20)
#define MHO_HW_PAGE_LIST_BLOCK 512
#define MHO_HW_ACCESS_READ (1U << 0)
#define MHO_HW_ACCESS_WRITE (1U << 1)

/**
 * struct mho_hw_admin_sqe - an admin command
 * @opcode: enum mho_hw_admin_op
 * @scope: enum mho_hw_scope or enum mho_hw_selftest, else 0
 * @cid: chosen by the host, unique among the admin commands in flight
 * @context: context, where the opcode names one
 * @queue: I/O queue, where the opcode names one (1 to the device's limit)
 * @id: key, array, tile or position, as the opcode says
 * @length: bytes of the data buffer
 * @data: bus address of the data buffer, contiguous, 8-byte aligned
 * @queue_create: of QUEUE_CREATE and QUEUE_MODIFY
 * @memory: of MEMORY_REGISTER
 * @tag: of ARRAY_TAG
 * @raw: all that an opcode may use, zero where it uses none
 * @rsvd: zero
 */
struct mho_hw_admin_sqe {
	mho_u8 opcode;
	mho_u8 scope;
	mho_le16 cid;
	mho_le16 context;
	mho_le16 queue;
	mho_le32 id;
	mho_le32 length;
	mho_le64 data;
	mho_le64 rsvd;
	union {
		struct mho_hw_queue_create queue_create;
		struct mho_hw_memory memory;
		mho_le64 tag;
		mho_u8 raw[32];
	};
};
MHO_HW_ASSERT_SIZE(struct mho_hw_admin_sqe, 64);
MHO_HW_ASSERT_OFFSET(struct mho_hw_admin_sqe, id, 8);
MHO_HW_ASSERT_OFFSET(struct mho_hw_admin_sqe, data, 16);
MHO_HW_ASSERT_OFFSET(struct mho_hw_admin_sqe, queue_create, 32);

#define MHO_HW_NAME_SIZE 32 /* of names and labels, with the terminating NUL */

/**
 * struct mho_hw_identify - what the device is
 * @version: MHO_HW_VERSION of the device
 * @tiles: number of tiles
 * @queues: I/O queue pairs
 * @contexts: contexts at the same time
 * @keys: memory keys, all contexts together
 * @arrays: arrays, named and unnamed together
 * @batch_max: largest batch of a command
 * @order_max: log2 of the largest ring
 * @vectors: interrupt vectors
 * @window_stride: bytes from tile to tile in BAR4, a power of two; 0 if there is no window
 * @window_in: bytes of a tile's input SRAM, at offset 0 of its window
 * @window_out_offset: where its output SRAM begins
 * @window_out: bytes of a tile's output SRAM
 * @topology_size: bytes of the topology's blob
 * @serial: serial number
 * @features: as MHO_HW_REG_CAP_FEATURES
 * @technologies: number of device technologies; tiles name them by index in topology order
 * @pages: page list entries of all keys together
 * @cells: cells of all tiles together
 * @command_timeout_ms: longest that an I/O command may take, host time, before a driver may call it
 *                      hung; 0 unknown
 * @admin_timeout_ms: the same for admin commands
 * @model: name of the card
 * @pad: zero
 */
struct mho_hw_identify {
	mho_le32 version;
	mho_le32 tiles;
	mho_le32 queues;
	mho_le32 contexts;
	mho_le32 keys;
	mho_le32 arrays;
	mho_le32 batch_max;
	mho_le16 order_max;
	mho_le16 vectors;
	mho_le32 window_stride;
	mho_le32 window_in;
	mho_le32 window_out_offset;
	mho_le32 window_out;
	mho_le32 topology_size;
	mho_le32 features;
	mho_le64 serial;
	mho_le32 technologies;
	mho_le32 pages;
	mho_le64 cells;
	mho_u8 model[64];
	mho_le32 command_timeout_ms;
	mho_le32 admin_timeout_ms;
	mho_u8 pad[104];
};
MHO_HW_ASSERT_SIZE(struct mho_hw_identify, 256);
MHO_HW_ASSERT_OFFSET(struct mho_hw_identify, serial, 56);
MHO_HW_ASSERT_OFFSET(struct mho_hw_identify, model, 80);

/**
 * struct mho_hw_firmware_info - the running firmware
 * @version: major in [31:24], minor in [23:16], patch in [15:0]
 * @interface: MHO_HW_VERSION that it was built for
 * @build_time: seconds since 1970, from the image's timestamp
 * @name: description of the image
 * @sha256: of the code image
 * @pad: zero
 */
struct mho_hw_firmware_info {
	mho_le32 version;
	mho_le32 interface;
	mho_le64 build_time;
	mho_u8 name[64];
	mho_u8 sha256[32];
	mho_u8 pad[16];
};
MHO_HW_ASSERT_SIZE(struct mho_hw_firmware_info, 128);

/**
 * struct mho_hw_array_request - what an array shall be, or which named one is wanted
 * @rows: rows of the logical matrix: outputs of MVM
 * @cols: columns: inputs of MVM
 * @block_rows: most rows in one tile, 0 for all that the tile has
 * @block_cols: most columns in one tile, 0 for all
 * @technology: index, or MHO_HW_ALL for any
 * @policy: enum mho_hw_policy
 * @flags: MHO_HW_ARRAY_NAMED or 0
 * @owner: who may find it again (the driver's choice; 0 is an owner like any other)
 * @tag: kept with the array
 * @label: NUL-terminated and padded with NUL; empty unless NAMED
 * @pad: zero
 */
struct mho_hw_array_request {
	mho_le32 rows;
	mho_le32 cols;
	mho_le32 block_rows;
	mho_le32 block_cols;
	mho_le32 technology;
	mho_le16 policy;
	mho_le16 flags;
	mho_le64 owner;
	mho_le64 tag;
	mho_u8 pad[24];
	mho_u8 label[MHO_HW_NAME_SIZE];
};
MHO_HW_ASSERT_SIZE(struct mho_hw_array_request, 96);
MHO_HW_ASSERT_OFFSET(struct mho_hw_array_request, owner, 24);
MHO_HW_ASSERT_OFFSET(struct mho_hw_array_request, label, 64);

#define MHO_HW_ARRAY_NAMED (1U << 0)
/* Info only: a write was cut off; cleared by PROGRAM or SCRUB of the whole array. */
#define MHO_HW_ARRAY_TORN (1U << 1)

/**
 * enum mho_hw_policy - how firmware picks the tiles of an array
 * @MHO_HW_POLICY_WEAR: least worn first, then close together
 * @MHO_HW_POLICY_COMPACT: consecutive tiles if there are, then least worn
 */
enum mho_hw_policy {
	MHO_HW_POLICY_WEAR = 0,
	MHO_HW_POLICY_COMPACT = 1,
};

/**
 * struct mho_hw_array_tile - one block of an array
 * @tile: tile that holds it, from the tile's first row and column on
 * @row: first row of the array in this block
 * @col: first column
 * @rows: rows of the block
 * @cols: columns of the block
 */
struct mho_hw_array_tile {
	mho_le32 tile;
	mho_le32 row;
	mho_le32 col;
	mho_le16 rows;
	mho_le16 cols;
};
MHO_HW_ASSERT_SIZE(struct mho_hw_array_tile, 16);

/**
 * struct mho_hw_array_info - an array and where it is; @tiles entries of struct mho_hw_array_tile
 * follow
 * @id: array number
 * @rows: rows
 * @cols: columns
 * @grid_rows: blocks in a column of blocks
 * @grid_cols: blocks in a row of blocks; the list is in row order
 * @tiles: grid_rows * grid_cols
 * @technology: index
 * @context: context that has it, 0 if detached
 * @flags: MHO_HW_ARRAY_NAMED, MHO_HW_ARRAY_TORN
 * @owner: as requested
 * @tag: as requested or set since
 * @label: as requested
 * @pad: zero
 */
struct mho_hw_array_info {
	mho_le32 id;
	mho_le32 rows;
	mho_le32 cols;
	mho_le32 grid_rows;
	mho_le32 grid_cols;
	mho_le32 tiles;
	mho_le32 technology;
	mho_le16 context;
	mho_le16 flags;
	mho_le64 owner;
	mho_le64 tag;
	mho_u8 label[MHO_HW_NAME_SIZE];
	mho_u8 pad[16];
};
MHO_HW_ASSERT_SIZE(struct mho_hw_array_info, 96);

/*
 * Rows and columns are split evenly: n = ceil(size / block) parts, the first size % n of them
 * one larger than the rest. Every implementation splits alike, so that the place of a weight
 * follows from the shape alone.
 */
static inline unsigned int mho_hw_split_parts(unsigned int size, unsigned int block)
{
	return size / block + (size % block != 0);
}

static inline unsigned int mho_hw_split_start(unsigned int size, unsigned int parts,
					      unsigned int index)
{
	unsigned int extra = size % parts;

	return index * (size / parts) + (index < extra ? index : extra);
}

static inline unsigned int mho_hw_split_size(unsigned int size, unsigned int parts,
					     unsigned int index)
{
	return size / parts + (index < size % parts);
}

/**
 * struct mho_hw_telemetry - counters of the whole device, since power-on or function-level reset
 *	unless said otherwise
 * @time_ns: device time, as MHO_HW_REG_TIME_LO
 * @energy_fj: energy of all commands
 * @commands: I/O commands completed
 * @errors: of these, with a status other than OK
 * @mvms: vectors through MVM and MVM_T
 * @updates: pairs through UPDATE
 * @pulses: pulses fired at cells by any command
 * @lifetime_pulses: the same over the device's life (non-volatile)
 * @saturations: outputs that saturated the ADC in the last attempt
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
struct mho_hw_telemetry {
	mho_le64 time_ns;
	mho_le64 energy_fj;
	mho_le64 commands;
	mho_le64 errors;
	mho_le64 mvms;
	mho_le64 updates;
	mho_le64 pulses;
	mho_le64 lifetime_pulses;
	mho_le64 saturations;
	mho_le64 retries;
	mho_le32 resets;
	mho_le32 power_cycles;
	mho_le32 temperature_mc;
	mho_le32 power_mw;
	mho_le32 tiles_free;
	mho_le32 tiles_failed;
	mho_le32 wear_max;
	mho_u8 pad[20];
};
MHO_HW_ASSERT_SIZE(struct mho_hw_telemetry, 128);

/**
 * struct mho_hw_tile_telemetry - one tile
 * @tile: tile number
 * @rows: rows
 * @cols: columns
 * @technology: index
 * @state: enum mho_hw_tile_state
 * @array: array that has it, 0 if none
 * @wear_max: most pulses that any of its cells has had
 * @wear_mean_milli: mean over its cells, thousandths
 * @endurance: budget of pulses per cell, 0 if unknown
 * @pulses: pulses of all its cells together, over its life
 * @busy_ns: device time that it was busy
 * @energy_fj: energy that it took
 */
struct mho_hw_tile_telemetry {
	mho_le32 tile;
	mho_le16 rows;
	mho_le16 cols;
	mho_le32 technology;
	mho_le32 state;
	mho_le32 array;
	mho_le32 wear_max;
	mho_le64 wear_mean_milli;
	mho_le64 endurance;
	mho_le64 pulses;
	mho_le64 busy_ns;
	mho_le64 energy_fj;
};
MHO_HW_ASSERT_SIZE(struct mho_hw_tile_telemetry, 64);

enum mho_hw_tile_state {
	MHO_HW_TILE_FREE = 0,
	MHO_HW_TILE_USED = 1,
	MHO_HW_TILE_FAILED = 2,
	MHO_HW_TILE_SCRUBBING = 3,
};

/**
 * struct mho_hw_queue_telemetry - one I/O queue, since its creation
 * @context: its context
 * @priority: as set
 * @depth: commands fetched and not yet completed
 * @commands: completed
 * @errors: of these, with a status other than OK
 * @interrupts: raised
 * @doorbells: rung (MMIO)
 * @device_ns: device time of its commands
 * @energy_fj: their energy
 * @vectors: vectors finished, of commands under way, too: it grows while the queue makes progress
 * @sq_head: index of the next entry that the device reads
 * @cq_tail: index of the next entry that it writes
 * @state: enum mho_hw_queue_state
 * @fault: enum mho_hw_status that stopped it, or 0
 */
struct mho_hw_queue_telemetry {
	mho_le16 context;
	mho_le16 priority;
	mho_le32 depth;
	mho_le64 commands;
	mho_le64 errors;
	mho_le64 interrupts;
	mho_le64 doorbells;
	mho_le64 device_ns;
	mho_le64 energy_fj;
	mho_le64 vectors;
	mho_le16 sq_head;
	mho_le16 cq_tail;
	mho_le16 state;
	mho_le16 fault;
};
MHO_HW_ASSERT_SIZE(struct mho_hw_queue_telemetry, 72);

enum mho_hw_queue_state {
	MHO_HW_QUEUE_RUNNING = 0,
	MHO_HW_QUEUE_STOPPED = 1,
};

/**
 * struct mho_hw_log_entry - one line of the device's log
 * @time_ns: device time
 * @number: running number, from 1
 * @level: enum mho_hw_log_level
 * @status: enum mho_hw_status that it is about, or 0
 * @text: NUL-terminated
 */
struct mho_hw_log_entry {
	mho_le64 time_ns;
	mho_le32 number;
	mho_le16 level;
	mho_le16 status;
	mho_u8 text[112];
};
MHO_HW_ASSERT_SIZE(struct mho_hw_log_entry, 128);

/* enum mho_hw_log_level - the kernel's numbers */
enum mho_hw_log_level {
	MHO_HW_LOG_ERROR = 3,
	MHO_HW_LOG_WARNING = 4,
	MHO_HW_LOG_INFO = 6,
	MHO_HW_LOG_DEBUG = 7,
};

/**
 * struct mho_hw_selftest_result - what a self-test found
 * @tests: tests made
 * @failures: of these failed
 * @tiles_tested: tiles that took part
 * @tiles_failed: of these failed
 * @first_failure: text of the first failure, NUL-terminated, empty if none
 * @mvm_error_ppm: largest relative rms error of a test MVM, millionths
 * @pad: zero
 */
struct mho_hw_selftest_result {
	mho_le32 tests;
	mho_le32 failures;
	mho_le32 tiles_tested;
	mho_le32 tiles_failed;
	mho_le32 mvm_error_ppm;
	mho_u8 pad[12];
	mho_u8 first_failure[96];
};
MHO_HW_ASSERT_SIZE(struct mho_hw_selftest_result, 128);

#endif
