// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Questions to the device: what it is, how it is, what it has logged; self-test and calibration.
 */
#include <linux/capability.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/mho_accel.h>

#include "mho_client.h"
#include "mho_device.h"
#include "mho_pm.h"

static_assert(DRM_MHO_FEATURE_SHADOW == MHO_HW_CAP_SHADOW);
static_assert(DRM_MHO_FEATURE_COALESCE == MHO_HW_CAP_COALESCE);
static_assert(DRM_MHO_FEATURE_WINDOW == MHO_HW_CAP_WINDOW);
static_assert(DRM_MHO_FEATURE_NAMED == MHO_HW_CAP_NAMED);
static_assert(DRM_MHO_FEATURE_CALIBRATE == MHO_HW_CAP_CALIBRATE);
static_assert((int)DRM_MHO_TILE_SCRUBBING == MHO_HW_TILE_SCRUBBING);

#define MHO_FEATURES (MHO_HW_CAP_SHADOW | MHO_HW_CAP_COALESCE | MHO_HW_CAP_WINDOW | \
		      MHO_HW_CAP_NAMED | MHO_HW_CAP_CALIBRATE)

/* Hands out what there is room for, and says how much there is. */
static int mho_query_answer(struct drm_mho_query *args, const void *answer, size_t size)
{
	if (args->size && copy_to_user(u64_to_user_ptr(args->data), answer,
				       min_t(size_t, size, args->size)))
		return -EFAULT;
	args->size = size;
	return 0;
}

static int mho_query_info(struct mho_device *mdev, struct drm_mho_query *args)
{
	const struct mho_limits *limits = &mdev->limits;
	struct drm_mho_info info = {
		.interface = limits->version,
		.firmware = mdev->fw_version,
		.features = limits->features & MHO_FEATURES,
		.tiles = limits->tiles,
		.technologies = limits->technologies,
		.arrays = limits->arrays,
		.batch_max = limits->batch_max,
		.queues = limits->queues,
		.depth_max = (1U << limits->order_max) - 1,
		.submit_max = (1U << limits->order_max) - 1,
		.command_timeout_ms = mho_timeout_ms(mdev),
		.restored = mdev->restored,
		.serial = limits->serial,
		.cells = limits->cells,
		.topology_size = limits->topology_size,
		.window_in = limits->window_in,
		.window_out = limits->window_out,
	};

	if (args->id)
		return -EINVAL;
	memcpy(info.model, limits->model, sizeof(info.model));
	return mho_query_answer(args, &info, sizeof(info));
}

/**
 * mho_query_fw() - what firmware runs
 * @mdev: device
 * @fw: filled
 *
 * Return: 0 or as mho_admin_run().
 */
int mho_query_fw(struct mho_device *mdev, struct drm_mho_firmware *fw)
{
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_FIRMWARE };
	struct mho_hw_firmware_info hw;
	int ret;

	ret = mho_admin_query(mdev, &sqe, &hw, sizeof(hw), NULL);
	if (ret)
		return ret;
	*fw = (struct drm_mho_firmware){
		.version = le32_to_cpu(hw.version),
		.interface = le32_to_cpu(hw.interface),
		.build_time = le64_to_cpu(hw.build_time),
	};
	memcpy(fw->name, hw.name, sizeof(fw->name));
	memcpy(fw->sha256, hw.sha256, sizeof(fw->sha256));
	return 0;
}

static int mho_query_firmware(struct mho_device *mdev, struct drm_mho_query *args)
{
	struct drm_mho_firmware fw;
	int ret;

	if (args->id)
		return -EINVAL;
	ret = mho_query_fw(mdev, &fw);
	return ret ?: mho_query_answer(args, &fw, sizeof(fw));
}

/**
 * mho_query_telemetry() - the counters of the device
 * @mdev: device
 * @t: filled
 *
 * Return: 0 or as mho_admin_run().
 */
int mho_query_telemetry(struct mho_device *mdev, struct drm_mho_telemetry *t)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_TELEMETRY,
		.scope = MHO_HW_SCOPE_DEVICE,
	};
	struct mho_hw_telemetry hw;
	int ret;

	ret = mho_admin_query(mdev, &sqe, &hw, sizeof(hw), NULL);
	if (ret)
		return ret;
	*t = (struct drm_mho_telemetry){
		.time_ns = le64_to_cpu(hw.time_ns),
		.energy_fj = le64_to_cpu(hw.energy_fj),
		.commands = le64_to_cpu(hw.commands),
		.errors = le64_to_cpu(hw.errors),
		.mvms = le64_to_cpu(hw.mvms),
		.updates = le64_to_cpu(hw.updates),
		.pulses = le64_to_cpu(hw.pulses),
		.lifetime_pulses = le64_to_cpu(hw.lifetime_pulses),
		.saturations = le64_to_cpu(hw.saturations),
		.retries = le64_to_cpu(hw.retries),
		.resets = le32_to_cpu(hw.resets),
		.power_cycles = le32_to_cpu(hw.power_cycles),
		.temperature_mc = (s32)le32_to_cpu(hw.temperature_mc),
		.power_mw = le32_to_cpu(hw.power_mw),
		.tiles_free = le32_to_cpu(hw.tiles_free),
		.tiles_failed = le32_to_cpu(hw.tiles_failed),
		.wear_max = le32_to_cpu(hw.wear_max),
	};
	return 0;
}

static int mho_query_counters(struct mho_device *mdev, struct drm_mho_query *args)
{
	struct drm_mho_telemetry t;
	int ret;

	if (args->id)
		return -EINVAL;
	ret = mho_query_telemetry(mdev, &t);
	return ret ?: mho_query_answer(args, &t, sizeof(t));
}

/**
 * mho_query_one_tile() - the counters of a tile
 * @mdev: device
 * @id: tile
 * @tile: filled
 *
 * Return: 0, -ENOENT, or as mho_admin_run().
 */
int mho_query_one_tile(struct mho_device *mdev, u32 id, struct drm_mho_tile *tile)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_TELEMETRY,
		.scope = MHO_HW_SCOPE_TILE,
		.id = cpu_to_le32(id),
	};
	struct mho_hw_tile_telemetry hw;
	int ret;

	if (id >= mdev->limits.tiles)
		return -ENOENT;
	ret = mho_admin_query(mdev, &sqe, &hw, sizeof(hw), NULL);
	if (ret)
		return ret;
	*tile = (struct drm_mho_tile){
		.tile = le32_to_cpu(hw.tile),
		.rows = le16_to_cpu(hw.rows),
		.cols = le16_to_cpu(hw.cols),
		.technology = le32_to_cpu(hw.technology),
		.state = le32_to_cpu(hw.state),
		.array = le32_to_cpu(hw.array),
		.wear_max = le32_to_cpu(hw.wear_max),
		.wear_mean_milli = le64_to_cpu(hw.wear_mean_milli),
		.endurance = le64_to_cpu(hw.endurance),
		.pulses = le64_to_cpu(hw.pulses),
		.busy_ns = le64_to_cpu(hw.busy_ns),
		.energy_fj = le64_to_cpu(hw.energy_fj),
	};
	return 0;
}

static int mho_query_tile(struct mho_device *mdev, struct drm_mho_query *args)
{
	struct drm_mho_tile tile;
	int ret = mho_query_one_tile(mdev, args->id, &tile);

	return ret ?: mho_query_answer(args, &tile, sizeof(tile));
}

static int mho_query_log(struct mho_device *mdev, struct drm_mho_query *args)
{
	struct drm_mho_log_entry __user *user = u64_to_user_ptr(args->data);
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_LOG,
		.id = cpu_to_le32(args->id),
	};
	u32 room = min_t(u32, args->size, MHO_ADMIN_DATA) / sizeof(struct mho_hw_log_entry);
	struct mho_hw_log_entry *log;
	struct mho_hw_cqe cqe;
	u32 i, count;
	int ret;

	/* How long the log is changes; a page of entries is a good question. */
	if (!args->size)
		args->size = PAGE_SIZE;
	if (!room)
		return args->data ? -EINVAL : 0;
	log = kvcalloc(room, sizeof(*log), GFP_KERNEL);
	if (!log)
		return -ENOMEM;
	ret = mho_admin_query(mdev, &sqe, log, room * sizeof(*log), &cqe);
	count = ret ? 0 : min(le32_to_cpu(cqe.result), room);
	for (i = 0; i < count; i++) {
		struct drm_mho_log_entry entry = {
			.time_ns = le64_to_cpu(log[i].time_ns),
			.number = le32_to_cpu(log[i].number),
			.level = le16_to_cpu(log[i].level),
			.status = le16_to_cpu(log[i].status),
		};

		strscpy(entry.text, log[i].text, sizeof(entry.text));
		if (copy_to_user(&user[i], &entry, sizeof(entry))) {
			ret = -EFAULT;
			break;
		}
	}
	kvfree(log);
	args->size = count * sizeof(struct drm_mho_log_entry);
	return ret;
}

static int mho_query_ctx(struct mho_client *client, struct drm_mho_query *args)
{
	struct mho_ctx *ctx = mho_ctx_get(client, args->id);
	struct drm_mho_ctx_state state;
	struct mho_usage usage;

	if (!ctx)
		return -ENOENT;
	usage = mho_ctx_usage(ctx);
	state = (struct drm_mho_ctx_state){
		.flags = READ_ONCE(ctx->queue.lost) ? DRM_MHO_CTX_LOST : 0,
		.guilty = atomic_read(&ctx->guilty),
		.innocent = atomic_read(&ctx->innocent),
		.pending = READ_ONCE(ctx->waiting),
		.device_ns = usage.device_ns,
		.energy_fj = usage.energy_fj,
		.jobs = usage.done,
	};
	mho_ctx_put(ctx);
	return mho_query_answer(args, &state, sizeof(state));
}

/* What only the device knows: it is woken for that. */
static int mho_query_device(struct mho_device *mdev, struct drm_mho_query *args)
{
	int (*ask)(struct mho_device *mdev, struct drm_mho_query *args);
	int ret;

	switch (args->type) {
	case DRM_MHO_QUERY_FIRMWARE:
		ask = mho_query_firmware;
		break;
	case DRM_MHO_QUERY_TELEMETRY:
		ask = mho_query_counters;
		break;
	case DRM_MHO_QUERY_TILE:
		ask = mho_query_tile;
		break;
	case DRM_MHO_QUERY_LOG:
		ask = mho_query_log;
		break;
	default:
		return -EINVAL;
	}
	ret = mho_pm_get(mdev);
	if (ret)
		return ret;
	ret = ask(mdev, args);
	mho_pm_put(mdev);
	return ret;
}

/**
 * mho_ioctl_query() - DRM_IOCTL_MHO_QUERY
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_query(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct mho_device *mdev = client->mdev;
	struct drm_mho_query *args = data;
	int idx, ret;

	if (args->pad || !args->size != !args->data)
		return -EINVAL;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	switch (args->type) {
	case DRM_MHO_QUERY_INFO:
		ret = mho_query_info(mdev, args);
		break;
	case DRM_MHO_QUERY_TOPOLOGY:
		ret = args->id ? -EINVAL : mho_query_answer(args, mdev->topology,
							     mdev->limits.topology_size);
		break;
	case DRM_MHO_QUERY_CTX:
		ret = mho_query_ctx(client, args);
		break;
	default:
		ret = mho_query_device(mdev, args);
	}
	drm_dev_exit(idx);
	return ret;
}

/**
 * mho_ioctl_selftest() - DRM_IOCTL_MHO_SELFTEST
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_selftest(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_mho_selftest *args = data;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_SELFTEST,
		.scope = args->flags & DRM_MHO_SELFTEST_FULL ? MHO_HW_SELFTEST_FULL :
							       MHO_HW_SELFTEST_QUICK,
	};
	struct mho_hw_selftest_result hw;
	int idx, ret;

	if (args->flags & ~DRM_MHO_SELFTEST_FULL ||
	    memchr_inv(&args->tests, 0, sizeof(*args) - offsetof(struct drm_mho_selftest, tests)))
		return -EINVAL;
	if (args->flags & DRM_MHO_SELFTEST_FULL && !capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	ret = mho_pm_get(to_mho(drm));
	if (!ret) {
		ret = mho_admin_query(to_mho(drm), &sqe, &hw, sizeof(hw), NULL);
		mho_pm_put(to_mho(drm));
	}
	drm_dev_exit(idx);
	if (ret)
		return ret;
	args->tests = le32_to_cpu(hw.tests);
	args->failures = le32_to_cpu(hw.failures);
	args->tiles_tested = le32_to_cpu(hw.tiles_tested);
	args->tiles_failed = le32_to_cpu(hw.tiles_failed);
	args->mvm_error_ppm = le32_to_cpu(hw.mvm_error_ppm);
	strscpy(args->first_failure, hw.first_failure, sizeof(args->first_failure));
	return 0;
}

/**
 * mho_ioctl_calibrate() - DRM_IOCTL_MHO_CALIBRATE
 * @drm: device
 * @data: arguments
 * @file: open file
 *
 * Return: 0 or -errno, as drm/mho_accel.h says.
 */
int mho_ioctl_calibrate(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct mho_device *mdev = to_mho(drm);
	struct drm_mho_calibrate *args = data;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_CALIBRATE,
		.id = cpu_to_le32(args->tile),
	};
	int idx, ret;

	if (args->flags)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	ret = mho_pm_get(mdev);
	if (!ret) {
		mutex_lock(&mdev->admin.lock);
		ret = mho_admin_run(mdev, &sqe, NULL);
		mutex_unlock(&mdev->admin.lock);
		mho_pm_put(mdev);
	}
	drm_dev_exit(idx);
	return ret;
}
