// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * How networks on a device learn: the table of algorithms, from a text and from a description.
 * Gradient descent has nothing of its own and is here; each other one has a file algorithm_*.c.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/internal.h"

/* Longest text of an algorithm. */
#define TEXT_MAX 256
#define RATE_MAX 1e6f

const struct nn_algorithm_kind nn_sgd = {
	.name = "sgd",
	.options = (const struct nn_algorithm_option[]){ { 0 } },
};

/* By enum mho_nn_algorithm_kind. */
static const struct nn_algorithm_kind *const kinds[] = {
	[MHO_NN_SGD] = &nn_sgd,
	[MHO_NN_TIKI_TAKA] = &nn_tiki_taka,
	[MHO_NN_TIKI_TAKA_2] = &nn_tiki_taka_2,
	[MHO_NN_CHOPPED] = &nn_chopped,
	[MHO_NN_AGAD] = &nn_agad,
	[MHO_NN_MIXED] = &nn_mixed,
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- from a text ---- */

static const struct nn_algorithm_option *find_option(const struct nn_algorithm_kind *kind,
						     const char *name)
{
	for (const struct nn_algorithm_option *o = kind->options; o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

/* 0 stands for the initial value, so that it cannot be said. */
static bool parse_value(const struct nn_algorithm_option *o, const char *text,
			struct mho_nn_algorithm *to)
{
	char *end;
	double value = strtod(text, &end);
	float rate = (float)value;
	uint32_t number = (uint32_t)value;

	if (end == text || *end || !(value > 0) || value > (double)RATE_MAX)
		return false;
	if (!o->rate && value != floor(value))
		return false;
	memcpy((char *)to + o->offset, o->rate ? (void *)&rate : (void *)&number, sizeof(rate));
	return true;
}

static int parse_option(const struct nn_algorithm_kind *kind, char *word,
			struct mho_nn_algorithm *to)
{
	char *equals = strchr(word, '=');
	const struct nn_algorithm_option *o;

	if (equals)
		*equals = '\0';
	o = find_option(kind, word);
	if (!o)
		return nn_error(-EINVAL, "the algorithm %s has no option \"%s\"", kind->name, word);
	if (!equals || !parse_value(o, equals + 1, to))
		return nn_error(-EINVAL,
				"the algorithm %s: %s=%s is not a %s, larger than 0, up to %g",
				kind->name, word, equals ? equals + 1 : "",
				o->rate ? "number" : "whole number", (double)RATE_MAX);
	return 0;
}

static int parse_kind(const char *word, struct mho_nn_algorithm *to)
{
	for (to->kind = 0; to->kind < KINDS; to->kind++)
		if (!strcmp(kinds[to->kind]->name, word))
			return 0;
	return nn_error(-EINVAL,
			"there is no algorithm \"%s\"; there are sgd, tiki-taka, "
			"tiki-taka-2, chopped, agad and mixed",
			word);
}

int mho_nn_algorithm_parse(const char *text, struct mho_nn_algorithm *out)
{
	struct mho_nn_algorithm found = MHO_INIT(struct mho_nn_algorithm);
	char copy[TEXT_MAX], *rest = copy, *word;
	int err;

	if (!text || strlen(text) >= sizeof(copy))
		return nn_error(-EINVAL, "the algorithm's text %s",
				text ? "is too long" : "is missing");
	strcpy(copy, text);
	err = parse_kind(strsep(&rest, ":"), &found);
	while (!err && (word = strsep(&rest, ":")))
		err = parse_option(kinds[found.kind], word, &found);
	if (!err)
		*out = found;
	return err;
}

/* ---- from a description ---- */

/* What is not said, and whether what is said can be. */
static int fill_option(const struct nn_algorithm_kind *kind, const struct nn_algorithm_option *o,
		       struct mho_nn_algorithm *set)
{
	char *at = (char *)set + o->offset;
	uint32_t number;
	float rate;

	if (!o->rate) {
		memcpy(&number, at, sizeof(number));
		number = number ? number : (uint32_t)o->initial;
		memcpy(at, &number, sizeof(number));
		return 0;
	}
	memcpy(&rate, at, sizeof(rate));
	rate = rate == 0.0f ? o->initial : rate;
	memcpy(at, &rate, sizeof(rate));
	if (rate >= (o->initial > 0.0f ? FLT_MIN : 0.0f) && rate <= RATE_MAX)
		return 0;
	return nn_error(-EINVAL, "the algorithm %s: %s is %g; it must be larger than 0, up to %g",
			kind->name, o->name, (double)rate, (double)RATE_MAX);
}

int nn_learner_init(struct nn_learner *learner, const struct mho_nn_algorithm *from)
{
	static const struct mho_nn_algorithm plain = MHO_INIT(struct mho_nn_algorithm);
	int err = 0;

	if (!from)
		from = &plain;
	if (from->size != sizeof(*from))
		return nn_error(-EINVAL, "struct mho_nn_algorithm: size is not set; initialise it "
					 "with MHO_INIT(struct mho_nn_algorithm)");
	if (from->kind >= KINDS)
		return nn_error(-EINVAL, "algorithm %u does not exist", from->kind);
	*learner = (struct nn_learner){ .kind = kinds[from->kind], .set = *from };
	for (const struct nn_algorithm_option *o = learner->kind->options; !err && o->name; o++)
		err = fill_option(learner->kind, o, &learner->set);
	return err;
}

/* ---- what it has ---- */

static int alloc_floats(struct mho_nn *nn, uint32_t k)
{
	const struct nn_algorithm_kind *kind = nn->learner.kind;
	const struct nn_layer *l = &nn->layer[k];

	if (!kind->floats || !l->rows)
		return 0;
	nn->learner.floats[k] = calloc(kind->floats(l), sizeof(float));
	if (!nn->learner.floats[k])
		return nn_no_memory();
	if (kind->begin)
		kind->begin(l, nn->learner.floats[k]);
	return 0;
}

int nn_learner_alloc(struct mho_nn *nn)
{
	struct nn_learner *learner = &nn->learner;
	size_t bytes = 0;
	int err = 0;

	for (uint32_t k = 0; !err && k < nn->layers; k++) {
		err = alloc_floats(nn, k);
		if (!learner->kind->memory || !nn->layer[k].rows)
			continue;
		learner->offset[k] = bytes;
		bytes += (learner->kind->memory(nn, &nn->layer[k]) + 63) / 64 * 64;
	}
	if (err || !bytes)
		return err;
	err = mho_buf_alloc(nn->dev, bytes, &learner->buf);
	if (err)
		return nn_mho_error(err, "memory for the algorithm %s", learner->kind->name);
	for (uint32_t k = 0; k < nn->layers; k++)
		learner->memory[k] = (char *)mho_buf_map(learner->buf) + learner->offset[k];
	return 0;
}

void nn_learner_free(struct mho_nn *nn)
{
	/* Of what is in flight nothing may be lost that it uses. */
	if (nn->learner.buf && nn->engine)
		nn->ops->drain(nn);
	mho_buf_free(nn->learner.buf);
	for (uint32_t k = 0; k < nn->layers; k++)
		free(nn->learner.floats[k]);
}

/* ---- where it stands ---- */

bool nn_learner_is_due(struct nn_learner *learner)
{
	if (++learner->batches < learner->set.every)
		return false;
	learner->batches = 0;
	return true;
}

uint32_t nn_learner_columns(struct mho_nn *nn, uint32_t k, uint32_t *first)
{
	struct nn_learner *learner = &nn->learner;
	uint32_t left = nn->layer[k].cols - learner->column[k];
	uint32_t count = learner->set.columns < left ? learner->set.columns : left;

	*first = learner->column[k];
	learner->column[k] = count < left ? learner->column[k] + count : 0;
	learner->sweep[k] += count == left;
	return count;
}
