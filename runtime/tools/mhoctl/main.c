// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl: looks at mho devices, tests them and measures them. Here: from the
 * command line to a verb, and the check that all output was really written.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/std_streams.h"
#include "tools/mhoctl/mhoctl.h"

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *v = mhoctl_verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static void print_version(void)
{
	uint32_t version = mho_version();

	printf("mhoctl %d.%d.%d (libmho %u.%u.%u)\n", MHO_VERSION_MAJOR, MHO_VERSION_MINOR,
	       MHO_VERSION_PATCH, version >> 16, version >> 8 & 0xff, version & 0xff);
}

static int run_verb(const char *name, int argc, char **argv)
{
	struct call call = { .verb = find_verb(name) };
	int err;

	if (!call.verb) {
		fprintf(stderr, "mhoctl: there is no verb \"%s\"; mhoctl --help lists them\n",
			name);
		return MHOCTL_USAGE;
	}
	err = call_parse(&call, argc, argv);
	if (err)
		return err;
	if (call_option(&call, "help")) {
		print_verb_help(call.verb, stdout);
		return MHOCTL_OK;
	}
	return call.verb->run(&call);
}

static int run(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : NULL;

	if (!first) {
		print_help(stderr);
		return MHOCTL_USAGE;
	}
	if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
		print_version();
		return MHOCTL_OK;
	}
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 ||
	    strcmp(first, "help") == 0) {
		char *help[] = { argv[0], "--help", NULL };

		if (argc > 2)
			return run_verb(argv[2], 2, help);
		print_help(stdout);
		return MHOCTL_OK;
	}
	return run_verb(first, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int exit_code;

	std_streams_reserve();
	/* For the width of characters; numbers keep their decimal point. */
	setlocale(LC_CTYPE, "");
	/* "mhoctl ... | head" gets the write error below, not a silent end. */
	signal(SIGPIPE, SIG_IGN);

	exit_code = run(argc, argv);

	errno = 0;
	if (fflush(stdout) || ferror(stdout)) {
		if (errno == EPIPE)
			return exit_code ? exit_code : MHOCTL_DEVICE;
		fprintf(stderr, "mhoctl: standard output could not be written: %s\n",
			errno ? strerror(errno) : "write error");
		return MHOCTL_DEVICE;
	}
	return exit_code;
}
