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

/* The amplifier before the ADC is set so that this times the largest weight is full scale. */
#define READ_RANGE 1.25f
/* Reads that a verify step averages, at most. */
#define VERIFY_AVERAGE_MAX 1024
/* Reads that calibration averages for each row and level. */
#define CALIBRATE_AVERAGE 4096

/*
 * Single-cell read-back: the other columns are at 0 V, the amplifier is set to the range of one
 * weight. The average of n reads has noise sigma / sqrt(n); the noise dithers the ADC, so that the
 * average resolves step / n.
 */
static void read_row(const struct mho_tile *t, uint64_t op, uint32_t attempt, uint32_t row,
		     uint32_t col, uint32_t n, uint32_t average, float *w, float *z)
{
	float range = READ_RANGE * fmaxf(t->tech.w_max * (1 + 3 * t->tech.w_max_dtod),
					 -t->tech.w_min * (1 + 3 * t->tech.w_min_dtod));
	float step = mho_tile_adc_step(t, range) / (float)average;
	float noise = mho_tile_output_noise(t, 1) / sqrtf((float)average);
	/* Offsets are of the ADC's full scale, which stands for the range here. */
	float offset = t->tech.out_bound > 0 ? t->offset[row] * range / t->tech.out_bound : 0;
	struct mho_stream s = mho_tile_stream(t, MHO_NOISE_READ, op, row, attempt);

	memcpy(w, t->w + mho_tile_at(t, row, col), n * sizeof(*w));
	if (t->tech.model == MHO_MODEL_IDEAL)
		return;
	t->kernels->gauss(z, n, 0, &s);
	for (uint32_t j = 0; j < n; j++) {
		float v = w[j] * t->gain[row] + offset + noise * z[j];

		v = fmaxf(fminf(v, range), -range);
		w[j] = step > 0 ? rintf(v / step) * step : v;
	}
}

/* Columns one after the other, all rows at once. */
static void charge_reads(const struct mho_tile *t, const struct mho_rect *r, uint32_t average,
			 struct mho_cost *cost)
{
	cost->ns += (double)r->cols * average * t->tech.read_s * 1e9;
	cost->fj += (double)r->cols * r->rows * average * mho_tile_cell_read_energy(t);
}

void mho_tile_read(const struct mho_tile *t, uint64_t op, const struct mho_rect *r,
		   uint32_t average, float *w, size_t ld, struct mho_cost *cost)
{
	float z[MHO_HW_TILE_DIM_MAX];

	for (uint32_t i = 0; i < r->rows; i++)
		read_row(t, op, 0, r->row + i, r->col, r->cols, average, w + i * ld, z);
	charge_reads(t, r, average, cost);
}

/*
 * Pulses of one row, in rounds that the closed form of the inner loops can take. Returns how many;
 * @most is raised to the largest number at one cell in either direction.
 */
static uint64_t pulse_row(struct mho_tile *t, uint64_t op, uint32_t attempt, uint32_t row,
			  uint32_t col, uint32_t n, int32_t *counts)
{
	int32_t limit = (int32_t)t->tech.train_length;
	uint64_t pulses = 0;

	for (uint32_t round = 0;; round++) {
		struct mho_row cells = mho_tile_row(t, row, col, n, op, attempt << 8 | round);
		int32_t now[MHO_HW_TILE_DIM_MAX];
		bool more = false;

		for (uint32_t j = 0; j < n; j++) {
			now[j] = counts[j] > limit  ? limit :
				 counts[j] < -limit ? -limit :
						      counts[j];
			counts[j] -= now[j];
			more |= counts[j] != 0;
		}
		pulses += t->kernels->pulse_row(&cells, now);
		if (!more)
			return pulses;
	}
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

static void note_column_time(struct column_time *time, const int32_t *counts, uint32_t n)
{
	for (uint32_t j = 0; j < n; j++) {
		if (counts[j] > time->up[j])
			time->up[j] = (uint8_t)counts[j];
		if (-counts[j] > time->down[j])
			time->down[j] = (uint8_t)-counts[j];
	}
}

static void charge_pulses(const struct mho_tile *t, const struct column_time *time, uint32_t cols,
			  uint64_t pulses, struct mho_cost *cost)
{
	uint64_t slots = 0;

	for (uint32_t j = 0; j < cols; j++)
		slots += (uint64_t)time->up[j] + time->down[j];
	cost->ns += (double)slots * t->tech.pulse_s * 1e9;
	cost->pulses += pulses;
	cost->fj += (double)pulses * mho_tile_pulse_energy(t);
}

void mho_tile_pulse(struct mho_tile *t, uint64_t op, const struct mho_rect *r, const int8_t *counts,
		    size_t ld, struct mho_cost *cost)
{
	struct column_time time = { 0 };
	uint64_t pulses = 0;

	for (uint32_t i = 0; i < r->rows; i++) {
		int32_t n[MHO_HW_TILE_DIM_MAX];

		for (uint32_t j = 0; j < r->cols; j++)
			n[j] = counts[i * ld + j] < -127 ? -127 : counts[i * ld + j];
		note_column_time(&time, n, r->cols);
		if (t->tech.model == MHO_MODEL_IDEAL) {
			pulse_row_exact(t, r->row + i, r->col, r->cols, n);
			for (uint32_t j = 0; j < r->cols; j++)
				pulses += (uint64_t)abs(n[j]);
		} else {
			pulses += pulse_row(t, op, 0, r->row + i, r->col, r->cols, n);
		}
	}
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

static uint32_t write_exact(struct mho_tile *t, const struct mho_program *p, float tolerance)
{
	uint32_t missed = 0;

	for (uint32_t i = 0; i < p->rect.rows; i++) {
		float *w = t->w + mho_tile_at(t, p->rect.row + i, p->rect.col);

		for (uint32_t j = 0; j < p->rect.cols; j++) {
			float want = p->target[i * p->ld + j] * p->scale;

			w[j] = fmaxf(fminf(want, t->tech.w_max), t->tech.w_min);
			missed += fabsf(want - w[j]) > tolerance;
		}
	}
	return missed;
}

/*
 * One round: read every cell that is not done, pulse those that are off. A cell is done once it reads
 * within the tolerance; it is then left alone, or noise would drive it out again.
 */
static uint32_t verify_round(struct mho_tile *t, uint64_t op, const struct mho_program *p,
			     float tolerance, uint32_t round, bool write, uint8_t *done,
			     struct mho_cost *cost)
{
	uint32_t average = verify_average(t, tolerance), open = 0, cols = p->rect.cols;
	struct column_time time = { 0 };
	uint64_t pulses = 0;

	for (uint32_t i = 0; i < p->rect.rows; i++) {
		uint8_t *row_done = done + (size_t)i * cols;
		float w[MHO_HW_TILE_DIM_MAX], z[MHO_HW_TILE_DIM_MAX];
		int32_t counts[MHO_HW_TILE_DIM_MAX];
		bool any = false;

		if (!memchr(row_done, 0, cols))
			continue;
		read_row(t, op, round, p->rect.row + i, p->rect.col, cols, average, w, z);
		for (uint32_t j = 0; j < cols; j++) {
			float error = p->target[i * p->ld + j] * p->scale - w[j];
			float n = rintf(error / t->step);

			counts[j] = 0;
			if (row_done[j])
				continue;
			if (fabsf(error) <= tolerance) {
				row_done[j] = 1;
				continue;
			}
			open++;
			any = true;
			n = n == 0 ? copysignf(1, error) : fmaxf(fminf(n, 127), -127);
			counts[j] = (int32_t)n;
		}
		if (!write || !any)
			continue;
		note_column_time(&time, counts, cols);
		pulses += pulse_row(t, op, round + 1, p->rect.row + i, p->rect.col, cols, counts);
	}
	charge_reads(t, &p->rect, average, cost);
	charge_pulses(t, &time, cols, pulses, cost);
	return open;
}

int mho_tile_program(struct mho_tile *t, uint64_t op, const struct mho_program *p, uint32_t *missed,
		     uint32_t *iterations, struct mho_cost *cost)
{
	float tolerance = p->tolerance > 0 ? p->tolerance : t->tech.verify_tolerance;
	uint32_t limit = p->iterations ? p->iterations : t->tech.verify_iterations;
	uint32_t open, round = 0;
	uint8_t *done;

	if (t->tech.model == MHO_MODEL_IDEAL) {
		*missed = write_exact(t, p, tolerance);
		*iterations = 1;
		cost->ns += (double)p->rect.cols * t->tech.pulse_s * 1e9;
		return 0;
	}
	done = calloc(p->rect.rows, p->rect.cols);
	if (!done)
		return -ENOMEM;
	do {
		open = verify_round(t, op, p, tolerance, round, true, done, cost);
		round++;
	} while (open && round < limit);
	*missed = open ? verify_round(t, op, p, tolerance, round, false, done, cost) : 0;
	*iterations = round;
	free(done);
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
 * Every row's ADC measures two known currents, 0 and half of full scale, many times. What it reads is
 * (1 + g) v + o with errors g and o; the corrections are the values measured.
 */
void mho_tile_calibrate(struct mho_tile *t, uint64_t op, struct mho_cost *cost)
{
	float level = t->tech.out_bound / 2;
	float noise = mho_tile_output_noise(t, 1) / sqrtf(CALIBRATE_AVERAGE);

	if (!(level > 0))
		return;
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
	cost->ns += 2.0 * CALIBRATE_AVERAGE * t->tech.read_s * 1e9;
}
