/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Where tests put files: below TMPDIR, which the runner makes empty for each test
 * and removes, so that nothing stays behind even after a crash.
 */
#ifndef MHO_TEST_SCRATCH_H
#define MHO_TEST_SCRATCH_H

#include <stddef.h>

/* scratch_path() - a name in the scratch directory that holds @name and this process's number. */
void scratch_path(char *path, size_t size, const char *name);

/* scratch_dir() - make a fresh directory there. Return: 0 or -1, as mkdtemp() says in errno. */
int scratch_dir(char *path, size_t size, const char *name);

#endif
