// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Fences as descriptors: they tell of jobs that nobody reaps, and hold jobs back.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mho_fixture.h"

static int export(struct mho_queue *q)
{
	int fd = -1;

	if (mho_queue_fence_export(q, &fd))
		fail_msg("%s", mho_last_error());
	return fd;
}

static int is_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLIN);
}

static void submit(struct mho_queue *q, struct mho_job *job)
{
	if (mho_queue_submit(q, &job, 1) != 1)
		fail_msg("%s", mho_last_error());
}

static void reap(struct mho_queue *q, struct mho_job *job)
{
	struct mho_job *done = NULL;

	assert_int_equal(mho_queue_reap(q, &done, 1, 1, -1), 1);
	assert_ptr_equal(done, job);
	assert_int_equal(job->status, 0);
}

static void test_export(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_job slow = slow_job(f->dev), nop = { .op = MHO_OP_NOP };
	int idle = export(q), fd, later;

	assert_true(is_readable(idle, -1));
	for (int round = 0; round < 20; round++) {
		submit(q, &slow);
		fd = export(q);
		submit(q, &nop);
		later = export(q);
		/* Nobody reaps, and yet: */
		assert_true(is_readable(later, -1));
		assert_true(is_readable(fd, 0));
		assert_int_equal(mho_queue_pending(q), 2);
		reap(q, &slow);
		reap(q, &nop);
		close(fd);
		close(later);
	}
	/* It stays as it is. */
	assert_true(is_readable(idle, 0));
	close(idle);
}

/* Fences and waits of the owner at the same time: each is told of its own. */
static void test_many(void **state)
{
	enum {
		JOBS = 2000,
		FENCES = 10
	};
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 64);
	struct mho_job *jobs = calloc(JOBS, sizeof(*jobs)), *list[20], *done[64];
	int fds[FENCES], next = 0, got = 0, n;

	for (int i = 0; i < FENCES; i++)
		fds[i] = -1;
	for (int i = 0; i < JOBS; i += 20) {
		for (int k = 0; k < 20; k++)
			list[k] = &jobs[i + k];
		assert_int_equal(mho_queue_submit(q, list, 20), 20);
		if (fds[next] >= 0) {
			assert_true(is_readable(fds[next], -1));
			close(fds[next]);
		}
		fds[next] = export(q);
		next = (next + 1) % FENCES;
		n = mho_queue_reap(q, done, 64, i % 3 ? 20 : 0, -1);
		assert_true(n >= 0);
		got += n;
		while (mho_queue_pending(q) > 20)
			got += mho_queue_reap(q, done, 64, 1, -1);
	}
	while (mho_queue_pending(q))
		got += mho_queue_reap(q, done, 64, 1, -1);
	assert_int_equal(got, JOBS);
	for (int i = 0; i < FENCES; i++) {
		assert_true(is_readable(fds[i], -1));
		close(fds[i]);
	}
	free(jobs);
}

/* What the one queue writes, the other one reads, by a fence and no wait. */
static void test_between_queues(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *a = new_queue(f->dev, 16), *b = new_queue(f->dev, 16);
	struct mho_mat *m[2] = { new_mat(f->dev, 1, 1), new_mat(f->dev, 1, 1) };
	struct mho_buf *v = new_buf(f->dev, 1028 * sizeof(float));
	struct mho_job slow = { .op = MHO_OP_MVM,
				.mat = m[0],
				.a.buf = v,
				.batch = 256,
				.b = { .buf = v, .offset = 1024 },
				.alpha = 1.0f };
	struct mho_job quick = { .op = MHO_OP_MVM,
				 .mat = m[1],
				 .a = { .buf = v, .offset = 2044 },
				 .b = { .buf = v, .offset = 4096 },
				 .alpha = 1.0f };
	float *p = mho_buf_map(v), one = 1.0f;

	assert_int_equal(mho_program(m[0], &one, 1, 0.0f), 0);
	assert_int_equal(mho_program(m[1], &one, 1, 0.0f), 0);
	for (int round = 1; round <= 50; round++) {
		int fd;

		for (int i = 0; i < 256; i++)
			p[i] = (float)round;
		submit(a, &slow);
		fd = export(a);
		assert_int_equal(mho_queue_fence_import(b, fd), 0);
		close(fd);
		submit(b, &quick);
		reap(b, &quick);
		assert_true(p[1024] == (float)round);
		reap(a, &slow);
	}
}

static void test_import(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_job before = slow_job(f->dev), job = { .op = MHO_OP_NOP }, after = job;
	struct mho_job *done;
	int fd = eventfd(0, EFD_CLOEXEC), fence = -1;
	uint64_t one = 1;

	submit(q, &before);
	assert_int_equal(mho_queue_fence_import(q, fd), 0);
	submit(q, &job);
	submit(q, &after);
	assert_int_equal(mho_queue_pending(q), 3);
	assert_int_equal(mho_queue_fence_export(q, &fence), -EBUSY);
	reap(q, &before);
	assert_int_equal(mho_queue_reap(q, &done, 1, 1, 2000000), 0);
	assert_int_equal(mho_queue_reap(q, &done, 1, 1, 0), 0);
	assert_int_equal(job.status, -EINPROGRESS);
	assert_int_equal(write(fd, &one, 8), 8);
	assert_int_equal(mho_queue_reap(q, &done, 1, 1, -1), 1);
	assert_int_equal(mho_queue_reap(q, &done, 1, 1, -1), 1);
	assert_true(job.status == 0 && after.status == 0);
	/* Two gates, and a queue that ends behind them. */
	assert_int_equal(read(fd, &one, 8), 8);
	assert_int_equal(mho_queue_fence_import(q, fd), 0);
	submit(q, &job);
	assert_int_equal(mho_queue_fence_import(q, fd), 0);
	submit(q, &after);
	mho_queue_destroy(q);
	close(fd);
}

static void test_ends(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_job slow = slow_job(f->dev), *done;
	int fd;

	submit(q, &slow);
	fd = export(q);
	mho_queue_destroy(q);
	assert_true(is_readable(fd, 0));
	close(fd);
	/* A reset ends what is in flight, and so the fence. */
	q = new_queue(f->dev, 16);
	submit(q, &slow);
	fd = export(q);
	assert_int_equal(mho_reset(f->dev), 0);
	assert_int_equal(mho_queue_reap(q, &done, 1, 1, -1), 1);
	assert_true(is_readable(fd, -1));
	close(fd);
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 2);
	struct mho_job jobs[8], *list[8];
	int fd = -1;

	assert_int_equal(mho_queue_fence_export(q, NULL), -EINVAL);
	assert_int_equal(mho_queue_fence_export(NULL, &fd), -EINVAL);
	assert_int_equal(mho_queue_fence_import(q, -1), -EINVAL);
	expect_error("-1 is no descriptor");
	assert_int_equal(mho_queue_fence_import(NULL, 0), -EINVAL);
	for (int i = 0; i < 8; i++) {
		jobs[i] = (struct mho_job){ .op = MHO_OP_NOP };
		list[i] = &jobs[i];
	}
	assert_int_equal(mho_queue_submit(q, list, 8), 8);
	assert_int_equal(mho_queue_fence_export(q, &fd), -EBUSY);
	expect_error("reap first");
	assert_int_equal(fd, -1);
	/* The jobs are on this stack. */
	mho_queue_destroy(q);
}

#define CASE(f, io) \
	cmocka_unit_test_prestate_setup_teardown(f, fixture_setup_io, fixture_teardown, io)
#define CASES(io)                                                                  \
	CASE(test_export, io), CASE(test_many, io), CASE(test_between_queues, io), \
		CASE(test_import, io), CASE(test_ends, io), CASE(test_refusals, io)

int main(void)
{
	static uint32_t uring = MHO_IO_URING, thread = MHO_IO_THREAD;
	const struct CMUnitTest with[] = { CASES(&uring) }, without[] = { CASES(&thread) };
	int failed = 0;

	if (fixture_has_uring())
		failed += cmocka_run_group_tests_name("mho_fence io_uring", with, NULL, NULL);
	return failed + cmocka_run_group_tests_name("mho_fence eventfd", without, NULL, NULL);
}
