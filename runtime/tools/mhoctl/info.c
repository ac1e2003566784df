// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl info: what a device is.
 */
#include <inttypes.h>
#include <libsmartcols.h>
#include <string.h>

#include "mho_hw.h"
#include "tools/mhoctl/mhoctl.h"

static const struct {
	uint32_t bit;
	const char *name;
} features[] = {
	{ MHO_HW_CAP_SHADOW, "shadow-doorbells" }, { MHO_HW_CAP_COALESCE, "coalescing" },
	{ MHO_HW_CAP_WINDOW, "tile-window" },	   { MHO_HW_CAP_NAMED, "named-matrices" },
	{ MHO_HW_CAP_CALIBRATE, "calibration" },
};

#define FEATURES (sizeof(features) / sizeof(*features))

static void print_json(const struct mho_info *info)
{
	struct json_object *doc = json_new("info"), *list = json_object_new_array();
	char version[TEXT_MAX], serial[TEXT_MAX];
	uint32_t lib = mho_version();

	snprintf(serial, sizeof(serial), "%016" PRIx64, info->serial);
	json_set_text(doc, "uri", info->uri);
	json_set_text(doc, "model", info->model);
	json_set_text(doc, "serial", serial);
	json_set_text(doc, "interface", text_interface(version, info->interface));
	json_set_text(doc, "firmware", text_firmware(version, info->firmware));
	json_set_text(doc, "firmware_name", info->firmware_name);
	json_set_text(doc, "libmho",
		      text_version(version, lib >> 16, lib >> 8 & 0xff, (int)(lib & 0xff)));
	json_set_text(doc, "io", text_io(info->io));
	json_set_bool(doc, "restored", info->restored);
	json_set_uint(doc, "tiles", info->tiles);
	json_set_uint(doc, "technologies", info->technologies);
	json_set_uint(doc, "cells", info->cells);
	json_set_uint(doc, "queues", info->queues);
	json_set_uint(doc, "queue_depth", info->queue_depth);
	json_set_uint(doc, "batch_max", info->batch_max);
	json_set_uint(doc, "arrays_max", info->arrays_max);
	for (unsigned int i = 0; i < FEATURES; i++)
		if (info->features & features[i].bit)
			json_object_array_add(list, json_object_new_string(features[i].name));
	json_set(doc, "features", list);
	json_print(doc, stdout);
}

static void feature_names(const struct mho_info *info, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (unsigned int i = 0; i < FEATURES && used < size; i++)
		if (info->features & features[i].bit)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 features[i].name);
}

static void print_table(const struct mho_info *info)
{
	struct libscols_table *t = table_new_pairs();
	uint32_t lib = mho_version();
	char text[TEXT_MAX], names[256];

	table_pair(t, "model", "%s", info->model);
	table_pair(t, "uri", "%s", info->uri);
	table_pair(t, "serial", "%016" PRIx64, info->serial);
	table_pair(t, "interface", "%s", text_interface(text, info->interface));
	table_pair(t, "firmware", "%s %s", info->firmware_name,
		   text_firmware(text, info->firmware));
	table_pair(t, "libmho", "%s",
		   text_version(text, lib >> 16, lib >> 8 & 0xff, (int)(lib & 0xff)));
	table_pair(t, "io", "%s", text_io(info->io));
	table_pair(t, "weights", "%s",
		   info->restored ? "of an earlier run, restored" : "fresh from the factory");
	table_pair(t, "tiles", "%u", info->tiles);
	table_pair(t, "technologies", "%u", info->technologies);
	table_pair(t, "cells", "%" PRIu64, info->cells);
	table_pair(t, "queues", "%u, of %u jobs each", info->queues, info->queue_depth);
	table_pair(t, "largest batch", "%u", info->batch_max);
	table_pair(t, "matrices", "%u at most", info->arrays_max);
	feature_names(info, names, sizeof(names));
	table_pair(t, "features", "%s", *names ? names : "none");
	table_print(t);
}

int run_info(struct call *call)
{
	struct mho_info info = MHO_INIT(struct mho_info);
	struct mho_dev *dev;
	int err;

	err = open_device(call, &dev);
	if (err)
		return err;
	err = mho_dev_info(dev, &info);
	if (err)
		err = fail_device(call, "the device does not describe itself", err);
	else if (call->json)
		print_json(&info);
	else
		print_table(&info);
	mho_close(dev);
	return err;
}
