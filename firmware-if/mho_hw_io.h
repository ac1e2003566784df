/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What an I/O queue understands: opcodes, and for each which fields of
 * struct mho_hw_sqe it uses. A field that an opcode does not use must be zero
 * (status RESERVED). Layouts are in mho_hw_queue.h.
 *
 * Order: commands on one array are executed in the order in which their queue holds them, and
 * across queues in the order in which the device fetched them. Commands of one queue on
 * different arrays may run at the same time and complete in any order; MHO_HW_CMD_FENCE or a
 * BARRIER restores order. Of queues with different priority the highest one that has a command is
 * served next; a command that has started is not interrupted.
 *
 * Operands are read once. A command that is refused has no effect; NaN and infinity are looked for
 * before the first pulse is fired or the first result is written.
 */
#ifndef MHO_HW_IO_H
#define MHO_HW_IO_H

#include "mho_hw_queue.h"

/**
 * enum mho_hw_io_op - opcodes of I/O queues
 *
 * @MHO_HW_OP_NOP: does nothing. Uses no field.
 * @MHO_HW_OP_BARRIER: completes when all earlier commands of the queue have; later ones start after
 *	it. Uses no field.
 * @MHO_HW_OP_MVM: y = b_scale * W (a_scale * x). a: @batch vectors x of array.cols elements;
 *	b: @batch vectors y of array.rows elements, written. cqe.result: outputs that saturated the
 *	ADC in the last attempt; cqe.detail: extra reads by bound management.
 * @MHO_HW_OP_MVM_T: y = b_scale * W^T (a_scale * d): as MVM with rows and columns exchanged.
 * @MHO_HW_OP_UPDATE: W -= rate * (b_scale * d) (a_scale * x)^T, pulsed, for @batch pairs in order.
 *	a: vectors x of array.cols elements; b: vectors d of array.rows elements, read.
 *	param[0]: rate, binary32, >= 0; param[1]: most pulses a train (0: the technology's default,
 *	at most MHO_HW_BL_MAX). cqe.result: pulses fired at cells, saturating at 2^32 - 1.
 * @MHO_HW_OP_PROGRAM: closed-loop write and verify. a: the region's rows of weights, one row a
 *	vector, target = a_scale * a; b_region: where. param[0]: tolerance, binary32 in weight
 *	units, > 0 or 0 for the technology's default; param[1]: most iterations, 0 for the default.
 *	cqe.result: cells that missed the tolerance; cqe.detail: iterations used.
 * @MHO_HW_OP_READ: b = b_scale * (weights of a_region), one row a vector, written. @batch reads
 *	are averaged (1 to MHO_HW_READ_AVERAGE_MAX). @modifier: at most one of MHO_HW_READ_*; WEAR
 *	has type F32 and batch 1.
 * @MHO_HW_OP_PULSE: raw pulses. a: the region's rows, type I8, a_scale 1.0: number and sign of
 *	pulses a cell (-128 counts as -127); b_region: where. cqe.result as for UPDATE.
 * @MHO_HW_OP_TRANSFER: for each column of a_region (rows must be the whole array's) read it and
 *	add a_scale * column to the column at b_region.col, ... of array param[1] by a pulsed
 *	update with rate param[0]. Both arrays have the same number of rows and one context.
 *	b_region holds the first column and the number of columns, which is a_region's (BAD_REGION);
 *	its row fields are zero; all zero: from column 0 on. Source and destination differ
 *	(BAD_ARRAY). cqe.result as for UPDATE.
 * @MHO_HW_OP_SCRUB: drives the cells of b_region to weight 0, as closely as the technology can.
 *
 * Commands that write weights are refused with WORN_OUT on an array that has a cell at its
 * endurance budget; reading goes on.
 *
 * @batch is 1 where an opcode does not name it but has operands, and 0 for NOP, BARRIER,
 * TRANSFER and SCRUB.
 */
enum mho_hw_io_op {
	MHO_HW_OP_NOP = 0x00,
	MHO_HW_OP_BARRIER = 0x01,
	MHO_HW_OP_MVM = 0x10,
	MHO_HW_OP_MVM_T = 0x11,
	MHO_HW_OP_UPDATE = 0x12,
	MHO_HW_OP_PROGRAM = 0x20,
	MHO_HW_OP_READ = 0x21,
	MHO_HW_OP_PULSE = 0x22,
	MHO_HW_OP_TRANSFER = 0x23,
	MHO_HW_OP_SCRUB = 0x24,
};

/* mho_hw_sqe.modifier of READ */
#define MHO_HW_READ_CONDUCTANCE (1U << 0) /* answer in nanosiemens instead of weight units */
#define MHO_HW_READ_WEAR (1U << 1) /* answer with the pulses each cell has had */
#define MHO_HW_READ_FLAGS 0x3U

#define MHO_HW_READ_AVERAGE_MAX 4096
#define MHO_HW_BL_MAX 255 /* longest pulse train, slots */
#define MHO_HW_PULSE_MAX 127 /* most raw pulses a cell and command: what I8 holds */
#define MHO_HW_PROGRAM_ITERATIONS_MAX 10000

#endif
