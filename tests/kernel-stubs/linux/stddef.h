/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Stand-in for the kernel's <linux/stddef.h>: just what firmware-if/ uses of it, so that
 * check-headers can compile the contract as kernel code without kernel headers.
 */
#ifndef STUB_LINUX_STDDEF_H
#define STUB_LINUX_STDDEF_H

#undef NULL
#define NULL ((void *)0)
#undef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)

#endif
