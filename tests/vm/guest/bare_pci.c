// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The device as a kernel without its driver sees it: identity, BARs, capabilities,
 * and the constant registers through sysfs' resource0. Needs root, since ordinary
 * users get 64 bytes of configuration space. Prints KTAP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "mho_hw.h"

#define DEVICES "/sys/bus/pci/devices"
#define CONFIG_SIZE 4096

/* As in the kernel's linux/ioport.h, which it does not export. */
#define RESOURCE_MEM 0x00000200ULL
#define RESOURCE_PREFETCH 0x00002000ULL
#define RESOURCE_MEM_64 0x00100000ULL

struct bar {
	uint64_t start, size, flags;
};

struct card {
	char path[300];
	uint8_t config[CONFIG_SIZE];
	size_t config_size;
	struct bar bars[6];
	volatile uint32_t *regs; /* NULL if they could not be mapped */
};

static unsigned int cases;
static unsigned int failures;

/* One case; what is said of it when it fails is printf's. */
__attribute__((format(printf, 3, 4))) static void check(bool good, const char *name,
							const char *format, ...)
{
	va_list args;

	printf("%s %u - %s\n", good ? "ok" : "not ok", ++cases, name);
	if (good)
		return;
	failures++;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static uint64_t read_number(const char *path, const char *name)
{
	char file[400];
	uint64_t value = 0;
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	f = fopen(file, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNx64, &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

/* Looks for the one card; returns how many there are. */
static int find_card(struct card *card)
{
	DIR *dir = opendir(DEVICES);
	struct dirent *entry;
	char path[300];
	int found = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), DEVICES "/%s", entry->d_name);
		if (read_number(path, "vendor") != MHO_HW_PCI_VENDOR ||
		    read_number(path, "device") != MHO_HW_PCI_DEVICE)
			continue;
		memcpy(card->path, path, sizeof(path));
		found++;
	}
	closedir(dir);
	return found;
}

static int open_file(const struct card *card, const char *name, int flags)
{
	char file[400];

	snprintf(file, sizeof(file), "%s/%s", card->path, name);
	return open(file, flags | O_CLOEXEC);
}

static void read_config(struct card *card)
{
	int fd = open_file(card, "config", O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, card->config, sizeof(card->config));

	if (fd >= 0)
		close(fd);
	card->config_size = got < 0 ? 0 : (size_t)got;
	check(got == CONFIG_SIZE, "configuration space is PCI Express's 4096 bytes",
	      "read %zd bytes: %s", got, got < 0 ? strerror(errno) : "too few");
}

static unsigned int config16(const struct card *card, unsigned int at)
{
	return card->config[at] | card->config[at + 1] << 8;
}

static uint32_t config32(const struct card *card, unsigned int at)
{
	return config16(card, at) | (uint32_t)config16(card, at + 2) << 16;
}

static void read_bars(struct card *card)
{
	char file[400];
	uint64_t end;
	FILE *f;
	int i;

	snprintf(file, sizeof(file), "%s/resource", card->path);
	f = fopen(file, "re");
	if (!f)
		return;
	for (i = 0; i < 6; i++) {
		struct bar *bar = &card->bars[i];

		if (fscanf(f, "%" SCNx64 " %" SCNx64 " %" SCNx64, &bar->start, &end, &bar->flags) !=
		    3)
			break;
		bar->size = bar->flags ? end - bar->start + 1 : 0;
	}
	fclose(f);
}

/* Offset of a capability in the list, 0 if it is not there. */
static unsigned int find_cap(const struct card *card, unsigned int id)
{
	unsigned int at = card->config[PCI_CAPABILITY_LIST] & ~3U;
	int left = 48; /* as many as fit, against a list that bites its tail */

	while (at >= PCI_STD_HEADER_SIZEOF && left--) {
		if (card->config[at + PCI_CAP_LIST_ID] == id)
			return at;
		at = card->config[at + PCI_CAP_LIST_NEXT] & ~3U;
	}
	return 0;
}

static unsigned int find_ext_cap(const struct card *card, unsigned int id)
{
	unsigned int at = PCI_CFG_SPACE_SIZE;
	int left = (CONFIG_SIZE - PCI_CFG_SPACE_SIZE) / 8;

	while (at >= PCI_CFG_SPACE_SIZE && at <= CONFIG_SIZE - 4 && left--) {
		uint32_t header = config32(card, at);

		if (PCI_EXT_CAP_ID(header) == id)
			return at;
		at = PCI_EXT_CAP_NEXT(header);
	}
	return 0;
}

static void check_identity(const struct card *card)
{
	uint64_t class = read_number(card->path, "class") >> 8;

	check(class == MHO_HW_PCI_CLASS >> 8, "class is processing accelerator",
	      "class is 0x%" PRIx64 "xx", class);
}

static void check_bar(const struct card *card, int n, uint64_t size, bool prefetch)
{
	const struct bar *bar = &card->bars[n];
	uint64_t want = RESOURCE_MEM | RESOURCE_MEM_64 | (prefetch ? RESOURCE_PREFETCH : 0);
	uint64_t mask = RESOURCE_MEM | RESOURCE_MEM_64 | RESOURCE_PREFETCH;
	char name[80];

	snprintf(name, sizeof(name), "BAR%d is 64-bit memory, %sprefetchable, and has an address",
		 n, prefetch ? "" : "not ");
	check((bar->flags & mask) == want && bar->start, name, "flags 0x%" PRIx64 " at 0x%" PRIx64,
	      bar->flags, bar->start);
	snprintf(name, sizeof(name), "BAR%d has the right size", n);
	check(bar->size && (bar->size & (bar->size - 1)) == 0 && (!size || bar->size == size), name,
	      "0x%" PRIx64 " bytes, not 0x%" PRIx64, bar->size, size);
}

static void check_pcie(const struct card *card)
{
	unsigned int at = find_cap(card, PCI_CAP_ID_EXP);

	check(at, "has a PCI Express capability", "no capability 0x%x", PCI_CAP_ID_EXP);
	if (!at)
		return;
	check((config16(card, at + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) == 0, "is an endpoint",
	      "PCI Express flags 0x%x", config16(card, at + PCI_EXP_FLAGS));
	check(config32(card, at + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR, "has function-level reset",
	      "device capabilities 0x%x", config32(card, at + PCI_EXP_DEVCAP));
}

static void check_msix(const struct card *card)
{
	unsigned int at = find_cap(card, PCI_CAP_ID_MSIX);
	unsigned int vectors, table, pba;

	/* A card may have been told to have MSI instead. */
	if (!at && find_cap(card, PCI_CAP_ID_MSI)) {
		printf("ok %u - MSI-X # SKIP the card has MSI\n", ++cases);
		return;
	}
	check(at, "has an MSI-X capability", "neither MSI-X nor MSI");
	if (!at)
		return;
	table = config32(card, at + PCI_MSIX_TABLE);
	pba = config32(card, at + PCI_MSIX_PBA);
	check(table == (MHO_HW_MSIX_TABLE | MHO_HW_BAR_REGS) &&
		      pba == (MHO_HW_MSIX_PBA | MHO_HW_BAR_REGS),
	      "MSI-X table and pending bits are in their places", "table 0x%x, pending bits 0x%x",
	      table, pba);
	vectors = (config16(card, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1;
	if (card->regs)
		check(vectors == card->regs[MHO_HW_REG_CAP_VECTORS / 4],
		      "MSI-X has the vectors that CAP_VECTORS says",
		      "%u vectors, the register says %u", vectors,
		      card->regs[MHO_HW_REG_CAP_VECTORS / 4]);
}

static void check_capabilities(const struct card *card)
{
	unsigned int aer = find_ext_cap(card, PCI_EXT_CAP_ID_ERR);

	check_pcie(card);
	check_msix(card);
	check(find_cap(card, PCI_CAP_ID_PM), "has power management", "no capability 0x%x",
	      PCI_CAP_ID_PM);
	/* Recommended only (docs/hardware.md, section 2). */
	if (aer)
		check(true, "has advanced error reporting", " ");
	else
		printf("ok %u - advanced error reporting # SKIP not there\n", ++cases);
}

/* Makes the device answer to memory accesses and maps BAR0. */
static void map_registers(struct card *card)
{
	int enable = open_file(card, "enable", O_WRONLY);
	int fd = open_file(card, "resource0", O_RDWR);
	void *regs = MAP_FAILED;

	if (enable >= 0) {
		if (write(enable, "1", 1) != 1)
			printf("# cannot enable the device: %s\n", strerror(errno));
		close(enable);
	}
	if (fd >= 0) {
		regs = mmap(NULL, MHO_HW_REGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	check(regs != MAP_FAILED, "resource0 can be mapped", "%s", strerror(errno));
	card->regs = regs == MAP_FAILED ? NULL : regs;
}

/* The doorbell BAR has a page for each queue, the admin queue too, rounded up. */
static uint64_t doorbell_size(const struct card *card)
{
	uint64_t pages = (card->regs[MHO_HW_REG_CAP_QUEUES / 4] & MHO_HW_CAP_QUEUES_IO_MASK) + 1;
	uint64_t size = 4096;

	while (size < pages * 4096)
		size *= 2;
	return size;
}

static void check_registers(const struct card *card)
{
	uint32_t magic = card->regs[MHO_HW_REG_MAGIC / 4];
	uint32_t version = card->regs[MHO_HW_REG_VERSION / 4];
	uint32_t queues = card->regs[MHO_HW_REG_CAP_QUEUES / 4] & MHO_HW_CAP_QUEUES_IO_MASK;
	uint32_t state = card->regs[MHO_HW_REG_STATUS / 4] & MHO_HW_STATUS_STATE_MASK;
	uint32_t reserved = card->regs[MHO_HW_REG_MAGIC / 4];

	check(magic == MHO_HW_MAGIC, "MAGIC reads \"mho1\"", "it reads 0x%x", magic);
	check(version >> 16 == MHO_HW_VERSION_MAJOR, "VERSION has the right major number",
	      "it reads 0x%x", version);
	check(queues >= 1 && queues <= MHO_HW_QUEUES_MAX, "CAP_QUEUES is within bounds",
	      "%u I/O queues", queues);
	check(state == MHO_HW_STATE_WAIT_FW, "the device waits for firmware", "its state is %u",
	      state);
	card->regs[MHO_HW_REG_MAGIC / 4] = ~magic;
	reserved = card->regs[MHO_HW_REG_MAGIC / 4];
	check(reserved == magic, "MAGIC cannot be written", "it reads 0x%x after a write",
	      reserved);
}

int main(void)
{
	struct card card = { 0 };
	int found = find_card(&card);

	printf("KTAP version 1\n");
	check(found == 1, "there is one device 1af4:10f0", "there are %d in " DEVICES, found);
	if (found) {
		read_config(&card);
		read_bars(&card);
		map_registers(&card);
		check_identity(&card);
		check_bar(&card, MHO_HW_BAR_REGS, MHO_HW_REGS_SIZE, false);
		check_bar(&card, MHO_HW_BAR_DOORBELL, card.regs ? doorbell_size(&card) : 0, false);
		if (card.regs && card.regs[MHO_HW_REG_CAP_FEATURES / 4] & MHO_HW_CAP_WINDOW)
			check_bar(&card, MHO_HW_BAR_WINDOW, 0, true);
		if (card.config_size == CONFIG_SIZE)
			check_capabilities(&card);
		if (card.regs)
			check_registers(&card);
	}
	printf("1..%u\n", cases);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
