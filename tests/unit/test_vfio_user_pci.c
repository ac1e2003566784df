// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The card's PCI configuration space through vfio-user messages: identity, BARs,
 * capabilities, what can be written, power states, and what the command register
 * lets through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/pci_regs.h>

#include "vfio_client.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX

struct card {
	struct vc_server *s;
	struct vc_client *c;
};

static struct card open_card(unsigned int interrupts)
{
	struct card card = { .s = vc_start(interrupts, NULL) };

	card.c = vc_open(card.s);
	return card;
}

static void close_card(struct card card)
{
	vc_close(card.c);
	vc_stop(card.s);
}

static uint32_t cfg(struct card card, uint64_t offset, unsigned int width)
{
	return (uint32_t)vc_read(card.c, CONFIG, offset, width);
}

static void set(struct card card, uint64_t offset, uint32_t value, unsigned int width)
{
	vc_write(card.c, CONFIG, offset, value, width);
}

/* Where a capability is, 0 if it is not there. A chain that does not end fails. */
static unsigned int capability(struct card card, unsigned int id)
{
	unsigned int at = cfg(card, PCI_CAPABILITY_LIST, 1), n = 0;

	while (at && cfg(card, at, 1) != id) {
		assert_true(++n < 48 && at >= 0x40 && at % 4 == 0);
		at = cfg(card, at + PCI_CAP_LIST_NEXT, 1);
	}
	return at;
}

static unsigned int extended(struct card card, unsigned int id)
{
	unsigned int at = 0x100, n = 0;

	while (at && PCI_EXT_CAP_ID(cfg(card, at, 4)) != id) {
		assert_true(++n < 100 && at >= 0x100 && at % 4 == 0);
		at = PCI_EXT_CAP_NEXT(cfg(card, at, 4));
	}
	return at;
}

static void test_identity(void **state)
{
	struct card card = open_card(VFU_MSIX | VFU_MSI);

	(void)state;
	assert_int_equal(cfg(card, PCI_VENDOR_ID, 4), MHO_HW_PCI_DEVICE << 16 | MHO_HW_PCI_VENDOR);
	assert_int_equal(cfg(card, PCI_CLASS_REVISION, 4) >> 8, MHO_HW_PCI_CLASS);
	assert_int_equal(cfg(card, PCI_HEADER_TYPE, 1), PCI_HEADER_TYPE_NORMAL);
	assert_int_equal(cfg(card, PCI_INTERRUPT_PIN, 1), 0);
	assert_int_equal(cfg(card, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, PCI_STATUS_CAP_LIST);
	set(card, PCI_VENDOR_ID, 0, 4);
	set(card, PCI_CLASS_REVISION, 0xffffffff, 4);
	assert_int_equal(cfg(card, PCI_VENDOR_ID, 2), MHO_HW_PCI_VENDOR);
	assert_int_equal(cfg(card, PCI_CLASS_REVISION, 4) >> 8, MHO_HW_PCI_CLASS);
	set(card, PCI_COMMAND, 0xffff, 2);
	assert_int_equal(cfg(card, PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
							    PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
							    PCI_COMMAND_INTX_DISABLE);
	close_card(card);
}

static void test_bars(void **state)
{
	struct card card = open_card(VFU_MSIX);

	(void)state;
	for (unsigned int bar = 0; bar < 6; bar += 2) {
		unsigned int at = PCI_BASE_ADDRESS_0 + 4 * bar;
		struct vfio_region_info info = { .argsz = sizeof(info), .index = bar };
		uint32_t flags = cfg(card, at, 4) & 0xf;
		struct vc_reply r;
		uint64_t size;

		assert_int_equal(flags & PCI_BASE_ADDRESS_MEM_TYPE_MASK,
				 PCI_BASE_ADDRESS_MEM_TYPE_64);
		assert_int_equal(!!(flags & PCI_BASE_ADDRESS_MEM_PREFETCH),
				 bar == MHO_HW_BAR_WINDOW);
		set(card, at, 0xffffffff, 4);
		set(card, at + 4, 0xffffffff, 4);
		size = ~((uint64_t)cfg(card, at + 4, 4) << 32 | (cfg(card, at, 4) & ~0xfU)) + 1;
		assert_int_equal(cfg(card, at, 4) & 0xf, flags);
		assert_int_equal(
			vc_call(card.c, VFU_DEVICE_GET_REGION_INFO, &info, sizeof(info), &r), 0);
		memcpy(&info, r.data, sizeof(info));
		assert_true(size && size == info.size);
		for (unsigned int i = 0; i < r.nfds; i++)
			close(r.fds[i]);
		set(card, at, 0xfe123456, 4);
		assert_int_equal(cfg(card, at, 4), (0xfe123456 & ~(uint32_t)(size - 1)) | flags);
	}
	assert_int_equal(cfg(card, PCI_ROM_ADDRESS, 4), 0);
	close_card(card);
}

static void test_capabilities(void **state)
{
	struct card card = open_card(VFU_MSIX | VFU_MSI);
	unsigned int pcie = capability(card, PCI_CAP_ID_EXP);
	unsigned int msix = capability(card, PCI_CAP_ID_MSIX);
	unsigned int msi = capability(card, PCI_CAP_ID_MSI);
	unsigned int dsn = extended(card, PCI_EXT_CAP_ID_DSN);

	(void)state;
	assert_true(pcie && msix && msi && dsn && capability(card, PCI_CAP_ID_PM));
	assert_true(cfg(card, pcie + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	assert_int_equal(cfg(card, pcie + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_CLS,
			 cfg(card, pcie + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_SLS);
	assert_int_equal((cfg(card, msix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1,
			 VC_VECTORS);
	assert_int_equal(cfg(card, msix + PCI_MSIX_TABLE, 4), MHO_HW_MSIX_TABLE | MHO_HW_BAR_REGS);
	assert_int_equal(cfg(card, msix + PCI_MSIX_PBA, 4), MHO_HW_MSIX_PBA | MHO_HW_BAR_REGS);
	assert_int_equal((cfg(card, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QMASK) >> 1, 3);
	assert_int_equal(cfg(card, dsn + 4, 4), 0x55667788);
	assert_int_equal(cfg(card, dsn + 8, 4), 0x11223344);
	close_card(card);

	card = open_card(VFU_MSI);
	assert_int_equal(capability(card, PCI_CAP_ID_MSIX), 0);
	assert_int_not_equal(capability(card, PCI_CAP_ID_MSI), 0);
	close_card(card);
	card = open_card(VFU_MSIX);
	assert_int_equal(capability(card, PCI_CAP_ID_MSI), 0);
	close_card(card);
}

static void test_errors(void **state)
{
	struct card card = open_card(VFU_MSIX);
	unsigned int aer = extended(card, PCI_EXT_CAP_ID_ERR);
	unsigned int pcie = capability(card, PCI_CAP_ID_EXP);

	(void)state;
	assert_int_not_equal(aer, 0);
	assert_int_not_equal(cfg(card, aer + PCI_ERR_UNCOR_SEVER, 4), 0);
	set(card, aer + PCI_ERR_UNCOR_STATUS, 0xffffffff, 4);
	assert_int_equal(cfg(card, aer + PCI_ERR_UNCOR_STATUS, 4), 0);
	set(card, aer + PCI_ERR_UNCOR_MASK, PCI_ERR_UNC_COMP_ABORT, 4);
	assert_int_equal(cfg(card, aer + PCI_ERR_UNCOR_MASK, 4), PCI_ERR_UNC_COMP_ABORT);
	/* These registers outlast a reset; others do not. */
	set(card, PCI_INTERRUPT_LINE, 7, 1);
	set(card, pcie + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	assert_int_equal(cfg(card, pcie + PCI_EXP_DEVCTL, 2), 0x2810);
	assert_int_equal(cfg(card, PCI_INTERRUPT_LINE, 1), 0);
	assert_int_equal(cfg(card, aer + PCI_ERR_UNCOR_MASK, 4), PCI_ERR_UNC_COMP_ABORT);
	assert_int_equal(vfu_counter(card.s->srv, "resets"), 1);
	close_card(card);
}

static void test_command(void **state)
{
	struct card card = open_card(VFU_MSIX);
	unsigned int pm = capability(card, PCI_CAP_ID_PM);

	(void)state;
	/* Without memory space nothing answers. */
	assert_int_equal(vc_reg(card.c, MHO_HW_REG_MAGIC), 0xffffffff);
	vc_write(card.c, MHO_HW_BAR_REGS, MHO_HW_REG_FW_SIZE, 77, 4);
	assert_int_equal(vfu_counter(card.s->srv, "mmio_disabled"), 2);
	set(card, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(vc_reg(card.c, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	assert_int_equal(vc_reg(card.c, MHO_HW_REG_FW_SIZE), 0);
	vc_write(card.c, MHO_HW_BAR_REGS, MHO_HW_REG_FW_SIZE, 77, 4);
	/* D1 and D2 are not there; D3hot is, and leaving it is a reset that keeps configuration. */
	set(card, pm + PCI_PM_CTRL, 1, 2);
	assert_int_equal(cfg(card, pm + PCI_PM_CTRL, 2), 0);
	set(card, pm + PCI_PM_CTRL, 3, 2);
	assert_int_equal(vc_reg(card.c, MHO_HW_REG_MAGIC), 0xffffffff);
	set(card, pm + PCI_PM_CTRL, 0, 2);
	assert_int_equal(vc_reg(card.c, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	assert_int_equal(vc_reg(card.c, MHO_HW_REG_FW_SIZE), 0);
	assert_int_equal(vfu_counter(card.s->srv, "resets"), 1);
	close_card(card);
}

static void test_msix_table(void **state)
{
	struct card card = open_card(VFU_MSIX);

	(void)state;
	set(card, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	for (unsigned int v = 0; v < VC_VECTORS; v++)
		assert_int_equal(vc_reg(card.c, MHO_HW_MSIX_TABLE + 16 * v + 12), 1);
	vc_write(card.c, MHO_HW_BAR_REGS, MHO_HW_MSIX_TABLE + 16, 0x1122334455667788ULL, 8);
	assert_int_equal(vc_reg(card.c, MHO_HW_MSIX_TABLE + 20), 0x11223344);
	assert_int_equal(vc_reg(card.c, MHO_HW_MSIX_TABLE + 16 * VC_VECTORS + 12), 0);
	assert_int_equal(vc_reg(card.c, MHO_HW_MSIX_PBA), 0);
	assert_int_equal(vc_call(card.c, VFU_DEVICE_RESET, NULL, 0, NULL), 0);
	set(card, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(vc_reg(card.c, MHO_HW_MSIX_TABLE + 20), 0);
	close_card(card);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),     cmocka_unit_test(test_bars),
		cmocka_unit_test(test_capabilities), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_command),	     cmocka_unit_test(test_msix_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
