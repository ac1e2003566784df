// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Parameters of a technology: defaults, limits, and what follows from them
 * (pulse step by the field-driven law, conductance). Cells are in phys_tile.c.
 */
#include "emulator/phys_model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BOLTZMANN_EV 8.617333262e-5 /* eV/K */
#define ELEMENTARY_CHARGE 1.602176634e-19 /* C */

/*
 * Defaults of the RPU baseline device and its periphery (Gokmen and Vlasov 2016, and the values in
 * common use since). Times, voltages and energies are those of protonic-ns (Onen 2022) where
 * the device model itself does not say.
 */
void mho_tech_init(struct mho_tech *tech)
{
	*tech = (struct mho_tech){
		.model = MHO_MODEL_CONSTANT_STEP,
		.dw_min = 0.001f,
		.dw_min_dtod = 0.3f,
		.dw_min_std = 0.3f,
		.w_min = -0.6f,
		.w_max = 0.6f,
		.w_min_dtod = 0.3f,
		.w_max_dtod = 0.3f,
		.up_down = 0,
		.up_down_dtod = 0.01f,
		.gamma_up = 0,
		.gamma_down = 0,
		.gamma_dtod = 0.05f,
		.pulse_noise = MHO_PULSE_MULTIPLICATIVE,
		.exp_a_up = 0.00081f,
		.exp_a_down = 0.36833f,
		.exp_gamma_up = 12.44625f,
		.exp_gamma_down = 12.78785f,
		.exp_scale = 0.244f,
		.exp_offset = 0.2425f,
		.pow_up = 1,
		.pow_down = 1,
		.pow_dtod = 0.1f,
		.write_noise = 0,
		.corrupt = 0,
		.corrupt_range = 1,
		.stuck_min = 0,
		.stuck_max = 0,
		.lifetime_s = 0,
		.decay_to = 0,
		.diffusion = 0,
		.drift_nu = 0,
		.drift_nu_dtod = 0,
		.drift_t0_s = 20,
		.drift_compensation = false,
		.endurance = 0,
		.field_driven = false,
		.pulse_v = 10,
		.pulse_s = 5e-9,
		.thickness_m = 10e-9,
		.hop_m = 0.5e-9,
		.temperature_k = 300,
		.beta = 0.5,
		.activation_ev = 0.4,
		.half_select = MHO_HALF_SELECT_NONE,
		.hydrogen_v = 0,
		.hydrogen_s = 1e-6,
		.hydrogen_pulses = 1000,
		.ref_v = 10,
		.ref_s = 5e-9,
		.ref_thickness_m = 10e-9,
		.ref_temperature_k = 300,
		.g_min_s = 10e-9,
		.g_max_s = 200e-9,
		.gate_f = 25e-18,
		.ion_j = 15e-18,
		.read_v = 0.2,
		.read_s = 80e-9,
		.inp_bound = 1,
		.dac_bits = 7,
		.out_bound = 12,
		.adc_bits = 9,
		.out_noise = 0.06f,
		.thermal_noise = false,
		.noise_management = MHO_NM_ABS_MAX,
		.nm_constant = 1,
		.bound_management = MHO_BM_ITERATIVE,
		.bm_max_factor = 16,
		.adc_gain_std = 0,
		.adc_offset_std = 0,
		.train_length = 31,
		.pulse_type = MHO_PULSES_STOCHASTIC_COMPRESSED,
		.implicit_resolution = 0,
		.um_scale = 1,
		.update_management = true,
		.update_bl_management = true,
		.verify_iterations = 100,
		.verify_tolerance = 0.01f,
	};
}

struct limit {
	const char *name;
	double value;
	double min;
	double max;
};

static int check_limits(const struct limit *limits, size_t n, char *err, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		const struct limit *l = &limits[i];

		/* Written so that a NaN is refused, too. */
		if (l->value >= l->min && l->value <= l->max)
			continue;
		if (err)
			snprintf(err, len, "%s is %g; it must be between %g and %g", l->name,
				 l->value, l->min, l->max);
		return -EINVAL;
	}
	return 0;
}

static int refuse(char *err, size_t len, const char *text)
{
	if (err)
		snprintf(err, len, "%s", text);
	return -EINVAL;
}

static int check_curve(const struct mho_curve *c, const char *name, char *err, size_t len)
{
	bool moves = false;

	if (c->points < 2 || c->points > MHO_CURVE_MAX) {
		if (err)
			snprintf(err, len,
				 "the curve of steps %s has %u points; it must have 2 to %u", name,
				 c->points, MHO_CURVE_MAX);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < c->points; i++) {
		const struct limit l = { name, c->step[i], 0, 100 };

		moves |= c->step[i] > 0;
		if (check_limits(&l, 1, err, len))
			return -EINVAL;
	}
	return moves ? 0 : refuse(err, len, "a curve of steps is 0 everywhere");
}

/* What one law or kind of noise alone asks for. */
static int check_law(const struct mho_tech *t, char *err, size_t len)
{
	if (t->model == MHO_MODEL_PIECEWISE_STEP && (check_curve(&t->curve_up, "up", err, len) ||
						     check_curve(&t->curve_down, "down", err, len)))
		return -EINVAL;
	if (t->corrupt + t->stuck_min + t->stuck_max > 1)
		return refuse(err, len, "corrupt and stuck cells together are more than all");
	if ((unsigned int)t->pulse_type > MHO_PULSES_NONE)
		return refuse(err, len, "the pulse type is none of enum mho_pulse_type");
	if (t->half_select && t->pulse_type > MHO_PULSES_STOCHASTIC)
		return refuse(err, len,
			      "half-select needs the slots of stochastic pulses: pulse-type");
	if ((unsigned int)t->half_select > MHO_HALF_SELECT_V3)
		return refuse(err, len, "the half-select scheme is none of enum mho_half_select");
	if (t->half_select && !t->field_driven)
		return refuse(
			err, len,
			"what a part of the voltage does is known for field-driven cells only: "
			"half-select needs field-driven");
	if ((unsigned int)t->pulse_noise > MHO_PULSE_PROTONS)
		return refuse(err, len, "the pulse noise is none of enum mho_pulse_noise");
	if (t->pulse_noise == MHO_PULSE_PROTONS && !(mho_tech_ions(t) >= 0.1))
		return refuse(err, len,
			      "ions can be counted only where a pulse moves at least 0.1 of them: "
			      "the ion transfer energy is too small");
	if (!(mho_tech_granularity(t) > 0))
		return refuse(err, len, "a pulse does not move a cell of weight 0");
	return 0;
}

int mho_tech_check(const struct mho_tech *t, char *err, size_t len)
{
	const struct limit limits[] = {
		{ "step (dw_min)", t->dw_min, 1e-6, 1 },
		{ "spread of the step (dw_min_dtod)", t->dw_min_dtod, 0, 1 },
		{ "spread from pulse to pulse (dw_min_std)", t->dw_min_std, 0, 10 },
		{ "lower bound (w_min)", t->w_min, -100, -1e-3 },
		{ "upper bound (w_max)", t->w_max, 1e-3, 100 },
		{ "spread of the lower bound (w_min_dtod)", t->w_min_dtod, 0, 1 },
		{ "spread of the upper bound (w_max_dtod)", t->w_max_dtod, 0, 1 },
		{ "asymmetry (up_down)", t->up_down, -0.9, 0.9 },
		{ "spread of the asymmetry (up_down_dtod)", t->up_down_dtod, 0, 1 },
		{ "slope up (gamma_up)", t->gamma_up, 0, 1 },
		{ "slope down (gamma_down)", t->gamma_down, 0, 1 },
		{ "spread of the slopes (gamma_dtod)", t->gamma_dtod, 0, 1 },
		{ "noise beside the step (noise_add)", t->noise_add, 0, 1 },
		{ "noise with the weight (noise_slope)", t->noise_slope, 0, 1 },
		{ "weight of the reference (reference)", t->reference, -100, 100 },
		{ "spread of the reference (reference_std)", t->reference_std, 0, 100 },
		{ "amplitude up (exp_a_up)", t->exp_a_up, -10, 10 },
		{ "amplitude down (exp_a_down)", t->exp_a_down, -10, 10 },
		{ "gamma up (exp_gamma_up)", t->exp_gamma_up, 0, 100 },
		{ "gamma down (exp_gamma_down)", t->exp_gamma_down, 0, 100 },
		{ "scale of the exponent (exp_scale)", t->exp_scale, 0, 10 },
		{ "offset of the exponent (exp_offset)", t->exp_offset, -1, 1 },
		{ "power up (pow_up)", t->pow_up, 0, 10 },
		{ "power down (pow_down)", t->pow_down, 0, 10 },
		{ "spread of the powers (pow_dtod)", t->pow_dtod, 0, 1 },
		{ "write noise (write_noise)", t->write_noise, 0, 1000 },
		{ "share of corrupt cells (corrupt)", t->corrupt, 0, 1 },
		{ "range of corrupt cells (corrupt_range)", t->corrupt_range, 0, 100 },
		{ "share of cells stuck at the lower bound (stuck_min)", t->stuck_min, 0, 1 },
		{ "share of cells stuck at the upper bound (stuck_max)", t->stuck_max, 0, 1 },
		{ "lifetime, s", t->lifetime_s, 0, 1e12 },
		{ "weight that decay leads to (decay_to)", t->decay_to, -100, 100 },
		{ "diffusion (diffusion)", t->diffusion, 0, 1e3 },
		{ "exponent of drift (drift_nu)", t->drift_nu, 0, 1 },
		{ "spread of the exponent of drift (drift_nu_dtod)", t->drift_nu_dtod, 0, 1 },
		{ "start of drift, s", t->drift_t0_s, 1e-9, 1e6 },
		{ "pulse voltage, V", t->pulse_v, 1e-3, 100 },
		{ "pulse width, s", t->pulse_s, 1e-12, 1 },
		{ "electrolyte thickness, m", t->thickness_m, 1e-10, 1e-4 },
		{ "hop distance, m", t->hop_m, 1e-11, 1e-8 },
		{ "temperature, K", t->temperature_k, 200, 500 },
		{ "exponent of the pulse width (beta)", t->beta, 0.01, 2 },
		{ "activation energy, eV", t->activation_ev, 0, 5 },
		{ "voltage from which on hydrogen forms, V", t->hydrogen_v, 0, 100 },
		{ "width above which hydrogen forms, s", t->hydrogen_s, 0, 1 },
		{ "reference voltage, V", t->ref_v, 1e-3, 100 },
		{ "reference width, s", t->ref_s, 1e-12, 1 },
		{ "reference thickness, m", t->ref_thickness_m, 1e-10, 1e-4 },
		{ "reference temperature, K", t->ref_temperature_k, 200, 500 },
		{ "smallest conductance, S", t->g_min_s, 0, 1 },
		{ "largest conductance, S", t->g_max_s, 1e-15, 1 },
		{ "gate capacitance, F", t->gate_f, 0, 1e-9 },
		{ "ion transfer energy, J", t->ion_j, 0, 1e-3 },
		{ "read voltage, V", t->read_v, 1e-6, 10 },
		{ "read time, s", t->read_s, 1e-12, 1 },
		{ "bound of the inputs", t->inp_bound, 1e-3, 1e6 },
		{ "bits of the DAC", t->dac_bits, 0, 20 },
		{ "bound of the outputs", t->out_bound, 0, 1e6 },
		{ "bits of the ADC", t->adc_bits, 0, 20 },
		{ "output noise", t->out_noise, 0, 1e3 },
		{ "constant of noise management", t->nm_constant, 1e-6, 1e6 },
		{ "cap of noise management", t->nm_cap, 0, 1e6 },
		{ "factor of bound management", t->bm_max_factor, 1, 65536 },
		{ "input noise", t->inp_noise, 0, 1e3 },
		{ "asymmetry of the inputs", t->inp_asymmetry, -1, 1 },
		{ "asymmetry of the outputs", t->out_asymmetry, -1, 1 },
		{ "weight noise", t->w_noise, 0, 1e3 },
		{ "voltage drop along lines", t->ir_drop, 0, 1e3 },
		{ "spread of voltage offsets", t->v_offset_std, 0, 1 },
		{ "series resistance", t->series, 0, 1e3 },
		{ "compression of the outputs", t->bend, 0, 1e3 },
		{ "spread of the compression", t->bend_std, 0, 1 },
		{ "spread of the ADC's gain", t->adc_gain_std, 0, 0.2 },
		{ "spread of the ADC's offset", t->adc_offset_std, 0, 0.2 },
		{ "resolution of probabilities (implicit_resolution)", t->implicit_resolution, 0,
		  1 },
		{ "factor of update management (um_scale)", t->um_scale, 1e-3, 1e3 },
		{ "slots of a train", t->train_length, 1, 255 },
		{ "iterations of write and verify", t->verify_iterations, 1, 10000 },
		{ "tolerance of write and verify", t->verify_tolerance, 1e-6, 1 },
	};
	double step;
	int err_code = check_limits(limits, sizeof(limits) / sizeof(limits[0]), err, len);

	if (err_code)
		return err_code;
	if (!mho_model_of(t->model))
		return refuse(err, len, "the update law (model) is none of enum mho_device_model");
	err_code = check_law(t, err, len);
	if (err_code)
		return err_code;
	if ((unsigned int)t->noise_management > MHO_NM_ABS_MAX_NP_SUM)
		return refuse(err, len,
			      "the noise management is none of enum mho_noise_management");
	if ((unsigned int)t->bound_management > MHO_BM_WORST_CASE)
		return refuse(err, len,
			      "the bound management is none of enum mho_bound_management");
	if ((unsigned int)t->w_noise_kind > MHO_WEIGHT_NOISE_PCM)
		return refuse(err, len, "the weight noise is none of enum mho_weight_noise");
	if (t->g_max_s <= t->g_min_s)
		return refuse(err, len, "the largest conductance must exceed the smallest");
	if (t->adc_bits && !(t->out_bound > 0))
		return refuse(err, len, "an ADC with a resolution needs a bound above 0");
	if (t->dac_bits == 1 || t->adc_bits == 1)
		return refuse(err, len, "converters have 0 (exact) or at least 2 bits");
	step = mho_tech_step(t);
	if (!(step >= 1e-7 && step <= 1)) {
		if (err)
			snprintf(
				err, len,
				"pulses of %g V and %g s through %g m give a weight step of %g; it "
				"must be between 1e-7 and 1",
				t->pulse_v, t->pulse_s, t->thickness_m, step);
		return -EINVAL;
	}
	return 0;
}

/* ln sinh(x), for x that would overflow sinh(). */
static double log_sinh(double x)
{
	return x > 20 ? x - M_LN2 : log(sinh(x));
}

/* V / V0 with V0 = 2 (kT/q) d / a. */
static double reduced_voltage(double v, double t_k, double d, double a)
{
	return v * a / (2 * BOLTZMANN_EV * t_k * d);
}

double mho_tech_step(const struct mho_tech *t)
{
	double field, time, prefactor;

	if (!t->field_driven)
		return t->dw_min;
	field = log_sinh(reduced_voltage(t->pulse_v, t->temperature_k, t->thickness_m, t->hop_m)) -
		log_sinh(reduced_voltage(t->ref_v, t->ref_temperature_k, t->ref_thickness_m,
					 t->hop_m));
	time = t->beta * log(t->pulse_s / t->ref_s);
	prefactor =
		t->activation_ev / BOLTZMANN_EV * (1 / t->ref_temperature_k - 1 / t->temperature_k);
	return t->dw_min * exp(field + time + prefactor);
}

double mho_tech_disturb(const struct mho_tech *t)
{
	double full = reduced_voltage(t->pulse_v, t->temperature_k, t->thickness_m, t->hop_m);
	double part = t->half_select == MHO_HALF_SELECT_V3 ? full / 3 : full / 2;

	return t->half_select ? exp(log_sinh(part) - log_sinh(full)) : 0;
}

bool mho_tech_forms_hydrogen(const struct mho_tech *t)
{
	return t->hydrogen_v > 0 && t->pulse_v >= t->hydrogen_v && t->pulse_s > t->hydrogen_s;
}

double mho_tech_granularity(const struct mho_tech *t)
{
	const struct mho_model *m = mho_model_of(t->model);

	return (float)mho_tech_step(t) * ((m->factor(t, 0, true) + m->factor(t, 0, false)) / 2);
}

double mho_tech_ions(const struct mho_tech *t)
{
	return t->ion_j / t->ref_v / ELEMENTARY_CHARGE;
}

double mho_tech_conductance(const struct mho_tech *t, double w)
{
	return (t->g_max_s + t->g_min_s) / 2 + w * (t->g_max_s - t->g_min_s) / 2;
}
