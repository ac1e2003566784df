// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Which command is next: queues by priority and by turns, commands on one array
 * in the order in which they were fetched, FENCE and BARRIER, abort. Runs under
 * the core lock; what a command does is in exec_*.c.
 *
 * A queue whose next command must wait for the earlier ones (FENCE, BARRIER) is
 * not read any further until they are done. Commands that name an array stand in
 * the array's line; the one at the head of all its lines is ready.
 */
#include <string.h>

#include "emulator/emu.h"
#include "emulator/objects.h"

/* Commands that are read at once. */
#define BURST 64

void mho_arbiter_activate(struct mho_emu *emu, struct mho_hwqueue *q)
{
	if (!q->fault && !q->closing && !q->fenced)
		emu->active[q->priority][q->number / 64] |= 1ULL << (q->number % 64);
}

void mho_arbiter_deactivate(struct mho_emu *emu, struct mho_hwqueue *q)
{
	emu->active[q->priority][q->number / 64] &= ~(1ULL << (q->number % 64));
}

void mho_arbiter_collect(struct mho_emu *emu)
{
	unsigned int i;

	for (i = 0; i < MHO_DOORBELL_WORDS; i++) {
		unsigned long bits = 0;

		if (atomic_load_explicit(&emu->rung[i], memory_order_relaxed))
			bits = atomic_exchange(&emu->rung[i], 0);
		for (; bits; bits &= bits - 1) {
			unsigned int number = 64 * i + __builtin_ctzl(bits);

			if (emu->queues[number])
				mho_arbiter_activate(emu, emu->queues[number]);
		}
	}
}

/* The active queue of a priority that follows the one served last, or 0. */
static unsigned int next_turn(struct mho_emu *emu, unsigned int priority)
{
	const uint64_t *active = emu->active[priority];
	unsigned int start = emu->turn[priority] + 1, word = start / 64, i;
	uint64_t bits;

	for (i = 0; i <= MHO_DOORBELL_WORDS; i++, word++) {
		word %= MHO_DOORBELL_WORDS;
		bits = active[word];
		if (!i)
			bits &= ~0ULL << (start % 64);
		if (bits)
			return emu->turn[priority] = 64 * word + __builtin_ctzll(bits);
	}
	return 0;
}

static bool is_ready(const struct mho_cmd *cmd)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		const struct mho_cmd_use *use = &cmd->use[i];

		if (use->array && (use->array->held || use->array->fifo.next != &use->link))
			return false;
	}
	return true;
}

static void make_ready(struct mho_emu *emu, struct mho_cmd *cmd)
{
	cmd->ready = true;
	if (cmd->hung)
		return;
	if (cmd->delay_ms)
		mho_fault_delay(emu, cmd);
	else
		mho_list_add_tail(&emu->ready[cmd->priority], &cmd->link);
}

void mho_arbiter_release(struct mho_emu *emu, struct mho_array *array)
{
	struct mho_cmd *cmd;

	if (mho_list_empty(&array->fifo))
		return;
	cmd = mho_container_of(array->fifo.next, struct mho_cmd_use, link)->cmd;
	if (!cmd->ready && is_ready(cmd))
		make_ready(emu, cmd);
}

static bool cid_busy(const struct mho_hwqueue *q, uint16_t cid)
{
	return q->cids[cid / 64] >> (cid % 64) & 1;
}

static void enqueue(struct mho_emu *emu, struct mho_hwqueue *q, struct mho_cmd *cmd)
{
	unsigned int i;

	cmd->queue = q;
	cmd->priority = q->priority;
	cmd->ready = false;
	cmd->started = false;
	cmd->torn = false;
	atomic_store_explicit(&cmd->cancel, false, memory_order_relaxed);
	cmd->status = MHO_HW_ST_OK;
	cmd->device_ns = 0;
	cmd->energy_fj = 0;
	for (i = 0; i < 2; i++) {
		if (!cmd->use[i].array)
			continue;
		cmd->use[i].array->users++;
		mho_list_add_tail(&cmd->use[i].array->fifo, &cmd->use[i].link);
	}
	if (cmd->a.key)
		cmd->a.key->users++;
	if (cmd->b.key)
		cmd->b.key->users++;
	q->cids[cmd->cid / 64] |= 1ULL << (cmd->cid % 64);
	q->inflight++;
	if (cmd->hung)
		emu->n_hung++;
	else
		emu->window_used[cmd->priority]++;
	if (is_ready(cmd))
		make_ready(emu, cmd);
}

enum taken {
	TAKEN_NOW, /* done, its completion is to be posted */
	TAKEN_QUEUED,
	TAKEN_NOT, /* no room, or the queue was stopped */
};

static bool all_zero(const struct mho_hw_sqe *s)
{
	struct mho_hw_sqe copy = *s;
	uint64_t words[sizeof(copy) / 8], any = 0;
	unsigned int i;

	copy.cid = 0;
	memcpy(words, &copy, sizeof(copy));
	for (i = 0; i < sizeof(words) / 8; i++)
		any |= words[i];
	return !any;
}

static enum taken take(struct mho_emu *emu, struct mho_hwqueue *q, const struct mho_hw_sqe *s,
		       struct mho_hw_cqe *cqe)
{
	enum mho_hw_status status;
	struct mho_cmd *cmd;
	bool faults;

	if (q->inflight && cid_busy(q, mho_le16_to_cpu(s->cid))) {
		q->sq_head++;
		mho_queue_stop(emu, q, MHO_HW_ST_CID_IN_USE, mho_le16_to_cpu(s->cid));
		return TAKEN_NOT;
	}
	memset(cqe, 0, sizeof(*cqe));
	cqe->cid = s->cid;
	faults = mho_fault_armed(emu, MHO_FAULT_COMMANDS);
	if (!faults && all_zero(s)) /* NOP, the one that has to be quick */
		return TAKEN_NOW;
	if (emu->window_used[q->priority] >= MHO_WINDOW)
		return TAKEN_NOT;
	cmd = mho_container_of(emu->free_cmds.next, struct mho_cmd, link);
	status = mho_cmd_parse(emu, q, s, cmd);
	cmd->hung = false;
	cmd->delay_ms = 0;
	if (faults && !status)
		status = mho_fault_command(emu, q, cmd);
	if (status || !(cmd->use[0].array || cmd->hung || cmd->delay_ms)) {
		cqe->status = mho_cpu_to_le16(status);
		cqe->detail = mho_cpu_to_le32(cmd->detail);
		if (status) {
			q->errors++;
			emu->counters.errors++;
		}
		return TAKEN_NOW;
	}
	mho_list_del(&cmd->link);
	enqueue(emu, q, cmd);
	return TAKEN_QUEUED;
}

static bool waits(const struct mho_hwqueue *q, const struct mho_hw_sqe *s)
{
	return q->inflight && (s->flags & MHO_HW_CMD_FENCE || s->opcode == MHO_HW_OP_BARRIER);
}

/* Read a burst of commands. What cannot be taken now stays in the ring. */
static void fetch(struct mho_emu *emu, struct mho_hwqueue *q)
{
	struct mho_hw_sqe sqes[BURST];
	struct mho_hw_cqe cqes[BURST];
	uint32_t n, i, done = 0;

	if (!mho_queue_look(emu, q)) {
		mho_arbiter_deactivate(emu, q);
		return;
	}
	n = mho_queue_available(q);
	if (n > BURST)
		n = BURST;
	if (!n) {
		mho_arbiter_deactivate(emu, q);
		if (q->shadow && mho_list_empty(&q->spin_link)) {
			q->idle_since = mho_now_ns();
			mho_list_add_tail(&emu->spinning, &q->spin_link);
		}
		return;
	}
	if (!mho_queue_peek(emu, q, sqes, n)) {
		mho_arbiter_deactivate(emu, q);
		return;
	}
	for (i = 0; i < n; i++) {
		enum taken t;

		if (waits(q, &sqes[i])) {
			q->fenced = true;
			mho_arbiter_deactivate(emu, q);
			break;
		}
		t = take(emu, q, &sqes[i], &cqes[done]);
		if (t == TAKEN_NOT)
			break;
		q->sq_head++;
		done += t == TAKEN_NOW;
		if (t == TAKEN_QUEUED && sqes[i].opcode == MHO_HW_OP_BARRIER) {
			q->fenced = true;
			mho_arbiter_deactivate(emu, q);
			break;
		}
	}
	if (q->fault)
		mho_arbiter_deactivate(emu, q);
	if (done) {
		q->commands += done;
		emu->counters.commands += done;
		mho_queue_post(emu, q, cqes, done);
	}
}

bool mho_arbiter_fetch(struct mho_emu *emu)
{
	unsigned int p, number;

	for (p = MHO_PRIORITIES; p-- > 0;) {
		if (emu->window_used[p] >= MHO_WINDOW)
			continue;
		number = next_turn(emu, p);
		if (number) {
			fetch(emu, emu->queues[number]);
			return true;
		}
	}
	return false;
}

struct mho_cmd *mho_arbiter_next(struct mho_emu *emu)
{
	unsigned int p;

	for (p = MHO_PRIORITIES; p-- > 0;) {
		struct mho_cmd *cmd;

		if (mho_list_empty(&emu->ready[p]))
			continue;
		cmd = mho_container_of(emu->ready[p].next, struct mho_cmd, link);
		mho_list_del(&cmd->link);
		cmd->started = true;
		return cmd;
	}
	return NULL;
}

static void account(struct mho_emu *emu, struct mho_hwqueue *q, const struct mho_cmd *cmd)
{
	q->commands++;
	q->device_ns += cmd->device_ns;
	q->energy_fj += cmd->energy_fj;
	emu->counters.commands++;
	emu->counters.energy_fj += cmd->energy_fj;
	if (cmd->status) {
		q->errors++;
		emu->counters.errors++;
	}
	mho_time_reached(emu, q->time_base + q->device_ns);
}

/* Take a command out of all lines. */
static void retire(struct mho_emu *emu, struct mho_cmd *cmd)
{
	struct mho_hwqueue *q = cmd->queue;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct mho_array *array = cmd->use[i].array;

		if (!array)
			continue;
		array->users--;
		mho_list_del(&cmd->use[i].link);
		mho_arbiter_release(emu, array);
	}
	if (cmd->a.key)
		cmd->a.key->users--;
	if (cmd->b.key)
		cmd->b.key->users--;
	q->cids[cmd->cid / 64] &= ~(1ULL << (cmd->cid % 64));
	q->inflight--;
	if (cmd->hung)
		emu->n_hung--;
	else
		emu->window_used[cmd->priority]--;
	cmd->queue = NULL;
	mho_list_add(&emu->free_cmds, &cmd->link);
	if (!q->inflight && q->fenced) {
		q->fenced = false;
		mho_arbiter_activate(emu, q);
	}
}

void mho_arbiter_done(struct mho_emu *emu, struct mho_cmd *cmd)
{
	struct mho_hwqueue *q = cmd->queue;
	struct mho_hw_cqe cqe = {
		.cid = mho_cpu_to_le16(cmd->cid),
		.status = mho_cpu_to_le16(cmd->status),
		.result = mho_cpu_to_le32(cmd->result),
		.detail = mho_cpu_to_le32(cmd->detail),
		.device_ns = mho_cpu_to_le64(cmd->device_ns),
		.energy_fj = mho_cpu_to_le64(cmd->energy_fj),
	};

	account(emu, q, cmd);
	retire(emu, cmd);
	if (!q->silent)
		mho_queue_post(emu, q, &cqe, 1);
	pthread_cond_broadcast(&emu->idle);
}

/* Complete the commands that were submitted and not read. */
static unsigned int abort_unread(struct mho_emu *emu, struct mho_hwqueue *q)
{
	unsigned int aborted = 0;

	while (mho_queue_look(emu, q)) {
		uint32_t n = mho_queue_available(q), i;
		struct mho_hw_sqe sqes[BURST];
		struct mho_hw_cqe cqes[BURST];

		if (n > BURST)
			n = BURST;
		if (!n || !mho_queue_peek(emu, q, sqes, n))
			break;
		memset(cqes, 0, sizeof(cqes));
		for (i = 0; i < n; i++) {
			cqes[i].cid = sqes[i].cid;
			cqes[i].status = mho_cpu_to_le16(MHO_HW_ST_ABORTED);
		}
		q->sq_head += n;
		aborted += n;
		mho_queue_post(emu, q, cqes, n);
	}
	return aborted;
}

unsigned int mho_arbiter_abort(struct mho_emu *emu, struct mho_hwqueue *q, bool post)
{
	unsigned int i, aborted = 0;

	q->closing = true;
	q->silent = !post;
	mho_arbiter_deactivate(emu, q);
	mho_list_del(&q->spin_link);
	for (i = 0; i < MHO_COMMANDS; i++) {
		struct mho_cmd *cmd = &emu->cmds[i];

		if (cmd->queue != q)
			continue;
		aborted++;
		if (cmd->started) {
			atomic_store(&cmd->cancel, true);
			continue;
		}
		mho_list_del(&cmd->link);
		cmd->status = MHO_HW_ST_ABORTED;
		mho_arbiter_done(emu, cmd);
	}
	while (q->inflight)
		pthread_cond_wait(&emu->idle, &emu->lock);
	if (post)
		aborted += abort_unread(emu, q);
	return aborted;
}
