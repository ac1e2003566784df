// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The server's life: power on, clients that come, are served and go, stop. One
 * thread does all that clients ask for, in the order in which they ask.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator/vfio_user_internal.h"

const char *const vfu_counter_names[VFU_NCOUNTERS] = {
#define VFU_COUNTER_NAME(name, text) [VFU_C_##name] = #name,
	VFU_COUNTERS(VFU_COUNTER_NAME)
#undef VFU_COUNTER_NAME
};

/* ---- log and counters ---- */

static void log_va(struct vfu_server *srv, int level, const char *fmt, va_list ap)
{
	char text[256];

	if (!srv->config.log)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	srv->config.log(srv->config.log_arg, level, text);
}

void vfu_log(struct vfu_server *srv, int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_va(srv, level, fmt, ap);
	va_end(ap);
}

uint64_t vfu_count(struct vfu_server *srv, enum vfu_counter_id id)
{
	return atomic_fetch_add_explicit(&srv->counters[id], 1, memory_order_relaxed) + 1;
}

void vfu_complain(struct vfu_server *srv, enum vfu_counter_id id, const char *fmt, ...)
{
	uint64_t n = vfu_count(srv, id);
	va_list ap;

	if (n > VFU_LOG_LIMIT)
		return;
	va_start(ap, fmt);
	log_va(srv, MHO_HW_LOG_WARNING, fmt, ap);
	va_end(ap);
	if (n == VFU_LOG_LIMIT)
		vfu_log(srv, MHO_HW_LOG_WARNING, "more of these are only counted: %s",
			vfu_counter_names[id]);
}

uint64_t vfu_counter(const struct vfu_server *srv, const char *name)
{
	for (unsigned int i = 0; i < VFU_NCOUNTERS; i++)
		if (!strcmp(name, vfu_counter_names[i]))
			return atomic_load_explicit(&srv->counters[i], memory_order_relaxed);
	return 0;
}

static void device_log(void *opaque, int level, const char *text)
{
	vfu_log(opaque, level, "device: %s", text);
}

/* ---- power on and off ---- */

static unsigned int vectors(const struct vfu_server *srv)
{
	uint32_t n = (uint32_t)mho_emu_read(srv->emu, MHO_HW_BAR_REGS, MHO_HW_REG_CAP_VECTORS, 4);

	return n < 1 ? 1 : n > MHO_HW_VECTORS_MAX ? MHO_HW_VECTORS_MAX : n;
}

/* MSI comes in powers of two. */
static unsigned int msi_vectors(unsigned int wanted)
{
	unsigned int n = 1;

	while (n < wanted && n < PCIC_MSI_MAX)
		n *= 2;
	return n;
}

static int make_function(struct vfu_server *srv)
{
	struct pcic_config pci = { .prefetchable = 1U << MHO_HW_BAR_WINDOW,
				   .serial = srv->config.emu.serial };

	for (unsigned int i = 0; i < PCIC_BARS; i += 2)
		pci.bar_size[i] = mho_emu_bar_size(srv->emu, i);
	memcpy(srv->bar_size, pci.bar_size, sizeof(srv->bar_size));
	srv->queues = (uint32_t)mho_emu_read(srv->emu, MHO_HW_BAR_REGS, MHO_HW_REG_CAP_QUEUES, 4) &
		      MHO_HW_CAP_QUEUES_IO_MASK;
	if (srv->config.interrupts & VFU_MSIX)
		pci.msix_vectors = vectors(srv);
	if (srv->config.interrupts & VFU_MSI)
		pci.msi_vectors = msi_vectors(vectors(srv));
	pcic_init(&srv->pci, &pci);
	return vfu_irq_init(&srv->irq, pci.msix_vectors, pci.msi_vectors);
}

static int open_fds(struct vfu_server *srv)
{
	srv->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	srv->kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return srv->stop_fd < 0 || srv->kick_fd < 0 ? -errno : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct vfu_server *new_server(const struct vfu_config *config)
{
	struct vfu_server *srv = calloc(1, sizeof(*srv));

	if (!srv)
		return NULL;
	srv->config = *config;
	srv->stop_fd = -1;
	srv->kick_fd = -1;
	srv->epoll_fd = -1;
	srv->listen_fd = -1;
	srv->client.fd = -1;
	for (unsigned int i = 0; i <= MHO_HW_QUEUES_MAX; i++)
		srv->io_fds[i] = -1;
	for (unsigned int i = 0; i < VFU_MAX_OTHERS; i++)
		srv->others[i] = -1;
	srv->ops = (struct mho_emu_ops){ vfu_dma_op_map, vfu_dma_op_unmap, vfu_irq_op, device_log };
	srv->config.emu.ops = &srv->ops;
	srv->config.emu.opaque = srv;
	srv->client.msg.payload = malloc(VFU_MAX_PAYLOAD);
	srv->client.reply.data = malloc(VFU_MAX_PAYLOAD);
	if (srv->client.msg.payload && srv->client.reply.data)
		return srv;
	free(srv->client.msg.payload);
	free(srv->client.reply.data);
	free(srv);
	return NULL;
}

static void free_server(struct vfu_server *srv)
{
	close_fd(&srv->stop_fd);
	close_fd(&srv->kick_fd);
	free(srv->client.msg.payload);
	free(srv->client.reply.data);
	free(srv);
}

static int say(char *err, size_t err_len, int ret, const char *text)
{
	if (err && err_len)
		snprintf(err, err_len, "%s: %s", text, strerror(-ret));
	return ret;
}

int vfu_create(const struct vfu_config *config, struct vfu_server **out, char *err, size_t err_len)
{
	struct vfu_server *srv;
	int ret;

	if (!(config->interrupts & (VFU_MSIX | VFU_MSI)))
		return say(err, err_len, -EINVAL, "neither MSI-X nor MSI is offered");
	srv = new_server(config);
	if (!srv)
		return say(err, err_len, -ENOMEM, "the server cannot be made");
	ret = open_fds(srv);
	if (ret) {
		say(err, err_len, ret, "no eventfd");
		goto free_srv;
	}
	pthread_mutex_init(&srv->faults.lock, NULL);
	ret = vfu_dma_init(&srv->dma);
	if (ret) {
		say(err, err_len, ret, "no lock");
		goto free_srv;
	}
	ret = mho_emu_create(&srv->config.emu, &srv->emu, err, err_len);
	if (ret)
		goto free_dma;
	ret = make_function(srv);
	if (ret) {
		say(err, err_len, ret, "no lock");
		mho_emu_destroy(srv->emu);
		goto free_dma;
	}
	*out = srv;
	return 0;
free_dma:
	vfu_dma_fini(&srv->dma);
free_srv:
	free_server(srv);
	return ret;
}

void vfu_destroy(struct vfu_server *srv)
{
	if (!srv)
		return;
	vfu_stop(srv);
	vfu_control_stop(srv);
	vfu_dma_abort(&srv->dma, true);
	mho_emu_destroy(srv->emu);
	vfu_dma_fini(&srv->dma);
	vfu_irq_fini(&srv->irq);
	pthread_mutex_destroy(&srv->faults.lock);
	for (unsigned int i = 0; i <= MHO_HW_QUEUES_MAX; i++)
		close_fd(&srv->io_fds[i]);
	free_server(srv);
}

int vfu_save(struct vfu_server *srv)
{
	return mho_emu_save(srv->emu);
}

void vfu_stop(struct vfu_server *srv)
{
	const uint64_t one = 1;
	int saved = errno;

	/* It fails only if it is readable already. */
	if (write(srv->stop_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

/* ---- resets ---- */

void vfu_command_changed(struct vfu_server *srv)
{
	bool master = pcic_master(&srv->pci);

	vfu_dma_set_master(&srv->dma, master);
	vfu_irq_set_master(srv, master);
}

void vfu_reset(struct vfu_server *srv, bool keep_config)
{
	vfu_count(srv, VFU_C_resets);
	vfu_dma_abort(&srv->dma, true);
	mho_emu_reset(srv->emu);
	vfu_dma_abort(&srv->dma, false);
	vfu_irq_reset(&srv->irq);
	if (!keep_config)
		pcic_reset(&srv->pci);
	vfu_command_changed(srv);
}

/* ---- clients ---- */

int vfu_watch(struct vfu_server *srv, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(srv->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static void refuse_later(struct vfu_server *srv)
{
	int fd = accept4(srv->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	vfu_count(srv, VFU_C_clients_refused);
	vfu_log(srv, MHO_HW_LOG_WARNING, "another client is refused: one is connected");
	for (unsigned int i = 0; i < VFU_MAX_OTHERS; i++) {
		if (srv->others[i] < 0 && !vfu_watch(srv, fd)) {
			srv->others[i] = fd;
			return;
		}
	}
	close(fd);
}

/* Answers to what it has said first: a reply must have the identifier of a command. */
static void refuse(int *fd)
{
	struct vfu_header h;

	if (recv(*fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h)) {
		h.size = sizeof(h);
		h.flags = VFU_TYPE_REPLY | VFU_FLAG_ERROR;
		h.error = EBUSY;
		send(*fd, &h, sizeof(h), MSG_NOSIGNAL);
	}
	close_fd(fd);
}

/* Return: 0 to go on, -errno to close the connection. */
static int one_message(struct vfu_server *srv)
{
	struct vfu_client *client = &srv->client;
	int ret = vfu_msg_read(srv, client), err;

	if (ret <= 0)
		return ret ? ret : -ESHUTDOWN;
	vfu_count(srv, VFU_C_messages);
	/* Only the server sends commands that are answered, and it sends none. */
	if ((client->msg.header.flags & VFU_FLAG_TYPE_MASK) == VFU_TYPE_REPLY) {
		vfu_msg_close_fds(&client->msg);
		return -EPROTO;
	}
	err = vfu_handle(srv, client);
	vfu_msg_close_fds(&client->msg);
	if (err)
		vfu_complain(srv, VFU_C_messages_refused, "message %u, %zu bytes: %s",
			     client->msg.header.command, client->msg.len, strerror(-err));
	if (!(client->msg.header.flags & VFU_FLAG_NO_REPLY) || !client->negotiated)
		ret = vfu_msg_reply(srv, client, err);
	/* Without a version there is nothing to talk about. */
	return !client->negotiated ? -EPROTO : ret < 0 ? ret : 0;
}

static int on_event(struct vfu_server *srv, int fd)
{
	uint64_t value;

	if (fd == srv->stop_fd)
		return -ECANCELED;
	if (fd == srv->kick_fd)
		return read(fd, &value, sizeof(value)) < 0 ? 0 : -ECONNABORTED;
	if (fd == srv->client.fd)
		return one_message(srv);
	if (fd == srv->listen_fd) {
		refuse_later(srv);
		return 0;
	}
	for (unsigned int i = 0; i < VFU_MAX_OTHERS; i++) {
		if (fd == srv->others[i]) {
			refuse(&srv->others[i]);
			return 0;
		}
	}
	vfu_io_fds_drain(srv);
	return 0;
}

/* Return: -errno of what ended it. */
static int serve_loop(struct vfu_server *srv)
{
	struct epoll_event ev;
	int ret = 0;

	while (!ret) {
		int n = epoll_wait(srv->epoll_fd, &ev, 1, -1);

		if (n < 0 && errno != EINTR)
			ret = -errno;
		else if (n == 1)
			ret = on_event(srv, ev.data.fd);
	}
	return ret;
}

static int begin_client(struct vfu_server *srv, int fd)
{
	struct vfu_client *client = &srv->client;
	int err;

	client->fd = fd;
	client->negotiated = false;
	srv->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (srv->epoll_fd < 0)
		return -errno;
	err = vfu_watch(srv, srv->stop_fd);
	err = err ? err : vfu_watch(srv, srv->kick_fd);
	err = err ? err : vfu_watch(srv, fd);
	if (!err && srv->listen_fd >= 0)
		err = vfu_watch(srv, srv->listen_fd);
	return err;
}

/* The next client finds a card that was reset, with the weights of the last one. */
static void end_client(struct vfu_server *srv)
{
	close_fd(&srv->epoll_fd);
	close_fd(&srv->client.fd);
	for (unsigned int i = 0; i < VFU_MAX_OTHERS; i++)
		close_fd(&srv->others[i]);
	for (unsigned int i = 0; i <= MHO_HW_QUEUES_MAX; i++)
		close_fd(&srv->io_fds[i]);
	if (srv->client.negotiated)
		vfu_reset(srv, false);
	vfu_dma_clear(&srv->dma);
	vfu_irq_release(&srv->irq);
}

int vfu_serve(struct vfu_server *srv, int fd)
{
	int ret = begin_client(srv, fd);

	if (!ret)
		ret = serve_loop(srv);
	end_client(srv);
	switch (ret) {
	case -ECANCELED:
		return 1;
	case -ESHUTDOWN:
		vfu_log(srv, MHO_HW_LOG_INFO, "client disconnected");
		return 0;
	default:
		vfu_log(srv, MHO_HW_LOG_WARNING, "connection to the client closed: %s",
			strerror(-ret));
		return ret;
	}
}

/* Return: 0, -ECANCELED, or -errno. */
static int wait_for_client(struct vfu_server *srv)
{
	struct pollfd p[] = { { .fd = srv->listen_fd, .events = POLLIN },
			      { .fd = srv->stop_fd, .events = POLLIN } };

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return p[1].revents ? -ECANCELED : 0;
}

int vfu_run(struct vfu_server *srv, int listen_fd)
{
	uint64_t kicks;
	int ret = 0, fd;

	srv->listen_fd = listen_fd;
	while (!ret) {
		ret = wait_for_client(srv);
		if (ret)
			break;
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			/* Kicks from before this client are not about it. */
			while (read(srv->kick_fd, &kicks, sizeof(kicks)) > 0)
				;
			ret = vfu_serve(srv, fd) == 1 ? -ECANCELED : 0;
		} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			ret = -errno;
		}
	}
	srv->listen_fd = -1;
	return ret == -ECANCELED ? 0 : ret;
}
