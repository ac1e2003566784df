/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Lists of what a field must not be, for tests of arguments.
 */
#ifndef MHO_TEST_WRONG_H
#define MHO_TEST_WRONG_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Nothing is mapped there; nor may a program have what is the kernel's. */
#define UNMAPPED 8ULL
#define KERNELS 0xffff888000000000ULL

/**
 * struct wrong - a field with a value that it must not have
 * @what: in words
 * @offset: of the field
 * @size: its bytes
 * @value: little-endian, as all machines here
 * @want: -errno, or a device status
 */
struct wrong {
	const char *what;
	size_t offset;
	size_t size;
	uint64_t value;
	int want;
};

/* Offset and size of a field. */
#define FIELD(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)

static inline void spoil(void *args, const struct wrong *wrong)
{
	memcpy((char *)args + wrong->offset, &wrong->value, wrong->size);
}

#endif /* MHO_TEST_WRONG_H */
