// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Table of live handles. Looking one up takes no lock; making and taking do.
 */
#include "core/handle.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/dev.h"
#include "core/error.h"

/*
 * A handle: bit 0 set, so that it is no aligned pointer; then the slot; then how often the slot was
 * used before.
 */
#define INDEX_BITS 22
#define USE_SHIFT (INDEX_BITS + 1)
#define CHUNK 1024
#define CHUNKS ((1 << INDEX_BITS) / CHUNK)

struct slot {
	atomic_uintptr_t handle; /* the live one, 0 if none */
	_Atomic(void *) object;
	atomic_int kind;
	uintptr_t owner;
	uintptr_t use; /* of the live handle, or the last one */
	int past; /* kind of that one */
	struct slot *next_free;
	uint32_t index;
};

static struct {
	pthread_mutex_t lock;
	_Atomic(struct slot *) chunks[CHUNKS];
	uint32_t used;
	struct slot *free;
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *const kind_names[] = {
	[MRT_FREE] = "nothing",	   [MRT_DEV] = "device",  [MRT_BUF] = "buffer",
	[MRT_MAT] = "matrix",	   [MRT_QUEUE] = "queue", [MRT_GRAPH] = "graph",
	[MRT_SCHED] = "scheduler",
};

static const char *const kind_verbs[] = {
	[MRT_FREE] = "",	   [MRT_DEV] = "closed",      [MRT_BUF] = "freed",
	[MRT_MAT] = "freed",	   [MRT_QUEUE] = "destroyed", [MRT_GRAPH] = "destroyed",
	[MRT_SCHED] = "destroyed",
};

static struct slot *slot_at(uint32_t index)
{
	struct slot *chunk =
		atomic_load_explicit(&table.chunks[index / CHUNK], memory_order_acquire);

	return chunk ? &chunk[index % CHUNK] : NULL;
}

static struct slot *slot_of(uintptr_t handle)
{
	if (!(handle & 1))
		return NULL;
	return slot_at((handle >> 1) & ((1U << INDEX_BITS) - 1));
}

static struct slot *new_slot(void)
{
	struct slot *slot = table.free, *chunk;
	uint32_t index = table.used;

	if (slot) {
		table.free = slot->next_free;
		return slot;
	}
	if (index == 1U << INDEX_BITS)
		return NULL;
	if (index % CHUNK == 0) {
		chunk = calloc(CHUNK, sizeof(*chunk));
		if (!chunk)
			return NULL;
		for (uint32_t i = 0; i < CHUNK; i++)
			chunk[i].index = index + i;
		atomic_store_explicit(&table.chunks[index / CHUNK], chunk, memory_order_release);
	}
	table.used++;
	return slot_at(index);
}

void *mrt_handle_new(enum mrt_kind kind, void *object, const void *owner)
{
	uintptr_t handle = 0;
	struct slot *slot;

	pthread_mutex_lock(&table.lock);
	slot = new_slot();
	if (slot) {
		slot->use++;
		slot->past = kind;
		slot->owner = (uintptr_t)owner;
		handle = slot->use << USE_SHIFT | (uintptr_t)slot->index << 1 | 1;
		atomic_store_explicit(&slot->object, object, memory_order_relaxed);
		atomic_store_explicit(&slot->kind, kind, memory_order_relaxed);
		atomic_store_explicit(&slot->handle, handle, memory_order_release);
	}
	pthread_mutex_unlock(&table.lock);
	return (void *)handle;
}

static void *look_up(uintptr_t handle, enum mrt_kind kind, struct slot **out)
{
	struct slot *slot = slot_of(handle);

	*out = slot;
	if (!slot || atomic_load_explicit(&slot->handle, memory_order_acquire) != handle ||
	    atomic_load_explicit(&slot->kind, memory_order_relaxed) != (int)kind)
		return NULL;
	return atomic_load_explicit(&slot->object, memory_order_relaxed);
}

/* What is known of a handle that was not found; @owner is its device, 0 if unknown. */
static int past_of(uintptr_t handle, struct slot *slot, uintptr_t *owner)
{
	int past = MRT_FREE;

	*owner = 0;
	if (!slot)
		return past;
	pthread_mutex_lock(&table.lock);
	if (handle >> USE_SHIFT == slot->use) {
		past = slot->past;
		*owner = slot->owner;
	} else if (handle >> USE_SHIFT && handle >> USE_SHIFT < slot->use) {
		/* Its slot has been used again since: what it was is forgotten. */
		past = -1;
	}
	pthread_mutex_unlock(&table.lock);
	return past;
}

static void explain(uintptr_t handle, enum mrt_kind kind, struct slot *slot, const char *what)
{
	const char *name = kind_names[kind];
	struct slot *owner_slot;
	struct mrt_dev *dev;
	uintptr_t owner;
	int past;

	if (!handle) {
		mrt_fail(-EINVAL, "%s: the %s is NULL", what, name);
		return;
	}
	past = past_of(handle, slot, &owner);
	if (past == (int)kind || past < 0)
		mrt_fail(-EINVAL,
			 "%s: this %s was %s before (or its device was closed); the call has no "
			 "effect",
			 what, name, kind_verbs[kind]);
	else if (past == MRT_FREE)
		mrt_fail(-EINVAL, "%s: %p is no %s that libmho gave out", what, (void *)handle,
			 name);
	else
		mrt_fail(-EINVAL, "%s: this is a %s, not a %s", what, kind_names[past], name);
	dev = look_up(owner, MRT_DEV, &owner_slot);
	if (dev)
		mrt_log(&dev->log, MHO_LOG_ERROR, "%s", mho_last_error());
}

void *mrt_handle_get(const void *handle, enum mrt_kind kind, const char *what)
{
	struct slot *slot;
	void *object = look_up((uintptr_t)handle, kind, &slot);

	if (!object)
		explain((uintptr_t)handle, kind, slot, what);
	return object;
}

void *mrt_handle_take(const void *handle, enum mrt_kind kind, const char *what)
{
	struct slot *slot;
	void *object;

	pthread_mutex_lock(&table.lock);
	object = look_up((uintptr_t)handle, kind, &slot);
	if (object) {
		atomic_store_explicit(&slot->handle, 0, memory_order_relaxed);
		slot->next_free = table.free;
		table.free = slot;
	}
	pthread_mutex_unlock(&table.lock);
	if (!object)
		explain((uintptr_t)handle, kind, slot, what);
	return object;
}
