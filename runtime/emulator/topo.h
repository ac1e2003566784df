/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A card's topology, from its device-tree blob. The binding is in
 * firmware-if/bindings/mho,card-1.yaml, the names in mho_hw_topology.h. Needs the
 * physics parameters (phys.h), but nothing of the device core: libmho uses it to
 * describe technologies, too.
 */
#ifndef MHO_EMU_TOPO_H
#define MHO_EMU_TOPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emulator/phys.h"

#define MHO_TOPO_MODEL_SIZE 64
/* Tolerance of a closed-loop write, in topology and pulse table: at most half the range. */
#define MHO_TOPO_TOLERANCE_MIN_PPM 10
#define MHO_TOPO_TOLERANCE_MAX_PPM 1000000

/**
 * struct mho_topo_limits - what the card offers beside its tiles
 * @queues: I/O queue pairs
 * @queue_order: log2 of the largest ring, entries
 * @contexts: contexts at the same time
 * @keys: memory keys, all contexts together
 * @arrays: arrays, named and unnamed together
 * @batch: largest batch of a command
 * @window_sram: bytes of a tile's input SRAM, and of its output SRAM; 0: the card has no window
 */
struct mho_topo_limits {
	uint32_t queues;
	uint32_t queue_order;
	uint32_t contexts;
	uint32_t keys;
	uint32_t arrays;
	uint32_t batch;
	uint32_t window_sram;
};

/**
 * struct mho_topo_thermal - power and heat
 * @ambient_mc: temperature without load, millidegree Celsius
 * @warning_mc: warning level
 * @critical_mc: the device stops here
 * @resistance_mc_per_w: rise of temperature with power, millidegree Celsius per watt
 * @power_limit_mw: mean power that the card may take, mW
 */
struct mho_topo_thermal {
	int32_t ambient_mc;
	int32_t warning_mc;
	int32_t critical_mc;
	uint32_t resistance_mc_per_w;
	uint32_t power_limit_mw;
};

/**
 * struct mho_topo_tile - one tile
 * @rows: rows (outputs of MVM)
 * @cols: columns (inputs)
 * @tech: index of its technology
 * @failed: out of service from the factory
 */
struct mho_topo_tile {
	uint16_t rows;
	uint16_t cols;
	uint16_t tech;
	bool failed;
};

/**
 * struct mho_topo - a card
 * @model: its name
 * @limits: limits
 * @thermal: power and heat
 * @ntechs: number of technologies, at least 1
 * @techs: technologies in topology order; temperature_k is the cells', whatever @thermal says
 * @ntiles: number of tiles, at least 1
 * @tiles: tiles by number
 * @cells: cells of all tiles together
 */
struct mho_topo {
	char model[MHO_TOPO_MODEL_SIZE];
	struct mho_topo_limits limits;
	struct mho_topo_thermal thermal;
	unsigned int ntechs;
	struct mho_tech *techs;
	unsigned int ntiles;
	struct mho_topo_tile *tiles;
	uint64_t cells;
};

/**
 * mho_topo_parse() - read a topology
 * @dtb: device-tree blob; any alignment
 * @len: its bytes
 * @tech_override: name of a technology of this topology that replaces that of every tile, or NULL
 * @out: the topology; free with mho_topo_free()
 * @err: buffer for a sentence that says which value of which property of which node is wrong, what
 *       is allowed, and what to do; printable ASCII; may be NULL
 * @err_len: its size
 *
 * What the binding does not know is refused, so that a misspelt property does not go unnoticed.
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 * Threads: any.
 */
int mho_topo_parse(const void *dtb, size_t len, const char *tech_override, struct mho_topo **out,
		   char *err, size_t err_len);

/* mho_topo_free() - free a topology, or NULL. */
void mho_topo_free(struct mho_topo *topo);

/**
 * mho_topo_law() - compatible string of a technology's update law, MHO_HW_TECH_*
 * @model: the law
 *
 * Return: a constant string.
 */
const char *mho_topo_law(enum mho_device_model model);

/**
 * mho_topo_find_tech() - index of a technology
 * @topo: topology
 * @name: its name
 *
 * Return: index, or -ENOENT.
 */
int mho_topo_find_tech(const struct mho_topo *topo, const char *name);

#endif
