// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Faults inside the card, ordered by lines of the control protocol and seen through
 * vfio-user messages, as a guest's driver sees them. What they do in detail is
 * tested on the device itself, in test_emu_fault*.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "emulator/vfio_user_internal.h"
#include "vfio_client.h"
#include "scratch.h"

#define ORDER 4
#define SIZE (1U << ORDER)

/* A guest with context 1 and queue 1, which interrupts by vector 1. */
struct guest {
	struct vc_server *s;
	struct vc_client *c;
	uint64_t sq;
	uint64_t cq;
	uint32_t tail;
	uint32_t head;
};

static void make_queue(struct guest *g)
{
	struct mho_hw_admin_sqe context = { .opcode = MHO_HW_ADM_CONTEXT_CREATE,
					    .context = mho_cpu_to_le16(1) };
	struct mho_hw_admin_sqe queue = { .opcode = MHO_HW_ADM_QUEUE_CREATE,
					  .context = mho_cpu_to_le16(1),
					  .queue = mho_cpu_to_le16(1) };

	g->sq = vc_alloc(g->c, SIZE * MHO_HW_SQE_SIZE);
	g->cq = vc_alloc(g->c, SIZE * MHO_HW_CQE_SIZE);
	queue.queue_create.sq = mho_cpu_to_le64(g->sq);
	queue.queue_create.cq = mho_cpu_to_le64(g->cq);
	queue.queue_create.vector = mho_cpu_to_le16(1);
	queue.queue_create.order = ORDER;
	assert_int_equal(vc_admin(g->c, &context, NULL), MHO_HW_ST_OK);
	assert_int_equal(vc_admin(g->c, &queue, NULL), MHO_HW_ST_OK);
	g->tail = 0;
	g->head = 0;
}

static struct guest start(const char *state)
{
	struct guest g = { .s = vc_start(VFU_MSIX, state) };

	g.c = vc_open(g.s);
	vc_enable(g.c, VFIO_PCI_MSIX_IRQ_INDEX);
	vc_boot(g.c);
	make_queue(&g);
	return g;
}

static void stop(struct guest *g)
{
	static const char *const never[] = { "doorbells_bad", "dma_unmapped", "dma_forbidden",
					     "dma_no_fd", "messages_refused" };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_int_equal(vfu_counter(g->s->srv, never[i]), 0);
	vc_close(g->c);
	vc_stop(g->s);
}

static void order(struct guest *g, const char *fault)
{
	char line[64];

	snprintf(line, sizeof(line), "fault %s\n", fault);
	if (!vc_control_ok(g->s, line))
		fail_msg("\"%s\" was refused", fault);
}

static uint64_t counted(struct guest *g, const char *name)
{
	struct json_object *o, *counters, *value;
	char answer[4096];
	uint64_t n;

	vc_control(g->s, "counters\n", answer, sizeof(answer));
	o = json_tokener_parse(answer);
	assert_true(json_object_object_get_ex(o, "counters", &counters));
	assert_true(json_object_object_get_ex(counters, name, &value));
	n = json_object_get_uint64(value);
	json_object_put(o);
	return n;
}

static void submit(struct guest *g, unsigned int cid)
{
	struct mho_hw_sqe *ring = vc_ptr(g->c, g->sq);

	ring[g->tail++ % SIZE] =
		(struct mho_hw_sqe){ .opcode = MHO_HW_OP_NOP, .cid = mho_cpu_to_le16(cid) };
	vc_write(g->c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_OFFSET(1, MHO_HW_DB_SQ_TAIL), g->tail % SIZE,
		 4);
}

/* Waits for the interrupt of the next completion, as a driver does. Return: whether it is there. */
static bool reap(struct guest *g, struct mho_hw_cqe *cqe, int ms)
{
	const struct mho_hw_cqe *ring = vc_ptr(g->c, g->cq);
	const struct mho_hw_cqe *next = &ring[g->head % SIZE];

	do {
		uint16_t flags = mho_le16_to_cpu(__atomic_load_n(&next->flags, __ATOMIC_ACQUIRE));

		if ((flags & MHO_HW_CQE_PHASE) == !(g->head / SIZE % 2)) {
			*cqe = *next;
			g->head++;
			vc_write(g->c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_OFFSET(1, MHO_HW_DB_CQ_HEAD),
				 g->head % SIZE, 4);
			return true;
		}
	} while (vc_irq(g->c, 1, ms));
	return false;
}

static unsigned int expect(struct guest *g, unsigned int cid)
{
	struct mho_hw_cqe c;

	assert_true(reap(g, &c, 10000));
	assert_int_equal(mho_le16_to_cpu(c.cid), cid);
	return mho_le16_to_cpu(c.status);
}

static void expect_nothing(struct guest *g)
{
	struct mho_hw_cqe c;

	assert_false(reap(g, &c, 30));
}

static void reset(struct guest *g)
{
	vc_write(g->c, MHO_HW_BAR_REGS, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET, 4);
}

/* Memory stays mapped and interrupts stay with the client; the command register does not. */
static void function_reset(struct guest *g)
{
	const unsigned int command = 4, memory_and_master = 6;
	struct vc_reply r;

	assert_int_equal(vc_call(g->c, VFU_DEVICE_RESET, NULL, 0, &r), 0);
	vc_write(g->c, VFIO_PCI_CONFIG_REGION_INDEX, command, memory_and_master, 2);
}

/* Booted anew, the card works. */
static void assert_works(struct guest *g)
{
	vc_boot(g->c);
	make_queue(g);
	submit(g, 1);
	assert_int_equal(expect(g, 1), MHO_HW_ST_OK);
}

static void test_commands(void **state)
{
	struct guest g = start(NULL);
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_QUEUE_RESET,
				      .queue = mho_cpu_to_le16(1) };
	struct mho_hw_cqe c;

	(void)state;
	order(&g, "hang 1 2");
	submit(&g, 1);
	submit(&g, 2);
	submit(&g, 3);
	assert_int_equal(expect(&g, 3), MHO_HW_ST_OK);
	assert_int_equal(vc_admin(g.c, &s, &c), MHO_HW_ST_OK);
	assert_int_equal(mho_le32_to_cpu(c.result), 2);
	memset(vc_ptr(g.c, g.cq), 0, SIZE * MHO_HW_CQE_SIZE);
	vc_irq(g.c, 1, 0);
	g.tail = 0;
	g.head = 0;
	order(&g, "cmd-error DMA_FAULT");
	submit(&g, 4);
	assert_int_equal(expect(&g, 4), MHO_HW_ST_DMA_FAULT);
	order(&g, "cmd-delay 30");
	submit(&g, 5);
	assert_int_equal(expect(&g, 5), MHO_HW_ST_OK);
	assert_int_equal(counted(&g, "fault_hang"), 2);
	assert_int_equal(counted(&g, "fault_cmd_error"), 1);
	assert_int_equal(counted(&g, "fault_cmd_delay"), 1);
	stop(&g);
}

static void test_completions(void **state)
{
	struct guest g = start(NULL);
	struct mho_hw_cqe c;

	(void)state;
	order(&g, "cqe-lose");
	submit(&g, 1);
	expect_nothing(&g);
	order(&g, "cqe-duplicate");
	submit(&g, 2);
	assert_int_equal(expect(&g, 2) | expect(&g, 2), MHO_HW_ST_OK);
	order(&g, "cqe-bad-cid");
	submit(&g, 3);
	assert_int_equal(expect(&g, 0xffff) | expect(&g, 3), MHO_HW_ST_OK);
	order(&g, "cqe-garbage");
	submit(&g, 4);
	assert_true(reap(&g, &c, 10000));
	assert_int_equal(mho_le16_to_cpu(c.cid), 4);
	assert_int_equal(mho_le16_to_cpu(c.status), 0xbad5);
	stop(&g);
}

/* Faults that nothing but a reset ends; each kind of reset that helps is used. */
static void test_resets(void **state)
{
	struct guest g = start(NULL);
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_QUEUE_RESET,
				      .queue = mho_cpu_to_le16(1) };
	struct mho_hw_cqe c;

	(void)state;
	order(&g, "hang-hard");
	submit(&g, 1);
	expect_nothing(&g);
	vc_put(g.c, &s);
	vc_write(g.c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_SQ_TAIL, g.c->tail, 4);
	assert_false(vc_take(g.c, &c, 30));
	function_reset(&g);
	assert_works(&g);
	order(&g, "admin-hang");
	vc_put(g.c, &s);
	vc_write(g.c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_SQ_TAIL, g.c->tail, 4);
	assert_false(vc_take(g.c, &c, 30));
	order(&g, "reset-hang");
	reset(&g);
	while (!counted(&g, "fault_reset_hang"))
		usleep(1000);
	assert_int_equal(vc_state(g.c), MHO_HW_STATE_RESET);
	function_reset(&g);
	assert_int_equal(vc_state(g.c), MHO_HW_STATE_WAIT_FW);
	order(&g, "boot-hang");
	vc_write(g.c, MHO_HW_BAR_REGS, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT, 4);
	while (!counted(&g, "fault_boot_hang"))
		usleep(1000);
	assert_int_equal(vc_state(g.c), MHO_HW_STATE_VERIFY);
	reset(&g);
	assert_true(vc_wait_state(g.c, MHO_HW_STATE_WAIT_FW));
	order(&g, "fw-refuse");
	vc_write(g.c, MHO_HW_BAR_REGS, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT, 4);
	assert_true(vc_wait_state(g.c, MHO_HW_STATE_WAIT_FW));
	assert_int_equal(vc_reg(g.c, MHO_HW_REG_FAULT), MHO_HW_ST_FW_BAD_HASH);
	assert_works(&g);
	stop(&g);
}

/* The card stops, and says so by interrupt; a doorbell that comes too late is no fault. */
static void test_stops(void **state)
{
	static const struct {
		const char *fault;
		unsigned int status;
	} stops[] = { { "crash", MHO_HW_ST_INTERNAL }, { "thermal-trip", MHO_HW_ST_THERMAL_TRIP } };
	struct guest g = start(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		vc_write(g.c, MHO_HW_BAR_REGS, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL, 4);
		vc_write(g.c, MHO_HW_BAR_REGS, MHO_HW_REG_IRQ_MASK, 0, 4);
		vc_irq(g.c, 0, 0);
		order(&g, stops[i].fault);
		assert_true(vc_irq(g.c, 0, 10000) > 0);
		assert_int_equal(vc_state(g.c), MHO_HW_STATE_FAILED);
		assert_int_equal(vc_reg(g.c, MHO_HW_REG_FAULT), stops[i].status);
		submit(&g, 1);
		expect_nothing(&g);
		assert_false(vc_control_ok(g.s, "fault crash\n"));
		reset(&g);
		assert_true(vc_wait_state(g.c, MHO_HW_STATE_BOOTED));
	}
	vc_write(g.c, MHO_HW_BAR_REGS, MHO_HW_REG_IRQ_MASK, ~MHO_HW_IRQ_THERMAL, 4);
	vc_irq(g.c, 0, 0);
	order(&g, "thermal-warn");
	assert_true(vc_irq(g.c, 0, 10000) > 0);
	assert_true(vc_reg(g.c, MHO_HW_REG_TEMPERATURE) >= 85000);
	stop(&g);
}

/* What is armed for probing is there for the next driver, too, until it is cleared. */
static void test_probe(void **state)
{
	struct guest g = start(NULL);

	(void)state;
	order(&g, "bad-id");
	order(&g, "bad-version");
	order(&g, "no-vectors");
	submit(&g, 1); /* the queue is there all the same */
	assert_int_equal(expect(&g, 1), MHO_HW_ST_OK);
	vc_close(g.c);
	g.c = vc_open(g.s);
	vc_enable(g.c, VFIO_PCI_MSIX_IRQ_INDEX);
	assert_int_not_equal(vc_reg(g.c, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	assert_int_equal(vc_reg(g.c, MHO_HW_REG_VERSION) >> 16, MHO_HW_VERSION_MAJOR + 1);
	assert_int_equal(vc_reg(g.c, MHO_HW_REG_CAP_VECTORS), 0);
	assert_int_equal(vc_reg(g.c, MHO_HW_REG_CAP_QUEUES) & MHO_HW_CAP_QUEUES_IO_MASK, 0);
	assert_true(vc_control_ok(g.s, "clear\n"));
	assert_int_equal(vc_reg(g.c, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	assert_works(&g);
	stop(&g);
}

/* The client goes, or the server stops and saves, while everything hangs. */
static void test_gone(void **state)
{
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_NOP };
	char path[256];
	struct guest g;

	(void)state;
	scratch_path(path, sizeof(path), "fault-gone");
	g = start(path);
	for (unsigned int i = 0; i < 2; i++) {
		order(&g, "hang-hard");
		order(&g, "hang 1");
		order(&g, "cmd-delay 60000 2");
		for (unsigned int k = 0; k < 4; k++)
			submit(&g, k);
		order(&g, "admin-hang");
		vc_put(g.c, &s);
		vc_write(g.c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_SQ_TAIL, g.c->tail, 4);
		while (counted(&g, "fault_admin_hang") == i ||
		       counted(&g, "fault_cmd_delay") < 2 * (i + 1))
			usleep(1000);
		if (i)
			break;
		vc_close(g.c);
		g.c = vc_open(g.s);
		vc_enable(g.c, VFIO_PCI_MSIX_IRQ_INDEX);
		assert_int_equal(vc_state(g.c), MHO_HW_STATE_WAIT_FW);
		assert_works(&g);
	}
	vc_stop(g.s);
	vc_close(g.c);
	assert_int_equal(access(path, R_OK), 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands), cmocka_unit_test(test_completions),
		cmocka_unit_test(test_resets),	 cmocka_unit_test(test_stops),
		cmocka_unit_test(test_probe),	 cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
