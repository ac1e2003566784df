// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl top: what sysfs tells about a card. It is all there is for those who may
 * not open it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhoctl/fs.h"
#include "tools/mhoctl/top.h"

/* Cut off where it is too long, which none of these names is. */
static void copy(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

/* Whether a URI means this node; "accel:" means any. */
static bool is_meant(const char *uri, const struct top_card *card)
{
	const char *name = strncmp(uri, "accel:", 6) == 0 ? uri + 6 : uri;
	const char *last = strrchr(name, '/');

	return !*name || strcmp(last ? last + 1 : name, card->node) == 0 ||
	       strcmp(name, card->address) == 0 ||
	       /* An address may lack its domain. */
	       (strlen(card->address) > 5 && strcmp(name, card->address + 5) == 0);
}

/**
 * top_card_find() - find a card that the driver has
 * @root: directory that stands for /
 * @uri: which; see is_meant()
 * @card: filled with node and address
 *
 * Return: true if there is such a card.
 */
bool top_card_find(const char *root, const char *uri, struct top_card *card)
{
	bool found = false;
	glob_t nodes;

	fs_glob(root, "sys/class/accel/accel*", &nodes);
	for (size_t i = 0; i < nodes.gl_pathc && !found; i++) {
		char path[PATH_MAX];

		if (!fs_is_card(nodes.gl_pathv[i]))
			continue;
		memset(card, 0, sizeof(*card));
		copy(card->node, sizeof(card->node), strrchr(nodes.gl_pathv[i], '/') + 1);
		snprintf(path, sizeof(path), "%s/device", nodes.gl_pathv[i]);
		fs_link_name(path, card->address, sizeof(card->address));
		found = is_meant(uri, card);
	}
	globfree(&nodes);
	if (!found)
		memset(card, 0, sizeof(*card));
	return found;
}

/* A sensor's value times @unit; false if it cannot be read. @directory begins with the root. */
static bool read_sensor(const char *root, const char *directory, const char *name, double unit,
			double *value)
{
	char text[32], *end;

	if (!fs_read(root, text, sizeof(text), "%s/%s", directory + strlen(root), name))
		return false;
	*value = strtod(text, &end) * unit;
	return end != text;
}

/**
 * top_card_read() - read what sysfs has now
 * @root: directory that stands for /
 * @card: its node is set; the rest is filled
 */
void top_card_read(const char *root, struct top_card *card)
{
	char path[128];
	glob_t hwmon;

	snprintf(path, sizeof(path), "sys/class/accel/%s/device", card->node);
	fs_read(root, card->model, sizeof(card->model), "%s/model", path);
	fs_read(root, card->firmware, sizeof(card->firmware), "%s/fw_version", path);
	snprintf(path, sizeof(path), "sys/class/accel/%s/device/hwmon/hwmon*", card->node);
	fs_glob(root, path, &hwmon);
	card->sensors =
		hwmon.gl_pathc > 0 &&
		read_sensor(root, hwmon.gl_pathv[0], "temp1_input", 1e-3, &card->temperature) &&
		read_sensor(root, hwmon.gl_pathv[0], "power1_average", 1e-6, &card->power) &&
		read_sensor(root, hwmon.gl_pathv[0], "energy1_input", 1e-6, &card->energy);
	globfree(&hwmon);
}
