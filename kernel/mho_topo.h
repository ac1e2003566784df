/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the kernel reads of a topology.
 */
#ifndef MHO_TOPO_H
#define MHO_TOPO_H

#include <linux/types.h>

/**
 * struct mho_thermal - limits of a card
 * @warning_mc: it says so from here on, millidegree Celsius
 * @critical_mc: it stops here
 * @power_limit_mw: mean power that it may take, mW
 */
struct mho_thermal {
	s32 warning_mc;
	s32 critical_mc;
	u32 power_limit_mw;
};

void mho_topo_thermal(const void *blob, u32 size, struct mho_thermal *thermal);

#endif
