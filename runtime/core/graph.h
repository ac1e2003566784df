/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Graphs: recorded jobs and functions of the program's (graph.c), the plan that
 * sealing makes of them (graph_plan.c), and runs on queues (graph_run.c).
 *
 * A plan cuts the record into parts that are issued in order: a function, or jobs
 * that go to the device together. Where jobs of a part depend on each other by memory,
 * the device keeps the order by fences. A function waits for the parts whose memory it
 * touches.
 */
#ifndef MHO_CORE_GRAPH_H
#define MHO_CORE_GRAPH_H

#include "core/access.h"
#include "core/dev.h"

/**
 * struct mrt_node - a recorded job or function
 * @job: the job, begun; of a function, unused
 * @cmd: its command
 * @step: what slots do to it
 * @fn: the function, NULL for a job
 * @arg: passed to it
 * @access: what it touches
 * @naccess: how much; a function with 0 touches everything
 * @part: part that it belongs to
 * @stat: what it has cost; under mrt_graph.lock
 */
struct mrt_node {
	struct mho_job job;
	struct mrt_cmd cmd;
	struct mrt_seq_step step;
	mho_graph_fn fn;
	void *arg;
	struct mrt_access *access;
	uint32_t naccess;
	uint32_t part;
	struct mho_graph_stat stat;
};

/**
 * struct mrt_meeting - accesses of two runs that need their order kept, if their slots say so
 * @part: part of the earlier run
 * @earlier: what it touches
 * @later: what a part of the later run touches
 */
struct mrt_meeting {
	uint32_t part;
	const struct mrt_access *earlier;
	const struct mrt_access *later;
};

/**
 * struct mrt_part - what is issued at once
 * @first: its first node
 * @count: nodes
 * @waits: of a function: parts of this run that must be done, in order
 * @nwaits: how many
 * @meetings: what of earlier runs may be in its way
 * @nmeetings: how many
 * @version: counts changes of its commands
 */
struct mrt_part {
	uint32_t first;
	uint32_t count;
	uint32_t *waits;
	uint32_t nwaits;
	struct mrt_meeting *meetings;
	uint32_t nmeetings;
	uint32_t version;
};

/**
 * struct mrt_graph - a graph
 * @dev: its device
 * @handle: what the program holds, until it destroys it
 * @refs: the handle and runs
 * @link: in mrt_dev.graphs
 * @lock: of @binds, statistics, and changes of commands
 * @runs: most runs in flight on a queue
 * @slots: how many there are of either
 * @nodes: the record
 * @n: nodes
 * @room: for how many there is room
 * @parts: the plan; NULL before it is sealed
 * @nparts: parts
 * @alone: runs do not overlap on a queue
 * @unissued: runs of which the device does not have everything
 * @binds: what queues keep for it
 */
struct mrt_graph {
	struct mrt_dev *dev;
	struct mho_graph *handle;
	atomic_uint refs;
	struct mrt_link link;
	pthread_mutex_t lock;
	uint32_t runs;
	struct mrt_slots slots;
	struct mrt_node *nodes;
	uint32_t n;
	uint32_t room;
	struct mrt_part *parts;
	uint32_t nparts;
	bool alone;
	atomic_uint unissued;
	struct mrt_link binds;
};

/* graph.c */
void mrt_graph_put(struct mrt_graph *graph);

/* mrt_graph_begin() - as mrt_job_begin() for a run; mrt_graph_end() - as mrt_job_end() */
int mrt_graph_begin(struct mrt_dev *dev, struct mho_job *job);
void mrt_graph_end(struct mho_job *job);

/* mrt_graph_of() - the graph of a run that has begun. */
static inline struct mrt_graph *mrt_graph_of(const struct mho_job *job)
{
	return (struct mrt_graph *)(uintptr_t)job->internal[2];
}

/* graph_plan.c */
int mrt_graph_plan(struct mrt_graph *graph);
void mrt_graph_unplan(struct mrt_graph *graph);

/* graph_run.c: on the thread of the queue */

/**
 * mrt_run_issue() - hand over of a run what can be handed over
 * @queue: queue, of whose backlog the run is the first
 * @job: the run
 *
 * Calls its functions when it is their turn. A run that was issued as a whole is in flight, or done
 * already: then it is in mrt_queue.finished.
 *
 * Return: 0 if that is all of it, or -EAGAIN.
 */
int mrt_run_issue(struct mrt_queue *queue, struct mho_job *job);

/* mrt_run_issued() - nothing more of a run will be handed over; any number of times. */
void mrt_run_issued(struct mho_job *job);

/* mrt_run_has_begun() - whether a job is a run that is in mrt_queue.runs. */
static inline bool mrt_run_has_begun(const struct mho_job *job)
{
	return job->op == MHO_OP_GRAPH && job->internal[3] > 1;
}

/* mrt_run_done() - a completion whose cookie is a run's; a run that ends goes to the finished. */
void mrt_run_done(struct mrt_queue *queue, const struct mrt_done *done);

/* mrt_run_sleep() - after how many completions on the queue runs may go on; 0 if there are none. */
uint32_t mrt_run_sleep(const struct mrt_queue *queue);

/* Cookies of runs are told from those of jobs, which are addresses of aligned structures. */
static inline bool mrt_is_run(const void *cookie)
{
	return (uintptr_t)cookie & 1;
}

/* mrt_bind_detach() - the queue ends: graphs forget it. Then the backend's queue is destroyed. */
void mrt_bind_detach(struct mrt_queue *queue);

/* mrt_bind_free() - after that: ends the runs of the queue, and frees what it kept for graphs. */
void mrt_bind_free(struct mrt_queue *queue);

/* mrt_bind_destroy() - a graph without runs ends; under mrt_dev.lock, against queues that end. */
void mrt_bind_destroy(struct mrt_graph *graph);

#endif
