// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl doctor: what a card needs. Kernel, its configuration, the module, the
 * card on the bus, its device nodes and who may open them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "mho_hw.h"
#include "tools/mhoctl/doctor.h"

/* What the driver is written for. */
#define KERNEL_MAJOR 6
#define KERNEL_MINOR 12

#define UDEV_RULE "SUBSYSTEM==\"accel\", GROUP=\"render\", MODE=\"0660\""

static unsigned int read_hex(const struct doctor *d, const char *directory, const char *name)
{
	char text[32];

	/* The directory is a path from glob(): it begins with the root. */
	if (!fs_read(d->root, text, sizeof(text), "%s/%s", directory + strlen(d->root), name))
		return 0;
	return (unsigned int)strtoul(text, NULL, 16);
}

static unsigned int count_cards(const struct doctor *d)
{
	unsigned int cards = 0;
	glob_t found;

	fs_glob(d->root, "sys/bus/pci/devices/*", &found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		cards += read_hex(d, found.gl_pathv[i], "vendor") == MHO_HW_PCI_VENDOR &&
			 read_hex(d, found.gl_pathv[i], "device") == MHO_HW_PCI_DEVICE;
	globfree(&found);
	return cards;
}

static void check_kernel(struct doctor *d)
{
	unsigned int major, minor;

	if (sscanf(d->release, "%u.%u", &major, &minor) != 2) {
		doctor_say(d, "kernel", DOCTOR_NOTE, NULL, "the kernel's version cannot be read");
		return;
	}
	if (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR))
		doctor_say(d, "kernel", DOCTOR_OK, NULL, "Linux %s", d->release);
	else
		doctor_say(d, "kernel", doctor_for_card(d),
			   "Debian 12: sudo apt install -t bookworm-backports linux-image-amd64, "
			   "then reboot",
			   "Linux %s; a card's driver needs %d.%d or later", d->release,
			   KERNEL_MAJOR, KERNEL_MINOR);
}

/* Looks for CONFIG_DRM_ACCEL=y, also in a plain file. Return: 1 there, 0 not, -1 no such file. */
static int config_has_accel(const struct doctor *d, const char *file)
{
	char path[PATH_MAX], line[512];
	gzFile config;
	int has = 0;

	fs_path(d->root, path, "%s", file);
	config = gzopen(path, "re");
	if (!config)
		return -1;
	while (!has && gzgets(config, line, sizeof(line)))
		has = strncmp(line, "CONFIG_DRM_ACCEL=y", 18) == 0;
	gzclose(config);
	return has;
}

static void check_config(struct doctor *d)
{
	char file[256];
	int has;

	snprintf(file, sizeof(file), "boot/config-%s", d->release);
	has = config_has_accel(d, file);
	if (has < 0) {
		snprintf(file, sizeof(file), "proc/config.gz");
		has = config_has_accel(d, file);
	}
	if (has > 0)
		doctor_say(d, "kernel-config", DOCTOR_OK, NULL, "CONFIG_DRM_ACCEL=y in /%s", file);
	else if (has == 0)
		doctor_say(d, "kernel-config", doctor_for_card(d),
			   "use a distribution's kernel of 6.12 or later, or build one with "
			   "CONFIG_DRM_ACCEL=y",
			   "/%s has no CONFIG_DRM_ACCEL=y, which a card's driver needs", file);
	else
		doctor_say(d, "kernel-config", DOCTOR_NOTE, NULL,
			   "neither /boot/config-%s nor /proc/config.gz is there; "
			   "CONFIG_DRM_ACCEL is unknown",
			   d->release);
}

static bool module_installed(const struct doctor *d)
{
	char path[PATH_MAX], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *file;

	fs_path(d->root, path, "lib/modules/%s/modules.dep", d->release);
	file = fopen(path, "re");
	if (!file)
		return false;
	/* "updates/mho.ko.xz: kernel/..." */
	while (!found && getline(&line, &room, file) > 0) {
		line[strcspn(line, ":")] = '\0';
		found = strncmp(line, "mho.ko", 6) == 0 || strstr(line, "/mho.ko");
	}
	free(line);
	fclose(file);
	return found;
}

static void check_module(struct doctor *d)
{
	char line[256];

	if (fs_find_line(d->root, "proc/modules", "mho ", line, sizeof(line)))
		doctor_say(d, "module", DOCTOR_OK, NULL, "mho is loaded");
	else if (module_installed(d))
		doctor_say(d, "module", doctor_for_card(d), "sudo modprobe mho",
			   "mho is installed, not loaded");
	else
		doctor_say(d, "module", doctor_for_card(d),
			   d->card ? "build and install the driver for this kernel, then: "
				     "sudo modprobe mho" :
				     NULL,
			   "no kernel module mho for Linux %s", d->release);
}

/* Permission bits that apply to the user, as rwx in the low three. */
static unsigned int mode_for_user(const struct doctor *d, const struct stat *st)
{
	if (d->uid == 0)
		return 7;
	if (d->uid == st->st_uid)
		return st->st_mode >> 6 & 7;
	if (doctor_in_group(d, st->st_gid))
		return st->st_mode >> 3 & 7;
	return st->st_mode & 7;
}

static void check_permission(struct doctor *d, const char *name, const struct stat *st)
{
	char group[64], remedy[320] = "";
	bool group_may = (st->st_mode & 060) == 060;

	doctor_group_name(d, st->st_gid, group, sizeof(group));
	if ((mode_for_user(d, st) & 6) == 6) {
		doctor_say(d, "permission", DOCTOR_OK, NULL, "you may open /dev/accel/%s", name);
		return;
	}
	if (group_may)
		snprintf(remedy, sizeof(remedy), "sudo usermod -aG %s $USER, then log in again",
			 group);
	else
		snprintf(remedy, sizeof(remedy), "%s",
			 "echo '" UDEV_RULE "' | sudo tee /etc/udev/rules.d/60-mho.rules && sudo "
			 "udevadm control --reload && sudo udevadm trigger -s accel");
	doctor_say(d, "permission", DOCTOR_PROBLEM, remedy,
		   "/dev/accel/%s is mode %04o, group %s: %s", name, st->st_mode & 07777, group,
		   group_may ? "you are not in that group" : "only its owner may open it");
}

static void check_node(struct doctor *d, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	fs_path(d->root, path, "dev/accel/%s", name);
	if (stat(path, &st)) {
		doctor_say(d, "node", DOCTOR_PROBLEM,
			   "sudo udevadm trigger --subsystem-match=accel",
			   "the driver has made %s, but there is no /dev/accel/%s", name, name);
		return;
	}
	doctor_say(d, "node", DOCTOR_OK, NULL, "/dev/accel/%s", name);
	check_permission(d, name, &st);
}

/* Nodes of the mho driver; those of other accelerators are counted only. */
static void check_nodes(struct doctor *d, const glob_t *found)
{
	unsigned int ours = 0, others = 0;

	for (size_t i = 0; i < found->gl_pathc; i++) {
		if (!fs_is_card(found->gl_pathv[i])) {
			others++;
			continue;
		}
		ours++;
		check_node(d, strrchr(found->gl_pathv[i], '/') + 1);
	}
	if (!ours)
		doctor_say(d, "node", doctor_for_card(d),
			   d->card ? "sudo dmesg | grep mho shows why the driver did not take the "
				     "card" :
				     NULL,
			   "no device node of a mho card (%u of other accelerators)", others);
}

static void check_group(struct doctor *d)
{
	gid_t render;

	if (!doctor_group_id(d, "render", &render))
		doctor_say(d, "group", doctor_for_card(d), "sudo groupadd --system render",
			   "there is no group render, which device nodes of cards belong to");
	else if (d->uid == 0 || doctor_in_group(d, render))
		doctor_say(d, "group", DOCTOR_OK, NULL,
			   d->uid == 0 ? "root needs no group" : "you are in the group render");
	else
		doctor_say(
			d, "group", doctor_for_card(d),
			"sudo usermod -aG render $USER, then log in again",
			"you are not in the group render, which device nodes of cards belong to");
}

/**
 * doctor_driver() - check what a card needs
 * @d: examination; finds out whether there is a card
 */
void doctor_driver(struct doctor *d)
{
	unsigned int cards = count_cards(d);
	glob_t nodes;

	fs_glob(d->root, "sys/class/accel/accel*", &nodes);
	d->card = cards > 0;
	for (size_t i = 0; i < nodes.gl_pathc; i++)
		d->card |= fs_is_card(nodes.gl_pathv[i]);

	check_kernel(d);
	check_config(d);
	if (cards)
		doctor_say(d, "card", DOCTOR_OK, NULL, "%u on the PCI bus", cards);
	else
		doctor_say(d, "card", DOCTOR_NOTE, NULL,
			   "none on the PCI bus; the emulator (emu:) needs none");
	check_module(d);
	check_nodes(d, &nodes);
	check_group(d);
	globfree(&nodes);
}
