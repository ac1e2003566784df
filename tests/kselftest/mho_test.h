/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What a test program includes: the harness, what it does not have, and mho_test_lib.h.
 * A program ends with MHO_TEST_MAIN instead of TEST_HARNESS_MAIN.
 */
#ifndef MHO_TEST_H
#define MHO_TEST_H

#include "kselftest_harness.h"

#include "mho_test_lib.h"

/* For each case, in seconds. Guests are emulated, and their machine may be busy. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

/*
 * The last case of every program: the kernel had nothing to complain about. It is in a fixture, since
 * the harness runs cases without one first.
 */
#define MHO_TEST_MAIN                                                          \
	FIXTURE(kernel)                                                        \
	{                                                                      \
		char line[512];                                                \
	};                                                                     \
	FIXTURE_SETUP(kernel)                                                  \
	{                                                                      \
	}                                                                      \
	FIXTURE_TEARDOWN(kernel)                                               \
	{                                                                      \
	}                                                                      \
	TEST_F(kernel, log_is_clean)                                           \
	{                                                                      \
		ASSERT_EQ(0, mt_log_complaint(self->line, sizeof(self->line))) \
		{                                                              \
			TH_LOG("%s", self->line);                              \
		}                                                              \
	}                                                                      \
	TEST_HARNESS_MAIN

#endif /* MHO_TEST_H */
