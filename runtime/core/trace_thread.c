// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The life of a trace: its file, its thread, its queues. The thread looks now and
 * then, so that nobody pays for waking it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/trace_writer.h"
#include "trace/trace_driver.h"
#include "trace/trace_fs.h"

/* Rings hold what a program does in this time, unless it is very fast. */
#define LOOK_NS 20000000

/**
 * struct mrt_trace - a trace
 * @program: what is written, and where; of the thread
 * @path: of the file
 * @log: of the device
 * @reported: that the file cannot be written was logged
 * @fs: the driver's tracepoints, or NULL
 * @driver: what became of them
 * @thread: thread
 * @lock: of what follows
 * @cond: something of it has changed
 * @queues: those that have not ended, or not been written yet
 * @count: queues so far
 * @passes: how often the thread has looked
 * @wanted: how often it shall have looked
 * @stop: it shall end
 * @err: first error of the file
 */
struct mrt_trace {
	struct mrt_trace_program program;
	char *path;
	const struct mrt_logger *log;
	bool reported;
	struct mrt_trace_fs *fs;
	struct mrt_trace_driver *driver;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct mrt_trace_queue *queues;
	uint32_t count;
	uint64_t passes;
	uint64_t wanted;
	bool stop;
	int err;
};

/* ---- the thread ---- */

/* Those that had ended before they were emptied go. */
static void drain_queues(struct mrt_trace *trace)
{
	struct mrt_trace_queue **at = &trace->queues, *queue;

	while ((queue = *at)) {
		bool ended = atomic_load(&queue->ended);

		mrt_trace_drain(&trace->program, queue);
		if (!ended) {
			at = &queue->next;
			continue;
		}
		*at = queue->next;
		mrt_trace_writer_free(queue);
		free(queue);
	}
}

static void read_driver(struct mrt_trace *trace)
{
	int64_t begin = (int64_t)mrt_now_ns();

	if (!trace->fs)
		return;
	mrt_trace_fs_read(trace->fs, mrt_trace_driver_line, trace->driver);
	mrt_trace_driver_run(trace->driver, begin);
}

static const char *explain(int err)
{
	switch (err) {
	case -EFBIG:
		return "it is as large as viewers can take; trace less";
	case -ENOSPC:
		return "the disk is full; make room or choose another place";
	default:
		return mho_strerror(err);
	}
}

static void report(struct mrt_trace *trace, int err)
{
	trace->err = err;
	if (!err || trace->reported)
		return;
	trace->reported = true;
	mrt_log(trace->log, MHO_LOG_WARNING, "the trace in %s ends here: %s", trace->path,
		explain(err));
}

/* Under the lock, which no queue's thread takes but to begin and to end. */
static void look(struct mrt_trace *trace)
{
	drain_queues(trace);
	read_driver(trace);
	report(trace, mrt_trace_file_flush(trace->program.file));
}

static struct timespec after(uint64_t ns)
{
	uint64_t until = mrt_now_ns() + ns;

	return (struct timespec){ .tv_sec = (time_t)(until / 1000000000),
				  .tv_nsec = (long)(until % 1000000000) };
}

static void *run(void *arg)
{
	struct mrt_trace *trace = arg;
	struct timespec until;
	bool stop;

	pthread_mutex_lock(&trace->lock);
	do {
		until = after(LOOK_NS);
		while (!trace->stop && trace->wanted <= trace->passes &&
		       pthread_cond_timedwait(&trace->cond, &trace->lock, &until) != ETIMEDOUT)
			;
		stop = trace->stop;
		look(trace);
		trace->passes++;
		pthread_cond_broadcast(&trace->cond);
	} while (!stop);
	pthread_mutex_unlock(&trace->lock);
	return NULL;
}

/* No signal of the program's is handled on it. */
static int start_thread(struct mrt_trace *trace)
{
	pthread_condattr_t attr;
	sigset_t all, before;
	int err;

	pthread_mutex_init(&trace->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&trace->cond, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&trace->thread, NULL, run, trace);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

/* ---- beginning and end ---- */

/* The path with %p replaced. */
static char *expand(const char *path)
{
	const char *mark = strstr(path, "%p");
	char *text;

	if (!mark)
		return strdup(path);
	return asprintf(&text, "%.*s%d%s", (int)(mark - path), path, (int)getpid(), mark + 2) < 0 ?
		       NULL :
		       text;
}

static void start_driver(struct mrt_trace *trace, const struct mrt_trace_source *source)
{
	char why[400], text[512];

	if (mrt_trace_fs_start("", &trace->fs, why, sizeof(why))) {
		mrt_log(trace->log, MHO_LOG_WARNING, "trace: %s", why);
		snprintf(text, sizeof(text), "without the driver's part: %s", why);
		mrt_trace_put_note(trace->program.file, trace->program.pid, (int64_t)mrt_now_ns(),
				   text);
		return;
	}
	trace->driver = mrt_trace_driver_new(trace->program.file, source);
	if (trace->driver)
		return;
	mrt_trace_fs_free(trace->fs);
	trace->fs = NULL;
}

static void start_program(struct mrt_trace *trace, struct mrt_bdev *bdev, const char *uri)
{
	struct mrt_trace_program *program = &trace->program;
	struct mrt_trace_source source = { 0 };
	char name[128];

	program->pid = getpid();
	mrt_trace_name_process(program->file, program->pid, program_invocation_short_name, 0);
	if (bdev->ops->trace_source &&
	    !bdev->ops->trace_source(bdev, &source.dev, &source.client)) {
		program->dev = source.dev;
		program->client = source.client;
		start_driver(trace, &source);
	}
	if (trace->fs)
		return;
	program->device_pid = MRT_TRACE_EMULATED_PID(program->pid);
	snprintf(name, sizeof(name), "device %s", uri);
	mrt_trace_name_process(program->file, program->device_pid, name, 1);
	mrt_trace_lanes_init(&program->lanes, program->device_pid, 1, "jobs");
}

static void free_trace(struct mrt_trace *trace)
{
	mrt_trace_fs_free(trace->fs);
	mrt_trace_driver_free(trace->driver);
	report(trace, mrt_trace_file_close(trace->program.file));
	free(trace->path);
	free(trace);
}

static int open_file(struct mrt_trace *trace, const char *path)
{
	int err;

	trace->path = expand(path);
	if (!trace->path)
		return mrt_fail(-ENOMEM, "out of memory for a trace");
	err = mrt_trace_file_open(trace->path, &trace->program.file);
	if (err == -EBUSY)
		return mrt_fail(err,
				"%s: another device is being traced there; with %%p in its name "
				"each process has a file of its own",
				trace->path);
	return err ? mrt_fail(err, "the trace %s cannot be written: %s", trace->path,
			      explain(err)) :
		     0;
}

int mrt_trace_new(const char *path, struct mrt_bdev *bdev, const char *uri,
		  const struct mrt_logger *log, struct mrt_trace **out)
{
	struct mrt_trace *trace;
	int err;

	*out = NULL;
	if (!path)
		path = secure_getenv("MHO_TRACE");
	if (!path || !*path)
		return 0;
	trace = calloc(1, sizeof(*trace));
	if (!trace)
		return mrt_fail(-ENOMEM, "out of memory for a trace");
	trace->log = log;
	err = open_file(trace, path);
	if (err)
		goto free_trace;
	start_program(trace, bdev, uri);
	err = start_thread(trace);
	if (err) {
		mrt_fail(err, "no thread can be made for the trace: %s", mho_strerror(err));
		goto free_trace;
	}
	*out = trace;
	return 0;
free_trace:
	free_trace(trace);
	return err;
}

int mrt_trace_flush(struct mrt_trace *trace)
{
	uint64_t pass;
	int err;

	pthread_mutex_lock(&trace->lock);
	/* Not the one that is under way: it may have looked already. */
	pass = trace->passes + 1;
	trace->wanted = pass;
	pthread_cond_broadcast(&trace->cond);
	while (trace->passes < pass)
		pthread_cond_wait(&trace->cond, &trace->lock);
	err = trace->err;
	pthread_mutex_unlock(&trace->lock);
	return err ? mrt_fail(err, "the trace in %s is not whole: %s", trace->path, explain(err)) :
		     0;
}

void mrt_trace_free(struct mrt_trace *trace)
{
	if (!trace)
		return;
	if (trace->fs)
		mrt_trace_fs_stop(trace->fs);
	pthread_mutex_lock(&trace->lock);
	trace->stop = true;
	pthread_cond_broadcast(&trace->cond);
	pthread_mutex_unlock(&trace->lock);
	pthread_join(trace->thread, NULL);
	if (trace->fs)
		mrt_trace_driver_run(trace->driver, INT64_MAX);
	pthread_cond_destroy(&trace->cond);
	pthread_mutex_destroy(&trace->lock);
	free_trace(trace);
}

struct mrt_trace_queue *mrt_trace_queue_new(struct mrt_trace *trace, struct mrt_bqueue *queue)
{
	struct mrt_trace_queue *tq;

	if (!trace)
		return NULL;
	tq = aligned_alloc(_Alignof(struct mrt_trace_queue), sizeof(*tq));
	if (!tq)
		return NULL;
	memset(tq, 0, offsetof(struct mrt_trace_queue, records));
	tq->room_until = MRT_TRACE_RECORDS;
	pthread_mutex_lock(&trace->lock);
	tq->id = ++trace->count;
	tq->ctx = queue->ops->queue_number ? queue->ops->queue_number(queue) : tq->id;
	tq->next = trace->queues;
	trace->queues = tq;
	pthread_mutex_unlock(&trace->lock);
	return tq;
}

void mrt_trace_queue_end(struct mrt_trace_queue *trace)
{
	if (trace)
		atomic_store(&trace->ended, true);
}
