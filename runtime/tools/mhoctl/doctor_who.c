// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl doctor: who runs it, and groups.
 */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhoctl/doctor.h"

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

	if (!fs_read(d->root, d->release, sizeof(d->release), "proc/sys/kernel/osrelease"))
		snprintf(d->release, sizeof(d->release), "unknown");
	d->uid = (uid_t)-1;
	/* Real, effective, saved, file system. */
	if (fs_find_line(d->root, "proc/self/status", "Uid:", line, sizeof(line)))
		sscanf(line, "%*u %u", &d->uid);
	if (fs_find_line(d->root, "proc/self/status", "Gid:", line, sizeof(line)) &&
	    sscanf(line, "%*u %u", &d->groups[0]) == 1)
		d->ngroups = 1;
	if (fs_find_line(d->root, "proc/self/status", "Groups:", line, sizeof(line)))
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

	fs_path(d->root, path, "etc/group");
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
