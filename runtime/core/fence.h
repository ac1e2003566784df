/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Gates: descriptors that hold back what was submitted after them. A gate is an entry
 * of a queue's backlog.
 */
#ifndef MHO_CORE_FENCE_H
#define MHO_CORE_FENCE_H

#include "core/dev.h"

/* mho_job.op of a gate; no program's job has it. */
#define MRT_OP_GATE UINT32_MAX

/* mrt_gate_pass() - 0, and the gate is gone, if its descriptor is readable; or -EAGAIN */
int mrt_gate_pass(struct mho_job *gate);
void mrt_gate_free(struct mho_job *gate);

/* mrt_gate_wait() - as the backend's wait, while a gate is the first of the backlog. */
int mrt_gate_wait(struct mrt_queue *queue, uint64_t deadline);

#endif
