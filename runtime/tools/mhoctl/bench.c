// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl bench: the run as a whole, the bars, and the report as a table and as
 * JSON. The measurements are in bench_*.c.
 */
#include <cblas.h>
#include <errno.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tools/mhoctl/bench.h"
#include "tools/mhoctl/mhoctl.h"

/* What the emulator has to reach. The reference of "memory" is its limit. */
static const struct bench_bar bars[] = {
	{ "start", BENCH_OURS_AT_MOST, 0.3 },
	{ "mvm-ideal-256", BENCH_RATIO_AT_MOST, 1.3 },
	{ "mvm-noise-256", BENCH_RATIO_AT_MOST, 2.5 },
	{ "update-constant-step", BENCH_RATIO_AT_MOST, 30 },
	{ "nop-uring-256", BENCH_RATIO_AT_LEAST, 0.2 },
	{ "memory", BENCH_RATIO_AT_MOST, 1 },
};

/* In the order in which they are run: memory needs a process without threads. */
static const struct {
	const char *name;
	void (*run)(struct bench *b);
} parts[] = {
	{ "memory", bench_memory }, { "start", bench_start }, { "mvm", bench_mvm },
	{ "update", bench_update }, { "nop", bench_nop },     { "ways", bench_ways },
};

/**
 * bench_row() - add a row
 * @b: run
 * @id: its name
 * @unit: of its values
 * @against: what the reference is, or NULL
 * @format: of the text for the reader
 *
 * Return: the row.
 */
struct bench_row *bench_row(struct bench *b, const char *id, const char *unit, const char *against,
			    const char *format, ...)
{
	struct bench_row *row;
	va_list args;

	if (b->count == BENCH_ROWS_MAX)
		abort();
	row = &b->rows[b->count++];
	*row = (struct bench_row){ .unit = unit, .against = against };
	snprintf(row->id, sizeof(row->id), "%s", id);
	va_start(args, format);
	vsnprintf(row->what, sizeof(row->what), format, args);
	va_end(args);
	for (unsigned int i = 0; i < sizeof(bars) / sizeof(*bars); i++)
		if (strcmp(bars[i].id, id) == 0)
			row->bar = &bars[i];
	return row;
}

/**
 * bench_judge() - hold a measured row against its bar
 * @row: row
 */
void bench_judge(struct bench_row *row)
{
	bool pass;

	if (!row->bar || (row->bar->kind != BENCH_OURS_AT_MOST && !row->against))
		return;
	if (row->bar->kind == BENCH_RATIO_AT_LEAST)
		pass = row->ratio >= row->bar->value;
	else if (row->bar->kind == BENCH_RATIO_AT_MOST)
		pass = row->ratio <= row->bar->value;
	else
		pass = row->ours <= row->bar->value;
	row->verdict = pass ? BENCH_PASS : BENCH_MISS;
}

/**
 * bench_stop() - mark a row as not measured
 * @row: row
 * @verdict: BENCH_SKIPPED or BENCH_ERROR
 * @format: of the reason
 */
void bench_stop(struct bench_row *row, enum bench_verdict verdict, const char *format, ...)
{
	va_list args;

	row->verdict = verdict;
	va_start(args, format);
	vsnprintf(row->note, sizeof(row->note), format, args);
	va_end(args);
}

static unsigned int count_verdict(const struct bench *b, enum bench_verdict verdict)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->count; i++)
		n += b->rows[i].verdict == verdict;
	return n;
}

/* ---- report ---- */

static const char *const verdicts[] = { "", "pass", "MISS", "skipped", "ERROR" };
static const char *const json_verdicts[] = { "none", "pass", "miss", "skipped", "error" };

struct machine {
	char cpu[128];
	long cpus;
	char kernel[sizeof(((struct utsname *)0)->release)];
	char blas[32];
};

static void describe_machine(struct machine *m)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	struct utsname name;
	char line[256];

	snprintf(m->cpu, sizeof(m->cpu), "unknown processor");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "model name : %127[^\n]", m->cpu) == 1)
			break;
	if (file)
		fclose(file);
	m->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	*m->kernel = '\0';
	if (uname(&name) == 0)
		memcpy(m->kernel, name.release, sizeof(m->kernel));
	/* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
	*m->blas = '\0';
	sscanf(openblas_get_config(), "%*s %31s", m->blas);
}

static const char *value_text(char text[TEXT_MAX], const struct bench_row *row, double value)
{
	if (row->verdict == BENCH_SKIPPED || row->verdict == BENCH_ERROR)
		return "-";
	if (strcmp(row->unit, "B/cell") == 0)
		snprintf(text, TEXT_MAX, "%.1f %s", value, row->unit);
	else
		text_si(text, value, row->unit);
	return text;
}

static const char *bar_text(char text[TEXT_MAX], const struct bench_bar *bar)
{
	if (!bar)
		return "";
	snprintf(text, TEXT_MAX, "%s %g%s",
		 bar->kind == BENCH_RATIO_AT_LEAST ? ">=" : "<=", bar->value,
		 bar->kind == BENCH_OURS_AT_MOST ? " s" : "");
	return text;
}

static void print_table(const struct bench *b, const struct machine *m)
{
	static const char *const columns[] = { "MEASUREMENT", ">OURS",	">REFERENCE", "",  ">RATIO",
					       ">BAR",	      "RESULT", "NOTE",	      NULL };
	struct libscols_table *table;

	printf("%s, %ld processors, Linux %s\n", m->cpu, m->cpus, m->kernel);
	printf("reference: OpenBLAS %s (%s), 1 thread; io_uring NOP\n", m->blas,
	       openblas_get_corename());
	printf("device: %s, emulator threads: ", b->uri);
	if (b->threads)
		printf("%u", b->threads);
	else
		printf("one per processor");
	printf("\nmedians of %u repetitions, %g ms of each side in turns\n\n", b->repetitions,
	       b->seconds * 1000);

	table = table_new(columns);
	for (unsigned int i = 0; i < b->count; i++) {
		const struct bench_row *row = &b->rows[i];
		bool measured = row->verdict != BENCH_SKIPPED && row->verdict != BENCH_ERROR;
		char ours[TEXT_MAX], reference[TEXT_MAX], ratio[TEXT_MAX] = "", bar[TEXT_MAX];
		const char *cells[] = { row->what,
					value_text(ours, row, row->ours),
					"",
					row->against ? row->against : "",
					ratio,
					bar_text(bar, row->bar),
					verdicts[row->verdict],
					row->note };

		if (row->against && measured) {
			cells[2] = value_text(reference, row, row->reference);
			snprintf(ratio, sizeof(ratio), "%.3g", row->ratio);
		}
		table_row(table, cells);
	}
	table_print(table);
	printf("\n%u bars passed, %u missed\n", count_verdict(b, BENCH_PASS),
	       count_verdict(b, BENCH_MISS));
}

static struct json_object *row_json(const struct bench_row *row)
{
	static const char *const kinds[] = { "ratio at most", "ratio at least", "ours at most" };
	bool measured = row->verdict != BENCH_SKIPPED && row->verdict != BENCH_ERROR;
	struct json_object *r = json_object_new_object();

	json_set_text(r, "id", row->id);
	json_set_text(r, "what", row->what);
	json_set_text(r, "unit", row->unit);
	json_set(r, "ours", NULL);
	json_set_text(r, "against", row->against);
	json_set(r, "reference", NULL);
	json_set(r, "ratio", NULL);
	if (measured)
		json_set_real(r, "ours", row->ours);
	if (measured && row->against) {
		json_set_real(r, "reference", row->reference);
		json_set_real(r, "ratio", row->ratio);
	}
	json_set_text(r, "bar_kind", row->bar ? kinds[row->bar->kind] : NULL);
	json_set(r, "bar", row->bar ? json_object_new_double(row->bar->value) : NULL);
	json_set_text(r, "verdict", json_verdicts[row->verdict]);
	json_set_text(r, "note", *row->note ? row->note : NULL);
	return r;
}

static struct json_object *make_json(const struct bench *b, const struct machine *m)
{
	struct json_object *doc = json_new("bench"), *rows = json_object_new_array();

	json_set_text(doc, "uri", b->uri);
	json_set_text(doc, "cpu", m->cpu);
	json_set_uint(doc, "cpus", (uint64_t)m->cpus);
	json_set_text(doc, "kernel", m->kernel);
	json_set_text(doc, "openblas", m->blas);
	json_set_text(doc, "openblas_core", openblas_get_corename());
	json_set_uint(doc, "reference_threads", 1);
	json_set(doc, "emulator_threads", b->threads ? json_object_new_int64(b->threads) : NULL);
	json_set_uint(doc, "repetitions", b->repetitions);
	json_set_real(doc, "repetition_seconds", b->seconds);
	for (unsigned int i = 0; i < b->count; i++)
		json_object_array_add(rows, row_json(&b->rows[i]));
	json_set(doc, "results", rows);
	json_set_uint(doc, "passed", count_verdict(b, BENCH_PASS));
	json_set_uint(doc, "missed", count_verdict(b, BENCH_MISS));
	json_set_uint(doc, "errors", count_verdict(b, BENCH_ERROR));
	return doc;
}

static int write_file(const struct bench *b, const struct machine *m, const char *path)
{
	FILE *file = fopen(path, "we");
	int bad;

	if (!file)
		return fail(b->call, MHOCTL_DEVICE, "%s cannot be made: %s", path, strerror(errno));
	json_print(make_json(b, m), file);
	bad = ferror(file);
	if (fclose(file) || bad)
		return fail(b->call, MHOCTL_DEVICE, "%s could not be written: %s", path,
			    strerror(errno));
	return 0;
}

static int report(const struct bench *b)
{
	const char *path = call_option(b->call, "output");
	struct machine m;
	int err = 0;

	describe_machine(&m);
	if (b->call->json)
		json_print(make_json(b, &m), stdout);
	else
		print_table(b, &m);
	if (path)
		err = write_file(b, &m, path);
	if (err)
		return err;
	if (count_verdict(b, BENCH_ERROR))
		return fail(b->call, MHOCTL_DEVICE,
			    "%u measurements went wrong; their notes say why",
			    count_verdict(b, BENCH_ERROR));
	if (count_verdict(b, BENCH_MISS) && call_option(b->call, "strict"))
		return fail(b->call, MHOCTL_FAILED, "%u bars missed", count_verdict(b, BENCH_MISS));
	return MHOCTL_OK;
}

/* ---- command line ---- */

/* Sorts the arguments into URI and part. Return: 0 or an exit code after a message. */
static int take_args(struct call *call, const char **uri, const char **part)
{
	*uri = NULL;
	*part = NULL;
	for (int i = 0; i < call->nargs; i++) {
		const char *arg = call->args[i];
		const char **place = strchr(arg, ':') ? uri : part;

		if (place == part && !word_in(call->verb->words, arg, strlen(arg)))
			return fail(call, MHOCTL_USAGE,
				    "\"%s\" is neither a URI (such as emu:) nor one of: %s", arg,
				    call->verb->words);
		if (*place)
			return fail(call, MHOCTL_USAGE, "\"%s\" and \"%s\": only one of them",
				    *place, arg);
		*place = arg;
	}
	/* device_uri() announces the default if there are no arguments. */
	call->args[0] = *uri;
	call->nargs = *uri != NULL;
	*uri = device_uri(call);
	return 0;
}

int run_bench(struct call *call)
{
	long repetitions = 7, milliseconds = 40, threads = 0;
	struct bench *b;
	const char *uri, *part;
	int err;

	err = take_args(call, &uri, &part);
	if (!err)
		err = call_number(call, "repetitions", 5, 999, &repetitions);
	if (!err)
		err = call_number(call, "milliseconds", 1, 60000, &milliseconds);
	if (!err)
		err = call_number(call, "threads", 0, 1024, &threads);
	if (err)
		return err;
	b = calloc(1, sizeof(*b));
	if (!b)
		return fail(call, MHOCTL_DEVICE, "out of memory");
	b->call = call;
	b->uri = uri;
	b->repetitions = (unsigned int)repetitions;
	b->seconds = (double)milliseconds / 1000;
	b->threads = (unsigned int)threads;
	openblas_set_num_threads(1);
	for (unsigned int i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!part || strcmp(part, "all") == 0 || strcmp(part, parts[i].name) == 0)
			parts[i].run(b);
	err = report(b);
	free(b);
	return err;
}
