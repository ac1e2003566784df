// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Accesses to configuration space and BARs, by message or by ioeventfd. Here is
 * decided what reaches the device: the command register, the power state, and
 * which doorbells should not have rung.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "emulator/vfio_user_internal.h"

#define WRITES_MAX ((VFU_MAX_DATA_XFER - 8) / sizeof(struct vfu_small_write))

uint64_t vfu_region_size(const struct vfu_server *srv, unsigned int region)
{
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return PCIC_SIZE;
	return region < PCIC_BARS ? srv->bar_size[region] : 0;
}

/* ---- doorbells ---- */

static unsigned int device_state(struct vfu_server *srv)
{
	return (unsigned int)mho_emu_read(srv->emu, MHO_HW_BAR_REGS, MHO_HW_REG_STATUS, 4) &
	       MHO_HW_STATUS_STATE_MASK;
}

/*
 * Why a doorbell should not have rung, or NULL. A device that has FAILED did so by itself: the
 * host need not know yet.
 */
static const char *bad_doorbell(struct vfu_server *srv, uint64_t offset, unsigned int width)
{
	uint64_t which = offset % MHO_HW_DB_STRIDE;
	unsigned int state;

	if (width != 4 || (which != MHO_HW_DB_SQ_TAIL && which != MHO_HW_DB_CQ_HEAD))
		return "there is no such register";
	if (offset / MHO_HW_DB_STRIDE > srv->queues)
		return "there is no such queue";
	if (!pcic_master(&srv->pci))
		return "bus mastering is off";
	state = device_state(srv);
	return state == MHO_HW_STATE_READY || state == MHO_HW_STATE_FAILED ?
		       NULL :
		       "the device is not READY";
}

static void ring(struct vfu_server *srv, uint64_t offset, uint64_t value, unsigned int width)
{
	const char *why = bad_doorbell(srv, offset, width);

	vfu_count(srv, VFU_C_doorbells);
	if (why)
		vfu_complain(srv, VFU_C_doorbells_bad,
			     "doorbell at 0x%llx (queue %llu) should not ring: %s",
			     (unsigned long long)offset,
			     (unsigned long long)offset / MHO_HW_DB_STRIDE, why);
	mho_emu_write(srv->emu, MHO_HW_BAR_DOORBELL, offset, value, width);
}

void vfu_io_fds_drain(struct vfu_server *srv)
{
	uint64_t times;

	for (unsigned int q = 0; q <= MHO_HW_QUEUES_MAX; q++) {
		if (srv->io_fds[q] < 0 || read(srv->io_fds[q], &times, sizeof(times)) < 0)
			continue;
		if (pcic_memory(&srv->pci))
			ring(srv, MHO_HW_DB_OFFSET((uint64_t)q, MHO_HW_DB_SQ_TAIL), 0, 4);
		else
			vfu_count(srv, VFU_C_mmio_disabled);
	}
}

/* ---- BARs ---- */

/*
 * Commands that wait for bus mastering would keep a warm reset from ending. From the request on
 * they give up; when it is over, the next ones wait again.
 */
static void write_control(struct vfu_server *srv, uint64_t offset, uint64_t value,
			  unsigned int width)
{
	const uint64_t others = MHO_HW_CONTROL_ENABLE | MHO_HW_CONTROL_BOOT |
				MHO_HW_CONTROL_SHUTDOWN;
	bool resets = value & MHO_HW_CONTROL_RESET || !(value & others);

	vfu_dma_abort(&srv->dma, resets && !pcic_master(&srv->pci));
	mho_emu_write(srv->emu, MHO_HW_BAR_REGS, offset, value, width);
}

static void write_bar(struct vfu_server *srv, unsigned int bar, uint64_t offset, uint64_t value,
		      unsigned int width)
{
	if (bar == MHO_HW_BAR_DOORBELL) {
		/* What was rung before this, rang before this. */
		vfu_io_fds_drain(srv);
		ring(srv, offset, value, width);
	} else if (bar == MHO_HW_BAR_REGS && offset == MHO_HW_REG_CONTROL && width == 4) {
		write_control(srv, offset, value, width);
	} else if (bar != MHO_HW_BAR_REGS || !vfu_irq_table_write(srv, offset, value, width)) {
		mho_emu_write(srv->emu, bar, offset, value, width);
	}
}

static uint64_t read_bar(struct vfu_server *srv, unsigned int bar, uint64_t offset,
			 unsigned int width)
{
	uint64_t value;

	if (bar == MHO_HW_BAR_REGS && vfu_irq_table_read(srv, offset, &value, width))
		return value;
	value = mho_emu_read(srv->emu, bar, offset, width);
	if (bar == MHO_HW_BAR_REGS && offset == MHO_HW_REG_STATUS && width == 4 &&
	    (value & MHO_HW_STATUS_STATE_MASK) != MHO_HW_STATE_RESET)
		vfu_dma_abort(&srv->dma, false);
	return value;
}

/* Whether BARs answer; if not, reads are all ones and writes go nowhere. */
static bool bars_answer(struct vfu_server *srv)
{
	if (!pcic_memory(&srv->pci)) {
		vfu_count(srv, VFU_C_mmio_disabled);
		return false;
	}
	return !vfu_fault_mmio(srv);
}

/*
 * A processor's access is 1, 2, 4 or 8 bytes and goes to the device as it is, whatever it makes
 * of it. Anything longer is a copy, and becomes aligned words.
 */
static unsigned int piece(uint64_t offset, uint32_t left, bool whole)
{
	unsigned int width = 4;

	if (whole)
		return left;
	while (width > left || offset % width)
		width /= 2;
	return width;
}

static bool is_whole(uint32_t count)
{
	return count <= 8 && !(count & (count - 1));
}

static void read_bytes(struct vfu_server *srv, const struct vfu_region_access *a, uint8_t *data)
{
	uint32_t done = 0;

	if (a->region == VFIO_PCI_CONFIG_REGION_INDEX) {
		pcic_read(&srv->pci, a->offset, data, a->count);
		return;
	}
	if (!bars_answer(srv)) {
		memset(data, 0xff, a->count);
		return;
	}
	while (done < a->count) {
		unsigned int width = piece(a->offset + done, a->count - done, is_whole(a->count));
		uint64_t value = read_bar(srv, a->region, a->offset + done, width);

		memcpy(data + done, &value, width);
		done += width;
	}
}

static void write_config(struct vfu_server *srv, const struct vfu_region_access *a,
			 const uint8_t *data)
{
	unsigned int events = pcic_write(&srv->pci, a->offset, data, a->count);

	if (events & PCIC_FLR)
		vfu_reset(srv, false);
	else if (events & PCIC_WAKE)
		vfu_reset(srv, true);
	if (events & PCIC_COMMAND)
		vfu_command_changed(srv);
}

static void write_bytes(struct vfu_server *srv, const struct vfu_region_access *a,
			const uint8_t *data)
{
	uint32_t done = 0;

	if (a->region == VFIO_PCI_CONFIG_REGION_INDEX) {
		write_config(srv, a, data);
		return;
	}
	if (!bars_answer(srv))
		return;
	while (done < a->count) {
		unsigned int width = piece(a->offset + done, a->count - done, is_whole(a->count));
		uint64_t value = 0;

		memcpy(&value, data + done, width);
		write_bar(srv, a->region, a->offset + done, value, width);
		done += width;
	}
}

/* ---- messages ---- */

static int check_access(const struct vfu_server *srv, const struct vfu_client *client,
			const struct vfu_region_access *a)
{
	uint64_t size = vfu_region_size(srv, a->region);

	if (!a->count || a->count > client->max_data || a->offset >= size ||
	    a->count > size - a->offset)
		return -EINVAL;
	return 0;
}

int vfu_handle_region_read(struct vfu_server *srv, struct vfu_client *client)
{
	struct vfu_region_access a;
	uint8_t *reply;
	int err;

	if (client->msg.len != sizeof(a))
		return -EINVAL;
	memcpy(&a, client->msg.payload, sizeof(a));
	err = check_access(srv, client, &a);
	if (err)
		return err;
	reply = vfu_reply_room(client, sizeof(a) + a.count);
	memcpy(reply, &a, sizeof(a));
	read_bytes(srv, &a, reply + sizeof(a));
	return 0;
}

int vfu_handle_region_write(struct vfu_server *srv, struct vfu_client *client)
{
	struct vfu_region_access a;
	int err;

	if (client->msg.len < sizeof(a))
		return -EINVAL;
	memcpy(&a, client->msg.payload, sizeof(a));
	err = check_access(srv, client, &a);
	if (err)
		return err;
	if (client->msg.len != sizeof(a) + a.count)
		return -EINVAL;
	write_bytes(srv, &a, client->msg.payload + sizeof(a));
	memcpy(vfu_reply_room(client, sizeof(a)), &a, sizeof(a));
	return 0;
}

int vfu_handle_write_multi(struct vfu_server *srv, struct vfu_client *client)
{
	const struct vfu_msg *msg = &client->msg;
	struct vfu_small_write w;
	uint64_t count, i;

	if (msg->len < sizeof(count))
		return -EINVAL;
	memcpy(&count, msg->payload, sizeof(count));
	if (!count || count > WRITES_MAX || msg->len != sizeof(count) + count * sizeof(w))
		return -EINVAL;
	for (i = 0; i < count; i++) {
		struct vfu_region_access a;

		memcpy(&w, msg->payload + sizeof(count) + i * sizeof(w), sizeof(w));
		a = (struct vfu_region_access){ w.offset, w.region, w.count };
		if (w.count > sizeof(w.data) || check_access(srv, client, &a))
			break;
		write_bytes(srv, &a, w.data);
	}
	if (!i)
		return -EINVAL;
	/* How many were done tells the client which one was not. */
	memcpy(vfu_reply_room(client, sizeof(i)), &i, sizeof(i));
	return 0;
}
