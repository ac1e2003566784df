// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * libFuzzer: any bytes as the messages of a vfio-user client. The first byte says
 * what comes before them: a negotiation, and a function that is enabled. Then come
 * messages: a command, how many descriptors of which kind, a length, a payload;
 * the header is made right, or left to the input.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/blob.h"
#include "emulator/vfio_user.h"
#include "emulator/vfio_user_proto.h"

#define MEMORY (1U << 20)
#define RAW 0x80 /* in the command's byte: what follows is the whole message */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vfu_server *server;
static int memory, event;

static void require(int condition)
{
	if (!condition)
		abort();
}

static void start(void)
{
	const struct mho_blob *small = mho_blob_find("topology/small");
	struct vfu_config config = { .emu = { .size = sizeof(config.emu),
					      .topology = small->data,
					      .topology_len = small->len,
					      .threads = 1 },
				     .interrupts = VFU_MSIX | VFU_MSI };

	require(!vfu_create(&config, &server, NULL, 0));
	memory = memfd_create("guest", MFD_CLOEXEC);
	event = eventfd(0, EFD_NONBLOCK);
	require(memory >= 0 && event >= 0 && !ftruncate(memory, MEMORY));
}

/* Reads answers until there are none, and closes what comes with them. */
static void *drain(void *arg)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(253 * sizeof(int))];
	uint8_t data[4096];
	int fd = *(int *)arg;

	for (;;) {
		struct iovec iov = { data, sizeof(data) };
		struct msghdr mh = { .msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control) };
		struct cmsghdr *c;

		if (recvmsg(fd, &mh, 0) <= 0)
			return NULL;
		for (c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
			size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			for (size_t i = 0; i < n; i++) {
				int got;

				memcpy(&got, CMSG_DATA(c) + i * sizeof(got), sizeof(got));
				close(got);
			}
		}
	}
}

static void send_bytes(int fd, const void *data, size_t len, unsigned int nfds, int with)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(15 * sizeof(int))] = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds) {
		struct cmsghdr *c;

		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		for (unsigned int i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &with, sizeof(int));
	}
	if (len)
		(void)!sendmsg(fd, &mh, MSG_NOSIGNAL);
}

static void send_message(int fd, unsigned int command, const void *data, size_t len,
			 unsigned int nfds, int with)
{
	uint8_t message[4096 + sizeof(struct vfu_header)];
	struct vfu_header h = { .command = (uint16_t)command, .size = (uint32_t)(sizeof(h) + len) };

	memcpy(message, &h, sizeof(h));
	memcpy(message + sizeof(h), data, len);
	send_bytes(fd, message, sizeof(h) + len, nfds, with);
}

static void prepare(int fd, uint8_t how)
{
	struct vfu_dma_map_payload map = { sizeof(map), 3, 0, 0, MEMORY };
	struct {
		struct vfu_region_access a;
		uint8_t data[2];
	} enable = { { 4, VFIO_PCI_CONFIG_REGION_INDEX, 2 }, { 6, 0 } };

	if (how & 1)
		send_message(fd, VFU_VERSION, "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8}}", 39,
			     0, -1);
	if (how & 2)
		send_message(fd, VFU_REGION_WRITE, &enable, sizeof(enable.a) + 2, 0, -1);
	if (how & 4)
		send_message(fd, VFU_DMA_MAP, &map, sizeof(map), 1, memory);
}

/* A message from the input. Return: how many of its bytes it took. */
static size_t one(int fd, const uint8_t *data, size_t size)
{
	size_t len = (size_t)data[2] | (size_t)(data[3] & 0xf) << 8;
	unsigned int nfds = data[1] & 0xf;
	int with = data[1] & 0x10 ? event : memory;

	if (len > size - 4)
		len = size - 4;
	if (data[0] & RAW)
		send_bytes(fd, data + 4, len, nfds, with);
	else
		send_message(fd, data[0], data + 4, len, nfds, with);
	return 4 + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pthread_t reader;
	int fds[2];

	if (!server)
		start();
	if (size < 5)
		return 0;
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	require(!pthread_create(&reader, NULL, drain, &fds[0]));
	prepare(fds[0], data[0]);
	for (size_t at = 1; at + 4 <= size;)
		at += one(fds[0], data + at, size - at);
	shutdown(fds[0], SHUT_WR);
	vfu_serve(server, fds[1]);
	pthread_join(reader, NULL);
	close(fds[0]);
	return 0;
}
