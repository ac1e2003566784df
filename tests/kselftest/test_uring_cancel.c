// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Commands that end before their time: by CANCEL, with their ring, their thread, their process,
 * their context. Each completes once; nobody waits for a device that hangs or for a fence that does
 * not come; afterwards nothing is left of them.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"
#include "mho_test_uring.h"

#define ENTRIES (2 * MT_MANY)
/* No end of a process may take longer, in s; the time-out of jobs is longer still. */
#define PATIENCE 30

FIXTURE(uring_cancel)
{
	struct mt_session s;
	struct mt_ring ring;
	struct drm_mho_job nop;
	struct drm_mho_uring_run run; /* of a NOP that waits for all before it */
};

FIXTURE_SETUP(uring_cancel)
{
	/* Far off: not what ends anything here. */
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(MT_FAR_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_ring_open(&self->ring, ENTRIES, IORING_SETUP_SQE128));
	self->nop = mt_job_nop();
	self->run = (struct drm_mho_uring_run){ 0 };
	ASSERT_EQ(0, mt_prepare_nop(&self->s, DRM_MHO_JOB_FENCE, MT_MANY, &self->run.handle));
}

/* Nobody has the driver any more: no file, ring or job. Rings end in the background. */
static int leave_nothing(FIXTURE_DATA(uring_cancel) * self)
{
	int64_t steps = MT_WAIT_NS / 20000000;
	int ret;

	mt_ring_close(&self->ring);
	mt_session_close(&self->s);
	while ((ret = mt_module_unload()) == -EWOULDBLOCK && steps--)
		usleep(20000);
	return ret ? ret : mt_module_load("");
}

FIXTURE_TEARDOWN(uring_cancel)
{
	if (self->ring.fd >= 0)
		mt_ring_close(&self->ring);
	if (self->s.fd >= 0)
		mt_session_close(&self->s);
	EXPECT_EQ(0, mt_repair());
}

/* --- CANCEL --- */

/* One of several that wait. The others, and what is not a command's, do not notice. */
TEST_F(uring_cancel, one)
{
	struct mt_cqe cqes[3];
	struct mt_hold hold;
	int i;

	ASSERT_EQ(0, mt_hold_back(&self->s, &hold));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, 3));
	mt_ring_cancel(&self->ring, &self->s, 0, 1, 100);
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 2));
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(cqes[i].user_data == 1 || cqes[i].user_data == 100);
		EXPECT_EQ(cqes[i].user_data == 1 ? -ECANCELED : 1, cqes[i].res);
	}
	/* It is no more. */
	mt_ring_cancel(&self->ring, &self->s, 0, 1, 101);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	ASSERT_EQ(0, mt_hold_release(&hold));
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 2));
	EXPECT_EQ(2, cqes[0].user_data + cqes[1].user_data);
	EXPECT_EQ(0, cqes[0].res);
	EXPECT_EQ(0, cqes[1].res);
}

/* Its memory is not written after it was cancelled, and its syncobjs signal with the error. */
TEST_F(uring_cancel, with_all_that_it_has)
{
	struct drm_mho_sync in = { 0 }, out = { 0 };
	struct drm_mho_uring_ext ext = { .in_syncs = (uintptr_t)&in,
					 .in_sync_count = 1,
					 .out_syncs = (uintptr_t)&out,
					 .out_sync_count = 1,
					 .result_handle = self->s.results.handle };
	struct mt_cqe cqes[2];
	struct mt_hold hold;
	int i;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	in.handle = hold.syncobj;
	ASSERT_EQ(0, mt_syncobj_create(self->s.fd, 0, &out.handle));
	mt_ring_job(&self->ring, &self->s, &self->nop, &ext, 1);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	EXPECT_EQ(0, mt_fence_status(self->s.fd, out.handle));
	mt_ring_cancel(&self->ring, &self->s, 0, 1, 2);
	ASSERT_EQ(0, mt_ring_finish(&self->ring, cqes, 2));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(cqes[i].user_data == 1 ? -ECANCELED : 1, cqes[i].res);
	/* The order of the context is not given up for it: its turn comes after the hold. */
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, out.handle, MT_WAIT_NS));
	EXPECT_EQ(-ECANCELED, mt_fence_status(self->s.fd, out.handle));
	EXPECT_EQ(0, mt_ctx_idle(&self->s));
	EXPECT_EQ(0, mt_run_one(&self->s, &self->nop));
}

/* All that have the same number; all of a context, and of no other. */
TEST_F(uring_cancel, several)
{
	struct drm_mho_submit args = mt_submit_args(&self->s, &self->nop, 1);
	struct mt_session other = self->s;
	struct drm_mho_uring_run run = { 0 };
	struct mt_hold hold, others;
	struct mt_cqe cqe;
	int i, sum = 0;

	ASSERT_EQ(0, mt_ctx_create(self->s.fd, &other.ctx));
	ASSERT_EQ(0, mt_prepare_nop(&other, 0, 4, &run.handle));
	ASSERT_EQ(0, mt_hold_back(&self->s, &hold));
	ASSERT_EQ(0, mt_hold_back(&other, &others));
	for (i = 0; i < 4; i++) {
		mt_ring_run(&self->ring, &self->s, &self->run, 7);
		mt_ring_run(&self->ring, &other, &run, 7);
	}
	mt_ring_job(&self->ring, &self->s, &self->nop, NULL, 8);
	mt_ring_batch(&self->ring, &self->s, &args, 9);
	mt_ring_cancel(&self->ring, &self->s, 0, 7, 100);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		EXPECT_TRUE(cqe.user_data == 7 || cqe.user_data == 100);
		EXPECT_EQ(cqe.user_data == 7 ? -ECANCELED : 4, cqe.res);
	}
	mt_ring_cancel(&self->ring, &self->s, DRM_MHO_CANCEL_ALL, 0, 101);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		sum += (int)cqe.user_data;
		EXPECT_EQ(cqe.user_data == 101 ? 2 : -ECANCELED, cqe.res);
	}
	EXPECT_EQ(8 + 9 + 101, sum);
	EXPECT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
	ASSERT_EQ(0, mt_hold_release(&others));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
		EXPECT_EQ(7, cqe.user_data);
		EXPECT_EQ(0, cqe.res);
	}
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_ctx_idle(&self->s));
}

/* What the device has only a reset ends; there is nothing to cancel where nothing is. */
TEST_F(uring_cancel, on_the_device)
{
	struct drm_mho_submit args = mt_submit_args(&self->s, &self->nop, 1);
	struct mt_cqe cqe;

	mt_ring_cancel(&self->ring, &self->s, 0, 1, 2);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	mt_ring_cancel(&self->ring, &self->s, DRM_MHO_CANCEL_ALL, 0, 2);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	ASSERT_EQ(0, mt_order("fault hang"));
	mt_ring_batch(&self->ring, &self->s, &args, 1);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	ASSERT_EQ(0, mt_fault_taken("hang"));
	mt_ring_cancel(&self->ring, &self->s, 0, 1, 2);
	EXPECT_EQ(-EALREADY, mt_ring_one(&self->ring));
	ASSERT_EQ(0, mt_ctx_reset(&self->s));
	ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
	EXPECT_EQ(1, cqe.user_data);
	EXPECT_EQ(-ECANCELED, cqe.res);
	mt_ring_cancel(&self->ring, &self->s, 0, 1, 2);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
}

/* Others' commands are not one's to cancel. */
TEST_F(uring_cancel, of_another_file)
{
	struct mt_session other;
	struct mt_hold hold;

	ASSERT_EQ(0, mt_session_open(&other));
	ASSERT_EQ(0, mt_hold_back(&self->s, &hold));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, 1));
	mt_ring_cancel(&self->ring, &other, 0, 0, 1);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	mt_ring_cancel(&self->ring, &other, DRM_MHO_CANCEL_ALL, 0, 1);
	EXPECT_EQ(-ENOENT, mt_ring_one(&self->ring));
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, 1, 0));
	mt_session_close(&other);
}

/* --- Cancel and completion at the same time --- */

#define ROUNDS 2000
/* More than a small queue holds, so that some of them wait in the driver. */
#define AT_ONCE 12

/* One of those that wait, or all, while the device takes one after the other. */
TEST_F(uring_cancel, races_completion)
{
	struct drm_mho_ctx_create ctx = { .priority = DRM_MHO_PRIORITY_NORMAL, .depth = 1 };
	unsigned int round, i, cancelled, total = 0, late = 0;
	struct drm_mho_uring_run run = { 0 };
	struct mt_session s = self->s;
	struct mt_cqe cqe;
	int claimed;

	ASSERT_EQ(0, mt_ioctl(s.fd, DRM_IOCTL_MHO_CTX_CREATE, &ctx));
	ASSERT_GT(AT_ONCE, ctx.depth);
	s.ctx = ctx.handle;
	ASSERT_EQ(0, mt_prepare_nop(&s, 0, 2 * AT_ONCE, &run.handle));
	for (round = 0; round < ROUNDS; round++) {
		bool seen[AT_ONCE + 1] = { false };

		/* By turns with the commands, and after them. */
		for (i = 0; i < AT_ONCE; i++)
			mt_ring_run(&self->ring, &s, &run, i);
		if (round % 2)
			ASSERT_EQ(0, mt_ring_submit(&self->ring));
		mt_ring_cancel(&self->ring, &s, round % 3 ? 0 : DRM_MHO_CANCEL_ALL,
			       round % 3 ? round % AT_ONCE : 0, AT_ONCE);
		ASSERT_EQ(0, mt_ring_submit(&self->ring));
		cancelled = 0;
		claimed = 0;
		for (i = 0; i < AT_ONCE + 1; i++) {
			ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
			ASSERT_GE(AT_ONCE, cqe.user_data);
			ASSERT_FALSE(seen[cqe.user_data]);
			seen[cqe.user_data] = true;
			if (cqe.user_data == AT_ONCE) {
				claimed = cqe.res;
				ASSERT_TRUE(claimed > 0 || claimed == -ENOENT ||
					    claimed == -EALREADY);
			} else {
				ASSERT_TRUE(!cqe.res || cqe.res == -ECANCELED);
				cancelled += cqe.res != 0;
			}
		}
		ASSERT_EQ(cancelled, claimed > 0 ? (unsigned int)claimed : 0);
		total += cancelled;
		late += claimed < 0;
		ASSERT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
	}
	TH_LOG("%u cancelled, %u times too late", total, late);
	EXPECT_LT(0, total);
	ASSERT_EQ(0, mt_ctx_idle(&s));
	/* Each ended once: those that were cancelled, too. */
	EXPECT_EQ(ROUNDS * AT_ONCE, mt_ctx_state(&s).jobs);
}

/* What a thread has that cancels all the time. */
struct canceller {
	struct mt_session *s;
	volatile bool stop;
	int64_t claimed;
	int error;
};

static void *cancel_all_the_time(void *arg)
{
	struct canceller *c = arg;
	struct mt_ring ring;
	int ret;

	c->error = mt_ring_open(&ring, 8, 0);
	while (!c->error && !c->stop) {
		mt_ring_cancel(&ring, c->s, DRM_MHO_CANCEL_ALL, 0, 0);
		ret = mt_ring_one(&ring);
		if (ret > 0)
			c->claimed += ret;
		else if (ret != -ENOENT && ret != -EALREADY)
			c->error = ret ? ret : -EPROTO;
	}
	mt_ring_close(&ring);
	return NULL;
}

/* From another thread and ring; commands wait for each other, so that there is what to cancel. */
TEST_F(uring_cancel, races_from_another_thread)
{
	struct canceller canceller = { .s = &self->s };
	uint64_t jobs = mt_ctx_state(&self->s).jobs;
	unsigned int round, cancelled = 0, i;
	struct mt_cqe cqe;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, cancel_all_the_time, &canceller));
	for (round = 0; round < ROUNDS / 40; round++) {
		uint8_t seen[MT_MANY] = { 0 };

		ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, MT_MANY));
		for (i = 0; i < MT_MANY; i++) {
			ASSERT_EQ(0, mt_ring_wait(&self->ring, &cqe));
			ASSERT_GT(MT_MANY, cqe.user_data);
			ASSERT_EQ(0, seen[cqe.user_data]++);
			ASSERT_TRUE(!cqe.res || cqe.res == -ECANCELED);
			cancelled += cqe.res != 0;
		}
		ASSERT_EQ(-EAGAIN, mt_ring_peek(&self->ring, &cqe));
	}
	canceller.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, canceller.error);
	EXPECT_EQ(cancelled, canceller.claimed);
	TH_LOG("%u of %u cancelled", cancelled, round * MT_MANY);
	ASSERT_EQ(0, mt_ctx_idle(&self->s));
	EXPECT_EQ(jobs + (uint64_t)round * MT_MANY, mt_ctx_state(&self->s).jobs);
	EXPECT_EQ(0, leave_nothing(self));
}

/* --- The end of a ring --- */

/* With hundreds on a device that hangs; the context is as good as before once it was reset. */
TEST_F(uring_cancel, ring_closed)
{
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, mt_pin(&self->s));
		ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, MT_MANY));
		mt_ring_close(&self->ring);
		EXPECT_EQ(0, mt_ctx_reset(&self->s));
		EXPECT_EQ(0, mt_ctx_idle(&self->s));
		ASSERT_EQ(0, mt_ring_open(&self->ring, ENTRIES, IORING_SETUP_SQE128));
		EXPECT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, MT_MANY));
		EXPECT_EQ(0, mt_ring_wrong(&self->ring, MT_MANY, 0));
	}
}

/* With hundreds that complete at this very moment. */
TEST_F(uring_cancel, ring_closed_in_full_swing)
{
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, mt_ring_fill(&self->ring, &self->s, &self->run, MT_MANY));
		mt_ring_close(&self->ring);
		ASSERT_EQ(0, mt_ring_open(&self->ring, ENTRIES,
					  i % 2 ? IORING_SETUP_SQE128 :
						  IORING_SETUP_SINGLE_ISSUER |
							  IORING_SETUP_DEFER_TASKRUN));
		ASSERT_EQ(0, mt_ctx_idle(&self->s));
	}
	EXPECT_EQ(0, mt_run_one(&self->s, &self->nop));
	EXPECT_EQ(0, leave_nothing(self));
}

/* Commands that wait for a fence end with their ring, not with the fence. */
TEST_F(uring_cancel, ring_closed_before_a_fence)
{
	struct drm_mho_uring_ext ext = { .in_sync_count = 1 };
	struct drm_mho_sync in = { 0 };
	struct mt_hold hold;
	int i;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	in.handle = hold.syncobj;
	ext.in_syncs = (uintptr_t)&in;
	for (i = 0; i < MT_MANY; i++)
		mt_ring_job(&self->ring, &self->s, &self->nop, &ext, i);
	ASSERT_EQ(0, mt_ring_submit(&self->ring));
	mt_ring_close(&self->ring);
	ASSERT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_ctx_idle(&self->s));
	EXPECT_EQ(0, mt_run_one(&self->s, &self->nop));
	EXPECT_EQ(0, leave_nothing(self));
}

/* --- The end of a context, from the task that would have to be told --- */

static const uint32_t ring_kinds[] = { 0, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };

TEST_F(uring_cancel, context_destroyed)
{
	struct mt_session s = self->s;
	struct drm_mho_uring_run run = { 0 };
	struct mt_ring ring;
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(ring_kinds); i++) {
		ASSERT_EQ(0, mt_ring_open(&ring, ENTRIES, ring_kinds[i]));
		ASSERT_EQ(0, mt_ctx_create(s.fd, &s.ctx));
		ASSERT_EQ(0, mt_prepare_nop(&s, DRM_MHO_JOB_FENCE, MT_MANY, &run.handle));
		ASSERT_EQ(0, mt_pin(&s));
		ASSERT_EQ(0, mt_ring_fill(&ring, &s, &run, MT_MANY));
		ASSERT_EQ(0, mt_ctx_destroy(s.fd, s.ctx));
		EXPECT_EQ(0, mt_ring_wrong(&ring, MT_MANY, -ECANCELED));
		mt_ring_close(&ring);
	}
}

/* Also of what waits for a fence: the call does not. */
TEST_F(uring_cancel, context_destroyed_before_a_fence)
{
	struct mt_session s = self->s;
	struct drm_mho_uring_run run = { 0 };
	struct mt_hold hold;

	ASSERT_EQ(0, mt_ctx_create(s.fd, &s.ctx));
	ASSERT_EQ(0, mt_prepare_nop(&s, 0, MT_MANY, &run.handle));
	ASSERT_EQ(0, mt_hold_back(&s, &hold));
	ASSERT_EQ(0, mt_ring_fill(&self->ring, &s, &run, MT_MANY));
	ASSERT_EQ(0, mt_ctx_destroy(s.fd, s.ctx));
	EXPECT_EQ(0, mt_ring_wrong(&self->ring, MT_MANY, -ECANCELED));
	mt_hold_release(&hold);
}

TEST_F(uring_cancel, context_reset)
{
	struct mt_ring ring;
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(ring_kinds); i++) {
		ASSERT_EQ(0, mt_ring_open(&ring, ENTRIES, ring_kinds[i]));
		ASSERT_EQ(0, mt_pin(&self->s));
		ASSERT_EQ(0, mt_ring_fill(&ring, &self->s, &self->run, MT_MANY));
		ASSERT_EQ(0, mt_ctx_reset(&self->s));
		EXPECT_EQ(0, mt_ring_wrong(&ring, MT_MANY, -ECANCELED));
		EXPECT_EQ(0, mt_ring_fill(&ring, &self->s, &self->run, MT_MANY));
		EXPECT_EQ(0, mt_ring_wrong(&ring, MT_MANY, 0));
		mt_ring_close(&ring);
	}
}

/* --- The end of threads and processes --- */

/* What a thread leaves behind. */
struct left {
	struct mt_session *s;
	struct drm_mho_uring_run *run;
	struct mt_ring ring;
	uint32_t flags;
	int ret;
};

static void *leave(void *arg)
{
	struct left *left = arg;

	left->ret = mt_ring_open(&left->ring, ENTRIES, left->flags);
	if (!left->ret)
		left->ret = mt_ring_fill(&left->ring, left->s, left->run, MT_MANY);
	return NULL;
}

/* The thread whose ring it was is gone when the jobs end; later the ring is closed. */
TEST_F(uring_cancel, thread_ends)
{
	struct left left = { .s = &self->s, .run = &self->run };
	pthread_t thread;
	size_t i;

	for (i = 0; i < MT_ARRAY_SIZE(ring_kinds); i++) {
		left.flags = ring_kinds[i];
		ASSERT_EQ(0, mt_pin(&self->s));
		ASSERT_EQ(0, pthread_create(&thread, NULL, leave, &left));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, left.ret);
		EXPECT_EQ(0, mt_ctx_reset(&self->s));
		EXPECT_EQ(0, mt_ctx_idle(&self->s));
		mt_ring_close(&left.ring);
	}
	EXPECT_EQ(0, mt_run_one(&self->s, &self->nop));
	EXPECT_EQ(0, leave_nothing(self));
}

/* How a process that is killed has its commands wait. */
enum waits {
	ON_THE_DEVICE,
	FOR_A_FENCE,
	ON_SQPOLL,
	NOT_AT_ALL,
};

/* Never returns. The fence is the parent's, which knows when it signals. */
static void be_killed(int ready, enum waits how, int sync_file)
{
	struct drm_mho_uring_ext ext = { .in_sync_count = 1 };
	struct drm_mho_job nop = mt_job_nop();
	struct drm_mho_uring_run run = { 0 };
	struct drm_mho_sync in = { 0 };
	struct mt_session s;
	struct mt_ring ring;
	struct mt_cqe cqe;
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mt_session_open(&s) || mt_prepare_nop(&s, DRM_MHO_JOB_FENCE, MT_MANY, &run.handle) ||
	    mt_ring_open(&ring, ENTRIES,
			 how == FOR_A_FENCE ? IORING_SETUP_SQE128 :
			 how == ON_SQPOLL   ? IORING_SETUP_SQPOLL :
					      IORING_SETUP_SINGLE_ISSUER |
						    IORING_SETUP_DEFER_TASKRUN))
		_exit(1);
	if ((how == ON_THE_DEVICE || how == ON_SQPOLL) && mt_pin(&s))
		_exit(2);
	if (how == FOR_A_FENCE) {
		if (mt_syncobj_create(s.fd, 0, &in.handle) ||
		    mt_syncobj_import(s.fd, in.handle, sync_file))
			_exit(3);
		ext.in_syncs = (uintptr_t)&in;
		for (i = 0; i < MT_MANY; i++)
			mt_ring_job(&ring, &s, &nop, &ext, i);
		if (mt_ring_submit(&ring))
			_exit(4);
	} else if (mt_ring_fill(&ring, &s, &run, MT_MANY)) {
		_exit(5);
	}
	if (write(ready, "x", 1) != 1)
		_exit(6);
	/* In the kernel, waiting, or coming and going. */
	for (;;) {
		if (mt_ring_wait(&ring, &cqe))
			_exit(7);
		mt_ring_run(&ring, &s, &run, 0);
		mt_ring_submit(&ring);
	}
}

static int kill_one(enum waits how, int sync_file)
{
	int ready[2], status;
	time_t start;
	char byte;
	pid_t pid;

	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid)
		be_killed(ready[1], how, sync_file);
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1)
		kill(pid, SIGKILL);
	start = time(NULL);
	close(ready[0]);
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		return WIFEXITED(status) ? WEXITSTATUS(status) : -EPROTO;
	return time(NULL) - start > PATIENCE ? -ETIME : 0;
}

/* Nobody has the driver any more, and a new process can have all of the card. */
TEST_F(uring_cancel, killed_on_a_device_that_hangs)
{
	EXPECT_EQ(0, kill_one(ON_THE_DEVICE, -1));
	EXPECT_EQ(0, mt_run_one(&self->s, &self->nop));
	EXPECT_EQ(0, kill_one(ON_SQPOLL, -1));
	EXPECT_EQ(0, mt_run_one(&self->s, &self->nop));
	EXPECT_EQ(0, leave_nothing(self));
}

/* The fence that it waits for has still not come when it is gone. */
TEST_F(uring_cancel, killed_before_a_fence)
{
	struct mt_hold hold;

	ASSERT_EQ(0, mt_hold_create(self->s.fd, &hold));
	EXPECT_EQ(0, kill_one(FOR_A_FENCE, hold.sync_file));
	EXPECT_EQ(0, mt_hold_release(&hold));
	EXPECT_EQ(0, mt_run_one(&self->s, &self->nop));
	EXPECT_EQ(0, leave_nothing(self));
}

TEST_F(uring_cancel, killed_in_full_swing)
{
	int i;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, kill_one(NOT_AT_ALL, -1));
	EXPECT_EQ(0, mt_run_one(&self->s, &self->nop));
	EXPECT_EQ(0, leave_nothing(self));
}

MHO_TEST_MAIN
