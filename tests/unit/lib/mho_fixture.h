/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What tests of libmho share: an open device whose log is caught, random numbers,
 * and a float64 matrix product to compare with.
 */
#ifndef MHO_FIXTURE_H
#define MHO_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mho/mho.h"

#define FIXTURE_LOG 4096
/*
 * The card of most tests. With MHO_TEST_CARD=URI in the environment they run on that one instead,
 * which has the same topology and cells: a real driver's, in a guest.
 */
#define FIXTURE_URI "emu:small?tech=ideal"

/**
 * struct fixture - an open device
 * @io: enum mho_io
 * @dev: the device
 * @lock: of @log
 * @log: all lines so far, cut off when it is full
 */
struct fixture {
	uint32_t io;
	struct mho_dev *dev;
	pthread_mutex_t lock;
	char log[FIXTURE_LOG];
};

/* Whether the tests run on another card than FIXTURE_URI. */
int fixture_on_card(void);

/* Opens @uri; fails the test if it does not open. */
struct fixture *fixture_open(const char *uri, uint32_t io);
void fixture_close(struct fixture *f);

/*
 * For cmocka's setup and teardown: the state is a uint32_t, enum mho_io, before, and a struct
 * fixture of the small card with ideal cells after.
 */
int fixture_setup_io(void **state);
int fixture_teardown(void **state);

/* Whether the kernel lets this process use io_uring. */
int fixture_has_uring(void);

/* Whether a line of the log so far holds @text. */
int fixture_logged(struct fixture *f, const char *text);

/* The last error must hold @text. */
void expect_error(const char *text);

struct mho_mat *new_mat(struct mho_dev *dev, uint32_t rows, uint32_t cols);
struct mho_buf *new_buf(struct mho_dev *dev, size_t bytes);

struct mho_queue *new_queue(struct mho_dev *dev, uint32_t depth);

/* A job of a new matrix and buffer that takes a while: 4096 reads. Needs a tile of 16x16. */
struct mho_job slow_job(struct mho_dev *dev);

/* Numbers in (-1, 1), the same for the same seed. */
void fill_random(float *v, size_t n, uint32_t seed);

/**
 * check_product() - compare y = W x, or W^T x, with float64
 * @w: rows x cols
 * @x: batch vectors
 * @y: what the device has, times 1 / @scale
 *
 * Tolerance: a float32 sum of n products in any order is within n u sum |w x| of the exact one, u =
 * 2^-24 (Higham, Accuracy and Stability, section 4.2), twice for the rounding of the products and
 * of the sum over tiles.
 */
void check_product(const float *w, const float *x, const float *y, uint32_t rows, uint32_t cols,
		   uint32_t batch, int transposed);

#endif
