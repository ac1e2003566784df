// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A tile's cells: how they are made (device-to-device variation), what they
 * remember, what they wear. Operations on them are in the other phys_*.c.
 */
#include "emulator/phys_tile.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mho_hw_io.h"
#include "mho_hw_types.h"

/* Slope times pulses up to which the closed form of kernels/ is good; see struct mho_tile. */
#define CLOSED_FORM_MAX 0.25f
/* Smallest bound of a cell, of the nominal one: one that holds nothing would divide by 0. */
#define BOUND_FLOOR 0.01f
#define HALF_MAX 65504.0f
/* Smallest gain of a converter before correction: one that is far off, but works. */
#define GAIN_FLOOR 0.1f
/* Relative spread of a pulse beyond which so many go backwards that bounds act on each. */
#define BACKWARDS_STD 0.5f
/* Which two random numbers of a cell say whether it is broken: none of MHO_CELL_DRAWS. */
#define BROKEN_DRAW 16
#define BOLTZMANN_J 1.380649e-23 /* J/K */

/* To binary16, rounded to nearest even; what is beyond its range becomes its largest number. */
static uint16_t to_half(float f)
{
	uint32_t bits, sign, magnitude;
	float scaled;

	f = fmaxf(fminf(f, HALF_MAX), -HALF_MAX);
	memcpy(&bits, &f, sizeof(bits));
	sign = bits >> 16 & 0x8000U;
	/* Below 2^-14 the result is a multiple of 2^-24: adding 1/2 rounds there. */
	scaled = fabsf(f);
	if (scaled < 0x1p-14f) {
		scaled += 0.5f;
		memcpy(&magnitude, &scaled, sizeof(magnitude));
		return (uint16_t)(sign | (magnitude - 0x3f000000U));
	}
	magnitude = bits & 0x7fffffffU;
	magnitude += 0xfffU + (magnitude >> 13 & 1U);
	return (uint16_t)(sign | ((magnitude - (112U << 23)) >> 13));
}

float mho_tile_half(uint16_t h)
{
	uint32_t bits = (uint32_t)(h & 0x7fffU) << 13;
	float f;

	memcpy(&f, &bits, sizeof(f));
	return (h & 0x8000U ? -f : f) * 0x1p112f;
}

struct mho_row mho_tile_row(struct mho_tile *t, uint32_t row, uint32_t col, uint32_t n, uint64_t op,
			    uint32_t vector)
{
	size_t at = mho_tile_at(t, row, col);
	uint32_t groups = (t->cols + 63) / 64;

	struct mho_row r = {
		.w = (t->held ? t->held : t->w) + at,
		.shown = t->held ? t->w + at : NULL,
		.shown_noise = t->tech.write_noise * t->tech.dw_min,
		.wear = t->wear + at,
		.up = t->up + at,
		.down = t->down + at,
		.max = t->max + at,
		.min = t->min + at,
		.n = n,
		.form = t->model->form,
		.curved = &t->curved,
		.step = t->step,
		.std = t->tech.dw_min_std,
		.noise = t->tech.pulse_noise,
		.noise_add = t->model->form == MHO_FORM_EXP ? t->tech.noise_add : 0,
		.noise_slope = t->model->form == MHO_FORM_EXP ? t->tech.noise_slope : 0,
		.quantum = t->quantum,
		.stream = mho_tile_stream(t, MHO_NOISE_PULSE, op, vector, 0),
		.base = row * groups * 16,
	};

	for (uint32_t k = 0; k < MHO_CELL_EXTRA; k++)
		r.extra[k] = t->extra[k] ? t->extra[k] + at : NULL;
	return r;
}

/* A cell's steps and bounds from four Gaussians that are @n apart, and what its law makes of it. */
static struct mho_cell make_cell(const struct mho_tech *tech, const struct mho_model *model,
				 const float *z, uint32_t n)
{
	float gain = tech->dw_min_log ? expf(tech->dw_min_dtod * z[0]) :
					1.0f + tech->dw_min_dtod * z[0];
	float r = tech->up_down_dtod * z[n];
	float up = gain + fminf(tech->up_down, 0) + r;
	float down = gain - fmaxf(tech->up_down, 0) - r;
	float max = tech->w_max * (1.0f + tech->w_max_dtod * z[2 * n]);
	float min = tech->w_min * (1.0f + tech->w_min_dtod * z[3 * n]);
	/* Consistent cells: steps are positive, 0 lies between the bounds. */
	struct mho_cell c = {
		.up = fabsf(up),
		.down = fabsf(down),
		.max = fmaxf(fabsf(max), BOUND_FLOOR * tech->w_max),
		.min = -fmaxf(fabsf(min), -BOUND_FLOOR * tech->w_min),
	};
	float own[MHO_CELL_DRAWS - 4];

	for (uint32_t k = 4; k < MHO_CELL_DRAWS; k++)
		own[k - 4] = z[k * n];
	if (model->make)
		model->make(tech, own, &c);
	return c;
}

/* A cell that no pulse moves, whatever its law. */
static void freeze(struct mho_cell *c, float w)
{
	*c = (struct mho_cell){ .max = w, .min = w };
}

/* Cells that are broken from the start; @u decides which, @v where they are. */
static void break_cell(const struct mho_tech *tech, struct mho_cell *c, uint32_t u, uint32_t v)
{
	double share = u * 0x1p-32;
	float max = fminf(tech->w_max, tech->corrupt_range);
	float min = fmaxf(tech->w_min, -tech->corrupt_range);

	if (share < tech->corrupt)
		freeze(c, (float)(min + (max - min) * (v * 0x1p-32)));
	else if (share < tech->corrupt + tech->stuck_min)
		freeze(c, c->min);
	else if (share < tech->corrupt + tech->stuck_min + tech->stuck_max)
		freeze(c, c->max);
}

static void break_row(struct mho_tile *t, uint32_t row, uint32_t j, struct mho_cell *c)
{
	uint32_t r[2];

	for (uint32_t k = 0; k < 2; k++) {
		struct mho_stream s =
			mho_tile_stream(t, MHO_NOISE_POPULATE, 0, row, BROKEN_DRAW + k);

		t->kernels->random(&r[k], 1, j, &s);
	}
	break_cell(&t->tech, c, r[0], r[1]);
}

/* Random properties of one row's cells, MHO_CELL_DRAWS Gaussians a cell (docs/emulator.md). */
static void populate_row(struct mho_tile *t, uint32_t row, float *z)
{
	bool broken = t->tech.corrupt + t->tech.stuck_min + t->tech.stuck_max > 0;
	uint32_t n = t->cols;

	for (uint32_t k = 0; k < MHO_CELL_DRAWS; k++) {
		struct mho_stream s = mho_tile_stream(t, MHO_NOISE_POPULATE, 0, row, k);

		t->kernels->gauss(z + (size_t)k * n, n, 0, &s);
	}
	for (uint32_t j = 0; j < n; j++) {
		struct mho_cell c = make_cell(&t->tech, t->model, z + j, n);
		size_t at = mho_tile_at(t, row, j);

		if (broken)
			break_row(t, row, j, &c);

		t->up[at] = to_half(c.up);
		t->down[at] = to_half(c.down);
		t->max[at] = to_half(c.max);
		t->min[at] = to_half(c.min);
		for (uint32_t k = 0; k < MHO_CELL_EXTRA; k++) {
			if (t->extra[k])
				t->extra[k][at] = to_half(c.extra[k]);
		}
		/* A reference may put 0 out of a cell's reach. */
		if (t->model->form != MHO_FORM_NONE)
			t->w[at] = fminf(fmaxf(0, mho_tile_half(t->min[at])),
					 mho_tile_half(t->max[at]));
		if (t->held)
			t->held[at] = t->w[at];
	}
}

static void set_curved(struct mho_tile *t)
{
	const struct mho_tech *tech = &t->tech;

	t->curved = (struct mho_curved){
		.a_up = tech->exp_a_up,
		.a_down = tech->exp_a_down,
		.gamma_up = tech->exp_gamma_up * (float)M_LOG2E,
		.gamma_down = -tech->exp_gamma_down * (float)M_LOG2E,
		.scale = 2 * tech->exp_scale,
		.offset = tech->exp_offset,
		.up = &tech->curve_up,
		.down = &tech->curve_down,
	};
}

static void populate_converters(struct mho_tile *t)
{
	struct mho_stream gain = mho_tile_stream(t, MHO_NOISE_CONVERTER, 0, 0, 0);
	struct mho_stream offset = mho_tile_stream(t, MHO_NOISE_CONVERTER, 0, 0, 1);

	t->kernels->gauss(t->gain_error, t->rows, 0, &gain);
	t->kernels->gauss(t->offset_error, t->rows, 0, &offset);
	for (uint32_t i = 0; i < t->rows; i++) {
		t->gain_error[i] =
			fmaxf(t->gain_error[i] * t->tech.adc_gain_std, GAIN_FLOOR - 1.0f);
		t->offset_error[i] *= t->tech.adc_offset_std * t->tech.out_bound;
	}
	mho_tile_trim(t);
}

void mho_tile_trim(struct mho_tile *t)
{
	t->trimmed = false;
	for (uint32_t i = 0; i < t->rows; i++) {
		float correct = 1.0f - t->gain_trim[i] - t->factory_gain;

		t->gain[i] = (1.0f + t->gain_error[i]) * correct;
		t->offset[i] = t->offset_error[i] * correct - t->offset_trim[i] - t->factory_offset;
		t->trimmed |= t->gain[i] != 1.0f || t->offset[i] != 0.0f;
	}
}

static uint32_t closed_form(const struct mho_tech *tech, const struct mho_model *model, float step)
{
	float slope = (float)model->steepest(tech) * step;

	if (tech->dw_min_std > BACKWARDS_STD && tech->pulse_noise != MHO_PULSE_PROTONS)
		return 1;
	if (slope * MHO_HW_BL_MAX <= CLOSED_FORM_MAX)
		return MHO_HW_BL_MAX;
	return (uint32_t)fmaxf(CLOSED_FORM_MAX / slope, 1);
}

/* @size bytes for each cell, and what vec_gather_halves() reads behind; 64-byte aligned. */
static void *alloc_cells(const struct mho_tile *t, size_t size)
{
	size_t bytes = ((size_t)t->rows * t->cols * size + sizeof(uint16_t) + 63) / 64 * 64;
	void *p = aligned_alloc(64, bytes);

	if (p)
		memset(p, 0, bytes);
	return p;
}

static bool alloc_all(struct mho_tile *t)
{
	uint32_t extra = mho_model_extra(&t->tech);
	bool complete = true;

	t->w = alloc_cells(t, sizeof(*t->w));
	if (t->tech.write_noise > 0) {
		t->held = alloc_cells(t, sizeof(*t->held));
		complete &= t->held != NULL;
	}
	t->wear = alloc_cells(t, sizeof(*t->wear));
	t->up = alloc_cells(t, sizeof(*t->up));
	t->down = alloc_cells(t, sizeof(*t->down));
	t->max = alloc_cells(t, sizeof(*t->max));
	t->min = alloc_cells(t, sizeof(*t->min));
	for (uint32_t k = 0; k < extra; k++) {
		t->extra[k] = alloc_cells(t, sizeof(*t->extra[k]));
		complete &= t->extra[k] != NULL;
	}
	t->gain = calloc(t->rows, sizeof(*t->gain));
	t->offset = calloc(t->rows, sizeof(*t->offset));
	t->gain_error = calloc(t->rows, sizeof(*t->gain_error));
	t->offset_error = calloc(t->rows, sizeof(*t->offset_error));
	t->gain_trim = calloc(t->rows, sizeof(*t->gain_trim));
	t->offset_trim = calloc(t->rows, sizeof(*t->offset_trim));
	return t->w && t->wear && t->up && t->down && t->max && t->min && complete && t->gain &&
	       t->offset && t->gain_error && t->offset_error && t->gain_trim && t->offset_trim;
}

/* Mixes seed and tile so that neighbouring ones share nothing (finaliser of splitmix64). */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* What an ideal tile does not have, whatever the topology says. */
static void make_ideal(struct mho_tech *tech)
{
	tech->w_min_dtod = 0;
	tech->w_max_dtod = 0;
	tech->write_noise = 0;
	tech->corrupt = 0;
	tech->half_select = MHO_HALF_SELECT_NONE;
	tech->hydrogen_v = 0;
	tech->lifetime_s = 0;
	tech->diffusion = 0;
	tech->drift_nu = 0;
	tech->drift_compensation = false;
	tech->stuck_min = 0;
	tech->stuck_max = 0;
	tech->dac_bits = 0;
	tech->adc_bits = 0;
	tech->out_bound = 0;
	tech->out_noise = 0;
	tech->thermal_noise = false;
	tech->noise_management = MHO_NM_NONE;
	tech->bound_management = MHO_BM_NONE;
	tech->adc_gain_std = 0;
	tech->adc_offset_std = 0;
}

int mho_tile_create(const struct mho_tech *tech, uint32_t rows, uint32_t cols, uint64_t seed,
		    uint32_t id, struct mho_tile **out)
{
	struct mho_tile *t;
	uint64_t key;
	float *z;
	int err;

	err = mho_tech_check(tech, NULL, 0);
	if (err || !rows || !cols || rows > MHO_HW_TILE_DIM_MAX || cols > MHO_HW_TILE_DIM_MAX)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->tech = *tech;
	if (tech->model == MHO_MODEL_IDEAL)
		make_ideal(&t->tech);
	t->rows = rows;
	t->cols = cols;
	t->kernels = mho_kernels_best();
	key = mix(mix(seed + 0x9e3779b97f4a7c15ULL) + id);
	t->key[0] = (uint32_t)key;
	t->key[1] = (uint32_t)(key >> 32);
	t->model = mho_model_of(tech->model);
	t->step = (float)mho_tech_step(tech);
	t->granularity = mho_tech_granularity(tech);
	t->quantum = (float)(tech->dw_min / mho_tech_ions(tech));
	t->disturb = (float)mho_tech_disturb(tech);
	t->breaks_at = mho_tech_forms_hydrogen(tech) ? tech->hydrogen_pulses : 0;
	t->closed_form = closed_form(tech, t->model, t->step);
	set_curved(t);
	z = malloc(sizeof(*z) * MHO_CELL_DRAWS * cols);
	if (!z || !alloc_all(t) || mho_tile_age_init(t) || mho_line_init(t)) {
		free(z);
		mho_tile_destroy(t);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < rows; i++)
		populate_row(t, i, z);
	populate_converters(t);
	free(z);
	*out = t;
	return 0;
}

void mho_tile_destroy(struct mho_tile *t)
{
	if (!t)
		return;
	mho_tile_age_free(t);
	free(t->w);
	free(t->held);
	free(t->wear);
	mho_line_free(t);
	free(t->up);
	free(t->down);
	free(t->max);
	free(t->min);
	for (uint32_t k = 0; k < MHO_CELL_EXTRA; k++)
		free(t->extra[k]);
	free(t->gain);
	free(t->offset);
	free(t->gain_error);
	free(t->offset_error);
	free(t->gain_trim);
	free(t->offset_trim);
	free(t);
}

uint32_t mho_tile_rows(const struct mho_tile *t)
{
	return t->rows;
}

uint32_t mho_tile_cols(const struct mho_tile *t)
{
	return t->cols;
}

const struct mho_tech *mho_tile_tech(const struct mho_tile *t)
{
	return &t->tech;
}

uint64_t mho_tile_begin_op(struct mho_tile *t)
{
	uint64_t op = t->ops++;

	if (t->ages)
		mho_tile_age(t, op);
	return op;
}

float mho_tile_peek(const struct mho_tile *t, uint32_t row, uint32_t col)
{
	return t->w[mho_tile_at(t, row, col)];
}

uint32_t mho_tile_wear(const struct mho_tile *t, uint32_t row, uint32_t col)
{
	return t->wear[mho_tile_at(t, row, col)];
}

void mho_tile_wear_stats(const struct mho_tile *t, const struct mho_rect *rect,
			 struct mho_wear *wear)
{
	struct mho_rect all = { 0, 0, t->rows, t->cols };

	if (!rect)
		rect = &all;
	*wear = (struct mho_wear){ 0 };
	for (uint32_t i = 0; i < rect->rows; i++) {
		const uint32_t *row = t->wear + mho_tile_at(t, rect->row + i, rect->col);

		for (uint32_t j = 0; j < rect->cols; j++) {
			wear->max = row[j] > wear->max ? row[j] : wear->max;
			wear->total += row[j];
		}
	}
	wear->mean = (double)wear->total / ((double)rect->rows * rect->cols);
}

/* ---- periphery: noise, resolution, energy ---- */

float mho_tile_output_noise(const struct mho_tile *t, uint32_t lines)
{
	const struct mho_tech *k = &t->tech;
	double thermal;

	if (!k->thermal_noise)
		return k->out_noise;
	/* Johnson noise of an output's conductances, B = 1 / (2 t_read); read_v is inp_bound. */
	thermal = sqrt(4 * BOLTZMANN_J * k->temperature_k * lines * mho_tech_conductance(k, 0) /
		       (2 * k->read_s)) /
		  (k->read_v * (k->g_max_s - k->g_min_s) / 2) * k->inp_bound;
	return (float)sqrt((double)k->out_noise * k->out_noise + thermal * thermal);
}

float mho_tile_adc_step(const struct mho_tile *t, float bound)
{
	/* Symmetric: 2^bits - 2 steps from bound to bound, so that 0 is a level. */
	return t->tech.adc_bits ? 2 * bound / (float)((1U << t->tech.adc_bits) - 2) : 0;
}

double mho_tile_pulse_energy(const struct mho_tile *t)
{
	const struct mho_tech *k = &t->tech;
	double ion = k->ion_j * (k->pulse_v / k->ref_v) * (t->step / k->dw_min);

	return (ion + k->gate_f * k->pulse_v * k->pulse_v) * 1e15;
}

double mho_tile_half_select_energy(const struct mho_tile *t)
{
	double part = t->tech.pulse_v / (t->tech.half_select == MHO_HALF_SELECT_V3 ? 3 : 2);

	return t->tech.gate_f * part * part * 1e15;
}

double mho_tile_lines_energy(const struct mho_tile *t, double slots, double columns, double rows)
{
	double part = mho_tile_half_select_energy(t);

	/* By thirds all cells see it, whether a line is driven or none. */
	if (t->tech.half_select == MHO_HALF_SELECT_V3)
		return slots * t->rows * t->cols * part;
	return (columns * t->rows + rows * t->cols) * part;
}

double mho_tile_meant_energy(const struct mho_tile *t)
{
	double part = mho_tile_half_select_energy(t);

	/* A cell with both pulses was counted from either side. */
	return mho_tile_pulse_energy(t) -
	       (t->tech.half_select == MHO_HALF_SELECT_V3 ? part : 2 * part);
}

double mho_tile_cell_read_energy(const struct mho_tile *t)
{
	const struct mho_tech *k = &t->tech;

	return mho_tech_conductance(k, 0) * k->read_v * k->read_v * k->read_s * 1e15;
}

/* ---- non-volatile state ---- */

/*
 * Age of a tile whose cells feel time, or whose results are compensated: time felt, time not felt,
 * magnitude, compensation, and with drift when each cell was written.
 */
static size_t age_size(const struct mho_tile *t)
{
	size_t cells = t->drift_nu ? (size_t)t->rows * t->cols : 0;

	if (!t->ages && !t->tech.drift_compensation)
		return 0;
	return 4 * sizeof(uint64_t) + cells * (sizeof(uint64_t) + sizeof(uint32_t));
}

/* Header: operations, then per row two corrections, then weights, wear, what cells show, age. */
size_t mho_tile_state_size(const struct mho_tile *t)
{
	return sizeof(uint64_t) + (size_t)t->rows * 2 * sizeof(float) +
	       (size_t)t->rows * t->cols *
		       (sizeof(float) + sizeof(uint32_t) + (t->held ? sizeof(float) : 0)) +
	       age_size(t);
}

static void *put32(void *to, const void *from, size_t n)
{
	unsigned char *p = to;

	for (size_t i = 0; i < n; i++) {
		mho_le32 v;

		memcpy(&v, (const char *)from + 4 * i, 4);
		v = mho_cpu_to_le32(v);
		memcpy(p + 4 * i, &v, 4);
	}
	return p + 4 * n;
}

static const void *get32(void *to, const void *from, size_t n)
{
	/* The conversion is its own inverse. */
	put32(to, from, n);
	return (const char *)from + 4 * n;
}

static void *put64(void *to, const void *from, size_t n)
{
	unsigned char *p = to;

	for (size_t i = 0; i < n; i++) {
		mho_le64 v;

		memcpy(&v, (const char *)from + 8 * i, 8);
		v = mho_cpu_to_le64(v);
		memcpy(p + 8 * i, &v, 8);
	}
	return p + 8 * n;
}

static const void *get64(void *to, const void *from, size_t n)
{
	put64(to, from, n);
	return (const char *)from + 8 * n;
}

static void save_age(const struct mho_tile *t, void *p)
{
	size_t n = t->drift_nu ? (size_t)t->rows * t->cols : 0;
	uint64_t rested = atomic_load_explicit(&t->rested_ns, memory_order_relaxed);

	p = put64(p, &t->clock_ns, 1);
	p = put64(p, &rested, 1);
	p = put64(p, &t->magnitude, 1);
	p = put64(p, &t->compensation, 1);
	p = put64(p, t->written_s, n);
	put32(p, t->written_wear, n);
}

static void load_age(struct mho_tile *t, const void *p)
{
	size_t n = t->drift_nu ? (size_t)t->rows * t->cols : 0;
	uint64_t rested;

	p = get64(&t->clock_ns, p, 1);
	p = get64(&rested, p, 1);
	p = get64(&t->magnitude, p, 1);
	p = get64(&t->compensation, p, 1);
	p = get64(t->written_s, p, n);
	get32(t->written_wear, p, n);
	atomic_store_explicit(&t->rested_ns, rested, memory_order_relaxed);
}

static bool doubles_possible(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double v;

		get64(&v, p + 8 * i, 1);
		if (!(v >= 0 && v <= 1e12))
			return false;
	}
	return true;
}

static bool age_possible(const struct mho_tile *t, const char *p)
{
	size_t n = t->drift_nu ? (size_t)t->rows * t->cols : 0;

	return !age_size(t) || doubles_possible(p + 2 * sizeof(uint64_t), 2 + n);
}

void mho_tile_state_save(const struct mho_tile *t, void *buf)
{
	size_t n = (size_t)t->rows * t->cols;
	mho_le64 ops = mho_cpu_to_le64(t->ops);
	void *p = buf;

	memcpy(p, &ops, sizeof(ops));
	p = (char *)p + sizeof(ops);
	p = put32(p, t->gain_trim, t->rows);
	p = put32(p, t->offset_trim, t->rows);
	p = put32(p, t->held ? t->held : t->w, n);
	p = put32(p, t->wear, n);
	if (t->held)
		p = put32(p, t->w, n);
	if (age_size(t))
		save_age(t, p);
}

static bool weights_possible(const struct mho_tile *t, const void *weights)
{
	bool ideal = t->tech.model == MHO_MODEL_IDEAL;

	for (size_t i = 0; i < (size_t)t->rows * t->cols; i++) {
		float min = ideal ? t->tech.w_min : mho_tile_half(t->min[i]);
		float max = ideal ? t->tech.w_max : mho_tile_half(t->max[i]);
		float w;

		get32(&w, (const char *)weights + 4 * i, 1);
		/* Written so that a NaN is refused, too. */
		if (!(w >= min && w <= max))
			return false;
	}
	return true;
}

/* @n numbers that a sum can be made of. */
static bool numbers_possible(const void *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float v;

		get32(&v, (const char *)numbers + 4 * i, 1);
		if (!(fabsf(v) <= 1e6f))
			return false;
	}
	return true;
}

int mho_tile_state_load(struct mho_tile *t, const void *buf, size_t len)
{
	size_t n = (size_t)t->rows * t->cols;
	const void *p = (const char *)buf + sizeof(mho_le64);
	const char *weights = (const char *)p + (size_t)t->rows * 2 * sizeof(float);
	const char *shown = weights + n * (sizeof(float) + sizeof(uint32_t));
	mho_le64 ops;

	if (len != mho_tile_state_size(t))
		return -EBADMSG;
	if (!numbers_possible(p, (size_t)t->rows * 2) || !weights_possible(t, weights) ||
	    (t->held && !numbers_possible(shown, n)) ||
	    !age_possible(t, shown + (t->held ? n * sizeof(float) : 0)))
		return -EBADMSG;
	memcpy(&ops, buf, sizeof(ops));
	t->ops = mho_le64_to_cpu(ops);
	p = get32(t->gain_trim, p, t->rows);
	p = get32(t->offset_trim, p, t->rows);
	p = get32(t->held ? t->held : t->w, p, n);
	p = get32(t->wear, p, n);
	if (t->held)
		p = get32(t->w, p, n);
	if (age_size(t))
		load_age(t, p);
	for (uint32_t i = 0; i < t->rows; i++)
		mho_tile_break(t, i);
	mho_tile_trim(t);
	return 0;
}
