/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A small host for tests of the emulated device: bus memory, boot, admin and I/O
 * queues, straight on mho_emu.h and the device contract. It checks nothing that a
 * test may want to see fail; waiting too long ends the test.
 */
#ifndef MHO_TEST_EMU_HOST_H
#define MHO_TEST_EMU_HOST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emulator/mho_emu.h"
#include "mho_hw.h"

#define EMU_HOST_BUS 0x4000000000ULL /* where bus memory begins */

/**
 * struct emu_host_opts - how to make the device
 * @topology: name of a built-in topology; NULL for "small"
 * @dtb: blob instead of it
 * @dtb_len: its bytes
 * @technology: for all tiles, or NULL
 * @seed: seed
 * @threads: worker threads
 * @state: state file, or NULL
 * @memory: bytes of bus memory, 0 for 16 MiB
 * @fragment: longest run that is contiguous for the host, bytes; 0 for no limit
 */
struct emu_host_opts {
	const char *topology;
	const void *dtb;
	size_t dtb_len;
	const char *technology;
	uint64_t seed;
	unsigned int threads;
	const char *state;
	size_t memory;
	size_t fragment;
};

/* Bus memory that cannot be reached, or not be written; see emu_host_hole(). */
struct emu_host_hole {
	uint64_t start;
	uint64_t end;
	bool readable;
};

struct emu_host {
	struct mho_emu *emu;
	struct mho_emu_ops ops;
	uint8_t *mem;
	size_t size;
	size_t used;
	size_t fragment;
	pthread_mutex_t lock; /* of hole and gate */
	struct emu_host_hole hole;
	pthread_cond_t gate_cond;
	uint64_t gate; /* bus address, 0 for none */
	bool at_gate; /* an access waits there */
	atomic_long mapped; /* mappings that have not been ended */
	atomic_ulong maps; /* mappings made */
	atomic_uint irqs[MHO_HW_VECTORS_MAX];
	atomic_uint logs;
	uint64_t asq;
	uint64_t acq;
	unsigned int order;
	uint32_t tail;
	uint32_t head;
	uint64_t data; /* 64 KiB for admin commands */
	uint16_t next_cid;
};

#define EMU_HOST_DATA_SIZE 65536

/* One I/O queue of the host. */
struct emu_queue {
	struct emu_host *host;
	unsigned int number;
	unsigned int order;
	uint64_t sq;
	uint64_t cq;
	struct mho_hw_shadow *shadow; /* NULL without */
	uint64_t shadow_addr;
	uint32_t tail; /* running numbers */
	uint32_t head;
};

struct emu_queue_opts {
	unsigned int order; /* 0 for 4 */
	unsigned int context; /* 0 for 1 */
	bool shadow;
	unsigned int vector;
	unsigned int priority;
	unsigned int coalesce_count;
	unsigned int coalesce_us;
};

/* emu_host_try() - make a device. Return: as mho_emu_create(). */
int emu_host_try(struct emu_host *h, const struct emu_host_opts *opts, char *err, size_t len);

/* emu_host_new() - make a device, or end the test. */
struct emu_host *emu_host_new(const struct emu_host_opts *opts);

/* emu_host_start() - make a device, boot it, make context 1. */
struct emu_host *emu_host_start(const struct emu_host_opts *opts);

/* emu_host_free() - power off; every mapping must have been ended. */
void emu_host_free(struct emu_host *h);

/* emu_host_alloc() - cleared bus memory, aligned to 4096. Return: bus address. */
uint64_t emu_host_alloc(struct emu_host *h, size_t len);
void *emu_host_ptr(struct emu_host *h, uint64_t addr);

/* emu_host_hole() - put [@start, @end) out of reach, or make it read-only. One at a time. */
void emu_host_hole(struct emu_host *h, uint64_t start, uint64_t end, bool readable);

/*
 * emu_host_gate() - an access of the device that begins at @addr waits there until the gate is put
 * elsewhere, or away with 0. What waits at the gate before goes on.
 */
void emu_host_gate(struct emu_host *h, uint64_t addr);

/* emu_host_wait_gate() - wait until an access waits at the gate; a test that waits 10 s fails. */
void emu_host_wait_gate(struct emu_host *h);

uint32_t emu_host_reg(struct emu_host *h, uint32_t reg);
void emu_host_set(struct emu_host *h, uint32_t reg, uint32_t value);
void emu_host_set64(struct emu_host *h, uint32_t reg, uint64_t value);
unsigned int emu_host_state(struct emu_host *h);

/* emu_host_wait_state() - wait until STATE is @state. Return: whether it came within 5 s. */
bool emu_host_wait_state(struct emu_host *h, unsigned int state);

/* emu_host_load() - boot @image (NULL: the built-in one). Return: STATE that VERIFY led to. */
unsigned int emu_host_load(struct emu_host *h, const void *image, size_t len);

/* emu_host_enable() - admin queue of 2^order entries on. */
void emu_host_enable(struct emu_host *h, unsigned int order);

/* emu_host_admin() - one admin command; .cid is set. Return: its status. */
unsigned int emu_host_admin(struct emu_host *h, struct mho_hw_admin_sqe *sqe,
			    struct mho_hw_cqe *cqe);

/* The same without waiting, and the wait for it. */
void emu_host_admin_submit(struct emu_host *h, struct mho_hw_admin_sqe *sqe);
unsigned int emu_host_admin_reap(struct emu_host *h, struct mho_hw_cqe *cqe);

/* emu_host_context() - make a context. Return: status. */
unsigned int emu_host_context(struct emu_host *h, unsigned int context);

/* emu_host_key() - register [@addr, @addr + @len), 4 KiB pages. Return: key, 0 if refused. */
uint32_t emu_host_key(struct emu_host *h, unsigned int context, uint64_t addr, uint64_t len,
		      unsigned int access);

/* emu_host_array() - make an unnamed array. Return: its number, 0 if refused. */
uint32_t emu_host_array(struct emu_host *h, unsigned int context, uint32_t rows, uint32_t cols);

/* emu_queue_open() - make an I/O queue, or end the test. */
struct emu_queue *emu_queue_open(struct emu_host *h, unsigned int number,
				 const struct emu_queue_opts *opts);
/* emu_queue_try() - the admin command for it. Return: status. */
unsigned int emu_queue_try(struct emu_queue *q, const struct emu_queue_opts *opts);
void emu_queue_free(struct emu_queue *q); /* the host's side only */

/* emu_queue_put() - write a command to the ring, without telling the device. */
void emu_queue_put(struct emu_queue *q, const void *sqe);

/* emu_queue_ring() - tell the device. */
void emu_queue_ring(struct emu_queue *q);

/* emu_queue_take() - take a completion without telling the device. Return: whether there is one. */
bool emu_queue_take(struct emu_queue *q, struct mho_hw_cqe *cqe);

/* emu_queue_rewind() - what the host does after QUEUE_RESET: start anew. */
void emu_queue_rewind(struct emu_queue *q);

/* emu_queue_poll() - take a completion, publish the head. Return: whether there is one. */
bool emu_queue_poll(struct emu_queue *q, struct mho_hw_cqe *cqe);

/* emu_queue_wait() - take a completion, waiting up to @ms. Return: whether there was one. */
bool emu_queue_wait(struct emu_queue *q, struct mho_hw_cqe *cqe, unsigned int ms);

/* emu_queue_run() - submit one command and wait for its completion. Return: status. */
unsigned int emu_queue_run(struct emu_queue *q, const struct mho_hw_sqe *sqe,
			   struct mho_hw_cqe *cqe);

/* emu_bits() - binary32 as the fields of a command hold it. */
uint32_t emu_bits(float f);

#endif
