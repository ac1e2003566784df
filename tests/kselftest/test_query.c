// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * QUERY: every type, and how answers fit the room that there is for them.
 */
#include <string.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"

FIXTURE(query)
{
	int fd;
	struct drm_mho_info info;
};

FIXTURE_SETUP(query)
{
	self->fd = mt_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ((int)sizeof(self->info),
		  mt_query(self->fd, DRM_MHO_QUERY_INFO, 0, &self->info, sizeof(self->info)));
}

FIXTURE_TEARDOWN(query)
{
	close(self->fd);
}

TEST_F(query, info)
{
	const struct drm_mho_info *info = &self->info;

	EXPECT_EQ(MHO_HW_VERSION_MAJOR, info->interface >> 16);
	EXPECT_LT(0, info->firmware);
	EXPECT_LT(0, info->tiles);
	EXPECT_LT(0, info->cells);
	EXPECT_LT(0, info->technologies);
	EXPECT_LT(0, info->arrays);
	EXPECT_LT(0, info->queues);
	EXPECT_LT(0, info->batch_max);
	EXPECT_LT(0, info->submit_max);
	EXPECT_LE(info->submit_max, info->depth_max);
	EXPECT_LT(0, info->command_timeout_ms);
	EXPECT_LT(0, info->serial);
	EXPECT_GE(1, info->restored);
	EXPECT_EQ(0, info->pad);
	EXPECT_NE(0, info->model[0]);
	EXPECT_EQ(0, info->model[sizeof(info->model) - 1]);
}

TEST_F(query, topology)
{
	uint32_t size = self->info.topology_size;
	uint8_t *blob = calloc(1, size + 8);

	ASSERT_NE(NULL, blob);
	ASSERT_EQ((int)size, mt_query(self->fd, DRM_MHO_QUERY_TOPOLOGY, 0, NULL, 0));
	memset(blob, 0xa5, size + 8);
	ASSERT_EQ((int)size, mt_query(self->fd, DRM_MHO_QUERY_TOPOLOGY, 0, blob, size + 8));
	/* A flattened device tree begins with its magic and its size, big-endian. */
	EXPECT_EQ(0, memcmp(blob, "\xd0\x0d\xfe\xed", 4));
	EXPECT_EQ(size, (uint32_t)blob[4] << 24 | blob[5] << 16 | blob[6] << 8 | blob[7]);
	EXPECT_EQ(0, memcmp(blob + size, "\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5", 8));
	free(blob);
}

TEST_F(query, firmware)
{
	struct drm_mho_firmware fw;

	ASSERT_EQ((int)sizeof(fw), mt_query(self->fd, DRM_MHO_QUERY_FIRMWARE, 0, &fw, sizeof(fw)));
	EXPECT_EQ(self->info.firmware, fw.version);
	EXPECT_EQ(MHO_HW_VERSION_MAJOR, fw.interface >> 16);
	EXPECT_NE(0, fw.name[0]);
	EXPECT_FALSE(mt_all_zero(fw.sha256, sizeof(fw.sha256)));
}

/* Jobs move the counters that count them, and those only. */
TEST_F(query, telemetry)
{
	struct drm_mho_telemetry before, after;
	struct mt_session s;
	struct drm_mho_job job;
	uint32_t array;

	ASSERT_EQ(0, mt_session_open(&s));
	ASSERT_EQ(0, mt_array_create(s.fd, 8, 8, &array));
	ASSERT_EQ((int)sizeof(before),
		  mt_query(s.fd, DRM_MHO_QUERY_TELEMETRY, 0, &before, sizeof(before)));
	job = mt_job_vectors(&s, array, DRM_MHO_OP_MVM, 5);
	mt_fill(mt_data(&s, MT_AT_X), 40, 1, 1);
	ASSERT_EQ(0, mt_run_one(&s, &job));
	ASSERT_EQ((int)sizeof(after),
		  mt_query(s.fd, DRM_MHO_QUERY_TELEMETRY, 0, &after, sizeof(after)));
	EXPECT_EQ(before.commands + 1, after.commands);
	EXPECT_EQ(before.mvms + 5, after.mvms);
	EXPECT_EQ(before.updates, after.updates);
	EXPECT_EQ(before.errors, after.errors);
	/* The clock is the latest of all queues': scrubbing may have set it ahead of this one. */
	EXPECT_LE(before.time_ns, after.time_ns);
	EXPECT_LT(before.energy_fj, after.energy_fj);
	EXPECT_EQ(before.tiles_free, after.tiles_free);
	EXPECT_GE(self->info.tiles, after.tiles_free + after.tiles_failed);
	EXPECT_LT(0, after.temperature_mc);
	EXPECT_EQ(0, after.pad);
	mt_session_close(&s);
}

TEST_F(query, tile)
{
	struct drm_mho_array_block block;
	struct drm_mho_array_info array = { .blocks = (uintptr_t)&block, .block_count = 1 };
	struct drm_mho_tile tile;
	uint64_t cells = 0;
	uint32_t i;

	for (i = 0; i < self->info.tiles; i++) {
		ASSERT_EQ((int)sizeof(tile),
			  mt_query(self->fd, DRM_MHO_QUERY_TILE, i, &tile, sizeof(tile)));
		EXPECT_EQ(i, tile.tile);
		EXPECT_GT(self->info.technologies, tile.technology);
		EXPECT_EQ(tile.state == DRM_MHO_TILE_USED, tile.array != 0);
		cells += (uint64_t)tile.rows * tile.cols;
	}
	EXPECT_EQ(self->info.cells, cells);
	EXPECT_EQ(-ENOENT,
		  mt_query(self->fd, DRM_MHO_QUERY_TILE, self->info.tiles, &tile, sizeof(tile)));

	ASSERT_EQ(0, mt_array_create(self->fd, 4, 4, &array.handle));
	ASSERT_EQ(0, mt_ioctl(self->fd, DRM_IOCTL_MHO_ARRAY_INFO, &array));
	ASSERT_EQ((int)sizeof(tile),
		  mt_query(self->fd, DRM_MHO_QUERY_TILE, block.tile, &tile, sizeof(tile)));
	EXPECT_EQ(DRM_MHO_TILE_USED, tile.state);
	EXPECT_EQ(array.id, tile.array);
	EXPECT_EQ(array.technology, tile.technology);
}

TEST_F(query, log)
{
	struct drm_mho_log_entry log[64];
	uint32_t last;
	int size, i;

	size = mt_query(self->fd, DRM_MHO_QUERY_LOG, 0, log, sizeof(log));
	ASSERT_LT(0, size);
	ASSERT_EQ(0, size % (int)sizeof(*log));
	for (i = 0; i < size / (int)sizeof(*log); i++) {
		EXPECT_LE(3, log[i].level);
		EXPECT_GE(7, log[i].level);
		EXPECT_NE(0, log[i].text[0]);
		EXPECT_EQ(0, log[i].text[sizeof(log[i].text) - 1]);
		if (i)
			EXPECT_LT(log[i - 1].number, log[i].number);
	}
	last = log[i - 1].number;

	/* From a number on; whole entries only; nothing behind the last. */
	EXPECT_EQ((int)sizeof(*log),
		  mt_query(self->fd, DRM_MHO_QUERY_LOG, last, log, sizeof(*log) + 1));
	EXPECT_EQ(last, log[0].number);
	EXPECT_EQ(0, mt_query(self->fd, DRM_MHO_QUERY_LOG, last + 1, log, sizeof(log)));
	EXPECT_EQ(-EINVAL, mt_query(self->fd, DRM_MHO_QUERY_LOG, 0, log, sizeof(*log) - 1));
	EXPECT_LT(0, mt_query(self->fd, DRM_MHO_QUERY_LOG, 0, NULL, 0));
}

TEST_F(query, ctx)
{
	struct drm_mho_ctx_state state;
	const struct drm_mho_job nops[3] = { mt_job_nop(), mt_job_nop(), mt_job_nop() };
	struct mt_session s;

	ASSERT_EQ(0, mt_session_open(&s));
	ASSERT_EQ(0, mt_run(&s, nops, 3));
	ASSERT_EQ((int)sizeof(state),
		  mt_query(s.fd, DRM_MHO_QUERY_CTX, s.ctx, &state, sizeof(state)));
	EXPECT_EQ(0, state.flags);
	EXPECT_EQ(0, state.guilty);
	EXPECT_EQ(0, state.innocent);
	EXPECT_EQ(0, state.pending);
	EXPECT_EQ(3, state.jobs);
	EXPECT_EQ(-ENOENT, mt_query(s.fd, DRM_MHO_QUERY_CTX, s.ctx + 1, &state, sizeof(state)));
	EXPECT_EQ(-ENOENT, mt_query(s.fd, DRM_MHO_QUERY_CTX, 0, &state, sizeof(state)));
	/* Contexts are those of the file. */
	EXPECT_EQ(-ENOENT, mt_query(self->fd, DRM_MHO_QUERY_CTX, s.ctx, &state, sizeof(state)));
	mt_session_close(&s);
}

/* Every fixed answer: its size for no room, a part of it for less, nothing behind it for more. */
FIXTURE(room)
{
	int fd;
	uint32_t ctx;
};

FIXTURE_VARIANT(room)
{
	uint32_t type;
	size_t size;
};

FIXTURE_VARIANT_ADD(room, info){
	.type = DRM_MHO_QUERY_INFO,
	.size = sizeof(struct drm_mho_info),
};

FIXTURE_VARIANT_ADD(room, firmware){
	.type = DRM_MHO_QUERY_FIRMWARE,
	.size = sizeof(struct drm_mho_firmware),
};

FIXTURE_VARIANT_ADD(room, telemetry){
	.type = DRM_MHO_QUERY_TELEMETRY,
	.size = sizeof(struct drm_mho_telemetry),
};

FIXTURE_VARIANT_ADD(room, tile){
	.type = DRM_MHO_QUERY_TILE,
	.size = sizeof(struct drm_mho_tile),
};

FIXTURE_VARIANT_ADD(room, ctx){
	.type = DRM_MHO_QUERY_CTX,
	.size = sizeof(struct drm_mho_ctx_state),
};

FIXTURE_SETUP(room)
{
	self->fd = mt_open();
	ASSERT_LE(0, self->fd);
	self->ctx = 0;
	if (variant->type == DRM_MHO_QUERY_CTX)
		ASSERT_EQ(0, mt_ctx_create(self->fd, &self->ctx));
}

FIXTURE_TEARDOWN(room)
{
	close(self->fd);
}

TEST_F(room, none)
{
	EXPECT_EQ((int)variant->size, mt_query(self->fd, variant->type, self->ctx, NULL, 0));
}

TEST_F(room, too_little)
{
	uint8_t whole[256], part[256];

	memset(part, 0xa5, sizeof(part));
	ASSERT_EQ((int)variant->size,
		  mt_query(self->fd, variant->type, self->ctx, whole, sizeof(whole)));
	ASSERT_EQ((int)variant->size, mt_query(self->fd, variant->type, self->ctx, part, 9));
	EXPECT_EQ(0, memcmp(part, whole, 9));
	EXPECT_EQ(0xa5, part[9]);
}

TEST_F(room, too_much)
{
	uint8_t answer[256];

	memset(answer, 0xa5, sizeof(answer));
	ASSERT_EQ((int)variant->size,
		  mt_query(self->fd, variant->type, self->ctx, answer, sizeof(answer)));
	EXPECT_EQ(0xa5, answer[variant->size]);
	EXPECT_EQ(0xa5, answer[sizeof(answer) - 1]);
}

TEST_F(room, unmapped)
{
	EXPECT_EQ(-EFAULT, mt_query(self->fd, variant->type, self->ctx, (void *)8, 8));
}

TEST_F(room, id_that_it_does_not_have)
{
	EXPECT_EQ(variant->type == DRM_MHO_QUERY_TILE || variant->type == DRM_MHO_QUERY_CTX ?
			  -ENOENT :
			  -EINVAL,
		  mt_query(self->fd, variant->type, 0x7fffffff, NULL, 0));
}

MHO_TEST_MAIN
