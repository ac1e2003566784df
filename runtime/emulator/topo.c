// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The topology as a whole: limits, heat, tiles. A technology is read in
 * topo_tech.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "mho_hw.h"
#include "emulator/props.h"
#include "emulator/topo.h"
#include "emulator/topo_tech.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define REMEDY                                                                                  \
	"; correct the device-tree source (binding: firmware-if/bindings/mho,card-1.yaml) and " \
	"compile it again with dtc"

/* Numbers of memory keys and arrays are told apart by 16 bits. */
#define OBJECTS_MAX 65535
#define WINDOW_SRAM_MAX (1 << 20)

/* A run of equal tiles, as one node describes it. */
struct run {
	int node;
	uint32_t first;
	uint32_t count;
	uint32_t rows;
	uint32_t cols;
	uint32_t phandle;
	unsigned int status;
	uint16_t tech;
};

/* State of one mho_topo_parse(). */
struct parser {
	const void *fdt;
	struct mho_topo *topo;
	struct mho_props_error err;
	uint32_t phandles[MHO_HW_TOPO_TECHNOLOGIES_MAX];
	struct run *runs;
	unsigned int n_runs;
};

#define NUMBER(property, type, structure, field, lo, hi, what)                            \
	{                                                                                 \
		.name = (property), .kind = (type), .offset = offsetof(structure, field), \
		.min = (lo), .max = (hi), .unit = (what)                                  \
	}
#define LIMIT(property, field, lo, hi, what) \
	NUMBER(property, MHO_PROP_U32, struct mho_topo_limits, field, lo, hi, what)
#define HEAT(property, type, field, lo, hi, what) \
	NUMBER(property, type, struct mho_topo_thermal, field, lo, hi, what)
#define IGNORE(property)                                    \
	{                                                   \
		.name = (property), .kind = MHO_PROP_IGNORE \
	}

static const struct mho_prop root_properties[] = {
	IGNORE("compatible"),
	IGNORE("#address-cells"),
	IGNORE("#size-cells"),
	{ .name = MHO_HW_TOPO_MODEL,
	  .kind = MHO_PROP_TEXT,
	  .required = true,
	  .offset = offsetof(struct mho_topo, model),
	  .max = MHO_TOPO_MODEL_SIZE },
};

static const struct mho_prop limit_properties[] = {
	LIMIT(MHO_HW_TOPO_QUEUES, queues, 1, MHO_HW_QUEUES_MAX, "queue pairs"),
	LIMIT(MHO_HW_TOPO_QUEUE_ORDER, queue_order, MHO_HW_ORDER_MIN, MHO_HW_ORDER_MAX,
	      "(log2 of entries)"),
	LIMIT(MHO_HW_TOPO_CONTEXTS, contexts, 1, MHO_HW_CONTEXTS_MAX, "contexts"),
	LIMIT(MHO_HW_TOPO_KEYS, keys, 1, OBJECTS_MAX, "memory keys"),
	LIMIT(MHO_HW_TOPO_ARRAYS, arrays, 1, OBJECTS_MAX, "arrays"),
	LIMIT(MHO_HW_TOPO_BATCH, batch, 1, MHO_HW_BATCH_MAX, "vectors"),
	LIMIT(MHO_HW_TOPO_WINDOW_SRAM, window_sram, 0, WINDOW_SRAM_MAX, "bytes"),
};

static const struct mho_prop thermal_properties[] = {
	HEAT(MHO_HW_TOPO_AMBIENT, MHO_PROP_I32, ambient_mc, -100000, 300000,
	     "millidegrees Celsius"),
	HEAT(MHO_HW_TOPO_WARN, MHO_PROP_I32, warning_mc, -100000, 300000, "millidegrees Celsius"),
	HEAT(MHO_HW_TOPO_TRIP, MHO_PROP_I32, critical_mc, -100000, 300000, "millidegrees Celsius"),
	HEAT(MHO_HW_TOPO_RESISTANCE, MHO_PROP_U32, resistance_mc_per_w, 0, 1000000,
	     "millidegrees Celsius per watt"),
	HEAT(MHO_HW_TOPO_POWER_LIMIT, MHO_PROP_U32, power_limit_mw, 1, 1000000, "milliwatts"),
};

/* By the values of struct run.status. */
static const char *const status_words[] = { "okay", "failed", NULL };

static const struct mho_prop tile_properties[] = {
	{ .name = MHO_HW_TOPO_STATUS,
	  .kind = MHO_PROP_WORD,
	  .offset = offsetof(struct run, status),
	  .words = status_words },
	{ .name = MHO_HW_TOPO_ROWS,
	  .kind = MHO_PROP_U32,
	  .required = true,
	  .offset = offsetof(struct run, rows),
	  .min = 1,
	  .max = MHO_HW_TILE_DIM_MAX },
	{ .name = MHO_HW_TOPO_COLUMNS,
	  .kind = MHO_PROP_U32,
	  .required = true,
	  .offset = offsetof(struct run, cols),
	  .min = 1,
	  .max = MHO_HW_TILE_DIM_MAX },
	{ .name = MHO_HW_TOPO_TECHNOLOGY,
	  .kind = MHO_PROP_U32,
	  .required = true,
	  .offset = offsetof(struct run, phandle),
	  .min = 1,
	  .max = UINT32_MAX },
	/* Two cells: read_reg() */
	{ .name = MHO_HW_TOPO_REG, .kind = MHO_PROP_IGNORE, .required = true },
};

/* Children of the root that the binding does not describe but dtc may make. */
static const char *const ignored_nodes[] = { "__symbols__", "__fixups__", "__local_fixups__",
					     "aliases" };

static int __attribute__((format(printf, 3, 4)))
fail_node(struct parser *p, int node, const char *fmt, ...)
{
	char path[128], text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mho_props_fail(&p->err, p->fdt, node, "%s: %s",
		       mho_props_name(p->fdt, node, path, sizeof(path)), text);
	return -EINVAL;
}

static int read_root(struct parser *p)
{
	int ret = fdt_node_check_compatible(p->fdt, 0, MHO_HW_TOPO_COMPATIBLE);

	if (ret)
		return fail_node(
			p, 0,
			"property \"compatible\" does not hold \"%s\": this is no topology "
			"of a card",
			MHO_HW_TOPO_COMPATIBLE);
	return mho_props_read(p->fdt, 0, root_properties, ARRAY_SIZE(root_properties), p->topo,
			      &p->err);
}

static int no_children(struct parser *p, int node)
{
	int child = fdt_first_subnode(p->fdt, node);

	if (child >= 0)
		return fail_node(p, child, "is a node that the binding does not know");
	return 0;
}

static int read_limits(struct parser *p, int node)
{
	struct mho_topo_limits *l = &p->topo->limits;
	int ret;

	ret = mho_props_read(p->fdt, node, limit_properties, ARRAY_SIZE(limit_properties), l,
			     &p->err);
	if (ret)
		return ret;
	if (l->window_sram % MHO_HW_WINDOW_PAGE)
		return fail_node(p, node,
				 "property \"%s\" is %" PRIu32 ", must be a multiple of %d bytes",
				 MHO_HW_TOPO_WINDOW_SRAM, l->window_sram, MHO_HW_WINDOW_PAGE);
	return no_children(p, node);
}

static int read_thermal(struct parser *p, int node)
{
	struct mho_topo_thermal *t = &p->topo->thermal;
	int ret;

	ret = mho_props_read(p->fdt, node, thermal_properties, ARRAY_SIZE(thermal_properties), t,
			     &p->err);
	if (ret)
		return ret;
	if (t->ambient_mc >= t->warning_mc || t->warning_mc >= t->critical_mc)
		return fail_node(p, node,
				 "\"%s\" (%" PRId32 "), \"%s\" (%" PRId32 ") and \"%s\" (%" PRId32
				 ") must rise in this order",
				 MHO_HW_TOPO_AMBIENT, t->ambient_mc, MHO_HW_TOPO_WARN,
				 t->warning_mc, MHO_HW_TOPO_TRIP, t->critical_mc);
	return no_children(p, node);
}

/* Refuses a name or a phandle that an earlier technology has. */
static int check_unique(struct parser *p, int node, unsigned int index)
{
	const struct mho_tech *techs = p->topo->techs;

	for (unsigned int i = 0; i < index; i++) {
		if (strcmp(techs[i].name, techs[index].name) == 0)
			return fail_node(p, node, "two technologies have this name");
		if (p->phandles[index] && p->phandles[i] == p->phandles[index])
			return fail_node(p, node, "has the same phandle as technology \"%s\"",
					 techs[i].name);
	}
	return 0;
}

static int read_technologies(struct parser *p, int node)
{
	struct mho_topo *topo = p->topo;
	int child, ret;

	ret = mho_props_read(p->fdt, node, NULL, 0, NULL, &p->err);
	if (ret)
		return ret;
	topo->techs = calloc(MHO_HW_TOPO_TECHNOLOGIES_MAX, sizeof(*topo->techs));
	if (!topo->techs)
		return -ENOMEM;
	fdt_for_each_subnode(child, p->fdt, node)
	{
		unsigned int index = topo->ntechs;

		if (index == MHO_HW_TOPO_TECHNOLOGIES_MAX)
			return fail_node(p, node, "has more than %d technologies",
					 MHO_HW_TOPO_TECHNOLOGIES_MAX);
		ret = mho_topo_read_tech(p->fdt, child, &topo->techs[index], &p->err);
		if (!ret)
			ret = no_children(p, child);
		if (ret)
			return ret;
		p->phandles[index] = fdt_get_phandle(p->fdt, child);
		ret = check_unique(p, child, index);
		if (ret)
			return ret;
		topo->ntechs++;
	}
	if (!topo->ntechs)
		return fail_node(p, node, "has no technologies, must have at least one");
	return 0;
}

static int read_reg(struct parser *p, int node, struct run *run)
{
	const fdt32_t *reg;
	int len;

	reg = fdt_getprop(p->fdt, node, MHO_HW_TOPO_REG, &len);
	if (!reg || len != 2 * (int)sizeof(*reg))
		return fail_node(
			p, node,
			"property \"%s\" has %d bytes, must be two numbers: first tile and "
			"number of tiles",
			MHO_HW_TOPO_REG, reg ? len : 0);
	run->first = fdt32_ld(reg);
	run->count = fdt32_ld(reg + 1);
	if (!run->count)
		return fail_node(p, node,
				 "property \"%s\" says that there are 0 tiles, must be at least 1",
				 MHO_HW_TOPO_REG);
	if (run->first >= MHO_HW_TILES_MAX || run->count > MHO_HW_TILES_MAX - run->first)
		return fail_node(p, node,
				 "property \"%s\" names %" PRIu32 " tiles from number %" PRIu32
				 " on, but a card has at most %d",
				 MHO_HW_TOPO_REG, run->count, run->first, MHO_HW_TILES_MAX);
	return 0;
}

static int read_run(struct parser *p, int node)
{
	struct run *run = &p->runs[p->n_runs];
	int ret;

	if (p->n_runs == MHO_HW_TILES_MAX)
		return fail_node(p, 0, "there are more than %d nodes \"tiles@N\"",
				 MHO_HW_TILES_MAX);
	*run = (struct run){ .node = node };
	ret = mho_props_read(p->fdt, node, tile_properties, ARRAY_SIZE(tile_properties), run,
			     &p->err);
	if (!ret)
		ret = read_reg(p, node, run);
	if (!ret)
		ret = no_children(p, node);
	if (!ret)
		p->n_runs++;
	return ret;
}

static bool is_ignored(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(ignored_nodes); i++) {
		if (strcmp(name, ignored_nodes[i]) == 0)
			return true;
	}
	return false;
}

/* Nodes of which there is one: what to call for each. */
static const struct {
	const char *name;
	int (*read)(struct parser *p, int node);
} sections[] = {
	{ MHO_HW_TOPO_LIMITS, read_limits },
	{ MHO_HW_TOPO_THERMAL, read_thermal },
	{ MHO_HW_TOPO_TECHNOLOGIES, read_technologies },
};

static int read_child(struct parser *p, int node, bool *seen)
{
	const char *name = fdt_get_name(p->fdt, node, NULL);
	size_t tiles = strlen(MHO_HW_TOPO_TILES);

	if (!name)
		return fail_node(p, 0, "has a node without a name");
	for (unsigned int i = 0; i < ARRAY_SIZE(sections); i++) {
		if (strcmp(name, sections[i].name) != 0)
			continue;
		if (seen[i])
			return fail_node(p, node, "is there twice");
		seen[i] = true;
		return sections[i].read(p, node);
	}
	if (strncmp(name, MHO_HW_TOPO_TILES, tiles) == 0 && (!name[tiles] || name[tiles] == '@'))
		return read_run(p, node);
	if (is_ignored(name))
		return 0;
	return fail_node(p, node, "is a node that the binding does not know");
}

static int read_children(struct parser *p)
{
	bool seen[ARRAY_SIZE(sections)] = { false };
	int node, ret;

	fdt_for_each_subnode(node, p->fdt, 0)
	{
		ret = read_child(p, node, seen);
		if (ret)
			return ret;
	}
	if (!p->topo->techs)
		return fail_node(p, 0, "node \"%s\" is missing", MHO_HW_TOPO_TECHNOLOGIES);
	if (!p->n_runs)
		return fail_node(p, 0, "there is no node \"%s@0\": a card has at least one tile",
				 MHO_HW_TOPO_TILES);
	return 0;
}

static int resolve_technology(struct parser *p, struct run *run)
{
	for (unsigned int i = 0; i < p->topo->ntechs; i++) {
		if (p->phandles[i] == run->phandle) {
			run->tech = (uint16_t)i;
			return 0;
		}
	}
	return fail_node(p, run->node,
			 "property \"%s\" is phandle 0x%" PRIx32
			 ", must be that of a node below /%s",
			 MHO_HW_TOPO_TECHNOLOGY, run->phandle, MHO_HW_TOPO_TECHNOLOGIES);
}

static int by_first(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Tiles are numbered from 0 on, and each is in one run. */
static int check_runs(struct parser *p)
{
	uint32_t next = 0;

	qsort(p->runs, p->n_runs, sizeof(*p->runs), by_first);
	for (unsigned int i = 0; i < p->n_runs; i++) {
		const struct run *run = &p->runs[i];

		if (run->first < next)
			return fail_node(p, run->node,
					 "property \"%s\" begins with tile %" PRIu32
					 ", which belongs to another node, too: the next free "
					 "number is %" PRIu32,
					 MHO_HW_TOPO_REG, run->first, next);
		if (run->first > next)
			return fail_node(p, run->node,
					 "property \"%s\" begins with tile %" PRIu32
					 ", but no node has tile %" PRIu32
					 ": numbers must leave no "
					 "hole",
					 MHO_HW_TOPO_REG, run->first, next);
		next += run->count;
	}
	p->topo->ntiles = next;
	return 0;
}

static int make_tiles(struct parser *p)
{
	struct mho_topo *topo = p->topo;
	int ret;

	ret = check_runs(p);
	if (ret)
		return ret;
	topo->tiles = calloc(topo->ntiles, sizeof(*topo->tiles));
	if (!topo->tiles)
		return -ENOMEM;
	for (unsigned int i = 0; i < p->n_runs; i++) {
		struct run *run = &p->runs[i];

		ret = resolve_technology(p, run);
		if (ret)
			return ret;
		for (uint32_t t = run->first; t < run->first + run->count; t++)
			topo->tiles[t] = (struct mho_topo_tile){
				.rows = (uint16_t)run->rows,
				.cols = (uint16_t)run->cols,
				.tech = run->tech,
				.failed = run->status != 0,
			};
		topo->cells += (uint64_t)run->count * run->rows * run->cols;
	}
	return 0;
}

static int override_technology(struct parser *p, const char *name)
{
	struct mho_topo *topo = p->topo;
	char known[256] = "";
	size_t used = 0;
	int index = mho_topo_find_tech(topo, name);

	if (index >= 0) {
		for (unsigned int i = 0; i < topo->ntiles; i++)
			topo->tiles[i].tech = (uint16_t)index;
		return 0;
	}
	for (unsigned int i = 0; i < topo->ntechs && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 topo->techs[i].name);
	snprintf(p->err.text, p->err.size, "the topology has no technology \"%.64s\"; it has: %s",
		 name, known);
	mho_props_printable(p->err.text);
	return -EINVAL;
}

static void set_defaults(struct mho_topo *topo)
{
	topo->limits = (struct mho_topo_limits){
		.queues = 16,
		.queue_order = 10,
		.contexts = 64,
		.keys = 4096,
		.arrays = 1024,
		.batch = 4096,
		.window_sram = 0,
	};
	topo->thermal = (struct mho_topo_thermal){
		.ambient_mc = 25000,
		.warning_mc = 85000,
		.critical_mc = 100000,
		.resistance_mc_per_w = 2000,
		.power_limit_mw = 25000,
	};
}

static int parse(struct parser *p, const char *tech_override)
{
	char *text = p->err.text;
	int ret;

	ret = read_root(p);
	if (!ret)
		ret = read_children(p);
	if (!ret)
		ret = make_tiles(p);
	if (ret == -EINVAL)
		strncat(text, REMEDY, p->err.size - strlen(text) - 1);
	if (!ret && tech_override)
		ret = override_technology(p, tech_override);
	return ret;
}

static int check_blob(const void *dtb, size_t len, struct mho_props_error *err)
{
	int ret;

	if (len > MHO_HW_TOPO_SIZE_MAX) {
		snprintf(err->text, err->size,
			 "the topology has %zu bytes, at most %u are allowed: "
			 "is this a device-tree blob of a card?",
			 len, MHO_HW_TOPO_SIZE_MAX);
		return -EINVAL;
	}
	ret = mho_props_check(dtb, len);
	if (ret == -FDT_ERR_TRUNCATED)
		snprintf(err->text, err->size,
			 "the topology is cut off after %zu bytes: compile it again with dtc", len);
	else if (ret == -FDT_ERR_BADMAGIC)
		snprintf(err->text, err->size,
			 "the topology is no device-tree blob (it does not "
			 "begin with 0x%x): compile it with dtc",
			 FDT_MAGIC);
	else if (ret)
		snprintf(err->text, err->size,
			 "the topology is no proper device-tree blob (%s): "
			 "compile it again with dtc",
			 fdt_strerror(ret));
	return ret ? -EINVAL : 0;
}

int mho_topo_parse(const void *dtb, size_t len, const char *tech_override, struct mho_topo **out,
		   char *err, size_t err_len)
{
	char text[768] = "";
	struct parser p = { .err = { .text = text, .size = sizeof(text) } };
	void *copy = NULL;
	int ret;

	if (len <= MHO_HW_TOPO_SIZE_MAX) {
		copy = mho_props_copy(dtb, len);
		if (!copy) {
			ret = -ENOMEM;
			goto out;
		}
	}
	ret = check_blob(copy, len, &p.err);
	if (ret)
		goto out;
	p.fdt = copy;
	p.runs = calloc(MHO_HW_TILES_MAX, sizeof(*p.runs));
	p.topo = calloc(1, sizeof(*p.topo));
	if (!p.runs || !p.topo) {
		ret = -ENOMEM;
		goto out;
	}
	set_defaults(p.topo);
	ret = parse(&p, tech_override);
out:
	if (ret == -ENOMEM)
		snprintf(text, sizeof(text), "no memory to read the topology");
	if (ret) {
		mho_topo_free(p.topo);
		snprintf(err, err ? err_len : 0, "%s", text);
	} else {
		*out = p.topo;
	}
	free(p.runs);
	free(copy);
	return ret;
}

void mho_topo_free(struct mho_topo *topo)
{
	if (!topo)
		return;
	free(topo->tiles);
	free(topo->techs);
	free(topo);
}

int mho_topo_find_tech(const struct mho_topo *topo, const char *name)
{
	for (unsigned int i = 0; i < topo->ntechs; i++) {
		if (strcmp(topo->techs[i].name, name) == 0)
			return (int)i;
	}
	return -ENOENT;
}
