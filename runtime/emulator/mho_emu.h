/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The emulated device as its transports see it: registers in, DMA and
 * interrupts out through callbacks. Both the in-process backend of libmho and
 * the PCIe server drive the device through this header and the device contract
 * (firmware-if/) alone. Nothing here knows libmho.
 */
#ifndef MHO_EMU_H
#define MHO_EMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mho_emu;

/**
 * struct mho_emu_ops - what the device asks of its transport
 * @dma_map: host address of [@addr, @addr + *@len) of bus memory. May shorten *@len (at least 1
 *           remains) where the memory is not contiguous for the host. NULL if @addr cannot be
 *           reached, or not written with @write set. The pointer is valid until @dma_unmap.
 * @dma_unmap: ends one @dma_map
 * @irq: raise interrupt @vector, once (edge).
 * @log: one line, without newline; @level is enum mho_hw_log_level. May be NULL.
 *
 * All are called from the device's own threads as well as from within mho_emu_* calls, possibly
 * at the same time, and must not call back into the device. A mapping is held for one command or
 * one burst of ring entries at most, so a transport may wait for it to end.
 */
struct mho_emu_ops {
	void *(*dma_map)(void *opaque, uint64_t addr, size_t *len, bool write);
	void (*dma_unmap)(void *opaque, void *ptr, size_t len);
	void (*irq)(void *opaque, unsigned int vector);
	void (*log)(void *opaque, int level, const char *text);
};

/**
 * struct mho_emu_config - how to make a device
 * @size: sizeof(struct mho_emu_config)
 * @topology: device-tree blob; copied
 * @topology_len: its bytes
 * @technology: name of a technology that replaces that of every tile, or NULL
 * @seed: of everything that is random
 * @serial: serial number
 * @threads: worker threads, 0 for one a CPU; results do not depend on it
 * @state_path: file of the non-volatile state, or NULL. Read if it exists, made if not.
 * @ops: callbacks; borrowed, must outlive the device
 * @opaque: passed to them
 */
struct mho_emu_config {
	size_t size;
	const void *topology;
	size_t topology_len;
	const char *technology;
	uint64_t seed;
	uint64_t serial;
	unsigned int threads;
	const char *state_path;
	const struct mho_emu_ops *ops;
	void *opaque;
};

/**
 * mho_emu_create() - power a device on
 * @cfg: configuration
 * @out: the device, in state MHO_HW_STATE_WAIT_FW; free with mho_emu_destroy()
 * @err: buffer for a sentence that says what is wrong, where, and what to do; may be NULL
 * @err_len: its size
 *
 * Return: 0, or -EINVAL (topology or configuration), -EBADMSG (state file damaged), -ESTALE
 * (state file of another topology, technology or seed), -EBUSY (state file in use by another
 * device), -ENOMEM, or what opening the state file gave.
 */
int mho_emu_create(const struct mho_emu_config *cfg, struct mho_emu **out, char *err,
		   size_t err_len);

/**
 * mho_emu_destroy() - cut the power
 * @emu: device, or NULL
 *
 * Stops the threads (commands in flight are dropped), saves the state if there is a state file,
 * and frees everything. When it returns, no callback runs or will run.
 */
void mho_emu_destroy(struct mho_emu *emu);

/**
 * mho_emu_save() - write the non-volatile state to its file
 * @emu: device
 *
 * Waits for commands in flight that touch weights. The file holds the old state or the new one,
 * never a mixture, whenever the process or the machine dies. The device does this itself on
 * CONTROL.SHUTDOWN, on mho_emu_destroy() and whenever its table of named arrays changes.
 *
 * Return: 0, also without a state file; or what the file operation gave (-ENOSPC, ...).
 */
int mho_emu_save(struct mho_emu *emu);

/**
 * mho_emu_read() - a read of a BAR by the host
 * @emu: device
 * @bar: MHO_HW_BAR_*
 * @offset: in bytes
 * @width: 4 or 8 (window: 1 to 8)
 *
 * Return: the value; all ones for an access that the contract does not allow.
 * Threads: any.
 */
uint64_t mho_emu_read(struct mho_emu *emu, unsigned int bar, uint64_t offset, unsigned int width);

/**
 * mho_emu_write() - a write to a BAR by the host
 * @emu: device
 * @bar: MHO_HW_BAR_*
 * @offset: in bytes
 * @value: the value
 * @width: as for mho_emu_read()
 *
 * Threads: any. Never blocks on the execution of commands.
 */
void mho_emu_write(struct mho_emu *emu, unsigned int bar, uint64_t offset, uint64_t value,
		   unsigned int width);

/**
 * mho_emu_bar_size() - size of a BAR
 * @emu: device
 * @bar: MHO_HW_BAR_*
 *
 * Return: bytes, a power of two; 0 if there is no such BAR.
 */
uint64_t mho_emu_bar_size(const struct mho_emu *emu, unsigned int bar);

/**
 * mho_emu_window() - the memory behind the tile window, for transports that map it
 * @emu: device
 * @fd: memfd of it, borrowed; may be NULL
 *
 * Return: its address; mho_emu_bar_size() bytes; NULL if the topology has no window.
 */
void *mho_emu_window(struct mho_emu *emu, int *fd);

/**
 * mho_emu_reset() - function-level reset or power cycle
 * @emu: device
 *
 * Like a PCIe function-level reset: everything but the non-volatile state is lost, firmware
 * included. When it returns, no DMA to memory mapped before is under way.
 */
void mho_emu_reset(struct mho_emu *emu);

/**
 * mho_emu_renew() - mho_emu_reset(), and the card is as it was when it was made
 * @emu: device
 *
 * No arrays, no wear, no numbers of operations: with the same seed everything happens again as it
 * did on a new card. A state file keeps the old state until the next save.
 *
 * Return: 0; -ENOMEM, and the card was only reset.
 */
int mho_emu_renew(struct mho_emu *emu);

/**
 * enum mho_emu_fault_kind - when a fault happens
 * @MHO_EMU_FAULT_COUNTED: when its occasion comes, so many times as were ordered
 * @MHO_EMU_FAULT_NOW: when it is ordered
 * @MHO_EMU_FAULT_LASTS: from its order until it is taken back
 */
enum mho_emu_fault_kind {
	MHO_EMU_FAULT_COUNTED,
	MHO_EMU_FAULT_NOW,
	MHO_EMU_FAULT_LASTS,
};

/**
 * struct mho_emu_fault_info - a fault inside the card
 * @name: its name
 * @usage: name and arguments, for people
 * @kind: when it happens
 * @armed: how many more times it will happen; 1 or 0 of MHO_EMU_FAULT_LASTS
 * @taken: how many times it has happened
 */
struct mho_emu_fault_info {
	const char *name;
	const char *usage;
	enum mho_emu_fault_kind kind;
	uint64_t armed;
	uint64_t taken;
};

/**
 * mho_emu_fault() - order a fault inside the card
 * @emu: device
 * @name: which one; docs/mho-emud.md has them all
 * @words: its arguments as text, NULL behind the last one; NULL for none
 *
 * What is armed stays so across resets. What has happened to queues and registers ends with the
 * reset that helps against it.
 *
 * Return: 0, -ENOENT (no such fault), -EINVAL (arguments), -EAGAIN (the device is in a state in
 * which it cannot happen). Threads: any; never blocks on the execution of commands.
 */
int mho_emu_fault(struct mho_emu *emu, const char *name, char *const *words);

/**
 * mho_emu_fault_clear() - disarm all of them
 * @emu: device
 *
 * Commands that hang go on hanging. Threads: any.
 */
void mho_emu_fault_clear(struct mho_emu *emu);

/**
 * mho_emu_fault_info() - look at the faults that there are
 * @emu: device
 * @index: from 0 on
 * @info: filled
 *
 * Return: whether there is one of this index. Threads: any.
 */
bool mho_emu_fault_info(struct mho_emu *emu, unsigned int index, struct mho_emu_fault_info *info);

#endif
