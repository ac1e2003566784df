// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Interrupts: eventfds that the client gives for MSI and MSI-X, and what becomes
 * of an interrupt that cannot be sent now. Eventfds are the client's wires: they
 * outlast a reset of the device, and go with the client. The MSI-X table in BAR0
 * is the client's to act upon; here it is memory.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "emulator/vfio_user_internal.h"

#define TABLE_ENTRY 16
#define TABLE_CONTROL 12 /* offset of the word with the mask bit, in an entry */

int vfu_irq_init(struct vfu_irq *irq, unsigned int msix, unsigned int msi)
{
	int err = pthread_mutex_init(&irq->lock, NULL);

	if (err)
		return -err;
	irq->sets[VFU_IRQ_MSIX].count = msix;
	irq->sets[VFU_IRQ_MSI].count = msi;
	for (unsigned int k = 0; k < VFU_IRQ_KINDS; k++)
		for (unsigned int v = 0; v < MHO_HW_VECTORS_MAX; v++)
			irq->sets[k].vectors[v].fd = -1;
	vfu_irq_reset(irq);
	return 0;
}

void vfu_irq_fini(struct vfu_irq *irq)
{
	vfu_irq_release(irq);
	pthread_mutex_destroy(&irq->lock);
}

/* Called with the lock held. */
static void assign(struct vfu_irq_set *set, unsigned int vector, int fd)
{
	struct vfu_irq_vector *v = &set->vectors[vector];

	if (v->fd >= 0) {
		close(v->fd);
		set->assigned--;
	}
	v->fd = fd;
	if (fd >= 0)
		set->assigned++;
}

static void disable(struct vfu_irq *irq, struct vfu_irq_set *set)
{
	for (unsigned int v = 0; v < set->count; v++) {
		assign(set, v, -1);
		set->vectors[v].masked = false;
	}
	memset(irq->pending, 0, sizeof(irq->pending));
}

void vfu_irq_release(struct vfu_irq *irq)
{
	pthread_mutex_lock(&irq->lock);
	for (unsigned int k = 0; k < VFU_IRQ_KINDS; k++)
		disable(irq, &irq->sets[k]);
	pthread_mutex_unlock(&irq->lock);
}

void vfu_irq_reset(struct vfu_irq *irq)
{
	pthread_mutex_lock(&irq->lock);
	memset(irq->pending, 0, sizeof(irq->pending));
	memset(irq->table, 0, sizeof(irq->table));
	for (unsigned int v = 0; v < MHO_HW_VECTORS_MAX; v++)
		irq->table[v * TABLE_ENTRY + TABLE_CONTROL] = 1; /* masked */
	pthread_mutex_unlock(&irq->lock);
}

/* ---- sending ---- */

/* The one that the client has enabled. */
static struct vfu_irq_set *active(struct vfu_irq *irq)
{
	for (unsigned int k = 0; k < VFU_IRQ_KINDS; k++)
		if (irq->sets[k].assigned)
			return &irq->sets[k];
	return NULL;
}

/* Never blocks: an eventfd that is full has an interrupt in it already. */
static void signal_fd(struct vfu_server *srv, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	const uint64_t one = 1;

	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return;
	vfu_count(srv, VFU_C_irqs_sent);
	if (write(fd, &one, sizeof(one)) < 0)
		vfu_log(srv, MHO_HW_LOG_ERROR, "an eventfd cannot be written: %s", strerror(errno));
}

/* Called with the lock held. */
static void deliver(struct vfu_server *srv, unsigned int vector)
{
	struct vfu_irq *irq = &srv->irq;
	struct vfu_irq_set *set = active(irq);

	if (!set || vector >= set->count) {
		vfu_count(srv, VFU_C_irqs_lost);
		return;
	}
	if (!irq->master || set->vectors[vector].masked || set->vectors[vector].fd < 0) {
		irq->pending[vector] = true;
		vfu_count(srv, VFU_C_irqs_held);
		return;
	}
	irq->pending[vector] = false;
	signal_fd(srv, set->vectors[vector].fd);
}

/* What was held back may be possible now. Called with the lock held. */
static void deliver_pending(struct vfu_server *srv)
{
	for (unsigned int v = 0; v < MHO_HW_VECTORS_MAX; v++) {
		struct vfu_irq_set *set = active(&srv->irq);

		if (srv->irq.pending[v] && srv->irq.master && set && v < set->count &&
		    set->vectors[v].fd >= 0 && !set->vectors[v].masked)
			deliver(srv, v);
	}
}

void vfu_irq_op(void *opaque, unsigned int vector)
{
	struct vfu_server *srv = opaque;
	bool twice;

	vfu_count(srv, VFU_C_irqs);
	if (vfu_fault_take(srv, &srv->faults.irq_drop)) {
		vfu_count(srv, VFU_C_irqs_dropped);
		return;
	}
	twice = vfu_fault_take(srv, &srv->faults.irq_duplicate);
	pthread_mutex_lock(&srv->irq.lock);
	deliver(srv, vector);
	if (twice)
		deliver(srv, vector);
	pthread_mutex_unlock(&srv->irq.lock);
	if (twice)
		vfu_count(srv, VFU_C_irqs_duplicated);
}

void vfu_irq_spurious(struct vfu_server *srv, unsigned int vector)
{
	vfu_count(srv, VFU_C_irqs_spurious);
	pthread_mutex_lock(&srv->irq.lock);
	deliver(srv, vector);
	pthread_mutex_unlock(&srv->irq.lock);
}

void vfu_irq_set_master(struct vfu_server *srv, bool master)
{
	pthread_mutex_lock(&srv->irq.lock);
	srv->irq.master = master;
	deliver_pending(srv);
	pthread_mutex_unlock(&srv->irq.lock);
}

/* ---- the MSI-X table ---- */

static bool in_table(const struct vfu_irq *irq, uint64_t offset, unsigned int width)
{
	return offset >= MHO_HW_MSIX_TABLE &&
	       offset + width <= MHO_HW_MSIX_TABLE + TABLE_ENTRY * irq->sets[VFU_IRQ_MSIX].count;
}

static uint64_t pending_bits(struct vfu_irq *irq, uint64_t offset, unsigned int width)
{
	unsigned int first = (unsigned int)(offset - MHO_HW_MSIX_PBA) * 8;
	uint64_t value = 0;

	pthread_mutex_lock(&irq->lock);
	for (unsigned int i = 0; i < width * 8; i++)
		if (first + i < MHO_HW_VECTORS_MAX && irq->pending[first + i])
			value |= 1ULL << i;
	pthread_mutex_unlock(&irq->lock);
	return value;
}

bool vfu_irq_table_read(struct vfu_server *srv, uint64_t offset, uint64_t *value,
			unsigned int width)
{
	struct vfu_irq *irq = &srv->irq;
	unsigned int vectors = irq->sets[VFU_IRQ_MSIX].count;

	if ((width != 4 && width != 8) || offset % width)
		return false;
	if (in_table(irq, offset, width)) {
		*value = 0;
		memcpy(value, irq->table + (offset - MHO_HW_MSIX_TABLE), width);
		return true;
	}
	if (!vectors || offset < MHO_HW_MSIX_PBA ||
	    offset + width > MHO_HW_MSIX_PBA + (vectors + 63) / 64 * 8)
		return false;
	*value = pending_bits(irq, offset, width);
	return true;
}

bool vfu_irq_table_write(struct vfu_server *srv, uint64_t offset, uint64_t value,
			 unsigned int width)
{
	if ((width != 4 && width != 8) || offset % width || !in_table(&srv->irq, offset, width))
		return false;
	memcpy(srv->irq.table + (offset - MHO_HW_MSIX_TABLE), &value, width);
	return true;
}

/* ---- messages ---- */

static struct vfu_irq_set *set_of_index(struct vfu_irq *irq, uint32_t index)
{
	if (index == VFIO_PCI_MSIX_IRQ_INDEX)
		return &irq->sets[VFU_IRQ_MSIX];
	return index == VFIO_PCI_MSI_IRQ_INDEX ? &irq->sets[VFU_IRQ_MSI] : NULL;
}

int vfu_handle_get_irq_info(struct vfu_server *srv, struct vfu_client *client)
{
	struct vfio_irq_info info;
	const struct vfu_irq_set *set;

	if (client->msg.len != sizeof(info))
		return -EINVAL;
	memcpy(&info, client->msg.payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.flags || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	set = set_of_index(&srv->irq, info.index);
	info.argsz = sizeof(info);
	info.count = set ? set->count : 0;
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE : 0;
	memcpy(vfu_reply_room(client, sizeof(info)), &info, sizeof(info));
	return 0;
}

/* Another kind of descriptor could block the device, or be written garbage. */
static bool is_eventfd(int fd)
{
	static const char want[] = "anon_inode:[eventfd]";
	char path[64], link[sizeof(want)];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link));
	/* Without /proc it is taken on trust. */
	return n < 0 || (n == sizeof(want) - 1 && !memcmp(link, want, sizeof(want) - 1));
}

static int assign_fds(struct vfu_server *srv, struct vfu_irq_set *set,
		      const struct vfio_irq_set *request, struct vfu_msg *msg)
{
	if ((request->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
		return -ENOTSUP;
	if (!request->count || (msg->nfds && msg->nfds != request->count))
		return -EINVAL;
	for (unsigned int i = 0; i < msg->nfds; i++)
		if (!is_eventfd(msg->fds[i]))
			return -EINVAL;
	for (uint32_t i = 0; i < request->count; i++) {
		assign(set, request->start + i, msg->nfds ? msg->fds[i] : -1);
		if (msg->nfds)
			msg->fds[i] = -1;
	}
	deliver_pending(srv);
	return 0;
}

static void act(struct vfu_server *srv, struct vfu_irq_set *set, uint32_t action,
		unsigned int vector)
{
	if (action == VFIO_IRQ_SET_ACTION_TRIGGER) {
		if (set == active(&srv->irq))
			deliver(srv, vector);
		return;
	}
	set->vectors[vector].masked = action == VFIO_IRQ_SET_ACTION_MASK;
}

static bool one_bit(uint32_t flags)
{
	return flags && !(flags & (flags - 1));
}

static int check_set(const struct vfu_msg *msg, const struct vfio_irq_set *r,
		     const struct vfu_irq_set *set)
{
	uint32_t data = r->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	uint32_t action = r->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	size_t expected = sizeof(*r) + (data == VFIO_IRQ_SET_DATA_BOOL ? r->count : 0);

	if (r->flags != (data | action) || !one_bit(data) || !one_bit(action))
		return -EINVAL;
	if (!set || !set->count || r->start > set->count || r->count > set->count - r->start)
		return -EINVAL;
	if (r->argsz < expected || msg->len != expected)
		return -EINVAL;
	return msg->nfds && data != VFIO_IRQ_SET_DATA_EVENTFD ? -EINVAL : 0;
}

int vfu_handle_set_irqs(struct vfu_server *srv, struct vfu_client *client)
{
	struct vfu_msg *msg = &client->msg;
	struct vfio_irq_set r = { 0 };
	struct vfu_irq_set *set;
	uint32_t action;
	int err;

	if (msg->len < sizeof(r))
		return -EINVAL;
	memcpy(&r, msg->payload, sizeof(r));
	set = set_of_index(&srv->irq, r.index);
	err = check_set(msg, &r, set);
	if (err)
		return err;
	action = r.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	pthread_mutex_lock(&srv->irq.lock);
	if (r.flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		err = assign_fds(srv, set, &r, msg);
	} else if (!r.count) {
		err = r.start || r.flags & VFIO_IRQ_SET_DATA_BOOL ||
				      action != VFIO_IRQ_SET_ACTION_TRIGGER ?
			      -EINVAL :
			      0;
		if (!err)
			disable(&srv->irq, set);
	} else {
		for (uint32_t i = 0; i < r.count; i++)
			if (r.flags & VFIO_IRQ_SET_DATA_NONE || msg->payload[sizeof(r) + i])
				act(srv, set, action, r.start + i);
		deliver_pending(srv);
	}
	pthread_mutex_unlock(&srv->irq.lock);
	return err;
}
