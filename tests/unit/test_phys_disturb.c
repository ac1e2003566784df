// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What pulses do beside what they are for: cells that see a part of the voltage,
 * against numbers that follow from the law and against single slots; and hydrogen.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "phys_bench.h"
#include "phys_reference.h"
#include "phys_stats.h"

static struct mho_tech driven(enum mho_device_model model, enum mho_half_select scheme)
{
	struct mho_tech tech = bench_nominal(model, 1);

	tech.field_driven = true;
	tech.half_select = scheme;
	tech.hop_m = 0.3e-9;
	tech.dw_min = 0.001f;
	return tech;
}

/* V0 is 1.034 V for a hop of 0.5 nm and 1.72 V for 0.3 nm; sinh(V/V0) / sinh(V/nV0) at 10 V. */
static void shares(void **state)
{
	struct mho_tech tech = driven(MHO_MODEL_CONSTANT_STEP, MHO_HALF_SELECT_V2);

	(void)state;
	stats_check_near("V/2, 0.3 nm", 1 / mho_tech_disturb(&tech), 18, 0.5);
	tech.half_select = MHO_HALF_SELECT_V3;
	stats_check_near("V/3, 0.3 nm", 1 / mho_tech_disturb(&tech), 49, 0.5);
	tech.hop_m = 0.5e-9;
	stats_check_near("V/3, 0.5 nm", 1 / mho_tech_disturb(&tech), 632, 1);
	tech.half_select = MHO_HALF_SELECT_V2;
	stats_check_near("V/2, 0.5 nm", 1 / mho_tech_disturb(&tech), 126, 0.5);
	tech.half_select = MHO_HALF_SELECT_NONE;
	assert_true(mho_tech_disturb(&tech) == 0);
}

static void needs_the_law(void **state)
{
	struct mho_tech tech = driven(MHO_MODEL_CONSTANT_STEP, MHO_HALF_SELECT_V2);
	char err[200];

	(void)state;
	tech.field_driven = false;
	assert_int_equal(mho_tech_check(&tech, err, sizeof(err)), -22);
	assert_non_null(strstr(err, "field-driven"));
}

/* One column and two rows are driven in all 31 slots; rows and columns of the tile beside them. */
static void lines_that_are_driven_alone(void **state)
{
	static const int schemes[] = { MHO_HALF_SELECT_V2, MHO_HALF_SELECT_V3 };
	float x[3] = { 1, 0, 0 }, d[3] = { 1, -1, 0 };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct mho_tech tech = driven(MHO_MODEL_CONSTANT_STEP, schemes[k]);
		double lone = 0.031 * mho_tech_disturb(&tech);
		double none = k ? lone : 0, part = k ? 25.0 / 9 * 0.1 : 0.625;
		struct mho_tile *tile = bench_tile(&tech, 3, 5);
		struct mho_update u = { .rect = { 0, 1, 3, 3 },
					.batch = 1,
					.x = x,
					.ldx = 3,
					.d = d,
					.ldd = 3,
					.x_scale = 1,
					.d_scale = 1,
					.rate = 1 };
		struct mho_cost cost = bench_update(tile, 1, &u);
		double lines = k ? 31 * (15 - 2) * part : 31 * (3 + 2 * 5 - 2 * 2) * part;

		for (uint32_t j = 0; j < 5; j++) {
			bool meant = j == 1;

			stats_check_near("first row", (double)mho_tile_peek(tile, 0, j),
					 meant ? -0.031 : -lone, 1e-6);
			stats_check_near("second row", (double)mho_tile_peek(tile, 1, j),
					 meant ? 0.031 : lone, 1e-6);
			stats_check_near("row that is not driven",
					 (double)mho_tile_peek(tile, 2, j), meant ? -lone : none,
					 1e-6);
		}
		assert_int_equal(cost.pulses, 62);
		assert_int_equal(mho_tile_wear(tile, 0, 0), 0);
		stats_check_near("energy, fJ", cost.fj, 62 * mho_tile_pulse_energy(tile) + lines,
				 1e-3);
		mho_tile_destroy(tile);
	}
}

/* Slot by slot: a line with a pulse gives its share to every cell without the other one. */
static void reference(const struct mho_tech *t, double *w, struct ref_random *r)
{
	double share = mho_tech_disturb(t), step = mho_tech_step(t);
	double a = sqrt(0.01 / (0.001 * 31)) * sqrt(1 / 0.5), b = a * 0.5;
	double ions = t->ion_j / t->ref_v / 1.602176634e-19;

	for (int s = 0; s < 31; s++) {
		int in_column[4], in_row[3];

		for (int j = 0; j < 4; j++)
			in_column[j] = ref_uniform(r) < b * fabs((double)bench_x[j]);
		for (int i = 0; i < 3; i++)
			in_row[i] = ref_uniform(r) < a * fabs((double)bench_d[i]);
		for (int c = 0; c < 12; c++) {
			int lines = in_row[c / 4] + in_column[c % 4];
			int up = bench_d[c / 4] * bench_x[c % 4] < 0;
			double part = lines == 2			   ? 1 :
				      lines == 1			   ? share :
				      t->half_select == MHO_HALF_SELECT_V3 ? -share :
									     0;
			double dw = fabs(part) * step;

			if (part < 0)
				up = !up;
			if (t->model == MHO_MODEL_SOFT_BOUNDS)
				dw *= 1 - w[c] / (double)(up ? t->w_max : t->w_min);
			if (t->pulse_noise == MHO_PULSE_PROTONS) {
				double n = 0;

				for (double time = -log(ref_uniform(r)); time < dw / step * ions;
				     time -= log(ref_uniform(r)))
					n++;
				dw = n * step / ions;
			} else {
				dw *= 1 + (double)t->dw_min_std * ref_normal(r);
			}
			w[c] = fmin(fmax(w[c] + (up ? dw : -dw), t->w_min), t->w_max);
		}
	}
}

static void compare(enum mho_device_model model, enum mho_half_select scheme,
		    enum mho_pulse_noise noise)
{
	enum {
		DRAWS = 3000
	};
	struct mho_tech tech = driven(model, scheme);
	struct mho_update u = bench_small_update();
	static double ours[12 * DRAWS], theirs[12 * DRAWS];
	struct ref_random r;
	struct mho_tile *tile;

	tech.update_bl_management = false;
	tech.dw_min_std = 0.3f;
	tech.pulse_noise = noise;
	tile = bench_tile(&tech, 3, 4);
	ref_seed(&r, 11);
	for (uint32_t n = 0; n < DRAWS; n++) {
		double w[12];

		for (int c = 0; c < 12; c++)
			w[c] = (double)(tile->w[c] = 0.3f);
		bench_update(tile, n, &u);
		reference(&tech, w, &r);
		for (int c = 0; c < 12; c++) {
			ours[c * DRAWS + n] = (double)tile->w[c];
			theirs[c * DRAWS + n] = w[c];
		}
	}
	for (int c = 0; c < 12; c++)
		stats_ks_same("disturbed cell", ours + c * DRAWS, DRAWS, theirs + c * DRAWS, DRAWS);
	mho_tile_destroy(tile);
}

static void distributions_are_those_of_single_slots(void **state)
{
	(void)state;
	for (int scheme = MHO_HALF_SELECT_V2; scheme <= MHO_HALF_SELECT_V3; scheme++) {
		compare(MHO_MODEL_CONSTANT_STEP, scheme, MHO_PULSE_MULTIPLICATIVE);
		compare(MHO_MODEL_SOFT_BOUNDS, scheme, MHO_PULSE_MULTIPLICATIVE);
		compare(MHO_MODEL_CONSTANT_STEP, scheme, MHO_PULSE_PROTONS);
	}
}

/* PULSE drives columns one after the other: each for as long as its cell with most pulses asks. */
static void single_pulses(void **state)
{
	struct mho_tech tech = driven(MHO_MODEL_CONSTANT_STEP, MHO_HALF_SELECT_V2);
	struct mho_tile *tile = bench_tile(&tech, 3, 4);
	struct mho_rect r = { 1, 1, 2, 2 };
	int8_t counts[4] = { 10, -4, 6, 0 };
	double share = 0.001 * mho_tech_disturb(&tech);
	/* Slots up: 10 of column 1; down: 4 of column 2. Rows: 10 up and 4 down, 6 up. */
	const double expect[3][4] = {
		{ 0, 10, -4, 0 },
		{ 10 - 4, -4, 10, 10 - 4 },
		{ 6, 4, 6 - 4, 6 },
	};
	const double pulses[3][4] = { { 0 }, { 0, 10, -4, 0 }, { 0, 6, 0, 0 } };
	struct mho_cost cost = { 0 };

	(void)state;
	mho_tile_pulse(tile, 1, &r, counts, 2, &cost);
	for (uint32_t i = 0; i < 3; i++) {
		for (uint32_t j = 0; j < 4; j++)
			stats_check_near("weight", (double)mho_tile_peek(tile, i, j),
					 0.001 * pulses[i][j] + share * expect[i][j], 1e-6);
	}
	mho_tile_destroy(tile);
}

/* What a cell shows moves along with what it holds. */
static void shown_cells_move(void **state)
{
	struct mho_tech tech = driven(MHO_MODEL_SOFT_BOUNDS, MHO_HALF_SELECT_V2);
	struct mho_tile *tile;
	struct mho_rect one = { 0, 0, 1, 1 };
	int8_t counts = 100;
	struct mho_cost cost = { 0 };
	float before;

	(void)state;
	tech.write_noise = 3;
	tile = bench_tile(&tech, 2, 2);
	bench_pulses(tile, 5);
	before = tile->w[1] - tile->held[1];
	mho_tile_pulse(tile, 9, &one, &counts, 1, &cost);
	assert_true(tile->held[1] > 0.005f * 0.9f + 0.004f);
	stats_check_near("noise", (double)(tile->w[1] - tile->held[1]), (double)before, 1e-6);
	mho_tile_destroy(tile);
}

/* The closed loop sees the disturbance and corrects it. */
static void programming_converges(void **state)
{
	static float target[32 * 32];
	struct mho_tech tech = driven(MHO_MODEL_CONSTANT_STEP, MHO_HALF_SELECT_V2);
	struct mho_program p = { .rect = { 0, 0, 32, 32 },
				 .target = target,
				 .ld = 32,
				 .scale = 0.3f,
				 .tolerance = 0.05f };
	uint32_t missed, iterations;
	struct mho_cost cost = { 0 };
	struct mho_tile *tile;

	(void)state;
	tech.hop_m = 0.5e-9;
	bench_uniform(target, 32 * 32, 8);
	tile = bench_tile(&tech, 32, 32);
	assert_int_equal(mho_tile_program(tile, 1, &p, &missed, &iterations, &cost), 0);
	assert_int_equal(missed, 0);
	for (int c = 0; c < 32 * 32; c++)
		stats_check_near("weight", (double)tile->w[c], 0.3 * (double)target[c], 0.1);
	mho_tile_destroy(tile);
}

/* ---- hydrogen ---- */

static void long_pulses_break_cells(void **state)
{
	(void)state;
	for (int model = MHO_MODEL_CONSTANT_STEP; model < MHO_MODELS; model++) {
		struct mho_tech tech = bench_nominal(model, 1);
		struct mho_tile *tile, *other;
		float w[4];
		size_t size;
		void *image;

		tech.pulse_v = 8;
		tech.pulse_s = 2e-6;
		assert_false(mho_tech_forms_hydrogen(&tech));
		tech.hydrogen_v = 8;
		tech.hydrogen_pulses = 40;
		assert_true(mho_tech_forms_hydrogen(&tech));
		tile = bench_tile(&tech, 2, 2);
		other = bench_tile(&tech, 2, 2);
		bench_pulses(tile, 39);
		memcpy(w, tile->w, sizeof(w));
		bench_pulses(tile, -1);
		assert_true(tile->w[0] < w[0]);
		memcpy(w, tile->w, sizeof(w));
		bench_pulses(tile, 20);
		bench_pulses(tile, -20);
		assert_memory_equal(w, tile->w, sizeof(w));
		image = bench_state(tile, &size);
		assert_int_equal(mho_tile_state_load(other, image, size), 0);
		bench_pulses(other, 20);
		assert_memory_equal(w, other->w, sizeof(w));
		free(image);
		mho_tile_destroy(tile);
		mho_tile_destroy(other);
		tech.pulse_s = 1e-6;
		assert_false(mho_tech_forms_hydrogen(&tech));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares),
		cmocka_unit_test(needs_the_law),
		cmocka_unit_test(lines_that_are_driven_alone),
		cmocka_unit_test(distributions_are_those_of_single_slots),
		cmocka_unit_test(single_pulses),
		cmocka_unit_test(shown_cells_move),
		cmocka_unit_test(programming_converges),
		cmocka_unit_test(long_pulses_break_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
