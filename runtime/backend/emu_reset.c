// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Warm reset of the emulated device while programs use it. Here: the device, its
 * context, memory keys and arrays. A queue belongs to one thread, so each is
 * revived by its owner, in emu_queue.c, when it finds that the generation is
 * another one.
 */
#include "backend/emu_dev.h"

static int bring_back(struct emub_dev *dev)
{
	int err;

	err = emub_enable(dev);
	if (!err)
		err = emub_context_create(dev);
	for (struct mrt_link *l = dev->mems.next; l != &dev->mems && !err; l = l->next)
		err = emub_mem_register(dev, mrt_link_entry(l, struct emub_mem, link));
	for (uint32_t i = 0; i < dev->narrays && !err; i++)
		err = emub_array_attach(dev, dev->arrays[i]);
	return err;
}

int emub_reset(struct mrt_bdev *base)
{
	struct emub_dev *dev = emub_dev_of(base);
	int err;

	pthread_mutex_lock(&dev->objects);
	pthread_mutex_lock(&dev->admin.lock);
	/* First: who finds the device stopped from here on must know that it is meant. */
	atomic_fetch_add(&dev->generation, 1);
	err = emub_warm_reset(dev);
	if (!err) {
		emub_admin_clear(dev);
		err = bring_back(dev);
	}
	pthread_mutex_unlock(&dev->admin.lock);
	pthread_mutex_lock(&dev->irq_lock);
	emub_wake_all(dev);
	pthread_mutex_unlock(&dev->irq_lock);
	pthread_mutex_unlock(&dev->objects);
	return err;
}
