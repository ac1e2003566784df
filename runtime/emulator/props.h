/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Device trees that cannot be trusted, and reading a node's properties by a table
 * into a structure. Used for the topology and for the tables of the firmware image;
 * which properties there are is theirs.
 */
#ifndef MHO_EMU_PROPS_H
#define MHO_EMU_PROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * enum mho_prop_kind - encoding of a property and type of the field for it
 * @MHO_PROP_IGNORE: accepted, whatever it holds; no field
 * @MHO_PROP_U32: one unsigned cell; uint32_t
 * @MHO_PROP_I32: one signed cell; int32_t
 * @MHO_PROP_U64: one or two unsigned cells; uint64_t
 * @MHO_PROP_FLOAT: one signed cell, divided; float
 * @MHO_PROP_FLOATS: a list of signed cells, divided; float [], and a uint32_t for how many
 * @MHO_PROP_DOUBLE: one or two unsigned cells, divided; double
 * @MHO_PROP_SWITCH: "off" or "on"; bool
 * @MHO_PROP_WORD: one of some strings; unsigned int, its index
 * @MHO_PROP_TEXT: printable ASCII; char [max]
 */
enum mho_prop_kind {
	MHO_PROP_IGNORE,
	MHO_PROP_U32,
	MHO_PROP_I32,
	MHO_PROP_U64,
	MHO_PROP_FLOAT,
	MHO_PROP_FLOATS,
	MHO_PROP_DOUBLE,
	MHO_PROP_SWITCH,
	MHO_PROP_WORD,
	MHO_PROP_TEXT,
};

/**
 * struct mho_prop - a property
 * @name: its name
 * @kind: its encoding
 * @required: must be there
 * @offset: of the field in the structure
 * @min: smallest number, before division
 * @max: largest number; of a text: size of the field
 * @divisor: of FLOAT and DOUBLE
 * @unit: what the number counts, for messages; may be NULL
 * @count_offset: of FLOATS: of the field for how many
 * @count_min: of FLOATS: fewest
 * @count_max: of FLOATS: most
 * @words: of WORD, ends with NULL
 */
struct mho_prop {
	const char *name;
	enum mho_prop_kind kind;
	bool required;
	size_t offset;
	int64_t min;
	int64_t max;
	double divisor;
	const char *unit;
	size_t count_offset;
	uint32_t count_min;
	uint32_t count_max;
	const char *const *words;
};

#define MHO_PROPS_MAX 160 /* in a table */

/**
 * struct mho_props_error - what is wrong
 * @text: a sentence, printable ASCII
 * @size: its room
 * @offset: place in the blob, bytes; 0 if not known
 */
struct mho_props_error {
	char *text;
	size_t size;
	uint32_t offset;
};

/* mho_props_fail() - set the sentence and the place (an offset in the structure block, or -1). */
void mho_props_fail(struct mho_props_error *err, const void *fdt, int node, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * mho_props_check() - whether a blob is a device tree that libfdt can walk safely
 * @fdt: blob, 8-byte aligned; the other functions here need one that has passed
 * @len: its bytes; more than its header says is fine
 *
 * Return: 0, or a negative FDT_ERR_* code: -FDT_ERR_TRUNCATED if @len is less than the header, or
 * than the header says.
 */
int mho_props_check(const void *fdt, size_t len);

/**
 * mho_props_copy() - a copy that is aligned as libfdt wants it
 * @data: bytes
 * @len: their number
 *
 * Return: the copy, to be given to free(); NULL without memory.
 */
void *mho_props_copy(const void *data, size_t len);

/**
 * mho_props_read() - read the properties of a node into a structure
 * @fdt: device tree
 * @node: node
 * @table: properties that it may have, at most MHO_PROPS_MAX
 * @n: their number
 * @to: structure; fields of properties that are not there keep their values
 * @err: filled on failure
 *
 * Return: 0; -EINVAL for a property that is unknown, missing, there twice, of the wrong length or
 * out of range.
 */
int mho_props_read(const void *fdt, int node, const struct mho_prop *table, unsigned int n,
		   void *to, struct mho_props_error *err);

/**
 * mho_props_name() - name of a node, as messages may print it
 * @fdt: device tree
 * @node: node
 * @buf: filled: path, or name if the path is too long; printable ASCII
 * @size: its room
 *
 * Return: @buf.
 */
const char *mho_props_name(const void *fdt, int node, char *buf, size_t size);

/* mho_props_printable() - replace all that is no printable ASCII by question marks. */
void mho_props_printable(char *text);

#endif
