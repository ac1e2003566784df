// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl top: who uses a card. The kernel's own account of an open file is in
 * /proc/PID/fdinfo (Documentation/gpu/drm-usage-stats.rst of the kernel). Whoever may not look
 * into a process does not see its files.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/mhoctl/fs.h"
#include "tools/mhoctl/top.h"

#define FDINFO_MAX 4096

/* What fdinfo says of one file. */
struct fdinfo {
	bool ours;
	char address[32];
	struct top_client client;
};

/* "123 KiB" as bytes; no unit means bytes. */
static uint64_t bytes_of(const char *text)
{
	char *unit;
	uint64_t n = strtoull(text, &unit, 10);

	unit += strspn(unit, " \t");
	if (strncmp(unit, "KiB", 3) == 0)
		return n << 10;
	if (strncmp(unit, "MiB", 3) == 0)
		return n << 20;
	return n;
}

static bool begins(const char *key, const char *start)
{
	return strncmp(key, start, strlen(start)) == 0;
}

/* A line "key:<tab>value"; what is not known is passed over. */
static void take_line(struct fdinfo *info, const char *key, const char *value)
{
	if (strcmp(key, "drm-driver") == 0)
		info->ours = strcmp(value, "mho") == 0;
	else if (strcmp(key, "drm-pdev") == 0)
		snprintf(info->address, sizeof(info->address), "%.31s", value);
	else if (strcmp(key, "drm-client-id") == 0)
		info->client.id = strtoull(value, NULL, 10);
	else if (strcmp(key, "mho-device-time") == 0)
		info->client.busy_ns = strtoull(value, NULL, 10);
	else if (begins(key, "drm-total-"))
		info->client.memory += bytes_of(value);
	else if (strcmp(key, "mho-queues") == 0)
		info->client.queues = (int)strtol(value, NULL, 10);
}

static void parse_fdinfo(char *text, struct fdinfo *info)
{
	char *line, *rest = NULL;

	*info = (struct fdinfo){ .client.queues = -1 };
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon++ = '\0';
		take_line(info, line, colon + strspn(colon, " \t"));
	}
}

static void name_user(const char *root, int pid, char *name, size_t size)
{
	char file[64], line[64];
	struct passwd *user = NULL;
	unsigned int uid;

	snprintf(file, sizeof(file), "proc/%d/status", pid);
	if (!fs_find_line(root, file, "Uid:", line, sizeof(line)) ||
	    sscanf(line, "%*u %u", &uid) != 1)
		return;
	/* The names of a system below another root are not known here. */
	if (!*root)
		user = getpwuid(uid);
	if (user)
		snprintf(name, size, "%.31s", user->pw_name);
	else
		snprintf(name, size, "%u", uid);
}

static struct top_client *find_client(const struct top_sample *sample, uint64_t id)
{
	for (unsigned int i = 0; i < sample->nclients; i++)
		if (sample->clients[i].id == id)
			return &sample->clients[i];
	return NULL;
}

/* Descriptors of one open file, in whatever processes, count once. */
static int add_client(const char *root, int pid, const struct top_client *client,
		      struct top_sample *to)
{
	struct top_client *list = find_client(to, client->id);

	if (list) {
		if (pid >= list->pid)
			return 0;
		to->nclients--;
		*list = to->clients[to->nclients];
	}
	list = realloc(to->clients, (to->nclients + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	to->clients = list;
	list += to->nclients++;
	*list = *client;
	list->pid = pid;
	name_user(root, pid, list->user, sizeof(list->user));
	fs_read(root, list->command, sizeof(list->command), "proc/%d/comm", pid);
	for (char *c = list->command; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return 0;
}

static int look_at_fd(const char *root, int pid, const char *fd, const char *address,
		      struct top_sample *to)
{
	char path[PATH_MAX], target[32], text[FDINFO_MAX];
	struct fdinfo info;
	ssize_t n;

	/* Most descriptors are no device nodes: those are not asked. */
	fs_path(root, path, "proc/%d/fd/%s", pid, fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	if (!begins(target, "/dev/") ||
	    !fs_read(root, text, sizeof(text), "proc/%d/fdinfo/%s", pid, fd))
		return 0;
	parse_fdinfo(text, &info);
	if (!info.ours || strcmp(info.address, address) != 0)
		return 0;
	return add_client(root, pid, &info.client, to);
}

static int look_at_process(const char *root, int pid, const char *address, struct top_sample *to)
{
	struct dirent *entry;
	char path[PATH_MAX];
	int err = 0;
	DIR *fds;

	fs_path(root, path, "proc/%d/fd", pid);
	fds = opendir(path);
	if (!fds) {
		to->hidden |= errno == EACCES;
		return 0;
	}
	while (!err && (entry = readdir(fds)))
		if (isdigit((unsigned char)*entry->d_name))
			err = look_at_fd(root, pid, entry->d_name, address, to);
	closedir(fds);
	return err;
}

/**
 * top_clients_read() - find who uses a card
 * @root: directory that stands for /, empty for that itself
 * @address: PCI address of the card
 * @to: clients are added
 *
 * Return: 0 or -ENOMEM.
 */
int top_clients_read(const char *root, const char *address, struct top_sample *to)
{
	struct dirent *entry;
	char path[PATH_MAX];
	int err = 0;
	DIR *proc;

	fs_path(root, path, "proc");
	proc = opendir(path);
	if (!proc)
		return 0;
	while (!err && (entry = readdir(proc)))
		if (isdigit((unsigned char)*entry->d_name))
			err = look_at_process(root, atoi(entry->d_name), address, to);
	closedir(proc);
	return err;
}
