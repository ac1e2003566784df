/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The inside of the emulated device: its objects and who guards them. Every
 * facility is a .c file of its own and declares here, or in a header of its own,
 * what the others may call. Transports see mho_emu.h only.
 *
 * Locks, outermost first:
 *
 *	core	objects, queues, order of commands: everything not named below.
 *		Taken by worker threads, and by mho_emu_save(), _reset() and
 *		_destroy(), never by register, doorbell or window accesses. DMA
 *		callbacks run under it.
 *	regs	registers and requests of the host. No callback runs under it.
 *	log	the log ring.
 *	faults	what faults are ordered. Beneath all others.
 *
 * Doorbells are atomic words and need none of them. Cells of a tile belong to
 * the worker that runs a command on it; the arbiter sees to that.
 */
#ifndef MHO_EMU_INTERNAL_H
#define MHO_EMU_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mho_hw.h"
#include "emulator/command.h"
#include "emulator/dma.h"
#include "emulator/fault.h"
#include "emulator/image.h"
#include "emulator/list.h"
#include "emulator/mho_emu.h"
#include "emulator/phys.h"
#include "emulator/phys_kernels.h"
#include "emulator/queue.h"
#include "emulator/regs.h"
#include "emulator/state.h"
#include "emulator/topo.h"

#define MHO_DOORBELL_WORDS (MHO_HW_QUEUES_MAX / 64 + 1)
#define MHO_PRIORITIES (MHO_HW_PRIORITY_MAX + 1)
/* Commands of one priority that are fetched and not done: bounds the look-ahead of the arbiter. */
#define MHO_WINDOW 64
#define MHO_COMMANDS (MHO_WINDOW * MHO_PRIORITIES + MHO_HUNG_MAX)
#define MHO_LOG_ENTRIES 512
#define MHO_BOOT_TIMEOUT_MS 2000
#define MHO_RESET_TIMEOUT_MS 10000

struct mho_cmd;
struct mho_worker;

/**
 * struct mho_job - work in independent parts, shared by the workers
 * @run: does part @part; on any thread, so results must not depend on which
 * @parts: number of parts
 * @next: next part that nobody has taken
 * @users: workers inside, beside the one that started it
 * @link: in mho_emu.shared
 */
struct mho_job {
	void (*run)(struct mho_job *job, unsigned int part, struct mho_worker *w);
	unsigned int parts;
	atomic_uint next;
	atomic_uint users;
	struct mho_list link;
};

/**
 * struct mho_doorbell - what the host wrote last to a page of BAR2
 * @sq_tail: ring index
 * @cq_head: ring index
 * @rings: writes so far
 */
struct mho_doorbell {
	_Alignas(64) atomic_uint sq_tail;
	atomic_uint cq_head;
	atomic_ulong rings;
};

/**
 * struct mho_hwtile - a tile with its bookkeeping
 * @phys: the cells and their periphery
 * @number: tile number
 * @rows: rows
 * @cols: columns
 * @technology: index
 * @failed: out of service
 * @dirty: holds weights of an owner that is gone; to be scrubbed before anybody gets it
 * @array: the array that has it, or NULL
 * @wear: most pulses that a cell has had, when it was last counted
 * @wear_mean: mean over its cells, then
 * @wear_bound: no cell has had more
 * @wear_stale: it has been written since
 * @pulses: pulses of all cells together, over its life
 * @busy_ns: device time that it was busy
 * @energy_fj: energy that it took
 */
struct mho_hwtile {
	struct mho_tile *phys;
	unsigned int number;
	unsigned int rows;
	unsigned int cols;
	unsigned int technology;
	bool failed;
	bool dirty;
	struct mho_array *array;
	uint32_t wear;
	double wear_mean;
	uint64_t wear_bound;
	bool wear_stale;
	uint64_t pulses;
	uint64_t busy_ns;
	uint64_t energy_fj;
};

/**
 * struct mho_block - a part of an array, on one tile
 * @tile: the tile
 * @row: first row of the array in it
 * @col: first column
 * @rows: rows
 * @cols: columns
 */
struct mho_block {
	struct mho_hwtile *tile;
	uint32_t row;
	uint32_t col;
	uint32_t rows;
	uint32_t cols;
};

/**
 * struct mho_array - a logical matrix on a grid of tiles
 * @id: its number
 * @rows: rows
 * @cols: columns
 * @grid_rows: blocks in a column of blocks
 * @grid_cols: blocks in a row of blocks
 * @technology: index
 * @flags: MHO_HW_ARRAY_*
 * @context: owner, 0 if detached
 * @owner: as requested
 * @tag: as requested or set since
 * @label: as requested
 * @fifo: commands on it, in order (mho_cmd_use.link)
 * @users: commands fetched and not done
 * @held: an admin command works on its tiles; commands wait
 * @worn: a cell has used up its endurance budget
 * @blocks: grid_rows * grid_cols, row by row
 */
struct mho_array {
	uint32_t id;
	uint32_t rows;
	uint32_t cols;
	uint32_t grid_rows;
	uint32_t grid_cols;
	uint32_t technology;
	uint16_t flags;
	uint16_t context;
	uint64_t owner;
	uint64_t tag;
	char label[MHO_HW_NAME_SIZE];
	struct mho_list fifo;
	unsigned int users;
	bool held;
	bool worn;
	struct mho_block blocks[];
};

/**
 * struct mho_key - host memory that commands may name
 * @id: its number
 * @context: owner
 * @access: MHO_HW_ACCESS_*
 * @length: bytes
 * @pages: entries of its page list
 * @users: commands fetched and not done
 * @list: where it is
 */
struct mho_key {
	uint32_t id;
	uint16_t context;
	uint8_t access;
	uint64_t length;
	uint32_t pages;
	unsigned int users;
	struct mho_dma_list list;
};

/**
 * struct mho_scratch - memory that grows to what is asked of it and is used again
 * @ptr: 64-byte aligned
 * @size: bytes
 */
struct mho_scratch {
	void *ptr;
	size_t size;
};

/* What a worker's scratch memory is for. */
enum mho_scratch_use {
	MHO_SCRATCH_A,
	MHO_SCRATCH_B,
	MHO_SCRATCH_OUT,
	MHO_SCRATCH_PART,
	MHO_SCRATCH_STATS,
	MHO_SCRATCH_USES,
};

/**
 * struct mho_worker - a thread of the device
 * @emu: the device
 * @thread: the thread
 * @scratch: its memory
 */
struct mho_worker {
	struct mho_emu *emu;
	pthread_t thread;
	struct mho_scratch scratch[MHO_SCRATCH_USES];
};

struct mho_log {
	pthread_mutex_t lock;
	uint32_t next;
	struct mho_hw_log_entry entries[MHO_LOG_ENTRIES];
};

/* Counters of the device, for telemetry (core). */
struct mho_counters {
	uint64_t energy_fj;
	uint64_t commands;
	uint64_t errors;
	uint64_t mvms;
	uint64_t updates;
	uint64_t pulses;
	uint64_t lifetime_pulses;
	uint64_t saturations;
	uint64_t retries;
	uint32_t resets;
	uint32_t power_cycles;
};

/**
 * struct mho_emu - the device
 *
 * Constant after mho_emu_create():
 * @dma: way to host memory
 * @topo: the topology; its write parameters as the firmware's pulse table has them
 * @blob: its device tree
 * @blob_len: bytes of it
 * @technology: name that replaces that of every tile, or empty
 * @kernels: inner loops for this CPU
 * @seed: of all randomness
 * @serial: serial number
 * @tiles: topo->ntiles tiles
 * @window: memory of BAR4, or NULL
 * @window_fd: memfd of it, or -1
 * @window_size: bytes
 * @window_stride: bytes from tile to tile
 * @window_out: where a tile's output SRAM begins
 * @workers: threads
 * @n_workers: number of them
 * @manager: thread that does what is neither ring nor tile
 * @managed: it runs
 * @spin: whether to spin before sleeping (not on a single CPU)
 *
 * Atomic:
 * @doorbells: of each queue
 * @rung: bit set of the I/O queues whose doorbell was written
 * @admin_rung: the admin queue may hold commands
 * @irqs: bit set of the vectors to be raised
 * @requests: MHO_REQ_*
 * @event: changes whenever there may be something to do for a worker
 * @manager_event: the same for the manager
 * @sleepers: workers that sleep
 * @time_ns: device time
 * @temperature: millidegree Celsius
 * @heat_until: the warning level is exceeded by order until then, host time; 0: it is not
 * @cancel: a reset waits: finish early
 *
 * Under the core lock:
 * @idle: signalled when something ends that somebody waits for
 * @quit: threads are to end
 * @serving: rings are read
 * @dead: a fatal fault: no DMA any more
 * @orderly: shut down: a state file keeps all arrays
 * @freeze: nothing that touches weights may start
 * @running: commands being executed
 * @resets_done: resets that were carried out
 * @renew_error: what became of the last MHO_REQ_RENEW
 * @controlling: the manager carries out requests
 * @administering: the manager executes an admin command
 * @saving: mho_emu_save() is under way
 * @spinner: a worker spins
 * @admin: the admin queue
 * @queues: I/O queues by number
 * @active: queues that may hold commands, by priority
 * @turn: queue that was served last, by priority
 * @window_used: commands in flight, by priority
 * @spinning: queues with a shadow that the device looks at
 * @n_deadlines: queues with an interrupt delayed by coalescing
 * @manager_until: when the manager wakes up because something is due, host time; 0: it does not
 * @shared: jobs with parts to take
 * @ready: commands that may start, by priority
 * @delayed: commands that wait by order
 * @n_hung: commands that hang by order
 * @cmds: all commands
 * @free_cmds: those not in use
 * @contexts: bit set
 * @n_contexts: number of contexts
 * @keys: by slot, NULL where free
 * @key_serial: registrations so far
 * @key_pages: page list entries of all keys
 * @arrays: by number, NULL where free
 * @image: the running firmware
 * @counters: for telemetry
 * @state: state file, or NULL
 * @thermal_ns: device time at the last look at the temperature
 * @thermal_fj: energy until then
 * @hot: the warning level is exceeded
 */
struct mho_emu {
	struct mho_dma dma;
	struct mho_topo *topo;
	void *blob;
	size_t blob_len;
	char technology[32];
	const struct mho_kernels *kernels;
	uint64_t seed;
	uint64_t serial;
	struct mho_hwtile *tiles;
	uint8_t *window;
	int window_fd;
	size_t window_size;
	uint32_t window_stride;
	uint32_t window_out;
	struct mho_worker *workers;
	unsigned int n_workers;
	struct mho_worker manager;
	bool managed;
	bool spin;

	struct mho_regs regs;
	struct mho_log log;
	struct mho_faults faults;

	struct mho_doorbell doorbells[MHO_HW_QUEUES_MAX + 1];
	atomic_ulong rung[MHO_DOORBELL_WORDS];
	atomic_ulong irqs[MHO_DOORBELL_WORDS];
	atomic_uint requests;
	atomic_bool admin_rung;
	atomic_uint event;
	atomic_uint manager_event;
	atomic_uint sleepers;
	atomic_ulong time_ns;
	atomic_int temperature;
	atomic_ulong heat_until;
	atomic_bool cancel;
	pthread_mutex_t irq_lock;

	pthread_mutex_t lock;
	pthread_cond_t idle;
	bool quit;
	bool serving;
	bool dead;
	bool orderly;
	unsigned int freeze;
	unsigned int running;
	unsigned int resets_done;
	int renew_error;
	bool controlling;
	bool administering;
	bool saving;
	bool spinner;
	struct mho_hwqueue *admin;
	struct mho_hwqueue *queues[MHO_HW_QUEUES_MAX + 1];
	uint64_t active[MHO_PRIORITIES][MHO_DOORBELL_WORDS];
	unsigned int turn[MHO_PRIORITIES];
	unsigned int window_used[MHO_PRIORITIES];
	struct mho_list spinning;
	unsigned int n_deadlines;
	uint64_t manager_until;
	struct mho_list shared;
	struct mho_list ready[MHO_PRIORITIES];
	struct mho_list delayed;
	unsigned int n_hung;
	struct mho_cmd *cmds;
	struct mho_list free_cmds;
	uint64_t *contexts;
	unsigned int n_contexts;
	struct mho_key **keys;
	uint16_t key_serial;
	uint32_t key_pages;
	struct mho_array **arrays;
	struct mho_image image;
	struct mho_counters counters;
	struct mho_state *state;
	uint64_t thermal_ns;
	uint64_t thermal_fj;
	bool hot;
};

/* ---- emu.c ---- */

/* mho_now_ns() - monotonic host time. */
uint64_t mho_now_ns(void);

/* mho_features() - MHO_HW_CAP_*. */
uint32_t mho_features(const struct mho_emu *emu);

/* mho_vectors() - number of interrupt vectors. */
unsigned int mho_vectors(const struct mho_emu *emu);

/* mho_time_ns() - device time. */
static inline uint64_t mho_time_ns(struct mho_emu *emu)
{
	return atomic_load(&emu->time_ns);
}

/* mho_fault_armed() - whether any fault of a set, of MHO_FAULT_BIT()s, is ordered. */
static inline bool mho_fault_armed(struct mho_emu *emu, unsigned int set)
{
	return atomic_load_explicit(&emu->faults.armed, memory_order_relaxed) & set;
}

/**
 * mho_scratch() - memory of a worker
 * @w: worker
 * @use: which one
 * @size: bytes that are needed
 *
 * Return: 64-byte aligned memory, valid until the next call with the same @use; NULL without
 * memory.
 */
void *mho_scratch(struct mho_worker *w, enum mho_scratch_use use, size_t size);

/* ---- log.c ---- */

void mho_log_init(struct mho_log *log);

/* mho_log() - write a line, of at most 111 characters; @status is what it is about, or OK. */
void mho_log(struct mho_emu *emu, enum mho_hw_log_level level, enum mho_hw_status status,
	     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* mho_log_ordered() - the same for what was ordered: the transport is told that all is well. */
void mho_log_ordered(struct mho_emu *emu, enum mho_hw_log_level level, enum mho_hw_status status,
		     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/**
 * mho_log_copy() - read lines
 * @emu: device
 * @from: running number of the first wanted
 * @entries: filled
 * @room: entries that fit
 * @next: running number of the entry behind the last one read
 *
 * Return: number of entries.
 */
unsigned int mho_log_copy(struct mho_emu *emu, uint32_t from, struct mho_hw_log_entry *entries,
			  unsigned int room, uint32_t *next);

/* mho_log_clear() - forget all lines; numbers begin anew. */
void mho_log_clear(struct mho_emu *emu);

/* ---- doorbell.c: doorbells, interrupts, waking ---- */

void mho_doorbell_write(struct mho_emu *emu, uint64_t offset, uint32_t value);

/* mho_notify() - there may be something to do: wake a worker if one sleeps. */
void mho_notify(struct mho_emu *emu);

/* mho_notify_all() - wake all workers. */
void mho_notify_all(struct mho_emu *emu);

/* mho_notify_manager() - wake the manager. */
void mho_notify_manager(struct mho_emu *emu);

/* mho_futex_wait() - sleep while *@word is @seen, at most @timeout_ns (0: no limit). */
void mho_futex_wait(atomic_uint *word, unsigned int seen, uint64_t timeout_ns);

/* mho_irq_post() - have a thread of the device raise @vector. */
void mho_irq_post(struct mho_emu *emu, unsigned int vector);

/* mho_irq_flush() - raise what was posted; by the device's threads only, without the core lock. */
void mho_irq_flush(struct mho_emu *emu);

/* mho_irq_settle() - raise what was posted and wait for interrupts under way elsewhere. */
void mho_irq_settle(struct mho_emu *emu);

/* mho_irq_drop() - forget what was posted; no interrupt is under way afterwards. */
void mho_irq_drop(struct mho_emu *emu);

/* ---- window.c: BAR4 ---- */

int mho_window_init(struct mho_emu *emu);
void mho_window_free(struct mho_emu *emu);
uint64_t mho_window_read(struct mho_emu *emu, uint64_t offset, unsigned int width);
void mho_window_write(struct mho_emu *emu, uint64_t offset, uint64_t value, unsigned int width);
void mho_window_clear(struct mho_emu *emu, unsigned int tile);

/* mho_window_in(), mho_window_out() - a tile's input and output SRAM. */
void *mho_window_in(struct mho_emu *emu, unsigned int tile);
void *mho_window_out(struct mho_emu *emu, unsigned int tile);

/* ---- worker.c ---- */

int mho_workers_start(struct mho_emu *emu, unsigned int threads);
void mho_workers_stop(struct mho_emu *emu);

/* mho_wake_manager_at() - something is due at @due, host time. With the core lock. */
void mho_wake_manager_at(struct mho_emu *emu, uint64_t due);

/**
 * mho_parallel() - do a job on as many workers as are free
 * @w: the caller
 * @job: .run and .parts are set; all else is set here
 *
 * Returns when all parts are done. Not under the core lock.
 */
void mho_parallel(struct mho_worker *w, struct mho_job *job);

/* ---- control.c: requests ---- */

/* mho_control_request() - hand MHO_REQ_* to the manager. */
void mho_control_request(struct mho_emu *emu, uint32_t req);

/* mho_die() - a fatal fault: stop the device. With the core lock. */
void mho_die(struct mho_emu *emu, enum mho_hw_status status, uint32_t info);

/*
 * mho_die_soon() - the same from any thread, without the core lock: registers show it at once, the
 * rest follows. Return: false if the device is stopped already, or in reset.
 */
bool mho_die_soon(struct mho_emu *emu, enum mho_hw_status status);

/* mho_reset_and_wait() - request a reset, and return when it is over. */
void mho_reset_and_wait(struct mho_emu *emu, uint32_t req);

/**
 * mho_renew() - forget all non-volatile state (core; nothing of the host is left)
 * @emu: device
 *
 * Return: 0; -ENOMEM, and all is as before.
 */
int mho_renew(struct mho_emu *emu);

/* mho_execute() - execute a command and complete it. Called and returns with the core lock. */
void mho_execute(struct mho_worker *w, struct mho_cmd *cmd);

/* mho_control() - carry out what is requested. Called by the manager, with the core lock. */
void mho_control(struct mho_worker *w);

/* ---- thermal.c: device time and temperature (core) ---- */

/* mho_time_reached() - device time is at least @ns. */
void mho_time_reached(struct mho_emu *emu, uint64_t ns);

/* mho_thermal_update() - temperature after a command; warns, or stops the device. */
void mho_thermal_update(struct mho_emu *emu);

/* mho_thermal_heat() - exceed the warning level until @until, host time; 0: no longer. Any thread. */
void mho_thermal_heat(struct mho_emu *emu, uint64_t until);

/* mho_thermal_expire() - end that if it is time. Return: when that will be, or 0. */
uint64_t mho_thermal_expire(struct mho_emu *emu, uint64_t now);

/* mho_thermal_reset() - cool down to ambient temperature. */
void mho_thermal_reset(struct mho_emu *emu);

/* mho_counters_reset() - as at power-on; what counts over the device's life stays. */
void mho_counters_reset(struct mho_emu *emu);

/* ---- admin.c ---- */

/* mho_admin_run() - execute the next admin command. Called and returns with the core lock. */
void mho_admin_run(struct mho_worker *w);

#endif
