// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Priorities of contexts reach the device, which serves by them, and last as long as the context.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

/* The device takes so many commands of one priority at a time. */
#define WINDOW 64

FIXTURE(priority)
{
	struct mt_session s;
	char text[8192];
};

FIXTURE_SETUP(priority)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(MT_FAR_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
}

FIXTURE_TEARDOWN(priority)
{
	mt_control("clear", NULL, 0);
	mt_session_close(&self->s);
	EXPECT_EQ(0, mt_repair());
}

static int ctx_create(int fd, uint32_t priority, uint32_t *handle)
{
	struct drm_mho_ctx_create args = { .priority = priority };
	int ret = mt_ioctl(fd, DRM_IOCTL_MHO_CTX_CREATE, &args);

	*handle = args.handle;
	return ret;
}

/* What the device says of a context's queue, or -errno. */
static int64_t served_at(FIXTURE_DATA(priority) * self, uint32_t ctx)
{
	ssize_t got = mt_card_debugfs("queues", self->text, sizeof(self->text));
	const char *queue;
	char key[32];

	if (got < 0)
		return got;
	snprintf(key, sizeof(key), ", context %u, ", ctx);
	queue = strstr(self->text, key);
	return queue ? mt_text_number(queue, "served at ") : -ENOENT;
}

TEST_F(priority, reaches_the_device)
{
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_DEVICE };
	uint32_t ctx[DRM_MHO_PRIORITY_REALTIME + 1], p;

	for (p = 0; p <= DRM_MHO_PRIORITY_REALTIME; p++) {
		ASSERT_EQ(0, ctx_create(self->s.fd, p, &ctx[p]));
		EXPECT_EQ(p, served_at(self, ctx[p]));
	}
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_RESET, &reset));
	for (p = 0; p <= DRM_MHO_PRIORITY_REALTIME; p++) {
		EXPECT_EQ(p, served_at(self, ctx[p]));
		ASSERT_EQ(0, mt_ctx_destroy(self->s.fd, ctx[p]));
	}
}

/*
 * As many commands as the device takes at a time keep it for long. Who came next at that priority
 * waits; who came last, at a higher one, does not.
 */
TEST_F(priority, high_overtakes)
{
	struct mt_session next, high;
	struct drm_mho_job jobs[WINDOW];
	int i;

	for (i = 0; i < WINDOW; i++)
		jobs[i] = mt_job_nop();
	ASSERT_EQ(0, mt_session_open(&next));
	ASSERT_EQ(0, mt_session_open(&high));
	ASSERT_EQ(0, ctx_create(high.fd, DRM_MHO_PRIORITY_HIGH, &high.ctx));
	ASSERT_EQ(0, mt_order("fault cmd-delay %d %d", MT_DELAY_MS, WINDOW));
	ASSERT_EQ(0, mt_submit(&self->s, jobs, WINDOW));
	ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
	ASSERT_EQ(0, mt_submit(&next, jobs, 1));
	ASSERT_EQ(0, mt_run_one(&high, &jobs[0]));
	EXPECT_EQ(0, mt_fence_status(next.fd, next.done));
	EXPECT_EQ(0, mt_fence_status(self->s.fd, self->s.done));
	ASSERT_EQ(0, mt_syncobj_wait(next.fd, next.done, MT_WAIT_NS));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
	mt_session_close(&high);
	mt_session_close(&next);
}

MHO_TEST_MAIN
