// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Device trees that cannot be trusted, and reading properties by a table.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "emulator/props.h"

#define PATH_SIZE 128
/* Older versions do not say how long the structure block is. dtc and mkimage write this one. */
#define FDT_VERSION_NEEDED 17

void mho_props_printable(char *text)
{
	for (; *text; text++) {
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
	}
}

void mho_props_fail(struct mho_props_error *err, const void *fdt, int node, const char *fmt, ...)
{
	va_list ap;

	err->offset = node < 0 ? 0 : fdt_off_dt_struct(fdt) + (uint32_t)node;
	if (!err->size)
		return;
	va_start(ap, fmt);
	vsnprintf(err->text, err->size, fmt, ap);
	va_end(ap);
	mho_props_printable(err->text);
}

/*
 * Walks the structure block with lengths that cannot wrap. libfdt 1.6.1 adds a property's length
 * to its offset without a look at the carry: a length of -12 leads back to the same property, and
 * fdt_check_full() never ends.
 */
static int check_lengths(const void *fdt)
{
	const char *block = (const char *)fdt + fdt_off_dt_struct(fdt);
	const size_t size = fdt_size_dt_struct(fdt);
	size_t at = 0;

	while (at <= size && size - at >= FDT_TAGSIZE) {
		uint32_t tag = fdt32_ld((const fdt32_t *)(block + at));
		size_t body = at + FDT_TAGSIZE, len = 0;

		switch (tag) {
		case FDT_END:
			return 0;
		case FDT_BEGIN_NODE:
			len = strnlen(block + body, size - body) + 1;
			break;
		case FDT_PROP:
			if (size - body < 2 * sizeof(fdt32_t))
				return -FDT_ERR_BADSTRUCTURE;
			len = 2 * sizeof(fdt32_t) +
			      (size_t)fdt32_ld((const fdt32_t *)(block + body));
			break;
		case FDT_END_NODE:
		case FDT_NOP:
			break;
		default:
			return -FDT_ERR_BADSTRUCTURE;
		}
		if (len > size - body)
			return -FDT_ERR_BADSTRUCTURE;
		at = body + (len + FDT_TAGSIZE - 1) / FDT_TAGSIZE * FDT_TAGSIZE;
	}
	return -FDT_ERR_BADSTRUCTURE;
}

int mho_props_check(const void *fdt, size_t len)
{
	int ret;

	if (len < sizeof(fdt32_t))
		return -FDT_ERR_TRUNCATED;
	if (fdt_magic(fdt) != FDT_MAGIC)
		return -FDT_ERR_BADMAGIC;
	if (len < sizeof(struct fdt_header))
		return -FDT_ERR_TRUNCATED;
	if (fdt_version(fdt) < FDT_VERSION_NEEDED)
		return -FDT_ERR_BADVERSION;
	if (len < fdt_totalsize(fdt))
		return -FDT_ERR_TRUNCATED;
	ret = fdt_check_header(fdt);
	if (!ret)
		ret = check_lengths(fdt);
	return ret ? ret : fdt_check_full(fdt, len);
}

void *mho_props_copy(const void *data, size_t len)
{
	void *copy = malloc(len ? len : 1);

	if (copy && len)
		memcpy(copy, data, len);
	return copy;
}

const char *mho_props_name(const void *fdt, int node, char *buf, size_t size)
{
	if (fdt_get_path(fdt, node, buf, (int)size) < 0) {
		const char *name = fdt_get_name(fdt, node, NULL);

		snprintf(buf, size, "%s", name ? name : "?");
	}
	mho_props_printable(buf);
	return buf;
}

/* State of one mho_props_read(). */
struct reader {
	const void *fdt;
	int node;
	struct mho_props_error *err;
};

static int fail_at(const struct reader *r, int place, const char *name, const char *problem)
{
	char path[PATH_SIZE];

	mho_props_fail(r->err, r->fdt, place, "%s: property \"%.64s\" %s",
		       mho_props_name(r->fdt, r->node, path, sizeof(path)), name, problem);
	return -EINVAL;
}

static int fail_range(const struct reader *r, int place, const struct mho_prop *p, int64_t value,
		      bool beyond_int64)
{
	char text[160];

	if (p->min == p->max)
		snprintf(text, sizeof(text), "is %" PRId64 ", must be %" PRId64, value, p->min);
	else
		snprintf(text, sizeof(text),
			 "is %s%" PRId64 ", must be %" PRId64 " to %" PRId64 "%s%s",
			 beyond_int64 ? "more than " : "", value, p->min, p->max,
			 p->unit ? " " : "", p->unit ? p->unit : "");
	return fail_at(r, place, p->name, text);
}

static bool is_signed(enum mho_prop_kind kind)
{
	return kind == MHO_PROP_I32 || kind == MHO_PROP_FLOAT || kind == MHO_PROP_FLOATS;
}

static bool may_be_wide(enum mho_prop_kind kind)
{
	return kind == MHO_PROP_U64 || kind == MHO_PROP_DOUBLE;
}

static int read_number(const struct reader *r, int place, const struct mho_prop *p,
		       const void *value, int len, void *field)
{
	int64_t v;

	if (len == sizeof(fdt32_t)) {
		uint32_t cell = fdt32_ld(value);

		v = is_signed(p->kind) ? (int64_t)(int32_t)cell : (int64_t)cell;
	} else if (len == sizeof(fdt64_t) && may_be_wide(p->kind)) {
		uint64_t cells = fdt64_ld(value);

		if (cells > INT64_MAX)
			return fail_range(r, place, p, INT64_MAX, true);
		v = (int64_t)cells;
	} else {
		char text[80];

		snprintf(text, sizeof(text), "has %d bytes, must be one number of %s", len,
			 may_be_wide(p->kind) ? "4 or 8 bytes" : "4 bytes");
		return fail_at(r, place, p->name, text);
	}
	if (v < p->min || v > p->max)
		return fail_range(r, place, p, v, false);

	switch (p->kind) {
	case MHO_PROP_U32:
		*(uint32_t *)field = (uint32_t)v;
		break;
	case MHO_PROP_I32:
		*(int32_t *)field = (int32_t)v;
		break;
	case MHO_PROP_U64:
		*(uint64_t *)field = (uint64_t)v;
		break;
	case MHO_PROP_FLOAT:
	case MHO_PROP_FLOATS:
		*(float *)field = (float)((double)v / p->divisor);
		break;
	default:
		*(double *)field = (double)v / p->divisor;
		break;
	}
	return 0;
}

static int read_list(const struct reader *r, int place, const struct mho_prop *p, const void *value,
		     int len, void *to)
{
	float *field = (float *)((char *)to + p->offset);
	uint32_t n = (uint32_t)len / sizeof(fdt32_t);
	char text[80];
	int ret = 0;

	if (len % (int)sizeof(fdt32_t) || n < p->count_min || n > p->count_max) {
		snprintf(text, sizeof(text), "has %d bytes, must be %u to %u numbers of 4 bytes",
			 len, p->count_min, p->count_max);
		return fail_at(r, place, p->name, text);
	}
	for (uint32_t i = 0; i < n && !ret; i++)
		ret = read_number(r, place, p, (const fdt32_t *)value + i, sizeof(fdt32_t),
				  &field[i]);
	*(uint32_t *)((char *)to + p->count_offset) = n;
	return ret;
}

/* A string property is one string with its NUL and nothing behind it. */
static bool is_string(const char *value, int len)
{
	return len > 0 && strnlen(value, (size_t)len) == (size_t)len - 1;
}

static int read_word(const struct reader *r, int place, const struct mho_prop *p, const char *value,
		     void *field)
{
	static const char *const switch_words[] = { "off", "on", NULL };
	const char *const *words = p->kind == MHO_PROP_SWITCH ? switch_words : p->words;
	char text[200];
	int used;

	for (unsigned int i = 0; words[i]; i++) {
		if (strcmp(words[i], value) != 0)
			continue;
		if (p->kind == MHO_PROP_SWITCH)
			*(bool *)field = i;
		else
			*(unsigned int *)field = i;
		return 0;
	}
	used = snprintf(text, sizeof(text), "is \"%.32s\", must be", value);
	for (unsigned int i = 0; words[i] && (size_t)used < sizeof(text); i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%s \"%s\"",
				 i ? " or" : "", words[i]);
	return fail_at(r, place, p->name, text);
}

static int read_text(const struct reader *r, int place, const struct mho_prop *p, const char *value,
		     int len, char *field)
{
	char text[80];

	if (len < 2 || len > p->max) {
		snprintf(text, sizeof(text), "has %d characters, must have 1 to %" PRId64, len - 1,
			 p->max - 1);
		return fail_at(r, place, p->name, text);
	}
	memcpy(field, value, (size_t)len);
	mho_props_printable(field);
	if (strcmp(field, value) != 0)
		return fail_at(r, place, p->name, "must be printable ASCII");
	return 0;
}

static int read_property(const struct reader *r, int place, const struct mho_prop *p,
			 const void *value, int len, void *to)
{
	void *field;

	/* Such tables come without a structure. */
	if (p->kind == MHO_PROP_IGNORE)
		return 0;
	field = (char *)to + p->offset;
	switch (p->kind) {
	case MHO_PROP_SWITCH:
	case MHO_PROP_WORD:
	case MHO_PROP_TEXT:
		if (!is_string(value, len))
			return fail_at(r, place, p->name, "must be one string");
		return p->kind == MHO_PROP_TEXT ? read_text(r, place, p, value, len, field) :
						  read_word(r, place, p, value, field);
	case MHO_PROP_FLOATS:
		return read_list(r, place, p, value, len, to);
	default:
		return read_number(r, place, p, value, len, field);
	}
}

#define DISTANCE_LEN 48

/* Levenshtein's distance; names longer than the limit are far from everything. */
static unsigned int distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	unsigned int row[DISTANCE_LEN + 1];

	if (na > DISTANCE_LEN || nb > DISTANCE_LEN)
		return DISTANCE_LEN;
	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[nb];
}

static int fail_unknown(const struct reader *r, int place, const struct mho_prop *table,
			unsigned int n, const char *name)
{
	const char *nearest = NULL;
	unsigned int least = (unsigned int)strlen(name) / 2;
	char text[120];

	for (unsigned int i = 0; i < n; i++) {
		unsigned int d = distance(name, table[i].name);

		if (d <= least && table[i].kind != MHO_PROP_IGNORE) {
			least = d;
			nearest = table[i].name;
		}
	}
	if (!nearest)
		return fail_at(r, place, name, "is unknown here");
	snprintf(text, sizeof(text), "is unknown here; is \"%s\" meant?", nearest);
	return fail_at(r, place, name, text);
}

static const struct mho_prop *find(const struct mho_prop *table, unsigned int n, const char *name)
{
	for (unsigned int i = 0; i < n; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

int mho_props_read(const void *fdt, int node, const struct mho_prop *table, unsigned int n,
		   void *to, struct mho_props_error *err)
{
	const struct reader r = { .fdt = fdt, .node = node, .err = err };
	bool seen[MHO_PROPS_MAX] = { false };
	int place, ret;

	fdt_for_each_property_offset(place, fdt, node)
	{
		const struct mho_prop *p;
		const char *name;
		const void *value;
		int len;

		value = fdt_getprop_by_offset(fdt, place, &name, &len);
		if (!value)
			return fail_at(&r, place, "?", "cannot be read");
		p = find(table, n, name);
		if (!p)
			return fail_unknown(&r, place, table, n, name);
		if (seen[p - table])
			return fail_at(&r, place, name, "is there twice");
		seen[p - table] = true;
		ret = read_property(&r, place, p, value, len, to);
		if (ret)
			return ret;
	}
	for (unsigned int i = 0; i < n; i++) {
		if (table[i].required && !seen[i])
			return fail_at(&r, node, table[i].name, "is missing");
	}
	return 0;
}
