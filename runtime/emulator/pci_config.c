// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * PCI configuration space: a type 0 header, the capabilities that docs/hardware.md
 * section 2 names, advanced error reporting and a serial number. Contents, bits
 * that can be written and bits that are cleared by writing 1 are three arrays of
 * the same shape, so that an access of any width is a loop over bytes.
 */
#include <string.h>

#include <linux/pci_regs.h>

#include "emulator/pci_config.h"
#include "mho_hw.h"

/* Where capabilities lie. The chain leaves out what the function does not have. */
#define CAP_PM 0x40
#define CAP_PCIE 0x50
#define CAP_MSIX 0x90
#define CAP_MSI 0xa0
#define CAP_AER 0x100
#define CAP_AER_SIZE 0x48
#define CAP_DSN 0x150

#define REVISION 1
#define DEVCTL (CAP_PCIE + PCI_EXP_DEVCTL)
#define PMCSR (CAP_PM + PCI_PM_CTRL)
#define D3HOT 3
/* A card with four lanes at 8 GT/s (PCI Express Base 3.0, 7.8.6). */
#define LINK_WIDTH 4
/* Defaults of PCI Express Base 3.0, 7.10.3, 7.10.4 and 7.10.6. */
#define AER_SEVERITY_DEFAULT 0x00462030U
#define AER_CORRECTABLE_MASK_DEFAULT 0x00002000U
#define AER_UNCORRECTABLE 0x01fff030U
#define AER_CORRECTABLE 0x0000f1c1U

static void put(uint8_t *at, uint32_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get(const uint8_t *at, unsigned int bytes)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint32_t)at[i] << (8 * i);
	return value;
}

/* A register of @bytes with its value and the bits that software may write. */
static void reg(struct pcic *pci, size_t offset, unsigned int bytes, uint32_t value,
		uint32_t writable)
{
	put(pci->data + offset, value, bytes);
	put(pci->writable + offset, writable, bytes);
}

static void clear_by_one(struct pcic *pci, size_t offset, unsigned int bytes, uint32_t bits)
{
	put(pci->clear + offset, bits, bytes);
}

static void header(struct pcic *pci)
{
	reg(pci, PCI_VENDOR_ID, 2, MHO_HW_PCI_VENDOR, 0);
	reg(pci, PCI_DEVICE_ID, 2, MHO_HW_PCI_DEVICE, 0);
	reg(pci, PCI_COMMAND, 2, 0,
	    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		    PCI_COMMAND_INTX_DISABLE);
	reg(pci, PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0);
	clear_by_one(pci, PCI_STATUS, 2, 0xf900); /* errors seen */
	reg(pci, PCI_CLASS_REVISION, 4, MHO_HW_PCI_CLASS << 8 | REVISION, 0);
	reg(pci, PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
	reg(pci, PCI_SUBSYSTEM_VENDOR_ID, 2, MHO_HW_PCI_VENDOR, 0);
	reg(pci, PCI_SUBSYSTEM_ID, 2, MHO_HW_PCI_DEVICE, 0);
	reg(pci, PCI_INTERRUPT_LINE, 1, 0, 0xff);
}

static void bars(struct pcic *pci, const struct pcic_config *config)
{
	for (unsigned int i = 0; i < PCIC_BARS; i += 2) {
		uint64_t mask = ~(config->bar_size[i] - 1);
		uint32_t flags = PCI_BASE_ADDRESS_MEM_TYPE_64;

		if (!config->bar_size[i])
			continue;
		if (config->prefetchable & 1U << i)
			flags |= PCI_BASE_ADDRESS_MEM_PREFETCH;
		reg(pci, PCI_BASE_ADDRESS_0 + 4 * i, 4, flags, (uint32_t)mask);
		reg(pci, PCI_BASE_ADDRESS_0 + 4 * i + 4, 4, 0, (uint32_t)(mask >> 32));
	}
}

static void power_management(struct pcic *pci)
{
	reg(pci, CAP_PM, 1, PCI_CAP_ID_PM, 0);
	reg(pci, CAP_PM + PCI_PM_PMC, 2, 3, 0); /* version 1.2; D0 and D3hot, no PME */
	reg(pci, PMCSR, 2, 0, PCI_PM_CTRL_STATE_MASK);
}

static void express(struct pcic *pci)
{
	const uint32_t link = PCI_EXP_LNKCAP_SLS_8_0GB | LINK_WIDTH << 4;

	reg(pci, CAP_PCIE, 1, PCI_CAP_ID_EXP, 0);
	reg(pci, CAP_PCIE + PCI_EXP_FLAGS, 2, 2 | PCI_EXP_TYPE_ENDPOINT << 4, 0);
	reg(pci, CAP_PCIE + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR | 1, 0);
	/* The FLR bit reads as zero: pcic_write() acts on it. */
	reg(pci, DEVCTL, 2, 0x2810, 0x7fff);
	clear_by_one(pci, CAP_PCIE + PCI_EXP_DEVSTA, 2, 0x000f);
	reg(pci, CAP_PCIE + PCI_EXP_LNKCAP, 4, link, 0);
	reg(pci, CAP_PCIE + PCI_EXP_LNKCTL, 2, 0,
	    PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES);
	reg(pci, CAP_PCIE + PCI_EXP_LNKSTA, 2, link & 0x3ff, 0);
	reg(pci, CAP_PCIE + PCI_EXP_DEVCAP2, 4, 0x1f, 0); /* completion time-outs, all ranges */
	reg(pci, CAP_PCIE + PCI_EXP_DEVCTL2, 2, 0, 0x1f);
	reg(pci, CAP_PCIE + PCI_EXP_LNKCAP2, 4,
	    PCI_EXP_LNKCAP2_SLS_2_5GB | PCI_EXP_LNKCAP2_SLS_5_0GB | PCI_EXP_LNKCAP2_SLS_8_0GB, 0);
	reg(pci, CAP_PCIE + PCI_EXP_LNKCTL2, 2, PCI_EXP_LNKCTL2_TLS_8_0GT, PCI_EXP_LNKCTL2_TLS);
}

static void msix(struct pcic *pci, unsigned int vectors)
{
	reg(pci, CAP_MSIX, 1, PCI_CAP_ID_MSIX, 0);
	reg(pci, CAP_MSIX + PCI_MSIX_FLAGS, 2, vectors - 1,
	    PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	reg(pci, CAP_MSIX + PCI_MSIX_TABLE, 4, MHO_HW_MSIX_TABLE | MHO_HW_BAR_REGS, 0);
	reg(pci, CAP_MSIX + PCI_MSIX_PBA, 4, MHO_HW_MSIX_PBA | MHO_HW_BAR_REGS, 0);
}

static void msi(struct pcic *pci, unsigned int vectors)
{
	unsigned int order = (unsigned int)__builtin_ctz(vectors);

	reg(pci, CAP_MSI, 1, PCI_CAP_ID_MSI, 0);
	reg(pci, CAP_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_64BIT | order << 1,
	    PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	reg(pci, CAP_MSI + PCI_MSI_ADDRESS_LO, 4, 0, ~3U);
	reg(pci, CAP_MSI + PCI_MSI_ADDRESS_HI, 4, 0, ~0U);
	reg(pci, CAP_MSI + PCI_MSI_DATA_64, 2, 0, 0xffff);
}

static void error_reporting(struct pcic *pci)
{
	reg(pci, CAP_AER, 4, PCI_EXT_CAP_ID_ERR | 2 << 16 | (uint32_t)CAP_DSN << 20, 0);
	clear_by_one(pci, CAP_AER + PCI_ERR_UNCOR_STATUS, 4, AER_UNCORRECTABLE);
	reg(pci, CAP_AER + PCI_ERR_UNCOR_MASK, 4, 0, AER_UNCORRECTABLE);
	reg(pci, CAP_AER + PCI_ERR_UNCOR_SEVER, 4, AER_SEVERITY_DEFAULT, AER_UNCORRECTABLE);
	clear_by_one(pci, CAP_AER + PCI_ERR_COR_STATUS, 4, AER_CORRECTABLE);
	reg(pci, CAP_AER + PCI_ERR_COR_MASK, 4, AER_CORRECTABLE_MASK_DEFAULT, AER_CORRECTABLE);
	reg(pci, CAP_AER + PCI_ERR_CAP, 4, PCI_ERR_CAP_ECRC_GENC | PCI_ERR_CAP_ECRC_CHKC,
	    PCI_ERR_CAP_ECRC_GENE | PCI_ERR_CAP_ECRC_CHKE);
}

static void serial_number(struct pcic *pci, uint64_t serial)
{
	reg(pci, CAP_DSN, 4, PCI_EXT_CAP_ID_DSN | 1 << 16, 0);
	reg(pci, CAP_DSN + 4, 4, (uint32_t)serial, 0);
	reg(pci, CAP_DSN + 8, 4, (uint32_t)(serial >> 32), 0);
}

/* Chains the capabilities that are there, in the order of their offsets. */
static void chain(struct pcic *pci)
{
	static const uint8_t caps[] = { CAP_PM, CAP_PCIE, CAP_MSIX, CAP_MSI };
	size_t link = PCI_CAPABILITY_LIST;

	for (size_t i = 0; i < sizeof(caps); i++) {
		if (!pci->data[caps[i]])
			continue;
		pci->data[link] = caps[i];
		link = caps[i] + PCI_CAP_LIST_NEXT;
	}
}

void pcic_init(struct pcic *pci, const struct pcic_config *config)
{
	memset(pci, 0, sizeof(*pci));
	header(pci);
	bars(pci, config);
	power_management(pci);
	express(pci);
	if (config->msix_vectors)
		msix(pci, config->msix_vectors);
	if (config->msi_vectors)
		msi(pci, config->msi_vectors);
	error_reporting(pci);
	serial_number(pci, config->serial);
	chain(pci);
	memcpy(pci->reset, pci->data, sizeof(pci->reset));
}

void pcic_reset(struct pcic *pci)
{
	uint8_t sticky[CAP_AER_SIZE];

	memcpy(sticky, pci->data + CAP_AER, sizeof(sticky));
	memcpy(pci->data, pci->reset, sizeof(pci->data));
	memcpy(pci->data + CAP_AER, sticky, sizeof(sticky));
}

void pcic_read(const struct pcic *pci, size_t offset, void *data, size_t len)
{
	memcpy(data, pci->data + offset, len);
}

static bool covers(size_t offset, size_t len, size_t byte)
{
	return byte >= offset && byte - offset < len;
}

static unsigned int power_state(const struct pcic *pci)
{
	return pci->data[PMCSR] & PCI_PM_CTRL_STATE_MASK;
}

unsigned int pcic_write(struct pcic *pci, size_t offset, const void *data, size_t len)
{
	const size_t flr = DEVCTL + 1; /* the byte with PCI_EXP_DEVCTL_BCR_FLR */
	unsigned int state = power_state(pci), now, events = 0;
	const uint8_t *from = data;

	for (size_t i = 0; i < len; i++) {
		uint8_t *to = &pci->data[offset + i];
		uint8_t writable = pci->writable[offset + i];

		*to = (uint8_t)((*to & ~writable) | (from[i] & writable));
		*to &= (uint8_t) ~(from[i] & pci->clear[offset + i]);
	}
	now = power_state(pci);
	if (now != 0 && now != D3HOT) { /* a state that is not supported changes nothing */
		pci->data[PMCSR] = (uint8_t)((pci->data[PMCSR] & ~PCI_PM_CTRL_STATE_MASK) | state);
		now = state;
	}
	if (covers(offset, len, flr) && from[flr - offset] & PCI_EXP_DEVCTL_BCR_FLR >> 8) {
		pcic_reset(pci);
		return PCIC_FLR | PCIC_COMMAND;
	}
	if (state == D3HOT && now == 0)
		events |= PCIC_WAKE;
	if (now != state || covers(offset, len, PCI_COMMAND))
		events |= PCIC_COMMAND;
	return events;
}

static bool command(const struct pcic *pci, uint16_t bit)
{
	return get(pci->data + PCI_COMMAND, 2) & bit && power_state(pci) == 0;
}

bool pcic_memory(const struct pcic *pci)
{
	return command(pci, PCI_COMMAND_MEMORY);
}

bool pcic_master(const struct pcic *pci)
{
	return command(pci, PCI_COMMAND_MASTER);
}
