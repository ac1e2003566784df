// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Many SUBMIT commands in flight, and an account of what became of each command and each job. What
 * happens to them meanwhile is the tests' business.
 */
#include <errno.h>
#include <string.h>

#include "mho_test_uring.h"

int mt_batches_fill(struct mt_ring *ring, const struct mt_session *s)
{
	struct drm_mho_job jobs[MT_BATCH];
	struct drm_mho_submit args[MT_BATCHES];
	uint32_t i;

	memset(s->results.map, 0, MT_BATCHES_JOBS * sizeof(struct drm_mho_result));
	for (i = 0; i < MT_BATCH; i++) {
		jobs[i] = mt_job_nop();
		jobs[i].flags = DRM_MHO_JOB_FENCE;
	}
	for (i = 0; i < MT_BATCHES; i++) {
		args[i] = mt_submit_args(s, jobs, MT_BATCH);
		args[i].result_offset = i * MT_BATCH * sizeof(struct drm_mho_result);
		if (!mt_ring_batch(ring, s, &args[i], i))
			return -ENOSPC;
	}
	return mt_ring_submit(ring);
}

/* Whether its jobs' results are those of a batch that completed with @res. */
static bool batch_right(const struct drm_mho_result *results, int res, int error,
			struct mt_batches *batches)
{
	int first = 0, status;
	uint32_t i;

	for (i = 0; i < MT_BATCH; i++) {
		status = results[i].status;
		if (results[i].done != DRM_MHO_RESULT_DONE)
			return false;
		if (status && status != error && !(first && status == -ECANCELED))
			return false;
		if (!first)
			first = status;
		batches->jobs_done += !status;
		batches->jobs_failed += !!status;
	}
	return res == first;
}

int mt_batches_end(struct mt_ring *ring, const struct mt_session *s, int error,
		   struct mt_batches *batches)
{
	bool seen[MT_BATCHES] = { false };
	struct mt_cqe cqe;
	uint32_t i;
	int ret, wrong = 0;

	*batches = (struct mt_batches){ 0 };
	for (i = 0; i < MT_BATCHES; i++) {
		ret = mt_ring_wait(ring, &cqe);
		if (ret)
			return ret;
		if (cqe.user_data >= MT_BATCHES || seen[cqe.user_data] ||
		    !batch_right(&mt_results(s)[cqe.user_data * MT_BATCH], cqe.res, error,
				 batches)) {
			wrong++;
			continue;
		}
		seen[cqe.user_data] = true;
		batches->done += !cqe.res;
		batches->failed += !!cqe.res;
	}
	return wrong + !mt_ring_peek(ring, &cqe);
}
