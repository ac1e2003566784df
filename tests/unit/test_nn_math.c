// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * libmho-nn without a device: activations, gradients of the float32 reference against finite
 * differences, schedules, order of samples, refusals.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nn/internal.h"

#define INPUTS 5
#define CLASSES 3
#define BATCH 4

static const struct mho_nn_layer layer_template = MHO_INIT(struct mho_nn_layer);

static struct mho_nn *make(uint32_t activation, uint64_t seed)
{
	struct mho_nn_layer layers[3] = { layer_template, layer_template, layer_template };
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	struct mho_nn *nn = NULL;

	layers[0].outputs = 7;
	layers[1].outputs = 6;
	layers[2].outputs = CLASSES;
	layers[0].activation = layers[1].activation = activation;
	layers[2].activation = MHO_NN_SOFTMAX;
	desc.inputs = INPUTS;
	desc.layers = 3;
	desc.layer = layers;
	desc.seed = seed;
	assert_int_equal(mho_nn_create(NULL, &desc, &nn), 0);
	return nn;
}

static void make_batch(float *x, int32_t *labels)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		for (uint32_t j = 0; j < INPUTS; j++)
			x[i * INPUTS + j] = 2.0f * nn_uniform(99, 1, i, j) - 1.0f;
		labels[i] = (int32_t)(i % CLASSES);
	}
}

static double loss_of(struct mho_nn *nn, const float *x, const int32_t *labels)
{
	struct mho_nn_score score = MHO_INIT(struct mho_nn_score);
	float y[BATCH * CLASSES];

	assert_int_equal(mho_nn_predict(nn, x, BATCH, y), 0);
	nn_cross_entropy(y, labels, NULL, BATCH, CLASSES, &score);
	assert_int_equal(score.count, BATCH);
	return score.loss / BATCH;
}

/* dL/dp by central differences, p one of the parameters @set writes back. */
static double slope(struct mho_nn *nn, uint32_t layer, float *w, float *bias, float *p,
		    const float *x, const int32_t *labels)
{
	const float eps = 1e-2f, at = *p;
	double up, down;

	*p = at + eps;
	assert_int_equal(mho_nn_set(nn, layer, w, bias), 0);
	up = loss_of(nn, x, labels);
	*p = at - eps;
	assert_int_equal(mho_nn_set(nn, layer, w, bias), 0);
	down = loss_of(nn, x, labels);
	*p = at;
	assert_int_equal(mho_nn_set(nn, layer, w, bias), 0);
	return (up - down) / (2.0 * (double)eps);
}

static void check_gradient(uint32_t activation)
{
	struct mho_nn *nn = make(activation, 3), *moved = make(activation, 3);
	float x[BATCH * INPUTS], w[64], bias[8], w2[64], bias2[8];
	int32_t labels[BATCH];
	double largest = 0.0;

	make_batch(x, labels);
	assert_int_equal(mho_nn_train_batch(moved, x, labels, BATCH, 1.0f, NULL), 0);
	for (uint32_t k = 0; k < 3; k++) {
		struct nn_layer *l = &nn->layer[k];

		assert_int_equal(mho_nn_get(nn, k, w, bias), 0);
		assert_int_equal(mho_nn_get(moved, k, w2, bias2), 0);
		for (uint32_t i = 0; i < l->outputs * l->inputs; i++) {
			double numeric = slope(nn, k, w, bias, &w[i], x, labels);

			assert_true(fabs(numeric - (double)(w[i] - w2[i])) < 2e-4);
			largest = fmax(largest, fabs(numeric));
		}
		for (uint32_t i = 0; i < l->outputs; i++) {
			double numeric = slope(nn, k, w, bias, &bias[i], x, labels);

			assert_true(fabs(numeric - (double)(bias[i] - bias2[i])) < 2e-4);
		}
	}
	/* Else 2e-4 would say nothing. */
	assert_true(largest > 0.05);
	mho_nn_destroy(nn);
	mho_nn_destroy(moved);
}

static void gradient_tanh(void **state)
{
	(void)state;
	check_gradient(MHO_NN_TANH);
}

static void gradient_sigmoid(void **state)
{
	(void)state;
	check_gradient(MHO_NN_SIGMOID);
}

static void gradient_linear(void **state)
{
	(void)state;
	check_gradient(MHO_NN_LINEAR);
}

/* Finite differences do not fit ReLU's edge: its derivative is compared directly. */
static void gradient_relu(void **state)
{
	const float a[4] = { 0.0f, 0.5f, 0.0f, 2.0f };
	float d[4] = { 1.0f, 2.0f, -3.0f, -4.0f };

	(void)state;
	nn_derive(MHO_NN_RELU, a, d, 2, 2);
	assert_true(d[0] == 0.0f && d[1] == 2.0f && d[2] == 0.0f && d[3] == -4.0f);
}

static void activations(void **state)
{
	const float z[3] = { -1.0f, 0.0f, 2.0f }, bias[3] = { 0.5f, 0.0f, -1.0f };
	float a[3];

	(void)state;
	nn_activate(MHO_NN_RELU, z, bias, a, 1, 3);
	assert_true(a[0] == 0.0f && a[1] == 0.0f && a[2] == 1.0f);
	nn_activate(MHO_NN_TANH, z, bias, a, 1, 3);
	assert_true(fabsf(a[0] - tanhf(-0.5f)) < 1e-6f && fabsf(a[2] - tanhf(1.0f)) < 1e-6f);
	nn_activate(MHO_NN_SIGMOID, z, bias, a, 1, 3);
	assert_true(fabsf(a[1] - 0.5f) < 1e-6f && fabsf(a[2] - 0.7310586f) < 1e-6f);
	nn_activate(MHO_NN_LINEAR, z, bias, a, 1, 3);
	assert_true(a[0] == -0.5f && a[2] == 1.0f);
	nn_activate(MHO_NN_SOFTMAX, z, bias, a, 1, 3);
	assert_true(fabsf(a[0] + a[1] + a[2] - 1.0f) < 1e-6f);
	assert_true(fabsf(a[2] / a[1] - expf(1.0f)) < 1e-5f);
}

static void softmax_of_large_numbers(void **state)
{
	const float z[3] = { 1000.0f, 0.0f, -1000.0f }, bias[3] = { 0 };
	struct mho_nn_score score = MHO_INIT(struct mho_nn_score);
	const int32_t label = 2;
	float a[3];

	(void)state;
	nn_activate(MHO_NN_SOFTMAX, z, bias, a, 1, 3);
	assert_true(a[0] == 1.0f && a[2] == 0.0f);
	nn_cross_entropy(a, &label, NULL, 1, 3, &score);
	assert_true(isfinite(score.loss) && score.loss > 80.0);
	assert_int_equal(score.correct, 0);
}

static void initial_weights(void **state)
{
	struct mho_nn *one = make(MHO_NN_TANH, 1), *same = make(MHO_NN_TANH, 1);
	struct mho_nn *other = make(MHO_NN_TANH, 2);
	float w[35], w_same[35], w_other[35], largest = 0.0f;

	(void)state;
	mho_nn_get(one, 0, w, NULL);
	mho_nn_get(same, 0, w_same, NULL);
	mho_nn_get(other, 0, w_other, NULL);
	assert_memory_equal(w, w_same, sizeof(w));
	assert_memory_not_equal(w, w_other, sizeof(w));
	for (uint32_t i = 0; i < 35; i++)
		largest = fmaxf(largest, fabsf(w[i]));
	assert_true(largest <= 1.0f / sqrtf(INPUTS) && largest > 0.8f / sqrtf(INPUTS));
	mho_nn_destroy(one);
	mho_nn_destroy(same);
	mho_nn_destroy(other);
}

static void random_numbers(void **state)
{
	double sum = 0.0, square = 0.0;
	const uint32_t n = 100000;

	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		float u = nn_uniform(7, NN_STREAM_WEIGHTS, 0, i);

		assert_true(u >= 0.0f && u < 1.0f);
		sum += u;
		square += (double)u * u;
	}
	/* Five standard errors of mean (sqrt(1/12n)) and of mean square (sqrt(4/45n)). */
	assert_true(fabs(sum / n - 0.5) < 5.0 * sqrt(1.0 / 12.0 / n));
	assert_true(fabs(square / n - 1.0 / 3.0) < 5.0 * sqrt(4.0 / 45.0 / n));
	assert_true(nn_uniform(7, 1, 0, 5) != nn_uniform(8, 1, 0, 5));
	assert_true(nn_uniform(7, 1, 0, 5) != nn_uniform(7, 2, 0, 5));
	assert_true(nn_uniform(7, 1, 0, 5) != nn_uniform(7, 1, 1, 5));
}

static void permutations(void **state)
{
	uint32_t order[1000], again[1000], place[1000] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		order[i] = again[i] = i;
	nn_permute(order, 1000, 5, NN_STREAM_ORDER, 3);
	nn_permute(again, 1000, 5, NN_STREAM_ORDER, 3);
	assert_memory_equal(order, again, sizeof(order));
	for (uint32_t i = 0; i < 1000; i++)
		place[order[i]]++;
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(place[i], 1);
	nn_permute(again, 1000, 5, NN_STREAM_ORDER, 4);
	assert_memory_not_equal(order, again, sizeof(order));
}

/* Each of 4 things is first in a quarter of the permutations. */
static void permutations_are_uniform(void **state)
{
	const uint32_t n = 20000;
	uint32_t first[4] = { 0 };

	(void)state;
	for (uint32_t e = 0; e < n; e++) {
		uint32_t order[4] = { 0, 1, 2, 3 };

		nn_permute(order, 4, 1, NN_STREAM_ORDER, e);
		first[order[0]]++;
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_true(fabs(first[i] - n / 4.0) < 5.0 * sqrt(n * 0.25 * 0.75));
}

static void schedules(void **state)
{
	struct mho_nn_rate table[] = { { 0, 0.3f }, { 10, 0.2f }, { 20, 0.1f } };
	struct mho_nn_schedule s = MHO_INIT(struct mho_nn_schedule);

	(void)state;
	s.rate = 0.5f;
	assert_int_equal(mho_nn_schedule_check(&s), 0);
	assert_true(mho_nn_schedule_rate(&s, 100) == 0.5f);
	s.decay = MHO_NN_DECAY_EPOCH;
	s.factor = 0.5f;
	assert_true(mho_nn_schedule_rate(&s, 0) == 0.5f);
	assert_true(fabsf(mho_nn_schedule_rate(&s, 3) - 0.0625f) < 1e-7f);
	s.decay = MHO_NN_DECAY_STEP;
	assert_int_equal(mho_nn_schedule_check(&s), -EINVAL);
	s.every = 4;
	assert_int_equal(mho_nn_schedule_check(&s), 0);
	assert_true(mho_nn_schedule_rate(&s, 3) == 0.5f);
	assert_true(fabsf(mho_nn_schedule_rate(&s, 4) - 0.25f) < 1e-7f);
	s.decay = MHO_NN_DECAY_TABLE;
	assert_int_equal(mho_nn_schedule_check(&s), -EINVAL);
	s.table = table;
	s.entries = 3;
	assert_int_equal(mho_nn_schedule_check(&s), 0);
	assert_true(mho_nn_schedule_rate(&s, 9) == 0.3f);
	assert_true(mho_nn_schedule_rate(&s, 10) == 0.2f);
	assert_true(mho_nn_schedule_rate(&s, 1000) == 0.1f);
}

static void bad_schedules(void **state)
{
	struct mho_nn_rate table[] = { { 0, 0.3f }, { 10, NAN } };
	struct mho_nn_schedule s = MHO_INIT(struct mho_nn_schedule);

	(void)state;
	s.rate = -1.0f;
	assert_int_equal(mho_nn_schedule_check(&s), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "-1"));
	s.rate = INFINITY;
	assert_int_equal(mho_nn_schedule_check(&s), -EINVAL);
	s.decay = MHO_NN_DECAY_TABLE;
	s.table = table;
	s.entries = 2;
	assert_int_equal(mho_nn_schedule_check(&s), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "epoch 10"));
	table[1].epoch = 0;
	assert_int_equal(mho_nn_schedule_check(&s), -EINVAL);
	table[0].epoch = 1;
	assert_int_equal(mho_nn_schedule_check(&s), -EINVAL);
	s.size = 1;
	assert_int_equal(mho_nn_schedule_check(&s), -EINVAL);
}

static int create(const struct mho_nn_desc *desc)
{
	struct mho_nn *nn = NULL;
	int ret = mho_nn_create(NULL, desc, &nn);

	mho_nn_destroy(nn);
	return ret;
}

static void bad_networks(void **state)
{
	struct mho_nn_layer layers[2] = { layer_template, layer_template };
	struct mho_nn_desc good = MHO_INIT(struct mho_nn_desc), desc;

	(void)state;
	layers[0].outputs = layers[1].outputs = 2;
	good.inputs = 2;
	good.layers = 2;
	good.layer = layers;
	assert_int_equal(create(&good), 0);
	assert_int_equal(create(NULL), -EINVAL);
	desc = good;
	desc.size--;
	assert_int_equal(create(&desc), -EINVAL);
	desc = good;
	desc.inputs = 0;
	assert_int_equal(create(&desc), -EINVAL);
	desc = good;
	desc.layers = MHO_NN_LAYERS_MAX + 1;
	assert_int_equal(create(&desc), -EINVAL);
	desc = good;
	desc.flags = 2;
	assert_int_equal(create(&desc), -EINVAL);
	desc = good;
	desc.name = "a name of more than twenty-four bytes";
	assert_int_equal(create(&desc), -EINVAL);
	desc = good;
	desc.tolerance = NAN;
	assert_int_equal(create(&desc), -EINVAL);
	layers[0].activation = MHO_NN_SOFTMAX;
	assert_int_equal(create(&good), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "layer 0"));
	layers[0].activation = 77;
	assert_int_equal(create(&good), -EINVAL);
	layers[0].activation = MHO_NN_RELU;
	layers[1].outputs = 0;
	assert_int_equal(create(&good), -EINVAL);
	layers[1].outputs = 2;
	layers[1].scale = -1.0f;
	assert_int_equal(create(&good), -EINVAL);
}

static void bad_values(void **state)
{
	struct mho_nn *nn = make(MHO_NN_TANH, 1);
	float x[BATCH * INPUTS], y[BATCH * CLASSES], w[35], before[35], bias[7] = { 0 };
	int32_t labels[BATCH];

	(void)state;
	make_batch(x, labels);
	assert_int_equal(mho_nn_get(nn, 0, before, NULL), 0);
	x[INPUTS + 2] = NAN;
	assert_int_equal(mho_nn_predict(nn, x, BATCH, y), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "value 2 of sample 1"));
	assert_int_equal(mho_nn_train_batch(nn, x, labels, BATCH, 0.1f, NULL), -EINVAL);
	x[INPUTS + 2] = 0.0f;
	labels[3] = CLASSES;
	assert_int_equal(mho_nn_train_batch(nn, x, labels, BATCH, 0.1f, NULL), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "sample 3 has the label 3"));
	labels[3] = -1;
	assert_int_equal(mho_nn_train_batch(nn, x, labels, BATCH, 0.1f, NULL), -EINVAL);
	labels[3] = 0;
	assert_int_equal(mho_nn_train_batch(nn, x, labels, 0, 0.1f, NULL), -EINVAL);
	assert_int_equal(mho_nn_train_batch(nn, x, labels, BATCH, -0.1f, NULL), -EINVAL);
	assert_int_equal(mho_nn_get(nn, 3, w, NULL), -EINVAL);
	memcpy(w, before, sizeof(w));
	w[6] = INFINITY;
	assert_int_equal(mho_nn_set(nn, 0, w, NULL), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "row 1, column 1"));
	bias[3] = NAN;
	assert_int_equal(mho_nn_set(nn, 0, NULL, bias), -EINVAL);
	assert_int_equal(mho_nn_conductance(nn, 0, w), -EOPNOTSUPP);
	/* Nothing of this has changed anything. */
	assert_int_equal(mho_nn_get(nn, 0, w, NULL), 0);
	assert_memory_equal(w, before, sizeof(w));
	mho_nn_destroy(nn);
}

/* A network of several batches' worth of samples answers like one sample at a time. */
static void many_samples(void **state)
{
	struct mho_nn_layer layer = layer_template;
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	float x[30], all[20], one[2];
	struct mho_nn *nn;

	(void)state;
	layer.outputs = 2;
	layer.activation = MHO_NN_TANH;
	desc.inputs = 3;
	desc.layers = 1;
	desc.layer = &layer;
	desc.batch_max = 4;
	assert_int_equal(mho_nn_create(NULL, &desc, &nn), 0);
	for (uint32_t i = 0; i < 30; i++)
		x[i] = nn_uniform(4, 1, 0, i);
	assert_int_equal(mho_nn_predict(nn, x, 10, all), 0);
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(mho_nn_predict(nn, x + 3 * i, 1, one), 0);
		assert_true(fabsf(one[0] - all[2 * i]) < 1e-6f);
		assert_true(fabsf(one[1] - all[2 * i + 1]) < 1e-6f);
	}
	mho_nn_destroy(nn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(activations),	   cmocka_unit_test(softmax_of_large_numbers),
		cmocka_unit_test(gradient_tanh),   cmocka_unit_test(gradient_sigmoid),
		cmocka_unit_test(gradient_linear), cmocka_unit_test(gradient_relu),
		cmocka_unit_test(initial_weights), cmocka_unit_test(random_numbers),
		cmocka_unit_test(permutations),	   cmocka_unit_test(permutations_are_uniform),
		cmocka_unit_test(schedules),	   cmocka_unit_test(bad_schedules),
		cmocka_unit_test(bad_networks),	   cmocka_unit_test(bad_values),
		cmocka_unit_test(many_samples),
	};

	return cmocka_run_group_tests_name("nn math", tests, NULL, NULL);
}
