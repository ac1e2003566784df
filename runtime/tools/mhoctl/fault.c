// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl fault: orders faults of an emulated card that mho-emud serves, and shows
 * what is ordered and what happened. How mho-emud is reached is in control.c; which
 * faults there are, and what their arguments mean, mho-emud alone knows.
 */
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/mhoctl/control.h"

#define DEFAULT_PATH "/run/mho-emud.control"
#define LINE_MAX_BYTES 250 /* mho-emud takes no longer ones */
/* Words that are lines of the protocol by themselves; all others are names of faults. */
#define LINES "counters clear save renew"

static const char *control_path(const struct call *call)
{
	const char *path = call_option(call, "control");

	if (!path)
		path = getenv("MHO_CONTROL");
	if (!path || !*path)
		path = access(DEFAULT_PATH, F_OK) == 0 ? DEFAULT_PATH : NULL;
	return path;
}

static int exchange(struct control *c, const char *line, const char **text)
{
	int err = control_send(c, line);

	return err ? err : control_answer(c, text);
}

/* Ask. Return: 0 and the answer, whose "ok" is true; or an exit code after a message. */
static int ask(const struct call *call, struct control *c, const char *line,
	       struct json_object **answer)
{
	struct json_object *o, *ok, *error;
	const char *text;
	int err;

	err = exchange(c, line, &text);
	if (err)
		return err;
	o = json_tokener_parse(text);
	if (!json_object_object_get_ex(o, "ok", &ok)) {
		json_object_put(o);
		return fail(call, MHOCTL_DEVICE, "mho-emud's answer is no JSON of its own: %.80s",
			    text);
	}
	if (!json_object_get_boolean(ok)) {
		err = fail(call, MHOCTL_DEVICE, "mho-emud refuses: %s",
			   json_object_object_get_ex(o, "error", &error) ?
				   json_object_get_string(error) :
				   "it does not say why");
		json_object_put(o);
		return err;
	}
	*answer = o;
	return 0;
}

/* The answer as it came. */
static int print_raw(const struct call *call, struct control *c, const char *line)
{
	struct json_object *o, *ok;
	const char *text;
	int err;

	err = exchange(c, line, &text);
	if (err)
		return err;
	puts(text);
	o = json_tokener_parse(text);
	if (!json_object_object_get_ex(o, "ok", &ok) || !json_object_get_boolean(ok))
		err = fail(call, MHOCTL_DEVICE, "mho-emud refuses; its answer says why");
	json_object_put(o);
	return err;
}

/* ---- the list ---- */

/* How often a fault has happened, "-" if nobody counts: "fault_cqe_lose" for "cqe-lose". */
static const char *happened(struct json_object *counters, const char *name)
{
	struct json_object *count;
	char key[80];

	snprintf(key, sizeof(key), "fault_%s", name);
	for (char *c = key; *c; c++)
		if (*c == '-')
			*c = '_';
	return json_object_object_get_ex(counters, key, &count) ? json_object_get_string(count) :
								  "-";
}

static const char *armed_text(struct json_object *armed, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(armed, name, &value))
		return "-";
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? "on" : "off";
	return json_object_get_string(value);
}

static int list(const struct call *call, struct control *c)
{
	static const char *const columns[] = { "FAULT", "ARGUMENTS", ">ARMED", ">HAPPENED", NULL };
	struct json_object *answer, *counted, *faults, *armed, *counters;
	struct libscols_table *table;
	int err;

	err = ask(call, c, "faults", &answer);
	if (err)
		return err;
	err = ask(call, c, "counters", &counted);
	if (err) {
		json_object_put(answer);
		return err;
	}
	table = table_new(columns);
	json_object_object_get_ex(answer, "faults", &faults);
	json_object_object_get_ex(answer, "armed", &armed);
	json_object_object_get_ex(counted, "counters", &counters);
	for (size_t i = 0; i < json_object_array_length(faults); i++) {
		const char *usage = json_object_get_string(json_object_array_get_idx(faults, i));
		size_t len = strcspn(usage, " ,");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)len, usage);
		usage += len + strspn(usage + len, " ,");
		table_row(table, (const char *[]){ name, usage, armed_text(armed, name),
						   happened(counters, name) });
	}
	table_print(table);
	json_object_put(answer);
	json_object_put(counted);
	return MHOCTL_OK;
}

static int show_counters(const struct call *call, struct control *c)
{
	struct json_object *answer, *counters;
	struct libscols_table *table;
	int err;

	err = ask(call, c, "counters", &answer);
	if (err)
		return err;
	table = table_new_pairs();
	json_object_object_get_ex(answer, "counters", &counters);
	json_object_object_foreach(counters, name, value)
	{
		table_pair(table, name, "%s", json_object_get_string(value));
	}
	table_print(table);
	json_object_put(answer);
	return MHOCTL_OK;
}

/* ---- orders ---- */

static int make_line(const struct call *call, char *line, size_t size)
{
	bool whole = call->nargs && word_in(LINES, call->args[0], strlen(call->args[0]));
	size_t used = (size_t)snprintf(line, size, "%s",
				       !call->nargs ? "faults" :
				       whole	    ? "" :
						      "fault");

	for (int i = 0; i < call->nargs && used < size; i++)
		used += (size_t)snprintf(line + used, size - used, "%s%s", used ? " " : "",
					 call->args[i]);
	if (used >= size || strpbrk(line, "\n\r"))
		return fail(call, MHOCTL_USAGE, "that is no line that mho-emud could take");
	return 0;
}

static int order(const struct call *call, struct control *c, const char *line)
{
	struct json_object *answer;
	int err;

	/* The last thing that it does: no answer is the right one. */
	if (!strcmp(line, "fault die"))
		return control_send(c, line);
	err = ask(call, c, line, &answer);
	if (!err)
		json_object_put(answer);
	return err;
}

int run_fault(struct call *call)
{
	const char *path = control_path(call);
	char line[LINE_MAX_BYTES];
	struct control *c;
	long seconds = 20;
	int err;

	err = call_number(call, "timeout", 1, 3600, &seconds);
	if (!err)
		err = make_line(call, line, sizeof(line));
	if (err)
		return err;
	if (!path)
		return fail(call, MHOCTL_USAGE,
			    "which mho-emud? --control or $MHO_CONTROL names its control socket "
			    "(%s is not there)",
			    DEFAULT_PATH);
	err = control_open(call, path, seconds, &c);
	if (err)
		return err;
	if (call->json)
		err = print_raw(call, c, line);
	else if (!call->nargs)
		err = list(call, c);
	else if (!strcmp(line, "counters"))
		err = show_counters(call, c);
	else
		err = order(call, c, line);
	control_close(c);
	return err;
}
