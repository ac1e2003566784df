// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Faults on demand, of the emulated device as a whole: boot, reset, crash, heat,
 * what probing sees; and that power can be cut, and state saved, whatever hangs.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "emu_card.h"
#include "emu_fault.h"
#include "scratch.h"

static const struct emu_host_opts opts = { .seed = 3, .threads = 2 };

static struct emu_host *start(void)
{
	return emu_host_start(&opts);
}

static void reset(struct emu_host *h)
{
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET);
}

/* Booted and enabled anew, the device works. */
static void assert_works(struct emu_host *h)
{
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_NOP };

	if (emu_host_state(h) == MHO_HW_STATE_WAIT_FW)
		assert_int_equal(emu_host_load(h, NULL, 0), MHO_HW_STATE_BOOTED);
	emu_host_enable(h, 4);
	assert_int_equal(emu_host_admin(h, &s, NULL), MHO_HW_ST_OK);
}

static void wait_cause(struct emu_host *h, uint32_t cause)
{
	for (unsigned int i = 0; i < 10000; i++) {
		if (emu_host_reg(h, MHO_HW_REG_IRQ_CAUSE) & cause)
			return;
		usleep(1000);
	}
	fail_msg("no cause 0x%x", cause);
}

/* Refused twice, with the reason; the same image is good afterwards. */
static void test_fw_refuse(void **state)
{
	struct emu_host *h = emu_host_new(&opts);

	(void)state;
	assert_int_equal(emu_fault(h, "fw-refuse 2"), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(emu_host_load(h, NULL, 0), MHO_HW_STATE_WAIT_FW);
		assert_int_equal(emu_host_reg(h, MHO_HW_REG_FAULT), MHO_HW_ST_FW_BAD_HASH);
		assert_int_equal(emu_host_reg(h, MHO_HW_REG_FW_VERSION), 0);
	}
	assert_works(h);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FAULT), 0);
	emu_host_free(h);
}

static void test_boot_hang(void **state)
{
	struct emu_host *h = emu_host_new(&opts);

	(void)state;
	for (unsigned int flr = 0; flr < 2; flr++) {
		assert_int_equal(emu_fault(h, "boot-hang"), 0);
		emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
		while (!emu_fault_taken(h, "boot-hang"))
			usleep(1000);
		usleep(20000);
		assert_int_equal(emu_host_state(h), MHO_HW_STATE_VERIFY);
		if (flr)
			mho_emu_reset(h->emu);
		else
			reset(h);
		assert_true(emu_host_wait_state(h, MHO_HW_STATE_WAIT_FW));
	}
	assert_works(h);
	emu_host_free(h);
}

/* All requests are ignored in RESET; only the other kind of reset helps. */
static void test_reset_hang(void **state)
{
	struct emu_host *h = start();

	(void)state;
	assert_int_equal(emu_fault(h, "reset-hang"), 0);
	reset(h);
	while (!emu_fault_taken(h, "reset-hang"))
		usleep(1000);
	reset(h);
	usleep(20000);
	assert_int_equal(emu_host_state(h), MHO_HW_STATE_RESET);
	assert_int_equal(emu_fault(h, "crash"), -EAGAIN);
	mho_emu_reset(h->emu);
	assert_int_equal(emu_host_state(h), MHO_HW_STATE_WAIT_FW);
	assert_works(h);
	reset(h);
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_BOOTED));
	emu_host_free(h);
}

/* Stopped at once, with everything that tells so; nothing is executed until a reset. */
static void stop(const char *fault, unsigned int status)
{
	struct emu_card f = emu_card_open(&opts);
	struct emu_host *h = f.host;
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_NOP };
	unsigned int irqs;
	struct mho_hw_cqe c;

	emu_host_set(h, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL);
	emu_host_set(h, MHO_HW_REG_IRQ_MASK, 0);
	irqs = atomic_load(&h->irqs[0]);
	assert_int_equal(emu_fault(h, fault), 0);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_STATUS) & ~MHO_HW_STATUS_FW_LOADED,
			 MHO_HW_STATE_FAILED | MHO_HW_STATUS_FATAL);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FAULT), status);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_HEARTBEAT), 0);
	assert_int_equal(
		~emu_host_reg(h, MHO_HW_REG_IRQ_CAUSE) & (MHO_HW_IRQ_FAULT | MHO_HW_IRQ_STATE), 0);
	for (unsigned int i = 0; i < 10000 && atomic_load(&h->irqs[0]) == irqs; i++)
		usleep(1000);
	assert_true(atomic_load(&h->irqs[0]) > irqs);
	assert_int_equal(emu_fault(h, fault), -EAGAIN);
	usleep(20000);
	emu_queue_put(f.queue, &(struct mho_hw_sqe){ .opcode = MHO_HW_OP_NOP });
	emu_queue_ring(f.queue);
	emu_host_admin_submit(h, &s);
	assert_false(emu_queue_wait(f.queue, &c, 30));
	reset(h);
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_BOOTED));
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FAULT), 0);
	assert_works(h);
	assert_int_equal(emu_fault_taken(h, fault), 1);
	emu_card_close(&f);
}

static void test_crash(void **state)
{
	(void)state;
	stop("crash", MHO_HW_ST_INTERNAL);
}

static void test_thermal_trip(void **state)
{
	(void)state;
	stop("thermal-trip", MHO_HW_ST_THERMAL_TRIP);
}

/* In every state but RESET; a boot under way does not undo it. */
static void test_crash_anywhere(void **state)
{
	struct emu_host *h = emu_host_new(&opts);

	(void)state;
	assert_int_equal(emu_fault(h, "crash"), 0);
	assert_int_equal(emu_host_state(h), MHO_HW_STATE_FAILED);
	for (unsigned int i = 0; i < 50; i++) {
		reset(h);
		assert_true(emu_host_wait_state(h, MHO_HW_STATE_WAIT_FW));
		emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
		assert_int_equal(emu_fault(h, "crash"), 0);
		usleep(i * 20);
		assert_int_equal(emu_host_state(h), MHO_HW_STATE_FAILED);
	}
	reset(h);
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_WAIT_FW));
	assert_works(h);
	emu_host_free(h);
}

/* Over the warning level for as long as was said, or until it is cleared; both ends interrupt. */
static void test_thermal_warn(void **state)
{
	struct emu_host *h = start();
	uint32_t cool = emu_host_reg(h, MHO_HW_REG_TEMPERATURE);

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		emu_host_set(h, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL);
		assert_int_equal(emu_fault(h, i ? "thermal-warn" : "thermal-warn 50"), 0);
		wait_cause(h, MHO_HW_IRQ_THERMAL);
		if (i) {
			assert_int_equal(emu_fault_armed(h, "thermal-warn"), 1);
			assert_true(emu_host_reg(h, MHO_HW_REG_TEMPERATURE) > 85000);
			assert_true(emu_host_reg(h, MHO_HW_REG_TEMPERATURE) < 100000);
			emu_host_set(h, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL);
		}
		if (i == 1)
			mho_emu_fault_clear(h->emu);
		if (i == 2) {
			reset(h);
			assert_true(emu_host_wait_state(h, MHO_HW_STATE_BOOTED));
			break;
		}
		if (i == 1)
			wait_cause(h, MHO_HW_IRQ_THERMAL);
		while (emu_fault_armed(h, "thermal-warn"))
			usleep(1000);
		usleep(1000);
		assert_int_equal(emu_host_reg(h, MHO_HW_REG_TEMPERATURE), cool);
	}
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_TEMPERATURE), cool);
	emu_host_free(h);
}

static void test_probe(void **state)
{
	struct emu_host *h = start();
	uint32_t queues = emu_host_reg(h, MHO_HW_REG_CAP_QUEUES);

	(void)state;
	assert_int_equal(emu_fault(h, "bad-id"), 0);
	assert_int_not_equal(emu_host_reg(h, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	assert_int_not_equal(emu_host_reg(h, MHO_HW_REG_MAGIC), 0xffffffff);
	assert_int_equal(emu_fault(h, "bad-id off"), 0);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	assert_int_equal(emu_fault(h, "bad-version on"), 0);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_VERSION) >> 16, MHO_HW_VERSION_MAJOR + 1);
	assert_int_equal(emu_fault(h, "no-vectors"), 0);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_CAP_QUEUES) & MHO_HW_CAP_QUEUES_IO_MASK, 0);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_CAP_VECTORS), 0);
	mho_emu_fault_clear(h->emu);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_VERSION), MHO_HW_VERSION);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_CAP_QUEUES), queues);
	emu_host_free(h);
}

static void submit(struct emu_card *f, struct mho_hw_sqe s, unsigned int cid)
{
	s.cid = mho_cpu_to_le16(cid);
	emu_queue_put(f->queue, &s);
	emu_queue_ring(f->queue);
}

/* SHUTDOWN is not reached while a command hangs. What is only slow is finished. */
static void test_shutdown(void **state)
{
	struct emu_card f = emu_card_open(&opts);
	struct mho_hw_cqe c;

	(void)state;
	assert_int_equal(emu_fault(f.host, "hang"), 0);
	submit(&f, (struct mho_hw_sqe){ 0 }, 1);
	while (!emu_fault_taken(f.host, "hang"))
		usleep(1000);
	emu_host_set(f.host, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_SHUTDOWN);
	usleep(30000);
	assert_int_equal(emu_host_state(f.host), MHO_HW_STATE_READY);
	reset(f.host);
	assert_true(emu_host_wait_state(f.host, MHO_HW_STATE_BOOTED));
	emu_card_close(&f);

	f = emu_card_open(&opts);
	assert_int_equal(emu_fault(f.host, "cmd-delay 60000 3"), 0);
	submit(&f, (struct mho_hw_sqe){ 0 }, 1);
	submit(&f, (struct mho_hw_sqe){ 0 }, 2);
	submit(&f, (struct mho_hw_sqe){ .opcode = MHO_HW_OP_BARRIER }, 3);
	while (emu_fault_taken(f.host, "cmd-delay") < 2)
		usleep(1000);
	emu_host_set(f.host, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_SHUTDOWN);
	assert_true(emu_host_wait_state(f.host, MHO_HW_STATE_SHUTDOWN));
	assert_true(emu_queue_wait(f.queue, &c, 1000));
	assert_true(emu_queue_wait(f.queue, &c, 1000));
	emu_card_close(&f);
}

/* Power is cut, and the state saved, with everything hanging that can. */
static void test_power_off(void **state)
{
	static const char *const hangs[] = { "hang 0 3", "hang-hard", "cmd-delay 60000 3" };
	char path[256];

	(void)state;
	scratch_path(path, sizeof(path), "fault-state");
	for (unsigned int i = 0; i < 5; i++) {
		struct emu_card f = emu_card_open(
			&(struct emu_host_opts){ .seed = 3, .threads = 2, .state = path });
		struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_NOP };
		uint32_t a = emu_host_array(f.host, 1, 8, 8);

		if (i < 3) {
			assert_int_equal(emu_fault(f.host, hangs[i]), 0);
			submit(&f, emu_mvm(&f, a, 1), 1);
			submit(&f, emu_mvm(&f, a, 1), 2);
			submit(&f, (struct mho_hw_sqe){ 0 }, 3);
		} else if (i == 3) {
			assert_int_equal(emu_fault(f.host, "reset-hang"), 0);
			reset(f.host);
		} else {
			assert_int_equal(emu_fault(f.host, "admin-hang"), 0);
			emu_host_admin_submit(f.host, &s);
		}
		usleep(i % 2 * 20000);
		assert_int_equal(mho_emu_save(f.host->emu), 0);
		emu_card_close(&f);
		assert_int_equal(access(path, R_OK), 0);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fw_refuse),    cmocka_unit_test(test_boot_hang),
		cmocka_unit_test(test_reset_hang),   cmocka_unit_test(test_crash),
		cmocka_unit_test(test_thermal_trip), cmocka_unit_test(test_crash_anywhere),
		cmocka_unit_test(test_thermal_warn), cmocka_unit_test(test_probe),
		cmocka_unit_test(test_shutdown),     cmocka_unit_test(test_power_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
