// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The host side of the tests: one piece of memory is the bus, rings and buffers
 * are carved out of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#include "core/blob.h"
#include "emu_host.h"

#define PATIENCE_MS 20000

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
}

static void *dma_map(void *opaque, uint64_t addr, size_t *len, bool write)
{
	struct emu_host *h = opaque;
	uint64_t at = addr - EMU_HOST_BUS;
	struct emu_host_hole o;

	if (addr < EMU_HOST_BUS || at >= h->size)
		return NULL;
	if (*len > h->size - at)
		*len = h->size - at;
	if (h->fragment && *len > h->fragment - at % h->fragment)
		*len = h->fragment - at % h->fragment;
	pthread_mutex_lock(&h->lock);
	while (h->gate == addr) {
		h->at_gate = true;
		pthread_cond_broadcast(&h->gate_cond);
		pthread_cond_wait(&h->gate_cond, &h->lock);
	}
	o = h->hole;
	pthread_mutex_unlock(&h->lock);
	if (!o.readable || write) {
		if (addr >= o.start && addr < o.end)
			return NULL;
		if (addr<o.start && * len> o.start - addr)
			*len = o.start - addr;
	}
	atomic_fetch_add(&h->mapped, 1);
	atomic_fetch_add_explicit(&h->maps, 1, memory_order_relaxed);
	return h->mem + at;
}

static void dma_unmap(void *opaque, void *ptr, size_t len)
{
	struct emu_host *h = opaque;

	(void)ptr;
	(void)len;
	atomic_fetch_sub(&h->mapped, 1);
}

static void irq(void *opaque, unsigned int vector)
{
	struct emu_host *h = opaque;

	atomic_fetch_add(&h->irqs[vector], 1);
}

static void log_line(void *opaque, int level, const char *text)
{
	struct emu_host *h = opaque;

	(void)level;
	(void)text;
	atomic_fetch_add(&h->logs, 1);
}

int emu_host_try(struct emu_host *h, const struct emu_host_opts *opts, char *err, size_t len)
{
	char name[64] = "topology/";
	const struct mho_blob *blob;
	struct mho_emu_config cfg = { .size = sizeof(cfg),
				      .technology = opts->technology,
				      .seed = opts->seed,
				      .serial = 0x1122334455667788ULL,
				      .threads = opts->threads,
				      .state_path = opts->state,
				      .ops = &h->ops,
				      .opaque = h };
	int ret;

	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->gate_cond, NULL);
	h->ops = (struct mho_emu_ops){ dma_map, dma_unmap, irq, log_line };
	strncat(name, opts->topology ? opts->topology : "small", 40);
	blob = mho_blob_find(name);
	cfg.topology = opts->dtb ? opts->dtb : blob ? blob->data : NULL;
	cfg.topology_len = opts->dtb ? opts->dtb_len : blob ? blob->len : 0;
	h->size = opts->memory ? opts->memory : 16 << 20;
	h->fragment = opts->fragment;
	h->mem = mmap(NULL, h->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(h->mem, MAP_FAILED);
	ret = mho_emu_create(&cfg, &h->emu, err, len);
	if (ret)
		munmap(h->mem, h->size);
	return ret;
}

struct emu_host *emu_host_new(const struct emu_host_opts *opts)
{
	struct emu_host *h = calloc(1, sizeof(*h));
	char err[256] = "";

	assert_non_null(h);
	if (emu_host_try(h, opts, err, sizeof(err)))
		fail_msg("no device: %s", err);
	return h;
}

struct emu_host *emu_host_start(const struct emu_host_opts *opts)
{
	struct emu_host *h = emu_host_new(opts);

	assert_int_equal(emu_host_load(h, NULL, 0), MHO_HW_STATE_BOOTED);
	emu_host_enable(h, 4);
	assert_int_equal(emu_host_context(h, 1), MHO_HW_ST_OK);
	return h;
}

void emu_host_free(struct emu_host *h)
{
	mho_emu_destroy(h->emu);
	assert_int_equal(atomic_load(&h->mapped), 0);
	munmap(h->mem, h->size);
	free(h);
}

uint64_t emu_host_alloc(struct emu_host *h, size_t len)
{
	uint64_t addr = EMU_HOST_BUS + h->used;

	h->used += (len + 4095) & ~(size_t)4095;
	if (h->used > h->size)
		fail_msg("bus memory is used up");
	return addr;
}

void *emu_host_ptr(struct emu_host *h, uint64_t addr)
{
	return h->mem + (addr - EMU_HOST_BUS);
}

void emu_host_hole(struct emu_host *h, uint64_t start, uint64_t end, bool readable)
{
	pthread_mutex_lock(&h->lock);
	h->hole = (struct emu_host_hole){ start, end, readable };
	pthread_mutex_unlock(&h->lock);
}

void emu_host_gate(struct emu_host *h, uint64_t addr)
{
	pthread_mutex_lock(&h->lock);
	h->gate = addr;
	h->at_gate = false;
	pthread_cond_broadcast(&h->gate_cond);
	pthread_mutex_unlock(&h->lock);
}

void emu_host_wait_gate(struct emu_host *h)
{
	struct timespec end;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 10;
	pthread_mutex_lock(&h->lock);
	while (!h->at_gate && !err)
		err = pthread_cond_timedwait(&h->gate_cond, &h->lock, &end);
	pthread_mutex_unlock(&h->lock);
	assert_int_equal(err, 0);
}

uint32_t emu_host_reg(struct emu_host *h, uint32_t reg)
{
	return (uint32_t)mho_emu_read(h->emu, MHO_HW_BAR_REGS, reg, 4);
}

void emu_host_set(struct emu_host *h, uint32_t reg, uint32_t value)
{
	mho_emu_write(h->emu, MHO_HW_BAR_REGS, reg, value, 4);
}

void emu_host_set64(struct emu_host *h, uint32_t reg, uint64_t value)
{
	mho_emu_write(h->emu, MHO_HW_BAR_REGS, reg, value, 8);
}

unsigned int emu_host_state(struct emu_host *h)
{
	return emu_host_reg(h, MHO_HW_REG_STATUS) & MHO_HW_STATUS_STATE_MASK;
}

bool emu_host_wait_state(struct emu_host *h, unsigned int state)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (emu_host_state(h) != state) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

unsigned int emu_host_load(struct emu_host *h, const void *image, size_t len)
{
	const struct mho_blob *blob = mho_blob_find("firmware/mho-1");
	uint64_t addr, end = now_ms() + PATIENCE_MS;

	if (!image) {
		assert_non_null(blob);
		image = blob->data;
		len = blob->len;
	}
	addr = emu_host_alloc(h, len);
	memcpy(emu_host_ptr(h, addr), image, len);
	emu_host_set64(h, MHO_HW_REG_FW_ADDR_LO, addr);
	emu_host_set(h, MHO_HW_REG_FW_SIZE, (uint32_t)len);
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
	while (emu_host_state(h) == MHO_HW_STATE_VERIFY) {
		assert_true(now_ms() < end);
		nap();
	}
	return emu_host_state(h);
}

void emu_host_enable(struct emu_host *h, unsigned int order)
{
	size_t n = 1UL << order;

	h->order = order;
	h->asq = emu_host_alloc(h, n * sizeof(struct mho_hw_admin_sqe));
	h->acq = emu_host_alloc(h, n * sizeof(struct mho_hw_cqe));
	if (!h->data)
		h->data = emu_host_alloc(h, EMU_HOST_DATA_SIZE);
	h->tail = 0;
	h->head = 0;
	emu_host_set64(h, MHO_HW_REG_ASQ_LO, h->asq);
	emu_host_set64(h, MHO_HW_REG_ACQ_LO, h->acq);
	emu_host_set(h, MHO_HW_REG_AQ_ORDER, order);
	emu_host_set(h, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_ENABLE);
	assert_true(emu_host_wait_state(h, MHO_HW_STATE_READY));
}

static void ring_doorbell(struct emu_host *h, unsigned int queue, uint32_t which, uint32_t value)
{
	mho_emu_write(h->emu, MHO_HW_BAR_DOORBELL, MHO_HW_DB_OFFSET(queue, which), value, 4);
}

/* A completion at running number @head of a ring, if it is valid. */
static bool take(const struct mho_hw_cqe *ring, unsigned int order, uint32_t head,
		 struct mho_hw_cqe *out)
{
	const struct mho_hw_cqe *c = &ring[head & ((1U << order) - 1)];
	unsigned int phase = !((head >> order) & 1);
	mho_le16 flags = __atomic_load_n(&c->flags, __ATOMIC_SEQ_CST);

	if ((mho_le16_to_cpu(flags) & MHO_HW_CQE_PHASE) != phase)
		return false;
	*out = *c;
	return true;
}

void emu_host_admin_submit(struct emu_host *h, struct mho_hw_admin_sqe *sqe)
{
	struct mho_hw_admin_sqe *ring = emu_host_ptr(h, h->asq);
	uint32_t mask = (1U << h->order) - 1;

	sqe->cid = mho_cpu_to_le16(h->next_cid++);
	ring[h->tail++ & mask] = *sqe;
	ring_doorbell(h, 0, MHO_HW_DB_SQ_TAIL, h->tail & mask);
}

unsigned int emu_host_admin_reap(struct emu_host *h, struct mho_hw_cqe *cqe)
{
	uint64_t end = now_ms() + PATIENCE_MS;
	struct mho_hw_cqe mine;

	while (!take(emu_host_ptr(h, h->acq), h->order, h->head, &mine)) {
		if (now_ms() > end)
			fail_msg("an admin command does not complete");
		nap();
	}
	h->head++;
	ring_doorbell(h, 0, MHO_HW_DB_CQ_HEAD, h->head & ((1U << h->order) - 1));
	if (cqe)
		*cqe = mine;
	return mho_le16_to_cpu(mine.status);
}

unsigned int emu_host_admin(struct emu_host *h, struct mho_hw_admin_sqe *sqe,
			    struct mho_hw_cqe *cqe)
{
	struct mho_hw_cqe mine;
	unsigned int status;

	emu_host_admin_submit(h, sqe);
	status = emu_host_admin_reap(h, &mine);
	assert_int_equal(mine.cid, sqe->cid);
	if (cqe)
		*cqe = mine;
	return status;
}

unsigned int emu_host_context(struct emu_host *h, unsigned int context)
{
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_CONTEXT_CREATE,
				      .context = mho_cpu_to_le16(context) };

	return emu_host_admin(h, &s, NULL);
}

uint32_t emu_host_key(struct emu_host *h, unsigned int context, uint64_t addr, uint64_t len,
		      unsigned int access)
{
	uint64_t first = addr & 4095, n = (first + len + 4095) / 4096, i;
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_MEMORY_REGISTER,
				      .context = mho_cpu_to_le16(context) };
	mho_le64 *list;
	struct mho_hw_cqe c;

	s.data = mho_cpu_to_le64(emu_host_alloc(h, n * sizeof(*list)));
	s.length = mho_cpu_to_le32(n * sizeof(*list));
	list = emu_host_ptr(h, mho_le64_to_cpu(s.data));
	for (i = 0; i < n; i++)
		list[i] = mho_cpu_to_le64((addr & ~4095ULL) + i * 4096);
	s.memory.length = mho_cpu_to_le64(len);
	s.memory.first = mho_cpu_to_le32(first);
	s.memory.pages = mho_cpu_to_le32(n);
	s.memory.page_shift = 12;
	s.memory.access = access;
	return emu_host_admin(h, &s, &c) ? 0 : mho_le32_to_cpu(c.result);
}

uint32_t emu_host_array(struct emu_host *h, unsigned int context, uint32_t rows, uint32_t cols)
{
	struct mho_hw_array_request *r = emu_host_ptr(h, h->data);
	struct mho_hw_admin_sqe s = { .opcode = MHO_HW_ADM_ARRAY_CREATE,
				      .context = mho_cpu_to_le16(context),
				      .length = mho_cpu_to_le32(sizeof(*r)),
				      .data = mho_cpu_to_le64(h->data) };
	struct mho_hw_cqe c;

	memset(r, 0, sizeof(*r));
	r->rows = mho_cpu_to_le32(rows);
	r->cols = mho_cpu_to_le32(cols);
	r->technology = mho_cpu_to_le32(MHO_HW_ALL);
	return emu_host_admin(h, &s, &c) ? 0 : mho_le32_to_cpu(c.result);
}

unsigned int emu_queue_try(struct emu_queue *q, const struct emu_queue_opts *o)
{
	struct mho_hw_admin_sqe s = {
		.opcode = MHO_HW_ADM_QUEUE_CREATE,
		.context = mho_cpu_to_le16(o->context ? o->context : 1),
		.queue = mho_cpu_to_le16(q->number),
		.queue_create = {
			.sq = mho_cpu_to_le64(q->sq),
			.cq = mho_cpu_to_le64(q->cq),
			.shadow = mho_cpu_to_le64(q->shadow_addr),
			.vector = mho_cpu_to_le16(o->vector),
			.order = q->order,
			.priority = o->priority,
			.coalesce_count = mho_cpu_to_le16(o->coalesce_count),
			.coalesce_us = mho_cpu_to_le16(o->coalesce_us),
		},
	};

	return emu_host_admin(q->host, &s, NULL);
}

struct emu_queue *emu_queue_open(struct emu_host *h, unsigned int number,
				 const struct emu_queue_opts *opts)
{
	static const struct emu_queue_opts none;
	const struct emu_queue_opts *o = opts ? opts : &none;
	struct emu_queue *q = calloc(1, sizeof(*q));

	assert_non_null(q);
	q->host = h;
	q->number = number;
	q->order = o->order ? o->order : 4;
	q->sq = emu_host_alloc(h, sizeof(struct mho_hw_sqe) << q->order);
	q->cq = emu_host_alloc(h, sizeof(struct mho_hw_cqe) << q->order);
	if (o->shadow) {
		q->shadow_addr = emu_host_alloc(h, sizeof(*q->shadow));
		q->shadow = emu_host_ptr(h, q->shadow_addr);
	}
	assert_int_equal(emu_queue_try(q, o), MHO_HW_ST_OK);
	return q;
}

void emu_queue_free(struct emu_queue *q)
{
	free(q);
}

void emu_queue_put(struct emu_queue *q, const void *sqe)
{
	struct mho_hw_sqe *ring = emu_host_ptr(q->host, q->sq);

	memcpy(&ring[q->tail++ & ((1U << q->order) - 1)], sqe, sizeof(*ring));
}

void emu_queue_ring(struct emu_queue *q)
{
	uint32_t old, event;

	if (!q->shadow) {
		ring_doorbell(q->host, q->number, MHO_HW_DB_SQ_TAIL,
			      q->tail & ((1U << q->order) - 1));
		return;
	}
	old = mho_le32_to_cpu(q->shadow->sq_tail);
	__atomic_store_n(&q->shadow->sq_tail, mho_cpu_to_le32(q->tail), __ATOMIC_SEQ_CST);
	event = mho_le32_to_cpu(__atomic_load_n(&q->shadow->sq_event, __ATOMIC_SEQ_CST));
	if (q->tail - event - 1 < q->tail - old)
		ring_doorbell(q->host, q->number, MHO_HW_DB_SQ_TAIL, 0);
}

bool emu_queue_take(struct emu_queue *q, struct mho_hw_cqe *cqe)
{
	if (!take(emu_host_ptr(q->host, q->cq), q->order, q->head, cqe))
		return false;
	q->head++;
	return true;
}

void emu_queue_rewind(struct emu_queue *q)
{
	memset(emu_host_ptr(q->host, q->cq), 0, sizeof(struct mho_hw_cqe) << q->order);
	if (q->shadow)
		memset(q->shadow, 0, sizeof(*q->shadow));
	q->head = 0;
	q->tail = 0;
}

bool emu_queue_poll(struct emu_queue *q, struct mho_hw_cqe *cqe)
{
	if (!emu_queue_take(q, cqe))
		return false;
	if (q->shadow)
		__atomic_store_n(&q->shadow->cq_head, mho_cpu_to_le32(q->head), __ATOMIC_SEQ_CST);
	else
		ring_doorbell(q->host, q->number, MHO_HW_DB_CQ_HEAD,
			      q->head & ((1U << q->order) - 1));
	return true;
}

bool emu_queue_wait(struct emu_queue *q, struct mho_hw_cqe *cqe, unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	while (!emu_queue_poll(q, cqe)) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

unsigned int emu_queue_run(struct emu_queue *q, const struct mho_hw_sqe *sqe,
			   struct mho_hw_cqe *cqe)
{
	struct mho_hw_cqe mine;

	emu_queue_put(q, sqe);
	emu_queue_ring(q);
	if (!emu_queue_wait(q, &mine, PATIENCE_MS))
		fail_msg("opcode 0x%02x does not complete", sqe->opcode);
	assert_int_equal(mine.cid, sqe->cid);
	if (cqe)
		*cqe = mine;
	return mho_le16_to_cpu(mine.status);
}

uint32_t emu_bits(float f)
{
	uint32_t v;

	memcpy(&v, &f, sizeof(v));
	return mho_cpu_to_le32(v);
}
