// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The emulated device at its limits: cells that wear out, heat, tiles that have
 * failed, a card without a window. The topologies are changed copies of "small".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "core/blob.h"
#include "emu_host.h"

#define TREE_SIZE 65536

static void *small(void)
{
	const struct mho_blob *b = mho_blob_find("topology/small");
	void *tree = malloc(TREE_SIZE);

	assert_non_null(tree);
	assert_int_equal(fdt_open_into(b->data, tree, TREE_SIZE), 0);
	return tree;
}

static void put(void *tree, const char *path, const char *name, uint32_t value)
{
	int node = fdt_path_offset(tree, path);

	assert_true(node >= 0);
	assert_int_equal(fdt_setprop_u32(tree, node, name, value), 0);
}

static struct emu_host *start(void *tree)
{
	assert_int_equal(fdt_pack(tree), 0);
	return emu_host_start(&(struct emu_host_opts){
		.dtb = tree, .dtb_len = fdt_totalsize(tree), .seed = 1, .threads = 2 });
}

static struct mho_hw_sqe pulses(uint32_t array, uint32_t key)
{
	return (struct mho_hw_sqe){ .opcode = MHO_HW_OP_PULSE,
				    .array = mho_cpu_to_le32(array),
				    .batch = mho_cpu_to_le32(1),
				    .a_type = MHO_HW_TYPE_I8,
				    .a = { .key = mho_cpu_to_le32(key) },
				    .a_scale = emu_bits(1) };
}

static void test_worn_out(void **state)
{
	void *tree = small();
	struct emu_host *h;
	struct emu_queue *q;
	struct mho_hw_sqe s, r;
	uint32_t array, other, key;
	struct mho_hw_cqe c;
	uint64_t mem;
	unsigned int i;

	(void)state;
	put(tree, "/technologies/protonic-ns", MHO_HW_TECH_ENDURANCE, 100);
	h = start(tree);
	q = emu_queue_open(h, 1, NULL);
	mem = emu_host_alloc(h, 65536);
	key = emu_host_key(h, 1, mem, 65536, 3);
	array = emu_host_array(h, 1, 4, 4);
	other = emu_host_array(h, 1, 4, 4);
	((int8_t *)emu_host_ptr(h, mem))[5] = 30;
	s = pulses(array, key);
	for (i = 0; i < 4; i++) /* 30, 60, 90, 120 */
		assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_queue_run(q, &s, &c), MHO_HW_ST_WORN_OUT);
	assert_int_equal(mho_le32_to_cpu(c.detail), 4);
	/* Reading goes on, other arrays are not touched. */
	r = (struct mho_hw_sqe){ .opcode = MHO_HW_OP_READ,
				 .array = mho_cpu_to_le32(array),
				 .batch = mho_cpu_to_le32(1),
				 .b_type = MHO_HW_TYPE_F32,
				 .modifier = mho_cpu_to_le16(MHO_HW_READ_WEAR),
				 .b = { .key = mho_cpu_to_le32(key) },
				 .b_scale = emu_bits(1) };
	assert_int_equal(emu_queue_run(q, &r, NULL), MHO_HW_ST_OK);
	assert_true(((float *)emu_host_ptr(h, mem))[5] == 120);
	s.array = mho_cpu_to_le32(other);
	memset(emu_host_ptr(h, mem), 1, 64);
	assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	s = (struct mho_hw_sqe){ .opcode = MHO_HW_OP_TRANSFER,
				 .array = mho_cpu_to_le32(other),
				 .a_scale = emu_bits(1),
				 .param = { emu_bits(0.1f), mho_cpu_to_le32(array) } };
	assert_int_equal(emu_queue_run(q, &s, &c), MHO_HW_ST_WORN_OUT);
	assert_int_equal(mho_le32_to_cpu(c.detail), 60);
	/* Nobody gets the tile again: of four there are two left, with the other array's. */
	assert_int_equal(
		emu_host_admin(h,
			       &(struct mho_hw_admin_sqe){ .opcode = MHO_HW_ADM_ARRAY_DESTROY,
							   .context = mho_cpu_to_le16(1),
							   .id = mho_cpu_to_le32(array) },
			       NULL),
		MHO_HW_ST_OK);
	assert_int_equal(emu_host_array(h, 1, 48, 4), 0);
	assert_int_not_equal(emu_host_array(h, 1, 32, 4), 0);
	emu_queue_free(q);
	emu_host_free(h);
	free(tree);
}

static void test_heat(void **state)
{
	void *tree = small();
	struct emu_host *h;
	struct emu_queue *q;
	struct mho_hw_sqe s;
	struct mho_hw_cqe c;
	uint32_t array, key;
	uint64_t mem;
	unsigned int i;
	float *x;

	(void)state;
	put(tree, "/thermal", MHO_HW_TOPO_RESISTANCE, 1000000);
	put(tree, "/thermal", MHO_HW_TOPO_WARN, 25001);
	put(tree, "/thermal", MHO_HW_TOPO_TRIP, 25002);
	h = start(tree);
	q = emu_queue_open(h, 1, NULL);
	mem = emu_host_alloc(h, 65536);
	key = emu_host_key(h, 1, mem, 65536, 3);
	array = emu_host_array(h, 1, 16, 16);
	x = emu_host_ptr(h, mem);
	for (i = 0; i < 16384; i++)
		x[i] = 1;
	s = (struct mho_hw_sqe){ .opcode = MHO_HW_OP_UPDATE,
				 .array = mho_cpu_to_le32(array),
				 .batch = mho_cpu_to_le32(256),
				 .a_type = MHO_HW_TYPE_F32,
				 .b_type = MHO_HW_TYPE_F32,
				 .a = { .key = mho_cpu_to_le32(key) },
				 .b = { .key = mho_cpu_to_le32(key) },
				 .a_scale = emu_bits(1),
				 .b_scale = emu_bits(1),
				 .param = { emu_bits(1) } };
	for (i = 0; i < 20000 && emu_host_state(h) == MHO_HW_STATE_READY; i++) {
		emu_queue_put(q, &s);
		emu_queue_ring(q);
		if (!emu_queue_wait(q, &c, 2000))
			break;
	}
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_FAILED));
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FAULT), MHO_HW_ST_THERMAL_TRIP);
	assert_true((int32_t)emu_host_reg(h, MHO_HW_REG_TEMPERATURE) >= 25002);
	assert_true(emu_host_reg(h, MHO_HW_REG_IRQ_CAUSE) & MHO_HW_IRQ_THERMAL);
	/* It cools down, and a reset helps. */
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET);
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_BOOTED));
	emu_host_enable(h, 3);
	assert_int_equal(emu_host_context(h, 1), MHO_HW_ST_OK);
	emu_queue_free(q);
	emu_host_free(h);
	free(tree);
}

static void test_failed_tiles(void **state)
{
	void *tree = small();
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_TELEMETRY };
	const struct mho_hw_telemetry *t;
	struct emu_host *h;
	int node = fdt_path_offset(tree, "/tiles@0");

	(void)state;
	assert_true(node >= 0);
	assert_int_equal(fdt_setprop_string(tree, node, MHO_HW_TOPO_STATUS, "failed"), 0);
	h = start(tree);
	assert_int_equal(emu_host_array(h, 1, 4, 4), 0);
	s.data = mho_cpu_to_le64(h->data);
	s.length = mho_cpu_to_le32(256);
	assert_int_equal(emu_host_admin(h, &s, NULL), MHO_HW_ST_OK);
	t = emu_host_ptr(h, h->data);
	assert_int_equal(t->tiles_failed, 4);
	assert_int_equal(t->tiles_free, 0);
	s.scope = MHO_HW_SCOPE_TILE;
	s.id = mho_cpu_to_le32(2);
	assert_int_equal(emu_host_admin(h, &s, NULL), MHO_HW_ST_OK);
	assert_int_equal(((const struct mho_hw_tile_telemetry *)t)->state, MHO_HW_TILE_FAILED);
	emu_host_free(h);
	free(tree);
}

static void test_no_window(void **state)
{
	void *tree = small();
	struct emu_host *h;
	struct emu_queue *q;
	struct mho_hw_sqe s;
	uint64_t mem;
	uint32_t key;

	(void)state;
	put(tree, "/limits", MHO_HW_TOPO_WINDOW_SRAM, 0);
	h = start(tree);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_CAP_FEATURES) & MHO_HW_CAP_WINDOW, 0);
	assert_int_equal(mho_emu_bar_size(h->emu, MHO_HW_BAR_WINDOW), 0);
	assert_null(mho_emu_window(h->emu, NULL));
	assert_true(mho_emu_read(h->emu, MHO_HW_BAR_WINDOW, 0, 4) == ~0ULL);
	mho_emu_write(h->emu, MHO_HW_BAR_WINDOW, 0, 1, 4);
	q = emu_queue_open(h, 1, NULL);
	mem = emu_host_alloc(h, 4096);
	key = emu_host_key(h, 1, mem, 4096, 3);
	s = (struct mho_hw_sqe){ .opcode = MHO_HW_OP_MVM,
				 .flags = MHO_HW_CMD_A_WINDOW,
				 .array = mho_cpu_to_le32(emu_host_array(h, 1, 4, 4)),
				 .batch = mho_cpu_to_le32(1),
				 .a_type = MHO_HW_TYPE_F32,
				 .b_type = MHO_HW_TYPE_F32,
				 .b = { .key = mho_cpu_to_le32(key) },
				 .a_scale = emu_bits(1),
				 .b_scale = emu_bits(1) };
	assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_UNSUPPORTED);
	emu_queue_free(q);
	emu_host_free(h);
	free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worn_out),
		cmocka_unit_test(test_heat),
		cmocka_unit_test(test_failed_tiles),
		cmocka_unit_test(test_no_window),
	};

	return cmocka_run_group_tests_name("emulated device: limits", tests, NULL, NULL);
}
