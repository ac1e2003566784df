/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Host memory as the device reaches it: by bus address, or through the page list
 * of a memory key. A mapping never outlives the function that needs it. What
 * lies in the memory is not known here.
 */
#ifndef MHO_EMU_DMA_H
#define MHO_EMU_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mho_emu_ops;

/**
 * struct mho_dma - the way to host memory
 * @ops: callbacks of the transport
 * @opaque: passed to them
 */
struct mho_dma {
	const struct mho_emu_ops *ops;
	void *opaque;
};

/**
 * struct mho_dma_run - a part of a key's memory that is contiguous on the bus
 * @start: its place in the key's memory, bytes
 * @len: bytes
 * @addr: bus address
 */
struct mho_dma_run {
	uint64_t start;
	uint64_t len;
	uint64_t addr;
};

/**
 * struct mho_dma_list - a key's memory
 * @runs: its runs, by start, without gaps
 * @n: number of runs
 */
struct mho_dma_list {
	struct mho_dma_run *runs;
	unsigned int n;
};

/**
 * mho_dma_map() - map bus memory
 * @dma: the way
 * @addr: bus address
 * @len: bytes wanted, at least 1; on return, bytes mapped
 * @write: for writing
 *
 * Return: host address, to be given back with mho_dma_unmap(); NULL if it cannot be reached.
 */
void *mho_dma_map(const struct mho_dma *dma, uint64_t addr, size_t *len, bool write);

/**
 * mho_dma_map_all() - map bus memory that must be contiguous for the host, too
 * @dma: the way
 * @addr: bus address
 * @len: bytes
 * @write: for writing
 *
 * Return: as mho_dma_map(); NULL also if the memory is not contiguous.
 */
void *mho_dma_map_all(const struct mho_dma *dma, uint64_t addr, size_t len, bool write);

/* mho_dma_unmap() - end a mapping of @len bytes. */
void mho_dma_unmap(const struct mho_dma *dma, void *ptr, size_t len);

/**
 * mho_dma_read() - copy from bus memory
 * @dma: the way
 * @dst: where to
 * @addr: bus address, contiguous
 * @len: bytes
 *
 * Return: true; false if some of it could not be reached (@dst is undefined then).
 */
bool mho_dma_read(const struct mho_dma *dma, void *dst, uint64_t addr, size_t len);

/**
 * mho_dma_write() - copy to bus memory
 * @dma: the way
 * @addr: bus address, contiguous
 * @src: where from
 * @len: bytes
 *
 * Return: true; false if some of it could not be reached (some may have been written).
 */
bool mho_dma_write(const struct mho_dma *dma, uint64_t addr, const void *src, size_t len);

/**
 * mho_dma_probe() - whether bus memory can be reached
 * @dma: the way
 * @addr: bus address
 * @len: bytes
 * @write: for writing
 */
bool mho_dma_probe(const struct mho_dma *dma, uint64_t addr, size_t len, bool write);

/**
 * mho_dma_list_make() - make a key's memory of a page list
 * @list: filled; free with mho_dma_list_free()
 * @pages: bus addresses of the pages, little-endian
 * @n: number of pages
 * @shift: log2 of their size
 * @first: offset of the first byte in the first page
 * @length: bytes, at most what the pages hold
 *
 * Return: 0, -EINVAL (a page reaches beyond the end of the bus) or -ENOMEM.
 */
int mho_dma_list_make(struct mho_dma_list *list, const uint64_t *pages, unsigned int n,
		      unsigned int shift, uint64_t first, uint64_t length);

/* mho_dma_list_free() - undo mho_dma_list_make(). */
void mho_dma_list_free(struct mho_dma_list *list);

/**
 * mho_dma_list_map() - map a part of a key's memory
 * @dma: the way
 * @list: the memory
 * @offset: start, bytes
 * @len: bytes wanted, at least 1, within the memory; on return, bytes mapped
 * @write: for writing
 *
 * Return: as mho_dma_map().
 */
void *mho_dma_list_map(const struct mho_dma *dma, const struct mho_dma_list *list, uint64_t offset,
		       size_t *len, bool write);

#endif
