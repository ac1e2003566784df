/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Pulse trains of lines: each slot of a train is set with the line's probability.
 * Part of kernels.c.
 */
#ifndef MHO_KERNELS_TRAINS_H
#define MHO_KERNELS_TRAINS_H

/* Binary digits of a probability: its resolution is 2^-24. */
#define TRAIN_BITS 24
/* Counters that a word of a train of one of VEC_LANES lines may take. */
#define TRAIN_COUNTERS (TRAIN_BITS / 4 * VEC_LANES)

/*
 * 16 words of slots that are each set with probability p 2^-24: the slot's random number, drawn
 * digit by digit from the top, is below p. A slot is decided at the first digit that differs from
 * p's, so that a third to a half of the digits are drawn. @counter: of each train's first random
 * words, VEC_LANES apart.
 */
static inline void train_words(uint32_t *restrict r, const uint32_t *restrict p, uint32_t mask,
			       const uint32_t *restrict counter, const struct mho_stream *s)
{
	uint32_t open[VEC_LANES], next[VEC_LANES], any = 0;

	memcpy(next, counter, sizeof(next));

	for (int j = 0; j < VEC_LANES; j++) {
		uint32_t certain = 0U - (p[j] >> TRAIN_BITS);

		r[j] = certain & mask;
		open[j] = p[j] ? mask & ~certain : 0;
		any |= open[j];
	}
	for (uint32_t k = 0; any && k < TRAIN_BITS; k += 4) {
		uint32_t z[VEC_NUMBERS];

		vec_philox_at(z, next, s->words, s->key);
		for (uint32_t b = 0; b < 4; b++) {
			for (int j = 0; j < VEC_LANES; j++) {
				uint32_t digit = 0U - (p[j] >> (TRAIN_BITS - 1 - k - b) & 1U);
				uint32_t y = z[VEC_LANES * b + j];

				r[j] |= open[j] & digit & ~y;
				open[j] &= ~(digit ^ y);
			}
		}
		any = 0;
		for (int j = 0; j < VEC_LANES; j++) {
			any |= open[j];
			next[j] += VEC_LANES;
		}
	}
}

/* Lines with a probability, and it: into index and packed. Return: how many. */
static uint32_t find_driven(const struct mho_trains *t, const float *x, uint32_t n, float scale)
{
	uint32_t driven = 0;

	for (uint32_t i = 0; i < n; i += VEC_LANES) {
		uint32_t m = n - i < VEC_LANES ? n - i : VEC_LANES;
		uint32_t p[VEC_LANES], negative[VEC_LANES], at[VEC_LANES];
		float in[VEC_LANES] = { 0 };

		memcpy(in, x + i, m * sizeof(*in));
		for (uint32_t j = 0; j < VEC_LANES; j++) {
			float q = __builtin_fabsf(in[j]) * scale;

			q = q > 1.0f ? 1.0f : q;
			p[j] = (uint32_t)(int32_t)(q * 0x1p24f + 0.5f);
			negative[j] = (uint32_t)((int32_t)vec_bits(in[j]) >> 31);
			at[j] = i + j;
		}
		memcpy(t->negative + i, negative, m * sizeof(*negative));
		driven += vec_pack(t->index + driven, t->packed + driven, at, p);
	}
	return driven;
}

/* A train's random numbers are those of its line, whatever other lines there are. */
static void trains(struct mho_trains *t, const float *x, uint32_t n, float scale, uint32_t slots,
		   const struct mho_stream *s)
{
	uint32_t words = (slots + 31) / 32, driven = find_driven(t, x, n, scale), active = 0;
	uint64_t ones = 0;

	memset(t->bits, 0, (size_t)words * n * sizeof(*t->bits));
	for (uint32_t i = 0; i < driven; i += VEC_LANES) {
		uint32_t m = driven - i < VEC_LANES ? driven - i : VEC_LANES;
		uint32_t p[VEC_LANES] = { 0 }, at[VEC_LANES] = { 0 }, counter[VEC_LANES];
		uint32_t r[VEC_LANES];

		memcpy(p, t->packed + i, m * sizeof(*p));
		memcpy(at, t->index + i, m * sizeof(*at));
		for (int j = 0; j < VEC_LANES; j++)
			counter[j] = at[j] / VEC_LANES * words * TRAIN_COUNTERS + at[j] % VEC_LANES;
		for (uint32_t w = 0; w < words; w++) {
			uint32_t left = slots - 32 * w, sum = 0;

			train_words(r, p, left >= 32 ? 0xffffffffU : (1U << left) - 1, counter, s);
			for (int j = 0; j < VEC_LANES; j++) {
				sum += vec_popcount(r[j]);
				counter[j] += TRAIN_COUNTERS;
			}
			ones += sum;
			for (uint32_t j = 0; j < m; j++)
				t->bits[(size_t)w * n + at[j]] = r[j];
		}
		if (words == 1)
			active += vec_pack(t->index + active, t->packed + active, at, r);
	}
	t->active = active;
	t->slots = slots;
	t->ones = ones;
}

#endif
