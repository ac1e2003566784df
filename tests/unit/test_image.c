// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Verification of firmware images: what the shipped image holds, and which status
 * each kind of damage gets. Images are the shipped one, edited with libfdt.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>
#include <openssl/evp.h>

#include "mho_hw.h"
#include "core/blob.h"
#include "emulator/image.h"
#include "emulator/topo.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ROOM 8192

static const char *const parts[] = { "/images/code", "/images/calibration", "/images/pulses" };

static const struct mho_blob *shipped(void)
{
	const struct mho_blob *blob = mho_blob_find("firmware/mho-1");

	assert_non_null(blob);
	return blob;
}

/* A copy of the shipped image with room for edits; to be freed. */
static void *editable(void)
{
	const struct mho_blob *blob = shipped();
	void *fit = calloc(1, blob->len + ROOM);

	assert_non_null(fit);
	assert_int_equal(fdt_open_into(blob->data, fit, (int)(blob->len + ROOM)), 0);
	return fit;
}

static int node(const void *fit, const char *path)
{
	int offset = fdt_path_offset(fit, path);

	if (offset < 0)
		fail_msg("no node %s in the image", path);
	return offset;
}

/* Makes the SHA-256 of a part right again. */
static void rehash(void *fit, const char *part)
{
	char path[64];
	uint8_t sha256[32];
	const void *data;
	int len;

	data = fdt_getprop(fit, node(fit, part), "data", &len);
	assert_non_null(data);
	assert_true(EVP_Digest(data, (size_t)len, sha256, NULL, EVP_sha256(), NULL));
	snprintf(path, sizeof(path), "%s/hash-1", part);
	assert_int_equal(fdt_setprop(fit, node(fit, path), "value", sha256, sizeof(sha256)), 0);
}

/* Verifies, frees @fit, and expects a refusal with a reason. */
static void expect(void *fit, enum mho_hw_status status, const char *words)
{
	struct mho_image image;
	enum mho_hw_status got = mho_image_verify(fit, fdt_totalsize(fit), &image);

	if (got != status)
		fail_msg("%s (%s) instead of %s", mho_hw_status_name(got), image.reason,
			 mho_hw_status_name(status));
	if (!strstr(image.reason, words))
		fail_msg("reason \"%s\" does not contain \"%s\"", image.reason, words);
	assert_true(image.offset < fdt_totalsize(fit));
	assert_null(image.tiles);
	assert_null(image.pulses);
	mho_image_release(&image);
	free(fit);
}

static void test_shipped(void **state)
{
	const struct mho_blob *blob = shipped();
	struct mho_image image;
	uint8_t sha256[32];
	const void *code;
	int len;

	(void)state;
	assert_int_equal(mho_image_verify(blob->data, blob->len, &image), MHO_HW_ST_OK);
	assert_int_equal(image.version, 0x01000000);
	assert_int_equal(image.interface, MHO_HW_VERSION);
	assert_true(image.build_time > 1600000000);
	assert_string_equal(image.name, "mho emulated card");
	assert_string_equal(image.reason, "");
	code = fdt_getprop(blob->data, node(blob->data, parts[0]), "data", &len);
	assert_true(EVP_Digest(code, (size_t)len, sha256, NULL, EVP_sha256(), NULL));
	assert_memory_equal(image.sha256, sha256, sizeof(sha256));
	assert_int_equal(mho_image_trim(&image, 5)->gain_ppm, 0);
	assert_non_null(mho_image_pulses(&image, "protonic-ns"));
	assert_int_equal(mho_image_pulses(&image, "protonic-ns")->train_length, 31);
	assert_null(mho_image_pulses(&image, "no-such-technology"));
	mho_image_release(&image);
}

/* Any address, and bytes behind the image. */
static void test_unaligned_and_padded(void **state)
{
	const struct mho_blob *blob = shipped();
	char *copy = calloc(1, blob->len + 100);
	struct mho_image image;

	(void)state;
	assert_non_null(copy);
	memcpy(copy + 3, blob->data, blob->len);
	memset(copy + 3 + blob->len, 0xa5, 97);
	assert_int_equal(mho_image_verify(copy + 3, blob->len + 97, &image), MHO_HW_ST_OK);
	mho_image_release(&image);
	free(copy);
}

static void test_truncated(void **state)
{
	const struct mho_blob *blob = shipped();
	struct mho_image image;

	(void)state;
	for (size_t len = 0; len < blob->len; len++) {
		/* A block of its own, so that a read behind the end is seen. */
		char *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, blob->data, len);
		assert_int_equal(mho_image_verify(copy, len, &image), MHO_HW_ST_FW_TRUNCATED);
		assert_non_null(strstr(image.reason, "cut off"));
		free(copy);
	}
}

static bool same_data(const void *fit)
{
	const struct mho_blob *blob = shipped();

	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		int offset = fdt_path_offset(fit, parts[i]);
		int len, expected_len;
		const void *data = offset < 0 ? NULL : fdt_getprop(fit, offset, "data", &len);
		const void *expected =
			fdt_getprop(blob->data, node(blob->data, parts[i]), "data", &expected_len);

		if (!data || len != expected_len || memcmp(data, expected, (size_t)len) != 0)
			return false;
	}
	return true;
}

/* The hashes cover the three parts. Whatever bit changes: not other parts are accepted. */
static void test_bit_flips(void **state)
{
	const struct mho_blob *blob = shipped();
	uint8_t *copy = malloc(blob->len);
	unsigned int refused = 0, bad_hash = 0;

	(void)state;
	assert_non_null(copy);
	memcpy(copy, blob->data, blob->len);
	for (size_t bit = 0; bit < blob->len * 8; bit++) {
		struct mho_image image;
		enum mho_hw_status status;

		copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
		status = mho_image_verify(copy, blob->len, &image);
		if (status == MHO_HW_ST_OK) {
			assert_true(same_data(copy));
			assert_int_equal(image.n_pulses, 4);
		} else {
			assert_true(status >> 8 == 5 && image.reason[0]);
			refused++;
		}
		bad_hash += status == MHO_HW_ST_FW_BAD_HASH;
		mho_image_release(&image);
		copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	/* Every bit of the data and of the three hashes. */
	assert_true(bad_hash >= 3 * 256 + 8 * 800);
	assert_true(refused > bad_hash);
	free(copy);
}

static void test_hashes(void **state)
{
	char path[64];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		void *fit = editable();
		uint8_t *data;
		int len;

		data = fdt_getprop_w(fit, node(fit, parts[i]), "data", &len);
		data[len - 2] ^= 0x10;
		expect(fit, MHO_HW_ST_FW_BAD_HASH, parts[i]);

		snprintf(path, sizeof(path), "%s/hash-1", parts[i]);
		fit = editable();
		assert_int_equal(fdt_del_node(fit, node(fit, path)), 0);
		expect(fit, MHO_HW_ST_FW_NO_HASH, parts[i]);

		fit = editable();
		assert_int_equal(fdt_setprop_string(fit, node(fit, path), "algo", "crc32"), 0);
		expect(fit, MHO_HW_ST_FW_NO_HASH, parts[i]);

		fit = editable();
		assert_int_equal(fdt_setprop(fit, node(fit, path), "value", path, 31), 0);
		expect(fit, MHO_HW_ST_FW_BAD_HASH, parts[i]);
	}
}

/* A second hash does not make up for one that is wrong. */
static void test_two_hashes(void **state)
{
	void *fit = editable();
	uint8_t *value;
	int second, len;

	(void)state;
	second = fdt_add_subnode(fit, node(fit, parts[0]), "hash-2");
	assert_true(second >= 0);
	assert_int_equal(fdt_setprop_string(fit, second, "algo", "sha256"), 0);
	second = node(fit, "/images/code/hash-2");
	assert_int_equal(fdt_setprop(fit, second, "value", "0123456789abcdef0123456789abcdef", 32),
			 0);
	value = fdt_getprop_w(fit, node(fit, "/images/code/hash-1"), "value", &len);
	assert_int_equal(len, 32);
	assert_non_null(value);
	expect(fit, MHO_HW_ST_FW_BAD_HASH, "code");
}

static void test_for_another_device(void **state)
{
	void *fit = editable();

	(void)state;
	fdt_setprop_string(fit, node(fit, "/configurations/conf-1"), "compatible", "mho,card-2");
	expect(fit, MHO_HW_ST_FW_INCOMPATIBLE, "mho,card-1");
	fit = editable();
	fdt_setprop_u32(fit, 0, "mho,interface", MHO_HW_VERSION + 0x10000);
	expect(fit, MHO_HW_ST_FW_INCOMPATIBLE, "interface 2.0");
	fit = editable();
	fdt_setprop_u32(fit, 0, "mho,interface", MHO_HW_VERSION + 1);
	expect(fit, MHO_HW_ST_FW_INCOMPATIBLE, "interface 1.1");
}

/* No device yet refuses an old interface: the rule itself, with other devices' versions. */
static void test_interface_rule(void **state)
{
	static const struct {
		uint32_t interface, device, oldest;
		enum mho_hw_status status;
	} cases[] = {
		{ 0x00010000, 0x00010000, 0x00010000, MHO_HW_ST_OK },
		{ 0x00010002, 0x00010003, 0x00010002, MHO_HW_ST_OK },
		{ 0x00010003, 0x00010003, 0x00010002, MHO_HW_ST_OK },
		{ 0x00010001, 0x00010003, 0x00010002, MHO_HW_ST_FW_TOO_OLD },
		{ 0x00010004, 0x00010003, 0x00010002, MHO_HW_ST_FW_INCOMPATIBLE },
		{ 0x00010002, 0x00020003, 0x00020002, MHO_HW_ST_FW_INCOMPATIBLE },
		{ 0x00020002, 0x00010003, 0x00010002, MHO_HW_ST_FW_INCOMPATIBLE },
		{ 0xffffffff, 0x00010003, 0x00010002, MHO_HW_ST_FW_INCOMPATIBLE },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(mho_image_check_interface(cases[i].interface, cases[i].device,
							   cases[i].oldest),
				 cases[i].status);
}

static void test_size(void **state)
{
	const struct mho_blob *blob = shipped();
	char *large = calloc(1, MHO_HW_FW_SIZE_MAX + 1);
	struct mho_image image;

	(void)state;
	assert_non_null(large);
	memcpy(large, blob->data, blob->len);
	assert_int_equal(mho_image_verify(large, MHO_HW_FW_SIZE_MAX, &image), MHO_HW_ST_OK);
	mho_image_release(&image);
	assert_int_equal(mho_image_verify(large, MHO_HW_FW_SIZE_MAX + 1, &image),
			 MHO_HW_ST_FW_TOO_LARGE);
	assert_non_null(strstr(image.reason, "4194304"));
	free(large);
}

static void remove_node(const char *path, const char *words)
{
	void *fit = editable();

	assert_int_equal(fdt_del_node(fit, node(fit, path)), 0);
	expect(fit, MHO_HW_ST_FW_BAD_IMAGE, words);
}

static void remove_property(const char *path, const char *name, const char *words)
{
	void *fit = editable();

	assert_int_equal(fdt_delprop(fit, node(fit, path), name), 0);
	expect(fit, MHO_HW_ST_FW_BAD_IMAGE, words);
}

static void test_structure(void **state)
{
	struct mho_image image;
	void *fit;

	(void)state;
	assert_int_equal(mho_image_verify("this is no image at all, is it?", 32, &image),
			 MHO_HW_ST_FW_BAD_IMAGE);
	remove_node("/images", "/images is missing");
	remove_node("/images/code", "/images/code");
	remove_node("/images/calibration", "/images/calibration");
	remove_node("/images/pulses", "/images/pulses");
	remove_node("/configurations", "/configurations is missing");
	remove_node("/configurations/conf-1", "names no configuration");
	remove_property("/", "mho,version", "mho,version");
	remove_property("/", "mho,interface", "mho,interface");
	remove_property("/images/code", "data", "data");
	remove_property("/configurations", "default", "default");
	remove_property("/configurations/conf-1", "firmware", "three images");
	remove_property("/configurations/conf-1", "loadables", "three images");

	fit = editable();
	fdt_setprop(fit, node(fit, "/images/code"), "data", "", 0);
	expect(fit, MHO_HW_ST_FW_BAD_IMAGE, "data");
	fit = editable();
	fdt_setprop_string(fit, node(fit, "/images/code"), "compression", "gzip");
	expect(fit, MHO_HW_ST_FW_BAD_IMAGE, "compression");
	fit = editable();
	fdt_setprop(fit, 0, "mho,version", "\0\0\1\0\0\0\0\0\0\0\0\0", 12);
	expect(fit, MHO_HW_ST_FW_BAD_IMAGE, "mho,version");
	fit = editable();
	fdt_set_version(fit, 16);
	expect(fit, MHO_HW_ST_FW_BAD_IMAGE, "device tree");
}

/* --- tables ------------------------------------------------------------------------------- */

/* A property to set in a table; NULL name: none. */
struct entry {
	const char *node;
	const char *name;
	int32_t value;
};

static void make_table(void *table, int size, const char *compatible, const struct entry *entries)
{
	assert_int_equal(fdt_create_empty_tree(table, size), 0);
	assert_int_equal(fdt_setprop_string(table, 0, "compatible", compatible), 0);
	for (; entries->node; entries++) {
		int offset = fdt_subnode_offset(table, 0, entries->node);

		if (offset < 0)
			offset = fdt_add_subnode(table, 0, entries->node);
		assert_true(offset >= 0);
		if (entries->name)
			assert_int_equal(fdt_setprop_u32(table, offset, entries->name,
							 (uint32_t)entries->value),
					 0);
	}
	fdt_pack(table);
}

/* The shipped image with another table, properly hashed. */
static void *with_table(const char *part, const char *compatible, const struct entry *entries)
{
	static _Alignas(8) char table[2048];
	void *fit = editable();

	make_table(table, sizeof(table), compatible, entries);
	assert_int_equal(
		fdt_setprop(fit, node(fit, part), "data", table, (int)fdt_totalsize(table)), 0);
	rehash(fit, part);
	return fit;
}

static void expect_table(const char *part, const char *compatible, const struct entry *entries,
			 const char *words)
{
	expect(with_table(part, compatible, entries), MHO_HW_ST_FW_BAD_TABLE, words);
}

#define CALIBRATION "/images/calibration", MHO_HW_CALIBRATION_COMPATIBLE
#define PULSES "/images/pulses", MHO_HW_PULSES_COMPATIBLE
#define ENTRIES(...) ((const struct entry[]){ __VA_ARGS__, { 0 } })

static void test_calibration(void **state)
{
	void *fit = with_table(CALIBRATION,
			       ENTRIES({ "default", "adc-gain-ppm", -1500 },
				       { "default", "adc-offset-ppm", 20 }, { "tile@9", "reg", 9 },
				       { "tile@9", "adc-gain-ppm", 200000 }, { "tile@3", "reg", 3 },
				       { "tile@3", "adc-offset-ppm", -200000 }));
	struct mho_image image;

	(void)state;
	assert_int_equal(mho_image_verify(fit, fdt_totalsize(fit), &image), MHO_HW_ST_OK);
	assert_int_equal(mho_image_trim(&image, 0)->gain_ppm, -1500);
	assert_int_equal(mho_image_trim(&image, 4095)->offset_ppm, 20);
	assert_int_equal(mho_image_trim(&image, 9)->gain_ppm, 200000);
	assert_int_equal(mho_image_trim(&image, 9)->offset_ppm, 0);
	assert_int_equal(mho_image_trim(&image, 3)->offset_ppm, -200000);
	mho_image_release(&image);
	free(fit);

	expect_table(CALIBRATION, ENTRIES({ "default", "adc-gain-ppm", 200001 }), "200001");
	expect_table(CALIBRATION, ENTRIES({ "default", "adc-gain-ppm", -200001 }), "-200001");
	expect_table(CALIBRATION, ENTRIES({ "default", "adc-gain", 1 }), "adc-gain-ppm");
	expect_table(CALIBRATION, ENTRIES({ "default", "reg", 1 }), "reg");
	expect_table(CALIBRATION, ENTRIES({ "tile@1", "adc-gain-ppm", 1 }), "reg");
	expect_table(CALIBRATION, ENTRIES({ "tile@1", "reg", 4096 }), "4096");
	expect_table(CALIBRATION, ENTRIES({ "tile@1", "reg", 1 }, { "tile@2", "reg", 1 }),
		     "tile 1 is there twice");
	expect_table(CALIBRATION, ENTRIES({ "row@1", "reg", 1 }), "tile@N");
	expect_table("/images/calibration", "mho,calibration-2", ENTRIES({ "default", NULL, 0 }),
		     "compatible");
}

static void test_pulses(void **state)
{
	void *fit = with_table(PULSES, ENTRIES({ "protonic-ns", "train-length", 7 },
					       { "protonic-ns", "verify-tolerance-ppm", 5000 },
					       { "of-another-card", "train-length", 9 }));
	const struct mho_blob *small = mho_blob_find("topology/small");
	struct mho_topo *topo = NULL;
	const struct mho_tech *tech;
	struct mho_image image;
	uint32_t iterations, other;

	(void)state;
	assert_non_null(small);
	assert_int_equal(mho_topo_parse(small->data, small->len, NULL, &topo, NULL, 0), 0);
	tech = &topo->techs[mho_topo_find_tech(topo, "protonic-ns")];
	iterations = tech->verify_iterations;
	other = topo->techs[mho_topo_find_tech(topo, "constant-step")].train_length;
	assert_int_equal(mho_image_verify(fit, fdt_totalsize(fit), &image), MHO_HW_ST_OK);
	mho_image_apply(&image, topo);
	assert_int_equal(tech->train_length, 7);
	assert_int_equal(tech->verify_iterations, iterations);
	assert_true(tech->verify_tolerance == 0.005f);
	assert_int_equal(topo->techs[mho_topo_find_tech(topo, "constant-step")].train_length,
			 other);
	mho_image_release(&image);
	mho_topo_free(topo);
	free(fit);

	expect_table(PULSES, ENTRIES({ "a", "train-length", 0 }), "1 to 255");
	expect_table(PULSES, ENTRIES({ "a", "train-length", 256 }), "256");
	expect_table(PULSES, ENTRIES({ "a", "verify-iterations", 10001 }), "10001");
	expect_table(PULSES, ENTRIES({ "a", "verify-tolerance-ppm", 1000001 }), "1000001");
	expect_table(PULSES, ENTRIES({ "a", "pulse-length", 1 }), "unknown");
	expect_table(PULSES, ENTRIES({ "a-name-that-is-longer-than-any-technology", NULL, 0 }),
		     "no name of a technology");
	expect_table("/images/pulses", "mho,calibration-1", ENTRIES({ "a", NULL, 0 }),
		     "mho,pulses-1");
}

static void test_tables_are_no_trees(void **state)
{
	static const char *const tables[] = { "/images/calibration", "/images/pulses" };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(tables); i++) {
		void *fit = editable();
		int len;

		assert_int_equal(fdt_setprop_string(fit, node(fit, tables[i]), "data", "text"), 0);
		rehash(fit, tables[i]);
		expect(fit, MHO_HW_ST_FW_BAD_TABLE, "device tree");

		fit = editable();
		assert_non_null(fdt_getprop(fit, node(fit, tables[i]), "data", &len));
		assert_int_equal(
			fdt_setprop(fit, node(fit, tables[i]), "data",
				    memcpy((char[4096]){ 0 },
					   fdt_getprop(fit, node(fit, tables[i]), "data", NULL),
					   (size_t)len),
				    len - 1),
			0);
		rehash(fit, tables[i]);
		expect(fit, MHO_HW_ST_FW_BAD_TABLE, "device tree");
	}
}

/* Names from an image must not put control characters into the log. */
static void test_printable(void **state)
{
	struct mho_image image;
	void *fit = editable();

	(void)state;
	assert_int_equal(fdt_setprop_string(fit, 0, "description", "a\033[31mb\n\303\244"), 0);
	assert_int_equal(mho_image_verify(fit, fdt_totalsize(fit), &image), MHO_HW_ST_OK);
	assert_string_equal(image.name, "a?[31mb???");
	mho_image_release(&image);
	free(fit);
	expect_table(PULSES, ENTRIES({ "a", "b\033[31m", 1 }), "b?[31m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_unaligned_and_padded),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_two_hashes),
		cmocka_unit_test(test_for_another_device),
		cmocka_unit_test(test_interface_rule),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_calibration),
		cmocka_unit_test(test_pulses),
		cmocka_unit_test(test_tables_are_no_trees),
		cmocka_unit_test(test_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
