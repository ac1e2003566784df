// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Weights that a test recognises: by reading them, and by what they make of a vector.
 */
#include <errno.h>
#include <string.h>

#include "mho_test_fault.h"

/* Averaged, since noise must not hide what is looked for. */
#define READS 16
/* Relative errors, squared, of what is right; what is wrong is near 2. */
#define READ_ERROR 0.02
#define PRODUCT_ERROR 0.1

void mt_model_weights(uint32_t seed, float *weights)
{
	mt_fill(weights, MT_MODEL_SIZE, 0.6F, seed);
}

int mt_model_make(const struct mt_session *s, const char *label, uint32_t seed, uint32_t *array)
{
	struct drm_mho_array_create args = mt_array_args(MT_MODEL_ROWS, MT_MODEL_COLS);
	struct drm_mho_job job;
	int ret;

	if (label) {
		args.flags |= DRM_MHO_ARRAY_NAMED;
		strncpy((char *)args.label, label, sizeof(args.label) - 1);
	}
	ret = mt_ioctl(s->fd, DRM_IOCTL_MHO_ARRAY_CREATE, &args);
	if (ret)
		return ret;
	*array = args.handle;
	mt_model_weights(seed, mt_data(s, MT_AT_WEIGHTS));
	job = mt_job_program(s, args.handle);
	return mt_run_one(s, &job);
}

int mt_model_find(const struct mt_session *s, const char *label, uint32_t *array)
{
	struct drm_mho_array_find args = { 0 };
	int ret;

	strncpy((char *)args.label, label, sizeof(args.label) - 1);
	ret = mt_ioctl(s->fd, DRM_IOCTL_MHO_ARRAY_FIND, &args);
	*array = args.handle;
	return ret;
}

struct drm_mho_job mt_model_job(const struct mt_session *s, uint32_t array)
{
	mt_fill(mt_data(s, MT_AT_X), MT_MODEL_COLS, 1, 7);
	memset(mt_data(s, MT_AT_Y), 0, MT_MODEL_ROWS * sizeof(float));
	return mt_job_vectors(s, array, DRM_MHO_OP_MVM, 1);
}

bool mt_product_right(const float *x, const float *y, uint32_t seed)
{
	float weights[MT_MODEL_SIZE], want[MT_MODEL_ROWS];
	int row, col;

	mt_model_weights(seed, weights);
	for (row = 0; row < MT_MODEL_ROWS; row++) {
		want[row] = 0;
		for (col = 0; col < MT_MODEL_COLS; col++)
			want[row] += weights[row * MT_MODEL_COLS + col] * x[col];
	}
	return mt_error2(y, want, MT_MODEL_ROWS) < PRODUCT_ERROR;
}

bool mt_model_right(const struct mt_session *s, uint32_t seed)
{
	float x[MT_MODEL_COLS];

	mt_fill(x, MT_MODEL_COLS, 1, 7);
	return mt_product_right(x, mt_data(s, MT_AT_Y), seed);
}

int mt_model_check(const struct mt_session *s, uint32_t array, uint32_t seed)
{
	struct drm_mho_job job = mt_model_job(s, array);
	float weights[MT_MODEL_SIZE];
	int ret = mt_run_one(s, &job);

	if (ret)
		return ret;
	if (!mt_model_right(s, seed))
		return -EILSEQ;
	job = mt_job_read(s, array, READS);
	ret = mt_run_one(s, &job);
	if (ret)
		return ret;
	mt_model_weights(seed, weights);
	return mt_error2(mt_data(s, MT_AT_READ), weights, MT_MODEL_SIZE) < READ_ERROR ? 0 : -EILSEQ;
}

int mt_works(void)
{
	struct mt_session s;
	uint32_t array;
	int ret;

	ret = mt_session_open(&s);
	if (ret)
		return ret;
	ret = mt_model_make(&s, NULL, 3, &array);
	if (!ret)
		ret = mt_model_check(&s, array, 3);
	mt_session_close(&s);
	return ret;
}
