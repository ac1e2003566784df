// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * The little that the kernel wants of the topology: thermal and power limits. Kernels export no
 * libfdt, so that the flattened tree is walked here. The blob comes from the device: nothing in it
 * is believed.
 */
#include <linux/align.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "mho_hw.h"
#include "mho_topo.h"

/* Words of the header and tokens of the structure: Devicetree Specification, chapter 5. */
#define MHO_FDT_MAGIC 0xd00dfeedU
#define MHO_FDT_HEADER 40
#define MHO_FDT_OFF_STRUCT 2
#define MHO_FDT_OFF_STRINGS 3
#define MHO_FDT_SIZE_STRINGS 8
#define MHO_FDT_SIZE_STRUCT 9
#define MHO_FDT_BEGIN_NODE 1
#define MHO_FDT_END_NODE 2
#define MHO_FDT_PROP 3
#define MHO_FDT_NOP 4

/**
 * struct mho_fdt - a walk through a tree
 * @at: what comes next
 * @left: bytes from there on
 * @strings: names of properties
 * @strings_size: bytes of them
 * @depth: nodes that have begun and not ended
 * @thermal: the node at depth 2 is the wanted one
 */
struct mho_fdt {
	const u8 *at;
	u32 left;
	const char *strings;
	u32 strings_size;
	unsigned int depth;
	bool thermal;
};

static bool mho_fdt_open(struct mho_fdt *fdt, const void *blob, u32 size)
{
	const __be32 *header = blob;
	u32 at, strings;

	if (size < MHO_FDT_HEADER || be32_to_cpu(header[0]) != MHO_FDT_MAGIC)
		return false;
	at = be32_to_cpu(header[MHO_FDT_OFF_STRUCT]);
	strings = be32_to_cpu(header[MHO_FDT_OFF_STRINGS]);
	*fdt = (struct mho_fdt){
		.at = blob + at,
		.left = be32_to_cpu(header[MHO_FDT_SIZE_STRUCT]),
		.strings = blob + strings,
		.strings_size = be32_to_cpu(header[MHO_FDT_SIZE_STRINGS]),
	};
	return IS_ALIGNED(at, sizeof(u32)) && at <= size && fdt->left <= size - at &&
	       strings <= size && fdt->strings_size <= size - strings;
}

static bool mho_fdt_skip(struct mho_fdt *fdt, u32 bytes)
{
	if (bytes > fdt->left || ALIGN(bytes, sizeof(u32)) > fdt->left)
		return false;
	fdt->at += ALIGN(bytes, sizeof(u32));
	fdt->left -= ALIGN(bytes, sizeof(u32));
	return true;
}

static bool mho_fdt_word(struct mho_fdt *fdt, u32 *word)
{
	const __be32 *at = (const __be32 *)fdt->at;

	if (!mho_fdt_skip(fdt, sizeof(*at)))
		return false;
	*word = be32_to_cpu(*at);
	return true;
}

static bool mho_fdt_begin(struct mho_fdt *fdt)
{
	const char *name = (const char *)fdt->at;
	size_t length = strnlen(name, fdt->left);

	if (length == fdt->left || !mho_fdt_skip(fdt, length + 1))
		return false;
	fdt->depth++;
	if (fdt->depth == 2)
		fdt->thermal = !strcmp(name, MHO_HW_TOPO_THERMAL);
	return true;
}

static void mho_topo_set(struct mho_thermal *thermal, const char *name, u32 value)
{
	if (!strcmp(name, MHO_HW_TOPO_WARN))
		thermal->warning_mc = value;
	else if (!strcmp(name, MHO_HW_TOPO_TRIP))
		thermal->critical_mc = value;
	else if (!strcmp(name, MHO_HW_TOPO_POWER_LIMIT))
		thermal->power_limit_mw = value;
}

static bool mho_fdt_prop(struct mho_fdt *fdt, struct mho_thermal *thermal)
{
	const __be32 *value;
	u32 length, name, room;

	if (!mho_fdt_word(fdt, &length) || !mho_fdt_word(fdt, &name))
		return false;
	value = (const __be32 *)fdt->at;
	if (!mho_fdt_skip(fdt, length) || name >= fdt->strings_size)
		return false;
	room = fdt->strings_size - name;
	if (strnlen(fdt->strings + name, room) == room)
		return false;
	if (fdt->thermal && fdt->depth == 2 && length == sizeof(*value))
		mho_topo_set(thermal, fdt->strings + name, be32_to_cpu(*value));
	return true;
}

/**
 * mho_topo_thermal() - the limits of a card
 * @blob: its topology
 * @size: bytes
 * @thermal: filled; what the topology does not tell has the binding's default
 */
void mho_topo_thermal(const void *blob, u32 size, struct mho_thermal *thermal)
{
	struct mho_fdt fdt;
	bool good = mho_fdt_open(&fdt, blob, size);
	u32 token;

	*thermal = (struct mho_thermal){
		.warning_mc = 85000,
		.critical_mc = 100000,
		.power_limit_mw = 25000,
	};
	while (good && mho_fdt_word(&fdt, &token)) {
		if (token == MHO_FDT_BEGIN_NODE)
			good = mho_fdt_begin(&fdt);
		else if (token == MHO_FDT_PROP)
			good = mho_fdt_prop(&fdt, thermal);
		else if (token == MHO_FDT_END_NODE)
			good = fdt.depth--;
		else
			good = token == MHO_FDT_NOP;
	}
}
