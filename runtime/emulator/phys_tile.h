/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The inside of a tile, shared by phys_*.c. What others may use is in phys.h.
 */
#ifndef MHO_PHYS_TILE_H
#define MHO_PHYS_TILE_H

#include <stdatomic.h>

#include "emulator/phys_kernels.h"
#include "mho_hw_regs.h"

/**
 * struct mho_tile - cells and periphery
 * @tech: technology
 * @kernels: inner loops
 * @rows: rows
 * @cols: columns
 * @key: of all its random numbers
 * @ops: number of the next operation
 * @model: update law
 * @step: nominal weight step of a pulse
 * @granularity: of a cell at weight 0
 * @quantum: weight that an ion carries
 * @closed_form: pulses at one cell up to which the closed form of kernels/ is exact to 1e-3 of a
 *               step
 * @w: weights as they are read, row by row
 * @held: weights as they are pulsed, where write noise makes that differ; else NULL
 * @wear: pulses of each cell
 * @up: step up of each cell, binary16, in units of @step
 * @down: step down
 * @max: upper bound, binary16
 * @min: lower bound
 * @extra: more numbers of each cell, as the law has them; NULL where it has none
 * @curved: what the cells have in common, for laws that are no straight line
 * @disturb: step of a cell that is not meant, of that of one that is; 0: it does not move
 * @breaks_at: pulses after which a cell is stuck; 0: never
 * @ages: time changes the cells
 * @rested_ns: time that they have not felt yet
 * @clock_ns: time that they have
 * @written_s: drift: when each cell was last pulsed; NULL without drift
 * @written_wear: its wear when that was noticed
 * @drift_nu: its exponent
 * @magnitude: mean |weight| after PROGRAM, for the compensation of drift
 * @compensation: factor of all results
 * @trimmed: some row's gain or offset is not 1 and 0
 * @gain: true gain of each row's ADC times its correction
 * @offset: true offset times its correction, output units
 * @gain_error: gain error that the ADC was made with
 * @offset_error: offset error, output units
 * @gain_trim: correction that was measured
 * @offset_trim: the same
 * @factory_gain: correction from the firmware's table
 * @factory_offset: the same, output units
 * @line: what lines and drivers do, NULL for nothing
 */
struct mho_tile {
	struct mho_tech tech;
	const struct mho_kernels *kernels;
	uint32_t rows;
	uint32_t cols;
	uint32_t key[2];
	uint64_t ops;
	const struct mho_model *model;
	float step;
	double granularity;
	float quantum;
	uint32_t closed_form;
	float *w;
	float *held;
	uint32_t *wear;
	uint16_t *up;
	uint16_t *down;
	uint16_t *max;
	uint16_t *min;
	uint16_t *extra[MHO_CELL_EXTRA];
	struct mho_curved curved;
	float disturb;
	uint64_t breaks_at;
	bool ages;
	_Atomic uint64_t rested_ns;
	uint64_t clock_ns;
	double *written_s;
	uint32_t *written_wear;
	float *drift_nu;
	double magnitude;
	double compensation;
	bool trimmed;
	float *gain;
	float *offset;
	float *gain_error;
	float *offset_error;
	float *gain_trim;
	float *offset_trim;
	float factory_gain;
	float factory_offset;
	struct mho_line *line;
};

/* What random numbers are for: no two uses share a stream. From MHO_STREAM_IONS on: the kernels'. */
enum mho_noise_kind {
	MHO_NOISE_POPULATE,
	MHO_NOISE_CONVERTER,
	MHO_NOISE_OUTPUT,
	MHO_NOISE_X_TRAIN,
	MHO_NOISE_D_TRAIN,
	MHO_NOISE_PULSE,
	MHO_NOISE_READ,
	MHO_NOISE_CALIBRATE,
	MHO_NOISE_AGE,
	MHO_NOISE_PERIPHERY,
	MHO_NOISE_INPUT,
	MHO_NOISE_WEIGHT,
	MHO_NOISE_DAC_ROUNDING,
	MHO_NOISE_ADC_ROUNDING,
};

/*
 * mho_tile_stream() - random numbers of one use
 * @tile: tile
 * @kind: what for
 * @op: operation; its low 40 bits count
 * @vector: vector of the batch, or row
 * @attempt: repetition, below 2^16
 */
static inline struct mho_stream mho_tile_stream(const struct mho_tile *tile,
						enum mho_noise_kind kind, uint64_t op,
						uint32_t vector, uint32_t attempt)
{
	return (struct mho_stream){
		.key = { tile->key[0], tile->key[1] },
		.words = { vector, (uint32_t)op,
			   (uint32_t)kind | ((uint32_t)(op >> 32) & 0xff) << 8 | attempt << 16 },
	};
}

/* mho_tile_row() - @n cells of row @row from column @col on, pulsed as operation @op, @vector. */
struct mho_row mho_tile_row(struct mho_tile *tile, uint32_t row, uint32_t col, uint32_t n,
			    uint64_t op, uint32_t vector);

/* mho_tile_half() - a number as the cells' planes have it. */
float mho_tile_half(uint16_t h);

/* mho_line_init() - after technology, shape and key are set. Return: 0, or -1 without memory. */
int mho_line_init(struct mho_tile *tile);
void mho_line_free(struct mho_tile *tile);

/* mho_line_scratch() - floats that the functions below need. */
size_t mho_line_scratch(const struct mho_tile *tile);

/**
 * mho_line_inputs() - what lines and drivers do to the inputs of a vector
 * @tile: tile that has a line
 * @op: operation
 * @vector: vector of the batch
 * @attempt: repetition
 * @x: @n inputs, scaled and clipped; rounded unless the DAC is stochastic
 * @n: inputs
 * @step: of the DAC, 0 for exact
 * @scratch: mho_line_scratch() floats
 */
void mho_line_inputs(const struct mho_tile *tile, uint64_t op, uint32_t vector, uint32_t attempt,
		     float *x, uint32_t n, float step, float *scratch);

/**
 * mho_line_outputs() - what they do to products, before the ADC
 * @tile: tile that has a line
 * @op: operation
 * @m: what is computed
 * @vectors: vectors of the batch
 * @count: how many
 * @attempt: repetition
 * @x: their inputs, one behind the other
 * @y: their products, likewise
 * @scratch: mho_line_scratch() floats
 */
void mho_line_outputs(const struct mho_tile *tile, uint64_t op, const struct mho_mvm *m,
		      const uint32_t *vectors, uint32_t count, uint32_t attempt, const float *x,
		      float *y, float *scratch);

/* mho_tile_age_init() - after the technology and the shape are set. Return: 0, or -1 without memory. */
int mho_tile_age_init(struct mho_tile *tile);
void mho_tile_age_free(struct mho_tile *tile);

/* mho_tile_ages() - whether time changes cells of @tech. */
bool mho_tile_ages(const struct mho_tech *tech);

/* mho_tile_age() - let the cells feel the time that has passed; operation @op begins. */
void mho_tile_age(struct mho_tile *tile, uint64_t op);

/* mho_tile_read_raw() - as mho_tile_read(), without compensation; @attempt of operation @op. */
void mho_tile_read_raw(const struct mho_tile *tile, uint64_t op, uint32_t attempt,
		       const struct mho_rect *rect, uint32_t average, float *w, size_t ld,
		       struct mho_cost *cost);

/* mho_tile_note_magnitude() - weights have been written: what is lost from now on is drift. */
void mho_tile_note_magnitude(struct mho_tile *tile, uint64_t op, struct mho_cost *cost);

/* mho_tile_compensate() - measure what is lost, and correct it from now on. */
void mho_tile_compensate(struct mho_tile *tile, uint64_t op, struct mho_cost *cost);

/* mho_tile_trim() - recompute gain and offset from errors and corrections. */
void mho_tile_trim(struct mho_tile *tile);

/* mho_tile_adc_step() - resolution of the ADC at full scale @bound, 0 if it is exact. */
float mho_tile_adc_step(const struct mho_tile *tile, float bound);

/* mho_tile_pulse_energy() - of one pulse at a selected cell, fJ. */
double mho_tile_pulse_energy(const struct mho_tile *tile);

/* mho_tile_half_select_energy() - of one slot at a cell with a part of the voltage, fJ. */
double mho_tile_half_select_energy(const struct mho_tile *tile);

/**
 * mho_tile_lines_energy() - of cells that are not meant, fJ; those that are count as well
 * @tile: tile
 * @slots: slots
 * @columns: pulses on columns
 * @rows: pulses on rows
 */
double mho_tile_lines_energy(const struct mho_tile *tile, double slots, double columns,
			     double rows);

/* mho_tile_meant_energy() - of a pulse, less what mho_tile_lines_energy() has counted for it, fJ. */
double mho_tile_meant_energy(const struct mho_tile *tile);

/**
 * mho_tile_disturb_pulses() - what single pulses do to all cells that they are not for
 * @tile: tile
 * @op: operation
 * @attempt: round of it
 * @rect: cells that were pulsed, column by column
 * @counts: pulses of each, with sign
 * @ld: bytes from row to row
 * @step: bytes from cell to cell
 */
void mho_tile_disturb_pulses(struct mho_tile *tile, uint64_t op, uint32_t attempt,
			     const struct mho_rect *rect, const int8_t *counts, size_t ld,
			     size_t step);

/**
 * struct mho_slots - one row of an update
 * @x: trains of the columns
 * @bits: the row's train
 * @words: words of a train
 * @slots: slots
 * @d_negative: all ones for an error below 0
 */
struct mho_slots {
	const struct mho_trains *x;
	const uint32_t *bits;
	uint32_t words;
	uint32_t slots;
	uint32_t d_negative;
};

/* mho_tile_disturb_row() - what trains do to the cells of row @row of @u that they are not for. */
void mho_tile_disturb_row(struct mho_tile *tile, uint64_t op, uint32_t vector,
			  const struct mho_update *u, uint32_t row, const struct mho_slots *s);

/* mho_tile_break() - cells of row @row that have had too many pulses are stuck from now on. */
void mho_tile_break(struct mho_tile *tile, uint32_t row);

/* mho_tile_cell_read_energy() - of one read of a mean cell at full input, fJ. */
double mho_tile_cell_read_energy(const struct mho_tile *tile);

/**
 * struct mho_product - a product of vectors with weights
 * @w: first weight; @rows rows of @cols
 * @ldw: elements from row to row
 * @rows: rows of the weights
 * @cols: columns
 * @transposed: y = alpha W^T x instead of alpha W x
 * @alpha: factor
 * @count: vectors
 * @x: first input
 * @ldx: elements from input to input
 * @y: first output, written
 * @ldy: elements from output to output
 */
struct mho_product {
	const float *w;
	size_t ldw;
	uint32_t rows;
	uint32_t cols;
	bool transposed;
	float alpha;
	uint32_t count;
	const float *x;
	size_t ldx;
	float *y;
	size_t ldy;
};

/* mho_tile_product() - compute it on this thread; the result depends on @count, not on threads. */
void mho_tile_product(const struct mho_product *p);

static inline size_t mho_tile_at(const struct mho_tile *tile, uint32_t row, uint32_t col)
{
	return (size_t)row * tile->cols + col;
}

#endif
