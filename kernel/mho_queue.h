/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A hardware queue: its rings, and the commands in flight on it. Knows nothing about programs, the
 * scheduler or how a command was made; whoever submits hands in commands with a group, and hears
 * when each is done.
 */
#ifndef MHO_QUEUE_H
#define MHO_QUEUE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "mho_coalesce.h"
#include "mho_hw.h"

struct mho_device;
struct mho_vector;
struct mho_group;
struct mho_array;
struct mho_key;
struct drm_mho_result;

/**
 * enum mho_cmd_state - where a command is
 * @MHO_CMD_NEW: not handed to the device
 * @MHO_CMD_FLYING: in the ring
 * @MHO_CMD_ABORTED: a reset cut it off before it had done anything
 * @MHO_CMD_DONE: complete
 */
enum mho_cmd_state {
	MHO_CMD_NEW,
	MHO_CMD_FLYING,
	MHO_CMD_ABORTED,
	MHO_CMD_DONE,
};

/**
 * struct mho_cmd - a command
 * @link: in the queue's list of commands that wait, or of those in flight; in order
 * @group: it belongs to
 * @array: its array, or NULL
 * @dst: destination array of TRANSFER, or NULL
 * @a: key of operand a, or NULL
 * @b: key of operand b, or NULL
 * @sqe: what the device gets, but for numbers that a reset may change
 * @cid: as the device knows it
 * @index: its place in the group, for whoever traces
 * @state: enum mho_cmd_state
 * @writes: it writes weights
 * @window: an operand is in the tiles' buffers
 * @losses: &mho_windows.losses when it was made
 */
struct mho_cmd {
	struct list_head link;
	struct mho_group *group;
	struct mho_array *array;
	struct mho_array *dst;
	struct mho_key *a;
	struct mho_key *b;
	struct mho_hw_sqe sqe;
	u16 cid;
	u16 index;
	u8 state;
	bool writes;
	bool window;
	u32 losses;
};

/**
 * struct mho_done - how a command ended
 * @status: 0, device status or -errno
 * @result: as the device has it
 * @detail: likewise
 * @device_ns: device time
 * @energy_fj: energy
 */
struct mho_done {
	s32 status;
	u32 result;
	u32 detail;
	u64 device_ns;
	u64 energy_fj;
};

/**
 * struct mho_group - commands that were submitted together
 * @left: commands that are not done
 * @started: the ring has had one of them
 * @error: first failure, -errno
 * @seqno: its number in its context, for whoever traces
 */
struct mho_group {
	unsigned int left;
	bool started;
	int error;
	u64 seqno;
};

/**
 * struct mho_queue - a queue
 * @mdev: device
 * @vector: its interrupt vector
 * @link: in the list of the vector, under RCU
 * @id: its number, 0 while it has none
 * @order: log2 of the entries
 * @priority: as the device has it
 * @sq: submission ring
 * @cq: completion ring
 * @sq_dma: its bus address
 * @cq_dma: its bus address
 * @shadow: doorbells in memory, or NULL
 * @shadow_dma: its bus address
 * @lock: of all that follows
 * @flying: commands in the ring, in its order
 * @waiting: commands behind them that have no room there, or wait for the queue to go on
 * @slots: by the lower bits of the cid
 * @cids: cids that are free, a ring
 * @cid_head: next one to take
 * @cid_tail: next one to give back
 * @tail: running number of the next entry of @sq
 * @head: running number of the next entry of @cq; read without the lock by the interrupt
 * @told_tail: what the device has been told of @tail
 * @told_head: what the device has been told of @head
 * @doorbells: that were rung
 * @doorbells_lost: times that one was rung again since nothing had come of it
 * @reaps: times that completions were found
 * @reaped: completions
 * @coalesce: how long their interrupts are kept back
 * @fault: tells whoever runs the queue that the device has stopped it; under @lock, from the
 *         interrupt
 * @faulted: it has
 * @stopped: the device must not be touched; commands wait
 * @lost: the queue is gone
 * @last_done: jiffies of the last completion, or of the first command after idleness
 */
struct mho_queue {
	struct mho_device *mdev;
	struct mho_vector *vector;
	struct list_head link;
	u16 id;
	u8 order;
	u8 priority;
	struct mho_hw_sqe *sq;
	struct mho_hw_cqe *cq;
	dma_addr_t sq_dma;
	dma_addr_t cq_dma;
	struct mho_hw_shadow *shadow;
	dma_addr_t shadow_dma;
	spinlock_t lock; /* of all that follows */
	struct list_head flying;
	struct list_head waiting;
	struct mho_cmd **slots;
	u16 *cids;
	u32 cid_head;
	u32 cid_tail;
	u32 tail;
	u32 head;
	u32 told_tail;
	u32 told_head;
	u64 doorbells;
	u64 doorbells_lost;
	u64 reaps;
	u64 reaped;
	struct mho_coalesce coalesce;
	void (*fault)(struct mho_queue *queue);
	bool faulted;
	bool stopped;
	int lost;
	unsigned long last_done;
};

static inline unsigned int mho_queue_size(const struct mho_queue *queue)
{
	return 1U << queue->order;
}

/*
 * Whoever makes groups defines these, and is told with them, under the queue's lock, interrupts
 * off. Not by pointers: calls through these are slow on processors that must not guess where they
 * go.
 */
void mho_group_cmd_done(struct mho_group *group, struct mho_cmd *cmd, const struct mho_done *done);
void mho_group_all_done(struct mho_group *group);
void mho_group_many_begin(struct mho_queue *queue);
void mho_group_many_end(struct mho_queue *queue);

void mho_cmd_sqe(const struct mho_cmd *cmd, struct mho_hw_sqe *sqe);
int mho_queue_alloc(struct mho_device *mdev, struct mho_queue *queue, unsigned int order,
		    unsigned int priority);
void mho_queue_free(struct mho_queue *queue);
int mho_queue_create(struct mho_queue *queue, u16 context);
void mho_queue_delete(struct mho_queue *queue);
int mho_queue_restore(struct mho_queue *queue, u16 context);
bool mho_queue_has_done(const struct mho_queue *queue);
int mho_queue_add(struct mho_queue *queue, struct mho_group *group, struct mho_cmd *cmds,
		  unsigned int count);
void mho_queue_ring(struct mho_queue *queue);
bool mho_queue_withdraw(struct mho_queue *queue, struct mho_group *group, struct mho_cmd *cmds,
			unsigned int count);
unsigned int mho_queue_reap(struct mho_queue *queue);
bool mho_queue_slow(struct mho_queue *queue, unsigned long timeout);
int mho_queue_reset(struct mho_queue *queue, u64 guilty, int error);
int mho_queue_reset_all(struct mho_queue *queue);
void mho_queue_stop(struct mho_queue *queue);
void mho_queue_cut_off(struct mho_queue *queue, u64 guilty, int error);
void mho_queue_start(struct mho_queue *queue);
bool mho_queue_busy(struct mho_queue *queue);
u64 mho_queue_oldest(struct mho_queue *queue);
void mho_queue_detach(struct mho_queue *queue);
void mho_queue_fail(struct mho_queue *queue, int error);
void mho_queue_fault(struct mho_queue *queue);

#endif
