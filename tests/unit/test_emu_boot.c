// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The emulated device from power-on to READY and back: registers, firmware and
 * its refusals, the admin ring, interrupts of vector 0, resets, shutdown.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/blob.h"
#include "emu_host.h"

static const struct emu_host_opts plain = { .seed = 1, .threads = 1 };

static struct mho_blob firmware(void)
{
	const struct mho_blob *b = mho_blob_find("firmware/mho-1");

	assert_non_null(b);
	return *b;
}

static unsigned int fault(struct emu_host *h)
{
	return emu_host_reg(h, MHO_HW_REG_FAULT);
}

static uint64_t read_regs(struct emu_host *h, uint64_t offset, unsigned int width)
{
	return mho_emu_read(h->emu, MHO_HW_BAR_REGS, offset, width);
}

static void test_create(void **state)
{
	const struct mho_blob *small = mho_blob_find("topology/small");
	struct mho_emu_config cfg = { .size = sizeof(cfg),
				      .topology = small->data,
				      .topology_len = small->len };
	struct mho_emu_ops no_ops = { 0 };
	struct mho_emu *emu;
	struct emu_host h;
	char err[200];

	(void)state;
	assert_int_equal(mho_emu_create(&cfg, &emu, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "callback"));
	cfg.ops = &no_ops;
	assert_int_equal(mho_emu_create(&cfg, &emu, err, sizeof(err)), -EINVAL);
	cfg.size = 8;
	assert_int_equal(mho_emu_create(&cfg, &emu, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "size"));
	assert_int_equal(mho_emu_create(&cfg, &emu, NULL, 0), -EINVAL);
	assert_int_equal(emu_host_try(&h, &(struct emu_host_opts){ .topology = "nonesuch" }, err,
				      sizeof(err)),
			 -EINVAL);
	assert_int_equal(emu_host_try(&h,
				      &(struct emu_host_opts){ .dtb = "not a tree", .dtb_len = 10 },
				      err, sizeof(err)),
			 -EINVAL);
	assert_true(strlen(err) > 0);
	assert_int_equal(emu_host_try(&h, &(struct emu_host_opts){ .technology = "vacuum-tube" },
				      err, sizeof(err)),
			 -EINVAL);
	assert_non_null(strstr(err, "vacuum-tube"));
	assert_int_equal(emu_host_try(&h, &(struct emu_host_opts){ .state = "/nonexistent/x" }, err,
				      sizeof(err)),
			 -ENOENT);
	mho_emu_destroy(NULL);
}

static void test_registers(void **state)
{
	struct emu_host *h = emu_host_new(&plain);
	uint32_t offset;

	(void)state;
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_VERSION), MHO_HW_VERSION);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_CAP_QUEUES), 4 | 6 << 16);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_CAP_VECTORS), 5);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_CAP_FEATURES), 0x1f);
	assert_int_not_equal(emu_host_reg(h, MHO_HW_REG_CAP_TIMEOUT), 0);
	assert_true(read_regs(h, MHO_HW_REG_SERIAL_LO, 8) == 0x1122334455667788ULL);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_SERIAL_HI), 0x11223344);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_STATUS), MHO_HW_STATE_WAIT_FW);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_IRQ_MASK), MHO_HW_IRQ_ALL);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_TEMPERATURE), 25000);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_HEARTBEAT), 0);
	/* Accesses that are not allowed. */
	assert_true(read_regs(h, 0, 1) == ~0ULL);
	assert_true(read_regs(h, 0, 2) == ~0ULL);
	assert_true(read_regs(h, 2, 4) == ~0ULL);
	assert_true(read_regs(h, MHO_HW_REG_STATUS, 8) == ~0ULL);
	assert_true(read_regs(h, MHO_HW_REG_SERIAL_HI, 8) == ~0ULL);
	assert_true(read_regs(h, MHO_HW_REGS_SIZE, 4) == ~0ULL);
	assert_true(mho_emu_read(h->emu, 1, 0, 4) == ~0ULL);
	assert_true(mho_emu_read(h->emu, MHO_HW_BAR_DOORBELL, 0, 4) == 0);
	assert_true(mho_emu_read(h->emu, MHO_HW_BAR_DOORBELL, 2, 4) == ~0ULL);
	assert_true(mho_emu_read(h->emu, MHO_HW_BAR_DOORBELL, 0x8000, 4) == ~0ULL);
	for (offset = MHO_HW_REG_LAST + 4; offset < MHO_HW_REGS_SIZE; offset += 4)
		assert_int_equal(emu_host_reg(h, offset), 0);
	/* Read-only registers and dropped writes. */
	emu_host_set(h, MHO_HW_REG_MAGIC, 0);
	emu_host_set(h, MHO_HW_REG_STATUS, ~0U);
	mho_emu_write(h->emu, MHO_HW_BAR_REGS, MHO_HW_REG_FW_SIZE, 77, 2);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FW_SIZE), 0);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	emu_host_set64(h, MHO_HW_REG_FW_ADDR_LO, 0x123456789abcdef0ULL);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FW_ADDR_HI), 0x12345678);
	assert_true(read_regs(h, MHO_HW_REG_FW_ADDR_LO, 8) == 0x123456789abcdef0ULL);
	emu_host_set(h, MHO_HW_REG_FW_ADDR_LO, 1);
	assert_true(read_regs(h, MHO_HW_REG_FW_ADDR_LO, 8) == 0x1234567800000001ULL);
	emu_host_set64(h, MHO_HW_REG_ASQ_LO, 0x1000); /* not BOOTED */
	assert_true(read_regs(h, MHO_HW_REG_ASQ_LO, 8) == 0);
	assert_int_equal(mho_emu_bar_size(h->emu, MHO_HW_BAR_REGS), MHO_HW_REGS_SIZE);
	assert_int_equal(mho_emu_bar_size(h->emu, MHO_HW_BAR_DOORBELL), 0x8000);
	assert_int_equal(mho_emu_bar_size(h->emu, MHO_HW_BAR_WINDOW), 4 * 0x2000);
	assert_int_equal(mho_emu_bar_size(h->emu, 1), 0);
	emu_host_free(h);
}

static void test_window_access(void **state)
{
	struct emu_host *h = emu_host_new(&plain);
	unsigned int bar = MHO_HW_BAR_WINDOW, width;
	uint8_t *p;
	int fd;

	(void)state;
	p = mho_emu_window(h->emu, &fd);
	assert_non_null(p);
	assert_true(fd >= 0);
	for (width = 1; width <= 8; width *= 2) {
		uint64_t v = 0x8877665544332211ULL >> (64 - 8 * width);

		mho_emu_write(h->emu, bar, 64, v, width);
		assert_true(mho_emu_read(h->emu, bar, 64, width) == v);
		assert_int_equal(p[64], v & 0xff);
	}
	assert_true(mho_emu_read(h->emu, bar, 65, 2) == ~0ULL);
	assert_true(mho_emu_read(h->emu, bar, 0, 3) == ~0ULL);
	assert_true(mho_emu_read(h->emu, bar, 0x8000, 4) == ~0ULL);
	mho_emu_write(h->emu, bar, 0x8000, 1, 4);
	/* A reset of the function leaves nothing, a warm one all. */
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET);
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_WAIT_FW));
	assert_int_equal(p[64], 0x11);
	mho_emu_reset(h->emu);
	assert_int_equal(p[64], 0);
	emu_host_free(h);
}

static void refuse(struct emu_host *h, const void *image, size_t len, unsigned int status)
{
	size_t used = h->used;

	assert_int_equal(emu_host_load(h, image, len), MHO_HW_STATE_WAIT_FW);
	assert_int_equal(fault(h), status);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FW_VERSION), 0);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_STATUS) & MHO_HW_STATUS_FW_LOADED, 0);
	h->used = used;
}

static void test_firmware(void **state)
{
	struct emu_host *h = emu_host_new(&plain);
	struct mho_blob good = firmware();
	uint8_t *image = malloc(good.len);
	size_t i;

	(void)state;
	assert_non_null(image);
	memset(image, 0, good.len);
	refuse(h, image, good.len, MHO_HW_ST_FW_BAD_IMAGE);
	refuse(h, good.data, good.len - 1, MHO_HW_ST_FW_TRUNCATED);
	refuse(h, good.data, 20, MHO_HW_ST_FW_TRUNCATED);
	/* Somewhere in the second half there are bytes that only a hash protects. */
	for (i = good.len / 2; i < good.len; i++) {
		memcpy(image, good.data, good.len);
		image[i] ^= 0x40;
		if (emu_host_load(h, image, good.len) == MHO_HW_STATE_WAIT_FW &&
		    fault(h) == MHO_HW_ST_FW_BAD_HASH)
			break;
		if (emu_host_state(h) == MHO_HW_STATE_BOOTED)
			mho_emu_reset(h->emu);
		h->used = 0;
	}
	assert_true(i < good.len);
	/* Out of reach, too large, empty. */
	emu_host_set64(h, MHO_HW_REG_FW_ADDR_LO, 0x1000);
	emu_host_set(h, MHO_HW_REG_FW_SIZE, 1000);
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_WAIT_FW));
	assert_int_equal(fault(h), MHO_HW_ST_FW_DMA_FAULT);
	emu_host_set(h, MHO_HW_REG_FW_SIZE, MHO_HW_FW_SIZE_MAX + 1);
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_WAIT_FW));
	assert_int_equal(fault(h), MHO_HW_ST_FW_TOO_LARGE);
	emu_host_set(h, MHO_HW_REG_FW_SIZE, 0);
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_WAIT_FW));
	assert_int_equal(fault(h), MHO_HW_ST_FW_TRUNCATED);
	/* And the good one still boots. */
	assert_int_equal(emu_host_load(h, NULL, 0), MHO_HW_STATE_BOOTED);
	assert_int_equal(fault(h), 0);
	assert_int_not_equal(emu_host_reg(h, MHO_HW_REG_FW_VERSION), 0);
	assert_int_not_equal(emu_host_reg(h, MHO_HW_REG_STATUS) & MHO_HW_STATUS_FW_LOADED, 0);
	free(image);
	emu_host_free(h);
}

static void request(struct emu_host *h, uint32_t bits, unsigned int state)
{
	emu_host_set(h, MHO_HW_REG_CONTROL, bits);
	assert_true(emu_host_wait_state(h, state));
}

static void expect_bad_state(struct emu_host *h, uint32_t bits)
{
	unsigned int before = emu_host_state(h);

	emu_host_set(h, MHO_HW_REG_CONTROL, bits);
	assert_int_equal(emu_host_state(h), before);
	assert_int_equal(fault(h), MHO_HW_ST_BAD_STATE);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FAULT_INFO), before);
	emu_host_set(h, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_FAULT);
	assert_int_equal(fault(h), 0);
}

static void test_states(void **state)
{
	struct emu_host *h = emu_host_new(&plain);

	(void)state;
	expect_bad_state(h, MHO_HW_CONTROL_ENABLE);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_CONTROL), 0);
	request(h, MHO_HW_CONTROL_SHUTDOWN, MHO_HW_STATE_SHUTDOWN);
	expect_bad_state(h, MHO_HW_CONTROL_BOOT);
	expect_bad_state(h, MHO_HW_CONTROL_ENABLE);
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_SHUTDOWN);
	assert_int_equal(fault(h), 0);
	request(h, MHO_HW_CONTROL_RESET, MHO_HW_STATE_WAIT_FW);
	assert_int_equal(emu_host_load(h, NULL, 0), MHO_HW_STATE_BOOTED);
	expect_bad_state(h, MHO_HW_CONTROL_BOOT);
	emu_host_enable(h, 3);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_CONTROL), MHO_HW_CONTROL_ENABLE);
	emu_host_set64(h, MHO_HW_REG_ASQ_LO, 0); /* only while BOOTED */
	assert_true(read_regs(h, MHO_HW_REG_ASQ_LO, 8) == h->asq);
	expect_bad_state(h, MHO_HW_CONTROL_ENABLE | MHO_HW_CONTROL_BOOT);
	assert_int_equal(emu_host_context(h, 3), MHO_HW_ST_OK);
	/* A write that clears ENABLE and asks for nothing is a warm reset. */
	request(h, 0, MHO_HW_STATE_BOOTED);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_CONTROL), 0);
	assert_true(read_regs(h, MHO_HW_REG_ASQ_LO, 8) == 0);
	emu_host_enable(h, 1);
	assert_int_equal(emu_host_context(h, 3), MHO_HW_ST_OK); /* it was gone */
	request(h, MHO_HW_CONTROL_RESET | MHO_HW_CONTROL_BOOT | MHO_HW_CONTROL_SHUTDOWN,
		MHO_HW_STATE_BOOTED);
	emu_host_enable(h, 2);
	request(h, MHO_HW_CONTROL_SHUTDOWN | MHO_HW_CONTROL_ENABLE, MHO_HW_STATE_SHUTDOWN);
	request(h, MHO_HW_CONTROL_RESET, MHO_HW_STATE_BOOTED);
	mho_emu_reset(h->emu);
	assert_int_equal(emu_host_state(h), MHO_HW_STATE_WAIT_FW);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FW_VERSION), 0);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FW_SIZE), 0);
	emu_host_free(h);
}

static void test_admin_ring(void **state)
{
	struct emu_host *h = emu_host_new(&plain);
	uint64_t ring = emu_host_alloc(h, 8192);
	struct {
		uint64_t asq;
		uint64_t acq;
		uint32_t order;
	} bad[] = {
		{ 0, ring, 2 },
		{ ring, 0, 2 },
		{ ring + 64, ring, 2 },
		{ ring, ring + 2048, 2 },
		{ ring, ring, 0 },
		{ ring, ring, 7 },
		{ ring, ring, 0xffffffff },
		{ 0x1000, ring, 2 },
		{ ring, ~0xfffULL, 2 },
	};
	size_t i;

	(void)state;
	assert_int_equal(emu_host_load(h, NULL, 0), MHO_HW_STATE_BOOTED);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		emu_host_set64(h, MHO_HW_REG_ASQ_LO, bad[i].asq);
		emu_host_set64(h, MHO_HW_REG_ACQ_LO, bad[i].acq);
		emu_host_set(h, MHO_HW_REG_AQ_ORDER, bad[i].order);
		emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_ENABLE);
		while (!fault(h))
			;
		assert_int_equal(fault(h), MHO_HW_ST_BAD_ADMIN_RING);
		assert_int_equal(emu_host_state(h), MHO_HW_STATE_BOOTED);
		assert_int_equal(emu_host_reg(h, MHO_HW_REG_CONTROL), 0);
		emu_host_set(h, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_FAULT);
	}
	emu_host_enable(h, 2);
	assert_int_equal(emu_host_context(h, 1), MHO_HW_ST_OK);
	emu_host_free(h);
}

static void wait_irqs(struct emu_host *h, unsigned int vector, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < 100000 && atomic_load(&h->irqs[vector]) < n; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
}

static void test_interrupts(void **state)
{
	struct emu_host *h = emu_host_new(&plain);
	struct mho_hw_admin_sqe nop = { .opcode = MHO_HW_ADM_NOP };

	(void)state;
	/* Masked causes are set, and quiet. */
	assert_int_equal(emu_host_load(h, NULL, 0), MHO_HW_STATE_BOOTED);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_IRQ_CAUSE), MHO_HW_IRQ_STATE);
	assert_int_equal(atomic_load(&h->irqs[0]), 0);
	/* Unmasking what is set sends a message; so does clearing only a part. */
	emu_host_set(h, MHO_HW_REG_IRQ_MASK, MHO_HW_IRQ_ADMIN);
	wait_irqs(h, 0, 1);
	assert_int_equal(atomic_load(&h->irqs[0]), 1);
	emu_host_set(h, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_THERMAL);
	wait_irqs(h, 0, 2);
	assert_int_equal(atomic_load(&h->irqs[0]), 2);
	emu_host_set(h, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_IRQ_CAUSE), 0);
	emu_host_enable(h, 4);
	wait_irqs(h, 0, 3);
	assert_int_equal(atomic_load(&h->irqs[0]), 3);
	/* Set already: no second message. */
	emu_host_set(h, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL);
	emu_host_set(h, MHO_HW_REG_IRQ_MASK, 0);
	assert_int_equal(emu_host_admin(h, &nop, NULL), MHO_HW_ST_OK);
	wait_irqs(h, 0, 4);
	assert_int_equal(emu_host_admin(h, &nop, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_host_admin(h, &nop, NULL), MHO_HW_ST_OK);
	assert_int_equal(atomic_load(&h->irqs[0]), 4);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_IRQ_CAUSE), MHO_HW_IRQ_ADMIN);
	/* A refused request is a fault, and a line of the log is none of level warning. */
	emu_host_set(h, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL);
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
	wait_irqs(h, 0, 5);
	assert_int_equal(atomic_load(&h->irqs[0]), 5);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_IRQ_CAUSE), MHO_HW_IRQ_FAULT);
	/* All masked again after a reset. */
	request(h, MHO_HW_CONTROL_RESET, MHO_HW_STATE_BOOTED);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_IRQ_MASK), MHO_HW_IRQ_ALL);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_IRQ_CAUSE), 0);
	emu_host_free(h);
}

/* The first fault stays until it is cleared; a fault of the admin queue is fatal. */
static void test_fatal(void **state)
{
	struct emu_host *h = emu_host_start(&plain);
	uint64_t status;

	(void)state;
	mho_emu_write(h->emu, MHO_HW_BAR_DOORBELL, MHO_HW_DB_OFFSET(0, MHO_HW_DB_SQ_TAIL), 99, 4);
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_FAILED));
	status = emu_host_reg(h, MHO_HW_REG_STATUS);
	assert_true(status & MHO_HW_STATUS_FATAL);
	assert_int_equal(fault(h), MHO_HW_ST_BAD_DOORBELL);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FAULT_INFO), 99);
	emu_host_set(h, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_FAULT);
	assert_int_equal(fault(h), MHO_HW_ST_BAD_DOORBELL);
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_SHUTDOWN | MHO_HW_CONTROL_ENABLE);
	assert_int_equal(emu_host_state(h), MHO_HW_STATE_FAILED);
	request(h, MHO_HW_CONTROL_RESET, MHO_HW_STATE_BOOTED);
	assert_int_equal(fault(h), 0);
	emu_host_enable(h, 4);
	assert_int_equal(emu_host_context(h, 1), MHO_HW_ST_OK);
	emu_host_hole(h, h->acq, h->acq + 4096, true);
	emu_host_admin_submit(h, &(struct mho_hw_admin_sqe){ .opcode = MHO_HW_ADM_NOP });
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_FAILED));
	assert_int_equal(fault(h), MHO_HW_ST_RING_DMA_FAULT);
	mho_emu_reset(h->emu);
	assert_int_equal(emu_host_state(h), MHO_HW_STATE_WAIT_FW);
	emu_host_free(h);
}

/* A register keeps the first of two faults. */
static void test_first_fault(void **state)
{
	struct emu_host *h = emu_host_new(&plain);
	uint8_t nonsense[100] = { 1 };

	(void)state;
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_ENABLE);
	assert_int_equal(fault(h), MHO_HW_ST_BAD_STATE);
	refuse(h, nonsense, sizeof(nonsense), MHO_HW_ST_FW_BAD_IMAGE); /* BOOT clears it */
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_ENABLE);
	assert_int_equal(fault(h), MHO_HW_ST_FW_BAD_IMAGE);
	emu_host_free(h);
}

/* Resets in any state, also in the middle of everything; nothing is mapped afterwards. */
static void test_reset_storm(void **state)
{
	struct emu_host *h = emu_host_new(&(struct emu_host_opts){ .seed = 1, .threads = 2 });
	unsigned int i;

	(void)state;
	for (i = 0; i < 60; i++) {
		h->used = 0;
		h->data = 0;
		if (i % 4 != 3)
			assert_int_equal(emu_host_load(h, NULL, 0), MHO_HW_STATE_BOOTED);
		if (i % 4 == 1)
			emu_host_enable(h, 4);
		if (i % 4 == 2)
			emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET);
		if (i % 4 == 3)
			emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
		mho_emu_reset(h->emu);
		assert_int_equal(emu_host_state(h), MHO_HW_STATE_WAIT_FW);
		assert_int_equal(atomic_load(&h->mapped), 0);
	}
	emu_host_free(h);
}

static void test_heartbeat(void **state)
{
	struct emu_host *h = emu_host_start(&plain);
	uint32_t first = emu_host_reg(h, MHO_HW_REG_HEARTBEAT);
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000000 && emu_host_reg(h, MHO_HW_REG_HEARTBEAT) == first; i++)
		;
	assert_true(emu_host_reg(h, MHO_HW_REG_HEARTBEAT) > first);
	emu_host_free(h);
}

static void test_texts(void **state)
{
	unsigned int i, known = 0;

	(void)state;
	for (i = 0; i < 0x10000; i++) {
		const char *text = mho_hw_status_text(i), *name = mho_hw_status_name(i);

		assert_true(strlen(text) > 0);
		assert_true(strlen(name) > 0);
		known += strcmp(name, "UNKNOWN") != 0;
	}
#define COUNT(name, value, text) +1
	assert_int_equal(known, 0 MHO_HW_STATUS_LIST(COUNT));
	assert_string_equal(mho_hw_status_name(MHO_HW_ST_BAD_KEY), "BAD_KEY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),	      cmocka_unit_test(test_registers),
		cmocka_unit_test(test_window_access), cmocka_unit_test(test_firmware),
		cmocka_unit_test(test_states),	      cmocka_unit_test(test_admin_ring),
		cmocka_unit_test(test_interrupts),    cmocka_unit_test(test_fatal),
		cmocka_unit_test(test_first_fault),   cmocka_unit_test(test_reset_storm),
		cmocka_unit_test(test_heartbeat),     cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests_name("emulated device: boot and reset", tests, NULL, NULL);
}
