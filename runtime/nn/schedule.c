// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Learning-rate schedules.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "nn/internal.h"

static bool valid_rate(float rate)
{
	return isfinite(rate) && rate >= 0.0f;
}

static int check_table(const struct mho_nn_schedule *s)
{
	if (!s->table || s->entries < 1 || s->entries > MHO_NN_RATES_MAX)
		return nn_error(-EINVAL, "a table of learning rates has 1 to %d entries, not %u",
				MHO_NN_RATES_MAX, s->table ? s->entries : 0);
	if (s->table[0].epoch != 0)
		return nn_error(-EINVAL,
				"the table of learning rates begins with epoch %u; the first "
				"entry must be for epoch 0",
				s->table[0].epoch);
	for (uint32_t i = 0; i < s->entries; i++) {
		if (i && s->table[i].epoch <= s->table[i - 1].epoch)
			return nn_error(-EINVAL,
					"entry %u of the table of learning rates is for epoch %u, "
					"the one before it for epoch %u; sort them",
					i, s->table[i].epoch, s->table[i - 1].epoch);
		if (!valid_rate(s->table[i].rate))
			return nn_error(-EINVAL,
					"the learning rate for epoch %u is %g; it must be a "
					"finite number, 0 or larger",
					s->table[i].epoch, (double)s->table[i].rate);
	}
	return 0;
}

int mho_nn_schedule_check(const struct mho_nn_schedule *s)
{
	if (!s || s->size != sizeof(*s))
		return nn_error(-EINVAL, "struct mho_nn_schedule: size is not set; initialise it "
					 "with MHO_INIT(struct mho_nn_schedule)");
	if (s->decay > MHO_NN_DECAY_TABLE)
		return nn_error(-EINVAL, "learning-rate decay %u does not exist", s->decay);
	if (s->decay == MHO_NN_DECAY_TABLE)
		return check_table(s);
	if (!valid_rate(s->rate))
		return nn_error(-EINVAL,
				"the learning rate is %g; it must be a finite number, 0 or larger",
				(double)s->rate);
	if (s->decay != MHO_NN_DECAY_NONE && !valid_rate(s->factor))
		return nn_error(-EINVAL,
				"the learning rate's factor is %g; it must be a finite number, "
				"0 or larger",
				(double)s->factor);
	if (s->decay == MHO_NN_DECAY_STEP && !s->every)
		return nn_error(-EINVAL, "the learning rate is to decay every 0 epochs; use 1 or "
					 "more");
	return 0;
}

float mho_nn_schedule_rate(const struct mho_nn_schedule *s, uint32_t epoch)
{
	uint32_t i = 0;

	switch (s->decay) {
	case MHO_NN_DECAY_EPOCH:
		return s->rate * powf(s->factor, (float)epoch);
	case MHO_NN_DECAY_STEP:
		return s->rate * powf(s->factor, (float)(epoch / s->every));
	case MHO_NN_DECAY_TABLE:
		while (i + 1 < s->entries && s->table[i + 1].epoch <= epoch)
			i++;
		return s->table[i].rate;
	default:
		return s->rate;
	}
}

void nn_schedule_copy(struct nn_schedule *to, const struct mho_nn_schedule *from)
{
	to->s = *from;
	to->s.table = NULL;
	if (from->decay != MHO_NN_DECAY_TABLE)
		return;
	memcpy(to->table, from->table, from->entries * sizeof(*from->table));
	to->s.table = to->table;
}
