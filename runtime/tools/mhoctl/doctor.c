// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl doctor: the examination as a whole and its report. The checks are in
 * doctor_*.c.
 */
#include <libsmartcols.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/mhoctl/doctor.h"
#include "tools/mhoctl/mhoctl.h"

static const char *const state_names[] = { "ok", "note", "problem" };

/**
 * doctor_say() - report what a check found
 * @d: examination
 * @check: name of the check
 * @state: how it is
 * @remedy: the line to run or what to do; NULL or empty for nothing
 * @format: of the sentence
 */
void doctor_say(struct doctor *d, const char *check, enum doctor_state state, const char *remedy,
		const char *format, ...)
{
	struct doctor_finding *f;
	va_list args;

	/* A machine with more nodes than this has said enough. */
	if (d->count == DOCTOR_FINDINGS_MAX)
		return;
	f = &d->findings[d->count++];
	f->check = check;
	f->state = state;
	snprintf(f->remedy, sizeof(f->remedy), "%s", remedy ? remedy : "");
	va_start(args, format);
	vsnprintf(f->found, sizeof(f->found), format, args);
	va_end(args);
}

static unsigned int count_state(const struct doctor *d, enum doctor_state state)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < d->count; i++)
		n += d->findings[i].state == state;
	return n;
}

static const char *summary(const struct doctor *d)
{
	if (count_state(d, DOCTOR_PROBLEM))
		return "There are problems; the remedies are above.";
	if (!d->card)
		return "No mho card in this machine. That is fine: the emulator (emu:) needs none.";
	return "Card and emulator are ready.";
}

static void print_json(const struct doctor *d)
{
	struct json_object *doc = json_new("doctor"), *list = json_object_new_array();

	json_set_text(doc, "root", d->root);
	json_set_bool(doc, "card", d->card);
	for (unsigned int i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];
		struct json_object *check = json_object_new_object();

		json_set_text(check, "check", f->check);
		json_set_text(check, "state", state_names[f->state]);
		json_set_text(check, "found", f->found);
		json_set_text(check, "remedy", *f->remedy ? f->remedy : NULL);
		json_object_array_add(list, check);
	}
	json_set(doc, "checks", list);
	json_set_uint(doc, "problems", count_state(d, DOCTOR_PROBLEM));
	json_set_uint(doc, "notes", count_state(d, DOCTOR_NOTE));
	json_set_text(doc, "summary", summary(d));
	json_print(doc, stdout);
}

static void print_table(const struct doctor *d)
{
	static const char *const columns[] = { "STATE", "CHECK", "FOUND", NULL };
	struct libscols_table *table = table_new(columns);

	for (unsigned int i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];
		const char *cells[] = { state_names[f->state], f->check, f->found };
		char remedy[sizeof(f->remedy) + 4];
		const char *what_to_do[] = { "", "", remedy };

		table_row(table, cells);
		if (!*f->remedy)
			continue;
		snprintf(remedy, sizeof(remedy), "-> %s", f->remedy);
		table_row(table, what_to_do);
	}
	table_print(table);
	printf("\nproblems: %u, notes: %u. %s\n", count_state(d, DOCTOR_PROBLEM),
	       count_state(d, DOCTOR_NOTE), summary(d));
}

int run_doctor(struct call *call)
{
	const char *root = call_option(call, "root");
	struct doctor d = { .root = root ? root : "/" };
	struct stat st;

	if (stat(d.root, &st) || !S_ISDIR(st.st_mode))
		return fail(call, MHOCTL_USAGE, "--root %s is not a directory", d.root);
	d.live = !root;
	doctor_who(&d);
	doctor_driver(&d);
	doctor_uring(&d);
	doctor_limits(&d);
	doctor_software(&d);
	if (call->json)
		print_json(&d);
	else
		print_table(&d);
	return count_state(&d, DOCTOR_PROBLEM) ? MHOCTL_FAILED : MHOCTL_OK;
}
