/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * All ways into the driver side by side, and the bars that they are held against.
 */
#ifndef VM_WAYS_H
#define VM_WAYS_H

#include <stdbool.h>
#include <stdio.h>

/* vm_ways.c: each measures, and prints a table. */
void ways_measure(void);
void ways_print(void);
void ways_print_json(void);

/* vm_fair.c */
void fair_measure(void);
void fair_print(void);
void fair_print_json(void);

/*
 * vm_bars.c: what is printed as pass or miss. A value that is not a number could not be measured,
 * and is a miss.
 */
void bar_at_least(const char *id, const char *what, double value, double limit);
void bar_at_most(const char *id, const char *what, double value, double limit);
void bars_print(void);
void bars_print_json(void);
bool bars_passed(void);

#endif
