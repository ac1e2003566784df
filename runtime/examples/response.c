// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The response of a cell: pulses up, as many down, and the weight after each few of them, as
 * CSV. What "mhoctl fit" reads has the number of pulses in a line instead of their sum.
 *
 *	response [URI [PULSES]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <mho/mho.h>

/* Pulses between two reads, and reads that are averaged. */
#define EVERY 10
#define READS 64

static int run(struct mho_queue *queue, struct mho_job *job)
{
	struct mho_job *done;
	int ret = mho_queue_submit(queue, &job, 1);

	if (ret == 1)
		ret = mho_queue_reap(queue, &done, 1, 1, -1);
	return ret == 1 ? job->status : ret;
}

static int measure(struct mho_dev *dev, struct mho_mat *mat, int pulses)
{
	struct mho_job pulse = { .op = MHO_OP_PULSE, .mat = mat, .a = { .type = MHO_I8 } };
	struct mho_job read = { .op = MHO_OP_READ, .mat = mat, .batch = READS };
	struct mho_queue *queue;
	struct mho_buf *buf;
	int err;

	err = mho_buf_alloc(dev, 64, &buf);
	if (!err)
		err = mho_queue_create(dev, NULL, &queue);
	if (err)
		return err;
	pulse.a.buf = buf;
	read.b.buf = buf;
	read.b.offset = sizeof(float);
	for (int i = 0; !err && i < 2 * pulses; i += EVERY) {
		*(signed char *)mho_buf_map(buf) = i < pulses ? EVERY : -EVERY;
		err = run(queue, &pulse);
		if (!err)
			err = run(queue, &read);
		printf("%d,%.6f\n", i + EVERY, (double)((float *)mho_buf_map(buf))[1]);
	}
	mho_queue_destroy(queue);
	mho_buf_free(buf);
	return err;
}

int main(int argc, char **argv)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	int pulses = argc > 2 ? atoi(argv[2]) : 1000;
	const float lowest = -1.0f;
	struct mho_dev *dev;
	struct mho_mat *mat;
	int err;

	desc.rows = desc.cols = 1;
	err = mho_open(argc > 1 ? argv[1] : "emu:", NULL, &dev);
	if (err)
		goto fail;
	err = mho_mat_alloc(dev, &desc, &mat);
	/* As low as the cell gets. */
	if (!err)
		err = mho_program(mat, &lowest, 1, 0.0f);
	if (err >= 0) {
		puts("pulse,weight");
		err = measure(dev, mat, pulses);
	}
	if (!err)
		mho_close(dev);
	if (!err)
		return 0;
fail:
	fprintf(stderr, "response: %s\n", *mho_last_error() ? mho_last_error() : mho_strerror(err));
	return 1;
}
