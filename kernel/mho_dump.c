// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) 2026 The mho authors
 *
 * The state of driver and device as text: for debugfs and for the dump after a failure. Nothing
 * here allocates memory, so that it can be printed under the admin lock, and nothing prints
 * operands, weights or addresses of host memory.
 */
#include <linux/pci.h>
#include <linux/string_choices.h>
#include <linux/utsname.h>

#include <drm/drm_file.h>
#include <drm/mho_accel.h>

#include "mho_client.h"
#include "mho_device.h"
#include "mho_dump.h"
#include "mho_gem.h"
#include "mho_queue.h"

/* Entries of each ring that are shown: the latest. */
#define MHO_DUMP_ENTRIES 8
/* Commands of a group that are shown: those that are to be done next. */
#define MHO_DUMP_CMDS 4

#define MHO_DUMP_REG(name) { #name, MHO_HW_REG_##name }

static const struct {
	const char *name;
	u32 reg;
} mho_dump_regs[] = {
	MHO_DUMP_REG(MAGIC),
	MHO_DUMP_REG(VERSION),
	MHO_DUMP_REG(CAP_QUEUES),
	MHO_DUMP_REG(CAP_FEATURES),
	MHO_DUMP_REG(CAP_VECTORS),
	MHO_DUMP_REG(CAP_TIMEOUT),
	MHO_DUMP_REG(STATUS),
	MHO_DUMP_REG(CONTROL),
	MHO_DUMP_REG(FAULT),
	MHO_DUMP_REG(FAULT_INFO),
	MHO_DUMP_REG(FW_VERSION),
	MHO_DUMP_REG(AQ_ORDER),
	MHO_DUMP_REG(IRQ_CAUSE),
	MHO_DUMP_REG(IRQ_MASK),
	MHO_DUMP_REG(TIME_LO),
	MHO_DUMP_REG(TIME_HI),
	MHO_DUMP_REG(HEARTBEAT),
	MHO_DUMP_REG(TEMPERATURE),
};

/**
 * mho_dump_identity() - which card, which driver
 * @p: printer
 * @mdev: device
 */
void mho_dump_identity(struct drm_printer *p, struct mho_device *mdev)
{
	const struct mho_limits *limits = &mdev->limits;

	drm_printf(p, "driver: mho %u.%u, Linux %s\n", DRM_MHO_MAJOR, DRM_MHO_MINOR,
		   init_utsname()->release);
	drm_printf(p, "device: accel%d, %s\n", mdev->drm.accel->index, pci_name(mdev->pdev));
	drm_printf(p, "model: %s\n", limits->model);
	drm_printf(p, "serial: %016llx\n", limits->serial);
	drm_printf(p, "interface: %u.%u\n", limits->version >> 16, limits->version & 0xffff);
	drm_printf(p, "firmware: %u.%u.%u\n", mdev->fw_version >> 24,
		   mdev->fw_version >> 16 & 0xff, mdev->fw_version & 0xffff);
	drm_printf(p, "tiles: %u\n", limits->tiles);
}

/**
 * mho_dump_state() - what the driver thinks of the device
 * @p: printer
 * @mdev: device; the admin lock is held
 */
void mho_dump_state(struct drm_printer *p, struct mho_device *mdev)
{
	drm_printf(p, "wedged: %s\n", str_yes_no(mdev->wedged));
	drm_printf(p, "admin queue: %s, head %u, tail %u, last cid %u\n",
		   mdev->admin.dead ? "dead" : "alive", mdev->admin.head, mdev->admin.tail,
		   mdev->admin.cid);
	drm_printf(p, "resets: %u\n", mdev->resets);
	drm_printf(p, "lost interrupts: %d\n", atomic_read(&mdev->lost_irqs));
	drm_printf(p, "bad completions: %d\n", atomic_read(&mdev->bad_cqes));
}

/**
 * mho_dump_registers() - the registers, and what STATUS and FAULT mean
 * @p: printer
 * @mdev: device
 */
void mho_dump_registers(struct drm_printer *p, struct mho_device *mdev)
{
	unsigned int i;
	u32 fault;

	for (i = 0; i < ARRAY_SIZE(mho_dump_regs); i++)
		drm_printf(p, "%s: 0x%08x\n", mho_dump_regs[i].name,
			   mho_read(mdev, mho_dump_regs[i].reg));
	if (mho_gone(mdev)) {
		drm_puts(p, "the device is gone\n");
		return;
	}
	fault = mho_read(mdev, MHO_HW_REG_FAULT);
	if (fault)
		drm_printf(p, "fault: queue %u, %s\n", fault >> 16,
			   mho_hw_status_text(fault & 0xffff));
}

/* Asks the device something that it answers through the buffer. */
static int mho_dump_ask(struct mho_device *mdev, struct mho_hw_admin_sqe *sqe, size_t size,
			struct mho_hw_cqe *cqe)
{
	lockdep_assert_held(&mdev->admin.lock);
	if (mdev->admin.dead)
		return -EIO;
	sqe->data = cpu_to_le64(mdev->admin.data_dma);
	sqe->length = cpu_to_le32(size);
	return mho_admin_run(mdev, sqe, cqe);
}

/**
 * mho_dump_telemetry() - the device's own counters, if it answers
 * @p: printer
 * @mdev: device; the admin lock is held
 */
void mho_dump_telemetry(struct drm_printer *p, struct mho_device *mdev)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_TELEMETRY,
		.scope = MHO_HW_SCOPE_DEVICE,
	};
	const struct mho_hw_telemetry *t = mdev->admin.data;
	int ret = mho_dump_ask(mdev, &sqe, sizeof(*t), NULL);

	if (ret) {
		drm_printf(p, "no answer (%d)\n", ret);
		return;
	}
	drm_printf(p, "device time: %llu ns\n", le64_to_cpu(t->time_ns));
	drm_printf(p, "energy: %llu fJ\n", le64_to_cpu(t->energy_fj));
	drm_printf(p, "commands: %llu, with errors: %llu\n", le64_to_cpu(t->commands),
		   le64_to_cpu(t->errors));
	drm_printf(p, "vectors multiplied: %llu, updates: %llu, pulses: %llu\n",
		   le64_to_cpu(t->mvms), le64_to_cpu(t->updates), le64_to_cpu(t->pulses));
	drm_printf(p, "warm resets: %u, power cycles: %u\n", le32_to_cpu(t->resets),
		   le32_to_cpu(t->power_cycles));
	drm_printf(p, "temperature: %d mC, power: %u mW\n", (s32)le32_to_cpu(t->temperature_mc),
		   le32_to_cpu(t->power_mw));
	drm_printf(p, "tiles free: %u, failed: %u, most pulses on a cell: %u\n",
		   le32_to_cpu(t->tiles_free), le32_to_cpu(t->tiles_failed),
		   le32_to_cpu(t->wear_max));
}

static void mho_dump_log_entry(struct drm_printer *p, const struct mho_hw_log_entry *entry)
{
	drm_printf(p, "%u: %llu ns, level %u, %s: %*pE\n", le32_to_cpu(entry->number),
		   le64_to_cpu(entry->time_ns), le16_to_cpu(entry->level),
		   mho_hw_status_name(le16_to_cpu(entry->status)),
		   (int)strnlen(entry->text, sizeof(entry->text)), entry->text);
}

/**
 * mho_dump_log() - the device's log, if it answers
 * @p: printer
 * @mdev: device; the admin lock is held
 * @last: no more than so many entries, the latest
 */
void mho_dump_log(struct drm_printer *p, struct mho_device *mdev, unsigned int last)
{
	const struct mho_hw_log_entry *log = mdev->admin.data;
	const unsigned int room = MHO_ADMIN_DATA / sizeof(*log);
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_LOG };
	struct mho_hw_cqe cqe;
	unsigned int i, count;
	int ret;

	ret = mho_dump_ask(mdev, &sqe, room * sizeof(*log), &cqe);
	if (ret) {
		drm_printf(p, "no answer (%d)\n", ret);
		return;
	}
	count = min(le32_to_cpu(cqe.result), room);
	for (i = count > last ? count - last : 0; i < count; i++)
		mho_dump_log_entry(p, &log[i]);
}

/**
 * mho_dump_client() - an open file
 * @p: printer
 * @client: it has a context; the admin lock is held
 */
void mho_dump_client(struct drm_printer *p, struct mho_client *client)
{
	struct mho_usage usage = mho_client_usage(client);
	struct task_struct *task;
	struct pid *pid;

	rcu_read_lock();
	pid = rcu_dereference(client->file->pid);
	task = pid_task(pid, PIDTYPE_TGID);
	drm_printf(p, "client %llu: %s[%d], context %u, tiles %u, keys %d, device time %llu ns\n",
		   client->file->client_id, task ? task->comm : "<gone>", pid_nr(pid),
		   client->context, READ_ONCE(client->tile_count),
		   atomic_read(&client->key_count), usage.device_ns);
	rcu_read_unlock();
}

static void mho_dump_sqe(struct drm_printer *p, const char *what, unsigned int index,
			 const struct mho_hw_sqe *sqe)
{
	drm_printf(p, "  %s %u: cid %u op %#x flags %#x array %u batch %u types %u,%u modifier %#x",
		   what, index, le16_to_cpu(sqe->cid), sqe->opcode, sqe->flags,
		   le32_to_cpu(sqe->array), le32_to_cpu(sqe->batch), sqe->a_type, sqe->b_type,
		   le16_to_cpu(sqe->modifier));
	/* Operands are (key, stride, offset) or, of some operations, a region: four words. */
	drm_printf(p, " a %#x,%#x,%#llx b %#x,%#x,%#llx scales %#x,%#x param %#x,%#x\n",
		   le32_to_cpu(sqe->a.key), le32_to_cpu(sqe->a.stride), le64_to_cpu(sqe->a.offset),
		   le32_to_cpu(sqe->b.key), le32_to_cpu(sqe->b.stride), le64_to_cpu(sqe->b.offset),
		   le32_to_cpu(sqe->a_scale), le32_to_cpu(sqe->b_scale),
		   le32_to_cpu(sqe->param[0]), le32_to_cpu(sqe->param[1]));
}

static void mho_dump_cqe(struct drm_printer *p, unsigned int index, const struct mho_hw_cqe *cqe)
{
	drm_printf(p, "  cqe %u: cid %u status %s result %u detail %u", index,
		   le16_to_cpu(cqe->cid), mho_hw_status_name(le16_to_cpu(cqe->status)),
		   le32_to_cpu(cqe->result), le32_to_cpu(cqe->detail));
	drm_printf(p, " device_ns %llu energy_fj %llu sq_head %u flags %#x\n",
		   le64_to_cpu(cqe->device_ns), le64_to_cpu(cqe->energy_fj),
		   le16_to_cpu(cqe->sq_head), le16_to_cpu(cqe->flags));
}

/* The latest commands, and completions up to the entry that is looked at next. */
static void mho_dump_rings(struct drm_printer *p, const struct mho_queue *queue)
{
	unsigned int mask = mho_queue_size(queue) - 1;
	unsigned int i, index, count = min(MHO_DUMP_ENTRIES, mask);

	for (i = count; i; i--) {
		index = (queue->tail - i) & mask;
		mho_dump_sqe(p, "sqe", index, &queue->sq[index]);
	}
	for (i = count; i; i--) {
		index = (queue->head - i + 1) & mask;
		mho_dump_cqe(p, index, &queue->cq[index]);
	}
}

static void mho_dump_queue(struct drm_printer *p, struct mho_queue *queue, bool rings)
{
	unsigned int flying = 0, waiting = 0;
	unsigned long flags;
	struct mho_cmd *cmd;

	/* What is printed belongs together. */
	spin_lock_irqsave(&queue->lock, flags);
	list_for_each_entry(cmd, &queue->flying, link)
		flying++;
	list_for_each_entry(cmd, &queue->waiting, link)
		waiting++;
	drm_printf(p, "  driver: tail %u, head %u, told %u and %u, in flight %u",
		   queue->tail, queue->head, queue->told_tail, queue->told_head, flying);
	drm_printf(p, ", behind them %u", waiting);
	if (queue->last_done)
		drm_printf(p, ", progress %u ms ago",
			   jiffies_to_msecs(jiffies - queue->last_done));
	drm_printf(p, "%s%s, lost %d\n", queue->stopped ? ", stopped" : "",
		   queue->faulted ? ", faulted" : "", queue->lost);
	drm_printf(p, "  shadow %s, doorbells %llu, rung again %llu, reaps %llu, reaped %llu\n",
		   str_yes_no(queue->shadow), queue->doorbells, queue->doorbells_lost,
		   queue->reaps, queue->reaped);
	drm_printf(p, "  coalesced %u, at most %u us, changed %llu times\n",
		   queue->coalesce.count, queue->coalesce.us, queue->coalesce.changes);
	if (rings && queue->sq && flying)
		mho_dump_rings(p, queue);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* What the device says of a queue. */
static void mho_dump_queue_device(struct drm_printer *p, struct mho_queue *queue)
{
	struct mho_device *mdev = queue->mdev;
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_TELEMETRY,
		.scope = MHO_HW_SCOPE_QUEUE,
		.queue = cpu_to_le16(queue->id),
	};
	const struct mho_hw_queue_telemetry *t = mdev->admin.data;
	int ret = queue->id ? mho_dump_ask(mdev, &sqe, sizeof(*t), NULL) : -ENOENT;

	if (ret) {
		drm_printf(p, "  device: no answer (%d)\n", ret);
		return;
	}
	drm_printf(p, "  device: %s, fault %s, served at %u, sq_head %u, cq_tail %u, depth %u",
		   le16_to_cpu(t->state) == MHO_HW_QUEUE_RUNNING ? "running" : "stopped",
		   mho_hw_status_name(le16_to_cpu(t->fault)), le16_to_cpu(t->priority),
		   le16_to_cpu(t->sq_head), le16_to_cpu(t->cq_tail), le32_to_cpu(t->depth));
	drm_printf(p, ", commands %llu, errors %llu", le64_to_cpu(t->commands),
		   le64_to_cpu(t->errors));
	drm_printf(p, ", interrupts %llu, doorbells %llu, vectors %llu\n",
		   le64_to_cpu(t->interrupts),
		   le64_to_cpu(t->doorbells), le64_to_cpu(t->vectors));
}

/**
 * mho_dump_ctx() - a context with its queue, as the driver and as the device see it
 * @p: printer
 * @ctx: context; the admin lock is held
 * @rings: with the latest entries of the rings, if something is in flight
 */
void mho_dump_ctx(struct drm_printer *p, struct mho_ctx *ctx, bool rings)
{
	struct mho_queue *queue = &ctx->queue;

	drm_printf(p, "queue %u: client %llu, context %u, entries %u, priority %u, vector %u",
		   queue->id, ctx->client->file->client_id, ctx->handle, mho_queue_size(queue),
		   queue->priority, queue->vector->index);
	drm_printf(p, ", waiting %u, with the scheduler %d, done %llu, guilty %d, innocent %d\n",
		   READ_ONCE(ctx->waiting), atomic_read(&ctx->scheduled),
		   mho_ctx_usage(ctx).done, atomic_read(&ctx->guilty),
		   atomic_read(&ctx->innocent));
	mho_dump_queue(p, queue, rings);
	mho_dump_queue_device(p, queue);
}

static unsigned int mho_dump_cmds(struct drm_printer *p, const struct list_head *list, u64 seqno,
				  unsigned int shown)
{
	struct mho_hw_sqe sqe;
	struct mho_cmd *cmd;

	list_for_each_entry(cmd, list, link) {
		if (cmd->group->seqno != seqno)
			continue;
		if (shown == MHO_DUMP_CMDS)
			break;
		if (!shown)
			drm_printf(p, "seqno %llu, commands left %u, the first of them:\n", seqno,
				   cmd->group->left);
		mho_cmd_sqe(cmd, &sqe);
		mho_dump_sqe(p, "command", shown++, &sqe);
	}
	return shown;
}

/**
 * mho_dump_group() - the commands of a group that are not done
 * @p: printer
 * @ctx: its context
 * @seqno: number of the group
 */
void mho_dump_group(struct drm_printer *p, struct mho_ctx *ctx, u64 seqno)
{
	struct mho_queue *queue = &ctx->queue;
	unsigned int shown;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	drm_printf(p, "queue %u, ", queue->id);
	shown = mho_dump_cmds(p, &queue->flying, seqno, 0);
	shown = mho_dump_cmds(p, &queue->waiting, seqno, shown);
	if (!shown)
		drm_printf(p, "seqno %llu, done\n", seqno);
	spin_unlock_irqrestore(&queue->lock, flags);
}
