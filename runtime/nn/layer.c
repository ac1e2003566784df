// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Kinds of layers: the table, what a description may say of each, and what layers make of a
 * sample's shape one after the other.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "nn/internal.h"

static const struct nn_kind *const kinds[] = {
	[MHO_NN_DENSE] = &nn_dense,
	[MHO_NN_CONV2D] = &nn_conv2d,
	[MHO_NN_MAXPOOL] = &nn_maxpool,
	[MHO_NN_AVGPOOL] = &nn_avgpool,
};

const struct nn_kind *nn_kind_get(uint32_t kind)
{
	return kind < sizeof(kinds) / sizeof(*kinds) ? kinds[kind] : NULL;
}

/* Fields that only some kinds have, and what they are called in a sentence. */
static const struct {
	uint32_t has;
	size_t offset;
	const char *name;
} fields[] = {
	{ NN_HAS_OUTPUTS, offsetof(struct mho_nn_layer, outputs), "number of outputs" },
	{ NN_HAS_ACTIVATION, offsetof(struct mho_nn_layer, activation), "activation" },
	{ NN_HAS_KERNEL, offsetof(struct mho_nn_layer, kernel_height), "kernel" },
	{ NN_HAS_KERNEL, offsetof(struct mho_nn_layer, kernel_width), "kernel" },
	{ NN_HAS_KERNEL, offsetof(struct mho_nn_layer, stride_height), "stride" },
	{ NN_HAS_KERNEL, offsetof(struct mho_nn_layer, stride_width), "stride" },
	{ NN_HAS_KERNEL, offsetof(struct mho_nn_layer, padding_height), "padding" },
	{ NN_HAS_KERNEL, offsetof(struct mho_nn_layer, padding_width), "padding" },
};

static const struct {
	uint32_t has;
	uint32_t flag;
	const char *name;
} flags[] = {
	{ NN_HAS_BIAS, MHO_NN_NO_BIAS, "bias to do without" },
};

static int check_fields(const struct mho_nn_layer *l, const struct nn_kind *kind, uint32_t k)
{
	uint32_t known = 0, value;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		memcpy(&value, (const char *)l + fields[i].offset, sizeof(value));
		if (value && !(kind->has & fields[i].has))
			return nn_error(-EINVAL, "layer %u: a layer of kind \"%s\" has no %s", k,
					kind->name, fields[i].name);
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		known |= flags[i].flag;
		if ((l->flags & flags[i].flag) && !(kind->has & flags[i].has))
			return nn_error(-EINVAL, "layer %u: a layer of kind \"%s\" has no %s", k,
					kind->name, flags[i].name);
	}
	if (l->flags & ~known)
		return nn_error(-EINVAL, "layer %u: flags 0x%x do not exist", k, l->flags & ~known);
	return 0;
}

static int check_layer(const struct mho_nn_desc *desc, uint32_t k)
{
	const struct mho_nn_layer *l = &desc->layer[k];
	const struct nn_kind *kind;

	if (l->size != sizeof(*l))
		return nn_error(-EINVAL,
				"layer %u: size is not set; initialise it with "
				"MHO_INIT(struct mho_nn_layer)",
				k);
	kind = nn_kind_get(l->kind);
	if (!kind)
		return nn_error(-EINVAL, "layer %u: kind %u does not exist", k, l->kind);
	if ((kind->has & NN_HAS_OUTPUTS) && (!l->outputs || l->outputs > NN_WIDTH_MAX))
		return nn_error(-EINVAL, "layer %u has %u outputs; 1 to %u are possible", k,
				l->outputs, NN_WIDTH_MAX);
	if (l->activation > MHO_NN_SOFTMAX)
		return nn_error(-EINVAL, "layer %u: activation %u does not exist", k,
				l->activation);
	if (l->activation == MHO_NN_SOFTMAX &&
	    (k + 1 < desc->layers || !(kind->has & NN_HAS_SOFTMAX)))
		return nn_error(-EINVAL,
				"layer %u: softmax is possible in the last layer only, which is to "
				"be dense",
				k);
	if (!isfinite(l->scale) || l->scale < 0.0f)
		return nn_error(-EINVAL,
				"layer %u: the weight scale is %g; it must be a finite number "
				"above 0, or 0 to choose one",
				k, (double)l->scale);
	return check_fields(l, kind, k);
}

static int first_shape(const struct mho_nn_desc *desc, struct nn_shape *s)
{
	uint64_t known;

	*s = (struct nn_shape){
		.steps = desc->steps ? desc->steps : 1,
		.height = desc->height ? desc->height : 1,
		.width = desc->width ? desc->width : 1,
		.channels = desc->channels,
	};
	known = (uint64_t)s->steps * s->height;
	if (known <= desc->inputs)
		known *= s->width;
	if (!s->channels && known <= desc->inputs && desc->inputs % known == 0)
		s->channels = (uint32_t)(desc->inputs / known);
	if (known <= desc->inputs && s->channels && known * s->channels == desc->inputs)
		return 0;
	return nn_error(-EINVAL,
			"%u inputs are not %u steps of %u x %u pixels with %u channels; say what "
			"the samples are",
			desc->inputs, s->steps, s->height, s->width, s->channels);
}

/*
 * The range a layer's weights are given. Trained weights of plain networks stay, but for few,
 * within some multiples of the width 1/sqrt(inputs) they begin with; narrow layers need more.
 */
static float choose_scale(uint32_t inputs)
{
	return fminf(fmaxf(8.0f / sqrtf((float)inputs), 0.25f), 2.0f);
}

/* No image in between is larger than the limits, so 32 bits hold its number of values. */
static int check_size(const struct nn_layer *l, uint32_t k)
{
	uint64_t values = (uint64_t)l->out.steps * l->out.height;

	if (values <= NN_WIDTH_MAX)
		values *= l->out.width;
	if (values <= NN_WIDTH_MAX)
		values *= l->out.channels;
	if (values > NN_WIDTH_MAX || l->vectors > NN_VECTORS_MAX || l->rows > NN_WIDTH_MAX ||
	    l->cols > NN_WIDTH_MAX)
		return nn_error(-EINVAL,
				"layer %u: %u steps of %u x %u pixels with %u channels are more "
				"than the %u values that a sample can have",
				k, l->out.steps, l->out.height, l->out.width, l->out.channels,
				NN_WIDTH_MAX);
	return 0;
}

static int shape_layer(const struct mho_nn_desc *desc, struct nn_layer *layer, uint32_t k)
{
	struct nn_layer *l = &layer[k];
	int err;

	l->desc = desc->layer[k];
	l->kind = nn_kind_get(l->desc.kind);
	if (k)
		l->in = layer[k - 1].out;
	err = l->kind->shape(l, k);
	if (!err)
		err = check_size(l, k);
	if (err)
		return err;
	if (l->rows && l->desc.scale == 0.0f)
		l->desc.scale = choose_scale(l->cols);
	l->inputs = nn_shape_values(&l->in);
	l->outputs = nn_shape_values(&l->out);
	l->biases = l->desc.flags & MHO_NN_NO_BIAS ? 0 : l->rows;
	l->learns = l->rows || (k && layer[k - 1].learns);
	return 0;
}

int nn_layers_shape(const struct mho_nn_desc *desc, struct nn_layer *layer)
{
	int err = first_shape(desc, &layer[0].in);

	for (uint32_t k = 0; !err && k < desc->layers; k++) {
		err = check_layer(desc, k);
		if (!err)
			err = shape_layer(desc, layer, k);
	}
	if (!err && !layer[desc->layers - 1].learns)
		err = nn_error(-EINVAL, "no layer of the network has weights; give it one");
	return err;
}

static bool same_layer(const struct nn_layer *a, const struct nn_layer *b)
{
	struct mho_nn_layer x = a->desc, y = b->desc;

	x.scale = y.scale = 0.0f;
	return !memcmp(&x, &y, sizeof(x)) && !memcmp(&a->in, &b->in, sizeof(a->in));
}

bool nn_same_layers(const struct nn_layer *a, uint32_t na, const struct nn_layer *b, uint32_t nb)
{
	bool same = na == nb;

	for (uint32_t k = 0; same && k < na; k++)
		same = same_layer(&a[k], &b[k]);
	return same;
}

size_t nn_layers_floats(const struct nn_layer *layer, uint32_t layers)
{
	size_t floats = 0;

	for (uint32_t k = 0; k < layers; k++)
		floats += nn_weights(&layer[k]) + layer[k].biases;
	return floats;
}
