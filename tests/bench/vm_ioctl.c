// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The ways in by ioctls. Jobs of a context on one array end in order, so that only the
 * last one of a round signals a syncobj: the least that a program can do.
 */
#include "vm_stream.h"

static bool open_syncs(struct stream *s)
{
	s->syncs[0] = card_add_sync(s->card);
	s->syncs[1] = card_add_sync(s->card);
	return true;
}

static void put_single(struct stream *s)
{
	unsigned int i;

	for (i = 0; i < s->round; i++)
		card_submit(s->card, &s->job, 1, i + 1 == s->round ? s->syncs[s->put % 2] : 0);
}

static void put_batch(struct stream *s)
{
	card_submit(s->card, s->jobs, s->round, s->syncs[s->put % 2]);
}

static void take(struct stream *s)
{
	card_wait(s->card, s->syncs[s->taken % 2]);
}

static void close_syncs(struct stream *s)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct drm_syncobj_destroy args = { .handle = s->syncs[i] };

		card_call(s->card, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
	}
}

const struct way way_ioctl = {
	.name = "ioctl, a job a call",
	.id = "ioctl",
	.open = open_syncs,
	.put = put_single,
	.take = take,
	.close = close_syncs,
};

const struct way way_batch = {
	.name = "ioctl, one batch",
	.id = "ioctl-batch",
	.whole = true,
	.open = open_syncs,
	.put = put_batch,
	.take = take,
	.close = close_syncs,
};

const struct way way_batches = {
	.name = "ioctl, two half batches",
	.id = "ioctl-batches",
	.open = open_syncs,
	.put = put_batch,
	.take = take,
	.close = close_syncs,
};
