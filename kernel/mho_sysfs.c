// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Attributes of the PCI device: what a card is, without opening it.
 */
#include <linux/math64.h>
#include <linux/pci.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include <drm/drm_drv.h>
#include <drm/mho_accel.h>

#include "mho_compat.h"
#include "mho_device.h"
#include "mho_pm.h"

#define MHO_SYSFS_LINE 64 /* bytes of a line of "wear", with its end */

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

static int mho_sysfs_firmware(struct mho_device *mdev, struct drm_mho_firmware *fw)
{
	int idx, ret;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return -ENODEV;
	ret = mho_pm_get(mdev);
	if (!ret) {
		ret = mho_query_fw(mdev, fw);
		mho_pm_put(mdev);
	}
	drm_dev_exit(idx);
	return ret;
}

static ssize_t fw_name_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct drm_mho_firmware fw;
	int ret = mho_sysfs_firmware(dev_get_drvdata(dev), &fw);

	return ret ?: sysfs_emit(buf, "%.*s\n", (int)sizeof(fw.name), fw.name);
}
static DEVICE_ATTR_RO(fw_name);

static ssize_t fw_sha256_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct drm_mho_firmware fw;
	int ret = mho_sysfs_firmware(dev_get_drvdata(dev), &fw);

	return ret ?: sysfs_emit(buf, "%*phN\n", (int)sizeof(fw.sha256), fw.sha256);
}
static DEVICE_ATTR_RO(fw_sha256);

static ssize_t wear_max_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mho_device *mdev = dev_get_drvdata(dev);
	struct drm_mho_telemetry t;
	int idx, ret;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return -ENODEV;
	ret = mho_pm_get(mdev);
	if (!ret) {
		ret = mho_query_telemetry(mdev, &t);
		mho_pm_put(mdev);
	}
	drm_dev_exit(idx);
	return ret ?: sysfs_emit(buf, "%u\n", t.wear_max);
}
static DEVICE_ATTR_RO(wear_max);

static struct attribute *mho_sysfs_attrs[] = {
	&dev_attr_serial.attr,
	&dev_attr_model.attr,
	&dev_attr_fw_version.attr,
	&dev_attr_fw_name.attr,
	&dev_attr_fw_sha256.attr,
	&dev_attr_wear_max.attr,
	&dev_attr_resets.attr,
	&dev_attr_lost_interrupts.attr,
	&dev_attr_bad_completions.attr,
	NULL
};

static ssize_t topology_read(struct file *file, struct kobject *kobj, mho_bin_attribute *attr,
			     char *buf, loff_t at, size_t count)
{
	struct mho_device *mdev = dev_get_drvdata(kobj_to_dev(kobj));

	return memory_read_from_buffer(buf, count, &at, mdev->topology,
				       mdev->limits.topology_size);
}
static BIN_ATTR_RO(topology, 0);

/* Lines of one length, so that a tile's line is found without those before it. */
static int mho_sysfs_wear_line(struct mho_device *mdev, u32 id, char *line)
{
	static const char * const states[] = { "free", "used", "failed", "scrubbing" };
	struct drm_mho_tile tile;
	int ret, used;

	ret = mho_query_one_tile(mdev, id, &tile);
	if (ret)
		return ret;
	used = scnprintf(line, MHO_SYSFS_LINE, "%4u %10u %10llu.%03u %20llu %s", id, tile.wear_max,
			 div_u64(tile.wear_mean_milli, 1000),
			 (u32)(tile.wear_mean_milli - div_u64(tile.wear_mean_milli, 1000) * 1000),
			 tile.endurance,
			 tile.state < ARRAY_SIZE(states) ? states[tile.state] : "unknown");
	memset(line + used, ' ', MHO_SYSFS_LINE - used);
	line[MHO_SYSFS_LINE - 1] = '\n';
	return 0;
}

static ssize_t mho_sysfs_wear(struct mho_device *mdev, char *buf, loff_t at, size_t count)
{
	u64 end = min_t(u64, at + count, (u64)mdev->limits.tiles * MHO_SYSFS_LINE);
	char line[MHO_SYSFS_LINE];
	size_t done = 0;
	u32 id, skip;
	int ret;

	while (at + done < end) {
		size_t part;

		id = div_u64_rem(at + done, MHO_SYSFS_LINE, &skip);
		ret = mho_sysfs_wear_line(mdev, id, line);
		if (ret)
			return done ?: ret;
		part = min_t(u64, MHO_SYSFS_LINE - skip, end - (at + done));
		memcpy(buf + done, line + skip, part);
		done += part;
	}
	return done;
}

static ssize_t wear_read(struct file *file, struct kobject *kobj, mho_bin_attribute *attr,
			 char *buf, loff_t at, size_t count)
{
	struct mho_device *mdev = dev_get_drvdata(kobj_to_dev(kobj));
	ssize_t ret;
	int idx;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return -ENODEV;
	ret = mho_pm_get(mdev);
	if (!ret) {
		ret = mho_sysfs_wear(mdev, buf, at, count);
		mho_pm_put(mdev);
	}
	drm_dev_exit(idx);
	return ret;
}

/* Root's: each line is a command to the device. */
static BIN_ATTR_ADMIN_RO(wear, 0);

static mho_bin_attribute *mho_sysfs_bin_attrs[] = {
	&bin_attr_topology,
	&bin_attr_wear,
	NULL
};

static const struct attribute_group mho_sysfs_group = {
	.attrs = mho_sysfs_attrs,
	.bin_attrs = mho_sysfs_bin_attrs,
};

/**
 * mho_sysfs_init() - show the attributes
 * @mdev: device that has told what it is
 *
 * Before there is a node: who is told of the node, as udev is, looks at them. The driver core would
 * add them after probe.
 *
 * Return: 0 or -errno.
 */
int mho_sysfs_init(struct mho_device *mdev)
{
	return sysfs_create_group(&mdev->pdev->dev.kobj, &mho_sysfs_group);
}

/**
 * mho_sysfs_fini() - take the attributes away; nobody reads them any more
 * @mdev: device
 */
void mho_sysfs_fini(struct mho_device *mdev)
{
	sysfs_remove_group(&mdev->pdev->dev.kobj, &mho_sysfs_group);
}
