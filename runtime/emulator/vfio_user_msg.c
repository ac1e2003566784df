// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Messages on and off the socket, with their file descriptors. The socket does
 * not block; whoever waits for it also waits for the server to be stopped. What
 * a message means is not known here.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "emulator/vfio_user_internal.h"

/* The most that the kernel passes in one message (SCM_MAX_FD). */
#define KERNEL_MAX_FDS 253

static int wait_for(struct vfu_server *srv, int fd, short events)
{
	struct pollfd p[] = { { .fd = fd, .events = events },
			      { .fd = srv->stop_fd, .events = POLLIN },
			      { .fd = srv->kick_fd, .events = POLLIN } };

	while (poll(p, 3, -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (p[1].revents)
		return -ECANCELED;
	return p[2].revents ? -ECONNABORTED : 0;
}

/* Keeps what fits; @msg->nfds goes on counting, so that too many are noticed. */
static void take_fds(struct vfu_msg *msg, struct msghdr *mh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		const uint8_t *data = CMSG_DATA(c);
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
			if (msg->nfds < VFU_MAX_FDS)
				msg->fds[msg->nfds] = fd;
			else
				close(fd);
			msg->nfds++;
		}
	}
	if (mh->msg_flags & MSG_CTRUNC)
		msg->nfds = VFU_MAX_FDS + 1;
}

/* Return: 1, 0 at the end of the stream before the first byte, -errno. */
static int read_full(struct vfu_server *srv, int fd, struct vfu_msg *msg, void *data, size_t len)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(KERNEL_MAX_FDS * sizeof(int))];
	uint8_t *to = data;
	size_t done = 0;

	while (done < len) {
		struct iovec iov = { .iov_base = to + done, .iov_len = len - done };
		struct msghdr mh = { .msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			int err = wait_for(srv, fd, POLLIN);

			if (err)
				return err;
			continue;
		}
		if (n < 0)
			return -errno;
		if (!n)
			return done ? -ECONNRESET : 0;
		take_fds(msg, &mh);
		done += (size_t)n;
	}
	return 1;
}

void vfu_msg_close_fds(struct vfu_msg *msg)
{
	for (unsigned int i = 0; i < msg->nfds && i < VFU_MAX_FDS; i++)
		if (msg->fds[i] >= 0)
			close(msg->fds[i]);
	msg->nfds = 0;
}

int vfu_msg_read(struct vfu_server *srv, struct vfu_client *client)
{
	struct vfu_msg *msg = &client->msg;
	int ret;

	msg->nfds = 0;
	msg->len = 0;
	ret = read_full(srv, client->fd, msg, &msg->header, sizeof(msg->header));
	if (ret <= 0)
		goto fail;
	/* Where a message ends cannot be known any more. */
	if (msg->header.size < sizeof(msg->header) ||
	    msg->header.size - sizeof(msg->header) > VFU_MAX_PAYLOAD) {
		ret = -EPROTO;
		goto fail;
	}
	msg->len = msg->header.size - sizeof(msg->header);
	if (!msg->len)
		return 1;
	ret = read_full(srv, client->fd, msg, msg->payload, msg->len);
	if (ret > 0)
		return 1;
	if (!ret)
		ret = -ECONNRESET;
fail:
	vfu_msg_close_fds(msg);
	return ret;
}

static int send_full(struct vfu_server *srv, int fd, struct msghdr *mh)
{
	while (mh->msg_iovlen) {
		ssize_t n = sendmsg(fd, mh, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			int err = wait_for(srv, fd, POLLOUT);

			if (err)
				return err;
			continue;
		}
		if (n < 0)
			return -errno;
		mh->msg_control = NULL; /* sent with the first byte */
		mh->msg_controllen = 0;
		while (mh->msg_iovlen && (size_t)n >= mh->msg_iov->iov_len) {
			n -= (ssize_t)mh->msg_iov->iov_len;
			mh->msg_iov++;
			mh->msg_iovlen--;
		}
		if (mh->msg_iovlen) {
			mh->msg_iov->iov_base = (uint8_t *)mh->msg_iov->iov_base + n;
			mh->msg_iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

int vfu_msg_reply(struct vfu_server *srv, struct vfu_client *client, int error)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(VFU_MAX_FDS * sizeof(int))] = { 0 };
	const struct vfu_reply *reply = &client->reply;
	size_t len = error ? 0 : reply->len;
	struct vfu_header header = {
		.id = client->msg.header.id,
		.command = client->msg.header.command,
		.size = (uint32_t)(sizeof(header) + len),
		.flags = VFU_TYPE_REPLY | (error ? VFU_FLAG_ERROR : 0),
		.error = (uint32_t)-error,
	};
	struct iovec iov[] = { { .iov_base = &header, .iov_len = sizeof(header) },
			       { .iov_base = reply->data, .iov_len = len } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = len ? 2 : 1 };

	if (!error && reply->nfds) {
		size_t bytes = reply->nfds * sizeof(int);
		struct cmsghdr *c;

		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(bytes);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(c), reply->fds, bytes);
	}
	return send_full(srv, client->fd, &mh);
}
