// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Rings: made by hand, with SQEs and CQEs of either size or of both. Entries are used in order, so
 * that there is no array of indices.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mho_test_uring.h"

#define SQE_SIZE sizeof(struct io_uring_sqe)

static size_t sqe_size(const struct mt_ring *ring)
{
	return ring->flags & IORING_SETUP_SQE128 ? 2 * SQE_SIZE : SQE_SIZE;
}

static size_t cqe_size(uint32_t flags)
{
	return flags & IORING_SETUP_CQE32 ? 2 * sizeof(struct io_uring_cqe) :
					    sizeof(struct io_uring_cqe);
}

static int map_rings(struct mt_ring *ring, const struct io_uring_params *params)
{
	uint8_t *at;

	ring->rings_size = params->cq_off.cqes + params->cq_entries * cqe_size(params->flags);
	at = mmap(NULL, ring->rings_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		  ring->fd, IORING_OFF_SQ_RING);
	if (at == MAP_FAILED)
		return -errno;
	ring->rings = at;
	ring->sq_head = (uint32_t *)(at + params->sq_off.head);
	ring->sq_tail = (uint32_t *)(at + params->sq_off.tail);
	ring->sq_flags = (uint32_t *)(at + params->sq_off.flags);
	ring->cq_head = (uint32_t *)(at + params->cq_off.head);
	ring->cq_tail = (uint32_t *)(at + params->cq_off.tail);
	ring->cq_mask = *(uint32_t *)(at + params->cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(at + params->cq_off.cqes);
	return 0;
}

static int map_sqes(struct mt_ring *ring)
{
	void *at;

	ring->sqes_size = ring->entries * sqe_size(ring);
	at = mmap(NULL, ring->sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		  ring->fd, IORING_OFF_SQES);
	if (at == MAP_FAILED)
		return -errno;
	ring->sqes = at;
	return 0;
}

int mt_ring_open(struct mt_ring *ring, uint32_t entries, uint32_t flags)
{
	struct io_uring_params params = { .flags = flags | IORING_SETUP_NO_SQARRAY };
	int ret;

	memset(ring, 0, sizeof(*ring));
	ring->fd = (int)syscall(SYS_io_uring_setup, entries, &params);
	if (ring->fd < 0)
		return -errno;
	ring->flags = params.flags;
	ring->entries = params.sq_entries;
	ret = map_rings(ring, &params);
	if (!ret)
		ret = map_sqes(ring);
	if (ret)
		mt_ring_close(ring);
	return ret;
}

void mt_ring_close(struct mt_ring *ring)
{
	if (ring->sqes)
		munmap(ring->sqes, ring->sqes_size);
	if (ring->rings)
		munmap(ring->rings, ring->rings_size);
	if (ring->fd >= 0)
		close(ring->fd);
	memset(ring, 0, sizeof(*ring));
	ring->fd = -1;
}

static int enter(struct mt_ring *ring, uint32_t submit, uint32_t wait, uint32_t flags)
{
	struct __kernel_timespec patience = { .tv_sec = MT_WAIT_NS / 1000000000 };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&patience };
	long ret;

	do
		ret = syscall(SYS_io_uring_enter, ring->fd, submit, wait,
			      flags | IORING_ENTER_EXT_ARG, &arg, sizeof(arg));
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : (int)ret;
}

/* SQEs that the kernel has not read. */
static uint32_t unread(const struct mt_ring *ring)
{
	return ring->tail - __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
}

struct io_uring_sqe *mt_ring_sqe(struct mt_ring *ring, bool big)
{
	bool mixed = ring->flags & IORING_SETUP_SQE_MIXED;
	uint32_t slots = mixed && big ? 2 : 1;
	uint32_t at = ring->tail & (ring->entries - 1);
	struct io_uring_sqe *sqe;

	/* One that would lie across the end leaves the last slot to a NOP without a completion. */
	if (slots == 2 && at == ring->entries - 1) {
		sqe = mt_ring_sqe(ring, false);
		if (!sqe)
			return NULL;
		sqe->opcode = IORING_OP_NOP;
		sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
		at = 0;
	}
	if (unread(ring) + slots > ring->entries)
		return NULL;
	ring->tail += slots;
	sqe = (struct io_uring_sqe *)(ring->sqes + at * sqe_size(ring));
	memset(sqe, 0, slots * sqe_size(ring));
	return sqe;
}

int mt_ring_submit(struct mt_ring *ring)
{
	int ret;

	__atomic_store_n(ring->sq_tail, ring->tail, __ATOMIC_RELEASE);
	if (ring->flags & IORING_SETUP_SQPOLL) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!(__atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED) & IORING_SQ_NEED_WAKEUP))
			return 0;
		ret = enter(ring, 0, 0, IORING_ENTER_SQ_WAKEUP);
		return ret < 0 ? ret : 0;
	}
	/* The kernel stops at one that it cannot make a request of. */
	while (unread(ring)) {
		ret = enter(ring, unread(ring), 0, 0);
		if (ret < 0)
			return ret;
	}
	return 0;
}

void mt_ring_drop(struct mt_ring *ring)
{
	ring->tail = __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
	__atomic_store_n(ring->sq_tail, ring->tail, __ATOMIC_RELEASE);
}

/* How many slots the completion at the head takes; it may be none of anybody's. */
static uint32_t slots_of(const struct mt_ring *ring, const struct io_uring_cqe *cqe)
{
	return ring->flags & IORING_SETUP_CQE_MIXED && cqe->flags & IORING_CQE_F_32 ? 2 : 1;
}

static bool take(struct mt_ring *ring, struct mt_cqe *cqe)
{
	uint32_t head = *ring->cq_head;
	const struct io_uring_cqe *found;
	bool skip;

	do {
		if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE))
			return false;
		found = (struct io_uring_cqe *)((uint8_t *)ring->cqes +
						(head & ring->cq_mask) * cqe_size(ring->flags));
		skip = ring->flags & IORING_SETUP_CQE_MIXED && found->flags & IORING_CQE_F_SKIP;
		*cqe = (struct mt_cqe){ .user_data = found->user_data,
					.res = found->res,
					.flags = found->flags };
		if (ring->flags & IORING_SETUP_CQE32 || slots_of(ring, found) == 2)
			cqe->device_ns = found->big_cqe[0];
		head += slots_of(ring, found);
		__atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
	} while (skip);
	return true;
}

int mt_ring_peek(struct mt_ring *ring, struct mt_cqe *cqe)
{
	int ret;

	if (take(ring, cqe))
		return 0;
	/* Some are posted only when they are asked for. */
	ret = enter(ring, 0, 0, IORING_ENTER_GETEVENTS);
	if (ret < 0)
		return ret;
	return take(ring, cqe) ? 0 : -EAGAIN;
}

int mt_ring_wait(struct mt_ring *ring, struct mt_cqe *cqe)
{
	int ret;

	while (!take(ring, cqe)) {
		ret = enter(ring, 0, 1, IORING_ENTER_GETEVENTS);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int mt_ring_finish(struct mt_ring *ring, struct mt_cqe *cqes, uint32_t count)
{
	int ret = mt_ring_submit(ring);
	uint32_t i;

	for (i = 0; !ret && i < count; i++)
		ret = mt_ring_wait(ring, &cqes[i]);
	return ret;
}

int mt_ring_one(struct mt_ring *ring)
{
	struct mt_cqe cqe, more;
	int ret = mt_ring_finish(ring, &cqe, 1);

	if (ret)
		return ret;
	return mt_ring_peek(ring, &more) == -EAGAIN ? cqe.res : -EPROTO;
}

int mt_ring_register(struct mt_ring *ring, unsigned int what, const void *arg, uint32_t count)
{
	long ret = syscall(SYS_io_uring_register, ring->fd, what, arg, count);

	return ret < 0 ? -errno : 0;
}
