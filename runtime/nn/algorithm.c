// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * How networks on a device learn: the table of algorithms, from a text and from a description.
 * Gradient descent has nothing of its own and is here; each other one has a file algorithm_*.c.
 */
#include <errno.h>
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
	return nn_error(-EINVAL, "there is no algorithm \"%s\"; there are sgd and tiki-taka", word);
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
	if (rate > 0.0f && rate <= RATE_MAX)
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
