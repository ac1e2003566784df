/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the PCI driver registers of the facilities beside the jobs: power management, error
 * handlers, sysfs, hwmon, debugfs.
 */
#ifndef MHO_PM_H
#define MHO_PM_H

#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/sysfs.h>

struct mho_device;

extern const struct dev_pm_ops mho_pm_ops;
extern const struct pci_error_handlers mho_pci_errors;
int mho_sysfs_init(struct mho_device *mdev);
void mho_sysfs_fini(struct mho_device *mdev);
int mho_hwmon_init(struct mho_device *mdev);
void mho_debugfs_init(struct mho_device *mdev);

void mho_pm_start(struct mho_device *mdev);
void mho_pm_stop(struct mho_device *mdev);
int mho_pm_get(struct mho_device *mdev);
void mho_pm_put(struct mho_device *mdev);
bool mho_pm_look(struct mho_device *mdev);
void mho_pm_look_done(struct mho_device *mdev);

#endif
