// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Reading small files below a root, so that what looks at the system can be tried
 * on a made-up one.
 */
#include "tools/mhoctl/fs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void path_below(const char *root, char path[PATH_MAX], const char *format, va_list args)
{
	size_t used = strlen(root);

	while (used > 0 && root[used - 1] == '/')
		used--;
	if (used + 2 > PATH_MAX)
		used = 0;
	memcpy(path, root, used);
	path[used++] = '/';
	vsnprintf(path + used, PATH_MAX - used, format, args);
}

/**
 * fs_path() - the path of a file below the root
 * @root: directory that stands for /
 * @path: filled
 * @format: of its path without leading slash
 */
void fs_path(const char *root, char path[PATH_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	path_below(root, path, format, args);
	va_end(args);
}

/**
 * fs_read() - read a small file
 * @root: directory that stands for /
 * @text: filled with its beginning, without the last newline
 * @size: room
 * @format: of its path without leading slash
 *
 * Return: true if it could be read; @text is empty otherwise.
 */
bool fs_read(const char *root, char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *file;
	size_t n;
	bool ok;

	va_start(args, format);
	path_below(root, path, format, args);
	va_end(args);
	*text = '\0';
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fread(text, 1, size - 1, file);
	ok = !ferror(file);
	fclose(file);
	if (!ok)
		n = 0;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return ok;
}

/**
 * fs_find_line() - the first line of a file that begins with a text
 * @root: directory that stands for /
 * @file: its path without leading slash
 * @start: text
 * @line: filled with what follows it on the line, blanks skipped
 * @size: room
 *
 * Return: true if there is one.
 */
bool fs_find_line(const char *root, const char *file, const char *start, char *line, size_t size)
{
	char path[PATH_MAX], *text = NULL;
	size_t room = 0, skip = strlen(start);
	bool found = false;
	FILE *stream;
	ssize_t n;

	fs_path(root, path, "%s", file);
	stream = fopen(path, "re");
	if (!stream)
		return false;
	while (!found && (n = getline(&text, &room, stream)) > 0) {
		if (strncmp(text, start, skip) != 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		snprintf(line, size, "%s", text + skip + strspn(text + skip, " \t:"));
		found = true;
	}
	free(text);
	fclose(stream);
	return found;
}

/**
 * fs_glob() - paths below the root that match a pattern
 * @root: directory that stands for /
 * @pattern: pattern without leading slash
 * @found: filled, perhaps with no path; globfree() it. Paths begin with the root.
 */
void fs_glob(const char *root, const char *pattern, glob_t *found)
{
	char path[PATH_MAX];

	*found = (glob_t){ 0 };
	fs_path(root, path, "%s", pattern);
	if (glob(path, 0, NULL, found))
		found->gl_pathc = 0;
}

/**
 * fs_link_name() - last part of where a symbolic link leads
 * @path: path of the link, with its root
 * @name: filled, empty if it is no link
 * @size: room
 *
 * Return: true if it is one.
 */
bool fs_link_name(const char *path, char *name, size_t size)
{
	char target[PATH_MAX];
	const char *last;
	ssize_t n;

	*name = '\0';
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	last = strrchr(target, '/');
	snprintf(name, size, "%s", last ? last + 1 : target);
	return true;
}

/**
 * fs_is_card() - whether the mho driver has bound the device of a node
 * @class_directory: directory of the node in /sys/class/accel, with its root
 *
 * Return: true if so.
 */
bool fs_is_card(const char *class_directory)
{
	char path[PATH_MAX], name[64];

	snprintf(path, sizeof(path), "%s/device/driver", class_directory);
	return fs_link_name(path, name, sizeof(name)) && strcmp(name, "mho") == 0;
}
