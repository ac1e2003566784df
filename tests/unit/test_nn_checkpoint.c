// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Checkpoints: going on is as if nothing had happened, damage is found, a failing or killed
 * writer leaves the old file. Networks here are float32 on the host; test_nn_train.c has those
 * on a device.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "nn/container.h"
#include "nn_task.h"
#include "scratch.h"

#define EPOCHS 6
#define RATE 0.2f

struct bench {
	char dir[256];
	char path[300];
	struct mho_nn_data *train;
	struct mho_nn_data *test;
	struct mho_nn *nn;
	struct mho_nn *reference;
	struct mho_nn_trainer *trainer;
};

static void build(struct bench *b)
{
	b->train = task_moons(52, 5);
	assert_int_equal(mho_nn_data_split(b->train, 12, &b->test), 0);
	b->nn = task_network(NULL, 6, 1, NULL);
	b->reference = task_network(NULL, 6, 1, NULL);
	b->trainer = task_trainer(b->nn, b->reference, b->train, b->test, EPOCHS, RATE);
}

static void unbuild(struct bench *b)
{
	mho_nn_trainer_destroy(b->trainer);
	mho_nn_destroy(b->reference);
	mho_nn_destroy(b->nn);
	mho_nn_data_free(b->train);
	mho_nn_data_free(b->test);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (scratch_dir(b->dir, sizeof(b->dir), "nn-ckpt"))
		return -1;
	snprintf(b->path, sizeof(b->path), "%s/a.ckpt", b->dir);
	build(b);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	char command[300];
	int ret;

	unbuild(b);
	snprintf(command, sizeof(command), "rm -rf '%s'", b->dir);
	ret = system(command);
	free(b);
	return ret;
}

static int stop_after(const struct mho_nn_progress *p, void *arg)
{
	int *left = arg;

	return !p->done && --*left == 0 ? 7 : 0;
}

static void train_batches(struct bench *b, int batches)
{
	assert_int_equal(mho_nn_trainer_run(b->trainer, stop_after, &batches), 7);
}

static void finish(struct mho_nn_trainer *t)
{
	assert_int_equal(mho_nn_trainer_run(t, NULL, NULL), 0);
}

static void save(struct bench *b)
{
	if (mho_nn_trainer_save(b->trainer, b->path, "a note"))
		fail_msg("%s", mho_nn_last_error());
}

static struct mho_nn_checkpoint *load(const char *path)
{
	struct mho_nn_checkpoint *ckpt = NULL;

	if (mho_nn_checkpoint_open(path, &ckpt))
		fail_msg("%s", mho_nn_last_error());
	return ckpt;
}

static void assert_same_networks(struct mho_nn *a, struct mho_nn *b)
{
	float wa[16], wb[16], ba[8], bb[8];

	for (uint32_t k = 0; k < 2; k++) {
		memset(wa, 0, sizeof(wa));
		memset(wb, 0, sizeof(wb));
		memset(ba, 0, sizeof(ba));
		memset(bb, 0, sizeof(bb));
		assert_int_equal(mho_nn_get(a, k, wa, ba), 0);
		assert_int_equal(mho_nn_get(b, k, wb, bb), 0);
		assert_memory_equal(wa, wb, sizeof(wa));
		assert_memory_equal(ba, bb, sizeof(ba));
	}
}

/* All but the host's time, which no two trainings share. */
static void assert_same_history(struct mho_nn_trainer *a, struct mho_nn_trainer *b)
{
	uint32_t na, nb;
	const struct mho_nn_epoch *ha = mho_nn_trainer_history(a, &na);
	const struct mho_nn_epoch *hb = mho_nn_trainer_history(b, &nb);

	assert_int_equal(na, nb);
	for (uint32_t i = 0; i < na; i++)
		assert_memory_equal(&ha[i], &hb[i], offsetof(struct mho_nn_epoch, host_s));
}

/* Stop after @batches, save, load, go on: as if it had not been stopped. */
static void resume_after(struct bench *b, int batches)
{
	struct bench whole = { .dir = "" }, rest = { .dir = "" };
	struct mho_nn_checkpoint *ckpt;

	build(&whole);
	finish(whole.trainer);
	train_batches(b, batches);
	save(b);

	build(&rest);
	mho_nn_trainer_destroy(rest.trainer);
	mho_nn_destroy(rest.nn);
	mho_nn_destroy(rest.reference);
	rest.trainer = NULL;
	ckpt = load(b->path);
	assert_int_equal(mho_nn_create_from(NULL, ckpt, 0, 64, &rest.nn), MHO_NN_PROGRAMMED);
	assert_int_equal(mho_nn_create_from(NULL, ckpt, 1, 64, &rest.reference), MHO_NN_PROGRAMMED);
	assert_same_networks(rest.nn, b->nn);
	assert_int_equal(mho_nn_trainer_resume(rest.nn, rest.reference, rest.train, rest.test, ckpt,
					       &rest.trainer),
			 0);
	mho_nn_checkpoint_close(ckpt);
	finish(rest.trainer);
	assert_same_networks(rest.nn, whole.nn);
	assert_same_networks(rest.reference, whole.reference);
	assert_same_history(rest.trainer, whole.trainer);
	unbuild(&whole);
	unbuild(&rest);
}

static void resume_in_first_epoch(void **state)
{
	resume_after(*state, 3);
}

static void resume_in_later_epoch(void **state)
{
	resume_after(*state, 3 * 8 + 5);
}

static void resume_at_end_of_epoch(void **state)
{
	resume_after(*state, 2 * 8);
}

static void information(void **state)
{
	struct mho_nn_checkpoint_info info = MHO_INIT(struct mho_nn_checkpoint_info);
	struct mho_nn_checkpoint *ckpt;
	struct bench *b = *state;

	train_batches(b, 8 + 2);
	save(b);
	ckpt = load(b->path);
	assert_int_equal(mho_nn_checkpoint_info_get(ckpt, &info), 0);
	assert_int_equal(info.inputs, 2);
	assert_int_equal(info.layers, 2);
	assert_int_equal(info.layer[0].outputs, 6);
	assert_int_equal(info.layer[1].activation, MHO_NN_SOFTMAX);
	assert_int_equal(info.epoch, 1);
	assert_int_equal(info.epochs, EPOCHS);
	assert_int_equal(info.sample, 10);
	assert_int_equal(info.samples, 40);
	assert_int_equal(info.test_samples, 12);
	assert_int_equal(info.batch, 5);
	assert_int_equal(info.reference, 1);
	assert_int_equal(info.seed, 11);
	assert_null(info.name);
	assert_string_equal(info.note, "a note");
	info.size = 3;
	assert_int_equal(mho_nn_checkpoint_info_get(ckpt, &info), -EINVAL);
	mho_nn_checkpoint_close(ckpt);
}

static void other_samples(void **state)
{
	struct bench *b = *state;
	struct mho_nn_data *other = task_moons(40, 6), *fewer = task_moons(30, 5);
	struct mho_nn_trainer *t = NULL;
	struct mho_nn_checkpoint *ckpt;
	struct mho_nn *wide = task_network(NULL, 7, 1, NULL);

	save(b);
	ckpt = load(b->path);
	assert_int_equal(mho_nn_trainer_resume(b->nn, NULL, other, b->test, ckpt, &t), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "same file"));
	assert_int_equal(mho_nn_trainer_resume(b->nn, NULL, fewer, b->test, ckpt, &t), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "40"));
	assert_int_equal(mho_nn_trainer_resume(wide, NULL, b->train, b->test, ckpt, &t), -EINVAL);
	assert_int_equal(mho_nn_trainer_resume(b->nn, NULL, b->train, NULL, ckpt, &t), -EINVAL);
	assert_null(t);
	mho_nn_checkpoint_close(ckpt);
	mho_nn_destroy(wide);
	mho_nn_data_free(other);
	mho_nn_data_free(fewer);
}

static void longer_training(void **state)
{
	struct bench *b = *state;
	uint32_t n;

	finish(b->trainer);
	assert_int_equal(mho_nn_trainer_extend(b->trainer, EPOCHS - 1), -EINVAL);
	assert_int_equal(mho_nn_trainer_extend(b->trainer, EPOCHS + 2), 0);
	finish(b->trainer);
	mho_nn_trainer_history(b->trainer, &n);
	assert_int_equal(n, EPOCHS + 2);
}

/* ---- damage ---- */

static size_t slurp(const char *path, char *bytes, size_t max)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(bytes, 1, max, f);
	fclose(f);
	assert_true(n < max);
	return n;
}

static void spit(const char *path, const char *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static int try_open(const char *path)
{
	struct mho_nn_checkpoint *ckpt = NULL;
	int ret = mho_nn_checkpoint_open(path, &ckpt);

	assert_true(!ret == !!ckpt);
	if (ret)
		assert_non_null(strstr(mho_nn_last_error(), path));
	mho_nn_checkpoint_close(ckpt);
	return ret;
}

static void every_byte_counts(void **state)
{
	struct bench *b = *state;
	char bytes[65536];
	size_t len;

	save(b);
	len = slurp(b->path, bytes, sizeof(bytes));
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 0x40;
		spit(b->path, bytes, len);
		if (i >= 8 && i < 12)
			assert_true(try_open(b->path) == -EPROTONOSUPPORT ||
				    try_open(b->path) == -EBADMSG);
		else
			assert_int_equal(try_open(b->path), -EBADMSG);
		bytes[i] ^= 0x40;
	}
	for (size_t i = 0; i < len; i += 7) {
		spit(b->path, bytes, i);
		assert_int_equal(try_open(b->path), -EBADMSG);
	}
	bytes[len] = 0;
	spit(b->path, bytes, len + 1);
	assert_int_equal(try_open(b->path), -EBADMSG);
	spit(b->path, bytes, len);
	assert_int_equal(try_open(b->path), 0);
}

/* Replaces @from by @to, as long, in the text of a checkpoint whose checksum stays right. */
static void edit(const char *path, const char *from, const char *to)
{
	struct nn_container c;
	char *at;

	assert_int_equal(strlen(from), strlen(to));
	assert_int_equal(nn_container_read(path, &c), 0);
	at = strstr(c.text, from);
	assert_non_null(at);
	memcpy(at, to, strlen(to));
	assert_int_equal(nn_container_write(path, &c), 0);
	free(c.text);
	free(c.array);
}

/* The checksum is right and the content is not: written by something else, or made by hand. */
static void wrong_content(void **state)
{
	static const char *const edits[][2] = {
		{ "\"outputs\":6", "\"outputs\":5" },
		{ "\"outputs\":6", "\"outputs\":0" },
		{ "\"activation\":4", "\"activation\":9" },
		{ "\"inputs\":2", "\"inputs\":x" },
		{ "\"inputs\":2", "\"inputz\":2" },
		{ "\"layers\":[", "\"layerz\":[" },
		{ "mho-nn-checkpoint/1", "mho-nn-checkpoint/7" },
		{ "\"sample\":10", "\"sample\":99" },
		{ "\"epoch\":1", "\"epoch\":2" },
		{ "\"batch\":5", "\"batch\":0" },
		{ "\"decay\":0", "\"decay\":8" },
		{ "\"history\":[", "\"history\":3" },
		{ "\"count\":10", "\"count\":-1" },
	};
	struct bench *b = *state;

	train_batches(b, 8 + 2);
	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		save(b);
		edit(b->path, edits[i][0], edits[i][1]);
		if (try_open(b->path) != -EBADMSG)
			fail_msg("%s is taken", edits[i][1]);
	}
}

static void no_checkpoint(void **state)
{
	struct bench *b = *state;

	assert_int_equal(try_open(b->path), -ENOENT);
	spit(b->path, "hello", 5);
	assert_int_equal(try_open(b->path), -EBADMSG);
	assert_int_equal(try_open(b->dir), -EINVAL);
	assert_int_equal(try_open("/dev/null"), -EINVAL);
}

/* ---- writing that fails ---- */

static void bad_places(void **state)
{
	struct bench *b = *state;
	char path[400];

	assert_int_equal(mho_nn_trainer_save(b->trainer, "/dev/full", NULL), -EINVAL);
	assert_non_null(strstr(mho_nn_last_error(), "/dev/full"));
	assert_int_equal(mho_nn_trainer_save(b->trainer, b->dir, NULL), -EINVAL);
	snprintf(path, sizeof(path), "%s/no/where", b->dir);
	assert_int_equal(mho_nn_trainer_save(b->trainer, path, NULL), -ENOENT);
	assert_int_equal(mho_nn_trainer_save(b->trainer, NULL, NULL), -EINVAL);
}

/* A slip of the keyboard does not cost a file of samples. */
static void precious_file(void **state)
{
	struct bench *b = *state;
	char after[16];

	spit(b->path, "1,2,0\n3,4,1\n", 12);
	assert_int_equal(mho_nn_trainer_save(b->trainer, b->path, NULL), -EEXIST);
	assert_non_null(strstr(mho_nn_last_error(), "is not a checkpoint"));
	assert_int_equal(slurp(b->path, after, sizeof(after)), 12);
	assert_memory_equal(after, "1,2,0\n3,4,1\n", 12);
	spit(b->path, "", 0);
	save(b);
}

static void through_a_link(void **state)
{
	struct bench *b = *state;
	char link[400];
	struct stat st;

	save(b);
	snprintf(link, sizeof(link), "%s/link", b->dir);
	assert_int_equal(symlink(b->path, link), 0);
	train_batches(b, 1);
	assert_int_equal(mho_nn_trainer_save(b->trainer, link, NULL), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(try_open(b->path), 0);
}

/* In a child that may write files of @limit bytes only. Return: 0 if saving failed as it should. */
static int save_with_limit(struct bench *b, size_t limit)
{
	struct rlimit r = { .rlim_cur = limit, .rlim_max = limit };
	int status;
	pid_t pid = fork();

	if (!pid) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &r);
		_exit(mho_nn_trainer_save(b->trainer, b->path, NULL) == -EFBIG ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void full_disk(void **state)
{
	char before[65536], after[65536], temp[400];
	struct bench *b = *state;
	size_t len;

	save(b);
	len = slurp(b->path, before, sizeof(before));
	train_batches(b, 3);
	snprintf(temp, sizeof(temp), "%s.new", b->path);
	for (size_t limit = 0; limit < len; limit += 97) {
		assert_int_equal(save_with_limit(b, limit), 0);
		assert_int_equal(slurp(b->path, after, sizeof(after)), len);
		assert_memory_equal(before, after, len);
		assert_int_equal(access(temp, F_OK), -1);
	}
}

/* A writer that is killed at any moment leaves a whole checkpoint. */
static void killed(void **state)
{
	struct bench *b = *state;

	save(b);
	for (int i = 0; i < 60; i++) {
		int status;
		pid_t pid = fork();

		if (!pid)
			for (;;)
				if (mho_nn_trainer_save(b->trainer, b->path, NULL))
					_exit(1);
		usleep((useconds_t)(500 + 113 * i));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(try_open(b->path), 0);
	}
}

/* Two writers of one file: each saves whole or is told that the other is at it. */
static void two_writers(void **state)
{
	struct bench *b = *state;
	int status, saved = 0;
	pid_t pid;

	save(b);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 300; i++) {
			int err = mho_nn_trainer_save(b->trainer, b->path, "a note");

			if (err && err != -EBUSY)
				_exit(1);
		}
		_exit(0);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		int err = mho_nn_trainer_save(b->trainer, b->path, NULL);

		assert_true(!err || err == -EBUSY);
		saved += !err;
		assert_int_equal(try_open(b->path), 0);
	}
	assert_int_equal(status, 0);
	assert_true(saved > 0);
}

static void no_reference(void **state)
{
	struct bench *b = *state;
	struct mho_nn_checkpoint *ckpt;
	struct mho_nn_trainer *t = task_trainer(b->nn, NULL, b->train, b->test, 1, RATE);
	struct mho_nn *nn = NULL;

	assert_int_equal(mho_nn_trainer_save(t, b->path, NULL), 0);
	ckpt = load(b->path);
	assert_int_equal(mho_nn_create_from(NULL, ckpt, 1, 0, &nn), -ENOENT);
	assert_null(nn);
	mho_nn_checkpoint_close(ckpt);
	mho_nn_trainer_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(information, set_up, tear_down),
		cmocka_unit_test_setup_teardown(resume_in_first_epoch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(resume_in_later_epoch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(resume_at_end_of_epoch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_samples, set_up, tear_down),
		cmocka_unit_test_setup_teardown(longer_training, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_reference, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_byte_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_content, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_checkpoint, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(precious_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(through_a_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_writers, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("nn checkpoint", tests, NULL, NULL);
}
