// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See trace_fs.h. An instance outlives a program that was killed; the next one that makes an
 * instance takes away those whose process is gone.
 */
#include "trace/trace_fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_KIB "8192" /* for each CPU: some ten thousand events */
#define LINE_MAX_BYTES 512
#define READ_SIZE (64U << 10)

static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
static const char *const wanted[] = { "mho_submit", "mho_push",	      "mho_complete",
				      "mho_done",   "mho_timeout",    "mho_queue_reset",
				      "mho_wedged", "mho_reset_begin" };

/**
 * struct mrt_trace_fs - an instance
 * @dir: its directory
 * @pipe: its trace_pipe
 * @used: bytes of @text: a line that has no end yet
 * @text: what was read
 */
struct mrt_trace_fs {
	char dir[256];
	int pipe;
	size_t used;
	char text[READ_SIZE + 1];
};

static __attribute__((format(printf, 4, 5))) int refuse(char *why, size_t size, int err,
							const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return err;
}

static int put(const struct mrt_trace_fs *fs, const char *name, const char *value)
{
	char path[512];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", fs->dir, name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int enable(const struct mrt_trace_fs *fs)
{
	char name[64];
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(wanted) / sizeof(*wanted); i++) {
		snprintf(name, sizeof(name), "events/mho/%s/enable", wanted[i]);
		err = put(fs, name, "1");
	}
	return err;
}

static const char prefix[] = "mho-";

static void remove_stale(const char *instances)
{
	DIR *dir = opendir(instances);
	struct dirent *entry;
	char path[1024];

	while (dir && (entry = readdir(dir))) {
		pid_t pid = strncmp(entry->d_name, prefix, sizeof(prefix) - 1) ?
				    0 :
				    atoi(entry->d_name + sizeof(prefix) - 1);

		if (pid <= 0 || !kill(pid, 0) || errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), "%s/%s", instances, entry->d_name);
		rmdir(path);
	}
	if (dir)
		closedir(dir);
}

/* The directory of tracefs, in @fs->dir. */
static int find(struct mrt_trace_fs *fs, const char *root, char *why, size_t size)
{
	struct stat st;
	int err = -ENOENT;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(fs->dir, sizeof(fs->dir), "%s%s/instances", root, places[i]);
		if (!access(fs->dir, W_OK | X_OK)) {
			fs->dir[strlen(fs->dir) - strlen("/instances")] = '\0';
			return 0;
		}
		if (errno == EACCES || errno == EROFS)
			err = -EACCES;
	}
	snprintf(fs->dir, sizeof(fs->dir), "%s%s", root, places[0]);
	if (err == -EACCES || (!stat(fs->dir, &st) && access(fs->dir, R_OK | X_OK)))
		return refuse(why, size, -EACCES,
			      "the driver's part needs root: this user may not use %s; run the "
			      "program as root, or \"sudo mhoctl trace\" beside it",
			      fs->dir);
	return refuse(why, size, err,
		      "there is no tracefs at %s; as root: mount -t tracefs tracefs %s", fs->dir,
		      fs->dir);
}

static int make(struct mrt_trace_fs *fs, char *why, size_t size)
{
	char path[512];
	size_t end = strlen(fs->dir);
	int n = 0, err;

	snprintf(path, sizeof(path), "%s/events/mho", fs->dir);
	if (access(path, F_OK))
		return refuse(why, size, -ENODEV,
			      "the kernel has no tracepoints of mho: its driver is not loaded "
			      "(modprobe mho), or the kernel was built without them");
	snprintf(path, sizeof(path), "%s/instances", fs->dir);
	remove_stale(path);
	do
		snprintf(fs->dir + end, sizeof(fs->dir) - end, "/instances/%s%d.%d", prefix,
			 (int)getpid(), n++);
	while ((err = mkdir(fs->dir, 0700) ? -errno : 0) == -EEXIST && n < 100);
	if (err)
		return refuse(why, size, err, "%s cannot be made: %s", fs->dir,
			      strerrordesc_np(-err));
	return 0;
}

int mrt_trace_fs_start(const char *root, struct mrt_trace_fs **out, char *why, size_t size)
{
	struct mrt_trace_fs *fs = calloc(1, sizeof(*fs));
	char path[512];
	int err;

	if (!fs)
		return refuse(why, size, -ENOMEM, "out of memory");
	err = find(fs, root, why, size);
	if (!err)
		err = make(fs, why, size);
	if (err) {
		free(fs);
		return err;
	}
	snprintf(path, sizeof(path), "%s/trace_pipe", fs->dir);
	fs->pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	err = fs->pipe < 0 ? -errno : put(fs, "trace_clock", "mono");
	if (!err)
		err = put(fs, "buffer_size_kb", BUFFER_KIB);
	if (!err)
		err = enable(fs);
	if (!err) {
		*out = fs;
		return 0;
	}
	refuse(why, size, err, "tracepoints cannot be recorded in %s: %s", fs->dir,
	       strerrordesc_np(-err));
	mrt_trace_fs_free(fs);
	return err;
}

/* Hands over whole lines; the rest is moved to the beginning. */
static void hand_over(struct mrt_trace_fs *fs, void (*line)(void *arg, const char *text), void *arg)
{
	char *at = fs->text, *end;

	fs->text[fs->used] = '\0';
	while ((end = strchr(at, '\n'))) {
		*end = '\0';
		line(arg, at);
		at = end + 1;
	}
	fs->used = strlen(at);
	if (fs->used > LINE_MAX_BYTES)
		fs->used = 0;
	memmove(fs->text, at, fs->used);
}

void mrt_trace_fs_read(struct mrt_trace_fs *fs, void (*line)(void *arg, const char *text),
		       void *arg)
{
	ssize_t n;

	while ((n = read(fs->pipe, fs->text + fs->used, READ_SIZE - fs->used)) > 0) {
		fs->used += (size_t)n;
		hand_over(fs, line, arg);
	}
}

void mrt_trace_fs_stop(struct mrt_trace_fs *fs)
{
	put(fs, "events/enable", "0");
}

void mrt_trace_fs_free(struct mrt_trace_fs *fs)
{
	if (!fs)
		return;
	if (fs->pipe >= 0)
		close(fs->pipe);
	rmdir(fs->dir);
	free(fs);
}
