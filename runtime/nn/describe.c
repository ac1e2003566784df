// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Layers from a text: "conv:8x5,max:2,120". The kinds' table says which numbers follow a name.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nn/internal.h"

/* Longest text of a layer. */
#define WORD_MAX 128
/* Kinds are numbered without gaps. */
#define FIRST_KIND MHO_NN_DENSE

/* Up to @max numbers with an x in between, the whole of @text. Return: how many, or -EINVAL. */
static int parse_numbers(const char *text, uint32_t *to, uint32_t max)
{
	uint32_t n = 0;

	for (;;) {
		char *end;
		unsigned long long value;

		if (n == max || !isdigit((unsigned char)*text))
			return -EINVAL;
		value = strtoull(text, &end, 10);
		if (value > NN_WIDTH_MAX)
			return -EINVAL;
		to[n++] = (uint32_t)value;
		if (!*end)
			return (int)n;
		if (*end != 'x')
			return -EINVAL;
		text = end + 1;
	}
}

static void put(struct mho_nn_layer *l, size_t offset, uint32_t value)
{
	memcpy((char *)l + offset, &value, sizeof(value));
}

/* A layer of the text that is being read. */
struct word {
	uint32_t k;
	const char *text; /* all of it, for messages */
};

static int bad(const struct word *w, const char *what, const char *wanted)
{
	return nn_error(-EINVAL, "layer %u, \"%s\": \"%s\" is not %s", w->k, w->text, what, wanted);
}

static int parse_sizes(const struct word *w, const struct nn_kind *kind, const char *text,
		       struct mho_nn_layer *l)
{
	static const char *const wanted[] = { "a size", "one size, or two with an x in between",
					      "channels and kernel such as 16x5 or 16x5x3" };
	uint32_t sizes[3];
	int n = parse_numbers(text, sizes, kind->nsizes);

	/* The width of a square kernel need not be said. */
	if (n > 0 && (uint32_t)n + 1 == kind->nsizes && (kind->has & NN_HAS_KERNEL)) {
		sizes[n] = sizes[n - 1];
		n++;
	}
	if (n < 0 || (uint32_t)n < kind->nsizes)
		return bad(w, text, wanted[kind->nsizes - 1]);
	for (uint32_t i = 0; i < kind->nsizes; i++)
		put(l, kind->sizes[i], sizes[i]);
	return 0;
}

/* Options with a number, or a pair of them, behind an =. */
static const struct {
	const char *name;
	uint32_t has;
	size_t offset[2];
	uint32_t count;
} numbers[] = {
	{ "stride",
	  NN_HAS_KERNEL,
	  { offsetof(struct mho_nn_layer, stride_height),
	    offsetof(struct mho_nn_layer, stride_width) },
	  2 },
	{ "pad",
	  NN_HAS_KERNEL,
	  { offsetof(struct mho_nn_layer, padding_height),
	    offsetof(struct mho_nn_layer, padding_width) },
	  2 },
};

/* Options that are a word. */
static const struct {
	const char *name;
	uint32_t has;
	uint32_t flag;
} flags[] = {
	{ "nobias", NN_HAS_BIAS, MHO_NN_NO_BIAS },
};

static int parse_number(const struct word *w, const struct nn_kind *kind, char *text, char *equals,
			struct mho_nn_layer *l)
{
	uint32_t value[2];
	int n;

	*equals = '\0';
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (strcmp(text, numbers[i].name) || !(kind->has & numbers[i].has))
			continue;
		n = parse_numbers(equals + 1, value, numbers[i].count);
		if (n < 0)
			return bad(w, equals + 1, "a number, or height and width as in 2x1");
		for (uint32_t j = 0; j < numbers[i].count; j++)
			put(l, numbers[i].offset[j], value[n == 1 ? 0 : j]);
		return 0;
	}
	return bad(w, text, "an option of this kind of layer");
}

static int parse_option(const struct word *w, const struct nn_kind *kind, char *text,
			struct mho_nn_layer *l)
{
	char *equals = strchr(text, '=');

	if (equals)
		return parse_number(w, kind, text, equals, l);
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (!strcmp(text, flags[i].name) && (kind->has & flags[i].has)) {
			l->flags |= flags[i].flag;
			return 0;
		}
	for (uint32_t i = 0; nn_activation_names[i] && (kind->has & NN_HAS_ACTIVATION); i++)
		if (!strcmp(text, nn_activation_names[i])) {
			l->activation = i;
			return 0;
		}
	return bad(w, text, "an option of this kind of layer");
}

static const struct nn_kind *find_kind(const char *name, uint32_t *number)
{
	const struct nn_kind *kind;

	for (*number = FIRST_KIND; (kind = nn_kind_get(*number)); (*number)++)
		if (!strcmp(kind->name, name))
			return kind;
	return NULL;
}

static int parse_layer(const struct word *w, char *text, uint32_t activation,
		       struct mho_nn_layer *l)
{
	const struct nn_kind *kind = &nn_dense;
	char *rest = text, *part;
	int err;

	*l = (struct mho_nn_layer)MHO_INIT(struct mho_nn_layer);
	if (!isdigit((unsigned char)*text)) {
		part = strsep(&rest, ":");
		kind = find_kind(part, &l->kind);
		if (!kind)
			return bad(w, part, "a kind of layer: dense, conv, max or avg");
	}
	if (kind->has & NN_HAS_ACTIVATION)
		l->activation = activation;
	part = strsep(&rest, ":");
	err = parse_sizes(w, kind, part ? part : "", l);
	while (!err && (part = strsep(&rest, ":")))
		err = parse_option(w, kind, part, l);
	return err;
}

int mho_nn_layers_parse(const char *text, uint32_t activation, struct mho_nn_layer *layers,
			uint32_t max)
{
	uint32_t n = 0;
	int err;

	if (!text)
		return nn_error(-EINVAL, "no layers were named");
	for (;;) {
		size_t len = strcspn(text, ",");
		char all[WORD_MAX], parts[WORD_MAX];
		struct word w = { n, all };

		if (n == max)
			return nn_error(-EINVAL, "more than %u layers: leave some out", max);
		if (len >= sizeof(all))
			return nn_error(-EINVAL, "layer %u: its text is longer than %d bytes", n,
					WORD_MAX - 1);
		memcpy(all, text, len);
		all[len] = '\0';
		memcpy(parts, all, len + 1);
		err = parse_layer(&w, parts, activation, &layers[n]);
		if (err)
			return err;
		n++;
		if (!text[len])
			return (int)n;
		text += len + 1;
	}
}
