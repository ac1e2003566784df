// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The matrix products of a tile, by OpenBLAS, on the calling thread. What comes
 * before and after them on the read path is in phys_mvm.c.
 *
 * A tile is worked on by one of several workers, so a product must not spread over
 * threads of its own: the workers would wait for one another behind OpenBLAS's
 * lock, and the order of additions would depend on its number of threads.
 * OpenBLAS has no such switch for one caller, only for the whole process, which
 * belongs to the application. But it never spreads small products. So products are
 * made of blocks that are small enough; the thresholds are in its interface/gemm.c
 * and interface/gemv.c, the same from 0.3.10 to 0.3.30, and depend on the shape
 * alone.
 */
#include "emulator/phys_tile.h"

#include <cblas.h>
#include <string.h>

/* m n k up to which sgemm uses one thread: SMP_THRESHOLD_MIN * GEMM_MULTITHREAD_THRESHOLD. */
#define GEMM_ONE_THREAD 262144U
/* m n below which sgemv uses one thread: 2304 * GEMM_MULTITHREAD_THRESHOLD. */
#define GEMV_ONE_THREAD 9216U
/* Widest part of a row of weights in one sgemv. */
#define GEMV_COLS 256U

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * OpenBLAS has kernels for small products that copy nothing for the cores named here; these like
 * long sums. For the others cubes copy least.
 */
static bool has_small_kernels(void)
{
	static const char *const cores[] = { "SkylakeX", "Cooperlake", "SapphireRapids" };
	const char *core = openblas_get_corename();

	for (size_t i = 0; i < sizeof(cores) / sizeof(cores[0]); i++) {
		if (!strcmp(core, cores[i]))
			return true;
	}
	return false;
}

static void product_vector(const struct mho_product *p)
{
	uint32_t wide = least(p->cols, GEMV_COLS), high = (GEMV_ONE_THREAD - 1) / wide;

	for (uint32_t r = 0; r < p->rows; r += high) {
		for (uint32_t c = 0; c < p->cols; c += wide) {
			uint32_t in = p->transposed ? r : c, out = p->transposed ? c : r;

			cblas_sgemv(CblasRowMajor, p->transposed ? CblasTrans : CblasNoTrans,
				    (int)least(high, p->rows - r), (int)least(wide, p->cols - c),
				    p->alpha, p->w + (size_t)r * p->ldw + c, (int)p->ldw, p->x + in,
				    1, in ? 1.0f : 0.0f, p->y + out, 1);
		}
	}
}

void mho_tile_product(const struct mho_product *p)
{
	uint32_t n_in = p->transposed ? p->rows : p->cols;
	uint32_t n_out = p->transposed ? p->cols : p->rows;
	bool small = has_small_kernels();
	uint32_t m = least(p->count, small ? 32 : 64);
	uint32_t k = least(n_in, small ? 256 : 64);
	uint32_t n = GEMM_ONE_THREAD / (m * k);

	if (p->count == 1) {
		product_vector(p);
		return;
	}
	n = n > 16 ? n / 16 * 16 : n;
	for (uint32_t v = 0; v < p->count; v += m) {
		for (uint32_t out = 0; out < n_out; out += n) {
			for (uint32_t in = 0; in < n_in; in += k) {
				size_t at = p->transposed ? (size_t)in * p->ldw + out :
							    (size_t)out * p->ldw + in;

				cblas_sgemm(CblasRowMajor, CblasNoTrans,
					    p->transposed ? CblasNoTrans : CblasTrans,
					    (int)least(m, p->count - v), (int)least(n, n_out - out),
					    (int)least(k, n_in - in), p->alpha,
					    p->x + v * p->ldx + in, (int)p->ldx, p->w + at,
					    (int)p->ldw, in ? 1.0f : 0.0f, p->y + v * p->ldy + out,
					    (int)p->ldy);
			}
		}
	}
}
