// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Writing a new state: section by section into a temporary file, which takes the
 * place of the old one when it is complete and on stable storage.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emulator/state.h"
#include "emulator/state_file.h"

/* Pieces are gathered up to this; larger ones go to the file directly. */
#define BUFFER (256U << 10)

/**
 * struct mho_state_save - a save under way
 * @fd: temporary file
 * @error: first error
 * @offset: bytes so far, those in @buffer included
 * @table: sections so far
 * @section: the last one of them has not ended
 * @md: its hash
 * @header: of the file
 * @fill: bytes in @buffer
 * @buffer: not yet written
 */
struct mho_state_save {
	int fd;
	int error;
	uint64_t offset;
	struct mho_state_table table;
	bool section;
	EVP_MD_CTX *md;
	struct mho_state_header header;
	size_t fill;
	uint8_t buffer[BUFFER];
};

static int save_fail(struct mho_state *st, int ret, const char *what)
{
	st->save->error = ret;
	return mho_state_fail(st, ret,
			      "the state could not be saved: %s: %s; the state before it is "
			      "still in %s",
			      what, strerror(-ret), st->path);
}

static int write_out(struct mho_state *st, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = st->ops->write(st->save->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return save_fail(st, n ? -errno : -EIO, st->tmp_path);
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int flush(struct mho_state *st)
{
	size_t fill = st->save->fill;

	st->save->fill = 0;
	return write_out(st, st->save->buffer, fill);
}

static int append(struct mho_state *st, const void *data, size_t len)
{
	struct mho_state_save *save = st->save;
	int ret;

	save->offset += len;
	if (len > BUFFER - save->fill) {
		ret = flush(st);
		if (ret)
			return ret;
	}
	if (len >= BUFFER)
		return write_out(st, data, len);
	if (len)
		memcpy(save->buffer + save->fill, data, len);
	save->fill += len;
	return 0;
}

static int end_section(struct mho_state *st)
{
	struct mho_state_save *save = st->save;
	struct mho_state_section *s;

	if (!save->section)
		return 0;
	s = &save->table.list[save->table.n - 1];
	s->length = save->offset - s->offset;
	save->section = false;
	if (!EVP_DigestFinal_ex(save->md, s->sha256, NULL))
		return save_fail(st, -ENOMEM, "SHA-256");
	return 0;
}

static void free_save(struct mho_state *st)
{
	struct mho_state_save *save = st->save;

	if (!save)
		return;
	if (save->fd >= 0)
		close(save->fd);
	EVP_MD_CTX_free(save->md);
	free(save->table.list);
	free(save);
	st->save = NULL;
}

static int create_tmp(struct mho_state *st)
{
	struct stat sb;

	st->save->fd = st->ops->open(st->tmp_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (st->save->fd < 0)
		return save_fail(st, -errno, st->tmp_path);
	/* Who may read the weights is the user's decision, if he has made one. */
	if (st->fd >= 0 && fstat(st->fd, &sb) == 0 && fchmod(st->save->fd, sb.st_mode & 0777) < 0)
		return save_fail(st, -errno, st->tmp_path);
	return 0;
}

int mho_state_begin(struct mho_state *st)
{
	struct mho_state_save *save;
	int ret;

	if (st->save)
		return mho_state_fail(st, -EALREADY, "a state is being saved to %s already",
				      st->path);
	save = malloc(sizeof(*save));
	if (!save)
		return mho_state_fail(st, -ENOMEM, "no memory to save %s", st->path);
	save->fd = -1;
	save->error = 0;
	save->offset = 0;
	save->table = (struct mho_state_table){ 0 };
	save->section = false;
	save->md = EVP_MD_CTX_new();
	save->header = (struct mho_state_header){ .version = mho_cpu_to_le32(MHO_STATE_VERSION) };
	memcpy(save->header.magic, MHO_STATE_MAGIC, sizeof(save->header.magic));
	save->fill = 0;
	st->save = save;
	if (save->md) {
		ret = create_tmp(st);
		if (!ret)
			ret = append(st, &save->header, sizeof(save->header));
	} else {
		ret = save_fail(st, -ENOMEM, "SHA-256");
	}
	if (ret)
		mho_state_abort(st);
	return ret;
}

int mho_state_section(struct mho_state *st, uint32_t id)
{
	struct mho_state_save *save = st->save;
	int ret;

	if (!save)
		return mho_state_fail(st, -EINVAL, "no state is being saved to %s", st->path);
	if (save->error)
		return save->error;
	ret = end_section(st);
	if (ret)
		return ret;
	if (mho_state_find(&save->table, id))
		return save_fail(st, -EEXIST, "a section comes twice");
	ret = mho_state_add(&save->table, id, save->offset);
	if (ret)
		return save_fail(st, ret, "the table of sections");
	if (!EVP_DigestInit_ex(save->md, EVP_sha256(), NULL))
		return save_fail(st, -ENOMEM, "SHA-256");
	save->section = true;
	return 0;
}

int mho_state_write(struct mho_state *st, const void *data, size_t len)
{
	struct mho_state_save *save = st->save;

	if (!save)
		return mho_state_fail(st, -EINVAL, "no state is being saved to %s", st->path);
	if (save->error)
		return save->error;
	if (!save->section)
		return save_fail(st, -EINVAL, "data outside of a section");
	if (!EVP_DigestUpdate(save->md, data, len))
		return save_fail(st, -ENOMEM, "SHA-256");
	return append(st, data, len);
}

/* Table and footer, with the hash that state.c verifies. */
static int append_tables(struct mho_state *st)
{
	struct mho_state_save *save = st->save;
	struct mho_state_footer footer = {
		.table = mho_cpu_to_le64(save->offset),
		.entries = mho_cpu_to_le32(save->table.n),
	};
	int ret;

	memcpy(footer.magic, MHO_STATE_MAGIC, sizeof(footer.magic));
	if (!EVP_DigestInit_ex(save->md, EVP_sha256(), NULL) ||
	    !EVP_DigestUpdate(save->md, &save->header, sizeof(save->header)))
		return save_fail(st, -ENOMEM, "SHA-256");
	for (unsigned int i = 0; i < save->table.n; i++) {
		struct mho_state_entry e;

		mho_state_pack_entry(&save->table.list[i], &e);
		if (!EVP_DigestUpdate(save->md, &e, sizeof(e)))
			return save_fail(st, -ENOMEM, "SHA-256");
		ret = append(st, &e, sizeof(e));
		if (ret)
			return ret;
	}
	if (!EVP_DigestUpdate(save->md, &footer, offsetof(struct mho_state_footer, sha256)) ||
	    !EVP_DigestFinal_ex(save->md, footer.sha256, NULL))
		return save_fail(st, -ENOMEM, "SHA-256");
	return append(st, &footer, sizeof(footer));
}

static int sync_directory(struct mho_state *st)
{
	char *copy = strdup(st->path);
	int fd, ret = 0;

	if (!copy)
		return -ENOMEM;
	fd = st->ops->open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	free(copy);
	if (fd < 0)
		return -errno;
	/* Some file systems cannot do this, and say EINVAL. */
	if (st->ops->fsync(fd) < 0 && errno != EINVAL)
		ret = -errno;
	close(fd);
	return ret;
}

/* The new file is the state from here on. */
static void take_over(struct mho_state *st)
{
	struct mho_state_table old = st->table;

	if (st->fd >= 0)
		close(st->fd);
	st->fd = st->save->fd;
	st->save->fd = -1;
	st->table = st->save->table;
	st->save->table = old;
	free_save(st);
}

int mho_state_commit(struct mho_state *st)
{
	struct mho_state_save *save = st->save;
	int ret;

	if (!save)
		return mho_state_fail(st, -EINVAL, "no state is being saved to %s", st->path);
	ret = save->error;
	if (!ret)
		ret = end_section(st);
	if (!ret)
		ret = append_tables(st);
	if (!ret)
		ret = flush(st);
	if (!ret && st->ops->fsync(save->fd) < 0)
		ret = save_fail(st, -errno, st->tmp_path);
	if (!ret && st->ops->rename(st->tmp_path, st->path) < 0)
		ret = save_fail(st, -errno, st->path);
	if (ret) {
		mho_state_abort(st);
		return ret;
	}
	take_over(st);
	ret = sync_directory(st);
	if (ret)
		return mho_state_fail(st, ret,
				      "%s was saved, but may be lost if the machine crashes "
				      "now: its directory: %s",
				      st->path, strerror(-ret));
	return 0;
}

void mho_state_abort(struct mho_state *st)
{
	if (!st->save)
		return;
	if (st->save->fd >= 0)
		st->ops->unlink(st->tmp_path);
	free_save(st);
}
