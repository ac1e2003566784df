// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What a device is and what it counts, and what it is told to do as a whole: handed
 * down to the backend; and the topology's technologies.
 */
#include <errno.h>
#include <stdio.h>

#include "core/dev.h"
#include "emulator/topo.h"

int mho_dev_info(struct mho_dev *handle, struct mho_info *info)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_dev_info");

	if (!dev)
		return -EINVAL;
	return mrt_copy_out(info, &dev->info, sizeof(dev->info), sizeof(*info), "struct mho_info");
}

int mho_tile_get(struct mho_dev *handle, uint32_t index, struct mho_tile_info *info)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_tile_get");
	struct mho_tile_info t = MHO_INIT(struct mho_tile_info);
	int err;

	if (!dev)
		return -EINVAL;
	if (index >= dev->info.tiles)
		return mrt_fail(-EINVAL, "tile %u is wanted; this card has tiles 0 to %u", index,
				dev->info.tiles - 1);
	err = dev->ops->tile(dev->bdev, index, &t);
	return err ? err : mrt_copy_out(info, &t, sizeof(t), sizeof(t), "struct mho_tile_info");
}

int mho_tech_get(struct mho_dev *handle, uint32_t index, struct mho_tech_info *info)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_tech_get");
	struct mho_tech_info t = MHO_INIT(struct mho_tech_info);
	const struct mho_tech *tech;

	if (!dev)
		return -EINVAL;
	if (index >= dev->topo->ntechs)
		return mrt_fail(-EINVAL, "technology %u is wanted; this card has 0 to %u", index,
				dev->topo->ntechs - 1);
	tech = &dev->topo->techs[index];
	t.dac_bits = tech->dac_bits;
	t.adc_bits = tech->adc_bits;
	t.w_min = tech->w_min;
	t.w_max = tech->w_max;
	t.dw_min = (float)mho_tech_step(tech);
	t.pulse_s = (float)tech->pulse_s;
	t.pulse_v = (float)tech->pulse_v;
	t.read_s = (float)tech->read_s;
	t.train_length = tech->train_length;
	snprintf(t.name, sizeof(t.name), "%s", tech->name);
	snprintf(t.law, sizeof(t.law), "%s", mho_topo_law(tech->model));
	return mrt_copy_out(info, &t, sizeof(t), sizeof(t), "struct mho_tech_info");
}

const void *mho_topology(struct mho_dev *handle, size_t *len)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_topology");
	const void *blob;
	size_t n;

	if (!dev)
		return NULL;
	blob = dev->ops->topology(dev->bdev, &n);
	if (len)
		*len = n;
	return blob;
}

int mho_telemetry_get(struct mho_dev *handle, struct mho_telemetry *out)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_telemetry_get");
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);
	int err;

	if (!dev)
		return -EINVAL;
	err = dev->ops->telemetry(dev->bdev, &t);
	return err ? err : mrt_copy_out(out, &t, sizeof(t), sizeof(t), "struct mho_telemetry");
}

int mho_log_read(struct mho_dev *handle, mho_log_entry_fn fn, void *arg)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_log_read");

	if (!dev)
		return -EINVAL;
	if (!fn)
		return mrt_fail(-EINVAL, "mho_log_read: fn is NULL");
	return dev->ops->read_log(dev->bdev, fn, arg);
}

int mho_selftest_run(struct mho_dev *handle, int full, struct mho_selftest *result)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_selftest_run");
	struct mho_selftest r = MHO_INIT(struct mho_selftest);
	int err;

	if (!dev)
		return -EINVAL;
	/* Before the test, which costs wear. */
	err = mrt_copy_out(result, &r, sizeof(r), sizeof(r), "struct mho_selftest");
	if (!err)
		err = dev->ops->selftest(dev->bdev, full != 0, &r);
	return err ? err : mrt_copy_out(result, &r, sizeof(r), sizeof(r), "struct mho_selftest");
}

int mho_calibrate(struct mho_dev *handle, int tile)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_calibrate");

	if (!dev)
		return -EINVAL;
	if (tile < -1 || (tile >= 0 && (uint32_t)tile >= dev->info.tiles))
		return mrt_fail(-EINVAL,
				"tile %d is wanted; this card has tiles 0 to %u, -1 is all", tile,
				dev->info.tiles - 1);
	return dev->ops->calibrate(dev->bdev, tile);
}

int mho_firmware_get(struct mho_dev *handle, struct mho_firmware *out)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_firmware_get");
	struct mho_firmware fw = MHO_INIT(struct mho_firmware);
	int err;

	if (!dev)
		return -EINVAL;
	err = dev->ops->firmware(dev->bdev, &fw);
	return err ? err : mrt_copy_out(out, &fw, sizeof(fw), sizeof(fw), "struct mho_firmware");
}

int mho_reset(struct mho_dev *handle)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_reset");

	return dev ? dev->ops->reset(dev->bdev) : -EINVAL;
}

int mho_sync(struct mho_dev *handle)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_sync");

	return dev ? dev->ops->sync(dev->bdev) : -EINVAL;
}
