/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What tests of faults share besides mho_test_lib.h: the card in sysfs, the driver as a module,
 * events, a small network whose answers can be checked, and memory that runs out.
 *
 * Functions return 0 (or what they say) or -errno, and judge nothing.
 */
#ifndef MHO_TEST_FAULT_H
#define MHO_TEST_FAULT_H

#include "mho_test_lib.h"

/* Time-out of jobs where one is to run out, in ms; a busy host must be able to keep to it. */
#define MT_TIMEOUT_MS 1500
/* One that must not be what ends a job: longer than a device that hangs may take to shut down, ms. */
#define MT_FAR_MS 60000
/* How long a job takes that is to be in flight when something happens, in ms. */
#define MT_DELAY_MS 9000

/* --- mho_test_card.c: the PCI function, and the driver --- */

/**
 * mt_card_address() - where the card is on its bus
 *
 * Return: the address, valid until the next call; NULL if there is no card.
 */
const char *mt_card_address(void);

/**
 * mt_card_path() - a file of the card in sysfs
 * @name: its name
 *
 * Return: its path, valid until the next call. Without a card, one that does not exist.
 */
const char *mt_card_path(const char *name);

/**
 * mt_card_write() - write to a file of the card
 * @name: its name
 * @text: what
 *
 * Return: 0 or -errno.
 */
int mt_card_write(const char *name, const char *text);

/**
 * mt_card_number() - read a number from a file of the card
 * @name: its name
 *
 * Return: the number, or -errno.
 */
int64_t mt_card_number(const char *name);

/**
 * mt_card_debugfs() - read a file of the card in debugfs
 * @name: its name
 * @text: where it goes, with a NUL behind it
 * @size: room
 *
 * Return: bytes read, or -errno.
 */
ssize_t mt_card_debugfs(const char *name, char *text, size_t size);

/**
 * mt_card_wait() - wait for the card to come, or to go
 * @there: which
 *
 * Return: 0 or -ETIMEDOUT.
 */
int mt_card_wait(bool there);

/**
 * mt_node_wait() - wait for the node to come, or to go
 * @there: which
 *
 * Return: 0 or -ETIMEDOUT.
 */
int mt_node_wait(bool there);

/* Through the driver's bind and unbind in sysfs. */
int mt_bind(void);
int mt_unbind(void);

/**
 * mt_renew() - the card becomes new while no driver has it: no arrays, no wear, the same cells
 *
 * Return: 0 or -errno.
 */
int mt_renew(void);

/* Removes the function from the bus, and finds it again. */
int mt_remove(void);
int mt_rescan(void);

/**
 * mt_module_load() - load the driver
 * @options: module parameters, or ""
 *
 * Return: 0 or -EIO.
 */
int mt_module_load(const char *options);

/**
 * mt_module_unload() - unload the driver
 *
 * Return: 0 or -errno, -EWOULDBLOCK if it is in use.
 */
int mt_module_unload(void);

/**
 * mt_timeout() - set the time-out of jobs, for contexts made from now on
 * @ms: time, 0 for the device's own
 *
 * Return: 0 or -errno.
 */
int mt_timeout(unsigned int ms);

/**
 * mt_repair() - clear all faults, and see to it that there is a card with a driver that works
 *
 * Return: 0, or what does not work.
 */
int mt_repair(void);

/**
 * mt_replace() - plug another card, unless there is one that works; then mt_repair()
 *
 * Return: 0, or what does not work.
 */
int mt_replace(void);

/* --- mho_test_order.c: orders to the host, and waiting --- */

/**
 * mt_order() - mt_control() with a format; the answer is not looked at
 * @format: of the line
 *
 * Return: as mt_control().
 */
__attribute__((format(printf, 1, 2))) int mt_order(const char *format, ...);

/**
 * mt_fault_taken() - wait until a fault that was ordered has happened
 * @name: its name
 *
 * Return: 0, -ETIMEDOUT, or as mt_control().
 */
int mt_fault_taken(const char *name);

/**
 * mt_result_wait() - wait for a result where no call can be waited with any more
 * @result: of a job
 *
 * Return: 0 or -ETIMEDOUT.
 */
int mt_result_wait(const struct drm_mho_result *result);

/**
 * mt_event_open() - listen to the kernel's events
 *
 * Return: a socket, or -errno.
 */
int mt_event_open(void);

/**
 * mt_event_wait() - wait for an event that has a text in it
 * @fd: socket
 * @text: one of its lines
 *
 * Return: 0 or -ETIMEDOUT.
 */
int mt_event_wait(int fd, const char *text);

/* --- mho_test_model.c: weights, and whether they are still there --- */

/**
 * mt_model_weights() - the weights of a model
 * @seed: which model
 * @weights: MT_MODEL_SIZE numbers
 */
#define MT_MODEL_ROWS 24
#define MT_MODEL_COLS 20
#define MT_MODEL_SIZE (MT_MODEL_ROWS * MT_MODEL_COLS)
void mt_model_weights(uint32_t seed, float *weights);

/**
 * mt_model_make() - make an array and program it
 * @s: session
 * @label: its name, or NULL
 * @seed: which model
 * @array: its handle
 *
 * Return: 0, -errno, or a device status.
 */
int mt_model_make(const struct mt_session *s, const char *label, uint32_t seed, uint32_t *array);

/**
 * mt_model_find() - find a named array
 * @s: session
 * @label: its name
 * @array: its handle
 *
 * Return: 0 or -errno.
 */
int mt_model_find(const struct mt_session *s, const char *label, uint32_t *array);

/**
 * mt_model_job() - a product with a model, of one vector
 * @s: session, whose buffer gets the vector
 * @array: model
 *
 * Return: the job.
 */
struct drm_mho_job mt_model_job(const struct mt_session *s, uint32_t array);

/**
 * mt_product_right() - whether a product is that of a model
 * @x: vector, of MT_MODEL_COLS numbers
 * @y: what is said to be the product, of MT_MODEL_ROWS numbers
 * @seed: which model
 *
 * Return: true if so.
 */
bool mt_product_right(const float *x, const float *y, uint32_t seed);

/**
 * mt_model_right() - whether the product in the buffer is that of a model
 * @s: session in which mt_model_job() is done
 * @seed: which model
 *
 * Return: true if so.
 */
bool mt_model_right(const struct mt_session *s, uint32_t seed);

/**
 * mt_model_check() - multiply and read: is the model what it was?
 * @s: session
 * @array: its array
 * @seed: which model
 *
 * Return: 0; -EILSEQ if its numbers are wrong; -errno or a device status.
 */
int mt_model_check(const struct mt_session *s, uint32_t array, uint32_t seed);

/**
 * mt_works() - open, make, program, multiply, read, close
 *
 * Return: 0 if all of it is right.
 */
int mt_works(void);

/* --- mho_test_fail.c: allocations and copies that fail --- */

/**
 * mt_fail_init() - have every kind of memory and every copy count, and the kernel keep quiet about it
 *
 * Return: 0; -EOPNOTSUPP where the kernel cannot make them fail; -errno.
 */
int mt_fail_init(void);

/**
 * mt_fail_spare() - let nothing fail that a function of the kernel's does
 * @function: its name
 *
 * For one that does not survive it. Holds until it is called again.
 *
 * Return: 0 or -errno; -ENOENT if there is no such function.
 */
int mt_fail_spare(const char *function);

/**
 * mt_fail_arm() - in this thread, let an allocation or a copy fail in the kernel
 * @nth: which one from now on, from 1
 *
 * Return: 0 or -errno.
 */
int mt_fail_arm(unsigned int nth);

/**
 * mt_fail_disarm() - let nothing fail any more
 *
 * Return: 1 if something has failed, 0 if there was nothing that many, -errno.
 */
int mt_fail_disarm(void);

#endif /* MHO_TEST_FAULT_H */
