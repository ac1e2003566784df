// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Tracepoints: what a job leaves on its way, and what a time-out and a reset do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define TRACING "/sys/kernel/tracing/"
#define SIDE 16
#define TEXT_SIZE (1 << 20)

FIXTURE(trace)
{
	struct mt_session s;
	char *text;
};

static int tracing(const char *on)
{
	return mt_write_file(TRACING "events/mho/enable", on);
}

/* The buffer is emptied by opening it so. */
static int forget(void)
{
	int fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

FIXTURE_SETUP(trace)
{
	self->text = malloc(TEXT_SIZE);
	ASSERT_NE(NULL, self->text);
	ASSERT_EQ(0, mt_timeout(MT_TIMEOUT_MS));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, forget());
	ASSERT_EQ(0, tracing("1"));
}

FIXTURE_TEARDOWN(trace)
{
	tracing("0");
	mt_session_close(&self->s);
	mt_timeout(0);
	free(self->text);
}

/* Ends tracing; the text is what was traced. */
static int collect(char *text)
{
	int ret = tracing("0");
	ssize_t got = mt_read_text(TRACING "trace", text, TEXT_SIZE);

	return ret ? ret : got < 0 ? (int)got : 0;
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* The event's fields; an empty string if there is none from @from on. */
static const char *event(const char *from, const char *name)
{
	char mark[64];

	snprintf(mark, sizeof(mark), ": %s: ", name);
	from = strstr(from, mark);
	return from ? from + 2 : "";
}

/* A number of an event, not of those that follow it. */
static int64_t field(const char *at, const char *key)
{
	char line[512];

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
	return mt_text_number(line, key);
}

TEST_F(trace, job_from_submit_to_done)
{
	const struct drm_mho_result *result = mt_results(&self->s);
	const char *submit, *push, *irq, *complete, *done;
	struct drm_mho_job job;
	uint32_t array;

	ASSERT_EQ(0, mt_array_create(self->s.fd, SIDE, SIDE, &array));
	job = mt_job_vectors(&self->s, array, DRM_MHO_OP_MVM, 1);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	ASSERT_EQ(0, collect(self->text));
	submit = event(self->text, "mho_submit");
	push = event(submit, "mho_push");
	irq = event(push, "mho_irq_begin");
	complete = event(irq, "mho_complete");
	done = event(complete, "mho_done");
	ASSERT_NE(0, *done)
	{
		TH_LOG("not all events, or not in order:\n%s", self->text);
	}
	EXPECT_NE(0, *event(done, "mho_irq_end"));
	EXPECT_EQ(self->s.ctx, field(submit, "ctx="));
	EXPECT_EQ(1, field(submit, "count="));
	EXPECT_EQ(field(submit, "seqno="), field(push, "seqno="));
	EXPECT_EQ(field(submit, "seqno="), field(complete, "seqno="));
	EXPECT_EQ(field(submit, "seqno="), field(done, "seqno="));
	EXPECT_EQ(field(submit, "queue="), field(done, "queue="));
	EXPECT_EQ(0, field(push, "stopped="));
	EXPECT_EQ(DRM_MHO_OP_MVM, field(complete, "op="));
	EXPECT_EQ(0, field(complete, "status="));
	EXPECT_EQ(result->device_ns, field(complete, "device_ns="));
	EXPECT_EQ(result->energy_fj, field(complete, "energy_fj="));
	EXPECT_EQ(0, field(done, "error="));
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, array));
}

TEST_F(trace, one_submit_of_many)
{
	struct drm_mho_job jobs[3] = { mt_job_nop(), mt_job_nop(), mt_job_nop() };
	unsigned int seen = 0;
	const char *at;

	ASSERT_EQ(0, mt_run(&self->s, jobs, 3));
	ASSERT_EQ(0, collect(self->text));
	EXPECT_EQ(1, count(self->text, ": mho_submit: "));
	EXPECT_EQ(1, count(self->text, ": mho_push: "));
	EXPECT_EQ(3, count(self->text, ": mho_complete: "));
	EXPECT_EQ(1, count(self->text, ": mho_done: "));
	EXPECT_EQ(3, field(event(self->text, "mho_push"), "count="));
	for (at = event(self->text, "mho_complete"); *at; at = event(at, "mho_complete"))
		seen |= 1U << field(at, "index=");
	EXPECT_EQ(7, seen);
}

TEST_F(trace, refused_job)
{
	struct drm_mho_job job;
	uint32_t array;

	ASSERT_EQ(0, mt_array_create(self->s.fd, SIDE, SIDE, &array));
	job = mt_job_vectors(&self->s, array, DRM_MHO_OP_MVM, 0);
	ASSERT_EQ(MHO_HW_ST_BAD_BATCH, mt_run_one(&self->s, &job));
	ASSERT_EQ(0, collect(self->text));
	EXPECT_EQ(MHO_HW_ST_BAD_BATCH, field(event(self->text, "mho_complete"), "status="));
	EXPECT_EQ(-EINVAL, field(event(self->text, "mho_done"), "error="));
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, array));
}

TEST_F(trace, admin_command)
{
	const char *begin, *end;
	struct mt_buffer buffer;

	ASSERT_EQ(0, mt_buffer_create(self->s.fd, 4096, &buffer));
	ASSERT_EQ(0, collect(self->text));
	begin = event(self->text, "mho_admin_begin");
	end = event(begin, "mho_admin_end");
	EXPECT_EQ(MHO_HW_ADM_MEMORY_REGISTER, field(begin, "op="));
	EXPECT_LT(0, field(begin, "context="));
	EXPECT_EQ(field(begin, "cid="), field(end, "cid="));
	EXPECT_EQ(0, field(end, "error="));
	EXPECT_EQ(0, field(end, "status="));
	mt_buffer_destroy(self->s.fd, &buffer);
}

TEST_F(trace, hung_job)
{
	struct drm_mho_job job = mt_job_nop();
	const char *timeout, *reset, *done;

	ASSERT_EQ(0, mt_order("fault hang"));
	ASSERT_EQ(-ETIME, mt_run_one(&self->s, &job));
	ASSERT_EQ(0, collect(self->text));
	timeout = strstr(self->text, "verdict=hung");
	ASSERT_NE(NULL, timeout);
	done = event(timeout, "mho_done");
	reset = event(timeout, "mho_queue_reset");
	EXPECT_EQ(0, field(reset, "error="));
	EXPECT_EQ(-ETIME, field(done, "error="));
	EXPECT_EQ(field(event(self->text, "mho_submit"), "seqno="), field(done, "seqno="));
}

TEST_F(trace, device_reset)
{
	struct drm_mho_reset args = { .scope = DRM_MHO_RESET_DEVICE };
	const char *begin;

	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_RESET, &args));
	ASSERT_EQ(0, collect(self->text));
	begin = event(self->text, "mho_reset_begin");
	EXPECT_NE(0, *begin);
	EXPECT_EQ(0, field(event(begin, "mho_reset_end"), "error="));
	EXPECT_EQ(0, count(self->text, ": mho_wedged: "));
}

TEST_F(trace, nothing_when_off)
{
	struct drm_mho_job job = mt_job_nop();

	ASSERT_EQ(0, tracing("0"));
	ASSERT_EQ(0, forget());
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	ASSERT_EQ(0, collect(self->text));
	EXPECT_EQ(0, count(self->text, ": mho_"));
}

MHO_TEST_MAIN
