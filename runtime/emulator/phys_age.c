// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What time does to cells: decay, diffusion, drift; and the compensation of drift.
 * Time is added up by mho_tile_rest() and takes effect when the next operation
 * begins, so that cells do not change while work functions of one operation run.
 */
#include <math.h>
#include <stdlib.h>

#include "emulator/phys_tile.h"

/* Reads that are averaged to know how large the weights of a tile are. */
#define COMPENSATE_AVERAGE 16
/* Which attempt of an operation it is: none of a write and verify. */
#define MEASURE_ATTEMPT 0xffffU
/* Largest correction: more than that is a tile that has lost its weights. */
#define COMPENSATE_MAX 10.0
/* Which Gaussian of a cell makes its exponent of drift: none of those that populate it. */
#define DRIFT_DRAW 20

bool mho_tile_ages(const struct mho_tech *t)
{
	return t->lifetime_s > 0 || t->diffusion > 0 || t->drift_nu > 0;
}

int mho_tile_age_init(struct mho_tile *t)
{
	size_t n = (size_t)t->rows * t->cols;
	float *z;

	t->compensation = 1;
	t->ages = mho_tile_ages(&t->tech);
	if (!(t->tech.drift_nu > 0))
		return 0;
	t->written_s = calloc(n, sizeof(*t->written_s));
	t->written_wear = calloc(n, sizeof(*t->written_wear));
	t->drift_nu = calloc(n, sizeof(*t->drift_nu));
	z = malloc(t->cols * sizeof(*z));
	for (uint32_t i = 0; z && t->drift_nu && i < t->rows; i++) {
		struct mho_stream s = mho_tile_stream(t, MHO_NOISE_POPULATE, 0, i, DRIFT_DRAW);

		t->kernels->gauss(z, t->cols, 0, &s);
		for (uint32_t j = 0; j < t->cols; j++)
			t->drift_nu[mho_tile_at(t, i, j)] =
				fmaxf(t->tech.drift_nu * (1 + t->tech.drift_nu_dtod * z[j]), 0);
	}
	free(z);
	return z && t->written_s && t->written_wear && t->drift_nu ? 0 : -1;
}

void mho_tile_age_free(struct mho_tile *t)
{
	free(t->written_s);
	free(t->written_wear);
	free(t->drift_nu);
}

void mho_tile_rest(struct mho_tile *t, uint64_t ns)
{
	if (t->ages)
		atomic_fetch_add_explicit(&t->rested_ns, ns, memory_order_relaxed);
}

/* (t / t0)^-nu since the cell was last pulsed; it was when its wear has changed. */
static float drift(struct mho_tile *t, size_t at, double before, double now)
{
	double t0 = t->tech.drift_t0_s, a, b;

	if (t->wear[at] != t->written_wear[at]) {
		t->written_wear[at] = t->wear[at];
		t->written_s[at] = before;
	}
	a = fmax((before - t->written_s[at]) / t0, 1);
	b = fmax((now - t->written_s[at]) / t0, 1);
	return b > a ? (float)pow(b / a, (double)-t->drift_nu[at]) : 1;
}

static void age_row(struct mho_tile *t, uint64_t op, uint32_t row, double before, double now,
		    float *z)
{
	const struct mho_tech *tech = &t->tech;
	float left = tech->lifetime_s > 0 ? (float)exp((before - now) / tech->lifetime_s) : 1;
	float spread = tech->diffusion * (float)sqrt(now - before);
	struct mho_stream s = mho_tile_stream(t, MHO_NOISE_AGE, op, row, 0);
	float *held = t->held ? t->held : t->w;

	if (spread > 0)
		t->kernels->gauss(z, t->cols, 0, &s);
	for (uint32_t j = 0; j < t->cols; j++) {
		size_t at = mho_tile_at(t, row, j);
		float w = held[at], was = w;

		if (t->drift_nu)
			w *= drift(t, at, before, now);
		w = (w - tech->decay_to) * left + tech->decay_to;
		if (spread > 0)
			w += spread * z[j];
		w = fminf(fmaxf(w, mho_tile_half(t->min[at])), mho_tile_half(t->max[at]));
		held[at] = w;
		if (t->held)
			t->w[at] += w - was;
	}
}

void mho_tile_age(struct mho_tile *t, uint64_t op)
{
	uint64_t ns = atomic_exchange_explicit(&t->rested_ns, 0, memory_order_relaxed);
	double before = t->clock_ns * 1e-9, now;
	float z[MHO_HW_TILE_DIM_MAX];

	if (!ns)
		return;
	t->clock_ns += ns;
	now = t->clock_ns * 1e-9;
	for (uint32_t i = 0; i < t->rows; i++)
		age_row(t, op, i, before, now, z);
}

/* Mean magnitude of all weights, as they are read; 0 without memory. */
static double measure(struct mho_tile *t, uint64_t op, struct mho_cost *cost)
{
	struct mho_rect all = { 0, 0, t->rows, t->cols };
	size_t n = (size_t)t->rows * t->cols;
	float *w = malloc(n * sizeof(*w));
	double sum = 0;

	if (!w)
		return 0;
	mho_tile_read_raw(t, op, MEASURE_ATTEMPT, &all, COMPENSATE_AVERAGE, w, t->cols, cost);
	for (size_t i = 0; i < n; i++)
		sum += fabsf(w[i]);
	free(w);
	return sum / (double)n;
}

void mho_tile_note_magnitude(struct mho_tile *t, uint64_t op, struct mho_cost *cost)
{
	if (!t->tech.drift_compensation)
		return;
	t->magnitude = measure(t, op, cost);
	t->compensation = 1;
}

void mho_tile_compensate(struct mho_tile *t, uint64_t op, struct mho_cost *cost)
{
	double now;

	if (!t->tech.drift_compensation || !(t->magnitude > 0))
		return;
	now = measure(t, op, cost);
	if (now > 0)
		t->compensation =
			fmax(fmin(t->magnitude / now, COMPENSATE_MAX), 1 / COMPENSATE_MAX);
}
