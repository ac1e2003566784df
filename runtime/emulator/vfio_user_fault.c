// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Faults on demand on the way to the card, and the verbs of the control protocol: a
 * line in, a line of JSON out. Faults inside the card are the device's own
 * (mho_emu_fault()). Who sends the lines is not known here.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "emulator/vfio_user_internal.h"

#define DELAY_MAX_MS 60000
#define WORDS_MAX 4

bool vfu_fault_take(struct vfu_server *srv, uint64_t *left)
{
	bool take;

	pthread_mutex_lock(&srv->faults.lock);
	take = *left > 0;
	if (take)
		(*left)--;
	pthread_mutex_unlock(&srv->faults.lock);
	return take;
}

bool vfu_fault_mmio(struct vfu_server *srv)
{
	struct vfu_faults *f = &srv->faults;
	unsigned int ms = 0;
	bool ones;

	pthread_mutex_lock(&f->lock);
	if (f->mmio_delay) {
		f->mmio_delay--;
		ms = f->mmio_delay_ms;
	}
	ones = f->mmio_ones;
	pthread_mutex_unlock(&f->lock);
	if (ms)
		nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
	return ones;
}

/* ---- faults: each takes the words after its name ---- */

/* Return: 0 and the number, @otherwise if there is no word, -EINVAL. */
static int count_of(const char *word, uint64_t otherwise, uint64_t max, uint64_t *value)
{
	char *end;

	*value = otherwise;
	if (!word)
		return 0;
	errno = 0;
	*value = strtoull(word, &end, 0);
	return errno || *end || end == word || *word == '-' || *value > max ? -EINVAL : 0;
}

/* Sets a count that others take from. */
static int arm(struct vfu_server *srv, uint64_t *left, const char *word)
{
	uint64_t n;

	if (count_of(word, 1, UINT64_MAX, &n))
		return -EINVAL;
	pthread_mutex_lock(&srv->faults.lock);
	*left = n;
	pthread_mutex_unlock(&srv->faults.lock);
	return 0;
}

static int irq_drop(struct vfu_server *srv, char **words)
{
	return arm(srv, &srv->faults.irq_drop, words[0]);
}

static int irq_duplicate(struct vfu_server *srv, char **words)
{
	return arm(srv, &srv->faults.irq_duplicate, words[0]);
}

static int irq_spurious(struct vfu_server *srv, char **words)
{
	uint64_t vector, n;

	if (count_of(words[0], 0, MHO_HW_VECTORS_MAX - 1, &vector) ||
	    count_of(words[0] ? words[1] : NULL, 1, 1000000, &n))
		return -EINVAL;
	while (n--)
		vfu_irq_spurious(srv, (unsigned int)vector);
	return 0;
}

static int dma_fail(struct vfu_server *srv, char **words)
{
	return arm(srv, &srv->faults.dma_fail, words[0]);
}

static int mmio_delay(struct vfu_server *srv, char **words)
{
	uint64_t ms;

	if (!words[0] || count_of(words[0], 0, DELAY_MAX_MS, &ms))
		return -EINVAL;
	pthread_mutex_lock(&srv->faults.lock);
	srv->faults.mmio_delay_ms = (unsigned int)ms;
	pthread_mutex_unlock(&srv->faults.lock);
	return arm(srv, &srv->faults.mmio_delay, words[1]);
}

static int mmio_ones(struct vfu_server *srv, char **words)
{
	bool off = words[0] && !strcmp(words[0], "off");

	if (words[0] && !off && strcmp(words[0], "on") != 0)
		return -EINVAL;
	pthread_mutex_lock(&srv->faults.lock);
	srv->faults.mmio_ones = !off;
	pthread_mutex_unlock(&srv->faults.lock);
	return 0;
}

static int disconnect(struct vfu_server *srv, char **words)
{
	const uint64_t one = 1;

	if (words[0])
		return -EINVAL;
	return write(srv->kick_fd, &one, sizeof(one)) < 0 ? -errno : 0;
}

/* Power fails: nothing is saved. */
static int die(struct vfu_server *srv, char **words)
{
	(void)srv;
	if (words[0])
		return -EINVAL;
	return kill(getpid(), SIGKILL) ? -errno : 0;
}

static const struct {
	const char *name;
	const char *usage;
	int (*fn)(struct vfu_server *srv, char **words);
} faults[] = {
	{ "irq-drop", "irq-drop [COUNT]", irq_drop },
	{ "irq-duplicate", "irq-duplicate [COUNT]", irq_duplicate },
	{ "irq-spurious", "irq-spurious [VECTOR [COUNT]]", irq_spurious },
	{ "dma-fail", "dma-fail [COUNT]", dma_fail },
	{ "mmio-delay", "mmio-delay MS [COUNT], at most 60000 ms", mmio_delay },
	{ "mmio-ones", "mmio-ones [on|off]", mmio_ones },
	{ "disconnect", "disconnect", disconnect },
	{ "die", "die", die },
};

/* ---- verbs ---- */

static struct json_object *result(int ret, const char *error)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "ok", json_object_new_boolean(!ret));
	if (ret)
		json_object_object_add(o, "error", json_object_new_string(error));
	return o;
}

/* Return: as mho_emu_fault(), and how it is used if there is one. */
static int order(struct vfu_server *srv, char **words, const char **usage)
{
	struct mho_emu_fault_info info;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		*usage = faults[i].usage;
		if (!strcmp(words[0], faults[i].name))
			return faults[i].fn(srv, words + 1);
	}
	for (unsigned int i = 0; mho_emu_fault_info(srv->emu, i, &info); i++) {
		*usage = info.usage;
		if (!strcmp(words[0], info.name))
			return mho_emu_fault(srv->emu, info.name, words + 1);
	}
	return -ENOENT;
}

static struct json_object *verb_fault(struct vfu_server *srv, char **words)
{
	const char *usage;
	char text[160];
	int ret;

	if (!words[0])
		return result(-EINVAL, "which fault? \"faults\" lists them");
	/* Before it happens: one of them is the last thing that this process does. */
	vfu_log(srv, MHO_HW_LOG_INFO, "fault: %s", words[0]);
	ret = order(srv, words, &usage);
	if (ret == -ENOENT)
		return result(ret, "there is no such fault; \"faults\" lists them");
	if (ret == -EAGAIN)
		return result(ret, "the device is stopped already, or in reset");
	snprintf(text, sizeof(text), "%s; usage: fault %s", strerror(-ret), usage);
	return result(ret, text);
}

static struct json_object *verb_faults(struct vfu_server *srv, char **words)
{
	struct json_object *o = result(0, NULL), *list = json_object_new_array();
	struct json_object *armed = json_object_new_object();
	const struct vfu_faults *f = &srv->faults;
	struct mho_emu_fault_info info;

	(void)words;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		json_object_array_add(list, json_object_new_string(faults[i].usage));
	pthread_mutex_lock(&srv->faults.lock);
	json_object_object_add(armed, "irq-drop", json_object_new_uint64(f->irq_drop));
	json_object_object_add(armed, "irq-duplicate", json_object_new_uint64(f->irq_duplicate));
	json_object_object_add(armed, "dma-fail", json_object_new_uint64(f->dma_fail));
	json_object_object_add(armed, "mmio-delay", json_object_new_uint64(f->mmio_delay));
	json_object_object_add(armed, "mmio-ones", json_object_new_boolean(f->mmio_ones));
	pthread_mutex_unlock(&srv->faults.lock);
	for (unsigned int i = 0; mho_emu_fault_info(srv->emu, i, &info); i++) {
		json_object_array_add(list, json_object_new_string(info.usage));
		if (info.kind != MHO_EMU_FAULT_NOW)
			json_object_object_add(armed, info.name,
					       info.kind == MHO_EMU_FAULT_LASTS ?
						       json_object_new_boolean(info.armed != 0) :
						       json_object_new_uint64(info.armed));
	}
	json_object_object_add(o, "faults", list);
	json_object_object_add(o, "armed", armed);
	return o;
}

static struct json_object *verb_clear(struct vfu_server *srv, char **words)
{
	struct vfu_faults *f = &srv->faults;

	(void)words;
	pthread_mutex_lock(&f->lock);
	f->irq_drop = 0;
	f->irq_duplicate = 0;
	f->dma_fail = 0;
	f->mmio_delay = 0;
	f->mmio_ones = false;
	pthread_mutex_unlock(&f->lock);
	mho_emu_fault_clear(srv->emu);
	return result(0, NULL);
}

/* As the other counters are called: with underscores. */
static void add_taken(struct json_object *list, const struct mho_emu_fault_info *info)
{
	char name[64];

	snprintf(name, sizeof(name), "fault_%s", info->name);
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	json_object_object_add(list, name, json_object_new_uint64(info->taken));
}

static struct json_object *verb_counters(struct vfu_server *srv, char **words)
{
	struct json_object *o = result(0, NULL), *list = json_object_new_object();
	struct mho_emu_fault_info info;

	(void)words;
	for (unsigned int i = 0; i < VFU_NCOUNTERS; i++)
		json_object_object_add(list, vfu_counter_names[i],
				       json_object_new_uint64(atomic_load(&srv->counters[i])));
	for (unsigned int i = 0; mho_emu_fault_info(srv->emu, i, &info); i++)
		if (info.kind != MHO_EMU_FAULT_LASTS)
			add_taken(list, &info);
	json_object_object_add(o, "counters", list);
	return o;
}

static struct json_object *verb_save(struct vfu_server *srv, char **words)
{
	int ret = vfu_save(srv);

	(void)words;
	return result(ret, strerror(-ret));
}

static struct json_object *verb_renew(struct vfu_server *srv, char **words)
{
	int ret = mho_emu_renew(srv->emu);

	(void)words;
	return result(ret, strerror(-ret));
}

static const struct {
	const char *name;
	struct json_object *(*fn)(struct vfu_server *srv, char **words);
} verbs[] = {
	{ "counters", verb_counters }, { "fault", verb_fault }, { "faults", verb_faults },
	{ "clear", verb_clear },       { "save", verb_save },	{ "renew", verb_renew },
};

static struct json_object *answer(struct vfu_server *srv, char *line)
{
	char *words[WORDS_MAX + 2] = { NULL };
	unsigned int n = 0;
	char *rest = NULL;

	for (char *w = strtok_r(line, " \t\r", &rest); w; w = strtok_r(NULL, " \t\r", &rest)) {
		if (n == WORDS_MAX)
			return result(-EINVAL, "too many words");
		words[n++] = w;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (n && !strcmp(words[0], verbs[i].name))
			return verbs[i].fn(srv, words + 1);
	return result(-EINVAL, "there is no such verb; there are counters, fault, faults, clear, "
			       "save, renew");
}

char *vfu_control_line(struct vfu_server *srv, char *line)
{
	struct json_object *o = answer(srv, line);
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	size_t len = text ? strlen(text) : 0;
	char *copy = text ? malloc(len + 2) : NULL;

	if (copy) {
		memcpy(copy, text, len);
		memcpy(copy + len, "\n", 2);
	}
	json_object_put(o);
	return copy;
}
