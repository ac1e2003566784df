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

/* Is there a plug of this task, and the context on its list? */
static bool mho_plug_hold(struct mho_ctx *ctx)
{
	struct blk_plug *plug = current->plug;

	if (!plug)
		return false;
	if (ctx->plug)
		return ctx->plug == plug;
	kref_get(&ctx->ref);
	ctx->plug = plug;
	ctx->plug_cb.callback = mho_plug_end;
	list_add_tail(&ctx->plug_cb.list, &plug->cb_list);
	return true;
}
#else
static bool mho_plug_hold(struct mho_ctx *ctx)
{
	return false;
}
#endif

/**
 * mho_plug_ring() - tell the device of what was added to a context's queue, now or soon
 * @ctx: context; its queue's lock is held, by the task that adds
 */
void mho_plug_ring(struct mho_ctx *ctx)
{
	if (!mho_plug_hold(ctx))
		mho_queue_ring(&ctx->queue);
}
