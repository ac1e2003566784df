// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Graphs: recording, sealing, changing and destroying them. How a record becomes a
 * plan is in graph_plan.c, how it is run in graph_run.c.
 */
#include "core/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/job.h"

#define RUNS_DEFAULT 2
/* What the driver of a card prepares at most. */
#define RUNS_MAX 1024

int mho_graph_create(struct mho_dev *handle, const struct mho_graph_opts *opts,
		     struct mho_graph **out)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_graph_create");
	struct mho_graph_opts o;
	struct mrt_graph *graph;
	int err;

	if (!dev)
		return -EINVAL;
	if (!out)
		return mrt_fail(-EINVAL,
				"mho_graph_create: there is no place for the graph (out is NULL)");
	err = mrt_copy_in(&o, sizeof(o), opts, sizeof(o), "struct mho_graph_opts");
	if (err)
		return err;
	if (o.runs > RUNS_MAX)
		return mrt_fail(-EINVAL, "struct mho_graph_opts: runs is %u; at most %d overlap",
				o.runs, RUNS_MAX);
	for (unsigned int i = 0; i < sizeof(o.reserved) / sizeof(*o.reserved); i++)
		if (o.reserved[i] || o.pad)
			return mrt_fail(-EINVAL, "struct mho_graph_opts: reserved is not zero; "
						 "begin with MHO_INIT(struct mho_graph_opts)");
	graph = calloc(1, sizeof(*graph));
	if (!graph)
		return mrt_fail(-ENOMEM, "out of memory for a graph");
	graph->handle = mrt_handle_new(MRT_GRAPH, graph, handle);
	if (!graph->handle) {
		free(graph);
		return mrt_fail(-ENOMEM, "out of memory for the handle of a graph");
	}
	graph->dev = dev;
	graph->runs = o.runs ? o.runs : RUNS_DEFAULT;
	graph->slots.a = o.a_slots ? o.a_slots : 1;
	graph->slots.b = o.b_slots ? o.b_slots : 1;
	atomic_init(&graph->refs, 1);
	pthread_mutex_init(&graph->lock, NULL);
	mrt_link_init(&graph->binds);
	pthread_mutex_lock(&dev->lock);
	mrt_link_add(&dev->graphs, &graph->link);
	pthread_mutex_unlock(&dev->lock);
	*out = graph->handle;
	return 0;
}

static void end_node(struct mrt_node *node)
{
	if (!node->fn)
		mrt_job_end(&node->job);
	for (uint32_t i = 0; node->fn && i < node->naccess; i++)
		mrt_buf_put((struct mrt_buf *)node->access[i].object);
	free(node->access);
}

void mrt_graph_put(struct mrt_graph *graph)
{
	struct mrt_dev *dev = graph->dev;

	if (atomic_fetch_sub_explicit(&graph->refs, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_lock(&dev->lock);
	mrt_link_del(&graph->link);
	mrt_bind_destroy(graph);
	pthread_mutex_unlock(&dev->lock);
	mrt_graph_unplan(graph);
	for (uint32_t i = 0; i < graph->n; i++)
		end_node(&graph->nodes[i]);
	free(graph->nodes);
	pthread_mutex_destroy(&graph->lock);
	free(graph);
}

void mho_graph_destroy(struct mho_graph *handle)
{
	struct mrt_graph *graph;

	if (!handle)
		return;
	graph = mrt_handle_take(handle, MRT_GRAPH, "mho_graph_destroy");
	if (!graph)
		return;
	graph->handle = NULL;
	mrt_graph_put(graph);
}

/* ---- recording ---- */

/* A cleared node at the end of the record, which is not counted yet. */
static int new_node(struct mrt_graph *graph, struct mrt_node **out)
{
	uint32_t room = graph->room ? graph->room * 2 : 16;
	struct mrt_node *nodes;

	if (graph->parts)
		return mrt_fail(-EBUSY, "the graph is sealed: nothing can be recorded any more");
	if (graph->n == MHO_GRAPH_JOBS_MAX)
		return mrt_fail(-E2BIG,
				"the graph has %d jobs, as many as there may be; begin "
				"another one",
				MHO_GRAPH_JOBS_MAX);
	if (graph->n == graph->room) {
		nodes = realloc(graph->nodes, room * sizeof(*nodes));
		if (!nodes)
			return mrt_fail(-ENOMEM, "out of memory for job %u of a graph", graph->n);
		graph->nodes = nodes;
		graph->room = room;
	}
	*out = &graph->nodes[graph->n];
	memset(*out, 0, sizeof(**out));
	return 0;
}

/* Puts the number of the job in front of the last error. */
static int in_graph(const struct mrt_graph *graph, int err)
{
	return mrt_fail(err, "job %u of the graph: %s", graph->n, mho_last_error());
}

static int move(struct mho_slice *slice, char name, uint64_t step, uint32_t slots)
{
	uint64_t far;

	if (__builtin_mul_overflow(step, slots - 1, &far) ||
	    __builtin_add_overflow(slice->offset, far, &slice->offset))
		return mrt_fail(-EINVAL, "the step of operand %c is %llu, too large for %u slots",
				name, (unsigned long long)step, slots);
	return 0;
}

/* The last slot: what lies in the buffer there and at slot 0 does so at all in between. */
static int check_last_slot(struct mrt_graph *graph, const struct mho_job *job,
			   const struct mho_graph_step *step)
{
	struct mho_job last = *job;
	int err;

	err = move(&last.a, 'a', step->a, graph->slots.a);
	if (!err)
		err = move(&last.b, 'b', step->b, graph->slots.b);
	if (!err)
		err = mrt_job_begin(graph->dev, &last);
	if (err)
		return mrt_fail(err, "in the last slot: %s", mho_last_error());
	mrt_job_end(&last);
	return 0;
}

static int record_access(struct mrt_node *node, const struct mho_graph_step *step)
{
	struct mrt_access access[MRT_JOB_ACCESSES];
	bool a = false, b = false;
	int n = mrt_job_access(&node->job, access);

	for (int i = 0; i < n; i++) {
		if (access[i].kind == MRT_ACCESS_A)
			access[i].step = step->a;
		else if (access[i].kind == MRT_ACCESS_B)
			access[i].step = step->b;
		a |= access[i].kind == MRT_ACCESS_A;
		b |= access[i].kind == MRT_ACCESS_B;
	}
	if ((step->a && !a) || (step->b && !b))
		return mrt_fail(-EINVAL, "%s has no operand %c that slots could move",
				mrt_op_name(node->job.op), step->a && !a ? 'a' : 'b');
	node->naccess = (uint32_t)n;
	if (!n)
		return 0;
	node->access = malloc(n * sizeof(*access));
	if (!node->access)
		return mrt_fail(-ENOMEM, "out of memory for a graph");
	memcpy(node->access, access, n * sizeof(*access));
	return 0;
}

static int record_job(struct mrt_graph *graph, struct mrt_node *node, const struct mho_job *job,
		      const struct mho_graph_step *step)
{
	int err;

	if (job->op == MHO_OP_GRAPH)
		return mrt_fail(-EINVAL, "GRAPH: a graph runs no graphs");
	node->job = *job;
	err = mrt_job_begin(graph->dev, &node->job);
	if (err)
		return err;
	err = record_access(node, step);
	if (!err)
		err = check_last_slot(graph, job, step);
	if (err) {
		end_node(node);
		return err;
	}
	node->step.a = step->a;
	node->step.b = step->b;
	node->stat.op = job->op;
	return 0;
}

int mho_graph_add(struct mho_graph *handle, const struct mho_job *job,
		  const struct mho_graph_step *step)
{
	static const struct mho_graph_step none;
	struct mrt_graph *graph = mrt_handle_get(handle, MRT_GRAPH, "mho_graph_add");
	struct mrt_node *node;
	int err;

	if (!graph)
		return -EINVAL;
	if (!job)
		return mrt_fail(-EINVAL, "mho_graph_add: the job is NULL");
	err = new_node(graph, &node);
	if (err)
		return err;
	err = record_job(graph, node, job, step ? step : &none);
	return err ? in_graph(graph, err) : (int)graph->n++;
}

static int record_range(struct mrt_graph *graph, const struct mho_graph_access *from,
			struct mrt_access *to)
{
	bool b = from->flags & MHO_ACCESS_B_SLOT;
	uint64_t far, end;
	struct mrt_buf *buf;

	if (from->flags & ~(MHO_ACCESS_WRITE | MHO_ACCESS_B_SLOT) || from->pad)
		return mrt_fail(-EINVAL, "flags of an access are 0x%x; allowed are 0x%x",
				from->flags, MHO_ACCESS_WRITE | MHO_ACCESS_B_SLOT);
	buf = mrt_handle_get(from->buf, MRT_BUF, "an access of a function");
	if (!buf)
		return -EINVAL;
	if (buf->dev != graph->dev)
		return mrt_fail(-EINVAL, "the buffer of an access belongs to another device");
	if (__builtin_mul_overflow(from->step, (b ? graph->slots.b : graph->slots.a) - 1, &far) ||
	    __builtin_add_overflow(from->offset, from->bytes, &end) ||
	    __builtin_add_overflow(end, far, &end) || !from->bytes || end > buf->size)
		return mrt_fail(-EINVAL,
				"an access of %llu bytes from offset %llu on, %llu apart, does not "
				"lie in its buffer of %zu in all slots",
				(unsigned long long)from->bytes, (unsigned long long)from->offset,
				(unsigned long long)from->step, buf->size);
	*to = (struct mrt_access){
		.object = buf,
		.begin = from->offset,
		.end = from->offset + from->bytes,
		.step = from->step,
		.kind = b ? MRT_ACCESS_B : MRT_ACCESS_A,
		.read = !(from->flags & MHO_ACCESS_WRITE),
		.write = from->flags & MHO_ACCESS_WRITE,
	};
	atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
	return 0;
}

int mho_graph_add_host(struct mho_graph *handle, mho_graph_fn fn, void *arg,
		       const struct mho_graph_access *accesses, uint32_t n)
{
	struct mrt_graph *graph = mrt_handle_get(handle, MRT_GRAPH, "mho_graph_add_host");
	struct mrt_node *node;
	int err;

	if (!graph)
		return -EINVAL;
	if (!fn || (n && !accesses))
		return mrt_fail(-EINVAL, "mho_graph_add_host: %s is NULL", fn ? "accesses" : "fn");
	err = new_node(graph, &node);
	if (err)
		return err;
	node->fn = fn;
	node->arg = arg;
	if (n) {
		node->access = calloc(n, sizeof(*node->access));
		if (!node->access)
			return mrt_fail(-ENOMEM, "out of memory for a graph");
	}
	for (; node->naccess < n && !err; node->naccess += !err)
		err = record_range(graph, &accesses[node->naccess], &node->access[node->naccess]);
	if (err) {
		end_node(node);
		return in_graph(graph, err);
	}
	return (int)graph->n++;
}

int mho_graph_seal(struct mho_graph *handle)
{
	struct mrt_graph *graph = mrt_handle_get(handle, MRT_GRAPH, "mho_graph_seal");

	if (!graph)
		return -EINVAL;
	if (graph->parts)
		return mrt_fail(-EBUSY, "mho_graph_seal: the graph is sealed already");
	if (!graph->n)
		return mrt_fail(-EINVAL, "mho_graph_seal: the graph is empty");
	return mrt_graph_plan(graph);
}

/* ---- afterwards ---- */

static int check_index(const struct mrt_graph *graph, uint32_t index, const char *what)
{
	if (index < graph->n)
		return 0;
	return mrt_fail(-EINVAL, "%s: there is no job %u: the graph has %u", what, index, graph->n);
}

static int change_alpha(struct mrt_graph *graph, uint32_t index, float alpha)
{
	struct mrt_node *node = &graph->nodes[index];
	struct mho_job changed = node->job;
	int err;

	if (node->fn)
		return mrt_fail(-EINVAL, "job %u of the graph is a function", index);
	if (atomic_load(&graph->unissued))
		return mrt_fail(-EBUSY, "mho_graph_set_alpha: a run of the graph waits to be "
					"handed to the device; reap first");
	if (node->job.alpha == alpha)
		return 0;
	changed.alpha = alpha;
	err = mrt_job_check_op(&changed);
	if (err)
		return mrt_fail(err, "job %u of the graph: %s", index, mho_last_error());
	node->job.alpha = alpha;
	mrt_job_translate(&node->job, &node->cmd);
	if (graph->parts)
		graph->parts[node->part].version++;
	return 0;
}

int mho_graph_set_alpha(struct mho_graph *handle, uint32_t index, float alpha)
{
	struct mrt_graph *graph = mrt_handle_get(handle, MRT_GRAPH, "mho_graph_set_alpha");
	int err;

	if (!graph)
		return -EINVAL;
	err = check_index(graph, index, "mho_graph_set_alpha");
	if (err)
		return err;
	pthread_mutex_lock(&graph->lock);
	err = change_alpha(graph, index, alpha);
	pthread_mutex_unlock(&graph->lock);
	return err;
}

int mho_graph_stat_get(struct mho_graph *handle, uint32_t index, struct mho_graph_stat *stat)
{
	struct mrt_graph *graph = mrt_handle_get(handle, MRT_GRAPH, "mho_graph_stat_get");
	struct mho_graph_stat s;
	int err;

	if (!graph)
		return -EINVAL;
	err = check_index(graph, index, "mho_graph_stat_get");
	if (err)
		return err;
	pthread_mutex_lock(&graph->lock);
	s = graph->nodes[index].stat;
	pthread_mutex_unlock(&graph->lock);
	return mrt_copy_out(stat, &s, sizeof(s), sizeof(s), "struct mho_graph_stat");
}

/* ---- runs as jobs ---- */

int mrt_graph_begin(struct mrt_dev *dev, struct mho_job *job)
{
	struct mrt_graph *graph = mrt_handle_get(job->graph, MRT_GRAPH, "GRAPH");

	if (!graph)
		return -EINVAL;
	if (graph->dev != dev)
		return mrt_fail(-EINVAL, "GRAPH: the graph belongs to another device than the "
					 "queue");
	if (!graph->parts)
		return mrt_fail(-EINVAL, "GRAPH: the graph is not sealed; mho_graph_seal() it");
	if (job->a_slot >= graph->slots.a || job->b_slot >= graph->slots.b)
		return mrt_fail(-EINVAL,
				"GRAPH: a_slot is %u and b_slot %u; the graph has %u and %u",
				job->a_slot, job->b_slot, graph->slots.a, graph->slots.b);
	atomic_fetch_add_explicit(&graph->refs, 1, memory_order_relaxed);
	atomic_fetch_add(&graph->unissued, 1);
	job->internal[2] = (uintptr_t)graph;
	return 0;
}

void mrt_graph_end(struct mho_job *job)
{
	mrt_run_issued(job);
	mrt_graph_put(mrt_graph_of(job));
}
