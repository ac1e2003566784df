// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * The one place where the code of the tracepoints is made.
 */
#define CREATE_TRACE_POINTS
#include "mho_trace.h"
