/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A kernel's places in an image, for convolution and pooling: image and padding, and what of the
 * kernel lies on the image at a place. The image is height x width x channels, channels innermost.
 */
#ifndef MHO_NN_WINDOW_H
#define MHO_NN_WINDOW_H

#include "nn/internal.h"

/* Rows, or columns, of the image that are below the kernel. */
struct nn_span {
	uint32_t begin; /* of the image */
	uint32_t end;
	uint32_t skip; /* of the kernel, in the padding before the image */
};

/* At place @at of the output. */
static inline struct nn_span nn_span_at(uint32_t at, uint32_t stride, uint32_t padding,
					uint32_t kernel, uint32_t size)
{
	uint32_t from = at * stride; /* counted from the padding's edge on */
	uint32_t to = from + kernel;
	struct nn_span s = { from < padding ? 0 : from - padding, to < padding ? 0 : to - padding,
			     from < padding ? padding - from : 0 };

	if (s.begin > size)
		s.begin = size;
	if (s.end > size)
		s.end = size;
	return s;
}

static inline struct nn_span nn_rows_at(const struct nn_layer *l, uint32_t i)
{
	return nn_span_at(i, l->desc.stride_height, l->desc.padding_height, l->desc.kernel_height,
			  l->in.height);
}

static inline struct nn_span nn_columns_at(const struct nn_layer *l, uint32_t j)
{
	return nn_span_at(j, l->desc.stride_width, l->desc.padding_width, l->desc.kernel_width,
			  l->in.width);
}

/* Sets strides that were left to choose to these, then height and width of l->out. 0 or -EINVAL. */
int nn_window_shape(struct nn_layer *l, uint32_t k, uint32_t stride_height, uint32_t stride_width);

#endif
