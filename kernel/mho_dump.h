/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The state of driver and device as text, for whoever wants to print it, and the dump that is kept
 * when something went wrong.
 */
#ifndef MHO_DUMP_H
#define MHO_DUMP_H

#include <linux/types.h>

#include <drm/drm_print.h>

struct mho_client;
struct mho_ctx;
struct mho_device;

/* mho_dump.c; with the admin lock held, but for identity */
void mho_dump_identity(struct drm_printer *p, struct mho_device *mdev);
void mho_dump_state(struct drm_printer *p, struct mho_device *mdev);
void mho_dump_registers(struct drm_printer *p, struct mho_device *mdev);
void mho_dump_telemetry(struct drm_printer *p, struct mho_device *mdev);
void mho_dump_log(struct drm_printer *p, struct mho_device *mdev, unsigned int last);
void mho_dump_client(struct drm_printer *p, struct mho_client *client);
void mho_dump_ctx(struct drm_printer *p, struct mho_ctx *ctx, bool rings);
void mho_dump_group(struct drm_printer *p, struct mho_ctx *ctx, u64 seqno);

/* mho_coredump.c */
int mho_coredump_init(struct mho_device *mdev);
void mho_coredump_flush(struct mho_device *mdev);
void mho_coredump_take(struct mho_device *mdev, const char *reason, struct mho_ctx *ctx,
		       u64 seqno);
void mho_coredump_send(struct mho_device *mdev);

#endif
