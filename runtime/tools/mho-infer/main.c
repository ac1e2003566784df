// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mho-infer: answers of a network that mho-train has trained, from any device.
 */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mho/nn.h"
#include "tools/common/std_streams.h"
#include "tools/common/train_progress.h"
#include "tools/common/train_setup.h"
#include "tools/common/train_text.h"

static const char help[] =
	"Usage: mho-infer --checkpoint FILE --data FILE [OPTION]...\n"
	"       mho-infer --checkpoint FILE --held-out [OPTION]...\n"
	"Let a trained network answer on an analog accelerator.\n"
	"\n"
	"  -c, --checkpoint FILE   of mho-train\n"
	"  -d, --data FILE         samples: CSV, idx images, or MNIST's directory\n"
	"  -l, --labels FILE       idx labels\n"
	"      --no-labels         the CSV file's last column is a value, not a label\n"
	"      --held-out          the samples that the training did not see\n"
	"  -D, --device URI        see mhoctl list [that of the training]\n"
	"  -p, --predictions FILE  answers as CSV; - is standard output [- if nothing else\n"
	"                          is to tell, for samples without labels]\n"
	"      --trace FILE        trace of the device's jobs, for ui.perfetto.dev\n"
	"  -j, --json              print results as JSON\n"
	"  -h, --help              print this\n"
	"  -V, --version           print the version\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage.\n";

struct options {
	const char *checkpoint;
	const char *data;
	const char *labels;
	const char *device;
	const char *predictions;
	const char *trace;
	bool unlabelled;
	bool held_out;
	bool json;
};

enum {
	OPT_NO_LABELS = 256,
	OPT_HELD_OUT,
	OPT_TRACE,
};

static const struct option options[] = {
	{ "checkpoint", required_argument, NULL, 'c' },
	{ "data", required_argument, NULL, 'd' },
	{ "labels", required_argument, NULL, 'l' },
	{ "no-labels", no_argument, NULL, OPT_NO_LABELS },
	{ "held-out", no_argument, NULL, OPT_HELD_OUT },
	{ "device", required_argument, NULL, 'D' },
	{ "predictions", required_argument, NULL, 'p' },
	{ "trace", required_argument, NULL, OPT_TRACE },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* Return: -1 to go on, else the exit status. */
static int take_option(struct options *o, int opt)
{
	switch (opt) {
	case 'c':
		o->checkpoint = optarg;
		return -1;
	case 'd':
		o->data = optarg;
		return -1;
	case 'l':
		o->labels = optarg;
		return -1;
	case OPT_NO_LABELS:
		o->unlabelled = true;
		return -1;
	case OPT_HELD_OUT:
		o->held_out = true;
		return -1;
	case 'D':
		o->device = optarg;
		return -1;
	case 'p':
		o->predictions = optarg;
		return -1;
	case OPT_TRACE:
		o->trace = optarg;
		return -1;
	case 'j':
		o->json = true;
		return -1;
	case 'h':
		fputs(help, stdout);
		return fflush(stdout) ? TRAIN_FAILED : TRAIN_OK;
	case 'V':
		printf("mho-infer %d.%d.%d\n", MHO_VERSION_MAJOR, MHO_VERSION_MINOR,
		       MHO_VERSION_PATCH);
		return fflush(stdout) ? TRAIN_FAILED : TRAIN_OK;
	default:
		fputs("Try mho-infer --help.\n", stderr);
		return TRAIN_USAGE;
	}
}

static int usage(const char *what)
{
	train_complain("%s; try mho-infer --help", what);
	return TRAIN_USAGE;
}

static int parse_options(struct options *o, int argc, char **argv)
{
	int opt, status;

	while ((opt = getopt_long(argc, argv, "c:d:l:D:p:jhV", options, NULL)) != -1) {
		status = take_option(o, opt);
		if (status >= 0)
			return status;
	}
	if (optind < argc) {
		train_complain(
			"what is \"%s\"? Samples are named with --data; try mho-infer --help",
			argv[optind]);
		return TRAIN_USAGE;
	}
	if (!o->checkpoint)
		return usage("no network: --checkpoint FILE is needed");
	if (!o->data && !o->held_out)
		return usage("no samples: --data FILE or --held-out is needed");
	if (o->held_out && (o->labels || o->unlabelled))
		return usage("--held-out takes the labels of the training");
	if (o->trace && !strcmp(o->trace, "-"))
		return usage("--trace needs a file");
	if (o->json && o->predictions && !strcmp(o->predictions, "-"))
		return usage("--json and the predictions cannot both go to standard output");
	return -1;
}

/* ---- setting up ---- */

struct infer {
	const struct options *o;
	struct train_setup setup;
	struct mho_nn_checkpoint *ckpt;
	struct mho_nn_checkpoint_info info;
	struct mho_nn_data *data;
	uint32_t count;
	uint32_t labelled;
	struct mho_dev *dev;
	struct mho_nn *nn;
	struct mho_nn *reference;
	int32_t *answers;
	float *confidence;

	struct mho_nn_score score;
	struct mho_nn_score reference_score;
	double device_s; /* for all samples */
	double device_j;
	double host_s;
	bool found; /* weights were on the device */
};

static int nn_failed(void)
{
	train_complain("%s", mho_nn_last_error());
	return TRAIN_FAILED;
}

static int open_checkpoint(struct infer *in)
{
	in->info.size = sizeof(in->info);
	if (mho_nn_checkpoint_open(in->o->checkpoint, &in->ckpt) ||
	    mho_nn_checkpoint_info_get(in->ckpt, &in->info))
		return nn_failed();
	if (!train_setup_parse(in->info.note, &in->setup))
		return TRAIN_OK;
	if (!in->o->held_out)
		return TRAIN_OK;
	train_complain("%s: was not made by mho-train: it does not say what was held out; use "
		       "--data",
		       in->o->checkpoint);
	return TRAIN_FAILED;
}

static int open_held_out(struct infer *in)
{
	struct mho_nn_data *train;

	if (in->o->data)
		train_setup_string(&in->setup.data, in->o->data);
	if (train_setup_samples(&in->setup, in->ckpt, &train, &in->data))
		return TRAIN_FAILED;
	mho_nn_data_free(train);
	if (in->data)
		return TRAIN_OK;
	train_complain("the training of %s held out nothing; use --data", in->o->checkpoint);
	return TRAIN_FAILED;
}

static int open_data(struct infer *in)
{
	struct mho_nn_data_info info = MHO_INIT(struct mho_nn_data_info);
	const struct options *o = in->o;
	int status = TRAIN_OK;

	if (o->held_out)
		status = open_held_out(in);
	else if (mho_nn_data_open(o->data, o->labels, o->unlabelled ? MHO_NN_DATA_UNLABELLED : 0,
				  &in->data) ||
		 mho_nn_data_scale_from(in->data, in->ckpt))
		status = nn_failed();
	if (status)
		return status;
	mho_nn_data_info_get(in->data, &info);
	in->count = info.count;
	in->labelled = info.labelled;
	return TRAIN_OK;
}

static int open_device(struct infer *in)
{
	const char *uri = in->o->device ? in->o->device : in->setup.device;
	int ret;

	train_setup_string(&in->setup.device, uri ? uri : "emu:");
	if (train_setup_open(in->setup.device, in->o->trace, &in->dev))
		return TRAIN_FAILED;
	ret = mho_nn_create_from(in->dev, in->ckpt, 0, 0, &in->nn);
	if (ret < 0)
		return nn_failed();
	in->found = ret == MHO_NN_FOUND;
	if (in->info.reference && mho_nn_create_from(NULL, in->ckpt, 1, 0, &in->reference) < 0)
		return nn_failed();
	return TRAIN_OK;
}

static void tear_down(struct infer *in)
{
	free(in->answers);
	free(in->confidence);
	mho_nn_destroy(in->reference);
	mho_nn_destroy(in->nn);
	mho_close(in->dev);
	mho_nn_data_free(in->data);
	mho_nn_checkpoint_close(in->ckpt);
	train_setup_free(&in->setup);
}

/* ---- answers ---- */

static int answer(struct infer *in)
{
	struct mho_nn_cost before = MHO_INIT(struct mho_nn_cost), after = before;
	double start;
	int err;

	in->answers = malloc(in->count * sizeof(*in->answers));
	in->confidence = malloc(in->count * sizeof(*in->confidence));
	if (!in->answers || !in->confidence) {
		train_complain("out of memory");
		return TRAIN_FAILED;
	}
	start = train_seconds();
	err = mho_nn_cost_get(in->nn, &before);
	if (!err)
		err = mho_nn_evaluate(in->nn, in->data, in->answers, in->confidence, &in->score);
	if (!err)
		err = mho_nn_cost_get(in->nn, &after);
	in->host_s = train_seconds() - start;
	in->device_s = (double)(after.time_ns - before.time_ns) * 1e-9;
	in->device_j = (double)(after.energy_fj - before.energy_fj) * 1e-15;
	if (!err && in->reference)
		err = mho_nn_evaluate(in->reference, in->data, NULL, NULL, &in->reference_score);
	return err ? nn_failed() : TRAIN_OK;
}

static int fill_predictions(FILE *to, void *arg)
{
	const struct infer *in = arg;

	fprintf(to, "index,%sanswer,confidence\n", in->labelled ? "label," : "");
	for (uint32_t i = 0; i < in->count; i++) {
		fprintf(to, "%u,", mho_nn_data_index(in->data, i));
		if (in->labelled)
			fprintf(to, "%d,", mho_nn_data_get(in->data, i, NULL));
		fprintf(to, "%d,%.4f\n", in->answers[i], (double)in->confidence[i]);
	}
	return 0;
}

static double share(const struct mho_nn_score *s)
{
	return s->count ? (double)s->correct / s->count : NAN;
}

/* @to is stderr if the predictions go to stdout. */
static void report(const struct infer *in, FILE *to)
{
	fprintf(to, "%u samples on %s, weights %s\n", in->count, in->setup.device,
		in->found ? "as the device kept them" : "programmed from the checkpoint");
	if (in->labelled)
		fprintf(to, "  accuracy         %.2f %%", 100.0 * share(&in->score));
	if (in->labelled && in->reference)
		fprintf(to, "; float32 reference %.2f %%", 100.0 * share(&in->reference_score));
	if (in->labelled)
		fputc('\n', to);
	fprintf(to, "  device time      %s per inference\n",
		train_quantity(in->device_s / in->count, "s").text);
	fprintf(to, "  device energy    %s per inference\n",
		train_quantity(in->device_j / in->count, "J").text);
	fprintf(to, "  host time        %s per inference (not the device's)\n",
		train_quantity(in->host_s / in->count, "s").text);
}

static void add(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, isfinite(value) ? json_object_new_double(value) : NULL);
}

static int report_json(const struct infer *in)
{
	struct json_object *o = json_object_new_object();
	struct json_object *answers = json_object_new_array();
	int err;

	for (uint32_t i = 0; i < in->count; i++)
		json_object_array_add(answers, json_object_new_int(in->answers[i]));
	json_object_object_add(o, "schema", json_object_new_string("mho-infer/1"));
	json_object_object_add(o, "device", json_object_new_string(in->setup.device));
	json_object_object_add(o, "weights",
			       json_object_new_string(in->found ? "found" : "programmed"));
	json_object_object_add(o, "samples", json_object_new_int64(in->count));
	json_object_object_add(o, "labelled", json_object_new_int64(in->labelled));
	add(o, "accuracy", in->labelled ? share(&in->score) : NAN);
	add(o, "reference_accuracy",
	    in->labelled && in->reference ? share(&in->reference_score) : NAN);
	add(o, "device_seconds_per_inference", in->device_s / in->count);
	add(o, "device_joules_per_inference", in->device_j / in->count);
	add(o, "host_seconds_per_inference", in->host_s / in->count);
	json_object_object_add(o, "answers", answers);
	err = train_write_file("-", train_fill_json, o);
	json_object_put(o);
	return err ? TRAIN_FAILED : TRAIN_OK;
}

static int output(struct infer *in)
{
	const struct options *o = in->o;
	const char *to = o->predictions ? o->predictions : !in->labelled && !o->json ? "-" : NULL;

	if (to && train_write_file(to, fill_predictions, in))
		return TRAIN_FAILED;
	if (o->json)
		return report_json(in);
	report(in, to && !strcmp(to, "-") ? stderr : stdout);
	if (!fflush(stdout))
		return TRAIN_OK;
	train_complain("standard output: cannot be written: %s", strerror(errno));
	return TRAIN_FAILED;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct infer in = { .o = &o };
	int status;

	std_streams_reserve();
	/* Only what characters are: numbers have a decimal point everywhere. */
	setlocale(LC_CTYPE, "");
	status = parse_options(&o, argc, argv);
	if (status >= 0)
		return status;
	status = open_checkpoint(&in);
	if (!status)
		status = open_data(&in);
	if (!status)
		status = open_device(&in);
	if (!status)
		status = answer(&in);
	if (!status)
		status = output(&in);
	if (train_setup_end_trace(in.dev))
		status = TRAIN_FAILED;
	if (train_setup_keep(in.dev))
		status = TRAIN_FAILED;
	tear_down(&in);
	return status;
}
