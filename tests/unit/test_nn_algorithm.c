// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Algorithms: their texts; on ideal cells each beside its equations in binary64; what they do for
 * cells on which gradient descent fails; going on from a checkpoint.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/internal.h"
#include "nn_task.h"
#include "scratch.h"

#define IDEAL "emu:small?tech=ideal&seed=3"
#define UNEQUAL "emu:small?tech=softbounds-tau&seed=3"

static struct mho_dev *open_device(const char *uri)
{
	struct mho_dev *dev = NULL;

	if (mho_open(uri, NULL, &dev))
		fail_msg("%s: %s", uri, mho_last_error());
	return dev;
}

static struct mho_nn_algorithm parse(const char *text)
{
	struct mho_nn_algorithm a = MHO_INIT(struct mho_nn_algorithm);

	if (mho_nn_algorithm_parse(text, &a))
		fail_msg("%s: %s", text, mho_nn_last_error());
	return a;
}

/* ---- texts ---- */

static void good_texts(void **state)
{
	struct mho_nn_algorithm a;

	(void)state;
	assert_int_equal(parse("sgd").kind, MHO_NN_SGD);
	a = parse("tiki-taka");
	assert_int_equal(a.kind, MHO_NN_TIKI_TAKA);
	assert_true(a.size == sizeof(a) && !a.every && !a.columns && a.fast_rate == 0.0f);
	a = parse("tiki-taka:columns=3:fast-rate=1e-2:every=7:transfer-rate=0.5");
	assert_true(a.columns == 3 && a.every == 7);
	assert_true(a.fast_rate == 0.01f && a.transfer_rate == 0.5f);
}

/* The message names what is wrong, and nothing is written. */
static void bad_texts(void **state)
{
	static const struct {
		const char *text;
		const char *named;
	} bad[] = {
		{ NULL, "missing" },
		{ "", "\"\"" },
		{ "adam", "\"adam\"" },
		{ "sgd:every=1", "\"every\"" },
		{ "mixed:fast-rate=1", "\"fast-rate\"" },
		{ "tiki-taka-2:chop=0.1", "\"chop\"" },
		{ "agad:tail=0", "tail=0" },
		{ "tiki-taka:", "\"\"" },
		{ "tiki-taka:rate=1", "\"rate\"" },
		{ "tiki-taka:every", "every=" },
		{ "tiki-taka:every=", "every=" },
		{ "tiki-taka:every=0", "every=0" },
		{ "tiki-taka:every=1.5", "every=1.5" },
		{ "tiki-taka:every=5000000000", "every=5000000000" },
		{ "tiki-taka:fast-rate=-1", "fast-rate=-1" },
		{ "tiki-taka:fast-rate=nan", "fast-rate=nan" },
		{ "tiki-taka:fast-rate=1x", "fast-rate=1x" },
	};
	struct mho_nn_algorithm a = { .kind = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(mho_nn_algorithm_parse(bad[i].text, &a), -EINVAL);
		if (!strstr(mho_nn_last_error(), bad[i].named))
			fail_msg("\"%s\": %s", bad[i].text, mho_nn_last_error());
		assert_int_equal(a.kind, 77);
	}
}

static void bad_descriptions(void **state)
{
	struct mho_nn_algorithm bad[] = {
		{ .size = 3 },
		{ .size = sizeof(bad[0]), .kind = 99 },
		{ .size = sizeof(bad[0]), .kind = MHO_NN_TIKI_TAKA, .fast_rate = -0.1f },
		{ .size = sizeof(bad[0]), .kind = MHO_NN_TIKI_TAKA, .transfer_rate = NAN },
	};
	struct mho_nn_layer layer = MHO_INIT(struct mho_nn_layer);
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	struct mho_dev *dev = open_device(IDEAL);
	struct mho_nn *nn;

	(void)state;
	layer.outputs = 2;
	layer.activation = MHO_NN_SOFTMAX;
	desc.inputs = 3;
	desc.layers = 1;
	desc.layer = &layer;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		desc.algorithm = &bad[i];
		assert_int_equal(mho_nn_create(dev, &desc, &nn), -EINVAL);
		assert_non_null(strstr(mho_nn_last_error(), "algorithm"));
	}
	mho_close(dev);
}

/* ---- equations ---- */

#define INPUTS 6
#define OUTPUTS 3
#define BATCH 4
#define BATCHES 40
#define RATE 0.3f

static struct mho_nn *one_layer(struct mho_dev *dev, const struct mho_nn_algorithm *algorithm)
{
	struct mho_nn_layer layer = MHO_INIT(struct mho_nn_layer);
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	struct mho_nn *nn = NULL;

	layer.outputs = OUTPUTS;
	layer.activation = MHO_NN_SOFTMAX;
	layer.scale = 8.0f;
	desc.inputs = INPUTS;
	desc.layers = 1;
	desc.layer = &layer;
	desc.seed = 5;
	desc.algorithm = algorithm;
	if (mho_nn_create(dev, &desc, &nn))
		fail_msg("%s", mho_nn_last_error());
	return nn;
}

static void make_batch(uint32_t number, float *x, int32_t *labels)
{
	for (uint32_t i = 0; i < BATCH * INPUTS; i++)
		x[i] = 2.0f * nn_uniform(17, NN_STREAM_ORDER, number, i) - 1.0f;
	/* Labels that a matrix can learn. */
	for (uint32_t i = 0; i < BATCH; i++) {
		const float *v = x + i * INPUTS;

		labels[i] = v[0] + v[1] > 0.3f ? 0 : v[2] > v[3] ? 1 : 2;
	}
}

/* d = softmax(W x + b) - label, of each sample. */
static void errors_of(const double *w, const double *b, const float *x, const int32_t *labels,
		      double *d)
{
	for (uint32_t s = 0; s < BATCH; s++) {
		double sum = 0;

		for (uint32_t i = 0; i < OUTPUTS; i++) {
			double z = b[i];

			for (uint32_t j = 0; j < INPUTS; j++)
				z += w[i * INPUTS + j] * (double)x[s * INPUTS + j];
			d[s * OUTPUTS + i] = exp(z);
			sum += exp(z);
		}
		for (uint32_t i = 0; i < OUTPUTS; i++) {
			d[s * OUTPUTS + i] /= sum;
			d[s * OUTPUTS + i] -= (int32_t)i == labels[s];
		}
	}
}

/* m -= rate * mean of d x^T */
static void descend(double *m, double rate, const double *d, const float *x)
{
	for (uint32_t s = 0; s < BATCH; s++)
		for (uint32_t i = 0; i < OUTPUTS; i++)
			for (uint32_t j = 0; j < INPUTS; j++)
				m[i * INPUTS + j] -= rate / BATCH * d[s * OUTPUTS + i] *
						     (double)x[s * INPUTS + j];
}

static void check_weights(struct mho_nn *nn, const double *w, const double *b)
{
	float got[OUTPUTS * INPUTS], bias[OUTPUTS];

	if (mho_nn_get(nn, 0, got, bias))
		fail_msg("%s", mho_nn_last_error());
	for (uint32_t i = 0; i < OUTPUTS * INPUTS; i++)
		if (fabs((double)got[i] - w[i]) > 1e-4)
			fail_msg("weight %u is %g, should be %g", i, (double)got[i], w[i]);
	for (uint32_t i = 0; i < OUTPUTS; i++)
		if (fabs((double)bias[i] - b[i]) > 1e-4)
			fail_msg("bias %u is %g, should be %g", i, (double)bias[i], b[i]);
}

/* What a training has beside its weights c and biases b. */
struct by_hand {
	double c[OUTPUTS * INPUTS];
	double b[OUTPUTS];
	double a[OUTPUTS * INPUTS];
	double h[OUTPUTS * INPUTS]; /* chi of mixed precision */
	double mean[OUTPUTS * INPUTS];
	double past[OUTPUTS * INPUTS];
	double chopper[INPUTS];
	uint32_t column;
	uint32_t sweep;
	double step;
};

/* What goes to a weight of what was read of A. */
static double moved(const struct mho_nn_algorithm *set, struct by_hand *t, uint32_t at, uint32_t j)
{
	double rate = (double)set->transfer_rate * (double)RATE, v = t->a[at], h, n;
	uint32_t period = (uint32_t)fmax(ceil(1 / (double)set->chop), 2);
	double share = fmin((double)set->tail / period, 1);

	if (set->kind == MHO_NN_TIKI_TAKA)
		return rate * v;
	if (set->kind == MHO_NN_AGAD) {
		v -= t->past[at];
		t->mean[at] = (1 - share) * t->mean[at] + share * t->a[at];
		if (t->sweep < period)
			v = 0;
	}
	if (set->kind != MHO_NN_TIKI_TAKA_2)
		v *= t->chopper[j];
	h = t->h[at] + rate * v / ((double)set->granularity * t->step);
	n = fmax(-1, fmin(1, trunc(h)));
	t->h[at] = n != 0 ? (double)set->momentum * h : h;
	return n * t->step;
}

static void chop_by_hand(const struct mho_nn_algorithm *set, struct by_hand *t, uint32_t j)
{
	uint32_t period = (uint32_t)fmax(ceil(1 / (double)set->chop), 2);
	bool change = false;

	if (set->kind == MHO_NN_AGAD)
		change = t->sweep % period == period - 1;
	if (set->kind == MHO_NN_CHOPPED)
		change = nn_uniform(5, NN_STREAM_CHOPPER, 0, (uint64_t)t->sweep * INPUTS + j) <
			 set->chop;
	if (!change)
		return;
	t->chopper[j] = -t->chopper[j];
	for (uint32_t i = 0; i < OUTPUTS; i++)
		t->past[i * INPUTS + j] = t->mean[i * INPUTS + j];
}

static void transfer_by_hand(const struct mho_nn_algorithm *set, struct by_hand *t)
{
	for (uint32_t k = 0; k < set->columns && t->column < INPUTS; k++, t->column++) {
		for (uint32_t i = 0; i < OUTPUTS; i++)
			t->c[i * INPUTS + t->column] +=
				moved(set, t, i * INPUTS + t->column, t->column);
		chop_by_hand(set, t, t->column);
	}
	t->sweep += t->column == INPUTS;
	t->column %= INPUTS;
}

/* chi, and its whole pulses to the weights. */
static void mixed_by_hand(const struct mho_nn_algorithm *set, struct by_hand *t, const double *d,
			  const float *x, bool due)
{
	double step = t->step * (double)set->granularity;

	for (uint32_t i = 0; i < OUTPUTS * INPUTS; i++)
		t->past[i] *= (double)set->momentum;
	descend(t->past, (double)RATE, d, x);
	for (uint32_t i = 0; i < OUTPUTS * INPUTS; i++) {
		double n;

		t->h[i] += t->past[i];
		n = due ? trunc(t->h[i] / step) : 0;
		t->h[i] -= n * step;
		t->c[i] += n * t->step;
	}
}

static void train_by_hand(const struct mho_nn_algorithm *set, struct by_hand *t)
{
	double d[BATCH * OUTPUTS];
	float x[BATCH * INPUTS];
	int32_t labels[BATCH];

	for (uint32_t j = 0; j < INPUTS; j++)
		t->chopper[j] = 1;
	for (uint32_t n = 0; n < BATCHES; n++) {
		bool due = (n + 1) % set->every == 0;

		make_batch(n, x, labels);
		errors_of(t->c, t->b, x, labels, d);
		for (uint32_t s = 0; s < BATCH; s++)
			for (uint32_t i = 0; i < OUTPUTS; i++)
				t->b[i] -= (double)RATE / BATCH * d[s * OUTPUTS + i];
		if (set->kind == MHO_NN_MIXED) {
			mixed_by_hand(set, t, d, x, due);
			continue;
		}
		for (uint32_t i = 0; i < BATCH * INPUTS; i++)
			x[i] *= (float)t->chopper[i % INPUTS];
		descend(t->a, (double)set->fast_rate, d, x);
		if (due)
			transfer_by_hand(set, t);
	}
}

static void is_its_equations(const char *text)
{
	struct mho_nn_algorithm set = parse(text);
	struct mho_dev *dev = open_device(IDEAL);
	struct mho_nn *nn = one_layer(dev, &set);
	float w[OUTPUTS * INPUTS], bias[OUTPUTS], x[BATCH * INPUTS], step;
	struct by_hand t = { 0 };
	int32_t labels[BATCH];

	assert_int_equal(mho_nn_get(nn, 0, w, bias), 0);
	for (uint32_t i = 0; i < OUTPUTS * INPUTS; i++)
		t.c[i] = (double)w[i];
	for (uint32_t i = 0; i < OUTPUTS; i++)
		t.b[i] = (double)bias[i];
	assert_int_equal(nn_device_step(nn, 0, NN_WEIGHTS, &step), 0);
	t.step = (double)step;
	for (uint32_t n = 0; n < BATCHES; n++) {
		make_batch(n, x, labels);
		if (mho_nn_train_batch(nn, x, labels, BATCH, RATE, NULL))
			fail_msg("%s", mho_nn_last_error());
	}
	/* With what the text does not say. */
	train_by_hand(&nn->learner.set, &t);
	print_message("%s\n", text);
	check_weights(nn, t.c, t.b);
	mho_nn_destroy(nn);
	mho_close(dev);
}

static void tiki_taka_is_its_equations(void **state)
{
	(void)state;
	is_its_equations("tiki-taka:fast-rate=0.2:transfer-rate=0.7");
	is_its_equations("tiki-taka:fast-rate=0.05:transfer-rate=2:every=3:columns=4");
	is_its_equations("tiki-taka:fast-rate=0.1:transfer-rate=0.1:columns=100");
}

static void buffered_ones_are_their_equations(void **state)
{
	(void)state;
	is_its_equations("tiki-taka-2:fast-rate=0.2:columns=3");
	is_its_equations(
		"tiki-taka-2:fast-rate=0.2:columns=100:granularity=3:momentum=0.7:every=2");
	is_its_equations("chopped:fast-rate=0.2:columns=6:chop=0.3");
	is_its_equations("chopped:fast-rate=0.2:columns=4:chop=0.9:momentum=0.5:transfer-rate=0.3");
	is_its_equations("agad:fast-rate=0.2:columns=6:chop=0.3:tail=1");
	is_its_equations("agad:fast-rate=0.3:columns=5:chop=0.5:tail=5:every=2");
}

static void mixed_precision_is_its_equations(void **state)
{
	(void)state;
	is_its_equations("mixed");
	is_its_equations("mixed:every=3:granularity=4");
	is_its_equations("mixed:momentum=0.8");
}

/* ---- cells with unequal steps ---- */

/* Share of right answers of a network that has learnt the task with batches of one. */
static double learn(const char *uri, const char *text, uint32_t epochs)
{
	struct mho_nn_algorithm set = parse(text);
	struct mho_dev *dev = open_device(uri);
	struct mho_nn *nn = one_layer(dev, &set);
	struct mho_nn_score score = MHO_INIT(struct mho_nn_score);
	float x[BATCH * INPUTS];
	int32_t labels[BATCH];

	for (uint32_t n = 0; n < epochs * 250; n++) {
		make_batch(n % 250, x, labels);
		/* The last epoch counts. */
		if (n == (epochs - 1) * 250)
			score = (struct mho_nn_score)MHO_INIT(struct mho_nn_score);
		if (mho_nn_train_batch(nn, x, labels, BATCH, 0.2f, &score))
			fail_msg("%s", mho_nn_last_error());
	}
	mho_nn_destroy(nn);
	mho_close(dev);
	return (double)score.correct / score.count;
}

/* 1000 samples of three classes, of which exact descent tells 94 % apart. */
static void tiki_taka_learns_where_descent_fails(void **state)
{
	double exact, descent, tiki_taka;

	(void)state;
	exact = learn(IDEAL, "sgd", 20);
	descent = learn(UNEQUAL, "sgd", 20);
	tiki_taka = learn(UNEQUAL, "tiki-taka:fast-rate=0.02:columns=6", 20);
	print_message("exact %.3f, descent %.3f, Tiki-Taka %.3f\n", exact, descent, tiki_taka);
	assert_true(exact > 0.92);
	assert_true(descent < exact - 0.07);
	assert_true(tiki_taka > descent + 0.025);
}

/* ---- checkpoints ---- */

static struct mho_nn *task_learner(struct mho_dev *dev, const struct mho_nn_algorithm *set)
{
	struct mho_nn_layer layers[2] = { MHO_INIT(struct mho_nn_layer),
					  MHO_INIT(struct mho_nn_layer) };
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	struct mho_nn *nn = NULL;

	layers[0].outputs = 5;
	layers[0].activation = MHO_NN_TANH;
	layers[1].outputs = 2;
	layers[1].activation = MHO_NN_SOFTMAX;
	layers[0].scale = layers[1].scale = 8.0f;
	desc.inputs = 2;
	desc.layers = 2;
	desc.layer = layers;
	desc.seed = 2;
	desc.batch_max = 64;
	desc.algorithm = set;
	if (mho_nn_create(dev, &desc, &nn))
		fail_msg("%s", mho_nn_last_error());
	return nn;
}

/* Stops within an epoch, and between two transfers. */
static int stop(const struct mho_nn_progress *p, void *arg)
{
	(void)arg;
	return p->epoch == 1 && p->sample == 35;
}

static void get_all(struct mho_nn *nn, float *w)
{
	assert_int_equal(mho_nn_get(nn, 0, w, NULL), 0);
	assert_int_equal(mho_nn_get(nn, 1, w + 10, NULL), 0);
}

static void goes_on(const char *text)
{
	struct mho_nn_algorithm set = parse(text);
	struct mho_dev *dev = open_device(IDEAL), *other = open_device(IDEAL);
	struct mho_nn_data *data = task_moons(60, 5);
	struct mho_nn_trainer *t, *u;
	struct mho_nn_checkpoint *c;
	struct mho_nn *nn, *again;
	char dir[256], path[300];
	float w[20], x[20];

	assert_int_equal(scratch_dir(dir, sizeof(dir), "nn-algorithm"), 0);
	snprintf(path, sizeof(path), "%s/a.ckpt", dir);
	nn = task_learner(dev, &set);
	t = task_trainer(nn, NULL, data, NULL, 4, 0.3f);
	assert_int_equal(mho_nn_trainer_run(t, stop, NULL), 1);
	assert_int_equal(mho_nn_trainer_save(t, path, NULL), 0);
	assert_int_equal(mho_nn_trainer_run(t, NULL, NULL), 0);
	get_all(nn, w);
	if (mho_nn_checkpoint_open(path, &c) ||
	    mho_nn_create_from(other, c, 0, 64, &again) != MHO_NN_PROGRAMMED ||
	    mho_nn_trainer_resume(again, NULL, data, NULL, c, &u))
		fail_msg("%s", mho_nn_last_error());
	assert_int_equal(mho_nn_trainer_run(u, NULL, NULL), 0);
	get_all(again, x);
	for (int i = 0; i < 20; i++)
		if (fabsf(w[i] - x[i]) > 1e-4f)
			fail_msg("%s: weight %d: %g, and %g after a checkpoint", text, i,
				 (double)w[i], (double)x[i]);
	mho_nn_checkpoint_close(c);
	mho_nn_trainer_destroy(u);
	mho_nn_destroy(again);
	mho_nn_trainer_destroy(t);
	mho_nn_destroy(nn);
	mho_nn_data_free(data);
	mho_close(other);
	mho_close(dev);
}

static void goes_on_from_a_checkpoint(void **state)
{
	static const char *const texts[] = {
		"tiki-taka:fast-rate=0.1:every=3", "tiki-taka-2:fast-rate=0.1:columns=2",
		"chopped:fast-rate=0.1:chop=0.5",  "agad:fast-rate=0.1:chop=0.5:columns=2",
		"mixed:momentum=0.5:every=3",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		goes_on(texts[i]);
}

/* Matrices of both kinds count for wear and cost; transfers do, too. */
static void transfers_cost(void **state)
{
	struct mho_nn_algorithm set = parse("tiki-taka:fast-rate=0.1"), sgd = parse("sgd");
	struct mho_nn_wear wear[2] = { MHO_INIT(struct mho_nn_wear), MHO_INIT(struct mho_nn_wear) };
	struct mho_nn_cost cost[2] = { MHO_INIT(struct mho_nn_cost), MHO_INIT(struct mho_nn_cost) };
	struct mho_dev *dev = open_device(UNEQUAL);
	float x[BATCH * INPUTS];
	int32_t labels[BATCH];

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct mho_nn *nn = one_layer(dev, k ? &set : &sgd);

		for (uint32_t n = 0; n < BATCHES; n++) {
			make_batch(n, x, labels);
			assert_int_equal(mho_nn_train_batch(nn, x, labels, BATCH, RATE, NULL), 0);
		}
		assert_int_equal(mho_nn_wear_get(nn, &wear[k]), 0);
		assert_int_equal(mho_nn_cost_get(nn, &cost[k]), 0);
		mho_nn_destroy(nn);
	}
	assert_int_equal(wear[0].cells, OUTPUTS * INPUTS);
	assert_int_equal(wear[1].cells, 2 * OUTPUTS * INPUTS);
	/* A transfer is an update of one vector, and a read. */
	assert_true(cost[1].update_ns > cost[0].update_ns);
	assert_true(cost[1].forward_ns == cost[0].forward_ns);
	mho_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_texts),
		cmocka_unit_test(bad_texts),
		cmocka_unit_test(bad_descriptions),
		cmocka_unit_test(tiki_taka_is_its_equations),
		cmocka_unit_test(buffered_ones_are_their_equations),
		cmocka_unit_test(mixed_precision_is_its_equations),
		cmocka_unit_test(tiki_taka_learns_where_descent_fails),
		cmocka_unit_test(goes_on_from_a_checkpoint),
		cmocka_unit_test(transfers_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
