// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See trace_driver.h. Memory is bounded by what is in flight. Where events were lost, jobs may
 * never end: those are forgotten when there are too many.
 */
#include "trace/trace_driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024
#define GROUPS_MAX 65536
#define LANES_APART 1000 /* track numbers from queue to queue */

/**
 * struct queue - a queue of the device's, as long as one context has it
 * @next: in a list
 * @dev: N of accelN
 * @id: its number in the device
 * @client: who has it
 * @ctx: context handle
 * @tgid: process, 0 if unknown
 * @numbered: the numbers of its jobs are those that the program counts
 * @jobs: jobs so far
 * @inflight: in the device
 * @driver: tracks of the driver
 * @program: tracks of the program
 */
struct queue {
	struct queue *next;
	uint32_t dev;
	uint32_t id;
	uint64_t client;
	uint32_t ctx;
	int tgid;
	bool numbered;
	uint64_t jobs;
	uint32_t inflight;
	struct mrt_trace_lanes driver;
	struct mrt_trace_lanes program;
};

/**
 * struct group - jobs of one SUBMIT
 * @next: in its bucket
 * @queue: its queue
 * @seqno: number in it
 * @submit: when it was submitted
 * @push: when it was in the ring, 0 if it is not
 * @first: number of its first job
 * @count: jobs
 * @seen: of these complete
 * @ops: what they do
 */
struct group {
	struct group *next;
	struct queue *queue;
	uint64_t seqno;
	int64_t submit;
	int64_t push;
	uint64_t first;
	uint32_t count;
	uint32_t seen;
	uint8_t ops[];
};

/* A device. */
struct device {
	struct device *next;
	uint32_t dev;
	uint64_t energy_fj;
	uint32_t inflight;
	struct mrt_trace_lanes lanes;
};

/* A point with its place among those of the same time. */
struct waiting {
	struct mrt_trace_point point;
	uint64_t order;
};

/**
 * struct mrt_trace_driver - state
 * @file: where slices go
 * @source: whose
 * @devices: list
 * @queues: list
 * @buckets: groups that have not ended, by queue and number
 * @groups: their number
 * @waiting: points that may not be in order yet
 * @count: their number
 * @room: for so many
 * @points: points so far
 * @sums: see trace_driver.h
 */
struct mrt_trace_driver {
	struct mrt_trace_file *file;
	struct mrt_trace_source source;
	struct device *devices;
	struct queue *queues;
	struct group *buckets[BUCKETS];
	unsigned int groups;
	struct waiting *waiting;
	size_t count;
	size_t room;
	uint64_t points;
	struct mrt_trace_sums sums;
};

struct mrt_trace_driver *mrt_trace_driver_new(struct mrt_trace_file *file,
					      const struct mrt_trace_source *source)
{
	struct mrt_trace_driver *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->file = file;
	d->source = *source;
	return d;
}

/* ---- what there is ---- */

static struct device *device_of(struct mrt_trace_driver *d, uint32_t dev)
{
	struct device *device = d->devices;
	char name[64];

	while (device && device->dev != dev)
		device = device->next;
	if (device)
		return device;
	device = calloc(1, sizeof(*device));
	if (!device)
		return NULL;
	device->dev = dev;
	device->next = d->devices;
	d->devices = device;
	snprintf(name, sizeof(name), "driver of accel%u", dev);
	mrt_trace_name_process(d->file, MRT_TRACE_DRIVER_PID(dev), name, 1000 + 2 * (int)dev);
	snprintf(name, sizeof(name), "device accel%u", dev);
	mrt_trace_name_process(d->file, MRT_TRACE_DEVICE_PID(dev), name, 1001 + 2 * (int)dev);
	mrt_trace_lanes_init(&device->lanes, MRT_TRACE_DEVICE_PID(dev), 1, "jobs");
	return device;
}

/* The process of a thread; the thread itself if it is gone. */
static int process_of(int tid)
{
	char path[64], line[256];
	int tgid = tid;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	if (!file)
		return tgid;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %d", &tgid) == 1)
			break;
	fclose(file);
	return tgid;
}

static void name_program(struct mrt_trace_driver *d, const struct queue *queue, const char *comm)
{
	for (const struct queue *other = queue->next; other; other = other->next)
		if (other->tgid == queue->tgid)
			return;
	mrt_trace_name_process(d->file, queue->tgid, comm, 0);
}

/* A context that was not seen before has the queue now. */
static void take_over(struct mrt_trace_driver *d, struct queue *queue,
		      const struct mrt_trace_point *p)
{
	char name[48];

	queue->client = p->client;
	queue->ctx = p->ctx;
	queue->jobs = 0;
	/* Else its first jobs were missed. */
	queue->numbered = p->seqno == 1;
	queue->tgid = 0;
	snprintf(name, sizeof(name), "queue %u", queue->id);
	mrt_trace_lanes_init(&queue->driver, MRT_TRACE_DRIVER_PID(queue->dev),
			     (int)queue->id * LANES_APART + 1, name);
	if (!d->source.all)
		return;
	queue->tgid = process_of(p->tid);
	snprintf(name, sizeof(name), "jobs of context %u", queue->ctx);
	mrt_trace_lanes_init(&queue->program, queue->tgid,
			     MRT_TRACE_DRIVER_PID(0) + (int)queue->id * LANES_APART, name);
	name_program(d, queue, p->comm);
}

static struct queue *queue_of(struct mrt_trace_driver *d, const struct mrt_trace_point *p)
{
	struct queue *queue = d->queues;

	while (queue && (queue->dev != p->dev || queue->id != p->queue))
		queue = queue->next;
	if (!queue) {
		queue = calloc(1, sizeof(*queue));
		if (!queue)
			return NULL;
		queue->dev = p->dev;
		queue->id = p->queue;
		queue->next = d->queues;
		d->queues = queue;
		take_over(d, queue, p);
	} else if (queue->client != p->client || queue->ctx != p->ctx || p->seqno == 1) {
		take_over(d, queue, p);
	}
	return queue;
}

static struct group **bucket_of(struct mrt_trace_driver *d, const struct mrt_trace_point *p)
{
	return &d->buckets[(p->seqno + p->queue * 131 + p->dev * 31) % BUCKETS];
}

static struct group **find_group(struct mrt_trace_driver *d, const struct mrt_trace_point *p)
{
	struct group **at = bucket_of(d, p);

	while (*at && ((*at)->seqno != p->seqno || (*at)->queue->id != p->queue ||
		       (*at)->queue->dev != p->dev))
		at = &(*at)->next;
	return at;
}

static void drop_group(struct mrt_trace_driver *d, struct group **at)
{
	struct group *group = *at;

	*at = group->next;
	free(group);
	d->groups--;
}

/* Those whose ends were lost. */
static void drop_all(struct mrt_trace_driver *d)
{
	for (unsigned int i = 0; i < BUCKETS; i++)
		while (d->buckets[i])
			drop_group(d, &d->buckets[i]);
}

static struct mrt_trace_job job_of(const struct group *group, uint32_t index)
{
	return (struct mrt_trace_job){
		.dev = group->queue->dev,
		.client = group->queue->client,
		.ctx = group->queue->ctx,
		.number = group->first + index,
	};
}

/* ---- events ---- */

static void on_submit(struct mrt_trace_driver *d, const struct mrt_trace_point *p)
{
	struct queue *queue;
	struct group *group, **at;

	if (!d->source.all && (p->client != d->source.client || p->dev != d->source.dev))
		return;
	at = find_group(d, p);
	if (*at)
		drop_group(d, at);
	if (d->groups >= GROUPS_MAX)
		drop_all(d);
	queue = queue_of(d, p);
	group = queue && device_of(d, p->dev) ? calloc(1, sizeof(*group) + p->count) : NULL;
	if (!group)
		return;
	group->queue = queue;
	group->seqno = p->seqno;
	group->submit = p->time_ns;
	group->first = queue->jobs;
	group->count = p->count;
	queue->jobs += p->count;
	at = bucket_of(d, p);
	group->next = *at;
	*at = group;
	d->groups++;
}

static void count_inflight(struct mrt_trace_driver *d, struct queue *queue, int64_t at, int change)
{
	struct device *device = device_of(d, queue->dev);
	char name[48];

	queue->inflight += (uint32_t)change;
	snprintf(name, sizeof(name), "queue %u: jobs in the device", queue->id);
	mrt_trace_put_counter(d->file, MRT_TRACE_DRIVER_PID(queue->dev), at, name, queue->inflight);
	if (!device)
		return;
	device->inflight += (uint32_t)change;
	mrt_trace_put_counter(d->file, MRT_TRACE_DEVICE_PID(queue->dev), at, "jobs in the device",
			      device->inflight);
}

static void on_push(struct mrt_trace_driver *d, const struct mrt_trace_point *p)
{
	struct group *group = *find_group(d, p);

	if (!group || group->push)
		return;
	group->push = p->time_ns;
	count_inflight(d, group->queue, p->time_ns, (int)group->count);
}

static void put_device(struct mrt_trace_driver *d, const struct group *group,
		       const struct mrt_trace_point *p, int64_t begin)
{
	struct mrt_trace_job job = job_of(group, p->index);
	struct device *device = device_of(d, p->dev);
	char args[128];
	struct mrt_trace_slice slice = {
		.begin = begin,
		.end = p->time_ns,
		.name = mrt_trace_op_name(p->op),
		.level = "device",
		.job = &job,
		.args = args,
	};

	if (!device)
		return;
	snprintf(args, sizeof(args),
		 "\"device_ns\":%" PRIu64 ",\"energy_fj\":%" PRIu64 ",\"status\":%" PRId32,
		 p->device_ns, p->energy_fj, p->status);
	slice.track = mrt_trace_lane(&device->lanes, d->file, begin, p->time_ns);
	mrt_trace_put_slice(d->file, &slice);
	if (group->queue->numbered)
		mrt_trace_put_flow(d->file, d->source.all ? 'f' : 't', slice.track, begin, &job);
	device->energy_fj += p->energy_fj;
	mrt_trace_put_counter(d->file, MRT_TRACE_DEVICE_PID(p->dev), p->time_ns, "energy (nJ)",
			      (double)device->energy_fj * 1e-6);
}

static void put_driver(struct mrt_trace_driver *d, struct group *group,
		       const struct mrt_trace_point *p)
{
	struct mrt_trace_job job = job_of(group, p->index);
	char args[128];
	struct mrt_trace_slice slice = {
		.begin = group->submit,
		.end = p->time_ns,
		.name = mrt_trace_op_name(p->op),
		.level = "driver",
		.job = &job,
		.args = args,
	};

	snprintf(args, sizeof(args),
		 "\"seqno\":%" PRIu64 ",\"index\":%" PRIu32 ",\"of\":%" PRIu32
		 ",\"status\":%" PRId32,
		 p->seqno, p->index, group->count, p->status);
	slice.track = mrt_trace_lane(&group->queue->driver, d->file, group->submit, p->time_ns);
	mrt_trace_put_slice(d->file, &slice);
	if (group->queue->numbered)
		mrt_trace_put_flow(d->file, 't', slice.track, group->submit, &job);
	slice.end = group->push;
	slice.name = "waits for the ring";
	slice.level = "queue";
	slice.args = "";
	mrt_trace_put_slice(d->file, &slice);
}

static void on_complete(struct mrt_trace_driver *d, const struct mrt_trace_point *p)
{
	struct group *group = *find_group(d, p);
	int64_t begin;

	if (!group || p->index >= group->count)
		return;
	/* Cut off before the device had it. */
	if (!group->push)
		group->push = p->time_ns;
	/* An emulated device has its own idea of time, which may be slower than it is. */
	begin = p->time_ns - (int64_t)p->device_ns;
	if (begin < group->push)
		begin = group->push;
	put_driver(d, group, p);
	put_device(d, group, p, begin);
	group->ops[p->index] = (uint8_t)p->op;
	group->seen++;
	d->sums.jobs++;
	d->sums.failed += p->status != 0;
	d->sums.queue += (uint64_t)(group->push - group->submit);
	d->sums.driver += (uint64_t)(begin - group->push);
	d->sums.device += (uint64_t)(p->time_ns - begin);
	d->sums.energy_fj += p->energy_fj;
}

static void put_program(struct mrt_trace_driver *d, struct group *group, int64_t end)
{
	for (uint32_t i = 0; i < group->count; i++) {
		struct mrt_trace_job job = job_of(group, i);
		struct mrt_trace_slice slice = {
			.begin = group->submit,
			.end = end,
			.name = mrt_trace_op_name(group->ops[i]),
			.level = "application",
			.job = &job,
			.args = "",
		};

		slice.track = mrt_trace_lane(&group->queue->program, d->file, group->submit, end);
		mrt_trace_put_slice(d->file, &slice);
		if (group->queue->numbered)
			mrt_trace_put_flow(d->file, 's', slice.track, group->submit, &job);
	}
}

static void on_done(struct mrt_trace_driver *d, const struct mrt_trace_point *p)
{
	struct group **at = find_group(d, p), *group = *at;

	if (!group)
		return;
	count_inflight(d, group->queue, p->time_ns, -(int)group->count);
	d->sums.total += (uint64_t)(p->time_ns - group->submit) * group->seen;
	if (d->source.all)
		put_program(d, group, p->time_ns);
	drop_group(d, at);
}

/* From now on nobody knows which job is which. */
static void on_lost(struct mrt_trace_driver *d, const struct mrt_trace_point *p)
{
	d->sums.lost += p->count;
	for (struct queue *queue = d->queues; queue; queue = queue->next)
		queue->numbered = false;
}

static void note(struct mrt_trace_driver *d, const struct mrt_trace_point *p, const char *text)
{
	if (d->source.all || p->dev == d->source.dev)
		mrt_trace_put_note(d->file, MRT_TRACE_DRIVER_PID(p->dev), p->time_ns, text);
}

static void take(struct mrt_trace_driver *d, const struct mrt_trace_point *p)
{
	switch (p->kind) {
	case MRT_POINT_SUBMIT:
		on_submit(d, p);
		break;
	case MRT_POINT_PUSH:
		on_push(d, p);
		break;
	case MRT_POINT_COMPLETE:
		on_complete(d, p);
		break;
	case MRT_POINT_DONE:
		on_done(d, p);
		break;
	case MRT_POINT_TIMEOUT:
		note(d, p, "a job took too long");
		break;
	case MRT_POINT_QUEUE_RESET:
		note(d, p, "a queue was reset");
		break;
	case MRT_POINT_RESET:
		note(d, p, "the device is reset");
		break;
	case MRT_POINT_WEDGED:
		note(d, p, "the device was given up");
		break;
	default:
		break;
	}
}

/* ---- order ---- */

static int compare(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->point.time_ns != y->point.time_ns)
		return x->point.time_ns < y->point.time_ns ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

void mrt_trace_driver_line(void *driver, const char *line)
{
	struct mrt_trace_driver *d = driver;
	struct mrt_trace_point point;
	size_t room = d->room ? d->room * 2 : 1024;
	struct waiting *more;

	mrt_trace_point_parse(line, &point);
	if (point.kind == MRT_POINT_LOST)
		on_lost(d, &point);
	if (point.kind == MRT_POINT_LOST || point.kind == MRT_POINT_NONE)
		return;
	if (d->count == d->room) {
		more = realloc(d->waiting, room * sizeof(*more));
		if (!more) {
			d->sums.lost++;
			return;
		}
		d->waiting = more;
		d->room = room;
	}
	d->waiting[d->count++] = (struct waiting){ point, d->points++ };
}

void mrt_trace_driver_run(struct mrt_trace_driver *d, int64_t until)
{
	size_t n = 0;

	if (d->count)
		qsort(d->waiting, d->count, sizeof(*d->waiting), compare);
	while (n < d->count && d->waiting[n].point.time_ns < until)
		take(d, &d->waiting[n++].point);
	d->count -= n;
	if (d->count)
		memmove(d->waiting, d->waiting + n, d->count * sizeof(*d->waiting));
}

void mrt_trace_driver_sums(const struct mrt_trace_driver *driver, struct mrt_trace_sums *sums)
{
	*sums = driver->sums;
}

void mrt_trace_driver_free(struct mrt_trace_driver *d)
{
	void *next;

	if (!d)
		return;
	drop_all(d);
	for (struct queue *queue = d->queues; queue; queue = next) {
		next = queue->next;
		free(queue);
	}
	for (struct device *device = d->devices; device; device = next) {
		next = device->next;
		free(device);
	}
	free(d->waiting);
	free(d);
}
