// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * How many places a kernel has in an image.
 */
#include <errno.h>

#include "nn/window.h"

/* Numbers of this size can be added and multiplied without a thought. */
#define KERNEL_MAX 4096U

static int places(uint32_t k, const char *what, uint32_t size, uint32_t kernel, uint32_t stride,
		  uint32_t padding, uint32_t *out)
{
	if (!kernel || kernel > KERNEL_MAX || stride > KERNEL_MAX || padding > KERNEL_MAX)
		return nn_error(-EINVAL,
				"layer %u: a kernel's %s of %u with stride %u and padding %u; 1 to "
				"%u, and %u at most, are possible",
				k, what, kernel, stride, padding, KERNEL_MAX, KERNEL_MAX);
	if (kernel > size + 2 * padding)
		return nn_error(-EINVAL,
				"layer %u: the kernel's %s is %u, larger than that of the image, "
				"which is %u with its padding",
				k, what, kernel, size + 2 * padding);
	*out = (size + 2 * padding - kernel) / stride + 1;
	return 0;
}

int nn_window_shape(struct nn_layer *l, uint32_t k, uint32_t stride_height, uint32_t stride_width)
{
	struct mho_nn_layer *d = &l->desc;
	int err;

	if (!d->stride_height)
		d->stride_height = stride_height;
	if (!d->stride_width)
		d->stride_width = stride_width;
	l->out.steps = l->in.steps;
	err = places(k, "height", l->in.height, d->kernel_height, d->stride_height,
		     d->padding_height, &l->out.height);
	if (err)
		return err;
	return places(k, "width", l->in.width, d->kernel_width, d->stride_width, d->padding_width,
		      &l->out.width);
}
