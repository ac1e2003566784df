// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl top: samples of a card, and what happened between two of them.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/mhoctl/top.h"

uint64_t top_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/**
 * top_sample_free() - give back what a sample holds, and clear it
 * @sample: sample
 */
void top_sample_free(struct top_sample *sample)
{
	free(sample->tiles);
	free(sample->clients);
	memset(sample, 0, sizeof(*sample));
}

/* ---- reading ---- */

static int read_device(struct top *top, struct top_sample *to)
{
	int err;

	to->telemetry = (struct mho_telemetry)MHO_INIT(struct mho_telemetry);
	err = mho_telemetry_get(top->dev, &to->telemetry);
	if (err)
		return err;
	to->tiles = calloc(top->info.tiles, sizeof(*to->tiles));
	if (!to->tiles)
		return -ENOMEM;
	for (uint32_t i = 0; i < top->info.tiles; i++) {
		struct top_tile *tile = &to->tiles[i];

		tile->number = i;
		tile->info = (struct mho_tile_info)MHO_INIT(struct mho_tile_info);
		err = mho_tile_get(top->dev, i, &tile->info);
		if (err)
			return err;
	}
	to->ntiles = top->info.tiles;
	return 0;
}

static int read_all(struct top *top, struct top_sample *to)
{
	int err = 0;

	to->host_ns = top_now_ns();
	if (top->dev)
		err = read_device(top, to);
	if (!err && *to->card.node) {
		top_card_read(top->root, &to->card);
		err = top_clients_read(top->root, to->card.address, to);
	}
	return err;
}

/* ---- order ---- */

static int compare(double a, double b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static double wear_of(const struct top_tile *tile)
{
	double endurance = (double)tile->info.endurance;

	return tile->info.wear_max / (endurance > 0.0 ? endurance : 1.0);
}

static int order_tiles(const void *x, const void *y, void *arg)
{
	const struct top_tile *a = x, *b = y;
	const enum top_sort *sort = arg;
	int by = 0;

	if (*sort == TOP_WEAR)
		by = compare(wear_of(a), wear_of(b));
	else if (*sort == TOP_ENERGY)
		by = compare(a->energy, b->energy);
	else if (*sort != TOP_NUMBER)
		by = compare(a->busy, b->busy);
	return by ? by : a->number < b->number ? -1 : 1;
}

static int order_clients(const void *x, const void *y, void *arg)
{
	const struct top_client *a = x, *b = y;
	const enum top_sort *sort = arg;
	int by = 0;

	if (*sort == TOP_MEMORY)
		by = compare((double)a->memory, (double)b->memory);
	else if (*sort != TOP_NUMBER)
		by = compare(a->rate, b->rate);
	return by ? by : a->pid < b->pid ? -1 : 1;
}

/* ---- rates ---- */

/* Counters are cleared by some resets: then nothing is known of the time between. */
static double grown(uint64_t now, uint64_t before)
{
	return now > before ? (double)(now - before) : 0.0;
}

static void rate_tiles(struct top *top)
{
	double ns = top->rates.device_s * 1e9, busy = 0.0;
	enum top_sort by_number = TOP_NUMBER;

	/* It was shown in another order. */
	qsort_r(top->before.tiles, top->before.ntiles, sizeof(*top->before.tiles), order_tiles,
		&by_number);
	for (uint32_t i = 0; i < top->now.ntiles; i++) {
		struct top_tile *tile = &top->now.tiles[i];
		const struct mho_tile_info *old = &top->before.tiles[i].info;

		/* A tile is asked later than the clock. */
		if (ns > 0.0)
			tile->busy = fmin(grown(tile->info.busy_ns, old->busy_ns) / ns, 1.0);
		tile->energy = grown(tile->info.energy_fj, old->energy_fj) * 1e-15;
		busy += tile->busy;
	}
	top->rates.busy = busy / top->now.ntiles;
}

static void rate_clients(struct top *top)
{
	const struct top_sample *before = &top->before;

	for (unsigned int i = 0; i < top->now.nclients; i++) {
		struct top_client *client = &top->now.clients[i];

		for (unsigned int k = 0; k < before->nclients; k++) {
			if (before->clients[k].id != client->id)
				continue;
			client->known = true;
			client->rate = grown(client->busy_ns, before->clients[k].busy_ns) * 1e-9 /
				       top->rates.seconds;
		}
	}
}

static void rate(struct top *top)
{
	const struct mho_telemetry *now = &top->now.telemetry, *before = &top->before.telemetry;
	struct top_rates *r = &top->rates;

	*r = (struct top_rates){
		.seconds = (double)(top->now.host_ns - top->before.host_ns) * 1e-9,
		.device_s = grown(now->time_ns, before->time_ns) * 1e-9,
		.errors = now->errors,
	};
	r->jobs = grown(now->commands, before->commands) / r->seconds;
	r->vectors = grown(now->mvms, before->mvms) / r->seconds;
	r->updates = grown(now->updates, before->updates) / r->seconds;
	r->pulses = grown(now->pulses, before->pulses) / r->seconds;
	if (top->now.ntiles)
		rate_tiles(top);
	rate_clients(top);
}

/**
 * top_sort_views() - put tiles and clients of the newest sample into the order that is wanted
 * @top: run
 */
void top_sort_views(struct top *top)
{
	if (top->now.ntiles)
		qsort_r(top->now.tiles, top->now.ntiles, sizeof(*top->now.tiles), order_tiles,
			&top->sort);
	if (top->now.nclients)
		qsort_r(top->now.clients, top->now.nclients, sizeof(*top->now.clients),
			order_clients, &top->sort);
}

/**
 * top_sort_name() - name of an order, as --sort takes it
 * @sort: order
 * @text: filled
 *
 * Return: @text.
 */
const char *top_sort_name(enum top_sort sort, char text[TEXT_MAX])
{
	const char *names = TOP_SORT_NAMES;

	for (int i = 0; i < (int)sort; i++)
		names = strchr(names, ' ') + 1;
	snprintf(text, TEXT_MAX, "%.*s", (int)strcspn(names, " "), names);
	return text;
}

/**
 * top_sample() - take a sample, which becomes the newest one
 * @top: run
 *
 * Return: 0, or what libmho gave.
 */
int top_sample(struct top *top)
{
	struct top_sample next = { .card = top->now.card };
	int err = read_all(top, &next);

	if (err) {
		top_sample_free(&next);
		return err;
	}
	top_sample_free(&top->before);
	top->before = top->now;
	top->now = next;
	if (top->before.host_ns)
		rate(top);
	top_sort_views(top);
	return 0;
}
