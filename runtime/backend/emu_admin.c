// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The admin queue: one command at a time, its data through one buffer, its
 * completion awaited by interrupt.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/emu_dev.h"
#include "emulator/mho_emu.h"

#define ENTRIES (1U << EMUB_ADMIN_ORDER)
#define DATA_MIN 65536
/* How often the device's state is looked at while a command takes its time. */
#define LOOK_NS 100000000ULL

int emub_admin_init(struct emub_dev *dev)
{
	struct emub_admin *a = &dev->admin;
	size_t sq = MHO_HW_RING_ALIGN; /* more than ENTRIES entries need */
	pthread_mutexattr_t attr;
	int err;

	_Static_assert(ENTRIES * sizeof(struct mho_hw_admin_sqe) <= MHO_HW_RING_ALIGN,
		       "admin ring");
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&a->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	err = emub_region_alloc(&dev->dma, sq + MHO_HW_RING_ALIGN, true, &a->rings);
	if (!err)
		err = emub_region_alloc(&dev->dma, DATA_MIN, true, &a->data);
	if (err)
		return err;
	a->sq = a->rings.ptr;
	a->cq = (struct mho_hw_cqe *)((char *)a->rings.ptr + sq);
	return 0;
}

void emub_admin_exit(struct emub_dev *dev)
{
	emub_region_free(&dev->dma, &dev->admin.rings);
	emub_region_free(&dev->dma, &dev->admin.data);
	pthread_mutex_destroy(&dev->admin.lock);
}

void emub_admin_clear(struct emub_dev *dev)
{
	struct emub_admin *a = &dev->admin;

	memset(a->rings.ptr, 0, a->rings.size);
	a->tail = 0;
	a->head = 0;
}

static int ready_data(struct emub_dev *dev, uint32_t len)
{
	struct emub_region old = dev->admin.data;
	int err;

	if (len <= old.size)
		return 0;
	err = emub_region_alloc(&dev->dma, len, true, &dev->admin.data);
	if (err)
		dev->admin.data = old;
	else
		emub_region_free(&dev->dma, &old);
	return err;
}

static bool completed(const struct emub_admin *a)
{
	const struct mho_hw_cqe *cqe = &a->cq[a->head % ENTRIES];
	uint16_t flags = mho_le16_to_cpu(__atomic_load_n(&cqe->flags, __ATOMIC_ACQUIRE));

	return (flags & MHO_HW_CQE_PHASE) != (a->head / ENTRIES % 2);
}

/* Sleeps until an interrupt on vector 0 that came after number @seen, or LOOK_NS have passed. */
static void sleep_for_irq(struct emub_dev *dev, unsigned int seen)
{
	uint64_t until = mrt_now_ns() + LOOK_NS;
	struct timespec ts = { .tv_sec = until / 1000000000, .tv_nsec = until % 1000000000 };

	pthread_mutex_lock(&dev->irq_lock);
	while (atomic_load(&dev->irqs) == seen)
		if (pthread_cond_timedwait(&dev->irq_cond, &dev->irq_lock, &ts))
			break;
	pthread_mutex_unlock(&dev->irq_lock);
}

/* Masked causes are nobody's; a fault or a change of state concerns all queues. */
static void acknowledge(struct emub_dev *dev)
{
	uint32_t cause = emub_read(dev, MHO_HW_REG_IRQ_CAUSE);

	if (!cause)
		return;
	emub_write(dev, MHO_HW_REG_IRQ_CAUSE, cause);
	if (!(cause & (MHO_HW_IRQ_FAULT | MHO_HW_IRQ_STATE)))
		return;
	pthread_mutex_lock(&dev->irq_lock);
	emub_wake_all(dev);
	pthread_mutex_unlock(&dev->irq_lock);
}

static int await(struct emub_dev *dev)
{
	uint64_t begin = mrt_now_ns(), limit = dev->id.admin_timeout_ms * 1000000ULL;
	int err;

	for (;;) {
		unsigned int seen = atomic_load(&dev->irqs);

		if (completed(&dev->admin))
			return 0;
		sleep_for_irq(dev, seen);
		if (completed(&dev->admin))
			return 0;
		acknowledge(dev);
		err = emub_health(dev, 0);
		if (err)
			return err;
		if (limit && mrt_now_ns() - begin > limit)
			return mrt_fail(
				-ETIMEDOUT,
				"the device did not complete an admin command within %u ms; "
				"mho_reset() starts it again",
				dev->id.admin_timeout_ms);
	}
}

static int execute(struct emub_dev *dev, struct mho_hw_admin_sqe *sqe, struct mho_hw_cqe *cqe)
{
	struct emub_admin *a = &dev->admin;
	int err;

	/* One that has stopped takes no doorbell: nothing would ever complete. */
	err = emub_health(dev, 0);
	if (err)
		return err;
	sqe->cid = mho_cpu_to_le16(++a->cid);
	a->sq[a->tail % ENTRIES] = *sqe;
	a->tail++;
	/* Like writel(), this write comes after those above. */
	mho_emu_write(dev->emu, MHO_HW_BAR_DOORBELL, MHO_HW_DB_OFFSET(0, MHO_HW_DB_SQ_TAIL),
		      a->tail % ENTRIES, 4);
	err = await(dev);
	if (err)
		return err;
	*cqe = a->cq[a->head % ENTRIES];
	a->head++;
	mho_emu_write(dev->emu, MHO_HW_BAR_DOORBELL, MHO_HW_DB_OFFSET(0, MHO_HW_DB_CQ_HEAD),
		      a->head % ENTRIES, 4);
	acknowledge(dev);
	if (mho_le16_to_cpu(cqe->cid) != a->cid)
		return mrt_fail(-EIO,
				"the device completed admin command %u, which it was not given",
				mho_le16_to_cpu(cqe->cid));
	return mho_le16_to_cpu(cqe->status);
}

int emub_admin(struct emub_dev *dev, struct mho_hw_admin_sqe *sqe, const void *in, void *out,
	       uint32_t len, struct mho_hw_cqe *cqe)
{
	struct emub_admin *a = &dev->admin;
	int ret;

	memset(cqe, 0, sizeof(*cqe));
	pthread_mutex_lock(&a->lock);
	ret = ready_data(dev, len);
	if (!ret) {
		atomic_store(&a->active, true);
		if (len) {
			sqe->data = mho_cpu_to_le64(a->data.bus);
			sqe->length = mho_cpu_to_le32(len);
		}
		if (in)
			memcpy(a->data.ptr, in, len);
		ret = execute(dev, sqe, cqe);
		if (out && !ret)
			memcpy(out, a->data.ptr, len);
		atomic_store(&a->active, false);
	}
	pthread_mutex_unlock(&a->lock);
	return ret;
}

int emub_admin_fail(int ret, const struct mho_hw_cqe *cqe, const char *what)
{
	char old[512];

	if (ret > 0)
		return mrt_fail(mrt_status_errno((unsigned int)ret),
				"%s: the device answered: %s (%s, detail %u)", what,
				mho_hw_status_text((unsigned int)ret),
				mho_hw_status_name((unsigned int)ret),
				mho_le32_to_cpu(cqe->detail));
	snprintf(old, sizeof(old), "%s", mho_last_error());
	return mrt_fail(ret, "%s: %s", what, old);
}
