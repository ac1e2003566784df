// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Random numbers of initial weights and of the order of samples, from a counter-based generator
 * (Random123's Philox): nothing to save in a checkpoint but seed and position.
 */
#include <Random123/philox.h>

#include "nn/internal.h"

static uint32_t draw(uint64_t seed, enum nn_stream stream, uint32_t instance, uint64_t i)
{
	philox4x32_ctr_t ctr = { { (uint32_t)(i >> 2), (uint32_t)(i >> 34), instance,
				   (uint32_t)stream } };
	philox4x32_key_t key = { { (uint32_t)seed, (uint32_t)(seed >> 32) } };

	return philox4x32(ctr, key).v[i & 3];
}

float nn_uniform(uint64_t seed, enum nn_stream stream, uint32_t instance, uint64_t i)
{
	/* 24 bits: what a binary32 mantissa holds, so that 1.0 is never reached. */
	return (float)(draw(seed, stream, instance, i) >> 8) * 0x1p-24f;
}

/* Uniform in [0, n) but for a bias below n / 2^32. */
static uint32_t below(uint32_t n, uint32_t random)
{
	return (uint32_t)(((uint64_t)n * random) >> 32);
}

void nn_permute(uint32_t *order, uint32_t n, uint64_t seed, enum nn_stream stream,
		uint32_t instance)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = below(i, draw(seed, stream, instance, i));
		uint32_t t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
}
