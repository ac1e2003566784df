// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Samples from idx files, the format of MNIST: a magic number (two zero bytes, type, dimensions),
 * the sizes as big-endian 32-bit numbers, then the elements.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nn/data.h"
#include "nn/internal.h"

#define TYPE_BYTE 0x08
#define DIMS_MAX 4
#define BYTES_MAX (1ULL << 36)
#define CHUNK (16U << 20)

struct idx {
	uint32_t dims;
	uint32_t dim[DIMS_MAX];
	uint64_t elements;
	uint64_t header; /* bytes */
};

static int read_header(struct nn_file *file, struct idx *idx)
{
	uint8_t magic[4];
	uint32_t sizes[DIMS_MAX];
	int64_t n = nn_file_read(file, magic, sizeof(magic));

	if (n < 0)
		return (int)n;
	if (n < 4 || magic[0] || magic[1])
		return nn_error(-EBADMSG,
				"%s: not an idx file: it does not begin with two zero "
				"bytes",
				file->path);
	if (magic[2] != TYPE_BYTE)
		return nn_error(-EBADMSG,
				"%s: an idx file of element type 0x%02x (byte 2); only unsigned "
				"bytes (0x08) are supported",
				file->path, magic[2]);
	if (!magic[3] || magic[3] > DIMS_MAX)
		return nn_error(-EBADMSG,
				"%s: an idx file of %u dimensions (byte 3); 1 to %u are supported",
				file->path, magic[3], DIMS_MAX);
	idx->dims = magic[3];
	idx->header = 4 + 4 * (uint64_t)idx->dims;
	n = nn_file_read(file, sizes, 4 * (size_t)idx->dims);
	if (n < 0)
		return (int)n;
	if (n < 4 * (int64_t)idx->dims)
		return nn_error(-EBADMSG,
				"%s: the file is cut off: it ends in its heading, at byte %lld; "
				"copy or download it again",
				file->path, (long long)n + 4);
	idx->elements = 1;
	for (uint32_t i = 0; i < idx->dims; i++) {
		idx->dim[i] = be32toh(sizes[i]);
		if (!idx->dim[i] || idx->dim[i] > BYTES_MAX / idx->elements)
			return nn_error(-EBADMSG,
					"%s: the heading gives size %u for dimension %u (byte %u): "
					"empty or absurd; copy or download the file again",
					file->path, idx->dim[i], i, 4 + 4 * i);
		idx->elements *= idx->dim[i];
	}
	return 0;
}

static int cut_off(const struct nn_file *file, const struct idx *idx, uint64_t elements)
{
	return nn_error(-EBADMSG,
			"%s: the file is cut off: its heading promises %llu bytes, it ends after "
			"%llu; copy or download it again",
			file->path, (unsigned long long)(idx->header + idx->elements),
			(unsigned long long)(idx->header + elements));
}

/* Grows what it reads to: an absurd size in the heading of a short file costs no memory. */
static int read_elements(struct nn_file *file, const struct idx *idx, uint8_t **out)
{
	uint64_t done = 0;
	uint8_t *bytes = NULL, extra;

	while (done < idx->elements) {
		uint64_t left = idx->elements - done;
		size_t len = left < CHUNK ? (size_t)left : CHUNK;
		uint8_t *more = realloc(bytes, (size_t)done + len);
		int64_t n;

		if (!more) {
			free(bytes);
			return nn_no_memory();
		}
		bytes = more;
		n = nn_file_read(file, bytes + done, len);
		if (n < (int64_t)len) {
			free(bytes);
			return n < 0 ? (int)n : cut_off(file, idx, done + (uint64_t)n);
		}
		done += len;
	}
	if (nn_file_read(file, &extra, 1) == 1) {
		free(bytes);
		return nn_error(-EBADMSG,
				"%s: the file goes on after the %llu bytes that its heading "
				"promises; copy or download it again",
				file->path, (unsigned long long)(idx->header + idx->elements));
	}
	*out = bytes;
	return 0;
}

static int convert_labels(struct nn_values *v, const uint8_t *bytes)
{
	v->labels = malloc(v->count * sizeof(*v->labels));
	if (!v->labels)
		return nn_no_memory();
	for (uint32_t i = 0; i < v->count; i++)
		v->labels[i] = bytes ? bytes[i] : -1;
	return 0;
}

static int read_labels(const char *path, const char *samples, struct nn_values *v)
{
	struct nn_file file;
	uint8_t *bytes = NULL;
	struct idx idx;
	int err = nn_file_open(&file, path);

	if (err)
		return err;
	err = read_header(&file, &idx);
	if (!err && idx.dims != 1)
		err = nn_error(-EBADMSG,
			       "%s: an idx file of %u dimensions is no file of labels; perhaps "
			       "the files of images and labels are swapped",
			       path, idx.dims);
	if (!err && idx.dim[0] != v->count)
		err = nn_error(-EBADMSG,
			       "%s holds %u labels, %s holds %u samples; use files that belong "
			       "together",
			       path, idx.dim[0], samples, v->count);
	if (!err)
		err = read_elements(&file, &idx, &bytes);
	if (!err)
		err = convert_labels(v, bytes);
	free(bytes);
	nn_file_close(&file);
	return err;
}

int nn_idx_read(struct nn_file *file, const char *labels, struct nn_values *v)
{
	uint64_t inputs;
	struct idx idx;
	int err = read_header(file, &idx);

	if (err)
		return err;
	if (idx.dims < 2)
		return nn_error(-EBADMSG,
				"%s: an idx file of one dimension is a file of labels, not of "
				"samples; perhaps the files of images and labels are swapped",
				file->path);
	inputs = idx.elements / idx.dim[0];
	if (idx.dim[0] > NN_SAMPLES_MAX || inputs > NN_WIDTH_MAX)
		return nn_error(-EBADMSG,
				"%s: %u samples of %llu values; at most %u of %u are "
				"supported",
				file->path, idx.dim[0], (unsigned long long)inputs, NN_SAMPLES_MAX,
				NN_WIDTH_MAX);
	v->count = idx.dim[0];
	v->inputs = (uint32_t)inputs;
	if (idx.dims == 3) {
		v->height = idx.dim[1];
		v->width = idx.dim[2];
	}
	err = read_elements(file, &idx, &v->u8);
	if (err)
		return err;
	return labels ? read_labels(labels, file->path, v) : convert_labels(v, NULL);
}
