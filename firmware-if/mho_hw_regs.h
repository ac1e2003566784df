/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the device shows on PCIe: identity, BARs, the registers of BAR0, the
 * doorbells of BAR2 and the tile window of BAR4. Rings and commands are in
 * mho_hw_queue.h and below.
 *
 * Registers are 32 bits wide, little-endian, and are accessed as naturally
 * aligned 32-bit words; a pair named _LO/_HI may also be accessed as one aligned
 * 64-bit word. Any other access reads all ones and is dropped when written.
 * Reserved registers and bits read as zero; writes to them are ignored.
 *
 * How the interface may grow: with the same major version an old driver works. The minor version
 * counts new opcodes, statuses, feature bits, registers in reserved places and fields in what is
 * padding (where zero means "as before"). Sizes of structures never change.
 */
#ifndef MHO_HW_REGS_H
#define MHO_HW_REGS_H

#include "mho_hw_types.h"

/* From the range that QEMU sets aside for experiments (1af4:10f0 to 1af4:10ff). */
#define MHO_HW_PCI_VENDOR 0x1af4
#define MHO_HW_PCI_DEVICE 0x10f0
#define MHO_HW_PCI_CLASS 0x120000 /* processing accelerator */

#define MHO_HW_BAR_REGS 0
#define MHO_HW_BAR_DOORBELL 2
#define MHO_HW_BAR_WINDOW 4

#define MHO_HW_REGS_SIZE 0x10000
#define MHO_HW_MSIX_TABLE 0x2000 /* in BAR0 */
#define MHO_HW_MSIX_PBA 0x4000

#define MHO_HW_VERSION_MAJOR 1
#define MHO_HW_VERSION_MINOR 0
#define MHO_HW_VERSION ((MHO_HW_VERSION_MAJOR << 16) | MHO_HW_VERSION_MINOR)

/* Identification and capabilities, read-only, valid in every state. */
#define MHO_HW_REG_MAGIC 0x000
#define MHO_HW_MAGIC 0x316f686dU /* "mho1" */
#define MHO_HW_REG_VERSION 0x004 /* major in [31:16], minor in [15:0] */
#define MHO_HW_REG_CAP_QUEUES 0x008
#define MHO_HW_CAP_QUEUES_IO_MASK 0x0000ffffU /* I/O queue pairs, admin not counted */
#define MHO_HW_CAP_QUEUES_ORDER_SHIFT 16 /* [20:16] log2 of the largest ring, entries */
#define MHO_HW_CAP_QUEUES_ORDER_MASK 0x001f0000U
#define MHO_HW_REG_CAP_FEATURES 0x00c
#define MHO_HW_CAP_SHADOW (1U << 0) /* shadow doorbells */
#define MHO_HW_CAP_COALESCE (1U << 1) /* interrupt coalescing */
#define MHO_HW_CAP_WINDOW (1U << 2) /* tile window in BAR4 */
#define MHO_HW_CAP_NAMED (1U << 3) /* named arrays */
#define MHO_HW_CAP_CALIBRATE (1U << 4)
#define MHO_HW_REG_CAP_VECTORS 0x010 /* interrupt vectors, 1 to MHO_HW_VECTORS_MAX */
#define MHO_HW_REG_CAP_TIMEOUT 0x014 /* ms: boot in [15:0], reset in [31:16] */
#define MHO_HW_REG_SERIAL_LO 0x018
#define MHO_HW_REG_SERIAL_HI 0x01c

/* State. */
#define MHO_HW_REG_STATUS 0x020 /* read-only */
#define MHO_HW_STATUS_STATE_MASK 0x0000000fU
#define MHO_HW_STATUS_FW_LOADED (1U << 8)
#define MHO_HW_STATUS_RESTORED (1U << 9) /* non-volatile state of an earlier life was found */
#define MHO_HW_STATUS_FATAL (1U << 31) /* FAULT says why; only a reset helps */

/**
 * enum mho_hw_state - states of the device, in STATUS.STATE
 * @MHO_HW_STATE_RESET: a reset is in progress; all registers but STATUS and the constant ones read
 *	as zero. It ends only when no DMA is under way and none will start; no interrupt of before
 *	is sent after it
 * @MHO_HW_STATE_WAIT_FW: waits for firmware (after power-on, a function-level reset, or a refusal)
 * @MHO_HW_STATE_VERIFY: reads and verifies the image, at no other time does it read it
 * @MHO_HW_STATE_BOOTED: firmware runs, admin queue off
 * @MHO_HW_STATE_READY: admin queue on
 * @MHO_HW_STATE_SHUTDOWN: commands fetched are complete, none is fetched any more, non-volatile
 *	tables are written out; power may go. A warm reset leads back to BOOTED
 * @MHO_HW_STATE_FAILED: stopped by a fault; a warm reset leads to BOOTED, or to WAIT_FW without
 *	firmware
 */
enum mho_hw_state {
	MHO_HW_STATE_RESET = 0,
	MHO_HW_STATE_WAIT_FW = 1,
	MHO_HW_STATE_VERIFY = 2,
	MHO_HW_STATE_BOOTED = 3,
	MHO_HW_STATE_READY = 4,
	MHO_HW_STATE_SHUTDOWN = 5,
	MHO_HW_STATE_FAILED = 6,
};

/*
 * Write 1 to request; reads as zero but for ENABLE. A request is taken when it is written: the next
 * read of STATUS shows VERIFY or RESET, or what followed. RESET wins over all other bits; with BOOT
 * or SHUTDOWN the ENABLE bit of the same write is ignored; a write without a request that clears
 * ENABLE is a warm reset. A request that the state does not allow changes nothing but FAULT
 * (BAD_STATE).
 */
#define MHO_HW_REG_CONTROL 0x024
#define MHO_HW_CONTROL_ENABLE (1U << 0) /* admin queue on (level, not a request) */
#define MHO_HW_CONTROL_BOOT (1U << 1) /* verify and start the image at FW_ADDR; clears FAULT */
#define MHO_HW_CONTROL_RESET (1U << 2) /* warm reset: firmware, arrays and weights stay */
#define MHO_HW_CONTROL_SHUTDOWN (1U << 3)

/*
 * FAULT holds the first fault since it was cleared: by writing MHO_HW_IRQ_FAULT to IRQ_CAUSE (not
 * while STATUS.FATAL is set), by a BOOT that is taken, and by reset. A fault of an I/O queue
 * (RING_DMA_FAULT, BAD_DOORBELL, CID_IN_USE) stops this queue alone, until QUEUE_RESET; its
 * telemetry shows it, too. A fault of the admin queue, INTERNAL and THERMAL_TRIP are fatal.
 * FAULT_INFO: BAD_DOORBELL the value, RING_DMA_FAULT the address' low half, BAD_STATE the state,
 * CID_IN_USE the cid, a refused firmware the byte offset in the image where known; else 0.
 */
#define MHO_HW_REG_FAULT 0x028 /* read-only: status in [15:0], queue number in [31:16] */
#define MHO_HW_REG_FAULT_INFO 0x02c /* read-only */

/* Firmware image in host memory, bus-contiguous. */
#define MHO_HW_REG_FW_ADDR_LO 0x030
#define MHO_HW_REG_FW_ADDR_HI 0x034
#define MHO_HW_REG_FW_SIZE 0x038
#define MHO_HW_FW_SIZE_MAX (4U << 20)
#define MHO_HW_REG_FW_VERSION 0x03c /* read-only: version of the running firmware, 0 if none */

/* Admin queue; written while STATE is BOOTED, taken over by CONTROL.ENABLE. */
#define MHO_HW_REG_ASQ_LO 0x040
#define MHO_HW_REG_ASQ_HI 0x044
#define MHO_HW_REG_ACQ_LO 0x048
#define MHO_HW_REG_ACQ_HI 0x04c
#define MHO_HW_REG_AQ_ORDER 0x050 /* log2 of entries, both rings */

/*
 * Causes of interrupts on vector 0. A message is sent when an unmasked cause becomes set, and after
 * any write to IRQ_CAUSE or IRQ_MASK that leaves an unmasked cause set. I/O queues whose vector is
 * 0 send their messages without a cause bit and regardless of the mask.
 */
#define MHO_HW_REG_IRQ_CAUSE 0x060 /* write 1 to clear */
#define MHO_HW_REG_IRQ_MASK 0x064 /* 1 masks; MHO_HW_IRQ_ALL after reset */
#define MHO_HW_IRQ_ADMIN (1U << 0) /* the device posted completions on the admin queue */
#define MHO_HW_IRQ_STATE (1U << 1) /* STATUS.STATE changed */
#define MHO_HW_IRQ_FAULT (1U << 2) /* FAULT was set */
#define MHO_HW_IRQ_LOG (1U << 3) /* the log has a new entry of level warning or worse */
#define MHO_HW_IRQ_THERMAL (1U << 4) /* temperature crossed the warning level */
#define MHO_HW_IRQ_ALL 0x1fU

/*
 * Clocks, read-only. Device time counts what the tiles take, not what the host takes. Two 32-bit
 * reads of TIME tear: read HI, LO, HI until HI repeats.
 */
#define MHO_HW_REG_TIME_LO 0x070 /* device time since power-on or function-level reset, ns */
#define MHO_HW_REG_TIME_HI 0x074
#define MHO_HW_REG_HEARTBEAT 0x078 /* grows at least every 100 ms in BOOTED and READY */
#define MHO_HW_REG_TEMPERATURE 0x07c /* millidegree Celsius, two's complement */

#define MHO_HW_REG_LAST 0x07c

/*
 * Doorbells (BAR2): one page a queue, so that a page can be handed to one process (where the host's
 * pages are no larger). Queue 0 is the admin queue. Write-only; reads return zero. Writes are
 * ignored while STATE is not READY, and to queues that do not exist.
 */
#define MHO_HW_DB_STRIDE 0x1000
#define MHO_HW_DB_SQ_TAIL 0x0 /* index of the first entry that is not yet valid */
#define MHO_HW_DB_CQ_HEAD 0x4 /* index of the first entry that is not yet consumed */
#define MHO_HW_DB_OFFSET(queue, which) ((queue)*MHO_HW_DB_STRIDE + (which))

/*
 * Tile window (BAR4): tile t begins at t * stride (mho_hw_identify.window_stride).
 * Its input SRAM comes first, its output SRAM at mho_hw_identify.window_out_offset. Each
 * begins on a page of its own, and no page holds memory of two tiles.
 */
#define MHO_HW_WINDOW_PAGE 0x1000

#define MHO_HW_DMA_BITS 64 /* width of bus addresses */

/* Limits that bound every implementation; a device's own are in IDENTIFY. */
#define MHO_HW_QUEUES_MAX 256 /* I/O queue pairs */
#define MHO_HW_VECTORS_MAX 257 /* one for the admin queue, one for each I/O queue */
#define MHO_HW_ORDER_MIN 1
#define MHO_HW_ORDER_MAX 15
#define MHO_HW_TILES_MAX 4096
#define MHO_HW_TILE_DIM_MAX 4096 /* rows or columns of a tile */
#define MHO_HW_ARRAY_DIM_MAX 65536 /* rows or columns of an array */
#define MHO_HW_BATCH_MAX 65536
#define MHO_HW_CONTEXTS_MAX 65535

MHO_HW_ASSERT(MHO_HW_REG_LAST < MHO_HW_MSIX_TABLE, "registers run into the MSI-X table");
MHO_HW_ASSERT(MHO_HW_VECTORS_MAX * 16 <= MHO_HW_MSIX_PBA - MHO_HW_MSIX_TABLE,
	      "the MSI-X table does not fit");

#endif
