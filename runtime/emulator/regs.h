/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Registers, and the requests that the host makes by writing them.
 */
#ifndef MHO_EMU_REGS_H
#define MHO_EMU_REGS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "mho_hw.h"

struct mho_emu;

/* Requests of the host that the manager carries out (mho_emu.requests). */
#define MHO_REQ_BOOT (1U << 0)
#define MHO_REQ_ENABLE (1U << 1)
#define MHO_REQ_RESET (1U << 2)
#define MHO_REQ_SHUTDOWN (1U << 3)
#define MHO_REQ_FLR (1U << 4)
#define MHO_REQ_POWER_OFF (1U << 5)
#define MHO_REQ_FATAL (1U << 6) /* of nobody but the device: see mho_die_soon() */
#define MHO_REQ_RENEW (1U << 7) /* with FLR: the state of a new card, too */
#define MHO_REQ_REFUSED (1U << 31)

struct mho_regs {
	pthread_mutex_t lock;
	enum mho_hw_state state;
	uint32_t flags; /* MHO_HW_STATUS_* */
	uint32_t fault;
	uint32_t fault_info;
	bool enable;
	uint64_t fw_addr;
	uint32_t fw_size;
	uint32_t fw_version;
	uint64_t asq;
	uint64_t acq;
	uint32_t aq_order;
	uint32_t irq_cause;
	uint32_t irq_mask;
};

void mho_regs_init(struct mho_emu *emu);
uint64_t mho_regs_read(struct mho_emu *emu, uint64_t offset, unsigned int width);
void mho_regs_write(struct mho_emu *emu, uint64_t offset, uint64_t value, unsigned int width);
void mho_regs_set_state(struct mho_emu *emu, enum mho_hw_state state);

/* mho_regs_after_reset() - registers as a warm reset leaves them, or a function-level one. */
void mho_regs_after_reset(struct mho_emu *emu, bool keep_firmware);

/* mho_regs_cause() - set causes of an interrupt on vector 0. */
void mho_regs_cause(struct mho_emu *emu, uint32_t cause);

/* mho_regs_fault() - set FAULT, unless it holds an earlier one. */
void mho_regs_fault(struct mho_emu *emu, enum mho_hw_status status, unsigned int queue,
		    uint32_t info);

/* mho_regs_fatal() - stop the device. Return: whether it was not stopped before, nor in reset. */
bool mho_regs_fatal(struct mho_emu *emu, enum mho_hw_status status, uint32_t info);

/* mho_regs_stopped() - why the device is stopped, or OK. */
enum mho_hw_status mho_regs_stopped(struct mho_emu *emu);

#endif
