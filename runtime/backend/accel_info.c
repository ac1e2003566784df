// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the card says about itself, as the driver passes it on: identity, topology,
 * telemetry, log; and what is asked of it as a whole: self-test, calibration, reset.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/accel_dev.h"

#define LOG_ENTRIES 64
/* No topology is larger; what a driver says beyond it is a mistake. */
#define TOPOLOGY_MAX (16U << 20)

/* A text field of the driver's, which need not end with NUL. */
static void copy_text(char *to, size_t size, const uint8_t *from, size_t len)
{
	size_t n = strnlen((const char *)from, len < size - 1 ? len : size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

int accelb_query(int fd, uint32_t type, uint32_t id, void *answer, size_t size)
{
	struct drm_mho_query args = {
		.type = type,
		.id = id,
		.size = (uint32_t)size,
		.data = (uintptr_t)answer,
	};

	memset(answer, 0, size);
	return accelb_ioctl(fd, DRM_IOCTL_MHO_QUERY, &args);
}

int accelb_read_topology(int fd, void **blob, size_t *len)
{
	struct drm_mho_query args = { .type = DRM_MHO_QUERY_TOPOLOGY };
	int err;

	err = accelb_ioctl(fd, DRM_IOCTL_MHO_QUERY, &args);
	if (err)
		return accelb_fail(err, "asking for the topology");
	if (!args.size || args.size > TOPOLOGY_MAX)
		return mrt_fail(-EIO, "the driver says that the topology has %u bytes", args.size);
	*blob = malloc(args.size);
	if (!*blob)
		return mrt_fail(-ENOMEM, "out of memory for a topology of %u bytes", args.size);
	*len = args.size;
	args.data = (uintptr_t)*blob;
	err = accelb_ioctl(fd, DRM_IOCTL_MHO_QUERY, &args);
	if (!err)
		return 0;
	free(*blob);
	*blob = NULL;
	return accelb_fail(err, "reading the topology");
}

int accelb_identify(struct accelb_dev *dev)
{
	struct mho_info *info = &dev->info;
	struct drm_mho_firmware fw;
	struct drm_mho_info hw;
	int err;

	err = accelb_query(dev->fd, DRM_MHO_QUERY_INFO, 0, &hw, sizeof(hw));
	if (!err)
		err = accelb_query(dev->fd, DRM_MHO_QUERY_FIRMWARE, 0, &fw, sizeof(fw));
	if (err)
		return accelb_fail(err, "identifying the card");
	dev->depth_max = hw.depth_max;
	info->tiles = hw.tiles;
	info->technologies = hw.technologies;
	info->queues = hw.queues;
	/* One entry of a ring stays free, here as in the device's own description. */
	info->queue_depth = hw.depth_max + 1;
	info->batch_max = hw.batch_max;
	info->arrays_max = hw.arrays;
	info->features = hw.features;
	info->interface = hw.interface;
	info->firmware = fw.version;
	info->restored = hw.restored;
	info->serial = hw.serial;
	info->cells = hw.cells;
	copy_text(info->model, sizeof(info->model), hw.model, sizeof(hw.model));
	copy_text(info->firmware_name, sizeof(info->firmware_name), fw.name, sizeof(fw.name));
	accelb_address(dev->fd, info->location, sizeof(info->location));
	return accelb_read_topology(dev->fd, &dev->blob, &dev->blob_len);
}

void accelb_info(struct mrt_bdev *base, struct mho_info *info)
{
	size_t size = info->size;

	*info = accelb_dev_of(base)->info;
	info->size = size;
}

const void *accelb_topology(struct mrt_bdev *base, size_t *len)
{
	struct accelb_dev *dev = accelb_dev_of(base);

	*len = dev->blob_len;
	return dev->blob;
}

/* A tile that is being scrubbed is as good as free: who needs it waits a little. */
static uint32_t tile_state(uint32_t state)
{
	switch (state) {
	case DRM_MHO_TILE_USED:
		return 1;
	case DRM_MHO_TILE_FAILED:
		return 2;
	default:
		return 0;
	}
}

int accelb_tile(struct mrt_bdev *base, uint32_t index, struct mho_tile_info *info)
{
	struct drm_mho_tile t;
	int err;

	err = accelb_query(accelb_dev_of(base)->fd, DRM_MHO_QUERY_TILE, index, &t, sizeof(t));
	if (err)
		return accelb_fail(err, "reading a tile's telemetry");
	info->rows = t.rows;
	info->cols = t.cols;
	info->technology = t.technology;
	info->state = tile_state(t.state);
	info->array = t.array;
	info->wear_max = t.wear_max;
	info->wear_mean = (double)t.wear_mean_milli / 1000.0;
	info->endurance = t.endurance;
	info->pulses = t.pulses;
	info->busy_ns = t.busy_ns;
	info->energy_fj = t.energy_fj;
	return 0;
}

int accelb_firmware(struct mrt_bdev *base, struct mho_firmware *fw)
{
	struct drm_mho_firmware hw;
	int err;

	err = accelb_query(accelb_dev_of(base)->fd, DRM_MHO_QUERY_FIRMWARE, 0, &hw, sizeof(hw));
	if (err)
		return accelb_fail(err, "identifying the firmware");
	fw->version = hw.version;
	fw->interface = hw.interface;
	fw->build_time = hw.build_time;
	copy_text(fw->name, sizeof(fw->name), hw.name, sizeof(hw.name));
	memcpy(fw->sha256, hw.sha256, sizeof(fw->sha256));
	return 0;
}

int accelb_telemetry(struct mrt_bdev *base, struct mho_telemetry *t)
{
	struct drm_mho_telemetry hw;
	int err;

	err = accelb_query(accelb_dev_of(base)->fd, DRM_MHO_QUERY_TELEMETRY, 0, &hw, sizeof(hw));
	if (err)
		return accelb_fail(err, "reading the telemetry");
	t->time_ns = hw.time_ns;
	t->energy_fj = hw.energy_fj;
	t->commands = hw.commands;
	t->errors = hw.errors;
	t->mvms = hw.mvms;
	t->updates = hw.updates;
	t->pulses = hw.pulses;
	t->lifetime_pulses = hw.lifetime_pulses;
	t->saturations = hw.saturations;
	t->retries = hw.retries;
	t->resets = hw.resets;
	t->power_cycles = hw.power_cycles;
	t->temperature_mc = hw.temperature_mc;
	t->power_mw = hw.power_mw;
	t->tiles_free = hw.tiles_free;
	t->tiles_failed = hw.tiles_failed;
	t->wear_max = hw.wear_max;
	return 0;
}

int accelb_read_log(struct mrt_bdev *base, mho_log_entry_fn fn, void *arg)
{
	struct drm_mho_log_entry entries[LOG_ENTRIES];
	char text[sizeof(entries[0].text)];
	struct drm_mho_query args = {
		.type = DRM_MHO_QUERY_LOG,
		.data = (uintptr_t)entries,
	};
	uint32_t n;
	int ret;

	do {
		args.size = sizeof(entries);
		ret = accelb_ioctl(accelb_dev_of(base)->fd, DRM_IOCTL_MHO_QUERY, &args);
		if (ret)
			return accelb_fail(ret, "reading the card's log");
		n = args.size / sizeof(*entries);
		for (uint32_t i = 0; i < n && i < LOG_ENTRIES; i++) {
			copy_text(text, sizeof(text), entries[i].text, sizeof(entries[i].text));
			ret = fn(entries[i].time_ns, entries[i].level, text, arg);
			if (ret)
				return ret;
			args.id = entries[i].number + 1;
		}
	} while (n);
	return 0;
}

int accelb_selftest(struct mrt_bdev *base, bool full, struct mho_selftest *result)
{
	struct drm_mho_selftest args = { .flags = full ? DRM_MHO_SELFTEST_FULL : 0 };
	int err;

	err = accelb_ioctl(accelb_dev_of(base)->fd, DRM_IOCTL_MHO_SELFTEST, &args);
	if (err == -EACCES)
		return mrt_fail(err,
				"the full self-test writes to tiles, which only root may order "
				"(CAP_SYS_ADMIN); the quick one is open to all");
	if (err)
		return accelb_fail(err, "the self-test");
	result->tests = args.tests;
	result->failures = args.failures;
	result->tiles_tested = args.tiles_tested;
	result->tiles_failed = args.tiles_failed;
	result->mvm_error = (float)args.mvm_error_ppm * 1e-6f;
	copy_text(result->first_failure, sizeof(result->first_failure), args.first_failure,
		  sizeof(args.first_failure));
	return 0;
}

int accelb_calibrate(struct mrt_bdev *base, int tile)
{
	struct drm_mho_calibrate args = { .tile = tile < 0 ? DRM_MHO_ALL : (uint32_t)tile };
	int err;

	err = accelb_ioctl(accelb_dev_of(base)->fd, DRM_IOCTL_MHO_CALIBRATE, &args);
	if (err == -EACCES)
		return mrt_fail(err,
				"calibration changes what all users of a card measure, so that "
				"only root may order it (CAP_SYS_ADMIN)");
	if (err == -EBUSY)
		return mrt_fail(err, "calibrating: jobs are in flight on these tiles; try again "
				     "when they are done");
	return err ? accelb_fail(err, "calibrating") : 0;
}

/*
 * Cells keep their weights themselves, and the table of named arrays survives a loss of power at any
 * moment (docs/hardware.md, section 4.5). So it is enough that the card is there.
 */
int accelb_sync(struct mrt_bdev *base)
{
	struct drm_mho_info hw;
	int err;

	err = accelb_query(accelb_dev_of(base)->fd, DRM_MHO_QUERY_INFO, 0, &hw, sizeof(hw));
	return err ? accelb_fail(err, "making sure that the card is there") : 0;
}

int accelb_reset(struct mrt_bdev *base)
{
	struct drm_mho_reset args = { .scope = DRM_MHO_RESET_DEVICE };
	int err;

	err = accelb_ioctl(accelb_dev_of(base)->fd, DRM_IOCTL_MHO_RESET, &args);
	if (err == -EACCES)
		return mrt_fail(err,
				"a reset concerns all users of the card, so that only root may "
				"order it (CAP_SYS_ADMIN)");
	return err ? accelb_fail(err, "resetting the card") : 0;
}
