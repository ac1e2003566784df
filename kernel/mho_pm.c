// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * When the function loses its state: suspend and resume, resets through PCI, recovery from PCI
 * errors. All of them stop the queues, let the device forget them, and bring everything back with
 * the same code as a reset of the device. An orderly SHUTDOWN before it keeps unnamed arrays, too.
 */
#include <linux/pci.h>
#include <linux/pm.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "mho_device.h"
#include "mho_pm.h"

static void mho_pm_leave(struct mho_device *mdev)
{
	mutex_lock(&mdev->admin.lock);
	if (!mdev->wedged) {
		mho_reset_quiesce(mdev);
		/* A reset after it would undo it, and unnamed arrays would be lost. */
		if (mho_device_shutdown(mdev)) {
			drm_dbg(&mdev->drm, "no orderly shutdown: unnamed arrays may be lost\n");
			if (mho_device_warm_reset(mdev))
				drm_dbg(&mdev->drm, "no reset before the function loses its state\n");
		}
		mho_reset_cut(mdev);
	}
	mutex_unlock(&mdev->admin.lock);
}

static int mho_pm_enter(struct mho_device *mdev)
{
	int ret = 0;

	mutex_lock(&mdev->admin.lock);
	if (!mdev->wedged)
		ret = mho_reset_revive(mdev);
	mutex_unlock(&mdev->admin.lock);
	return ret;
}

static int mho_pm_suspend(struct device *dev)
{
	mho_pm_leave(dev_get_drvdata(dev));
	return 0;
}

static int mho_pm_resume(struct device *dev)
{
	return mho_pm_enter(dev_get_drvdata(dev));
}

DEFINE_SIMPLE_DEV_PM_OPS(mho_pm_ops, mho_pm_suspend, mho_pm_resume);

static pci_ers_result_t mho_pci_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct mho_device *mdev = pci_get_drvdata(pdev);

	mutex_lock(&mdev->admin.lock);
	if (state == pci_channel_io_perm_failure)
		mho_reset_wedge(mdev, -ENODEV);
	mho_reset_quiesce(mdev);
	mdev->admin.dead = true;
	mutex_unlock(&mdev->admin.lock);
	return state == pci_channel_io_perm_failure ? PCI_ERS_RESULT_DISCONNECT :
						      PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t mho_pci_slot_reset(struct pci_dev *pdev)
{
	pci_restore_state(pdev);
	/* A later restore needs it again. */
	pci_save_state(pdev);
	return mho_gone(pci_get_drvdata(pdev)) ? PCI_ERS_RESULT_DISCONNECT :
						 PCI_ERS_RESULT_RECOVERED;
}

static void mho_pci_error_resume(struct pci_dev *pdev)
{
	struct mho_device *mdev = pci_get_drvdata(pdev);

	mutex_lock(&mdev->admin.lock);
	if (!mdev->wedged) {
		/* Not every kind of reset stops the device: make sure that it does no DMA. */
		if (mho_device_warm_reset(mdev))
			mho_reset_wedge(mdev, -EIO);
		mho_reset_cut(mdev);
		if (!mdev->wedged)
			mho_reset_revive(mdev);
	}
	mutex_unlock(&mdev->admin.lock);
}

static void mho_pci_reset_prepare(struct pci_dev *pdev)
{
	mho_pm_leave(pci_get_drvdata(pdev));
}

static void mho_pci_reset_done(struct pci_dev *pdev)
{
	mho_pm_enter(pci_get_drvdata(pdev));
}

const struct pci_error_handlers mho_pci_errors = {
	.error_detected = mho_pci_error_detected,
	.slot_reset = mho_pci_slot_reset,
	.resume = mho_pci_error_resume,
	.reset_prepare = mho_pci_reset_prepare,
	.reset_done = mho_pci_reset_done,
};
