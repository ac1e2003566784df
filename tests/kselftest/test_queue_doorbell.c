// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * How driver and device wake each other: by shadow doorbells, which no reset may leave behind, and
 * by doorbells where there is no shadow. A wake-up that got lost would end by a time-out, in which
 * the driver looks itself; it counts that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define SHADOW "/sys/module/mho/parameters/shadow"
/* Of jobs, in ms: long for a job that is to hang, short for a test that has to be told. */
#define TIMEOUT_MS 20000
/* Enough to meet the device in each moment on its way to sleep. */
#define ROUNDS 6000
#define BURST 8
/* Rounds that are in flight at most. */
#define FLIGHT 8
/*
 * Between bursts, in us, at most: the device looks around for 40 before it sleeps, and an interrupt
 * takes some hundred to be handled.
 */
#define PAUSE_US 400
/* Commands that wait for the first of them. */
#define WAITING 32

FIXTURE(doorbell)
{
	struct mt_session s;
	int64_t lost;
	char text[8192];
};

FIXTURE_SETUP(doorbell)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(TIMEOUT_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
	self->lost = mt_card_number("lost_interrupts");
	ASSERT_LE(0, self->lost);
}

FIXTURE_TEARDOWN(doorbell)
{
	EXPECT_EQ(self->lost, mt_card_number("lost_interrupts"));
	EXPECT_EQ(0, mt_write_file(SHADOW, "1"));
	mt_session_close(&self->s);
	EXPECT_EQ(0, mt_repair());
}

/* A number that the driver has of the first queue: there is no other when a test asks. */
static int64_t number(FIXTURE_DATA(doorbell) * self, const char *key)
{
	ssize_t got = mt_card_debugfs("queues", self->text, sizeof(self->text));

	return got < 0 ? got : mt_text_number(self->text, key);
}

static void spin_us(unsigned int us)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 < us);
}

static int run_nops(const struct mt_session *s, unsigned int count)
{
	struct drm_mho_job jobs[BURST];
	unsigned int i;

	for (i = 0; i < count; i++)
		jobs[i] = mt_job_nop();
	return mt_run(s, jobs, count);
}

/* Without syncobjs: the call itself rings. Zeros are NOPs. */
static int push_nops(const struct mt_session *s, unsigned int count)
{
	struct drm_mho_job jobs[BURST] = { 0 };
	struct drm_mho_submit args = mt_submit_args(s, jobs, count);

	return mt_ioctl(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
}

/*
 * The second burst comes while the device is busy with the first one, looks around, or sleeps, or
 * while the driver takes the first one's completions.
 */
TEST_F(doorbell, no_wakeup_is_lost)
{
	int i;

	srand(1);
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, push_nops(&self->s, 1 + i % BURST));
		spin_us(rand() % PAUSE_US);
		ASSERT_EQ(0, push_nops(&self->s, 1 + i % BURST));
		if (i % FLIGHT == FLIGHT - 1)
			ASSERT_EQ(0, run_nops(&self->s, 1));
		spin_us(rand() % PAUSE_US);
	}
	ASSERT_EQ(0, run_nops(&self->s, 1));
	EXPECT_EQ(0, number(self, "rung again "));
}

static int reset_ctx(struct mt_session *s)
{
	struct drm_mho_reset args = { .scope = DRM_MHO_RESET_CTX, .ctx = s->ctx };

	return mt_ioctl(s->fd, DRM_IOCTL_MHO_RESET, &args);
}

/* It does not read beyond a command that has to wait, and wants to hear of nothing. */
TEST_F(doorbell, busy_device_is_not_rung)
{
	struct drm_mho_job job = mt_job_nop();
	int64_t before;
	int i;

	before = number(self, "doorbells ");
	ASSERT_LE(0, before);
	EXPECT_NE(NULL, strstr(self->text, "shadow yes"));
	ASSERT_EQ(0, mt_order("fault hang"));
	for (i = 0; i < WAITING; i++) {
		job.flags = i ? DRM_MHO_JOB_FENCE : 0;
		ASSERT_EQ(0, mt_submit(&self->s, &job, 1));
	}
	ASSERT_EQ(0, mt_fault_taken("hang"));
	EXPECT_GE(before + 2, number(self, "doorbells "));
	EXPECT_EQ(0, number(self, "rung again "));
	ASSERT_EQ(0, reset_ctx(&self->s));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
}

static int reset_device(struct mt_session *s)
{
	struct drm_mho_reset args = { .scope = DRM_MHO_RESET_DEVICE };

	return mt_ioctl(s->fd, DRM_IOCTL_MHO_RESET, &args);
}

static int reset_function(struct mt_session *s)
{
	(void)s;
	return mt_card_write("reset", "1");
}

/* Numbers begin anew on both sides, whatever they were. */
TEST_F(doorbell, numbers_after_resets)
{
	static int (*const resets[])(struct mt_session * s) = { reset_ctx, reset_device,
								reset_function, reset_ctx };
	size_t i;
	int job;

	for (i = 0; i < MT_ARRAY_SIZE(resets); i++) {
		for (job = 0; job < 2 * BURST; job++)
			ASSERT_EQ(0, run_nops(&self->s, BURST));
		ASSERT_EQ(0, resets[i](&self->s));
		for (job = 0; job < 20; job++) {
			ASSERT_EQ(0, run_nops(&self->s, 1));
			ASSERT_EQ(0, mt_results(&self->s)->status);
		}
		EXPECT_EQ(0, number(self, "rung again "));
	}
}

TEST_F(doorbell, without_shadow)
{
	int64_t before;
	int i;

	mt_session_close(&self->s);
	ASSERT_EQ(0, mt_write_file(SHADOW, "0"));
	ASSERT_EQ(0, mt_session_open(&self->s));
	before = number(self, "doorbells ");
	EXPECT_NE(NULL, strstr(self->text, "shadow no"));
	for (i = 0; i < ROUNDS / 10; i++)
		ASSERT_EQ(0, run_nops(&self->s, 1 + i % BURST));
	EXPECT_LE(before + i, number(self, "doorbells "));
	ASSERT_EQ(0, reset_ctx(&self->s));
	ASSERT_EQ(0, run_nops(&self->s, BURST));
	EXPECT_EQ(0, number(self, "rung again "));
}

MHO_TEST_MAIN
