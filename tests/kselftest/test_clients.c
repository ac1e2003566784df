// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Processes that come and go while jobs are in flight: killed, forked, handing on their open file.
 * What was theirs is free, and others do not notice.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define SEED 61
#define CHILDREN 4
#define JOBS 64

FIXTURE(clients)
{
	struct mt_session s;
	uint32_t array;
	int free;
};

FIXTURE_SETUP(clients)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_model_make(&self->s, NULL, SEED, &self->array));
	self->free = mt_tiles_free(self->s.fd);
}

FIXTURE_TEARDOWN(clients)
{
	mt_control("clear", NULL, 0);
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
	EXPECT_EQ(self->free, mt_tiles_free(self->s.fd));
	mt_session_close(&self->s);
	/* Nobody has the driver any more. */
	EXPECT_EQ(0, mt_module_unload());
	EXPECT_EQ(0, mt_module_load(""));
	EXPECT_EQ(0, mt_repair());
}

/* Never returns: jobs in flight, jobs that wait, an array, a mapped buffer. */
static void be_killed(int ready, bool hang)
{
	struct drm_mho_job jobs[JOBS];
	struct mt_session s;
	uint32_t array;
	int i;

	if (mt_session_open(&s) || mt_model_make(&s, NULL, SEED + 1, &array))
		_exit(1);
	for (i = 0; i < JOBS; i++)
		jobs[i] = mt_model_job(&s, array);
	if (hang && mt_order("fault hang"))
		_exit(2);
	for (i = 0; i < 8; i++)
		if (mt_submit(&s, jobs, JOBS))
			_exit(3);
	if (hang && mt_fault_taken("hang"))
		_exit(4);
	if (write(ready, "x", 1) != 1)
		_exit(5);
	for (;;)
		pause();
}

/* Ends with the child's end. */
static int kill_one(bool hang)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid)
		be_killed(ready[1], hang);
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1)
		kill(pid, SIGKILL);
	close(ready[0]);
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : -EPROTO;
}

TEST_F(clients, killed)
{
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, kill_one(false));
		ASSERT_EQ(0, mt_model_check(&self->s, self->array, SEED));
	}
}

TEST_F(clients, killed_with_a_hung_job)
{
	ASSERT_EQ(0, kill_one(true));
	EXPECT_EQ(self->free, mt_tiles_free(self->s.fd));
}

/* The child's use of the file is the parent's; the last one of them closes it. */
static int use_and_exit(void *arg)
{
	struct mt_session *s = arg;
	struct drm_mho_job nop = mt_job_nop();

	if (mt_run_one(s, &nop))
		return 1;
	close(s->fd);
	return 0;
}

TEST_F(clients, forked)
{
	int i;

	for (i = 0; i < CHILDREN; i++)
		ASSERT_EQ(0, mt_child(0, use_and_exit, &self->s));
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
}

/* Whose file it was is gone while its jobs run; who has it now sees them end. */
static int hand_over(int socket)
{
	struct drm_mho_job jobs[JOBS];
	struct mt_session s;
	uint32_t array;
	int i;

	if (mt_session_open(&s) || mt_model_make(&s, NULL, SEED, &array))
		return 1;
	for (i = 0; i < JOBS; i++)
		jobs[i] = mt_model_job(&s, array);
	if (mt_order("fault cmd-delay 500") || mt_submit(&s, jobs, JOBS))
		return 2;
	if (write(socket, &s.done, sizeof(s.done)) != sizeof(s.done) || mt_send_fd(socket, s.fd))
		return 3;
	return 0;
}

TEST_F(clients, file_handed_over)
{
	int sockets[2], status, fd;
	uint32_t done = 0;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	pid = fork();
	if (!pid)
		_exit(hand_over(sockets[1]));
	close(sockets[1]);
	ASSERT_EQ((ssize_t)sizeof(done), read(sockets[0], &done, sizeof(done)));
	fd = mt_receive_fd(sockets[0]);
	ASSERT_LE(0, fd);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, mt_syncobj_wait(fd, done, MT_WAIT_NS));
	EXPECT_EQ(1, mt_fence_status(fd, done));
	close(fd);
	close(sockets[0]);
}

TEST_F(clients, duplicates_closed_in_any_order)
{
	struct drm_mho_job nop = mt_job_nop();
	int first = self->s.fd, second = dup(first);

	ASSERT_LE(0, second);
	close(first);
	self->s.fd = second;
	EXPECT_EQ(0, mt_run_one(&self->s, &nop));
}

MHO_TEST_MAIN
