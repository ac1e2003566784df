// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Bus addresses of the in-process device: what was not given out, or was taken
 * back, reaches nothing.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "backend/emu_dma.h"
#include "mho_fixture.h"

static struct emub_dma dma;

static int setup(void **state)
{
	(void)state;
	return emub_dma_init(&dma);
}

static int teardown(void **state)
{
	(void)state;
	emub_dma_exit(&dma);
	return 0;
}

static void *reach(uint64_t addr, size_t len, bool write, size_t *got)
{
	*got = len;
	return emub_dma_translate(&dma, addr, got, write);
}

static void test_inside(void **state)
{
	struct emub_region r;
	size_t got;

	(void)state;
	assert_int_equal(emub_region_alloc(&dma, 5000, true, &r), 0);
	assert_int_equal(r.size % 4096, 0);
	assert_true(r.bus % (1U << 30) == 0);
	assert_ptr_equal(reach(r.bus, 16, true, &got), r.ptr);
	assert_int_equal(got, 16);
	assert_ptr_equal(reach(r.bus + 100, r.size, false, &got), (char *)r.ptr + 100);
	assert_int_equal(got, r.size - 100);
	assert_ptr_equal(reach(r.bus + r.size - 1, 8, false, &got), (char *)r.ptr + r.size - 1);
	assert_int_equal(got, 1);
	emub_region_free(&dma, &r);
}

static void test_outside(void **state)
{
	struct emub_region r, again;
	uint64_t old;
	size_t got;

	(void)state;
	assert_null(reach(0, 1, false, &got));
	assert_null(reach((uintptr_t)&r, 1, false, &got));
	assert_null(reach(UINT64_MAX, 1, false, &got));
	assert_int_equal(emub_region_alloc(&dma, 4096, false, &r), 0);
	assert_null(reach(r.bus + 4096, 1, false, &got));
	assert_null(reach(r.bus - 1, 1, false, &got));
	assert_null(reach(r.bus, 1, true, &got));
	assert_null(reach(r.bus ^ (uint64_t)1 << 56, 1, false, &got));
	old = r.bus;
	emub_region_free(&dma, &r);
	assert_null(reach(old, 1, false, &got));
	/* The same slot again: another address. */
	assert_int_equal(emub_region_alloc(&dma, 4096, true, &again), 0);
	assert_true(again.bus != old);
	assert_null(reach(old, 1, false, &got));
	emub_region_free(&dma, &again);
	emub_region_free(&dma, &again);
}

static void test_exhausted(void **state)
{
	struct emub_region r;

	(void)state;
	assert_int_equal(emub_region_alloc(&dma, 0, true, &r), -ENOMEM);
	assert_int_equal(emub_region_alloc(&dma, SIZE_MAX, true, &r), -ENOMEM);
	assert_int_equal(emub_region_alloc(&dma, (size_t)1 << 40, true, &r), -ENOMEM);
	expect_error("no memory for a buffer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exhausted, setup, teardown),
	};

	return cmocka_run_group_tests_name("mho_dma", tests, NULL, NULL);
}
