// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl bench: opening devices for measurements, and keeping jobs in flight.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhoctl/bench.h"
#include "tools/mhoctl/mhoctl.h"

/**
 * bench_may_choose_tech() - whether the technology is ours to choose
 * @b: run
 *
 * Return: true for an emulated device whose URI does not name one.
 */
bool bench_may_choose_tech(const struct bench *b)
{
	return strncmp(b->uri, "emu:", 4) == 0 && !strstr(b->uri, "tech=");
}

/**
 * bench_uri() - the user's URI with parameters added
 * @b: run
 * @tech: technology, or NULL for the device's own
 * @uri: filled
 */
void bench_uri(const struct bench *b, const char *tech, char uri[BENCH_URI_MAX])
{
	char joint = strchr(b->uri, '?') ? '&' : '?';
	size_t used;

	snprintf(uri, BENCH_URI_MAX, "%s", b->uri);
	used = strlen(uri);
	if (b->threads) {
		snprintf(uri + used, BENCH_URI_MAX - used, "%cthreads=%u", joint, b->threads);
		used = strlen(uri);
		joint = '&';
	}
	if (tech)
		snprintf(uri + used, BENCH_URI_MAX - used, "%ctech=%s", joint, tech);
}

/**
 * bench_open() - open the device under test
 * @b: run
 * @tech: technology, or NULL
 * @io: enum mho_io
 * @dev: the device
 *
 * Return: as mho_open().
 */
int bench_open(const struct bench *b, const char *tech, uint32_t io, struct mho_dev **dev)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	char uri[BENCH_URI_MAX];

	open_options(b->call, &opts);
	if (io != MHO_IO_AUTO)
		opts.io = io;
	bench_uri(b, tech, uri);
	return mho_open(uri, &opts, dev);
}

/**
 * bench_random() - reproducible values, good enough as operands
 * @values: filled
 * @n: their number
 * @most: they lie between -most and most
 * @seed: another one gives other values
 */
void bench_random(float *values, size_t n, float most, unsigned int seed)
{
	uint64_t state = 0x9e3779b97f4a7c15 ^ seed;

	for (size_t i = 0; i < n; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		values[i] = most * ((float)(state >> 40) / (float)(1 << 23) - 1);
	}
}

/* Technology of the tile that the matrix is on. */
static int read_tech(struct bench_card *card)
{
	struct mho_tile_info tile = MHO_INIT(struct mho_tile_info);
	struct mho_mat_block block;
	int err;

	err = mho_mat_blocks(card->mat, &block, 1);
	if (err < 0)
		return err;
	err = mho_tile_get(card->dev, block.tile, &tile);
	if (err)
		return err;
	card->tech.size = sizeof(card->tech);
	return mho_tech_get(card->dev, tile.technology, &card->tech);
}

/* Weights over half of what a cell holds, so that none is clipped. */
static int program(struct bench_card *card)
{
	float most = card->tech.w_max < -card->tech.w_min ? card->tech.w_max : -card->tech.w_min;
	float *w = malloc(sizeof(*w) * BENCH_DIM * BENCH_DIM);
	int err;

	if (!w)
		return -ENOMEM;
	bench_random(w, (size_t)BENCH_DIM * BENCH_DIM, most / 2, 1);
	err = mho_program(card->mat, w, BENCH_DIM, 0);
	free(w);
	return err < 0 ? err : 0;
}

/**
 * bench_card_open() - open a device and prepare a programmed matrix and a queue
 * @b: run
 * @tech: technology, or NULL
 * @card: filled; bench_card_close() it, also after an error
 *
 * Return: 0 or what libmho returned.
 */
int bench_card_open(const struct bench *b, const char *tech, struct bench_card *card)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	struct mho_queue_opts opts = MHO_INIT(struct mho_queue_opts);
	int err;

	memset(card, 0, sizeof(*card));
	err = bench_open(b, tech, MHO_IO_AUTO, &card->dev);
	if (err)
		return err;
	desc.rows = BENCH_DIM;
	desc.cols = BENCH_DIM;
	err = mho_mat_alloc(card->dev, &desc, &card->mat);
	if (err)
		return err;
	err = read_tech(card);
	if (err)
		return err;
	err = program(card);
	if (err)
		return err;
	opts.depth = 16;
	return mho_queue_create(card->dev, &opts, &card->jobs.queue);
}

/**
 * bench_card_buffers() - get buffers for operands; earlier ones are given back
 * @card: card
 * @a_bytes: size of the first operands
 * @b_bytes: of the second
 *
 * Return: 0 or what libmho returned.
 */
int bench_card_buffers(struct bench_card *card, size_t a_bytes, size_t b_bytes)
{
	int err;

	mho_buf_free(card->a);
	mho_buf_free(card->b);
	card->b = NULL;
	err = mho_buf_alloc(card->dev, a_bytes, &card->a);
	if (err) {
		card->a = NULL;
		return err;
	}
	err = mho_buf_alloc(card->dev, b_bytes, &card->b);
	if (err)
		card->b = NULL;
	return err;
}

/**
 * bench_card_close() - close a device and all that belongs to it
 * @card: card
 */
void bench_card_close(struct bench_card *card)
{
	mho_close(card->dev);
	memset(card, 0, sizeof(*card));
}

/**
 * bench_jobs_fill() - make jobs like a model
 * @jobs: its queue is set
 * @model: model
 * @depth: number of jobs, at most BENCH_JOBS_MAX
 */
void bench_jobs_fill(struct bench_jobs *jobs, const struct mho_job *model, unsigned int depth)
{
	jobs->depth = depth;
	jobs->reap_min = 1;
	jobs->per_submit = 0;
	jobs->per_job = 1;
	jobs->last = NULL;
	jobs->error[0] = '\0';
	for (unsigned int i = 0; i < depth; i++) {
		jobs->jobs[i] = *model;
		jobs->idle[i] = &jobs->jobs[i];
	}
}

static int note_error(struct bench_jobs *jobs, int err)
{
	snprintf(jobs->error, sizeof(jobs->error), "%s",
		 err < 0 && *mho_last_error() ? mho_last_error() : mho_strerror(err));
	return err < 0 ? err : -EIO;
}

/* Takes completions, which become idle. Return: their number, or -errno. */
static int reap(struct bench_jobs *jobs, unsigned int idle)
{
	unsigned int flying = jobs->depth - idle;
	int n = mho_queue_reap(jobs->queue, jobs->idle + idle, flying,
			       jobs->reap_min < flying ? jobs->reap_min : flying, -1);

	if (n < 0)
		return note_error(jobs, n);
	for (int i = 0; i < n; i++)
		if (jobs->idle[idle + (unsigned int)i]->status)
			return note_error(jobs, jobs->idle[idle + (unsigned int)i]->status);
	if (n > 0)
		jobs->last = jobs->idle[idle];
	return n;
}

/**
 * bench_jobs_run() - do operations by jobs, as many in flight as there are; a bench_side
 * @arg: struct bench_jobs
 * @n: operations, rounded up to whole jobs
 *
 * Return: 0 or -errno, jobs->error says why.
 */
int bench_jobs_run(void *arg, uint64_t n)
{
	struct bench_jobs *jobs = arg;
	uint64_t left = (n + jobs->per_job - 1) / jobs->per_job;
	unsigned int idle = jobs->depth;
	int done;

	while (left || idle < jobs->depth) {
		unsigned int k = left < idle ? (unsigned int)left : idle;

		if (jobs->per_submit && k > jobs->per_submit)
			k = jobs->per_submit;
		if (k) {
			done = mho_queue_submit(jobs->queue, jobs->idle + idle - k, k);
			if (done != (int)k)
				return note_error(jobs, done < 0 ? done : -EINVAL);
			idle -= k;
			left -= k;
			/* The next call, while there is room. */
			if (left && idle && jobs->per_submit)
				continue;
		}
		done = reap(jobs, idle);
		if (done < 0)
			return done;
		idle += (unsigned int)done;
	}
	return 0;
}
