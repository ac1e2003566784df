// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The kernel's log from the program's start on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mho_test_lib.h"

/* What a kernel prints when something is wrong in it; none of it is printed otherwise. */
static const char *const complaints[] = {
	"BUG:",
	"WARNING:",
	"KASAN",
	"KFENCE",
	"UBSAN",
	"KCSAN",
	"INFO: task ",
	" stall",
	"soft lockup",
	"possible circular",
	"possible recursive",
	"inconsistent lock state",
	"suspicious RCU",
	"DMA-API:",
	"unreferenced object",
	"suspected memory leaks",
	"Oops",
	"Call Trace",
	"refcount_t",
	"general protection",
	"list_add corruption",
	"list_del corruption",
	"overwritten",
	"Memory manager not clean",
	"ODEBUG",
	"INFO: trying to register",
};

/* Announces what tests/vm/verdict.sh passes over, too. */
#define EXPECTED "mho-test: expected: "
#define EXPECTED_MAX 4

/* Traces that were announced, as far as the log has been read, and whether it is within one. */
struct expected {
	char text[EXPECTED_MAX][64];
	size_t count;
	bool within;
};

/* Messages carry running numbers: that of the last one before the program. */
static unsigned long long start;
static bool started;

/* A record as /dev/kmsg has it: "level,number,time,flags;text". The next one, or -errno. */
static int next_record(int log, unsigned long long *number, char *text, size_t size)
{
	char record[8192], *line;
	ssize_t len;

	do
		len = read(log, record, sizeof(record) - 1);
	while (len < 0 && (errno == EINTR || errno == EPIPE));
	if (len < 0)
		return -errno;
	record[len] = '\0';
	line = strchr(record, ';');
	if (!line || sscanf(record, "%*u,%llu,", number) != 1)
		return -EPROTO;
	line++;
	line[strcspn(line, "\n")] = '\0';
	snprintf(text, size, "%s", line);
	return 0;
}

__attribute__((constructor)) static void remember_start(void)
{
	char mark[128], text[128];
	int len = snprintf(mark, sizeof(mark), "mho-test: %s", program_invocation_short_name);
	int log = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int ret;

	if (log < 0)
		return;
	do
		ret = next_record(log, &start, text, sizeof(text));
	while (!ret);
	/* The mark is for whoever reads the log later. */
	started = ret == -EAGAIN && write(log, mark, (size_t)len) == len;
	close(log);
}

static void announce(struct expected *e, const char *text)
{
	size_t i;

	for (i = 0; i < e->count && strcmp(e->text[i], text); i++)
		;
	if (i == e->count && i < EXPECTED_MAX)
		snprintf(e->text[e->count++], sizeof(e->text[0]), "%s", text);
}

/* Whether a message belongs to a trace that was announced. */
static bool is_expected(struct expected *e, const char *text)
{
	const char *announced = strstr(text, EXPECTED);
	size_t i;

	if (announced) {
		announce(e, announced + strlen(EXPECTED));
		return true;
	}
	if (e->within) {
		e->within = !strstr(text, "</TASK>");
		return true;
	}
	for (i = 0; i < e->count && !e->within; i++)
		e->within = strstr(text, e->text[i]);
	return e->within;
}

/* The first message since the start that has one of the texts; how many there are. */
static int search(const char *const *texts, size_t count, char *first, size_t size)
{
	struct expected expected = { 0 };
	unsigned long long number;
	char text[1024];
	int log, ret, found = 0;
	size_t i;

	if (!started)
		return -ENODATA;
	log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log < 0)
		return -errno;
	while (!(ret = next_record(log, &number, text, sizeof(text)))) {
		if (is_expected(&expected, text) || number <= start)
			continue;
		for (i = 0; i < count && !strstr(text, texts[i]); i++)
			;
		if (i < count && !found++)
			snprintf(first, size, "%s", text);
	}
	close(log);
	return ret == -EAGAIN ? found : ret;
}

int mt_log_complaint(char *line, size_t size)
{
	int ret = search(complaints, MT_ARRAY_SIZE(complaints), line, size);

	return ret > 0 ? 1 : ret;
}

int mt_log_expect(const char *text)
{
	char mark[128];
	int len = snprintf(mark, sizeof(mark), EXPECTED "%s", text);
	int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	int ret;

	if (log < 0)
		return -errno;
	ret = write(log, mark, (size_t)len) == len ? 0 : -EIO;
	close(log);
	return ret;
}

int mt_log_count(const char *text)
{
	char first[1];

	return search(&text, 1, first, sizeof(first));
}
