// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What a host can do to the emulated device: any bytes as admin and I/O commands,
 * doorbells, shadow words, register and window writes; and faults that are ordered
 * meanwhile. Most commands begin as sensible ones, of which the input changes a few
 * bytes. The device must neither crash nor hang, and after a function-level reset
 * it must boot and hold no mapping.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blob.h"
#include "emulator/mho_emu.h"
#include "mho_hw.h"

#define BUS 0x10000ULL
#define SIZE 0x80000
#define ADMIN_SQ (BUS + 0x1000)
#define ADMIN_CQ (BUS + 0x2000)
#define IO_SQ (BUS + 0x3000)
#define IO_CQ (BUS + 0x4000)
#define SHADOW (BUS + 0x5000)
#define DATA (BUS + 0x6000)
#define IMAGE (BUS + 0x10000)
#define ORDER 4
#define ENTRIES (1U << ORDER)

static struct mho_emu *emu;
static _Alignas(4096) uint8_t memory[SIZE];
static atomic_long mapped;
static uint32_t admin_tail;
static uint32_t io_tail[2];

struct input {
	const uint8_t *data;
	size_t len;
};

static uint64_t take(struct input *in, size_t n)
{
	uint64_t v = 0;

	n = n < in->len ? n : in->len;
	memcpy(&v, in->data, n);
	in->data += n;
	in->len -= n;
	return v;
}

static void *dma_map(void *opaque, uint64_t addr, size_t *len, bool write)
{
	(void)opaque;
	(void)write;
	if (addr < BUS || addr - BUS >= SIZE)
		return NULL;
	if (*len > SIZE - (addr - BUS))
		*len = SIZE - (addr - BUS);
	atomic_fetch_add(&mapped, 1);
	return memory + (addr - BUS);
}

static void dma_unmap(void *opaque, void *ptr, size_t len)
{
	(void)opaque;
	(void)ptr;
	(void)len;
	atomic_fetch_sub(&mapped, 1);
}

static void irq(void *opaque, unsigned int vector)
{
	(void)opaque;
	if (vector >= MHO_HW_VECTORS_MAX)
		abort();
}

static const struct mho_emu_ops ops = { .dma_map = dma_map, .dma_unmap = dma_unmap, .irq = irq };

static void set(uint32_t reg, uint32_t value)
{
	mho_emu_write(emu, MHO_HW_BAR_REGS, reg, value, 4);
}

static void set64(uint32_t reg, uint64_t value)
{
	mho_emu_write(emu, MHO_HW_BAR_REGS, reg, value, 8);
}

static unsigned int state(void)
{
	return mho_emu_read(emu, MHO_HW_BAR_REGS, MHO_HW_REG_STATUS, 4) & MHO_HW_STATUS_STATE_MASK;
}

static void doorbell(unsigned int queue, uint32_t which, uint32_t value)
{
	mho_emu_write(emu, MHO_HW_BAR_DOORBELL, MHO_HW_DB_OFFSET(queue, which), value, 4);
}

static void ring_admin(const struct mho_hw_admin_sqe *s)
{
	memcpy(memory + (ADMIN_SQ - BUS) + 64 * (admin_tail % ENTRIES), s, sizeof(*s));
	doorbell(0, MHO_HW_DB_SQ_TAIL, ++admin_tail % ENTRIES);
	/* What it has posted is as good as consumed; it knows better where it has not. */
	doorbell(0, MHO_HW_DB_CQ_HEAD, (admin_tail - 1) % ENTRIES);
}

/* Wait for the admin queue, as a host that needs the answer. */
static uint32_t admin(const struct mho_hw_admin_sqe *s)
{
	const struct mho_hw_cqe *c = (const void *)(memory + (ADMIN_CQ - BUS));
	uint32_t i = admin_tail;

	ring_admin(s);
	c += i % ENTRIES;
	while ((__atomic_load_n(&c->flags, __ATOMIC_ACQUIRE) & 1) == (i / ENTRIES & 1))
		;
	doorbell(0, MHO_HW_DB_CQ_HEAD, admin_tail % ENTRIES);
	return c->result;
}

static void boot(void)
{
	const struct mho_blob *fw = mho_blob_find("firmware/mho-1");

	memcpy(memory + (IMAGE - BUS), fw->data, fw->len);
	set64(MHO_HW_REG_FW_ADDR_LO, IMAGE);
	set(MHO_HW_REG_FW_SIZE, (uint32_t)fw->len);
	set(MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
	while (state() == MHO_HW_STATE_VERIFY)
		;
	if (state() != MHO_HW_STATE_BOOTED)
		abort();
	set64(MHO_HW_REG_ASQ_LO, ADMIN_SQ);
	set64(MHO_HW_REG_ACQ_LO, ADMIN_CQ);
	set(MHO_HW_REG_AQ_ORDER, ORDER);
	set(MHO_HW_REG_CONTROL, MHO_HW_CONTROL_ENABLE);
	while (state() != MHO_HW_STATE_READY)
		;
}

static struct mho_hw_admin_sqe admin_command(unsigned int opcode)
{
	struct mho_hw_admin_sqe s = {
		.opcode = opcode, .context = 1, .id = 1, .data = DATA, .length = 0x1000
	};

	switch (opcode) {
	case MHO_HW_ADM_CONTEXT_CREATE:
		s = (struct mho_hw_admin_sqe){ .opcode = opcode, .context = 1 };
		break;
	case MHO_HW_ADM_QUEUE_CREATE:
		s = (struct mho_hw_admin_sqe){
			.opcode = opcode,
			.context = 1,
			.queue = 1,
			.queue_create = { .sq = IO_SQ, .cq = IO_CQ, .order = ORDER, .vector = 1 },
		};
		break;
	case MHO_HW_ADM_MEMORY_REGISTER:
		s.id = 0;
		s.memory = (struct mho_hw_memory){
			.length = 0x40000, .pages = 0x40, .page_shift = 12, .access = 3
		};
		for (unsigned int i = 0; i < 0x40; i++) {
			uint64_t page = BUS + 0x20000 + i * 0x1000;

			memcpy(memory + (DATA - BUS) + 8 * i, &page, 8);
		}
		break;
	case MHO_HW_ADM_ARRAY_CREATE: {
		struct mho_hw_array_request r = { .rows = 20,
						  .cols = 12,
						  .technology = MHO_HW_ALL };

		s.id = 0;
		memcpy(memory + (DATA - BUS), &r, sizeof(r));
		break;
	}
	case MHO_HW_ADM_QUEUE_DELETE:
	case MHO_HW_ADM_QUEUE_RESET:
	case MHO_HW_ADM_QUEUE_MODIFY:
		s = (struct mho_hw_admin_sqe){ .opcode = opcode, .queue = 1 };
		break;
	case MHO_HW_ADM_CALIBRATE:
	case MHO_HW_ADM_ARRAY_NEXT:
		s = (struct mho_hw_admin_sqe){ .opcode = opcode, .id = MHO_HW_ALL };
		break;
	case MHO_HW_ADM_MEMORY_UNREGISTER:
	case MHO_HW_ADM_ARRAY_DESTROY:
	case MHO_HW_ADM_ARRAY_DETACH:
	case MHO_HW_ADM_ARRAY_ATTACH:
	case MHO_HW_ADM_ARRAY_TAG:
		s.data = 0;
		s.length = 0;
		break;
	case MHO_HW_ADM_ARRAY_INFO:
		break;
	default:
		s.context = 0;
		s.id = 0;
		break;
	}
	return s;
}

static struct mho_hw_sqe io_command(unsigned int opcode, uint32_t key)
{
	const uint32_t one = 0x3f800000, tenth = 0x3dcccccd;
	struct mho_hw_sqe s = { .opcode = opcode, .array = 1, .batch = 1 };
	struct mho_hw_operand a = { .key = key }, b = { .key = key, .offset = 0x10000 };

	switch (opcode) {
	case MHO_HW_OP_MVM:
	case MHO_HW_OP_MVM_T:
	case MHO_HW_OP_UPDATE:
		s.batch = 3;
		s.a_type = s.b_type = MHO_HW_TYPE_F32;
		s.a = a;
		s.b = b;
		s.a_scale = s.b_scale = one;
		s.param[0] = opcode == MHO_HW_OP_UPDATE ? tenth : 0;
		break;
	case MHO_HW_OP_PROGRAM:
	case MHO_HW_OP_PULSE:
		s.a_type = opcode == MHO_HW_OP_PULSE ? MHO_HW_TYPE_I8 : MHO_HW_TYPE_F32;
		s.a = a;
		s.a_scale = one;
		break;
	case MHO_HW_OP_READ:
		s.b_type = MHO_HW_TYPE_F32;
		s.b = b;
		s.b_scale = one;
		break;
	case MHO_HW_OP_TRANSFER:
		s.batch = 0;
		s.a_scale = one;
		s.param[0] = tenth;
		s.param[1] = 2;
		break;
	case MHO_HW_OP_SCRUB:
		s.batch = 0;
		break;
	default:
		s.array = 0;
		s.batch = 0;
		break;
	}
	return s;
}

/* Change a few bytes of a command as the input says. */
static void spoil(struct input *in, void *command)
{
	unsigned int n = take(in, 1) & 3;

	while (n--) {
		unsigned int at = take(in, 1) & 63;

		((uint8_t *)command)[at] = (uint8_t)take(in, 1);
	}
}

static void io(struct input *in, uint32_t key)
{
	static const uint8_t opcodes[] = { 0x00, 0x01, 0x10, 0x11, 0x12, 0x20,
					   0x21, 0x22, 0x23, 0x24, 0x99 };
	unsigned int what = take(in, 1);
	struct mho_hw_sqe s = io_command(opcodes[(what >> 2) % sizeof(opcodes)], key);
	unsigned int q = 1 + (what & 1);

	s.cid = io_tail[q - 1] % 64;
	if (what & 2)
		spoil(in, &s);
	memcpy(memory + (IO_SQ - BUS) + 64 * (io_tail[q - 1] % ENTRIES), &s, sizeof(s));
	io_tail[q - 1]++;
	__atomic_store_n((uint32_t *)(memory + (SHADOW - BUS)), io_tail[1], __ATOMIC_SEQ_CST);
	doorbell(q, MHO_HW_DB_SQ_TAIL, io_tail[q - 1] % ENTRIES);
}

/* A fault with up to two arguments, numbers or any text; or the end of all. */
static void fault(struct input *in)
{
	unsigned int what = take(in, 1), n = take(in, 1);
	struct mho_emu_fault_info info;
	char text[2][9] = { "", "" };
	char *words[3] = { NULL };

	for (unsigned int i = 0; i < (n & 3) && i < 2; i++) {
		uint64_t bytes = take(in, n & 4 ? 8 : 1);

		if (n & 4)
			memcpy(text[i], &bytes, 8);
		else
			snprintf(text[i], sizeof(text[i]), "%u", (unsigned int)bytes & 15);
		words[i] = text[i];
	}
	if (mho_emu_fault_info(emu, what % 32, &info))
		mho_emu_fault(emu, info.name, words);
	else
		mho_emu_fault_clear(emu);
}

static void step(struct input *in, uint32_t key)
{
	unsigned int what = take(in, 1);
	uint32_t word;

	switch (what & 15) {
	case 0:
		word = take(in, 1) * 4;
		set(word, take(in, 4));
		break;
	case 1:
		word = take(in, 1);
		doorbell(word & 7, word & 8 ? 4 : 0, take(in, 1));
		break;
	case 2:
	case 3:
	case 4: {
		struct mho_hw_admin_sqe s = admin_command(take(in, 1) & 0x7f);

		spoil(in, &s);
		ring_admin(&s);
		break;
	}
	case 5:
		word = take(in, 1) & 0x7c;
		__atomic_store_n((uint32_t *)(memory + (SHADOW - BUS) + word),
				 (uint32_t)take(in, 4), __ATOMIC_SEQ_CST);
		doorbell(2, 0, 0);
		break;
	case 6:
		mho_emu_write(emu, MHO_HW_BAR_WINDOW, take(in, 2), take(in, 8), take(in, 1) & 15);
		mho_emu_read(emu, what >> 4, take(in, 2), take(in, 1) & 15);
		break;
	case 7: /* data of commands, and operands */
		word = (DATA - BUS) + take(in, 2) % 0x1000;
		memory[word] = (uint8_t)take(in, 1);
		memory[0x20000 + take(in, 2)] = (uint8_t)take(in, 1);
		break;
	case 8:
		fault(in);
		break;
	default:
		io(in, key);
		break;
	}
}

static void begin(uint32_t *key)
{
	struct mho_hw_admin_sqe s;

	memset(memory, 0, 0x20000);
	admin_tail = 0;
	io_tail[0] = io_tail[1] = 0;
	boot();
	s = admin_command(MHO_HW_ADM_CONTEXT_CREATE);
	admin(&s);
	s = admin_command(MHO_HW_ADM_MEMORY_REGISTER);
	*key = admin(&s);
	s = admin_command(MHO_HW_ADM_ARRAY_CREATE);
	admin(&s);
	admin(&s);
	s = admin_command(MHO_HW_ADM_QUEUE_CREATE);
	admin(&s);
	s.queue = 2;
	s.queue_create.shadow = SHADOW;
	admin(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct mho_blob *small = mho_blob_find("topology/small");
	struct mho_emu_config cfg = { .size = sizeof(cfg),
				      .topology = small->data,
				      .topology_len = small->len,
				      .seed = 1,
				      .threads = 1,
				      .ops = &ops };
	struct input in = { data, len };
	uint32_t key;

	if (!emu && mho_emu_create(&cfg, &emu, NULL, 0))
		abort();
	begin(&key);
	while (in.len)
		step(&in, key);
	mho_emu_fault_clear(emu);
	mho_emu_reset(emu);
	if (atomic_load(&mapped) || state() != MHO_HW_STATE_WAIT_FW)
		abort();
	return 0;
}
