/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * How driver and device tell each other where they are in a queue's rings. For mho_queue.c only.
 */
#ifndef MHO_DOORBELL_H
#define MHO_DOORBELL_H

struct mho_queue;

int mho_doorbell_alloc(struct mho_queue *queue);
void mho_doorbell_free(struct mho_queue *queue);
void mho_doorbell_clear(struct mho_queue *queue);
void mho_doorbell_head(struct mho_queue *queue);
void mho_doorbell_tail(struct mho_queue *queue);
void mho_doorbell_again(struct mho_queue *queue);
void mho_doorbell_arm(struct mho_queue *queue);

#endif
