// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Tables that mho-train writes about a network, as CSV.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tools/common/train_text.h"
#include "tools/mho-train/train.h"

/* An empty field for what there is not. */
static void put(FILE *to, double value)
{
	if (isfinite(value))
		fprintf(to, ",%.9g", value);
	else
		fputc(',', to);
}

static int fill_history(FILE *to, void *arg)
{
	struct run *run = arg;
	uint32_t n;
	const struct mho_nn_epoch *e = mho_nn_trainer_history(run->trainer, &n);

	fputs("epoch,rate,loss,accuracy,test_loss,test_accuracy,reference_loss,"
	      "reference_accuracy,reference_test_loss,reference_test_accuracy,device_seconds,"
	      "device_joules,pulses,host_seconds\n",
	      to);
	for (uint32_t i = 0; i < n; i++, e++) {
		fprintf(to, "%u", i + 1);
		put(to, e->rate);
		put(to, e->loss);
		put(to, e->accuracy);
		put(to, e->test_loss);
		put(to, e->test_accuracy);
		put(to, e->reference_loss);
		put(to, e->reference_accuracy);
		put(to, e->reference_test_loss);
		put(to, e->reference_test_accuracy);
		put(to, (double)e->device_ns * 1e-9);
		put(to, (double)e->energy_fj * 1e-15);
		fprintf(to, ",%llu", (unsigned long long)e->pulses);
		put(to, e->host_s);
		fputc('\n', to);
	}
	return 0;
}

static int fill_conductance(FILE *to, void *arg)
{
	struct run *run = arg;
	uint32_t rows, cols, layer = 0;
	float *g;
	int err;

	/* The first layer that has cells; one does. */
	while (!mho_nn_matrix(run->nn, layer))
		layer++;
	mho_nn_weights(run->nn, layer, &rows, &cols);
	g = malloc((size_t)rows * cols * sizeof(*g));
	err = g ? mho_nn_conductance(run->nn, layer, g) : -ENOMEM;

	for (uint32_t i = 0; !err && i < rows; i++)
		for (uint32_t j = 0; j < cols; j++)
			fprintf(to, "%.6g%c", (double)g[(size_t)i * cols + j],
				j + 1 < cols ? ',' : '\n');
	if (err && g)
		train_complain("%s", mho_nn_last_error());
	free(g);
	return err;
}

struct answers {
	const struct mho_nn_data *data;
	const int32_t *answers;
	const float *confidence;
	int32_t *reference;
	uint32_t count;
};

static int fill_predictions(FILE *to, void *arg)
{
	const struct answers *a = arg;

	fprintf(to, "index,label,answer,confidence%s\n", a->reference ? ",reference" : "");
	for (uint32_t i = 0; i < a->count; i++) {
		fprintf(to, "%u,%d,%d,%.4f", mho_nn_data_index(a->data, i),
			mho_nn_data_get(a->data, i, NULL), a->answers[i], (double)a->confidence[i]);
		if (a->reference)
			fprintf(to, ",%d", a->reference[i]);
		fputc('\n', to);
	}
	return 0;
}

static int write_predictions(struct run *run, const int32_t *answers, const float *confidence)
{
	struct mho_nn_data_info info = MHO_INIT(struct mho_nn_data_info);
	struct answers a = { .answers = answers, .confidence = confidence };
	int err = 0;

	a.data = run->test ? run->test : run->train;
	mho_nn_data_info_get(a.data, &info);
	a.count = info.count;
	if (run->reference) {
		a.reference = malloc(info.count * sizeof(*a.reference));
		if (!a.reference)
			return -ENOMEM;
		err = mho_nn_evaluate(run->reference, a.data, a.reference, NULL, NULL);
	}
	if (err)
		train_complain("%s", mho_nn_last_error());
	else
		err = train_write_file(run->o->predictions, fill_predictions, &a);
	free(a.reference);
	return err;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return a && b && !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

int files_check(const struct options *o)
{
	const char *const outputs[] = { o->checkpoint,	o->summary,	o->history,
					o->predictions, o->conductance, o->trace };

	for (size_t i = 0; i < sizeof(outputs) / sizeof(*outputs); i++) {
		if (same_file(outputs[i], o->setup.data) ||
		    same_file(outputs[i], o->setup.labels)) {
			train_complain("%s: holds the samples, which would be lost; name another "
				       "file for the output",
				       outputs[i]);
			return TRAIN_FAILED;
		}
		if (outputs[i] && train_check_writable(outputs[i]))
			return TRAIN_FAILED;
	}
	return TRAIN_OK;
}

int files_write(struct run *run, const int32_t *answers, const float *confidence)
{
	const struct options *o = run->o;
	int err = 0;

	if (o->history)
		err = train_write_file(o->history, fill_history, run);
	if (!err && o->conductance)
		err = train_write_file(o->conductance, fill_conductance, run);
	if (!err && o->predictions)
		err = write_predictions(run, answers, confidence);
	return err;
}
