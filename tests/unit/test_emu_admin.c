// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Admin commands of the emulated device: what each does, and what each misuse is
 * answered with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/blob.h"
#include "emu_host.h"

static struct emu_host *start(const char *topology)
{
	return emu_host_start(
		&(struct emu_host_opts){ .topology = topology, .seed = 2, .threads = 2 });
}

static struct mho_hw_admin_sqe with_data(struct emu_host *h, unsigned int opcode)
{
	return (struct mho_hw_admin_sqe){ .opcode = opcode,
					  .length = mho_cpu_to_le32(EMU_HOST_DATA_SIZE),
					  .data = mho_cpu_to_le64(h->data) };
}

static struct mho_hw_admin_sqe on_array(unsigned int opcode, unsigned int context, uint32_t id)
{
	return (struct mho_hw_admin_sqe){ .opcode = opcode,
					  .context = mho_cpu_to_le16(context),
					  .id = mho_cpu_to_le32(id) };
}

static unsigned int run(struct emu_host *h, struct mho_hw_admin_sqe s)
{
	return emu_host_admin(h, &s, NULL);
}

static void test_identify(void **state)
{
	const struct mho_blob *blob = mho_blob_find("topology/mixed");
	struct emu_host *h = start("mixed");
	struct mho_hw_admin_sqe s = with_data(h, MHO_HW_ADM_IDENTIFY);
	const struct mho_hw_identify *id = emu_host_ptr(h, h->data);
	uint8_t *whole = malloc(blob->len);
	struct mho_hw_cqe c;
	uint32_t at = 0;

	(void)state;
	assert_non_null(whole);
	assert_int_equal(run(h, s), MHO_HW_ST_OK);
	assert_int_equal(id->version, MHO_HW_VERSION);
	assert_int_equal(id->topology_size, blob->len);
	assert_int_equal(id->features, emu_host_reg(h, MHO_HW_REG_CAP_FEATURES));
	assert_int_equal(id->vectors, emu_host_reg(h, MHO_HW_REG_CAP_VECTORS));
	assert_true(id->serial == 0x1122334455667788ULL);
	assert_true(id->technologies >= 2);
	assert_true(id->tiles > 0 && id->cells > 0);
	assert_true(id->window_stride >= id->window_out_offset + id->window_out);
	assert_true(strlen((const char *)id->model) > 0);
	s.length = mho_cpu_to_le32(sizeof(*id) - 1);
	assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_BAD_LENGTH);
	assert_int_equal(c.detail, sizeof(*id));
	/* The topology in pieces. */
	s = with_data(h, MHO_HW_ADM_TOPOLOGY);
	s.length = mho_cpu_to_le32(1000);
	do {
		s.id = mho_cpu_to_le32(at);
		assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_OK);
		assert_int_equal(c.detail, blob->len);
		memcpy(whole + at, emu_host_ptr(h, h->data), c.result);
		at += c.result;
	} while (c.result);
	assert_int_equal(at, blob->len);
	assert_memory_equal(whole, blob->data, blob->len);
	s.id = mho_cpu_to_le32(at + 1);
	assert_int_equal(run(h, s), MHO_HW_ST_BAD_FIELD);
	free(whole);
	emu_host_free(h);
}

static void test_firmware_and_log(void **state)
{
	struct emu_host *h = start("small");
	const struct mho_hw_firmware_info *fw = emu_host_ptr(h, h->data);
	const struct mho_hw_log_entry *e = emu_host_ptr(h, h->data);
	struct mho_hw_admin_sqe s = with_data(h, MHO_HW_ADM_FIRMWARE);
	struct mho_hw_cqe c;
	uint32_t next;

	(void)state;
	assert_int_equal(run(h, s), MHO_HW_ST_OK);
	assert_int_equal(fw->version, emu_host_reg(h, MHO_HW_REG_FW_VERSION));
	assert_int_equal(fw->interface, MHO_HW_VERSION);
	assert_true(strlen((const char *)fw->name) > 0);
	s = with_data(h, MHO_HW_ADM_LOG);
	assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_OK);
	assert_true(c.result >= 1);
	assert_int_equal(e[0].number, 1);
	assert_non_null(strstr((const char *)e[0].text, "firmware"));
	next = c.detail;
	assert_int_equal(next, c.result + 1);
	s.id = mho_cpu_to_le32(next);
	assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_OK);
	assert_int_equal(c.result, 0);
	assert_int_equal(c.detail, next);
	s.length = mho_cpu_to_le32(127);
	assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_BAD_LENGTH);
	assert_int_equal(c.detail, 128);
	emu_host_free(h);
}

/* ---- fields that must be zero ---- */

struct spec {
	unsigned int opcode;
	unsigned int uses; /* bits by field, as below */
};

enum {
	SCOPE = 1,
	CONTEXT = 2,
	QUEUE = 4,
	ID = 8,
	DATA = 16,
	REST = 32,
	TAG = 64
};

static const struct spec specs[] = {
	{ MHO_HW_ADM_NOP, 0 },
	{ MHO_HW_ADM_IDENTIFY, DATA },
	{ MHO_HW_ADM_TOPOLOGY, ID | DATA },
	{ MHO_HW_ADM_FIRMWARE, DATA },
	{ MHO_HW_ADM_CONTEXT_CREATE, CONTEXT },
	{ MHO_HW_ADM_CONTEXT_DESTROY, CONTEXT },
	{ MHO_HW_ADM_QUEUE_CREATE, CONTEXT | QUEUE | REST },
	{ MHO_HW_ADM_QUEUE_DELETE, QUEUE },
	{ MHO_HW_ADM_QUEUE_RESET, QUEUE },
	{ MHO_HW_ADM_QUEUE_MODIFY, QUEUE | REST },
	{ MHO_HW_ADM_MEMORY_REGISTER, CONTEXT | DATA | REST },
	{ MHO_HW_ADM_MEMORY_UNREGISTER, CONTEXT | ID },
	{ MHO_HW_ADM_ARRAY_CREATE, CONTEXT | DATA },
	{ MHO_HW_ADM_ARRAY_DESTROY, CONTEXT | ID },
	{ MHO_HW_ADM_ARRAY_FIND, CONTEXT | DATA },
	{ MHO_HW_ADM_ARRAY_DETACH, CONTEXT | ID },
	{ MHO_HW_ADM_ARRAY_INFO, CONTEXT | ID | DATA },
	{ MHO_HW_ADM_ARRAY_NEXT, ID },
	{ MHO_HW_ADM_ARRAY_TAG, CONTEXT | ID | TAG },
	{ MHO_HW_ADM_ARRAY_ATTACH, CONTEXT | ID },
	{ MHO_HW_ADM_TELEMETRY, SCOPE | QUEUE | ID | DATA },
	{ MHO_HW_ADM_LOG, ID | DATA },
	{ MHO_HW_ADM_CALIBRATE, ID },
	{ MHO_HW_ADM_SELFTEST, SCOPE | DATA },
};

static void test_reserved(void **state)
{
	static const struct {
		unsigned int offset;
		unsigned int use;
	} fields[] = {
		{ 1, SCOPE },	    { 4, CONTEXT }, { 6, QUEUE }, { 8, ID },
		{ 12, DATA },	    { 16, DATA },   { 24, 0 },	  { 31, 0 },
		{ 32, REST | TAG }, { 40, REST },   { 63, REST },
	};
	struct emu_host *h = start("small");
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		for (j = 0; j < sizeof(fields) / sizeof(fields[0]); j++) {
			struct mho_hw_admin_sqe s = { .opcode = specs[i].opcode };
			unsigned int at = fields[j].offset, status;
			struct mho_hw_cqe c;

			if (specs[i].uses & fields[j].use)
				continue;
			((uint8_t *)&s)[at] = 1;
			status = emu_host_admin(h, &s, &c);
			if (status != MHO_HW_ST_RESERVED)
				fail_msg("opcode 0x%02x byte %u: %s", specs[i].opcode, at,
					 mho_hw_status_name(status));
			assert_int_equal(c.detail, at == 31 ? 24 : at);
		}
	}
	for (i = 0; i < 256; i++) {
		bool known = false;

		for (j = 0; j < sizeof(specs) / sizeof(specs[0]); j++)
			known |= specs[j].opcode == i;
		if (!known)
			assert_int_equal(run(h, (struct mho_hw_admin_sqe){ .opcode = i }),
					 MHO_HW_ST_BAD_OPCODE);
	}
	emu_host_free(h);
}

static void test_contexts(void **state)
{
	struct emu_host *h = start("small"); /* 4 contexts; 1 exists */
	struct mho_hw_admin_sqe destroy = { .opcode = MHO_HW_ADM_CONTEXT_DESTROY,
					    .context = mho_cpu_to_le16(65535) };

	(void)state;
	assert_int_equal(emu_host_context(h, 0), MHO_HW_ST_BAD_CONTEXT);
	assert_int_equal(emu_host_context(h, 1), MHO_HW_ST_EXISTS);
	assert_int_equal(emu_host_context(h, 65535), MHO_HW_ST_OK);
	assert_int_equal(emu_host_context(h, 64), MHO_HW_ST_OK);
	assert_int_equal(emu_host_context(h, 63), MHO_HW_ST_OK);
	assert_int_equal(emu_host_context(h, 2), MHO_HW_ST_NO_RESOURCE);
	assert_int_equal(run(h, destroy), MHO_HW_ST_OK);
	assert_int_equal(run(h, destroy), MHO_HW_ST_BAD_CONTEXT);
	assert_int_equal(emu_host_context(h, 2), MHO_HW_ST_OK);
	emu_host_free(h);
}

/* ---- queues ---- */

static void test_queues(void **state)
{
	struct emu_host *h = start("small");
	uint64_t mem = emu_host_alloc(h, 65536);
	struct mho_hw_admin_sqe good = {
		.opcode = MHO_HW_ADM_QUEUE_CREATE,
		.context = mho_cpu_to_le16(1),
		.queue = mho_cpu_to_le16(1),
		.queue_create = { .sq = mho_cpu_to_le64(mem),
				  .cq = mho_cpu_to_le64(mem + 8192),
				  .shadow = mho_cpu_to_le64(mem + 16384),
				  .order = 3 },
	};
	struct mho_hw_admin_sqe s;

	(void)state;
#define REFUSED(change, want)                        \
	do {                                         \
		s = good;                            \
		change;                              \
		assert_int_equal(run(h, s), (want)); \
	} while (0)
	REFUSED(s.context = mho_cpu_to_le16(9), MHO_HW_ST_BAD_CONTEXT);
	REFUSED(s.context = 0, MHO_HW_ST_BAD_CONTEXT);
	REFUSED(s.queue = 0, MHO_HW_ST_BAD_QUEUE);
	REFUSED(s.queue = mho_cpu_to_le16(5), MHO_HW_ST_BAD_QUEUE);
	REFUSED(s.queue_create.order = 0, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.queue_create.order = 7, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.queue_create.order = 255, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.queue_create.vector = mho_cpu_to_le16(5), MHO_HW_ST_BAD_FIELD);
	REFUSED(s.queue_create.priority = 4, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.queue_create.coalesce_count = mho_cpu_to_le16(2), MHO_HW_ST_BAD_FIELD);
	REFUSED(s.queue_create.sq = mho_cpu_to_le64(mem + 64), MHO_HW_ST_MISALIGNED);
	REFUSED(s.queue_create.cq = mho_cpu_to_le64(mem + 2048), MHO_HW_ST_MISALIGNED);
	REFUSED(s.queue_create.shadow = mho_cpu_to_le64(mem + 64), MHO_HW_ST_MISALIGNED);
	REFUSED(s.queue_create.sq = mho_cpu_to_le64(0x1000), MHO_HW_ST_DMA_FAULT);
	REFUSED(s.queue_create.cq = mho_cpu_to_le64(~0xfffULL), MHO_HW_ST_DMA_FAULT);
	REFUSED(s.queue_create.shadow = mho_cpu_to_le64(128), MHO_HW_ST_DMA_FAULT);
	assert_int_equal(run(h, good), MHO_HW_ST_OK);
	assert_int_equal(run(h, good), MHO_HW_ST_EXISTS);

	good = (struct mho_hw_admin_sqe){ .opcode = MHO_HW_ADM_QUEUE_MODIFY,
					  .queue = mho_cpu_to_le16(1) };
	REFUSED(s.queue = mho_cpu_to_le16(2), MHO_HW_ST_BAD_QUEUE);
	REFUSED(s.queue = 0, MHO_HW_ST_BAD_QUEUE);
	REFUSED(s.queue_create.order = 3, MHO_HW_ST_RESERVED);
	REFUSED(s.queue_create.vector = 1, MHO_HW_ST_RESERVED);
	REFUSED(s.queue_create.priority = 4, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.queue_create.coalesce_count = mho_cpu_to_le16(9), MHO_HW_ST_BAD_FIELD);
	REFUSED(s.queue_create.priority = 2, MHO_HW_ST_OK);
	good.opcode = MHO_HW_ADM_QUEUE_RESET;
	REFUSED(s.queue = mho_cpu_to_le16(3), MHO_HW_ST_BAD_QUEUE);
	assert_int_equal(run(h, good), MHO_HW_ST_OK);
	good.opcode = MHO_HW_ADM_QUEUE_DELETE;
	REFUSED(s.queue = mho_cpu_to_le16(0xffff), MHO_HW_ST_BAD_QUEUE);
	assert_int_equal(run(h, good), MHO_HW_ST_OK);
	assert_int_equal(run(h, good), MHO_HW_ST_BAD_QUEUE);
	emu_host_free(h);
}

/* ---- memory ---- */

static void test_memory(void **state)
{
	struct emu_host *h = start("small");
	struct mho_hw_admin_sqe good = with_data(h, MHO_HW_ADM_MEMORY_REGISTER), s;
	mho_le64 *list = emu_host_ptr(h, h->data);
	uint64_t mem = emu_host_alloc(h, 16384);
	struct mho_hw_cqe c;
	uint32_t first, i;

	(void)state;
	good.context = mho_cpu_to_le16(1);
	good.length = mho_cpu_to_le32(16);
	good.memory.length = mho_cpu_to_le64(4097);
	good.memory.pages = mho_cpu_to_le32(2);
	good.memory.page_shift = 12;
	good.memory.access = MHO_HW_ACCESS_READ;
	list[0] = mho_cpu_to_le64(mem);
	list[1] = mho_cpu_to_le64(mem + 4096);
	REFUSED(s.context = mho_cpu_to_le16(2), MHO_HW_ST_BAD_CONTEXT);
	REFUSED(s.memory.length = 0, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.length = ~0ULL, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.length = mho_cpu_to_le64(8193), MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.pages = mho_cpu_to_le32(3), MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.pages = 0, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.first = mho_cpu_to_le32(4096), MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.first = mho_cpu_to_le32(0xffffffff), MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.page_shift = 11, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.page_shift = 31, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.page_shift = 255, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.access = 0, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.access = 4, MHO_HW_ST_RESERVED);
	REFUSED(s.memory.levels = 2, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.memory.pad[0] = 1, MHO_HW_ST_RESERVED);
	REFUSED(s.memory.pad[12] = 1, MHO_HW_ST_RESERVED);
	REFUSED(s.length = mho_cpu_to_le32(15), MHO_HW_ST_BAD_LENGTH);
	REFUSED(s.data = mho_cpu_to_le64(h->data + 4), MHO_HW_ST_MISALIGNED);
	REFUSED(s.data = mho_cpu_to_le64(0x1000), MHO_HW_ST_DMA_FAULT);
	list[1] = mho_cpu_to_le64(mem + 8);
	assert_int_equal(run(h, good), MHO_HW_ST_MISALIGNED);
	list[1] = mho_cpu_to_le64(mem + 8192);
	assert_int_equal(emu_host_admin(h, &good, &c), MHO_HW_ST_OK);
	first = c.result;
	assert_int_not_equal(first, 0);
	/* 64 keys in all; numbers are not used again. */
	for (i = 1; i < 64; i++)
		assert_int_equal(run(h, good), MHO_HW_ST_OK);
	assert_int_equal(run(h, good), MHO_HW_ST_NO_RESOURCE);
	s = on_array(MHO_HW_ADM_MEMORY_UNREGISTER, 1, first);
	assert_int_equal(run(h, s), MHO_HW_ST_OK);
	assert_int_equal(run(h, s), MHO_HW_ST_BAD_KEY);
	assert_int_equal(emu_host_admin(h, &good, &c), MHO_HW_ST_OK);
	assert_int_not_equal(c.result, first);
	assert_int_equal(run(h, s), MHO_HW_ST_BAD_KEY);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_MEMORY_UNREGISTER, 2, c.result)),
			 MHO_HW_ST_BAD_CONTEXT);
	assert_int_equal(emu_host_context(h, 2), MHO_HW_ST_OK);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_MEMORY_UNREGISTER, 2, c.result)),
			 MHO_HW_ST_BAD_KEY);
	emu_host_free(h);
}

/* A list of two levels works as one of one. */
static void test_long_list(void **state)
{
	struct emu_host *h = emu_host_start(
		&(struct emu_host_opts){ .technology = "ideal", .threads = 1, .memory = 32 << 20 });
	uint32_t n = 1300, blocks = 3, i;
	uint64_t list = emu_host_alloc(h, blocks * 4096), mem = emu_host_alloc(h, n * 4096);
	struct mho_hw_admin_sqe s = with_data(h, MHO_HW_ADM_MEMORY_REGISTER);
	uint32_t array = emu_host_array(h, 1, 8, 8);
	struct emu_queue *q = emu_queue_open(h, 1, NULL);
	mho_le64 *addrs = emu_host_ptr(h, h->data), *pages = emu_host_ptr(h, list);
	struct mho_hw_sqe m = { .opcode = MHO_HW_OP_MVM,
				.array = mho_cpu_to_le32(array),
				.batch = mho_cpu_to_le32(1),
				.a_type = 1,
				.b_type = 1,
				.a_scale = emu_bits(1),
				.b_scale = emu_bits(1) };
	struct mho_hw_cqe c;

	(void)state;
	for (i = 0; i < blocks; i++)
		addrs[i] = mho_cpu_to_le64(list + i * 4096);
	for (i = 0; i < n; i++) /* backwards: nothing to merge */
		pages[i] = mho_cpu_to_le64(mem + (n - 1 - i) * 4096ULL);
	s.context = mho_cpu_to_le16(1);
	s.length = mho_cpu_to_le32(blocks * 8);
	s.memory.length = mho_cpu_to_le64(n * 4096);
	s.memory.pages = mho_cpu_to_le32(n);
	s.memory.page_shift = 12;
	s.memory.levels = 1;
	s.memory.access = 3;
	assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_OK);
	memset(emu_host_ptr(h, list), 0, blocks * 4096); /* the device has its copy */
	m.a.key = m.b.key = c.result;
	m.a.offset = mho_cpu_to_le64(1299 * 4096);
	m.b.offset = mho_cpu_to_le64(600 * 4096 - 16); /* over a seam */
	memset(emu_host_ptr(h, mem + 699 * 4096), 0xff, 4096);
	memset(emu_host_ptr(h, mem + 700 * 4096), 0xff, 4096);
	assert_int_equal(emu_queue_run(q, &m, NULL), MHO_HW_ST_OK);
	/* Page 599 of the key is page 700 of the memory, page 600 is 699. */
	for (i = 0; i < 4; i++) {
		assert_true(((float *)emu_host_ptr(h, mem + 701 * 4096))[-4 + (int)i] == 0);
		assert_true(((float *)emu_host_ptr(h, mem + 699 * 4096))[i] == 0);
	}
	s.length = mho_cpu_to_le32(blocks * 8 - 1);
	assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_BAD_LENGTH);
	assert_int_equal(c.detail, blocks * 8);
	s.length = mho_cpu_to_le32(blocks * 8);
	addrs[1] = mho_cpu_to_le64(list + 8);
	assert_int_equal(run(h, s), MHO_HW_ST_MISALIGNED);
	addrs[1] = mho_cpu_to_le64(0x1000);
	assert_int_equal(run(h, s), MHO_HW_ST_DMA_FAULT);
	emu_queue_free(q);
	emu_host_free(h);
}

/* ---- arrays ---- */

static struct mho_hw_array_request request(uint32_t rows, uint32_t cols, const char *label)
{
	struct mho_hw_array_request r = { .rows = mho_cpu_to_le32(rows),
					  .cols = mho_cpu_to_le32(cols),
					  .technology = mho_cpu_to_le32(MHO_HW_ALL) };

	if (label) {
		r.flags = mho_cpu_to_le16(MHO_HW_ARRAY_NAMED);
		strncpy((char *)r.label, label, sizeof(r.label) - 1);
	}
	return r;
}

static unsigned int create(struct emu_host *h, unsigned int context, struct mho_hw_array_request r,
			   struct mho_hw_cqe *c)
{
	struct mho_hw_admin_sqe s = with_data(h, MHO_HW_ADM_ARRAY_CREATE);

	s.context = mho_cpu_to_le16(context);
	memcpy(emu_host_ptr(h, h->data), &r, sizeof(r));
	return emu_host_admin(h, &s, c);
}

static unsigned int find(struct emu_host *h, unsigned int context, const char *label,
			 uint64_t owner, struct mho_hw_cqe *c)
{
	struct mho_hw_admin_sqe s = with_data(h, MHO_HW_ADM_ARRAY_FIND);
	struct mho_hw_array_request r = { .owner = mho_cpu_to_le64(owner) };

	strncpy((char *)r.label, label, sizeof(r.label) - 1);
	s.context = mho_cpu_to_le16(context);
	memcpy(emu_host_ptr(h, h->data), &r, sizeof(r));
	return emu_host_admin(h, &s, c);
}

static void test_array_refusals(void **state)
{
	struct emu_host *h = start("small"); /* 4 tiles of 16 x 16 */
	struct mho_hw_array_request r;
	struct mho_hw_admin_sqe s;
	struct mho_hw_cqe c;

	(void)state;
#define REFUSED_REQUEST(change, want)                          \
	do {                                                   \
		r = request(8, 8, NULL);                       \
		change;                                        \
		assert_int_equal(create(h, 1, r, &c), (want)); \
	} while (0)
	REFUSED_REQUEST(r.rows = 0, MHO_HW_ST_BAD_FIELD);
	REFUSED_REQUEST(r.cols = 0, MHO_HW_ST_BAD_FIELD);
	REFUSED_REQUEST(r.rows = mho_cpu_to_le32(65537), MHO_HW_ST_BAD_FIELD);
	REFUSED_REQUEST(r.cols = ~0U, MHO_HW_ST_BAD_FIELD);
	REFUSED_REQUEST(r.technology = mho_cpu_to_le32(64), MHO_HW_ST_BAD_FIELD);
	REFUSED_REQUEST(r.policy = mho_cpu_to_le16(2), MHO_HW_ST_BAD_FIELD);
	REFUSED_REQUEST(r.flags = mho_cpu_to_le16(2), MHO_HW_ST_RESERVED);
	REFUSED_REQUEST(r.pad[23] = 1, MHO_HW_ST_RESERVED);
	REFUSED_REQUEST(r.label[0] = 'x', MHO_HW_ST_RESERVED);
	REFUSED_REQUEST(r.label[9] = 'x', MHO_HW_ST_BAD_FIELD);
	REFUSED_REQUEST(r.flags = mho_cpu_to_le16(1), MHO_HW_ST_BAD_FIELD);
	REFUSED_REQUEST(r.flags = mho_cpu_to_le16(1);
			memset(r.label, 'x', 32), MHO_HW_ST_BAD_FIELD);
	REFUSED_REQUEST(r.rows = mho_cpu_to_le32(65), MHO_HW_ST_NO_TILES);
	assert_int_equal(c.result, 5);
	assert_int_equal(c.detail, 4);
	REFUSED_REQUEST(r.rows = r.cols = mho_cpu_to_le32(65536);
			r.block_rows = r.block_cols = mho_cpu_to_le32(1), MHO_HW_ST_NO_TILES);
	assert_int_equal(create(h, 2, request(8, 8, NULL), NULL), MHO_HW_ST_BAD_CONTEXT);
	s = with_data(h, MHO_HW_ADM_ARRAY_CREATE);
	s.context = mho_cpu_to_le16(1);
	s.length = mho_cpu_to_le32(95);
	assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_BAD_LENGTH);
	assert_int_equal(c.detail, 96);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DESTROY, 1, 1)), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DESTROY, 9, 1)), MHO_HW_ST_BAD_CONTEXT);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_NEXT, 0, 0)), MHO_HW_ST_NOT_FOUND);
	emu_host_free(h);
}

static void test_arrays(void **state)
{
	struct emu_host *h = start("small");
	const struct mho_hw_array_info *ai = emu_host_ptr(h, h->data);
	const struct mho_hw_array_tile *t = (const void *)(ai + 1);
	struct mho_hw_array_request r = request(10, 7, NULL);
	struct mho_hw_admin_sqe s;
	struct mho_hw_cqe c;

	(void)state;
	r.block_rows = mho_cpu_to_le32(4);
	r.tag = mho_cpu_to_le64(77);
	assert_int_equal(create(h, 1, r, &c), MHO_HW_ST_OK);
	assert_int_equal(c.result, 1);
	s = with_data(h, MHO_HW_ADM_ARRAY_INFO);
	s.id = mho_cpu_to_le32(1);
	s.context = mho_cpu_to_le16(1);
	assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_OK);
	assert_int_equal(c.result, sizeof(*ai) + 3 * sizeof(*t));
	assert_int_equal(ai->grid_rows, 3);
	assert_int_equal(ai->grid_cols, 1);
	assert_int_equal(ai->tiles, 3);
	assert_true(ai->tag == 77);
	assert_int_equal(t[0].rows, 4);
	assert_int_equal(t[1].row, 4);
	assert_int_equal(t[1].rows, 3);
	assert_int_equal(t[2].row, 7);
	assert_int_equal(t[2].cols, 7);
	assert_true(t[0].tile < t[1].tile && t[1].tile < t[2].tile);
	s.length = mho_cpu_to_le32(c.result - 1);
	assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_BAD_LENGTH);
	assert_int_equal(c.detail, sizeof(*ai) + 3 * sizeof(*t));
	s.length = mho_cpu_to_le32(4096);
	s.context = mho_cpu_to_le16(9);
	assert_int_equal(run(h, s), MHO_HW_ST_BAD_CONTEXT);
	assert_int_equal(emu_host_context(h, 2), MHO_HW_ST_OK);
	s.context = mho_cpu_to_le16(2);
	assert_int_equal(run(h, s), MHO_HW_ST_BAD_ARRAY);
	s = on_array(MHO_HW_ADM_ARRAY_TAG, 1, 1);
	s.tag = mho_cpu_to_le64(0x123456789abcULL);
	assert_int_equal(run(h, s), MHO_HW_ST_OK);
	s = with_data(h, MHO_HW_ADM_ARRAY_INFO);
	s.id = mho_cpu_to_le32(1);
	assert_int_equal(run(h, s), MHO_HW_ST_OK);
	assert_true(ai->tag == 0x123456789abcULL);
	s = on_array(MHO_HW_ADM_ARRAY_NEXT, 0, 0);
	assert_int_equal(emu_host_admin(h, &s, &c), MHO_HW_ST_OK);
	assert_int_equal(c.result, 1);
	assert_int_equal(c.detail, 1);
	s.id = mho_cpu_to_le32(2);
	assert_int_equal(run(h, s), MHO_HW_ST_NOT_FOUND);
	s.id = ~0U;
	assert_int_equal(run(h, s), MHO_HW_ST_NOT_FOUND);
	/* One tile is left. */
	assert_int_equal(create(h, 1, request(17, 1, NULL), &c), MHO_HW_ST_NO_TILES);
	assert_int_equal(c.result, 2);
	assert_int_equal(c.detail, 1);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DETACH, 1, 1)), MHO_HW_ST_BAD_FIELD);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DESTROY, 1, 1)), MHO_HW_ST_OK);
	assert_int_equal(create(h, 1, request(64, 16, NULL), &c), MHO_HW_ST_OK);
	emu_host_free(h);
}

static void test_named(void **state)
{
	struct emu_host *h = start("small");
	struct mho_hw_admin_sqe destroy = { .opcode = MHO_HW_ADM_CONTEXT_DESTROY,
					    .context = mho_cpu_to_le16(1) };
	struct mho_hw_array_request r = request(8, 8, "weights of layer 1");
	struct mho_hw_cqe c;

	(void)state;
	r.owner = mho_cpu_to_le64(1000);
	assert_int_equal(create(h, 1, r, &c), MHO_HW_ST_OK);
	assert_int_equal(create(h, 1, r, NULL), MHO_HW_ST_EXISTS);
	r.owner = mho_cpu_to_le64(1001); /* another owner may use the same name */
	assert_int_equal(create(h, 1, r, NULL), MHO_HW_ST_OK);
	assert_int_equal(emu_host_context(h, 2), MHO_HW_ST_OK);
	assert_int_equal(find(h, 2, "weights of layer 1", 1000, NULL), MHO_HW_ST_NOT_OWNER);
	assert_int_equal(find(h, 1, "weights of layer 1", 1000, NULL), MHO_HW_ST_EXISTS);
	assert_int_equal(find(h, 2, "weights of layer 2", 1000, NULL), MHO_HW_ST_NOT_FOUND);
	assert_int_equal(find(h, 2, "weights of layer 1", 5, NULL), MHO_HW_ST_NOT_FOUND);
	assert_int_equal(find(h, 2, "", 1000, NULL), MHO_HW_ST_BAD_FIELD);
	assert_int_equal(find(h, 3, "weights of layer 1", 1000, NULL), MHO_HW_ST_BAD_CONTEXT);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_ATTACH, 2, 1)), MHO_HW_ST_NOT_OWNER);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_ATTACH, 1, 1)), MHO_HW_ST_EXISTS);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_ATTACH, 1, 7)), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DETACH, 2, 1)), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DETACH, 1, 1)), MHO_HW_ST_OK);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DETACH, 1, 1)), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(find(h, 2, "weights of layer 1", 1000, &c), MHO_HW_ST_OK);
	assert_int_equal(c.result, 1);
	/* Unnamed ones go with their context, named ones stay. */
	assert_int_equal(create(h, 1, request(8, 8, NULL), &c), MHO_HW_ST_OK);
	assert_int_equal(c.result, 3);
	assert_int_equal(run(h, destroy), MHO_HW_ST_OK);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_ATTACH, 2, 3)), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_ATTACH, 2, 2)), MHO_HW_ST_OK);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DETACH, 2, 2)), MHO_HW_ST_OK);
	/* Nobody's, but can be destroyed. */
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DESTROY, 0, 1)), MHO_HW_ST_BAD_ARRAY);
	assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DESTROY, 0, 2)), MHO_HW_ST_OK);
	emu_host_free(h);
}

/* What one context had in its array is not there for the next owner. */
static void test_scrub(void **state)
{
	struct emu_host *h = start("small");
	struct mho_hw_admin_sqe destroy = { .opcode = MHO_HW_ADM_CONTEXT_DESTROY };
	uint64_t mem = emu_host_alloc(h, 65536);
	float *w = emu_host_ptr(h, mem);
	unsigned int context, i;

	(void)state;
	for (context = 1; context <= 3; context++) {
		uint32_t array, key;
		struct emu_queue *q;
		struct mho_hw_sqe s;

		if (context > 1)
			assert_int_equal(emu_host_context(h, context), MHO_HW_ST_OK);
		array = emu_host_array(h, context, 32, 32);
		key = emu_host_key(h, context, mem, 65536, 3);
		q = emu_queue_open(h, 1, &(struct emu_queue_opts){ .context = context });
		s = (struct mho_hw_sqe){ .opcode = MHO_HW_OP_READ,
					 .array = array,
					 .batch = 64,
					 .b_type = 1,
					 .b = { .key = key },
					 .b_scale = emu_bits(1) };
		assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
		for (i = 0; i < 1024; i++)
			assert_true(w[i] < 0.12f && w[i] > -0.12f);
		for (i = 0; i < 8 * 4096; i += 4)
			assert_int_equal(mho_emu_read(h->emu, MHO_HW_BAR_WINDOW, i, 4), 0);
		for (i = 0; i < 8 * 4096; i += 4)
			mho_emu_write(h->emu, MHO_HW_BAR_WINDOW, i, 0x5ec3e7, 4);
		for (i = 0; i < 1024; i++)
			w[i] = 0.5f;
		s = (struct mho_hw_sqe){ .opcode = MHO_HW_OP_PROGRAM,
					 .array = array,
					 .batch = 1,
					 .a_type = 1,
					 .a = { .key = key },
					 .a_scale = emu_bits(1) };
		assert_int_equal(emu_queue_run(q, &s, NULL), MHO_HW_ST_OK);
		emu_queue_free(q);
		destroy.context = mho_cpu_to_le16(context);
		assert_int_equal(run(h, destroy), MHO_HW_ST_OK);
	}
	emu_host_free(h);
}

/* Wear decides, and compactness if asked for. */
static void test_placement(void **state)
{
	struct emu_host *h = start("small");
	const struct mho_hw_array_info *ai = emu_host_ptr(h, h->data);
	const struct mho_hw_array_tile *t = (const void *)(ai + 1);
	struct mho_hw_array_request r = request(8, 8, NULL);
	struct mho_hw_admin_sqe info = with_data(h, MHO_HW_ADM_ARRAY_INFO);
	unsigned int i, seen = 0;
	struct mho_hw_cqe c;

	(void)state;
	/* Made and destroyed again and again, an array wanders over all tiles: scrubbing wears. */
	for (i = 0; i < 8; i++) {
		uint64_t mem = emu_host_alloc(h, 4096);
		uint32_t key = emu_host_key(h, 1, mem, 4096, 3);
		struct emu_queue *q = emu_queue_open(h, 1, NULL);
		struct mho_hw_sqe p = { .opcode = MHO_HW_OP_PULSE,
					.batch = 1,
					.a_type = 2,
					.a = { .key = key },
					.a_scale = emu_bits(1) };

		assert_int_equal(create(h, 1, r, &c), MHO_HW_ST_OK);
		p.array = c.result;
		info.id = c.result;
		assert_int_equal(run(h, info), MHO_HW_ST_OK);
		seen |= 1U << t[0].tile;
		memset(emu_host_ptr(h, mem), 20, 64);
		assert_int_equal(emu_queue_run(q, &p, NULL), MHO_HW_ST_OK);
		assert_int_equal(run(h, on_array(MHO_HW_ADM_ARRAY_DESTROY, 1, p.array)),
				 MHO_HW_ST_OK);
		assert_int_equal(run(h,
				     (struct mho_hw_admin_sqe){ .opcode = MHO_HW_ADM_QUEUE_DELETE,
								.queue = 1 }),
				 MHO_HW_ST_OK);
		emu_queue_free(q);
	}
	assert_int_equal(seen, 0xf);
	r = request(32, 8, NULL);
	r.policy = mho_cpu_to_le16(MHO_HW_POLICY_COMPACT);
	for (i = 0; i < 2; i++) {
		assert_int_equal(create(h, 1, r, &c), MHO_HW_ST_OK);
		info.id = c.result;
		assert_int_equal(run(h, info), MHO_HW_ST_OK);
		assert_int_equal(t[1].tile, t[0].tile + 1);
	}
	emu_host_free(h);
}

/* Arrays of a wanted technology, on a card that has several. */
static void test_technologies(void **state)
{
	struct emu_host *h = start("mixed");
	const struct mho_hw_identify *id = emu_host_ptr(h, h->data);
	const struct mho_hw_array_info *ai = emu_host_ptr(h, h->data);
	struct mho_hw_admin_sqe info = with_data(h, MHO_HW_ADM_ARRAY_INFO);
	struct mho_hw_array_request r = request(100, 300, NULL);
	uint32_t technologies, i, made = 0;
	struct mho_hw_cqe c;

	(void)state;
	assert_int_equal(run(h, with_data(h, MHO_HW_ADM_IDENTIFY)), MHO_HW_ST_OK);
	technologies = id->technologies;
	for (i = 0; i < technologies; i++) {
		unsigned int status;

		r.technology = mho_cpu_to_le32(i);
		status = create(h, 1, r, &c);
		if (status == MHO_HW_ST_NO_TILES) /* defined, but no tile has it */
			continue;
		assert_int_equal(status, MHO_HW_ST_OK);
		info.id = c.result;
		assert_int_equal(run(h, info), MHO_HW_ST_OK);
		assert_int_equal(ai->technology, i);
		made++;
	}
	assert_true(made >= 2);
	emu_host_free(h);
}

static void test_telemetry(void **state)
{
	struct emu_host *h = start("small");
	const struct mho_hw_telemetry *d = emu_host_ptr(h, h->data);
	const struct mho_hw_tile_telemetry *t = emu_host_ptr(h, h->data);
	struct mho_hw_admin_sqe good = with_data(h, MHO_HW_ADM_TELEMETRY), s;
	uint32_t array = emu_host_array(h, 1, 8, 8);
	struct mho_hw_cqe c;

	(void)state;
	assert_int_equal(run(h, good), MHO_HW_ST_OK);
	assert_int_equal(d->tiles_free, 3);
	assert_int_equal(d->tiles_failed, 0);
	assert_int_equal(d->temperature_mc, 25000);
	REFUSED(s.scope = 3, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.id = 1, MHO_HW_ST_RESERVED);
	REFUSED(s.queue = 1, MHO_HW_ST_RESERVED);
	REFUSED(s.scope = MHO_HW_SCOPE_TILE; s.id = 4, MHO_HW_ST_BAD_TILE);
	REFUSED(s.scope = MHO_HW_SCOPE_TILE; s.queue = 1, MHO_HW_ST_RESERVED);
	REFUSED(s.scope = MHO_HW_SCOPE_QUEUE, MHO_HW_ST_BAD_QUEUE);
	REFUSED(s.scope = MHO_HW_SCOPE_QUEUE; s.queue = mho_cpu_to_le16(1), MHO_HW_ST_BAD_QUEUE);
	REFUSED(s.length = mho_cpu_to_le32(127), MHO_HW_ST_BAD_LENGTH);
	REFUSED(s.scope = MHO_HW_SCOPE_TILE, MHO_HW_ST_OK);
	assert_int_equal(t->rows, 16);
	assert_int_equal(t->array, array);
	assert_int_equal(t->state, MHO_HW_TILE_USED);
	REFUSED(s.scope = MHO_HW_SCOPE_TILE; s.id = 1, MHO_HW_ST_OK);
	assert_int_equal(t->tile, 1);
	assert_int_equal(t->state, MHO_HW_TILE_FREE);
	(void)c;
	emu_host_free(h);
}

static void test_maintenance(void **state)
{
	struct emu_host *h = start("small");
	const struct mho_hw_selftest_result *r = emu_host_ptr(h, h->data);
	struct mho_hw_admin_sqe good = with_data(h, MHO_HW_ADM_SELFTEST), s;
	struct mho_hw_cqe c;
	unsigned int scope;

	(void)state;
	assert_int_not_equal(emu_host_array(h, 1, 20, 8), 0);
	for (scope = MHO_HW_SELFTEST_QUICK; scope <= MHO_HW_SELFTEST_FULL; scope++) {
		good.scope = scope;
		assert_int_equal(emu_host_admin(h, &good, &c), MHO_HW_ST_OK);
		assert_int_equal(r->tiles_tested, 4);
		if (r->failures)
			fail_msg("self-test %u: %s", scope, r->first_failure);
		assert_int_equal(r->first_failure[0], 0);
		assert_true(c.device_ns > 0);
	}
	REFUSED(s.scope = 2, MHO_HW_ST_BAD_FIELD);
	REFUSED(s.length = mho_cpu_to_le32(100), MHO_HW_ST_BAD_LENGTH);
	good = on_array(MHO_HW_ADM_CALIBRATE, 0, MHO_HW_ALL);
	assert_int_equal(emu_host_admin(h, &good, &c), MHO_HW_ST_OK);
	assert_true(c.device_ns > 0);
	REFUSED(s.id = mho_cpu_to_le32(3), MHO_HW_ST_OK);
	REFUSED(s.id = mho_cpu_to_le32(4), MHO_HW_ST_BAD_TILE);
	emu_host_free(h);
}

/* Several admin commands at once, more than the ring has room for unread completions. */
static void test_pipelining(void **state)
{
	struct emu_host *h = start("small");
	unsigned int i, k;

	(void)state;
	for (i = 0; i < 50; i++) {
		for (k = 0; k < 1 + i % 14; k++)
			emu_host_admin_submit(h, &(struct mho_hw_admin_sqe){
							 .opcode = k & 1 ? MHO_HW_ADM_NOP : 0xee });
		for (k = 0; k < 1 + i % 14; k++)
			assert_int_equal(emu_host_admin_reap(h, NULL),
					 k & 1 ? MHO_HW_ST_OK : MHO_HW_ST_BAD_OPCODE);
	}
	emu_host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identify),     cmocka_unit_test(test_firmware_and_log),
		cmocka_unit_test(test_reserved),     cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_queues),	     cmocka_unit_test(test_memory),
		cmocka_unit_test(test_long_list),    cmocka_unit_test(test_array_refusals),
		cmocka_unit_test(test_arrays),	     cmocka_unit_test(test_named),
		cmocka_unit_test(test_scrub),	     cmocka_unit_test(test_placement),
		cmocka_unit_test(test_technologies), cmocka_unit_test(test_telemetry),
		cmocka_unit_test(test_maintenance),  cmocka_unit_test(test_pipelining),
	};

	return cmocka_run_group_tests_name("emulated device: admin commands", tests, NULL, NULL);
}
