// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Samples from comma-separated values: one sample a line, the label last. The digits that come
 * with scikit-learn are such a file.
 */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/data.h"
#include "nn/internal.h"

struct csv {
	struct nn_file *file;
	struct nn_values *v;
	locale_t locale; /* numbers have a decimal point wherever the program runs */
	uint64_t line;
	uint32_t columns;
	bool labelled;
	uint32_t room; /* samples that fit */
	float *row;
};

/* UTF-8's mark, which spreadsheets put in front of the first line. */
static void drop_byte_order_mark(char *line)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t len = sizeof(mark) - 1;

	if (!strncmp(line, mark, len))
		memmove(line, line + len, strlen(line + len) + 1);
}

static bool blank(const char *s)
{
	return s[strspn(s, " \t")] == '\0';
}

/* A number with blanks around it, up to a comma or the end. Return: where it ends, or NULL. */
static const char *parse(const struct csv *csv, const char *s, float *value)
{
	char *end;

	*value = strtof_l(s, &end, csv->locale);
	if (end == s)
		return NULL;
	end += strspn(end, " \t");
	return *end == ',' || *end == '\0' ? end : NULL;
}

static uint32_t count_columns(const char *line)
{
	uint32_t n = 1;

	for (; *line; line++)
		n += *line == ',';
	return n;
}

static bool is_heading(const struct csv *csv, const char *line)
{
	uint32_t numbers = 0;
	float value;

	for (const char *s = line; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL)
		numbers += parse(csv, s, &value) != NULL;
	return 2 * numbers < count_columns(line);
}

static int bad_field(const struct csv *csv, uint32_t column, const char *s, const char *what)
{
	int len = (int)strcspn(s, ",");

	return nn_error(-EBADMSG,
			"%s: line %llu, column %u: \"%.*s\" is not %s; correct or remove "
			"the line",
			csv->file->path, (unsigned long long)csv->line, column + 1,
			len < 40 ? len : 40, s, what);
}

static int parse_row(struct csv *csv)
{
	const char *s = csv->file->line;

	for (uint32_t j = 0; j < csv->columns; j++) {
		const char *end = parse(csv, s, &csv->row[j]);

		if (!end)
			return bad_field(csv, j, s, "a number");
		if (!isfinite(csv->row[j]))
			return bad_field(csv, j, s, "a finite number");
		if (csv->labelled && j + 1 == csv->columns &&
		    (csv->row[j] < 0.0f || csv->row[j] > NN_LABEL_MAX ||
		     csv->row[j] != floorf(csv->row[j])))
			return bad_field(csv, j, s,
					 "a label, which the last column is to hold: a whole "
					 "number from 0 to 65535");
		s = end + 1;
	}
	return 0;
}

static int grow(struct csv *csv)
{
	struct nn_values *v = csv->v;
	uint32_t room = csv->room ? 2 * csv->room : 256;
	int32_t *labels;
	float *f32;

	if (room > NN_SAMPLES_MAX)
		return nn_error(-EBADMSG, "%s: more than %u samples", csv->file->path,
				NN_SAMPLES_MAX / 2);
	f32 = realloc(v->f32, (size_t)room * v->inputs * sizeof(*f32));
	if (f32)
		v->f32 = f32;
	labels = realloc(v->labels, (size_t)room * sizeof(*labels));
	if (labels)
		v->labels = labels;
	if (!f32 || !labels)
		return nn_no_memory();
	csv->room = room;
	return 0;
}

static int add_row(struct csv *csv)
{
	struct nn_values *v = csv->v;
	int err = v->count == csv->room ? grow(csv) : 0;

	if (err)
		return err;
	memcpy(v->f32 + (size_t)v->count * v->inputs, csv->row, v->inputs * sizeof(*csv->row));
	v->labels[v->count] = csv->labelled ? (int32_t)csv->row[v->inputs] : -1;
	v->count++;
	return 0;
}

/* The first line with numbers says how many columns there are. */
static int first_row(struct csv *csv)
{
	struct nn_values *v = csv->v;
	uint32_t side;

	csv->columns = count_columns(csv->file->line);
	if (csv->columns < 1U + csv->labelled || csv->columns > NN_WIDTH_MAX)
		return nn_error(-EBADMSG,
				"%s: line %llu has %u column(s); a sample is a line of numbers "
				"separated by commas, at least one value and the label, at most %u",
				csv->file->path, (unsigned long long)csv->line, csv->columns,
				NN_WIDTH_MAX);
	v->inputs = csv->columns - csv->labelled;
	csv->row = malloc(csv->columns * sizeof(*csv->row));
	if (!csv->row)
		return nn_no_memory();
	side = (uint32_t)lround(sqrt(v->inputs));
	if (side > 1 && side * side == v->inputs)
		v->width = v->height = side;
	return 0;
}

static int read_row(struct csv *csv)
{
	const char *line = csv->file->line;
	int err = csv->row ? 0 : first_row(csv);

	if (err)
		return err;
	if (count_columns(line) != csv->columns)
		return nn_error(-EBADMSG,
				"%s: line %llu has %u columns, the lines before it have %u; "
				"correct or remove the line",
				csv->file->path, (unsigned long long)csv->line, count_columns(line),
				csv->columns);
	err = parse_row(csv);
	return err ? err : add_row(csv);
}

static int check_text(const struct csv *csv)
{
	for (const char *s = csv->file->line; *s; s++)
		if ((unsigned char)*s < ' ' && *s != '\t')
			return nn_error(-EBADMSG,
					"%s: line %llu holds the byte 0x%02x: this is neither a "
					"CSV file nor an idx file",
					csv->file->path, (unsigned long long)csv->line,
					(unsigned char)*s);
	return 0;
}

static int read_rows(struct csv *csv)
{
	for (;;) {
		int ret = nn_file_line(csv->file);

		if (ret <= 0)
			return ret;
		if (!csv->line++)
			drop_byte_order_mark(csv->file->line);
		if (blank(csv->file->line))
			continue;
		ret = check_text(csv);
		if (ret)
			return ret;
		if (csv->line == 1 && is_heading(csv, csv->file->line))
			continue;
		ret = read_row(csv);
		if (ret)
			return ret;
	}
}

int nn_csv_read(struct nn_file *file, uint32_t flags, struct nn_values *values)
{
	struct csv csv = {
		.file = file,
		.v = values,
		.labelled = !(flags & MHO_NN_DATA_UNLABELLED),
	};
	int err;

	csv.locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!csv.locale)
		return nn_no_memory();
	err = read_rows(&csv);
	if (!err && !values->count)
		err = nn_error(-EBADMSG,
			       "%s: there is no sample in it: a line of numbers separated by "
			       "commas, at least one value and the label",
			       file->path);
	freelocale(csv.locale);
	free(csv.row);
	return err;
}
