// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the emulated device says about itself: identity, topology, telemetry, log,
 * self-test, calibration.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/emu_dev.h"

#define LOG_ENTRIES 64

/* A text field of the device, which need not end with NUL. */
static void copy_text(char *to, size_t size, const mho_u8 *from, size_t len)
{
	size_t n = strnlen((const char *)from, len < size - 1 ? len : size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

static void keep_identity(struct emub_dev *dev, const struct mho_hw_identify *id)
{
	struct mho_hw_identify *to = &dev->id;

	*to = *id;
	to->version = mho_le32_to_cpu(id->version);
	to->tiles = mho_le32_to_cpu(id->tiles);
	to->queues = mho_le32_to_cpu(id->queues);
	to->arrays = mho_le32_to_cpu(id->arrays);
	to->batch_max = mho_le32_to_cpu(id->batch_max);
	to->order_max = mho_le16_to_cpu(id->order_max);
	to->vectors = mho_le16_to_cpu(id->vectors);
	to->topology_size = mho_le32_to_cpu(id->topology_size);
	to->features = mho_le32_to_cpu(id->features);
	to->serial = mho_le64_to_cpu(id->serial);
	to->technologies = mho_le32_to_cpu(id->technologies);
	to->cells = mho_le64_to_cpu(id->cells);
	to->admin_timeout_ms = mho_le32_to_cpu(id->admin_timeout_ms);
}

static void fill_info(struct emub_dev *dev, const struct mho_hw_firmware_info *fw)
{
	struct mho_info *info = &dev->info;
	const struct mho_hw_identify *id = &dev->id;

	info->tiles = id->tiles;
	info->technologies = id->technologies;
	info->queues = id->queues;
	info->queue_depth = 1U << id->order_max;
	info->batch_max = id->batch_max;
	info->arrays_max = id->arrays;
	info->features = id->features;
	info->interface = id->version;
	info->firmware = mho_le32_to_cpu(fw->version);
	info->io = dev->notifier.uring ? MHO_IO_URING : MHO_IO_THREAD;
	info->restored = !!(emub_read(dev, MHO_HW_REG_STATUS) & MHO_HW_STATUS_RESTORED);
	info->serial = id->serial;
	info->cells = id->cells;
	copy_text(info->model, sizeof(info->model), id->model, sizeof(id->model));
	copy_text(info->firmware_name, sizeof(info->firmware_name), fw->name, sizeof(fw->name));
}

static int read_topology(struct emub_dev *dev)
{
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_TOPOLOGY };
	uint32_t len = dev->id.topology_size;
	struct mho_hw_cqe cqe;
	int ret;

	if (!len || len > MHO_HW_TOPO_SIZE_MAX)
		return mrt_fail(-EIO, "the device says that its topology has %u bytes", len);
	dev->blob = malloc(len);
	if (!dev->blob)
		return mrt_fail(-ENOMEM, "out of memory for a topology of %u bytes", len);
	dev->blob_len = len;
	ret = emub_admin(dev, &sqe, NULL, dev->blob, len, &cqe);
	return ret ? emub_admin_fail(ret, &cqe, "reading the topology") : 0;
}

int emub_identify(struct emub_dev *dev)
{
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_IDENTIFY };
	struct mho_hw_firmware_info fw;
	struct mho_hw_identify id;
	struct mho_hw_cqe cqe;
	int ret;

	ret = emub_admin(dev, &sqe, NULL, &id, sizeof(id), &cqe);
	if (ret)
		return emub_admin_fail(ret, &cqe, "identifying the device");
	keep_identity(dev, &id);
	sqe = (struct mho_hw_admin_sqe){ .opcode = MHO_HW_ADM_FIRMWARE };
	ret = emub_admin(dev, &sqe, NULL, &fw, sizeof(fw), &cqe);
	if (ret)
		return emub_admin_fail(ret, &cqe, "identifying the firmware");
	fill_info(dev, &fw);
	return read_topology(dev);
}

void emub_info(struct mrt_bdev *base, struct mho_info *info)
{
	size_t size = info->size;

	*info = emub_dev_of(base)->info;
	info->size = size;
}

const void *emub_topology(struct mrt_bdev *base, size_t *len)
{
	struct emub_dev *dev = emub_dev_of(base);

	*len = dev->blob_len;
	return dev->blob;
}

/* A tile that is being scrubbed is as good as free: who needs it waits a little. */
static uint32_t tile_state(uint32_t state)
{
	switch (state) {
	case MHO_HW_TILE_USED:
		return 1;
	case MHO_HW_TILE_FAILED:
		return 2;
	default:
		return 0;
	}
}

int emub_tile(struct mrt_bdev *base, uint32_t index, struct mho_tile_info *info)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_TELEMETRY,
		.scope = MHO_HW_SCOPE_TILE,
		.id = mho_cpu_to_le32(index),
	};
	struct mho_hw_tile_telemetry t;
	struct mho_hw_cqe cqe;
	int ret;

	ret = emub_admin(emub_dev_of(base), &sqe, NULL, &t, sizeof(t), &cqe);
	if (ret)
		return emub_admin_fail(ret, &cqe, "reading a tile's telemetry");
	info->rows = mho_le16_to_cpu(t.rows);
	info->cols = mho_le16_to_cpu(t.cols);
	info->technology = mho_le32_to_cpu(t.technology);
	info->state = tile_state(mho_le32_to_cpu(t.state));
	info->array = mho_le32_to_cpu(t.array);
	info->wear_max = mho_le32_to_cpu(t.wear_max);
	info->wear_mean = (double)mho_le64_to_cpu(t.wear_mean_milli) / 1000.0;
	info->endurance = mho_le64_to_cpu(t.endurance);
	info->pulses = mho_le64_to_cpu(t.pulses);
	info->busy_ns = mho_le64_to_cpu(t.busy_ns);
	info->energy_fj = mho_le64_to_cpu(t.energy_fj);
	return 0;
}

int emub_firmware(struct mrt_bdev *base, struct mho_firmware *fw)
{
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_FIRMWARE };
	struct mho_hw_firmware_info hw;
	struct mho_hw_cqe cqe;
	int ret;

	ret = emub_admin(emub_dev_of(base), &sqe, NULL, &hw, sizeof(hw), &cqe);
	if (ret)
		return emub_admin_fail(ret, &cqe, "identifying the firmware");
	fw->version = mho_le32_to_cpu(hw.version);
	fw->interface = mho_le32_to_cpu(hw.interface);
	fw->build_time = mho_le64_to_cpu(hw.build_time);
	copy_text(fw->name, sizeof(fw->name), hw.name, sizeof(hw.name));
	memcpy(fw->sha256, hw.sha256, sizeof(fw->sha256));
	return 0;
}

int emub_telemetry(struct mrt_bdev *base, struct mho_telemetry *t)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_TELEMETRY,
		.scope = MHO_HW_SCOPE_DEVICE,
	};
	struct mho_hw_telemetry hw;
	struct mho_hw_cqe cqe;
	int ret;

	ret = emub_admin(emub_dev_of(base), &sqe, NULL, &hw, sizeof(hw), &cqe);
	if (ret)
		return emub_admin_fail(ret, &cqe, "reading the telemetry");
	t->time_ns = mho_le64_to_cpu(hw.time_ns);
	t->energy_fj = mho_le64_to_cpu(hw.energy_fj);
	t->commands = mho_le64_to_cpu(hw.commands);
	t->errors = mho_le64_to_cpu(hw.errors);
	t->mvms = mho_le64_to_cpu(hw.mvms);
	t->updates = mho_le64_to_cpu(hw.updates);
	t->pulses = mho_le64_to_cpu(hw.pulses);
	t->lifetime_pulses = mho_le64_to_cpu(hw.lifetime_pulses);
	t->saturations = mho_le64_to_cpu(hw.saturations);
	t->retries = mho_le64_to_cpu(hw.retries);
	t->resets = mho_le32_to_cpu(hw.resets);
	t->power_cycles = mho_le32_to_cpu(hw.power_cycles);
	t->temperature_mc = (int32_t)mho_le32_to_cpu(hw.temperature_mc);
	t->power_mw = mho_le32_to_cpu(hw.power_mw);
	t->tiles_free = mho_le32_to_cpu(hw.tiles_free);
	t->tiles_failed = mho_le32_to_cpu(hw.tiles_failed);
	t->wear_max = mho_le32_to_cpu(hw.wear_max);
	return 0;
}

int emub_read_log(struct mrt_bdev *base, mho_log_entry_fn fn, void *arg)
{
	struct mho_hw_log_entry entries[LOG_ENTRIES];
	uint32_t next = 0, n, i;
	struct mho_hw_cqe cqe;
	char text[sizeof(entries[0].text)];
	int ret;

	do {
		struct mho_hw_admin_sqe sqe = {
			.opcode = MHO_HW_ADM_LOG,
			.id = mho_cpu_to_le32(next),
		};

		ret = emub_admin(emub_dev_of(base), &sqe, NULL, entries, sizeof(entries), &cqe);
		if (ret)
			return emub_admin_fail(ret, &cqe, "reading the device's log");
		n = mho_le32_to_cpu(cqe.result);
		next = mho_le32_to_cpu(cqe.detail);
		for (i = 0; i < n && i < LOG_ENTRIES; i++) {
			const struct mho_hw_log_entry *e = &entries[i];

			copy_text(text, sizeof(text), e->text, sizeof(e->text));
			ret = fn(mho_le64_to_cpu(e->time_ns), mho_le16_to_cpu(e->level), text, arg);
			if (ret)
				return ret;
		}
	} while (n == LOG_ENTRIES);
	return 0;
}

int emub_selftest(struct mrt_bdev *base, bool full, struct mho_selftest *result)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_SELFTEST,
		.scope = full ? MHO_HW_SELFTEST_FULL : MHO_HW_SELFTEST_QUICK,
	};
	struct mho_hw_selftest_result hw;
	struct mho_hw_cqe cqe;
	int ret;

	ret = emub_admin(emub_dev_of(base), &sqe, NULL, &hw, sizeof(hw), &cqe);
	if (ret)
		return emub_admin_fail(ret, &cqe, "the self-test");
	result->tests = mho_le32_to_cpu(hw.tests);
	result->failures = mho_le32_to_cpu(hw.failures);
	result->tiles_tested = mho_le32_to_cpu(hw.tiles_tested);
	result->tiles_failed = mho_le32_to_cpu(hw.tiles_failed);
	result->mvm_error = (float)mho_le32_to_cpu(hw.mvm_error_ppm) * 1e-6f;
	copy_text(result->first_failure, sizeof(result->first_failure), hw.first_failure,
		  sizeof(hw.first_failure));
	return 0;
}

int emub_calibrate(struct mrt_bdev *base, int tile)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_CALIBRATE,
		.id = mho_cpu_to_le32(tile < 0 ? MHO_HW_ALL : (uint32_t)tile),
	};
	struct mho_hw_cqe cqe;
	int ret;

	ret = emub_admin(emub_dev_of(base), &sqe, NULL, NULL, 0, &cqe);
	return ret ? emub_admin_fail(ret, &cqe, "calibrating") : 0;
}
