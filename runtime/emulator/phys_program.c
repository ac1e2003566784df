// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Reading and writing single cells: read-back through the ADC, raw pulses,
 * closed-loop write and verify, scrubbing, calibration of the ADCs.
 */
#include "emulator/phys_tile.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mho_hw_io.h"

/* The amplifier before the ADC is set so that this times the largest weight is full scale. */
#define READ_RANGE 1.25f
/* Reads that a verify step averages, at most. */
#define VERIFY_AVERAGE_MAX 1024
/* Most pulses at a cell in one round, as in a PULSE command. */
#define PULSES_MAX MHO_HW_PULSE_MAX
/* Beyond the largest bound that a technology may have. */
#define TARGET_MAX 1e6f
/* Rounds without progress, and what is none, after which a cell is given up. */
#define STUCK_ROUNDS 3
#define STUCK_SHARE 0.03f
/* Reads that calibration averages for each row and level. */
#define CALIBRATE_AVERAGE 4096

/**
 * struct reader - how single cells of a row are read back
 * @range: full scale of the ADC: the amplifier before it is set to the range of one weight
 * @noise: of the mean of the reads
 * @step: resolution of the mean, 0 where noise dithers the ADC
 *
 * The other columns are at 0 V. The mean of n reads has noise sigma / sqrt(n). Where sigma is at
 * least half a step, it dithers the ADC: each read's rounding is then as good as independent and
 * averages out like noise of variance step^2 / 12. Where it is smaller, all reads round alike.
 */
struct reader {
	float range;
	float noise;
	float step;
};

static struct reader make_reader(const struct mho_tile *t, uint32_t average)
{
	float range = READ_RANGE * fmaxf(t->tech.w_max * (1 + 3 * t->tech.w_max_dtod),
					 -t->tech.w_min * (1 + 3 * t->tech.w_min_dtod));
	float step = mho_tile_adc_step(t, range), sigma = mho_tile_output_noise(t, 1);
	struct reader r = { .range = range, .step = step };

	if (average > 1 && sigma >= step / 2) {
		sigma = sqrtf(sigma * sigma + step * step / 12);
		r.step = 0;
	}
	r.noise = sigma / sqrtf((float)average);
	return r;
}

static void read_row(const struct mho_tile *t, uint64_t op, uint32_t attempt, uint32_t row,
		     uint32_t col, uint32_t n, const struct reader *r, float *w, float *z)
{
	/* Offsets are of the ADC's full scale, which stands for the range here. */
	float offset = t->tech.out_bound > 0 ? t->offset[row] * r->range / t->tech.out_bound : 0;
	struct mho_stream s = mho_tile_stream(t, MHO_NOISE_READ, op, row, attempt);

	memcpy(w, t->w + mho_tile_at(t, row, col), n * sizeof(*w));
	if (t->tech.model == MHO_MODEL_IDEAL)
		return;
	t->kernels->gauss(z, n, 0, &s);
	for (uint32_t j = 0; j < n; j++) {
		float v = w[j] * t->gain[row] + offset + r->noise * z[j];

		v = fmaxf(fminf(v, r->range), -r->range);
		w[j] = r->step > 0 ? rintf(v / r->step) * r->step : v;
	}
}

/* @cols columns one after the other, all rows at once. */
static void charge_reads(const struct mho_tile *t, uint32_t rows, uint32_t cols, uint32_t average,
			 struct mho_cost *cost)
{
	cost->ns += (double)cols * average * t->tech.read_s * 1e9;
	cost->fj += (double)cols * rows * average * mho_tile_cell_read_energy(t);
}

void mho_tile_read(const struct mho_tile *t, uint64_t op, const struct mho_rect *r,
		   uint32_t average, float *w, size_t ld, struct mho_cost *cost)
{
	float scale = (float)t->compensation;

	mho_tile_read_raw(t, op, 0, r, average, w, ld, cost);
	for (uint32_t i = 0; scale != 1 && i < r->rows; i++) {
		for (uint32_t j = 0; j < r->cols; j++)
			w[i * ld + j] *= scale;
	}
}

void mho_tile_read_raw(const struct mho_tile *t, uint64_t op, uint32_t attempt,
		       const struct mho_rect *r, uint32_t average, float *w, size_t ld,
		       struct mho_cost *cost)
{
	struct reader reader = make_reader(t, average);
	float z[MHO_HW_TILE_DIM_MAX];

	for (uint32_t i = 0; i < r->rows; i++)
		read_row(t, op, attempt, r->row + i, r->col, r->cols, &reader, w + i * ld, z);
	charge_reads(t, r->rows, r->cols, average, cost);
}

/* Pulses of one row, at most PULSES_MAX at a cell. Returns how many there were. */
static uint64_t pulse_row(struct mho_tile *t, uint64_t op, uint32_t attempt, uint32_t row,
			  uint32_t col, uint32_t n, const int32_t *counts)
{
	struct mho_row cells = mho_tile_row(t, row, col, n, op, attempt);
	uint64_t pulses;
	uint32_t most = 0;

	for (uint32_t j = 0; j < n; j++)
		most = (uint32_t)abs(counts[j]) > most ? (uint32_t)abs(counts[j]) : most;
	cells.one_by_one = most > t->closed_form;
	pulses = t->kernels->pulse_row(&cells, counts);
	mho_tile_break(t, row);
	return pulses;
}

static void pulse_row_exact(struct mho_tile *t, uint32_t row, uint32_t col, uint32_t n,
			    const int32_t *counts)
{
	float *w = t->w + mho_tile_at(t, row, col);

	for (uint32_t j = 0; j < n; j++)
		w[j] = fmaxf(fminf(w[j] + t->step * (float)counts[j], t->tech.w_max),
			     t->tech.w_min);
}

/* A column's cells are pulsed together: first those that go up, then those that go down. */
struct column_time {
	uint8_t up[MHO_HW_TILE_DIM_MAX];
	uint8_t down[MHO_HW_TILE_DIM_MAX];
};

/* counts[j] fits, since PULSES_MAX does. */
static void note_column_time(struct column_time *time, const int32_t *counts, uint32_t n)
{
	for (uint32_t j = 0; j < n; j++) {
		if (counts[j] > time->up[j])
			time->up[j] = (uint8_t)counts[j];
		if (-counts[j] > time->down[j])
			time->down[j] = (uint8_t)-counts[j];
	}
}

/*
 * A slot drives the column's line, and the lines of the rows that it is for: their other cells are
 * half-selected, as in an update.
 */
static void charge_pulses(const struct mho_tile *t, const struct column_time *time, uint32_t cols,
			  uint64_t pulses, struct mho_cost *cost)
{
	uint64_t slots = 0;

	for (uint32_t j = 0; j < cols; j++)
		slots += (uint64_t)time->up[j] + time->down[j];
	cost->ns += (double)slots * t->tech.pulse_s * 1e9;
	cost->pulses += pulses;
	cost->fj += (double)pulses * mho_tile_meant_energy(t) +
		    mho_tile_lines_energy(t, (double)slots, (double)slots, (double)pulses);
}

void mho_tile_pulse(struct mho_tile *t, uint64_t op, const struct mho_rect *r, const int8_t *counts,
		    size_t ld, struct mho_cost *cost)
{
	struct column_time time = { 0 };
	uint64_t pulses = 0;

	for (uint32_t i = 0; i < r->rows; i++) {
		int32_t n[MHO_HW_TILE_DIM_MAX];

		for (uint32_t j = 0; j < r->cols; j++)
			n[j] = counts[i * ld + j] < -PULSES_MAX ? -PULSES_MAX : counts[i * ld + j];
		note_column_time(&time, n, r->cols);
		if (t->tech.model == MHO_MODEL_IDEAL) {
			pulse_row_exact(t, r->row + i, r->col, r->cols, n);
			for (uint32_t j = 0; j < r->cols; j++)
				pulses += (uint64_t)abs(n[j]);
		} else {
			pulses += pulse_row(t, op, 0, r->row + i, r->col, r->cols, n);
		}
	}
	mho_tile_disturb_pulses(t, op, 0, r, counts, ld, 1);
	charge_pulses(t, &time, r->cols, pulses, cost);
}

/* ---- write and verify ---- */

/* Reads to average so that noise is a third of the tolerance. */
static uint32_t verify_average(const struct mho_tile *t, float tolerance)
{
	float ratio = 3 * mho_tile_output_noise(t, 1) / tolerance;
	float n = ceilf(ratio * ratio);

	return n < 1 ? 1 : n > VERIFY_AVERAGE_MAX ? VERIFY_AVERAGE_MAX : (uint32_t)n;
}

/* What is asked for, within what numbers can be subtracted from. */
static float target_of(const struct mho_program *p, uint32_t row, uint32_t col)
{
	float w = p->target[row * p->ld + col] * p->scale;

	return fmaxf(fminf(w, TARGET_MAX), -TARGET_MAX);
}

static uint32_t write_exact(struct mho_tile *t, const struct mho_program *p, float tolerance)
{
	uint32_t missed = 0;

	for (uint32_t i = 0; i < p->rect.rows; i++) {
		float *w = t->w + mho_tile_at(t, p->rect.row + i, p->rect.col);

		for (uint32_t j = 0; j < p->rect.cols; j++) {
			float want = target_of(p, i, j);

			w[j] = fmaxf(fminf(want, t->tech.w_max), t->tech.w_min);
			missed += fabsf(want - w[j]) > tolerance;
		}
	}
	return missed;
}

/**
 * struct progress - how far a cell is
 * @error: when it was last read and pulsed
 * @stuck: rounds without progress since
 * @done: reads within the tolerance; left alone then, or noise would drive it out again
 * @pulses: of this round, for the cells that they are not for
 * @given_up: pulses do not help, as at a bound; left alone, since they wear the cell
 */
struct progress {
	float error;
	uint8_t stuck;
	int8_t pulses;
	bool done;
	bool given_up;
};

/* Pulses of nominal step that @error asks for, at least one. */
static float pulses_for(const struct mho_tile *t, float error)
{
	float n = rintf(error / (float)t->granularity);

	return n == 0 ? copysignf(1, error) : fmaxf(fminf(n, PULSES_MAX), -PULSES_MAX);
}

/*
 * Gives a cell up after STUCK_ROUNDS rounds in a row that should have moved it well beyond the
 * reading noise (a third of the tolerance) and have not moved it by STUCK_SHARE of that.
 */
static bool still_moving(const struct mho_tile *t, struct progress *c, float error, float tolerance)
{
	float expected = fabsf(pulses_for(t, c->error)) * (float)t->granularity;

	if (expected < 3 * tolerance)
		return true;
	if (fabsf(c->error) - fabsf(error) < STUCK_SHARE * expected)
		c->stuck++;
	else
		c->stuck = 0;
	return c->stuck < STUCK_ROUNDS;
}

/* Pulses for a cell that reads @error off its target; 0: none any more. */
static int32_t next_pulses(const struct mho_tile *t, struct progress *c, float error,
			   float tolerance, uint32_t round)
{
	if (fabsf(error) <= tolerance) {
		c->done = true;
		return 0;
	}
	if (round && !still_moving(t, c, error, tolerance)) {
		c->given_up = true;
		return 0;
	}
	c->error = error;
	return (int32_t)pulses_for(t, error);
}

/*
 * One round: read every column with a cell that is not finished, pulse the cells that are off.
 * @missed counts cells that are not done. Returns how many were pulsed.
 */
static uint32_t verify_round(struct mho_tile *t, uint64_t op, const struct mho_program *p,
			     float tolerance, uint32_t round, bool write, struct progress *cells,
			     uint32_t *missed, struct mho_cost *cost)
{
	uint32_t average = verify_average(t, tolerance), pulsed = 0, cols = p->rect.cols, read = 0;
	struct reader reader = make_reader(t, average);
	bool column_read[MHO_HW_TILE_DIM_MAX] = { false };
	struct column_time time = { 0 };
	uint64_t pulses = 0;

	*missed = 0;
	for (uint32_t i = 0; i < p->rect.rows; i++) {
		struct progress *row = cells + (size_t)i * cols;
		float w[MHO_HW_TILE_DIM_MAX], z[MHO_HW_TILE_DIM_MAX];
		int32_t counts[MHO_HW_TILE_DIM_MAX];
		uint32_t open = 0;

		for (uint32_t j = 0; j < cols; j++)
			open += !row[j].done && !row[j].given_up;
		if (open)
			read_row(t, op, round, p->rect.row + i, p->rect.col, cols, &reader, w, z);
		for (uint32_t j = 0; j < cols; j++) {
			counts[j] = 0;
			if (!row[j].done && !row[j].given_up) {
				column_read[j] = true;
				counts[j] = next_pulses(t, &row[j], target_of(p, i, j) - w[j],
							tolerance, round);
			}
			row[j].pulses = (int8_t)counts[j];
			*missed += !row[j].done;
			pulsed += counts[j] != 0;
		}
		if (!write || !open)
			continue;
		note_column_time(&time, counts, cols);
		pulses += pulse_row(t, op, round + 1, p->rect.row + i, p->rect.col, cols, counts);
	}
	for (uint32_t j = 0; j < cols; j++)
		read += column_read[j];
	if (write)
		mho_tile_disturb_pulses(t, op, round + 1, &p->rect, &cells->pulses,
					cols * sizeof(*cells), sizeof(*cells));
	charge_reads(t, p->rect.rows, read, average, cost);
	charge_pulses(t, &time, cols, pulses, cost);
	return pulsed;
}

int mho_tile_program(struct mho_tile *t, uint64_t op, const struct mho_program *p, uint32_t *missed,
		     uint32_t *iterations, struct mho_cost *cost)
{
	float tolerance = p->tolerance > 0 ? p->tolerance : t->tech.verify_tolerance;
	uint32_t limit = p->iterations ? p->iterations : t->tech.verify_iterations;
	uint32_t open, round = 0;
	struct progress *cells;

	if (t->tech.model == MHO_MODEL_IDEAL) {
		*missed = write_exact(t, p, tolerance);
		*iterations = 1;
		cost->ns += (double)p->rect.cols * t->tech.pulse_s * 1e9;
		return 0;
	}
	cells = calloc((size_t)p->rect.rows * p->rect.cols, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	do {
		open = verify_round(t, op, p, tolerance, round, true, cells, missed, cost);
		round++;
	} while (open && round < limit);
	if (open)
		verify_round(t, op, p, tolerance, round, false, cells, missed, cost);
	*iterations = round;
	free(cells);
	mho_tile_note_magnitude(t, op, cost);
	return 0;
}

int mho_tile_scrub(struct mho_tile *t, uint64_t op, const struct mho_rect *rect,
		   struct mho_cost *cost)
{
	static const float zero[MHO_HW_TILE_DIM_MAX];
	struct mho_program p = { .rect = *rect, .target = zero, .ld = 0, .scale = 1 };
	uint32_t missed, iterations;

	return mho_tile_program(t, op, &p, &missed, &iterations, cost);
}

/* ---- calibration ---- */

void mho_tile_set_trim(struct mho_tile *t, float gain, float offset)
{
	t->factory_gain = gain;
	t->factory_offset = offset * t->tech.out_bound;
	mho_tile_trim(t);
}

/*
 * Every row's ADC measures two known currents, 0 and half of full scale (1 if it has none), many
 * times. What it reads is (1 + g) v + o with errors g and o; the corrections are the values
 * measured.
 */
void mho_tile_calibrate(struct mho_tile *t, uint64_t op, struct mho_cost *cost)
{
	float level = t->tech.out_bound > 0 ? t->tech.out_bound / 2 : 1;
	float noise = mho_tile_output_noise(t, 1) / sqrtf(CALIBRATE_AVERAGE);

	for (uint32_t i = 0; i < t->rows; i++) {
		struct mho_stream s = mho_tile_stream(t, MHO_NOISE_CALIBRATE, op, i, 0);
		float z[2], zero, half;

		t->kernels->gauss(z, 2, 0, &s);
		zero = t->offset_error[i] + noise * z[0];
		half = t->offset_error[i] + (1 + t->gain_error[i]) * level + noise * z[1];
		/* (1 + g)(1 - c) = 1 gives c = g / (1 + g). */
		t->gain_trim[i] = 1 - level / (half - zero) - t->factory_gain;
		t->offset_trim[i] = zero * (level / (half - zero)) - t->factory_offset;
	}
	mho_tile_trim(t);
	mho_tile_compensate(t, op, cost);
	cost->ns += 2.0 * CALIBRATE_AVERAGE * t->tech.read_s * 1e9;
}
