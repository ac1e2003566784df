/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Faults inside the card, on demand: what can be ordered, and where the device
 * asks whether it is to misbehave. What the transports order with is in mho_emu.h;
 * faults of the wire (DMA, interrupts, connection) are theirs.
 *
 * The device asks with mho_fault_armed() first, which costs one relaxed load. The
 * lock of struct mho_faults is the innermost of all.
 */
#ifndef MHO_EMU_FAULT_H
#define MHO_EMU_FAULT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mho_hw.h"

struct mho_cmd;
struct mho_emu;
struct mho_hwqueue;

/* Commands that hang at a time; what comes then is executed. */
#define MHO_HUNG_MAX 256

enum mho_fault {
	MHO_FAULT_HANG,
	MHO_FAULT_HANG_HARD,
	MHO_FAULT_ADMIN_HANG,
	MHO_FAULT_CQE_LOSE,
	MHO_FAULT_CQE_DUPLICATE,
	MHO_FAULT_CQE_BAD_CID,
	MHO_FAULT_CQE_GARBAGE,
	MHO_FAULT_CMD_DELAY,
	MHO_FAULT_CMD_ERROR,
	MHO_FAULT_FW_REFUSE,
	MHO_FAULT_BOOT_HANG,
	MHO_FAULT_RESET_HANG,
	MHO_FAULT_CRASH,
	MHO_FAULT_THERMAL_TRIP,
	MHO_FAULT_THERMAL_WARN,
	MHO_FAULT_REST,
	MHO_FAULT_BAD_ID,
	MHO_FAULT_BAD_VERSION,
	MHO_FAULT_NO_VECTORS,
	MHO_FAULTS
};

#define MHO_FAULT_BIT(id) (1U << MHO_FAULT_##id)

/* Those that one place of the device asks for together. */
#define MHO_FAULT_COMMANDS                                                           \
	(MHO_FAULT_BIT(HANG) | MHO_FAULT_BIT(HANG_HARD) | MHO_FAULT_BIT(CMD_DELAY) | \
	 MHO_FAULT_BIT(CMD_ERROR))
#define MHO_FAULT_COMPLETIONS                                                                  \
	(MHO_FAULT_BIT(CQE_LOSE) | MHO_FAULT_BIT(CQE_DUPLICATE) | MHO_FAULT_BIT(CQE_BAD_CID) | \
	 MHO_FAULT_BIT(CQE_GARBAGE))
#define MHO_FAULT_PROBE \
	(MHO_FAULT_BIT(BAD_ID) | MHO_FAULT_BIT(BAD_VERSION) | MHO_FAULT_BIT(NO_VECTORS))

/**
 * struct mho_faults - what is ordered
 * @armed: bit set of those that have something left
 * @lock: of all that follows
 * @left: how many more times, by fault and queue; [0] is for any queue, and for faults that do
 *        not name one
 * @taken: how many times it has happened
 * @arg: MS of CMD_DELAY, status of CMD_ERROR
 */
struct mho_faults {
	atomic_uint armed;
	pthread_mutex_t lock;
	uint64_t left[MHO_FAULTS][MHO_HW_QUEUES_MAX + 1];
	uint64_t taken[MHO_FAULTS];
	uint32_t arg[MHO_FAULTS];
};

/* Completions that stand for one: a foreign one, the right one, the right one again. */
#define MHO_FAULT_CQES 3

/* ---- fault.c: orders ---- */

void mho_fault_init(struct mho_emu *emu);
void mho_fault_free(struct mho_emu *emu);

/**
 * mho_fault_take() - whether a fault is to happen now, once
 * @emu: device
 * @id: fault
 * @queue: queue that it would happen on, or 0
 * @arg: its argument, or NULL
 *
 * Return: true if so; it is counted.
 */
bool mho_fault_take(struct mho_emu *emu, enum mho_fault id, unsigned int queue, uint32_t *arg);

/* ---- fault_command.c: what becomes of commands and completions (core lock) ---- */

/**
 * mho_fault_command() - what is to become of a valid command
 * @emu: device
 * @q: its queue
 * @cmd: .hung and .delay_ms are set
 *
 * Return: status that it is to be answered with, without effect; or OK.
 */
enum mho_hw_status mho_fault_command(struct mho_emu *emu, struct mho_hwqueue *q,
				     struct mho_cmd *cmd);

/**
 * mho_fault_completion() - the completions to write for one
 * @emu: device
 * @q: its queue; its ring's room is accounted for
 * @cqe: the right one
 * @out: filled
 *
 * Return: number in @out.
 */
unsigned int mho_fault_completion(struct mho_emu *emu, struct mho_hwqueue *q,
				  const struct mho_hw_cqe *cqe,
				  struct mho_hw_cqe out[MHO_FAULT_CQES]);

/* mho_fault_delay() - a command whose turn it is has to wait. */
void mho_fault_delay(struct mho_emu *emu, struct mho_cmd *cmd);

/* mho_fault_expire() - let those go on that have waited until @now. Return: next such time, or 0. */
uint64_t mho_fault_expire(struct mho_emu *emu, uint64_t now);

#endif
