/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The inner loops of a tile's physics as a table of functions. kernels/ holds one
 * implementation that is compiled for each instruction set; all give the same
 * bits. Which one runs is chosen when a tile is made.
 */
#ifndef MHO_PHYS_KERNELS_H
#define MHO_PHYS_KERNELS_H

#include <stdint.h>

#include "emulator/phys.h"
#include "emulator/phys_model.h"

/**
 * struct mho_stream - where random numbers come from
 * @key: of seed and tile
 * @words: counter words 1 to 3: vector, operation, kind and attempt
 */
struct mho_stream {
	uint32_t key[2];
	uint32_t words[3];
};

/* Added to the kind of a pulse's stream: for numbers of ions, for what is shown, for
 * cells that are not meant. */
#define MHO_STREAM_IONS 16
#define MHO_STREAM_SHOWN 32
#define MHO_STREAM_DISTURB 64

/**
 * struct mho_curved - what the cells of a tile have in common, for laws that are no straight line
 * @a_up: EXP: A of the step up
 * @a_down: the same down
 * @gamma_up: gamma, binary digits instead of nepers
 * @gamma_down: the same down, negative
 * @scale: twice its a
 * @offset: its b
 * @up: PIECEWISE: step up
 * @down: step down
 */
struct mho_curved {
	float a_up;
	float a_down;
	float gamma_up;
	float gamma_down;
	float scale;
	float offset;
	const struct mho_curve *up;
	const struct mho_curve *down;
};

/**
 * struct mho_row - cells of one row, and how they answer to pulses
 * @w: weights
 * @shown: what pulsed cells show of them, if that is noisy; else NULL
 * @shown_noise: standard deviation of that
 * @wear: pulses so far
 * @up: step up, binary16, in units of @step
 * @down: step down
 * @max: upper bound, binary16
 * @min: lower bound
 * @extra: more numbers of each cell, binary16, as the form has them; NULL for none
 * @n: cells
 * @form: update law
 * @curved: for some forms
 * @one_by_one: pulses of a train one after the other, where a closed form is too coarse; at most
 *	255 at a cell in either case
 * @step: nominal step
 * @std: relative spread of a pulse
 * @noise: what it is relative to
 * @noise_add: EXP: added to the step for that
 * @noise_slope: EXP: the same, per |weight|
 * @quantum: weight of an ion, for PROTONS
 * @stream: noise
 * @base: first counter of word 0 for this row
 */
struct mho_row {
	float *w;
	float *shown;
	float shown_noise;
	uint32_t *wear;
	const uint16_t *up;
	const uint16_t *down;
	const uint16_t *max;
	const uint16_t *min;
	const uint16_t *extra[MHO_CELL_EXTRA];
	uint32_t n;
	enum mho_form form;
	const struct mho_curved *curved;
	bool one_by_one;
	float step;
	float std;
	enum mho_pulse_noise noise;
	float noise_add;
	float noise_slope;
	float quantum;
	struct mho_stream stream;
	uint32_t base;
};

/**
 * struct mho_trains - pulse trains of the lines of one vector
 * @bits: words x n train words, word by word
 * @negative: n words, all ones where the element is negative
 * @index: lines whose train has a one; only of trains of one word
 * @packed: the trains of these; of both, room for MHO_TRAINS_SPARE more than n
 * @active: how many
 * @slots: length
 * @ones: in all trains
 */
struct mho_trains {
	uint32_t *bits;
	uint32_t *negative;
	uint32_t *index;
	uint32_t *packed;
	uint32_t active;
	uint32_t slots;
	uint64_t ones;
};

#define MHO_TRAINS_SPARE 16

/**
 * struct mho_adc - how an output is read
 * @noise: standard deviation
 * @step: resolution, 0 for exact
 * @bound: full scale, 0 for unbounded
 * @gain: factor of each output, or NULL
 * @offset: added to each output, or NULL
 * @scale: the digital result is multiplied by it
 */
struct mho_adc {
	float noise;
	float step;
	float bound;
	const float *gain;
	const float *offset;
	float scale;
};

/**
 * struct mho_kernels - one instruction set's loops
 * @name: "generic", "avx2" or "avx512"
 * @gauss: @n Gaussians from counter @base on, 4 a counter
 * @random: @n random words, the same way
 * @max_abs: largest magnitude
 * @square_sum: sum of squares
 * @dac: out = clip(round(x * scale / step) * step, +-bound); step 0: no rounding
 * @adc: reads @n outputs in place; returns how many saturated
 * @trains: trains of @slots slots for probabilities min(1, scale * |x|)
 * @update_row: pulses where the trains of the row and the columns coincide, W -= d x^T; returns how
 *              many
 * @pulse_row: counts[i] pulses at cell i, its sign the direction; returns how many
 * @disturb_row: @up[i] pulses up and @down[i] down at cell i, of @share of a step each; no wear
 * @axpy: y = clip(y + a * x, min, max)
 */
struct mho_kernels {
	const char *name;
	void (*gauss)(float *out, uint32_t n, uint32_t base, const struct mho_stream *s);
	void (*random)(uint32_t *out, uint32_t n, uint32_t base, const struct mho_stream *s);
	float (*max_abs)(const float *x, uint32_t n);
	double (*square_sum)(const float *x, uint32_t n);
	void (*dac)(float *out, const float *x, uint32_t n, float scale, float step, float bound);
	uint32_t (*adc)(float *y, uint32_t n, const struct mho_adc *adc,
			const struct mho_stream *s);
	void (*trains)(struct mho_trains *t, const float *x, uint32_t n, float scale,
		       uint32_t slots, const struct mho_stream *s);
	uint64_t (*update_row)(const struct mho_row *row, const struct mho_trains *x,
			       const uint32_t *d_bits, uint32_t words, uint32_t d_negative);
	uint64_t (*pulse_row)(const struct mho_row *row, const int32_t *counts);
	void (*disturb_row)(const struct mho_row *row, const float *up, const float *down,
			    float share);
	void (*axpy)(float *y, const float *x, uint32_t n, float a, float min, float max);
};

extern const struct mho_kernels mho_kernels_generic;
#ifdef MHO_X86
extern const struct mho_kernels mho_kernels_avx2;
extern const struct mho_kernels mho_kernels_avx512;
#endif

/* mho_kernels_best() - the widest instruction set that this CPU has. */
const struct mho_kernels *mho_kernels_best(void);

/* mho_kernels_find() - by name; NULL if there is none of this name or the CPU lacks it. */
const struct mho_kernels *mho_kernels_find(const char *name);

#endif
