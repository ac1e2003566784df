/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Fixed-width little-endian types for the device contract, and the assertion
 * that pins every layout. Freestanding: compiles as C11, as C++ and inside the
 * kernel. Knows nothing about the device itself.
 */
#ifndef MHO_HW_TYPES_H
#define MHO_HW_TYPES_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <asm/byteorder.h>
typedef __u8 mho_u8;
typedef __le16 mho_le16;
typedef __le32 mho_le32;
typedef __le64 mho_le64;
#else
#include <stddef.h>
#include <stdint.h>
typedef uint8_t mho_u8;
/* In memory these are little-endian whatever the host; convert with the functions below. */
typedef uint16_t mho_le16;
typedef uint32_t mho_le32;
typedef uint64_t mho_le64;

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define MHO_HW_SWAP16(x) __builtin_bswap16(x)
#define MHO_HW_SWAP32(x) __builtin_bswap32(x)
#define MHO_HW_SWAP64(x) __builtin_bswap64(x)
#else
#define MHO_HW_SWAP16(x) (x)
#define MHO_HW_SWAP32(x) (x)
#define MHO_HW_SWAP64(x) (x)
#endif

static inline uint16_t mho_le16_to_cpu(mho_le16 v)
{
	return MHO_HW_SWAP16(v);
}

static inline uint32_t mho_le32_to_cpu(mho_le32 v)
{
	return MHO_HW_SWAP32(v);
}

static inline uint64_t mho_le64_to_cpu(mho_le64 v)
{
	return MHO_HW_SWAP64(v);
}

static inline mho_le16 mho_cpu_to_le16(uint16_t v)
{
	return MHO_HW_SWAP16(v);
}

static inline mho_le32 mho_cpu_to_le32(uint32_t v)
{
	return MHO_HW_SWAP32(v);
}

static inline mho_le64 mho_cpu_to_le64(uint64_t v)
{
	return MHO_HW_SWAP64(v);
}
#endif

#ifdef __cplusplus
#define MHO_HW_ASSERT(cond, text) static_assert(cond, text)
#else
#define MHO_HW_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#define MHO_HW_ASSERT_SIZE(type, bytes) \
	MHO_HW_ASSERT(sizeof(type) == (bytes), #type " is not " #bytes " bytes")
#define MHO_HW_ASSERT_OFFSET(type, field, bytes) \
	MHO_HW_ASSERT(offsetof(type, field) == (bytes), #type "." #field " is not at " #bytes)

#endif
