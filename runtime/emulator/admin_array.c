// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Admin commands on arrays. Tiles are scrubbed when their array is destroyed by
 * name, and at the latest before somebody else gets them.
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/admin.h"
#include "emulator/objects.h"
#include "emulator/persist.h"

/* What the table of named arrays has become is written out; failing that is not the command's. */
static void save_table(struct mho_admin *a)
{
	int err = mho_persist_now(a->emu);

	if (err)
		mho_log(a->emu, MHO_HW_LOG_ERROR, MHO_HW_ST_INTERNAL,
			"table of named arrays not saved: %s", strerror(-err));
}

static bool all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n && !*b) {
		b++;
		n--;
	}
	return !n;
}

/* Terminated, and nothing behind the end. */
static bool label_ok(const mho_u8 *label)
{
	size_t n = strnlen((const char *)label, MHO_HW_NAME_SIZE);

	return n < MHO_HW_NAME_SIZE && all_zero(label + n, MHO_HW_NAME_SIZE - n);
}

static enum mho_hw_status check_request(struct mho_admin *a, const struct mho_hw_array_request *r)
{
	uint32_t rows = mho_le32_to_cpu(r->rows), cols = mho_le32_to_cpu(r->cols);
	uint32_t technology = mho_le32_to_cpu(r->technology);
	bool named = mho_le16_to_cpu(r->flags) & MHO_HW_ARRAY_NAMED;

	if (mho_le16_to_cpu(r->flags) & ~MHO_HW_ARRAY_NAMED || !all_zero(r->pad, sizeof(r->pad)) ||
	    (!named && r->label[0]))
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_IN_DATA);
	if (!rows || rows > MHO_HW_ARRAY_DIM_MAX || !cols || cols > MHO_HW_ARRAY_DIM_MAX ||
	    (technology != MHO_HW_ALL && technology >= a->emu->topo->ntechs) ||
	    mho_le16_to_cpu(r->policy) > MHO_HW_POLICY_COMPACT || !label_ok(r->label) ||
	    (named && !r->label[0]))
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, MHO_ADMIN_IN_DATA);
	return MHO_HW_ST_OK;
}

static bool context_ok(const struct mho_admin *a)
{
	return mho_context_exists(a->emu, mho_le16_to_cpu(a->sqe.context));
}

static enum mho_hw_status no_context(struct mho_admin *a)
{
	return mho_admin_refuse(a, MHO_HW_ST_BAD_CONTEXT, MHO_ADMIN_AT(context));
}

static struct mho_array *find_any(const struct mho_emu *emu, uint32_t id)
{
	return id && id <= emu->topo->limits.arrays ? emu->arrays[id] : NULL;
}

/* Take the tiles, and hand the array over when they hold nothing of anybody. */
static enum mho_hw_status create(struct mho_admin *a, const struct mho_hw_array_request *req)
{
	struct mho_emu *emu = a->emu;
	struct mho_placement place;
	enum mho_hw_status status = mho_place(emu, req, &place);
	struct mho_array *array;
	uint32_t i, n;

	if (status == MHO_HW_ST_NO_TILES) {
		a->result = place.needed;
		a->detail = place.available;
	}
	if (status)
		return status;
	n = place.grid_rows * place.grid_cols;
	array = mho_array_new(req, place.grid_rows, place.grid_cols, place.tiles);
	if (!array || !mho_array_insert(emu, array)) {
		free(array);
		free(place.tiles);
		return MHO_HW_ST_NO_RESOURCE;
	}
	array->held = true;
	pthread_mutex_unlock(&emu->lock);
	mho_tiles_scrub(a->w, place.tiles, n, &a->cost);
	for (i = 0; i < n; i++)
		mho_window_clear(emu, place.tiles[i]->number);
	pthread_mutex_lock(&emu->lock);
	free(place.tiles);
	array->context = mho_le16_to_cpu(a->sqe.context);
	array->held = false;
	mho_array_check_wear(emu, array);
	a->result = array->id;
	if (array->flags & MHO_HW_ARRAY_NAMED)
		save_table(a);
	return MHO_HW_ST_OK;
}

enum mho_hw_status mho_admin_array_create(struct mho_admin *a)
{
	struct mho_hw_array_request req;
	enum mho_hw_status status;

	status = mho_admin_request(a, &req, sizeof(req));
	if (!status)
		status = check_request(a, &req);
	if (status)
		return status;
	if (!context_ok(a))
		return no_context(a);
	if (mho_le16_to_cpu(req.flags) & MHO_HW_ARRAY_NAMED &&
	    mho_array_by_name(a->emu, (const char *)req.label, mho_le64_to_cpu(req.owner)))
		return mho_admin_refuse(a, MHO_HW_ST_EXISTS, MHO_ADMIN_IN_DATA);
	return create(a, &req);
}

enum mho_hw_status mho_admin_array_destroy(struct mho_admin *a)
{
	struct mho_emu *emu = a->emu;
	struct mho_hwtile **tiles;
	struct mho_array *array;
	uint32_t i, n;
	bool named;

	if (a->sqe.context && !context_ok(a))
		return no_context(a);
	array = mho_array_find(emu, mho_le16_to_cpu(a->sqe.context), mho_le32_to_cpu(a->sqe.id));
	if (!array)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_ARRAY, MHO_ADMIN_AT(id));
	if (array->users)
		return mho_admin_refuse(a, MHO_HW_ST_BUSY, MHO_ADMIN_AT(id));
	n = mho_array_blocks(array);
	tiles = calloc(n, sizeof(struct mho_hwtile *));
	if (!tiles)
		return MHO_HW_ST_INTERNAL;
	for (i = 0; i < n; i++)
		tiles[i] = array->blocks[i].tile;
	named = array->flags & MHO_HW_ARRAY_NAMED;
	mho_array_remove(emu, array);
	pthread_mutex_unlock(&emu->lock);
	mho_tiles_scrub(a->w, tiles, n, &a->cost);
	pthread_mutex_lock(&emu->lock);
	free(tiles);
	if (named)
		save_table(a);
	return MHO_HW_ST_OK;
}

static enum mho_hw_status attach(struct mho_admin *a, struct mho_array *array)
{
	uint16_t context = mho_le16_to_cpu(a->sqe.context);

	if (array->context == context)
		return MHO_HW_ST_EXISTS;
	if (array->context)
		return MHO_HW_ST_NOT_OWNER;
	array->context = context;
	a->result = array->id;
	return MHO_HW_ST_OK;
}

enum mho_hw_status mho_admin_array_find(struct mho_admin *a)
{
	struct mho_hw_array_request req, rest;
	enum mho_hw_status status;
	struct mho_array *array;

	status = mho_admin_request(a, &req, sizeof(req));
	if (status)
		return status;
	rest = req;
	rest.owner = 0;
	memset(rest.label, 0, sizeof(rest.label));
	if (!all_zero(&rest, sizeof(rest)))
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_IN_DATA);
	if (!label_ok(req.label) || !req.label[0])
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, MHO_ADMIN_IN_DATA);
	if (!context_ok(a))
		return no_context(a);
	array = mho_array_by_name(a->emu, (const char *)req.label, mho_le64_to_cpu(req.owner));
	return array ? attach(a, array) : MHO_HW_ST_NOT_FOUND;
}

enum mho_hw_status mho_admin_array_attach(struct mho_admin *a)
{
	struct mho_array *array = find_any(a->emu, mho_le32_to_cpu(a->sqe.id));

	if (!context_ok(a))
		return no_context(a);
	if (!array)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_ARRAY, MHO_ADMIN_AT(id));
	return attach(a, array);
}

/* The array of the command's context, or NULL with the refusal in @status. */
static struct mho_array *own_array(struct mho_admin *a, enum mho_hw_status *status)
{
	struct mho_array *array;

	if (!context_ok(a)) {
		*status = no_context(a);
		return NULL;
	}
	array = mho_array_find(a->emu, mho_le16_to_cpu(a->sqe.context), mho_le32_to_cpu(a->sqe.id));
	if (!array)
		*status = mho_admin_refuse(a, MHO_HW_ST_BAD_ARRAY, MHO_ADMIN_AT(id));
	return array;
}

enum mho_hw_status mho_admin_array_detach(struct mho_admin *a)
{
	enum mho_hw_status status;
	struct mho_array *array = own_array(a, &status);

	if (!array)
		return status;
	if (!(array->flags & MHO_HW_ARRAY_NAMED))
		return mho_admin_refuse(a, MHO_HW_ST_BAD_FIELD, MHO_ADMIN_AT(id));
	if (array->users)
		return mho_admin_refuse(a, MHO_HW_ST_BUSY, MHO_ADMIN_AT(id));
	array->context = 0;
	return MHO_HW_ST_OK;
}

enum mho_hw_status mho_admin_array_tag(struct mho_admin *a)
{
	enum mho_hw_status status;
	struct mho_array *array = own_array(a, &status);

	if (!array)
		return status;
	array->tag = mho_le64_to_cpu(a->sqe.tag);
	if (array->flags & MHO_HW_ARRAY_NAMED)
		save_table(a);
	return MHO_HW_ST_OK;
}

static void describe(const struct mho_array *array, struct mho_hw_array_info *info)
{
	struct mho_hw_array_tile *tiles = (struct mho_hw_array_tile *)(info + 1);
	uint32_t i;

	memset(info, 0, sizeof(*info));
	info->id = mho_cpu_to_le32(array->id);
	info->rows = mho_cpu_to_le32(array->rows);
	info->cols = mho_cpu_to_le32(array->cols);
	info->grid_rows = mho_cpu_to_le32(array->grid_rows);
	info->grid_cols = mho_cpu_to_le32(array->grid_cols);
	info->tiles = mho_cpu_to_le32(mho_array_blocks(array));
	info->technology = mho_cpu_to_le32(array->technology);
	info->context = mho_cpu_to_le16(array->context);
	info->flags = mho_cpu_to_le16(array->flags);
	info->owner = mho_cpu_to_le64(array->owner);
	info->tag = mho_cpu_to_le64(array->tag);
	memcpy(info->label, array->label, sizeof(info->label));
	for (i = 0; i < mho_array_blocks(array); i++) {
		const struct mho_block *b = &array->blocks[i];

		tiles[i].tile = mho_cpu_to_le32(b->tile->number);
		tiles[i].row = mho_cpu_to_le32(b->row);
		tiles[i].col = mho_cpu_to_le32(b->col);
		tiles[i].rows = mho_cpu_to_le16(b->rows);
		tiles[i].cols = mho_cpu_to_le16(b->cols);
	}
}

enum mho_hw_status mho_admin_array_info(struct mho_admin *a)
{
	struct mho_array *array = find_any(a->emu, mho_le32_to_cpu(a->sqe.id));
	enum mho_hw_status status;
	void *answer;
	size_t len;

	if (a->sqe.context && !context_ok(a))
		return no_context(a);
	if (!array || (a->sqe.context && array->context != mho_le16_to_cpu(a->sqe.context)))
		return mho_admin_refuse(a, MHO_HW_ST_BAD_ARRAY, MHO_ADMIN_AT(id));
	len = sizeof(struct mho_hw_array_info) +
	      mho_array_blocks(array) * sizeof(struct mho_hw_array_tile);
	answer = malloc(len);
	if (!answer)
		return MHO_HW_ST_INTERNAL;
	describe(array, answer);
	status = mho_admin_answer(a, answer, len);
	free(answer);
	if (!status)
		a->result = len;
	return status;
}

enum mho_hw_status mho_admin_array_next(struct mho_admin *a)
{
	uint32_t id = mho_le32_to_cpu(a->sqe.id);

	for (id = id ? id : 1; id <= a->emu->topo->limits.arrays; id++) {
		if (!a->emu->arrays[id])
			continue;
		a->result = id;
		a->detail = a->emu->arrays[id]->context;
		return MHO_HW_ST_OK;
	}
	return MHO_HW_ST_NOT_FOUND;
}
