// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Schedulers: hazards, shown by results that would differ; random jobs beside the
 * same ones one by one; many threads; batches, room, priorities; failures and what
 * needed their results; ends with jobs in flight. Once driven by callers, once by a
 * thread.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/dev.h"
#include "mho_fixture.h"

#define MS INT64_C(1000000)

static struct mho_sched *new_sched(struct mho_dev *dev, const struct mho_sched_opts *wanted)
{
	struct mho_sched_opts opts = *wanted;
	struct mho_sched *s = NULL;

	opts.size = sizeof(opts);
	if (mho_sched_create(dev, &opts, &s))
		fail_msg("%s", mho_last_error());
	return s;
}

/* As the test's parameter says: driven by callers, or by a thread. */
static uint32_t flags_of(const struct fixture *f)
{
	return f->io == MHO_IO_THREAD ? MHO_SCHED_THREAD : 0;
}

static struct mho_sched *plain_sched(const struct fixture *f)
{
	return new_sched(f->dev, &(struct mho_sched_opts){ .flags = flags_of(f) });
}

static struct mho_sched_stat stat_of(struct mho_sched *s)
{
	struct mho_sched_stat stat = MHO_INIT(struct mho_sched_stat);

	assert_int_equal(mho_sched_stat_get(s, &stat), 0);
	return stat;
}

static void submit_at(struct mho_sched *s, struct mho_job *jobs, uint32_t n, int priority)
{
	for (uint32_t i = 0; i < n; i++) {
		struct mho_job *job = &jobs[i];

		if (mho_sched_submit(s, &job, 1, priority, -1) != 1)
			fail_msg("job %u: %s", i, mho_last_error());
	}
}

static void submit(struct mho_sched *s, struct mho_job *jobs, uint32_t n)
{
	submit_at(s, jobs, n, MHO_SCHED_DEFAULT);
}

/* Takes @n jobs, which must be all there are. */
static void reap(struct mho_sched *s, uint32_t n)
{
	struct mho_job **done = calloc(n + 1, sizeof(struct mho_job *));

	assert_int_equal(mho_sched_reap(s, done, n + 1, n + 1, -1), n);
	assert_int_equal(mho_sched_pending(s), 0);
	free(done);
}

static void expect_status(const struct mho_job *jobs, uint32_t n, int status)
{
	for (uint32_t i = 0; i < n; i++)
		if (jobs[i].status != status)
			fail_msg("job %u: status %d: %s", i, jobs[i].status,
				 mho_strerror(jobs[i].status));
}

static struct mho_mat *unit_mat(struct mho_dev *dev)
{
	struct mho_mat *mat = new_mat(dev, 1, 1);
	float one = 1.0f;

	assert_int_equal(mho_program(mat, &one, 1, 0.0f), 0);
	return mat;
}

static struct mho_job copy_job(struct mho_mat *mat, struct mho_buf *v, uint32_t from, uint32_t to,
			       uint32_t n)
{
	return (struct mho_job){ .op = MHO_OP_MVM,
				 .mat = mat,
				 .a = { .buf = v, .offset = from * sizeof(float) },
				 .b = { .buf = v, .offset = to * sizeof(float) },
				 .batch = n,
				 .alpha = 1.0f };
}

/* ---- hazards ---- */

/* Each job reads what the one before has written, on another matrix and queue. */
static void test_chain(void **state)
{
	enum {
		LENGTH = 40
	};
	struct fixture *f = *state;
	struct mho_sched *s = plain_sched(f);
	struct mho_mat *m[3] = { unit_mat(f->dev), unit_mat(f->dev), unit_mat(f->dev) };
	struct mho_buf *v = new_buf(f->dev, (LENGTH + 1) * sizeof(float));
	struct mho_job jobs[LENGTH];
	float *p = mho_buf_map(v);

	for (int round = 0; round < 20; round++) {
		memset(p, 0, (LENGTH + 1) * sizeof(float));
		p[0] = 0.5f;
		for (uint32_t i = 0; i < LENGTH; i++)
			jobs[i] = copy_job(m[i % 3], v, i, i + 1, 1);
		submit(s, jobs, LENGTH);
		reap(s, LENGTH);
		expect_status(jobs, LENGTH, 0);
		assert_true(p[LENGTH] == 0.5f);
	}
	assert_true(stat_of(s).held > 0);
	mho_sched_destroy(s);
}

/* A long job reads, or writes, what a short one on another matrix writes next. */
static void test_overwrite(void **state)
{
	enum {
		N = 256
	};
	struct fixture *f = *state;
	struct mho_sched *s = plain_sched(f);
	struct mho_mat *m[2] = { unit_mat(f->dev), unit_mat(f->dev) };
	struct mho_buf *v = new_buf(f->dev, 4 * N * sizeof(float));
	float *p = mho_buf_map(v);
	struct mho_job jobs[3];

	for (int round = 0; round < 30; round++) {
		for (int i = 0; i < N; i++) {
			p[i] = 0.25f;
			p[N + i] = p[2 * N + i] = 0.0f;
			p[3 * N + i] = 0.5f;
		}
		jobs[0] = copy_job(m[0], v, 0, N, N);
		/* before jobs[0] has read it: the last element would be wrong */
		jobs[1] = copy_job(m[1], v, 3 * N, N - 1, 1);
		/* and before it has written this */
		jobs[2] = copy_job(m[1], v, 3 * N, 2 * N - 1, 1);
		submit(s, jobs, 3);
		reap(s, 3);
		expect_status(jobs, 3, 0);
		assert_true(p[2 * N - 2] == 0.25f && p[2 * N - 1] == 0.5f && p[N - 1] == 0.5f);
		assert_true(p[N] == 0.25f);
	}
	mho_sched_destroy(s);
}

/* What shares nothing is not held back; what shares a matrix follows at once. */
static void test_unheld(void **state)
{
	struct fixture *f = *state;
	struct mho_sched *s = plain_sched(f);
	struct mho_mat *m[2] = { unit_mat(f->dev), unit_mat(f->dev) };
	struct mho_buf *v = new_buf(f->dev, 64);
	struct mho_job jobs[4] = {
		copy_job(m[0], v, 0, 1, 1),
		copy_job(m[1], v, 0, 2, 1),
		copy_job(m[0], v, 0, 3, 1),
		{ .op = MHO_OP_NOP },
	};

	submit(s, jobs, 4);
	reap(s, 4);
	expect_status(jobs, 4, 0);
	/* with a thread, jobs[0] may not be with its queue yet when jobs[2] comes */
	assert_true(stat_of(s).held <= (flags_of(f) ? 1 : 0));
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(jobs[i].number, i);
	mho_sched_destroy(s);
}

/* A barrier on one queue holds for all. */
static void test_barrier(void **state)
{
	struct fixture *f = *state;
	struct mho_sched *s = plain_sched(f);
	struct mho_job jobs[8], *done[8];

	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 8; i++)
			jobs[i] = (struct mho_job){ .op = MHO_OP_NOP };
		jobs[3].op = MHO_OP_BARRIER;
		jobs[6].flags = MHO_JOB_FENCE;
		submit(s, jobs, 8);
		assert_int_equal(mho_sched_reap(s, done, 8, 8, -1), 8);
		for (int i = 0; i < 8; i++) {
			if (done[i] == &jobs[3])
				assert_int_equal(i, 3);
			if (done[i] == &jobs[6])
				assert_true(i >= 6);
		}
	}
	mho_sched_destroy(s);
}

/* ---- random jobs ---- */

enum {
	MATS = 4,
	DIM = 4,
	FLOATS = 160,
	JOBS = 120,
};

struct task {
	struct fixture *f;
	struct mho_mat *mats[MATS];
	struct mho_buf *v;
	struct mho_job jobs[JOBS];
	float weights[MATS][DIM * DIM];
};

static uint32_t below(uint32_t *x, uint32_t n)
{
	*x = *x * 1664525 + 1013904223; /* Numerical Recipes, section 7.1 */
	return (*x >> 8) % n;
}

static struct mho_job random_job(struct task *t, uint32_t *x)
{
	static const uint32_t ops[] = { MHO_OP_MVM,	 MHO_OP_MVM,	 MHO_OP_MVM_T,
					MHO_OP_UPDATE,	 MHO_OP_READ,	 MHO_OP_PROGRAM,
					MHO_OP_TRANSFER, MHO_OP_BARRIER, MHO_OP_SCRUB };
	struct mho_job job = { .op = ops[below(x, sizeof(ops) / sizeof(*ops))], .alpha = 0.25f };
	uint32_t mat = below(x, MATS);

	if (job.op == MHO_OP_BARRIER)
		return job;
	if (!below(x, 16))
		job.flags = MHO_JOB_FENCE;
	job.mat = t->mats[mat];
	job.batch = 1 + below(x, DIM);
	/* An operand has at most 16 floats; the halves keep a and b of a job apart. */
	job.a = (struct mho_slice){ .buf = t->v, .offset = 4 * below(x, FLOATS / 2 - 16) };
	job.b = (struct mho_slice){ .buf = t->v,
				    .offset = 4 * (FLOATS / 2 + below(x, FLOATS / 2 - 16)) };
	if (below(x, 2)) {
		struct mho_slice a = job.a;

		job.a = job.b;
		job.b = a;
	}
	if (job.op == MHO_OP_TRANSFER) {
		job.dst = t->mats[(mat + 1 + below(x, MATS - 1)) % MATS];
		job.count = 1 + below(x, DIM);
	} else if (job.op == MHO_OP_UPDATE) {
		job.alpha = 0x1p-6f;
	}
	return job;
}

static void begin_task(struct task *t, uint32_t seed)
{
	uint32_t x = seed;
	float w[DIM * DIM];

	t->f = fixture_open("emu:small?tech=ideal&seed=3", MHO_IO_AUTO);
	t->v = new_buf(t->f->dev, FLOATS * sizeof(float));
	fill_random(mho_buf_map(t->v), FLOATS, seed);
	for (uint32_t i = 0; i < MATS; i++) {
		t->mats[i] = new_mat(t->f->dev, DIM, DIM);
		fill_random(w, DIM * DIM, seed + i);
		assert_true(mho_program(t->mats[i], w, DIM, 0.0f) >= 0);
	}
	for (int i = 0; i < JOBS; i++)
		t->jobs[i] = random_job(t, &x);
}

static void end_task(struct task *t)
{
	expect_status(t->jobs, JOBS, 0);
	for (int i = 0; i < MATS; i++)
		assert_int_equal(mho_read(t->mats[i], t->weights[i], DIM), 0);
}

static void one_by_one(struct task *t)
{
	struct mho_queue *q = new_queue(t->f->dev, 4);
	struct mho_job *done;

	for (int i = 0; i < JOBS; i++) {
		struct mho_job *job = &t->jobs[i];

		assert_int_equal(mho_queue_submit(q, &job, 1), 1);
		assert_int_equal(mho_queue_reap(q, &done, 1, 1, -1), 1);
	}
	mho_queue_destroy(q);
}

static void scheduled(struct task *t, uint32_t flags, uint32_t seed)
{
	bool classes = seed % 2;
	struct mho_sched_opts opts = {
		.queues = classes ? 1 : 1 + seed % 3,
		.depth = seed % 3 ? 64 : 2,
		.backlog = seed % 5 ? 256 : 7,
		.batch = 1 + seed % 7,
		.flags = flags | (seed % 4 ? 0 : MHO_SCHED_STRICT),
	};
	struct mho_sched *s = new_sched(t->f->dev, &opts);

	for (uint32_t i = 0; i < JOBS; i++)
		submit_at(s, &t->jobs[i], 1, classes ? (int)(i * seed % 3) : MHO_SCHED_DEFAULT);
	assert_int_equal(mho_sched_drain(s, -1), 0);
	reap(s, JOBS);
	mho_sched_destroy(s);
}

static void test_random(void **state)
{
	struct fixture *f = *state;
	struct task *t = calloc(2, sizeof(*t));

	for (uint32_t seed = 0; seed < 40; seed++) {
		begin_task(&t[0], seed);
		begin_task(&t[1], seed);
		one_by_one(&t[0]);
		scheduled(&t[1], flags_of(f), seed);
		end_task(&t[0]);
		end_task(&t[1]);
		if (memcmp(mho_buf_map(t[0].v), mho_buf_map(t[1].v), FLOATS * sizeof(float)) ||
		    memcmp(t[0].weights, t[1].weights, sizeof(t->weights)))
			fail_msg("seed %u: not the bits of one by one", seed);
		fixture_close(t[0].f);
		fixture_close(t[1].f);
	}
	free(t);
}

/* ---- threads ---- */

enum {
	THREADS = 4,
	ROUNDS = 50,
	CHAIN = 10,
};

struct worker {
	pthread_t thread;
	struct mho_sched *s;
	struct mho_job jobs[CHAIN];
	atomic_uint left;
	bool reaps;
};

static void job_done(void *arg, struct mho_job *job)
{
	struct worker *w = job->user_data;

	(void)arg;
	atomic_fetch_sub(&w->left, 1);
}

/* Any thread takes what is done, of all of them. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct mho_job *list[CHAIN], *done[CHAIN];

	for (int round = 0; round < ROUNDS; round++) {
		atomic_store(&w->left, CHAIN);
		for (int i = 0; i < CHAIN; i++) {
			w->jobs[i].user_data = w;
			list[i] = &w->jobs[i];
		}
		if (mho_sched_submit(w->s, list, CHAIN, MHO_SCHED_DEFAULT, -1) != CHAIN)
			return "submit";
		while (atomic_load(&w->left)) {
			int n = w->reaps ? mho_sched_reap(w->s, done, CHAIN, 1, 10 * MS) :
					   mho_sched_drain(w->s, -1);

			if (n < 0)
				return "wait";
			for (int i = 0; i < n; i++)
				job_done(NULL, done[i]);
		}
	}
	return NULL;
}

/* A chain through memory for each thread, all through one small scheduler. */
static void check_threads(struct fixture *f, mho_sched_fn done)
{
	struct mho_sched *s = new_sched(
		f->dev, &(struct mho_sched_opts){
				.flags = flags_of(f), .backlog = 16, .batch = 4, .done = done });
	struct mho_mat *m[2] = { unit_mat(f->dev), unit_mat(f->dev) };
	struct mho_buf *v = new_buf(f->dev, THREADS * (CHAIN + 1) * sizeof(float));
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	float *p = mho_buf_map(v);

	for (uint32_t k = 0; k < THREADS; k++) {
		uint32_t at = k * (CHAIN + 1);

		p[at] = (float)(k + 1) * 0.125f;
		workers[k].s = s;
		workers[k].reaps = !done;
		for (uint32_t i = 0; i < CHAIN; i++)
			workers[k].jobs[i] = copy_job(m[(i + k) % 2], v, at + i, at + i + 1, 1);
		assert_int_equal(pthread_create(&workers[k].thread, NULL, work, &workers[k]), 0);
	}
	for (uint32_t k = 0; k < THREADS; k++) {
		void *what;

		pthread_join(workers[k].thread, &what);
		if (what)
			fail_msg("thread %u: %s", k, (char *)what);
		expect_status(workers[k].jobs, CHAIN, 0);
		assert_true(p[k * (CHAIN + 1) + CHAIN] == (float)(k + 1) * 0.125f);
	}
	assert_int_equal(stat_of(s).done, THREADS * ROUNDS * CHAIN);
	assert_int_equal(mho_sched_pending(s), 0);
	mho_sched_destroy(s);
	free(workers);
}

static void test_threads_reap(void **state)
{
	check_threads(*state, NULL);
}

static void test_threads_told(void **state)
{
	check_threads(*state, job_done);
}

/* ---- what a function may do ---- */

struct relay {
	struct mho_sched *s;
	struct mho_job jobs[3];
	int refused;
	int told;
};

static void pass_on(void *arg, struct mho_job *job)
{
	struct relay *r = arg;
	struct mho_job *next = job + 1;

	assert_int_equal(mho_sched_drain(r->s, -1), -EDEADLK);
	if (++r->told < 3)
		assert_int_equal(mho_sched_submit(r->s, &next, 1, MHO_SCHED_DEFAULT, 0), 1);
}

/* Each job is submitted when the one before is done, by the function that is told of it. */
static void test_function(void **state)
{
	struct fixture *f = *state;
	struct relay r = { 0 };
	struct mho_sched_opts opts = { .flags = flags_of(f), .done = pass_on, .arg = &r };
	struct mho_job *done;

	r.s = new_sched(f->dev, &opts);
	submit(r.s, r.jobs, 1);
	assert_int_equal(mho_sched_drain(r.s, -1), 0);
	assert_int_equal(r.told, 3);
	expect_status(r.jobs, 3, 0);
	assert_int_equal(mho_sched_reap(r.s, &done, 1, 0, 0), -EINVAL);
	expect_error("gives its jobs to a function");
	mho_sched_destroy(r.s);
}

/* ---- batches and room ---- */

static void test_batch(void **state)
{
	struct fixture *f = *state;
	struct mho_sched_opts opts = { .flags = flags_of(f), .queues = 1, .batch = 4 };
	struct mho_sched *s = new_sched(f->dev, &opts);
	struct mho_job jobs[8] = { { 0 } }, *done[8];

	/* One less than a batch stays, whoever looks. */
	submit(s, jobs, 3);
	for (int i = 0; i < 100; i++)
		assert_int_equal(mho_sched_reap(s, done, 8, 8, 0), 0);
	assert_int_equal(stat_of(s).kicks, 0);
	submit(s, jobs + 3, 1);
	reap(s, 4);
	assert_int_equal(stat_of(s).kicks, 1);
	submit(s, jobs + 4, 2);
	assert_int_equal(mho_sched_reap(s, done, 8, 0, 0), 0);
	assert_int_equal(stat_of(s).kicks, 1);
	assert_int_equal(mho_sched_flush(s), 0);
	assert_int_equal(mho_sched_drain(s, -1), 0);
	assert_int_equal(stat_of(s).kicks, 2);
	/* Who waits does not wait for ever. */
	submit(s, jobs + 6, 1);
	reap(s, 3);
	expect_status(jobs, 7, 0);
	mho_sched_destroy(s);
}

/* A job alone goes when its time is over: otherwise this never ends. */
static void test_deadline(void **state)
{
	struct fixture *f = *state;
	struct mho_sched_opts opts = { .flags = flags_of(f), .batch = 100, .batch_ns = MS };
	struct mho_sched *s = new_sched(f->dev, &opts);
	struct mho_job jobs[3] = { { 0 } };

	for (int i = 0; i < 3; i++) {
		submit(s, &jobs[i], 1);
		reap(s, 1);
	}
	expect_status(jobs, 3, 0);
	mho_sched_destroy(s);
}

/* Jobs that never end: no room for a third one, now or later; and destroying gives them back. */
static void test_room(void **state)
{
	struct fixture *f = *state, *g = fixture_open("emu:small?fault=hang:0:2", f->io);
	struct mho_sched_opts opts = { .flags = flags_of(f), .backlog = 2 };
	struct mho_sched *s = new_sched(g->dev, &opts);
	struct mho_job jobs[3] = { { 0 } }, *list[3] = { &jobs[0], &jobs[1], &jobs[2] }, *done[3];

	assert_int_equal(mho_sched_submit(s, list, 3, MHO_SCHED_DEFAULT, 0), 2);
	assert_int_equal(mho_sched_submit(s, list + 2, 1, MHO_SCHED_DEFAULT, 0), -EAGAIN);
	assert_int_equal(mho_sched_submit(s, list + 2, 1, MHO_SCHED_DEFAULT, 2 * MS), -ETIME);
	assert_int_equal(mho_sched_reap(s, done, 3, 3, 2 * MS), 0);
	assert_int_equal(mho_sched_drain(s, 2 * MS), -ETIME);
	assert_int_equal(mho_sched_pending(s), 2);
	expect_status(jobs, 2, -EINPROGRESS);
	mho_sched_destroy(s);
	expect_status(jobs, 2, -ECANCELED);
	fixture_close(g);
}

/* Far more jobs than room and depth: the one thread waits, and drives meanwhile. */
static void test_many(void **state)
{
	enum {
		MANY = 5000
	};
	struct fixture *f = *state;
	struct mho_sched_opts opts = { .flags = flags_of(f), .depth = 4, .backlog = 32 };
	struct mho_sched *s = new_sched(f->dev, &opts);
	struct mho_job *jobs = calloc(MANY, sizeof(*jobs)), **list = calloc(MANY, sizeof(*list));

	for (int i = 0; i < MANY; i++)
		list[i] = &jobs[i];
	assert_int_equal(mho_sched_submit(s, list, MANY, MHO_SCHED_DEFAULT, -1), MANY);
	reap(s, MANY);
	expect_status(jobs, MANY, 0);
	mho_sched_destroy(s);
	free(jobs);
	free(list);
}

/* ---- priorities ---- */

/* The order in which a backend is given jobs: their user_data. */
static struct {
	struct mrt_backend ops;
	const struct mrt_backend *real;
	uintptr_t order[16];
	int n;
} spy;

static int spy_push(struct mrt_bqueue *queue, const struct mrt_cmd *cmd, void *cookie)
{
	spy.order[spy.n++] = (uintptr_t)((struct mho_job *)cookie)->user_data;
	return spy.real->push(queue, cmd, cookie);
}

static void test_priority(void **state)
{
	struct fixture *f = *state;
	struct mrt_dev *dev = mrt_handle_get(f->dev, MRT_DEV, "test_priority");
	struct mho_sched_opts opts = { .flags = flags_of(f), .queues = 1, .batch = 9 };
	struct mho_job jobs[9] = { { 0 } };
	struct mho_sched *s;

	spy.real = dev->ops;
	spy.ops = *dev->ops;
	spy.ops.push = spy_push;
	spy.n = 0;
	dev->ops = &spy.ops;
	s = new_sched(f->dev, &opts);
	for (int i = 0; i < 9; i++) {
		jobs[i].user_data = (void *)(uintptr_t)(i % 3);
		submit_at(s, &jobs[i], 1, i % 3);
	}
	reap(s, 9);
	for (int i = 0; i < 9; i++)
		assert_int_equal(spy.order[i], 2 - i / 3);
	mho_sched_destroy(s);
	dev->ops = spy.real;
}

/* ---- failures ---- */

/* 0 fails: it reads NaN. 1 needs its result, 2 that of 1; 3 overwrites, 4 reads that; 5 is apart. */
static void test_failure(void **state)
{
	struct fixture *f = *state;
	struct mho_sched_opts opts = { .flags = flags_of(f), .batch = 7 };
	struct mho_sched *s = new_sched(f->dev, &opts);
	struct mho_mat *m[3] = { unit_mat(f->dev), unit_mat(f->dev), unit_mat(f->dev) };
	struct mho_buf *v = new_buf(f->dev, 64);
	float *p = mho_buf_map(v);
	struct mho_job jobs[7] = {
		{ 0 },
		copy_job(m[0], v, 0, 1, 1), /* fails */
		copy_job(m[1], v, 1, 2, 1),
		copy_job(m[2], v, 2, 3, 1),
		copy_job(m[0], v, 8, 1, 1),
		copy_job(m[1], v, 1, 4, 1),
		copy_job(m[2], v, 8, 5, 1),
	};

	p[0] = NAN;
	p[8] = 0.5f;
	p[2] = p[3] = -1.0f;
	submit(s, jobs, 7);
	reap(s, 7);
	assert_int_equal(jobs[1].status, 0x0401);
	expect_status(jobs + 2, 2, -ECANCELED);
	assert_int_equal(jobs[2].detail, 1);
	assert_int_equal(jobs[3].detail, 1);
	expect_status(jobs + 4, 3, 0);
	assert_true(p[2] == -1.0f && p[3] == -1.0f && p[1] == 0.5f && p[4] == 0.5f && p[5] == 0.5f);
	assert_int_equal(stat_of(s).failed, 3);
	assert_int_equal(stat_of(s).cancelled, 2);
	mho_sched_destroy(s);
}

/* A matrix that was not written: its readers follow all the same, or, if strict, do not. */
static void test_strict(void **state)
{
	struct fixture *f = *state;
	struct mho_buf *v = new_buf(f->dev, 64);
	float *p = mho_buf_map(v);

	p[0] = NAN;
	p[1] = 0.5f;
	for (int strict = 0; strict < 2; strict++) {
		struct mho_mat *m = unit_mat(f->dev);
		struct mho_sched_opts opts = { .flags = flags_of(f), .batch = 5 };
		struct mho_job jobs[5] = {
			{ .op = MHO_OP_PROGRAM, .mat = m, .a.buf = v }, /* fails */
			copy_job(m, v, 1, 2, 1),
			copy_job(m, v, 1, 3, 1),
			{ .op = MHO_OP_PROGRAM, .mat = m, .a = { .buf = v, .offset = 4 } },
			copy_job(m, v, 1, 4, 1),
		};
		struct mho_sched *s;

		opts.flags |= strict ? MHO_SCHED_STRICT : 0;
		s = new_sched(f->dev, &opts);
		submit(s, jobs, 5);
		reap(s, 5);
		assert_int_equal(jobs[0].status, 0x0401);
		expect_status(jobs + 1, 2, strict ? -ECANCELED : 0);
		if (strict)
			assert_int_equal(jobs[2].detail, 0);
		expect_status(jobs + 3, 2, 0);
		assert_true(p[4] == 0.25f);
		mho_sched_destroy(s);
	}
}

/* A device that dies gives all jobs back, those, too, that had not been handed over. */
static void test_death(void **state)
{
	struct fixture *f = *state, *g = fixture_open("emu:small?fault=cqe-bad-cid", f->io);
	struct mho_sched *s =
		new_sched(g->dev, &(struct mho_sched_opts){ .flags = flags_of(f), .queues = 1 });
	struct mho_job jobs[3] = { { 0 } }, again = { 0 };

	jobs[1].op = MHO_OP_BARRIER;
	submit(s, jobs, 1);
	submit(s, jobs + 1, 2);
	reap(s, 3);
	assert_int_equal(jobs[0].status, -EIO);
	submit(s, &again, 1);
	reap(s, 1);
	assert_int_equal(again.status, 0);
	mho_sched_destroy(s);
	fixture_close(g);
}

/* ---- ends ---- */

/* With jobs at the device, in its queue and held back; objects freed before; by mho_close(). */
static void test_end(void **state)
{
	struct fixture *f = *state;

	for (int how = 0; how < 3; how++) {
		struct fixture *g = fixture_open(FIXTURE_URI, f->io);
		struct mho_sched_opts opts = { .flags = flags_of(f), .depth = 2 };
		struct mho_sched *s = new_sched(g->dev, &opts);
		struct mho_mat *m[2] = { unit_mat(g->dev), unit_mat(g->dev) };
		struct mho_buf *v = new_buf(g->dev, 4096);
		struct mho_job jobs[50];

		for (uint32_t i = 0; i < 50; i++)
			jobs[i] = copy_job(m[i % 2], v, i, i + 1, 200);
		submit(s, jobs, 50);
		mho_buf_free(v);
		mho_mat_free(m[0]);
		if (how == 1)
			assert_int_equal(mho_sched_drain(s, -1), 0);
		if (how != 2)
			mho_sched_destroy(s);
		fixture_close(g);
		for (int i = 0; i < 50; i++)
			assert_true(jobs[i].status == 0 ||
				    (how != 1 && jobs[i].status == -ECANCELED));
	}
}

static void test_refused(void **state)
{
	static const struct {
		struct mho_sched_opts opts;
		const char *says;
	} bad[] = {
		{ { .queues = 17 }, "allowed are 1 to 16" },
		{ { .depth = 65 }, "depth 65" },
		{ { .priority = 4 }, "allowed are 0 to 3" },
		{ { .backlog = 65537 }, "a backlog of 65537" },
		{ { .backlog = 4, .batch = 5 }, "batches of 5" },
		{ { .flags = 4 }, "flags are 0x4" },
		{ { .reserved[3] = 1 }, "reserved is not zero" },
	};
	struct fixture *f = *state;
	struct mho_sched *s;
	struct mho_job job = { .op = MHO_OP_GRAPH }, *list = &job;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct mho_sched_opts opts = bad[i].opts;

		opts.size = sizeof(opts);
		assert_int_equal(mho_sched_create(f->dev, &opts, &s), -EINVAL);
		expect_error(bad[i].says);
	}
	assert_int_equal(mho_sched_create(f->dev, NULL, NULL), -EINVAL);
	assert_int_equal(mho_sched_create(f->dev, NULL, &s), 0);
	assert_int_equal(mho_sched_submit(s, &list, 1, MHO_SCHED_DEFAULT, -1), -EINVAL);
	expect_error("takes single jobs");
	job.op = MHO_OP_MVM;
	assert_int_equal(mho_sched_submit(s, &list, 1, MHO_SCHED_DEFAULT, -1), -EINVAL);
	expect_error("the matrix is NULL");
	assert_int_equal(mho_sched_submit(s, &list, 1, 4, -1), -EINVAL);
	assert_int_equal(mho_sched_submit(s, NULL, 1, 0, -1), -EINVAL);
	assert_int_equal(mho_sched_submit(s, NULL, 0, 0, -1), 0);
	assert_int_equal(mho_sched_pending(s), 0);
	mho_sched_destroy(s);
	assert_int_equal(mho_sched_flush(s), -EINVAL);
	expect_error("this scheduler was destroyed before");
	mho_sched_destroy(NULL);
}

#define CASE(f, io) \
	cmocka_unit_test_prestate_setup_teardown(f, fixture_setup_io, fixture_teardown, io)
#define CASES(io)                                                                           \
	CASE(test_chain, io), CASE(test_overwrite, io), CASE(test_unheld, io),              \
		CASE(test_barrier, io), CASE(test_random, io), CASE(test_threads_reap, io), \
		CASE(test_threads_told, io), CASE(test_function, io), CASE(test_batch, io), \
		CASE(test_deadline, io), CASE(test_room, io), CASE(test_many, io),          \
		CASE(test_priority, io), CASE(test_failure, io), CASE(test_strict, io),     \
		CASE(test_death, io), CASE(test_end, io), CASE(test_refused, io)

int main(void)
{
	static uint32_t uring = MHO_IO_URING, thread = MHO_IO_THREAD;
	const struct CMUnitTest with[] = { CASES(&uring) }, without[] = { CASES(&thread) };
	int failed = 0;

	if (fixture_has_uring())
		failed += cmocka_run_group_tests_name("mho_sched callers, io_uring", with, NULL,
						      NULL);
	return failed +
	       cmocka_run_group_tests_name("mho_sched thread, eventfd", without, NULL, NULL);
}
