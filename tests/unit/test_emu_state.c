// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the emulated device does not forget: weights, wear and arrays over resets
 * and power cycles, with a save that is cut off at each of its steps; and that its
 * results do not depend on the number of threads.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "emu_host.h"
#include "scratch.h"

#define MEM_SIZE 0x40000

/* Steps of file operations until the process is killed; negative: never. */
static int steps_left = -1;

static void step(void)
{
	if (steps_left > 0 && !--steps_left)
		_exit(9);
}

/* In the place of libc's, for all of this program. */
ssize_t write(int fd, const void *data, size_t len)
{
	/* Half of it is written when the end comes. */
	if (steps_left == 1)
		syscall(SYS_write, fd, data, len / 2);
	step();
	return syscall(SYS_write, fd, data, len);
}

int fsync(int fd)
{
	step();
	return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	step();
	return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

static char dir[200];
static char path[256];

static void remove_files(void)
{
	char name[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((e = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(name);
	}
	closedir(d);
}

static int setup(void **state)
{
	(void)state;
	if (scratch_dir(dir, sizeof(dir), "emu-state"))
		return -1;
	snprintf(path, sizeof(path), "%s/card", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	remove_files();
	return rmdir(dir);
}

struct card {
	struct emu_host *host;
	struct emu_queue *queue;
	uint64_t mem;
	uint32_t key;
};

static struct card power_on(const char *technology, unsigned int threads, bool file)
{
	struct card c = { .host = emu_host_start(
				  &(struct emu_host_opts){ .technology = technology,
							   .seed = 11,
							   .threads = threads,
							   .state = file ? path : NULL }) };

	c.queue = emu_queue_open(c.host, 1, &(struct emu_queue_opts){ .order = 6 });
	c.mem = emu_host_alloc(c.host, MEM_SIZE);
	c.key = emu_host_key(c.host, 1, c.mem, MEM_SIZE, 3);
	return c;
}

static void power_off(struct card *c)
{
	emu_queue_free(c->queue);
	emu_host_free(c->host);
}

static unsigned int named(struct card *c, unsigned int opcode, const char *label, uint32_t rows,
			  uint32_t cols, uint32_t *id)
{
	struct mho_hw_array_request *r = emu_host_ptr(c->host, c->host->data);
	struct mho_hw_admin_sqe s = { .opcode = opcode,
				      .context = mho_cpu_to_le16(1),
				      .length = mho_cpu_to_le32(sizeof(*r)),
				      .data = mho_cpu_to_le64(c->host->data) };
	struct mho_hw_cqe cqe;
	unsigned int status;

	memset(r, 0, sizeof(*r));
	strcpy((char *)r->label, label);
	if (opcode == MHO_HW_ADM_ARRAY_CREATE) {
		r->rows = mho_cpu_to_le32(rows);
		r->cols = mho_cpu_to_le32(cols);
		r->technology = mho_cpu_to_le32(MHO_HW_ALL);
		r->flags = mho_cpu_to_le16(MHO_HW_ARRAY_NAMED);
	}
	status = emu_host_admin(c->host, &s, &cqe);
	if (id)
		*id = mho_le32_to_cpu(cqe.result);
	return status;
}

static void program(struct card *c, uint32_t array, uint32_t cells, float base)
{
	struct mho_hw_sqe s = { .opcode = MHO_HW_OP_PROGRAM,
				.array = mho_cpu_to_le32(array),
				.batch = mho_cpu_to_le32(1),
				.a_type = MHO_HW_TYPE_F32,
				.a = { .key = mho_cpu_to_le32(c->key) },
				.a_scale = emu_bits(1) };
	float *w = emu_host_ptr(c->host, c->mem);
	uint32_t i;

	for (i = 0; i < cells; i++)
		w[i] = base + 0.001f * (float)(i % 100);
	assert_int_equal(emu_queue_run(c->queue, &s, NULL), MHO_HW_ST_OK);
}

static const float *read_back(struct card *c, uint32_t array, unsigned int modifier)
{
	struct mho_hw_sqe s = { .opcode = MHO_HW_OP_READ,
				.array = mho_cpu_to_le32(array),
				.batch = mho_cpu_to_le32(1),
				.b_type = MHO_HW_TYPE_F32,
				.modifier = mho_cpu_to_le16(modifier),
				.b = { .key = mho_cpu_to_le32(c->key) },
				.b_scale = emu_bits(1) };

	assert_int_equal(emu_queue_run(c->queue, &s, NULL), MHO_HW_ST_OK);
	return emu_host_ptr(c->host, c->mem);
}

static unsigned int attach(struct card *c, uint32_t id)
{
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_ARRAY_ATTACH,
				      .context = mho_cpu_to_le16(1),
				      .id = mho_cpu_to_le32(id) };

	return emu_host_admin(c->host, &s, NULL);
}

/* ---- determinism ---- */

/* A bit of everything; all results in one digest, completions included. */
static uint64_t workload(unsigned int threads)
{
	struct card c = power_on(NULL, threads, false);
	uint32_t arrays[2], i, k, *words = emu_host_ptr(c.host, c.mem);
	float *x = emu_host_ptr(c.host, c.mem);
	uint64_t digest = 14695981039346656037ULL;
	struct mho_hw_cqe done[64];

	memset(done, 0, sizeof(done));
	arrays[0] = emu_host_array(c.host, 1, 30, 14);
	arrays[1] = emu_host_array(c.host, 1, 15, 31);
	for (i = 0; i < 8192; i++)
		x[i] = (float)((int)(i * 2654435761U >> 22) - 512) / 512;
	for (i = 0; i < 60; i++) {
		static const uint8_t ops[] = { MHO_HW_OP_MVM, MHO_HW_OP_UPDATE, MHO_HW_OP_MVM_T,
					       MHO_HW_OP_PROGRAM, MHO_HW_OP_READ };
		struct mho_hw_sqe s = {
			.opcode = ops[i / 2 % 5],
			.cid = mho_cpu_to_le16(i),
			.array = mho_cpu_to_le32(arrays[i & 1]),
			.batch = mho_cpu_to_le32(1 + i * 37 % 200),
			.a_type = MHO_HW_TYPE_F32,
			.b_type = MHO_HW_TYPE_F32,
			.a = { .key = mho_cpu_to_le32(c.key) },
			.b = { .key = mho_cpu_to_le32(c.key),
			       .offset = mho_cpu_to_le64(0x10000 + 0x6000 * (i & 1)) },
			.a_scale = emu_bits(1),
			.b_scale = emu_bits(1),
		};

		if (s.opcode == MHO_HW_OP_UPDATE) {
			s.param[0] = emu_bits(0.05f);
			s.b.offset = 0;
		} else if (s.opcode == MHO_HW_OP_PROGRAM) {
			s.b_type = 0;
			s.batch = mho_cpu_to_le32(1);
			memset(&s.b, 0, sizeof(s.b));
			s.b_scale = 0;
			s.a_scale = emu_bits(0.5f);
		} else if (s.opcode == MHO_HW_OP_READ) {
			s.a_type = 0;
			memset(&s.a, 0, sizeof(s.a));
			s.a_scale = 0;
		}
		emu_queue_put(c.queue, &s);
	}
	emu_queue_ring(c.queue);
	for (i = 0; i < 60; i++) {
		struct mho_hw_cqe cqe;

		assert_true(emu_queue_wait(c.queue, &cqe, 20000));
		assert_int_equal(cqe.status, MHO_HW_ST_OK);
		cqe.sq_head = 0;
		cqe.flags = 0;
		done[mho_le16_to_cpu(cqe.cid)] = cqe; /* they may come in any order */
	}
	for (k = 0; k < 2; k++) {
		read_back(&c, arrays[k], 0);
		for (i = 0; i < 465; i++)
			digest = (digest ^ words[i]) * 1099511628211ULL;
	}
	for (i = 0x10000 / 4; i < MEM_SIZE / 4; i++)
		digest = (digest ^ words[i]) * 1099511628211ULL;
	for (i = 0; i < sizeof(done) / 4; i++)
		digest = (digest ^ ((uint32_t *)done)[i]) * 1099511628211ULL;
	power_off(&c);
	return digest;
}

static void test_threads(void **state)
{
	uint64_t one = workload(1);
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_true(workload(2) == one);
		assert_true(workload(5) == one);
	}
}

/* ---- resets and power ---- */

static void warm_reset(struct card *c)
{
	emu_host_set(c->host, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET);
	assert_true(emu_host_wait_state(c->host, MHO_HW_STATE_BOOTED));
	emu_queue_free(c->queue);
	emu_host_enable(c->host, 4);
	assert_int_equal(emu_host_context(c->host, 1), MHO_HW_ST_OK);
	c->queue = emu_queue_open(c->host, 1, &(struct emu_queue_opts){ .order = 6 });
	c->key = emu_host_key(c->host, 1, c->mem, MEM_SIZE, 3);
}

static void after_function_reset(struct card *c)
{
	emu_queue_free(c->queue);
	assert_int_equal(emu_host_load(c->host, NULL, 0), MHO_HW_STATE_BOOTED);
	emu_host_enable(c->host, 4);
	assert_int_equal(emu_host_context(c->host, 1), MHO_HW_ST_OK);
	c->queue = emu_queue_open(c->host, 1, &(struct emu_queue_opts){ .order = 6 });
	c->key = emu_host_key(c->host, 1, c->mem, MEM_SIZE, 3);
}

static void function_reset(struct card *c)
{
	mho_emu_reset(c->host->emu);
	after_function_reset(c);
}

static void assert_weights(const float *w, uint32_t cells, float base)
{
	uint32_t i;

	for (i = 0; i < cells; i++) {
		float want = base + 0.001f * (float)(i % 100);

		if (!(w[i] - want < 1e-5f && want - w[i] < 1e-5f))
			fail_msg("weight %u is %g instead of %g", i, w[i], want);
	}
}

static void test_resets(void **state)
{
	struct card c = power_on("ideal", 2, false);
	uint32_t name, plain;

	(void)state;
	assert_int_equal(named(&c, MHO_HW_ADM_ARRAY_CREATE, "kept", 12, 20, &name), MHO_HW_ST_OK);
	plain = emu_host_array(c.host, 1, 9, 9);
	program(&c, name, 240, 0.1f);
	program(&c, plain, 81, -0.4f);
	/* Warm: all arrays stay, detached. */
	warm_reset(&c);
	assert_int_equal(attach(&c, plain), MHO_HW_ST_OK);
	assert_int_equal(named(&c, MHO_HW_ADM_ARRAY_FIND, "kept", 0, 0, &name), MHO_HW_ST_OK);
	assert_weights(read_back(&c, name, 0), 240, 0.1f);
	assert_weights(read_back(&c, plain, 0), 81, -0.4f);
	/* Function level: named ones only. */
	function_reset(&c);
	assert_int_equal(attach(&c, plain), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(named(&c, MHO_HW_ADM_ARRAY_FIND, "kept", 0, 0, &name), MHO_HW_ST_OK);
	assert_weights(read_back(&c, name, 0), 240, 0.1f);
	/* After a shutdown: all. */
	plain = emu_host_array(c.host, 1, 9, 9);
	program(&c, plain, 81, 0.3f);
	emu_host_set(c.host, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_SHUTDOWN);
	assert_true(emu_host_wait_state(c.host, MHO_HW_STATE_SHUTDOWN));
	function_reset(&c);
	assert_int_equal(attach(&c, plain), MHO_HW_ST_OK);
	assert_weights(read_back(&c, plain, 0), 81, 0.3f);
	power_off(&c);
}

static uint32_t sum_of_wear(struct card *c, uint32_t array, uint32_t cells)
{
	const float *w = read_back(c, array, MHO_HW_READ_WEAR);
	uint32_t i, sum = 0;

	for (i = 0; i < cells; i++)
		sum += (uint32_t)w[i];
	return sum;
}

static void telemetry(struct card *c, struct mho_hw_telemetry *t)
{
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_TELEMETRY,
				      .length = mho_cpu_to_le32(sizeof(*t)),
				      .data = mho_cpu_to_le64(c->host->data) };

	assert_int_equal(emu_host_admin(c->host, &s, NULL), MHO_HW_ST_OK);
	memcpy(t, emu_host_ptr(c->host, c->host->data), sizeof(*t));
}

/* What a card that is like new gives; the numbers are in all of its noise. */
static void measure(struct card *c, float *w)
{
	uint32_t array = emu_host_array(c->host, 1, 12, 20);

	program(c, array, 240, 0.1f);
	memcpy(w, read_back(c, array, 0), 240 * sizeof(*w));
}

static void test_renew(void **state)
{
	struct card c = power_on(NULL, 2, false);
	struct mho_hw_telemetry t;
	float new[240], used[240];

	(void)state;
	measure(&c, new);
	assert_int_equal(named(&c, MHO_HW_ADM_ARRAY_CREATE, "gone", 5, 5, NULL), MHO_HW_ST_OK);
	function_reset(&c);
	measure(&c, used);
	assert_memory_not_equal(used, new, sizeof(new));
	assert_int_equal(mho_emu_renew(c.host->emu), 0);
	after_function_reset(&c);
	telemetry(&c, &t);
	assert_true(!t.lifetime_pulses && !t.wear_max);
	assert_int_equal(mho_le32_to_cpu(t.tiles_free), 4);
	assert_int_equal(named(&c, MHO_HW_ADM_ARRAY_FIND, "gone", 0, 0, NULL), MHO_HW_ST_NOT_FOUND);
	measure(&c, used);
	assert_memory_equal(used, new, sizeof(new));
	power_off(&c);
}

static void test_power_cycle(void **state)
{
	struct mho_hw_telemetry before, after;
	uint32_t name, plain, wear;
	float w[240];
	struct card c;

	(void)state;
	remove_files();
	c = power_on(NULL, 2, true);
	assert_int_equal(emu_host_reg(c.host, MHO_HW_REG_STATUS) & MHO_HW_STATUS_RESTORED, 0);
	assert_int_equal(named(&c, MHO_HW_ADM_ARRAY_CREATE, "kept", 12, 20, &name), MHO_HW_ST_OK);
	plain = emu_host_array(c.host, 1, 9, 9);
	program(&c, name, 240, 0.1f);
	program(&c, plain, 81, -0.4f);
	wear = sum_of_wear(&c, name, 240);
	assert_true(wear > 0);
	telemetry(&c, &before);
	assert_int_equal(before.power_cycles, 1);
	power_off(&c);

	/* Power was lost: the unnamed array is gone, the counters of this life are 0. */
	c = power_on(NULL, 1, true);
	assert_true(emu_host_reg(c.host, MHO_HW_REG_STATUS) & MHO_HW_STATUS_RESTORED);
	telemetry(&c, &after);
	assert_int_equal(after.power_cycles, 2);
	assert_true(after.lifetime_pulses == before.lifetime_pulses);
	assert_true(after.pulses == 0);
	assert_int_equal(after.wear_max, before.wear_max);
	assert_int_equal(after.tiles_free, 2);
	assert_int_equal(attach(&c, plain), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(named(&c, MHO_HW_ADM_ARRAY_FIND, "kept", 0, 0, &name), MHO_HW_ST_OK);
	assert_int_equal(sum_of_wear(&c, name, 240), wear);
	memcpy(w, read_back(&c, name, 0), sizeof(w));
	plain = emu_host_array(c.host, 1, 9, 9);
	program(&c, plain, 81, -0.2f);
	emu_host_set(c.host, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_SHUTDOWN);
	assert_true(emu_host_wait_state(c.host, MHO_HW_STATE_SHUTDOWN));
	power_off(&c);

	/* An orderly shutdown keeps all. Noise goes on, so values agree as reads do. */
	c = power_on(NULL, 1, true);
	assert_int_equal(attach(&c, plain), MHO_HW_ST_OK);
	assert_int_equal(named(&c, MHO_HW_ADM_ARRAY_FIND, "kept", 0, 0, &name), MHO_HW_ST_OK);
	assert_int_equal(sum_of_wear(&c, name, 240), wear);
	power_off(&c);
}

static void test_wrong_file(void **state)
{
	char err[300];
	struct emu_host other;
	struct emu_host_opts o = { .seed = 11, .threads = 1, .state = path };
	struct card c;
	int fd;

	(void)state;
	remove_files();
	c = power_on(NULL, 1, true);
	assert_int_equal(emu_host_try(&other, &o, err, sizeof(err)), -EBUSY);
	assert_true(strlen(err) > 0);
	power_off(&c);
	o.seed = 12;
	assert_int_equal(emu_host_try(&other, &o, err, sizeof(err)), -ESTALE);
	assert_non_null(strstr(err, "seed"));
	o.seed = 11;
	o.technology = "ideal";
	assert_int_equal(emu_host_try(&other, &o, err, sizeof(err)), -ESTALE);
	assert_non_null(strstr(err, "technology"));
	o.technology = NULL;
	o.topology = "mixed";
	assert_int_equal(emu_host_try(&other, &o, err, sizeof(err)), -ESTALE);
	assert_non_null(strstr(err, "topology"));
	o.topology = NULL;
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, 5000), 1);
	close(fd);
	assert_int_equal(emu_host_try(&other, &o, err, sizeof(err)), -EBADMSG);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(emu_host_try(&other, &o, err, sizeof(err)), -EBADMSG);
	remove_files();
	c = power_on(NULL, 1, true);
	power_off(&c);
}

/* A save is cut off at step @n. Return: whether it was, and not over before. */
static bool killed_at(int n)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		struct card c = power_on("ideal", 1, true);
		uint32_t id;

		if (named(&c, MHO_HW_ADM_ARRAY_FIND, "kept", 0, 0, &id))
			_exit(1);
		program(&c, id, 240, 0.5f);
		steps_left = n;
		/* The table changes, too: that saves by itself, the array comes or does not. */
		if (named(&c, MHO_HW_ADM_ARRAY_CREATE, "new", 4, 4, NULL))
			_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 9)
		return true;
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void test_kill(void **state)
{
	unsigned int old = 0, new = 0;
	bool killed = true;
	int n;

	(void)state;
	for (n = 1; killed; n++) {
		struct card c;
		uint32_t id;

		remove_files();
		c = power_on("ideal", 1, true);
		assert_int_equal(named(&c, MHO_HW_ADM_ARRAY_CREATE, "kept", 12, 20, &id),
				 MHO_HW_ST_OK);
		program(&c, id, 240, 0.1f);
		power_off(&c);
		killed = killed_at(n);
		c = power_on("ideal", 1, true);
		assert_int_equal(named(&c, MHO_HW_ADM_ARRAY_FIND, "kept", 0, 0, &id), MHO_HW_ST_OK);
		if (named(&c, MHO_HW_ADM_ARRAY_FIND, "new", 0, 0, NULL) == MHO_HW_ST_OK) {
			new ++;
			assert_weights(read_back(&c, id, 0), 240, 0.5f);
		} else {
			old++;
			assert_weights(read_back(&c, id, 0), 240, 0.1f);
		}
		power_off(&c);
	}
	assert_true(old >= 3);
	assert_true(new >= 1);
}

/* mho_emu_save() in the middle of work: consistent, and the work goes on. */
static void test_save_busy(void **state)
{
	uint32_t array, i;
	struct card c;

	(void)state;
	remove_files();
	c = power_on(NULL, 2, true);
	array = emu_host_array(c.host, 1, 16, 16);
	for (i = 0; i < 60; i++) {
		struct mho_hw_sqe s = {
			.opcode = MHO_HW_OP_UPDATE,
			.cid = mho_cpu_to_le16(i),
			.array = mho_cpu_to_le32(array),
			.batch = mho_cpu_to_le32(50),
			.a_type = MHO_HW_TYPE_F32,
			.b_type = MHO_HW_TYPE_F32,
			.a = { .key = mho_cpu_to_le32(c.key) },
			.b = { .key = mho_cpu_to_le32(c.key) },
			.a_scale = emu_bits(1),
			.b_scale = emu_bits(1),
			.param = { emu_bits(0.1f) },
		};

		emu_queue_put(c.queue, &s);
	}
	emu_queue_ring(c.queue);
	for (i = 0; i < 5; i++)
		assert_int_equal(mho_emu_save(c.host->emu), 0);
	for (i = 0; i < 60; i++) {
		struct mho_hw_cqe cqe;

		assert_true(emu_queue_wait(c.queue, &cqe, 10000));
		assert_int_equal(cqe.status, MHO_HW_ST_OK);
	}
	power_off(&c);
	c = power_on(NULL, 1, false);
	assert_int_equal(mho_emu_save(c.host->emu), 0); /* no file: nothing to do */
	power_off(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),	   cmocka_unit_test(test_resets),
		cmocka_unit_test(test_renew),	   cmocka_unit_test(test_power_cycle),
		cmocka_unit_test(test_wrong_file), cmocka_unit_test(test_kill),
		cmocka_unit_test(test_save_busy),
	};

	return cmocka_run_group_tests_name("emulated device: lasting state", tests, setup,
					   teardown);
}
