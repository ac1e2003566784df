// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Queues of the emulated device: wrap and full rings, order, fences, priority,
 * shadow doorbells, coalescing, abort, and queues that a fault has stopped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "emu_host.h"

#define MEM_SIZE 0x100000

static struct mho_hw_sqe nop(unsigned int cid)
{
	return (struct mho_hw_sqe){ .opcode = MHO_HW_OP_NOP, .cid = mho_cpu_to_le16(cid) };
}

/* A host with memory for operands and two arrays of 16 x 16. */
struct fixture {
	struct emu_host *host;
	uint32_t key;
	uint64_t mem;
	uint32_t arrays[2];
};

static struct fixture open_fixture(unsigned int threads)
{
	struct fixture f = { .host = emu_host_start(
				     &(struct emu_host_opts){ .seed = 5, .threads = threads }) };
	unsigned int i;
	float *x;

	f.mem = emu_host_alloc(f.host, MEM_SIZE);
	x = emu_host_ptr(f.host, f.mem);
	for (i = 0; i < 256 * 16; i++)
		x[i] = i % 3 ? 0.5f : -0.5f;
	f.key = emu_host_key(f.host, 1, f.mem, MEM_SIZE, 3);
	f.arrays[0] = emu_host_array(f.host, 1, 16, 16);
	f.arrays[1] = emu_host_array(f.host, 1, 16, 16);
	assert_int_not_equal(f.arrays[1], 0);
	return f;
}

static void close_fixture(struct fixture *f)
{
	emu_host_free(f->host);
}

/* About a millisecond of work, on any machine that is not much faster than ours. */
static struct mho_hw_sqe slow(const struct fixture *f, unsigned int cid, unsigned int array)
{
	return (struct mho_hw_sqe){
		.opcode = MHO_HW_OP_UPDATE,
		.cid = mho_cpu_to_le16(cid),
		.array = mho_cpu_to_le32(f->arrays[array]),
		.batch = mho_cpu_to_le32(256),
		.a_type = MHO_HW_TYPE_F32,
		.b_type = MHO_HW_TYPE_F32,
		.a = { .key = mho_cpu_to_le32(f->key) },
		.b = { .key = mho_cpu_to_le32(f->key) },
		.a_scale = emu_bits(1),
		.b_scale = emu_bits(1),
		.param = { emu_bits(0.1f) },
	};
}

static unsigned int cid_of(const struct mho_hw_cqe *c)
{
	return mho_le16_to_cpu(c->cid);
}

static unsigned int wait_cid(struct emu_queue *q)
{
	struct mho_hw_cqe c;

	if (!emu_queue_wait(q, &c, 10000))
		fail_msg("a command does not complete");
	return cid_of(&c);
}

static void sleep_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000L }, NULL);
}

/* Many laps of rings of every size, submitted in bunches of changing size. */
static void test_wrap(void **state)
{
	unsigned int order, shadow, i;

	(void)state;
	for (shadow = 0; shadow < 2; shadow++) {
		for (order = 1; order <= 6; order++) {
			struct emu_host *h = emu_host_start(
				&(struct emu_host_opts){ .seed = 1, .threads = 1 + order % 2 });
			struct emu_queue *q = emu_queue_open(
				h, 1, &(struct emu_queue_opts){ .order = order, .shadow = shadow });
			uint32_t sent = 0, seen = 0, mask = (1U << order) - 1;

			while (seen < 3000) {
				unsigned int n = 1 + (sent * 7 + seen) % mask;

				for (i = 0; i < n; i++) {
					struct mho_hw_sqe s = nop(sent++ & 0xffff);

					emu_queue_put(q, &s);
				}
				emu_queue_ring(q);
				for (i = 0; i < n; i++)
					assert_int_equal(wait_cid(q), seen++ & 0xffff);
			}
			emu_queue_free(q);
			emu_host_free(h);
		}
	}
}

/* Without room for completions the device waits; with room it goes on. */
static void test_full(void **state)
{
	unsigned int shadow, i;

	(void)state;
	for (shadow = 0; shadow < 2; shadow++) {
		struct emu_host *h =
			emu_host_start(&(struct emu_host_opts){ .seed = 1, .threads = 1 });
		struct emu_queue *q = emu_queue_open(
			h, 1, &(struct emu_queue_opts){ .order = 3, .shadow = shadow });
		const struct mho_hw_cqe *ring = emu_host_ptr(h, q->cq);
		struct mho_hw_sqe s;

		for (i = 0; i < 7; i++) {
			s = nop(i);
			emu_queue_put(q, &s);
		}
		emu_queue_ring(q);
		while (mho_le16_to_cpu(__atomic_load_n(&ring[6].flags, __ATOMIC_ACQUIRE)) == 0)
			;
		for (i = 7; i < 14; i++) {
			s = nop(i);
			emu_queue_put(q, &s);
		}
		emu_queue_ring(q);
		sleep_ms(20);
		assert_int_equal(__atomic_load_n(&ring[7].flags, __ATOMIC_ACQUIRE), 0);
		for (i = 0; i < 14; i++) {
			assert_int_equal(wait_cid(q), i);
			if (shadow)
				mho_emu_write(h->emu, MHO_HW_BAR_DOORBELL,
					      MHO_HW_DB_OFFSET(1, MHO_HW_DB_CQ_HEAD), 0, 4);
		}
		emu_queue_free(q);
		emu_host_free(h);
	}
}

/* NOPs overtake what is slow; a fence and a barrier do not. */
static void test_fence(void **state)
{
	struct fixture f = open_fixture(2);
	struct emu_queue *q = emu_queue_open(f.host, 1, NULL);
	struct mho_hw_sqe s;

	(void)state;
	s = slow(&f, 1, 0);
	emu_queue_put(q, &s);
	s = nop(2);
	emu_queue_put(q, &s);
	emu_queue_ring(q);
	assert_int_equal(wait_cid(q), 2);
	assert_int_equal(wait_cid(q), 1);

	s = slow(&f, 1, 0);
	emu_queue_put(q, &s);
	s = nop(2);
	s.flags = MHO_HW_CMD_FENCE;
	emu_queue_put(q, &s);
	emu_queue_ring(q);
	assert_int_equal(wait_cid(q), 1);
	assert_int_equal(wait_cid(q), 2);

	s = slow(&f, 1, 0);
	emu_queue_put(q, &s);
	s = slow(&f, 2, 1);
	emu_queue_put(q, &s);
	s = (struct mho_hw_sqe){ .opcode = MHO_HW_OP_BARRIER, .cid = mho_cpu_to_le16(3) };
	emu_queue_put(q, &s);
	s = nop(4);
	emu_queue_put(q, &s);
	emu_queue_ring(q);
	assert_int_equal(wait_cid(q) + wait_cid(q), 3);
	assert_int_equal(wait_cid(q), 3);
	assert_int_equal(wait_cid(q), 4);
	emu_queue_free(q);
	close_fixture(&f);
}

/* Commands on one array complete in order, whatever the number of threads. */
static void test_array_order(void **state)
{
	struct fixture f = open_fixture(3);
	struct emu_queue *q = emu_queue_open(f.host, 1, &(struct emu_queue_opts){ .order = 6 });
	unsigned int next[2] = { 0, 1 }, i, cid;

	(void)state;
	for (i = 0; i < 60; i++) {
		struct mho_hw_sqe s = slow(&f, i, i & 1);

		s.batch = mho_cpu_to_le32(1 + i * 7 % 30);
		emu_queue_put(q, &s);
	}
	emu_queue_ring(q);
	for (i = 0; i < 60; i++) {
		cid = wait_cid(q);
		assert_int_equal(cid, next[cid & 1]);
		next[cid & 1] += 2;
	}
	emu_queue_free(q);
	close_fixture(&f);
}

/*
 * A command that waits for the test, at gate @gate: with one worker nothing else runs meanwhile, so
 * what is done by then does not depend on how the host schedules threads.
 */
static struct mho_hw_sqe gated(const struct fixture *f, unsigned int cid, unsigned int gate)
{
	struct mho_hw_sqe s = slow(f, cid, 0);

	s.batch = mho_cpu_to_le32(1);
	s.b.offset = mho_cpu_to_le64(MEM_SIZE / 2 + gate * 4096);
	return s;
}

static uint64_t gate_address(const struct fixture *f, unsigned int gate)
{
	return f->mem + MEM_SIZE / 2 + gate * 4096;
}

static unsigned int poll_all(struct emu_queue *q)
{
	struct mho_hw_cqe c;
	unsigned int n = 0;

	while (emu_queue_poll(q, &c))
		n++;
	return n;
}

/* The queue of high priority is served first, although the other's commands were there before. */
static void test_priority(void **state)
{
	struct fixture f = open_fixture(1);
	struct emu_queue *low = emu_queue_open(f.host, 1, &(struct emu_queue_opts){ .order = 6 });
	struct emu_queue *high =
		emu_queue_open(f.host, 2, &(struct emu_queue_opts){ .order = 4, .priority = 3 });
	struct mho_hw_sqe s;
	unsigned int i;

	(void)state;
	emu_host_gate(f.host, gate_address(&f, 0));
	for (i = 0; i < 2; i++) {
		s = gated(&f, i, i);
		emu_queue_put(low, &s);
	}
	emu_queue_ring(low);
	emu_host_wait_gate(f.host);
	for (i = 0; i < 4; i++) {
		s = slow(&f, i, 1);
		emu_queue_put(high, &s);
	}
	emu_queue_ring(high);
	emu_host_gate(f.host, gate_address(&f, 1));
	emu_host_wait_gate(f.host);
	assert_int_equal(poll_all(low), 1);
	assert_int_equal(poll_all(high), 4);
	emu_host_gate(f.host, 0);
	assert_int_equal(wait_cid(low), 1);
	emu_queue_free(low);
	emu_queue_free(high);
	close_fixture(&f);
}

/* Two queues of one priority share: when the first is at its last command, so is the second. */
static void test_turns(void **state)
{
	struct fixture f = open_fixture(1);
	struct emu_queue *q[2];
	unsigned int i, k, done;

	(void)state;
	emu_host_gate(f.host, gate_address(&f, 0));
	for (k = 0; k < 2; k++) {
		q[k] = emu_queue_open(f.host, 1 + k, &(struct emu_queue_opts){ .order = 6 });
		for (i = 0; i < 60; i++) {
			bool gate = !k && (i == 0 || i == 59);
			struct mho_hw_sqe s = gate ? gated(&f, i, i == 59) : slow(&f, i, k);

			if (!gate)
				s.batch = mho_cpu_to_le32(20);
			emu_queue_put(q[k], &s);
		}
	}
	emu_queue_ring(q[0]);
	emu_host_wait_gate(f.host);
	emu_queue_ring(q[1]);
	emu_host_gate(f.host, gate_address(&f, 1));
	emu_host_wait_gate(f.host);
	assert_int_equal(poll_all(q[0]), 59);
	done = poll_all(q[1]);
	assert_in_range(done, 50, 60);
	emu_host_gate(f.host, 0);
	assert_int_equal(wait_cid(q[0]), 59);
	for (; done < 60; done++)
		wait_cid(q[1]);
	emu_queue_free(q[0]);
	emu_queue_free(q[1]);
	close_fixture(&f);
}

static unsigned int irqs(struct emu_host *h, unsigned int vector)
{
	return atomic_load(&h->irqs[vector]);
}

static void wait_irqs(struct emu_host *h, unsigned int vector, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < 2000 && irqs(h, vector) < n; i++)
		sleep_ms(1);
	assert_true(irqs(h, vector) >= n);
}

/* Interrupts only when the event is passed; doorbells only when the device asks for them. */
static void test_shadow(void **state)
{
	struct emu_host *h = emu_host_start(&(struct emu_host_opts){ .seed = 1, .threads = 1 });
	struct emu_queue *q = emu_queue_open(
		h, 1, &(struct emu_queue_opts){ .shadow = true, .vector = 2, .order = 6 });
	struct mho_hw_sqe s;
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		s = nop(i);
		assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	}
	wait_irqs(h, 2, 1);
	sleep_ms(5);
	assert_int_equal(irqs(h, 2), 1); /* the first completion only */
	__atomic_store_n(&q->shadow->cq_event, mho_cpu_to_le32(q->head + 2), __ATOMIC_SEQ_CST);
	for (i = 0; i < 2; i++) {
		s = nop(i);
		assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	}
	sleep_ms(5);
	assert_int_equal(irqs(h, 2), 1);
	s = nop(9);
	assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	wait_irqs(h, 2, 2);
	/* It sleeps by now: the shadow alone is not seen, the doorbell is. */
	sleep_ms(20);
	assert_int_equal(mho_le32_to_cpu(__atomic_load_n(&q->shadow->sq_event, __ATOMIC_SEQ_CST)),
			 q->tail);
	s = nop(1);
	emu_queue_put(q, &s);
	emu_queue_ring(q);
	assert_int_equal(wait_cid(q), 1);
	emu_queue_free(q);
	emu_host_free(h);
}

static void test_coalescing(void **state)
{
	struct emu_host *h = emu_host_start(&(struct emu_host_opts){ .seed = 1, .threads = 1 });
	struct emu_queue *q = emu_queue_open(
		h, 1,
		&(struct emu_queue_opts){
			.vector = 1, .order = 6, .coalesce_count = 8, .coalesce_us = 30000 });
	struct mho_hw_admin_sqe modify = { .opcode = MHO_HW_ADM_QUEUE_MODIFY,
					   .queue = mho_cpu_to_le16(1) };
	struct mho_hw_sqe s = nop(1);
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++)
		assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	wait_irqs(h, 1, 1);
	assert_int_equal(irqs(h, 1), 1);
	for (i = 0; i < 3; i++)
		assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	wait_irqs(h, 1, 2); /* by age */
	modify.queue_create.coalesce_count = mho_cpu_to_le16(1);
	assert_int_equal(emu_host_admin(h, &modify, NULL), MHO_HW_ST_OK);
	for (i = 0; i < 5; i++) {
		assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
		wait_irqs(h, 1, 3 + i);
	}
	emu_queue_free(q);
	emu_host_free(h);
}

static unsigned int admin_queue(struct emu_host *h, unsigned int opcode, unsigned int number,
				uint32_t *result)
{
	struct mho_hw_admin_sqe s = { .opcode = opcode, .queue = mho_cpu_to_le16(number) };
	struct mho_hw_cqe c;
	unsigned int status = emu_host_admin(h, &s, &c);

	if (result)
		*result = mho_le32_to_cpu(c.result);
	return status;
}

/* Keeps a queue of order 6 full of work. Returns how many commands it has completed. */
static unsigned int feed(const struct fixture *f, struct emu_queue *q, unsigned int *sent)
{
	struct mho_hw_cqe c;
	struct mho_hw_sqe s;

	while (emu_queue_poll(q, &c))
		assert_int_equal(c.status, MHO_HW_ST_OK);
	for (; *sent - q->head < 60; ++*sent) {
		s = slow(f, *sent & 0xffff, 0);
		emu_queue_put(q, &s);
	}
	emu_queue_ring(q);
	return q->head;
}

/* A doorbell from before QUEUE_RESET does not make the device read what it was about again. */
static void test_shadow_reset(void **state)
{
	struct fixture f = open_fixture(1);
	struct emu_queue *busy = emu_queue_open(f.host, 1, &(struct emu_queue_opts){ .order = 6 });
	struct emu_queue *q = emu_queue_open(f.host, 2, &(struct emu_queue_opts){ .shadow = true });
	unsigned int sent = 0, i, done;
	struct mho_hw_sqe s;
	struct mho_hw_cqe c;

	(void)state;
	done = feed(&f, busy, &sent);
	for (i = 0; i < 3; i++) {
		s = nop(i);
		emu_queue_put(q, &s);
	}
	emu_queue_ring(q);
	assert_int_equal(admin_queue(f.host, MHO_HW_ADM_QUEUE_RESET, 2, NULL), MHO_HW_ST_OK);
	for (i = 0; i < 3; i++)
		assert_true(emu_queue_take(q, &c));
	while (feed(&f, busy, &sent) < done + 8)
		sleep_ms(1);
	assert_false(emu_queue_take(q, &c));
	emu_queue_rewind(q);
	s = nop(1);
	assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	emu_queue_free(q);
	emu_queue_free(busy);
	close_fixture(&f);
}

/* Every command gets a completion: its own, or ABORTED. */
static void test_abort(void **state)
{
	unsigned int threads, round, i;

	(void)state;
	for (threads = 1; threads <= 3; threads++) {
		struct fixture f = open_fixture(threads);
		struct emu_queue *q =
			emu_queue_open(f.host, 1, &(struct emu_queue_opts){ .order = 6 });

		for (round = 0; round < 4; round++) {
			unsigned int n = 50, ok = 0, aborted = 0, done = 0;
			struct mho_hw_cqe c;
			uint32_t result;

			for (i = 0; i < n; i++) {
				struct mho_hw_sqe s = slow(&f, i, i & 1);

				emu_queue_put(q, &s);
			}
			emu_queue_ring(q);
			sleep_ms(round);
			assert_int_equal(admin_queue(f.host, MHO_HW_ADM_QUEUE_RESET, 1, &result),
					 MHO_HW_ST_OK);
			while (emu_queue_take(q, &c)) {
				unsigned int status = mho_le16_to_cpu(c.status);

				done++;
				ok += status == MHO_HW_ST_OK;
				aborted += status == MHO_HW_ST_ABORTED;
			}
			assert_int_equal(done, n);
			assert_int_equal(ok + aborted, n);
			assert_true(result >= aborted);
			assert_true(aborted > 0);
			emu_queue_rewind(q);
		}
		assert_int_equal(admin_queue(f.host, MHO_HW_ADM_QUEUE_DELETE, 1, NULL),
				 MHO_HW_ST_OK);
		emu_queue_free(q);
		close_fixture(&f);
	}
}

/* A long update is cut off, says how far it came; the array is torn until written anew. */
static void test_torn(void **state)
{
	struct fixture f = open_fixture(1);
	struct emu_queue *q = emu_queue_open(f.host, 1, &(struct emu_queue_opts){ .order = 6 });
	struct mho_hw_admin_sqe info = { .opcode = MHO_HW_ADM_ARRAY_INFO,
					 .id = mho_cpu_to_le32(f.arrays[0]),
					 .length = mho_cpu_to_le32(4096),
					 .data = mho_cpu_to_le64(f.host->data) };
	const struct mho_hw_array_info *ai = emu_host_ptr(f.host, f.host->data);
	unsigned int i, tries, torn = 0;
	struct mho_hw_cqe c;
	struct mho_hw_sqe s;

	(void)state;
	for (tries = 0; tries < 200 && !torn; tries++) {
		for (i = 0; i < 30; i++) {
			s = slow(&f, i, 0);
			emu_queue_put(q, &s);
		}
		emu_queue_ring(q);
		sleep_ms(1);
		admin_queue(f.host, MHO_HW_ADM_QUEUE_RESET, 1, NULL);
		while (emu_queue_take(q, &c)) {
			unsigned int done = mho_le32_to_cpu(c.result);

			if (mho_le16_to_cpu(c.status) == MHO_HW_ST_ABORTED && done) {
				assert_true(done < 256);
				assert_true(c.device_ns);
				torn++;
			}
		}
		emu_queue_rewind(q);
	}
	assert_int_equal(torn, 1);
	assert_int_equal(emu_host_admin(f.host, &info, NULL), MHO_HW_ST_OK);
	assert_true(mho_le16_to_cpu(ai->flags) & MHO_HW_ARRAY_TORN);
	s = (struct mho_hw_sqe){ .opcode = MHO_HW_OP_SCRUB,
				 .array = mho_cpu_to_le32(f.arrays[0]),
				 .b_region = { .rows = mho_cpu_to_le32(16),
					       .cols = mho_cpu_to_le32(15) } };
	assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_host_admin(f.host, &info, NULL), MHO_HW_ST_OK);
	assert_true(mho_le16_to_cpu(ai->flags) & MHO_HW_ARRAY_TORN); /* a part is not enough */
	memset(&s.b_region, 0, sizeof(s.b_region));
	assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_host_admin(f.host, &info, NULL), MHO_HW_ST_OK);
	assert_false(mho_le16_to_cpu(ai->flags) & MHO_HW_ARRAY_TORN);
	emu_queue_free(q);
	close_fixture(&f);
}

static void wait_fault(struct emu_host *h, unsigned int status, unsigned int queue)
{
	unsigned int i;

	for (i = 0; i < 2000 && !emu_host_reg(h, MHO_HW_REG_FAULT); i++)
		sleep_ms(1);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FAULT), status | queue << 16);
}

static void doorbell(struct emu_host *h, unsigned int queue, uint32_t which, uint32_t value)
{
	mho_emu_write(h->emu, MHO_HW_BAR_DOORBELL, MHO_HW_DB_OFFSET(queue, which), value, 4);
}

/* Stop queue 1 in one of several ways; queue 2 goes on, and QUEUE_RESET revives the first. */
static void check_stopped(int way)
{
	struct fixture f = open_fixture(1);
	struct emu_queue *q =
		emu_queue_open(f.host, 1, &(struct emu_queue_opts){ .shadow = way >= 5 });
	struct emu_queue *other = emu_queue_open(f.host, 2, NULL);
	struct mho_hw_admin_sqe t = { .opcode = MHO_HW_ADM_TELEMETRY,
				      .scope = MHO_HW_SCOPE_QUEUE,
				      .queue = mho_cpu_to_le16(1),
				      .length = mho_cpu_to_le32(4096),
				      .data = mho_cpu_to_le64(f.host->data) };
	const struct mho_hw_queue_telemetry *qt = emu_host_ptr(f.host, f.host->data);
	unsigned int status = MHO_HW_ST_BAD_DOORBELL;
	struct mho_hw_sqe s = nop(1);

	assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	emu_host_set(f.host, MHO_HW_REG_IRQ_MASK, ~MHO_HW_IRQ_FAULT);
	switch (way) {
	case 0:
		doorbell(f.host, 1, MHO_HW_DB_SQ_TAIL, 16);
		break;
	case 1:
		doorbell(f.host, 1, MHO_HW_DB_CQ_HEAD, 0xffffffff);
		break;
	case 2: /* consumed what was not posted */
		doorbell(f.host, 1, MHO_HW_DB_CQ_HEAD, 5);
		break;
	case 3:
		status = MHO_HW_ST_CID_IN_USE;
		s = slow(&f, 7, 0);
		emu_queue_put(q, &s);
		s = nop(7);
		emu_queue_put(q, &s);
		emu_queue_ring(q);
		break;
	case 4:
		status = MHO_HW_ST_RING_DMA_FAULT;
		emu_host_hole(f.host, q->sq, q->sq + 4096, false);
		emu_queue_put(q, &s);
		emu_queue_ring(q);
		break;
	case 5:
		__atomic_store_n(&q->shadow->sq_tail, mho_cpu_to_le32(18), __ATOMIC_SEQ_CST);
		doorbell(f.host, 1, MHO_HW_DB_SQ_TAIL, 0);
		break;
	case 6:
		__atomic_store_n(&q->shadow->cq_head, mho_cpu_to_le32(2), __ATOMIC_SEQ_CST);
		doorbell(f.host, 1, MHO_HW_DB_CQ_HEAD, 0);
		break;
	case 7:
		status = MHO_HW_ST_RING_DMA_FAULT;
		emu_host_hole(f.host, q->shadow_addr, q->shadow_addr + 128, false);
		doorbell(f.host, 1, MHO_HW_DB_SQ_TAIL, 0);
		break;
	case 8:
		status = MHO_HW_ST_RING_DMA_FAULT;
		emu_host_hole(f.host, q->cq, q->cq + 4096, true);
		emu_queue_put(q, &s);
		emu_queue_ring(q);
		doorbell(f.host, 1, MHO_HW_DB_SQ_TAIL, 0);
		break;
	}
	wait_fault(f.host, status, 1);
	wait_irqs(f.host, 0, 1);
	if (way == 3)
		assert_int_equal(wait_cid(q), 7); /* what was fetched completes */
	s = nop(3);
	assert_int_equal(emu_queue_run(other, &s, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_host_admin(f.host, &t, NULL), MHO_HW_ST_OK);
	assert_int_equal(qt->state, MHO_HW_QUEUE_STOPPED);
	assert_int_equal(qt->fault, status);
	assert_int_equal(emu_host_state(f.host), MHO_HW_STATE_READY);
	emu_host_hole(f.host, 0, 0, false);
	assert_int_equal(admin_queue(f.host, MHO_HW_ADM_QUEUE_RESET, 1, NULL), MHO_HW_ST_OK);
	emu_queue_rewind(q);
	assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	emu_queue_free(q);
	emu_queue_free(other);
	close_fixture(&f);
}

static void test_stopped(void **state)
{
	int way;

	(void)state;
	for (way = 0; way <= 8; way++)
		check_stopped(way);
}

/* Doorbells of what does not exist, and those of before. */
static void test_stray_doorbells(void **state)
{
	struct emu_host *h = emu_host_start(&(struct emu_host_opts){ .seed = 1, .threads = 1 });
	struct emu_queue *q;
	struct mho_hw_sqe s = nop(0);

	(void)state;
	doorbell(h, 1, MHO_HW_DB_SQ_TAIL, 3);
	doorbell(h, 4, MHO_HW_DB_SQ_TAIL, 3);
	doorbell(h, 5, MHO_HW_DB_SQ_TAIL, 3);
	doorbell(h, 7, MHO_HW_DB_SQ_TAIL, 3);
	doorbell(h, 1, 8, 3);
	q = emu_queue_open(h, 1, NULL);
	assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_host_reg(h, MHO_HW_REG_FAULT), 0);
	emu_queue_free(q);
	emu_host_free(h);
}

/* A reset in the middle of everything: no DMA afterwards, and the device is usable. */
static void test_reset_busy(void **state)
{
	struct fixture f = open_fixture(2);
	unsigned int round, i;

	(void)state;
	for (round = 0; round < 20; round++) {
		struct emu_queue *q =
			emu_queue_open(f.host, 1, &(struct emu_queue_opts){ .order = 6 });
		unsigned long maps;

		for (i = 0; i < 60; i++) {
			struct mho_hw_sqe s = slow(&f, i, i & 1);

			emu_queue_put(q, &s);
		}
		emu_queue_ring(q);
		if (round & 1)
			sleep_ms(1);
		emu_host_set(f.host, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET);
		assert_true(emu_host_wait_state(f.host, MHO_HW_STATE_BOOTED));
		assert_int_equal(atomic_load(&f.host->mapped), 0);
		maps = atomic_load(&f.host->maps);
		sleep_ms(1);
		assert_true(atomic_load(&f.host->maps) == maps);
		emu_queue_free(q);
		emu_host_enable(f.host, 4);
		assert_int_equal(emu_host_context(f.host, 1), MHO_HW_ST_OK);
		f.key = emu_host_key(f.host, 1, f.mem, MEM_SIZE, 3);
		for (i = 0; i < 2; i++) {
			struct mho_hw_admin_sqe attach = { .opcode = MHO_HW_ADM_ARRAY_ATTACH,
							   .context = mho_cpu_to_le16(1),
							   .id = mho_cpu_to_le32(f.arrays[i]) };

			assert_int_equal(emu_host_admin(f.host, &attach, NULL), MHO_HW_ST_OK);
		}
	}
	close_fixture(&f);
}

/* Objects in use cannot be taken away. */
static void test_busy(void **state)
{
	struct fixture f = open_fixture(1);
	struct emu_queue *q = emu_queue_open(f.host, 1, &(struct emu_queue_opts){ .order = 6 });
	struct mho_hw_admin_sqe key = { .opcode = MHO_HW_ADM_MEMORY_UNREGISTER,
					.context = mho_cpu_to_le16(1),
					.id = mho_cpu_to_le32(f.key) };
	struct mho_hw_admin_sqe array = { .opcode = MHO_HW_ADM_ARRAY_DESTROY,
					  .context = mho_cpu_to_le16(1),
					  .id = mho_cpu_to_le32(f.arrays[0]) };
	struct mho_hw_admin_sqe calibrate = { .opcode = MHO_HW_ADM_CALIBRATE,
					      .id = mho_cpu_to_le32(MHO_HW_ALL) };
	unsigned int i;

	(void)state;
	for (i = 0; i < 40; i++) {
		struct mho_hw_sqe s = slow(&f, i, 0);

		emu_queue_put(q, &s);
	}
	emu_queue_ring(q);
	wait_cid(q);
	assert_int_equal(emu_host_admin(f.host, &key, NULL), MHO_HW_ST_BUSY);
	assert_int_equal(emu_host_admin(f.host, &array, NULL), MHO_HW_ST_BUSY);
	assert_int_equal(emu_host_admin(f.host, &calibrate, NULL), MHO_HW_ST_BUSY);
	for (i = 1; i < 40; i++)
		wait_cid(q);
	assert_int_equal(emu_host_admin(f.host, &calibrate, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_host_admin(f.host, &key, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_host_admin(f.host, &key, NULL), MHO_HW_ST_BAD_KEY);
	assert_int_equal(emu_host_admin(f.host, &array, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_host_admin(f.host, &array, NULL), MHO_HW_ST_BAD_ARRAY);
	emu_queue_free(q);
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_fence),
		cmocka_unit_test(test_array_order),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_shadow),
		cmocka_unit_test(test_coalescing),
		cmocka_unit_test(test_shadow_reset),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_stray_doorbells),
		cmocka_unit_test(test_reset_busy),
		cmocka_unit_test(test_busy),
	};

	return cmocka_run_group_tests_name("emulated device: queues", tests, NULL, NULL);
}
