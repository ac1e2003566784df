// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mho-train: trains a network on samples of the user's, on any device that libmho opens.
 */
#include <json-c/json.h>
#include <locale.h>
#include <stdlib.h>

#include "tools/common/std_streams.h"
#include "tools/common/train_text.h"
#include "tools/mho-train/train.h"

static int report(const struct options *o, const struct result *results)
{
	struct json_object *json = report_json(results, o->runs);
	int err = 0;

	if (!json) {
		train_complain("out of memory");
		return TRAIN_FAILED;
	}
	if (o->summary)
		err = train_write_file(o->summary, train_fill_json, json);
	if (!err && o->json)
		err = train_write_file("-", train_fill_json, json);
	json_object_put(json);
	if (!err && !o->json && o->runs > 1)
		report_runs(results, o->runs);
	if (!err && (fflush(stdout) || ferror(stdout))) {
		train_complain("standard output: cannot be written");
		err = -1;
	}
	return err ? TRAIN_FAILED : TRAIN_OK;
}

static int train_all(const struct options *o)
{
	struct result *results = calloc(o->runs, sizeof(*results));
	int status = TRAIN_OK, ret;

	if (!results)
		train_out_of_memory();
	for (uint32_t i = 0; i < o->runs; i++) {
		ret = run_train(o, i, &results[i]);
		if (ret)
			status = ret;
		if (!results[i].complete)
			goto out;
		if (!o->json)
			report_run(&results[i]);
	}
	/* Also if a file of the first run could not be written: what is known is told. */
	ret = report(o, results);
	if (ret)
		status = ret;
out:
	for (uint32_t i = 0; i < o->runs; i++)
		free(results[i].device);
	free(results);
	return status;
}

int main(int argc, char **argv)
{
	struct options o;
	int status;

	std_streams_reserve();
	/* Only what characters are: numbers have a decimal point everywhere. */
	setlocale(LC_CTYPE, "");
	status = options_parse(&o, argc, argv);
	if (status < 0)
		status = files_check(&o) ? TRAIN_FAILED : train_all(&o);
	options_free(&o);
	return status;
}
