// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Table of bus addresses. An address is made of a slot, of how often the slot was
 * used before, and of an offset; so looking one up takes no search and no lock, and
 * an old address does not reach the new memory of its slot.
 */
#include "backend/emu_dma.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"

/* [63:56] use, [55:40] slot, from 1 on, [39:0] offset in a region of less than 1 TiB. */
#define OFFSET_BITS 40
#define USE_SHIFT 56
#define SLOTS (1U << (USE_SHIFT - OFFSET_BITS))
#define REGION_MAX ((uint64_t)1 << OFFSET_BITS)

/**
 * struct emub_dma_slot - a region
 * @base: bus address of its first byte, 0 if the slot is free
 * @ptr: address in this process
 * @size: bytes
 * @write: the device may write
 * @use: of the next region, 8 bits
 * @next: next free slot
 */
struct emub_dma_slot {
	_Atomic uint64_t base;
	_Atomic(uint8_t *) ptr;
	atomic_size_t size;
	atomic_bool write;
	uint8_t use;
	uint32_t next;
};

int emub_dma_init(struct emub_dma *dma)
{
	/* Most of it is never touched. */
	dma->slots = calloc(SLOTS, sizeof(*dma->slots));
	if (!dma->slots)
		return mrt_fail(-ENOMEM, "out of memory for the table of bus addresses");
	dma->used = 1;
	dma->free = 0;
	pthread_mutex_init(&dma->lock, NULL);
	return 0;
}

void emub_dma_exit(struct emub_dma *dma)
{
	pthread_mutex_destroy(&dma->lock);
	free(dma->slots);
}

static uint32_t take_slot(struct emub_dma *dma)
{
	uint32_t slot = dma->free;

	if (slot)
		dma->free = dma->slots[slot].next;
	else if (dma->used < SLOTS)
		slot = dma->used++;
	return slot;
}

static int map(struct emub_dma *dma, struct emub_region *region, bool write)
{
	struct emub_dma_slot *s;
	uint32_t slot;

	pthread_mutex_lock(&dma->lock);
	slot = take_slot(dma);
	if (slot) {
		s = &dma->slots[slot];
		region->bus = (uint64_t)s->use++ << USE_SHIFT | (uint64_t)slot << OFFSET_BITS;
		atomic_store_explicit(&s->ptr, region->ptr, memory_order_relaxed);
		atomic_store_explicit(&s->size, region->size, memory_order_relaxed);
		atomic_store_explicit(&s->write, write, memory_order_relaxed);
		atomic_store_explicit(&s->base, region->bus, memory_order_release);
	}
	pthread_mutex_unlock(&dma->lock);
	return slot ? 0 : -ENOSPC;
}

int emub_region_alloc(struct emub_dma *dma, size_t bytes, bool write, struct emub_region *out)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (bytes + page - 1) & ~(page - 1);
	void *ptr = MAP_FAILED;

	if (bytes && size >= bytes && size < REGION_MAX)
		ptr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ptr == MAP_FAILED)
		return mrt_fail(-ENOMEM,
				"no memory for a buffer of %zu bytes; free other memory, or raise "
				"ulimit -v",
				bytes);
	madvise(ptr, size, MADV_DONTFORK);
	out->ptr = ptr;
	out->size = size;
	if (map(dma, out, write)) {
		munmap(ptr, size);
		return mrt_fail(-ENOSPC, "there are %u buffers already; free some", SLOTS - 1);
	}
	return 0;
}

void emub_region_free(struct emub_dma *dma, struct emub_region *region)
{
	struct emub_dma_slot *s;
	uint32_t slot;

	if (!region->ptr)
		return;
	slot = (uint32_t)(region->bus >> OFFSET_BITS) & (SLOTS - 1);
	s = &dma->slots[slot];
	pthread_mutex_lock(&dma->lock);
	atomic_store_explicit(&s->base, 0, memory_order_release);
	s->next = dma->free;
	dma->free = slot;
	pthread_mutex_unlock(&dma->lock);
	munmap(region->ptr, region->size);
	region->ptr = NULL;
}

void *emub_dma_translate(struct emub_dma *dma, uint64_t addr, size_t *len, bool write)
{
	struct emub_dma_slot *s = &dma->slots[(uint32_t)(addr >> OFFSET_BITS) & (SLOTS - 1)];
	uint64_t offset = addr & (REGION_MAX - 1);
	size_t size;

	/* Slot 0 is never used: its base stays 0, which is no base of a region. */
	if (!(addr - offset) ||
	    atomic_load_explicit(&s->base, memory_order_acquire) != addr - offset)
		return NULL;
	size = atomic_load_explicit(&s->size, memory_order_relaxed);
	if (offset >= size || (write && !atomic_load_explicit(&s->write, memory_order_relaxed)))
		return NULL;
	if (*len > size - offset)
		*len = size - offset;
	return atomic_load_explicit(&s->ptr, memory_order_relaxed) + offset;
}
