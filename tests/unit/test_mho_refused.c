// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Where the kernel refuses io_uring: a child with a seccomp filter as containers
 * have it does the same work through an eventfd, or is told why it cannot.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mho_fixture.h"

/* From now on io_uring_setup() of this process fails with @err. */
static int forbid(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

static char said[1024];

static void listen(void *arg, int level, const char *text)
{
	(void)arg;
	(void)level;
	strncat(said, text, sizeof(said) - 1 - strlen(said));
}

/* Results of the child; cmocka's asserts do not work in it. */
enum {
	GOOD = 0,
	NO_FILTER = 77,
};

static int demand(int err, const char *why)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	struct mho_dev *dev;

	opts.io = MHO_IO_URING;
	if (mho_open("emu:small", &opts, &dev) != -err)
		return 10;
	return strstr(mho_last_error(), why) && strstr(mho_last_error(), "MHO_IO_THREAD") ? 0 : 11;
}

static int fall_back(void)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	struct mho_info info = MHO_INIT(struct mho_info);
	struct mho_job job = { .op = MHO_OP_NOP }, *list = &job, *done;
	struct mho_queue *queue;
	struct mho_dev *dev;

	opts.log = listen;
	opts.log_level = MHO_LOG_INFO;
	if (mho_open("emu:small", &opts, &dev))
		return 20;
	if (mho_dev_info(dev, &info) || info.io != MHO_IO_THREAD)
		return 21;
	if (!strstr(said, "no io_uring: "))
		return 22;
	if (mho_queue_create(dev, NULL, &queue) || mho_queue_submit(queue, &list, 1) != 1 ||
	    mho_queue_reap(queue, &done, 1, 1, -1) != 1 || done != &job || job.status)
		return 23;
	mho_close(dev);
	return 0;
}

static int child(int err, const char *why)
{
	int ret;

	if (forbid(err))
		return NO_FILTER;
	ret = demand(err, why);
	return ret ? ret : fall_back();
}

static void in_child(int err, const char *why)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(child(err, why));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_FILTER)
		skip();
	assert_int_equal(WEXITSTATUS(status), GOOD);
}

static void test_eperm(void **state)
{
	(void)state;
	in_child(EPERM, "kernel.io_uring_disabled or a seccomp filter");
}

static void test_enosys(void **state)
{
	(void)state;
	in_child(ENOSYS, "does not know it");
}

static void test_eacces(void **state)
{
	(void)state;
	in_child(EACCES, "a security module");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eperm),
		cmocka_unit_test(test_enosys),
		cmocka_unit_test(test_eacces),
	};

	return cmocka_run_group_tests_name("mho_refused", tests, NULL, NULL);
}
