/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Arithmetic that the inner loops share: Philox random numbers, Gaussians, half
 * precision. Everything is written so that a compiler turns loops over it into
 * vector code, and so that each instruction set gives the same bits: additions,
 * multiplications, divisions and square roots in a fixed order, no contraction,
 * no library calls.
 */
#ifndef MHO_KERNELS_VEC_H
#define MHO_KERNELS_VEC_H

#include <stdint.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#define MHO_CONCAT_(a, b) a##_##b
#define MHO_CONCAT(a, b) MHO_CONCAT_(a, b)
/* A kernel's name in this build: one source, one object for each instruction set. */
#define MHO_KERNEL(name) MHO_CONCAT(name, MHO_ISA)
#define MHO_STRING_(a) #a
#define MHO_STRING(a) MHO_STRING_(a)

/* Counters that are computed together, and numbers that they yield. */
#define VEC_LANES 16
#define VEC_NUMBERS 64

static inline float vec_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint32_t vec_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

/*
 * Philox4x32-10 (Salmon et al., SC'11) for counters base..base + 15 in word 0; words 1 to 3 are the
 * stream's. out[16 * word + lane] is word `word` of counter base + lane, as in Random123.
 *
 * In intrinsics, since compilers do not find the widening multiplication of every other lane by
 * themselves, and it is most of the cost of a random number. V_* are for one vector of V_LANES.
 */
#if defined(__AVX512F__)
typedef __m512i vec_u32;
#define V_LANES 16
#define V_SET1(x) _mm512_set1_epi32((int)(x))
#define V_LOAD(p) _mm512_loadu_si512(p)
#define V_STORE(p, x) _mm512_storeu_si512(p, x)
#define V_XOR3(x, y, z) _mm512_ternarylogic_epi32(x, y, z, 0x96)
#define V_MUL(x, y) _mm512_mul_epu32(x, y)
#define V_DOWN(x) _mm512_srli_epi64(x, 32)
#define V_UP(x) _mm512_slli_epi64(x, 32)
#define V_MERGE(even, odd) _mm512_mask_blend_epi32(0xaaaa, even, odd)
#elif defined(__AVX2__)
typedef __m256i vec_u32;
#define V_LANES 8
#define V_SET1(x) _mm256_set1_epi32((int)(x))
#define V_LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define V_STORE(p, x) _mm256_storeu_si256((__m256i *)(p), x)
#define V_XOR3(x, y, z) _mm256_xor_si256(x, _mm256_xor_si256(y, z))
#define V_MUL(x, y) _mm256_mul_epu32(x, y)
#define V_DOWN(x) _mm256_srli_epi64(x, 32)
#define V_UP(x) _mm256_slli_epi64(x, 32)
#define V_MERGE(even, odd) _mm256_blend_epi32(even, odd, 0xaa)
#endif

static inline void vec_philox(uint32_t *restrict out, uint32_t base, const uint32_t stream[3],
			      const uint32_t key[2])
{
#ifdef V_LANES
	static const uint32_t lanes[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	const vec_u32 m0 = V_SET1(0xD2511F53U), m1 = V_SET1(0xCD9E8D57U);

	for (int i = 0; i < VEC_LANES; i += V_LANES) {
		vec_u32 c0, c1 = V_SET1(stream[0]), c2 = V_SET1(stream[1]), c3 = V_SET1(stream[2]);
		uint32_t first[V_LANES], k0 = key[0], k1 = key[1];

		for (int j = 0; j < V_LANES; j++)
			first[j] = base + lanes[i + j];
		c0 = V_LOAD(first);
		for (int round = 0; round < 10; round++) {
			vec_u32 even0 = V_MUL(c0, m0), odd0 = V_MUL(V_DOWN(c0), m0);
			vec_u32 even1 = V_MUL(c2, m1), odd1 = V_MUL(V_DOWN(c2), m1);

			c0 = V_XOR3(V_MERGE(V_DOWN(even1), odd1), c1, V_SET1(k0));
			c1 = V_MERGE(even1, V_UP(odd1));
			c2 = V_XOR3(V_MERGE(V_DOWN(even0), odd0), c3, V_SET1(k1));
			c3 = V_MERGE(even0, V_UP(odd0));
			k0 += 0x9E3779B9U;
			k1 += 0xBB67AE85U;
		}
		V_STORE(out + i, c0);
		V_STORE(out + VEC_LANES + i, c1);
		V_STORE(out + 2 * VEC_LANES + i, c2);
		V_STORE(out + 3 * VEC_LANES + i, c3);
	}
#else
	for (int i = 0; i < VEC_LANES; i++) {
		uint32_t c0 = base + (uint32_t)i, c1 = stream[0], c2 = stream[1], c3 = stream[2];
		uint32_t k0 = key[0], k1 = key[1];

		for (int round = 0; round < 10; round++) {
			uint64_t p0 = (uint64_t)0xD2511F53U * c0;
			uint64_t p1 = (uint64_t)0xCD9E8D57U * c2;

			c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
			c1 = (uint32_t)p1;
			c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
			c3 = (uint32_t)p0;
			k0 += 0x9E3779B9U;
			k1 += 0xBB67AE85U;
		}
		out[i] = c0;
		out[VEC_LANES + i] = c1;
		out[2 * VEC_LANES + i] = c2;
		out[3 * VEC_LANES + i] = c3;
	}
#endif
}

/* -2 ln(u) for u = (r + 1/2) 2^-32: the squared radius of Box and Muller; relative error < 2e-7. */
static inline float vec_radius2(uint32_t r)
{
	/* (r >> 8) has 24 bits, exact in binary32; the low 8 bits refine what is below 2^-16. */
	float u = r < (1U << 16) ? ((float)(int32_t)r + 0.5f) * 0x1p-32f :
				   ((float)(int32_t)(r >> 8) + 0.5f) * 0x1p-24f;
	uint32_t b = vec_bits(u);
	uint32_t shifted = b - 0x3f3504f3U; /* mantissa into [sqrt(1/2), sqrt(2)) */
	int32_t e = (int32_t)shifted >> 23;
	float m = vec_float((shifted & 0x007fffffU) + 0x3f3504f3U) - 1.0f;
	float s = m / (2.0f + m);
	float z = s * s;
	/* ln(1 + m) = 2 atanh(s), Taylor; |s| < 0.172 */
	float l = s *
		  (2.0f + z * (0.666666667f + z * (0.4f + z * (0.285714286f + z * 0.222222222f))));
	float f = -2.0f * ((float)e * 0.693147181f + l);

	return f > 0.0f ? f : 0.0f;
}

/* Sine and cosine of 2 pi r / 2^32; absolute error < 2e-7. */
static inline void vec_sincos(uint32_t r, float *sine, float *cosine)
{
	/* Octant by octant: t in [-1/8, 1/8) turns, then quadrant by sign and exchange. */
	uint32_t q = (r + 0x20000000U) >> 30;
	int32_t t = (int32_t)(r - (q << 30));
	float a = (float)(t >> 6) * (6.28318531f * 0x1p-26f);
	float z = a * a;
	float s = a * (1.0f + z * (-0.166666667f + z * (8.33333333e-3f + z * -1.98412698e-4f)));
	float c = 1.0f +
		  z * (-0.5f + z * (4.16666667e-2f + z * (-1.38888889e-3f + z * 2.48015873e-5f)));
	float x = q & 1 ? c : s;
	float y = q & 1 ? s : c;

	*sine = q & 2 ? -x : x;
	*cosine = (q + 1) & 2 ? -y : y;
}

/* 64 Gaussians: the pairs (word 0, word 1) and (word 2, word 3) of 16 counters. */
static inline void vec_gauss(float *restrict out, uint32_t base, const uint32_t stream[3],
			     const uint32_t key[2])
{
	uint32_t r[VEC_NUMBERS];

	vec_philox(r, base, stream, key);
	for (int i = 0; i < VEC_LANES; i++) {
		float s, c, radius = __builtin_sqrtf(vec_radius2(r[i]));

		vec_sincos(r[VEC_LANES + i], &s, &c);
		out[i] = radius * c;
		out[VEC_LANES + i] = radius * s;
	}
	for (int i = 0; i < VEC_LANES; i++) {
		float s, c, radius = __builtin_sqrtf(vec_radius2(r[2 * VEC_LANES + i]));

		vec_sincos(r[3 * VEC_LANES + i], &s, &c);
		out[2 * VEC_LANES + i] = radius * c;
		out[3 * VEC_LANES + i] = radius * s;
	}
}

/* binary16 to binary32, exact, subnormals included; no infinities or NaNs are stored. */
static inline float vec_half(uint16_t h)
{
	float magnitude = vec_float((uint32_t)(h & 0x7fffU) << 13) * 0x1p112f;

	return vec_float(vec_bits(magnitude) | (uint32_t)(h & 0x8000U) << 16);
}

static inline uint32_t vec_popcount(uint32_t x)
{
	x -= (x >> 1) & 0x55555555U;
	x = (x & 0x33333333U) + ((x >> 2) & 0x33333333U);
	x = (x + (x >> 4)) & 0x0f0f0f0fU;
	return (x * 0x01010101U) >> 24;
}

/* Round to nearest, ties to even, for |x| < 2^22: what rint() does, as two additions. */
static inline float vec_rint(float x)
{
	return (x + 12582912.0f) - 12582912.0f;
}

#endif
