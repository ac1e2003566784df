// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Device-tree binding of a technology: which property is which parameter of the
 * physics, with unit and range. What the parameters mean is in phys.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "mho_hw.h"
#include "emulator/phys_model.h"
#include "emulator/topo.h"
#include "emulator/topo_tech.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MICRO 1e6
#define MILLI 1e3
#define NANO 1e9
#define PICO 1e12
#define ATTO 1e18

#define PPM_MAX INT32_MAX
#define SECOND_PS 1000000000000
#define DRIFT_START_NS 1000000000000000
#define BITS_MAX 20

/* By the numbers of enum mho_noise_management and mho_bound_management. */
static const char *const noise_words[] = {
	[MHO_NM_NONE] = "none",
	[MHO_NM_ABS_MAX] = "abs-max",
	[MHO_NM_CONSTANT] = "constant",
	[MHO_NM_MAX] = "max",
	[MHO_NM_ABS_MAX_NP_SUM] = "abs-max-np-sum",
	NULL,
};

static const char *const bound_words[] = {
	[MHO_BM_NONE] = "none",
	[MHO_BM_ITERATIVE] = "iterative",
	[MHO_BM_WORST_CASE] = "iterative-worst-case",
	NULL,
};

static const char *const weight_noise_words[] = {
	[MHO_WEIGHT_NOISE_CONSTANT] = "constant",
	[MHO_WEIGHT_NOISE_PCM] = "pcm",
	NULL,
};

static const char *const pulse_type_words[] = {
	[MHO_PULSES_STOCHASTIC_COMPRESSED] = "stochastic-compressed",
	[MHO_PULSES_STOCHASTIC] = "stochastic",
	[MHO_PULSES_MEAN_COUNT] = "mean-count",
	[MHO_PULSES_DETERMINISTIC] = "deterministic-implicit",
	[MHO_PULSES_NONE] = "none",
	NULL,
};

static const char *const half_select_words[] = {
	[MHO_HALF_SELECT_NONE] = "none",
	[MHO_HALF_SELECT_V2] = "v/2",
	[MHO_HALF_SELECT_V3] = "v/3",
	NULL,
};

static const char *const pulse_noise_words[] = {
	[MHO_PULSE_MULTIPLICATIVE] = "multiplicative",
	[MHO_PULSE_ADDITIVE] = "additive",
	[MHO_PULSE_PROTONS] = "protons",
	NULL,
};

#define PROP(property, type, field, lo, hi, by, what)                                           \
	{                                                                                       \
		.name = (property), .kind = (type), .offset = offsetof(struct mho_tech, field), \
		.min = (lo), .max = (hi), .divisor = (by), .unit = (what)                       \
	}
#define PPM(property, field, lo, hi) \
	PROP(property, MHO_PROP_FLOAT, field, lo, hi, MICRO, "millionths")
#define REAL(property, field, lo, hi, by, what) \
	PROP(property, MHO_PROP_DOUBLE, field, lo, hi, by, what)
#define COUNT(property, field, lo, hi, what) PROP(property, MHO_PROP_U32, field, lo, hi, 1, what)
#define SWITCH(property, field) PROP(property, MHO_PROP_SWITCH, field, 0, 0, 1, NULL)
#define WORD(property, field, list)                                         \
	{                                                                   \
		.name = (property), .kind = MHO_PROP_WORD,                  \
		.offset = offsetof(struct mho_tech, field), .words = (list) \
	}
#define CURVE(property, field)                                                            \
	{                                                                                 \
		.name = (property), .kind = MHO_PROP_FLOATS,                              \
		.offset = offsetof(struct mho_tech, field.step),                          \
		.count_offset = offsetof(struct mho_tech, field.points), .count_min = 2,  \
		.count_max = MHO_CURVE_MAX, .min = 0, .max = 100000000, .divisor = MICRO, \
		.unit = "millionths"                                                      \
	}
#define IGNORE(property)                                    \
	{                                                   \
		.name = (property), .kind = MHO_PROP_IGNORE \
	}

static const struct mho_prop properties[] = {
	IGNORE("compatible"),
	IGNORE("phandle"),
	IGNORE("linux,phandle"),

	PPM(MHO_HW_TECH_STEP, dw_min, 10, 1000000),
	PPM(MHO_HW_TECH_STEP_SPREAD, dw_min_dtod, 0, 1000000),
	PPM(MHO_HW_TECH_STEP_NOISE, dw_min_std, 0, 10000000),
	PPM(MHO_HW_TECH_WEIGHT_MIN, w_min, -100000000, -1000),
	PPM(MHO_HW_TECH_WEIGHT_MAX, w_max, 1000, 100000000),
	PPM(MHO_HW_TECH_WEIGHT_MIN_SPREAD, w_min_dtod, 0, 1000000),
	PPM(MHO_HW_TECH_WEIGHT_MAX_SPREAD, w_max_dtod, 0, 1000000),
	PPM(MHO_HW_TECH_UP_DOWN, up_down, -900000, 900000),
	PPM(MHO_HW_TECH_UP_DOWN_SPREAD, up_down_dtod, 0, 1000000),
	PPM(MHO_HW_TECH_SLOPE_UP, gamma_up, 0, 1000000),
	PPM(MHO_HW_TECH_SLOPE_DOWN, gamma_down, 0, 1000000),
	PPM(MHO_HW_TECH_SLOPE_SPREAD, gamma_dtod, 0, 1000000),
	SWITCH(MHO_HW_TECH_STEP_LOG_NORMAL, dw_min_log),
	WORD(MHO_HW_TECH_PULSE_NOISE, pulse_noise, pulse_noise_words),
	PPM(MHO_HW_TECH_PULSE_NOISE_ADD, noise_add, 0, 1000000),
	PPM(MHO_HW_TECH_PULSE_NOISE_SLOPE, noise_slope, 0, 1000000),
	PPM(MHO_HW_TECH_WRITE_NOISE, write_noise, 0, 1000000000),
	PPM(MHO_HW_TECH_CORRUPT, corrupt, 0, 1000000),
	PPM(MHO_HW_TECH_CORRUPT_RANGE, corrupt_range, 0, 100000000),
	PPM(MHO_HW_TECH_STUCK_MIN, stuck_min, 0, 1000000),
	PPM(MHO_HW_TECH_STUCK_MAX, stuck_max, 0, 1000000),
	REAL(MHO_HW_TECH_LIFETIME, lifetime_s, 0, INT64_MAX, NANO, "nanoseconds"),
	PPM(MHO_HW_TECH_DECAY_TO, decay_to, -100000000, 100000000),
	PPM(MHO_HW_TECH_DIFFUSION, diffusion, 0, 1000000000),
	PPM(MHO_HW_TECH_DRIFT, drift_nu, 0, 1000000),
	PPM(MHO_HW_TECH_DRIFT_SPREAD, drift_nu_dtod, 0, 1000000),
	REAL(MHO_HW_TECH_DRIFT_START, drift_t0_s, 1, DRIFT_START_NS, NANO, "nanoseconds"),
	SWITCH(MHO_HW_TECH_DRIFT_COMPENSATION, drift_compensation),
	SWITCH(MHO_HW_TECH_SLOPE_OWN_BOUNDS, gamma_own_bounds),
	SWITCH(MHO_HW_TECH_SLOPE_ANY_SIGN, gamma_any_sign),
	PPM(MHO_HW_TECH_REFERENCE, reference, -100000000, 100000000),
	PPM(MHO_HW_TECH_REFERENCE_SPREAD, reference_std, 0, 100000000),
	SWITCH(MHO_HW_TECH_REFERENCE_SYMMETRIC, reference_symmetric),
	PPM(MHO_HW_TECH_EXP_A_UP, exp_a_up, -10000000, 10000000),
	PPM(MHO_HW_TECH_EXP_A_DOWN, exp_a_down, -10000000, 10000000),
	PPM(MHO_HW_TECH_EXP_GAMMA_UP, exp_gamma_up, 0, 100000000),
	PPM(MHO_HW_TECH_EXP_GAMMA_DOWN, exp_gamma_down, 0, 100000000),
	PPM(MHO_HW_TECH_EXP_SCALE, exp_scale, 0, 10000000),
	PPM(MHO_HW_TECH_EXP_OFFSET, exp_offset, -1000000, 1000000),
	PPM(MHO_HW_TECH_POWER_UP, pow_up, 0, 10000000),
	PPM(MHO_HW_TECH_POWER_DOWN, pow_down, 0, 10000000),
	PPM(MHO_HW_TECH_POWER_SPREAD, pow_dtod, 0, 1000000),
	CURVE(MHO_HW_TECH_CURVE_UP, curve_up),
	CURVE(MHO_HW_TECH_CURVE_DOWN, curve_down),
	PROP(MHO_HW_TECH_ENDURANCE, MHO_PROP_U64, endurance, 0, INT64_MAX, 1, "pulses"),

	REAL(MHO_HW_TECH_PULSE_VOLTAGE, pulse_v, 1000, 100000000, MICRO, "microvolts"),
	REAL(MHO_HW_TECH_PULSE_WIDTH, pulse_s, 1, SECOND_PS, PICO, "picoseconds"),
	SWITCH(MHO_HW_TECH_FIELD_DRIVEN, field_driven),
	REAL(MHO_HW_TECH_ELECTROLYTE, thickness_m, 100, 10000000, PICO, "picometres"),
	REAL(MHO_HW_TECH_HOP, hop_m, 10, 10000, PICO, "picometres"),
	REAL(MHO_HW_TECH_TEMPERATURE, temperature_k, 200000, 500000, MILLI, "millikelvin"),
	REAL(MHO_HW_TECH_WIDTH_EXPONENT, beta, 10000, 2000000, MICRO, "millionths"),
	REAL(MHO_HW_TECH_ACTIVATION, activation_ev, 0, 5000000, MICRO, "microelectronvolts"),
	WORD(MHO_HW_TECH_HALF_SELECT, half_select, half_select_words),
	REAL(MHO_HW_TECH_HYDROGEN_VOLTAGE, hydrogen_v, 0, 100000000, MICRO, "microvolts"),
	REAL(MHO_HW_TECH_HYDROGEN_WIDTH, hydrogen_s, 1, SECOND_PS, PICO, "picoseconds"),
	PROP(MHO_HW_TECH_HYDROGEN_PULSES, MHO_PROP_U64, hydrogen_pulses, 1, INT64_MAX, 1, "pulses"),
	REAL(MHO_HW_TECH_REF_VOLTAGE, ref_v, 1000, 100000000, MICRO, "microvolts"),
	REAL(MHO_HW_TECH_REF_WIDTH, ref_s, 1, SECOND_PS, PICO, "picoseconds"),
	REAL(MHO_HW_TECH_REF_ELECTROLYTE, ref_thickness_m, 100, 10000000, PICO, "picometres"),
	REAL(MHO_HW_TECH_REF_TEMPERATURE, ref_temperature_k, 200000, 500000, MILLI, "millikelvin"),

	REAL(MHO_HW_TECH_CONDUCTANCE_MIN, g_min_s, 1, 1000000000, PICO, "picosiemens"),
	REAL(MHO_HW_TECH_CONDUCTANCE_MAX, g_max_s, 1, 1000000000, PICO, "picosiemens"),
	REAL(MHO_HW_TECH_GATE, gate_f, 0, 1000000000, ATTO, "attofarads"),
	REAL(MHO_HW_TECH_ION, ion_j, 0, 1000000000, ATTO, "attojoules"),
	REAL(MHO_HW_TECH_READ_VOLTAGE, read_v, 100, 10000000, MICRO, "microvolts"),
	REAL(MHO_HW_TECH_READ_TIME, read_s, 1, SECOND_PS, PICO, "picoseconds"),

	PPM(MHO_HW_TECH_DAC_BOUND, inp_bound, 1000, 100000000),
	COUNT(MHO_HW_TECH_DAC_BITS, dac_bits, 0, BITS_MAX, "bits (0: exact)"),
	PPM(MHO_HW_TECH_ADC_BOUND, out_bound, 0, PPM_MAX),
	COUNT(MHO_HW_TECH_ADC_BITS, adc_bits, 0, BITS_MAX, "bits (0: exact)"),
	PPM(MHO_HW_TECH_ADC_GAIN_SPREAD, adc_gain_std, 0, 100000),
	PPM(MHO_HW_TECH_ADC_OFFSET_SPREAD, adc_offset_std, 0, 100000),
	PPM(MHO_HW_TECH_OUTPUT_NOISE, out_noise, 0, 100000000),
	SWITCH(MHO_HW_TECH_THERMAL_NOISE, thermal_noise),
	WORD(MHO_HW_TECH_NOISE_MANAGEMENT, noise_management, noise_words),
	PPM(MHO_HW_TECH_NOISE_SCALE, nm_constant, 10, PPM_MAX),
	PPM(MHO_HW_TECH_NOISE_CAP, nm_cap, 0, PPM_MAX),
	WORD(MHO_HW_TECH_BOUND_MANAGEMENT, bound_management, bound_words),
	PPM(MHO_HW_TECH_BOUND_FACTOR, bm_max_factor, 1000000, PPM_MAX),
	SWITCH(MHO_HW_TECH_DAC_STOCHASTIC, dac_stochastic),
	SWITCH(MHO_HW_TECH_ADC_STOCHASTIC, adc_stochastic),

	PPM(MHO_HW_TECH_INPUT_NOISE, inp_noise, 0, 10000000),
	PPM(MHO_HW_TECH_INPUT_ASYMMETRY, inp_asymmetry, -1000000, 1000000),
	PPM(MHO_HW_TECH_OUTPUT_ASYMMETRY, out_asymmetry, -1000000, 1000000),
	PPM(MHO_HW_TECH_WEIGHT_NOISE, w_noise, 0, 10000000),
	WORD(MHO_HW_TECH_WEIGHT_NOISE_KIND, w_noise_kind, weight_noise_words),
	PPM(MHO_HW_TECH_IR_DROP, ir_drop, 0, 10000000),
	PPM(MHO_HW_TECH_OFFSET_SPREAD, v_offset_std, 0, 1000000),
	PPM(MHO_HW_TECH_SERIES, series, 0, 10000000),
	PPM(MHO_HW_TECH_COMPRESSION, bend, 0, 10000000),
	PPM(MHO_HW_TECH_COMPRESSION_SPREAD, bend_std, 0, 1000000),

	COUNT(MHO_HW_TECH_TRAIN_LENGTH, train_length, 1, MHO_HW_BL_MAX, "slots"),
	COUNT(MHO_HW_TECH_VERIFY_ITERATIONS, verify_iterations, 1, MHO_HW_PROGRAM_ITERATIONS_MAX,
	      "iterations"),
	PPM(MHO_HW_TECH_VERIFY_TOLERANCE, verify_tolerance, MHO_TOPO_TOLERANCE_MIN_PPM,
	    MHO_TOPO_TOLERANCE_MAX_PPM),
	WORD(MHO_HW_TECH_PULSE_TYPE, pulse_type, pulse_type_words),
	PPM(MHO_HW_TECH_IMPLICIT_RESOLUTION, implicit_resolution, 0, 1000000),
	PPM(MHO_HW_TECH_UPDATE_SCALE, um_scale, 1000, 1000000000),
	SWITCH(MHO_HW_TECH_UPDATE_MANAGEMENT, update_management),
	SWITCH(MHO_HW_TECH_TRAIN_SHORTENING, update_bl_management),
};
MHO_HW_ASSERT(ARRAY_SIZE(properties) <= MHO_PROPS_MAX, "the table is too long");

const char *mho_topo_law(enum mho_device_model model)
{
	return mho_model_of(model)->law;
}

static int read_law(const void *fdt, int node, struct mho_tech *tech, struct mho_props_error *err)
{
	char path[128], text[400];
	size_t used = 0;

	for (unsigned int i = 0; i < MHO_MODELS; i++) {
		const char *law = mho_topo_law(i);

		if (fdt_node_check_compatible(fdt, node, law) == 0) {
			tech->model = (enum mho_device_model)i;
			return 0;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\"%s\"",
					 !i		     ? "" :
					 i == MHO_MODELS - 1 ? " or " :
							       ", ",
					 law);
	}
	mho_props_fail(err, fdt, node, "%s: property \"compatible\" must name an update law: %s",
		       mho_props_name(fdt, node, path, sizeof(path)), text);
	return -EINVAL;
}

/* What no single property shows. */
static int check_together(const void *fdt, int node, struct mho_tech *tech,
			  struct mho_props_error *err)
{
	char path[128], text[256];

	mho_props_name(fdt, node, path, sizeof(path));
	if (tech->g_min_s >= tech->g_max_s) {
		mho_props_fail(err, fdt, node,
			       "%s: \"%s\" is %.0f, must be less than \"%s\", which is %.0f", path,
			       MHO_HW_TECH_CONDUCTANCE_MIN, tech->g_min_s * PICO,
			       MHO_HW_TECH_CONDUCTANCE_MAX, tech->g_max_s * PICO);
		return -EINVAL;
	}
	if (tech->adc_bits && tech->out_bound == 0) {
		mho_props_fail(
			err, fdt, node,
			"%s: \"%s\" is 0 (unbounded), but \"%s\" is %u: steps of an ADC need a "
			"full scale",
			path, MHO_HW_TECH_ADC_BOUND, MHO_HW_TECH_ADC_BITS, tech->adc_bits);
		return -EINVAL;
	}
	if (mho_tech_check(tech, text, sizeof(text)) < 0) {
		mho_props_fail(err, fdt, node, "%s: %s", path, text);
		return -EINVAL;
	}
	/* Cells that hydrogen has taken are worn out. */
	if (mho_tech_forms_hydrogen(tech) &&
	    (!tech->endurance || tech->endurance > tech->hydrogen_pulses))
		tech->endurance = tech->hydrogen_pulses;
	return 0;
}

int mho_topo_read_tech(const void *fdt, int node, struct mho_tech *tech,
		       struct mho_props_error *err)
{
	const char *name;
	int ret, len;

	mho_tech_init(tech);
	name = fdt_get_name(fdt, node, &len);
	if (!name || len < 1 || (size_t)len >= sizeof(tech->name)) {
		mho_props_fail(err, fdt, node,
			       "/technologies/%.40s: the name of a technology must have 1 to %zu "
			       "characters",
			       name ? name : "?", sizeof(tech->name) - 1);
		return -EINVAL;
	}
	memcpy(tech->name, name, (size_t)len + 1);
	mho_props_printable(tech->name);
	if (strcmp(tech->name, name) != 0) {
		mho_props_fail(err, fdt, node,
			       "/technologies/%s: the name of a technology must be printable ASCII",
			       name);
		return -EINVAL;
	}
	ret = read_law(fdt, node, tech, err);
	if (!ret)
		ret = mho_props_read(fdt, node, properties, ARRAY_SIZE(properties), tech, err);
	return ret ? ret : check_together(fdt, node, tech, err);
}
