/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A progress bar on stderr: live on a terminal, absent elsewhere. It does not know what it is
 * that makes progress.
 */
#ifndef MHO_TOOLS_TRAIN_PROGRESS_H
#define MHO_TOOLS_TRAIN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct train_progress {
	bool live;
	bool shown;
	double started;
	double drawn; /* when */
	uint64_t begun_at; /* of the work, how much was done before */
};

double train_seconds(void);

/* @done of the work was done before this process began. */
void train_progress_begin(struct train_progress *p, bool quiet, uint64_t done);

/* Redraws, at most ten times a second: "label [####----] text  1:23 left". */
void train_progress_show(struct train_progress *p, const char *label, const char *text,
			 uint64_t done, uint64_t total);

/* Work per second since the beginning. */
double train_progress_rate(const struct train_progress *p, uint64_t done);

/* Removes the bar, so that a line can be printed. */
void train_progress_hide(struct train_progress *p);

#endif
