/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the parts of mhoctl top share: a sample is what was read at one moment, a
 * view what a user is shown of two of them.
 *
 *	top.c		the verb: options, the loop without a terminal
 *	top_card.c	what sysfs tells about a card
 *	top_clients.c	who uses it: /proc/PID/fdinfo
 *	top_sample.c	samples, and rates between them
 *	top_text.c	a view as tables and JSON
 *	top_screen.c	a view on a terminal, keys
 *	top_terminal.c	is there one?
 *	top_load.c	--load
 */
#ifndef MHOCTL_TOP_H
#define MHOCTL_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/mhoctl/mhoctl.h"

/**
 * struct top_card - what sysfs tells about a card, even to those who may not open it
 * @node: accelN, empty if there is none
 * @address: PCI address
 * @model: its name
 * @firmware: version of its firmware, as text
 * @sensors: the three that follow are known
 * @temperature: degrees Celsius
 * @power: mean over device time, W
 * @energy: J
 */
struct top_card {
	char node[32];
	char address[32];
	char model[64];
	char firmware[TEXT_MAX];
	bool sensors;
	double temperature;
	double power;
	double energy;
};

/**
 * struct top_client - an open file of a card
 * @id: the driver's number of it
 * @pid: the process with the lowest number that has it open
 * @user: whose it is
 * @command: its name
 * @busy_ns: device time of its jobs
 * @memory: bytes of its buffers
 * @queues: its queues, -1 if unknown
 * @known: it was there in the sample before
 * @rate: device time of its jobs in a second of the host, s
 */
struct top_client {
	uint64_t id;
	int pid;
	char user[32];
	char command[32];
	uint64_t busy_ns;
	uint64_t memory;
	int queues;
	bool known;
	double rate;
};

/**
 * struct top_tile - a tile
 * @number: its number
 * @info: what it told
 * @busy: share of the device time since the sample before, 0 to 1
 * @energy: taken since then, J
 */
struct top_tile {
	uint32_t number;
	struct mho_tile_info info;
	double busy;
	double energy;
};

/**
 * struct top_sample - what was read at one moment
 * @host_ns: the moment
 * @card: what sysfs told
 * @telemetry: the device's counters, if it is open
 * @tiles: its tiles
 * @ntiles: their number, 0 if it is not open
 * @clients: who uses it
 * @nclients: their number
 * @hidden: there are processes that this user may not look at
 */
struct top_sample {
	uint64_t host_ns;
	struct top_card card;
	struct mho_telemetry telemetry;
	struct top_tile *tiles;
	uint32_t ntiles;
	struct top_client *clients;
	unsigned int nclients;
	bool hidden;
};

/**
 * struct top_rates - what happened between two samples
 * @seconds: of the host
 * @device_s: device time
 * @busy: mean over the tiles, share of the device time
 * @jobs: a second, as the following
 * @vectors: multiplied
 * @updates: rank-1 updates
 * @pulses: at cells
 * @errors: failed jobs, not a second but in all
 */
struct top_rates {
	double seconds;
	double device_s;
	double busy;
	double jobs;
	double vectors;
	double updates;
	double pulses;
	uint64_t errors;
};

enum top_sort {
	TOP_BUSY,
	TOP_WEAR,
	TOP_ENERGY,
	TOP_MEMORY,
	TOP_NUMBER,
	TOP_SORTS,
};

#define TOP_SORT_NAMES "busy wear energy memory number"

/**
 * struct top - a run of mhoctl top
 * @call: command line
 * @root: directory that stands for /, for what is read from files
 * @uri: device
 * @dev: the device, NULL if it is not open
 * @info: what it is
 * @why: why it is not open, a sentence
 * @sort: order of tiles and clients
 * @delay: seconds from sample to sample
 * @now: newest sample
 * @before: the one before
 * @rates: between the two
 */
struct top {
	const struct call *call;
	const char *root;
	const char *uri;
	struct mho_dev *dev;
	struct mho_info info;
	char why[512];
	enum top_sort sort;
	double delay;
	struct top_sample now;
	struct top_sample before;
	struct top_rates rates;
};

/* top_card.c */
bool top_card_find(const char *root, const char *uri, struct top_card *card);
void top_card_read(const char *root, struct top_card *card);

/* top_clients.c */
int top_clients_read(const char *root, const char *address, struct top_sample *to);

/* top_sample.c */
uint64_t top_now_ns(void);
int top_sample(struct top *top);
void top_sort_views(struct top *top);
void top_sample_free(struct top_sample *sample);
const char *top_sort_name(enum top_sort sort, char text[TEXT_MAX]);

/* top_text.c */
const char *top_tile_state(const struct top_tile *tile);
const char *top_tile_wear(const struct top_tile *tile, char text[TEXT_MAX]);
const char *top_percent(double share, char text[TEXT_MAX]);
const char *top_bytes(uint64_t bytes, char text[TEXT_MAX]);
void top_title(const struct top *top, char *text, size_t size);
void top_print(const struct top *top);
void top_print_json(const struct top *top);

/* top_screen.c */
int top_screen_run(struct top *top, long iterations);

/* top_load.c */
struct top_load;
int top_load_start(const struct call *call, struct mho_dev *dev, struct top_load **out);
void top_load_stop(struct top_load *load);

#endif
