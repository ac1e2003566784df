// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl fit: reading a measurement. Lines are PULSES,VALUE: a number of pulses,
 * negative for the other direction, and what was measured after them, in any unit.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhoctl/fit.h"

#define POINTS_MAX 10000000
#define PULSES_MAX 1000000

static bool parse_line(const char *line, int *pulses, double *value)
{
	double n;
	int used;

	if (sscanf(line, " %lf , %lf %n", &n, value, &used) != 2 || line[used])
		return false;
	*pulses = (int)n;
	return fabs(n) <= PULSES_MAX && n == *pulses && isfinite(*value);
}

static bool is_empty(const char *line)
{
	line += strspn(line, " \t\r\n");
	return !*line || *line == '#';
}

/* The first value is where the cell was; what is said of its pulses does not matter. */
static int read_points(const struct call *call, FILE *file, const char *path, struct fit_data *data)
{
	size_t room = 0, lines = 0;
	bool begun = false;
	double last = 0;
	char line[256];

	while (fgets(line, sizeof(line), file)) {
		struct fit_point p = { .before = last };

		lines++;
		if (is_empty(line))
			continue;
		if (!parse_line(line, &p.pulses, &p.after)) {
			/* A heading. */
			if (lines == 1)
				continue;
			return fail(call, MHOCTL_DEVICE,
				    "%s, line %zu: not PULSES,VALUE, such as -1,83.5", path, lines);
		}
		last = p.after;
		if (!begun) {
			data->low = data->high = last;
			begun = true;
			continue;
		}
		data->low = fmin(data->low, last);
		data->high = fmax(data->high, last);
		if (!p.pulses)
			continue;
		if (data->count == room) {
			struct fit_point *more;

			room = room ? 2 * room : 1024;
			more = room > POINTS_MAX ? NULL :
						   realloc(data->point, room * sizeof(*more));
			if (!more)
				return fail(call, MHOCTL_DEVICE, "%s has too many lines", path);
			data->point = more;
		}
		data->point[data->count++] = p;
	}
	return ferror(file) ?
		       fail(call, MHOCTL_DEVICE, "%s cannot be read: %s", path, strerror(errno)) :
		       0;
}

static void scale(struct fit_data *data)
{
	double mid = (data->low + data->high) / 2, half = (data->high - data->low) / 2;

	for (size_t i = 0; i < data->count; i++) {
		data->point[i].before = (data->point[i].before - mid) / half;
		data->point[i].after = (data->point[i].after - mid) / half;
	}
}

int fit_read(const struct call *call, const char *path, struct fit_data *data)
{
	FILE *file = fopen(path, "re");
	size_t up = 0;
	int status;

	*data = (struct fit_data){ 0 };
	if (!file)
		return fail(call, MHOCTL_DEVICE, "%s cannot be opened: %s", path, strerror(errno));
	status = read_points(call, file, path, data);
	fclose(file);
	if (status)
		return status;
	for (size_t i = 0; i < data->count; i++)
		up += data->point[i].pulses > 0;
	/* Enough for the law with most parameters. */
	if (up < 2 * FIT_CURVE || data->count - up < 2 * FIT_CURVE || data->high <= data->low)
		return fail(
			call, MHOCTL_DEVICE,
			"%s: %zu values after pulses up and %zu after pulses down; at least %d of "
			"each are needed, not all equal",
			path, up, data->count - up, 2 * FIT_CURVE);
	scale(data);
	return 0;
}

void fit_free(struct fit_data *data)
{
	free(data->point);
}
