// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Makes the standard output of every test program line-buffered, also into a
 * file: results survive a crash, and a forked child does not repeat what its
 * parent had not written yet.
 */
#include <stdio.h>

__attribute__((constructor)) static void line_buffer(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}
