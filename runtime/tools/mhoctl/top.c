// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl top: a card at work, live. top.h says what is where.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tools/mhoctl/top.h"
#include "tools/mhoctl/top_terminal.h"

#define ANY_CARD "accel:"
#define DELAY_MIN 0.1
#define DELAY_MAX 3600.0

static int parse_options(struct top *top, long *iterations)
{
	const char *delay = call_option(top->call, "delay");
	const char *sort = call_option(top->call, "sort");
	char *end, name[TEXT_MAX];

	top->delay = 2.0;
	if (delay) {
		top->delay = strtod(delay, &end);
		if (end == delay || *end || !(top->delay >= DELAY_MIN && top->delay <= DELAY_MAX))
			return fail(top->call, MHOCTL_USAGE,
				    "--delay must be a number of seconds from %g to %g, not \"%s\"",
				    DELAY_MIN, DELAY_MAX, delay);
	}
	while (sort && strcmp(top_sort_name(top->sort, name), sort) != 0)
		top->sort++;
	return call_number(top->call, "iterations", 1, 1000000, iterations);
}

/* Whoever may not open the card sees what anybody may see. */
static int without_device(struct top *top, int err, const char *why)
{
	bool found = top_card_find(top->root, top->uri, &top->now.card);

	snprintf(top->why, sizeof(top->why), "%s", why);
	if (found && (err == -EACCES || err == -EPERM))
		return 0;
	return fail(top->call, MHOCTL_DEVICE, "cannot open \"%s\": %s%s", top->uri, why,
		    found ? "" : "; mhoctl doctor says what is missing");
}

static int open_card(struct top *top)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	int err;

	open_options(top->call, &opts);
	err = mho_open(top->uri, &opts, &top->dev);
	if (err)
		return without_device(top, err, mho_last_error());
	err = mho_dev_info(top->dev, &top->info);
	if (err)
		return fail_device(top->call, "the device does not describe itself", err);
	if (*top->info.location)
		top_card_find(top->root, top->info.location, &top->now.card);
	return 0;
}

/* A made-up system has no device that could be opened. */
static int look_below(struct top *top)
{
	struct stat st;

	if (stat(top->root, &st) || !S_ISDIR(st.st_mode))
		return fail(top->call, MHOCTL_USAGE, "--root %s is not a directory", top->root);
	return without_device(top, -EACCES, "with --root no device is opened");
}

static void sleep_for(double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Nobody would read on. main() must not speak of it once more, when the reason is forgotten. */
static int not_written(const struct top *top)
{
	int err = errno;

	clearerr(stdout);
	if (err == EPIPE)
		return MHOCTL_DEVICE;
	return fail(top->call, MHOCTL_DEVICE, "standard output could not be written: %s",
		    strerror(err));
}

static int print_samples(struct top *top, long iterations)
{
	int err = top_sample(top);

	for (long i = 0; !err && (!iterations || i < iterations); i++) {
		sleep_for(top->delay);
		err = top_sample(top);
		if (err)
			break;
		if (top->call->json)
			top_print_json(top);
		else
			top_print(top);
		if (fflush(stdout))
			return not_written(top);
	}
	return err ? fail_device(top->call, "the card cannot be watched any more", err) : MHOCTL_OK;
}

static int watch(struct top *top, long iterations)
{
	struct top_load *load = NULL;
	int err = 0;

	if (call_option(top->call, "load")) {
		if (!top->dev)
			return fail(top->call, MHOCTL_DEVICE,
				    "no load on a card that is not open: %s", top->why);
		err = top_load_start(top->call, top->dev, &load);
	}
	if (err)
		return err;
	if (call_option(top->call, "batch") || top->call->json || !top_terminal_usable())
		err = print_samples(top, iterations);
	else
		err = top_screen_run(top, iterations);
	top_load_stop(load);
	return err;
}

static int check_uri(const struct top *top)
{
	if (strncmp(top->uri, "emu:", 4) != 0 || call_option(top->call, "load"))
		return 0;
	return fail(top->call, MHOCTL_USAGE,
		    "an emulated card lives in the program that opens it: this one would have "
		    "nothing to do. mhoctl top --load %s gives it work; mhoctl top alone watches "
		    "a card that other programs use",
		    top->uri);
}

int run_top(struct call *call)
{
	const char *root = call_option(call, "root");
	struct top top = {
		.call = call,
		.root = root ? root : "",
		.uri = call->nargs ? call->args[0] : ANY_CARD,
		.info = MHO_INIT(struct mho_info),
	};
	long iterations = 0;
	int err;

	err = parse_options(&top, &iterations);
	if (!err)
		err = check_uri(&top);
	if (!err)
		err = root ? look_below(&top) : open_card(&top);
	if (!err)
		err = watch(&top, iterations);
	top_sample_free(&top.now);
	top_sample_free(&top.before);
	mho_close(top.dev);
	return err;
}
