// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The cache of prepared jobs. Who is used often stays: a kind gains credit with each
 * use; a newcomer takes the place of one without credit, or costs all in its set some.
 */
#include "backend/accel_prepared.h"

#include <string.h>

/* So many newcomers does the most popular kind of job outlast. */
#define CREDIT_MAX 64

void accelb_cache_init(struct accelb_cache *c, const struct accelb_cache_ops *ops, void *arg,
		       uint32_t runs)
{
	memset(c, 0, sizeof(*c));
	mrt_link_init(&c->link);
	pthread_mutex_init(&c->lock, NULL);
	c->ops = ops;
	c->arg = arg;
	c->runs = runs;
}

void accelb_cache_exit(struct accelb_cache *c)
{
	pthread_mutex_destroy(&c->lock);
}

static bool has_a(const struct drm_mho_job *job)
{
	return job->a_type != DRM_MHO_TYPE_NONE;
}

static bool has_b(const struct drm_mho_job *job)
{
	return job->b_type != DRM_MHO_TYPE_NONE;
}

static struct drm_mho_job key_of(const struct drm_mho_job *job)
{
	struct drm_mho_job key = *job;

	if (has_a(job))
		key.a.offset = 0;
	if (has_b(job))
		key.b.offset = 0;
	return key;
}

/* Its set: a product with an odd constant, as of Fibonacci hashing, over the key's words. */
static uint32_t set_of(const struct drm_mho_job *key)
{
	uint64_t words[sizeof(*key) / sizeof(uint64_t)], hash = 0;

	memcpy(words, key, sizeof(words));
	for (unsigned int i = 0; i < sizeof(words) / sizeof(*words); i++)
		hash = (hash ^ words[i] ^ hash >> 29) * 0x9e3779b97f4a7c15;
	return hash >> 32 & (ACCELB_CACHE_SETS - 1);
}

static void unprepare(struct accelb_cache *c, struct accelb_kind *kind)
{
	if (kind->handle)
		c->ops->unprepare(c->arg, kind->handle);
	kind->handle = 0;
	kind->serial = 0;
}

/* The place for a kind that is not there; NULL if all others are worth more, and a bit less now. */
static struct accelb_kind *make_room(struct accelb_cache *c, struct accelb_kind *set)
{
	struct accelb_kind *k;

	for (k = set; k < set + ACCELB_CACHE_WAYS; k++)
		if (!k->used || !k->credit) {
			unprepare(c, k);
			return k;
		}
	for (k = set; k < set + ACCELB_CACHE_WAYS; k++)
		k->credit--;
	return NULL;
}

/* The kind of this key, which is added if it is new and there is room. */
static struct accelb_kind *find(struct accelb_cache *c, const struct drm_mho_job *key)
{
	struct accelb_kind *set = &c->kinds[set_of(key) * ACCELB_CACHE_WAYS], *k;

	for (k = set; k < set + ACCELB_CACHE_WAYS; k++)
		if (k->used && !memcmp(&k->key, key, sizeof(*key)))
			return k;
	k = make_room(c, set);
	if (k)
		*k = (struct accelb_kind){ .key = *key,
					   .used = true,
					   .retry = ACCELB_CACHE_USES - 1 };
	return k;
}

/* Steps as small as an element, or so large that their number fits. */
static void divide(struct accelb_cache *c, struct accelb_kind *kind, int operand, bool there)
{
	const struct drm_mho_operand *o = operand ? &kind->key.b : &kind->key.a;
	uint8_t type = operand ? kind->key.b_type : kind->key.a_type;
	uint64_t size = there ? c->ops->size(c->arg, o->handle) : 0;

	kind->shift[operand] = type == DRM_MHO_TYPE_F32 ? 2 : 0;
	while (size >> kind->shift[operand] > UINT32_MAX)
		kind->shift[operand]++;
	kind->slots[operand] = (uint32_t)(size >> kind->shift[operand]);
	if (!kind->slots[operand])
		kind->slots[operand] = 1;
}

static void prepare(struct accelb_cache *c, struct accelb_kind *kind)
{
	struct drm_mho_prepared_job job = { .job = kind->key };

	divide(c, kind, 0, has_a(&kind->key));
	divide(c, kind, 1, has_b(&kind->key));
	job.a_step = has_a(&kind->key) ? 1ULL << kind->shift[0] : 0;
	job.b_step = has_b(&kind->key) ? 1ULL << kind->shift[1] : 0;
	if (c->ops->prepare(c->arg, &job, kind->slots[0], kind->slots[1], &kind->handle)) {
		kind->handle = 0;
		kind->retry = ACCELB_CACHE_RETRY;
		return;
	}
	kind->serial = ++c->last ? c->last : ++c->last;
}

static bool slot_of(const struct accelb_kind *kind, int operand, bool there, uint64_t offset,
		    uint32_t *slot)
{
	*slot = 0;
	if (!there)
		return true;
	if (offset & ((1ULL << kind->shift[operand]) - 1) ||
	    offset >> kind->shift[operand] >= kind->slots[operand])
		return false;
	*slot = (uint32_t)(offset >> kind->shift[operand]);
	return true;
}

static bool fill_run(struct accelb_cache *c, struct accelb_kind *kind,
		     const struct drm_mho_job *job, struct drm_mho_uring_run *cmd,
		     struct accelb_run *run)
{
	if (kind->flying_serial != kind->serial) {
		kind->flying_serial = kind->serial;
		kind->flying = 0;
	}
	if (!kind->handle || kind->flying == c->runs ||
	    !slot_of(kind, 0, has_a(job), job->a.offset, &cmd->a_slot) ||
	    !slot_of(kind, 1, has_b(job), job->b.offset, &cmd->b_slot))
		return false;
	cmd->handle = kind->handle;
	kind->flying++;
	run->serial = kind->serial;
	run->place = (uint32_t)(kind - c->kinds);
	return true;
}

bool accelb_cache_use(struct accelb_cache *c, const struct drm_mho_job *job,
		      struct drm_mho_uring_run *cmd, struct accelb_run *run)
{
	struct drm_mho_job key = key_of(job);
	struct accelb_kind *kind;
	bool runs = false;

	run->serial = 0;
	pthread_mutex_lock(&c->lock);
	kind = find(c, &key);
	if (kind) {
		if (kind->credit < CREDIT_MAX)
			kind->credit++;
		if (!kind->handle && !kind->retry--)
			prepare(c, kind);
		runs = fill_run(c, kind, job, cmd, run);
	}
	pthread_mutex_unlock(&c->lock);
	return runs;
}

void accelb_cache_done(struct accelb_cache *c, struct accelb_run *run)
{
	/* Else another has its place since. */
	if (run->serial && c->kinds[run->place].flying_serial == run->serial)
		c->kinds[run->place].flying--;
	run->serial = 0;
}

static void forget(struct accelb_cache *c, struct accelb_kind *kind)
{
	unprepare(c, kind);
	kind->used = false;
}

void accelb_cache_forget_buffer(struct accelb_cache *c, uint32_t buffer)
{
	pthread_mutex_lock(&c->lock);
	for (struct accelb_kind *k = c->kinds; k < c->kinds + ACCELB_CACHE_SIZE; k++)
		if (k->used && ((has_a(&k->key) && k->key.a.handle == buffer) ||
				(has_b(&k->key) && k->key.b.handle == buffer)))
			forget(c, k);
	pthread_mutex_unlock(&c->lock);
}

void accelb_cache_forget_array(struct accelb_cache *c, uint32_t array)
{
	pthread_mutex_lock(&c->lock);
	for (struct accelb_kind *k = c->kinds; k < c->kinds + ACCELB_CACHE_SIZE; k++)
		if (k->used && (k->key.array == array ||
				(k->key.op == DRM_MHO_OP_TRANSFER && k->key.param[1] == array)))
			forget(c, k);
	pthread_mutex_unlock(&c->lock);
}
