/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What survives the power: weights, wear, calibration, the table of arrays,
 * counters over the device's life.
 */
#ifndef MHO_EMU_PERSIST_H
#define MHO_EMU_PERSIST_H

#include "emulator/emu.h"

/**
 * mho_persist_open() - lock the state file and load it, if there is one
 * @emu: device, made but not running
 * @path: the file
 * @err: buffer for a sentence
 * @err_len: its size
 *
 * Return: 0, -EBADMSG, -ESTALE, -EBUSY, -ENOMEM, or what a file operation gave.
 */
int mho_persist_open(struct mho_emu *emu, const char *path, char *err, size_t err_len);

/**
 * mho_persist() - write the state, while nothing runs
 * @emu: device
 * @all_arrays: unnamed arrays, too: after an orderly shutdown
 *
 * Return: 0, also without a state file, or what a file operation gave.
 */
int mho_persist(struct mho_emu *emu, bool all_arrays);

/* mho_persist_now() - the same from an admin command: waits for commands that have started. */
int mho_persist_now(struct mho_emu *emu);

#endif
