// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Reads and writes operands: host memory through the pages of a key, or slices in
 * the SRAM of tiles; binary32 or int8; looks for NaN and infinity. Validity of
 * key, range and type was checked in command.c.
 */
#include <math.h>
#include <string.h>

#include "emulator/operand.h"

/* Bytes that are copied and looked at together: they are still in the first-level cache. */
#define PIECE 16384

#define INF_BITS 0x7f800000

static float from_bits(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* Magnitude of the largest of @n numbers, as its bits: NaN is above infinity. */
static uint32_t max_bits(const struct mho_view *v, const float *x, size_t n)
{
	float max = v->emu->kernels->max_abs(x, (uint32_t)n);
	uint32_t bits;

	memcpy(&bits, &max, sizeof(bits));
	return bits;
}

static void fix_endian(float *x, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	uint32_t v;
	size_t i;

	for (i = 0; i < n; i++) {
		memcpy(&v, x + i, sizeof(v));
		v = mho_le32_to_cpu(v);
		memcpy(x + i, &v, sizeof(v));
	}
#else
	(void)x;
	(void)n;
#endif
}

/* Copy bytes out of host memory; max: of the binary32 numbers in it, or NULL. */
static bool load_bytes(const struct mho_view *v, uint64_t offset, void *dst, uint64_t len,
		       uint32_t *max)
{
	uint64_t done = 0, seen = 0;

	while (done < len) {
		size_t mapped = len - done, at = 0;
		const uint8_t *p = mho_dma_list_map(&v->emu->dma, &v->op->key->list, offset + done,
						    &mapped, false);

		if (!p)
			return false;
		while (at < mapped) {
			size_t n = mapped - at < PIECE ? mapped - at : PIECE;
			uint64_t whole;

			memcpy((uint8_t *)dst + done, p + at, n);
			at += n;
			done += n;
			whole = done / sizeof(float);
			if (max && whole > seen) {
				float *x = (float *)dst + seen;
				uint32_t m;

				fix_endian(x, whole - seen);
				m = max_bits(v, x, whole - seen);
				*max = m > *max ? m : *max;
				seen = whole;
			}
		}
		mho_dma_unmap(&v->emu->dma, (void *)p, mapped);
	}
	return true;
}

/* @n int8 numbers at the end of @dst, spread to binary32 from its start on. */
static uint32_t widen(const struct mho_view *v, float *dst, uint32_t n)
{
	const uint8_t *src = (const uint8_t *)(dst + n) - n;
	uint32_t i;

	for (i = 0; i < n; i++) {
		int8_t b = (int8_t)src[i];

		dst[i] = b;
	}
	return max_bits(v, dst, n);
}

static bool load_run(const struct mho_view *v, uint64_t offset, float *dst, uint64_t n,
		     uint32_t *max)
{
	uint32_t m;

	if (v->op->type == MHO_HW_TYPE_F32)
		return load_bytes(v, offset, dst, n * sizeof(*dst), max);
	if (!load_bytes(v, offset, (int8_t *)(dst + n) - n, n, NULL))
		return false;
	m = widen(v, dst, (uint32_t)n);
	*max = m > *max ? m : *max;
	return true;
}

static enum mho_hw_status load_host(const struct mho_view *v, uint32_t first, uint32_t n,
				    float *dst, uint32_t *max)
{
	const struct mho_operand *op = v->op;
	uint64_t row = (uint64_t)op->len * (op->type == MHO_HW_TYPE_F32 ? 4 : 1);
	uint64_t offset = op->offset + first * op->stride;
	uint32_t i;

	if (op->stride == row)
		return load_run(v, offset, dst, (uint64_t)n * op->len, max) ? MHO_HW_ST_OK :
									      MHO_HW_ST_DMA_FAULT;
	for (i = 0; i < n; i++) {
		if (!load_run(v, offset + i * op->stride, dst + (size_t)i * op->len, op->len, max))
			return MHO_HW_ST_DMA_FAULT;
	}
	return MHO_HW_ST_OK;
}

/* The tile whose SRAM holds a slice, and where the slice is in a vector. */
static const struct mho_block *slice(const struct mho_view *v, uint32_t i, uint32_t *start,
				     uint32_t *len)
{
	const struct mho_block *b = &v->array->blocks[v->along_cols ? i : i * v->array->grid_cols];

	*start = v->along_cols ? b->col : b->row;
	*len = v->along_cols ? b->cols : b->rows;
	return b;
}

static uint8_t *sram(const struct mho_view *v, const struct mho_block *b)
{
	return v->out ? mho_window_out(v->emu, b->tile->number) :
			mho_window_in(v->emu, b->tile->number);
}

static void load_window(const struct mho_view *v, uint32_t first, uint32_t n, float *dst,
			uint32_t *max)
{
	uint32_t slices = v->along_cols ? v->array->grid_cols : v->array->grid_rows;
	size_t element = v->op->type == MHO_HW_TYPE_F32 ? 4 : 1;
	uint32_t i, k, start, len, m;

	for (i = 0; i < slices; i++) {
		const uint8_t *from = sram(v, slice(v, i, &start, &len));

		for (k = 0; k < n; k++) {
			float *to = dst + (size_t)k * v->op->len + start;
			const uint8_t *p = from + (size_t)(first + k) * len * element;

			if (v->op->type == MHO_HW_TYPE_F32) {
				memcpy(to, p, len * sizeof(*to));
				fix_endian(to, len);
				m = max_bits(v, to, len);
			} else {
				memcpy((int8_t *)(to + len) - len, p, len);
				m = widen(v, to, len);
			}
			*max = m > *max ? m : *max;
		}
	}
}

static bool scaled_finite(float x, float scale)
{
	return isfinite(x) && isfinite(x * scale);
}

enum mho_hw_status mho_view_load(const struct mho_view *v, uint32_t first, uint32_t n, float *dst,
				 enum mho_load mode, uint32_t *bad)
{
	uint64_t total = (uint64_t)n * v->op->len, i, index;
	enum mho_hw_status status = MHO_HW_ST_OK;
	uint32_t max = 0;

	if (v->op->window)
		load_window(v, first, n, dst, &max);
	else
		status = load_host(v, first, n, dst, &max);
	if (status || (max < INF_BITS && isfinite(from_bits(max) * v->op->scale)))
		return status;
	for (i = 0; i < total; i++) {
		if (scaled_finite(dst[i], v->op->scale))
			continue;
		if (mode == MHO_LOAD_AS_ZERO) {
			dst[i] = 0;
			continue;
		}
		index = (uint64_t)first * v->op->len + i;
		*bad = index > UINT32_MAX ? UINT32_MAX : (uint32_t)index;
		return MHO_HW_ST_NOT_FINITE;
	}
	return MHO_HW_ST_OK;
}

enum mho_hw_status mho_view_load_bytes(const struct mho_view *v, uint32_t first, uint32_t n,
				       int8_t *dst)
{
	const struct mho_operand *op = v->op;
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (!load_bytes(v, op->offset + (first + i) * op->stride, dst + (size_t)i * op->len,
				op->len, NULL))
			return MHO_HW_ST_DMA_FAULT;
	}
	return MHO_HW_ST_OK;
}

float *mho_view_direct(const struct mho_view *v, uint32_t first, uint32_t n, uint32_t col,
		       uint32_t len, size_t *mapped)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const struct mho_operand *op = v->op;
	uint64_t offset = op->offset + first * op->stride + (uint64_t)col * sizeof(float);
	size_t want = (n - 1) * op->stride + (size_t)len * sizeof(float);
	void *p;

	if (op->window || op->type != MHO_HW_TYPE_F32)
		return NULL;
	*mapped = want;
	p = mho_dma_list_map(&v->emu->dma, &op->key->list, offset, mapped, true);
	if (p && (*mapped < want || (uintptr_t)p % sizeof(float))) {
		mho_dma_unmap(&v->emu->dma, p, *mapped);
		p = NULL;
	}
	return p;
#else
	(void)v, (void)first, (void)n, (void)col, (void)len, (void)mapped;
	return NULL;
#endif
}

void mho_view_release(const struct mho_view *v, void *ptr, size_t mapped)
{
	mho_dma_unmap(&v->emu->dma, ptr, mapped);
}

static bool store_bytes(const struct mho_view *v, uint64_t offset, const void *src, uint64_t len)
{
	uint64_t done = 0;

	while (done < len) {
		size_t n = len - done;
		void *p =
			mho_dma_list_map(&v->emu->dma, &v->op->key->list, offset + done, &n, true);

		if (!p)
			return false;
		memcpy(p, (const uint8_t *)src + done, n);
		mho_dma_unmap(&v->emu->dma, p, n);
		done += n;
	}
	return true;
}

/* Round to nearest even and saturate. */
static void narrow(int8_t *dst, const float *src, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		float y = rintf(src[i]);

		dst[i] = y >= 127 ? 127 : y <= -128 ? -128 : (int8_t)y;
	}
}

enum mho_hw_status mho_view_store(const struct mho_view *v, uint32_t first, uint32_t n,
				  uint32_t col, uint32_t len, const float *src, size_t ld,
				  void *bytes)
{
	const struct mho_operand *op = v->op;
	size_t element = op->type == MHO_HW_TYPE_F32 ? 4 : 1;
	uint8_t *to = NULL;
	uint32_t i, start, slice_len;

	if (op->window) {
		for (i = 0; !to; i++) {
			const struct mho_block *b = slice(v, i, &start, &slice_len);

			if (start == col)
				to = sram(v, b);
		}
	}
	for (i = 0; i < n; i++) {
		const void *from = src + i * ld;

		if (op->type == MHO_HW_TYPE_I8) {
			narrow(bytes, src + i * ld, len);
			from = bytes;
		} else if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
			memcpy(bytes, from, len * element);
			fix_endian(bytes, len);
			from = bytes;
		}
		if (to)
			memcpy(to + (size_t)(first + i) * len * element, from, len * element);
		else if (!store_bytes(v, op->offset + (first + i) * op->stride + col * element,
				      from, len * element))
			return MHO_HW_ST_DMA_FAULT;
	}
	return MHO_HW_ST_OK;
}
