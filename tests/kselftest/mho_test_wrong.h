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

/*
 * Each wrong field, one at a time, of arguments that are right without it. @call is what is tried
 * with them; it knows them as refused_args.
 */
#define EXPECT_REFUSED_BY(call, good, list)                                                     \
	do {                                                                                    \
		size_t refused_index;                                                           \
                                                                                                \
		for (refused_index = 0; refused_index < MT_ARRAY_SIZE(list); refused_index++) { \
			const struct wrong *refused_wrong = &(list)[refused_index];             \
			__typeof__(good) refused_args = (good);                                 \
                                                                                                \
			spoil(&refused_args, refused_wrong);                                    \
			EXPECT_EQ(refused_wrong->want, call)                                    \
			{                                                                       \
				TH_LOG("%s", refused_wrong->what);                              \
			}                                                                       \
		}                                                                               \
	} while (0)

#endif /* MHO_TEST_WRONG_H */
