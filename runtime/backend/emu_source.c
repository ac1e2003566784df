// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Where the emulated device's topology and firmware come from: what is built in,
 * blobs in files, and device-tree sources, which dtc compiles.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/emu_dev.h"
#include "core/blob.h"
#include "emulator/topo.h"

#define TOPOLOGY_PREFIX "topology/"
#define DEFAULT_TOPOLOGY "default"
#define DEFAULT_FIRMWARE "firmware/mho-1"
/* Files beyond this are none of ours; the device's own limits are lower. */
#define FILE_MAX ((size_t)64 << 20)

extern char **environ;

/* ---- files ---- */

/* Reads @fd to its end. */
static int read_all(int fd, const char *what, const char *path, void **data, size_t *len)
{
	size_t size = 0, room = 65536;
	char *buf = NULL, *bigger;
	ssize_t n;
	int err;

	do {
		if (!buf || size == room) {
			room = buf ? room * 2 : room;
			bigger = room <= 2 * FILE_MAX ? realloc(buf, room) : NULL;
			if (!bigger) {
				err = mrt_fail(room > FILE_MAX ? -EINVAL : -ENOMEM,
					       "%s %s is too large", what, path);
				goto fail;
			}
			buf = bigger;
		}
		n = read(fd, buf + size, room - size);
		if (n < 0 && errno != EINTR) {
			err = mrt_fail(-errno, "%s %s cannot be read: %s", what, path,
				       mho_strerror(-errno));
			goto fail;
		}
		size += n > 0 ? (size_t)n : 0;
	} while (n);
	*data = buf;
	*len = size;
	return 0;
fail:
	free(buf);
	return err;
}

static int read_file(const char *what, const char *path, void **data, size_t *len)
{
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mrt_fail(-errno, "%s %s cannot be opened: %s", what, path,
				mho_strerror(-errno));
	err = read_all(fd, what, path, data, len);
	close(fd);
	if (!err && !*len) {
		free(*data);
		err = mrt_fail(-EINVAL, "%s %s is empty", what, path);
	}
	return err;
}

static int copy_blob(const struct mho_blob *blob, void **data, size_t *len)
{
	*data = malloc(blob->len);
	if (!*data)
		return mrt_fail(-ENOMEM, "out of memory for %s", blob->name);
	memcpy(*data, blob->data, blob->len);
	*len = blob->len;
	return 0;
}

/* ---- dtc ---- */

static int spawn_dtc(const char *path, int out, int messages, pid_t *pid)
{
	char *argv[] = {
		"dtc", "-q", "-I", "dts", "-O", "dtb", "-o", "-", "--", (char *)path, NULL
	};
	posix_spawn_file_actions_t actions;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
	err = posix_spawnp(pid, "dtc", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err == ENOENT)
		return mrt_fail(-ENOENT,
				"%s is a source, and dtc, which compiles it, is not "
				"installed; install device-tree-compiler, or compile it "
				"elsewhere and name the .dtb",
				path);
	return err ? mrt_fail(-err, "dtc cannot be started: %s", mho_strerror(-err)) : 0;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EINVAL;
}

/* The first line that dtc said. */
static void first_line(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static int compile(const char *path, void **data, size_t *len)
{
	char text[512];
	int fds[2], messages, err;
	pid_t pid;

	if (access(path, R_OK))
		return mrt_fail(-errno, "the topology %s cannot be opened: %s", path,
				mho_strerror(-errno));
	messages = memfd_create("mho-dtc", MFD_CLOEXEC);
	if (messages < 0)
		return mrt_fail(-errno, "no memory for what dtc says: %s", mho_strerror(-errno));
	if (pipe2(fds, O_CLOEXEC)) {
		err = mrt_fail(-errno, "no pipe for dtc: %s", mho_strerror(-errno));
		goto close_messages;
	}
	err = spawn_dtc(path, fds[1], messages, &pid);
	close(fds[1]);
	if (!err) {
		err = read_all(fds[0], "the topology", path, data, len);
		close(fds[0]);
		if (wait_for(pid) && !err) {
			free(*data);
			first_line(messages, text, sizeof(text));
			err = mrt_fail(-EINVAL, "dtc does not compile the topology %s: %s", path,
				       text);
		}
	} else {
		close(fds[0]);
	}
close_messages:
	close(messages);
	return err;
}

/* ---- what a URI names ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && !strcmp(text + n - m, end);
}

static bool is_topology(const struct mho_blob *blob)
{
	return !strncmp(blob->name, TOPOLOGY_PREFIX, strlen(TOPOLOGY_PREFIX));
}

static int no_topology(const char *name)
{
	char names[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < mho_nblobs && used < sizeof(names); i++)
		if (is_topology(&mho_blobs[i]))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "",
						 mho_blobs[i].name + strlen(TOPOLOGY_PREFIX));
	return mrt_fail(
		-ENOENT,
		"no topology \"%s\" is built in; there are %s; a file's name ends in .dtb or "
		".dts",
		name, names);
}

int emub_load_topology(const struct mrt_uri *uri, void **data, size_t *len)
{
	const char *path = *uri->path ? uri->path : DEFAULT_TOPOLOGY;
	const struct mho_blob *blob;
	char name[128];

	if (ends_with(path, ".dtb"))
		return read_file("the topology", path, data, len);
	if (ends_with(path, ".dts"))
		return compile(path, data, len);
	snprintf(name, sizeof(name), TOPOLOGY_PREFIX "%s", path);
	blob = mho_blob_find(name);
	return blob ? copy_blob(blob, data, len) : no_topology(path);
}

int emub_load_firmware(const struct mrt_uri *uri, void **data, size_t *len)
{
	const struct mho_blob *blob;

	if (uri->firmware)
		return read_file("the firmware", uri->firmware, data, len);
	blob = mho_blob_find(DEFAULT_FIRMWARE);
	if (!blob)
		return mrt_fail(-ENOENT, "this libmho was built without firmware; name one with "
					 "firmware=FILE");
	return copy_blob(blob, data, len);
}

static int found(const struct mho_blob *blob, mho_found_fn fn, void *arg)
{
	struct mho_found f = { 0 };
	char uri[128], text[256];
	struct mho_topo *topo;
	int ret;

	ret = mho_topo_parse(blob->data, blob->len, NULL, &topo, text, sizeof(text));
	if (ret)
		return mrt_fail(ret, "the built-in %s: %s", blob->name, text);
	snprintf(uri, sizeof(uri), "emu:%s", blob->name + strlen(TOPOLOGY_PREFIX));
	f.uri = uri;
	f.model = topo->model;
	f.tiles = topo->ntiles;
	for (unsigned int i = 0; i < topo->ntiles; i++) {
		const struct mho_topo_tile *t = &topo->tiles[i];

		if ((uint32_t)t->rows * t->cols > f.rows * f.cols) {
			f.rows = t->rows;
			f.cols = t->cols;
		}
	}
	ret = fn(&f, arg);
	mho_topo_free(topo);
	return ret;
}

int emub_enumerate(mho_found_fn fn, void *arg)
{
	int ret = 0;

	for (size_t i = 0; i < mho_nblobs && !ret; i++)
		if (is_topology(&mho_blobs[i]))
			ret = found(&mho_blobs[i], fn, arg);
	return ret;
}
