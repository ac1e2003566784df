// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Every operation through the driver against the same on the emulator in this process: results,
 * completions, device time and energy are the same to the last bit. Both cards are new at first
 * and have the same cells, and everything that touches tiles happens on both in the same order.
 *
 * All cases run in this process, without the harness: under emulation a card in process takes
 * seconds to make, so that there is one for all of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu_host.h"
#include "kselftest.h"
#include "mho_test_fault.h"

/* Neither is a multiple of a block's side, so that there are blocks of several shapes. */
#define ROWS 24
#define COLS 20
#define CELLS (ROWS * COLS)

/* The card's seed, unless the environment names another one: that of mho-emud without --seed. */
#define SEED_DEFAULT 0

/* Ends a case that has failed. */
#define CHECK(what)                                                               \
	do {                                                                      \
		if (!(what)) {                                                    \
			ksft_print_msg("line %d: not so: %s\n", __LINE__, #what); \
			return false;                                             \
		}                                                                 \
	} while (0)

/* A card behind the driver and one in process. */
struct twins {
	struct mt_session s;
	struct emu_host *host;
	struct emu_queue *queue;
	uint64_t memory; /* of the session's buffer for data, on the bus of the one in process */
	uint32_t key;
	uint32_t arrays[2]; /* handles */
	uint32_t numbers[2]; /* of the same arrays in process */
	unsigned int done; /* jobs that were compared */
};

static uint64_t seed(void)
{
	const char *text = getenv("MHO_SEED");

	return text ? strtoull(text, NULL, 0) : SEED_DEFAULT;
}

/* A card of the same topology in this process, with a queue. */
static int start_twin(struct twins *t)
{
	int size = mt_query(t->s.fd, DRM_MHO_QUERY_TOPOLOGY, 0, NULL, 0);
	void *blob = size > 0 ? malloc((size_t)size) : NULL;

	if (!blob)
		return -ENOMEM;
	if (mt_query(t->s.fd, DRM_MHO_QUERY_TOPOLOGY, 0, blob, (uint32_t)size) != size)
		return -EIO;
	t->host = emu_host_start(&(struct emu_host_opts){
		.dtb = blob, .dtb_len = (size_t)size, .seed = seed(), .threads = 2 });
	free(blob);
	t->queue = emu_queue_open(t->host, 1, &(struct emu_queue_opts){ .order = 6 });
	t->memory = emu_host_alloc(t->host, MT_DATA_SIZE);
	t->key = emu_host_key(t->host, 1, t->memory, MT_DATA_SIZE,
			      MHO_HW_ACCESS_READ | MHO_HW_ACCESS_WRITE);
	return t->key ? 0 : -EIO;
}

static uint32_t twin_array(struct emu_host *h, uint32_t rows, uint32_t cols)
{
	struct mho_hw_array_request *r = emu_host_ptr(h, h->data);
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_ARRAY_CREATE,
					.context = mho_cpu_to_le16(1),
					.length = mho_cpu_to_le32(sizeof(*r)),
					.data = mho_cpu_to_le64(h->data) };
	struct mho_hw_cqe cqe;

	memset(r, 0, sizeof(*r));
	r->rows = mho_cpu_to_le32(rows);
	r->cols = mho_cpu_to_le32(cols);
	r->block_rows = mho_cpu_to_le32(MT_BLOCK);
	r->block_cols = mho_cpu_to_le32(MT_BLOCK);
	r->technology = mho_cpu_to_le32(MHO_HW_ALL);
	return emu_host_admin(h, &sqe, &cqe) ? 0 : mho_le32_to_cpu(cqe.result);
}

static bool start(struct twins *self)
{
	int i;

	CHECK(!mt_renew());
	CHECK(!mt_session_open(&self->s));
	CHECK(!start_twin(self));
	for (i = 0; i < 2; i++) {
		CHECK(!mt_array_create(self->s.fd, ROWS, COLS, &self->arrays[i]));
		self->numbers[i] = twin_array(self->host, ROWS, COLS);
		CHECK(self->numbers[i]);
	}
	return true;
}

static uint32_t number_of(const struct twins *t, uint32_t handle)
{
	return handle == t->arrays[0] ? t->numbers[0] :
	       handle == t->arrays[1] ? t->numbers[1] :
					handle;
}

static void put_operand(struct mho_hw_operand *to, const struct drm_mho_operand *from,
			const struct twins *t)
{
	if (!from->handle)
		return;
	to->key = mho_cpu_to_le32(t->key);
	to->stride = mho_cpu_to_le32(from->stride);
	to->offset = mho_cpu_to_le64(from->offset);
}

/* The command that a driver has to make of a job. */
static struct mho_hw_sqe command_of(const struct twins *t, const struct drm_mho_job *job)
{
	struct mho_hw_sqe sqe = { .opcode = job->op,
				  .flags = job->flags,
				  .array = mho_cpu_to_le32(number_of(t, job->array)),
				  .batch = mho_cpu_to_le32(job->batch),
				  .a_type = job->a_type,
				  .b_type = job->b_type,
				  .modifier = mho_cpu_to_le16(job->modifier),
				  .a_scale = mho_cpu_to_le32(job->a_scale),
				  .b_scale = mho_cpu_to_le32(job->b_scale),
				  .param = { mho_cpu_to_le32(job->param[0]),
					     mho_cpu_to_le32(job->param[1]) } };

	switch (job->op) {
	case DRM_MHO_OP_TRANSFER:
		memcpy(&sqe.a_region, &job->a_region, sizeof(sqe.a_region));
		memcpy(&sqe.b_region, &job->b_region, sizeof(sqe.b_region));
		sqe.param[1] = mho_cpu_to_le32(number_of(t, job->param[1]));
		break;
	case DRM_MHO_OP_READ:
		memcpy(&sqe.a_region, &job->a_region, sizeof(sqe.a_region));
		put_operand(&sqe.b, &job->b, t);
		break;
	case DRM_MHO_OP_PROGRAM:
	case DRM_MHO_OP_PULSE:
	case DRM_MHO_OP_SCRUB:
		put_operand(&sqe.a, &job->a, t);
		memcpy(&sqe.b_region, &job->b_region, sizeof(sqe.b_region));
		break;
	default:
		put_operand(&sqe.a, &job->a, t);
		put_operand(&sqe.b, &job->b, t);
	}
	return sqe;
}

/* Where two pieces of memory differ first, or the size. */
static size_t same_until(const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;
	size_t i;

	for (i = 0; i < size && x[i] == y[i]; i++)
		;
	return i;
}

static bool same_completion(const struct twins *t, const struct drm_mho_job *job,
			    const struct drm_mho_result *got, const struct mho_hw_cqe *want)
{
	if (got->done == DRM_MHO_RESULT_DONE && got->status == mho_le16_to_cpu(want->status) &&
	    got->result == mho_le32_to_cpu(want->result) &&
	    got->detail == mho_le32_to_cpu(want->detail) &&
	    got->device_ns == mho_le64_to_cpu(want->device_ns) &&
	    got->energy_fj == mho_le64_to_cpu(want->energy_fj))
		return true;
	ksft_print_msg(
		"job %u, operation 0x%x: status 0x%x, result %u, detail %u, %llu ns, %llu fJ\n",
		t->done, job->op, (unsigned int)got->status, got->result, got->detail,
		got->device_ns, got->energy_fj);
	ksft_print_msg("instead of: status 0x%x, result %u, detail %u, %llu ns, %llu fJ\n",
		       mho_le16_to_cpu(want->status), mho_le32_to_cpu(want->result),
		       mho_le32_to_cpu(want->detail),
		       (unsigned long long)mho_le64_to_cpu(want->device_ns),
		       (unsigned long long)mho_le64_to_cpu(want->energy_fj));
	return false;
}

/* Does in process what the driver has done. */
static bool repeat(struct twins *t, const struct drm_mho_job *job, const struct drm_mho_result *got)
{
	struct mho_hw_sqe sqe = command_of(t, job);
	struct mho_hw_cqe want;

	emu_queue_run(t->queue, &sqe, &want);
	t->done++;
	return same_completion(t, job, got, &want);
}

static bool same_memory(const struct twins *t)
{
	size_t same = same_until(t->s.data.map, emu_host_ptr(t->host, t->memory), MT_DATA_SIZE);

	if (same == MT_DATA_SIZE)
		return true;
	ksft_print_msg("after job %u memory differs at 0x%zx\n", t->done, same);
	return false;
}

static bool same(struct twins *t, struct drm_mho_job job)
{
	int ret = mt_run(&t->s, &job, 1);

	if (ret) {
		ksft_print_msg("operation 0x%x: %s\n", job.op, strerror(-ret));
		return false;
	}
	return repeat(t, &job, mt_results(&t->s)) && same_memory(t);
}

/* The operands, before a job; the same for both. */
static void fill(struct twins *t, size_t at, size_t count, float amplitude, uint32_t number)
{
	mt_fill(mt_data(&t->s, at), count, amplitude, number);
	mt_fill((float *)emu_host_ptr(t->host, t->memory) + at, count, amplitude, number);
}

static void fill_bytes(struct twins *t, size_t at, size_t count, int range)
{
	int8_t *a = (int8_t *)mt_data(&t->s, at);
	int8_t *b = (int8_t *)((float *)emu_host_ptr(t->host, t->memory) + at);
	size_t i;

	for (i = 0; i < count; i++)
		a[i] = b[i] = (int8_t)((int)(i * 7919 % (size_t)(2 * range + 1)) - range);
}

#define SAME(job) CHECK(same(self, job))

/* Weights that all later results depend on. */
static bool same_weights(struct twins *self, int index, uint32_t number)
{
	fill(self, MT_AT_WEIGHTS, CELLS, 0.6F, number);
	return same(self, mt_job_program(&self->s, self->arrays[index]));
}

static bool test_nothing(struct twins *self)
{
	struct drm_mho_job job = mt_job_nop();

	SAME(job);
	job.op = DRM_MHO_OP_BARRIER;
	SAME(job);
	job.flags = DRM_MHO_JOB_FENCE;
	SAME(job);
	job = mt_job_nop();
	job.flags = DRM_MHO_JOB_FENCE;
	SAME(job);
	return true;
}

static bool test_program(struct twins *self)
{
	struct drm_mho_job job = mt_job_program(&self->s, self->arrays[0]);

	fill(self, MT_AT_WEIGHTS, 4096, 0.6F, 1);
	SAME(job);
	SAME(mt_job_read(&self->s, self->arrays[0], 1));
	job.param[0] = mt_bits(0.05F);
	job.param[1] = 3;
	SAME(job);
	job.param[0] = 0;
	job.param[1] = 0;
	job.a_scale = mt_bits(-0.5F);
	SAME(job);
	SAME(mt_job_read(&self->s, self->arrays[0], 1));
	/* A rectangle across all four blocks. */
	job.b_region = (struct drm_mho_region){ .row = 5, .col = 3, .rows = 13, .cols = 14 };
	SAME(job);
	SAME(mt_job_read(&self->s, self->arrays[0], 1));
	job.a.stride = 64 * sizeof(float);
	job.a.offset = 16;
	SAME(job);
	fill_bytes(self, MT_AT_WEIGHTS, 4096, 100);
	job.a_type = DRM_MHO_TYPE_I8;
	job.a_scale = mt_bits(0.005F);
	job.a.stride = 37;
	job.a.offset = 3;
	SAME(job);
	SAME(mt_job_read(&self->s, self->arrays[0], 1));
	/* More than cells can hold: the ones that missed are counted. */
	job = mt_job_program(&self->s, self->arrays[0]);
	fill(self, MT_AT_WEIGHTS, CELLS, 3, 9);
	SAME(job);
	CHECK(mt_results(&self->s)->result > 0);
	return true;
}

static bool test_read(struct twins *self)
{
	struct drm_mho_job job = mt_job_read(&self->s, self->arrays[0], 1);

	CHECK(same_weights(self, 0, 2));
	SAME(job);
	job.batch = 17;
	SAME(job);
	job.modifier = DRM_MHO_READ_CONDUCTANCE;
	SAME(job);
	job.modifier = DRM_MHO_READ_WEAR;
	job.batch = 1;
	SAME(job);
	CHECK(!mt_all_zero(mt_data(&self->s, MT_AT_READ), 64));
	job.modifier = 0;
	job.a_region = (struct drm_mho_region){ .row = 7, .col = 1, .rows = 11, .cols = 17 };
	job.b.stride = 40 * sizeof(float);
	job.b.offset = MT_AT_READ * sizeof(float) + 8;
	job.b_scale = mt_bits(2.5F);
	SAME(job);
	job.b_type = DRM_MHO_TYPE_I8;
	job.b_scale = mt_bits(100);
	job.b.stride = 29;
	job.b.offset = MT_AT_READ * sizeof(float) + 3;
	SAME(job);
	return true;
}

/* MVM and MVM_T: batches, strides, both types on both sides, scales. */
static bool products(struct twins *self, uint8_t op)
{
	struct drm_mho_job job = mt_job_vectors(&self->s, self->arrays[0], op, 1);

	CHECK(same_weights(self, 0, 3));
	fill(self, MT_AT_X, 2048, 1, 4);
	SAME(job);
	CHECK(!mt_all_zero(mt_data(&self->s, MT_AT_Y), 64));
	job.batch = 33;
	SAME(job);
	job.a.stride = 31 * sizeof(float);
	job.b.stride = 50 * sizeof(float);
	job.a_scale = mt_bits(-3);
	job.b_scale = mt_bits(0.125F);
	SAME(job);
	job.b_type = DRM_MHO_TYPE_I8;
	job.b.stride = 27;
	job.b.offset += 5;
	job.b_scale = mt_bits(20);
	SAME(job);
	fill_bytes(self, MT_AT_X, 4096, 127);
	job.a_type = DRM_MHO_TYPE_I8;
	job.a.stride = 0;
	job.a.offset += 1;
	job.a_scale = mt_bits(1.0F / 127);
	SAME(job);
	job = mt_job_vectors(&self->s, self->arrays[0], op, 8);
	job.a_type = DRM_MHO_TYPE_I8;
	SAME(job);
	return true;
}

static bool test_mvm(struct twins *self)
{
	return products(self, DRM_MHO_OP_MVM);
}

static bool test_mvm_t(struct twins *self)
{
	return products(self, DRM_MHO_OP_MVM_T);
}

static bool test_update(struct twins *self)
{
	struct drm_mho_job job = mt_job_vectors(&self->s, self->arrays[0], DRM_MHO_OP_UPDATE, 1);

	CHECK(same_weights(self, 0, 5));
	fill(self, MT_AT_X, 2048, 1, 6);
	fill(self, MT_AT_Y, 2048, 1, 7);
	job.param[0] = mt_bits(0.02F);
	SAME(job);
	CHECK(mt_results(&self->s)->result > 0);
	job.batch = 9;
	SAME(job);
	job.param[1] = 7;
	job.a.stride = 29 * sizeof(float);
	job.b.stride = 35 * sizeof(float);
	SAME(job);
	job.a_scale = mt_bits(-2);
	job.b_scale = mt_bits(0.5F);
	SAME(job);
	fill_bytes(self, MT_AT_X, 1024, 90);
	fill_bytes(self, MT_AT_Y, 1024, 90);
	job = mt_job_vectors(&self->s, self->arrays[0], DRM_MHO_OP_UPDATE, 20);
	job.a_type = DRM_MHO_TYPE_I8;
	job.b_type = DRM_MHO_TYPE_I8;
	job.a_scale = mt_bits(0.01F);
	job.b_scale = mt_bits(0.01F);
	job.param[0] = mt_bits(0.01F);
	SAME(job);
	/* Rate 0 does nothing. */
	job.param[0] = 0;
	SAME(job);
	CHECK(!mt_results(&self->s)->result);
	SAME(mt_job_read(&self->s, self->arrays[0], 1));
	return true;
}

static bool test_pulse(struct twins *self)
{
	struct drm_mho_job job = { .op = DRM_MHO_OP_PULSE,
				   .array = self->arrays[0],
				   .batch = 1,
				   .a_type = DRM_MHO_TYPE_I8,
				   .a = { .handle = self->s.data.handle },
				   .a_scale = mt_bits(1) };

	fill_bytes(self, MT_AT_WEIGHTS, 4096, 20);
	SAME(job);
	CHECK(mt_results(&self->s)->result > 0);
	job.b_region = (struct drm_mho_region){ .row = 10, .col = 9, .rows = 3, .cols = 4 };
	job.a.stride = 11;
	job.a.offset = 7;
	SAME(job);
	SAME(mt_job_read(&self->s, self->arrays[0], 1));
	return true;
}

static bool test_transfer(struct twins *self)
{
	struct drm_mho_job job = { .op = DRM_MHO_OP_TRANSFER,
				   .array = self->arrays[0],
				   .a_region = { .col = 4, .rows = ROWS, .cols = 3 },
				   .b_region = { .col = 11, .cols = 3 },
				   .a_scale = mt_bits(1),
				   .param = { mt_bits(0.1F), self->arrays[1] } };

	CHECK(same_weights(self, 0, 8));
	SAME(job);
	CHECK(!mt_results(&self->s)->status);
	CHECK(mt_results(&self->s)->result > 0);
	SAME(mt_job_read(&self->s, self->arrays[1], 1));
	job.a_scale = mt_bits(-0.5F);
	job.a_region.col = 0;
	job.a_region.cols = COLS;
	job.b_region.col = 0;
	job.b_region.cols = COLS;
	SAME(job);
	SAME(mt_job_read(&self->s, self->arrays[1], 1));
	SAME(mt_job_read(&self->s, self->arrays[0], 1));
	return true;
}

static bool test_scrub(struct twins *self)
{
	struct drm_mho_job job = { .op = DRM_MHO_OP_SCRUB, .array = self->arrays[0] };

	CHECK(same_weights(self, 0, 10));
	job.b_region = (struct drm_mho_region){ .row = 2, .col = 3, .rows = 20, .cols = 10 };
	SAME(job);
	SAME(mt_job_read(&self->s, self->arrays[0], 1));
	job.b_region = (struct drm_mho_region){ 0 };
	SAME(job);
	SAME(mt_job_read(&self->s, self->arrays[0], 1));
	return true;
}

/* What the device refuses, with the status and the place that it names. */
static bool test_refused(struct twins *self)
{
	struct drm_mho_job good = mt_job_vectors(&self->s, self->arrays[0], DRM_MHO_OP_MVM, 2);
	struct drm_mho_job job;

	fill(self, MT_AT_X, 64, 1, 1);
	job = good;
	job.batch = 0;
	SAME(job);
	CHECK(mt_results(&self->s)->status > 0);
	job = good;
	job.a_type = 9;
	SAME(job);
	job = good;
	job.a.stride = 4;
	SAME(job);
	job = good;
	job.a.offset = 2;
	SAME(job);
	job = good;
	job.b.offset = MT_DATA_SIZE - 4;
	SAME(job);
	job = good;
	job.b_scale = mt_bits(__builtin_inff());
	SAME(job);
	job = mt_job_program(&self->s, self->arrays[0]);
	job.b_region = (struct drm_mho_region){ .row = ROWS, .rows = 1, .cols = 1 };
	SAME(job);
	mt_data(&self->s, MT_AT_X)[7] = __builtin_nanf("");
	((float *)emu_host_ptr(self->host, self->memory))[MT_AT_X + 7] = __builtin_nanf("");
	SAME(good);
	CHECK(mt_results(&self->s)->status == MHO_HW_ST_NOT_FINITE);
	CHECK(mt_results(&self->s)->detail == 7);
	return true;
}

/* One SUBMIT with everything in it, on two arrays; each job has its own place for results. */
static bool test_one_submit(struct twins *self)
{
	struct drm_mho_job jobs[40], job;
	struct drm_mho_result results[40];
	uint32_t i;

	fill(self, MT_AT_WEIGHTS, 4096, 0.5F, 11);
	fill(self, MT_AT_X, 4096, 1, 12);
	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++) {
		static const uint8_t ops[] = { DRM_MHO_OP_PROGRAM, DRM_MHO_OP_MVM,
					       DRM_MHO_OP_UPDATE, DRM_MHO_OP_READ,
					       DRM_MHO_OP_MVM_T };

		job = mt_job_vectors(&self->s, self->arrays[i % 2], ops[i / 2 % 5], 2);
		job.b.offset += i * 128 * sizeof(float);
		if (job.op == DRM_MHO_OP_PROGRAM)
			job = mt_job_program(&self->s, self->arrays[i % 2]);
		if (job.op == DRM_MHO_OP_READ)
			job = mt_job_read(&self->s, self->arrays[i % 2], 1);
		if (job.op == DRM_MHO_OP_UPDATE) {
			job.param[0] = mt_bits(0.01F);
			job.b = job.a;
			job.b.offset += 1024;
		}
		/* Both arrays' READs go to the same place: the second one waits. */
		if (job.op == DRM_MHO_OP_READ && i % 2)
			job.flags = DRM_MHO_JOB_FENCE;
		jobs[i] = job;
	}
	CHECK(!mt_run(&self->s, jobs, MT_ARRAY_SIZE(jobs)));
	memcpy(results, mt_results(&self->s), sizeof(results));
	for (i = 0; i < MT_ARRAY_SIZE(jobs); i++)
		CHECK(repeat(self, &jobs[i], &results[i]));
	return same_memory(self);
}

static bool test_log(struct twins *self)
{
	char line[512];
	int ret = mt_log_complaint(line, sizeof(line));

	(void)self;
	if (ret > 0)
		ksft_print_msg("%s\n", line);
	return !ret;
}

static const struct {
	const char *name;
	bool (*run)(struct twins *t);
} tests[] = {
	{ "both cards start", start },
	{ "NOP, BARRIER", test_nothing },
	{ "PROGRAM", test_program },
	{ "READ", test_read },
	{ "MVM", test_mvm },
	{ "MVM_T", test_mvm_t },
	{ "UPDATE", test_update },
	{ "PULSE", test_pulse },
	{ "TRANSFER", test_transfer },
	{ "SCRUB", test_scrub },
	{ "refused jobs", test_refused },
	{ "all in one SUBMIT", test_one_submit },
	{ "the kernel's log is clean", test_log },
};

int main(void)
{
	static struct twins twins;
	size_t i;

	ksft_print_header();
	ksft_set_plan(MT_ARRAY_SIZE(tests));
	for (i = 0; i < MT_ARRAY_SIZE(tests); i++) {
		bool good = tests[i].run(&twins);

		ksft_test_result(good, "%s\n", tests[i].name);
		if (!i && !good)
			ksft_exit_fail_msg("there is nothing to compare\n");
	}
	ksft_finished();
}
