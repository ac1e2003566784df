/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * io_uring for tests of the driver's commands: rings with any flags, the commands' SQEs, their
 * completions. On bare system calls, since tests write SQEs and read CQEs of kinds that libraries
 * do not know, and while the kernel reads them.
 *
 * Functions return 0 (or what they say) or -errno, and judge nothing.
 */
#ifndef MHO_TEST_URING_H
#define MHO_TEST_URING_H

#include <linux/io_uring.h>

#include "mho_test_lib.h"

/* Commands that a test has in flight where it wants many. */
#define MT_MANY 300

/* --- mho_test_uring.c: rings --- */

/**
 * struct mt_ring - a ring
 * @fd: its descriptor
 * @flags: IORING_SETUP_*
 * @entries: of its submission queue
 * @tail: of the submission queue, with what the kernel was not told of yet
 * @sq_head: of the submission queue, the kernel's
 * @sq_tail: what the kernel was told of
 * @sq_flags: IORING_SQ_*
 * @cq_head: of the completion queue
 * @cq_tail: of the completion queue, the kernel's
 * @cq_mask: makes an index of a position
 * @cqes: completion queue
 * @sqes: submission queue's entries
 * @rings: mapping of the queues
 * @rings_size: its bytes
 * @sqes_size: bytes of the mapping of entries
 */
struct mt_ring {
	int fd;
	uint32_t flags;
	uint32_t entries;
	uint32_t tail;
	uint32_t *sq_head;
	uint32_t *sq_tail;
	uint32_t *sq_flags;
	uint32_t *cq_head;
	uint32_t *cq_tail;
	uint32_t cq_mask;
	struct io_uring_cqe *cqes;
	uint8_t *sqes;
	void *rings;
	size_t rings_size;
	size_t sqes_size;
};

/**
 * struct mt_cqe - a completion, of whatever size it was
 * @user_data: of its SQE
 * @res: result
 * @flags: IORING_CQE_F_*
 * @device_ns: what 32-byte ones have first; 0 of others
 */
struct mt_cqe {
	uint64_t user_data;
	int32_t res;
	uint32_t flags;
	uint64_t device_ns;
};

/**
 * mt_ring_open() - make a ring
 * @ring: the ring
 * @entries: SQEs that fit
 * @flags: IORING_SETUP_*
 *
 * Return: 0 or -errno; -EINVAL also where the kernel does not know a flag.
 */
int mt_ring_open(struct mt_ring *ring, uint32_t entries, uint32_t flags);

/**
 * mt_ring_close() - let go of a ring, whatever is in flight
 * @ring: the ring
 */
void mt_ring_close(struct mt_ring *ring);

/**
 * mt_ring_sqe() - the next SQE, zeroed
 * @ring: the ring
 * @big: 128 bytes of it, where the ring has SQEs of both sizes
 *
 * Return: the SQE, NULL if there is no room.
 */
struct io_uring_sqe *mt_ring_sqe(struct mt_ring *ring, bool big);

/**
 * mt_ring_submit() - hand the kernel all SQEs
 * @ring: the ring
 *
 * With SQPOLL they are the kernel's, but may not have been read yet.
 *
 * Return: 0 or -errno.
 */
int mt_ring_submit(struct mt_ring *ring);

/**
 * mt_ring_drop() - forget the SQEs that the kernel has not read
 * @ring: the ring, without SQPOLL
 */
void mt_ring_drop(struct mt_ring *ring);

/**
 * mt_ring_peek() - the next completion, if there is one
 * @ring: the ring
 * @cqe: where it goes
 *
 * Return: 0, -EAGAIN, -errno.
 */
int mt_ring_peek(struct mt_ring *ring, struct mt_cqe *cqe);

/**
 * mt_ring_wait() - the next completion
 * @ring: the ring
 * @cqe: where it goes
 *
 * Return: 0, -ETIME after MT_WAIT_NS, -errno.
 */
int mt_ring_wait(struct mt_ring *ring, struct mt_cqe *cqe);

/**
 * mt_ring_finish() - submit, and wait for completions
 * @ring: the ring
 * @cqes: where they go, in the order in which they come
 * @count: how many
 *
 * Return: 0 or -errno.
 */
int mt_ring_finish(struct mt_ring *ring, struct mt_cqe *cqes, uint32_t count);

/**
 * mt_ring_one() - submit one command, and wait for it
 * @ring: the ring, on which nothing else is in flight
 *
 * Return: its result; -EPROTO if there was another completion, -errno of what failed before.
 */
int mt_ring_one(struct mt_ring *ring);

/* io_uring_register(), 0 or -errno. */
int mt_ring_register(struct mt_ring *ring, unsigned int what, const void *arg, uint32_t count);

/* --- mho_test_commands.c: the driver's commands --- */

/**
 * mt_ring_cmd() - the next SQE with a command
 * @ring: the ring
 * @fd: node
 * @op: DRM_URING_MHO_*
 * @payload: what belongs to it; cut where the ring's SQEs have less room
 * @size: bytes of it
 * @user_data: of the SQE
 *
 * Return: the SQE, to be changed further; NULL if there is no room.
 */
struct io_uring_sqe *mt_ring_cmd(struct mt_ring *ring, int fd, uint32_t op, const void *payload,
				 size_t size, uint64_t user_data);

/* The same for each command; on the session's node and context. */
struct io_uring_sqe *mt_ring_job(struct mt_ring *ring, const struct mt_session *s,
				 const struct drm_mho_job *job, const struct drm_mho_uring_ext *ext,
				 uint64_t user_data);
struct io_uring_sqe *mt_ring_batch(struct mt_ring *ring, const struct mt_session *s,
				   const struct drm_mho_submit *args, uint64_t user_data);
struct io_uring_sqe *mt_ring_run(struct mt_ring *ring, const struct mt_session *s,
				 const struct drm_mho_uring_run *run, uint64_t user_data);
struct io_uring_sqe *mt_ring_cancel(struct mt_ring *ring, const struct mt_session *s,
				    uint32_t flags, uint64_t which, uint64_t user_data);

/* The payload of an SQE, in place. */
void *mt_sqe_payload(struct io_uring_sqe *sqe);

/**
 * mt_prepare_args() - a PREPARE without results, slots and steps, of 1 run
 * @s: session
 * @jobs: jobs
 * @count: how many
 *
 * Return: the arguments.
 */
struct drm_mho_prepare mt_prepare_args(const struct mt_session *s,
				       const struct drm_mho_prepared_job *jobs, uint32_t count);
/* 0 or -errno; the handle is in the arguments. */
int mt_prepare(int fd, struct drm_mho_prepare *args);
int mt_unprepare(int fd, uint32_t handle);

/**
 * mt_prepare_nop() - prepare a NOP, or one that waits for all that is in flight
 * @s: session
 * @flags: of the job
 * @runs: at once
 * @handle: its handle
 *
 * Return: 0 or -errno.
 */
int mt_prepare_nop(const struct mt_session *s, uint8_t flags, uint32_t runs, uint32_t *handle);

/**
 * mt_ring_fill() - submit runs with the numbers 0 to count - 1
 * @ring: the ring
 * @s: session
 * @run: of what is prepared
 * @count: how many
 *
 * Return: 0 or -errno, -ENOSPC if they do not fit.
 */
int mt_ring_fill(struct mt_ring *ring, const struct mt_session *s,
		 const struct drm_mho_uring_run *run, uint32_t count);

/**
 * mt_ring_wrong() - wait for commands with such numbers, and nothing else
 * @ring: the ring
 * @count: how many, up to 2 * MT_MANY
 * @res: result that each should have, once
 *
 * Return: how many completions were not as they should be, or -errno.
 */
int mt_ring_wrong(struct mt_ring *ring, uint32_t count, int res);

/* The state of the session's context; all zero if it cannot be had. */
struct drm_mho_ctx_state mt_ctx_state(const struct mt_session *s);

/* Waits until no job of the session's context is in flight: 0, or -ETIMEDOUT. */
int mt_ctx_idle(const struct mt_session *s);

/* RESET of the session's context. */
int mt_ctx_reset(const struct mt_session *s);

/* Holds back all later jobs of the session's context: one that waits for a fence; 0 or -errno. */
int mt_hold_back(const struct mt_session *s, struct mt_hold *hold);

/**
 * mt_pin() - have the device hang at a job of the session's
 * @s: session; nobody else may submit anything meanwhile
 *
 * Jobs with DRM_MHO_JOB_FENCE stay behind it, until mt_ctx_reset() or the end of the context.
 *
 * Return: 0 or -errno.
 */
int mt_pin(const struct mt_session *s);

/* --- mho_test_batches.c: SUBMIT commands in plenty --- */

#define MT_BATCHES 24
#define MT_BATCH 8
/* Jobs of all of them. */
#define MT_BATCHES_JOBS (MT_BATCHES * MT_BATCH)

/**
 * struct mt_batches - what became of batches
 * @done: commands that completed with 0
 * @failed: those that did not
 * @jobs_done: jobs with result 0
 * @jobs_failed: jobs with another result
 */
struct mt_batches {
	uint32_t done, failed;
	uint32_t jobs_done, jobs_failed;
};

/**
 * mt_batches_fill() - submit MT_BATCHES commands of MT_BATCH NOPs, each job behind all before it
 * @ring: the ring
 * @s: session, whose results are theirs
 *
 * Return: 0 or -errno, -ENOSPC if they do not fit.
 */
int mt_batches_fill(struct mt_ring *ring, const struct mt_session *s);

/**
 * mt_batches_end() - wait for them, and nothing else
 * @ring: the ring
 * @s: session
 * @error: the one that jobs may have ended with; -ECANCELED, too, behind such in a batch
 * @batches: what became of them
 *
 * Return: how many commands were not completed once, with what the first of their jobs that failed
 * ended with, or have a job that has no result or another one; or -errno.
 */
int mt_batches_end(struct mt_ring *ring, const struct mt_session *s, int error,
		   struct mt_batches *batches);

#endif /* MHO_TEST_URING_H */
