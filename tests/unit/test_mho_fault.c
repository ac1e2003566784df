// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Faults that a URI orders, and that libmho, its jobs and its objects get through
 * them: what is said about wrong orders, errors of jobs, commands that hang,
 * completions that are wrong, a card that does not start.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mho_hw_status.h"
#include "mho_fixture.h"

#define MS INT64_C(1000000)

static void test_bad(void **state)
{
	struct mho_dev *dev;

	(void)state;
	assert_int_equal(mho_open("emu:small?fault=", NULL, &dev), -EINVAL);
	expect_error("\"fault\" of the URI is empty");
	assert_int_equal(mho_open("emu:small?fault=burn", NULL, &dev), -EINVAL);
	expect_error("no fault \"burn\"; it has hang, ");
	assert_int_equal(mho_open("emu:small?fault=::", NULL, &dev), -EINVAL);
	expect_error("no fault \"\"");
	assert_int_equal(mho_open("emu:small?fault=hang:1:x", NULL, &dev), -EINVAL);
	expect_error("usage: hang [QUEUE [COUNT]]");
	assert_int_equal(mho_open("emu:small?fault=cqe-lose,cmd-error", NULL, &dev), -EINVAL);
	expect_error("fault=cmd-error");
}

/* One job, submitted alone. Return: its status, or -ETIMEDOUT. */
static int run(struct mho_queue *q, struct mho_job *job, int ms)
{
	struct mho_job *done;
	int n;

	assert_int_equal(mho_queue_submit(q, &job, 1), 1);
	n = mho_queue_reap(q, &done, 1, 1, ms * MS);
	assert_in_range(n, 0, 1);
	if (!n)
		return -ETIMEDOUT;
	assert_ptr_equal(done, job);
	return job->status;
}

static void test_jobs(void **state)
{
	struct fixture *f = fixture_open(
		"emu:small?tech=ideal&threads=1&fault=cmd-error:TILE_FAILED:2,hang:0:0,"
		"cmd-delay:30:3",
		MHO_IO_THREAD);
	struct mho_queue *q = new_queue(f->dev, 4);
	struct mho_job job = { .op = MHO_OP_NOP };

	(void)state;
	assert_int_equal(run(q, &job, 10000), MHO_HW_ST_TILE_FAILED);
	assert_int_equal(run(q, &job, 10000), MHO_HW_ST_TILE_FAILED);
	assert_int_equal(run(q, &job, 10000), 0);
	mho_queue_destroy(q);
	fixture_close(f);
}

/* What hangs can be waited for, given up with its queue, and forgotten with the device. */
static void test_hang(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < 2; how++) {
		struct fixture *f = fixture_open("emu:small?fault=hang:0:2", MHO_IO_THREAD);
		struct mho_queue *q = new_queue(f->dev, 4), *other;
		struct mho_job jobs[2] = { { .op = MHO_OP_NOP }, { .op = MHO_OP_NOP } };
		struct mho_job job = { .op = MHO_OP_NOP };

		assert_int_equal(run(q, &jobs[0], 30), -ETIMEDOUT);
		assert_int_equal(run(q, &jobs[1], 30), -ETIMEDOUT);
		other = new_queue(f->dev, 4);
		assert_int_equal(run(other, &job, 10000), 0);
		if (how)
			mho_queue_destroy(q);
		fixture_close(f);
	}
}

/* Wrong completions are caught where they are: the queue's owner learns of it, others go on. */
static void test_completions(void **state)
{
	static const struct {
		const char *uri;
		int reaped; /* what reaping gives */
	} cases[] = { { "emu:small?fault=cqe-bad-cid", -EIO },
		      { "emu:small?fault=cqe-garbage", 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture *f = fixture_open(cases[i].uri, MHO_IO_THREAD);
		struct mho_queue *q = new_queue(f->dev, 4), *other = new_queue(f->dev, 4);
		struct mho_job job = { .op = MHO_OP_NOP }, next = job, *list = &job, *done;

		assert_int_equal(mho_queue_submit(q, &list, 1), 1);
		assert_int_equal(mho_queue_reap(q, &done, 1, 1, -1), cases[i].reaped);
		if (cases[i].reaped < 0)
			expect_error("which it was not given");
		else
			assert_int_equal(job.status, 0xbad5);
		assert_int_equal(run(other, &next, 10000), 0);
		mho_queue_destroy(q);
		mho_queue_destroy(other);
		fixture_close(f);
	}
}

static void test_start(void **state)
{
	struct mho_dev *dev;

	(void)state;
	assert_int_not_equal(mho_open("emu:small?fault=fw-refuse", NULL, &dev), 0);
	expect_error("refused the firmware");
	assert_int_not_equal(mho_open("emu:small?fault=bad-version", NULL, &dev), 0);
	expect_error("version");
	assert_int_not_equal(mho_open("emu:small?fault=bad-id", NULL, &dev), 0);
	assert_int_not_equal(mho_open("emu:small?fault=boot-hang", NULL, &dev), 0);
	assert_int_not_equal(mho_open("emu:small?fault=crash", NULL, &dev), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),   cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_hang),  cmocka_unit_test(test_completions),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests_name("mho_fault", tests, NULL, NULL);
}
