// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Who may open the node, what an open file is to whoever has it, and what it keeps alive.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mho_test.h"

#define NOBODY 65534
/* Group render in the guests' /etc/group. */
#define RENDER 106

/* What children hand back. */
enum outcome {
	WORKS,
	CANNOT_OPEN,
	CANNOT_RUN,
	WRONG_RESULT,
	NOT_SET_UP,
};

/* A job from open to result, as whoever the process is. */
static int use_node(void *arg)
{
	struct mt_session s;
	struct drm_mho_job job = mt_job_nop();
	int ret = mt_session_open(&s);

	(void)arg;
	if (ret == -EACCES)
		return CANNOT_OPEN;
	if (ret)
		return NOT_SET_UP;
	ret = mt_run_one(&s, &job);
	mt_session_close(&s);
	return ret ? CANNOT_RUN : WORKS;
}

/* The same with a supplementary group. */
static int use_node_as_render(void *arg)
{
	gid_t group = RENDER;

	if (setgroups(1, &group) || setgid(NOBODY) || setuid(NOBODY))
		return NOT_SET_UP;
	return use_node(arg);
}

FIXTURE(open)
{
	const char *node;
	struct stat before;
};

FIXTURE_SETUP(open)
{
	self->node = mt_node();
	ASSERT_NE(NULL, self->node);
	ASSERT_EQ(0, stat(self->node, &self->before));
}

FIXTURE_TEARDOWN(open)
{
	ASSERT_EQ(0, chmod(self->node, self->before.st_mode & 07777));
	ASSERT_EQ(0, chown(self->node, self->before.st_uid, self->before.st_gid));
}

TEST_F(open, version)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };
	int fd = mt_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mt_ioctl(fd, DRM_IOCTL_VERSION, &version));
	EXPECT_EQ(DRM_MHO_MAJOR, version.version_major);
	EXPECT_LE(DRM_MHO_MINOR, version.version_minor);
	EXPECT_STREQ("mho", name);
	close(fd);
}

/* An accel node: its major is that of accel, its minor that of its name. */
TEST_F(open, node)
{
	unsigned int number;

	EXPECT_TRUE(S_ISCHR(self->before.st_mode));
	EXPECT_EQ(261, major(self->before.st_rdev));
	ASSERT_EQ(1, sscanf(self->node, "/dev/accel/accel%u", &number));
	EXPECT_EQ(number, minor(self->before.st_rdev));
}

TEST_F(open, twice)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_session a, b;

	ASSERT_EQ(0, mt_session_open(&a));
	ASSERT_EQ(0, mt_session_open(&b));
	EXPECT_EQ(0, mt_run_one(&a, &nop));
	EXPECT_EQ(0, mt_run_one(&b, &nop));
	mt_session_close(&a);
	EXPECT_EQ(0, mt_run_one(&b, &nop));
	mt_session_close(&b);
}

/* The mode of the node decides, and nothing else. */
TEST_F(open, user)
{
	ASSERT_EQ(0, chmod(self->node, 0600));
	EXPECT_EQ(CANNOT_OPEN, mt_child(NOBODY, use_node, NULL));
	ASSERT_EQ(0, chmod(self->node, 0666));
	EXPECT_EQ(WORKS, mt_child(NOBODY, use_node, NULL));
}

/* As the udev rule has it. */
TEST_F(open, group)
{
	ASSERT_EQ(0, chmod(self->node, 0660));
	ASSERT_EQ(0, chown(self->node, 0, RENDER));
	EXPECT_EQ(CANNOT_OPEN, mt_child(NOBODY, use_node, NULL));
	EXPECT_EQ(WORKS, mt_child(0, use_node_as_render, NULL));
}

/* What a user without privileges is refused. */
static int privileged_calls(void *arg)
{
	struct drm_mho_ctx_create high = { .priority = DRM_MHO_PRIORITY_HIGH };
	struct drm_mho_ctx_create realtime = { .priority = DRM_MHO_PRIORITY_REALTIME };
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_DEVICE };
	struct drm_mho_selftest full = { .flags = DRM_MHO_SELFTEST_FULL };
	struct drm_mho_selftest quick = { 0 };
	struct drm_mho_calibrate calibrate = { .tile = 0 };
	int fd = mt_open();
	int refused = 0;

	(void)arg;
	if (fd < 0)
		return 100;
	refused += mt_ioctl(fd, DRM_IOCTL_MHO_CTX_CREATE, &high) == -EACCES;
	refused += mt_ioctl(fd, DRM_IOCTL_MHO_CTX_CREATE, &realtime) == -EACCES;
	refused += mt_ioctl(fd, DRM_IOCTL_MHO_RESET, &reset) == -EACCES;
	refused += mt_ioctl(fd, DRM_IOCTL_MHO_SELFTEST, &full) == -EACCES;
	refused += mt_ioctl(fd, DRM_IOCTL_MHO_CALIBRATE, &calibrate) == -EACCES;
	if (mt_ioctl(fd, DRM_IOCTL_MHO_SELFTEST, &quick))
		return 101;
	return refused;
}

TEST_F(open, privileges)
{
	ASSERT_EQ(0, chmod(self->node, 0666));
	EXPECT_EQ(5, mt_child(NOBODY, privileged_calls, NULL));
	EXPECT_EQ(0, mt_child(0, privileged_calls, NULL));
}

/* root in a user namespace of its own is nobody to the driver. */
static int in_user_namespace(void *arg)
{
	if (unshare(CLONE_NEWUSER))
		return 102;
	return privileged_calls(arg);
}

static int use_in_user_namespace(void *arg)
{
	return unshare(CLONE_NEWUSER) ? NOT_SET_UP : use_node(arg);
}

TEST_F(open, user_namespace)
{
	ASSERT_EQ(0, chmod(self->node, 0666));
	EXPECT_EQ(WORKS, mt_child(NOBODY, use_in_user_namespace, NULL));
	EXPECT_EQ(5, mt_child(NOBODY, in_user_namespace, NULL));
}

/* A sandbox that allows what the interface needs, and not io_uring, as containers do. */
static int in_sandbox(void *arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = MT_ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return NOT_SET_UP;
	if (syscall(SYS_io_uring_setup, 1, NULL) != -1 || errno != EPERM)
		return NOT_SET_UP;
	return use_node(arg);
}

TEST_F(open, seccomp)
{
	ASSERT_EQ(0, chmod(self->node, 0666));
	EXPECT_EQ(WORKS, mt_child(NOBODY, in_sandbox, NULL));
}

/* How a file was opened limits mappings, not ioctls: those are DRM's. */
TEST_F(open, modes)
{
	struct drm_mho_bo_create bo = { .size = 4096 };
	void *map;
	int fd;

	fd = open(self->node, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mt_ioctl(fd, DRM_IOCTL_MHO_BO_CREATE, &bo));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)bo.mmap_offset);
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(EACCES, errno);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)bo.mmap_offset);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(mt_all_zero(map, 4096));
	munmap(map, 4096);
	close(fd);

	fd = open(self->node, O_WRONLY);
	ASSERT_LE(0, fd);
	bo = (struct drm_mho_bo_create){ .size = 4096 };
	ASSERT_EQ(0, mt_ioctl(fd, DRM_IOCTL_MHO_BO_CREATE, &bo));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)bo.mmap_offset);
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(EACCES, errno);
	close(fd);

	/* Exclusive use is not offered. */
	EXPECT_GT(0, open(self->node, O_RDWR | O_EXCL));
}

/* One file, two descriptors: nothing ends before the last one is closed. */
TEST_F(open, dup)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_session s;
	int fd;

	ASSERT_EQ(0, mt_session_open(&s));
	fd = dup(s.fd);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, close(s.fd));
	s.fd = fd;
	EXPECT_EQ(0, mt_run_one(&s, &nop));
	mt_session_close(&s);
}

static int run_inherited(void *arg)
{
	struct drm_mho_job nop = mt_job_nop();

	return mt_run_one(arg, &nop) ? CANNOT_RUN : WORKS;
}

/* A child shares its parent's file, mappings and all, and its end is not the file's. */
TEST_F(open, fork)
{
	struct drm_mho_job nop = mt_job_nop();
	struct mt_session s;

	ASSERT_EQ(0, mt_session_open(&s));
	EXPECT_EQ(WORKS, mt_child(0, run_inherited, &s));
	EXPECT_EQ(0, mt_run_one(&s, &nop));
	mt_session_close(&s);
}

/* The parent closes its descriptor while the child works on: the file lives. */
TEST_F(open, fork_and_close)
{
	int go[2], status;
	struct mt_session s;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, mt_session_open(&s));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		if (read(go[0], &byte, 1) != 0)
			_exit(NOT_SET_UP);
		_exit(run_inherited(&s));
	}
	close(s.fd);
	close(go[0]);
	close(go[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(WORKS, WEXITSTATUS(status));
}

/* Over a socket, to an unrelated process, which may not open the node itself. */
static int run_received(void *arg)
{
	struct drm_mho_bo_create bo = { .size = 4096 };
	int *socket = arg;
	int fd;

	fd = mt_receive_fd(*socket);
	if (fd < 0)
		return NOT_SET_UP;
	if (mt_open() != -EACCES)
		return NOT_SET_UP;
	if (mt_ioctl(fd, DRM_IOCTL_MHO_BO_CREATE, &bo))
		return CANNOT_RUN;
	/* The sender's handles are the file's, and so the receiver's. */
	return bo.handle == 2 ? WORKS : WRONG_RESULT;
}

TEST_F(open, pass_on)
{
	struct drm_mho_bo_create bo = { .size = 4096 };
	int sockets[2], fd = mt_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mt_ioctl(fd, DRM_IOCTL_MHO_BO_CREATE, &bo));
	ASSERT_EQ(1, bo.handle);
	ASSERT_EQ(0, chmod(self->node, 0600));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, mt_send_fd(sockets[0], fd));
	/* In flight on the socket it is the only reference. */
	close(fd);
	EXPECT_EQ(WORKS, mt_child(NOBODY, run_received, &sockets[1]));
}

/* A file that was closed with work unfinished leaves nothing behind. */
TEST_F(open, close_gives_back)
{
	struct drm_mho_telemetry before, after;
	struct drm_mho_job jobs[8];
	struct mt_session s;
	uint32_t array;
	int i, fd = mt_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ((int)sizeof(before),
		  mt_query(fd, DRM_MHO_QUERY_TELEMETRY, 0, &before, sizeof(before)));
	/* More rounds than there are contexts, queues or arrays. */
	for (i = 0; i < 300; i++) {
		uint32_t k;

		ASSERT_EQ(0, mt_session_open(&s));
		ASSERT_EQ(0, mt_array_create(s.fd, 16, 16, &array));
		for (k = 0; k < MT_ARRAY_SIZE(jobs); k++)
			jobs[k] = mt_job_vectors(&s, array, DRM_MHO_OP_MVM, 4);
		ASSERT_EQ(0, mt_submit(&s, jobs, MT_ARRAY_SIZE(jobs)));
		mt_session_close(&s);
	}
	ASSERT_EQ((int)sizeof(after),
		  mt_query(fd, DRM_MHO_QUERY_TELEMETRY, 0, &after, sizeof(after)));
	EXPECT_EQ(before.tiles_free, after.tiles_free);
	close(fd);
}

/* The module stays while a file is open. */
TEST_F(open, module_in_use)
{
	int fd = mt_open();

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "mho", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_LT(0, mt_tiles_free(fd));
	close(fd);
}

/* poll() and read() are DRM's: no events come, none are offered. */
TEST_F(open, no_events)
{
	char event[64];
	struct pollfd p = { .fd = mt_open(), .events = POLLIN };

	ASSERT_LE(0, p.fd);
	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(0, fcntl(p.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(p.fd, event, sizeof(event)));
	EXPECT_EQ(EAGAIN, errno);
	close(p.fd);
}

MHO_TEST_MAIN
