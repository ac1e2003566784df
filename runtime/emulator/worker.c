// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The threads of the device. Workers are alike: each takes, under the core lock,
 * the most urgent thing that is to be done, and does it: parts of jobs that others
 * have begun, reading of rings, commands. One that finds nothing spins for a moment
 * before it sleeps, since the next doorbell is often near. One more thread, the
 * manager, carries out requests of the host, admin commands and delayed interrupts,
 * so that these need not wait for a worker to become free.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emulator/emu.h"

/* Of one worker at a time; about what waking a thread costs. */
#define SPIN_NS 20000

static void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Take parts until none is left. */
static void work_on(struct mho_job *job, struct mho_worker *w)
{
	unsigned int part;

	while ((part = atomic_fetch_add(&job->next, 1)) < job->parts)
		job->run(job, part, w);
}

void mho_parallel(struct mho_worker *w, struct mho_job *job)
{
	struct mho_emu *emu = w->emu;
	unsigned int i;

	if (job->parts <= 1 || emu->n_workers <= 1) {
		for (i = 0; i < job->parts; i++)
			job->run(job, i, w);
		return;
	}
	atomic_init(&job->next, 0);
	atomic_init(&job->users, 0);
	pthread_mutex_lock(&emu->lock);
	mho_list_add_tail(&emu->shared, &job->link);
	pthread_mutex_unlock(&emu->lock);
	for (i = 1; i < job->parts && i < emu->n_workers; i++)
		mho_notify(emu);
	work_on(job, w);
	pthread_mutex_lock(&emu->lock);
	mho_list_del(&job->link);
	pthread_mutex_unlock(&emu->lock);
	for (i = 0; atomic_load(&job->users) && i < 1000; i++)
		cpu_relax();
	if (!atomic_load(&job->users))
		return;
	pthread_mutex_lock(&emu->lock);
	while (atomic_load(&job->users))
		pthread_cond_wait(&emu->idle, &emu->lock);
	pthread_mutex_unlock(&emu->lock);
}

static bool help(struct mho_worker *w)
{
	struct mho_emu *emu = w->emu;
	struct mho_list *l;

	for (l = emu->shared.next; l != &emu->shared; l = l->next) {
		struct mho_job *job = mho_container_of(l, struct mho_job, link);

		if (atomic_load(&job->next) >= job->parts)
			continue;
		atomic_fetch_add(&job->users, 1);
		pthread_mutex_unlock(&emu->lock);
		work_on(job, w);
		pthread_mutex_lock(&emu->lock);
		/* The last access: the job may be gone as soon as its owner sees 0. */
		if (atomic_fetch_sub(&job->users, 1) == 1)
			pthread_cond_broadcast(&emu->idle);
		return true;
	}
	return false;
}

/* Tell the host to ring for those queues that nobody will look at for a while. */
static bool arm_all(struct mho_emu *emu)
{
	bool quiet = true;

	while (!mho_list_empty(&emu->spinning)) {
		struct mho_hwqueue *q =
			mho_container_of(emu->spinning.next, struct mho_hwqueue, spin_link);

		if (!mho_queue_arm(emu, q)) {
			mho_arbiter_activate(emu, q);
			quiet = false;
		}
	}
	return quiet;
}

static bool more_to_do(struct mho_emu *emu)
{
	unsigned int p, i;

	for (p = 0; p < MHO_PRIORITIES; p++) {
		if (!mho_list_empty(&emu->ready[p]))
			return true;
		for (i = 0; emu->window_used[p] < MHO_WINDOW && i < MHO_DOORBELL_WORDS; i++) {
			if (emu->active[p][i])
				return true;
		}
	}
	return false;
}

void mho_execute(struct mho_worker *w, struct mho_cmd *cmd)
{
	struct mho_emu *emu = w->emu;

	emu->running++;
	/* If nobody sleeps there is nobody to be woken: whoever is done first looks. */
	if (!emu->spinner && atomic_load(&emu->sleepers))
		arm_all(emu);
	if (more_to_do(emu) && atomic_load(&emu->sleepers))
		mho_notify(emu);
	pthread_mutex_unlock(&emu->lock);
	mho_exec(w, cmd);
	pthread_mutex_lock(&emu->lock);
	emu->running--;
	mho_arbiter_done(emu, cmd);
	mho_thermal_update(emu);
}

/*
 * Whether a queue in mho_emu.spinning has got something to look at. One that has been idle for long
 * is looked at no more, but has to ring, so that many idle queues cost busy ones nothing.
 */
static bool look_around(struct mho_emu *emu)
{
	struct mho_list *l, *next;
	bool found = false;
	uint64_t now = mho_list_empty(&emu->spinning) ? 0 : mho_now_ns();

	for (l = emu->spinning.next; l != &emu->spinning; l = next) {
		struct mho_hwqueue *q = mho_container_of(l, struct mho_hwqueue, spin_link);
		bool work;

		next = l->next;
		if (now - q->idle_since > SPIN_NS) {
			work = !mho_queue_arm(emu, q);
		} else {
			work = mho_queue_look(emu, q) && mho_queue_available(q);
			if (work)
				mho_list_del(&q->spin_link);
		}
		if (work) {
			mho_arbiter_activate(emu, q);
			found = true;
		}
	}
	return found;
}

static bool may_start(const struct mho_emu *emu)
{
	return !emu->controlling && !emu->freeze;
}

/* Do one thing, with the core lock held. Return: whether there was one. */
static bool step(struct mho_worker *w)
{
	struct mho_emu *emu = w->emu;
	struct mho_cmd *cmd;
	bool fetched;

	if (help(w))
		return true;
	mho_arbiter_collect(emu);
	if (!may_start(emu) || !emu->serving)
		return false;
	/* A queue that did not have to ring has its turn and its priority, too. */
	look_around(emu);
	fetched = mho_arbiter_fetch(emu);
	cmd = mho_arbiter_next(emu);
	if (cmd)
		mho_execute(w, cmd);
	return fetched || cmd;
}

static bool spin(struct mho_emu *emu, unsigned int seen)
{
	uint64_t end = mho_now_ns() + SPIN_NS;
	bool found = false;
	unsigned int i;

	emu->spinner = true;
	while (!found && !emu->quit) {
		pthread_mutex_unlock(&emu->lock);
		for (i = 0; i < 16 && atomic_load(&emu->event) == seen; i++)
			cpu_relax();
		pthread_mutex_lock(&emu->lock);
		found = atomic_load(&emu->event) != seen || look_around(emu);
		if (mho_now_ns() >= end)
			break;
	}
	emu->spinner = false;
	return found;
}

/* Sleep until mho_notify(). */
static void rest(struct mho_worker *w, unsigned int seen)
{
	struct mho_emu *emu = w->emu;

	if (emu->spin && !emu->spinner && spin(emu, seen))
		return;
	if (may_start(emu) && emu->serving && !arm_all(emu))
		return;
	atomic_fetch_add(&emu->sleepers, 1);
	pthread_mutex_unlock(&emu->lock);
	mho_irq_flush(emu);
	mho_futex_wait(&emu->event, seen, 0);
	pthread_mutex_lock(&emu->lock);
	atomic_fetch_sub(&emu->sleepers, 1);
}

static bool irqs_posted(struct mho_emu *emu)
{
	unsigned int i;

	for (i = 0; i < MHO_DOORBELL_WORDS; i++) {
		if (atomic_load_explicit(&emu->irqs[i], memory_order_relaxed))
			return true;
	}
	return false;
}

/* Raise interrupts that were posted, with the core lock held: it is dropped meanwhile. */
static void flush(struct mho_emu *emu)
{
	if (!irqs_posted(emu))
		return;
	pthread_mutex_unlock(&emu->lock);
	mho_irq_flush(emu);
	pthread_mutex_lock(&emu->lock);
}

static void *worker_main(void *arg)
{
	struct mho_worker *w = arg;
	struct mho_emu *emu = w->emu;

	pthread_mutex_lock(&emu->lock);
	while (!emu->quit) {
		unsigned int seen = atomic_load(&emu->event);
		bool did = step(w);

		flush(emu);
		if (!did && !emu->quit)
			rest(w, seen);
	}
	pthread_mutex_unlock(&emu->lock);
	return NULL;
}

/* One request or admin command, with the core lock held. Return: whether there was one. */
static bool manage(struct mho_worker *w)
{
	struct mho_emu *emu = w->emu;

	if (atomic_load(&emu->requests)) {
		emu->controlling = true;
		mho_control(w);
		emu->controlling = false;
	} else if (atomic_load(&emu->admin_rung) && emu->serving && !emu->freeze) {
		emu->administering = true;
		mho_admin_run(w);
		emu->administering = false;
	} else {
		return false;
	}
	pthread_cond_broadcast(&emu->idle);
	mho_notify(emu);
	return true;
}

/* Do what is due at a time. Return: the next such time after @now, or 0. */
static uint64_t deadlines(struct mho_emu *emu, uint64_t now)
{
	const uint64_t due[] = { mho_queue_deadlines(emu, now), mho_fault_expire(emu, now),
				 mho_thermal_expire(emu, now) };
	uint64_t first = 0;

	for (unsigned int i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
		if (due[i] && (!first || due[i] < first))
			first = due[i];
	}
	return first;
}

void mho_wake_manager_at(struct mho_emu *emu, uint64_t due)
{
	if (emu->manager_until && emu->manager_until <= due)
		return;
	emu->manager_until = due;
	mho_notify_manager(emu);
}

static void *manager_main(void *arg)
{
	struct mho_worker *w = arg;
	struct mho_emu *emu = w->emu;

	pthread_mutex_lock(&emu->lock);
	while (!emu->quit) {
		unsigned int seen = atomic_load(&emu->manager_event);
		bool did = manage(w);
		uint64_t now = mho_now_ns();

		emu->manager_until = deadlines(emu, now);
		flush(emu);
		if (did || emu->quit)
			continue;
		now = emu->manager_until ? emu->manager_until - now : 0;
		pthread_mutex_unlock(&emu->lock);
		mho_futex_wait(&emu->manager_event, seen, now);
		pthread_mutex_lock(&emu->lock);
	}
	pthread_mutex_unlock(&emu->lock);
	return NULL;
}

static int start(struct mho_emu *emu, struct mho_worker *w, void *(*main)(void *), const char *name)
{
	int err;

	w->emu = emu;
	err = pthread_create(&w->thread, NULL, main, w);
	if (!err)
		pthread_setname_np(w->thread, name);
	return err;
}

int mho_workers_start(struct mho_emu *emu, unsigned int threads)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int i;
	int err;

	if (!threads)
		threads = cpus > 0 ? cpus : 1;
	emu->spin = cpus > 1;
	emu->workers = calloc(threads, sizeof(*emu->workers));
	if (!emu->workers)
		return -ENOMEM;
	pthread_mutex_lock(&emu->lock);
	err = start(emu, &emu->manager, manager_main, "mho-manager");
	emu->managed = !err;
	for (i = 0; i < threads && !err; i++) {
		char name[16];

		snprintf(name, sizeof(name), "mho-worker%u", i % 1000);
		err = start(emu, &emu->workers[i], worker_main, name);
		emu->n_workers += !err;
	}
	pthread_mutex_unlock(&emu->lock);
	return -err;
}

static void join(struct mho_worker *w)
{
	unsigned int use;

	pthread_join(w->thread, NULL);
	for (use = 0; use < MHO_SCRATCH_USES; use++)
		free(w->scratch[use].ptr);
}

void mho_workers_stop(struct mho_emu *emu)
{
	unsigned int i;

	pthread_mutex_lock(&emu->lock);
	emu->quit = true;
	pthread_mutex_unlock(&emu->lock);
	mho_notify_all(emu);
	mho_notify_manager(emu);
	if (emu->managed)
		join(&emu->manager);
	for (i = 0; i < emu->n_workers; i++)
		join(&emu->workers[i]);
	free(emu->workers);
	emu->workers = NULL;
	emu->n_workers = 0;
	emu->managed = false;
}

void *mho_scratch(struct mho_worker *w, enum mho_scratch_use use, size_t size)
{
	struct mho_scratch *s = &w->scratch[use];

	if (size <= s->size)
		return s->ptr;
	size = (size + size / 4 + 63) & ~(size_t)63;
	free(s->ptr);
	s->ptr = aligned_alloc(64, size);
	s->size = s->ptr ? size : 0;
	return s->ptr;
}
