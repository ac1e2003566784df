// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Samples in memory: finding a file's format, access, shuffling, splitting, scaling. Readers of
 * the formats are in data_csv.c and data_idx.c.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/data.h"
#include "nn/internal.h"

struct nn_values *nn_values_new(void)
{
	struct nn_values *values = calloc(1, sizeof(*values));

	if (values)
		atomic_init(&values->refs, 1);
	return values;
}

void nn_values_put(struct nn_values *values)
{
	if (!values || atomic_fetch_sub(&values->refs, 1) > 1)
		return;
	free(values->f32);
	free(values->u8);
	free(values->labels);
	free(values);
}

static struct mho_nn_data *data_alloc(uint32_t count, uint32_t inputs)
{
	struct mho_nn_data *data = calloc(1, sizeof(*data));

	if (!data)
		return NULL;
	data->count = count;
	data->inputs = inputs;
	data->order = malloc(count * sizeof(*data->order));
	data->offset = calloc(inputs, sizeof(*data->offset));
	data->factor = malloc(inputs * sizeof(*data->factor));
	if (!data->order || !data->offset || !data->factor) {
		mho_nn_data_free(data);
		return NULL;
	}
	for (uint32_t j = 0; j < inputs; j++)
		data->factor[j] = 1.0f;
	return data;
}

int nn_data_new(struct nn_values *values, struct mho_nn_data **out)
{
	struct mho_nn_data *data = data_alloc(values->count, values->inputs);

	if (!data) {
		nn_values_put(values);
		return nn_no_memory();
	}
	data->values = values;
	for (uint32_t i = 0; i < data->count; i++)
		data->order[i] = i;
	*out = data;
	return 0;
}

void mho_nn_data_free(struct mho_nn_data *data)
{
	if (!data)
		return;
	nn_values_put(data->values);
	free(data->order);
	free(data->offset);
	free(data->factor);
	free(data);
}

/* ---- opening ---- */

/* An uncompressed or compressed file @name in directory @dir. */
static int find_in(const char *dir, const char *name, char *path, size_t size)
{
	static const char *const suffix[] = { "", ".gz" };

	for (size_t i = 0; i < 2; i++) {
		int len = snprintf(path, size, "%s/%s%s", dir, name, suffix[i]);

		if (len < 0 || (size_t)len >= size)
			return nn_error(-ENAMETOOLONG, "%s: the path is too long", dir);
		if (!access(path, F_OK))
			return 0;
	}
	return nn_error(-ENOENT,
			"%s: this directory holds neither %s nor %s.gz; name the file of samples "
			"itself",
			dir, name, name);
}

static int read_directory(const char *dir, struct nn_values *values);

static int read_values(const char *path, const char *labels, uint32_t flags,
		       struct nn_values *values)
{
	struct nn_file file;
	struct stat st;
	uint8_t head[4];
	int ret;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return read_directory(path, values);
	ret = nn_file_open(&file, path);
	if (ret)
		return ret;
	ret = nn_file_peek(&file, head, sizeof(head));
	if (ret == 0)
		ret = nn_error(-EBADMSG, "%s: the file is empty", path);
	else if (ret == 4 && !head[0] && !head[1])
		ret = nn_idx_read(&file, labels, values);
	else if (ret > 0 && labels)
		ret = nn_error(-EINVAL,
			       "%s: not an idx file, but %s is to hold its labels; a CSV file has "
			       "its labels in its last column: leave the file of labels out",
			       path, labels);
	else if (ret > 0)
		ret = nn_csv_read(&file, flags, values);
	nn_file_close(&file);
	return ret;
}

static int read_directory(const char *dir, struct nn_values *values)
{
	char images[4096], labels[4096];
	int err = find_in(dir, "train-images-idx3-ubyte", images, sizeof(images));

	if (!err)
		err = find_in(dir, "train-labels-idx1-ubyte", labels, sizeof(labels));
	return err ? err : read_values(images, labels, 0, values);
}

int mho_nn_data_open(const char *path, const char *labels, uint32_t flags, struct mho_nn_data **out)
{
	struct nn_values *values;
	int err;

	if (!path || (flags & ~MHO_NN_DATA_UNLABELLED))
		return nn_error(-EINVAL, path ? "flags of the data that do not exist" :
						"no file of samples was named");
	values = nn_values_new();
	if (!values)
		return nn_no_memory();
	err = read_values(path, labels, flags, values);
	if (err) {
		nn_values_put(values);
		return err;
	}
	return nn_data_new(values, out);
}

static int fill_values(struct nn_values *v, const float *values, const int32_t *labels)
{
	size_t n = (size_t)v->count * v->inputs, bad = nn_not_finite(values, n);

	if (bad < n)
		return nn_error(-EINVAL, "value %zu of sample %zu is not a finite number",
				bad % v->inputs, bad / v->inputs);
	v->f32 = malloc(n * sizeof(*v->f32));
	v->labels = malloc(v->count * sizeof(*v->labels));
	if (!v->f32 || !v->labels)
		return nn_no_memory();
	memcpy(v->f32, values, n * sizeof(*values));
	for (uint32_t i = 0; i < v->count; i++) {
		v->labels[i] = labels ? labels[i] : -1;
		if (v->labels[i] < -1 || v->labels[i] > NN_LABEL_MAX)
			return nn_error(-EINVAL, "sample %u has the label %d; 0 to %d are possible",
					i, v->labels[i], NN_LABEL_MAX);
	}
	return 0;
}

int mho_nn_data_create(const float *values, const int32_t *labels, uint32_t count, uint32_t inputs,
		       struct mho_nn_data **out)
{
	struct nn_values *v;
	int err;

	if (!values || !count || count > NN_SAMPLES_MAX || !inputs || inputs > NN_WIDTH_MAX)
		return nn_error(-EINVAL,
				"%u samples of %u values: at least one of each, at most "
				"%u samples of %u values",
				count, inputs, NN_SAMPLES_MAX, NN_WIDTH_MAX);
	v = nn_values_new();
	if (!v)
		return nn_no_memory();
	v->count = count;
	v->inputs = inputs;
	err = fill_values(v, values, labels);
	if (err) {
		nn_values_put(v);
		return err;
	}
	return nn_data_new(v, out);
}

/* ---- access ---- */

int mho_nn_data_info_get(const struct mho_nn_data *data, struct mho_nn_data_info *info)
{
	struct mho_nn_data_info now = MHO_INIT(struct mho_nn_data_info);

	if (!info || info->size != sizeof(*info))
		return nn_error(-EINVAL, "struct mho_nn_data_info: size is not set; initialise it "
					 "with MHO_INIT(struct mho_nn_data_info)");
	now.count = data->count;
	now.inputs = data->inputs;
	now.width = data->values->width;
	now.height = data->values->height;
	for (uint32_t i = 0; i < data->count; i++) {
		int32_t label = nn_data_label(data, i);

		now.labelled += label >= 0;
		if (label >= (int64_t)now.classes)
			now.classes = (uint32_t)label + 1;
	}
	*info = now;
	return 0;
}

static void fetch_raw(const struct nn_values *v, uint32_t at, float *to)
{
	size_t first = (size_t)at * v->inputs;

	if (v->f32) {
		memcpy(to, v->f32 + first, v->inputs * sizeof(*to));
		return;
	}
	for (uint32_t j = 0; j < v->inputs; j++)
		to[j] = v->u8[first + j];
}

int mho_nn_data_get(const struct mho_nn_data *data, uint32_t i, float *values)
{
	if (i >= data->count)
		return nn_error(-EINVAL, "there is no sample %u among %u", i, data->count);
	if (values) {
		fetch_raw(data->values, data->order[i], values);
		for (uint32_t j = 0; j < data->inputs; j++)
			values[j] =
				(float)(((double)values[j] - data->offset[j]) * data->factor[j]);
	}
	return nn_data_label(data, i);
}

uint32_t mho_nn_data_index(const struct mho_nn_data *data, uint32_t i)
{
	return data->order[i];
}

/* ---- order ---- */

void mho_nn_data_shuffle(struct mho_nn_data *data, uint64_t seed)
{
	nn_permute(data->order, data->count, seed, NN_STREAM_SHUFFLE, 0);
}

int mho_nn_data_split(struct mho_nn_data *data, uint32_t count, struct mho_nn_data **out)
{
	struct mho_nn_data *part;

	if (!count || count >= data->count)
		return nn_error(-EINVAL,
				"%u of %u samples cannot be held out: at least one, and not all",
				count, data->count);
	part = data_alloc(count, data->inputs);
	if (!part)
		return nn_no_memory();
	data->count -= count;
	part->values = data->values;
	atomic_fetch_add(&part->values->refs, 1);
	memcpy(part->order, data->order + data->count, count * sizeof(*part->order));
	nn_data_set_scale(part, data->offset, data->factor);
	*out = part;
	return 0;
}

/* ---- scaling ---- */

void nn_data_set_scale(struct mho_nn_data *data, const float *offset, const float *factor)
{
	memcpy(data->offset, offset, data->inputs * sizeof(*offset));
	memcpy(data->factor, factor, data->inputs * sizeof(*factor));
}

struct moments {
	double max;
	double *sum;
	double *square;
	float *row;
};

static void collect(const struct mho_nn_data *data, struct moments *m)
{
	for (uint32_t i = 0; i < data->count; i++) {
		fetch_raw(data->values, data->order[i], m->row);
		for (uint32_t j = 0; j < data->inputs; j++) {
			m->max = fmax(m->max, fabs(m->row[j]));
			m->sum[j] += m->row[j];
			m->square[j] += (double)m->row[j] * m->row[j];
		}
	}
}

static void apply(struct mho_nn_data *data, uint32_t kind, const struct moments *m)
{
	for (uint32_t j = 0; j < data->inputs; j++) {
		double mean = m->sum[j] / data->count;
		double deviation = sqrt(fmax(m->square[j] / data->count - mean * mean, 0.0));
		bool column = kind == MHO_NN_SCALE_COLUMN;
		double width = column ? deviation : kind == MHO_NN_SCALE_MAX ? m->max : 1.0;

		data->offset[j] = column ? (float)mean : 0.0f;
		/* A column that never changes tells nothing; leave it at 0. */
		data->factor[j] = width > 1e-6 * fabs(mean) ? (float)fmin(1.0 / width, FLT_MAX) :
							      1.0f;
	}
}

int mho_nn_data_scale(struct mho_nn_data *data, uint32_t kind)
{
	struct moments m = { 0 };
	int err = 0;

	if (kind > MHO_NN_SCALE_COLUMN)
		return nn_error(-EINVAL, "scaling %u does not exist", kind);
	m.sum = calloc(data->inputs, sizeof(*m.sum));
	m.square = calloc(data->inputs, sizeof(*m.square));
	m.row = malloc(data->inputs * sizeof(*m.row));
	if (m.sum && m.square && m.row) {
		collect(data, &m);
		apply(data, kind, &m);
	} else {
		err = nn_no_memory();
	}
	free(m.sum);
	free(m.square);
	free(m.row);
	return err;
}

int mho_nn_data_scale_like(struct mho_nn_data *data, const struct mho_nn_data *other)
{
	if (data->inputs != other->inputs)
		return nn_error(-EINVAL,
				"samples of %u values cannot be scaled like samples of %u values",
				data->inputs, other->inputs);
	nn_data_set_scale(data, other->offset, other->factor);
	return 0;
}
