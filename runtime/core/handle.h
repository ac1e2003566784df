/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The handles that programs hold. A handle is not the address of its object but
 * a number: a slot in a table of the process and how often the slot has been used.
 * So a handle that was given back, twice or used afterwards, is recognised and
 * reported, even if its slot holds another object now.
 *
 * The table is the library's only state of the process. It grows, never shrinks,
 * and its slots are used again.
 */
#ifndef MHO_CORE_HANDLE_H
#define MHO_CORE_HANDLE_H

enum mrt_kind {
	MRT_FREE = 0,
	MRT_DEV,
	MRT_BUF,
	MRT_MAT,
	MRT_QUEUE,
	MRT_GRAPH,
	MRT_SCHED,
};

/**
 * mrt_handle_new() - make a handle
 * @kind: kind of the object
 * @object: the object
 * @owner: handle of its device, NULL for a device
 *
 * Return: the handle, NULL if memory or slots have run out.
 * Threads: any.
 */
void *mrt_handle_new(enum mrt_kind kind, void *object, const void *owner);

/**
 * mrt_handle_get() - the object of a handle
 * @handle: what the program gave
 * @kind: kind that it should be
 * @what: function or place, for the last error
 *
 * Return: the object; NULL, with the last error set, if it is not a live handle of this kind. A
 * handle of the past is logged to its device, too.
 * Threads: any, without a lock.
 */
void *mrt_handle_get(const void *handle, enum mrt_kind kind, const char *what);

/* mrt_handle_take() - as mrt_handle_get(), and the handle is no longer valid. One thread wins. */
void *mrt_handle_take(const void *handle, enum mrt_kind kind, const char *what);

#endif
