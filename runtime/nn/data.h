/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Samples as the library holds them, and what the readers of file formats share.
 */
#ifndef MHO_NN_DATA_H
#define MHO_NN_DATA_H

#include <stdatomic.h>
#include <zlib.h>

#include "mho/nn.h"
#include "nn/internal.h"

#define NN_LABEL_MAX 65535
#define NN_SAMPLES_MAX (1U << 30)

/* What was read; shared by the objects that mho_nn_data_split() makes. */
struct nn_values {
	atomic_uint refs; /* the parts may belong to different threads */
	uint32_t count;
	uint32_t inputs;
	uint32_t width; /* of images, or 0 */
	uint32_t height;
	float *f32; /* either this */
	uint8_t *u8; /* or this, a quarter of the memory */
	int32_t *labels;
};

struct mho_nn_data {
	struct nn_values *values;
	uint32_t count;
	uint32_t inputs;
	uint32_t *order; /* sample i is order[i] of the values */
	float *offset; /* as used: (value - offset) * factor */
	float *factor;
};

static inline int32_t nn_data_label(const struct mho_nn_data *data, uint32_t i)
{
	return data->values->labels[data->order[i]];
}

/* ---- data.c ---- */

struct nn_values *nn_values_new(void);
void nn_values_put(struct nn_values *values);

/* Takes over the reference to @values, also on failure. */
int nn_data_new(struct nn_values *values, struct mho_nn_data **out);

/* Sets the scaling from arrays of inputs values each. */
void nn_data_set_scale(struct mho_nn_data *data, const float *offset, const float *factor);

/* ---- data_file.c: files that may be compressed ---- */

struct nn_file {
	const char *path;
	gzFile gz;
	char *line;
	size_t line_size;
};

int nn_file_open(struct nn_file *file, const char *path);
void nn_file_close(struct nn_file *file);

/* Up to @len bytes. Return: number, less at the end of the file only, or -errno. */
int64_t nn_file_read(struct nn_file *file, void *to, size_t len);

/* Next line into file->line, without its end. Return: 1, 0 at the end, or -errno. */
int nn_file_line(struct nn_file *file);

/* The first bytes without taking them. Return: number of bytes, or -errno. */
int nn_file_peek(struct nn_file *file, uint8_t *to, size_t len);

/* ---- the formats ---- */

int nn_csv_read(struct nn_file *file, uint32_t flags, struct nn_values *values);
int nn_idx_read(struct nn_file *file, const char *labels, struct nn_values *values);

#endif
