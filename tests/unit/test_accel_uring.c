// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What of the "accel:" backend's way in by io_uring needs no card: which flags of a
 * ring are given up on which kernel, what a refusal says, threads, and the cache of
 * prepared jobs. The rest is tested in guests.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/accel_prepared.h"
#include "backend/accel_ring.h"
#include "backend/accel_seq.h"
#include "mho_fixture.h"

/* ---- rings ---- */

#define FLAGS_519 (IORING_SETUP_SQE128 | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE)
#define FLAGS_60 (FLAGS_519 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_R_DISABLED)
#define FLAGS_61 (FLAGS_60 | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG)

/* The kernel that is pretended to be there: the flags that it knows, and what it says otherwise. */
static struct {
	unsigned int knows;
	int refuses;
	unsigned int asked;
	unsigned int flags;
	unsigned int entries;
	unsigned int completions;
} kernel;

static int fake_init(unsigned int entries, struct io_uring *ring, struct io_uring_params *params)
{
	(void)ring;
	kernel.asked++;
	if (kernel.refuses)
		return kernel.refuses;
	if (params->flags & ~kernel.knows)
		return -EINVAL;
	kernel.flags = params->flags;
	kernel.entries = entries;
	kernel.completions = params->cq_entries;
	return 0;
}

static int setup(unsigned int knows, int refuses, bool bound, struct accelb_ring *ring)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.knows = knows;
	kernel.refuses = refuses;
	return accelb_ring_setup(ring, 64, 256, bound, fake_init);
}

static void test_all_flags(void **state)
{
	struct accelb_ring ring;

	(void)state;
	assert_int_equal(setup(FLAGS_61, 0, true, &ring), 0);
	assert_int_equal(kernel.asked, 1);
	assert_int_equal(kernel.flags, FLAGS_61);
	assert_int_equal(kernel.entries, 64);
	assert_int_equal(kernel.completions, 256);
	assert_true(ring.bound && ring.deferred && !ring.owner);
}

static void test_older_kernels(void **state)
{
	struct accelb_ring ring;

	(void)state;
	assert_int_equal(setup(FLAGS_60, 0, true, &ring), 0);
	assert_int_equal(kernel.flags, FLAGS_60);
	assert_true(ring.bound && !ring.deferred);
	assert_int_equal(setup(FLAGS_519, 0, true, &ring), 0);
	assert_int_equal(kernel.flags, FLAGS_519);
	assert_true(!ring.bound && !ring.deferred);
	assert_int_equal(setup(IORING_SETUP_SQE128 | IORING_SETUP_CQSIZE, 0, true, &ring), 0);
	assert_int_equal(kernel.flags, IORING_SETUP_SQE128 | IORING_SETUP_CQSIZE);
	assert_int_equal(kernel.completions, 256);
	assert_int_equal(setup(IORING_SETUP_SQE128, 0, true, &ring), 0);
	assert_int_equal(kernel.flags, IORING_SETUP_SQE128);
	assert_int_equal(kernel.completions, 0);
	/* Without long entries there are no commands, and no use in a ring. */
	assert_int_equal(setup(0, 0, true, &ring), -EINVAL);
	assert_int_equal(kernel.asked, 5);
}

static void test_open_to_all(void **state)
{
	struct accelb_ring ring;

	(void)state;
	assert_int_equal(setup(FLAGS_61, 0, false, &ring), 0);
	assert_int_equal(kernel.flags, FLAGS_519);
	assert_true(!ring.bound && !ring.deferred);
}

/* What is not about flags is not asked for twice. */
static void test_refused(void **state)
{
	static const int errors[] = { -EPERM, -ENOSYS, -EACCES, -ENOMEM, -EMFILE };
	struct accelb_ring ring;

	(void)state;
	for (unsigned int i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		assert_int_equal(setup(FLAGS_61, errors[i], true, &ring), errors[i]);
		assert_int_equal(kernel.asked, 1);
	}
	assert_non_null(strstr(accelb_ring_refusal(-EPERM), "kernel.io_uring_disabled"));
	assert_non_null(strstr(accelb_ring_refusal(-EPROTO), "driver is older"));
	assert_non_null(strstr(accelb_ring_refusal(-EOPNOTSUPP), "without io_uring"));
	assert_non_null(strstr(accelb_ring_refusal(-EINVAL), "Linux 5.19"));
}

/* On the kernel that is really there: files without commands are told from too old drivers. */
static void test_try(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(accelb_ring_try(fd, 1), -EPROTO);
	if (fixture_has_uring())
		assert_int_equal(accelb_ring_try(fd, 2), -EOPNOTSUPP);
	close(fd);
}

static void *number_of_thread(void *arg)
{
	*(uint64_t *)arg = accelb_thread();
	return NULL;
}

/* A thread that comes after another is not taken for it, whatever memory it has got. */
static void test_thread_numbers(void **state)
{
	uint64_t mine = accelb_thread(), number[8];
	pthread_t thread;

	(void)state;
	assert_int_equal(mine, accelb_thread());
	for (int i = 0; i < 8; i++) {
		assert_int_equal(pthread_create(&thread, NULL, number_of_thread, &number[i]), 0);
		pthread_join(thread, NULL);
		assert_true(number[i] && number[i] != mine);
		for (int k = 0; k < i; k++)
			assert_true(number[k] != number[i]);
	}
}

/* ---- the cache ---- */

#define BUFFER_SIZE 8192
#define RUNS 4
#define HANDLES 4096

/* The driver that is pretended to be there. */
static struct {
	unsigned int prepared;
	unsigned int alive;
	bool there[HANDLES];
	struct drm_mho_prepared_job last;
	uint32_t a_slots;
	uint32_t b_slots;
	int refuses;
	uint64_t size;
} driver;

static struct accelb_cache cache;

static int fake_prepare(void *arg, const struct drm_mho_prepared_job *job, uint32_t a_slots,
			uint32_t b_slots, uint32_t *handle)
{
	assert_ptr_equal(arg, &driver);
	driver.prepared++;
	if (driver.refuses)
		return driver.refuses;
	driver.last = *job;
	driver.a_slots = a_slots;
	driver.b_slots = b_slots;
	for (*handle = 1; driver.there[*handle]; ++*handle)
		assert_true(*handle < HANDLES - 1);
	driver.there[*handle] = true;
	driver.alive++;
	return 0;
}

static void fake_unprepare(void *arg, uint32_t handle)
{
	(void)arg;
	assert_true(driver.there[handle]);
	driver.there[handle] = false;
	driver.alive--;
}

static uint64_t fake_size(void *arg, uint32_t buffer)
{
	(void)arg;
	(void)buffer;
	return driver.size;
}

static int new_cache(void **state)
{
	static const struct accelb_cache_ops ops = {
		.prepare = fake_prepare,
		.unprepare = fake_unprepare,
		.size = fake_size,
	};

	(void)state;
	memset(&driver, 0, sizeof(driver));
	driver.size = BUFFER_SIZE;
	accelb_cache_init(&cache, &ops, &driver, RUNS);
	return 0;
}

static int end_cache(void **state)
{
	(void)state;
	accelb_cache_exit(&cache);
	return 0;
}

/* A product, of array @array, from and to two buffers. */
static struct drm_mho_job product(uint32_t array, uint64_t a, uint64_t b)
{
	return (struct drm_mho_job){
		.op = DRM_MHO_OP_MVM,
		.array = array,
		.batch = 3,
		.a_type = DRM_MHO_TYPE_F32,
		.b_type = DRM_MHO_TYPE_F32,
		.a = { .handle = 7, .offset = a },
		.b = { .handle = 8, .stride = 256, .offset = b },
		.a_scale = 0x3f800000,
		.b_scale = 0x40000000,
	};
}

static struct accelb_run run;
static struct drm_mho_uring_run cmd;

static bool use(struct drm_mho_job job)
{
	memset(&cmd, 0, sizeof(cmd));
	return accelb_cache_use(&cache, &job, &cmd, &run);
}

/* Uses a job and completes it at once. */
static bool use_once(struct drm_mho_job job)
{
	bool ran = use(job);

	accelb_cache_done(&cache, &run);
	return ran;
}

static void test_second_use(void **state)
{
	struct drm_mho_job model = product(1, 0, 0);

	(void)state;
	assert_false(use_once(product(1, 64, 128)));
	assert_int_equal(driver.prepared, 0);
	assert_true(use_once(product(1, 68, 256)));
	assert_int_equal(driver.prepared, 1);
	assert_memory_equal(&driver.last.job, &model, sizeof(model));
	assert_int_equal(driver.last.a_step, 4);
	assert_int_equal(driver.last.b_step, 4);
	assert_int_equal(driver.a_slots, BUFFER_SIZE / 4);
	assert_int_equal(driver.b_slots, BUFFER_SIZE / 4);
	assert_true(driver.there[cmd.handle]);
	assert_int_equal(cmd.a_slot, 17);
	assert_int_equal(cmd.b_slot, 64);
	/* Every other place of the same buffers is the same kind of job. */
	assert_true(use_once(product(1, BUFFER_SIZE - 4, 0)));
	assert_int_equal(cmd.a_slot, BUFFER_SIZE / 4 - 1);
	assert_int_equal(driver.prepared, 1);
	/* What no slot leads to goes as a job. */
	assert_false(use_once(product(1, 2, 0)));
	assert_false(use_once(product(1, 0, BUFFER_SIZE)));
}

/* All but the offsets makes another kind. */
static void test_kinds(void **state)
{
	struct drm_mho_job jobs[10];

	(void)state;
	for (int i = 0; i < 10; i++)
		jobs[i] = product(1, 0, 0);
	jobs[1].op = DRM_MHO_OP_MVM_T;
	jobs[2].flags = DRM_MHO_JOB_FENCE;
	jobs[3].array = 2;
	jobs[4].batch = 4;
	jobs[5].a.handle = 9;
	jobs[6].b.stride = 512;
	jobs[7].a_type = DRM_MHO_TYPE_I8;
	jobs[8].b_scale = 0x40000001;
	jobs[9].param[1] = 5;
	for (int i = 0; i < 10; i++)
		assert_false(use_once(jobs[i]));
	for (unsigned int i = 0; i < 10; i++) {
		assert_true(use_once(jobs[i]));
		assert_int_equal(driver.prepared, i + 1);
	}
	/* Bytes have steps of a byte. */
	jobs[7].a.offset = 3;
	assert_true(use_once(jobs[7]));
	assert_int_equal(cmd.a_slot, 3);
}

/* Jobs without buffers have nothing to step. */
static void test_no_operands(void **state)
{
	const struct drm_mho_job nop = { .op = DRM_MHO_OP_NOP };

	(void)state;
	assert_false(use_once(nop));
	assert_true(use_once(nop));
	assert_int_equal(driver.last.a_step, 0);
	assert_int_equal(driver.a_slots, 1);
	assert_int_equal(cmd.a_slot, 0);
}

/* A buffer of so many bytes that not every element can have a slot. */
static void test_huge_buffer(void **state)
{
	(void)state;
	driver.size = 1ULL << 40;
	assert_false(use_once(product(1, 0, 0)));
	assert_true(use_once(product(1, 1ULL << 39, 512)));
	assert_int_equal(driver.last.a_step, 512);
	assert_true(driver.a_slots == 1U << 31);
	assert_true(cmd.a_slot == 1U << 30);
	assert_false(use_once(product(1, 4, 0)));
}

static void test_runs_in_flight(void **state)
{
	struct accelb_run runs[RUNS];

	(void)state;
	use_once(product(1, 0, 0));
	for (int i = 0; i < RUNS; i++) {
		assert_true(use(product(1, 0, 0)));
		runs[i] = run;
	}
	assert_false(use(product(1, 0, 0)));
	accelb_cache_done(&cache, &runs[2]);
	assert_true(use(product(1, 0, 0)));
	assert_false(use(product(1, 0, 0)));
	/* What has completed counts once. */
	accelb_cache_done(&cache, &runs[2]);
	assert_false(use(product(1, 0, 0)));
}

static void test_refusal(void **state)
{
	(void)state;
	driver.refuses = -EDQUOT;
	use_once(product(1, 0, 0));
	for (int i = 0; i < 100; i++)
		assert_false(use_once(product(1, 0, 0)));
	/* Who has refused is left in peace for a while. */
	assert_int_equal(driver.prepared, 1);
	driver.refuses = 0;
	for (int i = 0; i < ACCELB_CACHE_RETRY; i++)
		use_once(product(1, 0, 0));
	assert_int_equal(driver.prepared, 2);
	assert_true(use_once(product(1, 0, 0)));
}

/* A handle may come back as that of something else: nothing of the former one is left. */
static void test_forget(void **state)
{
	struct drm_mho_job transfer = { .op = DRM_MHO_OP_TRANSFER, .array = 1, .param = { 0, 3 } };
	struct accelb_run flying;

	(void)state;
	for (int i = 0; i < 2; i++) {
		use_once(product(1, 0, 0));
		use_once(product(2, 0, 0));
		use_once(transfer);
	}
	assert_int_equal(driver.alive, 3);
	assert_true(use(product(1, 0, 0)));
	flying = run;
	accelb_cache_forget_array(&cache, 1);
	assert_int_equal(driver.alive, 1);
	accelb_cache_forget_array(&cache, 3);
	assert_int_equal(driver.alive, 1);
	accelb_cache_forget_buffer(&cache, 9);
	assert_int_equal(driver.alive, 1);
	assert_false(use_once(product(1, 0, 0)));
	assert_true(use(product(1, 0, 0)));
	/* The end of a run of the former one does not count for this. */
	accelb_cache_done(&cache, &flying);
	for (int i = 1; i < RUNS; i++)
		assert_true(use(product(1, 0, 0)));
	assert_false(use(product(1, 0, 0)));
	accelb_cache_forget_buffer(&cache, 8);
	assert_int_equal(driver.alive, 0);
	assert_false(use_once(product(2, 0, 0)));
}

/* Only operands in buffers count as such: a region's row 7 is no buffer 7. */
static void test_forget_regions(void **state)
{
	struct drm_mho_job transfer = { .op = DRM_MHO_OP_TRANSFER,
					.array = 1,
					.a_region = { .row = 7 },
					.b_region = { .row = 8 },
					.param = { 0, 3 } };

	(void)state;
	use_once(transfer);
	assert_true(use_once(transfer));
	accelb_cache_forget_buffer(&cache, 7);
	accelb_cache_forget_buffer(&cache, 8);
	assert_int_equal(driver.alive, 1);
	accelb_cache_forget_array(&cache, 3);
	assert_int_equal(driver.alive, 0);
}

/* Kinds that come by once do not drive out those that are used; those that stay away go. */
static void test_eviction(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		use_once(product(1, 0, 0));
	assert_int_equal(driver.prepared, 1);
	for (uint32_t array = 2; array < 1000; array++) {
		assert_false(use_once(product(array, 0, 0)));
		if (array % 10 == 0)
			assert_true(use_once(product(1, 0, 0)));
	}
	assert_int_equal(driver.prepared, 1);
	/* A new set of kinds, each used often, takes over in time. */
	for (int round = 0; round < 200; round++)
		for (uint32_t array = 1001; array < 1017; array++)
			use_once(product(array, 0, 0));
	for (uint32_t array = 1001; array < 1017; array++)
		assert_true(use_once(product(array, 0, 0)));
	assert_true(driver.alive <= ACCELB_CACHE_SIZE);
	/* Far more kinds than there is room: those that have it keep it. */
	driver.prepared = 0;
	for (int round = 0; round < 20; round++)
		for (uint32_t array = 2000; array < 3000; array++)
			use_once(product(array, 0, 0));
	assert_true(driver.alive <= ACCELB_CACHE_SIZE);
	assert_true(driver.prepared <= 2 * ACCELB_CACHE_SIZE);
}

/* ---- sequences ---- */

static void test_sequence_results(void **state)
{
	struct drm_mho_prepared_job jobs[3] = {
		{ .job = product(1, 16, 32), .a_step = 64, .b_step = 0 },
		{ .job = { .op = DRM_MHO_OP_SCRUB, .array = 1 } },
		{ .job = product(2, 0, 4), .a_step = 0, .b_step = 128 },
	};
	struct drm_mho_job filled[3];
	struct drm_mho_result results[6] = { 0 };
	struct accelb_seq_run *idle[2];
	struct accelb_seq seq = {
		.n = 3, .jobs = jobs, .filled = filled, .results = results, .idle = idle
	};
	struct mrt_done each[3], done;
	struct accelb_seq_run r = { .seq = &seq,
				    .slot = 1,
				    .args = { .a_slot = 2, .b_slot = 3, .each = each } };

	(void)state;
	assert_ptr_equal(accelb_seq_fill(&r), filled);
	assert_int_equal(filled[0].a.offset, 16 + 2 * 64);
	assert_int_equal(filled[0].b.offset, 32);
	assert_int_equal(filled[1].op, DRM_MHO_OP_SCRUB);
	assert_int_equal(filled[2].a.offset, 0);
	assert_int_equal(filled[2].b.offset, 4 + 3 * 128);
	assert_false(accelb_seq_is_done(&r));
	results[3] = (struct drm_mho_result){
		.device_ns = 1, .energy_fj = 10, .result = 100, .detail = 7, .done = 1
	};
	results[5] = (struct drm_mho_result){
		.device_ns = 2, .energy_fj = 20, .result = 200, .status = 5, .done = 1
	};
	assert_false(accelb_seq_is_done(&r));
	/* What the driver has done is not touched. */
	accelb_seq_end(&r, -EIO);
	assert_true(accelb_seq_is_done(&r));
	accelb_seq_take(&r, &done);
	assert_int_equal(done.status, -EIO);
	assert_int_equal(done.result, 300);
	assert_int_equal(done.detail, 7);
	assert_int_equal(done.device_ns, 3);
	assert_int_equal(done.energy_fj, 30);
	assert_int_equal(each[0].result, 100);
	assert_int_equal(each[1].status, -EIO);
	assert_int_equal(each[2].status, 5);
	assert_ptr_equal(idle[0], &r);
	assert_int_equal(results[0].done, 0);
}

#define CACHE(f) cmocka_unit_test_setup_teardown(f, new_cache, end_cache)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_flags),
		cmocka_unit_test(test_older_kernels),
		cmocka_unit_test(test_open_to_all),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_try),
		cmocka_unit_test(test_thread_numbers),
		CACHE(test_second_use),
		CACHE(test_kinds),
		CACHE(test_no_operands),
		CACHE(test_huge_buffer),
		CACHE(test_runs_in_flight),
		CACHE(test_refusal),
		CACHE(test_forget),
		CACHE(test_forget_regions),
		CACHE(test_eviction),
		cmocka_unit_test(test_sequence_results),
	};

	return cmocka_run_group_tests_name("accel_uring", tests, NULL, NULL);
}
