// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * One training from samples to result: setting up, progress, interruption, checkpoints.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/train_progress.h"
#include "tools/common/train_text.h"
#include "tools/mho-train/train.h"

#define BATCH_DENSE 256
#define BATCH_IMAGES 64

static volatile sig_atomic_t interrupted;

int run_interrupted(void)
{
	return interrupted;
}

static void on_signal(int sig)
{
	interrupted = sig;
}

/* Once: a second Ctrl-C ends the program at once. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int nn_failed(void)
{
	train_complain("%s", mho_nn_last_error());
	return TRAIN_FAILED;
}

/* ---- setting up ---- */

/* Emulated devices of several runs are to differ as real ones do. */
static void set_device(struct run *run)
{
	const char *uri = run->o->setup.device;
	char *seeded;

	if (run->o->resume || strncmp(uri, "emu:", 4) || strstr(uri, "seed=")) {
		train_setup_string(&run->setup.device, uri);
		return;
	}
	if (asprintf(&seeded, "%s%sseed=%" PRIu64, uri, strchr(uri, '?') ? "&" : "?",
		     run->setup.seed) < 0)
		train_out_of_memory();
	free(run->setup.device);
	run->setup.device = seeded;
}

static uint32_t count_classes(const struct run *run)
{
	struct mho_nn_data_info train = MHO_INIT(struct mho_nn_data_info), test = train;

	mho_nn_data_info_get(run->train, &train);
	if (run->test)
		mho_nn_data_info_get(run->test, &test);
	if (run->o->classes)
		return run->o->classes;
	return train.classes > test.classes ? train.classes : test.classes;
}

/* The hidden layers, and a dense one for the classes. Return: how many, 0 without classes. */
static uint32_t list_layers(const struct run *run, struct mho_nn_layer *layers)
{
	const struct options *o = run->o;
	struct mho_nn_layer *last = &layers[o->hidden_count];

	memcpy(layers, o->hidden, o->hidden_count * sizeof(*layers));
	*last = (struct mho_nn_layer)MHO_INIT(struct mho_nn_layer);
	last->outputs = count_classes(run);
	last->activation = MHO_NN_SOFTMAX;
	for (uint32_t k = 0; k <= o->hidden_count; k++)
		layers[k].scale = o->weight_scale;
	return last->outputs ? o->hidden_count + 1 : 0;
}

/* What the options do not say about images, the samples may. */
static void set_shape(const struct run *run, struct mho_nn_desc *desc)
{
	struct mho_nn_data_info info = MHO_INIT(struct mho_nn_data_info);
	const struct options *o = run->o;
	bool image;

	mho_nn_data_info_get(run->train, &info);
	image = (uint64_t)info.width * info.height == info.inputs;
	desc->inputs = info.inputs;
	desc->height = o->shape[0] ? o->shape[0] : image ? info.height : 0;
	desc->width = o->shape[0] ? o->shape[1] : image ? info.width : 0;
	desc->channels = o->shape[2];
}

/*
 * Samples at a time, beside those of a batch, in tests. Where layers have images in between, fewer
 * already keep the device busy, and more cost memory.
 */
static uint32_t batch_max(const struct options *o, const struct mho_nn_layer *layers, uint32_t n)
{
	uint32_t least = BATCH_DENSE;

	for (uint32_t k = 0; k < n; k++)
		if (layers[k].kind != MHO_NN_DENSE)
			least = BATCH_IMAGES;
	return o->batch > least ? o->batch : least;
}

static int create_networks(struct run *run)
{
	struct mho_nn_layer layers[MHO_NN_LAYERS_MAX];
	struct mho_nn_desc desc = MHO_INIT(struct mho_nn_desc);
	const struct options *o = run->o;
	int err;

	desc.layers = list_layers(run, layers);
	if (!desc.layers) {
		train_complain("%s: the samples have no labels; name their file with --labels",
			       run->setup.data);
		return TRAIN_FAILED;
	}
	desc.layer = layers;
	set_shape(run, &desc);
	desc.seed = run->setup.seed;
	desc.batch_max = batch_max(o, layers, desc.layers);
	desc.flags = o->replace ? MHO_NN_REPLACE : 0;
	desc.name = o->name;
	desc.algorithm = &o->algorithm;
	err = mho_nn_create(run->dev, &desc, &run->nn);
	if (!err && o->reference) {
		desc.name = NULL;
		err = mho_nn_create(NULL, &desc, &run->reference);
	}
	if (err == -EEXIST) {
		train_complain("%s; --replace replaces it, --resume goes on with it",
			       mho_nn_last_error());
		return TRAIN_FAILED;
	}
	return err ? nn_failed() : TRAIN_OK;
}

static int create_trainer(struct run *run)
{
	struct mho_nn_train_opts opts = MHO_INIT(struct mho_nn_train_opts);
	int err;

	opts.schedule = &run->o->schedule;
	opts.seed = run->setup.seed;
	opts.epochs = run->o->epochs;
	opts.batch = run->o->batch;
	err = mho_nn_trainer_create(run->nn, run->reference, run->train, run->test, &opts,
				    &run->trainer);
	return err ? nn_failed() : TRAIN_OK;
}

static int resume_trainer(struct run *run)
{
	const struct options *o = run->o;
	struct mho_nn_checkpoint_info info = MHO_INIT(struct mho_nn_checkpoint_info);
	uint32_t samples;
	int ret, found;

	mho_nn_checkpoint_info_get(run->ckpt, &info);
	samples = batch_max(o, info.layer, info.layers);
	ret = found = mho_nn_create_from(run->dev, run->ckpt, 0, samples, &run->nn);
	if (ret >= 0 && o->reference)
		ret = mho_nn_create_from(NULL, run->ckpt, 1, samples, &run->reference);
	if (ret >= 0)
		ret = mho_nn_trainer_resume(run->nn, run->reference, run->train, run->test,
					    run->ckpt, &run->trainer);
	if (ret >= 0)
		ret = mho_nn_trainer_extend(run->trainer, o->epochs);
	if (ret < 0)
		return nn_failed();
	if (!o->quiet)
		fprintf(stderr, "%s\n",
			found == MHO_NN_FOUND ?
				"resuming with the weights as the device kept them" :
				"resuming with the weights of the checkpoint, programmed anew");
	return TRAIN_OK;
}

static int set_up(struct run *run)
{
	const struct options *o = run->o;
	int status;

	if (o->resume && mho_nn_checkpoint_open(o->checkpoint, &run->ckpt))
		return nn_failed();
	if (train_setup_samples(&run->setup, run->ckpt, &run->train, &run->test))
		return TRAIN_FAILED;
	if (train_setup_open(run->setup.device, run->many ? NULL : o->trace, &run->dev))
		return TRAIN_FAILED;
	run->note = train_setup_print(&run->setup);
	if (o->resume)
		return resume_trainer(run);
	status = create_networks(run);
	return status ? status : create_trainer(run);
}

static void tear_down(struct run *run)
{
	mho_nn_trainer_destroy(run->trainer);
	mho_nn_destroy(run->reference);
	mho_nn_destroy(run->nn);
	mho_nn_checkpoint_close(run->ckpt);
	mho_nn_data_free(run->train);
	mho_nn_data_free(run->test);
	mho_close(run->dev);
	train_setup_free(&run->setup);
	free(run->note);
}

/* ---- training ---- */

struct watch {
	struct run *run;
	struct train_progress bar;
	char prefix[32];
};

static void say_epoch(struct watch *w, const struct mho_nn_progress *p)
{
	const struct mho_nn_epoch *e = p->done;

	train_progress_hide(&w->bar);
	fprintf(stderr, "%sepoch %u/%u: loss %.4f, accuracy %.1f %%", w->prefix, p->epoch + 1,
		p->epochs, e->loss, 100.0 * e->accuracy);
	if (w->run->test)
		fprintf(stderr, ", held-out %.1f %%", 100.0 * e->test_accuracy);
	if (w->run->test && w->run->reference)
		fprintf(stderr, " (float32 %.1f %%)", 100.0 * e->reference_test_accuracy);
	fprintf(stderr, ", %.0f images/s; device %s\n", p->samples / fmax(e->host_s, 1e-9),
		train_quantity((double)e->device_ns * 1e-9, "s").text);
}

static void show_batch(struct watch *w, const struct mho_nn_progress *p)
{
	uint64_t done = (uint64_t)p->epoch * p->samples + p->sample;
	char label[64], text[96];

	if (!w->bar.live)
		return;
	snprintf(label, sizeof(label), "%sepoch %u/%u", w->prefix, p->epoch + 1, p->epochs);
	snprintf(text, sizeof(text), "loss %.3f  accuracy %.1f %%  %.0f images/s", p->score.loss,
		 p->score.count ? 100.0 * p->score.correct / p->score.count : 0.0,
		 train_progress_rate(&w->bar, done));
	train_progress_show(&w->bar, label, text, done, (uint64_t)p->epochs * p->samples);
}

enum {
	STOP_SAVE = 1, /* an epoch is done: save, go on */
	STOP_INTERRUPTED,
};

static int on_progress(const struct mho_nn_progress *p, void *arg)
{
	struct watch *w = arg;

	if (p->done && !w->run->o->quiet)
		say_epoch(w, p);
	if (!p->done)
		show_batch(w, p);
	if (interrupted)
		return STOP_INTERRUPTED;
	return p->done && w->run->o->checkpoint && !w->run->many ? STOP_SAVE : 0;
}

static int save(struct run *run)
{
	return mho_nn_trainer_save(run->trainer, run->o->checkpoint, run->note) ? nn_failed() :
										  TRAIN_OK;
}

static int say_interrupted(struct run *run)
{
	const struct options *o = run->o;

	if (!o->checkpoint || run->many) {
		train_complain("interrupted; nothing was saved%s",
			       run->many ? " of this run" : ": --checkpoint FILE would have been");
		return TRAIN_INTERRUPTED;
	}
	if (save(run))
		return TRAIN_FAILED;
	train_complain("interrupted; to go on: mho-train --resume --checkpoint %s", o->checkpoint);
	return TRAIN_INTERRUPTED;
}

static int train(struct run *run, uint32_t i)
{
	struct watch w = { .run = run };
	uint32_t done;
	struct mho_nn_data_info info = MHO_INIT(struct mho_nn_data_info);
	int ret;

	mho_nn_data_info_get(run->train, &info);
	mho_nn_trainer_history(run->trainer, &done);
	if (run->o->runs > 1)
		snprintf(w.prefix, sizeof(w.prefix), "run %u/%u, ", i + 1, run->o->runs);
	train_progress_begin(&w.bar, run->o->quiet, (uint64_t)done * info.count);
	do {
		ret = mho_nn_trainer_run(run->trainer, on_progress, &w);
		train_progress_hide(&w.bar);
		if (ret == STOP_SAVE && save(run))
			return TRAIN_FAILED;
	} while (ret == STOP_SAVE);
	if (ret == STOP_INTERRUPTED)
		return say_interrupted(run);
	return ret ? nn_failed() : TRAIN_OK;
}

/* ---- the result ---- */

static void sum_up(struct run *run, struct result *r)
{
	struct mho_nn_data_info train = MHO_INIT(struct mho_nn_data_info), test = train;
	struct mho_info info = MHO_INIT(struct mho_info);
	const struct mho_nn_epoch *history = mho_nn_trainer_history(run->trainer, &r->epochs);

	mho_dev_info(run->dev, &info);
	mho_nn_data_info_get(run->train, &train);
	if (run->test)
		mho_nn_data_info_get(run->test, &test);
	r->seed = run->setup.seed;
	train_setup_string(&r->device, run->setup.device);
	snprintf(r->model, sizeof(r->model), "%s", info.model);
	r->samples = train.count;
	r->test_samples = test.count;
	r->images = (uint64_t)r->epochs * train.count;
	for (uint32_t i = 0; i < r->epochs; i++) {
		r->device_s += (double)history[i].device_ns * 1e-9;
		r->device_j += (double)history[i].energy_fj * 1e-15;
		r->pulses += history[i].pulses;
		r->host_s += history[i].host_s;
	}
}

/* Asks network and reference for the held-out samples once more, to know what an answer costs. */
static int examine(struct run *run, struct result *r)
{
	struct mho_nn_cost before = MHO_INIT(struct mho_nn_cost), after = before;
	const struct mho_nn_data *data = run->test ? run->test : run->train;
	uint32_t count = run->test ? r->test_samples : r->samples;
	int32_t *answers = malloc(count * sizeof(*answers));
	float *confidence = malloc(count * sizeof(*confidence));
	struct mho_nn_score score, reference;
	int err = answers && confidence ? 0 : -ENOMEM;

	if (!err)
		err = mho_nn_cost_get(run->nn, &before);
	if (!err)
		err = mho_nn_evaluate(run->nn, data, answers, confidence, &score);
	if (!err)
		err = mho_nn_cost_get(run->nn, &after);
	if (!err && run->reference)
		err = mho_nn_evaluate(run->reference, data, NULL, NULL, &reference);
	r->wear.size = sizeof(r->wear);
	if (!err)
		err = mho_nn_wear_get(run->nn, &r->wear);
	if (err) {
		nn_failed();
	} else {
		r->infer_s = (double)(after.time_ns - before.time_ns) * 1e-9 / count;
		r->infer_j = (double)(after.energy_fj - before.energy_fj) * 1e-15 / count;
		r->accuracy = run->test ? (double)score.correct / score.count : NAN;
		r->loss = run->test ? score.loss : NAN;
		r->reference_accuracy =
			run->reference && run->test ? (double)reference.correct / count : NAN;
		r->reference_loss = run->reference && run->test ? reference.loss : NAN;
		r->complete = true;
		if (!run->many)
			err = files_write(run, answers, confidence);
	}
	free(answers);
	free(confidence);
	return err ? TRAIN_FAILED : TRAIN_OK;
}

int run_train(const struct options *o, uint32_t i, struct result *result)
{
	struct run run = { .o = o, .setup = o->setup, .many = i > 0 };
	int status;

	run.setup.data = run.setup.labels = run.setup.device = NULL;
	run.setup.seed += i;
	train_setup_string(&run.setup.data, o->setup.data);
	train_setup_string(&run.setup.labels, o->setup.labels);
	set_device(&run);
	status = set_up(&run);
	/* Until here, Ctrl-C has nothing to save. */
	catch_signals();
	if (!status)
		status = train(&run, i);
	if (!status) {
		sum_up(&run, result);
		status = examine(&run, result);
	}
	if (train_setup_end_trace(run.dev))
		status = TRAIN_FAILED;
	if (train_setup_keep(run.dev))
		status = TRAIN_FAILED;
	tear_down(&run);
	return status;
}
