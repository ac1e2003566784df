// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The plan of a graph: which jobs go to the device together, which need a fence,
 * what functions wait for, and what of a run may be in the way of the next one.
 *
 * The device keeps the order of jobs on one matrix. For memory, which it does not
 * look at, there are fences between jobs, and waiting before functions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph.h"
#include "core/job.h"

/* With more possible meetings than this for each node, runs are kept apart as a whole. */
#define MEETINGS_MAX 64

#define NOBODY UINT32_MAX

/* All that an access touches, whatever the slot. */
static struct mrt_access whole(const struct mrt_graph *graph, const struct mrt_access *x)
{
	struct mrt_access all = *x;

	all.end +=
		mrt_access_shift(x, (struct mrt_slots){ graph->slots.a - 1, graph->slots.b - 1 });
	return all;
}

/* Whether the order of two accesses of different runs may matter. */
static bool may_meet(const struct mrt_graph *graph, const struct mrt_access *x,
		     const struct mrt_access *y)
{
	struct mrt_access all_x, all_y;

	if (x->object != y->object || x->kind == MRT_ACCESS_MATRIX)
		return false;
	all_x = whole(graph, x);
	all_y = whole(graph, y);
	return mrt_access_meet(&all_x, &all_y);
}

/* The same within a run, where slots that move both by the same leave them as they are. */
static bool may_meet_inside(const struct mrt_graph *graph, const struct mrt_access *x,
			    const struct mrt_access *y)
{
	if (x->kind == y->kind && x->step == y->step && x->kind != MRT_ACCESS_MATRIX)
		return mrt_access_meet(x, y);
	return may_meet(graph, x, y);
}

static bool share_matrix(const struct mrt_node *x, const struct mrt_node *y)
{
	for (uint32_t i = 0; i < x->naccess; i++)
		for (uint32_t j = 0; j < y->naccess; j++)
			if (x->access[i].kind == MRT_ACCESS_MATRIX &&
			    x->access[i].object == y->access[j].object)
				return true;
	return false;
}

static bool depend(const struct mrt_graph *graph, const struct mrt_node *x,
		   const struct mrt_node *y)
{
	if ((x->fn && !x->naccess) || (y->fn && !y->naccess))
		return true;
	for (uint32_t i = 0; i < x->naccess; i++)
		for (uint32_t j = 0; j < y->naccess; j++)
			if (may_meet_inside(graph, &x->access[i], &y->access[j]))
				return true;
	return false;
}

/* The first function after job @i that waits for it. */
static uint32_t first_waiter(const struct mrt_graph *graph, uint32_t i)
{
	for (uint32_t k = i + 1; k < graph->n; k++)
		if (graph->nodes[k].fn && depend(graph, &graph->nodes[i], &graph->nodes[k]))
			return k;
	return NOBODY;
}

/* Jobs that the same function waits for are one part, and so is each function. */
static int cut(struct mrt_graph *graph)
{
	uint32_t waiter, last = NOBODY;
	struct mrt_part *part = NULL;

	graph->parts = calloc(graph->n, sizeof(*graph->parts));
	if (!graph->parts)
		return -ENOMEM;
	for (uint32_t i = 0; i < graph->n; i++) {
		struct mrt_node *node = &graph->nodes[i];

		waiter = node->fn ? NOBODY : first_waiter(graph, i);
		if (!part || node->fn || graph->nodes[i - 1].fn || waiter != last) {
			part = &graph->parts[graph->nparts++];
			part->first = i;
		}
		part->count++;
		node->part = graph->nparts - 1;
		last = waiter;
	}
	return 0;
}

static bool part_depends(const struct mrt_graph *graph, const struct mrt_part *part,
			 const struct mrt_node *node)
{
	for (uint32_t i = 0; i < part->count; i++)
		if (depend(graph, &graph->nodes[part->first + i], node))
			return true;
	return false;
}

/* What functions wait for. */
static int find_waits(struct mrt_graph *graph)
{
	for (uint32_t p = 0; p < graph->nparts; p++) {
		struct mrt_part *part = &graph->parts[p];
		const struct mrt_node *node = &graph->nodes[part->first];

		if (!node->fn || !p)
			continue;
		part->waits = malloc(p * sizeof(*part->waits));
		if (!part->waits)
			return -ENOMEM;
		for (uint32_t q = 0; q < p; q++)
			if (!graph->nodes[graph->parts[q].first].fn &&
			    part_depends(graph, &graph->parts[q], node))
				part->waits[part->nwaits++] = q;
	}
	return 0;
}

static bool needs_fence(const struct mrt_graph *graph, uint32_t j, const bool *done)
{
	const struct mrt_node *later = &graph->nodes[j];

	for (uint32_t i = 0; i < j; i++) {
		const struct mrt_node *earlier = &graph->nodes[i];

		if (!earlier->fn && !done[earlier->part] && !share_matrix(earlier, later) &&
		    depend(graph, earlier, later))
			return true;
	}
	return false;
}

/* Fences where memory orders jobs of different matrices that no function has waited for. */
static int set_fences(struct mrt_graph *graph)
{
	bool *done = calloc(graph->nparts, sizeof(*done));

	if (!done)
		return -ENOMEM;
	for (uint32_t j = 0; j < graph->n; j++) {
		struct mrt_node *node = &graph->nodes[j];
		const struct mrt_part *part = &graph->parts[node->part];

		for (uint32_t i = 0; i < part->nwaits; i++)
			done[part->waits[i]] = true;
		if (node->fn)
			continue;
		if (needs_fence(graph, j, done))
			node->job.flags |= MHO_JOB_FENCE;
		mrt_job_translate(&node->job, &node->cmd);
	}
	free(done);
	return 0;
}

static void note_meetings(struct mrt_graph *graph, struct mrt_part *part,
			  const struct mrt_node *earlier, const struct mrt_node *later,
			  struct mrt_meeting *room)
{
	for (uint32_t i = 0; i < earlier->naccess; i++)
		for (uint32_t j = 0; j < later->naccess; j++) {
			if (!may_meet(graph, &earlier->access[i], &later->access[j]))
				continue;
			if (part->nmeetings < MEETINGS_MAX)
				room[part->nmeetings] = (struct mrt_meeting){
					.part = earlier->part,
					.earlier = &earlier->access[i],
					.later = &later->access[j],
				};
			part->nmeetings++;
		}
}

/*
 * What of an earlier run may meet a part. Its functions have been called before anything of a later
 * run is issued, and the device keeps the order of jobs on one matrix.
 */
static int find_meetings(struct mrt_graph *graph, struct mrt_part *part)
{
	struct mrt_meeting room[MEETINGS_MAX];

	for (uint32_t i = 0; i < graph->n; i++)
		for (uint32_t k = 0; k < part->count; k++) {
			const struct mrt_node *earlier = &graph->nodes[i];
			const struct mrt_node *later = &graph->nodes[part->first + k];

			if (!earlier->fn && !share_matrix(earlier, later))
				note_meetings(graph, part, earlier, later, room);
		}
	if (!part->nmeetings)
		return 0;
	if (part->nmeetings > MEETINGS_MAX) {
		part->nmeetings = 0;
		graph->alone = true;
		return 0;
	}
	part->meetings = malloc(part->nmeetings * sizeof(*room));
	if (!part->meetings)
		return -ENOMEM;
	memcpy(part->meetings, room, part->nmeetings * sizeof(*room));
	return 0;
}

int mrt_graph_plan(struct mrt_graph *graph)
{
	int err;

	err = cut(graph);
	if (!err)
		err = find_waits(graph);
	if (!err)
		err = set_fences(graph);
	for (uint32_t p = 0; p < graph->nparts && !err && !graph->alone; p++)
		err = find_meetings(graph, &graph->parts[p]);
	if (!err)
		return 0;
	mrt_graph_unplan(graph);
	return mrt_fail(err, "out of memory for the plan of a graph of %u jobs", graph->n);
}

void mrt_graph_unplan(struct mrt_graph *graph)
{
	for (uint32_t p = 0; p < graph->nparts; p++) {
		free(graph->parts[p].waits);
		free(graph->parts[p].meetings);
	}
	free(graph->parts);
	graph->parts = NULL;
	graph->nparts = 0;
}
