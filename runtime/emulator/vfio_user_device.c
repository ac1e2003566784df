// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Which message goes to which handler, and the handlers that describe the device:
 * its regions, its ioeventfds, itself.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emulator/vfio_user_internal.h"

void *vfu_reply_room(struct vfu_client *client, size_t len)
{
	client->reply.len = len;
	return memset(client->reply.data, 0, len);
}

static int get_info(struct vfu_server *srv, struct vfu_client *client)
{
	/* As the protocol has it; the kernel's structure has grown since. */
	struct {
		uint32_t argsz, flags, regions, irqs;
	} info;

	(void)srv;
	if (client->msg.len != sizeof(info))
		return -EINVAL;
	memcpy(&info, client->msg.payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.flags || info.regions || info.irqs)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI;
	info.regions = VFIO_PCI_NUM_REGIONS;
	info.irqs = VFIO_PCI_NUM_IRQS;
	memcpy(vfu_reply_room(client, sizeof(info)), &info, sizeof(info));
	return 0;
}

/* ---- regions ---- */

/* A region with struct vfio_region_info_cap_sparse_mmap of one area behind it. */
struct region_reply {
	struct vfio_region_info info;
	struct vfio_info_cap_header header;
	uint32_t nr_areas;
	uint32_t reserved;
	struct vfio_region_sparse_mmap_area area;
};
static_assert(offsetof(struct region_reply, area) - offsetof(struct region_reply, header) ==
		      sizeof(struct vfio_region_info_cap_sparse_mmap),
	      "the capability is not laid out as the protocol has it");

/* How much of the window can be mapped, in whole pages of this machine. */
static uint64_t mappable(struct vfu_server *srv, int *fd)
{
	long page = sysconf(_SC_PAGESIZE);
	struct stat st;

	if (!srv->bar_size[MHO_HW_BAR_WINDOW] || !mho_emu_window(srv->emu, fd) || *fd < 0 ||
	    fstat(*fd, &st))
		return 0;
	return (uint64_t)st.st_size & ~((uint64_t)page - 1);
}

static void add_window(struct vfu_client *client, struct region_reply *r, uint64_t size, int fd)
{
	r->info.flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
	r->info.argsz = sizeof(*r);
	r->info.cap_offset = offsetof(struct region_reply, header);
	r->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	r->header.version = 1;
	r->nr_areas = 1;
	r->area.size = size < r->info.size ? size : r->info.size;
	client->reply.fds[0] = fd;
	client->reply.nfds = 1;
}

static int get_region_info(struct vfu_server *srv, struct vfu_client *client)
{
	struct region_reply r = { 0 };
	uint64_t window;
	uint32_t room;
	int fd = -1;

	if (client->msg.len != sizeof(r.info))
		return -EINVAL;
	memcpy(&r.info, client->msg.payload, sizeof(r.info));
	room = r.info.argsz;
	if (room < sizeof(r.info) || r.info.index >= VFIO_PCI_NUM_REGIONS || r.info.flags ||
	    r.info.cap_offset || r.info.size || r.info.offset)
		return -EINVAL;
	r.info.argsz = sizeof(r.info);
	r.info.size = vfu_region_size(srv, r.info.index);
	if (r.info.size)
		r.info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	window = r.info.index == MHO_HW_BAR_WINDOW ? mappable(srv, &fd) : 0;
	if (window)
		add_window(client, &r, window, fd);
	/* What does not fit is left out; argsz tells. */
	memcpy(vfu_reply_room(client, room < r.info.argsz ? sizeof(r.info) : r.info.argsz), &r,
	       room < r.info.argsz ? sizeof(r.info) : r.info.argsz);
	return 0;
}

/* ---- ioeventfds ---- */

static int open_io_fd(struct vfu_server *srv, unsigned int queue)
{
	if (srv->io_fds[queue] >= 0)
		return 0;
	srv->io_fds[queue] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return srv->io_fds[queue] < 0 ? -errno : vfu_watch(srv, srv->io_fds[queue]);
}

/* Doorbells that can be rung by ioeventfd: as many as the client takes descriptors. */
static uint32_t io_fd_count(const struct vfu_server *srv, const struct vfu_client *client,
			    uint32_t region)
{
	if (region != MHO_HW_BAR_DOORBELL)
		return 0;
	return srv->queues < client->max_fds ? srv->queues : client->max_fds;
}

static int get_io_fds(struct vfu_server *srv, struct vfu_client *client)
{
	struct vfu_region_io_fds info;
	uint32_t count, room;
	uint8_t *reply;
	int err = 0;

	if (client->msg.len != sizeof(info))
		return -EINVAL;
	memcpy(&info, client->msg.payload, sizeof(info));
	room = info.argsz;
	if (room < sizeof(info) || info.flags || info.count || info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	count = io_fd_count(srv, client, info.index);
	info.count = count;
	info.argsz = (uint32_t)(sizeof(info) + count * sizeof(struct vfu_io_fd));
	if (room < info.argsz) {
		memcpy(vfu_reply_room(client, sizeof(info)), &info, sizeof(info));
		return 0;
	}
	reply = vfu_reply_room(client, info.argsz);
	memcpy(reply, &info, sizeof(info));
	for (uint32_t i = 0; i < count && !err; i++) {
		struct vfu_io_fd fd = {
			.offset = MHO_HW_DB_OFFSET((uint64_t)(i + 1), MHO_HW_DB_SQ_TAIL),
			.size = 4,
			.fd_index = i,
			.type = VFU_IO_FD_IOEVENTFD,
			.flags = VFU_IOEVENTFD_DATAMATCH,
		};

		err = open_io_fd(srv, i + 1);
		client->reply.fds[i] = srv->io_fds[i + 1];
		memcpy(reply + sizeof(info) + i * sizeof(fd), &fd, sizeof(fd));
	}
	client->reply.nfds = count;
	return err;
}

/* ---- the rest ---- */

static int device_reset(struct vfu_server *srv, struct vfu_client *client)
{
	if (client->msg.len)
		return -EINVAL;
	vfu_reset(srv, false);
	return 0;
}

/* Migration is all that there is, and this device cannot be moved. As the kernel says it. */
static int device_feature(struct vfu_server *srv, struct vfu_client *client)
{
	(void)srv;
	return client->msg.len < 8 ? -EINVAL : -ENOTTY;
}

static int unsupported(struct vfu_server *srv, struct vfu_client *client)
{
	(void)srv;
	(void)client;
	return -ENOTSUP;
}

struct handler {
	int (*fn)(struct vfu_server *srv, struct vfu_client *client);
	bool takes_fds;
};

static const struct handler handlers[VFU_COMMANDS] = {
	[VFU_VERSION] = { vfu_handle_version, false },
	[VFU_DMA_MAP] = { vfu_handle_dma_map, true },
	[VFU_DMA_UNMAP] = { vfu_handle_dma_unmap, false },
	[VFU_DEVICE_GET_INFO] = { get_info, false },
	[VFU_DEVICE_GET_REGION_INFO] = { get_region_info, false },
	[VFU_DEVICE_GET_REGION_IO_FDS] = { get_io_fds, false },
	[VFU_DEVICE_GET_IRQ_INFO] = { vfu_handle_get_irq_info, false },
	[VFU_DEVICE_SET_IRQS] = { vfu_handle_set_irqs, true },
	[VFU_REGION_READ] = { vfu_handle_region_read, false },
	[VFU_REGION_WRITE] = { vfu_handle_region_write, false },
	[VFU_DEVICE_RESET] = { device_reset, false },
	[VFU_REGION_WRITE_MULTI] = { vfu_handle_write_multi, false },
	[VFU_DEVICE_FEATURE] = { device_feature, false },
	[VFU_MIG_DATA_READ] = { unsupported, false },
	[VFU_MIG_DATA_WRITE] = { unsupported, false },
};

int vfu_handle(struct vfu_server *srv, struct vfu_client *client)
{
	const struct vfu_header *h = &client->msg.header;
	const struct handler *handler;

	client->reply.len = 0;
	client->reply.nfds = 0;
	if (h->flags & ~VFU_FLAG_NO_REPLY)
		return -EINVAL;
	handler = h->command < VFU_COMMANDS ? &handlers[h->command] : NULL;
	if (!handler || !handler->fn)
		return -ENOSYS;
	if (client->msg.nfds > (handler->takes_fds ? VFU_MAX_FDS : 0))
		return -EINVAL;
	if (client->negotiated == (h->command == VFU_VERSION))
		return -EINVAL;
	return handler->fn(srv, client);
}
