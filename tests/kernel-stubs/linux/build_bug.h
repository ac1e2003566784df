/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Stand-in for the kernel's <linux/build_bug.h>: just what firmware-if/ uses of it, so that
 * check-headers can compile the contract as kernel code without kernel headers.
 */
#ifndef STUB_LINUX_BUILD_BUG_H
#define STUB_LINUX_BUILD_BUG_H

#define static_assert(condition, ...) _Static_assert(condition, #condition)

#endif
