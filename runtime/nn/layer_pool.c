// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Pooling: the largest value, or the mean, of those below the kernel, for each channel. Digital
 * periphery. Padding counts for nothing: a mean is that of the values on the image.
 */
#include <errno.h>
#include <string.h>

#include "nn/window.h"

static int pool_shape(struct nn_layer *l, uint32_t k)
{
	const struct mho_nn_layer *d = &l->desc;
	int err = nn_window_shape(l, k, d->kernel_height, d->kernel_width);

	if (err)
		return err;
	if (2 * d->padding_height > d->kernel_height || 2 * d->padding_width > d->kernel_width)
		return nn_error(-EINVAL,
				"layer %u: the padding of a pooling layer is at most half its "
				"kernel",
				k);
	l->out.channels = l->in.channels;
	return 0;
}

static int pool_forward(const struct mho_nn *nn, uint32_t k, const struct nn_taker *to, void *arg)
{
	struct nn_part all = { k, 0, 0 };

	(void)nn;
	return to->call(arg, NN_ACTIVATE, &all);
}

static int pool_backward(const struct mho_nn *nn, uint32_t k, const struct nn_taker *to, void *arg)
{
	struct nn_part all = { k, 0, 0 };

	(void)nn;
	return to->call(arg, NN_DERIVE, &all);
}

/* The values of a channel below a kernel: @image is the channel's first. */
struct window {
	const float *image;
	uint32_t width; /* of the image */
	uint32_t channels;
	struct nn_span rows;
	struct nn_span columns;
};

static size_t place_of(const struct window *w, uint32_t row, uint32_t column)
{
	return ((size_t)row * w->width + column) * w->channels;
}

/* Of several that are equal, the first. */
static size_t largest(const struct window *w)
{
	size_t best = place_of(w, w->rows.begin, w->columns.begin);

	for (uint32_t r = w->rows.begin; r < w->rows.end; r++)
		for (uint32_t c = w->columns.begin; c < w->columns.end; c++)
			if (w->image[place_of(w, r, c)] > w->image[best])
				best = place_of(w, r, c);
	return best;
}

static float max_of(const struct window *w)
{
	return w->image[largest(w)];
}

static void max_back(const struct window *w, float error, float *below)
{
	below[largest(w)] += error;
}

static float count_of(const struct window *w)
{
	return (float)(w->rows.end - w->rows.begin) * (float)(w->columns.end - w->columns.begin);
}

static float mean_of(const struct window *w)
{
	float sum = 0.0f;

	for (uint32_t r = w->rows.begin; r < w->rows.end; r++)
		for (uint32_t c = w->columns.begin; c < w->columns.end; c++)
			sum += w->image[place_of(w, r, c)];
	return sum / count_of(w);
}

static void mean_back(const struct window *w, float error, float *below)
{
	float share = error / count_of(w);

	for (uint32_t r = w->rows.begin; r < w->rows.end; r++)
		for (uint32_t c = w->columns.begin; c < w->columns.end; c++)
			below[place_of(w, r, c)] += share;
}

/* The channels of one place: values to @y, or, if there is @below, errors from there. */
struct pooling {
	float (*value)(const struct window *w);
	void (*back)(const struct window *w, float error, float *below);
};

static void pool_image(const struct nn_layer *l, const struct pooling *pool, const float *image,
		       float *y, float *below)
{
	struct window w = { .width = l->in.width, .channels = l->in.channels };

	for (uint32_t i = 0; i < l->out.height; i++) {
		w.rows = nn_rows_at(l, i);
		for (uint32_t j = 0; j < l->out.width; j++) {
			w.columns = nn_columns_at(l, j);
			for (uint32_t c = 0; c < w.channels; c++, y++) {
				w.image = image + c;
				if (below)
					pool->back(&w, *y, below + c);
				else
					*y = pool->value(&w);
			}
		}
	}
}

static void pool_images(const struct nn_place *p, const struct pooling *pool, float *y,
			float *below)
{
	const struct nn_layer *l = p->l;
	size_t in = nn_shape_step(&l->in), out = nn_shape_step(&l->out);
	const float *a = nn_vectors(p, l->a);

	for (uint32_t s = 0; s < p->n * l->in.steps; s++)
		pool_image(l, pool, a + s * in, y + s * out, below ? below + s * in : NULL);
}

static const struct pooling max_pooling = { max_of, max_back };
static const struct pooling mean_pooling = { mean_of, mean_back };

static void max_activate(const struct nn_place *p)
{
	pool_images(p, &max_pooling, nn_vectors(p, p->l->y), NULL);
}

static void mean_activate(const struct nn_place *p)
{
	pool_images(p, &mean_pooling, nn_vectors(p, p->l->y), NULL);
}

static void max_derive(const struct nn_place *p, float *below)
{
	memset(below, 0, (size_t)p->n * p->l->inputs * sizeof(*below));
	pool_images(p, &max_pooling, nn_vectors(p, p->l->g), below);
}

static void mean_derive(const struct nn_place *p, float *below)
{
	memset(below, 0, (size_t)p->n * p->l->inputs * sizeof(*below));
	pool_images(p, &mean_pooling, nn_vectors(p, p->l->g), below);
}

const struct nn_kind nn_maxpool = {
	.name = "max",
	.has = NN_HAS_KERNEL,
	.sizes = { offsetof(struct mho_nn_layer, kernel_height),
		   offsetof(struct mho_nn_layer, kernel_width) },
	.nsizes = 2,
	.shape = pool_shape,
	.forward = pool_forward,
	.backward = pool_backward,
	.activate = max_activate,
	.derive = max_derive,
};

const struct nn_kind nn_avgpool = {
	.name = "avg",
	.has = NN_HAS_KERNEL,
	.sizes = { offsetof(struct mho_nn_layer, kernel_height),
		   offsetof(struct mho_nn_layer, kernel_width) },
	.nsizes = 2,
	.shape = pool_shape,
	.forward = pool_forward,
	.backward = pool_backward,
	.activate = mean_activate,
	.derive = mean_derive,
};
