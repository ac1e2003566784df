// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Finding an embedded file by its name.
 */
#include "core/blob.h"

#include <string.h>

/**
 * mho_blob_find() - look up an embedded file
 * @name: its whole name, for example "topology/card16".
 *
 * Return: the file, which lives as long as the program, or NULL.
 */
const struct mho_blob *mho_blob_find(const char *name)
{
	for (size_t i = 0; i < mho_nblobs; i++)
		if (!strcmp(mho_blobs[i].name, name))
			return &mho_blobs[i];
	return NULL;
}
