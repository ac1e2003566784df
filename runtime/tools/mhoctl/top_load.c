// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl top --load: products on a matrix of its own while top is watching, so that
 * there is something to see. Products only read: nothing wears.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tools/mhoctl/top.h"

#define BATCH 16

/**
 * struct top_load - a thread with work for the device
 * @thread: the thread
 * @stop: it shall end
 * @mat: its matrix
 * @x: input
 * @y: output
 */
struct top_load {
	pthread_t thread;
	atomic_bool stop;
	struct mho_mat *mat;
	float *x;
	float *y;
};

static void *work(void *arg)
{
	struct top_load *load = arg;

	/* A reset cuts a product off: the next one runs. What else fails shows in top itself. */
	while (!atomic_load(&load->stop)) {
		int err = mho_mvm(load->mat, load->x, load->y, BATCH);

		if (err && err != -ECANCELED)
			break;
	}
	return NULL;
}

/* Two by two tiles, or one if there are not that many. */
static int make_matrix(struct mho_dev *dev, struct top_load *load)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	struct mho_tile_info tile = MHO_INIT(struct mho_tile_info);
	int err;

	err = mho_tile_get(dev, 0, &tile);
	if (err)
		return err;
	desc.rows = 2 * tile.rows;
	desc.cols = 2 * tile.cols;
	err = mho_mat_alloc(dev, &desc, &load->mat);
	if (err == -ENOSPC) {
		desc.rows = tile.rows;
		desc.cols = tile.cols;
		err = mho_mat_alloc(dev, &desc, &load->mat);
	}
	return err;
}

static void free_load(struct top_load *load)
{
	mho_mat_free(load->mat);
	free(load->x);
	free(load->y);
	free(load);
}

/**
 * top_load_start() - give the device work
 * @call: parsed command line
 * @dev: device
 * @out: the work; top_load_stop() it before the device is closed
 *
 * Return: 0, or an exit code after a message.
 */
int top_load_start(const struct call *call, struct mho_dev *dev, struct top_load **out)
{
	struct top_load *load = calloc(1, sizeof(*load));
	int err;

	if (!load)
		return fail(call, MHOCTL_DEVICE, "out of memory");
	err = make_matrix(dev, load);
	if (err) {
		free_load(load);
		return fail_device(call, "there is no matrix for --load", err);
	}
	load->x = calloc((size_t)BATCH * mho_mat_cols(load->mat), sizeof(*load->x));
	load->y = calloc((size_t)BATCH * mho_mat_rows(load->mat), sizeof(*load->y));
	for (uint32_t i = 0; load->x && i < BATCH * mho_mat_cols(load->mat); i++)
		load->x[i] = 0.5f;
	if (!load->x || !load->y || pthread_create(&load->thread, NULL, work, load)) {
		free_load(load);
		return fail(call, MHOCTL_DEVICE, "out of memory for --load");
	}
	*out = load;
	return 0;
}

/**
 * top_load_stop() - end the work
 * @load: work, or NULL
 */
void top_load_stop(struct top_load *load)
{
	if (!load)
		return;
	atomic_store(&load->stop, true);
	pthread_join(load->thread, NULL);
	free_load(load);
}
