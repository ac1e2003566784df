// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The "emu:" backend: power on, boot, close, interrupts. See emu_dev.h for what is
 * where.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/emu_dev.h"
#include "emulator/mho_emu.h"

/* How often a state of the device is looked at while it changes. */
#define POLL_NS 50000
/* On top of what the device says that a boot or reset may take. */
#define GRACE_NS 1000000000ULL

uint32_t emub_read(struct emub_dev *dev, uint32_t reg)
{
	return (uint32_t)mho_emu_read(dev->emu, MHO_HW_BAR_REGS, reg, 4);
}

void emub_write(struct emub_dev *dev, uint32_t reg, uint32_t value)
{
	mho_emu_write(dev->emu, MHO_HW_BAR_REGS, reg, value, 4);
}

void emub_write64(struct emub_dev *dev, uint32_t reg_lo, uint64_t value)
{
	emub_write(dev, reg_lo, (uint32_t)value);
	emub_write(dev, reg_lo + 4, (uint32_t)(value >> 32));
}

/* ---- what the device calls ---- */

static void *dma_map(void *opaque, uint64_t addr, size_t *len, bool write)
{
	struct emub_dev *dev = opaque;

	return emub_dma_translate(&dev->dma, addr, len, write);
}

/* Regions are taken back only after the device has confirmed that it is through with them. */
static void dma_unmap(void *opaque, void *ptr, size_t len)
{
	(void)opaque;
	(void)ptr;
	(void)len;
}

void emub_wake_all(struct emub_dev *dev)
{
	for (unsigned int i = 1; i <= dev->top; i++)
		if (dev->queues[i])
			emub_queue_wake(dev->queues[i]);
}

static void irq(void *opaque, unsigned int vector)
{
	struct emub_dev *dev = opaque;

	pthread_mutex_lock(&dev->irq_lock);
	if (vector == 0) {
		atomic_fetch_add(&dev->irqs, 1);
		pthread_cond_broadcast(&dev->irq_cond);
		/* Nobody waits for the admin queue, so it is a fault or a change of state. */
		if (!atomic_load(&dev->admin.active))
			emub_wake_all(dev);
	}
	emub_queue_irq(dev, vector);
	pthread_mutex_unlock(&dev->irq_lock);
}

static void device_log(void *opaque, int level, const char *text)
{
	struct emub_dev *dev = opaque;

	mrt_log(dev->log, level, "device: %s", text);
}

static const struct mho_emu_ops device_ops = {
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.irq = irq,
	.log = device_log,
};

int emub_health(struct emub_dev *dev, unsigned int number)
{
	uint32_t status = emub_read(dev, MHO_HW_REG_STATUS), fault, info;

	fault = emub_read(dev, MHO_HW_REG_FAULT);
	info = emub_read(dev, MHO_HW_REG_FAULT_INFO);
	if (status & MHO_HW_STATUS_FATAL ||
	    (status & MHO_HW_STATUS_STATE_MASK) != MHO_HW_STATE_READY)
		return mrt_fail(
			-EIO,
			"the device has stopped: %s (0x%x); mho_reset() starts it again, matrices "
			"are kept",
			mho_hw_status_text(fault & 0xffff), info);
	if (number && fault && fault >> 16 == number)
		return mrt_fail(
			-EIO,
			"queue %u of the device has stopped: %s (0x%x); destroy it and make "
			"another",
			number, mho_hw_status_text(fault & 0xffff), info);
	return 0;
}

/* ---- boot ---- */

static uint32_t state_of(struct emub_dev *dev)
{
	return emub_read(dev, MHO_HW_REG_STATUS) & MHO_HW_STATUS_STATE_MASK;
}

/* Waits while the device is in @from; the state that follows, or -ETIMEDOUT. */
static int leave_state(struct emub_dev *dev, uint32_t from, uint64_t timeout_ns)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	uint64_t end = mrt_now_ns() + timeout_ns + GRACE_NS;
	uint32_t state;

	for (;;) {
		state = state_of(dev);
		if (state != from)
			return (int)state;
		if (mrt_now_ns() > end)
			return mrt_fail(-ETIMEDOUT, "the device does not leave state %u", from);
		nanosleep(&pause, NULL);
	}
}

static uint64_t timeout_ns(struct emub_dev *dev, unsigned int shift)
{
	return (emub_read(dev, MHO_HW_REG_CAP_TIMEOUT) >> shift & 0xffff) * 1000000ULL;
}

static int check_interface(struct emub_dev *dev)
{
	uint32_t version, features;

	if (emub_read(dev, MHO_HW_REG_MAGIC) != MHO_HW_MAGIC)
		return mrt_fail(-ENODEV, "what answers is no mho device: its magic number is 0x%x",
				emub_read(dev, MHO_HW_REG_MAGIC));
	version = emub_read(dev, MHO_HW_REG_VERSION);
	if (version >> 16 != MHO_HW_VERSION_MAJOR)
		return mrt_fail(
			-EPROTONOSUPPORT,
			"the device has interface version %u.%u, this library knows %d; use a "
			"libmho that fits",
			version >> 16, version & 0xffff, MHO_HW_VERSION_MAJOR);
	features = emub_read(dev, MHO_HW_REG_CAP_FEATURES);
	if (!(features & MHO_HW_CAP_SHADOW))
		return mrt_fail(-EPROTONOSUPPORT,
				"the device has no shadow doorbells, which this library needs");
	return 0;
}

static int refused(struct emub_dev *dev, const struct mrt_uri *uri)
{
	uint32_t status = emub_read(dev, MHO_HW_REG_FAULT) & 0xffff;

	return mrt_fail(mrt_status_errno(status),
			"the device refused the firmware %s: %s (at byte %u); leave out firmware= "
			"for the built-in one",
			uri->firmware ? uri->firmware : "that is built in",
			mho_hw_status_text(status), emub_read(dev, MHO_HW_REG_FAULT_INFO));
}

static int boot(struct emub_dev *dev, const struct mrt_uri *uri)
{
	struct emub_region image = { 0 };
	void *data;
	size_t len;
	int err;

	err = emub_load_firmware(uri, &data, &len);
	if (err)
		return err;
	/* The register holds 32 bits; what is longer is too large in any case. */
	err = emub_region_alloc(&dev->dma, len, false, &image);
	if (!err) {
		memcpy(image.ptr, data, len);
		emub_write64(dev, MHO_HW_REG_FW_ADDR_LO, image.bus);
		emub_write(dev, MHO_HW_REG_FW_SIZE, len < UINT32_MAX ? (uint32_t)len : UINT32_MAX);
		emub_write(dev, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT);
		err = leave_state(dev, MHO_HW_STATE_VERIFY, timeout_ns(dev, 0));
		if (err >= 0)
			err = err == MHO_HW_STATE_BOOTED ? 0 : refused(dev, uri);
		emub_region_free(&dev->dma, &image);
	}
	free(data);
	return err;
}

int emub_enable(struct emub_dev *dev)
{
	int state;

	emub_write64(dev, MHO_HW_REG_ASQ_LO, dev->admin.rings.bus);
	emub_write64(dev, MHO_HW_REG_ACQ_LO,
		     dev->admin.rings.bus +
			     (uint64_t)((char *)dev->admin.cq - (char *)dev->admin.sq));
	emub_write(dev, MHO_HW_REG_AQ_ORDER, EMUB_ADMIN_ORDER);
	emub_write(dev, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_ENABLE);
	state = leave_state(dev, MHO_HW_STATE_BOOTED, timeout_ns(dev, 0));
	if (state < 0)
		return state;
	emub_write(dev, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL);
	emub_write(dev, MHO_HW_REG_IRQ_MASK,
		   MHO_HW_IRQ_ALL & ~(MHO_HW_IRQ_ADMIN | MHO_HW_IRQ_STATE | MHO_HW_IRQ_FAULT));
	return state == MHO_HW_STATE_READY ? 0 : emub_health(dev, 0);
}

int emub_warm_reset(struct emub_dev *dev)
{
	int state;

	emub_write(dev, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET);
	state = leave_state(dev, MHO_HW_STATE_RESET, timeout_ns(dev, 16));
	if (state < 0)
		return state;
	return state == MHO_HW_STATE_BOOTED ?
		       0 :
		       mrt_fail(-EIO,
				"the device is in state %d after a reset; close it and open it "
				"again, named matrices are kept",
				state);
}

int emub_context_create(struct emub_dev *dev)
{
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_CONTEXT_CREATE,
		.context = mho_cpu_to_le16(EMUB_CONTEXT),
	};
	struct mho_hw_cqe cqe;
	int err;

	err = emub_admin(dev, &sqe, NULL, NULL, 0, &cqe);
	return err ? emub_admin_fail(err, &cqe, "making a context") : 0;
}

static int start(struct emub_dev *dev)
{
	int err;

	err = emub_enable(dev);
	if (!err)
		err = emub_identify(dev);
	if (!err)
		err = emub_sweep_arrays(dev);
	return err ? err : emub_context_create(dev);
}

/* ---- open and close ---- */

/* FNV-1a: cards of different topologies and seeds have different serial numbers. */
static uint64_t serial_of(const unsigned char *data, size_t len, uint64_t seed)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ data[i]) * 0x100000001b3ULL;
	return (hash ^ seed) * 0x100000001b3ULL;
}

static int power_on(struct emub_dev *dev, const struct mrt_uri *uri)
{
	struct mho_emu_config cfg = {
		.size = sizeof(cfg),
		.technology = uri->tech,
		.seed = uri->seed,
		.threads = uri->threads,
		.state_path = uri->state,
		.ops = &device_ops,
		.opaque = dev,
	};
	char text[512] = "";
	void *topology;
	size_t len;
	int err;

	err = emub_load_topology(uri, &topology, &len);
	if (err)
		return err;
	cfg.topology = topology;
	cfg.topology_len = len;
	cfg.serial = serial_of(topology, len, uri->seed);
	err = mho_emu_create(&cfg, &dev->emu, text, sizeof(text));
	free(topology);
	if (!err)
		return 0;
	/* The device does not always repeat which file it was given. */
	if (uri->state && err != -EINVAL && err != -ENOMEM && !strstr(text, uri->state))
		return mrt_fail(err, "%s: %s", uri->state, *text ? text : mho_strerror(err));
	return mrt_fail(err, "%s", *text ? text : mho_strerror(err));
}

static int init(struct emub_dev *dev, uint32_t io, const struct mrt_logger *log)
{
	pthread_condattr_t attr;
	int err;

	dev->base.ops = &mrt_backend_emu;
	dev->log = log;
	err = emub_dma_init(&dev->dma);
	if (err)
		return err;
	err = mrt_notifier_init(&dev->notifier, io, log);
	if (err) {
		emub_dma_exit(&dev->dma);
		return err;
	}
	mrt_link_init(&dev->mems);
	pthread_mutex_init(&dev->objects, NULL);
	pthread_mutex_init(&dev->irq_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&dev->irq_cond, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

static void destroy(struct emub_dev *dev)
{
	/* The device first: when it is gone, it calls nothing back. */
	mho_emu_destroy(dev->emu);
	emub_admin_exit(dev);
	mrt_notifier_exit(&dev->notifier);
	pthread_cond_destroy(&dev->irq_cond);
	pthread_mutex_destroy(&dev->irq_lock);
	pthread_mutex_destroy(&dev->objects);
	emub_dma_exit(&dev->dma);
	free(dev->arrays);
	free(dev->blob);
	free(dev);
}

static int open_device(const struct mrt_uri *uri, uint32_t io, const struct mrt_logger *log,
		       struct mrt_bdev **out)
{
	struct emub_dev *dev = calloc(1, sizeof(*dev));
	int err;

	if (!dev)
		return mrt_fail(-ENOMEM, "out of memory for a device");
	err = init(dev, io, log);
	if (err) {
		free(dev);
		return err;
	}
	err = emub_admin_init(dev);
	if (!err)
		err = power_on(dev, uri);
	if (!err && uri->fault)
		err = emub_order_faults(dev, uri->fault);
	if (!err)
		err = check_interface(dev);
	if (!err)
		err = boot(dev, uri);
	if (!err)
		err = start(dev);
	if (err) {
		destroy(dev);
		return err;
	}
	*out = &dev->base;
	return 0;
}

static void close_device(struct mrt_bdev *base)
{
	struct emub_dev *dev = emub_dev_of(base);
	struct mho_hw_admin_sqe sqe = {
		.opcode = MHO_HW_ADM_CONTEXT_DESTROY,
		.context = mho_cpu_to_le16(EMUB_CONTEXT),
	};
	struct mho_hw_cqe cqe;
	int err;

	err = emub_admin(dev, &sqe, NULL, NULL, 0, &cqe);
	if (err)
		emub_admin_fail(err, &cqe, "ending the context");
	emub_write(dev, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_SHUTDOWN);
	if (!err && leave_state(dev, MHO_HW_STATE_READY, timeout_ns(dev, 16)) < 0)
		err = -EIO;
	if (err)
		mrt_log(dev->log, MHO_LOG_ERROR, "closing the device: %s", mho_last_error());
	destroy(dev);
}

static int save(struct mrt_bdev *base)
{
	int err = mho_emu_save(emub_dev_of(base)->emu);

	return err ? mrt_fail(err, "the state file was not written: %s; the former one is intact",
			      mho_strerror(err)) :
		     0;
}

const struct mrt_backend mrt_backend_emu = {
	.scheme = "emu",
	.enumerate = emub_enumerate,
	.open = open_device,
	.close = close_device,
	.info = emub_info,
	.topology = emub_topology,
	.tile = emub_tile,
	.firmware = emub_firmware,
	.telemetry = emub_telemetry,
	.read_log = emub_read_log,
	.selftest = emub_selftest,
	.calibrate = emub_calibrate,
	.sync = save,
	.reset = emub_reset,
	.mem_alloc = emub_mem_alloc,
	.mem_free = emub_mem_free,
	.array_create = emub_array_create,
	.array_find = emub_array_find,
	.array_release = emub_array_release,
	.array_info = emub_array_info,
	.queue_create = emub_queue_create,
	.queue_destroy = emub_queue_destroy,
	.push = emub_queue_push,
	.kick = emub_queue_kick,
	.reap = emub_queue_reap,
	.wait = emub_queue_wait,
	.arm = emub_queue_arm,
	.fd = emub_queue_fd,
	.fence_export = emub_queue_fence_export,
};
