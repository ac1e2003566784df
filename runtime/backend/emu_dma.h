/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Bus addresses of the in-process device: which memory of the program it can reach,
 * as an IOMMU decides for a card. An address that was never given out, or was taken
 * back, reaches nothing.
 */
#ifndef MHO_BACKEND_EMU_DMA_H
#define MHO_BACKEND_EMU_DMA_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emub_dma_slot;

/**
 * struct emub_dma - table of mapped memory
 * @lock: of making and taking
 * @slots: regions by slot
 * @used: slots that were ever used
 * @free: first free slot of these, 0 if none
 */
struct emub_dma {
	pthread_mutex_t lock;
	struct emub_dma_slot *slots;
	uint32_t used;
	uint32_t free;
};

/**
 * struct emub_region - memory that the device reaches
 * @ptr: address in this process, page-aligned; cleared when it is made
 * @size: bytes, whole pages
 * @bus: bus address; contiguous, and aligned to more than any page size of the device
 */
struct emub_region {
	void *ptr;
	size_t size;
	uint64_t bus;
};

int emub_dma_init(struct emub_dma *dma);
void emub_dma_exit(struct emub_dma *dma);

/**
 * emub_region_alloc() - make memory and map it
 * @dma: table
 * @bytes: size, at least 1
 * @write: the device may write, too
 * @out: the region
 *
 * The memory is not inherited by children (MADV_DONTFORK): a child has no device, and a copy that
 * looks alive would only hide that.
 *
 * Return: 0, or -ENOMEM with the last error set.
 */
int emub_region_alloc(struct emub_dma *dma, size_t bytes, bool write, struct emub_region *out);

/* emub_region_free() - the reverse. The device has been told before, and touches it no more. */
void emub_region_free(struct emub_dma *dma, struct emub_region *region);

/* emub_dma_translate() - as mho_emu_ops.dma_map. Any thread, no lock. */
void *emub_dma_translate(struct emub_dma *dma, uint64_t addr, size_t *len, bool write);

#endif
