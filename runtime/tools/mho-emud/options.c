// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The command line of mho-emud: options, their limits, the help text.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/vfio_user.h"
#include "mho/mho.h"
#include "mho_hw.h"
#include "tools/mho-emud/options.h"

#define THREADS_MAX 1024

static const char help[] =
	"usage: mho-emud --socket PATH [options]\n"
	"\n"
	"Emulates an mho card as a PCI device. QEMU 10.1 or later attaches to it with\n"
	"-device vfio-user-pci,socket.type=unix,socket.path=PATH and shared memory.\n"
	"\n"
	"  -s, --socket PATH       UNIX socket for QEMU (also --socket-path)\n"
	"      --fd N              listening socket that is open already, instead of --socket\n"
	"  -c, --control PATH      UNIX socket for counters and faults\n"
	"  -t, --topology NAME     built-in topology (default), or a file .dtb or .dts\n"
	"      --tech NAME         technology of all tiles, instead of the topology's\n"
	"      --seed N            of everything that is random (0)\n"
	"      --serial N          serial number (1)\n"
	"      --state FILE        weights and named arrays; read at the start, saved at the end\n"
	"      --threads N         worker threads, 0 for one a CPU (0)\n"
	"      --msix, --msi       offer these interrupts; both if neither is given\n"
	"      --log-level LEVEL   error, warning, info or debug (info)\n"
	"  -h, --help              print this\n"
	"  -V, --version           print the version\n";

enum {
	OPT_FD = 256,
	OPT_TECH,
	OPT_SEED,
	OPT_SERIAL,
	OPT_STATE,
	OPT_THREADS,
	OPT_MSIX,
	OPT_MSI,
	OPT_LOG_LEVEL,
};

static const struct option longs[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "socket-path", required_argument, NULL, 's' },
	{ "fd", required_argument, NULL, OPT_FD },
	{ "control", required_argument, NULL, 'c' },
	{ "topology", required_argument, NULL, 't' },
	{ "tech", required_argument, NULL, OPT_TECH },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "msix", no_argument, NULL, OPT_MSIX },
	{ "msi", no_argument, NULL, OPT_MSI },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int number(const char *name, const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (!errno && !*end && end != text && *text != '-' && *value <= max)
		return -1;
	fprintf(stderr, "mho-emud: --%s takes a whole number from 0 to %llu, not \"%s\"\n", name,
		(unsigned long long)max, text);
	return EMUD_USAGE;
}

static int log_level(struct emud_options *o, const char *text)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = {
		{ "error", MHO_HW_LOG_ERROR },
		{ "warning", MHO_HW_LOG_WARNING },
		{ "info", MHO_HW_LOG_INFO },
		{ "debug", MHO_HW_LOG_DEBUG },
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (!strcmp(text, levels[i].name)) {
			o->log_level = levels[i].level;
			return -1;
		}
	}
	fprintf(stderr, "mho-emud: --log-level takes error, warning, info or debug, not \"%s\"\n",
		text);
	return EMUD_USAGE;
}

/* Return: as emud_options_parse(). */
static int take(struct emud_options *o, int c, const char *arg)
{
	uint64_t n = 0;
	int ret = -1;

	switch (c) {
	case 's':
		o->socket = arg;
		break;
	case 'c':
		o->control = arg;
		break;
	case 't':
		o->topology = arg;
		break;
	case OPT_FD:
		ret = number("fd", arg, INT_MAX, &n);
		o->fd = (int)n;
		break;
	case OPT_TECH:
		o->technology = arg;
		break;
	case OPT_SEED:
		ret = number("seed", arg, UINT64_MAX, &o->seed);
		break;
	case OPT_SERIAL:
		ret = number("serial", arg, UINT64_MAX, &o->serial);
		break;
	case OPT_STATE:
		o->state = arg;
		break;
	case OPT_THREADS:
		ret = number("threads", arg, THREADS_MAX, &n);
		o->threads = (unsigned int)n;
		break;
	case OPT_MSIX:
		o->interrupts |= VFU_MSIX;
		break;
	case OPT_MSI:
		o->interrupts |= VFU_MSI;
		break;
	case OPT_LOG_LEVEL:
		ret = log_level(o, arg);
		break;
	case 'h':
		fputs(help, stdout);
		ret = EMUD_OK;
		break;
	case 'V':
		printf("mho-emud %d.%d.%d\n", MHO_VERSION_MAJOR, MHO_VERSION_MINOR,
		       MHO_VERSION_PATCH);
		ret = EMUD_OK;
		break;
	default:
		fprintf(stderr, "mho-emud: --help lists the options\n");
		ret = EMUD_USAGE;
	}
	return ret;
}

int emud_options_parse(struct emud_options *o, int argc, char **argv)
{
	int c, ret;

	*o = (struct emud_options){
		.fd = -1, .topology = "default", .serial = 1, .log_level = MHO_HW_LOG_INFO
	};
	while ((c = getopt_long(argc, argv, "s:c:t:hV", longs, NULL)) >= 0) {
		ret = take(o, c, optarg);
		if (ret >= 0)
			return ret;
	}
	if (optind < argc) {
		fprintf(stderr, "mho-emud: \"%s\" is too much; --help lists the options\n",
			argv[optind]);
		return EMUD_USAGE;
	}
	if (!o->socket == (o->fd < 0)) {
		fprintf(stderr, "mho-emud: give one of --socket PATH and --fd N\n");
		return EMUD_USAGE;
	}
	if (!o->interrupts)
		o->interrupts = VFU_MSIX | VFU_MSI;
	return -1;
}
