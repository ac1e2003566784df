// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * I/O commands that the emulated device refuses: each field, each reserved bit,
 * operands that are not finite or out of reach, other contexts' objects.
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

/* ---- refusals ---- */

enum base {
	NOP,
	BARRIER,
	MVM,
	MVM_T,
	UPDATE,
	PROGRAM,
	READ,
	PULSE,
	TRANSFER,
	SCRUB,
	BASES,
};

struct refusal {
	const char *what;
	enum base base;
	unsigned int offset; /* of the field that is changed */
	unsigned int size;
	uint64_t value;
	unsigned int status;
	unsigned int detail; /* NONE: not looked at */
};

#define NONE 0xffff
#define AT(field) offsetof(struct mho_hw_sqe, field), sizeof(((struct mho_hw_sqe *)0)->field)
#define F_NAN 0x7fc00000
#define F_INF 0x7f800000
#define F_MINUS1 0xbf800000
#define F_1 0x3f800000

static const struct refusal refusals[] = {
	{ "unknown opcode", NOP, AT(opcode), 0x77, MHO_HW_ST_BAD_OPCODE, 0 },
	{ "unknown opcode above", NOP, AT(opcode), 0xff, MHO_HW_ST_BAD_OPCODE, 0 },
	{ "NOP array", NOP, AT(array), 1, MHO_HW_ST_RESERVED, 4 },
	{ "NOP batch", NOP, AT(batch), 1, MHO_HW_ST_RESERVED, 8 },
	{ "NOP a_type", NOP, AT(a_type), 1, MHO_HW_ST_RESERVED, 12 },
	{ "NOP b_type", NOP, AT(b_type), 1, MHO_HW_ST_RESERVED, 13 },
	{ "NOP modifier", NOP, AT(modifier), 0x8000, MHO_HW_ST_RESERVED, 14 },
	{ "NOP a.key", NOP, AT(a.key), 1, MHO_HW_ST_RESERVED, 16 },
	{ "NOP a.stride", NOP, AT(a.stride), 1, MHO_HW_ST_RESERVED, 20 },
	{ "NOP a.offset", NOP, AT(a.offset), 1ULL << 63, MHO_HW_ST_RESERVED, 24 },
	{ "NOP b.key", NOP, AT(b.key), 1, MHO_HW_ST_RESERVED, 32 },
	{ "NOP b.stride", NOP, AT(b.stride), 1, MHO_HW_ST_RESERVED, 36 },
	{ "NOP b.offset", NOP, AT(b.offset), 1, MHO_HW_ST_RESERVED, 40 },
	{ "NOP a_scale", NOP, AT(a_scale), 1, MHO_HW_ST_RESERVED, 48 },
	{ "NOP b_scale", NOP, AT(b_scale), 1, MHO_HW_ST_RESERVED, 52 },
	{ "NOP param 0", NOP, AT(param[0]), 1, MHO_HW_ST_RESERVED, 56 },
	{ "NOP param 1", NOP, AT(param[1]), 1, MHO_HW_ST_RESERVED, 60 },
	{ "BARRIER array", BARRIER, AT(array), 1, MHO_HW_ST_RESERVED, 4 },
	{ "undefined flag", MVM, AT(flags), 8, MHO_HW_ST_RESERVED, 1 },
	{ "undefined flag above", MVM, AT(flags), 0x80, MHO_HW_ST_RESERVED, 1 },
	{ "window flag of NOP", NOP, AT(flags), MHO_HW_CMD_A_WINDOW, MHO_HW_ST_RESERVED, 1 },
	{ "window flag of READ", READ, AT(flags), MHO_HW_CMD_B_WINDOW, MHO_HW_ST_RESERVED, 1 },
	{ "window flag of PROGRAM", PROGRAM, AT(flags), MHO_HW_CMD_A_WINDOW, MHO_HW_ST_RESERVED,
	  1 },
	{ "window with key", MVM, AT(flags), MHO_HW_CMD_A_WINDOW, MHO_HW_ST_RESERVED, 16 },
	{ "MVM modifier", MVM, AT(modifier), 1, MHO_HW_ST_RESERVED, 14 },
	{ "MVM param 0", MVM, AT(param[0]), 1, MHO_HW_ST_RESERVED, 56 },
	{ "MVM param 1", MVM_T, AT(param[1]), 1, MHO_HW_ST_RESERVED, 60 },
	{ "PROGRAM b_type", PROGRAM, AT(b_type), 1, MHO_HW_ST_RESERVED, 13 },
	{ "PROGRAM b_scale", PROGRAM, AT(b_scale), F_1, MHO_HW_ST_RESERVED, 52 },
	{ "READ a_type", READ, AT(a_type), 1, MHO_HW_ST_RESERVED, 12 },
	{ "READ a_scale", READ, AT(a_scale), F_1, MHO_HW_ST_RESERVED, 48 },
	{ "READ modifier", READ, AT(modifier), 4, MHO_HW_ST_RESERVED, 14 },
	{ "READ param", READ, AT(param[0]), 1, MHO_HW_ST_RESERVED, 56 },
	{ "PULSE param 0", PULSE, AT(param[0]), 1, MHO_HW_ST_RESERVED, 56 },
	{ "PULSE param 1", PULSE, AT(param[1]), 1, MHO_HW_ST_RESERVED, 60 },
	{ "TRANSFER batch", TRANSFER, AT(batch), 1, MHO_HW_ST_RESERVED, 8 },
	{ "TRANSFER a_type", TRANSFER, AT(a_type), 1, MHO_HW_ST_RESERVED, 12 },
	{ "TRANSFER b_scale", TRANSFER, AT(b_scale), F_1, MHO_HW_ST_RESERVED, 52 },
	{ "SCRUB batch", SCRUB, AT(batch), 1, MHO_HW_ST_RESERVED, 8 },
	{ "SCRUB a", SCRUB, AT(a.key), 1, MHO_HW_ST_RESERVED, 16 },
	{ "SCRUB a_scale", SCRUB, AT(a_scale), F_1, MHO_HW_ST_RESERVED, 48 },
	{ "array 0", MVM, AT(array), 0, MHO_HW_ST_BAD_ARRAY, 4 },
	{ "no such array", MVM, AT(array), 7, MHO_HW_ST_BAD_ARRAY, 4 },
	{ "array beyond the table", UPDATE, AT(array), 0xffffffff, MHO_HW_ST_BAD_ARRAY, 4 },
	{ "batch 0", MVM, AT(batch), 0, MHO_HW_ST_BAD_BATCH, 8 },
	{ "batch above limit", MVM, AT(batch), 257, MHO_HW_ST_BAD_BATCH, 8 },
	{ "batch huge", UPDATE, AT(batch), 0xffffffff, MHO_HW_ST_BAD_BATCH, 8 },
	{ "PROGRAM batch 0", PROGRAM, AT(batch), 0, MHO_HW_ST_BAD_BATCH, 8 },
	{ "PROGRAM batch 2", PROGRAM, AT(batch), 2, MHO_HW_ST_BAD_BATCH, 8 },
	{ "PULSE batch 2", PULSE, AT(batch), 2, MHO_HW_ST_BAD_BATCH, 8 },
	{ "READ average 0", READ, AT(batch), 0, MHO_HW_ST_BAD_BATCH, 8 },
	{ "READ average", READ, AT(batch), 4097, MHO_HW_ST_BAD_BATCH, 8 },
	{ "a_type none", MVM, AT(a_type), 0, MHO_HW_ST_BAD_TYPE, 12 },
	{ "a_type unknown", MVM, AT(a_type), 3, MHO_HW_ST_BAD_TYPE, 12 },
	{ "b_type none", MVM, AT(b_type), 0, MHO_HW_ST_BAD_TYPE, 13 },
	{ "b_type unknown", UPDATE, AT(b_type), 0xff, MHO_HW_ST_BAD_TYPE, 13 },
	{ "PULSE type", PULSE, AT(a_type), MHO_HW_TYPE_F32, MHO_HW_ST_BAD_TYPE, 12 },
	{ "READ both modifiers", READ, AT(modifier), 3, MHO_HW_ST_BAD_FIELD, 14 },
	{ "a_scale 0", MVM, AT(a_scale), 0, MHO_HW_ST_BAD_SCALE, 48 },
	{ "a_scale NaN", MVM, AT(a_scale), F_NAN, MHO_HW_ST_BAD_SCALE, 48 },
	{ "a_scale infinite", PROGRAM, AT(a_scale), F_INF, MHO_HW_ST_BAD_SCALE, 48 },
	{ "b_scale 0", READ, AT(b_scale), 0, MHO_HW_ST_BAD_SCALE, 52 },
	{ "b_scale -infinite", MVM_T, AT(b_scale), 0xff800000, MHO_HW_ST_BAD_SCALE, 52 },
	{ "PULSE scale", PULSE, AT(a_scale), F_MINUS1, MHO_HW_ST_BAD_SCALE, 48 },
	{ "rate negative", UPDATE, AT(param[0]), F_MINUS1, MHO_HW_ST_BAD_SCALE, 56 },
	{ "rate NaN", UPDATE, AT(param[0]), F_NAN, MHO_HW_ST_BAD_SCALE, 56 },
	{ "tolerance negative", PROGRAM, AT(param[0]), F_MINUS1, MHO_HW_ST_BAD_SCALE, 56 },
	{ "tolerance infinite", PROGRAM, AT(param[0]), F_INF, MHO_HW_ST_BAD_SCALE, 56 },
	{ "TRANSFER rate", TRANSFER, AT(param[0]), F_INF, MHO_HW_ST_BAD_SCALE, 56 },
	{ "train too long", UPDATE, AT(param[1]), 256, MHO_HW_ST_BAD_FIELD, 60 },
	{ "iterations", PROGRAM, AT(param[1]), 10001, MHO_HW_ST_BAD_FIELD, 60 },
	{ "region empty", PROGRAM, AT(b_region.row), 1, MHO_HW_ST_BAD_REGION, 32 },
	{ "region half empty", PROGRAM, AT(b_region.rows), 4, MHO_HW_ST_BAD_REGION, 32 },
	{ "region of READ", READ, AT(a_region.rows), 1000, MHO_HW_ST_BAD_REGION, 16 },
	{ "region of SCRUB", SCRUB, AT(b_region.cols), 3, MHO_HW_ST_BAD_REGION, 32 },
	{ "TRANSFER to none", TRANSFER, AT(param[1]), 0, MHO_HW_ST_BAD_ARRAY, 60 },
	{ "TRANSFER to itself", TRANSFER, AT(param[1]), 1, MHO_HW_ST_BAD_ARRAY, 60 },
	{ "TRANSFER to other rows", TRANSFER, AT(param[1]), 3, MHO_HW_ST_BAD_REGION, 60 },
	{ "TRANSFER columns", TRANSFER, AT(b_region.cols), 3, MHO_HW_ST_BAD_REGION, 36 },
	{ "TRANSFER b row", TRANSFER, AT(b_region.row), 3, MHO_HW_ST_RESERVED, 32 },
	{ "TRANSFER b rows", TRANSFER, AT(b_region.rows), 3, MHO_HW_ST_RESERVED, 40 },
	{ "TRANSFER part of rows", TRANSFER, AT(a_region.rows), 3, MHO_HW_ST_BAD_REGION, NONE },
	{ "a stride too small", MVM, AT(a.stride), 36, MHO_HW_ST_BAD_STRIDE, 20 },
	{ "a stride odd", MVM, AT(a.stride), 42, MHO_HW_ST_BAD_STRIDE, 20 },
	{ "b stride too small", MVM, AT(b.stride), 4, MHO_HW_ST_BAD_STRIDE, 36 },
	{ "a offset odd", MVM, AT(a.offset), 2, MHO_HW_ST_MISALIGNED, 24 },
	{ "b offset odd", MVM, AT(b.offset), 1, MHO_HW_ST_MISALIGNED, 40 },
	{ "a key 0", MVM, AT(a.key), 0, MHO_HW_ST_BAD_KEY, 16 },
	{ "a key unknown", MVM, AT(a.key), 0x12345678, MHO_HW_ST_BAD_KEY, 16 },
	{ "b key unknown", READ, AT(b.key), 0xffffffff, MHO_HW_ST_BAD_KEY, 32 },
	{ "a beyond the key", MVM, AT(a.offset), EMU_KEY_SIZE - 36, MHO_HW_ST_KEY_RANGE, 24 },
	{ "a far beyond the key", MVM, AT(a.offset), ~3ULL, MHO_HW_ST_KEY_RANGE, 24 },
	{ "b beyond the key", READ, AT(b.offset), EMU_KEY_SIZE - 4, MHO_HW_ST_KEY_RANGE, 40 },
	{ "b far beyond", UPDATE, AT(b.offset), 1ULL << 63, MHO_HW_ST_KEY_RANGE, 40 },
	{ "a stride beyond the key", UPDATE, AT(a.stride), 0xfffffffc, MHO_HW_ST_KEY_RANGE, 24 },
};

static struct mho_hw_sqe base_command(struct emu_card *f, enum base base)
{
	switch (base) {
	case NOP:
		return (struct mho_hw_sqe){ .opcode = MHO_HW_OP_NOP };
	case BARRIER:
		return (struct mho_hw_sqe){ .opcode = MHO_HW_OP_BARRIER };
	case MVM_T: {
		struct mho_hw_sqe s = emu_mvm(f, 1, 2);

		s.opcode = MHO_HW_OP_MVM_T;
		return s;
	}
	case UPDATE:
		return emu_update(f, 1, 2, 0.1f);
	case PROGRAM:
		return emu_program(f, 1);
	case READ:
		return emu_read(f, 1);
	case PULSE:
		return emu_pulse(f, 1);
	case TRANSFER:
		return emu_transfer(1, 2, 0.1f);
	case SCRUB:
		return emu_scrub(1);
	default:
		return emu_mvm(f, 1, 2);
	}
}

static void put(struct mho_hw_sqe *s, const struct refusal *r)
{
	mho_le64 v = mho_cpu_to_le64(r->value);

	memcpy((uint8_t *)s + r->offset, &v, r->size);
}

static void test_refusals(void **state)
{
	struct emu_card f = emu_card_ideal();
	float before[12 * 10], *y = emu_card_at(&f, EMU_B_AT);
	struct mho_hw_cqe c;
	struct mho_hw_sqe s;
	size_t i;

	(void)state;
	assert_int_equal(emu_host_array(f.host, 1, 12, 10), 1);
	assert_int_equal(emu_host_array(f.host, 1, 12, 10), 2);
	assert_int_equal(emu_host_array(f.host, 1, 11, 10), 3);
	memcpy(before, emu_card_program(&f, 1, 12, 10), sizeof(before));
	memset(emu_card_at(&f, 0), 0, 4096);
	for (i = 0; i < BASES; i++) {
		s = base_command(&f, i);
		assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	}
	memcpy(emu_card_at(&f, 0), before, sizeof(before));
	s = emu_program(&f, 1);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		unsigned int status;

		s = base_command(&f, r->base);
		put(&s, r);
		status = emu_card_run(&f, &s, &c);
		if (status != r->status)
			fail_msg("%s: %s instead of %s", r->what, mho_hw_status_name(status),
				 mho_hw_status_name(r->status));
		if (r->detail != NONE && mho_le32_to_cpu(c.detail) != r->detail)
			fail_msg("%s: detail %u instead of %u", r->what, mho_le32_to_cpu(c.detail),
				 r->detail);
		assert_int_equal(c.device_ns, 0);
		assert_int_equal(c.energy_fj, 0);
	}
	/* Nothing of all this has touched the weights. */
	s = emu_read(&f, 1);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	for (i = 0; i < 120; i++)
		assert_close(y[i], before[i], 1e-5);
	emu_card_close(&f);
}

static void test_key_access(void **state)
{
	struct emu_card f = emu_card_ideal();
	uint32_t array = emu_host_array(f.host, 1, 8, 8);
	uint32_t ro = emu_host_key(f.host, 1, f.mem, EMU_KEY_SIZE, MHO_HW_ACCESS_READ);
	uint32_t wo = emu_host_key(f.host, 1, f.mem, EMU_KEY_SIZE, MHO_HW_ACCESS_WRITE);
	struct mho_hw_sqe s = emu_mvm(&f, array, 1);
	struct mho_hw_cqe c;

	(void)state;
	s.a.key = mho_cpu_to_le32(ro);
	s.b.key = mho_cpu_to_le32(wo);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	s.a.key = mho_cpu_to_le32(wo);
	assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_KEY_ACCESS);
	assert_int_equal(mho_le32_to_cpu(c.detail), 16);
	s.a.key = mho_cpu_to_le32(ro);
	s.b.key = mho_cpu_to_le32(ro);
	assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_KEY_ACCESS);
	assert_int_equal(mho_le32_to_cpu(c.detail), 32);
	s = emu_update(&f, array, 1, 0.1f);
	s.b.key = mho_cpu_to_le32(wo);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_KEY_ACCESS);
	emu_card_close(&f);
}

/* NaN, infinity and overflow by the scale, in every operand, at the first and the last element. */
static void test_not_finite(void **state)
{
	struct emu_card f = emu_card_ideal();
	uint32_t rows = 12, cols = 10, batch = 100, i;
	uint32_t array = emu_host_array(f.host, 1, rows, cols);
	float *a = emu_card_at(&f, EMU_A_AT), *b = emu_card_at(&f, EMU_B_AT),
	      bad[] = { NAN, INFINITY, -INFINITY, 3e38f };
	uint32_t last = batch * cols - 1;
	struct mho_hw_cqe c;
	struct mho_hw_sqe s;

	(void)state;
	memset(a, 0, 65536);
	memset(b, 0, 65536);
	for (i = 0; i < 4; i++) {
		s = emu_mvm(&f, array, batch);
		s.a_scale = emu_bits(10);
		a[last] = bad[i];
		b[0] = -99;
		assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_NOT_FINITE);
		assert_int_equal(mho_le32_to_cpu(c.detail), last);
		assert_int_equal(mho_le32_to_cpu(c.result), 0);
		assert_true(b[0] == -99);
		s = emu_update(&f, array, batch, 0.1f);
		s.a_scale = emu_bits(10);
		assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_NOT_FINITE);
		a[last] = 0;
		b[0] = 0;
		b[7] = bad[i];
		s.b_scale = emu_bits(10);
		assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_NOT_FINITE);
		assert_int_equal(mho_le32_to_cpu(c.detail), 7);
		assert_int_equal(mho_le32_to_cpu(c.result), 1);
		b[7] = 0;
		s = emu_program(&f, array);
		s.a_scale = emu_bits(10);
		((float *)emu_card_at(&f, 0))[rows * cols - 1] = bad[i];
		assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_NOT_FINITE);
		assert_int_equal(mho_le32_to_cpu(c.detail), rows * cols - 1);
		((float *)emu_card_at(&f, 0))[rows * cols - 1] = 0;
	}
	emu_card_close(&f);
}

static void test_dma_fault(void **state)
{
	struct emu_card f = emu_card_ideal();
	uint32_t array = emu_host_array(f.host, 1, 8, 8);
	struct mho_hw_sqe s = emu_mvm(&f, array, 1);

	(void)state;
	emu_host_hole(f.host, f.mem + EMU_A_AT, f.mem + EMU_A_AT + 4096, false);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_DMA_FAULT);
	emu_host_hole(f.host, f.mem + EMU_B_AT, f.mem + EMU_B_AT + 4096, true);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_DMA_FAULT);
	s.opcode = MHO_HW_OP_UPDATE;
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK); /* reads there */
	emu_host_hole(f.host, 0, 0, false);
	s.opcode = MHO_HW_OP_MVM;
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	emu_card_close(&f);
}

/* One context cannot name what another one has. */
static void test_isolation(void **state)
{
	struct emu_card f = emu_card_ideal();
	struct emu_queue *other;
	uint32_t mine = emu_host_array(f.host, 1, 8, 8), theirs, key2;
	struct mho_hw_sqe s;

	(void)state;
	assert_int_equal(emu_host_context(f.host, 2), MHO_HW_ST_OK);
	other = emu_queue_open(f.host, 2, &(struct emu_queue_opts){ .context = 2 });
	theirs = emu_host_array(f.host, 2, 8, 8);
	key2 = emu_host_key(f.host, 2, f.mem, EMU_KEY_SIZE, 3);
	s = emu_mvm(&f, theirs, 1);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(emu_queue_run(other, &s, NULL), MHO_HW_ST_BAD_KEY);
	s.a.key = s.b.key = mho_cpu_to_le32(key2);
	assert_int_equal(emu_queue_run(other, &s, NULL), MHO_HW_ST_OK);
	s.array = mho_cpu_to_le32(mine);
	assert_int_equal(emu_queue_run(other, &s, NULL), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_BAD_KEY);
	s = emu_transfer(mine, theirs, 0.1f);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_BAD_ARRAY);
	emu_queue_free(other);
	emu_card_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),   cmocka_unit_test(test_key_access),
		cmocka_unit_test(test_not_finite), cmocka_unit_test(test_dma_fault),
		cmocka_unit_test(test_isolation),
	};

	return cmocka_run_group_tests_name("emulated device: refused commands", tests, NULL, NULL);
}
