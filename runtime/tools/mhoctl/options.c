// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The command line of a verb: from the tables of options to getopt_long() and to
 * the help texts. Which verbs and options there are is in verbs.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhoctl/mhoctl.h"

static const struct option_spec common_options[] = {
	{ "json", 'j', NULL, NULL, "print JSON (its \"schema\" field names its form)" },
	{ "help", 'h', NULL, NULL, "print this" },
	{ 0 },
};

static const struct option_spec device_options[] = {
	{ "io", 0, "WAY", "auto uring thread", "how completions arrive: auto, uring or thread" },
	{ "verbose", 'v', NULL, NULL, "print the device's messages on standard error" },
	{ 0 },
};

/**
 * verb_options() - all options of a verb
 * @verb: verb
 * @list: filled with its own options, those for opening devices and the common ones, and an entry
 *        without name; has room for MHOCTL_OPTIONS_MAX + 1
 */
void verb_options(const struct verb *verb, struct option_spec *list)
{
	const struct option_spec *const sources[] = {
		verb->options,
		verb->opens ? device_options : NULL,
		common_options,
	};
	unsigned int n = 0;

	for (unsigned int i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		for (const struct option_spec *o = sources[i]; o && o->name; o++)
			if (n < MHOCTL_OPTIONS_MAX)
				list[n++] = *o;
	list[n] = (struct option_spec){ 0 };
}

/**
 * word_in() - whether a word is one of several
 * @words: words separated by single blanks, or NULL
 * @word: word to look for
 * @len: its length
 *
 * Return: true if it is there.
 */
bool word_in(const char *words, const char *word, size_t len)
{
	while (words && *words) {
		size_t n = strcspn(words, " ");

		if (n == len && strncmp(words, word, len) == 0)
			return true;
		words += n + (words[n] == ' ');
	}
	return false;
}

/* What getopt_long() takes; its "val" is the index in call->options. */
static void make_getopt(const struct call *call, struct option *longs, char *shorts)
{
	*shorts++ = ':';
	for (int i = 0; call->options[i].name; i++) {
		const struct option_spec *o = &call->options[i];

		longs[i] = (struct option){ o->name, o->arg ? required_argument : no_argument, NULL,
					    i + 256 };
		if (o->letter) {
			*shorts++ = o->letter;
			if (o->arg)
				*shorts++ = ':';
		}
	}
	*shorts = '\0';
}

static int option_index(const struct call *call, int found)
{
	if (found >= 256)
		return found - 256;
	for (int i = 0; call->options[i].name; i++)
		if (call->options[i].letter == found)
			return i;
	return -1;
}

static int take_option(struct call *call, int i, const char *value)
{
	const struct option_spec *o = &call->options[i];

	if (!value) {
		call->values[i] = "";
		return 0;
	}
	if (o->values && !word_in(o->values, value, strlen(value)))
		return fail(call, MHOCTL_USAGE, "--%s cannot be \"%s\"; it may be one of: %s",
			    o->name, value, o->values);
	call->values[i] = value;
	return 0;
}

/**
 * call_parse() - parse the command line of a verb
 * @call: its verb is set; the rest is filled
 * @argc: number of words, the verb itself included
 * @argv: words; reordered
 *
 * Return: 0, or MHOCTL_USAGE after a message on standard error.
 */
int call_parse(struct call *call, int argc, char **argv)
{
	struct option longs[MHOCTL_OPTIONS_MAX + 1] = { 0 };
	char shorts[2 * MHOCTL_OPTIONS_MAX + 2];
	int found;

	verb_options(call->verb, call->options);
	make_getopt(call, longs, shorts);
	opterr = 0;
	optind = 0;
	while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		/* The word that getopt complains about: the last one that it has looked at. */
		const char *word = argv[optind - 1 > 0 ? optind - 1 : 1];
		int err;

		if (found == ':')
			return fail(call, MHOCTL_USAGE,
				    "option %s needs a value; mhoctl %s --help describes it", word,
				    call->verb->name);
		if (found == '?')
			return fail(call, MHOCTL_USAGE,
				    "option %s is unknown, ambiguous or takes no value; mhoctl %s "
				    "--help lists the options",
				    word, call->verb->name);
		err = take_option(call, option_index(call, found), optarg);
		if (err)
			return err;
	}
	call->json = call_option(call, "json");
	for (; optind < argc; optind++) {
		if (call->nargs == call->verb->max_args)
			return fail(call, MHOCTL_USAGE,
				    "\"%s\" is one argument too many; usage: mhoctl %s%s%s",
				    argv[optind], call->verb->name,
				    *call->verb->synopsis ? " " : "", call->verb->synopsis);
		call->args[call->nargs++] = argv[optind];
	}
	return 0;
}

/**
 * call_option() - what was given for an option
 * @call: parsed command line
 * @name: an option that the verb has
 *
 * Return: its argument, "" if it takes none, NULL if it was not given.
 */
const char *call_option(const struct call *call, const char *name)
{
	for (int i = 0; call->options[i].name; i++)
		if (strcmp(call->options[i].name, name) == 0)
			return call->values[i];
	return NULL;
}

/**
 * call_number() - an option's argument as a whole number
 * @call: parsed command line
 * @name: option
 * @min: smallest value allowed
 * @max: largest
 * @value: set if the option was given, else left as it is
 *
 * Return: 0, or MHOCTL_USAGE after a message.
 */
int call_number(const struct call *call, const char *name, long min, long max, long *value)
{
	const char *text = call_option(call, name);
	char *end;
	long n;

	if (!text)
		return 0;
	errno = 0;
	n = strtol(text, &end, 0);
	if (errno || end == text || *end || n < min || n > max)
		return fail(call, MHOCTL_USAGE,
			    "--%s must be a whole number from %ld to %ld, not \"%s\"", name, min,
			    max, text);
	*value = n;
	return 0;
}

/**
 * print_verb_help() - help of one verb
 * @verb: verb
 * @to: stream
 */
void print_verb_help(const struct verb *verb, FILE *to)
{
	struct option_spec list[MHOCTL_OPTIONS_MAX + 1];

	fprintf(to, "usage: mhoctl %s [options]%s%s\n\n%s\n", verb->name,
		*verb->synopsis ? " " : "", verb->synopsis, verb->description);
	if (verb->without)
		fprintf(to, "%s\n", verb->without);
	else if (verb->opens)
		fprintf(to, "Without a URI: %s, an emulated card of the default topology.\n",
			MHOCTL_DEFAULT_URI);
	fprintf(to, "\noptions:\n");
	verb_options(verb, list);
	for (const struct option_spec *o = list; o->name; o++) {
		char name[64];

		snprintf(name, sizeof(name), "--%s%s%s", o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		fprintf(to, "  %c%c%s %-20s %s\n", o->letter ? '-' : ' ',
			o->letter ? o->letter : ' ', o->letter ? "," : " ", name, o->help);
	}
}

/**
 * print_help() - help of mhoctl as a whole
 * @to: stream
 */
void print_help(FILE *to)
{
	fprintf(to, "usage: mhoctl VERB [options] [arguments]\n\n"
		    "Looks at mho devices, tests and measures them.\n\nverbs:\n");
	for (const struct verb *v = mhoctl_verbs; v->name; v++)
		fprintf(to, "  %-10s %s\n", v->name, v->summary);
	fprintf(to, "\n"
		    "mhoctl VERB --help describes a verb, mhoctl --version prints versions.\n"
		    "Devices are named by URI: emu: (emulated), emu:small, emu:card.dts?seed=7.\n"
		    "Exit status: 0 good, 1 a check failed, 2 usage, 3 device or file error.\n");
}
