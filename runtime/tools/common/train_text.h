/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Text in and out for mho-train and mho-infer: numbers of options, quantities with units,
 * files that are written, messages.
 */
#ifndef MHO_TOOLS_TRAIN_TEXT_H
#define MHO_TOOLS_TRAIN_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses of both tools. */
enum {
	TRAIN_OK = 0,
	TRAIN_FAILED = 1,
	TRAIN_USAGE = 2,
	TRAIN_INTERRUPTED = 130, /* as a shell reports SIGINT */
};

/* "program: text" on stderr. */
void train_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Complains and exits. */
void train_out_of_memory(void) __attribute__((noreturn));

/* Whole numbers and numbers, the whole of @s. Return: 0 or -EINVAL. */
int train_parse_uint(const char *s, uint64_t min, uint64_t max, uint64_t *value);
int train_parse_number(const char *s, double min, double max, double *value);

struct train_quantity {
	char text[32];
};

/* Such as "12.3 ms" for 0.0123 and "s"; four digits at most. */
struct train_quantity train_quantity(double value, const char *unit);

/* Whether @path, or "-", could be written now. Complains. Return: 0 or -errno. */
int train_check_writable(const char *path);

/*
 * Writes a text file by @fill, which returns 0 or -errno. "-" is stdout. Complains and returns
 * -errno if it cannot be written; a file that was begun is removed.
 */
int train_write_file(const char *path, int (*fill)(FILE *to, void *arg), void *arg);

/* What json-c prints, ready to be written: train_write_file(path, train_fill_json, object). */
int train_fill_json(FILE *to, void *object);

#endif
