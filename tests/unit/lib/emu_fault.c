// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See emu_fault.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emu_fault.h"

int emu_fault(struct emu_host *h, const char *line)
{
	char copy[128], *words[8] = { NULL }, *rest = NULL;
	unsigned int n = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &rest); w && n < 7; w = strtok_r(NULL, " ", &rest))
		words[n++] = w;
	return mho_emu_fault(h->emu, words[0] ? words[0] : "", words + (n > 0));
}

static struct mho_emu_fault_info find(struct emu_host *h, const char *name)
{
	struct mho_emu_fault_info info;

	for (unsigned int i = 0; mho_emu_fault_info(h->emu, i, &info); i++) {
		if (!strcmp(info.name, name))
			return info;
	}
	fail_msg("there is no fault %s", name);
	return info;
}

uint64_t emu_fault_armed(struct emu_host *h, const char *name)
{
	return find(h, name).armed;
}

uint64_t emu_fault_taken(struct emu_host *h, const char *name)
{
	return find(h, name).taken;
}
