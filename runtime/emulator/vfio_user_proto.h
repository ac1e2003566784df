/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Messages of the vfio-user protocol, as QEMU's documentation describes them
 * (interop/vfio-user). All numbers have the endianness of the host. What the
 * protocol shares with VFIO comes from <linux/vfio.h>.
 */
#ifndef MHO_EMU_VFIO_USER_PROTO_H
#define MHO_EMU_VFIO_USER_PROTO_H

#include <stdint.h>

#include <linux/vfio.h>

#define VFU_VERSION_MAJOR 0
#define VFU_VERSION_MINOR 0

enum vfu_command {
	VFU_VERSION = 1,
	VFU_DMA_MAP = 2,
	VFU_DMA_UNMAP = 3,
	VFU_DEVICE_GET_INFO = 4,
	VFU_DEVICE_GET_REGION_INFO = 5,
	VFU_DEVICE_GET_REGION_IO_FDS = 6,
	VFU_DEVICE_GET_IRQ_INFO = 7,
	VFU_DEVICE_SET_IRQS = 8,
	VFU_REGION_READ = 9,
	VFU_REGION_WRITE = 10,
	VFU_DMA_READ = 11, /* server to client */
	VFU_DMA_WRITE = 12, /* server to client */
	VFU_DEVICE_RESET = 13,
	VFU_REGION_WRITE_MULTI = 15,
	VFU_DEVICE_FEATURE = 16,
	VFU_MIG_DATA_READ = 17,
	VFU_MIG_DATA_WRITE = 18,
	VFU_COMMANDS
};

#define VFU_FLAG_TYPE_MASK 0xfU
#define VFU_TYPE_COMMAND 0x0U
#define VFU_TYPE_REPLY 0x1U
#define VFU_FLAG_NO_REPLY 0x10U
#define VFU_FLAG_ERROR 0x20U

/* Begins every message. @size counts the header. */
struct vfu_header {
	uint16_t id;
	uint16_t command;
	uint32_t size;
	uint32_t flags;
	uint32_t error;
};

struct vfu_version_payload {
	uint16_t major;
	uint16_t minor;
	/* then capabilities: JSON with its NUL, optional */
};

/* What holds where a capability is not named. */
#define VFU_DEFAULT_MSG_FDS 1
#define VFU_DEFAULT_DATA_XFER 1048576
#define VFU_DEFAULT_DMA_MAPS 65535
#define VFU_DEFAULT_PGSIZES 4096

#define VFU_DMA_READABLE 0x1U
#define VFU_DMA_WRITEABLE 0x2U
#define VFU_DMA_MMAP 0x4U
#define VFU_DMA_FILE_IO 0x8U
#define VFU_DMA_FLAGS 0xfU

struct vfu_dma_map_payload {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t address;
	uint64_t size;
};

struct vfu_dma_unmap_payload {
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};

struct vfu_region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	/* then data, in a request that writes and a reply to one that reads */
};

/* One of VFU_REGION_WRITE_MULTI, which begins with their number, 8 bytes. */
struct vfu_small_write {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[8];
};

struct vfu_region_io_fds {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
	/* then struct vfu_io_fd */
};

#define VFU_IO_FD_IOEVENTFD 0U
#define VFU_IOEVENTFD_DATAMATCH 0x1U /* KVM_IOEVENTFD_FLAG_DATAMATCH */

struct vfu_io_fd {
	uint64_t offset;
	uint64_t size;
	uint32_t fd_index;
	uint32_t type;
	uint32_t flags;
	uint32_t padding;
	uint64_t datamatch;
};

#endif
