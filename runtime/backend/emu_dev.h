/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The inside of the "emu:" backend: a driver for the emulated device, in process.
 * It uses registers, rings and commands as a kernel driver does, and nothing of the
 * emulator but emulator/mho_emu.h.
 *
 *	emu.c		open, boot, close; interrupts
 *	emu_admin.c	the admin queue
 *	emu_dma.c	bus addresses
 *	emu_object.c	memory keys and arrays
 *	emu_info.c	telemetry, log, self-test
 *	emu_queue.c	I/O queues
 *	emu_fence.c	descriptors that tell of a queue's completions
 *	emu_source.c	topologies and firmware: built in or from files
 *	emu_reset.c	warm reset, and what is brought back after it
 */
#ifndef MHO_BACKEND_EMU_DEV_H
#define MHO_BACKEND_EMU_DEV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "backend/emu_dma.h"
#include "backend/notify.h"
#include "core/list.h"
#include "mho_hw.h"

struct mho_emu;
struct emub_queue;

/* The one context that the backend makes: an open device is one owner. */
#define EMUB_CONTEXT 1
#define EMUB_ADMIN_ORDER 4

/**
 * struct emub_admin - the admin queue
 * @lock: one command at a time; recursive, since a reset keeps all other commands out
 * @sq: submission ring
 * @cq: completion ring
 * @rings: memory of both
 * @data: buffer that commands name; grows
 * @tail: running number of the next submission
 * @head: running number of the next completion
 * @cid: of the last command
 * @active: somebody waits for a completion
 */
struct emub_admin {
	pthread_mutex_t lock;
	struct mho_hw_admin_sqe *sq;
	struct mho_hw_cqe *cq;
	struct emub_region rings;
	struct emub_region data;
	uint32_t tail;
	uint32_t head;
	uint16_t cid;
	atomic_bool active;
};

/**
 * struct emub_mem - memory with a key; mrt_mem.id is its address
 * @link: in emub_dev.mems
 * @region: the memory
 * @bytes: what of it the key covers
 * @key: what the device knows it by; another one after each reset
 */
struct emub_mem {
	struct mrt_link link;
	struct emub_region region;
	size_t bytes;
	_Atomic uint32_t key;
};

/**
 * struct emub_dev - an emulated device with its driver
 * @base: for the library
 * @emu: the device
 * @log: where messages go
 * @dma: what it can reach
 * @notifier: how queues are told
 * @admin: admin queue
 * @id: what it says that it is, in the host's byte order
 * @info: the same for the program
 * @blob: its topology
 * @blob_len: bytes of it
 * @objects: of making and giving back queues, memory and arrays, and of a reset, which brings them
 *	back; outermost
 * @mems: memory with keys
 * @arrays: numbers of the arrays of this program
 * @narrays: how many
 * @room: for how many there is room
 * @generation: number of resets begun. A queue that was made before the last one is dead in the
 *	device; its owner revives it.
 * @irq_lock: of what follows; innermost but for the notifier's
 * @irq_cond: an interrupt on vector 0 came
 * @irqs: interrupts on vector 0
 * @top: highest number that a queue ever had
 * @queues: I/O queues by number
 */
struct emub_dev {
	struct mrt_bdev base;
	struct mho_emu *emu;
	const struct mrt_logger *log;
	struct emub_dma dma;
	struct mrt_notifier notifier;
	struct emub_admin admin;
	struct mho_hw_identify id;
	struct mho_info info;
	void *blob;
	size_t blob_len;
	pthread_mutex_t objects;
	struct mrt_link mems;
	uint32_t *arrays;
	uint32_t narrays;
	uint32_t room;
	atomic_uint generation;
	pthread_mutex_t irq_lock;
	pthread_cond_t irq_cond;
	atomic_uint irqs;
	unsigned int top;
	struct emub_queue *queues[MHO_HW_QUEUES_MAX + 1];
};

static inline struct emub_dev *emub_dev_of(struct mrt_bdev *dev)
{
	return (struct emub_dev *)dev;
}

/* emu.c */
uint32_t emub_read(struct emub_dev *dev, uint32_t reg);
void emub_write(struct emub_dev *dev, uint32_t reg, uint32_t value);
void emub_write64(struct emub_dev *dev, uint32_t reg_lo, uint64_t value);
/* Wakes every queue: something happened that concerns them all. */
void emub_wake_all(struct emub_dev *dev);
/* 0, or -EIO with the last error set, if the device or queue @number (0: none) has stopped. */
int emub_health(struct emub_dev *dev, unsigned int number);
/* Turns the admin queue on: BOOTED to READY. */
int emub_enable(struct emub_dev *dev);
int emub_context_create(struct emub_dev *dev);
/* Requests a reset and waits for its end. 0, or -ETIMEDOUT, -EIO with the last error set. */
int emub_warm_reset(struct emub_dev *dev);

/* emu_admin.c */
/* emub_order_faults() - what follows "fault=" in the URI. Return: 0, or -EINVAL; sets the error. */
int emub_order_faults(struct emub_dev *dev, const char *orders);

int emub_admin_init(struct emub_dev *dev);
void emub_admin_exit(struct emub_dev *dev);
/* The rings as they are after a reset: empty. */
void emub_admin_clear(struct emub_dev *dev);

/**
 * emub_admin() - execute an admin command
 * @dev: device
 * @sqe: the command; cid and data are filled in
 * @in: data for the device, or NULL
 * @out: room for data from the device, or NULL
 * @len: bytes of either
 * @cqe: filled with the completion
 *
 * Return: the device's status (0 or positive), or a negative errno with the last error set.
 */
int emub_admin(struct emub_dev *dev, struct mho_hw_admin_sqe *sqe, const void *in, void *out,
	       uint32_t len, struct mho_hw_cqe *cqe);

/* emub_admin_fail() - the errno for what emub_admin() returned; sets the last error "@what: ..." */
int emub_admin_fail(int ret, const struct mho_hw_cqe *cqe, const char *what);

/* emu_info.c */
void emub_info(struct mrt_bdev *dev, struct mho_info *info);
const void *emub_topology(struct mrt_bdev *dev, size_t *len);
int emub_tile(struct mrt_bdev *dev, uint32_t index, struct mho_tile_info *info);
int emub_firmware(struct mrt_bdev *dev, struct mho_firmware *fw);
int emub_telemetry(struct mrt_bdev *dev, struct mho_telemetry *t);
int emub_read_log(struct mrt_bdev *dev, mho_log_entry_fn fn, void *arg);
int emub_selftest(struct mrt_bdev *dev, bool full, struct mho_selftest *result);
int emub_calibrate(struct mrt_bdev *dev, int tile);
int emub_identify(struct emub_dev *dev);

/* emu_object.c */
int emub_mem_alloc(struct mrt_bdev *dev, size_t bytes, struct mrt_mem *mem);
void emub_mem_free(struct mrt_bdev *dev, struct mrt_mem *mem);
int emub_array_create(struct mrt_bdev *dev, struct mrt_array_request *req, uint32_t *id);
int emub_array_find(struct mrt_bdev *dev, const char *name, uint64_t owner, uint32_t *id);
int emub_array_release(struct mrt_bdev *dev, uint32_t id, bool destroy);
int emub_array_info(struct mrt_bdev *dev, uint32_t id, struct mrt_array_info *info,
		    struct mho_mat_block *blocks, uint32_t n);
int emub_sweep_arrays(struct emub_dev *dev);
/* Gives the key of @mem to the device, which does not know it; the objects are locked. */
int emub_mem_register(struct emub_dev *dev, struct emub_mem *mem);
int emub_array_attach(struct emub_dev *dev, uint32_t id);

/* emu_queue.c */
int emub_queue_create(struct mrt_bdev *dev, const struct mrt_queue_request *req,
		      struct mrt_bqueue **out);
void emub_queue_destroy(struct mrt_bqueue *queue, void (*drop)(void *cookie));
int emub_queue_push(struct mrt_bqueue *queue, const struct mrt_cmd *cmd, void *cookie);
void emub_queue_kick(struct mrt_bqueue *queue);
int emub_queue_reap(struct mrt_bqueue *queue, struct mrt_done *done, uint32_t max);
int emub_queue_wait(struct mrt_bqueue *queue, uint32_t n, uint64_t deadline);
int emub_queue_arm(struct mrt_bqueue *queue);
int emub_queue_fd(struct mrt_bqueue *queue);
int emub_queue_fence_export(struct mrt_bqueue *queue, int *fd);
/* Interrupt @vector for the queues that have it; under irq_lock. */
void emub_queue_irq(struct emub_dev *dev, unsigned int vector);
void emub_queue_wake(struct emub_queue *queue);

/* emu_cmd.c */
void emub_translate(const struct mrt_cmd *cmd, uint16_t cid, struct mho_hw_sqe *sqe);

/* emu_reset.c */
int emub_reset(struct mrt_bdev *dev);

/* emu_source.c */
int emub_enumerate(mho_found_fn fn, void *arg);
/* The topology that @uri names; free() it. */
int emub_load_topology(const struct mrt_uri *uri, void **data, size_t *len);
/* The firmware that @uri names, or the built-in one; free() it. */
int emub_load_firmware(const struct mrt_uri *uri, void **data, size_t *len);

#endif
