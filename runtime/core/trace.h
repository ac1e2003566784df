/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Traces of a device: what a program asked of its queues, when, and when it had the
 * answer; on a card the driver's part, too. A queue that is traced has a ring of records,
 * filled by its thread without a lock, and emptied by a thread of the trace, which writes
 * the file (trace_writer.c). Records for which there is no room are counted and lost.
 *
 * Of a queue that is not traced, @trace is NULL, and each function here a test of it.
 */
#ifndef MHO_CORE_TRACE_H
#define MHO_CORE_TRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"

struct mrt_trace;

enum mrt_trace_what {
	MRT_TRACE_JOB, /* a job was submitted */
	MRT_TRACE_PUSH, /* and given to the device */
	MRT_TRACE_DONE, /* and reaped */
	MRT_TRACE_SUBMIT, /* a call that submitted @n jobs */
	MRT_TRACE_REAP, /* a call that reaped @n jobs */
};

/* What a job does, for whoever looks at the trace. */
struct mrt_trace_job_info {
	const char *op;
	uint32_t array;
	uint32_t rows;
	uint32_t cols;
	uint32_t batch;
};

/**
 * struct mrt_trace_record - something that happened
 * @time: CLOCK_MONOTONIC, ns
 * @key: names the job while it is in flight
 * @what: enum mrt_trace_what
 * @tid: thread
 * @job: MRT_TRACE_JOB
 * @push: MRT_TRACE_PUSH: running number in the queue of the first job, and how many there are
 * @done: MRT_TRACE_DONE
 * @call: the rest: when it ended, and with how many jobs
 */
struct mrt_trace_record {
	uint64_t time;
	uintptr_t key;
	uint32_t what;
	int32_t tid;
	union {
		struct mrt_trace_job_info job;
		struct {
			uint64_t number;
			uint32_t jobs;
		} push;
		struct {
			uint64_t device_ns;
			uint64_t energy_fj;
			int32_t status;
		} done;
		struct {
			uint64_t end;
			uint32_t n;
		} call;
	};
};

#define MRT_TRACE_RECORDS 32768 /* a power of two */

/**
 * struct mrt_trace_queue - the ring of a queue
 * @next: in the trace's list
 * @id: number among the trace's queues
 * @ctx: as the driver calls the queue
 * @jobs: given to the device so far
 * @tail: records so far, by the queue's thread
 * @room_until: what @tail may reach, as far as that thread knows
 * @lost: records without room
 * @ended: the queue is gone
 * @head: records that were taken, by the trace's thread
 * @writer: what that thread knows of the queue
 * @records: ring
 */
struct mrt_trace_queue {
	struct mrt_trace_queue *next;
	uint32_t id;
	uint32_t ctx;
	uint64_t jobs;
	_Atomic uint64_t tail;
	uint64_t room_until;
	_Atomic uint64_t lost;
	atomic_bool ended;
	_Alignas(64) _Atomic uint64_t head;
	struct mrt_trace_writer *writer;
	struct mrt_trace_record records[MRT_TRACE_RECORDS];
};

/**
 * mrt_trace_new() - begin the trace of a device
 * @path: file, in which %p stands for the process; or NULL for what MHO_TRACE says
 * @bdev: device
 * @uri: its name
 * @log: for what goes wrong later
 * @out: the trace, NULL if none is wanted
 *
 * Return: 0, or -errno with the last error set.
 */
int mrt_trace_new(const char *path, struct mrt_bdev *bdev, const char *uri,
		  const struct mrt_logger *log, struct mrt_trace **out);

/* mrt_trace_flush() - write all that was recorded. 0, or -errno with the last error set. */
int mrt_trace_flush(struct mrt_trace *trace);

/* mrt_trace_free() - end a trace, or NULL. Its queues have ended. */
void mrt_trace_free(struct mrt_trace *trace);

/* mrt_trace_queue_new() - trace a queue; NULL if @trace is, or without memory. */
struct mrt_trace_queue *mrt_trace_queue_new(struct mrt_trace *trace, struct mrt_bqueue *queue);

/* mrt_trace_queue_end() - the queue is gone, or NULL. */
void mrt_trace_queue_end(struct mrt_trace_queue *trace);

/* ---- what happened; on the queue's thread ---- */

void mrt_trace_put_job(struct mrt_trace_queue *trace, const void *key,
		       const struct mrt_trace_job_info *info);
void mrt_trace_put_push(struct mrt_trace_queue *trace, const void *key, uint32_t jobs);
void mrt_trace_put_done(struct mrt_trace_queue *trace, const void *key,
			const struct mrt_done *done);
void mrt_trace_put_call(struct mrt_trace_queue *trace, enum mrt_trace_what what, uint64_t begin,
			uint32_t n);

/* mrt_trace_pushed() - the device has a job, or a sequence of so many @jobs. */
static inline void mrt_trace_pushed(struct mrt_trace_queue *trace, const void *key, uint32_t jobs)
{
	if (__builtin_expect(trace != NULL, 0))
		mrt_trace_put_push(trace, key, jobs);
}

/* mrt_trace_reaped() - the program has it back. */
static inline void mrt_trace_reaped(struct mrt_trace_queue *trace, const void *key,
				    const struct mrt_done *done)
{
	if (__builtin_expect(trace != NULL, 0))
		mrt_trace_put_done(trace, key, done);
}

/*
 * mrt_trace_aside() - the backend has added a job of its own, behind all that were pushed: the
 * driver counts it, too.
 */
static inline void mrt_trace_aside(struct mrt_trace_queue *trace)
{
	if (__builtin_expect(trace != NULL, 0))
		trace->jobs++;
}

/* mrt_trace_begin(), mrt_trace_end() - a call, and what it did. */
static inline uint64_t mrt_trace_begin(const struct mrt_trace_queue *trace)
{
	return __builtin_expect(trace != NULL, 0) ? mrt_now_ns() : 0;
}

static inline void mrt_trace_end(struct mrt_trace_queue *trace, enum mrt_trace_what what,
				 uint64_t begin, uint32_t n)
{
	if (__builtin_expect(trace != NULL, 0))
		mrt_trace_put_call(trace, what, begin, n);
}

#endif
