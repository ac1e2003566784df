// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Training: epochs of batches in an order that seed and epoch give, the held-out samples after
 * each epoch, the reference beside. Saving and resuming is in checkpoint.c.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/trainer.h"

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- making one ---- */

static int check_samples(const struct mho_nn *nn, const struct mho_nn_data *data, const char *which)
{
	if (data->inputs != nn->inputs)
		return nn_error(-EINVAL, "the %s samples have %u values, the network has %u inputs",
				which, data->inputs, nn->inputs);
	if (nn_answers(nn) != 1)
		return nn_error(-EINVAL,
				"samples have one label, the network answers at %u steps; train it "
				"with mho_nn_train_batch()",
				nn_answers(nn));
	for (uint32_t i = 0; i < data->count; i++) {
		int32_t label = nn_data_label(data, i);

		if (label < 0 || (uint32_t)label >= nn_outputs(nn))
			return nn_error(-EINVAL,
					"%s sample %u %s %d; the network has classes 0 to %u: give "
					"it more outputs, or leave the sample out",
					which, mho_nn_data_index(data, i),
					label < 0 ? "has no label," : "has the label", label,
					nn_outputs(nn) - 1);
	}
	return 0;
}

static int check_same(const struct mho_nn *nn, const struct mho_nn *reference)
{
	bool same = nn_same_layers(nn->layer, nn->layers, reference->layer, reference->layers);

	return same ? 0 : nn_error(-EINVAL, "the reference has other layers than the network");
}

static int check_opts(const struct mho_nn *nn, const struct mho_nn_train_opts *opts)
{
	if (!opts || opts->size != sizeof(*opts))
		return nn_error(-EINVAL, "struct mho_nn_train_opts: size is not set; initialise it "
					 "with MHO_INIT(struct mho_nn_train_opts)");
	if (!opts->batch || opts->batch > nn->batch_max)
		return nn_error(-EINVAL, "a batch of %u samples; 1 to %u are possible here",
				opts->batch, nn->batch_max);
	if (opts->epochs > NN_EPOCHS_MAX)
		return nn_error(-EINVAL, "%u epochs; at most %d are possible", opts->epochs,
				NN_EPOCHS_MAX);
	if (nn->layer[nn->layers - 1].desc.activation != MHO_NN_SOFTMAX)
		return nn_error(-EINVAL, "the last layer is not softmax; only networks for "
					 "classes can be trained");
	return mho_nn_schedule_check(opts->schedule);
}

static int alloc_arrays(struct mho_nn_trainer *t)
{
	t->history = calloc(t->epochs + 1, sizeof(*t->history));
	t->order = malloc(t->train->count * sizeof(*t->order));
	t->x = malloc((size_t)t->batch * t->train->inputs * sizeof(*t->x));
	t->labels = malloc(t->batch * sizeof(*t->labels));
	return t->history && t->order && t->x && t->labels ? 0 : nn_no_memory();
}

int mho_nn_trainer_create(struct mho_nn *nn, struct mho_nn *reference,
			  const struct mho_nn_data *train, const struct mho_nn_data *test,
			  const struct mho_nn_train_opts *opts, struct mho_nn_trainer **out)
{
	struct mho_nn_trainer *t;
	int err = check_opts(nn, opts);

	if (!err)
		err = check_samples(nn, train, "training");
	if (!err && test)
		err = check_samples(nn, test, "held-out");
	if (!err && reference)
		err = check_same(nn, reference);
	if (err)
		return err;
	t = calloc(1, sizeof(*t));
	if (!t)
		return nn_no_memory();
	t->nn = nn;
	t->reference = reference;
	t->train = train;
	t->test = test;
	t->seed = opts->seed;
	t->epochs = opts->epochs;
	t->batch = opts->batch;
	t->score.size = sizeof(t->score);
	t->order_epoch = UINT32_MAX;
	nn_schedule_copy(&t->schedule, opts->schedule);
	err = alloc_arrays(t);
	if (err) {
		mho_nn_trainer_destroy(t);
		return err;
	}
	*out = t;
	return 0;
}

void mho_nn_trainer_destroy(struct mho_nn_trainer *t)
{
	if (!t)
		return;
	free(t->history);
	free(t->order);
	free(t->x);
	free(t->labels);
	free(t);
}

/* ---- running ---- */

static void use_order(struct mho_nn_trainer *t)
{
	if (t->order_epoch == t->epoch)
		return;
	for (uint32_t i = 0; i < t->train->count; i++)
		t->order[i] = i;
	nn_permute(t->order, t->train->count, t->seed, NN_STREAM_ORDER, t->epoch);
	t->order_epoch = t->epoch;
}

/* One batch from sample @at of the epoch. Return: its samples, or -errno. */
static int train_some(struct mho_nn_trainer *t, struct mho_nn *nn, uint32_t at,
		      struct mho_nn_score *score)
{
	uint32_t left = t->train->count - at;
	uint32_t n = left < t->batch ? left : t->batch;
	float rate = mho_nn_schedule_rate(&t->schedule.s, t->epoch);
	int err;

	for (uint32_t i = 0; i < n; i++)
		t->labels[i] = mho_nn_data_get(t->train, t->order[at + i],
					       t->x + (size_t)i * t->train->inputs);
	err = mho_nn_train_batch(nn, t->x, t->labels, n, rate, score);
	return err ? err : (int)n;
}

static int tell(struct mho_nn_trainer *t, const struct mho_nn_epoch *done, mho_nn_progress_fn fn,
		void *arg)
{
	struct mho_nn_progress p = {
		.epoch = done ? t->epoch - 1 : t->epoch,
		.epochs = t->epochs,
		.sample = done ? t->train->count : t->sample,
		.samples = t->train->count,
		.score = t->score,
		.done = done,
	};

	return fn ? fn(&p, arg) : 0;
}

/* The rest of the epoch on the network. Return: 0 at its end, what @fn returned, or -errno. */
static int train_epoch(struct mho_nn_trainer *t, mho_nn_progress_fn fn, void *arg)
{
	use_order(t);
	while (t->sample < t->train->count) {
		int ret = train_some(t, t->nn, t->sample, &t->score);

		if (ret < 0)
			return ret;
		t->sample += (uint32_t)ret;
		ret = tell(t, NULL, fn, arg);
		if (ret)
			return ret;
	}
	return 0;
}

/* The same with what it cost added to t->now. */
static int train_metered(struct mho_nn_trainer *t, mho_nn_progress_fn fn, void *arg)
{
	struct mho_nn_cost before = MHO_INIT(struct mho_nn_cost), after = before;
	double start;
	int ret, err = mho_nn_cost_get(t->nn, &before);

	if (err)
		return err;
	start = seconds();
	ret = train_epoch(t, fn, arg);
	/* The epoch is over when its last update is; a failure of training is told first. */
	if (ret < 0)
		return ret;
	err = mho_nn_cost_get(t->nn, &after);
	if (err)
		return err;
	t->now.host_s += seconds() - start;
	t->now.device_ns += after.time_ns - before.time_ns;
	t->now.energy_fj += after.energy_fj - before.energy_fj;
	t->now.pulses += after.pulses - before.pulses;
	return ret;
}

static void no_results(struct mho_nn_epoch *e)
{
	e->test_loss = e->test_accuracy = NAN;
	e->reference_loss = e->reference_accuracy = NAN;
	e->reference_test_loss = e->reference_test_accuracy = NAN;
}

static double share(const struct mho_nn_score *s)
{
	return s->count ? (double)s->correct / s->count : NAN;
}

static int train_reference(struct mho_nn_trainer *t, struct mho_nn_epoch *e)
{
	struct mho_nn_score score = MHO_INIT(struct mho_nn_score);
	uint32_t at = 0;

	while (at < t->train->count) {
		int ret = train_some(t, t->reference, at, &score);

		if (ret < 0)
			return ret;
		at += (uint32_t)ret;
	}
	e->reference_loss = score.loss;
	e->reference_accuracy = share(&score);
	return 0;
}

static int test(struct mho_nn_trainer *t, struct mho_nn *nn, double *loss, double *accuracy)
{
	struct mho_nn_score score;
	int err = mho_nn_evaluate(nn, t->test, NULL, NULL, &score);

	if (err)
		return err;
	*loss = score.loss;
	*accuracy = share(&score);
	return 0;
}

/* Fills in the epoch's results and makes it part of the history. */
static int finish_epoch(struct mho_nn_trainer *t)
{
	struct mho_nn_epoch e = t->now;
	int err = 0;

	no_results(&e);
	e.rate = mho_nn_schedule_rate(&t->schedule.s, t->epoch);
	e.loss = t->score.loss;
	e.accuracy = share(&t->score);
	if (t->test)
		err = test(t, t->nn, &e.test_loss, &e.test_accuracy);
	if (!err && t->reference)
		err = train_reference(t, &e);
	if (!err && t->reference && t->test)
		err = test(t, t->reference, &e.reference_test_loss, &e.reference_test_accuracy);
	if (err)
		return err;
	t->history[t->epoch++] = e;
	t->sample = 0;
	memset(&t->now, 0, sizeof(t->now));
	return 0;
}

int mho_nn_trainer_run(struct mho_nn_trainer *t, mho_nn_progress_fn fn, void *arg)
{
	while (t->epoch < t->epochs) {
		int ret = train_metered(t, fn, arg);

		if (ret)
			return ret;
		ret = finish_epoch(t);
		if (ret)
			return ret;
		ret = tell(t, &t->history[t->epoch - 1], fn, arg);
		t->score = (struct mho_nn_score)MHO_INIT(struct mho_nn_score);
		if (ret)
			return ret;
	}
	return 0;
}

const struct mho_nn_epoch *mho_nn_trainer_history(const struct mho_nn_trainer *t, uint32_t *epochs)
{
	*epochs = t->epoch;
	return t->epoch ? t->history : NULL;
}

int mho_nn_trainer_extend(struct mho_nn_trainer *t, uint32_t epochs)
{
	struct mho_nn_epoch *history;

	if (epochs < t->epoch || epochs > NN_EPOCHS_MAX)
		return nn_error(-EINVAL, "%u epochs: %u are done already, %d are possible", epochs,
				t->epoch, NN_EPOCHS_MAX);
	history = realloc(t->history, (epochs + 1) * sizeof(*history));
	if (!history)
		return nn_no_memory();
	t->history = history;
	t->epochs = epochs;
	return 0;
}
