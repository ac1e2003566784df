// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The admin queue: takes one command at a time, checks that what it does not use
 * is zero, has it done, and posts the completion. The commands are in admin_*.c.
 */
#include <string.h>

#include "emulator/admin.h"

enum {
	USES_SCOPE = 1 << 0,
	USES_CONTEXT = 1 << 1,
	USES_QUEUE = 1 << 2,
	USES_ID = 1 << 3,
	USES_DATA = 1 << 4,
	USES_REST = 1 << 5, /* the union; the command looks at it itself */
	USES_TAG = 1 << 6,
};

struct spec {
	uint8_t opcode;
	uint8_t uses;
	enum mho_hw_status (*run)(struct mho_admin *a);
};

static enum mho_hw_status nop(struct mho_admin *a)
{
	(void)a;
	return MHO_HW_ST_OK;
}

static const struct spec specs[] = {
	{ MHO_HW_ADM_NOP, 0, nop },
	{ MHO_HW_ADM_IDENTIFY, USES_DATA, mho_admin_identify },
	{ MHO_HW_ADM_TOPOLOGY, USES_ID | USES_DATA, mho_admin_topology },
	{ MHO_HW_ADM_FIRMWARE, USES_DATA, mho_admin_firmware },
	{ MHO_HW_ADM_CONTEXT_CREATE, USES_CONTEXT, mho_admin_context_create },
	{ MHO_HW_ADM_CONTEXT_DESTROY, USES_CONTEXT, mho_admin_context_destroy },
	{ MHO_HW_ADM_QUEUE_CREATE, USES_CONTEXT | USES_QUEUE | USES_REST, mho_admin_queue_create },
	{ MHO_HW_ADM_QUEUE_DELETE, USES_QUEUE, mho_admin_queue_delete },
	{ MHO_HW_ADM_QUEUE_RESET, USES_QUEUE, mho_admin_queue_reset },
	{ MHO_HW_ADM_QUEUE_MODIFY, USES_QUEUE | USES_REST, mho_admin_queue_modify },
	{ MHO_HW_ADM_MEMORY_REGISTER, USES_CONTEXT | USES_DATA | USES_REST,
	  mho_admin_memory_register },
	{ MHO_HW_ADM_MEMORY_UNREGISTER, USES_CONTEXT | USES_ID, mho_admin_memory_unregister },
	{ MHO_HW_ADM_ARRAY_CREATE, USES_CONTEXT | USES_DATA, mho_admin_array_create },
	{ MHO_HW_ADM_ARRAY_DESTROY, USES_CONTEXT | USES_ID, mho_admin_array_destroy },
	{ MHO_HW_ADM_ARRAY_FIND, USES_CONTEXT | USES_DATA, mho_admin_array_find },
	{ MHO_HW_ADM_ARRAY_DETACH, USES_CONTEXT | USES_ID, mho_admin_array_detach },
	{ MHO_HW_ADM_ARRAY_INFO, USES_CONTEXT | USES_ID | USES_DATA, mho_admin_array_info },
	{ MHO_HW_ADM_ARRAY_NEXT, USES_ID, mho_admin_array_next },
	{ MHO_HW_ADM_ARRAY_TAG, USES_CONTEXT | USES_ID | USES_TAG, mho_admin_array_tag },
	{ MHO_HW_ADM_ARRAY_ATTACH, USES_CONTEXT | USES_ID, mho_admin_array_attach },
	{ MHO_HW_ADM_TELEMETRY, USES_SCOPE | USES_QUEUE | USES_ID | USES_DATA,
	  mho_admin_telemetry },
	{ MHO_HW_ADM_LOG, USES_ID | USES_DATA, mho_admin_log },
	{ MHO_HW_ADM_CALIBRATE, USES_ID, mho_admin_calibrate },
	{ MHO_HW_ADM_SELFTEST, USES_SCOPE | USES_DATA, mho_admin_selftest },
};

static const struct spec *find_spec(uint8_t opcode)
{
	size_t i;

	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		if (specs[i].opcode == opcode)
			return &specs[i];
	}
	return NULL;
}

/* First byte of the union from @from on that is not zero, or its size. */
static size_t first_set(const struct mho_hw_admin_sqe *s, size_t from)
{
	while (from < sizeof(s->raw) && !s->raw[from])
		from++;
	return from;
}

static enum mho_hw_status check(struct mho_admin *a, uint8_t uses)
{
	const struct mho_hw_admin_sqe *s = &a->sqe;
	size_t rest = uses & USES_REST ? sizeof(s->raw) :
		      uses & USES_TAG  ? first_set(s, sizeof(s->tag)) :
					 first_set(s, 0);

	if (s->scope && !(uses & USES_SCOPE))
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(scope));
	if (s->context && !(uses & USES_CONTEXT))
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(context));
	if (s->queue && !(uses & USES_QUEUE))
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(queue));
	if (s->id && !(uses & USES_ID))
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(id));
	if (s->length && !(uses & USES_DATA))
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(length));
	if (s->data && !(uses & USES_DATA))
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(data));
	if (s->rsvd)
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(rsvd));
	if (rest < sizeof(s->raw))
		return mho_admin_refuse(a, MHO_HW_ST_RESERVED, MHO_ADMIN_AT(raw) + rest);
	if (mho_le64_to_cpu(s->data) % 8)
		return mho_admin_refuse(a, MHO_HW_ST_MISALIGNED, MHO_ADMIN_AT(data));
	return MHO_HW_ST_OK;
}

enum mho_hw_status mho_admin_answer(struct mho_admin *a, const void *data, size_t len)
{
	if (mho_le32_to_cpu(a->sqe.length) < len)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_LENGTH, len);
	if (!mho_dma_write(&a->emu->dma, mho_le64_to_cpu(a->sqe.data), data, len))
		return mho_admin_refuse(a, MHO_HW_ST_DMA_FAULT, MHO_ADMIN_AT(data));
	return MHO_HW_ST_OK;
}

enum mho_hw_status mho_admin_request(struct mho_admin *a, void *data, size_t len)
{
	if (mho_le32_to_cpu(a->sqe.length) < len)
		return mho_admin_refuse(a, MHO_HW_ST_BAD_LENGTH, len);
	if (!mho_dma_read(&a->emu->dma, data, mho_le64_to_cpu(a->sqe.data), len))
		return mho_admin_refuse(a, MHO_HW_ST_DMA_FAULT, MHO_ADMIN_AT(data));
	return MHO_HW_ST_OK;
}

static void run(struct mho_worker *w, struct mho_hwqueue *q, const struct mho_hw_admin_sqe *sqe)
{
	struct mho_admin a = { .emu = w->emu, .w = w, .sqe = *sqe };
	const struct spec *spec = find_spec(sqe->opcode);
	enum mho_hw_status status = MHO_HW_ST_BAD_OPCODE;
	struct mho_hw_cqe cqe = { .cid = sqe->cid };

	if (spec) {
		status = check(&a, spec->uses);
		if (!status)
			status = spec->run(&a);
	}
	if (a.unanswered)
		return;
	q->device_ns += (uint64_t)(a.cost.ns + 0.5);
	w->emu->counters.energy_fj += (uint64_t)(a.cost.fj + 0.5);
	mho_time_reached(w->emu, q->time_base + q->device_ns);
	cqe.status = mho_cpu_to_le16(status);
	cqe.result = mho_cpu_to_le32(a.result);
	cqe.detail = mho_cpu_to_le32(a.detail);
	cqe.device_ns = mho_cpu_to_le64((uint64_t)(a.cost.ns + 0.5));
	cqe.energy_fj = mho_cpu_to_le64((uint64_t)(a.cost.fj + 0.5));
	mho_queue_post(w->emu, q, &cqe, 1);
}

void mho_admin_run(struct mho_worker *w)
{
	struct mho_emu *emu = w->emu;
	struct mho_hwqueue *q = emu->admin;
	struct mho_hw_admin_sqe sqe;

	/* A doorbell from here on is seen by the next look. */
	atomic_store(&emu->admin_rung, false);
	if (!mho_queue_look(emu, q) || !mho_queue_available(q))
		return;
	atomic_store(&emu->admin_rung, true);
	if (!mho_queue_peek(emu, q, &sqe, 1)) {
		atomic_store(&emu->admin_rung, false);
		return;
	}
	q->sq_head++;
	if (mho_fault_take(emu, MHO_FAULT_ADMIN_HANG, 0, NULL))
		return;
	run(w, q, &sqe);
}
