/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * An emulated card with one queue and one key, and commands that make sense, for
 * tests to change.
 */
#ifndef MHO_TEST_EMU_CARD_H
#define MHO_TEST_EMU_CARD_H

#include "emu_host.h"

#define EMU_KEY_SIZE 0x100000
#define EMU_A_AT 0x40000 /* operand a in the key's memory */
#define EMU_B_AT 0x80000

struct emu_card {
	struct emu_host *host;
	struct emu_queue *queue;
	uint64_t mem;
	uint32_t key;
	uint16_t cid;
};

/* emu_card_open() - a booted card with queue 1, and a key for the memory of emu_card_at(). */
struct emu_card emu_card_open(const struct emu_host_opts *opts);

/* emu_card_ideal() - the same, all tiles ideal. */
struct emu_card emu_card_ideal(void);
void emu_card_close(struct emu_card *f);

/* emu_card_at() - a place in the key's memory. */
void *emu_card_at(struct emu_card *f, uint64_t offset);

/* emu_card_run() - run a command on the queue. Return: status. */
unsigned int emu_card_run(struct emu_card *f, struct mho_hw_sqe *s, struct mho_hw_cqe *c);

/* emu_number() - the same number between -1 and 1 for the same @i. */
float emu_number(uint32_t i);

/* Commands with sensible fields: operand a at EMU_A_AT (PROGRAM, PULSE: 0), b at EMU_B_AT. */
struct mho_hw_sqe emu_mvm(struct emu_card *f, uint32_t array, uint32_t batch);
struct mho_hw_sqe emu_update(struct emu_card *f, uint32_t array, uint32_t batch, float rate);
struct mho_hw_sqe emu_program(struct emu_card *f, uint32_t array);
struct mho_hw_sqe emu_read(struct emu_card *f, uint32_t array);
struct mho_hw_sqe emu_pulse(struct emu_card *f, uint32_t array);
struct mho_hw_sqe emu_transfer(uint32_t from, uint32_t to, float rate);
struct mho_hw_sqe emu_scrub(uint32_t array);

/* emu_card_program() - give an array weights. Return: the weights. */
const float *emu_card_program(struct emu_card *f, uint32_t array, uint32_t rows, uint32_t cols);

#endif
