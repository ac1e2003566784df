// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Buffers of others in jobs, and ours with others: udmabuf, dma-heap, vgem; who lives longer than
 * whom; dma-bufs in other processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include <drm/drm_mode.h>

#include "mho_test.h"

#define SIZE 65536
#define INPUTS 16
#define OUTPUTS 16

FIXTURE(prime)
{
	struct mt_session s;
	uint32_t array;
};

FIXTURE_SETUP(prime)
{
	struct drm_mho_job job;

	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_array_create(self->s.fd, OUTPUTS, INPUTS, &self->array));
	mt_fill(mt_data(&self->s, MT_AT_WEIGHTS), INPUTS * OUTPUTS, 0.5F, 1);
	job = mt_job_program(&self->s, self->array);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
}

FIXTURE_TEARDOWN(prime)
{
	mt_session_close(&self->s);
}

static int udmabuf(void)
{
	struct udmabuf_create args = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = SIZE };
	int driver = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int memfd = memfd_create("mho-test", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int fd = -1;

	if (driver >= 0 && memfd >= 0 && !ftruncate(memfd, SIZE) &&
	    !fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		args.memfd = (uint32_t)memfd;
		fd = ioctl(driver, UDMABUF_CREATE, &args);
	}
	close(driver);
	close(memfd);
	return fd;
}

static int heap(void)
{
	struct dma_heap_allocation_data args = { .len = SIZE, .fd_flags = O_RDWR | O_CLOEXEC };
	int driver = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
	int ret = driver < 0 ? -1 : ioctl(driver, DMA_HEAP_IOCTL_ALLOC, &args);

	close(driver);
	return ret ? -1 : (int)args.fd;
}

static int vgem(void)
{
	uint32_t handle;
	int driver = mt_vgem_open(), fd;

	if (driver < 0 || mt_vgem_buffer(driver, SIZE, &handle))
		return -1;
	fd = mt_prime_export(driver, handle);
	close(driver);
	return fd;
}

/* An MVM whose operands are in a buffer: x at 0, y in its last page. */
static struct drm_mho_job product(uint32_t array, uint32_t handle)
{
	return (struct drm_mho_job){
		.op = DRM_MHO_OP_MVM,
		.array = array,
		.batch = 1,
		.a_type = DRM_MHO_TYPE_F32,
		.b_type = DRM_MHO_TYPE_F32,
		.a = { .handle = handle },
		.b = { .handle = handle, .offset = SIZE - 4096 },
		.a_scale = mt_bits(1),
		.b_scale = mt_bits(1),
	};
}

/* The exact product of what PROGRAM wrote and x. */
static void multiply(const float *w, const float *x, float *y)
{
	int i, k;

	for (i = 0; i < OUTPUTS; i++)
		for (y[i] = 0, k = 0; k < INPUTS; k++)
			y[i] += w[i * INPUTS + k] * x[k];
}

/* Somebody else's buffer as operands. */
FIXTURE(import)
{
	struct mt_session s;
	uint32_t array;
	int dmabuf;
	float *map;
	float weights[INPUTS * OUTPUTS];
};

FIXTURE_VARIANT(import)
{
	int (*make)(void);
};

FIXTURE_VARIANT_ADD(import, udmabuf){
	.make = udmabuf,
};

FIXTURE_VARIANT_ADD(import, heap){
	.make = heap,
};

FIXTURE_VARIANT_ADD(import, vgem){
	.make = vgem,
};

FIXTURE_SETUP(import)
{
	struct drm_mho_job job;

	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_array_create(self->s.fd, OUTPUTS, INPUTS, &self->array));
	mt_fill(self->weights, INPUTS * OUTPUTS, 0.5F, 1);
	memcpy(mt_data(&self->s, MT_AT_WEIGHTS), self->weights, sizeof(self->weights));
	job = mt_job_program(&self->s, self->array);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	self->dmabuf = variant->make();
	ASSERT_LE(0, self->dmabuf);
	self->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->dmabuf, 0);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(import)
{
	munmap(self->map, SIZE);
	mt_session_close(&self->s);
}

TEST_F(import, as_operands)
{
	struct drm_mho_bo_info info = { 0 };
	struct drm_mho_job job;
	float want[OUTPUTS];
	uint32_t handle;

	ASSERT_EQ(0, mt_prime_import(self->s.fd, self->dmabuf, &handle));
	info.handle = handle;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_BO_INFO, &info));
	EXPECT_EQ(DRM_MHO_BO_IMPORTED, info.flags);
	EXPECT_EQ(SIZE, info.size);
	EXPECT_EQ(0, info.mmap_offset);
	mt_fill(self->map, INPUTS, 1, 2);
	multiply(self->weights, self->map, want);
	job = product(self->array, handle);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_GT(0.1, mt_error2(self->map + (SIZE - 4096) / 4, want, OUTPUTS));
	close(self->dmabuf);
}

/* The exporter lets go first: descriptor closed, and the driver's own reference is all there is. */
TEST_F(import, outlives_the_descriptor)
{
	struct drm_mho_job job;
	float want[OUTPUTS];
	uint32_t handle;

	ASSERT_EQ(0, mt_prime_import(self->s.fd, self->dmabuf, &handle));
	close(self->dmabuf);
	mt_fill(self->map, INPUTS, 1, 3);
	multiply(self->weights, self->map, want);
	job = product(self->array, handle);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_GT(0.1, mt_error2(self->map + (SIZE - 4096) / 4, want, OUTPUTS));
	EXPECT_EQ(0, mt_gem_close(self->s.fd, handle));
	EXPECT_EQ(-ENOENT, mt_run_one(&self->s, &job));
}

/* Let go of while a job with it waits. */
TEST_F(import, closed_in_flight)
{
	struct drm_mho_job job;
	struct mt_hold hold;
	float want[OUTPUTS];
	uint32_t handle;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	ASSERT_EQ(0, mt_prime_import(self->s.fd, self->dmabuf, &handle));
	mt_fill(self->map, INPUTS, 1, 4);
	multiply(self->weights, self->map, want);
	job = product(self->array, handle);
	ASSERT_EQ(0, mt_submit_held(&self->s, &hold, &job, 1));
	ASSERT_EQ(0, mt_gem_close(self->s.fd, handle));
	close(self->dmabuf);
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
	EXPECT_EQ(0, mt_results(&self->s)->status);
	EXPECT_GT(0.1, mt_error2(self->map + (SIZE - 4096) / 4, want, OUTPUTS));
}

/* Imported twice it is one buffer; results do not go to what is not the driver's memory. */
TEST_F(import, limits)
{
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_submit args = mt_submit_args(&self->s, &nop, 1);
	uint32_t handle, again;

	ASSERT_EQ(0, mt_prime_import(self->s.fd, self->dmabuf, &handle));
	ASSERT_EQ(0, mt_prime_import(self->s.fd, self->dmabuf, &again));
	EXPECT_EQ(handle, again);
	args.result_handle = handle;
	EXPECT_EQ(-EINVAL, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_SUBMIT, &args));
	close(self->dmabuf);
}

/* Our buffer as a dma-buf: mapped through it, others see what jobs write. */
TEST_F(prime, export)
{
	struct drm_mho_job job = mt_job_read(&self->s, self->array, 1);
	int dmabuf = mt_prime_export(self->s.fd, self->s.data.handle);
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ };
	float *map;

	ASSERT_LE(0, dmabuf);
	map = mmap(NULL, MT_DATA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	ASSERT_NE(MAP_FAILED, map);
	memset(map + MT_AT_READ, 0, 1024);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	ASSERT_EQ(0, mt_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync));
	EXPECT_FALSE(mt_all_zero(map + MT_AT_READ, 1024));
	EXPECT_EQ(0, memcmp(map + MT_AT_READ, mt_data(&self->s, MT_AT_READ), 1024));
	munmap(map, MT_DATA_SIZE);
	close(dmabuf);
}

/* The dma-buf outlives handle and file. */
TEST_F(prime, export_outlives_file)
{
	struct mt_session s;
	int dmabuf;
	char *map;

	ASSERT_EQ(0, mt_session_open(&s));
	strcpy(s.data.map, "still there");
	dmabuf = mt_prime_export(s.fd, s.data.handle);
	ASSERT_LE(0, dmabuf);
	mt_session_close(&s);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, dmabuf, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_STREQ("still there", map);
	munmap(map, 4096);
	close(dmabuf);
}

/* vgem takes it, and keeps it when we let go. */
TEST_F(prime, vgem_imports)
{
	struct drm_mode_map_dumb args = { 0 };
	int driver = mt_vgem_open(), dmabuf;
	struct mt_session s;
	char *map;

	ASSERT_LE(0, driver);
	ASSERT_EQ(0, mt_session_open(&s));
	strcpy(s.data.map, "seen through vgem");
	dmabuf = mt_prime_export(s.fd, s.data.handle);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, mt_prime_import(driver, dmabuf, &args.handle));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, dmabuf, 0);
	ASSERT_NE(MAP_FAILED, map);
	close(dmabuf);
	mt_session_close(&s);
	EXPECT_STREQ("seen through vgem", map);
	munmap(map, 4096);
	close(driver);
}

/* Back into the file it came from it is the same handle; in another one it is the same memory. */
TEST_F(prime, import_own)
{
	struct mt_session other;
	uint32_t handle, array;
	struct drm_mho_job job;
	int dmabuf = mt_prime_export(self->s.fd, self->s.data.handle);

	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, mt_prime_import(self->s.fd, dmabuf, &handle));
	EXPECT_EQ(self->s.data.handle, handle);
	ASSERT_EQ(0, mt_session_open(&other));
	ASSERT_EQ(0, mt_prime_import(other.fd, dmabuf, &handle));
	close(dmabuf);
	/* A job of the other file's writes into it. */
	ASSERT_EQ(0, mt_array_create(other.fd, 16, 16, &array));
	memset(mt_data(&self->s, MT_AT_READ), 0, 1024);
	job = mt_job_read(&other, array, 1);
	job.b.handle = handle;
	ASSERT_EQ(0, mt_run_one(&other, &job));
	EXPECT_FALSE(mt_all_zero(mt_data(&self->s, MT_AT_READ), 1024));
	/* Each file has its own key: one's end does not take it from the other. */
	mt_session_close(&other);
	job = mt_job_read(&self->s, self->array, 1);
	EXPECT_EQ(0, mt_run_one(&self->s, &job));
}

/* A process that has no file of the device's gets the dma-buf, and maps it. */
static int child_maps(void *arg)
{
	int *socket = arg;
	int dmabuf = mt_receive_fd(*socket);
	char *map;

	if (dmabuf < 0)
		return 1;
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	if (map == MAP_FAILED)
		return 2;
	if (strcmp(map, "to the child") != 0)
		return 3;
	strcpy(map, "from the child");
	return 0;
}

TEST_F(prime, other_process)
{
	int sockets[2], dmabuf = mt_prime_export(self->s.fd, self->s.data.handle);

	ASSERT_LE(0, dmabuf);
	strcpy(self->s.data.map, "to the child");
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, mt_send_fd(sockets[0], dmabuf));
	close(dmabuf);
	EXPECT_EQ(0, mt_child(65534, child_maps, &sockets[1]));
	EXPECT_STREQ("from the child", (char *)self->s.data.map);
}

TEST_F(prime, refused)
{
	uint32_t handle;
	int fd = open("/dev/null", O_RDWR);

	EXPECT_GT(0, mt_prime_import(self->s.fd, fd, &handle));
	EXPECT_EQ(-EBADF, mt_prime_import(self->s.fd, -1, &handle));
	EXPECT_EQ(-ENOENT, mt_prime_export(self->s.fd, 999));
	close(fd);
}

MHO_TEST_MAIN
