// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The card as vm_bench uses it: the driver's ioctls and nothing between, so that what is measured
 * is the driver. Whatever fails ends the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm_bench.h"

#define DEVICE "/dev/accel/accel0"
#define WAIT_NS (60 * NS_PER_S)
#define AT_Y (BATCH_LARGE * DIM_LARGE * sizeof(float))

static uint32_t bits(float value)
{
	uint32_t word;

	memcpy(&word, &value, sizeof(word));
	return word;
}

/**
 * card_call() - an ioctl
 * @card: card
 * @request: which
 * @args: its arguments
 *
 * Return: 0 or -errno.
 */
int card_call(const struct card *card, unsigned long request, void *args)
{
	return ioctl(card->fd, request, args) ? -errno : 0;
}

static void call(const struct card *card, unsigned long request, void *args, const char *what)
{
	int ret = card_call(card, request, args);

	if (ret)
		die("%s: %s", what, strerror(-ret));
}

static void make_buffer(const struct card *card, uint64_t size, struct buffer *buffer)
{
	struct drm_mho_bo_create args = { .size = size };

	call(card, DRM_IOCTL_MHO_BO_CREATE, &args, "BO_CREATE");
	buffer->handle = args.handle;
	buffer->size = args.size;
	buffer->map = mmap(NULL, args.size, PROT_READ | PROT_WRITE, MAP_SHARED, card->fd,
			   (off_t)args.mmap_offset);
	if (buffer->map == MAP_FAILED)
		die("mmap of a buffer: %s", strerror(errno));
}

/**
 * card_add_sync() - another binary syncobj
 * @card: open card
 *
 * Return: its handle.
 */
uint32_t card_add_sync(const struct card *card)
{
	struct drm_syncobj_create sync = { 0 };

	call(card, DRM_IOCTL_SYNCOBJ_CREATE, &sync, "SYNCOBJ_CREATE");
	return sync.handle;
}

/**
 * card_open() - open the device, with a context and buffers
 * @card: filled
 * @priority: of the context
 */
void card_open(struct card *card, uint32_t priority)
{
	struct drm_mho_ctx_create ctx = { .priority = priority };

	*card = (struct card){ .fd = open(DEVICE, O_RDWR | O_CLOEXEC) };
	if (card->fd < 0)
		die(DEVICE ": %s", strerror(errno));
	call(card, DRM_IOCTL_MHO_CTX_CREATE, &ctx, "CTX_CREATE");
	card->ctx = ctx.handle;
	card->done = card_add_sync(card);
	make_buffer(card, 2 * AT_Y, &card->data);
	make_buffer(card, 4096, &card->results);
}

/**
 * card_add_array() - a square array, all weights zero
 * @card: open card
 * @dim: rows and columns
 */
void card_add_array(struct card *card, uint32_t dim)
{
	struct drm_mho_array_create args = { .rows = dim, .cols = dim, .technology = DRM_MHO_ALL };
	float *x = card->data.map;
	size_t i;

	call(card, DRM_IOCTL_MHO_ARRAY_CREATE, &args,
	     "ARRAY_CREATE (TOPOLOGY= must have tiles of 256 x 256)");
	card->array = args.handle;
	card->dim = dim;
	/* The device spares itself inputs that are zero. */
	for (i = 0; i < AT_Y / sizeof(*x); i++)
		x[i] = (float)(i % 7 + 1) / 8;
}

/**
 * card_close() - give all back
 * @card: card
 */
void card_close(struct card *card)
{
	munmap(card->data.map, card->data.size);
	munmap(card->results.map, card->results.size);
	close(card->fd);
}

/**
 * card_mvm() - a multiplication with the array
 * @card: card with an array
 * @batch: vectors, at most BATCH_LARGE
 *
 * Return: the job.
 */
struct drm_mho_job card_mvm(const struct card *card, uint32_t batch)
{
	return (struct drm_mho_job){
		.op = DRM_MHO_OP_MVM,
		.array = card->array,
		.batch = batch,
		.a_type = DRM_MHO_TYPE_F32,
		.b_type = DRM_MHO_TYPE_F32,
		.a = { .handle = card->data.handle },
		.b = { .handle = card->data.handle, .offset = AT_Y },
		.a_scale = bits(1),
		.b_scale = bits(1),
	};
}

/**
 * card_submit() - hand jobs to the driver
 * @card: card
 * @jobs: jobs
 * @count: their number
 * @sync: syncobj for card_wait(), or 0
 */
void card_submit(const struct card *card, const struct drm_mho_job *jobs, unsigned int count,
		 uint32_t sync)
{
	struct drm_mho_sync out = { .handle = sync };
	struct drm_mho_submit args = { .ctx = card->ctx,
				       .jobs = (uintptr_t)jobs,
				       .job_count = count,
				       .job_stride = sizeof(*jobs) };

	if (sync) {
		args.out_syncs = (uintptr_t)&out;
		args.out_sync_count = 1;
	}
	if (count * sizeof(struct drm_mho_result) <= card->results.size)
		args.result_handle = card->results.handle;
	call(card, DRM_IOCTL_MHO_SUBMIT, &args, "SUBMIT");
}

/**
 * card_wait() - wait for the last submission that signals
 * @card: card
 * @sync: what it signals
 */
void card_wait(const struct card *card, uint32_t sync)
{
	struct drm_syncobj_wait args = { .handles = (uintptr_t)&sync,
					 .count_handles = 1,
					 .timeout_nsec = now_ns() + WAIT_NS };

	call(card, DRM_IOCTL_SYNCOBJ_WAIT, &args, "SYNCOBJ_WAIT");
}

/**
 * card_status() - how the first job of the last submission ended
 * @card: card
 *
 * Return: its status, 0 if it was done.
 */
int32_t card_status(const struct card *card)
{
	const struct drm_mho_result *result = card->results.map;

	return __atomic_load_n(&result->done, __ATOMIC_ACQUIRE) == DRM_MHO_RESULT_DONE ?
		       result->status :
		       -EINPROGRESS;
}
