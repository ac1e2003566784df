// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Facts about firmware-if/ that no static assertion in the headers can state:
 * the list of statuses, the register map as a whole, byte order, and the split of
 * arrays over tiles. The numbers in docs/hardware.md are checked by
 * contract_docs.sh; what the device does with all this is tested elsewhere.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "mho_hw.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct entry {
	const char *name;
	unsigned int value;
	const char *text;
};

static const struct entry statuses[] = {
#define STATUS_ENTRY(name, value, text) { #name, value, text },
	MHO_HW_STATUS_LIST(STATUS_ENTRY)
#undef STATUS_ENTRY
};

#define NAMED(name)               \
	{                         \
#name, name, NULL \
	}

static const struct entry registers[] = {
	NAMED(MHO_HW_REG_MAGIC),       NAMED(MHO_HW_REG_VERSION),
	NAMED(MHO_HW_REG_CAP_QUEUES),  NAMED(MHO_HW_REG_CAP_FEATURES),
	NAMED(MHO_HW_REG_CAP_VECTORS), NAMED(MHO_HW_REG_CAP_TIMEOUT),
	NAMED(MHO_HW_REG_SERIAL_LO),   NAMED(MHO_HW_REG_SERIAL_HI),
	NAMED(MHO_HW_REG_STATUS),      NAMED(MHO_HW_REG_CONTROL),
	NAMED(MHO_HW_REG_FAULT),       NAMED(MHO_HW_REG_FAULT_INFO),
	NAMED(MHO_HW_REG_FW_ADDR_LO),  NAMED(MHO_HW_REG_FW_ADDR_HI),
	NAMED(MHO_HW_REG_FW_SIZE),     NAMED(MHO_HW_REG_FW_VERSION),
	NAMED(MHO_HW_REG_ASQ_LO),      NAMED(MHO_HW_REG_ASQ_HI),
	NAMED(MHO_HW_REG_ACQ_LO),      NAMED(MHO_HW_REG_ACQ_HI),
	NAMED(MHO_HW_REG_AQ_ORDER),    NAMED(MHO_HW_REG_IRQ_CAUSE),
	NAMED(MHO_HW_REG_IRQ_MASK),    NAMED(MHO_HW_REG_TIME_LO),
	NAMED(MHO_HW_REG_TIME_HI),     NAMED(MHO_HW_REG_HEARTBEAT),
	NAMED(MHO_HW_REG_TEMPERATURE),
};

/* Register pairs that a host may access as one 64-bit word. */
static const struct {
	unsigned int lo;
	unsigned int hi;
} pairs[] = {
	{ MHO_HW_REG_SERIAL_LO, MHO_HW_REG_SERIAL_HI },
	{ MHO_HW_REG_FW_ADDR_LO, MHO_HW_REG_FW_ADDR_HI },
	{ MHO_HW_REG_ASQ_LO, MHO_HW_REG_ASQ_HI },
	{ MHO_HW_REG_ACQ_LO, MHO_HW_REG_ACQ_HI },
	{ MHO_HW_REG_TIME_LO, MHO_HW_REG_TIME_HI },
};

static void test_statuses_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(statuses[i].value, statuses[j].value);
			assert_string_not_equal(statuses[i].name, statuses[j].name);
			assert_string_not_equal(statuses[i].text, statuses[j].text);
		}
	}
}

static void test_status_texts_can_be_printed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		const char *text = statuses[i].text;
		size_t len = strlen(text);

		/* Messages put them after "error: " and before a remedy: a clause, no full stop. */
		assert_in_range(len, 3, 100);
		assert_true(text[0] >= 'a' && text[0] <= 'z');
		assert_true(text[len - 1] != '.' && text[len - 1] != ' ');
		for (size_t j = 0; j < len; j++)
			assert_in_range(text[j], 0x20, 0x7e);
	}
}

static void test_status_numbers_have_a_class(void **state)
{
	unsigned int class = 0;

	(void)state;
	assert_int_equal(MHO_HW_ST_OK, 0);
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		assert_in_range(statuses[i].value, 0, UINT16_MAX);
		/* The list is in order of classes, and nothing is numbered 0 but success. */
		assert_true(statuses[i].value >> 8 >= class);
		class = statuses[i].value >> 8;
		assert_true(i == 0 || (statuses[i].value & 0xff) != 0);
	}
	assert_int_equal(class, 6);
}

static void test_status_lookup(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		assert_string_equal(mho_hw_status_name(statuses[i].value), statuses[i].name);
		assert_string_equal(mho_hw_status_text(statuses[i].value), statuses[i].text);
	}
	assert_string_equal(mho_hw_status_name(0xffff), "UNKNOWN");
	assert_string_equal(mho_hw_status_name(0x10000), "UNKNOWN");
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		assert_string_not_equal(mho_hw_status_text(0xffff), statuses[i].text);
}

static void test_registers_do_not_overlap(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		assert_int_equal(registers[i].value % 4, 0);
		assert_in_range(registers[i].value, 0, MHO_HW_REG_LAST);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(registers[i].value, registers[j].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		assert_int_equal(pairs[i].lo % 8, 0);
		assert_int_equal(pairs[i].hi, pairs[i].lo + 4);
	}
}

static void test_bar0_holds_registers_and_msix(void **state)
{
	const unsigned int pba_bytes = (MHO_HW_VECTORS_MAX + 63) / 64 * 8;

	(void)state;
	assert_int_equal(MHO_HW_REGS_SIZE & (MHO_HW_REGS_SIZE - 1), 0);
	/* A page of its own, so that a process may map registers but never the table. */
	assert_int_equal(MHO_HW_MSIX_TABLE % 0x1000, 0);
	assert_int_equal(MHO_HW_MSIX_PBA % 0x1000, 0);
	assert_true(MHO_HW_REG_LAST + 4 <= MHO_HW_MSIX_TABLE);
	assert_true(MHO_HW_MSIX_TABLE + 16 * MHO_HW_VECTORS_MAX <= MHO_HW_MSIX_PBA);
	assert_true(MHO_HW_MSIX_PBA + pba_bytes <= MHO_HW_REGS_SIZE);
}

static void test_register_fields(void **state)
{
	const unsigned int requests[] = { MHO_HW_CONTROL_ENABLE, MHO_HW_CONTROL_BOOT,
					  MHO_HW_CONTROL_RESET, MHO_HW_CONTROL_SHUTDOWN };
	const unsigned int causes[] = { MHO_HW_IRQ_ADMIN, MHO_HW_IRQ_STATE, MHO_HW_IRQ_FAULT,
					MHO_HW_IRQ_LOG, MHO_HW_IRQ_THERMAL };
	unsigned int seen = 0;

	(void)state;
	assert_memory_equal(&(const uint32_t){ mho_cpu_to_le32(MHO_HW_MAGIC) }, "mho1", 4);
	assert_int_equal(MHO_HW_VERSION >> 16, MHO_HW_VERSION_MAJOR);
	assert_int_equal(MHO_HW_VERSION & 0xffff, MHO_HW_VERSION_MINOR);

	assert_int_equal(MHO_HW_CAP_QUEUES_IO_MASK & MHO_HW_CAP_QUEUES_ORDER_MASK, 0);
	assert_true(MHO_HW_QUEUES_MAX <= MHO_HW_CAP_QUEUES_IO_MASK);
	assert_true(MHO_HW_ORDER_MAX <= MHO_HW_CAP_QUEUES_ORDER_MASK >>
		    MHO_HW_CAP_QUEUES_ORDER_SHIFT);

	assert_true(MHO_HW_STATE_FAILED <= MHO_HW_STATUS_STATE_MASK);
	assert_int_equal(
		MHO_HW_STATUS_STATE_MASK & (MHO_HW_STATUS_FW_LOADED | MHO_HW_STATUS_RESTORED), 0);

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		assert_int_equal(seen & requests[i], 0);
		seen |= requests[i];
	}
	seen = 0;
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		assert_int_equal(seen & causes[i], 0);
		seen |= causes[i];
	}
	assert_int_equal(seen, MHO_HW_IRQ_ALL);
}

static void test_doorbells_have_pages_of_their_own(void **state)
{
	(void)state;
	for (unsigned int q = 0; q < MHO_HW_QUEUES_MAX; q++) {
		assert_int_equal(MHO_HW_DB_OFFSET(q, MHO_HW_DB_SQ_TAIL) % 0x1000,
				 MHO_HW_DB_SQ_TAIL);
		assert_true(MHO_HW_DB_OFFSET(q, MHO_HW_DB_CQ_HEAD) <
			    MHO_HW_DB_OFFSET(q + 1, MHO_HW_DB_SQ_TAIL));
	}
	assert_int_not_equal(MHO_HW_DB_SQ_TAIL, MHO_HW_DB_CQ_HEAD);
}

static void test_ring_entries_and_indices(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct mho_hw_sqe), MHO_HW_SQE_SIZE);
	assert_int_equal(sizeof(struct mho_hw_admin_sqe), MHO_HW_SQE_SIZE);
	assert_int_equal(sizeof(struct mho_hw_cqe), MHO_HW_CQE_SIZE);
	/* No entry crosses a page, so one page-list lookup reaches all of it. */
	assert_int_equal(MHO_HW_RING_ALIGN % MHO_HW_SQE_SIZE, 0);
	assert_int_equal(MHO_HW_RING_ALIGN % MHO_HW_CQE_SIZE, 0);
	/* Indices and command identifiers are 16 bits wide. */
	assert_true((1U << MHO_HW_ORDER_MAX) <= UINT16_MAX);
	/* A completion becomes valid with its last bytes: PCIe shows a write in address order. */
	assert_int_equal(offsetof(struct mho_hw_cqe, flags) + sizeof(mho_le16),
			 sizeof(struct mho_hw_cqe));
	/* opcode and cid lie alike in both kinds of command. */
	assert_int_equal(offsetof(struct mho_hw_sqe, opcode),
			 offsetof(struct mho_hw_admin_sqe, opcode));
	assert_int_equal(offsetof(struct mho_hw_sqe, cid), offsetof(struct mho_hw_admin_sqe, cid));
}

static void test_shadow_sides_do_not_share_a_line(void **state)
{
	(void)state;
	assert_true(offsetof(struct mho_hw_shadow, sq_tail) < 64);
	assert_true(offsetof(struct mho_hw_shadow, cq_head) < 64);
	assert_true(offsetof(struct mho_hw_shadow, cq_event) < 64);
	assert_true(offsetof(struct mho_hw_shadow, sq_event) >= 64);
	assert_int_equal(MHO_HW_SHADOW_ALIGN % 64, 0);
	assert_true(sizeof(struct mho_hw_shadow) <= MHO_HW_SHADOW_ALIGN);
}

static void test_command_in_memory_is_little_endian(void **state)
{
	struct mho_hw_sqe sqe = {
		.opcode = MHO_HW_OP_MVM,
		.cid = mho_cpu_to_le16(0x1234),
		.array = mho_cpu_to_le32(0x89abcdef),
		.a = { .offset = mho_cpu_to_le64(0x0102030405060708) },
	};
	const uint8_t *bytes = (const uint8_t *)&sqe;

	(void)state;
	assert_int_equal(bytes[0], MHO_HW_OP_MVM);
	assert_memory_equal(bytes + 2, "\x34\x12", 2);
	assert_memory_equal(bytes + 4, "\xef\xcd\xab\x89", 4);
	assert_memory_equal(bytes + 24, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
	assert_int_equal(mho_le16_to_cpu(sqe.cid), 0x1234);
	assert_int_equal(mho_le32_to_cpu(sqe.array), 0x89abcdef);
	assert_true(mho_le64_to_cpu(sqe.a.offset) == 0x0102030405060708);
}

static void test_zero_is_the_empty_command(void **state)
{
	(void)state;
	/* A cleared entry means nothing at all, whichever queue it lies in. */
	assert_int_equal(MHO_HW_OP_NOP, 0);
	assert_int_equal(MHO_HW_ADM_NOP, 0);
	assert_int_equal(MHO_HW_TYPE_NONE, 0);
	assert_int_equal(MHO_HW_CMD_FLAGS,
			 MHO_HW_CMD_FENCE | MHO_HW_CMD_A_WINDOW | MHO_HW_CMD_B_WINDOW);
	assert_int_equal(MHO_HW_READ_FLAGS, MHO_HW_READ_CONDUCTANCE | MHO_HW_READ_WEAR);
	assert_int_equal(MHO_HW_READ_CONDUCTANCE & MHO_HW_READ_WEAR, 0);
	assert_int_equal(MHO_HW_ACCESS_READ & MHO_HW_ACCESS_WRITE, 0);
}

static void check_split(unsigned int size, unsigned int block)
{
	unsigned int parts = mho_hw_split_parts(size, block);
	unsigned int largest = mho_hw_split_size(size, parts, 0);
	unsigned int next = 0;

	assert_true(parts >= 1);
	assert_true((uint64_t)parts * block >= size);
	assert_true((uint64_t)(parts - 1) * block < size);
	for (unsigned int i = 0; i < parts; i++) {
		unsigned int n = mho_hw_split_size(size, parts, i);

		assert_int_equal(mho_hw_split_start(size, parts, i), next);
		assert_true(n >= 1 && n <= block);
		assert_true(n == largest || n + 1 == largest);
		/* Larger parts first. */
		assert_true(i == 0 || n <= mho_hw_split_size(size, parts, i - 1));
		next += n;
	}
	assert_int_equal(next, size);
}

static void test_split_of_small_sizes(void **state)
{
	(void)state;
	for (unsigned int size = 1; size <= 300; size++) {
		for (unsigned int block = 1; block <= 300; block++)
			check_split(size, block);
	}
}

static void test_split_of_large_sizes(void **state)
{
	const unsigned int blocks[] = { 1, 7, 64, 255, 256, 257, 512, MHO_HW_TILE_DIM_MAX };

	(void)state;
	for (size_t b = 0; b < ARRAY_SIZE(blocks); b++) {
		for (unsigned int size = MHO_HW_ARRAY_DIM_MAX; size > 1; size /= 2) {
			check_split(size, blocks[b]);
			check_split(size - 1, blocks[b]);
			check_split(size / 2 + 1, blocks[b]);
		}
	}
}

static void test_split_is_balanced_not_greedy(void **state)
{
	(void)state;
	/* 257 on tiles of 256: two halves, not a full tile and a thin rest. */
	assert_int_equal(mho_hw_split_parts(257, 256), 2);
	assert_int_equal(mho_hw_split_size(257, 2, 0), 129);
	assert_int_equal(mho_hw_split_size(257, 2, 1), 128);
	assert_int_equal(mho_hw_split_start(257, 2, 1), 129);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses_are_unique),
		cmocka_unit_test(test_status_texts_can_be_printed),
		cmocka_unit_test(test_status_numbers_have_a_class),
		cmocka_unit_test(test_status_lookup),
		cmocka_unit_test(test_registers_do_not_overlap),
		cmocka_unit_test(test_bar0_holds_registers_and_msix),
		cmocka_unit_test(test_register_fields),
		cmocka_unit_test(test_doorbells_have_pages_of_their_own),
		cmocka_unit_test(test_ring_entries_and_indices),
		cmocka_unit_test(test_shadow_sides_do_not_share_a_line),
		cmocka_unit_test(test_command_in_memory_is_little_endian),
		cmocka_unit_test(test_zero_is_the_empty_command),
		cmocka_unit_test(test_split_of_small_sizes),
		cmocka_unit_test(test_split_of_large_sizes),
		cmocka_unit_test(test_split_is_balanced_not_greedy),
	};

	return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
