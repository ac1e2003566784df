// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl topo: tiles and technologies, as tables, JSON, a graph or device-tree
 * source.
 */
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/mhoctl/mhoctl.h"

extern char **environ;

struct topo {
	struct mho_info info;
	struct mho_tile_info *tiles;
	struct mho_tech_info *techs;
};

static void topo_free(struct topo *topo)
{
	free(topo->tiles);
	free(topo->techs);
}

/* Reads all tiles and technologies. Return: 0 or an exit code after a message. */
static int topo_read(const struct call *call, struct mho_dev *dev, struct topo *topo)
{
	int err;

	*topo = (struct topo){ .info = MHO_INIT(struct mho_info) };
	err = mho_dev_info(dev, &topo->info);
	if (err)
		return fail_device(call, "the device does not describe itself", err);
	topo->tiles = calloc(topo->info.tiles + 1, sizeof(*topo->tiles));
	topo->techs = calloc(topo->info.technologies + 1, sizeof(*topo->techs));
	if (!topo->tiles || !topo->techs)
		return fail(call, MHOCTL_DEVICE, "out of memory");
	for (uint32_t i = 0; i < topo->info.technologies; i++) {
		topo->techs[i].size = sizeof(topo->techs[i]);
		err = mho_tech_get(dev, i, &topo->techs[i]);
		if (err)
			return fail_device(call, "a technology cannot be read", err);
	}
	for (uint32_t i = 0; i < topo->info.tiles; i++) {
		topo->tiles[i].size = sizeof(topo->tiles[i]);
		err = mho_tile_get(dev, i, &topo->tiles[i]);
		if (err)
			return fail_device(call, "a tile cannot be read", err);
		if (topo->tiles[i].technology >= topo->info.technologies)
			return fail(call, MHOCTL_DEVICE,
				    "tile %u has technology %u, but there are only %u", i,
				    topo->tiles[i].technology, topo->info.technologies);
	}
	return 0;
}

static const char *tech_name(const struct topo *topo, const struct mho_tile_info *tile)
{
	return topo->techs[tile->technology].name;
}

static const char *state_name(uint32_t state)
{
	static const char *const names[] = { "free", "used", "failed" };

	return state < sizeof(names) / sizeof(*names) ? names[state] : "unknown";
}

/* ---- JSON ---- */

static struct json_object *tech_json(const struct mho_tech_info *tech)
{
	struct json_object *t = json_object_new_object();

	json_set_text(t, "name", tech->name);
	json_set_text(t, "law", tech->law);
	json_set_uint(t, "dac_bits", tech->dac_bits);
	json_set_uint(t, "adc_bits", tech->adc_bits);
	json_set_real(t, "w_min", tech->w_min);
	json_set_real(t, "w_max", tech->w_max);
	json_set_real(t, "dw_min", tech->dw_min);
	json_set_real(t, "pulse_s", tech->pulse_s);
	json_set_real(t, "pulse_v", tech->pulse_v);
	json_set_real(t, "read_s", tech->read_s);
	json_set_uint(t, "train_length", tech->train_length);
	return t;
}

static struct json_object *tile_json(const struct topo *topo, uint32_t index)
{
	const struct mho_tile_info *tile = &topo->tiles[index];
	struct json_object *t = json_object_new_object();

	json_set_uint(t, "tile", index);
	json_set_uint(t, "rows", tile->rows);
	json_set_uint(t, "cols", tile->cols);
	json_set_text(t, "technology", tech_name(topo, tile));
	json_set_text(t, "state", state_name(tile->state));
	json_set_uint(t, "array", tile->array);
	json_set_uint(t, "wear_max", tile->wear_max);
	json_set_real(t, "wear_mean", tile->wear_mean);
	json_set_uint(t, "endurance", tile->endurance);
	json_set_uint(t, "pulses", tile->pulses);
	json_set_uint(t, "busy_ns", tile->busy_ns);
	json_set_uint(t, "energy_fj", tile->energy_fj);
	return t;
}

static void print_json(const struct topo *topo, bool tiles, bool techs)
{
	struct json_object *doc = json_new("topo"), *list;

	json_set_text(doc, "model", topo->info.model);
	json_set_uint(doc, "cells", topo->info.cells);
	if (techs) {
		list = json_object_new_array();
		for (uint32_t i = 0; i < topo->info.technologies; i++)
			json_object_array_add(list, tech_json(&topo->techs[i]));
		json_set(doc, "technologies", list);
	}
	if (tiles) {
		list = json_object_new_array();
		for (uint32_t i = 0; i < topo->info.tiles; i++)
			json_object_array_add(list, tile_json(topo, i));
		json_set(doc, "tiles", list);
	}
	json_print(doc, stdout);
}

/* ---- tables ---- */

static void print_tiles(const struct topo *topo)
{
	static const char *const columns[] = { ">TILE",	    ">ROWS",	  ">COLS",   "TECHNOLOGY",
					       "STATE",	    ">ARRAY",	  ">PULSES", ">WEAR MEAN",
					       ">WEAR MAX", ">ENDURANCE", NULL };
	struct libscols_table *table = table_new(columns);

	for (uint32_t i = 0; i < topo->info.tiles; i++) {
		const struct mho_tile_info *t = &topo->tiles[i];
		char index[TEXT_MAX], rows[TEXT_MAX], cols[TEXT_MAX], array[TEXT_MAX];
		char pulses[TEXT_MAX], mean[TEXT_MAX], most[TEXT_MAX], endurance[TEXT_MAX];
		const char *cells[] = {
			index,	rows, cols, tech_name(topo, t), state_name(t->state), array,
			pulses, mean, most, endurance
		};

		snprintf(index, sizeof(index), "%u", i);
		snprintf(rows, sizeof(rows), "%u", t->rows);
		snprintf(cols, sizeof(cols), "%u", t->cols);
		snprintf(array, sizeof(array), t->array ? "%u" : "-", t->array);
		snprintf(mean, sizeof(mean), "%.1f", t->wear_mean);
		snprintf(most, sizeof(most), "%u", t->wear_max);
		text_si(pulses, (double)t->pulses, "");
		if (t->endurance)
			text_si(endurance, (double)t->endurance, "");
		else
			snprintf(endurance, sizeof(endurance), "-");
		table_row(table, cells);
	}
	table_print(table);
}

static const char *bits_text(char text[TEXT_MAX], uint32_t bits)
{
	snprintf(text, TEXT_MAX, bits ? "%u" : "exact", bits);
	return text;
}

static void print_techs(const struct topo *topo)
{
	static const char *const columns[] = { "TECHNOLOGY", "LAW",    ">DAC",	 ">ADC",
					       ">WEIGHTS",   ">STEP",  ">PULSE", ">VOLTAGE",
					       ">READ",	     ">TRAIN", NULL };
	struct libscols_table *table = table_new(columns);

	for (uint32_t i = 0; i < topo->info.technologies; i++) {
		const struct mho_tech_info *t = &topo->techs[i];
		char dac[TEXT_MAX], adc[TEXT_MAX], weights[TEXT_MAX], step[TEXT_MAX];
		char pulse[TEXT_MAX], voltage[TEXT_MAX], read[TEXT_MAX], train[TEXT_MAX];
		const char *cells[] = {
			t->name,
			t->law,
			bits_text(dac, t->dac_bits),
			bits_text(adc, t->adc_bits),
			weights,
			step,
			text_si(pulse, t->pulse_s, "s"),
			text_si(voltage, t->pulse_v, "V"),
			text_si(read, t->read_s, "s"),
			train,
		};

		snprintf(weights, sizeof(weights), "%g to %g", (double)t->w_min, (double)t->w_max);
		snprintf(step, sizeof(step), "%.4g", (double)t->dw_min);
		snprintf(train, sizeof(train), "%u", t->train_length);
		table_row(table, cells);
	}
	table_print(table);
}

static bool same_kind(const struct mho_tile_info *a, const struct mho_tile_info *b)
{
	return a->rows == b->rows && a->cols == b->cols && a->technology == b->technology;
}

/* One line for each run of neighbouring tiles that are alike. */
static void print_groups(const struct topo *topo)
{
	static const char *const columns[] = { "TILES", ">NUMBER", ">ROWS",   ">COLS", "TECHNOLOGY",
					       ">FREE", ">USED",   ">FAILED", NULL };
	struct libscols_table *table = table_new(columns);
	uint32_t first = 0;

	printf("%s: %u tiles, %" PRIu64 " cells, %u technologies\n", topo->info.model,
	       topo->info.tiles, topo->info.cells, topo->info.technologies);
	while (first < topo->info.tiles) {
		const struct mho_tile_info *t = &topo->tiles[first];
		char range[TEXT_MAX], number[TEXT_MAX], rows[TEXT_MAX], cols[TEXT_MAX];
		char in_state[3][TEXT_MAX];
		const char *cells[] = {
			range,	     number,	  rows,	      cols, tech_name(topo, t),
			in_state[0], in_state[1], in_state[2]
		};
		uint32_t states[3] = { 0 }, end = first;

		for (; end < topo->info.tiles && same_kind(t, &topo->tiles[end]); end++)
			if (topo->tiles[end].state < 3)
				states[topo->tiles[end].state]++;
		snprintf(range, sizeof(range), end - first > 1 ? "%u-%u" : "%u", first, end - 1);
		snprintf(number, sizeof(number), "%u", end - first);
		snprintf(rows, sizeof(rows), "%u", t->rows);
		snprintf(cols, sizeof(cols), "%u", t->cols);
		for (int i = 0; i < 3; i++)
			snprintf(in_state[i], TEXT_MAX, "%u", states[i]);
		table_row(table, cells);
		first = end;
	}
	table_print(table);
}

/* ---- graph ---- */

static void print_dot_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static void print_dot(const struct topo *topo)
{
	printf("digraph mho {\n\trankdir=LR;\n\tnode [shape=box, fontname=\"sans-serif\"];\n"
	       "\tcard [label=\"");
	print_dot_text(topo->info.model);
	printf("\\n%u tiles\"];\n", topo->info.tiles);
	for (uint32_t i = 0; i < topo->info.technologies; i++) {
		printf("\ttech%u [label=\"", i);
		print_dot_text(topo->techs[i].name);
		printf("\\n");
		print_dot_text(topo->techs[i].law);
		printf("\", shape=ellipse];\n");
	}
	for (uint32_t i = 0; i < topo->info.tiles; i++) {
		const struct mho_tile_info *t = &topo->tiles[i];

		printf("\ttile%u [label=\"tile %u\\n%u x %u\\n%s\"%s];\n", i, i, t->rows, t->cols,
		       state_name(t->state), t->state == 1 ? ", style=filled" : "");
		printf("\tcard -> tile%u;\n\ttile%u -> tech%u [style=dotted];\n", i, i,
		       t->technology);
	}
	printf("}\n");
}

/* ---- device-tree source ---- */

/* More than the source of a card with all technologies that there are. */
#define DTS_BUFFER (1 << 20)

/* dtc itself does not notice that it cannot write: its output goes through a file. */
static int run_dtc(const struct call *call, FILE *input, FILE *output)
{
	char *const command[] = { "dtc", "-q", "-I", "dtb", "-O", "dts", "-", NULL };
	posix_spawn_file_actions_t actions;
	int err, status;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions))
		return fail(call, MHOCTL_DEVICE, "out of memory");
	err = posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, fileno(output), STDOUT_FILENO);
	if (!err)
		err = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err == ENOENT)
		return fail(call, MHOCTL_DEVICE,
			    "--dts needs dtc, which is not installed: "
			    "sudo apt install device-tree-compiler");
	if (err)
		return fail(call, MHOCTL_DEVICE, "dtc cannot be started: %s", strerror(err));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(call, MHOCTL_DEVICE, "dtc is lost: %s", strerror(errno));
	if (status)
		return fail(call, MHOCTL_DEVICE, "dtc cannot make source of the topology");
	return 0;
}

static int copy_out(const struct call *call, FILE *from)
{
	static char buffer[DTS_BUFFER];
	char text[4096];
	size_t n, all = 0;

	/* All at once, at the end, by main(), which then knows what is wrong. */
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	rewind(from);
	while ((n = fread(text, 1, sizeof(text), from)) > 0)
		all += fwrite(text, 1, n, stdout);
	if (ferror(from) || !all)
		return fail(call, MHOCTL_DEVICE, "dtc's output is lost: is %s full?", P_tmpdir);
	return 0;
}

static int print_dts(const struct call *call, struct mho_dev *dev)
{
	FILE *dtb = tmpfile(), *dts = tmpfile();
	const void *blob;
	size_t len;
	int err;

	blob = mho_topology(dev, &len);
	if (!blob)
		err = fail(call, MHOCTL_DEVICE, "the device has no topology to show");
	else if (!dtb || !dts || fwrite(blob, 1, len, dtb) != len || fseek(dtb, 0, SEEK_SET))
		err = fail(call, MHOCTL_DEVICE, "a temporary file in %s cannot be written: %s",
			   P_tmpdir, strerror(errno));
	else
		err = run_dtc(call, dtb, dts);
	if (!err)
		err = copy_out(call, dts);
	if (dtb)
		fclose(dtb);
	if (dts)
		fclose(dts);
	return err;
}

int run_topo(struct call *call)
{
	bool tiles = call_option(call, "tiles"), techs = call_option(call, "tech");
	bool dts = call_option(call, "dts"), dot = call_option(call, "dot");
	struct topo topo = { 0 };
	struct mho_dev *dev;
	int err;

	if (tiles + techs + dts + dot > 1)
		return fail(call, MHOCTL_USAGE, "only one of --tiles, --tech, --dts and --dot");
	if (call->json && (dts || dot))
		return fail(call, MHOCTL_USAGE, "--json does not go with --%s",
			    dts ? "dts" : "dot");
	err = open_device(call, &dev);
	if (err)
		return err;
	err = dts ? print_dts(call, dev) : topo_read(call, dev, &topo);
	if (!err && !dts) {
		if (call->json)
			print_json(&topo, !techs, !tiles);
		else if (tiles)
			print_tiles(&topo);
		else if (techs)
			print_techs(&topo);
		else if (dot)
			print_dot(&topo);
		else
			print_groups(&topo);
	}
	topo_free(&topo);
	mho_close(dev);
	return err;
}
