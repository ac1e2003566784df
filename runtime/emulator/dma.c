// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Access to host memory through the callbacks of the transport: copies by bus
 * address, and page lists, in which pages that follow each other on the bus are
 * merged into runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mho_hw.h"
#include "emulator/dma.h"
#include "emulator/mho_emu.h"

static bool wraps(uint64_t addr, uint64_t len)
{
	return addr + (len - 1) < addr;
}

void *mho_dma_map(const struct mho_dma *dma, uint64_t addr, size_t *len, bool write)
{
	return wraps(addr, *len) ? NULL : dma->ops->dma_map(dma->opaque, addr, len, write);
}

void *mho_dma_map_all(const struct mho_dma *dma, uint64_t addr, size_t len, bool write)
{
	size_t n = len;
	void *p = mho_dma_map(dma, addr, &n, write);

	if (p && n < len) {
		mho_dma_unmap(dma, p, n);
		return NULL;
	}
	return p;
}

void mho_dma_unmap(const struct mho_dma *dma, void *ptr, size_t len)
{
	dma->ops->dma_unmap(dma->opaque, ptr, len);
}

bool mho_dma_read(const struct mho_dma *dma, void *dst, uint64_t addr, size_t len)
{
	uint8_t *out = dst;

	while (len) {
		size_t n = len;
		void *p = mho_dma_map(dma, addr, &n, false);

		if (!p)
			return false;
		memcpy(out, p, n);
		mho_dma_unmap(dma, p, n);
		out += n;
		addr += n;
		len -= n;
	}
	return true;
}

bool mho_dma_write(const struct mho_dma *dma, uint64_t addr, const void *src, size_t len)
{
	const uint8_t *in = src;

	while (len) {
		size_t n = len;
		void *p = mho_dma_map(dma, addr, &n, true);

		if (!p)
			return false;
		memcpy(p, in, n);
		mho_dma_unmap(dma, p, n);
		in += n;
		addr += n;
		len -= n;
	}
	return true;
}

bool mho_dma_probe(const struct mho_dma *dma, uint64_t addr, size_t len, bool write)
{
	while (len) {
		size_t n = len;
		void *p = mho_dma_map(dma, addr, &n, write);

		if (!p)
			return false;
		mho_dma_unmap(dma, p, n);
		addr += n;
		len -= n;
	}
	return true;
}

/* Number of pages from @i on that follow each other on the bus. */
static unsigned int count_run(const uint64_t *pages, unsigned int i, unsigned int n,
			      unsigned int shift)
{
	unsigned int run = 1;

	while (i + run < n && mho_le64_to_cpu(pages[i + run]) ==
				      mho_le64_to_cpu(pages[i]) + ((uint64_t)run << shift))
		run++;
	return run;
}

int mho_dma_list_make(struct mho_dma_list *list, const uint64_t *pages, unsigned int n,
		      unsigned int shift, uint64_t first, uint64_t length)
{
	unsigned int i, run, runs = 0;
	uint64_t done = 0;

	for (i = 0; i < n; i += count_run(pages, i, n, shift))
		runs++;
	list->n = 0;
	list->runs = calloc(runs, sizeof(*list->runs));
	if (!list->runs)
		return -ENOMEM;
	for (i = 0; i < n && done < length; i += run) {
		struct mho_dma_run *r = &list->runs[list->n++];

		run = count_run(pages, i, n, shift);
		r->start = done;
		r->addr = mho_le64_to_cpu(pages[i]) + (i ? 0 : first);
		r->len = ((uint64_t)run << shift) - (i ? 0 : first);
		if (r->len > length - done)
			r->len = length - done;
		if (wraps(r->addr, r->len)) {
			mho_dma_list_free(list);
			return -EINVAL;
		}
		done += r->len;
	}
	return 0;
}

void mho_dma_list_free(struct mho_dma_list *list)
{
	free(list->runs);
	list->runs = NULL;
	list->n = 0;
}

void *mho_dma_list_map(const struct mho_dma *dma, const struct mho_dma_list *list, uint64_t offset,
		       size_t *len, bool write)
{
	unsigned int lo = 0, hi = list->n;
	const struct mho_dma_run *r;

	while (hi - lo > 1) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (list->runs[mid].start <= offset)
			lo = mid;
		else
			hi = mid;
	}
	r = &list->runs[lo];
	offset -= r->start;
	if (*len > r->len - offset)
		*len = r->len - offset;
	return mho_dma_map(dma, r->addr + offset, len, write);
}
