/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Doubly linked list of what belongs to a device.
 */
#ifndef MHO_CORE_LIST_H
#define MHO_CORE_LIST_H

#include <stddef.h>

struct mrt_link {
	struct mrt_link *next;
	struct mrt_link *prev;
};

#define mrt_link_entry(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void mrt_link_init(struct mrt_link *head)
{
	head->next = head;
	head->prev = head;
}

static inline int mrt_link_empty(const struct mrt_link *head)
{
	return head->next == head;
}

static inline void mrt_link_add(struct mrt_link *head, struct mrt_link *link)
{
	link->next = head;
	link->prev = head->prev;
	head->prev->next = link;
	head->prev = link;
}

static inline void mrt_link_del(struct mrt_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	mrt_link_init(link);
}

#endif
