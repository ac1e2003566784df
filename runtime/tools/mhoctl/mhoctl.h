/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the parts of mhoctl share: the table of verbs, which drives parsing, help
 * and completion; the parsed command line; output as tables and JSON. Each verb
 * is in a file of its own.
 */
#ifndef MHOCTL_H
#define MHOCTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <json-c/json.h>

#include "mho/mho.h"

struct libscols_table;

/* Exit status; documented in mhoctl.1. */
enum mhoctl_exit {
	MHOCTL_OK = 0,
	MHOCTL_FAILED = 1, /* what was checked is not as it should be */
	MHOCTL_USAGE = 2,
	MHOCTL_DEVICE = 3, /* the device, a file or standard output gave an error */
};

#define MHOCTL_OPTIONS_MAX 16 /* of one verb, common ones included */
#define MHOCTL_ARGS_MAX 4
#define MHOCTL_DEFAULT_URI "emu:"

/**
 * struct option_spec - an option of a verb
 * @name: long name, without dashes
 * @letter: short name, 0 for none
 * @arg: what its argument is, such as "FILE" (completed as one); NULL if it takes none
 * @values: the values that the argument may have, separated by blanks; NULL for any
 * @help: one line
 */
struct option_spec {
	const char *name;
	char letter;
	const char *arg;
	const char *values;
	const char *help;
};

struct call;

/**
 * struct verb - a subcommand
 * @name: its name
 * @summary: one line, for the list of verbs
 * @description: a paragraph, for its own help
 * @synopsis: its arguments, such as "[URI]"
 * @words: words that an argument may be, separated by blanks; NULL for none
 * @max_args: most arguments, at most MHOCTL_ARGS_MAX
 * @opens: it opens a device: takes a URI and the options for opening one
 * @without: what it does without a URI, a sentence for its help; NULL if that is the default URI
 * @options: ended by an entry without name; common ones are not among them
 * @run: does it; returns enum mhoctl_exit
 */
struct verb {
	const char *name;
	const char *summary;
	const char *description;
	const char *synopsis;
	const char *words;
	int max_args;
	bool opens;
	const char *without;
	const struct option_spec *options;
	int (*run)(struct call *call);
};

/* All verbs, in the order of the help; ended by an entry without name. */
extern const struct verb mhoctl_verbs[];

/**
 * struct call - a parsed command line
 * @verb: which verb
 * @options: its options and the common ones, ended by an entry without name
 * @values: what was given for each of them: NULL if absent, "" for one without argument
 * @args: arguments
 * @nargs: their number
 * @json: --json was given
 */
struct call {
	const struct verb *verb;
	struct option_spec options[MHOCTL_OPTIONS_MAX + 1];
	const char *values[MHOCTL_OPTIONS_MAX];
	const char *args[MHOCTL_ARGS_MAX];
	int nargs;
	bool json;
};

/* ---- command line (options.c) ---- */

void verb_options(const struct verb *verb, struct option_spec *list);
int call_parse(struct call *call, int argc, char **argv);
const char *call_option(const struct call *call, const char *name);
int call_number(const struct call *call, const char *name, long min, long max, long *value);
void print_verb_help(const struct verb *verb, FILE *to);
void print_help(FILE *to);
bool word_in(const char *words, const char *word, size_t len);

/* ---- errors and devices (device.c) ---- */

__attribute__((format(printf, 3, 4))) int fail(const struct call *call, int exit_code,
					       const char *format, ...);
int fail_device(const struct call *call, const char *what, int err);
void open_options(const struct call *call, struct mho_open_opts *opts);
const char *device_uri(const struct call *call);
int open_device(const struct call *call, struct mho_dev **dev);
int open_uri(const struct call *call, const char *uri, struct mho_dev **dev);
bool is_uri(const char *word);

/* ---- output (output.c) ---- */

/* Columns of a table are given by their names, a leading '>' means right-aligned. */
struct libscols_table *table_new(const char *const *columns);
struct libscols_table *table_new_pairs(void);
void table_row(struct libscols_table *table, const char *const *cells);
__attribute__((format(printf, 3, 4))) void table_pair(struct libscols_table *table,
						      const char *name, const char *format, ...);
void table_print(struct libscols_table *table);

struct json_object *json_new(const char *verb);
void json_set(struct json_object *to, const char *name, struct json_object *value);
void json_set_text(struct json_object *to, const char *name, const char *text);
void json_set_uint(struct json_object *to, const char *name, uint64_t value);
void json_set_real(struct json_object *to, const char *name, double value);
void json_set_bool(struct json_object *to, const char *name, bool value);
void json_print(struct json_object *doc, FILE *to);

#define TEXT_MAX 32
const char *text_si(char text[TEXT_MAX], double value, const char *unit);
const char *text_version(char text[TEXT_MAX], unsigned int major, unsigned int minor, int patch);
const char *text_interface(char text[TEXT_MAX], uint32_t version);
const char *text_firmware(char text[TEXT_MAX], uint32_t version);
const char *text_io(uint32_t io);

/* ---- verbs ---- */

int run_list(struct call *call);
int run_info(struct call *call);
int run_topo(struct call *call);
int run_telemetry(struct call *call);
int run_log(struct call *call);
int run_selftest(struct call *call);
int run_calibrate(struct call *call);
int run_doctor(struct call *call);
int run_bench(struct call *call);
int run_fit(struct call *call);
int run_fw(struct call *call);
int run_reset(struct call *call);
int run_top(struct call *call);
int run_trace(struct call *call);
int run_fault(struct call *call);
int run_utils(struct call *call);

#endif
