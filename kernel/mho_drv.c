// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * The PCI driver and the DRM driver: what is called when, and in which order things come and go.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include <drm/drm_accel.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/mho_accel.h>

#include "mho_client.h"
#include "mho_compat.h"
#include "mho_device.h"
#include "mho_dump.h"
#include "mho_gem.h"
#include "mho_job.h"
#include "mho_pm.h"

static const struct drm_ioctl_desc mho_ioctls[] = {
	DRM_IOCTL_DEF_DRV(MHO_QUERY, mho_ioctl_query, 0),
	DRM_IOCTL_DEF_DRV(MHO_CTX_CREATE, mho_ioctl_ctx_create, 0),
	DRM_IOCTL_DEF_DRV(MHO_CTX_DESTROY, mho_ioctl_ctx_destroy, 0),
	DRM_IOCTL_DEF_DRV(MHO_BO_CREATE, mho_ioctl_bo_create, 0),
	DRM_IOCTL_DEF_DRV(MHO_BO_INFO, mho_ioctl_bo_info, 0),
	DRM_IOCTL_DEF_DRV(MHO_ARRAY_CREATE, mho_ioctl_array_create, 0),
	DRM_IOCTL_DEF_DRV(MHO_ARRAY_FIND, mho_ioctl_array_find, 0),
	DRM_IOCTL_DEF_DRV(MHO_ARRAY_DESTROY, mho_ioctl_array_destroy, 0),
	DRM_IOCTL_DEF_DRV(MHO_ARRAY_DETACH, mho_ioctl_array_detach, 0),
	DRM_IOCTL_DEF_DRV(MHO_ARRAY_INFO, mho_ioctl_array_info, 0),
	DRM_IOCTL_DEF_DRV(MHO_ARRAY_TAG, mho_ioctl_array_tag, 0),
	DRM_IOCTL_DEF_DRV(MHO_SUBMIT, mho_ioctl_submit, 0),
	DRM_IOCTL_DEF_DRV(MHO_RESET, mho_ioctl_reset, 0),
	DRM_IOCTL_DEF_DRV(MHO_SELFTEST, mho_ioctl_selftest, 0),
	DRM_IOCTL_DEF_DRV(MHO_CALIBRATE, mho_ioctl_calibrate, 0),
	DRM_IOCTL_DEF_DRV(MHO_ARRAY_WINDOW, mho_ioctl_array_window, 0),
	DRM_IOCTL_DEF_DRV(MHO_PREPARE, mho_ioctl_prepare, 0),
	DRM_IOCTL_DEF_DRV(MHO_UNPREPARE, mho_ioctl_unprepare, 0),
};

static void mho_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct mho_client *client = file->driver_priv;
	struct mho_usage usage = mho_client_usage(client);
	unsigned int queues = 0;
	unsigned long index;
	void *ctx;

	xa_for_each(&client->ctxs, index, ctx)
		queues++;
	drm_printf(p, "drm-engine-tiles:\t%llu ns\n", usage.tile_ns);
	drm_printf(p, "drm-engine-capacity-tiles:\t%u\n", client->mdev->limits.tiles);
	drm_printf(p, "mho-device-time:\t%llu ns\n", usage.device_ns);
	drm_printf(p, "mho-energy:\t%llu fJ\n", usage.energy_fj);
	drm_printf(p, "mho-queues:\t%u\n", queues);
	drm_printf(p, "mho-arrays:\t%u\n", READ_ONCE(client->array_count));
	drm_printf(p, "mho-tiles:\t%u\n", READ_ONCE(client->tile_count));
	drm_printf(p, "mho-keys:\t%d\n", atomic_read(&client->key_count));
	drm_printf(p, "mho-prepared-jobs:\t%u\n", READ_ONCE(client->prepared_jobs));
	drm_show_memory_stats(p, file);
}

static const struct file_operations mho_fops = {
	.owner = THIS_MODULE,
	/* DRM_ACCEL_FOPS, but for mmap. */
	.open = accel_open,
	.release = drm_release,
	.unlocked_ioctl = drm_ioctl,
	.compat_ioctl = drm_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = mho_window_mmap,
	.fop_flags = FOP_UNSIGNED_OFFSET,
	.show_fdinfo = drm_show_fdinfo,
	/* No uring_cmd_iopoll: the device has interrupts, and polled rings are refused. */
	.uring_cmd = mho_uring_cmd,
};

static const struct drm_driver mho_drm_driver = {
	.driver_features = DRIVER_COMPUTE_ACCEL | DRIVER_GEM | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE,
	.open = mho_client_open,
	.postclose = mho_client_close,
	.show_fdinfo = mho_show_fdinfo,
	.gem_create_object = mho_gem_create_object,
	.gem_prime_import_sg_table = mho_gem_import,
	.ioctls = mho_ioctls,
	.num_ioctls = ARRAY_SIZE(mho_ioctls),
	.fops = &mho_fops,
	.name = "mho",
	.desc = "analog in-memory AI accelerator",
	.major = DRM_MHO_MAJOR,
	.minor = DRM_MHO_MINOR,
};

static void mho_destroy_wq(struct drm_device *drm, void *wq)
{
	destroy_workqueue(wq);
}

static int mho_init_software(struct mho_device *mdev)
{
	int ret;

	mutex_init(&mdev->bo_lock);
	INIT_LIST_HEAD(&mdev->bos);
	INIT_LIST_HEAD(&mdev->clients);
	mho_reset_init(mdev);
	mho_job_init(mdev);
	ret = mho_sched_past_init(&mdev->past);
	if (ret)
		return ret;
	ret = mho_coredump_init(mdev);
	if (ret)
		return ret;
	ret = mho_window_init(mdev);
	if (ret)
		return ret;
	ret = drmm_mutex_init(&mdev->drm, &mdev->admin.lock);
	if (ret)
		return ret;
	mdev->reset_wq = alloc_ordered_workqueue("mho-reset", 0);
	if (!mdev->reset_wq)
		return -ENOMEM;
	ret = drmm_add_action_or_reset(&mdev->drm, mho_destroy_wq, mdev->reset_wq);
	if (ret)
		return ret;
	mdev->free_wq = alloc_ordered_workqueue("mho-free", 0);
	if (!mdev->free_wq)
		return -ENOMEM;
	return drmm_add_action_or_reset(&mdev->drm, mho_destroy_wq, mdev->free_wq);
}

static int mho_init_pci(struct mho_device *mdev)
{
	struct pci_dev *pdev = mdev->pdev;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	if (pci_resource_len(pdev, MHO_HW_BAR_REGS) < MHO_HW_REGS_SIZE)
		return -ENODEV;
	mdev->regs = pcim_iomap_region(pdev, MHO_HW_BAR_REGS, "mho");
	if (IS_ERR(mdev->regs))
		return PTR_ERR(mdev->regs);
	mdev->doorbells = pcim_iomap_region(pdev, MHO_HW_BAR_DOORBELL, "mho");
	if (IS_ERR(mdev->doorbells))
		return PTR_ERR(mdev->doorbells);
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(MHO_HW_DMA_BITS));
	if (ret)
		return ret;
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	ret = mho_device_init(mdev);
	if (ret)
		return ret;
	/* Each queue has a page of doorbells; one that lies behind the BAR could not be rung. */
	if (pci_resource_len(pdev, MHO_HW_BAR_DOORBELL) <
	    ((mho_read(mdev, MHO_HW_REG_CAP_QUEUES) & MHO_HW_CAP_QUEUES_IO_MASK) + 1) *
	    (u64)MHO_HW_DB_STRIDE)
		return -ENODEV;
	return 0;
}

static int mho_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct mho_device *mdev;
	int ret;

	mdev = devm_drm_dev_alloc(&pdev->dev, &mho_drm_driver, struct mho_device, drm);
	if (IS_ERR(mdev))
		return PTR_ERR(mdev);
	mdev->pdev = pdev;
	pci_set_drvdata(pdev, mdev);
	ret = mho_init_software(mdev);
	if (ret)
		return ret;
	ret = mho_init_pci(mdev);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "cannot be used\n");
	ret = mho_admin_init(mdev);
	if (ret)
		return ret;
	pci_set_master(pdev);
	ret = mho_irq_init(mdev);
	if (ret)
		goto err_master;
	ret = mho_device_start(mdev);
	if (ret)
		goto err_irq;
	mutex_lock(&mdev->admin.lock);
	ret = mho_array_sweep(mdev);
	mutex_unlock(&mdev->admin.lock);
	if (ret)
		goto err_stop;
	ret = mho_window_find(mdev);
	if (ret)
		goto err_stop;
	ret = mho_hwmon_init(mdev);
	if (ret)
		goto err_stop;
	/* What a reset after a PCI error restores. */
	pci_save_state(pdev);
	ret = mho_sysfs_init(mdev);
	if (ret)
		goto err_stop;
	ret = drm_dev_register(&mdev->drm, 0);
	if (ret)
		goto err_sysfs;
	mho_debugfs_init(mdev);
	drm_info(&mdev->drm, "%s, %u tiles, %u queues, firmware %u.%u.%u\n", mdev->limits.model,
		 mdev->limits.tiles, mdev->limits.queues, mdev->fw_version >> 24,
		 mdev->fw_version >> 16 & 0xff, mdev->fw_version & 0xffff);
	mho_pm_start(mdev);
	return 0;

err_sysfs:
	mho_sysfs_fini(mdev);
err_stop:
	mho_device_stop(mdev);
err_irq:
	mho_irq_fini(mdev);
	/* A command without an answer, or a fault, may have asked for a reset. */
	cancel_work_sync(&mdev->reset_work);
	mho_coredump_flush(mdev);
err_master:
	pci_clear_master(pdev);
	mho_admin_fini(mdev);
	return ret;
}

/* What files own outlives the device; what the device sees of it does not. */
static void mho_remove_mappings(struct mho_device *mdev)
{
	struct mho_client *client;
	struct mho_ctx *ctx;
	struct mho_key *key;

	mutex_lock(&mdev->admin.lock);
	list_for_each_entry(client, &mdev->clients, link) {
		/* Files that stay open do not keep the next driver awake. */
		if (client->awake)
			pm_runtime_put_noidle(&mdev->pdev->dev);
		client->awake = false;
		list_for_each_entry(ctx, &client->queues, link) {
			mho_queue_detach(&ctx->queue);
			mho_ctx_free_hw(ctx);
		}
		list_for_each_entry(key, &client->keys, link)
			mho_key_free_lists(key);
	}
	mutex_unlock(&mdev->admin.lock);
	mho_gem_unmap_all(mdev);
}

static void mho_remove(struct pci_dev *pdev)
{
	struct mho_device *mdev = pci_get_drvdata(pdev);

	mho_sysfs_fini(mdev);
	/* Who waits for a window may be inside of what is waited for next. */
	mho_window_kill(mdev);
	mho_window_sync(mdev);
	/* From here on nobody new touches the device, and those who did are done. */
	drm_dev_unplug(&mdev->drm);
	mho_pm_stop(mdev);
	cancel_work_sync(&mdev->reset_work);
	mho_coredump_flush(mdev);
	mutex_lock(&mdev->admin.lock);
	mho_reset_quiesce(mdev);
	mutex_unlock(&mdev->admin.lock);
	mho_device_stop(mdev);
	mho_irq_sync(mdev);
	mutex_lock(&mdev->admin.lock);
	mho_reset_fail_all(mdev, -ENODEV);
	mutex_unlock(&mdev->admin.lock);
	mho_remove_mappings(mdev);
	mho_irq_fini(mdev);
	mho_admin_fini(mdev);
}

static void mho_shutdown(struct pci_dev *pdev)
{
	mho_remove(pdev);
}

static const struct pci_device_id mho_ids[] = {
	{ PCI_DEVICE(MHO_HW_PCI_VENDOR, MHO_HW_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, mho_ids);

static struct pci_driver mho_pci_driver = {
	.name = KBUILD_MODNAME,
	.id_table = mho_ids,
	.probe = mho_probe,
	.remove = mho_remove,
	.shutdown = mho_shutdown,
	.err_handler = &mho_pci_errors,
	.driver.pm = pm_ptr(&mho_pm_ops),
};
module_pci_driver(mho_pci_driver);

MODULE_AUTHOR("The mho authors");
MODULE_DESCRIPTION("DRM accel driver for mho analog in-memory AI accelerators");
MODULE_LICENSE("GPL");
