// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl top: whether there is a terminal that a screen can be drawn on. By itself,
 * since <term.h> makes macros of common words.
 */
#include <ncurses.h>
#include <term.h>
#include <unistd.h>

#include "tools/mhoctl/top_terminal.h"

bool top_terminal_usable(void)
{
	const char *move;
	int known = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    setupterm(NULL, STDOUT_FILENO, &known) != OK)
		return false;
	/* To place the cursor is all that is needed; -1 is an error. */
	move = tigetstr("cup");
	del_curterm(cur_term);
	return move && move != (const char *)-1;
}
