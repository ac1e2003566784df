// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * BAR0: what each register reads as and what a write to it does. Requests of
 * CONTROL are checked here and carried out by a worker (control.c), so that a
 * write never waits.
 */
#include "emulator/emu.h"

#define HEARTBEAT_NS 20000000

void mho_regs_init(struct mho_emu *emu)
{
	pthread_mutex_init(&emu->regs.lock, NULL);
	emu->regs.state = MHO_HW_STATE_WAIT_FW;
	emu->regs.irq_mask = MHO_HW_IRQ_ALL;
}

/* Set causes, with the regs lock held. Return: whether that calls for a message. */
static bool set_causes(struct mho_regs *r, uint32_t cause)
{
	bool raise = cause & ~r->irq_cause & ~r->irq_mask;

	r->irq_cause |= cause;
	return raise;
}

static void unlock(struct mho_emu *emu, bool raise)
{
	pthread_mutex_unlock(&emu->regs.lock);
	if (raise)
		mho_irq_post(emu, 0);
}

void mho_regs_cause(struct mho_emu *emu, uint32_t cause)
{
	pthread_mutex_lock(&emu->regs.lock);
	unlock(emu, set_causes(&emu->regs, cause));
}

void mho_regs_set_state(struct mho_emu *emu, enum mho_hw_state state)
{
	struct mho_regs *r = &emu->regs;
	bool raise = false;

	pthread_mutex_lock(&r->lock);
	if (r->state != MHO_HW_STATE_RESET && !(r->flags & MHO_HW_STATUS_FATAL)) {
		r->state = state;
		raise = set_causes(r, MHO_HW_IRQ_STATE);
	}
	unlock(emu, raise);
}

void mho_regs_fault(struct mho_emu *emu, enum mho_hw_status status, unsigned int queue,
		    uint32_t info)
{
	struct mho_regs *r = &emu->regs;

	pthread_mutex_lock(&r->lock);
	if (!r->fault) {
		r->fault = status | queue << 16;
		r->fault_info = info;
	}
	unlock(emu, set_causes(r, MHO_HW_IRQ_FAULT));
}

bool mho_regs_fatal(struct mho_emu *emu, enum mho_hw_status status, uint32_t info)
{
	struct mho_regs *r = &emu->regs;
	bool raise = false, stop;

	pthread_mutex_lock(&r->lock);
	stop = r->state != MHO_HW_STATE_RESET && !(r->flags & MHO_HW_STATUS_FATAL);
	if (stop) {
		r->fault = status;
		r->fault_info = info;
		r->flags |= MHO_HW_STATUS_FATAL;
		r->state = MHO_HW_STATE_FAILED;
		r->enable = false;
		raise = set_causes(r, MHO_HW_IRQ_STATE | MHO_HW_IRQ_FAULT);
	}
	unlock(emu, raise);
	return stop;
}

enum mho_hw_status mho_regs_stopped(struct mho_emu *emu)
{
	struct mho_regs *r = &emu->regs;
	uint32_t fault = 0;

	pthread_mutex_lock(&r->lock);
	if (r->flags & MHO_HW_STATUS_FATAL)
		fault = r->fault;
	pthread_mutex_unlock(&r->lock);
	return (enum mho_hw_status)(fault & 0xffff);
}

/* What holds after any reset, with the regs lock held. */
static void regs_reset(struct mho_regs *r)
{
	r->flags &= ~MHO_HW_STATUS_FATAL;
	r->fault = 0;
	r->fault_info = 0;
	r->enable = false;
	r->asq = 0;
	r->acq = 0;
	r->aq_order = 0;
	r->irq_cause = 0;
	r->irq_mask = MHO_HW_IRQ_ALL;
}

void mho_regs_after_reset(struct mho_emu *emu, bool keep_firmware)
{
	struct mho_regs *r = &emu->regs;

	pthread_mutex_lock(&r->lock);
	regs_reset(r);
	if (!keep_firmware) {
		r->fw_addr = 0;
		r->fw_size = 0;
		r->fw_version = 0;
		r->flags &= ~MHO_HW_STATUS_FW_LOADED;
	}
	r->state = r->flags & MHO_HW_STATUS_FW_LOADED ? MHO_HW_STATE_BOOTED : MHO_HW_STATE_WAIT_FW;
	pthread_mutex_unlock(&r->lock);
}

/* What the constant registers read as when a fault is ordered. */
static uint32_t falsify(struct mho_emu *emu, uint64_t offset, uint32_t value)
{
	if (offset == MHO_HW_REG_MAGIC && mho_fault_armed(emu, MHO_FAULT_BIT(BAD_ID)))
		return ~value;
	if (offset == MHO_HW_REG_VERSION && mho_fault_armed(emu, MHO_FAULT_BIT(BAD_VERSION)))
		return value + 0x10000;
	if (!mho_fault_armed(emu, MHO_FAULT_BIT(NO_VECTORS)))
		return value;
	if (offset == MHO_HW_REG_CAP_QUEUES)
		return value & ~MHO_HW_CAP_QUEUES_IO_MASK;
	return offset == MHO_HW_REG_CAP_VECTORS ? 0 : value;
}

static uint32_t read_const(const struct mho_emu *emu, uint64_t offset)
{
	switch (offset) {
	case MHO_HW_REG_MAGIC:
		return MHO_HW_MAGIC;
	case MHO_HW_REG_VERSION:
		return MHO_HW_VERSION;
	case MHO_HW_REG_CAP_QUEUES:
		return emu->topo->limits.queues | emu->topo->limits.queue_order
							  << MHO_HW_CAP_QUEUES_ORDER_SHIFT;
	case MHO_HW_REG_CAP_FEATURES:
		return mho_features(emu);
	case MHO_HW_REG_CAP_VECTORS:
		return mho_vectors(emu);
	case MHO_HW_REG_CAP_TIMEOUT:
		return MHO_BOOT_TIMEOUT_MS | MHO_RESET_TIMEOUT_MS << 16;
	case MHO_HW_REG_SERIAL_LO:
		return (uint32_t)emu->serial;
	case MHO_HW_REG_SERIAL_HI:
		return emu->serial >> 32;
	default:
		return 0;
	}
}

static uint32_t read_cap(struct mho_emu *emu, uint64_t offset)
{
	uint32_t value = read_const(emu, offset);

	return mho_fault_armed(emu, MHO_FAULT_PROBE) ? falsify(emu, offset, value) : value;
}

/* With the regs lock held. */
static uint32_t read_reg(struct mho_emu *emu, uint64_t offset)
{
	struct mho_regs *r = &emu->regs;

	if (offset == MHO_HW_REG_STATUS)
		return r->state | r->flags;
	if (r->state == MHO_HW_STATE_RESET)
		return 0;
	switch (offset) {
	case MHO_HW_REG_CONTROL:
		return r->enable ? MHO_HW_CONTROL_ENABLE : 0;
	case MHO_HW_REG_FAULT:
		return r->fault;
	case MHO_HW_REG_FAULT_INFO:
		return r->fault_info;
	case MHO_HW_REG_FW_ADDR_LO:
		return (uint32_t)r->fw_addr;
	case MHO_HW_REG_FW_ADDR_HI:
		return r->fw_addr >> 32;
	case MHO_HW_REG_FW_SIZE:
		return r->fw_size;
	case MHO_HW_REG_FW_VERSION:
		return r->fw_version;
	case MHO_HW_REG_ASQ_LO:
		return (uint32_t)r->asq;
	case MHO_HW_REG_ASQ_HI:
		return r->asq >> 32;
	case MHO_HW_REG_ACQ_LO:
		return (uint32_t)r->acq;
	case MHO_HW_REG_ACQ_HI:
		return r->acq >> 32;
	case MHO_HW_REG_AQ_ORDER:
		return r->aq_order;
	case MHO_HW_REG_IRQ_CAUSE:
		return r->irq_cause;
	case MHO_HW_REG_IRQ_MASK:
		return r->irq_mask;
	case MHO_HW_REG_TIME_LO:
		return (uint32_t)mho_time_ns(emu);
	case MHO_HW_REG_TIME_HI:
		return mho_time_ns(emu) >> 32;
	case MHO_HW_REG_HEARTBEAT:
		return r->state == MHO_HW_STATE_BOOTED || r->state == MHO_HW_STATE_READY ?
			       (uint32_t)(mho_now_ns() / HEARTBEAT_NS) :
			       0;
	case MHO_HW_REG_TEMPERATURE:
		return (uint32_t)atomic_load(&emu->temperature);
	default:
		return 0;
	}
}

/* Whether a 64-bit access may begin here. */
static bool is_pair(uint64_t offset)
{
	switch (offset) {
	case MHO_HW_REG_SERIAL_LO:
	case MHO_HW_REG_FW_ADDR_LO:
	case MHO_HW_REG_ASQ_LO:
	case MHO_HW_REG_ACQ_LO:
	case MHO_HW_REG_TIME_LO:
		return true;
	default:
		return false;
	}
}

static bool allowed(uint64_t offset, unsigned int width)
{
	return (width == 4 && !(offset & 3)) || (width == 8 && is_pair(offset));
}

uint64_t mho_regs_read(struct mho_emu *emu, uint64_t offset, unsigned int width)
{
	uint64_t value;

	if (!allowed(offset, width))
		return ~0ULL;
	if (offset < MHO_HW_REG_STATUS) {
		value = read_cap(emu, offset);
		return width == 4 ? value : value | (uint64_t)read_cap(emu, offset + 4) << 32;
	}
	if (offset == MHO_HW_REG_TIME_LO && width == 8)
		return mho_time_ns(emu);
	pthread_mutex_lock(&emu->regs.lock);
	value = read_reg(emu, offset);
	if (width == 8)
		value |= (uint64_t)read_reg(emu, offset + 4) << 32;
	pthread_mutex_unlock(&emu->regs.lock);
	return value;
}

static void set_lo(uint64_t *reg, uint32_t value)
{
	*reg = (*reg & ~0xffffffffULL) | value;
}

static void set_hi(uint64_t *reg, uint32_t value)
{
	*reg = (*reg & 0xffffffffULL) | (uint64_t)value << 32;
}

/*
 * The request that a CONTROL write makes in the present state, 0 for none, or MHO_REQ_REFUSED.
 * What the host must see at its next read of STATUS is changed here.
 */
static uint32_t take_request(struct mho_regs *r, uint32_t value)
{
	bool enable = value & MHO_HW_CONTROL_ENABLE;

	if (value & MHO_HW_CONTROL_RESET) {
		r->state = MHO_HW_STATE_RESET;
		return MHO_REQ_RESET;
	}
	if (value & MHO_HW_CONTROL_SHUTDOWN) {
		switch (r->state) {
		case MHO_HW_STATE_WAIT_FW:
		case MHO_HW_STATE_BOOTED:
		case MHO_HW_STATE_READY:
			return MHO_REQ_SHUTDOWN;
		case MHO_HW_STATE_SHUTDOWN:
			return 0;
		default:
			return MHO_REQ_REFUSED;
		}
	}
	if (value & MHO_HW_CONTROL_BOOT) {
		if (r->state != MHO_HW_STATE_WAIT_FW)
			return MHO_REQ_REFUSED;
		r->state = MHO_HW_STATE_VERIFY;
		r->fault = 0;
		r->fault_info = 0;
		return MHO_REQ_BOOT;
	}
	if (enable == r->enable)
		return 0;
	if (!enable) {
		r->state = MHO_HW_STATE_RESET;
		return MHO_REQ_RESET;
	}
	if (r->state != MHO_HW_STATE_BOOTED)
		return MHO_REQ_REFUSED;
	r->enable = true;
	return MHO_REQ_ENABLE;
}

static void write_control(struct mho_emu *emu, uint32_t value)
{
	struct mho_regs *r = &emu->regs;
	uint32_t req = 0, state;

	pthread_mutex_lock(&r->lock);
	state = r->state;
	if (state != MHO_HW_STATE_RESET)
		req = take_request(r, value);
	/* So BOOT and RESET set it twice, for the states that they lead to at once and later. */
	unlock(emu, r->state != state && set_causes(r, MHO_HW_IRQ_STATE));
	if (req == MHO_REQ_REFUSED) {
		mho_regs_fault(emu, MHO_HW_ST_BAD_STATE, 0, state);
		mho_notify_manager(emu);
	} else if (req) {
		mho_control_request(emu, req);
	}
}

/* With the regs lock held. Return: whether vector 0 is to be raised. */
static bool write_reg(struct mho_regs *r, uint64_t offset, uint32_t value)
{
	bool idle = r->state != MHO_HW_STATE_VERIFY;
	bool booted = r->state == MHO_HW_STATE_BOOTED && !r->enable;

	if (r->state == MHO_HW_STATE_RESET)
		return false;
	switch (offset) {
	case MHO_HW_REG_FW_ADDR_LO:
		if (idle)
			set_lo(&r->fw_addr, value);
		break;
	case MHO_HW_REG_FW_ADDR_HI:
		if (idle)
			set_hi(&r->fw_addr, value);
		break;
	case MHO_HW_REG_FW_SIZE:
		if (idle)
			r->fw_size = value;
		break;
	case MHO_HW_REG_ASQ_LO:
		if (booted)
			set_lo(&r->asq, value);
		break;
	case MHO_HW_REG_ASQ_HI:
		if (booted)
			set_hi(&r->asq, value);
		break;
	case MHO_HW_REG_ACQ_LO:
		if (booted)
			set_lo(&r->acq, value);
		break;
	case MHO_HW_REG_ACQ_HI:
		if (booted)
			set_hi(&r->acq, value);
		break;
	case MHO_HW_REG_AQ_ORDER:
		if (booted)
			r->aq_order = value;
		break;
	case MHO_HW_REG_IRQ_CAUSE:
		r->irq_cause &= ~value;
		if (value & MHO_HW_IRQ_FAULT && !(r->flags & MHO_HW_STATUS_FATAL)) {
			r->fault = 0;
			r->fault_info = 0;
		}
		return r->irq_cause & ~r->irq_mask;
	case MHO_HW_REG_IRQ_MASK:
		r->irq_mask = value & MHO_HW_IRQ_ALL;
		return r->irq_cause & ~r->irq_mask;
	default:
		break;
	}
	return false;
}

void mho_regs_write(struct mho_emu *emu, uint64_t offset, uint64_t value, unsigned int width)
{
	bool raise;

	if (!allowed(offset, width))
		return;
	if (offset == MHO_HW_REG_CONTROL) {
		write_control(emu, (uint32_t)value);
		return;
	}
	pthread_mutex_lock(&emu->regs.lock);
	raise = write_reg(&emu->regs, offset, (uint32_t)value);
	if (width == 8)
		raise |= write_reg(&emu->regs, offset + 4, value >> 32);
	pthread_mutex_unlock(&emu->regs.lock);
	if (raise) {
		mho_irq_post(emu, 0);
		mho_notify_manager(emu);
	}
}
