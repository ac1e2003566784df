// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Device time, counters since power-on, and the temperature: ambient plus thermal
 * resistance times mean power over the last stretch of device time.
 */
#include <string.h>

#include "emulator/emu.h"

/* Device time over which power is averaged; shorter than any heat sink's time constant. */
#define STRETCH_NS 10000000

void mho_time_reached(struct mho_emu *emu, uint64_t ns)
{
	if (ns > mho_time_ns(emu))
		atomic_store(&emu->time_ns, ns);
}

void mho_thermal_update(struct mho_emu *emu)
{
	const struct mho_topo_thermal *t = &emu->topo->thermal;
	uint64_t ns = mho_time_ns(emu) - emu->thermal_ns;
	double watt, rise;
	int32_t mc;
	bool hot;

	if (ns < STRETCH_NS || emu->dead || atomic_load(&emu->heat_until))
		return;
	/* 1 fJ / 1 ns = 1 uW */
	watt = (double)(emu->counters.energy_fj - emu->thermal_fj) / (double)ns * 1e-6;
	rise = watt * t->resistance_mc_per_w;
	mc = t->ambient_mc + (int32_t)(rise < 1e9 ? rise : 1e9);
	emu->thermal_ns += ns;
	emu->thermal_fj = emu->counters.energy_fj;
	atomic_store(&emu->temperature, mc);
	hot = mc >= t->warning_mc;
	if (hot != emu->hot) {
		emu->hot = hot;
		mho_log(emu, hot ? MHO_HW_LOG_WARNING : MHO_HW_LOG_INFO, MHO_HW_ST_OK,
			"temperature %d.%03d C is %s the warning level", mc / 1000, mc % 1000,
			hot ? "above" : "below");
		mho_regs_cause(emu, MHO_HW_IRQ_THERMAL);
	}
	if (mc >= t->critical_mc) {
		mho_log(emu, MHO_HW_LOG_ERROR, MHO_HW_ST_THERMAL_TRIP,
			"stopped at %d.%03d C, critical are %d.%03d C", mc / 1000, mc % 1000,
			t->critical_mc / 1000, t->critical_mc % 1000);
		mho_die(emu, MHO_HW_ST_THERMAL_TRIP, 0);
	}
}

/* Hot by order: above the warning level, below the critical one. */
static void be_hot(struct mho_emu *emu)
{
	const struct mho_topo_thermal *t = &emu->topo->thermal;

	atomic_store(&emu->temperature, t->warning_mc + (t->critical_mc - t->warning_mc) / 2);
}

void mho_thermal_heat(struct mho_emu *emu, uint64_t until)
{
	unsigned long seen = atomic_load(&emu->heat_until);

	if (until) {
		atomic_store(&emu->heat_until, until);
		be_hot(emu);
		mho_log_ordered(emu, MHO_HW_LOG_WARNING, MHO_HW_ST_OK,
				"temperature is above the warning level");
		mho_regs_cause(emu, MHO_HW_IRQ_THERMAL);
	} else if (seen) {
		/* Long past: the manager ends it. */
		atomic_compare_exchange_strong(&emu->heat_until, &seen, 1);
	}
	mho_notify_manager(emu);
}

uint64_t mho_thermal_expire(struct mho_emu *emu, uint64_t now)
{
	unsigned long until = atomic_load(&emu->heat_until);

	if (!until)
		return 0;
	if (until > now) {
		/* A command may have ended between the order and now. */
		be_hot(emu);
		return until;
	}
	mho_thermal_reset(emu);
	mho_log(emu, MHO_HW_LOG_INFO, MHO_HW_ST_OK, "temperature is below the warning level");
	mho_regs_cause(emu, MHO_HW_IRQ_THERMAL);
	return 0;
}

void mho_thermal_reset(struct mho_emu *emu)
{
	emu->thermal_ns = mho_time_ns(emu);
	emu->thermal_fj = emu->counters.energy_fj;
	emu->hot = false;
	atomic_store(&emu->heat_until, 0);
	atomic_store(&emu->temperature, emu->topo->thermal.ambient_mc);
}

void mho_counters_reset(struct mho_emu *emu)
{
	uint64_t pulses = emu->counters.lifetime_pulses;
	uint32_t cycles = emu->counters.power_cycles;
	unsigned int i;

	memset(&emu->counters, 0, sizeof(emu->counters));
	emu->counters.lifetime_pulses = pulses;
	emu->counters.power_cycles = cycles;
	for (i = 0; i < emu->topo->ntiles; i++) {
		emu->tiles[i].busy_ns = 0;
		emu->tiles[i].energy_fj = 0;
	}
	atomic_store(&emu->time_ns, 0);
}
