// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The tile window (BAR4): memory of the tiles' input and output SRAM, in a memfd
 * so that a transport can map it. Which slice of an operand lies where is known
 * to operand.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulator/emu.h"

static size_t power_of_two(size_t at_least)
{
	size_t n = MHO_HW_WINDOW_PAGE;

	while (n < at_least)
		n *= 2;
	return n;
}

int mho_window_init(struct mho_emu *emu)
{
	size_t sram = emu->topo->limits.window_sram;
	void *p;

	emu->window_fd = -1;
	if (!sram)
		return 0;
	emu->window_out = (sram + MHO_HW_WINDOW_PAGE - 1) & -(size_t)MHO_HW_WINDOW_PAGE;
	emu->window_stride = power_of_two(2 * (size_t)emu->window_out);
	emu->window_size = power_of_two((size_t)emu->window_stride * emu->topo->ntiles);
	emu->window_fd = memfd_create("mho-window", MFD_CLOEXEC);
	if (emu->window_fd < 0)
		return -errno;
	if (ftruncate(emu->window_fd, emu->window_size))
		return -errno;
	p = mmap(NULL, emu->window_size, PROT_READ | PROT_WRITE, MAP_SHARED, emu->window_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	emu->window = p;
	return 0;
}

void mho_window_free(struct mho_emu *emu)
{
	if (emu->window)
		munmap(emu->window, emu->window_size);
	if (emu->window_fd >= 0)
		close(emu->window_fd);
}

static bool allowed(const struct mho_emu *emu, uint64_t offset, unsigned int width)
{
	return emu->window && offset < emu->window_size &&
	       (width == 1 || width == 2 || width == 4 || width == 8) && !(offset & (width - 1));
}

uint64_t mho_window_read(struct mho_emu *emu, uint64_t offset, unsigned int width)
{
	const uint8_t *p = emu->window + offset;

	if (!allowed(emu, offset, width))
		return ~0ULL;
	switch (width) {
	case 1:
		return __atomic_load_n(p, __ATOMIC_RELAXED);
	case 2:
		return mho_le16_to_cpu(__atomic_load_n((const mho_le16 *)p, __ATOMIC_RELAXED));
	case 4:
		return mho_le32_to_cpu(__atomic_load_n((const mho_le32 *)p, __ATOMIC_RELAXED));
	default:
		return mho_le64_to_cpu(__atomic_load_n((const mho_le64 *)p, __ATOMIC_RELAXED));
	}
}

void mho_window_write(struct mho_emu *emu, uint64_t offset, uint64_t value, unsigned int width)
{
	uint8_t *p = emu->window + offset;

	if (!allowed(emu, offset, width))
		return;
	switch (width) {
	case 1:
		__atomic_store_n(p, value, __ATOMIC_RELAXED);
		break;
	case 2:
		__atomic_store_n((mho_le16 *)p, mho_cpu_to_le16(value), __ATOMIC_RELAXED);
		break;
	case 4:
		__atomic_store_n((mho_le32 *)p, mho_cpu_to_le32(value), __ATOMIC_RELAXED);
		break;
	default:
		__atomic_store_n((mho_le64 *)p, mho_cpu_to_le64(value), __ATOMIC_RELAXED);
		break;
	}
}

void *mho_window_in(struct mho_emu *emu, unsigned int tile)
{
	return emu->window + (size_t)tile * emu->window_stride;
}

void *mho_window_out(struct mho_emu *emu, unsigned int tile)
{
	return emu->window + (size_t)tile * emu->window_stride + emu->window_out;
}

void mho_window_clear(struct mho_emu *emu, unsigned int tile)
{
	if (emu->window)
		memset(mho_window_in(emu, tile), 0, emu->window_stride);
}
