// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * libmho's public API on a real driver: every kind of job gives the same bits on
 * "accel:" as on "emu:", where both cards are new and have the same topology and seed;
 * errors are sentences; a card that goes away takes no program with it. Prints KTAP.
 */
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "libmho_guest.h"

#define NOBODY 65534

/* Not a multiple of a block's side, so that blocks of all shapes are there. */
#define ROWS 24
#define COLS 20
#define BLOCK 16
#define BATCH 8
#define JOBS 150 /* more than the queue is deep, and than go to the driver at once */
#define DEPTH 32

static struct mho_dev *open_card(void)
{
	return open_card_by(MHO_IO_AUTO);
}

/* ---- the same jobs on both ---- */

/* What came of them: every bit counts. */
struct outcome {
	float y[BATCH * ROWS];
	float x[BATCH * COLS];
	float read[ROWS * COLS];
	float other[ROWS * COLS];
	float wear[ROWS * COLS];
	float nanosiemens[ROWS * COLS];
	int missed;
	struct {
		int32_t status;
		uint32_t result;
		uint32_t detail;
		uint64_t device_ns;
		uint64_t energy_fj;
	} job[JOBS];
};

static struct mho_mat *make_matrix(struct mho_dev *dev)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	struct mho_mat *mat;

	desc.rows = ROWS;
	desc.cols = COLS;
	desc.block_rows = BLOCK;
	desc.block_cols = BLOCK;
	desc.scale = 2.0f;
	if (mho_mat_alloc(dev, &desc, &mat))
		bail("a matrix");
	return mat;
}

static void run_sync(struct mho_mat *mat, struct outcome *o)
{
	float w[ROWS * COLS], x[BATCH * COLS], d[BATCH * ROWS];

	fill(w, ROWS * COLS, 1);
	fill(x, BATCH * COLS, 2);
	fill(d, BATCH * ROWS, 3);
	o->missed = mho_program(mat, w, COLS, 0.0f);
	if (o->missed < 0 || mho_mvm(mat, x, o->y, BATCH) || mho_mvm_t(mat, d, o->x, BATCH) ||
	    mho_update(mat, x, d, 0.01f, BATCH) || mho_read(mat, o->read, COLS))
		bail("a synchronous call");
}

static struct mho_job model(uint32_t i, struct mho_mat *mat, struct mho_mat *other,
			    struct mho_buf *in, struct mho_buf *out)
{
	struct mho_slice a = { .buf = in }, b = { .buf = out }, i8 = { .buf = in, .type = MHO_I8 };
	struct mho_slice errors = { .buf = in, .offset = 4096 };

	switch (i % 10) {
	case 0:
		return (struct mho_job){
			.op = MHO_OP_MVM, .mat = mat, .a = a, .b = b, .batch = BATCH, .alpha = 0.5f
		};
	case 1:
		return (struct mho_job){ .op = MHO_OP_MVM_T,
					 .mat = other,
					 .a = a,
					 .b = b,
					 .batch = BATCH,
					 .alpha = 1.0f };
	case 2:
		return (struct mho_job){ .op = MHO_OP_UPDATE,
					 .mat = mat,
					 .a = a,
					 .b = errors,
					 .batch = BATCH,
					 .alpha = 0.02f,
					 .limit = 15 };
	case 3:
		return (struct mho_job){ .op = MHO_OP_PULSE, .mat = other, .a = i8 };
	case 4:
		return (struct mho_job){ .op = MHO_OP_TRANSFER,
					 .mat = mat,
					 .dst = other,
					 .src_col = 1,
					 .dst_col = 4,
					 .count = 3,
					 .alpha = -0.1f };
	case 5:
		return (struct mho_job){ .op = MHO_OP_READ, .mat = other, .b = b, .batch = 2 };
	case 6:
		return (struct mho_job){ .op = MHO_OP_NOP, .flags = MHO_JOB_FENCE };
	case 7:
		return (struct mho_job){
			.op = MHO_OP_PROGRAM, .mat = other, .a = a, .tolerance = 0.05f, .limit = 20
		};
	case 8:
		return (struct mho_job){ .op = MHO_OP_BARRIER };
	default:
		return (struct mho_job){ .op = i % 20 == 9 ? MHO_OP_SCRUB : MHO_OP_NOP,
					 .mat = i % 20 == 9 ? mat : NULL };
	}
}

static void read_as(struct mho_queue *q, struct mho_mat *mat, struct mho_buf *buf, uint32_t flags,
		    float *to)
{
	struct mho_job job = { .op = MHO_OP_READ, .flags = flags, .mat = mat, .b = { .buf = buf } };
	struct mho_job *list = &job, *done;

	if (mho_queue_submit(q, &list, 1) != 1 || mho_queue_reap(q, &done, 1, 1, -1) != 1 ||
	    job.status)
		bail("a read");
	memcpy(to, mho_buf_map(buf), ROWS * COLS * sizeof(float));
}

/* Reaps as an event loop does: until nothing is there, then poll. Number of polls, or -1. */
static int reap_all(struct mho_queue *q, uint32_t left)
{
	struct pollfd p = { .fd = mho_queue_fd(q), .events = POLLIN };
	struct mho_job *done[7];
	int n, polls = 0;

	for (;;) {
		while ((n = mho_queue_reap(q, done, 7, 0, 0)) > 0)
			left -= (uint32_t)n < left ? (uint32_t)n : left;
		if (n < 0 || !left)
			return n < 0 ? -1 : polls;
		polls++;
		while ((n = poll(&p, 1, 60000)) < 0 && errno == EINTR)
			;
		if (n != 1)
			return -1;
	}
}

static void run_jobs(struct mho_dev *dev, struct mho_mat *mat, struct outcome *o)
{
	struct mho_queue_opts opts = { .size = sizeof(opts), .depth = DEPTH };
	struct mho_job jobs[JOBS], *list[JOBS];
	struct mho_mat *other = make_matrix(dev);
	struct mho_buf *in, *out;
	struct mho_queue *q;

	if (mho_buf_alloc(dev, 8192, &in) || mho_buf_alloc(dev, 8192, &out) ||
	    mho_queue_create(dev, &opts, &q))
		bail("a queue and buffers");
	fill(mho_buf_map(in), 8192 / sizeof(float), 4);
	for (uint32_t i = 0; i < JOBS; i++) {
		jobs[i] = model(i, mat, other, in, out);
		list[i] = &jobs[i];
	}
	if (mho_queue_submit(q, list, JOBS) != JOBS || reap_all(q, JOBS) < 0)
		bail("jobs");
	for (uint32_t i = 0; i < JOBS; i++) {
		o->job[i].status = jobs[i].status;
		o->job[i].result = jobs[i].result;
		o->job[i].detail = jobs[i].detail;
		o->job[i].device_ns = jobs[i].device_ns;
		o->job[i].energy_fj = jobs[i].energy_fj;
	}
	read_as(q, other, out, 0, o->other);
	read_as(q, mat, out, MHO_JOB_WEAR, o->wear);
	read_as(q, mat, out, MHO_JOB_CONDUCTANCE, o->nanosiemens);
	mho_queue_destroy(q);
}

static void run(struct mho_dev *dev, struct outcome *o)
{
	struct mho_mat *mat = make_matrix(dev);

	memset(o, 0, sizeof(*o));
	run_sync(mat, o);
	run_jobs(dev, mat, o);
}

#define SAME_BITS(field)                                                                      \
	check(!memcmp(card->field, emu->field, sizeof(emu->field)), "the same bits: " #field, \
	      "they differ (%s)", way)

/* Whichever way jobs go in. */
static void test_same(uint32_t io, const char *way)
{
	struct outcome *card = malloc(sizeof(*card)), *emu = malloc(sizeof(*emu));
	struct mho_info info = MHO_INIT(struct mho_info);
	struct mho_dev *dev, *same;
	unsigned int good = 0, bad = JOBS;

	renew();
	dev = open_card_by(io);
	check(!mho_dev_info(dev, &info) && info.io == io, "jobs go in as asked for", "%s: %u", way,
	      info.io);
	same = open_same(dev);
	run(dev, card);
	run(same, emu);
	SAME_BITS(y);
	SAME_BITS(x);
	SAME_BITS(read);
	SAME_BITS(other);
	SAME_BITS(wear);
	SAME_BITS(nanosiemens);
	check(card->missed == emu->missed, "the same cells missed", "%d, %d", card->missed,
	      emu->missed);
	for (unsigned int i = JOBS; i-- > 0;) {
		good += !card->job[i].status;
		if (memcmp(&card->job[i], &emu->job[i], sizeof(emu->job[i])))
			bad = i;
	}
	check(bad == JOBS, "the same result, time and energy of each job", "job %u", bad);
	check(good == JOBS, "all jobs done", "%u of %d", good, JOBS);
	mho_close(dev);
	mho_close(same);
	free(card);
	free(emu);
}

/* ---- rights ---- */

static int as_nobody(int (*what)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(99);
		_exit(what());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Each returns 0, or which of its checks failed. */
static int may_not_open(void)
{
	struct mho_dev *dev;

	if (mho_open("accel:", NULL, &dev) != -EACCES)
		return 1;
	return strstr(mho_last_error(), "the group render may") ? 0 : 2;
}

static int may_not_order(void)
{
	struct mho_queue_opts opts = { .size = sizeof(opts), .priority = 3 };
	struct mho_selftest test = MHO_INIT(struct mho_selftest);
	struct mho_queue *q;
	struct mho_dev *dev;

	if (mho_open("accel:", NULL, &dev))
		return 1;
	if (mho_calibrate(dev, -1) != -EACCES || !strstr(mho_last_error(), "CAP_SYS_ADMIN"))
		return 2;
	if (mho_selftest_run(dev, 1, &test) != -EACCES ||
	    !strstr(mho_last_error(), "CAP_SYS_ADMIN"))
		return 3;
	if (mho_reset(dev) != -EACCES || !strstr(mho_last_error(), "CAP_SYS_ADMIN"))
		return 4;
	if (mho_queue_create(dev, &opts, &q) != -EACCES ||
	    !strstr(mho_last_error(), "CAP_SYS_NICE"))
		return 5;
	if (mho_selftest_run(dev, 0, &test) || test.failures)
		return 6;
	mho_close(dev);
	return 0;
}

static void test_rights(void)
{
	int ret;

	chmod("/dev/accel/accel0", 0600);
	ret = as_nobody(may_not_open);
	check(!ret, "who may not open the node is told the group", "check %d", ret);
	chmod("/dev/accel/accel0", 0666);
	ret = as_nobody(may_not_order);
	check(!ret, "what needs root is refused with a reason", "check %d", ret);
	chmod("/dev/accel/accel0", 0600);
}

/* ---- a card that goes away ---- */

static void test_gone(void)
{
	struct mho_dev *dev = open_card(), *again;
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);
	struct mho_job jobs[JOBS], *list[JOBS], *done[JOBS];
	struct mho_queue_opts opts = { .size = sizeof(opts), .depth = DEPTH };
	struct mho_mat *mat = make_matrix(dev);
	unsigned int ok = 0, gone = 0;
	char address[NAME_MAX + 1];
	struct mho_queue *q;
	struct mho_buf *buf;
	float x[COLS] = { 0 }, y[ROWS];
	int n;

	find_address(address, sizeof(address));
	if (mho_buf_alloc(dev, 4096, &buf) || mho_queue_create(dev, &opts, &q))
		bail("a queue and a buffer");
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = (struct mho_job){
			.op = MHO_OP_READ, .mat = mat, .b = { .buf = buf }, .batch = 4096
		};
		list[i] = &jobs[i];
	}
	if (mho_queue_submit(q, list, JOBS) != JOBS || !write_file(DRIVER "unbind", address))
		bail("the driver cannot be unbound");
	n = reap_all(q, JOBS / 2);
	check(n >= 0, "an event loop hears of a card that is gone", "%d", n);
	while (mho_queue_pending(q) && (n = mho_queue_reap(q, done, JOBS, JOBS, -1)) >= 0)
		;
	for (int i = 0; i < JOBS; i++) {
		ok += !jobs[i].status;
		gone += jobs[i].status == -ENODEV;
	}
	check(n >= 0 && ok + gone == JOBS && gone, "each job is done or ends with -ENODEV",
	      "%u done, %u gone of %d", ok, gone, JOBS);
	check(mho_mvm(mat, x, y, 1) == -ENODEV && strstr(mho_last_error(), "is gone"),
	      "a synchronous call says that the card is gone", "it does not");
	check(mho_telemetry_get(dev, &t) == -ENODEV && strstr(mho_last_error(), "is gone"),
	      "a question says that the card is gone", "it does not");
	check(mho_open("accel:", NULL, &again) == -ENODEV &&
		      strstr(mho_last_error(), "has no driver: sudo modprobe mho"),
	      "opening says that the driver is missing", "it does not");
	mho_close(dev);
	if (!write_file(DRIVER "bind", address))
		bail("the driver cannot be bound");
	dev = open_card();
	mat = make_matrix(dev);
	check(!mho_mvm(mat, x, y, 1), "a new program works on the card that is back",
	      "it does not");
	mho_close(dev);
}

int main(void)
{
	printf("TAP version 13\n1..%d\n", 28);
	test_same(MHO_IO_URING, "io_uring");
	test_same(MHO_IO_THREAD, "ioctls");
	test_rights();
	test_gone();
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
