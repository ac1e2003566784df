/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the parts of the vfio-user server share. Three locks: that of struct vfu_dma,
 * that of struct vfu_irq, that of struct vfu_faults. None is taken while another
 * is held, and none while the device is called.
 */
#ifndef MHO_EMU_VFIO_USER_INTERNAL_H
#define MHO_EMU_VFIO_USER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "emulator/pci_config.h"
#include "emulator/vfio_user.h"
#include "emulator/vfio_user_proto.h"
#include "mho_hw.h"

#define VFU_MAX_FDS 128 /* that one message may bring */
#define VFU_MAX_DATA_XFER VFU_DEFAULT_DATA_XFER
#define VFU_MAX_DMA_MAPS VFU_DEFAULT_DMA_MAPS
#define VFU_MAX_PAYLOAD (VFU_MAX_DATA_XFER + 64)
#define VFU_MAX_OTHERS 4 /* clients that are being told EBUSY */
#define VFU_PAGE 4096U /* granularity of DMA mappings */
#define VFU_LOG_LIMIT 32 /* lines for each counter; more are only counted */

/* X(name, what it counts) */
#define VFU_COUNTERS(X)                                                                          \
	X(clients, "clients that negotiated a version")                                          \
	X(clients_refused, "clients told that there is one already")                             \
	X(messages, "messages received")                                                         \
	X(messages_refused, "messages answered with an error")                                   \
	X(resets, "resets: message, FLR, D3hot to D0, loss of the client")                       \
	X(doorbells, "doorbell writes, by message or ioeventfd")                                 \
	X(doorbells_bad, "doorbells that should not have rung")                                  \
	X(dma_unmapped, "DMA to addresses that the client has not mapped")                       \
	X(dma_forbidden, "DMA writes to memory mapped read-only, or reads of write-only memory") \
	X(dma_no_fd, "DMA to memory that the client mapped without a file descriptor")           \
	X(dma_aborted, "DMA given up because of a reset or an unmap")                            \
	X(dma_failed, "DMA failed on demand")                                                    \
	X(irqs, "interrupts that the device raised")                                             \
	X(irqs_sent, "eventfds written")                                                         \
	X(irqs_held, "interrupts held back: masked, bus mastering off, or no eventfd yet")       \
	X(irqs_lost, "interrupts on vectors that are not enabled")                               \
	X(irqs_dropped, "interrupts dropped on demand")                                          \
	X(irqs_duplicated, "interrupts sent twice on demand")                                    \
	X(irqs_spurious, "interrupts sent on demand")                                            \
	X(mmio_disabled, "accesses to BARs while memory space was off")

enum vfu_counter_id {
#define VFU_COUNTER_ID(name, text) VFU_C_##name,
	VFU_COUNTERS(VFU_COUNTER_ID)
#undef VFU_COUNTER_ID
	VFU_NCOUNTERS
};

/* One message, with what came with it. */
struct vfu_msg {
	struct vfu_header header;
	uint8_t *payload; /* VFU_MAX_PAYLOAD bytes of room */
	size_t len; /* of the payload */
	int fds[VFU_MAX_FDS]; /* -1 once taken */
	unsigned int nfds;
};

/* The answer that a handler prepares. */
struct vfu_reply {
	uint8_t *data; /* VFU_MAX_PAYLOAD bytes of room */
	size_t len;
	int fds[VFU_MAX_FDS]; /* borrowed */
	unsigned int nfds;
};

/* A client. */
struct vfu_client {
	int fd;
	bool negotiated;
	uint32_t max_fds; /* that it takes in one message */
	uint32_t max_data;
	uint32_t max_maps;
	struct vfu_msg msg;
	struct vfu_reply reply;
};

struct vfu_dma_region {
	uint64_t addr; /* on the bus */
	uint64_t size;
	uint32_t flags; /* VFU_DMA_READABLE, VFU_DMA_WRITEABLE */
	uint8_t *host; /* NULL without a file descriptor */
	unsigned int users;
	bool leaving;
};

struct vfu_dma {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct vfu_dma_region **by_addr; /* sorted */
	struct vfu_dma_region **by_host; /* sorted; those with memory */
	size_t count;
	size_t host_count;
	size_t room;
	bool master; /* the function may do DMA */
	bool aborting; /* whoever waits for @master is to give up */
	unsigned int unmapping;
};

enum vfu_irq_kind {
	VFU_IRQ_MSI,
	VFU_IRQ_MSIX,
	VFU_IRQ_KINDS
};

struct vfu_irq_vector {
	int fd; /* -1 for none */
	bool masked;
};

struct vfu_irq_set {
	unsigned int count;
	unsigned int assigned; /* vectors with an eventfd */
	struct vfu_irq_vector vectors[MHO_HW_VECTORS_MAX];
};

struct vfu_irq {
	pthread_mutex_t lock;
	struct vfu_irq_set sets[VFU_IRQ_KINDS];
	bool pending[MHO_HW_VECTORS_MAX];
	bool master;
	uint8_t table[16 * MHO_HW_VECTORS_MAX]; /* the MSI-X table, as the host wrote it */
};

struct vfu_faults {
	pthread_mutex_t lock;
	uint64_t irq_drop; /* how many more times each is to happen */
	uint64_t irq_duplicate;
	uint64_t dma_fail;
	uint64_t mmio_delay;
	unsigned int mmio_delay_ms;
	bool mmio_ones; /* reads are all ones, writes are dropped */
};

struct vfu_server {
	struct mho_emu *emu;
	struct mho_emu_ops ops;
	struct vfu_config config;
	struct pcic pci;
	uint64_t bar_size[PCIC_BARS];
	uint32_t queues; /* I/O queues that the card has, whatever its registers say later */
	struct vfu_dma dma;
	struct vfu_irq irq;
	struct vfu_faults faults;
	atomic_ullong counters[VFU_NCOUNTERS];
	int stop_fd; /* eventfd, readable for good once vfu_stop() was called */
	int kick_fd; /* eventfd: the client is to be disconnected */
	int io_fds[MHO_HW_QUEUES_MAX + 1]; /* ioeventfds by queue, -1 for none */
	int epoll_fd;
	int listen_fd; /* -1 while vfu_serve() has no listener */
	int others[VFU_MAX_OTHERS]; /* -1 for none */
	struct vfu_client client;
	pthread_t control;
	bool control_runs;
	int control_fd;
};

/* ---- vfio_user.c ---- */

void vfu_log(struct vfu_server *srv, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
uint64_t vfu_count(struct vfu_server *srv, enum vfu_counter_id id);

/* Counts, and says so unless it was said VFU_LOG_LIMIT times. */
void vfu_complain(struct vfu_server *srv, enum vfu_counter_id id, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
extern const char *const vfu_counter_names[VFU_NCOUNTERS];

/* Has the server thread wake up when @fd is readable. Return: 0 or -errno. */
int vfu_watch(struct vfu_server *srv, int fd);

/* Resets the function; configuration stays if @keep_config. Server thread only. */
void vfu_reset(struct vfu_server *srv, bool keep_config);

/* Tells DMA and interrupts what the command register says. Server thread only. */
void vfu_command_changed(struct vfu_server *srv);

/* ---- vfio_user_msg.c ---- */

/* Return: 1 (a message), 0 (the client has gone), -ECANCELED (stop), -EPROTO and other -errno. */
int vfu_msg_read(struct vfu_server *srv, struct vfu_client *client);
void vfu_msg_close_fds(struct vfu_msg *msg);

/* Answers @client's message; @error is 0 or -errno. Return: 0 or -errno. */
int vfu_msg_reply(struct vfu_server *srv, struct vfu_client *client, int error);

/* ---- vfio_user_device.c: handlers. Return: 0 with the reply filled, or -errno ---- */

int vfu_handle(struct vfu_server *srv, struct vfu_client *client);
int vfu_handle_version(struct vfu_server *srv, struct vfu_client *client);
int vfu_handle_dma_map(struct vfu_server *srv, struct vfu_client *client);
int vfu_handle_dma_unmap(struct vfu_server *srv, struct vfu_client *client);
int vfu_handle_get_irq_info(struct vfu_server *srv, struct vfu_client *client);
int vfu_handle_set_irqs(struct vfu_server *srv, struct vfu_client *client);
int vfu_handle_region_read(struct vfu_server *srv, struct vfu_client *client);
int vfu_handle_region_write(struct vfu_server *srv, struct vfu_client *client);
int vfu_handle_write_multi(struct vfu_server *srv, struct vfu_client *client);

/* A reply of @len bytes, cleared. */
void *vfu_reply_room(struct vfu_client *client, size_t len);

/* ---- vfio_user_region.c ---- */

uint64_t vfu_region_size(const struct vfu_server *srv, unsigned int region);

/* Rings for what came by ioeventfd. */
void vfu_io_fds_drain(struct vfu_server *srv);

/* ---- vfio_user_dma.c ---- */

int vfu_dma_init(struct vfu_dma *dma);
void vfu_dma_fini(struct vfu_dma *dma);
void vfu_dma_clear(struct vfu_dma *dma); /* forgets all mappings; waits until none is in use */
void vfu_dma_set_master(struct vfu_dma *dma, bool master);
void vfu_dma_abort(struct vfu_dma *dma, bool aborting);
void *vfu_dma_op_map(void *opaque, uint64_t addr, size_t *len, bool write);
void vfu_dma_op_unmap(void *opaque, void *ptr, size_t len);

/* ---- vfio_user_irq.c ---- */

int vfu_irq_init(struct vfu_irq *irq, unsigned int msix, unsigned int msi);
void vfu_irq_fini(struct vfu_irq *irq);
void vfu_irq_release(struct vfu_irq *irq); /* closes all eventfds */
void vfu_irq_reset(struct vfu_irq *irq);
void vfu_irq_set_master(struct vfu_server *srv, bool master);
void vfu_irq_op(void *opaque, unsigned int vector);
void vfu_irq_spurious(struct vfu_server *srv, unsigned int vector);

/* The MSI-X table and pending bits in BAR0. Return: whether @offset is there. */
bool vfu_irq_table_read(struct vfu_server *srv, uint64_t offset, uint64_t *value,
			unsigned int width);
bool vfu_irq_table_write(struct vfu_server *srv, uint64_t offset, uint64_t value,
			 unsigned int width);

/* ---- vfio_user_fault.c ---- */

bool vfu_fault_take(struct vfu_server *srv, uint64_t *left);
bool vfu_fault_mmio(struct vfu_server *srv); /* waits if so told; whether the device looks dead */

/* One line of the control protocol. Return: the answer, to be freed, or NULL without memory. */
char *vfu_control_line(struct vfu_server *srv, char *line);

/* ---- vfio_user_control.c ---- */

void vfu_control_stop(struct vfu_server *srv);

#endif
