/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Trace files: JSON in the trace-event format that Perfetto and Chrome read, an event a
 * line, appended while things happen. A file on a disk is whole at any moment, also if
 * the program is killed or the disk fills up. What the events mean: trace_event.h.
 *
 * Nothing in this directory uses the rest of the library: mhoctl is linked with it, too.
 */
#ifndef MHO_TRACE_FILE_H
#define MHO_TRACE_FILE_H

struct mrt_trace_file;

/**
 * mrt_trace_file_open() - begin a trace
 * @path: file, replaced if it is there; "-" for standard output
 * @out: the file
 *
 * Return: 0 or -errno. -EBUSY: another trace is being written to it.
 */
int mrt_trace_file_open(const char *path, struct mrt_trace_file **out);

/* mrt_trace_file_put() - append an event: a JSON object. After an error it does nothing. */
void mrt_trace_file_put(struct mrt_trace_file *file, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * mrt_trace_file_flush() - write what was put
 * @file: file
 *
 * Return: 0, or the first error that there was: what had been written before it stays, the rest is
 * lost. -EFBIG: the file is as large as viewers can take.
 */
int mrt_trace_file_flush(struct mrt_trace_file *file);

/* mrt_trace_file_close() - write the rest and end the file, or NULL; as mrt_trace_file_flush(). */
int mrt_trace_file_close(struct mrt_trace_file *file);

#endif
