/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * PCI configuration space of an mho card: identity, BARs, capabilities, and what
 * a write to it changes. It does not know what carries the accesses, nor what the
 * device does about a reset.
 */
#ifndef MHO_EMU_PCI_CONFIG_H
#define MHO_EMU_PCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCIC_SIZE 4096
#define PCIC_BARS 6
#define PCIC_MSI_MAX 32 /* messages that MSI can have, PCI Local Bus 3.0, 6.8.1.3 */

/* What a write asked for, as bits. */
#define PCIC_FLR 0x1 /* function-level reset; configuration has been reset */
#define PCIC_WAKE 0x2 /* D3hot to D0: a reset that keeps configuration */
#define PCIC_COMMAND 0x4 /* the command register or the power state has changed */

/**
 * struct pcic_config - what the function is to have
 * @bar_size: bytes of each BAR, a power of two of at least 4096, or 0; a BAR takes two slots, so
 *            only even ones may be there
 * @prefetchable: bit for each BAR that is
 * @msix_vectors: 0 for no MSI-X capability
 * @msi_vectors: 0 for no MSI capability; else a power of two, at most PCIC_MSI_MAX
 * @serial: device serial number
 */
struct pcic_config {
	uint64_t bar_size[PCIC_BARS];
	unsigned int prefetchable;
	unsigned int msix_vectors;
	unsigned int msi_vectors;
	uint64_t serial;
};

/**
 * struct pcic - configuration space
 * @data: contents
 * @writable: bits that software may write
 * @clear: bits that software clears by writing 1
 * @reset: contents after a function-level reset
 */
struct pcic {
	uint8_t data[PCIC_SIZE];
	uint8_t writable[PCIC_SIZE];
	uint8_t clear[PCIC_SIZE];
	uint8_t reset[PCIC_SIZE];
};

/**
 * pcic_init() - configuration space after power-on
 * @pci: filled
 * @config: what it has
 */
void pcic_init(struct pcic *pci, const struct pcic_config *config);

/**
 * pcic_reset() - what a conventional or function-level reset does to it
 * @pci: configuration space
 *
 * All but the sticky error registers go back to their values after power-on.
 */
void pcic_reset(struct pcic *pci);

/**
 * pcic_read() - read
 * @pci: configuration space
 * @offset: in bytes; @offset + @len must not be above PCIC_SIZE
 * @data: filled
 * @len: bytes
 */
void pcic_read(const struct pcic *pci, size_t offset, void *data, size_t len);

/**
 * pcic_write() - write
 * @pci: configuration space
 * @offset: in bytes; @offset + @len must not be above PCIC_SIZE
 * @data: what to write; read-only bits are ignored
 * @len: bytes
 *
 * Return: PCIC_* of what the caller must do.
 */
unsigned int pcic_write(struct pcic *pci, size_t offset, const void *data, size_t len);

/**
 * pcic_memory() - whether the BARs answer
 * @pci: configuration space
 *
 * Return: memory space is enabled and the function is in D0.
 */
bool pcic_memory(const struct pcic *pci);

/**
 * pcic_master() - whether the function may do DMA and send interrupts
 * @pci: configuration space
 *
 * Return: bus mastering is enabled and the function is in D0.
 */
bool pcic_master(const struct pcic *pci);

#endif
