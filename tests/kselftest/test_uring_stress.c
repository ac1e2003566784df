// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Several processes on one card, with all ways in at once, while it loses interrupts and
 * completions, hangs, lies and is reset. In the end every job is accounted for: it was done once, or
 * it failed once, and what was done is right. MHO_STRESS_SEED repeats the choices of a run, if not
 * its timing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"
#include "mho_test_uring.h"

#define WORKERS 4
#define DEPTH 32
#define ROWS MT_MODEL_ROWS
#define COLS MT_MODEL_COLS
#define RESULT sizeof(struct drm_mho_result)
/* Jobs of a batch: NOPs, and a product at its end. */
#define BATCH 4
/* Records of runs lie behind those of the other ways. */
#define RUN_RECORDS (DEPTH * BATCH)
/* Of a CANCEL; the others are running numbers. */
#define CANCEL_DATA (1ULL << 63)
/* Between faults, in us: time for some thousand jobs. */
#define PAUSE_US 300000
#define FAULTS 30
/* A product of noisy cells that is right. */
#define ERROR 0.1

enum way {
	BY_JOB,
	BY_JOB_WITH_SYNC,
	BY_BATCH,
	BY_RUN,
	BY_IOCTL,
	WAYS,
};

/* What may be wrong; what a worker hands back are these, as bits. */
enum problem {
	NOT_SET_UP = 1,
	UNKNOWN_COMPLETION = 2,
	WRONG_STATUS = 4,
	WRONG_PRODUCT = 8,
	LOST = 16,
	MISCOUNTED = 32,
	BROKEN_AFTERWARDS = 64,
};

/* A job or a batch in flight. */
struct op {
	bool used;
	bool ended; /* the program was told; the records may still be written */
	uint64_t number;
	enum way way;
	int res;
};

/* What the processes share. */
struct shared {
	volatile bool stop;
	volatile bool ready[WORKERS];
	struct {
		unsigned int done;
		unsigned int failed;
		unsigned int refused;
		unsigned int cancelled;
	} of[WORKERS];
};

struct worker {
	struct shared *shared;
	unsigned int number;
	uint32_t random;
	uint32_t seed; /* of its model */
	struct mt_session s;
	struct mt_ring ring;
	uint32_t array;
	uint32_t prepared;
	uint32_t syncs[DEPTH];
	struct op ops[DEPTH];
	struct drm_mho_job jobs[BATCH];
	struct drm_mho_uring_ext ext;
	struct drm_mho_sync out;
	struct drm_mho_submit batch;
	float want[ROWS];
	uint64_t next;
	uint64_t accepted; /* jobs, not commands */
	bool cancelling;
	int problems;
};

static uint32_t draw(struct worker *w, uint32_t below)
{
	w->random = w->random * 1664525 + 1013904223;
	return (w->random >> 8) % below;
}

static unsigned int jobs_of(enum way way)
{
	return way == BY_BATCH ? BATCH : 1;
}

static const struct drm_mho_result *records_of(const struct worker *w, unsigned int slot)
{
	return mt_results(&w->s) + (w->ops[slot].way == BY_RUN ? RUN_RECORDS + slot : slot * BATCH);
}

static float *product_of(const struct worker *w, unsigned int slot)
{
	return mt_data(&w->s, MT_AT_Y) + slot * ROWS;
}

/* --- Beginning --- */

static const uint32_t ring_kinds[WORKERS] = {
	IORING_SETUP_SQE128,
	IORING_SETUP_SQE128 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_SQE128 | IORING_SETUP_SQPOLL,
	IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | IORING_SETUP_COOP_TASKRUN,
};

static int prepare(struct worker *w)
{
	struct drm_mho_prepared_job job = { .job = mt_model_job(&w->s, w->array),
					    .b_step = ROWS * sizeof(float) };
	struct drm_mho_prepare args = mt_prepare_args(&w->s, &job, 1);
	int ret;

	args.runs = DEPTH;
	args.b_slots = DEPTH;
	args.result_slots = DEPTH;
	args.result_handle = w->s.results.handle;
	args.result_offset = RUN_RECORDS * RESULT;
	ret = mt_prepare(w->s.fd, &args);
	w->prepared = args.handle;
	return ret;
}

static void compute_product(struct worker *w)
{
	float weights[MT_MODEL_SIZE];
	const float *x = mt_data(&w->s, MT_AT_X);
	int row, col;

	mt_model_weights(w->seed, weights);
	for (row = 0; row < ROWS; row++) {
		w->want[row] = 0;
		for (col = 0; col < COLS; col++)
			w->want[row] += weights[row * COLS + col] * x[col];
	}
}

static int set_up(struct worker *w)
{
	int ret = mt_session_open(&w->s);
	int i;

	if (!ret)
		ret = mt_model_make(&w->s, NULL, w->seed, &w->array);
	if (!ret)
		ret = prepare(w);
	for (i = 0; i < DEPTH && !ret; i++)
		ret = mt_syncobj_create(w->s.fd, 0, &w->syncs[i]);
	if (!ret)
		ret = mt_ring_open(&w->ring, 2 * DEPTH, ring_kinds[w->number]);
	if (ret)
		return ret;
	compute_product(w);
	w->accepted = mt_ctx_state(&w->s).jobs;
	return 0;
}

static int start_ioctl(struct worker *w, unsigned int slot)
{
	w->batch = mt_submit_args(&w->s, w->jobs, 1);
	w->batch.result_offset = slot * BATCH * RESULT;
	w->out = (struct drm_mho_sync){ .handle = w->syncs[slot] };
	w->batch.out_syncs = (uintptr_t)&w->out;
	w->batch.out_sync_count = 1;
	return mt_ioctl(w->s.fd, DRM_IOCTL_MHO_SUBMIT, &w->batch);
}

static int start_batch(struct worker *w, unsigned int slot)
{
	w->jobs[BATCH - 1] = w->jobs[0];
	memset(w->jobs, 0, (BATCH - 1) * sizeof(w->jobs[0]));
	w->batch = mt_submit_args(&w->s, w->jobs, BATCH);
	w->batch.result_offset = slot * BATCH * RESULT;
	mt_ring_batch(&w->ring, &w->s, &w->batch, w->next);
	return 0;
}

static int start_job(struct worker *w, unsigned int slot, bool sync)
{
	w->ext = (struct drm_mho_uring_ext){ .result_handle = w->s.results.handle,
					     .result_offset = slot * BATCH * RESULT };
	if (sync) {
		w->out = (struct drm_mho_sync){ .handle = w->syncs[slot] };
		w->ext.out_syncs = (uintptr_t)&w->out;
		w->ext.out_sync_count = 1;
	}
	mt_ring_job(&w->ring, &w->s, &w->jobs[0], &w->ext, w->next);
	return 0;
}

static int start_run(struct worker *w, unsigned int slot)
{
	struct drm_mho_uring_run run = { .handle = w->prepared,
					 .b_slot = slot,
					 .result_slot = slot };

	mt_ring_run(&w->ring, &w->s, &run, w->next);
	return 0;
}

/* The kernel has read all that commands point to when this returns. */
static int flush(struct worker *w)
{
	int ret = mt_ring_submit(&w->ring);

	while (!ret && __atomic_load_n(w->ring.sq_head, __ATOMIC_ACQUIRE) != w->ring.tail)
		usleep(50);
	return ret;
}

static void start(struct worker *w, unsigned int slot)
{
	struct op *op = &w->ops[slot];
	int ret;

	*op = (struct op){ .used = true, .number = ++w->next, .way = draw(w, WAYS) };
	memset((void *)records_of(w, slot), 0xa5, jobs_of(op->way) * RESULT);
	memset(product_of(w, slot), 0, ROWS * sizeof(float));
	w->jobs[0] = mt_job_vectors(&w->s, w->array, DRM_MHO_OP_MVM, 1);
	w->jobs[0].b.offset = (MT_AT_Y + slot * ROWS) * sizeof(float);
	ret = op->way == BY_IOCTL ? start_ioctl(w, slot) :
	      op->way == BY_BATCH ? start_batch(w, slot) :
	      op->way == BY_RUN	  ? start_run(w, slot) :
				    start_job(w, slot, op->way == BY_JOB_WITH_SYNC);
	if (!ret)
		ret = flush(w);
	if (ret) {
		op->used = false;
		w->shared->of[w->number].refused++;
	} else {
		w->accepted += jobs_of(op->way);
	}
}

/* --- End --- */

static bool refused(int res)
{
	return res == -EBUSY || res == -EAGAIN;
}

/* Faults that were ordered have such ends; others do not happen. */
static bool possible(int status)
{
	return status >= 0 || status == -ETIME || status == -ECANCELED;
}

/* All records are there: do they fit what the program was told? */
static void judge(struct worker *w, unsigned int slot)
{
	const struct drm_mho_result *records = records_of(w, slot);
	struct op *op = &w->ops[slot];
	unsigned int i, bad = 0;

	for (i = 0; i < jobs_of(op->way); i++) {
		bad += records[i].status != 0;
		if (!possible(records[i].status))
			w->problems |= WRONG_STATUS;
	}
	/* What was cancelled may have been done. */
	if (op->res != -ECANCELED && !op->res != !bad)
		w->problems |= WRONG_STATUS;
	if (!records[i - 1].status && mt_error2(product_of(w, slot), w->want, ROWS) > ERROR)
		w->problems |= WRONG_PRODUCT;
	if (op->res)
		w->shared->of[w->number].failed++;
	else
		w->shared->of[w->number].done++;
	op->used = false;
}

/* Everything that was accepted has its record, in the end, whatever the program was told. */
static void look_at_records(struct worker *w)
{
	const struct drm_mho_result *records;
	unsigned int slot, i;
	int ret;

	for (slot = 0; slot < DEPTH; slot++) {
		struct op *op = &w->ops[slot];

		if (op->used && op->way == BY_IOCTL && !op->ended) {
			ret = mt_syncobj_wait(w->s.fd, w->syncs[slot], 0);
			if (ret == -ETIME)
				continue;
			ret = ret ? ret : mt_fence_status(w->s.fd, w->syncs[slot]);
			op->ended = true;
			op->res = ret == 1 ? 0 : ret;
		}
		if (!op->used || !op->ended)
			continue;
		records = records_of(w, slot);
		for (i = 0; i < jobs_of(op->way); i++)
			if (__atomic_load_n(&records[i].done, __ATOMIC_ACQUIRE) !=
			    DRM_MHO_RESULT_DONE)
				break;
		if (i == jobs_of(op->way))
			judge(w, slot);
		else if (op->res != -ECANCELED)
			w->problems |= WRONG_STATUS;
	}
}

static void take(struct worker *w, const struct mt_cqe *cqe)
{
	unsigned int slot;
	struct op *op;

	if (cqe->user_data == CANCEL_DATA) {
		if (!w->cancelling ||
		    !(cqe->res > 0 || cqe->res == -ENOENT || cqe->res == -EALREADY))
			w->problems |= UNKNOWN_COMPLETION;
		w->cancelling = false;
		w->shared->of[w->number].cancelled += cqe->res > 0 ? (unsigned int)cqe->res : 0;
		return;
	}
	for (slot = 0; slot < DEPTH; slot++) {
		op = &w->ops[slot];
		if (op->used && op->number == cqe->user_data)
			break;
	}
	if (slot == DEPTH || op->ended || op->way == BY_IOCTL) {
		w->problems |= UNKNOWN_COMPLETION;
		return;
	}
	op->res = cqe->res;
	op->ended = true;
	if (refused(op->res)) {
		w->accepted -= jobs_of(op->way);
		w->shared->of[w->number].refused++;
		op->used = false;
	}
}

static void reap(struct worker *w)
{
	struct mt_cqe cqe;

	while (!mt_ring_peek(&w->ring, &cqe))
		take(w, &cqe);
	look_at_records(w);
}

static unsigned int in_flight(const struct worker *w)
{
	unsigned int slot, count = w->cancelling;

	for (slot = 0; slot < DEPTH; slot++)
		count += w->ops[slot].used;
	return count;
}

static void cancel_some(struct worker *w)
{
	const struct op *op = &w->ops[draw(w, DEPTH)];

	if (w->cancelling)
		return;
	mt_ring_cancel(&w->ring, &w->s, 0, op->number, CANCEL_DATA);
	w->cancelling = true;
	flush(w);
}

static void settle(struct worker *w)
{
	int64_t steps = MT_WAIT_NS / 1000000;
	struct mt_cqe cqe;

	while (in_flight(w) && steps--) {
		usleep(1000);
		reap(w);
	}
	if (in_flight(w) || mt_ctx_idle(&w->s))
		w->problems |= LOST;
	if (!mt_ring_peek(&w->ring, &cqe))
		w->problems |= UNKNOWN_COMPLETION;
	if (mt_ctx_state(&w->s).jobs != w->accepted)
		w->problems |= MISCOUNTED;
}

static int work(struct shared *shared, unsigned int number, uint32_t seed)
{
	struct worker w = {
		.shared = shared, .number = number, .random = seed + number, .seed = seed + number
	};
	unsigned int slot;

	if (set_up(&w))
		return NOT_SET_UP;
	shared->ready[number] = true;
	while (!shared->stop) {
		slot = draw(&w, DEPTH);
		if (!w.ops[slot].used)
			start(&w, slot);
		if (!draw(&w, 20))
			cancel_some(&w);
		if (!draw(&w, 3000))
			mt_ctx_reset(&w.s);
		if (in_flight(&w) > DEPTH / 2)
			usleep(100);
		reap(&w);
	}
	settle(&w);
	/* What is left of faults that others had ends with them. */
	if (mt_model_check(&w.s, w.array, w.seed))
		w.problems |= BROKEN_AFTERWARDS;
	mt_ring_close(&w.ring);
	mt_session_close(&w.s);
	return w.problems;
}

static void inject(int fd, uint32_t which)
{
	static const char *const faults[] = {
		"fault hang",	       "fault irq-drop 3",	"fault irq-duplicate 5",
		"fault cqe-lose",      "fault cqe-duplicate 5", "fault cqe-bad-cid 5",
		"fault cqe-garbage 2", "fault cmd-delay 50 3",	"fault cmd-error DMA_FAULT 3",
	};
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_DEVICE };

	which %= MT_ARRAY_SIZE(faults) + 1;
	if (which < MT_ARRAY_SIZE(faults))
		mt_order("%s", faults[which]);
	else
		mt_ioctl(fd, DRM_IOCTL_MHO_RESET, &reset);
}

FIXTURE(uring_stress)
{
	struct shared *shared;
	uint32_t seed;
	int fd;
};

FIXTURE_SETUP(uring_stress)
{
	const char *seed = getenv("MHO_STRESS_SEED");

	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_timeout(MT_TIMEOUT_MS));
	self->seed = seed ? (uint32_t)strtoul(seed, NULL, 0) : (uint32_t)time(NULL);
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	self->fd = mt_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(uring_stress)
{
	mt_control("clear", NULL, 0);
	close(self->fd);
	EXPECT_EQ(0, mt_repair());
}

TEST_F(uring_stress, faults)
{
	struct worker faults = { .random = self->seed };
	pid_t pids[WORKERS];
	int i, status;

	TH_LOG("MHO_STRESS_SEED=%u", self->seed);
	for (i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(work(self->shared, i, self->seed));
		}
	}
	/* Faults are for jobs, not for what makes ready for them. */
	for (i = 0; i < WORKERS; i++)
		while (!self->shared->ready[i] && !waitpid(pids[i], &status, WNOHANG))
			usleep(PAUSE_US / 10);
	for (i = 0; i < FAULTS; i++) {
		usleep(PAUSE_US);
		inject(self->fd, draw(&faults, 1000));
	}
	mt_control("clear", NULL, 0);
	usleep(PAUSE_US);
	self->shared->stop = true;
	for (i = 0; i < WORKERS; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status)
		{
			TH_LOG("worker %d: problems 0x%x", i, WEXITSTATUS(status));
		}
		TH_LOG("worker %d: %u done, %u failed, %u cancelled, %u refused", i,
		       self->shared->of[i].done, self->shared->of[i].failed,
		       self->shared->of[i].cancelled, self->shared->of[i].refused);
		EXPECT_LT(0, self->shared->of[i].done);
	}
}

MHO_TEST_MAIN
