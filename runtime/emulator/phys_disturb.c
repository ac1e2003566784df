// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What pulses do beside what they are for: they move cells that see a part of the
 * voltage, and break cells in the long run. What they do to the cells that they are
 * for is in phys_update.c and phys_program.c.
 */
#include <stdlib.h>

#include "emulator/phys_tile.h"
#include "mho_hw_io.h"

/**
 * struct lone - pulses that the cells of a row see a part of
 * @up: in the direction up
 * @down: down
 */
struct lone {
	float up[MHO_HW_TILE_DIM_MAX];
	float down[MHO_HW_TILE_DIM_MAX];
};

static void disturb(struct mho_tile *t, uint64_t op, uint32_t vector, uint32_t row,
		    const struct lone *lone)
{
	struct mho_row cells = mho_tile_row(t, row, 0, t->cols, op, vector);

	t->kernels->disturb_row(&cells, lone->up, lone->down, t->disturb);
}

static uint32_t ones(const uint32_t *bits, size_t stride, uint32_t words)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < words; w++)
		n += (uint32_t)__builtin_popcount(bits[w * stride]);
	return n;
}

static uint32_t both(const uint32_t *x, size_t stride, const uint32_t *d, uint32_t words)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < words; w++)
		n += (uint32_t)__builtin_popcount(x[w * stride] & d[w]);
	return n;
}

/*
 * A pulse on one line alone pushes in the direction in which both would. By thirds the lines that
 * are not driven push back.
 */
void mho_tile_disturb_row(struct mho_tile *t, uint64_t op, uint32_t vector,
			  const struct mho_update *u, uint32_t row, const struct mho_slots *s)
{
	uint32_t in_row = ones(s->bits, 1, s->words);
	struct lone lone;

	for (uint32_t j = 0; j < t->cols; j++) {
		uint32_t k = j - u->rect.col, in_column = 0, at_once = 0, negative = ~s->d_negative;
		float push, back;

		if (k < u->rect.cols) {
			in_column = ones(s->x->bits + k, u->rect.cols, s->words);
			at_once = both(s->x->bits + k, u->rect.cols, s->bits, s->words);
			negative ^= s->x->negative[k];
		}
		push = (float)(in_row + in_column - 2 * at_once);
		back = t->tech.half_select == MHO_HALF_SELECT_V3 ?
			       (float)(s->slots + at_once - in_row - in_column) :
			       0;
		lone.up[j] = negative ? back : push;
		lone.down[j] = negative ? push : back;
	}
	disturb(t, op, vector, u->rect.row + row, &lone);
}

/* Slots of one direction: column by column as many as its cell with most pulses needs. */
static uint32_t most(const int8_t *column, size_t ld, uint32_t rows, int sign)
{
	int n = 0;

	for (uint32_t i = 0; i < rows; i++)
		n = sign * column[i * ld] > n ? sign * column[i * ld] : n;
	return (uint32_t)n;
}

/**
 * struct slots - of single pulses, in one direction
 * @column: of each column
 * @total: of all
 */
struct slots {
	uint32_t column[MHO_HW_TILE_DIM_MAX];
	uint32_t total;
};

static void count_slots(struct slots *s, const struct mho_rect *r, const int8_t *counts, size_t ld,
			size_t step, int sign)
{
	s->total = 0;
	for (uint32_t j = 0; j < r->cols; j++) {
		s->column[j] = most(counts + j * step, ld, r->rows, sign);
		s->total += s->column[j];
	}
}

/* Pulses of direction @sign that the cells of a row see a part of: @push; and the reverse: @back. */
static void count_lone(const struct mho_tile *t, const struct mho_rect *r, const struct slots *s,
		       const int8_t *counts, size_t step, int sign, float *push, float *back)
{
	uint32_t in_row = 0;

	for (uint32_t j = 0; counts && j < r->cols; j++)
		in_row += sign * counts[j * step] > 0 ? (uint32_t)(sign * counts[j * step]) : 0;
	for (uint32_t j = 0; j < t->cols; j++) {
		uint32_t k = j - r->col, in_column = 0, at_once = 0;

		if (k < r->cols) {
			in_column = s->column[k];
			if (counts && sign * counts[k * step] > 0)
				at_once = (uint32_t)(sign * counts[k * step]);
		}
		push[j] += (float)(in_row + in_column - 2 * at_once);
		if (t->tech.half_select == MHO_HALF_SELECT_V3)
			back[j] += (float)(s->total + at_once - in_row - in_column);
	}
}

void mho_tile_disturb_pulses(struct mho_tile *t, uint64_t op, uint32_t attempt,
			     const struct mho_rect *r, const int8_t *counts, size_t ld, size_t step)
{
	struct slots up, down;

	if (!(t->disturb > 0))
		return;
	count_slots(&up, r, counts, ld, step, 1);
	count_slots(&down, r, counts, ld, step, -1);
	for (uint32_t i = 0; i < t->rows; i++) {
		const int8_t *row = i - r->row < r->rows ? counts + (i - r->row) * ld : NULL;
		struct lone lone = { { 0 }, { 0 } };

		count_lone(t, r, &up, row, step, 1, lone.up, lone.down);
		count_lone(t, r, &down, row, step, -1, lone.down, lone.up);
		disturb(t, op, attempt, i, &lone);
	}
}

void mho_tile_break(struct mho_tile *t, uint32_t row)
{
	for (uint32_t j = 0; t->breaks_at && j < t->cols; j++) {
		size_t at = mho_tile_at(t, row, j);

		if (t->wear[at] < t->breaks_at)
			continue;
		t->up[at] = 0;
		t->down[at] = 0;
		for (uint32_t k = 0; k < MHO_CELL_EXTRA; k++) {
			if (t->extra[k])
				t->extra[k][at] = 0;
		}
	}
}
