// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Rings in host memory: what the host has submitted and consumed, reading
 * commands, writing completions, and when that calls for an interrupt. What the
 * commands mean is not known here. All of it runs under the core lock.
 *
 * Memory order towards the host: a completion's flags are written last; where
 * one side writes a word and then reads the other's (event numbers), both use
 * sequentially consistent accesses.
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/emu.h"

struct mho_hwqueue *mho_queue_new(struct mho_emu *emu, unsigned int number, uint64_t sq,
				  uint64_t cq, uint64_t shadow, unsigned int order)
{
	struct mho_hwqueue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->cids = calloc(0x10000 / 64, sizeof(*q->cids));
	if (!q->cids) {
		free(q);
		return NULL;
	}
	q->number = number;
	q->order = order;
	q->mask = (1U << order) - 1;
	q->sq = sq;
	q->cq = cq;
	q->shadow = shadow;
	q->time_base = mho_time_ns(emu);
	q->rings_base = atomic_load(&emu->doorbells[number].rings);
	mho_list_init(&q->spin_link);
	mho_queue_rewind(emu, q);
	return q;
}

void mho_queue_free(struct mho_emu *emu, struct mho_hwqueue *q)
{
	if (!q)
		return;
	if (q->deadline)
		emu->n_deadlines--;
	mho_list_del(&q->spin_link);
	free(q->cids);
	free(q);
}

void mho_queue_rewind(struct mho_emu *emu, struct mho_hwqueue *q)
{
	struct mho_doorbell *db = &emu->doorbells[q->number];

	if (q->deadline)
		emu->n_deadlines--;
	q->deadline = 0;
	q->unannounced = 0;
	q->due = false;
	q->fault = 0;
	q->fenced = false;
	q->sq_head = 0;
	q->sq_tail = 0;
	q->cq_head = 0;
	q->cq_tail = 0;
	q->skew = 0;
	mho_list_del(&q->spin_link);
	/* What was rung before is about numbers of before. */
	atomic_fetch_and(&emu->rung[q->number / 64], ~(1UL << (q->number % 64)));
	memset(q->cids, 0, 0x10000 / 8);
	atomic_store(&db->sq_tail, 0);
	atomic_store(&db->cq_head, 0);
}

void mho_queue_stop(struct mho_emu *emu, struct mho_hwqueue *q, enum mho_hw_status status,
		    uint32_t info)
{
	if (q->fault)
		return;
	q->fault = status;
	mho_list_del(&q->spin_link);
	mho_log(emu, MHO_HW_LOG_ERROR, status, "queue %u stopped: %s (0x%x)", q->number,
		mho_hw_status_text(status), info);
	if (q->number)
		mho_regs_fault(emu, status, q->number, info);
	else
		mho_die(emu, status, info);
}

static bool bad_doorbell(struct mho_emu *emu, struct mho_hwqueue *q, uint32_t value)
{
	mho_queue_stop(emu, q, MHO_HW_ST_BAD_DOORBELL, value);
	return false;
}

static bool look_at_doorbell(struct mho_emu *emu, struct mho_hwqueue *q)
{
	struct mho_doorbell *db = &emu->doorbells[q->number];
	uint32_t tail = atomic_load(&db->sq_tail), head = atomic_load(&db->cq_head), new_tail;

	if (tail > q->mask)
		return bad_doorbell(emu, q, tail);
	new_tail = q->sq_tail + ((tail - q->sq_tail) & q->mask);
	if (new_tail - q->sq_head > q->mask)
		return bad_doorbell(emu, q, tail);
	if (head > q->mask || ((head - q->cq_head) & q->mask) > q->cq_tail - q->cq_head)
		return bad_doorbell(emu, q, head);
	q->sq_tail = new_tail;
	q->cq_head += (head - q->cq_head) & q->mask;
	return true;
}

static struct mho_hw_shadow *map_shadow(struct mho_emu *emu, struct mho_hwqueue *q)
{
	struct mho_hw_shadow *s;

	s = mho_dma_map_all(&emu->dma, q->shadow, sizeof(*s), true);
	if (!s)
		mho_queue_stop(emu, q, MHO_HW_ST_RING_DMA_FAULT, (uint32_t)q->shadow);
	return s;
}

static bool look_at_shadow(struct mho_emu *emu, struct mho_hwqueue *q)
{
	struct mho_hw_shadow *s = map_shadow(emu, q);
	uint32_t tail, head;

	if (!s)
		return false;
	tail = mho_le32_to_cpu(__atomic_load_n(&s->sq_tail, __ATOMIC_SEQ_CST));
	head = mho_le32_to_cpu(__atomic_load_n(&s->cq_head, __ATOMIC_SEQ_CST));
	mho_dma_unmap(&emu->dma, s, sizeof(*s));
	if (tail - q->sq_head > q->mask)
		return bad_doorbell(emu, q, tail);
	if (head - q->cq_head > q->cq_tail - q->cq_head)
		return bad_doorbell(emu, q, head);
	q->sq_tail = tail;
	q->cq_head = head;
	return true;
}

bool mho_queue_look(struct mho_emu *emu, struct mho_hwqueue *q)
{
	if (q->fault)
		return false;
	return q->shadow ? look_at_shadow(emu, q) : look_at_doorbell(emu, q);
}

uint32_t mho_queue_available(const struct mho_hwqueue *q)
{
	uint32_t submitted = q->sq_tail - q->sq_head;
	uint32_t room = q->mask - (q->sq_head + q->skew - q->cq_head);

	return submitted < room ? submitted : room;
}

bool mho_queue_peek(struct mho_emu *emu, struct mho_hwqueue *q, void *sqes, uint32_t n)
{
	uint32_t index = q->sq_head & q->mask, first = q->mask + 1 - index;
	size_t size = MHO_HW_SQE_SIZE;

	if (first > n)
		first = n;
	if (mho_dma_read(&emu->dma, sqes, q->sq + index * size, first * size) &&
	    mho_dma_read(&emu->dma, (uint8_t *)sqes + first * size, q->sq, (n - first) * size))
		return true;
	mho_queue_stop(emu, q, MHO_HW_ST_RING_DMA_FAULT, (uint32_t)(q->sq + index * size));
	return false;
}

static void write_cqe(struct mho_hw_cqe *to, const struct mho_hw_cqe *from, bool phase)
{
	uint16_t others = mho_le16_to_cpu(from->flags) & ~MHO_HW_CQE_PHASE;
	mho_le16 flags = mho_cpu_to_le16(others | (phase ? MHO_HW_CQE_PHASE : 0));

	memcpy(to, from, offsetof(struct mho_hw_cqe, flags));
	__atomic_store_n(&to->flags, flags, __ATOMIC_SEQ_CST);
}

static void raise_now(struct mho_emu *emu, struct mho_hwqueue *q)
{
	if (q->deadline)
		emu->n_deadlines--;
	q->deadline = 0;
	q->unannounced = 0;
	q->due = false;
	q->interrupts++;
	mho_irq_post(emu, q->vector);
}

/* Completions that the shadow's event number asks to be told about, of those from @old on. */
static uint32_t wanted(struct mho_emu *emu, struct mho_hwqueue *q, uint32_t old)
{
	struct mho_hw_shadow *s;
	uint32_t event;

	if (q->due)
		return q->cq_tail - old;
	s = map_shadow(emu, q);
	if (!s)
		return 0;
	event = mho_le32_to_cpu(__atomic_load_n(&s->cq_event, __ATOMIC_SEQ_CST));
	mho_dma_unmap(&emu->dma, s, sizeof(*s));
	if (q->cq_tail - event - 1 >= q->cq_tail - old)
		return 0;
	q->due = true;
	return q->cq_tail - event;
}

static void announce(struct mho_emu *emu, struct mho_hwqueue *q, uint32_t old)
{
	uint32_t n;

	if (!q->number) {
		mho_regs_cause(emu, MHO_HW_IRQ_ADMIN);
		return;
	}
	n = q->shadow ? wanted(emu, q, old) : q->cq_tail - old;
	if (!n)
		return;
	q->unannounced += n;
	if (q->coalesce_count <= 1 || q->unannounced >= q->coalesce_count) {
		raise_now(emu, q);
	} else if (!q->deadline) {
		q->deadline = mho_now_ns() + q->coalesce_ns;
		emu->n_deadlines++;
		mho_wake_manager_at(emu, q->deadline);
	}
}

static void post(struct mho_emu *emu, struct mho_hwqueue *q, struct mho_hw_cqe *cqes, uint32_t n)
{
	mho_le16 sq_head = mho_cpu_to_le16(q->sq_head & q->mask);
	uint32_t old = q->cq_tail;

	if (q->fault == MHO_HW_ST_RING_DMA_FAULT || emu->dead)
		return;
	while (q->cq_tail - old < n) {
		uint32_t index = q->cq_tail & q->mask, run = q->mask + 1 - index;
		uint64_t addr = q->cq + (uint64_t)index * MHO_HW_CQE_SIZE;
		struct mho_hw_cqe *ring;
		size_t len;

		if (run > n - (q->cq_tail - old))
			run = n - (q->cq_tail - old);
		len = (size_t)run * MHO_HW_CQE_SIZE;
		ring = mho_dma_map(&emu->dma, addr, &len, true);
		if (!ring || len < MHO_HW_CQE_SIZE) {
			if (ring)
				mho_dma_unmap(&emu->dma, ring, len);
			mho_queue_stop(emu, q, MHO_HW_ST_RING_DMA_FAULT, (uint32_t)addr);
			return;
		}
		run = len / MHO_HW_CQE_SIZE;
		for (uint32_t i = 0; i < run; i++, q->cq_tail++) {
			struct mho_hw_cqe *c = &cqes[q->cq_tail - old];

			c->sq_head = sq_head;
			write_cqe(&ring[i], c, !((q->cq_tail >> q->order) & 1));
		}
		mho_dma_unmap(&emu->dma, ring, len);
	}
	announce(emu, q, old);
}

void mho_queue_post(struct mho_emu *emu, struct mho_hwqueue *q, struct mho_hw_cqe *cqes, uint32_t n)
{
	struct mho_hw_cqe out[MHO_FAULT_CQES];

	if (!q->number || !mho_fault_armed(emu, MHO_FAULT_COMPLETIONS)) {
		post(emu, q, cqes, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		unsigned int written = mho_fault_completion(emu, q, &cqes[i], out);

		if (written)
			post(emu, q, out, written);
	}
}

bool mho_queue_arm(struct mho_emu *emu, struct mho_hwqueue *q)
{
	struct mho_hw_shadow *s = map_shadow(emu, q);

	mho_list_del(&q->spin_link);
	if (!s)
		return true;
	__atomic_store_n(&s->sq_event, mho_cpu_to_le32(q->sq_tail), __ATOMIC_SEQ_CST);
	mho_dma_unmap(&emu->dma, s, sizeof(*s));
	return !mho_queue_look(emu, q) || !mho_queue_available(q);
}

uint64_t mho_queue_deadlines(struct mho_emu *emu, uint64_t now)
{
	uint64_t next = 0;
	unsigned int i;

	if (!emu->n_deadlines)
		return 0;
	for (i = 1; i <= emu->topo->limits.queues; i++) {
		struct mho_hwqueue *q = emu->queues[i];

		if (!q || !q->deadline)
			continue;
		if (q->deadline <= now)
			raise_now(emu, q);
		else if (!next || q->deadline < next)
			next = q->deadline;
	}
	return next;
}
