/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The firmware image: a FIT (flattened image tree, as U-Boot's) with three
 * images, each with a SHA-256: the code, the calibration table, the pulse table.
 * The tables are device trees themselves. Names and limits only; sources of the
 * default image are in firmware/.
 *
 *	/ {
 *		description, timestamp, #address-cells = <1>;
 *		mho,version = <major minor patch>;
 *		mho,interface = <MHO_HW_VERSION>;
 *		images {
 *			code { type = "firmware"; compatible; data; hash-1 { algo, value }; };
 *			calibration { type = "flat_dt"; ... }; pulses { type = "flat_dt"; ... };
 *		};
 *		configurations { default = "conf-1"; conf-1 { compatible; firmware = "code";
 *				 loadables = "calibration", "pulses"; }; };
 *	};
 *
 * An interface with another major version, or a newer minor one than the device's, is
 * FW_INCOMPATIBLE; an older one that the device no longer accepts is FW_TOO_OLD.
 *
 * Data is embedded ("data"), not external. A configuration whose compatible
 * holds MHO_HW_FW_COMPATIBLE must exist.
 */
#ifndef MHO_HW_IMAGE_H
#define MHO_HW_IMAGE_H

#include "mho_hw_types.h"

#define MHO_HW_FW_COMPATIBLE "mho,card-1"
#define MHO_HW_FW_FILE "mho/mho-1.itb" /* below the firmware search path */

#define MHO_HW_FW_PROP_VERSION "mho,version"
#define MHO_HW_FW_PROP_INTERFACE "mho,interface"
#define MHO_HW_FW_IMAGE_CODE "code"
#define MHO_HW_FW_IMAGE_CALIBRATION "calibration"
#define MHO_HW_FW_IMAGE_PULSES "pulses"

/* Root compatibles of the two tables. */
#define MHO_HW_CALIBRATION_COMPATIBLE "mho,calibration-1"
#define MHO_HW_PULSES_COMPATIBLE "mho,pulses-1"

/*
 * Calibration table: factory trim of the converters. Child nodes default { } and, optionally,
 * tile@N { reg = <N>; }, each with:
 */
#define MHO_HW_CAL_ADC_GAIN "adc-gain-ppm" /* signed: deviation from 1 to correct for */
#define MHO_HW_CAL_ADC_OFFSET "adc-offset-ppm" /* signed: of the ADC's full scale */
#define MHO_HW_CAL_TRIM_MAX_PPM 200000

/*
 * Pulse table: write parameters of each technology. Child nodes are named as the technology in
 * the topology; a property that is there replaces the topology's default:
 */
#define MHO_HW_PULSE_TRAIN_LENGTH "train-length" /* slots, 1 to MHO_HW_BL_MAX */
#define MHO_HW_PULSE_VERIFY_ITERATIONS "verify-iterations" /* 1 to MHO_HW_PROGRAM_ITERATIONS_MAX */
#define MHO_HW_PULSE_VERIFY_TOLERANCE "verify-tolerance-ppm" /* of weight 1 */

#endif
