// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Checkpoints: what is kept of a trainer and its networks, and going on from it. The file is
 * written by container.c, its text by checkpoint_json.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nn/checkpoint.h"

static size_t all_floats(const struct mho_nn_checkpoint *c)
{
	return c->network_floats * (c->reference ? 2 : 1) + c->learner_floats +
	       2 * (size_t)c->inputs;
}

static const float *learned(const struct mho_nn_checkpoint *c)
{
	return c->file.array + c->network_floats * (c->reference ? 2 : 1);
}

/* Values that an algorithm has beside the weights: matrices, and the host's. */
static size_t learner_floats(const struct nn_learner *learner, const struct nn_layer *layer,
			     uint32_t layers)
{
	size_t floats = 0;

	for (uint32_t k = 0; k < layers; k++) {
		floats += nn_weights(&layer[k]) * learner->kind->updated;
		if (learner->kind->floats && layer[k].rows)
			floats += learner->kind->floats(&layer[k]);
	}
	return floats;
}

static const float *scaling(const struct mho_nn_checkpoint *c)
{
	return c->file.array + all_floats(c) - 2 * (size_t)c->inputs;
}

static uint32_t add_data(uint32_t crc, const struct mho_nn_data *data)
{
	const struct nn_values *v = data->values;
	size_t values = (size_t)v->count * v->inputs;

	crc = (uint32_t)crc32_z(crc, (const void *)data->order, data->count * sizeof(*data->order));
	crc = (uint32_t)crc32_z(crc, (const void *)v->labels, v->count * sizeof(*v->labels));
	if (v->f32)
		return (uint32_t)crc32_z(crc, (const void *)v->f32, values * sizeof(*v->f32));
	return (uint32_t)crc32_z(crc, v->u8, values);
}

/* Recognises samples and their order. */
static uint32_t fingerprint(const struct mho_nn_data *train, const struct mho_nn_data *test)
{
	uint32_t crc = add_data((uint32_t)crc32_z(0, NULL, 0), train);

	return test ? add_data(crc, test) : crc;
}

/* ---- saving ---- */

static void copy_trainer(struct mho_nn_checkpoint *c, const struct mho_nn_trainer *t)
{
	const struct mho_nn *nn = t->nn;

	c->inputs = nn->inputs;
	c->layers = nn->layers;
	for (uint32_t k = 0; k < nn->layers; k++)
		c->layer[k] = nn->layer[k].desc;
	c->in = nn->layer[0].in;
	c->network_floats = nn_layers_floats(nn->layer, nn->layers);
	c->learner_floats = learner_floats(&nn->learner, nn->layer, nn->layers);
	c->learner = nn->learner;
	strcpy(c->name, nn->name);
	c->reference = t->reference != NULL;
	c->init_seed = nn->seed;
	nn_schedule_copy(&c->schedule, &t->schedule.s);
	c->seed = t->seed;
	c->epochs = t->epochs;
	c->batch = t->batch;
	c->samples = t->train->count;
	c->test_samples = t->test ? t->test->count : 0;
	c->fingerprint = fingerprint(t->train, t->test);
	c->epoch = t->epoch;
	c->sample = t->sample;
	c->score = t->score;
	c->now = t->now;
	c->history = t->history;
}

static int copy_network(struct mho_nn *nn, float **at)
{
	for (uint32_t k = 0; k < nn->layers; k++) {
		const struct nn_layer *l = &nn->layer[k];
		size_t weights = nn_weights(l);
		int err = weights ? mho_nn_get(nn, k, *at, NULL) : 0;

		if (err)
			return err;
		if (l->biases)
			memcpy(*at + weights, l->bias, l->biases * sizeof(**at));
		*at += weights + l->biases;
	}
	return 0;
}

/* Of each layer its second matrix, and what the host has. */
static int copy_learner(struct mho_nn *nn, float **at)
{
	const struct nn_algorithm_kind *kind = nn->learner.kind;

	for (uint32_t k = 0; k < nn->layers; k++) {
		const struct nn_layer *l = &nn->layer[k];

		if (!l->rows)
			continue;
		if (kind->updated != NN_WEIGHTS) {
			int err = nn->ops->read(nn, k, kind->updated, 0, *at);

			if (err)
				return err;
			*at += nn_weights(l);
		}
		if (kind->floats) {
			memcpy(*at, nn->learner.floats[k], kind->floats(l) * sizeof(**at));
			*at += kind->floats(l);
		}
	}
	return 0;
}

static int total_wear(struct mho_nn *nn, uint64_t *wear)
{
	struct mho_nn_wear w = MHO_INIT(struct mho_nn_wear);
	int err = mho_nn_wear_get(nn, &w);

	*wear = (uint64_t)(w.mean * (double)w.cells + 0.5);
	return err;
}

/* How the device's own copy of the weights is recognised; and it is to be kept. */
static int copy_device(struct mho_nn_checkpoint *c, struct mho_nn *nn)
{
	struct mho_info info = MHO_INIT(struct mho_info);
	int err;

	if (!nn->dev)
		return 0;
	err = total_wear(nn, &c->wear);
	if (err)
		return err;
	err = mho_dev_info(nn->dev, &info);
	if (!err)
		err = mho_sync(nn->dev);
	if (err)
		return nn_mho_error(err, "keeping the device's state");
	c->serial = info.serial;
	return 0;
}

static int copy_arrays(struct mho_nn_checkpoint *c, const struct mho_nn_trainer *t)
{
	size_t width = t->train->inputs * sizeof(float);
	float *at;
	int err;

	c->file.floats = all_floats(c);
	c->file.array = malloc(c->file.floats * sizeof(float));
	if (!c->file.array)
		return nn_no_memory();
	at = c->file.array;
	err = copy_network(t->nn, &at);
	if (!err && t->reference)
		err = copy_network(t->reference, &at);
	if (!err)
		err = copy_learner(t->nn, &at);
	if (err)
		return err;
	memcpy(at, t->train->offset, width);
	memcpy(at + t->train->inputs, t->train->factor, width);
	return 0;
}

int mho_nn_trainer_save(struct mho_nn_trainer *t, const char *path, const char *note)
{
	struct mho_nn_checkpoint *c;
	int err;

	if (!path || (note && strlen(note) > NN_NOTE_MAX))
		return nn_error(-EINVAL, path ? "the note is longer than 65536 bytes" :
						"no file for the checkpoint was named");
	c = calloc(1, sizeof(*c));
	if (!c)
		return nn_no_memory();
	copy_trainer(c, t);
	c->note = (char *)note;
	err = copy_arrays(c, t);
	if (!err)
		err = copy_device(c, t->nn);
	if (!err)
		err = nn_checkpoint_print(c);
	if (!err)
		err = nn_container_write(path, &c->file);
	free(c->file.text);
	free(c->file.array);
	free(c);
	return err;
}

/* ---- opening ---- */

static struct mho_nn_desc checkpoint_desc(const struct mho_nn_checkpoint *c)
{
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);

	desc.inputs = c->inputs;
	desc.steps = c->in.steps;
	desc.height = c->in.height;
	desc.width = c->in.width;
	desc.channels = c->in.channels;
	desc.layers = c->layers;
	desc.layer = c->layer;
	desc.seed = c->init_seed;
	desc.algorithm = &c->learner.set;
	return desc;
}

/* What layers make of samples, by which the file's numbers are counted. */
static int shape(struct mho_nn_checkpoint *c, const char *path)
{
	struct mho_nn_desc desc = checkpoint_desc(c);

	if (nn_layers_shape(&desc, c->shaped))
		return nn_error(-EBADMSG, "%s: the checkpoint's layers are wrong: %s", path,
				mho_nn_last_error());
	c->network_floats = nn_layers_floats(c->shaped, c->layers);
	c->learner_floats = learner_floats(&c->learner, c->shaped, c->layers);
	for (uint32_t k = 0; k < c->layers; k++)
		if (c->shaped[k].rows && c->learner.column[k] >= c->shaped[k].cols)
			return nn_error(-EBADMSG,
					"%s: layer %u has no column %u; use another "
					"checkpoint",
					path, k, c->learner.column[k]);
	return 0;
}

int mho_nn_checkpoint_open(const char *path, struct mho_nn_checkpoint **out)
{
	struct mho_nn_checkpoint *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return nn_no_memory();
	err = nn_container_read(path, &c->file);
	if (!err)
		err = nn_checkpoint_parse(c, path);
	if (!err)
		err = shape(c, path);
	if (!err && c->file.floats != all_floats(c))
		err = nn_error(-EBADMSG,
			       "%s: the checkpoint holds %zu numbers, its layers need %zu; use "
			       "another one",
			       path, c->file.floats, all_floats(c));
	if (!err && nn_not_finite(c->file.array, c->file.floats) < c->file.floats)
		err = nn_error(-EBADMSG,
			       "%s: number %zu of the checkpoint is not finite; use an "
			       "earlier one",
			       path, nn_not_finite(c->file.array, c->file.floats));
	if (err) {
		mho_nn_checkpoint_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void mho_nn_checkpoint_close(struct mho_nn_checkpoint *c)
{
	if (!c)
		return;
	free(c->file.text);
	free(c->file.array);
	free(c->history);
	free(c->note);
	free(c);
}

int mho_nn_checkpoint_info_get(const struct mho_nn_checkpoint *c,
			       struct mho_nn_checkpoint_info *info)
{
	if (!info || info->size != sizeof(*info))
		return nn_error(-EINVAL, "struct mho_nn_checkpoint_info: size is not set; "
					 "initialise it with "
					 "MHO_INIT(struct mho_nn_checkpoint_info)");
	*info = (struct mho_nn_checkpoint_info){
		.size = sizeof(*info),
		.inputs = c->inputs,
		.layers = c->layers,
		.layer = c->layer,
		.epoch = c->epoch,
		.epochs = c->epochs,
		.sample = c->sample,
		.samples = c->samples,
		.test_samples = c->test_samples,
		.batch = c->batch,
		.reference = c->reference,
		.seed = c->seed,
		.name = *c->name ? c->name : NULL,
		.note = c->note,
	};
	return 0;
}

int mho_nn_data_scale_from(struct mho_nn_data *data, const struct mho_nn_checkpoint *c)
{
	if (data->inputs != c->inputs)
		return nn_error(-EINVAL,
				"the samples have %u values, the checkpoint's network has %u "
				"inputs; use samples of the kind it was trained with",
				data->inputs, c->inputs);
	nn_data_set_scale(data, scaling(c), scaling(c) + c->inputs);
	return 0;
}

/* ---- networks ---- */

/* Whether the matrices that were found hold what they held when the checkpoint was made. */
static int untouched(struct mho_nn *nn, const struct mho_nn_checkpoint *c)
{
	struct mho_info info = MHO_INIT(struct mho_info);
	uint64_t wear;
	int err = total_wear(nn, &wear);

	if (err)
		return err;
	err = mho_dev_info(nn->dev, &info);
	if (err)
		return nn_mho_error(err, "asking the device what it is");
	return info.serial == c->serial && wear == c->wear;
}

static int set_layers(struct mho_nn *nn, const float *at, bool biases_only)
{
	for (uint32_t k = 0; k < nn->layers; k++) {
		const struct nn_layer *l = &nn->layer[k];
		size_t weights = nn_weights(l);
		int ret = weights ? mho_nn_set(nn, k, biases_only ? NULL : at, at + weights) : 0;

		if (ret < 0)
			return ret;
		at += weights + l->biases;
	}
	return 0;
}

static int set_learner(struct mho_nn *nn, const struct mho_nn_checkpoint *c, bool found)
{
	const struct nn_algorithm_kind *kind = nn->learner.kind;
	const float *at = learned(c);

	memcpy(nn->learner.column, c->learner.column, sizeof(nn->learner.column));
	memcpy(nn->learner.sweep, c->learner.sweep, sizeof(nn->learner.sweep));
	nn->learner.batches = c->learner.batches;
	for (uint32_t k = 0; k < nn->layers; k++) {
		const struct nn_layer *l = &nn->layer[k];

		if (!l->rows)
			continue;
		if (kind->updated != NN_WEIGHTS) {
			int ret = found ? 0 : nn->ops->program(nn, k, kind->updated, at);

			if (ret < 0)
				return ret;
			at += nn_weights(l);
		}
		if (kind->floats) {
			memcpy(nn->learner.floats[k], at, kind->floats(l) * sizeof(*at));
			at += kind->floats(l);
		}
	}
	return 0;
}

int mho_nn_create_from(struct mho_dev *dev, const struct mho_nn_checkpoint *c, int reference,
		       uint32_t batch_max, struct mho_nn **out)
{
	const float *weights = c->file.array + (reference ? c->network_floats : 0);
	struct mho_nn_desc desc = checkpoint_desc(c);
	struct mho_nn *nn = NULL;
	int ret = -ENOENT, found = 0;

	if (reference && !c->reference)
		return nn_error(-ENOENT, "the checkpoint holds no reference: it was made by a "
					 "training without one");
	desc.batch_max = batch_max;
	desc.name = dev && *c->name ? c->name : NULL;
	if (desc.name)
		ret = nn_network_alloc(dev, &desc, NN_FIND, &nn);
	if (ret == -ENOENT)
		ret = nn_network_alloc(dev, &desc, NN_REPLACE, &nn);
	else if (!ret)
		ret = found = untouched(nn, c);
	if (ret >= 0)
		ret = set_layers(nn, weights, found);
	if (ret >= 0 && dev)
		ret = set_learner(nn, c, found);
	if (ret < 0) {
		mho_nn_destroy(nn);
		return ret;
	}
	nn->unfinished = false;
	*out = nn;
	return found ? MHO_NN_FOUND : MHO_NN_PROGRAMMED;
}

/* ---- going on ---- */

static int check_resume(const struct mho_nn *nn, const struct mho_nn_data *train,
			const struct mho_nn_data *test, const struct mho_nn_checkpoint *c)
{
	uint32_t tests = test ? test->count : 0;

	if (!nn_same_layers(nn->layer, nn->layers, c->shaped, c->layers))
		return nn_error(-EINVAL, "the network is not that of the checkpoint; make it with "
					 "mho_nn_create_from()");
	if (train->count != c->samples || tests != c->test_samples)
		return nn_error(-EINVAL,
				"%u samples to train and %u held out, but the checkpoint was made "
				"with %u and %u; resume with the same samples",
				train->count, tests, c->samples, c->test_samples);
	if (fingerprint(train, test) != c->fingerprint)
		return nn_error(-EINVAL, "the samples, or their order, are not those that the "
					 "checkpoint was made with; resume with the same file, "
					 "share held out, and seed");
	return 0;
}

int mho_nn_trainer_resume(struct mho_nn *nn, struct mho_nn *reference,
			  const struct mho_nn_data *train, const struct mho_nn_data *test,
			  const struct mho_nn_checkpoint *c, struct mho_nn_trainer **out)
{
	struct mho_nn_train_opts opts = MHO_INIT(struct mho_nn_train_opts);
	struct mho_nn_trainer *t;
	int err = check_resume(nn, train, test, c);

	if (err)
		return err;
	opts.schedule = &c->schedule.s;
	opts.seed = c->seed;
	opts.epochs = c->epochs;
	opts.batch = c->batch;
	err = mho_nn_trainer_create(nn, reference, train, test, &opts, &t);
	if (err)
		return err;
	t->epoch = c->epoch;
	t->sample = c->sample;
	t->score = c->score;
	t->now = c->now;
	if (c->epoch)
		memcpy(t->history, c->history, c->epoch * sizeof(*t->history));
	*out = t;
	return 0;
}
