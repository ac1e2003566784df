// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * One doorbell for all that an io_uring_enter() brings. io_uring plugs the block layer while it
 * goes through the submissions of its caller; the plug tells everybody on its list when it ends,
 * and before its task sleeps. No plug, as on io_uring's own workers: the bell is rung at once.
 */
#include <linux/blkdev.h>
#include <linux/sched.h>

#include "mho_client.h"

#ifdef CONFIG_BLOCK
/* May be called from the scheduler: must not sleep. */
static void mho_plug_end(struct blk_plug_cb *cb, bool from_schedule)
{
	struct mho_ctx *ctx = container_of(cb, struct mho_ctx, plug_cb);
	unsigned long flags;

	spin_lock_irqsave(&ctx->queue.lock, flags);
	ctx->plug = NULL;
	mho_queue_ring(&ctx->queue);
	spin_unlock_irqrestore(&ctx->queue.lock, flags);
	mho_ctx_put(ctx);
}

/**
 * mho_plug_hold() - ring when a plug ends
 * @ctx: context that is not on the plug's list; its queue's lock is held
 * @plug: plug of this task
 *
 * Return: false: another plug has the context, so ring now.
 */
bool mho_plug_hold(struct mho_ctx *ctx, struct blk_plug *plug)
{
	if (ctx->plug)
		return false;
	kref_get(&ctx->ref);
	ctx->plug = plug;
	ctx->plug_cb.callback = mho_plug_end;
	list_add_tail(&ctx->plug_cb.list, &plug->cb_list);
	return true;
}
#endif
