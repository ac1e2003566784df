// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl doctor: limits of the process and memory of the machine.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhoctl/doctor.h"

#define MIB (UINT64_C(1) << 20)

/* The largest built-in card, 64 tiles of 512 x 512, and a program beside it. */
#define MEMORY_GOOD (768 * MIB)
/* The default card, with little to spare. */
#define MEMORY_LEAST (192 * MIB)
/* systemd's default; registered buffers of io_uring count against it. */
#define MEMLOCK_GOOD (8 * MIB)
#define FILES_GOOD 256

/* Reads a soft limit of /proc/self/limits. Return: false if it is not there. */
static bool read_limit(const struct doctor *d, const char *name, uint64_t *limit)
{
	char line[256];

	if (!fs_find_line(d->root, "proc/self/limits", name, line, sizeof(line)))
		return false;
	*limit = strncmp(line, "unlimited", 9) == 0 ? UINT64_MAX : strtoull(line, NULL, 10);
	return true;
}

static void check_memlock(struct doctor *d)
{
	uint64_t limit;

	if (!read_limit(d, "Max locked memory", &limit))
		doctor_say(d, "memlock", DOCTOR_NOTE, NULL, "the limit cannot be read");
	else if (limit == UINT64_MAX)
		doctor_say(d, "memlock", DOCTOR_OK, NULL, "locked memory is not limited");
	else if (limit >= MEMLOCK_GOOD)
		doctor_say(d, "memlock", DOCTOR_OK, NULL, "%" PRIu64 " MiB may be locked",
			   limit / MIB);
	else
		doctor_say(d, "memlock", DOCTOR_NOTE,
			   "echo '* - memlock 65536' | sudo tee /etc/security/limits.d/mho.conf, "
			   "then log in again",
			   "only %" PRIu64 " KiB may be locked; large rings and registered buffers "
			   "may be refused",
			   limit / 1024);
}

static void check_files(struct doctor *d)
{
	uint64_t limit;

	if (!read_limit(d, "Max open files", &limit))
		return;
	if (limit >= FILES_GOOD)
		doctor_say(d, "open-files", DOCTOR_OK, NULL,
			   limit == UINT64_MAX ? "not limited" : "%" PRIu64 " may be open", limit);
	else
		doctor_say(d, "open-files", DOCTOR_NOTE, "ulimit -n 1024",
			   "only %" PRIu64 " files may be open; each queue takes one or two",
			   limit);
}

static void check_address_space(struct doctor *d)
{
	uint64_t limit;

	if (!read_limit(d, "Max address space", &limit))
		return;
	if (limit == UINT64_MAX)
		doctor_say(d, "address-space", DOCTOR_OK, NULL, "not limited");
	else
		doctor_say(d, "address-space", limit < 4 * MEMORY_GOOD ? DOCTOR_NOTE : DOCTOR_OK,
			   limit < 4 * MEMORY_GOOD ? "ulimit -v unlimited" : NULL,
			   "limited to %" PRIu64 " MiB, threads' stacks included", limit / MIB);
}

/* Memory to be had: what is available, or what the control group leaves. */
static void check_memory(struct doctor *d)
{
	char line[64];
	uint64_t available, limit;
	enum doctor_state state;

	if (!fs_find_line(d->root, "proc/meminfo", "MemAvailable:", line, sizeof(line))) {
		doctor_say(d, "memory", DOCTOR_NOTE, NULL, "/proc/meminfo cannot be read");
		return;
	}
	available = strtoull(line, NULL, 10) * 1024;
	if (fs_read(d->root, line, sizeof(line), "sys/fs/cgroup/memory.max") && *line >= '0' &&
	    *line <= '9') {
		limit = strtoull(line, NULL, 10);
		if (limit < available)
			available = limit;
	}
	state = available >= MEMORY_GOOD  ? DOCTOR_OK :
		available >= MEMORY_LEAST ? DOCTOR_NOTE :
					    DOCTOR_PROBLEM;
	doctor_say(d, "memory", state,
		   state == DOCTOR_OK ?
			   NULL :
			   "close other programs, or raise the container's memory limit",
		   "%" PRIu64 " MiB available; the largest built-in card needs %" PRIu64
		   ", the default one %" PRIu64,
		   available / MIB, MEMORY_GOOD / MIB, MEMORY_LEAST / MIB);
}

static void check_huge_pages(struct doctor *d)
{
	char text[128], *mode;

	if (!fs_read(d->root, text, sizeof(text), "sys/kernel/mm/transparent_hugepage/enabled"))
		return;
	mode = strchr(text, '[');
	if (!mode)
		return;
	mode[strcspn(mode, "]")] = '\0';
	if (strcmp(mode + 1, "never") == 0)
		doctor_say(
			d, "huge-pages", DOCTOR_NOTE,
			"echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
			"transparent huge pages are off; large arrays take more page-table walks");
	else
		doctor_say(d, "huge-pages", DOCTOR_OK, NULL, "transparent huge pages: %s",
			   mode + 1);
}

/**
 * doctor_limits() - check limits and memory
 * @d: examination
 */
void doctor_limits(struct doctor *d)
{
	check_memlock(d);
	check_files(d);
	check_address_space(d);
	check_memory(d);
	check_huge_pages(d);
}
