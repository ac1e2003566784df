/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The emulated device as a PCI function behind a vfio-user socket. One object is
 * one card: it stays powered while clients come and go.
 */
#ifndef MHO_EMU_VFIO_USER_H
#define MHO_EMU_VFIO_USER_H

#include <stddef.h>
#include <stdint.h>

#include "emulator/mho_emu.h"

struct vfu_server;

/* Interrupts that the card offers; both may be set. */
#define VFU_MSIX 0x1U
#define VFU_MSI 0x2U

/**
 * struct vfu_config - how to make a server
 * @emu: the device; @emu.ops and @emu.opaque are the server's own and ignored
 * @interrupts: VFU_MSIX, VFU_MSI or both
 * @log: gets a line at a time, without newline; @level is enum mho_hw_log_level. Called from any
 *       thread, and must not call back. May be NULL.
 * @log_arg: passed to @log
 */
struct vfu_config {
	struct mho_emu_config emu;
	unsigned int interrupts;
	void (*log)(void *arg, int level, const char *text);
	void *log_arg;
};

/**
 * vfu_create() - power a card on
 * @config: configuration
 * @out: the server; free with vfu_destroy()
 * @err: buffer for a sentence that says what is wrong; may be NULL
 * @err_len: its size
 *
 * Return: 0, -ENOMEM, -EINVAL (no interrupts), what eventfd gave, or as mho_emu_create().
 */
int vfu_create(const struct vfu_config *config, struct vfu_server **out, char *err, size_t err_len);

/**
 * vfu_destroy() - cut the power
 * @srv: server that does not run, or NULL
 *
 * Saves the state, if there is a state file; vfu_save() before says whether that works.
 */
void vfu_destroy(struct vfu_server *srv);

/**
 * vfu_save() - save the non-volatile state
 * @srv: server
 *
 * Return: as mho_emu_save(). Threads: any.
 */
int vfu_save(struct vfu_server *srv);

/**
 * vfu_listen_unix() - a listening UNIX socket
 * @path: its name
 * @err: buffer for a sentence that says what is wrong; may be NULL
 * @err_len: its size
 *
 * A socket file that nobody listens on any more is replaced.
 *
 * Return: descriptor, or -errno: -EADDRINUSE (another server listens there, or the file is no
 * socket), -ENAMETOOLONG, or what socket, bind or listen gave.
 */
int vfu_listen_unix(const char *path, char *err, size_t err_len);

/**
 * vfu_run() - serve clients, one after the other, until vfu_stop()
 * @srv: server
 * @listen_fd: listening socket; borrowed
 *
 * While one client is served, others are told EBUSY. When a client goes, its memory and
 * interrupts are forgotten and the device is reset as by FLR.
 *
 * Return: 0 after vfu_stop(), or -errno.
 */
int vfu_run(struct vfu_server *srv, int listen_fd);

/**
 * vfu_serve() - serve one client until it goes
 * @srv: server
 * @fd: connected stream socket; closed when it returns
 *
 * Return: 0 when the client has gone, 1 after vfu_stop(), or -errno.
 */
int vfu_serve(struct vfu_server *srv, int fd);

/**
 * vfu_stop() - end vfu_run() and vfu_serve(), now and later
 * @srv: server
 *
 * Threads: any; async-signal-safe.
 */
void vfu_stop(struct vfu_server *srv);

/**
 * vfu_control_start() - answer to a control socket, in a thread of its own
 * @srv: server; once at most, until vfu_destroy()
 * @listen_fd: listening socket; borrowed until vfu_destroy()
 *
 * The protocol is in docs/mho-emud.md.
 *
 * Return: 0 or -errno.
 */
int vfu_control_start(struct vfu_server *srv, int listen_fd);

/**
 * vfu_counter() - one of the counters
 * @srv: server
 * @name: as the control socket shows it
 *
 * Return: its value; 0 if there is none of that name. Threads: any.
 */
uint64_t vfu_counter(const struct vfu_server *srv, const char *name);

#endif
