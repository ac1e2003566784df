// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The driver's ioctls on real jobs, as a program without libmho sees them: arithmetic,
 * results, syncobjs, isolation of open files, refusals, named arrays. Needs four free
 * tiles of at least 16 x 16 cells. What happens when the device misbehaves is not
 * tested here. Prints KTAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include <drm/mho_accel.h>

#include "mho_hw.h"

#define DEVICE "/dev/accel/accel0"
#define LABEL "driver_jobs"
#define WAIT_NS 20000000000LL

/* Neither is a multiple of a block's side, so that blocks of all shapes are there. */
#define ROWS 24
#define COLS 20
#define BLOCK 16
#define BATCH 4
#define READS 16 /* averaged: noise must not hide what is looked for */

/* Layout of a session's one buffer for data, in elements. */
#define AT_WEIGHTS 0
#define AT_X 1024
#define AT_Y 2048
#define AT_READ 3072
#define DATA_SIZE (4096 * sizeof(float))

struct buffer {
	uint32_t handle;
	uint64_t size;
	void *map;
};

/* An open file with what jobs need. */
struct session {
	int fd;
	uint32_t ctx;
	uint32_t done; /* binary syncobj */
	struct buffer data;
	struct buffer results;
};

static unsigned int cases;
static unsigned int failures;

/* One case; what is said of it when it fails is printf's. */
__attribute__((format(printf, 3, 4))) static bool check(bool good, const char *name,
							const char *format, ...)
{
	va_list args;

	printf("%s %u - %s\n", good ? "ok" : "not ok", ++cases, name);
	if (good)
		return true;
	failures++;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	return false;
}

static int call(int fd, unsigned long request, void *args)
{
	return ioctl(fd, request, args) ? -errno : 0;
}

static uint32_t bits(float value)
{
	uint32_t word;

	memcpy(&word, &value, sizeof(word));
	return word;
}

static float *data_at(const struct session *s, size_t at)
{
	return (float *)s->data.map + at;
}

static const struct drm_mho_result *results(const struct session *s)
{
	return s->results.map;
}

static int make_buffer(int fd, uint64_t size, struct buffer *buffer)
{
	struct drm_mho_bo_create args = { .size = size };
	int ret = call(fd, DRM_IOCTL_MHO_BO_CREATE, &args);

	if (ret)
		return ret;
	buffer->handle = args.handle;
	buffer->size = args.size;
	buffer->map = mmap(NULL, args.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   (off_t)args.mmap_offset);
	return buffer->map == MAP_FAILED ? -errno : 0;
}

static int make_syncobj(int fd, uint32_t *handle)
{
	struct drm_syncobj_create args = { 0 };
	int ret = call(fd, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	*handle = args.handle;
	return ret;
}

/* The program ends where a session cannot be had: nothing can be tested. */
static struct session open_session(void)
{
	struct session s = { .fd = open(DEVICE, O_RDWR | O_CLOEXEC) };
	struct drm_mho_ctx_create ctx = { .priority = 1 };
	int ret = s.fd < 0 ? -errno : call(s.fd, DRM_IOCTL_MHO_CTX_CREATE, &ctx);

	s.ctx = ctx.handle;
	if (!ret)
		ret = make_syncobj(s.fd, &s.done);
	if (!ret)
		ret = make_buffer(s.fd, DATA_SIZE, &s.data);
	if (!ret)
		ret = make_buffer(s.fd, 4096, &s.results);
	if (ret) {
		printf("Bail out! " DEVICE " with a context and buffers: %s\n", strerror(-ret));
		exit(EXIT_FAILURE);
	}
	return s;
}

static void close_session(struct session *s)
{
	munmap(s->data.map, s->data.size);
	munmap(s->results.map, s->results.size);
	close(s->fd);
}

static struct drm_mho_array_create array_args(uint32_t rows, uint32_t cols)
{
	return (struct drm_mho_array_create){ .rows = rows,
					      .cols = cols,
					      .block_rows = BLOCK,
					      .block_cols = BLOCK,
					      .technology = DRM_MHO_ALL };
}

static int destroy_array(const struct session *s, uint32_t handle)
{
	struct drm_mho_array_handle args = { .handle = handle };

	return call(s->fd, DRM_IOCTL_MHO_ARRAY_DESTROY, &args);
}

static struct drm_mho_job program_job(const struct session *s, uint32_t array)
{
	return (struct drm_mho_job){ .op = DRM_MHO_OP_PROGRAM,
				     .array = array,
				     .batch = 1,
				     .a_type = DRM_MHO_TYPE_F32,
				     .a = { .handle = s->data.handle },
				     .a_scale = bits(1) };
}

/* MVM, MVM_T and, with a rate, UPDATE. */
static struct drm_mho_job vector_job(const struct session *s, uint32_t array, enum drm_mho_op op)
{
	return (struct drm_mho_job){
		.op = op,
		.array = array,
		.batch = BATCH,
		.a_type = DRM_MHO_TYPE_F32,
		.b_type = DRM_MHO_TYPE_F32,
		.a = { .handle = s->data.handle, .offset = AT_X * sizeof(float) },
		.b = { .handle = s->data.handle, .offset = AT_Y * sizeof(float) },
		.a_scale = bits(1),
		.b_scale = bits(1),
	};
}

static struct drm_mho_job read_job(const struct session *s, uint32_t array)
{
	return (struct drm_mho_job){
		.op = DRM_MHO_OP_READ,
		.array = array,
		.batch = READS,
		.b_type = DRM_MHO_TYPE_F32,
		.b = { .handle = s->data.handle, .offset = AT_READ * sizeof(float) },
		.b_scale = bits(1),
	};
}

static struct drm_mho_submit submit_args(const struct session *s, const struct drm_mho_job *jobs,
					 unsigned int count)
{
	return (struct drm_mho_submit){ .ctx = s->ctx,
					.jobs = (uintptr_t)jobs,
					.job_count = count,
					.job_stride = sizeof(*jobs),
					.result_handle = s->results.handle };
}

static long long deadline(long long ns)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec + ns;
}

static int wait_syncobj(const struct session *s, uint32_t handle)
{
	struct drm_syncobj_wait args = { .handles = (uintptr_t)&handle,
					 .count_handles = 1,
					 .timeout_nsec = deadline(WAIT_NS) };

	return call(s->fd, DRM_IOCTL_SYNCOBJ_WAIT, &args);
}

static int wait_point(const struct session *s, uint32_t handle, uint64_t point, long long ns)
{
	struct drm_syncobj_timeline_wait args = { .handles = (uintptr_t)&handle,
						  .points = (uintptr_t)&point,
						  .count_handles = 1,
						  .timeout_nsec = deadline(ns),
						  .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT };

	return call(s->fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

/* Submits and waits; results are old rubbish before, so that none is mistaken for an answer. */
static int run(const struct session *s, const struct drm_mho_job *jobs, unsigned int count)
{
	struct drm_mho_submit args = submit_args(s, jobs, count);
	struct drm_mho_sync out = { .handle = s->done };
	int ret;

	memset(s->results.map, 0xa5, s->results.size);
	args.out_syncs = (uintptr_t)&out;
	args.out_sync_count = 1;
	ret = call(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
	return ret ? ret : wait_syncobj(s, s->done);
}

/* The same, and its status, a job at a time; what went wrong before there is one as -errno. */
static int run_one(const struct session *s, const struct drm_mho_job *job)
{
	int ret = run(s, job, 1);

	if (ret)
		return ret;
	return results(s)->done == DRM_MHO_RESULT_DONE ? results(s)->status : -EPROTO;
}

static void fill(float *to, size_t count, float amplitude, uint32_t seed)
{
	size_t i;

	for (i = 0; i < count; i++) {
		seed = seed * 1664525 + 1013904223;
		to[i] = amplitude * ((float)(seed >> 8) / (1 << 23) - 1);
	}
}

/* Relative error, squared: no root, and so no libm. */
static double error2(const float *got, const float *want, size_t count)
{
	double error = 0, norm = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		error += (got[i] - want[i]) * (double)(got[i] - want[i]);
		norm += want[i] * (double)want[i];
	}
	return error / norm;
}

static bool all_zero(const float *values, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (values[i] != 0)
			return false;
	return true;
}

/* Exact y = W x, or W^T x, for the batch. */
static void multiply(const struct session *s, bool transposed, float *y)
{
	const float *w = data_at(s, AT_WEIGHTS), *x = data_at(s, AT_X);
	int outputs = transposed ? COLS : ROWS, inputs = transposed ? ROWS : COLS;
	int b, i, k;

	for (b = 0; b < BATCH; b++) {
		for (i = 0; i < outputs; i++) {
			double sum = 0;

			for (k = 0; k < inputs; k++)
				sum += (transposed ? w[k * COLS + i] : w[i * COLS + k]) *
				       (double)x[b * inputs + k];
			y[b * outputs + i] = (float)sum;
		}
	}
}

static void test_info(const struct session *s)
{
	struct drm_mho_info info = { 0 };
	struct drm_mho_query query = { .type = DRM_MHO_QUERY_INFO,
				       .size = sizeof(info),
				       .data = (uintptr_t)&info };
	int ret = call(s->fd, DRM_IOCTL_MHO_QUERY, &query);
	uint8_t *blob;
	uint32_t size;

	check(!ret && query.size == sizeof(info) && info.tiles && info.cells && info.queues &&
		      info.model[0] && info.interface >> 16 == MHO_HW_VERSION_MAJOR,
	      "QUERY_INFO tells what the card is", "%s, %u bytes, %u tiles, interface 0x%x",
	      strerror(-ret), query.size, info.tiles, info.interface);

	query = (struct drm_mho_query){ .type = DRM_MHO_QUERY_TOPOLOGY };
	ret = call(s->fd, DRM_IOCTL_MHO_QUERY, &query);
	check(!ret && query.size && query.size == info.topology_size,
	      "QUERY_TOPOLOGY tells its size", "%s, %u bytes, QUERY_INFO says %u", strerror(-ret),
	      query.size, info.topology_size);
	size = query.size;
	blob = calloc(1, size + 8);
	if (!blob)
		return;
	query.data = (uintptr_t)blob;
	ret = call(s->fd, DRM_IOCTL_MHO_QUERY, &query);
	check(!ret && !memcmp(blob, "\xd0\x0d\xfe\xed", 4) &&
		      ((uint32_t)blob[4] << 24 | blob[5] << 16 | blob[6] << 8 | blob[7]) == size,
	      "topology is a device-tree blob of that size", "%s, starts %02x%02x%02x%02x",
	      strerror(-ret), blob[0], blob[1], blob[2], blob[3]);
	free(blob);
}

static uint32_t tiles_free(const struct session *s)
{
	struct drm_mho_telemetry telemetry = { 0 };
	struct drm_mho_query query = { .type = DRM_MHO_QUERY_TELEMETRY,
				       .size = sizeof(telemetry),
				       .data = (uintptr_t)&telemetry };

	return call(s->fd, DRM_IOCTL_MHO_QUERY, &query) ? 0 : telemetry.tiles_free;
}

/* The array that the arithmetic is tested on, with its weights; 0 if it cannot be had. */
static uint32_t test_program(const struct session *s)
{
	struct drm_mho_array_create args = array_args(ROWS, COLS);
	struct drm_mho_array_info info = { 0 };
	uint32_t before = tiles_free(s);
	struct drm_mho_job job;
	int ret;

	ret = call(s->fd, DRM_IOCTL_MHO_ARRAY_CREATE, &args);
	if (!check(!ret && args.handle, "an array is made", "%s, needs %u tiles of %u",
		   strerror(-ret), args.tiles_needed, before))
		return 0;
	info.handle = args.handle;
	ret = call(s->fd, DRM_IOCTL_MHO_ARRAY_INFO, &info);
	check(!ret && info.grid_rows == 2 && info.grid_cols == 2 && info.block_count == 4 &&
		      tiles_free(s) == before - 4,
	      "it takes two by two tiles", "%s, grid %ux%u, %u tiles free before, now %u",
	      strerror(-ret), info.grid_rows, info.grid_cols, before, tiles_free(s));

	fill(data_at(s, AT_WEIGHTS), ROWS * COLS, 0.6F, 1);
	job = program_job(s, args.handle);
	ret = run_one(s, &job);
	check(!ret && results(s)->device_ns && results(s)->detail,
	      "PROGRAM is done, took device time and iterations", "status %d, %llu ns", ret,
	      results(s)->device_ns);
	return args.handle;
}

static void test_multiply(const struct session *s, uint32_t array, bool transposed)
{
	struct drm_mho_job job =
		vector_job(s, array, transposed ? DRM_MHO_OP_MVM_T : DRM_MHO_OP_MVM);
	const size_t outputs = (size_t)BATCH * (transposed ? COLS : ROWS);
	float want[BATCH * ROWS], *got = data_at(s, AT_Y);
	const char *op = transposed ? "MVM_T" : "MVM";
	char name[80];
	double error;
	int ret;

	fill(data_at(s, AT_X), (size_t)BATCH * (transposed ? ROWS : COLS), 1, 2 + transposed);
	multiply(s, transposed, want);
	memset(got, 0, outputs * sizeof(*got));
	got[outputs] = 12345;
	ret = run_one(s, &job);
	snprintf(name, sizeof(name), "%s is done and took device time", op);
	check(!ret && results(s)->device_ns, name, "status %d, %llu ns", ret,
	      results(s)->device_ns);
	error = error2(got, want, outputs);
	snprintf(name, sizeof(name), "%s of a batch is near the exact product", op);
	check(!all_zero(got, outputs) && error < 0.25 * 0.25, name,
	      "squared relative error %g, first %g instead of %g", error, got[0], want[0]);
	snprintf(name, sizeof(name), "%s writes nothing behind its results", op);
	check(got[outputs] == 12345, name, "it wrote %g", got[outputs]);
}

/* Row means of what READ gives. */
static int read_rows(const struct session *s, uint32_t array, double *means)
{
	struct drm_mho_job job = read_job(s, array);
	int ret = run_one(s, &job);
	int i, k;

	for (i = 0; i < ROWS; i++) {
		means[i] = 0;
		for (k = 0; k < COLS; k++)
			means[i] += data_at(s, AT_READ)[i * COLS + k] / (double)COLS;
	}
	return ret;
}

static void test_update(const struct session *s, uint32_t array)
{
	/* Some ten steps for each pair and cell: below the longest train, above the noise. */
	const double rate = 0.02;
	struct drm_mho_job job = vector_job(s, array, DRM_MHO_OP_UPDATE);
	double before[ROWS], after[ROWS], moved = 0;
	int i, ret, wrong = 0;
	uint32_t pulses;

	ret = read_rows(s, array, before);
	check(!ret && error2(data_at(s, AT_READ), data_at(s, AT_WEIGHTS), ROWS * COLS) < 0.01,
	      "READ finds what PROGRAM wrote", "status %d, squared relative error %g", ret,
	      error2(data_at(s, AT_READ), data_at(s, AT_WEIGHTS), ROWS * COLS));

	for (i = 0; i < BATCH * COLS; i++)
		data_at(s, AT_X)[i] = 1;
	for (i = 0; i < BATCH * ROWS; i++)
		data_at(s, AT_Y)[i] = i % 2 ? -1 : 1;
	job.param[0] = bits((float)rate);
	ret = run_one(s, &job);
	pulses = results(s)->result;
	check(!ret && pulses, "UPDATE is done and fired pulses", "status %d, %u pulses", ret,
	      pulses);

	ret = read_rows(s, array, after);
	for (i = 0; i < ROWS; i++) {
		/* W -= rate d x^T */
		double step = (i % 2 ? 1 : -1) * (after[i] - before[i]);

		moved += step / ROWS;
		wrong += step <= 0;
	}
	check(!ret && !wrong, "UPDATE moves every row against its gradient",
	      "status %d, %d rows went the wrong way", ret, wrong);
	check(moved > 0.5 * rate * BATCH && moved < 1.5 * rate * BATCH,
	      "UPDATE moves weights by about its rate", "by %g instead of %g", moved, rate * BATCH);
}

static void test_syncobj(const struct session *s)
{
	struct drm_mho_job nop = { .op = DRM_MHO_OP_NOP };
	struct drm_mho_submit args = submit_args(s, &nop, 1);
	struct drm_mho_sync in = { .flags = DRM_MHO_SYNC_TIMELINE, .point = 7 };
	struct drm_mho_sync out = in;
	uint32_t binary = 0, timeline = 0;
	int early, ret;

	make_syncobj(s->fd, &binary);
	make_syncobj(s->fd, &timeline);
	in.handle = timeline;
	out.handle = timeline;
	args.out_syncs = (uintptr_t)&out;
	args.out_sync_count = 1;

	early = wait_point(s, timeline, 7, 20000000);
	ret = call(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
	check(!ret && early == -ETIME && !wait_point(s, timeline, 7, WAIT_NS) &&
		      results(s)->done == DRM_MHO_RESULT_DONE,
	      "SUBMIT signals a timeline point, and nothing does before", "%s; before: %s",
	      strerror(-ret), strerror(-early));

	out = (struct drm_mho_sync){ .handle = binary };
	args.in_syncs = (uintptr_t)&in;
	args.in_sync_count = 1;
	early = wait_syncobj(s, binary);
	ret = call(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
	check(!ret && early == -EINVAL && !wait_syncobj(s, binary),
	      "SUBMIT waits for a point and signals a binary syncobj", "%s; before: %s",
	      strerror(-ret), strerror(-early));

	out.handle = 0;
	ret = call(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
	check(ret == -ENOENT, "SUBMIT refuses a syncobj that is not there", "%s", strerror(-ret));
}

struct refusal {
	const char *what;
	size_t offset, size; /* the field */
	uint32_t value;
	int want; /* -errno, or a device status */
};

#define FIELD(type, field) \
	.offset = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)

static const struct refusal bad_submits[] = {
	{ "undefined flag", FIELD(drm_mho_submit, flags), 1, -EINVAL },
	{ "pad", FIELD(drm_mho_submit, pad), 1, -EINVAL },
	{ "no jobs", FIELD(drm_mho_submit, job_count), 0, -EINVAL },
	{ "too many jobs", FIELD(drm_mho_submit, job_count), 1U << 30, -E2BIG },
	{ "jobs overlap", FIELD(drm_mho_submit, job_stride), 32, -EINVAL },
	{ "jobs at a bad address", FIELD(drm_mho_submit, jobs), 8, -EFAULT },
	{ "syncobjs, but none", FIELD(drm_mho_submit, in_syncs), 8, -EINVAL },
	{ "too many syncobjs", FIELD(drm_mho_submit, out_sync_count), 65, -EINVAL },
	{ "no such context", FIELD(drm_mho_submit, ctx), 999, -ENOENT },
	{ "no such result buffer", FIELD(drm_mho_submit, result_handle), 999, -ENOENT },
	{ "results not aligned", FIELD(drm_mho_submit, result_offset), 4, -EINVAL },
	{ "results behind the buffer", FIELD(drm_mho_submit, result_offset), 4096, -EINVAL },
};

/* Of an MVM that is right otherwise. */
static const struct refusal bad_jobs[] = {
	{ "unknown operation", FIELD(drm_mho_job, op), 0x7f, -EINVAL },
	{ "undefined flag", FIELD(drm_mho_job, flags), 0x80, -EINVAL },
	{ "pad", FIELD(drm_mho_job, pad), 1, -EINVAL },
	{ "modifier", FIELD(drm_mho_job, modifier), 1, -EINVAL },
	{ "parameter 0", FIELD(drm_mho_job, param[0]), 1, -EINVAL },
	{ "parameter 1", FIELD(drm_mho_job, param[1]), 1, -EINVAL },
	{ "no such array", FIELD(drm_mho_job, array), 999, -ENOENT },
	{ "no such operand a", FIELD(drm_mho_job, a.handle), 999, -ENOENT },
	{ "no such operand b", FIELD(drm_mho_job, b.handle), 999, -ENOENT },
	{ "a behind the buffer", FIELD(drm_mho_job, a.offset), DATA_SIZE, MHO_HW_ST_KEY_RANGE },
	{ "b reaches beyond it", FIELD(drm_mho_job, b.offset), DATA_SIZE - 4, MHO_HW_ST_KEY_RANGE },
	{ "a not aligned", FIELD(drm_mho_job, a.offset), 2, MHO_HW_ST_MISALIGNED },
	{ "stride too small", FIELD(drm_mho_job, a.stride), 4, MHO_HW_ST_BAD_STRIDE },
	{ "no vectors", FIELD(drm_mho_job, batch), 0, MHO_HW_ST_BAD_BATCH },
	{ "unknown type", FIELD(drm_mho_job, a_type), 9, MHO_HW_ST_BAD_TYPE },
	{ "scale 0", FIELD(drm_mho_job, b_scale), 0, MHO_HW_ST_BAD_SCALE },
};

/* Fields are little-endian, as all machines are that mho runs on. */
static void spoil(void *args, const struct refusal *refusal)
{
	uint64_t value = refusal->value;

	memcpy((char *)args + refusal->offset, &value, refusal->size);
}

static void test_refusals(const struct session *s, uint32_t array)
{
	struct drm_mho_job good = vector_job(s, array, DRM_MHO_OP_MVM), job;
	struct drm_mho_submit args;
	char name[80];
	size_t i;
	int ret;

	for (i = 0; i < sizeof(bad_submits) / sizeof(*bad_submits); i++) {
		args = submit_args(s, &good, 1);
		spoil(&args, &bad_submits[i]);
		ret = call(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
		snprintf(name, sizeof(name), "SUBMIT is refused: %s", bad_submits[i].what);
		check(ret == bad_submits[i].want, name, "%d instead of %d", ret,
		      bad_submits[i].want);
	}
	for (i = 0; i < sizeof(bad_jobs) / sizeof(*bad_jobs); i++) {
		job = good;
		spoil(&job, &bad_jobs[i]);
		ret = run_one(s, &job);
		snprintf(name, sizeof(name), "job is refused: %s", bad_jobs[i].what);
		check(ret == bad_jobs[i].want, name, "0x%x instead of 0x%x", (unsigned int)ret,
		      (unsigned int)bad_jobs[i].want);
	}
	ret = run_one(s, &good);
	check(!ret, "a good job is done after all that", "status %d", ret);
}

/* The status of the fence in a syncobj: 1 signalled, 0 not yet, or its error. */
static int fence_status(const struct session *s, uint32_t handle)
{
	struct drm_syncobj_handle args = { .handle = handle,
					   .flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
					   .fd = -1 };
	struct sync_file_info info = { 0 };
	int ret = call(s->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	if (ret)
		return ret;
	ret = call(args.fd, SYNC_IOC_FILE_INFO, &info);
	close(args.fd);
	return ret ? ret : info.status;
}

static void test_not_finite(const struct session *s, uint32_t array)
{
	struct drm_mho_job jobs[2] = { vector_job(s, array, DRM_MHO_OP_MVM),
				       { .op = DRM_MHO_OP_NOP } };
	const struct drm_mho_result *result = results(s);
	const unsigned int place = COLS + 3;
	int ret, fence;

	fill(data_at(s, AT_X), BATCH * COLS, 1, 4);
	data_at(s, AT_X)[place] = __builtin_nanf("");
	memset(data_at(s, AT_Y), 0, BATCH * ROWS * sizeof(float));
	ret = run(s, jobs, 2);
	fence = fence_status(s, s->done);
	check(!ret && result->done == DRM_MHO_RESULT_DONE &&
		      result->status == MHO_HW_ST_NOT_FINITE && result->detail == place &&
		      !result->result,
	      "NaN: the result says NOT_FINITE, and where",
	      "%s, status 0x%x, operand %u, element %u", strerror(-ret),
	      (unsigned int)result->status, result->result, result->detail);
	check(all_zero(data_at(s, AT_Y), BATCH * ROWS), "NaN: nothing is written", "first %g",
	      data_at(s, AT_Y)[0]);
	check(result[1].done == DRM_MHO_RESULT_DONE && !result[1].status,
	      "NaN: the other job of the SUBMIT is done", "status %d", result[1].status);
	check(fence == -EDOM, "NaN: the fence carries EDOM", "its status is %d", fence);
	ret = run_one(s, &jobs[1]);
	fence = fence_status(s, s->done);
	check(!ret && fence == 1, "the next SUBMIT has no error", "status %d, fence %d", ret,
	      fence);
}

/* Makes small arrays; the last one's handle. */
static uint32_t make_small(const struct session *s, int count)
{
	struct drm_mho_array_create args = { 0 };
	int ret = 0;

	while (!ret && count--) {
		args = array_args(BLOCK, BLOCK);
		ret = call(s->fd, DRM_IOCTL_MHO_ARRAY_CREATE, &args);
	}
	return ret ? 0 : args.handle;
}

/* The owner has more of everything, so that its last handles mean nothing to the other file. */
static void test_isolation(const struct session *owner)
{
	struct session other = open_session();
	uint32_t theirs = make_small(owner, 2), own = make_small(&other, 1);
	struct buffer extra = { 0 };
	struct drm_mho_submit args;
	struct drm_mho_job job;
	int ret;

	make_buffer(owner->fd, 4096, &extra);
	check(own && theirs && own != theirs && extra.handle > other.results.handle,
	      "two open files have arrays and buffers", "arrays %u and %u, buffer %u", theirs, own,
	      extra.handle);
	job = read_job(&other, own);
	ret = run_one(&other, &job);
	check(!ret, "the second file can use its own", "status %d", ret);
	job.array = theirs;
	ret = run_one(&other, &job);
	check(ret == -ENOENT, "it cannot use the first one's array", "status %d", ret);
	check(destroy_array(&other, theirs) == -ENOENT, "nor destroy it", "it could");
	job.array = own;
	job.b.handle = extra.handle;
	job.b.offset = 0;
	ret = run_one(&other, &job);
	check(ret == -ENOENT, "nor use its buffer", "status %d", ret);
	job = read_job(&other, own);
	args = submit_args(&other, &job, 1);
	args.result_handle = extra.handle;
	ret = call(other.fd, DRM_IOCTL_MHO_SUBMIT, &args);
	check(ret == -ENOENT, "nor have its results there", "%s", strerror(-ret));
	job = read_job(owner, theirs);
	ret = run_one(owner, &job);
	check(!ret, "the first file can still use its array", "status %d", ret);
	close_session(&other);
}

static int find_named(const struct session *s, uint32_t *handle)
{
	struct drm_mho_array_find args = { .label = LABEL };
	int ret = call(s->fd, DRM_IOCTL_MHO_ARRAY_FIND, &args);

	*handle = args.handle;
	return ret;
}

static void test_named(void)
{
	struct drm_mho_array_create args = array_args(ROWS, COLS);
	struct session s = open_session();
	float weights[ROWS * COLS];
	struct drm_mho_job job;
	uint32_t handle;
	double error;
	int ret;

	args.flags = DRM_MHO_ARRAY_NAMED;
	memcpy(args.label, LABEL, sizeof(LABEL));
	ret = call(s.fd, DRM_IOCTL_MHO_ARRAY_CREATE, &args);
	fill(weights, ROWS * COLS, 0.6F, 5);
	memcpy(data_at(&s, AT_WEIGHTS), weights, sizeof(weights));
	job = program_job(&s, args.handle);
	if (!ret)
		ret = run_one(&s, &job);
	check(!ret, "a named array is made and programmed", "%d", ret);
	close_session(&s);

	s = open_session();
	ret = find_named(&s, &handle);
	check(!ret, "it is found after its file was closed", "%s", strerror(-ret));
	job = read_job(&s, handle);
	ret = run_one(&s, &job);
	error = error2(data_at(&s, AT_READ), weights, ROWS * COLS);
	check(!ret && error < 0.01, "with its weights", "status %d, squared relative error %g", ret,
	      error);
	ret = destroy_array(&s, handle);
	check(!ret, "it can be destroyed", "%s", strerror(-ret));
	ret = find_named(&s, &handle);
	check(ret == -ENOENT, "and is not found any more", "%s", strerror(-ret));
	close_session(&s);
}

int main(void)
{
	struct session s;
	uint32_t array;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n");
	s = open_session();
	test_info(&s);
	array = test_program(&s);
	if (array) {
		test_multiply(&s, array, false);
		test_multiply(&s, array, true);
		test_update(&s, array);
		test_syncobj(&s);
		test_refusals(&s, array);
		test_not_finite(&s, array);
		check(!destroy_array(&s, array), "the array is destroyed", "it is not");
		test_isolation(&s);
	}
	close_session(&s);
	test_named();
	printf("1..%u\n", cases);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
