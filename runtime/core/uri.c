// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Parser of device URIs: scheme:path?name=value&name=value. Knows every
 * parameter, and refuses what it does not know.
 */
#include "core/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* More threads than any machine has CPUs are a slip of the keyboard. */
#define THREADS_MAX 1024

static int parse_number(const char *name, const char *value, uint64_t min, uint64_t max,
			uint64_t *out)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 0);
	/* strtoull() takes "-1" and " 1"; neither is a number here. */
	if (*value < '0' || *value > '9' || *end || errno == ERANGE || n < min || n > max)
		return mrt_fail(
			-EINVAL,
			"parameter \"%s\" of the URI has the value \"%s\"; allowed are whole "
			"numbers from %llu to %llu",
			name, value, (unsigned long long)min, (unsigned long long)max);
	*out = n;
	return 0;
}

static int parse_text(const char *name, const char *value, const char **out)
{
	if (!*value)
		return mrt_fail(-EINVAL,
				"parameter \"%s\" of the URI is empty; write %s=NAME, or "
				"leave it out",
				name, name);
	*out = value;
	return 0;
}

static int parse_value(struct mrt_uri *uri, const char *name, const char *value)
{
	uint64_t n;
	int err;

	if (!strcmp(name, "seed"))
		return parse_number(name, value, 0, UINT64_MAX, &uri->seed);
	if (!strcmp(name, "threads")) {
		err = parse_number(name, value, 1, THREADS_MAX, &n);
		if (!err)
			uri->threads = n;
		return err;
	}
	if (!strcmp(name, "tech"))
		return parse_text(name, value, &uri->tech);
	if (!strcmp(name, "state"))
		return parse_text(name, value, &uri->state);
	if (!strcmp(name, "firmware"))
		return parse_text(name, value, &uri->firmware);
	if (!strcmp(name, "fault"))
		return parse_text(name, value, &uri->fault);
	return mrt_fail(-EINVAL,
			"the URI has no parameter \"%s\"; allowed are seed, threads, tech, state, "
			"firmware and fault",
			name);
}

static int parse_parameters(struct mrt_uri *uri, char *text)
{
	static const char *const names[] = {
		"seed", "threads", "tech", "state", "firmware", "fault"
	};
	unsigned int seen = 0;
	char *next, *value;
	int err;

	for (; text; text = next) {
		next = strchr(text, '&');
		if (next)
			*next++ = '\0';
		value = strchr(text, '=');
		if (!value)
			return mrt_fail(-EINVAL,
					"\"%s\" in the URI is no parameter; write name=value, with "
					"'&' between two of them",
					text);
		*value++ = '\0';
		err = parse_value(uri, text, value);
		if (err)
			return err;
		for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++) {
			if (strcmp(names[i], text))
				continue;
			if (seen & 1U << i)
				return mrt_fail(-EINVAL,
						"parameter \"%s\" is in the URI twice; keep one",
						text);
			seen |= 1U << i;
		}
	}
	return 0;
}

int mrt_uri_parse(const char *text, struct mrt_uri *uri)
{
	size_t len = text ? strlen(text) : 0;
	char *path, *parameters;

	if (!len)
		return mrt_fail(-EINVAL, "the URI is empty; \"emu:\" names an emulated card");
	if (len >= sizeof(uri->text))
		return mrt_fail(-EINVAL, "the URI has %zu bytes; at most %d are allowed", len,
				MRT_URI_MAX - 1);
	memcpy(uri->text, text, len + 1);
	path = strchr(uri->text, ':');
	if (!path)
		return mrt_fail(
			-EINVAL,
			"\"%s\" is no URI of a device: it has no scheme; write \"emu:\" for "
			"the default emulated card, or \"emu:%s\"",
			text, text);
	*path++ = '\0';
	parameters = strchr(path, '?');
	if (parameters)
		*parameters++ = '\0';
	uri->scheme = uri->text;
	uri->path = path;
	uri->seed = 1;
	uri->threads = 0;
	uri->tech = NULL;
	uri->state = NULL;
	uri->firmware = NULL;
	uri->fault = NULL;
	/* "emu:?" is as good as "emu:". */
	uri->parameters = parameters && *parameters;
	return uri->parameters ? parse_parameters(uri, parameters) : 0;
}
