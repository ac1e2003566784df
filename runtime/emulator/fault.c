// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Orders of faults inside the card: their names and arguments, and what is left of
 * them. Faults that happen at once happen here. What the others do is with those
 * who ask for them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/emu.h"

#define DELAY_MAX_MS 60000
#define HEAT_MS 10000
#define HEAT_MAX_MS 600000
/* A century: what 64 bits of nanoseconds hold many times over. */
#define REST_MAX_S 3155760000U
#define WORDS_MAX 2

void mho_fault_init(struct mho_emu *emu)
{
	pthread_mutex_init(&emu->faults.lock, NULL);
}

void mho_fault_free(struct mho_emu *emu)
{
	pthread_mutex_destroy(&emu->faults.lock);
}

static uint64_t left(const struct mho_faults *f, enum mho_fault id)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i <= MHO_HW_QUEUES_MAX; i++)
		sum += f->left[id][i];
	return sum;
}

/* With the lock held, after a change of .left. */
static void update(struct mho_faults *f, enum mho_fault id)
{
	if (left(f, id))
		atomic_fetch_or(&f->armed, 1U << id);
	else
		atomic_fetch_and(&f->armed, ~(1U << id));
}

bool mho_fault_take(struct mho_emu *emu, enum mho_fault id, unsigned int queue, uint32_t *arg)
{
	struct mho_faults *f = &emu->faults;
	uint64_t *from;
	bool take;

	if (!mho_fault_armed(emu, 1U << id))
		return false;
	pthread_mutex_lock(&f->lock);
	from = f->left[id][queue] ? &f->left[id][queue] : &f->left[id][0];
	take = *from > 0;
	if (take) {
		(*from)--;
		f->taken[id]++;
		if (arg)
			*arg = f->arg[id];
		update(f, id);
	}
	pthread_mutex_unlock(&f->lock);
	return take;
}

static void arm(struct mho_emu *emu, enum mho_fault id, unsigned int queue, uint64_t n,
		uint32_t arg)
{
	struct mho_faults *f = &emu->faults;

	pthread_mutex_lock(&f->lock);
	f->left[id][queue] = n;
	f->arg[id] = arg;
	update(f, id);
	pthread_mutex_unlock(&f->lock);
}

static void count(struct mho_emu *emu, enum mho_fault id)
{
	pthread_mutex_lock(&emu->faults.lock);
	emu->faults.taken[id]++;
	pthread_mutex_unlock(&emu->faults.lock);
}

/* ---- arguments ---- */

/* Return: whether @word, or @otherwise if there is none, is a number up to @max. */
static bool number(const char *word, uint64_t otherwise, uint64_t max, uint64_t *value)
{
	char *end;

	*value = otherwise;
	if (!word)
		return true;
	if (*word < '0' || *word > '9')
		return false;
	errno = 0;
	*value = strtoull(word, &end, 0);
	return !errno && !*end && *value <= max;
}

/* By name or number; OK is none. */
static bool status_of(const char *word, uint64_t *value)
{
#define STATUS_NAME(name, value, text) { #name, value },
	static const struct {
		const char *name;
		uint16_t value;
	} names[] = { MHO_HW_STATUS_LIST(STATUS_NAME) };
#undef STATUS_NAME

	for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
		*value = names[i].value;
		if (!strcmp(word, names[i].name))
			return true;
	}
	return number(word, 0, UINT16_MAX, value) && *value;
}

/* ---- orders: each takes the words after its name, or NULL ---- */

static int arm_count(struct mho_emu *emu, enum mho_fault id, char *const *words)
{
	uint64_t n;

	if (!number(words[0], 1, UINT32_MAX, &n))
		return -EINVAL;
	arm(emu, id, 0, n, 0);
	return 0;
}

static int arm_queue(struct mho_emu *emu, enum mho_fault id, char *const *words)
{
	uint64_t queue, n;

	if (!number(words[0], 0, emu->topo->limits.queues, &queue) ||
	    !number(words[1], 1, UINT32_MAX, &n))
		return -EINVAL;
	arm(emu, id, queue, n, 0);
	return 0;
}

static int arm_delay(struct mho_emu *emu, enum mho_fault id, char *const *words)
{
	uint64_t ms, n;

	if (!words[0] || !number(words[0], 0, DELAY_MAX_MS, &ms) ||
	    !number(words[1], 1, UINT32_MAX, &n))
		return -EINVAL;
	arm(emu, id, 0, n, ms);
	return 0;
}

static int arm_error(struct mho_emu *emu, enum mho_fault id, char *const *words)
{
	uint64_t status, n;

	if (!words[0] || !status_of(words[0], &status) || !number(words[1], 1, UINT32_MAX, &n))
		return -EINVAL;
	arm(emu, id, 0, n, status);
	return 0;
}

static int arm_switch(struct mho_emu *emu, enum mho_fault id, char *const *words)
{
	bool off = words[0] && !strcmp(words[0], "off");

	if (words[0] && !off && strcmp(words[0], "on") != 0)
		return -EINVAL;
	arm(emu, id, 0, !off, 0);
	return 0;
}

static int crash(struct mho_emu *emu, enum mho_fault id, char *const *words)
{
	(void)words;
	if (!mho_die_soon(emu, MHO_HW_ST_INTERNAL))
		return -EAGAIN;
	mho_log_ordered(emu, MHO_HW_LOG_ERROR, MHO_HW_ST_INTERNAL, "firmware crashed");
	count(emu, id);
	return 0;
}

static int thermal_trip(struct mho_emu *emu, enum mho_fault id, char *const *words)
{
	(void)words;
	if (!mho_die_soon(emu, MHO_HW_ST_THERMAL_TRIP))
		return -EAGAIN;
	atomic_store(&emu->temperature, emu->topo->thermal.critical_mc);
	mho_log_ordered(emu, MHO_HW_LOG_ERROR, MHO_HW_ST_THERMAL_TRIP,
			"stopped at the critical temperature");
	count(emu, id);
	return 0;
}

static int thermal_warn(struct mho_emu *emu, enum mho_fault id, char *const *words)
{
	uint64_t ms;

	if (!number(words[0], HEAT_MS, HEAT_MAX_MS, &ms) || !ms)
		return -EINVAL;
	(void)id;
	mho_thermal_heat(emu, mho_now_ns() + ms * 1000000);
	return 0;
}

static int rest(struct mho_emu *emu, enum mho_fault id, char *const *words)
{
	uint64_t seconds;

	if (!words[0] || !number(words[0], 0, REST_MAX_S, &seconds))
		return -EINVAL;
	pthread_mutex_lock(&emu->lock);
	for (uint32_t i = 0; i < emu->topo->ntiles; i++)
		mho_tile_rest(emu->tiles[i].phys, seconds * 1000000000);
	pthread_mutex_unlock(&emu->lock);
	count(emu, id);
	return 0;
}

static const struct {
	const char *name;
	const char *usage;
	unsigned int words; /* at most */
	int (*order)(struct mho_emu *emu, enum mho_fault id, char *const *words);
} table[MHO_FAULTS] = {
	[MHO_FAULT_HANG] = { "hang", "hang [QUEUE [COUNT]]", 2, arm_queue },
	[MHO_FAULT_HANG_HARD] = { "hang-hard", "hang-hard [QUEUE]", 1, arm_queue },
	[MHO_FAULT_ADMIN_HANG] = { "admin-hang", "admin-hang [COUNT]", 1, arm_count },
	[MHO_FAULT_CQE_LOSE] = { "cqe-lose", "cqe-lose [COUNT]", 1, arm_count },
	[MHO_FAULT_CQE_DUPLICATE] = { "cqe-duplicate", "cqe-duplicate [COUNT]", 1, arm_count },
	[MHO_FAULT_CQE_BAD_CID] = { "cqe-bad-cid", "cqe-bad-cid [COUNT]", 1, arm_count },
	[MHO_FAULT_CQE_GARBAGE] = { "cqe-garbage", "cqe-garbage [COUNT]", 1, arm_count },
	[MHO_FAULT_CMD_DELAY] = { "cmd-delay", "cmd-delay MS [COUNT], at most 60000 ms", 2,
				  arm_delay },
	[MHO_FAULT_CMD_ERROR] = { "cmd-error", "cmd-error STATUS [COUNT], by name or number", 2,
				  arm_error },
	[MHO_FAULT_FW_REFUSE] = { "fw-refuse", "fw-refuse [COUNT]", 1, arm_count },
	[MHO_FAULT_BOOT_HANG] = { "boot-hang", "boot-hang [COUNT]", 1, arm_count },
	[MHO_FAULT_RESET_HANG] = { "reset-hang", "reset-hang [COUNT]", 1, arm_count },
	[MHO_FAULT_CRASH] = { "crash", "crash", 0, crash },
	[MHO_FAULT_THERMAL_TRIP] = { "thermal-trip", "thermal-trip", 0, thermal_trip },
	[MHO_FAULT_THERMAL_WARN] = { "thermal-warn", "thermal-warn [MS], at most 600000 ms", 1,
				     thermal_warn },
	[MHO_FAULT_REST] = { "rest", "rest SECONDS, at most 3155760000", 1, rest },
	[MHO_FAULT_BAD_ID] = { "bad-id", "bad-id [on|off]", 1, arm_switch },
	[MHO_FAULT_BAD_VERSION] = { "bad-version", "bad-version [on|off]", 1, arm_switch },
	[MHO_FAULT_NO_VECTORS] = { "no-vectors", "no-vectors [on|off]", 1, arm_switch },
};

int mho_emu_fault(struct mho_emu *emu, const char *name, char *const *words)
{
	/* What is not there reads as NULL, however few words were passed. */
	char *padded[WORDS_MAX + 1] = { NULL };
	unsigned int n = 0;

	for (unsigned int id = 0; id < MHO_FAULTS; id++) {
		if (strcmp(name, table[id].name) != 0)
			continue;
		for (; words && words[n]; n++) {
			if (n == table[id].words)
				return -EINVAL;
			padded[n] = words[n];
		}
		return table[id].order(emu, id, padded);
	}
	return -ENOENT;
}

void mho_emu_fault_clear(struct mho_emu *emu)
{
	struct mho_faults *f = &emu->faults;

	pthread_mutex_lock(&f->lock);
	memset(f->left, 0, sizeof(f->left));
	atomic_store(&f->armed, 0);
	pthread_mutex_unlock(&f->lock);
	mho_thermal_heat(emu, 0);
}

bool mho_emu_fault_info(struct mho_emu *emu, unsigned int index, struct mho_emu_fault_info *info)
{
	struct mho_faults *f = &emu->faults;

	if (index >= MHO_FAULTS)
		return false;
	info->name = table[index].name;
	info->usage = table[index].usage;
	info->kind = table[index].order == arm_switch || table[index].order == thermal_warn ?
			     MHO_EMU_FAULT_LASTS :
		     table[index].words && table[index].order != rest ? MHO_EMU_FAULT_COUNTED :
									MHO_EMU_FAULT_NOW;
	pthread_mutex_lock(&f->lock);
	info->armed = left(f, index);
	info->taken = f->taken[index];
	pthread_mutex_unlock(&f->lock);
	if (index == MHO_FAULT_THERMAL_WARN)
		info->armed = atomic_load(&emu->heat_until) != 0;
	return true;
}
