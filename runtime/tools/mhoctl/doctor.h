/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the checks of mhoctl doctor share: where they look, what they know about
 * the user, and how they report. All facts are read from files below a root, so
 * that the checks can be tried on a made-up system.
 */
#ifndef MHOCTL_DOCTOR_H
#define MHOCTL_DOCTOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tools/mhoctl/fs.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NOTE, /* works, or is not needed here; worth knowing */
	DOCTOR_PROBLEM,
};

/**
 * struct doctor_finding - what one check found
 * @check: its name
 * @state: enum doctor_state
 * @found: a sentence
 * @remedy: the line to run or what to do, empty if nothing needs doing
 */
struct doctor_finding {
	const char *check;
	enum doctor_state state;
	char found[256];
	char remedy[320];
};

#define DOCTOR_FINDINGS_MAX 64
#define DOCTOR_GROUPS_MAX 256

/**
 * struct doctor - an examination
 * @root: directory that stands for /
 * @live: @root is /, so that what runs here may be tried, too
 * @release: the kernel's, such as "6.12.0-amd64", or "unknown"
 * @uid: effective user
 * @groups: effective group and supplementary groups
 * @ngroups: their number
 * @card: a mho card is in this machine
 * @findings: so far
 * @count: their number
 */
struct doctor {
	const char *root;
	bool live;
	char release[128];
	uid_t uid;
	gid_t groups[DOCTOR_GROUPS_MAX];
	unsigned int ngroups;
	bool card;
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	unsigned int count;
};

/* ---- doctor_who.c ---- */

void doctor_who(struct doctor *d);
bool doctor_in_group(const struct doctor *d, gid_t gid);
bool doctor_group_id(const struct doctor *d, const char *name, gid_t *gid);
void doctor_group_name(const struct doctor *d, gid_t gid, char *name, size_t size);

/* ---- doctor.c ---- */

void doctor_say(struct doctor *d, const char *check, enum doctor_state state, const char *remedy,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/* What only a card needs is a problem where there is one, else a note. */
static inline enum doctor_state doctor_for_card(const struct doctor *d)
{
	return d->card ? DOCTOR_PROBLEM : DOCTOR_NOTE;
}

/* ---- the checks ---- */

void doctor_driver(struct doctor *d);
void doctor_uring(struct doctor *d);
void doctor_limits(struct doctor *d);
void doctor_software(struct doctor *d);

#endif
