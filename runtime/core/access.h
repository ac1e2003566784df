/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What jobs touch, and whether two of them must keep their order: matrices, and
 * ranges of buffers. Who keeps the order, and how, is not known here.
 */
#ifndef MHO_CORE_ACCESS_H
#define MHO_CORE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * enum mrt_access_kind - what is touched
 * @MRT_ACCESS_MATRIX: a matrix
 * @MRT_ACCESS_A: a range of a buffer, which slots of operands a move
 * @MRT_ACCESS_B: likewise, of operands b
 */
enum mrt_access_kind {
	MRT_ACCESS_MATRIX,
	MRT_ACCESS_A,
	MRT_ACCESS_B,
};

/**
 * struct mrt_access - something that a job touches
 * @object: the matrix or buffer
 * @begin: first byte in the buffer, for slot 0
 * @end: byte behind the last one
 * @step: bytes from slot to slot
 * @kind: what it is
 * @read: what it holds matters to the job
 * @write: it is changed
 */
struct mrt_access {
	const void *object;
	uint64_t begin;
	uint64_t end;
	uint64_t step;
	enum mrt_access_kind kind;
	bool read;
	bool write;
};

/* The slots of a run. */
struct mrt_slots {
	uint32_t a;
	uint32_t b;
};

/* mrt_access_shift() - how far a run's slots move the range. */
static inline uint64_t mrt_access_shift(const struct mrt_access *x, struct mrt_slots slots)
{
	return x->step * (x->kind == MRT_ACCESS_B ? slots.b : slots.a);
}

/* mrt_access_at() - the same access with its slots put in. */
static inline struct mrt_access mrt_access_at(const struct mrt_access *x, struct mrt_slots slots)
{
	uint64_t shift = mrt_access_shift(x, slots);
	struct mrt_access at = *x;

	at.begin += shift;
	at.end += shift;
	at.step = 0;
	return at;
}

/* mrt_access_meet() - whether two ranges, slots put in, overlap, and one is written. */
static inline bool mrt_access_meet(const struct mrt_access *x, const struct mrt_access *y)
{
	return x->object == y->object && (x->write || y->write) && x->begin < y->end &&
	       y->begin < x->end;
}

#endif
