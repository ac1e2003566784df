// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Runs of graphs on a queue. The parts of a run are issued in order, and nothing that
 * was submitted later is issued before the last of them; so the order of jobs on a
 * matrix is that of the record. A part goes to the device as a prepared sequence where
 * the backend has them, else command by command.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph.h"
#include "core/job.h"

/**
 * struct mrt_token - what the backend has as the cookie of a job, or of a sequence
 * @run: the run
 * @node: the job, or the first one of the sequence
 * @count: jobs of the sequence, 0 for a job alone
 */
struct mrt_token {
	struct mrt_run *run;
	uint32_t node;
	uint32_t count;
};

/**
 * struct mrt_run - a run
 * @link: in mrt_queue.runs, or in mrt_bind.idle
 * @bind: of its graph and queue
 * @job: the program's job
 * @slots: of the run
 * @part: next part to issue
 * @node: next job of it
 * @left: completions that are to come
 * @sleep: how many until it can go on, while it cannot
 * @failed: job with the status of the run
 * @detail: of its completion
 * @todo: completions that are to come for each part, or will when it is issued
 * @tokens: one a node
 * @each: completions of the jobs of sequences
 */
struct mrt_run {
	struct mrt_link link;
	struct mrt_bind *bind;
	struct mho_job *job;
	struct mrt_slots slots;
	uint32_t part;
	uint32_t node;
	uint32_t left;
	uint32_t sleep;
	uint32_t failed;
	uint32_t detail;
	uint32_t *todo;
	struct mrt_token *tokens;
	struct mrt_done *each;
};

/**
 * struct mrt_prepared - a part as the backend has prepared it
 * @seq: the sequence, NULL for command by command
 * @tried: it was tried
 * @version: mrt_part.version that it is of
 * @flying: runs in flight
 */
struct mrt_prepared {
	struct mrt_bseq *seq;
	bool tried;
	uint32_t version;
	uint32_t flying;
};

/**
 * struct mrt_bind - what a queue keeps for a graph
 * @link: in mrt_graph.binds
 * @of_queue: in mrt_queue.binds, once the queue ends
 * @graph: the graph
 * @queue: the queue
 * @idle: runs that are not in use
 * @runs: how many there are
 * @active: of these in use
 * @parts: one a part
 */
struct mrt_bind {
	struct mrt_link link;
	struct mrt_link of_queue;
	struct mrt_graph *graph;
	struct mrt_queue *queue;
	struct mrt_link idle;
	uint32_t runs;
	uint32_t active;
	struct mrt_prepared parts[];
};

static struct mrt_run *run_of(const struct mho_job *job)
{
	return (struct mrt_run *)(uintptr_t)(job->internal[3] & ~(uint64_t)1);
}

void mrt_run_issued(struct mho_job *job)
{
	if (job->internal[3] & 1)
		return;
	job->internal[3] |= 1;
	atomic_fetch_sub(&mrt_graph_of(job)->unissued, 1);
}

/* ---- what a queue keeps for a graph ---- */

static struct mrt_bind *find_bind(struct mrt_graph *graph, const struct mrt_queue *queue)
{
	struct mrt_bind *found = NULL;

	pthread_mutex_lock(&graph->lock);
	for (struct mrt_link *l = graph->binds.next; l != &graph->binds && !found; l = l->next) {
		struct mrt_bind *bind = mrt_link_entry(l, struct mrt_bind, link);

		if (bind->queue == queue)
			found = bind;
	}
	pthread_mutex_unlock(&graph->lock);
	return found;
}

static struct mrt_bind *get_bind(struct mrt_graph *graph, struct mrt_queue *queue)
{
	struct mrt_bind *bind = find_bind(graph, queue);

	if (bind)
		return bind;
	bind = calloc(1, sizeof(*bind) + graph->nparts * sizeof(*bind->parts));
	if (!bind)
		return NULL;
	bind->graph = graph;
	bind->queue = queue;
	mrt_link_init(&bind->idle);
	pthread_mutex_lock(&graph->lock);
	mrt_link_add(&graph->binds, &bind->link);
	pthread_mutex_unlock(&graph->lock);
	return bind;
}

static void free_bind(struct mrt_bind *bind)
{
	while (!mrt_link_empty(&bind->idle)) {
		struct mrt_run *run = mrt_link_entry(bind->idle.next, struct mrt_run, link);

		mrt_link_del(&run->link);
		free(run);
	}
	free(bind);
}

void mrt_bind_destroy(struct mrt_graph *graph)
{
	while (!mrt_link_empty(&graph->binds)) {
		struct mrt_bind *bind = mrt_link_entry(graph->binds.next, struct mrt_bind, link);

		mrt_link_del(&bind->link);
		for (uint32_t p = 0; p < graph->nparts; p++)
			if (bind->parts[p].seq)
				graph->dev->ops->seq_destroy(bind->queue->bqueue,
							     bind->parts[p].seq);
		free_bind(bind);
	}
}

void mrt_bind_detach(struct mrt_queue *queue)
{
	struct mrt_dev *dev = queue->dev;

	pthread_mutex_lock(&dev->lock);
	for (struct mrt_link *l = dev->graphs.next; l != &dev->graphs; l = l->next) {
		struct mrt_graph *graph = mrt_link_entry(l, struct mrt_graph, link);
		struct mrt_bind *bind = find_bind(graph, queue);

		if (!bind)
			continue;
		pthread_mutex_lock(&graph->lock);
		mrt_link_del(&bind->link);
		pthread_mutex_unlock(&graph->lock);
		mrt_link_add(&queue->binds, &bind->of_queue);
	}
	pthread_mutex_unlock(&dev->lock);
}

void mrt_bind_free(struct mrt_queue *queue)
{
	while (!mrt_link_empty(&queue->runs)) {
		struct mrt_run *run = mrt_link_entry(queue->runs.next, struct mrt_run, link);

		mrt_link_del(&run->link);
		mrt_link_add(&run->bind->idle, &run->link);
		mrt_job_end(run->job);
	}
	while (!mrt_link_empty(&queue->binds)) {
		struct mrt_bind *bind =
			mrt_link_entry(queue->binds.next, struct mrt_bind, of_queue);

		mrt_link_del(&bind->of_queue);
		free_bind(bind);
	}
}

/* ---- beginning and ending a run ---- */

static struct mrt_run *new_run(struct mrt_bind *bind)
{
	const struct mrt_graph *graph = bind->graph;
	size_t each = graph->n * sizeof(struct mrt_done);
	size_t tokens = graph->n * sizeof(struct mrt_token);
	struct mrt_run *run;

	run = calloc(1, sizeof(*run) + each + tokens + graph->nparts * sizeof(*run->todo));
	if (!run)
		return NULL;
	run->bind = bind;
	run->each = (struct mrt_done *)(run + 1);
	run->tokens = (struct mrt_token *)((char *)run->each + each);
	run->todo = (uint32_t *)((char *)run->tokens + tokens);
	for (uint32_t i = 0; i < graph->n; i++)
		run->tokens[i] = (struct mrt_token){ .run = run, .node = i };
	bind->runs++;
	return run;
}

static struct mrt_run *take_run(struct mrt_bind *bind)
{
	struct mrt_run *run;

	if (mrt_link_empty(&bind->idle))
		return bind->runs < bind->graph->runs ? new_run(bind) : NULL;
	run = mrt_link_entry(bind->idle.next, struct mrt_run, link);
	mrt_link_del(&run->link);
	return run;
}

/* Makes the run of @job. 0; -EAGAIN if it must wait for another one to end; -ENOMEM. */
static int begin(struct mrt_queue *queue, struct mho_job *job)
{
	struct mrt_graph *graph = mrt_graph_of(job);
	struct mrt_bind *bind = get_bind(graph, queue);
	struct mrt_run *run;

	if (!bind)
		return -ENOMEM;
	if ((job->flags & MHO_JOB_FENCE && queue->inflight) || (graph->alone && bind->active))
		return -EAGAIN;
	run = take_run(bind);
	if (!run)
		return bind->active ? -EAGAIN : -ENOMEM;
	run->job = job;
	run->slots = (struct mrt_slots){ job->a_slot, job->b_slot };
	run->part = run->node = run->left = run->sleep = 0;
	run->failed = UINT32_MAX;
	for (uint32_t p = 0; p < graph->nparts; p++)
		run->todo[p] = graph->nodes[graph->parts[p].first].fn ? 0 : graph->parts[p].count;
	job->internal[3] = (uintptr_t)run;
	job->result = 0;
	job->detail = 0;
	job->device_ns = 0;
	job->energy_fj = 0;
	bind->active++;
	mrt_link_add(&queue->runs, &run->link);
	return 0;
}

static void finish(struct mrt_queue *queue, struct mho_job *job, int status)
{
	job->status = status;
	mrt_job_end(job);
	mrt_queue_finished(queue, job);
}

static void end(struct mrt_queue *queue, struct mrt_run *run)
{
	struct mho_job *job = run->job;
	int status = job->status == -EINPROGRESS ? 0 : job->status;

	if (status) {
		job->detail = run->failed;
		job->result = run->detail;
	}
	mrt_link_del(&run->link);
	mrt_link_add(&run->bind->idle, &run->link);
	run->bind->active--;
	finish(queue, job, status);
}

/* The status of the run is that of the first job, in order, that failed. */
static void fail(struct mrt_run *run, uint32_t node, int status, uint32_t detail)
{
	if (node >= run->failed)
		return;
	run->failed = node;
	run->detail = detail;
	run->job->status = status;
}

/* ---- issuing ---- */

/* How many completions until a function's turn. */
static uint32_t function_waits(const struct mrt_run *run, const struct mrt_part *part)
{
	const struct mrt_graph *graph = run->bind->graph;
	uint32_t n = 0;

	if (!graph->nodes[part->first].naccess)
		return run->left;
	for (uint32_t i = 0; i < part->nwaits; i++)
		n += run->todo[part->waits[i]];
	return n;
}

/* Whether a part must wait for what an earlier run has in flight. */
static bool is_met(const struct mrt_run *run, const struct mrt_part *part,
		   const struct mrt_run *earlier)
{
	for (uint32_t i = 0; i < part->nmeetings; i++) {
		const struct mrt_meeting *m = &part->meetings[i];
		struct mrt_access x = mrt_access_at(m->earlier, earlier->slots);
		struct mrt_access y = mrt_access_at(m->later, run->slots);

		if (earlier->todo[m->part] && mrt_access_meet(&x, &y))
			return true;
	}
	return false;
}

static bool is_blocked(const struct mrt_queue *queue, const struct mrt_run *run,
		       const struct mrt_part *part)
{
	const struct mrt_node *node = &run->bind->graph->nodes[part->first];
	bool everything = node->fn && !node->naccess;

	for (struct mrt_link *l = queue->runs.next; l != &queue->runs; l = l->next) {
		const struct mrt_run *earlier = mrt_link_entry(l, struct mrt_run, link);

		if (earlier != run && earlier->bind == run->bind &&
		    (everything || is_met(run, part, earlier)))
			return true;
	}
	return false;
}

static int call(struct mrt_queue *queue, struct mrt_run *run, const struct mrt_part *part)
{
	struct mrt_graph *graph = run->bind->graph;
	struct mrt_node *node = &graph->nodes[part->first];
	int ret;

	run->sleep = function_waits(run, part);
	if (run->sleep)
		return -EAGAIN;
	queue->calling = true;
	ret = node->fn(node->arg, run->job);
	queue->calling = false;
	if (ret > 0)
		queue->told = true;
	pthread_mutex_lock(&graph->lock);
	node->stat.runs += ret >= 0;
	if (ret < 0) {
		node->stat.errors++;
		node->stat.status = ret;
	}
	pthread_mutex_unlock(&graph->lock);
	if (ret < 0)
		fail(run, part->first, ret, 0);
	return 0;
}

/* Prepares a part, or prepares it anew after a change. -EAGAIN while runs need the former. */
static int prepare(struct mrt_queue *queue, struct mrt_graph *graph, const struct mrt_part *part,
		   struct mrt_prepared *p)
{
	const struct mrt_backend *ops = queue->dev->ops;
	struct mrt_seq_request req = {
		.n = part->count,
		.runs = graph->runs,
		.a_slots = graph->slots.a,
		.b_slots = graph->slots.b,
	};
	struct mrt_seq_step *steps;
	struct mrt_cmd *cmds;

	if (!ops->seq_create || (p->tried && p->version == part->version))
		return 0;
	if (p->flying)
		return -EAGAIN;
	if (p->seq)
		ops->seq_destroy(queue->bqueue, p->seq);
	p->seq = NULL;
	p->tried = true;
	p->version = part->version;
	if (part->count > queue->depth)
		return 0;
	cmds = calloc(part->count, sizeof(*cmds));
	steps = calloc(part->count, sizeof(*steps));
	for (uint32_t i = 0; cmds && steps && i < part->count; i++) {
		cmds[i] = graph->nodes[part->first + i].cmd;
		steps[i] = graph->nodes[part->first + i].step;
	}
	req.cmds = cmds;
	req.steps = steps;
	if (!cmds || !steps || ops->seq_create(queue->bqueue, &req, &p->seq))
		p->seq = NULL;
	free(cmds);
	free(steps);
	return 0;
}

static void *cookie_of(struct mrt_run *run, uint32_t node)
{
	return (void *)((uintptr_t)&run->tokens[node] | 1);
}

/* @jobs from a node on are with the device as one. */
static void trace_push(const struct mrt_queue *queue, struct mrt_run *run, uint32_t node,
		       uint32_t jobs)
{
	struct mrt_trace_job_info info;
	void *key = cookie_of(run, node);

	if (!queue->trace)
		return;
	mrt_job_describe(&run->bind->graph->nodes[node].job, &info);
	if (jobs > 1)
		info = (struct mrt_trace_job_info){ .op = "sequence", .batch = jobs };
	mrt_trace_put_job(queue->trace, key, &info);
	mrt_trace_put_push(queue->trace, key, jobs);
}

static int push_sequence(struct mrt_queue *queue, struct mrt_run *run, const struct mrt_part *part,
			 struct mrt_prepared *p)
{
	struct mrt_seq_run args = {
		.a_slot = run->slots.a,
		.b_slot = run->slots.b,
		.each = &run->each[part->first],
	};
	int err;

	err = queue->dev->ops->push_seq(queue->bqueue, p->seq, &args, cookie_of(run, part->first));
	if (err)
		return err;
	trace_push(queue, run, part->first, part->count);
	run->tokens[part->first].count = part->count;
	run->todo[run->part] = 1;
	p->flying++;
	run->left++;
	queue->inflight++;
	return 0;
}

static int push_jobs(struct mrt_queue *queue, struct mrt_run *run, const struct mrt_part *part)
{
	const struct mrt_graph *graph = run->bind->graph;

	for (; run->node < part->count; run->node++) {
		const struct mrt_node *node = &graph->nodes[part->first + run->node];
		struct mrt_cmd cmd = node->cmd;
		int err;

		run->tokens[part->first + run->node].count = 0;
		cmd.a.offset += node->step.a * run->slots.a;
		cmd.b.offset += node->step.b * run->slots.b;
		err = queue->dev->ops->push(queue->bqueue, &cmd,
					    cookie_of(run, part->first + run->node));
		if (err)
			return err;
		trace_push(queue, run, part->first + run->node, 1);
		run->left++;
		queue->inflight++;
	}
	run->node = 0;
	return 0;
}

static int push_part(struct mrt_queue *queue, struct mrt_run *run, const struct mrt_part *part)
{
	struct mrt_prepared *p = &run->bind->parts[run->part];
	int err;

	/* A part that has begun to go command by command goes on so. */
	err = run->node ? 0 : prepare(queue, run->bind->graph, part, p);
	if (!err)
		err = p->seq ? push_sequence(queue, run, part, p) : push_jobs(queue, run, part);
	if (err)
		run->sleep = 1;
	return err;
}

static int issue_part(struct mrt_queue *queue, struct mrt_run *run, const struct mrt_part *part)
{
	if (!run->node && is_blocked(queue, run, part)) {
		run->sleep = 1;
		return -EAGAIN;
	}
	if (run->bind->graph->nodes[part->first].fn)
		return call(queue, run, part);
	return push_part(queue, run, part);
}

/* After a failure: what has been begun is all there will be. */
static void leave_out(struct mrt_run *run)
{
	const struct mrt_graph *graph = run->bind->graph;

	if (run->part < graph->nparts && run->node)
		run->todo[run->part] -= graph->parts[run->part].count - run->node;
	for (run->part += !!run->node; run->part < graph->nparts; run->part++)
		run->todo[run->part] = 0;
	run->node = 0;
}

int mrt_run_issue(struct mrt_queue *queue, struct mho_job *job)
{
	const struct mrt_graph *graph = mrt_graph_of(job);
	struct mrt_run *run;
	int err = 0;

	if (!run_of(job))
		err = begin(queue, job);
	if (err == -ENOMEM) {
		finish(queue, job, err);
		return 0;
	}
	if (err)
		return err;
	run = run_of(job);
	while (run->part < graph->nparts && job->status == -EINPROGRESS) {
		err = issue_part(queue, run, &graph->parts[run->part]);
		if (err)
			return err;
		run->part++;
	}
	leave_out(run);
	mrt_run_issued(job);
	run->sleep = 0;
	if (!run->left)
		end(queue, run);
	return 0;
}

/* ---- completions ---- */

static void add(struct mho_job *job, const struct mrt_done *done)
{
	job->result += done->result;
	job->device_ns += done->device_ns;
	job->energy_fj += done->energy_fj;
}

static void account(struct mrt_run *run, uint32_t index, const struct mrt_done *done)
{
	struct mho_graph_stat *stat = &run->bind->graph->nodes[index].stat;

	if (done->status) {
		stat->errors++;
		stat->status = done->status;
		fail(run, index, done->status, done->detail);
		return;
	}
	stat->runs++;
	stat->result += done->result;
	stat->detail += done->detail;
	stat->device_ns += done->device_ns;
	stat->energy_fj += done->energy_fj;
}

void mrt_run_done(struct mrt_queue *queue, const struct mrt_done *done)
{
	const struct mrt_token *token = (void *)((uintptr_t)done->cookie & ~(uintptr_t)1);
	struct mrt_run *run = token->run;
	struct mrt_graph *graph = run->bind->graph;
	uint32_t p = graph->nodes[token->node].part;

	add(run->job, done);
	mrt_trace_reaped(queue->trace, done->cookie, done);
	pthread_mutex_lock(&graph->lock);
	if (!token->count)
		account(run, token->node, done);
	for (uint32_t i = 0; i < token->count; i++)
		account(run, token->node + i, &run->each[token->node + i]);
	pthread_mutex_unlock(&graph->lock);
	run->bind->parts[p].flying -= !!token->count;
	run->todo[p]--;
	run->left--;
	if (!run->left && (run->job->internal[3] & 1))
		end(queue, run);
}

uint32_t mrt_run_sleep(const struct mrt_queue *queue)
{
	uint32_t least = 0;

	for (struct mrt_link *l = queue->runs.next; l != &queue->runs; l = l->next) {
		const struct mrt_run *run = mrt_link_entry(l, struct mrt_run, link);
		uint32_t n = run->sleep ? run->sleep : run->left;

		if (n && (!least || n < least))
			least = n;
	}
	return least;
}
