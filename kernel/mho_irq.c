// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * Interrupt vectors: vector 0 for the admin queue, faults and the state of the device, the others
 * for queues. A handler drains rings and never counts interrupts, which may merge or be lost.
 */
#include <linux/cpumask.h>
#include <linux/dma-fence.h>
#include <linux/interrupt.h>
#include <linux/rculist.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "mho_device.h"
#include "mho_queue.h"
#include "mho_trace.h"

static unsigned int mho_irq_reap(struct mho_vector *vector)
{
	struct mho_queue *queue;
	unsigned int done = 0;
	bool cookie;

	trace_mho_irq_begin(vector->mdev, vector->index);
	cookie = dma_fence_begin_signalling();
	rcu_read_lock();
	list_for_each_entry_rcu(queue, &vector->queues, link)
		if (mho_queue_has_done(queue))
			done += mho_queue_reap(queue);
	rcu_read_unlock();
	dma_fence_end_signalling(cookie);
	trace_mho_irq_end(vector->mdev, vector->index, done);
	return done;
}

/* A queue that the device has stopped need not wait for its time-out. */
static void mho_irq_fault(struct mho_device *mdev, u32 fault)
{
	struct mho_queue *queue;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < mdev->vector_count; i++)
		list_for_each_entry_rcu(queue, &mdev->vectors[i].queues, link)
			if (READ_ONCE(queue->id) == fault >> 16)
				mho_queue_fault(queue);
	rcu_read_unlock();
	drm_err_ratelimited(&mdev->drm, "fault on queue %u: %s\n", fault >> 16,
			    mho_hw_status_text(fault & 0xffff));
}

static irqreturn_t mho_irq_main(int irq, void *data)
{
	struct mho_vector *vector = data;
	struct mho_device *mdev = vector->mdev;
	irqreturn_t handled = IRQ_NONE;
	u32 cause, fault;

	if (!READ_ONCE(mdev->irq_ready))
		return IRQ_NONE;
	cause = mho_read(mdev, MHO_HW_REG_IRQ_CAUSE);
	if (cause == U32_MAX)
		return IRQ_NONE;
	if (cause) {
		fault = mho_read(mdev, MHO_HW_REG_FAULT);
		mho_write(mdev, MHO_HW_REG_IRQ_CAUSE, cause);
		if (cause & MHO_HW_IRQ_FAULT)
			mho_irq_fault(mdev, fault);
		if (cause & MHO_HW_IRQ_ADMIN)
			complete(&mdev->admin.irq);
		if ((cause & (MHO_HW_IRQ_STATE | MHO_HW_IRQ_FAULT)) &&
		    (mho_read(mdev, MHO_HW_REG_STATUS) & MHO_HW_STATUS_FATAL)) {
			complete(&mdev->admin.irq);
			mho_reset_schedule(mdev);
		}
		if (cause & MHO_HW_IRQ_THERMAL)
			dev_warn_ratelimited(mdev->drm.dev, "temperature: %d mC\n",
					     (s32)mho_read(mdev, MHO_HW_REG_TEMPERATURE));
		handled = IRQ_HANDLED;
	}
	if (mho_irq_reap(vector))
		handled = IRQ_HANDLED;
	return handled;
}

static irqreturn_t mho_irq_queue(int irq, void *data)
{
	struct mho_vector *vector = data;

	return mho_irq_reap(vector) ? IRQ_HANDLED : IRQ_NONE;
}

/**
 * mho_irq_init() - take interrupt vectors: MSI-X, or MSI where there is none
 * @mdev: device
 *
 * Return: 0 or -errno.
 */
int mho_irq_init(struct mho_device *mdev)
{
	unsigned int wanted = mho_read(mdev, MHO_HW_REG_CAP_VECTORS);
	struct mho_vector *vector;
	unsigned int i;
	int count, ret;

	wanted = clamp(wanted, 1U, min(num_online_cpus() + 1, 32U));
	count = pci_alloc_irq_vectors(mdev->pdev, 1, wanted, PCI_IRQ_MSIX | PCI_IRQ_MSI);
	if (count < 0)
		return count;
	mdev->vectors = kcalloc(count, sizeof(*mdev->vectors), GFP_KERNEL);
	if (!mdev->vectors) {
		pci_free_irq_vectors(mdev->pdev);
		return -ENOMEM;
	}
	for (i = 0; i < count; i++) {
		vector = &mdev->vectors[i];
		vector->mdev = mdev;
		vector->index = i;
		INIT_LIST_HEAD(&vector->queues);
		ret = request_irq(pci_irq_vector(mdev->pdev, i), i ? mho_irq_queue : mho_irq_main,
				  0, "mho", vector);
		if (ret) {
			mho_irq_fini(mdev);
			return ret;
		}
		mdev->vector_count = i + 1;
	}
	return 0;
}

/**
 * mho_irq_fini() - give the vectors back; queues are off them
 * @mdev: device
 */
void mho_irq_fini(struct mho_device *mdev)
{
	while (mdev->vector_count) {
		mdev->vector_count--;
		free_irq(pci_irq_vector(mdev->pdev, mdev->vector_count),
			 &mdev->vectors[mdev->vector_count]);
	}
	pci_free_irq_vectors(mdev->pdev);
	kfree(mdev->vectors);
	mdev->vectors = NULL;
}

/**
 * mho_irq_unmask() - let the device send what vector 0 handles
 * @mdev: device
 */
void mho_irq_unmask(struct mho_device *mdev)
{
	WRITE_ONCE(mdev->irq_ready, true);
	mho_write(mdev, MHO_HW_REG_IRQ_MASK, MHO_HW_IRQ_LOG);
}

/**
 * mho_irq_sync() - wait for handlers that run
 * @mdev: device
 */
void mho_irq_sync(struct mho_device *mdev)
{
	unsigned int i;

	for (i = 0; i < mdev->vector_count; i++)
		synchronize_irq(pci_irq_vector(mdev->pdev, i));
}
