// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The machine sleeps: with the kernel's own test, that ends before the machine is off, and for good,
 * which the host ends. Programs go on as if nothing had been.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define SEED 81
#define POWER "/sys/power/"
/* Short enough for a device that finishes its work before it sleeps, ms. */
#define WORK_MS 1000

FIXTURE(suspend)
{
	struct mt_session s;
	uint32_t array;
};

FIXTURE_SETUP(suspend)
{
	if (access(POWER "pm_test", W_OK))
		SKIP(return, "the kernel cannot test its power management");
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_model_make(&self->s, NULL, SEED, &self->array));
	mt_write_file("/sys/module/suspend/parameters/pm_test_delay", "1");
}

FIXTURE_TEARDOWN(suspend)
{
	mt_write_file(POWER "pm_test", "none");
	mt_session_close(&self->s);
	EXPECT_EQ(0, mt_repair());
}

static void survive(struct __test_metadata *_metadata, FIXTURE_DATA(suspend) * self,
		    const char *state)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mt_order("fault cmd-delay %d", WORK_MS));
		ASSERT_EQ(0, mt_submit(&self->s, &job, 1));
		ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
		ASSERT_EQ(0, mt_write_file(POWER "state", state));
		EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
		EXPECT_EQ(0, mt_results(&self->s)[0].status);
		EXPECT_TRUE(mt_model_right(&self->s, SEED));
		EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
	}
	EXPECT_EQ(0, mt_works());
}

TEST_F(suspend, devices_to_idle)
{
	ASSERT_EQ(0, mt_write_file(POWER "pm_test", "devices"));
	survive(_metadata, self, "freeze");
}

TEST_F(suspend, devices_to_ram)
{
	ASSERT_EQ(0, mt_write_file(POWER "pm_test", "devices"));
	survive(_metadata, self, "mem");
}

TEST_F(suspend, to_ram)
{
	ASSERT_EQ(0, mt_write_file(POWER "pm_test", "none"));
	ASSERT_EQ(0, mt_order("wakeup"));
	ASSERT_EQ(0, mt_write_file(POWER "state", "mem"));
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
	EXPECT_EQ(0, mt_works());
}

MHO_TEST_MAIN
