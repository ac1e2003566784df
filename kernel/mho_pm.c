// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * When the function loses its state: suspend and resume, resets through PCI, recovery from PCI
 * errors. All of them stop the queues, let the device forget them, and bring everything back with
 * the same code as a reset of the device. An orderly SHUTDOWN before it keeps unnamed arrays, too.
 *
 * A card that nobody uses sleeps: a reference is held by each file with a context in the device,
 * and for each call that needs the device without one.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/pm_runtime.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "mho_device.h"
#include "mho_pm.h"

/* A card that is used again soon should not have to boot for it. */
static int autosuspend_ms = 10000;
module_param(autosuspend_ms, int, 0644);
MODULE_PARM_DESC(autosuspend_ms, "time after its last user when a card goes to sleep, ms (negative: never)");

/* The device clears its counters when the function loses its state; energy never runs backwards. */
static void mho_pm_note_energy(struct mho_device *mdev)
{
	const struct mho_hw_telemetry *t = mdev->admin.data;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_TELEMETRY,
		.scope = MHO_HW_SCOPE_DEVICE,
		.data = cpu_to_le64(mdev->admin.data_dma),
		.length = cpu_to_le32(sizeof(*t)),
	};

	if (!mho_admin_run(mdev, &sqe, NULL))
		WRITE_ONCE(mdev->energy_past_fj,
			   mdev->energy_past_fj + le64_to_cpu(t->energy_fj));
}

static void mho_pm_leave_locked(struct mho_device *mdev)
{
	if (mdev->wedged || mdev->asleep)
		return;
	mho_pm_note_energy(mdev);
	mho_reset_quiesce(mdev);
	/* A reset after it would undo it, and unnamed arrays would be lost. */
	if (mho_device_shutdown(mdev)) {
		drm_dbg(&mdev->drm, "no orderly shutdown: unnamed arrays may be lost\n");
		if (mho_device_warm_reset(mdev))
			drm_dbg(&mdev->drm, "nor a reset\n");
	}
	/* The handler reads registers, which will not be there. Booting unmasks it. */
	WRITE_ONCE(mdev->irq_ready, false);
	mho_irq_sync(mdev);
	mho_reset_cut(mdev);
}

static void mho_pm_leave(struct mho_device *mdev)
{
	mutex_lock(&mdev->admin.lock);
	mho_pm_leave_locked(mdev);
	mutex_unlock(&mdev->admin.lock);
}

static int mho_pm_enter(struct mho_device *mdev)
{
	int ret = 0;

	mutex_lock(&mdev->admin.lock);
	if (!mdev->wedged && !mdev->asleep)
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

/* Nobody has a context: there are no queues, no keys, no jobs. */
static int mho_pm_runtime_suspend(struct device *dev)
{
	struct mho_device *mdev = dev_get_drvdata(dev);
	int ret = 0;

	mutex_lock(&mdev->admin.lock);
	if (mdev->wedged) {
		/* Awake it can be looked at. */
		ret = -EBUSY;
	} else {
		mho_pm_leave_locked(mdev);
		WRITE_ONCE(mdev->asleep, true);
	}
	mutex_unlock(&mdev->admin.lock);
	return ret;
}

static int mho_pm_runtime_resume(struct device *dev)
{
	struct mho_device *mdev = dev_get_drvdata(dev);

	/* Pulled in its sleep: remove finds that out, too. */
	if (!pci_device_is_present(mdev->pdev))
		return -ENODEV;
	mutex_lock(&mdev->admin.lock);
	WRITE_ONCE(mdev->asleep, false);
	/* If it fails the device is wedged, and awake. */
	if (!mdev->wedged)
		mho_reset_revive(mdev);
	mutex_unlock(&mdev->admin.lock);
	return 0;
}

const struct dev_pm_ops mho_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(mho_pm_suspend, mho_pm_resume)
	RUNTIME_PM_OPS(mho_pm_runtime_suspend, mho_pm_runtime_resume, NULL)
};

/**
 * mho_pm_get() - use the device: wake it, and keep it awake
 * @mdev: device; not under the admin lock
 *
 * Return: 0, then mho_pm_put() it; -EIO, -ENODEV.
 */
int mho_pm_get(struct mho_device *mdev)
{
	int ret = pm_runtime_resume_and_get(&mdev->pdev->dev);

	if (ret < 0)
		return ret == -ENODEV ? ret : -EIO;
	if (!READ_ONCE(mdev->wedged))
		return 0;
	mho_pm_put(mdev);
	return -EIO;
}

/**
 * mho_pm_put() - the device is not used any more; it may sleep after a while
 * @mdev: device
 */
void mho_pm_put(struct mho_device *mdev)
{
	pm_runtime_mark_last_busy(&mdev->pdev->dev);
	pm_runtime_put_autosuspend(&mdev->pdev->dev);
}

/**
 * mho_pm_look() - keep the device awake if it is, to look at it
 * @mdev: device
 *
 * For those who watch: they neither wake it nor keep it from falling asleep.
 *
 * Return: true, then mho_pm_look_done(); false if it sleeps.
 */
bool mho_pm_look(struct mho_device *mdev)
{
	struct device *dev = &mdev->pdev->dev;
	int ret = pm_runtime_get_if_active(dev);

	if (ret >= 0)
		return ret;
	/* Without runtime power management, or not now: what the driver knows counts. */
	if (READ_ONCE(mdev->asleep))
		return false;
	pm_runtime_get_noresume(dev);
	return true;
}

/**
 * mho_pm_look_done() - the end of a look
 * @mdev: device
 */
void mho_pm_look_done(struct mho_device *mdev)
{
	pm_runtime_put(&mdev->pdev->dev);
}

/**
 * mho_pm_start() - let a device that nobody uses sleep
 * @mdev: device, all there
 */
void mho_pm_start(struct mho_device *mdev)
{
	struct device *dev = &mdev->pdev->dev;

	/* It loses its firmware. One that has it from before may have no file to come back with. */
	if (mho_fw_load(mdev)) {
		drm_notice(&mdev->drm, "stays awake when it is not used\n");
		return;
	}
	mdev->may_sleep = true;
	pm_runtime_set_autosuspend_delay(dev, autosuspend_ms);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_allow(dev);
	/* The reference that probe was called with. */
	mho_pm_put(mdev);
}

/**
 * mho_pm_stop() - undo mho_pm_start()
 * @mdev: device, awake
 */
void mho_pm_stop(struct mho_device *mdev)
{
	struct device *dev = &mdev->pdev->dev;

	if (!mdev->may_sleep)
		return;
	pm_runtime_get_noresume(dev);
	pm_runtime_forbid(dev);
	pm_runtime_dont_use_autosuspend(dev);
}

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
	struct mho_device *mdev = pci_get_drvdata(pdev);

	pci_restore_state(pdev);
	/* A later restore needs it again. */
	pci_save_state(pdev);
	if (!mho_gone(mdev))
		return PCI_ERS_RESULT_RECOVERED;
	/* Nobody is called after this. */
	mutex_lock(&mdev->admin.lock);
	mho_reset_wedge(mdev, -ENODEV);
	mutex_unlock(&mdev->admin.lock);
	return PCI_ERS_RESULT_DISCONNECT;
}

static void mho_pci_error_resume(struct pci_dev *pdev)
{
	struct mho_device *mdev = pci_get_drvdata(pdev);

	mutex_lock(&mdev->admin.lock);
	/* Asleep there is nothing to bring back. */
	if (!mdev->wedged && !mdev->asleep) {
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
