// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The text of a checkpoint: JSON, so that people can look into it (tail -c +25 FILE | head).
 */
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/checkpoint.h"

/* ---- writing ---- */

static void add_int(struct json_object *to, const char *key, uint64_t value)
{
	json_object_object_add(to, key, json_object_new_uint64(value));
}

static void add_text(struct json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, value ? json_object_new_string(value) : NULL);
}

/* JSON has no NaN. */
static void add_number(struct json_object *to, const char *key, double value)
{
	json_object_object_add(to, key, isfinite(value) ? json_object_new_double(value) : NULL);
}

/* What layers have that are not dense, and samples that are not vectors; 0 is not written. */
struct field {
	const char *key;
	size_t offset;
};

static const struct field layer_fields[] = {
	{ "kind", offsetof(struct mho_nn_layer, kind) },
	{ "kernel_height", offsetof(struct mho_nn_layer, kernel_height) },
	{ "kernel_width", offsetof(struct mho_nn_layer, kernel_width) },
	{ "stride_height", offsetof(struct mho_nn_layer, stride_height) },
	{ "stride_width", offsetof(struct mho_nn_layer, stride_width) },
	{ "padding_height", offsetof(struct mho_nn_layer, padding_height) },
	{ "padding_width", offsetof(struct mho_nn_layer, padding_width) },
	{ "flags", offsetof(struct mho_nn_layer, flags) },
	{ NULL, 0 },
};

static const struct field shape_fields[] = {
	{ "steps", offsetof(struct nn_shape, steps) },
	{ "height", offsetof(struct nn_shape, height) },
	{ "width", offsetof(struct nn_shape, width) },
	{ "channels", offsetof(struct nn_shape, channels) },
	{ NULL, 0 },
};

static void print_fields(struct json_object *o, const struct field *fields, const void *from)
{
	uint32_t value;

	for (const struct field *f = fields; f->key; f++) {
		memcpy(&value, (const char *)from + f->offset, sizeof(value));
		if (value)
			add_int(o, f->key, value);
	}
}

static struct json_object *print_layers(const struct mho_nn_checkpoint *c)
{
	struct json_object *array = json_object_new_array();

	for (uint32_t k = 0; k < c->layers; k++) {
		struct json_object *o = json_object_new_object();

		add_int(o, "outputs", c->layer[k].outputs);
		add_int(o, "activation", c->layer[k].activation);
		add_number(o, "scale", c->layer[k].scale);
		print_fields(o, layer_fields, &c->layer[k]);
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *print_numbers(const uint32_t *from, uint32_t n)
{
	struct json_object *array = json_object_new_array();

	for (uint32_t k = 0; k < n; k++)
		json_object_array_add(array, json_object_new_uint64(from[k]));
	return array;
}

/* An algorithm's options, by their names. */
static const struct {
	const char *key;
	size_t offset;
} algorithm_rates[] = {
	{ "fast_rate", offsetof(struct mho_nn_algorithm, fast_rate) },
	{ "transfer_rate", offsetof(struct mho_nn_algorithm, transfer_rate) },
	{ "granularity", offsetof(struct mho_nn_algorithm, granularity) },
	{ "momentum", offsetof(struct mho_nn_algorithm, momentum) },
	{ "chop", offsetof(struct mho_nn_algorithm, chop) },
	{ "tail", offsetof(struct mho_nn_algorithm, tail) },
};

#define ALGORITHM_RATES (sizeof(algorithm_rates) / sizeof(algorithm_rates[0]))

/* What the algorithm was told, and where it stands. */
static struct json_object *print_learner(const struct mho_nn_checkpoint *c)
{
	struct json_object *o = json_object_new_object();

	add_int(o, "kind", c->learner.set.kind);
	add_int(o, "every", c->learner.set.every);
	add_int(o, "columns", c->learner.set.columns);
	for (size_t i = 0; i < ALGORITHM_RATES; i++) {
		float rate;

		memcpy(&rate, (const char *)&c->learner.set + algorithm_rates[i].offset,
		       sizeof(rate));
		add_number(o, algorithm_rates[i].key, (double)rate);
	}
	add_int(o, "batches", c->learner.batches);
	json_object_object_add(o, "column", print_numbers(c->learner.column, c->layers));
	json_object_object_add(o, "sweep", print_numbers(c->learner.sweep, c->layers));
	return o;
}

static struct json_object *print_schedule(const struct mho_nn_schedule *s)
{
	struct json_object *o = json_object_new_object();
	struct json_object *table = json_object_new_array();

	add_int(o, "decay", s->decay);
	add_number(o, "rate", s->rate);
	add_number(o, "factor", s->factor);
	add_int(o, "every", s->every);
	for (uint32_t i = 0; s->table && i < s->entries; i++) {
		struct json_object *entry = json_object_new_object();

		add_int(entry, "epoch", s->table[i].epoch);
		add_number(entry, "rate", s->table[i].rate);
		json_object_array_add(table, entry);
	}
	json_object_object_add(o, "table", table);
	return o;
}

static struct json_object *print_epoch(const struct mho_nn_epoch *e)
{
	struct json_object *o = json_object_new_object();

	add_number(o, "rate", e->rate);
	add_number(o, "loss", e->loss);
	add_number(o, "accuracy", e->accuracy);
	add_number(o, "test_loss", e->test_loss);
	add_number(o, "test_accuracy", e->test_accuracy);
	add_number(o, "reference_loss", e->reference_loss);
	add_number(o, "reference_accuracy", e->reference_accuracy);
	add_number(o, "reference_test_loss", e->reference_test_loss);
	add_number(o, "reference_test_accuracy", e->reference_test_accuracy);
	add_int(o, "device_ns", e->device_ns);
	add_int(o, "energy_fj", e->energy_fj);
	add_int(o, "pulses", e->pulses);
	add_number(o, "host_s", e->host_s);
	return o;
}

static struct json_object *print_history(const struct mho_nn_checkpoint *c)
{
	struct json_object *array = json_object_new_array();

	for (uint32_t i = 0; i < c->epoch; i++)
		json_object_array_add(array, print_epoch(&c->history[i]));
	return array;
}

static struct json_object *print_score(const struct mho_nn_score *s)
{
	struct json_object *o = json_object_new_object();

	add_int(o, "count", s->count);
	add_int(o, "correct", s->correct);
	add_number(o, "loss", s->loss);
	return o;
}

/* Whether programs that know dense layers only can read it: to these an image is a vector. */
static bool is_dense(const struct mho_nn_checkpoint *c)
{
	bool dense = c->in.steps == 1 && c->learner.kind == &nn_sgd;

	for (uint32_t k = 0; k < c->layers; k++)
		dense = dense && c->layer[k].kind == MHO_NN_DENSE && !c->layer[k].flags;
	return dense;
}

int nn_checkpoint_print(struct mho_nn_checkpoint *c)
{
	struct json_object *o = json_object_new_object();
	const char *text;

	add_text(o, "schema", is_dense(c) ? NN_CHECKPOINT_DENSE : NN_CHECKPOINT_SCHEMA);
	add_int(o, "inputs", c->inputs);
	if (!is_dense(c))
		print_fields(o, shape_fields, &c->in);
	json_object_object_add(o, "layers", print_layers(c));
	if (c->learner.kind != &nn_sgd)
		json_object_object_add(o, "algorithm", print_learner(c));
	add_text(o, "name", *c->name ? c->name : NULL);
	json_object_object_add(o, "reference", json_object_new_boolean(c->reference));
	add_int(o, "init_seed", c->init_seed);
	add_int(o, "serial", c->serial);
	add_int(o, "wear", c->wear);
	json_object_object_add(o, "schedule", print_schedule(&c->schedule.s));
	add_int(o, "seed", c->seed);
	add_int(o, "epochs", c->epochs);
	add_int(o, "batch", c->batch);
	add_int(o, "samples", c->samples);
	add_int(o, "test_samples", c->test_samples);
	add_int(o, "fingerprint", c->fingerprint);
	add_int(o, "epoch", c->epoch);
	add_int(o, "sample", c->sample);
	json_object_object_add(o, "score", print_score(&c->score));
	json_object_object_add(o, "now", print_epoch(&c->now));
	json_object_object_add(o, "history", print_history(c));
	add_text(o, "note", c->note);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
	c->file.text = text ? strdup(text) : NULL;
	json_object_put(o);
	if (!c->file.text)
		return nn_no_memory();
	c->file.text_len = strlen(c->file.text);
	return 0;
}

/* ---- reading ---- */

/* Notes the first field that is not what it should be. */
struct parser {
	const char *bad;
};

static struct json_object *get(struct parser *p, struct json_object *from, const char *key,
			       json_type type)
{
	struct json_object *o = NULL;

	if (json_object_object_get_ex(from, key, &o) && json_object_is_type(o, type))
		return o;
	if (!p->bad)
		p->bad = key;
	return NULL;
}

static uint64_t get_int(struct parser *p, struct json_object *from, const char *key, uint64_t max)
{
	struct json_object *o = get(p, from, key, json_type_int);
	uint64_t value;

	if (!o)
		return 0;
	value = json_object_get_uint64(o);
	if ((value > max || json_object_get_int64(o) < 0) && !p->bad)
		p->bad = key;
	return value;
}

static uint32_t get_u32(struct parser *p, struct json_object *from, const char *key, uint32_t max)
{
	return (uint32_t)get_int(p, from, key, max);
}

/* null is NaN */
static double get_number(struct parser *p, struct json_object *from, const char *key)
{
	struct json_object *o = NULL;

	if (!json_object_object_get_ex(from, key, &o)) {
		if (!p->bad)
			p->bad = key;
		return 0.0;
	}
	return o ? json_object_get_double(o) : NAN;
}

/* A string or null. */
static const char *get_text(struct parser *p, struct json_object *from, const char *key, size_t max)
{
	struct json_object *o = NULL;

	if (!json_object_object_get_ex(from, key, &o) ||
	    (o && (!json_object_is_type(o, json_type_string) ||
		   (size_t)json_object_get_string_len(o) > max))) {
		if (!p->bad)
			p->bad = key;
		return NULL;
	}
	return o ? json_object_get_string(o) : NULL;
}

static void parse_fields(struct parser *p, struct json_object *o, const struct field *fields,
			 void *to)
{
	for (const struct field *f = fields; f->key; f++) {
		uint32_t value;

		if (!json_object_object_get_ex(o, f->key, NULL))
			continue;
		value = get_u32(p, o, f->key, UINT32_MAX);
		memcpy((char *)to + f->offset, &value, sizeof(value));
	}
}

static void parse_layers(struct parser *p, struct json_object *root, struct mho_nn_checkpoint *c)
{
	struct json_object *array = get(p, root, "layers", json_type_array);
	size_t n = array ? json_object_array_length(array) : 0;

	if (n < 1 || n > MHO_NN_LAYERS_MAX) {
		p->bad = "layers";
		return;
	}
	c->layers = (uint32_t)n;
	for (uint32_t k = 0; k < c->layers; k++) {
		struct json_object *o = json_object_array_get_idx(array, k);
		struct mho_nn_layer *l = &c->layer[k];

		l->size = sizeof(*l);
		l->outputs = get_u32(p, o, "outputs", NN_WIDTH_MAX);
		l->activation = get_u32(p, o, "activation", MHO_NN_SOFTMAX);
		l->scale = (float)get_number(p, o, "scale");
		parse_fields(p, o, layer_fields, l);
	}
}

static void parse_numbers(struct parser *p, struct json_object *from, const char *key, uint32_t *to,
			  uint32_t n)
{
	struct json_object *array = get(p, from, key, json_type_array);

	for (uint32_t k = 0; array && k < n; k++)
		to[k] = (uint32_t)json_object_get_uint64(json_object_array_get_idx(array, k));
}

static void parse_learner(struct parser *p, struct json_object *root, struct mho_nn_checkpoint *c)
{
	struct mho_nn_algorithm set = MHO_INIT(struct mho_nn_algorithm);
	struct json_object *o = NULL;

	if (!json_object_object_get_ex(root, "algorithm", &o)) {
		nn_learner_init(&c->learner, NULL);
		return;
	}
	set.kind = get_u32(p, o, "kind", UINT32_MAX);
	set.every = get_u32(p, o, "every", UINT32_MAX);
	set.columns = get_u32(p, o, "columns", UINT32_MAX);
	for (size_t i = 0; i < ALGORITHM_RATES; i++) {
		float rate = (float)get_number(p, o, algorithm_rates[i].key);

		memcpy((char *)&set + algorithm_rates[i].offset, &rate, sizeof(rate));
	}
	if (nn_learner_init(&c->learner, &set)) {
		p->bad = "algorithm";
		nn_learner_init(&c->learner, NULL);
		return;
	}
	c->learner.batches = get_u32(p, o, "batches", UINT32_MAX);
	parse_numbers(p, o, "column", c->learner.column, c->layers);
	parse_numbers(p, o, "sweep", c->learner.sweep, c->layers);
}

static void parse_schedule(struct parser *p, struct json_object *root, struct mho_nn_checkpoint *c)
{
	struct json_object *o = get(p, root, "schedule", json_type_object);
	struct json_object *table = get(p, o, "table", json_type_array);
	struct mho_nn_schedule *s = &c->schedule.s;

	s->size = sizeof(*s);
	s->decay = get_u32(p, o, "decay", MHO_NN_DECAY_TABLE);
	s->rate = (float)get_number(p, o, "rate");
	s->factor = (float)get_number(p, o, "factor");
	s->every = get_u32(p, o, "every", UINT32_MAX);
	s->table = c->schedule.table;
	s->entries = table ? (uint32_t)json_object_array_length(table) : 0;
	if (s->entries > MHO_NN_RATES_MAX)
		s->entries = MHO_NN_RATES_MAX;
	for (uint32_t i = 0; i < s->entries; i++) {
		struct json_object *entry = json_object_array_get_idx(table, i);

		c->schedule.table[i].epoch = get_u32(p, entry, "epoch", UINT32_MAX);
		c->schedule.table[i].rate = (float)get_number(p, entry, "rate");
	}
	if (!p->bad && mho_nn_schedule_check(s))
		p->bad = "schedule";
}

static void parse_epoch(struct parser *p, struct json_object *o, struct mho_nn_epoch *e)
{
	e->rate = get_number(p, o, "rate");
	e->loss = get_number(p, o, "loss");
	e->accuracy = get_number(p, o, "accuracy");
	e->test_loss = get_number(p, o, "test_loss");
	e->test_accuracy = get_number(p, o, "test_accuracy");
	e->reference_loss = get_number(p, o, "reference_loss");
	e->reference_accuracy = get_number(p, o, "reference_accuracy");
	e->reference_test_loss = get_number(p, o, "reference_test_loss");
	e->reference_test_accuracy = get_number(p, o, "reference_test_accuracy");
	e->device_ns = get_int(p, o, "device_ns", UINT64_MAX);
	e->energy_fj = get_int(p, o, "energy_fj", UINT64_MAX);
	e->pulses = get_int(p, o, "pulses", UINT64_MAX);
	e->host_s = get_number(p, o, "host_s");
}

static int parse_history(struct parser *p, struct json_object *root, struct mho_nn_checkpoint *c)
{
	struct json_object *array = get(p, root, "history", json_type_array);

	if (!array || json_object_array_length(array) != c->epoch) {
		p->bad = "history";
		return 0;
	}
	c->history = calloc(c->epoch + 1, sizeof(*c->history));
	if (!c->history)
		return nn_no_memory();
	for (uint32_t i = 0; i < c->epoch; i++)
		parse_epoch(p, json_object_array_get_idx(array, i), &c->history[i]);
	return 0;
}

static void parse_position(struct parser *p, struct json_object *root, struct mho_nn_checkpoint *c)
{
	struct json_object *score = get(p, root, "score", json_type_object);

	c->seed = get_int(p, root, "seed", UINT64_MAX);
	c->epochs = get_u32(p, root, "epochs", NN_EPOCHS_MAX);
	c->batch = get_u32(p, root, "batch", NN_BATCH_MAX);
	c->samples = get_u32(p, root, "samples", NN_SAMPLES_MAX);
	c->test_samples = get_u32(p, root, "test_samples", NN_SAMPLES_MAX);
	c->fingerprint = get_u32(p, root, "fingerprint", UINT32_MAX);
	c->epoch = get_u32(p, root, "epoch", c->epochs);
	c->sample = get_u32(p, root, "sample", c->samples);
	c->score.size = sizeof(c->score);
	c->score.count = get_u32(p, score, "count", c->samples);
	c->score.correct = get_u32(p, score, "correct", c->samples);
	c->score.loss = get_number(p, score, "loss");
	parse_epoch(p, get(p, root, "now", json_type_object), &c->now);
}

static int parse_root(struct parser *p, struct json_object *root, struct mho_nn_checkpoint *c)
{
	const char *schema = get_text(p, root, "schema", 64);
	const char *name, *note;

	if (!schema ||
	    (strcmp(schema, NN_CHECKPOINT_DENSE) && strcmp(schema, NN_CHECKPOINT_SCHEMA)))
		p->bad = "schema";
	c->inputs = get_u32(p, root, "inputs", NN_WIDTH_MAX);
	parse_fields(p, root, shape_fields, &c->in);
	parse_layers(p, root, c);
	parse_learner(p, root, c);
	c->reference = json_object_get_boolean(get(p, root, "reference", json_type_boolean));
	c->init_seed = get_int(p, root, "init_seed", UINT64_MAX);
	c->serial = get_int(p, root, "serial", UINT64_MAX);
	c->wear = get_int(p, root, "wear", UINT64_MAX);
	parse_schedule(p, root, c);
	parse_position(p, root, c);
	name = get_text(p, root, "name", MHO_NN_NAME_MAX);
	if (name)
		strcpy(c->name, name);
	note = get_text(p, root, "note", NN_NOTE_MAX);
	if (note) {
		c->note = strdup(note);
		if (!c->note)
			return nn_no_memory();
	}
	return parse_history(p, root, c);
}

int nn_checkpoint_parse(struct mho_nn_checkpoint *c, const char *path)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *root;
	struct parser p = { NULL };
	int err;

	if (!tok)
		return nn_no_memory();
	root = json_tokener_parse_ex(tok, c->file.text, (int)c->file.text_len);
	json_tokener_free(tok);
	if (!json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		return nn_error(-EBADMSG, "%s: the checkpoint's text is not JSON; use another one",
				path);
	}
	err = parse_root(&p, root, c);
	json_object_put(root);
	if (!err && (p.bad || !c->inputs || !c->batch))
		err = nn_error(-EBADMSG,
			       "%s: the checkpoint's field \"%s\" is missing or wrong; use another "
			       "one",
			       path, p.bad ? p.bad : "inputs");
	return err;
}
