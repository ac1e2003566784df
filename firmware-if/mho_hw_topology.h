/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Names and limits of the topology: the device tree that describes a card. The
 * meaning of each property, its unit and its default are in
 * bindings/mho,card-1.yaml; sources are in topologies/. All cells are 32-bit
 * big-endian as in any device tree; "-ppm" is millionths, signed.
 */
#ifndef MHO_HW_TOPOLOGY_H
#define MHO_HW_TOPOLOGY_H

#include "mho_hw_regs.h"

#define MHO_HW_TOPO_COMPATIBLE "mho,card-1"
#define MHO_HW_TOPO_SIZE_MAX (1U << 20)

/* Root */
#define MHO_HW_TOPO_MODEL "model"

/* /limits: what the card offers beside its tiles */
#define MHO_HW_TOPO_LIMITS "limits"
#define MHO_HW_TOPO_QUEUES "queues"
#define MHO_HW_TOPO_QUEUE_ORDER "queue-order"
#define MHO_HW_TOPO_CONTEXTS "contexts"
#define MHO_HW_TOPO_KEYS "memory-keys"
#define MHO_HW_TOPO_ARRAYS "arrays"
#define MHO_HW_TOPO_BATCH "batch"
#define MHO_HW_TOPO_WINDOW_SRAM "window-sram-bytes" /* each of input and output, per tile */

/* /thermal */
#define MHO_HW_TOPO_THERMAL "thermal"
#define MHO_HW_TOPO_AMBIENT "ambient-millicelsius"
#define MHO_HW_TOPO_WARN "warning-millicelsius"
#define MHO_HW_TOPO_TRIP "critical-millicelsius"
#define MHO_HW_TOPO_RESISTANCE "resistance-millicelsius-per-watt"
#define MHO_HW_TOPO_POWER_LIMIT "power-limit-milliwatt"

/* /technologies/<name>: one kind of cell with its periphery */
#define MHO_HW_TOPO_TECHNOLOGIES "technologies"
#define MHO_HW_TOPO_TECHNOLOGIES_MAX 64
/* compatible of a technology: its update law */
#define MHO_HW_TECH_IDEAL "mho,ideal"
#define MHO_HW_TECH_CONSTANT_STEP "mho,constant-step"
#define MHO_HW_TECH_LINEAR_STEP "mho,linear-step"
#define MHO_HW_TECH_SOFT_BOUNDS "mho,soft-bounds"
#define MHO_HW_TECH_SOFT_BOUNDS_REFERENCE "mho,soft-bounds-reference"
#define MHO_HW_TECH_EXP_STEP "mho,exp-step"
#define MHO_HW_TECH_POW_STEP "mho,pow-step"
#define MHO_HW_TECH_POW_STEP_REFERENCE "mho,pow-step-reference"
#define MHO_HW_TECH_PIECEWISE_STEP "mho,piecewise-step"

/*
 * Properties of a technology. "on" and "off" are strings; durations and counts of pulses take
 * one cell or, for large values, two.
 */
/* Cell, in units of weight: 1 is half the conductance range */
#define MHO_HW_TECH_STEP "step-ppm" /* of one pulse, under the reference conditions */
#define MHO_HW_TECH_STEP_SPREAD "step-device-spread-ppm"
#define MHO_HW_TECH_STEP_NOISE "step-pulse-spread-ppm"
#define MHO_HW_TECH_WEIGHT_MIN "weight-min-ppm"
#define MHO_HW_TECH_WEIGHT_MAX "weight-max-ppm"
#define MHO_HW_TECH_WEIGHT_MIN_SPREAD "weight-min-device-spread-ppm"
#define MHO_HW_TECH_WEIGHT_MAX_SPREAD "weight-max-device-spread-ppm"
#define MHO_HW_TECH_UP_DOWN "up-down-ppm"
#define MHO_HW_TECH_UP_DOWN_SPREAD "up-down-device-spread-ppm"
#define MHO_HW_TECH_SLOPE_UP "slope-up-ppm"
#define MHO_HW_TECH_SLOPE_DOWN "slope-down-ppm"
#define MHO_HW_TECH_SLOPE_SPREAD "slope-device-spread-ppm"
#define MHO_HW_TECH_ENDURANCE "endurance-pulses"
#define MHO_HW_TECH_STEP_LOG_NORMAL "step-device-spread-log-normal" /* "on", "off" */
#define MHO_HW_TECH_PULSE_NOISE "pulse-noise" /* "multiplicative", "additive", "protons" */
#define MHO_HW_TECH_PULSE_NOISE_ADD "pulse-noise-add-ppm"
#define MHO_HW_TECH_PULSE_NOISE_SLOPE "pulse-noise-slope-ppm"
#define MHO_HW_TECH_WRITE_NOISE "write-noise-ppm" /* of a step */
#define MHO_HW_TECH_CORRUPT "corrupt-cells-ppm"
#define MHO_HW_TECH_CORRUPT_RANGE "corrupt-range-ppm"
#define MHO_HW_TECH_STUCK_MIN "stuck-min-cells-ppm"
#define MHO_HW_TECH_STUCK_MAX "stuck-max-cells-ppm"
#define MHO_HW_TECH_LIFETIME "lifetime-nanoseconds"
#define MHO_HW_TECH_DECAY_TO "decay-weight-ppm"
#define MHO_HW_TECH_DIFFUSION "diffusion-ppm" /* after a second */
#define MHO_HW_TECH_DRIFT "drift-exponent-ppm"
#define MHO_HW_TECH_DRIFT_SPREAD "drift-exponent-spread-ppm"
#define MHO_HW_TECH_DRIFT_START "drift-start-nanoseconds"
#define MHO_HW_TECH_DRIFT_COMPENSATION "drift-compensation" /* "on", "off" */
/* Of one law or two each: linear-step, *-reference, exp-step, pow-step, piecewise-step */
#define MHO_HW_TECH_SLOPE_OWN_BOUNDS "slope-own-bounds" /* "on", "off" */
#define MHO_HW_TECH_SLOPE_ANY_SIGN "slope-any-sign" /* "on", "off" */
#define MHO_HW_TECH_REFERENCE "reference-weight-ppm"
#define MHO_HW_TECH_REFERENCE_SPREAD "reference-weight-spread-ppm"
#define MHO_HW_TECH_REFERENCE_SYMMETRIC "reference-symmetry-point" /* "on", "off" */
#define MHO_HW_TECH_EXP_A_UP "exp-amplitude-up-ppm"
#define MHO_HW_TECH_EXP_A_DOWN "exp-amplitude-down-ppm"
#define MHO_HW_TECH_EXP_GAMMA_UP "exp-gamma-up-ppm"
#define MHO_HW_TECH_EXP_GAMMA_DOWN "exp-gamma-down-ppm"
#define MHO_HW_TECH_EXP_SCALE "exp-scale-ppm"
#define MHO_HW_TECH_EXP_OFFSET "exp-offset-ppm"
#define MHO_HW_TECH_POWER_UP "power-up-ppm"
#define MHO_HW_TECH_POWER_DOWN "power-down-ppm"
#define MHO_HW_TECH_POWER_SPREAD "power-device-spread-ppm"
#define MHO_HW_TECH_CURVE_UP "curve-up-ppm" /* list: from the lower bound to the upper one */
#define MHO_HW_TECH_CURVE_DOWN "curve-down-ppm"
/* Write pulse and its law */
#define MHO_HW_TECH_PULSE_VOLTAGE "pulse-microvolt"
#define MHO_HW_TECH_PULSE_WIDTH "pulse-picoseconds"
#define MHO_HW_TECH_FIELD_DRIVEN "field-driven" /* "on", "off" */
#define MHO_HW_TECH_ELECTROLYTE "electrolyte-picometre"
#define MHO_HW_TECH_HOP "hop-picometre"
#define MHO_HW_TECH_TEMPERATURE "temperature-millikelvin"
#define MHO_HW_TECH_WIDTH_EXPONENT "width-exponent-ppm"
#define MHO_HW_TECH_ACTIVATION "activation-microelectronvolt"
#define MHO_HW_TECH_HALF_SELECT "half-select" /* "none", "v/2", "v/3" */
#define MHO_HW_TECH_HYDROGEN_VOLTAGE "hydrogen-microvolt"
#define MHO_HW_TECH_HYDROGEN_WIDTH "hydrogen-picoseconds"
#define MHO_HW_TECH_HYDROGEN_PULSES "hydrogen-pulses"
#define MHO_HW_TECH_REF_VOLTAGE "reference-microvolt"
#define MHO_HW_TECH_REF_WIDTH "reference-picoseconds"
#define MHO_HW_TECH_REF_ELECTROLYTE "reference-electrolyte-picometre"
#define MHO_HW_TECH_REF_TEMPERATURE "reference-temperature-millikelvin"
/* Conductance and energy */
#define MHO_HW_TECH_CONDUCTANCE_MIN "conductance-min-picosiemens"
#define MHO_HW_TECH_CONDUCTANCE_MAX "conductance-max-picosiemens"
#define MHO_HW_TECH_GATE "gate-attofarad"
#define MHO_HW_TECH_ION "ion-attojoule"
#define MHO_HW_TECH_READ_VOLTAGE "read-microvolt"
#define MHO_HW_TECH_READ_TIME "read-picoseconds"
/* Converters and read-out */
#define MHO_HW_TECH_DAC_BOUND "dac-full-scale-ppm"
#define MHO_HW_TECH_DAC_BITS "dac-bits"
#define MHO_HW_TECH_ADC_BOUND "adc-full-scale-ppm"
#define MHO_HW_TECH_ADC_BITS "adc-bits"
#define MHO_HW_TECH_ADC_GAIN_SPREAD "adc-gain-spread-ppm"
#define MHO_HW_TECH_ADC_OFFSET_SPREAD "adc-offset-spread-ppm"
#define MHO_HW_TECH_OUTPUT_NOISE "output-noise-ppm"
#define MHO_HW_TECH_THERMAL_NOISE "thermal-noise" /* "on", "off" */
/* "none", "abs-max", "constant", "max", "abs-max-np-sum" */
#define MHO_HW_TECH_NOISE_MANAGEMENT "noise-management"
#define MHO_HW_TECH_NOISE_SCALE "noise-management-ppm" /* for "constant" */
#define MHO_HW_TECH_NOISE_CAP "noise-management-cap-ppm"
/* "none", "iterative", "iterative-worst-case" */
#define MHO_HW_TECH_BOUND_MANAGEMENT "bound-management"
#define MHO_HW_TECH_BOUND_FACTOR "bound-management-factor-ppm"
#define MHO_HW_TECH_DAC_STOCHASTIC "dac-stochastic-rounding" /* "on", "off" */
#define MHO_HW_TECH_ADC_STOCHASTIC "adc-stochastic-rounding" /* "on", "off" */
/* Lines and their drivers */
#define MHO_HW_TECH_INPUT_NOISE "input-noise-ppm"
#define MHO_HW_TECH_INPUT_ASYMMETRY "input-asymmetry-ppm"
#define MHO_HW_TECH_OUTPUT_ASYMMETRY "output-asymmetry-ppm"
#define MHO_HW_TECH_WEIGHT_NOISE "weight-noise-ppm"
#define MHO_HW_TECH_WEIGHT_NOISE_KIND "weight-noise" /* "constant", "pcm" */
#define MHO_HW_TECH_IR_DROP "ir-drop-ppm"
#define MHO_HW_TECH_OFFSET_SPREAD "voltage-offset-spread-ppm"
#define MHO_HW_TECH_SERIES "series-resistance-ppm"
#define MHO_HW_TECH_COMPRESSION "output-compression-ppm"
#define MHO_HW_TECH_COMPRESSION_SPREAD "output-compression-spread-ppm"
/* Writing; these three also in the firmware's pulse table (mho_hw_image.h) */
#define MHO_HW_TECH_TRAIN_LENGTH "train-length"
#define MHO_HW_TECH_VERIFY_ITERATIONS "verify-iterations"
#define MHO_HW_TECH_VERIFY_TOLERANCE "verify-tolerance-ppm"
/* "stochastic-compressed", "stochastic", "mean-count", "deterministic-implicit", "none" */
#define MHO_HW_TECH_PULSE_TYPE "pulse-type"
#define MHO_HW_TECH_IMPLICIT_RESOLUTION "implicit-resolution-ppm"
#define MHO_HW_TECH_UPDATE_SCALE "update-management-scale-ppm"
#define MHO_HW_TECH_UPDATE_MANAGEMENT "update-management" /* "on", "off" */
#define MHO_HW_TECH_TRAIN_SHORTENING "train-shortening" /* "on", "off" */

/* /tiles@N: a run of equal tiles; reg = <first count> */
#define MHO_HW_TOPO_TILES "tiles"
#define MHO_HW_TOPO_REG "reg"
#define MHO_HW_TOPO_ROWS "rows"
#define MHO_HW_TOPO_COLUMNS "columns"
#define MHO_HW_TOPO_TECHNOLOGY "technology" /* phandle */
#define MHO_HW_TOPO_STATUS "status" /* "okay", or "failed": out of service from the factory */

#endif
