/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A client's prepared sequences by handle: a plain array under RCU, since every run looks one up,
 * and the walk of an xarray would be a tenth of what a run costs. Knows nothing else of them.
 */
#ifndef MHO_PREPARE_TABLE_H
#define MHO_PREPARE_TABLE_H

#include <linux/nospec.h>
#include <linux/rcupdate.h>

#include "mho_client.h"

struct mho_prepared;

/**
 * struct mho_prepare_table - a client's prepared sequences
 * @rcu: frees it after a larger one has taken its place
 * @size: handles it has room for, from 0, which is never used
 * @seqs: by handle, or NULL; written under &mho_client.lock
 */
struct mho_prepare_table {
	struct rcu_head rcu;
	u32 size;
	struct mho_prepared __rcu *seqs[] __counted_by(size);
};

/**
 * mho_prepare_find() - look a sequence up; under RCU
 * @client: client
 * @handle: from the program
 *
 * Return: the sequence, which may be on its way out; NULL if there is none.
 */
static inline struct mho_prepared *mho_prepare_find(struct mho_client *client, u32 handle)
{
	struct mho_prepare_table *table = rcu_dereference(client->prepared);

	if (!table || handle >= table->size)
		return NULL;
	return rcu_dereference(table->seqs[array_index_nospec(handle, table->size)]);
}

int mho_prepare_insert(struct mho_client *client, struct mho_prepared *seq, u32 *handle);
struct mho_prepared *mho_prepare_remove(struct mho_client *client, u32 handle,
					const struct mho_prepared *only);

#endif
