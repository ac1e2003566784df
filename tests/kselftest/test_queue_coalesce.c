// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Interrupts that the device keeps back under load, and only then. What is set the driver says in
 * debugfs. An interrupt that never comes would end by a time-out, in which the driver looks itself;
 * it counts that.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define COALESCE "/sys/module/mho/parameters/coalesce_us"
/* Long enough that any machine completes several commands in it. */
#define LONG_US "60000"
#define DEFAULT_US "100"
/* Of jobs, in ms: long for a busy host, short for a test that has to be told. */
#define TIMEOUT_MS 20000
#define BATCH 128
/* Jobs one by one, in which the driver must have noticed. */
#define ALONE 200

FIXTURE(coalesce)
{
	struct mt_session s;
	int64_t lost;
	char text[8192];
};

FIXTURE_SETUP(coalesce)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(TIMEOUT_MS));
	ASSERT_EQ(0, mt_write_file(COALESCE, LONG_US));
	ASSERT_EQ(0, mt_session_open(&self->s));
	self->lost = mt_card_number("lost_interrupts");
	ASSERT_LE(0, self->lost);
}

FIXTURE_TEARDOWN(coalesce)
{
	EXPECT_EQ(self->lost, mt_card_number("lost_interrupts"));
	EXPECT_EQ(0, mt_write_file(COALESCE, DEFAULT_US));
	mt_session_close(&self->s);
	EXPECT_EQ(0, mt_repair());
}

/* A number that the driver has of the only queue. */
static int64_t number(FIXTURE_DATA(coalesce) * self, const char *key)
{
	ssize_t got = mt_card_debugfs("queues", self->text, sizeof(self->text));

	return got < 0 ? got : mt_text_number(self->text, key);
}

static int run_nops(const struct mt_session *s, unsigned int count)
{
	struct drm_mho_job jobs[BATCH];
	unsigned int i;

	for (i = 0; i < count; i++)
		jobs[i] = mt_job_nop();
	return mt_run(s, jobs, count);
}

/* Many at once, until interrupts are kept back. Returns how many completions for one, or -errno. */
static int64_t load(FIXTURE_DATA(coalesce) * self)
{
	time_t end = time(NULL) + MT_WAIT_NS / 1000000000;
	int64_t count = 1;
	int i, ret;

	while (count == 1 && time(NULL) < end) {
		for (i = 0; i < 16; i++) {
			ret = run_nops(&self->s, BATCH);
			if (ret)
				return ret;
		}
		count = number(self, "coalesced ");
	}
	return count;
}

TEST_F(coalesce, under_load_only)
{
	int64_t changes;
	int i;

	EXPECT_EQ(1, number(self, "coalesced "));
	ASSERT_LT(1, load(self));
	EXPECT_LT(number(self, "reaps "), number(self, "reaped "));
	/* The device is told both at once. */
	EXPECT_EQ(DRM_MHO_PRIORITY_NORMAL, number(self, "served at "));
	for (i = 0; i < ALONE; i++)
		ASSERT_EQ(0, run_nops(&self->s, 1));
	EXPECT_EQ(1, number(self, "coalesced "));
	changes = number(self, "us, changed ");
	for (i = 0; i < ALONE; i++)
		ASSERT_EQ(0, run_nops(&self->s, 1));
	EXPECT_EQ(changes, number(self, "us, changed "));
}

/* However few come after the last that were announced. */
TEST_F(coalesce, last_is_announced)
{
	int i;

	for (i = 1; i < 40; i++) {
		ASSERT_LT(1, load(self));
		ASSERT_EQ(0, run_nops(&self->s, i));
	}
}

/* A queue that is made anew has what it had. */
TEST_F(coalesce, over_resets)
{
	struct drm_mho_reset args = { .scope = DRM_MHO_RESET_DEVICE };
	int64_t count = load(self);

	ASSERT_LT(1, count);
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_RESET, &args));
	EXPECT_EQ(count, number(self, "coalesced "));
	ASSERT_EQ(0, run_nops(&self->s, 1));
	ASSERT_EQ(0, run_nops(&self->s, BATCH));
}

TEST_F(coalesce, not_wanted)
{
	int i;

	ASSERT_EQ(0, mt_write_file(COALESCE, "0"));
	for (i = 0; i < 300; i++)
		ASSERT_EQ(0, run_nops(&self->s, BATCH));
	EXPECT_EQ(1, number(self, "coalesced "));
}

MHO_TEST_MAIN
