// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The driver comes and goes: bound and unbound, loaded and unloaded, with its function removed and
 * found again. Named weights are the card's, and their owner finds them afterwards; nobody else does.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define SEED 71
#define LABEL "reload"
#define OWNER 1000
#define OTHER 1001
#define TIMES 20

FIXTURE(reload)
{
	struct mt_session s;
};

FIXTURE_SETUP(reload)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(MT_FAR_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
}

FIXTURE_TEARDOWN(reload)
{
	if (self->s.fd >= 0)
		mt_session_close(&self->s);
	EXPECT_EQ(0, mt_repair());
}

TEST_F(reload, in_use)
{
	struct drm_mho_job nop = mt_job_nop();

	EXPECT_EQ(-EWOULDBLOCK, mt_module_unload());
	EXPECT_EQ(0, mt_run_one(&self->s, &nop));
	mt_session_close(&self->s);
	EXPECT_EQ(0, mt_module_unload());
	EXPECT_EQ(0, mt_module_load(""));
}

TEST_F(reload, module)
{
	int i;

	mt_session_close(&self->s);
	for (i = 0; i < TIMES; i++) {
		ASSERT_EQ(0, mt_module_unload());
		ASSERT_EQ(0, mt_module_load(""));
		ASSERT_EQ(0, mt_node_wait(true));
	}
	EXPECT_EQ(0, mt_works());
}

/* Files of the life before see that it is over. */
TEST_F(reload, bind)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_session old[3];
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(old); i++) {
		ASSERT_EQ(0, mt_session_open(&old[i]));
		ASSERT_EQ(0, mt_unbind());
		EXPECT_EQ(-ENODEV, mt_open());
		EXPECT_EQ(-ENODEV, mt_submit(&old[i], &nop, 1));
		ASSERT_EQ(0, mt_bind());
		EXPECT_EQ(0, mt_works());
	}
	for (i = 0; i < MT_ARRAY_SIZE(old); i++)
		mt_session_close(&old[i]);
}

TEST_F(reload, unbind_with_a_job_in_flight)
{
	struct drm_mho_job nop = mt_job_nop();

	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(0, mt_submit(&self->s, &nop, 1));
	ASSERT_EQ(0, mt_fault_taken("hang"));
	ASSERT_EQ(0, mt_unbind());
	/* At once: the time-out of the job, which is far off, would end it, too. */
	EXPECT_EQ(DRM_MHO_RESULT_DONE, mt_results(&self->s)->done);
	EXPECT_EQ(-ENODEV, mt_results(&self->s)->status);
	ASSERT_EQ(0, mt_bind());
	EXPECT_EQ(0, mt_works());
}

TEST_F(reload, function_removed_and_found)
{
	struct drm_mho_job nop = mt_job_nop();
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, mt_remove());
		EXPECT_EQ(0, mt_card_wait(false));
		EXPECT_EQ(-ENODEV, mt_submit(&self->s, &nop, 1));
		ASSERT_EQ(0, mt_rescan());
		ASSERT_EQ(0, mt_node_wait(true));
		EXPECT_EQ(0, mt_works());
		mt_session_close(&self->s);
		ASSERT_EQ(0, mt_session_open(&self->s));
	}
}

/* In processes of their users; 0 is right. */
static int make(void *arg)
{
	struct mt_session s;
	uint32_t array;

	(void)arg;
	return mt_session_open(&s) || mt_model_make(&s, LABEL, SEED, &array);
}

static int find_right(void *arg)
{
	struct mt_session s;
	uint32_t array;

	(void)arg;
	if (mt_session_open(&s) || mt_model_find(&s, LABEL, &array))
		return 1;
	return mt_model_check(&s, array, SEED) ? 2 : 0;
}

static int find_none(void *arg)
{
	struct mt_session s;
	uint32_t array;

	(void)arg;
	return mt_session_open(&s) || mt_model_find(&s, LABEL, &array) != -ENOENT;
}

static int destroy(void *arg)
{
	struct mt_session s;
	uint32_t array;

	(void)arg;
	return mt_session_open(&s) || mt_model_find(&s, LABEL, &array) ||
	       mt_array_destroy(s.fd, array);
}

/* Everybody may open the node here; whose weights they are is another matter. */
static int as(unsigned int uid, int (*function)(void *arg))
{
	char command[80];

	snprintf(command, sizeof(command), "chmod 666 %s", mt_node());
	return system(command) ? -EIO : mt_child(uid, function, NULL);
}

TEST_F(reload, named_weights)
{
	mt_session_close(&self->s);
	ASSERT_EQ(0, as(OWNER, make));
	/* The process has ended. */
	EXPECT_EQ(0, as(OWNER, find_right));
	EXPECT_EQ(0, as(OTHER, find_none));
	EXPECT_EQ(0, as(0, find_none));
	/* So has the driver. */
	ASSERT_EQ(0, mt_module_unload());
	ASSERT_EQ(0, mt_module_load(""));
	ASSERT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, as(OTHER, find_none));
	EXPECT_EQ(0, as(OWNER, find_right));
	/* So has the function's state. */
	ASSERT_EQ(0, mt_remove());
	ASSERT_EQ(0, mt_rescan());
	ASSERT_EQ(0, mt_node_wait(true));
	EXPECT_EQ(0, as(OTHER, find_none));
	EXPECT_EQ(0, as(OWNER, find_right));
	EXPECT_EQ(0, as(OWNER, destroy));
	EXPECT_EQ(0, as(OWNER, find_none));
}

MHO_TEST_MAIN
