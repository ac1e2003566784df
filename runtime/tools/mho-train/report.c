// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What came out of a training, for people and as JSON. Device time and energy are the device's,
 * host time is the host's; they stand apart.
 */
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>

#include "tools/common/train_text.h"
#include "tools/mho-train/train.h"

static double per(double value, double count)
{
	return count > 0.0 ? value / count : 0.0;
}

static void say_accuracy(const struct result *r)
{
	double less = 100.0 * (r->reference_accuracy - r->accuracy);

	if (!r->test_samples) {
		puts("  accuracy         no samples were held out");
		return;
	}
	printf("  accuracy         %.2f %% of %u held-out samples", 100.0 * r->accuracy,
	       r->test_samples);
	if (isfinite(r->reference_accuracy))
		printf("; float32 reference %.2f %%", 100.0 * r->reference_accuracy);
	if (less > 0.0 || less < 0.0)
		printf(", which is %.2f points %s", fabs(less), less > 0.0 ? "better" : "worse");
	putchar('\n');
}

static void say_wear(const struct mho_nn_wear *w)
{
	printf("  wear             %.1f pulses per cell, %.0f at most", w->mean, w->max);
	if (w->endurance)
		printf(": %.3g %% of the %s that a cell stands", 100.0 * w->max / w->endurance,
		       train_quantity((double)w->endurance, "").text);
	putchar('\n');
}

void report_run(const struct result *r)
{
	printf("seed %llu on %s (%s): %u samples, %u epochs\n", (unsigned long long)r->seed,
	       r->device, r->model, r->samples, r->epochs);
	say_accuracy(r);
	printf("  device time      %s for training, %s per image; %s per inference\n",
	       train_quantity(r->device_s, "s").text,
	       train_quantity(per(r->device_s, (double)r->images), "s").text,
	       train_quantity(r->infer_s, "s").text);
	printf("  device energy    %s for training, %s per image; %s per inference\n",
	       train_quantity(r->device_j, "J").text,
	       train_quantity(per(r->device_j, (double)r->images), "J").text,
	       train_quantity(r->infer_j, "J").text);
	printf("  device pulses    %s in training, %s per image\n",
	       train_quantity((double)r->pulses, "").text,
	       train_quantity(per((double)r->pulses, (double)r->images), "").text);
	say_wear(&r->wear);
	printf("  host time        %s for training, %.0f images/s (not the device's)\n",
	       train_quantity(r->host_s, "s").text, per((double)r->images, r->host_s));
	fflush(stdout);
}

/* ---- several runs ---- */

static struct result mean_of(const struct result *r, uint32_t n)
{
	struct result m = { .seed = r->seed };

	for (uint32_t i = 0; i < n; i++) {
		m.accuracy += r[i].accuracy / n;
		m.reference_accuracy += r[i].reference_accuracy / n;
		m.device_s += r[i].device_s / n;
		m.device_j += r[i].device_j / n;
		m.infer_s += r[i].infer_s / n;
		m.infer_j += r[i].infer_j / n;
		m.host_s += r[i].host_s / n;
		m.images += r[i].images;
	}
	return m;
}

/* "97.21 %", "-" if it is not known. */
static const char *percent(char text[16], double part)
{
	if (isfinite(part))
		snprintf(text, 16, "%.2f %%", 100.0 * part);
	else
		snprintf(text, 16, "-");
	return text;
}

static void say_row(const char *name, const struct result *r)
{
	char accuracy[16], reference[16];

	printf("%-6s %10s %10s %12s %12s %12s\n", name, percent(accuracy, r->accuracy),
	       percent(reference, r->reference_accuracy), train_quantity(r->device_s, "s").text,
	       train_quantity(r->device_j, "J").text, train_quantity(r->host_s, "s").text);
}

void report_runs(const struct result *r, uint32_t n)
{
	struct result mean = mean_of(r, n);

	printf("\n%-6s %10s %10s %12s %12s %12s\n", "seed", "held-out", "float32", "device time",
	       "energy", "host time");
	for (uint32_t i = 0; i < n; i++) {
		char name[24];

		snprintf(name, sizeof(name), "%llu", (unsigned long long)r[i].seed);
		say_row(name, &r[i]);
	}
	say_row("mean", &mean);
}

/* ---- JSON ---- */

static void add(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, isfinite(value) ? json_object_new_double(value) : NULL);
}

static void add_uint(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static struct json_object *print_run(const struct result *r)
{
	struct json_object *o = json_object_new_object();

	add_uint(o, "seed", r->seed);
	json_object_object_add(o, "device", json_object_new_string(r->device));
	json_object_object_add(o, "model", json_object_new_string(r->model));
	add_uint(o, "train_samples", r->samples);
	add_uint(o, "test_samples", r->test_samples);
	add_uint(o, "epochs", r->epochs);
	add(o, "accuracy", r->accuracy);
	add(o, "reference_accuracy", r->reference_accuracy);
	add(o, "loss", r->loss);
	add(o, "reference_loss", r->reference_loss);
	add_uint(o, "images", r->images);
	add(o, "device_seconds", r->device_s);
	add(o, "device_joules", r->device_j);
	add(o, "device_seconds_per_image", per(r->device_s, (double)r->images));
	add(o, "device_joules_per_image", per(r->device_j, (double)r->images));
	add(o, "device_seconds_per_inference", r->infer_s);
	add(o, "device_joules_per_inference", r->infer_j);
	add_uint(o, "pulses", r->pulses);
	add_uint(o, "cells", r->wear.cells);
	add(o, "wear_mean", r->wear.mean);
	add(o, "wear_max", r->wear.max);
	add_uint(o, "endurance", r->wear.endurance);
	add(o, "host_seconds", r->host_s);
	add(o, "images_per_second", per((double)r->images, r->host_s));
	return o;
}

struct json_object *report_json(const struct result *r, uint32_t n)
{
	struct json_object *o = json_object_new_object();
	struct json_object *runs = json_object_new_array();
	struct result mean = mean_of(r, n);

	if (!o || !runs) {
		json_object_put(o);
		json_object_put(runs);
		return NULL;
	}
	json_object_object_add(o, "schema", json_object_new_string("mho-train-summary/1"));
	add_uint(o, "seeds", n);
	add(o, "accuracy", mean.accuracy);
	add(o, "reference_accuracy", mean.reference_accuracy);
	add(o, "device_seconds", mean.device_s);
	add(o, "device_joules", mean.device_j);
	add(o, "device_seconds_per_inference", mean.infer_s);
	add(o, "device_joules_per_inference", mean.infer_j);
	add(o, "host_seconds", mean.host_s);
	add(o, "images_per_second", per((double)mean.images / n, mean.host_s));
	for (uint32_t i = 0; i < n; i++)
		json_object_array_add(runs, print_run(&r[i]));
	json_object_object_add(o, "runs", runs);
	return o;
}
