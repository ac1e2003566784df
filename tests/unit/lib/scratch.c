// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See scratch.h.
 */
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *base(void)
{
	const char *dir = getenv("TMPDIR");

	return dir ? dir : "/tmp";
}

void scratch_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/mho-%ld-%s", base(), (long)getpid(), name);
}

int scratch_dir(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/mho-%s-XXXXXX", base(), name);
	return mkdtemp(path) ? 0 : -1;
}
