// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * The device itself: what it is, how it boots, how it is reset and shut down. Bringing back what
 * programs own after a reset is in mho_reset.c.
 */
#include <linux/bitmap.h>
#include <linux/iopoll.h>
#include <linux/overflow.h>
#include <linux/vmalloc.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "mho_device.h"

/* Where the device gives no time of its own, in ms. */
#define MHO_BOOT_MS 10000
#define MHO_RESET_MS 5000

static int mho_device_state(struct mho_device *mdev)
{
	u32 status = mho_read(mdev, MHO_HW_REG_STATUS);

	return status == U32_MAX ? -ENODEV : (int)(status & MHO_HW_STATUS_STATE_MASK);
}

/* Waits while the state is @from. Return: the state after it, -ETIMEDOUT, -ENODEV. */
static int mho_device_leave(struct mho_device *mdev, int from, unsigned int ms)
{
	int state, ret;

	ret = read_poll_timeout(mho_device_state, state, state != from, 1000, ms * 1000ULL, false,
				mdev);
	return ret ?: state;
}

static int mho_device_reach(struct mho_device *mdev, int wanted, unsigned int ms)
{
	int state, ret;

	ret = read_poll_timeout(mho_device_state, state, state == wanted || state < 0, 1000,
				ms * 1000ULL, false, mdev);
	return ret ?: min(state, 0);
}

/**
 * mho_device_init() - look at the registers: is it a device that the driver knows?
 * @mdev: device
 *
 * Return: 0 or -ENODEV.
 */
int mho_device_init(struct mho_device *mdev)
{
	u32 magic = mho_read(mdev, MHO_HW_REG_MAGIC);
	u32 version = mho_read(mdev, MHO_HW_REG_VERSION);
	u32 timeout = mho_read(mdev, MHO_HW_REG_CAP_TIMEOUT);

	if (magic != MHO_HW_MAGIC) {
		drm_err(&mdev->drm, "no mho card: magic %#x\n", magic);
		return -ENODEV;
	}
	if (version >> 16 != MHO_HW_VERSION_MAJOR) {
		drm_err(&mdev->drm, "interface version %u.%u; this driver knows %u.x\n",
			version >> 16, version & 0xffff, MHO_HW_VERSION_MAJOR);
		return -ENODEV;
	}
	mdev->boot_ms = (timeout & 0xffff) ?: MHO_BOOT_MS;
	mdev->reset_ms = (timeout >> 16) ?: MHO_RESET_MS;
	return 0;
}

/**
 * mho_device_warm_reset() - make the device forget what it does
 * @mdev: device
 *
 * When it has succeeded, no DMA is under way and no interrupt of before will come.
 *
 * Return: 0, -ETIMEDOUT, -ENODEV.
 */
int mho_device_warm_reset(struct mho_device *mdev)
{
	int state;

	mho_write(mdev, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET);
	state = mho_device_leave(mdev, MHO_HW_STATE_RESET, mdev->reset_ms);
	return min(state, 0);
}

/**
 * mho_device_shutdown() - let the device write out what must last
 * @mdev: device
 *
 * Return: 0, -ETIMEDOUT, -ENODEV.
 */
int mho_device_shutdown(struct mho_device *mdev)
{
	mho_write(mdev, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_SHUTDOWN);
	return mho_device_reach(mdev, MHO_HW_STATE_SHUTDOWN, mdev->reset_ms);
}

/**
 * mho_device_boot() - from any state to READY, with fresh admin rings
 * @mdev: device; the admin lock is held, or nobody else is there
 *
 * Return: 0 or -errno.
 */
int mho_device_boot(struct mho_device *mdev)
{
	int state, ret;

	state = mho_device_leave(mdev, MHO_HW_STATE_RESET, mdev->reset_ms);
	if (state >= 0 && state != MHO_HW_STATE_WAIT_FW && state != MHO_HW_STATE_BOOTED) {
		ret = mho_device_warm_reset(mdev);
		state = ret ?: mho_device_state(mdev);
	}
	if (state == MHO_HW_STATE_WAIT_FW) {
		ret = mho_fw_boot(mdev);
		state = ret ?: mho_device_state(mdev);
	}
	if (state < 0)
		return state;
	if (state != MHO_HW_STATE_BOOTED) {
		drm_err(&mdev->drm, "does not boot: state %d\n", state);
		return -EIO;
	}
	mho_admin_enable(mdev);
	ret = mho_device_reach(mdev, MHO_HW_STATE_READY, mdev->reset_ms);
	if (ret) {
		mdev->admin.dead = true;
		drm_err(&mdev->drm, "admin queue not taken: %s\n",
			mho_hw_status_text(mho_read(mdev, MHO_HW_REG_FAULT) & 0xffff));
		return ret;
	}
	mdev->fw_version = mho_read(mdev, MHO_HW_REG_FW_VERSION);
	mdev->restored = mho_read(mdev, MHO_HW_REG_STATUS) & MHO_HW_STATUS_RESTORED;
	mho_irq_unmask(mdev);
	return 0;
}

static int mho_device_identify(struct mho_device *mdev)
{
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_IDENTIFY };
	struct mho_limits *limits = &mdev->limits;
	struct mho_hw_identify id;
	int ret;

	ret = mho_admin_query(mdev, &sqe, &id, sizeof(id), NULL);
	if (ret)
		return ret;
	*limits = (struct mho_limits){
		.version = le32_to_cpu(id.version),
		.features = le32_to_cpu(id.features),
		.tiles = le32_to_cpu(id.tiles),
		.technologies = le32_to_cpu(id.technologies),
		.queues = le32_to_cpu(id.queues),
		.contexts = le32_to_cpu(id.contexts),
		.keys = le32_to_cpu(id.keys),
		.arrays = le32_to_cpu(id.arrays),
		.pages = le32_to_cpu(id.pages),
		.batch_max = le32_to_cpu(id.batch_max),
		.order_max = le16_to_cpu(id.order_max),
		.window_stride = le32_to_cpu(id.window_stride),
		.window_in = le32_to_cpu(id.window_in),
		.window_out_offset = le32_to_cpu(id.window_out_offset),
		.window_out = le32_to_cpu(id.window_out),
		.topology_size = le32_to_cpu(id.topology_size),
		.command_ms = le32_to_cpu(id.command_timeout_ms),
		.admin_ms = le32_to_cpu(id.admin_timeout_ms),
		.serial = le64_to_cpu(id.serial),
		.cells = le64_to_cpu(id.cells),
	};
	memcpy(limits->model, id.model, sizeof(id.model));
	/* What the device says is not trusted to stay in the interface's own bounds. */
	limits->queues = min_t(u32, limits->queues, MHO_HW_QUEUES_MAX);
	limits->contexts = min_t(u32, limits->contexts, MHO_HW_CONTEXTS_MAX);
	limits->order_max = clamp_t(u32, limits->order_max, MHO_HW_ORDER_MIN, MHO_ORDER_MAX);
	if (!limits->queues || !limits->contexts || !limits->tiles ||
	    limits->tiles > MHO_HW_TILES_MAX || limits->topology_size > MHO_HW_TOPO_SIZE_MAX) {
		drm_err(&mdev->drm, "IDENTIFY makes no sense\n");
		return -EIO;
	}
	return 0;
}

static int mho_device_topology(struct mho_device *mdev)
{
	u32 size = mdev->limits.topology_size, done = 0;
	int ret;

	mdev->topology = drmm_kmalloc(&mdev->drm, max(size, 1U), GFP_KERNEL);
	if (!mdev->topology)
		return -ENOMEM;
	while (done < size) {
		struct mho_hw_admin_sqe sqe = {
			.opcode = MHO_HW_ADM_TOPOLOGY,
			.id = cpu_to_le32(done),
		};
		struct mho_hw_cqe cqe;
		u32 part = min_t(u32, size - done, MHO_ADMIN_DATA);

		ret = mho_admin_query(mdev, &sqe, mdev->topology + done, part, &cqe);
		if (ret)
			return ret;
		if (!le32_to_cpu(cqe.result) || le32_to_cpu(cqe.result) > part)
			return -EIO;
		done += le32_to_cpu(cqe.result);
	}
	return 0;
}

/* What does not answer to its own reset answers to one of its function. */
static int mho_device_rouse(struct mho_device *mdev)
{
	int ret;

	pci_save_state(mdev->pdev);
	ret = pcie_flr(mdev->pdev);
	pci_restore_state(mdev->pdev);
	return ret ?: mho_device_boot(mdev);
}

/**
 * mho_device_start() - boot the device and learn what it is
 * @mdev: device
 *
 * Return: 0 or -errno; then the device is not in use of any memory.
 */
int mho_device_start(struct mho_device *mdev)
{
	int ret;

	mutex_lock(&mdev->admin.lock);
	ret = mho_device_boot(mdev);
	if (ret == -ETIMEDOUT)
		ret = mho_device_rouse(mdev);
	mutex_unlock(&mdev->admin.lock);
	if (!ret)
		ret = mho_device_identify(mdev);
	if (!ret)
		ret = mho_device_topology(mdev);
	if (ret)
		goto err_stop;
	mdev->contexts = drmm_kzalloc(&mdev->drm,
				      BITS_TO_LONGS(mdev->limits.contexts + 1) * sizeof(long),
				      GFP_KERNEL);
	mdev->queue_ids = drmm_kzalloc(&mdev->drm,
				       BITS_TO_LONGS(mdev->limits.queues + 1) * sizeof(long),
				       GFP_KERNEL);
	if (!mdev->contexts || !mdev->queue_ids) {
		ret = -ENOMEM;
		goto err_stop;
	}
	return 0;

err_stop:
	mho_device_stop(mdev);
	return ret;
}

/**
 * mho_device_stop() - make sure that the device touches no memory any more
 * @mdev: device; those who used it are gone or will only see errors
 */
void mho_device_stop(struct mho_device *mdev)
{
	mutex_lock(&mdev->admin.lock);
	mdev->admin.dead = true;
	if (!mho_gone(mdev)) {
		mho_write(mdev, MHO_HW_REG_IRQ_MASK, MHO_HW_IRQ_ALL);
		if (!mdev->wedged && mho_device_shutdown(mdev))
			drm_dbg(&mdev->drm, "no orderly shutdown\n");
		if (mho_device_warm_reset(mdev))
			drm_err(&mdev->drm, "does not reset; bus mastering goes off under it\n");
	}
	pci_clear_master(mdev->pdev);
	WRITE_ONCE(mdev->irq_ready, false);
	mutex_unlock(&mdev->admin.lock);
}
