/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * One technology of a topology: what topo.c asks of topo_tech.c.
 */
#ifndef MHO_EMU_TOPO_TECH_H
#define MHO_EMU_TOPO_TECH_H

#include "emulator/phys.h"
#include "emulator/props.h"

/**
 * mho_topo_read_tech() - read a technology
 * @fdt: device tree that has passed mho_props_check()
 * @node: child of /technologies
 * @tech: filled
 * @err: filled on failure
 *
 * Return: 0 or -EINVAL.
 */
int mho_topo_read_tech(const void *fdt, int node, struct mho_tech *tech,
		       struct mho_props_error *err);

#endif
