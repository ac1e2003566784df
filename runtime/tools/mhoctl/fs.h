/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Files below a root: see fs.c.
 */
#ifndef MHOCTL_FS_H
#define MHOCTL_FS_H

#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

void fs_path(const char *root, char path[PATH_MAX], const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool fs_read(const char *root, char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool fs_find_line(const char *root, const char *file, const char *start, char *line, size_t size);
void fs_glob(const char *root, const char *pattern, glob_t *found);
bool fs_link_name(const char *path, char *name, size_t size);
bool fs_is_card(const char *class_directory);

#endif
