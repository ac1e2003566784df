// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Faults on demand, of I/O commands and of their completions: commands that hang,
 * take long or fail, completions that are lost, wrong or too many. All of it runs
 * under the core lock. What is ordered is kept in fault.c.
 */
#include "emulator/emu.h"

/* Of no status that the contract has, nor of any class. */
#define GARBAGE_STATUS 0xbad5
#define GARBAGE_FLAGS 0xbadc
#define GARBAGE_WORD 0xdeadbeef

enum mho_hw_status mho_fault_command(struct mho_emu *emu, struct mho_hwqueue *q,
				     struct mho_cmd *cmd)
{
	uint32_t status;

	if (emu->n_hung < MHO_HUNG_MAX) {
		if (mho_fault_take(emu, MHO_FAULT_HANG_HARD, q->number, NULL)) {
			cmd->hung = true;
			q->stuck = true;
			return MHO_HW_ST_OK;
		}
		if (mho_fault_take(emu, MHO_FAULT_HANG, q->number, NULL)) {
			cmd->hung = true;
			return MHO_HW_ST_OK;
		}
	}
	if (mho_fault_take(emu, MHO_FAULT_CMD_ERROR, 0, &status))
		return (enum mho_hw_status)status;
	mho_fault_take(emu, MHO_FAULT_CMD_DELAY, 0, &cmd->delay_ms);
	return MHO_HW_ST_OK;
}

/* An identifier of no command that was read. Those of most hosts are small. */
static uint16_t foreign_cid(const struct mho_hwqueue *q, uint16_t right)
{
	uint16_t cid = UINT16_MAX;

	while (cid == right || q->cids[cid / 64] >> (cid % 64) & 1)
		cid--;
	return cid;
}

/* Whether one completion more than there are commands fits; then it is accounted for. */
static bool make_room(struct mho_hwqueue *q)
{
	if (q->sq_head + q->skew - q->cq_head >= q->mask)
		return false;
	q->skew++;
	return true;
}

unsigned int mho_fault_completion(struct mho_emu *emu, struct mho_hwqueue *q,
				  const struct mho_hw_cqe *cqe,
				  struct mho_hw_cqe out[MHO_FAULT_CQES])
{
	struct mho_hw_cqe right = *cqe;
	unsigned int n = 0;

	if (mho_fault_take(emu, MHO_FAULT_CQE_LOSE, 0, NULL)) {
		q->skew--;
		return 0;
	}
	if (mho_fault_armed(emu, MHO_FAULT_BIT(CQE_BAD_CID)) && make_room(q)) {
		if (mho_fault_take(emu, MHO_FAULT_CQE_BAD_CID, 0, NULL)) {
			out[n] = *cqe;
			out[n++].cid = mho_cpu_to_le16(foreign_cid(q, mho_le16_to_cpu(cqe->cid)));
		} else {
			q->skew--;
		}
	}
	if (mho_fault_take(emu, MHO_FAULT_CQE_GARBAGE, 0, NULL)) {
		right.status = mho_cpu_to_le16(GARBAGE_STATUS);
		right.flags = mho_cpu_to_le16(GARBAGE_FLAGS);
		right.result = mho_cpu_to_le32(GARBAGE_WORD);
		right.detail = mho_cpu_to_le32(GARBAGE_WORD);
	}
	out[n++] = right;
	if (mho_fault_armed(emu, MHO_FAULT_BIT(CQE_DUPLICATE)) && make_room(q)) {
		if (mho_fault_take(emu, MHO_FAULT_CQE_DUPLICATE, 0, NULL))
			out[n++] = right;
		else
			q->skew--;
	}
	return n;
}

void mho_fault_delay(struct mho_emu *emu, struct mho_cmd *cmd)
{
	cmd->due = mho_now_ns() + cmd->delay_ms * 1000000ULL;
	mho_list_add_tail(&emu->delayed, &cmd->link);
	mho_wake_manager_at(emu, cmd->due);
}

/* A command that names an array has its turn now; all others have no effect but to complete. */
static void let_go(struct mho_emu *emu, struct mho_cmd *cmd)
{
	mho_list_del(&cmd->link);
	cmd->delay_ms = 0;
	if (cmd->use[0].array)
		mho_list_add_tail(&emu->ready[cmd->priority], &cmd->link);
	else
		mho_arbiter_done(emu, cmd);
	mho_notify(emu);
}

uint64_t mho_fault_expire(struct mho_emu *emu, uint64_t now)
{
	struct mho_list *l, *next;
	uint64_t first = 0;

	for (l = emu->delayed.next; l != &emu->delayed; l = next) {
		struct mho_cmd *cmd = mho_container_of(l, struct mho_cmd, link);

		next = l->next;
		if (cmd->due <= now)
			let_go(emu, cmd);
		else if (!first || cmd->due < first)
			first = cmd->due;
	}
	return first;
}
