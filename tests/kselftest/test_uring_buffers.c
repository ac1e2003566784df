// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Operands in buffers that are registered with a ring: what is copied and what is not, what is
 * refused, and buffers that go, with their memory, their ring or their process, while jobs that use
 * them are in flight.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"
#include "mho_test_uring.h"

#define ROWS MT_MODEL_ROWS
#define COLS MT_MODEL_COLS
#define ENTRIES 64
#define SEED 71

FIXTURE(uring_buffers)
{
	struct mt_session s;
	struct mt_ring ring;
	uint32_t array;
};

FIXTURE_SETUP(uring_buffers)
{
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_ring_open(&self->ring, ENTRIES, IORING_SETUP_SQE128));
	ASSERT_EQ(0, mt_model_make(&self->s, NULL, SEED, &self->array));
}

FIXTURE_TEARDOWN(uring_buffers)
{
	mt_control("clear", NULL, 0);
	mt_timeout(0);
	mt_ring_close(&self->ring);
	mt_session_close(&self->s);
}

/* Memory of this process, registered as buffer 0: x at its start, y in its other half. */
struct fixed {
	float *x;
	float *y;
};

#define FIXED_SIZE (4UL * DRM_MHO_FIXED_MAX)

static int register_fixed(struct mt_ring *ring, struct fixed *fixed)
{
	struct iovec iov = { .iov_len = FIXED_SIZE };
	void *memory =
		mmap(NULL, FIXED_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	iov.iov_base = memory;
	fixed->x = memory;
	fixed->y = (float *)((uint8_t *)memory + FIXED_SIZE / 2);
	return mt_ring_register(ring, IORING_REGISTER_BUFFERS, &iov, 1);
}

/* An MVM with operands in registered memory, those that flags names. */
static struct io_uring_sqe *fixed_job(struct mt_ring *ring, const struct mt_session *s,
				      uint32_t array, uint32_t flags, const struct fixed *fixed)
{
	struct drm_mho_uring_job args = { .job = mt_model_job(s, array),
					  .ctx = s->ctx,
					  .flags = flags };
	struct io_uring_sqe *sqe;

	if (flags & DRM_MHO_URING_A_FIXED)
		args.job.a = (struct drm_mho_operand){ .offset = (uintptr_t)fixed->x };
	if (flags & DRM_MHO_URING_B_FIXED)
		args.job.b = (struct drm_mho_operand){ .offset = (uintptr_t)fixed->y };
	sqe = mt_ring_cmd(ring, s->fd, DRM_URING_MHO_JOB, &args, sizeof(args), flags);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	sqe->buf_index = 0;
	return sqe;
}

TEST_F(uring_buffers, registered_buffers)
{
	struct fixed fixed;
	uint32_t flags;
	float *y;
	int round;

	ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
	for (round = 0; round < 5; round++) {
		for (flags = 1; flags <= 3; flags++) {
			mt_fill(fixed.x, COLS, 1, 7);
			memset(fixed.y, 0x11, 4096);
			fixed_job(&self->ring, &self->s, self->array, flags, &fixed);
			/* If its own x is to be used it is this. */
			if (flags & DRM_MHO_URING_A_FIXED)
				mt_fill(mt_data(&self->s, MT_AT_X), COLS, 1, 8);
			ASSERT_EQ(0, mt_ring_one(&self->ring));
			y = flags & DRM_MHO_URING_B_FIXED ? fixed.y : mt_data(&self->s, MT_AT_Y);
			EXPECT_TRUE(mt_product_right(fixed.x, y, SEED));
			/* Not a byte more than the operand has. */
			EXPECT_EQ(0x11, ((uint8_t *)&fixed.y[ROWS])[0]);
		}
	}
}

/* Many in flight, each with a vector of its own in the same memory. */
TEST_F(uring_buffers, registered_buffers_at_once)
{
	struct fixed fixed, slot;
	struct mt_cqe cqes[16];
	int i;

	ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
	mt_fill(fixed.x, 16 * COLS, 1, 9);
	for (i = 0; i < 16; i++) {
		slot.x = &fixed.x[i * COLS];
		slot.y = &fixed.y[i * ROWS];
		fixed_job(&self->ring, &self->s, self->array, 3, &slot);
	}
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 16));
	for (i = 0; i < 16; i++) {
		EXPECT_EQ(0, cqes[i].res);
		EXPECT_TRUE(mt_product_right(&fixed.x[i * COLS], &fixed.y[i * ROWS], SEED));
	}
}

/* Vectors with room between them, which is the program's. */
TEST_F(uring_buffers, registered_buffers_with_strides)
{
	struct drm_mho_uring_job *args;
	struct fixed fixed;
	const uint32_t x_stride = COLS + 3, y_stride = ROWS + 5;
	uint32_t pad, i;

	ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
	mt_fill(fixed.x, 4 * x_stride, 1, 10);
	memset(fixed.y, 0x11, 4096);
	memcpy(&pad, fixed.y, sizeof(pad));
	args = mt_sqe_payload(fixed_job(&self->ring, &self->s, self->array, 3, &fixed));
	args->job.batch = 4;
	args->job.a.stride = x_stride * sizeof(float);
	args->job.b.stride = y_stride * sizeof(float);
	ASSERT_EQ(0, mt_ring_one(&self->ring));
	for (i = 0; i < 4; i++) {
		EXPECT_TRUE(mt_product_right(&fixed.x[i * x_stride], &fixed.y[i * y_stride], SEED));
		EXPECT_EQ(pad, mt_bits(fixed.y[i * y_stride + ROWS]));
		EXPECT_EQ(pad, mt_bits(fixed.y[(i + 1) * y_stride - 1]));
	}
}

/* The memory is unmapped while the job waits: what was registered is still there for it. */
TEST_F(uring_buffers, registered_memory_unmapped)
{
	struct fixed fixed;
	struct mt_hold hold;

	ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
	mt_fill(fixed.x, COLS, 1, 7);
	ASSERT_EQ(0, mt_hold_back(&self->s, &hold));
	fixed_job(&self->ring, &self->s, self->array, 3, &fixed);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	ASSERT_EQ(0, munmap(fixed.x, FIXED_SIZE));
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
}

/* The ring, and the memory, go while the device has the job: it writes into nobody's. */
TEST_F(uring_buffers, registered_buffer_goes)
{
	struct fixed fixed;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
		ASSERT_EQ(0, mt_order("%s", i ? "fault cmd-delay 500" : "fault hang"));
		fixed_job(&self->ring, &self->s, self->array, 3, &fixed);
		ASSERT_EQ(0, mt_ring_submit(&self->ring));
		ASSERT_EQ(0, mt_fault_taken(i ? "cmd-delay" : "hang"));
		mt_ring_close(&self->ring);
		/* One that is done in time may be copied; one that is cut off is not. */
		if (!i)
			EXPECT_EQ(0, mt_ctx_reset(&self->s));
		EXPECT_TRUE(i || mt_all_zero(fixed.y, ROWS * sizeof(float)));
		ASSERT_EQ(0, munmap(fixed.x, FIXED_SIZE));
		EXPECT_EQ(0, mt_ctx_idle(&self->s));
		ASSERT_EQ(0, mt_ring_open(&self->ring, ENTRIES, IORING_SETUP_SQE128));
		EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
	}
}

TEST_F(uring_buffers, registered_buffers_refused)
{
	struct drm_mho_uring_job *args;
	struct io_uring_sqe *sqe;
	struct fixed fixed, bad;

	/* None is registered. */
	fixed.x = mt_data(&self->s, MT_AT_X);
	fixed.y = mt_data(&self->s, MT_AT_Y);
	fixed_job(&self->ring, &self->s, self->array, 3, &fixed);
	EXPECT_EQ(-EFAULT, mt_ring_one(&self->ring));
	ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
	/* Outside, and across the end. */
	bad = fixed;
	bad.x = (float *)((uint8_t *)fixed.x + FIXED_SIZE);
	fixed_job(&self->ring, &self->s, self->array, 1, &bad);
	EXPECT_EQ(-EFAULT, mt_ring_one(&self->ring));
	bad = fixed;
	bad.y = (float *)((uint8_t *)fixed.x + FIXED_SIZE) - 1;
	fixed_job(&self->ring, &self->s, self->array, 2, &bad);
	EXPECT_EQ(-EFAULT, mt_ring_one(&self->ring));
	/* The one flag without the other. */
	fixed_job(&self->ring, &self->s, self->array, 3, &fixed)->uring_cmd_flags = 0;
	EXPECT_EQ(-EINVAL, mt_ring_one(&self->ring));
	fixed_job(&self->ring, &self->s, self->array, 0, &fixed);
	EXPECT_EQ(-EINVAL, mt_ring_one(&self->ring));
	/* Both a handle and registered. */
	sqe = fixed_job(&self->ring, &self->s, self->array, 1, &fixed);
	args = mt_sqe_payload(sqe);
	args->job.a.handle = self->s.data.handle;
	EXPECT_EQ(-EINVAL, mt_ring_one(&self->ring));
	/* More than is copied. */
	sqe = fixed_job(&self->ring, &self->s, self->array, 1, &fixed);
	args = mt_sqe_payload(sqe);
	args->job.batch = DRM_MHO_FIXED_MAX / (COLS * sizeof(float)) + 1;
	EXPECT_EQ(-E2BIG, mt_ring_one(&self->ring));
	/* And it still works. */
	mt_fill(fixed.x, COLS, 1, 7);
	fixed_job(&self->ring, &self->s, self->array, 3, &fixed);
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	EXPECT_TRUE(mt_product_right(fixed.x, fixed.y, SEED));
}

/* --- Buffers that go while jobs use them --- */

#define HELD 8
/* No end of a process may take longer, in s; the time-out of jobs is longer still. */
#define PATIENCE 30

/* Numbered jobs, each with vectors of its own in registered memory. */
static int fill_fixed(struct mt_ring *ring, const struct mt_session *s, uint32_t array,
		      const struct fixed *fixed)
{
	struct fixed slot;
	int i;

	for (i = 0; i < HELD; i++) {
		slot = (struct fixed){ .x = &fixed->x[i * COLS], .y = &fixed->y[i * ROWS] };
		fixed_job(ring, s, array, 3, &slot)->user_data = i;
	}
	return mt_ring_submit(ring);
}

static int unregister(struct mt_ring *ring)
{
	return mt_ring_register(ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
}

/* A thread that unregisters, since it may have to wait for jobs. */
struct leaving {
	struct mt_ring *ring;
	pthread_t thread;
	int ret;
};

static void *leave(void *arg)
{
	struct leaving *leaving = arg;

	leaving->ret = unregister(leaving->ring);
	return NULL;
}

/*
 * Linux 6.12 waits for what is in flight, 7.3 does not; neither is for the driver to say. A thread
 * that has not come back by now is one that waits.
 */
static int leave_start(struct leaving *leaving, struct mt_ring *ring, bool *waits)
{
	struct timespec soon;
	int ret;

	*leaving = (struct leaving){ .ring = ring };
	ret = pthread_create(&leaving->thread, NULL, leave, leaving);
	if (ret)
		return -ret;
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec++;
	ret = pthread_timedjoin_np(leaving->thread, NULL, &soon);
	*waits = ret == ETIMEDOUT;
	return ret == ETIMEDOUT ? 0 : -ret;
}

static int leave_end(struct leaving *leaving, bool waited)
{
	int ret = waited ? -pthread_join(leaving->thread, NULL) : 0;

	return ret ? ret : leaving->ret;
}

/* They end as if it was still there; later ones find nothing. */
TEST_F(uring_buffers, unregistered_in_flight)
{
	struct leaving leaving;
	struct fixed fixed;
	struct mt_hold hold;
	struct mt_cqe cqe;
	bool waits;
	int i;

	ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
	mt_fill(fixed.x, HELD * COLS, 1, 9);
	ASSERT_EQ(0, mt_hold_back(&self->s, &hold));
	ASSERT_EQ(0, fill_fixed(&self->ring, &self->s, self->array, &fixed));
	ASSERT_EQ(0, leave_start(&leaving, &self->ring, &waits));
	TH_LOG("the kernel %s", waits ? "waits" : "does not wait");
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
	EXPECT_TRUE(mt_all_zero(fixed.y, HELD * ROWS * sizeof(float)));
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, HELD, 0));
	EXPECT_EQ(0, leave_end(&leaving, waits));
	for (i = 0; i < HELD; i++)
		EXPECT_TRUE(mt_product_right(&fixed.x[i * COLS], &fixed.y[i * ROWS], SEED));
	fixed_job(&self->ring, &self->s, self->array, 3, &fixed);
	EXPECT_EQ(-EFAULT, mt_ring_one(&self->ring));
	ASSERT_EQ(0, munmap(fixed.x, FIXED_SIZE));
	ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
	mt_fill(fixed.x, COLS, 1, 7);
	fixed_job(&self->ring, &self->s, self->array, 3, &fixed);
	EXPECT_EQ(0, mt_ring_one(&self->ring));
	EXPECT_TRUE(mt_product_right(fixed.x, fixed.y, SEED));
}

/* The device has one of them. */
TEST_F(uring_buffers, unregistered_on_the_device)
{
	struct fixed fixed;

	ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
	mt_fill(fixed.x, COLS, 1, 7);
	ASSERT_EQ(0, mt_order("fault cmd-delay 500"));
	fixed_job(&self->ring, &self->s, self->array, 3, &fixed)->user_data = 0;
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
	ASSERT_EQ(0, unregister(&self->ring));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, 1, 0));
	EXPECT_TRUE(mt_product_right(fixed.x, fixed.y, SEED));
}

/* What the program has at the same addresses later is not what was registered. */
TEST_F(uring_buffers, unregistered_and_mapped_anew)
{
	struct fixed fixed;

	ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
	mt_fill(fixed.x, HELD * COLS, 1, 9);
	ASSERT_EQ(0, mt_order("fault cmd-delay 300"));
	ASSERT_EQ(0, fill_fixed(&self->ring, &self->s, self->array, &fixed));
	ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
	ASSERT_EQ(0, unregister(&self->ring));
	ASSERT_EQ(fixed.x, mmap(fixed.x, FIXED_SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, HELD, 0));
	EXPECT_TRUE(mt_all_zero(fixed.x, FIXED_SIZE));
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
}

/* From another ring, while the first one may be waiting for them. */
TEST_F(uring_buffers, cancelled_while_unregistered)
{
	struct leaving leaving;
	struct mt_ring other;
	struct fixed fixed;
	struct mt_hold hold;
	bool waits;

	ASSERT_EQ(0, mt_ring_open(&other, ENTRIES, 0));
	ASSERT_EQ(0, register_fixed(&self->ring, &fixed));
	mt_fill(fixed.x, HELD * COLS, 1, 9);
	/* The driver's memory has products that nobody wants to see again. */
	ASSERT_EQ(0, fill_fixed(&self->ring, &self->s, self->array, &fixed));
	ASSERT_EQ(0, mt_ring_wrong(&self->ring, HELD, 0));
	memset(fixed.y, 0, HELD * ROWS * sizeof(float));
	ASSERT_EQ(0, mt_hold_back(&self->s, &hold));
	ASSERT_EQ(0, fill_fixed(&self->ring, &self->s, self->array, &fixed));
	ASSERT_EQ(0, leave_start(&leaving, &self->ring, &waits));
	mt_ring_cancel(&other, &self->s, DRM_MHO_CANCEL_ALL, 0, 0);
	EXPECT_EQ(HELD, mt_ring_one(&other));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, HELD, -ECANCELED));
	EXPECT_EQ(0, leave_end(&leaving, waits));
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_ctx_idle(&self->s));
	EXPECT_TRUE(mt_all_zero(fixed.y, HELD * ROWS * sizeof(float)));
	mt_ring_close(&other);
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
}

/* Never returns: waits in the kernel for jobs that hang, or else for its end. */
static void unregister_and_wait(int ready)
{
	struct mt_session s;
	struct mt_ring ring;
	struct fixed fixed;
	uint32_t array;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mt_session_open(&s) || mt_ring_open(&ring, ENTRIES, IORING_SETUP_SQE128) ||
	    register_fixed(&ring, &fixed) || mt_model_make(&s, NULL, SEED, &array))
		_exit(1);
	if (mt_order("fault hang") || fill_fixed(&ring, &s, array, &fixed) ||
	    mt_fault_taken("hang") || write(ready, "x", 1) != 1)
		_exit(2);
	unregister(&ring);
	for (;;)
		pause();
}

/* Who waits can be killed, and then nothing is left of it. */
TEST_F(uring_buffers, killed_while_it_unregisters)
{
	int ready[2], status;
	time_t start;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, mt_timeout(MT_FAR_MS));
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid)
		unregister_and_wait(ready[1]);
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &byte, 1));
	/* It may be on its way still, which is as good a place to die. */
	usleep(500000);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	start = time(NULL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_GE(PATIENCE, time(NULL) - start);
	close(ready[0]);
	ASSERT_EQ(0, mt_timeout(0));
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
}

MHO_TEST_MAIN
