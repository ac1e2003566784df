// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Training on the emulated device: what the ideal technology learns beside float32, what a noisy
 * one learns, determinism, cost and wear, checkpoints of weights that stay on the device.
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
#include <unistd.h>

#include <cmocka.h>

#include "nn_task.h"
#include "scratch.h"

#define IDEAL "emu:small?tech=ideal&seed=3"
#define NOISY "emu:small?tech=protonic-ns&seed=3"
#define HIDDEN 10

struct bench {
	struct mho_dev *dev;
	struct mho_nn_data *train;
	struct mho_nn_data *test;
	struct mho_nn *nn;
	struct mho_nn *reference;
	struct mho_nn_trainer *trainer;
};

static struct mho_dev *open_device(const char *uri)
{
	struct mho_dev *dev = NULL;

	if (mho_open(uri, NULL, &dev))
		fail_msg("%s: %s", uri, mho_last_error());
	return dev;
}

static void build(struct bench *b, const char *uri, uint32_t epochs, float rate)
{
	b->dev = open_device(uri);
	b->train = task_moons(260, 5);
	assert_int_equal(mho_nn_data_split(b->train, 60, &b->test), 0);
	b->nn = task_network(b->dev, HIDDEN, 1, NULL);
	b->reference = task_network(NULL, HIDDEN, 1, NULL);
	b->trainer = task_trainer(b->nn, b->reference, b->train, b->test, epochs, rate);
}

static void unbuild(struct bench *b)
{
	mho_nn_trainer_destroy(b->trainer);
	mho_nn_destroy(b->reference);
	mho_nn_destroy(b->nn);
	mho_close(b->dev);
	mho_nn_data_free(b->train);
	mho_nn_data_free(b->test);
}

static void run(struct mho_nn_trainer *t)
{
	if (mho_nn_trainer_run(t, NULL, NULL))
		fail_msg("%s", mho_nn_last_error());
}

static const struct mho_nn_epoch *last_epoch(struct mho_nn_trainer *t)
{
	uint32_t n;
	const struct mho_nn_epoch *h = mho_nn_trainer_history(t, &n);

	assert_true(n > 0);
	return &h[n - 1];
}

/* Exact products: what differs from float32 is the order of sums. */
static void ideal_products(void **state)
{
	float x[20], device[20], host[20];
	struct bench b;

	(void)state;
	build(&b, IDEAL, 1, 0.1f);
	for (int i = 0; i < 20; i++)
		x[i] = (float)((i * 7) % 11) / 11.0f - 0.4f;
	assert_int_equal(mho_nn_predict(b.nn, x, 10, device), 0);
	assert_int_equal(mho_nn_predict(b.reference, x, 10, host), 0);
	for (int i = 0; i < 20; i++)
		assert_true(fabsf(device[i] - host[i]) < 1e-3f);
	unbuild(&b);
}

static void learns_like_float32(void **state)
{
	const struct mho_nn_epoch *e;
	struct bench b;

	(void)state;
	build(&b, IDEAL, 25, 0.3f);
	run(b.trainer);
	e = last_epoch(b.trainer);
	assert_true(e->reference_test_accuracy > 0.9);
	assert_true(e->test_accuracy >= e->reference_test_accuracy - 0.05);
	assert_true(fabs(e->loss - e->reference_loss) < 0.1);
	unbuild(&b);
}

static void learns_with_noise(void **state)
{
	const struct mho_nn_epoch *e;
	uint32_t n;
	struct bench b;

	(void)state;
	build(&b, NOISY, 25, 0.3f);
	run(b.trainer);
	e = mho_nn_trainer_history(b.trainer, &n);
	assert_int_equal(n, 25);
	assert_true(e[n - 1].test_accuracy > 0.85);
	assert_true(e[n - 1].loss < 0.7 * e[0].loss);
	unbuild(&b);
}

static void learns_exclusive_or(void **state)
{
	struct mho_dev *dev = open_device(IDEAL);
	struct mho_nn_data *data = task_xor(10);
	struct mho_nn *nn = task_network(dev, 8, 2, NULL);
	struct mho_nn_trainer *t = task_trainer(nn, NULL, data, NULL, 40, 0.3f);
	struct mho_nn_score score;

	(void)state;
	run(t);
	assert_true(isnan(last_epoch(t)->test_accuracy));
	assert_true(isnan(last_epoch(t)->reference_loss));
	assert_int_equal(mho_nn_evaluate(nn, data, NULL, NULL, &score), 0);
	assert_int_equal(score.count, 40);
	assert_int_equal(score.correct, 40);
	mho_nn_trainer_destroy(t);
	mho_nn_destroy(nn);
	mho_nn_data_free(data);
	mho_close(dev);
}

static void assert_same_networks(struct mho_nn *a, struct mho_nn *b)
{
	float wa[HIDDEN * 2] = { 0 }, wb[HIDDEN * 2] = { 0 };
	float ba[HIDDEN] = { 0 }, bb[HIDDEN] = { 0 };

	for (uint32_t k = 0; k < 2; k++) {
		assert_int_equal(mho_nn_get(a, k, wa, ba), 0);
		assert_int_equal(mho_nn_get(b, k, wb, bb), 0);
		assert_memory_equal(wa, wb, sizeof(wa));
		assert_memory_equal(ba, bb, sizeof(ba));
	}
}

static void same_seeds_same_bits(void **state)
{
	struct bench a, b;
	uint32_t na, nb;
	const struct mho_nn_epoch *ha, *hb;

	(void)state;
	build(&a, NOISY "&threads=1", 3, 0.2f);
	build(&b, NOISY "&threads=2", 3, 0.2f);
	run(a.trainer);
	run(b.trainer);
	ha = mho_nn_trainer_history(a.trainer, &na);
	hb = mho_nn_trainer_history(b.trainer, &nb);
	assert_int_equal(na, nb);
	for (uint32_t i = 0; i < na; i++) {
		assert_true(ha[i].loss == hb[i].loss);
		assert_true(ha[i].test_loss == hb[i].test_loss);
		assert_int_equal(ha[i].pulses, hb[i].pulses);
	}
	assert_same_networks(a.nn, b.nn);
	unbuild(&a);
	unbuild(&b);
}

static void other_seed_other_bits(void **state)
{
	struct bench a, b;

	(void)state;
	build(&a, "emu:small?tech=protonic-ns&seed=3", 1, 0.2f);
	build(&b, "emu:small?tech=protonic-ns&seed=4", 1, 0.2f);
	run(a.trainer);
	run(b.trainer);
	assert_true(last_epoch(a.trainer)->loss != last_epoch(b.trainer)->loss);
	assert_true(last_epoch(a.trainer)->reference_loss == last_epoch(b.trainer)->reference_loss);
	unbuild(&a);
	unbuild(&b);
}

static void cost_and_wear(void **state)
{
	struct mho_nn_cost before = MHO_INIT(struct mho_nn_cost), after = before;
	struct mho_nn_wear fresh = MHO_INIT(struct mho_nn_wear), used = fresh;
	struct bench b;
	float g[HIDDEN * 2];
	uint64_t pulses;

	(void)state;
	build(&b, NOISY, 2, 0.2f);
	assert_int_equal(mho_nn_cost_get(b.nn, &before), 0);
	assert_int_equal(mho_nn_wear_get(b.nn, &fresh), 0);
	run(b.trainer);
	assert_int_equal(mho_nn_cost_get(b.nn, &after), 0);
	assert_int_equal(mho_nn_wear_get(b.nn, &used), 0);

	pulses = after.pulses - before.pulses;
	assert_true(pulses > 0);
	assert_int_equal(fresh.cells, HIDDEN * 4);
	/* What jobs say and what the cells have counted is the same. */
	assert_true(fabs((used.mean - fresh.mean) * (double)used.cells - (double)pulses) < 0.5);
	assert_true(used.max >= used.mean && used.endurance > 0);

	/* 200 samples forward and 1 of 2 layers back, 60 held out, two epochs. */
	assert_int_equal(after.vectors - before.vectors, 2 * (200 * 3 + 60 * 2));
	assert_true(after.forward_ns > 0 && after.backward_ns > 0 && after.update_ns > 0);
	assert_int_equal(after.time_ns, after.forward_ns + after.backward_ns + after.update_ns);
	assert_true(after.energy_fj > before.energy_fj);
	assert_true(last_epoch(b.trainer)->device_ns > 0);
	assert_true(last_epoch(b.trainer)->device_ns < after.time_ns - before.time_ns);

	assert_int_equal(mho_nn_conductance(b.nn, 0, g), 0);
	for (uint32_t i = 0; i < HIDDEN * 2; i++)
		assert_true(g[i] > 1.0f && g[i] < 300.0f);

	assert_int_equal(mho_nn_cost_get(b.reference, &after), 0);
	assert_int_equal(after.time_ns, 0);
	unbuild(&b);
}

/* ---- checkpoints ---- */

struct kept {
	char dir[256];
	char uri[400];
	char path[300];
};

static void make_kept(struct kept *k)
{
	assert_int_equal(scratch_dir(k->dir, sizeof(k->dir), "nn-train"), 0);
	snprintf(k->uri, sizeof(k->uri), "emu:small?tech=protonic-ns&seed=3&state=%s/state",
		 k->dir);
	snprintf(k->path, sizeof(k->path), "%s/a.ckpt", k->dir);
}

static void remove_kept(struct kept *k)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", k->dir);
	assert_int_equal(system(command), 0);
}

static struct mho_nn_checkpoint *load(const char *path)
{
	struct mho_nn_checkpoint *ckpt = NULL;

	if (mho_nn_checkpoint_open(path, &ckpt))
		fail_msg("%s", mho_nn_last_error());
	return ckpt;
}

static int stop_after(const struct mho_nn_progress *p, void *arg)
{
	int *left = arg;

	return !p->done && --*left == 0 ? 7 : 0;
}

static void build_named(struct bench *b, const char *uri)
{
	build(b, uri, 4, 0.2f);
	mho_nn_trainer_destroy(b->trainer);
	mho_nn_destroy(b->nn);
	b->nn = task_network(b->dev, HIDDEN, 1, "moons");
	b->trainer = task_trainer(b->nn, b->reference, b->train, b->test, 4, 0.2f);
}

/* Stops in the second epoch, saves, power goes off. */
static void begin(const struct kept *k)
{
	int batches = 40 + 13;
	struct bench b;

	build_named(&b, k->uri);
	assert_int_equal(mho_nn_trainer_run(b.trainer, stop_after, &batches), 7);
	if (mho_nn_trainer_save(b.trainer, k->path, NULL))
		fail_msg("%s", mho_nn_last_error());
	unbuild(&b);
}

/* Goes on from the checkpoint to the end on @uri. Return: how the weights were restored. */
static int go_on(const struct kept *k, const char *uri, struct bench *b)
{
	struct mho_nn_checkpoint *ckpt = load(k->path);
	int restored;

	b->dev = open_device(uri);
	b->train = task_moons(260, 5);
	assert_int_equal(mho_nn_data_split(b->train, 60, &b->test), 0);
	restored = mho_nn_create_from(b->dev, ckpt, 0, 64, &b->nn);
	if (restored < 0)
		fail_msg("%s", mho_nn_last_error());
	assert_int_equal(mho_nn_create_from(NULL, ckpt, 1, 64, &b->reference), 0);
	assert_int_equal(mho_nn_trainer_resume(b->nn, b->reference, b->train, b->test, ckpt,
					       &b->trainer),
			 0);
	mho_nn_checkpoint_close(ckpt);
	run(b->trainer);
	return restored;
}

static void weights_stay_on_device(void **state)
{
	struct kept k;
	struct bench b;
	uint32_t n;

	(void)state;
	make_kept(&k);
	begin(&k);
	assert_int_equal(go_on(&k, k.uri, &b), MHO_NN_FOUND);
	mho_nn_trainer_history(b.trainer, &n);
	assert_int_equal(n, 4);
	assert_true(last_epoch(b.trainer)->loss < 0.6);
	unbuild(&b);

	/* The device has gone on since: its weights are not the checkpoint's any more. */
	assert_int_equal(go_on(&k, k.uri, &b), MHO_NN_PROGRAMMED);
	unbuild(&b);
	remove_kept(&k);
}

static void another_device_is_programmed(void **state)
{
	struct kept k;
	struct bench b;

	(void)state;
	make_kept(&k);
	begin(&k);
	assert_int_equal(go_on(&k, "emu:small?tech=protonic-ns&seed=9", &b), MHO_NN_PROGRAMMED);
	assert_true(last_epoch(b.trainer)->loss < 0.6);
	unbuild(&b);
	remove_kept(&k);
}

static void names(void **state)
{
	struct mho_nn_layer layer = MHO_INIT(struct mho_nn_layer);
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	struct mho_dev *dev = open_device(IDEAL);
	struct mho_nn *nn = NULL, *again = NULL;

	(void)state;
	layer.outputs = 3;
	layer.activation = MHO_NN_SOFTMAX;
	desc.inputs = 4;
	desc.layers = 1;
	desc.layer = &layer;
	desc.name = "same";
	assert_int_equal(mho_nn_create(dev, &desc, &nn), 0);
	mho_nn_destroy(nn);
	assert_int_equal(mho_nn_create(dev, &desc, &again), -EEXIST);
	assert_null(again);
	desc.flags = MHO_NN_REPLACE;
	assert_int_equal(mho_nn_create(dev, &desc, &again), 0);
	mho_nn_destroy(again);
	mho_close(dev);
}

/* The small card has 4 tiles of 16 x 16. */
static void too_large(void **state)
{
	struct mho_nn_layer layer = MHO_INIT(struct mho_nn_layer);
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	struct mho_dev *dev = open_device(IDEAL);
	struct mho_nn *nn = NULL;

	(void)state;
	layer.outputs = 50;
	layer.activation = MHO_NN_SOFTMAX;
	desc.inputs = 50;
	desc.layers = 1;
	desc.layer = &layer;
	assert_int_equal(mho_nn_create(dev, &desc, &nn), -ENOSPC);
	assert_null(nn);
	assert_non_null(strstr(mho_nn_last_error(), "layer 0 of 50 x 50"));
	/* All is given back: it fits what fits. */
	layer.outputs = 30;
	desc.inputs = 30;
	assert_int_equal(mho_nn_create(dev, &desc, &nn), 0);
	mho_nn_destroy(nn);
	mho_close(dev);
}

static uint32_t tiles_free(struct mho_dev *dev)
{
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);

	assert_int_equal(mho_telemetry_get(dev, &t), 0);
	return t.tiles_free;
}

/* The first layer fits, the second does not: a name does not keep the first one. */
static void half_a_network(void **state)
{
	struct mho_nn_layer layers[2] = { MHO_INIT(struct mho_nn_layer),
					  MHO_INIT(struct mho_nn_layer) };
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	struct mho_dev *dev = open_device(IDEAL);
	uint32_t before = tiles_free(dev);
	struct mho_mat *mat = NULL;
	struct mho_nn *nn = NULL;

	(void)state;
	layers[0].outputs = 20;
	layers[1].outputs = 40;
	layers[1].activation = MHO_NN_SOFTMAX;
	desc.inputs = 4;
	desc.layers = 2;
	desc.layer = layers;
	desc.name = "half";
	assert_int_equal(mho_nn_create(dev, &desc, &nn), -ENOSPC);
	assert_null(nn);
	assert_int_equal(mho_mat_find(dev, "half.0", &mat), -ENOENT);
	assert_int_equal(tiles_free(dev), before);
	/* The second one's name is taken, by somebody else: that one stays. */
	layers[1].outputs = 3;
	assert_int_equal(mho_nn_create(dev, &desc, &nn), 0);
	mho_nn_destroy(nn);
	assert_int_equal(mho_mat_find(dev, "half.0", &mat), 0);
	mho_mat_delete(mat);
	assert_int_equal(mho_nn_create(dev, &desc, &nn), -EEXIST);
	assert_int_equal(mho_mat_find(dev, "half.0", &mat), -ENOENT);
	assert_int_equal(mho_mat_find(dev, "half.1", &mat), 0);
	mho_mat_free(mat);
	mho_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ideal_products),
		cmocka_unit_test(learns_like_float32),
		cmocka_unit_test(learns_with_noise),
		cmocka_unit_test(learns_exclusive_or),
		cmocka_unit_test(same_seeds_same_bits),
		cmocka_unit_test(other_seed_other_bits),
		cmocka_unit_test(cost_and_wear),
		cmocka_unit_test(weights_stay_on_device),
		cmocka_unit_test(another_device_is_programmed),
		cmocka_unit_test(names),
		cmocka_unit_test(too_large),
		cmocka_unit_test(half_a_network),
	};

	return cmocka_run_group_tests_name("nn train", tests, NULL, NULL);
}
