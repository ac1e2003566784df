// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The way in by io_uring: a command for each job, an entry of the completion queue for
 * each that is done. What came of it is read from its result, which the driver has
 * written before.
 *
 * The ring is bound to the thread that uses the queue first (accel_ring.h). When
 * another thread comes, the queue gets a ring that is open to all, for good: who does
 * this once will do it again. Jobs that are in flight then stay with the former ring,
 * whose completions only its thread could fetch. They are found by their results,
 * and a barrier behind them makes an entry in the new ring when the last of them is
 * done.
 *
 * Jobs that have no entry in the ring that is in use are the *strays*: those, and the
 * ones that were refused before the kernel had them. All have running numbers below
 * @strays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/accel_prepared.h"
#include "backend/accel_queue.h"
#include "backend/accel_ring.h"
#include "backend/accel_seq.h"
#include "core/trace.h"

/* Of the submission queue: what is pushed beyond that goes on its way at once. */
#define ENTRIES_MAX 256
/* Prepared jobs set memory aside for each run, of a share that all queues of a file have. */
#define RUNS_MAX 128
/* Completions that are looked at at once; on the stack. */
#define REAP_MAX 64
/* user_data of what is nobody's job. */
#define NOBODY UINT64_MAX
/* How often strays are looked for: at first after this time, then after twice as long. */
#define LOOK_MIN_NS 100000ULL
#define LOOK_MAX_NS 16000000ULL
/* How long, and how often, a kernel that is short of memory is asked again. */
#define BUSY_PAUSE_NS 100000
#define BUSY_TRIES 10000

/**
 * struct accelb_uring - what the way by io_uring needs
 * @ring: the ring that is in use
 * @former: the ring of the thread that used the queue first; in flight there may be strays
 * @has_former: there is one
 * @err: why there is no ring that could be used, 0 if there is
 * @strays: running number behind the last stray
 * @listening: the eventfd may have been written since it was read last
 * @exts: for each entry, where its result goes
 * @runs: for each entry, the prepared job
 * @cache: prepared jobs
 */
struct accelb_uring {
	struct accelb_ring ring;
	struct accelb_ring former;
	bool has_former;
	int err;
	uint32_t strays;
	bool listening;
	struct drm_mho_uring_ext *exts;
	struct accelb_run *runs;
	struct accelb_cache cache;
};

/* ---- prepared jobs ---- */

static int prepare(void *arg, const struct drm_mho_prepared_job *job, uint32_t a_slots,
		   uint32_t b_slots, uint32_t *handle)
{
	struct accelb_queue *q = arg;
	struct drm_mho_prepare args = {
		.ctx = q->ctx,
		.jobs = (uintptr_t)job,
		.job_count = 1,
		.job_stride = sizeof(*job),
		.runs = q->uring->cache.runs,
		.a_slots = a_slots,
		.b_slots = b_slots,
		.result_slots = q->mask + 1,
		.result_handle = (uint32_t)q->memory.id,
	};
	int err;

	err = accelb_ioctl(q->dev->fd, DRM_IOCTL_MHO_PREPARE, &args);
	*handle = args.handle;
	return err;
}

static void unprepare(void *arg, uint32_t handle)
{
	accelb_unprepare(((struct accelb_queue *)arg)->dev, handle);
}

static uint64_t buffer_size(void *arg, uint32_t buffer)
{
	struct drm_mho_bo_info args = { .handle = buffer };

	return accelb_ioctl(((struct accelb_queue *)arg)->dev->fd, DRM_IOCTL_MHO_BO_INFO, &args) ?
		       0 :
		       args.size;
}

static const struct accelb_cache_ops cache_ops = {
	.prepare = prepare,
	.unprepare = unprepare,
	.size = buffer_size,
};

static uint32_t at_most(uint32_t n, uint32_t limit)
{
	return n < limit ? n : limit;
}

/* ---- making and ending ---- */

static int open_ring(struct accelb_queue *q, struct accelb_ring *ring, bool bound)
{
	uint32_t completions = q->mask + 1;

	return accelb_ring_open(ring, q->dev->fd, q->event.fd, at_most(completions, ENTRIES_MAX),
				completions, bound);
}

static int init(struct accelb_queue *q)
{
	uint32_t entries = q->mask + 1;
	struct accelb_uring *u = calloc(1, sizeof(*u));
	int err;

	q->uring = u;
	if (!u)
		return mrt_fail(-ENOMEM, "out of memory for a queue of depth %u", q->depth);
	accelb_cache_init(&u->cache, &cache_ops, q, at_most(q->depth, RUNS_MAX));
	accelb_caches_add(q->dev, &u->cache);
	/* Not open yet: for quit(). */
	u->err = -ENODEV;
	u->listening = true;
	u->exts = calloc(entries, sizeof(*u->exts));
	u->runs = calloc(entries, sizeof(*u->runs));
	if (!u->exts || !u->runs)
		return mrt_fail(-ENOMEM, "out of memory for a queue of depth %u", q->depth);
	for (uint32_t i = 0; i < entries; i++) {
		u->exts[i].result_handle = (uint32_t)q->memory.id;
		u->exts[i].result_offset = i * sizeof(*q->results);
	}
	err = open_ring(q, &u->ring, true);
	if (err)
		return mrt_fail(err, "no io_uring for a queue: %s (%s)", accelb_ring_refusal(err),
				mho_strerror(err));
	u->err = 0;
	return 0;
}

static void close_former(struct accelb_uring *u)
{
	if (u->has_former)
		accelb_ring_close(&u->former);
	u->has_former = false;
}

static void quit(struct accelb_queue *q)
{
	struct accelb_uring *u = q->uring;

	if (!u)
		return;
	accelb_caches_remove(q->dev, &u->cache);
	accelb_cache_exit(&u->cache);
	if (!u->err)
		accelb_ring_close(&u->ring);
	close_former(u);
	free(u->exts);
	free(u->runs);
	free(u);
}

/* ---- threads ---- */

/* The ring is of no use any more: who is in flight there is found by the result alone. */
static void leave_ring(struct accelb_queue *q, int err)
{
	struct accelb_uring *u = q->uring;

	close_former(u);
	u->former = u->ring;
	u->has_former = true;
	u->err = err;
	u->strays = atomic_load(&q->tail);
	accelb_ring_unbind(&u->former);
}

/* Tells the ring's owner when all strays are done. */
static void follow_strays(struct accelb_queue *q)
{
	struct drm_mho_uring_job barrier = { .job = { .op = DRM_MHO_OP_BARRIER }, .ctx = q->ctx };

	accelb_ring_command(&q->uring->ring, DRM_URING_MHO_JOB, NOBODY, &barrier, sizeof(barrier));
	io_uring_submit(&q->uring->ring.uring);
	mrt_trace_aside(q->base.trace);
}

static int change_thread(struct accelb_queue *q)
{
	struct accelb_uring *u = q->uring;
	int err;

	leave_ring(q, 0);
	err = open_ring(q, &u->ring, false);
	if (err) {
		u->err = err;
		mrt_log(q->dev->log, MHO_LOG_ERROR,
			"a second thread uses a queue, which needs another io_uring for it: %s "
			"(%s); jobs on this queue fail from now on",
			accelb_ring_refusal(err), mho_strerror(err));
		return err;
	}
	if (atomic_load(&q->head) != u->strays)
		follow_strays(q);
	return 0;
}

/* Before any use of the ring. 0, or why there is none. */
static int enter(struct accelb_queue *q)
{
	struct accelb_uring *u = q->uring;
	int err;

	if (u->err || !u->ring.bound || u->ring.owner == accelb_thread())
		return u->err;
	if (u->ring.owner)
		return change_thread(q);
	err = accelb_ring_bind(&u->ring);
	if (err)
		leave_ring(q, err);
	return err;
}

/* ---- handing over ---- */

/* What was not submitted, up to running number @next, is refused, and the ring not used again. */
static void give_up(struct accelb_queue *q, uint32_t next, int err)
{
	uint32_t left = io_uring_sq_ready(&q->uring->ring.uring);

	mrt_log(q->dev->log, MHO_LOG_ERROR,
		"the kernel refuses an io_uring that it has made: %s; jobs on this queue fail from "
		"now on",
		mho_strerror(err));
	leave_ring(q, err);
	while (left)
		accelb_end_job(q, next - left--, err);
	accelb_event_tell(&q->event);
}

/*
 * Has the kernel take all commands, up to running number @next; those that it refuses have a
 * completion, too.
 */
static void submit(struct accelb_queue *q, uint32_t next)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
	struct io_uring *ring = &q->uring->ring.uring;
	int err, tries = 0;

	while (io_uring_sq_ready(ring)) {
		err = io_uring_submit(ring);
		if (err > 0 || err == -EINTR)
			continue;
		/* Short of memory, or completions that did not find room have to be fetched. */
		if ((!err || err == -EAGAIN || err == -EBUSY || err == -ENOMEM) &&
		    tries++ < BUSY_TRIES) {
			io_uring_get_events(ring);
			nanosleep(&pause, NULL);
			continue;
		}
		give_up(q, next, err ? err : -EBUSY);
		return;
	}
}

/* For a job that was entered already: 0, or it is done with an error. */
static int ready_ring(struct accelb_queue *q, uint32_t number)
{
	struct accelb_uring *u = q->uring;
	int err = enter(q);

	if (!err && !io_uring_sq_space_left(&u->ring.uring)) {
		submit(q, number);
		err = u->err;
	}
	if (err) {
		u->strays = number + 1;
		accelb_end_job(q, number, err);
		accelb_event_tell(&q->event);
	}
	return err;
}

static void push(struct accelb_queue *q, const struct drm_mho_job *job, uint32_t number)
{
	uint32_t entry = number & q->mask;
	struct accelb_uring *u = q->uring;
	struct drm_mho_uring_run run = { .result_slot = entry };
	struct drm_mho_uring_job cmd;

	if (ready_ring(q, number))
		return;
	if (accelb_cache_use(&u->cache, job, &run, &u->runs[entry])) {
		accelb_ring_command(&u->ring, DRM_URING_MHO_RUN, number, &run, sizeof(run));
		return;
	}
	cmd = (struct drm_mho_uring_job){
		.job = *job,
		.ctx = q->ctx,
		.ext = (uintptr_t)&u->exts[entry],
	};
	accelb_ring_command(&u->ring, DRM_URING_MHO_JOB, number, &cmd, sizeof(cmd));
}

static void push_seq(struct accelb_queue *q, struct accelb_seq_run *run, uint32_t number)
{
	struct drm_mho_uring_run cmd = {
		.handle = run->seq->handle,
		.a_slot = run->args.a_slot,
		.b_slot = run->args.b_slot,
		.result_slot = run->slot,
	};

	if (!ready_ring(q, number))
		accelb_ring_command(&q->uring->ring, DRM_URING_MHO_RUN, number, &cmd, sizeof(cmd));
}

static void kick(struct accelb_queue *q)
{
	if (!enter(q))
		submit(q, atomic_load(&q->tail));
}

/* ---- taking back ---- */

/* A completion of this or the former ring: the job's result is final. */
static bool note_completion(struct accelb_queue *q, const struct io_uring_cqe *cqe)
{
	uint32_t number = (uint32_t)cqe->user_data, head = atomic_load(&q->head);

	/* Strays may have been reaped before. */
	if (cqe->user_data == NOBODY || number - head >= atomic_load(&q->tail) - head)
		return false;
	accelb_end_job(q, number, cqe->res);
	return accelb_is_ready(q, number);
}

static void take(struct accelb_queue *q, uint32_t number, struct mrt_done *done)
{
	accelb_cache_done(&q->uring->cache, &q->uring->runs[number & q->mask]);
	accelb_take(q, number, done);
}

static bool has_strays(const struct accelb_queue *q)
{
	return (int32_t)(q->uring->strays - atomic_load(&q->head)) > 0;
}

/* What the former ring's thread has left in its completion queue: refusals, for instance. */
static void read_former(struct accelb_queue *q)
{
	struct io_uring *ring = &q->uring->former.uring;
	struct io_uring_cqe *cqes[REAP_MAX];
	unsigned int n;

	while (q->uring->has_former && io_uring_cq_ready(ring)) {
		n = io_uring_peek_batch_cqe(ring, cqes, REAP_MAX);
		for (unsigned int i = 0; i < n; i++)
			note_completion(q, cqes[i]);
		io_uring_cq_advance(ring, n);
	}
}

static bool stray_is_ready(struct accelb_queue *q)
{
	read_former(q);
	for (uint32_t i = atomic_load(&q->head); (int32_t)(q->uring->strays - i) > 0; i++)
		if (accelb_is_ready(q, i))
			return true;
	return false;
}

static uint32_t reap_strays(struct accelb_queue *q, struct mrt_done *done, uint32_t max)
{
	uint32_t n = 0;

	read_former(q);
	for (uint32_t i = atomic_load(&q->head); (int32_t)(q->uring->strays - i) > 0 && n < max;
	     i++)
		if (accelb_is_ready(q, i))
			take(q, i, &done[n++]);
	return n;
}

static uint32_t reap_completions(struct accelb_queue *q, struct mrt_done *done, uint32_t max)
{
	struct io_uring *ring = &q->uring->ring.uring;
	struct io_uring_cqe *cqes[REAP_MAX];
	uint32_t n = 0, got;

	while (n < max) {
		got = io_uring_peek_batch_cqe(ring, cqes, at_most(max - n, REAP_MAX));
		if (!got)
			break;
		for (uint32_t i = 0; i < got; i++)
			if (note_completion(q, cqes[i]))
				take(q, (uint32_t)cqes[i]->user_data, &done[n++]);
		io_uring_cq_advance(ring, got);
	}
	return n;
}

/* Entries of jobs that were reaped are free again, in order. */
static void retire(struct accelb_queue *q)
{
	uint32_t head = atomic_load(&q->head), tail = atomic_load(&q->tail);

	while (head != tail && !q->entries[head & q->mask].cookie)
		head++;
	atomic_store(&q->head, head);
	if (!has_strays(q) && !q->uring->err)
		close_former(q->uring);
}

/* Whether the kernel writes the eventfd; for a ring that all may use it does so always. */
static void set_listening(struct accelb_queue *q, bool on)
{
	struct accelb_uring *u = q->uring;

	q->armed = on;
	u->listening |= on;
	if (!u->err && u->ring.deferred)
		io_uring_cq_eventfd_toggle(&u->ring.uring, on);
	else
		u->listening = true;
}

static int reap(struct accelb_queue *q, struct mrt_done *done, uint32_t max)
{
	uint32_t n = 0;
	int err = enter(q);

	if (has_strays(q))
		n = reap_strays(q, done, max);
	if (!err)
		n += reap_completions(q, done + n, max - n);
	if (n) {
		if (q->armed)
			set_listening(q, false);
		retire(q);
	}
	return (int)n;
}

/* Whether a completion is there, or would be if the kernel were asked. */
static bool is_told(const struct io_uring *ring)
{
	return io_uring_cq_ready(ring) ||
	       IO_URING_READ_ONCE(*ring->sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static int arm(struct accelb_queue *q)
{
	struct accelb_uring *u = q->uring;
	int err = enter(q);

	if (u->listening) {
		accelb_event_clear(&q->event);
		u->listening = false;
	}
	if (!err)
		set_listening(q, true);
	/* The kernel looks at the switch after it has put something in. */
	atomic_thread_fence(memory_order_seq_cst);
	if (has_strays(q) && stray_is_ready(q))
		return 1;
	if (err && has_strays(q))
		return mrt_fail(-EIO, "the card's completions cannot be waited for: %s",
				mho_strerror(err));
	return !err && is_told(&u->ring.uring);
}

/* ---- waiting ---- */

static struct __kernel_timespec timespec_of(uint64_t ns)
{
	return (struct __kernel_timespec){
		.tv_sec = (long long)(ns / 1000000000),
		.tv_nsec = (long long)(ns % 1000000000),
	};
}

/* 0, -ETIME, or what io_uring gave. */
static int wait_ring(struct accelb_queue *q, uint32_t n, uint64_t timeout)
{
	struct __kernel_timespec ts = timespec_of(timeout);
	struct io_uring_cqe *cqe;
	int err;

	err = io_uring_wait_cqes(&q->uring->ring.uring, &cqe, n,
				 timeout == MRT_FOREVER ? NULL : &ts, NULL);
	return err == -EINTR || err == -EAGAIN ? 0 : err;
}

/* Waits for a stray, or for what the ring has; without a ring just so. */
static int wait_strays(struct accelb_queue *q, bool ring, uint64_t deadline)
{
	uint64_t now, look = LOOK_MIN_NS;
	struct timespec pause;
	int err;

	for (; !stray_is_ready(q); look = look < LOOK_MAX_NS ? look * 2 : look) {
		now = mrt_now_ns();
		if (now >= deadline)
			return -ETIME;
		if (deadline - now < look)
			look = deadline - now;
		if (!ring) {
			pause = (struct timespec){ .tv_nsec = (long)look };
			nanosleep(&pause, NULL);
			continue;
		}
		err = wait_ring(q, 1, look);
		if (err != -ETIME)
			return err;
	}
	return 0;
}

static int wait_completions(struct accelb_queue *q, uint32_t n, uint64_t deadline)
{
	uint64_t now;

	/* A sequence is one completion, whatever it consists of. */
	n = at_most(n, q->pending);
	if (!n)
		return 0;
	if (deadline == MRT_FOREVER)
		return wait_ring(q, n, MRT_FOREVER);
	now = mrt_now_ns();
	return now < deadline ? wait_ring(q, n, deadline - now) : -ETIME;
}

static int wait_until(struct accelb_queue *q, uint32_t n, uint64_t deadline)
{
	int err = enter(q);

	if (has_strays(q))
		err = wait_strays(q, !err, deadline);
	else if (!err)
		err = wait_completions(q, n, deadline);
	if (err && err != -ETIME)
		return mrt_fail(-EIO, "waiting for the card failed: %s", mho_strerror(err));
	return err;
}

const struct accelb_way accelb_way_uring = {
	.init = init,
	.exit = quit,
	.push = push,
	.push_seq = push_seq,
	.kick = kick,
	.reap = reap,
	.wait = wait_until,
	.arm = arm,
};
