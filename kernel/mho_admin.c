// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * The admin queue: one command after the other, each waited for. What the commands mean is their
 * senders' business.
 */
#include <linux/dma-mapping.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "mho_device.h"
#include "mho_trace.h"

/* Before IDENTIFY has told the device's own limit. */
#define MHO_ADMIN_TIMEOUT_MS 5000

static unsigned int mho_admin_size(void)
{
	return 1U << MHO_ADMIN_ORDER;
}

/**
 * mho_admin_init() - make the memory of the admin queue
 * @mdev: device
 *
 * Return: 0 or -ENOMEM.
 */
int mho_admin_init(struct mho_device *mdev)
{
	struct mho_admin *admin = &mdev->admin;
	struct device *dev = &mdev->pdev->dev;

	init_completion(&admin->irq);
	admin->dead = true;
	admin->sq = dma_alloc_coherent(dev, PAGE_ALIGN(mho_admin_size() * MHO_HW_SQE_SIZE),
				       &admin->sq_dma, GFP_KERNEL);
	admin->cq = dma_alloc_coherent(dev, PAGE_ALIGN(mho_admin_size() * MHO_HW_CQE_SIZE),
				       &admin->cq_dma, GFP_KERNEL);
	admin->data = dma_alloc_coherent(dev, MHO_ADMIN_DATA, &admin->data_dma, GFP_KERNEL);
	if (!admin->sq || !admin->cq || !admin->data) {
		mho_admin_fini(mdev);
		return -ENOMEM;
	}
	return 0;
}

/**
 * mho_admin_fini() - give the memory back; the device is stopped
 * @mdev: device
 */
void mho_admin_fini(struct mho_device *mdev)
{
	struct mho_admin *admin = &mdev->admin;
	struct device *dev = &mdev->pdev->dev;

	if (admin->data)
		dma_free_coherent(dev, MHO_ADMIN_DATA, admin->data, admin->data_dma);
	if (admin->cq)
		dma_free_coherent(dev, PAGE_ALIGN(mho_admin_size() * MHO_HW_CQE_SIZE), admin->cq,
				  admin->cq_dma);
	if (admin->sq)
		dma_free_coherent(dev, PAGE_ALIGN(mho_admin_size() * MHO_HW_SQE_SIZE), admin->sq,
				  admin->sq_dma);
	admin->data = NULL;
	admin->cq = NULL;
	admin->sq = NULL;
}

/**
 * mho_admin_enable() - hand the rings to a device that has booted
 * @mdev: device in BOOTED; the admin lock is held, or nobody else is there
 *
 * The caller waits for READY.
 */
void mho_admin_enable(struct mho_device *mdev)
{
	struct mho_admin *admin = &mdev->admin;

	memset(admin->sq, 0, mho_admin_size() * MHO_HW_SQE_SIZE);
	memset(admin->cq, 0, mho_admin_size() * MHO_HW_CQE_SIZE);
	admin->tail = 0;
	admin->head = 0;
	admin->phase = MHO_HW_CQE_PHASE;
	mho_write(mdev, MHO_HW_REG_ASQ_LO, lower_32_bits(admin->sq_dma));
	mho_write(mdev, MHO_HW_REG_ASQ_HI, upper_32_bits(admin->sq_dma));
	mho_write(mdev, MHO_HW_REG_ACQ_LO, lower_32_bits(admin->cq_dma));
	mho_write(mdev, MHO_HW_REG_ACQ_HI, upper_32_bits(admin->cq_dma));
	mho_write(mdev, MHO_HW_REG_AQ_ORDER, MHO_ADMIN_ORDER);
	mho_write(mdev, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_ENABLE);
	admin->dead = false;
}

/* Takes completions until the wanted one; others are of commands that were given up. */
static bool mho_admin_poll(struct mho_device *mdev, u16 cid, struct mho_hw_cqe *cqe)
{
	struct mho_admin *admin = &mdev->admin;
	bool found = false;

	while (!found) {
		struct mho_hw_cqe *entry = &admin->cq[admin->head];

		if ((le16_to_cpu(READ_ONCE(entry->flags)) & MHO_HW_CQE_PHASE) != admin->phase)
			break;
		dma_rmb();
		*cqe = *entry;
		found = le16_to_cpu(cqe->cid) == cid;
		admin->head = (admin->head + 1) % mho_admin_size();
		if (!admin->head)
			admin->phase ^= MHO_HW_CQE_PHASE;
		mho_ring(mdev, 0, MHO_HW_DB_CQ_HEAD, admin->head);
		if (!found)
			atomic_inc(&mdev->bad_cqes);
	}
	return found;
}

/* Gone, or stopped by a fault: no answer will come. */
static bool mho_admin_hopeless(struct mho_device *mdev)
{
	u32 status = mho_read(mdev, MHO_HW_REG_STATUS);

	return status == U32_MAX || (status & MHO_HW_STATUS_FATAL);
}

static bool mho_admin_wait(struct mho_device *mdev, u16 cid, struct mho_hw_cqe *cqe)
{
	unsigned int ms = mdev->limits.admin_ms ?: MHO_ADMIN_TIMEOUT_MS;
	unsigned long end = jiffies + msecs_to_jiffies(ms);

	for (;;) {
		unsigned long now = jiffies;

		if (mho_admin_poll(mdev, cid, cqe))
			return true;
		if (time_after_eq(now, end) || mho_admin_hopeless(mdev))
			return mho_admin_poll(mdev, cid, cqe);
		/* A look now and then, in case that an interrupt is lost. */
		if (!wait_for_completion_timeout(&mdev->admin.irq,
						 min(end - now, msecs_to_jiffies(500))) &&
		    mho_admin_poll(mdev, cid, cqe)) {
			atomic_inc(&mdev->lost_irqs);
			return true;
		}
	}
}

/**
 * mho_admin_exec() - send a command and wait for its completion
 * @mdev: device; the admin lock is held
 * @sqe: command; its cid is filled in
 * @cqe: its completion
 *
 * Return: 0 if the device answered, whatever the answer; -EIO if it is out of order, -ENODEV if it
 * is gone, -ETIMEDOUT if it did not answer: then it needs a reset, and takes no commands before.
 */
int mho_admin_exec(struct mho_device *mdev, struct mho_hw_admin_sqe *sqe, struct mho_hw_cqe *cqe)
{
	struct mho_admin *admin = &mdev->admin;
	int ret = 0;

	lockdep_assert_held(&admin->lock);
	if (admin->dead)
		return drm_dev_is_unplugged(&mdev->drm) ? -ENODEV : -EIO;
	reinit_completion(&admin->irq);
	sqe->cid = cpu_to_le16(++admin->cid);
	trace_mho_admin_begin(mdev, sqe);
	admin->sq[admin->tail] = *sqe;
	admin->tail = (admin->tail + 1) % mho_admin_size();
	dma_wmb();
	mho_ring(mdev, 0, MHO_HW_DB_SQ_TAIL, admin->tail);
	if (!mho_admin_wait(mdev, admin->cid, cqe)) {
		admin->dead = true;
		ret = mho_gone(mdev) ? -ENODEV : -ETIMEDOUT;
	}
	trace_mho_admin_end(mdev, sqe, ret, cqe);
	if (ret == -ETIMEDOUT)
		drm_err_ratelimited(&mdev->drm, "admin command %#x: no answer\n", sqe->opcode);
	return ret;
}

/**
 * mho_admin_run() - the same, with the answer as an errno; asks for a reset if there is none
 * @mdev: device; the admin lock is held
 * @sqe: command
 * @cqe: its completion, or NULL
 *
 * Return: 0 or -errno, see mho_status_errno().
 */
int mho_admin_run(struct mho_device *mdev, struct mho_hw_admin_sqe *sqe, struct mho_hw_cqe *cqe)
{
	struct mho_hw_cqe answer;
	int ret;

	ret = mho_admin_exec(mdev, sqe, &answer);
	if (ret == -ETIMEDOUT)
		mho_reset_schedule(mdev);
	if (ret)
		return ret;
	if (cqe)
		*cqe = answer;
	ret = mho_status_errno(le16_to_cpu(answer.status));
	if (ret)
		drm_dbg(&mdev->drm, "admin command %#x: %s (detail %u)\n", sqe->opcode,
			mho_hw_status_text(le16_to_cpu(answer.status)),
			le32_to_cpu(answer.detail));
	return ret;
}

/**
 * mho_admin_query() - a command that answers through a buffer; takes the admin lock
 * @mdev: device
 * @sqe: command
 * @answer: where the answer goes
 * @size: its bytes, at most MHO_ADMIN_DATA
 * @cqe: completion, or NULL
 *
 * Return: as mho_admin_run().
 */
int mho_admin_query(struct mho_device *mdev, struct mho_hw_admin_sqe *sqe, void *answer,
		    size_t size, struct mho_hw_cqe *cqe)
{
	int ret;

	if (WARN_ON(size > MHO_ADMIN_DATA))
		return -EINVAL;
	mutex_lock(&mdev->admin.lock);
	sqe->data = cpu_to_le64(mdev->admin.data_dma);
	sqe->length = cpu_to_le32(size);
	memset(mdev->admin.data, 0, size);
	ret = mho_admin_run(mdev, sqe, cqe);
	if (!ret)
		memcpy(answer, mdev->admin.data, size);
	mutex_unlock(&mdev->admin.lock);
	return ret;
}

/**
 * mho_admin_send() - a command with a request in a buffer
 * @mdev: device; the admin lock is held
 * @sqe: command
 * @request: request
 * @size: its bytes, at most MHO_ADMIN_DATA
 * @cqe: completion, or NULL
 *
 * Return: as mho_admin_run().
 */
int mho_admin_send(struct mho_device *mdev, struct mho_hw_admin_sqe *sqe, const void *request,
		   size_t size, struct mho_hw_cqe *cqe)
{
	if (WARN_ON(size > MHO_ADMIN_DATA))
		return -EINVAL;
	lockdep_assert_held(&mdev->admin.lock);
	memcpy(mdev->admin.data, request, size);
	sqe->data = cpu_to_le64(mdev->admin.data_dma);
	sqe->length = cpu_to_le32(size);
	return mho_admin_run(mdev, sqe, cqe);
}

/**
 * mho_status_errno() - what a status is as an errno
 * @status: of a completion
 *
 * Return: 0 or -errno; an unknown status has the errno of its class.
 */
int mho_status_errno(u16 status)
{
	switch (status) {
	case MHO_HW_ST_OK:
		return 0;
	case MHO_HW_ST_UNSUPPORTED:
		return -EOPNOTSUPP;
	case MHO_HW_ST_BAD_KEY:
	case MHO_HW_ST_BAD_ARRAY:
	case MHO_HW_ST_BAD_CONTEXT:
	case MHO_HW_ST_BAD_QUEUE:
	case MHO_HW_ST_NOT_FOUND:
		return -ENOENT;
	case MHO_HW_ST_DMA_FAULT:
		return -EIO;
	case MHO_HW_ST_EXISTS:
		return -EEXIST;
	case MHO_HW_ST_NO_TILES:
	case MHO_HW_ST_NO_RESOURCE:
		return -ENOSPC;
	case MHO_HW_ST_BUSY:
	case MHO_HW_ST_NOT_OWNER:
		return -EBUSY;
	case MHO_HW_ST_NOT_FINITE:
		return -EDOM;
	case MHO_HW_ST_ABORTED:
		return -ECANCELED;
	case MHO_HW_ST_TIMEOUT:
		return -ETIME;
	}
	switch (status >> 8) {
	case 0x01:
	case 0x02:
		return -EINVAL;
	case 0x03:
		return -ENOSPC;
	default:
		return -EIO;
	}
}
