// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What every tool does about standard input, output and error before anything else.
 */
#include <fcntl.h>
#include <unistd.h>

#include "tools/common/std_streams.h"

void std_streams_reserve(void)
{
	int fd;

	/* Printing still fails, as on a closed descriptor: these are for reading only. */
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}
