// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The state file: locking, verification, reading. Writing is in state_save.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emulator/state.h"
#include "emulator/state_file.h"

#define CHUNK (256U << 10)
#define REMEDY "restore it from a copy, or remove it to begin with a blank device"

static int libc_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

static const struct mho_state_fileops libc_ops = {
	.open = libc_open,
	.write = write,
	.fsync = fsync,
	.rename = rename,
	.unlink = unlink,
};

int mho_state_fail(struct mho_state *st, int ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(st->error, sizeof(st->error), fmt, ap);
	va_end(ap);
	return ret;
}

struct mho_state_section *mho_state_find(const struct mho_state_table *table, uint32_t id)
{
	for (unsigned int i = 0; i < table->n; i++) {
		if (table->list[i].id == id)
			return &table->list[i];
	}
	return NULL;
}

int mho_state_add(struct mho_state_table *table, uint32_t id, uint64_t offset)
{
	if (table->n == MHO_STATE_SECTIONS_MAX)
		return -ENOSPC;
	if (table->n == table->room) {
		unsigned int room = table->room ? table->room * 2 : 16;
		void *list = realloc(table->list, room * sizeof(*table->list));

		if (!list)
			return -ENOMEM;
		table->list = list;
		table->room = room;
	}
	table->list[table->n++] = (struct mho_state_section){ .id = id, .offset = offset };
	return 0;
}

void mho_state_pack_entry(const struct mho_state_section *s, struct mho_state_entry *e)
{
	*e = (struct mho_state_entry){
		.id = mho_cpu_to_le32(s->id),
		.offset = mho_cpu_to_le64(s->offset),
		.length = mho_cpu_to_le64(s->length),
	};
	memcpy(e->sha256, s->sha256, sizeof(e->sha256));
}

/* Reads exactly @len bytes; -EBADMSG at the end of the file. */
static int read_at(int fd, uint64_t offset, void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EBADMSG;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int fail_read(struct mho_state *st, int ret)
{
	if (ret == -EBADMSG)
		return mho_state_fail(st, ret, "%s became shorter while it was read: " REMEDY,
				      st->path);
	return mho_state_fail(st, ret, "%s cannot be read: %s", st->path, strerror(-ret));
}

/* The hash over header, table and footer, as state_save.c makes it. */
static int hash_tables(const struct mho_state_header *header, const struct mho_state_entry *entries,
		       const struct mho_state_footer *footer, uint8_t *sha256)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int ret = -ENOMEM;

	if (md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(md, header, sizeof(*header)) &&
	    EVP_DigestUpdate(md, entries, mho_le32_to_cpu(footer->entries) * sizeof(*entries)) &&
	    EVP_DigestUpdate(md, footer, offsetof(struct mho_state_footer, sha256)) &&
	    EVP_DigestFinal_ex(md, sha256, NULL))
		ret = 0;
	EVP_MD_CTX_free(md);
	return ret;
}

/* Takes over a table whose hash is right; sections must follow each other without gaps. */
static int unpack_table(struct mho_state *st, const struct mho_state_entry *entries, unsigned int n,
			uint64_t end)
{
	uint64_t offset = sizeof(struct mho_state_header);

	for (unsigned int i = 0; i < n; i++) {
		uint32_t id = mho_le32_to_cpu(entries[i].id);
		uint64_t length = mho_le64_to_cpu(entries[i].length);
		struct mho_state_section *s;
		int ret;

		if (mho_le64_to_cpu(entries[i].offset) != offset || length > end - offset ||
		    mho_state_find(&st->table, id))
			return mho_state_fail(st, -EBADMSG,
					      "%s is damaged (entry %u of its table): " REMEDY,
					      st->path, i);
		ret = mho_state_add(&st->table, id, offset);
		if (ret)
			return mho_state_fail(st, ret, "no memory for the table of %s", st->path);
		s = &st->table.list[i];
		s->length = length;
		memcpy(s->sha256, entries[i].sha256, sizeof(s->sha256));
		offset += length;
	}
	if (offset != end)
		return mho_state_fail(st, -EBADMSG,
				      "%s is damaged (its table leaves bytes out): " REMEDY,
				      st->path);
	return 0;
}

static int check_header(struct mho_state *st, uint64_t size, struct mho_state_header *header)
{
	int ret;

	if (size < sizeof(*header) + sizeof(struct mho_state_footer))
		return mho_state_fail(st, -EBADMSG,
				      "%s holds only %" PRIu64 " bytes, it was cut off: " REMEDY,
				      st->path, size);
	ret = read_at(st->fd, 0, header, sizeof(*header));
	if (ret)
		return fail_read(st, ret);
	if (memcmp(header->magic, MHO_STATE_MAGIC, sizeof(header->magic)) != 0)
		return mho_state_fail(st, -EBADMSG,
				      "%s is no state file of a device: name another file, or "
				      "remove it to begin with a blank device",
				      st->path);
	if (mho_le32_to_cpu(header->version) > MHO_STATE_VERSION)
		return mho_state_fail(st, -EPROTONOSUPPORT,
				      "%s has format %u, this version of mho knows formats up to "
				      "%d: use the version that wrote it",
				      st->path, mho_le32_to_cpu(header->version),
				      MHO_STATE_VERSION);
	return 0;
}

static int check_footer(struct mho_state *st, uint64_t size, struct mho_state_footer *footer)
{
	uint64_t at = size - sizeof(*footer);
	uint32_t n;
	int ret;

	ret = read_at(st->fd, at, footer, sizeof(*footer));
	if (ret)
		return fail_read(st, ret);
	n = mho_le32_to_cpu(footer->entries);
	if (memcmp(footer->magic, MHO_STATE_MAGIC, sizeof(footer->magic)) != 0)
		return mho_state_fail(st, -EBADMSG,
				      "%s does not end as a state file does at byte %" PRIu64
				      ", it was cut off or overwritten: " REMEDY,
				      st->path, at);
	if (n > MHO_STATE_SECTIONS_MAX ||
	    at < sizeof(struct mho_state_header) + n * sizeof(struct mho_state_entry) ||
	    mho_le64_to_cpu(footer->table) != at - n * sizeof(struct mho_state_entry))
		return mho_state_fail(
			st, -EBADMSG,
			"%s is damaged (its table is not where the footer says): " REMEDY,
			st->path);
	return 0;
}

static int read_table(struct mho_state *st, uint64_t size)
{
	struct mho_state_entry *entries;
	struct mho_state_header header;
	struct mho_state_footer footer;
	uint8_t sha256[MHO_STATE_HASH_SIZE];
	uint32_t n;
	int ret;

	ret = check_header(st, size, &header);
	if (!ret)
		ret = check_footer(st, size, &footer);
	if (ret)
		return ret;
	n = mho_le32_to_cpu(footer.entries);
	entries = malloc((n ? n : 1) * sizeof(*entries));
	if (!entries)
		return mho_state_fail(st, -ENOMEM, "no memory for the table of %s", st->path);
	ret = read_at(st->fd, mho_le64_to_cpu(footer.table), entries, n * sizeof(*entries));
	if (ret) {
		fail_read(st, ret);
		goto out;
	}
	ret = hash_tables(&header, entries, &footer, sha256);
	if (ret) {
		mho_state_fail(st, ret, "no memory to verify %s", st->path);
		goto out;
	}
	if (memcmp(sha256, footer.sha256, sizeof(sha256)) != 0) {
		ret = mho_state_fail(
			st, -EBADMSG,
			"%s is damaged (its table does not match its SHA-256): " REMEDY, st->path);
		goto out;
	}
	ret = unpack_table(st, entries, n, mho_le64_to_cpu(footer.table));
out:
	free(entries);
	return ret;
}

static int verify_section(struct mho_state *st, const struct mho_state_section *s, EVP_MD_CTX *md,
			  void *chunk)
{
	uint8_t sha256[MHO_STATE_HASH_SIZE];
	uint64_t done = 0;

	if (!EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		return mho_state_fail(st, -ENOMEM, "no memory to verify %s", st->path);
	while (done < s->length) {
		size_t part = s->length - done < CHUNK ? (size_t)(s->length - done) : CHUNK;
		int ret = read_at(st->fd, s->offset + done, chunk, part);

		if (ret)
			return fail_read(st, ret);
		if (!EVP_DigestUpdate(md, chunk, part))
			return mho_state_fail(st, -ENOMEM, "no memory to verify %s", st->path);
		done += part;
	}
	if (!EVP_DigestFinal_ex(md, sha256, NULL))
		return mho_state_fail(st, -ENOMEM, "no memory to verify %s", st->path);
	if (memcmp(sha256, s->sha256, sizeof(sha256)) != 0)
		return mho_state_fail(
			st, -EBADMSG,
			"%s is damaged (section 0x%x does not match its SHA-256): " REMEDY,
			st->path, s->id);
	return 0;
}

static int verify_sections(struct mho_state *st)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	void *chunk = malloc(CHUNK);
	int ret = 0;

	if (!md || !chunk)
		ret = mho_state_fail(st, -ENOMEM, "no memory to verify %s", st->path);
	for (unsigned int i = 0; i < st->table.n && !ret; i++)
		ret = verify_section(st, &st->table.list[i], md, chunk);
	free(chunk);
	EVP_MD_CTX_free(md);
	return ret;
}

/* O_NONBLOCK: opening a FIFO by mistake must not hang. */
static int load(struct mho_state *st)
{
	struct stat sb;
	int ret;

	st->fd = st->ops->open(st->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	if (st->fd < 0 && errno == ENOENT)
		return 0;
	if (st->fd < 0 || fstat(st->fd, &sb) < 0) {
		ret = -errno;
		return mho_state_fail(st, ret, "state file %s cannot be opened: %s", st->path,
				      strerror(-ret));
	}
	if (!S_ISREG(sb.st_mode))
		return mho_state_fail(
			st, -EINVAL, "%s is not a regular file: name another state file", st->path);
	ret = read_table(st, (uint64_t)sb.st_size);
	return ret ? ret : verify_sections(st);
}

static int lock(struct mho_state *st)
{
	int ret;

	st->lock_fd = st->ops->open(st->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (st->lock_fd < 0) {
		ret = -errno;
		return mho_state_fail(
			st, ret,
			"lock file %s cannot be made: %s; the state file must be in a "
			"directory that can be written to",
			st->lock_path, strerror(-ret));
	}
	if (flock(st->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	ret = -errno;
	if (ret == -EWOULDBLOCK)
		return mho_state_fail(
			st, -EBUSY,
			"state file %s is in use by another device: close that one, or "
			"name another file",
			st->path);
	return mho_state_fail(st, ret, "%s cannot be locked: %s", st->lock_path, strerror(-ret));
}

static char *join(const char *a, const char *between, const char *b)
{
	size_t size = strlen(a) + strlen(between) + strlen(b) + 1;
	char *s = malloc(size);

	if (s)
		snprintf(s, size, "%s%s%s", a, between, b);
	return s;
}

/* The file's name without symbolic links; the file need not exist, its directory must. */
static char *resolve(const char *path)
{
	char *full = realpath(path, NULL);
	char *dir_copy, *base_copy, *dir;

	if (full || errno != ENOENT)
		return full;
	dir_copy = strdup(path);
	base_copy = strdup(path);
	dir = dir_copy ? realpath(dirname(dir_copy), NULL) : NULL;
	if (dir && base_copy)
		full = join(dir, strcmp(dir, "/") ? "/" : "", basename(base_copy));
	free(dir);
	free(base_copy);
	free(dir_copy);
	return full;
}

static int set_paths(struct mho_state *st, const char *path)
{
	int ret;

	if (!*path)
		return mho_state_fail(st, -EINVAL, "the name of the state file is empty");
	errno = ENOMEM;
	st->path = resolve(path);
	if (!st->path) {
		ret = -errno;
		return mho_state_fail(st, ret,
				      "state file %s cannot be found: %s; its directory "
				      "must exist",
				      path, strerror(-ret));
	}
	st->tmp_path = join(st->path, "", ".tmp");
	st->lock_path = join(st->path, "", ".lock");
	if (!st->tmp_path || !st->lock_path)
		return mho_state_fail(st, -ENOMEM, "no memory for state file %s", path);
	return 0;
}

int mho_state_open(const char *path, const struct mho_state_fileops *ops, struct mho_state **out,
		   char *err, size_t err_len)
{
	struct mho_state *st = calloc(1, sizeof(*st));
	int ret;

	if (!st) {
		snprintf(err, err ? err_len : 0, "no memory for state file %s", path);
		return -ENOMEM;
	}
	st->ops = ops ? ops : &libc_ops;
	st->lock_fd = -1;
	st->fd = -1;
	ret = set_paths(st, path);
	if (!ret)
		ret = lock(st);
	if (!ret)
		ret = load(st);
	if (ret) {
		snprintf(err, err ? err_len : 0, "%s", st->error);
		mho_state_close(st);
		return ret;
	}
	/* With the lock held, nobody is writing it: a crashed save has left it. */
	st->ops->unlink(st->tmp_path);
	*out = st;
	return 0;
}

void mho_state_close(struct mho_state *st)
{
	if (!st)
		return;
	mho_state_abort(st);
	if (st->fd >= 0)
		close(st->fd);
	if (st->lock_fd >= 0)
		close(st->lock_fd);
	free(st->table.list);
	free(st->lock_path);
	free(st->tmp_path);
	free(st->path);
	free(st);
}

bool mho_state_exists(const struct mho_state *st)
{
	return st->fd >= 0;
}

int64_t mho_state_size(const struct mho_state *st, uint32_t id)
{
	const struct mho_state_section *s = mho_state_find(&st->table, id);

	return s ? (int64_t)s->length : -ENOENT;
}

int mho_state_read(const struct mho_state *st, uint32_t id, uint64_t offset, void *data, size_t len)
{
	const struct mho_state_section *s = mho_state_find(&st->table, id);

	if (!s)
		return -ENOENT;
	if (offset > s->length || len > s->length - offset)
		return -ERANGE;
	return read_at(st->fd, s->offset + offset, data, len);
}

const char *mho_state_error(const struct mho_state *st)
{
	return st->error;
}
