// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * The dump that is kept when a job hung, the device failed or does not come back: text, for
 * /sys/class/devcoredump. It is taken under the admin lock before the reset, into memory that is
 * there from the start, is completed with what the device says after the reset, and is handed over
 * by a work item, which may allocate. While one is on its way no other is taken: the first failure
 * is the one to look at.
 */
#include <linux/devcoredump.h>
#include <linux/sizes.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include <drm/drm_managed.h>

#include "mho_client.h"
#include "mho_device.h"
#include "mho_dump.h"

/* Grows with what is in the dump: whoever reads dumps by program looks at it. */
#define MHO_COREDUMP_VERSION 1
/* Some 40 busy queues; beyond that it is cut. */
#define MHO_COREDUMP_SIZE SZ_128K
/* Kept free for what comes after the reset. */
#define MHO_COREDUMP_LATE SZ_16K
#define MHO_COREDUMP_LOG 32

/* Probe says that it has failed, and a dump may be missing: no stack of the kernel's for that. */
#define MHO_COREDUMP_GFP (GFP_KERNEL | __GFP_NOWARN)

/**
 * struct mho_coredump - the dump in the making
 * @mdev: device
 * @work: hands it over
 * @busy: from taking to handing over; cleared by @work, else under the admin lock
 * @sent: it is complete
 * @used: bytes of @text
 * @limit: most bytes that may be used now
 * @text: the dump
 */
struct mho_coredump {
	struct mho_device *mdev;
	struct work_struct work;
	bool busy;
	bool sent;
	size_t used;
	size_t limit;
	char text[MHO_COREDUMP_SIZE];
};

static void mho_coredump_printfn(struct drm_printer *p, struct va_format *vaf)
{
	struct mho_coredump *dump = p->arg;

	dump->used += scnprintf(dump->text + dump->used, dump->limit - dump->used, "%pV", vaf);
}

static struct drm_printer mho_coredump_printer(struct mho_coredump *dump)
{
	return (struct drm_printer){ .printfn = mho_coredump_printfn, .arg = dump };
}

static void mho_coredump_work(struct work_struct *work)
{
	struct mho_coredump *dump = container_of(work, struct mho_coredump, work);
	void *data = __vmalloc(dump->used, MHO_COREDUMP_GFP);

	if (data) {
		memcpy(data, dump->text, dump->used);
		/* Frees it, at once if an older dump of the device has not been read yet. */
		dev_coredumpv(dump->mdev->drm.dev, data, dump->used, GFP_KERNEL);
	}
	/* Pairs with mho_coredump_take(): the text is read before it is written anew. */
	smp_store_release(&dump->busy, false);
}

static void mho_coredump_free(struct drm_device *drm, void *dump)
{
	vfree(dump);
}

/**
 * mho_coredump_init() - get ready for dumps
 * @mdev: device
 *
 * Return: 0 or -ENOMEM.
 */
int mho_coredump_init(struct mho_device *mdev)
{
	mdev->coredump = __vmalloc(sizeof(*mdev->coredump), MHO_COREDUMP_GFP | __GFP_ZERO);
	if (!mdev->coredump)
		return -ENOMEM;
	mdev->coredump->mdev = mdev;
	INIT_WORK(&mdev->coredump->work, mho_coredump_work);
	return drmm_add_action_or_reset(&mdev->drm, mho_coredump_free, mdev->coredump);
}

/**
 * mho_coredump_flush() - wait until a dump that was taken is handed over
 * @mdev: device; nobody takes dumps any more
 */
void mho_coredump_flush(struct mho_device *mdev)
{
	flush_work(&mdev->coredump->work);
}

static void mho_coredump_head(struct drm_printer *p, struct mho_device *mdev, const char *reason)
{
	struct timespec64 now;

	ktime_get_real_ts64(&now);
	drm_printf(p, "mho device dump, version %d\n", MHO_COREDUMP_VERSION);
	drm_printf(p, "reason: %s\n", reason);
	drm_printf(p, "time: %lld.%06ld\n", now.tv_sec, now.tv_nsec / NSEC_PER_USEC);
	mho_dump_identity(p, mdev);
	mho_dump_state(p, mdev);
}

static void mho_coredump_queues(struct drm_printer *p, struct mho_device *mdev)
{
	struct mho_client *client;
	struct mho_ctx *ctx;

	list_for_each_entry(client, &mdev->clients, link)
		list_for_each_entry(ctx, &client->queues, link)
			mho_dump_ctx(p, ctx, true);
}

/**
 * mho_coredump_take() - write down what there is before it is reset
 * @mdev: device; the admin lock is held
 * @reason: why
 * @ctx: context that caused it, or NULL
 * @seqno: number of the group that hangs
 *
 * mho_coredump_send() must follow.
 */
void mho_coredump_take(struct mho_device *mdev, const char *reason, struct mho_ctx *ctx,
		       u64 seqno)
{
	struct mho_coredump *dump = mdev->coredump;
	struct drm_printer p = mho_coredump_printer(dump);

	lockdep_assert_held(&mdev->admin.lock);
	/* Pairs with mho_coredump_work(). */
	if (smp_load_acquire(&dump->busy))
		return;
	dump->busy = true;
	dump->sent = false;
	dump->used = 0;
	dump->limit = MHO_COREDUMP_SIZE - MHO_COREDUMP_LATE;
	mho_coredump_head(&p, mdev, reason);
	if (ctx) {
		drm_printf(&p, "\n[guilty]\n");
		mho_dump_client(&p, ctx->client);
		mho_dump_group(&p, ctx, seqno);
	}
	drm_printf(&p, "\n[registers]\n");
	mho_dump_registers(&p, mdev);
	drm_printf(&p, "\n[queues]\n");
	mho_coredump_queues(&p, mdev);
}

/**
 * mho_coredump_send() - complete the dump after the reset and hand it over; none taken: nothing
 * @mdev: device; the admin lock is held
 */
void mho_coredump_send(struct mho_device *mdev)
{
	struct mho_coredump *dump = mdev->coredump;
	struct drm_printer p = mho_coredump_printer(dump);
	bool cut;

	lockdep_assert_held(&mdev->admin.lock);
	if (!READ_ONCE(dump->busy) || dump->sent)
		return;
	cut = dump->used + 1 == dump->limit;
	dump->limit = MHO_COREDUMP_SIZE;
	if (cut)
		drm_printf(&p, "\n(the rest does not fit)\n");
	drm_printf(&p, "\n[after]\n");
	mho_dump_state(&p, mdev);
	drm_printf(&p, "\n[telemetry]\n");
	mho_dump_telemetry(&p, mdev);
	drm_printf(&p, "\n[log]\n");
	mho_dump_log(&p, mdev, MHO_COREDUMP_LOG);
	dump->sent = true;
	schedule_work(&dump->work);
}
