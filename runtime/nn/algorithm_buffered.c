// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Tiki-Taka with a buffer: columns of the fast matrix A are read by products with one-hot vectors and
 * added up by the host, H, in pulses of the weights C. What makes a whole pulse goes to C, the rest
 * stays. Three of a family:
 *
 * TTv2 (Gokmen, Front. Artif. Intell. 4:699148, 2021): that. The noise of A's reads averages out
 * in H, and C moves by at least a step, so that few states are enough.
 * c-TTv2 (Rasch et al., Nat. Commun. 15:7133, 2024): errors reach a column of A with a sign, its
 * chopper, and are read with it. An offset of A's symmetry point has another sign after each change,
 * and averages out.
 * AGAD (ibid.): choppers change regularly, and of what is read the mean before the last change is
 * taken off: the point that a column comes from need not be known.
 *
 * Choppers of rows, which aihwkit has too, are not here.
 */
#include <math.h>
#include <string.h>

#include "nn/device.h"

/* Pulses that C gets at once, at most: as aihwkit has it. */
#define PULSES_MAX 1.0f

#define OPTION(name, field, rate, initial)                                    \
	{                                                                     \
		name, offsetof(struct mho_nn_algorithm, field), rate, initial \
	}
#define COMMON                                                                        \
	OPTION("every", every, false, 1.0f), OPTION("columns", columns, false, 1.0f), \
		OPTION("fast-rate", fast_rate, true, 0.05f),                          \
		OPTION("transfer-rate", transfer_rate, true, 1.0f),                   \
		OPTION("granularity", granularity, true, 1.0f)

static const struct nn_algorithm_option tiki_taka_2_options[] = {
	COMMON,
	OPTION("momentum", momentum, true, 0.1f),
	{ 0 },
};

static const struct nn_algorithm_option chopped_options[] = {
	COMMON,
	OPTION("momentum", momentum, true, 0.0f),
	OPTION("chop", chop, true, 0.1f),
	{ 0 },
};

static const struct nn_algorithm_option agad_options[] = {
	COMMON,
	OPTION("momentum", momentum, true, 0.0f),
	OPTION("chop", chop, true, 0.1f),
	OPTION("tail", tail, true, 5.0f),
	{ 0 },
};

/* ---- what the host has of a layer ---- */

/**
 * struct hidden - where it is in the floats of a layer
 * @h: rows x columns, in pulses of C
 * @chopper: of each column, 1 or -1
 * @mean: rows x columns, of what was read
 * @past: the same, as it was when the chopper changed
 *
 * Matrices lie column by column, as they are used. TTv2 has only the first, c-TTv2 two.
 */
struct hidden {
	float *h;
	float *chopper;
	float *mean;
	float *past;
};

static struct hidden hidden_of(const struct nn_layer *l, float *floats)
{
	return (struct hidden){
		.h = floats,
		.chopper = floats + nn_weights(l),
		.mean = floats + nn_weights(l) + l->cols,
		.past = floats + 2 * nn_weights(l) + l->cols,
	};
}

static size_t tiki_taka_2_floats(const struct nn_layer *l)
{
	return nn_weights(l);
}

static size_t chopped_floats(const struct nn_layer *l)
{
	return nn_weights(l) + l->cols;
}

static size_t agad_floats(const struct nn_layer *l)
{
	return 3 * nn_weights(l) + l->cols;
}

static void begin_choppers(const struct nn_layer *l, float *floats)
{
	for (uint32_t j = 0; j < l->cols; j++)
		hidden_of(l, floats).chopper[j] = 1.0f;
}

/* ---- what the device has of a layer ---- */

/**
 * struct operands - of the jobs of a layer, offsets in its memory, in floats
 * @one_hot: columns that are read, and then moved
 * @column: what is read; and then, by how much
 * @x: inputs with the signs of the choppers
 */
struct operands {
	size_t one_hot;
	size_t column;
	size_t x;
};

/* No more columns are taken than there are. */
static uint32_t columns_of(const struct mho_nn *nn, const struct nn_layer *l)
{
	return nn->learner.set.columns < l->cols ? nn->learner.set.columns : l->cols;
}

static struct operands operands_of(const struct mho_nn *nn, const struct nn_layer *l)
{
	size_t columns = columns_of(nn, l);

	return (struct operands){
		.one_hot = 0,
		.column = columns * l->cols,
		.x = columns * (l->cols + l->rows),
	};
}

static size_t memory(const struct mho_nn *nn, const struct nn_layer *l)
{
	size_t chopped = nn->learner.kind->apart ? (size_t)nn->batch_max * l->vectors * l->cols : 0;

	return (operands_of(nn, l).x + chopped) * sizeof(float);
}

static struct mho_slice slice(const struct mho_nn *nn, uint32_t k, size_t at)
{
	return (struct mho_slice){ .buf = nn->learner.buf,
				   .offset = nn->learner.offset[k] + at * sizeof(float) };
}

/* ---- errors to A ---- */

static float fast_rate(const struct mho_nn *nn)
{
	return nn->learner.set.fast_rate;
}

static struct mho_job chopped_update(struct mho_nn *nn, uint32_t k)
{
	const struct nn_layer *l = &nn->layer[k];
	const float *chopper = hidden_of(l, nn->learner.floats[k]).chopper;
	const float *x = nn->work + l->x[nn->set];
	size_t at = operands_of(nn, l).x;
	float *to = (float *)nn->learner.memory[k] + at;
	uint32_t n = nn->batch.count * l->vectors;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < l->cols; j++)
			to[(size_t)i * l->cols + j] = chopper[j] * x[(size_t)i * l->cols + j];
	return (struct mho_job){
		.op = MHO_OP_UPDATE,
		.mat = nn_device_matrix(nn, k, NN_FAST),
		.a = slice(nn, k, at),
		.b = nn_device_errors(nn, k),
		.batch = n,
		.alpha = nn->batch.update,
	};
}

static int update_chopped(struct mho_nn *nn)
{
	struct mho_job jobs[MHO_NN_LAYERS_MAX];
	uint32_t n = 0;

	for (uint32_t k = 0; k < nn->layers; k++)
		if (nn->layer[k].rows)
			jobs[n++] = chopped_update(nn, k);
	return device_do(nn, jobs, n);
}

/* ---- A to H, and H to C ---- */

/**
 * struct taken - columns of a layer that are being transferred
 * @k: layer
 * @first: first column
 * @count: how many
 * @sweep: how often they have been before
 */
struct taken {
	uint32_t k;
	uint32_t first;
	uint32_t count;
	uint32_t sweep;
};

static struct mho_job read_columns(struct mho_nn *nn, const struct taken *t)
{
	const struct nn_layer *l = &nn->layer[t->k];
	struct operands at = operands_of(nn, l);
	float *one_hot = (float *)nn->learner.memory[t->k] + at.one_hot;

	memset(one_hot, 0, (size_t)t->count * l->cols * sizeof(*one_hot));
	for (uint32_t i = 0; i < t->count; i++)
		one_hot[(size_t)i * l->cols + t->first + i] = 1.0f;
	return (struct mho_job){
		.op = MHO_OP_MVM,
		.mat = nn_device_matrix(nn, t->k, NN_FAST),
		.a = slice(nn, t->k, at.one_hot),
		.b = slice(nn, t->k, at.column),
		.batch = t->count,
		.alpha = 1.0f,
	};
}

/* Sweeps from one change of a chopper to the next, where that is regular. */
static uint32_t period(const struct mho_nn *nn)
{
	float p = ceilf(1.0f / nn->learner.set.chop);

	/* Longer than any training, and within an integer. */
	return (uint32_t)fminf(fmaxf(p, 2.0f), 1e9f);
}

/* Column @j was taken; may its chopper change? */
static void chop(struct mho_nn *nn, uint32_t k, uint32_t j, uint32_t sweep)
{
	const struct nn_layer *l = &nn->layer[k];
	struct hidden hidden = hidden_of(l, nn->learner.floats[k]);
	bool change;

	if (nn->learner.kind == &nn_agad)
		change = sweep % period(nn) == period(nn) - 1;
	else
		change = nn_uniform(nn->seed, NN_STREAM_CHOPPER, k, (uint64_t)sweep * l->cols + j) <
			 nn->learner.set.chop;
	if (!change)
		return;
	hidden.chopper[j] = -hidden.chopper[j];
	if (nn->learner.kind == &nn_agad)
		memcpy(hidden.past + (size_t)j * l->rows, hidden.mean + (size_t)j * l->rows,
		       l->rows * sizeof(float));
}

/* What was read of a cell, with its sign and without what was there before. */
static float signal(struct mho_nn *nn, const struct hidden *hidden, uint32_t j, size_t i, float v)
{
	float share, s = v;

	if (nn->learner.kind == &nn_agad) {
		share = fminf(nn->learner.set.tail / (float)period(nn), 1.0f);
		s = v - hidden->past[i];
		hidden->mean[i] = (1.0f - share) * hidden->mean[i] + share * v;
	}
	return nn->learner.kind->apart ? hidden->chopper[j] * s : s;
}

/* Column @j, read to @v, which becomes what C is moved by. @per: pulses for a weight that was read. */
static void absorb(struct mho_nn *nn, uint32_t k, uint32_t j, float *v, float per, float step)
{
	const struct nn_layer *l = &nn->layer[k];
	struct hidden hidden = hidden_of(l, nn->learner.floats[k]);

	for (uint32_t i = 0; i < l->rows; i++) {
		size_t at = (size_t)j * l->rows + i;
		float h = hidden.h[at] + per * signal(nn, &hidden, j, at, v[i]);
		float n = fminf(fmaxf(truncf(h), -PULSES_MAX), PULSES_MAX);

		hidden.h[at] = n != 0.0f ? nn->learner.set.momentum * h : h;
		/* UPDATE goes against the errors. */
		v[i] = -n * step;
	}
}

/* Return: 0 or -errno with the error set; *@job then moves C. */
static int move_columns(struct mho_nn *nn, const struct taken *t, struct mho_job *job)
{
	const struct mho_nn_algorithm *set = &nn->learner.set;
	const struct nn_layer *l = &nn->layer[t->k];
	struct operands at = operands_of(nn, l);
	float *v = (float *)nn->learner.memory[t->k] + at.column, step, per;
	int err = nn_device_step(nn, t->k, NN_WEIGHTS, &step);

	if (err)
		return err;
	per = set->transfer_rate * nn->batch.rate / (set->granularity * step);
	/* Before the first change of a chopper it is not known what a column comes from. */
	if (nn->learner.kind == &nn_agad && t->sweep < period(nn))
		per = 0.0f;
	for (uint32_t i = 0; i < t->count; i++) {
		absorb(nn, t->k, t->first + i, v + (size_t)i * l->rows, per, step);
		if (nn->learner.kind->apart)
			chop(nn, t->k, t->first + i, t->sweep);
	}
	*job = (struct mho_job){
		.op = MHO_OP_UPDATE,
		.mat = nn_device_matrix(nn, t->k, NN_WEIGHTS),
		.a = slice(nn, t->k, at.one_hot),
		.b = slice(nn, t->k, at.column),
		.batch = t->count,
		.alpha = 1.0f,
		.limit = (uint32_t)PULSES_MAX,
	};
	return 0;
}

static int transfer(struct mho_nn *nn)
{
	struct mho_job jobs[MHO_NN_LAYERS_MAX];
	struct taken taken[MHO_NN_LAYERS_MAX];
	uint32_t n = 0;
	int err;

	for (uint32_t k = 0; k < nn->layers; k++) {
		if (!nn->layer[k].rows)
			continue;
		taken[n].k = k;
		taken[n].sweep = nn->learner.sweep[k];
		taken[n].count = nn_learner_columns(nn, k, &taken[n].first);
		jobs[n] = read_columns(nn, &taken[n]);
		n++;
	}
	err = device_do(nn, jobs, n);
	for (uint32_t i = 0; !err && i < n; i++)
		err = move_columns(nn, &taken[i], &jobs[i]);
	return err ? err : device_do(nn, jobs, n);
}

static int after(struct mho_nn *nn)
{
	int err = nn->learner.kind->apart ? update_chopped(nn) : 0;

	return err || !nn_learner_is_due(&nn->learner) ? err : transfer(nn);
}

const struct nn_algorithm_kind nn_tiki_taka_2 = {
	.name = "tiki-taka-2",
	.options = tiki_taka_2_options,
	.updated = NN_FAST,
	.rate = fast_rate,
	.floats = tiki_taka_2_floats,
	.memory = memory,
	.after = after,
};

const struct nn_algorithm_kind nn_chopped = {
	.name = "chopped",
	.options = chopped_options,
	.updated = NN_FAST,
	.apart = true,
	.rate = fast_rate,
	.floats = chopped_floats,
	.begin = begin_choppers,
	.memory = memory,
	.after = after,
};

const struct nn_algorithm_kind nn_agad = {
	.name = "agad",
	.options = agad_options,
	.updated = NN_FAST,
	.apart = true,
	.rate = fast_rate,
	.floats = agad_floats,
	.begin = begin_choppers,
	.memory = memory,
	.after = after,
};
