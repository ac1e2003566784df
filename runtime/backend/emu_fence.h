/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Fences of an emulated queue: eventfds, each with the completion that makes it
 * readable. Who counts completions, and holds the lock, is emu_queue.c.
 */
#ifndef MHO_BACKEND_EMU_FENCE_H
#define MHO_BACKEND_EMU_FENCE_H

#include <stdatomic.h>
#include <stdint.h>

struct emub_fence;

/**
 * struct emub_fences - those that are not signalled
 * @n: how many
 * @first: oldest one
 * @last: latest one
 */
struct emub_fences {
	atomic_uint n;
	struct emub_fence *first;
	struct emub_fence *last;
};

/* A fence of @number completions. 0 and a descriptor for the program, or -errno and the error set. */
int emub_fence_add(struct emub_fences *fences, uint32_t number, int *fd);

/* Signals those of at most @number completions. */
void emub_fence_signal(struct emub_fences *fences, uint32_t number);
void emub_fence_signal_all(struct emub_fences *fences);

/* What the oldest one waits for; there is one. */
uint32_t emub_fence_next(const struct emub_fences *fences);

#endif
