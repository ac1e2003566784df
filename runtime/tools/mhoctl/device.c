// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Errors for the user, and opening the device that the command line names.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/mhoctl/mhoctl.h"

/**
 * fail() - say what went wrong
 * @call: parsed command line
 * @exit_code: enum mhoctl_exit
 * @format: of the sentence, without newline
 *
 * Return: @exit_code.
 */
int fail(const struct call *call, int exit_code, const char *format, ...)
{
	va_list args;

	/* What was printed so far belongs before the message. */
	fflush(stdout);
	fprintf(stderr, "mhoctl %s: ", call->verb->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return exit_code;
}

/**
 * fail_device() - say what went wrong in a call of libmho, right after it
 * @call: parsed command line
 * @what: what failed, such as "the log cannot be read"
 * @err: what the call returned, or a positive device status
 *
 * Return: MHOCTL_DEVICE.
 */
int fail_device(const struct call *call, const char *what, int err)
{
	char sentence[512];

	snprintf(sentence, sizeof(sentence), "%s", mho_last_error());
	if (err > 0 || !*sentence)
		snprintf(sentence, sizeof(sentence), "%s", mho_strerror(err));
	return fail(call, MHOCTL_DEVICE, "%s: %s", what, sentence);
}

static void print_device_message(void *arg, int level, const char *text)
{
	(void)arg;
	fprintf(stderr, "device: <%d> %s\n", level, text);
}

/**
 * open_options() - settings of mho_open() from --io and --verbose
 * @call: parsed command line
 * @opts: initialised by MHO_INIT(); filled
 */
void open_options(const struct call *call, struct mho_open_opts *opts)
{
	const char *io = call_option(call, "io");

	if (io && strcmp(io, "uring") == 0)
		opts->io = MHO_IO_URING;
	else if (io && strcmp(io, "thread") == 0)
		opts->io = MHO_IO_THREAD;
	opts->log = print_device_message;
	opts->log_level = call_option(call, "verbose") ? MHO_LOG_DEBUG : MHO_LOG_WARNING;
}

/**
 * device_uri() - the URI on the command line, or the default, which is announced
 * @call: parsed command line
 *
 * Return: the URI.
 */
const char *device_uri(const struct call *call)
{
	if (call->nargs > 0)
		return call->args[0];
	fprintf(stderr, "mhoctl %s: no URI given, using %s (an emulated card)\n", call->verb->name,
		MHOCTL_DEFAULT_URI);
	return MHOCTL_DEFAULT_URI;
}

/**
 * open_device() - open the device that the command line names
 * @call: parsed command line
 * @dev: the device; mho_close() it
 *
 * Return: 0, or an exit code after a message.
 */
int open_device(const struct call *call, struct mho_dev **dev)
{
	return open_uri(call, device_uri(call), dev);
}

/**
 * open_uri() - open a device by its URI
 * @call: parsed command line
 * @uri: its URI
 * @dev: the device; mho_close() it
 *
 * Return: 0, or an exit code after a message.
 */
int open_uri(const struct call *call, const char *uri, struct mho_dev **dev)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	char what[512];
	int err;

	open_options(call, &opts);
	err = mho_open(uri, &opts, dev);
	if (!err)
		return 0;
	snprintf(what, sizeof(what), "cannot open \"%s\"", uri);
	return fail_device(call, what, err);
}

/**
 * is_uri() - whether a word begins as a device's URI does
 * @word: word of the command line
 *
 * Return: true if so; a file with such a name is named by its path.
 */
bool is_uri(const char *word)
{
	return strncmp(word, "emu:", 4) == 0 || strncmp(word, "accel:", 6) == 0;
}
