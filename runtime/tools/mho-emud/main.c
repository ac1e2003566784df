// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mho-emud: an emulated card behind a vfio-user socket. Here: sockets, signals,
 * the log, and the order in which all of it starts and ends. The card is in
 * runtime/emulator/.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/emu_dev.h"
#include "core/uri.h"
#include "emulator/vfio_user.h"
#include "mho/mho.h"
#include "mho_hw.h"
#include "tools/common/std_streams.h"
#include "tools/mho-emud/options.h"

struct emud {
	struct emud_options options;
	struct vfu_server *srv;
	bool journal; /* stderr goes to the journal: lines begin with their level */
	int listen_fd;
	int control_fd;
};

static void complain(const char *text)
{
	fprintf(stderr, "mho-emud: %s\n", text);
}

/* The levels are those of syslog, which the journal wants. */
static void log_line(void *arg, int level, const char *text)
{
	const struct emud *d = arg;

	if (level > d->options.log_level)
		return;
	if (d->journal)
		fprintf(stderr, "<%d>%s\n", level, text);
	else
		fprintf(stderr, "mho-emud: %s\n", text);
}

/* ---- signals ---- */

/* For the handler, which gets no argument. */
static struct vfu_server *volatile stopped_by_signal;

static void on_signal(int sig)
{
	(void)sig;
	vfu_stop(stopped_by_signal);
}

/*
 * A handler, since the BLAS has threads from before main() that do not block what we block. It is
 * there when there is something to save; before, a signal just ends the process.
 */
static void catch_signals(struct vfu_server *srv)
{
	const struct sigaction stop = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	stopped_by_signal = srv;
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
}

/* ---- start ---- */

/* Tells systemd that sockets can be connected to (sd_notify(3)). */
static void notify_ready(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	static const char text[] = "READY=1";
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof(addr.sun_path))
		return;
	memcpy(addr.sun_path, path, len);
	if (*path == '@') /* an abstract name */
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, sizeof(text) - 1, MSG_NOSIGNAL, (struct sockaddr *)&addr,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		complain("the service manager cannot be told that the server is ready");
	close(fd);
}

static int open_sockets(struct emud *d)
{
	char err[512];
	int listening = 0;
	socklen_t len = sizeof(listening);

	d->listen_fd = d->options.fd;
	if (d->options.socket) {
		d->listen_fd = vfu_listen_unix(d->options.socket, err, sizeof(err));
		if (d->listen_fd < 0) {
			complain(err);
			return EMUD_FAILED;
		}
	} else if (getsockopt(d->listen_fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) ||
		   !listening) {
		complain("--fd does not name a listening socket");
		return EMUD_FAILED;
	} else if (fcntl(d->listen_fd, F_SETFL, O_NONBLOCK)) {
		complain("--fd cannot be made non-blocking");
		return EMUD_FAILED;
	}
	if (!d->options.control)
		return EMUD_OK;
	d->control_fd = vfu_listen_unix(d->options.control, err, sizeof(err));
	if (d->control_fd < 0) {
		complain(err);
		return EMUD_FAILED;
	}
	return EMUD_OK;
}

static void close_sockets(const struct emud *d)
{
	if (d->listen_fd >= 0)
		close(d->listen_fd);
	if (d->control_fd >= 0)
		close(d->control_fd);
	if (d->options.socket && d->listen_fd >= 0)
		unlink(d->options.socket);
	if (d->options.control && d->control_fd >= 0)
		unlink(d->options.control);
}

static int power_on(struct emud *d)
{
	const struct emud_options *o = &d->options;
	const struct mrt_uri uri = { .path = o->topology };
	struct vfu_config config = {
		.emu = { .size = sizeof(config.emu),
			 .technology = o->technology,
			 .seed = o->seed,
			 .serial = o->serial,
			 .threads = o->threads,
			 .state_path = o->state },
		.interrupts = o->interrupts,
		.log = log_line,
		.log_arg = d,
	};
	char err[512];
	void *topology;
	int ret;

	ret = emub_load_topology(&uri, &topology, &config.emu.topology_len);
	if (ret) {
		complain(mho_last_error());
		return EMUD_FAILED;
	}
	config.emu.topology = topology;
	ret = vfu_create(&config, &d->srv, err, sizeof(err));
	free(topology);
	if (ret)
		complain(err);
	return ret ? EMUD_FAILED : EMUD_OK;
}

/* ---- end ---- */

static int save(struct emud *d)
{
	int ret = vfu_save(d->srv);

	if (!ret)
		return EMUD_OK;
	fprintf(stderr, "mho-emud: the state is not saved to %s: %s%s\n", d->options.state,
		strerror(-ret), ret == -ENOSPC ? "; what was saved before is still there" : "");
	return EMUD_FAILED;
}

static int serve(struct emud *d)
{
	int ret;

	catch_signals(d->srv);
	ret = d->control_fd >= 0 ? vfu_control_start(d->srv, d->control_fd) : 0;
	if (ret) {
		fprintf(stderr, "mho-emud: no thread for the control socket: %s\n", strerror(-ret));
		return EMUD_FAILED;
	}
	log_line(d, MHO_HW_LOG_INFO, "ready");
	notify_ready();
	ret = vfu_run(d->srv, d->listen_fd);
	if (ret)
		fprintf(stderr, "mho-emud: no client can be accepted: %s\n", strerror(-ret));
	return ret || save(d) ? EMUD_FAILED : EMUD_OK;
}

int main(int argc, char **argv)
{
	struct emud d = { .listen_fd = -1, .control_fd = -1 };
	int ret;

	std_streams_reserve();
	ret = emud_options_parse(&d.options, argc, argv);
	if (ret >= 0)
		return ret;
	d.journal = getenv("JOURNAL_STREAM") != NULL;
	signal(SIGPIPE, SIG_IGN);
	ret = open_sockets(&d);
	if (!ret)
		ret = power_on(&d);
	if (!ret)
		ret = serve(&d);
	/* What comes now changes nothing: it ends already. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	vfu_destroy(d.srv);
	close_sockets(&d);
	return ret;
}
