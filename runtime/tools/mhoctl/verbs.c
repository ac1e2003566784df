// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The table of verbs and their options. Parsing, help, "mhoctl utils
 * dump-metadata" and, through it, the check of the completion script follow it.
 */
#include "tools/mhoctl/mhoctl.h"

static const struct option_spec no_options[] = { { 0 } };

static const struct option_spec list_options[] = {
	{ "scheme", 's', "SCHEME", "emu accel", "only emulated devices, or only cards" },
	{ 0 },
};

static const struct option_spec topo_options[] = {
	{ "tiles", 0, NULL, NULL, "one line per tile: shape, technology, state, wear" },
	{ "tech", 0, NULL, NULL, "one line per technology of the cells" },
	{ "dts", 0, NULL, NULL, "device-tree source of the card (needs dtc)" },
	{ "dot", 0, NULL, NULL, "graph for Graphviz" },
	{ 0 },
};

static const struct option_spec selftest_options[] = {
	{ "quick", 'q', NULL, NULL, "read-only tests (the default)" },
	{ "full", 'f', NULL, NULL, "also write to free tiles, which wears them a little" },
	{ 0 },
};

static const struct option_spec log_options[] = {
	{ "level", 'l', "LEVEL", "error warning info debug", "only entries as grave as this" },
	{ 0 },
};

static const struct option_spec calibrate_options[] = {
	{ "tile", 't', "NUMBER", NULL, "only this tile" },
	{ 0 },
};

static const struct option_spec doctor_options[] = {
	{ "root", 'r', "DIR", NULL, "look at the system below DIR instead, without live checks" },
	{ 0 },
};

static const struct option_spec bench_options[] = {
	{ "output", 'o', "FILE", NULL, "also write the results as JSON to FILE" },
	{ "strict", 0, NULL, NULL, "exit with 1 if a bar is missed" },
	{ "repetitions", 'n', "NUMBER", NULL, "of each measurement, 5 or more (default 7)" },
	{ "milliseconds", 'm', "NUMBER", NULL,
	  "length of a repetition of either side (default 40)" },
	{ "threads", 't', "NUMBER", NULL, "of the emulator (default 0: one per processor)" },
	{ 0 },
};

static const struct option_spec fit_options[] = {
	{ "law", 0, "LAW", "constant-step linear-step soft-bounds exp-step pow-step piecewise-step",
	  "the node of this law instead of the best one's" },
	{ 0 },
};

static const struct option_spec reset_options[] = {
	{ "yes", 'y', NULL, NULL, "do not ask" },
	{ 0 },
};

static const struct option_spec top_options[] = {
	{ "batch", 'b', NULL, NULL, "print tables, as where there is no terminal" },
	{ "iterations", 'n', "NUMBER", NULL, "end after so many samples" },
	{ "delay", 'd', "SECONDS", NULL, "from sample to sample (default 2)" },
	{ "sort", 's', "BY", "busy wear energy memory number", "order of tiles and programs" },
	{ "load", 0, NULL, NULL, "multiply on the device meanwhile, so that it is busy" },
	{ "root", 'r', "DIR", NULL, "look at the system below DIR, without a device" },
	{ 0 },
};

static const struct option_spec trace_options[] = {
	{ "output", 'o', "FILE", NULL, "where the trace goes (default mho-trace.json)" },
	{ "command", 0, "COMMAND", NULL, "run this in a shell, and end when it does" },
	{ "duration", 'd', "SECONDS", NULL, "end after so long (default: with Ctrl-C)" },
	{ "root", 'r', "DIR", NULL, "look for tracefs below DIR" },
	{ 0 },
};

static const struct option_spec fault_options[] = {
	{ "control", 'c', "PATH", NULL, "mho-emud's control socket, or a serial line to it" },
	{ "timeout", 't', "SECONDS", NULL, "how long an answer may take (default 20)" },
	{ 0 },
};

const struct verb mhoctl_verbs[] = {
	{
		.name = "list",
		.summary = "devices that can be opened",
		.description =
			"Lists cards and built-in emulated devices by the URI that opens them.",
		.synopsis = "",
		.options = list_options,
		.run = run_list,
	},
	{
		.name = "info",
		.summary = "what a device is: model, versions, limits",
		.description = "Opens a device and shows its model, versions, limits and features.",
		.synopsis = "[URI]",
		.max_args = 1,
		.opens = true,
		.options = no_options,
		.run = run_info,
	},
	{
		.name = "topo",
		.summary = "tiles and technologies of a device",
		.description =
			"Shows the tiles of a device: groups of equal tiles, or what an option asks for.",
		.synopsis = "[URI]",
		.max_args = 1,
		.opens = true,
		.options = topo_options,
		.run = run_topo,
	},
	{
		.name = "telemetry",
		.summary = "counters: time, energy, commands, wear, temperature",
		.description =
			"Shows the device's counters. Times are device time, not the host's.",
		.synopsis = "[URI]",
		.max_args = 1,
		.opens = true,
		.options = no_options,
		.run = run_telemetry,
	},
	{
		.name = "log",
		.summary = "the device's own log",
		.description = "Prints the device's log, oldest entry first, with its device time.",
		.synopsis = "[URI]",
		.max_args = 1,
		.opens = true,
		.options = log_options,
		.run = run_log,
	},
	{
		.name = "selftest",
		.summary = "let a device test itself",
		.description = "Lets the device test itself. Exit status 1 if a test fails.",
		.synopsis = "[URI]",
		.max_args = 1,
		.opens = true,
		.options = selftest_options,
		.run = run_selftest,
	},
	{
		.name = "calibrate",
		.summary = "measure and correct a device's converters",
		.description =
			"Measures the converters of all tiles, or of one, and corrects them.\n"
			"An emulated card keeps the result only with ?state=FILE.",
		.synopsis = "[URI]",
		.max_args = 1,
		.opens = true,
		.options = calibrate_options,
		.run = run_calibrate,
	},
	{
		.name = "doctor",
		.summary = "find out what is wrong with this machine's setup",
		.description =
			"Checks kernel, module, device nodes, permissions, io_uring, limits, versions,\n"
			"processor and emulator, and says for each problem what to do about it.\n"
			"Exit status 1 if there is a problem; notes are no problems.",
		.synopsis = "",
		.options = doctor_options,
		.run = run_doctor,
	},
	{
		.name = "bench",
		.summary = "measure a device beside OpenBLAS and io_uring",
		.description =
			"Measures the start of a device, matrix-vector products, updates, empty jobs, ways\n"
			"to hand over jobs, and memory, each beside its reference and its bar: medians of\n"
			"repetitions in which both sides take turns. PART picks some: start, mvm, update,\n"
			"nop, ways, memory or all.",
		.synopsis = "[URI] [PART]",
		.words = "start mvm update nop ways memory all",
		.max_args = 2,
		.opens = true,
		.options = bench_options,
		.run = run_bench,
	},
	{
		.name = "fit",
		.summary = "find the update law of measured pulses",
		.description =
			"Fits the update laws that the emulated device knows to a measurement of one cell:\n"
			"FILE has lines PULSES,VALUE, a number of pulses, negative for those down, and what\n"
			"was measured after them, in any unit. Shows how well each law suits, what the best\n"
			"one gives beside the measured values, and a node for a topology's technologies.",
		.synopsis = "FILE",
		.max_args = 1,
		.options = fit_options,
		.run = run_fit,
	},
	{
		.name = "fw",
		.summary = "firmware that runs in a device, or in a file",
		.description =
			"show URI: the firmware that runs in a device. show FILE: a firmware image, its\n"
			"versions, hashes and sizes, and whether devices take it; exit status 1 if not.",
		.synopsis = "show URI|FILE",
		.words = "show",
		.max_args = 2,
		.opens = true,
		.without = "A URI begins with emu: or accel:, all else is a file.",
		.options = no_options,
		.run = run_fw,
	},
	{
		.name = "reset",
		.summary = "stop a device and start it again",
		.description =
			"Warm reset: jobs in flight are cut off, those of all programs; firmware, matrices\n"
			"and weights stay. Asks before. On a card it needs root.",
		.synopsis = "URI",
		.max_args = 1,
		.opens = true,
		.without = "There is no default URI.",
		.options = reset_options,
		.run = run_reset,
	},
	{
		.name = "top",
		.summary = "a card at work, live: tiles, rates, programs that use it",
		.description =
			"Shows what a card does: temperature, energy, rates, how busy each tile is, and\n"
			"which programs use it. On a terminal h explains the keys; elsewhere, or with\n"
			"--batch or --json, every sample is printed.",
		.synopsis = "[URI]",
		.max_args = 1,
		.opens = true,
		.without = "Without a URI: accel:, the card of this machine.",
		.options = top_options,
		.run = run_top,
	},
	{
		.name = "trace",
		.summary = "record what cards do for all programs, for Perfetto",
		.description =
			"Records the driver's tracepoints and writes a trace for https://ui.perfetto.dev or\n"
			"Chrome: for each job how long its program waited, its time in the queue, in the\n"
			"driver and in the device. Prints the means. Needs root. Traces of single programs,\n"
			"also on emulated cards: mho-train --trace, or MHO_TRACE=FILE in the environment.",
		.synopsis = "",
		.options = trace_options,
		.run = run_trace,
	},
	{
		.name = "fault",
		.summary = "make an emulated card of mho-emud misbehave",
		.description =
			"Orders faults of the card that mho-emud serves, to test a driver or a program with\n"
			"them. Alone: lists the faults that there are, what is ordered, what has happened.\n"
			"FAULT with its arguments orders one; clear takes all back; counters shows what\n"
			"mho-emud has counted; save writes its state; renew makes the card like new.\n"
			"Without --control: the environment's MHO_CONTROL, or /run/mho-emud.control.",
		.synopsis = "[FAULT [ARGUMENT...] | clear | counters | save | renew]",
		.words =
			"clear counters save renew hang hang-hard admin-hang cqe-lose cqe-duplicate "
			"cqe-bad-cid cqe-garbage cmd-delay cmd-error fw-refuse boot-hang reset-hang "
			"crash thermal-trip thermal-warn bad-id bad-version no-vectors irq-drop "
			"rest irq-duplicate irq-spurious dma-fail mmio-delay mmio-ones disconnect die",
		.max_args = MHOCTL_ARGS_MAX,
		.options = fault_options,
		.run = run_fault,
	},
	{
		.name = "utils",
		.summary = "for scripts: dump-metadata",
		.description =
			"dump-metadata: prints the verbs and their options as JSON (always).",
		.synopsis = "dump-metadata",
		.words = "dump-metadata",
		.max_args = 1,
		.options = no_options,
		.run = run_utils,
	},
	{ 0 },
};
