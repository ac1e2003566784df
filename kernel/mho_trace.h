/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Tracepoints: a job on its way from SUBMIT to its fence, admin commands, time-outs and resets.
 * "dev" is the N of accelN. "seqno" counts the groups of a context: with "queue" it joins the
 * events of one SUBMIT. What each event means is in docs/driver.md.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mho

#if !defined(MHO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MHO_TRACE_H

#include <linux/tracepoint.h>

#include <drm/drm_file.h>
#include <drm/mho_accel.h>

#include "mho_device.h"
#include "mho_queue.h"

#ifndef MHO_TRACE_ONCE
#define MHO_TRACE_ONCE

/**
 * enum mho_verdict - what a time-out turned out to be
 * @MHO_VERDICT_GONE: the device is gone
 * @MHO_VERDICT_DONE: the job was done, its interrupt lost
 * @MHO_VERDICT_SLOW: the queue makes progress
 * @MHO_VERDICT_HUNG: it does not
 * @MHO_VERDICT_FAULT: the device has stopped it
 */
enum mho_verdict {
	MHO_VERDICT_GONE,
	MHO_VERDICT_DONE,
	MHO_VERDICT_SLOW,
	MHO_VERDICT_HUNG,
	MHO_VERDICT_FAULT,
};

static inline u32 mho_trace_dev(const struct mho_device *mdev)
{
	return mdev->drm.accel->index;
}

#endif

TRACE_DEFINE_ENUM(MHO_VERDICT_GONE);
TRACE_DEFINE_ENUM(MHO_VERDICT_DONE);
TRACE_DEFINE_ENUM(MHO_VERDICT_SLOW);
TRACE_DEFINE_ENUM(MHO_VERDICT_HUNG);
TRACE_DEFINE_ENUM(MHO_VERDICT_FAULT);

TRACE_EVENT(mho_submit,
	    TP_PROTO(const struct mho_queue *queue, const struct mho_group *group, u64 client,
		     u32 ctx, unsigned int count),
	    TP_ARGS(queue, group, client, ctx, count),
	    TP_STRUCT__entry(__field(u64, client)
			     __field(u64, seqno)
			     __field(u32, dev)
			     __field(u32, ctx)
			     __field(u32, count)
			     __field(u16, queue)
	    ),
	    TP_fast_assign(__entry->client = client;
			   __entry->seqno = group->seqno;
			   __entry->dev = mho_trace_dev(queue->mdev);
			   __entry->ctx = ctx;
			   __entry->count = count;
			   __entry->queue = queue->id;
	    ),
	    TP_printk("dev=%u client=%llu ctx=%u queue=%u seqno=%llu count=%u",
		      __entry->dev, __entry->client, __entry->ctx, __entry->queue,
		      __entry->seqno, __entry->count)
);

TRACE_EVENT(mho_uring,
	    TP_PROTO(const struct mho_queue *queue, const struct mho_group *group, u32 op,
		     u64 user_data),
	    TP_ARGS(queue, group, op, user_data),
	    TP_STRUCT__entry(__field(u64, seqno)
			     __field(u64, user_data)
			     __field(u32, dev)
			     __field(u32, op)
			     __field(u16, queue)
	    ),
	    TP_fast_assign(__entry->seqno = group->seqno;
			   __entry->user_data = user_data;
			   __entry->dev = mho_trace_dev(queue->mdev);
			   __entry->op = _IOC_NR(op) - DRM_COMMAND_BASE - DRM_MHO_URING_BASE;
			   __entry->queue = queue->id;
	    ),
	    TP_printk("dev=%u queue=%u seqno=%llu op=%s user_data=%#llx",
		      __entry->dev, __entry->queue, __entry->seqno,
		      __print_symbolic(__entry->op, { 0, "job" }, { 1, "submit" }, { 2, "run" }),
		      __entry->user_data)
);

TRACE_EVENT(mho_uring_cancel,
	    TP_PROTO(const struct mho_queue *queue, const struct mho_group *group, u64 user_data,
		     bool withdrawn),
	    TP_ARGS(queue, group, user_data, withdrawn),
	    TP_STRUCT__entry(__field(u64, seqno)
			     __field(u64, user_data)
			     __field(u32, dev)
			     __field(u16, queue)
			     __field(bool, withdrawn)
	    ),
	    TP_fast_assign(__entry->seqno = group->seqno;
			   __entry->user_data = user_data;
			   __entry->dev = mho_trace_dev(queue->mdev);
			   __entry->queue = queue->id;
			   __entry->withdrawn = withdrawn;
	    ),
	    TP_printk("dev=%u queue=%u seqno=%llu user_data=%#llx withdrawn=%d",
		      __entry->dev, __entry->queue, __entry->seqno, __entry->user_data,
		      __entry->withdrawn)
);

TRACE_EVENT(mho_push,
	    TP_PROTO(const struct mho_queue *queue, const struct mho_group *group,
		     unsigned int count),
	    TP_ARGS(queue, group, count),
	    TP_STRUCT__entry(__field(u64, seqno)
			     __field(u32, dev)
			     __field(u32, count)
			     __field(u32, tail)
			     __field(u16, queue)
			     __field(bool, stopped)
	    ),
	    TP_fast_assign(__entry->seqno = group->seqno;
			   __entry->dev = mho_trace_dev(queue->mdev);
			   __entry->count = count;
			   __entry->tail = queue->tail & (mho_queue_size(queue) - 1);
			   __entry->queue = queue->id;
			   __entry->stopped = queue->stopped;
	    ),
	    TP_printk("dev=%u queue=%u seqno=%llu count=%u tail=%u stopped=%d",
		      __entry->dev, __entry->queue, __entry->seqno, __entry->count,
		      __entry->tail, __entry->stopped)
);

TRACE_EVENT(mho_complete,
	    TP_PROTO(const struct mho_queue *queue, const struct mho_cmd *cmd,
		     const struct mho_done *done),
	    TP_ARGS(queue, cmd, done),
	    TP_STRUCT__entry(__field(u64, seqno)
			     __field(u64, device_ns)
			     __field(u64, energy_fj)
			     __field(u32, dev)
			     __field(s32, status)
			     __field(u16, queue)
			     __field(u16, cid)
			     __field(u16, index)
			     __field(u8, op)
	    ),
	    TP_fast_assign(__entry->seqno = cmd->group->seqno;
			   __entry->device_ns = done->device_ns;
			   __entry->energy_fj = done->energy_fj;
			   __entry->dev = mho_trace_dev(queue->mdev);
			   __entry->status = done->status;
			   __entry->queue = queue->id;
			   __entry->cid = cmd->cid;
			   __entry->index = cmd->index;
			   __entry->op = cmd->sqe.opcode;
	    ),
	    TP_printk("dev=%u queue=%u seqno=%llu index=%u cid=%u op=%#x status=%d device_ns=%llu energy_fj=%llu",
		      __entry->dev, __entry->queue, __entry->seqno, __entry->index,
		      __entry->cid, __entry->op, __entry->status, __entry->device_ns,
		      __entry->energy_fj)
);

TRACE_EVENT(mho_done,
	    TP_PROTO(const struct mho_queue *queue, const struct mho_group *group),
	    TP_ARGS(queue, group),
	    TP_STRUCT__entry(__field(u64, seqno)
			     __field(u32, dev)
			     __field(s32, error)
			     __field(u16, queue)
	    ),
	    TP_fast_assign(__entry->seqno = group->seqno;
			   __entry->dev = mho_trace_dev(queue->mdev);
			   __entry->error = group->error;
			   __entry->queue = queue->id;
	    ),
	    TP_printk("dev=%u queue=%u seqno=%llu error=%d",
		      __entry->dev, __entry->queue, __entry->seqno, __entry->error)
);

TRACE_EVENT(mho_irq_begin,
	    TP_PROTO(const struct mho_device *mdev, unsigned int vector),
	    TP_ARGS(mdev, vector),
	    TP_STRUCT__entry(__field(u32, dev)
			     __field(u32, vector)
	    ),
	    TP_fast_assign(__entry->dev = mho_trace_dev(mdev);
			   __entry->vector = vector;
	    ),
	    TP_printk("dev=%u vector=%u", __entry->dev, __entry->vector)
);

TRACE_EVENT(mho_irq_end,
	    TP_PROTO(const struct mho_device *mdev, unsigned int vector, unsigned int completions),
	    TP_ARGS(mdev, vector, completions),
	    TP_STRUCT__entry(__field(u32, dev)
			     __field(u32, vector)
			     __field(u32, completions)
	    ),
	    TP_fast_assign(__entry->dev = mho_trace_dev(mdev);
			   __entry->vector = vector;
			   __entry->completions = completions;
	    ),
	    TP_printk("dev=%u vector=%u completions=%u",
		      __entry->dev, __entry->vector, __entry->completions)
);

TRACE_EVENT(mho_admin_begin,
	    TP_PROTO(const struct mho_device *mdev, const struct mho_hw_admin_sqe *sqe),
	    TP_ARGS(mdev, sqe),
	    TP_STRUCT__entry(__field(u32, dev)
			     __field(u32, id)
			     __field(u16, cid)
			     __field(u16, context)
			     __field(u16, queue)
			     __field(u8, op)
	    ),
	    TP_fast_assign(__entry->dev = mho_trace_dev(mdev);
			   __entry->id = le32_to_cpu(sqe->id);
			   __entry->cid = le16_to_cpu(sqe->cid);
			   __entry->context = le16_to_cpu(sqe->context);
			   __entry->queue = le16_to_cpu(sqe->queue);
			   __entry->op = sqe->opcode;
	    ),
	    TP_printk("dev=%u cid=%u op=%#x context=%u queue=%u id=%u",
		      __entry->dev, __entry->cid, __entry->op, __entry->context,
		      __entry->queue, __entry->id)
);

TRACE_EVENT(mho_admin_end,
	    TP_PROTO(const struct mho_device *mdev, const struct mho_hw_admin_sqe *sqe, int error,
		     const struct mho_hw_cqe *cqe),
	    TP_ARGS(mdev, sqe, error, cqe),
	    TP_STRUCT__entry(__field(u32, dev)
			     __field(s32, error)
			     __field(u32, result)
			     __field(u16, cid)
			     __field(u16, status)
			     __field(u8, op)
	    ),
	    TP_fast_assign(__entry->dev = mho_trace_dev(mdev);
			   __entry->error = error;
			   __entry->result = error ? 0 : le32_to_cpu(cqe->result);
			   __entry->cid = le16_to_cpu(sqe->cid);
			   __entry->status = error ? 0 : le16_to_cpu(cqe->status);
			   __entry->op = sqe->opcode;
	    ),
	    TP_printk("dev=%u cid=%u op=%#x error=%d status=%#x result=%u",
		      __entry->dev, __entry->cid, __entry->op, __entry->error,
		      __entry->status, __entry->result)
);

TRACE_EVENT(mho_timeout,
	    TP_PROTO(const struct mho_queue *queue, u64 seqno, enum mho_verdict verdict),
	    TP_ARGS(queue, seqno, verdict),
	    TP_STRUCT__entry(__field(u64, seqno)
			     __field(u32, dev)
			     __field(u32, verdict)
			     __field(u16, queue)
	    ),
	    TP_fast_assign(__entry->seqno = seqno;
			   __entry->dev = mho_trace_dev(queue->mdev);
			   __entry->verdict = verdict;
			   __entry->queue = queue->id;
	    ),
	    TP_printk("dev=%u queue=%u seqno=%llu verdict=%s",
		      __entry->dev, __entry->queue, __entry->seqno,
		      __print_symbolic(__entry->verdict,
				       { MHO_VERDICT_GONE, "gone" },
				       { MHO_VERDICT_DONE, "done" },
				       { MHO_VERDICT_SLOW, "slow" },
				       { MHO_VERDICT_HUNG, "hung" },
				       { MHO_VERDICT_FAULT, "fault" }))
);

TRACE_EVENT(mho_queue_reset,
	    TP_PROTO(const struct mho_queue *queue, int error),
	    TP_ARGS(queue, error),
	    TP_STRUCT__entry(__field(u32, dev)
			     __field(s32, error)
			     __field(u16, queue)
	    ),
	    TP_fast_assign(__entry->dev = mho_trace_dev(queue->mdev);
			   __entry->error = error;
			   __entry->queue = queue->id;
	    ),
	    TP_printk("dev=%u queue=%u error=%d", __entry->dev, __entry->queue, __entry->error)
);

TRACE_EVENT(mho_reset_begin,
	    TP_PROTO(const struct mho_device *mdev),
	    TP_ARGS(mdev),
	    TP_STRUCT__entry(__field(u32, dev)),
	    TP_fast_assign(__entry->dev = mho_trace_dev(mdev);),
	    TP_printk("dev=%u", __entry->dev)
);

DECLARE_EVENT_CLASS(mho_device_error,
		    TP_PROTO(const struct mho_device *mdev, int error),
		    TP_ARGS(mdev, error),
		    TP_STRUCT__entry(__field(u32, dev)
				     __field(s32, error)
		    ),
		    TP_fast_assign(__entry->dev = mho_trace_dev(mdev);
				   __entry->error = error;
		    ),
		    TP_printk("dev=%u error=%d", __entry->dev, __entry->error)
);

DEFINE_EVENT(mho_device_error, mho_reset_end,
	     TP_PROTO(const struct mho_device *mdev, int error),
	     TP_ARGS(mdev, error)
);

DEFINE_EVENT(mho_device_error, mho_wedged,
	     TP_PROTO(const struct mho_device *mdev, int error),
	     TP_ARGS(mdev, error)
);

#endif

/* Found by -I, since the kernel's own headers include it from where they are. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE mho_trace
#include <trace/define_trace.h>
