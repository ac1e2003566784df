/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Is there a terminal? See top_terminal.c.
 */
#ifndef MHOCTL_TOP_TERMINAL_H
#define MHOCTL_TOP_TERMINAL_H

#include <stdbool.h>

/* Whether standard input and output are a terminal that can place its cursor; "dumb" cannot. */
bool top_terminal_usable(void);

#endif
