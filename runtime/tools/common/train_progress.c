// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A progress bar on stderr.
 */
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tools/common/train_progress.h"

#define REDRAW_S 0.1
#define BAR_MAX 30

double train_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void train_progress_begin(struct train_progress *p, bool quiet, uint64_t done)
{
	p->live = !quiet && isatty(STDERR_FILENO);
	p->shown = false;
	p->started = train_seconds();
	p->drawn = 0.0;
	p->begun_at = done;
}

double train_progress_rate(const struct train_progress *p, uint64_t done)
{
	double s = train_seconds() - p->started;

	return s > 0.0 ? (double)(done - p->begun_at) / s : 0.0;
}

static int columns(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || !w.ws_col ? 80 : w.ws_col;
}

static void format_left(char *to, size_t size, double s)
{
	unsigned long left = s < 1e6 ? (unsigned long)(s + 0.5) : 1000000UL;

	if (left >= 3600)
		snprintf(to, size, "%lu:%02lu:%02lu left", left / 3600, left / 60 % 60, left % 60);
	else
		snprintf(to, size, "%lu:%02lu left", left / 60, left % 60);
}

void train_progress_show(struct train_progress *p, const char *label, const char *text,
			 uint64_t done, uint64_t total)
{
	double now = train_seconds(), rate = train_progress_rate(p, done);
	char line[256], left[32] = "", bar[BAR_MAX + 1];
	int width = columns() - 1, filled;

	if (!p->live || now - p->drawn < REDRAW_S)
		return;
	p->drawn = now;
	if (rate > 0.0)
		format_left(left, sizeof(left), (double)(total - done) / rate);
	filled = total ? (int)(done * BAR_MAX / total) : 0;
	for (int i = 0; i < BAR_MAX; i++)
		bar[i] = i < filled ? '#' : '-';
	bar[BAR_MAX] = '\0';
	/* A narrow terminal goes without the bar. */
	if (snprintf(line, sizeof(line), "%s [%s] %s  %s", label, bar, text, left) > width)
		snprintf(line, sizeof(line), "%s %s  %s", label, text, left);
	fprintf(stderr, "\r\033[K%.*s", width, line);
	fflush(stderr);
	p->shown = true;
}

void train_progress_hide(struct train_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
