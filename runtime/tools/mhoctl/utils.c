// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl utils: what scripts need to know about mhoctl itself.
 */
#include <stdio.h>
#include <string.h>

#include "tools/mhoctl/mhoctl.h"

/* "a b c" as an array of three texts; NULL as an empty one. */
static struct json_object *word_list(const char *words)
{
	struct json_object *list = json_object_new_array();

	while (words && *words) {
		size_t n = strcspn(words, " ");

		json_object_array_add(list, json_object_new_string_len(words, (int)n));
		words += n + (words[n] == ' ');
	}
	return list;
}

static struct json_object *describe_option(const struct option_spec *option)
{
	struct json_object *o = json_object_new_object();
	char letter[] = { option->letter, '\0' };

	json_set_text(o, "name", option->name);
	json_set_text(o, "letter", option->letter ? letter : NULL);
	json_set_text(o, "argument", option->arg);
	json_set(o, "values", word_list(option->values));
	json_set_text(o, "help", option->help);
	return o;
}

static struct json_object *describe_verb(const struct verb *verb)
{
	struct option_spec list[MHOCTL_OPTIONS_MAX + 1];
	struct json_object *v = json_object_new_object(), *options = json_object_new_array();

	json_set_text(v, "name", verb->name);
	json_set_text(v, "summary", verb->summary);
	json_set_text(v, "synopsis", verb->synopsis);
	json_set_bool(v, "uri", verb->opens);
	json_set(v, "words", word_list(verb->words));
	verb_options(verb, list);
	for (const struct option_spec *o = list; o->name; o++)
		json_object_array_add(options, describe_option(o));
	json_set(v, "options", options);
	return v;
}

int run_utils(struct call *call)
{
	struct json_object *doc, *verbs;

	if (call->nargs != 1 || strcmp(call->args[0], "dump-metadata") != 0)
		return fail(call, MHOCTL_USAGE, "usage: mhoctl utils dump-metadata");
	doc = json_new("metadata");
	verbs = json_object_new_array();
	for (const struct verb *v = mhoctl_verbs; v->name; v++)
		json_object_array_add(verbs, describe_verb(v));
	json_set(doc, "verbs", verbs);
	json_print(doc, stdout);
	return MHOCTL_OK;
}
