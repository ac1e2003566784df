// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Every pulse moves the weight by the same step (Gokmen and Vlasov 2016).
 */
#include "emulator/phys_model.h"
#include "mho_hw_topology.h"

const struct mho_model mho_model_constant_step = {
	.law = MHO_HW_TECH_CONSTANT_STEP,
	.form = MHO_FORM_CONSTANT,
	.factor = mho_model_one,
	.steepest = mho_model_no_slope,
};
