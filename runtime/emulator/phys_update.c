// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The rank-1 update by pulse trains, stochastic or counted (Gokmen and Vlasov 2016) with
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
 * struct vector_plan - one pass of one pair of the batch
 * @slots: length of its trains; 0: nothing to do
 * @words: words of a train
 * @columns: trains of the columns
 * @rows: trains of the rows
 */
struct vector_plan {
	uint32_t slots;
	uint32_t words;
	struct mho_trains columns;
	struct mho_trains rows;
};

/**
 * struct plan - layout of the memory behind mho_tile_update_prepare()
 * @stride: words from pass to pass
 * @max_words: words of the longest possible train
 * @vectors: an entry for each pass
 *
 * For each pass follows what the trains of the columns point to, then the rows'; at last room for
 * one vector. Where pulses are counted instead of drawn, a train is one number.
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

/* Columns with positive inputs and those with negative ones, one after the other or at once. */
static uint32_t passes_of(const struct mho_tile *t)
{
	return t->tech.pulse_type == MHO_PULSES_STOCHASTIC ? 2 : 1;
}

static size_t plan_head(const struct mho_tile *t, const struct mho_update *u)
{
	size_t passes = (size_t)u->batch * passes_of(t);
	size_t head = sizeof(struct plan) + passes * sizeof(struct vector_plan);

	return (head + 63) / 64 * 64;
}

/* Words behind the trains of @n lines. */
static size_t train_words(uint32_t n, uint32_t words)
{
	return (size_t)n * (words + 1) + 2 * ((size_t)n + MHO_TRAINS_SPARE);
}

size_t mho_tile_update_plan(const struct mho_tile *t, const struct mho_update *u)
{
	uint32_t words = (longest_train(t, u) + 31) / 32;
	size_t stride = train_words(u->rect.rows, words) + train_words(u->rect.cols, words);

	return plan_head(t, u) +
	       (u->batch * passes_of(t) * stride + u->rect.cols) * sizeof(uint32_t) + 64;
}

static struct mho_trains trains_at(uint32_t *at, uint32_t n, uint32_t words)
{
	uint32_t *negative = at + (size_t)n * words, *index = negative + n;

	return (struct mho_trains){ .bits = at,
				    .negative = negative,
				    .index = index,
				    .packed = index + n + MHO_TRAINS_SPARE };
}

/* Memory of pass @v; passes are numbered through all pairs. */
static uint32_t *memory_of(const struct mho_tile *t, struct plan *p, const struct mho_update *u,
			   uint32_t v)
{
	return (uint32_t *)((char *)p + plan_head(t, u)) + v * p->stride;
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
	double granularity = t->granularity, d_end = d_max * t->tech.um_scale;
	double k = u->rate * x_max * d_max * t->tech.um_scale / granularity;
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

/* What is driven in a pass: all of @x, or what is of one sign. */
static const float *part_of(const struct mho_tile *t, struct plan *p, const struct mho_update *u,
			    const float *x, uint32_t pass)
{
	float *part = (float *)memory_of(t, p, u, u->batch * passes_of(t));

	if (passes_of(t) == 1)
		return x;
	for (uint32_t j = 0; j < u->rect.cols; j++)
		part[j] = (x[j] < 0) == (pass > 0) ? x[j] : 0;
	return part;
}

/* Trains of one pass. */
static void draw_trains(const struct mho_tile *t, uint64_t op, const struct mho_update *u,
			struct plan *p, uint32_t v, uint32_t pass, const struct drive *drive,
			struct mho_cost *cost)
{
	const float *x = u->x + v * u->ldx, *d = u->d + v * u->ldd;
	struct vector_plan *plan = &p->vectors[v * passes_of(t) + pass];
	struct mho_stream xs = mho_tile_stream(t, MHO_NOISE_X_TRAIN, op, v, pass);
	struct mho_stream ds = mho_tile_stream(t, MHO_NOISE_D_TRAIN, op, v, pass);

	t->kernels->trains(&plan->columns, part_of(t, p, u, x, pass), u->rect.cols,
			   per_element(drive->x, fabs(u->x_scale)), drive->slots, &xs);
	t->kernels->trains(&plan->rows, d, u->rect.rows, per_element(drive->d, fabs(u->d_scale)),
			   drive->slots, &ds);
	cost->fj += mho_tile_lines_energy(t, drive->slots, (double)plan->columns.ones, 0);
	cost->fj += mho_tile_lines_energy(t, 0, 0, (double)plan->rows.ones);
}

/*
 * Instead of trains: for each line the number of its pulses (MEAN_COUNT), or its probability, as
 * finely as the resolution has it. Returns the number of pulses.
 */
static double count_line(const struct mho_tile *t, const struct mho_trains *line, const float *x,
			 uint32_t n, float scale, uint32_t slots)
{
	float step = t->tech.implicit_resolution;
	double sum = 0;

	for (uint32_t j = 0; j < n; j++) {
		float p = fminf(fabsf(x[j]) * scale, 1);

		if (t->tech.pulse_type == MHO_PULSES_MEAN_COUNT)
			p = rintf(p * (float)slots) / (float)slots;
		else if (step > 0)
			p = fminf(rintf(p / step) * step, 1);
		memcpy(&line->bits[j], &p, sizeof(p));
		line->negative[j] = signbit(x[j]) ? 0xffffffffU : 0;
		sum += (double)p * slots;
	}
	return sum;
}

static void count_trains(const struct mho_tile *t, const struct mho_update *u, struct plan *p,
			 uint32_t v, const struct drive *drive, struct mho_cost *cost)
{
	struct vector_plan *plan = &p->vectors[v];
	double on_columns, on_rows;

	on_columns = count_line(t, &plan->columns, u->x + v * u->ldx, u->rect.cols,
				per_element(drive->x, fabs(u->x_scale)), drive->slots);
	on_rows = count_line(t, &plan->rows, u->d + v * u->ldd, u->rect.rows,
			     per_element(drive->d, fabs(u->d_scale)), drive->slots);
	cost->fj += mho_tile_lines_energy(t, drive->slots, on_columns, on_rows);
}

/* Numbers of pulses do without trains. */
static bool counts_pulses(const struct mho_tile *t)
{
	return t->tech.pulse_type == MHO_PULSES_MEAN_COUNT ||
	       t->tech.pulse_type == MHO_PULSES_DETERMINISTIC;
}

/* Exact updates have no pulses at all. */
static bool has_pulses(const struct mho_tile *t)
{
	return t->tech.model != MHO_MODEL_IDEAL && t->tech.pulse_type != MHO_PULSES_NONE;
}

static void plan_pass(const struct mho_tile *t, const struct mho_update *u, struct plan *p,
		      uint32_t at, uint32_t slots)
{
	struct vector_plan *v = &p->vectors[at];
	uint32_t *columns = memory_of(t, p, u, at);

	v->slots = slots;
	v->words = (slots + 31) / 32;
	v->columns = trains_at(columns, u->rect.cols, p->max_words);
	v->rows = trains_at(columns + train_words(u->rect.cols, p->max_words), u->rect.rows,
			    p->max_words);
}

void mho_tile_update_prepare(const struct mho_tile *t, uint64_t op, const struct mho_update *u,
			     void *memory, struct mho_cost *cost)
{
	const struct mho_kernels *k = t->kernels;
	uint32_t passes = passes_of(t);
	struct plan *p = memory;

	p->max_words = (longest_train(t, u) + 31) / 32;
	p->stride =
		train_words(u->rect.rows, p->max_words) + train_words(u->rect.cols, p->max_words);
	for (uint32_t v = 0; v < u->batch; v++) {
		const float *x = u->x + v * u->ldx, *d = u->d + v * u->ldd;
		struct drive drive = choose_drive(t, u,
						  k->max_abs(x, u->rect.cols) * fabs(u->x_scale),
						  k->max_abs(d, u->rect.rows) * fabs(u->d_scale));

		for (uint32_t pass = 0; pass < passes; pass++) {
			plan_pass(t, u, p, v * passes + pass, drive.slots);
			if (!has_pulses(t) || !drive.slots)
				continue;
			cost->ns += drive.slots * t->tech.pulse_s * 1e9;
			if (counts_pulses(t))
				count_trains(t, u, p, v, &drive, cost);
			else
				draw_trains(t, op, u, p, v, pass, &drive, cost);
		}
	}
	if (!has_pulses(t))
		cost->ns += u->batch * t->tech.pulse_s * 1e9;
}

/* w += a x, within the bounds of the cells. */
static void add_to_cells(struct mho_tile *t, const struct mho_update *u, uint32_t i, const float *x,
			 float a)
{
	size_t at = mho_tile_at(t, u->rect.row + i, u->rect.col);

	for (uint32_t j = 0; j < u->rect.cols; j++, at++) {
		float *w = t->held ? &t->held[at] : &t->w[at];

		*w = fminf(fmaxf(*w + a * x[j], mho_tile_half(t->min[at])),
			   mho_tile_half(t->max[at]));
		t->w[at] = *w;
	}
}

static void update_row_exact(struct mho_tile *t, const struct mho_update *u, uint32_t i)
{
	float *w = t->w + mho_tile_at(t, u->rect.row + i, u->rect.col);
	double factor = -(double)u->rate * u->x_scale * u->d_scale;

	for (uint32_t v = 0; v < u->batch; v++) {
		/* Finite, since 0 times infinity would be no weight. */
		double a = fmax(fmin(factor * u->d[v * u->ldd + i], FLT_MAX), -FLT_MAX);

		if (a != 0 && t->tech.model != MHO_MODEL_IDEAL)
			add_to_cells(t, u, i, u->x + v * u->ldx, (float)a);
		else if (a != 0)
			t->kernels->axpy(w, u->x + v * u->ldx, u->rect.cols, (float)a,
					 t->tech.w_min, t->tech.w_max);
	}
}

/* Pulses at the cells of a row from the numbers or probabilities of the lines. */
static uint64_t update_row_counted(struct mho_tile *t, uint64_t op, const struct mho_update *u,
				   const struct plan *p, uint32_t i)
{
	bool flip = (u->x_scale < 0) != (u->d_scale < 0);
	uint64_t pulses = 0;

	for (uint32_t v = 0; v < u->batch; v++) {
		const struct vector_plan *plan = &p->vectors[v];
		float slots = (float)plan->slots, in_row, in_column;
		int32_t counts[MHO_HW_TILE_DIM_MAX];
		struct mho_row row;

		if (!plan->slots)
			continue;
		memcpy(&in_row, &plan->rows.bits[i], sizeof(in_row));
		for (uint32_t j = 0; j < u->rect.cols; j++) {
			bool up = ((plan->rows.negative[i] ^ plan->columns.negative[j]) != 0) !=
				  flip;

			memcpy(&in_column, &plan->columns.bits[j], sizeof(in_column));
			counts[j] = (int32_t)rintf(in_row * in_column * slots);
			counts[j] = up ? counts[j] : -counts[j];
		}
		row = mho_tile_row(t, u->rect.row + i, u->rect.col, u->rect.cols, op, v);
		row.one_by_one = plan->slots > t->closed_form;
		pulses += t->kernels->pulse_row(&row, counts);
	}
	mho_tile_break(t, u->rect.row + i);
	return pulses;
}

static uint64_t update_row_pulsed(struct mho_tile *t, uint64_t op, const struct mho_update *u,
				  const struct plan *p, uint32_t i)
{
	/* Factors of opposite sign turn every product round. */
	uint32_t flip = (u->x_scale < 0) != (u->d_scale < 0) ? 0xffffffffU : 0;
	struct mho_row row = mho_tile_row(t, u->rect.row + i, u->rect.col, u->rect.cols, op, 0);
	uint64_t pulses = 0;

	for (uint32_t v = 0; v < u->batch * passes_of(t); v++) {
		const struct vector_plan *plan = &p->vectors[v];
		uint32_t bits[(MHO_HW_BL_MAX + 31) / 32], any = 0, negative;

		for (uint32_t w = 0; w < plan->words; w++) {
			bits[w] = plan->rows.bits[(size_t)w * u->rect.rows + i];
			any |= bits[w];
		}
		if (!any && !(t->disturb > 0))
			continue;
		negative = plan->rows.negative[i] ^ flip;
		row.stream = mho_tile_stream(t, MHO_NOISE_PULSE, op, v, 0);
		row.one_by_one = plan->slots > t->closed_form;
		pulses += t->kernels->update_row(&row, &plan->columns, bits, plan->words, negative);
		if (t->disturb > 0 && plan->slots) {
			struct mho_slots s = { &plan->columns, bits, plan->words, plan->slots,
					       negative };

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
		if (!has_pulses(t))
			update_row_exact(t, u, i);
		else if (counts_pulses(t))
			pulses += update_row_counted(t, op, u, plan, i);
		else
			pulses += update_row_pulsed(t, op, u, plan, i);
	}
	cost->pulses += pulses;
	cost->fj += (double)pulses * energy;
}
