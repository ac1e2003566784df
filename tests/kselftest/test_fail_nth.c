// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Memory that runs out, and copies from and to the program that fail: of every call each one in turn,
 * until there is none left to fail. After each failure the call has a clean error, nothing has been
 * lost, the same call succeeds, and the device works.
 *
 * Needs a kernel with fault injection: "make test-debug-kernel".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"
#include "mho_test_uring.h"

/* More would be a loop that does not end. */
#define NTH_MAX 8000

/* How often it is looked whether something has gone, and how long in between. */
#define LOOKS 3000
#define LOOK_US 10000
/* Allocations for the node of a device, at most, that the kernel does without. */
#define WITHOUT_NODE 3

#define ROWS 20
#define COLS 24
#define LABEL "fail_nth"
#define MANY 64
#define IMPORT_SIZE 65536

/**
 * struct work - what a call works on
 * @s: open file, of this round
 * @node: path of the node
 * @fd: another descriptor: of a file, a dma-buf
 * @driver: node of vgem
 * @handle: of what the call is about
 * @syncobj: in and out, binary and timeline
 * @array: array of a job that is about a buffer
 * @ring: ring
 * @map: mapping that the call has made
 * @size: its bytes
 */
struct work {
	struct mt_session s;
	char node[64];
	int fd;
	int driver;
	uint32_t handle;
	uint32_t syncobj[4];
	uint32_t array;
	struct mt_ring ring;
	void *map;
	size_t size;
};

/* --- what a file has, and what the device has of all files --- */

struct counts {
	int64_t queues, arrays, tiles, keys;
};

static struct counts count(const struct work *w)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", w->s.fd);
	if (mt_read_text(path, text, sizeof(text)) < 0)
		text[0] = '\0';
	return (struct counts){
		.queues = mt_text_number(text, "mho-queues:"),
		.arrays = mt_text_number(text, "mho-arrays:"),
		.tiles = mt_text_number(text, "mho-tiles:"),
		.keys = mt_text_number(text, "mho-keys:"),
	};
}

/* Keys go behind the program's back, so that it may take a moment. */
static bool counts_return(const struct work *w, const struct counts *wanted)
{
	struct counts now;
	int i;

	for (i = 0; i < LOOKS; i++) {
		now = count(w);
		if (!memcmp(&now, wanted, sizeof(now)))
			return true;
		usleep(LOOK_US);
	}
	return false;
}

/* Files of debugfs that are empty when nobody has the device open. */
static const char *const owned[] = { "clients", "queues", "keys", "arrays" };

/* How many of them are not. */
static int left_in_device(void)
{
	char address[32] = "", path[128], text[256];
	int left = 0;
	size_t i;

	sscanf(mt_card_path(""), "/sys/bus/pci/devices/%31[^/]", address);
	for (i = 0; i < MT_ARRAY_SIZE(owned); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/accel/%s/%s", address, owned[i]);
		if (mt_read_text(path, text, sizeof(text)))
			left++;
	}
	return left;
}

/* --- calls; each has a function that gets things ready for it, and may have one that cleans up --- */

static int call_open(struct work *w)
{
	w->fd = open(w->node, O_RDWR | O_CLOEXEC);
	return w->fd < 0 ? -errno : 0;
}

static void undo_fd(struct work *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* Another file with some of everything, whose end is what may fail. */
static int ready_close(struct work *w)
{
	struct mt_session s;
	struct drm_mho_job nop = mt_job_nop();
	uint32_t array;
	int ret = mt_session_open(&s);

	if (!ret)
		ret = mt_array_create(s.fd, ROWS, COLS, &array);
	if (!ret)
		ret = mt_submit(&s, &nop, 1);
	munmap(s.data.map, s.data.size);
	munmap(s.results.map, s.results.size);
	w->fd = s.fd;
	return ret;
}

static int call_close(struct work *w)
{
	int fd = w->fd;

	w->fd = -1;
	return fd >= 0 && close(fd) ? -errno : 0;
}

static int call_ctx_create(struct work *w)
{
	return mt_ctx_create(w->s.fd, &w->handle);
}

static void undo_ctx(struct work *w)
{
	if (w->handle)
		mt_ctx_destroy(w->s.fd, w->handle);
}

static int call_ctx_destroy(struct work *w)
{
	return mt_ctx_destroy(w->s.fd, w->handle);
}

static int call_ctx_reset(struct work *w)
{
	struct drm_mho_reset args = { .scope = DRM_MHO_RESET_CTX, .ctx = w->s.ctx };

	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_RESET, &args);
}

static int call_device_reset(struct work *w)
{
	struct drm_mho_reset args = { .scope = DRM_MHO_RESET_DEVICE };

	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_RESET, &args);
}

static int call_bo_create(struct work *w)
{
	struct drm_mho_bo_create args = { .size = IMPORT_SIZE };
	int ret = mt_ioctl(w->s.fd, DRM_IOCTL_MHO_BO_CREATE, &args);

	w->handle = ret ? 0 : args.handle;
	return ret;
}

static void undo_bo(struct work *w)
{
	if (w->handle)
		mt_gem_close(w->s.fd, w->handle);
}

static int call_bo_info(struct work *w)
{
	struct drm_mho_bo_info args = { .handle = w->s.data.handle };

	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_BO_INFO, &args);
}

static int call_gem_close(struct work *w)
{
	return mt_gem_close(w->s.fd, w->handle);
}

/* A fault that finds no memory is repeated by the kernel. */
static int map_and_touch(struct work *w, uint64_t offset, size_t size)
{
	w->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, w->s.fd, (off_t)offset);
	if (w->map == MAP_FAILED) {
		w->map = NULL;
		return -errno;
	}
	w->size = size;
	memset(w->map, 0, size);
	return 0;
}

static int call_bo_mmap(struct work *w)
{
	return map_and_touch(w, w->s.data.offset, w->s.data.size);
}

static void undo_map(struct work *w)
{
	if (w->map)
		munmap(w->map, w->size);
}

static int ready_array(struct work *w)
{
	return mt_array_create(w->s.fd, ROWS, COLS, &w->handle);
}

static int call_array_create(struct work *w)
{
	int ret = mt_array_create(w->s.fd, ROWS, COLS, &w->handle);

	if (ret)
		w->handle = 0;
	return ret;
}

static void undo_array(struct work *w)
{
	if (w->handle)
		mt_array_destroy(w->s.fd, w->handle);
}

static int call_array_find(struct work *w)
{
	struct drm_mho_array_find args = { .label = LABEL };
	int ret = mt_ioctl(w->s.fd, DRM_IOCTL_MHO_ARRAY_FIND, &args);

	w->handle = ret ? 0 : args.handle;
	return ret;
}

static int call_array_detach(struct work *w)
{
	struct drm_mho_array_handle args = { .handle = w->handle };

	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_ARRAY_DETACH, &args);
}

static int call_array_create_named(struct work *w)
{
	struct drm_mho_array_create args = mt_array_args(ROWS, COLS);
	int ret;

	args.flags = DRM_MHO_ARRAY_NAMED;
	strcpy((char *)args.label, LABEL);
	ret = mt_ioctl(w->s.fd, DRM_IOCTL_MHO_ARRAY_CREATE, &args);
	w->handle = ret ? 0 : args.handle;
	return ret;
}

static int ready_detached(struct work *w)
{
	int ret = call_array_create_named(w);

	return ret ? ret : call_array_detach(w);
}

/* Its file lets go of it at its end, and so another can take it away. */
static int end_named(struct work *w)
{
	struct work other = { .fd = -1 };
	int ret = mt_session_open(&other.s);

	(void)w;
	if (ret)
		return ret;
	ret = call_array_find(&other);
	if (!ret)
		ret = mt_array_destroy(other.s.fd, other.handle);
	mt_session_close(&other.s);
	return ret == -ENOENT ? 0 : ret;
}

static int call_array_destroy(struct work *w)
{
	return mt_array_destroy(w->s.fd, w->handle);
}

static int call_array_info(struct work *w)
{
	struct drm_mho_array_block blocks[8];
	struct drm_mho_array_info args = { .handle = w->handle,
					   .blocks = (uintptr_t)blocks,
					   .block_count = MT_ARRAY_SIZE(blocks) };

	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &args);
}

static int call_array_tag(struct work *w)
{
	struct drm_mho_array_tag args = { .handle = w->handle, .tag = 5 };

	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_ARRAY_TAG, &args);
}

static int call_window(struct work *w)
{
	struct drm_mho_array_window args = { .handle = w->handle };
	int ret = mt_ioctl(w->s.fd, DRM_IOCTL_MHO_ARRAY_WINDOW, &args);

	return ret ? ret : map_and_touch(w, args.mmap_offset, args.in_size);
}

static void undo_window(struct work *w)
{
	undo_map(w);
	undo_array(w);
}

static int call_submit(struct work *w)
{
	struct drm_mho_job nop = mt_job_nop();

	return mt_submit(&w->s, &nop, 1);
}

static int ready_syncs(struct work *w)
{
	struct drm_syncobj_array signal = { .handles = (uintptr_t)w->syncobj, .count_handles = 1 };
	struct drm_syncobj_timeline_array point = {
		.handles = (uintptr_t)&w->syncobj[1],
		.points = (uintptr_t)(uint64_t[]){ 1 },
		.count_handles = 1,
	};
	int ret = 0;
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(w->syncobj) && !ret; i++)
		ret = mt_syncobj_create(w->s.fd, 0, &w->syncobj[i]);
	if (!ret)
		ret = mt_ioctl(w->s.fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &signal);
	if (!ret)
		ret = mt_ioctl(w->s.fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &point);
	return ret;
}

/* What a job waits for, and what it signals. */
struct syncs {
	struct drm_mho_sync in[2];
	struct drm_mho_sync out[2];
};

static struct syncs syncs_of(const struct work *w)
{
	/* Points only grow, whatever has failed before. */
	static uint64_t point;

	return (struct syncs){
		.in = { { .handle = w->syncobj[0] },
			{ .handle = w->syncobj[1], .flags = DRM_MHO_SYNC_TIMELINE, .point = 1 } },
		.out = { { .handle = w->syncobj[2] },
			 { .handle = w->syncobj[3],
			   .flags = DRM_MHO_SYNC_TIMELINE,
			   .point = ++point } },
	};
}

static int call_submit_syncs(struct work *w)
{
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(&w->s, &nop, 1);
	struct syncs syncs = syncs_of(w);

	args.in_syncs = (uintptr_t)syncs.in;
	args.in_sync_count = MT_ARRAY_SIZE(syncs.in);
	args.out_syncs = (uintptr_t)syncs.out;
	args.out_sync_count = MT_ARRAY_SIZE(syncs.out);
	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_SUBMIT, &args);
}

/* More than a page of commands, with arrays and buffers. */
static int call_submit_many(struct work *w)
{
	struct drm_mho_job jobs[MANY];
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++)
		jobs[i] = mt_job_vectors(&w->s, w->handle, DRM_MHO_OP_MVM, 1);
	return mt_submit(&w->s, jobs, MT_ARRAY_SIZE(jobs));
}

/* Who submitted waits, so that what is destroyed next is not busy. */
static void undo_submit(struct work *w)
{
	struct drm_mho_job nop = mt_job_nop();

	mt_run(&w->s, &nop, 1);
	undo_array(w);
}

static int call_export(struct work *w)
{
	w->fd = mt_prime_export(w->s.fd, w->s.data.handle);
	return w->fd < 0 ? w->fd : 0;
}

static int ready_import(struct work *w)
{
	uint32_t handle;
	int ret;

	w->driver = mt_vgem_open();
	if (w->driver < 0)
		return w->driver;
	ret = mt_vgem_buffer(w->driver, IMPORT_SIZE, &handle);
	if (ret)
		return ret;
	w->fd = mt_prime_export(w->driver, handle);
	return w->fd < 0 ? w->fd : 0;
}

static int call_import(struct work *w)
{
	int ret = mt_prime_import(w->s.fd, w->fd, &w->handle);

	if (ret)
		w->handle = 0;
	return ret;
}

static void undo_import(struct work *w)
{
	undo_bo(w);
	undo_fd(w);
	close(w->driver);
}

/* The first job that names it makes its key, which stays with the handle. */
static int ready_imported(struct work *w)
{
	int ret = ready_import(w);

	if (!ret)
		ret = mt_prime_import(w->s.fd, w->fd, &w->handle);
	if (!ret)
		ret = mt_array_create(w->s.fd, ROWS, COLS, &w->array);
	return ret;
}

static int call_submit_imported(struct work *w)
{
	struct drm_mho_job job = mt_job_vectors(&w->s, w->array, DRM_MHO_OP_MVM, 1);

	job.a = (struct drm_mho_operand){ .handle = w->handle };
	job.b = (struct drm_mho_operand){ .handle = w->handle, .offset = IMPORT_SIZE / 2 };
	return mt_submit(&w->s, &job, 1);
}

static void undo_submit_imported(struct work *w)
{
	struct drm_mho_job nop = mt_job_nop();

	mt_run(&w->s, &nop, 1);
	mt_array_destroy(w->s.fd, w->array);
	undo_import(w);
}

/* Some of all that a sequence holds: an array, buffers, results, copies for each run. */
static int call_prepare(struct work *w)
{
	struct drm_mho_prepared_job jobs[2] = {
		{ .job = mt_job_vectors(&w->s, w->array, DRM_MHO_OP_MVM, 1) },
		{ .job = mt_job_nop() },
	};
	struct drm_mho_prepare args = {
		.ctx = w->s.ctx,
		.jobs = (uintptr_t)jobs,
		.job_count = MT_ARRAY_SIZE(jobs),
		.job_stride = sizeof(jobs[0]),
		.runs = 4,
		.a_slots = 1,
		.b_slots = 1,
		.result_slots = 4,
		.result_handle = w->s.results.handle,
	};
	int ret = mt_ioctl(w->s.fd, DRM_IOCTL_MHO_PREPARE, &args);

	w->handle = ret ? 0 : args.handle;
	return ret;
}

static int call_unprepare(struct work *w)
{
	struct drm_mho_unprepare args = { .handle = w->handle };

	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_UNPREPARE, &args);
}

static int ready_prepare(struct work *w)
{
	return mt_array_create(w->s.fd, ROWS, COLS, &w->array);
}

static int ready_prepared(struct work *w)
{
	int ret = ready_prepare(w);

	return ret ? ret : call_prepare(w);
}

static void undo_prepare(struct work *w)
{
	if (w->handle)
		call_unprepare(w);
	mt_array_destroy(w->s.fd, w->array);
}

static void undo_unprepare(struct work *w)
{
	mt_array_destroy(w->s.fd, w->array);
}

/* --- the same by io_uring --- */

static int ready_ring(struct work *w)
{
	return mt_ring_open(&w->ring, 8, IORING_SETUP_SQE128);
}

/*
 * What is in the ring, as one call: the result of the command, or why it was not taken. What fails
 * while its completion is waited for, the program's copy of how long, has nothing to do with it.
 */
static int ring_call(struct work *w)
{
	struct mt_cqe cqe;
	int ret = mt_ring_submit(&w->ring);

	if (ret) {
		mt_ring_drop(&w->ring);
		/* io_uring's words for no memory for a request. */
		return ret == -EAGAIN ? -ENOMEM : ret;
	}
	ret = mt_ring_wait(&w->ring, &cqe);
	if (ret == -EFAULT)
		ret = mt_ring_wait(&w->ring, &cqe);
	return ret ? ret : cqe.res;
}

static int call_uring_job(struct work *w)
{
	struct drm_mho_uring_ext ext = { .result_handle = w->s.results.handle };
	struct drm_mho_job nop = mt_job_nop();

	mt_ring_job(&w->ring, &w->s, &nop, &ext, 0);
	return ring_call(w);
}

static void undo_ring(struct work *w)
{
	undo_submit(w);
	mt_ring_close(&w->ring);
}

static int ready_ring_syncs(struct work *w)
{
	int ret = ready_ring(w);

	return ret ? ret : ready_syncs(w);
}

static int call_uring_syncs(struct work *w)
{
	struct drm_mho_job nop = mt_job_nop();
	struct syncs syncs = syncs_of(w);
	struct drm_mho_uring_ext ext = {
		.in_syncs = (uintptr_t)syncs.in,
		.in_sync_count = MT_ARRAY_SIZE(syncs.in),
		.out_syncs = (uintptr_t)syncs.out,
		.out_sync_count = MT_ARRAY_SIZE(syncs.out),
	};

	mt_ring_job(&w->ring, &w->s, &nop, &ext, 0);
	return ring_call(w);
}

static int ready_ring_array(struct work *w)
{
	int ret = ready_ring(w);

	return ret ? ret : ready_array(w);
}

static int call_uring_many(struct work *w)
{
	struct drm_mho_job jobs[MANY] = { 0 };
	struct drm_mho_submit args = mt_submit_args(&w->s, jobs, MT_ARRAY_SIZE(jobs));
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++)
		jobs[i] = mt_job_vectors(&w->s, w->handle, DRM_MHO_OP_MVM, 1);
	mt_ring_batch(&w->ring, &w->s, &args, 0);
	return ring_call(w);
}

static int ready_ring_prepared(struct work *w)
{
	int ret = ready_ring(w);

	return ret ? ret : ready_prepared(w);
}

static int call_uring_run(struct work *w)
{
	struct drm_mho_uring_run run = { .handle = w->handle };

	mt_ring_run(&w->ring, &w->s, &run, 0);
	return ring_call(w);
}

static void undo_ring_prepared(struct work *w)
{
	struct drm_mho_job nop = mt_job_nop();

	mt_run(&w->s, &nop, 1);
	undo_prepare(w);
	mt_ring_close(&w->ring);
}

static int ready_ring_registered(struct work *w)
{
	struct iovec buffer = { .iov_len = MT_DATA_SIZE };
	int ret = ready_ring_array(w);

	if (ret)
		return ret;
	w->map = mmap(NULL, MT_DATA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (w->map == MAP_FAILED) {
		w->map = NULL;
		return -errno;
	}
	w->size = MT_DATA_SIZE;
	buffer.iov_base = w->map;
	return mt_ring_register(&w->ring, IORING_REGISTER_BUFFERS, &buffer, 1);
}

static int call_uring_registered(struct work *w)
{
	struct drm_mho_uring_job args = {
		.job = mt_job_vectors(&w->s, w->handle, DRM_MHO_OP_MVM, 1),
		.ctx = w->s.ctx,
		.flags = DRM_MHO_URING_A_FIXED | DRM_MHO_URING_B_FIXED,
	};
	struct io_uring_sqe *sqe;

	args.job.a = (struct drm_mho_operand){ .offset = (uintptr_t)w->map };
	args.job.b = (struct drm_mho_operand){ .offset = (uintptr_t)w->map + MT_DATA_SIZE / 2 };
	sqe = mt_ring_cmd(&w->ring, w->s.fd, DRM_URING_MHO_JOB, &args, sizeof(args), 0);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	return ring_call(w);
}

/* The first such job of a file makes memory and a key, which stay until the file is closed. */
static int ready_ring_used(struct work *w)
{
	int ret = ready_ring_registered(w);

	return ret ? ret : call_uring_registered(w);
}

static int call_uring_registered_first(struct work *w)
{
	return call_uring_registered(w);
}

static void undo_ring_registered(struct work *w)
{
	undo_ring(w);
	undo_map(w);
}

static int end_file(struct work *w)
{
	(void)w;
	return 0;
}

/* --- questions --- */

static int query(struct work *w, uint32_t type, uint32_t id)
{
	char answer[8192];
	int ret = mt_query(w->s.fd, type, id, answer, sizeof(answer));

	return ret < 0 ? ret : 0;
}

static int call_query_info(struct work *w)
{
	return query(w, DRM_MHO_QUERY_INFO, 0);
}

static int call_query_topology(struct work *w)
{
	return query(w, DRM_MHO_QUERY_TOPOLOGY, 0);
}

static int call_query_firmware(struct work *w)
{
	return query(w, DRM_MHO_QUERY_FIRMWARE, 0);
}

static int call_query_telemetry(struct work *w)
{
	return query(w, DRM_MHO_QUERY_TELEMETRY, 0);
}

static int call_query_tile(struct work *w)
{
	return query(w, DRM_MHO_QUERY_TILE, 0);
}

static int call_query_log(struct work *w)
{
	return query(w, DRM_MHO_QUERY_LOG, 0);
}

static int call_query_ctx(struct work *w)
{
	return query(w, DRM_MHO_QUERY_CTX, w->s.ctx);
}

static int call_selftest(struct work *w)
{
	struct drm_mho_selftest args = { 0 };

	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_SELFTEST, &args);
}

static int call_calibrate(struct work *w)
{
	struct drm_mho_calibrate args = { .tile = 0 };

	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_CALIBRATE, &args);
}

static int call_fdinfo(struct work *w)
{
	char path[64], text[4096];
	ssize_t ret;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", w->s.fd);
	ret = mt_read_text(path, text, sizeof(text));
	return ret < 0 ? (int)ret : 0;
}

static int call_sysfs(struct work *w)
{
	static const char *const names[] = { "uevent", "firmware_version", "wedged" };
	char text[4096];
	ssize_t ret = 0;
	size_t i;

	(void)w;
	for (i = 0; i < MT_ARRAY_SIZE(names) && ret >= 0; i++) {
		ret = mt_read_text(mt_card_path(names[i]), text, sizeof(text));
		if (ret == -ENOENT)
			ret = 0;
	}
	return ret < 0 ? (int)ret : 0;
}

/* --- the loop --- */

FIXTURE(fail)
{
	struct work w;
	struct counts start;
	unsigned int failures;
};

/*
 * ready: after it the call can be made; undo: makes the file what it was before; end: takes away what
 * outlives the file; keeps: what a call that failed has made for later is no loss; stride: of a
 * call with thousands of allocations that are alike, not each one fails.
 */
FIXTURE_VARIANT(fail)
{
	int (*ready)(struct work * w);
	int (*call)(struct work * w);
	void (*undo)(struct work * w);
	int (*end)(struct work * w);
	bool keeps;
	unsigned int stride;
};

#define CALL(name, ...)                          \
	FIXTURE_VARIANT_ADD(fail, name)          \
	{                                        \
		.call = call_##name, __VA_ARGS__ \
	}

CALL(open, .undo = undo_fd);
CALL(close, .ready = ready_close);
CALL(ctx_create, .undo = undo_ctx);
CALL(ctx_destroy, .ready = call_ctx_create);
CALL(ctx_reset, .undo = NULL);
CALL(device_reset, .ready = ready_array, .undo = undo_array);
CALL(bo_create, .undo = undo_bo);
CALL(bo_info, .undo = NULL);
CALL(bo_mmap, .undo = undo_map);
CALL(gem_close, .ready = call_bo_create);
CALL(array_create, .undo = undo_array);
CALL(array_create_named, .end = end_named);
CALL(array_find, .ready = ready_detached, .end = end_named);
CALL(array_detach, .ready = call_array_create_named, .end = end_named);
CALL(array_destroy, .ready = ready_array);
CALL(array_info, .ready = ready_array, .undo = undo_array);
CALL(array_tag, .ready = ready_array, .undo = undo_array);
CALL(window, .ready = ready_array, .undo = undo_window);
CALL(submit, .undo = undo_submit);
CALL(submit_syncs, .ready = ready_syncs, .undo = undo_submit);
CALL(submit_many, .ready = ready_array, .undo = undo_submit);
CALL(submit_imported, .ready = ready_imported, .undo = undo_submit_imported, .keeps = true);
CALL(prepare, .ready = ready_prepare, .undo = undo_prepare);
CALL(unprepare, .ready = ready_prepared, .undo = undo_unprepare);
CALL(uring_job, .ready = ready_ring, .undo = undo_ring);
CALL(uring_syncs, .ready = ready_ring_syncs, .undo = undo_ring);
CALL(uring_many, .ready = ready_ring_array, .undo = undo_ring);
CALL(uring_run, .ready = ready_ring_prepared, .undo = undo_ring_prepared);
CALL(uring_registered, .ready = ready_ring_used, .undo = undo_ring_registered, .end = end_file);
CALL(uring_registered_first, .ready = ready_ring_registered, .undo = undo_ring_registered,
     .end = end_file, .keeps = true, .stride = 31);
CALL(export, .undo = undo_fd);
CALL(import, .ready = ready_import, .undo = undo_import);
CALL(query_info, .undo = NULL);
CALL(query_topology, .undo = NULL);
CALL(query_firmware, .undo = NULL);
CALL(query_telemetry, .undo = NULL);
CALL(query_tile, .undo = NULL);
CALL(query_log, .undo = NULL);
CALL(query_ctx, .undo = NULL);
CALL(selftest, .undo = NULL);
CALL(calibrate, .undo = NULL);
CALL(fdinfo, .undo = NULL);
CALL(sysfs, .undo = NULL);

FIXTURE_SETUP(fail)
{
	int ret = mt_fail_init();

	if (ret == -EOPNOTSUPP)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, left_in_device());
}

FIXTURE_TEARDOWN(fail)
{
}

/* No memory, in shmem's words, too; or a pointer of the program's that leads nowhere. */
static bool clean(int ret)
{
	return ret == -ENOMEM || ret == -ENOSPC || ret == -EFAULT;
}

/*
 * The last copy of an ioctl takes back its arguments: what it did is done, and only the program does
 * not know of it.
 */
static bool done_already(int first, int second)
{
	return first == -EFAULT && (second == -ENOENT || second == -EEXIST);
}

TEST_F(fail, each)
{
	struct drm_mho_job nop = mt_job_nop();
	struct work *w = &self->w;
	struct counts before;
	int ret, again, hit = 1;
	unsigned int n;

	for (n = 1; hit; n += variant->stride ? variant->stride : 1) {
		ASSERT_GT(NTH_MAX, n);
		memset(w, 0, sizeof(*w));
		w->fd = -1;
		snprintf(w->node, sizeof(w->node), "%s", mt_node());
		ASSERT_EQ(0, mt_session_open(&w->s));
		self->start = count(w);
		if (variant->ready)
			ASSERT_EQ(0, variant->ready(w));
		before = count(w);
		ASSERT_EQ(0, mt_fail_arm(n));
		ret = variant->call(w);
		hit = mt_fail_disarm();
		ASSERT_LE(0, hit);
		if (ret) {
			self->failures++;
			EXPECT_TRUE(hit && clean(ret)) TH_LOG("failure %u: %d", n, ret);
			EXPECT_TRUE(ret == -EFAULT || variant->keeps || counts_return(w, &before))
			TH_LOG("failure %u, %d: something is lost", n, ret);
			again = variant->call(w);
			EXPECT_TRUE(!again || done_already(ret, again))
			TH_LOG("failure %u, %d; then: %d", n, ret, again);
		}
		if (variant->undo)
			variant->undo(w);
		if (ret != -EFAULT && !variant->end)
			EXPECT_TRUE(counts_return(w, &self->start))
		TH_LOG("failure %u, %d: something is lost at the end", n, ret);
		EXPECT_EQ(0, mt_run_one(&w->s, &nop));
		mt_session_close(&w->s);
		if (variant->end)
			ASSERT_EQ(0, variant->end(w));
		ASSERT_EQ(0, left_in_device()) TH_LOG("failure %u: %d", n, ret);
	}
	TH_LOG("up to number %u, %u errors", n, self->failures);
	EXPECT_EQ(0, mt_works());
}

/* --- the driver comes and goes --- */

FIXTURE(driver)
{
	char address[32];
};

FIXTURE_SETUP(driver)
{
	int ret = mt_fail_init();

	if (ret == -EOPNOTSUPP)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, mt_node_wait(true));
	sscanf(mt_card_path(""), "/sys/bus/pci/devices/%31[^/]", self->address);
}

FIXTURE_TEARDOWN(driver)
{
	EXPECT_EQ(0, mt_repair());
}

static int tell_driver(const char *what, const char *address, unsigned int n, int *hit)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/mho/%s", what);
	ret = mt_fail_arm(n);
	if (ret)
		return ret;
	ret = mt_write_file(path, address);
	*hit = mt_fail_disarm();
	return ret;
}

/* Hundreds of boots of the card. */
TEST_F_TIMEOUT(driver, bind, 900)
{
	unsigned int n, failures = 0, without_node = 0;
	int ret, hit = 1;

	ASSERT_EQ(0, mt_unbind());
	/* DRM puts the error that this returns as if it were a device (6.12). */
	ASSERT_EQ(0, mt_fail_spare("drm_sysfs_minor_alloc"));
	/* An interrupt's files in proc may fail to be made, and are missed when it goes (6.12). */
	ASSERT_EQ(0, mt_log_expect("remove_proc_entry+"));
	for (n = 1; hit; n++) {
		ASSERT_GT(NTH_MAX, n);
		ret = tell_driver("bind", self->address, n, &hit);
		ASSERT_LE(0, hit);
		if (ret) {
			failures++;
			EXPECT_EQ(1, hit);
			EXPECT_EQ(NULL, mt_node());
			continue;
		}
		/* The kernel goes on where devtmpfs has no memory for a node. */
		without_node += hit && !mt_node();
		if (!hit || mt_node())
			ASSERT_EQ(0, mt_node_wait(true)) TH_LOG("failure %u", n);
		ASSERT_EQ(0, mt_unbind());
	}
	TH_LOG("%u to fail, %u errors, %u without a node", n - 2, failures, without_node);
	EXPECT_GE(WITHOUT_NODE, without_node);
	ASSERT_EQ(0, mt_bind());
	EXPECT_EQ(0, mt_works());
}

/* Before the driver is asked writing may fail; then it leaves, whatever it finds. */
TEST_F_TIMEOUT(driver, unbind, 300)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_session s;
	unsigned int n;
	int ret, hit = 1;

	for (n = 1; hit; n++) {
		ASSERT_GT(NTH_MAX, n);
		ASSERT_EQ(0, mt_node_wait(true));
		ASSERT_EQ(0, mt_session_open(&s));
		ASSERT_EQ(0, mt_submit(&s, &nop, 1));
		ret = tell_driver("unbind", self->address, n, &hit);
		ASSERT_LE(0, hit);
		if (ret) {
			EXPECT_TRUE(hit && clean(ret)) TH_LOG("failure %u: %d", n, ret);
			EXPECT_NE(NULL, mt_node());
			ASSERT_EQ(0, mt_unbind());
		}
		EXPECT_EQ(NULL, mt_node());
		ASSERT_EQ(0, mt_bind());
		mt_session_close(&s);
	}
	TH_LOG("%u to fail", n - 2);
	EXPECT_EQ(0, mt_works());
}

MHO_TEST_MAIN
