// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The command line of mho-train.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/train_text.h"
#include "tools/mho-train/options.h"

static const char help[] =
	"Usage: mho-train --data FILE [OPTION]...\n"
	"       mho-train --resume --checkpoint FILE [OPTION]...\n"
	"Train a neural network on an analog accelerator.\n"
	"\n"
	"Samples:\n"
	"  -d, --data FILE         CSV (label last), idx images, or MNIST's directory;\n"
	"                          plain or gzip\n"
	"  -l, --labels FILE       idx labels\n"
	"      --hold-out SHARE    keep this share of the samples for testing [0.2]\n"
	"      --scaling KIND      of values: max (largest magnitude is 1), column (mean 0,\n"
	"                          deviation 1), none [max]\n"
	"\n"
	"Network:\n"
	"      --layers LAYERS     hidden layers, separated by commas, or none [128]:\n"
	"                            N        dense\n"
	"                            conv:CxK convolution: channels, kernel (5, or 5x3)\n"
	"                            max:K    pooling, the largest value\n"
	"                            avg:K    pooling, the mean\n"
	"                          options behind each: :stride=S :pad=P :nobias :tanh ...\n"
	"      --shape HxWxC       height, width, channels of an image, which come last in\n"
	"                          a sample [as the samples say, 1 channel]\n"
	"      --activation KIND   of hidden layers: relu, tanh, sigmoid, linear [relu]\n"
	"      --classes N         outputs [largest label + 1]\n"
	"      --weight-scale W    weight that a cell's largest stands for [chosen by width]\n"
	"\n"
	"Training:\n"
	"  -e, --epochs N          passes over the samples [30]\n"
	"  -b, --batch N           samples of a step [10]\n"
	"      --lr RATE           learning rate, of the mean gradient of a batch [0.2]\n"
	"      --lr-decay HOW      F: times F each epoch; N:F: times F every N epochs;\n"
	"                          0=R,N=R,...: rates by epoch [1]\n"
	"      --algorithm HOW     sgd; for cells with unequal steps tiki-taka, tiki-taka-2,\n"
	"                          chopped or agad; for coarse ones mixed [sgd]; options\n"
	"                          behind it: :fast-rate=R :transfer-rate=R :every=N ...\n"
	"  -s, --seed N            of samples' order, initial weights and emulated device [1]\n"
	"      --runs N            train N times, with seeds N, N+1, ..., and average [1]\n"
	"      --no-reference      do without the same training in float32 on the host\n"
	"\n"
	"Device:\n"
	"  -D, --device URI        see mhoctl list [emu:]\n"
	"      --name NAME         keep the weights on the device under this name\n"
	"      --replace           replace weights of that name\n"
	"\n"
	"Checkpoints:\n"
	"  -c, --checkpoint FILE   save here after each epoch and when interrupted\n"
	"  -r, --resume            go on from the checkpoint\n"
	"\n"
	"Output (of the first run, but for the summary; - is standard output):\n"
	"      --summary FILE      results, as JSON\n"
	"      --history FILE      results of each epoch, as CSV\n"
	"      --predictions FILE  answers to the held-out samples, as CSV\n"
	"      --trace FILE        of the device's jobs, for ui.perfetto.dev\n"
	"      --conductance FILE  of the first layer's cells in nS, as CSV\n"
	"  -j, --json              print results as JSON\n"
	"  -q, --quiet             print no progress\n"
	"  -h, --help              print this\n"
	"  -V, --version           print the version\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted (Ctrl-C, SIGTERM).\n";

enum {
	OPT_HOLD_OUT = 256,
	OPT_SCALING,
	OPT_LAYERS,
	OPT_SHAPE,
	OPT_ACTIVATION,
	OPT_CLASSES,
	OPT_WEIGHT_SCALE,
	OPT_LR,
	OPT_LR_DECAY,
	OPT_ALGORITHM,
	OPT_RUNS,
	OPT_NO_REFERENCE,
	OPT_NAME,
	OPT_REPLACE,
	OPT_SUMMARY,
	OPT_HISTORY,
	OPT_PREDICTIONS,
	OPT_CONDUCTANCE,
	OPT_TRACE,
};

static const struct option options[] = {
	{ "data", required_argument, NULL, 'd' },
	{ "labels", required_argument, NULL, 'l' },
	{ "hold-out", required_argument, NULL, OPT_HOLD_OUT },
	{ "scaling", required_argument, NULL, OPT_SCALING },
	{ "layers", required_argument, NULL, OPT_LAYERS },
	{ "shape", required_argument, NULL, OPT_SHAPE },
	{ "activation", required_argument, NULL, OPT_ACTIVATION },
	{ "classes", required_argument, NULL, OPT_CLASSES },
	{ "weight-scale", required_argument, NULL, OPT_WEIGHT_SCALE },
	{ "epochs", required_argument, NULL, 'e' },
	{ "batch", required_argument, NULL, 'b' },
	{ "lr", required_argument, NULL, OPT_LR },
	{ "lr-decay", required_argument, NULL, OPT_LR_DECAY },
	{ "algorithm", required_argument, NULL, OPT_ALGORITHM },
	{ "seed", required_argument, NULL, 's' },
	{ "runs", required_argument, NULL, OPT_RUNS },
	{ "no-reference", no_argument, NULL, OPT_NO_REFERENCE },
	{ "device", required_argument, NULL, 'D' },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "replace", no_argument, NULL, OPT_REPLACE },
	{ "checkpoint", required_argument, NULL, 'c' },
	{ "resume", no_argument, NULL, 'r' },
	{ "summary", required_argument, NULL, OPT_SUMMARY },
	{ "history", required_argument, NULL, OPT_HISTORY },
	{ "predictions", required_argument, NULL, OPT_PREDICTIONS },
	{ "conductance", required_argument, NULL, OPT_CONDUCTANCE },
	{ "trace", required_argument, NULL, OPT_TRACE },
	{ "json", no_argument, NULL, 'j' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* What a checkpoint has settled: wrong beside --resume. */
static const int settled[] = {
	OPT_HOLD_OUT, OPT_SCALING,	OPT_LAYERS, OPT_SHAPE,	 OPT_ACTIVATION,
	OPT_CLASSES,  OPT_WEIGHT_SCALE, 'b',	    OPT_LR,	 OPT_LR_DECAY,
	's',	      OPT_RUNS,		OPT_NAME,   OPT_REPLACE, OPT_ALGORITHM,
};

static const char *name_of(int opt)
{
	for (const struct option *o = options; o->name; o++)
		if (o->val == opt)
			return o->name;
	return "?";
}

static int bad(int opt, const char *arg, const char *wanted)
{
	train_complain("--%s: \"%s\" is not %s", name_of(opt), arg, wanted);
	return -EINVAL;
}

static int parse_u32(int opt, const char *arg, uint32_t min, uint32_t max, uint32_t *to)
{
	uint64_t value;
	char wanted[64];

	if (!train_parse_uint(arg, min, max, &value)) {
		*to = (uint32_t)value;
		return 0;
	}
	snprintf(wanted, sizeof(wanted), "a whole number from %u to %u", min, max);
	return bad(opt, arg, wanted);
}

static int parse_float(int opt, const char *arg, double max, float *to)
{
	char wanted[64];
	double value;

	if (!train_parse_number(arg, 0.0, max, &value)) {
		*to = (float)value;
		return 0;
	}
	snprintf(wanted, sizeof(wanted), "a number from 0 to %g", max);
	return bad(opt, arg, wanted);
}

/* One of @names, the index of which is written. */
static int parse_name(int opt, const char *arg, const char *const *names, const char *wanted,
		      uint32_t *to)
{
	for (uint32_t i = 0; names[i]; i++)
		if (!strcmp(names[i], arg)) {
			*to = i;
			return 0;
		}
	return bad(opt, arg, wanted);
}

static int parse_shape(struct options *o, const char *arg)
{
	char *list = NULL, *rest, *s;
	uint32_t n = 0;
	int err = 0;

	train_setup_string(&list, arg);
	rest = list;
	o->shape[2] = 1;
	while (!err && (s = strsep(&rest, "x"))) {
		uint64_t size;

		if (n == 3 || train_parse_uint(s, 1, 65536, &size))
			err = -EINVAL;
		else
			o->shape[n++] = (uint32_t)size;
	}
	free(list);
	return err || n < 2 ? bad(OPT_SHAPE, arg, "height x width, or height x width x channels") :
			      0;
}

/* When all is known: the activation may come later in the line. */
static int parse_layers(struct options *o)
{
	int n = 0;

	if (strcmp(o->layers, "none"))
		n = mho_nn_layers_parse(o->layers, o->activation, o->hidden, MHO_NN_LAYERS_MAX - 1);
	if (n < 0) {
		train_complain("--%s: %s", name_of(OPT_LAYERS), mho_nn_last_error());
		return TRAIN_USAGE;
	}
	o->hidden_count = (uint32_t)n;
	return -1;
}

static int parse_table(struct options *o, const char *arg)
{
	char *list = NULL, *rest, *s;
	int err = 0;

	train_setup_string(&list, arg);
	rest = list;
	o->schedule.entries = 0;
	while (!err && (s = strsep(&rest, ","))) {
		char *equals = strchr(s, '=');
		uint64_t epoch;
		double rate;

		if (equals)
			*equals = '\0';
		if (!equals || o->schedule.entries == MHO_NN_RATES_MAX ||
		    train_parse_uint(s, 0, 1000000, &epoch) ||
		    train_parse_number(equals + 1, 0.0, 1e6, &rate)) {
			err = bad(OPT_LR_DECAY, arg, "a list such as 0=0.1,10=0.05");
			continue;
		}
		o->table[o->schedule.entries].epoch = (uint32_t)epoch;
		o->table[o->schedule.entries++].rate = (float)rate;
	}
	free(list);
	o->schedule.decay = MHO_NN_DECAY_TABLE;
	o->schedule.table = o->table;
	return err;
}

/* F, N:F, or a table */
static int parse_decay(struct options *o, const char *arg)
{
	static const char wanted[] = "a factor (0.97), epochs:factor (10:0.5), or a list of rates "
				     "(0=0.1,10=0.05)";
	const char *colon = strchr(arg, ':');
	char epochs[16];
	uint64_t every;
	double factor;

	if (strchr(arg, '='))
		return parse_table(o, arg);
	if (train_parse_number(colon ? colon + 1 : arg, 0.0, 10.0, &factor))
		return bad(OPT_LR_DECAY, arg, wanted);
	o->schedule.decay = MHO_NN_DECAY_EPOCH;
	o->schedule.factor = (float)factor;
	if (!colon)
		return 0;
	snprintf(epochs, sizeof(epochs), "%.*s", (int)(colon - arg), arg);
	if (train_parse_uint(epochs, 1, 1000000, &every))
		return bad(OPT_LR_DECAY, arg, wanted);
	o->schedule.decay = MHO_NN_DECAY_STEP;
	o->schedule.every = (uint32_t)every;
	return 0;
}

static int parse_hold_out(struct options *o, const char *arg)
{
	if (!train_parse_number(arg, 0.0, 1.0, &o->setup.hold_out) && o->setup.hold_out < 1.0)
		return 0;
	return bad(OPT_HOLD_OUT, arg, "a share, 0 or larger and smaller than 1");
}

static int parse_seed(struct options *o, const char *arg)
{
	if (!train_parse_uint(arg, 0, UINT64_MAX, &o->setup.seed))
		return 0;
	return bad('s', arg, "a whole number, 0 or larger");
}

static int parse_algorithm(struct options *o, const char *arg)
{
	int err = mho_nn_algorithm_parse(arg, &o->algorithm);

	if (err)
		train_complain("--%s: %s", name_of(OPT_ALGORITHM), mho_nn_last_error());
	return err;
}

static int parse_one(struct options *o, int opt, const char *arg)
{
	static const char *const scalings[] = { "none", "max", "column", NULL };
	static const char *const activations[] = { "linear", "relu", "tanh", "sigmoid", NULL };

	switch (opt) {
	case 'd':
		train_setup_string(&o->setup.data, arg);
		return 0;
	case 'l':
		train_setup_string(&o->setup.labels, arg);
		return 0;
	case OPT_HOLD_OUT:
		return parse_hold_out(o, arg);
	case OPT_SCALING:
		return parse_name(opt, arg, scalings, "max, column or none", &o->setup.scaling);
	case OPT_LAYERS:
		o->layers = arg;
		return 0;
	case OPT_SHAPE:
		return parse_shape(o, arg);
	case OPT_ACTIVATION:
		return parse_name(opt, arg, activations, "relu, tanh, sigmoid or linear",
				  &o->activation);
	case OPT_CLASSES:
		return parse_u32(opt, arg, 1, 65536, &o->classes);
	case OPT_WEIGHT_SCALE:
		return parse_float(opt, arg, 1e6, &o->weight_scale);
	case 'e':
		o->epochs_given = true;
		return parse_u32(opt, arg, 0, 1000000, &o->epochs);
	case 'b':
		return parse_u32(opt, arg, 1, 65536, &o->batch);
	case OPT_LR:
		return parse_float(opt, arg, 1e6, &o->schedule.rate);
	case OPT_LR_DECAY:
		return parse_decay(o, arg);
	case OPT_ALGORITHM:
		return parse_algorithm(o, arg);
	case 's':
		return parse_seed(o, arg);
	case OPT_RUNS:
		return parse_u32(opt, arg, 1, RUNS_MAX, &o->runs);
	case OPT_NO_REFERENCE:
		o->reference = false;
		return 0;
	case 'D':
		train_setup_string(&o->setup.device, arg);
		return 0;
	case OPT_NAME:
		o->name = arg;
		return 0;
	case OPT_REPLACE:
		o->replace = true;
		return 0;
	case 'c':
		o->checkpoint = arg;
		return 0;
	case 'r':
		o->resume = true;
		return 0;
	case OPT_SUMMARY:
		o->summary = arg;
		return 0;
	case OPT_HISTORY:
		o->history = arg;
		return 0;
	case OPT_PREDICTIONS:
		o->predictions = arg;
		return 0;
	case OPT_TRACE:
		o->trace = arg;
		return 0;
	case OPT_CONDUCTANCE:
		o->conductance = arg;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static void set_defaults(struct options *o)
{
	memset(o, 0, sizeof(*o));
	o->setup.hold_out = 0.2;
	o->setup.seed = 1;
	o->setup.scaling = MHO_NN_SCALE_MAX;
	o->layers = "128";
	o->activation = MHO_NN_RELU;
	o->algorithm.size = sizeof(o->algorithm);
	o->schedule.size = sizeof(o->schedule);
	o->schedule.rate = 0.2f;
	o->epochs = 30;
	o->batch = 10;
	o->runs = 1;
	o->reference = true;
}

static int parse_line(struct options *o, int argc, char **argv, int *fixed)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "d:l:e:b:s:D:c:rjqhV", options, NULL)) != -1) {
		if (opt == '?')
			return TRAIN_USAGE;
		if (opt == 'h') {
			fputs(help, stdout);
			return fflush(stdout) ? TRAIN_FAILED : TRAIN_OK;
		}
		if (opt == 'V') {
			printf("mho-train %d.%d.%d\n", MHO_VERSION_MAJOR, MHO_VERSION_MINOR,
			       MHO_VERSION_PATCH);
			return fflush(stdout) ? TRAIN_FAILED : TRAIN_OK;
		}
		if (parse_one(o, opt, optarg))
			return TRAIN_USAGE;
		for (size_t i = 0; i < sizeof(settled) / sizeof(*settled); i++)
			if (settled[i] == opt)
				*fixed = opt;
	}
	return -1;
}

/* What the line does not say about data and device, the checkpoint's note does. */
static int fill_from_checkpoint(struct options *o)
{
	struct mho_nn_checkpoint_info info = MHO_INIT(struct mho_nn_checkpoint_info);
	struct train_setup setup = { .scaling = MHO_NN_SCALE_MAX };
	struct mho_nn_checkpoint *ckpt;

	if (mho_nn_checkpoint_open(o->checkpoint, &ckpt)) {
		train_complain("%s", mho_nn_last_error());
		return TRAIN_FAILED;
	}
	if (mho_nn_checkpoint_info_get(ckpt, &info) || train_setup_parse(info.note, &setup)) {
		train_complain("%s: was not made by mho-train", o->checkpoint);
		mho_nn_checkpoint_close(ckpt);
		return TRAIN_FAILED;
	}
	/* Other samples do not have the old ones' labels. */
	if (o->setup.data || o->setup.labels)
		train_setup_string(&setup.labels, o->setup.labels);
	if (o->setup.data)
		train_setup_string(&setup.data, o->setup.data);
	if (o->setup.device)
		train_setup_string(&setup.device, o->setup.device);
	train_setup_free(&o->setup);
	o->setup = setup;
	o->batch = info.batch;
	o->reference = o->reference && info.reference;
	if (!o->epochs_given)
		o->epochs = info.epochs;
	mho_nn_checkpoint_close(ckpt);
	return -1;
}

static int usage(const char *what)
{
	train_complain("%s; try mho-train --help", what);
	return TRAIN_USAGE;
}

static bool to_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

/* @fixed: an option that does not go with --resume, or 0. Return: -1 to go on, or TRAIN_USAGE. */
static int check_resume(const struct options *o, int fixed)
{
	if (!o->checkpoint)
		return usage("--resume needs --checkpoint FILE");
	if (!fixed)
		return -1;
	train_complain("--%s cannot be changed when a training is resumed; leave it out, "
		       "or train anew without --resume",
		       name_of(fixed));
	return TRAIN_USAGE;
}

static int check_new(struct options *o)
{
	if (!o->setup.data)
		return usage("no samples: --data FILE is needed");
	if (o->replace && !o->name)
		return usage("--replace needs --name");
	if (o->runs > 1 && o->setup.device && strstr(o->setup.device, "state=") &&
	    !strstr(o->setup.device, "seed="))
		return usage("each of several --runs has a card of its own, with a seed of its "
			     "own: leave state= out of the URI, or put seed= into it");
	if (!mho_nn_schedule_check(&o->schedule))
		return parse_layers(o);
	train_complain("--lr-decay: %s", mho_nn_last_error());
	return TRAIN_USAGE;
}

int options_parse(struct options *o, int argc, char **argv)
{
	int fixed = 0, status;

	set_defaults(o);
	status = parse_line(o, argc, argv, &fixed);
	if (status == TRAIN_USAGE)
		fputs("Try mho-train --help.\n", stderr);
	if (status >= 0)
		return status;
	if (optind < argc) {
		train_complain(
			"what is \"%s\"? Samples are named with --data; try mho-train --help",
			argv[optind]);
		return TRAIN_USAGE;
	}
	status = o->resume ? check_resume(o, fixed) : check_new(o);
	if (status >= 0)
		return status;
	if (to_stdout(o->trace))
		return usage("--trace needs a file");
	if (to_stdout(o->summary) + to_stdout(o->history) + to_stdout(o->predictions) +
		    to_stdout(o->conductance) + o->json >
	    1)
		return usage("only one output can go to standard output");
	if (o->resume) {
		status = fill_from_checkpoint(o);
		if (status >= 0)
			return status;
	}
	if (!o->setup.device)
		train_setup_string(&o->setup.device, "emu:");
	return -1;
}

void options_free(struct options *o)
{
	train_setup_free(&o->setup);
}
