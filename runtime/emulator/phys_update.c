// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The rank-1 update by stochastic pulse trains (Gokmen and Vlasov 2016) with
 * update management: lengths and probabilities of the trains, the trains, and
 * their coincidences at the cells. Closed-loop writing is in phys_program.c.
 */
#include "emulator/phys_tile.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "mho_hw_io.h"

/*
 * Topologies give voltages in microvolt, so the step is off by about 1e-6 of itself; that must not
 * cost a train one more slot.
 */
#define STEP_ROUNDING 1e-5

/**
 * struct vector_plan - one pair of the batch
 * @slots: length of its trains; 0: nothing to do
 * @words: words of a train
 */
struct vector_plan {
	uint32_t slots;
	uint32_t words;
};

/**
 * struct plan - layout of the memory behind mho_tile_update_prepare()
 * @stride: words from vector to vector
 * @max_words: words of the longest possible train
 * @vectors: batch entries
 *
 * For each vector follow the trains and signs of the columns, then those of the rows.
 */
struct plan {
	size_t stride;
	uint32_t max_words;
	struct vector_plan vectors[];
};

static uint32_t longest_train(const struct mho_tile *t, const struct mho_update *u)
{
	uint32_t length = u->train_length ? u->train_length : t->tech.train_length;

	return length < MHO_HW_BL_MAX ? length : MHO_HW_BL_MAX;
}

static size_t plan_head(const struct mho_update *u)
{
	size_t head = sizeof(struct plan) + (size_t)u->batch * sizeof(struct vector_plan);

	return (head + 63) / 64 * 64;
}

size_t mho_tile_update_plan(const struct mho_tile *t, const struct mho_update *u)
{
	uint32_t words = (longest_train(t, u) + 31) / 32;
	size_t lines = (size_t)u->rect.rows + u->rect.cols;

	return plan_head(u) + u->batch * lines * (words + 1) * sizeof(uint32_t) + 64;
}

static struct mho_trains column_trains(const struct plan *p, const struct mho_update *u, uint32_t v)
{
	uint32_t *at = (uint32_t *)((char *)p + plan_head(u)) + v * p->stride;

	return (struct mho_trains){ .bits = at,
				    .negative = at + (size_t)p->max_words * u->rect.cols };
}

static struct mho_trains row_trains(const struct plan *p, const struct mho_update *u, uint32_t v)
{
	uint32_t *at = column_trains(p, u, v).negative + u->rect.cols;

	return (struct mho_trains){ .bits = at,
				    .negative = at + (size_t)p->max_words * u->rect.rows };
}

/**
 * struct drive - how strongly the lines of one vector are driven
 * @slots: length of the trains, 0 for none
 * @x: probability of a pulse on a column, per scaled |x|
 * @d: probability on a row, per scaled |d|
 */
struct drive {
	uint32_t slots;
	double x;
	double d;
};

/* Update management and update-BL management (Gokmen, Onen and Haensch 2017). */
static struct drive choose_drive(const struct mho_tile *t, const struct mho_update *u, double x_max,
				 double d_max)
{
	uint32_t longest = longest_train(t, u);
	double granularity = t->granularity, d_end = d_max;
	double k = u->rate * x_max * d_max / granularity;
	struct drive drive = { .slots = longest };
	double equal, balance = 1;

	if (!(x_max > 0) || !(d_max > 0) || !(u->rate > 0))
		return (struct drive){ 0 };
	if (t->tech.update_bl_management && k < longest)
		drive.slots = (uint32_t)fmax(ceil(k * (1 - STEP_ROUNDING)), 1);
	equal = sqrt(u->rate / (granularity * drive.slots));
	if (t->tech.update_management) {
		/* More than the trains carry is cut from the errors, which are the coarser side. */
		if (k > longest)
			d_end *= longest / k;
		balance = sqrt(x_max / d_end);
	}
	drive.d = equal * balance;
	drive.x = equal / balance;
	return drive;
}

/* Probability per unscaled element; finite, since a zero times infinity would be none. */
static float per_element(double drive, double scale)
{
	return (float)fmin(drive * scale, FLT_MAX);
}

void mho_tile_update_prepare(const struct mho_tile *t, uint64_t op, const struct mho_update *u,
			     void *memory, struct mho_cost *cost)
{
	const struct mho_kernels *k = t->kernels;
	struct plan *p = memory;
	p->max_words = (longest_train(t, u) + 31) / 32;
	p->stride = ((size_t)u->rect.rows + u->rect.cols) * (p->max_words + 1);
	for (uint32_t v = 0; v < u->batch; v++) {
		const float *x = u->x + v * u->ldx, *d = u->d + v * u->ldd;
		double x_scale = fabs(u->x_scale), d_scale = fabs(u->d_scale);
		struct drive drive = choose_drive(t, u, k->max_abs(x, u->rect.cols) * x_scale,
						  k->max_abs(d, u->rect.rows) * d_scale);
		struct mho_trains columns = column_trains(p, u, v), rows = row_trains(p, u, v);
		struct mho_stream xs = mho_tile_stream(t, MHO_NOISE_X_TRAIN, op, v, 0);
		struct mho_stream ds = mho_tile_stream(t, MHO_NOISE_D_TRAIN, op, v, 0);
		uint64_t ones;

		p->vectors[v].slots = drive.slots;
		p->vectors[v].words = (drive.slots + 31) / 32;
		if (t->tech.model == MHO_MODEL_IDEAL || !drive.slots)
			continue;
		cost->ns += drive.slots * t->tech.pulse_s * 1e9;
		ones = k->trains(&columns, x, u->rect.cols, per_element(drive.x, x_scale),
				 drive.slots, &xs);
		cost->fj += mho_tile_lines_energy(t, drive.slots, (double)ones, 0);
		ones = k->trains(&rows, d, u->rect.rows, per_element(drive.d, d_scale), drive.slots,
				 &ds);
		cost->fj += mho_tile_lines_energy(t, 0, 0, (double)ones);
	}
	if (t->tech.model == MHO_MODEL_IDEAL)
		cost->ns += u->batch * t->tech.pulse_s * 1e9;
}

static void update_row_exact(struct mho_tile *t, const struct mho_update *u, uint32_t i)
{
	float *w = t->w + mho_tile_at(t, u->rect.row + i, u->rect.col);
	double factor = -(double)u->rate * u->x_scale * u->d_scale;

	for (uint32_t v = 0; v < u->batch; v++) {
		/* Finite, since 0 times infinity would be no weight. */
		double a = fmax(fmin(factor * u->d[v * u->ldd + i], FLT_MAX), -FLT_MAX);

		if (a != 0)
			t->kernels->axpy(w, u->x + v * u->ldx, u->rect.cols, (float)a,
					 t->tech.w_min, t->tech.w_max);
	}
}

static uint64_t update_row_pulsed(struct mho_tile *t, uint64_t op, const struct mho_update *u,
				  const struct plan *p, uint32_t i)
{
	/* Factors of opposite sign turn every product round. */
	uint32_t flip = (u->x_scale < 0) != (u->d_scale < 0) ? 0xffffffffU : 0;
	uint64_t pulses = 0;

	for (uint32_t v = 0; v < u->batch; v++) {
		struct mho_trains columns = column_trains(p, u, v), rows = row_trains(p, u, v);
		uint32_t bits[(MHO_HW_BL_MAX + 31) / 32], any = 0;
		struct mho_row row;

		for (uint32_t w = 0; w < p->vectors[v].words; w++) {
			bits[w] = rows.bits[(size_t)w * u->rect.rows + i];
			any |= bits[w];
		}
		if (!any && !(t->disturb > 0))
			continue;
		row = mho_tile_row(t, u->rect.row + i, u->rect.col, u->rect.cols, op, v);
		row.one_by_one = p->vectors[v].slots > t->closed_form;
		pulses += t->kernels->update_row(&row, &columns, bits, p->vectors[v].words,
						 rows.negative[i] ^ flip);
		if (t->disturb > 0 && p->vectors[v].slots) {
			struct mho_slots s = { &columns, bits, p->vectors[v].words,
					       p->vectors[v].slots, rows.negative[i] ^ flip };

			mho_tile_disturb_row(t, op, v, u, i, &s);
		}
	}
	mho_tile_break(t, u->rect.row + i);
	return pulses;
}

void mho_tile_update_rows(struct mho_tile *t, uint64_t op, const struct mho_update *u,
			  const void *plan, uint32_t first, uint32_t count, struct mho_cost *cost)
{
	double energy = mho_tile_meant_energy(t);
	uint64_t pulses = 0;

	for (uint32_t i = first; i < first + count; i++) {
		if (t->tech.model == MHO_MODEL_IDEAL)
			update_row_exact(t, u, i);
		else
			pulses += update_row_pulsed(t, op, u, plan, i);
	}
	cost->pulses += pulses;
	cost->fj += (double)pulses * energy;
}
