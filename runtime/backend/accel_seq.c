// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Sequences of jobs: prepared in the driver as a whole where jobs go in by io_uring, so
 * that a run is one command; else handed over as one SUBMIT each time. Either way a run
 * is one completion.
 */
#include "backend/accel_seq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct accelb_seq *seq_of(struct mrt_bseq *seq)
{
	return (struct accelb_seq *)seq;
}

void accelb_unprepare(struct accelb_dev *dev, uint32_t handle)
{
	struct drm_mho_unprepare args = { .handle = handle };

	/* It fails only where the context is gone, and what it had prepared with it. */
	accelb_ioctl(dev->fd, DRM_IOCTL_MHO_UNPREPARE, &args);
}

/* ---- making and ending ---- */

static void free_seq(struct accelb_seq *seq)
{
	if (seq->results)
		accelb_mem_free(&seq->queue->dev->base, &seq->memory);
	free(seq->jobs);
	free(seq->filled);
	free(seq->runs);
	free(seq->idle);
	free(seq);
}

static int alloc_runs(struct accelb_seq *seq, uint32_t runs)
{
	seq->jobs = calloc(seq->n, sizeof(*seq->jobs));
	seq->filled = calloc(seq->n, sizeof(*seq->filled));
	seq->runs = calloc(runs, sizeof(*seq->runs));
	seq->idle = calloc(runs, sizeof(*seq->idle));
	if (!seq->jobs || !seq->filled || !seq->runs || !seq->idle)
		return -ENOMEM;
	for (uint32_t i = 0; i < runs; i++) {
		seq->runs[i] = (struct accelb_seq_run){ .seq = seq, .slot = i };
		seq->idle[i] = &seq->runs[i];
	}
	seq->nidle = runs;
	return 0;
}

/* A step counts only where there is an operand in a buffer. */
static void fill_jobs(struct accelb_seq *seq, const struct mrt_seq_request *req)
{
	for (uint32_t i = 0; i < seq->n; i++) {
		struct drm_mho_prepared_job *p = &seq->jobs[i];

		accelb_translate(&req->cmds[i], &p->job);
		p->a_step = p->job.a_type != DRM_MHO_TYPE_NONE ? req->steps[i].a : 0;
		p->b_step = p->job.b_type != DRM_MHO_TYPE_NONE ? req->steps[i].b : 0;
	}
}

static int prepare(struct accelb_seq *seq, const struct mrt_seq_request *req)
{
	struct drm_mho_prepare args = {
		.ctx = seq->queue->ctx,
		.jobs = (uintptr_t)seq->jobs,
		.job_count = seq->n,
		.job_stride = sizeof(*seq->jobs),
		.runs = req->runs,
		.a_slots = req->a_slots,
		.b_slots = req->b_slots,
		.result_slots = req->runs,
		.result_handle = (uint32_t)seq->memory.id,
	};
	int err;

	err = accelb_ioctl(seq->queue->dev->fd, DRM_IOCTL_MHO_PREPARE, &args);
	seq->handle = err ? 0 : args.handle;
	return err;
}

int accelb_seq_create(struct mrt_bqueue *base, const struct mrt_seq_request *req,
		      struct mrt_bseq **out)
{
	struct accelb_queue *q = accelb_queue_of(base);
	struct accelb_seq *seq;
	int err;

	if (!req->n || req->n > q->depth || !req->runs || req->runs > DRM_MHO_RUNS_MAX)
		return -E2BIG;
	seq = calloc(1, sizeof(*seq));
	if (!seq)
		return -ENOMEM;
	seq->queue = q;
	seq->n = req->n;
	err = alloc_runs(seq, req->runs);
	if (err)
		goto fail;
	err = accelb_mem_alloc(&q->dev->base, (size_t)req->runs * req->n * sizeof(*seq->results),
			       &seq->memory);
	if (err)
		goto fail;
	seq->results = seq->memory.map;
	fill_jobs(seq, req);
	if (q->uring)
		err = prepare(seq, req);
	if (err)
		goto fail;
	pthread_mutex_lock(&q->dev->lock);
	mrt_link_add(&q->seqs, &seq->link);
	pthread_mutex_unlock(&q->dev->lock);
	*out = (struct mrt_bseq *)seq;
	return 0;
fail:
	free_seq(seq);
	return err;
}

void accelb_seq_destroy(struct mrt_bqueue *base, struct mrt_bseq *bseq)
{
	struct accelb_dev *dev = accelb_queue_of(base)->dev;
	struct accelb_seq *seq = seq_of(bseq);

	if (seq->handle)
		accelb_unprepare(dev, seq->handle);
	pthread_mutex_lock(&dev->lock);
	mrt_link_del(&seq->link);
	pthread_mutex_unlock(&dev->lock);
	free_seq(seq);
}

void accelb_seq_free_all(struct accelb_queue *q)
{
	struct accelb_seq *seq;

	while (!mrt_link_empty(&q->seqs)) {
		seq = mrt_link_entry(q->seqs.next, struct accelb_seq, link);
		mrt_link_del(&seq->link);
		free_seq(seq);
	}
}

/* ---- runs ---- */

int accelb_push_seq(struct mrt_bqueue *base, struct mrt_bseq *bseq, const struct mrt_seq_run *args,
		    void *cookie)
{
	struct accelb_queue *q = accelb_queue_of(base);
	struct accelb_seq *seq = seq_of(bseq);
	struct accelb_seq_run *run;

	if (!seq->nidle || !accelb_queue_has_room(q, seq->n))
		return -EAGAIN;
	run = seq->idle[--seq->nidle];
	run->args = *args;
	for (uint32_t i = 0; i < seq->n; i++)
		accelb_result_clear(&accelb_seq_results(run)[i]);
	q->way->push_seq(q, run, accelb_queue_enter(q, cookie, run));
	return 0;
}

const struct drm_mho_job *accelb_seq_fill(struct accelb_seq_run *run)
{
	struct accelb_seq *seq = run->seq;

	for (uint32_t i = 0; i < seq->n; i++) {
		const struct drm_mho_prepared_job *p = &seq->jobs[i];

		seq->filled[i] = p->job;
		/* Steps are 0 where a region is in the operand's place. */
		if (p->a_step)
			seq->filled[i].a.offset += p->a_step * run->args.a_slot;
		if (p->b_step)
			seq->filled[i].b.offset += p->b_step * run->args.b_slot;
	}
	return seq->filled;
}

bool accelb_seq_is_done(const struct accelb_seq_run *run)
{
	const struct drm_mho_result *results = accelb_seq_results(run);

	for (uint32_t i = run->seq->n; i-- > 0;)
		if (!accelb_result_is_done(&results[i]))
			return false;
	return true;
}

void accelb_seq_end(struct accelb_seq_run *run, int err)
{
	struct drm_mho_result *results = accelb_seq_results(run);

	for (uint32_t i = 0; i < run->seq->n; i++)
		if (!accelb_result_is_done(&results[i]))
			accelb_result_end(&results[i], err);
}

void accelb_seq_take(struct accelb_seq_run *run, struct mrt_done *done)
{
	const struct drm_mho_result *results = accelb_seq_results(run);

	*done = (struct mrt_done){ 0 };
	for (uint32_t i = 0; i < run->seq->n; i++) {
		const struct drm_mho_result *r = &results[i];

		if (!done->status)
			done->status = r->status;
		done->result += r->result;
		done->detail += r->detail;
		done->device_ns += r->device_ns;
		done->energy_fj += r->energy_fj;
		if (run->args.each)
			run->args.each[i] = (struct mrt_done){
				.status = r->status,
				.result = r->result,
				.detail = r->detail,
				.device_ns = r->device_ns,
				.energy_fj = r->energy_fj,
			};
	}
	run->seq->idle[run->seq->nidle++] = run;
}
