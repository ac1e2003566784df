/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Format of the state file, and what state.c (opening, reading) and state_save.c
 * (writing) share. All numbers are little-endian.
 *
 *	header		struct mho_state_header
 *	sections	their bytes, one after the other without gaps, in table order
 *	table		struct mho_state_entry for each section
 *	footer		struct mho_state_footer: the last bytes of the file
 *
 * The file is written from front to back: whatever was cut off has no footer.
 */
#ifndef MHO_EMU_STATE_FILE_H
#define MHO_EMU_STATE_FILE_H

#include "mho_hw_types.h"
#include "emulator/state.h"

#include <openssl/evp.h>

#define MHO_STATE_MAGIC "mhoSTATE"
#define MHO_STATE_MAGIC_SIZE 8
#define MHO_STATE_VERSION 1
#define MHO_STATE_HASH_SIZE 32

struct mho_state_header {
	uint8_t magic[MHO_STATE_MAGIC_SIZE];
	mho_le32 version;
	mho_le32 rsvd;
};
MHO_HW_ASSERT_SIZE(struct mho_state_header, 16);

/**
 * struct mho_state_entry - a section
 * @id: its number
 * @rsvd: zero
 * @offset: of its first byte in the file
 * @length: bytes
 * @sha256: of these bytes
 */
struct mho_state_entry {
	mho_le32 id;
	mho_le32 rsvd;
	mho_le64 offset;
	mho_le64 length;
	uint8_t sha256[MHO_STATE_HASH_SIZE];
};
MHO_HW_ASSERT_SIZE(struct mho_state_entry, 56);

/**
 * struct mho_state_footer - where the table is
 * @table: its offset in the file
 * @entries: sections
 * @rsvd: zero
 * @magic: as in the header
 * @sha256: of header, table and the fields above
 */
struct mho_state_footer {
	mho_le64 table;
	mho_le32 entries;
	mho_le32 rsvd;
	uint8_t magic[MHO_STATE_MAGIC_SIZE];
	uint8_t sha256[MHO_STATE_HASH_SIZE];
};
MHO_HW_ASSERT_SIZE(struct mho_state_footer, 56);

/**
 * struct mho_state_section - a section, in host byte order
 * @id: its number
 * @offset: of its first byte in the file
 * @length: bytes
 * @sha256: of these bytes
 */
struct mho_state_section {
	uint32_t id;
	uint64_t offset;
	uint64_t length;
	uint8_t sha256[MHO_STATE_HASH_SIZE];
};

/**
 * struct mho_state_table - the sections of a file
 * @list: sections, in the order of the file
 * @n: number
 * @room: sections that fit into @list
 */
struct mho_state_table {
	struct mho_state_section *list;
	unsigned int n;
	unsigned int room;
};

struct mho_state_save;

/**
 * struct mho_state - an open state file
 * @path: the file, without symbolic links
 * @tmp_path: where a new state is written
 * @lock_path: what is locked
 * @ops: file operations
 * @lock_fd: the lock
 * @fd: the last complete state, -1 if there is none
 * @table: its sections
 * @save: the save under way, or NULL
 * @error: what the last failure was
 */
struct mho_state {
	char *path;
	char *tmp_path;
	char *lock_path;
	const struct mho_state_fileops *ops;
	int lock_fd;
	int fd;
	struct mho_state_table table;
	struct mho_state_save *save;
	char error[512];
};

/* mho_state_fail() - set the sentence; returns @ret. */
int mho_state_fail(struct mho_state *st, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* mho_state_find() - a section by number, or NULL. */
struct mho_state_section *mho_state_find(const struct mho_state_table *table, uint32_t id);

/* mho_state_add() - append an empty section at @offset; -ENOMEM, -ENOSPC. */
int mho_state_add(struct mho_state_table *table, uint32_t id, uint64_t offset);

/* mho_state_pack_entry() - a section as in the file. */
void mho_state_pack_entry(const struct mho_state_section *s, struct mho_state_entry *e);

#endif
