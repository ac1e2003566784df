// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mho_firmware_get() and mho_firmware_check(): the running firmware, and images that
 * a device takes or refuses. What is checked in which order: test_image.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "core/blob.h"
#include "mho_fixture.h"
#include "mho_hw.h"

static const struct mho_blob *shipped(void)
{
	const struct mho_blob *blob = mho_blob_find("firmware/mho-1");

	assert_non_null(blob);
	return blob;
}

static void check(const void *image, size_t len, struct mho_firmware_image *result)
{
	memset(result, 0xaa, sizeof(*result));
	result->size = sizeof(*result);
	assert_int_equal(mho_firmware_check(image, len, result), 0);
}

static void test_running(void **state)
{
	struct fixture *f = fixture_open("emu:small", MHO_IO_THREAD);
	struct mho_firmware fw = MHO_INIT(struct mho_firmware);
	struct mho_info info = MHO_INIT(struct mho_info);
	struct mho_firmware_image image;

	(void)state;
	check(shipped()->data, shipped()->len, &image);
	assert_int_equal(mho_dev_info(f->dev, &info), 0);
	assert_string_equal(info.location, "");
	assert_int_equal(mho_firmware_get(f->dev, &fw), 0);
	assert_int_equal(fw.version, info.firmware);
	assert_string_equal(fw.name, info.firmware_name);
	assert_int_equal(fw.version, image.version);
	assert_int_equal(fw.interface, MHO_HW_VERSION);
	assert_int_equal(fw.build_time, image.build_time);
	assert_true(fw.build_time > 0);
	assert_memory_equal(fw.sha256, image.sha256, sizeof(fw.sha256));
	fw.size = 8;
	assert_int_equal(mho_firmware_get(f->dev, &fw), -EINVAL);
	expect_error("MHO_INIT(struct mho_firmware)");
	assert_int_equal(mho_firmware_get(NULL, &fw), -EINVAL);
	fixture_close(f);
}

static void test_good(void **state)
{
	struct mho_firmware_image image;

	(void)state;
	check(shipped()->data, shipped()->len, &image);
	assert_int_equal(image.status, 0);
	assert_string_equal(image.reason, "");
	assert_string_equal(image.name, "mho emulated card");
	assert_string_equal(image.compatible, MHO_HW_FW_COMPATIBLE);
	assert_int_equal(image.image_size, shipped()->len);
	for (int i = 0; i < MHO_FIRMWARE_PARTS; i++) {
		assert_int_equal(image.part_hash[i], MHO_HASH_GOOD);
		assert_in_range(image.part_size[i], 1, shipped()->len);
	}
}

static void test_damaged(void **state)
{
	char *copy = malloc(shipped()->len);
	struct mho_firmware_image image;
	int node, len;
	char *data;

	(void)state;
	assert_non_null(copy);
	memcpy(copy, shipped()->data, shipped()->len);
	node = fdt_path_offset(copy, "/images/calibration");
	data = fdt_getprop_w(copy, node, "data", &len);
	assert_non_null(data);
	data[len / 2] ^= 1;
	check(copy, shipped()->len, &image);
	assert_int_equal(image.status, MHO_HW_ST_FW_BAD_HASH);
	assert_int_equal(image.part_hash[MHO_FIRMWARE_CODE], MHO_HASH_GOOD);
	assert_int_equal(image.part_hash[MHO_FIRMWARE_CALIBRATION], MHO_HASH_BAD);
	assert_int_equal(image.part_hash[MHO_FIRMWARE_PULSES], MHO_HASH_UNKNOWN);
	assert_true(image.version != 0);
	assert_non_null(strstr(image.reason, "calibration"));

	assert_int_equal(fdt_nop_property(copy, fdt_path_offset(copy, "/images/calibration/hash-1"),
					  "value"),
			 0);
	check(copy, shipped()->len, &image);
	assert_int_equal(image.status, MHO_HW_ST_FW_NO_HASH);
	assert_int_equal(image.part_hash[MHO_FIRMWARE_CALIBRATION], MHO_HASH_MISSING);
	free(copy);
}

static void test_cut_off(void **state)
{
	struct mho_firmware_image image;

	(void)state;
	check(shipped()->data, shipped()->len / 2, &image);
	assert_int_equal(image.status, MHO_HW_ST_FW_TRUNCATED);
	assert_int_equal(image.version, 0);
	assert_int_equal(image.image_size, 0);
	check(NULL, 0, &image);
	assert_int_equal(image.status, MHO_HW_ST_FW_TRUNCATED);
	assert_non_null(strstr(image.reason, "0 bytes"));
}

static void test_bad_arguments(void **state)
{
	struct mho_firmware_image image = { 0 };

	(void)state;
	assert_int_equal(mho_firmware_check(NULL, 1, &image), -EINVAL);
	assert_int_equal(mho_firmware_check(shipped()->data, 1, &image), -EINVAL);
	expect_error("MHO_INIT(struct mho_firmware_image)");
	assert_int_equal(mho_firmware_check(shipped()->data, 1, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running),	      cmocka_unit_test(test_good),
		cmocka_unit_test(test_damaged),	      cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_bad_arguments),
	};

	return cmocka_run_group_tests_name("mho_firmware", tests, NULL, NULL);
}
