// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The control socket: takes lines from several clients, in a thread of its own,
 * so that it answers while the server waits. What lines mean is in
 * vfio_user_fault.c.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator/vfio_user_internal.h"

#define CLIENTS_MAX 8
#define LINE_MAX_BYTES 256

struct control_client {
	int fd; /* -1 for none */
	size_t used;
	char line[LINE_MAX_BYTES];
};

static void drop(struct control_client *c)
{
	close(c->fd);
	c->fd = -1;
	c->used = 0;
}

/* A client that does not read its answers loses its connection. */
static bool send_all(int fd, const char *text)
{
	size_t len = strlen(text), done = 0;

	while (done < len) {
		ssize_t n = send(fd, text + done, len - done, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EINTR)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Answers every whole line; what follows the last one stays. Return: whether all is well. */
static bool answer_lines(struct vfu_server *srv, struct control_client *c)
{
	char *start = c->line, *end;

	while ((end = memchr(start, '\n', c->used - (size_t)(start - c->line)))) {
		char *text;
		bool sent;

		*end = '\0';
		text = vfu_control_line(srv, start);
		sent = text && send_all(c->fd, text);
		free(text);
		if (!sent)
			return false;
		start = end + 1;
	}
	c->used -= (size_t)(start - c->line);
	memmove(c->line, start, c->used);
	return true;
}

static void serve(struct vfu_server *srv, struct control_client *c)
{
	ssize_t n = recv(c->fd, c->line + c->used, sizeof(c->line) - c->used, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	c->used += (size_t)n;
	if (!answer_lines(srv, c)) {
		drop(c);
	} else if (c->used == sizeof(c->line)) {
		send_all(c->fd, "{\"ok\":false,\"error\":\"the line is too long\"}\n");
		drop(c);
	}
}

static void take_client(int listen_fd, struct control_client *clients)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (unsigned int i = 0; i < CLIENTS_MAX; i++) {
		if (clients[i].fd < 0) {
			clients[i].fd = fd;
			return;
		}
	}
	send_all(fd, "{\"ok\":false,\"error\":\"too many clients\"}\n");
	close(fd);
}

static void *control_thread(void *arg)
{
	struct vfu_server *srv = arg;
	struct control_client clients[CLIENTS_MAX];
	struct pollfd p[CLIENTS_MAX + 2];

	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		clients[i] = (struct control_client){ .fd = -1 };
	for (;;) {
		p[0] = (struct pollfd){ .fd = srv->stop_fd, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = srv->control_fd, .events = POLLIN };
		for (unsigned int i = 0; i < CLIENTS_MAX; i++)
			p[i + 2] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
		if (poll(p, CLIENTS_MAX + 2, -1) < 0)
			continue;
		if (p[0].revents)
			break;
		for (unsigned int i = 0; i < CLIENTS_MAX; i++)
			if (clients[i].fd >= 0 && p[i + 2].revents)
				serve(srv, &clients[i]);
		if (p[1].revents)
			take_client(srv->control_fd, clients);
	}
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (clients[i].fd >= 0)
			drop(&clients[i]);
	return NULL;
}

int vfu_control_start(struct vfu_server *srv, int listen_fd)
{
	int err;

	srv->control_fd = listen_fd;
	err = pthread_create(&srv->control, NULL, control_thread, srv);
	srv->control_runs = !err;
	return -err;
}

void vfu_control_stop(struct vfu_server *srv)
{
	if (srv->control_runs)
		pthread_join(srv->control, NULL);
	srv->control_runs = false;
}
