// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl trace: what the driver and the cards do for all programs, from the driver's
 * tracepoints, as a trace for Perfetto or Chrome. What the events become is in
 * runtime/trace.
 */
#include <errno.h>
#include <libsmartcols.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/mhoctl/mhoctl.h"
#include "trace/trace_driver.h"
#include "trace/trace_fs.h"

#define DEFAULT_OUTPUT "mho-trace.json"
#define LOOK_NS 50000000 /* the kernel's buffers hold more than what happens meanwhile */

static volatile sig_atomic_t interrupted;

/**
 * struct tracing - what is under way
 * @call: command line
 * @path: of the trace
 * @file: trace
 * @fs: the driver's tracepoints
 * @driver: what became of them
 * @child: command that runs, 0 if there is none
 * @status: how it ended, as waitpid() says
 */
struct tracing {
	const struct call *call;
	const char *path;
	struct mrt_trace_file *file;
	struct mrt_trace_fs *fs;
	struct mrt_trace_driver *driver;
	pid_t child;
	int status;
};

static void on_signal(int sig)
{
	interrupted = sig;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* ---- beginning ---- */

static int open_all(struct tracing *t)
{
	const char *root = call_option(t->call, "root");
	const struct mrt_trace_source everybody = { .all = true };
	char why[512];
	int err;

	err = mrt_trace_fs_start(root ? root : "", &t->fs, why, sizeof(why));
	if (err)
		return fail(t->call, MHOCTL_DEVICE, "%s", why);
	err = mrt_trace_file_open(t->path, &t->file);
	if (err)
		return fail(t->call, MHOCTL_DEVICE, "%s cannot be written: %s", t->path,
			    mho_strerror(err));
	t->driver = mrt_trace_driver_new(t->file, &everybody);
	return t->driver ? 0 : fail(t->call, MHOCTL_DEVICE, "out of memory");
}

static void close_all(struct tracing *t)
{
	mrt_trace_fs_free(t->fs);
	mrt_trace_driver_free(t->driver);
	mrt_trace_file_close(t->file);
}

/* Signals of the terminal end the command, too; how it takes that is its business. */
static int start_command(struct tracing *t, const char *command)
{
	t->child = fork();
	if (t->child < 0)
		return fail(t->call, MHOCTL_DEVICE, "no process can be made: %s", strerror(errno));
	if (t->child)
		return 0;
	signal(SIGPIPE, SIG_DFL);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* ---- while it runs ---- */

static bool command_ended(struct tracing *t)
{
	if (!t->child || waitpid(t->child, &t->status, WNOHANG) != t->child)
		return false;
	t->child = 0;
	return true;
}

static int take(struct tracing *t, int64_t until)
{
	int err;

	mrt_trace_fs_read(t->fs, mrt_trace_driver_line, t->driver);
	mrt_trace_driver_run(t->driver, until);
	err = mrt_trace_file_flush(t->file);
	return err ? fail(t->call, MHOCTL_DEVICE, "%s ends here: %s", t->path, mho_strerror(err)) :
		     0;
}

/* Until the command or the time has ended, or somebody says so. 0 for no end of time. */
static int record(struct tracing *t, int64_t end)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	bool running = true;
	int err = 0;

	while (running && !err) {
		int64_t begin = now_ns();

		running = !interrupted && (!end || begin < end) && !command_ended(t);
		if (running)
			nanosleep(&pause, NULL);
		begin = now_ns();
		err = take(t, begin);
	}
	return err;
}

/* What has been started is not left behind; nor is it killed: it may be in the midst of something. */
static void end_command(struct tracing *t)
{
	if (!t->child)
		return;
	kill(t->child, SIGTERM);
	while (waitpid(t->child, &t->status, 0) < 0 && errno == EINTR)
		;
	t->child = 0;
}

/* ---- the result ---- */

static void print_json(const struct tracing *t, const struct mrt_trace_sums *s)
{
	double jobs = s->jobs ? (double)s->jobs : 1;
	struct json_object *doc = json_new("trace");

	json_set_text(doc, "trace", t->path);
	json_set_uint(doc, "jobs", s->jobs);
	json_set_uint(doc, "failed", s->failed);
	json_set_uint(doc, "lost_events", s->lost);
	json_set_real(doc, "queue_ns", (double)s->queue / jobs);
	json_set_real(doc, "driver_ns", (double)s->driver / jobs);
	json_set_real(doc, "device_ns", (double)s->device / jobs);
	json_set_real(doc, "total_ns", (double)s->total / jobs);
	json_set_real(doc, "energy_nj", (double)s->energy_fj * 1e-6);
	json_print(doc, stdout);
}

static void add_time(struct libscols_table *table, const char *name, uint64_t ns,
		     const struct mrt_trace_sums *s, const char *what)
{
	char time[TEXT_MAX], share[TEXT_MAX];
	const char *cells[] = { name, time, share, what };

	text_si(time, (double)ns * 1e-9 / (double)s->jobs, "s");
	snprintf(share, sizeof(share), "%.0f %%",
		 100.0 * (double)ns / (double)(s->total + !s->total));
	table_row(table, cells);
}

static void print_text(const struct tracing *t, const struct mrt_trace_sums *s)
{
	static const char *const columns[] = { "TIME OF A JOB", ">MEAN", ">SHARE", "", NULL };
	struct libscols_table *table;

	printf("%s: %llu jobs, %llu of them failed\n", t->path, (unsigned long long)s->jobs,
	       (unsigned long long)s->failed);
	if (!s->jobs) {
		puts("no program gave a card anything to do meanwhile");
		return;
	}
	table = table_new(columns);
	add_time(table, "queue", s->queue, s, "until it is in the ring");
	add_time(table, "driver", s->driver, s, "in the ring, until the device begins");
	add_time(table, "device", s->device, s, "device time");
	add_time(table, "all", s->total, s, "until the program is told");
	table_print(table);
	puts("open the file in https://ui.perfetto.dev");
}

static int report(const struct tracing *t)
{
	struct mrt_trace_sums sums;

	mrt_trace_driver_sums(t->driver, &sums);
	if (t->call->json)
		print_json(t, &sums);
	else
		print_text(t, &sums);
	if (sums.lost)
		fprintf(stderr,
			"mhoctl trace: %llu events were lost: the kernel's buffers were full; jobs "
			"are missing\n",
			(unsigned long long)sums.lost);
	if (WIFSIGNALED(t->status))
		return fail(t->call, MHOCTL_FAILED, "the command was ended by signal %d",
			    WTERMSIG(t->status));
	if (WEXITSTATUS(t->status))
		return fail(t->call, MHOCTL_FAILED, "the command ended with status %d",
			    WEXITSTATUS(t->status));
	return MHOCTL_OK;
}

static int trace(struct tracing *t, long seconds)
{
	const char *command = call_option(t->call, "command");
	int64_t end;
	int err;

	err = open_all(t);
	if (err)
		return err;
	catch_signals();
	end = seconds ? now_ns() + seconds * 1000000000 : 0;
	if (command)
		err = start_command(t, command);
	else if (!seconds)
		fputs("mhoctl trace: recording; Ctrl-C ends it\n", stderr);
	if (!err)
		err = record(t, end);
	end_command(t);
	mrt_trace_fs_stop(t->fs);
	if (!err)
		err = take(t, INT64_MAX);
	return err ? err : report(t);
}

int run_trace(struct call *call)
{
	struct tracing t = { .call = call, .path = call_option(call, "output") };
	long seconds = 0;
	int err;

	if (!t.path)
		t.path = DEFAULT_OUTPUT;
	if (!strcmp(t.path, "-"))
		return fail(call, MHOCTL_USAGE,
			    "the trace cannot go to standard output, where the summary goes");
	err = call_number(call, "duration", 1, 86400, &seconds);
	if (err)
		return err;
	err = trace(&t, seconds);
	close_all(&t);
	return err;
}
