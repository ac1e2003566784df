/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A command in flight, from the ring to its completion: what it names (command.c),
 * when its turn is (arbiter.c), what it does (exec.c).
 */
#ifndef MHO_EMU_COMMAND_H
#define MHO_EMU_COMMAND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mho_hw.h"
#include "emulator/list.h"
#include "emulator/phys.h"

struct mho_array;
struct mho_cmd;
struct mho_emu;
struct mho_hwqueue;
struct mho_key;
struct mho_worker;

/* A place in the order of one array. */
struct mho_cmd_use {
	struct mho_list link;
	struct mho_array *array;
	struct mho_cmd *cmd;
};

/**
 * struct mho_operand - a validated operand
 * @key: its memory, or NULL
 * @window: it lies in the tiles' SRAM
 * @type: enum mho_hw_type
 * @offset: of the first element in the key's memory
 * @stride: bytes between vectors
 * @len: elements of a vector
 * @count: vectors
 * @scale: factor
 */
struct mho_operand {
	struct mho_key *key;
	bool window;
	uint8_t type;
	uint64_t offset;
	uint64_t stride;
	uint32_t len;
	uint32_t count;
	float scale;
};

/**
 * struct mho_cmd - a command in flight
 * @link: in the ready list, or the free list
 * @queue: where it came from
 * @use: its places in the order of one array, or of two (the second: TRANSFER's destination)
 * @a: operand a
 * @b: operand b
 * @a_rect: region a
 * @b_rect: region b
 * @opcode: enum mho_hw_io_op
 * @priority: of the queue when it was fetched
 * @cid: as in the command
 * @modifier: as in the command
 * @batch: as in the command
 * @rate: rate or tolerance
 * @limit: pulses or iterations
 * @ready: in the ready list, or taken by a worker
 * @started: taken by a worker
 * @hung: never completes, by order; not counted in mho_emu.window_used
 * @delay_ms: by order it waits so long when its turn has come
 * @due: host time at which it has waited so long
 * @torn: weights are neither the old ones nor what was asked for
 * @cancel: the queue is going away: finish early (read without the lock)
 * @status: outcome
 * @result: outcome
 * @detail: outcome
 * @device_ns: outcome
 * @energy_fj: outcome
 */
struct mho_cmd {
	struct mho_list link;
	struct mho_hwqueue *queue;
	struct mho_cmd_use use[2];
	struct mho_operand a;
	struct mho_operand b;
	struct mho_rect a_rect;
	struct mho_rect b_rect;
	uint8_t opcode;
	uint8_t priority;
	uint16_t cid;
	uint16_t modifier;
	uint32_t batch;
	float rate;
	uint32_t limit;
	bool ready;
	bool started;
	bool hung;
	bool torn;
	uint32_t delay_ms;
	uint64_t due;
	atomic_bool cancel;
	uint16_t status;
	uint32_t result;
	uint32_t detail;
	uint64_t device_ns;
	uint64_t energy_fj;
};

/* ---- arbiter.c: which command is next (all under the core lock) ---- */

/* mho_arbiter_collect() - note the queues whose doorbells were rung. */
void mho_arbiter_collect(struct mho_emu *emu);

/* mho_arbiter_activate() - @q may hold commands. */
void mho_arbiter_activate(struct mho_emu *emu, struct mho_hwqueue *q);

/* mho_arbiter_deactivate() - do not look at @q until it is rung. */
void mho_arbiter_deactivate(struct mho_emu *emu, struct mho_hwqueue *q);

/* mho_arbiter_fetch() - read commands of the queue whose turn it is. Return: whether it did. */
bool mho_arbiter_fetch(struct mho_emu *emu);

/* mho_arbiter_next() - take the next command that may start, or NULL. */
struct mho_cmd *mho_arbiter_next(struct mho_emu *emu);

/* mho_arbiter_done() - a command has ended: complete it, let its successors start. */
void mho_arbiter_done(struct mho_emu *emu, struct mho_cmd *cmd);

/* mho_arbiter_release() - commands that waited for @array to be no longer held may start. */
void mho_arbiter_release(struct mho_emu *emu, struct mho_array *array);

/**
 * mho_arbiter_abort() - abort what is in flight on a queue
 * @emu: device
 * @q: queue
 * @post: write completions
 *
 * Waits for commands that have started; the core lock is dropped meanwhile.
 *
 * Return: number of commands aborted, those in the ring that were not read included.
 */
unsigned int mho_arbiter_abort(struct mho_emu *emu, struct mho_hwqueue *q, bool post);

/* ---- command.c ---- */

/**
 * mho_cmd_parse() - check a command and find what it names
 * @emu: device
 * @q: its queue
 * @s: the command, private copy
 * @cmd: filled; references are not counted yet
 *
 * Return: status; with all but OK cmd->detail is set.
 */
enum mho_hw_status mho_cmd_parse(struct mho_emu *emu, const struct mho_hwqueue *q,
				 const struct mho_hw_sqe *s, struct mho_cmd *cmd);

/* ---- exec.c: what a command does (without the core lock) ---- */

/* mho_exec() - execute a command; fills its outcome. */
void mho_exec(struct mho_worker *w, struct mho_cmd *cmd);

#endif
