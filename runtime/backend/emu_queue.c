// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * I/O queues of the emulated device: rings, shadow doorbells, phase bits, and when
 * to ask for an interrupt. What wakes the owner is in notify.c.
 *
 * The owner arms one interrupt at a time (shadow.cq_event), when a reap finds
 * nothing, or before it sleeps. So bulk completions cost no message, and at most
 * one or two lie in the receiving ring.
 *
 * A reset of the device ends its queues. Each owner revives its own: what had been
 * completed and what was cut off is kept to be reaped, and the rings begin anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/emu_dev.h"
#include "backend/emu_fence.h"
#include "emulator/mho_emu.h"

/* How long to look before sleeping: about what it costs to be woken. */
#define SPIN_NS 15000
#define SPIN_ROUND 64

/**
 * struct emub_queue - a queue
 * @base: for the library
 * @dev: its device
 * @number: its number
 * @vector: its interrupt
 * @order: log2 of the entries of both rings
 * @mask: entries - 1
 * @rings: memory of both rings and the shadow
 * @sq: submission ring
 * @cq: completion ring
 * @shadow: doorbells
 * @tail: running number of the next submission
 * @kicked: what the device knows of it
 * @head: running number of the next completion
 * @armed: completion that raises the interrupt
 * @depth: most commands in flight
 * @nfree: entries of @cids
 * @cids: identifiers that are free
 * @cookies: of commands in flight, by identifier
 * @spin: there is another CPU for the device
 * @irqs: emub_dev.irqs when the health was looked at last
 * @broken: the device broke the protocol; nothing is reaped any more
 * @priority: as it was asked for
 * @generation: emub_dev.generation that the device's queue is of
 * @late: completions of before the last reset that were not reaped yet
 * @nlate: how many
 * @announced: completions up to the last message; under emub_dev.irq_lock
 * @event: how the owner is told
 * @fenced: there may be fences, as far as the owner knows
 * @fences: descriptors that wait for completions; under emub_dev.irq_lock
 * @sent_for: @armed of the last message while there were fences; likewise
 */
struct emub_queue {
	struct mrt_bqueue base;
	struct emub_dev *dev;
	unsigned int number;
	unsigned int vector;
	uint32_t order;
	uint32_t mask;
	struct emub_region rings;
	struct mho_hw_sqe *sq;
	struct mho_hw_cqe *cq;
	struct mho_hw_shadow *shadow;
	uint32_t tail;
	uint32_t kicked;
	uint32_t head;
	uint32_t armed;
	uint32_t depth;
	uint32_t nfree;
	uint16_t *cids;
	void **cookies;
	bool spin;
	unsigned int irqs;
	bool broken;
	uint32_t priority;
	unsigned int generation;
	struct mrt_done *late;
	uint32_t nlate;
	uint32_t announced;
	struct mrt_event event;
	bool fenced;
	struct emub_fences fences;
	uint32_t sent_for;
};

/* The cookie of barriers that the queue puts in for fences. */
static char fence_cookie;

static struct emub_queue *queue_of(struct mrt_bqueue *base)
{
	return (struct emub_queue *)base;
}

static bool passes(uint32_t event, uint32_t old, uint32_t new)
{
	return new - event - 1 < new - old;
}

/*
 * Whether completion @number is there; at most one lap ahead of the head. Sequentially consistent,
 * as the other accesses to what both sides write and read before they sleep: no barriers besides.
 */
static bool is_there(const struct emub_queue *q, uint32_t number)
{
	const struct mho_hw_cqe *cqe = &q->cq[number & q->mask];
	uint16_t flags = mho_le16_to_cpu(__atomic_load_n(&cqe->flags, __ATOMIC_SEQ_CST));

	return (flags & MHO_HW_CQE_PHASE) != (number >> q->order & 1);
}

/* ---- making and ending ---- */

static size_t ring_bytes(uint32_t order, size_t entry)
{
	size_t bytes = entry << order;

	return bytes < MHO_HW_RING_ALIGN ? MHO_HW_RING_ALIGN : bytes;
}

static int alloc_rings(struct emub_queue *q)
{
	size_t sq = ring_bytes(q->order, MHO_HW_SQE_SIZE),
	       cq = ring_bytes(q->order, MHO_HW_CQE_SIZE);
	char *ptr;
	int err;

	err = emub_region_alloc(&q->dev->dma, sq + cq + sizeof(*q->shadow), true, &q->rings);
	if (err)
		return err;
	ptr = q->rings.ptr;
	q->sq = (struct mho_hw_sqe *)ptr;
	q->cq = (struct mho_hw_cqe *)(ptr + sq);
	q->shadow = (struct mho_hw_shadow *)(ptr + sq + cq);
	q->cids = calloc(q->depth, sizeof(*q->cids));
	q->cookies = calloc(q->depth, sizeof(*q->cookies));
	if (!q->cids || !q->cookies)
		return mrt_fail(-ENOMEM, "out of memory for a queue of depth %u", q->depth);
	return 0;
}

/* Empty rings, no command in flight. */
static void clear(struct emub_queue *q)
{
	memset(q->rings.ptr, 0, q->rings.size);
	memset(q->cookies, 0, q->depth * sizeof(*q->cookies));
	q->tail = 0;
	q->kicked = 0;
	q->head = 0;
	q->armed = 0;
	q->announced = 0;
	q->broken = false;
	/* Taken from the end: low numbers first, which keeps the table's used part small. */
	for (q->nfree = 0; q->nfree < q->depth; q->nfree++)
		q->cids[q->nfree] = q->depth - 1 - q->nfree;
}

static void free_queue(struct emub_queue *q)
{
	emub_region_free(&q->dev->dma, &q->rings);
	free(q->cids);
	free(q->cookies);
	free(q->late);
	free(q);
}

/* A vector of its own for each queue, shared where the device has fewer. */
static unsigned int choose_vector(const struct emub_dev *dev, unsigned int number)
{
	return dev->id.vectors > 1 ? 1 + (number - 1) % (dev->id.vectors - 1U) : 0;
}

static int take_number(struct emub_queue *q)
{
	struct emub_dev *dev = q->dev;
	unsigned int number = 1;

	pthread_mutex_lock(&dev->irq_lock);
	while (number <= dev->id.queues && dev->queues[number])
		number++;
	if (number <= dev->id.queues) {
		q->number = number;
		q->vector = choose_vector(dev, number);
		dev->queues[number] = q;
		if (number > dev->top)
			dev->top = number;
	}
	pthread_mutex_unlock(&dev->irq_lock);
	if (q->number)
		return 0;
	return mrt_fail(-ENOSPC, "all %u queues of the card are in use: destroy one",
			dev->id.queues);
}

static void give_number(struct emub_queue *q)
{
	pthread_mutex_lock(&q->dev->irq_lock);
	q->dev->queues[q->number] = NULL;
	pthread_mutex_unlock(&q->dev->irq_lock);
}

/* Makes the device's queue; the objects are locked, so that no reset comes between. */
static int create(struct emub_queue *q)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_QUEUE_CREATE,
		.context = mho_cpu_to_le16(EMUB_CONTEXT),
		.queue = mho_cpu_to_le16(q->number),
		.queue_create = {
			.sq = mho_cpu_to_le64(q->rings.bus),
			.cq = mho_cpu_to_le64(q->rings.bus +
					      (uint64_t)((char *)q->cq - (char *)q->sq)),
			.shadow = mho_cpu_to_le64(q->rings.bus +
						  (uint64_t)((char *)q->shadow - (char *)q->sq)),
			.vector = mho_cpu_to_le16(q->vector),
			.order = q->order,
			.priority = q->priority,
		},
	};
	struct mho_hw_cqe cqe;
	int ret;

	ret = emub_admin(q->dev, &sqe, NULL, NULL, 0, &cqe);
	if (ret)
		return emub_admin_fail(ret, &cqe, "making a queue");
	q->generation = atomic_load(&q->dev->generation);
	return 0;
}

/* Entries for @depth commands in flight: one more, as far as the device goes. */
static void choose_order(struct emub_queue *q, uint32_t depth)
{
	q->order = MHO_HW_ORDER_MIN;
	while (1U << q->order <= depth && q->order < q->dev->id.order_max)
		q->order++;
	q->mask = (1U << q->order) - 1;
	q->depth = depth < q->mask ? depth : q->mask;
}

int emub_queue_create(struct mrt_bdev *base, const struct mrt_queue_request *req,
		      struct mrt_bqueue **out)
{
	struct emub_queue *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return mrt_fail(-ENOMEM, "out of memory for a queue");
	q->base.ops = base->ops;
	q->dev = emub_dev_of(base);
	q->spin = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	q->priority = req->priority;
	choose_order(q, req->depth);
	err = alloc_rings(q);
	if (err)
		goto free_queue;
	clear(q);
	err = mrt_event_init(&q->event, &q->dev->notifier, req->ring, req->ring_user_data);
	if (err)
		goto free_queue;
	err = take_number(q);
	if (err)
		goto exit_event;
	pthread_mutex_lock(&q->dev->objects);
	err = create(q);
	pthread_mutex_unlock(&q->dev->objects);
	if (err)
		goto give_number;
	*out = &q->base;
	return 0;
give_number:
	give_number(q);
exit_event:
	mrt_event_exit(&q->event);
free_queue:
	free_queue(q);
	return err;
}

static bool is_stale(const struct emub_queue *q)
{
	return atomic_load(&q->dev->generation) != q->generation;
}

/* Ends the device's queue, if a reset has not done so. Without success the device has the rings. */
static int delete (struct emub_queue *q)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_QUEUE_DELETE,
		.queue = mho_cpu_to_le16(q->number),
	};
	struct mho_hw_cqe cqe;
	int ret = 0;

	pthread_mutex_lock(&q->dev->objects);
	if (!is_stale(q))
		ret = emub_admin(q->dev, &sqe, NULL, NULL, 0, &cqe);
	if (ret && emub_health(q->dev, 0) == 0)
		emub_admin_fail(ret, &cqe, "ending a queue, whose memory is lost now");
	else
		ret = 0;
	pthread_mutex_unlock(&q->dev->objects);
	return ret;
}

void emub_queue_destroy(struct mrt_bqueue *base, void (*drop)(void *cookie))
{
	struct emub_queue *q = queue_of(base);
	int err;

	err = delete (q);
	give_number(q);
	mrt_event_exit(&q->event);
	emub_fence_signal_all(&q->fences);
	for (uint32_t i = 0; i < q->depth; i++)
		if (q->cookies[i] && q->cookies[i] != &fence_cookie)
			drop(q->cookies[i]);
	for (uint32_t i = 0; i < q->nlate; i++)
		drop(q->late[i].cookie);
	if (err) {
		/* Better lost than overwritten. */
		mrt_log(q->dev->log, MHO_LOG_ERROR, "%s", mho_last_error());
		q->rings.ptr = NULL;
	}
	free_queue(q);
}

/* ---- interrupts: on the device's threads, under irq_lock ---- */

/*
 * Counts completions up to the newest one. Entries from the owner's head on cannot be overwritten
 * while they are counted; those before are known to be there.
 */
static uint32_t count(struct emub_queue *q)
{
	uint32_t head = mho_le32_to_cpu(__atomic_load_n(&q->shadow->cq_head, __ATOMIC_ACQUIRE));
	uint32_t n = q->announced;

	if ((int32_t)(head - n) > 0)
		n = head;
	while (n - head <= q->mask && is_there(q, n))
		n++;
	q->announced = n;
	return n;
}

static bool is_stale(const struct emub_queue *q);

/*
 * Signals the fences that are due, and sees to it that the device tells of the next one, or of what the
 * owner waits for, whichever comes first. Number of completions.
 */
static uint32_t serve_fences(struct emub_queue *q)
{
	uint32_t n, event;

	do {
		n = count(q);
		if (is_stale(q))
			emub_fence_signal_all(&q->fences);
		emub_fence_signal(&q->fences, n);
		event = q->armed;
		if (q->fences.first && ((int32_t)(event - n) < 0 ||
					(int32_t)(emub_fence_next(&q->fences) - 1 - event) < 0))
			event = emub_fence_next(&q->fences) - 1;
		__atomic_store_n(&q->shadow->cq_event, mho_cpu_to_le32(event), __ATOMIC_SEQ_CST);
	} while (q->fences.first && is_there(q, event));
	return n;
}

/* A message to the owner for each time that it has armed, however many fences there are. */
static bool owner_waits(struct emub_queue *q, uint32_t n)
{
	if ((int32_t)(n - q->armed) <= 0 || q->sent_for == q->armed + 1)
		return false;
	q->sent_for = q->armed + 1;
	return true;
}

void emub_queue_wake(struct emub_queue *q)
{
	if (atomic_load(&q->fences.n))
		serve_fences(q);
	mrt_event_send(&q->event, count(q));
}

static void on_irq(struct emub_queue *q)
{
	if (!atomic_load(&q->fences.n))
		mrt_event_send(&q->event, count(q));
	else if (owner_waits(q, serve_fences(q)))
		mrt_event_send(&q->event, q->announced);
}

void emub_queue_irq(struct emub_dev *dev, unsigned int vector)
{
	for (unsigned int i = 1; i <= dev->top; i++)
		if (dev->queues[i] && dev->queues[i]->vector == vector)
			on_irq(dev->queues[i]);
}

/* ---- the owner ---- */

/* Takes the next completion off the ring. 0, or -1 if it is of no command in flight. */
static int take(struct emub_queue *q, struct mrt_done *done)
{
	const struct mho_hw_cqe *cqe = &q->cq[q->head & q->mask];
	uint16_t cid = mho_le16_to_cpu(cqe->cid);

	if (cid >= q->depth || !q->cookies[cid])
		return -1;
	*done = (struct mrt_done){
		.cookie = q->cookies[cid],
		.status = mho_le16_to_cpu(cqe->status),
		.result = mho_le32_to_cpu(cqe->result),
		.detail = mho_le32_to_cpu(cqe->detail),
		.device_ns = mho_le64_to_cpu(cqe->device_ns),
		.energy_fj = mho_le64_to_cpu(cqe->energy_fj),
	};
	q->cookies[cid] = NULL;
	q->cids[q->nfree++] = cid;
	q->head++;
	return 0;
}

/* Keeps what had completed and what was cut off; there is room for it. */
static void settle(struct emub_queue *q)
{
	while (!q->broken && is_there(q, q->head) && !take(q, &q->late[q->nlate]))
		q->nlate += q->late[q->nlate].cookie != &fence_cookie;
	for (uint32_t i = 0; i < q->depth; i++)
		if (q->cookies[i] && q->cookies[i] != &fence_cookie)
			q->late[q->nlate++] = (struct mrt_done){
				.cookie = q->cookies[i],
				.status = -ECANCELED,
			};
}

static int revive_locked(struct emub_queue *q)
{
	struct mrt_done *late;

	late = realloc(q->late, (q->nlate + q->depth) * sizeof(*late));
	if (!late)
		return mrt_fail(-ENOMEM, "out of memory for the jobs that a reset cut off");
	q->late = late;
	settle(q);
	/* The device sends its last interrupts before its reset ends, but others share the vector. */
	pthread_mutex_lock(&q->dev->irq_lock);
	emub_fence_signal_all(&q->fences);
	clear(q);
	pthread_mutex_unlock(&q->dev->irq_lock);
	return create(q);
}

/* After a reset, for which it waits: the queue works on. 0, or -EIO if the device does not. */
static int revive(struct emub_queue *q)
{
	int err = 0;

	pthread_mutex_lock(&q->dev->objects);
	if (is_stale(q))
		err = revive_locked(q);
	pthread_mutex_unlock(&q->dev->objects);
	return err ? -EIO : 0;
}

int emub_queue_push(struct mrt_bqueue *base, const struct mrt_cmd *cmd, void *cookie)
{
	struct emub_queue *q = queue_of(base);
	uint16_t cid;

	if (!q->nfree || (is_stale(q) && revive(q)))
		return -EAGAIN;
	cid = q->cids[--q->nfree];
	q->cookies[cid] = cookie;
	emub_translate(cmd, cid, &q->sq[q->tail & q->mask]);
	q->tail++;
	return 0;
}

void emub_queue_kick(struct mrt_bqueue *base)
{
	struct emub_queue *q = queue_of(base);
	uint32_t old = q->kicked, event;

	if (q->tail == old || is_stale(q))
		return;
	q->kicked = q->tail;
	__atomic_store_n(&q->shadow->sq_tail, mho_cpu_to_le32(q->tail), __ATOMIC_SEQ_CST);
	event = mho_le32_to_cpu(__atomic_load_n(&q->shadow->sq_event, __ATOMIC_SEQ_CST));
	if (passes(event, old, q->tail))
		mho_emu_write(q->dev->emu, MHO_HW_BAR_DOORBELL,
			      MHO_HW_DB_OFFSET((uint64_t)q->number, MHO_HW_DB_SQ_TAIL), 0, 4);
}

static int protocol_error(struct emub_queue *q)
{
	uint16_t cid = mho_le16_to_cpu(q->cq[q->head & q->mask].cid);

	q->broken = true;
	mrt_log(q->dev->log, MHO_LOG_ERROR,
		"queue %u: completion of command %u, which is not in flight", q->number, cid);
	return mrt_fail(
		-EIO,
		"the device completed command %u of queue %u, which it was not given; close "
		"it and open it again",
		cid, q->number);
}

/* Completions of before the last reset, oldest first. */
static int take_late(struct emub_queue *q, struct mrt_done *done, uint32_t max)
{
	uint32_t n = q->nlate < max ? q->nlate : max;

	memcpy(done, q->late, n * sizeof(*done));
	q->nlate -= n;
	memmove(q->late, q->late + n, q->nlate * sizeof(*done));
	return n;
}

int emub_queue_reap(struct mrt_bqueue *base, struct mrt_done *done, uint32_t max)
{
	struct emub_queue *q = queue_of(base);
	uint32_t n = 0, head = q->head;

	if (is_stale(q) && revive(q) && !q->nlate)
		return -EIO;
	if (q->nlate)
		return take_late(q, done, max);
	while (n < max && is_there(q, q->head)) {
		if (q->broken || take(q, &done[n]))
			return n ? (int)n : protocol_error(q);
		n += done[n].cookie != &fence_cookie;
	}
	/* Before the tail of the commands that need the room: the next kick has a release. */
	if (q->head != head)
		__atomic_store_n(&q->shadow->cq_head, mho_cpu_to_le32(q->head), __ATOMIC_RELEASE);
	return n;
}

/* Asks to be told when completion @number is there; 1 if it is there already. */
static int arm(struct emub_queue *q, uint32_t number)
{
	unsigned int irqs;
	int err;

	if (q->nlate)
		return 1;
	mrt_event_drain(&q->event);
	irqs = atomic_load(&q->dev->irqs);
	if (irqs != q->irqs) {
		/* The message that was drained may have been about a fault. */
		err = emub_health(q->dev, q->number);
		if (err && !is_stale(q))
			return err;
		q->irqs = irqs;
	}
	/* After the drain: a reset that begins now sends another message. */
	if (is_stale(q))
		return 1;
	if (q->fenced) {
		pthread_mutex_lock(&q->dev->irq_lock);
		q->armed = number;
		q->sent_for = number;
		serve_fences(q);
		q->fenced = q->fences.first;
		pthread_mutex_unlock(&q->dev->irq_lock);
	} else if (q->armed != number) {
		q->armed = number;
		__atomic_store_n(&q->shadow->cq_event, mho_cpu_to_le32(number), __ATOMIC_SEQ_CST);
	}
	return is_there(q, number);
}

int emub_queue_arm(struct mrt_bqueue *base)
{
	struct emub_queue *q = queue_of(base);

	return arm(q, q->head);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#endif
}

static bool spin(const struct emub_queue *q, uint32_t number, uint64_t now)
{
	uint64_t end = now + SPIN_NS;

	do {
		for (int i = 0; i < SPIN_ROUND; i++) {
			if (is_there(q, number))
				return true;
			relax();
		}
	} while (mrt_now_ns() < end);
	return false;
}

int emub_queue_wait(struct mrt_bqueue *base, uint32_t n, uint64_t deadline)
{
	struct emub_queue *q = queue_of(base);
	uint32_t number = q->head + n - 1;
	uint64_t now = mrt_now_ns();
	int64_t timeout = -1;
	int ret;

	if (now >= deadline)
		return -ETIME;
	if (q->spin && spin(q, number, now))
		return 0;
	if (deadline != MRT_FOREVER) {
		now = mrt_now_ns();
		if (now >= deadline)
			return -ETIME;
		timeout = (int64_t)(deadline - now);
	}
	mrt_event_prepare(&q->event);
	ret = arm(q, number);
	if (ret) {
		mrt_event_cancel(&q->event);
		return ret < 0 ? ret : 0;
	}
	ret = mrt_event_wait(&q->event, timeout);
	if (ret && ret != -ETIME)
		return mrt_fail(-EIO, "waiting for the device failed: %s", mho_strerror(ret));
	return ret;
}

/* A barrier: when it is done, so is all before it, and as many completions are there as commands. */
int emub_queue_fence_export(struct mrt_bqueue *base, int *fd)
{
	static const struct mrt_cmd barrier = { .op = MHO_OP_BARRIER };
	struct emub_queue *q = queue_of(base);
	int err;

	err = emub_queue_push(base, &barrier, &fence_cookie);
	if (err)
		return mrt_fail(-EBUSY, "the queue has no room for a fence; reap first");
	pthread_mutex_lock(&q->dev->irq_lock);
	err = emub_fence_add(&q->fences, q->tail, fd);
	if (!err) {
		q->fenced = true;
		q->sent_for = q->armed;
		serve_fences(q);
	}
	pthread_mutex_unlock(&q->dev->irq_lock);
	emub_queue_kick(base);
	return err;
}

int emub_queue_fd(struct mrt_bqueue *base)
{
	return mrt_event_fd(&queue_of(base)->event);
}
