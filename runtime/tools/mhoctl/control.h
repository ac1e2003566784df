/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The near end of mho-emud's control protocol: a line there, a line of JSON back.
 */
#ifndef MHOCTL_CONTROL_H
#define MHOCTL_CONTROL_H

#include "tools/mhoctl/mhoctl.h"

struct control;

/**
 * control_open() - connect to mho-emud
 * @call: parsed command line, for messages
 * @path: UNIX socket, or a serial line that leads to one; borrowed
 * @seconds: how long an answer may take
 * @out: the connection; control_close() it
 *
 * Return: 0, or an exit code after a message.
 */
int control_open(const struct call *call, const char *path, long seconds, struct control **out);
void control_close(struct control *c);

/**
 * control_send() - send a line
 * @c: connection
 * @line: without its end
 *
 * Return: 0, or an exit code after a message.
 */
int control_send(struct control *c, const char *line);

/**
 * control_answer() - wait for the answer
 * @c: connection
 * @line: the answer, without its end; valid until the next
 *
 * Return: 0, or an exit code after a message.
 */
int control_answer(struct control *c, const char **line);

#endif
