// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The card as a PCI function in sysfs, and the driver as a module. There is one card.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test_fault.h"

#define DEVICES "/sys/bus/pci/devices"
#define DRIVER "/sys/bus/pci/drivers/mho"
#define TIMEOUT "/sys/module/mho/parameters/timeout_ms"

/* Waits are made of steps, in us. */
#define STEP_US 20000

static int64_t read_number(const char *path)
{
	int64_t value = -EIO;
	FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	if (fscanf(file, "%" SCNi64, &value) != 1)
		value = -EIO;
	fclose(file);
	return value;
}

const char *mt_card_address(void)
{
	static char found[32];
	char path[300];
	glob_t devices;
	size_t i;

	found[0] = '\0';
	if (glob(DEVICES "/*", 0, NULL, &devices))
		return NULL;
	for (i = 0; i < devices.gl_pathc && !found[0]; i++) {
		snprintf(path, sizeof(path), "%s/vendor", devices.gl_pathv[i]);
		if (read_number(path) != MHO_HW_PCI_VENDOR)
			continue;
		snprintf(path, sizeof(path), "%s/device", devices.gl_pathv[i]);
		if (read_number(path) == MHO_HW_PCI_DEVICE)
			snprintf(found, sizeof(found), "%s", strrchr(devices.gl_pathv[i], '/') + 1);
	}
	globfree(&devices);
	return found[0] ? found : NULL;
}

const char *mt_card_path(const char *name)
{
	static char path[300];
	const char *card = mt_card_address();

	snprintf(path, sizeof(path), DEVICES "/%s/%s", card ? card : "none", name);
	return path;
}

int mt_card_write(const char *name, const char *text)
{
	return mt_write_file(mt_card_path(name), text);
}

int64_t mt_card_number(const char *name)
{
	return read_number(mt_card_path(name));
}

ssize_t mt_card_debugfs(const char *name, char *text, size_t size)
{
	const char *address = mt_card_address();
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/accel/%s/%s", address ? address : "none",
		 name);
	return mt_read_text(path, text, size);
}

static bool has_card(void)
{
	return mt_card_address();
}

static bool has_node(void)
{
	return mt_node();
}

/* The kernel shows a node a moment before it can be opened. */
static bool can_open(void)
{
	int fd = mt_open();

	if (fd >= 0)
		close(fd);
	return fd != -ENODEV;
}

static int wait_for(bool (*condition)(void), bool wanted)
{
	int64_t left = MT_WAIT_NS / 1000 / STEP_US;

	while (condition() != wanted) {
		if (!left--)
			return -ETIMEDOUT;
		usleep(STEP_US);
	}
	return 0;
}

int mt_card_wait(bool there)
{
	return wait_for(has_card, there);
}

int mt_node_wait(bool there)
{
	return wait_for(there ? can_open : has_node, there);
}

int mt_bind(void)
{
	const char *card = mt_card_address();

	return card ? mt_write_file(DRIVER "/bind", card) : -ENODEV;
}

int mt_unbind(void)
{
	const char *card = mt_card_address();

	return card ? mt_write_file(DRIVER "/unbind", card) : -ENODEV;
}

int mt_renew(void)
{
	int ret = mt_unbind();
	int bound;

	if (ret)
		return ret;
	ret = mt_control("renew", NULL, 0);
	bound = mt_bind();
	return ret ? ret : bound;
}

int mt_remove(void)
{
	return mt_card_write("remove", "1");
}

int mt_rescan(void)
{
	return mt_write_file("/sys/bus/pci/rescan", "1");
}

int mt_module_load(const char *options)
{
	char command[200];
	int status;

	snprintf(command, sizeof(command), "/usr/sbin/modprobe mho %s", options);
	status = system(command);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int mt_module_unload(void)
{
	return syscall(SYS_delete_module, "mho", O_NONBLOCK) ? -errno : 0;
}

int mt_timeout(unsigned int ms)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", ms);
	return mt_write_file(TIMEOUT, text);
}

int mt_repair(void)
{
	int ret;

	mt_control("clear", NULL, 0);
	if (access(DRIVER, F_OK)) {
		ret = mt_module_load("");
		if (ret)
			return ret;
	}
	if (!has_card()) {
		ret = mt_rescan();
		if (ret)
			return ret;
	}
	if (!has_node()) {
		ret = mt_bind();
		if (ret)
			return ret;
	}
	ret = mt_node_wait(true);
	mt_timeout(0);
	return ret ? ret : mt_works();
}

int mt_replace(void)
{
	int ret;

	if (!mt_node() || mt_works()) {
		mt_order("card unplug");
		mt_order("card start");
		mt_order("card plug");
	}
	ret = mt_node_wait(true);
	return ret ? ret : mt_repair();
}
