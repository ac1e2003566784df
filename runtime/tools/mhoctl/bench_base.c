// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl bench: what a device costs before it does anything. Time from opening it
 * to its first result; resident memory of the largest built-in card with every
 * tile in use.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/mhoctl/bench.h"
#include "tools/mhoctl/mhoctl.h"

/* The device may take this much memory, and BYTES_PER_CELL for each cell. */
#define BYTES_FIXED (64.0 * 1024 * 1024)
#define BYTES_PER_CELL 24.0

/* ---- time to the first result ---- */

static int first_result(const struct bench *b, double *open_seconds, double *seconds)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	float x[BENCH_DIM], y[BENCH_DIM];
	double start = bench_now();
	struct mho_mat *mat;
	struct mho_dev *dev;
	int err;

	bench_random(x, BENCH_DIM, 1, 2);
	err = bench_open(b, NULL, MHO_IO_AUTO, &dev);
	if (err)
		return err;
	*open_seconds = bench_now() - start;
	desc.rows = BENCH_DIM;
	desc.cols = BENCH_DIM;
	err = mho_mat_alloc(dev, &desc, &mat);
	if (!err)
		err = mho_mvm(mat, x, y, 1);
	*seconds = bench_now() - start;
	mho_close(dev);
	return err;
}

/**
 * bench_start() - measure the time from mho_open() to the first product
 * @b: run
 */
void bench_start(struct bench *b)
{
	struct bench_row *open_row = bench_row(b, "start-open", "s", NULL, "open the device");
	struct bench_row *row = bench_row(b, "start", "s", NULL, "open to first result");
	double *opens = calloc(b->repetitions, sizeof(*opens));
	double *totals = calloc(b->repetitions, sizeof(*totals));
	int err = opens && totals ? 0 : -ENOMEM;

	for (unsigned int i = 0; !err && i < b->repetitions; i++)
		err = first_result(b, &opens[i], &totals[i]);
	if (err) {
		bench_stop(open_row, BENCH_ERROR, "%s", mho_last_error());
		bench_stop(row, BENCH_ERROR, "%s", mho_last_error());
	} else {
		open_row->ours = bench_median(opens, b->repetitions);
		row->ours = bench_median(totals, b->repetitions);
		bench_judge(row);
	}
	free(opens);
	free(totals);
}

/* ---- memory ---- */

struct largest {
	uint64_t cells;
	char uri[128];
	char model[64];
};

static int keep_largest(const struct mho_found *found, void *arg)
{
	struct largest *l = arg;
	uint64_t cells = (uint64_t)found->tiles * found->rows * found->cols;

	if (cells <= l->cells)
		return 0;
	l->cells = cells;
	snprintf(l->uri, sizeof(l->uri), "%s", found->uri);
	snprintf(l->model, sizeof(l->model), "%s", found->model);
	return 0;
}

struct memory_result {
	int err;
	uint64_t bytes;
	uint64_t cells;
	char text[160];
};

static uint64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	unsigned long kib = 0;
	char line[256];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Rss: %lu kB", &kib) == 1)
			break;
	fclose(file);
	return (uint64_t)kib * 1024;
}

/* Programs, multiplies and updates a matrix that fills one tile. */
static int use_tile(struct mho_dev *dev, const struct mho_tile_info *tile)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	size_t cells = (size_t)tile->rows * tile->cols;
	float *w = malloc(cells * sizeof(*w));
	float *x = malloc((tile->rows + tile->cols) * sizeof(*x));
	struct mho_mat *mat;
	int err = -ENOMEM;

	if (!w || !x)
		goto out;
	bench_random(w, cells, 0.25F, 1);
	bench_random(x, tile->rows + tile->cols, 1, 2);
	desc.rows = tile->rows;
	desc.cols = tile->cols;
	err = mho_mat_alloc(dev, &desc, &mat);
	if (err)
		goto out;
	err = mho_program(mat, w, tile->cols, 0);
	if (err >= 0)
		err = mho_update(mat, x, x + tile->cols, 0.01F, 1);
	if (!err)
		err = mho_mvm(mat, x, x + tile->cols, 1);
out:
	free(w);
	free(x);
	return err;
}

static int use_all_tiles(struct mho_dev *dev, uint64_t *cells)
{
	struct mho_tile_info tile = MHO_INIT(struct mho_tile_info);
	struct mho_info info = MHO_INIT(struct mho_info);
	int err;

	err = mho_dev_info(dev, &info);
	*cells = info.cells;
	for (uint32_t i = 0; !err && i < info.tiles; i++) {
		err = mho_tile_get(dev, i, &tile);
		if (!err)
			err = use_tile(dev, &tile);
	}
	return err;
}

static void measure_memory(const struct bench *b, struct memory_result *result)
{
	uint64_t before = resident_bytes();
	struct mho_dev *dev;

	if (!before) {
		result->err = -ENOENT;
		snprintf(result->text, sizeof(result->text),
			 "/proc/self/smaps_rollup cannot be read");
		return;
	}
	result->err = bench_open(b, NULL, MHO_IO_AUTO, &dev);
	if (!result->err) {
		result->err = use_all_tiles(dev, &result->cells);
		result->bytes = resident_bytes() - before;
	}
	if (result->err)
		snprintf(result->text, sizeof(result->text), "%s", mho_last_error());
}

/* In a process of its own: what other measurements have left in the heap does not count. */
static int measure_in_child(const struct bench *b, struct memory_result *result)
{
	int pipe_fds[2], status;
	ssize_t n;
	pid_t pid;

	fflush(NULL);
	if (pipe(pipe_fds))
		return -errno;
	pid = fork();
	if (pid == 0) {
		measure_memory(b, result);
		n = write(pipe_fds[1], result, sizeof(*result));
		_exit(n != (ssize_t)sizeof(*result));
	}
	close(pipe_fds[1]);
	n = pid < 0 ? -1 : read(pipe_fds[0], result, sizeof(*result));
	close(pipe_fds[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return n == (ssize_t)sizeof(*result) ? 0 : -EIO;
}

/**
 * bench_memory() - measure memory per cell of the largest built-in card
 * @b: run
 *
 * To be called before anything else has started threads.
 */
void bench_memory(struct bench *b)
{
	struct largest largest = { 0 };
	struct memory_result result = { 0 };
	struct bench large = { .call = b->call, .uri = largest.uri, .threads = b->threads };
	struct bench_row *row;
	int err;

	if (strncmp(b->uri, "emu:", 4) == 0)
		mho_enumerate("emu", keep_largest, &largest);
	row = bench_row(b, "memory", "B/cell", "limit", "resident memory, %s",
			largest.cells ? largest.model : "largest card");
	if (!largest.cells) {
		bench_stop(row, BENCH_SKIPPED, "the memory of an emulated card only");
		return;
	}
	err = measure_in_child(&large, &result);
	if (err || result.err) {
		bench_stop(row, BENCH_ERROR, "%s", *result.text ? result.text : strerror(-err));
		return;
	}
	row->ours = (double)result.bytes / (double)result.cells;
	row->reference = BYTES_PER_CELL + BYTES_FIXED / (double)result.cells;
	row->ratio = row->ours / row->reference;
	snprintf(row->note, sizeof(row->note), "%.0f MiB for %.3g cells, all in use",
		 (double)result.bytes / (1024 * 1024), (double)result.cells);
	bench_judge(row);
}
