// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Admin commands that answer with what the device is and what it has counted:
 * IDENTIFY, TOPOLOGY, FIRMWARE, LOG, TELEMETRY.
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/admin.h"
#include "emulator/objects.h"

/* No bounds on host time are given: what a command takes depends on the machine. */
enum mho_hw_status mho_admin_identify(struct mho_admin *a)
{
	struct mho_emu *emu = a->emu;
	const struct mho_topo *t = emu->topo;
	struct mho_hw_identify id = {
		.version = mho_cpu_to_le32(MHO_HW_VERSION),
		.tiles = mho_cpu_to_le32(t->ntiles),
		.queues = mho_cpu_to_le32(t->limits.queues),
		.contexts = mho_cpu_to_le32(t->limits.contexts),
		.keys = mho_cpu_to_le32(t->limits.keys),
		.arrays = mho_cpu_to_le32(t->limits.arrays),
		.batch_max = mho_cpu_to_le32(t->limits.batch),
		.order_max = mho_cpu_to_le16(t->limits.queue_order),
		.vectors = mho_cpu_to_le16(mho_vectors(emu)),
		.window_stride = mho_cpu_to_le32(emu->window_stride),
		.window_in = mho_cpu_to_le32(t->limits.window_sram),
		.window_out_offset = mho_cpu_to_le32(emu->window_out),
		.window_out = mho_cpu_to_le32(t->limits.window_sram),
		.topology_size = mho_cpu_to_le32(emu->blob_len),
		.features = mho_cpu_to_le32(mho_features(emu)),
		.serial = mho_cpu_to_le64(emu->serial),
		.technologies = mho_cpu_to_le32(t->ntechs),
		.pages = mho_cpu_to_le32(MHO_HW_MEMORY_PAGES_MAX),
		.cells = mho_cpu_to_le64(t->cells),
	};

	memcpy(id.model, t->model, strnlen(t->model, sizeof(id.model) - 1));
	return mho_admin_answer(a, &id, sizeof(id));
}

enum mho_hw_status mho_admin_topology(struct mho_admin *a)
{
	uint32_t from = mho_le32_to_cpu(a->sqe.id), n = mho_le32_to_cpu(a->sqe.length);
	const uint8_t *blob = a->emu->blob;

	if (from > a->emu->blob_len)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, MHO_ADMIN_AT(id));
	if (n > a->emu->blob_len - from)
		n = a->emu->blob_len - from;
	if (!mho_dma_write(&a->emu->dma, mho_le64_to_cpu(a->sqe.data), blob + from, n))
		return mho_admin_refuse(a, MHO_HW_ST_DMA_FAULT, MHO_ADMIN_AT(data));
	a->result = n;
	a->detail = a->emu->blob_len;
	return MHO_HW_ST_OK;
}

enum mho_hw_status mho_admin_firmware(struct mho_admin *a)
{
	const struct mho_image *image = &a->emu->image;
	struct mho_hw_firmware_info info = {
		.version = mho_cpu_to_le32(image->version),
		.interface = mho_cpu_to_le32(image->interface),
		.build_time = mho_cpu_to_le64(image->build_time),
	};

	memcpy(info.name, image->name, sizeof(info.name));
	memcpy(info.sha256, image->sha256, sizeof(info.sha256));
	return mho_admin_answer(a, &info, sizeof(info));
}

enum mho_hw_status mho_admin_log(struct mho_admin *a)
{
	uint32_t room = mho_le32_to_cpu(a->sqe.length) / sizeof(struct mho_hw_log_entry), n, next;
	enum mho_hw_status status = MHO_HW_ST_OK;
	struct mho_hw_log_entry *entries;

	if (!room)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_LENGTH, sizeof(*entries));
	if (room > MHO_LOG_ENTRIES)
		room = MHO_LOG_ENTRIES;
	entries = malloc(room * sizeof(*entries));
	if (!entries)
		return MHO_HW_ST_INTERNAL;
	n = mho_log_copy(a->emu, mho_le32_to_cpu(a->sqe.id), entries, room, &next);
	if (n)
		status = mho_admin_answer(a, entries, n * sizeof(*entries));
	free(entries);
	if (!status) {
		a->result = n;
		a->detail = next;
	}
	return status;
}

/* Bring the wear of a tile up to date, unless a command has it. */
static void refresh_wear(struct mho_emu *emu, struct mho_hwtile *t)
{
	struct mho_array *array = t->array;

	if (!t->wear_stale || (array && array->users))
		return;
	if (array)
		array->held = true;
	pthread_mutex_unlock(&emu->lock);
	mho_tile_count_wear(t);
	pthread_mutex_lock(&emu->lock);
	if (array) {
		array->held = false;
		mho_arbiter_release(emu, array);
	}
}

static enum mho_hw_status of_device(struct mho_admin *a)
{
	struct mho_emu *emu = a->emu;
	const struct mho_counters *c = &emu->counters;
	uint32_t tiles_free = 0, failed = 0, wear = 0, i;
	uint64_t ns = mho_time_ns(emu);
	struct mho_hw_telemetry t = { 0 };

	for (i = 0; i < emu->topo->ntiles; i++) {
		refresh_wear(emu, &emu->tiles[i]);
		failed += emu->tiles[i].failed;
		tiles_free += !emu->tiles[i].failed && !emu->tiles[i].array;
		wear = emu->tiles[i].wear > wear ? emu->tiles[i].wear : wear;
	}
	t.time_ns = mho_cpu_to_le64(ns);
	t.energy_fj = mho_cpu_to_le64(c->energy_fj);
	t.commands = mho_cpu_to_le64(c->commands);
	t.errors = mho_cpu_to_le64(c->errors);
	t.mvms = mho_cpu_to_le64(c->mvms);
	t.updates = mho_cpu_to_le64(c->updates);
	t.pulses = mho_cpu_to_le64(c->pulses);
	t.lifetime_pulses = mho_cpu_to_le64(c->lifetime_pulses);
	t.saturations = mho_cpu_to_le64(c->saturations);
	t.retries = mho_cpu_to_le64(c->retries);
	t.resets = mho_cpu_to_le32(c->resets);
	t.power_cycles = mho_cpu_to_le32(c->power_cycles);
	t.temperature_mc = mho_cpu_to_le32((uint32_t)atomic_load(&emu->temperature));
	/* 1 fJ / 1 ns = 1 uW */
	t.power_mw = mho_cpu_to_le32(ns ? (uint32_t)((double)c->energy_fj / ns * 1e-3) : 0);
	t.tiles_free = mho_cpu_to_le32(tiles_free);
	t.tiles_failed = mho_cpu_to_le32(failed);
	t.wear_max = mho_cpu_to_le32(wear);
	return mho_admin_answer(a, &t, sizeof(t));
}

static enum mho_hw_status of_tile(struct mho_admin *a)
{
	uint32_t number = mho_le32_to_cpu(a->sqe.id);
	struct mho_hw_tile_telemetry t = { 0 };
	struct mho_emu *emu = a->emu;
	struct mho_hwtile *tile;
	uint32_t state;

	if (number >= emu->topo->ntiles)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_TILE, MHO_ADMIN_AT(id));
	tile = &emu->tiles[number];
	refresh_wear(emu, tile);
	state = tile->failed ? MHO_HW_TILE_FAILED :
		tile->array  ? MHO_HW_TILE_USED :
		tile->dirty  ? MHO_HW_TILE_SCRUBBING :
			       MHO_HW_TILE_FREE;
	t.tile = mho_cpu_to_le32(number);
	t.rows = mho_cpu_to_le16(tile->rows);
	t.cols = mho_cpu_to_le16(tile->cols);
	t.technology = mho_cpu_to_le32(tile->technology);
	t.state = mho_cpu_to_le32(state);
	t.array = mho_cpu_to_le32(tile->array ? tile->array->id : 0);
	t.wear_max = mho_cpu_to_le32(tile->wear);
	t.wear_mean_milli = mho_cpu_to_le64((uint64_t)(tile->wear_mean * 1000 + 0.5));
	t.endurance = mho_cpu_to_le64(emu->topo->techs[tile->technology].endurance);
	t.pulses = mho_cpu_to_le64(tile->pulses);
	t.busy_ns = mho_cpu_to_le64(tile->busy_ns);
	t.energy_fj = mho_cpu_to_le64(tile->energy_fj);
	return mho_admin_answer(a, &t, sizeof(t));
}

static enum mho_hw_status of_queue(struct mho_admin *a)
{
	uint16_t number = mho_le16_to_cpu(a->sqe.queue);
	struct mho_hw_queue_telemetry t = { 0 };
	struct mho_emu *emu = a->emu;
	struct mho_hwqueue *q;

	if (!number || number > emu->topo->limits.queues || !emu->queues[number])
		return mho_admin_refuse(a, MHO_HW_ST_BAD_QUEUE, MHO_ADMIN_AT(queue));
	q = emu->queues[number];
	t.context = mho_cpu_to_le16(q->context);
	t.priority = mho_cpu_to_le16(q->priority);
	t.depth = mho_cpu_to_le32(q->inflight);
	t.commands = mho_cpu_to_le64(q->commands);
	t.errors = mho_cpu_to_le64(q->errors);
	t.interrupts = mho_cpu_to_le64(q->interrupts);
	t.doorbells = mho_cpu_to_le64(atomic_load(&emu->doorbells[number].rings) - q->rings_base);
	t.device_ns = mho_cpu_to_le64(q->device_ns);
	t.energy_fj = mho_cpu_to_le64(q->energy_fj);
	t.vectors = mho_cpu_to_le64(atomic_load(&q->vectors));
	t.sq_head = mho_cpu_to_le16(q->sq_head & q->mask);
	t.cq_tail = mho_cpu_to_le16(q->cq_tail & q->mask);
	t.state = mho_cpu_to_le16(q->fault ? MHO_HW_QUEUE_STOPPED : MHO_HW_QUEUE_RUNNING);
	t.fault = mho_cpu_to_le16(q->fault);
	return mho_admin_answer(a, &t, sizeof(t));
}

enum mho_hw_status mho_admin_telemetry(struct mho_admin *a)
{
	if (a->sqe.scope != MHO_HW_SCOPE_TILE && a->sqe.id)
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(id));
	if (a->sqe.scope != MHO_HW_SCOPE_QUEUE && a->sqe.queue)
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(queue));
	switch (a->sqe.scope) {
	case MHO_HW_SCOPE_DEVICE:
		return of_device(a);
	case MHO_HW_SCOPE_TILE:
		return of_tile(a);
	case MHO_HW_SCOPE_QUEUE:
		return of_queue(a);
	default:
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, MHO_ADMIN_AT(scope));
	}
}
