// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * One program tries to reach what another one has: arrays, buffers, contexts, syncobjs, results,
 * and the weights that were left on a tile.
 */
#include <errno.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mho_test.h"

#define NOBODY 65534

/*
 * The victim has several of everything, so that its last handles mean nothing to the attacker, who
 * has one of each.
 */
FIXTURE(isolation)
{
	struct mt_session victim;
	struct mt_session attacker;
	struct mt_buffer buffer;
	uint32_t theirs;
	uint32_t own;
	uint32_t ctx;
	uint32_t syncobj;
};

FIXTURE_SETUP(isolation)
{
	uint32_t more;

	ASSERT_EQ(0, mt_session_open(&self->victim));
	ASSERT_EQ(0, mt_session_open(&self->attacker));
	ASSERT_EQ(0, mt_array_create(self->victim.fd, 16, 16, &more));
	ASSERT_EQ(0, mt_array_create(self->victim.fd, 16, 16, &self->theirs));
	ASSERT_EQ(0, mt_array_create(self->attacker.fd, 16, 16, &self->own));
	ASSERT_EQ(0, mt_buffer_create(self->victim.fd, 4096, &self->buffer));
	ASSERT_EQ(0, mt_ctx_create(self->victim.fd, &self->ctx));
	ASSERT_EQ(0, mt_syncobj_create(self->victim.fd, 0, &self->syncobj));
	ASSERT_NE(self->own, self->theirs);
	ASSERT_GT(self->buffer.handle, self->attacker.results.handle);
	ASSERT_NE(self->ctx, self->attacker.ctx);
	ASSERT_NE(self->syncobj, self->attacker.done);
	memset(self->buffer.map, 0x11, 4096);
}

FIXTURE_TEARDOWN(isolation)
{
	mt_session_close(&self->attacker);
	mt_session_close(&self->victim);
}

TEST_F(isolation, own_things_work)
{
	struct drm_mho_job job = mt_job_read(&self->attacker, self->own, 1);

	EXPECT_EQ(0, mt_run_one(&self->attacker, &job));
	job = mt_job_read(&self->victim, self->theirs, 1);
	EXPECT_EQ(0, mt_run_one(&self->victim, &job));
}

/* Each operation that names an array, with the other's handle in every place for one. */
TEST_F(isolation, array_in_jobs)
{
	const struct mt_session *s = &self->attacker;
	const struct drm_mho_job jobs[] = {
		mt_job_program(s, self->theirs),
		mt_job_read(s, self->theirs, 1),
		mt_job_vectors(s, self->theirs, DRM_MHO_OP_MVM, 1),
		mt_job_vectors(s, self->theirs, DRM_MHO_OP_MVM_T, 1),
		mt_job_vectors(s, self->theirs, DRM_MHO_OP_UPDATE, 1),
		{ .op = DRM_MHO_OP_SCRUB, .array = self->theirs },
		{ .op = DRM_MHO_OP_PULSE,
		  .array = self->theirs,
		  .batch = 1,
		  .a_type = DRM_MHO_TYPE_I8,
		  .a = { .handle = s->data.handle },
		  .a_scale = mt_bits(1) },
		{ .op = DRM_MHO_OP_TRANSFER,
		  .array = self->theirs,
		  .a_region = { .rows = 16, .cols = 1 },
		  .b_region = { .rows = 16, .cols = 1 },
		  .a_scale = mt_bits(1),
		  .param = { mt_bits(1), self->own } },
		{ .op = DRM_MHO_OP_TRANSFER,
		  .array = self->own,
		  .a_region = { .rows = 16, .cols = 1 },
		  .b_region = { .rows = 16, .cols = 1 },
		  .a_scale = mt_bits(1),
		  .param = { mt_bits(1), self->theirs } },
	};
	struct drm_mho_tile before, after;
	struct drm_mho_array_block block;
	struct drm_mho_array_info info = { .handle = self->theirs,
					   .blocks = (uintptr_t)&block,
					   .block_count = 1 };
	size_t i;

	ASSERT_EQ(0, mt_ioctl(self->victim.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	ASSERT_LT(0, mt_query(s->fd, DRM_MHO_QUERY_TILE, block.tile, &before, sizeof(before)));
	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++) {
		const uint8_t op = jobs[i].op;

		EXPECT_EQ(-ENOENT, mt_run_one(s, &jobs[i]))
		{
			TH_LOG("operation 0x%x", op);
		}
	}
	ASSERT_LT(0, mt_query(s->fd, DRM_MHO_QUERY_TILE, block.tile, &after, sizeof(after)));
	EXPECT_EQ(before.pulses, after.pulses);
	EXPECT_EQ(before.busy_ns, after.busy_ns);
}

/* A SUBMIT is refused as a whole: the good job before the bad one does not happen, either. */
TEST_F(isolation, array_in_second_job)
{
	struct mt_session *s = &self->attacker;
	struct drm_mho_job jobs[2] = { mt_job_read(s, self->own, 1),
				       mt_job_read(s, self->theirs, 1) };
	struct drm_mho_ctx_state state;

	EXPECT_EQ(-ENOENT, mt_run(s, jobs, 2));
	ASSERT_LT(0, mt_query(s->fd, DRM_MHO_QUERY_CTX, s->ctx, &state, sizeof(state)));
	EXPECT_EQ(0, state.pending);
	EXPECT_EQ(0, mt_run_one(s, &jobs[0]));
	EXPECT_EQ(0, mt_array_destroy(s->fd, self->own));
}

TEST_F(isolation, array_calls)
{
	struct drm_mho_array_handle handle = { .handle = self->theirs };
	struct drm_mho_array_tag tag = { .handle = self->theirs, .tag = 1 };
	struct drm_mho_array_info info = { .handle = self->theirs };
	int fd = self->attacker.fd;

	EXPECT_EQ(-ENOENT, mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_DESTROY, &handle));
	EXPECT_EQ(-ENOENT, mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_DETACH, &handle));
	EXPECT_EQ(-ENOENT, mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	EXPECT_EQ(-ENOENT, mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_TAG, &tag));
	/* Nor by the device's number of it, which QUERY_TILE tells everybody. */
	info.handle = self->theirs;
	ASSERT_EQ(0, mt_ioctl(self->victim.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	ASSERT_NE(self->own, info.id);
	handle.handle = info.id;
	EXPECT_EQ(-ENOENT, mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_DESTROY, &handle));
}

TEST_F(isolation, buffer)
{
	struct mt_session *s = &self->attacker;
	struct drm_mho_job job = mt_job_read(s, self->own, 1);
	struct drm_mho_submit args = mt_submit_args(s, &job, 1);
	struct drm_mho_bo_info info = { .handle = self->buffer.handle };
	struct drm_prime_handle prime = { .handle = self->buffer.handle };
	uint32_t i;

	job.b = (struct drm_mho_operand){ .handle = self->buffer.handle };
	EXPECT_EQ(-ENOENT, mt_run_one(s, &job));
	job = mt_job_program(s, self->own);
	job.a = (struct drm_mho_operand){ .handle = self->buffer.handle };
	EXPECT_EQ(-ENOENT, mt_run_one(s, &job));
	job = mt_job_nop();
	args.result_handle = self->buffer.handle;
	EXPECT_EQ(-ENOENT, mt_ioctl(s->fd, DRM_IOCTL_MHO_SUBMIT, &args));
	EXPECT_EQ(-ENOENT, mt_ioctl(s->fd, DRM_IOCTL_MHO_BO_INFO, &info));
	EXPECT_EQ(-ENOENT, mt_ioctl(s->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	EXPECT_EQ(-EINVAL, mt_gem_close(s->fd, self->buffer.handle));
	EXPECT_EQ(MAP_FAILED,
		  mmap(NULL, 4096, PROT_READ, MAP_SHARED, s->fd, (off_t)self->buffer.offset));
	for (i = 0; i < 4096; i++)
		ASSERT_EQ(0x11, ((uint8_t *)self->buffer.map)[i]);
}

/* Offsets that do not fit into one buffer do not lead into the next one. */
TEST_F(isolation, beyond_own_buffer)
{
	struct mt_session *s = &self->attacker;
	static const uint64_t offsets[] = { 1ULL << 20, 1ULL << 32,   1ULL << 47,
					    1ULL << 63, ~0ULL - 1023, ~0ULL - 3 };
	struct drm_mho_job job = mt_job_read(s, self->own, 1);
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(offsets); i++) {
		job.b.offset = offsets[i];
		EXPECT_LT(0, mt_run_one(s, &job));
	}
	job = mt_job_program(s, self->own);
	for (i = 0; i < MT_ARRAY_SIZE(offsets); i++) {
		job.a.offset = offsets[i];
		EXPECT_LT(0, mt_run_one(s, &job));
	}
}

TEST_F(isolation, context)
{
	struct mt_session *s = &self->attacker;
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(s, &nop, 1);
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_CTX, .ctx = self->ctx };
	struct drm_mho_ctx_state state;

	args.ctx = self->ctx;
	EXPECT_EQ(-ENOENT, mt_ioctl(s->fd, DRM_IOCTL_MHO_SUBMIT, &args));
	EXPECT_EQ(-ENOENT, mt_ioctl(s->fd, DRM_IOCTL_MHO_RESET, &reset));
	EXPECT_EQ(-ENOENT, mt_ctx_destroy(s->fd, self->ctx));
	EXPECT_EQ(-ENOENT, mt_query(s->fd, DRM_MHO_QUERY_CTX, self->ctx, &state, sizeof(state)));
	ASSERT_LT(0,
		  mt_query(self->victim.fd, DRM_MHO_QUERY_CTX, self->ctx, &state, sizeof(state)));
	EXPECT_EQ(0, state.innocent);
	EXPECT_EQ(0, mt_run_one(&self->victim, &nop));
}

TEST_F(isolation, syncobj)
{
	struct mt_session *s = &self->attacker;
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(s, &nop, 1);
	struct drm_mho_sync sync = { .handle = self->syncobj };

	args.out_syncs = (uintptr_t)&sync;
	args.out_sync_count = 1;
	EXPECT_EQ(-ENOENT, mt_ioctl(s->fd, DRM_IOCTL_MHO_SUBMIT, &args));
	args.out_syncs = 0;
	args.out_sync_count = 0;
	args.in_syncs = (uintptr_t)&sync;
	args.in_sync_count = 1;
	EXPECT_EQ(-ENOENT, mt_ioctl(s->fd, DRM_IOCTL_MHO_SUBMIT, &args));
	EXPECT_EQ(-ENOENT, mt_syncobj_wait(s->fd, self->syncobj, 0));
}

/* A context is a file's: its own array is not reached through another file of the same program. */
TEST_F(isolation, same_process)
{
	struct drm_mho_job job = mt_job_read(&self->victim, self->own + 2, 1);

	EXPECT_EQ(-ENOENT, mt_run_one(&self->victim, &job));
}

/* The tiles that an array has. */
static int tiles_of(int fd, uint32_t handle, uint32_t *tiles, uint32_t room)
{
	struct drm_mho_array_block blocks[64];
	struct drm_mho_array_info info = { .handle = handle,
					   .blocks = (uintptr_t)blocks,
					   .block_count = 64 };
	int ret = mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_INFO, &info);
	uint32_t i;

	for (i = 0; !ret && i < info.block_count && i < room; i++)
		tiles[i] = blocks[i].tile;
	return ret ? ret : (int)info.block_count;
}

/* Makes arrays until one is on the wanted tile, and gives its handle. */
static uint32_t array_on_tile(int fd, uint32_t tile)
{
	uint32_t handle, got;

	while (!mt_array_create(fd, 16, 16, &handle))
		if (tiles_of(fd, handle, &got, 1) == 1 && got == tile)
			return handle;
	return 0;
}

enum leave {
	DESTROYED,
	FILE_CLOSED,
	PROCESS_KILLED,
};

/* Weights of +-0.5 on a tile; then its owner leaves. */
static int write_secret(enum leave leave, uint32_t *tile)
{
	struct drm_mho_job job;
	struct mt_session s;
	uint32_t array;
	int i, ret;

	ret = mt_session_open(&s);
	if (ret)
		return ret;
	ret = mt_array_create(s.fd, 16, 16, &array);
	if (ret)
		return ret;
	if (tiles_of(s.fd, array, tile, 1) != 1)
		return -EIO;
	for (i = 0; i < 256; i++)
		mt_data(&s, MT_AT_WEIGHTS)[i] = i % 3 ? 0.5F : -0.5F;
	job = mt_job_program(&s, array);
	ret = mt_run_one(&s, &job);
	if (!ret && leave == DESTROYED)
		ret = mt_array_destroy(s.fd, array);
	if (leave == PROCESS_KILLED)
		raise(SIGKILL);
	mt_session_close(&s);
	return ret;
}

FIXTURE(scrub)
{
	uint32_t *tile; /* shared with children */
};

FIXTURE_VARIANT(scrub)
{
	enum leave leave;
};

FIXTURE_VARIANT_ADD(scrub, destroyed){
	.leave = DESTROYED,
};

FIXTURE_VARIANT_ADD(scrub, file_closed){
	.leave = FILE_CLOSED,
};

FIXTURE_VARIANT_ADD(scrub, process_killed){
	.leave = PROCESS_KILLED,
};

FIXTURE_SETUP(scrub)
{
	self->tile = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->tile);
}

FIXTURE_TEARDOWN(scrub)
{
	munmap(self->tile, 4096);
}

static const FIXTURE_VARIANT(scrub) * scrub_variant;

static int child_writes(void *arg)
{
	return write_secret(scrub_variant->leave, arg) ? 1 : 0;
}

/* How much the weights on a tile look like the secret: 1 that, 0 nothing of it. */
static int correlation(const struct mt_session *s, uint32_t array, double *likeness)
{
	struct drm_mho_job job = mt_job_read(s, array, 256);
	int ret = mt_run_one(s, &job);
	double sum = 0;
	int i;

	for (i = 0; i < 256; i++)
		sum += mt_data(s, MT_AT_READ)[i] * (i % 3 ? 0.5 : -0.5);
	*likeness = sum / (256 * 0.25);
	return ret;
}

/* Whoever has the tile next finds nothing of what was there, though another user's. */
TEST_F(scrub, nothing_is_left)
{
	struct mt_session s;
	double likeness = 1;
	uint32_t array;
	int ret;

	scrub_variant = variant;
	ret = mt_child(0, child_writes, self->tile);
	ASSERT_EQ(variant->leave == PROCESS_KILLED ? -EINTR : 0, ret);
	ASSERT_EQ(0, mt_session_open(&s));
	array = array_on_tile(s.fd, *self->tile);
	ASSERT_NE(0, array);
	ASSERT_EQ(0, correlation(&s, array, &likeness));
	EXPECT_GT(50, (int)(likeness * 1000));
	EXPECT_LT(-50, (int)(likeness * 1000));
	mt_session_close(&s);
}

/* That the secret would have been seen: its owner sees it. */
TEST_F(scrub, owner_sees_it)
{
	struct drm_mho_job job;
	struct mt_session s;
	double likeness = 0;
	uint32_t array;
	int i;

	ASSERT_EQ(0, mt_session_open(&s));
	ASSERT_EQ(0, mt_array_create(s.fd, 16, 16, &array));
	for (i = 0; i < 256; i++)
		mt_data(&s, MT_AT_WEIGHTS)[i] = i % 3 ? 0.5F : -0.5F;
	job = mt_job_program(&s, array);
	ASSERT_EQ(0, mt_run_one(&s, &job));
	ASSERT_EQ(0, correlation(&s, array, &likeness));
	EXPECT_LT(800, (int)(likeness * 1000));
	mt_session_close(&s);
}

/* Everything of one user's against everything of another's. */
static int attack_as_nobody(void *arg)
{
	struct mt_session *victim = arg;
	struct mt_session s;
	struct drm_mho_job job;
	int i, found = 0;

	if (mt_session_open(&s))
		return 255;
	for (i = 1; i < 64; i++) {
		job = mt_job_read(&s, (uint32_t)i, 1);
		found += mt_run_one(&s, &job) != -ENOENT;
		job = mt_job_read(&s, 1, 1);
		found += mt_array_destroy(s.fd, (uint32_t)i) != -ENOENT;
	}
	found += mmap(NULL, 4096, PROT_READ, MAP_SHARED, s.fd, (off_t)victim->data.offset) !=
		 MAP_FAILED;
	return found;
}

TEST(other_user)
{
	struct mt_session victim;
	uint32_t array;

	ASSERT_EQ(0, mt_session_open(&victim));
	ASSERT_EQ(0, mt_array_create(victim.fd, 16, 16, &array));
	ASSERT_EQ(0, chmod(mt_node(), 0666));
	EXPECT_EQ(0, mt_child(NOBODY, attack_as_nobody, &victim));
	ASSERT_EQ(0, chmod(mt_node(), 0660));
	mt_session_close(&victim);
}

MHO_TEST_MAIN
