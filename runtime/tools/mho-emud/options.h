/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The command line of mho-emud.
 */
#ifndef MHO_TOOLS_EMUD_OPTIONS_H
#define MHO_TOOLS_EMUD_OPTIONS_H

#include <stdint.h>

enum {
	EMUD_OK = 0,
	EMUD_FAILED = 1,
	EMUD_USAGE = 2,
};

struct emud_options {
	const char *socket; /* NULL if @fd is given */
	int fd; /* listening socket of the service manager, or -1 */
	const char *control; /* NULL for none */
	const char *topology; /* built-in name or file */
	const char *technology; /* NULL for the topology's own */
	const char *state; /* NULL for none */
	uint64_t seed;
	uint64_t serial;
	unsigned int threads;
	unsigned int interrupts; /* VFU_MSIX, VFU_MSI */
	int log_level; /* enum mho_hw_log_level */
};

/* Return: -1 to go on, or the exit status after --help, --version or a complaint. */
int emud_options_parse(struct emud_options *o, int argc, char **argv);

#endif
