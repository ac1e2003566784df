// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The device's log: a ring of the latest lines, which the admin command LOG
 * reads and of which the transport gets a copy as they are written.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "emulator/emu.h"

/* The transport is told it with the level @told. */
static void add(struct mho_emu *emu, enum mho_hw_log_level level, enum mho_hw_log_level told,
		enum mho_hw_status status, const char *fmt, va_list ap)
{
	struct mho_log *log = &emu->log;
	struct mho_hw_log_entry *e;
	char text[sizeof(e->text)];

	vsnprintf(text, sizeof(text), fmt, ap);
	pthread_mutex_lock(&log->lock);
	e = &log->entries[log->next % MHO_LOG_ENTRIES];
	memset(e, 0, sizeof(*e));
	e->time_ns = mho_cpu_to_le64(mho_time_ns(emu));
	e->number = mho_cpu_to_le32(log->next++);
	e->level = mho_cpu_to_le16(level);
	e->status = mho_cpu_to_le16(status);
	memcpy(e->text, text, strlen(text));
	pthread_mutex_unlock(&log->lock);
	if (emu->dma.ops->log)
		emu->dma.ops->log(emu->dma.opaque, told, text);
	if (level <= MHO_HW_LOG_WARNING)
		mho_regs_cause(emu, MHO_HW_IRQ_LOG);
}

void mho_log(struct mho_emu *emu, enum mho_hw_log_level level, enum mho_hw_status status,
	     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(emu, level, level, status, fmt, ap);
	va_end(ap);
}

void mho_log_ordered(struct mho_emu *emu, enum mho_hw_log_level level, enum mho_hw_status status,
		     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(emu, level, MHO_HW_LOG_INFO, status, fmt, ap);
	va_end(ap);
}

unsigned int mho_log_copy(struct mho_emu *emu, uint32_t from, struct mho_hw_log_entry *entries,
			  unsigned int room, uint32_t *next)
{
	struct mho_log *log = &emu->log;
	uint32_t oldest;
	unsigned int n = 0;

	pthread_mutex_lock(&log->lock);
	oldest = log->next > MHO_LOG_ENTRIES ? log->next - MHO_LOG_ENTRIES : 1;
	if (from < oldest)
		from = oldest;
	while (n < room && from < log->next)
		entries[n++] = log->entries[from++ % MHO_LOG_ENTRIES];
	*next = from < log->next ? from : log->next;
	pthread_mutex_unlock(&log->lock);
	return n;
}

void mho_log_init(struct mho_log *log)
{
	pthread_mutex_init(&log->lock, NULL);
	log->next = 1;
}

void mho_log_clear(struct mho_emu *emu)
{
	pthread_mutex_lock(&emu->log.lock);
	emu->log.next = 1;
	pthread_mutex_unlock(&emu->log.lock);
}
