// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Graphs: what depends on what, shown by results; replays with slots; functions;
 * failures; lifetimes; random graphs beside the same jobs one by one. Once command by
 * command, and once with a backend that has sequences.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mho_fixture.h"
#include "seq_backend.h"

static struct mho_graph *new_graph(struct mho_dev *dev, uint32_t runs, uint32_t slots)
{
	struct mho_graph_opts opts = MHO_INIT(struct mho_graph_opts);
	struct mho_graph *graph = NULL;

	opts.runs = runs;
	opts.a_slots = opts.b_slots = slots;
	if (mho_graph_create(dev, &opts, &graph))
		fail_msg("%s", mho_last_error());
	return graph;
}

static int add(struct mho_graph *graph, const struct mho_job *job, uint64_t a, uint64_t b)
{
	struct mho_graph_step step = { a, b };
	int index = mho_graph_add(graph, job, &step);

	if (index < 0)
		fail_msg("%s", mho_last_error());
	return index;
}

static void seal(struct mho_graph *graph)
{
	if (mho_graph_seal(graph))
		fail_msg("%s", mho_last_error());
}

/* One run from begin to end, with this status. */
static struct mho_job run_status(struct mho_queue *q, struct mho_graph *graph, uint32_t slot,
				 int status)
{
	struct mho_job job = { .op = MHO_OP_GRAPH, .graph = graph, .a_slot = slot, .b_slot = slot };
	struct mho_job *list = &job, *done = NULL;

	if (mho_queue_submit(q, &list, 1) != 1)
		fail_msg("%s", mho_last_error());
	while (mho_queue_pending(q))
		assert_true(mho_queue_reap(q, &done, 1, 1, -1) >= 0);
	assert_ptr_equal(done, &job);
	if (job.status != status)
		fail_msg("job %u: status %d: %s", job.detail, job.status, mho_strerror(job.status));
	return job;
}

static struct mho_job run(struct mho_queue *q, struct mho_graph *graph, uint32_t slot)
{
	return run_status(q, graph, slot, 0);
}

static struct mho_mat *unit_mat(struct mho_dev *dev)
{
	struct mho_mat *mat = new_mat(dev, 1, 1);
	float one = 1.0f;

	assert_int_equal(mho_program(mat, &one, 1, 0.0f), 0);
	return mat;
}

/* b = a of a buffer of floats, by a matrix */
static struct mho_job copy_job(struct mho_mat *mat, struct mho_buf *v, uint32_t from, uint32_t to)
{
	return (struct mho_job){ .op = MHO_OP_MVM,
				 .mat = mat,
				 .a = { .buf = v, .offset = from * sizeof(float) },
				 .b = { .buf = v, .offset = to * sizeof(float) },
				 .alpha = 1.0f };
}

/* A job on a matrix of its own that takes long enough for others to overtake it. */
static struct mho_job slow_copy(struct mho_mat *mat, struct mho_buf *v, uint32_t from, uint32_t to)
{
	struct mho_job job = copy_job(mat, v, from, to);

	job.batch = 256;
	return job;
}

/* Chains through memory over two matrices, several runs in flight, each in its slot. */
static void test_chain(void **state)
{
	enum {
		LENGTH = 15,
		SLOTS = 4,
		WIDTH = (LENGTH + 1) * sizeof(float)
	};
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 64);
	struct mho_mat *m[2] = { unit_mat(f->dev), unit_mat(f->dev) };
	struct mho_buf *v = new_buf(f->dev, SLOTS * WIDTH);
	struct mho_graph *graph = new_graph(f->dev, SLOTS, SLOTS);
	struct mho_job jobs[SLOTS], *list[SLOTS], *done[SLOTS], job;
	float *p = mho_buf_map(v);

	for (uint32_t i = 0; i < LENGTH; i++) {
		job = copy_job(m[i % 2], v, i, i + 1);
		assert_int_equal(add(graph, &job, WIDTH, WIDTH), i);
	}
	seal(graph);
	for (uint32_t s = 0; s < SLOTS; s++)
		list[s] = &jobs[s];
	for (int round = 0; round < 50; round++) {
		memset(p, 0, SLOTS * WIDTH);
		for (uint32_t s = 0; s < SLOTS; s++) {
			jobs[s] = (struct mho_job){
				.op = MHO_OP_GRAPH, .graph = graph, .a_slot = s, .b_slot = s
			};
			p[s * (LENGTH + 1)] = (float)(round * SLOTS + s + 1);
		}
		assert_int_equal(mho_queue_submit(q, list, SLOTS), SLOTS);
		assert_int_equal(mho_queue_pending(q), SLOTS);
		assert_int_equal(mho_queue_reap(q, done, SLOTS, SLOTS, -1), SLOTS);
		for (uint32_t s = 0; s < SLOTS; s++) {
			assert_int_equal(jobs[s].status, 0);
			assert_true(jobs[s].device_ns > 0);
			assert_true(p[s * (LENGTH + 1) + LENGTH] == (float)(round * SLOTS + s + 1));
		}
	}
	mho_graph_destroy(graph);
}

/*
 * One hazard each; the first job is slow, the second one quick and on another matrix, so that a lost
 * dependency shows: in memory that is read too early, or overwritten too early or too late.
 */
static void test_hazards(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_mat *slow = unit_mat(f->dev), *quick = unit_mat(f->dev);
	struct mho_buf *v = new_buf(f->dev, 4 * 256 * sizeof(float));
	struct mho_graph *raw = new_graph(f->dev, 0, 0), *war = new_graph(f->dev, 0, 0),
			 *waw = new_graph(f->dev, 0, 0);
	float *p = mho_buf_map(v);
	struct mho_job job;

	/* 0..255 to 256..511; then the last of it to 512 */
	job = slow_copy(slow, v, 0, 256);
	add(raw, &job, 0, 0);
	add(waw, &job, 0, 0);
	add(war, &job, 0, 0);
	job = copy_job(quick, v, 511, 512);
	add(raw, &job, 0, 0);
	/* what is read last is overwritten; what was written last, too */
	job = copy_job(quick, v, 513, 255);
	add(war, &job, 0, 0);
	job = copy_job(quick, v, 513, 511);
	add(waw, &job, 0, 0);
	seal(raw);
	seal(war);
	seal(waw);
	for (int round = 1; round <= 100; round++) {
		for (int i = 0; i < 256; i++)
			p[i] = (float)round;
		p[511] = p[512] = 0.0f;
		p[513] = -1.0f;
		run(q, raw, 0);
		assert_true(p[512] == (float)round);
		run(q, war, 0);
		assert_true(p[511] == (float)round && p[255] == -1.0f);
		run(q, waw, 0);
		assert_true(p[511] == -1.0f);
	}
	mho_graph_destroy(raw);
	mho_graph_destroy(war);
	mho_graph_destroy(waw);
}

/* Runs that use the same memory are kept apart; the program resubmits without a wait. */
static void test_runs_meet(void **state)
{
	enum {
		RUNS = 12
	};
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 64);
	struct mho_mat *quick = unit_mat(f->dev), *slow = unit_mat(f->dev);
	struct mho_mat *sum = new_mat(f->dev, 1, 1);
	struct mho_buf *v = new_buf(f->dev, 2048);
	struct mho_graph *graph = new_graph(f->dev, 4, 0);
	struct mho_job jobs[RUNS], *list[RUNS], *done[RUNS], job;
	float *p = mho_buf_map(v), w;
	int n = 0;

	/* v[1] = v[0]; v[256...] = v[1...], slowly; w -= 2^-12 v[256]; v[0] = -2^12 w */
	job = copy_job(quick, v, 0, 1);
	add(graph, &job, 0, 0);
	job = slow_copy(slow, v, 1, 256);
	job.batch = 255;
	add(graph, &job, 0, 0);
	job = (struct mho_job){ .op = MHO_OP_UPDATE,
				.mat = sum,
				.a.buf = v,
				.b.buf = v,
				.a.offset = 2 * sizeof(float),
				.b.offset = 256 * sizeof(float),
				.alpha = 0x1p-12f };
	add(graph, &job, 0, 0);
	job = copy_job(sum, v, 2, 0);
	job.alpha = -0x1p12f;
	add(graph, &job, 0, 0);
	seal(graph);
	p[0] = p[2] = 1.0f;
	for (int i = 0; i < RUNS; i++) {
		jobs[i] = (struct mho_job){ .op = MHO_OP_GRAPH, .graph = graph };
		list[i] = &jobs[i];
	}
	/* w = -2^-12 after the first run, and every further one doubles it. */
	assert_int_equal(mho_queue_submit(q, list, RUNS), RUNS);
	while (n < RUNS) {
		int got = mho_queue_reap(q, done, RUNS, RUNS, -1);

		assert_true(got > 0);
		n += got;
	}
	for (int i = 0; i < RUNS; i++)
		assert_int_equal(jobs[i].status, 0);
	assert_int_equal(mho_read(sum, &w, 1), 0);
	assert_true(w == -0x1p11f * 0x1p-12f);
	mho_graph_destroy(graph);
}

/* ---- functions ---- */

struct calls {
	float *p;
	int n;
	int ret;
	struct mho_queue *queue;
	uint32_t slot;
};

/* p[2] = p[1] + 1 */
static int add_one(void *arg, const struct mho_job *run)
{
	struct calls *c = arg;

	c->n++;
	c->slot = run->a_slot;
	c->p[2] = c->p[1] + 1.0f;
	return c->ret;
}

/* p[0..255] = number of the call */
static int fill(void *arg, const struct mho_job *run)
{
	struct calls *c = arg;

	(void)run;
	c->n++;
	for (int i = 0; i < 256; i++)
		c->p[i] = (float)c->n;
	return 0;
}

/* A run's function writes what the former run's job reads: it must wait for it. */
static void test_function_meets(void **state)
{
	enum {
		SLOTS = 4,
		WIDTH = 256 * sizeof(float)
	};
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 64);
	struct mho_buf *v = new_buf(f->dev, (1 + SLOTS) * WIDTH);
	struct mho_graph *graph = new_graph(f->dev, SLOTS, SLOTS);
	struct mho_graph_access access = { .buf = v, .bytes = WIDTH, .flags = MHO_ACCESS_WRITE };
	struct mho_job job = slow_copy(unit_mat(f->dev), v, 0, 256);
	struct mho_job jobs[SLOTS], *list[SLOTS], *done[SLOTS];
	struct calls calls = { .p = mho_buf_map(v) };
	int n;

	assert_int_equal(mho_graph_add_host(graph, fill, &calls, &access, 1), 0);
	add(graph, &job, 0, WIDTH);
	seal(graph);
	for (int round = 0; round < 20; round++) {
		for (uint32_t s = 0; s < SLOTS; s++) {
			jobs[s] =
				(struct mho_job){ .op = MHO_OP_GRAPH, .graph = graph, .b_slot = s };
			list[s] = &jobs[s];
		}
		assert_int_equal(mho_queue_submit(q, list, SLOTS), SLOTS);
		for (n = 0; n < SLOTS; n += mho_queue_reap(q, done, SLOTS, SLOTS, -1))
			;
		for (int i = 0; i < SLOTS * 256; i++)
			assert_true(calls.p[256 + i] == (float)(round * SLOTS + i / 256 + 1));
	}
	mho_graph_destroy(graph);
}

static struct mho_graph *host_graph(struct mho_dev *dev, struct mho_mat *first,
				    struct mho_mat *then, struct mho_buf *v, struct calls *calls)
{
	struct mho_graph_access access[2] = {
		{ .buf = v, .offset = 4, .bytes = 4 },
		{ .buf = v, .offset = 8, .bytes = 4, .flags = MHO_ACCESS_WRITE },
	};
	struct mho_graph *graph = new_graph(dev, 0, 0);
	struct mho_job job = copy_job(first, v, 0, 1);

	calls->p = mho_buf_map(v);
	add(graph, &job, 0, 0);
	assert_int_equal(mho_graph_add_host(graph, add_one, calls, access, 2), 1);
	job = copy_job(then, v, 2, 3);
	add(graph, &job, 0, 0);
	seal(graph);
	return graph;
}

static void test_function(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_buf *v = new_buf(f->dev, 64);
	struct calls calls = { 0 };
	struct mho_graph *graph = host_graph(f->dev, unit_mat(f->dev), unit_mat(f->dev), v, &calls);
	struct mho_graph_stat stat = MHO_INIT(struct mho_graph_stat);

	for (int i = 0; i < 100; i++) {
		calls.p[0] = (float)i;
		run(q, graph, 0);
		assert_true(calls.p[3] == (float)(i + 1));
	}
	assert_int_equal(calls.n, 100);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(mho_graph_stat_get(graph, i, &stat), 0);
		assert_true(stat.runs == 100 && !stat.errors && !stat.status);
		assert_int_equal(stat.op, i == 1 ? MHO_OP_NOP : MHO_OP_MVM);
		assert_true((stat.device_ns > 0) == (i != 1));
	}
	assert_int_equal(mho_graph_stat_get(graph, 3, &stat), -EINVAL);
	mho_graph_destroy(graph);
}

/* A function that says so ends the reap that called it, while the run goes on. */
static void test_told(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_buf *v = new_buf(f->dev, 64);
	struct calls calls = { .ret = 1 };
	struct mho_graph *graph = host_graph(f->dev, unit_mat(f->dev), unit_mat(f->dev), v, &calls);
	struct mho_job job = { .op = MHO_OP_GRAPH, .graph = graph }, *list = &job, *done[2];

	for (int i = 1; i <= 20; i++) {
		int n;

		assert_int_equal(mho_queue_submit(q, &list, 1), 1);
		n = mho_queue_reap(q, done, 2, 1, -1);
		assert_int_equal(calls.n, i);
		while (!n)
			n = mho_queue_reap(q, done, 2, 1, -1);
		assert_int_equal(job.status, 0);
	}
	mho_graph_destroy(graph);
}

static int use_queue(void *arg, const struct mho_job *run)
{
	struct calls *c = arg;
	struct mho_job *done;

	(void)run;
	c->n = mho_queue_submit(c->queue, NULL, 0);
	c->ret = mho_queue_reap(c->queue, &done, 1, 0, 0);
	return -EDOM;
}

static void test_function_fails(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_buf *v = new_buf(f->dev, 64);
	struct calls calls = { .ret = -ERANGE };
	struct mho_graph *graph = host_graph(f->dev, unit_mat(f->dev), unit_mat(f->dev), v, &calls);
	struct mho_graph_stat stat = MHO_INIT(struct mho_graph_stat);

	assert_int_equal(run_status(q, graph, 0, -ERANGE).detail, 1);
	assert_int_equal(mho_graph_stat_get(graph, 1, &stat), 0);
	assert_true(stat.errors == 1 && stat.runs == 0 && stat.status == -ERANGE);
	assert_int_equal(mho_graph_stat_get(graph, 2, &stat), 0);
	assert_int_equal(stat.runs, 0);
	/* The next run is not harmed. */
	calls.ret = 0;
	run(q, graph, 0);
	mho_graph_destroy(graph);

	graph = new_graph(f->dev, 0, 0);
	calls.queue = q;
	assert_int_equal(mho_graph_add_host(graph, use_queue, &calls, NULL, 0), 0);
	seal(graph);
	run_status(q, graph, 0, -EDOM);
	assert_int_equal(calls.n, -EBUSY);
	assert_int_equal(calls.ret, -EBUSY);
	mho_graph_destroy(graph);
}

/* A job that fails is named; functions behind it are not called, jobs behind those not done. */
static void test_job_fails(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_buf *v = new_buf(f->dev, 64);
	struct calls calls = { 0 };
	struct mho_graph *graph = host_graph(f->dev, unit_mat(f->dev), unit_mat(f->dev), v, &calls);
	struct mho_job jobs[3], *list[3], *done[3], done_job;
	int n = 0;

	calls.p[0] = NAN;
	calls.p[3] = 7.0f;
	done_job = run_status(q, graph, 0, 0x0401);
	assert_true(done_job.detail == 0 && done_job.result == 0);
	assert_int_equal(calls.n, 0);
	assert_true(calls.p[3] == 7.0f);
	/* Those that wait behind it are run. */
	for (int i = 0; i < 3; i++) {
		jobs[i] = (struct mho_job){ .op = MHO_OP_GRAPH, .graph = graph };
		list[i] = &jobs[i];
	}
	assert_int_equal(mho_queue_submit(q, list, 3), 3);
	while (n < 3)
		n += mho_queue_reap(q, done, 3, 3, -1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(jobs[i].status, 0x0401);
	calls.p[0] = 1.0f;
	run(q, graph, 0);
	assert_true(calls.p[3] == 2.0f);
	mho_graph_destroy(graph);
}

static void test_alpha(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_buf *v = new_buf(f->dev, 64);
	struct mho_graph *graph = new_graph(f->dev, 0, 0);
	struct mho_job job = copy_job(unit_mat(f->dev), v, 0, 1);
	float *p = mho_buf_map(v);

	add(graph, &job, 0, 0);
	assert_int_equal(mho_graph_set_alpha(graph, 0, 4.0f), 0);
	seal(graph);
	p[0] = 1.0f;
	run(q, graph, 0);
	assert_true(p[1] == 4.0f);
	for (int i = 1; i < 10; i++) {
		assert_int_equal(mho_graph_set_alpha(graph, 0, (float)i), 0);
		run(q, graph, 0);
		assert_true(p[1] == (float)i);
	}
	assert_int_equal(mho_graph_set_alpha(graph, 0, 0.0f), -EINVAL);
	expect_error("job 0 of the graph: MVM: alpha is 0");
	assert_int_equal(mho_graph_set_alpha(graph, 1, 1.0f), -EINVAL);
	expect_error("there is no job 1: the graph has 1");
	run(q, graph, 0);
	assert_true(p[1] == 9.0f);
	mho_graph_destroy(graph);
}

static void test_refusals(void **state)
{
	struct fixture *f = *state, *g = fixture_open("emu:small", f->io);
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_buf *v = new_buf(f->dev, 64), *foreign = new_buf(g->dev, 64);
	struct mho_graph *graph = new_graph(f->dev, 0, 2), *other = new_graph(g->dev, 0, 0);
	struct mho_graph_opts opts = MHO_INIT(struct mho_graph_opts);
	struct mho_job good = copy_job(unit_mat(f->dev), v, 0, 1), bad = good, *list = &bad;
	struct mho_graph_step step = { .a = 64 };
	struct mho_graph_access range = { .buf = v, .offset = 60, .bytes = 8 };
	struct calls calls = { .p = mho_buf_map(v) };

	opts.runs = 1025;
	assert_int_equal(mho_graph_create(f->dev, &opts, &graph), -EINVAL);
	expect_error("runs is 1025");
	opts.runs = 0;
	opts.reserved[1] = 1;
	assert_int_equal(mho_graph_create(f->dev, &opts, &graph), -EINVAL);
	assert_int_equal(mho_graph_create(f->dev, NULL, NULL), -EINVAL);
	assert_int_equal(mho_graph_create(NULL, NULL, &graph), -EINVAL);

	assert_int_equal(mho_graph_seal(graph), -EINVAL);
	expect_error("the graph is empty");
	add(graph, &good, 4, 4);
	bad.alpha = 0.0f;
	assert_int_equal(mho_graph_add(graph, &bad, NULL), -EINVAL);
	expect_error("job 1 of the graph: MVM: alpha is 0");
	assert_int_equal(mho_graph_add(graph, &good, &step), -EINVAL);
	expect_error("job 1 of the graph: in the last slot: MVM: a needs 4 bytes from offset 64");
	step.a = UINT64_MAX;
	bad = good;
	bad.a.offset = 4;
	assert_int_equal(mho_graph_add(graph, &bad, &step), -EINVAL);
	expect_error("step of operand a");
	bad = (struct mho_job){ .op = MHO_OP_NOP };
	step.a = 4;
	assert_int_equal(mho_graph_add(graph, &bad, &step), -EINVAL);
	expect_error("NOP has no operand a");
	bad = (struct mho_job){ .op = MHO_OP_GRAPH, .graph = graph };
	assert_int_equal(mho_graph_add(graph, &bad, NULL), -EINVAL);
	expect_error("runs no graphs");
	assert_int_equal(mho_queue_submit(q, &list, 1), -EINVAL);
	expect_error("not sealed");
	assert_int_equal(mho_graph_add_host(graph, add_one, &calls, &range, 1), -EINVAL);
	expect_error("job 1 of the graph: an access of 8 bytes from offset 60");
	range = (struct mho_graph_access){ .buf = foreign, .bytes = 4 };
	assert_int_equal(mho_graph_add_host(graph, add_one, &calls, &range, 1), -EINVAL);
	expect_error("another device");
	range = (struct mho_graph_access){ .buf = v, .bytes = 4, .flags = 4 };
	assert_int_equal(mho_graph_add_host(graph, add_one, &calls, &range, 1), -EINVAL);
	expect_error("flags of an access are 0x4");
	assert_int_equal(mho_graph_add_host(graph, NULL, NULL, NULL, 0), -EINVAL);
	seal(graph);
	assert_int_equal(mho_graph_seal(graph), -EBUSY);
	assert_int_equal(mho_graph_add(graph, &good, NULL), -EBUSY);
	expect_error("the graph is sealed");
	bad.a_slot = 2;
	assert_int_equal(mho_queue_submit(q, &list, 1), -EINVAL);
	expect_error("a_slot is 2 and b_slot 0; the graph has 2 and 2");
	bad = (struct mho_job){ .op = MHO_OP_NOP };
	assert_int_equal(mho_graph_add(other, &bad, NULL), 0);
	seal(other);
	bad = (struct mho_job){ .op = MHO_OP_GRAPH, .graph = other };
	assert_int_equal(mho_queue_submit(q, &list, 1), -EINVAL);
	expect_error("belongs to another device");
	mho_graph_destroy(graph);
	mho_graph_destroy(graph);
	expect_error("this graph was destroyed before");
	mho_graph_destroy(NULL);
	fixture_close(g);
}

/* The graph holds what it uses; what is in flight holds the graph. */
static void test_lifetimes(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 16);
	struct mho_buf *v = new_buf(f->dev, 4 * 256 * sizeof(float));
	struct mho_mat *mat = unit_mat(f->dev), *more;
	struct mho_graph *graph = new_graph(f->dev, 2, 0);
	struct mho_job job = slow_copy(mat, v, 0, 256), runs[8], *list[8], *done[8];
	float *p = mho_buf_map(v);
	int n = 0;

	add(graph, &job, 0, 0);
	seal(graph);
	p[255] = 3.0f;
	mho_mat_free(mat);
	run(q, graph, 0);
	assert_true(p[511] == 3.0f);
	for (int i = 0; i < 8; i++) {
		runs[i] = (struct mho_job){ .op = MHO_OP_GRAPH, .graph = graph };
		list[i] = &runs[i];
	}
	assert_int_equal(mho_queue_submit(q, list, 8), 8);
	mho_buf_free(v);
	mho_graph_destroy(graph);
	while (n < 8)
		n += mho_queue_reap(q, done, 8, 8, -1);
	for (int i = 0; i < 8; i++)
		assert_int_equal(runs[i].status, 0);
	/* All tiles are free again. */
	more = new_mat(f->dev, 16, 16);
	mho_mat_free(more);
}

static int never(void *arg, const struct mho_job *run)
{
	(void)run;
	++*(int *)arg;
	return 0;
}

/* Queues that end with runs in every state: with the device, half issued, waiting, not begun. */
static void test_destroy_in_flight(void **state)
{
	struct fixture *f = *state;
	struct mho_buf *v = new_buf(f->dev, 4 * 256 * sizeof(float));
	struct mho_mat *m[2] = { unit_mat(f->dev), unit_mat(f->dev) };
	struct mho_graph *graph = new_graph(f->dev, 2, 0);
	struct mho_job runs[8], *list[8], job = slow_copy(m[0], v, 0, 256);
	int calls = 0;

	add(graph, &job, 0, 0);
	assert_int_equal(mho_graph_add_host(graph, never, &calls, NULL, 0), 1);
	job = slow_copy(m[1], v, 256, 512);
	add(graph, &job, 0, 0);
	seal(graph);
	for (int round = 0; round < 20; round++) {
		struct mho_queue *q = new_queue(f->dev, 4);

		for (int i = 0; i < 8; i++) {
			runs[i] = (struct mho_job){ .op = MHO_OP_GRAPH, .graph = graph };
			list[i] = &runs[i];
		}
		assert_int_equal(mho_queue_submit(q, list, 8), 8);
		if (round % 2)
			mho_queue_reap(q, list, 8, round % 4, -1);
		mho_queue_destroy(q);
	}
	/* The last one is left to mho_close(), with its queue. */
	assert_int_equal(mho_queue_submit(new_queue(f->dev, 4), list, 1), 1);
}

/* ---- random graphs ---- */

enum {
	MATS = 3,
	DIM = 4,
	VECTORS = 12,
	JOBS = 24,
	STRIDE = VECTORS * DIM * sizeof(float)
};

struct random_task {
	struct mho_mat *mats[MATS];
	struct mho_buf *v;
	float w[MATS][DIM * DIM];
};

static uint32_t draw(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525U + 1013904223U;
	return (uint32_t)(((uint64_t)(*seed >> 8) * n) >> 24);
}

/* Halves a vector: by the program. */
struct halve {
	float *p;
	uint32_t at;
	uint64_t step;
};

static int halve(void *arg, const struct mho_job *run)
{
	struct halve *h = arg;
	float *p = h->p + h->at * DIM + run->a_slot * h->step / sizeof(float);

	for (int i = 0; i < DIM; i++)
		p[i] *= 0.5f;
	return 0;
}

static void begin_task(struct random_task *t, uint32_t slots, uint32_t seed)
{
	float w[DIM * DIM];

	for (int i = 0; i < MATS; i++) {
		fill_random(w, DIM * DIM, seed + i);
		for (int k = 0; k < DIM * DIM; k++)
			w[k] *= 0.25f;
		assert_int_equal(mho_program(t->mats[i], w, DIM, 0.0f), 0);
	}
	fill_random(mho_buf_map(t->v), slots * VECTORS * DIM, seed + 99);
}

static struct mho_job random_job(const struct random_task *t, uint32_t *seed)
{
	static const uint32_t ops[] = { MHO_OP_MVM,  MHO_OP_MVM,    MHO_OP_MVM_T,
					MHO_OP_READ, MHO_OP_UPDATE, MHO_OP_TRANSFER };
	struct mho_job job = { .op = ops[draw(seed, 6)], .mat = t->mats[draw(seed, MATS)] };
	uint32_t from = draw(seed, VECTORS), to = draw(seed, VECTORS - 1);

	to += to >= from;
	job.alpha = job.op == MHO_OP_UPDATE ? 0x1p-6f : 0.5f;
	if (job.op == MHO_OP_TRANSFER) {
		do {
			job.dst = t->mats[draw(seed, MATS)];
		} while (job.dst == job.mat);
		job.alpha = 0x1p-4f;
		job.count = 1 + draw(seed, DIM);
		return job;
	}
	if (job.op != MHO_OP_READ)
		job.a = (struct mho_slice){ .buf = t->v, .offset = from * DIM * sizeof(float) };
	job.b = (struct mho_slice){ .buf = t->v, .offset = to * DIM * sizeof(float) };
	/* A whole matrix is as much as DIM vectors. */
	if (job.op == MHO_OP_READ)
		job.b.offset = draw(seed, VECTORS - DIM) * DIM * sizeof(float);
	return job;
}

static void one_by_one(struct mho_queue *q, struct mho_job job, uint32_t slot)
{
	struct mho_job *list = &job, *done;

	if (job.a.buf)
		job.a.offset += slot * STRIDE;
	if (job.b.buf)
		job.b.offset += slot * STRIDE;
	assert_int_equal(mho_queue_submit(q, &list, 1), 1);
	assert_int_equal(mho_queue_reap(q, &done, 1, 1, -1), 1);
	assert_int_equal(job.status, 0);
}

/* The same random jobs in a graph and one by one, twice in each slot: the same bits everywhere. */
static void check_random(struct fixture *f, struct random_task *t, struct mho_queue *q,
			 uint32_t seed)
{
	enum {
		SLOTS = 3,
		RUNS = 6
	};
	struct mho_graph *graph = new_graph(f->dev, 1 + seed % 4, SLOTS);
	struct mho_job jobs[JOBS], runs[RUNS], *list[RUNS], *done[RUNS];
	struct halve halves[JOBS];
	float expected[SLOTS * VECTORS * DIM], w[DIM * DIM];
	uint32_t state = seed, n = 0;

	for (int i = 0; i < JOBS; i++) {
		jobs[i] = random_job(t, &state);
		halves[i] = (struct halve){ mho_buf_map(t->v), draw(&state, VECTORS), STRIDE };
		if (draw(&state, 4)) {
			add(graph, &jobs[i], jobs[i].a.buf ? STRIDE : 0,
			    jobs[i].b.buf ? STRIDE : 0);
			halves[i].p = NULL;
		} else {
			struct mho_graph_access access = { .buf = t->v,
							   .offset = halves[i].at * DIM * 4,
							   .bytes = DIM * 4,
							   .step = STRIDE,
							   .flags = MHO_ACCESS_WRITE };

			assert_true(mho_graph_add_host(graph, halve, &halves[i], &access,
						       draw(&state, 4) > 0) >= 0);
		}
	}
	seal(graph);

	begin_task(t, SLOTS, seed);
	for (uint32_t r = 0; r < RUNS; r++) {
		runs[r] = (struct mho_job){ .op = MHO_OP_GRAPH, .graph = graph };
		runs[r].a_slot = runs[r].b_slot = (r * (1 + seed % 2)) % SLOTS;
		list[r] = &runs[r];
		for (int i = 0; i < JOBS; i++) {
			if (halves[i].p)
				halve(&halves[i], &runs[r]);
			else
				one_by_one(q, jobs[i], runs[r].a_slot);
		}
	}
	memcpy(expected, mho_buf_map(t->v), sizeof(expected));
	for (int i = 0; i < MATS; i++)
		assert_int_equal(mho_read(t->mats[i], t->w[i], DIM), 0);

	begin_task(t, SLOTS, seed);
	assert_int_equal(mho_queue_submit(q, list, RUNS), RUNS);
	while (n < RUNS)
		n += mho_queue_reap(q, done, RUNS, RUNS, -1);
	for (uint32_t r = 0; r < RUNS; r++)
		if (runs[r].status)
			fail_msg("seed %u: job %u: %s", seed, runs[r].detail,
				 mho_strerror(runs[r].status));
	if (memcmp(expected, mho_buf_map(t->v), sizeof(expected)))
		fail_msg("seed %u: the vectors differ", seed);
	for (int i = 0; i < MATS; i++) {
		assert_int_equal(mho_read(t->mats[i], w, DIM), 0);
		if (memcmp(w, t->w[i], sizeof(w)))
			fail_msg("seed %u: matrix %d differs", seed, i);
	}
	mho_graph_destroy(graph);
}

static void test_random(void **state)
{
	struct fixture *f = *state;
	struct random_task t = { 0 };

	for (int i = 0; i < MATS; i++)
		t.mats[i] = new_mat(f->dev, DIM, DIM);
	t.v = new_buf(f->dev, 3 * STRIDE);
	for (uint32_t seed = 0; seed < 60; seed++) {
		struct mho_queue *q = new_queue(f->dev, seed % 3 ? 64 : 2);

		check_random(f, &t, q, seed);
		mho_queue_destroy(q);
	}
}

/* ---- two queues, two threads, one graph ---- */

struct racer {
	struct mho_queue *queue;
	struct mho_graph *graph;
	uint32_t slot;
	int failures;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct mho_job job = {
		.op = MHO_OP_GRAPH, .graph = r->graph, .a_slot = r->slot, .b_slot = r->slot
	};
	struct mho_job *list = &job, *done;

	for (int i = 0; i < 300; i++) {
		r->failures += mho_queue_submit(r->queue, &list, 1) != 1;
		while (mho_queue_pending(r->queue))
			mho_queue_reap(r->queue, &done, 1, 1, -1);
		r->failures += job.status != 0;
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct fixture *f = *state;
	struct mho_buf *v = new_buf(f->dev, 64);
	struct mho_mat *m[2] = { unit_mat(f->dev), unit_mat(f->dev) };
	struct mho_graph *graph = new_graph(f->dev, 0, 2);
	struct racer racers[2];
	pthread_t threads[2];
	float *p = mho_buf_map(v);
	struct mho_job job;

	for (uint32_t i = 0; i < 3; i++) {
		job = copy_job(m[i % 2], v, i, i + 1);
		add(graph, &job, 16, 16);
	}
	seal(graph);
	p[0] = 5.0f;
	p[4] = 6.0f;
	for (uint32_t i = 0; i < 2; i++) {
		racers[i] = (struct racer){ new_queue(f->dev, 16), graph, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(racers[i].failures, 0);
	}
	assert_true(p[3] == 5.0f && p[7] == 6.0f);
	/* One of its queues ends before it, the other one after it. */
	mho_queue_destroy(racers[0].queue);
	mho_graph_destroy(graph);
	mho_queue_destroy(racers[1].queue);
}

/* ---- sequences ---- */

static struct seq_backend *counts;

static int setup_sequences(void **state)
{
	int ret = fixture_setup_io(state);

	counts = seq_backend_use(((struct fixture *)*state)->dev);
	return ret;
}

static int setup_refused(void **state)
{
	int ret = setup_sequences(state);

	counts->refuse = true;
	return ret;
}

static int teardown_sequences(void **state)
{
	assert_int_equal(counts->created, counts->destroyed);
	return fixture_teardown(state);
}

/* What is one part goes as one; a changed factor prepares it once more; what is too long does not. */
static void test_prepared(void **state)
{
	struct fixture *f = *state;
	struct mho_queue *q = new_queue(f->dev, 32);
	struct mho_buf *v = new_buf(f->dev, 256);
	struct mho_mat *m[2] = { unit_mat(f->dev), unit_mat(f->dev) };
	struct mho_graph *graph = new_graph(f->dev, 0, 0), *large = new_graph(f->dev, 0, 0);
	struct mho_job job;
	float *p = mho_buf_map(v);

	for (uint32_t i = 0; i < 33; i++) {
		job = copy_job(m[i % 2], v, i, i + 1);
		if (i < 32)
			add(graph, &job, 0, 0);
		add(large, &job, 0, 0);
	}
	seal(graph);
	seal(large);
	p[0] = 5.0f;
	for (int i = 0; i < 10; i++)
		run(q, graph, 0);
	assert_true(p[32] == 5.0f);
	assert_true(counts->created == 1 && counts->pushed == 10 && counts->destroyed == 0);
	assert_int_equal(mho_graph_set_alpha(graph, 3, 2.0f), 0);
	run(q, graph, 0);
	assert_true(p[32] == 10.0f);
	assert_true(counts->created == 2 && counts->pushed == 11 && counts->destroyed == 1);
	run(q, large, 0);
	assert_true(p[33] == 5.0f);
	assert_true(counts->created == 2 && counts->pushed == 11);
	mho_graph_destroy(graph);
	mho_graph_destroy(large);
	assert_int_equal(counts->destroyed, 2);
}

#define CASE(f, io) \
	cmocka_unit_test_prestate_setup_teardown(f, fixture_setup_io, fixture_teardown, io)
#define CASES(io)                                                                              \
	CASE(test_chain, io), CASE(test_hazards, io), CASE(test_runs_meet, io),                \
		CASE(test_function, io), CASE(test_function_meets, io), CASE(test_told, io),   \
		CASE(test_function_fails, io), CASE(test_job_fails, io), CASE(test_alpha, io), \
		CASE(test_refusals, io), CASE(test_lifetimes, io),                             \
		CASE(test_destroy_in_flight, io), CASE(test_random, io), CASE(test_threads, io)
#define SEQUENCE(f, setup) \
	cmocka_unit_test_prestate_setup_teardown(f, setup, teardown_sequences, &thread)

int main(void)
{
	static uint32_t uring = MHO_IO_URING, thread = MHO_IO_THREAD;
	const struct CMUnitTest with[] = { CASES(&uring) }, without[] = { CASES(&thread) };
	const struct CMUnitTest sequences[] = {
		SEQUENCE(test_chain, setup_sequences),
		SEQUENCE(test_hazards, setup_sequences),
		SEQUENCE(test_runs_meet, setup_sequences),
		SEQUENCE(test_function, setup_sequences),
		SEQUENCE(test_function_meets, setup_sequences),
		SEQUENCE(test_told, setup_sequences),
		SEQUENCE(test_function_fails, setup_sequences),
		SEQUENCE(test_job_fails, setup_sequences),
		SEQUENCE(test_alpha, setup_sequences),
		SEQUENCE(test_lifetimes, setup_sequences),
		SEQUENCE(test_random, setup_sequences),
		SEQUENCE(test_prepared, setup_sequences),
		SEQUENCE(test_random, setup_refused),
	};
	int failed = 0;

	if (fixture_has_uring())
		failed += cmocka_run_group_tests_name("mho_graph io_uring", with, NULL, NULL);
	failed += cmocka_run_group_tests_name("mho_graph eventfd", without, NULL, NULL);
	return failed + cmocka_run_group_tests_name("mho_graph sequences", sequences, NULL, NULL);
}
