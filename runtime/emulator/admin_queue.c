// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Admin commands on contexts, queues and memory keys.
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/admin.h"
#include "emulator/objects.h"

#define AT_QUEUE(field) (MHO_ADMIN_AT(queue_create) + offsetof(struct mho_hw_queue_create, field))
#define AT_MEMORY(field) (MHO_ADMIN_AT(memory) + offsetof(struct mho_hw_memory, field))

static bool context_ok(const struct mho_admin *a)
{
	return mho_context_exists(a->emu, mho_le16_to_cpu(a->sqe.context));
}

static enum mho_hw_status no_context(struct mho_admin *a)
{
	return mho_admin_refuse(a, MHO_HW_ST_BAD_CONTEXT, MHO_ADMIN_AT(context));
}

enum mho_hw_status mho_admin_context_create(struct mho_admin *a)
{
	if (!a->sqe.context)
		return no_context(a);
	return mho_context_create(a->emu, mho_le16_to_cpu(a->sqe.context));
}

static void delete_queue(struct mho_emu *emu, struct mho_hwqueue *q)
{
	mho_arbiter_abort(emu, q, true);
	emu->queues[q->number] = NULL;
	mho_queue_free(emu, q);
}

static enum mho_hw_status no_answer(struct mho_admin *a)
{
	a->unanswered = true;
	return MHO_HW_ST_OK;
}

/* Interrupts of what was deleted must not come after the completion. */
static void settle(struct mho_emu *emu)
{
	pthread_mutex_unlock(&emu->lock);
	mho_irq_settle(emu);
	pthread_mutex_lock(&emu->lock);
}

enum mho_hw_status mho_admin_context_destroy(struct mho_admin *a)
{
	struct mho_emu *emu = a->emu;
	uint16_t context = mho_le16_to_cpu(a->sqe.context);
	uint32_t i;

	if (!context_ok(a))
		return no_context(a);
	for (i = 1; i <= emu->topo->limits.queues; i++) {
		if (emu->queues[i] && emu->queues[i]->context == context && emu->queues[i]->stuck)
			return no_answer(a);
	}
	for (i = 1; i <= emu->topo->limits.queues; i++) {
		if (emu->queues[i] && emu->queues[i]->context == context)
			delete_queue(emu, emu->queues[i]);
	}
	for (i = 1; i <= emu->topo->limits.arrays; i++) {
		struct mho_array *array = emu->arrays[i];

		if (!array || array->context != context)
			continue;
		if (array->flags & MHO_HW_ARRAY_NAMED)
			array->context = 0;
		else
			mho_array_remove(emu, array);
	}
	mho_context_destroy(emu, context);
	settle(emu);
	return MHO_HW_ST_OK;
}

static enum mho_hw_status check_service(struct mho_admin *a)
{
	const struct mho_hw_queue_create *c = &a->sqe.queue_create;

	if (c->priority > MHO_HW_PRIORITY_MAX)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, AT_QUEUE(priority));
	if (mho_le16_to_cpu(c->coalesce_count) > 1 && !c->coalesce_us)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, AT_QUEUE(coalesce_us));
	return MHO_HW_ST_OK;
}

static enum mho_hw_status check_rings(struct mho_admin *a)
{
	const struct mho_hw_queue_create *c = &a->sqe.queue_create;

	if (c->order < MHO_HW_ORDER_MIN || c->order > a->emu->topo->limits.queue_order)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, AT_QUEUE(order));
	if (mho_le16_to_cpu(c->vector) >= mho_vectors(a->emu))
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, AT_QUEUE(vector));
	if (mho_le64_to_cpu(c->sq) % MHO_HW_RING_ALIGN)
		return mho_admin_refuse(a, MHO_HW_ST_MISALIGNED, AT_QUEUE(sq));
	if (mho_le64_to_cpu(c->cq) % MHO_HW_RING_ALIGN)
		return mho_admin_refuse(a, MHO_HW_ST_MISALIGNED, AT_QUEUE(cq));
	if (mho_le64_to_cpu(c->shadow) % MHO_HW_SHADOW_ALIGN)
		return mho_admin_refuse(a, MHO_HW_ST_MISALIGNED, AT_QUEUE(shadow));
	return MHO_HW_ST_OK;
}

static enum mho_hw_status probe_rings(struct mho_admin *a)
{
	const struct mho_hw_queue_create *c = &a->sqe.queue_create;
	uint64_t sq = mho_le64_to_cpu(c->sq), cq = mho_le64_to_cpu(c->cq);
	uint64_t shadow = mho_le64_to_cpu(c->shadow);
	const struct mho_dma *dma = &a->emu->dma;
	size_t n = 1UL << c->order;

	if (!mho_dma_probe(dma, sq, n * MHO_HW_SQE_SIZE, false))
		return mho_admin_refuse(a, MHO_HW_ST_DMA_FAULT, AT_QUEUE(sq));
	if (!mho_dma_probe(dma, cq, n * MHO_HW_CQE_SIZE, true))
		return mho_admin_refuse(a, MHO_HW_ST_DMA_FAULT, AT_QUEUE(cq));
	if (shadow && !mho_dma_probe(dma, shadow, sizeof(struct mho_hw_shadow), true))
		return mho_admin_refuse(a, MHO_HW_ST_DMA_FAULT, AT_QUEUE(shadow));
	return MHO_HW_ST_OK;
}

static void set_service(struct mho_hwqueue *q, const struct mho_hw_queue_create *c)
{
	q->priority = c->priority;
	q->coalesce_count = mho_le16_to_cpu(c->coalesce_count);
	q->coalesce_ns = mho_le16_to_cpu(c->coalesce_us) * 1000ULL;
}

enum mho_hw_status mho_admin_queue_create(struct mho_admin *a)
{
	const struct mho_hw_queue_create *c = &a->sqe.queue_create;
	uint16_t number = mho_le16_to_cpu(a->sqe.queue);
	struct mho_emu *emu = a->emu;
	enum mho_hw_status status;
	struct mho_hwqueue *q;

	status = check_service(a);
	if (!status)
		status = check_rings(a);
	if (status)
		return status;
	if (!context_ok(a))
		return no_context(a);
	if (!number || number > emu->topo->limits.queues)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_QUEUE, MHO_ADMIN_AT(queue));
	if (emu->queues[number])
		return mho_admin_refuse(a, MHO_HW_ST_EXISTS, MHO_ADMIN_AT(queue));
	status = probe_rings(a);
	if (status)
		return status;
	q = mho_queue_new(emu, number, mho_le64_to_cpu(c->sq), mho_le64_to_cpu(c->cq),
			  mho_le64_to_cpu(c->shadow), c->order);
	if (!q)
		return MHO_HW_ST_NO_RESOURCE;
	q->context = mho_le16_to_cpu(a->sqe.context);
	q->vector = mho_le16_to_cpu(c->vector);
	set_service(q, c);
	emu->queues[number] = q;
	return MHO_HW_ST_OK;
}

static struct mho_hwqueue *find_queue(struct mho_admin *a)
{
	uint16_t number = mho_le16_to_cpu(a->sqe.queue);
	struct mho_hwqueue *q = NULL;

	if (number && number <= a->emu->topo->limits.queues)
		q = a->emu->queues[number];
	if (!q)
		mho_admin_refuse(a, MHO_HW_ST_BAD_QUEUE, MHO_ADMIN_AT(queue));
	return q;
}

enum mho_hw_status mho_admin_queue_delete(struct mho_admin *a)
{
	struct mho_hwqueue *q = find_queue(a);

	if (!q)
		return MHO_HW_ST_BAD_QUEUE;
	if (q->stuck)
		return no_answer(a);
	delete_queue(a->emu, q);
	settle(a->emu);
	return MHO_HW_ST_OK;
}

enum mho_hw_status mho_admin_queue_reset(struct mho_admin *a)
{
	struct mho_hwqueue *q = find_queue(a);

	if (!q)
		return MHO_HW_ST_BAD_QUEUE;
	if (q->stuck)
		return no_answer(a);
	a->result = mho_arbiter_abort(a->emu, q, true);
	mho_queue_rewind(a->emu, q);
	q->closing = false;
	settle(a->emu);
	return MHO_HW_ST_OK;
}

enum mho_hw_status mho_admin_queue_modify(struct mho_admin *a)
{
	const struct mho_hw_queue_create *c = &a->sqe.queue_create;
	enum mho_hw_status status;
	struct mho_hwqueue *q;
	size_t i;

	for (i = 0; i < offsetof(struct mho_hw_queue_create, priority); i++) {
		if (a->sqe.raw[i])
			return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(raw) + i);
	}
	status = check_service(a);
	if (status)
		return status;
	q = find_queue(a);
	if (!q)
		return MHO_HW_ST_BAD_QUEUE;
	mho_arbiter_deactivate(a->emu, q);
	set_service(q, c);
	mho_arbiter_activate(a->emu, q);
	return MHO_HW_ST_OK;
}

static enum mho_hw_status check_memory(struct mho_admin *a, uint64_t *list_bytes)
{
	const struct mho_hw_memory *m = &a->sqe.memory;
	uint64_t length = mho_le64_to_cpu(m->length), page, pages, blocks;
	uint32_t first = mho_le32_to_cpu(m->first), n = mho_le32_to_cpu(m->pages);
	size_t i;

	for (i = 0; i < sizeof(m->pad); i++) {
		if (m->pad[i])
			return mho_admin_refuse(a, MHO_HW_ST_RESERVED, AT_MEMORY(pad) + i);
	}
	if (m->access & ~(MHO_HW_ACCESS_READ | MHO_HW_ACCESS_WRITE))
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, AT_MEMORY(access));
	if (!m->access)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, AT_MEMORY(access));
	if (m->page_shift < MHO_HW_PAGE_SHIFT_MIN || m->page_shift > MHO_HW_PAGE_SHIFT_MAX)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, AT_MEMORY(page_shift));
	if (m->levels > 1)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, AT_MEMORY(levels));
	page = 1ULL << m->page_shift;
	if (first >= page)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, AT_MEMORY(first));
	if (!length || length > page * MHO_HW_MEMORY_PAGES_MAX)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, AT_MEMORY(length));
	pages = (first + length + page - 1) >> m->page_shift;
	if (n != pages || n > MHO_HW_MEMORY_PAGES_MAX)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, AT_MEMORY(pages));
	blocks = (pages + MHO_HW_PAGE_LIST_BLOCK - 1) / MHO_HW_PAGE_LIST_BLOCK;
	*list_bytes = sizeof(mho_le64) * (m->levels ? blocks : pages);
	if (mho_le32_to_cpu(a->sqe.length) < *list_bytes)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_LENGTH, *list_bytes);
	return MHO_HW_ST_OK;
}

/* The page list of one level, or of two. */
static enum mho_hw_status read_list(struct mho_admin *a, mho_le64 *pages, uint32_t n,
				    uint64_t list_bytes)
{
	uint32_t blocks = list_bytes / sizeof(mho_le64), i;
	enum mho_hw_status status;
	mho_le64 *addrs;

	if (!a->sqe.memory.levels)
		return mho_admin_request(a, pages, list_bytes);
	addrs = malloc(list_bytes);
	if (!addrs)
		return MHO_HW_ST_NO_RESOURCE;
	status = mho_admin_request(a, addrs, list_bytes);
	for (i = 0; !status && i < blocks; i++) {
		uint64_t addr = mho_le64_to_cpu(addrs[i]);
		uint32_t left = n - i * MHO_HW_PAGE_LIST_BLOCK;

		if (left > MHO_HW_PAGE_LIST_BLOCK)
			left = MHO_HW_PAGE_LIST_BLOCK;
		if (addr % (MHO_HW_PAGE_LIST_BLOCK * sizeof(mho_le64)))
			status = mho_admin_refuse(a, MHO_HW_ST_MISALIGNED, MHO_ADMIN_IN_DATA);
		else if (!mho_dma_read(&a->emu->dma, pages + i * MHO_HW_PAGE_LIST_BLOCK, addr,
				       left * sizeof(*pages)))
			status = mho_admin_refuse(a, MHO_HW_ST_DMA_FAULT, MHO_ADMIN_IN_DATA);
	}
	free(addrs);
	return status;
}

static enum mho_hw_status check_pages(struct mho_admin *a, const mho_le64 *pages, uint32_t n)
{
	uint64_t mask = (1ULL << a->sqe.memory.page_shift) - 1;
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (mho_le64_to_cpu(pages[i]) & mask)
			return mho_admin_refuse(a, MHO_HW_ST_MISALIGNED, MHO_ADMIN_IN_DATA);
	}
	return MHO_HW_ST_OK;
}

static enum mho_hw_status make_key(struct mho_admin *a, const mho_le64 *pages, uint32_t n)
{
	const struct mho_hw_memory *m = &a->sqe.memory;
	struct mho_key *key = calloc(1, sizeof(*key));
	enum mho_hw_status status = MHO_HW_ST_NO_RESOURCE;

	if (!key)
		return status;
	key->context = mho_le16_to_cpu(a->sqe.context);
	key->access = m->access;
	key->length = mho_le64_to_cpu(m->length);
	key->pages = n;
	if (mho_dma_list_make(&key->list, pages, n, m->page_shift, mho_le32_to_cpu(m->first),
			      key->length)) {
		free(key);
		return mho_admin_refuse(a, MHO_HW_ST_DMA_FAULT, MHO_ADMIN_AT(data));
	}
	status = mho_key_add(a->emu, key);
	if (status) {
		mho_dma_list_free(&key->list);
		free(key);
		return status;
	}
	a->result = key->id;
	return MHO_HW_ST_OK;
}

enum mho_hw_status mho_admin_memory_register(struct mho_admin *a)
{
	uint32_t n = mho_le32_to_cpu(a->sqe.memory.pages);
	enum mho_hw_status status;
	uint64_t list_bytes;
	mho_le64 *pages;

	status = check_memory(a, &list_bytes);
	if (status)
		return status;
	if (!context_ok(a))
		return no_context(a);
	pages = malloc(n * sizeof(*pages));
	if (!pages)
		return MHO_HW_ST_NO_RESOURCE;
	status = read_list(a, pages, n, list_bytes);
	if (!status)
		status = check_pages(a, pages, n);
	if (!status)
		status = make_key(a, pages, n);
	free(pages);
	return status;
}

enum mho_hw_status mho_admin_memory_unregister(struct mho_admin *a)
{
	struct mho_key *key;

	if (!context_ok(a))
		return no_context(a);
	key = mho_key_find(a->emu, mho_le16_to_cpu(a->sqe.context), mho_le32_to_cpu(a->sqe.id));
	if (!key)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_KEY, MHO_ADMIN_AT(id));
	if (key->users)
		return mho_admin_refuse(a, MHO_HW_ST_BUSY, MHO_ADMIN_AT(id));
	mho_key_remove(a->emu, key);
	return MHO_HW_ST_OK;
}
