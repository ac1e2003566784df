/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The checkpoint's file: a version, a text, an array of binary32, a checksum over all of it;
 * written so that a crash leaves the old file or the new. What text and array mean is
 * checkpoint.c's business.
 *
 *	offset	bytes	little-endian
 *	0	8	"mho-nn\r\n"
 *	8	4	version, 1
 *	12	4	n: length of the text
 *	16	8	m: length of the array in bytes, a multiple of 4
 *	24	n	text, JSON
 *	24+n	m	array
 *	24+n+m	4	CRC-32 of all before
 */
#ifndef MHO_NN_CONTAINER_H
#define MHO_NN_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

#define NN_CONTAINER_VERSION 1

struct nn_container {
	char *text; /* NUL-terminated */
	size_t text_len;
	float *array;
	size_t floats;
};

/*
 * Return: 0, or -errno and @path is as it was: -EEXIST if it holds something else than a
 * checkpoint, -EBUSY if another process is writing it.
 */
int nn_container_write(const char *path, const struct nn_container *c);

/* Allocates text and array. Return: 0, or -errno and nothing is allocated. */
int nn_container_read(const char *path, struct nn_container *c);

#endif
