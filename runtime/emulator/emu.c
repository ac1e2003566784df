// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Power on, power off, and the functions of mho_emu.h: everything else is in a
 * file of its own.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "emulator/emu.h"
#include "emulator/objects.h"
#include "emulator/persist.h"

uint64_t mho_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

uint32_t mho_features(const struct mho_emu *emu)
{
	return MHO_HW_CAP_SHADOW | MHO_HW_CAP_COALESCE | MHO_HW_CAP_NAMED | MHO_HW_CAP_CALIBRATE |
	       (emu->window ? MHO_HW_CAP_WINDOW : 0);
}

unsigned int mho_vectors(const struct mho_emu *emu)
{
	return emu->topo->limits.queues + 1;
}

static int fail(char *err, size_t len, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(char *err, size_t len, int code, const char *fmt, ...)
{
	va_list ap;

	if (err && len) {
		va_start(ap, fmt);
		vsnprintf(err, len, fmt, ap);
		va_end(ap);
	}
	return code;
}

static int check_config(const struct mho_emu_config *cfg, char *err, size_t len)
{
	if (cfg->size != sizeof(*cfg))
		return fail(err, len, -EINVAL,
			    "mho_emu_config.size is %zu, expected %zu: rebuild the caller",
			    cfg->size, sizeof(*cfg));
	if (!cfg->ops || !cfg->ops->dma_map || !cfg->ops->dma_unmap || !cfg->ops->irq)
		return fail(err, len, -EINVAL,
			    "a callback is missing: dma_map, dma_unmap and irq must be set");
	if (!cfg->topology || !cfg->topology_len)
		return fail(err, len, -EINVAL, "there is no topology: pass a device-tree blob");
	if (cfg->technology && strlen(cfg->technology) >= sizeof(((struct mho_emu *)0)->technology))
		return fail(err, len, -EINVAL, "no technology has a name as long as \"%s\"",
			    cfg->technology);
	return 0;
}

static int make_tiles(struct mho_emu *emu)
{
	unsigned int i;
	int ret;

	emu->tiles = calloc(emu->topo->ntiles, sizeof(*emu->tiles));
	if (!emu->tiles)
		return -ENOMEM;
	for (i = 0; i < emu->topo->ntiles; i++) {
		const struct mho_topo_tile *t = &emu->topo->tiles[i];
		struct mho_hwtile *tile = &emu->tiles[i];

		tile->number = i;
		tile->rows = t->rows;
		tile->cols = t->cols;
		tile->technology = t->tech;
		tile->failed = t->failed;
		ret = mho_tile_create(&emu->topo->techs[t->tech], t->rows, t->cols, emu->seed, i,
				      &tile->phys);
		if (ret)
			return ret;
	}
	return 0;
}

static int make_tables(struct mho_emu *emu)
{
	const struct mho_topo_limits *l = &emu->topo->limits;
	unsigned int i;

	emu->contexts = calloc(MHO_HW_CONTEXTS_MAX / 64 + 1, sizeof(*emu->contexts));
	emu->keys = calloc(l->keys + 1, sizeof(struct mho_key *));
	emu->arrays = calloc(l->arrays + 1, sizeof(struct mho_array *));
	emu->cmds = calloc(MHO_COMMANDS, sizeof(*emu->cmds));
	if (!emu->contexts || !emu->keys || !emu->arrays || !emu->cmds)
		return -ENOMEM;
	for (i = 0; i < MHO_COMMANDS; i++) {
		struct mho_cmd *cmd = &emu->cmds[i];

		cmd->use[0].cmd = cmd;
		cmd->use[1].cmd = cmd;
		mho_list_init(&cmd->use[0].link);
		mho_list_init(&cmd->use[1].link);
		mho_list_add_tail(&emu->free_cmds, &cmd->link);
	}
	return 0;
}

static void init_locks(struct mho_emu *emu)
{
	unsigned int p;

	pthread_mutex_init(&emu->lock, NULL);
	pthread_mutex_init(&emu->irq_lock, NULL);
	pthread_cond_init(&emu->idle, NULL);
	mho_log_init(&emu->log);
	mho_fault_init(emu);
	mho_regs_init(emu);
	mho_list_init(&emu->spinning);
	mho_list_init(&emu->shared);
	mho_list_init(&emu->free_cmds);
	mho_list_init(&emu->delayed);
	for (p = 0; p < MHO_PRIORITIES; p++)
		mho_list_init(&emu->ready[p]);
	emu->window_fd = -1;
}

static void destroy(struct mho_emu *emu)
{
	uint32_t i;

	mho_workers_stop(emu);
	for (i = 0; emu->topo && emu->arrays && i <= emu->topo->limits.arrays; i++)
		free(emu->arrays[i]);
	for (i = 0; emu->tiles && i < emu->topo->ntiles; i++)
		mho_tile_destroy(emu->tiles[i].phys);
	mho_state_close(emu->state);
	mho_image_release(&emu->image);
	mho_window_free(emu);
	free(emu->cmds);
	free(emu->arrays);
	free(emu->keys);
	free(emu->contexts);
	free(emu->tiles);
	mho_topo_free(emu->topo);
	free(emu->blob);
	pthread_cond_destroy(&emu->idle);
	pthread_mutex_destroy(&emu->irq_lock);
	pthread_mutex_destroy(&emu->lock);
	pthread_mutex_destroy(&emu->regs.lock);
	pthread_mutex_destroy(&emu->log.lock);
	mho_fault_free(emu);
	free(emu);
}

static int power_on(struct mho_emu *emu, const struct mho_emu_config *cfg, char *err, size_t len)
{
	int ret;

	emu->blob = malloc(cfg->topology_len);
	if (!emu->blob)
		return -ENOMEM;
	memcpy(emu->blob, cfg->topology, cfg->topology_len);
	emu->blob_len = cfg->topology_len;
	ret = mho_topo_parse(emu->blob, emu->blob_len, cfg->technology, &emu->topo, err, len);
	if (ret)
		return ret;
	ret = make_tables(emu);
	if (!ret)
		ret = make_tiles(emu);
	if (!ret)
		ret = mho_window_init(emu);
	if (ret)
		return fail(err, len, ret, "the card's %u tiles with %llu cells do not fit: %s",
			    emu->topo->ntiles, (unsigned long long)emu->topo->cells,
			    strerror(-ret));
	mho_thermal_reset(emu);
	if (cfg->state_path) {
		ret = mho_persist_open(emu, cfg->state_path, err, len);
		if (ret)
			return ret;
	}
	ret = mho_workers_start(emu, cfg->threads);
	if (ret)
		return fail(err, len, ret, "the device's threads could not be started: %s",
			    strerror(-ret));
	return 0;
}

int mho_emu_create(const struct mho_emu_config *cfg, struct mho_emu **out, char *err,
		   size_t err_len)
{
	struct mho_emu *emu;
	int ret;

	if (err && err_len)
		err[0] = '\0';
	ret = check_config(cfg, err, err_len);
	if (ret)
		return ret;
	emu = aligned_alloc(_Alignof(struct mho_emu), sizeof(*emu));
	if (!emu)
		return fail(err, err_len, -ENOMEM, "no memory for the device");
	memset(emu, 0, sizeof(*emu));
	emu->dma.ops = cfg->ops;
	emu->dma.opaque = cfg->opaque;
	emu->kernels = mho_kernels_best();
	emu->seed = cfg->seed;
	emu->serial = cfg->serial;
	if (cfg->technology)
		memcpy(emu->technology, cfg->technology, strlen(cfg->technology));
	init_locks(emu);
	ret = power_on(emu, cfg, err, err_len);
	if (ret) {
		destroy(emu);
		return ret;
	}
	*out = emu;
	return 0;
}

static void save_at_power_off(struct mho_emu *emu)
{
	int err = mho_persist(emu, emu->orderly);

	if (err)
		mho_log(emu, MHO_HW_LOG_ERROR, MHO_HW_ST_INTERNAL, "state not saved: %s",
			mho_state_error(emu->state));
}

void mho_emu_destroy(struct mho_emu *emu)
{
	if (!emu)
		return;
	/* With nothing of the host left no worker can do DMA. */
	pthread_mutex_lock(&emu->regs.lock);
	emu->regs.state = MHO_HW_STATE_RESET;
	pthread_mutex_unlock(&emu->regs.lock);
	mho_reset_and_wait(emu, MHO_REQ_POWER_OFF);
	mho_workers_stop(emu);
	save_at_power_off(emu);
	destroy(emu);
}

int mho_emu_save(struct mho_emu *emu)
{
	int err;

	if (!emu->state)
		return 0;
	pthread_mutex_lock(&emu->lock);
	emu->freeze++;
	while (emu->running || emu->administering || emu->controlling || emu->saving)
		pthread_cond_wait(&emu->idle, &emu->lock);
	emu->saving = true;
	pthread_mutex_unlock(&emu->lock);
	err = mho_persist(emu, emu->orderly);
	pthread_mutex_lock(&emu->lock);
	emu->saving = false;
	emu->freeze--;
	pthread_cond_broadcast(&emu->idle);
	pthread_mutex_unlock(&emu->lock);
	mho_notify_all(emu);
	return err;
}

uint64_t mho_emu_read(struct mho_emu *emu, unsigned int bar, uint64_t offset, unsigned int width)
{
	if (bar == MHO_HW_BAR_WINDOW)
		return mho_window_read(emu, offset, width);
	if (offset >= mho_emu_bar_size(emu, bar))
		return ~0ULL;
	if (bar == MHO_HW_BAR_REGS)
		return mho_regs_read(emu, offset, width);
	return width == 4 && !(offset & 3) ? 0 : ~0ULL;
}

void mho_emu_write(struct mho_emu *emu, unsigned int bar, uint64_t offset, uint64_t value,
		   unsigned int width)
{
	if (bar == MHO_HW_BAR_WINDOW)
		mho_window_write(emu, offset, value, width);
	else if (offset >= mho_emu_bar_size(emu, bar))
		return;
	else if (bar == MHO_HW_BAR_REGS)
		mho_regs_write(emu, offset, value, width);
	else if (width == 4)
		mho_doorbell_write(emu, offset, (uint32_t)value);
}

uint64_t mho_emu_bar_size(const struct mho_emu *emu, unsigned int bar)
{
	uint64_t need, size = MHO_HW_DB_STRIDE;

	switch (bar) {
	case MHO_HW_BAR_REGS:
		return MHO_HW_REGS_SIZE;
	case MHO_HW_BAR_DOORBELL:
		need = (uint64_t)(emu->topo->limits.queues + 1) * MHO_HW_DB_STRIDE;
		while (size < need)
			size *= 2;
		return size;
	case MHO_HW_BAR_WINDOW:
		return emu->window_size;
	default:
		return 0;
	}
}

void *mho_emu_window(struct mho_emu *emu, int *fd)
{
	if (fd)
		*fd = emu->window_fd;
	return emu->window;
}

static void reset(struct mho_emu *emu, uint32_t req)
{
	pthread_mutex_lock(&emu->regs.lock);
	emu->regs.state = MHO_HW_STATE_RESET;
	pthread_mutex_unlock(&emu->regs.lock);
	mho_reset_and_wait(emu, req);
}

void mho_emu_reset(struct mho_emu *emu)
{
	reset(emu, MHO_REQ_FLR);
}

int mho_emu_renew(struct mho_emu *emu)
{
	int ret;

	reset(emu, MHO_REQ_FLR | MHO_REQ_RENEW);
	pthread_mutex_lock(&emu->lock);
	ret = emu->renew_error;
	pthread_mutex_unlock(&emu->lock);
	return ret;
}
