// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl list: the devices that could be opened.
 */
#include <libsmartcols.h>
#include <stdio.h>

#include "tools/mhoctl/mhoctl.h"

struct listing {
	struct libscols_table *table; /* or */
	struct json_object *devices;
	unsigned int found;
};

static int add_device(const struct mho_found *found, void *arg)
{
	struct listing *to = arg;
	char tiles[TEXT_MAX], shape[TEXT_MAX];
	const char *cells[] = { found->uri, found->model, tiles, shape };

	to->found++;
	if (to->devices) {
		struct json_object *device = json_object_new_object();

		json_set_text(device, "uri", found->uri);
		json_set_text(device, "model", found->model);
		json_set_uint(device, "tiles", found->tiles);
		json_set_uint(device, "rows", found->rows);
		json_set_uint(device, "cols", found->cols);
		json_object_array_add(to->devices, device);
		return 0;
	}
	if (found->tiles) {
		snprintf(tiles, sizeof(tiles), "%u", found->tiles);
		snprintf(shape, sizeof(shape), "%u x %u", found->rows, found->cols);
	} else {
		snprintf(tiles, sizeof(tiles), "?");
		snprintf(shape, sizeof(shape), "not to be opened");
	}
	table_row(to->table, cells);
	return 0;
}

int run_list(struct call *call)
{
	static const char *const columns[] = { "URI", "MODEL", ">TILES", ">LARGEST TILE", NULL };
	struct json_object *doc = NULL;
	struct listing to = { 0 };
	int err;

	if (call->json) {
		doc = json_new("list");
		to.devices = json_object_new_array();
		json_set(doc, "devices", to.devices);
	} else {
		to.table = table_new(columns);
	}
	err = mho_enumerate(call_option(call, "scheme"), add_device, &to);
	if (err) {
		json_object_put(doc);
		scols_unref_table(to.table);
		return fail_device(call, "devices cannot be listed", err);
	}
	if (doc) {
		json_print(doc, stdout);
		return MHOCTL_OK;
	}
	if (to.found)
		table_print(to.table);
	else
		scols_unref_table(to.table);
	if (!to.found)
		fprintf(stderr, "mhoctl list: no device found; mhoctl doctor says why\n");
	return MHOCTL_OK;
}
