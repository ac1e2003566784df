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

/* For functions whose arguments are to be constants where they are called. */
#define VEC_INLINE static inline __attribute__((always_inline))

/* Counters that are computed together, words that they yield, and cells or outputs in a group. */
#define VEC_LANES 16
#define VEC_NUMBERS 64
#define VEC_GROUP 128

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
 * Philox4x32-10 (Salmon et al., SC'11) for 16 counters in word 0; words 1 to 3 are the stream's.
 * out[16 * word + lane] is word `word` of counter[lane], as in Random123.
 *
 * In intrinsics, since compilers do not find the widening multiplication of every other lane by
 * themselves, and it is most of the cost of a random number. Even and odd counters are kept apart,
 * each in the low half of a 64-bit lane. What is in the high halves does not matter, since the
 * multiplication does not look at it: so a product serves as its own low word, without a mask. V_*
 * are for one vector of V_LANES.
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

#ifdef V_LANES
/* The four words of V_LANES / 2 counters. */
struct vec_counters {
	vec_u32 c[4];
};

static inline void vec_philox_round(struct vec_counters *v, vec_u32 k0, vec_u32 k1)
{
	vec_u32 p0 = V_MUL(v->c[0], V_SET1(0xD2511F53U));
	vec_u32 p1 = V_MUL(v->c[2], V_SET1(0xCD9E8D57U));

	v->c[0] = V_XOR3(V_DOWN(p1), v->c[1], k0);
	v->c[1] = p1;
	v->c[2] = V_XOR3(V_DOWN(p0), v->c[3], k1);
	v->c[3] = p0;
}
#endif

static inline void vec_philox_at(uint32_t *restrict out, const uint32_t *restrict counter,
				 const uint32_t stream[3], const uint32_t key[2])
{
#ifdef V_LANES
	for (int i = 0; i < VEC_LANES; i += V_LANES) {
		uint32_t k0 = key[0], k1 = key[1];
		struct vec_counters even, odd;

		even.c[0] = V_LOAD(counter + i);
		odd.c[0] = V_DOWN(even.c[0]);
		for (int w = 0; w < 3; w++)
			even.c[w + 1] = odd.c[w + 1] = V_SET1(stream[w]);
		for (int round = 0; round < 10; round++) {
			vec_philox_round(&even, V_SET1(k0), V_SET1(k1));
			vec_philox_round(&odd, V_SET1(k0), V_SET1(k1));
			k0 += 0x9E3779B9U;
			k1 += 0xBB67AE85U;
		}
		for (int w = 0; w < 4; w++)
			V_STORE(out + w * VEC_LANES + i, V_MERGE(even.c[w], V_UP(odd.c[w])));
	}
#else
	for (int i = 0; i < VEC_LANES; i++) {
		uint32_t c0 = counter[i], c1 = stream[0], c2 = stream[1], c3 = stream[2];
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

/* The same for counters base..base + 15. */
static inline void vec_philox(uint32_t *restrict out, uint32_t base, const uint32_t stream[3],
			      const uint32_t key[2])
{
	uint32_t counter[VEC_LANES];

	for (uint32_t i = 0; i < VEC_LANES; i++)
		counter[i] = base + i;
	vec_philox_at(out, counter, stream, key);
}

/*
 * Of vec_philox() for base, base + 16, ... the numbers at @at, VEC_LANES of them: a counter for
 * each, of which one word is used.
 */
static inline void vec_random_at(uint32_t *restrict out, const uint32_t *restrict at, uint32_t base,
				 const uint32_t stream[3], const uint32_t key[2])
{
	uint32_t counter[VEC_LANES], r[VEC_NUMBERS];

	for (int i = 0; i < VEC_LANES; i++)
		counter[i] = base + at[i] / VEC_NUMBERS * VEC_LANES + at[i] % VEC_LANES;
	vec_philox_at(r, counter, stream, key);
	for (int i = 0; i < VEC_LANES; i++)
		out[i] = r[at[i] % VEC_NUMBERS / VEC_LANES * VEC_LANES + (uint32_t)i];
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

/* As vec_radius2() for u = (r + 1/2) 2^-16, r below 2^16; relative error < 2e-6. */
static inline float vec_radius2_16(uint32_t r)
{
	uint32_t b = vec_bits((float)(int32_t)r + 0.5f);
	uint32_t shifted = b - 0x3f3504f3U; /* mantissa into [sqrt(1/2), sqrt(2)) */
	int32_t e = ((int32_t)shifted >> 23) - 16;
	float x = vec_float((shifted & 0x007fffffU) + 0x3f3504f3U) - 1.0f;
	/* ln(1 + x) / x, interpolated at the Chebyshev nodes of the range */
	float p = -0.185738401f + x * 0.116578061f;

	p = 0.205254436f + x * p;
	p = -0.249203363f + x * p;
	p = 0.333135633f + x * p;
	p = -0.500008774f + x * p;
	p = 1.00000103f + x * p;
	return -2.0f * ((float)e * 0.693147181f + x * p);
}

/* Sine and cosine of 2 pi (r + 1/2) / 2^16, r below 2^16; absolute error < 4e-6. */
static inline void vec_sincos_16(uint32_t r, float *sine, float *cosine)
{
	uint32_t q = (r + 0x2000U) >> 14;
	float a = ((float)(int32_t)(r - (q << 14)) + 0.5f) * (6.28318531f * 0x1p-16f);
	float z = a * a;
	/* Least largest error on [-pi/4, pi/4]: Taylor's series is off by 4e-5 at the ends. */
	float s = a * (0.999995014f + z * (-0.166601765f + z * 8.12179266e-3f));
	float c = 1.0f + z * (-0.5f + z * (4.16666667e-2f + z * -1.38888889e-3f));
	float x = q & 1 ? c : s;
	float y = q & 1 ? s : c;

	*sine = vec_float(vec_bits(x) ^ (q & 2) << 30);
	*cosine = vec_float(vec_bits(y) ^ ((q + 1) & 2) << 30);
}

/*
 * 128 Gaussians from 16 counters, for the noise of pulses and outputs, of which there are most: 16
 * bits for the radius, 16 for the angle. No number exceeds 4.86; beyond that a Gaussian has 1e-6 of
 * its mass.
 */
static inline void vec_noise(float *restrict out, uint32_t base, const uint32_t stream[3],
			     const uint32_t key[2])
{
	uint32_t r[VEC_NUMBERS];

	vec_philox(r, base, stream, key);
	for (int i = 0; i < VEC_NUMBERS; i++) {
		float s, c, radius = __builtin_sqrtf(vec_radius2_16(r[i] >> 16));

		vec_sincos_16(r[i] & 0xffffU, &s, &c);
		out[i] = radius * c;
		out[VEC_NUMBERS + i] = radius * s;
	}
}

/*
 * Of vec_noise() for base, base + 16, ... the numbers at @at, VEC_LANES of them. A counter has eight
 * of them.
 */
static inline void vec_noise_at(float *restrict out, const uint32_t *restrict at, uint32_t base,
				const uint32_t stream[3], const uint32_t key[2])
{
	uint32_t word[VEC_LANES], r[VEC_LANES];

	for (int i = 0; i < VEC_LANES; i++)
		word[i] = at[i] / (2 * VEC_NUMBERS) * VEC_NUMBERS + at[i] % VEC_NUMBERS;
	vec_random_at(r, word, base, stream, key);
	for (int i = 0; i < VEC_LANES; i++) {
		float s, c, radius = __builtin_sqrtf(vec_radius2_16(r[i] >> 16));

		vec_sincos_16(r[i] & 0xffffU, &s, &c);
		out[i] = radius * (at[i] & VEC_NUMBERS ? s : c);
	}
}

/* 2^x; relative error < 2e-7, and 0 below 2^-126. */
static inline float vec_exp2(float x)
{
	float y = x < -126.0f ? -126.0f : x > 127.0f ? 127.0f : x;
	float n = (y + 12582912.0f) - 12582912.0f, f = y - n, p;

	/* Taylor's series of exp(f ln 2), |f| up to 1/2. */
	p = 1.54035304e-4f + f * 1.52527338e-5f;
	p = 1.33335581e-3f + f * p;
	p = 9.61812911e-3f + f * p;
	p = 5.55041087e-2f + f * p;
	p = 2.40226507e-1f + f * p;
	p = 6.93147181e-1f + f * p;
	p = 1.0f + f * p;
	p *= vec_float((uint32_t)((int32_t)n + 127) << 23);
	return x < -126.0f ? 0.0f : p;
}

/* Binary logarithm of a normal number above 0; absolute error < 2e-7 of max(1, |result|). */
static inline float vec_log2(float x)
{
	uint32_t b = vec_bits(x);
	uint32_t shifted = b - 0x3f3504f3U; /* mantissa into [sqrt(1/2), sqrt(2)) */
	int32_t e = (int32_t)shifted >> 23;
	float m = vec_float((shifted & 0x007fffffU) + 0x3f3504f3U) - 1.0f;
	float s = m / (2.0f + m), z = s * s;
	/* log2(1 + m) = 2 atanh(s) / ln 2 */
	float p = 0.412198583f + z * 0.320598898f;

	p = 0.577078016f + z * p;
	p = 0.961796694f + z * p;
	p = 2.88539008f + z * p;
	return (float)e + s * p;
}

/* binary16 to binary32, exact, subnormals included; no infinities or NaNs are stored. */
static inline float vec_half(uint16_t h)
{
	float magnitude = vec_float((uint32_t)(h & 0x7fffU) << 13) * 0x1p112f;

	return vec_float(vec_bits(magnitude) | (uint32_t)(h & 0x8000U) << 16);
}

/* The same for @n numbers, a multiple of 16; the instruction is exact, too, and gives the same bits. */
VEC_INLINE void vec_halves(float *restrict out, const uint16_t *restrict in, const int n)
{
#if defined(__AVX512F__)
	for (int i = 0; i < n; i += 16)
		_mm512_storeu_ps(out + i,
				 _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(in + i))));
#elif defined(__F16C__)
	for (int i = 0; i < n; i += 8)
		_mm256_storeu_ps(out + i,
				 _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(in + i))));
#else
	for (int i = 0; i < n; i++)
		out[i] = vec_half(in[i]);
#endif
}

/*
 * Of the first @n of VEC_LANES places numbers of 32 bits; the others are 0. Beyond the number at the
 * last place nothing is read.
 */
static inline void vec_gather(void *out, const void *from, const uint32_t *at, uint32_t n)
{
#ifdef __AVX512F__
	__mmask16 some = (__mmask16)((1U << n) - 1);

	_mm512_storeu_si512(out, _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), some,
							     _mm512_loadu_si512(at), from, 4));
#else
	uint32_t *to = out;
	const uint32_t *in = from;

	for (uint32_t j = 0; j < VEC_LANES; j++)
		to[j] = j < n ? in[at[j]] : 0;
#endif
}

/* The same for numbers of 16 bits, of which two bytes behind may be read, too. */
static inline void vec_gather_halves(uint16_t *out, const uint16_t *from, const uint32_t *at,
				     uint32_t n)
{
#ifdef __AVX512F__
	__mmask16 some = (__mmask16)((1U << n) - 1);
	__m512i wide = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), some,
						   _mm512_loadu_si512(at), from, 2);

	_mm256_storeu_si256((__m256i *)out, _mm512_cvtepi32_epi16(wide));
#else
	for (uint32_t j = 0; j < VEC_LANES; j++)
		out[j] = j < n ? from[at[j]] : 0;
#endif
}

/* Numbers of 32 bits to the first @n of VEC_LANES places, which differ. */
static inline void vec_scatter(void *to, const void *in, const uint32_t *at, uint32_t n)
{
#ifdef __AVX512F__
	_mm512_mask_i32scatter_epi32(to, (__mmask16)((1U << n) - 1), _mm512_loadu_si512(at),
				     _mm512_loadu_si512(in), 4);
#else
	uint32_t *out = to;
	const uint32_t *from = in;

	for (uint32_t j = 0; j < n; j++)
		out[at[j]] = from[j];
#endif
}

/*
 * Writes one after the other, of VEC_LANES pairs (@index, @value), those whose value is not 0. Up to
 * VEC_LANES of each are written; the caller's room is for as many. It may be where the pairs are.
 * Return: how many pairs.
 */
static inline uint32_t vec_pack(uint32_t *to_index, uint32_t *to_value, const uint32_t *index,
				const uint32_t *value)
{
#ifdef __AVX512F__
	__m512i i = _mm512_loadu_si512(index), v = _mm512_loadu_si512(value);
	__mmask16 some = _mm512_test_epi32_mask(v, v);

	_mm512_storeu_si512(to_index, _mm512_maskz_compress_epi32(some, i));
	_mm512_storeu_si512(to_value, _mm512_maskz_compress_epi32(some, v));
	return (uint32_t)__builtin_popcount(some);
#else
	uint32_t n = 0;

	for (int j = 0; j < VEC_LANES; j++) {
		uint32_t i = index[j], v = value[j];

		to_index[n] = i;
		to_value[n] = v;
		n += v != 0;
	}
	return n;
#endif
}

static inline uint32_t vec_popcount(uint32_t x)
{
#ifdef __AVX512VPOPCNTDQ__
	return (uint32_t)__builtin_popcount(x);
#else
	x -= (x >> 1) & 0x55555555U;
	x = (x & 0x33333333U) + ((x >> 2) & 0x33333333U);
	x = (x + (x >> 4)) & 0x0f0f0f0fU;
	return (x * 0x01010101U) >> 24;
#endif
}

static inline float clip(float w, float min, float max)
{
	w = w > max ? max : w;
	return w < min ? min : w;
}

/* Round to nearest, ties to even, for |x| < 2^22: what rint() does, as two additions. */
static inline float vec_rint(float x)
{
	return (x + 12582912.0f) - 12582912.0f;
}

#endif
