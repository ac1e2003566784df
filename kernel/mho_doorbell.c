// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * How driver and device tell each other where they are in a queue's rings: doorbells, or, where the
 * device has them, shadow doorbells in memory, with event numbers that say when a doorbell or an
 * interrupt is needed at all (docs/hardware.md, section 8). What is in the rings is not known here.
 *
 * Under the queue's lock, while the queue is not stopped.
 */
#include <linux/dma-mapping.h>
#include <linux/moduleparam.h>

#include "mho_device.h"
#include "mho_doorbell.h"
#include "mho_queue.h"

static bool shadow = true;
module_param(shadow, bool, 0644);
MODULE_PARM_DESC(shadow, "shadow doorbells for new contexts, where the device has them (default: Y)");

static struct device *mho_doorbell_dev(const struct mho_queue *queue)
{
	return &queue->mdev->pdev->dev;
}

/**
 * mho_doorbell_alloc() - make the shadow of a queue, if it is to have one
 * @queue: queue
 *
 * Return: 0 or -ENOMEM.
 */
int mho_doorbell_alloc(struct mho_queue *queue)
{
	if (!READ_ONCE(shadow) || !(queue->mdev->limits.features & MHO_HW_CAP_SHADOW))
		return 0;
	queue->shadow = dma_alloc_coherent(mho_doorbell_dev(queue), PAGE_SIZE, &queue->shadow_dma,
					   GFP_KERNEL);
	return queue->shadow ? 0 : -ENOMEM;
}

/**
 * mho_doorbell_free() - give the shadow back
 * @queue: queue that the device has no more
 */
void mho_doorbell_free(struct mho_queue *queue)
{
	if (queue->shadow)
		dma_free_coherent(mho_doorbell_dev(queue), PAGE_SIZE, queue->shadow,
				  queue->shadow_dma);
	queue->shadow = NULL;
}

/**
 * mho_doorbell_clear() - both sides begin with number 0
 * @queue: queue whose rings are empty, and that the device does not look at
 *
 * So the first command rings, and the first completion interrupts.
 */
void mho_doorbell_clear(struct mho_queue *queue)
{
	queue->told_tail = 0;
	queue->told_head = 0;
	if (queue->shadow)
		memset(queue->shadow, 0, sizeof(*queue->shadow));
}

static void mho_doorbell_write(struct mho_queue *queue, u32 which, u32 number)
{
	queue->doorbells++;
	mho_ring(queue->mdev, queue->id, which, number & (mho_queue_size(queue) - 1));
}

/* Does who goes from @old to @new pass @event? All of them wrap. */
static bool mho_doorbell_passes(u32 event, u32 old, u32 new)
{
	return new - event - 1 < new - old;
}

static bool mho_doorbell_wanted(struct mho_queue *queue, u32 old, u32 new)
{
	struct mho_hw_shadow *s = queue->shadow;

	WRITE_ONCE(s->sq_tail, cpu_to_le32(new));
	/*
	 * The device writes sq_event and then looks at sq_tail before it sleeps. With both in order
	 * here, too, it sees the tail, or we see that it wants to be rung.
	 */
	mb();
	return mho_doorbell_passes(le32_to_cpu(READ_ONCE(s->sq_event)), old, new);
}

/**
 * mho_doorbell_head() - tell the device which completions have been consumed
 * @queue: queue
 *
 * With a shadow that needs no doorbell: there are never more commands in flight than the completion
 * ring has room for, so the device does not wait for it.
 */
void mho_doorbell_head(struct mho_queue *queue)
{
	if (queue->told_head == queue->head)
		return;
	queue->told_head = queue->head;
	if (queue->shadow)
		WRITE_ONCE(queue->shadow->cq_head, cpu_to_le32(queue->head));
	else
		mho_doorbell_write(queue, MHO_HW_DB_CQ_HEAD, queue->head);
}

/**
 * mho_doorbell_tail() - tell the device of all commands that have been written
 * @queue: queue
 */
void mho_doorbell_tail(struct mho_queue *queue)
{
	u32 old = queue->told_tail;

	/* The room that the commands need comes before them. */
	mho_doorbell_head(queue);
	queue->told_tail = queue->tail;
	/* Neither may be seen before the commands are. */
	dma_wmb();
	if (!queue->shadow || mho_doorbell_wanted(queue, old, queue->tail))
		mho_doorbell_write(queue, MHO_HW_DB_SQ_TAIL, queue->tail);
}

/**
 * mho_doorbell_again() - a doorbell may have been lost
 * @queue: queue
 */
void mho_doorbell_again(struct mho_queue *queue)
{
	mho_doorbell_head(queue);
	mho_doorbell_write(queue, MHO_HW_DB_CQ_HEAD, queue->head);
	mho_doorbell_write(queue, MHO_HW_DB_SQ_TAIL, queue->tail);
}

/**
 * mho_doorbell_arm() - ask for an interrupt with the next completion
 * @queue: queue, all of whose completions have been consumed
 *
 * Whoever calls this looks for completions once more before it relies on the interrupt.
 */
void mho_doorbell_arm(struct mho_queue *queue)
{
	struct mho_hw_shadow *s = queue->shadow;

	if (!s)
		return;
	mho_doorbell_head(queue);
	WRITE_ONCE(s->cq_event, cpu_to_le32(queue->head));
	/* The device writes a completion and then looks at cq_event: the other way round here. */
	mb();
}
