/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Stand-in for the kernel's <asm/byteorder.h>: just what firmware-if/ uses of it, so that
 * check-headers can compile the contract as kernel code without kernel headers.
 */
#ifndef STUB_ASM_BYTEORDER_H
#define STUB_ASM_BYTEORDER_H

#include <linux/types.h>

#define le16_to_cpu(x) ((__u16)(x))
#define le32_to_cpu(x) ((__u32)(x))
#define le64_to_cpu(x) ((__u64)(x))
#define cpu_to_le16(x) ((__le16)(x))
#define cpu_to_le32(x) ((__le32)(x))
#define cpu_to_le64(x) ((__le64)(x))

#endif
