/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the driver's tests share: the node, its ioctls, buffers, jobs, the way to mho-emud, the
 * kernel's log. Nothing of the harness is in here: test programs include mho_test.h.
 *
 * Functions return 0 (or what they say) or -errno, and judge nothing.
 */
#ifndef MHO_TEST_LIB_H
#define MHO_TEST_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <drm/mho_accel.h>

/* How long a test waits for what happens at once. A loaded machine may take its time. */
#define MT_WAIT_NS 60000000000LL
/* Waits that are to run out take so long. */
#define MT_SHORT_NS 50000000LL

#define MT_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* --- mho_test_node.c: the node and its ioctls --- */

/**
 * mt_node() - path of the first accel node that mho.ko has
 *
 * Return: the path, valid until the next call; NULL if there is none.
 */
const char *mt_node(void);

/**
 * mt_open() - open the node
 *
 * Return: descriptor, or -errno; -ENODEV if there is no node.
 */
int mt_open(void);

/**
 * mt_ioctl() - ioctl() that goes on after signals
 * @fd: node
 * @request: DRM_IOCTL_*
 * @args: its arguments
 *
 * Return: 0 or -errno.
 */
int mt_ioctl(int fd, unsigned long request, void *args);

/**
 * mt_query() - DRM_IOCTL_MHO_QUERY
 * @fd: node
 * @type: DRM_MHO_QUERY_*
 * @id: tile, context, position; else 0
 * @data: where the answer goes
 * @size: bytes of it
 *
 * Return: bytes that there are, or -errno.
 */
int mt_query(int fd, uint32_t type, uint32_t id, void *data, uint32_t size);

/**
 * mt_tiles_free() - tiles that no array has
 * @fd: node
 *
 * Return: how many, or -errno.
 */
int mt_tiles_free(int fd);

/**
 * mt_write_file() - write a string to a file, as to one in sysfs
 * @path: the file
 * @text: what to write
 *
 * Return: 0 or -errno.
 */
int mt_write_file(const char *path, const char *text);

/* --- mho_test_text.c: files of the kernel's --- */

/**
 * mt_read_file() - read a file to its end, or to the end of the room
 * @path: the file
 * @data: where it goes
 * @size: room
 *
 * Return: bytes read, or -errno.
 */
ssize_t mt_read_file(const char *path, void *data, size_t size);

/* The same, with a NUL behind it. */
ssize_t mt_read_text(const char *path, char *text, size_t size);

/**
 * mt_text_number() - the number behind a key
 * @text: text
 * @key: what stands before the number, "in flight " or "mho-keys:"
 *
 * Return: the number behind the first one, or -ENOENT.
 */
int64_t mt_text_number(const char *text, const char *key);

/* --- mho_test_objects.c: what a file can have --- */

/**
 * struct mt_buffer - a buffer, mapped
 * @handle: GEM handle
 * @size: bytes
 * @offset: for mmap() on the node
 * @map: its memory
 */
struct mt_buffer {
	uint32_t handle;
	uint64_t size;
	uint64_t offset;
	void *map;
};

int mt_buffer_create(int fd, uint64_t size, struct mt_buffer *buffer);
void mt_buffer_destroy(int fd, struct mt_buffer *buffer);
int mt_gem_close(int fd, uint32_t handle);

/**
 * mt_ctx_create() - make a context of normal priority and default depth
 * @fd: node
 * @handle: its handle
 *
 * Return: 0 or -errno.
 */
int mt_ctx_create(int fd, uint32_t *handle);
int mt_ctx_destroy(int fd, uint32_t handle);

/**
 * mt_array_create() - make an array of any technology, in blocks that fit every tile
 * @fd: node
 * @rows: rows
 * @cols: columns
 * @handle: its handle
 *
 * Return: 0 or -errno.
 */
int mt_array_create(int fd, uint32_t rows, uint32_t cols, uint32_t *handle);
int mt_array_destroy(int fd, uint32_t handle);

/**
 * mt_array_args() - the same, to be changed and handed to DRM_IOCTL_MHO_ARRAY_CREATE
 * @rows: rows
 * @cols: columns
 *
 * Return: the arguments.
 */
struct drm_mho_array_create mt_array_args(uint32_t rows, uint32_t cols);

int mt_syncobj_create(int fd, uint32_t flags, uint32_t *handle);
int mt_syncobj_destroy(int fd, uint32_t handle);

/**
 * mt_syncobj_wait() - wait for a binary syncobj that has a fence
 * @fd: node
 * @handle: syncobj
 * @ns: how long
 *
 * Return: 0, -ETIME, -EINVAL if it has none, -errno.
 */
int mt_syncobj_wait(int fd, uint32_t handle, int64_t ns);

/**
 * mt_timeline_wait() - wait for a point of a timeline, also before anything promised it
 * @fd: node
 * @handle: syncobj
 * @point: point
 * @ns: how long
 *
 * Return: 0, -ETIME, -errno.
 */
int mt_timeline_wait(int fd, uint32_t handle, uint64_t point, int64_t ns);

/**
 * mt_fence_status() - the state of the fence in a binary syncobj
 * @fd: node
 * @handle: syncobj
 *
 * Return: 1 signalled, 0 not yet, or its error, or -errno of asking.
 */
int mt_fence_status(int fd, uint32_t handle);

/* --- mho_test_jobs.c: jobs --- */

/* Arrays of tests are cut into blocks of so many rows and columns at most. */
#define MT_BLOCK 16

/* Layout of a session's buffer for data, in floats. */
#define MT_AT_WEIGHTS 0
#define MT_AT_X 4096
#define MT_AT_Y 8192
#define MT_AT_READ 12288
#define MT_DATA_SIZE (16384 * sizeof(float))

/* Results of so many jobs fit. */
#define MT_RESULTS 1024

/**
 * struct mt_session - an open file with what jobs need
 * @fd: node
 * @ctx: context
 * @done: binary syncobj that mt_run() signals
 * @data: operands, see MT_AT_*
 * @results: results of MT_RESULTS jobs
 */
struct mt_session {
	int fd;
	uint32_t ctx;
	uint32_t done;
	struct mt_buffer data;
	struct mt_buffer results;
};

int mt_session_open(struct mt_session *s);
void mt_session_close(struct mt_session *s);

/**
 * mt_data() - a place in a session's buffer for data
 * @s: session
 * @at: MT_AT_*
 *
 * Return: where it is mapped.
 */
float *mt_data(const struct mt_session *s, size_t at);

/**
 * mt_results() - the results of what was submitted last
 * @s: session
 *
 * Return: one for each job.
 */
const struct drm_mho_result *mt_results(const struct mt_session *s);

/**
 * mt_bits() - binary32 as the interface has it
 * @value: number
 *
 * Return: its bits.
 */
uint32_t mt_bits(float value);

/* Whole-array jobs on a session's buffer: weights, x, y, read, at MT_AT_*; scales are 1. */
struct drm_mho_job mt_job_nop(void);
struct drm_mho_job mt_job_program(const struct mt_session *s, uint32_t array);
struct drm_mho_job mt_job_read(const struct mt_session *s, uint32_t array, uint32_t reads);
/* MVM, MVM_T, UPDATE (which wants a rate in param[0], too). */
struct drm_mho_job mt_job_vectors(const struct mt_session *s, uint32_t array, uint8_t op,
				  uint32_t batch);

/**
 * mt_submit_args() - a SUBMIT with results and without syncobjs
 * @s: session
 * @jobs: jobs
 * @count: how many
 *
 * Return: the arguments.
 */
struct drm_mho_submit mt_submit_args(const struct mt_session *s, const struct drm_mho_job *jobs,
				     uint32_t count);

/**
 * mt_submit() - SUBMIT that signals the session's syncobj; results hold rubbish until it is done
 * @s: session
 * @jobs: jobs
 * @count: how many
 *
 * Return: 0 or -errno.
 */
int mt_submit(const struct mt_session *s, const struct drm_mho_job *jobs, uint32_t count);

/**
 * mt_run() - mt_submit(), and wait
 * @s: session
 * @jobs: jobs
 * @count: how many
 *
 * Return: 0 or -errno; how the jobs ended their results tell.
 */
int mt_run(const struct mt_session *s, const struct drm_mho_job *jobs, uint32_t count);

/**
 * mt_run_one() - run one job
 * @s: session
 * @job: job
 *
 * Return: its status; -errno of what failed before it had one.
 */
int mt_run_one(const struct mt_session *s, const struct drm_mho_job *job);

/**
 * mt_fill() - numbers between -amplitude and amplitude, the same for a seed
 * @to: where
 * @count: how many
 * @amplitude: largest
 * @seed: which numbers
 */
void mt_fill(float *to, size_t count, float amplitude, uint32_t seed);

/**
 * mt_all_zero() - whether all bytes are zero
 * @what: memory
 * @size: bytes
 *
 * Return: true if so.
 */
bool mt_all_zero(const void *what, size_t size);

/**
 * mt_error2() - relative error, squared
 * @got: numbers
 * @want: what they should be
 * @count: how many
 *
 * Return: sum of squared differences over the sum of squares.
 */
double mt_error2(const float *got, const float *want, size_t count);

/* --- mho_test_hold.c: vgem, buffers of others, fences at will --- */

/**
 * mt_vgem_open() - load vgem and open its node
 *
 * Return: descriptor, or -ENODEV.
 */
int mt_vgem_open(void);

/* A buffer of vgem's of at least so many bytes. */
int mt_vgem_buffer(int fd, uint32_t size, uint32_t *handle);

/* The dma-buf of a buffer, or -errno. */
int mt_prime_export(int fd, uint32_t handle);
int mt_prime_import(int fd, int dmabuf, uint32_t *handle);

/* Puts the fence of a sync_file into a syncobj. */
int mt_syncobj_import(int fd, uint32_t handle, int sync_file);

/**
 * struct mt_hold - a fence that signals when the test says so, and after 10 s by itself
 * @vgem: node of vgem
 * @fence: its number of the fence
 * @sync_file: the fence
 * @syncobj: the same
 */
struct mt_hold {
	int vgem;
	uint32_t fence;
	int sync_file;
	uint32_t syncobj;
};

/**
 * mt_hold_create() - make such a fence
 * @fd: node, for the syncobj
 * @hold: the fence
 *
 * Return: 0 or -errno; -ENODEV where there is no vgem.
 */
int mt_hold_create(int fd, struct mt_hold *hold);

/**
 * mt_hold_release() - let it signal
 * @hold: the fence
 *
 * Return: 0; -ETIMEDOUT if it had already, after its 10 s.
 */
int mt_hold_release(struct mt_hold *hold);

/**
 * mt_submit_held() - mt_submit() of jobs that wait for the fence
 * @s: session
 * @hold: the fence
 * @jobs: jobs
 * @count: how many
 *
 * Return: 0 or -errno.
 */
int mt_submit_held(const struct mt_session *s, const struct mt_hold *hold,
		   const struct drm_mho_job *jobs, uint32_t count);

/* --- mho_test_process.c: other processes --- */

/**
 * mt_child() - run a function in another process, as another user if wanted
 * @uid: user and group, 0 for root
 * @function: what to run; what it returns must fit an exit status
 * @arg: for it
 *
 * Return: what the function returned, or -errno.
 */
int mt_child(unsigned int uid, int (*function)(void *arg), void *arg);

int mt_send_fd(int socket, int fd);
/* The descriptor, or -errno. */
int mt_receive_fd(int socket);

/* --- mho_test_control.c: mho-emud --- */

/**
 * mt_control() - have mho-emud do something; see docs/mho-emud.md
 * @line: what, without a newline
 * @answer: its answer, a line of JSON; may be NULL
 * @size: bytes of it
 *
 * Processes take turns.
 *
 * Return: 0 if it said that it worked; -EIO if it did not; -ENODEV if it cannot be reached;
 * -ETIMEDOUT.
 */
int mt_control(const char *line, char *answer, size_t size);

/**
 * mt_counter() - one of mho-emud's counters
 * @name: its name
 *
 * Return: its value, or -errno.
 */
int64_t mt_counter(const char *name);

/* --- mho_test_log.c: the kernel's log --- */

/**
 * mt_log_complaint() - a complaint of the kernel's since this program started
 * @line: the message
 * @size: bytes of it
 *
 * Return: 1 if there is one, 0 if not, -errno if the log cannot be read.
 */
int mt_log_complaint(char *line, size_t size);

/**
 * mt_log_expect() - traces that are the kernel's own fault, from now on until the guest ends
 * @text: part of the first line of such a trace, which ends with that of a stack
 *
 * Said in the log itself, so that whoever reads it knows.
 *
 * Return: 0 or -errno.
 */
int mt_log_expect(const char *text);

/**
 * mt_log_count() - how often the kernel has said something since this program started
 * @text: part of a message
 *
 * Return: how many messages have it, or -errno.
 */
int mt_log_count(const char *text);

#endif /* MHO_TEST_LIB_H */
