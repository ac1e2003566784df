/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The card as the driver sees it: registers, interrupt vectors, admin queue, limits, and the list
 * of those who use it. Queues are in mho_queue.h, open files and what they own in mho_client.h.
 *
 * Locks, outer to inner:
 *
 *	client->lock		tables of an open file
 *	mdev->admin.lock	one admin command at a time; with it the lists of what a reset has
 *				to bring back. A reset runs under it, so: no memory is allocated
 *				and no fence is waited for while it is held
 *	client->usage_lock	what contexts have cost that are gone
 *	queue->lock		rings and jobs in flight of a queue
 */
#ifndef MHO_DEVICE_H
#define MHO_DEVICE_H

#include <linux/completion.h>
#include <linux/io.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/workqueue.h>

#include <drm/drm_device.h>

#include "mho_hw.h"
#include "mho_topo.h"
#include "mho_window.h"

struct mho_client;
struct mho_coredump;
struct mho_ctx;
struct drm_file;
struct drm_gpu_scheduler;
struct drm_mho_firmware;
struct drm_mho_telemetry;
struct drm_mho_tile;

/* Entries of the admin rings: commands are sent one by one, completions are few. */
#define MHO_ADMIN_ORDER 4
/* Answers and requests of admin commands go through one buffer; ARRAY_INFO may be the longest. */
#define MHO_ADMIN_DATA SZ_128K

/**
 * struct mho_admin - the admin queue
 * @lock: one command at a time
 * @sq: submission ring
 * @cq: completion ring
 * @sq_dma: its bus address
 * @cq_dma: its bus address
 * @data: buffer for requests and answers
 * @data_dma: its bus address
 * @tail: next entry of @sq
 * @head: next entry of @cq
 * @phase: expected in that entry
 * @cid: of the next command
 * @dead: the device takes no admin commands
 * @irq: completed by the interrupt
 */
struct mho_admin {
	struct mutex lock; /* one command at a time */
	struct mho_hw_admin_sqe *sq;
	struct mho_hw_cqe *cq;
	dma_addr_t sq_dma;
	dma_addr_t cq_dma;
	void *data;
	dma_addr_t data_dma;
	u16 tail;
	u16 head;
	u16 phase;
	u16 cid;
	bool dead;
	struct completion irq;
};

/**
 * struct mho_vector - an interrupt vector
 * @mdev: device
 * @index: its number
 * @queues: those that announce completions on it, under the admin lock; the handler reads it
 *          under RCU
 * @users: number of them, under the admin lock
 */
struct mho_vector {
	struct mho_device *mdev;
	unsigned int index;
	struct list_head queues;
	unsigned int users;
};

/* What the device is: struct mho_hw_identify in the processor's byte order. */
struct mho_limits {
	u32 version;
	u32 features;
	u32 tiles;
	u32 technologies;
	u32 queues;
	u32 contexts;
	u32 keys;
	u32 arrays;
	u32 pages;
	u32 batch_max;
	u32 order_max;
	u32 window_stride;
	u32 window_in;
	u32 window_out_offset;
	u32 window_out;
	u32 topology_size;
	u32 command_ms;
	u32 admin_ms;
	u64 serial;
	u64 cells;
	char model[65];
};

/**
 * struct mho_device - a card
 * @drm: the DRM device
 * @pdev: the PCI function
 * @regs: BAR0
 * @doorbells: BAR2
 * @boot_ms: longest boot
 * @reset_ms: longest reset
 * @vectors: interrupt vectors
 * @vector_count: number of them
 * @irq_ready: interrupts may be handled
 * @admin: the admin queue
 * @limits: what the device is
 * @topology: its device-tree blob
 * @thermal: its limits, from the topology
 * @fw_image: the firmware, for the device to read; NULL before it was needed
 * @fw_addr: its bus address
 * @fw_size: its bytes
 * @fw_version: of the running firmware
 * @restored: weights of an earlier life were found
 * @wedged: the device is beyond help, under the admin lock for writing
 * @away: stopped by whoever takes the function's state, and brings it back; under the admin lock
 * @away_since: jiffies of that
 * @asleep: in D3hot because nobody uses it, under the admin lock for writing
 * @may_sleep: runtime power management has been started
 * @energy_past_fj: energy of jobs before the device's counters were cleared
 * @clients: open files with a device context, under the admin lock
 * @contexts: numbers of contexts in use, under the admin lock
 * @queue_ids: numbers of queues in use, under the admin lock
 * @bo_lock: of @bos
 * @bos: buffers
 * @past: scheduler of fences whose jobs are gone, where the kernel needs one (mho_compat.h)
 * @reset_wq: time-outs and resets, one by one
 * @reset_work: asks for a reset of the device
 * @free_wq: gives back what is freed from where sleeping is not allowed
 * @free_jobs: jobs to be freed there
 * @free_work: frees them
 * @coredump: what is kept of a failure
 * @windows: tiles' buffers in programs
 * @resets: warm resets that the driver made
 * @lost_irqs: completions found without an interrupt
 * @bad_cqes: completions that made no sense
 */
struct mho_device {
	struct drm_device drm;
	struct pci_dev *pdev;
	void __iomem *regs;
	void __iomem *doorbells;
	unsigned int boot_ms;
	unsigned int reset_ms;
	struct mho_vector *vectors;
	unsigned int vector_count;
	bool irq_ready;
	struct mho_admin admin;
	struct mho_limits limits;
	void *topology;
	struct mho_thermal thermal;
	void *fw_image;
	dma_addr_t fw_addr;
	size_t fw_size;
	u32 fw_version;
	bool restored;
	bool wedged;
	bool away;
	unsigned long away_since;
	bool asleep;
	bool may_sleep;
	u64 energy_past_fj;
	struct list_head clients;
	unsigned long *contexts;
	unsigned long *queue_ids;
	struct mutex bo_lock; /* of bos */
	struct list_head bos;
	struct drm_gpu_scheduler *past;
	struct workqueue_struct *reset_wq;
	struct work_struct reset_work;
	struct workqueue_struct *free_wq;
	struct llist_head free_jobs;
	struct work_struct free_work;
	struct mho_coredump *coredump;
	struct mho_windows windows;
	unsigned int resets;
	atomic_t lost_irqs;
	atomic_t bad_cqes;
};

#define to_mho(ptr) container_of(ptr, struct mho_device, drm)

static inline u32 mho_read(struct mho_device *mdev, u32 reg)
{
	return readl(mdev->regs + reg);
}

static inline void mho_write(struct mho_device *mdev, u32 reg, u32 value)
{
	writel(value, mdev->regs + reg);
}

static inline void mho_ring(struct mho_device *mdev, u32 queue, u32 which, u32 index)
{
	writel(index, mdev->doorbells + MHO_HW_DB_OFFSET(queue, which));
}

/* A device that is gone answers all reads with ones. */
static inline bool mho_gone(struct mho_device *mdev)
{
	return mho_read(mdev, MHO_HW_REG_STATUS) == U32_MAX;
}

/* Largest ring that the driver makes: 2^10 jobs in flight are more than a card can use. */
#define MHO_ORDER_MAX 10
#define MHO_ORDER_DEFAULT 8

/* mho_device.c */
int mho_device_init(struct mho_device *mdev);
int mho_device_start(struct mho_device *mdev);
int mho_device_boot(struct mho_device *mdev);
int mho_device_warm_reset(struct mho_device *mdev);
int mho_device_shutdown(struct mho_device *mdev);
void mho_device_stop(struct mho_device *mdev);

/* mho_fw.c */
int mho_fw_load(struct mho_device *mdev);
int mho_fw_boot(struct mho_device *mdev);

/* mho_admin.c */
int mho_admin_init(struct mho_device *mdev);
void mho_admin_fini(struct mho_device *mdev);
void mho_admin_enable(struct mho_device *mdev);
int mho_admin_exec(struct mho_device *mdev, struct mho_hw_admin_sqe *sqe, struct mho_hw_cqe *cqe);
int mho_admin_run(struct mho_device *mdev, struct mho_hw_admin_sqe *sqe, struct mho_hw_cqe *cqe);
int mho_admin_query(struct mho_device *mdev, struct mho_hw_admin_sqe *sqe, void *answer,
		    size_t size, struct mho_hw_cqe *cqe);
int mho_admin_send(struct mho_device *mdev, struct mho_hw_admin_sqe *sqe, const void *request,
		   size_t size, struct mho_hw_cqe *cqe);
int mho_status_errno(u16 status);

/* mho_irq.c */
int mho_irq_init(struct mho_device *mdev);
void mho_irq_fini(struct mho_device *mdev);
void mho_irq_unmask(struct mho_device *mdev);
void mho_irq_sync(struct mho_device *mdev);

/* mho_reset.c */
void mho_reset_init(struct mho_device *mdev);
void mho_reset_schedule(struct mho_device *mdev);
int mho_reset_device(struct mho_device *mdev);
int mho_reset_locked(struct mho_device *mdev, struct mho_ctx *guilty, u64 seqno);
bool mho_reset_away(struct mho_device *mdev);
void mho_reset_make_sure(struct mho_device *mdev);
void mho_reset_quiesce(struct mho_device *mdev);
void mho_reset_cut(struct mho_device *mdev);
void mho_reset_wedge(struct mho_device *mdev, int error);
int mho_reset_revive(struct mho_device *mdev);
void mho_reset_fail_all(struct mho_device *mdev, int error);

/* mho_query.c */
int mho_query_telemetry(struct mho_device *mdev, struct drm_mho_telemetry *t);
int mho_query_fw(struct mho_device *mdev, struct drm_mho_firmware *fw);
int mho_query_one_tile(struct mho_device *mdev, u32 id, struct drm_mho_tile *tile);
int mho_ioctl_query(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_selftest(struct drm_device *drm, void *data, struct drm_file *file);
int mho_ioctl_calibrate(struct drm_device *drm, void *data, struct drm_file *file);

#endif
