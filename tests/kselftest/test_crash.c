// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The device as a whole stops: its firmware crashes, or it is too hot. It is reset, what programs
 * have is there again, a dump tells what happened.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define NAMED_SEED 51
#define SEED 52
#define LABEL "crash"
#define DUMPS "/sys/class/devcoredump/devcd*/data"

FIXTURE(crash)
{
	struct mt_session s;
	uint32_t named;
	uint32_t array;
	int64_t resets;
};

/* The oldest dump that there is, into the path; its bytes, 0 if there is none. */
static ssize_t find_dump(char *path, size_t size)
{
	ssize_t len = 0, part;
	char data[4096];
	glob_t dumps;
	int fd;

	if (glob(DUMPS, 0, NULL, &dumps))
		return 0;
	snprintf(path, size, "%s", dumps.gl_pathv[0]);
	globfree(&dumps);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((part = read(fd, data, sizeof(data))) > 0)
		len += part;
	close(fd);
	return part < 0 ? -errno : len;
}

static void forget_dumps(void)
{
	char path[300];

	while (find_dump(path, sizeof(path)) > 0)
		if (mt_write_file(path, "1"))
			return;
}

FIXTURE_SETUP(crash)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_model_make(&self->s, LABEL, NAMED_SEED, &self->named));
	ASSERT_EQ(0, mt_model_make(&self->s, NULL, SEED, &self->array));
	forget_dumps();
	self->resets = mt_card_number("resets");
	ASSERT_LE(0, self->resets);
}

FIXTURE_TEARDOWN(crash)
{
	forget_dumps();
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, self->named));
	mt_session_close(&self->s);
	EXPECT_EQ(0, mt_repair());
}

static void survive(struct __test_metadata *_metadata, FIXTURE_DATA(crash) * self,
		    const char *fault)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);
	struct drm_mho_ctx_state state = { 0 };

	ASSERT_EQ(0, mt_order("fault cmd-delay %d", MT_DELAY_MS));
	ASSERT_EQ(0, mt_submit(&self->s, &job, 1));
	ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
	ASSERT_EQ(0, mt_order("fault %s", fault));
	/* It only reads: it is done again, and right. */
	EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
	EXPECT_EQ(0, mt_results(&self->s)[0].status);
	EXPECT_TRUE(mt_model_right(&self->s, SEED));
	EXPECT_EQ(self->resets + 1, mt_card_number("resets"));
	mt_query(self->s.fd, DRM_MHO_QUERY_CTX, self->s.ctx, &state, sizeof(state));
	EXPECT_EQ(0, state.guilty);
	EXPECT_EQ(1, state.innocent);
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
	EXPECT_EQ(0, mt_model_check(&self->s, self->named, NAMED_SEED));
}

TEST_F(crash, firmware)
{
	int64_t steps = MT_WAIT_NS / 20000000;
	char path[300];

	survive(_metadata, self, "crash");
	/* The dump is made beside the reset. */
	while (find_dump(path, sizeof(path)) == 0 && steps--)
		usleep(20000);
	EXPECT_LT(0, find_dump(path, sizeof(path)));
}

TEST_F(crash, thermal_trip)
{
	survive(_metadata, self, "thermal-trip");
}

/* A warning is no reason to stop. */
TEST_F(crash, thermal_warning)
{
	int64_t steps = MT_WAIT_NS / 20000000;

	ASSERT_EQ(0, mt_order("fault thermal-warn 2000"));
	while (mt_log_count("temperature:") == 0 && steps--)
		usleep(20000);
	EXPECT_LT(0, mt_log_count("temperature:"));
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
	EXPECT_EQ(self->resets, mt_card_number("resets"));
}

MHO_TEST_MAIN
