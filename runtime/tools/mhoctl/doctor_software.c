// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl doctor: software and processor. Versions that must agree, programs that
 * are needed, instructions that make the emulator fast, and the emulator itself.
 */
#include <dlfcn.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mho/mho.h"
#include "mho_hw.h"
#include "tools/mhoctl/doctor.h"

#define VERSION_FORMAT "%u.%u.%u"
#define VERSION_ARGS(v) (v) >> 16, (v) >> 8 & 0xff, (v)&0xff

static void check_versions(struct doctor *d)
{
	uint32_t built = MHO_VERSION_MAJOR << 16 | MHO_VERSION_MINOR << 8 | MHO_VERSION_PATCH;
	uint32_t running = mho_version();

	if (running == built)
		doctor_say(d, "libmho", DOCTOR_OK, NULL, "version " VERSION_FORMAT,
			   VERSION_ARGS(running));
	else
		doctor_say(
			d, "libmho", DOCTOR_PROBLEM,
			"ldd $(command -v mhoctl) shows which libmho is found; remove the stale one",
			"mhoctl is of " VERSION_FORMAT
			", the libmho that it runs with of " VERSION_FORMAT,
			VERSION_ARGS(built), VERSION_ARGS(running));
	doctor_say(d, "interface", DOCTOR_OK, NULL, "device contract version %d.%d",
		   MHO_HW_VERSION_MAJOR, MHO_HW_VERSION_MINOR);
}

/* liburing 2.3 does not tell its version: the file that it was loaded from does. */
static void check_liburing(struct doctor *d)
{
	char path[PATH_MAX];
	const char *name;
	Dl_info info;

	if (!dladdr((void *)(uintptr_t)io_uring_queue_init, &info) || !info.dli_fname ||
	    !realpath(info.dli_fname, path)) {
		doctor_say(d, "liburing", DOCTOR_NOTE, NULL, "its version cannot be found out");
		return;
	}
	name = strrchr(path, '/');
	doctor_say(d, "liburing", DOCTOR_OK, NULL, "%s", name ? name + 1 : path);
}

/* Whether a program is on the search path, or where programs usually are below another root. */
static bool find_program(const struct doctor *d, const char *name, char path[PATH_MAX])
{
	const char *dirs = d->live ? getenv("PATH") : NULL;

	if (!dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	while (*dirs) {
		size_t n = strcspn(dirs, ":");

		if (d->live)
			snprintf(path, PATH_MAX, "%.*s/%s", (int)n, dirs, name);
		else
			fs_path(d->root, path, "%.*s/%s", (int)n - (*dirs == '/'),
				dirs + (*dirs == '/'), name);
		if (access(path, X_OK) == 0)
			return true;
		dirs += n + (dirs[n] == ':');
	}
	return false;
}

static void check_dtc(struct doctor *d)
{
	char path[PATH_MAX];

	if (find_program(d, "dtc", path))
		doctor_say(d, "dtc", DOCTOR_OK, NULL, "%s",
			   d->live ? path : path + strlen(d->root));
	else
		doctor_say(d, "dtc", DOCTOR_NOTE, "sudo apt install device-tree-compiler",
			   "not found; .dts topologies and mhoctl topo --dts need it");
}

static bool has_flags(const char *flags, const char *const *wanted)
{
	char word[32];

	for (; *wanted; wanted++) {
		snprintf(word, sizeof(word), " %s ", *wanted);
		if (!strstr(flags, word))
			return false;
	}
	return true;
}

static void check_processor(struct doctor *d)
{
	static const char *const avx2[] = { "avx2", "f16c", "popcnt", NULL };
	static const char *const avx512[] = { "avx512f",  "avx512bw",	      "avx512dq",
					      "avx512vl", "avx512_vpopcntdq", "f16c",
					      NULL };
	char line[8192], flags[sizeof(line) + 2];

	if (!fs_find_line(d->root, "proc/cpuinfo", "flags", line, sizeof(line))) {
		doctor_say(d, "processor", DOCTOR_NOTE, NULL,
			   "no x86 vector instructions; the emulator runs its portable code");
		return;
	}
	snprintf(flags, sizeof(flags), " %s ", line);
	if (has_flags(flags, avx512))
		doctor_say(d, "processor", DOCTOR_OK, NULL, "AVX-512 for the emulator");
	else if (has_flags(flags, avx2))
		doctor_say(d, "processor", DOCTOR_OK, NULL, "AVX2 for the emulator");
	else
		doctor_say(d, "processor", DOCTOR_NOTE, NULL,
			   "no AVX2; the emulator runs its portable code, which is slower");
}

static void check_emulator(struct doctor *d)
{
	struct mho_selftest result = MHO_INIT(struct mho_selftest);
	struct mho_info info = MHO_INIT(struct mho_info);
	struct mho_dev *dev;
	int err;

	err = mho_open("emu:", NULL, &dev);
	if (err) {
		doctor_say(d, "emulator", DOCTOR_PROBLEM,
			   "mhoctl info --verbose emu: shows the device's messages",
			   "emu: cannot be opened: %s", mho_last_error());
		return;
	}
	err = mho_dev_info(dev, &info);
	if (!err)
		err = mho_selftest_run(dev, 0, &result);
	if (err)
		doctor_say(d, "emulator", DOCTOR_PROBLEM,
			   "mhoctl selftest --verbose emu: shows the device's messages",
			   "the self-test of emu: did not run: %s", mho_last_error());
	else if (result.failures)
		doctor_say(d, "emulator", DOCTOR_PROBLEM,
			   "mhoctl selftest emu: shows the device's messages",
			   "%u of %u self-tests of emu: failed: %s", result.failures, result.tests,
			   result.first_failure);
	else
		doctor_say(d, "emulator", DOCTOR_OK, NULL,
			   "emu: is a %s, firmware %u.%u.%u, interface %u.%u, self-test passed",
			   info.model, info.firmware >> 24, info.firmware >> 16 & 0xff,
			   info.firmware & 0xffff, info.interface >> 16, info.interface & 0xffff);
	mho_close(dev);
}

/**
 * doctor_software() - check versions, programs, processor and the emulator
 * @d: examination
 */
void doctor_software(struct doctor *d)
{
	check_versions(d);
	check_liburing(d);
	check_dtc(d);
	check_processor(d);
	if (d->live)
		check_emulator(d);
}
