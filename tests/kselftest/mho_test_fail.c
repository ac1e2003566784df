// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The kernel's fault injection: the n-th allocation of memory, or copy from or to a program, of what
 * this thread does next fails. Kernels are built with it for tests only.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mho_test_fault.h"

#define DEBUGFS "/sys/kernel/debug/"

/* Left alone are allocations that may wait, those of single pages; and each failure prints a stack. */
static const struct {
	const char *path;
	const char *text;
} settings[] = {
	{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
	{ DEBUGFS "failslab/verbose", "0" },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ DEBUGFS "fail_page_alloc/min-order", "0" },
	{ DEBUGFS "fail_page_alloc/verbose", "0" },
	{ DEBUGFS "fail_usercopy/verbose", "0" },
};

/* What the kernel says of memory that it has not got, with a trace, now and then. */
static const char *const expected[] = { "page allocation failure:", "vmalloc error:" };

static int counter = -1;

int mt_fail_init(void)
{
	size_t i;
	int ret;

	if (counter < 0)
		counter = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (counter < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	for (i = 0; i < MT_ARRAY_SIZE(settings); i++) {
		ret = mt_write_file(settings[i].path, settings[i].text);
		if (ret)
			return ret == -ENOENT ? -EOPNOTSUPP : ret;
	}
	for (i = 0, ret = 0; i < MT_ARRAY_SIZE(expected) && !ret; i++)
		ret = mt_log_expect(expected[i]);
	return ret;
}

/* Where a function begins, and where the next one does. */
static int find_function(const char *function, uint64_t *start, uint64_t *end)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	char name[128];
	uint64_t at;

	*start = 0;
	*end = UINT64_MAX;
	if (!symbols)
		return -errno;
	while (fscanf(symbols, "%" SCNx64 " %*c %127s%*[^\n]", &at, name) == 2)
		if (!strcmp(name, function))
			*start = at;
	rewind(symbols);
	while (fscanf(symbols, "%" SCNx64 " %*c %127s%*[^\n]", &at, name) == 2)
		if (at > *start && at < *end)
			*end = at;
	fclose(symbols);
	return *start ? 0 : -ENOENT;
}

int mt_fail_spare(const char *function)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[64], text[24];
	uint64_t start, end;
	size_t i;
	int ret = find_function(function, &start, &end);

	for (i = 0; i < MT_ARRAY_SIZE(kinds) && !ret; i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/reject-start", kinds[i]);
		snprintf(text, sizeof(text), "%#" PRIx64, start);
		ret = mt_write_file(path, text);
		if (ret)
			break;
		snprintf(path, sizeof(path), DEBUGFS "%s/reject-end", kinds[i]);
		snprintf(text, sizeof(text), "%#" PRIx64, end);
		ret = mt_write_file(path, text);
	}
	return ret;
}

int mt_fail_arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(counter, text, (size_t)len, 0) == len ? 0 : -errno;
}

/* What asks and what ends it are copies, too, and may be what fails. */
int mt_fail_disarm(void)
{
	char text[16] = "";
	ssize_t len = pread(counter, text, sizeof(text) - 1, 0);
	int ret;

	if (len < 0 && errno != EFAULT)
		return -errno;
	ret = mt_fail_arm(0);
	if (ret == -EFAULT)
		ret = mt_fail_arm(0);
	if (ret)
		return ret;
	return len > 0 && !atoi(text);
}
