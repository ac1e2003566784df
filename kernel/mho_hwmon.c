// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Temperature, power and energy for hwmon, in its units: millidegree Celsius, microwatt,
 * microjoule.
 */
#include <linux/hwmon.h>
#include <linux/math64.h>

#include <drm/drm_drv.h>
#include <drm/mho_accel.h>

#include "mho_device.h"
#include "mho_pm.h"

#define MHO_FJ_PER_UJ 1000000000U
#define MHO_UW_PER_MW 1000

static umode_t mho_hwmon_visible(const void *data, enum hwmon_sensor_types type, u32 attr,
				 int channel)
{
	return 0444;
}

static int mho_hwmon_get(struct mho_device *mdev, enum hwmon_sensor_types type, long *value)
{
	struct drm_mho_telemetry t;
	int ret;

	if (type == hwmon_temp) {
		*value = (s32)mho_read(mdev, MHO_HW_REG_TEMPERATURE);
		return mho_gone(mdev) ? -ENODEV : 0;
	}
	ret = mho_query_telemetry(mdev, &t);
	if (ret)
		return ret;
	if (type == hwmon_power)
		*value = (long)t.power_mw * MHO_UW_PER_MW;
	else
		*value = div_u64(t.energy_fj, MHO_FJ_PER_UJ);
	return 0;
}

static int mho_hwmon_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
			  long *value)
{
	struct mho_device *mdev = dev_get_drvdata(dev);
	int idx, ret;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return -ENODEV;
	ret = mho_hwmon_get(mdev, type, value);
	drm_dev_exit(idx);
	return ret;
}

static const struct hwmon_ops mho_hwmon_ops = {
	.is_visible = mho_hwmon_visible,
	.read = mho_hwmon_read,
};

static const struct hwmon_channel_info * const mho_hwmon_channels[] = {
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT),
	HWMON_CHANNEL_INFO(power, HWMON_P_AVERAGE),
	HWMON_CHANNEL_INFO(energy, HWMON_E_INPUT),
	NULL
};

static const struct hwmon_chip_info mho_hwmon_chip = {
	.ops = &mho_hwmon_ops,
	.info = mho_hwmon_channels,
};

/**
 * mho_hwmon_init() - register the sensors; they go with the device
 * @mdev: device
 *
 * Return: 0 or -errno.
 */
int mho_hwmon_init(struct mho_device *mdev)
{
	struct device *hwmon;

	if (!IS_REACHABLE(CONFIG_HWMON))
		return 0;
	hwmon = devm_hwmon_device_register_with_info(&mdev->pdev->dev, "mho", mdev,
						     &mho_hwmon_chip, NULL);
	return PTR_ERR_OR_ZERO(hwmon);
}
