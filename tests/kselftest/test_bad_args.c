// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Wrong arguments of every ioctl: each field, each flag, each pad; structures that are cut short or
 * have a tail; pointers to nowhere. After each the driver has to work as before.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"
#include "mho_test_wrong.h"

FIXTURE(bad)
{
	struct mt_session s;
	uint32_t array;
};

FIXTURE_SETUP(bad)
{
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_array_create(self->s.fd, 16, 16, &self->array));
}

/* Whatever happened, a good job is done. */
FIXTURE_TEARDOWN(bad)
{
	struct drm_mho_job job = mt_job_read(&self->s, self->array, 1);

	EXPECT_EQ(0, mt_run_one(&self->s, &job));
	mt_session_close(&self->s);
}

#define EXPECT_REFUSED(request, good, list) \
	EXPECT_REFUSED_BY(mt_ioctl(self->s.fd, request, &refused_args), good, list)

TEST_F(bad, query)
{
	struct drm_mho_info info;
	struct drm_mho_query good = { .size = sizeof(info), .data = (uintptr_t)&info };
	static const struct wrong list[] = {
		{ "type", FIELD(drm_mho_query, type), 99, -EINVAL },
		{ "type", FIELD(drm_mho_query, type), ~0U, -EINVAL },
		{ "id of INFO", FIELD(drm_mho_query, id), 1, -EINVAL },
		{ "pad", FIELD(drm_mho_query, pad), 1, -EINVAL },
		{ "room without a pointer", FIELD(drm_mho_query, data), 0, -EINVAL },
		{ "pointer without room", FIELD(drm_mho_query, size), 0, -EINVAL },
		{ "pointer", FIELD(drm_mho_query, data), UNMAPPED, -EFAULT },
		{ "kernel's pointer", FIELD(drm_mho_query, data), 0xffff888000000000ULL, -EFAULT },
	};

	EXPECT_REFUSED(DRM_IOCTL_MHO_QUERY, good, list);
}

TEST_F(bad, ctx)
{
	struct drm_mho_ctx_create create = { .priority = DRM_MHO_PRIORITY_NORMAL };
	struct drm_mho_ctx_destroy destroy = { .handle = self->s.ctx };
	static const struct wrong creates[] = {
		{ "flags", FIELD(drm_mho_ctx_create, flags), 1, -EINVAL },
		{ "flags", FIELD(drm_mho_ctx_create, flags), 1U << 31, -EINVAL },
		{ "priority", FIELD(drm_mho_ctx_create, priority), 4, -EINVAL },
		{ "depth", FIELD(drm_mho_ctx_create, depth), 1U << 20, -EINVAL },
		{ "depth", FIELD(drm_mho_ctx_create, depth), ~0U, -EINVAL },
		{ "handle", FIELD(drm_mho_ctx_create, handle), 1, -EINVAL },
	};
	static const struct wrong destroys[] = {
		{ "handle 0", FIELD(drm_mho_ctx_destroy, handle), 0, -ENOENT },
		{ "handle", FIELD(drm_mho_ctx_destroy, handle), 999, -ENOENT },
		{ "handle", FIELD(drm_mho_ctx_destroy, handle), ~0U, -ENOENT },
		{ "pad", FIELD(drm_mho_ctx_destroy, pad), 1, -EINVAL },
	};

	EXPECT_REFUSED(DRM_IOCTL_MHO_CTX_CREATE, create, creates);
	EXPECT_REFUSED(DRM_IOCTL_MHO_CTX_DESTROY, destroy, destroys);
}

/* Depths between the bounds are given as wanted or deeper, and can be filled. */
TEST_F(bad, ctx_depth)
{
	struct drm_mho_info info;
	struct drm_mho_ctx_create args = { 0 };
	uint32_t depth;

	ASSERT_LT(0, mt_query(self->s.fd, DRM_MHO_QUERY_INFO, 0, &info, sizeof(info)));
	for (depth = 1; depth <= info.depth_max; depth = depth * 3 + 1) {
		args = (struct drm_mho_ctx_create){ .depth = depth };
		ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_CTX_CREATE, &args));
		EXPECT_LE(depth, args.depth);
		ASSERT_EQ(0, mt_ctx_destroy(self->s.fd, args.handle));
	}
	args = (struct drm_mho_ctx_create){ .depth = info.depth_max + 1 };
	EXPECT_EQ(-EINVAL, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_CTX_CREATE, &args));
}

TEST_F(bad, bo)
{
	struct drm_mho_bo_create create = { .size = 4096 };
	struct drm_mho_bo_info info = { .handle = self->s.data.handle };
	static const struct wrong creates[] = {
		{ "size 0", FIELD(drm_mho_bo_create, size), 0, -EINVAL },
		{ "size", FIELD(drm_mho_bo_create, size), ~0ULL, -EINVAL },
		{ "flags", FIELD(drm_mho_bo_create, flags), 1, -EINVAL },
		{ "flags", FIELD(drm_mho_bo_create, flags), 1U << 31, -EINVAL },
	};
	static const struct wrong infos[] = {
		{ "handle 0", FIELD(drm_mho_bo_info, handle), 0, -ENOENT },
		{ "handle", FIELD(drm_mho_bo_info, handle), ~0U, -ENOENT },
		{ "flags", FIELD(drm_mho_bo_info, flags), 1, -EINVAL },
		{ "size", FIELD(drm_mho_bo_info, size), 1, -EINVAL },
		{ "mmap_offset", FIELD(drm_mho_bo_info, mmap_offset), 1, -EINVAL },
	};

	EXPECT_REFUSED(DRM_IOCTL_MHO_BO_CREATE, create, creates);
	EXPECT_REFUSED(DRM_IOCTL_MHO_BO_INFO, info, infos);
}

TEST_F(bad, array_create)
{
	struct drm_mho_array_create good = mt_array_args(4, 4), named;
	static const struct wrong list[] = {
		{ "rows 0", FIELD(drm_mho_array_create, rows), 0, -EINVAL },
		{ "rows", FIELD(drm_mho_array_create, rows), ~0U, -EINVAL },
		{ "cols 0", FIELD(drm_mho_array_create, cols), 0, -EINVAL },
		{ "cols", FIELD(drm_mho_array_create, cols), 1U << 31, -EINVAL },
		{ "technology", FIELD(drm_mho_array_create, technology), 99, -EINVAL },
		{ "flags", FIELD(drm_mho_array_create, flags), DRM_MHO_ARRAY_TORN, -EINVAL },
		{ "flags", FIELD(drm_mho_array_create, flags), DRM_MHO_ARRAY_LOST, -EINVAL },
		{ "flags", FIELD(drm_mho_array_create, flags), 1U << 31, -EINVAL },
		{ "label without a flag", offsetof(struct drm_mho_array_create, label), 1, 'x',
		  -EINVAL },
		{ "end of the label", offsetof(struct drm_mho_array_create, label) + 31, 1, 'x',
		  -EINVAL },
		{ "named without a label", FIELD(drm_mho_array_create, flags), DRM_MHO_ARRAY_NAMED,
		  -EINVAL },
		{ "handle", FIELD(drm_mho_array_create, handle), 1, -EINVAL },
		{ "tiles_needed", FIELD(drm_mho_array_create, tiles_needed), 1, -EINVAL },
		{ "tiles_free", FIELD(drm_mho_array_create, tiles_free), 1, -EINVAL },
		{ "pad", FIELD(drm_mho_array_create, pad), 1, -EINVAL },
	};
	static const struct wrong labels[] = {
		{ "empty label", offsetof(struct drm_mho_array_create, label), 1, 0, -EINVAL },
		{ "rubbish behind the label", offsetof(struct drm_mho_array_create, label) + 9, 1,
		  'y', -EINVAL },
		{ "rubbish at its end", offsetof(struct drm_mho_array_create, label) + 31, 1, 'y',
		  -EINVAL },
	};

	EXPECT_REFUSED(DRM_IOCTL_MHO_ARRAY_CREATE, good, list);
	named = good;
	named.flags = DRM_MHO_ARRAY_NAMED;
	named.label[0] = 'x';
	EXPECT_REFUSED(DRM_IOCTL_MHO_ARRAY_CREATE, named, labels);
}

TEST_F(bad, array_calls)
{
	struct drm_mho_array_handle handle = { .handle = self->array };
	struct drm_mho_array_info info = { .handle = self->array };
	struct drm_mho_array_tag tag = { .handle = self->array };
	struct drm_mho_array_find find = { .label = "nothing" };
	static const struct wrong handles[] = {
		{ "handle 0", FIELD(drm_mho_array_handle, handle), 0, -ENOENT },
		{ "handle", FIELD(drm_mho_array_handle, handle), 999, -ENOENT },
		{ "handle", FIELD(drm_mho_array_handle, handle), ~0U, -ENOENT },
		{ "pad", FIELD(drm_mho_array_handle, pad), 1, -EINVAL },
	};
	static const struct wrong infos[] = {
		{ "handle", FIELD(drm_mho_array_info, handle), 999, -ENOENT },
		{ "flags", FIELD(drm_mho_array_info, flags), 1, -EINVAL },
		{ "pad", FIELD(drm_mho_array_info, pad), 1, -EINVAL },
		{ "room without a pointer", FIELD(drm_mho_array_info, block_count), 1, -EINVAL },
	};
	static const struct wrong tags[] = {
		{ "handle", FIELD(drm_mho_array_tag, handle), 999, -ENOENT },
		{ "pad", FIELD(drm_mho_array_tag, pad), 1, -EINVAL },
	};
	static const struct wrong finds[] = {
		{ "no such name", FIELD(drm_mho_array_find, flags), 0, -ENOENT },
		{ "flags", FIELD(drm_mho_array_find, flags), 1, -EINVAL },
		{ "handle", FIELD(drm_mho_array_find, handle), 1, -EINVAL },
		{ "empty label", offsetof(struct drm_mho_array_find, label), 1, 0, -EINVAL },
		{ "end of the label", offsetof(struct drm_mho_array_find, label) + 31, 1, 'x',
		  -EINVAL },
	};

	EXPECT_REFUSED(DRM_IOCTL_MHO_ARRAY_DESTROY, handle, handles);
	EXPECT_REFUSED(DRM_IOCTL_MHO_ARRAY_DETACH, handle, handles);
	EXPECT_REFUSED(DRM_IOCTL_MHO_ARRAY_INFO, info, infos);
	EXPECT_REFUSED(DRM_IOCTL_MHO_ARRAY_TAG, tag, tags);
	EXPECT_REFUSED(DRM_IOCTL_MHO_ARRAY_FIND, find, finds);
}

TEST_F(bad, maintenance)
{
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_CTX, .ctx = self->s.ctx };
	struct drm_mho_selftest selftest = { 0 };
	struct drm_mho_calibrate calibrate = { 0 };
	static const struct wrong resets[] = {
		{ "scope", FIELD(drm_mho_reset, scope), 2, -EINVAL },
		{ "context with the device", FIELD(drm_mho_reset, scope), DRM_MHO_RESET_DEVICE,
		  -EINVAL },
		{ "context 0", FIELD(drm_mho_reset, ctx), 0, -ENOENT },
		{ "context", FIELD(drm_mho_reset, ctx), 999, -ENOENT },
	};
	static const struct wrong selftests[] = {
		{ "flags", FIELD(drm_mho_selftest, flags), 2, -EINVAL },
		{ "tests", FIELD(drm_mho_selftest, tests), 1, -EINVAL },
		{ "failures", FIELD(drm_mho_selftest, failures), 1, -EINVAL },
		{ "tiles_tested", FIELD(drm_mho_selftest, tiles_tested), 1, -EINVAL },
		{ "tiles_failed", FIELD(drm_mho_selftest, tiles_failed), 1, -EINVAL },
		{ "mvm_error_ppm", FIELD(drm_mho_selftest, mvm_error_ppm), 1, -EINVAL },
		{ "first_failure", offsetof(struct drm_mho_selftest, first_failure) + 95, 1, 1,
		  -EINVAL },
	};
	static const struct wrong calibrates[] = {
		{ "tile", FIELD(drm_mho_calibrate, tile), 1U << 20, -EINVAL },
		{ "flags", FIELD(drm_mho_calibrate, flags), 1, -EINVAL },
	};

	EXPECT_REFUSED(DRM_IOCTL_MHO_RESET, reset, resets);
	EXPECT_REFUSED(DRM_IOCTL_MHO_SELFTEST, selftest, selftests);
	EXPECT_REFUSED(DRM_IOCTL_MHO_CALIBRATE, calibrate, calibrates);
}

TEST_F(bad, submit)
{
	const struct drm_mho_job job = mt_job_nop();
	struct drm_mho_submit good = mt_submit_args(&self->s, &job, 1);
	static const struct wrong list[] = {
		{ "context 0", FIELD(drm_mho_submit, ctx), 0, -ENOENT },
		{ "context", FIELD(drm_mho_submit, ctx), 999, -ENOENT },
		{ "flags", FIELD(drm_mho_submit, flags), 1, -EINVAL },
		{ "flags", FIELD(drm_mho_submit, flags), 1U << 31, -EINVAL },
		{ "jobs", FIELD(drm_mho_submit, jobs), UNMAPPED, -EFAULT },
		{ "jobs at 0", FIELD(drm_mho_submit, jobs), 0, -EFAULT },
		{ "kernel's jobs", FIELD(drm_mho_submit, jobs), 0xffff888000000000ULL, -EFAULT },
		{ "no jobs", FIELD(drm_mho_submit, job_count), 0, -EINVAL },
		{ "too many jobs", FIELD(drm_mho_submit, job_count), 1U << 30, -E2BIG },
		{ "too many jobs", FIELD(drm_mho_submit, job_count), ~0U, -E2BIG },
		{ "stride 0", FIELD(drm_mho_submit, job_stride), 0, -EINVAL },
		{ "stride", FIELD(drm_mho_submit, job_stride), 63, -EINVAL },
		{ "stride", FIELD(drm_mho_submit, job_stride), 4097, -EINVAL },
		{ "in_syncs", FIELD(drm_mho_submit, in_syncs), UNMAPPED, -EINVAL },
		{ "out_syncs", FIELD(drm_mho_submit, out_syncs), UNMAPPED, -EINVAL },
		{ "in_sync_count", FIELD(drm_mho_submit, in_sync_count), 1, -EFAULT },
		{ "in_sync_count", FIELD(drm_mho_submit, in_sync_count), 65, -EINVAL },
		{ "out_sync_count", FIELD(drm_mho_submit, out_sync_count), 1, -EFAULT },
		{ "out_sync_count", FIELD(drm_mho_submit, out_sync_count), ~0U, -EINVAL },
		{ "results", FIELD(drm_mho_submit, result_handle), 999, -ENOENT },
		{ "pad", FIELD(drm_mho_submit, pad), 1, -EINVAL },
		{ "offset", FIELD(drm_mho_submit, result_offset), 4, -EINVAL },
		{ "offset", FIELD(drm_mho_submit, result_offset),
		  MT_RESULTS * sizeof(struct drm_mho_result), -EINVAL },
		{ "offset", FIELD(drm_mho_submit, result_offset), ~7ULL, -EINVAL },
	};
	struct drm_mho_submit args = good;

	EXPECT_REFUSED(DRM_IOCTL_MHO_SUBMIT, good, list);
	args.result_handle = 0;
	args.result_offset = 8;
	EXPECT_EQ(-EINVAL, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
	args.result_offset = 0;
	EXPECT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
}

/* Of an MVM that is right otherwise. */
TEST_F(bad, job)
{
	static const struct wrong list[] = {
		{ "operation", FIELD(drm_mho_job, op), 0x7f, -EINVAL },
		{ "operation", FIELD(drm_mho_job, op), 0x02, -EINVAL },
		{ "admin operation", FIELD(drm_mho_job, op), 0x80, -EINVAL },
		{ "flag", FIELD(drm_mho_job, flags), 0x08, -EINVAL },
		{ "flag", FIELD(drm_mho_job, flags), 0x80, -EINVAL },
		{ "pad", FIELD(drm_mho_job, pad), 1, -EINVAL },
		{ "modifier", FIELD(drm_mho_job, modifier), 1, -EINVAL },
		{ "parameter 0", FIELD(drm_mho_job, param[0]), 1, -EINVAL },
		{ "parameter 1", FIELD(drm_mho_job, param[1]), 1, -EINVAL },
		{ "array 0", FIELD(drm_mho_job, array), 0, -ENOENT },
		{ "array", FIELD(drm_mho_job, array), 999, -ENOENT },
		{ "operand a", FIELD(drm_mho_job, a.handle), 999, -ENOENT },
		{ "operand a 0", FIELD(drm_mho_job, a.handle), 0, -ENOENT },
		{ "operand b", FIELD(drm_mho_job, b.handle), 999, -ENOENT },
		{ "a behind the buffer", FIELD(drm_mho_job, a.offset), MT_DATA_SIZE,
		  MHO_HW_ST_KEY_RANGE },
		{ "a wraps", FIELD(drm_mho_job, a.offset), ~3ULL, MHO_HW_ST_KEY_RANGE },
		{ "b reaches beyond", FIELD(drm_mho_job, b.offset), MT_DATA_SIZE - 4,
		  MHO_HW_ST_KEY_RANGE },
		{ "a not aligned", FIELD(drm_mho_job, a.offset), 2, MHO_HW_ST_MISALIGNED },
		{ "stride too small", FIELD(drm_mho_job, a.stride), 4, MHO_HW_ST_BAD_STRIDE },
		{ "stride not whole", FIELD(drm_mho_job, a.stride), 66, MHO_HW_ST_BAD_STRIDE },
		{ "stride too large", FIELD(drm_mho_job, b.stride), 0x7ffffffc,
		  MHO_HW_ST_KEY_RANGE },
		{ "batch 0", FIELD(drm_mho_job, batch), 0, MHO_HW_ST_BAD_BATCH },
		{ "batch", FIELD(drm_mho_job, batch), ~0U, MHO_HW_ST_BAD_BATCH },
		{ "type of a", FIELD(drm_mho_job, a_type), 9, MHO_HW_ST_BAD_TYPE },
		{ "no type of b", FIELD(drm_mho_job, b_type), 0, MHO_HW_ST_BAD_TYPE },
		{ "scale 0", FIELD(drm_mho_job, b_scale), 0, MHO_HW_ST_BAD_SCALE },
		{ "scale NaN", FIELD(drm_mho_job, a_scale), 0x7fc00000, MHO_HW_ST_BAD_SCALE },
	};
	const struct drm_mho_job good = mt_job_vectors(&self->s, self->array, DRM_MHO_OP_MVM, 4);
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(list); i++) {
		const struct wrong *wrong = &list[i];
		struct drm_mho_job job = good;

		spoil(&job, wrong);
		EXPECT_EQ(wrong->want, mt_run_one(&self->s, &job))
		{
			TH_LOG("%s", wrong->what);
		}
	}
}

/* What an operation does not use must be zero: every byte of it. */
TEST_F(bad, unused_fields)
{
	const struct mt_session *s = &self->s;
	/* An operation, and the bytes of its own: those before a place, and up to three ranges. */
	const struct {
		struct drm_mho_job job;
		struct {
			size_t from;
			size_t to;
		} used[4];
	} list[] = {
		{ mt_job_nop(), { { 0, 2 } } },
		{ { .op = DRM_MHO_OP_BARRIER }, { { 0, 2 } } },
		/* array; b_region */
		{ { .op = DRM_MHO_OP_SCRUB, .array = self->array },
		  { { 0, 2 }, { 4, 8 }, { 32, 48 } } },
		/* modifier, array, batch; b_type; a_region, b; b_scale */
		{ mt_job_read(s, self->array, 1),
		  { { 0, 12 }, { 13, 14 }, { 16, 48 }, { 52, 56 } } },
		/* array, batch, a_type; a, b_region; a_scale; param */
		{ mt_job_program(s, self->array), { { 0, 2 }, { 4, 13 }, { 16, 52 }, { 56, 64 } } },
	};
	size_t i, k, range;

	for (i = 0; i < MT_ARRAY_SIZE(list); i++) {
		for (k = 0; k < sizeof(struct drm_mho_job); k++) {
			struct drm_mho_job job = list[i].job;
			const uint8_t op = job.op;

			for (range = 0; range < 4; range++)
				if (k >= list[i].used[range].from && k < list[i].used[range].to)
					break;
			if (range < 4)
				continue;
			((uint8_t *)&job)[k] = 1;
			EXPECT_EQ(-EINVAL, mt_run_one(s, &job))
			{
				TH_LOG("operation 0x%x, byte %zu", op, k);
			}
		}
	}
}

/*
 * A structure that the program knows in a shorter version: what it does not send is zero. In a
 * longer one: what the driver does not know must be zero. DRM copies both ways by the size that is
 * in the request.
 */
static unsigned long resized(unsigned long request, unsigned int size)
{
	return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), size);
}

TEST_F(bad, short_structures)
{
	struct drm_mho_query query = { 0 };
	struct drm_mho_ctx_create ctx = { .priority = 1, .depth = ~0U, .handle = ~0U };
	struct drm_mho_bo_create bo = { .size = 100, .flags = ~0U };

	/* Type and id alone: the size is 0, so it is asked for, and not handed back. */
	EXPECT_EQ(0, mt_ioctl(self->s.fd, resized(DRM_IOCTL_MHO_QUERY, 8), &query));
	EXPECT_EQ(0, query.size);
	/* Without depth and handle, whatever they hold; what was not sent is not written. */
	EXPECT_EQ(0, mt_ioctl(self->s.fd, resized(DRM_IOCTL_MHO_CTX_CREATE, 8), &ctx));
	EXPECT_EQ(~0U, ctx.handle);
	EXPECT_EQ(0, mt_ioctl(self->s.fd, resized(DRM_IOCTL_MHO_BO_CREATE, 8), &bo));
	EXPECT_EQ(4096, bo.size);
	/* Nothing at all. */
	EXPECT_EQ(-EINVAL, mt_ioctl(self->s.fd, resized(DRM_IOCTL_MHO_BO_CREATE, 0), NULL));
	EXPECT_EQ(-EINVAL, mt_ioctl(self->s.fd, resized(DRM_IOCTL_MHO_SUBMIT, 0), NULL));
}

/* At the end of a page, with nothing behind it: not a byte more is read than the request says. */
TEST_F(bad, at_the_end_of_a_page)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drm_mho_query *query;
	struct drm_mho_job *job;
	struct drm_mho_submit args;

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, munmap(pages + 4096, 4096));
	query = (struct drm_mho_query *)(pages + 4096 - sizeof(*query));
	EXPECT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_QUERY, query));
	EXPECT_EQ(sizeof(struct drm_mho_info), query->size);
	job = (struct drm_mho_job *)(pages + 4096 - sizeof(*job));
	memset(job, 0, sizeof(*job));
	EXPECT_EQ(0, mt_run(&self->s, job, 1));
	/* One job more than there is. */
	args = mt_submit_args(&self->s, job, 2);
	EXPECT_EQ(-EFAULT, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
	/* Half of the arguments are not there. */
	EXPECT_EQ(-EFAULT, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, pages + 4096 - 32));
	EXPECT_EQ(-EFAULT, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, (void *)UNMAPPED));
}

/* Where the answer cannot be written, nothing stays that the program has no handle of. */
TEST_F(bad, answer_to_read_only_memory)
{
	struct drm_mho_bo_create *bo =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, bo);
	bo->size = 4096;
	ASSERT_EQ(0, mprotect(bo, 4096, PROT_READ));
	EXPECT_EQ(-EFAULT, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_BO_CREATE, bo));
	munmap(bo, 4096);
}

TEST_F(bad, long_structures)
{
	struct {
		struct drm_mho_bo_create args;
		uint64_t tail[4];
	} bo = { .args = { .size = 4096 } };

	EXPECT_EQ(0, mt_ioctl(self->s.fd, resized(DRM_IOCTL_MHO_BO_CREATE, sizeof(bo)), &bo));
	EXPECT_LT(0, bo.args.handle);
	EXPECT_EQ(0, bo.tail[0] | bo.tail[3]);
}

/* A job_stride beyond the structure: the rest must be zero. */
TEST_F(bad, job_stride)
{
	struct {
		struct drm_mho_job job;
		uint64_t tail[2];
	} jobs[3] = { 0 };
	struct drm_mho_submit args = mt_submit_args(&self->s, &jobs[0].job, 3);

	args.job_stride = sizeof(jobs[0]);
	EXPECT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
	jobs[2].tail[1] = 1;
	EXPECT_EQ(-E2BIG, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
	jobs[2].tail[1] = 0;
	jobs[0].tail[0] = 1ULL << 63;
	EXPECT_EQ(-E2BIG, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
}

/* Numbers of ioctls that are not there. */
TEST_F(bad, no_such_ioctl)
{
	uint64_t room[16] = { 0 };
	unsigned int nr;

	for (nr = 0x20; nr < DRM_COMMAND_END - DRM_COMMAND_BASE; nr++)
		EXPECT_EQ(-EINVAL,
			  mt_ioctl(self->s.fd, DRM_IOWR(DRM_COMMAND_BASE + nr, uint64_t), room));
}

MHO_TEST_MAIN
