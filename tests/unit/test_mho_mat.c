// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Matrices and the synchronous calls: shapes from 1x1 to many tiles against float64,
 * scale, batches beyond the device's limit, names, a full card, bad arguments.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mho_fixture.h"

static int setup(void **state)
{
	*state = fixture_open("emu:?tech=ideal", MHO_IO_AUTO);
	return 0;
}

static int setup_small(void **state)
{
	*state = fixture_open(FIXTURE_URI, MHO_IO_AUTO);
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

static float *new_floats(size_t n, uint32_t seed)
{
	float *v = calloc(n, sizeof(*v));

	assert_non_null(v);
	fill_random(v, n, seed);
	return v;
}

static void check_shape(struct mho_dev *dev, uint32_t rows, uint32_t cols, uint32_t batch)
{
	size_t cells = (size_t)rows * cols;
	float *w = new_floats(cells, rows), *x = new_floats((size_t)batch * cols, 2);
	float *d = new_floats((size_t)batch * rows, 3),
	      *y = calloc((size_t)batch * rows, sizeof(*y));
	float *back = calloc(cells, sizeof(*back)), *z = calloc((size_t)batch * cols, sizeof(*z));
	struct mho_mat *mat = new_mat(dev, rows, cols);

	assert_int_equal(mho_mat_rows(mat), rows);
	assert_int_equal(mho_mat_cols(mat), cols);
	assert_true(mho_mat_scale(mat) == 1.0f);
	assert_int_equal(mho_program(mat, w, cols, 0.0f), 0);
	assert_int_equal(mho_read(mat, back, cols), 0);
	/* An ideal cell takes any weight, so what is read is what was written. */
	assert_memory_equal(back, w, cells * sizeof(*w));
	assert_int_equal(mho_mvm(mat, x, y, batch), 0);
	check_product(w, x, y, rows, cols, batch, 0);
	assert_int_equal(mho_mvm_t(mat, d, z, batch), 0);
	check_product(w, d, z, rows, cols, batch, 1);
	mho_mat_free(mat);
	free(w);
	free(x);
	free(d);
	free(y);
	free(z);
	free(back);
}

static void test_shapes(void **state)
{
	static const uint32_t shapes[][2] = { { 1, 1 },	    { 1, 300 },	  { 300, 1 },  { 3, 4 },
					      { 256, 256 }, { 257, 255 }, { 300, 700 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		check_shape(f->dev, shapes[i][0], shapes[i][1], 3);
	check_shape(f->dev, 5, 7, 100);
}

/* Batches of more vectors than a job may have (256 on this card). */
static void test_large_batch(void **state)
{
	struct fixture *f = *state;

	check_shape(f->dev, 5, 16, 1000);
}

static void test_blocks(void **state)
{
	struct fixture *f = *state;
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	struct mho_mat_block blocks[6];
	uint64_t cells = 0;
	struct mho_mat *mat;

	desc.rows = 300;
	desc.cols = 700;
	assert_int_equal(mho_mat_alloc(f->dev, &desc, &mat), 0);
	assert_int_equal(mho_mat_blocks(mat, NULL, 0), 6);
	assert_int_equal(mho_mat_blocks(mat, NULL, 1), -EINVAL);
	assert_int_equal(mho_mat_blocks(mat, blocks, 6), 6);
	for (int i = 0; i < 6; i++)
		cells += (uint64_t)blocks[i].rows * blocks[i].cols;
	assert_int_equal(cells, 300 * 700);
	assert_int_equal(blocks[5].row + blocks[5].rows, 300);
	assert_int_equal(blocks[5].col + blocks[5].cols, 700);
	mho_mat_free(mat);
	desc.rows = 100;
	desc.cols = 100;
	desc.block_rows = 50;
	desc.flags = MHO_MAT_COMPACT;
	assert_int_equal(mho_mat_alloc(f->dev, &desc, &mat), 0);
	assert_int_equal(mho_mat_blocks(mat, blocks, 2), 2);
	assert_int_equal(blocks[1].row, 50);
	assert_int_equal(blocks[1].tile, blocks[0].tile + 1);
}

/* A matrix of scale 8 holds weights up to 8 in cells up to 1; a power of two: nothing rounds. */
static void test_scale(void **state)
{
	const float w[4] = { 8.0f, -4.0f, 0.5f, 7.0f }, x[2] = { 1.0f, 0.25f },
		    d[2] = { 0.5f, -1.0f };
	struct mho_mat_desc desc = { .size = sizeof(desc), .rows = 2, .cols = 2, .scale = 8.0f };
	struct fixture *f = *state;
	float y[2], back[4], after[4];
	struct mho_mat *mat;

	assert_int_equal(mho_mat_alloc(f->dev, &desc, &mat), 0);
	assert_true(mho_mat_scale(mat) == 8.0f);
	assert_int_equal(mho_program(mat, w, 2, 0.0f), 0);
	assert_int_equal(mho_read(mat, back, 2), 0);
	assert_memory_equal(back, w, sizeof(w));
	assert_int_equal(mho_mvm(mat, x, y, 1), 0);
	check_product(w, x, y, 2, 2, 1, 0);
	/* W -= lr d x^T, in the program's units */
	assert_int_equal(mho_update(mat, x, d, 0.5f, 1), 0);
	assert_int_equal(mho_read(mat, after, 2), 0);
	for (int i = 0; i < 4; i++)
		assert_true(after[i] == w[i] - 0.5f * d[i / 2] * x[i % 2] ||
			    after[i] == 8.0f /* the cell's bound */);
	/* 9 is beyond what a cell of this scale holds: clipped, and counted. */
	back[0] = 9.0f;
	assert_int_equal(mho_program(mat, back, 2, 0.0f), 1);
}

static void test_leading_dimension(void **state)
{
	const float w[2][5] = { { 0.1f, 0.2f, 9.0f, 9.0f, 9.0f },
				{ 0.3f, 0.4f, 9.0f, 9.0f, 9.0f } };
	struct fixture *f = *state;
	struct mho_mat *mat = new_mat(f->dev, 2, 2);
	float back[2][3] = { { 5.0f, 5.0f, 5.0f }, { 5.0f, 5.0f, 5.0f } };

	assert_int_equal(mho_program(mat, &w[0][0], 5, 0.0f), 0);
	assert_int_equal(mho_read(mat, &back[0][0], 3), 0);
	assert_true(back[0][1] == 0.2f && back[1][0] == 0.3f);
	assert_true(back[0][2] == 5.0f && back[1][2] == 5.0f);
}

static void test_batch_update(void **state)
{
	enum {
		ROWS = 4,
		COLS = 3,
		BATCH = 600
	};
	struct fixture *f = *state;
	struct mho_mat *mat = new_mat(f->dev, ROWS, COLS);
	float *x = new_floats(BATCH * COLS, 1), *d = new_floats(BATCH * ROWS, 2), w[ROWS * COLS];

	assert_int_equal(mho_update(mat, x, d, 0.001f, BATCH), 0);
	assert_int_equal(mho_read(mat, w, COLS), 0);
	for (int r = 0; r < ROWS; r++) {
		for (int c = 0; c < COLS; c++) {
			double sum = 0.0, size = 0.0;

			for (int k = 0; k < BATCH; k++) {
				double p =
					0.001 * (double)d[k * ROWS + r] * (double)x[k * COLS + c];

				sum -= p;
				size += fabs(p);
			}
			/* As check_product(): a sum of BATCH products, each rounded twice more. */
			assert_true(fabs((double)w[r * COLS + c] - sum) <=
				    4.0 * BATCH * 0x1p-24 * size);
		}
	}
	assert_int_equal(mho_update(mat, x, d, 0.001f, 0), 0);
	free(x);
	free(d);
}

static void test_bad_values(void **state)
{
	struct fixture *f = *state;
	struct mho_mat *mat = new_mat(f->dev, 2, 3);
	float w[6] = { 0.1f, 0.2f, 0.3f, 0.4f, NAN, 0.6f }, good[6] = { 0.5f }, x[6] = { 0 }, y[4];
	float back[6];

	assert_int_equal(mho_program(mat, good, 3, 0.0f), 0);
	assert_int_equal(mho_program(mat, w, 3, 0.0f), -EINVAL);
	expect_error("w holds nan in row 1, column 1");
	x[4] = -INFINITY;
	assert_int_equal(mho_mvm(mat, x, y, 2), -EINVAL);
	expect_error("x holds -inf in vector 1, element 1");
	assert_int_equal(mho_mvm_t(mat, x, y, 3), -EINVAL);
	expect_error("d holds -inf in vector 2, element 0");
	assert_int_equal(mho_update(mat, x, y, 0.1f, 2), -EINVAL);
	expect_error("x holds -inf");
	assert_int_equal(mho_update(mat, good, good, -0.1f, 1), -EINVAL);
	expect_error("lr is -0.1");
	assert_int_equal(mho_update(mat, good, good, NAN, 1), -EINVAL);
	assert_int_equal(mho_program(mat, good, 2, 0.0f), -EINVAL);
	expect_error("ld is 2, but a row has 3");
	assert_int_equal(mho_program(mat, good, 3, -1.0f), -EINVAL);
	expect_error("tolerance is -1");
	assert_int_equal(mho_program(mat, NULL, 3, 0.0f), -EINVAL);
	assert_int_equal(mho_read(mat, NULL, 3), -EINVAL);
	assert_int_equal(mho_mvm(mat, NULL, y, 1), -EINVAL);
	assert_int_equal(mho_mvm(mat, good, NULL, 1), -EINVAL);
	assert_int_equal(mho_mvm(NULL, good, y, 1), -EINVAL);
	/* Nothing of all that touched the weights. */
	assert_int_equal(mho_read(mat, back, 3), 0);
	assert_memory_equal(back, good, sizeof(good));
}

static void expect_refused(struct mho_dev *dev, const struct mho_mat_desc *desc, int err,
			   const char *text)
{
	struct mho_mat *mat;

	assert_int_equal(mho_mat_alloc(dev, desc, &mat), err);
	expect_error(text);
}

static void test_bad_desc(void **state)
{
	const struct mho_mat_desc good = { .size = sizeof(good), .rows = 2, .cols = 2 };
	struct fixture *f = *state;
	struct mho_mat_desc d = good;
	struct mho_mat *mat;

	d.rows = 0;
	expect_refused(f->dev, &d, -EINVAL, "a matrix of 0 x 2 (rows x cols) is wanted");
	d = good;
	d.cols = 65537;
	expect_refused(f->dev, &d, -EINVAL, "1 to 65536");
	d = good;
	d.scale = -1.0f;
	expect_refused(f->dev, &d, -EINVAL, "scale is -1");
	d.scale = INFINITY;
	expect_refused(f->dev, &d, -EINVAL, "scale is inf");
	d = good;
	d.technology = 1000;
	expect_refused(f->dev, &d, -EINVAL, "technology is 1000");
	d = good;
	d.flags = 2;
	expect_refused(f->dev, &d, -EINVAL, "MHO_MAT_COMPACT");
	d = good;
	d.reserved[2] = 1;
	expect_refused(f->dev, &d, -EINVAL, "reserved");
	d = good;
	d.name = "";
	expect_refused(f->dev, &d, -EINVAL, "1 to 31");
	d.name = "a name of thirty-two bytes, which";
	expect_refused(f->dev, &d, -EINVAL, "1 to 31");
	d = good;
	d.size = 0;
	expect_refused(f->dev, &d, -EINVAL, "MHO_INIT(struct mho_mat_desc)");
	assert_int_equal(mho_mat_alloc(f->dev, NULL, &mat), -EINVAL);
	assert_int_equal(mho_mat_alloc(f->dev, &good, NULL), -EINVAL);
	assert_int_equal(mho_mat_alloc(NULL, &good, &mat), -EINVAL);
}

/* 4 tiles of 16x16, 8 arrays. */
static void test_full_card(void **state)
{
	struct fixture *f = *state;
	struct mho_mat_desc d = { .size = sizeof(d), .rows = 48, .cols = 48 };
	struct mho_mat *mats[4];

	expect_refused(f->dev, &d, -ENOSPC,
		       "a matrix of 48 x 48 needs 9 tiles of at most 16x16, 4 are free: free a "
		       "matrix, or use a larger topology");
	for (int i = 0; i < 4; i++)
		mats[i] = new_mat(f->dev, 16, 16);
	d.rows = 1;
	d.cols = 1;
	expect_refused(f->dev, &d, -ENOSPC, "needs 1 tile of at most 16x16, 0 are free");
	mho_mat_free(mats[2]);
	mats[2] = new_mat(f->dev, 1, 1);
	for (int i = 0; i < 4; i++)
		mho_mat_free(mats[i]);
	/* All four have come back. */
	new_mat(f->dev, 32, 32);
}

static void test_names(void **state)
{
	const float w[4] = { 4.0f, -2.0f, 1.0f, 0.5f };
	struct mho_mat_desc d = {
		.size = sizeof(d), .rows = 2, .cols = 2, .scale = 4.0f, .name = "a"
	};
	struct fixture *f = *state;
	struct mho_mat *mat, *again;
	float back[4];

	assert_int_equal(mho_mat_find(f->dev, "a", &mat), -ENOENT);
	expect_error("no matrix \"a\"");
	assert_int_equal(mho_mat_alloc(f->dev, &d, &mat), 0);
	assert_int_equal(mho_mat_alloc(f->dev, &d, &again), -EEXIST);
	expect_error("a matrix \"a\" is on this card already");
	assert_int_equal(mho_mat_find(f->dev, "a", &again), -EBUSY);
	expect_error("in use");
	assert_int_equal(mho_program(mat, w, 2, 0.0f), 0);
	mho_mat_free(mat);
	assert_int_equal(mho_mat_find(f->dev, "a", &mat), 0);
	assert_int_equal(mho_mat_rows(mat), 2);
	assert_true(mho_mat_scale(mat) == 4.0f);
	assert_int_equal(mho_read(mat, back, 2), 0);
	assert_memory_equal(back, w, sizeof(w));
	mho_mat_delete(mat);
	assert_int_equal(mho_mat_find(f->dev, "a", &mat), -ENOENT);
	assert_int_equal(mho_mat_find(f->dev, NULL, &mat), -EINVAL);
	assert_int_equal(mho_mat_find(f->dev, "", &mat), -EINVAL);
	assert_int_equal(mho_mat_find(f->dev, "a", NULL), -EINVAL);
}

/* Device time of one update on @uri that asks for exactly five steps at every cell. */
static uint64_t update_time(const char *uri)
{
	const float ones[4] = { 1.0f, 1.0f, 1.0f, 1.0f };
	struct fixture *f = fixture_open(uri, MHO_IO_AUTO);
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);
	struct mho_mat *mat;
	uint64_t before;

	assert_non_null(f);
	mat = new_mat(f->dev, 4, 4);
	/* The clock shows the longest of all queues: let this one be ahead of the admin queue. */
	assert_int_equal(mho_update(mat, ones, ones, 0.01f, 1), 0);
	assert_int_equal(mho_telemetry_get(f->dev, &t), 0);
	before = t.time_ns;
	assert_int_equal(mho_update(mat, ones, ones, 0.01f, 1), 0);
	assert_int_equal(mho_telemetry_get(f->dev, &t), 0);
	fixture_close(f);
	return t.time_ns - before;
}

/* One law, other voltage and width: the same trains, a million times as long. */
static void test_generations(void **state)
{
	uint64_t ns = update_time("emu:small?tech=protonic-ns");

	(void)state;
	assert_int_equal(ns, 5 * 5);
	assert_int_equal(update_time("emu:small?tech=protonic-2020"), ns * 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generations),
		cmocka_unit_test_setup_teardown(test_shapes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_batch, setup_small, teardown),
		cmocka_unit_test_setup_teardown(test_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scale, setup_small, teardown),
		cmocka_unit_test_setup_teardown(test_leading_dimension, setup_small, teardown),
		cmocka_unit_test_setup_teardown(test_batch_update, setup_small, teardown),
		cmocka_unit_test_setup_teardown(test_bad_values, setup_small, teardown),
		cmocka_unit_test_setup_teardown(test_bad_desc, setup_small, teardown),
		cmocka_unit_test_setup_teardown(test_full_card, setup_small, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup_small, teardown),
	};

	return cmocka_run_group_tests_name("mho_mat", tests, NULL, NULL);
}
