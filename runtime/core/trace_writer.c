// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See trace_writer.h. A job is a slice on a track of its queue, from the call that
 * submitted it until it was reaped; in it, how long it waited for room in the device's
 * ring. Arrows lead from call to call, on a card through the driver's part.
 */
#include "core/trace_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096
/* Above all thread ids. */
#define FIRST_LANE 100000000
#define LANES_APART 1000

/* A job in flight, or a sequence of them that is done as one. */
struct open_job {
	struct open_job *next;
	uintptr_t key;
	int32_t tid;
	uint64_t submit;
	uint64_t push;
	uint64_t number;
	uint32_t jobs;
	struct mrt_trace_job_info info;
};

/**
 * struct mrt_trace_writer - what is known of a queue
 * @lanes: its tracks
 * @joined: numbers of its jobs are those that the driver counts
 * @inflight: jobs
 * @lost: records that were reported as lost
 * @spare: memory for jobs
 * @jobs: those in flight, by key
 */
struct mrt_trace_writer {
	struct mrt_trace_lanes lanes;
	bool joined;
	uint32_t inflight;
	uint64_t lost;
	struct open_job *spare;
	struct open_job *jobs[BUCKETS];
};

static struct mrt_trace_writer *writer_of(struct mrt_trace_program *program,
					  struct mrt_trace_queue *queue)
{
	char name[48];

	if (queue->writer)
		return queue->writer;
	queue->writer = calloc(1, sizeof(*queue->writer));
	if (!queue->writer)
		return NULL;
	queue->writer->joined = true;
	snprintf(name, sizeof(name), "jobs of queue %u", queue->id);
	mrt_trace_lanes_init(&queue->writer->lanes, program->pid,
			     FIRST_LANE + (int)queue->id * LANES_APART, name);
	return queue->writer;
}

static void free_jobs(struct open_job *job)
{
	while (job) {
		struct open_job *next = job->next;

		free(job);
		job = next;
	}
}

void mrt_trace_writer_free(struct mrt_trace_queue *queue)
{
	if (!queue->writer)
		return;
	for (unsigned int i = 0; i < BUCKETS; i++)
		free_jobs(queue->writer->jobs[i]);
	free_jobs(queue->writer->spare);
	free(queue->writer);
	queue->writer = NULL;
}

static struct open_job **find(struct mrt_trace_writer *w, uintptr_t key)
{
	struct open_job **at = &w->jobs[(key >> 4 ^ key >> 16) % BUCKETS];

	while (*at && (*at)->key != key)
		at = &(*at)->next;
	return at;
}

static struct open_job *take_spare(struct mrt_trace_writer *w)
{
	struct open_job *job = w->spare;

	if (!job)
		return malloc(sizeof(*job));
	w->spare = job->next;
	return job;
}

static struct mrt_trace_track thread_track(struct mrt_trace_program *program, int tid)
{
	struct mrt_trace_track track = { program->pid, tid };
	char path[64], name[32] = "";
	FILE *file;

	for (unsigned int i = 0; i < program->nthreads; i++)
		if (program->threads[i] == tid)
			return track;
	if (program->nthreads == MRT_TRACE_THREADS)
		return track;
	program->threads[program->nthreads++] = tid;
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	file = fopen(path, "re");
	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
	mrt_trace_name_track(program->file, track, name, (int)program->nthreads);
	return track;
}

static void on_job(struct mrt_trace_writer *w, const struct mrt_trace_record *r)
{
	struct open_job **at = find(w, r->key), *job = *at;

	if (!job) {
		job = take_spare(w);
		if (!job)
			return;
		job->next = NULL;
		*at = job;
		w->inflight++;
	}
	job->key = r->key;
	job->tid = r->tid;
	job->submit = r->time;
	job->push = 0;
	job->jobs = 1;
	job->info = r->job;
}

static void on_push(struct mrt_trace_writer *w, const struct mrt_trace_record *r)
{
	struct open_job *job = *find(w, r->key);

	if (!job)
		return;
	job->push = r->time;
	job->number = r->push.number;
	job->jobs = r->push.jobs;
}

/* Whether the driver has not taken it: then it has counted fewer jobs than this side. */
static bool was_refused(const struct mrt_trace_record *r)
{
	return r->done.status < 0 && r->done.status != -ETIME && r->done.status != -ECANCELED &&
	       r->done.status != -EIO && r->done.status != -ENODEV;
}

/* Without a driver: the device's time ends, as far as the program knows, when it has the answer. */
static void put_device(struct mrt_trace_program *program, const struct open_job *job,
		       const struct mrt_trace_record *r, struct mrt_trace_slice *slice)
{
	char args[96];

	slice->begin = (int64_t)(r->time - r->done.device_ns);
	if (slice->begin < (int64_t)job->push)
		slice->begin = (int64_t)job->push;
	slice->level = "device";
	slice->args = args;
	snprintf(args, sizeof(args), "\"device_ns\":%" PRIu64 ",\"energy_fj\":%" PRIu64,
		 r->done.device_ns, r->done.energy_fj);
	slice->track = mrt_trace_lane(&program->lanes, program->file, slice->begin, slice->end);
	mrt_trace_put_slice(program->file, slice);
	mrt_trace_put_flow(program->file, 't', slice->track, slice->begin, slice->job);
}

/* Arrows of all jobs of a sequence start and end at the same places. */
static void put_flows(struct mrt_trace_program *program, const struct open_job *job, char phase,
		      struct mrt_trace_track track, int64_t at, struct mrt_trace_job id)
{
	for (uint32_t i = 0; i < job->jobs; i++, id.number++)
		mrt_trace_put_flow(program->file, phase, track, at, &id);
}

/* What it is, for the reader. */
static void describe(const struct open_job *job, const struct mrt_trace_record *r, char name[64],
		     char args[192])
{
	const struct mrt_trace_job_info *info = &job->info;

	if (info->rows)
		snprintf(name, 64, "%s %ux%u", info->op, info->rows, info->cols);
	else
		snprintf(name, 64, "%s", info->op);
	snprintf(args, 192,
		 "\"jobs\":%u,\"matrix\":%u,\"batch\":%u,\"status\":%d,\"device_ns\":%" PRIu64
		 ",\"energy_fj\":%" PRIu64,
		 job->jobs, info->array, info->batch, r->done.status, r->done.device_ns,
		 r->done.energy_fj);
}

static void put_job(struct mrt_trace_program *program, const struct mrt_trace_queue *queue,
		    const struct open_job *job, const struct mrt_trace_record *r)
{
	struct mrt_trace_job id = { program->dev, program->client, queue->ctx, job->number };
	char name[64], args[192];
	struct mrt_trace_slice slice = {
		.begin = (int64_t)job->submit,
		.end = (int64_t)r->time,
		.name = name,
		.level = "application",
		.job = &id,
		.args = args,
	};
	bool joined = queue->writer->joined;

	describe(job, r, name, args);
	slice.track = mrt_trace_lane(&queue->writer->lanes, program->file, slice.begin, slice.end);
	mrt_trace_put_slice(program->file, &slice);
	if (joined) {
		put_flows(program, job, 's', thread_track(program, job->tid), slice.begin, id);
		put_flows(program, job, 't', slice.track, slice.begin, id);
	}
	slice.end = (int64_t)job->push;
	slice.level = "queue";
	slice.args = "";
	slice.name = "waits for room";
	mrt_trace_put_slice(program->file, &slice);
	slice.end = (int64_t)r->time;
	slice.name = job->info.op;
	if (program->device_pid)
		put_device(program, job, r, &slice);
	if (joined)
		put_flows(program, job, 'f', thread_track(program, r->tid), slice.end, id);
}

static void on_done(struct mrt_trace_program *program, struct mrt_trace_queue *queue,
		    const struct mrt_trace_record *r)
{
	struct mrt_trace_writer *w = queue->writer;
	struct open_job **at = find(w, r->key), *job = *at;

	if (!job)
		return;
	if (was_refused(r))
		w->joined = false;
	if (!job->push)
		job->push = job->submit;
	put_job(program, queue, job, r);
	program->energy_fj += r->done.energy_fj;
	w->inflight--;
	*at = job->next;
	job->next = w->spare;
	w->spare = job;
}

static void on_call(struct mrt_trace_program *program, struct mrt_trace_queue *queue,
		    const struct mrt_trace_record *r)
{
	char name[64], args[64];
	struct mrt_trace_slice slice = {
		.track = thread_track(program, r->tid),
		.begin = (int64_t)r->time,
		.end = (int64_t)r->call.end,
		.name = r->what == MRT_TRACE_SUBMIT ? "submit" : "reap",
		.level = "application",
		.args = args,
	};

	snprintf(args, sizeof(args), "\"queue\":%u,\"jobs\":%u", queue->id, r->call.n);
	mrt_trace_put_slice(program->file, &slice);
	snprintf(name, sizeof(name), "queue %u: jobs in flight", queue->id);
	mrt_trace_put_counter(program->file, program->pid, slice.end, name,
			      queue->writer->inflight);
	if (program->device_pid && r->what == MRT_TRACE_REAP && r->call.n)
		mrt_trace_put_counter(program->file, program->device_pid, slice.end, "energy (nJ)",
				      (double)program->energy_fj * 1e-6);
}

static void take(struct mrt_trace_program *program, struct mrt_trace_queue *queue,
		 const struct mrt_trace_record *r)
{
	switch (r->what) {
	case MRT_TRACE_JOB:
		on_job(queue->writer, r);
		break;
	case MRT_TRACE_PUSH:
		on_push(queue->writer, r);
		break;
	case MRT_TRACE_DONE:
		on_done(program, queue, r);
		break;
	default:
		on_call(program, queue, r);
		break;
	}
}

static void report_lost(struct mrt_trace_program *program, struct mrt_trace_queue *queue)
{
	uint64_t lost = atomic_load_explicit(&queue->lost, memory_order_relaxed);
	char text[96];

	if (lost == queue->writer->lost)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " records of queue %u were lost: no room for them",
		 lost - queue->writer->lost, queue->id);
	mrt_trace_put_note(program->file, program->pid, (int64_t)mrt_now_ns(), text);
	queue->writer->lost = lost;
}

void mrt_trace_drain(struct mrt_trace_program *program, struct mrt_trace_queue *queue)
{
	uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_acquire);

	if (!writer_of(program, queue))
		return;
	for (; head != tail; head++) {
		take(program, queue, &queue->records[head % MRT_TRACE_RECORDS]);
		atomic_store_explicit(&queue->head, head + 1, memory_order_release);
	}
	report_lost(program, queue);
}
