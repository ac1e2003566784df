// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Attributes of the PCI device: what a card is, without opening it.
 */
#include <linux/pci.h>
#include <linux/sysfs.h>

#include "mho_device.h"
#include "mho_pm.h"

static ssize_t serial_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mho_device *mdev = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%016llx\n", mdev->limits.serial);
}
static DEVICE_ATTR_RO(serial);

static ssize_t model_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mho_device *mdev = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%s\n", mdev->limits.model);
}
static DEVICE_ATTR_RO(model);

static ssize_t fw_version_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mho_device *mdev = dev_get_drvdata(dev);
	u32 version = READ_ONCE(mdev->fw_version);

	return sysfs_emit(buf, "%u.%u.%u\n", version >> 24, version >> 16 & 0xff,
			  version & 0xffff);
}
static DEVICE_ATTR_RO(fw_version);

static ssize_t resets_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mho_device *mdev = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(mdev->resets));
}
static DEVICE_ATTR_RO(resets);

static ssize_t lost_interrupts_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mho_device *mdev = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", atomic_read(&mdev->lost_irqs));
}
static DEVICE_ATTR_RO(lost_interrupts);

static ssize_t bad_completions_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mho_device *mdev = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", atomic_read(&mdev->bad_cqes));
}
static DEVICE_ATTR_RO(bad_completions);

static struct attribute *mho_sysfs_attrs[] = {
	&dev_attr_serial.attr,
	&dev_attr_model.attr,
	&dev_attr_fw_version.attr,
	&dev_attr_resets.attr,
	&dev_attr_lost_interrupts.attr,
	&dev_attr_bad_completions.attr,
	NULL
};

static const struct attribute_group mho_sysfs_group = {
	.attrs = mho_sysfs_attrs,
};

const struct attribute_group *mho_sysfs_groups[] = {
	&mho_sysfs_group,
	NULL
};
