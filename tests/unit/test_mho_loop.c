// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Queues beside the rest of a program, once with io_uring and once without: event
 * loops, the application's own ring, threads, and lifetimes of what jobs use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <liburing.h>

#include "mho_fixture.h"

/* The kernel interrupts a thread once after it has closed an io_uring, such as a former queue's. */
static int wait_once(int epoll, int timeout_ms)
{
	struct epoll_event ev;
	int n;

	do
		n = epoll_wait(epoll, &ev, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n;
}

/* The rule of mho_queue_fd(): reap until 0, then poll. Nothing is missed, nothing spins. */
static void check_polling(struct mho_dev *dev, uint32_t depth, int slow)
{
	enum {
		JOBS = 2000
	};
	struct mho_queue *q = new_queue(dev, depth);
	struct epoll_event ev = { .events = EPOLLIN };
	struct mho_job *jobs = calloc(JOBS, sizeof(*jobs)), *list[JOBS], *done[16];
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd = mho_queue_fd(q);
	int total = slow ? 20 : JOBS, left, n, wakes = 0;
	struct mho_job model = { .op = MHO_OP_NOP };

	if (slow)
		model = slow_job(dev);
	assert_true(fd >= 0);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev), 0);
	for (int i = 0; i < total; i++) {
		jobs[i] = model;
		list[i] = &jobs[i];
	}
	for (int round = 0; round < 5; round++) {
		assert_int_equal(mho_queue_submit(q, list, total), total);
		for (left = total; left;) {
			while ((n = mho_queue_reap(q, done, 16, 0, 0)) > 0)
				left -= n;
			assert_int_equal(n, 0);
			if (!left)
				break;
			assert_int_equal(wait_once(epoll, 10000), 1);
			wakes++;
		}
		/* Idle: not readable for long. One late message may come. */
		n = wait_once(epoll, 20);
		if (n)
			assert_int_equal(mho_queue_reap(q, done, 16, 0, 0), 0);
		assert_int_equal(wait_once(epoll, 20), 0);
	}
	/* Every wake but a few found work: at most one message a completion, and few spurious. */
	assert_true(wakes <= 5 * (total + 5));
	close(epoll);
	mho_queue_destroy(q);
	free(jobs);
	if (slow) {
		mho_mat_free(model.mat);
		mho_buf_free(model.b.buf);
	}
}

static void test_polling(void **state)
{
	struct fixture *f = *state;

	check_polling(f->dev, 1, 0);
	check_polling(f->dev, 64, 0);
	check_polling(f->dev, 4, 1);
}

struct worker {
	pthread_t thread;
	struct mho_dev *dev;
	uint32_t seed;
	const char *error;
};

/* One thread: its own queue and matrix, products checked; makes and frees things all the time. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct mho_mat_desc desc = { .size = sizeof(desc), .rows = 4, .cols = 4 };
	struct mho_job jobs[8], *list[8], *done[8];
	struct mho_queue *q = NULL;
	struct mho_mat *mat = NULL;
	float id[16] = { 0 }, sync[4];

	for (int i = 0; i < 4; i++)
		id[i * 5] = 1.0f;
	for (int round = 0; round < 60 && !w->error; round++) {
		struct mho_buf *a = NULL, *b = NULL;
		float *va, *vb;

		if ((!q && mho_queue_create(w->dev, NULL, &q)) ||
		    (!mat &&
		     (mho_mat_alloc(w->dev, &desc, &mat) || mho_program(mat, id, 4, 0.0f))) ||
		    mho_buf_alloc(w->dev, 128, &a) || mho_buf_alloc(w->dev, 128, &b)) {
			w->error = "an object was refused";
			break;
		}
		va = mho_buf_map(a);
		vb = mho_buf_map(b);
		fill_random(va, 32, w->seed + round);
		for (int i = 0; i < 8; i++) {
			jobs[i] = (struct mho_job){ .op = i % 2 ? MHO_OP_MVM_T : MHO_OP_MVM,
						    .mat = mat,
						    .alpha = 1.0f,
						    .a = { .buf = a, .offset = i * 16 },
						    .b = { .buf = b, .offset = i * 16 } };
			list[i] = &jobs[i];
		}
		if (mho_queue_submit(q, list, 8) != 8 || mho_queue_reap(q, done, 8, 8, -1) != 8 ||
		    memcmp(va, vb, 128))
			w->error = "a product is wrong";
		else if (mho_mvm(mat, va, sync, 1) || memcmp(va, sync, 16))
			w->error = "a synchronous product is wrong";
		mho_buf_free(a);
		mho_buf_free(b);
		if (round % 10 == 9) {
			mho_queue_destroy(q);
			mho_mat_free(mat);
			q = NULL;
			mat = NULL;
		}
	}
	mho_queue_destroy(q);
	mho_mat_free(mat);
	return NULL;
}

static void test_threads(void **state)
{
	struct fixture *f = *state;
	struct worker workers[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		workers[i].dev = f->dev;
		workers[i].seed = 1000 * (i + 1);
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].error)
			fail_msg("thread %d: %s: %s", i, workers[i].error, mho_last_error());
	}
}

/* What jobs use is freed behind their backs: they complete, and then it is gone. */
static void test_freed_in_flight(void **state)
{
	enum {
		JOBS = 50
	};
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 4);
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);
	struct mho_job jobs[JOBS], *list[JOBS], *done[JOBS], late;
	struct mho_job *one = &late;

	for (int i = 0; i < JOBS; i++) {
		jobs[i] = i ? jobs[0] : slow_job(f->dev);
		list[i] = &jobs[i];
	}
	assert_int_equal(mho_queue_submit(q, list, JOBS), JOBS);
	mho_buf_free(jobs[0].b.buf);
	mho_mat_free(jobs[0].mat);
	late = jobs[0];
	assert_int_equal(mho_queue_submit(q, &one, 1), -EINVAL);
	expect_error("freed before");
	assert_int_equal(mho_telemetry_get(f->dev, &t), 0);
	assert_int_equal(t.tiles_free, 3);
	assert_int_equal(mho_queue_reap(q, done, JOBS, JOBS, -1), JOBS);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(done[i]->status, 0);
	assert_int_equal(mho_telemetry_get(f->dev, &t), 0);
	assert_int_equal(t.tiles_free, 4);
}

static void test_destroy_in_flight(void **state)
{
	enum {
		JOBS = 200
	};
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_job jobs[JOBS], *list[JOBS];
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);

	for (int i = 0; i < JOBS; i++) {
		jobs[i] = i ? jobs[0] : slow_job(f->dev);
		list[i] = &jobs[i];
	}
	assert_int_equal(mho_queue_submit(q, list, JOBS), JOBS);
	mho_mat_free(jobs[0].mat);
	mho_queue_destroy(q);
	/* The dropped jobs held the last references. */
	assert_int_equal(mho_telemetry_get(f->dev, &t), 0);
	assert_int_equal(t.tiles_free, 4);
	/* And once more, for mho_close() in teardown to clear up. */
	jobs[0] = slow_job(f->dev);
	q = new_queue(f->dev, 16);
	for (int i = 1; i < JOBS; i++)
		jobs[i] = jobs[0];
	assert_int_equal(mho_queue_submit(q, list, JOBS), JOBS);
	mho_close(f->dev);
	f->dev = NULL;
	assert_int_equal(mho_queue_pending(q), 0);
	expect_error("its device was closed");
}

static void test_own_ring(void **state)
{
	enum {
		JOBS = 1000,
		MARK = 0x1234
	};
	struct fixture *f = *state;
	struct mho_queue_opts opts = MHO_INIT(struct mho_queue_opts);
	struct mho_job *jobs = calloc(JOBS, sizeof(*jobs)), *list[JOBS], *done[16];
	struct __kernel_timespec ts = { .tv_sec = 10 };
	struct mho_queue *q;
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	int left = JOBS, n, last = 0, messages = 0;

	if (io_uring_queue_init(64, &ring, 0))
		skip();
	opts.ring = &ring;
	opts.ring_user_data = MARK;
	opts.depth = 16;
	if (f->io == MHO_IO_THREAD) {
		assert_int_equal(mho_queue_create(f->dev, &opts, &q), -EOPNOTSUPP);
		expect_error("needs io_uring");
		goto out;
	}
	assert_int_equal(mho_queue_create(f->dev, &opts, &q), 0);
	assert_int_equal(mho_queue_fd(q), -EOPNOTSUPP);
	for (int i = 0; i < JOBS; i++)
		list[i] = &jobs[i];
	assert_int_equal(mho_queue_submit(q, list, JOBS), JOBS);
	while (left) {
		assert_int_equal(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), 0);
		assert_true(cqe->user_data == MARK);
		assert_in_range(cqe->res, last, JOBS);
		last = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
		messages++;
		while ((n = mho_queue_reap(q, done, 16, 0, 0)) > 0)
			left -= n;
		assert_int_equal(n, 0);
	}
	assert_true(messages <= JOBS);
	/* Waiting in reap works, too, without touching the application's ring. */
	assert_int_equal(mho_queue_submit(q, list, 100), 100);
	for (left = 100; left; left -= n) {
		n = mho_queue_reap(q, done, 16, left < 16 ? left : 16, -1);
		assert_true(n > 0);
	}
	mho_queue_destroy(q);
out:
	io_uring_queue_exit(&ring);
	free(jobs);
}

#define CASE(f, io) \
	cmocka_unit_test_prestate_setup_teardown(f, fixture_setup_io, fixture_teardown, io)
#define CASES(io)                                                                       \
	CASE(test_polling, io), CASE(test_threads, io), CASE(test_freed_in_flight, io), \
		CASE(test_destroy_in_flight, io), CASE(test_own_ring, io)

int main(void)
{
	static uint32_t uring = MHO_IO_URING, thread = MHO_IO_THREAD;
	const struct CMUnitTest with[] = { CASES(&uring) }, without[] = { CASES(&thread) };
	int failed = 0;

	/* Where io_uring is refused, half of this cannot run. */
	if (fixture_has_uring())
		failed += cmocka_run_group_tests_name("mho_loop io_uring", with, NULL, NULL);
	return failed + cmocka_run_group_tests_name("mho_loop eventfd", without, NULL, NULL);
}
