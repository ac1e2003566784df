/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A tile's equations once more, for tests: slow, pulse by pulse and slot by slot,
 * in binary64, with random numbers of its own. Shares nothing with the emulator
 * but the parameters in struct mho_tech.
 */
#ifndef MHO_TEST_PHYS_REFERENCE_H
#define MHO_TEST_PHYS_REFERENCE_H

#include <stdint.h>

#include "emulator/phys.h"

/* struct ref_random - xorshift64* and a spare Gaussian */
struct ref_random {
	uint64_t state;
	double spare;
	int has_spare;
};

void ref_seed(struct ref_random *r, uint64_t seed);
/* ref_uniform() - in (0, 1). */
double ref_uniform(struct ref_random *r);
double ref_normal(struct ref_random *r);

/* ref_pulse() - weight @w of a nominal cell (no spread between devices) after one more pulse. */
double ref_pulse(const struct mho_tech *tech, double w, int up, struct ref_random *r);

/**
 * ref_update() - W -= rate d x^T by stochastic trains, one slot and one pulse after the other
 * @tech: technology
 * @w: rows x cols weights of nominal cells
 * @rows: elements of @d
 * @cols: elements of @x
 * @x: inputs
 * @d: errors
 * @rate: learning rate
 * @length: longest train
 * @r: random numbers
 *
 * Return: pulses.
 */
uint64_t ref_update(const struct mho_tech *tech, double *w, int rows, int cols, const double *x,
		    const double *d, double rate, int length, struct ref_random *r);

#endif
