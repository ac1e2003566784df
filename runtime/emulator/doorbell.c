// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The two wires between host and workers: doorbells (BAR2), which only leave a
 * mark and wake a worker, and interrupts, which are collected here and raised by
 * a worker that holds no lock. What a doorbell means is known to queue.c.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "emulator/emu.h"

static void futex_wake(atomic_uint *word, int n)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

void mho_futex_wait(atomic_uint *word, unsigned int seen, uint64_t timeout_ns)
{
	struct timespec t = { .tv_sec = timeout_ns / 1000000000,
			      .tv_nsec = timeout_ns % 1000000000 };

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, timeout_ns ? &t : NULL, NULL, 0);
}

void mho_notify(struct mho_emu *emu)
{
	atomic_fetch_add(&emu->event, 1);
	if (atomic_load(&emu->sleepers))
		futex_wake(&emu->event, 1);
}

void mho_notify_all(struct mho_emu *emu)
{
	atomic_fetch_add(&emu->event, 1);
	futex_wake(&emu->event, INT_MAX);
}

void mho_notify_manager(struct mho_emu *emu)
{
	atomic_fetch_add(&emu->manager_event, 1);
	futex_wake(&emu->manager_event, 1);
}

void mho_doorbell_write(struct mho_emu *emu, uint64_t offset, uint32_t value)
{
	unsigned int queue = offset / MHO_HW_DB_STRIDE;
	struct mho_doorbell *db;

	if (queue > emu->topo->limits.queues)
		return;
	db = &emu->doorbells[queue];
	switch (offset % MHO_HW_DB_STRIDE) {
	case MHO_HW_DB_SQ_TAIL:
		atomic_store(&db->sq_tail, value);
		break;
	case MHO_HW_DB_CQ_HEAD:
		atomic_store(&db->cq_head, value);
		break;
	default:
		return;
	}
	atomic_fetch_add_explicit(&db->rings, 1, memory_order_relaxed);
	if (!queue) {
		atomic_store(&emu->admin_rung, true);
		mho_notify_manager(emu);
		return;
	}
	atomic_fetch_or(&emu->rung[queue / 64], 1UL << (queue % 64));
	mho_notify(emu);
}

void mho_irq_post(struct mho_emu *emu, unsigned int vector)
{
	atomic_fetch_or(&emu->irqs[vector / 64], 1UL << (vector % 64));
}

void mho_irq_flush(struct mho_emu *emu)
{
	unsigned int i;

	for (i = 0; i < MHO_DOORBELL_WORDS; i++) {
		unsigned long bits;

		if (!atomic_load(&emu->irqs[i]))
			continue;
		pthread_mutex_lock(&emu->irq_lock);
		for (bits = atomic_exchange(&emu->irqs[i], 0); bits; bits &= bits - 1)
			emu->dma.ops->irq(emu->dma.opaque, 64 * i + __builtin_ctzl(bits));
		pthread_mutex_unlock(&emu->irq_lock);
	}
}

void mho_irq_settle(struct mho_emu *emu)
{
	mho_irq_flush(emu);
	pthread_mutex_lock(&emu->irq_lock);
	pthread_mutex_unlock(&emu->irq_lock);
}

void mho_irq_drop(struct mho_emu *emu)
{
	unsigned int i;

	pthread_mutex_lock(&emu->irq_lock);
	for (i = 0; i < MHO_DOORBELL_WORDS; i++)
		atomic_store(&emu->irqs[i], 0);
	pthread_mutex_unlock(&emu->irq_lock);
}
