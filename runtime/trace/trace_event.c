// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See trace_event.h. The format counts in microseconds, with decimals.
 */
#include "trace/trace_event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* For printf(): a time as microseconds. */
#define US "%" PRId64 ".%03d"
#define US_OF(ns) ((ns) / 1000), (int)((ns) % 1000)

void mrt_trace_quote(char to[MRT_TRACE_QUOTED], const char *text)
{
	/* Room for an escape of six, the closing quote and NUL. */
	char *end = to + MRT_TRACE_QUOTED - 8;

	*to++ = '"';
	for (; *text && to < end; text++) {
		unsigned char c = (unsigned char)*text;

		/* Names of programs are bytes; of those that are not ASCII nothing is known. */
		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			to += sprintf(to, "\\u%04x", c);
		else
			*to++ = (char)c;
	}
	*to++ = '"';
	*to = '\0';
}

void mrt_trace_name_process(struct mrt_trace_file *file, int pid, const char *name, int order)
{
	char quoted[MRT_TRACE_QUOTED];

	mrt_trace_quote(quoted, name);
	mrt_trace_file_put(
		file, "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%d,\"args\":{\"name\":%s}}",
		pid, quoted);
	mrt_trace_file_put(file,
			   "{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":%d,"
			   "\"args\":{\"sort_index\":%d}}",
			   pid, order);
}

void mrt_trace_name_track(struct mrt_trace_file *file, struct mrt_trace_track track,
			  const char *name, int order)
{
	char quoted[MRT_TRACE_QUOTED];

	mrt_trace_quote(quoted, name);
	mrt_trace_file_put(file,
			   "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%d,\"tid\":%d,"
			   "\"args\":{\"name\":%s}}",
			   track.pid, track.tid, quoted);
	mrt_trace_file_put(file,
			   "{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":%d,\"tid\":%d,"
			   "\"args\":{\"sort_index\":%d}}",
			   track.pid, track.tid, order);
}

/* "DEV.CLIENT.CTX.NUMBER": what the parts of a trace have in common for a job. */
static const char *job_text(char text[64], const struct mrt_trace_job *job)
{
	snprintf(text, 64, "%" PRIu32 ".%" PRIu64 ".%" PRIu32 ".%" PRIu64, job->dev, job->client,
		 job->ctx, job->number);
	return text;
}

void mrt_trace_put_slice(struct mrt_trace_file *file, const struct mrt_trace_slice *slice)
{
	int64_t length = slice->end > slice->begin ? slice->end - slice->begin : 0;
	char quoted[MRT_TRACE_QUOTED], text[64], job[80] = "";

	if (slice->job)
		snprintf(job, sizeof(job), "\"job\":\"%s\"%s", job_text(text, slice->job),
			 *slice->args ? "," : "");
	mrt_trace_quote(quoted, slice->name);
	mrt_trace_file_put(file,
			   "{\"ph\":\"X\",\"cat\":\"%s\",\"name\":%s,\"pid\":%d,\"tid\":%d,"
			   "\"ts\":" US ",\"dur\":" US ",\"args\":{%s%s}}",
			   slice->level, quoted, slice->track.pid, slice->track.tid,
			   US_OF(slice->begin), US_OF(length), job, slice->args);
}

void mrt_trace_put_counter(struct mrt_trace_file *file, int pid, int64_t at, const char *name,
			   double value)
{
	mrt_trace_file_put(file,
			   "{\"ph\":\"C\",\"name\":\"%s\",\"pid\":%d,\"tid\":0,\"ts\":" US
			   ",\"args\":{\"value\":%.9g}}",
			   name, pid, US_OF(at), value);
}

void mrt_trace_put_note(struct mrt_trace_file *file, int pid, int64_t at, const char *text)
{
	char quoted[MRT_TRACE_QUOTED];

	mrt_trace_quote(quoted, text);
	mrt_trace_file_put(file,
			   "{\"ph\":\"i\",\"s\":\"g\",\"cat\":\"trace\",\"name\":%s,\"pid\":%d,"
			   "\"tid\":0,\"ts\":" US "}",
			   quoted, pid, US_OF(at));
}

/* FNV-1a: both sides of an arrow must come to the same number, without knowing each other. */
static uint64_t flow_id(const struct mrt_trace_job *job)
{
	uint64_t hash = 0xcbf29ce484222325;
	char text[64];

	for (const char *c = job_text(text, job); *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
	/* Viewers keep numbers as doubles. */
	return hash >> 11;
}

void mrt_trace_put_flow(struct mrt_trace_file *file, char phase, struct mrt_trace_track track,
			int64_t at, const struct mrt_trace_job *job)
{
	mrt_trace_file_put(file,
			   "{\"ph\":\"%c\",\"cat\":\"flow\",\"name\":\"job\",\"id\":\"0x%" PRIx64
			   "\",\"pid\":%d,\"tid\":%d,\"ts\":" US "%s}",
			   phase, flow_id(job), track.pid, track.tid, US_OF(at),
			   phase == 's' ? "" : ",\"bp\":\"e\"");
}

void mrt_trace_lanes_init(struct mrt_trace_lanes *lanes, int pid, int first_tid, const char *name)
{
	lanes->pid = pid;
	lanes->first_tid = first_tid;
	lanes->used = 0;
	snprintf(lanes->name, sizeof(lanes->name), "%s", name);
}

struct mrt_trace_track mrt_trace_lane(struct mrt_trace_lanes *lanes, struct mrt_trace_file *file,
				      int64_t begin, int64_t end)
{
	struct mrt_trace_track track = { .pid = lanes->pid };
	unsigned int lane = 0;
	char name[64];

	while (lane < lanes->used && lanes->busy_until[lane] > begin)
		lane++;
	if (lane == MRT_TRACE_LANES)
		lane--;
	track.tid = lanes->first_tid + (int)lane;
	if (lane == lanes->used) {
		lanes->used++;
		snprintf(name, sizeof(name), "%s, lane %u", lanes->name, lane);
		mrt_trace_name_track(file, track, name, track.tid);
	}
	lanes->busy_until[lane] = end;
	return track;
}
