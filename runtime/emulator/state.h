/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The file that holds a device's non-volatile state: numbered sections of bytes,
 * each with a SHA-256, replaced as a whole. What is in a section is not known
 * here.
 *
 * A new state is written to <path>.tmp, which then takes the file's name in one
 * step, so that a crash at any time, of the process or of the machine, leaves the
 * old state or the new one. The lock is on a file of its own, <path>.lock: the
 * state file is another inode after each save, and a lock on an inode that has
 * lost its name keeps nobody away. It stays behind, empty: whoever removed it
 * would take it from under somebody who has just opened it.
 */
#ifndef MHO_EMU_STATE_H
#define MHO_EMU_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MHO_STATE_SECTIONS_MAX 8192

struct mho_state;

/**
 * struct mho_state_fileops - file operations, as in libc
 *
 * So that a test can stop a save at each of its steps.
 */
struct mho_state_fileops {
	int (*open)(const char *path, int flags, mode_t mode);
	ssize_t (*write)(int fd, const void *data, size_t len);
	int (*fsync)(int fd);
	int (*rename)(const char *from, const char *to);
	int (*unlink)(const char *path);
};

/**
 * mho_state_open() - lock a state file, and verify it if it exists
 * @path: the file; a symbolic link is followed, so that the file that it names is replaced
 * @ops: file operations, NULL for libc's; borrowed
 * @out: the file; free with mho_state_close()
 * @err: buffer for a sentence that says what is wrong, where, and what to do; may be NULL
 * @err_len: its size
 *
 * Every byte of the file is read and checked. What a crashed save left behind is removed.
 *
 * Return: 0, also if there is no file yet (mho_state_exists() tells); -EBUSY (locked by another
 * device), -EBADMSG (damaged, truncated, or no state file), -EPROTONOSUPPORT (written by a later
 * version), -ENOMEM, or what a file operation gave.
 */
int mho_state_open(const char *path, const struct mho_state_fileops *ops, struct mho_state **out,
		   char *err, size_t err_len);

/**
 * mho_state_close() - drop a save that is not finished, unlock and free
 * @st: file, or NULL
 */
void mho_state_close(struct mho_state *st);

/**
 * mho_state_exists() - whether there is a state to read
 * @st: file
 */
bool mho_state_exists(const struct mho_state *st);

/**
 * mho_state_size() - size of a section
 * @st: file
 * @id: the section's number
 *
 * Return: bytes; -ENOENT if there is no such section.
 */
int64_t mho_state_size(const struct mho_state *st, uint32_t id);

/**
 * mho_state_read() - read part of a section of the last complete state
 * @st: file
 * @id: the section's number
 * @offset: first byte in the section
 * @data: where to
 * @len: bytes
 *
 * Return: 0, -ENOENT (no such section), -ERANGE (it is shorter), -EBADMSG (the file has become
 * shorter since it was opened), or what reading gave.
 */
int mho_state_read(const struct mho_state *st, uint32_t id, uint64_t offset, void *data,
		   size_t len);

/**
 * mho_state_begin() - start a new state
 * @st: file
 *
 * The functions from here to mho_state_commit() remember the first error: a caller may look at the
 * result of mho_state_commit() only. Until that has succeeded the old state is what can be read.
 *
 * Return: 0, -EALREADY (one is under way), -ENOMEM, or what creating <path>.tmp gave.
 */
int mho_state_begin(struct mho_state *st);

/**
 * mho_state_section() - end the section before, if any, and start the next
 * @st: file
 * @id: number, once in a file
 *
 * Return: 0, -EEXIST, -ENOSPC (more than MHO_STATE_SECTIONS_MAX), -EINVAL (no state was begun), or
 * the first error since mho_state_begin().
 */
int mho_state_section(struct mho_state *st, uint32_t id);

/**
 * mho_state_write() - append to the section
 * @st: file
 * @data: bytes, copied or written before the function returns
 * @len: their number
 *
 * Return: 0, or the first error since mho_state_begin().
 */
int mho_state_write(struct mho_state *st, const void *data, size_t len);

/**
 * mho_state_commit() - make the new state the file's state
 * @st: file
 *
 * Returns when it is on stable storage. After an error the old state stays, and the temporary file
 * is gone; only if the directory could not be written to stable storage, the new state is in place
 * and may yet give way to the old one when the machine (not the process) crashes.
 *
 * Return: 0, or the first error since mho_state_begin(); mho_state_error() has the sentence.
 */
int mho_state_commit(struct mho_state *st);

/**
 * mho_state_abort() - drop the state that was begun, if any
 * @st: file
 */
void mho_state_abort(struct mho_state *st);

/**
 * mho_state_error() - what the last function that failed met
 * @st: file
 *
 * Return: a sentence, valid until the next call; empty if nothing has failed.
 */
const char *mho_state_error(const struct mho_state *st);

#endif
