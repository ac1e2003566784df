// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * See mho_prepare_table.h. Handles are the lowest that are free, so that the array stays dense.
 */
#include <linux/idr.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "mho_prepare_table.h"

#define MHO_PREPARE_TABLE_MIN 16

static struct mho_prepare_table *mho_prepare_table(struct mho_client *client)
{
	return rcu_dereference_protected(client->prepared, lockdep_is_held(&client->lock));
}

static struct mho_prepared *mho_prepare_at(struct mho_client *client, u32 handle)
{
	struct mho_prepare_table *table = mho_prepare_table(client);

	if (!table || handle >= table->size)
		return NULL;
	return rcu_dereference_protected(table->seqs[handle], lockdep_is_held(&client->lock));
}

static int mho_prepare_grow(struct mho_client *client, u32 handle)
{
	struct mho_prepare_table *old = mho_prepare_table(client), *table;
	u32 i, size;

	if (old && handle < old->size)
		return 0;
	size = max_t(u32, MHO_PREPARE_TABLE_MIN, roundup_pow_of_two(handle + 1));
	table = kvzalloc(struct_size(table, seqs, size), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	table->size = size;
	for (i = 0; old && i < old->size; i++)
		RCU_INIT_POINTER(table->seqs[i], mho_prepare_at(client, i));
	rcu_assign_pointer(client->prepared, table);
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

/**
 * mho_prepare_insert() - give a sequence a handle; from now on it can be found
 * @client: client
 * @seq: sequence
 * @handle: set before the sequence can be found
 *
 * Return: 0, -ENOMEM, -ENOSPC.
 */
int mho_prepare_insert(struct mho_client *client, struct mho_prepared *seq, u32 *handle)
{
	int id, ret;

	mutex_lock(&client->lock);
	id = ida_alloc_min(&client->prepared_ids, 1, GFP_KERNEL_ACCOUNT);
	ret = id < 0 ? id : mho_prepare_grow(client, id);
	if (!ret) {
		*handle = id;
		rcu_assign_pointer(mho_prepare_table(client)->seqs[id], seq);
	} else if (id > 0) {
		ida_free(&client->prepared_ids, id);
	}
	mutex_unlock(&client->lock);
	return ret;
}

/**
 * mho_prepare_remove() - take a sequence's handle away
 * @client: client
 * @handle: handle
 * @only: do so only if it is this sequence's, or NULL
 *
 * Return: the sequence, which is now the caller's; NULL if there is none.
 */
struct mho_prepared *mho_prepare_remove(struct mho_client *client, u32 handle,
					const struct mho_prepared *only)
{
	struct mho_prepared *seq;

	mutex_lock(&client->lock);
	seq = mho_prepare_at(client, handle);
	if (seq && (!only || seq == only)) {
		RCU_INIT_POINTER(mho_prepare_table(client)->seqs[handle], NULL);
		ida_free(&client->prepared_ids, handle);
	} else {
		seq = NULL;
	}
	mutex_unlock(&client->lock);
	return seq;
}
