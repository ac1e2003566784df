// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Contexts, and the memory keys that belong to them. A key's number holds its
 * slot in the low half and a running count of registrations in the high half, so
 * that a stale number names nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/objects.h"

bool mho_context_exists(const struct mho_emu *emu, uint16_t context)
{
	return context && emu->contexts[context / 64] >> (context % 64) & 1;
}

enum mho_hw_status mho_context_create(struct mho_emu *emu, uint16_t context)
{
	if (mho_context_exists(emu, context))
		return MHO_HW_ST_EXISTS;
	if (emu->n_contexts >= emu->topo->limits.contexts)
		return MHO_HW_ST_NO_RESOURCE;
	emu->contexts[context / 64] |= 1ULL << (context % 64);
	emu->n_contexts++;
	return MHO_HW_ST_OK;
}

void mho_context_destroy(struct mho_emu *emu, uint16_t context)
{
	uint32_t slot;

	for (slot = 1; slot <= emu->topo->limits.keys; slot++) {
		if (emu->keys[slot] && emu->keys[slot]->context == context)
			mho_key_remove(emu, emu->keys[slot]);
	}
	emu->contexts[context / 64] &= ~(1ULL << (context % 64));
	emu->n_contexts--;
}

void mho_contexts_clear(struct mho_emu *emu)
{
	uint32_t i;

	for (i = 1; i <= emu->topo->limits.keys; i++) {
		if (emu->keys[i])
			mho_key_remove(emu, emu->keys[i]);
	}
	for (i = 1; i <= emu->topo->limits.arrays; i++) {
		if (emu->arrays[i])
			emu->arrays[i]->context = 0;
	}
	memset(emu->contexts, 0, (MHO_HW_CONTEXTS_MAX + 1) / 8);
	emu->n_contexts = 0;
}

struct mho_key *mho_key_find(const struct mho_emu *emu, uint16_t context, uint32_t id)
{
	uint32_t slot = id & 0xffff;
	struct mho_key *key;

	if (!slot || slot > emu->topo->limits.keys)
		return NULL;
	key = emu->keys[slot];
	return key && key->id == id && key->context == context ? key : NULL;
}

enum mho_hw_status mho_key_add(struct mho_emu *emu, struct mho_key *key)
{
	uint32_t slot;

	if (key->pages > MHO_HW_MEMORY_PAGES_MAX - emu->key_pages)
		return MHO_HW_ST_NO_RESOURCE;
	for (slot = 1; slot <= emu->topo->limits.keys && emu->keys[slot]; slot++)
		;
	if (slot > emu->topo->limits.keys)
		return MHO_HW_ST_NO_RESOURCE;
	key->id = (uint32_t)emu->key_serial++ << 16 | slot;
	emu->keys[slot] = key;
	emu->key_pages += key->pages;
	return MHO_HW_ST_OK;
}

void mho_key_remove(struct mho_emu *emu, struct mho_key *key)
{
	emu->keys[key->id & 0xffff] = NULL;
	emu->key_pages -= key->pages;
	mho_dma_list_free(&key->list);
	free(key);
}
