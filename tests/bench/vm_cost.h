/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What jobs cost beside time: of the thread that hands them over, and of the whole guest,
 * which also has interrupts and the kernel's threads in it.
 */
#ifndef VM_COST_H
#define VM_COST_H

#include <stdbool.h>
#include <stdint.h>

/* All in ns, but instructions; a difference of two readings is the cost of what was between. */
struct cost {
	double wall;
	double user;
	double kernel;
	double guest; /* of all CPUs, idle time excluded */
	double instructions; /* of the thread, both sides */
};

/* cost_init() - once. Whether instructions can be counted here; else they are 0. */
bool cost_init(void);
void cost_read(struct cost *cost);
/* The cost of one job. */
struct cost cost_of(const struct cost *begin, const struct cost *end, unsigned int jobs);

#endif
