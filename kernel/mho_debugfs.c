// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Files in debugfs, beside DRM's own: the state of driver and device for those who look for an
 * error. Each is printed under the admin lock, so that a reset is seen as a whole or not at all.
 */
#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>

#include "mho_client.h"
#include "mho_device.h"
#include "mho_dump.h"
#include "mho_gem.h"
#include "mho_pm.h"

/**
 * struct mho_debugfs_file - a file
 * @name: its name
 * @print: prints it; the admin lock is held
 */
struct mho_debugfs_file {
	const char *name;
	void (*print)(struct drm_printer *p, struct mho_device *mdev);
};

static void mho_debugfs_device(struct drm_printer *p, struct mho_device *mdev)
{
	mho_dump_identity(p, mdev);
	mho_dump_state(p, mdev);
	mho_dump_registers(p, mdev);
	mho_dump_telemetry(p, mdev);
}

static void mho_debugfs_clients(struct drm_printer *p, struct mho_device *mdev)
{
	struct mho_client *client;

	list_for_each_entry(client, &mdev->clients, link)
		mho_dump_client(p, client);
}

static void mho_debugfs_queues(struct drm_printer *p, struct mho_device *mdev)
{
	struct mho_client *client;
	struct mho_ctx *ctx;

	list_for_each_entry(client, &mdev->clients, link)
		list_for_each_entry(ctx, &client->queues, link)
			mho_dump_ctx(p, ctx, true);
}

static void mho_debugfs_array(struct drm_printer *p, const struct mho_hw_array_info *info)
{
	u16 flags = le16_to_cpu(info->flags);

	drm_printf(p, "array %u: %u x %u on %u x %u tiles, technology %u, context %u%s%s",
		   le32_to_cpu(info->id), le32_to_cpu(info->rows), le32_to_cpu(info->cols),
		   le32_to_cpu(info->grid_rows), le32_to_cpu(info->grid_cols),
		   le32_to_cpu(info->technology), le16_to_cpu(info->context),
		   flags & MHO_HW_ARRAY_NAMED ? ", named" : "",
		   flags & MHO_HW_ARRAY_TORN ? ", torn" : "");
	if (flags & MHO_HW_ARRAY_NAMED)
		drm_printf(p, ", owner %llu, label %*pE", le64_to_cpu(info->owner),
			   (int)strnlen(info->label, sizeof(info->label)), info->label);
	drm_puts(p, "\n");
}

/* All that the device has, also those that nobody has attached. */
static void mho_debugfs_arrays(struct drm_printer *p, struct mho_device *mdev)
{
	struct mho_hw_cqe cqe;
	u32 i, id = 0;

	for (i = 0; i < mdev->limits.arrays; i++, id++) {
		struct mho_hw_admin_sqe next = {
			.opcode = MHO_HW_ADM_ARRAY_NEXT,
			.id = cpu_to_le32(id),
		};
		struct mho_hw_admin_sqe look = {
			.opcode = MHO_HW_ADM_ARRAY_INFO,
			.data = cpu_to_le64(mdev->admin.data_dma),
			.length = cpu_to_le32(MHO_ADMIN_DATA),
		};

		if (mho_admin_run(mdev, &next, &cqe))
			return;
		id = le32_to_cpu(cqe.result);
		look.id = cpu_to_le32(id);
		if (mho_admin_run(mdev, &look, NULL))
			return;
		mho_debugfs_array(p, mdev->admin.data);
	}
}

static void mho_debugfs_keys(struct drm_printer *p, struct mho_device *mdev)
{
	struct mho_client *client;
	struct mho_key *key;

	list_for_each_entry(client, &mdev->clients, link)
		list_for_each_entry(key, &client->keys, link)
			drm_printf(p, "key %u: client %llu, %zu bytes, pages %u, references %u\n",
				   key->id, client->file->client_id, key->bo->base.base.size,
				   key->pages, kref_read(&key->ref));
}

static void mho_debugfs_log(struct drm_printer *p, struct mho_device *mdev)
{
	mho_dump_log(p, mdev, UINT_MAX);
}

static const struct mho_debugfs_file mho_debugfs_files[] = {
	{ "device", mho_debugfs_device },
	{ "clients", mho_debugfs_clients },
	{ "queues", mho_debugfs_queues },
	{ "arrays", mho_debugfs_arrays },
	{ "keys", mho_debugfs_keys },
	{ "log", mho_debugfs_log },
};

static int mho_debugfs_show(struct seq_file *seq, void *unused)
{
	struct drm_debugfs_entry *entry = seq->private;
	const struct mho_debugfs_file *file = entry->file.data;
	struct mho_device *mdev = to_mho(entry->dev);
	struct drm_printer p = drm_seq_file_printer(seq);
	int idx, ret;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return -ENODEV;
	/* Asleep it has no users, and its log is lost: that would not be worth waking it. */
	if (!mho_pm_look(mdev)) {
		drm_puts(&p, "asleep\n");
		drm_dev_exit(idx);
		return 0;
	}
	ret = mutex_lock_interruptible(&mdev->admin.lock);
	if (!ret) {
		file->print(&p, mdev);
		mutex_unlock(&mdev->admin.lock);
	}
	mho_pm_look_done(mdev);
	drm_dev_exit(idx);
	return ret;
}

/**
 * mho_debugfs_init() - add the files; they go with the device
 * @mdev: device that is registered
 */
void mho_debugfs_init(struct mho_device *mdev)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mho_debugfs_files); i++)
		drm_debugfs_add_file(&mdev->drm, mho_debugfs_files[i].name, mho_debugfs_show,
				     (void *)&mho_debugfs_files[i]);
}
