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

/* /tiles@N: a run of equal tiles; reg = <first count> */
#define MHO_HW_TOPO_TILES "tiles"
#define MHO_HW_TOPO_REG "reg"
#define MHO_HW_TOPO_ROWS "rows"
#define MHO_HW_TOPO_COLUMNS "columns"
#define MHO_HW_TOPO_TECHNOLOGY "technology" /* phandle */
#define MHO_HW_TOPO_STATUS "status" /* "okay", or "failed": out of service from the factory */

#endif
