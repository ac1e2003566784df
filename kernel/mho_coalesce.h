/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * How long the device may keep a queue's interrupts back.
 */
#ifndef MHO_COALESCE_H
#define MHO_COALESCE_H

#include <linux/ktime.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct mho_hw_queue_create;
struct mho_queue;

/**
 * struct mho_coalesce - how long a queue's interrupts are kept back, and what is known for that
 * @work: tells the device
 * @count: completions that the device waits for, 1 for no delay; under the admin lock
 * @us: and how long, likewise
 * @changes: times that the device was told, likewise
 * @wanted: @count as it is to be; this and what follows under the queue's lock
 * @changed: jiffies of that
 * @begin: time of the first sample
 * @samples: times that completions were found
 * @done: completions
 * @depth: sum of the commands in flight at each
 * @alone: latest samples with one command in flight
 */
struct mho_coalesce {
	struct work_struct work;
	u16 count;
	u16 us;
	u64 changes;
	u16 wanted;
	unsigned long changed;
	ktime_t begin;
	u32 samples;
	u32 done;
	u32 depth;
	u32 alone;
};

void mho_coalesce_init(struct mho_queue *queue);
void mho_coalesce_fini(struct mho_queue *queue);
void mho_coalesce_set(struct mho_queue *queue, struct mho_hw_queue_create *create);
void mho_coalesce_sample(struct mho_queue *queue, unsigned int done, unsigned int left);

#endif
