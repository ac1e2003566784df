// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * URIs: what they mean, and what is said about those that mean nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/uri.h"
#include "mho_fixture.h"

static const struct good {
	const char *text;
	const char *path;
	uint64_t seed;
	uint32_t threads;
	const char *tech;
	const char *state;
	const char *firmware;
} goods[] = {
	{ "emu:", "", 1, 0, NULL, NULL, NULL },
	{ "emu:?", "", 1, 0, NULL, NULL, NULL },
	{ "emu:small", "small", 1, 0, NULL, NULL, NULL },
	{ "emu:/a/b.dtb?seed=7", "/a/b.dtb", 7, 0, NULL, NULL, NULL },
	{ "emu:?seed=0", "", 0, 0, NULL, NULL, NULL },
	{ "emu:?seed=0x10", "", 16, 0, NULL, NULL, NULL },
	{ "emu:?seed=18446744073709551615", "", UINT64_MAX, 0, NULL, NULL, NULL },
	{ "emu:?threads=4&tech=ideal", "", 1, 4, "ideal", NULL, NULL },
	{ "emu:x?state=/s=1&firmware=f", "x", 1, 0, NULL, "/s=1", "f" },
};

static const struct bad {
	const char *text;
	const char *says;
} bads[] = {
	{ NULL, "empty" },
	{ "", "empty" },
	{ "small", "no scheme" },
	{ "emu:?seed=", "\"seed\"" },
	{ "emu:?seed=-1", "whole numbers from 0" },
	{ "emu:?seed= 1", "whole numbers" },
	{ "emu:?seed=1x", "\"1x\"" },
	{ "emu:?seed=18446744073709551616", "18446744073709551615" },
	{ "emu:?threads=0", "from 1 to 1024" },
	{ "emu:?threads=1025", "from 1 to 1024" },
	{ "emu:?tech=", "\"tech\" of the URI is empty" },
	{ "emu:?state=", "\"state\" of the URI is empty" },
	{ "emu:?firmware=", "\"firmware\" of the URI is empty" },
	{ "emu:?sed=1",
	  "no parameter \"sed\"; allowed are seed, threads, tech, state, firmware and fault" },
	{ "emu:?seed", "write name=value" },
	{ "emu:?seed=1&", "write name=value" },
	{ "emu:?seed=1&seed=2", "\"seed\" is in the URI twice" },
};

static void test_good(void **state)
{
	struct mrt_uri *uri = malloc(sizeof(*uri));

	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(*goods); i++) {
		const struct good *g = &goods[i];

		assert_int_equal(mrt_uri_parse(g->text, uri), 0);
		assert_string_equal(uri->scheme, "emu");
		assert_string_equal(uri->path, g->path);
		assert_true(uri->seed == g->seed);
		assert_int_equal(uri->threads, g->threads);
		assert_string_equal(uri->tech ? uri->tech : "-", g->tech ? g->tech : "-");
		assert_string_equal(uri->state ? uri->state : "-", g->state ? g->state : "-");
		assert_string_equal(uri->firmware ? uri->firmware : "-",
				    g->firmware ? g->firmware : "-");
	}
	free(uri);
}

static void test_bad(void **state)
{
	struct mho_dev *dev;

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		assert_int_equal(mho_open(bads[i].text, NULL, &dev), -EINVAL);
		expect_error(bads[i].says);
	}
}

static void test_too_long(void **state)
{
	char *text = malloc(10001);
	struct mho_dev *dev;

	(void)state;
	memset(text, 'x', 10000);
	memcpy(text, "emu:", 4);
	text[10000] = '\0';
	assert_int_equal(mho_open(text, NULL, &dev), -EINVAL);
	expect_error("at most");
	free(text);
}

static void test_unknown(void **state)
{
	struct mho_dev *dev;

	(void)state;
	assert_int_equal(mho_open("usb:0", NULL, &dev), -EINVAL);
	expect_error("\"usb:\" is no scheme");
	assert_int_equal(mho_open("emu:nowhere", NULL, &dev), -ENOENT);
	expect_error("no topology \"nowhere\" is built in; there are ");
	expect_error("default");
	assert_int_equal(mho_open("emu:/does/not/exist.dtb", NULL, &dev), -ENOENT);
	expect_error("/does/not/exist.dtb cannot be opened");
	assert_int_equal(mho_open("emu:/does/not/exist.dts", NULL, &dev), -ENOENT);
	expect_error("/does/not/exist.dts cannot be opened");
	assert_int_equal(mho_open("emu:small?tech=gold", NULL, &dev), -EINVAL);
	expect_error("gold");
	assert_int_equal(mho_open("emu:small?firmware=/does/not/exist", NULL, &dev), -ENOENT);
	expect_error("the firmware /does/not/exist cannot be opened");
	assert_int_equal(mho_open("emu:small?state=/does/not/exist", NULL, &dev), -ENOENT);
	expect_error("/does/not/exist");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests_name("mho_uri", tests, NULL, NULL);
}
