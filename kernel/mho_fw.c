// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Firmware: from the file to the device that waits for it. The device checks the image; here its
 * answer becomes a message.
 */
#include <linux/dma-mapping.h>
#include <linux/firmware.h>
#include <linux/iopoll.h>
#include <linux/module.h>

#include <drm/drm_print.h>

#include "mho_device.h"

static int mho_fw_start(struct mho_device *mdev, dma_addr_t addr, size_t size)
{
	u32 status, fault;
	int ret;

	mho_write(mdev, MHO_HW_REG_FW_ADDR_LO, lower_32_bits(addr));
	mho_write(mdev, MHO_HW_REG_FW_ADDR_HI, upper_32_bits(addr));
	mho_write(mdev, MHO_HW_REG_FW_SIZE, size);
	mho_write(mdev, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
	ret = readl_poll_timeout(mdev->regs + MHO_HW_REG_STATUS, status,
				 (status & MHO_HW_STATUS_STATE_MASK) != MHO_HW_STATE_VERIFY,
				 1000, mdev->boot_ms * 1000ULL);
	if (status == U32_MAX)
		return -ENODEV;
	if (ret) {
		drm_err(&mdev->drm, "firmware: not verified within %u ms\n", mdev->boot_ms);
		return ret;
	}
	if ((status & MHO_HW_STATUS_STATE_MASK) == MHO_HW_STATE_BOOTED)
		return 0;
	fault = mho_read(mdev, MHO_HW_REG_FAULT);
	drm_err(&mdev->drm, "firmware %s refused at byte %u: %s\n", MHO_HW_FW_FILE,
		mho_read(mdev, MHO_HW_REG_FAULT_INFO), mho_hw_status_text(fault & 0xffff));
	return -EBADMSG;
}

/**
 * mho_fw_load() - have the image where the device can read it, from now on
 * @mdev: device
 *
 * It stays as long as the driver is bound: when the device comes back from a sleep or a reset,
 * there may be no memory for it, nor a file system.
 *
 * Return: 0, -ENOENT (no file), -EFBIG, -ENOMEM.
 */
int mho_fw_load(struct mho_device *mdev)
{
	const struct firmware *fw;
	int ret;

	if (mdev->fw_image)
		return 0;
	ret = request_firmware(&fw, MHO_HW_FW_FILE, &mdev->pdev->dev);
	if (ret) {
		drm_err(&mdev->drm, "firmware %s: not found (%d); install it below /lib/firmware\n",
			MHO_HW_FW_FILE, ret);
		return ret;
	}
	if (!fw->size || fw->size > MHO_HW_FW_SIZE_MAX) {
		drm_err(&mdev->drm, "firmware %s: %zu bytes; 1 to %u are possible\n",
			MHO_HW_FW_FILE, fw->size, MHO_HW_FW_SIZE_MAX);
		ret = -EFBIG;
		goto out_release;
	}
	mdev->fw_image = dmam_alloc_coherent(&mdev->pdev->dev, fw->size, &mdev->fw_addr,
					     GFP_KERNEL);
	if (!mdev->fw_image) {
		ret = -ENOMEM;
		goto out_release;
	}
	mdev->fw_size = fw->size;
	memcpy(mdev->fw_image, fw->data, fw->size);
out_release:
	release_firmware(fw);
	return ret;
}

/**
 * mho_fw_boot() - give the device its firmware and start it
 * @mdev: device, in WAIT_FW
 *
 * Return: 0, as mho_fw_load(), -EBADMSG (refused), -ETIMEDOUT, -ENODEV.
 */
int mho_fw_boot(struct mho_device *mdev)
{
	int ret = mho_fw_load(mdev);

	if (!ret)
		ret = mho_fw_start(mdev, mdev->fw_addr, mdev->fw_size);
	if (ret == -ETIMEDOUT)
		mho_device_warm_reset(mdev);
	return ret;
}

MODULE_FIRMWARE(MHO_HW_FW_FILE);
