/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A queue as the device keeps it, and its rings in host memory. All of it is under
 * the core lock. What the commands mean is not known here.
 */
#ifndef MHO_EMU_QUEUE_H
#define MHO_EMU_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mho_hw.h"
#include "emulator/list.h"

struct mho_emu;

/**
 * struct mho_hwqueue - an I/O queue, or the admin queue (number 0)
 * @number: its number
 * @context: owner
 * @vector: interrupt vector
 * @priority: 0 to MHO_HW_PRIORITY_MAX
 * @mask: entries - 1
 * @order: log2 of the entries
 * @fault: enum mho_hw_status that stopped it, or 0
 * @fenced: waits until all that is in flight is done
 * @closing: being deleted or reset
 * @silent: no completions any more
 * @stuck: it can neither be reset nor deleted, by order
 * @spin_link: in mho_emu.spinning: the device looks at the shadow, the host need not ring
 * @idle_since: host time of that, ns
 * @sq: bus address of the submission ring
 * @cq: bus address of the completion ring
 * @shadow: bus address of the shadow doorbells, or 0
 * @sq_head: running number of the next entry to read
 * @sq_tail: running number behind the last valid entry
 * @cq_tail: running number of the next completion
 * @cq_head: running number of the first completion that the host has not consumed
 * @skew: completions written without a command, less those lost, by order
 * @inflight: commands fetched and not completed
 * @cids: bit set of their identifiers
 * @coalesce_count: completions that make an interrupt
 * @coalesce_ns: age that makes an interrupt
 * @due: the shadow's cq_event has been passed, its interrupt is not raised yet
 * @unannounced: completions since the last interrupt, that ask for one
 * @deadline: host time at which the oldest of them must be announced, ns; 0 for none
 * @commands: completed
 * @errors: of these, not OK
 * @interrupts: raised
 * @rings_base: doorbell writes before its creation
 * @time_base: device time at its creation
 * @device_ns: device time of its commands
 * @energy_fj: energy of its commands
 * @vectors: vectors finished
 */
struct mho_hwqueue {
	uint16_t number;
	uint16_t context;
	uint16_t vector;
	uint16_t fault;
	uint8_t priority;
	uint8_t order;
	bool fenced;
	bool closing;
	bool silent;
	bool stuck;
	struct mho_list spin_link;
	uint64_t idle_since;
	uint32_t mask;
	uint64_t sq;
	uint64_t cq;
	uint64_t shadow;
	uint32_t sq_head;
	uint32_t sq_tail;
	uint32_t cq_tail;
	uint32_t cq_head;
	uint32_t skew;
	uint32_t inflight;
	uint64_t *cids;
	uint32_t coalesce_count;
	uint64_t coalesce_ns;
	bool due;
	uint32_t unannounced;
	uint64_t deadline;
	uint64_t commands;
	uint64_t errors;
	uint64_t interrupts;
	unsigned long rings_base;
	uint64_t time_base;
	uint64_t device_ns;
	uint64_t energy_fj;
	atomic_ulong vectors;
};

/**
 * mho_queue_new() - make a queue
 * @emu: device
 * @number: its number
 * @sq: bus address of the submission ring
 * @cq: bus address of the completion ring
 * @shadow: bus address of the shadow, or 0
 * @order: log2 of entries
 *
 * Return: the queue, or NULL without memory. Its other fields are 0.
 */
struct mho_hwqueue *mho_queue_new(struct mho_emu *emu, unsigned int number, uint64_t sq,
				  uint64_t cq, uint64_t shadow, unsigned int order);
void mho_queue_free(struct mho_emu *emu, struct mho_hwqueue *q);

/* mho_queue_rewind() - empty both rings, as after creation. */
void mho_queue_rewind(struct mho_emu *emu, struct mho_hwqueue *q);

/* mho_queue_stop() - a fault: read no more commands of @q; fatal for the admin queue. */
void mho_queue_stop(struct mho_emu *emu, struct mho_hwqueue *q, enum mho_hw_status status,
		    uint32_t info);

/* mho_queue_look() - learn the host's tail and head. Return: whether they are sane. */
bool mho_queue_look(struct mho_emu *emu, struct mho_hwqueue *q);

/* mho_queue_available() - commands that may be read now. */
uint32_t mho_queue_available(const struct mho_hwqueue *q);

/* mho_queue_peek() - copy the next @n commands. Return: whether the ring could be reached. */
bool mho_queue_peek(struct mho_emu *emu, struct mho_hwqueue *q, void *sqes, uint32_t n);

/* mho_queue_post() - write @n completions (phase and sq_head are set here) and announce them. */
void mho_queue_post(struct mho_emu *emu, struct mho_hwqueue *q, struct mho_hw_cqe *cqes,
		    uint32_t n);

/* mho_queue_arm() - ask the host to ring. Return: false if there is work already. */
bool mho_queue_arm(struct mho_emu *emu, struct mho_hwqueue *q);

/* mho_queue_deadlines() - raise coalesced interrupts that are due; the next deadline, or 0. */
uint64_t mho_queue_deadlines(struct mho_emu *emu, uint64_t now);

#endif
