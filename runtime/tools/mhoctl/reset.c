// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl reset: warm reset of a device, after a question.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/mhoctl/mhoctl.h"

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec * 1e-6;
}

/* Asks on the terminal. Only a clear yes is one. */
static bool confirmed(const struct mho_info *info)
{
	char answer[16] = "";

	fprintf(stderr,
		"Reset %s (%s)?\n"
		"Lost: jobs in flight, those of other programs, too; a matrix that one of them is\n"
		"writing may be left half written. Kept: firmware, matrices, weights, counters.\n"
		"Go on? [y/N] ",
		info->model, *info->location ? info->location : info->uri);
	if (!fgets(answer, sizeof(answer), stdin))
		fputc('\n', stderr);
	answer[strcspn(answer, "\n")] = '\0';
	return strcmp(answer, "y") == 0 || strcmp(answer, "Y") == 0 || strcmp(answer, "yes") == 0;
}

static void report(const struct call *call, const struct mho_info *info, double ms,
		   const struct mho_telemetry *t)
{
	if (call->json) {
		struct json_object *doc = json_new("reset");

		json_set_text(doc, "uri", info->uri);
		json_set_text(doc, "model", info->model);
		json_set_bool(doc, "reset", true);
		json_set_real(doc, "milliseconds", ms);
		json_set_uint(doc, "resets", t->resets);
		json_print(doc, stdout);
		return;
	}
	printf("%s was reset in %.3g ms, and works; resets since power-on: %u\n", info->model, ms,
	       t->resets);
}

static int reset(const struct call *call, struct mho_dev *dev)
{
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);
	struct mho_info info = MHO_INIT(struct mho_info);
	double begin;
	int err;

	err = mho_dev_info(dev, &info);
	if (err)
		return fail_device(call, "the device does not describe itself", err);
	if (!call_option(call, "yes") && !confirmed(&info))
		return fail(call, MHOCTL_FAILED, "nothing was done");
	begin = now_ms();
	err = mho_reset(dev);
	if (err)
		return fail_device(call, "the device was not reset", err);
	begin = now_ms() - begin;
	/* Also the proof that it answers again. */
	err = mho_telemetry_get(dev, &t);
	if (err)
		return fail_device(call, "the device does not answer after its reset", err);
	report(call, &info, begin, &t);
	return MHOCTL_OK;
}

int run_reset(struct call *call)
{
	struct mho_dev *dev;
	int err;

	if (call->nargs != 1)
		return fail(call, MHOCTL_USAGE,
			    "which device? A reset has no default; mhoctl list shows URIs");
	if (!call_option(call, "yes") && !isatty(STDIN_FILENO))
		return fail(call, MHOCTL_USAGE,
			    "there is no terminal to ask on, and a reset ends jobs of other "
			    "programs: --yes says that it shall be done");
	err = open_device(call, &dev);
	if (err)
		return err;
	err = reset(call, dev);
	mho_close(dev);
	return err;
}
