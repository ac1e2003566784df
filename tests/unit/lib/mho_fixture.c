// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What tests of libmho share.
 */
#include "mho_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <liburing.h>

static void catch_line(void *arg, int level, const char *text)
{
	struct fixture *f = arg;
	size_t used;

	(void)level;
	pthread_mutex_lock(&f->lock);
	used = strlen(f->log);
	strncat(f->log, text, sizeof(f->log) - 1 - used);
	pthread_mutex_unlock(&f->lock);
}

int fixture_on_card(void)
{
	return getenv("MHO_TEST_CARD") != NULL;
}

struct fixture *fixture_open(const char *uri, uint32_t io)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	pthread_mutex_init(&f->lock, NULL);
	if (fixture_on_card() && !strcmp(uri, FIXTURE_URI))
		uri = getenv("MHO_TEST_CARD");
	f->io = io;
	opts.io = io;
	opts.log = catch_line;
	opts.log_arg = f;
	opts.log_level = MHO_LOG_INFO;
	if (mho_open(uri, &opts, &f->dev))
		fail_msg("%s: %s", uri, mho_last_error());
	return f;
}

void fixture_close(struct fixture *f)
{
	mho_close(f->dev);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

int fixture_setup_io(void **state)
{
	uint32_t io = *(uint32_t *)*state;
	struct mho_info info = MHO_INIT(struct mho_info);
	struct fixture *f = fixture_open(FIXTURE_URI, io);

	assert_int_equal(mho_dev_info(f->dev, &info), 0);
	assert_int_equal(info.io, io);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

int fixture_has_uring(void)
{
	struct io_uring ring;

	if (io_uring_queue_init(2, &ring, 0))
		return 0;
	io_uring_queue_exit(&ring);
	return 1;
}

int fixture_logged(struct fixture *f, const char *text)
{
	int found;

	pthread_mutex_lock(&f->lock);
	found = strstr(f->log, text) != NULL;
	pthread_mutex_unlock(&f->lock);
	return found;
}

void expect_error(const char *text)
{
	if (!strstr(mho_last_error(), text))
		fail_msg("the last error is \"%s\", expected is \"%s\"", mho_last_error(), text);
}

struct mho_mat *new_mat(struct mho_dev *dev, uint32_t rows, uint32_t cols)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	struct mho_mat *mat = NULL;

	desc.rows = rows;
	desc.cols = cols;
	if (mho_mat_alloc(dev, &desc, &mat))
		fail_msg("%u x %u: %s", rows, cols, mho_last_error());
	return mat;
}

struct mho_buf *new_buf(struct mho_dev *dev, size_t bytes)
{
	struct mho_buf *buf = NULL;

	if (mho_buf_alloc(dev, bytes, &buf))
		fail_msg("%zu bytes: %s", bytes, mho_last_error());
	return buf;
}

struct mho_queue *new_queue(struct mho_dev *dev, uint32_t depth)
{
	struct mho_queue_opts opts = MHO_INIT(struct mho_queue_opts);
	struct mho_queue *queue = NULL;

	opts.depth = depth;
	if (mho_queue_create(dev, &opts, &queue))
		fail_msg("%s", mho_last_error());
	return queue;
}

struct mho_job slow_job(struct mho_dev *dev)
{
	struct mho_job job = { .op = MHO_OP_READ, .batch = 4096 };

	job.mat = new_mat(dev, 16, 16);
	job.b.buf = new_buf(dev, 1024);
	return job;
}

void fill_random(float *v, size_t n, uint32_t seed)
{
	uint32_t x = seed * 2654435761U + 1;

	for (size_t i = 0; i < n; i++) {
		/* xorshift32 (Marsaglia 2003) */
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		v[i] = (float)((int32_t)x >> 8) * 0x1p-23f;
	}
}

void check_product(const float *w, const float *x, const float *y, uint32_t rows, uint32_t cols,
		   uint32_t batch, int transposed)
{
	uint32_t in = transposed ? rows : cols, out = transposed ? cols : rows;

	for (uint32_t k = 0; k < batch; k++) {
		for (uint32_t i = 0; i < out; i++) {
			double sum = 0.0, size = 0.0, got = (double)y[(size_t)k * out + i];

			for (uint32_t j = 0; j < in; j++) {
				size_t cell = transposed ? (size_t)j * cols + i :
							   (size_t)i * cols + j;
				double p = (double)w[cell] * (double)x[(size_t)k * in + j];

				sum += p;
				size += fabs(p);
			}
			if (!(fabs(got - sum) <= 2.0 * in * 0x1p-24 * size))
				fail_msg("vector %u, element %u: %.9g instead of %.9g", k, i, got,
					 sum);
		}
	}
}
