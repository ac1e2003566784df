/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Doubly linked lists whose nodes lie in the objects. A node that is in no list
 * points at itself.
 */
#ifndef MHO_EMU_LIST_H
#define MHO_EMU_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct mho_list {
	struct mho_list *prev;
	struct mho_list *next;
};

#define mho_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void mho_list_init(struct mho_list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool mho_list_empty(const struct mho_list *l)
{
	return l->next == l;
}

static inline void mho_list_add_tail(struct mho_list *head, struct mho_list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void mho_list_add(struct mho_list *head, struct mho_list *node)
{
	mho_list_add_tail(head->next, node);
}

static inline void mho_list_del(struct mho_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	mho_list_init(node);
}

#endif
