/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The whole device contract: include this, or the part that is needed.
 */
#ifndef MHO_HW_H
#define MHO_HW_H

#include "mho_hw_types.h"
#include "mho_hw_status.h"
#include "mho_hw_regs.h"
#include "mho_hw_queue.h"
#include "mho_hw_io.h"
#include "mho_hw_admin.h"
#include "mho_hw_image.h"
#include "mho_hw_topology.h"

#endif
