// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Which job in a scheduler waits for which.
 *
 * Memory: a job waits until all earlier ones are done whose bytes it meets, one of
 * them writing. Each such pair is counted once, when the later one enters, and again
 * when the earlier one ends; nothing is kept for it.
 *
 * Matrices: jobs on one are a chain, and each waits for its neighbour only. In one
 * queue the device keeps the order: it is enough then that the neighbour was handed
 * over.
 */
#include <errno.h>

#include "core/sched.h"

static struct mrt_touch *touch_of(struct mrt_link *link)
{
	return mrt_link_entry(link, struct mrt_touch, link);
}

static struct mrt_link *bucket_of(struct mrt_sched *s, const struct mrt_touch *t)
{
	/* Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4) */
	uint64_t hash = (uintptr_t)t->x.object * UINT64_C(0x9e3779b97f4a7c15);

	return &s->buckets[(hash >> 32) & (s->nbuckets - 1)];
}

/* ---- becoming ready ---- */

static void let_go(struct mrt_sched *s, struct mrt_unit *u)
{
	if (u->seq < s->kicked || u->cancelled)
		mrt_link_add(&s->ready[u->lane->priority], &u->link);
	else
		mrt_link_add(&s->fresh, &u->link);
}

static void wait_less(struct mrt_sched *s, struct mrt_unit *u)
{
	if (--u->waits == 0)
		let_go(s, u);
}

static void cancel(struct mrt_unit *u, uint32_t culprit)
{
	if (u->cancelled)
		return;
	u->cancelled = true;
	u->culprit = culprit;
}

/* ---- matrices ---- */

static struct mrt_touch *neighbour(struct mrt_sched *s, struct mrt_touch *t, bool later)
{
	struct mrt_link *head = bucket_of(s, t), *l = &t->link;

	while ((l = later ? l->next : l->prev) != head)
		if (touch_of(l)->x.object == t->x.object)
			return touch_of(l);
	return NULL;
}

static bool may_follow(const struct mrt_sched *s, const struct mrt_touch *first,
		       const struct mrt_touch *second)
{
	if (first->unit->lane != second->unit->lane || !first->unit->issued)
		return false;
	return !(s->opts.flags & MHO_SCHED_STRICT && first->x.write && second->x.read);
}

/* @t need not wait for its neighbour any more, if that is so. */
static void settle(struct mrt_sched *s, struct mrt_touch *t)
{
	struct mrt_touch *before;

	if (!t || !t->waiting)
		return;
	before = neighbour(s, t, false);
	if (before && !may_follow(s, before, t))
		return;
	t->waiting = false;
	wait_less(s, t->unit);
}

static void enter_chain(struct mrt_sched *s, struct mrt_touch *t)
{
	struct mrt_touch *before;

	mrt_link_add(bucket_of(s, t), &t->link);
	before = neighbour(s, t, false);
	t->waiting = before && !may_follow(s, before, t);
	t->unit->waits += t->waiting;
}

static void leave_chain(struct mrt_sched *s, struct mrt_touch *t)
{
	struct mrt_touch *after = neighbour(s, t, true);
	bool failed = s->opts.flags & MHO_SCHED_STRICT && t->unit->job->status &&
		      (t->x.write || t->poisoned);

	if (failed && after && after->x.read && !after->unit->issued) {
		after->poisoned = true;
		cancel(after->unit, t->unit->culprit);
	}
	mrt_link_del(&t->link);
	settle(s, after);
}

/* ---- memory ---- */

static void count_meetings(struct mrt_sched *s, struct mrt_touch *t)
{
	struct mrt_link *head = bucket_of(s, t);

	for (struct mrt_link *l = head->next; l != head; l = l->next)
		t->unit->waits += mrt_access_meet(&touch_of(l)->x, &t->x);
}

static bool covers(const struct mrt_touch *t, const struct mrt_touch *old)
{
	return t->x.object == old->x.object && t->x.write && !t->x.read &&
	       t->x.begin <= old->x.begin && t->x.end >= old->x.end;
}

static void leave_range(struct mrt_sched *s, struct mrt_touch *t)
{
	struct mrt_link *head = bucket_of(s, t);
	bool bad = t->unit->job->status && t->x.write;

	for (struct mrt_link *l = t->link.next; l != head; l = l->next) {
		struct mrt_touch *later = touch_of(l);

		if (later->unit == t->unit || !mrt_access_meet(&t->x, &later->x))
			continue;
		if (bad && later->x.read)
			cancel(later->unit, t->unit->culprit);
		wait_less(s, later->unit);
		if (covers(later, t))
			bad = false;
	}
	mrt_link_del(&t->link);
}

/* ---- units ---- */

static bool is_matrix(const struct mrt_touch *t)
{
	return t->x.kind == MRT_ACCESS_MATRIX;
}

/* The queue of the job before on the same matrix; else the one with least to do. */
static struct mrt_lane *choose_lane(struct mrt_sched *s, struct mrt_unit *u, uint32_t priority)
{
	struct mrt_lane *lanes = &s->lanes[priority * s->opts.queues], *best = NULL;

	for (int i = 0; i < u->ntouches && is_matrix(&u->touches[i]); i++) {
		struct mrt_link *head = bucket_of(s, &u->touches[i]);

		for (struct mrt_link *l = head->prev; l != head; l = l->prev) {
			struct mrt_touch *t = touch_of(l);

			if (t->x.object == u->touches[i].x.object &&
			    t->unit->lane->priority == priority)
				return t->unit->lane;
		}
	}
	for (uint32_t i = 0; i < s->opts.queues; i++) {
		struct mrt_lane *lane = &lanes[(s->turn + i) % s->opts.queues];

		if (!best || lane->load < best->load)
			best = lane;
	}
	s->turn++;
	return best;
}

static void enter_order(struct mrt_sched *s, struct mrt_unit *u)
{
	u->waits += s->nbarriers;
	if (u->job->flags & MHO_JOB_FENCE || u->job->op == MHO_OP_BARRIER) {
		u->waits += s->nlive;
		mrt_link_add(&s->fences, &u->fence);
	}
	if (u->job->op == MHO_OP_BARRIER) {
		mrt_link_add(&s->barriers, &u->barrier);
		s->nbarriers++;
	}
	mrt_link_add(&s->live, &u->live);
	s->nlive++;
}

static void leave_order(struct mrt_sched *s, struct mrt_unit *u)
{
	for (struct mrt_link *l = s->fences.next; l != &s->fences; l = l->next) {
		struct mrt_unit *later = mrt_link_entry(l, struct mrt_unit, fence);

		if (later->seq > u->seq)
			wait_less(s, later);
	}
	if (u->job->op == MHO_OP_BARRIER) {
		for (struct mrt_link *l = u->live.next; l != &s->live; l = l->next)
			wait_less(s, mrt_link_entry(l, struct mrt_unit, live));
		s->nbarriers--;
	}
	mrt_link_del(&u->fence);
	mrt_link_del(&u->barrier);
	mrt_link_del(&u->live);
	s->nlive--;
}

void mrt_unit_enter(struct mrt_sched *s, struct mho_job *job, uint32_t priority)
{
	struct mrt_unit *u = mrt_link_entry(s->idle.next, struct mrt_unit, link);
	struct mrt_access x[MRT_JOB_ACCESSES];

	mrt_link_del(&u->link);
	u->job = job;
	u->seq = s->stat.submitted++;
	u->waits = 0;
	u->issued = false;
	u->cancelled = false;
	u->culprit = (uint32_t)u->seq;
	mrt_link_init(&u->fence);
	mrt_link_init(&u->barrier);
	u->ntouches = mrt_job_access(job, x);
	for (int i = 0; i < u->ntouches; i++)
		u->touches[i] = (struct mrt_touch){ .x = x[i], .unit = u };
	job->number = (uint32_t)u->seq;
	job->internal[4] = (uintptr_t)u;
	u->lane = choose_lane(s, u, priority);
	u->lane->load++;
	enter_order(s, u);
	for (int i = 0; i < u->ntouches; i++)
		if (!is_matrix(&u->touches[i]))
			count_meetings(s, &u->touches[i]);
	for (int i = 0; i < u->ntouches; i++)
		if (is_matrix(&u->touches[i]))
			enter_chain(s, &u->touches[i]);
		else
			mrt_link_add(bucket_of(s, &u->touches[i]), &u->touches[i].link);
	s->nfresh++;
	s->stat.held += u->waits != 0;
	if (!u->waits)
		let_go(s, u);
}

void mrt_unit_issued(struct mrt_sched *s, struct mrt_unit *u)
{
	u->issued = true;
	s->nissued++;
	for (int i = 0; i < u->ntouches; i++)
		if (is_matrix(&u->touches[i]))
			settle(s, neighbour(s, &u->touches[i], true));
}

/* The job is the program's again; the unit is free. */
static void finish(struct mrt_sched *s, struct mrt_unit *u)
{
	struct mho_job *job = u->job;

	u->lane->load--;
	s->nissued -= u->issued;
	s->stat.done++;
	s->stat.failed += job->status != 0;
	s->stat.cancelled += u->cancelled;
	job->internal[4] = 0;
	mrt_jobs_append(&s->finished, job);
	s->nfinished++;
	mrt_link_add(&s->idle, &u->link);
}

void mrt_unit_end(struct mrt_sched *s, struct mrt_unit *u)
{
	leave_order(s, u);
	for (int i = 0; i < u->ntouches; i++)
		if (is_matrix(&u->touches[i]))
			leave_chain(s, &u->touches[i]);
		else
			leave_range(s, &u->touches[i]);
	finish(s, u);
}

void mrt_unit_end_all(struct mrt_sched *s, int status)
{
	mrt_link_init(&s->fresh);
	for (int i = 0; i < MRT_SCHED_CLASSES; i++)
		mrt_link_init(&s->ready[i]);
	mrt_link_init(&s->fences);
	mrt_link_init(&s->barriers);
	for (uint32_t i = 0; i < s->nbuckets; i++)
		mrt_link_init(&s->buckets[i]);
	while (!mrt_link_empty(&s->live)) {
		struct mrt_unit *u = mrt_link_entry(s->live.next, struct mrt_unit, live);

		mrt_link_del(&u->live);
		if (!u->issued)
			mrt_job_end(u->job);
		u->job->status = status;
		u->cancelled = false;
		finish(s, u);
	}
	s->nlive = 0;
	s->nbarriers = 0;
	s->nfresh = 0;
	s->due = MRT_FOREVER;
}
