// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * State files as a program of libmho sees them: named matrices over power cycles, a
 * file that is in use, damaged, or another card's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mho_fixture.h"
#include "scratch.h"

static char path[256];
static char uri[320];

static int setup(void **state)
{
	(void)state;
	scratch_path(path, sizeof(path), "state");
	snprintf(uri, sizeof(uri), "emu:small?tech=ideal&state=%s", path);
	unlink(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static const float w[4] = { 0.5f, -0.25f, 1.0f, 0.125f };

/* A first life: a named matrix of scale 2 and an unnamed one. */
static void first_life(void)
{
	struct mho_mat_desc d = {
		.size = sizeof(d), .rows = 2, .cols = 2, .scale = 2.0f, .name = "m"
	};
	struct fixture *f = fixture_open(uri, MHO_IO_AUTO);
	struct mho_mat *mat;

	assert_int_equal(mho_mat_alloc(f->dev, &d, &mat), 0);
	assert_int_equal(mho_program(mat, w, 2, 0.0f), 0);
	assert_int_equal(mho_program(new_mat(f->dev, 16, 2), (float[32]){ 0.5f }, 2, 0.0f), 0);
	assert_int_equal(mho_sync(f->dev), 0);
	fixture_close(f);
}

static void test_found_again(void **state)
{
	struct mho_info info = MHO_INIT(struct mho_info);
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);
	struct mho_mat *mat;
	struct fixture *f;
	float back[4];

	(void)state;
	first_life();
	for (int life = 0; life < 2; life++) {
		f = fixture_open(uri, MHO_IO_AUTO);
		assert_int_equal(mho_dev_info(f->dev, &info), 0);
		assert_int_equal(info.restored, 1);
		/* The unnamed matrix went with its program. */
		assert_int_equal(mho_telemetry_get(f->dev, &t), 0);
		assert_int_equal(t.tiles_free, 3);
		assert_int_equal(mho_mat_find(f->dev, "m", &mat), 0);
		assert_true(mho_mat_scale(mat) == 2.0f);
		assert_int_equal(mho_read(mat, back, 2), 0);
		assert_memory_equal(back, w, sizeof(w));
		fixture_close(f);
	}
	f = fixture_open(uri, MHO_IO_AUTO);
	assert_int_equal(mho_mat_find(f->dev, "m", &mat), 0);
	mho_mat_delete(mat);
	fixture_close(f);
	f = fixture_open(uri, MHO_IO_AUTO);
	assert_int_equal(mho_mat_find(f->dev, "m", &mat), -ENOENT);
	fixture_close(f);
}

static void test_in_use(void **state)
{
	struct fixture *f = fixture_open(uri, MHO_IO_AUTO);
	struct mho_dev *dev;

	(void)state;
	assert_int_equal(mho_open(uri, NULL, &dev), -EBUSY);
	expect_error(path);
	fixture_close(f);
	assert_int_equal(mho_open(uri, NULL, &dev), 0);
	mho_close(dev);
}

static void test_other_card(void **state)
{
	struct mho_dev *dev;
	char other[400];

	(void)state;
	first_life();
	snprintf(other, sizeof(other), "%s&seed=2", uri);
	assert_int_equal(mho_open(other, NULL, &dev), -ESTALE);
	expect_error(path);
	snprintf(other, sizeof(other), "emu:default?tech=ideal&state=%s", path);
	assert_int_equal(mho_open(other, NULL, &dev), -ESTALE);
	snprintf(other, sizeof(other), "emu:small?state=%s", path);
	assert_int_equal(mho_open(other, NULL, &dev), -ESTALE);
	/* The right one still has all. */
	assert_int_equal(mho_open(uri, NULL, &dev), 0);
	mho_close(dev);
}

static void test_damaged(void **state)
{
	struct mho_dev *dev;
	FILE *f;
	long size;

	(void)state;
	first_life();
	f = fopen(path, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	assert_int_equal(fseek(f, size / 2, SEEK_SET), 0);
	assert_int_equal(fwrite("damage", 1, 6, f), 6);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(mho_open(uri, NULL, &dev), -EBADMSG);
	expect_error(path);
	assert_int_equal(truncate(path, size / 2), 0);
	assert_int_equal(mho_open(uri, NULL, &dev), -EBADMSG);
	expect_error(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_card, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};

	return cmocka_run_group_tests_name("mho_persist", tests, NULL, NULL);
}
