// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Arrays of one file: shapes, places, limits, and their end. Whose they are is in
 * test_isolation.c, names are in test_names.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"

#define BLOCKS_MAX 64

FIXTURE(arrays)
{
	struct mt_session s;
	struct drm_mho_info info;
};

FIXTURE_SETUP(arrays)
{
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_LT(0, mt_query(self->s.fd, DRM_MHO_QUERY_INFO, 0, &self->info, sizeof(self->info)));
}

FIXTURE_TEARDOWN(arrays)
{
	mt_session_close(&self->s);
}

static int create(int fd, struct drm_mho_array_create *args)
{
	return mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_CREATE, args);
}

/* Blocks cover the matrix, without holes and overlaps, one tile each. */
static int covers(const struct drm_mho_array_block *blocks, const struct drm_mho_array_info *info)
{
	uint64_t cells = 0;
	uint32_t i, k;

	for (i = 0; i < info->block_count; i++) {
		const struct drm_mho_array_block *b = &blocks[i];

		if (!b->rows || !b->cols || b->pad || b->row + b->rows > info->rows ||
		    b->col + b->cols > info->cols)
			return 0;
		cells += (uint64_t)b->rows * b->cols;
		for (k = 0; k < i; k++)
			if (blocks[k].tile == b->tile ||
			    (blocks[k].row == b->row && blocks[k].col == b->col))
				return 0;
	}
	return cells == (uint64_t)info->rows * info->cols;
}

TEST_F(arrays, info)
{
	struct drm_mho_array_block blocks[BLOCKS_MAX];
	struct drm_mho_array_create args = mt_array_args(24, 20);
	struct drm_mho_array_info info = { .blocks = (uintptr_t)blocks, .block_count = BLOCKS_MAX };
	int before = mt_tiles_free(self->s.fd);

	args.tag = 0x123456789abcdef0ULL;
	ASSERT_EQ(0, create(self->s.fd, &args));
	ASSERT_LT(0, args.handle);
	EXPECT_EQ(0, args.tiles_needed);
	info.handle = args.handle;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	EXPECT_EQ(24, info.rows);
	EXPECT_EQ(20, info.cols);
	EXPECT_EQ(2, info.grid_rows);
	EXPECT_EQ(2, info.grid_cols);
	EXPECT_EQ(4, info.block_count);
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(args.tag, info.tag);
	EXPECT_TRUE(mt_all_zero(info.label, sizeof(info.label)));
	EXPECT_TRUE(covers(blocks, &info));
	/* Balanced, not one full and one thin. */
	EXPECT_EQ(12, blocks[0].rows);
	EXPECT_EQ(10, blocks[0].cols);
	EXPECT_EQ(before - 4, mt_tiles_free(self->s.fd));
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, args.handle));
	EXPECT_EQ(before, mt_tiles_free(self->s.fd));
	EXPECT_EQ(-ENOENT, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	EXPECT_EQ(-ENOENT, mt_array_destroy(self->s.fd, args.handle));
}

/* Less room than blocks: as many as fit, and how many there are. */
TEST_F(arrays, info_without_room)
{
	struct drm_mho_array_block blocks[2];
	struct drm_mho_array_info info = { 0 };

	ASSERT_EQ(0, mt_array_create(self->s.fd, 24, 20, &info.handle));
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	EXPECT_EQ(4, info.block_count);
	memset(blocks, 0xa5, sizeof(blocks));
	info = (struct drm_mho_array_info){ .handle = info.handle,
					    .blocks = (uintptr_t)blocks,
					    .block_count = 1 };
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	EXPECT_EQ(4, info.block_count);
	EXPECT_EQ(12, blocks[0].rows);
	EXPECT_EQ(0xa5a5a5a5, blocks[1].tile);
	info = (struct drm_mho_array_info){ .handle = info.handle, .blocks = 8, .block_count = 1 };
	EXPECT_EQ(-EFAULT, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
}

TEST_F(arrays, shapes)
{
	struct drm_mho_tile tile;
	struct drm_mho_array_create args = { .technology = DRM_MHO_ALL };
	struct drm_mho_array_info info = { 0 };

	ASSERT_LT(0, mt_query(self->s.fd, DRM_MHO_QUERY_TILE, 0, &tile, sizeof(tile)));
	/* A whole tile, one cell more, one cell. */
	args.rows = tile.rows;
	args.cols = tile.cols;
	ASSERT_EQ(0, create(self->s.fd, &args));
	info.handle = args.handle;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	EXPECT_EQ(1, info.block_count);
	ASSERT_EQ(0, mt_array_destroy(self->s.fd, args.handle));

	args.handle = 0;
	args.rows = tile.rows + 1;
	ASSERT_EQ(0, create(self->s.fd, &args));
	info = (struct drm_mho_array_info){ .handle = args.handle };
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	EXPECT_EQ(2, info.block_count);
	ASSERT_EQ(0, mt_array_destroy(self->s.fd, args.handle));

	args.handle = 0;
	args.rows = 1;
	args.cols = 1;
	ASSERT_EQ(0, create(self->s.fd, &args));
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, args.handle));
}

TEST_F(arrays, refused)
{
	struct drm_mho_array_create args;

	args = mt_array_args(0, 4);
	EXPECT_EQ(-EINVAL, create(self->s.fd, &args));
	args = mt_array_args(4, 0);
	EXPECT_EQ(-EINVAL, create(self->s.fd, &args));
	args = mt_array_args(~0U, ~0U);
	EXPECT_EQ(-EINVAL, create(self->s.fd, &args));
	args = mt_array_args(4, 4);
	args.technology = self->info.technologies;
	EXPECT_EQ(-EINVAL, create(self->s.fd, &args));
	EXPECT_EQ((int)self->info.tiles, mt_tiles_free(self->s.fd));
}

/* More than there is: the answer says what it takes and what there is, and nothing is taken. */
TEST_F(arrays, no_space)
{
	struct drm_mho_tile tile;
	struct drm_mho_array_create args = { .cols = 1, .technology = DRM_MHO_ALL };
	uint32_t taken, used;
	int before = mt_tiles_free(self->s.fd);

	ASSERT_LT(0, mt_query(self->s.fd, DRM_MHO_QUERY_TILE, 0, &tile, sizeof(tile)));
	args.rows = tile.rows * (self->info.tiles + 1);
	EXPECT_EQ(-ENOSPC, create(self->s.fd, &args));
	EXPECT_EQ(self->info.tiles + 1, args.tiles_needed);
	EXPECT_EQ((uint32_t)before, args.tiles_free);
	EXPECT_EQ(0, args.handle);
	EXPECT_EQ(before, mt_tiles_free(self->s.fd));

	/* With one gone. */
	ASSERT_EQ(0, mt_array_create(self->s.fd, 4, 4, &taken));
	args = (struct drm_mho_array_create){ .rows = tile.rows * self->info.tiles,
					      .cols = 1,
					      .technology = DRM_MHO_ALL };
	EXPECT_EQ(-ENOSPC, create(self->s.fd, &args));
	EXPECT_EQ(self->info.tiles, args.tiles_needed);
	EXPECT_EQ((uint32_t)before - 1, args.tiles_free);
	ASSERT_EQ(0, mt_array_destroy(self->s.fd, taken));
	/* And when it is back. */
	args.tiles_needed = 0;
	args.tiles_free = 0;
	ASSERT_EQ(0, create(self->s.fd, &args));
	used = args.handle;
	EXPECT_EQ(0, mt_tiles_free(self->s.fd));
	ASSERT_EQ(0, mt_array_destroy(self->s.fd, used));
}

/* Handles are the smallest free numbers, and start at 1. */
TEST_F(arrays, handles)
{
	uint32_t a, b, c;

	ASSERT_EQ(0, mt_array_create(self->s.fd, 2, 2, &a));
	ASSERT_EQ(0, mt_array_create(self->s.fd, 2, 2, &b));
	EXPECT_EQ(1, a);
	EXPECT_EQ(2, b);
	ASSERT_EQ(0, mt_array_destroy(self->s.fd, a));
	ASSERT_EQ(0, mt_array_create(self->s.fd, 2, 2, &c));
	EXPECT_EQ(1, c);
}

/* New arrays hold 0, and so they read. */
TEST_F(arrays, zero_at_first)
{
	struct drm_mho_job job;
	uint32_t array;
	float sum = 0;
	int i;

	ASSERT_EQ(0, mt_array_create(self->s.fd, 16, 16, &array));
	job = mt_job_read(&self->s, array, 64);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	for (i = 0; i < 256; i++)
		sum += mt_data(&self->s, MT_AT_READ)[i] * mt_data(&self->s, MT_AT_READ)[i];
	/* Noise of reading is there; PROGRAM of 0.1 would give 2.56. */
	EXPECT_GT(0.1F, sum);
}

/* While jobs name it an array can neither be destroyed nor detached. */
TEST_F(arrays, busy)
{
	struct drm_mho_array_handle detach = { 0 };
	struct drm_mho_job job;
	struct mt_hold hold;
	uint32_t array;

	ASSERT_EQ(0, mt_array_create(self->s.fd, 8, 8, &array));
	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	job = mt_job_vectors(&self->s, array, DRM_MHO_OP_MVM, 1);
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &job, 1));
	EXPECT_EQ(-EBUSY, mt_array_destroy(self->s.fd, array));
	detach.handle = array;
	EXPECT_EQ(-EINVAL, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_DETACH, &detach));
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
	EXPECT_EQ(0, mt_results(&self->s)->status);
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, array));
}

/* The technology that was asked for, and compact arrays. */
TEST_F(arrays, placement)
{
	struct drm_mho_array_block blocks[4];
	struct drm_mho_array_info info = { .blocks = (uintptr_t)blocks, .block_count = 4 };
	struct drm_mho_array_create args = mt_array_args(32, 32);
	struct drm_mho_tile tile;
	uint32_t i;

	ASSERT_LT(0, mt_query(self->s.fd, DRM_MHO_QUERY_TILE, 0, &tile, sizeof(tile)));
	args.technology = tile.technology;
	args.flags = DRM_MHO_ARRAY_COMPACT;
	ASSERT_EQ(0, create(self->s.fd, &args));
	info.handle = args.handle;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	EXPECT_EQ(tile.technology, info.technology);
	ASSERT_EQ(4, info.block_count);
	for (i = 1; i < 4; i++)
		EXPECT_EQ(blocks[i - 1].tile + 1, blocks[i].tile);
}

/* A file gets half of the arrays at most; where tiles run out before, that is the answer. */
TEST_F(arrays, share)
{
	uint32_t half = (self->info.arrays + 1) / 2, array, count = 0;
	int ret;

	while (!(ret = mt_array_create(self->s.fd, 1, 1, &array)) && count <= self->info.arrays)
		count++;
	if (half <= self->info.tiles) {
		EXPECT_EQ(-EDQUOT, ret);
		EXPECT_EQ(half, count);
	} else {
		EXPECT_EQ(-ENOSPC, ret);
		EXPECT_EQ(self->info.tiles, count);
	}
}

MHO_TEST_MAIN
