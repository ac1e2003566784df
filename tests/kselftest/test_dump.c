// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The dump that the driver leaves after a failure, and its files in debugfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define SIDE 16
#define DUMP_MAX (128 << 10)
#define NOBODY 65534
/* No number that a dump would have by itself. */
#define SECRET 0x4b1d5ac7U

FIXTURE(dump)
{
	struct mt_session s;
	uint32_t array;
	char path[256];
	char text[DUMP_MAX + 2];
};

/* The path of the data of the only dump; how many there are. */
static size_t find_dump(char *path, size_t size)
{
	glob_t dumps;
	size_t count = 0;

	path[0] = '\0';
	if (!glob("/sys/class/devcoredump/devcd*/data", 0, NULL, &dumps)) {
		count = dumps.gl_pathc;
		snprintf(path, size, "%s", dumps.gl_pathv[0]);
		globfree(&dumps);
	}
	return count;
}

/* It comes from a work item, some time after the job has ended; dropped, it goes likewise. */
static bool wait_dumps(size_t count, char *path, size_t size)
{
	int left;

	for (left = 600; left && find_dump(path, size) != count; left--)
		usleep(100000);
	return left;
}

static void drop_dumps(char *path, size_t size)
{
	if (find_dump(path, size)) {
		mt_write_file(path, "0");
		wait_dumps(0, path, size);
	}
}

FIXTURE_SETUP(dump)
{
	drop_dumps(self->path, sizeof(self->path));
	ASSERT_EQ(0, mt_timeout(MT_TIMEOUT_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_array_create(self->s.fd, SIDE, SIDE, &self->array));
}

FIXTURE_TEARDOWN(dump)
{
	drop_dumps(self->path, sizeof(self->path));
	mt_session_close(&self->s);
	mt_timeout(0);
	mt_repair();
}

/* An MVM that hangs, with operands that are easily found. */
static int hang(const struct mt_session *s, uint32_t array)
{
	struct drm_mho_job job = mt_job_vectors(s, array, DRM_MHO_OP_MVM, 1);
	uint32_t *x = (uint32_t *)mt_data(s, MT_AT_X);
	int i, ret;

	for (i = 0; i < SIDE; i++)
		x[i] = SECRET;
	ret = mt_order("fault hang");
	return ret ? ret : mt_run_one(s, &job);
}

static bool is_text(const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (text[i] != '\n' && (text[i] < ' ' || text[i] > '~'))
			return false;
	return true;
}

TEST_F(dump, hung_job)
{
	char who[64];
	ssize_t size;

	ASSERT_EQ(-ETIME, hang(&self->s, self->array));
	ASSERT_TRUE(wait_dumps(1, self->path, sizeof(self->path)));
	size = mt_read_text(self->path, self->text, sizeof(self->text));
	ASSERT_LT(0, size);
	EXPECT_GE(DUMP_MAX, size);
	EXPECT_TRUE(is_text(self->text, (size_t)size));
	EXPECT_EQ(0, strncmp(self->text, "mho device dump, version 1\nreason: a job hung\n", 45));
	snprintf(who, sizeof(who), "[%d], context ", getpid());
	EXPECT_NE(NULL, strstr(self->text, "\n[guilty]\nclient "));
	EXPECT_NE(NULL, strstr(self->text, who));
	EXPECT_NE(NULL, strstr(self->text, "  command 0: cid "));
	EXPECT_EQ(DRM_MHO_OP_MVM, mt_text_number(strstr(self->text, "  command 0: "), " op "));
	EXPECT_EQ(MHO_HW_MAGIC, mt_text_number(self->text, "\nMAGIC: "));
	EXPECT_EQ(1, mt_text_number(self->text, "in flight "));
	EXPECT_NE(NULL, strstr(self->text, "  device: running"));
	EXPECT_NE(NULL, strstr(self->text, "  sqe "));
	EXPECT_NE(NULL, strstr(self->text, "  cqe "));
	EXPECT_NE(NULL, strstr(self->text, "\n[after]\nwedged: no\n"));
	EXPECT_NE(NULL, strstr(self->text, "\n[telemetry]\ndevice time: "));
	EXPECT_NE(NULL, strstr(self->text, "\n[log]\n1: "));
}

TEST_F(dump, has_no_operands)
{
	const uint32_t secret = SECRET;
	char hex[16], decimal[16];
	ssize_t size;

	ASSERT_EQ(-ETIME, hang(&self->s, self->array));
	ASSERT_TRUE(wait_dumps(1, self->path, sizeof(self->path)));
	size = mt_read_text(self->path, self->text, sizeof(self->text));
	ASSERT_LT(0, size);
	snprintf(hex, sizeof(hex), "%x", SECRET);
	snprintf(decimal, sizeof(decimal), "%u", SECRET);
	EXPECT_EQ(NULL, strstr(self->text, hex));
	EXPECT_EQ(NULL, strstr(self->text, decimal));
	EXPECT_EQ(NULL, memmem(self->text, (size_t)size, &secret, sizeof(secret)));
}

TEST_F(dump, first_failure_wins)
{
	static char again[DUMP_MAX + 2];

	ASSERT_EQ(-ETIME, hang(&self->s, self->array));
	ASSERT_TRUE(wait_dumps(1, self->path, sizeof(self->path)));
	ASSERT_LT(0, mt_read_text(self->path, self->text, sizeof(self->text)));
	ASSERT_EQ(-ETIME, hang(&self->s, self->array));
	usleep(500000);
	ASSERT_EQ(1, find_dump(self->path, sizeof(self->path)));
	ASSERT_LT(0, mt_read_text(self->path, again, sizeof(again)));
	EXPECT_STREQ(self->text, again);
	/* Dropped, it makes room for the next. */
	ASSERT_EQ(0, mt_write_file(self->path, "0"));
	ASSERT_TRUE(wait_dumps(0, self->path, sizeof(self->path)));
	ASSERT_EQ(-ETIME, hang(&self->s, self->array));
	EXPECT_TRUE(wait_dumps(1, self->path, sizeof(self->path)));
}

TEST_F(dump, crash)
{
	ASSERT_EQ(0, mt_order("fault crash"));
	ASSERT_TRUE(wait_dumps(1, self->path, sizeof(self->path)));
	ASSERT_LT(0, mt_read_text(self->path, self->text, sizeof(self->text)));
	EXPECT_NE(NULL, strstr(self->text, "\nreason: the device has failed\n"));
	EXPECT_EQ(NULL, strstr(self->text, "[guilty]"));
	EXPECT_EQ(MHO_HW_ST_INTERNAL, mt_text_number(self->text, "\nFAULT: ") & 0xffff);
	EXPECT_NE(NULL, strstr(self->text, "\nfault: queue 0, "));
	EXPECT_NE(NULL, strstr(self->text, "\n[after]\nwedged: no\n"));
}

static int read_as_nobody(void *path)
{
	int fd = open(path, O_RDONLY);

	return fd < 0 ? errno : 0;
}

TEST_F(dump, only_for_root)
{
	ASSERT_EQ(-ETIME, hang(&self->s, self->array));
	ASSERT_TRUE(wait_dumps(1, self->path, sizeof(self->path)));
	EXPECT_EQ(EACCES, mt_child(NOBODY, read_as_nobody, self->path));
}

TEST_F(dump, outlives_the_driver)
{
	ASSERT_EQ(-ETIME, hang(&self->s, self->array));
	ASSERT_TRUE(wait_dumps(1, self->path, sizeof(self->path)));
	mt_session_close(&self->s);
	ASSERT_EQ(0, mt_module_unload());
	EXPECT_EQ(1, find_dump(self->path, sizeof(self->path)));
	EXPECT_LT(0, mt_read_text(self->path, self->text, sizeof(self->text)));
	EXPECT_NE(NULL, strstr(self->text, "\nreason: a job hung\n"));
	EXPECT_EQ(0, mt_write_file(self->path, "0"));
	EXPECT_TRUE(wait_dumps(0, self->path, sizeof(self->path)));
	ASSERT_EQ(0, mt_module_load(""));
	ASSERT_EQ(0, mt_session_open(&self->s));
}

TEST_F(dump, debugfs)
{
	char who[64];

	ASSERT_LT(0, mt_card_debugfs("device", self->text, sizeof(self->text)));
	EXPECT_NE(NULL, strstr(self->text, "\nwedged: no\n"));
	EXPECT_EQ(MHO_HW_MAGIC, mt_text_number(self->text, "\nMAGIC: "));
	EXPECT_LE(0, mt_text_number(self->text, "\ncommands: "));
	ASSERT_LT(0, mt_card_debugfs("clients", self->text, sizeof(self->text)));
	snprintf(who, sizeof(who), "[%d], context ", getpid());
	EXPECT_NE(NULL, strstr(self->text, who));
	ASSERT_LT(0, mt_card_debugfs("queues", self->text, sizeof(self->text)));
	EXPECT_EQ(0, mt_text_number(self->text, "in flight "));
	EXPECT_NE(NULL, strstr(self->text, "  device: running"));
	ASSERT_LT(0, mt_card_debugfs("arrays", self->text, sizeof(self->text)));
	EXPECT_NE(NULL, strstr(self->text, ": 16 x 16 on 1 x 1 tiles"));
	ASSERT_LT(0, mt_card_debugfs("keys", self->text, sizeof(self->text)));
	EXPECT_NE(NULL, strstr(self->text, " 65536 bytes, pages 16, "));
	ASSERT_LT(0, mt_card_debugfs("log", self->text, sizeof(self->text)));
	EXPECT_EQ(0, strncmp(self->text, "1: ", 3));
}

MHO_TEST_MAIN
