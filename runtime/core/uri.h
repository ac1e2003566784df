/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * URIs that name devices, taken apart. Which device they name is for the backend.
 */
#ifndef MHO_CORE_URI_H
#define MHO_CORE_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MRT_URI_MAX 4096

/**
 * struct mrt_uri - a URI, taken apart
 * @scheme: before the colon
 * @path: between the colon and '?'
 * @seed: of all randomness
 * @threads: of the emulator, 0 for one a CPU
 * @tech: technology for every tile, or NULL
 * @state: file of the non-volatile state, or NULL
 * @firmware: file of the firmware image, or NULL
 * @fault: faults that are ordered at power-on, or NULL
 * @parameters: there are any
 * @text: what the strings point into
 */
struct mrt_uri {
	const char *scheme;
	const char *path;
	uint64_t seed;
	uint32_t threads;
	const char *tech;
	const char *state;
	const char *firmware;
	const char *fault;
	bool parameters;
	char text[MRT_URI_MAX];
};

/**
 * mrt_uri_parse() - take a URI apart
 * @text: the URI
 * @uri: filled; not to be moved, its strings point into it
 *
 * Return: 0, or -EINVAL with the last error set.
 */
int mrt_uri_parse(const char *text, struct mrt_uri *uri);

#endif
