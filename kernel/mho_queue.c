// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Rings of I/O queues, what is in flight on them, and their reset.
 *
 * A command may be done again after a reset that it did not cause if it cannot have changed
 * weights: it only reads, or the device says that it was cut off before it took any time or energy.
 * All others end with -ECANCELED, since to repeat half an update would train twice. So do those
 * whose operands were in the tiles' buffers when these were lost.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include <drm/drm_print.h>

#include "mho_client.h"
#include "mho_device.h"
#include "mho_doorbell.h"
#include "mho_queue.h"
#include "mho_trace.h"

static void mho_queue_init_rings(struct mho_queue *queue)
{
	unsigned int i, size = mho_queue_size(queue);

	memset(queue->sq, 0, size * MHO_HW_SQE_SIZE);
	memset(queue->cq, 0, size * MHO_HW_CQE_SIZE);
	memset(queue->slots, 0, size * sizeof(*queue->slots));
	for (i = 0; i < size; i++)
		queue->cids[i] = i;
	queue->cid_head = 0;
	queue->cid_tail = 0;
	queue->tail = 0;
	WRITE_ONCE(queue->head, 0);
	mho_doorbell_clear(queue);
	WRITE_ONCE(queue->faulted, false);
}

/**
 * mho_queue_alloc() - make the memory of a queue
 * @mdev: device
 * @queue: cleared memory
 * @order: log2 of the entries
 * @priority: as the device has it
 *
 * Return: 0 or -ENOMEM.
 */
int mho_queue_alloc(struct mho_device *mdev, struct mho_queue *queue, unsigned int order,
		    unsigned int priority)
{
	struct device *dev = &mdev->pdev->dev;
	unsigned int size = 1U << order;

	queue->mdev = mdev;
	queue->order = order;
	queue->priority = priority;
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->link);
	INIT_LIST_HEAD(&queue->flying);
	INIT_LIST_HEAD(&queue->waiting);
	mho_coalesce_init(queue);
	queue->sq = dma_alloc_coherent(dev, PAGE_ALIGN(size * MHO_HW_SQE_SIZE), &queue->sq_dma,
				       GFP_KERNEL);
	queue->cq = dma_alloc_coherent(dev, PAGE_ALIGN(size * MHO_HW_CQE_SIZE), &queue->cq_dma,
				       GFP_KERNEL);
	queue->slots = kcalloc(size, sizeof(*queue->slots), GFP_KERNEL);
	queue->cids = kcalloc(size, sizeof(*queue->cids), GFP_KERNEL);
	if (!queue->sq || !queue->cq || !queue->slots || !queue->cids ||
	    mho_doorbell_alloc(queue)) {
		mho_queue_free(queue);
		return -ENOMEM;
	}
	mho_queue_init_rings(queue);
	return 0;
}

/**
 * mho_queue_free() - give the memory back; the device has the queue no more
 * @queue: queue
 */
void mho_queue_free(struct mho_queue *queue)
{
	unsigned int size = mho_queue_size(queue);
	struct device *dev = &queue->mdev->pdev->dev;

	kfree(queue->cids);
	kfree(queue->slots);
	mho_doorbell_free(queue);
	if (queue->cq)
		dma_free_coherent(dev, PAGE_ALIGN(size * MHO_HW_CQE_SIZE), queue->cq,
				  queue->cq_dma);
	if (queue->sq)
		dma_free_coherent(dev, PAGE_ALIGN(size * MHO_HW_SQE_SIZE), queue->sq,
				  queue->sq_dma);
	queue->cids = NULL;
	queue->slots = NULL;
	queue->cq = NULL;
	queue->sq = NULL;
}

static struct mho_vector *mho_queue_pick_vector(struct mho_device *mdev)
{
	struct mho_vector *best = &mdev->vectors[mdev->vector_count > 1];
	unsigned int i;

	for (i = 2; i < mdev->vector_count; i++)
		if (mdev->vectors[i].users < best->users)
			best = &mdev->vectors[i];
	return best;
}

static int mho_queue_tell(struct mho_queue *queue, u16 context)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_QUEUE_CREATE,
		.context = cpu_to_le16(context),
		.queue = cpu_to_le16(queue->id),
		.queue_create = {
			.sq = cpu_to_le64(queue->sq_dma),
			.cq = cpu_to_le64(queue->cq_dma),
			.shadow = cpu_to_le64(queue->shadow ? queue->shadow_dma : 0),
			.vector = cpu_to_le16(queue->vector->index),
			.order = queue->order,
			.priority = queue->priority,
		},
	};

	mho_coalesce_set(queue, &sqe.queue_create);
	return mho_admin_run(queue->mdev, &sqe, NULL);
}

/**
 * mho_queue_create() - let the device have the queue
 * @queue: queue with memory; the admin lock is held
 * @context: context of the device
 *
 * Return: 0, -ENOSPC, or as mho_admin_run().
 */
int mho_queue_create(struct mho_queue *queue, u16 context)
{
	struct mho_device *mdev = queue->mdev;
	unsigned long id;
	int ret;

	id = find_next_zero_bit(mdev->queue_ids, mdev->limits.queues + 1, 1);
	if (id > mdev->limits.queues)
		return -ENOSPC;
	queue->id = id;
	queue->vector = mho_queue_pick_vector(mdev);
	ret = mho_queue_tell(queue, context);
	if (ret) {
		mho_reset_make_sure(mdev);
		queue->id = 0;
		return ret;
	}
	list_add_tail_rcu(&queue->link, &queue->vector->queues);
	queue->vector->users++;
	__set_bit(id, mdev->queue_ids);
	return 0;
}

/**
 * mho_queue_detach() - no interrupt looks at the queue any more
 * @queue: queue; the admin lock is held
 */
void mho_queue_detach(struct mho_queue *queue)
{
	struct mho_vector *vector = queue->vector;

	if (!queue->id)
		return;
	lockdep_assert_held(&queue->mdev->admin.lock);
	list_del_rcu(&queue->link);
	/* The handler looks at the ring without the lock. */
	synchronize_irq(pci_irq_vector(queue->mdev->pdev, vector->index));
	vector->users--;
	queue->id = 0;
}

/**
 * mho_queue_delete() - take the queue from the device; all that is in flight ends with -ECANCELED
 * @queue: queue that a reset does not bring back any more; the admin lock is held
 */
void mho_queue_delete(struct mho_queue *queue)
{
	struct mho_device *mdev = queue->mdev;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_QUEUE_DELETE,
		.queue = cpu_to_le16(queue->id),
	};
	u16 id = queue->id;
	int ret;

	if (!id)
		return;
	mho_queue_stop(queue);
	ret = mho_admin_run(mdev, &sqe, NULL);
	if (ret && ret != -ENODEV)
		drm_dbg(&mdev->drm, "queue %u: not deleted (%d)\n", id, ret);
	mho_reset_make_sure(mdev);
	mho_queue_reap(queue);
	mho_queue_detach(queue);
	__clear_bit(id, mdev->queue_ids);
	mho_queue_fail(queue, -ECANCELED);
}

/**
 * mho_queue_restore() - let the device have the queue again after it was reset
 * @queue: queue, cut off; the admin lock is held
 * @context: context of the device
 *
 * Return: as mho_admin_run().
 */
int mho_queue_restore(struct mho_queue *queue, u16 context)
{
	return queue->id ? mho_queue_tell(queue, context) : 0;
}

/**
 * mho_cmd_sqe() - a command as the device gets it now
 * @cmd: command
 * @sqe: filled
 */
void mho_cmd_sqe(const struct mho_cmd *cmd, struct mho_hw_sqe *sqe)
{
	*sqe = cmd->sqe;
	sqe->cid = cpu_to_le16(cmd->cid);
	if (cmd->array)
		sqe->array = cpu_to_le32(cmd->array->id);
	if (cmd->dst)
		sqe->param[1] = cpu_to_le32(cmd->dst->id);
	if (cmd->a)
		sqe->a.key = cpu_to_le32(cmd->a->id);
	if (cmd->b)
		sqe->b.key = cpu_to_le32(cmd->b->id);
}

static void mho_queue_write(struct mho_queue *queue, struct mho_cmd *cmd)
{
	unsigned int mask = mho_queue_size(queue) - 1;
	struct mho_hw_sqe *sqe = &queue->sq[queue->tail & mask];

	cmd->cid = queue->cids[queue->cid_head++ & mask];
	cmd->state = MHO_CMD_FLYING;
	queue->slots[cmd->cid & mask] = cmd;
	mho_cmd_sqe(cmd, sqe);
	queue->tail++;
}

/* The device has lost what the program has put into the tiles' buffers for it. */
static bool mho_queue_stale(struct mho_queue *queue, const struct mho_cmd *cmd)
{
	return cmd->window && cmd->losses != READ_ONCE(queue->mdev->windows.losses);
}

static void mho_queue_complete(struct mho_queue *queue, struct mho_cmd *cmd,
			       const struct mho_done *done)
{
	struct mho_group *group = cmd->group;

	list_del_init(&cmd->link);
	cmd->state = MHO_CMD_DONE;
	trace_mho_complete(queue, cmd, done);
	mho_group_cmd_done(group, cmd, done);
	if (!--group->left) {
		trace_mho_done(queue, group);
		mho_group_all_done(group);
	}
}

static void mho_queue_end(struct mho_queue *queue, struct mho_cmd *cmd, int error)
{
	struct mho_done done = { .status = error };

	mho_queue_complete(queue, cmd, &done);
}

/* A completion that was not taken yet keeps its entry in the other ring, too. */
static bool mho_queue_room(const struct mho_queue *queue)
{
	return queue->cid_head - queue->cid_tail < mho_queue_size(queue) - 1;
}

static void mho_queue_launch(struct mho_queue *queue, struct mho_cmd *cmd)
{
	list_add_tail(&cmd->link, &queue->flying);
	mho_queue_write(queue, cmd);
	cmd->group->started = true;
}

/* Writes what waits and has room; mho_queue_ring() tells the device. */
static void mho_queue_fill(struct mho_queue *queue)
{
	struct mho_cmd *cmd;

	while (!queue->stopped && mho_queue_room(queue)) {
		cmd = list_first_entry_or_null(&queue->waiting, struct mho_cmd, link);
		if (!cmd)
			break;
		if (mho_queue_stale(queue, cmd)) {
			mho_queue_end(queue, cmd, -ECANCELED);
			continue;
		}
		list_del(&cmd->link);
		mho_queue_launch(queue, cmd);
	}
}

static void mho_queue_add_cmd(struct mho_queue *queue, struct mho_cmd *cmd)
{
	cmd->state = MHO_CMD_NEW;
	if (list_empty(&queue->waiting) && !queue->stopped && mho_queue_room(queue) &&
	    !mho_queue_stale(queue, cmd))
		mho_queue_launch(queue, cmd);
	else
		list_add_tail(&cmd->link, &queue->waiting);
}

/**
 * mho_queue_ring() - tell the device of the commands that were written, after the room they need
 * @queue: queue; its lock is held
 */
void mho_queue_ring(struct mho_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (queue->told_tail != queue->tail && !queue->stopped)
		mho_doorbell_tail(queue);
}

/**
 * mho_queue_add() - put commands into a queue; mho_queue_ring() must follow
 * @queue: queue; its lock is held
 * @group: their group, which is told when they are done, maybe before this returns
 * @cmds: the commands
 * @count: number of them
 *
 * What the ring has no room for, and everything while the queue is stopped, waits in order.
 *
 * Return: 0, or the error that the queue was lost with.
 */
int mho_queue_add(struct mho_queue *queue, struct mho_group *group, struct mho_cmd *cmds,
		  unsigned int count)
{
	unsigned int i;

	lockdep_assert_held(&queue->lock);
	if (queue->lost)
		return queue->lost;
	if (list_empty(&queue->flying))
		queue->last_done = jiffies;
	group->left = count;
	group->started = false;
	for (i = 0; i < count; i++) {
		cmds[i].group = group;
		cmds[i].index = i;
	}
	trace_mho_push(queue, group, count);
	for (i = 0; i < count; i++)
		mho_queue_add_cmd(queue, &cmds[i]);
	if (!list_empty(&queue->waiting))
		mho_queue_fill(queue);
	return 0;
}

/**
 * mho_queue_withdraw() - end commands that the device does not have yet
 * @queue: queue; its lock is held
 * @group: their group
 * @cmds: the commands
 * @count: number of them
 *
 * Return: true; false if the device has had one of them, or they are not in the queue.
 */
bool mho_queue_withdraw(struct mho_queue *queue, struct mho_group *group, struct mho_cmd *cmds,
			unsigned int count)
{
	unsigned int i;

	lockdep_assert_held(&queue->lock);
	if (!group->left || group->started)
		return false;
	for (i = 0; i < count; i++)
		mho_queue_end(queue, &cmds[i], -ECANCELED);
	return true;
}

/**
 * mho_queue_busy() - is anything in flight?
 * @queue: queue
 *
 * Return: true if commands wait or run.
 */
bool mho_queue_busy(struct mho_queue *queue)
{
	unsigned long flags;
	bool busy;

	spin_lock_irqsave(&queue->lock, flags);
	busy = !list_empty(&queue->flying) || !list_empty(&queue->waiting);
	spin_unlock_irqrestore(&queue->lock, flags);
	return busy;
}

/**
 * mho_queue_oldest() - whose turn it is
 * @queue: queue
 *
 * Return: number of the group with the oldest command that is not done, 0 if there is none.
 */
u64 mho_queue_oldest(struct mho_queue *queue)
{
	struct mho_cmd *cmd;
	unsigned long flags;
	u64 seqno;

	spin_lock_irqsave(&queue->lock, flags);
	cmd = list_first_entry_or_null(&queue->flying, struct mho_cmd, link);
	if (!cmd)
		cmd = list_first_entry_or_null(&queue->waiting, struct mho_cmd, link);
	seqno = cmd ? cmd->group->seqno : 0;
	spin_unlock_irqrestore(&queue->lock, flags);
	return seqno;
}

static void mho_queue_end_all(struct mho_queue *queue, int error)
{
	struct mho_cmd *cmd, *next;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_splice_tail_init(&queue->waiting, &queue->flying);
	list_for_each_entry_safe(cmd, next, &queue->flying, link)
		mho_queue_end(queue, cmd, error);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static void mho_queue_take(struct mho_queue *queue, const struct mho_hw_cqe *cqe)
{
	unsigned int mask = mho_queue_size(queue) - 1;
	u16 cid = le16_to_cpu(cqe->cid);
	struct mho_cmd *cmd = queue->slots[cid & mask];
	struct mho_done done = {
		.status = le16_to_cpu(cqe->status),
		.result = le32_to_cpu(cqe->result),
		.detail = le32_to_cpu(cqe->detail),
		.device_ns = le64_to_cpu(cqe->device_ns),
		.energy_fj = le64_to_cpu(cqe->energy_fj),
	};

	if (!cmd || cmd->cid != cid) {
		atomic_inc(&queue->mdev->bad_cqes);
		return;
	}
	queue->slots[cid & mask] = NULL;
	/* The same slot, another number: a completion that comes twice finds nobody. */
	queue->cids[queue->cid_tail++ & mask] = cid + mask + 1;
	if (done.status == MHO_HW_ST_ABORTED && queue->stopped) {
		if (!cmd->writes || (!done.device_ns && !done.energy_fj)) {
			cmd->state = MHO_CMD_ABORTED;
			return;
		}
		done.status = -ECANCELED;
	}
	if (done.status == MHO_HW_ST_BAD_ARRAY && cmd->array && cmd->array->lost)
		done.status = -EIO;
	mho_queue_complete(queue, cmd, &done);
}

/* The entry that completion number @head is in, if the device has written it. */
static struct mho_hw_cqe *mho_queue_entry(const struct mho_queue *queue, u32 head)
{
	struct mho_hw_cqe *entry = &queue->cq[head & (mho_queue_size(queue) - 1)];
	u16 phase = head >> queue->order & 1 ? 0 : MHO_HW_CQE_PHASE;

	if ((le16_to_cpu(READ_ONCE(entry->flags)) & MHO_HW_CQE_PHASE) != phase)
		return NULL;
	return entry;
}

/**
 * mho_queue_has_done() - is there anything to reap?
 * @queue: queue that a vector's handler has found in its list
 *
 * Without the lock, so that a handler takes those of queues only that have something for it.
 * Whoever reaps meanwhile may leave @queue->head old for us: its entry is valid, then.
 *
 * Return: true if there may be.
 */
bool mho_queue_has_done(const struct mho_queue *queue)
{
	return mho_queue_entry(queue, READ_ONCE(queue->head));
}

static bool mho_queue_take_next(struct mho_queue *queue)
{
	struct mho_hw_cqe *entry = mho_queue_entry(queue, queue->head);
	struct mho_hw_cqe cqe;

	if (!entry)
		return false;
	dma_rmb();
	cqe = *entry;
	WRITE_ONCE(queue->head, queue->head + 1);
	mho_queue_take(queue, &cqe);
	return true;
}

/* All that there are, but no more than the ring has: a device that is mad does not keep us here. */
static unsigned int mho_queue_drain(struct mho_queue *queue)
{
	unsigned int count = 0;

	while (count < mho_queue_size(queue) && mho_queue_take_next(queue))
		count++;
	return count;
}

/**
 * mho_queue_reap() - take completions
 * @queue: queue; any context
 *
 * Return: number of completions.
 */
unsigned int mho_queue_reap(struct mho_queue *queue)
{
	unsigned int more, count = 0;
	unsigned long flags;
	u32 tail;

	spin_lock_irqsave(&queue->lock, flags);
	mho_group_many_begin(queue);
	while (!queue->lost && count < mho_queue_size(queue)) {
		more = mho_queue_drain(queue);
		if (!more)
			break;
		count += more;
		if (!queue->stopped)
			mho_doorbell_arm(queue);
	}
	mho_group_many_end(queue);
	if (count) {
		queue->last_done = jiffies;
		queue->reaps++;
		queue->reaped += count;
		if (!queue->stopped)
			mho_coalesce_sample(queue, count, queue->cid_head - queue->cid_tail);
		tail = queue->tail;
		mho_queue_fill(queue);
		if (queue->tail != tail)
			mho_queue_ring(queue);
		/* The rest is published with the next commands; this keeps room in the ring. */
		if (!queue->stopped && queue->head - queue->told_head > mho_queue_size(queue) / 2)
			mho_doorbell_head(queue);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return count;
}

static int mho_queue_look(struct mho_queue *queue, struct mho_hw_queue_telemetry *t)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_TELEMETRY,
		.scope = MHO_HW_SCOPE_QUEUE,
		.queue = cpu_to_le16(queue->id),
	};

	return mho_admin_query(queue->mdev, &sqe, t, sizeof(*t), NULL);
}

/* The device has not read what was announced: ring again. */
static bool mho_queue_ring_again(struct mho_queue *queue, const struct mho_hw_queue_telemetry *t)
{
	unsigned int mask = mho_queue_size(queue) - 1;
	unsigned long flags;
	bool again;

	spin_lock_irqsave(&queue->lock, flags);
	again = !queue->stopped && !queue->lost && !t->depth &&
		le16_to_cpu(t->sq_head) != (queue->tail & mask);
	if (again) {
		mho_doorbell_again(queue);
		queue->doorbells_lost++;
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return again;
}

/**
 * mho_queue_slow() - is a queue that a job waits for too long only slow?
 * @queue: queue
 * @timeout: longest time of a command, jiffies
 *
 * Return: true if it makes progress, or if a doorbell was lost and has been rung again.
 */
bool mho_queue_slow(struct mho_queue *queue, unsigned long timeout)
{
	struct mho_hw_queue_telemetry t, u;

	if (READ_ONCE(queue->faulted))
		return false;
	/* A command has all its time from when the one before it was done. */
	if (time_before(jiffies, READ_ONCE(queue->last_done) + timeout))
		return true;
	if (mho_queue_look(queue, &t))
		return false;
	if (le16_to_cpu(t.state) != MHO_HW_QUEUE_RUNNING)
		return false;
	if (mho_queue_ring_again(queue, &t)) {
		msleep(100);
		if (mho_queue_reap(queue))
			return true;
	}
	msleep(50);
	if (mho_queue_look(queue, &u))
		return false;
	return u.vectors != t.vectors || u.commands != t.commands || u.sq_head != t.sq_head;
}

/**
 * mho_queue_stop() - touch the device no more; commands wait
 * @queue: queue
 */
void mho_queue_stop(struct mho_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->stopped = true;
	spin_unlock_irqrestore(&queue->lock, flags);
}

/**
 * mho_queue_cut_off() - sort out what was in flight after the device has dropped it
 * @queue: queue, stopped and reaped
 * @guilty: number of a group: its first command gets @error, its others -ECANCELED; 0 for nobody
 * @error: for the guilty one
 *
 * What can be done again stays and waits for mho_queue_start().
 */
void mho_queue_cut_off(struct mho_queue *queue, u64 guilty, int error)
{
	struct mho_cmd *cmd, *next;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_splice_init(&queue->flying, &queue->waiting);
	list_for_each_entry_safe(cmd, next, &queue->waiting, link) {
		if (guilty && cmd->group->seqno == guilty) {
			mho_queue_end(queue, cmd, error);
			error = -ECANCELED;
		} else if ((cmd->state == MHO_CMD_FLYING && cmd->writes) ||
			   mho_queue_stale(queue, cmd)) {
			mho_queue_end(queue, cmd, -ECANCELED);
		} else {
			cmd->state = MHO_CMD_NEW;
		}
	}
	mho_queue_init_rings(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/**
 * mho_queue_start() - go on after mho_queue_stop()
 * @queue: queue whose rings are empty
 */
void mho_queue_start(struct mho_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->stopped = false;
	queue->last_done = jiffies;
	if (!queue->lost && queue->id) {
		mho_queue_fill(queue);
		mho_queue_ring(queue);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Stops a queue and lets the device drop what it has. */
static int mho_queue_drop(struct mho_queue *queue)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_QUEUE_RESET,
		.queue = cpu_to_le16(queue->id),
	};
	struct mho_hw_cqe cqe;
	int ret;

	lockdep_assert_held(&queue->mdev->admin.lock);
	mho_queue_stop(queue);
	ret = mho_admin_exec(queue->mdev, &sqe, &cqe);
	if (!ret)
		ret = mho_status_errno(le16_to_cpu(cqe.status));
	if (!ret)
		mho_queue_reap(queue);
	trace_mho_queue_reset(queue, ret);
	return ret;
}

/**
 * mho_queue_reset() - reset one queue; the others do not notice
 * @queue: queue that the device has; the admin lock is held
 * @guilty: as for mho_queue_cut_off()
 * @error: likewise
 *
 * Return: 0, or what the device answered: then it has to be reset as a whole.
 */
int mho_queue_reset(struct mho_queue *queue, u64 guilty, int error)
{
	int ret = mho_queue_drop(queue);

	if (ret)
		return ret;
	mho_queue_cut_off(queue, guilty, error);
	mho_queue_start(queue);
	return 0;
}

/**
 * mho_queue_reset_all() - reset one queue; all that is in flight on it ends with -ECANCELED
 * @queue: queue that the device has; the admin lock is held
 *
 * Return: as mho_queue_reset().
 */
int mho_queue_reset_all(struct mho_queue *queue)
{
	int ret = mho_queue_drop(queue);

	if (ret)
		return ret;
	mho_queue_end_all(queue, -ECANCELED);
	mho_queue_cut_off(queue, 0, 0);
	mho_queue_start(queue);
	return 0;
}

/**
 * mho_queue_fail() - end everything that is in flight, and all that comes
 * @queue: queue that the device does not touch
 * @error: how
 */
void mho_queue_fail(struct mho_queue *queue, int error)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->stopped = true;
	queue->lost = error;
	spin_unlock_irqrestore(&queue->lock, flags);
	mho_queue_end_all(queue, error);
}

/**
 * mho_queue_fault() - the device has stopped the queue: no need to wait for a time-out
 * @queue: queue, perhaps one that is on its way out; any context
 */
void mho_queue_fault(struct mho_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (!queue->lost && queue->fault) {
		WRITE_ONCE(queue->faulted, true);
		queue->fault(queue);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
}
