// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Sequences made of single commands. The cookie of each of its commands is an entry
 * of a run; the last one that completes becomes the completion of the run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/dev.h"
#include "seq_backend.h"

struct run;

/* Bit 1 of a cookie: the entry of a run. The library's own cookies leave it clear. */
struct entry {
	struct run *run;
	uint32_t index;
};

struct run {
	struct mrt_bseq *seq;
	struct mrt_done *each;
	void *cookie;
	struct mrt_done sum;
	uint32_t left;
	bool busy;
	struct entry *entries;
};

struct mrt_bseq {
	struct mrt_seq_request req;
	struct mrt_cmd *cmds;
	struct mrt_seq_step *steps;
	struct run *runs;
	uint32_t flying;
};

/* How many commands a real queue has, which must take a sequence as a whole. */
struct queue {
	struct mrt_bqueue *real;
	uint32_t inflight;
	uint32_t depth;
};

static struct {
	struct mrt_backend ops;
	const struct mrt_backend *real;
	struct seq_backend counts;
	struct queue queues[8];
	void (*drop)(void *cookie);
} self;

static struct queue *queue_of(const struct mrt_bqueue *real)
{
	for (int i = 0; i < 8; i++)
		if (self.queues[i].real == real)
			return &self.queues[i];
	fail();
	return NULL;
}

static void *copy(const void *from, size_t bytes)
{
	void *to = malloc(bytes);

	assert_non_null(to);
	memcpy(to, from, bytes);
	return to;
}

static int seq_create(struct mrt_bqueue *queue, const struct mrt_seq_request *req,
		      struct mrt_bseq **out)
{
	struct mrt_bseq *seq;

	if (self.counts.refuse)
		return -EOPNOTSUPP;
	assert_true(req->n > 0 && req->n <= queue_of(queue)->depth);
	assert_true(req->runs > 0 && req->a_slots > 0 && req->b_slots > 0);
	seq = calloc(1, sizeof(*seq));
	assert_non_null(seq);
	seq->req = *req;
	seq->cmds = copy(req->cmds, req->n * sizeof(*req->cmds));
	seq->steps = copy(req->steps, req->n * sizeof(*req->steps));
	seq->runs = calloc(req->runs, sizeof(*seq->runs));
	for (uint32_t r = 0; r < req->runs; r++) {
		seq->runs[r].seq = seq;
		seq->runs[r].entries = calloc(req->n, sizeof(struct entry));
		for (uint32_t i = 0; i < req->n; i++)
			seq->runs[r].entries[i] = (struct entry){ &seq->runs[r], i };
	}
	self.counts.created++;
	*out = seq;
	return 0;
}

static void seq_destroy(struct mrt_bqueue *queue, struct mrt_bseq *seq)
{
	(void)queue;
	assert_int_equal(seq->flying, 0);
	for (uint32_t r = 0; r < seq->req.runs; r++)
		free(seq->runs[r].entries);
	free(seq->runs);
	free(seq->cmds);
	free(seq->steps);
	free(seq);
	self.counts.destroyed++;
}

static int push_seq(struct mrt_bqueue *queue, struct mrt_bseq *seq, const struct mrt_seq_run *args,
		    void *cookie)
{
	struct queue *q = queue_of(queue);
	struct run *run = NULL;

	assert_true(args->a_slot < seq->req.a_slots && args->b_slot < seq->req.b_slots);
	for (uint32_t r = 0; r < seq->req.runs && !run; r++)
		run = seq->runs[r].busy ? NULL : &seq->runs[r];
	if (!run || q->inflight + seq->req.n > q->depth)
		return -EAGAIN;
	*run = (struct run){ .seq = seq,
			     .each = args->each,
			     .cookie = cookie,
			     .left = seq->req.n,
			     .busy = true,
			     .entries = run->entries };
	for (uint32_t i = 0; i < seq->req.n; i++) {
		struct mrt_cmd cmd = seq->cmds[i];

		cmd.a.offset += seq->steps[i].a * args->a_slot;
		cmd.b.offset += seq->steps[i].b * args->b_slot;
		assert_int_equal(
			self.real->push(queue, &cmd, (void *)((uintptr_t)&run->entries[i] | 2)), 0);
	}
	q->inflight += seq->req.n;
	seq->flying++;
	self.counts.pushed++;
	return 0;
}

static int push(struct mrt_bqueue *queue, const struct mrt_cmd *cmd, void *cookie)
{
	struct queue *q = queue_of(queue);
	int err = q->inflight < q->depth ? self.real->push(queue, cmd, cookie) : -EAGAIN;

	q->inflight += !err;
	return err;
}

/* Adds a completion to its run. Whether that was the last one. */
static bool add(struct entry *entry, const struct mrt_done *done)
{
	struct run *run = entry->run;

	if (run->each)
		run->each[entry->index] = *done;
	run->sum.result += done->result;
	run->sum.detail += done->detail;
	run->sum.device_ns += done->device_ns;
	run->sum.energy_fj += done->energy_fj;
	if (!run->sum.status)
		run->sum.status = done->status;
	if (--run->left)
		return false;
	run->busy = false;
	run->seq->flying--;
	run->sum.cookie = run->cookie;
	return true;
}

static int reap(struct mrt_bqueue *queue, struct mrt_done *done, uint32_t max)
{
	int n = 0, got;

	do {
		got = self.real->reap(queue, &done[n], 1);
		if (got <= 0)
			return n ? n : got;
		queue_of(queue)->inflight--;
		if (!((uintptr_t)done[n].cookie & 2)) {
			n++;
		} else {
			struct entry *entry = (void *)((uintptr_t)done[n].cookie & ~(uintptr_t)3);

			if (add(entry, &done[n]))
				done[n++] = entry->run->sum;
		}
	} while ((uint32_t)n < max);
	return n;
}

/* A completion of a sequence is several of the queue's: look at each. */
static int wait_for(struct mrt_bqueue *queue, uint32_t n, uint64_t deadline)
{
	(void)n;
	return self.real->wait(queue, 1, deadline);
}

static void drop(void *cookie)
{
	struct entry *entry = (void *)((uintptr_t)cookie & ~(uintptr_t)3);

	if (!((uintptr_t)cookie & 2)) {
		self.drop(cookie);
	} else if (!--entry->run->left) {
		entry->run->seq->flying--;
		self.drop(entry->run->cookie);
	}
}

static int queue_create(struct mrt_bdev *dev, const struct mrt_queue_request *req,
			struct mrt_bqueue **out)
{
	struct queue *q = queue_of(NULL);
	int err = self.real->queue_create(dev, req, out);

	if (!err)
		*q = (struct queue){ .real = *out, .depth = req->depth };
	return err;
}

/* Sequences that are left are leaked: this backend keeps no list of them; tests destroy graphs. */
static void queue_destroy(struct mrt_bqueue *queue, void (*fn)(void *cookie))
{
	queue_of(queue)->real = NULL;
	self.drop = fn;
	self.real->queue_destroy(queue, drop);
}

struct seq_backend *seq_backend_use(struct mho_dev *handle)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "seq_backend_use");

	self.real = dev->ops;
	self.ops = *dev->ops;
	self.counts = (struct seq_backend){ 0 };
	memset(self.queues, 0, sizeof(self.queues));
	self.ops.seq_create = seq_create;
	self.ops.seq_destroy = seq_destroy;
	self.ops.push_seq = push_seq;
	self.ops.push = push;
	self.ops.reap = reap;
	self.ops.wait = wait_for;
	self.ops.queue_create = queue_create;
	self.ops.queue_destroy = queue_destroy;
	dev->ops = &self.ops;
	return &self.counts;
}
