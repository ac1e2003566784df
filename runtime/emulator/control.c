// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The state machine behind CONTROL: boot, admin queue on, shutdown, resets. The
 * manager runs it: nothing starts meanwhile, and what has started is waited for
 * where that matters.
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/emu.h"
#include "emulator/objects.h"
#include "emulator/persist.h"

#define MHO_REQ_RESETS (MHO_REQ_RESET | MHO_REQ_FLR | MHO_REQ_POWER_OFF)

void mho_control_request(struct mho_emu *emu, uint32_t req)
{
	if (req & MHO_REQ_RESETS)
		atomic_store(&emu->cancel, true);
	atomic_fetch_or(&emu->requests, req);
	mho_notify_manager(emu);
}

void mho_die(struct mho_emu *emu, enum mho_hw_status status, uint32_t info)
{
	emu->serving = false;
	emu->dead = true;
	atomic_store(&emu->cancel, true);
	mho_regs_fatal(emu, status, info);
}

bool mho_die_soon(struct mho_emu *emu, enum mho_hw_status status)
{
	if (!mho_regs_fatal(emu, status, 0))
		return false;
	mho_control_request(emu, MHO_REQ_FATAL);
	return true;
}

void mho_reset_and_wait(struct mho_emu *emu, uint32_t req)
{
	unsigned int before;

	pthread_mutex_lock(&emu->lock);
	before = emu->resets_done;
	mho_control_request(emu, req);
	while (emu->resets_done == before || atomic_load(&emu->requests) & req)
		pthread_cond_wait(&emu->idle, &emu->lock);
	pthread_mutex_unlock(&emu->lock);
}

static void wait_for_quiet(struct mho_emu *emu)
{
	while (emu->running || emu->saving)
		pthread_cond_wait(&emu->idle, &emu->lock);
}

/* Everything that belongs to the host goes; arrays stay, detached. */
static void drop_host(struct mho_emu *emu)
{
	unsigned int i;

	emu->serving = false;
	atomic_store(&emu->cancel, true);
	wait_for_quiet(emu);
	for (i = 1; i <= emu->topo->limits.queues; i++) {
		if (emu->queues[i])
			mho_arbiter_abort(emu, emu->queues[i], false);
		mho_queue_free(emu, emu->queues[i]);
		emu->queues[i] = NULL;
	}
	mho_queue_free(emu, emu->admin);
	emu->admin = NULL;
	atomic_store(&emu->admin_rung, false);
	mho_contexts_clear(emu);
	for (i = 0; i < MHO_DOORBELL_WORDS; i++)
		atomic_store(&emu->rung[i], 0);
	for (i = 0; i <= MHO_HW_QUEUES_MAX; i++) {
		atomic_store(&emu->doorbells[i].sq_tail, 0);
		atomic_store(&emu->doorbells[i].cq_head, 0);
	}
	memset(emu->active, 0, sizeof(emu->active));
	mho_irq_drop(emu);
	emu->dead = false;
	atomic_store(&emu->cancel, false);
}

static void warm_reset(struct mho_emu *emu)
{
	drop_host(emu);
	if (mho_fault_take(emu, MHO_FAULT_RESET_HANG, 0, NULL))
		return;
	emu->counters.resets++;
	emu->orderly = false;
	mho_thermal_reset(emu);
	mho_regs_after_reset(emu, true);
}

static void function_reset(struct mho_emu *emu)
{
	uint32_t i;

	drop_host(emu);
	if (!emu->orderly)
		mho_arrays_drop_unnamed(emu);
	for (i = 0; i < emu->topo->ntiles; i++)
		mho_window_clear(emu, i);
	mho_image_release(&emu->image);
	mho_log_clear(emu);
	mho_counters_reset(emu);
	/* Still orderly: a machine that wakes up may reset the function more than once. */
	mho_thermal_reset(emu);
	mho_regs_after_reset(emu, false);
}

static void leave_verify(struct mho_emu *emu, enum mho_hw_status status, uint32_t info)
{
	mho_regs_fault(emu, status, 0, info);
	mho_regs_set_state(emu, MHO_HW_STATE_WAIT_FW);
}

static void refuse_image(struct mho_emu *emu, enum mho_hw_status status, uint32_t info,
			 const char *reason)
{
	mho_log(emu, MHO_HW_LOG_ERROR, status, "firmware refused: %s", reason);
	leave_verify(emu, status, info);
}

/* Copy the image, so that the host cannot change what has been verified. */
static void *copy_image(struct mho_emu *emu, uint64_t addr, uint32_t size,
			enum mho_hw_status *status)
{
	void *fit;

	if (size > MHO_HW_FW_SIZE_MAX) {
		*status = MHO_HW_ST_FW_TOO_LARGE;
		return NULL;
	}
	fit = malloc(size ? size : 1);
	*status = MHO_HW_ST_INTERNAL;
	if (fit && !mho_dma_read(&emu->dma, fit, addr, size)) {
		*status = MHO_HW_ST_FW_DMA_FAULT;
		free(fit);
		return NULL;
	}
	return fit;
}

static void boot(struct mho_emu *emu)
{
	struct mho_image image = { 0 };
	enum mho_hw_status status;
	uint64_t addr;
	uint32_t size;
	void *fit;

	pthread_mutex_lock(&emu->regs.lock);
	addr = emu->regs.fw_addr;
	size = emu->regs.fw_size;
	pthread_mutex_unlock(&emu->regs.lock);
	if (mho_fault_take(emu, MHO_FAULT_BOOT_HANG, 0, NULL))
		return;
	if (mho_fault_take(emu, MHO_FAULT_FW_REFUSE, 0, NULL)) {
		mho_log_ordered(emu, MHO_HW_LOG_ERROR, MHO_HW_ST_FW_BAD_HASH, "firmware refused");
		leave_verify(emu, MHO_HW_ST_FW_BAD_HASH, 0);
		return;
	}
	fit = copy_image(emu, addr, size, &status);
	if (!fit) {
		refuse_image(emu, status, 0, mho_hw_status_text(status));
		return;
	}
	status = mho_image_verify(fit, size, &image);
	free(fit);
	if (status) {
		refuse_image(emu, status, image.offset, image.reason);
		mho_image_release(&image);
		return;
	}
	if (!mho_firmware_apply(emu, &image)) {
		refuse_image(emu, MHO_HW_ST_INTERNAL, 0, "its tables could not be used");
		mho_image_release(&image);
		return;
	}
	mho_image_release(&emu->image);
	emu->image = image;
	emu->orderly = false;
	mho_log(emu, MHO_HW_LOG_INFO, MHO_HW_ST_OK, "firmware %u.%u.%u running: %.64s",
		image.version >> 24, image.version >> 16 & 0xff, image.version & 0xffff,
		image.name);
	pthread_mutex_lock(&emu->regs.lock);
	emu->regs.flags |= MHO_HW_STATUS_FW_LOADED;
	emu->regs.fw_version = image.version;
	pthread_mutex_unlock(&emu->regs.lock);
	mho_regs_set_state(emu, MHO_HW_STATE_BOOTED);
}

static void refuse_ring(struct mho_emu *emu, enum mho_hw_status status, const char *what)
{
	pthread_mutex_lock(&emu->regs.lock);
	emu->regs.enable = false;
	pthread_mutex_unlock(&emu->regs.lock);
	mho_log(emu, MHO_HW_LOG_ERROR, status, "admin queue not enabled: %s", what);
	mho_regs_fault(emu, status, 0, 0);
}

static void enable(struct mho_emu *emu)
{
	struct mho_regs *r = &emu->regs;
	uint64_t asq, acq;
	uint32_t order;
	size_t n;

	pthread_mutex_lock(&r->lock);
	asq = r->asq;
	acq = r->acq;
	order = r->aq_order;
	pthread_mutex_unlock(&r->lock);
	if (order < MHO_HW_ORDER_MIN || order > emu->topo->limits.queue_order) {
		refuse_ring(emu, MHO_HW_ST_BAD_ADMIN_RING, "AQ_ORDER is out of range");
		return;
	}
	if (!asq || !acq || (asq | acq) % MHO_HW_RING_ALIGN) {
		refuse_ring(emu, MHO_HW_ST_BAD_ADMIN_RING, "a ring is at 0 or not aligned");
		return;
	}
	n = 1UL << order;
	if (!mho_dma_probe(&emu->dma, asq, n * MHO_HW_SQE_SIZE, false) ||
	    !mho_dma_probe(&emu->dma, acq, n * MHO_HW_CQE_SIZE, true)) {
		refuse_ring(emu, MHO_HW_ST_BAD_ADMIN_RING, "a ring cannot be reached");
		return;
	}
	emu->admin = mho_queue_new(emu, 0, asq, acq, 0, order);
	if (!emu->admin) {
		refuse_ring(emu, MHO_HW_ST_INTERNAL, "no memory");
		return;
	}
	emu->serving = true;
	mho_regs_set_state(emu, MHO_HW_STATE_READY);
}

/* Whether commands are left that have been read from a ring. */
static bool fetched(const struct mho_emu *emu)
{
	unsigned int p;

	for (p = 0; p < MHO_PRIORITIES; p++) {
		if (emu->window_used[p])
			return true;
	}
	return false;
}

/* Finish what has been read. Other workers may take commands, this one does, too. */
static void drain(struct mho_worker *w)
{
	struct mho_emu *emu = w->emu;

	wait_for_quiet(emu);
	while (fetched(emu)) {
		struct mho_cmd *cmd;

		mho_fault_expire(emu, UINT64_MAX);
		cmd = mho_arbiter_next(emu);
		if (!cmd)
			break;
		mho_execute(w, cmd);
	}
}

static void shut_down(struct mho_worker *w)
{
	struct mho_emu *emu = w->emu;
	int err;

	emu->serving = false;
	drain(w);
	/* It does not get this far with a command that hangs. */
	if (emu->n_hung)
		return;
	err = mho_persist(emu, true);
	if (err)
		mho_log(emu, MHO_HW_LOG_ERROR, MHO_HW_ST_INTERNAL, "state not saved: %s",
			strerror(-err));
	emu->orderly = true;
	mho_regs_set_state(emu, MHO_HW_STATE_SHUTDOWN);
}

void mho_control(struct mho_worker *w)
{
	struct mho_emu *emu = w->emu;
	uint32_t req = atomic_exchange(&emu->requests, 0);

	if (req & MHO_REQ_RESETS) {
		if (req & MHO_REQ_POWER_OFF)
			drop_host(emu);
		else if (req & MHO_REQ_FLR)
			function_reset(emu);
		else
			warm_reset(emu);
		if (req & MHO_REQ_RENEW)
			emu->renew_error = mho_renew(emu);
		emu->resets_done++;
		pthread_cond_broadcast(&emu->idle);
		return;
	}
	if (req & MHO_REQ_FATAL && mho_regs_stopped(emu))
		mho_die(emu, mho_regs_stopped(emu), 0);
	if (req & MHO_REQ_BOOT)
		boot(emu);
	if (req & MHO_REQ_ENABLE)
		enable(emu);
	if (req & MHO_REQ_SHUTDOWN)
		shut_down(w);
}
