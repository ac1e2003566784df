// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Parameters of a technology: every limit is enforced and named; the field-driven
 * law against published and calculated figures; energies, conductance and thermal
 * noise (docs/emulator.md).
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
#include "phys_stats.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- limits ---- */

struct limit {
	const char *word; /* of the message */
	size_t offset;
	char type; /* f: float, d: double, u: uint32_t */
	double low; /* refused */
	double high; /* refused */
};

#define LIMIT(field, type, word, low, high)                             \
	{                                                               \
		word, offsetof(struct mho_tech, field), type, low, high \
	}

static const struct limit limits[] = {
	LIMIT(dw_min, 'f', "dw_min", 0, 1.1),
	LIMIT(dw_min_dtod, 'f', "dw_min_dtod", -0.1, 1.1),
	LIMIT(dw_min_std, 'f', "dw_min_std", -0.1, 11),
	LIMIT(w_min, 'f', "w_min", -101, 0),
	LIMIT(w_max, 'f', "w_max", 0, 101),
	LIMIT(w_min_dtod, 'f', "w_min_dtod", -0.1, 1.1),
	LIMIT(w_max_dtod, 'f', "w_max_dtod", -0.1, 1.1),
	LIMIT(up_down, 'f', "up_down", -1, 1),
	LIMIT(up_down_dtod, 'f', "up_down_dtod", -0.1, 1.1),
	LIMIT(gamma_up, 'f', "gamma_up", -0.1, 1.1),
	LIMIT(gamma_down, 'f', "gamma_down", -0.1, 1.1),
	LIMIT(gamma_dtod, 'f', "gamma_dtod", -0.1, 1.1),
	LIMIT(pulse_v, 'd', "pulse voltage", 0, 101),
	LIMIT(pulse_s, 'd', "pulse width", 0, 2),
	LIMIT(thickness_m, 'd', "thickness", 0, 1),
	LIMIT(hop_m, 'd', "hop", 0, 1),
	LIMIT(temperature_k, 'd', "temperature", 100, 600),
	LIMIT(beta, 'd', "beta", 0, 3),
	LIMIT(activation_ev, 'd', "activation", -1, 6),
	LIMIT(ref_v, 'd', "reference voltage", 0, 101),
	LIMIT(ref_s, 'd', "reference width", 0, 2),
	LIMIT(ref_thickness_m, 'd', "reference thickness", 0, 1),
	LIMIT(ref_temperature_k, 'd', "reference temperature", 100, 600),
	LIMIT(g_min_s, 'd', "conductance", -1e-9, 2),
	LIMIT(g_max_s, 'd', "conductance", 0, 2),
	LIMIT(gate_f, 'd', "gate", -1e-18, 1),
	LIMIT(ion_j, 'd', "ion", -1e-18, 1),
	LIMIT(read_v, 'd', "read voltage", 0, 11),
	LIMIT(read_s, 'd', "read time", 0, 2),
	LIMIT(inp_bound, 'f', "inputs", 0, 2e6),
	LIMIT(dac_bits, 'u', "DAC", 21, 21),
	LIMIT(out_bound, 'f', "outputs", -1, 2e6),
	LIMIT(adc_bits, 'u', "ADC", 21, 21),
	LIMIT(out_noise, 'f', "noise", -0.1, 2e3),
	LIMIT(nm_constant, 'f', "noise management", 0, 2e6),
	LIMIT(bm_max_factor, 'f', "bound management", 0.5, 1e5),
	LIMIT(adc_gain_std, 'f', "gain", -0.1, 0.3),
	LIMIT(adc_offset_std, 'f', "offset", -0.1, 0.3),
	LIMIT(train_length, 'u', "train", 0, 256),
	LIMIT(verify_iterations, 'u', "verify", 0, 10001),
	LIMIT(verify_tolerance, 'f', "verify", 0, 2),
};

static void set(struct mho_tech *tech, const struct limit *l, double value)
{
	void *at = (char *)tech + l->offset;

	if (l->type == 'f')
		*(float *)at = (float)value;
	else if (l->type == 'd')
		*(double *)at = value;
	else
		*(uint32_t *)at = (uint32_t)value;
}

static void refuses(const struct limit *l, double value)
{
	struct mho_tech tech;
	struct mho_tile *tile;
	char err[300] = "";

	mho_tech_init(&tech);
	set(&tech, l, value);
	assert_int_equal(mho_tech_check(&tech, err, sizeof(err)), -22);
	if (!strstr(err, l->word))
		fail_msg("\"%s\" does not name \"%s\"", err, l->word);
	assert_int_equal(mho_tech_check(&tech, NULL, 0), -22);
	assert_int_equal(mho_tile_create(&tech, 4, 4, 1, 1, &tile), -22);
}

static void every_limit_is_enforced(void **state)
{
	struct mho_tech tech;

	(void)state;
	mho_tech_init(&tech);
	assert_int_equal(mho_tech_check(&tech, NULL, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		refuses(&limits[i], limits[i].low);
		refuses(&limits[i], limits[i].high);
		if (limits[i].type != 'u') {
			refuses(&limits[i], (double)NAN);
			refuses(&limits[i], (double)INFINITY);
		}
	}
}

static void refuse_with(struct mho_tech tech, const char *word)
{
	char err[300] = "";

	assert_int_equal(mho_tech_check(&tech, err, sizeof(err)), -22);
	if (!strstr(err, word))
		fail_msg("\"%s\" does not say \"%s\"", err, word);
}

static void combinations_are_refused(void **state)
{
	struct mho_tech tech;

	(void)state;
	mho_tech_init(&tech);
	tech.g_min_s = tech.g_max_s;
	refuse_with(tech, "conductance");
	mho_tech_init(&tech);
	tech.out_bound = 0;
	refuse_with(tech, "ADC");
	mho_tech_init(&tech);
	tech.dac_bits = 1;
	refuse_with(tech, "2 bits");
	mho_tech_init(&tech);
	tech.field_driven = true;
	tech.pulse_v = 0.01;
	refuse_with(tech, "weight step");
	tech.pulse_v = 30;
	refuse_with(tech, "weight step");
}

static void shapes_are_refused(void **state)
{
	static const uint32_t shapes[][2] = { { 0, 4 }, { 4, 0 }, { 4097, 1 }, { 1, 4097 } };
	struct mho_tile *tile;
	struct mho_tech tech;

	(void)state;
	mho_tech_init(&tech);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		assert_int_equal(mho_tile_create(&tech, shapes[i][0], shapes[i][1], 1, 1, &tile),
				 -22);
}

/* ---- the field-driven law ---- */

static struct mho_tech protonic_ns(void)
{
	struct mho_tech tech;

	mho_tech_init(&tech);
	tech.dw_min = 0.002f;
	tech.field_driven = true;
	return tech;
}

/*
 * Width that gives the step of 10 V and 5 ns at another voltage, figures to two digits:
 * 5 ns (sinh(10 V / V0) / sinh(V / V0))^(1 / beta), V0 = 1.034 V (a = 0.5 nm, d = 10 nm, 300 K).
 */
static void widths_for_the_same_step(void **state)
{
	static const double table[][4] = {
		{ 10, 5e-9, 5e-9, 5e-9 },     { 7.5, 56e-9, 126e-9, 629e-9 },
		{ 5, 629e-9, 3.2e-6, 79e-6 }, { 3, 4.4e-6, 42e-6, 3.8e-3 },
		{ 2, 12e-6, 155e-6, 27e-3 },  { 1, 35e-6, 0.68e-3, 0.25 },
	};
	static const double beta[] = { 1, 0.75, 0.5 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(beta); k++) {
			struct mho_tech tech = protonic_ns();
			double width = table[i][k + 1];
			double v0 = 2 * 8.617333262e-5 * 300 * 10e-9 / 0.5e-9;
			double factor = sinh(table[i][0] / v0) / sinh(10 / v0);

			tech.beta = beta[k];
			tech.pulse_v = table[i][0];
			tech.pulse_s = width;
			/* Two digits of the width: 1.7 % where the table rounds most. */
			stats_check_near("step", mho_tech_step(&tech) / 0.002, 1, 0.035);
			stats_check_near("law",
					 mho_tech_step(&tech) / (double)tech.dw_min /
						 (factor * pow(width / 5e-9, beta[k])),
					 1, 1e-9);
		}
	}
}

/* One law, another electrolyte, voltage and width: the same step in a million times the time. */
static void a_million_times(void **state)
{
	struct mho_tech ns = protonic_ns(), old = protonic_ns();

	(void)state;
	old.pulse_v = 2.86;
	old.pulse_s = 5e-3;
	stats_check_near("step of 2.86 V for 5 ms", mho_tech_step(&old) / mho_tech_step(&ns), 1,
			 0.01);
	assert_true(old.pulse_s / ns.pulse_s == 1e6);
}

static void heat_speeds_up(void **state)
{
	struct mho_tech tech = protonic_ns();
	double at_300 = mho_tech_step(&tech);

	(void)state;
	tech.temperature_k = 358;
	/* sinh alone falls to 1653 / 7921; the Arrhenius factor of 0.4 eV outweighs it. */
	stats_check_near("step at 85 C", mho_tech_step(&tech) / at_300,
			 1653.0 / 7921 * exp(0.4 / 8.617333262e-5 * (1 / 300.0 - 1 / 358.0)), 0.01);
	assert_true(mho_tech_step(&tech) > at_300);
	tech.activation_ev = 0;
	stats_check_near("sinh alone", mho_tech_step(&tech) / at_300, 1653.0 / 7921, 2e-3);
}

static void huge_fields_do_not_overflow(void **state)
{
	struct mho_tech tech = protonic_ns();

	(void)state;
	tech.pulse_v = tech.ref_v = 100;
	tech.thickness_m = tech.ref_thickness_m = 1e-10;
	stats_check_near("step", mho_tech_step(&tech), 0.002, 1e-9);
}

/* ---- energy, noise, conductance ---- */

static void energies(void **state)
{
	struct mho_tech tech = protonic_ns();
	struct mho_tile *tile = bench_tile(&tech, 4, 4);

	(void)state;
	stats_check_near("pulse, fJ", mho_tile_pulse_energy(tile), 2.5 + 0.015, 1e-6);
	stats_check_near("half-selected, fJ", mho_tile_half_select_energy(tile), 2.5 / 4, 1e-9);
	stats_check_near("read of a mean cell, aJ", mho_tile_cell_read_energy(tile) * 1e3, 336,
			 1e-6);
	stats_check_near("read of 256 x 256, pJ", mho_tile_cell_read_energy(tile) * 65536 * 1e-3,
			 22, 0.05);
	mho_tile_destroy(tile);
	/* Ion transfer is charge times voltage: with the step as with the voltage. */
	tech.pulse_v = 5;
	tech.pulse_s = 79e-6;
	tile = bench_tile(&tech, 4, 4);
	stats_check_near("pulse at 5 V, fJ", mho_tile_pulse_energy(tile),
			 25e-18 * 25 * 1e15 + 0.015 * 0.5, 1e-4);
	mho_tile_destroy(tile);
}

static void thermal_noise(void **state)
{
	struct mho_tech tech = protonic_ns();
	struct mho_tile *tile;

	(void)state;
	tech.out_noise = 0;
	tech.thermal_noise = true;
	tile = bench_tile(&tech, 4, 4);
	stats_check_near("256 cells", (double)mho_tile_output_noise(tile, 256), 0.088, 5e-4);
	stats_check_near("512 cells", (double)mho_tile_output_noise(tile, 512), 0.124, 5e-4);
	mho_tile_destroy(tile);
	tech.read_v = 0.1;
	tech.read_s = 40e-9;
	tech.out_noise = 0.06f;
	tile = bench_tile(&tech, 4, 4);
	stats_check_near("0.1 V, 40 ns, and 0.06", (double)mho_tile_output_noise(tile, 256),
			 sqrt(0.248 * 0.248 + 0.06 * 0.06), 2e-3);
	mho_tile_destroy(tile);
}

static void conductances(void **state)
{
	struct mho_tech tech = protonic_ns();

	(void)state;
	stats_check_near("lowest", mho_tech_conductance(&tech, -1) * 1e9, 10, 1e-9);
	stats_check_near("middle", mho_tech_conductance(&tech, 0) * 1e9, 105, 1e-9);
	stats_check_near("highest", mho_tech_conductance(&tech, 1) * 1e9, 200, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_limit_is_enforced),
		cmocka_unit_test(combinations_are_refused),
		cmocka_unit_test(shapes_are_refused),
		cmocka_unit_test(widths_for_the_same_step),
		cmocka_unit_test(a_million_times),
		cmocka_unit_test(heat_speeds_up),
		cmocka_unit_test(huge_fields_do_not_overflow),
		cmocka_unit_test(energies),
		cmocka_unit_test(thermal_noise),
		cmocka_unit_test(conductances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
