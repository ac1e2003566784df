// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl doctor: io_uring. What the kernel's switch says, and whether a ring is
 * really to be had: containers often forbid it behind the switch's back. On each
 * card, which way jobs go to it.
 */
#include <errno.h>
#include <liburing.h>
#include <mho/mho.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhoctl/doctor.h"

#define REASON_MAX 256
#define FALLBACK "; libmho uses threads instead, which is slower"

/* Return: true if the kernel's switch leaves io_uring to this user. */
static bool check_switch(struct doctor *d)
{
	char text[32], group[32];
	long value, gid;

	/* Linux before 6.6 has no switch. */
	if (!fs_read(d->root, text, sizeof(text), "proc/sys/kernel/io_uring_disabled"))
		return true;
	value = strtol(text, NULL, 10);
	if (value == 0)
		return true;
	if (value == 2) {
		doctor_say(d, "io_uring", DOCTOR_NOTE, "sudo sysctl kernel.io_uring_disabled=0",
			   "kernel.io_uring_disabled is 2: nobody may use it" FALLBACK);
		return false;
	}
	fs_read(d->root, group, sizeof(group), "proc/sys/kernel/io_uring_group");
	gid = *group ? strtol(group, NULL, 10) : -1;
	if (d->uid == 0 || (gid >= 0 && doctor_in_group(d, (gid_t)gid)))
		return true;
	doctor_say(
		d, "io_uring", DOCTOR_NOTE, "sudo sysctl kernel.io_uring_disabled=0",
		"kernel.io_uring_disabled is 1 and you are not in kernel.io_uring_group" FALLBACK);
	return false;
}

static void check_ring(struct doctor *d)
{
	struct io_uring ring;
	struct io_uring_probe *probe;
	bool msg_ring;
	int err;

	err = io_uring_queue_init(8, &ring, 0);
	if (err == -EPERM || err == -EACCES) {
		doctor_say(d, "io_uring", DOCTOR_NOTE,
			   "in a container: allow io_uring_setup, io_uring_enter and "
			   "io_uring_register in its seccomp profile",
			   "io_uring_setup is forbidden (%s)" FALLBACK, strerror(-err));
		return;
	}
	if (err) {
		doctor_say(d, "io_uring", DOCTOR_NOTE,
			   "use Linux 5.18 or later with CONFIG_IO_URING",
			   "io_uring_setup gives an error (%s)" FALLBACK, strerror(-err));
		return;
	}
	probe = io_uring_get_probe_ring(&ring);
	msg_ring = probe && io_uring_opcode_supported(probe, IORING_OP_MSG_RING);
	io_uring_free_probe(probe);
	io_uring_queue_exit(&ring);
	if (msg_ring)
		doctor_say(d, "io_uring", DOCTOR_OK, NULL,
			   "a ring was made, MSG_RING is supported");
	else
		doctor_say(d, "io_uring", DOCTOR_NOTE, "use Linux 5.18 or later",
			   "the kernel does not know IORING_OP_MSG_RING" FALLBACK);
}

/* What libmho says about a card that it does not reach through io_uring. */
static void note_reason(void *arg, int level, const char *text)
{
	const char *reason = strstr(text, "no io_uring: ");

	(void)level;
	if (reason)
		snprintf(arg, REASON_MAX, "%s", reason);
}

static int check_card(const struct mho_found *found, void *arg)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	struct mho_info info = MHO_INIT(struct mho_info);
	char reason[REASON_MAX] = "";
	struct doctor *d = arg;
	struct mho_dev *dev;

	opts.log = note_reason;
	opts.log_arg = reason;
	opts.log_level = MHO_LOG_INFO;
	/* Why it cannot be opened, other checks say. */
	if (mho_open(found->uri, &opts, &dev))
		return 0;
	if (!mho_dev_info(dev, &info) && info.io == MHO_IO_URING)
		doctor_say(d, "card-io", DOCTOR_OK, NULL,
			   "%s: jobs go to the card through io_uring", found->uri);
	else
		doctor_say(d, "card-io", DOCTOR_NOTE, "see docs/install.md, io_uring", "%s: %s",
			   found->uri, reason);
	mho_close(dev);
	return 0;
}

/**
 * doctor_uring() - check io_uring
 * @d: examination
 */
void doctor_uring(struct doctor *d)
{
	if (!d->live) {
		if (check_switch(d))
			doctor_say(
				d, "io_uring", DOCTOR_OK, NULL,
				"not switched off (whether it works is tried only without --root)");
		return;
	}
	if (check_switch(d))
		check_ring(d);
	mho_enumerate("accel", check_card, d);
}
