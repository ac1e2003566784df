// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The driver's tracepoints as text, made up, and the trace that becomes of them: jobs in
 * their parts, joined by name; what is lost, out of order, or of no use.
 */
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "drm/mho_accel.h"
#include "scratch.h"
#include "trace/trace_driver.h"
#include "trace_json.h"

static struct mrt_trace_point parse(const char *line)
{
	struct mrt_trace_point point;

	mrt_trace_point_parse(line, &point);
	return point;
}

static void test_points(void **state)
{
	struct mrt_trace_point p;

	(void)state;
	p = parse("       my - prog-1234    [001] d..1.    12.345678: mho_submit: dev=1 client=7 "
		  "ctx=2 queue=3 seqno=18446744073709551615 count=4");
	assert_int_equal(p.kind, MRT_POINT_SUBMIT);
	assert_int_equal(p.time_ns, 12345678000);
	assert_int_equal(p.tid, 1234);
	assert_string_equal(p.comm, "my - prog");
	assert_true(p.dev == 1 && p.client == 7 && p.ctx == 2 && p.queue == 3 && p.count == 4);
	assert_true(p.seqno == UINT64_MAX);

	p = parse("          <idle>-0       [000] d.h2.   100.000001: mho_complete: dev=0 queue=1 "
		  "seqno=9 index=2 cid=515 op=0x12 status=-62 device_ns=1500 energy_fj=20");
	assert_int_equal(p.kind, MRT_POINT_COMPLETE);
	assert_int_equal(p.tid, 0);
	assert_true(p.index == 2 && p.op == 0x12 && p.status == -62);
	assert_true(p.device_ns == 1500 && p.energy_fj == 20);

	p = parse("CPU:1 [LOST 12 EVENTS]");
	assert_int_equal(p.kind, MRT_POINT_LOST);
	assert_int_equal(p.count, 12);
	assert_int_equal(parse("# tracer: nop").kind, MRT_POINT_NONE);
	assert_int_equal(parse("").kind, MRT_POINT_NONE);
	assert_int_equal(parse("x-1 [000] ..... 1.000000: mho_unknown: dev=0").kind,
			 MRT_POINT_NONE);
	assert_int_equal(parse("x-1 [000] ..... nonsense: mho_push: dev=0").kind, MRT_POINT_NONE);
	assert_int_equal(parse(": mho_push").kind, MRT_POINT_NONE);
	assert_string_equal(mrt_trace_op_name(DRM_MHO_OP_UPDATE), "UPDATE");
	assert_string_equal(mrt_trace_op_name(0xff), "?");
}

struct run {
	char path[PATH_MAX];
	struct mrt_trace_file *file;
	struct mrt_trace_driver *driver;
};

static void begin(struct run *run, bool all)
{
	const struct mrt_trace_source source = { .all = all, .dev = 0, .client = 7 };

	scratch_path(run->path, sizeof(run->path), "driver.json");
	assert_int_equal(mrt_trace_file_open(run->path, &run->file), 0);
	run->driver = mrt_trace_driver_new(run->file, &source);
	assert_non_null(run->driver);
}

static struct json_object *end(struct run *run, struct mrt_trace_sums *sums)
{
	mrt_trace_driver_run(run->driver, INT64_MAX);
	mrt_trace_driver_sums(run->driver, sums);
	mrt_trace_driver_free(run->driver);
	assert_int_equal(mrt_trace_file_close(run->file), 0);
	return trace_read(run->path);
}

/* An event @us after the first second. */
static void happen(struct run *run, unsigned int us, const char *event)
{
	char line[256];

	snprintf(line, sizeof(line), "  prog-%d [000] .....  1.%06u: mho_%s", (int)getpid(), us,
		 event);
	mrt_trace_driver_line(run->driver, line);
}

/* Two jobs of one SUBMIT that end in the other order; lines come as CPUs hand them over. */
static void feed_two(struct run *run)
{
	happen(run, 100, "submit: dev=0 client=7 ctx=1 queue=5 seqno=1 count=2");
	happen(run, 200,
	       "complete: dev=0 queue=5 seqno=1 index=1 cid=1 op=0x10 status=0 device_ns=50000 "
	       "energy_fj=3000000");
	happen(run, 300,
	       "complete: dev=0 queue=5 seqno=1 index=0 cid=0 op=0x12 status=0 device_ns=170000 "
	       "energy_fj=2000000");
	happen(run, 110, "push: dev=0 queue=5 seqno=1 count=2 tail=2 stopped=0");
	happen(run, 310, "done: dev=0 queue=5 seqno=1 error=0");
}

static void test_one_program(void **state)
{
	struct mrt_trace_sums sums;
	struct trace_slice driver, queue, device;
	struct json_object *trace;
	struct run run;

	(void)state;
	begin(&run, false);
	feed_two(&run);
	/* Somebody else's. */
	happen(&run, 400, "submit: dev=0 client=8 ctx=1 queue=6 seqno=1 count=1");
	happen(&run, 410, "push: dev=0 queue=6 seqno=1 count=1 tail=1 stopped=0");
	trace = end(&run, &sums);
	driver = trace_slice(trace, "driver", "0.7.1.1");
	queue = trace_slice(trace, "queue", "0.7.1.1");
	device = trace_slice(trace, "device", "0.7.1.1");
	assert_string_equal(driver.name, "MVM");
	assert_true(driver.begin == 1000100 && driver.end == 1000200);
	assert_true(queue.begin == 1000100 && queue.end == 1000110);
	assert_true(device.begin == 1000150 && device.end == 1000200);
	assert_string_equal(trace_slice(trace, "device", "0.7.1.0").name, "UPDATE");
	assert_int_equal(trace_count(trace, "X", "application"), 0);
	assert_int_equal(trace_count(trace, "t", "flow"), 4);
	trace_check_nesting(trace);
	assert_true(sums.jobs == 2 && sums.failed == 0 && sums.lost == 0);
	assert_true(sums.queue == 20000 && sums.device == 220000 && sums.energy_fj == 5000000);
	/* Job 0: 20 us from the ring to the device; job 1: 40 us. */
	assert_true(sums.driver == 60000 && sums.total == 420000);
	json_object_put(trace);
}

static void test_all_programs(void **state)
{
	struct mrt_trace_sums sums;
	struct trace_slice application;
	struct json_object *trace;
	struct run run;

	(void)state;
	begin(&run, true);
	feed_two(&run);
	trace = end(&run, &sums);
	application = trace_slice(trace, "application", "0.7.1.0");
	assert_true(application.begin == 1000100 && application.end == 1000310);
	assert_int_equal(application.pid, getpid());
	assert_string_equal(trace_slice(trace, "application", "0.7.1.1").name, "MVM");
	assert_int_equal(trace_count(trace, "s", "flow"), 2);
	assert_int_equal(trace_count(trace, "f", "flow"), 2);
	trace_check_nesting(trace);
	json_object_put(trace);
}

/* A device that claims more time than there was; a job that was cut off; a time-out. */
static void test_odd_jobs(void **state)
{
	struct mrt_trace_sums sums;
	struct trace_slice device;
	struct json_object *trace;
	struct run run;

	(void)state;
	begin(&run, true);
	happen(&run, 100, "submit: dev=0 client=7 ctx=1 queue=5 seqno=1 count=1");
	happen(&run, 110, "push: dev=0 queue=5 seqno=1 count=1 tail=1 stopped=0");
	happen(&run, 150,
	       "complete: dev=0 queue=5 seqno=1 index=0 cid=0 op=0x20 status=0 device_ns=9000000 "
	       "energy_fj=0");
	happen(&run, 151, "done: dev=0 queue=5 seqno=1 error=0");
	happen(&run, 200, "submit: dev=0 client=7 ctx=1 queue=5 seqno=2 count=1");
	happen(&run, 250, "timeout: dev=0 queue=5 seqno=2 verdict=hung");
	happen(&run, 260,
	       "complete: dev=0 queue=5 seqno=2 index=0 cid=0 op=0x0 status=-62 device_ns=0 "
	       "energy_fj=0");
	happen(&run, 261, "done: dev=0 queue=5 seqno=2 error=-62");
	/* Of no SUBMIT that was seen; an index that cannot be. */
	happen(&run, 300,
	       "complete: dev=0 queue=5 seqno=9 index=0 cid=0 op=0x0 status=0 device_ns=0 "
	       "energy_fj=0");
	happen(&run, 310, "submit: dev=0 client=7 ctx=1 queue=5 seqno=3 count=1");
	happen(&run, 320,
	       "complete: dev=0 queue=5 seqno=3 index=7 cid=0 op=0x0 status=0 device_ns=0 "
	       "energy_fj=0");
	trace = end(&run, &sums);
	device = trace_slice(trace, "device", "0.7.1.0");
	assert_true(device.begin == 1000110 && device.end == 1000150);
	assert_true(trace_slice(trace, "driver", "0.7.1.1").end == 1000260);
	assert_int_equal(trace_count(trace, "i", "a job took too long"), 1);
	assert_int_equal(sums.jobs, 2);
	assert_int_equal(sums.failed, 1);
	trace_check_nesting(trace);
	json_object_put(trace);
}

/* Where events were lost, nobody knows which of a program's jobs is which: no arrows. */
static void test_lost(void **state)
{
	struct mrt_trace_sums sums;
	struct json_object *trace;
	struct run run;

	(void)state;
	begin(&run, false);
	happen(&run, 100, "submit: dev=0 client=7 ctx=1 queue=5 seqno=1 count=1");
	mrt_trace_driver_run(run.driver, INT64_MAX);
	mrt_trace_driver_line(run.driver, "CPU:0 [LOST 5 EVENTS]");
	happen(&run, 200, "submit: dev=0 client=7 ctx=1 queue=5 seqno=4 count=1");
	happen(&run, 210, "push: dev=0 queue=5 seqno=4 count=1 tail=1 stopped=0");
	happen(&run, 220,
	       "complete: dev=0 queue=5 seqno=4 index=0 cid=0 op=0x0 status=0 device_ns=100 "
	       "energy_fj=0");
	trace = end(&run, &sums);
	assert_int_equal(sums.lost, 5);
	assert_int_equal(trace_count(trace, "X", "device"), 1);
	assert_int_equal(trace_count(trace, "t", "flow"), 0);
	json_object_put(trace);
}

/* Names of programs are any bytes. */
static void test_names(void **state)
{
	char quoted[MRT_TRACE_QUOTED], *longest;
	struct json_object *value;

	(void)state;
	mrt_trace_quote(quoted, "a\"b\\c\n\x01\xff");
	value = json_tokener_parse(quoted);
	assert_non_null(value);
	json_object_put(value);
	longest = malloc(10000);
	assert_non_null(longest);
	memset(longest, '"', 9999);
	longest[9999] = '\0';
	mrt_trace_quote(quoted, longest);
	value = json_tokener_parse(quoted);
	assert_non_null(value);
	json_object_put(value);
	free(longest);
}

/* More slices at once than there are lanes; each lane is used again when it is free. */
static void test_lanes(void **state)
{
	struct mrt_trace_lanes lanes;
	struct mrt_trace_track track;
	struct run run;
	struct mrt_trace_sums sums;

	(void)state;
	begin(&run, true);
	mrt_trace_lanes_init(&lanes, 1, 10, "test");
	for (int i = 0; i < MRT_TRACE_LANES + 10; i++)
		track = mrt_trace_lane(&lanes, run.file, 0, 100 + i);
	assert_int_equal(track.tid, 10 + MRT_TRACE_LANES - 1);
	assert_int_equal(mrt_trace_lane(&lanes, run.file, 100, 1000).tid, 10);
	assert_int_equal(mrt_trace_lane(&lanes, run.file, 100, 1000).tid, 11 + MRT_TRACE_LANES - 2);
	json_object_put(end(&run, &sums));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points),	     cmocka_unit_test(test_one_program),
		cmocka_unit_test(test_all_programs), cmocka_unit_test(test_odd_jobs),
		cmocka_unit_test(test_lost),	     cmocka_unit_test(test_names),
		cmocka_unit_test(test_lanes),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
