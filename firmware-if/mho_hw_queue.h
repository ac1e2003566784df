/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The rings between host and device: the 64-byte I/O command, the 32-byte
 * completion, operands and regions, and the shadow of the doorbells in host
 * memory. Which opcode uses which field is in mho_hw_io.h; the admin queue's
 * 64-byte commands are in mho_hw_admin.h.
 *
 * A ring of 2^order entries is used as in a circular buffer: indices count
 * modulo the ring's size, the submission ring is full at size - 1 entries, and a
 * completion is valid when its phase bit differs from that of the previous lap
 * (the first lap writes 1).
 *
 * A completion ring holds at most size - 1 entries that the host has not consumed.
 * A completion that finds no room is held back, and the queue with it, until the
 * CQ_HEAD doorbell is rung (with a shadow, too: then the doorbell makes the device
 * look at cq_head). A host with at most size - 1 commands in flight never meets
 * this. "In flight" means submitted, and its completion not yet consumed.
 */
#ifndef MHO_HW_QUEUE_H
#define MHO_HW_QUEUE_H

#include "mho_hw_types.h"

/**
 * enum mho_hw_type - element types of operands in host memory and tile SRAM
 * @MHO_HW_TYPE_NONE: the command has no such operand
 * @MHO_HW_TYPE_F32: IEEE 754 binary32, little-endian
 * @MHO_HW_TYPE_I8: two's complement; results are rounded to nearest even and saturate
 */
enum mho_hw_type {
	MHO_HW_TYPE_NONE = 0,
	MHO_HW_TYPE_F32 = 1,
	MHO_HW_TYPE_I8 = 2,
};

/**
 * struct mho_hw_operand - a batch of vectors, or the rows of a matrix
 * @key: memory key of the queue's context
 * @stride: bytes from one vector (row) to the next; a multiple of the element's size, at least
 *          one vector; 0 means densely packed
 * @offset: bytes from the start of the key's memory to the first element, aligned to the element
 *
 * With the flag MHO_HW_CMD_A_WINDOW or _B_WINDOW the operand lies in the tiles' own SRAM (MVM,
 * MVM_T and UPDATE only): @key, @offset and @stride must be zero then. Operands that belong to the
 * array's columns lie in the blocks of its first row of blocks: slice j at block (0, j); those that
 * belong to its rows in the first column of blocks: slice i at block (i, 0). Operand a is in the
 * input SRAM, b in the output SRAM; vector k of a slice of n elements begins at element k * n. So
 * the output of an MVM can be operand b of an UPDATE in place. SRAM is cleared before a tile
 * changes owner.
 */
struct mho_hw_operand {
	mho_le32 key;
	mho_le32 stride;
	mho_le64 offset;
};
MHO_HW_ASSERT_SIZE(struct mho_hw_operand, 16);

/**
 * struct mho_hw_region - a rectangle of an array; all zero means the whole array
 * @row: first row
 * @col: first column
 * @rows: number of rows
 * @cols: number of columns
 */
struct mho_hw_region {
	mho_le32 row;
	mho_le32 col;
	mho_le32 rows;
	mho_le32 cols;
};
MHO_HW_ASSERT_SIZE(struct mho_hw_region, 16);

/**
 * struct mho_hw_sqe - an I/O command
 * @opcode: enum mho_hw_io_op
 * @flags: MHO_HW_CMD_*
 * @cid: chosen by the host, unique among the queue's commands in flight; one that is not stops
 *       the queue with the fault CID_IN_USE, without a completion
 * @array: array number, 0 where the opcode needs none
 * @batch: number of vectors
 * @a_type: enum mho_hw_type of operand a
 * @b_type: enum mho_hw_type of operand b
 * @modifier: flags of the opcode (MHO_HW_READ_*), else 0
 * @a: first operand, or @a_region
 * @b: second operand, or @b_region
 * @a_scale: binary32; every element of operand a is multiplied by it; finite, not 0
 * @b_scale: binary32; the same for operand b
 * @param: two words that the opcode defines
 * @a_region: see @a
 * @b_region: see @b
 */
struct mho_hw_sqe {
	mho_u8 opcode;
	mho_u8 flags;
	mho_le16 cid;
	mho_le32 array;
	mho_le32 batch;
	mho_u8 a_type;
	mho_u8 b_type;
	mho_le16 modifier;
	union {
		struct mho_hw_operand a;
		struct mho_hw_region a_region;
	};
	union {
		struct mho_hw_operand b;
		struct mho_hw_region b_region;
	};
	mho_le32 a_scale;
	mho_le32 b_scale;
	mho_le32 param[2];
};
MHO_HW_ASSERT_SIZE(struct mho_hw_sqe, 64);
MHO_HW_ASSERT_OFFSET(struct mho_hw_sqe, array, 4);
MHO_HW_ASSERT_OFFSET(struct mho_hw_sqe, batch, 8);
MHO_HW_ASSERT_OFFSET(struct mho_hw_sqe, a_type, 12);
MHO_HW_ASSERT_OFFSET(struct mho_hw_sqe, modifier, 14);
MHO_HW_ASSERT_OFFSET(struct mho_hw_sqe, a, 16);
MHO_HW_ASSERT_OFFSET(struct mho_hw_sqe, b, 32);
MHO_HW_ASSERT_OFFSET(struct mho_hw_sqe, a_scale, 48);
MHO_HW_ASSERT_OFFSET(struct mho_hw_sqe, param, 56);

/* mho_hw_sqe.flags */
#define MHO_HW_CMD_FENCE (1U << 0) /* starts only when all earlier commands of the queue are done */
#define MHO_HW_CMD_A_WINDOW (1U << 1) /* operand a lies in the tiles' input SRAM */
#define MHO_HW_CMD_B_WINDOW (1U << 2) /* operand b lies in the tiles' output SRAM */
#define MHO_HW_CMD_FLAGS 0x07U

/**
 * struct mho_hw_cqe - a completion, of I/O and admin commands alike
 * @cid: of the command
 * @status: enum mho_hw_status
 * @result: defined by the opcode; after NOT_FINITE 0 for operand a, 1 for b; after ABORTED of a
 *          command that writes weights the vectors (TRANSFER: columns) that were done in full
 * @device_ns: what the command took on the device, ns of device time, queueing excluded
 * @energy_fj: what it cost, fJ
 * @detail: defined by the opcode; after BAD_FIELD and RESERVED the byte offset of the field in
 *          the command, after NOT_FINITE the index of the first such element in its operand
 *          (counted without stride, saturating)
 * @sq_head: the device has read all submission entries before this index
 * @flags: MHO_HW_CQE_PHASE; all other bits zero
 *
 * The device writes @flags last (a single write in increasing address order does): once the phase
 * is seen (with acquire ordering) the rest is valid, and so is all that the command wrote to host
 * memory. The interrupt follows.
 */
struct mho_hw_cqe {
	mho_le16 cid;
	mho_le16 status;
	mho_le32 result;
	mho_le64 device_ns;
	mho_le64 energy_fj;
	mho_le32 detail;
	mho_le16 sq_head;
	mho_le16 flags;
};
MHO_HW_ASSERT_SIZE(struct mho_hw_cqe, 32);
MHO_HW_ASSERT_OFFSET(struct mho_hw_cqe, result, 4);
MHO_HW_ASSERT_OFFSET(struct mho_hw_cqe, device_ns, 8);
MHO_HW_ASSERT_OFFSET(struct mho_hw_cqe, detail, 24);
MHO_HW_ASSERT_OFFSET(struct mho_hw_cqe, flags, 30);

#define MHO_HW_CQE_PHASE 0x0001U

/**
 * struct mho_hw_shadow - doorbells of one queue in host memory (optional, QUEUE_CREATE)
 * @sq_tail: written by the host instead of the doorbell
 * @cq_head: written by the host instead of the doorbell
 * @cq_event: written by the host: the device raises the interrupt when it writes the completion
 *            entry with this running number
 * @sq_event: written by the device: the host rings the doorbell when @sq_tail passes this
 * @pad0: not used; keeps the two sides apart
 * @pad1: not used
 *
 * All are running numbers modulo 2^32, not ring indices: index = number modulo ring size.
 * "@x passes @y" from old to new: (uint32_t)(new - y - 1) < (uint32_t)(new - old). The writer of an
 * event number looks once more for new work afterwards, with a full barrier between, before it
 * goes to sleep. The two sides write to different 64-byte lines.
 *
 * All zero at QUEUE_CREATE and after QUEUE_RESET: the first submission rings, the first completion
 * interrupts. With a shadow the value written to a doorbell is ignored: it only says "look at the
 * shadow". @cq_event arms one interrupt: passing it makes an interrupt due, which coalescing may
 * delay; nothing more is raised until the host writes a new @cq_event. A host that polls leaves it
 * behind. A @sq_tail more than size - 1 ahead of the device, or a @cq_head beyond what was posted,
 * stops the queue with the fault BAD_DOORBELL.
 */
struct mho_hw_shadow {
	mho_le32 sq_tail;
	mho_le32 cq_head;
	mho_le32 cq_event;
	mho_u8 pad0[52];
	mho_le32 sq_event;
	mho_u8 pad1[60];
};
MHO_HW_ASSERT_SIZE(struct mho_hw_shadow, 128);
MHO_HW_ASSERT_OFFSET(struct mho_hw_shadow, sq_event, 64);

#define MHO_HW_SQE_SIZE 64
#define MHO_HW_CQE_SIZE 32
#define MHO_HW_RING_ALIGN 4096 /* of the rings, bytes */
#define MHO_HW_SHADOW_ALIGN 128

#endif
