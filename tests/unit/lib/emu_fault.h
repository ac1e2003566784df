/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Orders of faults inside the emulated card, as lines of text.
 */
#ifndef MHO_TEST_EMU_FAULT_H
#define MHO_TEST_EMU_FAULT_H

#include "emu_host.h"

/* emu_fault() - order a fault: its name and arguments. Return: as mho_emu_fault(). */
int emu_fault(struct emu_host *h, const char *line);

/* emu_fault_armed(), emu_fault_taken() - what mho_emu_fault_info() says of one. */
uint64_t emu_fault_armed(struct emu_host *h, const char *name);
uint64_t emu_fault_taken(struct emu_host *h, const char *name);

#endif
