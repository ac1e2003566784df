// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl telemetry, log, selftest, calibrate: what a running device tells and
 * does about itself.
 */
#include <inttypes.h>
#include <libsmartcols.h>
#include <string.h>

#include "tools/mhoctl/mhoctl.h"

/* Counters whose unit is their name; the others are printed by hand below. */
#define COUNTERS(X)                                       \
	X(commands, "commands")                           \
	X(errors, "failed commands")                      \
	X(mvms, "vectors multiplied")                     \
	X(updates, "rank-1 updates")                      \
	X(pulses, "pulses")                               \
	X(lifetime_pulses, "pulses over the card's life") \
	X(saturations, "saturated outputs")               \
	X(retries, "extra reads by bound management")     \
	X(resets, "resets")                               \
	X(power_cycles, "power cycles")                   \
	X(tiles_free, "free tiles")                       \
	X(tiles_failed, "tiles out of service")           \
	X(wear_max, "most pulses on a cell")

static void print_telemetry_json(const struct mho_telemetry *t)
{
	struct json_object *doc = json_new("telemetry");

	json_set_uint(doc, "time_ns", t->time_ns);
	json_set_uint(doc, "energy_fj", t->energy_fj);
	json_set(doc, "temperature_mc", json_object_new_int(t->temperature_mc));
	json_set_uint(doc, "power_mw", t->power_mw);
#define PRINT(field, text) json_set_uint(doc, #field, t->field);
	COUNTERS(PRINT)
#undef PRINT
	json_print(doc, stdout);
}

static void print_telemetry(const struct mho_telemetry *t)
{
	struct libscols_table *table = table_new_pairs();
	char text[TEXT_MAX];

	table_pair(table, "device time", "%s", text_si(text, (double)t->time_ns * 1e-9, "s"));
	table_pair(table, "energy", "%s", text_si(text, (double)t->energy_fj * 1e-15, "J"));
	table_pair(table, "mean power", "%s", text_si(text, t->power_mw * 1e-3, "W"));
	table_pair(table, "temperature", "%.1f C", t->temperature_mc / 1000.0);
#define PRINT(field, text) table_pair(table, text, "%" PRIu64, (uint64_t)t->field);
	COUNTERS(PRINT)
#undef PRINT
	table_print(table);
}

int run_telemetry(struct call *call)
{
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);
	struct mho_dev *dev;
	int err;

	err = open_device(call, &dev);
	if (err)
		return err;
	err = mho_telemetry_get(dev, &t);
	if (err)
		err = fail_device(call, "the counters cannot be read", err);
	else if (call->json)
		print_telemetry_json(&t);
	else
		print_telemetry(&t);
	mho_close(dev);
	return err;
}

static const struct {
	int level;
	const char *name;
} levels[] = {
	{ MHO_LOG_ERROR, "error" },
	{ MHO_LOG_WARNING, "warning" },
	{ MHO_LOG_INFO, "info" },
	{ MHO_LOG_DEBUG, "debug" },
};

#define LEVELS (sizeof(levels) / sizeof(*levels))

struct log_print {
	int level;
	struct json_object *entries; /* NULL: text on standard output */
};

static int print_entry(uint64_t time_ns, int level, const char *text, void *arg)
{
	struct log_print *p = arg;
	const char *name = levels[LEVELS - 1].name;

	if (level > p->level)
		return 0;
	for (unsigned int i = LEVELS; i-- > 0;)
		if (level <= levels[i].level)
			name = levels[i].name;
	if (p->entries) {
		struct json_object *entry = json_object_new_object();

		json_set_uint(entry, "time_ns", time_ns);
		json_set_text(entry, "level", name);
		json_set_text(entry, "text", text);
		json_object_array_add(p->entries, entry);
		return 0;
	}
	printf("%6" PRIu64 ".%09" PRIu64 " %-7s %s\n", time_ns / 1000000000, time_ns % 1000000000,
	       name, text);
	return 0;
}

int run_log(struct call *call)
{
	const char *wanted = call_option(call, "level");
	struct log_print p = { .level = MHO_LOG_DEBUG };
	struct json_object *doc = NULL;
	struct mho_dev *dev;
	int err;

	for (unsigned int i = 0; wanted && i < LEVELS; i++)
		if (strcmp(wanted, levels[i].name) == 0)
			p.level = levels[i].level;
	err = open_device(call, &dev);
	if (err)
		return err;
	if (call->json) {
		doc = json_new("log");
		p.entries = json_object_new_array();
		json_set(doc, "entries", p.entries);
	}
	err = mho_log_read(dev, print_entry, &p);
	if (err)
		err = fail_device(call, "the log cannot be read", err);
	else if (doc)
		json_print(json_object_get(doc), stdout);
	json_object_put(doc);
	mho_close(dev);
	return err;
}

static void print_selftest_json(const struct mho_selftest *r, bool full)
{
	struct json_object *doc = json_new("selftest");

	json_set_text(doc, "kind", full ? "full" : "quick");
	json_set_bool(doc, "passed", r->failures == 0);
	json_set_uint(doc, "tests", r->tests);
	json_set_uint(doc, "failures", r->failures);
	json_set_uint(doc, "tiles_tested", r->tiles_tested);
	json_set_uint(doc, "tiles_failed", r->tiles_failed);
	json_set_real(doc, "mvm_error", r->mvm_error);
	json_set_text(doc, "first_failure", *r->first_failure ? r->first_failure : NULL);
	json_print(doc, stdout);
}

static void print_selftest(const struct mho_selftest *r, bool full)
{
	struct libscols_table *t = table_new_pairs();

	table_pair(t, "self-test", "%s", full ? "full" : "quick");
	table_pair(t, "result", "%s", r->failures ? "FAILED" : "passed");
	table_pair(t, "tests", "%u, %u failed", r->tests, r->failures);
	table_pair(t, "tiles", "%u tested, %u failed", r->tiles_tested, r->tiles_failed);
	table_pair(t, "largest MVM error", "%.3g, relative rms", (double)r->mvm_error);
	if (*r->first_failure)
		table_pair(t, "first failure", "%s", r->first_failure);
	table_print(t);
}

int run_selftest(struct call *call)
{
	struct mho_selftest result = MHO_INIT(struct mho_selftest);
	bool full = call_option(call, "full");
	struct mho_dev *dev;
	int err;

	if (full && call_option(call, "quick"))
		return fail(call, MHOCTL_USAGE, "either --quick or --full, not both");
	err = open_device(call, &dev);
	if (err)
		return err;
	err = mho_selftest_run(dev, full, &result);
	if (err) {
		err = fail_device(call, "the self-test did not run", err);
	} else {
		if (call->json)
			print_selftest_json(&result, full);
		else
			print_selftest(&result, full);
		if (result.failures)
			err = fail(call, MHOCTL_FAILED, "%u of %u tests failed", result.failures,
				   result.tests);
	}
	mho_close(dev);
	return err;
}

int run_calibrate(struct call *call)
{
	struct mho_dev *dev;
	long tile = -1;
	int err;

	err = call_number(call, "tile", 0, INT32_MAX, &tile);
	if (err)
		return err;
	err = open_device(call, &dev);
	if (err)
		return err;
	err = mho_calibrate(dev, (int)tile);
	if (!err)
		err = mho_sync(dev);
	if (err) {
		err = fail_device(call, "calibration failed", err);
	} else if (call->json) {
		struct json_object *doc = json_new("calibrate");

		json_set_bool(doc, "calibrated", true);
		json_set(doc, "tile", tile < 0 ? NULL : json_object_new_int64(tile));
		json_print(doc, stdout);
	} else if (tile < 0) {
		printf("all tiles calibrated\n");
	} else {
		printf("tile %ld calibrated\n", tile);
	}
	mho_close(dev);
	return err;
}
