// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See vm_stream.h.
 */
#include "vm_stream.h"

/**
 * stream_open() - begin a stream
 * @s: filled
 * @way: way in
 * @card: card
 * @job: what is run
 * @depth: most jobs in flight, 1 or even
 *
 * Return: false if there is no such way here.
 */
bool stream_open(struct stream *s, const struct way *way, const struct card *card,
		 const struct drm_mho_job *job, unsigned int depth)
{
	unsigned int i;

	*s = (struct stream){ .way = way, .card = card, .job = *job, .depth = depth };
	s->round = depth == 1 || way->whole ? depth : depth / 2;
	for (i = 0; i < s->round; i++)
		s->jobs[i] = *job;
	return way->open(s);
}

void stream_step(struct stream *s)
{
	while ((s->put - s->taken + 1) * s->round <= s->depth) {
		s->way->put(s);
		s->put++;
	}
	s->way->take(s);
	s->taken++;
}

void stream_drain(struct stream *s)
{
	while (s->taken < s->put) {
		s->way->take(s);
		s->taken++;
	}
}

unsigned int stream_run(struct stream *s, unsigned int jobs)
{
	uint64_t first = s->put;

	while ((s->put - first) * s->round < jobs)
		stream_step(s);
	stream_drain(s);
	return (unsigned int)(s->put - first) * s->round;
}

void stream_close(struct stream *s)
{
	stream_drain(s);
	s->way->close(s);
}
