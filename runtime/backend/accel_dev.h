/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The inside of the "accel:" backend: a card behind the kernel driver mho.ko, by the
 * ioctls and io_uring commands of drm/mho_accel.h. One open file a device, one of the
 * driver's contexts a queue. Nothing here knows registers or commands of the card.
 *
 *	accel.c		open, close, errors of ioctls
 *	accel_find.c	which node a URI means; what is missing if there is none
 *	accel_info.c	identity, telemetry, log, self-test
 *	accel_object.c	buffers and arrays
 *	accel_queue.c	queues: making and ending them, what both ways in share
 *	accel_submit.c	the way in by ioctls: handing jobs over
 *	accel_reap.c	the way in by ioctls: taking results back, waiting
 *	accel_uring.c	the way in by io_uring
 *	accel_ring.c	the io_uring of a queue
 *	accel_prepared.c	jobs that come again
 *	accel_seq.c	sequences of jobs
 *	accel_fence.c	fences as descriptors
 *	accel_event.c	how a queue's owner is told
 *	accel_cmd.c	the library's commands as the driver's jobs
 *	accel_trace.c	what the driver's tracepoints call things
 */
#ifndef MHO_BACKEND_ACCEL_DEV_H
#define MHO_BACKEND_ACCEL_DEV_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "core/list.h"
#include "drm/mho_accel.h"

/**
 * struct accelb_dev - an open card
 * @base: for the library
 * @log: where messages go
 * @fd: the open node
 * @io: enum mho_io that the program asked for
 * @depth_max: deepest context
 * @info: what it is, for the program
 * @blob: its topology
 * @blob_len: bytes of it
 * @lock: of @caches
 * @caches: what queues have prepared, and must let go of when buffers and arrays go
 */
struct accelb_dev {
	struct mrt_bdev base;
	const struct mrt_logger *log;
	int fd;
	uint32_t io;
	uint32_t depth_max;
	struct mho_info info;
	void *blob;
	size_t blob_len;
	pthread_mutex_t lock;
	struct mrt_link caches;
};

static inline struct accelb_dev *accelb_dev_of(struct mrt_bdev *dev)
{
	return (struct accelb_dev *)dev;
}

/* accel.c */

/* accelb_ioctl() - 0 or -errno; begins again after a signal. */
int accelb_ioctl(int fd, unsigned long request, void *args);

/**
 * accelb_fail() - set the last error after an ioctl of the driver's
 * @err: what it gave
 * @what: what was tried
 *
 * Return: @err.
 */
int accelb_fail(int err, const char *what);

/*
 * Opens @path and makes sure that mho's driver is behind it: the fd, or -errno. @minor, unless NULL,
 * is the minor version of the driver's interface.
 */
int accelb_open_node(const char *path, int *minor);

/* accel_find.c */

/**
 * struct accelb_node - a device node of an accelerator, as sysfs shows it
 * @number: N of accelN
 * @path: /dev/accel/accelN
 * @address: of its PCI device, such as 0000:01:00.0
 * @driver: name of its driver, empty if unknown
 * @model: what the driver says, empty if it says nothing
 * @serial: likewise, 0
 */
struct accelb_node {
	unsigned int number;
	char path[40];
	char address[32];
	char driver[32];
	char model[64];
	uint64_t serial;
};

/**
 * accelb_scan() - list the nodes of mho's driver, by number
 * @root: in front of every path; empty, but for tests
 * @nodes: free() them
 * @n: number of them
 *
 * Return: 0 or -ENOMEM.
 */
int accelb_scan(const char *root, struct accelb_node **nodes, size_t *n);

/* accelb_address() - the PCI address of the card behind an open node, empty if it is unknown */
void accelb_address(int fd, char *address, size_t size);

/**
 * accelb_find() - the node that a URI means
 * @root: in front of every path; empty, but for tests
 * @name: path of the URI
 * @path: filled
 *
 * Return: 0, -EINVAL, -ENODEV, -ENOENT, -ENOMEM, with the last error set.
 */
int accelb_find(const char *root, const char *name, char path[PATH_MAX]);

int accelb_enumerate(mho_found_fn fn, void *arg);

/* accel_info.c */

/* Asks for a structure; a driver that is older than it leaves zeros at its end. */
int accelb_query(int fd, uint32_t type, uint32_t id, void *answer, size_t size);
/* The topology's blob; free() it. */
int accelb_read_topology(int fd, void **blob, size_t *len);
int accelb_identify(struct accelb_dev *dev);
void accelb_info(struct mrt_bdev *dev, struct mho_info *info);
const void *accelb_topology(struct mrt_bdev *dev, size_t *len);
int accelb_tile(struct mrt_bdev *dev, uint32_t index, struct mho_tile_info *info);
int accelb_firmware(struct mrt_bdev *dev, struct mho_firmware *fw);
int accelb_telemetry(struct mrt_bdev *dev, struct mho_telemetry *t);
int accelb_read_log(struct mrt_bdev *dev, mho_log_entry_fn fn, void *arg);
int accelb_selftest(struct mrt_bdev *dev, bool full, struct mho_selftest *result);
int accelb_calibrate(struct mrt_bdev *dev, int tile);
int accelb_sync(struct mrt_bdev *dev);
int accelb_reset(struct mrt_bdev *dev);

/* accel_object.c */
int accelb_mem_alloc(struct mrt_bdev *dev, size_t bytes, struct mrt_mem *mem);
void accelb_mem_free(struct mrt_bdev *dev, struct mrt_mem *mem);
int accelb_array_create(struct mrt_bdev *dev, struct mrt_array_request *req, uint32_t *id);
int accelb_array_find(struct mrt_bdev *dev, const char *name, uint64_t owner, uint32_t *id);
int accelb_array_release(struct mrt_bdev *dev, uint32_t id, bool destroy);
int accelb_array_info(struct mrt_bdev *dev, uint32_t id, struct mrt_array_info *info,
		      struct mho_mat_block *blocks, uint32_t n);

/* accel_object.c: of a queue's cache, from any thread */
struct accelb_cache;
void accelb_caches_add(struct accelb_dev *dev, struct accelb_cache *cache);
void accelb_caches_remove(struct accelb_dev *dev, struct accelb_cache *cache);

/* accel_queue.c */
int accelb_queue_create(struct mrt_bdev *dev, const struct mrt_queue_request *req,
			struct mrt_bqueue **out);
void accelb_queue_destroy(struct mrt_bqueue *queue, void (*drop)(void *cookie));
int accelb_queue_push(struct mrt_bqueue *queue, const struct mrt_cmd *cmd, void *cookie);
void accelb_queue_kick(struct mrt_bqueue *queue);
int accelb_queue_reap(struct mrt_bqueue *queue, struct mrt_done *done, uint32_t max);
int accelb_queue_wait(struct mrt_bqueue *queue, uint32_t n, uint64_t deadline);
int accelb_queue_arm(struct mrt_bqueue *queue);
int accelb_queue_fd(struct mrt_bqueue *queue);

/* accel_trace.c */
int accelb_trace_source(struct mrt_bdev *dev, uint32_t *number, uint64_t *client);
uint32_t accelb_queue_number(struct mrt_bqueue *queue);

/* accel_seq.c */
int accelb_seq_create(struct mrt_bqueue *queue, const struct mrt_seq_request *req,
		      struct mrt_bseq **out);
void accelb_seq_destroy(struct mrt_bqueue *queue, struct mrt_bseq *seq);
int accelb_push_seq(struct mrt_bqueue *queue, struct mrt_bseq *seq, const struct mrt_seq_run *run,
		    void *cookie);
/* accelb_unprepare() - let go of what is prepared in the driver */
void accelb_unprepare(struct accelb_dev *dev, uint32_t handle);

/* accel_fence.c */
int accelb_fence_export(struct mrt_bqueue *queue, int *fd);
int accelb_fence_import(struct mrt_bqueue *queue, int fd);

/* accel_cmd.c */
void accelb_translate(const struct mrt_cmd *cmd, struct drm_mho_job *job);

#endif
