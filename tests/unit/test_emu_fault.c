// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Faults on demand, of I/O commands and their completions: commands that hang, are
 * slow or fail, completions that are lost, doubled or wrong; and that resets end
 * what does not end by itself. Faults of the device as a whole are in
 * test_emu_fault_device.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "emu_card.h"
#include "emu_fault.h"

/* Long enough that what must not come would have come; no test fails because it is too short. */
#define QUIET_MS 30

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void submit(struct emu_queue *q, struct mho_hw_sqe s, unsigned int cid)
{
	s.cid = mho_cpu_to_le16(cid);
	emu_queue_put(q, &s);
	emu_queue_ring(q);
}

static const struct mho_hw_sqe nop = { .opcode = MHO_HW_OP_NOP };
static const struct mho_hw_sqe barrier = { .opcode = MHO_HW_OP_BARRIER };

/* The next completion is of @cid. Return: its status. */
static unsigned int expect(struct emu_queue *q, unsigned int cid)
{
	struct mho_hw_cqe c;

	if (!emu_queue_wait(q, &c, 10000))
		fail_msg("command %u does not complete", cid);
	assert_int_equal(mho_le16_to_cpu(c.cid), cid);
	return mho_le16_to_cpu(c.status);
}

static void expect_nothing(struct emu_queue *q)
{
	struct mho_hw_cqe c;

	assert_false(emu_queue_wait(q, &c, QUIET_MS));
}

static unsigned int admin_queue(struct emu_host *h, unsigned int opcode, unsigned int number,
				struct mho_hw_cqe *c)
{
	struct mho_hw_admin_sqe s = { .opcode = opcode, .queue = mho_cpu_to_le16(number) };

	return emu_host_admin(h, &s, c);
}

/* QUEUE_RESET as a driver does it. Return: commands that were aborted. */
static unsigned int reset_queue(struct emu_queue *q)
{
	struct mho_hw_cqe c;

	assert_int_equal(admin_queue(q->host, MHO_HW_ADM_QUEUE_RESET, q->number, &c), MHO_HW_ST_OK);
	return mho_le32_to_cpu(c.result);
}

/* @n completions of aborted commands are there. Nothing is published: the device has begun anew. */
static void expect_aborted(struct emu_queue *q, unsigned int n)
{
	struct mho_hw_cqe c;

	while (n--) {
		assert_true(emu_queue_take(q, &c));
		assert_int_equal(mho_le16_to_cpu(c.status), MHO_HW_ST_ABORTED);
	}
	assert_false(emu_queue_take(q, &c));
}

static unsigned int depth(struct emu_queue *q)
{
	const struct mho_hw_queue_telemetry *t = emu_host_ptr(q->host, q->host->data);
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_TELEMETRY,
				      .scope = MHO_HW_SCOPE_QUEUE,
				      .queue = mho_cpu_to_le16(q->number),
				      .length = mho_cpu_to_le32(sizeof(*t)),
				      .data = mho_cpu_to_le64(q->host->data) };

	assert_int_equal(emu_host_admin(q->host, &s, NULL), MHO_HW_ST_OK);
	return mho_le32_to_cpu(t->depth);
}

static struct emu_card open_card(void)
{
	return emu_card_open(&(struct emu_host_opts){ .seed = 3, .threads = 2 });
}

static void test_orders(void **state)
{
	static const char *const bad[] = {
		"hang x",	   "hang -1",
		"hang 1 2 3",	   "hang 5",
		"hang-hard 1 1",   "cqe-lose 1 1",
		"cqe-lose 1x",	   "cmd-delay",
		"cmd-delay 60001", "cmd-error",
		"cmd-error OK",	   "cmd-error 0",
		"cmd-error NO",	   "cmd-error 0x10000",
		"crash 1",	   "bad-id maybe",
		"thermal-warn 0",  "hang 99999999999999999999",
		"cqe-lose ''",	   "rest",
		"rest 3155760001",
	};
	struct emu_card f = open_card();
	struct mho_emu_fault_info info;
	unsigned int n = 0;

	(void)state;
	assert_int_equal(emu_fault(f.host, "nonsense"), -ENOENT);
	assert_int_equal(emu_fault(f.host, ""), -ENOENT);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (emu_fault(f.host, bad[i]) != -EINVAL)
			fail_msg("\"%s\" was not refused", bad[i]);
	}
	while (mho_emu_fault_info(f.host->emu, n, &info)) {
		assert_int_equal(info.armed, 0);
		assert_int_equal(info.taken, 0);
		assert_int_equal(strncmp(info.usage, info.name, strlen(info.name)), 0);
		n++;
	}
	assert_true(n >= 18);
	assert_int_equal(emu_fault(f.host, "hang 1 3"), 0);
	assert_int_equal(emu_fault(f.host, "hang 2"), 0);
	assert_int_equal(emu_fault(f.host, "bad-id"), 0);
	assert_int_equal(emu_fault_armed(f.host, "hang"), 4);
	assert_int_equal(emu_fault(f.host, "hang 1 0"), 0);
	assert_int_equal(emu_fault_armed(f.host, "hang"), 1);
	assert_int_equal(emu_fault_armed(f.host, "bad-id"), 1);
	mho_emu_fault_clear(f.host->emu);
	assert_int_equal(emu_fault_armed(f.host, "hang"), 0);
	assert_int_equal(emu_fault_armed(f.host, "bad-id"), 0);
	assert_int_equal(emu_card_run(&f, &(struct mho_hw_sqe){ 0 }, NULL), MHO_HW_ST_OK);
	emu_card_close(&f);
}

/* A command that hangs keeps what it has, hinders nobody else, and goes with QUEUE_RESET. */
static void test_hang(void **state)
{
	struct emu_card f = open_card();
	struct emu_queue *q = f.queue, *other = emu_queue_open(f.host, 2, NULL);
	uint32_t a = emu_host_array(f.host, 1, 8, 8), b = emu_host_array(f.host, 1, 8, 8);
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_MEMORY_UNREGISTER,
				      .context = mho_cpu_to_le16(1),
				      .id = mho_cpu_to_le32(f.key) };

	(void)state;
	assert_int_equal(emu_fault(f.host, "hang 1"), 0);
	submit(other, nop, 1);
	assert_int_equal(expect(other, 1), MHO_HW_ST_OK);
	submit(q, emu_mvm(&f, a, 1), 1);
	submit(q, emu_mvm(&f, a, 1), 2); /* behind it in the array's line */
	submit(q, emu_mvm(&f, b, 1), 3);
	submit(q, nop, 4);
	assert_int_equal(emu_fault_taken(f.host, "hang") <= 1, 1);
	for (unsigned int seen = 0; seen != (1U << 3 | 1U << 4);) {
		struct mho_hw_cqe c;

		assert_true(emu_queue_wait(q, &c, 10000));
		assert_int_equal(c.status, MHO_HW_ST_OK);
		seen |= 1U << mho_le16_to_cpu(c.cid);
	}
	expect_nothing(q);
	assert_int_equal(depth(q), 2);
	assert_int_equal(emu_fault_taken(f.host, "hang"), 1);
	assert_int_equal(emu_host_admin(f.host, &s, NULL), MHO_HW_ST_BUSY);
	submit(other, emu_mvm(&f, b, 1), 2);
	assert_int_equal(expect(other, 2), MHO_HW_ST_OK);
	assert_int_equal(reset_queue(q), 2);
	expect_aborted(q, 2);
	emu_queue_rewind(q);
	submit(q, emu_mvm(&f, a, 1), 1);
	assert_int_equal(expect(q, 1), MHO_HW_ST_OK);
	emu_queue_free(other);
	emu_card_close(&f);
}

/* More than the device looks ahead, and more than can hang: other queues go on. */
static void test_hang_many(void **state)
{
	struct emu_card f =
		emu_card_open(&(struct emu_host_opts){ .topology = "mixed", .seed = 3 });
	struct emu_queue *q[2];
	struct mho_hw_cqe c;
	unsigned int n = 0;

	(void)state;
	assert_int_equal(emu_fault(f.host, "hang 2 1000"), 0);
	assert_int_equal(emu_fault(f.host, "hang 3 1000"), 0);
	for (unsigned int k = 0; k < 2; k++) {
		q[k] = emu_queue_open(f.host, 2 + k, &(struct emu_queue_opts){ .order = 8 });
		for (unsigned int i = 0; i < 150; i++)
			submit(q[k], nop, i);
	}
	for (unsigned int i = 0; i < 100; i++) {
		submit(f.queue, nop, i);
		assert_int_equal(expect(f.queue, i), MHO_HW_ST_OK);
	}
	for (unsigned int i = 0; i < 10000 && n < 300 - 256; i++)
		n += emu_queue_wait(q[0], &c, 1) + emu_queue_wait(q[1], &c, 1);
	assert_int_equal(n, 300 - 256);
	expect_nothing(q[0]);
	expect_nothing(q[1]);
	assert_int_equal(reset_queue(q[0]) + reset_queue(q[1]), 256);
	mho_emu_fault_clear(f.host->emu);
	for (unsigned int k = 0; k < 2; k++) {
		emu_queue_rewind(q[k]);
		submit(q[k], nop, 1);
		assert_int_equal(expect(q[k], 1), MHO_HW_ST_OK);
		emu_queue_free(q[k]);
	}
	emu_card_close(&f);
}

/* What a barrier or fence waits for, and what waits for them. */
static void test_hang_order(void **state)
{
	struct emu_card f = open_card();
	struct mho_hw_sqe fence = nop;

	(void)state;
	fence.flags = MHO_HW_CMD_FENCE;
	assert_int_equal(emu_fault(f.host, "hang"), 0);
	submit(f.queue, barrier, 1);
	submit(f.queue, nop, 2);
	expect_nothing(f.queue);
	assert_int_equal(reset_queue(f.queue), 2);
	emu_queue_rewind(f.queue);
	assert_int_equal(emu_fault(f.host, "hang 0"), 0);
	submit(f.queue, nop, 1);
	submit(f.queue, fence, 2);
	submit(f.queue, nop, 3);
	expect_nothing(f.queue);
	assert_int_equal(reset_queue(f.queue), 3);
	emu_queue_rewind(f.queue);
	assert_int_equal(emu_fault(f.host, "cmd-delay 20"), 0);
	submit(f.queue, barrier, 1);
	submit(f.queue, nop, 2);
	assert_int_equal(expect(f.queue, 1), MHO_HW_ST_OK);
	assert_int_equal(expect(f.queue, 2), MHO_HW_ST_OK);
	emu_card_close(&f);
}

/* The queue cannot be reset, deleted, nor taken with its context; all else works. */
static void test_hang_hard(void **state)
{
	static const unsigned int ops[] = { MHO_HW_ADM_QUEUE_RESET, MHO_HW_ADM_QUEUE_DELETE,
					    MHO_HW_ADM_CONTEXT_DESTROY };
	bool flr;

	(void)state;
	for (flr = false;; flr = true) {
		struct emu_card f = open_card();
		struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_NOP };

		assert_int_equal(emu_fault(f.host, "hang-hard 1"), 0);
		submit(f.queue, nop, 1);
		expect_nothing(f.queue);
		for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
			struct mho_hw_admin_sqe no_answer = { .opcode = ops[i] };

			if (ops[i] == MHO_HW_ADM_CONTEXT_DESTROY)
				no_answer.context = mho_cpu_to_le16(1);
			else
				no_answer.queue = mho_cpu_to_le16(1);
			emu_host_admin_submit(f.host, &no_answer);
		}
		/* The answer that comes is this one's. */
		assert_int_equal(emu_host_admin(f.host, &s, NULL), MHO_HW_ST_OK);
		assert_int_equal(depth(f.queue), 1);
		if (flr) {
			mho_emu_reset(f.host->emu);
			assert_int_equal(emu_host_load(f.host, NULL, 0), MHO_HW_STATE_BOOTED);
		} else {
			emu_host_set(f.host, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET);
			assert_true(emu_host_wait_state(f.host, MHO_HW_STATE_BOOTED));
		}
		emu_host_enable(f.host, 4);
		assert_int_equal(emu_host_context(f.host, 1), MHO_HW_ST_OK);
		emu_queue_rewind(f.queue);
		assert_int_equal(emu_queue_try(f.queue, &(struct emu_queue_opts){ 0 }),
				 MHO_HW_ST_OK);
		submit(f.queue, nop, 2);
		assert_int_equal(expect(f.queue, 2), MHO_HW_ST_OK);
		assert_int_equal(admin_queue(f.host, MHO_HW_ADM_QUEUE_DELETE, 1, NULL),
				 MHO_HW_ST_OK);
		emu_card_close(&f);
		if (flr)
			break;
	}
}

static void test_admin_hang(void **state)
{
	struct emu_host *h = emu_host_start(&(struct emu_host_opts){ .threads = 1 });
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_NOP };

	(void)state;
	assert_int_equal(emu_fault(h, "admin-hang 2"), 0);
	emu_host_admin_submit(h, &s);
	emu_host_admin_submit(h, &s);
	assert_int_equal(emu_host_admin(h, &s, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_fault_taken(h, "admin-hang"), 2);
	emu_host_free(h);
}

static void test_completions(void **state)
{
	struct emu_card f = open_card();
	struct emu_queue *q;
	struct mho_hw_cqe c;

	(void)state;
	for (unsigned int shadow = 0; shadow < 2; shadow++) {
		q = emu_queue_open(f.host, 2 + shadow,
				   &(struct emu_queue_opts){ .shadow = shadow });
		assert_int_equal(emu_fault(f.host, "cqe-lose"), 0);
		submit(q, nop, 1);
		submit(q, nop, 2);
		assert_int_equal(expect(q, 2), MHO_HW_ST_OK);
		assert_int_equal(depth(q), 0); /* it has had its effect */
		assert_int_equal(emu_fault(f.host, "cqe-duplicate"), 0);
		submit(q, nop, 3);
		assert_int_equal(expect(q, 3), MHO_HW_ST_OK);
		assert_int_equal(expect(q, 3), MHO_HW_ST_OK);
		assert_int_equal(emu_fault(f.host, "cqe-bad-cid"), 0);
		submit(q, nop, 0xffff);
		assert_int_equal(expect(q, 0xfffe), MHO_HW_ST_OK);
		assert_int_equal(expect(q, 0xffff), MHO_HW_ST_OK);
		assert_int_equal(emu_fault(f.host, "cqe-garbage"), 0);
		submit(q, nop, 4);
		assert_true(emu_queue_wait(q, &c, 10000));
		assert_int_equal(mho_le16_to_cpu(c.cid), 4);
		assert_string_equal(mho_hw_status_name(mho_le16_to_cpu(c.status)), "UNKNOWN");
		assert_int_not_equal(mho_le16_to_cpu(c.flags) & ~MHO_HW_CQE_PHASE, 0);
		emu_queue_free(q);
	}
	emu_card_close(&f);
}

/*
 * Lap after lap of a small full ring with completions too many or too few: the device keeps within
 * the ring, and loses none by itself.
 */
static void test_completions_full(void **state)
{
	static const char *const extra[] = { "cqe-duplicate 1000", "cqe-bad-cid 1000" };
	struct emu_card f = open_card();
	struct emu_queue *q = emu_queue_open(f.host, 2, &(struct emu_queue_opts){ .order = 2 });
	uint16_t sent = 0, seen = 0;
	struct mho_hw_cqe c;

	(void)state;
	assert_int_equal(emu_fault(f.host, "cqe-lose 10"), 0);
	for (unsigned int i = 0; i < 10; i++) {
		submit(q, nop, i);
		while (emu_fault_taken(f.host, "cqe-lose") == i)
			;
	}
	for (unsigned int k = 0; k < 2; k++) {
		assert_int_equal(emu_fault(f.host, extra[k]), 0);
		/* Bunches of 1 and 2 leave room for another one, bunches of 3 do not. */
		for (unsigned int i = 0; i < 300; i++) {
			for (unsigned int n = 0; n < 1 + i % 3; n++)
				submit(q, nop, sent++);
			while (seen != sent) {
				assert_true(emu_queue_wait(q, &c, 10000));
				assert_int_equal(c.status, MHO_HW_ST_OK);
				seen += mho_le16_to_cpu(c.cid) == seen;
			}
		}
		mho_emu_fault_clear(f.host->emu);
	}
	assert_true(emu_fault_taken(f.host, "cqe-duplicate") > 0);
	assert_true(emu_fault_taken(f.host, "cqe-bad-cid") > 0);
	emu_queue_free(q);
	emu_card_close(&f);
}

/* Slow, but each in its order, and nobody else waits; one worker is enough. */
static void test_delay(void **state)
{
	struct emu_card f = emu_card_open(&(struct emu_host_opts){ .seed = 3, .threads = 1 });
	uint32_t a = emu_host_array(f.host, 1, 8, 8), b = emu_host_array(f.host, 1, 8, 8);
	uint64_t start = now_ms();

	(void)state;
	assert_int_equal(emu_fault(f.host, "cmd-delay 60 2"), 0);
	submit(f.queue, emu_mvm(&f, a, 1), 1);
	submit(f.queue, emu_mvm(&f, a, 1), 2);
	submit(f.queue, emu_mvm(&f, a, 1), 3);
	assert_int_equal(expect(f.queue, 1), MHO_HW_ST_OK);
	assert_int_equal(expect(f.queue, 2), MHO_HW_ST_OK);
	assert_int_equal(expect(f.queue, 3), MHO_HW_ST_OK);
	assert_true(now_ms() - start >= 120);
	start = now_ms();
	assert_int_equal(emu_fault(f.host, "cmd-delay 40"), 0);
	submit(f.queue, nop, 5);
	assert_int_equal(expect(f.queue, 5), MHO_HW_ST_OK);
	assert_true(now_ms() - start >= 40);
	/* Others do not wait for it, nor does QUEUE_RESET. */
	assert_int_equal(emu_fault(f.host, "cmd-delay 60000 2"), 0);
	submit(f.queue, nop, 6);
	submit(f.queue, emu_mvm(&f, a, 1), 7);
	submit(f.queue, emu_mvm(&f, b, 1), 8);
	assert_int_equal(expect(f.queue, 8), MHO_HW_ST_OK);
	assert_int_equal(depth(f.queue), 2);
	assert_int_equal(reset_queue(f.queue), 2);
	expect_aborted(f.queue, 2);
	emu_card_close(&f);
}

static void test_error(void **state)
{
	struct emu_card f = open_card();
	uint32_t a = emu_host_array(f.host, 1, 8, 8);
	struct mho_hw_sqe s = emu_mvm(&f, a, 1);
	float *out = emu_card_at(&f, EMU_B_AT);
	struct mho_hw_cqe c;

	(void)state;
	out[0] = 77;
	assert_int_equal(emu_fault(f.host, "cmd-error TILE_FAILED 2"), 0);
	assert_int_equal(emu_card_run(&f, &s, &c), MHO_HW_ST_TILE_FAILED);
	assert_true(out[0] == 77);
	assert_int_equal(c.device_ns, 0);
	s = nop;
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_TILE_FAILED);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_fault(f.host, "cmd-error 0x0403"), 0);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_TIMEOUT);
	s = emu_mvm(&f, a, 1);
	assert_int_equal(emu_card_run(&f, &s, NULL), MHO_HW_ST_OK);
	assert_true(out[0] != 77);
	emu_card_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),	    cmocka_unit_test(test_hang),
		cmocka_unit_test(test_hang_many),   cmocka_unit_test(test_hang_order),
		cmocka_unit_test(test_hang_hard),   cmocka_unit_test(test_admin_hang),
		cmocka_unit_test(test_completions), cmocka_unit_test(test_completions_full),
		cmocka_unit_test(test_delay),	    cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
