// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Buffers: making, mapping and closing them; whose they are, and how many one may have.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"

#define PAGE 4096UL

FIXTURE(buffers)
{
	struct mt_session s;
};

FIXTURE_SETUP(buffers)
{
	ASSERT_EQ(0, mt_session_open(&self->s));
}

FIXTURE_TEARDOWN(buffers)
{
	mt_session_close(&self->s);
}

static int create(int fd, uint64_t size, struct drm_mho_bo_create *args)
{
	*args = (struct drm_mho_bo_create){ .size = size };
	return mt_ioctl(fd, DRM_IOCTL_MHO_BO_CREATE, args);
}

TEST_F(buffers, sizes)
{
	struct drm_mho_bo_create args;

	EXPECT_EQ(-EINVAL, create(self->s.fd, 0, &args));
	EXPECT_EQ(-EINVAL, create(self->s.fd, ~0ULL, &args));
	EXPECT_EQ(-EINVAL, create(self->s.fd, (1ULL << 63) + PAGE, &args));
	/* More than a memory key covers. */
	EXPECT_EQ(-EINVAL,
		  create(self->s.fd, ((uint64_t)MHO_HW_MEMORY_PAGES_MAX + 1) * PAGE, &args));

	ASSERT_EQ(0, create(self->s.fd, 1, &args));
	EXPECT_EQ(PAGE, args.size);
	ASSERT_EQ(0, create(self->s.fd, PAGE, &args));
	EXPECT_EQ(PAGE, args.size);
	ASSERT_EQ(0, create(self->s.fd, PAGE + 1, &args));
	EXPECT_EQ(2 * PAGE, args.size);
}

/* More pages than a block of a page list names, so that the list has two levels. */
TEST_F(buffers, large)
{
	const uint64_t size = 16 << 20;
	struct drm_mho_job job;
	struct mt_buffer buffer;
	uint32_t array;
	float *x, *y;

	ASSERT_EQ(0, mt_buffer_create(self->s.fd, size, &buffer));
	ASSERT_EQ(0, mt_array_create(self->s.fd, 16, 16, &array));
	/* Across the border of two pages far behind the first block's. */
	x = (float *)((char *)buffer.map + size - PAGE - 32);
	y = (float *)((char *)buffer.map + size - 64);
	mt_fill(x, 16, 1, 1);
	mt_fill(mt_data(&self->s, MT_AT_WEIGHTS), 256, 0.5F, 2);
	job = mt_job_program(&self->s, array);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	job = mt_job_vectors(&self->s, array, DRM_MHO_OP_MVM, 1);
	job.a = (struct drm_mho_operand){ .handle = buffer.handle, .offset = size - PAGE - 32 };
	job.b = (struct drm_mho_operand){ .handle = buffer.handle, .offset = size - 64 };
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_FALSE(mt_all_zero(y, 64));
	job.b.offset = size - 60;
	EXPECT_EQ(MHO_HW_ST_KEY_RANGE, mt_run_one(&self->s, &job));
	mt_buffer_destroy(self->s.fd, &buffer);
}

/* Others' old contents are not to be seen. */
TEST_F(buffers, cleared)
{
	struct mt_buffer buffer;
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, mt_buffer_create(self->s.fd, 1 << 20, &buffer));
		ASSERT_TRUE(mt_all_zero(buffer.map, buffer.size));
		memset(buffer.map, 0x5a, buffer.size);
		mt_buffer_destroy(self->s.fd, &buffer);
	}
}

TEST_F(buffers, info)
{
	struct drm_mho_bo_info info = { .handle = self->s.data.handle };

	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_BO_INFO, &info));
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(self->s.data.size, info.size);
	EXPECT_EQ(self->s.data.offset, info.mmap_offset);
	info = (struct drm_mho_bo_info){ .handle = 999 };
	EXPECT_EQ(-ENOENT, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_BO_INFO, &info));
	info = (struct drm_mho_bo_info){ .handle = 0 };
	EXPECT_EQ(-ENOENT, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_BO_INFO, &info));
}

/* What one mapping writes another sees, and the device. */
TEST_F(buffers, mappings)
{
	struct mt_buffer *data = &self->s.data;
	char *second = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->s.fd,
			    (off_t)data->offset);

	ASSERT_NE(MAP_FAILED, second);
	second[5] = 77;
	EXPECT_EQ(77, ((char *)data->map)[5]);
	munmap(second, PAGE);
	/* A part, from its second page on. */
	((char *)data->map)[PAGE + 1] = 33;
	second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->s.fd, (off_t)(data->offset + PAGE));
	if (second != MAP_FAILED) {
		EXPECT_EQ(33, second[1]);
		munmap(second, PAGE);
	}
}

TEST_F(buffers, mapping_beyond)
{
	struct mt_buffer *data = &self->s.data;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, data->size + PAGE, PROT_READ, MAP_SHARED, self->s.fd,
				   (off_t)data->offset));
	EXPECT_EQ(MAP_FAILED,
		  mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->s.fd, (off_t)(1ULL << 40)));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->s.fd, 0));
	/* Copies on write make no sense for what a device writes. */
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->s.fd,
				   (off_t)data->offset));
}

/* An offset is a permission of the file that made the buffer. */
TEST_F(buffers, mapping_of_another_file)
{
	struct mt_buffer *data = &self->s.data;
	struct mt_session other;

	ASSERT_EQ(0, mt_session_open(&other));
	EXPECT_EQ(MAP_FAILED,
		  mmap(NULL, PAGE, PROT_READ, MAP_SHARED, other.fd, (off_t)data->offset));
	EXPECT_EQ(EACCES, errno);
	mt_session_close(&other);
}

/* A mapping keeps the memory when handle and file are gone. */
TEST_F(buffers, mapping_outlives_file)
{
	struct mt_session s;
	char *map;

	ASSERT_EQ(0, mt_session_open(&s));
	map = s.data.map;
	map[100] = 42;
	close(s.fd);
	EXPECT_EQ(42, map[100]);
	map[101] = 43;
	EXPECT_EQ(43, map[101]);
	munmap(map, s.data.size);
}

TEST_F(buffers, close)
{
	struct mt_buffer buffer;

	ASSERT_EQ(0, mt_buffer_create(self->s.fd, PAGE, &buffer));
	EXPECT_EQ(0, mt_gem_close(self->s.fd, buffer.handle));
	EXPECT_EQ(-EINVAL, mt_gem_close(self->s.fd, buffer.handle));
	EXPECT_EQ(-EINVAL, mt_gem_close(self->s.fd, 0));
	munmap(buffer.map, buffer.size);
}

/* Jobs keep what they use: the device neither fails nor writes to what is somebody else's then. */
TEST_F(buffers, close_in_flight)
{
	struct drm_mho_job jobs[16];
	struct mt_buffer operands;
	struct mt_hold hold;
	uint32_t array;
	size_t i;
	float *y;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_array_create(self->s.fd, 16, 16, &array));
	ASSERT_EQ(0, mt_buffer_create(self->s.fd, 4 * PAGE, &operands));
	mt_fill(mt_data(&self->s, MT_AT_WEIGHTS), 256, 0.5F, 2);
	jobs[0] = mt_job_program(&self->s, array);
	ASSERT_EQ(0, mt_run_one(&self->s, &jobs[0]));
	mt_fill(operands.map, 16, 1, 1);
	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++) {
		jobs[i] = mt_job_vectors(&self->s, array, DRM_MHO_OP_MVM, 1);
		jobs[i].a = (struct drm_mho_operand){ .handle = operands.handle };
		jobs[i].b = (struct drm_mho_operand){ .handle = operands.handle,
						      .offset = PAGE + i * 64 };
	}
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, jobs, MT_ARRAY_SIZE(jobs)));
	ASSERT_EQ(0, mt_gem_close(self->s.fd, operands.handle));
	EXPECT_EQ(-ETIME, mt_syncobj_wait(self->s.fd, self->s.done, MT_SHORT_NS));
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++) {
		EXPECT_EQ(0, mt_results(&self->s)[i].status);
		y = (float *)((char *)operands.map + PAGE + i * 64);
		EXPECT_FALSE(mt_all_zero(y, 64));
	}
	/* And a new one cannot name it. */
	EXPECT_EQ(-ENOENT, mt_run_one(&self->s, &jobs[0]));
	munmap(operands.map, operands.size);
}

/* Results are written to memory that the program may have let go. */
TEST_F(buffers, close_results_in_flight)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_session s = self->s;
	struct mt_hold hold;

	ASSERT_EQ(0, mt_hold_create(s.fd, &hold));
	ASSERT_EQ(0, mt_buffer_create(s.fd, PAGE, &s.results));
	ASSERT_EQ(0, mt_submit_held(&s, &hold, &nop, 1));
	ASSERT_EQ(0, mt_gem_close(s.fd, s.results.handle));
	EXPECT_EQ(DRM_MHO_RESULT_PENDING, mt_results(&s)->done);
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_syncobj_wait(s.fd, s.done, MT_WAIT_NS));
	EXPECT_EQ(DRM_MHO_RESULT_DONE, mt_results(&s)->done);
	EXPECT_EQ(0, mt_results(&s)->status);
	munmap(s.results.map, s.results.size);
}

/*
 * One file gets half of the memory keys, and another one still some. What is given back is there
 * again.
 */
TEST_F(buffers, quota)
{
	struct drm_mho_bo_create args, last = { 0 };
	struct mt_session other;
	int count = 0, ret;

	while (!(ret = create(self->s.fd, 1, &args)) && count < 20000) {
		last = args;
		count++;
	}
	EXPECT_EQ(-EDQUOT, ret);
	EXPECT_LT(10, count);
	EXPECT_GT(20000, count);
	ASSERT_EQ(0, mt_session_open(&other));
	EXPECT_EQ(0, create(other.fd, 1, &args));
	mt_session_close(&other);
	EXPECT_EQ(0, mt_gem_close(self->s.fd, last.handle));
	/* The key is given back a moment later. */
	for (count = 0; (ret = create(self->s.fd, 1, &args)) == -EDQUOT && count < 1000; count++)
		usleep(10000);
	EXPECT_EQ(0, ret);
}

MHO_TEST_MAIN
