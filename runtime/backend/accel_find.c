// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Which device node a URI means. libdrm does not know nodes of accelerators, so they
 * are looked for in sysfs. No node is opened for that: one that this user may not
 * open is found, too, and the error says so.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "backend/accel_dev.h"
#include "emulator/topo.h"
#include "mho_hw.h"

#define DRIVER "mho"
#define CLASS "/sys/class/accel"
#define PCI "/sys/bus/pci/devices"
#define SERIAL "serial="

/* ---- sysfs ---- */

/* Cut off at @size - 1 bytes. */
static void copy(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

/* The first line of a file, empty if there is none. */
static void read_line(char *text, size_t size, const char *directory, const char *name)
{
	char path[PATH_MAX];
	FILE *file;

	*text = '\0';
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(text, (int)size, file))
		*text = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

static unsigned long read_number(const char *directory, const char *name)
{
	char text[32];

	read_line(text, sizeof(text), directory, name);
	return strtoul(text, NULL, 16);
}

/* The last part of where a symbolic link leads, empty if there is none. */
static void read_target(char *text, size_t size, const char *directory, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *last;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	last = strrchr(target, '/');
	copy(text, size, last ? last + 1 : target);
}

static bool read_node(const char *root, const char *name, struct accelb_node *node)
{
	char directory[PATH_MAX], device[PATH_MAX], serial[32];
	int end = 0;

	if (sscanf(name, "accel%u%n", &node->number, &end) != 1 || name[end])
		return false;
	snprintf(directory, sizeof(directory), "%s" CLASS "/%s", root, name);
	snprintf(node->path, sizeof(node->path), "/dev/accel/accel%u", node->number);
	read_target(node->address, sizeof(node->address), directory, "device");
	if (snprintf(device, sizeof(device), "%s/device", directory) >= (int)sizeof(device))
		return false;
	read_target(node->driver, sizeof(node->driver), device, "driver");
	read_line(node->model, sizeof(node->model), device, "model");
	read_line(serial, sizeof(serial), device, "serial");
	node->serial = strtoull(serial, NULL, 16);
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct accelb_node *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

int accelb_scan(const char *root, struct accelb_node **nodes, size_t *n)
{
	struct accelb_node node, *bigger;
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *directory;

	*nodes = NULL;
	*n = 0;
	snprintf(path, sizeof(path), "%s" CLASS, root);
	directory = opendir(path);
	if (!directory)
		return 0;
	while ((entry = readdir(directory))) {
		memset(&node, 0, sizeof(node));
		if (!read_node(root, entry->d_name, &node) || strcmp(node.driver, DRIVER) != 0)
			continue;
		bigger = realloc(*nodes, (*n + 1) * sizeof(node));
		if (!bigger) {
			closedir(directory);
			free(*nodes);
			return mrt_fail(-ENOMEM, "out of memory for a list of cards");
		}
		*nodes = bigger;
		bigger[(*n)++] = node;
	}
	closedir(directory);
	if (*n)
		qsort(*nodes, *n, sizeof(**nodes), by_number);
	return 0;
}

void accelb_address(int fd, char *address, size_t size)
{
	char directory[64];
	struct stat st;

	*address = '\0';
	if (fstat(fd, &st))
		return;
	snprintf(directory, sizeof(directory), "/sys/dev/char/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	read_target(address, size, directory, "device");
}

/* ---- what is missing ---- */

/* A mho card on the bus that is no node: its address and driver. */
static bool find_on_bus(const char *root, char *address, char *driver, size_t size)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *directory;

	snprintf(path, sizeof(path), "%s" PCI, root);
	directory = opendir(path);
	while (directory && !found && (entry = readdir(directory))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s" PCI "/%s", root, entry->d_name);
		found = read_number(path, "vendor") == MHO_HW_PCI_VENDOR &&
			read_number(path, "device") == MHO_HW_PCI_DEVICE;
		if (found) {
			copy(address, size, entry->d_name);
			read_target(driver, size, path, "driver");
		}
	}
	if (directory)
		closedir(directory);
	return found;
}

static int no_driver(const char *address, const char *driver)
{
	if (!*driver)
		return mrt_fail(
			-ENODEV,
			"the card at %s has no driver: sudo modprobe mho (\"mhoctl doctor\" "
			"says what is missing)",
			address);
	if (strcmp(driver, DRIVER) != 0)
		return mrt_fail(-ENODEV,
				"the card at %s has the driver %s, not mho: unbind it there, then "
				"bind it to mho",
				address, driver);
	return mrt_fail(-ENODEV,
			"the driver mho has the card at %s, but it has no device node; dmesg "
			"tells why",
			address);
}

static int no_card(const char *root)
{
	char address[64], driver[64];

	if (find_on_bus(root, address, driver, sizeof(address)))
		return no_driver(address, driver);
	return mrt_fail(-ENODEV, "there is no mho card in this machine; \"emu:\" names an emulated "
				 "one, which needs none");
}

static int too_many(const struct accelb_node *nodes, size_t n)
{
	char list[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%saccel:%s (%s)",
					 i ? ", " : "", nodes[i].path, nodes[i].address);
	return mrt_fail(-EINVAL, "there are %zu cards, and \"accel:\" names none of them; take %s",
			n, list);
}

/* ---- names ---- */

/* A PCI address with or without its domain, as sysfs writes it. */
static bool normal_address(const char *name, char *address, size_t size)
{
	unsigned int domain = 0, bus, device, function;
	int end = 0;

	if (sscanf(name, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 ||
	    name[end]) {
		domain = 0;
		end = 0;
		if (sscanf(name, "%2x:%2x.%1x%n", &bus, &device, &function, &end) != 3 || name[end])
			return false;
	}
	snprintf(address, size, "%04x:%02x:%02x.%x", domain, bus, device, function);
	return true;
}

static bool parse_serial(const char *text, uint64_t *serial)
{
	char *end;

	errno = 0;
	*serial = strtoull(text, &end, 16);
	return *text && *text != '-' && *text != '+' && *text != ' ' && !*end && !errno;
}

static int choose(const struct accelb_node *node, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s", node->path);
	return 0;
}

static int by_address(const char *root, const char *address, const struct accelb_node *nodes,
		      size_t n, char path[PATH_MAX])
{
	char directory[PATH_MAX], driver[64];

	for (size_t i = 0; i < n; i++)
		if (strcmp(nodes[i].address, address) == 0)
			return choose(&nodes[i], path);
	snprintf(directory, sizeof(directory), "%s" PCI "/%s", root, address);
	if (access(directory, F_OK) != 0)
		return mrt_fail(-ENOENT,
				"there is no PCI device %s; \"mhoctl list\" shows the cards",
				address);
	if (read_number(directory, "vendor") != MHO_HW_PCI_VENDOR ||
	    read_number(directory, "device") != MHO_HW_PCI_DEVICE)
		return mrt_fail(-ENODEV,
				"the PCI device %s is no mho card; \"mhoctl list\" shows the cards",
				address);
	read_target(driver, sizeof(driver), directory, "driver");
	return no_driver(address, driver);
}

static int by_serial(const char *text, const struct accelb_node *nodes, size_t n,
		     char path[PATH_MAX])
{
	uint64_t serial;

	if (!parse_serial(text, &serial))
		return mrt_fail(-EINVAL,
				"\"%s\" is no serial number; it has hexadecimal digits, as "
				"\"mhoctl info\" prints it",
				text);
	for (size_t i = 0; i < n; i++)
		if (nodes[i].serial == serial)
			return choose(&nodes[i], path);
	return mrt_fail(-ENOENT,
			"no card has the serial number %016llx; \"mhoctl list\" shows the cards",
			(unsigned long long)serial);
}

int accelb_find(const char *root, const char *name, char path[PATH_MAX])
{
	struct accelb_node *nodes;
	char address[32];
	size_t n;
	int err;

	/* Whoever names a node may have made it himself; what is behind it shows when it is open. */
	if (*name == '/') {
		if (snprintf(path, PATH_MAX, "%s%s", root, name) < PATH_MAX)
			return 0;
		return mrt_fail(-EINVAL, "the path of the device node is too long");
	}
	err = accelb_scan(root, &nodes, &n);
	if (err)
		return err;
	if (normal_address(name, address, sizeof(address)))
		err = by_address(root, address, nodes, n, path);
	else if (!strncmp(name, SERIAL, strlen(SERIAL)))
		err = by_serial(name + strlen(SERIAL), nodes, n, path);
	else if (*name)
		err = mrt_fail(-EINVAL,
			       "\"accel:%s\" names no card; write accel:/dev/accel/accel0, a PCI "
			       "address such as accel:0000:01:00.0, accel:serial=NUMBER, or "
			       "\"accel:\" if there is only one",
			       name);
	else if (n == 1)
		err = choose(&nodes[0], path);
	else
		err = n ? too_many(nodes, n) : no_card(root);
	free(nodes);
	return err;
}

/* ---- listing ---- */

static void largest_tile(const struct mho_topo *topo, struct mho_found *f)
{
	for (unsigned int i = 0; i < topo->ntiles; i++) {
		const struct mho_topo_tile *t = &topo->tiles[i];

		if ((uint32_t)t->rows * t->cols > f->rows * f->cols) {
			f->rows = t->rows;
			f->cols = t->cols;
		}
	}
}

/* What only an open node tells; nothing if it cannot be opened. */
static void ask(const char *path, struct mho_found *f)
{
	struct mho_topo *topo;
	char text[256];
	void *blob;
	size_t len;
	int fd;

	fd = accelb_open_node(path, NULL);
	if (fd < 0)
		return;
	if (!accelb_read_topology(fd, &blob, &len)) {
		if (!mho_topo_parse(blob, len, NULL, &topo, text, sizeof(text))) {
			f->tiles = topo->ntiles;
			largest_tile(topo, f);
			mho_topo_free(topo);
		}
		free(blob);
	}
	close(fd);
}

int accelb_enumerate(mho_found_fn fn, void *arg)
{
	struct accelb_node *nodes;
	char uri[64];
	size_t n;
	int ret;

	ret = accelb_scan("", &nodes, &n);
	for (size_t i = 0; i < n && !ret; i++) {
		struct mho_found f = { .uri = uri, .model = nodes[i].model };

		snprintf(uri, sizeof(uri), "accel:%s", nodes[i].path);
		ask(nodes[i].path, &f);
		ret = fn(&f, arg);
	}
	free(nodes);
	return ret;
}
