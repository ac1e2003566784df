// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * See trace_point.h. A line is "COMM-TID [CPU] FLAGS SECONDS.MICROSECONDS: EVENT: KEY=VALUE ...";
 * the name may hold anything.
 */
#include "trace/trace_point.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drm/mho_accel.h>

static const struct {
	const char *name;
	enum mrt_trace_kind kind;
} events[] = {
	{ "mho_submit", MRT_POINT_SUBMIT },	      { "mho_push", MRT_POINT_PUSH },
	{ "mho_complete", MRT_POINT_COMPLETE },	      { "mho_done", MRT_POINT_DONE },
	{ "mho_irq_begin", MRT_POINT_IRQ },	      { "mho_timeout", MRT_POINT_TIMEOUT },
	{ "mho_queue_reset", MRT_POINT_QUEUE_RESET }, { "mho_reset_begin", MRT_POINT_RESET },
	{ "mho_wedged", MRT_POINT_WEDGED },
};

const char *mrt_trace_op_name(uint32_t op)
{
	switch (op) {
	case DRM_MHO_OP_NOP:
		return "NOP";
	case DRM_MHO_OP_BARRIER:
		return "BARRIER";
	case DRM_MHO_OP_MVM:
		return "MVM";
	case DRM_MHO_OP_MVM_T:
		return "MVM_T";
	case DRM_MHO_OP_UPDATE:
		return "UPDATE";
	case DRM_MHO_OP_PROGRAM:
		return "PROGRAM";
	case DRM_MHO_OP_READ:
		return "READ";
	case DRM_MHO_OP_PULSE:
		return "PULSE";
	case DRM_MHO_OP_TRANSFER:
		return "TRANSFER";
	case DRM_MHO_OP_SCRUB:
		return "SCRUB";
	default:
		return "?";
	}
}

/* A number of the event, 0 if it has none of this name. */
static uint64_t number(const char *fields, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = fields; (at = strstr(at, key)); at += len)
		if (at[-1] == ' ' && at[len] == '=')
			/* Also of a negative one: it wraps, and back when it is assigned. */
			return strtoull(at + len + 1, NULL, 0);
	return 0;
}

/* "COMM-TID" from @line to @end. */
static void parse_task(const char *line, const char *end, struct mrt_trace_point *point)
{
	const char *dash, *comm = line;
	size_t len;

	while (end > line && end[-1] == ' ')
		end--;
	for (dash = end; dash > line && dash[-1] != '-'; dash--)
		;
	if (dash == line)
		return;
	point->tid = atoi(dash);
	while (*comm == ' ')
		comm++;
	len = (size_t)(dash - 1 - comm);
	if (len >= sizeof(point->comm))
		len = sizeof(point->comm) - 1;
	memcpy(point->comm, comm, len);
}

static enum mrt_trace_kind kind_of(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (strlen(events[i].name) == len && !memcmp(events[i].name, name, len))
			return events[i].kind;
	return MRT_POINT_NONE;
}

void mrt_trace_point_parse(const char *line, struct mrt_trace_point *point)
{
	const char *mark = strstr(line, ": mho_"), *name, *fields, *at;
	long long s, us;

	*point = (struct mrt_trace_point){ .kind = MRT_POINT_NONE };
	at = strstr(line, " [LOST ");
	if (at && !strncmp(line, "CPU:", 4)) {
		point->kind = MRT_POINT_LOST;
		point->count = (uint32_t)strtoul(at + strlen(" [LOST "), NULL, 10);
		return;
	}
	if (!mark)
		return;
	name = mark + 2;
	fields = strchr(name, ':');
	for (at = mark; at > line && at[-1] != ' '; at--)
		;
	if (!fields || sscanf(at, "%lld.%6lld", &s, &us) != 2)
		return;
	point->kind = kind_of(name, (size_t)(fields - name));
	point->time_ns = s * 1000000000 + us * 1000;
	while (at > line && *at != '[')
		at--;
	parse_task(line, at, point);
	fields++;
	point->dev = (uint32_t)number(fields, "dev");
	point->queue = (uint32_t)number(fields, "queue");
	point->ctx = (uint32_t)number(fields, "ctx");
	point->count = (uint32_t)number(fields, "count");
	point->index = (uint32_t)number(fields, "index");
	point->op = (uint32_t)number(fields, "op");
	point->status = (int32_t)number(fields, "status");
	point->error = (int32_t)number(fields, "error");
	point->client = number(fields, "client");
	point->seqno = number(fields, "seqno");
	point->device_ns = number(fields, "device_ns");
	point->energy_fj = number(fields, "energy_fj");
}
