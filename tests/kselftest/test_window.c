// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Tiles' buffers in a program: ARRAY_WINDOW, what can be mapped, jobs with operands there, and
 * that no file reaches the tiles of another, however it tries.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/vgem_drm.h>
#include <linux/dma-buf.h>

#include <mho_hw.h>

#include "mho_test.h"
#include "mho_test_fault.h"

/* Two by two blocks of different shapes. */
#define ROWS 24
#define COLS 20
#define BLOCKS 4
#define BATCH 4
#define NOBODY 65534
#define SECRET 0x5ec7e75ec7e75ec7ULL

/* A block's buffers, as a program has them. */
struct view {
	struct drm_mho_array_window args;
	void *in;
	void *out;
};

static int ask(int fd, uint32_t array, uint32_t block, struct drm_mho_array_window *args)
{
	*args = (struct drm_mho_array_window){ .handle = array, .block = block };
	return mt_ioctl(fd, DRM_IOCTL_MHO_ARRAY_WINDOW, args);
}

static void *map_at(int fd, uint64_t offset, size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
}

static int view_open(int fd, uint32_t array, uint32_t block, struct view *view)
{
	int ret = ask(fd, array, block, &view->args);

	if (ret)
		return ret;
	view->in = map_at(fd, view->args.mmap_offset, view->args.in_size + view->args.out_size);
	if (view->in == MAP_FAILED)
		return -errno;
	view->out = (char *)view->in + view->args.in_size;
	return 0;
}

static void view_close(struct view *view)
{
	munmap(view->in, view->args.in_size + view->args.out_size);
}

/* The memory is the device's: read every time, and whole. */
static uint64_t peek(const void *at)
{
	return *(const volatile uint64_t *)at;
}

static void poke(void *at, uint64_t value)
{
	*(volatile uint64_t *)at = value;
}

static bool window_zero(const struct view *view)
{
	const uint64_t *words = view->in;
	size_t i, count = (view->args.in_size + view->args.out_size) / sizeof(*words);

	for (i = 0; i < count; i++)
		if (peek(&words[i]))
			return false;
	return true;
}

/* A file with one array on all of the card's tiles that are free, each block on its own. */
static int take_all(struct mt_session *s, uint32_t *array, uint32_t *blocks)
{
	struct drm_mho_array_create args = mt_array_args(16, 1);
	int ret = mt_session_open(s);

	if (ret)
		return ret;
	ret = mt_tiles_free(s->fd);
	if (ret <= 0)
		return ret ? ret : -ENOSPC;
	*blocks = ret;
	args.cols = *blocks;
	args.block_cols = 1;
	ret = mt_ioctl(s->fd, DRM_IOCTL_MHO_ARRAY_CREATE, &args);
	*array = args.handle;
	return ret;
}

static int fill_all(struct mt_session *s, uint32_t array, uint32_t blocks, uint64_t value,
		    bool *were_zero)
{
	struct view view;
	uint32_t i;
	int ret;

	*were_zero = true;
	for (i = 0; i < blocks; i++) {
		ret = view_open(s->fd, array, i, &view);
		if (ret)
			return ret;
		*were_zero &= window_zero(&view);
		poke(view.in, value);
		poke(view.out, value);
		view_close(&view);
	}
	return 0;
}

FIXTURE(window)
{
	struct mt_session s;
	struct drm_mho_info info;
	uint32_t array;
};

FIXTURE_SETUP(window)
{
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ((int)sizeof(self->info),
		  mt_query(self->s.fd, DRM_MHO_QUERY_INFO, 0, &self->info, sizeof(self->info)));
	if (!(self->info.features & DRM_MHO_FEATURE_WINDOW))
		SKIP(return, "the card has no window");
	ASSERT_EQ(0, mt_array_create(self->s.fd, ROWS, COLS, &self->array));
}

FIXTURE_TEARDOWN(window)
{
	mt_session_close(&self->s);
}

TEST_F(window, arguments)
{
	struct drm_mho_array_window args, first;

	ASSERT_EQ(0, ask(self->s.fd, self->array, 0, &first));
	EXPECT_EQ(self->info.window_in, first.in_size);
	EXPECT_EQ(self->info.window_out, first.out_size);
	EXPECT_NE(0, first.mmap_offset);
	ASSERT_EQ(0, ask(self->s.fd, self->array, BLOCKS - 1, &args));
	EXPECT_EQ(first.mmap_offset + (BLOCKS - 1) * (args.in_size + args.out_size),
		  args.mmap_offset);
	EXPECT_EQ(-ENOENT, ask(self->s.fd, self->array, BLOCKS, &args));
	EXPECT_EQ(-ENOENT, ask(self->s.fd, self->array, UINT32_MAX, &args));
	EXPECT_EQ(-ENOENT, ask(self->s.fd, self->array + 1, 0, &args));
	EXPECT_EQ(-ENOENT, ask(self->s.fd, 0, 0, &args));
#define REFUSED(field)                                                                       \
	do {                                                                                 \
		args = (struct drm_mho_array_window){ .handle = self->array };               \
		args.field = 1;                                                              \
		EXPECT_EQ(-EINVAL, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_WINDOW, &args)); \
	} while (0)
	REFUSED(flags);
	REFUSED(losses);
	REFUSED(mmap_offset);
	REFUSED(in_size);
	REFUSED(out_size);
}

TEST_F(window, buffers_are_their_own)
{
	struct view view[BLOCKS];
	unsigned int i;

	for (i = 0; i < BLOCKS; i++) {
		ASSERT_EQ(0, view_open(self->s.fd, self->array, i, &view[i]));
		EXPECT_TRUE(window_zero(&view[i]));
	}
	for (i = 0; i < BLOCKS; i++) {
		memset(view[i].in, 0x11 + i, view[i].args.in_size);
		memset(view[i].out, 0x81 + i, view[i].args.out_size);
	}
	for (i = 0; i < BLOCKS; i++) {
		EXPECT_EQ(0x0101010101010101ULL * (0x11 + i), peek(view[i].in));
		EXPECT_EQ(0x0101010101010101ULL * (0x11 + i), peek((char *)view[i].out - 8));
		EXPECT_EQ(0x0101010101010101ULL * (0x81 + i), peek(view[i].out));
		EXPECT_EQ(0x0101010101010101ULL * (0x81 + i),
			  peek((char *)view[i].out + view[i].args.out_size - 8));
		view_close(&view[i]);
	}
	/* A new mapping shows the same memory. */
	ASSERT_EQ(0, view_open(self->s.fd, self->array, 1, &view[1]));
	EXPECT_EQ(0x1212121212121212ULL, peek(view[1].in));
	view_close(&view[1]);
}

TEST_F(window, shapes_of_mappings)
{
	const int both = PROT_READ | PROT_WRITE;
	struct drm_mho_array_window a;
	size_t in, out, page = sysconf(_SC_PAGESIZE);
	int fd = self->s.fd;
	void *p, *q;

	ASSERT_EQ(0, ask(fd, self->array, 0, &a));
	in = a.in_size;
	out = a.out_size;
#define MMAP_FAILS(error, offset, size, prot, flags)                                             \
	do {                                                                                     \
		EXPECT_EQ(MAP_FAILED,                                                            \
			  mmap(NULL, size, prot, flags, fd, (off_t)(a.mmap_offset + (offset)))); \
		EXPECT_EQ(error, errno);                                                         \
	} while (0)
	MMAP_FAILS(EINVAL, 0, in + out + page, both, MAP_SHARED);
	MMAP_FAILS(EINVAL, 0, 2 * (in + out), both, MAP_SHARED);
	MMAP_FAILS(EINVAL, page, in + out, both, MAP_SHARED);
	MMAP_FAILS(EINVAL, in, out + in, both, MAP_SHARED);
	MMAP_FAILS(EINVAL, BLOCKS * (in + out), in + out, both, MAP_SHARED);
	MMAP_FAILS(EINVAL, -page, page, both, MAP_SHARED);
	MMAP_FAILS(EINVAL, 0, in + out, both, MAP_PRIVATE);
	MMAP_FAILS(EINVAL, 0, in + out, PROT_READ, MAP_PRIVATE);
	MMAP_FAILS(EINVAL, 0, in + out, both | PROT_EXEC, MAP_SHARED);
	if (in > page)
		MMAP_FAILS(EINVAL, 0, in - page, both, MAP_SHARED);

	/* Either buffer alone; one may only be read. */
	p = mmap(NULL, in, both, MAP_SHARED, fd, (off_t)a.mmap_offset);
	ASSERT_NE(MAP_FAILED, p);
	q = mmap(NULL, out, PROT_READ, MAP_SHARED, fd, (off_t)(a.mmap_offset + in));
	ASSERT_NE(MAP_FAILED, q);
	poke(p, 1);
	EXPECT_EQ(0, peek(q));
	EXPECT_EQ(-1, mprotect(p, in, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, mremap(p, in, 2 * (in + out), MREMAP_MAYMOVE));
	EXPECT_EQ(0, munmap(p, in));
	EXPECT_EQ(0, munmap(q, out));
}

/* Elements of slice i of n in two: as blocks are cut. */
static size_t slice_at(size_t n, unsigned int i)
{
	return i ? (n + 1) / 2 : 0;
}

static size_t slice_size(size_t n, unsigned int i)
{
	return i ? n / 2 : (n + 1) / 2;
}

/* Vectors in slices: columns lie in the first row of blocks, rows in the first column. */
static void scatter(struct view view[BLOCKS], bool columns, bool out, const float *from, size_t n)
{
	unsigned int i, k;

	for (i = 0; i < 2; i++) {
		struct view *v = &view[columns ? i : 2 * i];
		float *to = out ? v->out : v->in;

		for (k = 0; k < BATCH; k++)
			memcpy(to + k * slice_size(n, i), from + k * n + slice_at(n, i),
			       slice_size(n, i) * sizeof(*to));
	}
}

static void gather(struct view view[BLOCKS], bool columns, float *to, size_t n)
{
	unsigned int i, k;

	for (i = 0; i < 2; i++) {
		const float *from = view[columns ? i : 2 * i].out;

		for (k = 0; k < BATCH; k++)
			memcpy(to + k * n + slice_at(n, i), from + k * slice_size(n, i),
			       slice_size(n, i) * sizeof(*to));
	}
}

static void multiply(const float *w, const float *x, bool transposed, float *y)
{
	int outputs = transposed ? COLS : ROWS, inputs = transposed ? ROWS : COLS;
	int b, i, k;

	for (b = 0; b < BATCH; b++) {
		for (i = 0; i < outputs; i++) {
			double sum = 0;

			for (k = 0; k < inputs; k++)
				sum += (transposed ? w[k * COLS + i] : w[i * COLS + k]) *
				       (double)x[b * inputs + k];
			y[b * outputs + i] = (float)sum;
		}
	}
}

static struct drm_mho_job window_job(const struct mt_session *s, uint32_t array, uint8_t op)
{
	struct drm_mho_job job = mt_job_vectors(s, array, op, BATCH);

	job.flags = DRM_MHO_JOB_A_WINDOW | DRM_MHO_JOB_B_WINDOW;
	memset(&job.a, 0, sizeof(job.a));
	memset(&job.b, 0, sizeof(job.b));
	return job;
}

TEST_F(window, jobs)
{
	float x[BATCH * ROWS], want[BATCH * ROWS], got[BATCH * ROWS];
	float *w = mt_data(&self->s, MT_AT_WEIGHTS);
	struct drm_mho_job job;
	struct view view[BLOCKS];
	unsigned int i, transposed;

	for (i = 0; i < BLOCKS; i++)
		ASSERT_EQ(0, view_open(self->s.fd, self->array, i, &view[i]));
	mt_fill(w, ROWS * COLS, 0.6F, 1);
	job = mt_job_program(&self->s, self->array);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	for (transposed = 0; transposed < 2; transposed++) {
		size_t inputs = transposed ? ROWS : COLS, outputs = transposed ? COLS : ROWS;

		mt_fill(x, BATCH * inputs, 1, 2 + transposed);
		multiply(w, x, transposed, want);
		scatter(view, !transposed, false, x, inputs);
		job = window_job(&self->s, self->array,
				 transposed ? DRM_MHO_OP_MVM_T : DRM_MHO_OP_MVM);
		ASSERT_EQ(0, mt_run_one(&self->s, &job));
		gather(view, transposed, got, outputs);
		EXPECT_FALSE(mt_all_zero(got, sizeof(got)));
		EXPECT_GT(0.25 * 0.25, mt_error2(got, want, BATCH * outputs));
	}
	/* One side in the window, the other in a buffer. */
	job = window_job(&self->s, self->array, DRM_MHO_OP_MVM_T);
	job.flags = DRM_MHO_JOB_A_WINDOW;
	job.b.handle = self->s.data.handle;
	job.b.offset = MT_AT_Y * sizeof(float);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_GT(0.25 * 0.25, mt_error2(mt_data(&self->s, MT_AT_Y), want, (size_t)BATCH * COLS));
	/* More than the buffers hold. */
	job.batch = self->info.window_in;
	if (job.batch <= self->info.batch_max)
		EXPECT_EQ(MHO_HW_ST_WINDOW_RANGE, mt_run_one(&self->s, &job));
	for (i = 0; i < BLOCKS; i++)
		view_close(&view[i]);
}

TEST_F(window, update)
{
	float before[ROWS * COLS], after[ROWS * COLS], x[BATCH * COLS], d[BATCH * ROWS];
	struct view view[BLOCKS];
	struct drm_mho_job job;
	double along = 0;
	unsigned int i, k, b;

	for (i = 0; i < BLOCKS; i++)
		ASSERT_EQ(0, view_open(self->s.fd, self->array, i, &view[i]));
	job = mt_job_read(&self->s, self->array, 16);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	memcpy(before, mt_data(&self->s, MT_AT_READ), sizeof(before));
	mt_fill(x, BATCH * COLS, 1, 5);
	mt_fill(d, BATCH * ROWS, 1, 6);
	scatter(view, true, false, x, COLS);
	scatter(view, false, true, d, ROWS);
	job = window_job(&self->s, self->array, DRM_MHO_OP_UPDATE);
	job.param[0] = mt_bits(0.1F);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	EXPECT_LT(0, mt_results(&self->s)->result);
	job = mt_job_read(&self->s, self->array, 16);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	memcpy(after, mt_data(&self->s, MT_AT_READ), sizeof(after));
	/* Against the outer product of what was in the window. */
	for (i = 0; i < ROWS; i++)
		for (k = 0; k < COLS; k++)
			for (b = 0; b < BATCH; b++)
				along += (after[i * COLS + k] - before[i * COLS + k]) *
					 (double)d[b * ROWS + i] * x[b * COLS + k];
	EXPECT_GT(0, along);
	for (i = 0; i < BLOCKS; i++)
		view_close(&view[i]);
}

/* Every page from well before to well behind, in all sizes that windows have. */
static unsigned int map_around(int fd, const struct drm_mho_array_window *a)
{
	const long page = sysconf(_SC_PAGESIZE);
	const size_t sizes[] = { a->in_size, a->out_size, a->in_size + a->out_size, (size_t)page };
	unsigned int mapped = 0;
	size_t i;
	long at;
	void *p;

	for (at = -64; at < 64; at++) {
		for (i = 0; i < MT_ARRAY_SIZE(sizes); i++) {
			p = map_at(fd, a->mmap_offset + at * page, sizes[i]);
			if (p == MAP_FAILED)
				continue;
			mapped++;
			munmap(p, sizes[i]);
		}
	}
	return mapped;
}

struct intruder {
	uint32_t array;
	struct drm_mho_array_window a;
};

/* Bits: which way in was open. */
static int intrude(void *arg)
{
	const struct intruder *in = arg;
	struct drm_mho_array_window args;
	int fd = mt_open(), open = 0;

	if (fd < 0)
		return 64;
	if (map_around(fd, &in->a))
		open |= 1;
	/* Also with an array, and so a window, of its own, and the same number as handle. */
	if (ask(fd, in->array, 0, &args) != -ENOENT)
		open |= 2;
	errno = 0;
	if (map_at(fd, in->a.mmap_offset, in->a.in_size) != MAP_FAILED || errno != EACCES)
		open |= 4;
	close(fd);
	return open;
}

TEST_F(window, other_files)
{
	struct intruder in = { .array = self->array };
	const char *node = mt_node();
	struct mt_session other;
	uint32_t array;
	struct view mine, theirs;

	ASSERT_NE(NULL, node);
	ASSERT_EQ(0, view_open(self->s.fd, self->array, 0, &mine));
	in.a = mine.args;
	poke(mine.in, SECRET);
	ASSERT_EQ(0, chmod(node, 0666));
	EXPECT_EQ(0, mt_child(0, intrude, &in));
	EXPECT_EQ(0, mt_child(NOBODY, intrude, &in));
	/* A file with an array, in the same process. */
	if (self->info.tiles > BLOCKS) {
		ASSERT_EQ(0, mt_session_open(&other));
		ASSERT_EQ(0, mt_array_create(other.fd, 8, 8, &array));
		ASSERT_EQ(0, view_open(other.fd, array, 0, &theirs));
		EXPECT_NE(mine.args.mmap_offset, theirs.args.mmap_offset);
		EXPECT_EQ(0, peek(theirs.in));
		poke(theirs.in, 1);
		EXPECT_EQ(MAP_FAILED, map_at(other.fd, mine.args.mmap_offset, mine.args.in_size));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(MAP_FAILED,
			  map_at(self->s.fd, theirs.args.mmap_offset, theirs.args.in_size));
		EXPECT_EQ(EACCES, errno);
		view_close(&theirs);
		mt_session_close(&other);
	}
	EXPECT_EQ(SECRET, peek(mine.in));
	view_close(&mine);
}

TEST_F(window, fork_does_not_inherit)
{
	struct view view;
	int status;
	pid_t pid;

	ASSERT_EQ(0, view_open(self->s.fd, self->array, 0, &view));
	poke(view.in, SECRET);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		_exit(peek(view.in) == SECRET);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGSEGV, WTERMSIG(status));
	view_close(&view);
}

/* Who has the file has what it has. */
TEST_F(window, passed_file)
{
	struct view view;
	int pair[2], status;
	pid_t pid;

	ASSERT_EQ(0, view_open(self->s.fd, self->array, 0, &view));
	poke(view.in, SECRET);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct view again = { .args = view.args };
		int fd;

		close(self->s.fd);
		fd = mt_receive_fd(pair[1]);
		again.in = map_at(fd, view.args.mmap_offset, view.args.in_size);
		_exit(again.in == MAP_FAILED ? 2 : peek(again.in) != SECRET);
	}
	ASSERT_EQ(0, mt_send_fd(pair[0], self->s.fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	view_close(&view);
	close(pair[0]);
	close(pair[1]);
}

TEST_F(window, destroyed_array)
{
	struct view old, view;
	struct mt_session other;
	uint32_t array, blocks;
	bool were_zero;
	uint32_t i;

	ASSERT_EQ(0, view_open(self->s.fd, self->array, 0, &old));
	poke(old.in, SECRET);
	poke(old.out, SECRET);
	ASSERT_EQ(0, mt_array_destroy(self->s.fd, self->array));
	EXPECT_EQ(MAP_FAILED, map_at(self->s.fd, old.args.mmap_offset, old.args.in_size));
	EXPECT_EQ(EINVAL, errno);

	/* Another file gets the tiles, with nothing of ours. */
	ASSERT_EQ(0, take_all(&other, &array, &blocks));
	ASSERT_EQ(0, fill_all(&other, array, blocks, SECRET + 1, &were_zero));
	EXPECT_TRUE(were_zero);
	/* The old mapping is there, without a signal, and shows nothing of theirs. */
	EXPECT_NE(SECRET + 1, peek(old.in));
	EXPECT_NE(SECRET + 1, peek(old.out));
	memset(old.in, 0x77, old.args.in_size + old.args.out_size);
	EXPECT_EQ(0x7777777777777777ULL, peek(old.in));
	for (i = 0; i < blocks; i++) {
		ASSERT_EQ(0, view_open(other.fd, array, i, &view));
		EXPECT_EQ(SECRET + 1, peek(view.in));
		EXPECT_EQ(SECRET + 1, peek(view.out));
		view_close(&view);
	}
	view_close(&old);
	mt_session_close(&other);
}

TEST_F(window, file_closed_while_mapped)
{
	struct mt_session other;
	struct view view;
	uint32_t array;
	int before = mt_tiles_free(self->s.fd);

	if (self->info.tiles <= BLOCKS)
		SKIP(return, "needs a fifth tile");
	ASSERT_EQ(0, mt_session_open(&other));
	ASSERT_EQ(0, mt_array_create(other.fd, 8, 8, &array));
	ASSERT_EQ(0, view_open(other.fd, array, 0, &view));
	poke(view.in, SECRET);
	/* The mapping keeps the file, and that the array. */
	mt_session_close(&other);
	EXPECT_EQ(SECRET, peek(view.in));
	EXPECT_EQ(before - 1, mt_tiles_free(self->s.fd));
	view_close(&view);
	EXPECT_EQ(before, mt_tiles_free(self->s.fd));
}

/* Touches a mapping without end, and tells what it should not have seen. */
struct toucher {
	struct view view;
	volatile bool stop;
	volatile bool seen;
	volatile unsigned int rounds;
};

static void *touch(void *arg)
{
	struct toucher *t = arg;

	while (!t->stop) {
		if (peek(t->view.in) == SECRET || peek(t->view.out) == SECRET)
			t->seen = true;
		poke(t->view.in, 1);
		t->rounds++;
	}
	return NULL;
}

TEST_F(window, destroy_while_touched)
{
	struct toucher t[2] = { 0 };
	pthread_t thread[2];
	struct mt_session other;
	uint32_t array, blocks, check;
	unsigned int round, i;
	struct view view;
	bool were_zero;

	ASSERT_EQ(0, mt_array_destroy(self->s.fd, self->array));
	for (round = 0; round < 10; round++) {
		ASSERT_EQ(0, mt_array_create(self->s.fd, ROWS, COLS, &self->array));
		for (i = 0; i < 2; i++) {
			t[i] = (struct toucher){ 0 };
			ASSERT_EQ(0, view_open(self->s.fd, self->array, i, &t[i].view));
			ASSERT_EQ(0, pthread_create(&thread[i], NULL, touch, &t[i]));
		}
		while (t[0].rounds < 10 || t[1].rounds < 10)
			usleep(100);
		ASSERT_EQ(0, mt_array_destroy(self->s.fd, self->array));
		ASSERT_EQ(0, take_all(&other, &array, &blocks));
		ASSERT_EQ(0, fill_all(&other, array, blocks, SECRET, &were_zero));
		EXPECT_TRUE(were_zero);
		for (check = 0; check < blocks; check++) {
			ASSERT_EQ(0, view_open(other.fd, array, check, &view));
			EXPECT_EQ(SECRET, peek(view.in));
			view_close(&view);
		}
		for (i = 0; i < 2; i++) {
			t[i].stop = true;
			ASSERT_EQ(0, pthread_join(thread[i], NULL));
			EXPECT_FALSE(t[i].seen);
			view_close(&t[i].view);
		}
		mt_session_close(&other);
	}
}

TEST_F(window, named_array_moves_on)
{
	struct drm_mho_array_create create = mt_array_args(8, 8);
	struct drm_mho_array_find find = { 0 };
	struct drm_mho_array_handle detach = { 0 };
	struct mt_session other;
	struct view old, found;

	if (self->info.tiles <= BLOCKS)
		SKIP(return, "needs a fifth tile");
	create.flags = DRM_MHO_ARRAY_NAMED;
	strcpy((char *)create.label, "test_window");
	strcpy((char *)find.label, "test_window");
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_CREATE, &create));
	ASSERT_EQ(0, view_open(self->s.fd, create.handle, 0, &old));
	detach.handle = create.handle;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_DETACH, &detach));
	ASSERT_EQ(0, mt_session_open(&other));
	ASSERT_EQ(0, mt_ioctl(other.fd, DRM_IOCTL_MHO_ARRAY_FIND, &find));
	ASSERT_EQ(0, view_open(other.fd, find.handle, 0, &found));
	poke(found.in, SECRET);
	EXPECT_NE(SECRET, peek(old.in));
	poke(old.in, 1);
	EXPECT_EQ(SECRET, peek(found.in));
	view_close(&old);
	view_close(&found);
	EXPECT_EQ(0, mt_array_destroy(other.fd, find.handle));
	mt_session_close(&other);
}

TEST_F(window, device_reset)
{
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_DEVICE };
	struct drm_mho_array_window after;
	struct toucher t = { 0 };
	pthread_t thread;
	struct view view;
	unsigned int before;

	ASSERT_EQ(0, view_open(self->s.fd, self->array, 0, &t.view));
	ASSERT_EQ(0, view_open(self->s.fd, self->array, 1, &view));
	poke(view.in, SECRET);
	ASSERT_EQ(0, pthread_create(&thread, NULL, touch, &t));
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_RESET, &reset));
	/* What was there is there; and it goes on. */
	EXPECT_EQ(SECRET, peek(view.in));
	before = t.rounds;
	while (t.rounds < before + 10)
		usleep(100);
	t.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, peek(t.view.in));
	ASSERT_EQ(0, ask(self->s.fd, self->array, 0, &after));
	EXPECT_EQ(view.args.losses, after.losses);
	view_close(&view);
	view_close(&t.view);
}

/* A fence that signals when told to, as a binary syncobj; it takes vgem, the kernel's mock of a GPU. */
struct gate {
	int vgem;
	uint32_t fence;
	uint32_t syncobj;
};

static int open_vgem(void)
{
	char path[32], name[8] = "";
	int i, fd;

	for (i = 0; i < 8; i++) {
		struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!mt_ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgem"))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

static int gate_open(int fd, struct gate *gate)
{
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64, .bpp = 32 };
	struct drm_vgem_fence_attach attach = { .flags = VGEM_FENCE_WRITE };
	struct drm_prime_handle prime = { .flags = O_CLOEXEC };
	struct dma_buf_export_sync_file file = { .flags = DMA_BUF_SYNC_READ };
	struct drm_syncobj_handle import = {
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE
	};
	int ret;

	gate->vgem = open_vgem();
	if (gate->vgem == -ENODEV && !system("/usr/sbin/modprobe vgem"))
		gate->vgem = open_vgem();
	if (gate->vgem < 0)
		return gate->vgem;
	ret = mt_ioctl(gate->vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);
	attach.handle = prime.handle = dumb.handle;
	if (!ret)
		ret = mt_ioctl(gate->vgem, DRM_IOCTL_VGEM_FENCE_ATTACH, &attach);
	if (!ret)
		ret = mt_ioctl(gate->vgem, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	if (!ret)
		ret = mt_ioctl(prime.fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &file);
	gate->fence = attach.out_fence;
	if (!ret)
		ret = mt_syncobj_create(fd, 0, &gate->syncobj);
	import.handle = gate->syncobj;
	import.fd = file.fd;
	return ret ? ret : mt_ioctl(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import);
}

static int gate_signal(const struct gate *gate)
{
	struct drm_vgem_fence_signal signal = { .fence = gate->fence };

	return mt_ioctl(gate->vgem, DRM_IOCTL_VGEM_FENCE_SIGNAL, &signal);
}

static int submit_behind(const struct mt_session *s, const struct drm_mho_job *job,
			 const struct gate *gate)
{
	struct drm_mho_submit args = mt_submit_args(s, job, 1);
	struct drm_mho_sync in = { .handle = gate->syncobj }, out = { .handle = s->done };

	args.in_syncs = (uintptr_t)&in;
	args.in_sync_count = 1;
	args.out_syncs = (uintptr_t)&out;
	args.out_sync_count = 1;
	return mt_ioctl(s->fd, DRM_IOCTL_MHO_SUBMIT, &args);
}

TEST_F(window, function_reset)
{
	struct drm_mho_job job = window_job(&self->s, self->array, DRM_MHO_OP_MVM);
	struct drm_mho_array_window after;
	struct gate gate;
	struct view view;

	ASSERT_EQ(0, view_open(self->s.fd, self->array, 0, &view));
	memset(view.in, 0, view.args.in_size);
	EXPECT_EQ(0, mt_run_one(&self->s, &job));
	poke(view.in, SECRET);
	/* A job that waits, whose operands are lost meanwhile, must not be done without them. */
	ASSERT_EQ(0, gate_open(self->s.fd, &gate));
	ASSERT_EQ(0, submit_behind(&self->s, &job, &gate));
	ASSERT_EQ(0, mt_card_write("reset", "1"));
	ASSERT_EQ(0, gate_signal(&gate));
	ASSERT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
	EXPECT_EQ(-ECANCELED, mt_results(&self->s)->status);
	/* The array has survived, since the driver shuts the card down first; the buffers are empty. */
	EXPECT_EQ(0, peek(view.in));
	ASSERT_EQ(0, ask(self->s.fd, self->array, 0, &after));
	EXPECT_EQ(view.args.losses + 1, after.losses);
	poke(view.in, SECRET);
	EXPECT_EQ(SECRET, peek(view.in));
	memset(view.in, 0, view.args.in_size);
	EXPECT_EQ(0, mt_run_one(&self->s, &job));
	view_close(&view);
}

TEST_F(window, driver_leaves)
{
	struct toucher t = { 0 };
	struct drm_mho_array_window args;
	pthread_t thread;
	struct view view;
	unsigned int before;

	ASSERT_EQ(0, view_open(self->s.fd, self->array, 0, &t.view));
	ASSERT_EQ(0, view_open(self->s.fd, self->array, 1, &view));
	poke(view.in, SECRET);
	ASSERT_EQ(0, pthread_create(&thread, NULL, touch, &t));
	while (t.rounds < 10)
		usleep(100);
	ASSERT_EQ(0, mt_unbind());
	/* No signal, also for pages that are touched first now. */
	EXPECT_NE(SECRET, peek(view.in));
	memset(view.in, 0x55, view.args.in_size + view.args.out_size);
	/* The first word is the thread's: one page stands in for all of an array's. */
	EXPECT_EQ(0x5555555555555555ULL, peek((uint64_t *)view.out + 1));
	before = t.rounds;
	while (t.rounds < before + 10)
		usleep(100);
	EXPECT_EQ(MAP_FAILED, map_at(self->s.fd, view.args.mmap_offset, view.args.in_size));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-ENODEV, ask(self->s.fd, self->array, 0, &args));
	EXPECT_EQ(0, mt_bind());
	EXPECT_NE(SECRET, peek(view.in));
	t.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_FALSE(t.seen);
	view_close(&view);
	view_close(&t.view);
}

MHO_TEST_MAIN
