// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Tables by libsmartcols, JSON by json-c, numbers with units. Memory that cannot
 * be had ends the program here, so that verbs need not care. Whether standard
 * output took it all is checked once, in main().
 */
#include <libsmartcols.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "tools/mhoctl/mhoctl.h"

static void need(int ok)
{
	if (ok)
		return;
	fputs("mhoctl: out of memory\n", stderr);
	exit(MHOCTL_DEVICE);
}

static struct libscols_table *table_make(const char *const *columns)
{
	struct libscols_table *table = scols_new_table();

	need(table != NULL);
	for (; *columns; columns++) {
		int right = **columns == '>';

		need(scols_table_new_column(table, *columns + right, 0,
					    right ? SCOLS_FL_RIGHT : 0) != NULL);
	}
	scols_table_set_stream(table, stdout);
	return table;
}

/**
 * table_new() - begin a table
 * @columns: names of the columns, ended by NULL; a leading '>' aligns one to the right
 *
 * Return: the table, for table_print().
 */
struct libscols_table *table_new(const char *const *columns)
{
	return table_make(columns);
}

/**
 * table_new_pairs() - begin a table of names and values, which has no heading
 *
 * Return: the table, for table_pair() and table_print().
 */
struct libscols_table *table_new_pairs(void)
{
	const char *const columns[] = { "NAME", "VALUE", NULL };
	struct libscols_table *table = table_make(columns);

	scols_table_enable_noheadings(table, 1);
	return table;
}

/**
 * table_row() - add a row
 * @table: table
 * @cells: a text for each column; copied
 */
void table_row(struct libscols_table *table, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	size_t n = scols_table_get_ncols(table);

	need(line != NULL);
	for (size_t i = 0; i < n; i++)
		need(scols_line_set_data(line, i, cells[i]) == 0);
}

/**
 * table_pair() - add a name and its value
 * @table: from table_new_pairs()
 * @name: name
 * @format: of the value
 */
void table_pair(struct libscols_table *table, const char *name, const char *format, ...)
{
	char value[512];
	const char *cells[] = { name, value };
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	table_row(table, cells);
}

/**
 * table_print() - print a table to standard output and free it
 * @table: table
 */
void table_print(struct libscols_table *table)
{
	scols_print_table(table);
	scols_unref_table(table);
}

/**
 * json_new() - begin a document of a verb
 * @verb: its name
 *
 * Return: an object with its schema, for json_print().
 */
struct json_object *json_new(const char *verb)
{
	struct json_object *doc = json_object_new_object();
	char schema[64];

	need(doc != NULL);
	snprintf(schema, sizeof(schema), "mho.%s/1", verb);
	json_set_text(doc, "schema", schema);
	return doc;
}

/* Without a copy of the name: all are literals. */
void json_set(struct json_object *to, const char *name, struct json_object *value)
{
	need(json_object_object_add_ex(to, name, value, JSON_C_OBJECT_KEY_IS_CONSTANT) == 0);
}

void json_set_text(struct json_object *to, const char *name, const char *text)
{
	json_set(to, name, text ? json_object_new_string(text) : NULL);
}

void json_set_uint(struct json_object *to, const char *name, uint64_t value)
{
	json_set(to, name, json_object_new_uint64(value));
}

/* JSON has neither NaN nor infinity: null. */
void json_set_real(struct json_object *to, const char *name, double value)
{
	struct json_object *number = NULL;

	if (isfinite(value)) {
		number = json_object_new_double(value);
		need(number != NULL);
		json_object_set_serializer(number, json_object_double_to_json_string, "%.6g", NULL);
	}
	json_set(to, name, number);
}

void json_set_bool(struct json_object *to, const char *name, bool value)
{
	json_set(to, name, json_object_new_boolean(value));
}

/**
 * json_print() - print a document and free it
 * @doc: document
 * @to: stream; errors are left for ferror()
 */
void json_print(struct json_object *doc, FILE *to)
{
	const char *text = json_object_to_json_string_ext(
		doc,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);

	need(text != NULL);
	fputs(text, to);
	fputc('\n', to);
	json_object_put(doc);
}

/**
 * text_si() - a number with a decimal prefix, to four digits
 * @text: filled
 * @value: number
 * @unit: its unit
 *
 * Return: @text, such as "12.5 us".
 */
const char *text_si(char text[TEXT_MAX], double value, const char *unit)
{
	static const char prefixes[][2] = { "f", "p", "n", "u", "m", "", "k", "M", "G", "T" };
	const int none = 5;
	int i = none;

	for (; i > 0 && value != 0 && fabs(value) < 0.9995; i--)
		value *= 1000;
	for (; i < 9 && fabs(value) >= 999.95; i++)
		value /= 1000;
	snprintf(text, TEXT_MAX, "%.4g %s%s", value, prefixes[i], unit);
	return text;
}

/**
 * text_version() - a version number
 * @text: filled
 * @major: major
 * @minor: minor
 * @patch: patch level, negative for none
 *
 * Return: @text.
 */
const char *text_version(char text[TEXT_MAX], unsigned int major, unsigned int minor, int patch)
{
	if (patch < 0)
		snprintf(text, TEXT_MAX, "%u.%u", major, minor);
	else
		snprintf(text, TEXT_MAX, "%u.%u.%d", major, minor, patch);
	return text;
}

/**
 * text_interface() - version of a device contract
 * @text: filled
 * @version: major << 16 | minor
 *
 * Return: @text.
 */
const char *text_interface(char text[TEXT_MAX], uint32_t version)
{
	return text_version(text, version >> 16, version & 0xffff, -1);
}

/**
 * text_firmware() - version of firmware
 * @text: filled
 * @version: major << 24 | minor << 16 | patch
 *
 * Return: @text.
 */
const char *text_firmware(char text[TEXT_MAX], uint32_t version)
{
	return text_version(text, version >> 24, version >> 16 & 0xff, version & 0xffff);
}

/**
 * text_io() - the name of a way for completions
 * @io: enum mho_io
 *
 * Return: a name as --io takes it.
 */
const char *text_io(uint32_t io)
{
	switch (io) {
	case MHO_IO_URING:
		return "uring";
	case MHO_IO_THREAD:
		return "thread";
	default:
		return "auto";
	}
}
