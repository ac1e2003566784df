// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Readers of samples: good files, plain and compressed, and what they say about bad ones;
 * shuffling, dividing, scaling.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "mho/nn.h"
#include "scratch.h"

static char dir[256];

static int set_up(void **state)
{
	(void)state;
	return scratch_dir(dir, sizeof(dir), "nn-data");
}

static int tear_down(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static const char *path_of(const char *name)
{
	static char path[4][400];
	static int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", dir, name);
	return path[next];
}

static const char *write_file(const char *name, const void *bytes, size_t len)
{
	const char *path = path_of(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

static const char *write_text(const char *name, const char *text)
{
	return write_file(name, text, strlen(text));
}

static const char *write_gz(const char *name, const void *bytes, size_t len)
{
	const char *path = path_of(name);
	gzFile f = gzopen(path, "w");

	assert_non_null(f);
	assert_int_equal(gzwrite(f, bytes, (unsigned)len), len);
	assert_int_equal(gzclose(f), Z_OK);
	return path;
}

/* Must fail with @err and a text that holds @path and @says. */
static void refuse_flags(const char *path, const char *labels, uint32_t flags, int err,
			 const char *says)
{
	struct mho_nn_data *data = NULL;

	assert_int_equal(mho_nn_data_open(path, labels, flags, &data), err);
	assert_null(data);
	if (!strstr(mho_nn_last_error(), says))
		fail_msg("\"%s\" does not say \"%s\"", mho_nn_last_error(), says);
}

static void refuse(const char *path, int err, const char *says)
{
	refuse_flags(path, NULL, 0, err, says);
	assert_non_null(strstr(mho_nn_last_error(), path));
}

static struct mho_nn_data *open_data(const char *path, const char *labels, uint32_t flags,
				     struct mho_nn_data_info *info)
{
	struct mho_nn_data *data = NULL;
	int err = mho_nn_data_open(path, labels, flags, &data);

	if (err)
		fail_msg("%s", mho_nn_last_error());
	info->size = sizeof(*info);
	assert_int_equal(mho_nn_data_info_get(data, info), 0);
	return data;
}

static void csv_good(void **state)
{
	static const char text[] = "a,b,label\r\n1, 2.5 ,0\r\n\r\n-3e1,4,2\r\n5,6,1";
	struct mho_nn_data_info info;
	struct mho_nn_data *data;
	float v[2];

	(void)state;
	for (int gz = 0; gz < 2; gz++) {
		const char *path = gz ? write_gz("good.csv.gz", text, strlen(text)) :
					write_text("good.csv", text);

		data = open_data(path, NULL, 0, &info);
		assert_int_equal(info.count, 3);
		assert_int_equal(info.inputs, 2);
		assert_int_equal(info.classes, 3);
		assert_int_equal(info.labelled, 3);
		assert_int_equal(info.width, 0);
		assert_int_equal(mho_nn_data_get(data, 1, v), 2);
		assert_true(v[0] == -30.0f && v[1] == 4.0f);
		assert_int_equal(mho_nn_data_get(data, 3, v), -EINVAL);
		mho_nn_data_free(data);
	}
}

/* As spreadsheets save it. */
static void csv_byte_order_mark(void **state)
{
	static const char *const texts[] = { "\xef\xbb\xbf"
					     "1,2,0\r\n3,4,1\r\n",
					     "\xef\xbb\xbf"
					     "a,b,label\n1,2,0\n3,4,1\n" };
	struct mho_nn_data_info info;
	float v[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct mho_nn_data *data =
			open_data(write_text("bom.csv", texts[i]), NULL, 0, &info);

		assert_int_equal(info.count, 2);
		assert_int_equal(mho_nn_data_get(data, 0, v), 0);
		assert_true(v[0] == 1.0f && v[1] == 2.0f);
		mho_nn_data_free(data);
	}
	refuse(write_text("bom2.csv", "1,2,0\n\xef\xbb\xbf"
				      "1,2,0\n"),
	       -EBADMSG, "line 2, column 1");
}

static void csv_unlabelled(void **state)
{
	const char *path = write_text("values.csv", "1,2,3,4.5\n5,6,7,8.5\n");
	struct mho_nn_data_info info;
	struct mho_nn_data *data = open_data(path, NULL, MHO_NN_DATA_UNLABELLED, &info);

	(void)state;
	assert_int_equal(info.inputs, 4);
	assert_int_equal(info.width, 2);
	assert_int_equal(info.labelled, 0);
	assert_int_equal(info.classes, 0);
	assert_int_equal(mho_nn_data_get(data, 0, NULL), -1);
	mho_nn_data_free(data);
	refuse(path, -EBADMSG, "line 1, column 4: \"4.5\" is not a label");
}

static void csv_bad(void **state)
{
	static const char nul[] = "1,2,0\n3,\0,4,1\n", tail[] = "1,2,0\n\0\0\0";

	(void)state;
	refuse(write_text("empty.csv", ""), -EBADMSG, "empty");
	refuse(write_text("blank.csv", "\n\n"), -EBADMSG, "no sample");
	refuse(write_text("head.csv", "a,b,c\n"), -EBADMSG, "no sample");
	refuse(write_text("ragged.csv", "1,2,0\n1,0\n"), -EBADMSG, "line 2 has 2 columns");
	refuse(write_text("word.csv", "1,2,0\n1,x2,1\n"), -EBADMSG,
	       "line 2, column 2: \"x2\" is not a number");
	refuse(write_text("first.csv", "1,x,0\n1,2,1\n"), -EBADMSG, "line 1, column 2");
	refuse(write_text("nan.csv", "1,2,0\nnan,2,1\n"), -EBADMSG, "line 2, column 1");
	refuse(write_text("hole.csv", "1,2,0\n1,,1\n"), -EBADMSG, "line 2, column 2");
	refuse(write_text("label.csv", "1,2,0\n1,2,-1\n"), -EBADMSG, "line 2, column 3");
	refuse(write_text("label2.csv", "1,2,65536\n"), -EBADMSG, "65535");
	refuse(write_text("label3.csv", "1,2,0.5\n"), -EBADMSG, "whole number");
	refuse(write_text("one.csv", "1\n2\n"), -EBADMSG, "1 column");
	refuse(write_text("spaces.csv", "1 2 3\n"), -EBADMSG, "separated by commas");
	refuse(write_text("binary", "\x7f"
				    "ELF\x02\x01,\n"),
	       -EBADMSG, "neither a CSV");
	refuse(write_file("nul.csv", nul, sizeof(nul) - 1), -EBADMSG, "zero byte");
	refuse(write_file("tail.csv", tail, sizeof(tail) - 1), -EBADMSG, "zero byte");
	refuse_flags(write_text("good.csv", "1,2,0\n"), "labels", 0, -EINVAL, "last column");
	refuse_flags(write_text("good.csv", "1,2,0\n"), NULL, 8, -EINVAL, "flags");
}

static void no_such_file(void **state)
{
	(void)state;
	refuse(path_of("nothing.csv"), -ENOENT, "no such file");
	refuse_flags(NULL, NULL, 0, -EINVAL, "no file");
}

static void no_permission(void **state)
{
	const char *path = write_text("secret.csv", "1,2,0\n");
	bool root = !geteuid();

	(void)state;
	assert_int_equal(chmod(path, 0), 0);
	/* Root may read everything: be nobody for a moment. */
	if (root)
		assert_int_equal(seteuid(65534), 0);
	refuse(path, -EACCES, "permission");
	if (root)
		assert_int_equal(seteuid(0), 0);
}

static void gzip_bad(void **state)
{
	char text[5000], bytes[5000];
	size_t len;
	FILE *f;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 6 == 5 ? '\n' : i % 2 ? ',' : (char)('0' + rand() % 10);
	f = fopen(write_gz("whole.gz", text, sizeof(text)), "r");
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	refuse(write_file("short.gz", bytes, len / 2), -EBADMSG, "cut off");
	refuse(write_file("shorter.gz", bytes, len - 3), -EBADMSG, "cut off");
	bytes[len - 6] ^= 1;
	refuse(write_file("bad.gz", bytes, len), -EBADMSG, "damaged");
}

/* 3 images of 2 x 2 */
static const uint8_t images[] = { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0,   2,	 0, 0,
				  0, 2, 0, 1, 2, 3, 4, 5, 6, 7, 255, 10, 9, 8 };
static const uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9 };

static void idx_good(void **state)
{
	struct mho_nn_data_info info;
	struct mho_nn_data *data;
	float v[4];

	(void)state;
	data = open_data(write_file("images", images, sizeof(images)),
			 write_gz("labels.gz", labels, sizeof(labels)), 0, &info);
	assert_int_equal(info.count, 3);
	assert_int_equal(info.inputs, 4);
	assert_int_equal(info.classes, 10);
	assert_int_equal(info.width, 2);
	assert_int_equal(info.height, 2);
	assert_int_equal(mho_nn_data_get(data, 2, v), 9);
	assert_true(v[0] == 255.0f && v[3] == 8.0f);
	mho_nn_data_free(data);

	data = open_data(write_gz("images.gz", images, sizeof(images)), NULL, 0, &info);
	assert_int_equal(info.labelled, 0);
	assert_int_equal(mho_nn_data_get(data, 0, v), -1);
	mho_nn_data_free(data);
}

static void idx_directory(void **state)
{
	struct mho_nn_data_info info;
	struct mho_nn_data *data;

	(void)state;
	refuse(dir, -ENOENT, "train-images-idx3-ubyte");
	write_gz("train-images-idx3-ubyte.gz", images, sizeof(images));
	refuse(dir, -ENOENT, "train-labels-idx1-ubyte");
	write_file("train-labels-idx1-ubyte", labels, sizeof(labels));
	data = open_data(dir, NULL, 0, &info);
	assert_int_equal(info.labelled, 3);
	mho_nn_data_free(data);
}

static void idx_bad(void **state)
{
	uint8_t b[64];
	const char *good;

	(void)state;
	refuse(write_file("cut", images, sizeof(images) - 1), -EBADMSG, "promises 28 bytes");
	refuse(write_file("head", images, 9), -EBADMSG, "ends in its heading, at byte 9");
	memcpy(b, images, sizeof(images));
	b[sizeof(images)] = 0;
	refuse(write_file("long", b, sizeof(images) + 1), -EBADMSG, "goes on after");
	b[2] = 0x0d;
	refuse(write_file("float", b, sizeof(images)), -EBADMSG, "element type 0x0d");
	b[2] = 8;
	b[3] = 9;
	refuse(write_file("dims", b, sizeof(images)), -EBADMSG, "9 dimensions");
	b[3] = 3;
	memset(b + 4, 0xff, 12);
	refuse(write_file("absurd", b, sizeof(images)), -EBADMSG, "absurd");
	memset(b + 4, 0, 12);
	refuse(write_file("none", b, sizeof(images)), -EBADMSG, "empty or absurd");
	/* A heading that promises gigabytes is found out without having them. */
	memcpy(b, images, sizeof(images));
	b[4] = 0x30;
	refuse(write_file("big", b, sizeof(images)), -EBADMSG, "cut off");
	refuse(write_file("swapped", labels, sizeof(labels)), -EBADMSG, "swapped");
	good = write_file("images", images, sizeof(images));
	refuse_flags(good, good, 0, -EBADMSG, "swapped");
	memcpy(b, labels, sizeof(labels));
	b[7] = 2;
	refuse_flags(good, write_file("two", b, sizeof(labels) - 1), 0, -EBADMSG, "holds 2 labels");
	refuse_flags(good, write_file("fewer", labels, sizeof(labels) - 1), 0, -EBADMSG, "cut off");
	refuse_flags(good, write_text("text", "0,1,2\n"), 0, -EBADMSG, "not an idx file");
	refuse_flags(good, path_of("missing"), 0, -ENOENT, "no such file");
}

static void from_memory(void **state)
{
	const float values[] = { 1, 2, 3, 4, 5, INFINITY };
	const int32_t bad_labels[] = { 0, -2 };
	struct mho_nn_data *data;

	(void)state;
	assert_int_equal(mho_nn_data_create(values, NULL, 2, 2, &data), 0);
	mho_nn_data_free(data);
	assert_int_equal(mho_nn_data_create(values, NULL, 3, 2, &data), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "value 1 of sample 2"));
	assert_int_equal(mho_nn_data_create(values, bad_labels, 2, 2, &data), -EINVAL);
	assert_int_equal(mho_nn_data_create(values, NULL, 0, 2, &data), -EINVAL);
	assert_int_equal(mho_nn_data_create(values, NULL, 2, 0, &data), -EINVAL);
	mho_nn_data_free(NULL);
}

static void shuffle_and_split(void **state)
{
	float values[20];
	int32_t classes[20];
	struct mho_nn_data *data, *part;
	struct mho_nn_data_info info = MHO_INIT(struct mho_nn_data_info);
	uint32_t seen = 0;
	float v;

	(void)state;
	for (int i = 0; i < 20; i++) {
		values[i] = (float)i;
		classes[i] = i / 2;
	}
	assert_int_equal(mho_nn_data_create(values, classes, 20, 1, &data), 0);
	mho_nn_data_shuffle(data, 3);
	assert_int_equal(mho_nn_data_split(data, 0, &part), -EINVAL);
	assert_int_equal(mho_nn_data_split(data, 20, &part), -EINVAL);
	assert_int_equal(mho_nn_data_split(data, 5, &part), 0);
	mho_nn_data_info_get(data, &info);
	assert_int_equal(info.count, 15);
	for (uint32_t i = 0; i < 20; i++) {
		const struct mho_nn_data *from = i < 15 ? data : part;
		uint32_t at = i < 15 ? i : i - 15, index = mho_nn_data_index(from, at);

		assert_int_equal(mho_nn_data_get(from, at, &v), classes[index]);
		assert_true(v == values[index]);
		seen |= 1U << index;
	}
	assert_int_equal(seen, (1U << 20) - 1);
	/* The part outlives what it was taken from. */
	mho_nn_data_free(data);
	assert_true(mho_nn_data_get(part, 4, &v) >= 0);
	mho_nn_data_free(part);
}

static void scaling(void **state)
{
	const float values[] = { 0, 1, 10, 1, -20, 1, 30, 1 };
	struct mho_nn_data *data, *other, *narrow;
	float v[2], sum = 0.0f, square = 0.0f;

	(void)state;
	assert_int_equal(mho_nn_data_create(values, NULL, 4, 2, &data), 0);
	assert_int_equal(mho_nn_data_create(values, NULL, 4, 2, &other), 0);
	assert_int_equal(mho_nn_data_create(values, NULL, 8, 1, &narrow), 0);
	assert_int_equal(mho_nn_data_scale(data, MHO_NN_SCALE_MAX), 0);
	mho_nn_data_get(data, 3, v);
	assert_true(fabsf(v[0] - 1.0f) < 1e-6f && fabsf(v[1] - 1.0f / 30.0f) < 1e-6f);
	assert_int_equal(mho_nn_data_scale(data, MHO_NN_SCALE_COLUMN), 0);
	assert_int_equal(mho_nn_data_scale_like(other, data), 0);
	for (uint32_t i = 0; i < 4; i++) {
		mho_nn_data_get(other, i, v);
		sum += v[0];
		square += v[0] * v[0];
		assert_true(v[1] == 0.0f); /* a constant */
	}
	assert_true(fabsf(sum) < 1e-5f && fabsf(square - 4.0f) < 1e-4f);
	assert_int_equal(mho_nn_data_scale(data, 9), -EINVAL);
	assert_int_equal(mho_nn_data_scale_like(narrow, data), -EINVAL);
	mho_nn_data_free(data);
	mho_nn_data_free(other);
	mho_nn_data_free(narrow);
}

/* Values near both ends of binary32 stay numbers. */
static void scaling_of_extremes(void **state)
{
	const float values[] = { 1e-42f, 3e38f, 3e-42f, -3e38f, 2e-42f, 3e38f, 0.0f, 3e38f };
	struct mho_nn_data *data;
	float v[2];

	(void)state;
	assert_int_equal(mho_nn_data_create(values, NULL, 4, 2, &data), 0);
	for (uint32_t kind = MHO_NN_SCALE_MAX; kind <= MHO_NN_SCALE_COLUMN; kind++) {
		assert_int_equal(mho_nn_data_scale(data, kind), 0);
		for (uint32_t i = 0; i < 4; i++) {
			mho_nn_data_get(data, i, v);
			assert_true(fabsf(v[0]) < 2.0f && fabsf(v[1]) < 2.0f);
		}
	}
	mho_nn_data_free(data);
}

/* The real thing, where the caller has it: MHO_MNIST names the directory. */
static void mnist(void **state)
{
	const char *path = getenv("MHO_MNIST");
	struct mho_nn_data_info info;
	struct mho_nn_data *data;

	(void)state;
	if (!path) {
		print_message("skipped: MHO_MNIST does not name a directory of MNIST files\n");
		skip();
	}
	data = open_data(path, NULL, 0, &info);
	assert_int_equal(info.count, 60000);
	assert_int_equal(info.inputs, 784);
	assert_int_equal(info.classes, 10);
	assert_int_equal(info.labelled, 60000);
	mho_nn_data_free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(csv_good, set_up, tear_down),
		cmocka_unit_test_setup_teardown(csv_byte_order_mark, set_up, tear_down),
		cmocka_unit_test_setup_teardown(csv_unlabelled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(csv_bad, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_such_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_permission, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip_bad, set_up, tear_down),
		cmocka_unit_test_setup_teardown(idx_good, set_up, tear_down),
		cmocka_unit_test_setup_teardown(idx_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(idx_bad, set_up, tear_down),
		cmocka_unit_test(from_memory),
		cmocka_unit_test(shuffle_and_split),
		cmocka_unit_test(scaling),
		cmocka_unit_test(scaling_of_extremes),
		cmocka_unit_test(mnist),
	};

	return cmocka_run_group_tests_name("nn data", tests, NULL, NULL);
}
