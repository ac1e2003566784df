// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Graphs and fences on a real driver, by both ways in: prepared sequences give the same bits
 * as the same graph on an emulated card, also where a job fails, and so does a network of
 * libmho-nn; sync files tell of jobs and hold others back, between queues and between open
 * files. Prints KTAP.
 */
#include <errno.h>
#include <math.h>
#include <mho/nn.h>
#include <sys/eventfd.h>

#include "libmho_guest.h"

#define ROWS 24
#define COLS 20
#define BLOCK 16
#define SLOTS 4
#define RUNS (3 * SLOTS) /* more than the graph may have in flight */
#define DEPTH 32
#define WAIT_NS 20000000000
#define WAIT_MS 20000
#define BAD_INPUT 0x0401

/* Floats of a slot, in which each vector has its place. */
#define X 0
#define Y 32
#define Z 64
#define V 96
#define ALL 128
#define WIDTH (ALL + ROWS * COLS)

#define CHAIN 6 /* jobs of the chain */
#define PARTS 4 /* of the graph with a function */
#define BROKEN 3 /* jobs of the graph that fails */

static struct mho_queue *make_queue(struct mho_dev *dev)
{
	struct mho_queue_opts opts = { .size = sizeof(opts), .depth = DEPTH };
	struct mho_queue *queue;

	if (mho_queue_create(dev, &opts, &queue))
		bail("a queue");
	return queue;
}

static struct mho_buf *make_buffer(struct mho_dev *dev, size_t floats)
{
	struct mho_buf *buf;

	if (mho_buf_alloc(dev, floats * sizeof(float), &buf))
		bail("a buffer");
	return buf;
}

static struct mho_mat *make_matrix(struct mho_dev *dev, uint32_t seed)
{
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	float w[ROWS * COLS];
	struct mho_mat *mat;

	desc.rows = ROWS;
	desc.cols = COLS;
	desc.block_rows = BLOCK;
	desc.block_cols = BLOCK;
	desc.scale = 2.0f;
	fill(w, ROWS * COLS, seed);
	if (mho_mat_alloc(dev, &desc, &mat) || mho_program(mat, w, COLS, 0.0f) < 0)
		bail("a matrix");
	return mat;
}

static int reap_all(struct mho_queue *queue)
{
	struct mho_job *done[RUNS];

	while (mho_queue_pending(queue))
		if (mho_queue_reap(queue, done, RUNS, 1, WAIT_NS) < 0)
			return -1;
	return 0;
}

/* ---- graphs ---- */

/* What came of a job or a run: every bit counts. */
struct result {
	int32_t status;
	uint32_t result;
	uint32_t detail;
	uint64_t device_ns;
	uint64_t energy_fj;
};

struct outcome {
	struct result chain[RUNS];
	struct result function[RUNS];
	struct result broken[RUNS];
	struct mho_graph_stat chain_stat[CHAIN];
	struct mho_graph_stat function_stat[PARTS];
	struct mho_graph_stat broken_stat[BROKEN];
	float memory[SLOTS * WIDTH];
	float weights[2][ROWS * COLS];
	unsigned int prepared; /* jobs in the driver for the first run of the chain */
	int calls;
};

struct bench {
	struct mho_dev *dev;
	struct mho_mat *mat[2];
	struct mho_buf *buf;
	struct mho_queue *queue;
	float *p;
	int calls;
};

static struct mho_graph *begin_graph(struct bench *b)
{
	struct mho_graph_opts opts = MHO_INIT(struct mho_graph_opts);
	struct mho_graph *graph;

	opts.runs = opts.a_slots = opts.b_slots = SLOTS;
	if (mho_graph_create(b->dev, &opts, &graph))
		bail("a graph");
	return graph;
}

static void add(struct bench *b, struct mho_graph *graph, uint32_t op, int mat, int from, int to)
{
	struct mho_job job = { .op = op, .mat = b->mat[mat], .alpha = 0.25f };
	struct mho_graph_step step = { WIDTH * sizeof(float), WIDTH * sizeof(float) };

	if (op == MHO_OP_READ)
		step.a = 0;
	else
		job.a = (struct mho_slice){ .buf = b->buf, .offset = from * sizeof(float) };
	job.b = (struct mho_slice){ .buf = b->buf, .offset = to * sizeof(float) };
	if (mho_graph_add(graph, &job, &step) < 0)
		bail("a job of a graph");
}

static void seal(struct mho_graph *graph)
{
	if (mho_graph_seal(graph))
		bail("the end of a graph");
}

/* Memory orders jobs of both matrices, and each matrix changes from run to run. */
static struct mho_graph *make_chain(struct bench *b)
{
	struct mho_graph *graph = begin_graph(b);

	add(b, graph, MHO_OP_MVM, 0, X, Y);
	add(b, graph, MHO_OP_MVM_T, 1, Y, Z);
	add(b, graph, MHO_OP_UPDATE, 0, X, Y);
	add(b, graph, MHO_OP_MVM, 0, Z, V);
	add(b, graph, MHO_OP_UPDATE, 1, Z, V);
	add(b, graph, MHO_OP_READ, 1, 0, ALL);
	seal(graph);
	return graph;
}

/* V = Y / 2 */
static int halve(void *arg, const struct mho_job *run)
{
	struct bench *b = arg;
	float *slot = b->p + run->a_slot * WIDTH;

	b->calls++;
	for (int i = 0; i < ROWS; i++)
		slot[V + i] = slot[Y + i] / 2;
	return 0;
}

static struct mho_graph *make_function(struct bench *b)
{
	struct mho_graph *graph = begin_graph(b);
	struct mho_graph_access access[2] = {
		{ .buf = b->buf,
		  .offset = Y * sizeof(float),
		  .bytes = ROWS * sizeof(float),
		  .step = WIDTH * sizeof(float) },
		{ .buf = b->buf,
		  .offset = V * sizeof(float),
		  .bytes = ROWS * sizeof(float),
		  .step = WIDTH * sizeof(float),
		  .flags = MHO_ACCESS_WRITE },
	};

	add(b, graph, MHO_OP_MVM, 0, X, Y);
	if (mho_graph_add_host(graph, halve, b, access, 2) < 0)
		bail("a function of a graph");
	add(b, graph, MHO_OP_MVM_T, 1, V, Z);
	add(b, graph, MHO_OP_UPDATE, 1, Z, V);
	seal(graph);
	return graph;
}

/* The second job has what is no number; the others do not depend on it. */
static struct mho_graph *make_broken(struct bench *b)
{
	struct mho_graph *graph = begin_graph(b);

	add(b, graph, MHO_OP_MVM, 0, X, Y);
	add(b, graph, MHO_OP_MVM_T, 1, V, Z);
	add(b, graph, MHO_OP_READ, 0, 0, ALL);
	seal(graph);
	return graph;
}

static void run_graph(struct bench *b, struct mho_graph *graph, uint32_t runs, struct result *to)
{
	struct mho_job jobs[RUNS], *list[RUNS];

	for (uint32_t i = 0; i < runs; i++) {
		jobs[i] = (struct mho_job){
			.op = MHO_OP_GRAPH, .graph = graph, .a_slot = i % SLOTS, .b_slot = i % SLOTS
		};
		list[i] = &jobs[i];
	}
	if (mho_queue_submit(b->queue, list, runs) != (int)runs || reap_all(b->queue))
		bail("runs of a graph");
	for (uint32_t i = 0; i < runs; i++)
		to[i] = (struct result){ jobs[i].status, jobs[i].result, jobs[i].detail,
					 jobs[i].device_ns, jobs[i].energy_fj };
}

static void get_stats(struct mho_graph *graph, uint32_t n, struct mho_graph_stat *to)
{
	for (uint32_t i = 0; i < n; i++) {
		to[i] = (struct mho_graph_stat){ .size = sizeof(*to) };
		if (mho_graph_stat_get(graph, i, &to[i]))
			bail("statistics of a graph");
	}
}

/* Of all of this process' open cards, as fdinfo has it. */
static unsigned int prepared_jobs(void)
{
	unsigned int sum = 0, n;
	struct dirent *entry;
	char path[300], line[256];
	DIR *dir = opendir("/proc/self/fdinfo");

	while (dir && (entry = readdir(dir))) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", entry->d_name);
		file = fopen(path, "re");
		while (file && fgets(line, sizeof(line), file))
			if (sscanf(line, "mho-prepared-jobs: %u", &n) == 1)
				sum += n;
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
	return sum;
}

static void run_all(struct mho_dev *dev, struct outcome *o)
{
	struct bench b = { .dev = dev };
	struct mho_graph *chain, *function, *broken;
	unsigned int before;

	memset(o, 0, sizeof(*o));
	b.mat[0] = make_matrix(dev, 1);
	b.mat[1] = make_matrix(dev, 2);
	b.buf = make_buffer(dev, SLOTS * WIDTH);
	b.queue = make_queue(dev);
	b.p = mho_buf_map(b.buf);
	chain = make_chain(&b);
	function = make_function(&b);
	broken = make_broken(&b);
	fill(b.p, SLOTS * WIDTH, 3);

	before = prepared_jobs();
	run_graph(&b, chain, 1, o->chain);
	o->prepared = prepared_jobs() - before;
	run_graph(&b, chain, RUNS, o->chain);
	run_graph(&b, function, RUNS, o->function);
	b.p[WIDTH + V] = NAN;
	run_graph(&b, broken, RUNS, o->broken);
	b.p[WIDTH + V] = 0.5f;
	run_graph(&b, chain, RUNS, o->chain);
	get_stats(chain, CHAIN, o->chain_stat);
	get_stats(function, PARTS, o->function_stat);
	get_stats(broken, BROKEN, o->broken_stat);
	memcpy(o->memory, b.p, sizeof(o->memory));
	for (int i = 0; i < 2; i++)
		if (mho_read(b.mat[i], o->weights[i], COLS))
			bail("a read");
	o->calls = b.calls;
	mho_graph_destroy(chain);
	mho_graph_destroy(function);
	/* With its queue, which goes first. */
	mho_queue_destroy(b.queue);
	mho_graph_destroy(broken);
}

static unsigned int count(const struct result *results, int status, uint32_t detail)
{
	unsigned int n = 0;

	for (int i = 0; i < RUNS; i++)
		n += results[i].status == status && (!status || results[i].detail == detail);
	return n;
}

#define SAME_BITS(field)                                                                      \
	check(!memcmp(card->field, emu->field, sizeof(emu->field)), "the same bits: " #field, \
	      "they differ (%s)", way)

static void test_graphs(struct mho_dev *dev, struct mho_dev *same, uint32_t io, const char *way)
{
	struct outcome *card = malloc(sizeof(*card)), *emu = malloc(sizeof(*emu));
	unsigned int prepared = io == MHO_IO_URING ? CHAIN * SLOTS : 0, good = 0;

	if (!card || !emu)
		bail("memory");
	run_all(dev, card);
	run_all(same, emu);
	check(card->prepared == prepared, "a graph is prepared in the driver with io_uring only",
	      "%s: %u jobs", way, card->prepared);
	SAME_BITS(chain);
	SAME_BITS(function);
	SAME_BITS(broken);
	SAME_BITS(chain_stat);
	SAME_BITS(function_stat);
	SAME_BITS(broken_stat);
	SAME_BITS(memory);
	SAME_BITS(weights);
	check(count(card->chain, 0, 0) == RUNS && count(card->function, 0, 0) == RUNS,
	      "all runs done", "%u, %u of %d", count(card->chain, 0, 0),
	      count(card->function, 0, 0), RUNS);
	for (int i = 0; i < CHAIN; i++)
		good += card->chain_stat[i].runs == 1 + 2 * RUNS && !card->chain_stat[i].errors &&
			card->chain_stat[i].device_ns > 0;
	check(good == CHAIN && card->calls == RUNS, "each job and function is counted",
	      "%u jobs, %d calls", good, card->calls);
	check(count(card->broken, BAD_INPUT, 1) == RUNS / SLOTS &&
		      count(card->broken, 0, 0) == RUNS - RUNS / SLOTS,
	      "a run with a job that fails has its status and number, others do not",
	      "%u fail, %u are done", count(card->broken, BAD_INPUT, 1), count(card->broken, 0, 0));
	check(card->broken_stat[1].errors == RUNS / SLOTS &&
		      card->broken_stat[1].status == BAD_INPUT && card->broken_stat[2].runs == RUNS,
	      "only that job has failed", "%llu errors, %llu runs of the next",
	      (unsigned long long)card->broken_stat[1].errors,
	      (unsigned long long)card->broken_stat[2].runs);
	free(card);
	free(emu);
}

/* ---- a network ---- */

#define INPUTS 12
#define HIDDEN 16
#define CLASSES 3
#define SAMPLES 8

struct lesson {
	float before[SAMPLES * CLASSES];
	float after[SAMPLES * CLASSES];
	float weights[HIDDEN * INPUTS];
	double loss;
	struct mho_nn_cost cost;
};

static void learn(struct mho_dev *dev, struct lesson *l)
{
	struct mho_nn_layer layer[2] = {
		{ .size = sizeof(*layer), .outputs = HIDDEN, .activation = MHO_NN_TANH },
		{ .size = sizeof(*layer), .outputs = CLASSES, .activation = MHO_NN_SOFTMAX },
	};
	struct mho_nn_desc desc = {
		.size = sizeof(desc), .inputs = INPUTS, .layers = 2, .layer = layer, .seed = 7
	};
	struct mho_nn_score score = { .size = sizeof(score) };
	int32_t labels[SAMPLES];
	float x[SAMPLES * INPUTS];
	struct mho_nn *nn;

	memset(l, 0, sizeof(*l));
	l->cost.size = sizeof(l->cost);
	fill(x, SAMPLES * INPUTS, 5);
	for (int i = 0; i < SAMPLES; i++)
		labels[i] = i % CLASSES;
	if (mho_nn_create(dev, &desc, &nn))
		bail("a network");
	if (mho_nn_predict(nn, x, SAMPLES, l->before) ||
	    mho_nn_train_batch(nn, x, labels, SAMPLES, 0.1f, &score) ||
	    mho_nn_predict(nn, x, SAMPLES, l->after) || mho_nn_get(nn, 0, l->weights, NULL) ||
	    mho_nn_cost_get(nn, &l->cost)) {
		printf("# %s\n", mho_nn_last_error());
		bail("a step of training");
	}
	l->loss = score.loss;
	mho_nn_destroy(nn);
}

static void test_network(struct mho_dev *dev, struct mho_dev *same, const char *way)
{
	struct lesson lessons[2], *card = &lessons[0], *emu = &lessons[1];

	learn(dev, card);
	learn(same, emu);
	SAME_BITS(before);
	SAME_BITS(after);
	SAME_BITS(weights);
	check(card->loss == emu->loss && !memcmp(&card->cost, &emu->cost, sizeof(emu->cost)),
	      "the same loss and cost", "%s: %g, %g", way, card->loss, emu->loss);
	check(memcmp(card->before, card->after, sizeof(card->after)) && card->cost.pulses > 0,
	      "the network has learned", "%llu pulses", (unsigned long long)card->cost.pulses);
}

/* ---- fences ---- */

/* Vectors of the slow job. */
#define MANY 256

/* A slow job, which writes last what a quick one on another matrix reads. */
struct relay {
	struct mho_queue *queue;
	struct mho_buf *buf;
	float *p;
	struct mho_job slow;
	struct mho_job quick;
};

static void make_relay(struct mho_dev *dev, struct relay *r)
{
	memset(r, 0, sizeof(*r));
	r->queue = make_queue(dev);
	r->buf = make_buffer(dev, MANY * (ROWS + COLS) + COLS);
	r->p = mho_buf_map(r->buf);
	r->slow = (struct mho_job){ .op = MHO_OP_MVM,
				    .mat = make_matrix(dev, 1),
				    .a = { .buf = r->buf },
				    .b = { .buf = r->buf, .offset = MANY * COLS * sizeof(float) },
				    .batch = MANY,
				    .alpha = 1.0f };
	r->quick = (struct mho_job){
		.op = MHO_OP_MVM_T,
		.mat = make_matrix(dev, 2),
		.a = { .buf = r->buf, .offset = (MANY * (ROWS + COLS) - ROWS) * sizeof(float) },
		.b = { .buf = r->buf, .offset = MANY * (ROWS + COLS) * sizeof(float) },
		.alpha = 1.0f
	};
}

static void submit(struct mho_queue *queue, struct mho_job *job)
{
	if (mho_queue_submit(queue, &job, 1) != 1)
		bail("a job");
}

static bool reap_one(struct mho_queue *queue, const struct mho_job *job)
{
	struct mho_job *done = NULL;

	return mho_queue_reap(queue, &done, 1, 1, WAIT_NS) == 1 && done == job && !job->status;
}

/* Where nothing was written there is what is no number, which a job refuses. */
static void begin_slow(struct relay *r)
{
	fill(r->p, MANY * COLS, 9);
	for (int i = MANY * COLS; i < MANY * (COLS + ROWS); i++)
		r->p[i] = NAN;
	submit(r->queue, &r->slow);
}

static bool slow_is_done(const struct relay *r)
{
	for (int i = MANY * COLS; i < MANY * (COLS + ROWS); i++)
		if (isnan(r->p[i]))
			return false;
	return true;
}

static int export(struct mho_queue *queue)
{
	int fd = -1;

	if (mho_queue_fence_export(queue, &fd))
		bail("a fence");
	return fd;
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLIN);
}

static bool is_sync_file(int fd)
{
	char path[64], target[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "sync_file");
}

static void test_export(struct relay *r, const char *way)
{
	unsigned int told = 0, good = 0;
	bool sync_files = true;

	for (int i = 0; i < 5; i++) {
		int fd;

		begin_slow(r);
		fd = export(r->queue);
		sync_files &= is_sync_file(fd);
		/* Nobody has reaped. */
		told += is_readable(fd, WAIT_MS) && slow_is_done(r);
		good += reap_one(r->queue, &r->slow);
		close(fd);
	}
	check(sync_files, "a fence is a sync file", "%s", way);
	check(told == 5 && good == 5, "it is readable when the jobs before it are done",
	      "%s: %u told, %u done", way, told, good);
}

/* Runs of a graph, too, of which nothing is reaped. */
static void test_export_graph(struct mho_dev *dev, const char *way)
{
	struct bench b = { .dev = dev };
	struct mho_graph *graph;
	struct mho_job job;
	bool good;
	int fd;

	b.mat[0] = make_matrix(dev, 1);
	b.mat[1] = make_matrix(dev, 2);
	b.buf = make_buffer(dev, SLOTS * WIDTH);
	b.queue = make_queue(dev);
	b.p = mho_buf_map(b.buf);
	graph = make_chain(&b);
	fill(b.p, WIDTH, 3);
	b.p[ALL + ROWS * COLS - 1] = NAN;
	job = (struct mho_job){ .op = MHO_OP_GRAPH, .graph = graph };
	submit(b.queue, &job);
	fd = export(b.queue);
	good = is_readable(fd, WAIT_MS) && !isnan(b.p[ALL + ROWS * COLS - 1]);
	check(good && reap_one(b.queue, &job), "and of a graph's run, too", "%s: %d", way, good);
	close(fd);
	mho_graph_destroy(graph);
	mho_queue_destroy(b.queue);
	mho_mat_free(b.mat[0]);
	mho_mat_free(b.mat[1]);
}

/* The other queue's job waits without anybody's waiting. */
static void test_between_queues(struct mho_dev *dev, struct relay *r, const char *way)
{
	struct mho_queue *other = make_queue(dev);
	unsigned int good = 0;

	for (int i = 0; i < 5; i++) {
		int fd;

		begin_slow(r);
		fd = export(r->queue);
		if (mho_queue_fence_import(other, fd))
			bail("the import of a fence");
		close(fd);
		submit(other, &r->quick);
		good += reap_one(other, &r->quick) && slow_is_done(r);
		good += reap_one(r->queue, &r->slow);
	}
	check(good == 10, "a fence orders jobs of two queues", "%s: %u", way, good);
	mho_queue_destroy(other);
}

static void test_between_files(struct relay *r, uint32_t io, const char *way)
{
	struct mho_dev *dev = open_card_by(io);
	struct mho_queue *other = make_queue(dev);
	struct mho_job nop = { .op = MHO_OP_NOP };
	unsigned int good = 0;

	for (int i = 0; i < 5; i++) {
		int fd;

		begin_slow(r);
		fd = export(r->queue);
		if (mho_queue_fence_import(other, fd))
			bail("the import of a fence");
		submit(other, &nop);
		good += reap_one(other, &nop) && slow_is_done(r) && is_readable(fd, 0);
		good += reap_one(r->queue, &r->slow);
		close(fd);
	}
	check(good == 10, "a fence orders jobs of two open files", "%s: %u", way, good);
	mho_close(dev);
}

/* What is no sync file the driver does not take: the library waits for it. */
static void test_strange(struct relay *r, const char *way)
{
	struct mho_job nop = { .op = MHO_OP_NOP }, *done;
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;
	int early;

	if (fd < 0 || mho_queue_fence_import(r->queue, fd))
		bail("the import of an eventfd");
	submit(r->queue, &nop);
	early = mho_queue_reap(r->queue, &done, 1, 1, 1000000);
	if (write(fd, &one, sizeof(one)) != sizeof(one))
		bail("an eventfd");
	check(!early && reap_one(r->queue, &nop), "an eventfd holds jobs back, too", "%s: %d", way,
	      early);
	close(fd);
}

static void test_ends(struct relay *r, const char *way)
{
	int fd;

	begin_slow(r);
	fd = export(r->queue);
	mho_queue_destroy(r->queue);
	check(is_readable(fd, WAIT_MS), "a fence of a queue that has ended is readable", "%s", way);
	close(fd);
}

static void test_fences(struct mho_dev *dev, uint32_t io, const char *way)
{
	struct relay r;

	make_relay(dev, &r);
	test_export(&r, way);
	test_export_graph(dev, way);
	test_between_queues(dev, &r, way);
	test_between_files(&r, io, way);
	test_strange(&r, way);
	test_ends(&r, way);
}

static void test_way(uint32_t io, const char *way)
{
	struct mho_dev *dev, *same;

	renew();
	dev = open_card_by(io);
	same = open_same(dev);
	test_graphs(dev, same, io, way);
	test_network(dev, same, way);
	mho_close(same);
	mho_close(dev);
	dev = open_card_by(io);
	test_fences(dev, io, way);
	mho_close(dev);
}

int main(void)
{
	printf("TAP version 13\n1..%d\n", 2 * 25);
	test_way(MHO_IO_URING, "io_uring");
	test_way(MHO_IO_THREAD, "ioctls");
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
