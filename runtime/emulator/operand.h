/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Operands of commands as rows of binary32 numbers, wherever and in whatever
 * type the host has them.
 */
#ifndef MHO_EMU_OPERAND_H
#define MHO_EMU_OPERAND_H

#include "emulator/emu.h"

/**
 * struct mho_view - an operand, and the array that says where its slices lie in the window
 * @emu: device
 * @op: the operand
 * @array: array of the command
 * @along_cols: its elements belong to the array's columns, not to its rows
 * @out: a window operand lies in the output SRAM
 */
struct mho_view {
	struct mho_emu *emu;
	const struct mho_operand *op;
	const struct mho_array *array;
	bool along_cols;
	bool out;
};

/* What mho_view_load() does with a number that is not finite. */
enum mho_load {
	MHO_LOAD_REFUSE,
	MHO_LOAD_AS_ZERO, /* it was finite when it was looked at first */
};

/**
 * mho_view_load() - read vectors
 * @v: operand
 * @first: first vector
 * @n: vectors
 * @dst: n * op.len numbers, without the scale
 * @mode: what to do with numbers that are not finite
 * @bad: after NOT_FINITE, index of the first such number in the operand, saturating
 *
 * A number whose product with the scale overflows is not finite, either.
 *
 * Return: OK, DMA_FAULT or NOT_FINITE.
 */
enum mho_hw_status mho_view_load(const struct mho_view *v, uint32_t first, uint32_t n, float *dst,
				 enum mho_load mode, uint32_t *bad);

/* mho_view_load_bytes() - the same for type I8, as it is. */
enum mho_hw_status mho_view_load_bytes(const struct mho_view *v, uint32_t first, uint32_t n,
				       int8_t *dst);

/**
 * mho_view_direct() - host memory of a part of an operand of type F32, if it can be used as it is
 * @v: operand in host memory
 * @first: first vector
 * @n: vectors
 * @col: first element of each
 * @len: elements of each
 * @mapped: bytes, for mho_view_release()
 *
 * Return: its first element, vectors @op->stride bytes apart; or NULL. Mapped for writing.
 */
float *mho_view_direct(const struct mho_view *v, uint32_t first, uint32_t n, uint32_t col,
		       uint32_t len, size_t *mapped);
void mho_view_release(const struct mho_view *v, void *ptr, size_t mapped);

/**
 * mho_view_store() - write a part of vectors
 * @v: operand
 * @first: first vector
 * @n: vectors
 * @col: first element of each; for a window operand the first of a slice
 * @len: elements of each; for a window operand those of the slice
 * @src: numbers, with the scale applied
 * @ld: elements from vector to vector in @src
 * @bytes: at least 4 * @len bytes of scratch memory
 *
 * Return: OK or DMA_FAULT.
 */
enum mho_hw_status mho_view_store(const struct mho_view *v, uint32_t first, uint32_t n,
				  uint32_t col, uint32_t len, const float *src, size_t ld,
				  void *bytes);

#endif
