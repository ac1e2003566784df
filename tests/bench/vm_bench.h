/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the parts of vm_bench share: the card under test, tracepoints, and how to end.
 */
#ifndef VM_BENCH_H
#define VM_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drm/mho_accel.h>

#define NS_PER_US 1000.0
#define NS_PER_S 1000000000LL

#define RUNS 5 /* each figure is the median of so many */
#define DIM_LARGE 256
#define BATCH_LARGE 32

struct buffer {
	uint32_t handle;
	uint64_t size;
	void *map;
};

/* An open file with what jobs need. */
struct card {
	int fd;
	uint32_t ctx;
	uint32_t done; /* binary syncobj */
	uint32_t array;
	uint32_t dim; /* of the array, which is square */
	struct buffer data;
	struct buffer results;
};

/**
 * struct span - where the time of one job went, ns
 * @driver: from the program's call to the command in the ring
 * @device: from there to the interrupt
 * @wake: from there to the program
 * @total: all of it
 */
struct span {
	double driver;
	double device;
	double wake;
	double total;
};

/* vm_bench.c */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
int64_t now_ns(void);
void stay_on(unsigned int processor);
double median(double *values, unsigned int count);

/* vm_card.c */
void card_open(struct card *card, uint32_t priority);
void card_add_array(struct card *card, uint32_t dim);
void card_close(struct card *card);
int card_call(const struct card *card, unsigned long request, void *args);
struct drm_mho_job card_mvm(const struct card *card, uint32_t batch);
uint32_t card_add_sync(const struct card *card);
/* @sync: syncobj to signal, or 0. */
void card_submit(const struct card *card, const struct drm_mho_job *jobs, unsigned int count,
		 uint32_t sync);
void card_wait(const struct card *card, uint32_t sync);
int32_t card_status(const struct card *card);

/* vm_trace.c */
void trace_start(void);
void trace_stop(void);
unsigned int trace_spans(const int64_t *begin, const int64_t *end, unsigned int count,
			 struct span *spans);

#endif
