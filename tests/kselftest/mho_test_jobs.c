// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Jobs and what they need: sessions, the usual jobs, submitting and waiting, numbers.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mho_test_lib.h"

int mt_session_open(struct mt_session *s)
{
	int ret;

	memset(s, 0, sizeof(*s));
	s->fd = mt_open();
	if (s->fd < 0)
		return s->fd;
	ret = mt_ctx_create(s->fd, &s->ctx);
	if (!ret)
		ret = mt_syncobj_create(s->fd, 0, &s->done);
	if (!ret)
		ret = mt_buffer_create(s->fd, MT_DATA_SIZE, &s->data);
	if (!ret)
		ret = mt_buffer_create(s->fd, MT_RESULTS * sizeof(struct drm_mho_result),
				       &s->results);
	if (ret)
		mt_session_close(s);
	return ret;
}

void mt_session_close(struct mt_session *s)
{
	mt_buffer_destroy(s->fd, &s->data);
	mt_buffer_destroy(s->fd, &s->results);
	close(s->fd);
	s->fd = -1;
}

float *mt_data(const struct mt_session *s, size_t at)
{
	return (float *)s->data.map + at;
}

const struct drm_mho_result *mt_results(const struct mt_session *s)
{
	return s->results.map;
}

uint32_t mt_bits(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

struct drm_mho_job mt_job_nop(void)
{
	return (struct drm_mho_job){ .op = DRM_MHO_OP_NOP };
}

struct drm_mho_job mt_job_program(const struct mt_session *s, uint32_t array)
{
	return (struct drm_mho_job){ .op = DRM_MHO_OP_PROGRAM,
				     .array = array,
				     .batch = 1,
				     .a_type = DRM_MHO_TYPE_F32,
				     .a = { .handle = s->data.handle,
					    .offset = MT_AT_WEIGHTS * sizeof(float) },
				     .a_scale = mt_bits(1) };
}

struct drm_mho_job mt_job_read(const struct mt_session *s, uint32_t array, uint32_t reads)
{
	return (struct drm_mho_job){
		.op = DRM_MHO_OP_READ,
		.array = array,
		.batch = reads,
		.b_type = DRM_MHO_TYPE_F32,
		.b = { .handle = s->data.handle, .offset = MT_AT_READ * sizeof(float) },
		.b_scale = mt_bits(1),
	};
}

struct drm_mho_job mt_job_vectors(const struct mt_session *s, uint32_t array, uint8_t op,
				  uint32_t batch)
{
	return (struct drm_mho_job){
		.op = op,
		.array = array,
		.batch = batch,
		.a_type = DRM_MHO_TYPE_F32,
		.b_type = DRM_MHO_TYPE_F32,
		.a = { .handle = s->data.handle, .offset = MT_AT_X * sizeof(float) },
		.b = { .handle = s->data.handle, .offset = MT_AT_Y * sizeof(float) },
		.a_scale = mt_bits(1),
		.b_scale = mt_bits(1),
	};
}

struct drm_mho_submit mt_submit_args(const struct mt_session *s, const struct drm_mho_job *jobs,
				     uint32_t count)
{
	return (struct drm_mho_submit){ .ctx = s->ctx,
					.jobs = (uintptr_t)jobs,
					.job_count = count,
					.job_stride = sizeof(*jobs),
					.result_handle = s->results.handle };
}

int mt_submit(const struct mt_session *s, const struct drm_mho_job *jobs, uint32_t count)
{
	struct drm_mho_submit args = mt_submit_args(s, jobs, count);
	struct drm_mho_sync out = { .handle = s->done };

	if (count > MT_RESULTS)
		return -E2BIG;
	/* So that nothing old is mistaken for an answer. */
	memset(s->results.map, 0xa5, s->results.size);
	args.out_syncs = (uintptr_t)&out;
	args.out_sync_count = 1;
	return mt_ioctl(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
}

int mt_run(const struct mt_session *s, const struct drm_mho_job *jobs, uint32_t count)
{
	int ret = mt_submit(s, jobs, count);

	return ret ? ret : mt_syncobj_wait(s->fd, s->done, MT_WAIT_NS);
}

int mt_run_one(const struct mt_session *s, const struct drm_mho_job *job)
{
	int ret = mt_run(s, job, 1);

	if (ret)
		return ret;
	return mt_results(s)->done == DRM_MHO_RESULT_DONE ? mt_results(s)->status : -EPROTO;
}

void mt_fill(float *to, size_t count, float amplitude, uint32_t seed)
{
	size_t i;

	for (i = 0; i < count; i++) {
		seed = seed * 1664525 + 1013904223;
		to[i] = amplitude * ((float)(seed >> 8) / (1 << 23) - 1);
	}
}

bool mt_all_zero(const void *what, size_t size)
{
	const uint8_t *bytes = what;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

double mt_error2(const float *got, const float *want, size_t count)
{
	double error = 0, norm = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		error += (got[i] - want[i]) * (double)(got[i] - want[i]);
		norm += want[i] * (double)want[i];
	}
	return error / norm;
}
