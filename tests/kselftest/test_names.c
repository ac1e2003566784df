// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Named arrays: found again by their user after the program and the driver ended, and by nobody
 * else; one file at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mho_test.h"

#define NOBODY 65534
#define ROWS 12
#define COLS 10
#define CELLS (ROWS * COLS)

static int make_named(int fd, const char *label, uint64_t tag, uint32_t *handle)
{
	struct drm_mho_array_create args = mt_array_args(ROWS, COLS);
	int ret;

	args.flags = DRM_MHO_ARRAY_NAMED;
	args.tag = tag;
	memcpy(args.label, label, strnlen(label, sizeof(args.label)));
	ret = mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_CREATE, &args);
	*handle = args.handle;
	return ret;
}

static int find(int fd, const char *label, uint32_t *handle)
{
	struct drm_mho_array_find args = { 0 };
	int ret;

	memcpy(args.label, label, strnlen(label, sizeof(args.label)));
	ret = mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_FIND, &args);
	*handle = args.handle;
	return ret;
}

static int detach(int fd, uint32_t handle)
{
	struct drm_mho_array_handle args = { .handle = handle };

	return mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_DETACH, &args);
}

static void weights(float *w)
{
	mt_fill(w, CELLS, 0.5F, 7);
}

static int write_weights(const struct mt_session *s, uint32_t array)
{
	struct drm_mho_job job = mt_job_program(s, array);

	weights(mt_data(s, MT_AT_WEIGHTS));
	return mt_run_one(s, &job);
}

/* Whether the array holds what write_weights() wrote. */
static int has_weights(const struct mt_session *s, uint32_t array)
{
	struct drm_mho_job job = mt_job_read(s, array, 16);
	float want[CELLS];

	weights(want);
	if (mt_run_one(s, &job))
		return 0;
	return mt_error2(mt_data(s, MT_AT_READ), want, CELLS) < 0.01;
}

/* Destroys what a test that failed may have left. */
static void forget(const char *label)
{
	uint32_t handle;
	int fd = mt_open();

	if (fd < 0)
		return;
	if (!find(fd, label, &handle))
		mt_array_destroy(fd, handle);
	close(fd);
}

FIXTURE(names)
{
	struct mt_session s;
};

FIXTURE_SETUP(names)
{
	forget("mho-test");
	ASSERT_EQ(0, mt_session_open(&self->s));
}

FIXTURE_TEARDOWN(names)
{
	mt_session_close(&self->s);
	forget("mho-test");
}

TEST_F(names, after_close)
{
	struct drm_mho_array_info info = { 0 };
	struct mt_session s;
	uint32_t array;
	int before = mt_tiles_free(self->s.fd);

	ASSERT_EQ(0, mt_session_open(&s));
	ASSERT_EQ(0, make_named(s.fd, "mho-test", 5, &array));
	ASSERT_EQ(0, write_weights(&s, array));
	mt_session_close(&s);
	/* It still has its tile. */
	EXPECT_EQ(before - 1, mt_tiles_free(self->s.fd));
	ASSERT_EQ(0, find(self->s.fd, "mho-test", &array));
	EXPECT_TRUE(has_weights(&self->s, array));
	info.handle = array;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	EXPECT_EQ(DRM_MHO_ARRAY_NAMED, info.flags);
	EXPECT_EQ(5, info.tag);
	EXPECT_EQ(ROWS, info.rows);
	EXPECT_EQ(COLS, info.cols);
	EXPECT_STREQ("mho-test", (const char *)info.label);
	ASSERT_EQ(0, mt_array_destroy(self->s.fd, array));
	EXPECT_EQ(-ENOENT, find(self->s.fd, "mho-test", &array));
	EXPECT_EQ(before, mt_tiles_free(self->s.fd));
}

static int child_makes(void *arg)
{
	struct mt_session s;
	uint32_t array;

	(void)arg;
	return mt_session_open(&s) || make_named(s.fd, "mho-test", 0, &array) ||
	       write_weights(&s, array);
}

TEST_F(names, other_process)
{
	uint32_t array;

	ASSERT_EQ(0, mt_child(0, child_makes, NULL));
	ASSERT_EQ(0, find(self->s.fd, "mho-test", &array));
	EXPECT_TRUE(has_weights(&self->s, array));
}

TEST_F(names, detach)
{
	struct mt_session other;
	uint32_t array, again;

	ASSERT_EQ(0, mt_session_open(&other));
	ASSERT_EQ(0, make_named(self->s.fd, "mho-test", 0, &array));
	ASSERT_EQ(0, write_weights(&self->s, array));
	EXPECT_EQ(0, detach(self->s.fd, array));
	EXPECT_FALSE(has_weights(&self->s, array));
	EXPECT_EQ(-ENOENT, detach(self->s.fd, array));
	ASSERT_EQ(0, find(other.fd, "mho-test", &again));
	EXPECT_TRUE(has_weights(&other, again));
	mt_session_close(&other);
}

/* One file at a time, and once in it. */
TEST_F(names, one_at_a_time)
{
	struct mt_session other;
	uint32_t array, again;

	ASSERT_EQ(0, mt_session_open(&other));
	ASSERT_EQ(0, make_named(self->s.fd, "mho-test", 0, &array));
	EXPECT_EQ(-EBUSY, find(other.fd, "mho-test", &again));
	EXPECT_EQ(-EEXIST, find(self->s.fd, "mho-test", &again));
	EXPECT_EQ(-EEXIST, make_named(self->s.fd, "mho-test", 0, &again));
	EXPECT_EQ(-EEXIST, make_named(other.fd, "mho-test", 0, &again));
	mt_session_close(&other);
}

static int nobody_looks(void *arg)
{
	struct mt_session s;
	uint32_t array;
	int ret;

	(void)arg;
	if (mt_session_open(&s))
		return 200;
	ret = find(s.fd, "mho-test", &array);
	if (ret != -ENOENT)
		return 1;
	/* The name is free for this user, and means an array of its own. */
	if (make_named(s.fd, "mho-test", 9, &array))
		return 2;
	if (has_weights(&s, array))
		return 3;
	return mt_array_destroy(s.fd, array) ? 4 : 0;
}

TEST_F(names, other_user)
{
	uint32_t array;

	ASSERT_EQ(0, make_named(self->s.fd, "mho-test", 0, &array));
	ASSERT_EQ(0, write_weights(&self->s, array));
	ASSERT_EQ(0, chmod(mt_node(), 0666));
	EXPECT_EQ(0, mt_child(NOBODY, nobody_looks, NULL));
	ASSERT_EQ(0, chmod(mt_node(), 0660));
	EXPECT_TRUE(has_weights(&self->s, array));
	/* Nor when nobody has it. */
	ASSERT_EQ(0, detach(self->s.fd, array));
	ASSERT_EQ(0, chmod(mt_node(), 0666));
	EXPECT_EQ(0, mt_child(NOBODY, nobody_looks, NULL));
	ASSERT_EQ(0, chmod(mt_node(), 0660));
}

TEST_F(names, tag)
{
	struct drm_mho_array_tag args = { .tag = ~0ULL };
	struct drm_mho_array_info info = { 0 };
	uint32_t array;

	ASSERT_EQ(0, make_named(self->s.fd, "mho-test", 3, &array));
	args.handle = array;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_TAG, &args));
	ASSERT_EQ(0, detach(self->s.fd, array));
	ASSERT_EQ(0, find(self->s.fd, "mho-test", &array));
	info.handle = array;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	EXPECT_EQ(~0ULL, info.tag);
}

/* Names are bytes: the longest that fits; what begins alike is another name. */
TEST_F(names, labels)
{
	const char *longest = "0123456789012345678901234567890";
	const char *shorter = "012345678901234567890123456789";
	uint32_t a, b;

	forget(longest);
	forget(shorter);
	ASSERT_EQ(0, make_named(self->s.fd, longest, 0, &a));
	EXPECT_EQ(-ENOENT, find(self->s.fd, shorter, &b));
	ASSERT_EQ(0, make_named(self->s.fd, shorter, 0, &b));
	EXPECT_EQ(-EINVAL, make_named(self->s.fd, "01234567890123456789012345678901", 0, &b));
	EXPECT_EQ(-EINVAL, make_named(self->s.fd, "", 0, &b));
	EXPECT_EQ(-EINVAL, find(self->s.fd, "", &b));
	mt_session_close(&self->s);
	forget(longest);
	forget(shorter);
	ASSERT_EQ(0, mt_session_open(&self->s));
}

static int run_program(const char *path, const char *arg)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execlp(path, path, arg, NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) ? -1 : WEXITSTATUS(status);
}

/* The driver goes and comes back: the name stays, what has none is gone. */
TEST(after_reload)
{
	struct mt_session s;
	uint32_t array, unnamed;
	int before;

	forget("mho-test");
	ASSERT_EQ(0, mt_session_open(&s));
	before = mt_tiles_free(s.fd);
	ASSERT_EQ(0, make_named(s.fd, "mho-test", 77, &array));
	ASSERT_EQ(0, mt_array_create(s.fd, 8, 8, &unnamed));
	ASSERT_EQ(0, write_weights(&s, array));
	mt_session_close(&s);
	ASSERT_EQ(0, run_program("rmmod", "mho"));
	ASSERT_EQ(NULL, mt_node());
	ASSERT_EQ(0, run_program("modprobe", "mho"));
	ASSERT_EQ(0, mt_session_open(&s));
	EXPECT_EQ(before - 1, mt_tiles_free(s.fd));
	ASSERT_EQ(0, find(s.fd, "mho-test", &array));
	EXPECT_TRUE(has_weights(&s, array));
	EXPECT_EQ(0, mt_array_destroy(s.fd, array));
	EXPECT_EQ(before, mt_tiles_free(s.fd));
	mt_session_close(&s);
}

MHO_TEST_MAIN
