// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * I/O commands of the emulated device: results against a double-precision
 * reference on the ideal technology. Misuse is in test_emu_refused.c.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "emu_card.h"

static void assert_close(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
		fail_msg("got %.9g, want %.9g", got, want);
}

static double dot(const float *w, uint32_t rows, uint32_t cols, bool transposed, uint32_t i,
		  const float *x)
{
	uint32_t n = transposed ? rows : cols, j;
	double sum = 0;

	for (j = 0; j < n; j++)
		sum += (double)(transposed ? w[j * cols + i] : w[i * cols + j]) * x[j];
	return sum;
}

/* ---- results ---- */

static void check_mvm(struct emu_card *f, uint32_t rows, uint32_t cols, uint32_t batch,
		      bool transposed, uint32_t pad)
{
	uint32_t in = transposed ? rows : cols, out = transposed ? cols : rows, i, k;
	uint32_t array = emu_host_array(f->host, 1, rows, cols);
	const float *w = emu_card_program(f, array, rows, cols);
	struct mho_hw_sqe s = emu_mvm(f, array, batch);
	float *x = emu_card_at(f, EMU_A_AT), *y = emu_card_at(f, EMU_B_AT);
	struct mho_hw_admin_sqe destroy = { .opcode = MHO_HW_ADM_ARRAY_DESTROY,
					    .context = mho_cpu_to_le16(1),
					    .id = mho_cpu_to_le32(array) };
	struct mho_hw_cqe c;

	assert_int_not_equal(array, 0);
	for (i = 0; i < batch * (in + pad); i++)
		x[i] = emu_number(7 * i + 3);
	for (i = 0; i < batch * (out + pad); i++)
		y[i] = -99;
	s.opcode = transposed ? MHO_HW_OP_MVM_T : MHO_HW_OP_MVM;
	s.a_scale = emu_bits(0.5f);
	s.b_scale = emu_bits(-3);
	if (pad) {
		s.a.stride = mho_cpu_to_le32((in + pad) * 4);
		s.b.stride = mho_cpu_to_le32((out + pad) * 4);
	}
	assert_int_equal(emu_card_run(f, &s, &c), MHO_HW_ST_OK);
	assert_true(mho_le64_to_cpu(c.device_ns) > 0);
	for (k = 0; k < batch; k++) {
		for (i = 0; i < out; i++)
			assert_close(y[k * (out + pad) + i],
				     -1.5 * dot(w, rows, cols, transposed, i, x + k * (in + pad)),
				     1e-5);
		for (i = 0; i < pad && k + 1 < batch; i++)
			assert_true(y[k * (out + pad) + out + i] == -99);
	}
	assert_int_equal(emu_host_admin(f->host, &destroy, NULL), MHO_HW_ST_OK);
}

static void test_mvm(void **state)
{
	static const uint32_t shapes[][2] = {
		{ 1, 1 }, { 16, 16 }, { 5, 13 }, { 17, 3 }, { 1, 64 }, { 64, 1 }, { 31, 31 },
	};
	static const uint32_t batches[] = { 1, 3, 64, 65, 256 };
	struct emu_card f = emu_card_ideal();
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		for (j = 0; j < sizeof(batches) / sizeof(batches[0]); j++) {
			check_mvm(&f, shapes[i][0], shapes[i][1], batches[j], false, 0);
			check_mvm(&f, shapes[i][0], shapes[i][1], batches[j], true, j);
			check_mvm(&f, shapes[i][0], shapes[i][1], batches[j], false, 3);
			f.host->used = 0x200000; /* what the helpers took is not needed again */
		}
	}
	emu_card_close(&f);
}

/* Host memory in scraps, a key that begins in the middle of a page. */
static void test_mvm_scattered(void **state)
{
	struct emu_card f = emu_card_open(&(struct emu_host_opts){
		.technology = "ideal", .seed = 3, .threads = 2, .fragment = 4096 });
	uint32_t rows = 16, cols = 24, batch = 200, i, k;
	uint32_t array = emu_host_array(f.host, 1, rows, cols);
	const float *w = emu_card_program(&f, array, rows, cols);
	struct mho_hw_sqe s = emu_mvm(&f, array, batch);
	float *x, *y;

	(void)state;
	s.a.key = s.b.key =
		mho_cpu_to_le32(emu_host_key(f.host, 1, f.mem + 4092, EMU_KEY_SIZE - 8192, 3));
	s.a.offset = mho_cpu_to_le64(EMU_A_AT + 4);
	x = emu_card_at(&f, 4092 + EMU_A_AT + 4);
	y = emu_card_at(&f, 4092 + EMU_B_AT);
	for (i = 0; i < batch * cols; i++)
		x[i] = emu_number(i);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	for (k = 0; k < batch; k++) {
		for (i = 0; i < rows; i++)
			assert_close(y[k * rows + i], dot(w, rows, cols, false, i, x + k * cols),
				     1e-5);
	}
	emu_card_close(&f);
}

/* A key at an odd address: elements straddle pages. */
static void test_unaligned_key(void **state)
{
	struct emu_card f = emu_card_open(&(struct emu_host_opts){
		.technology = "ideal", .seed = 3, .threads = 1, .fragment = 4096 });
	uint32_t n = 16, batch = 256, i, k;
	uint32_t array = emu_host_array(f.host, 1, n, n);
	const float *w = emu_card_program(&f, array, n, n);
	struct mho_hw_sqe s = emu_mvm(&f, array, batch);
	float x[16], y;

	(void)state;
	s.a.key = s.b.key =
		mho_cpu_to_le32(emu_host_key(f.host, 1, f.mem + 2, EMU_KEY_SIZE - 2, 3));
	for (i = 0; i < batch * n; i++) {
		x[0] = emu_number(i);
		memcpy((uint8_t *)emu_card_at(&f, EMU_A_AT + 2) + 4 * i, x, 4);
	}
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	for (k = 0; k < batch; k++) {
		memcpy(x, (uint8_t *)emu_card_at(&f, EMU_A_AT + 2) + 4 * k * n, sizeof(x));
		for (i = 0; i < n; i++) {
			memcpy(&y, (uint8_t *)emu_card_at(&f, EMU_B_AT + 2) + 4 * (k * n + i), 4);
			assert_close(y, dot(w, n, n, false, i, x), 1e-5);
		}
	}
	emu_card_close(&f);
}

/* A batch that is too long to be copied at once; NaN at its very end stops all of it. */
static void test_long_batch(void **state)
{
	struct emu_host *h = emu_host_start(&(struct emu_host_opts){ .topology = "default",
								     .technology = "ideal",
								     .seed = 3,
								     .threads = 2,
								     .memory = 48 << 20 });
	struct emu_card f = { .host = h, .queue = emu_queue_open(h, 1, NULL) };
	uint32_t rows = 5, cols = 1024, batch = 2500, size = 24 << 20, i, k;
	uint32_t array = emu_host_array(h, 1, rows, cols), at_x = 0x100000, at_y = 0x1000000;
	struct mho_hw_cqe c;
	struct mho_hw_sqe s;
	const float *w;
	float *x, *y;

	(void)state;
	f.mem = emu_host_alloc(h, size);
	f.key = emu_host_key(h, 1, f.mem, size, 3);
	w = emu_card_program(&f, array, rows, cols);
	x = emu_card_at(&f, at_x);
	y = emu_card_at(&f, at_y);
	for (i = 0; i < batch * cols; i++)
		x[i] = emu_number(i);
	for (i = 0; i < batch * rows; i++)
		y[i] = -99;
	s = emu_mvm(&f, array, batch);
	s.a.offset = mho_cpu_to_le64(at_x);
	s.b.offset = mho_cpu_to_le64(at_y);
	x[batch * cols - 1] = NAN;
	assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_NOT_FINITE);
	assert_int_equal(mho_le32_to_cpu(c.detail), batch * cols - 1);
	for (i = 0; i < batch * rows; i++)
		assert_true(y[i] == -99);
	x[batch * cols - 1] = 0.5f;
	assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_OK);
	for (k = 0; k < batch; k += 7) {
		for (i = 0; i < rows; i++)
			assert_close(y[k * rows + i], dot(w, rows, cols, false, i, x + k * cols),
				     1e-4);
	}
	emu_card_close(&f);
}

static void test_i8(void **state)
{
	struct emu_card f = emu_card_ideal();
	uint32_t rows = 20, cols = 18, batch = 70, i, k;
	uint32_t array = emu_host_array(f.host, 1, rows, cols);
	const float *w = emu_card_program(&f, array, rows, cols);
	struct mho_hw_sqe s = emu_mvm(&f, array, batch);
	int8_t *x = emu_card_at(&f, EMU_A_AT), *y = emu_card_at(&f, EMU_B_AT);
	float xf[18];
	bool saturated = false;

	(void)state;
	for (i = 0; i < batch * cols; i++)
		x[i] = (int8_t)(127 * emu_number(i));
	x[5] = -128;
	s.a_type = MHO_HW_TYPE_I8;
	s.b_type = MHO_HW_TYPE_I8;
	s.a_scale = emu_bits(1.0f / 16);
	s.b_scale = emu_bits(8);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	for (k = 0; k < batch; k++) {
		for (i = 0; i < cols; i++)
			xf[i] = x[k * cols + i] / 16.0f;
		for (i = 0; i < rows; i++) {
			double want = rint(8 * dot(w, rows, cols, false, i, xf));

			saturated |= want > 127 || want < -128;
			want = want > 127 ? 127 : want < -128 ? -128 : want;
			/* Sums next to a half may round to either side. */
			assert_true(fabs(y[k * rows + i] - want) <= 1);
		}
	}
	assert_true(saturated);
	emu_card_close(&f);
}

static void test_update(void **state)
{
	struct emu_card f = emu_card_ideal();
	uint32_t rows = 21, cols = 31, batch = 130, i, j, k;
	uint32_t array = emu_host_array(f.host, 1, rows, cols);
	struct mho_hw_sqe u = emu_update(&f, array, batch, 0.001f), r = emu_read(&f, array);
	const float *w = emu_card_program(&f, array, rows, cols);
	double *want = malloc(rows * cols * sizeof(*want));
	float *x = emu_card_at(&f, EMU_A_AT), *d = emu_card_at(&f, EMU_B_AT), *got;
	struct mho_hw_cqe c;

	(void)state;
	assert_non_null(want);
	for (i = 0; i < batch * cols; i++)
		x[i] = emu_number(3 * i);
	for (i = 0; i < batch * rows; i++)
		d[i] = emu_number(5 * i);
	for (i = 0; i < rows * cols; i++)
		want[i] = w[i];
	for (k = 0; k < batch; k++) {
		for (i = 0; i < rows; i++) {
			for (j = 0; j < cols; j++)
				want[i * cols + j] -=
					0.001 * 2 * d[k * rows + i] * 0.5 * x[k * cols + j];
		}
	}
	u.a_scale = emu_bits(0.5f);
	u.b_scale = emu_bits(2);
	assert_int_equal(emu_card_run(&f, &u, &c), MHO_HW_ST_OK);
	got = emu_card_at(&f, EMU_B_AT);
	assert_int_equal(emu_card_run(&f, &r, NULL), MHO_HW_ST_OK);
	for (i = 0; i < rows * cols; i++)
		assert_close(got[i], want[i] > 1 ? 1 : want[i] < -1 ? -1 : want[i], 2e-5);
	free(want);
	emu_card_close(&f);
}

static void test_regions(void **state)
{
	struct emu_card f = emu_card_ideal();
	uint32_t rows = 30, cols = 28, i, j;
	uint32_t array = emu_host_array(f.host, 1, rows, cols);
	struct mho_hw_region rect = { mho_cpu_to_le32(11), mho_cpu_to_le32(9), mho_cpu_to_le32(10),
				      mho_cpu_to_le32(12) };
	struct mho_hw_sqe p = emu_program(&f, array), r = emu_read(&f, array), s = emu_scrub(array);
	float want[30][28], *y = emu_card_at(&f, EMU_B_AT), *a = emu_card_at(&f, EMU_A_AT);

	(void)state;
	memcpy(want, emu_card_program(&f, array, rows, cols), sizeof(want));
	for (i = 0; i < 10; i++) {
		for (j = 0; j < 12; j++) {
			a[i * 20 + j] = emu_number(99 * i + j);
			want[11 + i][9 + j] = 0.25f * a[i * 20 + j];
		}
	}
	p.a.offset = mho_cpu_to_le64(EMU_A_AT);
	p.a.stride = mho_cpu_to_le32(80);
	p.a_scale = emu_bits(0.25f);
	p.b_region = rect;
	assert_int_equal(emu_card_run(&f, &p, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_card_run(&f, &r, NULL), MHO_HW_ST_OK);
	for (i = 0; i < rows * cols; i++)
		assert_close(y[i], (&want[0][0])[i], 1e-5);
	r.a_region = rect;
	r.b_scale = emu_bits(4);
	r.b.stride = mho_cpu_to_le32(60);
	assert_int_equal(emu_card_run(&f, &r, NULL), MHO_HW_ST_OK);
	for (i = 0; i < 10; i++) {
		for (j = 0; j < 12; j++)
			assert_close(y[i * 15 + j], a[i * 20 + j], 1e-5);
	}
	s.b_region = rect;
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	r = emu_read(&f, array);
	assert_int_equal(emu_card_run(&f, &r, NULL), MHO_HW_ST_OK);
	for (i = 0; i < rows; i++) {
		for (j = 0; j < cols; j++) {
			bool in = i >= 11 && i < 21 && j >= 9 && j < 21;

			assert_close(y[i * cols + j], in ? 0 : want[i][j], 1e-5);
		}
	}
	emu_card_close(&f);
}

static void test_transfer(void **state)
{
	struct emu_card f = emu_card_ideal();
	uint32_t rows = 20, i, j;
	uint32_t from = emu_host_array(f.host, 1, rows, 10), to;
	struct mho_hw_sqe t, r;
	float w[20][10], *y = emu_card_at(&f, EMU_B_AT);

	(void)state;
	memcpy(w, emu_card_program(&f, from, rows, 10), sizeof(w));
	to = emu_host_array(f.host, 1, rows, 12);
	assert_int_not_equal(to, 0);
	t = emu_transfer(from, to, 0.5f);
	t.a_scale = emu_bits(0.5f);
	t.a_region = (struct mho_hw_region){ 0, mho_cpu_to_le32(2), mho_cpu_to_le32(rows),
					     mho_cpu_to_le32(5) };
	t.b_region = (struct mho_hw_region){ 0, mho_cpu_to_le32(4), 0, mho_cpu_to_le32(5) };
	assert_int_equal(emu_card_run(&f, &t, NULL), MHO_HW_ST_OK);
	r = emu_read(&f, to);
	assert_int_equal(emu_card_run(&f, &r, NULL), MHO_HW_ST_OK);
	for (i = 0; i < rows; i++) {
		for (j = 0; j < 12; j++)
			assert_close(y[i * 12 + j], j >= 4 && j < 9 ? 0.25 * w[i][j - 4 + 2] : 0,
				     1e-5);
	}
	emu_card_close(&f);
}

/* Pulses move weights, show in wear, in the result and in the telemetry. */
static void test_pulse(void **state)
{
	struct emu_card f = emu_card_open(&(struct emu_host_opts){ .seed = 3, .threads = 2 });
	uint32_t rows = 9, cols = 20, i;
	uint32_t array = emu_host_array(f.host, 1, rows, cols);
	struct mho_hw_sqe p = emu_pulse(&f, array), r = emu_read(&f, array);
	float *y = emu_card_at(&f, EMU_B_AT), before[180];
	int8_t *n = emu_card_at(&f, 0);
	struct mho_hw_cqe c;
	uint32_t total = 0;

	(void)state;
	r.modifier = mho_cpu_to_le16(MHO_HW_READ_WEAR);
	assert_int_equal(emu_card_run(&f, &r, NULL), MHO_HW_ST_OK);
	memcpy(before, y, sizeof(before));
	for (i = 0; i < rows * cols; i++) {
		n[i] = (int8_t)(i % 7) - 3;
		total += n[i] < 0 ? -n[i] : n[i];
	}
	n[0] = -128; /* counts as -127 */
	total += 127 - 3;
	assert_int_equal(emu_card_run(&f, &p, &c), MHO_HW_ST_OK);
	assert_int_equal(mho_le32_to_cpu(c.result), total);
	assert_true(c.device_ns && c.energy_fj);
	assert_int_equal(emu_card_run(&f, &r, NULL), MHO_HW_ST_OK);
	for (i = 0; i < rows * cols; i++)
		assert_true(y[i] - before[i] == (n[i] == -128 ? 127 : abs(n[i])));
	r.modifier = mho_cpu_to_le16(MHO_HW_READ_CONDUCTANCE);
	assert_int_equal(emu_card_run(&f, &r, NULL), MHO_HW_ST_OK);
	for (i = 0; i < rows * cols; i++)
		assert_true(isfinite(y[i]));
	emu_card_close(&f);
}

static void test_window(void **state)
{
	struct emu_card f = emu_card_ideal();
	uint32_t rows = 20, cols = 30, batch = 5, i, j, k;
	uint32_t array = emu_host_array(f.host, 1, rows, cols);
	struct mho_hw_admin_sqe info = { .opcode = MHO_HW_ADM_ARRAY_INFO,
					 .id = mho_cpu_to_le32(array),
					 .length = mho_cpu_to_le32(4096),
					 .data = mho_cpu_to_le64(f.host->data) };
	struct mho_hw_admin_sqe identify = { .opcode = MHO_HW_ADM_IDENTIFY,
					     .length = mho_cpu_to_le32(4096),
					     .data = mho_cpu_to_le64(f.host->data) };
	const struct mho_hw_array_info *ai = emu_host_ptr(f.host, f.host->data);
	const struct mho_hw_array_tile *t = (const void *)(ai + 1);
	const float *w = emu_card_program(&f, array, rows, cols);
	struct mho_hw_sqe s = emu_mvm(&f, array, batch);
	struct mho_hw_identify id;
	float x[5][30], y[5][20];

	(void)state;
	assert_int_equal(emu_host_admin(f.host, &identify, NULL), MHO_HW_ST_OK);
	memcpy(&id, ai, sizeof(id));
	assert_int_equal(emu_host_admin(f.host, &info, NULL), MHO_HW_ST_OK);
	assert_int_equal(ai->grid_rows, 2);
	assert_int_equal(ai->grid_cols, 2);
	for (k = 0; k < batch; k++) {
		for (j = 0; j < cols; j++) {
			uint32_t b = j < t[1].col ? 0 : 1, bits;

			x[k][j] = emu_number(k * cols + j);
			memcpy(&bits, &x[k][j], 4);
			mho_emu_write(f.host->emu, MHO_HW_BAR_WINDOW,
				      (uint64_t)t[b].tile * id.window_stride +
					      4 * (k * t[b].cols + j - t[b].col),
				      bits, 4);
		}
	}
	memset(&s.a, 0, sizeof(s.a));
	memset(&s.b, 0, sizeof(s.b));
	s.flags = MHO_HW_CMD_A_WINDOW | MHO_HW_CMD_B_WINDOW;
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	for (k = 0; k < batch; k++) {
		for (i = 0; i < rows; i++) {
			uint32_t b = i < t[2].row ? 0 : 2, bits;

			bits = mho_emu_read(f.host->emu, MHO_HW_BAR_WINDOW,
					    (uint64_t)t[b].tile * id.window_stride +
						    id.window_out_offset +
						    4 * (k * t[b].rows + i - t[b].row),
					    4);
			memcpy(&y[k][i], &bits, 4);
			assert_close(y[k][i], dot(w, rows, cols, false, i, x[k]), 1e-5);
		}
	}
	/* The output can be operand b of an update in place. */
	s.opcode = MHO_HW_OP_UPDATE;
	s.param[0] = emu_bits(0.01f);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	s = emu_read(&f, array);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	for (i = 0; i < rows; i++) {
		for (j = 0; j < cols; j++) {
			double want = w[i * cols + j];

			for (k = 0; k < batch; k++)
				want -= 0.01 * y[k][i] * x[k][j];
			want = want > 1 ? 1 : want < -1 ? -1 : want;
			assert_close(((float *)emu_card_at(&f, EMU_B_AT))[i * cols + j], want,
				     1e-5);
		}
	}
	s = emu_mvm(&f, array, 256);
	s.a.key = s.b.key = 0;
	s.a.offset = s.b.offset = 0;
	s.flags = MHO_HW_CMD_A_WINDOW | MHO_HW_CMD_B_WINDOW;
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_WINDOW_RANGE);
	emu_card_close(&f);
}

/* Sums over completions equal the telemetry. */
static void test_accounts(void **state)
{
	struct emu_card f = emu_card_open(&(struct emu_host_opts){ .seed = 3, .threads = 2 });
	uint32_t array = emu_host_array(f.host, 1, 20, 20), i;
	struct mho_hw_admin_sqe t = { .opcode = MHO_HW_ADM_TELEMETRY,
				      .scope = MHO_HW_SCOPE_QUEUE,
				      .queue = mho_cpu_to_le16(1),
				      .length = mho_cpu_to_le32(4096),
				      .data = mho_cpu_to_le64(f.host->data) };
	const struct mho_hw_queue_telemetry *q = emu_host_ptr(f.host, f.host->data);
	const struct mho_hw_telemetry *d = emu_host_ptr(f.host, f.host->data);
	uint64_t ns = 0, fj = 0, pulses = 0;
	struct mho_hw_cqe c;
	struct mho_hw_sqe s;

	(void)state;
	for (i = 0; i < 10; i++) {
		s = i & 1 ? emu_update(&f, array, 3, 0.01f) : emu_mvm(&f, array, 5);
		memset(emu_card_at(&f, EMU_A_AT), 0x3c, 4096);
		memset(emu_card_at(&f, EMU_B_AT), 0x3c, 4096);
		assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_OK);
		ns += mho_le64_to_cpu(c.device_ns);
		fj += mho_le64_to_cpu(c.energy_fj);
		pulses += i & 1 ? mho_le32_to_cpu(c.result) : 0;
	}
	s = emu_mvm(&f, 99, 1);
	assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(emu_host_admin(f.host, &t, NULL), MHO_HW_ST_OK);
	assert_int_equal(q->commands, 11);
	assert_int_equal(q->errors, 1);
	assert_int_equal(q->depth, 0);
	assert_int_equal(q->doorbells, 22); /* tail and head */
	assert_true(q->device_ns == ns);
	assert_true(q->energy_fj == fj);
	assert_int_equal(q->vectors, 5 * 5 + 5 * 3);
	assert_int_equal(q->sq_head, 11);
	assert_int_equal(q->cq_tail, 11);
	t.scope = MHO_HW_SCOPE_DEVICE;
	t.queue = 0;
	assert_int_equal(emu_host_admin(f.host, &t, NULL), MHO_HW_ST_OK);
	assert_int_equal(d->commands, 11);
	assert_int_equal(d->errors, 1);
	assert_int_equal(d->mvms, 25);
	assert_int_equal(d->updates, 15);
	assert_true(d->pulses == pulses);
	assert_true(d->energy_fj == fj);
	assert_true(d->time_ns == ns);
	assert_true(d->time_ns ==
		    mho_emu_read(f.host->emu, MHO_HW_BAR_REGS, MHO_HW_REG_TIME_LO, 8));
	assert_true(pulses > 0 && d->wear_max > 0);
	emu_card_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mvm),
		cmocka_unit_test(test_mvm_scattered),
		cmocka_unit_test(test_unaligned_key),
		cmocka_unit_test(test_long_batch),
		cmocka_unit_test(test_i8),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_pulse),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_accounts),
	};

	return cmocka_run_group_tests_name("emulated device: I/O commands", tests, NULL, NULL);
}
