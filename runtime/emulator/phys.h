/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The physics of one crossbar tile: what its cells, converters and pulses do.
 * Equations and their sources are in docs/emulator.md. No device protocol here:
 * queues, arrays and memory are the device core's.
 *
 * Randomness is counter-based: the noise of an operation is a pure function of
 * the seed, the tile, the operation's number and the element, so results depend
 * neither on the number of threads nor on how the work is split among them.
 */
#ifndef MHO_PHYS_H
#define MHO_PHYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mho_tile;

/**
 * enum mho_device_model - update law of a cell; each has a file in models/
 * @MHO_MODEL_IDEAL: exact rank-1 update and exact converters
 * @MHO_MODEL_CONSTANT_STEP: every pulse moves the weight by the same step
 * @MHO_MODEL_LINEAR_STEP: the step shrinks linearly with the weight
 * @MHO_MODEL_SOFT_BOUNDS: as LINEAR_STEP, the step is 0 at the cell's own bound
 * @MHO_MODEL_SOFT_BOUNDS_REFERENCE: the same, read against a reference of its own
 * @MHO_MODEL_EXP_STEP: the step falls exponentially with the weight
 * @MHO_MODEL_POW_STEP: the step is a power of the distance from the bound
 * @MHO_MODEL_POW_STEP_REFERENCE: the same, read against a reference of its own
 * @MHO_MODEL_PIECEWISE_STEP: the step follows a measured curve
 * @MHO_MODELS: how many there are
 */
enum mho_device_model {
	MHO_MODEL_IDEAL,
	MHO_MODEL_CONSTANT_STEP,
	MHO_MODEL_LINEAR_STEP,
	MHO_MODEL_SOFT_BOUNDS,
	MHO_MODEL_SOFT_BOUNDS_REFERENCE,
	MHO_MODEL_EXP_STEP,
	MHO_MODEL_POW_STEP,
	MHO_MODEL_POW_STEP_REFERENCE,
	MHO_MODEL_PIECEWISE_STEP,
	MHO_MODELS,
};

/**
 * enum mho_pulse_noise - how steps spread from pulse to pulse
 * @MHO_PULSE_MULTIPLICATIVE: dw_min_std of the step that the pulse makes
 * @MHO_PULSE_ADDITIVE: dw_min_std of the step that the cell makes at weight 0
 * @MHO_PULSE_PROTONS: a whole number of ions moves, Poisson distributed; dw_min_std is not used
 */
enum mho_pulse_noise {
	MHO_PULSE_MULTIPLICATIVE,
	MHO_PULSE_ADDITIVE,
	MHO_PULSE_PROTONS,
};

/**
 * enum mho_pulse_type - how x and d of an update become pulses
 * @MHO_PULSES_STOCHASTIC_COMPRESSED: random trains; both signs at once
 * @MHO_PULSES_STOCHASTIC: the same, columns with positive inputs before those with negative ones
 * @MHO_PULSES_MEAN_COUNT: each line has its mean number of pulses, each cell their product
 * @MHO_PULSES_DETERMINISTIC: each cell has its mean number of pulses
 * @MHO_PULSES_NONE: the exact update, within the bounds of the cells
 */
enum mho_pulse_type {
	MHO_PULSES_STOCHASTIC_COMPRESSED,
	MHO_PULSES_STOCHASTIC,
	MHO_PULSES_MEAN_COUNT,
	MHO_PULSES_DETERMINISTIC,
	MHO_PULSES_NONE,
};

/**
 * enum mho_half_select - what cells see that are not meant
 * @MHO_HALF_SELECT_NONE: nothing that moves them
 * @MHO_HALF_SELECT_V2: half of the voltage on a line that is driven alone
 * @MHO_HALF_SELECT_V3: a third on such a line, and the reverse of it on lines that are not driven
 */
enum mho_half_select {
	MHO_HALF_SELECT_NONE,
	MHO_HALF_SELECT_V2,
	MHO_HALF_SELECT_V3,
};

/* Most points of a measured curve. */
#define MHO_CURVE_MAX 32

/**
 * struct mho_curve - a step, in units of the nominal one, at equidistant weights
 * @points: how many, 0 for none
 * @step: from the lower bound to the upper one
 */
struct mho_curve {
	uint32_t points;
	float step[MHO_CURVE_MAX];
};

/* How inputs are scaled into the range of the DAC. */
enum mho_noise_management {
	MHO_NM_NONE,
	MHO_NM_ABS_MAX, /* by max|x| of the vector */
	MHO_NM_CONSTANT, /* by nm_constant */
	MHO_NM_MAX, /* by the largest, with its sign; by max|x| if none is above 0 */
	/* by max|x|, or more: so that inputs of one sign at weights of 0.6 stay within the ADC's bound */
	MHO_NM_ABS_MAX_NP_SUM,
};

/* What happens when an output hits the ADC's bound. */
enum mho_bound_management {
	MHO_BM_NONE,
	MHO_BM_ITERATIVE, /* halve the input and read again */
	MHO_BM_WORST_CASE, /* at first as MHO_NM_ABS_MAX_NP_SUM has it, then likewise */
};

/* How the noise of weights that are read grows. */
enum mho_weight_noise {
	MHO_WEIGHT_NOISE_CONSTANT, /* the same for each cell */
	MHO_WEIGHT_NOISE_PCM, /* with the root of |weight|, as of phase-change cells */
};

/**
 * struct mho_tech - one device technology: cell, pulses, read-out
 * @name: as in the topology
 * @model: update law
 *
 * Cell, in units of weight (1 is half the conductance range):
 * @dw_min: step of one pulse under the reference conditions below
 * @dw_min_dtod: its relative spread from device to device
 * @dw_min_std: its relative spread from pulse to pulse
 * @w_min: lower bound, negative
 * @w_max: upper bound, positive
 * @w_min_dtod: relative spread of the lower bound
 * @w_max_dtod: relative spread of the upper bound
 * @up_down: mean asymmetry of steps up and down, relative
 * @up_down_dtod: its spread
 * @gamma_up: slope of the step up (LINEAR_STEP)
 * @gamma_down: slope of the step down
 * @gamma_dtod: spread of the slopes
 * @gamma_own_bounds: slopes refer to the cell's own bounds, not to the nominal ones (LINEAR_STEP)
 * @gamma_any_sign: a cell's step may grow towards its bound (LINEAR_STEP)
 * @dw_min_log: the spread of @dw_min is log-normal
 * @pulse_noise: how steps spread from pulse to pulse
 * @noise_add: added to the step before @dw_min_std takes its share (EXP_STEP)
 * @noise_slope: the same, per |weight|
 * @reference: weight that reads as 0 (the _REFERENCE laws)
 * @reference_std: its spread
 * @reference_symmetric: the weight at which steps up and down are equal is added to it
 * @exp_a_up: A of the step up (EXP_STEP, docs/emulator.md)
 * @exp_a_down: the same down
 * @exp_gamma_up: its gamma
 * @exp_gamma_down: the same down
 * @exp_scale: its a
 * @exp_offset: its b
 * @pow_up: exponent of the step up (the POW_ laws)
 * @pow_down: the same down
 * @pow_dtod: relative spread of the exponents
 * @curve_up: step up (PIECEWISE_STEP)
 * @curve_down: the same down
 * @write_noise: deviation of what a pulsed cell shows from what it holds, drawn anew at each pulse,
 *	in units of @dw_min; 0: it shows what it holds
 * @corrupt: share of cells that hold a random weight for ever
 * @corrupt_range: largest magnitude of it
 * @stuck_min: share of cells that are stuck at their lower bound
 * @stuck_max: share of cells that are stuck at their upper bound
 * @lifetime_s: time in which a weight falls to 1/e of its distance from @decay_to; 0: it stays
 * @decay_to: where it falls to
 * @diffusion: standard deviation of a weight after a second; it grows with the root of time
 * @drift_nu: exponent of drift: w falls as (t / @drift_t0_s)^-nu from @drift_t0_s after its last pulse
 *	on; 0: none
 * @drift_nu_dtod: its relative spread
 * @drift_t0_s: as above
 * @drift_compensation: CALIBRATE scales results up by what the weights have lost since PROGRAM
 * @endurance: budget of pulses, 0 for none
 *
 * Field-driven law, dw = dw_min * (t/t_ref)^beta * sinh(V/V0)/sinh(V_ref/V0_ref), V0 =
 * 2 (kT/q) d / a. Off (dw = dw_min) unless @field_driven:
 * @field_driven: law is on
 * @pulse_v: pulse voltage, V
 * @pulse_s: pulse width, s
 * @thickness_m: electrolyte thickness d, m
 * @hop_m: hop distance a, m
 * @temperature_k: temperature T, K
 * @beta: exponent of the pulse width
 * @activation_ev: Arrhenius energy of the prefactor, eV
 * @half_select: how lines are driven; needs the law
 * @hydrogen_v: voltage from which on long pulses form hydrogen, V; 0: never
 * @hydrogen_s: width above which they do, s
 * @hydrogen_pulses: such pulses that a cell stands: then it is stuck
 * @ref_v, @ref_s, @ref_thickness_m, @ref_temperature_k: the conditions for which @dw_min is given
 *
 * Conductance and energy:
 * @g_min_s: conductance at weight -1, S
 * @g_max_s: conductance at weight 1, S
 * @gate_f: gate capacitance of a cell, F
 * @ion_j: ion transfer energy of a pulse with step @dw_min, J
 * @read_v: read voltage, V
 * @read_s: time of one read, s
 *
 * Converters and read-out:
 * @inp_bound: full scale of the DAC
 * @dac_bits: its resolution, 0 for exact
 * @out_bound: full scale of the ADC, 0 for unbounded
 * @adc_bits: its resolution, 0 for exact
 * @out_noise: standard deviation of additive output noise
 * @thermal_noise: add the thermal noise of the conductances, from @read_v and @read_s
 * @noise_management: input scaling
 * @nm_constant: for MHO_NM_CONSTANT
 * @nm_cap: largest scale, 0 for none
 * @bound_management: for MVM; never for the transposed direction
 * @bm_max_factor: largest factor by which bound management reduces the input
 * @dac_stochastic: the DAC rounds up or down by chance
 * @adc_stochastic: the ADC does
 * @inp_noise: standard deviation of inputs, of a full scale of 1
 * @inp_asymmetry: by how much inputs below 0 are too small, relative
 * @out_asymmetry: the same of outputs
 * @w_noise: standard deviation of weights as they are multiplied with
 * @w_noise_kind: how it grows
 * @ir_drop: how much of the voltage that wires of a usual resistance lose; 0: none
 * @v_offset_std: spread of the factor of outputs, from the offset of read voltages
 * @series: resistance in series with an output line
 * @bend: compression of outputs (S-curve)
 * @bend_std: its relative spread
 * @adc_gain_std: relative gain error from row to row before calibration
 * @adc_offset_std: offset error from row to row before calibration, of full scale
 *
 * Writing:
 * @train_length: slots in a pulse train (desired BL)
 * @pulse_type: how x and d become pulses
 * @implicit_resolution: of the probabilities of a line (DETERMINISTIC); 0 for exact
 * @update_management: balance x and d
 * @um_scale: factor of max|d| in that
 * @update_bl_management: shorten trains where little is to do
 * @verify_iterations: most iterations of PROGRAM by default
 * @verify_tolerance: default tolerance of PROGRAM, weight units
 */
struct mho_tech {
	char name[32];
	enum mho_device_model model;

	float dw_min;
	float dw_min_dtod;
	float dw_min_std;
	float w_min;
	float w_max;
	float w_min_dtod;
	float w_max_dtod;
	float up_down;
	float up_down_dtod;
	float gamma_up;
	float gamma_down;
	float gamma_dtod;
	bool gamma_own_bounds;
	bool gamma_any_sign;
	bool dw_min_log;
	enum mho_pulse_noise pulse_noise;
	float noise_add;
	float noise_slope;
	float reference;
	float reference_std;
	bool reference_symmetric;
	float exp_a_up;
	float exp_a_down;
	float exp_gamma_up;
	float exp_gamma_down;
	float exp_scale;
	float exp_offset;
	float pow_up;
	float pow_down;
	float pow_dtod;
	struct mho_curve curve_up;
	struct mho_curve curve_down;
	float write_noise;
	float corrupt;
	float corrupt_range;
	float stuck_min;
	float stuck_max;
	double lifetime_s;
	float decay_to;
	float diffusion;
	float drift_nu;
	float drift_nu_dtod;
	double drift_t0_s;
	bool drift_compensation;
	uint64_t endurance;

	bool field_driven;
	double pulse_v;
	double pulse_s;
	double thickness_m;
	double hop_m;
	double temperature_k;
	double beta;
	double activation_ev;
	enum mho_half_select half_select;
	double hydrogen_v;
	double hydrogen_s;
	uint64_t hydrogen_pulses;
	double ref_v;
	double ref_s;
	double ref_thickness_m;
	double ref_temperature_k;

	double g_min_s;
	double g_max_s;
	double gate_f;
	double ion_j;
	double read_v;
	double read_s;

	float inp_bound;
	uint32_t dac_bits;
	float out_bound;
	uint32_t adc_bits;
	float out_noise;
	bool thermal_noise;
	enum mho_noise_management noise_management;
	float nm_constant;
	float nm_cap;
	enum mho_bound_management bound_management;
	float bm_max_factor;
	bool dac_stochastic;
	bool adc_stochastic;
	float inp_noise;
	float inp_asymmetry;
	float out_asymmetry;
	float w_noise;
	enum mho_weight_noise w_noise_kind;
	float ir_drop;
	float v_offset_std;
	float series;
	float bend;
	float bend_std;
	float adc_gain_std;
	float adc_offset_std;

	uint32_t train_length;
	enum mho_pulse_type pulse_type;
	float implicit_resolution;
	float um_scale;
	bool update_management;
	bool update_bl_management;
	uint32_t verify_iterations;
	float verify_tolerance;
};

/**
 * mho_tech_init() - the defaults that a topology's properties replace
 * @tech: filled: model CONSTANT_STEP, analog.md-style RPU defaults (docs/emulator.md)
 */
void mho_tech_init(struct mho_tech *tech);

/**
 * mho_tech_check() - refuse values that make no sense
 * @tech: technology
 * @err: a sentence naming parameter, value and range; may be NULL
 * @len: its room
 *
 * Return: 0 or -EINVAL.
 */
int mho_tech_check(const struct mho_tech *tech, char *err, size_t len);

/* mho_tech_step() - weight step of one nominal pulse under the technology's own conditions. */
double mho_tech_step(const struct mho_tech *tech);

/*
 * mho_tech_granularity() - step of a pulse at a cell of weight 0, under the technology's own
 * conditions: what trains are made for.
 */
double mho_tech_granularity(const struct mho_tech *tech);

/* mho_tech_disturb() - step of a cell that is not meant, in units of the step of one that is. */
double mho_tech_disturb(const struct mho_tech *tech);

/* mho_tech_forms_hydrogen() - whether the technology's pulses do. */
bool mho_tech_forms_hydrogen(const struct mho_tech *tech);

/* mho_tech_ions() - ions that a pulse of the nominal step moves. */
double mho_tech_ions(const struct mho_tech *tech);

/* mho_tech_conductance() - siemens of weight @w. */
double mho_tech_conductance(const struct mho_tech *tech, double w);

/**
 * mho_tile_create() - make a tile and populate its cells
 * @tech: technology; copied
 * @rows: rows (outputs), 1 to 4096
 * @cols: columns (inputs), 1 to 4096
 * @seed: of the card
 * @id: tile number; cells differ from device to device as a pure function of seed, id and cell
 * @out: the tile, all weights 0, no wear
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int mho_tile_create(const struct mho_tech *tech, uint32_t rows, uint32_t cols, uint64_t seed,
		    uint32_t id, struct mho_tile **out);
void mho_tile_destroy(struct mho_tile *tile);

uint32_t mho_tile_rows(const struct mho_tile *tile);
uint32_t mho_tile_cols(const struct mho_tile *tile);
const struct mho_tech *mho_tile_tech(const struct mho_tile *tile);

/**
 * mho_tile_begin_op() - number of the tile's next operation
 * @tile: tile
 *
 * Operations on a tile get their numbers in the order in which they take effect; work functions
 * for one operation may then run on several threads. The caller serialises operations on a tile.
 */
uint64_t mho_tile_begin_op(struct mho_tile *tile);

/**
 * mho_tile_rest() - let time pass for the tile's cells
 * @tile: tile
 * @ns: of device time
 *
 * The cells age when the next operation begins. Who runs operations says here what each took.
 * Threads: any, also beside an operation.
 */
void mho_tile_rest(struct mho_tile *tile, uint64_t ns);

/**
 * struct mho_cost - what an operation took; add up with mho_cost_add()
 * @ns: device time
 * @fj: energy
 * @pulses: pulses at cells
 * @saturated: outputs that saturated in the last attempt
 * @retries: extra reads by bound management
 */
struct mho_cost {
	double ns;
	double fj;
	uint64_t pulses;
	uint64_t saturated;
	uint64_t retries;
};

/**
 * struct mho_rect - a rectangle of a tile's cells
 * @row: first row
 * @col: first column
 * @rows: rows
 * @cols: columns
 */
struct mho_rect {
	uint32_t row;
	uint32_t col;
	uint32_t rows;
	uint32_t cols;
};

/*
 * Vectors of an MVM that are computed together. Work is split among threads at multiples of
 * this, so that the same BLAS calls are made for any number of threads.
 */
#define MHO_MVM_CHUNK 128

/**
 * struct mho_mvm - one matrix-vector operation on a tile, for a batch
 * @rect: cells that take part; x has rect.cols elements and y rect.rows (transposed: exchanged)
 * @transposed: y = W^T x, no bound management
 * @batch: vectors
 * @x: first input vector, finite values
 * @ldx: elements from vector to vector
 * @y: first output vector, written
 * @ldy: elements from vector to vector
 * @x_scale: inputs are multiplied by it
 * @y_scale: outputs are multiplied by it
 */
struct mho_mvm {
	struct mho_rect rect;
	bool transposed;
	uint32_t batch;
	const float *x;
	size_t ldx;
	float *y;
	size_t ldy;
	float x_scale;
	float y_scale;
};

/**
 * mho_tile_mvm() - compute vectors [@first, @first + @count) of the batch
 * @tile: tile; only read
 * @op: from mho_tile_begin_op()
 * @m: the operation
 * @first: a multiple of MHO_MVM_CHUNK
 * @count: vectors
 * @scratch: mho_tile_mvm_scratch() bytes, 64-byte aligned, of this thread
 * @cost: added to: ns is that of these vectors one after the other
 *
 * Threads: any number at once on one tile and operation, for different vectors.
 */
void mho_tile_mvm(const struct mho_tile *tile, uint64_t op, const struct mho_mvm *m, uint32_t first,
		  uint32_t count, void *scratch, struct mho_cost *cost);

/* mho_tile_mvm_scratch() - bytes of scratch memory that mho_tile_mvm() needs for @tile. */
size_t mho_tile_mvm_scratch(const struct mho_tile *tile);

/* mho_tile_output_noise() - standard deviation of an output with @lines driven lines. */
float mho_tile_output_noise(const struct mho_tile *tile, uint32_t lines);

/**
 * struct mho_update - a batch of rank-1 updates, W -= rate * d x^T, in order
 * @rect: cells that take part
 * @batch: pairs
 * @x: first input vector (rect.cols elements), finite
 * @ldx: elements from vector to vector
 * @d: first error vector (rect.rows elements), finite
 * @ldd: elements from vector to vector
 * @x_scale: inputs are multiplied by it
 * @d_scale: errors are multiplied by it
 * @rate: learning rate, >= 0
 * @train_length: most slots a train, 0 for the technology's
 */
struct mho_update {
	struct mho_rect rect;
	uint32_t batch;
	const float *x;
	size_t ldx;
	const float *d;
	size_t ldd;
	float x_scale;
	float d_scale;
	float rate;
	uint32_t train_length;
};

/**
 * mho_tile_update_prepare() - what all rows share: train lengths, probabilities, column trains
 * @tile: tile
 * @op: from mho_tile_begin_op()
 * @u: the operation
 * @plan: mho_tile_update_plan() bytes, 64-byte aligned
 * @cost: added to: time of the trains and energy of half-selected lines
 */
void mho_tile_update_prepare(const struct mho_tile *tile, uint64_t op, const struct mho_update *u,
			     void *plan, struct mho_cost *cost);

/* mho_tile_update_plan() - bytes that mho_tile_update_prepare() needs for @u. */
size_t mho_tile_update_plan(const struct mho_tile *tile, const struct mho_update *u);

/**
 * mho_tile_update_rows() - apply an update to rows [@first, @first + @count) of its rectangle
 * @tile: tile; these rows are written
 * @op: the same
 * @u: the same
 * @plan: prepared
 * @first: row, relative to the rectangle
 * @count: rows
 * @cost: added to: pulses and their energy; no time
 *
 * Threads: any number at once, for different rows.
 */
void mho_tile_update_rows(struct mho_tile *tile, uint64_t op, const struct mho_update *u,
			  const void *plan, uint32_t first, uint32_t count, struct mho_cost *cost);

/**
 * mho_tile_pulse() - raw pulses
 * @tile: tile
 * @op: from mho_tile_begin_op()
 * @rect: cells
 * @counts: rect.rows rows of rect.cols; number and sign of pulses
 * @ld: elements from row to row
 * @cost: added to
 */
void mho_tile_pulse(struct mho_tile *tile, uint64_t op, const struct mho_rect *rect,
		    const int8_t *counts, size_t ld, struct mho_cost *cost);

/**
 * struct mho_program - closed-loop write and verify
 * @rect: cells
 * @target: rect.rows rows of rect.cols weights, finite; what a cell cannot hold is missed
 * @ld: elements from row to row
 * @scale: targets are multiplied by it
 * @tolerance: largest error, weight units; 0 for the technology's
 * @iterations: most; 0 for the technology's
 */
struct mho_program {
	struct mho_rect rect;
	const float *target;
	size_t ld;
	float scale;
	float tolerance;
	uint32_t iterations;
};

/**
 * mho_tile_program() - write weights
 * @tile: tile
 * @op: from mho_tile_begin_op()
 * @p: what to write
 * @missed: cells whose error, as the device reads it, still exceeds the tolerance
 * @iterations: that were used
 * @cost: added to
 *
 * Return: 0, or -ENOMEM.
 */
int mho_tile_program(struct mho_tile *tile, uint64_t op, const struct mho_program *p,
		     uint32_t *missed, uint32_t *iterations, struct mho_cost *cost);

/**
 * mho_tile_read() - weights as the device can read them: column by column through the ADC
 * @tile: tile
 * @op: from mho_tile_begin_op()
 * @rect: cells
 * @average: reads that are averaged, at least 1
 * @w: rect.rows rows of rect.cols, written
 * @ld: elements from row to row
 * @cost: added to
 */
void mho_tile_read(const struct mho_tile *tile, uint64_t op, const struct mho_rect *rect,
		   uint32_t average, float *w, size_t ld, struct mho_cost *cost);

/* mho_tile_scrub() - drive the cells of @rect to weight 0, with wear. Return: 0 or -ENOMEM. */
int mho_tile_scrub(struct mho_tile *tile, uint64_t op, const struct mho_rect *rect,
		   struct mho_cost *cost);

/**
 * mho_tile_set_trim() - factory trim from the firmware's calibration table
 * @tile: tile
 * @gain: added to the gain correction of every row
 * @offset: added to the offset correction, of full scale
 */
void mho_tile_set_trim(struct mho_tile *tile, float gain, float offset);

/* mho_tile_calibrate() - measure and correct gain and offset of every row's ADC. */
void mho_tile_calibrate(struct mho_tile *tile, uint64_t op, struct mho_cost *cost);

/* mho_tile_peek() - true weight of a cell, for tests and inspection; no hardware could. */
float mho_tile_peek(const struct mho_tile *tile, uint32_t row, uint32_t col);

/* mho_tile_wear() - pulses that a cell has had. */
uint32_t mho_tile_wear(const struct mho_tile *tile, uint32_t row, uint32_t col);

/**
 * struct mho_wear - wear of the cells of a rectangle
 * @max: most pulses of a cell
 * @mean: mean
 * @total: of all together
 */
struct mho_wear {
	uint32_t max;
	double mean;
	uint64_t total;
};

/* mho_tile_wear_stats() - wear of @rect, or of the whole tile if NULL. */
void mho_tile_wear_stats(const struct mho_tile *tile, const struct mho_rect *rect,
			 struct mho_wear *wear);

/* mho_tile_state_size() - bytes of the tile's non-volatile state. */
size_t mho_tile_state_size(const struct mho_tile *tile);

/**
 * mho_tile_state_save() - weights (held and shown), wear, age, operation counter and calibration,
 * little-endian
 * @tile: tile
 * @buf: mho_tile_state_size() bytes
 */
void mho_tile_state_save(const struct mho_tile *tile, void *buf);

/**
 * mho_tile_state_load() - the reverse, for a tile of the same technology, shape, seed and id
 * @tile: tile; unchanged on failure
 * @buf: state
 * @len: its bytes
 *
 * Return: 0 or -EBADMSG (wrong length, a weight that is not finite or out of its cell's bounds).
 */
int mho_tile_state_load(struct mho_tile *tile, const void *buf, size_t len);

static inline void mho_cost_add(struct mho_cost *to, const struct mho_cost *more)
{
	to->ns += more->ns;
	to->fj += more->fj;
	to->pulses += more->pulses;
	to->saturated += more->saturated;
	to->retries += more->retries;
}

#endif
