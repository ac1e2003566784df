// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The state file: what is written comes back; a process or a machine that dies at
 * any step of a save leaves the old state or the new one; full disks and damaged
 * files lose nothing and are reported. Device states are tested with the device.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator/state.h"
#include "scratch.h"

/* Larger than the buffer of a save, so that a save has several writes. */
#define BIG (600U << 10)
#define SMALL 100U

static char dir[256];
static char path[400];
static char tmp_path[500];

static int make_dir(void **state)
{
	(void)state;
	if (scratch_dir(dir, sizeof(dir), "state"))
		return -1;
	snprintf(path, sizeof(path), "%s/card.state", dir);
	snprintf(tmp_path, sizeof(tmp_path), "%s.tmp", path);
	return 0;
}

static int remove_dir(void **state)
{
	char lock[500], link[500];

	(void)state;
	snprintf(lock, sizeof(lock), "%s.lock", path);
	snprintf(link, sizeof(link), "%s/link", dir);
	unlink(lock);
	unlink(link);
	unlink(tmp_path);
	unlink(path);
	return rmdir(dir);
}

/* Contents that tell their version and their place. */
static void fill(uint8_t *data, size_t len, unsigned int version)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + version * 101);
}

static int save(struct mho_state *st, unsigned int version)
{
	uint8_t *big = malloc(BIG);
	uint8_t small[SMALL];
	int ret;

	assert_non_null(big);
	fill(big, BIG, version);
	fill(small, SMALL, version + 1);
	ret = mho_state_begin(st);
	if (!ret) {
		mho_state_section(st, 7);
		mho_state_write(st, small, SMALL / 2);
		mho_state_write(st, small + SMALL / 2, SMALL - SMALL / 2);
		mho_state_section(st, 0x1000);
		mho_state_section(st, 8);
		mho_state_write(st, big, BIG);
		ret = mho_state_commit(st);
	}
	free(big);
	return ret;
}

/* Version of the state that the file holds in full; -1 if none; fails the test on a mixture. */
static int version_of(struct mho_state *st)
{
	uint8_t *big, *expected, first;
	int version;

	if (!mho_state_exists(st))
		return -1;
	big = malloc(BIG);
	expected = malloc(BIG);
	assert_true(big && expected);
	assert_int_equal(mho_state_size(st, 7), SMALL);
	assert_int_equal(mho_state_size(st, 0x1000), 0);
	assert_int_equal(mho_state_size(st, 8), BIG);
	assert_int_equal(mho_state_read(st, 8, 0, big, BIG), 0);
	for (version = 0; version < 4; version++) {
		fill(&first, 1, (unsigned int)version);
		if (first == big[0])
			break;
	}
	fill(expected, BIG, (unsigned int)version);
	assert_memory_equal(big, expected, BIG);
	assert_int_equal(mho_state_read(st, 7, 0, big, SMALL), 0);
	fill(expected, SMALL, (unsigned int)version + 1);
	assert_memory_equal(big, expected, SMALL);
	free(expected);
	free(big);
	return version;
}

static struct mho_state *open_state(const struct mho_state_fileops *ops)
{
	struct mho_state *st = NULL;
	char err[512] = "";
	int ret = mho_state_open(path, ops, &st, err, sizeof(err));

	if (ret)
		fail_msg("%s: %s", path, err);
	return st;
}

static int stored_version(void)
{
	struct mho_state *st = open_state(NULL);
	int version = version_of(st);

	mho_state_close(st);
	return version;
}

static void expect_open_error(const char *name, int ret, const char *words)
{
	struct mho_state *st = NULL;
	char err[512] = "";

	assert_int_equal(mho_state_open(name, NULL, &st, err, sizeof(err)), ret);
	assert_null(st);
	if (!strstr(err, words))
		fail_msg("\"%s\" does not contain \"%s\"", err, words);
}

static void test_round_trip(void **state)
{
	struct mho_state *st = open_state(NULL);
	uint8_t part[10], expected[SMALL];

	(void)state;
	assert_false(mho_state_exists(st));
	assert_int_equal(mho_state_size(st, 7), -ENOENT);
	assert_int_equal(mho_state_read(st, 7, 0, part, 1), -ENOENT);
	assert_int_equal(save(st, 0), 0);
	/* The same handle sees what it has written. */
	assert_int_equal(version_of(st), 0);
	assert_int_equal(save(st, 1), 0);
	assert_int_equal(version_of(st), 1);
	fill(expected, SMALL, 2);
	assert_int_equal(mho_state_read(st, 7, 20, part, sizeof(part)), 0);
	assert_memory_equal(part, expected + 20, sizeof(part));
	assert_int_equal(mho_state_read(st, 7, SMALL - 9, part, 10), -ERANGE);
	assert_int_equal(mho_state_read(st, 7, UINT64_MAX, part, 10), -ERANGE);
	mho_state_close(st);
	assert_int_equal(stored_version(), 1);
}

static void test_misuse(void **state)
{
	struct mho_state *st = open_state(NULL);

	(void)state;
	assert_int_equal(mho_state_section(st, 1), -EINVAL);
	assert_int_equal(mho_state_write(st, "x", 1), -EINVAL);
	assert_int_equal(mho_state_commit(st), -EINVAL);
	mho_state_abort(st);

	assert_int_equal(mho_state_begin(st), 0);
	assert_int_equal(mho_state_begin(st), -EALREADY);
	assert_int_equal(mho_state_write(st, "x", 1), -EINVAL);
	assert_int_equal(mho_state_commit(st), -EINVAL);

	assert_int_equal(mho_state_begin(st), 0);
	assert_int_equal(mho_state_section(st, 1), 0);
	assert_int_equal(mho_state_section(st, 1), -EEXIST);
	assert_int_equal(mho_state_section(st, 2), -EEXIST);
	assert_int_equal(mho_state_commit(st), -EEXIST);
	assert_non_null(strstr(mho_state_error(st), "twice"));
	assert_false(mho_state_exists(st));
	assert_int_equal(access(tmp_path, F_OK), -1);

	/* A save that is abandoned leaves what was there. */
	assert_int_equal(save(st, 2), 0);
	assert_int_equal(mho_state_begin(st), 0);
	assert_int_equal(mho_state_section(st, 1), 0);
	mho_state_abort(st);
	assert_int_equal(version_of(st), 2);
	assert_int_equal(mho_state_begin(st), 0);
	mho_state_close(st);
	assert_int_equal(access(tmp_path, F_OK), -1);
	assert_int_equal(stored_version(), 2);
}

static void test_lock(void **state)
{
	struct mho_state *st = open_state(NULL);
	char link[500];

	(void)state;
	expect_open_error(path, -EBUSY, "in use by another device");
	assert_int_equal(save(st, 0), 0);
	/* The file is another inode now: the lock must not have gone with the old one. */
	expect_open_error(path, -EBUSY, path);
	assert_int_equal(save(st, 1), 0);
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink(path, link), 0);
	expect_open_error(link, -EBUSY, path);
	mho_state_close(st);
	assert_int_equal(stored_version(), 1);
}

static void test_symlink_and_mode(void **state)
{
	struct mho_state *st = open_state(NULL);
	char link[500], err[512];
	struct stat sb;

	(void)state;
	assert_int_equal(save(st, 0), 0);
	mho_state_close(st);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_int_equal(chmod(path, 0640), 0);
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(mho_state_open(link, NULL, &st, err, sizeof(err)), 0);
	assert_int_equal(save(st, 1), 0);
	mho_state_close(st);
	assert_int_equal(lstat(link, &sb), 0);
	assert_true(S_ISLNK(sb.st_mode));
	assert_int_equal(stored_version(), 1);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0640);
}

static void test_bad_paths(void **state)
{
	struct mho_state *st = NULL;

	(void)state;
	expect_open_error("", -EINVAL, "empty");
	expect_open_error("/nonexistent/dir/file", -ENOENT, "its directory must exist");
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_open_error(path, -EINVAL, "not a regular file");
	/* Without a buffer for the sentence. */
	assert_int_equal(mho_state_open("", NULL, &st, NULL, 0), -EINVAL);
}

/* --- files that are damaged --------------------------------------------------------------- */

static size_t load_file(uint8_t **data)
{
	FILE *f = fopen(path, "rb");
	struct stat sb;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &sb), 0);
	*data = malloc((size_t)sb.st_size);
	assert_non_null(*data);
	assert_int_equal(fread(*data, 1, (size_t)sb.st_size, f), sb.st_size);
	fclose(f);
	return (size_t)sb.st_size;
}

static void store_file(const uint8_t *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static int open_result(void)
{
	struct mho_state *st = NULL;
	char err[512] = "";
	int ret = mho_state_open(path, NULL, &st, err, sizeof(err));

	if (ret)
		assert_true(strstr(err, path) && strlen(err) > strlen(path) + 20);
	mho_state_close(st);
	return ret;
}

/* A small file, so that every byte of it can be tried. */
static size_t small_file(uint8_t **data)
{
	struct mho_state *st = open_state(NULL);

	assert_int_equal(mho_state_begin(st), 0);
	mho_state_section(st, 1);
	mho_state_write(st, "weights", 7);
	mho_state_section(st, 2);
	mho_state_write(st, "wear", 4);
	assert_int_equal(mho_state_commit(st), 0);
	mho_state_close(st);
	return load_file(data);
}

static void test_truncated(void **state)
{
	uint8_t *data;
	size_t len = small_file(&data);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		store_file(data, n);
		assert_int_equal(open_result(), -EBADMSG);
	}
	/* Nothing may follow the end, either. */
	data = realloc(data, len + 1);
	assert_non_null(data);
	data[len] = 0;
	store_file(data, len + 1);
	assert_int_equal(open_result(), -EBADMSG);
	store_file(data, len);
	assert_int_equal(open_result(), 0);
	free(data);
}

static void test_bit_flips(void **state)
{
	uint8_t *data;
	size_t len = small_file(&data);

	(void)state;
	for (size_t bit = 0; bit < len * 8; bit++) {
		int ret;

		data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		store_file(data, len);
		ret = open_result();
		/* Bytes 8 to 11 are the version: a larger one is from a later mho. */
		if (bit / 8 >= 8 && bit / 8 < 12 && ret == -EPROTONOSUPPORT)
			ret = -EBADMSG;
		assert_int_equal(ret, -EBADMSG);
		data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	free(data);
}

static void test_messages(void **state)
{
	uint8_t *data;
	size_t len = small_file(&data);

	(void)state;
	store_file(data, len - 1);
	expect_open_error(path, -EBADMSG, "cut off");
	store_file(data, 3);
	expect_open_error(path, -EBADMSG, "only 3 bytes");
	store_file((const uint8_t *)"Is this a state file? It is only a text of some length, but "
				    "long enough to hold a header and a footer, too.",
		   107);
	expect_open_error(path, -EBADMSG, "no state file");
	data[16] ^= 1;
	store_file(data, len);
	expect_open_error(path, -EBADMSG, "section 0x1 does not match its SHA-256");
	data[16] ^= 1;
	data[8] = 2;
	store_file(data, len);
	expect_open_error(path, -EPROTONOSUPPORT, "format 2");
	free(data);
}

/* --- a process that dies while it saves --------------------------------------------------- */

/*
 * Steps are counted from the moment a save begins. At step die_at the process dies: before the
 * operation, in the middle of a write, or after the operation. Power loss: what was written and not
 * yet synced to the temporary file is lost first.
 */
enum when {
	BEFORE,
	MIDDLE,
	AFTER,
	WHENS
};

static struct {
	bool armed;
	bool power_loss;
	int step;
	int die_at;
	enum when when;
	int fail_at;
	int fail_errno;
	int tmp_fd;
	off_t synced;
	bool renamed_unsynced;
} plan;

static void die(void)
{
	if (plan.power_loss && plan.tmp_fd >= 0 && ftruncate(plan.tmp_fd, plan.synced) < 0)
		_exit(99);
	kill(getpid(), SIGKILL);
}

/* Returns true if this step is to fail. */
static bool step_begins(void)
{
	if (!plan.armed)
		return false;
	plan.step++;
	if (plan.step == plan.die_at && plan.when == BEFORE)
		die();
	if (plan.step != plan.fail_at)
		return false;
	errno = plan.fail_errno;
	return true;
}

static void step_ends(void)
{
	if (plan.armed && plan.step == plan.die_at && plan.when != BEFORE)
		die();
}

static int hook_open(const char *name, int flags, mode_t mode)
{
	int fd;

	if (step_begins())
		return -1;
	fd = open(name, flags, mode);
	if (strcmp(name, tmp_path) == 0) {
		plan.tmp_fd = fd;
		plan.synced = 0;
	}
	step_ends();
	return fd;
}

static ssize_t hook_write(int fd, const void *data, size_t len)
{
	ssize_t n;

	if (step_begins())
		return -1;
	if (plan.armed && plan.step == plan.die_at && plan.when == MIDDLE)
		len /= 2;
	n = write(fd, data, len);
	step_ends();
	return n;
}

static int hook_fsync(int fd)
{
	int ret;

	if (step_begins())
		return -1;
	ret = fsync(fd);
	if (fd == plan.tmp_fd)
		plan.synced = lseek(fd, 0, SEEK_END);
	step_ends();
	return ret;
}

static int hook_rename(const char *from, const char *to)
{
	int ret;

	if (step_begins())
		return -1;
	plan.renamed_unsynced = plan.synced != lseek(plan.tmp_fd, 0, SEEK_END);
	ret = rename(from, to);
	step_ends();
	return ret;
}

static int hook_unlink(const char *name)
{
	int ret;

	if (step_begins())
		return -1;
	ret = unlink(name);
	step_ends();
	return ret;
}

static const struct mho_state_fileops hooks = {
	.open = hook_open,
	.write = hook_write,
	.fsync = hook_fsync,
	.rename = hook_rename,
	.unlink = hook_unlink,
};

static void reset_plan(void)
{
	memset(&plan, 0, sizeof(plan));
	plan.tmp_fd = -1;
}

/* Saves version 1 in a child process that follows the plan; true if it lived to the end. */
static bool save_in_child(void)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		struct mho_state *st = NULL;

		if (mho_state_open(path, &hooks, &st, NULL, 0))
			_exit(98);
		plan.armed = true;
		if (save(st, 1))
			_exit(97);
		mho_state_close(st);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return false;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return true;
}

static void store_version_0(void)
{
	struct mho_state *st = open_state(NULL);

	assert_int_equal(save(st, 0), 0);
	mho_state_close(st);
}

/* Kills a save at every step; @old is what must be found if it is not the new state. */
static void kill_everywhere(bool power_loss, int old)
{
	int kills = 0, old_seen = 0, new_seen = 0;

	for (int w = BEFORE; w < WHENS; w++) {
		for (int at = 1;; at++) {
			int version;
			bool lived;

			if (old == 0)
				store_version_0();
			else
				unlink(path);
			reset_plan();
			plan.power_loss = power_loss;
			plan.die_at = at;
			plan.when = (enum when)w;
			lived = save_in_child();
			version = stored_version();
			assert_true(version == 1 || (!lived && version == old));
			/* What the dead process left behind is gone, and saving works again. */
			assert_int_equal(access(tmp_path, F_OK), -1);
			if (lived)
				break;
			kills++;
			old_seen += version == old;
			new_seen += version == 1;
		}
	}
	/* open, writes, fsync, rename, open, fsync: each of them before, amid, after. */
	assert_true(kills >= 3 * 8);
	assert_true(old_seen && new_seen);
}

static void test_kill_everywhere(void **state)
{
	(void)state;
	kill_everywhere(false, 0);
	kill_everywhere(false, -1);
}

static void test_power_loss_everywhere(void **state)
{
	(void)state;
	kill_everywhere(true, 0);
	kill_everywhere(true, -1);
}

static void test_sync_before_rename(void **state)
{
	struct mho_state *st;

	(void)state;
	reset_plan();
	st = open_state(&hooks);
	plan.armed = true;
	assert_int_equal(save(st, 1), 0);
	assert_false(plan.renamed_unsynced);
	assert_true(plan.synced > (off_t)BIG);
	mho_state_close(st);
}

/* --- operations that fail ----------------------------------------------------------------- */

static void test_failure_everywhere(void **state)
{
	struct mho_state *st;
	bool failed = true;

	(void)state;
	for (int at = 1; failed; at++) {
		int ret;

		store_version_0();
		reset_plan();
		st = open_state(&hooks);
		plan.armed = true;
		plan.fail_at = at;
		plan.fail_errno = ENOSPC;
		ret = save(st, 1);
		failed = plan.step >= at;
		plan.armed = false;
		assert_int_equal(ret, failed ? -ENOSPC : 0);
		if (failed)
			assert_non_null(strstr(mho_state_error(st), strerror(ENOSPC)));
		/* The last two steps open and sync the directory: the new state is in place. */
		assert_int_equal(access(tmp_path, F_OK), -1);
		assert_true(version_of(st) == 0 || version_of(st) == 1);
		if (version_of(st) == 1 && failed)
			assert_non_null(strstr(mho_state_error(st), "may be lost"));
		/* The device goes on, and its next save succeeds. */
		assert_int_equal(save(st, 2), 0);
		mho_state_close(st);
		assert_int_equal(stored_version(), 2);
	}
}

/* A real limit instead of a hook: the kernel refuses to let the file grow. */
static void test_file_size_limit(void **state)
{
	struct rlimit old, less;
	struct mho_state *st;
	void (*handler)(int);
	int ret;

	(void)state;
	store_version_0();
	st = open_state(NULL);
	handler = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	less = old;
	less.rlim_cur = BIG / 2;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
	ret = save(st, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(ret, -EFBIG);
	assert_int_equal(version_of(st), 0);
	assert_int_equal(access(tmp_path, F_OK), -1);
	assert_non_null(strstr(mho_state_error(st), "the state before it is still in"));
	mho_state_close(st);
	assert_int_equal(stored_version(), 0);
}

static void test_many_sections(void **state)
{
	struct mho_state *st = open_state(NULL);
	uint32_t v;

	(void)state;
	assert_int_equal(mho_state_begin(st), 0);
	for (uint32_t i = 0; i < MHO_STATE_SECTIONS_MAX; i++) {
		v = i * 3;
		assert_int_equal(mho_state_section(st, i), 0);
		assert_int_equal(mho_state_write(st, &v, sizeof(v)), 0);
	}
	assert_int_equal(mho_state_commit(st), 0);
	assert_int_equal(mho_state_begin(st), 0);
	for (uint32_t i = 0; i < MHO_STATE_SECTIONS_MAX; i++)
		assert_int_equal(mho_state_section(st, i), 0);
	assert_int_equal(mho_state_section(st, MHO_STATE_SECTIONS_MAX), -ENOSPC);
	mho_state_close(st);
	st = open_state(NULL);
	for (uint32_t i = 0; i < MHO_STATE_SECTIONS_MAX; i += 97) {
		assert_int_equal(mho_state_read(st, i, 0, &v, sizeof(v)), 0);
		assert_int_equal(v, i * 3);
	}
	mho_state_close(st);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_misuse),
		TEST(test_lock),
		TEST(test_symlink_and_mode),
		TEST(test_bad_paths),
		TEST(test_truncated),
		TEST(test_bit_flips),
		TEST(test_messages),
		TEST(test_kill_everywhere),
		TEST(test_power_loss_everywhere),
		TEST(test_sync_before_rename),
		TEST(test_failure_everywhere),
		TEST(test_file_size_limit),
		TEST(test_many_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
