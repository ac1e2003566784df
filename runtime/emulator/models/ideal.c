// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Exact arithmetic: no pulses, no spread.
 */
#include "emulator/phys_model.h"
#include "mho_hw_topology.h"

const struct mho_model mho_model_ideal = {
	.law = MHO_HW_TECH_IDEAL,
	.form = MHO_FORM_NONE,
	.factor = mho_model_one,
	.steepest = mho_model_no_slope,
};
