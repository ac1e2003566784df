// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Convolution: the values below the kernel at each of its places become a vector (im2col), which
 * the kernel matrix multiplies; so a sample is one vector for each place, and the outputs are an
 * image again, channels innermost.
 */
#include <string.h>

#include "nn/window.h"

static int conv2d_shape(struct nn_layer *l, uint32_t k)
{
	int err = nn_window_shape(l, k, 1, 1);

	if (err)
		return err;
	l->out.channels = l->desc.outputs;
	l->rows = l->desc.outputs;
	l->cols = l->desc.kernel_height * l->desc.kernel_width * l->in.channels;
	l->vectors = l->out.steps * l->out.height * l->out.width;
	return 0;
}

/* The row of the kernel, at its place in the patch, and of the image, that meet. */
struct meeting {
	size_t patch;
	size_t image;
	size_t values;
};

static struct meeting meet(const struct nn_layer *l, const struct nn_span *rows, uint32_t row,
			   const struct nn_span *columns)
{
	uint32_t kernel_row = row - rows->begin + rows->skip, channels = l->in.channels;

	return (struct meeting){
		.patch = ((size_t)kernel_row * l->desc.kernel_width + columns->skip) * channels,
		.image = ((size_t)row * l->in.width + columns->begin) * channels,
		.values = (size_t)(columns->end - columns->begin) * channels,
	};
}

static void gather_image(const struct nn_layer *l, const float *image, float *x)
{
	memset(x, 0, (size_t)l->out.height * l->out.width * l->cols * sizeof(*x));
	for (uint32_t i = 0; i < l->out.height; i++) {
		struct nn_span rows = nn_rows_at(l, i);

		for (uint32_t j = 0; j < l->out.width; j++, x += l->cols) {
			struct nn_span columns = nn_columns_at(l, j);

			for (uint32_t r = rows.begin; r < rows.end; r++) {
				struct meeting m = meet(l, &rows, r, &columns);

				memcpy(x + m.patch, image + m.image, m.values * sizeof(*x));
			}
		}
	}
}

static void conv2d_gather(const struct nn_place *p)
{
	const struct nn_layer *l = p->l;
	const float *image = nn_vectors(p, l->a);
	float *x = nn_vectors(p, l->x);
	size_t patches = (size_t)l->out.height * l->out.width * l->cols;

	for (uint32_t s = 0; s < p->n * l->in.steps; s++)
		gather_image(l, image + (size_t)s * nn_shape_step(&l->in), x + s * patches);
}

/* The reverse: what several patches have of a value is added up. */
static void spread_image(const struct nn_layer *l, const float *e, float *image)
{
	for (uint32_t i = 0; i < l->out.height; i++) {
		struct nn_span rows = nn_rows_at(l, i);

		for (uint32_t j = 0; j < l->out.width; j++, e += l->cols) {
			struct nn_span columns = nn_columns_at(l, j);

			for (uint32_t r = rows.begin; r < rows.end; r++) {
				struct meeting m = meet(l, &rows, r, &columns);

				for (size_t v = 0; v < m.values; v++)
					image[m.image + v] += e[m.patch + v];
			}
		}
	}
}

static void conv2d_derive(const struct nn_place *p, float *below)
{
	const struct nn_layer *l = p->l;
	const float *e = nn_vectors(p, l->e);
	size_t patches = (size_t)l->out.height * l->out.width * l->cols;

	memset(below, 0, (size_t)p->n * l->inputs * sizeof(*below));
	for (uint32_t s = 0; s < p->n * l->in.steps; s++)
		spread_image(l, e + s * patches, below + (size_t)s * nn_shape_step(&l->in));
}

const struct nn_kind nn_conv2d = {
	.name = "conv",
	.has = NN_HAS_OUTPUTS | NN_HAS_ACTIVATION | NN_HAS_KERNEL | NN_HAS_BIAS,
	.gathers = true,
	.sizes = { offsetof(struct mho_nn_layer, outputs),
		   offsetof(struct mho_nn_layer, kernel_height),
		   offsetof(struct mho_nn_layer, kernel_width) },
	.nsizes = 3,
	.shape = conv2d_shape,
	.forward = nn_matrix_forward,
	.backward = nn_matrix_backward,
	.gather = conv2d_gather,
	.activate = nn_matrix_activate,
	.derive = conv2d_derive,
};
