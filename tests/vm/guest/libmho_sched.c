// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Schedulers on a real driver, by both ways in, driven by their callers and by a thread of their
 * own: jobs that depend on each other by matrices and by memory, from one thread and from several,
 * leave the same bits as the same jobs one by one on an emulated card, also where one fails; and a
 * scheduler outlives a reset. Prints KTAP.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>

#include "libmho_guest.h"

#define SIDE 16
#define MATRICES 4
#define VECTORS 24 /* of SIDE floats, for each of the matrices */
#define JOBS 400
#define BATCH 8
#define WAIT_NS 20000000000

/* ---- what is done ---- */

/* A device with matrices, and memory in which each has a part, and all have one together. */
struct bench {
	struct mho_dev *dev;
	struct mho_mat *mat[MATRICES];
	struct mho_buf *buf;
	float *p;
};

#define SHARED MATRICES
#define PART ((size_t)VECTORS * SIDE)
#define FLOATS ((MATRICES + 1) * PART)

static void open_bench(struct bench *b, struct mho_dev *dev)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	float w[SIDE * SIDE];

	b->dev = dev;
	desc.rows = desc.cols = SIDE;
	for (uint32_t i = 0; i < MATRICES; i++) {
		fill(w, SIDE * SIDE, i + 1);
		if (mho_mat_alloc(dev, &desc, &b->mat[i]) ||
		    mho_program(b->mat[i], w, SIDE, 0.0f) < 0)
			bail("a matrix");
	}
	if (mho_buf_alloc(dev, FLOATS * sizeof(float), &b->buf))
		bail("a buffer");
	b->p = mho_buf_map(b->buf);
	fill(b->p, FLOATS, 99);
}

static struct mho_slice vector(const struct bench *b, uint32_t part, uint32_t at)
{
	return (struct mho_slice){ .buf = b->buf,
				   .offset = (part * PART + at * SIDE) * sizeof(float) };
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

/* On matrix @mat: products and updates with vectors of its part, and of the one of all. */
static void make_jobs(const struct bench *b, struct mho_job *jobs, uint32_t n, uint32_t seed,
		      uint32_t mats, uint32_t first, bool shared)
{
	static const uint32_t ops[] = { MHO_OP_MVM, MHO_OP_MVM_T, MHO_OP_UPDATE, MHO_OP_MVM };

	for (uint32_t i = 0; i < n; i++) {
		uint32_t mat = first + draw(&seed, mats);
		uint32_t part = shared && draw(&seed, 2) ? SHARED : mat;

		jobs[i] = (struct mho_job){ .op = ops[draw(&seed, 4)],
					    .mat = b->mat[mat],
					    .a = vector(b, part, draw(&seed, VECTORS)),
					    .b = vector(b, part, draw(&seed, VECTORS)),
					    .alpha = 0.25f };
	}
}

/* ---- by a scheduler, and one by one ---- */

struct outcome {
	float memory[FLOATS];
	float weights[MATRICES][SIDE * SIDE];
	int status[JOBS];
	uint64_t device_ns[JOBS];
};

static void take(const struct bench *b, const struct mho_job *jobs, struct outcome *o)
{
	for (uint32_t i = 0; i < JOBS; i++) {
		o->status[i] = jobs[i].status;
		o->device_ns[i] = jobs[i].device_ns;
	}
	memcpy(o->memory, b->p, sizeof(o->memory));
	for (uint32_t i = 0; i < MATRICES; i++)
		if (mho_read(b->mat[i], o->weights[i], SIDE))
			bail("a read");
}

static void run_one_by_one(struct bench *b, struct mho_job *jobs, uint32_t n)
{
	struct mho_queue *queue;
	struct mho_job *done;

	if (mho_queue_create(b->dev, NULL, &queue))
		bail("a queue");
	for (uint32_t i = 0; i < n; i++) {
		struct mho_job *job = &jobs[i];

		if (mho_queue_submit(queue, &job, 1) != 1 ||
		    mho_queue_reap(queue, &done, 1, 1, WAIT_NS) != 1)
			bail("a job");
	}
	mho_queue_destroy(queue);
}

static struct mho_sched *make_sched(struct mho_dev *dev, uint32_t flags)
{
	struct mho_sched_opts opts = { .size = sizeof(opts),
				       .queues = 3,
				       .batch = BATCH,
				       .batch_ns = 1000000,
				       .flags = flags };
	struct mho_sched *sched;

	if (mho_sched_create(dev, &opts, &sched))
		bail("a scheduler");
	return sched;
}

static void give(struct mho_sched *sched, struct mho_job *jobs, uint32_t n, int priority)
{
	for (uint32_t i = 0; i < n; i++) {
		struct mho_job *job = &jobs[i];

		if (mho_sched_submit(sched, &job, 1, priority, -1) != 1)
			bail("a job for a scheduler");
	}
}

/* Return: whether all came back, and nothing else. */
static bool reap_all(struct mho_sched *sched, uint32_t n)
{
	struct mho_job *done[JOBS + 1];

	return !mho_sched_drain(sched, WAIT_NS) &&
	       mho_sched_reap(sched, done, JOBS + 1, n, WAIT_NS) == (int)n &&
	       !mho_sched_pending(sched);
}

static bool same(const char *name, const char *way, const struct outcome *card,
		 const struct outcome *emu)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < JOBS; i++)
		wrong += card->status[i] != emu->status[i] ||
			 card->device_ns[i] != emu->device_ns[i];
	return check(!wrong && !memcmp(card->memory, emu->memory, sizeof(card->memory)) &&
			     !memcmp(card->weights, emu->weights, sizeof(card->weights)),
		     name, "%s: %u jobs differ, memory %d, weights %d", way, wrong,
		     memcmp(card->memory, emu->memory, sizeof(card->memory)),
		     memcmp(card->weights, emu->weights, sizeof(card->weights)));
}

/* ---- tests ---- */

static struct mho_job jobs[JOBS], twins[JOBS];
static struct outcome card, emu;

static void test_dependent(struct bench *b, struct bench *twin, uint32_t flags, const char *way)
{
	struct mho_sched *sched = make_sched(b->dev, flags);
	struct mho_sched_stat stat = { .size = sizeof(stat) };
	bool back;

	make_jobs(b, jobs, JOBS, 7 + flags, MATRICES, 0, true);
	make_jobs(twin, twins, JOBS, 7 + flags, MATRICES, 0, true);
	give(sched, jobs, JOBS, MHO_SCHED_DEFAULT);
	back = reap_all(sched, JOBS);
	if (mho_sched_stat_get(sched, &stat))
		bail("counters");
	check(back && stat.submitted == JOBS && stat.done == JOBS && !stat.failed && stat.held > 0,
	      "all jobs come back, once", "%s: %d, %llu of %d done, %llu failed, %llu held", way,
	      back, (unsigned long long)stat.done, JOBS, (unsigned long long)stat.failed,
	      (unsigned long long)stat.held);
	mho_sched_destroy(sched);
	run_one_by_one(twin, twins, JOBS);
	take(b, jobs, &card);
	take(twin, twins, &emu);
	same("jobs of one thread leave the same bits as one by one", way, &card, &emu);
}

/* A thread for each matrix, each at a priority of its own. */
struct giver {
	struct mho_sched *sched;
	struct mho_job *jobs;
	int priority;
};

static void *give_some(void *arg)
{
	struct giver *g = arg;

	give(g->sched, g->jobs, JOBS / MATRICES, g->priority);
	return NULL;
}

static void test_threads(struct bench *b, struct bench *twin, uint32_t flags, const char *way)
{
	struct mho_sched *sched = make_sched(b->dev, flags);
	struct giver givers[MATRICES];
	pthread_t threads[MATRICES];
	uint32_t each = JOBS / MATRICES;
	bool back;

	for (uint32_t i = 0; i < MATRICES; i++) {
		make_jobs(b, jobs + i * each, each, 40 + i, 1, i, false);
		make_jobs(twin, twins + i * each, each, 40 + i, 1, i, false);
		givers[i] = (struct giver){ sched, jobs + i * each, (int)i % 4 };
		if (pthread_create(&threads[i], NULL, give_some, &givers[i]))
			bail("a thread");
	}
	for (uint32_t i = 0; i < MATRICES; i++)
		pthread_join(threads[i], NULL);
	back = reap_all(sched, JOBS);
	mho_sched_destroy(sched);
	run_one_by_one(twin, twins, JOBS);
	take(b, jobs, &card);
	take(twin, twins, &emu);
	if (check(back, "jobs of four threads come back, once", "%s", way))
		same("and leave the same bits as one by one", way, &card, &emu);
}

static struct mho_job product(const struct bench *b, uint32_t mat, struct mho_slice from,
			      struct mho_slice to)
{
	return (struct mho_job){
		.op = MHO_OP_MVM, .mat = b->mat[mat], .a = from, .b = to, .alpha = 1.0f
	};
}

/* What needs the result of a job that fails is not done; all else is. */
static void test_failure(struct bench *b, uint32_t flags, const char *way)
{
	struct mho_sched *sched = make_sched(b->dev, flags);
	/* The first fails; the second needs its result, the last one the second's. */
	struct mho_job some[] = {
		product(b, 0, vector(b, 0, 0), vector(b, 0, 1)),
		product(b, 1, vector(b, 0, 1), vector(b, 0, 2)),
		product(b, 2, vector(b, 2, 0), vector(b, 2, 1)),
		product(b, 3, vector(b, 0, 2), vector(b, 3, 1)),
	};
	bool back;

	b->p[0] = NAN;
	give(sched, some, 4, MHO_SCHED_DEFAULT);
	back = reap_all(sched, 4);
	b->p[0] = 0.5f;
	check(back && some[0].status > 0 && some[1].status == -ECANCELED && !some[2].status &&
		      some[3].status == -ECANCELED,
	      "what needs a job that fails is not done", "%s: %d: %d %d %d %d", way, back,
	      some[0].status, some[1].status, some[2].status, some[3].status);
	mho_sched_destroy(sched);
}

/* Whatever a reset has cut off is told; then the same scheduler works. */
static void test_reset(struct bench *b, uint32_t flags, const char *way)
{
	struct mho_sched *sched = make_sched(b->dev, flags);
	uint32_t cut = 0, strange = 0;
	bool before, after;

	make_jobs(b, jobs, JOBS, 3, MATRICES, 0, true);
	give(sched, jobs, JOBS, MHO_SCHED_DEFAULT);
	if (mho_reset(b->dev))
		bail("a reset");
	before = reap_all(sched, JOBS);
	for (uint32_t i = 0; i < JOBS; i++) {
		cut += jobs[i].status == -ECANCELED;
		strange += jobs[i].status && jobs[i].status != -ECANCELED && jobs[i].status != -EIO;
	}
	make_jobs(b, jobs, JOBS, 4, MATRICES, 0, true);
	give(sched, jobs, JOBS, MHO_SCHED_DEFAULT);
	after = reap_all(sched, JOBS);
	for (uint32_t i = 0; i < JOBS; i++)
		after &= !jobs[i].status;
	check(before && !strange && after, "a reset costs jobs at most, not the scheduler",
	      "%s: before %d, %u cut off, %u strange, after %d", way, before, cut, strange, after);
	mho_sched_destroy(sched);
}

static void test_way(uint32_t io, uint32_t flags, const char *way)
{
	struct bench b, twin;

	renew();
	open_bench(&b, open_card_by(io));
	open_bench(&twin, open_same(b.dev));
	test_dependent(&b, &twin, flags, way);
	test_threads(&b, &twin, flags, way);
	test_failure(&b, flags, way);
	test_reset(&b, flags, way);
	mho_close(twin.dev);
	mho_close(b.dev);
}

int main(void)
{
	printf("TAP version 13\n1..%d\n", 4 * 6);
	test_way(MHO_IO_URING, 0, "io_uring, callers");
	test_way(MHO_IO_URING, MHO_SCHED_THREAD, "io_uring, a thread");
	test_way(MHO_IO_THREAD, 0, "ioctls, callers");
	test_way(MHO_IO_THREAD, MHO_SCHED_THREAD, "ioctls, a thread");
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
