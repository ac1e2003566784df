// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Schedulers on a real driver, by both ways in, driven by callers and by a thread of their own:
 * random jobs and those of many threads have the same bits as one by one on an emulated card in this
 * process; so have failures and what needed their results. A job that hangs, a reset, an end
 * with jobs in flight: the jobs are told, and the scheduler or the next one goes on. Prints KTAP.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "libmho_guest.h"

#define ROWS 24
#define COLS 20
#define BLOCK 16
#define MATS 4
#define WAIT_NS 60000000000
#define BAD_INPUT 0x0401
#define TIMEOUT "/sys/module/mho/parameters/timeout_ms"
#define HANGS_MS "1500"

/* Floats of the buffer; the halves keep both operands of a job apart. */
#define HALF 2048
#define OPERAND_MAX (ROWS * COLS)

#define RANDOM 160 /* jobs */
#define THREADS 3
#define ROUNDS 10
#define CHAIN 8
#define NEEDED 6 /* jobs of the scheduler in which one fails */

struct way {
	const char *name;
	uint32_t io;
	uint32_t flags; /* of schedulers */
};

static const struct way ways[] = {
	{ "io_uring, callers", MHO_IO_URING, 0 },
	{ "io_uring, a thread", MHO_IO_URING, MHO_SCHED_THREAD },
	{ "ioctls, callers", MHO_IO_THREAD, 0 },
	{ "ioctls, a thread", MHO_IO_THREAD, MHO_SCHED_THREAD },
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))
#define CHECKS_PER_WAY 15

/* What came of a job: every bit counts. */
struct result {
	int32_t status;
	uint32_t result;
	uint32_t detail;
	uint64_t device_ns;
	uint64_t energy_fj;
};

struct outcome {
	struct result random[RANDOM];
	struct result threads[THREADS * CHAIN];
	struct result needed[NEEDED];
	float memory[2 * HALF];
	float weights[MATS][ROWS * COLS];
	struct mho_sched_stat random_stat;
	struct mho_sched_stat threads_stat;
	unsigned int told; /* calls of the function that gets the threads' jobs */
	unsigned int pending; /* of all schedulers, at their end */
};

struct bench {
	struct mho_dev *dev;
	const struct way *way; /* NULL: one by one, without a scheduler */
	struct mho_mat *mat[MATS];
	struct mho_buf *buf;
	float *p;
};

static void make_bench(struct mho_dev *dev, const struct way *way, struct bench *b)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	float w[ROWS * COLS];

	*b = (struct bench){ .dev = dev, .way = way };
	desc.rows = ROWS;
	desc.cols = COLS;
	desc.block_rows = BLOCK;
	desc.block_cols = BLOCK;
	desc.scale = 2.0f;
	for (int i = 0; i < MATS; i++) {
		fill(w, ROWS * COLS, i + 1);
		if (mho_mat_alloc(dev, &desc, &b->mat[i]) ||
		    mho_program(b->mat[i], w, COLS, 0.0f) < 0)
			bail("a matrix");
	}
	if (mho_buf_alloc(dev, 2 * HALF * sizeof(float), &b->buf))
		bail("a buffer");
	b->p = mho_buf_map(b->buf);
	fill(b->p, 2 * HALF, 9);
}

static struct mho_sched *make_sched(struct bench *b, const struct mho_sched_opts *wanted)
{
	struct mho_sched_opts opts = *wanted;
	struct mho_sched *sched;

	opts.size = sizeof(opts);
	opts.flags |= b->way ? b->way->flags : 0;
	if (mho_sched_create(b->dev, &opts, &sched))
		bail("a scheduler");
	return sched;
}

static void end_sched(struct mho_sched *sched, struct mho_sched_stat *stat, struct outcome *o)
{
	*stat = (struct mho_sched_stat){ .size = sizeof(*stat) };
	if (mho_sched_stat_get(sched, stat))
		bail("statistics of a scheduler");
	o->pending += mho_sched_pending(sched);
	mho_sched_destroy(sched);
}

static void keep(const struct mho_job *jobs, uint32_t n, struct result *to)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = (struct result){ jobs[i].status, jobs[i].result, jobs[i].detail,
					 jobs[i].device_ns, jobs[i].energy_fj };
}

static void submit(struct mho_sched *sched, struct mho_job *jobs, uint32_t n, int priority)
{
	struct mho_job *list[RANDOM];

	for (uint32_t i = 0; i < n; i++)
		list[i] = &jobs[i];
	if (mho_sched_submit(sched, list, n, priority, WAIT_NS) != (int)n)
		bail("jobs for a scheduler");
}

static void reap(struct mho_sched *sched, uint32_t n)
{
	struct mho_job *done[RANDOM];

	if (mho_sched_reap(sched, done, RANDOM, n, WAIT_NS) != (int)n)
		bail("jobs that are not done");
}

/* ---- random jobs ---- */

static uint32_t below(uint32_t *x, uint32_t n)
{
	*x = *x * 1664525 + 1013904223; /* Numerical Recipes, section 7.1 */
	return (*x >> 8) % n;
}

static struct mho_job random_job(struct bench *b, uint32_t *x)
{
	static const uint32_t ops[] = { MHO_OP_MVM,  MHO_OP_MVM,     MHO_OP_MVM_T,    MHO_OP_UPDATE,
					MHO_OP_READ, MHO_OP_PROGRAM, MHO_OP_TRANSFER, MHO_OP_SCRUB,
					MHO_OP_NOP,  MHO_OP_BARRIER };
	struct mho_job job = { .op = ops[below(x, sizeof(ops) / sizeof(ops[0]))] };
	uint32_t mat = below(x, MATS), half = below(x, 2);

	if (!below(x, 16))
		job.flags = MHO_JOB_FENCE;
	if (job.op == MHO_OP_NOP || job.op == MHO_OP_BARRIER)
		return job;
	job.mat = b->mat[mat];
	job.batch = 1 + below(x, 3);
	job.alpha = job.op == MHO_OP_UPDATE ? 0x1p-6f : 0.125f;
	job.a = (struct mho_slice){ .buf = b->buf,
				    .offset = 4 * (half * HALF + below(x, HALF - OPERAND_MAX)) };
	job.b = (struct mho_slice){ .buf = b->buf,
				    .offset = 4 * (!half * HALF + below(x, HALF - OPERAND_MAX)) };
	if (job.op == MHO_OP_TRANSFER) {
		job.dst = b->mat[(mat + 1 + below(x, MATS - 1)) % MATS];
		job.count = 1 + below(x, 4);
	}
	return job;
}

static void run_one_by_one(struct bench *b, struct mho_job *jobs, uint32_t n)
{
	struct mho_queue_opts opts = { .size = sizeof(opts) };
	struct mho_queue *queue;
	struct mho_job *done;

	if (mho_queue_create(b->dev, &opts, &queue))
		bail("a queue");
	for (uint32_t i = 0; i < n; i++) {
		struct mho_job *job = &jobs[i];

		if (mho_queue_submit(queue, &job, 1) != 1 ||
		    mho_queue_reap(queue, &done, 1, 1, WAIT_NS) != 1)
			bail("a job");
	}
	mho_queue_destroy(queue);
}

/* Less room and depth than there are jobs; priorities do not change the order of what is ordered. */
static void run_random(struct bench *b, struct outcome *o)
{
	struct mho_sched_opts opts = { .depth = 8, .backlog = 48, .batch = 5, .batch_ns = 1000000 };
	struct mho_job jobs[RANDOM];
	struct mho_sched *sched;
	uint32_t x = 17;

	for (int i = 0; i < RANDOM; i++)
		jobs[i] = random_job(b, &x);
	if (!b->way) {
		run_one_by_one(b, jobs, RANDOM);
	} else {
		sched = make_sched(b, &opts);
		for (int i = 0; i < RANDOM; i += 4)
			submit(sched, &jobs[i], 4, i / 4 % 3);
		reap(sched, RANDOM);
		end_sched(sched, &o->random_stat, o);
	}
	keep(jobs, RANDOM, o->random);
}

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	struct mho_sched *sched;
	struct mho_job jobs[CHAIN];
	bool good;
};

static atomic_uint told;

static void tell(void *arg, struct mho_job *job)
{
	(void)arg;
	(void)job;
	atomic_fetch_add(&told, 1);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct mho_job *list[CHAIN];

	w->good = true;
	for (int i = 0; i < CHAIN; i++)
		list[i] = &w->jobs[i];
	for (int round = 0; round < ROUNDS; round++)
		w->good &= mho_sched_submit(w->sched, list, CHAIN, MHO_SCHED_DEFAULT, WAIT_NS) ==
				   CHAIN &&
			   !mho_sched_drain(w->sched, WAIT_NS);
	return NULL;
}

/* A thread has a matrix and memory of its own, which give its jobs an order; and no other. */
static void fill_worker(struct bench *b, struct worker *w, uint32_t k)
{
	static const uint32_t ops[] = { MHO_OP_MVM, MHO_OP_UPDATE, MHO_OP_MVM_T, MHO_OP_READ };
	uint32_t at = k * (HALF / THREADS);

	for (uint32_t i = 0; i < CHAIN; i++)
		w->jobs[i] = (struct mho_job){
			.op = ops[i % 4],
			.mat = b->mat[k],
			.alpha = ops[i % 4] == MHO_OP_UPDATE ? 0x1p-6f : 0.125f,
			.a = { .buf = b->buf, .offset = 4 * (at + (i % 2) * ROWS) },
			.b = { .buf = b->buf, .offset = 4 * (HALF + at + (i % 2) * ROWS) },
		};
}

static void run_threads(struct bench *b, struct outcome *o)
{
	struct mho_sched_opts opts = {
		.depth = 8, .backlog = 16, .batch = 3, .batch_ns = 1000000, .done = tell
	};
	struct mho_sched *sched = b->way ? make_sched(b, &opts) : NULL;
	struct worker workers[THREADS];
	bool good = true;

	atomic_store(&told, 0);
	for (uint32_t k = 0; k < THREADS; k++) {
		fill_worker(b, &workers[k], k);
		workers[k].sched = sched;
		if (!sched)
			for (int round = 0; round < ROUNDS; round++)
				run_one_by_one(b, workers[k].jobs, CHAIN);
		else if (pthread_create(&workers[k].thread, NULL, work, &workers[k]))
			bail("a thread");
	}
	for (uint32_t k = 0; k < THREADS; k++) {
		if (sched) {
			pthread_join(workers[k].thread, NULL);
			good &= workers[k].good;
		}
		keep(workers[k].jobs, CHAIN, &o->threads[k * CHAIN]);
	}
	if (!good)
		bail("jobs of threads");
	o->told = atomic_load(&told);
	if (sched)
		end_sched(sched, &o->threads_stat, o);
}

/* ---- failures ---- */

/* Each reads what the one before has written, but for the last; the second has what is no number. */
static void run_needed(struct bench *b, struct outcome *o)
{
	/* Handed over as one, so that all are there before the one that fails. */
	struct mho_sched_opts opts = { .batch = NEEDED };
	struct mho_job jobs[NEEDED];
	struct mho_sched_stat stat;
	struct mho_sched *sched;

	for (uint32_t i = 0; i < NEEDED; i++)
		jobs[i] = (struct mho_job){
			.op = i % 2 ? MHO_OP_MVM_T : MHO_OP_MVM,
			.mat = b->mat[i % MATS],
			.alpha = 0.125f,
			.a = { .buf = b->buf, .offset = 4 * 32 * i },
			.b = { .buf = b->buf, .offset = 4 * 32 * (i + 1) },
		};
	jobs[1].a.offset = 4 * HALF;
	jobs[NEEDED - 1].a.offset = 4 * (HALF + 32);
	b->p[HALF] = NAN;
	sched = make_sched(b, &opts);
	submit(sched, jobs, NEEDED, MHO_SCHED_DEFAULT);
	reap(sched, NEEDED);
	end_sched(sched, &stat, o);
	keep(jobs, NEEDED, o->needed);
	b->p[HALF] = 0.5f;
}

/* ---- the same bits ---- */

static void run_all(struct mho_dev *dev, const struct way *way, struct outcome *o)
{
	struct bench b;

	memset(o, 0, sizeof(*o));
	make_bench(dev, way, &b);
	run_random(&b, o);
	/* What they have made of it may be of any size. */
	fill(b.p, 2 * HALF, 10);
	run_threads(&b, o);
	run_needed(&b, o);
	memcpy(o->memory, b.p, sizeof(o->memory));
	for (int i = 0; i < MATS; i++)
		if (mho_read(b.mat[i], o->weights[i], COLS))
			bail("a read");
}

static unsigned int count(const struct result *results, unsigned int n, int status)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < n; i++)
		found += results[i].status == status;
	return found;
}

#define SAME_BITS(field)                                                                      \
	check(!memcmp(card->field, emu->field, sizeof(emu->field)), "the same bits: " #field, \
	      "they differ (%s)", way->name)

static void test_bits(struct mho_dev *dev, const struct way *way, const struct outcome *emu)
{
	struct outcome *card = calloc(1, sizeof(*card));
	bool right = true;

	if (!card)
		bail("memory");
	run_all(dev, way, card);
	SAME_BITS(random);
	SAME_BITS(threads);
	SAME_BITS(needed);
	SAME_BITS(memory);
	SAME_BITS(weights);
	check(count(card->random, RANDOM, 0) == RANDOM &&
		      count(card->threads, THREADS * CHAIN, 0) == THREADS * CHAIN,
	      "all are done", "%s: %u of %d, %u of %d", way->name, count(card->random, RANDOM, 0),
	      RANDOM, count(card->threads, THREADS * CHAIN, 0), THREADS * CHAIN);
	check(card->random_stat.submitted == RANDOM && card->random_stat.done == RANDOM &&
		      !card->random_stat.failed && card->random_stat.held > 0 &&
		      !card->random_stat.issued && !card->pending,
	      "each is counted once, and some were held", "%s: %llu done, %llu held, %u pending",
	      way->name, (unsigned long long)card->random_stat.done,
	      (unsigned long long)card->random_stat.held, card->pending);
	check(card->told == THREADS * ROUNDS * CHAIN && card->threads_stat.done == card->told,
	      "each job of the threads is told once", "%s: %u", way->name, card->told);
	for (unsigned int i = 2; i < NEEDED - 1; i++)
		right &= card->needed[i].status == -ECANCELED && card->needed[i].detail == 1;
	check(right && card->needed[1].status == BAD_INPUT && !card->needed[0].status &&
		      !card->needed[NEEDED - 1].status,
	      "what needed the result of one that fails is not done", "%s: %d, then %d", way->name,
	      card->needed[1].status, card->needed[2].status);
	free(card);
}

/* ---- what only a driver has ---- */

static struct mho_job product(struct bench *b, uint32_t mat, uint32_t from, uint32_t to)
{
	return (struct mho_job){ .op = MHO_OP_MVM,
				 .mat = b->mat[mat],
				 .alpha = 0.125f,
				 .a = { .buf = b->buf, .offset = 4 * from },
				 .b = { .buf = b->buf, .offset = 4 * to } };
}

/* The driver cuts it off; those behind it are cancelled, and the scheduler goes on. */
static void test_hang(struct bench *b)
{
	struct mho_sched *sched = make_sched(b, &(struct mho_sched_opts){ .queues = 2 });
	struct mho_job jobs[4], later[2];
	unsigned int good = 0;

	for (uint32_t i = 0; i < 4; i++)
		jobs[i] = product(b, i, 32 * i, 32 * (i + 1));
	if (!order("fault hang\n"))
		bail("a hang");
	submit(sched, jobs, 4, MHO_SCHED_DEFAULT);
	reap(sched, 4);
	for (int i = 1; i < 4; i++)
		good += jobs[i].status == -ECANCELED && jobs[i].detail == jobs[0].number;
	check(jobs[0].status == -ETIME && good == 3,
	      "a job that hangs takes those that need it along", "%s: %d, %u cancelled",
	      b->way->name, jobs[0].status, good);
	for (uint32_t i = 0; i < 2; i++)
		later[i] = product(b, i, HALF, 32 * i);
	submit(sched, later, 2, MHO_SCHED_DEFAULT);
	reap(sched, 2);
	check(!later[0].status && !later[1].status, "and later ones are done", "%s: %d, %d",
	      b->way->name, later[0].status, later[1].status);
	mho_sched_destroy(sched);
}

/* Jobs behind one that hangs: destroying neither waits for them nor loses them. */
static void test_destroy(struct bench *b)
{
	struct mho_sched *sched = make_sched(b, &(struct mho_sched_opts){ .depth = 4 });
	struct mho_job jobs[12], after = product(b, 0, HALF, 0);
	struct mho_sched *next;
	unsigned int cancelled = 0;

	if (!order("fault hang\n"))
		bail("a hang");
	for (uint32_t i = 0; i < 12; i++)
		jobs[i] = product(b, 0, HALF, 32 * (i % 4));
	submit(sched, jobs, 12, MHO_SCHED_DEFAULT);
	mho_sched_destroy(sched);
	order("clear\n");
	for (int i = 0; i < 12; i++)
		cancelled += jobs[i].status == -ECANCELED;
	check(cancelled == 12, "an end with jobs in flight gives all of them back",
	      "%s: %u of 12 cancelled", b->way->name, cancelled);
	next = make_sched(b, &(struct mho_sched_opts){ 0 });
	submit(next, &after, 1, MHO_SCHED_DEFAULT);
	reap(next, 1);
	check(!after.status, "and the next scheduler works", "%s: %d", b->way->name, after.status);
	mho_sched_destroy(next);
}

/* Whatever a reset has cut off is told, and what needed it; then the same scheduler works. */
static void test_reset(struct bench *b)
{
	struct mho_sched *sched = make_sched(b, &(struct mho_sched_opts){ .queues = 3 });
	unsigned int cut_off = 0, strange = 0, again = 0;
	struct mho_job jobs[RANDOM];
	uint32_t x = 23;

	for (int i = 0; i < RANDOM; i++)
		jobs[i] = random_job(b, &x);
	submit(sched, jobs, RANDOM, MHO_SCHED_DEFAULT);
	if (mho_reset(b->dev))
		bail("a reset");
	reap(sched, RANDOM);
	for (int i = 0; i < RANDOM; i++) {
		cut_off += jobs[i].status == -ECANCELED;
		strange += jobs[i].status && jobs[i].status != -ECANCELED && jobs[i].status != -EIO;
	}
	submit(sched, jobs, RANDOM, MHO_SCHED_DEFAULT);
	reap(sched, RANDOM);
	for (int i = 0; i < RANDOM; i++)
		again += !jobs[i].status;
	check(!strange && again == RANDOM, "a reset costs jobs at most, not the scheduler",
	      "%s: %u cut off, %u strange, %u done later", b->way->name, cut_off, strange, again);
	mho_sched_destroy(sched);
}

/* Two schedulers of one open card share no memory: neither holds up the other. */
static void test_beside(struct bench *b)
{
	struct mho_sched_opts opts = { .queues = 1, .batch = 2 };
	struct mho_sched *waits = make_sched(b, &opts), *goes = make_sched(b, &opts);
	struct mho_job one = product(b, 0, HALF, 0), two[2];

	/* Half a batch: it waits for ever. */
	submit(waits, &one, 1, MHO_SCHED_DEFAULT);
	two[0] = product(b, 1, HALF, 64);
	two[1] = product(b, 2, 64, 96);
	submit(goes, two, 2, MHO_SCHED_DEFAULT);
	reap(goes, 2);
	check(!two[0].status && !two[1].status && one.status == -EINPROGRESS &&
		      !mho_sched_flush(waits) && !mho_sched_drain(waits, WAIT_NS) && !one.status,
	      "two schedulers do not hold up each other", "%s: %d, %d, %d", b->way->name,
	      two[0].status, two[1].status, one.status);
	mho_sched_destroy(waits);
	mho_sched_destroy(goes);
}

/* An emulated card takes long in a guest, and does not care about ways. */
static struct outcome *run_emulated(void)
{
	struct outcome *emu = calloc(1, sizeof(*emu));
	struct mho_dev *card = open_card_by(MHO_IO_AUTO), *same = open_same(card);

	if (!emu)
		bail("memory");
	run_all(same, NULL, emu);
	mho_close(same);
	mho_close(card);
	return emu;
}

static void test_way(const struct way *way, const struct outcome *emu)
{
	struct mho_dev *dev;
	struct bench b;

	renew();
	dev = open_card_by(way->io);
	test_bits(dev, way, emu);
	mho_close(dev);
	if (!write_file(TIMEOUT, HANGS_MS))
		bail(TIMEOUT);
	dev = open_card_by(way->io);
	make_bench(dev, way, &b);
	test_hang(&b);
	test_destroy(&b);
	test_beside(&b);
	test_reset(&b);
	mho_close(dev);
	write_file(TIMEOUT, "0");
}

int main(void)
{
	struct outcome *emu = run_emulated();

	printf("TAP version 13\n1..%zu\n", WAYS * CHECKS_PER_WAY);
	for (size_t i = 0; i < WAYS; i++)
		test_way(&ways[i], emu);
	free(emu);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
