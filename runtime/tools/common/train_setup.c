// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What a training was set up with, as text and as samples.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/train_setup.h"
#include "tools/common/train_text.h"

#define SCHEMA "mho-train-setup/1"

void train_setup_string(char **to, const char *from)
{
	char *copy = from ? strdup(from) : NULL;

	if (from && !copy)
		train_out_of_memory();
	free(*to);
	*to = copy;
}

void train_setup_free(struct train_setup *setup)
{
	free(setup->data);
	free(setup->labels);
	free(setup->device);
	memset(setup, 0, sizeof(*setup));
}

static struct json_object *text_or_null(const char *s)
{
	return s ? json_object_new_string(s) : NULL;
}

/* A path that is right from any directory. */
static struct json_object *full_path(const char *path)
{
	char real[PATH_MAX];

	return text_or_null(path && realpath(path, real) ? real : path);
}

char *train_setup_print(const struct train_setup *setup)
{
	struct json_object *o = json_object_new_object();
	const char *text;
	char *copy;

	json_object_object_add(o, "schema", json_object_new_string(SCHEMA));
	json_object_object_add(o, "data", full_path(setup->data));
	json_object_object_add(o, "labels", full_path(setup->labels));
	json_object_object_add(o, "device", text_or_null(setup->device));
	json_object_object_add(o, "hold_out", json_object_new_double(setup->hold_out));
	json_object_object_add(o, "seed", json_object_new_uint64(setup->seed));
	json_object_object_add(o, "scaling", json_object_new_int((int)setup->scaling));
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE);
	copy = text ? strdup(text) : NULL;
	json_object_put(o);
	return copy;
}

static void take_string(struct json_object *from, const char *key, char **to)
{
	struct json_object *o = NULL;

	if (json_object_object_get_ex(from, key, &o))
		train_setup_string(to, o ? json_object_get_string(o) : NULL);
}

int train_setup_parse(const char *note, struct train_setup *setup)
{
	struct json_object *root = note ? json_tokener_parse(note) : NULL, *o;
	int ret = -EINVAL;

	if (json_object_is_type(root, json_type_object) &&
	    json_object_object_get_ex(root, "schema", &o) &&
	    !strcmp(json_object_get_string(o), SCHEMA)) {
		take_string(root, "data", &setup->data);
		take_string(root, "labels", &setup->labels);
		take_string(root, "device", &setup->device);
		if (json_object_object_get_ex(root, "hold_out", &o))
			setup->hold_out = json_object_get_double(o);
		if (json_object_object_get_ex(root, "seed", &o))
			setup->seed = json_object_get_uint64(o);
		if (json_object_object_get_ex(root, "scaling", &o))
			setup->scaling = (uint32_t)json_object_get_int(o);
		ret = 0;
	}
	json_object_put(root);
	return ret;
}

static int divide(struct mho_nn_data *data, double hold_out, struct mho_nn_data **test)
{
	struct mho_nn_data_info info = MHO_INIT(struct mho_nn_data_info);
	uint32_t count;
	int err = mho_nn_data_info_get(data, &info);

	*test = NULL;
	if (err || hold_out <= 0.0)
		return err;
	count = (uint32_t)lround(info.count * hold_out);
	return mho_nn_data_split(data, count ? count : 1, test);
}

int train_setup_samples(const struct train_setup *setup, const struct mho_nn_checkpoint *ckpt,
			struct mho_nn_data **train, struct mho_nn_data **test)
{
	struct mho_nn_data *data;
	int err = mho_nn_data_open(setup->data, setup->labels, 0, &data);

	if (err) {
		train_complain("%s", mho_nn_last_error());
		return err;
	}
	mho_nn_data_shuffle(data, setup->seed);
	err = divide(data, setup->hold_out, test);
	if (!err)
		err = ckpt ? mho_nn_data_scale_from(data, ckpt) :
			     mho_nn_data_scale(data, setup->scaling);
	if (!err && *test)
		err = mho_nn_data_scale_like(*test, data);
	if (err) {
		train_complain("%s", mho_nn_last_error());
		mho_nn_data_free(*test);
		mho_nn_data_free(data);
		return err;
	}
	*train = data;
	return 0;
}

static void on_log(void *arg, int level, const char *text)
{
	(void)arg;
	(void)level;
	train_complain("%s", text);
}

int train_setup_open(const char *uri, const char *trace, struct mho_dev **dev)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	int err;

	opts.trace = trace;
	/* Of devices that are not traced, errors say enough. */
	if (trace)
		opts.log = on_log;
	err = mho_open(uri, &opts, dev);
	if (err)
		train_complain("device \"%s\": %s", uri,
			       *mho_last_error() ? mho_last_error() : mho_strerror(err));
	return err;
}

int train_setup_end_trace(struct mho_dev *dev)
{
	int err = dev ? mho_trace_flush(dev) : 0;

	if (err)
		train_complain("%s", mho_last_error());
	return err;
}

int train_setup_keep(struct mho_dev *dev)
{
	int err = dev ? mho_sync(dev) : 0;

	if (err)
		train_complain("what this run did to the device is not kept: %s", mho_last_error());
	return err;
}
