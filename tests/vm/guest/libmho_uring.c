// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * libmho's jobs through io_uring, where it differs from ioctls: queues that go from thread to
 * thread, jobs that come again, buffers that come and go, and who refuses io_uring. What both ways
 * have in common is in libmho_api. Prints KTAP.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>

#include "libmho_guest.h"

#define SWITCH "/proc/sys/kernel/io_uring_disabled"
#define JOBS 40
#define DEPTH 16 /* less, so that there is a backlog, too */
#define SIDE 8
#define VECTOR (SIDE * sizeof(float))
#define WEIGHT 0.5f
#define INPUT 0.5f
#define NOISE (INPUT * WEIGHT / 2) /* real cells': enough to know one input's sign by */

/* A card with a matrix, a multiple of the unit matrix, and a queue. */
struct bench {
	struct mho_dev *dev;
	struct mho_mat *mat;
	struct mho_queue *queue;
	struct mho_buf *in;
	struct mho_buf *out;
	struct mho_job jobs[JOBS];
	struct mho_job *list[JOBS];
	int got;
};

static int make_matrix(struct bench *b)
{
	struct mho_mat_desc desc = { .size = sizeof(desc), .rows = SIDE, .cols = SIDE };
	float unit[SIDE * SIDE] = { 0 };

	for (int i = 0; i < SIDE; i++)
		unit[i * SIDE + i] = WEIGHT;
	return mho_mat_alloc(b->dev, &desc, &b->mat) || mho_program(b->mat, unit, SIDE, 0.0f) < 0;
}

static void set_up(struct bench *b)
{
	struct mho_open_opts opts = { .size = sizeof(opts), .io = MHO_IO_URING };
	struct mho_queue_opts qopts = { .size = sizeof(qopts), .depth = DEPTH };

	memset(b, 0, sizeof(*b));
	if (mho_open("accel:", &opts, &b->dev) || make_matrix(b) ||
	    mho_queue_create(b->dev, &qopts, &b->queue) ||
	    mho_buf_alloc(b->dev, JOBS * VECTOR, &b->in) ||
	    mho_buf_alloc(b->dev, JOBS * SIDE * VECTOR, &b->out))
		bail("a card, a matrix, a queue and buffers");
	for (int i = 0; i < JOBS; i++)
		b->list[i] = &b->jobs[i];
}

static void fill_slow(struct bench *b)
{
	for (int i = 0; i < JOBS; i++)
		b->jobs[i] = (struct mho_job){
			.op = MHO_OP_READ, .mat = b->mat, .batch = 512, .b = { .buf = b->out }
		};
}

static void fill_products(struct bench *b)
{
	for (int i = 0; i < JOBS; i++)
		b->jobs[i] = (struct mho_job){ .op = MHO_OP_MVM,
					       .mat = b->mat,
					       .alpha = 1.0f,
					       .a = { .buf = b->in, .offset = i * VECTOR },
					       .b = { .buf = b->out, .offset = i * VECTOR } };
}

static int reap_all(struct bench *b, int left)
{
	struct mho_job *done[JOBS];
	int n;

	for (; left > 0; left -= n) {
		n = mho_queue_reap(b->queue, done, JOBS, 1, 20000000000);
		if (n <= 0)
			return -1;
	}
	return 0;
}

/* As an event loop does it: reap until there is nothing, then poll. */
static int poll_all(struct bench *b, int left)
{
	struct pollfd p = { .fd = mho_queue_fd(b->queue), .events = POLLIN };
	struct mho_job *done[JOBS];
	int n;

	for (;;) {
		while ((n = mho_queue_reap(b->queue, done, JOBS, 0, 0)) > 0)
			left -= n;
		if (n < 0 || left <= 0)
			return n;
		while ((n = poll(&p, 1, 20000)) < 0 && errno == EINTR)
			;
		if (n != 1)
			return -1;
	}
}

static int count(const struct bench *b, int status)
{
	int n = 0;

	for (int i = 0; i < JOBS; i++)
		n += b->jobs[i].status == status;
	return n;
}

/* ---- threads ---- */

static pthread_barrier_t barrier;

static void *submit_and_stay(void *arg)
{
	struct bench *b = arg;

	b->got = mho_queue_submit(b->queue, b->list, JOBS);
	pthread_barrier_wait(&barrier);
	/* Asleep, not in io_uring: it fetches no completion for anybody. */
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void *submit_and_end(void *arg)
{
	struct bench *b = arg;

	b->got = mho_queue_submit(b->queue, b->list, JOBS);
	return NULL;
}

static void *use_whole(void *arg)
{
	struct bench *b = arg;

	fill_products(b);
	b->got = mho_queue_submit(b->queue, b->list, JOBS) == JOBS ? reap_all(b, JOBS) : -1;
	return NULL;
}

/* One thread submits, and stays; another reaps: in both ways of waiting. */
static void test_second_thread(int (*reap)(struct bench *b, int left), const char *how)
{
	struct bench b;
	pthread_t thread;
	char name[80];
	int ret;

	set_up(&b);
	fill_slow(&b);
	pthread_barrier_init(&barrier, NULL, 2);
	if (pthread_create(&thread, NULL, submit_and_stay, &b))
		bail("a thread");
	pthread_barrier_wait(&barrier);
	ret = b.got == JOBS ? reap(&b, JOBS) : -1;
	snprintf(name, sizeof(name), "what one thread has submitted another reaps, %s", how);
	check(!ret && count(&b, 0) == JOBS, name, "%d, %d good", ret, count(&b, 0));
	fill_products(&b);
	ret = mho_queue_submit(b.queue, b.list, JOBS) == JOBS ? reap(&b, JOBS) : -1;
	check(!ret && count(&b, 0) == JOBS, "and goes on using the queue", "%d, %d good", ret,
	      count(&b, 0));
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	mho_close(b.dev);
}

/* Jobs of a thread that ends are done or end with it; none is lost. */
static void test_ended_thread(void)
{
	struct bench b;
	pthread_t thread;
	int ret;

	set_up(&b);
	fill_slow(&b);
	if (pthread_create(&thread, NULL, submit_and_end, &b))
		bail("a thread");
	pthread_join(thread, NULL);
	ret = b.got == JOBS ? reap_all(&b, JOBS) : -1;
	check(!ret && count(&b, 0) + count(&b, -ECANCELED) == JOBS,
	      "each job of a thread that ended is done or cancelled", "%d, %d done, %d cancelled",
	      ret, count(&b, 0), count(&b, -ECANCELED));
	mho_close(b.dev);
}

/* One thread after the other, each with the memory of the one before. */
static void test_many_threads(void)
{
	struct bench b;
	pthread_t thread;
	int good = 0;

	set_up(&b);
	for (int i = 0; i < 20; i++) {
		if (pthread_create(&thread, NULL, use_whole, &b))
			bail("a thread");
		pthread_join(thread, NULL);
		good += !b.got && count(&b, 0) == JOBS;
	}
	check(good == 20, "twenty threads use a queue one after the other", "%d", good);
	mho_close(b.dev);
}

/* ---- jobs that come again ---- */

static int run_products(struct bench *b)
{
	float *in = mho_buf_map(b->in), *out = mho_buf_map(b->out);
	int wrong = 0;

	memset(out, 0, JOBS * VECTOR);
	if (mho_queue_submit(b->queue, b->list, JOBS) != JOBS || reap_all(b, JOBS))
		return -1;
	for (int i = 0; i < JOBS; i++)
		for (int k = 0; k < SIDE; k++) {
			float y = out[i * SIDE + k] / b->jobs[i].alpha;

			wrong += b->jobs[i].status ||
				 !(fabsf(y - WEIGHT * in[i * SIDE + k]) < NOISE);
		}
	return wrong;
}

static void fill_in(struct bench *b, int seed)
{
	float *in = mho_buf_map(b->in);

	for (int i = 0; i < JOBS * SIDE; i++)
		in[i] = (unsigned int)(i + seed * 1000) * 2654435761U >> 31 ? INPUT : -INPUT;
}

/* A freed buffer's handle is the next one's: nothing that was prepared for it may be used. */
static void test_buffers_come_and_go(void)
{
	struct bench b;
	int wrong = 0;

	set_up(&b);
	for (int round = 0; round < 20; round++) {
		fill_in(&b, round);
		fill_products(&b);
		wrong |= run_products(&b);
		mho_buf_free(round % 2 ? b.in : b.out);
		if (mho_buf_alloc(b.dev, JOBS * SIDE * VECTOR, round % 2 ? &b.in : &b.out))
			bail("a buffer");
	}
	check(!wrong, "buffers come and go, products are right", "%d", wrong);
	mho_close(b.dev);
}

/* The same with matrices, whose handles come back, too. */
static void test_matrices_come_and_go(void)
{
	struct bench b;
	int wrong = 0;

	set_up(&b);
	for (int round = 0; round < 6; round++) {
		fill_in(&b, round);
		fill_products(&b);
		wrong |= run_products(&b);
		mho_mat_free(b.mat);
		if (make_matrix(&b))
			bail("a matrix");
	}
	check(!wrong, "matrices come and go, products are right", "%d", wrong);
	mho_close(b.dev);
}

/* More kinds of jobs than a queue remembers, some of them often: results do not depend on it. */
static void test_many_kinds(void)
{
	struct bench b;
	int wrong = 0;

	set_up(&b);
	fill_in(&b, 3);
	for (int round = 0; round < 30; round++) {
		fill_products(&b);
		for (int i = 0; i < JOBS; i += 2)
			b.jobs[i].alpha = (float)(1 << (round * JOBS + i) % 7) *
					  ((round * JOBS + i) % 3 ? 1.0f : -1.0f);
		for (int i = 1; i < JOBS; i += 4)
			b.jobs[i].flags = round % 2 ? MHO_JOB_FENCE : 0;
		wrong |= run_products(&b);
	}
	check(!wrong, "many kinds of jobs, products are right", "%d", wrong);
	mho_close(b.dev);
}

/* ---- who refuses ---- */

static char said[1024];

static void listen_to(void *arg, int level, const char *text)
{
	(void)arg;
	(void)level;
	strncat(said, text, sizeof(said) - 1 - strlen(said));
}

static void set_switch(const char *value)
{
	int fd = open(SWITCH, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, 1) != 1)
		bail(SWITCH);
	close(fd);
}

static bool doctor_says(const char *text)
{
	char line[1024];
	bool found = false;
	FILE *file = popen("mhoctl doctor", "r");

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		found |= strstr(line, text) != NULL;
	pclose(file);
	return found;
}

static void test_forbidden(void)
{
	struct mho_open_opts opts = { .size = sizeof(opts), .io = MHO_IO_URING };
	struct mho_info info = MHO_INIT(struct mho_info);
	float x[SIDE] = { 1 }, y[SIDE];
	struct mho_dev *dev, *none;
	struct mho_mat *mat;
	struct mho_mat_desc desc = { .size = sizeof(desc), .rows = SIDE, .cols = SIDE };
	int err;

	check(doctor_says("jobs go to the card through io_uring"), "doctor says that it is used",
	      "it does not");
	set_switch("2");
	err = mho_open("accel:", &opts, &none);
	check(err == -EPERM && strstr(mho_last_error(), "kernel.io_uring_disabled") &&
		      strstr(mho_last_error(), "MHO_IO_AUTO"),
	      "io_uring that is demanded and forbidden is an error that says by whom", "%d", err);
	opts.io = MHO_IO_AUTO;
	opts.log = listen_to;
	opts.log_level = MHO_LOG_INFO;
	err = mho_open("accel:", &opts, &dev);
	if (err)
		bail("accel: without io_uring");
	check(!mho_dev_info(dev, &info) && info.io == MHO_IO_THREAD &&
		      strstr(said, "no io_uring: "),
	      "where it is forbidden, ioctls take its place, and the log says why", "io %u: %s",
	      info.io, said);
	check(!mho_mat_alloc(dev, &desc, &mat) && !mho_mvm(mat, x, y, 1), "and jobs are done",
	      "they are not");
	mho_close(dev);
	check(doctor_says("jobs go to the card by ioctls"), "doctor says that it is forbidden",
	      "it does not");
	set_switch("0");
}

int main(void)
{
	printf("TAP version 13\n1..%d\n", 14);
	test_second_thread(reap_all, "waiting in reap");
	test_second_thread(poll_all, "polling");
	test_ended_thread();
	test_many_threads();
	test_buffers_come_and_go();
	test_matrices_come_and_go();
	test_many_kinds();
	test_forbidden();
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
