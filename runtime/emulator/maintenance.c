// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Admin commands that work on tiles: CALIBRATE and SELFTEST. While they do, the
 * arrays on these tiles are held: their commands wait.
 *
 * The self-test multiplies every tile with a fixed vector and compares with the
 * weights as they are read back (QUICK), or as they were just programmed (FULL,
 * free tiles). The allowed error follows from the technology's own noise and
 * resolution.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/admin.h"
#include "emulator/objects.h"

/* Reads that the self-test averages to know a weight. */
#define READS 16
/* How many standard deviations it allows; correlated errors are not modelled. */
#define TOLERANCE 5.0

/* A set of tiles that an admin command has for itself. */
struct tile_set {
	struct mho_job job;
	struct mho_hwtile **tiles;
	struct mho_cost *costs;
	unsigned int n;
};

static bool set_init(struct tile_set *s, struct mho_emu *emu)
{
	memset(s, 0, sizeof(*s));
	s->tiles = calloc(emu->topo->ntiles, sizeof(struct mho_hwtile *));
	s->costs = calloc(emu->topo->ntiles, sizeof(*s->costs));
	return s->tiles && s->costs;
}

static void set_free(struct tile_set *s)
{
	free(s->tiles);
	free(s->costs);
}

static void set_add(struct tile_set *s, struct mho_hwtile *t)
{
	s->tiles[s->n++] = t;
	if (t->array)
		t->array->held = true;
}

/* Work on all tiles; the core lock is dropped meanwhile. */
static void set_run(struct mho_admin *a, struct tile_set *s)
{
	struct mho_emu *emu = a->emu;
	double ns = 0;
	unsigned int i;

	s->job.parts = s->n;
	pthread_mutex_unlock(&emu->lock);
	mho_parallel(a->w, &s->job);
	pthread_mutex_lock(&emu->lock);
	for (i = 0; i < s->n; i++) {
		struct mho_hwtile *t = s->tiles[i];

		mho_tile_account(emu, t, &s->costs[i]);
		t->wear_stale = t->wear_stale || s->costs[i].pulses;
		a->cost.fj += s->costs[i].fj;
		ns = s->costs[i].ns > ns ? s->costs[i].ns : ns;
		if (t->array) {
			t->array->held = false;
			mho_arbiter_release(emu, t->array);
		}
	}
	a->cost.ns += ns;
}

static void calibrate_part(struct mho_job *job, unsigned int part, struct mho_worker *w)
{
	struct tile_set *s = mho_container_of(job, struct tile_set, job);
	struct mho_tile *tile = s->tiles[part]->phys;

	(void)w;
	mho_tile_calibrate(tile, mho_tile_begin_op(tile), &s->costs[part]);
}

enum mho_hw_status mho_admin_calibrate(struct mho_admin *a)
{
	uint32_t id = mho_le32_to_cpu(a->sqe.id), i;
	struct mho_emu *emu = a->emu;
	struct tile_set s;

	if (id != MHO_HW_ALL && id >= emu->topo->ntiles)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_TILE, MHO_ADMIN_AT(id));
	if (id != MHO_HW_ALL && emu->tiles[id].failed)
		return mho_admin_refuse(a, MHO_HW_ST_TILE_FAILED, MHO_ADMIN_AT(id));
	for (i = 0; i < emu->topo->ntiles; i++) {
		const struct mho_hwtile *t = &emu->tiles[i];

		if ((id == MHO_HW_ALL || id == i) && t->array && t->array->users)
			return mho_admin_refuse(a, MHO_HW_ST_BUSY, MHO_ADMIN_AT(id));
	}
	if (!set_init(&s, emu)) {
		set_free(&s);
		return MHO_HW_ST_INTERNAL;
	}
	for (i = 0; i < emu->topo->ntiles; i++) {
		if ((id == MHO_HW_ALL || id == i) && !emu->tiles[i].failed)
			set_add(&s, &emu->tiles[i]);
	}
	s.job.run = calibrate_part;
	set_run(a, &s);
	set_free(&s);
	return MHO_HW_ST_OK;
}

/**
 * struct verdict - what the self-test found on a tile
 * @wrote: it was programmed with a pattern
 * @no_memory: the test could not be made
 * @error: rms error of the MVM
 * @allowed: what is allowed
 * @rms: of the expected result
 */
struct verdict {
	bool wrote;
	bool no_memory;
	double error;
	double allowed;
	double rms;
};

struct selftest {
	struct tile_set set;
	struct verdict *verdicts;
	bool full;
};

/* Variance of one output of an MVM with inputs of full scale, from its noise and resolution. */
static double output_variance(const struct mho_tile *tile, double row_norm2)
{
	const struct mho_tech *t = mho_tile_tech(tile);
	double noise = mho_tile_output_noise(tile, mho_tile_cols(tile));
	double adc = t->adc_bits && t->out_bound > 0 ?
			     2 * t->out_bound / (ldexp(1, (int)t->adc_bits) - 2) :
			     0;
	double dac = t->dac_bits ? 2 * t->inp_bound / (ldexp(1, (int)t->dac_bits) - 2) : 0;
	double gain = t->adc_gain_std * t->adc_gain_std * row_norm2;
	double offset = t->adc_offset_std * t->out_bound;

	return noise * noise + adc * adc / 12 + row_norm2 * dac * dac / 12 + gain + offset * offset;
}

static float input(uint32_t j)
{
	return (j * 2654435761U >> 31) ? 1.0f : -1.0f;
}

static float pattern(const struct mho_tech *t, uint32_t i, uint32_t j)
{
	float most = t->w_max < -t->w_min ? t->w_max : -t->w_min;

	return ((i + j) & 1 ? 0.5f : -0.5f) * most;
}

/* Fill @w with the weights that the tile is believed to have. */
static void believe(struct mho_hwtile *t, bool write, float *w, struct mho_cost *cost)
{
	struct mho_rect all = { .rows = t->rows, .cols = t->cols };
	const struct mho_tech *tech = mho_tile_tech(t->phys);
	struct mho_program p = { .rect = all, .target = w, .ld = t->cols, .scale = 1 };
	uint32_t i, j, missed, iterations;

	if (!write) {
		mho_tile_read(t->phys, mho_tile_begin_op(t->phys), &all, READS, w, t->cols, cost);
		return;
	}
	for (i = 0; i < t->rows; i++) {
		for (j = 0; j < t->cols; j++)
			w[(size_t)i * t->cols + j] = pattern(tech, i, j);
	}
	mho_tile_program(t->phys, mho_tile_begin_op(t->phys), &p, &missed, &iterations, cost);
}

static void judge(struct mho_hwtile *t, const float *w, const float *x, const float *y, bool wrote,
		  struct verdict *v)
{
	const struct mho_tech *tech = mho_tile_tech(t->phys);
	double cell = wrote ? tech->verify_tolerance :
			      mho_tile_output_noise(t->phys, 1) / sqrt(READS);
	double error = 0, allowed = 0, rms = 0;
	uint32_t i, j;

	for (i = 0; i < t->rows; i++) {
		double sum = 0, norm = 0;

		for (j = 0; j < t->cols; j++) {
			double wij = w[(size_t)i * t->cols + j];

			sum += wij * x[j];
			norm += wij * wij;
		}
		error += (y[i] - sum) * (y[i] - sum);
		rms += sum * sum;
		allowed += output_variance(t->phys, norm) + cell * cell * t->cols + 1e-9 * norm;
	}
	v->error = sqrt(error / t->rows);
	v->rms = sqrt(rms / t->rows);
	v->allowed = TOLERANCE * sqrt(allowed / t->rows) + 0.05 * v->rms + 1e-5;
}

static void selftest_part(struct mho_job *job, unsigned int part, struct mho_worker *w)
{
	struct selftest *s = mho_container_of(job, struct selftest, set.job);
	struct mho_hwtile *t = s->set.tiles[part];
	struct mho_cost *cost = &s->set.costs[part];
	struct verdict *v = &s->verdicts[part];
	size_t cells = (size_t)t->rows * t->cols;
	float *weights =
		mho_scratch(w, MHO_SCRATCH_OUT, (cells + t->rows + t->cols) * sizeof(*weights));
	void *scratch = mho_scratch(w, MHO_SCRATCH_PART, mho_tile_mvm_scratch(t->phys));
	struct mho_rect all = { .rows = t->rows, .cols = t->cols };
	float *x = weights + cells, *y = x + t->cols;
	struct mho_mvm m = { .rect = all,
			     .batch = 1,
			     .x = x,
			     .ldx = t->cols,
			     .y = y,
			     .ldy = t->rows,
			     .x_scale = 1,
			     .y_scale = 1 };
	uint32_t j;

	v->no_memory = !weights || !scratch;
	if (v->no_memory)
		return;
	v->wrote = s->full && !t->array && !t->dirty;
	for (j = 0; j < t->cols; j++)
		x[j] = input(j);
	believe(t, v->wrote, weights, cost);
	mho_tile_mvm(t->phys, mho_tile_begin_op(t->phys), &m, 0, 1, scratch, cost);
	judge(t, weights, x, y, v->wrote, v);
	if (v->wrote)
		mho_tile_scrub(t->phys, mho_tile_begin_op(t->phys), &all, cost);
}

static void summarise(struct mho_emu *emu, const struct selftest *s,
		      struct mho_hw_selftest_result *r)
{
	uint32_t failures = 0, ppm = 0, i;

	for (i = 0; i < s->set.n; i++) {
		const struct verdict *v = &s->verdicts[i];
		unsigned int number = s->set.tiles[i]->number;

		if (v->rms > v->allowed && 1e6 * v->error / v->rms > ppm)
			ppm = (uint32_t)(1e6 * v->error / v->rms);
		if (!v->no_memory && v->error <= v->allowed)
			continue;
		if (!failures++)
			snprintf((char *)r->first_failure, sizeof(r->first_failure),
				 "tile %u: rms error of an MVM is %.4g, allowed %.4g", number,
				 v->error, v->allowed);
		mho_log(emu, MHO_HW_LOG_WARNING, MHO_HW_ST_SELFTEST_FAILED,
			"self-test: tile %u: rms error of an MVM is %.4g, allowed %.4g", number,
			v->error, v->allowed);
	}
	r->tests = mho_cpu_to_le32(s->set.n);
	r->failures = mho_cpu_to_le32(failures);
	r->tiles_tested = mho_cpu_to_le32(s->set.n);
	r->tiles_failed = mho_cpu_to_le32(failures);
	r->mvm_error_ppm = mho_cpu_to_le32(ppm);
}

/* Tiles that no command uses. */
static void add_idle(struct mho_emu *emu, struct tile_set *s)
{
	uint32_t i;

	for (i = 0; i < emu->topo->ntiles; i++) {
		struct mho_hwtile *t = &emu->tiles[i];

		if (!t->failed && !(t->array && t->array->users))
			set_add(s, t);
	}
}

enum mho_hw_status mho_admin_selftest(struct mho_admin *a)
{
	struct mho_hw_selftest_result r = { 0 };
	struct selftest s = { .full = a->sqe.scope == MHO_HW_SELFTEST_FULL };
	enum mho_hw_status status = MHO_HW_ST_INTERNAL;

	if (a->sqe.scope > MHO_HW_SELFTEST_FULL)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, MHO_ADMIN_AT(scope));
	if (mho_le32_to_cpu(a->sqe.length) < sizeof(r))
		return mho_admin_refuse(a, MHO_HW_ST_BAD_LENGTH, sizeof(r));
	s.verdicts = calloc(a->emu->topo->ntiles, sizeof(*s.verdicts));
	if (set_init(&s.set, a->emu) && s.verdicts) {
		add_idle(a->emu, &s.set);
		s.set.job.run = selftest_part;
		set_run(a, &s.set);
		summarise(a->emu, &s, &r);
		status = mho_admin_answer(a, &r, sizeof(r));
	}
	free(s.verdicts);
	set_free(&s.set);
	return status;
}
