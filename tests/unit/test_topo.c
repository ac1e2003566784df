// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Topologies: the shipped ones, the binding's document against the parser, and the
 * sentence that each kind of absurd value gets. Blobs are the shipped ones, edited
 * with libfdt. Runs from the top of the tree, where the binding is found.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "mho_hw.h"
#include "core/blob.h"
#include "emulator/topo.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ROOM (16 << 10)
#define BINDING "firmware-if/bindings/mho,card-1.yaml"

static struct mho_topo *parse_blob(const char *name, const char *tech)
{
	const struct mho_blob *blob = mho_blob_find(name);
	struct mho_topo *topo = NULL;
	char err[768] = "";

	assert_non_null(blob);
	if (mho_topo_parse(blob->data, blob->len, tech, &topo, err, sizeof(err)))
		fail_msg("%s: %s", name, err);
	return topo;
}

/* A copy of a shipped topology with room for edits; to be freed. */
static void *editable(const char *name)
{
	const struct mho_blob *blob = mho_blob_find(name);
	void *fdt;

	assert_non_null(blob);
	fdt = calloc(1, blob->len + ROOM);
	assert_non_null(fdt);
	assert_int_equal(fdt_open_into(blob->data, fdt, (int)blob->len + ROOM), 0);
	return fdt;
}

static int node(const void *fdt, const char *path)
{
	int offset = fdt_path_offset(fdt, path);

	if (offset < 0)
		fail_msg("no node %s in the topology", path);
	return offset;
}

/* Parses and frees @fdt; expects a sentence with all of @words, which ends with NULL. */
static void expect_words(void *fdt, const char *const *words)
{
	struct mho_topo *topo = NULL;
	char err[768] = "";
	int ret = mho_topo_parse(fdt, fdt_totalsize(fdt), NULL, &topo, err, sizeof(err));

	free(fdt);
	if (ret != -EINVAL)
		fail_msg("%d instead of -EINVAL; expected \"%s\"", ret, words[0]);
	assert_null(topo);
	for (; *words; words++) {
		if (!strstr(err, *words))
			fail_msg("\"%s\" does not contain \"%s\"", err, *words);
	}
	/* What to do is in every sentence. */
	assert_non_null(strstr(err, "compile it again"));
}

#define expect(fdt, ...) expect_words(fdt, (const char *const[]){ __VA_ARGS__, NULL })

static void *with_cells(const char *path, const char *name, const uint32_t *cells, unsigned int n)
{
	void *fdt = editable("topology/small");
	fdt32_t data[8];

	for (unsigned int i = 0; i < n; i++)
		data[i] = cpu_to_fdt32(cells[i]);
	assert_int_equal(fdt_setprop(fdt, node(fdt, path), name, data, (int)(n * sizeof(data[0]))),
			 0);
	return fdt;
}

#define CELLS(path, name, ...)                                    \
	with_cells(path, name, (const uint32_t[]){ __VA_ARGS__ }, \
		   sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void *with_string(const char *path, const char *name, const char *value)
{
	void *fdt = editable("topology/small");

	assert_int_equal(fdt_setprop_string(fdt, node(fdt, path), name, value), 0);
	return fdt;
}

static void *without(const char *path, const char *name)
{
	void *fdt = editable("topology/small");

	assert_int_equal(name ? fdt_delprop(fdt, node(fdt, path), name) :
				fdt_del_node(fdt, node(fdt, path)),
			 0);
	return fdt;
}

#define TILES "/tiles@0"
#define TECH "/technologies/protonic-ns"

/* --- shipped topologies ------------------------------------------------------------------- */

static void test_shipped(void **state)
{
	static const struct {
		const char *name;
		unsigned int tiles;
		uint64_t cells;
	} cards[] = {
		{ "topology/small", 4, 4 * 16 * 16 },
		{ "topology/default", 16, 16 * 256 * 256 },
		{ "topology/large", 64, 64 * 512 * 512 },
		{ "topology/mixed", 16, 7 * 16384 + 16384 + 6 * 16384 + 2 * 4096 },
	};
	static const char *const technologies[] = {
		"ideal",	 "constant-step", "soft-bounds", "protonic-ns",	   "protonic-2020",
		"protonic-2021", "rpu-gv2016",	  "idealized",	 "ecram-li",	   "ecram-mo",
		"reram-sb",	 "reram-om",	  "capacitor",	 "softbounds-tau", "pcm"
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cards); i++) {
		struct mho_topo *topo = parse_blob(cards[i].name, NULL);

		assert_int_equal(topo->ntiles, cards[i].tiles);
		assert_int_equal(topo->cells, cards[i].cells);
		assert_true(topo->model[0]);
		for (unsigned int t = 0; t < ARRAY_SIZE(technologies); t++)
			assert_int_equal(mho_topo_find_tech(topo, technologies[t]), t);
		mho_topo_free(topo);
	}
	/* Each topology that is shipped, also one that is added later. */
	for (size_t i = 0; i < mho_nblobs; i++) {
		if (strncmp(mho_blobs[i].name, "topology/", 9) == 0)
			mho_topo_free(parse_blob(mho_blobs[i].name, NULL));
	}
}

static void test_mixed(void **state)
{
	struct mho_topo *topo = parse_blob("topology/mixed", NULL);

	(void)state;
	for (unsigned int i = 0; i < topo->ntiles; i++)
		assert_int_equal(topo->tiles[i].failed, i == 4);
	assert_int_equal(topo->tiles[11].rows, 64);
	assert_int_equal(topo->tiles[11].cols, 256);
	assert_string_equal(topo->techs[topo->tiles[11].tech].name, "constant-step");
	assert_string_equal(topo->techs[topo->tiles[15].tech].name, "protonic-2020");
	assert_true(topo->techs[topo->tiles[0].tech].adc_gain_std == 0.02f);
	assert_int_equal(topo->thermal.power_limit_mw, 15000);
	assert_int_equal(topo->limits.window_sram, 8192);
	mho_topo_free(topo);
}

static void test_override(void **state)
{
	struct mho_topo *topo = parse_blob("topology/mixed", "ideal");
	const struct mho_blob *blob = mho_blob_find("topology/small");
	char err[768];

	(void)state;
	for (unsigned int i = 0; i < topo->ntiles; i++)
		assert_int_equal(topo->tiles[i].tech, 0);
	assert_true(topo->tiles[4].failed);
	mho_topo_free(topo);
	assert_non_null(blob);
	assert_int_equal(mho_topo_parse(blob->data, blob->len, "protonic-n", &topo, err,
					sizeof(err)),
			 -EINVAL);
	assert_non_null(strstr(err, "\"protonic-n\""));
	assert_non_null(
		strstr(err, "ideal, constant-step, soft-bounds, protonic-ns, protonic-2020"));
}

static void test_presets(void **state)
{
	struct mho_topo *topo = parse_blob("topology/default", NULL);
	const struct mho_tech *ns = &topo->techs[mho_topo_find_tech(topo, "protonic-ns")];
	const struct mho_tech *old = &topo->techs[mho_topo_find_tech(topo, "protonic-2020")];
	const struct mho_tech *ideal = &topo->techs[mho_topo_find_tech(topo, "ideal")];

	(void)state;
	assert_int_equal(ns->model, MHO_MODEL_LINEAR_STEP);
	assert_true(ns->dw_min == 0.002f && ns->dw_min_std == 0.33f && ns->gamma_up == 0.1f);
	assert_true(ns->w_min == -1 && ns->w_max == 1);
	assert_true(ns->pulse_v == 10 && ns->pulse_s == 5e-9 && ns->thickness_m == 10e-9);
	assert_true(ns->g_min_s == 10e-9 && ns->g_max_s == 200e-9);
	assert_true(ns->read_v == 0.2 && ns->read_s == 80e-9 && ns->thermal_noise);
	assert_true(ns->ion_j == 15e-18 && ns->gate_f == 25e-18);
	assert_int_equal(ns->endurance, 10000000);
	/* The same step, a million times as long. */
	assert_true(old->pulse_s == 5e-3);
	assert_true(fabs(old->pulse_s / ns->pulse_s - 1e6) < 1e-3);
	assert_true(fabs(mho_tech_step(old) / mho_tech_step(ns) - 1) < 1e-5);
	assert_true(fabs(old->pulse_v - 2.86) < 0.005);
	assert_true(fabs(mho_tech_step(&topo->techs[mho_topo_find_tech(topo, "protonic-2021")]) /
				 mho_tech_step(ns) -
			 1) < 0.03);
	assert_int_equal(ideal->model, MHO_MODEL_IDEAL);
	assert_true(!ideal->dac_bits && !ideal->adc_bits && ideal->out_bound == 0);
	assert_string_equal(mho_topo_law(ns->model), MHO_HW_TECH_LINEAR_STEP);
	mho_topo_free(topo);
}

/* --- the document of the binding ---------------------------------------------------------- */

enum document_part {
	PART_NONE,
	PART_LIMITS,
	PART_THERMAL,
	PART_TECHNOLOGY
};

/* A property as the document has it. */
struct documented {
	enum document_part part;
	char name[64];
	bool number;
	long long min, max;
	char fallback[32];
};

/* Reads the next property that has a default and passes it on; the document's layout is fixed. */
static unsigned int each_documented(void (*check)(const struct documented *d))
{
	FILE *f = fopen(BINDING, "r");
	struct documented d = { 0 };
	enum document_part part = PART_NONE;
	char line[200], key[64];
	unsigned int n = 0;

	if (!f)
		fail_msg("%s cannot be opened: run the test from the top of the tree", BINDING);
	while (fgets(line, sizeof(line), f)) {
		unsigned int indent = (unsigned int)strspn(line, " ");

		if (sscanf(line, " %63[a-z0-9-]:", key) != 1)
			continue;
		if (indent == 2)
			part = strcmp(key, "limits") == 0     ? PART_LIMITS :
			       strcmp(key, "thermal") == 0    ? PART_THERMAL :
			       strcmp(key, "technology") == 0 ? PART_TECHNOLOGY :
								PART_NONE;
		if (part == PART_NONE)
			continue;
		if (indent == 6) {
			memset(&d, 0, sizeof(d));
			d.part = part;
			snprintf(d.name, sizeof(d.name), "%s", key);
		}
		if (indent != 8)
			continue;
		if (sscanf(line, " minimum: %lld", &d.min) == 1)
			d.number = true;
		sscanf(line, " maximum: %lld", &d.max);
		if (sscanf(line, " default: %31[^\n]", d.fallback) == 1) {
			check(&d);
			n++;
		}
	}
	fclose(f);
	return n;
}

/* A small topology whose first technology, limits or heat have no properties; one is added. */
static void *bare(const struct documented *d, const char *word, long long number)
{
	void *fdt = editable("topology/small");
	const char *path = d->part == PART_LIMITS  ? "/limits" :
			   d->part == PART_THERMAL ? "/thermal" :
						     "/technologies/blank";
	int offset;

	assert_int_equal(fdt_del_node(fdt, node(fdt, "/limits")), 0);
	assert_int_equal(fdt_del_node(fdt, node(fdt, "/thermal")), 0);
	assert_true(fdt_add_subnode(fdt, 0, "limits") >= 0);
	assert_true(fdt_add_subnode(fdt, 0, "thermal") >= 0);
	offset = fdt_add_subnode(fdt, node(fdt, "/technologies"), "blank");
	assert_true(offset >= 0);
	assert_int_equal(fdt_setprop_string(fdt, offset, "compatible", MHO_HW_TECH_CONSTANT_STEP),
			 0);
	offset = node(fdt, path);
	if (word)
		assert_int_equal(fdt_setprop_string(fdt, offset, d->name, word), 0);
	else if (number >= INT32_MIN && number <= UINT32_MAX)
		assert_int_equal(fdt_setprop_u32(fdt, offset, d->name, (uint32_t)number), 0);
	else
		assert_int_equal(fdt_setprop_u64(fdt, offset, d->name, (uint64_t)number), 0);
	return fdt;
}

/* Parses a bare topology and frees the blob. */
static struct mho_topo *parse_bare(void *fdt, char *err, size_t len)
{
	struct mho_topo *topo = NULL;

	*err = '\0';
	mho_topo_parse(fdt, fdt_totalsize(fdt), NULL, &topo, err, len);
	free(fdt);
	return topo;
}

/* With its documented default a property changes nothing. */
static void check_default(const struct documented *d)
{
	const char *word = d->number ? NULL : d->fallback;
	char text[32], err[768];
	struct mho_topo *with, *plain;
	void *fdt;

	if (word && *word == '\'') {
		snprintf(text, sizeof(text), "%.*s", (int)strlen(word) - 2, word + 1);
		word = text;
	}
	fdt = bare(d, word, strtoll(d->fallback, NULL, 10));
	with = parse_bare(fdt, err, sizeof(err));
	if (!with)
		fail_msg("%s with its default %s: %s", d->name, d->fallback, err);
	fdt = bare(d, word, strtoll(d->fallback, NULL, 10));
	assert_int_equal(fdt_delprop(fdt,
				     node(fdt, d->part == PART_LIMITS  ? "/limits" :
					       d->part == PART_THERMAL ? "/thermal" :
									 "/technologies/blank"),
				     d->name),
			 0);
	plain = parse_bare(fdt, err, sizeof(err));
	assert_non_null(plain);
	if (memcmp(&with->limits, &plain->limits, sizeof(with->limits)) != 0 ||
	    memcmp(&with->thermal, &plain->thermal, sizeof(with->thermal)) != 0 ||
	    memcmp(&with->techs[0], &plain->techs[0], sizeof(with->techs[0])) != 0)
		fail_msg("%s: the default is not %s", d->name, d->fallback);
	mho_topo_free(with);
	mho_topo_free(plain);
}

/* Beyond its documented range a number is refused; at the ends of the range it is not. */
static void check_range(const struct documented *d)
{
	struct mho_topo *topo;
	char err[768];

	if (!d->number)
		return;
	if (d->min > INT32_MIN && d->max < INT64_MAX) {
		for (int end = 0; end < 2; end++) {
			topo = parse_bare(bare(d, NULL, end ? d->max + 1 : d->min - 1), err,
					  sizeof(err));
			/* 4294967295 and -1 are one cell. */
			if (topo || !strstr(err, d->name))
				fail_msg("%s: %lld is not refused as it should be: %s", d->name,
					 end ? d->max + 1 : d->min - 1, err);
			mho_topo_free(topo);
		}
	}
	for (int end = 0; end < 2; end++) {
		topo = parse_bare(bare(d, NULL, end ? d->max : d->min), err, sizeof(err));
		/* What more than one property decides has a sentence of its own. */
		if (!topo && !strstr(err, "must be less than") && !strstr(err, "must rise") &&
		    !strstr(err, "need a full scale") && !strstr(err, "of weight 0"))
			fail_msg("%s: %lld is refused: %s", d->name, end ? d->max : d->min, err);
		mho_topo_free(topo);
	}
}

static void test_documented_defaults(void **state)
{
	(void)state;
	/* 7 limits, 5 of heat, 98 of a technology. */
	assert_int_equal(each_documented(check_default), 7 + 5 + 98);
}

static void test_documented_ranges(void **state)
{
	(void)state;
	assert_true(each_documented(check_range) > 50);
}

/* --- absurd values ------------------------------------------------------------------------ */

static void test_bad_tiles(void **state)
{
	(void)state;
	expect(CELLS(TILES, "rows", 0), TILES ": property \"rows\" is 0, must be 1 to 4096");
	expect(CELLS(TILES, "columns", 4097), TILES ": property \"columns\" is 4097", "1 to 4096");
	expect(CELLS(TILES, "rows", 16, 16), "\"rows\" has 8 bytes", "4 bytes");
	expect(CELLS(TILES, "technology", 0x7777), TILES, "phandle 0x7777", "/technologies");
	expect(CELLS(TILES, "reg", 0, 0), TILES, "0 tiles, must be at least 1");
	expect(CELLS(TILES, "reg", 0, 4097), TILES, "4097 tiles", "at most 4096");
	expect(CELLS(TILES, "reg", 4095, 2), TILES, "2 tiles from number 4095");
	expect(CELLS(TILES, "reg", 1, 0xffffffff), TILES, "at most 4096");
	expect(CELLS(TILES, "reg", 4), TILES, "\"reg\" has 4 bytes", "two numbers");
	expect(CELLS(TILES, "reg", 1, 3), TILES, "begins with tile 1", "tile 0", "no hole");
	expect(CELLS(TILES, "row", 4), TILES ": property \"row\" is unknown", "\"rows\" meant");
	expect(with_string(TILES, "status", "broken"), "\"status\" is \"broken\"",
	       "\"okay\" or \"failed\"");
	expect(without(TILES, "rows"), TILES ": property \"rows\" is missing");
	expect(without(TILES, "columns"), "\"columns\" is missing");
	expect(without(TILES, "technology"), "\"technology\" is missing");
	expect(without(TILES, "reg"), "\"reg\" is missing");
	expect(without(TILES, NULL), "no node \"tiles@0\"");
}

/* Adds a run of tiles like the first. */
static void *second_run(const char *name, uint32_t first, uint32_t count)
{
	void *fdt = editable("topology/small");
	const fdt32_t *technology = fdt_getprop(fdt, node(fdt, TILES), "technology", NULL);
	uint32_t phandle = fdt32_ld(technology);
	const fdt32_t reg[] = { cpu_to_fdt32(first), cpu_to_fdt32(count) };
	int offset = fdt_add_subnode(fdt, 0, name);

	assert_true(offset >= 0);
	assert_int_equal(fdt_setprop(fdt, offset, "reg", reg, sizeof(reg)), 0);
	assert_int_equal(fdt_setprop_u32(fdt, offset, "rows", 8), 0);
	assert_int_equal(fdt_setprop_u32(fdt, offset, "columns", 8), 0);
	assert_int_equal(fdt_setprop_u32(fdt, offset, "technology", phandle), 0);
	return fdt;
}

static void test_runs(void **state)
{
	struct mho_topo *topo = NULL;
	void *fdt = second_run("tiles@4", 4, 2);

	(void)state;
	/* libfdt puts a new node before the others: the order of nodes does not matter. */
	assert_int_equal(mho_topo_parse(fdt, fdt_totalsize(fdt), NULL, &topo, NULL, 0), 0);
	assert_int_equal(topo->ntiles, 6);
	assert_int_equal(topo->tiles[3].rows, 16);
	assert_int_equal(topo->tiles[5].rows, 8);
	mho_topo_free(topo);
	free(fdt);
	expect(second_run("tiles@3", 3, 2), "/tiles@3", "begins with tile 3", "another node",
	       "next free number is 4");
	expect(second_run("tiles@1", 0, 4), "begins with tile 0", "another node");
	expect(second_run("tiles@5", 5, 1), "/tiles@5", "begins with tile 5", "no node has tile 4");
	expect(second_run("tile@4", 4, 1), "/tile@4", "the binding does not know");
}

static void test_bad_technologies(void **state)
{
	char name[40];
	void *fdt;

	(void)state;
	expect(CELLS(TECH, "step-ppm", 0), TECH ": property \"step-ppm\" is 0", "millionths");
	expect(CELLS(TECH, "step-ppm", 0x80000000), "-2147483648");
	expect(CELLS(TECH, "step", 2000), TECH ": property \"step\" is unknown");
	expect(CELLS(TECH, "step-pmm", 2000), "is \"step-ppm\" meant?");
	expect(CELLS(TECH, "step-ppm", 0, 2000),
	       "\"step-ppm\" has 8 bytes, must be one number of 4");
	expect(CELLS(TECH, "pulse-picoseconds", 1, 2, 3), "has 12 bytes", "4 or 8 bytes");
	expect(CELLS(TECH, "pulse-picoseconds", 0xffffffff, 0xffffffff), "pulse-picoseconds",
	       "must be 1 to 1000000000000 picoseconds");
	expect(CELLS(TECH, "pulse-microvolt", 0), "\"pulse-microvolt\" is 0", "microvolts");
	expect(CELLS(TECH, "weight-min-ppm", 600000), "\"weight-min-ppm\" is 600000");
	expect(CELLS(TECH, "weight-max-ppm", (uint32_t)-600000), "\"weight-max-ppm\" is -600000");
	expect(CELLS(TECH, "conductance-min-picosiemens", 200000), TECH, "is 200000",
	       "must be less than \"conductance-max-picosiemens\"");
	expect(CELLS(TECH, "adc-full-scale-ppm", 0), TECH, "full scale");
	expect(CELLS(TECH, "adc-bits", 1), TECH, "at least 2 bits");
	expect(CELLS(TECH, "adc-bits", 64), "\"adc-bits\" is 64");
	expect(CELLS(TECH, "train-length", 256), "\"train-length\" is 256, must be 1 to 255 slots");
	expect(CELLS(TECH, "pulse-microvolt", 100000), TECH, "weight step");
	expect(CELLS(TECH, "thermal-noise", 1), "\"thermal-noise\" must be one string");
	expect(with_string(TECH, "thermal-noise", "yes"), "is \"yes\", must be \"off\" or \"on\"");
	expect(with_string(TECH, "noise-management", "min"), "\"abs-max\"");
	expect(with_string(TECH, "compatible", "mho,quadratic"), TECH, "update law",
	       "mho,linear-step");
	expect(without(TECH, "compatible"), TECH, "update law");
	expect(with_string(TECH, "compatible", MHO_HW_TECH_PIECEWISE_STEP), TECH,
	       "curve of steps up has 0 points");
	expect(CELLS(TECH, "curve-up-ppm", 1000000), "\"curve-up-ppm\" has 4 bytes",
	       "2 to 32 numbers");
	expect(CELLS(TECH, "curve-down-ppm", 1000000, (uint32_t)-1), "\"curve-down-ppm\" is -1");
	expect(with_string("/technologies/constant-step", "half-select", "v/2"),
	       "/technologies/constant-step", "half-select needs field-driven");
	expect(CELLS("/technologies/ideal", "pulse-noise", 1), "must be one string");
	expect(without("/technologies", NULL), "node \"technologies\" is missing");

	fdt = editable("topology/small");
	assert_true(fdt_add_subnode(fdt, node(fdt, TECH), "extra") >= 0);
	expect(fdt, TECH "/extra", "does not know");
	fdt = editable("topology/small");
	snprintf(name, sizeof(name), "%032d", 1);
	assert_true(fdt_add_subnode(fdt, node(fdt, "/technologies"), name) >= 0);
	expect(fdt, "must have 1 to 31 characters");
	fdt = editable("topology/small");
	assert_int_equal(fdt_set_name(fdt, node(fdt, TECH), "ideal"), 0);
	expect(fdt, "/technologies/ideal", "two technologies");
	fdt = editable("topology/small");
	assert_int_equal(fdt_setprop_u32(fdt, node(fdt, "/technologies/ideal"), "phandle",
					 fdt_get_phandle(fdt, node(fdt, TECH))),
			 0);
	expect(fdt, TECH, "same phandle as technology \"ideal\"");
	fdt = editable("topology/small");
	for (unsigned int i = 0; i < MHO_HW_TOPO_TECHNOLOGIES_MAX; i++) {
		int offset;

		snprintf(name, sizeof(name), "more-%u", i);
		offset = fdt_add_subnode(fdt, node(fdt, "/technologies"), name);
		assert_true(offset >= 0);
		fdt_setprop_string(fdt, offset, "compatible", MHO_HW_TECH_IDEAL);
	}
	expect(fdt, "more than 64 technologies");
}

static void test_bad_rest(void **state)
{
	static char long_model[80];
	void *fdt;

	(void)state;
	expect(with_string("/", "compatible", "mho,card-2"), "mho,card-1", "no topology");
	expect(without("/", "model"), "/: property \"model\" is missing");
	expect(with_string("/", "model", ""), "\"model\" has 0 characters", "1 to 63");
	memset(long_model, 'x', sizeof(long_model) - 1);
	expect(with_string("/", "model", long_model), "has 79 characters");
	expect(with_string("/", "model", "a\nb"), "printable ASCII");
	expect(with_string("/", "modell", "a"), "is \"model\" meant?");
	expect(CELLS("/limits", "queues", 0),
	       "/limits: property \"queues\" is 0, must be 1 to 256");
	expect(CELLS("/limits", "queues", 257), "257");
	expect(CELLS("/limits", "queue-order", 16), "\"queue-order\" is 16", "1 to 15");
	expect(CELLS("/limits", "contexts", 65536), "65536", "1 to 65535");
	expect(CELLS("/limits", "batch", 65537), "65537", "1 to 65536");
	expect(CELLS("/limits", "window-sram-bytes", 100), "multiple of 4096");
	expect(CELLS("/limits", "queue", 4), "is \"queues\" meant?");
	expect(CELLS("/thermal", "warning-millicelsius", 25000), "must rise in this order");
	expect(CELLS("/thermal", "critical-millicelsius", 85000), "must rise");
	expect(CELLS("/thermal", "power-limit-milliwatt", 0), "\"power-limit-milliwatt\" is 0");

	fdt = editable("topology/small");
	assert_true(fdt_add_subnode(fdt, 0, "limit") >= 0);
	expect(fdt, "/limit: is a node that the binding does not know");
	fdt = editable("topology/small");
	assert_int_equal(fdt_set_name(fdt, node(fdt, "/thermal"), "limits"), 0);
	expect(fdt, "/limits");
	fdt = editable("topology/small");
	assert_true(fdt_add_subnode(fdt, node(fdt, "/limits"), "limits") >= 0);
	expect(fdt, "/limits/limits");
}

/* libfdt writes no property twice, and dtc refuses it; a blob can have it all the same. */
static void test_property_twice(void **state)
{
	void *fdt = editable("topology/small");
	int limits, first, second, len;
	struct fdt_property *a, *b;
	const struct fdt_property *p;

	(void)state;
	limits = node(fdt, "/limits");
	first = fdt_first_property_offset(fdt, limits);
	second = fdt_next_property_offset(fdt, first);
	p = fdt_get_property_by_offset(fdt, first, &len);
	a = (struct fdt_property *)(uintptr_t)p;
	p = fdt_get_property_by_offset(fdt, second, &len);
	b = (struct fdt_property *)(uintptr_t)p;
	b->nameoff = a->nameoff;
	expect(fdt, "/limits", "is there twice");
}

/* Lengths that wrap: one of -12 makes libfdt's own check go round in circles. */
static void test_property_length_wraps(void **state)
{
	static const uint32_t lengths[] = { 0xfffffff4, 0xfffffff8, 0xfffffff0, 0xffffffff,
					    0x80000000, 0x7fffffff, 0x7ffffff4, 16000 };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		void *fdt = editable("topology/small");
		const struct fdt_property *p;
		int len;

		p = fdt_get_property(fdt, node(fdt, TECH), "step-ppm", &len);
		((struct fdt_property *)(uintptr_t)p)->len = cpu_to_fdt32(lengths[i]);
		expect(fdt,
		       lengths[i] == 16000 ? "proper device-tree blob" : "FDT_ERR_BADSTRUCTURE");
	}
}

/* Cells that hydrogen takes are worn out then, whatever the budget says. */
static void test_hydrogen(void **state)
{
	void *fdt = CELLS(TECH, "hydrogen-microvolt", 8000000);
	int at = node(fdt, TECH);
	struct mho_topo *topo = NULL;

	(void)state;
	assert_int_equal(mho_topo_parse(fdt, fdt_totalsize(fdt), NULL, &topo, NULL, 0), 0);
	assert_int_equal(topo->techs[mho_topo_find_tech(topo, "protonic-ns")].endurance, 10000000);
	mho_topo_free(topo);
	assert_int_equal(fdt_setprop_u32(fdt, at, "pulse-picoseconds", 1000001), 0);
	assert_int_equal(fdt_setprop_u32(fdt, at, "step-ppm", 100), 0);
	assert_int_equal(fdt_setprop_u32(fdt, at, "hydrogen-pulses", 77), 0);
	assert_int_equal(mho_topo_parse(fdt, fdt_totalsize(fdt), NULL, &topo, NULL, 0), 0);
	assert_int_equal(topo->techs[mho_topo_find_tech(topo, "protonic-ns")].endurance, 77);
	mho_topo_free(topo);
	free(fdt);
}

static void test_curves(void **state)
{
	const uint32_t up[] = { 1500000, 1000000, 0 }, down[] = { 250000, 1250000 };
	void *fdt = with_cells(TECH, "curve-up-ppm", up, 3);
	struct mho_topo *topo = NULL;
	const struct mho_tech *tech;
	fdt32_t cells[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		cells[i] = cpu_to_fdt32(down[i]);
	assert_int_equal(fdt_setprop(fdt, node(fdt, TECH), "curve-down-ppm", cells, sizeof(cells)),
			 0);
	assert_int_equal(fdt_setprop_string(fdt, node(fdt, TECH), "compatible",
					    MHO_HW_TECH_PIECEWISE_STEP),
			 0);
	assert_int_equal(mho_topo_parse(fdt, fdt_totalsize(fdt), NULL, &topo, NULL, 0), 0);
	tech = &topo->techs[mho_topo_find_tech(topo, "protonic-ns")];
	assert_int_equal(tech->curve_up.points, 3);
	assert_true(tech->curve_up.step[0] == 1.5f && tech->curve_up.step[2] == 0);
	assert_int_equal(tech->curve_down.points, 2);
	assert_true(tech->curve_down.step[0] == 0.25f && tech->curve_down.step[1] == 1.25f);
	mho_topo_free(topo);
	free(fdt);
}

/* --- blobs that are none ------------------------------------------------------------------ */

static void test_bad_blobs(void **state)
{
	const struct mho_blob *blob = mho_blob_find("topology/small");
	char *large = calloc(1, MHO_HW_TOPO_SIZE_MAX + 1);
	struct mho_topo *topo = NULL;
	char err[200];

	(void)state;
	assert_true(blob && large);
	assert_int_equal(mho_topo_parse("text, not a blob", 16, NULL, &topo, err, sizeof(err)),
			 -EINVAL);
	assert_non_null(strstr(err, "no device-tree blob"));
	memcpy(large, blob->data, blob->len);
	assert_int_equal(mho_topo_parse(large, MHO_HW_TOPO_SIZE_MAX + 1, NULL, &topo, err,
					sizeof(err)),
			 -EINVAL);
	assert_non_null(strstr(err, "1048577 bytes, at most 1048576"));
	/* Unaligned, with bytes behind the end. */
	memmove(large + 5, large, blob->len);
	assert_int_equal(mho_topo_parse(large + 5, blob->len + 50, NULL, &topo, err, sizeof(err)),
			 0);
	mho_topo_free(topo);
	free(large);
	for (size_t len = 0; len < blob->len; len++) {
		char *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, blob->data, len);
		assert_int_equal(mho_topo_parse(copy, len, NULL, &topo, err, sizeof(err)), -EINVAL);
		assert_non_null(strstr(err, "cut off"));
		free(copy);
	}
	mho_topo_free(NULL);
}

/* Whatever a bit makes of it: a sentence, or a topology within the limits of the contract. */
static void test_bit_flips(void **state)
{
	const struct mho_blob *blob = mho_blob_find("topology/mixed");
	uint8_t *copy;
	unsigned int refused = 0;

	(void)state;
	assert_non_null(blob);
	copy = malloc(blob->len);
	assert_non_null(copy);
	memcpy(copy, blob->data, blob->len);
	for (size_t i = 0; i < blob->len; i++) {
		struct mho_topo *topo = NULL;
		char err[768] = "";
		uint8_t bit = (uint8_t)(1U << i * 5 % 8);

		copy[i] ^= bit;
		if (mho_topo_parse(copy, blob->len, NULL, &topo, err, sizeof(err))) {
			assert_true(strlen(err) > 20);
			for (const char *c = err; *c; c++)
				assert_in_range(*c, 0x20, 0x7e);
			refused++;
		} else {
			assert_true(topo->ntiles >= 1 && topo->ntiles <= MHO_HW_TILES_MAX);
			for (unsigned int t = 0; t < topo->ntiles; t++)
				assert_true(topo->tiles[t].rows && topo->tiles[t].cols &&
					    topo->tiles[t].tech < topo->ntechs);
			mho_topo_free(topo);
		}
		copy[i] ^= bit;
	}
	assert_true(refused > blob->len / 2);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_documented_defaults),
		cmocka_unit_test(test_documented_ranges),
		cmocka_unit_test(test_bad_tiles),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_bad_technologies),
		cmocka_unit_test(test_curves),
		cmocka_unit_test(test_hydrogen),
		cmocka_unit_test(test_bad_rest),
		cmocka_unit_test(test_property_twice),
		cmocka_unit_test(test_property_length_wraps),
		cmocka_unit_test(test_bad_blobs),
		cmocka_unit_test(test_bit_flips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
