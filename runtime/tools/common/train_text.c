// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Text in and out for mho-train and mho-infer.
 */
#include <errno.h>
#include <json-c/json.h>
#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/train_text.h"

void train_complain(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void train_out_of_memory(void)
{
	train_complain("out of memory");
	exit(TRAIN_FAILED);
}

int train_parse_uint(const char *s, uint64_t min, uint64_t max, uint64_t *value)
{
	char *end;

	/* strtoull() takes "-1" for a large number. */
	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(s, &end, 10);
	return errno || *end || *value < min || *value > max ? -EINVAL : 0;
}

int train_parse_number(const char *s, double min, double max, double *value)
{
	char *end;

	errno = 0;
	*value = strtod(s, &end);
	if (end == s || *end || errno || !(*value >= min && *value <= max))
		return -EINVAL;
	return 0;
}

struct train_quantity train_quantity(double value, const char *unit)
{
	static const char *const prefix[] = { "f", "p", "n", "u", "m", "", "k", "M", "G", "T" };
	const int none = 5, count = 10;
	struct train_quantity q;
	double size = fabs(value);
	int i = none;

	/* What has no unit is counted: 0.98, not 975 m. */
	while (*unit && i > 0 && size < 0.9995 && size > 0.0) {
		size *= 1e3;
		i--;
	}
	while (i < count - 1 && size >= 999.5) {
		size /= 1e3;
		i++;
	}
	snprintf(q.text, sizeof(q.text), "%.*f%s%s%s",
		 size < 9.995 ? 2 :
		 size < 99.95 ? 1 :
				0,
		 value < 0.0 ? -size : size, i == none && !*unit ? "" : " ",
		 i == 3 && !strcmp(nl_langinfo(CODESET), "UTF-8") ? "\302\265" : prefix[i], unit);
	return q;
}

static int cannot_write(const char *path, int err)
{
	train_complain("%s: cannot be written: %s%s", path, strerror(err),
		       err == ENOSPC ? "; make room or choose another place" :
		       err == EACCES ? "; choose a place where you may write" :
				       "");
	return -err;
}

int train_check_writable(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int err = 0;

	if (!strcmp(path, "-"))
		return 0;
	if (!access(path, F_OK)) {
		err = access(path, W_OK) ? errno : 0;
	} else {
		dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) :
			      strdup(".");
		if (!dir)
			train_out_of_memory();
		err = access(dir, W_OK | X_OK) ? errno : 0;
		free(dir);
	}
	return err ? cannot_write(path, err) : 0;
}

int train_write_file(const char *path, int (*fill)(FILE *to, void *arg), void *arg)
{
	bool to_stdout = !strcmp(path, "-");
	FILE *to = to_stdout ? stdout : fopen(path, "we");
	struct stat st;
	int err;

	if (!to)
		return cannot_write(path, errno);
	err = fill(to, arg);
	errno = 0;
	if (fflush(to) || ferror(to))
		err = errno ? -errno : -EIO;
	if (!to_stdout && fclose(to) && !err)
		err = -errno;
	if (!err)
		return 0;
	/* Half a file misleads; a device is not ours to remove. */
	if (!to_stdout && !stat(path, &st) && S_ISREG(st.st_mode))
		unlink(path);
	return cannot_write(to_stdout ? "standard output" : path, -err);
}

int train_fill_json(FILE *to, void *object)
{
	const char *text = json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		return -ENOMEM;
	fprintf(to, "%s\n", text);
	return 0;
}
