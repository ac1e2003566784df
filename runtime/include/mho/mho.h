/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * libmho: the runtime for analog crossbar accelerators. Devices, matrices whose
 * weights are conductances, jobs on them, queues of jobs. Neural networks are in
 * mho/nn.h, above this.
 *
 * Conventions. A function that returns int returns 0 or a count on success and a
 * negative errno on failure; errno itself is never touched, and mho_last_error()
 * has a sentence that says what is wrong and what to do. Objects are opaque:
 * *_open, *_alloc, *_create, *_find hand them to the caller, who gives them back
 * with *_close, *_free, *_destroy, which accept NULL. Structures that may grow
 * begin with their size; MHO_INIT(struct) sets it and clears the rest.
 *
 * Threads. A device may be shared by any number of threads. Queues belong to one
 * thread at a time; schedulers may be used from any. Matrices and buffers may be used from any thread; freeing one
 * is the last use of it. Functions without a note on threads follow this.
 *
 * Numbers. Weights, inputs and outputs are binary32. A matrix has rows (outputs)
 * and cols (inputs): y = W x. Vectors of a batch are consecutive rows in memory.
 * Device time is what the accelerator takes, in nanoseconds of its own clock; it
 * is never the host's time.
 */
#ifndef MHO_MHO_H
#define MHO_MHO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MHO_API __attribute__((visibility("default")))

#define MHO_VERSION_MAJOR 0
#define MHO_VERSION_MINOR 1
#define MHO_VERSION_PATCH 0

/* An initialiser for any structure that begins with its size. */
#ifdef __cplusplus
#define MHO_INIT(type)              \
	[] {                        \
		type t = {};        \
		t.size = sizeof(t); \
		return t;           \
	}()
#else
#define MHO_INIT(type)               \
	{                            \
		.size = sizeof(type) \
	}
#endif

struct mho_dev;
struct mho_buf;
struct mho_mat;
struct mho_queue;
struct mho_graph;
struct mho_sched;
struct io_uring;

/* ---- library ---- */

/**
 * mho_version() - version of the library that is running
 *
 * Return: major << 16 | minor << 8 | patch.
 */
MHO_API uint32_t mho_version(void);

/**
 * mho_strerror() - text of an error
 * @err: a negative errno as libmho returns it, or a positive device status (mho_job.status)
 *
 * Return: a constant string.
 */
MHO_API const char *mho_strerror(int err);

/**
 * mho_last_error() - what went wrong last on this thread, with the remedy
 *
 * Return: a sentence, empty if nothing did; valid until this thread's next call into libmho.
 */
MHO_API const char *mho_last_error(void);

enum mho_log_level {
	MHO_LOG_ERROR = 3,
	MHO_LOG_WARNING = 4,
	MHO_LOG_INFO = 6,
	MHO_LOG_DEBUG = 7,
};

/* Called from any thread, one line without newline; must not call into libmho. */
typedef void (*mho_log_fn)(void *arg, int level, const char *text);

/* ---- devices ---- */

/*
 * How completions come and, on a card, also how jobs go in: all ways give the same results in the
 * same order. docs/api.md says where programs can tell them apart.
 */
enum mho_io {
	MHO_IO_AUTO = 0, /* io_uring where it is allowed, else as MHO_IO_THREAD */
	MHO_IO_URING = 1, /* io_uring, or mho_open() fails with what refuses it, such as -EPERM */
	MHO_IO_THREAD = 2, /* an eventfd and no io_uring; to a card by ioctls */
};

/**
 * struct mho_open_opts - optional settings of mho_open()
 * @size: sizeof(struct mho_open_opts)
 * @io: enum mho_io
 * @log_level: most talkative level that reaches @log (enum mho_log_level); 0 for MHO_LOG_WARNING
 * @log: where this device's messages go; NULL for nowhere
 * @log_arg: passed to it
 * @trace: file for a trace of what is done with the device, as Perfetto and Chrome read it
 *	(docs/performance.md); %p in it stands for the process. NULL for what the environment's
 *	MHO_TRACE names, for no trace if that is not set
 * @reserved: zero
 */
struct mho_open_opts {
	size_t size;
	uint32_t io;
	int32_t log_level;
	mho_log_fn log;
	void *log_arg;
	const char *trace;
	uint64_t reserved[3];
};

/**
 * mho_open() - open a device
 * @uri: which one; nothing ever falls back to another kind silently
 * @opts: settings, or NULL
 * @out: the device; mho_close() it
 *
 * URIs:
 *	accel:				the card, if there is just one
 *	accel:/dev/accel/accelN		the card of this device node, or of a link to it
 *	accel:0000:01:00.0		the card at this PCI address; 01:00.0 in domain 0
 *	accel:serial=NUMBER		the card with this serial number, hexadecimal
 *	emu:				an emulated card, the default topology
 *	emu:<name>			a topology that is built in (see mho_enumerate())
 *	emu:<path>.dtb, emu:<path>.dts	a topology of your own (.dts needs dtc)
 * with parameters after '?', joined by '&', for emulated cards only:
 *	seed=N		of all randomness (default 1); the same seed gives the same bits
 *	threads=N	of the emulator (default: one a CPU); results do not depend on it
 *	tech=NAME	technology for every tile, such as ideal, protonic-ns, protonic-2020
 *	state=FILE	keep weights, wear and calibration there across runs
 *	firmware=FILE	a firmware image instead of the built-in one
 *	fault=NAME:...	faults inside the card, to test a program with; docs/mho-emud.md has them.
 *			Arguments follow after ':', further faults after ','
 *
 * Return: 0; -EINVAL (URI, topology), -ENOENT (no such file, name or card), -EACCES, -EBUSY (state
 * file in use), -EBADMSG (state file or firmware damaged), -ESTALE (state of another card),
 * -EPROTONOSUPPORT (device or driver of another interface version), -ENODEV (no card, no driver,
 * another driver, card gone), -ENOTTY (no device node), -EIO (card has stopped), -ENOMEM; with
 * MHO_IO_URING also -EPERM, -ENOSYS, -EACCES, -EOPNOTSUPP, -EPROTO (who refuses it, the sentence
 * says).
 */
MHO_API int mho_open(const char *uri, const struct mho_open_opts *opts, struct mho_dev **out);

/**
 * mho_close() - close a device
 * @dev: device, or NULL
 *
 * Destroys what still belongs to it: queues (jobs in flight are dropped), matrices, buffers. Named
 * matrices stay in the device. Pointers to all these objects are invalid afterwards.
 */
MHO_API void mho_close(struct mho_dev *dev);

/**
 * mho_trace_flush() - write to the trace's file what was recorded so far
 * @dev: device
 *
 * mho_close() does it, too, but cannot tell whether it was possible.
 *
 * Return: 0, also without a trace; or the first error that there was while it was written. What the
 * file had until then stays, and can be read.
 */
MHO_API int mho_trace_flush(struct mho_dev *dev);

/**
 * struct mho_found - a device that mho_enumerate() found
 * @uri: opens it; borrowed for the duration of the call
 * @model: its name
 * @tiles: number of tiles; 0 for a card that this user may not open
 * @rows: rows of its largest tile
 * @cols: columns of its largest tile
 */
struct mho_found {
	const char *uri;
	const char *model;
	uint32_t tiles;
	uint32_t rows;
	uint32_t cols;
};

/* Return 0 to go on, anything else to stop; mho_enumerate() returns it. */
typedef int (*mho_found_fn)(const struct mho_found *found, void *arg);

/**
 * mho_enumerate() - list the devices that could be opened
 * @scheme: "emu" or "accel", NULL for all
 * @fn: called once a device; cards first, then the built-in emulated ones
 * @arg: passed to it
 *
 * Return: 0, what @fn returned, or -EINVAL for an unknown scheme.
 */
MHO_API int mho_enumerate(const char *scheme, mho_found_fn fn, void *arg);

/**
 * struct mho_info - what a device is
 * @size: sizeof(struct mho_info)
 * @tiles: number of tiles
 * @technologies: number of technologies
 * @queues: most queues at a time
 * @queue_depth: most jobs in flight on a queue
 * @batch_max: most vectors in a job
 * @arrays_max: most matrices
 * @features: MHO_HW_CAP_* of the device contract
 * @serial: serial number
 * @cells: cells of all tiles together
 * @interface: version of the device contract, major << 16 | minor
 * @firmware: version of its firmware, major << 24 | minor << 16 | patch
 * @io: enum mho_io that is in use
 * @restored: 1 if weights of an earlier life were found
 * @model: name of the card
 * @firmware_name: description of its firmware
 * @uri: as it was opened
 * @location: of a card, its PCI address, such as 0000:01:00.0; empty for an emulated one
 */
struct mho_info {
	size_t size;
	uint32_t tiles;
	uint32_t technologies;
	uint32_t queues;
	uint32_t queue_depth;
	uint32_t batch_max;
	uint32_t arrays_max;
	uint32_t features;
	uint32_t interface;
	uint32_t firmware;
	uint32_t io;
	uint32_t restored;
	uint32_t pad;
	uint64_t serial;
	uint64_t cells;
	char model[64];
	char firmware_name[64];
	char uri[256];
	char location[32];
};

/* mho_dev_info() - describe @dev in @info, whose size the caller has set. Return: 0 or -EINVAL. */
MHO_API int mho_dev_info(struct mho_dev *dev, struct mho_info *info);

/**
 * struct mho_tile_info - one tile: fixed facts and its state now
 * @size: sizeof(struct mho_tile_info)
 * @rows: rows
 * @cols: columns
 * @technology: index, for mho_tech_get()
 * @state: 0 free, 1 used, 2 out of service
 * @array: device's number of the matrix that has it, 0 if none
 * @wear_max: most pulses that a cell has had
 * @wear_mean: mean over the cells
 * @endurance: budget of pulses per cell, 0 if unknown
 * @pulses: pulses of all cells together
 * @busy_ns: device time that it was busy
 * @energy_fj: energy that it took
 */
struct mho_tile_info {
	size_t size;
	uint32_t rows;
	uint32_t cols;
	uint32_t technology;
	uint32_t state;
	uint32_t array;
	uint32_t wear_max;
	double wear_mean;
	uint64_t endurance;
	uint64_t pulses;
	uint64_t busy_ns;
	uint64_t energy_fj;
};

/* mho_tile_get() - describe tile @index. Return: 0, -EINVAL (size, index), or a device error. */
MHO_API int mho_tile_get(struct mho_dev *dev, uint32_t index, struct mho_tile_info *info);

/**
 * struct mho_tech_info - a device technology, as the topology has it
 * @size: sizeof(struct mho_tech_info)
 * @dac_bits: resolution of the inputs, 0 for exact
 * @adc_bits: resolution of the outputs, 0 for exact
 * @w_min: smallest weight that a nominal cell holds
 * @w_max: largest
 * @dw_min: weight step of one pulse, nominal
 * @pulse_s: width of a write pulse, s
 * @pulse_v: its voltage, V
 * @read_s: time of one read (a whole MVM), s
 * @train_length: slots in a pulse train
 * @pad: zero
 * @name: such as "protonic-ns"
 * @law: update law, such as "mho,linear-step"
 */
struct mho_tech_info {
	size_t size;
	uint32_t dac_bits;
	uint32_t adc_bits;
	float w_min;
	float w_max;
	float dw_min;
	float pulse_s;
	float pulse_v;
	float read_s;
	uint32_t train_length;
	uint32_t pad;
	char name[32];
	char law[32];
};

/* mho_tech_get() - describe technology @index. Return: 0 or -EINVAL (size, index). */
MHO_API int mho_tech_get(struct mho_dev *dev, uint32_t index, struct mho_tech_info *info);

/**
 * mho_topology() - the device-tree blob that describes the card
 * @dev: device
 * @len: its bytes
 *
 * Return: the blob, borrowed, valid until mho_close().
 */
MHO_API const void *mho_topology(struct mho_dev *dev, size_t *len);

/**
 * struct mho_telemetry - counters, since power-on unless said otherwise
 * @size: sizeof(struct mho_telemetry)
 * @time_ns: device time
 * @energy_fj: energy of all commands
 * @commands: commands completed
 * @errors: of these failed
 * @mvms: vectors multiplied, either way
 * @updates: rank-1 updates
 * @pulses: pulses at cells
 * @lifetime_pulses: over the card's life
 * @saturations: outputs that saturated the ADC
 * @retries: extra reads by bound management
 * @resets: warm resets
 * @power_cycles: over the card's life
 * @temperature_mc: millidegree Celsius
 * @power_mw: mean power over device time
 * @tiles_free: tiles without a matrix
 * @tiles_failed: tiles out of service
 * @wear_max: most pulses that a cell has had
 * @pad: zero
 */
struct mho_telemetry {
	size_t size;
	uint64_t time_ns;
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
	int32_t temperature_mc;
	uint32_t power_mw;
	uint32_t tiles_free;
	uint32_t tiles_failed;
	uint32_t wear_max;
	uint32_t pad;
};

/* mho_telemetry_get() - read the counters. Return: 0, -EINVAL (size), or a device error. */
MHO_API int mho_telemetry_get(struct mho_dev *dev, struct mho_telemetry *t);

/* A line of the device's log; @text is borrowed for the duration of the call. */
typedef int (*mho_log_entry_fn)(uint64_t time_ns, int level, const char *text, void *arg);

/* mho_log_read() - the device's own log, oldest first. Return: 0, what @fn returned, or -errno. */
MHO_API int mho_log_read(struct mho_dev *dev, mho_log_entry_fn fn, void *arg);

/**
 * struct mho_selftest - what the device's self-test found
 * @size: sizeof(struct mho_selftest)
 * @tests: tests made
 * @failures: of these failed
 * @tiles_tested: tiles that took part
 * @tiles_failed: of these failed
 * @mvm_error: largest relative rms error of a test MVM
 * @pad: zero
 * @first_failure: text of the first failure, empty if none
 */
struct mho_selftest {
	size_t size;
	uint32_t tests;
	uint32_t failures;
	uint32_t tiles_tested;
	uint32_t tiles_failed;
	float mvm_error;
	uint32_t pad;
	char first_failure[96];
};

/**
 * mho_selftest_run() - let the device test itself
 * @dev: device
 * @full: also write to free tiles (costs a little wear)
 * @result: what it found
 *
 * Return: 0 if the test ran (see @result), or -errno; -EACCES (a card, @full: root only).
 */
MHO_API int mho_selftest_run(struct mho_dev *dev, int full, struct mho_selftest *result);

/**
 * mho_calibrate() - measure and correct the converters
 * @dev: device
 * @tile: tile, or -1 for all
 *
 * Return: 0, -EINVAL, -EBUSY (jobs in flight there), -EACCES (a card: root only).
 */
MHO_API int mho_calibrate(struct mho_dev *dev, int tile);

/**
 * mho_sync() - make sure that weights and the table of named matrices are kept
 * @dev: device
 *
 * On an emulated card with a state file: writes it. On others: nothing is needed. A card's cells
 * keep what a job has written once it is done, and its table of names survives a loss of power.
 *
 * Return: 0, what writing gave, or -ENODEV (a card that is gone).
 */
MHO_API int mho_sync(struct mho_dev *dev);

/**
 * mho_reset() - warm reset: stop the device, whatever it does, and start it again
 * @dev: device; one that has stopped by itself, too
 *
 * Firmware, counters, matrices and their weights stay, and so do all handles: queues and buffers
 * work on. Jobs in flight, on a card those of other programs, too, are either done or end with
 * status -ECANCELED. A matrix that such a job was writing may hold anything between before and
 * after: program it again.
 *
 * Return: 0; -EACCES (a card: root only), -EIO or -ETIMEDOUT (the device does not come back),
 * -ENODEV (it is gone).
 */
MHO_API int mho_reset(struct mho_dev *dev);

/* ---- firmware ---- */

/**
 * struct mho_firmware - the firmware that runs in a device
 * @size: sizeof(struct mho_firmware)
 * @version: major << 24 | minor << 16 | patch
 * @interface: version of the device contract that it was built for, major << 16 | minor
 * @build_time: seconds since 1970, 0 if unknown
 * @name: description of the image
 * @sha256: of its code
 */
struct mho_firmware {
	size_t size;
	uint32_t version;
	uint32_t interface;
	uint64_t build_time;
	char name[64];
	uint8_t sha256[32];
};

/* mho_firmware_get() - describe the running firmware. Return: 0, -EINVAL (size), device error. */
MHO_API int mho_firmware_get(struct mho_dev *dev, struct mho_firmware *fw);

enum mho_hash_state {
	MHO_HASH_UNKNOWN = 0, /* not looked at: something before was wrong already */
	MHO_HASH_GOOD = 1,
	MHO_HASH_BAD = 2,
	MHO_HASH_MISSING = 3,
};

enum mho_firmware_part {
	MHO_FIRMWARE_CODE = 0,
	MHO_FIRMWARE_CALIBRATION = 1,
	MHO_FIRMWARE_PULSES = 2,
	MHO_FIRMWARE_PARTS = 3,
};

/**
 * struct mho_firmware_image - a firmware image, as a device would see it
 * @size: sizeof(struct mho_firmware_image)
 * @status: 0 if devices of this library's contract take it, else why not (mho_strerror())
 * @offset: byte that is wrong, 0 if not known
 * @version: as in struct mho_firmware
 * @interface: likewise
 * @build_time: likewise
 * @image_size: bytes of the image, without what lies behind it; 0 if that is not known
 * @part_size: bytes of its parts, by enum mho_firmware_part
 * @part_hash: what became of their SHA-256, enum mho_hash_state
 * @name: description
 * @compatible: which cards its default configuration is for
 * @reason: sentence about what is wrong, empty if nothing is
 * @sha256: of the code
 *
 * Of a refused image those fields are set that could be read before the mistake was found.
 */
struct mho_firmware_image {
	size_t size;
	int32_t status;
	uint32_t offset;
	uint32_t version;
	uint32_t interface;
	uint64_t build_time;
	uint32_t image_size;
	uint32_t part_size[MHO_FIRMWARE_PARTS];
	uint32_t part_hash[MHO_FIRMWARE_PARTS];
	uint32_t pad;
	char name[64];
	char compatible[64];
	char reason[112];
	uint8_t sha256[32];
};

/**
 * mho_firmware_check() - verify a firmware image as a device does, without a device
 * @image: the image
 * @len: its bytes
 * @result: what it is
 *
 * Return: 0 if the check was made (see @result->status), -EINVAL, -ENOMEM.
 */
MHO_API int mho_firmware_check(const void *image, size_t len, struct mho_firmware_image *result);

/* ---- memory ---- */

/**
 * mho_buf_alloc() - memory that jobs read and write without a copy
 * @dev: device
 * @bytes: size, at least 1
 * @out: the buffer; cleared to zero
 *
 * Return: 0, -EINVAL, -ENOMEM, -ENOSPC (the card has no memory key left).
 */
MHO_API int mho_buf_alloc(struct mho_dev *dev, size_t bytes, struct mho_buf **out);

/* mho_buf_map() - where the buffer is for the program; page-aligned, valid until it is freed. */
MHO_API void *mho_buf_map(struct mho_buf *buf);

/* mho_buf_size() - its size as requested, bytes. */
MHO_API size_t mho_buf_size(const struct mho_buf *buf);

/**
 * mho_buf_free() - give a buffer back
 * @buf: buffer, or NULL
 *
 * If jobs in flight still use it, its memory stays until the last of them has completed; the
 * program must not touch it any more.
 */
MHO_API void mho_buf_free(struct mho_buf *buf);

/* ---- matrices ---- */

/**
 * struct mho_mat_desc - what a matrix shall be
 * @size: sizeof(struct mho_mat_desc)
 * @rows: outputs of y = W x
 * @cols: inputs
 * @block_rows: most rows in one tile, 0 for as many as fit
 * @block_cols: most columns in one tile, 0 for as many as fit
 * @technology: 1 + index of a technology (mho_tech_get()), 0 for any
 * @flags: MHO_MAT_*
 * @scale: weight in the program's units that a cell weight of 1 stands for; 0 for 1.0
 * @name: NULL, or a name of at most 31 bytes under which this user finds it again
 * @reserved: zero
 */
struct mho_mat_desc {
	size_t size;
	uint32_t rows;
	uint32_t cols;
	uint32_t block_rows;
	uint32_t block_cols;
	uint32_t technology;
	uint32_t flags;
	float scale;
	uint32_t pad;
	const char *name;
	uint64_t reserved[4];
};

#define MHO_MAT_COMPACT (1U << 0) /* neighbouring tiles rather than the least worn ones */

/**
 * mho_mat_alloc() - get a matrix on the device, all weights near 0
 * @dev: device
 * @desc: what it shall be
 * @out: the matrix
 *
 * Return: 0, -EINVAL (shape, name, flags), -ENOSPC (not enough free tiles: mho_last_error() says
 * how many are needed and free), -EEXIST (name taken), -ENOMEM.
 */
MHO_API int mho_mat_alloc(struct mho_dev *dev, const struct mho_mat_desc *desc,
			  struct mho_mat **out);

/**
 * mho_mat_find() - find a named matrix of this user again
 * @dev: device
 * @name: its name
 * @out: the matrix, with the weights and the scale it had
 *
 * Return: 0, -ENOENT, -EBUSY (another program has it), -ENOMEM.
 */
MHO_API int mho_mat_find(struct mho_dev *dev, const char *name, struct mho_mat **out);

/**
 * mho_mat_free() - let go of a matrix
 * @mat: matrix, or NULL
 *
 * An unnamed matrix is gone, its tiles are scrubbed; a named one stays in the device. Jobs in
 * flight on it complete first.
 */
MHO_API void mho_mat_free(struct mho_mat *mat);

/**
 * mho_mat_delete() - like mho_mat_free(), but a named matrix is gone, too
 * @mat: matrix, or NULL
 */
MHO_API void mho_mat_delete(struct mho_mat *mat);

/* mho_mat_rows(), mho_mat_cols(), mho_mat_scale() - as allocated. */
MHO_API uint32_t mho_mat_rows(const struct mho_mat *mat);
MHO_API uint32_t mho_mat_cols(const struct mho_mat *mat);
MHO_API float mho_mat_scale(const struct mho_mat *mat);

/**
 * struct mho_mat_block - where a part of a matrix is
 * @tile: tile
 * @row: first row of the matrix in it
 * @col: first column
 * @rows: rows
 * @cols: columns
 */
struct mho_mat_block {
	uint32_t tile;
	uint32_t row;
	uint32_t col;
	uint32_t rows;
	uint32_t cols;
};

/**
 * mho_mat_blocks() - where a matrix is
 * @mat: matrix
 * @blocks: filled with at most @n; may be NULL if @n is 0
 * @n: room
 *
 * Return: number of blocks that there are.
 */
MHO_API int mho_mat_blocks(const struct mho_mat *mat, struct mho_mat_block *blocks, uint32_t n);

/* ---- jobs ---- */

/**
 * enum mho_op - what a job does; a and b are its operands
 * @MHO_OP_NOP: nothing
 * @MHO_OP_MVM: b[i] = alpha * W a[i], for the batch
 * @MHO_OP_MVM_T: b[i] = alpha * W^T a[i]
 * @MHO_OP_UPDATE: W -= alpha * b[i] a[i]^T, one after the other, by pulses (a: inputs x of cols
 *	elements, b: errors d of rows elements)
 * @MHO_OP_PROGRAM: W = a to a tolerance, closed loop (a: rows vectors of cols elements)
 * @MHO_OP_READ: b = W as read back (rows vectors of cols elements), batch reads averaged
 * @MHO_OP_PULSE: raw pulses; a: rows vectors of cols int8, number and sign for each cell
 * @MHO_OP_TRANSFER: to columns from @dst_col on of matrix @dst: W_dst += alpha * W, columns
 *	@src_col to @src_col + @count
 * @MHO_OP_SCRUB: all weights to 0
 * @MHO_OP_BARRIER: completes when all earlier jobs of the queue have
 * @MHO_OP_GRAPH: a run of @graph (section graphs)
 */
enum mho_op {
	MHO_OP_NOP = 0,
	MHO_OP_MVM = 1,
	MHO_OP_MVM_T = 2,
	MHO_OP_UPDATE = 3,
	MHO_OP_PROGRAM = 4,
	MHO_OP_READ = 5,
	MHO_OP_PULSE = 6,
	MHO_OP_TRANSFER = 7,
	MHO_OP_SCRUB = 8,
	MHO_OP_BARRIER = 9,
	MHO_OP_GRAPH = 10,
};

enum mho_type {
	MHO_F32 = 0,
	MHO_I8 = 1,
};

/**
 * struct mho_slice - vectors in a buffer
 * @buf: buffer
 * @offset: first element, bytes
 * @stride: bytes from vector to vector; 0 for densely packed
 * @type: enum mho_type
 * @scale: elements are multiplied by it on the way in or out; 0 for 1.0
 * @pad: zero
 */
struct mho_slice {
	struct mho_buf *buf;
	uint64_t offset;
	uint32_t stride;
	uint32_t type;
	float scale;
	uint32_t pad;
};

#define MHO_JOB_FENCE (1U << 0) /* starts when all earlier jobs of the queue are done */
#define MHO_JOB_CONDUCTANCE (1U << 1) /* READ: in nanosiemens */
#define MHO_JOB_WEAR (1U << 2) /* READ: pulses each cell has had */

/**
 * struct mho_job - one job; the caller's memory until it is reaped
 * @op: enum mho_op
 * @flags: MHO_JOB_*
 * @mat: matrix
 * @dst: second matrix of TRANSFER
 * @a: first operand
 * @b: second operand
 * @batch: number of vectors; reads to average for READ; 0 means 1
 * @alpha: factor or learning rate (never defaulted: 0 is 0)
 * @tolerance: PROGRAM: largest error accepted, in the program's units; 0 for the device's default
 * @limit: PROGRAM: most iterations; UPDATE: most pulses a train; 0 for the device's default
 * @src_col: TRANSFER: first column
 * @dst_col: TRANSFER: first column in @dst
 * @count: TRANSFER: columns
 * @graph: GRAPH: what to run
 * @a_slot: GRAPH: slot of the operands a, below mho_graph_opts.a_slots
 * @b_slot: GRAPH: likewise for the operands b
 * @user_data: the caller's
 * @status: out: 0, -errno, or a positive device status (mho_strerror() knows both)
 * @result: out: MVM: saturated outputs; UPDATE, PULSE, TRANSFER: pulses; PROGRAM: cells that
 *	missed; GRAPH: the sum, after an error the detail of the job that failed first
 * @detail: out: MVM: extra reads; PROGRAM: iterations; after an error, where; of a GRAPH: the
 *	number of that job in the graph; of one that a scheduler has cancelled, @number of the job
 *	that failed
 * @number: out: of a scheduler: how many jobs it had taken before, modulo 2^32
 * @device_ns: out: device time
 * @energy_fj: out: energy
 * @internal: the library's
 */
struct mho_job {
	uint32_t op;
	uint32_t flags;
	struct mho_mat *mat;
	struct mho_mat *dst;
	struct mho_slice a;
	struct mho_slice b;
	uint32_t batch;
	float alpha;
	float tolerance;
	uint32_t limit;
	uint32_t src_col;
	uint32_t dst_col;
	uint32_t count;
	uint32_t pad;
	struct mho_graph *graph;
	uint32_t a_slot;
	uint32_t b_slot;
	void *user_data;
	int32_t status;
	uint32_t result;
	uint32_t detail;
	uint32_t number;
	uint64_t device_ns;
	uint64_t energy_fj;
	uint64_t internal[5];
};

/* ---- synchronous calls: plain memory, one result, any thread ---- */

/**
 * mho_program() - write weights
 * @mat: matrix
 * @w: rows x cols values, row by row; |w| beyond what a cell can hold is clipped by the device and
 *     counted as missed
 * @ld: elements from row to row, at least cols
 * @tolerance: as mho_job.tolerance
 *
 * Return: number of cells that missed the tolerance (0 is perfect), -EINVAL (also for NaN or
 * infinity; mho_last_error() says where), or a device error.
 */
MHO_API int mho_program(struct mho_mat *mat, const float *w, size_t ld, float tolerance);

/* mho_read() - read weights back into @w (rows x cols, @ld as above). Return: 0 or -errno. */
MHO_API int mho_read(struct mho_mat *mat, float *w, size_t ld);

/**
 * mho_mvm() - y[i] = W x[i] for @batch vectors, densely packed
 * @mat: matrix
 * @x: batch * cols values
 * @y: batch * rows values, written
 * @batch: vectors, any number (split into several jobs if need be)
 *
 * Return: 0, -EINVAL (NaN or infinity in @x), or a device error.
 */
MHO_API int mho_mvm(struct mho_mat *mat, const float *x, float *y, uint32_t batch);

/* mho_mvm_t() - x[i] = W^T d[i]: @d has batch * rows values, @x batch * cols. As mho_mvm(). */
MHO_API int mho_mvm_t(struct mho_mat *mat, const float *d, float *x, uint32_t batch);

/**
 * mho_update() - W -= lr * d[i] x[i]^T for @batch pairs, in order, by pulses
 * @mat: matrix
 * @x: batch * cols values
 * @d: batch * rows values
 * @lr: learning rate, >= 0
 * @batch: pairs
 *
 * Return: as mho_mvm().
 */
MHO_API int mho_update(struct mho_mat *mat, const float *x, const float *d, float lr,
		       uint32_t batch);

/* ---- queues: many jobs in flight ---- */

/**
 * struct mho_queue_opts - optional settings of a queue
 * @size: sizeof(struct mho_queue_opts)
 * @depth: jobs in flight, 0 for 256; rounded up to a power of two
 * @priority: 0 (lowest) to 3; on a card, 2 and 3 need CAP_SYS_NICE
 * @ring: the application's own ring: instead of mho_queue_fd(), a CQE with @ring_user_data in it
 *        tells that there is something to reap. Needs io_uring. NULL for none. On a card, a thread
 *        of the library's sends it.
 * @ring_user_data: of these CQEs; their res is the number of completions so far, modulo 2^31
 * @reserved: zero
 */
struct mho_queue_opts {
	size_t size;
	uint32_t depth;
	uint32_t priority;
	struct io_uring *ring;
	uint64_t ring_user_data;
	uint64_t reserved[4];
};

/**
 * mho_queue_create() - make a queue
 * @dev: device
 * @opts: settings, or NULL
 * @out: the queue
 *
 * Return: 0, -EINVAL, -ENOSPC (the device has no queue left), -EOPNOTSUPP (@ring without
 * io_uring), -EACCES (priority), -ENOMEM.
 */
MHO_API int mho_queue_create(struct mho_dev *dev, const struct mho_queue_opts *opts,
			     struct mho_queue **out);

/* mho_queue_destroy() - jobs in flight are aborted and dropped; @queue may be NULL. */
MHO_API void mho_queue_destroy(struct mho_queue *queue);

/**
 * mho_queue_submit() - hand jobs to the device
 * @queue: queue
 * @jobs: @n jobs; each must stay in place until it is reaped
 * @n: number
 *
 * Jobs on one matrix are done in this order; jobs on different matrices may overlap.
 * Jobs beyond the queue's depth wait inside the library; there is no limit on @n.
 *
 * Return: @n; or, if a job is not valid, the number of jobs before it that were accepted, unless it
 * is the first: then -EINVAL, and mho_last_error() says which field.
 */
MHO_API int mho_queue_submit(struct mho_queue *queue, struct mho_job *const *jobs, uint32_t n);

/**
 * mho_queue_reap() - take completed jobs
 * @queue: queue
 * @jobs: filled with them
 * @max: room in it
 * @min: wait for so many (or for all in flight if these are fewer)
 * @timeout_ns: longest wait; 0 for none, negative for ever
 *
 * Return: number of jobs taken, possibly fewer than @min after a timeout; or -EIO if the device has
 * died.
 */
MHO_API int mho_queue_reap(struct mho_queue *queue, struct mho_job **jobs, uint32_t max,
			   uint32_t min, int64_t timeout_ns);

/* mho_queue_pending() - jobs submitted and not yet reaped. */
MHO_API uint32_t mho_queue_pending(const struct mho_queue *queue);

/**
 * mho_queue_fd() - for poll() and epoll: readable when there may be something to reap
 * @queue: queue
 *
 * Call mho_queue_reap() until it returns 0 before polling again. The fd stays the queue's.
 *
 * Return: the fd, or -EOPNOTSUPP for a queue on the application's own ring.
 */
MHO_API int mho_queue_fd(struct mho_queue *queue);

/**
 * mho_queue_fence_export() - the jobs so far as a descriptor
 * @queue: queue
 * @fd: a new descriptor, for poll(), epoll() and io_uring; close() it
 *
 * It is readable from when all jobs submitted so far are done, well or not, or the queue is
 * destroyed. Nobody has to reap for that. On a card it is a sync file, which other drivers take; on
 * an emulated card an eventfd. Do not read it: poll it.
 *
 * Return: 0, -EINVAL, -EBUSY (jobs wait in the library, or there is no room: reap first), -EMFILE,
 * -ENOMEM, -EOPNOTSUPP.
 */
MHO_API int mho_queue_fence_export(struct mho_queue *queue, int *fd);

/**
 * mho_queue_fence_import() - hold jobs back until a descriptor is readable
 * @queue: queue
 * @fd: what poll() says POLLIN of: a fence of any queue, a sync file, an eventfd, a pipe
 *
 * Concerns jobs that are submitted from now on. On a card the driver waits for a sync file; any other
 * descriptor is waited for in the library: then, as for jobs beyond the depth, the program must call
 * mho_queue_reap() for them to start, and who polls mho_queue_fd() polls @fd, too. @fd remains the
 * caller's and may be closed.
 *
 * Return: 0, -EINVAL (also for what cannot be polled), -EMFILE, -ENOMEM.
 */
MHO_API int mho_queue_fence_import(struct mho_queue *queue, int fd);

/* ---- graphs: jobs that are recorded once and run often ---- */

/**
 * struct mho_graph_opts - optional settings of a graph
 * @size: sizeof(struct mho_graph_opts)
 * @runs: most runs that are in flight at once on a queue, 0 for 2; more wait in the library
 * @a_slots: number of slots that mho_job.a_slot of a run chooses from, 0 for 1
 * @b_slots: likewise for mho_job.b_slot
 * @pad: zero
 * @reserved: zero
 */
struct mho_graph_opts {
	size_t size;
	uint32_t runs;
	uint32_t a_slots;
	uint32_t b_slots;
	uint32_t pad;
	uint64_t reserved[4];
};

/**
 * mho_graph_create() - begin to record
 * @dev: device
 * @opts: settings, or NULL
 * @out: the graph, empty
 *
 * One thread records a graph. A sealed one may be run on any number of queues of its device, from
 * their threads at the same time.
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
MHO_API int mho_graph_create(struct mho_dev *dev, const struct mho_graph_opts *opts,
			     struct mho_graph **out);

/**
 * struct mho_graph_step - how a slot moves the operands of a recorded job
 * @a: bytes that operand a moves on for each slot; 0: it stays
 * @b: likewise for operand b
 */
struct mho_graph_step {
	uint64_t a;
	uint64_t b;
};

/**
 * mho_graph_add() - record a job
 * @graph: graph that is not sealed
 * @job: copied, and checked as by mho_queue_submit(), for every slot; no MHO_OP_GRAPH
 * @step: what slots do to it, NULL for nothing
 *
 * The graph holds its matrices and buffers: what the program frees meanwhile stays until the graph
 * is destroyed.
 *
 * Return: number of the job in the graph, from 0 on; -EINVAL (the last error names it and the
 * field), -E2BIG (it has MHO_GRAPH_JOBS_MAX already), -EBUSY (sealed), -ENOMEM.
 */
MHO_API int mho_graph_add(struct mho_graph *graph, const struct mho_job *job,
			  const struct mho_graph_step *step);

#define MHO_GRAPH_JOBS_MAX 4096

/* A host function writes the range; without it, it reads it. */
#define MHO_ACCESS_WRITE (1U << 0)
/* mho_graph_access.step goes with mho_job.b_slot; without it, with a_slot. */
#define MHO_ACCESS_B_SLOT (1U << 1)

/**
 * struct mho_graph_access - memory that a host function touches
 * @buf: buffer
 * @offset: first byte
 * @bytes: length
 * @step: bytes that the range moves on for each slot
 * @flags: MHO_ACCESS_*
 * @pad: zero
 */
struct mho_graph_access {
	struct mho_buf *buf;
	uint64_t offset;
	uint64_t bytes;
	uint64_t step;
	uint32_t flags;
	uint32_t pad;
};

/*
 * A function of the program's between the jobs of a run, whose job is @run. It is called on the
 * thread that has the queue, by mho_queue_submit() or mho_queue_reap(), and must not use this queue
 * itself.
 *
 * Return: 0; a negative errno: the run ends with it; or, to be told, 1: the mho_queue_reap() that
 * is under way, or the next one, does not wait any more once the run's next jobs are on their way.
 */
typedef int (*mho_graph_fn)(void *arg, const struct mho_job *run);

/**
 * mho_graph_add_host() - record a call of a function of the program's
 * @graph: graph that is not sealed
 * @fn: the function
 * @arg: passed to it
 * @accesses: what it touches of the memory that jobs of the graph use, copied
 * @n: number of these; with 0 it is taken to touch all of it
 *
 * It is called when the jobs recorded before that touch the same memory are done, and no earlier
 * run needs it any more. Jobs recorded after it start after it.
 *
 * Return: as mho_graph_add().
 */
MHO_API int mho_graph_add_host(struct mho_graph *graph, mho_graph_fn fn, void *arg,
			       const struct mho_graph_access *accesses, uint32_t n);

/**
 * mho_graph_seal() - end recording
 * @graph: graph with at least one job or function
 *
 * Finds out what depends on what, by matrices and by ranges of buffers. Then the graph is run by
 * submitting a job with MHO_OP_GRAPH to a queue, as often as one likes.
 *
 * A run counts as one job of the queue. Jobs that are submitted after it are handed to the device
 * after the last one of the run's. Within a run, jobs overlap where neither a matrix nor memory is
 * shared, and so do those of runs that follow each other. If one fails, those that were not handed
 * to the device yet are left out, functions, too, and the run has the status of the first that
 * failed.
 *
 * Return: 0, -EINVAL (empty), -EBUSY (sealed before), -ENOMEM.
 */
MHO_API int mho_graph_seal(struct mho_graph *graph);

/**
 * mho_graph_set_alpha() - change the factor or learning rate of a recorded job
 * @graph: graph
 * @index: number of the job
 * @alpha: as mho_job.alpha
 *
 * Concerns runs that are submitted afterwards. Where runs are prepared in the driver, the next one
 * costs a preparation more: for what changes from run to run, use slots.
 * Threads: any, not at the same time as a submission of this graph.
 *
 * Return: 0, -EINVAL, -EBUSY (a run waits in the library: reap first).
 */
MHO_API int mho_graph_set_alpha(struct mho_graph *graph, uint32_t index, float alpha);

/**
 * struct mho_graph_stat - what a recorded job has cost in all runs so far
 * @size: sizeof(struct mho_graph_stat)
 * @runs: times that it was done
 * @errors: times that it failed
 * @result: sum of mho_job.result of those that were done
 * @detail: sum of mho_job.detail
 * @device_ns: device time
 * @energy_fj: energy
 * @status: of the last failure, 0 if there was none
 * @op: enum mho_op; of a function, MHO_OP_NOP
 */
struct mho_graph_stat {
	size_t size;
	uint64_t runs;
	uint64_t errors;
	uint64_t result;
	uint64_t detail;
	uint64_t device_ns;
	uint64_t energy_fj;
	int32_t status;
	uint32_t op;
};

/* mho_graph_stat_get() - what job @index has cost; any thread. Return: 0, -EINVAL (size, index). */
MHO_API int mho_graph_stat_get(struct mho_graph *graph, uint32_t index,
			       struct mho_graph_stat *stat);

/* mho_graph_destroy() - runs in flight come to their end first; @graph may be NULL. */
MHO_API void mho_graph_destroy(struct mho_graph *graph);

/* ---- schedulers: jobs from many threads, in the order that their data asks for ---- */

#define MHO_SCHED_THREAD (1U << 0) /* a thread of its own drives it */
#define MHO_SCHED_STRICT (1U << 1) /* a job that reads a matrix waits until it is written */

/* mho_sched_submit(): mho_sched_opts.priority */
#define MHO_SCHED_DEFAULT (-1)

/*
 * A job is done; it is the program's again. Called by whoever drives the scheduler, one call at a
 * time. It may submit, which does not wait then, and must not destroy the scheduler.
 */
typedef void (*mho_sched_fn)(void *arg, struct mho_job *job);

/**
 * struct mho_sched_opts - optional settings of a scheduler
 * @size: sizeof(struct mho_sched_opts)
 * @queues: queues for each priority that is used, 0 for 2; at most 16. They are made when the first
 *	job of this priority comes
 * @depth: of each queue, 0 for 256
 * @priority: of jobs that have no other, 0 (lowest) to 3; as mho_queue_opts.priority
 * @backlog: most jobs that are submitted and not done, 0 for 1024; at most 65536
 * @batch: jobs that are handed to the device together, 0 for each call's; at most @backlog
 * @flags: MHO_SCHED_*
 * @batch_ns: longest time that a job waits for others to join it; 0 for ever, until
 *	mho_sched_flush()
 * @done: gets the jobs that are done; NULL: mho_sched_reap() has them
 * @arg: passed to it
 * @reserved: zero
 */
struct mho_sched_opts {
	size_t size;
	uint32_t queues;
	uint32_t depth;
	uint32_t priority;
	uint32_t backlog;
	uint32_t batch;
	uint32_t flags;
	uint64_t batch_ns;
	mho_sched_fn done;
	void *arg;
	uint64_t reserved[4];
};

/**
 * mho_sched_create() - make a scheduler
 * @dev: device
 * @opts: settings, or NULL
 * @out: the scheduler
 *
 * Without MHO_SCHED_THREAD it works while threads are in its functions: each hands over what it
 * submits, and who waits takes completions for all.
 *
 * Threads: all functions of a scheduler may be called from any, at the same time.
 *
 * Return: 0, or as mho_queue_create(); -EAGAIN (no thread).
 */
MHO_API int mho_sched_create(struct mho_dev *dev, const struct mho_sched_opts *opts,
			     struct mho_sched **out);

/**
 * mho_sched_destroy() - end a scheduler with what is in flight
 * @sched: scheduler that no thread uses any more, or NULL
 *
 * Jobs that are not done are the program's again, with status -ECANCELED; the device may have done
 * some. No function is called for them. mho_sched_drain() before it loses none.
 */
MHO_API void mho_sched_destroy(struct mho_sched *sched);

/**
 * mho_sched_submit() - give jobs to a scheduler
 * @sched: scheduler
 * @jobs: @n jobs, no MHO_OP_GRAPH; each must stay in place until it is done
 * @n: number
 * @priority: 0 to 3, or MHO_SCHED_DEFAULT
 * @timeout_ns: longest wait for room in the backlog; 0 for none, negative for ever
 *
 * Jobs on one matrix are done in this order. So are jobs that touch the same bytes of a buffer, one
 * of them writing, whatever their matrices. MHO_JOB_FENCE and MHO_OP_BARRIER concern all jobs of the
 * scheduler. All others overlap. Priority never changes this order.
 *
 * If a job fails, those that were submitted before it ended and that read the bytes it should have
 * written, and those that need theirs, are not done: status -ECANCELED, detail is the number of the
 * job that failed. With MHO_SCHED_STRICT the same holds for those that use a matrix which it should
 * have written; without it, they follow into the same queue at once.
 *
 * Return: number of jobs that were taken; or, if it is 0, -EAGAIN (no room), -ETIME (none in time),
 * -EINVAL (the first one is not valid), or what mho_queue_create() returns for this priority.
 */
MHO_API int mho_sched_submit(struct mho_sched *sched, struct mho_job *const *jobs, uint32_t n,
			     int priority, int64_t timeout_ns);

/* mho_sched_flush() - hand over what waits for a batch to be full. Return: 0 or -EINVAL. */
MHO_API int mho_sched_flush(struct mho_sched *sched);

/**
 * mho_sched_reap() - take jobs that are done
 * @sched: scheduler without mho_sched_opts.done
 * @jobs: filled with them
 * @max: room in it
 * @min: wait for so many (or for all there are if these are fewer)
 * @timeout_ns: longest wait; 0 for none, negative for ever
 *
 * If the device dies, all jobs end with status -EIO. After mho_reset() the scheduler works again.
 *
 * Return: number of jobs taken, possibly fewer than @min after a timeout; -EINVAL.
 */
MHO_API int mho_sched_reap(struct mho_sched *sched, struct mho_job **jobs, uint32_t max,
			   uint32_t min, int64_t timeout_ns);

/**
 * mho_sched_drain() - wait until all jobs are done
 * @sched: scheduler
 * @timeout_ns: longest wait; 0 for none, negative for ever
 *
 * It flushes first. Jobs remain to be reaped; where a function gets them, it has.
 *
 * Return: 0, -ETIME, -EDEADLK (called from that function), -EINVAL.
 */
MHO_API int mho_sched_drain(struct mho_sched *sched, int64_t timeout_ns);

/* mho_sched_pending() - jobs submitted and not yet reaped, or given to mho_sched_opts.done. */
MHO_API uint32_t mho_sched_pending(struct mho_sched *sched);

/**
 * struct mho_sched_stat - what a scheduler has done so far
 * @size: sizeof(struct mho_sched_stat)
 * @submitted: jobs taken
 * @done: jobs that ended, well or not
 * @failed: of these not well
 * @cancelled: of these for the failure of another
 * @held: jobs that had to wait for others when they were submitted
 * @kicks: times that a queue was told of new jobs
 * @issued: jobs that its queues have now
 */
struct mho_sched_stat {
	size_t size;
	uint64_t submitted;
	uint64_t done;
	uint64_t failed;
	uint64_t cancelled;
	uint64_t held;
	uint64_t kicks;
	uint64_t issued;
};

/* mho_sched_stat_get() - read the counters. Return: 0 or -EINVAL. */
MHO_API int mho_sched_stat_get(struct mho_sched *sched, struct mho_sched_stat *stat);

#ifdef __cplusplus
}
#endif

#endif
