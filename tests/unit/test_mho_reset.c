// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mho_reset(): what stays, what becomes of jobs in flight, resets beside other
 * threads, and a device that has stopped by itself.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/emu_dev.h"
#include "core/dev.h"
#include "emulator/mho_emu.h"
#include "mho_fixture.h"

#define JOBS 12
/* A driver does again what only reads: on a card, none of these tests' jobs is ever cut off. */
#define TRIES (fixture_on_card() ? 10 : 1000)

/* Every matrix, buffer and queue of before works after. */
static void test_keeps(void **state)
{
	struct fixture *f = *state;
	struct mho_telemetry before = MHO_INIT(struct mho_telemetry),
			     after = MHO_INIT(struct mho_telemetry);
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	struct mho_queue *q = new_queue(f->dev, 4);
	float w[16 * 16], x[16], y[16], back[16 * 16];
	struct mho_mat *mat = new_mat(f->dev, 16, 16), *named;
	struct mho_job job = { .op = MHO_OP_MVM, .mat = mat, .alpha = 1.0f };
	struct mho_job *list = &job, *done;

	job.a.buf = new_buf(f->dev, sizeof(x));
	job.b.buf = new_buf(f->dev, sizeof(y));
	desc.rows = desc.cols = 4;
	desc.name = "kept";
	assert_int_equal(mho_mat_alloc(f->dev, &desc, &named), 0);
	fill_random(w, 256, 1);
	fill_random(x, 16, 2);
	assert_int_equal(mho_program(mat, w, 16, 0.0f), 0);
	assert_int_equal(mho_telemetry_get(f->dev, &before), 0);
	assert_int_equal(mho_reset(f->dev), 0);
	assert_int_equal(mho_telemetry_get(f->dev, &after), 0);
	assert_int_equal(after.resets, before.resets + 1);
	assert_int_equal(after.pulses, before.pulses);
	assert_int_equal(after.tiles_free, before.tiles_free);

	assert_int_equal(mho_read(mat, back, 16), 0);
	assert_memory_equal(back, w, sizeof(w));
	assert_int_equal(mho_mvm(mat, x, y, 1), 0);
	check_product(w, x, y, 16, 16, 1, 0);

	memcpy(mho_buf_map(job.a.buf), x, sizeof(x));
	assert_int_equal(mho_queue_submit(q, &list, 1), 1);
	assert_int_equal(mho_queue_reap(q, &done, 1, 1, -1), 1);
	assert_int_equal(job.status, 0);
	check_product(w, x, mho_buf_map(job.b.buf), 16, 16, 1, 0);

	/* Given back after a reset as ever: its tile is free again, its name not. */
	mho_mat_free(named);
	assert_int_equal(mho_mat_find(f->dev, "kept", &named), 0);
	mho_mat_delete(named);
	mho_buf_free(job.a.buf);
	mho_queue_destroy(q);
	assert_int_equal(mho_telemetry_get(f->dev, &after), 0);
	assert_int_equal(after.tiles_free, before.tiles_free + 1);
	assert_false(fixture_logged(f, "lost"));
}

/* Submits JOBS copies of @slow. */
static void submit_slow(struct mho_queue *q, struct mho_job *jobs, const struct mho_job *slow)
{
	struct mho_job *list[JOBS];

	for (int i = 0; i < JOBS; i++) {
		jobs[i] = *slow;
		list[i] = &jobs[i];
	}
	assert_int_equal(mho_queue_submit(q, list, JOBS), JOBS);
}

/* Takes @n jobs; the number of those that were cut off. */
static int collect(struct mho_queue *q, int n)
{
	struct mho_job *done[JOBS];
	int cut = 0;

	assert_int_equal(mho_queue_reap(q, done, JOBS, (uint32_t)n, -1), n);
	for (int i = 0; i < n; i++) {
		assert_true(done[i]->status == 0 || done[i]->status == -ECANCELED);
		cut += done[i]->status != 0;
	}
	assert_int_equal(mho_queue_pending(q), 0);
	return cut;
}

/*
 * What the device had is cut off, at most; what waited in the library is done. Whether the device
 * was faster than the reset is chance.
 */
static void test_in_flight(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 4);
	struct pollfd p = { .fd = mho_queue_fd(q), .events = POLLIN };
	struct mho_job slow = slow_job(f->dev), jobs[2 * JOBS], *done[JOBS];
	int cut = 0, n;

	for (int i = 0; i < TRIES && !cut; i++) {
		submit_slow(q, jobs, &slow);
		while ((n = mho_queue_reap(q, done, JOBS, 0, 0)) > 0)
			;
		assert_int_equal(n, 0);
		assert_int_equal(mho_reset(f->dev), 0);
		if (mho_queue_pending(q))
			assert_int_equal(poll(&p, 1, 10000), 1);
		cut = collect(q, (int)mho_queue_pending(q));
		assert_in_range(cut, 0, 4);
	}
	assert_true(cut > 0 || fixture_on_card());

	/* New jobs after a reset, before those of before were reaped. */
	submit_slow(q, jobs, &slow);
	assert_int_equal(mho_reset(f->dev), 0);
	submit_slow(q, jobs + JOBS, &slow);
	n = mho_queue_pending(q);
	assert_int_equal(n, 2 * JOBS);
	while (n)
		n -= mho_queue_reap(q, done, JOBS, 1, -1);
	assert_int_equal(mho_queue_pending(q), 0);

	/* Dropped with the queue, before anybody looked. */
	submit_slow(q, jobs, &slow);
	assert_int_equal(mho_reset(f->dev), 0);
	mho_queue_destroy(q);
}

static void *wait_for_all(void *queue)
{
	static int cut;

	cut = collect(queue, JOBS);
	return &cut;
}

/* A thread that sleeps until its jobs are done is woken. */
static void test_sleeper(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_job slow = slow_job(f->dev), jobs[JOBS];
	pthread_t thread;
	void *cut;
	int n = 0;

	for (int i = 0; i < TRIES && !n; i++) {
		submit_slow(q, jobs, &slow);
		assert_int_equal(pthread_create(&thread, NULL, wait_for_all, q), 0);
		assert_int_equal(mho_reset(f->dev), 0);
		assert_int_equal(pthread_join(thread, &cut), 0);
		n = *(int *)cut;
	}
	assert_true(n > 0 || fixture_on_card());
}

struct worker {
	struct mho_dev *dev;
	struct mho_mat *mat;
	atomic_bool *stop;
	unsigned int rounds;
	unsigned int cut;
	int wrong;
};

/* Products, asynchronous and not, until told to stop: each right, or cut off. */
static void *work(void *arg)
{
	struct worker *me = arg;
	struct mho_queue *q = new_queue(me->dev, 4);
	struct mho_job jobs[JOBS], *list[JOBS], *done[JOBS];
	float x[16], y[16];
	int n;

	fill_random(x, 16, 3);
	while (!atomic_load(me->stop)) {
		for (int i = 0; i < JOBS; i++) {
			jobs[i] = (struct mho_job){ .op = MHO_OP_SCRUB, .mat = me->mat };
			list[i] = &jobs[i];
		}
		n = mho_queue_submit(q, list, JOBS);
		if (n != JOBS || mho_queue_reap(q, done, JOBS, JOBS, -1) != JOBS)
			me->wrong = __LINE__;
		for (int i = 0; i < JOBS; i++) {
			if (jobs[i].status == -ECANCELED)
				me->cut++;
			else if (jobs[i].status)
				me->wrong = __LINE__;
		}
		n = mho_mvm(me->mat, x, y, 1);
		if (n && n != -ECANCELED)
			me->wrong = __LINE__;
		me->rounds++;
	}
	mho_queue_destroy(q);
	return NULL;
}

static void test_beside_others(void **state)
{
	struct fixture *f = *state;
	struct worker workers[2] = { 0 };
	atomic_bool stop = false;
	pthread_t threads[2];

	for (int i = 0; i < 2; i++) {
		workers[i].dev = f->dev;
		workers[i].mat = new_mat(f->dev, 16, 16);
		workers[i].stop = &stop;
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 50; i++) {
		struct mho_buf *buf = new_buf(f->dev, 4096);

		assert_int_equal(mho_reset(f->dev), 0);
		mho_buf_free(buf);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].wrong, 0);
		assert_true(workers[i].rounds > 0);
	}
	assert_false(fixture_logged(f, "lost"));
}

/* A doorbell that the admin queue cannot have stops the device; a reset starts it again. */
static void stop_and_reset(struct fixture *f)
{
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);
	struct mrt_dev *dev = mrt_handle_get(f->dev, MRT_DEV, "test");
	struct emub_dev *emub = emub_dev_of(dev->bdev);
	struct mho_mat *mat = new_mat(f->dev, 4, 4);
	float w[16], back[16];

	fill_random(w, 16, 4);
	assert_int_equal(mho_program(mat, w, 4, 0.0f), 0);
	mho_emu_write(emub->emu, MHO_HW_BAR_DOORBELL, MHO_HW_DB_OFFSET(0, MHO_HW_DB_SQ_TAIL),
		      0xffff, 4);
	while (!(emub_read(emub, MHO_HW_REG_STATUS) & MHO_HW_STATUS_FATAL))
		usleep(1000);
	assert_int_equal(mho_telemetry_get(f->dev, &t), -EIO);
	expect_error("mho_reset()");
	assert_int_equal(mho_read(mat, back, 4), -EIO);
	assert_int_equal(mho_reset(f->dev), 0);
	assert_int_equal(mho_telemetry_get(f->dev, &t), 0);
	assert_int_equal(mho_read(mat, back, 4), 0);
	assert_memory_equal(back, w, sizeof(w));
}

static void test_stopped(void **state)
{
	/* It reaches into the emulated device. */
	if (fixture_on_card())
		skip();
	stop_and_reset(*state);
}

static void test_bad_handle(void **state)
{
	(void)state;
	assert_int_equal(mho_reset(NULL), -EINVAL);
	expect_error("mho_reset");
}

#define CASE(f, io) \
	cmocka_unit_test_prestate_setup_teardown(f, fixture_setup_io, fixture_teardown, io)
#define CASES(io)                                                               \
	CASE(test_keeps, io), CASE(test_in_flight, io), CASE(test_sleeper, io), \
		CASE(test_beside_others, io), CASE(test_stopped, io), CASE(test_bad_handle, io)

int main(void)
{
	static uint32_t uring = MHO_IO_URING, thread = MHO_IO_THREAD;
	const struct CMUnitTest with[] = { CASES(&uring) }, without[] = { CASES(&thread) };
	int failed = 0;

	/* Where io_uring is refused, half of this cannot run. */
	if (fixture_has_uring())
		failed += cmocka_run_group_tests_name("mho_reset io_uring", with, NULL, NULL);
	return failed + cmocka_run_group_tests_name("mho_reset eventfd", without, NULL, NULL);
}
