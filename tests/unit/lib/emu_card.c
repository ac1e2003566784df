// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * An emulated card with one queue and one key, and commands that make sense, for
 * tests to change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "emu_card.h"

struct emu_card emu_card_open(const struct emu_host_opts *opts)
{
	struct emu_card f = { .host = emu_host_start(opts) };

	f.queue = emu_queue_open(f.host, 1, NULL);
	f.mem = emu_host_alloc(f.host, EMU_KEY_SIZE);
	f.key = emu_host_key(f.host, 1, f.mem, EMU_KEY_SIZE,
			     MHO_HW_ACCESS_READ | MHO_HW_ACCESS_WRITE);
	assert_int_not_equal(f.key, 0);
	return f;
}

struct emu_card emu_card_ideal(void)
{
	return emu_card_open(
		&(struct emu_host_opts){ .technology = "ideal", .seed = 3, .threads = 2 });
}

void emu_card_close(struct emu_card *f)
{
	emu_queue_free(f->queue);
	emu_host_free(f->host);
}

void *emu_card_at(struct emu_card *f, uint64_t offset)
{
	return emu_host_ptr(f->host, f->mem + offset);
}

unsigned int emu_card_run(struct emu_card *f, struct mho_hw_sqe *s, struct mho_hw_cqe *c)
{
	s->cid = mho_cpu_to_le16(f->cid++);
	return emu_queue_run(f->queue, s, c);
}

float emu_number(uint32_t i)
{
	return (float)((int)(i * 2654435761U >> 20) - 2048) / 2048;
}

/* ---- commands with sensible fields, for tests to change ---- */

struct mho_hw_sqe emu_mvm(struct emu_card *f, uint32_t array, uint32_t batch)
{
	return (struct mho_hw_sqe){
		.opcode = MHO_HW_OP_MVM,
		.array = mho_cpu_to_le32(array),
		.batch = mho_cpu_to_le32(batch),
		.a_type = MHO_HW_TYPE_F32,
		.b_type = MHO_HW_TYPE_F32,
		.a = { .key = mho_cpu_to_le32(f->key), .offset = mho_cpu_to_le64(EMU_A_AT) },
		.b = { .key = mho_cpu_to_le32(f->key), .offset = mho_cpu_to_le64(EMU_B_AT) },
		.a_scale = emu_bits(1),
		.b_scale = emu_bits(1),
	};
}

struct mho_hw_sqe emu_update(struct emu_card *f, uint32_t array, uint32_t batch, float rate)
{
	struct mho_hw_sqe s = emu_mvm(f, array, batch);

	s.opcode = MHO_HW_OP_UPDATE;
	s.param[0] = emu_bits(rate);
	return s;
}

struct mho_hw_sqe emu_program(struct emu_card *f, uint32_t array)
{
	return (struct mho_hw_sqe){
		.opcode = MHO_HW_OP_PROGRAM,
		.array = mho_cpu_to_le32(array),
		.batch = mho_cpu_to_le32(1),
		.a_type = MHO_HW_TYPE_F32,
		.a = { .key = mho_cpu_to_le32(f->key) },
		.a_scale = emu_bits(1),
	};
}

struct mho_hw_sqe emu_read(struct emu_card *f, uint32_t array)
{
	return (struct mho_hw_sqe){
		.opcode = MHO_HW_OP_READ,
		.array = mho_cpu_to_le32(array),
		.batch = mho_cpu_to_le32(1),
		.b_type = MHO_HW_TYPE_F32,
		.b = { .key = mho_cpu_to_le32(f->key), .offset = mho_cpu_to_le64(EMU_B_AT) },
		.b_scale = emu_bits(1),
	};
}

struct mho_hw_sqe emu_pulse(struct emu_card *f, uint32_t array)
{
	struct mho_hw_sqe s = emu_program(f, array);

	s.opcode = MHO_HW_OP_PULSE;
	s.a_type = MHO_HW_TYPE_I8;
	return s;
}

struct mho_hw_sqe emu_transfer(uint32_t from, uint32_t to, float rate)
{
	return (struct mho_hw_sqe){
		.opcode = MHO_HW_OP_TRANSFER,
		.array = mho_cpu_to_le32(from),
		.a_scale = emu_bits(1),
		.param = { emu_bits(rate), mho_cpu_to_le32(to) },
	};
}

struct mho_hw_sqe emu_scrub(uint32_t array)
{
	return (struct mho_hw_sqe){ .opcode = MHO_HW_OP_SCRUB, .array = mho_cpu_to_le32(array) };
}

/* Weights at the start of the key's memory, written to the array. */
const float *emu_card_program(struct emu_card *f, uint32_t array, uint32_t rows, uint32_t cols)
{
	struct mho_hw_sqe s = emu_program(f, array);
	struct mho_hw_cqe c;
	float *w = emu_card_at(f, 0);
	uint32_t i;

	for (i = 0; i < rows * cols; i++)
		w[i] = 0.9f * emu_number(i + 1);
	assert_int_equal(emu_card_run(f, &s, &c), MHO_HW_ST_OK);
	assert_int_equal(c.result, 0);
	return w;
}
