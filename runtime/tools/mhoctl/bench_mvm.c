// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl bench: matrix-vector products, beside OpenBLAS on one thread with the
 * same weights and inputs.
 */
#include <cblas.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/mhoctl/bench.h"

/* Jobs in flight: the device works on one while the program deals with others. */
#define IN_FLIGHT 4

/* A fast wrong product is worth nothing: relative rms error that ideal cells may have. */
#define IDEAL_ERROR_MAX 1e-3

struct blas_mvm {
	float *w;
	float *x;
	float *y;
	int batch;
};

static int run_blas(void *arg, uint64_t n)
{
	const struct blas_mvm *m = arg;

	for (; n > 0; n--) {
		if (m->batch == 1)
			cblas_sgemv(CblasRowMajor, CblasNoTrans, BENCH_DIM, BENCH_DIM, 1, m->w,
				    BENCH_DIM, m->x, 1, 0, m->y, 1);
		else
			cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m->batch, BENCH_DIM,
				    BENCH_DIM, 1, m->x, BENCH_DIM, m->w, BENCH_DIM, 0, m->y,
				    BENCH_DIM);
	}
	return 0;
}

/* Inputs of -1 to 1 for both sides, outputs of their own for each job. */
static int prepare(struct bench_card *card, struct blas_mvm *blas, unsigned int batch)
{
	size_t n = (size_t)batch * BENCH_DIM;
	struct mho_job model = { .op = MHO_OP_MVM, .mat = card->mat, .batch = batch, .alpha = 1 };
	int err;

	err = bench_card_buffers(card, n * sizeof(float), IN_FLIGHT * n * sizeof(float));
	if (err)
		return err;
	blas->x = mho_buf_map(card->a);
	blas->y = malloc(n * sizeof(float));
	blas->batch = (int)batch;
	if (!blas->y)
		return -ENOMEM;
	bench_random(blas->x, n, 1, 2);
	model.a.buf = card->a;
	model.b.buf = card->b;
	bench_jobs_fill(&card->jobs, &model, IN_FLIGHT);
	for (unsigned int i = 0; i < IN_FLIGHT; i++)
		card->jobs.jobs[i].b.offset = i * n * sizeof(float);
	return 0;
}

static double relative_error(const float *y, const float *expected, size_t n)
{
	double error = 0, power = 0;

	for (size_t i = 0; i < n; i++) {
		error += (y[i] - expected[i]) * (double)(y[i] - expected[i]);
		power += expected[i] * (double)expected[i];
	}
	return sqrt(error / power);
}

static void measure(struct bench *b, struct bench_row *row, struct bench_card *card,
		    unsigned int batch, unsigned int depth, bool ideal)
{
	struct bench_side ours = { bench_jobs_run, &card->jobs };
	struct blas_mvm blas = { 0 };
	struct bench_side reference = { run_blas, &blas };
	size_t weights = (size_t)BENCH_DIM * BENCH_DIM;
	const float *y;
	double error;
	int err;

	blas.w = malloc(weights * sizeof(float));
	err = blas.w ? mho_read(card->mat, blas.w, BENCH_DIM) : -ENOMEM;
	if (!err)
		err = prepare(card, &blas, batch);
	if (!err) {
		card->jobs.depth = depth;
		err = bench_pair(b, row, &ours, &reference);
	}
	if (err) {
		bench_stop(row, BENCH_ERROR, "%s",
			   *card->jobs.error ? card->jobs.error : mho_strerror(err));
		goto out;
	}
	y = (const float *)((const char *)mho_buf_map(card->b) + card->jobs.last->b.offset);
	error = relative_error(y, blas.y, (size_t)batch * BENCH_DIM);
	if (ideal && !(error < IDEAL_ERROR_MAX))
		bench_stop(row, BENCH_ERROR, "the products are wrong: relative rms error %.3g",
			   error);
	else
		snprintf(row->note, sizeof(row->note), "relative rms error %.2g", error);
out:
	free(blas.w);
	free(blas.y);
}

/* All batch sizes with one technology; kind is the part of the rows' names that says which. */
static void measure_tech(struct bench *b, const char *kind, const char *tech)
{
	static const unsigned int batches[] = { 1, 32, 256 };
	bool ideal = tech != NULL;
	struct bench_card card;
	char id[48];
	int err;

	err = bench_card_open(b, tech, &card);
	if (err) {
		snprintf(id, sizeof(id), "mvm-%s", kind);
		bench_stop(bench_row(b, id, "s", NULL, "MVM 256x256, %s", kind), BENCH_ERROR, "%s",
			   mho_last_error());
		bench_card_close(&card);
		return;
	}
	for (unsigned int i = 0; i < sizeof(batches) / sizeof(*batches); i++) {
		snprintf(id, sizeof(id), "mvm-%s-%u", kind, batches[i]);
		measure(b,
			bench_row(b, id, "s", batches[i] == 1 ? "sgemv" : "sgemm",
				  "MVM 256x256 batch %u, %s", batches[i], card.tech.name),
			&card, batches[i], IN_FLIGHT, ideal);
	}
	snprintf(id, sizeof(id), "mvm-%s-1-alone", kind);
	measure(b,
		bench_row(b, id, "s", "sgemv", "MVM 256x256 batch 1, %s, one job at a time",
			  card.tech.name),
		&card, 1, 1, ideal);
	bench_card_close(&card);
}

/**
 * bench_mvm() - measure matrix-vector products: ideal cells, and the device's own
 * @b: run
 */
void bench_mvm(struct bench *b)
{
	if (bench_may_choose_tech(b))
		measure_tech(b, "ideal", "ideal");
	measure_tech(b, "noise", NULL);
}
