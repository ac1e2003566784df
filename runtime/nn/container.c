// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Writing and reading the checkpoint's file; its layout is in container.h.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "nn/container.h"
#include "nn/internal.h"

#define MAGIC "mho-nn\r\n"
#define HEAD_BYTES 24
#define TEXT_MAX (64U << 20)
#define FILE_MAX (1ULL << 40)

/* ---- bytes ---- */

static void put32(uint8_t *at, uint32_t v)
{
	v = htole32(v);
	memcpy(at, &v, sizeof(v));
}

static void put64(uint8_t *at, uint64_t v)
{
	v = htole64(v);
	memcpy(at, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return le64toh(v);
}

static uint32_t crc(const uint8_t *bytes, size_t len)
{
	return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, len);
}

/* The whole file in memory. */
static uint8_t *encode(const struct nn_container *c, size_t *len)
{
	size_t array = c->floats * sizeof(float);
	uint8_t *bytes, *at;

	*len = HEAD_BYTES + c->text_len + array + 4;
	bytes = malloc(*len);
	if (!bytes)
		return NULL;
	memcpy(bytes, MAGIC, 8);
	put32(bytes + 8, NN_CONTAINER_VERSION);
	put32(bytes + 12, (uint32_t)c->text_len);
	put64(bytes + 16, array);
	at = bytes + HEAD_BYTES;
	memcpy(at, c->text, c->text_len);
	at += c->text_len;
	for (size_t i = 0; i < c->floats; i++, at += 4) {
		uint32_t bits;

		memcpy(&bits, &c->array[i], sizeof(bits));
		put32(at, bits);
	}
	put32(at, crc(bytes, *len - 4));
	return bytes;
}

/* ---- writing ---- */

static int write_error(const char *path, const char *what)
{
	int err = errno;
	const char *remedy = err == ENOSPC || err == EDQUOT || err == EFBIG ?
				     "; make room or choose another place" :
			     err == EACCES || err == EPERM || err == EROFS ?
				     "; choose a place where you may write" :
				     "";

	return nn_error(-err, "%s: %s: %s%s", path, what, strerror(err), remedy);
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

/* A rename is on the disk when its directory is. */
static void sync_directory(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/*
 * Takes the open file @name for this process alone, and empties it. Return: 1, 0 if it has another
 * name by now, or -1 and errno: EWOULDBLOCK if another process has it.
 */
static int take(int fd, const char *name)
{
	struct stat ours, named;

	/* Where files cannot be locked it goes without. */
	if ((flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) || fstat(fd, &ours))
		return -1;
	if (stat(name, &named) || named.st_dev != ours.st_dev || named.st_ino != ours.st_ino)
		return 0;
	return ftruncate(fd, 0) ? -1 : 1;
}

/*
 * Opens the file that is to become the new one. Two processes that write one checkpoint do not mix
 * their bytes; and what another one has renamed meanwhile is its checkpoint, not a file to write
 * to. Return: fd, or -1 and errno.
 */
static int open_alone(const char *temp)
{
	for (;;) {
		int fd = open(temp, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
		int taken = fd < 0 ? -1 : take(fd, temp);
		int err = errno;

		if (taken > 0)
			return fd;
		if (fd >= 0)
			close(fd);
		errno = err;
		if (taken < 0)
			return -1;
	}
}

static int replace(const char *path, const uint8_t *bytes, size_t len)
{
	char temp[PATH_MAX];
	int fd, n = snprintf(temp, sizeof(temp), "%s.new", path);
	int err = 0;

	if (n < 0 || (size_t)n >= sizeof(temp)) {
		errno = ENAMETOOLONG;
		return write_error(path, "cannot be written");
	}
	fd = open_alone(temp);
	if (fd < 0 && errno == EWOULDBLOCK)
		return nn_error(-EBUSY,
				"%s: another program is writing this checkpoint; name another file",
				path);
	if (fd < 0)
		return write_error(temp, "cannot be written");
	if (write_all(fd, bytes, len))
		err = write_error(path, "writing failed, the file is as it was");
	else if (rename(temp, path))
		err = write_error(path, "cannot be replaced, it is as it was");
	if (err)
		unlink(temp);
	else
		sync_directory(path);
	/* Also gives up the lock; all is on the disk by now. */
	close(fd);
	return err;
}

/* Only a checkpoint, or an empty file, may be replaced. */
static bool precious(const char *path)
{
	char head[sizeof(MAGIC) - 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, head, sizeof(head));
	close(fd);
	return n > 0 && (n != sizeof(head) || memcmp(head, MAGIC, sizeof(head)));
}

int nn_container_write(const char *path, const struct nn_container *c)
{
	char real[PATH_MAX];
	uint8_t *bytes;
	struct stat st;
	size_t len;
	int err;

	if (!stat(path, &st)) {
		if (!S_ISREG(st.st_mode))
			return nn_error(-EINVAL,
					"%s: is not a regular file; name another for the "
					"checkpoint",
					path);
		if (precious(path))
			return nn_error(-EEXIST,
					"%s: is not a checkpoint, and what it holds would be lost; "
					"name another file for the checkpoint",
					path);
		/* Of a symbolic link, the file is replaced, not the link. */
		if (realpath(path, real))
			path = real;
	}
	if (c->text_len > TEXT_MAX)
		return nn_error(-EFBIG, "%s: the checkpoint's text is too long", path);
	bytes = encode(c, &len);
	if (!bytes)
		return nn_no_memory();
	err = replace(path, bytes, len);
	free(bytes);
	return err;
}

/* ---- reading ---- */

static int damaged(const char *path, const char *what)
{
	return nn_error(-EBADMSG, "%s: %s; use another checkpoint or train anew", path, what);
}

static int read_error(const char *path)
{
	int err = errno;

	return nn_error(-err, "%s: %s", path,
			err == ENOENT ? "there is no such checkpoint" :
			err == EACCES ? "no permission to read it; see ls -l and chmod" :
					strerror(err));
}

static int load(const char *path, uint8_t **out, size_t *len)
{
	uint8_t *bytes = NULL;
	struct stat st;
	size_t done = 0;
	int err = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		err = read_error(path);
	} else if (!S_ISREG(st.st_mode)) {
		err = nn_error(-EINVAL, "%s: is not a regular file", path);
	} else if (st.st_size < HEAD_BYTES + 4 || (uint64_t)st.st_size > FILE_MAX) {
		err = damaged(path, "is no checkpoint, or is cut off");
	} else {
		bytes = malloc((size_t)st.st_size);
		err = bytes ? 0 : nn_no_memory();
	}
	while (!err && done < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + done, (size_t)st.st_size - done);

		if (n < 0 && errno != EINTR)
			err = read_error(path);
		else if (n == 0)
			err = damaged(path, "the file became shorter while it was read");
		else if (n > 0)
			done += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	if (err) {
		free(bytes);
		return err;
	}
	*out = bytes;
	*len = done;
	return 0;
}

static int check(const char *path, const uint8_t *bytes, size_t len)
{
	uint64_t text = get32(bytes + 12), array = get64(bytes + 16), need;

	if (memcmp(bytes, MAGIC, 8))
		return damaged(path, "is no checkpoint of mho");
	if (get32(bytes + 8) > NN_CONTAINER_VERSION)
		return nn_error(-EPROTONOSUPPORT,
				"%s: a checkpoint of version %u; this program knows versions up to "
				"%u: use a later one",
				path, get32(bytes + 8), NN_CONTAINER_VERSION);
	if (text > TEXT_MAX || array > FILE_MAX || array % 4)
		return damaged(path, "the checkpoint is damaged (lengths in its heading)");
	need = HEAD_BYTES + text + array + 4;
	if (len < need)
		return nn_error(-EBADMSG,
				"%s: the checkpoint is cut off: %zu of %llu bytes are there; use "
				"another checkpoint or train anew",
				path, len, (unsigned long long)need);
	if (len > need || get32(bytes + len - 4) != crc(bytes, len - 4))
		return damaged(path, "the checkpoint is damaged (its checksum is wrong)");
	return 0;
}

static int decode(const uint8_t *bytes, struct nn_container *c)
{
	const uint8_t *at = bytes + HEAD_BYTES;

	c->text_len = get32(bytes + 12);
	c->floats = (size_t)get64(bytes + 16) / 4;
	c->text = malloc(c->text_len + 1);
	c->array = malloc(c->floats * sizeof(float) + 1);
	if (!c->text || !c->array) {
		free(c->text);
		free(c->array);
		return nn_no_memory();
	}
	memcpy(c->text, at, c->text_len);
	c->text[c->text_len] = '\0';
	at += c->text_len;
	for (size_t i = 0; i < c->floats; i++, at += 4) {
		uint32_t bits = get32(at);

		memcpy(&c->array[i], &bits, sizeof(bits));
	}
	return 0;
}

int nn_container_read(const char *path, struct nn_container *c)
{
	uint8_t *bytes;
	size_t len;
	int err = load(path, &bytes, &len);

	if (err)
		return err;
	err = check(path, bytes, len);
	if (!err)
		err = decode(bytes, c);
	free(bytes);
	return err;
}
