/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the admin commands share.
 */
#ifndef MHO_EMU_ADMIN_H
#define MHO_EMU_ADMIN_H

#include "emulator/emu.h"

/* cqe.detail of a refused field in the data buffer. */
#define MHO_ADMIN_IN_DATA 0

#define MHO_ADMIN_AT(field) offsetof(struct mho_hw_admin_sqe, field)

/**
 * struct mho_admin - an admin command under execution
 * @emu: device
 * @w: the worker
 * @sqe: private copy of the command
 * @result: outcome
 * @detail: outcome
 * @cost: outcome: time and energy
 * @unanswered: outcome: there is no completion, by order
 */
struct mho_admin {
	struct mho_emu *emu;
	struct mho_worker *w;
	struct mho_hw_admin_sqe sqe;
	uint32_t result;
	uint32_t detail;
	struct mho_cost cost;
	bool unanswered;
};

/* mho_admin_refuse() - @status with the offset of the field that is to blame. */
static inline enum mho_hw_status mho_admin_refuse(struct mho_admin *a, enum mho_hw_status status,
						  uint32_t offset)
{
	a->detail = offset;
	return status;
}

/* mho_admin_answer() - write the answer to the data buffer. */
enum mho_hw_status mho_admin_answer(struct mho_admin *a, const void *data, size_t len);

/* mho_admin_request() - read @len bytes of the data buffer. */
enum mho_hw_status mho_admin_request(struct mho_admin *a, void *data, size_t len);

/*
 * The commands. All are called with the core lock, which some drop while they work. What a command
 * does not use is known to be zero.
 */
enum mho_hw_status mho_admin_identify(struct mho_admin *a);
enum mho_hw_status mho_admin_topology(struct mho_admin *a);
enum mho_hw_status mho_admin_firmware(struct mho_admin *a);
enum mho_hw_status mho_admin_log(struct mho_admin *a);
enum mho_hw_status mho_admin_telemetry(struct mho_admin *a);
enum mho_hw_status mho_admin_context_create(struct mho_admin *a);
enum mho_hw_status mho_admin_context_destroy(struct mho_admin *a);
enum mho_hw_status mho_admin_queue_create(struct mho_admin *a);
enum mho_hw_status mho_admin_queue_delete(struct mho_admin *a);
enum mho_hw_status mho_admin_queue_reset(struct mho_admin *a);
enum mho_hw_status mho_admin_queue_modify(struct mho_admin *a);
enum mho_hw_status mho_admin_memory_register(struct mho_admin *a);
enum mho_hw_status mho_admin_memory_unregister(struct mho_admin *a);
enum mho_hw_status mho_admin_array_create(struct mho_admin *a);
enum mho_hw_status mho_admin_array_destroy(struct mho_admin *a);
enum mho_hw_status mho_admin_array_find(struct mho_admin *a);
enum mho_hw_status mho_admin_array_attach(struct mho_admin *a);
enum mho_hw_status mho_admin_array_detach(struct mho_admin *a);
enum mho_hw_status mho_admin_array_info(struct mho_admin *a);
enum mho_hw_status mho_admin_array_next(struct mho_admin *a);
enum mho_hw_status mho_admin_array_tag(struct mho_admin *a);
enum mho_hw_status mho_admin_calibrate(struct mho_admin *a);
enum mho_hw_status mho_admin_selftest(struct mho_admin *a);

#endif
