/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A vfio-user client for tests, with a server in a thread, guest memory in a
 * memfd, and as much of a driver as it takes to use the card through messages
 * alone. Helpers end the test when what they need does not work.
 */
#ifndef MHO_TEST_VFIO_CLIENT_H
#define MHO_TEST_VFIO_CLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "emulator/vfio_user.h"
#include "emulator/vfio_user_proto.h"
#include "mho_hw.h"

#define VC_BUS 0x100000000ULL /* where guest memory begins on the bus */
#define VC_MEMORY (8U << 20)
#define VC_VECTORS 5 /* of the topology "small" */

/* A server and where it listens. */
struct vc_server {
	struct vfu_server *srv;
	char dir[64];
	char path[96];
	char control[96];
	int listen_fd;
	int control_fd;
	int result; /* of vfu_run() */
	pthread_t thread;
};

/* A client, and the guest behind it. */
struct vc_client {
	int fd;
	uint16_t next_id;
	int memfd;
	uint8_t *mem;
	size_t used; /* of the memory, by vc_alloc() */
	int irq[VC_VECTORS]; /* eventfds, -1 for none */
	uint64_t asq;
	uint64_t acq;
	uint32_t tail;
	uint32_t head;
};

/* A reply. */
struct vc_reply {
	struct vfu_header header;
	uint8_t data[4096];
	size_t len;
	int fds[64];
	unsigned int nfds;
};

/* vc_start() - a server; @state may be NULL. */
struct vc_server *vc_start(unsigned int interrupts, const char *state);
void vc_stop(struct vc_server *s);

/* vc_connect() - a socket to the server, and nothing said yet. */
struct vc_client *vc_connect(struct vc_server *s);
/* vc_open() - the same, with a version negotiated. */
struct vc_client *vc_open(struct vc_server *s);
void vc_close(struct vc_client *c);

/* vc_send() - any bytes, with descriptors. */
void vc_send(struct vc_client *c, const void *data, size_t len, const int *fds, unsigned int nfds);
/* vc_recv() - a reply. Return: false at the end of the stream. */
bool vc_recv(struct vc_client *c, struct vc_reply *r);

/* vc_call() - a command and its reply. Return: 0, or the error of the reply. */
int vc_call_fds(struct vc_client *c, unsigned int command, const void *data, size_t len,
		const int *fds, unsigned int nfds, struct vc_reply *r);
int vc_call(struct vc_client *c, unsigned int command, const void *data, size_t len,
	    struct vc_reply *r);
/* vc_post() - a command with No_reply. */
void vc_post(struct vc_client *c, unsigned int command, const void *data, size_t len);

int vc_version(struct vc_client *c, unsigned int major, const char *json, struct vc_reply *r);

uint64_t vc_read(struct vc_client *c, unsigned int region, uint64_t offset, unsigned int width);
void vc_write(struct vc_client *c, unsigned int region, uint64_t offset, uint64_t value,
	      unsigned int width);

int vc_dma_map(struct vc_client *c, uint64_t addr, uint64_t size, uint64_t offset, uint32_t flags,
	       int fd);
int vc_dma_unmap(struct vc_client *c, uint64_t addr, uint64_t size);
int vc_set_irqs(struct vc_client *c, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
		const int *fds, unsigned int nfds);

/* vc_enable() - memory mapped, memory space and bus mastering on, an eventfd for each vector. */
void vc_enable(struct vc_client *c, uint32_t irq_index);
/* vc_irq() - how often a vector's eventfd was signalled, waiting up to @ms for the first. */
uint64_t vc_irq(struct vc_client *c, unsigned int vector, int ms);

/* vc_alloc() - cleared guest memory. Return: bus address. */
uint64_t vc_alloc(struct vc_client *c, size_t len);
void *vc_ptr(struct vc_client *c, uint64_t addr);

uint32_t vc_reg(struct vc_client *c, uint32_t reg);
unsigned int vc_state(struct vc_client *c);
bool vc_wait_state(struct vc_client *c, unsigned int state);
/* vc_boot() - firmware and admin queue, to READY. */
void vc_boot(struct vc_client *c);
/* vc_put() - an admin command in the ring, its doorbell not rung. */
void vc_put(struct vc_client *c, struct mho_hw_admin_sqe *sqe);
/* vc_take() - its completion. Return: whether it came in time. */
bool vc_take(struct vc_client *c, struct mho_hw_cqe *cqe, int ms);
/* vc_admin() - an admin command. Return: its status. */
unsigned int vc_admin(struct vc_client *c, struct mho_hw_admin_sqe *sqe, struct mho_hw_cqe *cqe);

/* vc_control() - a line to the control socket, and the answer in @answer. */
void vc_control(struct vc_server *s, const char *line, char *answer, size_t size);
/* vc_control_ok() - the same. Return: whether the answer is that all is well. */
bool vc_control_ok(struct vc_server *s, const char *line);

#endif
