// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl top without a terminal: plain tables, or JSON, for each sample.
 */
#include <inttypes.h>
#include <libsmartcols.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/mhoctl/top.h"

/* ---- texts that the screen shows, too ---- */

const char *top_tile_state(const struct top_tile *tile)
{
	static const char *const names[] = { "free", "used", "failed" };

	return tile->info.state < sizeof(names) / sizeof(*names) ? names[tile->info.state] : "?";
}

/**
 * top_percent() - a share
 * @share: 0 to 1
 * @text: filled
 *
 * Return: @text.
 */
const char *top_percent(double share, char text[TEXT_MAX])
{
	snprintf(text, TEXT_MAX, "%.1f%%", share * 100.0);
	return text;
}

/* Of the endurance, where the topology gives one; else in pulses. */
const char *top_tile_wear(const struct top_tile *tile, char text[TEXT_MAX])
{
	if (tile->info.endurance)
		snprintf(text, TEXT_MAX, "%.3g%%",
			 100.0 * tile->info.wear_max / (double)tile->info.endurance);
	else
		snprintf(text, TEXT_MAX, "%u", tile->info.wear_max);
	return text;
}

const char *top_bytes(uint64_t bytes, char text[TEXT_MAX])
{
	static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	int i = 0;

	for (; value >= 1000.0 && i < 4; i++)
		value /= 1024.0;
	snprintf(text, TEXT_MAX, "%.4g %s", value, units[i]);
	return text;
}

/* What the card is called, where it is, what runs in it. */
void top_title(const struct top *top, char *text, size_t size)
{
	const struct top_card *card = &top->now.card;
	char firmware[TEXT_MAX] = "unknown";

	if (top->dev)
		text_firmware(firmware, top->info.firmware);
	else if (*card->firmware)
		snprintf(firmware, sizeof(firmware), "%s", card->firmware);
	snprintf(text, size, "%s, %s%s%s, firmware %s", top->dev ? top->info.model : card->model,
		 *card->node ? card->node : top->uri, *card->node ? " at " : "", card->address,
		 firmware);
}

/* ---- tables ---- */

static void print_rates(const struct top *top, struct libscols_table *t)
{
	const struct mho_telemetry *m = &top->now.telemetry;
	const struct top_rates *r = &top->rates;
	char text[TEXT_MAX];

	table_pair(t, "temperature", "%.1f C", m->temperature_mc / 1000.0);
	table_pair(t, "mean power", "%s", text_si(text, m->power_mw * 1e-3, "W"));
	table_pair(t, "energy", "%s", text_si(text, (double)m->energy_fj * 1e-15, "J"));
	table_pair(t, "device time", "%s in %.1f s", text_si(text, r->device_s, "s"), r->seconds);
	table_pair(t, "tiles busy", "%s of the device time", top_percent(r->busy, text));
	table_pair(t, "jobs", "%s", text_si(text, r->jobs, "/s"));
	table_pair(t, "vectors", "%s", text_si(text, r->vectors, "/s"));
	table_pair(t, "updates", "%s", text_si(text, r->updates, "/s"));
	table_pair(t, "pulses", "%s", text_si(text, r->pulses, "/s"));
	table_pair(t, "failed jobs", "%" PRIu64, m->errors);
	table_pair(t, "resets", "%u", m->resets);
	table_pair(t, "tiles", "%u, %u free, %u out of service", top->now.ntiles, m->tiles_free,
		   m->tiles_failed);
}

static void print_card(const struct top *top)
{
	const struct top_card *card = &top->now.card;
	struct libscols_table *t = table_new_pairs();
	char text[256];

	top_title(top, text, sizeof(text));
	table_pair(t, "card", "%s", text);
	if (top->dev) {
		print_rates(top, t);
	} else if (card->sensors) {
		table_pair(t, "temperature", "%.1f C", card->temperature);
		table_pair(t, "mean power", "%s", text_si(text, card->power, "W"));
		table_pair(t, "energy", "%s", text_si(text, card->energy, "J"));
	}
	table_print(t);
}

/* Those that nothing happens on are counted only. */
static void print_tiles(const struct top *top)
{
	static const char *const columns[] = { ">TILE",	  "STATE", ">MATRIX", ">BUSY",
					       ">ENERGY", ">WEAR", NULL };
	struct libscols_table *table = table_new(columns);
	unsigned int idle = 0;

	for (uint32_t i = 0; i < top->now.ntiles; i++) {
		const struct top_tile *tile = &top->now.tiles[i];
		char number[TEXT_MAX], matrix[TEXT_MAX] = "-", busy[TEXT_MAX], energy[TEXT_MAX],
				       wear[TEXT_MAX];
		const char *cells[] = { number, top_tile_state(tile), matrix, busy, energy, wear };

		if (tile->info.state == 0 && tile->busy <= 0.0) {
			idle++;
			continue;
		}
		snprintf(number, sizeof(number), "%u", tile->number);
		if (tile->info.array)
			snprintf(matrix, sizeof(matrix), "%u", tile->info.array);
		top_percent(tile->busy, busy);
		text_si(energy, tile->energy, "J");
		top_tile_wear(tile, wear);
		table_row(table, cells);
	}
	if (idle < top->now.ntiles) {
		putchar('\n');
		table_print(table);
	} else {
		scols_unref_table(table);
	}
	if (idle)
		printf("%u free tiles are not shown\n", idle);
}

static void print_clients(const struct top *top)
{
	static const char *const columns[] = { ">PID",	  "USER",    ">TIME/S", ">TOTAL TIME",
					       ">MEMORY", ">QUEUES", "COMMAND", NULL };
	struct libscols_table *table = table_new(columns);

	for (unsigned int i = 0; i < top->now.nclients; i++) {
		const struct top_client *c = &top->now.clients[i];
		char pid[TEXT_MAX], rate[TEXT_MAX] = "-", total[TEXT_MAX], memory[TEXT_MAX],
				    queues[TEXT_MAX] = "-";
		const char *cells[] = { pid, c->user, rate, total, memory, queues, c->command };

		snprintf(pid, sizeof(pid), "%d", c->pid);
		if (c->known)
			text_si(rate, c->rate, "s");
		if (c->queues >= 0)
			snprintf(queues, sizeof(queues), "%d", c->queues);
		text_si(total, (double)c->busy_ns * 1e-9, "s");
		top_bytes(c->memory, memory);
		table_row(table, cells);
	}
	putchar('\n');
	if (top->now.nclients) {
		table_print(table);
	} else {
		scols_unref_table(table);
		printf("no program that may be shown to you has this card open\n");
	}
	if (top->now.hidden)
		printf("programs of other users are shown to root only\n");
}

/**
 * top_print() - print the newest sample as tables
 * @top: run
 */
void top_print(const struct top *top)
{
	print_card(top);
	if (top->dev)
		print_tiles(top);
	else
		printf("\ntiles and rates are not shown: %s\n", top->why);
	if (*top->now.card.node)
		print_clients(top);
	putchar('\n');
}

/* ---- JSON ---- */

static struct json_object *json_device(const struct top *top)
{
	const struct mho_telemetry *m = &top->now.telemetry;
	struct json_object *o = json_object_new_object();

	json_set_uint(o, "time_ns", m->time_ns);
	json_set_real(o, "device_seconds", top->rates.device_s);
	json_set_real(o, "busy", top->rates.busy);
	json_set_real(o, "jobs_per_s", top->rates.jobs);
	json_set_real(o, "vectors_per_s", top->rates.vectors);
	json_set_real(o, "updates_per_s", top->rates.updates);
	json_set_real(o, "pulses_per_s", top->rates.pulses);
	json_set_uint(o, "errors", m->errors);
	json_set_uint(o, "resets", m->resets);
	json_set_uint(o, "tiles_free", m->tiles_free);
	json_set_uint(o, "tiles_failed", m->tiles_failed);
	return o;
}

static struct json_object *json_tiles(const struct top *top)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < top->now.ntiles; i++) {
		const struct top_tile *tile = &top->now.tiles[i];
		struct json_object *o = json_object_new_object();

		json_set_uint(o, "tile", tile->number);
		json_set_text(o, "state", top_tile_state(tile));
		json_set_uint(o, "matrix", tile->info.array);
		json_set_real(o, "busy", tile->busy);
		json_set_real(o, "energy_j", tile->energy);
		json_set_uint(o, "wear_max", tile->info.wear_max);
		json_set_uint(o, "endurance", tile->info.endurance);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *json_clients(const struct top *top)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < top->now.nclients; i++) {
		const struct top_client *c = &top->now.clients[i];
		struct json_object *o = json_object_new_object();

		json_set_uint(o, "client", c->id);
		json_set_uint(o, "pid", (uint64_t)c->pid);
		json_set_text(o, "user", c->user);
		json_set_text(o, "command", c->command);
		json_set_uint(o, "device_ns", c->busy_ns);
		json_set(o, "device_s_per_s", c->known ? json_object_new_double(c->rate) : NULL);
		json_set_uint(o, "memory", c->memory);
		json_set(o, "queues", c->queues < 0 ? NULL : json_object_new_int(c->queues));
		json_object_array_add(list, o);
	}
	return list;
}

static void json_sensors(struct json_object *doc, const struct top *top)
{
	const struct mho_telemetry *m = &top->now.telemetry;
	const struct top_card *card = &top->now.card;
	bool known = top->dev || card->sensors;

	json_set_real(doc, "temperature_c",
		      !known   ? NAN :
		      top->dev ? m->temperature_mc / 1000.0 :
				 card->temperature);
	json_set_real(doc, "power_w", !known ? NAN : top->dev ? m->power_mw * 1e-3 : card->power);
	json_set_real(doc, "energy_j",
		      !known   ? NAN :
		      top->dev ? (double)m->energy_fj * 1e-15 :
				 card->energy);
}

/**
 * top_print_json() - print the newest sample as a JSON document
 * @top: run
 */
void top_print_json(const struct top *top)
{
	const struct top_card *card = &top->now.card;
	struct json_object *doc = json_new("top");
	char text[TEXT_MAX];

	json_set_text(doc, "uri", top->uri);
	json_set_text(doc, "model", top->dev ? top->info.model : card->model);
	json_set_text(doc, "node", *card->node ? card->node : NULL);
	json_set_text(doc, "location", *card->address ? card->address : NULL);
	json_set_text(doc, "firmware",
		      top->dev	      ? text_firmware(text, top->info.firmware) :
		      *card->firmware ? card->firmware :
					NULL);
	json_set_real(doc, "seconds", top->rates.seconds);
	json_sensors(doc, top);
	json_set(doc, "device", top->dev ? json_device(top) : NULL);
	json_set_text(doc, "not_open", top->dev ? NULL : top->why);
	json_set(doc, "tiles", json_tiles(top));
	json_set(doc, "clients", json_clients(top));
	json_set_bool(doc, "clients_hidden", top->now.hidden);
	json_print(doc, stdout);
}
