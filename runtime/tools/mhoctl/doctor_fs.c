// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl doctor: reading facts from files below the root.
 */
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhoctl/doctor.h"

static void path_below(const struct doctor *d, char path[PATH_MAX], const char *format,
		       va_list args)
{
	size_t used = strlen(d->root);

	while (used > 0 && d->root[used - 1] == '/')
		used--;
	if (used + 2 > PATH_MAX)
		used = 0;
	memcpy(path, d->root, used);
	path[used++] = '/';
	vsnprintf(path + used, PATH_MAX - used, format, args);
}

/**
 * doctor_path() - the path of a file below the root
 * @d: examination
 * @path: filled
 * @format: of its path without leading slash
 */
void doctor_path(const struct doctor *d, char path[PATH_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	path_below(d, path, format, args);
	va_end(args);
}

/**
 * doctor_read() - read a small file
 * @d: examination
 * @text: filled with its beginning, without the last newline
 * @size: room
 * @format: of its path without leading slash
 *
 * Return: true if it could be read; @text is empty otherwise.
 */
bool doctor_read(const struct doctor *d, char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *file;
	size_t n;
	bool ok;

	va_start(args, format);
	path_below(d, path, format, args);
	va_end(args);
	*text = '\0';
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fread(text, 1, size - 1, file);
	ok = !ferror(file);
	fclose(file);
	if (!ok)
		n = 0;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return ok;
}

/**
 * doctor_find_line() - the first line of a file that begins with a text
 * @d: examination
 * @file: its path without leading slash
 * @start: text
 * @line: filled with what follows it on the line, blanks skipped
 * @size: room
 *
 * Return: true if there is one.
 */
bool doctor_find_line(const struct doctor *d, const char *file, const char *start, char *line,
		      size_t size)
{
	char path[PATH_MAX], *text = NULL;
	size_t room = 0, skip = strlen(start);
	bool found = false;
	FILE *stream;
	ssize_t n;

	doctor_path(d, path, "%s", file);
	stream = fopen(path, "re");
	if (!stream)
		return false;
	while (!found && (n = getline(&text, &room, stream)) > 0) {
		if (strncmp(text, start, skip) != 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		snprintf(line, size, "%s", text + skip + strspn(text + skip, " \t:"));
		found = true;
	}
	free(text);
	fclose(stream);
	return found;
}

/* Adds the numbers of a line as groups. */
static void add_groups(struct doctor *d, const char *line)
{
	char *end;

	for (;; line = end) {
		unsigned long gid = strtoul(line, &end, 10);

		if (end == line || d->ngroups == DOCTOR_GROUPS_MAX)
			return;
		d->groups[d->ngroups++] = (gid_t)gid;
	}
}

/**
 * doctor_who() - find out who runs this, and on which kernel
 * @d: examination
 */
void doctor_who(struct doctor *d)
{
	char line[4096];

	if (!doctor_read(d, d->release, sizeof(d->release), "proc/sys/kernel/osrelease"))
		snprintf(d->release, sizeof(d->release), "unknown");
	d->uid = (uid_t)-1;
	/* Real, effective, saved, file system. */
	if (doctor_find_line(d, "proc/self/status", "Uid:", line, sizeof(line)))
		sscanf(line, "%*u %u", &d->uid);
	if (doctor_find_line(d, "proc/self/status", "Gid:", line, sizeof(line)) &&
	    sscanf(line, "%*u %u", &d->groups[0]) == 1)
		d->ngroups = 1;
	if (doctor_find_line(d, "proc/self/status", "Groups:", line, sizeof(line)))
		add_groups(d, line);
}

/**
 * doctor_in_group() - whether the user is in a group
 * @d: examination
 * @gid: group
 *
 * Return: true if so.
 */
bool doctor_in_group(const struct doctor *d, gid_t gid)
{
	for (unsigned int i = 0; i < d->ngroups; i++)
		if (d->groups[i] == gid)
			return true;
	return false;
}

/* Calls visit for each entry of /etc/group until it returns true. */
static bool each_group(const struct doctor *d, bool (*visit)(const struct group *, void *),
		       void *arg)
{
	char path[PATH_MAX], text[4096];
	struct group entry, *found;
	bool stop = false;
	FILE *file;

	doctor_path(d, path, "etc/group");
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!stop && fgetgrent_r(file, &entry, text, sizeof(text), &found) == 0)
		stop = visit(found, arg);
	fclose(file);
	return stop;
}

struct group_search {
	const char *name;
	gid_t gid;
	char *name_out;
	size_t size;
};

static bool match_name(const struct group *g, void *arg)
{
	struct group_search *s = arg;

	if (strcmp(g->gr_name, s->name) != 0)
		return false;
	s->gid = g->gr_gid;
	return true;
}

static bool match_gid(const struct group *g, void *arg)
{
	struct group_search *s = arg;

	if (g->gr_gid != s->gid)
		return false;
	snprintf(s->name_out, s->size, "%s", g->gr_name);
	return true;
}

/**
 * doctor_group_id() - number of a group
 * @d: examination
 * @name: its name
 * @gid: set if it exists
 *
 * Return: true if it exists.
 */
bool doctor_group_id(const struct doctor *d, const char *name, gid_t *gid)
{
	struct group_search search = { .name = name };

	if (!each_group(d, match_name, &search))
		return false;
	*gid = search.gid;
	return true;
}

/**
 * doctor_group_name() - name of a group
 * @d: examination
 * @gid: its number
 * @name: filled, with the number if it has no name
 * @size: room
 */
void doctor_group_name(const struct doctor *d, gid_t gid, char *name, size_t size)
{
	struct group_search search = { .gid = gid, .name_out = name, .size = size };

	if (!each_group(d, match_gid, &search))
		snprintf(name, size, "%u", gid);
}
