// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl bench: pulsed rank-1 updates, beside OpenBLAS's sger on one thread.
 */
#include <cblas.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhoctl/bench.h"

#define BATCH 32 /* updates in a job */
#define IN_FLIGHT 4
#define TRAIN 31 /* slots of a pulse train, all used */

struct blas_ger {
	float *w;
	const float *x;
	const float *d;
	float alpha;
};

/* The sign alternates, so that the weights stay where they are. */
static int run_blas(void *arg, uint64_t n)
{
	struct blas_ger *g = arg;

	for (uint64_t i = 0; i < n; i++) {
		cblas_sger(CblasRowMajor, BENCH_DIM, BENCH_DIM, g->alpha,
			   g->d + i / 2 % BATCH * BENCH_DIM, 1, g->x + i / 2 % BATCH * BENCH_DIM, 1,
			   g->w, BENCH_DIM);
		g->alpha = -g->alpha;
	}
	return 0;
}

/*
 * Operands of -1 to 1, and a rate at which the largest product asks for a step in every slot
 * of the train: the dearest update that there is.
 */
static int prepare(struct bench_card *card, struct blas_ger *blas)
{
	size_t n = (size_t)BATCH * BENCH_DIM;
	struct mho_job model = { .op = MHO_OP_UPDATE,
				 .mat = card->mat,
				 .batch = BATCH,
				 .limit = TRAIN,
				 .alpha = TRAIN * card->tech.dw_min };
	int err;

	err = bench_card_buffers(card, n * sizeof(float), n * sizeof(float));
	if (err)
		return err;
	bench_random(mho_buf_map(card->a), n, 1, 2);
	bench_random(mho_buf_map(card->b), n, 1, 3);
	blas->w = calloc((size_t)BENCH_DIM * BENCH_DIM, sizeof(float));
	blas->x = mho_buf_map(card->a);
	blas->d = mho_buf_map(card->b);
	blas->alpha = model.alpha;
	model.a.buf = card->a;
	model.b.buf = card->b;
	bench_jobs_fill(&card->jobs, &model, IN_FLIGHT);
	card->jobs.per_job = BATCH;
	return blas->w ? 0 : -ENOMEM;
}

static void measure(struct bench *b, const char *id, const char *tech)
{
	struct blas_ger blas = { 0 };
	struct bench_side reference = { run_blas, &blas };
	struct bench_side ours;
	struct bench_row *row;
	struct bench_card card;
	int err;

	err = bench_card_open(b, tech, &card);
	row = bench_row(b, id, "s", "sger", "update 256x256 BL %d, %s", TRAIN,
			err ? "?" : card.tech.name);
	ours = (struct bench_side){ bench_jobs_run, &card.jobs };
	if (!err)
		err = prepare(&card, &blas);
	if (!err)
		err = bench_pair(b, row, &ours, &reference);
	if (err)
		bench_stop(row, BENCH_ERROR, "%s",
			   *card.jobs.error ? card.jobs.error : mho_last_error());
	else
		snprintf(row->note, sizeof(row->note), "%.0f pulses a vector",
			 card.jobs.last->result / (double)BATCH);
	free(blas.w);
	bench_card_close(&card);
}

/* Name of the first technology with the law of constant steps. Return: false if there is none. */
static bool find_constant_step(const struct bench *b, char name[32])
{
	struct mho_tech_info tech = MHO_INIT(struct mho_tech_info);
	struct mho_dev *dev;
	bool found = false;

	if (bench_open(b, NULL, MHO_IO_AUTO, &dev))
		return false;
	for (uint32_t i = 0; !found && mho_tech_get(dev, i, &tech) == 0; i++)
		found = strcmp(tech.law, "mho,constant-step") == 0;
	if (found)
		memcpy(name, tech.name, sizeof(tech.name));
	mho_close(dev);
	return found;
}

/**
 * bench_update() - measure updates: of constant steps, and of the device's own technology
 * @b: run
 */
void bench_update(struct bench *b)
{
	const char *id = "update-constant-step";
	char name[32];

	if (bench_may_choose_tech(b)) {
		if (find_constant_step(b, name))
			measure(b, id, name);
		else
			bench_stop(bench_row(b, id, "s", "sger", "update 256x256 BL %d", TRAIN),
				   BENCH_SKIPPED,
				   "no technology of the card has the law mho,constant-step");
	}
	measure(b, "update-own", NULL);
}
