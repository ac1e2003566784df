// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The side of a trace that programs run through: records into rings. The memory for
 * them is all that a trace costs, whatever happens.
 */
#include "core/trace.h"

#include <unistd.h>

static int32_t this_thread(void)
{
	static _Thread_local int32_t tid;

	if (!tid)
		tid = gettid();
	return tid;
}

static void put(struct mrt_trace_queue *trace, const struct mrt_trace_record *record)
{
	uint64_t tail = atomic_load_explicit(&trace->tail, memory_order_relaxed);

	if (tail == trace->room_until) {
		trace->room_until = MRT_TRACE_RECORDS +
				    atomic_load_explicit(&trace->head, memory_order_acquire);
		if (tail == trace->room_until) {
			atomic_fetch_add_explicit(&trace->lost, 1, memory_order_relaxed);
			return;
		}
	}
	trace->records[tail % MRT_TRACE_RECORDS] = *record;
	atomic_store_explicit(&trace->tail, tail + 1, memory_order_release);
}

void mrt_trace_put_job(struct mrt_trace_queue *trace, const void *key,
		       const struct mrt_trace_job_info *info)
{
	put(trace, &(struct mrt_trace_record){
			   .time = mrt_now_ns(),
			   .key = (uintptr_t)key,
			   .what = MRT_TRACE_JOB,
			   .tid = this_thread(),
			   .job = *info,
		   });
}

void mrt_trace_put_push(struct mrt_trace_queue *trace, const void *key, uint32_t jobs)
{
	put(trace, &(struct mrt_trace_record){
			   .time = mrt_now_ns(),
			   .key = (uintptr_t)key,
			   .what = MRT_TRACE_PUSH,
			   .tid = this_thread(),
			   .push = { trace->jobs, jobs },
		   });
	trace->jobs += jobs;
}

void mrt_trace_put_done(struct mrt_trace_queue *trace, const void *key, const struct mrt_done *done)
{
	put(trace, &(struct mrt_trace_record){
			   .time = mrt_now_ns(),
			   .key = (uintptr_t)key,
			   .what = MRT_TRACE_DONE,
			   .tid = this_thread(),
			   .done = { done->device_ns, done->energy_fj, done->status },
		   });
}

void mrt_trace_put_call(struct mrt_trace_queue *trace, enum mrt_trace_what what, uint64_t begin,
			uint32_t n)
{
	put(trace, &(struct mrt_trace_record){
			   .time = begin,
			   .what = what,
			   .tid = this_thread(),
			   .call = { mrt_now_ns(), n },
		   });
}
