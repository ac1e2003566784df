// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Traces of a device: each job of a known run once, its parts in order; the file valid
 * whatever happens to the program or the disk.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mho_fixture.h"
#include "scratch.h"
#include "trace_json.h"

#define URI "emu:small?tech=ideal"
#define JOBS 20
#define DEPTH 4

static struct mho_dev *open_traced(const char *path)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	struct mho_dev *dev;

	opts.trace = path;
	if (mho_open(URI, &opts, &dev))
		fail_msg("%s", mho_last_error());
	return dev;
}

/* More jobs than the queue is deep, so that some wait; the last one fails. */
static void run_jobs(struct mho_dev *dev)
{
	struct mho_queue *q = new_queue(dev, DEPTH);
	struct mho_mat *mat = new_mat(dev, 2, 3);
	struct mho_buf *a = new_buf(dev, 4096), *b = new_buf(dev, 4096);
	struct mho_job jobs[JOBS], *list[JOBS], *done[JOBS];
	float *va = mho_buf_map(a);
	int got = 0, n;

	for (unsigned int i = 0; i < JOBS; i++) {
		jobs[i] = (struct mho_job){ .op = MHO_OP_MVM,
					    .mat = mat,
					    .a.buf = a,
					    .b.buf = b,
					    .b.offset = i * 64,
					    .alpha = 1.0f };
		list[i] = &jobs[i];
	}
	/* Not a number: the device refuses it. */
	va[512] = 0.0f / 0.0f;
	jobs[JOBS - 1].a.offset = 512 * sizeof(*va);
	assert_int_equal(mho_queue_submit(q, list, JOBS), JOBS);
	while (got < JOBS) {
		n = mho_queue_reap(q, done, JOBS, 1, -1);
		assert_true(n > 0);
		got += n;
	}
	mho_queue_destroy(q);
}

/* Of one job: the application's slice has all others in it, in their order. */
static struct trace_slice check_job(struct json_object *trace, const char *job)
{
	struct trace_slice application = trace_slice(trace, "application", job);
	struct trace_slice queue = trace_slice(trace, "queue", job);
	struct trace_slice device = trace_slice(trace, "device", job);

	assert_string_equal(application.name, "MVM 2x3");
	assert_string_equal(device.name, "MVM");
	assert_true(trace_within(&queue, &application));
	assert_true(trace_within(&device, &application));
	assert_true(queue.end <= device.begin + 0.0011);
	assert_true(application.tid == queue.tid && application.pid == getpid());
	return application;
}

static void check_run(struct json_object *trace, unsigned int queue)
{
	struct trace_slice jobs[JOBS];
	char job[32];

	for (unsigned int i = 0; i < JOBS; i++) {
		snprintf(job, sizeof(job), "0.0.%u.%u", queue, i);
		jobs[i] = check_job(trace, job);
		/* Those that found no room waited until others had been reaped. */
		if (i >= DEPTH)
			assert_true(trace_slice(trace, "queue", job).end >= jobs[i - DEPTH].end);
	}
	trace_check_nesting(trace);
}

static void test_run(void **state)
{
	char path[PATH_MAX];
	struct json_object *trace;
	struct mho_dev *dev;

	(void)state;
	scratch_path(path, sizeof(path), "trace.json");
	dev = open_traced(path);
	run_jobs(dev);
	assert_int_equal(mho_trace_flush(dev), 0);
	/* Whole before it is closed. */
	trace = trace_read(path);
	check_run(trace, 1);
	assert_int_equal(trace_count(trace, "X", "device"), JOBS);
	assert_int_equal(trace_count(trace, "X", "submit"), 1);
	assert_int_equal(trace_count(trace, "s", "flow"), JOBS);
	assert_int_equal(trace_count(trace, "f", "flow"), JOBS);
	assert_true(trace_count(trace, "C", "energy (nJ)") > 0);
	assert_true(trace_count(trace, "C", "queue 1: jobs in flight") > 1);
	json_object_put(trace);

	/* Another queue goes on in the same file, and so does a synchronous call. */
	run_jobs(dev);
	mho_mvm(new_mat(dev, 1, 1), &(float){ 1.0f }, &(float){ 0.0f }, 1);
	mho_close(dev);
	trace = trace_read(path);
	check_run(trace, 1);
	check_run(trace, 2);
	assert_int_equal(trace_count(trace, "X", "device"), 2 * JOBS + 1);
	json_object_put(trace);
}

static void test_environment(void **state)
{
	char path[PATH_MAX], with_pid[PATH_MAX + 16];
	struct json_object *trace;
	struct mho_dev *dev;

	(void)state;
	scratch_path(path, sizeof(path), "env-%p.json");
	setenv("MHO_TRACE", path, 1);
	assert_int_equal(mho_open(URI, NULL, &dev), 0);
	unsetenv("MHO_TRACE");
	mho_close(dev);
	*strstr(path, "-%p.json") = '\0';
	snprintf(with_pid, sizeof(with_pid), "%s-%d.json", path, (int)getpid());
	trace = trace_read(with_pid);
	assert_int_equal(trace_count(trace, "M", "process_name"), 2);
	json_object_put(trace);
	/* Without it, nothing is traced, and that is no error. */
	assert_int_equal(mho_open(URI, NULL, &dev), 0);
	assert_int_equal(mho_trace_flush(dev), 0);
	mho_close(dev);
	assert_int_equal(mho_trace_flush(NULL), -EINVAL);
}

/* A program that is killed leaves a file that can be read. */
static void test_killed(void **state)
{
	char path[PATH_MAX];
	struct json_object *trace;
	struct mho_dev *dev;
	int status;
	pid_t pid;

	(void)state;
	scratch_path(path, sizeof(path), "killed.json");
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dev = open_traced(path);
		run_jobs(dev);
		if (mho_trace_flush(dev))
			_exit(1);
		run_jobs(dev);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	trace = trace_read(path);
	assert_true(trace_count(trace, "X", "device") >= JOBS);
	json_object_put(trace);
}

static void expect_refused(const char *path, int err, const char *text)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	struct mho_dev *dev = NULL;

	opts.trace = path;
	assert_int_equal(mho_open(URI, &opts, &dev), err);
	assert_null(dev);
	expect_error(text);
}

static void test_bad_paths(void **state)
{
	char path[PATH_MAX];
	struct mho_dev *dev;

	(void)state;
	scratch_path(path, sizeof(path), "busy.json");
	expect_refused("/nowhere/trace.json", -ENOENT, "/nowhere/trace.json");
	expect_refused("/", -EISDIR, "cannot be written");
	expect_refused("/dev/full", -ENOSPC, "disk is full");
	dev = open_traced(path);
	expect_refused(path, -EBUSY, "another device");
	mho_close(dev);
}

/* The disk fills up: what was written can be read, and who asks is told. */
static void test_full_disk(void **state)
{
	struct rlimit before, limit;
	char path[PATH_MAX];
	struct json_object *trace;
	struct mho_dev *dev;
	struct stat st;

	(void)state;
	scratch_path(path, sizeof(path), "full.json");
	dev = open_traced(path);
	run_jobs(dev);
	assert_int_equal(mho_trace_flush(dev), 0);
	assert_int_equal(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	/* Room for a part of what comes now. */
	limit.rlim_cur = (rlim_t)st.st_size + 1000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	run_jobs(dev);
	assert_int_equal(mho_trace_flush(dev), -EFBIG);
	expect_error("is not whole");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	mho_close(dev);
	signal(SIGXFSZ, SIG_DFL);
	trace = trace_read(path);
	check_run(trace, 1);
	assert_int_equal(trace_count(trace, "X", "device"), JOBS);
	json_object_put(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),	  cmocka_unit_test(test_environment),
		cmocka_unit_test(test_killed),	  cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests_name("mho_trace", tests, NULL, NULL);
}
