// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Temperature, power and energy for hwmon, in its units: millidegree Celsius, microwatt,
 * microjoule. Limits are those of the topology.
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

static int mho_hwmon_temp(struct mho_device *mdev, u32 attr, long *value)
{
	s32 now;

	if (attr == hwmon_temp_max || attr == hwmon_temp_crit) {
		*value = attr == hwmon_temp_max ? mdev->thermal.warning_mc :
						  mdev->thermal.critical_mc;
		return 0;
	}
	now = mho_read(mdev, MHO_HW_REG_TEMPERATURE);
	if (mho_gone(mdev))
		return -ENODEV;
	if (attr == hwmon_temp_max_alarm)
		*value = now >= mdev->thermal.warning_mc;
	else if (attr == hwmon_temp_crit_alarm)
		*value = now >= mdev->thermal.critical_mc;
	else
		*value = now;
	return 0;
}

static int mho_hwmon_get(struct mho_device *mdev, enum hwmon_sensor_types type, u32 attr,
			 long *value)
{
	struct drm_mho_telemetry t;
	int ret;

	if (type == hwmon_temp)
		return mho_hwmon_temp(mdev, attr, value);
	if (type == hwmon_power && attr == hwmon_power_max) {
		*value = (long)mdev->thermal.power_limit_mw * MHO_UW_PER_MW;
		return 0;
	}
	ret = mho_query_telemetry(mdev, &t);
	if (ret)
		return ret;
	if (type == hwmon_power)
		*value = (long)t.power_mw * MHO_UW_PER_MW;
	else
		*value = div_u64(t.energy_fj + READ_ONCE(mdev->energy_past_fj), MHO_FJ_PER_UJ);
	return 0;
}

/* Those who watch sensors look every second or so: a card that they woke would never sleep. */
static int mho_hwmon_asleep(struct mho_device *mdev, enum hwmon_sensor_types type, u32 attr,
			    long *value)
{
	*value = 0;
	if (type == hwmon_temp && attr == hwmon_temp_input)
		return -ENODATA;
	if (type == hwmon_energy)
		*value = div_u64(READ_ONCE(mdev->energy_past_fj), MHO_FJ_PER_UJ);
	return 0;
}

/* Limits are the topology's. */
static bool mho_hwmon_known(enum hwmon_sensor_types type, u32 attr)
{
	return type == hwmon_temp ? attr == hwmon_temp_max || attr == hwmon_temp_crit :
				    type == hwmon_power && attr == hwmon_power_max;
}

static int mho_hwmon_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
			  long *value)
{
	struct mho_device *mdev = dev_get_drvdata(dev);
	int idx, ret;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return -ENODEV;
	if (mho_hwmon_known(type, attr)) {
		ret = mho_hwmon_get(mdev, type, attr, value);
	} else if (mho_pm_look(mdev)) {
		ret = mho_hwmon_get(mdev, type, attr, value);
		mho_pm_look_done(mdev);
	} else {
		ret = mho_hwmon_asleep(mdev, type, attr, value);
	}
	drm_dev_exit(idx);
	return ret;
}

/* The sensors are of the whole card, all of them. */
static int mho_hwmon_read_string(struct device *dev, enum hwmon_sensor_types type, u32 attr,
				 int channel, const char **text)
{
	*text = "card";
	return 0;
}

static const struct hwmon_ops mho_hwmon_ops = {
	.is_visible = mho_hwmon_visible,
	.read = mho_hwmon_read,
	.read_string = mho_hwmon_read_string,
};

static const struct hwmon_channel_info * const mho_hwmon_channels[] = {
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT | HWMON_T_LABEL | HWMON_T_MAX | HWMON_T_CRIT |
			   HWMON_T_MAX_ALARM | HWMON_T_CRIT_ALARM),
	HWMON_CHANNEL_INFO(power, HWMON_P_AVERAGE | HWMON_P_LABEL | HWMON_P_MAX),
	HWMON_CHANNEL_INFO(energy, HWMON_E_INPUT | HWMON_E_LABEL),
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
	mho_topo_thermal(mdev->topology, mdev->limits.topology_size, &mdev->thermal);
	hwmon = devm_hwmon_device_register_with_info(&mdev->pdev->dev, "mho", mdev,
						     &mho_hwmon_chip, NULL);
	return PTR_ERR_OR_ZERO(hwmon);
}
