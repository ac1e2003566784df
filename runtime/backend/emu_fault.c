// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Faults of the emulated device that the URI orders: fault=NAME:ARGUMENT:...,NAME,...
 * What they do is the device's own affair.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/emu_dev.h"
#include "core/error.h"
#include "emulator/mho_emu.h"

#define WORDS_MAX 8
#define ORDERS_MAX 512

/* How a fault is used; or of NULL the names of all. */
static void describe(struct mho_emu *emu, const char *name, char *text, size_t size)
{
	struct mho_emu_fault_info info;
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int i = 0; mho_emu_fault_info(emu, i, &info) && used < size; i++) {
		if (!name)
			used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
						 info.name);
		else if (!strcmp(name, info.name))
			used += (size_t)snprintf(text, size, "%s", info.usage);
	}
}

static int order(struct mho_emu *emu, char *text)
{
	char *words[WORDS_MAX + 1] = { NULL }, *rest = NULL, known[512];
	unsigned int n = 0;
	int err;

	for (char *w = strtok_r(text, ":", &rest); w && n < WORDS_MAX;
	     w = strtok_r(NULL, ":", &rest))
		words[n++] = w;
	err = n ? mho_emu_fault(emu, words[0], words + 1) : -ENOENT;
	if (err == -ENOENT) {
		describe(emu, NULL, known, sizeof(known));
		return mrt_fail(-EINVAL, "an emulated card has no fault \"%s\"; it has %s",
				n ? words[0] : "", known);
	}
	if (err) {
		describe(emu, words[0], known, sizeof(known));
		return mrt_fail(-EINVAL,
				"the arguments of fault=%s are wrong; usage: %s, with ':' for "
				"each blank",
				words[0], known);
	}
	return 0;
}

int emub_order_faults(struct emub_dev *dev, const char *orders)
{
	char copy[ORDERS_MAX], *rest = NULL;
	int err = 0;

	if (snprintf(copy, sizeof(copy), "%s", orders) >= (int)sizeof(copy))
		return mrt_fail(-EINVAL, "fault= in the URI has more than %d bytes",
				ORDERS_MAX - 1);
	for (char *one = strtok_r(copy, ",", &rest); one && !err; one = strtok_r(NULL, ",", &rest))
		err = order(dev->emu, one);
	return err;
}
